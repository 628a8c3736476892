//! A regression tree over levels of hyperparameters, grown until it resolves every configuration it was shown.
//!
//! Breiman, Friedman, Olshen and Stone, *Classification and Regression Trees* (1984), chapter 8: each split is the one
//! that lowers the sum of squares most. A forest of them on drawn trials is Breiman's bagging, *Machine Learning* 24 (1996).

use std::ops::Range;

use sweep_random::{Analysed, Stream};

use crate::coded::CodedTrials;
use crate::means::{mean, rounding};

/// A grown tree.
#[derive(Clone, Debug)]
pub struct Tree {
    nodes: Vec<Node>,
    /// Levels of each axis.
    counts: Vec<usize>,
}

#[derive(Clone, Copy, Debug)]
enum Node {
    /// Levels below `from` go left, the others right.
    Split {
        axis: usize,
        from: usize,
        left: usize,
        right: usize,
    },
    Leaf(f64),
}

/// A part of the space of levels in which the tree says the same everywhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    /// The levels of each axis that it holds.
    pub sides: Vec<Range<usize>>,
    /// What the tree says there.
    pub value: f64,
}

impl Tree {
    /// Grows a tree on some trials, of which one may be named several times. `random` decides between equal splits.
    pub fn grown(trials: &CodedTrials, chosen: &[usize], random: &mut Stream<Analysed>) -> Self {
        let floor = rounding(chosen.iter().map(|at| trials.scores[*at]));
        let mut tree = Self { nodes: vec![Node::Leaf(0.0)], counts: trials.counts.clone() };
        let mut open = vec![(0, chosen.to_vec())];
        while let Some((node, rows)) = open.pop() {
            let value = mean(rows.iter().map(|at| trials.scores[*at])).unwrap_or_default();
            let is_flat = rows.iter().all(|at| (trials.scores[*at] - value).abs() <= floor);
            let split = if is_flat { None } else { best_split(trials, &rows, value, random) };
            tree.nodes[node] = match split {
                None => Node::Leaf(value),
                Some(Split { axis, from, .. }) => {
                    let (below, above) = rows.into_iter().partition(|at| trials.levels[axis][*at] < from);
                    let left = tree.nodes.len();
                    tree.nodes.extend([Node::Leaf(value); 2]);
                    open.extend([(left, below), (left + 1, above)]);
                    Node::Split { axis, from, left, right: left + 1 }
                }
            };
        }
        tree
    }

    /// What it says of a trial.
    pub fn predicted(&self, trials: &CodedTrials, trial: usize) -> f64 {
        let mut at = 0;
        loop {
            match self.nodes[at] {
                Node::Leaf(value) => return value,
                Node::Split { axis, from, left, right } => {
                    at = if trials.levels[axis][trial] < from { left } else { right };
                }
            }
        }
    }

    /// Levels of each axis.
    pub fn counts(&self) -> &[usize] {
        &self.counts
    }

    /// Its regions: together the whole space of levels, none overlapping another.
    pub fn regions(&self) -> Vec<Region> {
        let mut regions = Vec::new();
        let mut open = vec![(0, self.counts.iter().map(|count| 0..*count).collect::<Vec<_>>())];
        while let Some((node, sides)) = open.pop() {
            match self.nodes[node] {
                Node::Leaf(value) => regions.push(Region { sides, value }),
                Node::Split { axis, from, left, right } => {
                    let (mut below, mut above) = (sides.clone(), sides);
                    below[axis].end = from;
                    above[axis].start = from;
                    open.extend([(left, below), (right, above)]);
                }
            }
        }
        regions
    }
}

/// Where a node is divided, and by how much that lowers its sum of squares.
#[derive(Clone, Copy, Debug)]
struct Split {
    axis: usize,
    from: usize,
    gain: f64,
}

/// The split with the largest gain, which may be 0; `None` where all rows are of one configuration.
fn best_split(
    trials: &CodedTrials,
    rows: &[usize],
    centre: f64,
    random: &mut Stream<Analysed>,
) -> Option<Split> {
    let axes = trials.levels.len();
    // Among equal splits the first counts: each axis may be first.
    let first = random.place(axes);
    let mut best: Option<Split> = None;
    for axis in (0..axes).map(|at| (first + at) % axes) {
        if let Some(split) = best_split_along(trials, rows, centre, axis)
            && best.is_none_or(|best| split.gain > best.gain)
        {
            best = Some(split);
        }
    }
    best
}

/// The best split along one axis. Between two levels that occur it lies in the middle of those that do not.
fn best_split_along(trials: &CodedTrials, rows: &[usize], centre: f64, axis: usize) -> Option<Split> {
    let levels = &trials.levels[axis];
    let lowest = rows.iter().map(|at| levels[*at]).min()?;
    let highest = rows.iter().map(|at| levels[*at]).max()?;
    let mut of_level = vec![(0.0, 0.0); highest - lowest + 1];
    for at in rows {
        let (count, sum) = &mut of_level[levels[*at] - lowest];
        *count += 1.0;
        *sum += trials.scores[*at] - centre;
    }
    let (mut best, mut last): (Option<Split>, usize) = (None, lowest);
    let (mut count, mut sum) = (of_level[0].0, of_level[0].1);
    for (at, (here, sum_here)) in of_level.iter().enumerate().skip(1).filter(|(_, (here, _))| *here > 0.0) {
        // Around the centre the sums of both sides are opposite: each adds its square over its count.
        let gain = sum * sum * (1.0 / count + 1.0 / (rows.len() as f64 - count));
        let level = lowest + at;
        if best.is_none_or(|best| gain > best.gain) {
            best = Some(Split { axis, from: usize::midpoint(last, level) + 1, gain });
        }
        (count, sum, last) = (count + here, sum + sum_here, level);
    }
    best
}
