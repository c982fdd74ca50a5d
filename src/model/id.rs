//! The name of one event.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

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
///     assert_eq!(id.to_string().parse(), Ok(id));
/// }
/// # Ok::<(), crumbtrail::BuildError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(Uuid);

impl EventId {
    /// A random name. The system is asked for chance once a thread, by the standard library; the rest is hashing, since
    /// a failing line shall not wait for it each time.
    ///
    /// # Panics
    /// Where the system has no source of randomness.
    pub(crate) fn random() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let (chance, number) = (RandomState::new(), NEXT.fetch_add(1, Ordering::Relaxed));
        let [high, low] = [0_u8, 1].map(|half| chance.hash_one((number, half)));
        let bytes = ((u128::from(high) << 64) | u128::from(low)).to_be_bytes();
        Self(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }

    /// Bits of it that chance decided, the upper ones.
    pub(crate) fn random_bits(self) -> u64 {
        // Below the two that say what sort of UUID it is.
        self.0.as_u64_pair().1 << 2
    }

    /// It, as the crates that know UUIDs have it.
    #[cfg(feature = "sentry")]
    pub(crate) fn to_uuid(self) -> Uuid {
        self.0
    }

    #[cfg(feature = "store")]
    pub(crate) fn to_bytes(self) -> [u8; 16] {
        self.0.into_bytes()
    }

    #[cfg(feature = "store")]
    pub(crate) fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// A name that is unique in this process, for where there is no randomness.
    pub(crate) fn unique() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let process = RandomState::new().hash_one(SystemTime::now());
        Self(Uuid::from_u64_pair(process, NEXT.fetch_add(1, Ordering::Relaxed)))
    }
}

/// Reads what [`Display`](fmt::Display) wrote, as a user quotes it; with hyphens as well.
impl FromStr for EventId {
    type Err = EventIdError;

    fn from_str(text: &str) -> Result<Self, EventIdError> {
        Uuid::try_parse(text).map(Self).map_err(|_| EventIdError(()))
    }
}

/// A text that is no [`EventId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventIdError(());

impl fmt::Display for EventIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event id is 32 hexadecimal digits")
    }
}

impl std::error::Error for EventIdError {}

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
