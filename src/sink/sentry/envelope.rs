//! What is posted: one event, or one client report, in an
//! [envelope](https://develop.sentry.dev/sdk/data-model/envelopes/), compressed.
//!
//! An event waits for its turn compressed, and is compressed once more when it is sent: only then is it known when that is,
//! which the header says so that a server can tell how far our clock is off.

use std::io::{self, Write};
use std::time::SystemTime;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibDecoder, ZlibEncoder};
use sentry_types::protocol::v7::{ClientSdkInfo, EnvelopeHeaders};

use super::dsn::CLIENT;
use crate::model::EventId;

/// A payload that waits.
#[derive(Debug)]
pub(super) struct Packed {
    bytes: Vec<u8>,
    length: usize,
}

impl Packed {
    pub(super) fn new(payload: &[u8]) -> io::Result<Self> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(payload)?;
        let mut bytes = encoder.finish()?;
        bytes.shrink_to_fit();
        Ok(Self { bytes, length: payload.len() })
    }

    /// Bytes that it takes while it waits.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// Bytes of the payload itself.
    pub(super) fn length(&self) -> usize {
        self.length
    }
}

/// The envelope of an event, as it is posted.
pub(super) fn of_event(id: EventId, payload: &Packed) -> io::Result<Vec<u8>> {
    let headers = headers().with_event_id(id.to_uuid());
    let envelope = open(headers, "event", payload.length)?;
    let mut unpacked = ZlibDecoder::new(envelope);
    unpacked.write_all(&payload.bytes)?;
    close(unpacked.finish()?)
}

/// The envelope of a client report, as it is posted.
pub(super) fn of_report(payload: &[u8]) -> io::Result<Vec<u8>> {
    let mut envelope = open(headers(), "client_report", payload.len())?;
    envelope.write_all(payload)?;
    close(envelope)
}

fn headers() -> EnvelopeHeaders {
    let (name, version) = CLIENT.split_once('/').unwrap_or((CLIENT, ""));
    let sdk = ClientSdkInfo {
        name: name.to_owned(),
        version: version.to_owned(),
        integrations: Vec::new(),
        packages: Vec::new(),
    };
    EnvelopeHeaders::new().with_sent_at(SystemTime::now()).with_sdk(sdk)
}

/// Everything before the payload.
fn open(headers: EnvelopeHeaders, kind: &str, length: usize) -> io::Result<GzEncoder<Vec<u8>>> {
    let mut envelope = GzEncoder::new(Vec::new(), Compression::default());
    serde_json::to_writer(&mut envelope, &headers)?;
    writeln!(envelope, "\n{}", serde_json::json!({ "type": kind, "length": length }))?;
    Ok(envelope)
}

fn close(mut envelope: GzEncoder<Vec<u8>>) -> io::Result<Vec<u8>> {
    envelope.write_all(b"\n")?;
    envelope.finish()
}
