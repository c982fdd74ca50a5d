//! The source around a frame's line, where it is at hand: on the machine that the program was built on.
//!
//! Wrong lines would be worse than none, so a file is read only if it is not newer than the running executable, and by
//! a path that leads from the debug information itself, or from the current directory where the executable lies below
//! that. Only regular files named `*.rs` are read, and only for frames of the program's own. Runs on the worker, where
//! reading a file may take its time; each is read once.

use std::collections::HashMap;
use std::env;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use crate::limits::{
    SOURCE_AROUND, SOURCE_BYTES, SOURCE_FILE_BYTES, SOURCE_FILES, SOURCE_FRAMES, SOURCE_LINE_CHARS,
};
use crate::model::{Frame, SourceLines};

/// The files read so far.
#[derive(Debug)]
pub(super) struct Sources {
    /// None where there is nothing to be had.
    known: HashMap<String, Option<Arc<str>>>,
    bytes: usize,
    program: Option<Program>,
}

/// The running executable, as it was at start-up: one that is built anew meanwhile is another program.
#[derive(Debug)]
struct Program {
    built: SystemTime,
    /// Where its files' names lead from, if they are relative.
    root: Option<PathBuf>,
}

impl Sources {
    pub(super) fn new() -> Self {
        Self { known: HashMap::new(), bytes: 0, program: Program::running() }
    }

    /// Gives the innermost of the program's own frames the source around their lines.
    pub(super) fn show(&mut self, frames: &mut [Frame]) {
        for frame in frames.iter_mut().filter(|frame| frame.in_app).take(SOURCE_FRAMES) {
            if let (Some(file), Some(line)) = (&frame.file, frame.line) {
                frame.source = self.find(file).and_then(|text| around(&text, line));
            }
        }
    }

    fn find(&mut self, file: &str) -> Option<Arc<str>> {
        if let Some(known) = self.known.get(file) {
            return known.clone();
        }
        let text = self.program.as_ref().and_then(|program| program.read(file)).map(Arc::<str>::from);
        let bytes = text.as_ref().map_or(0, |text| text.len());
        if self.known.len() >= SOURCE_FILES || self.bytes + bytes > SOURCE_BYTES {
            self.known.clear();
            self.bytes = 0;
        }
        self.bytes += bytes;
        self.known.insert(file.to_owned(), text.clone());
        text
    }
}

impl Program {
    fn running() -> Option<Self> {
        let executable = env::current_exe().ok()?;
        let built = fs::metadata(&executable).and_then(|metadata| metadata.modified()).ok()?;
        // A program that runs elsewhere may find another one's `src/main.rs` there.
        let root = env::current_dir().ok().filter(|directory| executable.starts_with(directory));
        Some(Self { built, root })
    }

    /// The text of a source file, if that is what the program was built from.
    fn read(&self, file: &str) -> Option<String> {
        let path = Path::new(file);
        let path = if path.is_absolute() { path.to_owned() } else { self.root.as_ref()?.join(path) };
        if path.extension()? != "rs" {
            return None;
        }
        // Asked before it is opened: to open a pipe would wait for somebody who writes to it.
        let metadata = fs::symlink_metadata(&path).ok()?;
        let is_built_from = metadata.modified().is_ok_and(|modified| modified <= self.built);
        if !metadata.is_file() || metadata.len() > SOURCE_FILE_BYTES || !is_built_from {
            return None;
        }
        let mut text = String::new();
        // It may grow meanwhile.
        let read = File::open(&path).ok()?.take(SOURCE_FILE_BYTES + 1).read_to_string(&mut text).ok()?;
        (read as u64 <= SOURCE_FILE_BYTES).then_some(text)
    }
}

/// The line and those around it; None where the text has no such line.
fn around(text: &str, line: u32) -> Option<SourceLines> {
    let first_line = line.checked_sub(1)?.saturating_sub(SOURCE_AROUND) + 1;
    let before = usize::try_from(first_line - 1).ok()?;
    let count = usize::try_from(line - first_line + 1 + SOURCE_AROUND).ok()?;
    let lines: Vec<String> = text.lines().skip(before).take(count).map(cut).collect();
    (lines.len() > usize::try_from(line - first_line).ok()?).then_some(SourceLines { first_line, lines })
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(SOURCE_LINE_CHARS) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests;
