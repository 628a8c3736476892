//! The reference form of the model: a graph of plain candle ops on any device, differentiated automatically.

use candle_core::Tensor;

use super::pooling;
use super::{DropoutKey, Model};
use crate::data::Batch;
use crate::error::TrainError;
use crate::kernels::{linear, recurrence};

/// Logits `[rows, outputs]` of a batch's rows in batch order; with dropout if a key is given. `take` gives a
/// parameter's tensor by name.
pub(super) fn logits(
    model: &Model,
    batch: &Batch,
    dropout: Option<DropoutKey>,
    take: impl Fn(&str) -> Result<Tensor, TrainError>,
) -> Result<Tensor, TrainError> {
    let (shape, layout) = (&model.shape, &*batch.layout);
    let tokens = Tensor::from_slice(&batch.tokens, batch.tokens.len(), &model.device)?;
    let mut states = take("embedding.weight")?.index_select(&tokens, 0)?;
    let mut directions = Vec::new();
    for layer in 0..shape.layers {
        if layer > 0 {
            states = joined(&directions)?;
            if let Some(key) = dropout.filter(|_| shape.dropout > 0.0) {
                states = masked(&states, key.layer_mask(layer, shape.dropout, states.elem_count()))?;
            }
            directions.clear();
        }
        for (place, direction) in shape.directions().iter().enumerate() {
            let get = |what: &str| take(&format!("rnn.{what}_l{layer}{direction}"));
            let projected = linear(&states, &get("weight_ih")?, &get("bias_ih")?)?;
            let (weights, bias) = (get("weight_hh")?, get("bias_hh")?);
            directions.push(recurrence(shape.cell, layout, place == 1, &projected, &weights, &bias)?);
        }
    }
    let mut pooled = Vec::new();
    for (place, states) in directions.iter().enumerate() {
        pooled.push(pooling::of_graph(shape.pooling, states, layout, place == 1)?);
    }
    let mut pooled = joined(&pooled)?;
    if let Some(key) = dropout.filter(|_| shape.dropout > 0.0) {
        pooled = masked(&pooled, key.output_mask(shape.dropout, pooled.elem_count()))?;
    }
    Ok(linear(&pooled, &take("output.weight")?, &take("output.bias")?)?)
}

fn masked(values: &Tensor, mask: Vec<f32>) -> Result<Tensor, TrainError> {
    Ok((values * Tensor::from_vec(mask, values.shape(), values.device())?)?)
}

fn joined(directions: &[Tensor]) -> Result<Tensor, TrainError> {
    match directions {
        [one] => Ok(one.contiguous()?),
        several => Ok(Tensor::cat(several, 1)?),
    }
}
