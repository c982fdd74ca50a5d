//! A damaged file is set aside, whole, under a name that says since when: somebody may want what can still be read. A file
//! that never was a store, by a path that was mistyped, stays where it is.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::file::{BESIDE, Identity, alone, beside, identity};
use super::schema::APPLICATION;
use super::trouble::{Result, Trouble};
use crate::diag;
use crate::issues::Fault;

/// Gives the file and what stands beside it other names, unless it is no longer the one that was found to be damaged.
/// Where none is named, it never was opened as a store.
///
/// # Errors
/// [`Fault::Foreign`] where nothing says that it is a store; it cannot be renamed.
pub(super) fn set_aside(path: &Path, damaged: Option<Identity>, why: &str) -> Result<()> {
    let aside = alone(|| -> Result<Option<PathBuf>> {
        let present = identity(path);
        if present.is_none() || damaged.is_some_and(|damaged| present != Some(damaged)) {
            return Ok(None);
        }
        if damaged.is_none() && !was_ours(path) {
            return Err(Fault::Foreign.into());
        }
        let aside = free_name(path);
        std::fs::rename(path, &aside)
            .map_err(|error| Trouble::broken(format!("it is damaged, and cannot be set aside: {error}")))?;
        for suffix in BESIDE {
            // Where one is not there, there is nothing to set aside.
            let _ = std::fs::rename(beside(path, suffix), beside(&aside, suffix));
        }
        Ok(Some(aside))
    })?;
    if let Some(aside) = aside {
        diag::say(&format!(
            "the store {} is damaged ({why}). It is {} now, and another one begins.",
            path.display(),
            aside.display()
        ));
    }
    Ok(())
}

/// Whether a file that cannot be read is likely to be a store that was damaged: by its name, by what stands beside it, or
/// by what is in it.
fn was_ours(path: &Path) -> bool {
    let is_named_so = path.extension().is_some_and(|extension| extension == "db");
    let has_log = || ["-wal", "-shm"].iter().any(|suffix| identity(&beside(path, suffix)).is_some());
    // A file that has a log is not opened but by SQLite, which another handle of this process may have done.
    is_named_so || has_log() || File::open(path).is_ok_and(|mut file| looks_ours(&mut file).unwrap_or(false))
}

/// A store's head, or nothing but zeros, which is what some disks leave of a file.
fn looks_ours(file: &mut impl Read) -> std::io::Result<bool> {
    let mut head = Vec::new();
    file.take(HEAD).read_to_end(&mut head)?;
    if head.starts_with(MAGIC) {
        let application = u32::try_from(APPLICATION).unwrap_or_default().to_be_bytes();
        return Ok(head.get(APPLICATION_AT..).is_some_and(|rest| rest.starts_with(&application)));
    }
    let mut chunk = [0; 8_192];
    let mut are_zeros = head.iter().all(|byte| *byte == 0);
    while are_zeros {
        match file.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => are_zeros = chunk.iter().take(length).all(|byte| *byte == 0),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(are_zeros)
}

/// `NAME.corrupt-<seconds since 1970>`, with a number behind where that is taken.
fn free_name(path: &Path) -> PathBuf {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let named = |suffix: &str| beside(path, &format!(".corrupt-{seconds}{suffix}"));
    let is_free = |name: &PathBuf| {
        [""].iter().chain(BESIDE).all(|suffix| std::fs::symlink_metadata(beside(name, suffix)).is_err())
    };
    let numbered = (2..).map(|number| named(&format!(".{number}")));
    std::iter::once(named("")).chain(numbered).find(is_free).unwrap_or_else(|| named(""))
}

/// How every file of SQLite's begins, how long its head is, and where that names its program
/// (<https://sqlite.org/fileformat.html>, 1.3).
const MAGIC: &[u8] = b"SQLite format 3\0";
pub(super) const HEAD: u64 = 100;
const APPLICATION_AT: usize = 68;
