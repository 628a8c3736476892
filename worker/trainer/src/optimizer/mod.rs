//! One optimiser step: clip the gradient, update the moments, move the parameters.

mod rule;

use std::collections::BTreeMap;

use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, InplaceOp3, Layout, Result, Tensor, Var};
use sweep_proto::{Configuration, Hyperparameter};

use crate::error::TrainError;
use crate::kernels::{packed_slice, packed_slice_mut, with_slices};
use crate::model::Named;

use rule::{Rule, StepSize};

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
    ) -> std::result::Result<Self, TrainError> {
        let word = configuration.word(Hyperparameter::Optimizer);
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
            learning_rate: configuration.real(Hyperparameter::LearningRate),
            weight_decay: configuration.real(Hyperparameter::WeightDecay),
            gradient_clip: configuration.real(Hyperparameter::GradientClip),
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
    pub(crate) fn restore(&mut self, steps: u64, state: &Named) -> std::result::Result<(), TrainError> {
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
        gradients: &GradStore,
    ) -> std::result::Result<f64, TrainError> {
        let mut found = Vec::with_capacity(parameters.len());
        let mut squares = 0.0;
        for (name, var) in parameters {
            let gradient = gradients
                .get(var)
                .ok_or_else(|| TrainError::Rejected(format!("the parameter {name} has no gradient")))?
                .contiguous()?;
            squares += sum_of_squares(&gradient)?;
            found.push((name, var, gradient));
        }
        let norm = squares.sqrt();
        if !norm.is_finite() {
            return Ok(norm);
        }
        self.steps += 1;
        let size =
            StepSize::new(self.rule, self.learning_rate, self.weight_decay, self.steps, self.scale(norm));
        for (name, var, gradient) in found {
            match self.state.get_mut(name) {
                Some(state) if var.device().is_cpu() => {
                    state.inplace_op3(&gradient, var, &Moments(size))?;
                    var.inplace_op3(&gradient, state, &Move(size))?;
                }
                // The rule has no moments: the gradient stands in for them and is not read as such.
                None if var.device().is_cpu() => {
                    var.inplace_op3(&gradient, &gradient.copy()?, &Move(size))?;
                }
                state => size.step_tensors(var, &gradient, state)?,
            }
        }
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

/// Accumulated in double precision, in a fixed order.
fn sum_of_squares(gradient: &Tensor) -> Result<f64> {
    if !gradient.device().is_cpu() {
        return gradient.sqr()?.sum_all()?.to_scalar::<f32>().map(f64::from);
    }
    with_slices([gradient], |[values]| {
        // Eight sums at once, for speed; their order is fixed.
        let mut sums = [0.0_f64; 8];
        for block in values.chunks(8) {
            for (sum, value) in sums.iter_mut().zip(block) {
                *sum += f64::from(*value) * f64::from(*value);
            }
        }
        sums.iter().sum()
    })
}

/// Updates moments in place from gradient and parameter.
struct Moments(StepSize);

impl InplaceOp3 for Moments {
    fn name(&self) -> &'static str {
        "optimizer-moments"
    }

    fn cpu_fwd(
        &self,
        state: &mut CpuStorage,
        state_layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
        parameter: &CpuStorage,
        parameter_layout: &Layout,
    ) -> Result<()> {
        let state = packed_slice_mut(state, state_layout)?;
        let gradient = packed_slice(gradient, gradient_layout)?;
        let parameter = packed_slice(parameter, parameter_layout)?;
        self.0.update_moments(state, gradient, parameter);
        Ok(())
    }
}

/// Moves a parameter in place from gradient and moments.
struct Move(StepSize);

impl InplaceOp3 for Move {
    fn name(&self) -> &'static str {
        "optimizer-move"
    }

    fn cpu_fwd(
        &self,
        parameter: &mut CpuStorage,
        parameter_layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
        state: &CpuStorage,
        state_layout: &Layout,
    ) -> Result<()> {
        let parameter = packed_slice_mut(parameter, parameter_layout)?;
        let gradient = packed_slice(gradient, gradient_layout)?;
        self.0.move_parameter(parameter, gradient, packed_slice(state, state_layout)?);
        Ok(())
    }
}
