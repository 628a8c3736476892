//! A test without a distribution: levels are exchanged within each replicate.
//!
//! Under the hypothesis that a hyperparameter has no effect, a replicate's level means could as well stand in any
//! other order, also where the hyperparameter works differently under each seed: whole level means are exchanged, with all
//! the seed noise that a level's trials share. Single trials are not: they do not change places under that noise.
//! It is not tested whether such noise is alike at every level. Edgington and Onghena, *Randomization Tests*, chapter 5 (randomised blocks); for two levels this is
//! the sign-flip test of paired differences.

use sweep_random::Stream;

/// Arrangements that are all tried; of more, so many are drawn.
const ARRANGEMENTS_MAX: u64 = 10_000;
/// Levels that are exchanged: the time of the draws grows with them.
const LEVELS_MAX: usize = 256;
/// Relative distance at which two sums count as equal: they are sums of the same numbers in another order.
const TIE: f64 = 1e-9;

/// The outcome of the test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Permuted {
    /// The share of arrangements whose levels differ at least as much.
    pub p: f64,
    /// The lowest share that so few levels and replicates, or so few draws, can give.
    pub p_min: f64,
}

/// Of `levels[replicate][level]`; `None` below two replicates or two levels, and of very many levels.
pub fn permutation_test(levels: &[Vec<f64>]) -> Option<Permuted> {
    let count = levels.first()?.len();
    if levels.len() < 2 || !(2..=LEVELS_MAX).contains(&count) {
        return None;
    }
    // One replicate may stay as it is: to exchange the levels alike in all of them changes nothing.
    let arrangements = (2..=count as u64)
        .try_fold(1_u64, u64::checked_mul)
        .and_then(|of_one| of_one.checked_pow(u32::try_from(levels.len() - 1).ok()?))
        .filter(|arrangements| *arrangements <= ARRANGEMENTS_MAX);
    let observed = spread(levels.iter().map(Vec::as_slice), count);
    let is_as_large = |spread: f64| spread >= observed - TIE * observed.abs();
    Some(if let Some(arrangements) = arrangements {
        let larger = all(levels, count).filter(|one| is_as_large(*one)).count();
        Permuted { p: larger as f64 / arrangements as f64, p_min: 1.0 / arrangements as f64 }
    } else {
        let larger = drawn(levels, count).filter(|one| is_as_large(*one)).count() as f64;
        let draws = ARRANGEMENTS_MAX as f64;
        Permuted { p: (larger + 1.0) / (draws + 1.0), p_min: 1.0 / (draws + 1.0) }
    })
}

/// The sum over levels of the squared sum over replicates: it grows as the level means differ, their mean being the same.
fn spread<'a>(rows: impl Iterator<Item = &'a [f64]>, count: usize) -> f64 {
    let mut sums = vec![0.0; count];
    let mut total = 0.0;
    for row in rows {
        for (sum, number) in sums.iter_mut().zip(row) {
            *sum += number;
            total += number;
        }
    }
    let centre = total / count as f64;
    sums.iter().map(|sum| (sum - centre).powi(2)).sum()
}

/// The spread of every arrangement: the first replicate stays, the others go through all their orders.
fn all(levels: &[Vec<f64>], count: usize) -> impl Iterator<Item = f64> + '_ {
    let orders: Vec<Vec<Vec<f64>>> = levels[1..].iter().map(|row| orders(row)).collect();
    let mut odometer = Some(vec![0; orders.len()]);
    std::iter::from_fn(move || {
        let at = odometer.clone()?;
        let others = at.iter().zip(&orders).map(|(at, orders)| orders[*at].as_slice());
        let spread = spread(std::iter::once(levels[0].as_slice()).chain(others), count);
        odometer = next(at, &orders);
        Some(spread)
    })
}

fn next(mut at: Vec<usize>, orders: &[Vec<Vec<f64>>]) -> Option<Vec<usize>> {
    for (digit, orders) in at.iter_mut().zip(orders) {
        *digit += 1;
        if *digit < orders.len() {
            return Some(at);
        }
        *digit = 0;
    }
    None
}

/// Every order of a few numbers.
fn orders(numbers: &[f64]) -> Vec<Vec<f64>> {
    if numbers.len() < 2 {
        return vec![numbers.to_vec()];
    }
    let mut all = Vec::new();
    for at in 0..numbers.len() {
        let mut others = numbers.to_vec();
        let first = others.remove(at);
        all.extend(orders(&others).into_iter().map(|rest| std::iter::once(first).chain(rest).collect()));
    }
    all
}

/// The spreads of [`ARRANGEMENTS_MAX`] drawn arrangements: the same ones for the same table.
fn drawn(levels: &[Vec<f64>], count: usize) -> impl Iterator<Item = f64> {
    let mut random = Stream::of_analysis(0);
    let mut rows = levels.to_vec();
    (0..ARRANGEMENTS_MAX).map(move |_| {
        for row in &mut rows {
            random.shuffle(&mut row[..count]);
        }
        spread(rows.iter().map(Vec::as_slice), count)
    })
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "shares of a few arrangements are exact")]
mod tests {
    use super::*;

    #[test]
    fn two_levels_flip_signs() {
        // Differences 1, 2, 3: of the 8 ways to sign them two are as far from nought.
        let test = permutation_test(&[vec![0.0, 1.0], vec![0.0, 2.0], vec![0.0, 3.0]]).expect("a test");
        assert_eq!(test, Permuted { p: 0.25, p_min: 0.25 });
    }

    #[test]
    fn many_arrangements_are_drawn() {
        let rows: Vec<Vec<f64>> = (0..5).map(|at| vec![0.0, 1.0, 2.0, 3.0 + f64::from(at)]).collect();
        let test = permutation_test(&rows).expect("a test");
        assert!(test.p < 1e-3 && test.p_min < test.p + 1e-12, "{test:?}");
    }

    #[test]
    fn nothing_is_tested_without_replicates() {
        assert_eq!(permutation_test(&[vec![0.0, 1.0]]), None);
        assert_eq!(permutation_test(&[vec![0.0], vec![1.0]]), None);
    }
}
