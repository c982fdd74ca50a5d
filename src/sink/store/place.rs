//! Where a store stands when nobody says where: in the directory that the system means for what a program remembers.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::file::beside;

/// The store of this program: `crumbtrail/<executable>.db` in the state directory. None where there is none: never the
/// working directory.
pub(crate) fn default_path() -> Option<PathBuf> {
    let mut name = name_of(&env::current_exe().ok()?)?;
    name.push(".db");
    Some(folder(|name| env::var_os(name).map(PathBuf::from))?.join(name))
}

/// What an executable is called, without what the system has every executable's name end with: `shop.api` and `shop.jobs`
/// are two programs.
fn name_of(executable: &Path) -> Option<OsString> {
    let has_suffix = executable.extension().is_some_and(|extension| extension == env::consts::EXE_EXTENSION);
    let name = if has_suffix { executable.file_stem() } else { executable.file_name() };
    name.map(OsStr::to_owned)
}

/// The store of this user's that was written last, whichever program's it is.
pub(crate) fn newest() -> Option<PathBuf> {
    newest_in(&folder(|name| env::var_os(name).map(PathBuf::from))?)
}

/// Whether this is a program that `cargo test` or `cargo bench` runs: its errors are made on purpose, and nobody's to look
/// at later.
pub(crate) fn is_test_binary() -> bool {
    env::current_exe().is_ok_and(|executable| is_test(&executable))
}

/// [systemd](https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#RuntimeDirectory=) names the
/// directories of a service; the [XDG](https://specifications.freedesktop.org/basedir-spec/latest/) specification those of
/// a user, where a path that is not absolute is not to be heeded.
fn folder(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let absolute = |name| variable(name).filter(|path| path.is_absolute());
    let service = || {
        let listed = variable("STATE_DIRECTORY")?;
        env::split_paths(&listed).next().filter(|path| path.is_absolute())
    };
    let user = || {
        if cfg!(windows) {
            absolute("LOCALAPPDATA")
        } else if cfg!(target_os = "macos") {
            Some(absolute("HOME")?.join("Library/Application Support"))
        } else {
            Some(absolute("HOME")?.join(".local/state"))
        }
    };
    let state = service().or_else(|| absolute("XDG_STATE_HOME")).or_else(user)?;
    Some(state.join("crumbtrail"))
}

pub(super) fn newest_in(folder: &Path) -> Option<PathBuf> {
    let stores = folder.read_dir().ok()?.filter_map(|entry| {
        let path = entry.ok()?.path();
        let is_store = path.extension().is_some_and(|extension| extension == "db");
        is_store.then(|| Some((written(&path)?, path))).flatten()
    });
    stores.max().map(|(_, path)| path)
}

/// When it was written last, in the file itself or in its log.
fn written(path: &Path) -> Option<SystemTime> {
    let written = |path: &Path| {
        let found = std::fs::symlink_metadata(path).ok()?;
        if found.is_file() { found.modified().ok() } else { None }
    };
    Some(written(path)?.max(written(&beside(path, "-wal")).unwrap_or(SystemTime::UNIX_EPOCH)))
}

/// Cargo puts test binaries into `deps` of a profile's directory, with a hash behind their names; rustdoc calls its tests
/// `rust_out`. A program of the user's stands one level up.
fn is_test(executable: &Path) -> bool {
    let name = executable.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    let has_hash = name
        .rsplit_once('-')
        .is_some_and(|(_, hash)| hash.len() == 16 && hash.bytes().all(|digit| digit.is_ascii_hexdigit()));
    let is_in_deps = executable.parent().is_some_and(|folder| folder.ends_with("deps"));
    name == "rust_out" || (is_in_deps && has_hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_of(variables: &[(&str, &str)]) -> Option<PathBuf> {
        folder(|name| variables.iter().find(|(of, _)| *of == name).map(|(_, value)| PathBuf::from(value)))
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_state_directory_is_what_the_system_says() {
        let home = ("HOME", "/home/ada");
        for (variables, expected) in [
            (vec![home], Some("/home/ada/.local/state/crumbtrail")),
            (vec![home, ("XDG_STATE_HOME", "/state")], Some("/state/crumbtrail")),
            (vec![home, ("XDG_STATE_HOME", "state")], Some("/home/ada/.local/state/crumbtrail")),
            (
                vec![home, ("STATE_DIRECTORY", "/var/lib/shop:/var/lib/more")],
                Some("/var/lib/shop/crumbtrail"),
            ),
            (vec![home, ("STATE_DIRECTORY", "")], Some("/home/ada/.local/state/crumbtrail")),
            (vec![("HOME", "")], None),
            (vec![("HOME", ".")], None),
            (vec![], None),
        ] {
            assert_eq!(folder_of(&variables), expected.map(PathBuf::from), "{variables:?}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_name_is_told_from_others_to_its_end() {
        for name in ["shop", "shop.api", "shop.jobs", "shop-0.1", ".shop"] {
            assert_eq!(name_of(&Path::new("/opt").join(name)), Some(name.into()));
        }
    }

    #[test]
    fn a_test_binary_is_known_by_its_place_and_name() {
        for (path, expected) in [
            ("/shop/target/debug/deps/shop-0123456789abcdef", true),
            ("/shop/target/release/deps/shop-0123456789abcdef.exe", true),
            ("/tmp/rustdoctestAbC/rust_out", true),
            ("/shop/target/debug/shop", false),
            ("/shop/target/debug/shop-0123456789abcdef", false),
            ("/opt/deps/shop", false),
            ("/shop/target/debug/examples/checkout", false),
        ] {
            assert_eq!(is_test(Path::new(path)), expected, "{path}");
        }
        assert!(is_test_binary());
    }
}
