//! Every bound of the crate, in one place, with its unit.
//!
//! A bound that is reached leaves a mark on what was cut or a count in [`Stats`](crate::Stats); nothing is lost in
//! silence.

use std::time::Duration;

/// Events that wait for the worker at the most, unless [`Builder::queue`](crate::Builder::queue) says otherwise.
pub const QUEUE_ITEMS: usize = 1_024;
/// Bytes that wait for the worker at the most, unless [`Builder::queue`](crate::Builder::queue) says otherwise.
pub const QUEUE_BYTES: usize = 8 * 1024 * 1024;
/// The most events that [`Builder::queue`](crate::Builder::queue) can let wait: each place takes 24 bytes at once.
pub const QUEUE_ITEMS_MOST: usize = 1 << 20;
/// Closes of lanes that wait for the worker at the most; what finds no room is left to [`HOLD`].
pub const QUEUE_CLOSES: usize = 1_024;
/// Notes of lanes that wait to be counted at the most, where lanes are counted: about 1 MiB. What finds no room is
/// counted in [`Stats::lanes_uncounted`](crate::Stats::lanes_uncounted).
pub const LANE_NOTES: usize = 4_096;
/// Lanes that are open and have said something of their user or tags in a span that is over; of more, the oldest counts as
/// over.
pub const LANES_OPEN: usize = 4_096;
/// Lanes that are counted before they are handed on to be kept, if they are not by the second.
pub const LANES_COUNTED: usize = 4_096;
/// Errors of one lane that were only counted and are told whom they hit.
pub const LANE_HITS: usize = 8;
/// Such errors whose issue is not known yet, of all lanes; of more, the oldest tell nobody.
pub const HITS_WAITING: usize = 4_096;
/// How long an event waits for further lines about the same failure, unless its lane closes or somebody flushes before.
pub const HOLD: Duration = Duration::from_secs(1);
/// How long an event waits on when its lane has closed: for the line of whoever called what the lane is about.
pub const HOLD_CLOSED: Duration = Duration::from_millis(100);
/// The same where the function that the lane is about returned the error: it is on its way to somebody.
pub const HOLD_RETURNED: Duration = Duration::from_millis(500);
/// Events that are held at the most; beyond, the oldest is let go.
pub const HOLD_EVENTS: usize = 2_048;
/// Bytes of the events that are held at the most, and no more than the queue's; beyond, the oldest
/// is let go.
pub const HOLD_BYTES: usize = 16 * 1024 * 1024;
/// Held events of one lane that a new one is compared with: the newest.
pub const HOLD_LOOK: usize = 64;
/// Panics that are remembered, for the `JoinError` that tells them once more.
pub const PANICS: usize = 256;
/// Cells of the ring, 128 bytes each; a power of two.
pub const RING_CELLS: usize = 32_768;
/// Cells that one breadcrumb may take; a longer one is cut, with a mark.
pub const CRUMB_CELLS: usize = 4;
/// Breadcrumbs that one event carries: the newest of its trail.
pub const TRAIL_CRUMBS: usize = 100;
/// Fresh positions that a writer takes when it meets a busy cell, before its breadcrumb is counted as lost.
pub const RING_RETRIES: usize = 8;
/// Bytes of an event's message.
pub const MESSAGE_BYTES: usize = 8 * 1024;
/// Bytes of one field's value.
pub const FIELD_BYTES: usize = 4 * 1024;
/// Fields of one event, and of one span.
pub const FIELDS: usize = 50;
/// Words of 8 bytes that a span's fields take, encoded, in the table of live spans; longer ones stand on the heap.
pub const SPAN_WORDS: usize = 20;
/// Bytes that the fields of one span take together, encoded.
pub const SPAN_BYTES: usize = 8 * 1024;
/// Enclosing spans that one event lists, from the innermost outwards; of more, the last one is the outermost.
pub const SPANS: usize = 64;
/// Spans inside one another that an event is looked for in; what lies further out does not reach it.
pub const SPAN_DEPTH: usize = 1_024;
/// Bytes that one context keeps, about.
pub const CONTEXT_BYTES: usize = 16 * 1024;
/// Levels of nesting that a context keeps.
pub const CONTEXT_DEPTH: usize = 5;
/// Levels of nesting that are searched for secrets; what lies deeper is left out, with a mark.
pub const SCRUB_DEPTH: usize = 32;
/// Tags, and contexts, that one lane keeps.
pub const LANE_ENTRIES: usize = 50;
/// Links of a chain of causes.
pub const CHAIN_LINKS: usize = 32;
/// Bytes of one error's text that is read for causes.
pub const ERROR_TEXT_BYTES: usize = 16 * 1024;
/// Values inside one another that are read out of an error's derived `Debug`; what lies deeper is taken as a whole.
pub const DEBUG_DEPTH: usize = 16;
/// Values that are read out of an error's derived `Debug`; one that has more is left as it is.
pub const DEBUG_NODES: usize = 1_024;
/// Bytes of an error's `Debug` that are kept to name its type.
pub const TYPE_TEXT_BYTES: usize = 256;
/// Bytes of a title.
pub const TITLE_BYTES: usize = 200;
/// Characters of a text that a fingerprint is made of, once the values are out of it.
pub const SKELETON_CHARS: usize = 200;
/// Types along a chain that a fingerprint names: the outer ones, and the root.
pub const FINGERPRINT_TYPES: usize = 4;
/// Events that a [`Memory`](crate::Memory) keeps; it refuses more.
pub const MEMORY_EVENTS: usize = 10_000;
/// Return addresses that a stack walk takes.
pub const STACK_ADDRESSES: usize = 128;
/// Frames that an event keeps.
pub const STACK_FRAMES: usize = 100;
/// Addresses whose symbols are remembered.
pub const SYMBOL_CACHE: usize = 16_384;
/// Tasks and threads without a breadcrumb in the ring that keep their user, tags and contexts: the newest. One that was
/// told much counts for several, one more for each KiB.
pub const IDLE_LANES: u64 = 16_384;
/// Bytes of an envelope as a server is sent it, before it is compressed; a longer event is trimmed, with marks.
pub const ENVELOPE_BYTES: usize = 900 * 1024;
/// Bytes that wait in memory to be sent, compressed; beyond, the oldest event is lost.
pub const OUTBOX_BYTES: usize = 4 * 1024 * 1024;
/// Bytes of a DSN.
pub const DSN_BYTES: usize = 2_048;
/// Events that are on their way to a server at the same time.
pub const SENDS: usize = 12;
/// How long a connection may take, the look-up of its name included.
pub const SEND_CONNECT: Duration = Duration::from_secs(5);
/// How long sending one event may take, from the look-up of the name to the end of the answer.
pub const SEND_TOTAL: Duration = Duration::from_secs(10);
/// Bytes of an answer that are read.
pub const ANSWER_BYTES: usize = 64 * 1024;
/// How often an event is sent when the network fails, before it is lost. What the server answered is final.
pub const SEND_TRIES: u32 = 6;
/// How long nothing is sent after the network failed; it doubles with each failure, and up to half of it is left off by
/// chance, so that a fleet does not come back all at once.
pub const BACKOFF: Duration = Duration::from_secs(1);
/// The most that [`BACKOFF`] grows to.
pub const BACKOFF_MOST: Duration = Duration::from_secs(60);
/// How long nothing is sent when a server says that it wants no more, but not for how long.
pub const RATE_LIMIT: Duration = Duration::from_secs(60);
/// The longest that a server can silence us for.
pub const RATE_LIMIT_MOST: Duration = Duration::from_secs(24 * 60 * 60);
/// How often a server is told, at the most, how many events were never sent to it; once more at each flush.
pub const CLIENT_REPORTS: Duration = Duration::from_secs(30);
/// How long dropping a [`Guard`](crate::Guard) waits for what was captured.
pub const DROP_FLUSH: Duration = Duration::from_secs(2);
/// How long [`Memory::events`](crate::Memory::events) waits for what was captured: beyond what an unoptimised build on a
/// busy machine takes to find its first symbol, which can be several seconds.
pub const MEMORY_FLUSH: Duration = Duration::from_secs(30);
/// Events a minute of one error that are told in full, unless [`Builder::throttle`](crate::Builder::throttle) says
/// otherwise.
pub const THROTTLE_ISSUE: u32 = 10;
/// Events a minute of the whole program that are told in full, unless [`Builder::throttle`](crate::Builder::throttle)
/// says otherwise.
pub const THROTTLE_ALL: u32 = 600;
/// ERRORs a second of one line that are looked at, unless [`Builder::throttle`](crate::Builder::throttle) says
/// otherwise.
pub const THROTTLE_LINE: u32 = 20_000;
/// Bytes of an error's text, and of a message, by which the throttle tells errors apart; numbers, quoted parts and
/// spaces are not counted.
pub const KEY_BYTES: usize = 256;
/// Texts that the throttle tells apart within a minute.
pub const TALLY_KEYS: usize = 2_048;
/// Lines that log ERRORs and are counted each by itself.
pub const LINES: usize = 1_024;
/// Issues, and texts of them, that the worker remembers to tell what was counted of them: as many again, but older, may
/// be forgotten.
pub const KNOWN_ISSUES: usize = 4_096;
/// Columns that a report is folded to where `COLUMNS` does not say how wide the terminal is.
pub const REPORT_COLUMNS: usize = 100;
/// Bytes of one value that a report shows; of a longer one, its beginning and its end.
pub const REPORT_VALUE_BYTES: usize = 1_200;
/// Lines of one value that a report shows; of a longer one, its beginning and its end.
pub const REPORT_VALUE_LINES: usize = 12;
/// Breadcrumbs that a report shows: the newest.
pub const REPORT_CRUMBS: usize = 30;
/// Frames of the program's own that a report shows, from the innermost outwards.
pub const REPORT_FRAMES: usize = 12;
/// Frames that a report shows with the source around their line.
pub const REPORT_SOURCES: usize = 2;
/// Spans that a report lists, from the innermost outwards.
pub const REPORT_SPANS: usize = 12;
/// Tags of an issue that its page lists.
pub const REPORT_TAGS: usize = 12;
/// Values of one tag that an issue's page lists: those with most events.
pub const REPORT_TAG_VALUES: usize = 4;
/// Variants, releases and environments that an issue's page lists of each.
pub const REPORT_ROWS: usize = 8;
/// Characters of a tag's value, a release or a title within a line of ours; the rest is cut.
pub const REPORT_WORD_CHARS: usize = 80;
/// Characters of a word in the columns of a list; the rest is cut.
pub const REPORT_COLUMN_CHARS: usize = 16;
/// Users that must have been seen for a share of them to be told in percent; of fewer, both numbers are told.
pub const SENTENCE_USERS: u64 = 10;
/// Events of an issue whose tags must be known for its sentence to name a tag.
pub const SENTENCE_EVENTS: u64 = 10;
/// Tags that an issue's sentence names: those with the values that are rarest elsewhere.
pub const SENTENCE_TAGS: usize = 2;
/// Issues whose repeats a [`Console`](crate::Console) counts; of more, it forgets the one that was quiet for longest, and
/// tells it in full when it comes again.
pub const CONSOLE_ISSUES: usize = 1_024;
/// How often a [`Console`](crate::Console) writes a line about the repeats of one issue, at the most.
pub const CONSOLE_REPEATS: Duration = Duration::from_secs(10);
/// Frames of one event that are given the source around their line.
pub const SOURCE_FRAMES: usize = 4;
/// Lines of source before that of a frame, and as many behind it.
pub const SOURCE_AROUND: u32 = 2;
/// Characters of one line of source.
pub const SOURCE_LINE_CHARS: usize = 200;
/// Bytes of a source file; a longer one is not read.
pub const SOURCE_FILE_BYTES: u64 = 1024 * 1024;
/// Source files that are remembered.
pub const SOURCE_FILES: usize = 256;
/// Bytes of source files that are remembered.
pub const SOURCE_BYTES: usize = 4 * 1024 * 1024;
/// Bytes of an envelope that are left to its headers; the event has the rest of [`ENVELOPE_BYTES`].
pub const ENVELOPE_HEADERS_BYTES: usize = 2 * 1024;
/// Bytes of an event that are left to the mark of what was trimmed off it.
pub const TRIM_MARK_BYTES: usize = 8 * 1024;
/// Names that such a mark lists of one sort; of more, it says how many.
pub const TRIM_NAMES: usize = 16;
/// Frames at each end of a stack that are left to a trimmed event: the others go first.
pub const TRIM_FRAMES: usize = 2;
/// Bytes of each text that are left where everything else did not make an event short enough.
pub const TRIM_TEXT_BYTES: usize = 1_024;
/// Bytes of a fingerprint that is sent; of a longer one, the parts are cut.
pub const FINGERPRINT_BYTES: usize = 8 * 1024;
/// Characters of a tag's name that Sentry's protocol takes, and of its value; the rest is cut.
pub const TAG_CHARS: usize = 200;
/// Characters of a release that Sentry's protocol takes; a longer one is no release.
pub const RELEASE_CHARS: usize = 200;
/// Characters of an environment that Sentry's protocol takes; the rest is cut.
pub const ENVIRONMENT_CHARS: usize = 64;
/// Characters of a host's name that are sent.
pub const SERVER_NAME_CHARS: usize = 256;
/// Characters of a route's or a context's name that are sent.
pub const NAME_CHARS: usize = 200;
/// Characters of a message that Sentry's protocol takes; the rest is cut.
pub const SENT_MESSAGE_CHARS: usize = 8_192;
/// Places of one failure that are sent: the first ones.
pub const LOGGED_PLACES: usize = 50;
/// Distinct users of an issue that are counted one by one; more are estimated.
pub const USERS_EXACT: usize = 1_024;
/// Values of one tag that an issue shows: those with most events.
pub const TAG_VALUES: usize = 20;
/// Values of one tag that are counted each by itself; what is rarer than one in so many may be counted with others.
pub const TAG_VALUES_COUNTED: usize = 64;
/// Tags of one issue that are counted.
pub const TAGS_COUNTED: usize = 100;
/// Days that a store keeps events, and issues of which nothing was seen since.
pub const KEEP_DAYS: u64 = 90;
/// Bytes that a store takes on disk.
pub const STORE_BYTES: u64 = 512 * 1024 * 1024;
/// The newest events of an issue that a store keeps.
pub const KEEP_EVENTS: usize = 20;
/// The newest events of one variant of an issue that a store keeps.
pub const KEEP_VARIANT_EVENTS: usize = 5;
/// Days that counts stand by hour; older ones stand by day.
pub const KEEP_HOURLY_DAYS: u64 = 35;
/// Entries that are written into a book of issues at once, at the most.
pub const BOOK_BATCH: usize = 512;
/// Bytes of events that wait in memory for a store that cannot be written; beyond, the oldest event is lost.
pub const BOOK_WAITING_BYTES: usize = 8 * 1024 * 1024;
/// Errors that were only counted and are told whom they hit, where they wait in memory for a store that cannot be written;
/// beyond, the oldest are told of nobody.
pub const BOOK_WAITING_HITS: usize = 4_096;
/// Distinct users, and values of tags, of lanes that wait in memory for a store that cannot be written; beyond, their lanes
/// are counted without them.
pub const BOOK_WAITING_NAMES: usize = 32_768;
/// How long a store that could not be written is left alone; it doubles with each time in a row.
pub const BOOK_RETRY: Duration = Duration::from_millis(50);
/// The most that [`BOOK_RETRY`] grows to.
pub const BOOK_RETRY_MOST: Duration = Duration::from_secs(5);
/// How often a store is looked through for what need not be kept.
pub const PRUNE_EVERY: Duration = Duration::from_secs(10 * 60);
/// Events after which a store is looked through earlier.
pub const PRUNE_EVENTS: usize = 4_096;
/// How often a store is looked through for what other processes left.
pub const ADOPT_EVERY: Duration = Duration::from_secs(60);
/// Bytes of the events that wait in a store for a server, compressed; beyond, the oldest are not sent any more.
pub const STORED_OUTBOX_BYTES: u64 = 64 * 1024 * 1024;
/// Days that an event waits in a store for a server.
pub const STORED_OUTBOX_DAYS: u64 = 7;
/// How often a server that is away is asked for, by an event that waits in a store.
pub const STORED_OUTBOX_EVERY: Duration = Duration::from_secs(30);
/// How long a process says nothing, where files cannot be locked, until it is taken for gone: what it left is another's to
/// send.
pub const OWNER_SILENT: Duration = Duration::from_secs(10 * 60);
/// How long a resolved issue stays so whatever comes without a release: what was on its way is no sign that it came back.
pub const RESOLVED_QUIET: Duration = Duration::from_secs(30 * 60);
/// The newest days on which something was recorded that must have come to pass before a store forgets by age: a clock that
/// is wrong for a shorter time makes it forget nothing.
pub const DAYS_SEEN: usize = 3;
/// Hours back at the most, that which runs among them, in which users are counted to tell what share of them was hit.
pub const SHARE_HOURS: u64 = 24;
/// Variants of one issue that are told apart; of more, the one not seen for longest is forgotten.
pub const VARIANTS: usize = 100;
/// Characters of the text by which a variant is told apart.
pub const VARIANT_CHARS: usize = 160;
/// Bytes, about, of the counts, users and tags of all issues where they are kept in memory; beyond, the issue not seen for
/// longest is forgotten as a whole.
pub const BOOK_BYTES: usize = 16 * 1024 * 1024;
/// Bytes, about, of the events of all issues where they are kept in memory; beyond, the oldest is forgotten.
pub const BOOK_EVENT_BYTES: usize = 4 * 1024 * 1024;
/// Bytes, about, of what is known of lanes that did not fail, where it is kept in memory; beyond, the oldest hour is
/// forgotten.
pub const BOOK_TRAFFIC_BYTES: usize = 4 * 1024 * 1024;
/// Releases that are remembered where issues are kept in memory; of more, the one not seen for longest is forgotten.
pub const BOOK_RELEASES: usize = 1_000;
/// How long a program waits for another process that writes to its store, before it tries again later.
pub const STORE_BUSY: Duration = Duration::from_millis(250);
/// The same for the command, for which somebody waits.
pub const STORE_BUSY_COMMAND: Duration = Duration::from_secs(5);
/// Bytes of a store that are kept in memory.
pub const STORE_CACHE_BYTES: i64 = 512 * 1024;
/// Bytes of a store's log, or journal, that are left on disk while nothing is in it.
pub const STORE_JOURNAL_BYTES: i64 = 4 * 1024 * 1024;
/// Bytes of a store that is looked through for damage when it is opened; in a larger one damage is found when it is met.
pub const STORE_CHECKED_BYTES: u64 = 16 * 1024 * 1024;
/// Ledgers that a store keeps: those of the processes that started last.
pub const STORE_PROCESSES: usize = 100;
/// Bytes of an event as it is read from a store, before it is taken apart; one of more is not read.
pub const DOCUMENT_BYTES: u64 = 32 * 1024 * 1024;
/// How long a program forgets at a time; what is left is forgotten later.
pub const STORE_PRUNE: Duration = Duration::from_millis(200);
/// Issues that a list of the command shows, unless it is told another number.
pub const LISTED_ISSUES: usize = 50;
