//! What a person reads on stderr, in processes of their own.

use std::time::Duration;

use tracing::{error, info_span, warn};
use tracing_subscriber::prelude::*;

use crumbtrail::{Breadcrumb, Console, User};

use crate::errors::payment;
use crate::support::{child, role};

/// Runs `work` under a pipeline that writes to the console of this process, and waits until all is written.
fn on_the_console(work: impl FnOnce()) {
    let (layer, guard) = crumbtrail::builder()
        .release("shop@1.2.3")
        .environment("staging")
        .server_name("web-7")
        .sink(Console::stderr())
        .build()
        .unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
    guard.flush(Duration::from_secs(20)).unwrap();
}

#[test]
fn a_failure_reads_from_its_title_to_its_tags() {
    if role().is_some() {
        return on_the_console(|| {
            let request = info_span!(
                "request",
                user.id = 42,
                order = 17,
                http.method = "POST",
                http.route = "/pay/{id}"
            );
            let _request = request.entered();
            crumbtrail::set_tag("plan", "pro");
            warn!(attempt = 1, "gateway is slow");
            let hours_ago = std::time::SystemTime::now() - Duration::from_secs(7_300);
            let mut early = Breadcrumb::new("signed in").category("auth").data("by", "google");
            early.time = hours_ago;
            crumbtrail::add_breadcrumb(early);
            error!(error = &payment() as &dyn std::error::Error, "cannot charge");
        });
    }
    let ended = child("reader", "console::a_failure_reads_from_its_title_to_its_tags").run().succeeded();
    let text = ended.stderr;
    // Each in its place, one below the other.
    let mut rest = text.as_str();
    let mut parts = vec![
        "ERROR cannot charge\n",
        "  Payment: payment failed\n",
        "  caused by Gateway: gateway pay-3 gave no answer\n",
        "  at ",
    ];
    if cfg!(feature = "stack") {
        parts.push("a_failure_reads_from_its_title_to_its_tags");
    }
    parts.extend([
        "tests/capture/console.rs:",
        " │         error!(error = &payment() as &dyn std::error::Error, \"cannot charge\");\n",
        "  trail of this span\n",
        " ms  WARN   capture::console  gateway is slow  attempt=1\n",
        "   -2 h  INFO   auth              signed in  by=google\n",
        "  user     42\n",
        "  request  POST /pay/{id}\n",
        "  tags     plan=pro\n",
        "  spans    request  order=17\n",
        "  release  shop@1.2.3 in staging on web-7\n",
    ]);
    for part in parts {
        let at =
            rest.find(part).unwrap_or_else(|| panic!("{part:?} is missing, or out of its place:\n{text}"));
        rest = &rest[at + part.len()..];
    }
    for machinery in ["tracing::", "tracing_core::", "tokio::runtime", "std::thread", "crumbtrail::layer"] {
        let at = format!("  at {machinery}");
        assert!(!text.contains(&at), "{machinery}:\n{text}");
    }
}

/// Everything that could steer a terminal, break a line, or turn the direction of the text.
const EVIL: &str = "<\u{1b}[31m\u{9b}2J\r\n\n\u{7}\u{8}\u{0}\u{7f}\u{85}\u{2028}\u{2029}\u{202E}\u{2066}\u{200F}\u{061C}\u{FEFF}>";

#[derive(Debug)]
struct Evil;

impl std::fmt::Display for Evil {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(EVIL)
    }
}

impl std::error::Error for Evil {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&std::fmt::Error)
    }
}

#[test]
fn nothing_that_is_logged_steers_the_terminal() {
    if role().is_some() {
        let (layer, guard) = crumbtrail::builder()
            .release(EVIL)
            .environment(EVIL)
            .server_name(EVIL)
            .sink(Console::stderr())
            .build()
            .unwrap();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let span = info_span!(
                "<\u{1b}[2J\n>",
                url.path = EVIL,
                http.method = EVIL,
                http.route = EVIL,
                field = EVIL,
                "<\u{1b}\n>" = 1
            );
            let _span = span.entered();
            crumbtrail::set_user(User::new(EVIL).email(EVIL).username(EVIL).ip_address(EVIL));
            crumbtrail::set_tag(EVIL, EVIL);
            crumbtrail::set_context(EVIL, EVIL);
            warn!(target: "<\u{1b}\n>", field = EVIL, "{EVIL}");
            crumbtrail::add_breadcrumb(Breadcrumb::new(EVIL).category(EVIL).data(EVIL, EVIL));
            error!(target: "<\u{1b}\n>", error = &Evil as &dyn std::error::Error, field = EVIL, "{EVIL}");
            error!(error = ?EVIL);
            error!(error = %Evil, "another");
        });
        guard.flush(Duration::from_secs(20)).unwrap();
        return;
    }
    let ended = child("evil", "console::nothing_that_is_logged_steers_the_terminal").run().succeeded();
    let text = ended.stderr;
    let steering: Vec<char> = text
        .chars()
        .filter(|c| *c != '\n' && (c.is_control() || EVIL.contains(*c) && !"<>[]31m2J".contains(*c)))
        .collect();
    assert!(steering.is_empty(), "{steering:?}\n{text}");
    assert!(text.contains("\\u{1b}[31m") && text.contains("\\u{202e}"), "{text}");
    // No line of the report was begun by what was logged: each is indented, but for the three titles.
    let titles = text.lines().filter(|line| line.starts_with("ERROR ")).count();
    let others = text.lines().filter(|line| !line.starts_with("ERROR ") && !line.starts_with("  "));
    assert_eq!(
        (titles, others.filter(|line| !line.is_empty()).collect::<Vec<_>>()),
        (3, Vec::new()),
        "{text}"
    );
}

#[test]
fn a_cut_chain_and_trail_say_so() {
    if role().is_some() {
        return on_the_console(|| {
            (0..200).for_each(|number| warn!("step {number}"));
            let failed = crate::errors::with_contexts(100);
            error!(error = %failed, "failed");
        });
    }
    let ended = child("cut", "console::a_cut_chain_and_trail_say_so").run().succeeded();
    let text = ended.stderr;
    for part in [
        "caused by …\n",
        "trail of this thread, older ones may be missing\n    … 70 earlier\n",
        "step 170\n",
        "step 199\n",
    ] {
        assert!(text.contains(part), "{part:?} is missing:\n{text}");
    }
    assert!(!text.contains("step 169\n"), "{text}");
}

/// A pipe is no terminal.
#[test]
fn a_pipe_gets_no_colours_and_the_width_it_asks_for() {
    if role().is_some() {
        return on_the_console(|| {
            warn!("{}", "as wide as it can be ".repeat(10));
            error!(error = "refused", "{}", "too wide ".repeat(20));
        });
    }
    for columns in [50, 130] {
        let mut reader = child("wide", "console::a_pipe_gets_no_colours_and_the_width_it_asks_for");
        reader
            .command
            .env("COLUMNS", columns.to_string())
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR");
        let text = reader.run().succeeded().stderr;
        assert!(!text.contains('\u{1b}'), "{text}");
        let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
        assert!((columns - 25..=columns).contains(&widest), "{widest} of {columns}:\n{text}");
    }
}
