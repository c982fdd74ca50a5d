//! The server that events are sent to, and whom to trust on the way.

use std::sync::Arc;

use super::Builder;
use super::place::environment;
use crate::clock::Clock;
use crate::error::BuildError;
use crate::http;
use crate::ledger::Ledger;
use crate::model::TrackedEvent;
use crate::sink::{Diagnosis, Dsn, Forward, Sentry, diagnose};

/// What a builder was told of it.
#[derive(Default)]
pub(super) struct Delivery {
    pub(super) dsn: Option<Result<Dsn, &'static str>>,
    /// What is wrong with the DSN that the environment names.
    pub(super) refused: Option<&'static str>,
    http: http::Settings,
}

impl Delivery {
    /// The way to the server, if a DSN names one.
    pub(super) fn forward(
        &self,
        ledger: &Arc<Ledger>,
        clock: &Clock,
    ) -> Result<Option<Box<dyn Forward>>, BuildError> {
        #[cfg(feature = "_tls")]
        self.http.trust.check().map_err(BuildError::certificate)?;
        let Some(dsn) = self.dsn.clone() else { return Ok(None) };
        let dsn = dsn.map_err(BuildError::dsn)?;
        Ok(Some(Box::new(Sentry::new(dsn, self.http.clone(), Arc::clone(ledger), clock.clone()))))
    }
}

impl Builder {
    /// Sends events to the server that a DSN names: Sentry, GlitchTip, Bugsink, or any other that speaks Sentry's protocol.
    ///
    /// An empty one sends nothing, whatever the environment says. A DSN belongs into the environment, as `SENTRY_DSN`,
    /// rather than into the code: it differs from one deployment to the next. Its key is never shown.
    ///
    /// Events wait in memory, [`limits::OUTBOX_BYTES`](crate::limits::OUTBOX_BYTES) of them, while the server is out of
    /// reach, and are sent again, [`limits::SEND_TRIES`](crate::limits::SEND_TRIES) times each at the most; what the server
    /// answers is final. With a [store](Self::store) that is named, they wait in its file, across restarts, for
    /// [`limits::STORED_OUTBOX_DAYS`](crate::limits::STORED_OUTBOX_DAYS) days at the most. The usual variables, `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, name a proxy.
    pub fn dsn(mut self, dsn: impl Into<String>) -> Self {
        let dsn = dsn.into();
        self.delivery.dsn = Some(Dsn::parse(&dsn)).filter(|_| !dsn.trim().is_empty());
        self.delivery.refused = None;
        self
    }

    /// Trusts these authorities, too, to say who a server is: certificates as PEM, beside those of the system.
    #[cfg(feature = "_tls")]
    pub fn ca_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.delivery.http.trust.authorities = Some(pem.into());
        self
    }

    /// Shows this certificate to a server that asks for one: as PEM, with its key (PKCS #8) in it.
    #[cfg(feature = "_tls")]
    pub fn client_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.delivery.http.trust.identity = Some(pem.into());
        self
    }

    /// Takes whatever certificate a server has: expired, of another host, of nobody's making.
    ///
    /// Whoever stands between the program and the server can then read every event, and the key. For a test alone;
    /// [`ca_certificates`](Self::ca_certificates) is for a server with an authority of its own.
    #[cfg(feature = "_tls")]
    pub fn danger_accept_invalid_certificates(mut self, accept: bool) -> Self {
        self.delivery.http.trust.anyone = accept;
        self
    }

    /// Finds the addresses of names: for tests.
    #[doc(hidden)]
    pub fn look_up(
        mut self,
        look_up: impl Fn(&str) -> std::io::Result<Vec<std::net::SocketAddr>> + Send + Sync + 'static,
    ) -> Self {
        self.delivery.http.look_up = Some(Arc::new(look_up));
        self
    }
}

/// Sends a test event to the server that the DSN of a builder names, by the builder's certificates, and says of each step what
/// came of it: DSN, name, connection, key, event.
///
/// Blocks until that is known: for a step that fails, up to the time that sending an event may take,
/// [`limits::SEND_TOTAL`](crate::limits::SEND_TOTAL). The builder's other settings play no part. `cargo run --example doctor` is
/// a whole program.
///
/// ```
/// let diagnosis = crumbtrail::doctor(crumbtrail::builder().dsn("https://sentry.example/42"));
/// assert!(!diagnosis.is_healthy());
/// assert!(diagnosis.to_string().contains("the key before the @ is missing"));
/// ```
pub fn doctor(builder: Builder) -> Diagnosis {
    let event = TrackedEvent::of_test(environment(&builder));
    let Delivery { dsn, refused, http } = builder.delivery;
    diagnose(dsn.or_else(|| refused.map(Err)), http, &event)
}
