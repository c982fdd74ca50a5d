//! An ERROR, on its way to an event: looked at, judged, counted, and taken if it is to be told.
//!
//! In this order: how fast its line logs, what it carries, what the program's rules and hook say of it, the throttle,
//! the sample. Only then is anything copied. Whatever becomes of it, it is a breadcrumb too, unless nothing of it was
//! looked at, or the hook wants it to be nothing.

use tracing::field::Field;
use tracing::{Event, Level};

use super::Inner;
use super::detect::Rank;
use super::line;
use super::sight::{Sight, SightVisitor};
use super::visit::{ErrorVisitor, LONG_BYTES, LongVisitor, Worded, Words, message, notices_error, words};
use crate::capture::{Failure, Judgement, Key};
use crate::ledger::{Counted, Dropped, Line, Lost};
use crate::model::{CapturedError, CapturedFields, Draft, EventKind};
use crate::scope::Place;
use crate::sync::Scratch;
use crate::trail::CRUMB_BYTES;
use crate::trail::crumb::{self, Decoded, Encoded, Name};

/// What an ERROR carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Carries {
    /// An error in a field.
    Field,
    /// An error at the end of its message, from this byte on.
    Tail(usize),
    Nothing,
}

impl Inner {
    /// Takes an ERROR, and returns the breadcrumb that is to be kept.
    #[cold]
    pub(super) fn error<'a>(
        &self,
        event: &Event<'_>,
        place: Place<'_>,
        scratch: &'a mut Scratch,
    ) -> Option<Encoded<'a>> {
        let (pipeline, rules) = (&self.pipeline, &self.pipeline.rules);
        let look = line::Line::of(event, rules);
        let line = pipeline.ledger.lines.at(look.key, || line::site(event));
        if pipeline.is_too_fast(line) {
            if !look.is_noise {
                self.count_unread(event, line);
            }
            return None;
        }
        let (mut sight, crumb) = crumb::encode(scratch, CRUMB_BYTES, |encoder| {
            let draft = Draft { target: target(event, rules.on_error.is_some()), ..Draft::default() };
            let mut visitor = SightVisitor::new(encoder, rules, Key::of_line(look.key), draft);
            event.record(&mut visitor);
            visitor.into_sight()
        });
        if look.is_noise {
            return Some(crumb);
        }
        let carries = carries(event, &mut sight, crumb, line);
        line.note_carries(carries != Carries::Nothing);
        if carries == Carries::Nothing && !rules.track_messages {
            let fields = || CapturedFields {
                callsite: event.metadata(),
                bytes: crumb.words.as_flattened().to_vec(),
                left_out: 0,
            };
            pipeline.count_without_error(line, Some(fields));
            return Some(crumb);
        }
        pipeline.ledger.accept();
        if look.is_read {
            let ignored = self.is_ignored(event);
            line.note_ignored(ignored);
            if ignored {
                pipeline.ledger.drop_one(Dropped::Ignored);
                return Some(crumb);
            }
        }
        if pipeline.refuses(sight.judgement) {
            return (sight.judgement != Judgement::Drop).then_some(crumb);
        }
        let lane = place.id.map(|_| place.lane);
        let key = sight.key.finish();
        let told = pipeline.admit(key, line, lane).and_then(|admitted| {
            pipeline.capture(admitted, failure(event, crumb, carries, sight, key), line, place.id)
        });
        if told.is_none() && pipeline.keeps_count() {
            place.note_tallied(key);
        }
        Some(crumb)
    }

    /// Counts an ERROR that is not looked at: its line logs too fast.
    fn count_unread(&self, event: &Event<'_>, line: &Line) {
        let ledger = &self.pipeline.ledger;
        if notices_error(event) || line.carries() || self.pipeline.rules.track_messages {
            ledger.accept();
            if line.is_ignored() {
                ledger.drop_one(Dropped::Ignored);
            } else {
                ledger.tally(line.count_untold());
            }
        } else {
            self.pipeline.count_without_error(line, None::<fn() -> CapturedFields>);
        }
    }

    /// Whether a rule ignores the line by what it says.
    #[cold]
    fn is_ignored(&self, event: &Event<'_>) -> bool {
        let site = line::site(event);
        self.pipeline.rules.ignores(&site.target, words(event).as_str())
    }

    /// Logged from inside our own work on this thread: counted, and not looked at closer, since to look is to format.
    pub(super) fn recursion(&self, event: &Event<'_>) {
        let ledger = &self.pipeline.ledger;
        ledger.count(Counted::Recursion);
        if *event.metadata().level() == Level::ERROR && notices_error(event) {
            ledger.accept();
            ledger.lose(Lost::Recursion);
        }
    }
}

/// The target that a hook is told; nobody else pays for it.
fn target(event: &Event<'_>, asked: bool) -> String {
    if asked { line::site(event).target.into_owned() } else { String::new() }
}

/// What the first look found.
fn carries(event: &Event<'_>, sight: &mut Sight, crumb: Encoded<'_>, line: &Line) -> Carries {
    let field =
        |index| crumb::fields(crumb.words.as_flattened()).find(|field| field.name == Name::Index(index));
    if let Some((rank, index)) = sight.rank {
        // `error = ?None::<Error>`: there is none.
        let is_none = field(index).is_some_and(|field| field.value == Decoded::Text("None"));
        if !is_none || rank == Rank::Typed {
            return Carries::Field;
        }
    }
    let Some(shown) = sight.message.and_then(field) else { return Carries::Nothing };
    let Decoded::Text(text) = shown.value else { return Carries::Nothing };
    if let Some(at) = sight.pieces.error_in(text) {
        return Carries::Tail(at);
    }
    if shown.cut && !line.is_searched() {
        // The breadcrumb has but its beginning.
        let (text, pieces) = message(event);
        if let Some(at) = pieces.error_in(&text) {
            sight.pieces = pieces;
            return Carries::Tail(at);
        }
        line.note_searched();
    }
    if sight.pieces.has_lead() {
        // It leads over to something, which is no error: the line says something of its own.
        return Carries::Nothing;
    }
    line.learn(sight.pieces.hashes());
    if line.is_bare() { Carries::Tail(0) } else { Carries::Nothing }
}

/// Takes what the event needs of the line.
fn failure(event: &Event<'_>, crumb: Encoded<'_>, carries: Carries, sight: Sight, key: u64) -> Failure {
    let (error, siblings) = match carries {
        Carries::Field => {
            let mut visitor = ErrorVisitor::new(crumb);
            event.record(&mut Words(|field: &Field, value: Worded<'_>| visitor.take(field, value)));
            let (error, siblings) = visitor.into_errors();
            (error.unwrap_or(CapturedError::Nothing), siblings)
        }
        Carries::Tail(at) => (CapturedError::Tail { at, joints: sight.pieces.joints() }, Vec::new()),
        Carries::Nothing => (CapturedError::Nothing, Vec::new()),
    };
    Failure {
        kind: if carries == Carries::Nothing { EventKind::Log } else { EventKind::Error },
        site: line::site(event),
        level: *event.metadata().level(),
        fields: Some(fields(event, crumb)),
        error,
        siblings,
        draft: sight.draft,
        key,
    }
}

/// The fields as the breadcrumb has them; where something found no room there, encoded anew with more.
fn fields(event: &Event<'_>, crumb: Encoded<'_>) -> CapturedFields {
    let callsite = event.metadata();
    if !crumb.cut {
        return CapturedFields { callsite, bytes: crumb.words.as_flattened().to_vec(), left_out: 0 };
    }
    let mut memory = vec![0; LONG_BYTES];
    let (left_out, long) = crumb::encode(&mut memory, LONG_BYTES, |encoder| {
        let mut visitor = LongVisitor::new(crumb, encoder);
        event.record(&mut visitor);
        visitor.left_out
    });
    let length = long.words.as_flattened().len();
    memory.truncate(length);
    memory.shrink_to_fit();
    CapturedFields { callsite, bytes: memory, left_out }
}
