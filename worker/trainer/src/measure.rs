//! Single training steps on made-up rows, for benchmarks: trials are trained by [`train`](crate::train).

use candle_core::Device;
use sweep_proto::Configuration;

use crate::data::Batch;
use crate::error::TrainError;
use crate::kernels::{Matrix, multiply};
use crate::model::{DropoutKey, Model, ModelShape};
use crate::optimizer::Optimizer;

/// A model, its optimiser and one batch, on the CPU.
#[derive(Debug)]
pub struct MeasuredStep {
    model: Model,
    optimizer: Optimizer,
    batch: Batch,
}

impl MeasuredStep {
    /// A new model of two classes with one batch of these rows of tokens, which are labelled 0 and 1 by turns.
    ///
    /// # Errors
    /// [`TrainError`] for a configuration that the trainer does not know, and for a row without a token.
    pub fn new(
        configuration: &Configuration,
        vocabulary: usize,
        rows: Vec<Vec<u32>>,
    ) -> Result<Self, TrainError> {
        if rows.is_empty() || rows.iter().any(Vec::is_empty) {
            return Err(TrainError::Rejected("a batch needs rows, and every row a token".to_owned()));
        }
        let shape = ModelShape::of_sizes(configuration, vocabulary, 2)?;
        let model = Model::initial(shape, 1, &Device::Cpu)?;
        let optimizer = Optimizer::new(configuration, model.parameters())?;
        let rows: Vec<_> =
            rows.into_iter().enumerate().map(|(place, row)| (place, row, place as u32 % 2)).collect();
        Ok(Self { model, optimizer, batch: Batch::pack(&rows) })
    }

    /// The same in the reference form: a graph of plain candle ops.
    #[must_use]
    pub fn in_graph_form(mut self) -> Self {
        self.model = self.model.in_graph_form();
        self
    }

    /// One whole training step; its loss.
    ///
    /// # Errors
    /// [`TrainError`] where an operation fails.
    pub fn train(&mut self) -> Result<f64, TrainError> {
        let key = DropoutKey { seed: 1, step: self.optimizer.steps() + 1 };
        let (scores, gradients) = self.model.learn(&self.batch, key)?;
        self.optimizer.step(self.model.parameters(), &gradients)?;
        Ok(scores.bring(&self.batch.labels)?.mean_loss())
    }

    /// Logits of the batch, as for validation.
    ///
    /// # Errors
    /// [`TrainError`] where an operation fails.
    pub fn infer(&mut self) -> Result<Vec<f32>, TrainError> {
        Ok(self.model.inference_logits(&self.batch)?.values)
    }
}

/// A product of square matrices of this size on one thread, as the kernels call it: what the machine allows.
#[derive(Debug)]
pub struct MeasuredProduct {
    size: usize,
    left: Vec<f32>,
    right: Vec<f32>,
    out: Vec<f32>,
}

impl MeasuredProduct {
    /// Two matrices of ones.
    pub fn new(size: usize) -> Self {
        let ones = vec![1.0; size * size];
        Self { size, left: ones.clone(), right: ones.clone(), out: ones }
    }

    /// Multiplies once; the number of additions and multiplications.
    pub fn multiply(&mut self) -> f64 {
        let matrix = |data| Matrix::new(data, self.size, self.size);
        multiply(&mut self.out, matrix(&self.left), matrix(&self.right), false);
        2.0 * (self.size as f64).powi(3)
    }
}
