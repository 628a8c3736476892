//! How often each configuration is the best when the replicates are drawn again, which takes the noise for neither
//! normal nor equal.
//!
//! The non-parametric bootstrap: whole replicates are drawn with replacement, so that the configurations keep the seeds
//! that they share; Efron and Tibshirani, *An Introduction to the Bootstrap* (1993), chapters 6 and 8.

use sweep_random::{Analysed, Stream};

use crate::means::rounding;

/// Replicates below which it says nothing: its spread is too narrow by the factor √(1 - 1/n), and few replicates
/// that happen to agree leave it none at all.
pub const REPLICATES_MIN: usize = 10;
/// Drawn sweeps.
const DRAWS: usize = 10_000;
/// Trials that are drawn in all: fewer sweeps where each has very many.
const DRAWN_MAX: usize = 400_000_000;

/// The share of drawn sweeps in which each configuration has the lowest mean, those that tie counting in equal
/// parts, of `scores[configuration][replicate]`. `None` below two configurations or ten replicates.
pub fn shares_of_best(scores: &[Vec<f64>]) -> Option<Vec<f64>> {
    let (configurations, replicates) = (scores.len(), scores.first()?.len());
    if configurations < 2 || replicates < REPLICATES_MIN {
        return None;
    }
    let by_replicate: Vec<Vec<f64>> =
        (0..replicates).map(|at| scores.iter().map(|row| row[at]).collect()).collect();
    let tie = rounding(scores.iter().flatten().copied());
    let draws = DRAWS.min(DRAWN_MAX / (configurations * replicates)).max(1);
    let mut random = Stream::of_analysis(0);
    let mut shares = vec![0.0; configurations];
    let mut means = vec![0.0; configurations];
    for _ in 0..draws {
        draw(&mut means, &by_replicate, &mut random);
        let lowest = means.iter().copied().fold(f64::INFINITY, f64::min);
        let is_best = |mean: f64| mean - lowest <= tie;
        let tied = means.iter().filter(|mean| is_best(**mean)).count() as f64;
        for (share, mean) in shares.iter_mut().zip(&means) {
            if is_best(*mean) {
                *share += 1.0 / (tied * draws as f64);
            }
        }
    }
    Some(shares)
}

/// The means of the configurations over one drawing of replicates.
fn draw(means: &mut [f64], by_replicate: &[Vec<f64>], random: &mut Stream<Analysed>) {
    let mut times = vec![0_u32; by_replicate.len()];
    for _ in 0..times.len() {
        times[random.place(by_replicate.len())] += 1;
    }
    means.fill(0.0);
    for (scores, times) in by_replicate.iter().zip(&times).filter(|(_, times)| **times > 0) {
        let weight = f64::from(*times) / by_replicate.len() as f64;
        for (mean, score) in means.iter_mut().zip(scores) {
            *mean = weight.mul_add(*score, *mean);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every way to draw `left` replicates from those from `at` on, with its probability.
    fn drawings(times: &mut Vec<u32>, left: u32, probability: f64, found: &mut Vec<(Vec<u32>, f64)>) {
        let (drawn, of) = (times.len() as u32, 10);
        if drawn == of {
            if left == 0 {
                found.push((times.clone(), probability));
            }
            return;
        }
        let mut choose = 1.0;
        for count in 0..=left {
            times.push(count);
            drawings(times, left - count, probability * choose / 10_f64.powi(count as i32), found);
            times.pop();
            choose *= f64::from(left - count) / f64::from(count + 1);
        }
    }

    #[test]
    fn shares_are_those_of_all_drawings() {
        // Noise that is neither normal nor equal: the second is mostly the lowest, and seldom far off.
        let scores = vec![
            vec![0.50, 0.51, 0.49, 0.52, 0.50, 0.48, 0.51, 0.50, 0.49, 0.50],
            vec![0.47, 0.47, 0.46, 0.48, 0.80, 0.47, 0.46, 0.47, 0.48, 0.47],
            vec![0.52, 0.44, 0.56, 0.43, 0.55, 0.45, 0.57, 0.46, 0.53, 0.48],
        ];
        let mut all = Vec::new();
        drawings(&mut Vec::new(), 10, 1.0, &mut all);
        assert_eq!(all.len(), 92_378);
        assert!((all.iter().map(|one| one.1).sum::<f64>() - 1.0).abs() < 1e-9);
        let mut expected = vec![0.0; 3];
        for (times, probability) in &all {
            let sum = |row: &Vec<f64>| -> f64 {
                row.iter().zip(times).map(|(score, times)| score * f64::from(*times)).sum()
            };
            let sums: Vec<f64> = scores.iter().map(sum).collect();
            let lowest = sums.iter().copied().fold(f64::INFINITY, f64::min);
            let best: Vec<usize> = (0..3).filter(|at| sums[*at] - lowest < 1e-9).collect();
            best.iter().for_each(|at| expected[*at] += probability / best.len() as f64);
        }
        let found = shares_of_best(&scores).unwrap();
        for (found, expected) in found.iter().zip(&expected) {
            // Four standard errors of ten thousand draws.
            assert!((found - expected).abs() < 0.02, "{found}, not {expected}");
            assert!(*expected > 0.02 && *expected < 0.98, "{expected} is no test");
        }
    }

    #[test]
    fn equals_share_and_few_replicates_say_nothing() {
        let alike = vec![vec![0.5; 10]; 4];
        for share in shares_of_best(&alike).unwrap() {
            assert!((share - 0.25).abs() < 1e-9, "{share}");
        }
        assert_eq!(shares_of_best(&[vec![0.5; 9], vec![0.4; 9]]), None);
        assert_eq!(shares_of_best(&[vec![0.5; 10]]), None);
    }
}
