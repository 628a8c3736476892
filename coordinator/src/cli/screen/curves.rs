//! The validation losses of running trials over the epochs seen so far, and their drawing in one line.

use std::collections::{BTreeMap, VecDeque};

use coordinator::json::Running;

/// Most epochs kept of a trial: no column is wider.
const POINTS_MAX: usize = 64;
/// A loss's height above the lowest one shown, in eighths of a line.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A curve for each trial that runs.
#[derive(Clone, Debug, Default)]
pub(super) struct Curves {
    of: BTreeMap<String, Curve>,
}

/// Losses by their epoch, oldest first.
#[derive(Clone, Debug, Default)]
struct Curve {
    points: VecDeque<(u32, f64)>,
}

impl Curves {
    /// Takes the newest epoch of each running trial, and forgets the trials that run no more.
    pub(super) fn update(&mut self, running: &[Running]) {
        let mut before = std::mem::take(&mut self.of);
        for trial in running.iter().filter(|trial| !trial.evaluating) {
            let mut curve = before.remove(&trial.trial).unwrap_or_default();
            if let Some(loss) = trial.validation_loss {
                curve.add(trial.epoch, loss);
            }
            self.of.insert(trial.trial.clone(), curve);
        }
    }

    /// The lowest loss seen of a trial.
    pub(super) fn lowest(&self, trial: &str) -> Option<f64> {
        let points = self.of.get(trial)?.points.iter();
        points.map(|(_, loss)| *loss).min_by(f64::total_cmp)
    }

    /// The newest losses of a trial as bars, at most so many; empty where none was seen.
    pub(super) fn line(&self, trial: &str, width: usize) -> String {
        self.of.get(trial).map(|curve| curve.line(width)).unwrap_or_default()
    }
}

impl Curve {
    fn add(&mut self, epoch: u32, loss: f64) {
        // A trial whose coordinator came back from a backup repeats epochs.
        self.points.retain(|(earlier, _)| *earlier < epoch);
        self.points.push_back((epoch, loss));
        if self.points.len() > POINTS_MAX {
            self.points.pop_front();
        }
    }

    fn line(&self, width: usize) -> String {
        let shown = self.points.iter().skip(self.points.len().saturating_sub(width));
        let losses: Vec<f64> = shown.map(|(_, loss)| *loss).collect();
        let lowest = losses.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = losses.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        losses.iter().map(|loss| bar((loss - lowest) / (highest - lowest))).collect()
    }
}

/// The bar of a height in `0..=1`; in the middle where all losses are one.
fn bar(height: f64) -> char {
    let height = if height.is_finite() { height } else { 0.5 };
    let at = (height * (BARS.len() - 1) as f64).round() as usize;
    BARS[at.min(BARS.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::screen::examples::running;

    fn seen(losses: &[(u32, f64)]) -> Curves {
        let mut curves = Curves::default();
        for (epoch, loss) in losses {
            curves.update(&[running(0, *epoch, Some(*loss))]);
        }
        curves
    }

    #[test]
    fn the_lowest_loss_is_the_lowest_bar() {
        let curves = seen(&[(1, 0.9), (2, 0.7), (3, 0.5), (4, 0.2), (5, 0.4)]);
        assert_eq!(curves.line("3/0", 10), "█▆▄▁▃");
        assert_eq!(curves.line("3/0", 2), "▁█");
        assert_eq!(curves.line("3/1", 10), "");
        assert_eq!((curves.lowest("3/0"), curves.lowest("3/1")), (Some(0.2), None));
    }

    #[test]
    fn a_repeated_epoch_takes_the_place_of_the_later_ones() {
        let curves = seen(&[(1, 0.9), (2, 0.7), (2, 0.5), (1, 0.6)]);
        assert_eq!(curves.line("3/0", 10), "▅");
    }

    #[test]
    fn curves_are_bounded_and_those_of_ended_trials_go() {
        let epochs = POINTS_MAX as u32 + 9;
        let losses: Vec<_> = (1..=epochs).map(|epoch| (epoch, f64::from(epoch))).collect();
        let mut curves = seen(&losses);
        assert_eq!(curves.line("3/0", usize::MAX).chars().count(), POINTS_MAX);
        curves.update(&[]);
        assert_eq!(curves.line("3/0", 9), "");
    }

    #[test]
    fn losses_beyond_all_bounds_are_drawn_too() {
        assert_eq!(seen(&[(1, f64::MAX), (2, f64::MIN)]).line("3/0", 9).chars().count(), 2);
    }
}
