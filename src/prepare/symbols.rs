//! From addresses to functions, files and lines.
//!
//! Finding a symbol takes the resolver's global lock, so it is held for one address at a time; what was found is kept.

use std::collections::HashMap;
use std::sync::Arc;

use crate::limits::SYMBOL_CACHE;
use crate::model::Frame;

/// The symbols found so far.
#[derive(Debug, Default)]
pub(super) struct Symbols {
    known: HashMap<usize, Arc<[Frame]>>,
}

impl Symbols {
    /// The frames at an address, innermost first: several where functions were inlined.
    pub(super) fn find(&mut self, address: usize) -> Arc<[Frame]> {
        if let Some(frames) = self.known.get(&address) {
            return Arc::clone(frames);
        }
        if self.known.len() >= SYMBOL_CACHE {
            self.known.clear();
        }
        let frames: Arc<[Frame]> = resolve(address).into();
        self.known.insert(address, Arc::clone(&frames));
        frames
    }
}

#[cfg(feature = "stack")]
fn resolve(address: usize) -> Vec<Frame> {
    let mut frames = Vec::new();
    backtrace::resolve(std::ptr::without_provenance_mut(address), |symbol| {
        let name = symbol.name().map(|name| format!("{name:#}"));
        let (module, function) = name.as_deref().map_or((None, None), split);
        frames.push(Frame {
            function,
            module,
            file: symbol.filename().map(|file| file.display().to_string()),
            line: symbol.lineno(),
            in_app: false,
            address: Some(address as u64),
            source: None,
        });
    });
    if frames.is_empty() {
        frames.push(Frame { address: Some(address as u64), ..Frame::default() });
    }
    frames
}

#[cfg(not(feature = "stack"))]
fn resolve(address: usize) -> Vec<Frame> {
    vec![Frame { address: Some(address as u64), ..Frame::default() }]
}

/// Splits a path into the module and the function. Closures stay with their function: `pay::{{closure}}`.
pub(super) fn split(path: &str) -> (Option<String>, Option<String>) {
    let mut function = path;
    while let Some(outer) = function.strip_suffix("::{{closure}}") {
        function = outer;
    }
    // The last `::` outside of generics: `<A as b::C>::run` has one inside as well.
    let mut depth = 0_i32;
    let mut at = None;
    for (index, byte) in function.bytes().enumerate() {
        match byte {
            b'<' => depth += 1,
            // Not the arrow of `fn() -> T`.
            b'>' if !function.get(..index).is_some_and(|before| before.ends_with('-')) => depth -= 1,
            b':' if depth == 0 && function.get(index..).is_some_and(|rest| rest.starts_with("::")) => {
                at = Some(index)
            }
            _ => {}
        }
    }
    match at.and_then(|at| Some((path.get(..at)?, path.get(at + 2..)?))) {
        Some((module, function)) => (Some(module.to_owned()), Some(function.to_owned())),
        // The bare name of an inlined function: its generics are no part of it.
        None => {
            (None, path.split('<').next().filter(|name| !name.is_empty()).or(Some(path)).map(str::to_owned))
        }
    }
}
