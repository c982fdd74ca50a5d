//! What becomes of values that JSON has no form for, and of names that are odd.

use serde_json::{Value, json};
use tracing::{error, info_span, warn};

use crate::rig::{Rig, fail, named};

/// The three places that fields go to: the event, its span, a breadcrumb.
fn everywhere(rig: &Rig) -> [Value; 3] {
    let events = rig.events();
    let event = named(&events, "values");
    let mut fields = event.fields.clone();
    fields.remove("error");
    let all = [fields, event.spans[0].fields.clone(), event.breadcrumbs[0].data.clone()];
    all.map(|fields| {
        // It is valid JSON, and reads back as what it was.
        let text = serde_json::to_string(&fields).unwrap();
        let read: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read, Value::Object(fields), "{text}");
        read
    })
}

#[test]
fn numbers_without_a_json_form_become_their_text() {
    let rig = Rig::new();
    macro_rules! with_numbers {
        ($log:ident, $($rest:tt)*) => {
            $log!(
                $($rest)*
                nan = f64::NAN,
                up = f64::INFINITY,
                down = f64::NEG_INFINITY,
                minus_nothing = -0.0,
                tiny = f64::MIN_POSITIVE,
                most = f64::MAX,
                large = u64::MAX,
                small = i64::MIN,
                wide = u128::MAX,
                deep = i128::MIN,
                fits = 7_u128,
                fits_too = -7_i128,
                yes = true,
            )
        };
    }
    rig.on_thread(|| {
        let span = with_numbers!(info_span, "work",);
        span.in_scope(|| {
            with_numbers!(warn, message = "values",);
            with_numbers!(error, message = "values", error = "refused",);
        });
    });
    let expected = json!({
        "nan": "NaN", "up": "inf", "down": "-inf", "minus_nothing": -0.0, "tiny": f64::MIN_POSITIVE, "most": f64::MAX,
        "large": u64::MAX, "small": i64::MIN, "wide": u128::MAX.to_string(), "deep": i128::MIN.to_string(),
        "fits": 7, "fits_too": -7, "yes": true,
    });
    for fields in everywhere(&rig) {
        assert_eq!(fields, expected);
        assert!(fields["minus_nothing"].as_f64().unwrap().is_sign_negative());
    }
}

#[test]
fn of_two_fields_by_one_name_the_later_holds_and_a_name_may_be_empty_or_odd() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let span = info_span!("work", twice = 1, twice = "two", "" = 3, "a b\n\u{202E}\"c\u{0}" = 4);
        span.in_scope(|| {
            warn!({ twice = 1, twice = "two", "" = 3, "a b\n\u{202E}\"c\u{0}" = 4 }, "values");
            error!({ error = "refused", twice = 1, twice = "two", "" = 3, "a b\n\u{202E}\"c\u{0}" = 4 }, "values");
        });
    });
    for fields in everywhere(&rig) {
        assert_eq!(fields, json!({ "twice": "two", "": 3, "a b\n\u{202E}\"c\u{0}": 4 }));
    }
}

#[test]
fn texts_are_kept_as_they_are() {
    let rig = Rig::new();
    let odd = "NUL \0 ESC \u{1b}[31m bidi \u{202E} C1 \u{9b} BOM \u{FEFF} \u{FFFD} 😀 \" \\ \r\n";
    rig.on_thread(|| {
        let span = info_span!("work", odd);
        span.in_scope(|| {
            warn!(odd, "values");
            error!(error = "refused", odd, "values");
        });
        error!(error = odd, "{odd}");
    });
    for fields in everywhere(&rig) {
        assert_eq!(fields, json!({ "odd": odd }));
    }
    let events = rig.events();
    // A colour says nothing about an error: it is no part of its text.
    let colourless = odd.replace("\u{1b}[31m", "");
    assert_eq!((events[1].value.as_str(), events[1].message.as_deref()), (&*colourless, Some(odd)));
    assert_eq!(events[1].title, colourless.trim(), "on one line; whoever prints it escapes it");
}

#[test]
fn a_cut_never_splits_a_character() {
    let rig = Rig::new();
    // Characters of four bytes, at each of the four places where the cut may fall.
    rig.on_thread(|| {
        for lead in 0..4 {
            let text = format!("{}{}", "x".repeat(lead), "😀".repeat(8_000));
            let _span = info_span!("work", text).entered();
            warn!(text, "{text}");
            error!(error = text.as_str(), text, "{text}");
            crumbtrail::set_tag("text", &text);
            fail("failed");
        }
    });
    let events = rig.events();
    assert_eq!(events.len(), 8);
    let whole = |text: &str| text.trim_start_matches('x').trim_end_matches('…').chars().all(|c| c == '😀');
    for event in &events {
        let crumb = &event.breadcrumbs[0];
        assert!(whole(&crumb.message) && crumb.cut);
        assert!(
            event.spans[0].fields["text"].as_str().is_some_and(|text| whole(text) && text.ends_with("😀…"))
        );
        if let Some(text) = event.fields.get("text") {
            assert!(whole(text.as_str().unwrap()) && whole(&event.value));
        } else {
            assert!(whole(&event.tags["text"]) && event.tags["text"].ends_with("😀…"));
        }
    }
}
