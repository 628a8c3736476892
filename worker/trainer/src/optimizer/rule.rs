//! The update rules, with PyTorch's definitions and defaults, over slices and over tensors.
//!
//! Adam: Kingma and Ba 2015; AdamW: Loshchilov and Hutter 2019; RMSprop as in `torch.optim.RMSprop`
//! without momentum or centring; SGD without momentum. Adding one is a variant here and an arm in each
//! function.

use candle_core::{Result, Tensor, Var};
use pulp::Arch;

use super::Gradient;
use crate::kernels::in_two;

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
    /// Added to the gradient, times the parameter.
    coupled_decay: f32,
    /// The parameter is multiplied by this first.
    shrink: f32,
    /// Learning rate, with Adam's correction of the first moment.
    rate: f32,
    /// What Adam's correction of the second moment makes of its root.
    correction: f32,
}

impl StepSize {
    pub(super) fn new(rule: Rule, learning_rate: f64, weight_decay: f64, step: u64) -> Self {
        let bias = |beta: f64| 1.0 - beta.powf(step as f64);
        let (rate, correction) = match rule {
            Rule::Adam | Rule::AdamW => (learning_rate / bias(BETA1), 1.0 / bias(BETA2).sqrt()),
            Rule::RmsProp | Rule::Sgd => (learning_rate, 1.0),
        };
        let decoupled = rule == Rule::AdamW;
        Self {
            rule,
            coupled_decay: if decoupled { 0.0 } else { weight_decay as f32 },
            shrink: if decoupled { (1.0 - learning_rate * weight_decay) as f32 } else { 1.0 },
            rate: rate as f32,
            correction: correction as f32,
        }
    }

    /// Moves a parameter and its moments, `[moments, elements]`, in place. The gradient is multiplied by `scale` first: clipping.
    pub(super) fn step(&self, parameter: &mut [f32], moments: &mut [f32], gradient: &Gradient, scale: f32) {
        let (elements, cut) = (parameter.len(), gradient.cut(parameter.len()));
        let (first, second) = moments.split_at_mut(if self.rule.moments() == 0 { 0 } else { elements });
        let (parameter, parameter_end) = parameter.split_at_mut(cut);
        let (first, first_end) = first.split_at_mut(first.len().min(cut));
        let (second, second_end) = second.split_at_mut(second.len().min(cut));
        in_two(
            || self.step_part(parameter, [first, second], (gradient, scale), 0),
            || self.step_part(parameter_end, [first_end, second_end], (gradient, scale), cut),
        );
    }

    /// The elements from `from` on.
    fn step_part(
        &self,
        parameter: &mut [f32],
        [first, second]: [&mut [f32]; 2],
        (gradient, scale): (&Gradient, f32),
        from: usize,
    ) {
        let size = *self;
        Arch::new().dispatch(|| {
            gradient.pieces(from..from + parameter.len(), |start, gradient| {
                let range = start - from..start - from + gradient.len();
                let parameter = &mut parameter[range.clone()];
                match size.rule {
                    Rule::Adam | Rule::AdamW => {
                        let moments = [&mut first[range.clone()], &mut second[range]];
                        size.adam(parameter, moments, gradient, scale);
                    }
                    Rule::RmsProp => size.rms_prop(parameter, &mut first[range], gradient, scale),
                    Rule::Sgd => size.descend(parameter, gradient, scale),
                }
            });
        });
    }

    #[inline(always)]
    fn adam(&self, parameter: &mut [f32], [first, second]: [&mut [f32]; 2], gradient: &[f32], scale: f32) {
        for (((parameter, first), second), gradient) in
            parameter.iter_mut().zip(first).zip(second).zip(gradient)
        {
            let gradient = self.effective(*gradient * scale, *parameter);
            *first = flushed(*first + (gradient - *first) * (1.0 - BETA1) as f32);
            *second = flushed(*second * BETA2 as f32 + gradient * gradient * (1.0 - BETA2) as f32);
            let root = second.sqrt() * self.correction + EPSILON;
            *parameter = *parameter * self.shrink - self.rate * *first / root;
        }
    }

    #[inline(always)]
    fn rms_prop(&self, parameter: &mut [f32], second: &mut [f32], gradient: &[f32], scale: f32) {
        for ((parameter, second), gradient) in parameter.iter_mut().zip(second).zip(gradient) {
            let gradient = self.effective(*gradient * scale, *parameter);
            *second = flushed(*second * ALPHA as f32 + gradient * gradient * (1.0 - ALPHA) as f32);
            *parameter -= self.rate * gradient / (second.sqrt() + EPSILON);
        }
    }

    #[inline(always)]
    fn descend(&self, parameter: &mut [f32], gradient: &[f32], scale: f32) {
        for (parameter, gradient) in parameter.iter_mut().zip(gradient) {
            *parameter -= self.rate * self.effective(*gradient * scale, *parameter);
        }
    }

    /// The clipped gradient with coupled weight decay.
    #[inline(always)]
    fn effective(&self, clipped: f32, parameter: f32) -> f32 {
        clipped + self.coupled_decay * parameter
    }

    /// The whole step as tensor operations on any device; `scale` is `[1]`.
    pub(super) fn step_tensors(
        &self,
        parameter: &Var,
        gradient: &Tensor,
        scale: &Tensor,
        state: Option<&mut Tensor>,
    ) -> Result<()> {
        let (old, shape) = (parameter.as_detached_tensor().flatten_all()?, parameter.shape().clone());
        let gradient = gradient.flatten_all()?;
        let gradient = (gradient.broadcast_mul(scale)? + (&old * f64::from(self.coupled_decay))?)?;
        let moved = match (self.rule, state) {
            (Rule::Adam | Rule::AdamW, Some(state)) => {
                let (first, second) = (state.get(0)?, state.get(1)?);
                let first = (&first + ((&gradient - &first)? * (1.0 - BETA1))?)?;
                let second = ((second * BETA2)? + (gradient.sqr()? * (1.0 - BETA2))?)?;
                let root = ((second.sqrt()? * f64::from(self.correction))? + f64::from(EPSILON))?;
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
            let scale = Tensor::from_slice(&[0.8_f32], 1, &Device::Cpu).unwrap();
            for step in 1..=6 {
                let size = StepSize::new(rule, 0.01, 0.1, step);
                let gradient: Vec<f32> = (0..40).map(|one| (one as f32 * step as f32).cos()).collect();
                let tensor = Tensor::from_slice(&gradient, (5, 8), &Device::Cpu).unwrap();
                size.step(&mut slice, &mut moments, &Gradient::Dense(gradient), 0.8);
                size.step_tensors(&var, &tensor, &scale, Some(&mut state)).unwrap();
            }
            let tensor = var.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            assert!(slice.iter().zip(&tensor).all(|(left, right)| (left - right).abs() < 2e-6), "{rule:?}");
        }
    }

    #[test]
    fn forgotten_moments_become_zero() {
        let (mut state, mut parameter) = ([1e-38_f32, 1e-38], [1.0]);
        let size = StepSize::new(Rule::Adam, 0.1, 0.0, 1);
        for _ in 0..3 {
            size.step(&mut parameter, &mut state, &Gradient::Dense(vec![0.0]), 1.0);
        }
        assert_eq!(state[0], 0.0);
    }
}
