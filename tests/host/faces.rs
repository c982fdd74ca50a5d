//! What users rely on of the public types beyond their methods.

use std::error::Error;
use std::fmt::Debug;
use std::hash::Hash;

use crumbtrail::{
    Breadcrumb, BuildError, Builder, Cause, Console, CrumbLayer, EventId, FlushError, Frame, Guard, Handle,
    Lost, Memory, Request, Span, Stack, Stats, TrackedEvent, User,
};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Layer, SubscriberExt};

fn shared<T: Debug + Send + Sync + 'static>() {}
fn error<T: Error + Send + Sync + 'static>() {}
fn data<T: Clone + PartialEq>() {}
fn key<T: Copy + Ord + Hash>() {}

#[test]
fn public_types_cross_threads() {
    shared::<CrumbLayer<Registry>>();
    shared::<Guard>();
    shared::<Handle>();
    shared::<Memory>();
    shared::<Console>();
    shared::<Stats>();
    shared::<Stack>();
    shared::<TrackedEvent>();
    error::<BuildError>();
    error::<FlushError>();
    data::<TrackedEvent>();
    data::<Breadcrumb>();
    data::<Cause>();
    data::<Frame>();
    data::<Request>();
    data::<Span>();
    data::<User>();
    data::<Stats>();
    key::<EventId>();
    key::<Lost>();
    // It is built on one thread and may be finished on another.
    fn sent<T: Debug + Send + 'static>() {}
    sent::<Builder>();
    fn cloned<T: Clone>() {}
    cloned::<Handle>();
    cloned::<Memory>();
}

#[cfg(feature = "store")]
#[test]
fn what_looks_at_a_store_crosses_threads_too() {
    use crumbtrail::Store;
    use crumbtrail::view::{Colour, Condition, Export, Filter, Form, Mute, Sort, State, View, ViewError};

    fn sent<T: Debug + Send + 'static>() {}
    sent::<View>();
    shared::<Condition>();
    error::<ViewError>();
    shared::<Store>();
    data::<Store>();
    shared::<Filter>();
    data::<Filter>();
    data::<Mute>();
    fn plain<T: Debug + Copy + Eq + Send + Sync + 'static>() {}
    plain::<Colour>();
    plain::<Export>();
    plain::<Form>();
    plain::<Sort>();
    plain::<State>();
}

#[test]
fn the_layer_can_be_named_boxed_and_collected() {
    let build = || crumbtrail::builder().build::<Registry>().expect("the settings are legal");
    let (named, guard): (CrumbLayer<Registry>, Guard) = build();
    let boxed: Box<dyn Layer<Registry> + Send + Sync> = Box::new(build().0);
    let maybe: Option<CrumbLayer<Registry>> = Some(build().0);
    let many: Vec<CrumbLayer<Registry>> = vec![build().0, build().0];
    let _subscribers = (
        tracing_subscriber::registry().with(named),
        tracing_subscriber::registry().with(boxed),
        tracing_subscriber::registry().with(maybe),
        tracing_subscriber::registry().with(many),
    );
    assert!(format!("{guard:?}").contains("accepted: 0"));
}

#[test]
fn debug_shows_no_secret_and_no_flood() {
    let memory = Memory::new();
    let (layer, guard) = crumbtrail::builder()
        .user(User::new("42").email("ada@example.com"))
        .sink(memory.clone())
        .build::<Registry>()
        .expect("the settings are legal");
    for text in
        [format!("{layer:?}"), format!("{guard:?}"), format!("{:?}", guard.handle()), format!("{memory:?}")]
    {
        assert!(!text.contains("ada@example.com"), "{text}");
        assert!(text.len() < 1_000, "{text}");
    }
    let builder = crumbtrail::builder().user(User::new("42").email("ada@example.com"));
    assert!(!format!("{builder:?}").contains("ada@example.com"));
}
