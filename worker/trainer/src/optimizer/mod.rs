//! One optimiser step: clip the gradient, update the moments, move the parameters.

mod gradient;
mod rule;

use std::collections::BTreeMap;

use candle_core::{Tensor, Var};
use sweep_proto::Configuration;

use crate::error::TrainError;
use crate::kernels::{with_slice_mut, with_threads};
use crate::model::Named;

use rule::{Rule, StepSize};

pub(crate) use gradient::{Gradient, Gradients};

/// An optimiser with its state.
#[derive(Clone, Debug)]
pub(crate) struct Optimizer {
    rule: Rule,
    learning_rate: f64,
    weight_decay: f64,
    gradient_clip: f64,
    steps: u64,
    /// The moments of each parameter, `[moments, elements]`; empty for a rule without any.
    state: Named,
}

impl Optimizer {
    /// A new optimiser for these parameters.
    pub(crate) fn new(
        configuration: &Configuration,
        parameters: &BTreeMap<String, Var>,
    ) -> Result<Self, TrainError> {
        let word = configuration.optimizer();
        let rule = Rule::from_word(word).ok_or_else(|| {
            TrainError::Rejected(format!("this build of the trainer knows no optimizer \"{word}\""))
        })?;
        let mut state = Named::new();
        for (name, var) in parameters.iter().filter(|_| rule.moments() > 0) {
            let shape = (rule.moments(), var.elem_count());
            state.insert(name.clone(), Tensor::zeros(shape, var.dtype(), var.device())?);
        }
        Ok(Self {
            rule,
            learning_rate: configuration.learning_rate(),
            weight_decay: configuration.weight_decay(),
            gradient_clip: configuration.gradient_clip(),
            steps: 0,
            state,
        })
    }

    /// Steps done since the trial began.
    pub(crate) fn steps(&self) -> u64 {
        self.steps
    }

    /// The moments, to be saved.
    pub(crate) fn state(&self) -> &Named {
        &self.state
    }

    /// Goes on from saved moments, whose names and shapes are already checked against [`Self::state`].
    pub(crate) fn restore(&mut self, steps: u64, state: &Named) -> Result<(), TrainError> {
        for (name, tensor) in &mut self.state {
            if let Some(saved) = state.get(name) {
                *tensor = saved.to_device(tensor.device())?.copy()?;
            }
        }
        self.steps = steps;
        Ok(())
    }

    /// Moves the parameters by one step and gives the gradient's global norm before clipping. Where that
    /// is not finite nothing is moved.
    pub(crate) fn step(
        &mut self,
        parameters: &BTreeMap<String, Var>,
        gradients: &Gradients,
    ) -> Result<f64, TrainError> {
        let mut found = Vec::with_capacity(parameters.len());
        for (name, var) in parameters {
            let gradient = gradients
                .get(name)
                .ok_or_else(|| TrainError::Rejected(format!("the parameter {name} has no gradient")))?;
            found.push((name, var, gradient));
        }
        let norm = gradient::norm(found.iter().map(|(_, _, gradient)| *gradient))?;
        if !norm.is_finite() {
            return Ok(norm);
        }
        self.steps += 1;
        let size =
            StepSize::new(self.rule, self.learning_rate, self.weight_decay, self.steps, self.scale(norm));
        with_threads(|| {
            found.into_iter().try_for_each(|(name, var, gradient)| {
                step_one(&size, var, gradient, self.state.get_mut(name))
            })
        })?;
        Ok(norm)
    }

    /// The factor that `torch.nn.utils.clip_grad_norm_` applies.
    fn scale(&self, norm: f64) -> f32 {
        if self.gradient_clip == 0.0 {
            return 1.0;
        }
        (self.gradient_clip / (norm + 1e-6)).min(1.0) as f32
    }
}

/// Moves one parameter in place.
fn step_one(
    size: &StepSize,
    var: &Var,
    gradient: &Gradient,
    state: Option<&mut Tensor>,
) -> Result<(), TrainError> {
    if let Gradient::Tensor(tensor) = gradient {
        return Ok(size.step_tensors(var, tensor, state)?);
    }
    match state {
        Some(state) => with_slice_mut(var, |parameter| {
            with_slice_mut(state, |moments| size.step(parameter, moments, gradient))
        })??,
        None => with_slice_mut(var, |parameter| size.step(parameter, &mut [], gradient))?,
    }
    Ok(())
}
