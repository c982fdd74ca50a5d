//! An example as a new user runs it, with the features and the profile of the test binary.

use std::env;
use std::process::Command;

/// What an example wrote.
pub(crate) struct Output {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Builds and runs it as `cargo run --example` does, with nothing of crumbtrail's in its environment but `settings`.
#[track_caller]
pub(crate) fn run(example: &str, arguments: &[&str], settings: &[(&str, &str)]) -> Output {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    for (name, _) in env::vars_os() {
        let ours = name.to_str().is_some_and(|name| {
            ["CRUMBTRAIL", "SENTRY_", "RUST_LOG", "COLUMNS"].iter().any(|prefix| name.starts_with(prefix))
        });
        if ours {
            cargo.env_remove(name);
        }
    }
    cargo.envs(settings.iter().copied());
    let features = [
        ("sentry", cfg!(feature = "sentry")),
        ("rustls", cfg!(feature = "rustls")),
        ("rustls-no-provider", cfg!(feature = "rustls-no-provider")),
        ("native-tls", cfg!(feature = "native-tls")),
        ("store", cfg!(feature = "store")),
        ("stack", cfg!(feature = "stack")),
        ("tokio", cfg!(feature = "tokio")),
    ];
    let features: Vec<&str> = features.iter().filter(|(_, on)| *on).map(|(name, _)| *name).collect();
    cargo.args(["run", "--quiet", "--example", example, "--no-default-features"]);
    cargo.arg("--features").arg(features.join(","));
    // A test binary lies in the folder `deps` of its profile's folder in the target folder.
    let binary = env::current_exe().expect("a test binary knows where it is");
    let profile = binary.ancestors().nth(2).expect("a test binary lies in its profile's folder");
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    cargo.arg("--target-dir").arg(profile.parent().expect("a profile's folder lies in the target folder"));
    cargo.arg("--").args(arguments);
    let output = cargo.output().expect("cargo can be started");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{example} ended with {}\n{stdout}\n{stderr}", output.status);
    Output { stdout, stderr }
}
