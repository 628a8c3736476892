//! Long hunts in shares: a test takes one of the whole, another one every day, and `tests/hunt` takes all.
//!
//! `HUNT_ROUND=n` repeats the share of a round. Without it the round is the number of days since 1970.

use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};

const DAY: Duration = Duration::from_hours(24);

/// The share of `whole` things that this round takes, `share` of them; all where `HUNT=whole`. Says which.
///
/// # Errors
/// Where `HUNT_ROUND` is not a whole number.
pub fn share(what: &str, whole: u64, share: u64) -> Result<Range<u64>> {
    let range = match round()? {
        None => 0..whole,
        Some(round) => of_round(round, whole, share),
    };
    println!("{what}: {} to {} of {whole}", range.start + 1, range.end);
    Ok(range)
}

/// Which round this is; `None` where the whole is asked for.
fn round() -> Result<Option<u64>> {
    if std::env::var("HUNT").is_ok_and(|hunt| hunt == "whole") {
        return Ok(None);
    }
    if let Ok(text) = std::env::var("HUNT_ROUND") {
        return Ok(Some(text.parse().with_context(|| format!("HUNT_ROUND is a whole number, not {text}"))?));
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let round = now.as_secs() / DAY.as_secs();
    println!("HUNT_ROUND={round}");
    Ok(Some(round))
}

/// Rounds go through the whole, one share after the other; the last share of a pass may be smaller.
fn of_round(round: u64, whole: u64, share: u64) -> Range<u64> {
    let share = share.clamp(1, whole.max(1));
    let start = round % whole.div_ceil(share) * share;
    start..whole.min(start + share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rounds_of_a_pass_take_everything_once() {
        for (whole, share) in [(200, 50), (200, 33), (7, 7), (7, 20), (1, 1)] {
            let rounds = u64::div_ceil(whole, share);
            let taken: Vec<u64> = (0..rounds).flat_map(|round| of_round(round, whole, share)).collect();
            assert_eq!(taken, (0..whole).collect::<Vec<_>>(), "{whole} in shares of {share}");
            assert_eq!(of_round(rounds, whole, share), of_round(0, whole, share));
        }
    }
}
