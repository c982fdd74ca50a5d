//! Whether a store is there and whole: step by step, and in words.

use std::fmt;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use super::stats::size;
use super::{HOW_MADE, newest};
use crate::diag::escape_into;
use crate::issues::{Fault, Moment};
use crate::report::{count, stretch};
use crate::sink::{self, Access, Store};

/// What [`doctor`] found of a store: a line for each step, as far as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition(Vec<Finding>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    step: &'static str,
    is_ok: bool,
    words: String,
}

/// Looks at the store in a file, or at the newest one: whether it is there, who may read it, its form, whether what stands in
/// it is whole, its size, how much room is left, and when it was written last. It reads the whole file.
///
/// ```
/// let condition = crumbtrail::view::doctor(Some("/nowhere/shop.db".as_ref()));
/// assert!(!condition.is_healthy());
/// assert!(condition.to_string().starts_with("FAIL  place"));
/// ```
pub fn doctor(path: Option<&Path>) -> Condition {
    let mut condition = Condition(Vec::new());
    let path = match path.map_or_else(newest, |path| Ok(path.to_owned())) {
        Ok(path) => path,
        Err(error) => {
            condition.note("place", Err(error.to_string()));
            return condition;
        }
    };
    // What the path itself is: a store is never behind a link.
    match path.symlink_metadata() {
        Ok(file) if file.is_file() => {
            condition.note("place", Ok(path.display().to_string()));
            condition.note("access", access(&path, &file));
        }
        Ok(_) => {
            condition.note("place", Err(format!("{} is no file", path.display())));
            return condition;
        }
        Err(error) => {
            condition.note("place", Err(format!("{}: {error}; {HOW_MADE}", path.display())));
            return condition;
        }
    }
    match Store::open(&path, Access::Command) {
        Ok(store) => {
            match store.condition() {
                Ok(found) => condition.contents(found),
                Err(fault) => condition.note("contents", Err(advised(&fault))),
            }
            condition.note("size", Ok(size(store.bytes())));
        }
        Err(fault) => condition.note("form", Err(advised(&fault))),
    }
    condition.note("room", room(&path));
    condition
}

impl Condition {
    /// Whether every step came to a good end.
    pub fn is_healthy(&self) -> bool {
        self.0.iter().all(|finding| finding.is_ok)
    }

    fn contents(&mut self, found: sink::Condition) {
        let sink::Condition { form, journal, issues, events, unsent, newest } = found;
        self.note("form", Ok(format!("version {form}, journal {journal}")));
        self.note("contents", Ok("whole".to_owned()));
        let waiting =
            if unsent > 0 { format!(", {} still to be sent", count(unsent)) } else { String::new() };
        self.note("holds", Ok(format!("{} issues, {} events{waiting}", count(issues), count(events))));
        let ago = newest.map(|newest| stretch(Moment::of(SystemTime::now()).since(newest)) + " ago");
        self.note("newest", Ok(ago.unwrap_or_else(|| "nothing was recorded yet".to_owned())));
    }

    fn note(&mut self, step: &'static str, outcome: Result<String, String>) {
        let is_ok = outcome.is_ok();
        let (Ok(words) | Err(words)) = outcome;
        self.0.push(Finding { step, is_ok, words });
    }
}

/// One line for each step.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, Finding { step, is_ok, words }) in self.0.iter().enumerate() {
            let (end, mark) = (if at > 0 { "\n" } else { "" }, if *is_ok { "ok  " } else { "FAIL" });
            let mut escaped = String::with_capacity(words.len());
            escape_into(words, &mut escaped);
            write!(f, "{end}{mark}  {step:<10}  {escaped}")?;
        }
        Ok(())
    }
}

/// Events hold what users did: nobody else is to read them.
#[cfg(unix)]
fn access(path: &Path, file: &Metadata) -> Result<String, String> {
    use std::os::unix::fs::MetadataExt;

    let mode = file.mode() & 0o777;
    let folder = path.parent().and_then(|folder| folder.metadata().ok()).map(|folder| folder.mode() & 0o777);
    let folder = folder.map(|mode| format!(", its folder {mode:04o}")).unwrap_or_default();
    if mode & 0o077 == 0 {
        Ok(format!("{mode:04o}{folder}, by its owner alone"))
    } else {
        Err(format!("{mode:04o}{folder}: others may look into it; `chmod 600` mends it"))
    }
}

#[cfg(not(unix))]
fn access(_path: &Path, _file: &Metadata) -> Result<String, String> {
    Ok("as its folder has it".to_owned())
}

/// How much is free where it lies, as `df` knows it.
fn room(path: &Path) -> Result<String, String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder: PathBuf = folder.map_or_else(|| ".".into(), Path::to_owned);
    let asked = Command::new("df").args(["-P", "-k", "--"]).arg(folder).stdin(Stdio::null()).output();
    let told = asked.ok().and_then(|told| String::from_utf8(told.stdout).ok());
    let free =
        told.as_deref().and_then(|told| told.lines().nth(1)?.split_whitespace().nth(3)?.parse::<u64>().ok());
    match free {
        // Nobody can say.
        None => Ok("not known".to_owned()),
        Some(kib) if kib < LITTLE_KIB => Err(format!("{} left", size(kib << 10))),
        Some(kib) => Ok(format!("{} left", size(kib << 10))),
    }
}

fn advised(fault: &Fault) -> String {
    match fault {
        Fault::Broken(_) => {
            format!("{fault}; a program that finds it damaged sets it aside and begins another")
        }
        _ => fault.to_string(),
    }
}

/// With less than this, a store will soon find no room.
const LITTLE_KIB: u64 = 16 * 1024;
