//! The stack as a person wants to read it: from the line that logged, without our own frames and the runtime's. Of a
//! program without symbols, the addresses, for who has the symbols.

use super::origin::{Origins, is_library};
use super::source::Sources;
use super::symbols::Symbols;
use crate::limits::STACK_FRAMES;
use crate::model::{Frame, Site};

/// Turns addresses into frames.
#[derive(Debug)]
pub(super) struct Frames {
    symbols: Symbols,
    origins: Origins,
    sources: Sources,
    in_app: Vec<String>,
    /// This program has no symbols; None until that was looked up.
    is_stripped: Option<bool>,
}

impl Frames {
    pub(super) fn new(in_app: Vec<String>) -> Self {
        Self {
            symbols: Symbols::default(),
            origins: Origins::default(),
            sources: Sources::new(),
            in_app,
            is_stripped: None,
        }
    }

    pub(super) fn warm(&mut self) {
        // Behind its first byte: an address is taken as one to return to, and looked up just before.
        let here = (Self::warm as fn(&mut Self) as usize).wrapping_add(1);
        let found = self.symbols.find(here);
        self.is_stripped = Some(found.iter().all(|frame| frame.function.is_none()));
        if let Some(file) = found.last().and_then(|frame| frame.file.as_deref()) {
            self.origins.learn(file);
        }
    }

    /// The frames of a stack, the line that logged first.
    pub(super) fn resolve(&mut self, stack: &[usize], site: &Site) -> Vec<Frame> {
        let mut walked = Vec::new();
        // The walk of some platforms ends with a null address.
        for address in stack.iter().filter(|address| **address != 0) {
            walked.extend(self.symbols.find(*address).iter().cloned());
        }
        for frame in walked.iter_mut().filter(|frame| frame.module.is_none()) {
            frame.module = frame.file.as_deref().and_then(|file| self.origins.module(file));
        }
        let mut frames: Vec<Frame> = if !walked.is_empty() && self.is_stripped() {
            // Nobody here can tell our own from theirs; a server that has the symbols can.
            walked
                .into_iter()
                .take_while(|frame| !is_start(frame))
                .filter(|frame| !is_runtime(frame))
                .collect()
        } else {
            walked.into_iter().skip_while(is_capture).filter(|frame| !is_runtime(frame)).collect()
        };
        let home = home(site, &frames).to_owned();
        for frame in &mut frames {
            frame.in_app = self.is_in_app(frame, &home);
        }
        let root = self.lead_with(site, &mut frames);
        frames.truncate(STACK_FRAMES);
        // Before their files are named so that they cannot be found any more.
        self.sources.show(&mut frames);
        name_within(&root, &mut frames);
        frames
    }

    /// Whether nothing of this program has a name: by our own code, which is a part of it.
    fn is_stripped(&mut self) -> bool {
        if self.is_stripped.is_none() {
            self.warm();
        }
        self.is_stripped == Some(true)
    }

    /// The frames of a stack that came with an error's text, where the error was made first; None where nothing is left
    /// of it.
    pub(super) fn told(&mut self, stack: Vec<Frame>, site: &Site) -> Option<Vec<Frame>> {
        let mut told = stack;
        for frame in told.iter_mut().filter(|frame| frame.module.is_none()) {
            frame.module = frame.file.as_deref().and_then(|file| self.origins.module(file));
        }
        let made = |frame: &Frame| is_making(frame, &self.origins);
        let mut frames: Vec<Frame> =
            told.into_iter().skip_while(made).filter(|frame| !is_runtime(frame)).collect();
        let home = home(site, &frames).to_owned();
        for frame in &mut frames {
            frame.in_app = self.is_in_app(frame, &home);
        }
        frames.truncate(STACK_FRAMES);
        // No source: which file a text names is not for it to say what we open.
        name_within(&root_of(site, &frames), &mut frames);
        Some(frames).filter(|frames| !frames.is_empty())
    }

    /// Makes the line that logged the first frame: the innermost one of the same file, without what the log macro put
    /// in between. Returns the folder that the program was compiled in, as far as the two names of that file tell it.
    fn lead_with(&self, site: &Site, frames: &mut Vec<Frame>) -> String {
        let Some(file) = &site.file else { return String::new() };
        let of_site = |frame: &Frame| frame.file.as_ref().is_some_and(|walked| is_same_file(walked, file));
        if let Some(at) = frames.iter().take(MACRO_FRAMES).position(of_site) {
            frames.drain(..at);
            // What the macro expands to may be a closure of its own on the very same line.
            let same_line = |pair: &[Frame]| match pair {
                [inner, outer] => of_site(outer) && inner.line == outer.line,
                _ => false,
            };
            let expanded = frames.windows(2).take_while(|pair| same_line(pair)).count();
            frames.drain(..expanded);
            if let Some(first) = frames.first_mut() {
                first.line = site.line.or(first.line);
                let root = first.file.as_deref().and_then(|walked| walked.strip_suffix(&**file));
                return root.unwrap_or_default().to_owned();
            }
            return String::new();
        }
        // Where the build names no files, the line is that of the innermost function, if it can be.
        let of_module = |frame: &&mut Frame| {
            frame.file.is_none()
                && frame.function.is_some()
                && (site.target.is_empty() || is_within(path(frame), &site.target))
        };
        if let Some(first) = frames.first_mut().filter(of_module) {
            (first.file, first.line, first.in_app) = (Some(file.to_string()), site.line, true);
            return String::new();
        }
        let module = Some(site.target.to_string()).filter(|target| !target.is_empty());
        let frame = Frame { module, file: Some(file.to_string()), line: site.line, ..Frame::default() };
        frames.insert(0, Frame { in_app: self.is_in_app(&frame, ""), ..frame });
        String::new()
    }

    /// The program's own code is what lies outside the folders of libraries; where its file is not known, what is of
    /// the crate that logged.
    fn is_in_app(&self, frame: &Frame, home: &str) -> bool {
        if self.in_app.iter().any(|own| is_within(path(frame), own)) {
            return true;
        }
        match &frame.file {
            Some(file) => !is_library(file),
            None => !home.is_empty() && crate_of(path(frame)) == home,
        }
    }
}

/// Whether a stack that came in a message may be of this program: a message may quote somebody else's. What a task or a
/// thread calls has functions in common with where the error was made.
pub(super) fn is_ours(told: &[Frame], walked: &[Frame]) -> bool {
    let same =
        |told: &Frame, walked: &Frame| told.function == walked.function && told.module == walked.module;
    // Without a walk there is nothing to compare with.
    walked.len() < 2
        || told.iter().any(|told| told.function.is_some() && walked.iter().any(|walked| same(told, walked)))
}

/// The crate that logged, by which frames without a file are told apart: the target's, unless that is a name that the
/// line made up, or was handed over without one; then that of the innermost function.
fn home<'a>(site: &'a Site, frames: &'a [Frame]) -> &'a str {
    let target = crate_of(&site.target);
    let walked = |frame: &Frame| crate_of(path(frame)) == target;
    if frames.iter().any(walked) {
        target
    } else {
        frames.first().map_or(target, |first| crate_of(path(first)))
    }
}

/// The folder that the program was compiled in, as far as the file of the line that logged tells it.
fn root_of(site: &Site, frames: &[Frame]) -> String {
    let Some(file) = &site.file else { return String::new() };
    let mut files = frames.iter().filter_map(|frame| frame.file.as_deref());
    let of_site = files.find(|walked| is_same_file(walked, file));
    of_site.and_then(|walked| walked.strip_suffix(&**file)).unwrap_or_default().to_owned()
}

/// Names the files below `root`, the folder the program was compiled in, as the program itself does by `file!()`: where
/// it was built says nothing, and differs from one machine to the next.
fn name_within(root: &str, frames: &mut [Frame]) {
    for file in frames.iter_mut().filter_map(|frame| frame.file.as_mut()) {
        if let Some(within) = file.strip_prefix(root) {
            *file = within.to_owned();
        }
    }
}

/// Frames between the line that logged and the walk: ours, `tracing`'s and what they call.
fn is_capture(frame: &Frame) -> bool {
    const CRATES: [&str; 11] = [
        "alloc",
        "backtrace",
        "core",
        "crumbtrail",
        "log",
        "once_cell",
        "std",
        "tracing",
        "tracing_core",
        "tracing_log",
        "tracing_subscriber",
    ];
    let name = path(frame);
    // A trait of the program's own may be written for a type of the standard library: its file tells.
    if frame.file.as_deref().is_some_and(|file| !is_library(file)) && crate_of(name) != "crumbtrail" {
        return false;
    }
    // An address without a symbol above the first known frame is inlined code of the same crates.
    name.is_empty() || CRATES.iter().any(|known| crate_of(name) == *known)
}

/// Frames between the line where an error was made and the walk: those of the crates that make it, and what they call.
fn is_making(frame: &Frame, origins: &Origins) -> bool {
    const CRATES: [&str; 13] = [
        "alloc",
        "anyhow",
        "backtrace",
        "color_eyre",
        "core",
        "error_stack",
        "eyre",
        "exn",
        "miette",
        "rootcause",
        "snafu",
        "stable_eyre",
        "std",
    ];
    // A method of a trait for whatever type: `<E as eyre::context::ext::StdError>::ext_report`.
    let named = path(frame);
    let of_trait = named.split_once(" as ").filter(|(of, _)| !of.contains("::")).map(|(_, of)| crate_of(of));
    let of_file = frame.file.as_deref().and_then(|file| origins.module(file));
    let own = of_file.as_deref().map_or_else(|| of_trait.unwrap_or_else(|| crate_of(named)), crate_of);
    // What a derive wrote for the program's own type is of no interest either.
    let is_written = named.contains(" as snafu::IntoError<");
    let is_own = frame.file.as_deref().is_some_and(|file| !is_library(file));
    is_written || !is_own && CRATES.contains(&own)
}

/// Frames that every stack of a thread or task ends with.
fn is_runtime(frame: &Frame) -> bool {
    const PATHS: [&str; 13] = [
        "core::ops::function",
        "core::panic",
        "futures_util",
        "std::panic",
        "std::panicking",
        "std::rt",
        "std::sys",
        "std::thread",
        "tokio::loom",
        "tokio::runtime",
        "tokio::task",
        "tokio::util",
        "tracing::instrument",
    ];
    const FUNCTIONS: [&str; 8] = [
        "__libc_start_call_main",
        "__libc_start_main",
        "__libc_start_main_impl",
        "__rust_try",
        "_start",
        "clone3",
        "main",
        "start_thread",
    ];
    let name = path(frame);
    // Of C, where a version may follow. What has a source file of Rust is the program's own, inlined.
    let of_rust = frame.file.as_deref().is_some_and(|file| file.ends_with(".rs"));
    let bare = frame.function.as_deref().filter(|_| frame.module.is_none() && !of_rust);
    let bare = bare.is_some_and(|name| FUNCTIONS.contains(&name.split('@').next().unwrap_or(name)));
    let harness = frame.file.as_deref().is_some_and(|file| file.contains("/library/test/src/"));
    // `<some closure as core::ops::function::FnOnce<()>>::call_once`, and that of a box where only its file is known.
    let called = name.contains(" as core::ops::function::Fn")
        || (name == "alloc::boxed" && frame.function.as_deref().is_some_and(|name| name.starts_with("call")));
    bare || harness || called || PATHS.iter().any(|known| is_within(name, known))
}

/// Where the C library starts the program, which a dynamic symbol of its own tells where there are no others: what lies
/// further out is of no interest.
fn is_start(frame: &Frame) -> bool {
    frame.function.as_deref().is_some_and(|name| name.starts_with("__libc_start"))
}

/// Whether the path is that module or inside of it.
fn is_within(path: &str, module: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Whether a file of the debug information is the one that `file!()` named, which is relative for a program's own code.
fn is_same_file(walked: &str, file: &str) -> bool {
    walked.strip_suffix(file).is_some_and(|before| before.is_empty() || before.ends_with(['/', '\\']))
}

/// Frames that a log macro puts between its line and the subscriber.
const MACRO_FRAMES: usize = 8;

/// The path of a frame's function, without what a trait's implementation is written in: `<tokio::X as Y>::run` is
/// tokio's.
fn path(frame: &Frame) -> &str {
    let name = frame.module.as_deref().or(frame.function.as_deref()).unwrap_or_default();
    name.trim_start_matches(['<', '&', '*']).trim_start_matches("mut ").trim_start_matches("dyn ")
}

fn crate_of(path: &str) -> &str {
    path.split("::").next().unwrap_or(path)
}
