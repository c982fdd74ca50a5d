//! Errors and values whose own code misbehaves: circles, endless chains, panics, formatters that never end.

use std::error::Error;
use std::fmt;
use std::panic;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tracing::{error, info_span, warn};

use crumbtrail::limits;

use crate::errors::{types, values};
use crate::rig::{Rig, fail, named, trail};

/// An error whose cause is one of two that live for ever: itself, or the other.
#[derive(Debug)]
struct Circle {
    name: &'static str,
    source: fn() -> &'static Self,
}

static ALONE: Circle = Circle { name: "alone", source: || &ALONE };
static LEFT: Circle = Circle { name: "left", source: || &RIGHT };
static RIGHT: Circle = Circle { name: "right", source: || &LEFT };

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Error for Circle {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some((self.source)())
    }
}

/// One link of a chain as long as one likes.
#[derive(Debug)]
struct Link {
    number: usize,
    source: Option<Box<Self>>,
}

impl Link {
    fn chain(links: usize) -> Self {
        (1..links).fold(Self { number: 0, source: None }, |inner, number| Self {
            number,
            source: Some(Box::new(inner)),
        })
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // One by one: a million nested drops would overflow the stack.
        let mut next = self.source.take();
        while let Some(mut link) = next {
            next = link.source.take();
        }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "link {}", self.number)
    }
}

impl Error for Link {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|link| link as &(dyn Error + 'static))
    }
}

#[test]
fn a_chain_that_goes_in_a_circle_ends_where_it_closes() {
    let rig = Rig::new();
    let begun = Instant::now();
    rig.on_thread(|| {
        error!(error = &ALONE as &dyn Error, "alone");
        error!(error = &LEFT as &dyn Error, "two");
        crumbtrail::capture_error(&ALONE);
    });
    let events = rig.events();
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert_eq!(events.len(), 3);
    assert!(events.iter().all(|event| event.chain_cut));
    // The compiler may make two tables of methods for one type; then the circle is seen one link later.
    let alone = values(named(&events, "alone"));
    assert!(alone.len() <= 2 && alone.iter().all(|value| *value == "alone"), "{alone:?}");
    let two = values(named(&events, "two"));
    assert!(two.len() <= 4 && two[..2] == ["left", "right"], "{two:?}");
}

#[test]
fn a_chain_of_a_million_links_is_cut_at_the_limit_and_quick() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let endless = Link::chain(1_000_000);
        let begun = Instant::now();
        error!(error = &endless as &dyn Error, "endless");
        assert!(begun.elapsed() < Duration::from_millis(500), "{:?}", begun.elapsed());
        error!(error = &Link::chain(limits::CHAIN_LINKS) as &dyn Error, "just fits");
        error!(error = &Link::chain(limits::CHAIN_LINKS + 1) as &dyn Error, "one more");
    });
    let events = rig.events();
    let endless = named(&events, "endless");
    assert_eq!((endless.chain.len(), endless.chain_cut), (limits::CHAIN_LINKS, true));
    assert_eq!(values(endless)[..2], ["link 999999", "link 999998"]);
    let fits = named(&events, "just fits");
    assert_eq!((fits.chain.len(), fits.chain_cut), (limits::CHAIN_LINKS, false));
    assert!(named(&events, "one more").chain_cut);
}

#[test]
fn a_text_that_lists_more_causes_than_the_limit_is_cut() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let nested = |links: usize| crate::errors::with_contexts(links - 1);
        error!(error = %nested(limits::CHAIN_LINKS), "fits by display");
        error!(error = %nested(limits::CHAIN_LINKS + 1), "too long by display");
        error!(error = ?nested(limits::CHAIN_LINKS + 1), "too long by debug");
    });
    let events = rig.events();
    for (name, cut) in
        [("fits by display", false), ("too long by display", true), ("too long by debug", true)]
    {
        let event = named(&events, name);
        assert_eq!((event.chain.len(), event.chain_cut), (limits::CHAIN_LINKS, cut), "{name}");
    }
}

/// Thrown on purpose.
struct Thrown;

impl Drop for Thrown {
    fn drop(&mut self) {
        // What was thrown may misbehave once more when it is dropped.
        if PANIC_ON_DROP.swap(false, Ordering::Relaxed) {
            panic::panic_any("thrown by a drop");
        }
    }
}

static PANIC_ON_DROP: AtomicBool = AtomicBool::new(false);

fn throw() -> ! {
    panic::panic_any(Thrown)
}

/// Keeps the panics that are meant out of the tests' output.
fn silence() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            let text = panic.payload().downcast_ref::<&str>();
            if !panic.payload().is::<Thrown>() && text != Some(&"thrown by a drop") {
                before(panic);
            }
        }));
    });
}

/// An error that panics where it is told to.
#[derive(Clone, Copy, PartialEq)]
enum ThrowsIn {
    Display,
    Debug,
    Source,
}

/// Sound itself, with a cause that is not.
#[derive(Debug)]
struct Around(ThrowsIn);

impl fmt::Display for Around {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("around")
    }
}

impl Error for Around {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

impl fmt::Display for ThrowsIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("half of ")?;
        if *self == Self::Display { throw() } else { f.write_str("it") }
    }
}

impl fmt::Debug for ThrowsIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::Debug { throw() } else { f.write_str("ThrowsIn(..)") }
    }
}

impl Error for ThrowsIn {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        if *self == Self::Source { throw() } else { Some(&fmt::Error) }
    }
}

#[test]
fn an_error_that_panics_costs_only_the_part_that_panicked() {
    silence();
    let rig = Rig::new();
    rig.on_thread(|| {
        error!(error = &Around(ThrowsIn::Display) as &dyn Error, "display");
        error!(error = &Around(ThrowsIn::Debug) as &dyn Error, "debug");
        error!(error = &Around(ThrowsIn::Source) as &dyn Error, "source");
        PANIC_ON_DROP.store(true, Ordering::Relaxed);
        error!(error = &ThrowsIn::Source as &dyn Error, "source, and a drop that panics");
        error!(error = %ThrowsIn::Display, "by %");
        error!(error = ?ThrowsIn::Debug, "by ?");
        fail("afterwards all is well");
    });
    let events = rig.events();
    assert_eq!(events.len(), 7);
    let fmt_error = fmt::Error.to_string();
    let display = named(&events, "display");
    assert_eq!(
        (values(display), display.chain_cut),
        (vec!["around", "<formatter panicked>", &fmt_error], false)
    );
    let debug = named(&events, "debug");
    assert_eq!(values(debug), ["around", "half of it", &fmt_error]);
    assert_eq!(
        types(debug),
        [None, None, Some("Error")],
        "the outer Debug is derived and panics with the inner"
    );
    let source = named(&events, "source");
    assert_eq!((values(source), source.chain_cut), (vec!["around", "half of it"], true));
    assert!(named(&events, "source, and a drop that panics").chain_cut);
    assert_eq!(values(named(&events, "by %")), ["<formatter panicked>"]);
    assert_eq!(values(named(&events, "by ?")), ["<formatter panicked>"]);
    assert_eq!(trail(named(&events, "afterwards all is well")).len(), 6, "each was a breadcrumb, too");
}

/// Formats well the first time only.
struct OnlyOnce(AtomicBool);

impl fmt::Display for OnlyOnce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.swap(true, Ordering::Relaxed) { throw() } else { f.write_str("the first time") }
    }
}

/// Says half and then returns an error of its own.
struct Gives;

impl fmt::Display for Gives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("half")?;
        Err(fmt::Error)
    }
}

#[test]
fn a_formatter_that_fails_or_works_only_once_is_marked_at_most() {
    silence();
    let rig = Rig::new();
    rig.on_thread(|| {
        error!(error = %OnlyOnce(AtomicBool::new(false)), "once");
        error!(error = %Gives, other = %Gives, "fails");
        let _span = info_span!("work", field = %Gives).entered();
        warn!(field = %Gives, "{}", Gives);
        fail("in a span");
    });
    let events = rig.events();
    assert_eq!(values(named(&events, "once")), ["the first time"]);
    let fails = named(&events, "fails");
    assert_eq!(
        (values(fails), &fails.fields["other"]),
        (vec!["half<formatter failed>"], &"half<formatter failed>".into())
    );
    let span = named(&events, "in a span");
    assert_eq!(span.spans[0].fields["field"], "half<formatter failed>");
    let crumb = span.breadcrumbs.last().unwrap();
    assert_eq!(
        (crumb.message.as_str(), &crumb.data["field"]),
        ("half<formatter failed>", &"half<formatter failed>".into())
    );
}

/// Writes as long as it is listened to.
#[derive(Debug)]
struct Chatter;

impl fmt::Display for Chatter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        loop {
            f.write_str("on and on, ")?;
        }
    }
}

impl Error for Chatter {}

#[test]
fn a_formatter_that_never_ends_is_ended_by_the_writer() {
    let rig = Rig::new();
    let begun = Instant::now();
    rig.on_thread(|| {
        let span = info_span!("work", field = %Chatter, other = tracing::field::Empty);
        let _span = span.entered();
        _span.record("other", tracing::field::display(Chatter));
        warn!(field = %Chatter, "{Chatter}");
        error!(error = %Chatter, field = %Chatter, "text {Chatter}");
        error!(error = &Chatter as &dyn Error, "typed");
    });
    let events = rig.events();
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    let [text, typed] = &events[..] else { panic!("{events:?}") };
    let cut = |text: &str, limit: usize| text.ends_with('…') && (limit..limit + 4).contains(&text.len());
    assert!(cut(text.message.as_deref().unwrap(), limits::MESSAGE_BYTES));
    assert!(cut(text.fields["field"].as_str().unwrap(), limits::FIELD_BYTES));
    assert!(cut(&text.value, limits::ERROR_TEXT_BYTES));
    assert!(cut(&typed.value, limits::FIELD_BYTES));
    assert!(text.spans[0].cut && text.spans[0].fields["other"].as_str().unwrap().ends_with('…'));
    assert!(text.breadcrumbs[0].cut);
    assert_eq!(text.title.chars().count(), limits::TITLE_BYTES + 1);
}
