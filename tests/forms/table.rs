//! The table: every form of a line × every make of error.
//!
//! What a form can tell is known: an error that is handed over tells all; a `Display` its text, and that of a report its
//! causes as well; a `Debug` its types. Told is what it can tell, or less, but never anything that is not so.

use std::error::Error;
use std::fmt::{Debug, Display};

use crumbtrail::TrackedEvent;
use tracing::{error, info_span, instrument};

use crate::failures::{self, Cache, Shop};
use crate::rig::Rig;
use crate::support::{child, role};
use crate::truth::{Told, Truth};

#[test]
fn what_can_be_told_of_an_error_is_told_whatever_the_form_and_nothing_else() {
    const NAME: &str = "table::what_can_be_told_of_an_error_is_told_whatever_the_form_and_nothing_else";
    match role().as_deref() {
        Some("colours") => judge(colours),
        Some(_) => judge(all),
        None => {
            for role in ["plain", "colours"] {
                for backtrace in [None, Some("1")] {
                    let mut child = child(role, NAME);
                    child.command.env_remove("RUST_BACKTRACE").env_remove("RUST_LIB_BACKTRACE");
                    child.command.envs(backtrace.map(|value| ("RUST_BACKTRACE", value)));
                    let ended = child.run().succeeded();
                    let lines = ended.stdout.lines().filter(|line| line.contains("of the forms"));
                    lines.for_each(|line| println!("{role}, RUST_BACKTRACE={backtrace:?}: {line}"));
                }
            }
        }
    }
}

/// What the `Display` of an error shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shows {
    /// Itself.
    Itself,
    /// By the alternate form its causes too.
    Causes,
}

/// What the `Debug` of an error shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dumps {
    /// Its types and what they are made of.
    Types,
    /// The texts of the chain, and by the alternate form its types.
    Report,
    /// A word, which may be any text.
    Word,
}

fn all(table: &mut Table) {
    use Dumps::{Report, Types, Word};
    use Shows::{Causes, Itself};
    let any = |error: &anyhow::Error| Truth::of(&**error);
    let failed = failures::in_anyhow();
    table.add("anyhow", &failed, any(&failed), Some(&*failed), Causes, Report);
    let failed = failures::with_contexts();
    table.add("anyhow, 2 contexts", &failed, any(&failed), Some(&*failed), Causes, Report);
    let failed = Shop::from(failures::with_contexts());
    let Shop::Any(inner) = &failed else { unreachable!() };
    let truth = any(inner).behind(&failed);
    table.add("thiserror, transparent over anyhow", &failed, truth, None, Causes, Types);
    let failed = failures::in_eyre();
    table.add("eyre", &failed, Truth::of(&*failed), Some(&*failed), Causes, Report);
    let failed = failures::in_miette();
    table.add("miette", &failed, Truth::of(&*failed), Some(&*failed), Causes, Word);

    macro_rules! typed {
        ($($name:literal, $error:expr, $dumps:expr;)*) => {$({
            let failed = $error;
            table.add($name, &failed, Truth::of(&failed), Some(&failed), Itself, $dumps);
        })*};
    }
    let (tokio, answers) = answers();
    let [no_answer, refused_source] = answers;
    typed! {
        "thiserror", failures::settings(), Types;
        "thiserror, fields", Shop::NoArticle { id: 7, shop: "north: 1".to_owned() }, Types;
        "thiserror, its source shown", Shop::from(failures::no_table()), Types;
        "thiserror over reqwest", Shop::Refused { source: refused_source, attempt: 2 }, Types;
        "snafu", failures::by_snafu::order(), Types;
        "derived", Cache::Backend(failures::Backend::Io(failures::missing_file())), Types;
        "io, of the system", failures::missing_file(), Types;
        "io, kind", std::io::Error::from(std::io::ErrorKind::TimedOut), Types;
        "io, custom", std::io::Error::other("no: way"), Types;
        "io, message", std::io::Read::read_exact(&mut &b""[..], &mut [0]).unwrap_err(), Types;
        "reqwest, refused", no_answer, Types;
        "reqwest, no address", tokio.block_on(failures::no_address()), Types;
        "serde_json", failures::no_json(), Types;
        "rusqlite, input", failures::no_table(), Types;
        "rusqlite, constraint", failures::no_unique_row(), Types;
        "tokio, panicked", tokio.block_on(failures::panicked()), Types;
        "tokio, cancelled", tokio.block_on(failures::cancelled()), Types;
        "tokio, elapsed", tokio.block_on(failures::elapsed()), Types;
        "a number", "seven".parse::<u32>().unwrap_err(), Types;
    }
    let failed = Shop::from(failures::missing_file());
    let Shop::File(inner) = &failed else { unreachable!() };
    let truth = Truth::of(inner).behind(&failed);
    table.add("thiserror, transparent over io", &failed, truth, None, Itself, Types);
    let failed = std::io::Error::other(failures::settings());
    table.add("io, custom over thiserror", &failed, Truth::of(&failed), Some(&failed), Itself, Types);
    // A report is no error itself.
    let failed = failures::by_snafu::order();
    let truth = Truth::of(&failed);
    let report = snafu::Report::from_error(failed);
    table.report("snafu's report", &report, truth);
    let failed = failures::settings();
    let report = thiserror_ext::AsReport::as_report(&failed);
    table.report("thiserror-ext's report", &report, Truth::of(&failed));
}

fn answers() -> (tokio::runtime::Runtime, [reqwest::Error; 2]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answers = [runtime.block_on(failures::no_answer()), runtime.block_on(failures::no_answer())];
    (runtime, answers)
}

fn colours(table: &mut Table) {
    color_eyre::install().unwrap();
    let failed = failures::in_color_eyre();
    assert!(format!("{failed:?}").contains('\u{1b}'), "it has colours");
    table.add("color-eyre", &failed, Truth::of(&*failed), Some(&*failed), Shows::Causes, Dumps::Report);
    let failed = color_eyre::eyre::eyre!("no more: words");
    table.add(
        "color-eyre, alone",
        &failed,
        Truth::of(&*failed),
        Some(&*failed),
        Shows::Causes,
        Dumps::Report,
    );
}

/// What a line can tell of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Want {
    /// Every text of the chain.
    Texts,
    /// Every type of the chain.
    Types,
    /// Both.
    All,
    /// Its own text, or that of the whole chain as it stands.
    Message,
}

/// What was logged, and what must come of it, in that order.
struct Table<'r> {
    rig: &'r Rig,
    rows: Vec<Row>,
}

struct Row {
    make: &'static str,
    form: &'static str,
    truth: Truth,
    want: Want,
}

impl Table<'_> {
    fn add<E: Display + Debug>(
        &mut self,
        make: &'static str,
        failed: &E,
        truth: Truth,
        typed: Option<&(dyn Error + 'static)>,
        shows: Shows,
        dumps: Dumps,
    ) {
        let by_display = if shows == Shows::Causes { Want::Texts } else { Want::Message };
        let by_debug = match dumps {
            Dumps::Types => Want::Types,
            Dumps::Report => Want::All,
            Dumps::Word => Want::Message,
        };
        // Text alone has the texts of a report; what a `Debug` shows in full has its types.
        let by_report = if dumps == Dumps::Report { Want::Texts } else { by_debug };
        let by_dump = if dumps == Dumps::Word || truth.types() == 0 { Want::Message } else { Want::Types };
        let mut line = |form, want, log: &dyn Fn()| self.line(make, form, want, &truth, log);
        if let Some(typed) = typed {
            line("error = &e as &dyn Error", Want::All, &|| error!(error = typed, "failed"));
            line("message = &e as &dyn Error", Want::All, &|| error!(message = typed));
        }
        line("error = %e", by_display, &|| error!(error = %failed, "failed"));
        line("error = ?e", by_debug, &|| error!(error = ?failed, "failed"));
        line("error = e.to_string()", Want::Message, &|| error!(error = failed.to_string(), "failed"));
        line("#[instrument(err)]", by_display, &|| _ = instrumented(failed));
        line("#[instrument(err(Debug))]", by_debug, &|| _ = instrumented_debug(failed));
        line("{e}", Want::Message, &|| error!("cannot open the shop: {failed}"));
        line("{e:#}", by_display, &|| error!("cannot open the shop: {failed:#}"));
        line("{e:?}", by_report, &|| error!("cannot open the shop: {failed:?}"));
        line("{e:#?}", by_dump, &|| error!("cannot open the shop: {failed:#?}"));
    }

    /// A report shows the chain by whichever form.
    fn report<E: Display + Debug>(&mut self, make: &'static str, report: &E, truth: Truth) {
        let mut line = |form, log: &dyn Fn()| self.line(make, form, Want::Texts, &truth, log);
        line("error = %e", &|| error!(error = %report, "failed"));
        line("error = ?e", &|| error!(error = ?report, "failed"));
        line("{e:#}", &|| error!("cannot open the shop: {report:#}"));
    }

    /// Logs in a span that has the number of the row.
    fn line(&mut self, make: &'static str, form: &'static str, want: Want, truth: &Truth, log: &dyn Fn()) {
        self.rig.run(|| info_span!("row", number = self.rows.len()).in_scope(log));
        self.rows.push(Row { make, form, truth: truth.clone(), want });
    }
}

#[instrument(err, skip_all)]
fn instrumented<E: Display>(failed: &E) -> Result<(), &E> {
    Err(failed)
}

#[instrument(err(Debug), skip_all)]
fn instrumented_debug<E: Debug>(failed: &E) -> Result<(), &E> {
    Err(failed)
}

fn judge(fill: fn(&mut Table<'_>)) {
    // What is compared is how errors are read; without this, the queries of their URLs are filtered.
    let rig = Rig::with(|builder| builder.send_default_pii(true));
    let mut table = Table { rig: &rig, rows: Vec::new() };
    fill(&mut table);
    let events = rig.events();
    let (mut told, mut wrong) = (0, 0);
    for (number, row) in table.rows.iter().enumerate() {
        let of_row = |event: &&TrackedEvent| event.spans.last().unwrap().fields["number"] == number;
        let mut own = events.iter().filter(of_row);
        let Some(event) = own.next() else {
            println!("{} | {} | no error was seen", row.make, row.form);
            continue;
        };
        assert!(own.next().is_none(), "{} | {}", row.make, row.form);
        let chain: Vec<Told<'_>> =
            event.chain.iter().map(|cause| (cause.type_name.as_deref(), cause.value.as_str())).collect();
        let untrue = row.truth.untrue(&chain);
        let whole = is_whole(&chain, &row.truth, row.want);
        if untrue.is_some() || !whole {
            let Row { make, form, want, truth } = row;
            println!("{make} | {form} | {want:?} | {untrue:?}\n  told {chain:?}\n  true {:?}", truth.0);
        }
        told += usize::from(whole);
        wrong += usize::from(untrue.is_some());
        is_bare(event);
    }
    let all = table.rows.len();
    println!("{told} of the forms of {all} tell all they can ({} %), {wrong} are wrong", told * 100 / all);
    assert_eq!(wrong, 0, "something that is not so was told");
    assert!(told * 100 >= all * 95, "{told} of {all}");
}

fn is_whole(chain: &[Told<'_>], truth: &Truth, want: Want) -> bool {
    // One that passes itself off as the one inside has no text of its own.
    let mut displays = truth.displays();
    displays.dedup();
    let texts = chain.iter().map(|(_, value)| *value).eq(displays);
    let types = chain.iter().filter(|(name, _)| name.is_some()).count() == truth.types();
    match want {
        Want::Texts => texts,
        Want::Types => types,
        Want::All => texts && types,
        Want::Message => chain.first().is_some_and(|(_, value)| truth.displays().contains(value)),
    }
}

/// Nothing of what reports append is left anywhere.
fn is_bare(event: &TrackedEvent) {
    let fields = event.fields.values().filter_map(|value| value.as_str());
    let crumbs = event.breadcrumbs.iter().map(|crumb| crumb.message.as_str());
    let causes = event.chain.iter().map(|cause| cause.value.as_str());
    let texts = fields.chain(crumbs).chain(causes).chain([event.title.as_str(), event.value.as_str()]);
    for text in texts.chain(event.message.as_deref()) {
        for section in ["\u{1b}", "Stack backtrace:", "\nLocation:", "Suggestion: ", "BACKTRACE", " at /"] {
            assert!(!text.contains(section), "{section:?} in {text:?}");
        }
    }
}
