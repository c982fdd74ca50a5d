//! What is still to be sent.

use super::Store;
use super::document::decode;
use super::row::int;
use crate::issues::Fault;
use crate::model::{EventId, TrackedEvent};

impl Store {
    /// The events that wait longest to be sent, so many at the most. One that cannot be read is waited for no more.
    pub(crate) fn outgoing(&mut self, most: usize) -> Result<Vec<TrackedEvent>, Fault> {
        let most = int(most as u64);
        self.change(|file| {
            let mut statement =
                file.prepare_cached("SELECT seq, document FROM outbox ORDER BY seq LIMIT ?1")?;
            let waiting = statement
                .query_map([most], |row| Ok((row.get::<_, i64>(0)?, decode(row.get_ref(1)?.as_blob()?))))?;
            let mut events = Vec::new();
            for (seq, event) in waiting.collect::<rusqlite::Result<Vec<_>>>()? {
                match event {
                    Some(event) => events.push(event),
                    None => {
                        file.prepare_cached("DELETE FROM outbox WHERE seq = ?1")?.execute([seq])?;
                    }
                }
            }
            Ok(events)
        })
    }

    /// Events are with the server, or were given up.
    pub(crate) fn sent(&mut self, ids: &[EventId]) -> Result<(), Fault> {
        self.change(|file| {
            let mut statement = file.prepare_cached("DELETE FROM outbox WHERE id = ?1")?;
            for id in ids {
                statement.execute([id.to_bytes()])?;
            }
            Ok(())
        })
    }
}
