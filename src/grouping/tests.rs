//! Events made by hand.
