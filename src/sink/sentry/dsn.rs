//! Where events are sent, and by which key: what a DSN says.
//!
//! The key is in no `Debug`, no error and no line of ours: it leaves the process in the one header that it is for.

use std::fmt;

use crate::limits::DSN_BYTES;

/// A DSN that can be sent to.
#[derive(Clone)]
pub(crate) struct Dsn {
    /// Where envelopes are posted.
    url: String,
    /// The header by which the server knows us.
    auth: String,
    host: String,
    /// Host and project, as a person may read them.
    place: String,
    is_encrypted: bool,
}

impl Dsn {
    /// Reads a DSN; says which part of it is wrong where it cannot.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        use sentry_types::ParseDsnError as Wrong;

        let text = text.trim();
        if text.len() > DSN_BYTES {
            return Err("it is longer than any DSN");
        }
        let dsn: sentry_types::Dsn = text.parse().map_err(|wrong| match wrong {
            Wrong::InvalidUrl => "it is no URL",
            Wrong::InvalidScheme => "its scheme is neither https nor http",
            Wrong::NoUsername => "the key before the @ is missing",
            Wrong::NoProjectId => "the project at its end is missing",
            Wrong::InvalidProjectId(_) => "the project at its end cannot be one",
        })?;
        if dsn.host().is_empty() {
            return Err("the host is missing");
        }
        let is_encrypted = dsn.scheme() == sentry_types::Scheme::Https;
        if is_encrypted && !cfg!(feature = "_tls") {
            return Err("it asks for https, and crumbtrail is built without: turn on its feature `rustls`");
        }
        Ok(Self {
            url: dsn.envelope_api_url().to_string(),
            auth: auth(&dsn),
            place: format!(
                "{}://{}:{}{}, project {}",
                dsn.scheme(),
                dsn.host(),
                dsn.port(),
                dsn.path().trim_end_matches('/'),
                dsn.project_id()
            ),
            host: dsn.host().trim_matches(['[', ']']).to_owned(),
            is_encrypted,
        })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn auth(&self) -> &str {
        &self.auth
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.is_encrypted
    }
}

impl fmt::Debug for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dsn").field("host", &self.host).finish_non_exhaustive()
    }
}

/// By the [protocol](https://develop.sentry.dev/sdk/foundations/transport/authentication/); old DSNs have a second key.
fn auth(dsn: &sentry_types::Dsn) -> String {
    let secret = dsn.secret_key().map(|secret| format!(", sentry_secret={secret}")).unwrap_or_default();
    format!("Sentry sentry_key={}, sentry_version=7, sentry_client={CLIENT}{secret}", dsn.public_key())
}

/// Who we are, to a server.
pub(super) const CLIENT: &str = concat!("crumbtrail/", env!("CARGO_PKG_VERSION"));

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_dsn_says_where_and_by_which_key() {
        for (text, url, auth) in [
            ("https://abc@sentry.io/42", "https://sentry.io/api/42/envelope/", "sentry_key=abc, "),
            ("http://abc@127.0.0.1:9000/42", "http://127.0.0.1:9000/api/42/envelope/", "sentry_key=abc, "),
            ("https://abc@[::1]:9000/a/b/42", "https://[::1]:9000/a/b/api/42/envelope/", "sentry_key=abc, "),
            (" https://abc:old@sentry.io/42\n", "https://sentry.io/api/42/envelope/", "sentry_secret=old"),
        ] {
            let dsn = Dsn::parse(text).unwrap();
            assert_eq!(dsn.url(), url);
            assert!(dsn.auth().contains(auth) && dsn.auth().starts_with("Sentry "), "{}", dsn.auth());
        }
    }

    #[test]
    fn what_is_wrong_with_a_dsn_is_named_without_its_key() {
        for (text, part) in [
            ("", "no URL"),
            ("sentry", "no URL"),
            ("https://secretkey@/42", "no URL"),
            ("ftp://secretkey@sentry.io/42", "scheme"),
            ("https://sentry.io/42", "key"),
            ("https://secretkey@sentry.io", "project"),
            ("https://secretkey@sentry.io/", "project"),
            (&format!("https://secretkey@sentry.io/{}", "4".repeat(3_000)), "longer"),
        ] {
            let why = Dsn::parse(text).map(|_| ()).unwrap_err();
            assert!(why.contains(part) && !why.contains("secretkey"), "{text}: {why}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_dsn_is_it_neither_panics_nor_shows_its_key(text in "\\PC*", key in "[a-z]{8,12}é?") {
            let _ = Dsn::parse(&text);
            for text in [format!("https://{key}@{text}/1"), format!("https://{key}:{key}@h/{text}"), key.clone()] {
                let shown = format!("{:?}", Dsn::parse(&text));
                prop_assert!(!shown.contains(&key), "{shown}");
            }
        }
    }
}
