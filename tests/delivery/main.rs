//! Delivery: whatever the network, the server and the process do, an event is sent or has its account, and the host never
//! waits beyond a deadline.
//!
//! Servers are scripted (`tests/support/server.rs`); waits pass on the test's clock, except those of the network itself.
#![cfg(feature = "sentry")]

#[cfg(test)]
mod answers;
#[cfg(test)]
mod beside;
#[cfg(test)]
#[cfg(feature = "_tls")]
#[path = "../support/certificates.rs"]
mod certificates;
#[cfg(test)]
mod dsn;
#[cfg(test)]
mod ends;
#[cfg(test)]
mod envelope;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod names;
#[cfg(test)]
mod network;
#[cfg(test)]
mod outbox;
#[cfg(test)]
#[cfg(all(feature = "rustls-no-provider", not(any(feature = "rustls", feature = "native-tls"))))]
mod providers;
#[cfg(test)]
mod proxies;
#[cfg(test)]
mod reports;
#[cfg(test)]
mod rig;
#[cfg(test)]
#[path = "../support/server.rs"]
mod server;
#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;
#[cfg(test)]
mod threads;
#[cfg(test)]
#[cfg(feature = "_tls")]
mod tls;
