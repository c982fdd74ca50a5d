//! `sample_rate`.

use crumbtrail::Dropped;
use tracing::error;
use tracing_subscriber::Registry;

use crate::errors::payment;
use crate::rig::Rig;
use crate::support::{child, role};

fn told(rate: f64) -> (usize, u64) {
    let rig = Rig::with(|builder| builder.sample_rate(rate));
    rig.on_thread(|| (0..1_000).for_each(|_| error!(error = %payment(), "failed")));
    let told = rig.delivered().len();
    (told, rig.stats().dropped.get(&Dropped::Sampled).copied().unwrap_or_default())
}

#[test]
fn a_sample_is_told_and_everything_is_counted() {
    let (half, left_out) = told(0.5);
    assert_eq!(half as u64 + left_out, 1_000);
    // Beyond this lies one run in 10⁹.
    assert!((400..600).contains(&half), "{half}");
    assert_eq!((told(0.0), told(1.0)), ((0, 1_000), (1_000, 0)));
}

#[test]
fn a_rate_that_is_none_is_an_error_of_the_program() {
    for rate in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        let refused = crumbtrail::builder().sample_rate(rate).build::<Registry>().unwrap_err();
        assert!(refused.is_sample_rate() && !refused.is_queue(), "{rate}");
        assert_eq!(refused.to_string(), "the sample rate must be a number from 0 to 1");
    }
}

#[test]
fn the_environment_may_name_the_rate() {
    const NAME: &str = "sample::the_environment_may_name_the_rate";
    match role().as_deref() {
        None => {
            for rate in ["0", "half"] {
                let mut child = child(rate, NAME);
                child.command.env("CRUMBTRAIL_SAMPLE_RATE", rate);
                let ended = child.run().succeeded();
                let refused =
                    ended.stderr.contains("CRUMBTRAIL_SAMPLE_RATE is left out: \"half\" is no number");
                assert_eq!(refused, rate == "half", "{}", ended.stderr);
            }
        }
        Some(rate) => {
            let memory = crumbtrail::Memory::new();
            let (layer, _guard) = crumbtrail::from_env().sink(memory.clone()).build().unwrap();
            let subscriber =
                tracing_subscriber::layer::SubscriberExt::with(tracing_subscriber::registry(), layer);
            tracing::subscriber::with_default(subscriber, || error!(error = %payment(), "failed"));
            assert_eq!(memory.events().len(), usize::from(rate == "half"));
        }
    }
}
