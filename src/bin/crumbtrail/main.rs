//! The command `crumbtrail`: takes its arguments, asks the library, writes the answer.
//!
//! What it can say of a store is `crumbtrail::view`'s; here are its words and its exit codes. It runs on the process's one
//! thread. A reader that goes away ends it without a word.

mod arguments;

use std::env;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use clap::{CommandFactory, Parser};
use crumbtrail::view::{self, Export, Form, View, ViewError};

use arguments::{Arguments, Command, Issues};

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(code) => code,
        Err(failure) => failure.exit(),
    }
}

fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let Arguments { store, color, command } = arguments;
    let path = store.or_else(named_by_environment);
    let open = |json: bool| {
        let view = path.as_ref().map_or_else(View::newest, View::open)?;
        let form = if json { Form::Json } else { Form::Text };
        Ok::<_, ViewError>(view.colour(color.into()).form(form))
    };
    let all = |limit: usize| if limit == 0 { usize::MAX } else { limit };
    let text = match command.unwrap_or_else(|| Command::Issues(Issues::standard())) {
        Command::Issues(issues) => open(issues.json)?.issues(&issues.filter())?,
        Command::Show { issue, event, json } => open(json)?.show(&issue, event)?,
        Command::Events { issue, limit, json } => open(json)?.events(&issue, all(limit))?,
        Command::Resolve { issues } => open(false)?.resolve(&issues)?,
        Command::Mute { issues, until } => open(false)?.mute(&issues, until.mute())?,
        Command::Reopen { issues } => open(false)?.reopen(&issues)?,
        Command::Tail { first, json } => return follow(&open(json)?, first),
        Command::Stats { json } => open(json)?.stats()?,
        Command::Export { issues } => {
            return export(&open(true)?, if issues { Export::Issues } else { Export::Events });
        }
        Command::Prune { keep_days, max_bytes } => {
            let age = keep_days.map(|days| Duration::from_secs(days.saturating_mul(24 * 60 * 60)));
            open(false)?.prune(age, max_bytes)?
        }
        Command::Doctor => return doctor(path),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), NAME, &mut script);
            return write(&script);
        }
        Command::Man { command } => return man(command.as_deref()),
    };
    write(text.as_bytes())
}

/// What `CRUMBTRAIL_STORE` names, unless it tells programs to keep no file.
fn named_by_environment() -> Option<PathBuf> {
    let named = env::var_os("CRUMBTRAIL_STORE").filter(|named| !named.is_empty())?;
    (!named.to_str().is_some_and(arguments::is_word)).then(|| named.into())
}

fn write(answer: &[u8]) -> Result<ExitCode, Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(answer)?;
    stdout.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// Until nobody reads any more.
fn follow(view: &View, first: usize) -> Result<ExitCode, Failure> {
    let mut tail = view.tail(first)?;
    loop {
        let news = tail.news()?;
        if news.is_empty() {
            thread::sleep(LOOK);
        } else {
            write(news.as_bytes())?;
        }
    }
}

fn export(view: &View, what: Export) -> Result<ExitCode, Failure> {
    let begun = Instant::now();
    let mut shown = begun;
    // Where the answer itself goes to the terminal, one sees how far it is.
    let is_shown = io::stderr().is_terminal() && !io::stdout().is_terminal();
    let mut progress = |written: u64| {
        if is_shown && shown.elapsed() >= PROGRESS {
            shown = Instant::now();
            // Nobody has to see it.
            let _ = write!(io::stderr().lock(), "\r{written} written");
        }
    };
    let stdout = io::stdout().lock();
    let written = view.export(what, &mut BufWriter::new(stdout), &mut progress);
    if shown > begun {
        let _ = writeln!(io::stderr().lock(), "\r{} written", written.as_ref().copied().unwrap_or_default());
    }
    written?;
    Ok(ExitCode::SUCCESS)
}

fn doctor(path: Option<PathBuf>) -> Result<ExitCode, Failure> {
    let condition = view::doctor(path.as_deref());
    write(format!("{condition}\n").as_bytes())?;
    let mut code = if condition.is_healthy() { 0 } else { STORE };
    #[cfg(feature = "sentry")]
    if env::var_os("SENTRY_DSN").is_some_and(|dsn| !dsn.is_empty()) {
        let diagnosis = crumbtrail::doctor(crumbtrail::from_env());
        write(format!("{diagnosis}\n").as_bytes())?;
        if code == 0 && !diagnosis.is_healthy() {
            code = UNKNOWN;
        }
    }
    Ok(code.into())
}

fn man(command: Option<&str>) -> Result<ExitCode, Failure> {
    let mut whole = Arguments::command();
    whole.build();
    let command = match command {
        None => whole,
        Some(name) => match whole.find_subcommand(name) {
            Some(found) => found.clone(),
            None => {
                let known: Vec<&str> = whole.get_subcommands().map(clap::Command::get_name).collect();
                let words = format!("`{name}` is no command; there are {}", known.join(", "));
                whole.error(clap::error::ErrorKind::InvalidValue, words).exit()
            }
        },
    };
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    write(&page)
}

/// Why there is no answer.
#[derive(Debug)]
enum Failure {
    View(ViewError),
    Output(io::Error),
}

impl Failure {
    /// Says why, and with what code to end.
    fn exit(self) -> ExitCode {
        let (code, words) = match self {
            Self::View(error) if error.is_broken_pipe() => return ExitCode::SUCCESS,
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => return ExitCode::SUCCESS,
            Self::View(error) if error.is_unknown() => (UNKNOWN, error.to_string()),
            Self::View(error) if error.is_name() => (ARGUMENT, error.to_string()),
            Self::View(error) => (STORE, error.to_string()),
            Self::Output(error) => (STORE, format!("the answer cannot be written: {error}")),
        };
        // A closed stderr is the caller's choice; the code says it as well.
        let _ = writeln!(io::stderr().lock(), "error: {words}");
        code.into()
    }
}

impl From<ViewError> for Failure {
    fn from(error: ViewError) -> Self {
        Self::View(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

const NAME: &str = "crumbtrail";
/// There is no such thing.
const UNKNOWN: u8 = 1;
/// An argument is wrong; clap ends with this too.
const ARGUMENT: u8 = 2;
/// The store cannot be used, or the answer not be written.
const STORE: u8 = 3;
/// How often a store is looked at for news.
const LOOK: Duration = Duration::from_millis(250);
/// How often it is said how far an export is.
const PROGRESS: Duration = Duration::from_secs(1);
