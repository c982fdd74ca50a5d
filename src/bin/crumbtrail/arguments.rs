//! What the command is told: its words, what they may be, and what its help says of them.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use crumbtrail::view::{Colour, Filter, Mute, Sort, State};

/// Looks at the issues that programs with crumbtrail keep in their stores
///
/// Without a command, it lists the issues of the store that was written last.
#[derive(Debug, Parser)]
#[command(name = "crumbtrail", version, after_help = EXIT_CODES, after_long_help = EXIT_CODES)]
pub(crate) struct Arguments {
    /// The store to look at [default: CRUMBTRAIL_STORE where that names a file, else the newest of the state directory]
    #[arg(long, global = true, value_name = "PATH", value_parser = store)]
    pub(crate) store: Option<PathBuf>,
    /// Whether text has colours; auto is where it goes to a terminal and NO_COLOR is not set
    #[arg(long, alias = "colour", global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: When,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists issues
    Issues(Issues),
    /// Tells everything that is known of an issue
    Show {
        #[arg(help = ISSUE)]
        issue: String,
        /// With this of its events instead of the newest, which is number 1
        #[arg(long, value_name = "N", default_value = "1", value_parser = positive)]
        event: usize,
        #[arg(long, help = JSON)]
        json: bool,
    },
    /// Lists the events of an issue that are kept, newest first
    Events {
        #[arg(help = ISSUE)]
        issue: String,
        /// How many at the most; 0 is all
        #[arg(long, value_name = "N", default_value = "0")]
        limit: usize,
        #[arg(long, help = JSON)]
        json: bool,
    },
    /// Marks issues as mended: a release that is first seen later brings one back
    Resolve {
        #[arg(required = true, value_name = "ISSUE", help = ISSUE)]
        issues: Vec<String>,
    },
    /// Hears no more of issues, for good or for a while
    Mute {
        #[arg(required = true, value_name = "ISSUE", help = ISSUE)]
        issues: Vec<String>,
        #[command(flatten)]
        until: Until,
    },
    /// Takes back what was decided of issues
    Reopen {
        #[arg(required = true, value_name = "ISSUE", help = ISSUE)]
        issues: Vec<String>,
    },
    /// Shows events as they are recorded, one a line, until it is interrupted
    ///
    /// Of a burst of events that are alike only the newest are recorded; how many more there were is said, as text. Where its
    /// reader goes away, it ends when it has something to write.
    Tail {
        /// How many of the newest to begin with
        #[arg(short = 'n', value_name = "N", default_value = "10")]
        first: usize,
        #[arg(long, help = JSON)]
        json: bool,
    },
    /// Says what programs have accepted and what became of it
    Stats {
        #[arg(long, help = JSON)]
        json: bool,
    },
    /// Writes all events that are kept as JSON, one a line
    Export {
        /// The issues instead, without their events
        #[arg(long)]
        issues: bool,
    },
    /// Forgets what is old; an issue that stays keeps its totals
    Prune {
        /// Events, and issues of which nothing was seen since, that are older than so many days [default: 90]
        #[arg(long, value_name = "DAYS")]
        keep_days: Option<u64>,
        /// The oldest events until the file takes no more than so many bytes; where that does not do, the issues not seen
        /// for longest, but none of the past hour [default: 536870912]
        #[arg(long, value_name = "BYTES")]
        max_bytes: Option<u64>,
    },
    /// Says whether the store is there and whole, and whether the server that SENTRY_DSN names takes events
    Doctor,
    /// Writes completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Writes a manual page
    Man {
        /// That of this command
        command: Option<String>,
    },
}

#[derive(Debug, Default, Args)]
pub(crate) struct Issues {
    /// What comes first
    #[arg(long, value_name = "BY", default_value = "last-seen")]
    sort: By,
    /// Only those in this state
    #[arg(long)]
    state: Option<In>,
    /// Only those that came in this release
    #[arg(long)]
    release: Option<String>,
    /// Only those that came in this environment
    #[arg(long)]
    environment: Option<String>,
    /// Only those with an event that has this tag with this value
    #[arg(long, value_name = "KEY=VALUE", value_parser = tag)]
    tag: Option<(String, String)>,
    /// Only those whose title, place or text contains this, whatever its capitals
    #[arg(long)]
    text: Option<String>,
    /// How many at the most; 0 is all
    #[arg(long, value_name = "N", default_value = "50")]
    limit: usize,
    #[arg(long, help = JSON)]
    pub(crate) json: bool,
}

impl Issues {
    /// What is listed where no command is given.
    pub(crate) fn standard() -> Self {
        Self { limit: Filter::default().limit.unwrap_or_default(), ..Self::default() }
    }

    pub(crate) fn filter(&self) -> Filter {
        let mut filter = Filter::default();
        filter.sort = match self.sort {
            By::LastSeen => Sort::LastSeen,
            By::Count => Sort::Count,
            By::Users => Sort::Users,
        };
        filter.state = self.state.map(|state| match state {
            In::Unresolved => State::Unresolved,
            In::Resolved => State::Resolved,
            In::Muted => State::Muted,
        });
        filter.release.clone_from(&self.release);
        filter.environment.clone_from(&self.environment);
        filter.tag.clone_from(&self.tag);
        filter.text.clone_from(&self.text);
        filter.limit = Some(self.limit).filter(|limit| *limit > 0);
        filter
    }
}

#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct Until {
    /// For so long, as in `2h` or `30min`
    #[arg(long = "for", value_name = "TIME", value_parser = time)]
    time: Option<Duration>,
    /// Until it came so many times more
    #[arg(long = "until-count", value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Until it hit so many users more
    #[arg(long = "until-users", value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    users: Option<u64>,
}

impl Until {
    pub(crate) fn mute(&self) -> Mute {
        match (self.time, self.count, self.users) {
            (Some(time), ..) => Mute::For(time),
            (_, Some(count), _) => Mute::Count(count),
            (.., Some(users)) => Mute::Users(users),
            (None, None, None) => Mute::Forever,
        }
    }
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum By {
    #[default]
    LastSeen,
    Count,
    Users,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum In {
    Unresolved,
    Resolved,
    Muted,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum When {
    Auto,
    Always,
    Never,
}

impl From<When> for Colour {
    fn from(when: When) -> Self {
        match when {
            When::Auto => Self::Auto,
            When::Always => Self::Always,
            When::Never => Self::Never,
        }
    }
}

fn store(path: &str) -> Result<PathBuf, String> {
    if is_word(path) {
        return Err(format!("that is a word of CRUMBTRAIL_STORE's, not a file; ./{path} would be one"));
    }
    Ok(path.into())
}

/// What `CRUMBTRAIL_STORE` says to programs that keep no file.
pub(crate) fn is_word(path: &str) -> bool {
    matches!(path, "memory" | "off")
}

fn tag(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("a tag and its value, as in provider=google".to_owned()),
    }
}

fn time(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|error| format!("{error}; a time is written as in 2h, 30min or 1day"))
}

fn positive(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "a number from 1 on".to_owned())
}

const ISSUE: &str = "The first digits of its id, the id of one of its events, or `latest`";
const JSON: &str = "As JSON: a value, or one a line; the names of its fields stay as they are";
const EXIT_CODES: &str = "\
Exit codes:
  0  done; that there are no issues is an answer
  1  there is no such issue or event, or the server takes no events (doctor)
  2  an argument is wrong
  3  the store cannot be read or written: not there, damaged, not crumbtrail's, of a later version, or busy; or the answer \
cannot be written";
