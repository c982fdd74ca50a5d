//! Errors of which a line shows only the text: `%error`, `?error`.

use tracing::error;

use crate::errors::{Checkout, payment, types, values, with_contexts};
use crate::rig::{Rig, named};
use crate::support::{child, role};

#[test]
fn the_field_is_known_by_its_name() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let failed = payment();
        error!(error = %failed, "error");
        error!(err = %failed, "err");
        error!(e = %failed, "e");
        error!(self.error = %failed, "self.error");
        error!(db_error = %failed, "db_error");
        error!(last_err = %failed, "last_err");
        error!(write_failure = %failed, "write_failure");
        error!(cause = %failed, "cause");
        error!(source = %failed, "source");
        error!(exception = %failed, "exception");
        error!(reason = %failed, "reason");
        error!(error = failed.to_string(), "text");
        for_nothing();
    });
    let events = rig.events();
    assert_eq!(events.len(), 12);
    for event in &events {
        assert_eq!(values(event), ["payment failed"], "{:?}", event.message);
        assert_eq!(event.fields.len(), 1, "it stays a field as well");
    }
}

fn for_nothing() {
    let text = "no error";
    error!(error_code = %text, error_kind = %text, error_type = %text, error_count = %text, "classes");
    error!(terror = %text, errors = %text, reasons = %text, resource = %text, "no error's name");
}

#[test]
fn the_surest_name_wins() {
    let rig = Rig::new();
    rig.on_thread(|| {
        error!(reason = %"reason", cause = %"cause", error = %"error", "1");
        error!(error = %"error", cause = %"cause", reason = %"reason", "2");
        error!(reason = %"reason", db_error = %"db_error", "3");
        error!(cause = "the cause", reason = %"reason", "4");
        error!(err = "err", error = %"error", "the first of equals");
    });
    let events = rig.events();
    let value = |name: &str| named(&events, name).value.clone();
    assert_eq!(["1", "2", "3", "4"].map(value), ["error", "error", "db_error", "the cause"]);
    assert_eq!(value("the first of equals"), "err");
}

#[test]
fn display_and_debug_of_anyhow_show_the_whole_chain_with_and_without_backtraces() {
    const NAME: &str = "texts::display_and_debug_of_anyhow_show_the_whole_chain_with_and_without_backtraces";
    match role() {
        Some(role) => anyhow_is_whole(role == "with backtraces"),
        None => {
            for (role, value) in [("without backtraces", "0"), ("with backtraces", "1")] {
                let mut child = child(role, NAME);
                child.command.env("RUST_BACKTRACE", value).env_remove("RUST_LIB_BACKTRACE");
                child.run().succeeded();
            }
        }
    }
}

fn anyhow_is_whole(backtraces: bool) {
    let rig = Rig::new();
    rig.on_thread(|| {
        for contexts in 0..=3 {
            let failed = with_contexts(contexts);
            let debug = format!("{failed:?}");
            assert_eq!(debug.contains("Stack backtrace:"), backtraces, "{debug}");
            error!(error = %failed, "%{contexts}");
            error!(error = ?failed, "?{contexts}");
            error!(error = format!("{failed:?}"), "text {contexts}");
            let transparent = Checkout::from(failed);
            error!(error = %transparent, "transparent {contexts}");
        }
    });
    let events = rig.events();
    for contexts in 0..=3 {
        let mut expected: Vec<String> =
            (1..=contexts).rev().map(|number| format!("context {number}")).collect();
        expected.push("connection reset".to_owned());
        for form in ["%", "?", "text ", "transparent "] {
            let event = named(&events, &format!("{form}{contexts}"));
            assert_eq!(values(event), expected, "{form}{contexts}");
            assert!(!event.chain_cut && types(event).iter().all(Option::is_none), "{form}{contexts}");
        }
    }
}

#[test]
fn causes_of_several_lines_stay_whole() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let failed = anyhow::anyhow!("root, line 1\nroot, line 2").context("top, line 1\ntop, line 2");
        error!(error = ?failed, "one cause");
        error!(error = ?failed.context("outermost"), "two causes");
    });
    let events = rig.events();
    let (top, root) = ("top, line 1\ntop, line 2", "root, line 1\nroot, line 2");
    assert_eq!(values(named(&events, "one cause")), [top, root]);
    assert_eq!(values(named(&events, "two causes")), ["outermost", top, root]);
}

#[test]
fn display_of_any_other_error_is_its_own_text_only() {
    let rig = Rig::new();
    rig.on_thread(|| {
        error!(error = %payment(), "%");
        error!(error = %std::io::Error::other("a: b: c"), "colons");
    });
    let events = rig.events();
    assert_eq!(values(named(&events, "%")), ["payment failed"]);
    assert_eq!(values(named(&events, "colons")), ["a: b: c"]);
}

#[test]
fn a_derived_debug_names_the_types_from_the_outside_in() {
    let rig = Rig::new();
    rig.on_thread(|| {
        error!(error = ?payment(), "nested");
        error!(error = ?Checkout::NoArticle { id: 7, shop: "north".to_owned() }, "fields");
        error!(error = ?Checkout::OutOfStock, "unit");
        let boxed: Box<dyn std::error::Error> = Box::new(payment());
        error!(error = ?boxed, "boxed");
        error!(error = ?Err::<(), _>(payment()), "a result");
        error!(error = ?"some text", "quoted");
    });
    let events = rig.events();
    let io = std::io::Error::from_raw_os_error(110).to_string();
    for name in ["nested", "boxed", "a result"] {
        let event = named(&events, name);
        assert_eq!(types(event), [Some("Payment"), Some("Gateway"), Some("io::Error")], "{name}");
        // What a cause says is told by the cause.
        let shown = ["Payment(…)", "Gateway { host: \"pay-3\", source: … }", &io];
        assert_eq!(values(event), shown, "{name}");
    }
    let first = |name: &str| {
        let event = named(&events, name);
        assert_eq!(event.chain.len(), 1, "{name}");
        (types(event)[0], values(event)[0])
    };
    assert_eq!(first("fields"), (Some("NoArticle"), "NoArticle { id: 7, shop: \"north\" }"));
    // A bare word could be any text; only a line that says more is read as a type.
    assert_eq!(first("unit"), (None, "OutOfStock"));
    assert_eq!(first("quoted"), (None, "\"some text\""));
}

#[test]
fn a_value_inside_of_an_error_is_no_cause_and_a_sentence_no_type() {
    #[derive(Debug)]
    #[expect(dead_code, reason = "only their Debug is of interest")]
    enum Failed {
        User(Id),
        At(Place),
        Says(Words),
    }
    #[derive(Debug)]
    #[expect(dead_code, reason = "only its Debug is of interest")]
    struct Id(u32);
    #[derive(Debug)]
    #[expect(dead_code, reason = "only its Debug is of interest")]
    struct Place {
        line: u32,
        status: Option<Id>,
    }
    struct Words;
    impl std::fmt::Debug for Words {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("Refused(badly) because: of it")
        }
    }
    let rig = Rig::new();
    rig.on_thread(|| {
        error!(error = ?Failed::User(Id(7)), "a number");
        error!(error = ?Failed::At(Place { line: 1, status: Some(Id(2)) }), "a struct");
        error!(error = ?Words, "words");
        error!(error = %"Refused(badly)", "a text");
        error!(error = ?Failed::Says(Words), "words inside");
    });
    let events = rig.events();
    let chain = |name: &str| {
        let event = named(&events, name);
        types(event).into_iter().zip(values(event)).collect::<Vec<_>>()
    };
    assert_eq!(chain("a number"), [(Some("User"), "User(Id(7))")]);
    assert_eq!(chain("a struct"), [(Some("At"), "At(Place { line: 1, status: Some(Id(2)) })")]);
    assert_eq!(chain("words"), [(None, "Refused(badly) because: of it")]);
    assert_eq!(chain("a text"), [(None, "Refused(badly)")]);
    assert_eq!(chain("words inside"), [(Some("Says"), "Says(Refused(badly) because: of it)")]);
}

#[test]
fn a_cause_with_colons_of_its_own_stays_one() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let failed = anyhow::anyhow!("a: b: c").context("invalid type: string").context("outermost");
        error!(error = %failed, "field");
        error!("it failed: {failed:#}");
        error!(error = format!("{failed:#}"), "text");
    });
    let events = rig.events();
    let whole = ["outermost", "invalid type: string", "a: b: c"];
    assert_eq!(values(named(&events, "field")), whole);
    assert_eq!(values(named(&events, "it failed: outermost: invalid type: string: a: b: c")), whole);
    // Where the pieces are not known, nobody can tell.
    assert_eq!(values(named(&events, "text")), ["outermost: invalid type: string: a: b: c"]);
}

#[test]
fn the_title_is_the_message_else_the_type_else_the_text() {
    let rig = Rig::new();
    rig.on_thread(|| {
        error!(error = %payment(), "cannot  charge\nsecond line");
        error!(error = ?payment());
        error!(error = %payment());
        error!(error = %"", other = 1);
        error!(error = %"ä".repeat(300));
    });
    let titles: Vec<String> = rig.events().into_iter().map(|event| event.title).collect();
    let long = format!("{}…", "ä".repeat(crumbtrail::limits::TITLE_BYTES / 2));
    assert_eq!(titles, ["cannot  charge", "Payment", "payment failed", "(no text)", &long]);
}
