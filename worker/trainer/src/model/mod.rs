//! The classifier: embedding, recurrent layers, pooling, output layer.

mod dropout;
mod fused;
mod graph;
mod initial;
pub(crate) mod loss;
mod pooling;
mod shape;

use std::collections::BTreeMap;

use candle_core::{Device, Tensor, Var};

use crate::data::Batch;
use crate::error::TrainError;
use crate::kernels::fused::Level;
use crate::kernels::with_slices;
use crate::optimizer::{Gradient, Gradients};
use crate::transfer::bring;

use self::fused::Network;
use self::loss::Scores;

pub(crate) use dropout::DropoutKey;
pub(crate) use shape::ModelShape;

/// Named tensors in name order: weights, or the state of an optimiser.
pub(crate) type Named = BTreeMap<String, Tensor>;

/// A model with its trained parameters.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    shape: ModelShape,
    parameters: BTreeMap<String, Var>,
    form: Form,
    device: Device,
}

/// Which form of the model runs.
#[derive(Clone, Debug)]
enum Form {
    /// A graph of plain candle ops, on any device.
    Graph,
    /// The fused form, on the CPU.
    Fused(Box<Network>),
}

impl Form {
    /// The fastest form that runs on a device.
    fn for_device(device: &Device, shape: &ModelShape) -> Self {
        if device.is_cpu() { Self::Fused(Box::new(Network::new(shape, Level::Best))) } else { Self::Graph }
    }
}

/// Logits of a batch's rows, in batch order.
#[derive(Clone, Debug)]
pub(crate) struct Logits {
    /// `[rows, outputs]`.
    pub(crate) values: Vec<f32>,
    pub(crate) outputs: usize,
}

impl Logits {
    /// The logits of each row.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.outputs)
    }

    fn of(tensor: &Tensor) -> Result<Self, TrainError> {
        let (_, outputs) = tensor.dims2()?;
        Ok(Self { values: bring(&[tensor])?, outputs })
    }
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
        let form = Form::for_device(device, &shape);
        Ok(Self { shape, parameters, form, device: device.clone() })
    }

    /// The same model in the reference form, to compare with.
    pub(crate) fn in_graph_form(mut self) -> Self {
        self.form = Form::Graph;
        self
    }

    /// The same model in the fused form on given instructions.
    #[cfg(test)]
    pub(crate) fn at_level(mut self, level: Level) -> Self {
        self.form = Form::Fused(Box::new(Network::new(&self.shape, level)));
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

    /// What a batch's rows score, and the gradients of its mean loss by all parameters. The graph form brings nothing to the host.
    pub(crate) fn learn(
        &mut self,
        batch: &Batch,
        dropout: DropoutKey,
    ) -> Result<(Scores, Gradients), TrainError> {
        if let Form::Fused(network) = &mut self.form {
            let (scored, gradients) = network.learn(&self.parameters, batch, dropout)?;
            return Ok((Scores::Known(scored), gradients));
        }
        let logits = graph::logits(self, batch, Some(dropout), |name| {
            Ok(parameter(&self.parameters, name)?.as_tensor().clone())
        })?;
        let found = loss::surrogate(&logits, &batch.labels)?.backward()?;
        let gradient = |(name, var): (&String, &Var)| {
            let gradient = found
                .get(var)
                .ok_or_else(|| TrainError::Rejected(format!("the parameter {name} has no gradient")))?;
            Ok((name.clone(), Gradient::Tensor(gradient.contiguous()?)))
        };
        let gradients = self.parameters.iter().map(gradient).collect::<Result<_, TrainError>>()?;
        // Without the graph behind them, whose memory is wanted for the next batch.
        Ok((Scores::OnDevice(logits.detach()), gradients))
    }

    /// Logits of a batch's rows without dropout.
    pub(crate) fn inference_logits(&mut self, batch: &Batch) -> Result<Logits, TrainError> {
        if let Form::Fused(network) = &mut self.form {
            let values = network.logits(&self.parameters, batch)?;
            return Ok(Logits { values, outputs: self.shape.outputs() });
        }
        // Without a graph behind them.
        let logits = graph::logits(self, batch, None, |name| {
            Ok(parameter(&self.parameters, name)?.as_detached_tensor())
        })?;
        Logits::of(&logits)
    }
}

fn parameter<'a>(parameters: &'a BTreeMap<String, Var>, name: &str) -> Result<&'a Var, TrainError> {
    let found = parameters.get(name);
    found.ok_or_else(|| TrainError::Rejected(format!("the model lacks the parameter {name}")))
}

/// Runs on the numbers of some parameters that lie on the CPU.
fn read<const N: usize, R>(
    parameters: &BTreeMap<String, Var>,
    names: &[impl AsRef<str>; N],
    run: impl FnOnce([&[f32]; N]) -> R,
) -> Result<R, TrainError> {
    let mut found = Vec::with_capacity(N);
    for name in names {
        found.push(parameter(parameters, name.as_ref())?.as_tensor());
    }
    let found: [&Tensor; N] =
        found.try_into().map_err(|_| TrainError::Rejected("a parameter is missing".to_owned()))?;
    Ok(with_slices(found, run)?)
}
