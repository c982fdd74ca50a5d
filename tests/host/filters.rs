//! A filter over the whole subscriber that hides the WARNs is named on stderr, once, with what to do about it.

use std::time::Duration;

use crumbtrail::Memory;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::prelude::*;

use crate::prelude::lose_one;
use crate::support::{child, role};

fn run(global: bool) {
    let memory = Memory::new();
    let (layer, guard) = crumbtrail::builder().sink(memory.clone()).build().expect("the settings are legal");
    let filter = EnvFilter::new("error");
    if global {
        let fmt = tracing_subscriber::fmt::layer().with_writer(std::io::sink);
        tracing_subscriber::registry().with(layer).with(filter).with(fmt).init();
    } else {
        let fmt = tracing_subscriber::fmt::layer().with_writer(std::io::sink).with_filter(filter);
        tracing_subscriber::registry().with(layer).with(fmt).init();
    }
    tracing::warn!("step");
    lose_one();
    lose_one();
    assert_eq!(memory.events().len(), 2);
    assert_eq!(guard.flush(Duration::MAX), Ok(()));
}

#[test]
fn a_filter_over_everything_that_hides_the_warnings_is_named_once() {
    if role().is_none() {
        let ended = child("alone", "filters::a_filter_over_everything_that_hides_the_warnings_is_named_once");
        let ended = ended.run().succeeded();
        assert_eq!(ended.stderr.matches("hides the WARN records of").count(), 1, "{}", ended.stderr);
        assert!(ended.stderr.contains("fmt::layer().with_filter(filter)"), "{}", ended.stderr);
        return;
    }
    run(true);
}

#[test]
fn a_filter_on_another_layer_is_none_of_our_business() {
    if role().is_none() {
        let ended = child("alone", "filters::a_filter_on_another_layer_is_none_of_our_business");
        assert_eq!(ended.run().succeeded().stderr, "");
        return;
    }
    run(false);
}
