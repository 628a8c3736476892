//! The loss of a batch, its gradient, and what was predicted: in double precision, on the host or where the logits lie.

use candle_core::{DType, Tensor};

use crate::error::TrainError;
use crate::transfer::bring;

/// What a training batch's rows score, as soon as the host asks.
#[derive(Clone, Debug)]
pub(crate) enum Scores {
    /// The host knows it.
    Known(Scored),
    /// It follows from these logits, which the device may not have computed yet.
    OnDevice(Tensor),
}

impl Scores {
    /// Logits that are still to be brought.
    pub(crate) fn on_device(&self) -> Option<&Tensor> {
        match self {
            Self::Known(_) => None,
            Self::OnDevice(logits) => Some(logits),
        }
    }

    /// What the host knows once the logits are brought: their numbers, in their order.
    pub(crate) fn brought(self, logits: &[f32], labels: &[u32]) -> Scored {
        match self {
            Self::Known(scored) => scored,
            Self::OnDevice(_) => Scored::new(logits, logits.len() / labels.len().max(1), labels),
        }
    }

    /// Waits for the device.
    pub(crate) fn bring(self, labels: &[u32]) -> Result<Scored, TrainError> {
        let logits: Vec<f32> = bring(self.on_device().as_slice())?;
        Ok(self.brought(&logits, labels))
    }
}

/// A scalar whose gradient by the logits `[rows, outputs]` is that of the batch's mean loss: differentiate this one. It is found
/// where the logits lie, by the steps of [`Scored`].
pub(crate) fn surrogate(logits: &Tensor, labels: &[u32]) -> Result<Tensor, TrainError> {
    Ok((logits * gradient(logits, labels)?)?.sum_all()?)
}

fn gradient(logits: &Tensor, labels: &[u32]) -> Result<Tensor, TrainError> {
    let ((rows, outputs), device) = (logits.dims2()?, logits.device());
    let exact = logits.detach().to_dtype(DType::F64)?;
    let probabilities = if outputs == 1 { logistic(&exact)? } else { softmax_of_rows(&exact)? };
    let truth = |label: &u32| (0..outputs).map(|class| truth_of(*label, class, outputs)).collect::<Vec<_>>();
    let truths: Vec<f64> = labels.iter().flat_map(truth).collect();
    let truths = Tensor::from_vec(truths, (rows, outputs), device)?;
    // Divided, not multiplied by the reciprocal: that would be other bits.
    let rows = Tensor::from_vec(vec![rows as f64], (1, 1), device)?;
    Ok((probabilities - truths)?.broadcast_div(&rows)?.to_dtype(DType::F32)?)
}

/// What an output should be: with one output the label itself.
fn truth_of(label: u32, class: usize, outputs: usize) -> f64 {
    match outputs {
        1 => f64::from(label),
        _ => f64::from(u8::from(class == label as usize)),
    }
}

/// [`probability_of`] of every number.
fn logistic(logits: &Tensor) -> candle_core::Result<Tensor> {
    let small = logits.abs()?.neg()?.exp()?;
    let whole = (&small + 1.0)?;
    logits.ge(0.0)?.where_cond(&whole.recip()?, &(&small / &whole)?)
}

/// [`softmax`] of every row.
fn softmax_of_rows(logits: &Tensor) -> candle_core::Result<Tensor> {
    let weights = logits.broadcast_sub(&logits.max_keepdim(1)?)?.exp()?;
    weights.broadcast_div(&weights.sum_keepdim(1)?)
}

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
            let truth = truth_of(label, class, row.len());
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

    #[test]
    fn a_device_finds_the_gradient_that_the_host_finds_to_the_bit() {
        let spread = |count: usize| (0..count).map(|at| 9.0 * ((at * at) as f32 * 0.7).sin());
        let ends =
            [0.0, -0.0, 200.0, -200.0, 1e-30, f32::MAX, f32::MIN, f32::NAN, f32::INFINITY, 1.5, 3.0, 2.0];
        for outputs in [1, 2, 3, 12] {
            for rows in [1, 7, 36] {
                let logits: Vec<f32> = ends.into_iter().chain(spread(432)).take(rows * outputs).collect();
                let labels: Vec<u32> = (0..rows).map(|row| (row % outputs.max(2)) as u32).collect();
                let tensor = Tensor::from_slice(&logits, (rows, outputs), &candle_core::Device::Cpu).unwrap();
                let found: Vec<f32> = bring(&[&gradient(&tensor, &labels).unwrap()]).unwrap();
                let expected = Scored::new(&logits, outputs, &labels).gradient;
                // Which NaN it is means nothing.
                let bits = |values: &[f32]| {
                    values.iter().map(|one| if one.is_nan() { 0 } else { one.to_bits() }).collect::<Vec<_>>()
                };
                assert_eq!(bits(&found), bits(&expected), "{rows} rows of {outputs}");
                let scored = Scores::OnDevice(tensor).bring(&labels).unwrap();
                assert_eq!(bits(&scored.gradient), bits(&expected));
            }
        }
    }
}
