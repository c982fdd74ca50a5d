//! What a program says of secrets: names of its own, and whether persons are told of.

use crumbtrail::{CrumbLayer, User};
use serde_json::json;
use tracing::{error, info_span, warn};
use tracing_subscriber::Registry;

use crate::one;
use crate::rig::Rig;

#[test]
fn own_keys_are_matched_as_ours_are() {
    let rig = Rig::with(|builder| {
        builder.scrub_keys(["IBAN", "birth-day"]).scrub_keys(vec!["shoe size".to_owned()])
    });
    rig.on_thread(|| {
        warn!(customer_iban = "DE02", "the iban=DE03");
        error!(
            error = "refused",
            customerIban = "DE01",
            born.birthday = 1815,
            shoe_size = 37,
            name = "Ada",
            "failed"
        );
    });
    let event = one(&rig);
    assert_eq!(
        json!(event.fields),
        json!({ "error": "refused", "customerIban": "[Filtered]", "born.birthday": "[Filtered]",
            "shoe_size": "[Filtered]", "name": "Ada" })
    );
    assert_eq!(event.breadcrumbs[0].message, "the iban=[Filtered]");
    assert_eq!(event.breadcrumbs[0].data["customer_iban"], "[Filtered]");
}

#[test]
fn a_key_that_every_name_contains_is_refused() {
    for key in ["", " ", "-_."] {
        let built = crumbtrail::builder().scrub_keys([key]).build();
        let refused = built.map(|(layer, _): (CrumbLayer<Registry>, _)| layer).unwrap_err();
        assert!(refused.is_scrub_key() && !refused.is_queue(), "{key:?}: {refused}");
    }
}

/// What one person's request says of it, told with and without.
fn told(pii: bool) -> crumbtrail::TrackedEvent {
    let rig = Rig::with(|builder| builder.send_default_pii(pii));
    rig.on_thread(|| {
        let _span = info_span!(
            "request",
            url.full = "https://shop/find?email=ada@example.org&token=abc",
            client_ip = "10.0.0.7",
            user.ip_address = "10.0.0.8"
        )
        .entered();
        error!(
            error = "refused",
            http.request.header.x_forwarded_for = "10.0.0.9",
            cookie = "id=1",
            "failed"
        );
    });
    one(&rig)
}

#[test]
fn persons_are_not_told_of_by_default() {
    let event = told(false);
    assert_eq!(event.request.unwrap().url.as_deref(), Some("https://shop/find?[Filtered]"));
    assert_eq!(event.fields["http.request.header.x_forwarded_for"], "[Filtered]");
    assert_eq!(event.spans[0].fields["client_ip"], "[Filtered]");
    assert_eq!(event.user.unwrap().ip_address.as_deref(), Some("10.0.0.8"), "the program said so itself");
}

#[test]
fn persons_may_be_told_of_and_secrets_not() {
    let event = told(true);
    assert_eq!(
        event.request.unwrap().url.as_deref(),
        Some("https://shop/find?email=ada@example.org&token=[Filtered]")
    );
    assert_eq!(event.fields["http.request.header.x_forwarded_for"], "10.0.0.9");
    assert_eq!(event.fields["cookie"], "[Filtered]");
    assert_eq!(event.spans[0].fields["client_ip"], "10.0.0.7");
}

#[test]
fn a_title_ends_where_the_error_begins() {
    let rig = Rig::new();
    let error = "19?7".parse::<u16>().unwrap_err();
    rig.on_thread(|| error!("cannot pay with token={}: {error}", "x".repeat(40)));
    let event = one(&rig);
    assert_eq!(event.title, "cannot pay with token=[Filtered]");
    assert_eq!(event.value, "invalid digit found in string");
}

#[test]
fn what_is_no_secret_is_told_as_it_was_logged() {
    let rig = Rig::new();
    rig.on_thread(|| {
        crumbtrail::set_tag("author", "ada");
        let _span = info_span!("request", user.id = 42, user.email = "ada@example.org", prompt_tokens = 512)
            .entered();
        warn!(has_password = true, "the password was wrong");
        error!(error = "invalid token: unexpected end of file", attempts = 3, "session: closed");
    });
    let event = one(&rig);
    assert!(!format!("{event:?}").contains("[Filtered]"), "{event:#?}");
    assert_eq!(event.user, Some(User::new("42").email("ada@example.org")));
    assert_eq!(
        (event.title.as_str(), event.value.as_str()),
        ("session: closed", "invalid token: unexpected end of file")
    );
}
