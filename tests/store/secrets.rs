//! Secrets: none is in any byte that was written, however it came.

use std::fs;
use std::path::Path;

use crumbtrail::{Breadcrumb, Throttle, User};
use serde_json::json;
use tracing::{error, info_span, warn};

use crate::rig::{Folder, LONG, Live, Rig, child_at, given_path, into, say};
use crate::support::{ledger_balances, role};

/// What stands in no file; a number of the place follows.
const CANARY: &str = "c4nary";
/// What stands there, so that a search that looks in the wrong place does not find nothing for that.
const PLAIN: &str = "sparr0w";

/// The canary of a place. Made here, since an event may show its source.
fn canary(place: usize) -> String {
    format!("{CANARY}{place:03}x")
}

#[test]
fn no_secret_is_in_any_byte_of_any_file() {
    const NAME: &str = "secrets::no_secret_is_in_any_byte_of_any_file";
    if role().is_some() {
        return tell_secrets();
    }
    let folder = Folder::new("secrets");
    let mut live = Live::start(child_at("tells", NAME, &folder.store()));
    live.says("told");
    // While it is open: the log and its index are there too.
    let while_open = search(folder.path());
    assert!(while_open > 1, "{while_open} files");
    let over = live.kill();
    search(folder.path());
    for text in [over.stderr, over.said.join("\n")] {
        assert!(!text.contains(CANARY), "{text}");
    }
    let next = Rig::new(into(&folder.store()));
    next.guard.flush(LONG).unwrap();
    ledger_balances(&next.guard);
    next.end();
    search(folder.path());
}

/// Looks through every file of the folder, and what is compressed in it; how many there were.
#[track_caller]
fn search(folder: &Path) -> usize {
    let mut files = 0;
    let mut plain = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        files += 1;
        for bytes in std::iter::once(bytes.clone()).chain(compressed(&bytes)) {
            let text = String::from_utf8_lossy(&bytes);
            if let Some(at) = text.find(CANARY) {
                let around = text[..at]
                    .chars()
                    .rev()
                    .take(200)
                    .collect::<Vec<_>>()
                    .into_iter()
                    .rev()
                    .collect::<String>();
                panic!("{}: …{around}{}", path.display(), &text[at..at + CANARY.len() + 4]);
            }
            plain += text.matches(PLAIN).count();
        }
    }
    assert!(plain > 10, "the search does not see what is there: {plain}");
    files
}

/// What stands in a file as a frame of zstd. One that is continued on another page of the file is read up to there.
fn compressed(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let starts = bytes.windows(4).enumerate().filter(|(_, magic)| *magic == [0x28, 0xb5, 0x2f, 0xfd]);
    starts.map(|(at, _)| {
        let mut read = Vec::new();
        if let Ok(mut decoder) = zstd::stream::read::Decoder::new(&bytes[at..]) {
            // Up to where it ends, or where it is cut off.
            let mut part = [0; 64];
            while let Ok(length @ 1..) = std::io::Read::read(&mut decoder, &mut part) {
                read.extend_from_slice(&part[..length]);
            }
        }
        read
    })
}

fn tell_secrets() {
    // What is told in full, and what is only counted.
    let rig =
        Rig::new(into(&given_path("PATH")).throttle(Throttle::Limits { issue: 2, all: 600, line: u32::MAX }));
    rig.run(|| {
        for round in 0..5 {
            in_errors(round);
            in_a_lane(round);
            without_an_error();
            if round % 2 == 0 {
                rig.guard.flush(LONG).unwrap();
            }
        }
        // Not flushed: it is held.
        let _order = info_span!("order", otel.kind = "server").entered();
        error!(error = "refused", password = canary(90), plain = PLAIN, "held: token={}", canary(91));
        error!(error = "refused", "what comes behind it");
        crate::support::until(LONG, || {
            let _ = rig.guard.stats();
            fs::metadata(crate::rig::beside(&given_path("PATH"), "-wal")).is_ok()
        });
    });
    ledger_balances(&rig.guard);
    say("told");
    std::thread::sleep(2 * LONG);
}

fn in_errors(round: usize) {
    let _work = info_span!("work", round).entered();
    warn!(token = canary(1), "password={}", canary(2));
    warn!("GET https://ada:{}@shop/pay?{}", canary(3), canary(4));
    crumbtrail::add_breadcrumb(
        Breadcrumb::new(format!("Bearer {}", canary(5)))
            .category(format!("token={}", canary(6)))
            .data("cookie", canary(7))
            .data("nested", json!({ "session": { "id": canary(8) } })),
    );
    error!(
        error = %std::io::Error::other(format!("no luck: secret={}", canary(9))),
        api_key = %canary(10),
        plain = PLAIN,
        uri = format!("/pay?{}", canary(11)),
        database = format!("postgres://shop:{}@db/shop", canary(12)),
        json = json!({ "auth": { "by": canary(13) } }).to_string(),
        "cannot pay with card {} and token={} {PLAIN}", "4111 1111 1111 1111", canary(14)
    );
    // A title, and what an issue is known by.
    error!(error = "refused", "password={}", canary(15));
    // With the secret in what tells one issue from another.
    error!(error = %format!("token={}", canary(16)), "{}", format!("Bearer {}", canary(17)));
}

/// What shares are told of: its user and tags are counted, whether it fails or not.
fn in_a_lane(round: usize) {
    for fails in [false, true] {
        let _order = info_span!(
            "order",
            otel.kind = "server",
            url.full = format!("https://ada:{}@shop/pay?{}#x", canary(20), canary(21)),
            client.address = canary(22),
            tags.session_id = canary(23),
            tags.said = format!("password: {}", canary(24)),
            tags.shelf = PLAIN,
        )
        .entered();
        crumbtrail::set_user(User::new(format!("Bearer {}", canary(25))));
        crumbtrail::set_tag("api-key", canary(26));
        crumbtrail::set_tag("by", format!("Basic {}==", canary(27)));
        crumbtrail::set_context("cart", json!({ "a": [{ "authToken": canary(28) }] }));
        if fails {
            error!(error = "refused", round, "failed {PLAIN}");
        }
    }
    let _order = info_span!(
        "order",
        otel.kind = "server",
        user.id = round,
        user.email = format!("token={}", canary(29))
    )
    .entered();
}

fn without_an_error() {
    error!(password = canary(30), "no error here: token={} {PLAIN}", canary(31));
    error!("password={} of nobody", canary(32));
    error!(target: "shop", "Bearer {}", canary(33));
}
