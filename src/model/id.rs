//! The name of one event.

use std::fmt;

use uuid::Uuid;

/// The id of one tracked event: 32 hexadecimal digits, random, as Sentry's protocol writes it.
///
/// ```
/// # let memory = crumbtrail::Memory::new();
/// # let (layer, _guard) = crumbtrail::builder().sink(memory).build::<tracing_subscriber::Registry>()?;
/// # use tracing_subscriber::prelude::*;
/// # let _default = tracing_subscriber::registry().with(layer).set_default();
/// let error = std::io::Error::other("disk on fire");
/// if let Some(id) = crumbtrail::capture_error(&error) {
///     assert_eq!(id.to_string().len(), 32);
/// }
/// # Ok::<(), crumbtrail::BuildError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(Uuid);

impl EventId {
    pub(crate) fn random() -> Self {
        Self(Uuid::new_v4())
    }

    pub(crate) fn from_u128(id: u128) -> Self {
        Self(Uuid::from_u128(id))
    }

    pub(crate) fn as_u128(self) -> u128 {
        self.0.as_u128()
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::LowerHex::fmt(self.0.as_simple(), f)
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventId({self})")
    }
}
