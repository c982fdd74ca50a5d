//! A file system that remembers in which order things were written, and what a disk may show of it after its power was cut.
//!
//! It stands before SQLite's own and becomes the default, so every connection of the process goes through it. What is written
//! goes to the file as ever; what is noted of it is replayed by [`Journal::after_a_cut`]: what was synced is there, of what
//! was not each write is there, or not, or in part. The index of a log lies in shared memory and is gone in any case.
//!
//! One process has one; what it wraps lives as long as the process.

use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, MutexGuard};

use rusqlite::ffi;

use crate::rig::Chance;

/// What was done to files, in order. A file is known by a number, since one may be deleted and made again under its name.
#[derive(Debug, Clone)]
enum Done {
    Made { file: usize, path: PathBuf },
    Written { file: usize, at: usize, bytes: Vec<u8> },
    Cut { file: usize, length: usize },
    Synced { file: usize },
    Deleted { path: PathBuf, is_synced: bool },
}

#[derive(Debug, Default)]
struct Noted {
    done: Vec<Done>,
    /// What each open handle is of.
    open: HashMap<usize, Handle>,
    /// The newest file of each name.
    files: HashMap<PathBuf, usize>,
    made: usize,
}

#[derive(Debug, Clone, Copy)]
struct Handle {
    file: usize,
    methods: *const ffi::sqlite3_io_methods,
}

// SAFETY: SQLite's tables of functions are constants.
unsafe impl Send for Handle {}

static NOTED: LazyLock<Mutex<Noted>> = LazyLock::new(Mutex::default);
/// The file system behind this one.
static BEHIND: Mutex<Option<Behind>> = Mutex::new(None);

#[derive(Debug, Clone, Copy)]
struct Behind {
    vfs: *mut ffi::sqlite3_vfs,
    has_shared_memory: bool,
}

// SAFETY: SQLite's own file system lives as long as the process, and any thread may use it.
unsafe impl Send for Behind {}

/// The sector of a disk: what is written of it is written as a whole.
const SECTOR: usize = 512;

fn noted() -> MutexGuard<'static, Noted> {
    NOTED.lock().unwrap()
}

fn behind() -> Behind {
    BEHIND.lock().unwrap().expect("it was installed")
}

/// Puts it before SQLite's own. Without shared memory no connection can have a write-ahead log.
pub(crate) fn install(has_shared_memory: bool) {
    // SAFETY: called once, before any connection is opened; what is registered is never freed.
    unsafe {
        assert_eq!(ffi::sqlite3_initialize(), ffi::SQLITE_OK);
        let own = ffi::sqlite3_vfs_find(std::ptr::null());
        assert!(!own.is_null());
        *BEHIND.lock().unwrap() = Some(Behind { vfs: own, has_shared_memory });
        let mut vfs = std::ptr::read(own);
        vfs.zName = c"forgetful".as_ptr();
        vfs.pNext = std::ptr::null_mut();
        vfs.xOpen = Some(open);
        vfs.xDelete = Some(delete);
        assert_eq!(ffi::sqlite3_vfs_register(Box::leak(Box::new(vfs)), 1), ffi::SQLITE_OK);
    }
}

/// Takes it out of the way again: what is opened from now on is not noted.
pub(crate) fn uninstall() {
    // SAFETY: SQLite's own is registered already; it becomes the default again.
    unsafe { assert_eq!(ffi::sqlite3_vfs_register(behind().vfs, 1), ffi::SQLITE_OK) };
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    let behind = behind();
    let path = (!name.is_null()).then(|| {
        // SAFETY: SQLite hands over a text that ends.
        PathBuf::from(unsafe { CStr::from_ptr(name) }.to_str().expect("the tests' paths are text"))
    });
    let there = path.as_ref().and_then(|path| fs::read(path).ok());
    // SAFETY: the arguments are handed on as they came, to whom they are for.
    let (code, methods) = unsafe {
        let open = (*behind.vfs).xOpen.expect("every file system opens files");
        let code = open(behind.vfs, name, file, flags, out);
        (code, (*file).pMethods)
    };
    let Some(path) = path.filter(|_| code == ffi::SQLITE_OK && !methods.is_null()) else { return code };
    let mut noted = noted();
    let number = match noted.files.get(&path) {
        Some(number) if there.is_some() => *number,
        _ => {
            noted.made += 1;
            let number = noted.made;
            noted.files.insert(path.clone(), number);
            noted.done.push(Done::Made { file: number, path });
            // What was there before is taken for synced.
            if let Some(bytes) = there.filter(|bytes| !bytes.is_empty()) {
                noted.done.push(Done::Written { file: number, at: 0, bytes });
                noted.done.push(Done::Synced { file: number });
            }
            number
        }
    };
    noted.open.insert(file as usize, Handle { file: number, methods });
    // SAFETY: a table of functions is plain data; the copy stays, the original is what its functions are called by.
    unsafe {
        let mut own = std::ptr::read(methods);
        own.xClose = Some(close);
        own.xWrite = Some(write);
        own.xTruncate = Some(truncate);
        own.xSync = Some(sync);
        if !behind.has_shared_memory {
            own.iVersion = 1;
        }
        (*file).pMethods = Box::leak(Box::new(own));
    }
    code
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, name: *const c_char, is_synced: c_int) -> c_int {
    let behind = behind();
    // SAFETY: the arguments are handed on as they came, to whom they are for.
    let code = unsafe {
        (*behind.vfs).xDelete.expect("every file system deletes files")(behind.vfs, name, is_synced)
    };
    if code == ffi::SQLITE_OK {
        // SAFETY: SQLite hands over a text that ends.
        let path =
            PathBuf::from(unsafe { CStr::from_ptr(name) }.to_str().expect("the tests' paths are text"));
        let mut noted = noted();
        noted.files.remove(&path);
        noted.done.push(Done::Deleted { path, is_synced: is_synced != 0 });
    }
    code
}

fn handle(file: *mut ffi::sqlite3_file) -> Handle {
    *noted().open.get(&(file as usize)).expect("it was opened here")
}

/// A function of the file's own table.
macro_rules! own {
    ($file:ident, $name:ident) => {{
        let methods = handle($file).methods;
        // SAFETY: the table is a constant.
        unsafe { (*methods).$name }.expect("files can do that")
    }};
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    let own = own!(file, xClose);
    noted().open.remove(&(file as usize));
    // SAFETY: handed on as it came.
    unsafe { own(file) }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    bytes: *const c_void,
    length: c_int,
    at: i64,
) -> c_int {
    let own = own!(file, xWrite);
    // SAFETY: handed on as it came; SQLite says how many bytes there are to read.
    let (code, bytes) = unsafe {
        let written = std::slice::from_raw_parts(bytes.cast::<u8>(), length as usize).to_vec();
        (own(file, bytes, length, at), written)
    };
    note(file, code, |file| Done::Written { file, at: at as usize, bytes })
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, length: i64) -> c_int {
    let own = own!(file, xTruncate);
    // SAFETY: handed on as it came.
    let code = unsafe { own(file, length) };
    note(file, code, |file| Done::Cut { file, length: length as usize })
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    let own = own!(file, xSync);
    // SAFETY: handed on as it came.
    let code = unsafe { own(file, flags) };
    note(file, code, |file| Done::Synced { file })
}

fn note(file: *mut ffi::sqlite3_file, code: c_int, done: impl FnOnce(usize) -> Done) -> c_int {
    if code == ffi::SQLITE_OK {
        let number = handle(file).file;
        noted().done.push(done(number));
    }
    code
}

/// How much has been done so far: an instant.
pub(crate) fn instant() -> usize {
    noted().done.len()
}

/// All that was done.
pub(crate) struct Journal(Vec<Done>);

impl Journal {
    pub(crate) fn take() -> Self {
        Self(std::mem::take(&mut noted().done))
    }

    pub(crate) fn length(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn syncs(&self) -> usize {
        self.0.iter().filter(|done| matches!(done, Done::Synced { .. })).count()
    }

    /// Writes to `folder` what a disk may hold whose power was cut at that instant, under the names of the files.
    pub(crate) fn after_a_cut(&self, instant: usize, chance: &mut Chance, folder: &Path) {
        let done = &self.0[..instant];
        for (path, file) in names(done, chance) {
            let bytes = content(done, file, chance);
            fs::write(folder.join(path.file_name().unwrap()), bytes).unwrap();
        }
    }
}

/// Which names there are. What is done to a folder is done in its order, so the end of it may be missing, as far back as
/// something was synced: a deletion that was to be, or a file, which takes its own name along.
fn names(done: &[Done], chance: &mut Chance) -> HashMap<PathBuf, usize> {
    let mut known = HashMap::new();
    let mut certain = 0;
    for (at, done) in done.iter().enumerate() {
        match done {
            Done::Made { file, .. } => _ = known.insert(*file, at),
            Done::Synced { file } => certain = certain.max(known.get(file).map_or(0, |made| made + 1)),
            Done::Deleted { is_synced: true, .. } => certain = at + 1,
            _ => {}
        }
    }
    let until = certain + chance.below((done.len() - certain) as u64 + 1) as usize;
    let mut names = HashMap::new();
    for done in &done[..until] {
        match done {
            Done::Made { file, path } => _ = names.insert(path.clone(), *file),
            Done::Deleted { path, .. } => _ = names.remove(path),
            _ => {}
        }
    }
    names
}

fn content(done: &[Done], file: usize, chance: &mut Chance) -> Vec<u8> {
    let of_it = |done: &Done| match done {
        Done::Written { file: of, .. } | Done::Cut { file: of, .. } | Done::Synced { file: of } => {
            *of == file
        }
        Done::Made { .. } | Done::Deleted { .. } => false,
    };
    let synced =
        done.iter().rposition(|done| of_it(done) && matches!(done, Done::Synced { .. })).unwrap_or(0);
    // Some disks forget much, some little.
    let forgets = chance.below(5);
    let mut bytes = Vec::new();
    for (at, done) in done.iter().enumerate().filter(|(_, done)| of_it(done)) {
        let is_there = at <= synced || chance.below(4) >= forgets;
        match done {
            Done::Written { at, bytes: written, .. } if is_there => put(&mut bytes, *at, written),
            // In part: whole sectors of it.
            Done::Written { at, bytes: written, .. } if forgets < 4 => {
                for (sector, part) in written.chunks(SECTOR).enumerate() {
                    if chance.coin() {
                        put(&mut bytes, at + sector * SECTOR, part);
                    }
                }
            }
            Done::Cut { length, .. } if is_there => bytes.resize(*length, 0),
            _ => {}
        }
    }
    bytes
}

fn put(bytes: &mut Vec<u8>, at: usize, written: &[u8]) {
    if bytes.len() < at + written.len() {
        bytes.resize(at + written.len(), 0);
    }
    bytes[at..at + written.len()].copy_from_slice(written);
}
