//! The loss of a batch, its gradient, and what was predicted: computed on the host in double precision.

use candle_core::Tensor;

use crate::error::TrainError;

/// What one batch's logits say, row by row, in batch order.
#[derive(Clone, Debug)]
pub(crate) struct Scored {
    /// Cross-entropy of each row, in nats.
    pub(crate) losses: Vec<f64>,
    /// The most probable class of each row.
    pub(crate) predicted: Vec<u32>,
    /// The probability of that class.
    pub(crate) confidence: Vec<f64>,
    /// Gradient of the batch's mean loss by each logit, row-major.
    pub(crate) gradient: Vec<f32>,
}

impl Scored {
    /// Scores logits `[rows, outputs]` against labels. One output is the logit of class 1.
    pub(crate) fn new(logits: &[f32], outputs: usize, labels: &[u32]) -> Self {
        let rows = labels.len();
        let mut scored = Self {
            losses: Vec::with_capacity(rows),
            predicted: Vec::with_capacity(rows),
            confidence: Vec::with_capacity(rows),
            gradient: Vec::with_capacity(rows * outputs),
        };
        for (row, label) in logits.chunks_exact(outputs).zip(labels) {
            match row {
                [logit] => scored.add_binary(f64::from(*logit), *label, rows),
                row => scored.add_softmax(row, *label, rows),
            }
        }
        scored
    }

    /// Mean loss of the batch.
    pub(crate) fn mean_loss(&self) -> f64 {
        self.losses.iter().sum::<f64>() / self.losses.len() as f64
    }

    /// A scalar whose gradient by the logits is the loss's gradient: differentiate this one.
    pub(crate) fn surrogate(&self, logits: &Tensor) -> Result<Tensor, TrainError> {
        let gradient = Tensor::from_slice(&self.gradient, logits.shape(), logits.device())?;
        Ok((logits * gradient)?.sum_all()?)
    }

    /// `max(x, 0) - x y + log(1 + exp(-|x|))`: never overflows.
    fn add_binary(&mut self, logit: f64, label: u32, rows: usize) {
        let truth = f64::from(label);
        // `f64::max` would turn NaN into 0 and so hide a divergence.
        let positive = if logit < 0.0 { 0.0 } else { logit };
        self.losses.push(positive - logit * truth + (-logit.abs()).exp().ln_1p());
        self.predicted.push(u32::from(logit > 0.0));
        self.confidence.push(probability_of(logit.abs()));
        self.gradient.push(((probability_of(logit) - truth) / rows as f64) as f32);
    }

    fn add_softmax(&mut self, row: &[f32], label: u32, rows: usize) {
        let probabilities = softmax(row);
        let high = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let total: f64 = row.iter().map(|logit| (f64::from(*logit) - f64::from(high)).exp()).sum();
        let truth = row.get(label as usize).copied().unwrap_or(f32::NAN);
        self.losses.push(total.ln() + f64::from(high) - f64::from(truth));
        let predicted = most_probable(row);
        self.predicted.push(predicted);
        self.confidence.push(probabilities.get(predicted as usize).copied().unwrap_or(f64::NAN));
        for (class, probability) in probabilities.iter().enumerate() {
            let truth = if class == label as usize { 1.0 } else { 0.0 };
            self.gradient.push(((probability - truth) / rows as f64) as f32);
        }
    }
}

/// The probability of class 1 from its logit.
fn probability_of(logit: f64) -> f64 {
    // Each branch takes the exponential of a negative number only.
    if logit >= 0.0 {
        1.0 / (1.0 + (-logit).exp())
    } else {
        let small = logit.exp();
        small / (1.0 + small)
    }
}

fn softmax(row: &[f32]) -> Vec<f64> {
    let high = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weights: Vec<f64> = row.iter().map(|logit| (f64::from(*logit) - f64::from(high)).exp()).collect();
    let total: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / total).collect()
}

fn most_probable(row: &[f32]) -> u32 {
    let mut best = 0;
    for (class, logit) in row.iter().enumerate() {
        if *logit > row[best] {
            best = class;
        }
    }
    best as u32
}

/// The probabilities of all classes from one row of logits.
pub(crate) fn probabilities(row: &[f32]) -> Vec<f64> {
    match row {
        [logit] => {
            let one = probability_of(f64::from(*logit));
            vec![1.0 - one, one]
        }
        row => softmax(row),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_logits_overflow_nowhere_and_nan_shows() {
        let scored = Scored::new(&[200.0, -200.0, 200.0, -200.0, f32::NAN], 1, &[1, 0, 0, 1, 0]);
        assert!(scored.losses[0] < 1e-12 && scored.losses[1] < 1e-12);
        assert_eq!(scored.losses[2..4], [200.0, 200.0]);
        assert!(scored.losses[4].is_nan());
        assert_eq!(scored.gradient[..4], [0.0, 0.0, 0.2, -0.2]);
        assert_eq!(scored.predicted[..4], [1, 0, 1, 0]);
        assert_eq!(scored.confidence[..4], [1.0; 4]);
    }

    #[test]
    fn two_classes_by_one_logit_or_by_two_agree() {
        let one = Scored::new(&[1.5], 1, &[1]);
        let two = Scored::new(&[0.0, 1.5], 2, &[1]);
        assert!((one.losses[0] - two.losses[0]).abs() < 1e-12);
        assert!((one.gradient[0] - two.gradient[1]).abs() < 1e-7);
        assert!((one.confidence[0] - two.confidence[0]).abs() < 1e-12 && one.confidence[0] > 0.8);
        assert!((probabilities(&[1.5])[1] - probabilities(&[0.0, 1.5])[1]).abs() < 1e-12);
        let high = Scored::new(&[900.0, -900.0, 0.0], 3, &[1]);
        assert_eq!(high.losses, [1800.0]);
    }
}
