//! The fused form of the model on the CPU: one training step written out, without a graph.
//!
//! A batch's rows are dealt to shards. The first layer projects each distinct token of the batch once. Gradients of the
//! embedding are those of the distinct tokens' rows alone.

mod distinct;
mod layer;
mod pooling;
mod shard;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use candle_core::Var;

use self::distinct::Distinct;
use self::layer::{Layer, Pass};
use self::shard::{Shard, deal};
use super::loss::Scored;
use super::pooling::Pooling;
use super::{DropoutKey, ModelShape, dropout, read};
use crate::data::Batch;
use crate::error::TrainError;
use crate::kernels::fused::{Level, Wanted, padded};
use crate::kernels::{Buffer, Matrix, add_column_sums, in_two, multiply, with_threads};
use crate::optimizer::{Gradient, Gradients};

/// The buffers of one model's passes, which serve batch after batch.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    shape: ModelShape,
    distinct: Distinct,
    /// `[distinct tokens, embedding]`.
    embedded: Buffer,
    layers: Vec<Layer>,
    /// See [`Pass::scratch`].
    scratch: Vec<Buffer>,
    /// Factors of dropout for what the output layer reads, `[rows, width]`; empty without.
    mask: Vec<f32>,
    /// What the output layer reads, `[rows, width]`, after dropout.
    pooled: Buffer,
}

impl Network {
    pub(crate) fn new(shape: &ModelShape, level: Level) -> Self {
        Self {
            shape: shape.clone(),
            distinct: Distinct::new(shape.vocabulary),
            embedded: Buffer::default(),
            layers: (0..shape.layers).map(|place| Layer::new(shape, level, place)).collect(),
            scratch: Vec::new(),
            mask: Vec::new(),
            pooled: Buffer::default(),
        }
    }

    /// Logits `[rows, outputs]` without dropout.
    pub(crate) fn logits(
        &mut self,
        parameters: &BTreeMap<String, Var>,
        batch: &Batch,
    ) -> Result<Vec<f32>, TrainError> {
        with_threads(|| self.forward(parameters, batch, &deal(&batch.layout), None, false))
    }

    /// What the batch's rows scored, and the gradients of its mean loss.
    pub(crate) fn learn(
        &mut self,
        parameters: &BTreeMap<String, Var>,
        batch: &Batch,
        key: DropoutKey,
    ) -> Result<(Scored, Gradients), TrainError> {
        with_threads(|| self.learn_here(parameters, batch, key))
    }

    fn learn_here(
        &mut self,
        parameters: &BTreeMap<String, Var>,
        batch: &Batch,
        key: DropoutKey,
    ) -> Result<(Scored, Gradients), TrainError> {
        let dropout = (self.shape.dropout > 0.0).then_some((key, self.shape.dropout));
        let shards = deal(&batch.layout);
        let logits = self.forward(parameters, batch, &shards, dropout, true)?;
        let scored = Scored::new(&logits, self.shape.outputs(), &batch.labels);
        let gradients = self.backward(parameters, batch, &shards, &scored.gradient)?;
        Ok((scored, gradients))
    }

    fn forward(
        &mut self,
        parameters: &BTreeMap<String, Var>,
        batch: &Batch,
        shards: &[Shard],
        dropout: Option<(DropoutKey, f64)>,
        train: bool,
    ) -> Result<Vec<f32>, TrainError> {
        let Self { distinct, layers, .. } = &mut *self;
        let mut layers = layers.iter_mut();
        let (found, prepared) = in_two(
            || distinct.find(batch, shards),
            || layers.try_for_each(|layer| layer.prepare(parameters, shards.len(), train)),
        );
        found.and(prepared)?;
        self.embed(parameters)?;
        self.scratch.resize(shards.len(), Buffer::default());
        for place in 0..self.layers.len() {
            let (below, layer) = self.layers.split_at_mut(place);
            let layer = &mut layer[0];
            let every_state = place + 1 < self.shape.layers || self.shape.pooling != Pooling::Last;
            let wanted = Wanted { gradients: train, every_state };
            let mut pass = Pass { batch, shards, dropout, wanted, scratch: &mut self.scratch };
            match below.last() {
                None => layer.run_first(&self.embedded, &self.distinct, &mut pass),
                Some(below) => layer.run(below, &mut pass),
            }
        }
        self.pool(batch, shards);
        self.mask = dropout.map_or_else(Vec::new, |(key, share)| key.output_mask(share, self.pooled.len()));
        dropout::apply(&self.mask, &mut self.pooled);
        let (width, outputs) = (self.shape.width(), self.shape.outputs());
        read(parameters, &["output.weight", "output.bias"], |[weights, bias]| {
            let rows = batch.layout.rows();
            let mut logits = bias.repeat(rows);
            let x = Matrix::new(&self.pooled, rows, width);
            multiply(&mut logits, x, Matrix::new(weights, outputs, width).transposed(), true);
            logits
        })
    }

    fn embed(&mut self, parameters: &BTreeMap<String, Var>) -> Result<(), TrainError> {
        let size = self.shape.embedding;
        read(parameters, &["embedding.weight"], |[table]| {
            let tokens = self.distinct.tokens();
            self.embedded.fit(tokens.len() * size);
            let half = tokens.len() / 2;
            let (embedded, embedded_end) = self.embedded.split_at_mut(half * size);
            let embed = |embedded: &mut [f32], tokens: &[u32]| {
                for (to, token) in embedded.chunks_exact_mut(size).zip(tokens) {
                    to.copy_from_slice(&table[*token as usize * size..][..size]);
                }
            };
            in_two(|| embed(embedded, &tokens[..half]), || embed(embedded_end, &tokens[half..]));
        })
    }

    fn pool(&mut self, batch: &Batch, shards: &[Shard]) {
        let (units, width) = (self.shape.units, self.shape.width());
        self.pooled.fit(batch.layout.rows() * width);
        let Some(last) = self.layers.last_mut() else { return };
        for (place, direction) in last.directions.iter_mut().enumerate() {
            for (at, shard) in shards.iter().enumerate() {
                let mut pooled = std::mem::take(&mut direction.pooled[at]);
                let states = direction.states(at);
                pooled.pool(self.shape.pooling, states, &shard.layout, padded(units));
                for (row, values) in pooled.values.chunks_exact(padded(units)).enumerate() {
                    let to = shard.batch_row(row) * width + place * units;
                    self.pooled[to..to + units].copy_from_slice(&values[..units]);
                }
                direction.pooled[at] = pooled;
            }
        }
    }

    /// From the gradient of the logits to those of all parameters.
    fn backward(
        &mut self,
        parameters: &BTreeMap<String, Var>,
        batch: &Batch,
        shards: &[Shard],
        logits: &[f32],
    ) -> Result<Gradients, TrainError> {
        let mut gradients = Gradients::new();
        let mut pooled = self.output_gradients(parameters, logits, &mut gradients)?;
        dropout::apply(&self.mask, &mut pooled);
        let pooled = self.by_direction_and_shard(&pooled, shards);
        let last = self.layers.len() - 1;
        for place in (0..self.layers.len()).rev() {
            let (below, layer) = self.layers.split_at_mut(place);
            let layer = &mut layer[0];
            if place == last {
                layer.back_from(&self.shape, &pooled, shards);
            } else {
                layer.back(shards);
            }
            match below.last_mut() {
                None => {
                    layer.first_gradients(&self.embedded, &self.distinct, &mut self.scratch, &mut gradients);
                }
                Some(below) => layer.gradients(below, batch, shards, &mut self.scratch, &mut gradients),
            }
        }
        Ok(gradients)
    }

    /// The gradients of the output layer's parameters and of what it reads, `[rows, width]`.
    fn output_gradients(
        &self,
        parameters: &BTreeMap<String, Var>,
        logits: &[f32],
        gradients: &mut Gradients,
    ) -> Result<Vec<f32>, TrainError> {
        let (width, outputs) = (self.shape.width(), self.shape.outputs());
        let rows = logits.len() / outputs;
        let of_logits = Matrix::new(logits, rows, outputs);
        let mut weights = vec![0.0; outputs * width];
        multiply(&mut weights, of_logits.transposed(), Matrix::new(&self.pooled, rows, width), false);
        let mut bias = vec![0.0; outputs];
        add_column_sums(&mut bias, logits);
        gradients.insert("output.weight".to_owned(), Gradient::Dense(weights));
        gradients.insert("output.bias".to_owned(), Gradient::Dense(bias));
        read(parameters, &["output.weight"], |[weights]| {
            let mut pooled = vec![0.0; rows * width];
            multiply(&mut pooled, of_logits, Matrix::new(weights, outputs, width), false);
            pooled
        })
    }

    /// Values `[rows, width]` as `[rows, units]` with padded units for each direction and shard.
    fn by_direction_and_shard(&self, values: &[f32], shards: &[Shard]) -> Vec<Vec<Vec<f32>>> {
        let (units, width) = (self.shape.units, self.shape.width());
        let of_shard = |place: usize, shard: &Shard| {
            let mut out = vec![0.0; shard.layout.rows() * padded(units)];
            for (row, to) in out.chunks_exact_mut(padded(units)).enumerate() {
                let from = shard.batch_row(row) * width + place * units;
                to[..units].copy_from_slice(&values[from..from + units]);
            }
            out
        };
        (0..width / units).map(|place| shards.iter().map(|shard| of_shard(place, shard)).collect()).collect()
    }
}
