//! The fast CPU path of a recurrence: one op for all steps of one layer and direction.
//!
//! The backward pass is written out: it walks the steps the other way, and forms the gradient of the
//! recurrent weights as one product over all steps. (Automatic differentiation of a loop over `narrow`
//! would build a zero tensor of the whole input for every step.)

use std::marker::PhantomData;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};
use pulp::Arch;

use super::cell::{BackwardRow, Cell, CellArithmetic, ForwardRow, Gru, Lstm, SimpleRnn};
use super::gemm::{Matrix, add_column_sums, multiply};
use super::layout::PackedLayout;
use super::slices::{packed_slice, with_slices};

/// All states of one layer and direction, `[positions, units]`, from the projected inputs
/// `[positions, gates * units]`, the recurrent weights `[gates * units, units]` and their bias.
pub(super) fn recurrence(
    cell: Cell,
    layout: &Arc<PackedLayout>,
    reverse: bool,
    projected: &Tensor,
    weights: &Tensor,
    bias: &Tensor,
) -> Result<Tensor> {
    let layout = Arc::clone(layout);
    match cell {
        Cell::SimpleRnn => projected.apply_op3(weights, bias, Recurrence::<SimpleRnn>::new(layout, reverse)),
        Cell::Lstm => projected.apply_op3(weights, bias, Recurrence::<Lstm>::new(layout, reverse)),
        Cell::Gru => projected.apply_op3(weights, bias, Recurrence::<Gru>::new(layout, reverse)),
    }
}

struct Recurrence<C> {
    layout: Arc<PackedLayout>,
    reverse: bool,
    /// What the forward pass leaves for the backward pass: `[positions, SAVED * units]`.
    saved: Mutex<Vec<f32>>,
    cell: PhantomData<C>,
}

impl<C: CellArithmetic> Recurrence<C> {
    fn new(layout: Arc<PackedLayout>, reverse: bool) -> Self {
        Self { layout, reverse, saved: Mutex::new(Vec::new()), cell: PhantomData }
    }

    fn forward(&self, projected: &[f32], weights: &[f32], bias: &[f32], units: usize) -> Vec<f32> {
        let (wide, kept) = (C::GATES * units, C::SAVED * units);
        let positions = self.layout.positions();
        let transposed = transpose(weights, wide, units);
        let mut hidden = vec![0.0; positions * units];
        let mut saved = vec![0.0; positions * kept];
        let mut recurrent = vec![0.0; self.layout.rows() * wide];
        let zeros = vec![0.0; kept.max(units)];
        let simd = Arch::new();
        for step in self.layout.reading_order(self.reverse) {
            let (now, before) = (self.layout.step(step), self.layout.before(step, self.reverse));
            let known = before.len();
            let (hidden_now, hidden_before) = now_and_before(&mut hidden, units, &now, &before);
            let (saved_now, saved_before) = now_and_before(&mut saved, kept, &now, &before);
            let product = &mut recurrent[..now.len() * wide];
            let (known_product, fresh_product) = product.split_at_mut(known * wide);
            let state = Matrix::new(hidden_before, known, units);
            multiply(known_product, state, Matrix::new(&transposed, units, wide), false);
            fresh_product.fill(0.0);
            let projected = &projected[now.start * wide..now.end * wide];
            simd.dispatch(|| {
                for row in 0..now.len() {
                    C::forward(ForwardRow {
                        units,
                        projected: nth(projected, row, wide),
                        recurrent: nth(product, row, wide),
                        bias,
                        hidden_before: if row < known {
                            nth(hidden_before, row, units)
                        } else {
                            &zeros[..units]
                        },
                        saved_before: if row < known { nth(saved_before, row, kept) } else { &zeros[..kept] },
                        hidden: nth_mut(hidden_now, row, units),
                        saved: nth_mut(saved_now, row, kept),
                    });
                }
            });
        }
        *self.saved.lock().unwrap_or_else(PoisonError::into_inner) = saved;
        hidden
    }

    fn backward(&self, weights: &[f32], hidden: &[f32], grad_output: &[f32], units: usize) -> Gradients {
        let (wide, kept) = (C::GATES * units, C::SAVED * units);
        let (rows, positions) = (self.layout.rows(), self.layout.positions());
        let guard = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        let saved = guard.as_slice();
        let separate = if C::SEPARATE { wide } else { 0 };
        let mut projected = vec![0.0; positions * wide];
        let mut recurrent = vec![0.0; positions * separate];
        let (mut grad_hidden, mut grad_memory) = (vec![0.0; rows * units], vec![0.0; rows * units]);
        let mut hidden_before = vec![0.0; positions * units];
        let zeros = vec![0.0; kept.max(units)];
        let simd = Arch::new();
        for step in self.layout.reading_order(self.reverse).rev() {
            let (now, before) = (self.layout.step(step), self.layout.before(step, self.reverse));
            let known = before.len();
            hidden_before[now.start * units..(now.start + known) * units]
                .copy_from_slice(&hidden[before.start * units..before.end * units]);
            let (projected_now, recurrent_now) = (
                &mut projected[now.start * wide..now.end * wide],
                &mut recurrent[now.start * separate..now.end * separate],
            );
            let (grad_hidden, grad_memory) = (&mut grad_hidden, &mut grad_memory);
            simd.dispatch(|| {
                for row in 0..now.len() {
                    let position = now.start + row;
                    C::backward(BackwardRow {
                        units,
                        hidden: nth(hidden, position, units),
                        saved: nth(saved, position, kept),
                        hidden_before: nth(&hidden_before, position, units),
                        saved_before: if row < known {
                            nth(saved, before.start + row, kept)
                        } else {
                            &zeros[..kept]
                        },
                        grad_output: nth(grad_output, position, units),
                        grad_hidden: nth_mut(grad_hidden, row, units),
                        grad_memory: nth_mut(grad_memory, row, units),
                        grad_projected: nth_mut(projected_now, row, wide),
                        grad_recurrent: nth_mut(recurrent_now, row, separate),
                    });
                }
            });
            let through = if C::SEPARATE { &*recurrent_now } else { &*projected_now };
            let through = Matrix::new(&through[..known * wide], known, wide);
            multiply(&mut grad_hidden[..known * units], through, Matrix::new(weights, wide, units), true);
        }
        drop(guard);
        let through = if C::SEPARATE { &recurrent } else { &projected };
        let mut grad_weights = vec![0.0; wide * units];
        let state = Matrix::new(&hidden_before, positions, units);
        multiply(&mut grad_weights, Matrix::new(through, positions, wide).transposed(), state, false);
        let mut grad_bias = vec![0.0; wide];
        add_column_sums(&mut grad_bias, through);
        Gradients { projected, weights: grad_weights, bias: grad_bias }
    }
}

struct Gradients {
    projected: Vec<f32>,
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl<C: CellArithmetic> CustomOp3 for Recurrence<C> {
    fn name(&self) -> &'static str {
        C::NAME
    }

    fn cpu_fwd(
        &self,
        projected: &CpuStorage,
        projected_layout: &Layout,
        weights: &CpuStorage,
        weights_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (_, units) = weights_layout.shape().dims2()?;
        let states = self.forward(
            packed_slice(projected, projected_layout)?,
            packed_slice(weights, weights_layout)?,
            packed_slice(bias, bias_layout)?,
            units,
        );
        Ok((CpuStorage::F32(states), Shape::from((self.layout.positions(), units))))
    }

    fn bwd(
        &self,
        projected: &Tensor,
        weights: &Tensor,
        bias: &Tensor,
        hidden: &Tensor,
        grad_hidden: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (_, units) = weights.dims2()?;
        let gradients = with_slices([weights, hidden, grad_hidden], |[weights, hidden, grad_hidden]| {
            self.backward(weights, hidden, grad_hidden, units)
        })?;
        let device = weights.device();
        Ok((
            Some(Tensor::from_vec(gradients.projected, projected.shape(), device)?),
            Some(Tensor::from_vec(gradients.weights, weights.shape(), device)?),
            Some(Tensor::from_vec(gradients.bias, bias.shape(), device)?),
        ))
    }
}

/// The step being written and the neighbouring step that was written before it, which may lie on either
/// side.
fn now_and_before<'a>(
    values: &'a mut [f32],
    width: usize,
    now: &Range<usize>,
    before: &Range<usize>,
) -> (&'a mut [f32], &'a [f32]) {
    if before.start < now.start || before.is_empty() {
        let (left, right) = values.split_at_mut(now.start * width);
        (&mut right[..now.len() * width], &left[before.start * width..before.end * width])
    } else {
        let (left, right) = values.split_at_mut(now.end * width);
        let shift = now.end * width;
        (&mut left[now.start * width..], &right[before.start * width - shift..before.end * width - shift])
    }
}

fn transpose(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let mut out = vec![0.0; values.len()];
    for row in 0..rows {
        for column in 0..columns {
            out[column * rows + row] = values[row * columns + column];
        }
    }
    out
}

#[inline(always)]
fn nth(values: &[f32], row: usize, width: usize) -> &[f32] {
    &values[row * width..(row + 1) * width]
}

#[inline(always)]
fn nth_mut(values: &mut [f32], row: usize, width: usize) -> &mut [f32] {
    &mut values[row * width..(row + 1) * width]
}
