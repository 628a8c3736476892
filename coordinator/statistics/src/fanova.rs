//! Which hyperparameters move the loss over the whole grid: for any sweep, balanced or not, by a forest.
//!
//! Functional analysis of variance of what regression trees predict, exact for each tree; Hutter, Hoos and Leyton-Brown,
//! "An Efficient Approach for Assessing Hyperparameter Importance", ICML 2014. Every configuration of the grid weighs
//! the same, whether it was tried or not. Each tree is grown on a sweep drawn from the trials with replacement.

use sweep_random::{Analysed, Stream};

use crate::coded::CodedTrials;
use crate::forest::{Region, Tree};
use crate::interval::Interval;
use crate::means::mean;
use crate::summary::{percentiles, standard_deviation};

/// Trees of the forest: the mean share is then known to a tenth of the trees' spread, and 2.5 % of them are two.
const TREES: usize = 100;
/// Trials that the forest is grown on: with ten hyperparameters this takes about three seconds, whatever the sweep's size. A larger
/// sweep is represented by as many of its trials, drawn without replacement.
const TRIALS_MAX: usize = 10_000;
/// Cells of one pair's table, in all trees: pairs with more levels are left to the interactions of higher order.
const CELLS_MAX: usize = 100_000;

/// The variance of what a forest of regression trees predicts over the whole grid, in parts.
#[derive(Clone, Debug, PartialEq)]
pub struct Fanova {
    /// Trees that found a difference.
    pub trees: u32,
    /// Trials that their sweeps are drawn from: all, or a part of very many.
    pub trials: u32,
    /// The share of the variance of trials that those trees predict which were not grown on them; below 0 where the mean
    /// of all trials predicts better, `None` where they are equal.
    pub explained_of_unseen: Option<f64>,
    /// Each axis in order, then each pair; with `higher_order_share` they add up to 1.
    pub shares: Vec<Share>,
    /// The share of interactions of more than two.
    pub higher_order_share: f64,
}

/// One part of that variance.
#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    /// The axes that interact; one for a main effect.
    pub axes: Vec<usize>,
    /// Its mean share over the trees.
    pub share: f64,
    /// Standard deviation of the share over the trees; `None` of one tree.
    pub standard_deviation: Option<f64>,
    /// The range of 95 % of the trees.
    pub of_most_trees: Option<Interval>,
}

/// The decomposition; `None` where no tree finds a difference.
pub fn fanova(trials: &CodedTrials) -> Option<Fanova> {
    let mut random = Stream::of_analysis(0);
    let shown = shown(trials.scores.len(), &mut random);
    let forest: Vec<Grown> = (0..TREES).map(|_| Grown::on(trials, &shown, &mut random)).collect();
    let parts = Parts::of(&trials.counts);
    let decomposed: Vec<Vec<f64>> = forest.iter().filter_map(|grown| parts.shares(&grown.tree)).collect();
    if decomposed.is_empty() {
        return None;
    }
    let share = |at: usize| {
        let shares: Vec<f64> = decomposed.iter().map(|shares| shares[at]).collect();
        Some(Share {
            axes: parts.subsets[at].clone(),
            share: mean(shares.iter().copied())?,
            standard_deviation: standard_deviation(&shares),
            of_most_trees: percentiles(shares),
        })
    };
    let shares: Vec<Share> = (0..parts.subsets.len()).map(share).collect::<Option<_>>()?;
    Some(Fanova {
        trees: decomposed.len() as u32,
        trials: shown.len() as u32,
        explained_of_unseen: explained_of_unseen(trials, &shown, &forest),
        higher_order_share: (1.0 - shares.iter().map(|one| one.share).sum::<f64>()).clamp(0.0, 1.0),
        shares,
    })
}

/// The trials that the forest sees: all, or as many as it may see.
fn shown(count: usize, random: &mut Stream<Analysed>) -> Vec<usize> {
    let mut shown: Vec<usize> = (0..count).collect();
    for at in 0..if count > TRIALS_MAX { TRIALS_MAX } else { 0 } {
        shown.swap(at, at + random.place(count - at));
    }
    shown.truncate(TRIALS_MAX);
    shown
}

/// A tree, and which of the shown trials it was grown on.
struct Grown {
    tree: Tree,
    is_drawn: Vec<bool>,
}

impl Grown {
    fn on(trials: &CodedTrials, shown: &[usize], random: &mut Stream<Analysed>) -> Self {
        let mut is_drawn = vec![false; shown.len()];
        let drawn: Vec<usize> = (0..shown.len())
            .map(|_| {
                let at = random.place(shown.len());
                is_drawn[at] = true;
                shown[at]
            })
            .collect();
        Self { tree: Tree::grown(trials, &drawn, random), is_drawn }
    }
}

/// The share of the variance of trials that the trees predict which were not grown on them; below 0 where the mean of
/// all trials would predict them better. `None` where all trials are equal.
fn explained_of_unseen(trials: &CodedTrials, shown: &[usize], forest: &[Grown]) -> Option<f64> {
    let centre = mean(shown.iter().map(|at| trials.scores[*at]))?;
    let (mut unexplained, mut total) = (0.0, 0.0);
    for (place, at) in shown.iter().enumerate() {
        let unseen = forest.iter().filter(|grown| !grown.is_drawn[place]);
        let Some(predicted) = mean(unseen.map(|grown| grown.tree.predicted(trials, *at))) else { continue };
        unexplained += (trials.scores[*at] - predicted).powi(2);
        total += (trials.scores[*at] - centre).powi(2);
    }
    (total > 0.0).then(|| 1.0 - unexplained / total).filter(|share| share.is_finite())
}

/// The parts of the variance that are told apart: each axis, then each pair of axes.
pub struct Parts {
    /// The axes of each part.
    pub subsets: Vec<Vec<usize>>,
}

impl Parts {
    /// Of axes with so many levels.
    pub fn of(counts: &[usize]) -> Self {
        let axes = counts.len();
        let pairs = (0..axes).flat_map(|first| (first + 1..axes).map(move |second| [first, second]));
        let pairs =
            pairs.filter(|[first, second]| counts[*first].saturating_mul(counts[*second]) <= CELLS_MAX);
        Self { subsets: (0..axes).map(|axis| vec![axis]).chain(pairs.map(Vec::from)).collect() }
    }

    /// Each part's share of the variance of a tree's predictions over the whole grid; `None` where there is none.
    pub fn shares(&self, tree: &Tree) -> Option<Vec<f64>> {
        let counts = tree.counts();
        let regions: Vec<Weighted> =
            tree.regions().into_iter().map(|region| Weighted::of(region, counts)).collect();
        let centre: f64 = regions.iter().map(|one| one.weight * one.region.value).sum();
        let total: f64 = regions.iter().map(|one| one.weight * (one.region.value - centre).powi(2)).sum();
        if regions.len() < 2 || total <= 0.0 || !total.is_finite() {
            return None;
        }
        let alone: Vec<Vec<f64>> =
            (0..counts.len()).map(|axis| effect(&regions, counts, axis, centre)).collect();
        let mean_square = |effects: &[f64]| mean(effects.iter().map(|one| one * one)).unwrap_or_default();
        let share = |subset: &Vec<usize>| match subset[..] {
            [axis] => mean_square(&alone[axis]),
            [first, second] => {
                let together = joint_effect(&regions, counts, [first, second], centre);
                let mut squares = 0.0;
                for (row, of_first) in together.chunks(counts[second]).zip(&alone[first]) {
                    for (cell, of_second) in row.iter().zip(&alone[second]) {
                        squares += (cell - of_first - of_second).powi(2);
                    }
                }
                squares / together.len() as f64
            }
            _ => 0.0,
        };
        Some(self.subsets.iter().map(|subset| (share(subset) / total).clamp(0.0, 1.0)).collect())
    }
}

/// A region and its share of the grid.
struct Weighted {
    region: Region,
    weight: f64,
}

impl Weighted {
    fn of(region: Region, counts: &[usize]) -> Self {
        let weight =
            region.sides.iter().zip(counts).map(|(side, count)| side.len() as f64 / *count as f64).product();
        Self { region, weight }
    }

    /// What it adds to the marginal mean at each of the levels of these axes that it holds.
    fn adds(&self, axes: &[usize], counts: &[usize], centre: f64) -> f64 {
        let held: f64 =
            axes.iter().map(|at| self.region.sides[*at].len() as f64 / counts[*at] as f64).product();
        (self.region.value - centre) * self.weight / held
    }
}

/// The marginal mean of each level of an axis, less the mean of all.
fn effect(regions: &[Weighted], counts: &[usize], axis: usize, centre: f64) -> Vec<f64> {
    let mut steps = vec![0.0; counts[axis] + 1];
    for one in regions {
        let (side, adds) = (&one.region.sides[axis], one.adds(&[axis], counts, centre));
        steps[side.start] += adds;
        steps[side.end] -= adds;
    }
    steps.pop();
    running_sum(&mut steps);
    steps
}

/// The marginal mean of each pair of levels of two axes, less the mean of all, row by row of the first.
fn joint_effect(regions: &[Weighted], counts: &[usize], axes: [usize; 2], centre: f64) -> Vec<f64> {
    let [rows, columns] = axes.map(|axis| counts[axis]);
    // Each region is written down at its corners; sums along both axes fill it.
    let mut steps = vec![0.0; (rows + 1) * (columns + 1)];
    for one in regions {
        let adds = one.adds(&axes, counts, centre);
        let [down, right] = axes.map(|axis| &one.region.sides[axis]);
        for (row, column, sign) in [
            (down.start, right.start, 1.0),
            (down.start, right.end, -1.0),
            (down.end, right.start, -1.0),
            (down.end, right.end, 1.0),
        ] {
            steps[row * (columns + 1) + column] += sign * adds;
        }
    }
    let mut above = vec![0.0; columns];
    let mut cells = Vec::with_capacity(rows * columns);
    for row in steps.chunks_mut(columns + 1).take(rows) {
        running_sum(row);
        for (above, here) in above.iter_mut().zip(row) {
            *above += *here;
            cells.push(*above);
        }
    }
    cells
}

fn running_sum(numbers: &mut [f64]) {
    let mut sum = 0.0;
    for number in numbers {
        sum += *number;
        *number = sum;
    }
}
