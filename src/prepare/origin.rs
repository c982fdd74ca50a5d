//! Where code comes from, read off its file.
//!
//! Builds differ in what they say of a frame. With full debug information it has a path and a file; with line tables
//! only, an inlined function has a bare name and a file; without any, only what was not inlined is there, with a path
//! and no file. So a file is turned into the path that is missing. Pure, but for the place of our own sources.

/// Knows libraries by where cargo and rustc keep their sources, and this crate by its own.
#[derive(Debug, Default)]
pub(super) struct Origins {
    /// What stands before `src/…` in the names of our own files; None where the build names no files.
    own_root: Option<String>,
}

impl Origins {
    /// Learns how the build names our files, from the name of this one.
    pub(super) fn learn(&mut self, this_file: &str) {
        self.own_root = slashes(this_file).strip_suffix("src/prepare/stack.rs").map(str::to_owned);
    }

    /// The module that a library's file holds: `tokio::runtime::task::core` for `…/tokio-1.40.0/src/runtime/task/core.rs`.
    pub(super) fn module(&self, file: &str) -> Option<String> {
        let file = slashes(file);
        let own = self.own_root.as_deref().and_then(|root| file.strip_prefix(root)?.strip_prefix("src/"));
        let (library, source) = match own {
            Some(source) => ("crumbtrail", source),
            None => library(&file)?,
        };
        let modules = source.strip_suffix(".rs").unwrap_or(source).split('/');
        let modules = modules.filter(|module| !matches!(*module, "mod" | "lib"));
        let library = library.replace('-', "_");
        Some(modules.fold(library, |path, module| path + "::" + module))
    }
}

/// Whether a file lies in cargo's registry, in a git checkout of cargo's, a vendored folder or the standard library.
pub(super) fn is_library(file: &str) -> bool {
    const FOLDERS: [&str; 7] = [
        "/registry/src/",
        "/git/checkouts/",
        "/vendor/",
        "/rustc/",
        "/rustlib/src/",
        "/library/std/",
        "/rust/deps/",
    ];
    let file = slashes(file);
    file.starts_with("vendor/") || FOLDERS.iter().any(|folder| file.contains(folder))
}

/// The crate that a library's file belongs to, and the file's place below `src`.
fn library(file: &str) -> Option<(&str, &str)> {
    let behind = |folder: &str| file.split_once(folder).map(|(_, rest)| rest);
    if let Some(rest) = behind("/rustc/").or_else(|| behind("/rustlib/src/")) {
        return rest.split_once("/library/").and_then(|(_, rest)| rest.split_once("/src/"));
    }
    let package = match behind("/registry/src/") {
        // Below the name of the registry.
        Some(rest) => rest.split_once('/').map(|(_, rest)| rest),
        None => behind("/rust/deps/").or_else(|| behind("/vendor/")).or_else(|| file.strip_prefix("vendor/")),
    };
    if let Some((package, source)) = package.and_then(|package| package.split_once("/src/")) {
        return Some((without_version(package), source));
    }
    // `<repository>-<hash>/<revision>/<folders of a workspace>/src/…`
    let (repository, rest) = behind("/git/checkouts/")?.split_once('/')?;
    let (folders, source) = rest.split_once("/src/")?;
    let package = folders.split('/').skip(1).last();
    Some((package.or_else(|| Some(repository.rsplit_once('-')?.0)).unwrap_or(repository), source))
}

/// `arc-swap` for `arc-swap-1.9.5`, and for `arc-swap`.
fn without_version(package: &str) -> &str {
    // A number and a dot; the number alone may belong to the name, as in `md-5`.
    let is_version = |text: &str| {
        text.split_once('.')
            .is_some_and(|(major, _)| !major.is_empty() && major.bytes().all(|b| b.is_ascii_digit()))
    };
    let mut dashes = package.match_indices('-');
    let version = dashes.find(|(at, _)| package.get(at + 1..).is_some_and(is_version));
    version.and_then(|(at, _)| package.get(..at)).unwrap_or(package)
}

fn slashes(file: &str) -> String {
    file.replace('\\', "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_libraries_are_named_as_their_modules() {
        let origins = Origins::default();
        for (file, module) in [
            ("/home/a/.cargo/registry/src/index.crates.io-1949cf8c/arc-swap-1.9.5/src/lib.rs", "arc_swap"),
            (r"C:\Users\a\.cargo\registry\src\index\tokio-1.40.0\src\runtime\mod.rs", "tokio::runtime"),
            ("/rustc/59807616e1fa/library/std/src/thread/lifecycle.rs", "std::thread::lifecycle"),
            ("/usr/lib/rustlib/src/rust/library/core/src/ops/function.rs", "core::ops::function"),
            ("/rust/deps/gimli-0.32.3/src/read/line.rs", "gimli::read::line"),
            ("vendor/serde_json/src/de.rs", "serde_json::de"),
            ("/build/vendor/md-5-0.10.6/src/lib.rs", "md_5"),
            ("/build/vendor/md-5-1.0.0-rc.1/src/lib.rs", "md_5"),
            ("/home/a/.cargo/git/checkouts/axum-7a3e11f0/9f2c1d4/axum-core/src/body.rs", "axum_core::body"),
            ("/home/a/.cargo/git/checkouts/some-tool-7a3e11f0/9f2c1d4/src/lib.rs", "some_tool"),
        ] {
            assert_eq!(origins.module(file).as_deref(), Some(module), "{file}");
            assert!(is_library(file), "{file}");
        }
        for file in ["src/main.rs", "/home/a/shop/src/pay/mod.rs", "/home/vendors/src/main.rs", ""] {
            assert_eq!(origins.module(file), None, "{file}");
            assert!(!is_library(file), "{file}");
        }
    }

    #[test]
    fn our_own_files_are_known_by_where_this_build_found_them() {
        let mut origins = Origins::default();
        origins.learn("/home/a/crates/crumbtrail/src/prepare/stack.rs");
        let module = |file| origins.module(file);
        assert_eq!(
            module("/home/a/crates/crumbtrail/src/layer/mod.rs").as_deref(),
            Some("crumbtrail::layer")
        );
        assert_eq!(module("/home/a/crates/crumbtrail/tests/lanes/main.rs"), None);
        assert_eq!(module("/home/a/src/layer/mod.rs"), None);
    }
}
