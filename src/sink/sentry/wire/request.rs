//! Who was hit, and what was asked. Pure.

use std::net::IpAddr;

use sentry_types::protocol::v7;
use serde_json::{Map, Value, json};

use crate::model::{Request, User};

/// The user; an address that is none stands in the user's data, since a server would take it for a mistake.
pub(super) fn user(user: &User) -> Option<v7::User> {
    let known = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let mut sent = v7::User {
        id: known(&user.id),
        email: known(&user.email),
        username: known(&user.username),
        ..v7::User::default()
    };
    if let Some(address) = known(&user.ip_address) {
        match address.trim().parse::<IpAddr>() {
            Ok(address) => sent.ip_address = Some(address.into()),
            Err(_) => {
                sent.other.insert("data".to_owned(), json!({ "ip_address": address }));
            }
        }
    }
    (sent != v7::User::default()).then_some(sent)
}

/// The request; its query stands apart from its address.
pub(super) fn request(request: &Request) -> Option<Value> {
    let mut sent = Map::new();
    let mut add = |name: &str, value: &str| {
        if !value.is_empty() {
            sent.insert(name.to_owned(), value.into());
        }
    };
    add("method", request.method.as_deref().unwrap_or_default());
    let (address, fragment) = apart(request.url.as_deref().unwrap_or_default(), '#');
    let (address, query) = apart(address, '?');
    add("url", address);
    add("query_string", query);
    add("fragment", fragment);
    (!sent.is_empty()).then_some(Value::Object(sent))
}

fn apart(text: &str, mark: char) -> (&str, &str) {
    text.split_once(mark).unwrap_or((text, ""))
}
