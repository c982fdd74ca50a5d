//! This bench once more, as a process of its own that tells its figures line by line, and that is killed where it does
//! not end: what hangs is a finding.

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::fmt::Display;
use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// What became of a process.
#[derive(Debug)]
pub(crate) struct Ended {
    /// What it told, by name; the last of several figures of one name.
    figures: HashMap<String, f64>,
    /// None where it was killed at its deadline.
    status: Option<ExitStatus>,
    deadline: Duration,
}

/// Runs a process with these arguments, so long at the most.
pub(crate) fn run(arguments: &[&str], deadline: Duration) -> Result<Ended, Box<dyn Error>> {
    let mut command = Command::new(env::current_exe()?);
    // What the caller's environment sets must not reach into the measure.
    for name in env::vars_os().filter_map(|(name, _)| name.into_string().ok()) {
        let upper = name.to_ascii_uppercase();
        if ["CRUMBTRAIL", "SENTRY_", "RUST_LOG"].iter().any(|prefix| upper.starts_with(prefix))
            || upper.ends_with("_PROXY")
        {
            command.env_remove(name);
        }
    }
    // What it says on stderr belongs to the fault: panics, a stack that overflows.
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut process = command.spawn()?;
    let mut pipe = process.stdout.take().ok_or("its output is a pipe")?;
    let reader = thread::spawn(move || {
        let mut text = String::new();
        pipe.read_to_string(&mut text).map(|_| text)
    });
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = process.try_wait()? {
            break Some(status);
        }
        if begun.elapsed() > deadline {
            process.kill()?;
            process.wait()?;
            break None;
        }
        thread::sleep(Duration::from_millis(2));
    };
    let text = reader.join().map_err(|_| "its reader panicked")??;
    let figure = |line: &str| {
        let (name, figure) = line.split_once(' ')?;
        Some((name.to_owned(), figure.parse().ok()?))
    };
    let read = |line| figure(line).ok_or_else(|| format!("{arguments:?} answered {line:?}").into());
    let figures = text.lines().map(read).collect::<Result<_, Box<dyn Error>>>()?;
    Ok(Ended { figures, status, deadline })
}

impl Ended {
    /// A figure that the process told before it ended.
    pub(crate) fn figure(&self, name: &str) -> Option<f64> {
        self.figures.get(name).copied()
    }

    /// Whether it ended by itself, and said that all is well.
    pub(crate) fn ended_well(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }

    /// How it ended, in words.
    pub(crate) fn end(&self) -> String {
        match self.status {
            None => format!("killed after {} s", self.deadline.as_secs()),
            Some(status) => match status.signal() {
                Some(signal) => format!("the process dies of signal {signal}"),
                None => format!("the process ends with {}", status.code().unwrap_or_default()),
            },
        }
    }
}

/// Tells a figure to the process that started this one.
pub(crate) fn tell(name: &str, figure: impl Display) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{name} {figure}")?;
    stdout.flush()
}
