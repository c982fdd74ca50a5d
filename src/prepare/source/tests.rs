//! Which files are read, and how much of them.

use std::time::Duration;

use super::*;

/// A folder of this test's own, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("crumbtrail-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// The sources of a program that was built a minute from now in this folder.
    fn sources(&self) -> Sources {
        let built = SystemTime::now() + Duration::from_secs(60);
        let program = Program { built, root: Some(self.0.clone()) };
        Sources { known: HashMap::new(), bytes: 0, program: Some(program) }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn frame(file: &str, line: u32) -> Frame {
    Frame { file: Some(file.to_owned()), line: Some(line), in_app: true, ..Frame::default() }
}

fn shown(sources: &mut Sources, file: &str, line: u32) -> Option<(u32, Vec<String>)> {
    let mut frames = [frame(file, line)];
    sources.show(&mut frames);
    frames[0].source.take().map(|source| (source.first_line, source.lines))
}

#[test]
fn the_lines_around_are_those_that_are_there() {
    let folder = Folder::new("around");
    let file = folder.write("a.rs", "one\r\ntwo\nthree\n\tfour\nfive\nsix");
    let mut sources = folder.sources();
    let mut lines = |line| shown(&mut sources, &file, line).map(|(first, lines)| (first, lines.join("|")));
    let expected = |first, lines: &str| Some((first, lines.to_owned()));
    assert_eq!(lines(3), expected(1, "one|two|three|\tfour|five"));
    assert_eq!(lines(1), expected(1, "one|two|three"));
    assert_eq!(lines(6), expected(4, "\tfour|five|six"));
    assert_eq!((lines(0), lines(7), lines(8), lines(u32::MAX)), (None, None, None, None));
}

#[test]
fn a_relative_name_leads_from_the_folder_of_the_program_if_there_is_one() {
    let folder = Folder::new("relative");
    folder.write("main.rs", "fn main() {}");
    let mut sources = folder.sources();
    assert!(shown(&mut sources, "main.rs", 1).is_some());
    let mut elsewhere = folder.sources();
    elsewhere.program.as_mut().unwrap().root = None;
    assert_eq!(shown(&mut elsewhere, "main.rs", 1), None);
}

#[test]
fn what_may_not_be_the_source_is_not_read() {
    let folder = Folder::new("refused");
    let refused = [
        folder.write("secret.txt", "password"),
        folder.write("long.rs", vec![b'a'; SOURCE_FILE_BYTES as usize + 1]),
        folder.write("binary.rs", [0xff, 0xfe, b'\n']),
        folder.0.to_str().unwrap().to_owned(),
        folder.0.join("missing.rs").to_str().unwrap().to_owned(),
        String::new(),
        "\0.rs".to_owned(),
    ];
    let mut sources = folder.sources();
    for file in refused {
        assert_eq!(shown(&mut sources, &file, 1), None, "{file}");
    }
    let good = folder.write("good.rs", vec![b'a'; SOURCE_FILE_BYTES as usize]);
    assert!(shown(&mut sources, &good, 1).is_some());
    // Newer than the program.
    let mut older = folder.sources();
    older.program.as_mut().unwrap().built = SystemTime::now() - Duration::from_secs(60);
    assert_eq!(shown(&mut older, &good, 1), None);
}

#[cfg(unix)]
#[test]
fn links_and_pipes_are_not_followed() {
    let folder = Folder::new("links");
    let file = folder.write("a.rs", "one");
    let link = folder.0.join("link.rs");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    assert_eq!(shown(&mut folder.sources(), link.to_str().unwrap(), 1), None);
    let pipe = folder.0.join("pipe.rs");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    assert_eq!(shown(&mut folder.sources(), pipe.to_str().unwrap(), 1), None);
}

#[test]
fn long_lines_are_cut() {
    let folder = Folder::new("long");
    let file = folder.write("a.rs", "é".repeat(SOURCE_LINE_CHARS + 1));
    let (_, lines) = shown(&mut folder.sources(), &file, 1).unwrap();
    assert_eq!(lines, ["é".repeat(SOURCE_LINE_CHARS) + "…"]);
}

#[test]
fn the_innermost_frames_of_the_program_are_shown_and_no_more() {
    let folder = Folder::new("frames");
    let file = folder.write("a.rs", "one\ntwo");
    let mut frames: Vec<Frame> = (0..SOURCE_FRAMES + 3).map(|_| frame(&file, 1)).collect();
    frames[0].in_app = false;
    folder.sources().show(&mut frames);
    let with: Vec<bool> = frames.iter().map(|frame| frame.source.is_some()).collect();
    assert_eq!(with, [false, true, true, true, true, false, false]);
}

#[test]
fn what_is_remembered_is_bounded() {
    let folder = Folder::new("bounded");
    let mut sources = folder.sources();
    for number in 0..SOURCE_FILES * 2 {
        shown(&mut sources, &format!("missing-{number}.rs"), 1);
        assert!(sources.known.len() <= SOURCE_FILES);
    }
    for number in 0..8 {
        let file = folder.write(&format!("{number}.rs"), vec![b'a'; SOURCE_FILE_BYTES as usize]);
        assert!(shown(&mut sources, &file, 1).is_some());
        let held: usize = sources.known.values().flatten().map(|text| text.len()).sum();
        assert!(held == sources.bytes && held <= SOURCE_BYTES, "{held}");
    }
}
