//! Gradients as the forms of the model give them.

use std::collections::BTreeMap;
use std::ops::Range;

use candle_core::Tensor;
use pulp::Arch;

use crate::error::TrainError;

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
    /// On another device; contiguous.
    Tensor(Tensor),
}

/// The gradients of all parameters by name.
pub(crate) type Gradients = BTreeMap<String, Gradient>;

/// Elements of zeros that a piece without gradient has at most.
const ZEROS: [f32; 1_024] = [0.0; 1_024];

impl Gradient {
    /// From a graph's gradient.
    pub(crate) fn of(tensor: &Tensor) -> Result<Self, TrainError> {
        if tensor.device().is_cpu() {
            return Ok(Self::Dense(tensor.flatten_all()?.to_vec1()?));
        }
        Ok(Self::Tensor(tensor.contiguous()?))
    }

    /// The sum of its squares, where the gradient lies.
    fn squares(&self) -> Result<Squares, TrainError> {
        match self {
            Self::Dense(values) | Self::Rows { values, .. } => Ok(Squares::Known(sum_of_squares(values))),
            Self::Tensor(tensor) => Ok(Squares::OnDevice(tensor.sqr()?.sum_all()?.reshape(1)?)),
        }
    }

    /// Every element of `elements`.
    #[cfg(test)]
    pub(crate) fn to_dense(&self, elements: usize) -> Vec<f32> {
        if let Self::Tensor(tensor) = self {
            return tensor.flatten_all().and_then(|flat| flat.to_vec1()).expect("a tensor of f32");
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

/// A sum of squares.
enum Squares {
    Known(f64),
    /// One number on another device.
    OnDevice(Tensor),
}

/// The norm of all gradients together, accumulated in double precision, in their order. What lies on a device comes from there
/// in one transfer: each one waits for everything that the device has to do.
pub(super) fn norm<'a>(gradients: impl Iterator<Item = &'a Gradient>) -> Result<f64, TrainError> {
    let squares = gradients.map(Gradient::squares).collect::<Result<Vec<_>, _>>()?;
    let on_device: Vec<_> = squares
        .iter()
        .filter_map(|one| match one {
            Squares::Known(_) => None,
            Squares::OnDevice(tensor) => Some(tensor),
        })
        .collect();
    let brought =
        if on_device.is_empty() { Vec::new() } else { Tensor::cat(&on_device, 0)?.to_vec1::<f32>()? };
    let mut brought = brought.into_iter().map(f64::from);
    let sum: f64 = squares
        .iter()
        .map(|one| match one {
            Squares::Known(sum) => *sum,
            Squares::OnDevice(_) => brought.next().unwrap_or(f64::NAN),
        })
        .sum();
    Ok(sum.sqrt())
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
        assert_eq!(norm([&gradient, &gradient].into_iter()).unwrap(), 60.0_f64.sqrt());
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
        assert_eq!(norm(gradients.iter()).unwrap().to_bits(), one_by_one.sqrt().to_bits());
        gradients.insert(1, Gradient::Dense(vec![3.0]));
        let expected = norm(gradients.iter()).unwrap();
        assert!((expected - (one_by_one + 9.0).sqrt()).abs() < 1e-12 * expected, "each number is its own");
    }
}
