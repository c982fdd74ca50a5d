//! The stack: from the line that logged outwards, ours told from others', without the machinery in between.

use std::hint::black_box;

use arc_swap::ArcSwap;
use crumbtrail::{Frame, Stack, TrackedEvent};
use tracing::{error, instrument};

use crate::rig::{Rig, named};

fn rig() -> Rig {
    Rig::with(|builder| builder.stack(Stack::On))
}

/// The frames as `function:line`, functions without what the compiler made of them.
fn names(event: &TrackedEvent) -> Vec<String> {
    event.frames.iter().map(name).collect()
}

fn name(frame: &Frame) -> String {
    let function = frame.function.as_deref().unwrap_or("?");
    format!("{}:{}", function.split("::{{closure}}").next().unwrap_or(function), frame.line.unwrap_or(0))
}

/// What holds of every stack, whatever logged it.
#[track_caller]
fn is_clean(event: &TrackedEvent) {
    let first = &event.frames[0];
    assert_eq!((first.line, first.in_app), (event.line, true), "{:#?}", event.frames);
    assert!(first.file.as_deref().unwrap().ends_with(file!()), "{first:?}");
    // Outwards to where the test took the subscriber.
    let of_rig = |frame: &&Frame| frame.module.as_deref() == Some("tracing_core::dispatcher");
    for frame in event.frames.iter().take_while(|frame| !of_rig(frame)) {
        let path =
            format!("{}::{}", frame.module.as_deref().unwrap_or(""), frame.function.as_deref().unwrap_or(""));
        const MACHINERY: [&str; 9] = [
            "crumbtrail::",
            "tracing::",
            "tracing_core::",
            "tracing_subscriber::",
            "backtrace::",
            "tokio::runtime",
            "std::thread::",
            "std::panicking::",
            "core::ops::function::",
        ];
        assert!(!MACHINERY.iter().any(|known| path.contains(known)), "{path}\n{:#?}", event.frames);
        assert!(frame.function.is_some() && frame.address != Some(0), "{frame:?}");
        let ours =
            frame.file.as_deref().is_some_and(|file| file.ends_with(file!()) || file.contains("tests/"));
        assert_eq!(frame.in_app, ours, "{frame:?}");
    }
}

#[inline(never)]
fn logs() -> u32 {
    let line = line!() + 1;
    error!(error = "refused", "failed");
    line
}

#[inline(never)]
fn calls() -> [u32; 2] {
    // Boxed, since nobody sees a caller that has nothing left to do.
    let line = line!() + 1;
    let logged = black_box(logs());
    [logged, line]
}

#[test]
fn the_first_frame_is_the_line_that_logged_and_the_others_follow_outwards() {
    let rig = rig();
    #[inline(never)]
    fn begins() -> ([u32; 2], u32) {
        let line = line!() + 1;
        let lines = black_box(calls());
        (lines, line)
    }
    let ([logged, called], begun) = rig.on_thread(begins);
    let event = rig.event();
    is_clean(&event);
    let expected = [format!("logs:{logged}"), format!("calls:{called}"), format!("begins:{begun}")];
    assert_eq!(names(&event)[..3], expected);
    if cfg!(debug_assertions) {
        // Line tables alone have bare names for some.
        assert_eq!(event.frames[0].module.as_deref(), Some(module_path!()));
    }
    assert!(event.frames[0].address.is_some(), "it was walked, not made up");
}

#[test]
fn every_way_to_report_leads_with_its_own_line() {
    #[inline(never)]
    fn captures() -> u32 {
        let line = line!() + 1;
        crumbtrail::capture_error(&std::fmt::Error);
        line
    }
    #[inline(never)]
    fn in_a_span() -> u32 {
        let _span = tracing::info_span!("work").entered();
        let line = line!() + 1;
        error!(name: "named", target: "elsewhere", { error = %"refused", number = 1 }, "in a span");
        line
    }
    #[inline(never)]
    fn over_lines() -> u32 {
        let line = line!() + 1;
        error!(
            error = ?std::fmt::Error,
            "over {} lines",
            "several"
        );
        line
    }
    #[inline(never)]
    fn calls_all() -> [u32; 3] {
        [captures(), in_a_span(), over_lines()]
    }
    let rig = rig();
    let lines = rig.on_thread(calls_all);
    let events = rig.events();
    for (event, (function, line)) in
        events.iter().zip(["captures", "in_a_span", "over_lines"].iter().zip(lines))
    {
        is_clean(event);
        assert_eq!(names(event)[0], format!("{function}:{line}"));
        assert!(names(event)[1].starts_with("calls_all:"), "{:?}", names(event));
    }
}

#[test]
fn the_frames_of_libraries_are_not_the_programs_own() {
    let rig = rig();
    rig.on_thread(|| {
        ArcSwap::from_pointee(1).rcu(|_| {
            error!(error = "refused", "below a crate of the registry");
            2
        });
        [1].iter().for_each(|_| error!(error = "refused", "below the standard library"));
    });
    let events = rig.events();
    for (message, library) in
        [("below a crate of the registry", "arc_swap"), ("below the standard library", "core::")]
    {
        let event = named(&events, message);
        is_clean(event);
        let foreign: Vec<&Frame> = event.frames.iter().filter(|frame| !frame.in_app).collect();
        let of_library =
            |frame: &&&Frame| frame.module.as_deref().is_some_and(|module| module.contains(library));
        assert!(foreign.iter().any(|frame| of_library(&frame)), "{message}: {:#?}", event.frames);
        assert!(event.frames.iter().filter(|frame| frame.in_app).count() >= 2, "{:#?}", event.frames);
    }
}

#[test]
fn a_library_can_be_declared_the_programs_own() {
    let rig = Rig::with(|builder| builder.stack(Stack::On).in_app(["arc_swap", "arc"]));
    rig.on_thread(|| {
        ArcSwap::from_pointee(1).rcu(|_| {
            error!(error = "refused", "failed");
            2
        });
    });
    let event = rig.event();
    let of = |frame: &&Frame| frame.module.as_deref().is_some_and(|module| module.contains("arc_swap"));
    assert!(event.frames.iter().filter(of).count() > 0);
    assert!(event.frames.iter().filter(of).all(|frame| frame.in_app), "{:#?}", event.frames);
}

#[test]
fn a_method_of_a_trait_belongs_to_the_type_it_is_written_for() {
    let with = |in_app: &'static [&'static str]| {
        let rig = Rig::with(|builder| builder.stack(Stack::On).in_app(in_app.iter().copied()));
        rig.on_thread(|| [1].iter().for_each(|_| error!(error = "refused", "failed")));
        let event = rig.event();
        let of_iterators =
            event.frames.into_iter().find(|frame| frame.function.as_deref() == Some("for_each"));
        of_iterators.unwrap().in_app
    };
    // `<core::slice::iter::Iter<T> as core::iter::traits::iterator::Iterator>::for_each`
    assert!(with(&["core::slice"]));
    assert!(!with(&["core::sli", "slice"]));
}

#[instrument]
async fn outer(lines: &mut Vec<u32>) {
    tokio::task::yield_now().await;
    lines.push(line!() + 1);
    inner(lines).await;
}

async fn inner(lines: &mut Vec<u32>) {
    tokio::task::yield_now().await;
    lines.push(line!() + 1);
    error!(error = "refused", "failed");
}

#[test]
fn async_functions_show_who_awaits_whom() {
    for workers in [1, 4] {
        let rig = rig();
        let lines = rig.block_on(workers, async {
            let task = async {
                let mut lines = Vec::new();
                outer(&mut lines).await;
                lines
            };
            tokio::spawn(task).await.unwrap()
        });
        let event = rig.event();
        is_clean(&event);
        let own: Vec<String> = event.frames.iter().filter(|frame| frame.in_app).map(name).collect();
        // Line tables alone have no names for what was inlined.
        let is = |frame: &str, function: &str, line: u32| {
            frame.ends_with(&format!(":{line}"))
                && (frame.starts_with(function) || frame.starts_with("{async_"))
        };
        assert!(is(&own[0], "inner", lines[1]) && is(&own[1], "outer", lines[0]), "{own:?}");
    }
}

#[test]
fn an_instrumented_function_leads_with_its_own_file() {
    #[instrument(err)]
    fn refuses() -> Result<(), std::fmt::Error> {
        Err(std::fmt::Error)
    }
    let rig = rig();
    rig.on_thread(|| assert!(refuses().is_err()));
    let event = rig.event();
    is_clean(&event);
    assert!(names(&event)[0].starts_with("refuses:"), "{:?}", names(&event));
}

#[test]
fn an_error_of_the_log_crate_leads_with_the_line_it_names() {
    let rig = rig();
    rig.on_thread(|| {
        use log::Log as _;
        let record = log::Record::builder()
            .level(log::Level::Error)
            .target("elsewhere")
            .file(Some("src/elsewhere.rs"))
            .line(Some(7))
            .args(format_args!("failed"))
            .build();
        tracing_log::LogTracer::new().log(&record);
    });
    // A record of `log` carries no error: it is counted, and no event.
    assert_eq!((rig.events().len(), rig.stats().errors_without_error), (0, 1));
}

#[test]
fn deep_recursion_is_cut_at_the_limit() {
    #[inline(never)]
    fn descend(levels: usize) -> usize {
        if levels == 0 {
            error!(error = "refused", "deep");
            0
        } else {
            // The boxes keep the compiler from making a loop of it.
            black_box(descend(black_box(levels) - 1)) + 1
        }
    }
    let rig = rig();
    assert_eq!(rig.on_thread(|| descend(500)), 500);
    let event = rig.event();
    assert_eq!(event.frames.len(), crumbtrail::limits::STACK_FRAMES);
    assert!(names(&event).iter().all(|name| name.starts_with("descend:")));
}

#[test]
fn without_a_stack_the_callsite_is_the_only_frame() {
    let rig = Rig::with(|builder| builder.stack(Stack::Off));
    let line = rig.on_thread(logs);
    let event = rig.event();
    let [frame] = &event.frames[..] else { panic!("{:?}", event.frames) };
    assert_eq!((frame.file.as_deref(), frame.line), (Some(file!()), Some(line)));
    assert_eq!((frame.module.as_deref(), frame.in_app, frame.address), (Some(module_path!()), true, None));
}

trait Saves {
    fn save(&self) -> u32;
}

impl Saves for Vec<u8> {
    #[inline(never)]
    fn save(&self) -> u32 {
        logs()
    }
}

#[test]
fn a_trait_of_the_programs_own_for_a_type_of_the_standard_library_is_the_programs_own() {
    let rig = rig();
    let line = rig.on_thread(|| black_box(vec![1_u8]).save());
    let event = rig.event();
    assert_eq!(event.frames[0].line, Some(line));
    let save =
        event.frames.iter().find(|frame| name(frame).starts_with("save:")).expect("the method is there");
    assert!(save.in_app, "{save:?}");
}
