//! One optimiser step: clip the gradient, update the moments, move the parameters.

mod gradient;
mod rule;

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor, Var};
use sweep_proto::Configuration;

use crate::error::TrainError;
use crate::kernels::{with_slice_mut, with_threads};
use crate::model::Named;
use crate::transfer::bring;

use rule::{Rule, StepSize};

pub(crate) use gradient::{Gradient, Gradients, Measured};

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

    /// Moves the parameters by one step and gives the gradient's global norm before clipping. Where the host sees that it is not
    /// finite nothing is moved; on a device the parameters are spoilt, and whoever brings the norm ends the trial.
    pub(crate) fn step(
        &mut self,
        parameters: &BTreeMap<String, Var>,
        gradients: &Gradients,
    ) -> Result<Measured, TrainError> {
        let mut found = Vec::with_capacity(parameters.len());
        for (name, var) in parameters {
            let gradient = gradients
                .get(name)
                .ok_or_else(|| TrainError::Rejected(format!("the parameter {name} has no gradient")))?;
            found.push((name, var, gradient));
        }
        let norm = gradient::norm(found.iter().map(|(_, _, gradient)| *gradient))?;
        let scale = match &norm {
            Measured::Known(known) if !known.is_finite() => return Ok(norm),
            Measured::Known(known) => Scale::Known(self.scale(*known)),
            Measured::OnDevice(norm) => Scale::OnDevice(self.scale_on_device(norm)?),
        };
        self.steps += 1;
        let size = StepSize::new(self.rule, self.learning_rate, self.weight_decay, self.steps);
        with_threads(|| {
            found.into_iter().try_for_each(|(name, var, gradient)| {
                step_one(&size, &scale, var, gradient, self.state.get_mut(name))
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

    /// [`Self::scale`] of a norm that lies on a device, and stays there.
    fn scale_on_device(&self, norm: &Tensor) -> Result<Tensor, TrainError> {
        let device = norm.device();
        if self.gradient_clip == 0.0 {
            return Ok(Tensor::ones(1, DType::F32, device)?);
        }
        let clip = Tensor::from_vec(vec![self.gradient_clip], 1, device)?;
        Ok((clip / (norm + 1e-6)?)?.minimum(1.0)?.to_dtype(DType::F32)?)
    }
}

/// Moves one parameter in place.
fn step_one(
    size: &StepSize,
    scale: &Scale,
    var: &Var,
    gradient: &Gradient,
    state: Option<&mut Tensor>,
) -> Result<(), TrainError> {
    if let Gradient::Tensor(tensor) = gradient {
        return Ok(size.step_tensors(var, tensor, &scale.on(var.device())?, state)?);
    }
    let scale = scale.known()?;
    match state {
        Some(state) => with_slice_mut(var, |parameter| {
            with_slice_mut(state, |moments| size.step(parameter, moments, gradient, scale))
        })??,
        None => with_slice_mut(var, |parameter| size.step(parameter, &mut [], gradient, scale))?,
    }
    Ok(())
}

/// The factor of the gradients, where the norm is that it follows from.
enum Scale {
    Known(f32),
    /// `[1]`.
    OnDevice(Tensor),
}

impl Scale {
    fn known(&self) -> Result<f32, TrainError> {
        match self {
            Self::Known(scale) => Ok(*scale),
            Self::OnDevice(tensor) => Ok(bring(&[tensor])?.first().copied().unwrap_or(f32::NAN)),
        }
    }

    fn on(&self, device: &Device) -> Result<Tensor, TrainError> {
        match self {
            Self::Known(scale) => Ok(Tensor::from_vec(vec![*scale], 1, device)?),
            Self::OnDevice(tensor) => Ok(tensor.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(optimizer: &str, clip: f64) -> Configuration {
        let text = format!(
            r#"{{"optimizer": "{optimizer}", "gradient_clip": {clip}, "learning_rate": 0.03, "weight_decay": 0.1}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    /// The step as it was when each one waited for its norm: the host computed the factor.
    fn step_by_the_host(
        one: &mut Optimizer,
        parameters: &BTreeMap<String, Var>,
        gradients: &Gradients,
    ) -> f64 {
        let norm = gradient::norm(gradients.values()).unwrap().bring().unwrap();
        one.steps += 1;
        let size = StepSize::new(one.rule, one.learning_rate, one.weight_decay, one.steps);
        let scale = Scale::Known(one.scale(norm));
        for (name, var) in parameters {
            step_one(&size, &scale, var, &gradients[name], one.state.get_mut(name)).unwrap();
        }
        norm
    }

    fn wave(count: usize, speed: f32) -> Tensor {
        let values: Vec<f32> = (0..count).map(|at| (at as f32 * speed).sin()).collect();
        Tensor::from_vec(values, (count / 4, 4), &Device::Cpu).unwrap()
    }

    fn parameters() -> BTreeMap<String, Var> {
        let vars = [("one", 40, 0.37), ("two", 8, 1.3), ("three", 700, 0.01)];
        vars.map(|(name, count, speed)| (name.to_owned(), Var::from_tensor(&wave(count, speed)).unwrap()))
            .into()
    }

    #[test]
    fn a_step_whose_norm_stays_on_its_device_gives_the_bits_of_one_that_waits_for_it() {
        let bits = |tensor: &Tensor| {
            bring::<f32>(&[tensor]).unwrap().into_iter().map(f32::to_bits).collect::<Vec<_>>()
        };
        for rule in ["adam", "adamw", "rmsprop", "sgd"] {
            // Never clipped, always, and by turns.
            for clip in [0.0, 1e-3, 15.0] {
                let (ours, theirs) = (parameters(), parameters());
                let mut later = Optimizer::new(&of(rule, clip), &ours).unwrap();
                let mut waiting = later.clone();
                let mut norms = Vec::new();
                for step in 1..=12 {
                    let gradient = |(name, var): (&String, &Var)| {
                        let values = wave(var.elem_count(), 0.2 * step as f32);
                        (name.clone(), Gradient::Tensor((values * f64::from(step % 3)).unwrap()))
                    };
                    let gradients: Gradients = ours.iter().map(gradient).collect();
                    let norm = later.step(&ours, &gradients).unwrap().bring().unwrap();
                    let expected = step_by_the_host(&mut waiting, &theirs, &gradients);
                    assert_eq!(norm.to_bits(), expected.to_bits());
                    norms.push(norm);
                }
                assert!(norms.iter().any(|norm| *norm > 15.0) && norms.iter().any(|norm| *norm < 15.0));
                for (name, var) in &ours {
                    assert_eq!(bits(var), bits(&theirs[name]), "{name} of {rule} at {clip}");
                }
                for (name, moments) in &later.state {
                    assert_eq!(bits(moments), bits(&waiting.state[name]), "{name} of {rule} at {clip}");
                }
            }
        }
    }
}
