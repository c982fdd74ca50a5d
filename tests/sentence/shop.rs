//! A shop that people sign up for through one provider or another, which fails for some.

use std::env;
use std::error::Error;

use tracing::{error, info_span};

use crate::rig::serve;
use crate::support::Child;

/// People who sign up through a provider, the first of whom fail.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Through {
    pub(crate) provider: &'static str,
    pub(crate) people: u64,
    pub(crate) failing: u64,
}

/// So many people through that provider, of whom so many fail.
pub(crate) fn through(provider: &'static str, people: u64, failing: u64) -> Through {
    Through { provider, people, failing }
}

/// Tells a program what comes.
pub(crate) fn told(mut program: Child, traffic: &[Through]) -> Child {
    let words: Vec<String> = traffic
        .iter()
        .map(|Through { provider, people, failing }| format!("{provider} {people} {failing}"))
        .collect();
    program.command.env(TRAFFIC, words.join(","));
    program
}

/// The program, with what it was told.
pub(crate) fn run() {
    let traffic = env::var(TRAFFIC).expect("a shop is told what comes");
    serve(|| {
        let mut person = 0;
        for through in traffic.split(',') {
            let words: Vec<&str> = through.split(' ').collect();
            let [provider, people, failing] = words[..] else { panic!("{through:?}") };
            let (people, failing): (u64, u64) = (people.parse().unwrap(), failing.parse().unwrap());
            for number in 0..people {
                person += 1;
                sign_up(person, provider, number < failing);
            }
        }
    });
}

/// A person signs up.
pub(crate) fn sign_up(person: u64, provider: &str, fails: bool) {
    let _entered = info_span!("sign_up", user.id = person, tags.provider = provider).entered();
    if fails {
        let error = "19?7".parse::<u16>().unwrap_err();
        error!(error = &error as &dyn Error, "sign-up failed");
    }
}

const TRAFFIC: &str = "TEST_TRAFFIC";
