//! The stack, the outermost caller first. Pure.

use sentry_types::protocol::v7;
use serde_json::{Map, Value};

use crate::limits::{SOURCE_AROUND, SOURCE_LINE_CHARS};
use crate::model::Frame;
use crate::sink::sentry::images::{Image, Images};

use super::names;

/// The frames without those that start a program and its threads, where nothing but their image tells what they are.
pub(super) fn without_start<'a>(frames: &'a [Frame], images: &Images) -> &'a [Frame] {
    let is_start = |frame: &&Frame| is_nameless(frame) && of(frame, images).is_some_and(is_libc);
    let outermost = frames.iter().rev().take_while(is_start).count();
    frames.get(..frames.len() - outermost).unwrap_or_default()
}

/// The stack as the protocol orders it; None where there is none.
pub(super) fn stacktrace(frames: &[Frame], images: &Images) -> Option<v7::Stacktrace> {
    let callers = frames.iter().skip(1).map(Some).chain([None]);
    let sent = frames.iter().zip(callers).map(|(inner, outer)| frame(inner, outer, images));
    v7::Stacktrace::from_frames_reversed(sent.collect())
}

/// The thread that a stack is of, of an event that has no error to carry it.
pub(super) fn thread(stacktrace: Option<v7::Stacktrace>) -> Option<v7::Thread> {
    let stacktrace = Some(stacktrace?);
    Some(v7::Thread { id: Some(0.into()), current: true, stacktrace, ..v7::Thread::default() })
}

/// Says that every address is one to return to, which is looked up right before: without it a server takes the innermost
/// one for the very instruction that failed.
pub(super) fn adjust_all(event: &mut Map<String, Value>) {
    if let Some(stack) = stack_of(event)
        && stack
            .get("frames")
            .and_then(Value::as_array)
            .is_some_and(|frames| frames.iter().any(|frame| frame.get("instruction_addr").is_some()))
    {
        stack.insert("instruction_addr_adjustment".to_owned(), "all".into());
    }
}

/// Where an event has its stack.
pub(in crate::sink::sentry) fn stack_of(event: &mut Map<String, Value>) -> Option<&mut Map<String, Value>> {
    let place = if event.contains_key("exception") { "exception" } else { "threads" };
    let values = event.get_mut(place)?.get_mut("values")?.as_array_mut()?;
    values.last_mut()?.get_mut("stacktrace")?.as_object_mut()
}

fn frame(frame: &Frame, caller: Option<&Frame>, images: &Images) -> v7::Frame {
    let image = of(frame, images);
    // Of several functions that were inlined at one address the outermost has it: a server that resolves the address finds
    // the others by it.
    let address = frame.address.filter(|_| caller.is_none_or(|caller| caller.address != frame.address));
    let function = frame.function.as_deref();
    let mut sent = v7::Frame {
        function: match (&frame.module, function) {
            (Some(module), Some(function)) => Some(format!("{module}::{function}")),
            (_, function) => function.map(str::to_owned),
        },
        module: frame.module.clone(),
        package: image.map(|image| image.file.clone()),
        filename: frame.file.as_deref().map(|file| short(file).to_owned()),
        abs_path: frame.file.clone().filter(|file| is_absolute(file)),
        lineno: frame.line.map(u64::from),
        // Of an address alone the server decides when it has its name.
        in_app: (!is_nameless(frame)).then_some(frame.in_app),
        image_addr: address.and(image).map(|image| image.start.into()),
        instruction_addr: address.map(Into::into),
        ..v7::Frame::default()
    };
    show_source(frame, &mut sent);
    sent
}

fn show_source(frame: &Frame, sent: &mut v7::Frame) {
    let (Some(source), Some(line)) = (&frame.source, frame.line) else { return };
    let Some(at) = line.checked_sub(source.first_line).and_then(|at| usize::try_from(at).ok()) else {
        return;
    };
    let around = usize::try_from(SOURCE_AROUND).unwrap_or_default();
    let shown = |line: &String| names::cut(line, SOURCE_LINE_CHARS + 1).into_owned();
    let Some(context_line) = source.lines.get(at) else { return };
    sent.context_line = Some(shown(context_line));
    sent.pre_context = source.lines.iter().take(at).skip(at.saturating_sub(around)).map(shown).collect();
    sent.post_context = source.lines.iter().skip(at + 1).take(around).map(shown).collect();
}

fn of<'a>(frame: &Frame, images: &'a Images) -> Option<&'a Image> {
    images.of(frame.address?)
}

/// Nothing but its address is known.
fn is_nameless(frame: &Frame) -> bool {
    frame.function.is_none() && frame.file.is_none()
}

/// The C library and the loader.
fn is_libc(image: &Image) -> bool {
    let name = image.file.rsplit('/').next().unwrap_or_default();
    ["libc.", "libc-", "libpthread", "ld-"].iter().any(|start| name.starts_with(start))
}

fn is_absolute(file: &str) -> bool {
    let is_drive = |rest: &str| rest.starts_with(":\\") || rest.starts_with(":/");
    file.starts_with(['/', '\\']) || file.get(1..).is_some_and(is_drive)
}

/// A library's file from its package's folder on; any other as it is.
fn short(file: &str) -> &str {
    let behind = |folder: &str| Some(file.split_once(folder)?.1.split_once(['/', '\\'])?.1);
    let folders = ["/registry/src/", "\\registry\\src\\", "/git/checkouts/", "\\git\\checkouts\\", "/rustc/"];
    folders.iter().find_map(|folder| behind(folder)).unwrap_or(file)
}
