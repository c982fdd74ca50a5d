//! Disks without room: the host goes on, who flushes is answered in time, what waits is bounded, what is lost is counted,
//! and all is well again when there is room.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::ptr;
use std::time::{Duration, Instant};

use crumbtrail::{Lost, TrackedEvent, limits};

use crate::look::look;
use crate::rig::{Chance, Folder, LONG, Live, Rig, child_at, given_path, into, say};
use crate::support::{in_time, ledger_balances, role, until};

const MIB: u64 = 1 << 20;
/// As long as a caller may stand still, on a machine whose cores are all taken.
const STANDS_STILL: Duration = Duration::from_millis(500);

/// Logs an event of an issue of its own; how long that took.
fn lose_one(number: u64) -> Duration {
    let begun = Instant::now();
    let mut chance = Chance::of(number);
    let letters: String = (0..24).map(|_| char::from(b'a' + (chance.below(26) as u8))).collect();
    tracing::error!(error = %io::Error::other("no room"), "{letters} is gone");
    begun.elapsed()
}

/// Has an event take some room: by numbers, which cost a debug build less time than texts.
fn with_ballast(mut event: TrackedEvent) -> Option<TrackedEvent> {
    let seed = event.id.to_string().bytes().fold(0, |sum, byte| sum * 31 % 1_000_003 + u64::from(byte));
    let mut chance = Chance::of(seed);
    let ballast: Vec<_> = (0..BALLAST).map(|_| serde_json::Value::from(chance.next())).collect();
    event.contexts.insert("ballast".to_owned(), ballast.into());
    Some(event)
}

/// Numbers in an event, of eight bytes each at the least.
const BALLAST: u64 = 4_000;

/// Fills the disk until events are lost, makes room, and looks whether all is well.
fn outlive_a_full_disk(store: &Path, make_room: impl FnOnce()) {
    let rig = Rig::new(into(store).queue(64, 4 << 20).before_send(with_ballast));
    let lost = || rig.guard.stats().lost.get(&Lost::StoreOverflow).copied().unwrap_or_default();
    let mut logged = 0;
    let mut slowest = Duration::ZERO;
    rig.run(|| {
        (0..5).for_each(|number| _ = lose_one(number));
        logged += 5;
        rig.guard.flush(LONG).unwrap();
        until(LONG, || {
            for _ in 0..10 {
                slowest = slowest.max(lose_one(logged));
                logged += 1;
            }
            // The worker is not to fall behind: that is another test's.
            let behind = Duration::from_millis(100);
            let _ = rig.guard.flush(behind);
            lost() > 0
        });
        assert!(slowest < STANDS_STILL, "a caller stood still for {slowest:?}");
        in_time("flush, while the disk is full", Duration::from_millis(300), || {
            assert!(rig.guard.flush(Duration::from_millis(300)).is_err(), "it said that all is well");
        });
        let stats = ledger_balances(&rig.guard);
        // Some are in the queue, some the worker still holds.
        let bytes = limits::BOOK_WAITING_BYTES + limits::HOLD_BYTES + limits::QUEUE_BYTES;
        let most = bytes as u64 / (8 * BALLAST);
        assert!(stats.pending <= most, "what waits is not bounded: {stats:?}");
        assert!(stats.delivered >= 5, "{stats:?}");
        println!("{logged} logged, {} stored, {} lost, {} wait", stats.delivered, lost(), stats.pending);

        make_room();
        rig.guard.flush(LONG).unwrap();
        let lost = lost();
        for _ in 0..20 {
            lose_one(logged);
            logged += 1;
        }
        rig.guard.flush(LONG).unwrap();
        let stats = ledger_balances(&rig.guard);
        assert_eq!((stats.pending, stats.lost.get(&Lost::StoreOverflow)), (0, Some(&lost)), "{stats:?}");
        assert_eq!((stats.accepted, stats.delivered), (logged, logged - stats.lost_total()), "{stats:?}");
    });
    let delivered = rig.guard.stats().delivered;
    rig.end();
    let found = look(store);
    assert_eq!(found.total() - found.by_line, delivered, "what the ledger says is stored is");
    say("all is well");
}

#[test]
fn a_limit_on_the_size_of_files_is_outlived() {
    const NAME: &str = "full::a_limit_on_the_size_of_files_is_outlived";
    if role().is_none() {
        let folder = Folder::new("fsize");
        let over = Live::start(child_at("limited", NAME, &folder.store())).over().succeeded();
        assert!(over.said.contains(&"all is well".to_owned()), "{over:#?}");
        assert_eq!(over.stderr.matches("there is no room for the store").count(), 1, "{}", over.stderr);
        return;
    }
    // SAFETY: nobody is told of a signal that is ignored.
    assert_ne!(unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) }, libc::SIG_ERR);
    limit_files(4 * MIB);
    outlive_a_full_disk(&given_path("PATH"), || limit_files(libc::RLIM_INFINITY));
}

fn limit_files(bytes: u64) {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: the call reads the limit that it is given.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit) }, 0);
}

#[test]
fn a_full_disk_is_outlived() {
    const NAME: &str = "full::a_full_disk_is_outlived";
    if role().is_some() {
        let disk = given_path("PATH");
        let ballast = disk.join("ballast");
        fs::write(&ballast, vec![0; 92 * MIB as usize]).unwrap();
        return outlive_a_full_disk(&disk.join("shop.db"), || fs::remove_file(&ballast).unwrap());
    }
    let folder = Folder::new("disk");
    // With room for all that waits, once the ballast is gone, in the file and in its log.
    let Some(live) = on_small_disk(child_at("limited", NAME, folder.path()), folder.path(), "size=96m")
    else {
        return;
    };
    let over = live.over().succeeded();
    assert!(over.said.contains(&"all is well".to_owned()), "{over:#?}");
    assert_eq!(over.stderr.matches("there is no room for the store").count(), 1, "{}", over.stderr);
}

/// Starts a process that sees a disk of its own at that place; None, and says so, where none may be made.
fn on_small_disk(mut child: crate::support::Child, place: &Path, options: &str) -> Option<Live> {
    let place = std::ffi::CString::new(place.to_str().unwrap()).unwrap();
    let options = std::ffi::CString::new(options).unwrap();
    let made = move || {
        // SAFETY: the calls read texts that end, and change what this process alone sees.
        let made = unsafe {
            let root = if libc::geteuid() == 0 { 0 } else { libc::CLONE_NEWUSER };
            libc::unshare(root | libc::CLONE_NEWNS) == 0
                && libc::mount(
                    ptr::null(),
                    c"/".as_ptr(),
                    ptr::null(),
                    libc::MS_REC | libc::MS_PRIVATE,
                    ptr::null(),
                ) == 0
                && libc::mount(
                    c"tmpfs".as_ptr(),
                    place.as_ptr(),
                    c"tmpfs".as_ptr(),
                    0,
                    options.as_ptr().cast(),
                ) == 0
        };
        if made { Ok(()) } else { Err(io::Error::last_os_error()) }
    };
    // SAFETY: what runs between fork and exec makes system calls only.
    unsafe { child.command.pre_exec(made) };
    match Live::try_start(child) {
        Ok(live) => Some(live),
        Err(error) => {
            eprintln!("SKIPPED: no small disk can be made here ({error}): nothing was shown of a full one");
            None
        }
    }
}
