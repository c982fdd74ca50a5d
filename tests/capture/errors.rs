//! The errors that the tests log: one of each make.

use crumbtrail::TrackedEvent;

/// A failure of three links, the innermost of the standard library.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Checkout {
    #[error("payment failed")]
    Payment(#[source] Gateway),
    #[error("out of stock")]
    OutOfStock,
    #[error("no article {id} in {shop}")]
    NoArticle { id: u32, shop: String },
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

/// The middle one.
#[derive(Debug, thiserror::Error)]
#[error("gateway {host} gave no answer")]
pub(crate) struct Gateway {
    pub(crate) host: &'static str,
    pub(crate) source: std::io::Error,
}

pub(crate) fn payment() -> Checkout {
    let source = std::io::Error::from_raw_os_error(110);
    Checkout::Payment(Gateway { host: "pay-3", source })
}

/// An `anyhow` error with so many contexts around it.
pub(crate) fn with_contexts(contexts: usize) -> anyhow::Error {
    (1..=contexts)
        .fold(anyhow::anyhow!("connection reset"), |error, number| error.context(format!("context {number}")))
}

/// The texts of a chain, outermost first.
pub(crate) fn values(event: &TrackedEvent) -> Vec<&str> {
    event.chain.iter().map(|cause| cause.value.as_str()).collect()
}

/// Its types, as far as they are known.
pub(crate) fn types(event: &TrackedEvent) -> Vec<Option<&str>> {
    event.chain.iter().map(|cause| cause.type_name.as_deref()).collect()
}
