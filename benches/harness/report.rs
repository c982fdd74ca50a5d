//! One line for each measure, and the table in the README that the bench writes itself.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::Command;
use std::thread;

/// The figures of one bench.
#[derive(Debug)]
pub(crate) struct Report {
    /// The bench's name, and the mark of its table.
    bench: &'static str,
    /// The table's first two lines.
    head: &'static str,
    lines: Vec<String>,
    missed: usize,
}

/// A number as it is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figure {
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    pub(crate) decimals: usize,
}

/// Whether the bench was started by `cargo bench`; else, as by `cargo test --all-targets`, nothing is to be measured.
pub(crate) fn is_bench_run() -> io::Result<bool> {
    let asked = env::args().any(|argument| argument == "--bench");
    if !asked {
        writeln!(io::stdout(), "measures only under `cargo bench`")?;
    }
    Ok(asked)
}

impl Report {
    pub(crate) fn new(bench: &'static str) -> Self {
        Self::with_head(bench, "| measure | figure | bar | verdict | |\n|---|---|---|---|---|\n")
    }

    /// A report of faults, with what each of two sides makes of them.
    pub(crate) fn side_by_side(bench: &'static str) -> Self {
        Self::with_head(bench, "| fault | peer | crumbtrail | verdict |\n|---|---|---|---|\n")
    }

    fn with_head(bench: &'static str, head: &'static str) -> Self {
        say(&format!("{bench}: {}", conditions()));
        Self { bench, head, lines: Vec::new(), missed: 0 }
    }

    /// Reports a figure. Its bar is written `<= 2` or `>= 6`, or is empty where it is shown for comparison only; a figure
    /// that is NaN could not be measured, and the detail says why.
    pub(crate) fn judge(&mut self, name: &str, figure: Figure, bar: &str, detail: &str) {
        let Figure { value, unit, decimals } = figure;
        let limit = |relation| bar.strip_prefix(relation).and_then(|limit| limit.trim().parse::<f64>().ok());
        let verdict = match (limit("<="), limit(">=")) {
            _ if value.is_nan() => "skipped",
            (Some(most), _) if value <= most => "met",
            (_, Some(least)) if value >= least => "met",
            (None, None) => "",
            _ => "missed",
        };
        self.missed += usize::from(verdict == "missed");
        let value = if value.is_nan() { "-".to_owned() } else { format!("{value:.decimals$}{unit}") };
        let text = format!("{name:<56} {value:>10}  {bar:<8} {verdict:<7}  {detail}");
        say(text.trim_end());
        self.lines.push(format!("| {name} | {value} | {bar} | {verdict} | {detail} |"));
    }

    /// Reports a fault, and whether crumbtrail did right.
    pub(crate) fn compare(&mut self, fault: &str, peer: &str, ours: &str, right: bool) {
        let verdict = if right { "met" } else { "missed" };
        self.missed += usize::from(!right);
        say(&format!("{fault:<56} {verdict}\n    peer: {peer}\n    crumbtrail: {ours}"));
        self.lines.push(format!("| {fault} | {peer} | {ours} | {verdict} |"));
    }

    /// Ends the report and, with `CRUMBTRAIL_BENCH_WRITE=1`, writes it into the README of the benches.
    pub(crate) fn finish(
        self,
        manifest: &str,
        readme: &str,
        packages: &[&str],
    ) -> Result<(), Box<dyn Error>> {
        match self.missed {
            0 => say(&format!("{}: no figure short of its bar", self.bench)),
            missed => say(&format!("{}: {missed} figures short of their bars", self.bench)),
        }
        if env::var("CRUMBTRAIL_BENCH_WRITE").as_deref() != Ok("1") {
            return Ok(());
        }
        let manifest = Path::new(manifest);
        let readme = manifest.join(readme);
        let old = fs::read_to_string(&readme)?;
        let (begin, end) =
            (format!("<!-- {}: begin -->", self.bench), format!("<!-- {}: end -->", self.bench));
        let marks = || format!("{} has no marks for {}", readme.display(), self.bench);
        let (before, rest) = old.split_once(&begin).ok_or_else(marks)?;
        let (_, after) = rest.split_once(&end).ok_or_else(marks)?;
        let lock = fs::read_to_string(manifest.join("Cargo.lock"))?;
        let versions: Vec<_> =
            packages.iter().filter_map(|name| Some(format!("{name} {}", version(&lock, name)?))).collect();
        let mut table = format!("{}, {}.\n\n", conditions(), versions.join(", "));
        table.push_str(self.head);
        for line in &self.lines {
            writeln!(table, "{line}")?;
        }
        fs::write(&readme, format!("{before}{begin}\n{table}{end}{after}"))?;
        Ok(())
    }
}

/// Prints a line.
pub(crate) fn say(text: &str) {
    // Nobody reads on: there is nothing to be done about it.
    let _ = writeln!(io::stdout(), "{text}");
}

/// When, on what machine, by what compiler, and how busy it was with other things.
fn conditions() -> String {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let model = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    let load = fs::read_to_string("/proc/loadavg").ok();
    let load = load.as_deref().and_then(|text| text.split(' ').next()).unwrap_or("unknown").to_owned();
    format!(
        "{}, {} cores of {}, load {load}, {}",
        output("date", &["-u", "+%Y-%m-%d"]),
        cores,
        model.as_deref().unwrap_or(env::consts::ARCH),
        // Without the hash and the date.
        output("rustc", &["--version"]).split(" (").next().unwrap_or_default(),
    )
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().ok();
    let text = output.and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    if text.is_empty() { format!("{program} unknown") } else { text.trim().to_owned() }
}

/// The version of a package in a lock file.
fn version<'a>(lock: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
    rest.split('"').next()
}

// Most benches report figures, one compares; none is dead.
const _: fn(&'static str) -> Report = Report::side_by_side;
const _: fn(&mut Report, &str, &str, &str, bool) = Report::compare;
const _: fn(&'static str) -> Report = Report::new;
const _: fn(&mut Report, &str, Figure, &str, &str) = Report::judge;
