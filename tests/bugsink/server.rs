//! A Bugsink of the test's own: started, killed, started again, and in any case ended.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{self, Child, ChildStdout, Command, Stdio};
use std::sync::LazyLock;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::stored::{self, Stored};
use crate::support::until;

/// What a start may take on a machine that is busy with other tests.
const START: Duration = Duration::from_secs(120);

/// A running server. It ends with its input, which is ours: whatever becomes of this process, nothing of it stays.
pub(crate) struct Server {
    process: Child,
    /// Where it keeps its data, by its own word.
    data: PathBuf,
    dsns: BTreeMap<String, String>,
    arguments: Vec<String>,
    /// The folder to be removed in the end, where it is the test's.
    folder: Option<PathBuf>,
}

/// The one that most tests share, each with a project of its own.
pub(crate) fn shared() -> Option<&'static Server> {
    static SHARED: LazyLock<Option<Server>> = LazyLock::new(|| {
        Server::start(&[], &["checkout", "fields", "grouping", "hostile", "extreme", "made"])
    });
    SHARED.as_ref()
}

impl Server {
    /// One with those projects, in a temporary folder; None where it cannot be installed.
    pub(crate) fn start(options: &[&str], projects: &[&str]) -> Option<Self> {
        installed().then(|| {
            let arguments: Vec<String> = ["serve"]
                .iter()
                .chain(options)
                .chain(projects)
                .map(|argument| (*argument).to_owned())
                .collect();
            let (process, dsns, data) = serve(&arguments);
            Self { process, data, dsns, arguments, folder: None }
        })
    }

    /// One that can be started again, with what it has stored.
    pub(crate) fn start_lasting(name: &str, projects: &[&str]) -> Option<Self> {
        let name = format!("bugsink-{name}-{}", process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let data = folder.to_str().expect("a path of ours is text");
        let mut server = Self::start(&["--data", data], projects)?;
        server.folder = Some(folder);
        Some(server)
    }

    pub(crate) fn dsn(&self, project: &str) -> &str {
        &self.dsns[project]
    }

    /// The events of a project, as they are in the database.
    pub(crate) fn stored(&self, project: &str) -> Vec<Stored> {
        stored::events(&self.data.join("db.sqlite3"), self.number(project))
    }

    /// How many events of a project are in the database.
    pub(crate) fn count(&self, project: &str) -> usize {
        stored::count(&self.data.join("db.sqlite3"), self.number(project))
    }

    /// Waits until so many events of a project are stored, and returns them.
    #[track_caller]
    pub(crate) fn stores(&self, project: &str, count: usize) -> Vec<Stored> {
        until(Duration::from_secs(60), || self.count(project) >= count);
        self.stored(project)
    }

    /// The statuses that the requests of a project were answered with, in their order.
    pub(crate) fn answers(&self, project: &str) -> Vec<u16> {
        let path = format!("\"POST /api/{}/envelope/ ", self.number(project));
        let log = self.read("access.log");
        let lines = log.lines().filter_map(|line| line.split_once(&path));
        let statuses =
            lines.filter_map(|(_, rest)| rest.split_once("\" ")?.1.split(' ').next()?.parse().ok());
        statuses.collect()
    }

    /// Why events were refused that had been answered with 200, and requests answered with 500: of all projects.
    pub(crate) fn refusals(&self) -> Vec<String> {
        let log = self.read("server.log");
        let begins = ["django.core.exceptions.ValidationError: ", "Internal Server Error: "];
        let lines = log.lines().filter(|line| begins.iter().any(|begin| line.starts_with(begin)));
        lines.map(str::to_owned).collect()
    }

    /// Kills all of it at once, as a machine that goes down does.
    pub(crate) fn kill(&mut self) {
        kill_group(&self.process);
        self.process.wait().expect("a killed process can be waited for");
    }

    /// Starts it once more after it was killed: on the same port, with what it has stored.
    pub(crate) fn start_again(&mut self) {
        let (process, dsns, _) = serve(&self.arguments);
        assert_eq!(dsns, self.dsns, "it is another server");
        self.process = process;
    }

    /// The last part of a DSN is the project's id.
    fn number(&self, project: &str) -> i64 {
        let (_, number) = self.dsn(project).rsplit_once('/').expect("a DSN has a path");
        number.parse().expect("a project's id is a number")
    }

    fn read(&self, log: &str) -> String {
        let bytes = fs::read(self.data.join(log)).expect("the server writes its logs");
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let begun = Instant::now();
        while matches!(self.process.try_wait(), Ok(None)) {
            if begun.elapsed() > Duration::from_secs(10) {
                kill_group(&self.process);
            }
            thread::sleep(Duration::from_millis(10));
        }
        if let Some(folder) = &self.folder {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

/// Whether it could be installed, which is tried once and takes half a minute where it was not done before.
fn installed() -> bool {
    static INSTALLED: LazyLock<bool> = LazyLock::new(|| {
        let status = script().arg("install").stdin(Stdio::null()).status();
        let installed = status.is_ok_and(|status| status.success());
        let must = env::var("CI").is_ok_and(|value| value == "true");
        assert!(installed || !must, "Bugsink could not be installed, which CI=true makes a failure");
        if !installed {
            // Past the harness, which shows nothing of a test that passes.
            let _ =
                writeln!(io::stderr(), "Bugsink could not be installed: the tests against it are skipped");
        }
        installed
    });
    *INSTALLED
}

/// Starts it, and waits until it answers: the process, the DSN of each project, and where the data are.
fn serve(arguments: &[String]) -> (Child, BTreeMap<String, String>, PathBuf) {
    let mut command = script();
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    // A group of its own, so that all of it can be killed at once.
    let mut process = command.process_group(0).spawn().expect("what was installed starts");
    let lines = lines(process.stdout.take().expect("its output is ours"));
    let mut dsns = BTreeMap::new();
    loop {
        let line = lines.recv_timeout(START).expect("the server starts, or says on stderr why not");
        match line.split_once(' ').expect("each line has two parts") {
            ("data", folder) => return (process, dsns, PathBuf::from(folder)),
            (project, dsn) => dsns.insert(project.to_owned(), dsn.to_owned()),
        };
    }
}

/// The lines of an output, as they come.
fn lines(output: ChildStdout) -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    lines
}

fn script() -> Command {
    let mut script = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/bugsink"));
    // The folder for temporary files lies in the target folder, wherever that is.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it lies in the target folder");
    script.env("CARGO_TARGET_DIR", target);
    script
}

fn kill_group(process: &Child) {
    let group = format!("-{}", process.id());
    let status = Command::new("kill").args(["-KILL", "--", &group]).status();
    assert!(status.is_ok_and(|status| status.success()), "a process of ours can be killed");
}
