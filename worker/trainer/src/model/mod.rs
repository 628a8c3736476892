//! The classifier: embedding, recurrent layers, pooling, output layer.

mod initial;
pub(crate) mod loss;
mod pooling;
mod shape;

use std::collections::BTreeMap;

use candle_core::{Device, Tensor, Var};

use crate::data::Batch;
use crate::error::TrainError;
use crate::kernels::Kernels;
use crate::random::Stream;

pub(crate) use shape::ModelShape;

/// Named tensors in name order: weights, or the state of an optimiser.
pub(crate) type Named = BTreeMap<String, Tensor>;

/// A model with its trained parameters.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    shape: ModelShape,
    parameters: BTreeMap<String, Var>,
    kernels: Kernels,
    device: Device,
}

/// Where dropout takes its masks from: one stream for each optimiser step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DropoutKey {
    pub(crate) seed: u64,
    pub(crate) step: u64,
}

impl Model {
    /// A new model with the initial values of a seed.
    pub(crate) fn initial(shape: ModelShape, seed: u64, device: &Device) -> Result<Self, TrainError> {
        let mut weights = Named::new();
        for parameter in shape.parameters() {
            let values = parameter.initial.values(seed, &parameter);
            let tensor = Tensor::from_vec(values, parameter.dimensions.as_slice(), device)?;
            weights.insert(parameter.name, tensor);
        }
        Self::with_weights(shape, &weights, device)
    }

    /// A model with given weights, whose names and shapes are already checked against the shape.
    pub(crate) fn with_weights(
        shape: ModelShape,
        weights: &Named,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let mut parameters = BTreeMap::new();
        for (name, tensor) in weights {
            // A copy: the optimiser writes in place, and two owners of one tensor would both change.
            parameters.insert(name.clone(), Var::from_tensor(&tensor.to_device(device)?.copy()?)?);
        }
        Ok(Self { shape, parameters, kernels: Kernels::for_device(device), device: device.clone() })
    }

    /// The same model on the plain kernels, to compare with.
    #[cfg(test)]
    pub(crate) fn on_reference_kernels(mut self) -> Self {
        self.kernels = Kernels::Reference;
        self
    }

    /// The architecture.
    pub(crate) fn shape(&self) -> &ModelShape {
        &self.shape
    }

    /// The parameters in name order.
    pub(crate) fn parameters(&self) -> &BTreeMap<String, Var> {
        &self.parameters
    }

    /// A copy of the weights as they are now.
    pub(crate) fn weights(&self) -> Result<Named, TrainError> {
        self.parameters
            .iter()
            .map(|(name, var)| Ok((name.clone(), var.as_detached_tensor().copy()?)))
            .collect()
    }

    /// Logits `[rows, outputs]` of a batch's rows in batch order, to be differentiated; with dropout if a
    /// key is given.
    pub(crate) fn training_logits(&self, batch: &Batch, dropout: DropoutKey) -> Result<Tensor, TrainError> {
        self.logits(batch, Some(dropout), |var| var.as_tensor().clone())
    }

    /// Logits `[rows, outputs]` without dropout and without a graph behind them.
    pub(crate) fn inference_logits(&self, batch: &Batch) -> Result<Tensor, TrainError> {
        self.logits(batch, None, Var::as_detached_tensor)
    }

    fn logits(
        &self,
        batch: &Batch,
        dropout: Option<DropoutKey>,
        take: impl Fn(&Var) -> Tensor,
    ) -> Result<Tensor, TrainError> {
        let parameter = |name: &str| {
            let found = self.parameters.get(name).map(&take);
            found.ok_or_else(|| TrainError::Rejected(format!("the model lacks the parameter {name}")))
        };
        let layout = &batch.layout;
        let tokens = Tensor::from_slice(&batch.tokens, batch.tokens.len(), &self.device)?;
        let mut states = parameter("embedding.weight")?.index_select(&tokens, 0)?;
        let mut directions = Vec::new();
        for layer in 0..self.shape.layers {
            if layer > 0 {
                states = self.dropped(&joined(&directions)?, &format!("layer {layer}"), dropout)?;
                directions.clear();
            }
            for (place, direction) in self.shape.directions().iter().enumerate() {
                let get = |what: &str| parameter(&format!("rnn.{what}_l{layer}{direction}"));
                let projected = self.kernels.linear(&states, &get("weight_ih")?, &get("bias_ih")?)?;
                directions.push(self.kernels.recurrence(
                    self.shape.cell,
                    layout,
                    place == 1,
                    &projected,
                    &get("weight_hh")?,
                    &get("bias_hh")?,
                )?);
            }
        }
        let mut pooled = Vec::new();
        for (place, states) in directions.iter().enumerate() {
            pooled.push(self.shape.pooling.apply(states, layout, place == 1)?);
        }
        let pooled = self.dropped(&joined(&pooled)?, "output", dropout)?;
        Ok(self.kernels.linear(&pooled, &parameter("output.weight")?, &parameter("output.bias")?)?)
    }

    /// Drops values at random and scales up the others, so that the mean stays.
    fn dropped(&self, values: &Tensor, place: &str, key: Option<DropoutKey>) -> Result<Tensor, TrainError> {
        let share = self.shape.dropout;
        let Some(key) = key.filter(|_| share > 0.0) else {
            return Ok(values.clone());
        };
        let mut stream = Stream::new(key.seed, &format!("dropout/{place}"), key.step);
        let (share, scale) = (share as f32, (1.0 / (1.0 - share)) as f32);
        let mask: Vec<f32> =
            (0..values.elem_count()).map(|_| if stream.unit() < share { 0.0 } else { scale }).collect();
        Ok((values * Tensor::from_vec(mask, values.shape(), values.device())?)?)
    }
}

fn joined(directions: &[Tensor]) -> Result<Tensor, TrainError> {
    match directions {
        [one] => Ok(one.contiguous()?),
        several => Ok(Tensor::cat(several, 1)?),
    }
}
