//! Interleaved rounds: each subject is a process of its own, and in each round all of them do every job in turn, so
//! that whatever the machine does meanwhile hits all alike. A figure is the median over the rounds of one run; a verdict
//! takes three runs with fresh processes.

use std::any::Any;
use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::crew::{Crew, Gone};
use crate::failure::Failure;
use crate::report::{Figure, Report};
use crate::work::{Job, Operation};

/// Rounds of one run.
pub(crate) const ROUNDS: usize = 61;
/// Rounds that must have gone undisturbed.
const ENOUGH: usize = 21;
/// Runs, of which two must meet a bar.
pub(crate) const RUNS: usize = 3;
/// How long one subject is at one job in one round.
const BATCH_NS: f64 = 400_000.0;
const SERVE: &str = "--serve";

/// What is to be compared with what.
#[derive(Debug)]
pub(crate) struct Measure {
    pub(crate) name: &'static str,
    pub(crate) job: Job,
    pub(crate) subject: &'static str,
    /// Whose time at the same job in the same round the subject's is divided by; none for plain nanoseconds.
    pub(crate) against: Option<&'static str>,
    /// What the subject takes longer is the figure, instead.
    pub(crate) above: bool,
    pub(crate) bar: &'static str,
}

/// Serves as a subject if this process was started as one.
pub(crate) fn serve(
    install: impl FnOnce(&str) -> Result<Box<dyn Any>, Box<dyn Error>>,
) -> Result<bool, Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    if arguments.next().as_deref() != Some(SERVE) {
        return Ok(false);
    }
    let _kept = install(&arguments.next().unwrap_or_default())?;
    let crew = Crew::new(2);
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (times, job) = line.split_once(' ').ok_or("an order is a number and a job")?;
        let measured = crew.measure(job.parse()?, times.parse()?).map_err(|Gone| "a thread has ended")?;
        writeln!(io::stdout(), "{}", measured.unwrap_or(f64::NAN))?;
    }
    Ok(true)
}

/// Measures all, three times over, and reports them.
pub(crate) fn run(measures: &[Measure], report: &mut Report) -> Result<(), Box<dyn Error>> {
    let runs = (0..RUNS).map(|_| one_run(measures)).collect::<Result<Vec<_>, _>>()?;
    for (index, measure) in measures.iter().enumerate() {
        let of_runs = |pick: fn(&Median) -> f64| -> Vec<f64> {
            runs.iter().filter_map(|medians| medians.get(index)).map(pick).collect()
        };
        let figures = of_runs(|median| median.figure);
        let decimals = if figures.iter().any(|figure| *figure >= 1_000.0) { 0 } else { 2 };
        let listed: Vec<_> = figures.iter().map(|figure| format!("{figure:.decimals$}")).collect();
        let disturbed = figures.iter().any(|figure| figure.is_nan());
        let detail = match measure.against {
            _ if disturbed => format!("the machine was too busy for {ENOUGH} undisturbed rounds in each run"),
            None => format!("runs {}", listed.join(" ")),
            Some(other) => format!(
                "{:.1} ns, {other} {:.1} ns; runs {}",
                middle(of_runs(|median| median.own)),
                middle(of_runs(|median| median.other)),
                listed.join(" ")
            ),
        };
        // The median of three meets a bar exactly where two of them do.
        let value = if disturbed { f64::NAN } else { middle(figures) };
        let unit = if measure.against.is_some() && !measure.above { " x" } else { " ns" };
        report.judge(measure.name, Figure { value, unit, decimals }, measure.bar, &detail);
    }
    Ok(())
}

#[derive(Debug)]
struct Median {
    figure: f64,
    own: f64,
    other: f64,
}

fn one_run(measures: &[Measure]) -> Result<Vec<Median>, Box<dyn Error>> {
    let mut jobs: Vec<(Job, Vec<&'static str>)> = Vec::new();
    for measure in measures {
        if !jobs.iter().any(|(job, _)| *job == measure.job) {
            jobs.push((measure.job, Vec::new()));
        }
        let Some((_, subjects)) = jobs.iter_mut().find(|(job, _)| *job == measure.job) else { continue };
        for subject in [Some(measure.subject), measure.against].into_iter().flatten() {
            if !subjects.contains(&subject) {
                subjects.push(subject);
            }
        }
    }
    let mut processes: HashMap<&'static str, Subject> = HashMap::new();
    let mut batches: HashMap<(usize, &'static str), u64> = HashMap::new();
    for (index, (job, subjects)) in jobs.iter().enumerate() {
        for &name in subjects {
            if !processes.contains_key(name) {
                processes.insert(name, Subject::start(name)?);
            }
            let process = processes.get_mut(name).ok_or("it was just started")?;
            batches.insert((index, name), batch(process, *job)?);
        }
    }
    let mut samples: HashMap<(usize, &'static str), Vec<f64>> = HashMap::new();
    for round in 0..ROUNDS {
        for (index, (job, subjects)) in jobs.iter_mut().enumerate() {
            // Nobody is always the first, or always behind the same other.
            if round % 2 == 0 {
                subjects.reverse()
            } else {
                subjects.rotate_left(1)
            }
            for &mut name in subjects {
                let process = processes.get_mut(name).ok_or("it was started before the rounds")?;
                let times = batches.get(&(index, name)).copied().unwrap_or(1);
                samples.entry((index, name)).or_default().push(process.measure(*job, times)?);
            }
        }
    }
    let medians = measures.iter().filter_map(|measure| {
        let index = jobs.iter().position(|(job, _)| *job == measure.job)?;
        let own = samples.get(&(index, measure.subject))?;
        let other = samples.get(&(index, measure.against.unwrap_or(measure.subject)))?;
        let figure = match measure.against {
            None => median(own.iter().copied()),
            Some(_) if measure.above => median(own.iter().zip(other).map(|(own, other)| own - other)),
            Some(_) => median(own.iter().zip(other).map(|(own, other)| own / other)),
        };
        Some(Median { figure, own: median(own.iter().copied()), other: median(other.iter().copied()) })
    });
    Ok(medians.collect())
}

/// How many repetitions a subject is to do in one round.
fn batch(process: &mut Subject, job: Job) -> Result<u64, Box<dyn Error>> {
    if let Operation::Error(failure) = job.operation {
        return Ok(calls(failure));
    }
    process.measure(job, 2_000)?;
    let once = process.measure(job, 20_000)?;
    // Where the machine disturbed every try, a guess: too short a batch is no harm, one without end is.
    let once = if once.is_nan() { 100.0 } else { once.max(0.1) };
    Ok((BATCH_NS / once) as u64 + 1)
}

/// The same for ERRORs: a run has hundreds of each.
fn calls(failure: Failure) -> u64 {
    match failure {
        Failure::Request | Failure::Deep => 15,
        Failure::Pause | Failure::Lap => 3,
        Failure::Storm => 75,
    }
}

/// The middle of the undisturbed figures; NaN, which is no figure, where they are too few.
fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let figures: Vec<_> = figures.filter(|figure| !figure.is_nan()).collect();
    if figures.len() < ENOUGH { f64::NAN } else { middle(figures) }
}

fn middle(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A process that does jobs with one subscriber.
pub(crate) struct Subject {
    process: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Subject {
    pub(crate) fn start(name: &str) -> Result<Self, Box<dyn Error>> {
        let mut process = Command::new(env::current_exe()?)
            .args([SERVE, name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let orders = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().ok_or("its output is a pipe")?);
        Ok(Self { process, orders, answers })
    }

    /// Nanoseconds of one repetition; NaN where the machine disturbed every try.
    pub(crate) fn measure(&mut self, job: Job, times: u64) -> Result<f64, Box<dyn Error>> {
        let orders = self.orders.as_mut().ok_or("its input is a pipe")?;
        writeln!(orders, "{times} {job}")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        answer.trim().parse().map_err(|_| format!("{job}: the subject ended, or answered {answer:?}").into())
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        // The end of its input is the end of its work.
        self.orders = None;
        let _ = self.process.wait();
    }
}
