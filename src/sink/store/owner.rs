//! Who a process is to the others that share its store, and whether they still live.
//!
//! A program that has a store open keeps a lock on a small file of its own beside it, `<store>-<8 digits>`. However it ends,
//! the kernel gives the lock back, and whoever meets a file that nobody locks knows that its owner is gone. Where files cannot
//! be locked, an owner is gone that has said nothing for [`OWNER_SILENT`]. A program that was forked and goes on without its
//! parent keeps its parent's lock until it ends, too. Called on the worker; never waits for a lock.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::file::{beside, identity, identity_of};
use crate::limits::OWNER_SILENT;
use crate::model::EventId;

/// A process, as far as one store of its is concerned.
#[derive(Debug)]
pub(super) struct Owner {
    pub(super) id: u32,
    store: PathBuf,
    /// None where it could not be made: others take this one for gone, and at the worst send what it is about to send.
    sign: Option<File>,
}

impl Owner {
    /// One that nobody else is.
    pub(super) fn new(store: &Path) -> Self {
        let random = || EventId::random().random_bits().to_le_bytes();
        let [a, b, c, d, ..] = random();
        let mut owner = Self { id: u32::from_le_bytes([a, b, c, d]), store: store.to_owned(), sign: None };
        owner.sign_on();
        owner
    }

    /// The user that makes files here; None where none could be made.
    #[cfg(unix)]
    pub(super) fn user(&self) -> Option<u32> {
        let sign = self.sign.as_ref()?.metadata().ok()?;
        Some(std::os::unix::fs::MetadataExt::uid(&sign))
    }

    /// As a column holds it.
    pub(super) fn key(&self) -> i64 {
        self.id.into()
    }

    /// Says that it lives, for those who cannot see that by its lock.
    pub(super) fn stay(&mut self) {
        if let Some(sign) = self.sign.as_ref().filter(|sign| self.is_seen(sign)) {
            let _ = sign.set_modified(SystemTime::now());
        } else {
            self.sign_on();
        }
    }

    /// Which of these are gone.
    pub(super) fn gone(&self, others: impl IntoIterator<Item = i64>) -> BTreeSet<i64> {
        let is_gone =
            |other: &i64| u32::try_from(*other).map_or(true, |id| id != self.id && !lives(&self.store, id));
        others.into_iter().filter(is_gone).collect()
    }

    /// Takes away the files of those that are gone.
    pub(super) fn sweep(&self) {
        let (Some(folder), Some(name)) = (self.store.parent(), self.store.file_name()) else { return };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let Ok(entries) = folder.read_dir() else { return };
        let mut prefix = name.to_owned();
        prefix.push("-");
        for entry in entries.flatten() {
            let name = entry.file_name();
            let digits = name.as_encoded_bytes().strip_prefix(prefix.as_encoded_bytes());
            let digits =
                digits.filter(|digits| digits.len() == DIGITS).and_then(|digits| str::from_utf8(digits).ok());
            if let Some(id) = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok())
                && id != self.id
            {
                lives(&self.store, id);
            }
        }
    }

    fn sign_on(&mut self) {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        // Somebody who looks whether it is locked holds the lock for a moment, and takes the file away.
        for _ in 0..TRIES {
            let Ok(sign) = options.open(sign_of(&self.store, self.id)) else { return };
            let is_locked = !matches!(sign.try_lock(), Err(TryLockError::WouldBlock));
            if is_locked && self.is_seen(&sign) {
                self.sign = Some(sign);
                return;
            }
        }
    }

    /// Whether others find it where they look.
    fn is_seen(&self, sign: &File) -> bool {
        let found = identity(&sign_of(&self.store, self.id));
        found.is_some() && found == identity_of(sign)
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        if let Some(sign) = self.sign.take()
            && self.is_seen(&sign)
        {
            let _ = std::fs::remove_file(sign_of(&self.store, self.id));
        }
    }
}

/// Whether an owner lives. The file of one that does not is taken away.
fn lives(store: &Path, id: u32) -> bool {
    let path = sign_of(store, id);
    let Ok(found) = std::fs::symlink_metadata(&path) else { return false };
    if !found.is_file() {
        return false;
    }
    // Where it is somebody else's, so are its events.
    let Ok(sign) = OpenOptions::new().read(true).write(true).open(&path) else { return path.exists() };
    let silent = found.modified().ok().and_then(|modified| modified.elapsed().ok()).unwrap_or_default();
    let lives = match sign.try_lock() {
        Ok(()) => false,
        Err(TryLockError::WouldBlock) => true,
        Err(TryLockError::Error(_)) => silent < OWNER_SILENT,
    };
    // While it is locked: who signs on looks behind its lock whether the file is still there.
    if !lives && identity(&path) == identity_of(&sign) {
        let _ = std::fs::remove_file(&path);
    }
    lives
}

fn sign_of(store: &Path, id: u32) -> PathBuf {
    beside(store, &format!("-{id:08x}"))
}

const DIGITS: usize = 8;
const TRIES: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::store::tests::rig::Folder;

    #[test]
    fn an_owner_lives_until_it_is_dropped_and_leaves_nothing() {
        let folder = Folder::new();
        let store = folder.store();
        let [one, other] = [Owner::new(&store), Owner::new(&store)];
        assert!(one.gone([other.key(), one.key()]).is_empty());
        assert_eq!(one.gone([other.key(), 7, -1, i64::MAX]), [7, -1, i64::MAX].into());
        let key = other.key();
        drop(other);
        assert_eq!(one.gone([key]), [key].into());
        drop(one);
        assert!(folder.names().is_empty());
    }

    #[test]
    fn a_file_that_nobody_locks_is_swept_away_and_no_other() {
        let folder = Folder::new();
        let store = folder.store();
        let owner = Owner::new(&store);
        for name in
            ["shop.db-0000002a", "shop.db-wal", "shop.db-0000002", "shop.db-000000zz", "other.db-0000002a"]
        {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        owner.sweep();
        let own = format!("shop.db-{:08x}", owner.id);
        let mut expected = vec![
            "other.db-0000002a".to_owned(),
            "shop.db-0000002".into(),
            "shop.db-000000zz".into(),
            "shop.db-wal".into(),
            own,
        ];
        expected.sort();
        assert_eq!(folder.names(), expected);
    }

    #[test]
    fn one_whose_file_was_taken_away_signs_on_again() {
        let folder = Folder::new();
        let store = folder.store();
        let [mut one, other] = [Owner::new(&store), Owner::new(&store)];
        std::fs::remove_file(sign_of(&store, one.id)).unwrap();
        assert!(!other.gone([one.key()]).is_empty());
        one.stay();
        assert!(other.gone([one.key()]).is_empty());
    }
}
