//! How good a configuration is by what has ended of it, so that configurations can be ranked.

use std::cmp::{Ordering, Reverse};

use sweep_proto::state::TrialState;

use crate::history::Ended;

/// The place of a configuration in the ranking, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// The mean score of its replicates that have completed.
    Completed(Score),
    /// None has completed and some were pruned: whoever trained longest was ahead of the others for longest, then the mean of
    /// the scores that these had.
    Pruned(Reverse<u32>, Score),
    /// It has diverged.
    Diverged,
}

/// A score, ordered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Score(f64);

impl Ord for Score {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Score {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Score {}

impl Standing {
    /// By its replicates that have ended, in their order; `None` where these say nothing: they failed or were cancelled.
    pub(super) fn of(ends: &[(u32, Ended)]) -> Option<Self> {
        let ends = ends.iter().map(|(_, end)| end);
        let scores = |state, epochs: u32| {
            let counted = ends.clone().filter(move |end| end.state == state && end.epochs >= epochs);
            mean(counted.filter_map(|end| end.score))
        };
        if let Some(score) = scores(TrialState::Completed, 0) {
            return Some(Self::Completed(score));
        }
        let pruned = ends.clone().filter(|end| end.state == TrialState::Pruned && end.score.is_some());
        let longest = pruned.map(|end| end.epochs).max();
        if let Some((epochs, score)) =
            longest.and_then(|epochs| Some((epochs, scores(TrialState::Pruned, epochs)?)))
        {
            return Some(Self::Pruned(Reverse(epochs), score));
        }
        let has_diverged = ends.clone().any(|end| end.state == TrialState::Diverged);
        has_diverged.then_some(Self::Diverged)
    }
}

fn mean(scores: impl Iterator<Item = f64>) -> Option<Score> {
    let (count, sum) = scores.fold((0_u32, 0.0), |(count, sum), score| (count + 1, sum + score));
    (count > 0).then(|| Score(sum / f64::from(count)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(state: TrialState, score: Option<f64>, epochs: u32) -> (u32, Ended) {
        (0, Ended { number: 1, state, score, epochs })
    }

    #[test]
    fn completed_ones_come_first_then_whoever_trained_longest_and_diverged_ones_last() {
        use TrialState::{Completed, Diverged, Pruned};
        let ranked = [
            vec![end(Completed, Some(0.2), 9), end(Completed, Some(0.4), 3)],
            vec![end(Pruned, Some(0.1), 3), end(Completed, Some(0.5), 9), end(Diverged, None, 1)],
            vec![end(Completed, Some(f64::INFINITY), 9)],
            vec![end(Pruned, Some(0.6), 5), end(Pruned, Some(0.1), 2)],
            vec![end(Pruned, Some(0.7), 5), end(Pruned, Some(0.7), 5)],
            vec![end(Pruned, Some(0.3), 4)],
            vec![end(Diverged, None, 7)],
        ];
        let standings: Vec<_> = ranked.iter().map(|ends| Standing::of(ends).expect("a standing")).collect();
        assert!(
            standings.is_sorted() && standings.windows(2).all(|pair| pair[0] != pair[1]),
            "{standings:?}"
        );
    }

    #[test]
    fn what_failed_or_was_cancelled_says_nothing() {
        assert_eq!(Standing::of(&[]), None);
        let ends = [end(TrialState::Failed, None, 0), end(TrialState::Cancelled, None, 2)];
        assert_eq!(Standing::of(&ends), None);
    }
}
