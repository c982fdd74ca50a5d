//! Exact counts by valgrind's callgrind: what one subject executes for one WARN or ERROR, on a thread of its own.
//!
//! The counts repeat to the instruction. They say nothing of waiting: a cache line fetched from another core counts as
//! one instruction, and the clock, which is read without entering the kernel otherwise, is a system call under
//! valgrind, whose inside is not counted.

use std::any::Any;
use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::process::{self, Command, Stdio};
use std::thread;

use crate::failure::Failure;
use crate::report::say;
use crate::work::{Job, Operation, repeat, slow_payment, within};

/// What was executed.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Instructions by function and source file, inlined lines under the function that they were compiled into.
    costs: HashMap<(String, String), u64>,
    times: u64,
}

/// How often the work is repeated: enough to fill the ring once and begin a second lap.
const TIMES: u64 = 40_000;
const COUNT: &str = "--count";
/// Asks for the dearest functions.
const PROFILE: &str = "--profile";

/// Does the work to be counted if this process was started for it.
pub(crate) fn be_counted(
    install: impl FnOnce(&str) -> Result<Box<dyn Any>, Box<dyn Error>>,
) -> Result<bool, Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [mode, subject, job] = arguments.as_slice() else { return Ok(false) };
    if mode != COUNT {
        return Ok(false);
    }
    let _kept = install(subject)?;
    let job: Job = job.parse()?;
    let work = move || match job.operation {
        Operation::Error(failure) => {
            failure.each(errors(failure) / 4, &mut |call| call());
            failure.each(errors(failure), &mut |call| counted_call(call));
        }
        _ => within(job.depth, || {
            repeat(Operation::Warn, 1_000);
            (0..TIMES).for_each(|order| counted(black_box(order)));
        }),
    };
    thread::spawn(work).join().map_err(|_| "the work panicked")?;
    Ok(true)
}

/// What callgrind counts, and knows by this name: one WARN, and none of the loop around it.
#[inline(never)]
fn counted(order: u64) {
    slow_payment(order);
}

/// The same of one ERROR.
#[inline(never)]
fn counted_call(call: &mut dyn FnMut()) {
    call();
}

/// How many ERRORs are counted.
fn errors(failure: Failure) -> u64 {
    match failure {
        Failure::Lap => 20,
        _ => 400,
    }
}

/// Counts a subject's WARN or ERROR; an error where there is no valgrind, or where it fails.
pub(crate) fn count(subject: &str, job: Job) -> Result<Counts, Box<dyn Error>> {
    let times = match job.operation {
        Operation::Error(failure) => errors(failure),
        _ => TIMES,
    };
    let file = env::temp_dir().join(format!("crumbtrail-callgrind-{}", process::id()));
    let status = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--quiet",
            "--collect-atstart=no",
            "--toggle-collect=*::callgrind::counted*",
        ])
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(env::current_exe()?)
        .args([COUNT, subject, &job.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(|error| format!("valgrind cannot be run: {error}"))?;
    let text = fs::read_to_string(&file);
    let _ = fs::remove_file(&file);
    if !status.success() {
        return Err(format!("valgrind ended with {status}").into());
    }
    let counts = Counts { costs: costs(&text?), times };
    if counts.instructions() < 1.0 {
        return Err("callgrind did not find the function to count".into());
    }
    if env::args().any(|argument| argument == PROFILE) {
        say(&format!("{subject}, {job}: the dearest functions, by their own instructions each time"));
        let whole = counts.instructions();
        for (function, cost) in counts.dearest().iter().take(40) {
            say(&format!("    {cost:>6.0} {:>5.1} %  {function}", 100.0 * cost / whole));
        }
    }
    Ok(counts)
}

impl Counts {
    /// Instructions of one repetition.
    pub(crate) fn instructions(&self) -> f64 {
        self.of(|_, _| true)
    }

    /// Instructions of one repetition that stand in the standard library's or anybody else's locks: in a function that
    /// locks, or in lines of one that were compiled into its caller.
    pub(crate) fn locking(&self) -> f64 {
        const FUNCTIONS: [&str; 5] = ["pthread_mutex", "pthread_rwlock", "pthread_cond", "futex", "lll_lock"];
        const FILES: [&str; 6] = [
            "/sync/poison/",
            "/sync/mutex",
            "/sync/rwlock",
            "/sync/reentrant_lock",
            "/lock_api",
            "/parking_lot",
        ];
        self.of(|function, file| {
            FUNCTIONS.iter().any(|part| function.contains(part))
                || FILES.iter().any(|part| file.contains(part))
        })
    }

    /// Functions by what they execute themselves in one repetition, the dearest first.
    fn dearest(&self) -> Vec<(String, f64)> {
        let mut sums: HashMap<&str, u64> = HashMap::new();
        for ((function, _), cost) in &self.costs {
            *sums.entry(function).or_default() += cost;
        }
        let each = |(function, cost): (&str, u64)| (function.to_owned(), cost as f64 / self.times as f64);
        let mut sorted: Vec<_> = sums.into_iter().map(each).collect();
        sorted.sort_by(|(_, left), (_, right)| right.total_cmp(left));
        sorted
    }

    fn of(&self, wanted: impl Fn(&str, &str) -> bool) -> f64 {
        let costs = self.costs.iter().filter(|((function, file), _)| wanted(function, file));
        costs.map(|(_, cost)| cost).sum::<u64>() as f64 / self.times as f64
    }
}

/// Reads callgrind's file: own costs by function and source file. The costs of calls, which stand on the line behind
/// `calls=`, are those of the functions called.
fn costs(text: &str) -> HashMap<(String, String), u64> {
    let mut costs: HashMap<(String, String), u64> = HashMap::new();
    let (mut files, mut functions) = (Names::default(), Names::default());
    let (mut own_file, mut file, mut function) = (String::new(), String::new(), String::new());
    let mut of_call = false;
    for line in text.lines() {
        match line.split_once('=') {
            Some(("fl", name)) => {
                own_file = files.resolve(name);
                file.clone_from(&own_file);
            }
            Some(("fi" | "fe", name)) => file = files.resolve(name),
            Some(("fn", name)) => {
                function = functions.resolve(name);
                file.clone_from(&own_file);
            }
            // Names of callees are introduced here and may be used later by their number alone.
            Some(("cfi" | "cfl", name)) => drop(files.resolve(name)),
            Some(("cfn", name)) => drop(functions.resolve(name)),
            Some(("calls", _)) => of_call = true,
            _ => {
                let mut words = line.split(' ');
                let is_position =
                    |word: &str| word.starts_with(|c: char| c.is_ascii_digit() || "+-*".contains(c));
                let position = words.next().filter(|word| is_position(word));
                let cost = words.next().and_then(|word| word.parse::<u64>().ok());
                if let (Some(_), Some(cost)) = (position, cost)
                    && !std::mem::take(&mut of_call)
                {
                    *costs.entry((function.clone(), file.clone())).or_default() += cost;
                }
            }
        }
    }
    costs
}

/// Names that stand in the file once, as `(7) name`, and later as `(7)`.
#[derive(Default)]
struct Names(HashMap<String, String>);

impl Names {
    fn resolve(&mut self, text: &str) -> String {
        let (number, name) = text.split_once(' ').unwrap_or((text, ""));
        if name.is_empty() {
            return self.0.get(number).cloned().unwrap_or_default();
        }
        // A function that calls itself stands under a second name.
        let name = name.trim_end_matches("'2");
        self.0.insert(number.to_owned(), name.to_owned());
        name.to_owned()
    }
}
