//! Where tests reach into the ring. Other builds have none of it: every method is empty and every type has no size.
//!
//! Models put a [`Mutation`] in force, a way in which the algorithm could be wrong. Tests on real threads count what the
//! writers and readers met, and stop a writer between its entry and its first word.

/// Ways in which the algorithm could be wrong. Each must make a model fail, or is listed there as harmless.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::trail) enum Mutation {
    EnterRelaxed,
    EnterWithoutRelease,
    EnterByStore,
    WaitForBusy,
    PutBackRelaxed,
    NoPutBack,
    NoReleaseFence,
    CompleteRelaxed,
    FirstLoadRelaxed,
    NoAcquireFence,
    ContinuationUnchecked,
    PartsAlike,
    FinishFirst,
    TagOutside,
    NoRetry,
    ScanEndsAtHole,
    HeadNotReadAgain,
    NoScanFence,
}

/// The mutation in force, if any.
#[derive(Debug, Clone, Copy)]
pub(in crate::trail) struct Mutations(#[cfg(crumbtrail_loom)] Option<Mutation>);

impl Mutations {
    #[cfg(not(crumbtrail_loom))]
    pub(super) const NONE: Self = Self();
    #[cfg(crumbtrail_loom)]
    pub(super) const NONE: Self = Self(None);

    #[cfg(all(test, crumbtrail_loom))]
    pub(super) const fn one(mutation: Mutation) -> Self {
        Self(Some(mutation))
    }

    #[cfg(not(crumbtrail_loom))]
    #[inline(always)]
    pub(in crate::trail) const fn on(self, _mutation: Mutation) -> bool {
        false
    }

    #[cfg(crumbtrail_loom)]
    pub(in crate::trail) const fn on(self, mutation: Mutation) -> bool {
        matches!(self.0, Some(in_force) if in_force as u8 == mutation as u8)
    }
}

pub(super) use seam::Probe;

#[cfg(all(test, not(crumbtrail_loom)))]
mod seam {
    use std::fmt;
    use std::sync::atomic::{AtomicU64, Ordering};

    use crate::trail::cell::BUSY;

    type Hook = Box<dyn Fn(u64) + Send + Sync>;

    #[derive(Default)]
    pub(in crate::trail::ring) struct Probe {
        /// Runs while a writer is inside all its cells and has written nothing.
        pub(in crate::trail::ring) stop: Option<Hook>,
        /// Attempts to enter that found another writer inside.
        pub(in crate::trail::ring) busy: AtomicU64,
        /// Attempts to enter that found a later record.
        pub(in crate::trail::ring) lapped: AtomicU64,
        /// Copies that were given up since the record was overwritten under them.
        pub(in crate::trail::ring) overwritten: AtomicU64,
    }

    impl Probe {
        pub(in crate::trail::ring) fn inside(&self, position: u64) {
            if let Some(stop) = &self.stop {
                stop(position);
            }
        }

        pub(in crate::trail::ring) fn met(&self, sequence: u64) {
            let met = if sequence & BUSY == 0 { &self.lapped } else { &self.busy };
            met.fetch_add(1, Ordering::Relaxed);
        }

        pub(in crate::trail::ring) fn met_overwritten(&self) {
            self.overwritten.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl fmt::Debug for Probe {
        fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            out.debug_struct("Probe").finish_non_exhaustive()
        }
    }
}

#[cfg(not(all(test, not(crumbtrail_loom))))]
mod seam {
    #[derive(Debug, Default)]
    pub(in crate::trail::ring) struct Probe(());

    impl Probe {
        #[inline(always)]
        pub(in crate::trail::ring) const fn inside(&self, _position: u64) {}

        #[inline(always)]
        pub(in crate::trail::ring) const fn met(&self, _sequence: u64) {}

        #[inline(always)]
        pub(in crate::trail::ring) const fn met_overwritten(&self) {}
    }
}
