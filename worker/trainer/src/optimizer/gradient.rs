//! Gradients as the forms of the model give them.

use std::collections::BTreeMap;
use std::ops::Range;

use candle_core::{DType, Tensor};
use pulp::Arch;

use crate::error::TrainError;
#[cfg(test)]
use crate::transfer::bring;

/// A parameter's gradient.
#[derive(Clone, Debug)]
pub(crate) enum Gradient {
    /// Of every element, on the CPU.
    Dense(Vec<f32>),
    /// Of some rows of a matrix, on the CPU; all others are zero.
    Rows {
        /// In rising order.
        rows: Vec<u32>,
        /// `[rows, columns]`.
        values: Vec<f32>,
    },
    /// Where the parameter lies; contiguous.
    Tensor(Tensor),
}

/// The gradients of all parameters by name.
pub(crate) type Gradients = BTreeMap<String, Gradient>;

/// Elements of zeros that a piece without gradient has at most.
const ZEROS: [f32; 1_024] = [0.0; 1_024];

impl Gradient {
    /// The sum of its squares, where the gradient lies.
    fn squares(&self) -> Result<Measured, TrainError> {
        Ok(match self {
            Self::Dense(values) | Self::Rows { values, .. } => Measured::Known(sum_of_squares(values)),
            Self::Tensor(tensor) => {
                Measured::OnDevice(tensor.sqr()?.sum_all()?.reshape(1)?.to_dtype(DType::F64)?)
            }
        })
    }

    /// Every element of `elements`.
    #[cfg(test)]
    pub(crate) fn to_dense(&self, elements: usize) -> Vec<f32> {
        if let Self::Tensor(tensor) = self {
            return bring(&[tensor]).expect("a tensor of f32");
        }
        let mut dense = vec![f32::NAN; elements];
        self.pieces(0..elements, |start, values| dense[start..start + values.len()].copy_from_slice(values));
        dense
    }

    /// Where a parameter of so many elements is cut into two parts: between rows.
    pub(super) fn cut(&self, elements: usize) -> usize {
        match self {
            Self::Rows { rows, values } if !rows.is_empty() => {
                let columns = values.len() / rows.len();
                elements / columns / 2 * columns
            }
            _ => elements / 2,
        }
    }

    /// The gradient of some elements, piece by piece: where each piece begins, and its numbers. The ends lie between
    /// rows.
    #[inline(always)]
    pub(super) fn pieces<'a>(&'a self, elements: Range<usize>, mut each: impl FnMut(usize, &'a [f32])) {
        match self {
            Self::Dense(values) => each(elements.start, &values[elements]),
            Self::Rows { rows, values } => {
                let columns = (values.len() / rows.len().max(1)).max(1);
                let mut done = elements.start;
                let first = rows.partition_point(|row| (*row as usize) * columns < elements.start);
                for (row, values) in rows.iter().zip(values.chunks_exact(columns)).skip(first) {
                    let start = *row as usize * columns;
                    if start >= elements.end {
                        break;
                    }
                    zeros(done..start, &mut each);
                    each(start, values);
                    done = start + columns;
                }
                zeros(done..elements.end, &mut each);
            }
            Self::Tensor(_) => {}
        }
    }
}

/// A number in double precision that the host knows, or that a device may not have computed yet.
#[derive(Clone, Debug)]
pub(crate) enum Measured {
    /// The host knows it.
    Known(f64),
    /// `[1]`.
    OnDevice(Tensor),
}

impl Measured {
    /// What is still to be brought.
    pub(crate) fn on_device(&self) -> Option<&Tensor> {
        match self {
            Self::Known(_) => None,
            Self::OnDevice(tensor) => Some(tensor),
        }
    }

    /// Waits for the device.
    #[cfg(test)]
    pub(crate) fn bring(&self) -> Result<f64, TrainError> {
        match self {
            Self::Known(number) => Ok(*number),
            Self::OnDevice(tensor) => Ok(bring(&[tensor])?.first().copied().unwrap_or(f64::NAN)),
        }
    }
}

/// The norm of all gradients together, accumulated in double precision: on the device, where one of them lies there. The host adds
/// them up in their order, and so does a CPU tensor; a GPU does it by a tree that is fixed for a machine.
pub(super) fn norm<'a>(gradients: impl Iterator<Item = &'a Gradient>) -> Result<Measured, TrainError> {
    let squares = gradients.map(Gradient::squares).collect::<Result<Vec<_>, _>>()?;
    let Some(device) = squares.iter().find_map(|one| Some(one.on_device()?.device().clone())) else {
        let known =
            squares.iter().filter_map(|one| if let Measured::Known(sum) = one { Some(*sum) } else { None });
        return Ok(Measured::Known(known.sum::<f64>().sqrt()));
    };
    let there = |one| match one {
        Measured::Known(sum) => Tensor::from_vec(vec![sum], 1, &device),
        Measured::OnDevice(tensor) => Ok(tensor),
    };
    let squares = squares.into_iter().map(there).collect::<candle_core::Result<Vec<_>>>()?;
    Ok(Measured::OnDevice(Tensor::cat(&squares, 0)?.sum_keepdim(0)?.sqrt()?))
}

#[inline(always)]
fn zeros<'a>(elements: Range<usize>, each: &mut impl FnMut(usize, &'a [f32])) {
    for start in elements.clone().step_by(ZEROS.len()) {
        each(start, &ZEROS[..(elements.end - start).min(ZEROS.len())]);
    }
}

fn sum_of_squares(values: &[f32]) -> f64 {
    // Sixteen sums at once, for speed; their order is fixed.
    let mut sums = [0.0_f64; 16];
    Arch::new().dispatch(|| {
        let mut blocks = values.chunks_exact(16);
        for block in &mut blocks {
            for (sum, value) in sums.iter_mut().zip(block) {
                *sum += f64::from(*value) * f64::from(*value);
            }
        }
        for (sum, value) in sums.iter_mut().zip(blocks.remainder()) {
            *sum += f64::from(*value) * f64::from(*value);
        }
    });
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_pieces_that_cover_all() {
        let gradient = Gradient::Rows { rows: vec![0, 700], values: vec![1.0, 2.0, 3.0, 4.0] };
        let mut all = Vec::new();
        let cut = gradient.cut(3_000);
        assert_eq!(cut, 1_500);
        for elements in [0..cut, cut..3_000] {
            gradient.pieces(elements, |start, values| {
                assert_eq!(start, all.len());
                all.extend_from_slice(values);
            });
        }
        assert_eq!(all.len(), 3_000);
        assert_eq!((all[..2].to_vec(), all[1_400..1_402].to_vec()), (vec![1.0, 2.0], vec![3.0, 4.0]));
        assert_eq!(all.iter().sum::<f32>(), 10.0);
        assert_eq!(norm([&gradient, &gradient].into_iter()).unwrap().bring().unwrap(), 60.0_f64.sqrt());
    }

    #[test]
    fn numbers_that_come_in_one_transfer_give_the_bits_of_those_that_come_one_by_one() {
        let device = candle_core::Device::Cpu;
        let tensor = |scale: f32, count: usize| {
            let values: Vec<f32> = (0..count).map(|at| scale * (at as f32).sin()).collect();
            Tensor::from_vec(values, (count / 2, 2), &device).unwrap()
        };
        let tensors = [tensor(0.3, 14), tensor(1e-4, 600), tensor(7.0, 2), tensor(0.01, 30)];
        let mut one_by_one = 0.0;
        for tensor in &tensors {
            one_by_one += f64::from(tensor.sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap());
        }
        let mut gradients: Vec<_> = tensors.into_iter().map(Gradient::Tensor).collect();
        let found = |gradients: &[Gradient]| norm(gradients.iter()).unwrap().bring().unwrap();
        assert_eq!(found(&gradients).to_bits(), one_by_one.sqrt().to_bits());
        gradients.insert(1, Gradient::Dense(vec![3.0]));
        let expected = found(&gradients);
        assert!((expected - (one_by_one + 9.0).sqrt()).abs() < 1e-12 * expected, "each number is its own");
    }
}
