//! The fused kernels agree with the reference, forward and backward.

use candle_core::{DType, Tensor, Var};
use proptest::prelude::*;

use super::*;
use crate::random::Stream;

fn numbers(purpose: &str, shape: (usize, usize), scale: f32) -> Tensor {
    let mut stream = Stream::new(5, purpose, 0);
    let values: Vec<f32> = (0..shape.0 * shape.1).map(|_| (stream.unit() * 2.0 - 1.0) * scale).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

fn largest_difference(left: &Tensor, right: &Tensor) -> f32 {
    let difference = (left - right).unwrap().abs().unwrap().flatten_all().unwrap();
    difference.max(0).unwrap().to_dtype(DType::F32).unwrap().to_scalar().unwrap()
}

/// Output and gradients of a weighted sum of all states.
fn run(kernels: Kernels, cell: Cell, lengths: &[usize], units: usize, reverse: bool) -> Vec<Tensor> {
    let layout = Arc::new(PackedLayout::new(lengths.to_vec()));
    let wide = cell.gates() * units;
    let x = Var::from_tensor(&numbers("x", (layout.positions(), 5), 1.0)).unwrap();
    let input = Var::from_tensor(&numbers("input", (wide, 5), 0.7)).unwrap();
    let input_bias = Var::from_tensor(&numbers("input bias", (1, wide), 0.5).squeeze(0).unwrap()).unwrap();
    let weights = Var::from_tensor(&numbers("weights", (wide, units), 1.0 / (units as f32).sqrt())).unwrap();
    let bias = Var::from_tensor(&numbers("bias", (1, wide), 0.5).squeeze(0).unwrap()).unwrap();
    let projected = kernels.linear(&x, &input, &input_bias).unwrap();
    let states = kernels.recurrence(cell, &layout, reverse, &projected, &weights, &bias).unwrap();
    let weighting = numbers("weighting", (layout.positions(), units), 1.0);
    let grads = (&states * weighting).unwrap().sum_all().unwrap().backward().unwrap();
    let mut all = vec![states];
    all.extend([&x, &input, &input_bias, &weights, &bias].map(|var| grads.get(var).unwrap().clone()));
    all
}

fn assert_agreement(cell: Cell, lengths: &[usize], units: usize, reverse: bool) {
    let fused = run(Kernels::FusedCpu, cell, lengths, units, reverse);
    let reference = run(Kernels::Reference, cell, lengths, units, reverse);
    for (place, (fused, reference)) in fused.iter().zip(&reference).enumerate() {
        let scale = 1.0 + largest_difference(reference, &reference.zeros_like().unwrap());
        let difference = largest_difference(fused, reference) / scale;
        assert!(
            difference < 2e-6,
            "{cell:?} {lengths:?} {units} reverse {reverse}: tensor {place}: {difference}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn fused_and_reference_agree(
        mut lengths in proptest::collection::vec(1_usize..9, 1..9),
        units in 1_usize..40,
        reverse in any::<bool>(),
        cell in prop_oneof![Just(Cell::SimpleRnn), Just(Cell::Lstm), Just(Cell::Gru)],
    ) {
        lengths.sort_unstable_by(|left, right| right.cmp(left));
        assert_agreement(cell, &lengths, units, reverse);
    }
}

#[test]
fn long_rows_of_whole_blocks_agree() {
    for cell in [Cell::SimpleRnn, Cell::Lstm, Cell::Gru] {
        assert_agreement(cell, &[60, 59, 31, 31, 2, 1], 32, false);
        assert_agreement(cell, &[60, 59, 31, 31, 2, 1], 32, true);
    }
}
