//! Which of many candidates may be best, judged one by one by a part of what trials have shown.

use crate::auto::candidates::Candidates;
use crate::auto::linear::{Cholesky, Matrix};
use crate::auto::model::{LEVEL_VARIANCE, Observation, Parameters};
use crate::auto::stop;

/// Candidates that are looked at together.
const TOGETHER: usize = 256;

/// Beliefs about single candidates after some observations.
struct Screen<'a> {
    candidates: &'a Candidates,
    parameters: &'a Parameters,
    observations: &'a [Observation],
    level: f64,
    factor: Cholesky,
    surprises: Vec<f64>,
}

/// Of some candidates: their means, and for each observation a row of what it explains.
struct Part {
    means: Vec<f64>,
    roots: Matrix,
}

impl<'a> Screen<'a> {
    fn new(
        candidates: &'a Candidates,
        parameters: &'a Parameters,
        observations: &'a [Observation],
        level: f64,
    ) -> Option<Self> {
        let count = observations.len();
        let mut covariance = Matrix::zeros(count, count);
        for (row, one) in observations.iter().enumerate() {
            let values = &mut covariance.row_mut(row)[row..];
            for (value, other) in values.iter_mut().zip(&observations[row..]) {
                let block = if one.replicate == other.replicate { parameters.block } else { 0.0 };
                let smooth = parameters.covariance(candidates, one.configuration, other.configuration);
                *value = smooth + LEVEL_VARIANCE + block;
            }
            values[0] += parameters.noise_of(candidates, one.configuration) + one.variance;
        }
        let factor = Cholesky::of(covariance)?;
        let mut surprises: Vec<f64> = observations.iter().map(|one| one.value - level).collect();
        factor.forward_one(&mut surprises);
        Some(Self { candidates, parameters, observations, level, factor, surprises })
    }

    fn part(&self, points: &[usize]) -> Part {
        let mut roots = Matrix::zeros(self.observations.len(), points.len());
        for (row, one) in self.observations.iter().enumerate() {
            for (value, point) in roots.row_mut(row).iter_mut().zip(points) {
                *value = self.prior(one.configuration, *point);
            }
        }
        self.factor.forward(&mut roots);
        let mut means = vec![self.level; points.len()];
        for (row, surprise) in self.surprises.iter().enumerate() {
            means.iter_mut().zip(roots.row(row)).for_each(|(mean, root)| *mean += root * surprise);
        }
        Part { means, roots }
    }

    fn prior(&self, one: usize, other: usize) -> f64 {
        self.parameters.covariance(self.candidates, one, other) + LEVEL_VARIANCE
    }
}

/// What a candidate has shown itself: the mean, and the variance of that, as far as it is not one of those by which others are judged.
fn own(candidates: &Candidates, parameters: &Parameters, group: &[Observation]) -> (f64, f64) {
    let count = group.len() as f64;
    let mean = group.iter().map(|one| one.value).sum::<f64>() / count;
    let noise = parameters.noise_of(candidates, group[0].configuration) + parameters.block;
    let variances: f64 = group.iter().map(|one| noise + one.variance).sum();
    (mean, variances / (count * count))
}

/// The chance of each candidate to be better by more than the margin than the one of the lowest mean among those observed, judged by
/// these observations, and by what `all` say of the candidate itself. Without an observation each is as good as the others.
pub(crate) fn chances(
    candidates: &Candidates,
    parameters: &Parameters,
    observations: &[Observation],
    all: &[Observation],
    level: f64,
    margin: f64,
) -> Vec<f64> {
    let mut observed: Vec<usize> = observations.iter().map(|one| one.configuration).collect();
    observed.dedup();
    let screen = Screen::new(candidates, parameters, observations, level).filter(|_| !observed.is_empty());
    let Some(screen) = screen else { return vec![0.0; candidates.len()] };
    let means = screen.part(&observed).means;
    let lowest = (0..observed.len()).min_by(|one, other| means[*one].total_cmp(&means[*other]));
    let named = observed[lowest.unwrap_or(0)];
    let of_named = screen.part(&[named]);
    let roots_of_named: Vec<f64> = (0..observations.len()).map(|row| of_named.roots.at(row, 0)).collect();
    let lowest = of_named.means[0];
    let mut shown: Vec<Option<(f64, f64)>> = vec![None; candidates.len()];
    let groups = all.chunk_by(|one, other| one.configuration == other.configuration);
    for group in groups.filter(|group| observed.binary_search(&group[0].configuration).is_err()) {
        shown[group[0].configuration] = Some(own(candidates, parameters, group));
    }
    let points: Vec<usize> = (0..candidates.len()).collect();
    let mut chances = Vec::with_capacity(points.len());
    for points in points.chunks(TOGETHER) {
        let Part { means, roots } = screen.part(points);
        // Variances of the differences to the named one.
        let before = |one: &usize| {
            screen.prior(*one, *one) + screen.prior(named, named) - 2.0 * screen.prior(*one, named)
        };
        let mut gaps: Vec<f64> = points.iter().map(before).collect();
        for (row, own) in roots_of_named.iter().enumerate() {
            let explained = gaps.iter_mut().zip(roots.row(row));
            explained.for_each(|(gap, root)| *gap -= (root - own) * (root - own));
        }
        let better = points.iter().zip(means.iter().zip(&gaps));
        chances.extend(better.map(|(point, (mean, gap))| {
            if *point == named {
                return 0.0;
            }
            // As if the named one were known: it is known best.
            let (mut worse, mut gap) = (mean - lowest, gap.max(1e-12));
            if let Some((value, variance)) = shown[*point] {
                worse = (worse * variance + (value - lowest) * gap) / (gap + variance);
                gap = gap * variance / (gap + variance);
            }
            stop::chance(-margin - worse, gap)
        }));
    }
    chances
}
