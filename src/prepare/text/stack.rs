//! Stacks that a text brings along: where the error was made, which is better than where it was logged.

use super::derived::{Tree, unescaped};
use crate::limits::STACK_FRAMES;
use crate::model::Frame;
use crate::prepare::symbols;

/// The frames of a backtrace as `std` writes it, and those who copy its way: a number and a function, and below it
/// `at file:line:column`. It ends with the first empty line.
pub(super) fn frames(text: &str) -> Vec<Frame> {
    let mut frames: Vec<Frame> = Vec::new();
    for line in text.lines().map(str::trim).skip_while(|line| line.is_empty()) {
        if line.is_empty() {
            break;
        }
        if let Some(place) = line.strip_prefix("at ") {
            if let Some(frame) = frames.last_mut().filter(|frame| frame.file.is_none()) {
                (frame.file, frame.line) = place_of(place);
            }
        } else if let Some(function) = function_of(line) {
            if frames.len() == STACK_FRAMES {
                break;
            }
            frames.push(frame(function));
        }
    }
    // What the text was cut in is no frame.
    if text.ends_with('…') {
        frames.pop();
    }
    frames
}

/// The frames of a `Backtrace` inside of a derived `Debug`: `[{ fn: "…", file: "…", line: 5 }, …]`.
pub(super) fn frames_of(list: &str) -> Vec<Frame> {
    let mut frames: Vec<Frame> = Vec::new();
    let mut rest = list;
    while let Some((_, item)) = rest.split_once("{ fn: \"") {
        let Some((name, behind)) = item.split_once('"') else { break };
        if frames.len() == STACK_FRAMES {
            break;
        }
        let (own, _) = behind.split_once('}').unwrap_or((behind, ""));
        let mut found = frame(&unescaped(name));
        found.file =
            own.split_once("file: \"").and_then(|(_, file)| Some(file.split_once('"')?.0.to_owned()));
        found.file = found.file.as_deref().map(|file| as_named(&unescaped(file)).to_owned());
        found.line = own.split_once("line: ").and_then(|(_, line)| line.trim().parse().ok());
        frames.push(found);
        rest = behind;
    }
    frames
}

/// The frames of the innermost `Backtrace` that a derived `Debug` shows.
pub(super) fn of_tree(tree: &Tree<'_>) -> Vec<Frame> {
    let mut lists = tree.lists("Backtrace").map(frames_of).filter(|frames| !frames.is_empty());
    lists.next_back().unwrap_or_default()
}

fn frame(path: &str) -> Frame {
    let (module, function) = symbols::split(without_hash(path));
    Frame { module, function, ..Frame::default() }
}

/// `7: path::to::function`, and with `RUST_BACKTRACE=full`, `7:     0x55d0c0 - path::to::function`.
fn function_of(line: &str) -> Option<&str> {
    let (number, function) = line.split_once(':')?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let function = function.strip_prefix(' ')?.trim_start();
    let function = match function.strip_prefix("0x") {
        Some(address) => address.split_once(" - ")?.1,
        None => function,
    };
    (is_number && !function.is_empty()).then_some(function)
}

/// The file and the line of `file:line:column`, and of `file:line`.
fn place_of(place: &str) -> (Option<String>, Option<u32>) {
    let number = |text: &str| text.parse::<u32>().ok();
    let Some((rest, last)) = place.rsplit_once(':') else { return (None, None) };
    match rest.rsplit_once(':').and_then(|(file, line)| Some((file, number(line)?))) {
        Some((file, line)) if number(last).is_some() => (Some(as_named(file).to_owned()), Some(line)),
        _ => number(last).map_or((None, None), |line| (Some(as_named(rest).to_owned()), Some(line))),
    }
}

/// A file below the working directory is written with a `./` that the program itself does not write.
fn as_named(file: &str) -> &str {
    file.strip_prefix("./").or_else(|| file.strip_prefix(".\\")).unwrap_or(file)
}

/// Without the hash that the compiler appends: `::h9fcc64c3cbe861fd`.
fn without_hash(path: &str) -> &str {
    match path.rsplit_once("::h") {
        Some((path, hash)) if hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => path,
        _ => path,
    }
}

/// Whether a line names a place: `src/main.rs:42`, `src/main.rs:42:7`.
pub(super) fn is_place(text: &str) -> bool {
    let (file, line) = place_of(text.trim());
    line.is_some() && file.is_some_and(|file| file.contains('.') && !file.contains(' '))
}

/// Whether a line is the first of a backtrace's frames.
pub(super) fn begins(line: &str) -> bool {
    function_of(line.trim()).is_some()
}
