//! The last words of a run: how many requests failed, and that the ledger knows of every event.

use crumbtrail::Stats;

/// Prints both.
#[expect(clippy::print_stdout, reason = "it is what the example is run for")]
pub(crate) fn print(requests: u64, failed: usize, stats: &Stats) {
    println!(
        "{requests} requests, {failed} failed: {} accepted = {} delivered + {} folded + {} tallied + {} lost + {} pending",
        stats.accepted,
        stats.delivered,
        stats.folded,
        stats.tallied,
        stats.lost_total(),
        stats.pending,
    );
}
