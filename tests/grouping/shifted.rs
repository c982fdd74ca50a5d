//! The same commit with shifted lines: the same issues.

use std::error::Error;

use tracing::{error, instrument};

use crate::errors::*;
use crate::rig::{issues, rig};

macro_rules! release {
    ($module:ident) => {
        mod $module {
            use super::*;

            #[instrument(err, target = "shop::stock")]
            fn reserve(order: u64, n: usize) -> Result<(), Store> {
                let _ = order;
                Err(either(n))
            }

            pub(super) fn fail() {
                for n in 0..2 {
                    let error = lost(n);
                    error!(target: "shop::pay", error = &error as &dyn Error, "cannot charge order {}", id(n));
                    error!(target: "shop::pay", ?error, host = host(n), "cannot refund");
                    error!(target: "shop::pay", "cannot reach {}: {error}", host(n));
                    error!(target: "shop::pay", "no stock for order {}", id(n));
                    log::error!(target: "shop::pay", "cannot print {}: {error}", path(n));
                    reserve(id(n), n).unwrap_err();
                }
            }
        }
    };
}

release!(before);

// A line that was not there before.
const _: () = ();

release!(after);

#[test]
fn shifted_lines_are_the_same_issues() {
    let logged = [before::fail, after::fail].map(|release| {
        let rig = rig();
        rig.run(release);
        rig.events()
    });
    let [before, after] = &logged;
    let moved = before.iter().zip(after).filter(|(before, after)| before.line != after.line).count();
    assert_eq!((before.len(), moved), (12, 12));
    assert_eq!(issues(before), issues(after));
    assert_eq!(issues(before).len(), 7, "{:#?}", issues(before));
}
