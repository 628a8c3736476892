//! The reference form of the model's layers: plain candle ops, step by step, differentiated automatically.

use candle_core::{Result, Tensor};

use super::cell::Cell;
use super::layout::PackedLayout;

/// `x Wᵀ + b`: `x [rows, in]`, `W [out, in]`, `b [out]` give `[rows, out]`.
pub(crate) fn linear(x: &Tensor, weights: &Tensor, bias: &Tensor) -> Result<Tensor> {
    x.matmul(&weights.t()?)?.broadcast_add(bias)
}

/// All states `[positions, units]` of one layer and direction, in the packed layout, from projected inputs
/// `[positions, gates * units]`, recurrent weights `[gates * units, units]` and their bias. `reverse` reads each row
/// from its end.
pub(crate) fn recurrence(
    cell: Cell,
    layout: &PackedLayout,
    reverse: bool,
    projected: &Tensor,
    weights: &Tensor,
    bias: &Tensor,
) -> Result<Tensor> {
    let (_, units) = weights.dims2()?;
    let transposed = weights.t()?.contiguous()?;
    let none = Tensor::zeros((0, units), projected.dtype(), projected.device())?;
    let (mut hidden, mut memory) = (none.clone(), none);
    let mut states = vec![None; layout.steps()];
    for step in layout.reading_order(reverse) {
        let now = layout.step(step);
        let x = projected.narrow(0, now.start, now.len())?;
        let before = with_rows(&hidden, now.len())?;
        let recurrent = before.matmul(&transposed)?.broadcast_add(bias)?;
        hidden = match cell {
            Cell::SimpleRnn => (x + recurrent)?.tanh()?,
            Cell::Lstm => {
                let gates = (x + recurrent)?.chunk(4, 1)?;
                let kept = (sigmoid(&gates[1])? * with_rows(&memory, now.len())?)?;
                memory = (kept + (sigmoid(&gates[0])? * gates[2].tanh()?)?)?;
                (sigmoid(&gates[3])? * memory.tanh()?)?
            }
            Cell::Gru => {
                let (x, recurrent) = (x.chunk(3, 1)?, recurrent.chunk(3, 1)?);
                let reset = sigmoid(&(&x[0] + &recurrent[0])?)?;
                let update = sigmoid(&(&x[1] + &recurrent[1])?)?;
                let new = (&x[2] + (reset * &recurrent[2])?)?.tanh()?;
                (((1.0 - &update)? * new)? + (update * before)?)?
            }
        };
        states[step] = Some(hidden.clone());
    }
    Tensor::cat(&states.into_iter().flatten().collect::<Vec<_>>(), 0)
}

/// The logistic function through `tanh`, which overflows nowhere, forward or backward.
fn sigmoid(x: &Tensor) -> Result<Tensor> {
    ((x * 0.5)?.tanh()? * 0.5)? + 0.5
}

/// The first rows of a state; rows of zeros are added where it has fewer.
fn with_rows(state: &Tensor, rows: usize) -> Result<Tensor> {
    let (known, units) = state.dims2()?;
    if known == 0 {
        return Tensor::zeros((rows, units), state.dtype(), state.device());
    }
    if known >= rows {
        return state.narrow(0, 0, rows);
    }
    state.pad_with_zeros(0, 0, rows - known)
}
