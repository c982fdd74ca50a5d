-- The form of a store, version 1. Moments are milliseconds since 1970, hours and minutes are counted from there too.
-- Where there is no release, its name is empty.

CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

-- An issue's id is its name: printf('%016x', id).
CREATE TABLE issue (
    id INTEGER PRIMARY KEY,
    fingerprint TEXT NOT NULL, -- a list of texts, as JSON
    kind TEXT NOT NULL,        -- error, panic, log
    level TEXT NOT NULL,
    title TEXT NOT NULL,
    culprit TEXT NOT NULL,
    target TEXT NOT NULL,
    file TEXT,
    line INTEGER,
    state TEXT NOT NULL,       -- unresolved, resolved, muted
    until TEXT,                -- of one that is muted: forever, time, count, users
    state_value INTEGER,       -- when it was resolved; what it is muted until
    regressed INTEGER NOT NULL,
    count INTEGER NOT NULL,
    tallied INTEGER NOT NULL,
    users INTEGER NOT NULL,
    users_estimated INTEGER NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    first_release TEXT,
    last_release TEXT,
    search TEXT NOT NULL       -- title, culprit and target in small letters
) STRICT;
-- What is equal comes by its name, whose first half is negative as a number.
CREATE INDEX issue_by_last_seen ON issue (last_seen DESC, id < 0, id, state);
CREATE INDEX issue_by_count ON issue (count DESC, id < 0, id, state);
CREATE INDEX issue_by_users ON issue (users DESC, id < 0, id, state);

-- Hashes of an issue's users, or a sketch of them.
CREATE TABLE issue_users (
    issue INTEGER PRIMARY KEY,
    users BLOB NOT NULL
) STRICT;

CREATE TABLE issue_release (
    issue INTEGER NOT NULL,
    release TEXT NOT NULL,
    count INTEGER NOT NULL,
    tags TEXT NOT NULL,        -- [60, {"provider": [57, {"google": 40, "mail": 17}]}], of 60 occurrences
    PRIMARY KEY (issue, release)
) STRICT, WITHOUT ROWID;
CREATE INDEX issue_release_by_release ON issue_release (release, issue);

CREATE TABLE issue_environment (
    environment TEXT NOT NULL,
    issue INTEGER NOT NULL,
    PRIMARY KEY (environment, issue)
) STRICT, WITHOUT ROWID;
CREATE INDEX issue_environment_by_issue ON issue_environment (issue);

CREATE TABLE issue_tag (
    tag TEXT NOT NULL,
    value TEXT NOT NULL,
    issue INTEGER NOT NULL,
    release TEXT NOT NULL,
    PRIMARY KEY (tag, value, issue, release)
) STRICT, WITHOUT ROWID;
CREATE INDEX issue_tag_by_issue ON issue_tag (issue);

-- How often an issue came. A row that is_day stands for the 24 hours from its own on.
CREATE TABLE hour (
    issue INTEGER NOT NULL,
    is_day INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    release TEXT NOT NULL,
    environment TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (issue, is_day, hour, release, environment)
) STRICT, WITHOUT ROWID;

-- The same for the past hour.
CREATE TABLE minute (
    issue INTEGER NOT NULL,
    minute INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (issue, minute)
) STRICT, WITHOUT ROWID;

-- Whom an issue hit in an hour, for a day.
CREATE TABLE hit (
    issue INTEGER NOT NULL,
    release TEXT NOT NULL,
    hour INTEGER NOT NULL,
    users BLOB NOT NULL,
    PRIMARY KEY (issue, release, hour)
) STRICT, WITHOUT ROWID;

-- Releases that were seen, by a failure or by another lane.
CREATE TABLE release (
    name TEXT PRIMARY KEY,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    lanes INTEGER NOT NULL,
    tags TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Whom a release's lanes were about in an hour, for a day.
CREATE TABLE traffic (
    release TEXT NOT NULL,
    hour INTEGER NOT NULL,
    lanes INTEGER NOT NULL,
    users BLOB NOT NULL,
    PRIMARY KEY (release, hour)
) STRICT, WITHOUT ROWID;

CREATE TABLE variant (
    issue INTEGER NOT NULL,
    variant INTEGER NOT NULL,
    label TEXT NOT NULL,
    count INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    PRIMARY KEY (issue, variant)
) STRICT, WITHOUT ROWID;

-- A document is JSON, compressed with zstd.
CREATE TABLE event (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL,
    issue INTEGER NOT NULL,
    variant INTEGER NOT NULL,
    time INTEGER NOT NULL,
    document BLOB NOT NULL
) STRICT;
CREATE INDEX event_by_issue ON event (issue, time, id, variant);
CREATE INDEX event_by_time ON event (time);
CREATE INDEX event_by_id ON event (id);

-- The words of an event, in small letters.
CREATE TABLE event_text (
    event INTEGER PRIMARY KEY,
    issue INTEGER NOT NULL,
    text TEXT NOT NULL
) STRICT;

-- What was counted by line, its issue unknown.
CREATE TABLE line (
    target TEXT NOT NULL,
    file TEXT,
    line INTEGER,
    count INTEGER NOT NULL,
    last_seen INTEGER NOT NULL
) STRICT;
CREATE INDEX line_by_place ON line (target, file, line);

-- Events that a process still held back. An owner is a process, by a number of its own; a server is where the event is to
-- be sent, as a hash of the project's URL.
CREATE TABLE held (
    id BLOB PRIMARY KEY,
    owner INTEGER NOT NULL,
    server INTEGER,
    document BLOB NOT NULL
) STRICT;

-- Events that are still to be sent, since when, and whose it is to send them.
CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL,
    owner INTEGER NOT NULL,
    server INTEGER NOT NULL,
    time INTEGER NOT NULL,
    bytes INTEGER NOT NULL     -- of its document
) STRICT;
CREATE INDEX outbox_by_owner ON outbox (owner, server);
CREATE INDEX outbox_by_id ON outbox (id);

-- Apart from it, so that it changes hands without being written once more.
CREATE TABLE outbox_document (
    seq INTEGER PRIMARY KEY,
    document BLOB NOT NULL
) STRICT;

-- What a process says of itself: where everything that it captured has gone.
CREATE TABLE process (
    name TEXT PRIMARY KEY,
    pid INTEGER NOT NULL,
    started INTEGER NOT NULL,
    noted INTEGER NOT NULL,
    ledger TEXT NOT NULL       -- as JSON
) STRICT;
