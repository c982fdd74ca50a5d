//! A process whose stderr is a terminal: one that nobody sits at, but that reads what is written.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{FromRawFd, OwnedFd};
use std::process::Stdio;
use std::ptr;
use std::thread;
use std::time::Duration;

use crate::support::{Child, Ended, until};

/// Runs it to its end, as [`Child::run`] does, with a terminal as its stderr.
#[track_caller]
pub(crate) fn run_at_terminal(mut child: Child) -> Ended {
    let (ours, its) = terminal();
    child.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::from(its));
    let mut process = child.command.spawn().expect("the test binary starts again");
    // The command holds its end of the terminal, which is read until nobody does.
    drop(child);
    let stdout = read(process.stdout.take().expect("it is a pipe"));
    let stderr = read(File::from(ours));
    until(Duration::from_secs(60), || process.try_wait().expect("a child can be waited for").is_some());
    let code = process.wait().expect("it has ended").code();
    let text = |reader: thread::JoinHandle<Vec<u8>>| {
        String::from_utf8_lossy(&reader.join().expect("it is read to its end")).into_owned()
    };
    // A terminal begins a line by two characters.
    let (stdout, stderr) = (text(stdout), text(stderr).replace("\r\n", "\n"));
    Ended { code, stdout, stderr, late: false }
}

/// The two ends of a terminal: the one that is read, and the one that a process writes to.
fn terminal() -> (OwnedFd, OwnedFd) {
    let (mut ours, mut its) = (-1, -1);
    // SAFETY: both numbers are ours to write; neither a name nor settings are asked for or given.
    let failed = unsafe {
        libc::openpty(&raw mut ours, &raw mut its, ptr::null_mut(), ptr::null_mut(), ptr::null_mut())
    };
    assert_eq!(failed, 0, "there is no terminal: {}", io::Error::last_os_error());
    // SAFETY: the call has just opened both, and nobody else knows them.
    unsafe { (OwnedFd::from_raw_fd(ours), OwnedFd::from_raw_fd(its)) }
}

fn read(mut from: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // A terminal ends with an error, where its last writer has gone.
        let _ = from.read_to_end(&mut bytes);
        bytes
    })
}
