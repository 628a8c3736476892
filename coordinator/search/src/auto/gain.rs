//! The knowledge gradient: which further trial lowers the best believed score most, on average over what it may show.

use crate::auto::belief::Updated;
use crate::normal;

/// Values that a trial may show, each as probable as the others.
const NODES: usize = 15;

/// Lanes that are compared at one time.
const LANES: usize = 8;

/// What a search may hand out: a configuration, and the replicate of it that would be trained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Open {
    pub(crate) configuration: usize,
    pub(crate) replicate: u32,
    /// Of a trial that goes on: the variance with which its score is foretold.
    pub(crate) doubt: Option<f64>,
}

impl Open {
    /// The noise with which its score would tell of its configuration, beyond what is known, where the seed noise is `noise`.
    ///
    /// What a trial shows that goes on is no second draw: it tells as much more as its score is known better. With the noise `s` and
    /// the doubt `v` the belief knows of it with the precision `1 / (s + v)`, and will with `1 / s`; the difference is `v / (s (s + v))`.
    fn noise(&self, noise: f64) -> f64 {
        self.doubt.map_or(noise, |doubt| noise + noise * noise / doubt)
    }
}

/// Finds the trial of the highest knowledge gradient.
#[derive(Clone, Debug)]
pub(crate) struct Gain {
    /// Nodes above the middle; the others are their negatives, and the middle one.
    nodes: Vec<f64>,
}

impl Gain {
    pub(crate) fn new() -> Self {
        let chance = |node: usize| (node as f64 + 0.5) / NODES as f64;
        Self { nodes: (NODES / 2 + 1..NODES).map(|node| normal::quantile(chance(node))).collect() }
    }

    /// The open trial of the highest gain, and that gain; the first of equal ones. Means are those of `means`, which may know less than
    /// the belief does: trials that run will show something, and nobody knows what.
    pub(crate) fn best(&self, belief: &Updated<'_>, means: &[f64], open: &[Open]) -> Option<(Open, f64)> {
        let lowest = means.iter().copied().fold(f64::INFINITY, f64::min);
        let farthest = self.nodes.last().copied().unwrap_or(0.0);
        let deviations: Vec<f64> = belief.variances().iter().map(|one| one.max(0.0).sqrt()).collect();
        // Whatever a trial shows, something is at most as high as this; who is always higher decides nothing.
        let bounds = means.iter().zip(&deviations).map(|(mean, deviation)| mean + farthest * deviation);
        let bound = bounds.fold(f64::INFINITY, f64::min);
        let kept: Vec<usize> =
            (0..means.len()).filter(|at| means[*at] - farthest * deviations[*at] <= bound).collect();
        let padded = kept.len().next_multiple_of(LANES);
        let mut heights: Vec<f64> = kept.iter().map(|at| means[*at]).collect();
        heights.resize(padded, f64::INFINITY);
        let mut slopes = vec![0.0; padded];
        let kept = belief.kept(&kept);
        let mut best: Option<(Open, f64)> = None;
        for trial in open {
            let key = (trial.configuration, trial.replicate);
            let noise = trial.noise(belief.noise(trial.configuration));
            let variance = belief.of_trial(key, &kept, &mut slopes) + noise;
            let scale = 1.0 / variance.sqrt();
            slopes.iter_mut().for_each(|slope| *slope *= scale);
            let mut sum = lowest;
            for node in &self.nodes {
                let [above, below] = lowest_ends(&heights, &slopes, *node);
                sum += above + below;
            }
            let gain = lowest - sum / NODES as f64;
            if best.is_none_or(|(_, other)| gain > other) {
                best = Some((*trial, gain));
            }
        }
        best
    }
}

/// The lowest of `height + slope × node` and the lowest of `height − slope × node`.
fn lowest_ends(heights: &[f64], slopes: &[f64], node: f64) -> [f64; 2] {
    let mut above = [f64::INFINITY; LANES];
    let mut below = [f64::INFINITY; LANES];
    for (heights, slopes) in heights.chunks_exact(LANES).zip(slopes.chunks_exact(LANES)) {
        for lane in 0..LANES {
            let change = slopes[lane] * node;
            let (up, down) = (heights[lane] + change, heights[lane] - change);
            above[lane] = if up < above[lane] { up } else { above[lane] };
            below[lane] = if down < below[lane] { down } else { below[lane] };
        }
    }
    [above, below].map(|lanes| lanes.into_iter().fold(f64::INFINITY, f64::min))
}
