//! Means of configurations and seed noise where replicates are paired: replicate *k* has the same seed everywhere, and what it adds to all
//! configurations alike tells nothing about which of them is better.

/// Rounds after which effects count as found; whole tables need one.
const ROUNDS_MAX: usize = 1_000;

/// Changes of effects that do not count any more.
const CLOSE: f64 = 1e-12;

/// Values of configurations as sums of an effect of the configuration, one of the replicate, and noise; by least squares.
#[derive(Clone, Debug, PartialEq)]
pub struct Paired {
    /// The mean of each configuration as if all its replicates were there; `None` where none is.
    pub means: Vec<Option<f64>>,
    /// Standard deviation of the noise; `None` where nothing is left to tell it from.
    pub deviation: Option<f64>,
    /// How many independent differences it was found from.
    pub degrees_of_freedom: usize,
}

impl Paired {
    /// Of `rows[configuration][replicate]`, some of which may be missing.
    pub fn of(rows: &[Vec<Option<f64>>]) -> Self {
        let replicates = rows.iter().map(Vec::len).max().unwrap_or(0);
        let mut of_replicates = vec![0.0; replicates];
        let mut means = Vec::new();
        for _ in 0..ROUNDS_MAX {
            means = rows.iter().map(|row| mean(row.iter().zip(&of_replicates).filter_map(less))).collect();
            let next = effects(rows, &means, replicates);
            let moved = next.iter().zip(&of_replicates).map(|(one, other)| (one - other).abs());
            let is_found = moved.fold(0.0, f64::max) < CLOSE;
            of_replicates = next;
            if is_found {
                break;
            }
        }
        let values = rows.iter().flatten().flatten().count();
        let effects =
            means.iter().flatten().count() + columns(rows, replicates).filter(|one| *one > 0).count();
        let degrees_of_freedom = (values + 1).saturating_sub(effects);
        let squares = rows.iter().zip(&means).map(|(row, mean)| {
            let left = row.iter().zip(&of_replicates).filter_map(less).map(|one| one - mean.unwrap_or(one));
            left.map(|one| one * one).sum::<f64>()
        });
        let squares: f64 = squares.sum();
        let deviation = (degrees_of_freedom > 0).then(|| (squares / degrees_of_freedom as f64).sqrt());
        Self { means, deviation, degrees_of_freedom }
    }
}

/// A value without the effect of its replicate.
fn less((value, of_replicate): (&Option<f64>, &f64)) -> Option<f64> {
    value.map(|value| value - of_replicate)
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0_u32, 0.0), |(count, sum), value| (count + 1, sum + value));
    (count > 0).then(|| sum / f64::from(count))
}

/// The effects of replicates, which add up to zero.
fn effects(rows: &[Vec<Option<f64>>], means: &[Option<f64>], replicates: usize) -> Vec<f64> {
    let effect = |at: usize| {
        let values = rows.iter().zip(means).filter_map(|(row, mean)| Some((*row.get(at)?)? - (*mean)?));
        mean(values)
    };
    let found: Vec<Option<f64>> = (0..replicates).map(effect).collect();
    let middle = mean(found.iter().flatten().copied()).unwrap_or(0.0);
    found.into_iter().map(|one| one.map_or(0.0, |one| one - middle)).collect()
}

/// How many values each replicate has.
fn columns(rows: &[Vec<Option<f64>>], replicates: usize) -> impl Iterator<Item = usize> + '_ {
    (0..replicates).map(|at| rows.iter().filter(|row| row.get(at).is_some_and(Option::is_some)).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_replicates_share_is_no_noise() {
        // Each value is its configuration's plus its replicate's.
        let of = |configuration: f64| {
            vec![Some(configuration), Some(configuration + 1.0), Some(configuration - 1.0)]
        };
        let found = Paired::of(&[of(0.1), of(0.3), of(0.2)]);
        assert_eq!(found.degrees_of_freedom, 4);
        assert!(found.deviation.unwrap() < 1e-9, "{found:?}");
        let means: Vec<f64> = found.means.iter().map(|mean| mean.unwrap()).collect();
        assert!(
            means.iter().zip([0.1, 0.3, 0.2]).all(|(one, other)| (one - other).abs() < 1e-9),
            "{means:?}"
        );
    }

    #[test]
    fn a_configuration_that_lacks_its_worst_seed_is_not_better_for_it() {
        let rows = [
            vec![Some(1.0), Some(2.0)],
            vec![Some(1.1), Some(2.1)],
            // Its plain mean would be the lowest.
            vec![Some(1.2), None],
            vec![None, None],
        ];
        let found = Paired::of(&rows);
        let means: Vec<Option<f64>> = found.means.clone();
        assert!(
            (means[0].unwrap() - 1.5).abs() < 1e-9 && (means[2].unwrap() - 1.7).abs() < 1e-9,
            "{means:?}"
        );
        assert_eq!((means[3], found.degrees_of_freedom), (None, 1));
    }

    #[test]
    fn noise_is_that_of_the_residuals() {
        let found = Paired::of(&[vec![Some(0.0), Some(2.0)], vec![Some(1.0), Some(1.0)]]);
        // Residuals of a half each, one degree of freedom.
        assert_eq!((found.deviation, found.degrees_of_freedom), (Some(1.0), 1));
        assert_eq!(
            Paired::of(&[vec![Some(1.0)], vec![Some(2.0)]]).deviation,
            None,
            "one replicate tells of no noise"
        );
    }
}
