//! Training steps whose results the host has not seen: the device goes on while they wait, and they come a block at a time.

use candle_core::Tensor;

use crate::error::TrainError;
use crate::model::loss::{Scored, Scores};
use crate::optimizer::Measured;
use crate::transfer::bring;

/// Most steps that wait. A trial that diverges is found out after this number at the latest, and its curve lags by as much.
pub(super) const STEPS_MAX: usize = 32;
/// Most logits that wait, over all steps: they take memory of the device.
const LOGITS_MAX: usize = 1 << 20;

/// A step that was handed to the device.
#[derive(Debug)]
pub(super) struct Step {
    /// Its batch's place in the epoch, from 0.
    pub(super) place: usize,
    /// Which optimiser step of the trial it is, from 1.
    pub(super) number: u64,
    pub(super) labels: Vec<u32>,
    pub(super) scores: Scores,
    /// The gradient's norm before clipping.
    pub(super) norm: Measured,
}

/// A step that the host knows.
#[derive(Debug)]
pub(super) struct DoneStep {
    pub(super) place: usize,
    pub(super) number: u64,
    pub(super) labels: Vec<u32>,
    pub(super) scored: Scored,
    norm: f64,
}

/// Steps in their order.
#[derive(Debug, Default)]
pub(super) struct Waiting(Vec<Step>);

impl Step {
    /// What is still to be brought, in its order.
    fn on_device(&self) -> impl Iterator<Item = &Tensor> {
        self.scores.on_device().into_iter().chain(self.norm.on_device())
    }

    /// As the host knows it, from the numbers of what was to be brought.
    fn done(self, brought: &mut impl Iterator<Item = f64>) -> DoneStep {
        let logits = self.scores.on_device().map_or(0, Tensor::elem_count);
        // They were 32-bit numbers, and are the same again.
        let logits: Vec<f32> = brought.take(logits).map(|logit| logit as f32).collect();
        let norm = match self.norm {
            Measured::Known(norm) => norm,
            Measured::OnDevice(_) => brought.next().unwrap_or(f64::NAN),
        };
        let scored = self.scores.brought(&logits, &self.labels);
        DoneStep { place: self.place, number: self.number, labels: self.labels, scored, norm }
    }
}

impl DoneStep {
    /// How it diverged, if it did.
    pub(super) fn divergence(&self) -> Option<String> {
        let (loss, norm, number) = (self.scored.mean_loss(), self.norm, self.number);
        if !loss.is_finite() {
            return Some(format!("the training loss is {loss} at step {number}"));
        }
        (!norm.is_finite()).then(|| format!("the gradient's norm is {norm} at step {number}"))
    }
}

impl Waiting {
    pub(super) fn push(&mut self, step: Step) {
        self.0.push(step);
    }

    /// Whether they should be brought now: they are many, or there is nothing to wait for.
    pub(super) fn are_due(&self) -> bool {
        let logits = |step: &Step| step.scores.on_device().map_or(0, Tensor::elem_count);
        self.0.len() >= STEPS_MAX
            || self.0.iter().map(logits).sum::<usize>() >= LOGITS_MAX
            || self.0.iter().all(|step| step.on_device().next().is_none())
    }

    /// Waits for the device and brings all of them in one transfer.
    pub(super) fn bring(&mut self) -> Result<Vec<DoneStep>, TrainError> {
        let steps = std::mem::take(&mut self.0);
        let on_device: Vec<_> = steps.iter().flat_map(Step::on_device).collect();
        let mut brought = bring::<f64>(&on_device)?.into_iter();
        Ok(steps.into_iter().map(|step| step.done(&mut brought)).collect())
    }
}
