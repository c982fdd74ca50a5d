//! A damaged file is set aside, whole, under a name that says since when: somebody may want what can still be read.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::file::{BESIDE, Identity, alone, beside, identity};
use super::trouble::{Result, Trouble};
use crate::diag;

/// Gives the file and what stands beside it other names, unless it is no longer the one that was found to be damaged.
pub(super) fn set_aside(path: &Path, damaged: Option<Identity>, why: &str) -> Result<()> {
    let aside = alone(|| -> Result<Option<PathBuf>> {
        let present = identity(path);
        if present.is_none() || damaged.is_some_and(|damaged| present != Some(damaged)) {
            return Ok(None);
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
