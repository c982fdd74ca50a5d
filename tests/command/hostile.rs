//! Texts that try to steer a terminal, or to break out of JSON.

use std::error::Error;
use std::io;

use crate::rig::Folder;

const EVIL: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\r\n\u{202e}txet\u{9b}31m\0 \"quoted\" \\ {\"a\":1}\u{feff}";

fn evil() -> Folder {
    Folder::of(|| {
        let _entered =
            tracing::error_span!("evil", user.id = EVIL, tags.provider = EVIL, route = EVIL).entered();
        tracing::warn!(data = EVIL, "{EVIL}");
        let error = io::Error::other(EVIL);
        tracing::error!(error = &error as &dyn Error, data = EVIL, "{EVIL}");
    })
}

#[test]
fn nothing_steers_the_terminal() {
    let folder = evil();
    let id = folder.json(["issues", "--json"])[0]["id"].as_str().unwrap().to_owned();
    for arguments in [
        &["issues"][..],
        &["show", "latest"],
        &["events", "latest"],
        &["resolve", "latest"],
        &["mute", "latest"],
        &["reopen", "latest"],
        &["stats"],
        &["doctor"],
        &["issues", "--json"],
        &["show", "latest", "--json"],
        &["export"],
    ] {
        let text = folder.command(arguments.iter().copied()).done();
        let steers = |character: char| {
            (character.is_control() && character != '\n') || "\u{202e}\u{feff}".contains(character)
        };
        assert!(!text.contains(steers), "{arguments:?}: {text:?}");
    }
    // A line of its own, further left than its value stands, would be taken for one of ours.
    let list = folder.command(["issues"]).done();
    assert!(list.lines().skip(1).all(|line| line.starts_with(&id[..8]) || line.starts_with(' ')), "{list}");
    for name in [EVIL.trim_end_matches('\0').split('\0').next().unwrap(), "\u{1b}[31m\u{202e}"] {
        let error = folder.command(["show", "--", name]).failed(2);
        assert!(!error.trim_end().contains(|character: char| character.is_control()), "{error:?}");
    }
}

#[test]
fn json_says_the_texts_as_they_are() {
    let folder = evil();
    for arguments in [
        &["issues", "--json"][..],
        &["show", "latest", "--json"],
        &["events", "latest", "--json"],
        &["export"],
    ] {
        let values = folder.json(arguments.iter().copied());
        assert_eq!(values.len(), 1, "{arguments:?}");
    }
    let shown = &folder.json(["show", "latest", "--json"])[0];
    assert_eq!(shown["event"]["user"]["id"], EVIL);
    assert_eq!(shown["event"]["breadcrumbs"][0]["message"], EVIL);
    assert_eq!(shown["event"]["chain"][0]["value"], EVIL);
}
