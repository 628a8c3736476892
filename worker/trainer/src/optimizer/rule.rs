//! The update rules, with PyTorch's definitions and defaults, over slices and over tensors.
//!
//! Adam: Kingma and Ba 2015; AdamW: Loshchilov and Hutter 2019; RMSprop as in `torch.optim.RMSprop`
//! without momentum or centring; SGD without momentum. Adding one is a variant here and an arm in each
//! function.

use candle_core::{Result, Tensor, Var};
use pulp::Arch;

/// Decay of the first moment.
const BETA1: f64 = 0.9;
/// Decay of Adam's second moment.
const BETA2: f64 = 0.999;
/// Decay of RMSprop's second moment.
const ALPHA: f64 = 0.99;
/// Keeps quotients finite.
const EPSILON: f32 = 1e-8;

/// An update rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Weight decay is part of the gradient.
    Adam,
    /// Weight decay shrinks the parameter before the step.
    AdamW,
    /// Divides by the root of the mean square.
    RmsProp,
    /// Plain gradient descent.
    Sgd,
}

impl Rule {
    /// The rule of a configuration's word.
    pub(super) fn from_word(word: &str) -> Option<Self> {
        match word {
            "adam" => Some(Self::Adam),
            "adamw" => Some(Self::AdamW),
            "rmsprop" => Some(Self::RmsProp),
            "sgd" => Some(Self::Sgd),
            _ => None,
        }
    }

    /// Moments kept for each element.
    pub(super) fn moments(self) -> usize {
        match self {
            Self::Adam | Self::AdamW => 2,
            Self::RmsProp => 1,
            Self::Sgd => 0,
        }
    }
}

/// One step of a rule: all that is the same for every element.
#[derive(Clone, Copy, Debug)]
pub(super) struct StepSize {
    rule: Rule,
    /// The gradient is multiplied by this: clipping.
    scale: f32,
    /// Added to the gradient, times the parameter.
    coupled_decay: f32,
    /// The parameter is multiplied by this first.
    shrink: f32,
    /// Learning rate, with Adam's correction of the first moment.
    rate: f32,
    /// Root of Adam's correction of the second moment.
    correction_root: f32,
}

impl StepSize {
    pub(super) fn new(rule: Rule, learning_rate: f64, weight_decay: f64, step: u64, scale: f32) -> Self {
        let correction = |beta: f64| 1.0 - beta.powf(step as f64);
        let (rate, correction_root) = match rule {
            Rule::Adam | Rule::AdamW => (learning_rate / correction(BETA1), correction(BETA2).sqrt()),
            Rule::RmsProp | Rule::Sgd => (learning_rate, 1.0),
        };
        let decoupled = rule == Rule::AdamW;
        Self {
            rule,
            scale,
            coupled_decay: if decoupled { 0.0 } else { weight_decay as f32 },
            shrink: if decoupled { (1.0 - learning_rate * weight_decay) as f32 } else { 1.0 },
            rate: rate as f32,
            correction_root: correction_root as f32,
        }
    }

    /// The moments after this step. `state` is `[moments, elements]`.
    pub(super) fn update_moments(&self, state: &mut [f32], gradient: &[f32], parameter: &[f32]) {
        let size = *self;
        let count = gradient.len();
        match self.rule {
            Rule::Adam | Rule::AdamW => {
                let (first, second) = state.split_at_mut(count);
                Arch::new().dispatch(|| size.adam_moments(first, second, gradient, parameter));
            }
            Rule::RmsProp => Arch::new().dispatch(|| {
                for ((second, gradient), parameter) in state.iter_mut().zip(gradient).zip(parameter) {
                    let gradient = size.effective(*gradient, *parameter);
                    *second = flushed(*second * ALPHA as f32 + gradient * gradient * (1.0 - ALPHA) as f32);
                }
            }),
            Rule::Sgd => {}
        }
    }

    #[inline(always)]
    fn adam_moments(&self, first: &mut [f32], second: &mut [f32], gradient: &[f32], parameter: &[f32]) {
        for (((first, second), gradient), parameter) in
            first.iter_mut().zip(second).zip(gradient).zip(parameter)
        {
            let gradient = self.effective(*gradient, *parameter);
            *first = flushed(*first + (gradient - *first) * (1.0 - BETA1) as f32);
            *second = flushed(*second * BETA2 as f32 + gradient * gradient * (1.0 - BETA2) as f32);
        }
    }

    /// The parameter after this step, from the moments after this step.
    pub(super) fn move_parameter(&self, parameter: &mut [f32], gradient: &[f32], state: &[f32]) {
        let size = *self;
        match self.rule {
            Rule::Adam | Rule::AdamW => {
                let (first, second) = state.split_at(gradient.len());
                Arch::new().dispatch(|| {
                    for ((parameter, first), second) in parameter.iter_mut().zip(first).zip(second) {
                        let root = second.sqrt() / size.correction_root + EPSILON;
                        *parameter = *parameter * size.shrink - size.rate * *first / root;
                    }
                });
            }
            Rule::RmsProp => Arch::new().dispatch(|| {
                for ((parameter, gradient), second) in parameter.iter_mut().zip(gradient).zip(state) {
                    let gradient = size.effective(*gradient, *parameter);
                    *parameter -= size.rate * gradient / (second.sqrt() + EPSILON);
                }
            }),
            Rule::Sgd => Arch::new().dispatch(|| {
                for (parameter, gradient) in parameter.iter_mut().zip(gradient) {
                    *parameter -= size.rate * size.effective(*gradient, *parameter);
                }
            }),
        }
    }

    /// The gradient after clipping, with coupled weight decay.
    #[inline(always)]
    fn effective(&self, gradient: f32, parameter: f32) -> f32 {
        gradient * self.scale + self.coupled_decay * parameter
    }

    /// The whole step as tensor operations, for devices other than the CPU.
    pub(super) fn step_tensors(
        &self,
        parameter: &Var,
        gradient: &Tensor,
        state: Option<&mut Tensor>,
    ) -> Result<()> {
        let (old, shape) = (parameter.as_detached_tensor().flatten_all()?, parameter.shape().clone());
        let gradient = gradient.flatten_all()?;
        let gradient = ((gradient * f64::from(self.scale))? + (&old * f64::from(self.coupled_decay))?)?;
        let moved = match (self.rule, state) {
            (Rule::Adam | Rule::AdamW, Some(state)) => {
                let (first, second) = (state.get(0)?, state.get(1)?);
                let first = (&first + ((&gradient - &first)? * (1.0 - BETA1))?)?;
                let second = ((second * BETA2)? + (gradient.sqr()? * (1.0 - BETA2))?)?;
                let root = ((second.sqrt()? / f64::from(self.correction_root))? + f64::from(EPSILON))?;
                let step = ((&first / root)? * f64::from(self.rate))?;
                *state = Tensor::stack(&[first, second], 0)?;
                ((old * f64::from(self.shrink))? - step)?
            }
            (Rule::RmsProp, Some(state)) => {
                let second = ((state.get(0)? * ALPHA)? + (gradient.sqr()? * (1.0 - ALPHA))?)?;
                let step = ((gradient / (second.sqrt()? + f64::from(EPSILON))?)? * f64::from(self.rate))?;
                *state = second.unsqueeze(0)?;
                (old - step)?
            }
            _ => (old - (gradient * f64::from(self.rate))?)?,
        };
        parameter.set(&moved.reshape(shape)?)
    }
}

/// Zero instead of a subnormal number: moments of tokens that are long unseen decay into those, and
/// arithmetic on them is many times slower.
#[inline(always)]
fn flushed(value: f32) -> f32 {
    if value.abs() < f32::MIN_POSITIVE { 0.0 } else { value }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn slices_and_tensors_take_the_same_steps() {
        for rule in [Rule::Adam, Rule::AdamW, Rule::RmsProp, Rule::Sgd] {
            let mut slice: Vec<f32> = (0..40).map(|one| (one as f32 * 0.37).sin()).collect();
            let var = Var::from_slice(&slice, (5, 8), &Device::Cpu).unwrap();
            let mut moments = vec![0.0; 40 * rule.moments()];
            let mut state =
                Tensor::zeros((rule.moments().max(1), 40), candle_core::DType::F32, &Device::Cpu).unwrap();
            for step in 1..=6 {
                let size = StepSize::new(rule, 0.01, 0.1, step, 0.8);
                let gradient: Vec<f32> = (0..40).map(|one| (one as f32 * step as f32).cos()).collect();
                size.update_moments(&mut moments, &gradient, &slice);
                size.move_parameter(&mut slice, &gradient, &moments);
                let tensor = Tensor::from_slice(&gradient, (5, 8), &Device::Cpu).unwrap();
                size.step_tensors(&var, &tensor, Some(&mut state)).unwrap();
            }
            let tensor = var.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            assert!(slice.iter().zip(&tensor).all(|(left, right)| (left - right).abs() < 2e-6), "{rule:?}");
        }
    }

    #[test]
    fn forgotten_moments_become_zero() {
        let mut state = [1e-38_f32, 1e-38];
        let size = StepSize::new(Rule::Adam, 0.1, 0.0, 1, 1.0);
        for _ in 0..3 {
            size.update_moments(&mut state, &[0.0], &[1.0]);
        }
        assert_eq!(state[0], 0.0);
    }
}
