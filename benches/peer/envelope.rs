//! What a request says: an envelope of Sentry's protocol, decompressed and taken apart.

use std::collections::HashSet;
use std::io::Read;

use flate2::read::GzDecoder;
use serde_json::Value;

use crate::server::Request;

/// An envelope with those of its items that are JSON objects.
#[derive(Debug)]
pub(crate) struct Envelope {
    /// Type and content of each.
    pub(crate) items: Vec<(String, Value)>,
    /// Bytes of all, decompressed.
    pub(crate) bytes: usize,
}

impl Envelope {
    /// None where the request carries none.
    pub(crate) fn of(request: &Request) -> Option<Self> {
        let mut bytes = Vec::new();
        if request.body.starts_with(&[0x1f, 0x8b]) {
            GzDecoder::new(request.body.as_slice()).read_to_end(&mut bytes).ok()?;
        } else {
            bytes.clone_from(&request.body);
        }
        let (_, mut rest) = line(&bytes)?;
        let mut items = Vec::new();
        while let Some((head, behind)) = line(rest) {
            if head.is_empty() {
                break;
            }
            let head: Value = serde_json::from_slice(head).ok()?;
            let length =
                head.get("length").and_then(Value::as_u64).and_then(|length| usize::try_from(length).ok());
            let (content, behind) = match length {
                Some(length) => behind.split_at_checked(length)?,
                None => line(behind)?,
            };
            rest = behind.strip_prefix(b"\n").unwrap_or(behind);
            let kind = head.get("type").and_then(Value::as_str).unwrap_or_default();
            if let Ok(content) = serde_json::from_slice(content) {
                items.push((kind.to_owned(), content));
            }
        }
        Some(Self { items, bytes: bytes.len() })
    }

    /// The event in it, if there is one.
    pub(crate) fn event(&self) -> Option<&Value> {
        self.of_type("event").next()
    }

    /// Its items of that type.
    pub(crate) fn of_type<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.items.iter().filter(move |(of, _)| of == kind).map(|(_, content)| content)
    }
}

/// Events that were taken, each once however often it came.
pub(crate) fn taken(requests: &[Request]) -> usize {
    let taken = requests.iter().filter(|request| request.status == Some(200));
    let id = |request| Some(Envelope::of(request)?.event()?.get("event_id")?.as_str()?.to_owned());
    taken.filter_map(id).collect::<HashSet<_>>().len()
}

/// The first line, and what is behind it.
fn line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    if bytes.is_empty() {
        return None;
    }
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (line, rest) = bytes.split_at(end);
    Some((line, rest.get(1..).unwrap_or_default()))
}
