//! The recurrent cells and what a fused kernel needs from each: arithmetic on one row at one step.

use super::lanes::{LANES, Lanes, load, sigmoid, store, tanh};

/// The recurrent cells. Adding one is a variant here, its arithmetic below and its reference form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    /// `h' = tanh(W x + b + U h + c)`.
    SimpleRnn,
    /// Long short-term memory with PyTorch's gate order: input, forget, cell, output.
    Lstm,
    /// Gated recurrent unit with PyTorch's gate order (reset, update, new) and its placement of the
    /// recurrent bias inside the reset product.
    Gru,
}

impl Cell {
    /// The cell of a configuration's word.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        match word {
            "simple_rnn" => Some(Self::SimpleRnn),
            "lstm" => Some(Self::Lstm),
            "gru" => Some(Self::Gru),
            _ => None,
        }
    }

    /// Blocks of gate rows in a weight matrix.
    pub(crate) fn gates(self) -> usize {
        match self {
            Self::SimpleRnn => SimpleRnn::GATES,
            Self::Lstm => Lstm::GATES,
            Self::Gru => Gru::GATES,
        }
    }
}

/// One row at one step, forward. `units` numbers in each block.
pub(super) struct ForwardRow<'a> {
    pub(super) units: usize,
    /// `W x + b`, a block for each gate.
    pub(super) projected: &'a [f32],
    /// `U h`, a block for each gate.
    pub(super) recurrent: &'a [f32],
    /// Recurrent bias, a block for each gate.
    pub(super) bias: &'a [f32],
    /// The state before.
    pub(super) hidden_before: &'a [f32],
    /// What the step before saved.
    pub(super) saved_before: &'a [f32],
    /// Out: the state.
    pub(super) hidden: &'a mut [f32],
    /// Out: what the backward pass and the next step need, `SAVED` blocks.
    pub(super) saved: &'a mut [f32],
}

/// One row at one step, backward.
pub(super) struct BackwardRow<'a> {
    pub(super) units: usize,
    pub(super) hidden: &'a [f32],
    pub(super) saved: &'a [f32],
    pub(super) hidden_before: &'a [f32],
    pub(super) saved_before: &'a [f32],
    /// Gradient of the state from above.
    pub(super) grad_output: &'a [f32],
    /// In: gradient of the state from the step after. Out: the part of the gradient of the state before
    /// that does not go through the recurrent product.
    pub(super) grad_hidden: &'a mut [f32],
    /// In and out: the same for the memory of an LSTM.
    pub(super) grad_memory: &'a mut [f32],
    /// Out: gradient of `projected`.
    pub(super) grad_projected: &'a mut [f32],
    /// Out: gradient of `recurrent`, where it is another one.
    pub(super) grad_recurrent: &'a mut [f32],
}

/// A cell's arithmetic.
pub(super) trait CellArithmetic: Send + Sync + 'static {
    /// Blocks of gate rows.
    const GATES: usize;
    /// Blocks kept for the backward pass.
    const SAVED: usize;
    /// Whether the gradients of the projected and the recurrent part differ.
    const SEPARATE: bool;
    const NAME: &'static str;

    fn forward(row: ForwardRow<'_>);
    fn backward(row: BackwardRow<'_>);
}

/// See [`Cell::SimpleRnn`].
pub(super) struct SimpleRnn;

impl CellArithmetic for SimpleRnn {
    const GATES: usize = 1;
    const SAVED: usize = 0;
    const SEPARATE: bool = false;
    const NAME: &'static str = "simple-rnn";

    #[inline(always)]
    fn forward(row: ForwardRow<'_>) {
        for at in (0..row.units).step_by(LANES) {
            let (x, u, b) = (load(row.projected, at), load(row.recurrent, at), load(row.bias, at));
            let mut hidden: Lanes = [0.0; LANES];
            for lane in 0..LANES {
                hidden[lane] = tanh(x[lane] + u[lane] + b[lane]);
            }
            store(row.hidden, at, &hidden);
        }
    }

    #[inline(always)]
    fn backward(row: BackwardRow<'_>) {
        for at in (0..row.units).step_by(LANES) {
            let hidden = load(row.hidden, at);
            let (above, after) = (load(row.grad_output, at), load(row.grad_hidden, at));
            let mut grad: Lanes = [0.0; LANES];
            for lane in 0..LANES {
                grad[lane] = (above[lane] + after[lane]) * (1.0 - hidden[lane] * hidden[lane]);
            }
            store(row.grad_projected, at, &grad);
            store(row.grad_hidden, at, &[0.0; LANES]);
        }
    }
}

/// See [`Cell::Lstm`]. Saves the gates input, forget, cell, output and the memory.
pub(super) struct Lstm;

impl CellArithmetic for Lstm {
    const GATES: usize = 4;
    const SAVED: usize = 5;
    const SEPARATE: bool = false;
    const NAME: &'static str = "lstm";

    #[inline(always)]
    fn forward(row: ForwardRow<'_>) {
        let units = row.units;
        for at in (0..units).step_by(LANES) {
            let sum = |gate: usize| {
                let (x, u, b) = (
                    block(row.projected, gate, units),
                    block(row.recurrent, gate, units),
                    block(row.bias, gate, units),
                );
                let (x, u, b) = (load(x, at), load(u, at), load(b, at));
                let mut sum: Lanes = [0.0; LANES];
                for lane in 0..LANES {
                    sum[lane] = x[lane] + u[lane] + b[lane];
                }
                sum
            };
            let (mut input, mut forget, mut cell, mut output) = (sum(0), sum(1), sum(2), sum(3));
            let mut memory = load(block(row.saved_before, 4, units), at);
            let mut hidden: Lanes = [0.0; LANES];
            for lane in 0..LANES {
                input[lane] = sigmoid(input[lane]);
                forget[lane] = sigmoid(forget[lane]);
                cell[lane] = tanh(cell[lane]);
                output[lane] = sigmoid(output[lane]);
                memory[lane] = forget[lane] * memory[lane] + input[lane] * cell[lane];
                hidden[lane] = output[lane] * tanh(memory[lane]);
            }
            for (gate, values) in [input, forget, cell, output, memory].iter().enumerate() {
                store(block_mut(row.saved, gate, units), at, values);
            }
            store(row.hidden, at, &hidden);
        }
    }

    #[inline(always)]
    fn backward(row: BackwardRow<'_>) {
        let units = row.units;
        for at in (0..units).step_by(LANES) {
            let saved = |gate: usize| load(block(row.saved, gate, units), at);
            let (input, forget, cell, output, memory) = (saved(0), saved(1), saved(2), saved(3), saved(4));
            let before = load(block(row.saved_before, 4, units), at);
            let (above, after) = (load(row.grad_output, at), load(row.grad_hidden, at));
            let mut grad_memory = load(row.grad_memory, at);
            let mut grads: [Lanes; 4] = [[0.0; LANES]; 4];
            for lane in 0..LANES {
                let (i, f, g, o) = (input[lane], forget[lane], cell[lane], output[lane]);
                let grad_hidden = above[lane] + after[lane];
                let squashed = tanh(memory[lane]);
                let grad = grad_memory[lane] + grad_hidden * o * (1.0 - squashed * squashed);
                grads[0][lane] = grad * g * i * (1.0 - i);
                grads[1][lane] = grad * before[lane] * f * (1.0 - f);
                grads[2][lane] = grad * i * (1.0 - g * g);
                grads[3][lane] = grad_hidden * squashed * o * (1.0 - o);
                grad_memory[lane] = grad * f;
            }
            for (gate, values) in grads.iter().enumerate() {
                store(block_mut(row.grad_projected, gate, units), at, values);
            }
            store(row.grad_memory, at, &grad_memory);
            store(row.grad_hidden, at, &[0.0; LANES]);
        }
    }
}

/// See [`Cell::Gru`]. Saves the gates reset, update, new and the new gate's recurrent part.
pub(super) struct Gru;

impl CellArithmetic for Gru {
    const GATES: usize = 3;
    const SAVED: usize = 4;
    const SEPARATE: bool = true;
    const NAME: &'static str = "gru";

    #[inline(always)]
    fn forward(row: ForwardRow<'_>) {
        let units = row.units;
        for at in (0..units).step_by(LANES) {
            let x = |gate: usize| load(block(row.projected, gate, units), at);
            let u = |gate: usize| {
                let (u, b) = (block(row.recurrent, gate, units), block(row.bias, gate, units));
                let (mut u, b) = (load(u, at), load(b, at));
                for lane in 0..LANES {
                    u[lane] += b[lane];
                }
                u
            };
            let (mut reset, mut update, mut new) = (x(0), x(1), x(2));
            let (reset_part, update_part, new_part) = (u(0), u(1), u(2));
            let before = load(row.hidden_before, at);
            let mut hidden: Lanes = [0.0; LANES];
            for lane in 0..LANES {
                reset[lane] = sigmoid(reset[lane] + reset_part[lane]);
                update[lane] = sigmoid(update[lane] + update_part[lane]);
                new[lane] = tanh(new[lane] + reset[lane] * new_part[lane]);
                hidden[lane] = (1.0 - update[lane]) * new[lane] + update[lane] * before[lane];
            }
            for (gate, values) in [reset, update, new, new_part].iter().enumerate() {
                store(block_mut(row.saved, gate, units), at, values);
            }
            store(row.hidden, at, &hidden);
        }
    }

    #[inline(always)]
    fn backward(row: BackwardRow<'_>) {
        let units = row.units;
        for at in (0..units).step_by(LANES) {
            let saved = |gate: usize| load(block(row.saved, gate, units), at);
            let (reset, update, new, new_part) = (saved(0), saved(1), saved(2), saved(3));
            let before = load(row.hidden_before, at);
            let (above, mut grad_hidden) = (load(row.grad_output, at), load(row.grad_hidden, at));
            let mut grads: [Lanes; 4] = [[0.0; LANES]; 4];
            for lane in 0..LANES {
                let (r, z, n) = (reset[lane], update[lane], new[lane]);
                let grad = above[lane] + grad_hidden[lane];
                let grad_new = grad * (1.0 - z) * (1.0 - n * n);
                grads[0][lane] = grad_new * new_part[lane] * r * (1.0 - r);
                grads[1][lane] = grad * (before[lane] - n) * z * (1.0 - z);
                grads[2][lane] = grad_new;
                grads[3][lane] = grad_new * r;
                grad_hidden[lane] = grad * z;
            }
            for gate in 0..3 {
                store(block_mut(row.grad_projected, gate, units), at, &grads[gate]);
                let recurrent = if gate == 2 { &grads[3] } else { &grads[gate] };
                store(block_mut(row.grad_recurrent, gate, units), at, recurrent);
            }
            store(row.grad_hidden, at, &grad_hidden);
        }
    }
}

#[inline(always)]
fn block(values: &[f32], gate: usize, units: usize) -> &[f32] {
    &values[gate * units..(gate + 1) * units]
}

#[inline(always)]
fn block_mut(values: &mut [f32], gate: usize, units: usize) -> &mut [f32] {
    &mut values[gate * units..(gate + 1) * units]
}
