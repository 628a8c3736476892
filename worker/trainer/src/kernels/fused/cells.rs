//! The arithmetic of each recurrent cell on vectors of units at one step.

use pulp::Simd;

use super::lanes::{
    halved, logistic, tanh, tanh_of_four, tanh_of_two, through_sigmoid, through_tanh, times_rest,
};

/// Most blocks that a cell keeps for one unit.
pub(super) const BLOCKS_MAX: usize = 4;

/// What a step gives.
pub(super) struct Stepped<V> {
    /// Kept for the backward pass, the first `BLOCKS` of them.
    pub(super) saved: [V; BLOCKS_MAX],
    pub(super) state: V,
    /// The memory after the step, of a cell that has one.
    pub(super) memory: V,
    /// Its `tanh`.
    pub(super) memory_tanh: V,
}

/// What a step had, for its backward pass.
pub(super) struct Had<V> {
    pub(super) saved: [V; BLOCKS_MAX],
    /// The state before.
    pub(super) before: V,
    pub(super) memory_before: V,
    pub(super) memory_tanh: V,
}

/// A cell's arithmetic. Gates stand in PyTorch's order.
pub(crate) trait FusedCell: Copy + Send + Sync + 'static {
    /// Blocks of gate rows in a weight matrix.
    const GATES: usize;
    /// Blocks kept for the backward pass, which turns them into gradients: those of the recurrent product
    /// first, gate by gate, then others.
    const BLOCKS: usize;
    /// For each gate, the block that holds the gradient of its projected input.
    const PROJECTED: [usize; BLOCKS_MAX];
    /// Whether there is a memory beside the state.
    const MEMORY: bool;

    /// What the recurrent product is added to. `bias` has `BLOCKS` blocks.
    #[inline(always)]
    fn start<S: Simd>(
        simd: S,
        projected: [S::f32s; BLOCKS_MAX],
        bias: [S::f32s; BLOCKS_MAX],
    ) -> [S::f32s; BLOCKS_MAX] {
        let mut sums = projected;
        for gate in 0..Self::GATES {
            sums[gate] = simd.add_f32s(projected[gate], bias[gate]);
        }
        sums
    }

    /// One step. `projected_last` is the last gate's projected input and `bias_last` the last block's bias.
    fn forward<S: Simd>(
        simd: S,
        sums: [S::f32s; BLOCKS_MAX],
        projected_last: S::f32s,
        bias_last: S::f32s,
        before: S::f32s,
        memory: S::f32s,
    ) -> Stepped<S::f32s>;

    /// The gradients of all blocks, and what is carried on to the step before beside the recurrent product,
    /// from the gradient of the state and what was carried to here.
    fn backward<S: Simd>(
        simd: S,
        gradient: S::f32s,
        carried: S::f32s,
        had: &Had<S::f32s>,
    ) -> ([S::f32s; BLOCKS_MAX], S::f32s);
}

/// `h' = tanh(W x + b + U h + c)`. Keeps the state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SimpleRnn;

impl FusedCell for SimpleRnn {
    const GATES: usize = 1;
    const BLOCKS: usize = 1;
    const PROJECTED: [usize; BLOCKS_MAX] = [0; BLOCKS_MAX];
    const MEMORY: bool = false;

    #[inline(always)]
    fn forward<S: Simd>(
        simd: S,
        sums: [S::f32s; BLOCKS_MAX],
        _projected_last: S::f32s,
        _bias_last: S::f32s,
        _before: S::f32s,
        memory: S::f32s,
    ) -> Stepped<S::f32s> {
        let state = tanh(simd, sums[0]);
        Stepped { saved: [state; BLOCKS_MAX], state, memory, memory_tanh: memory }
    }

    #[inline(always)]
    fn backward<S: Simd>(
        simd: S,
        gradient: S::f32s,
        carried: S::f32s,
        had: &Had<S::f32s>,
    ) -> ([S::f32s; BLOCKS_MAX], S::f32s) {
        ([through_tanh(simd, gradient, had.saved[0]); BLOCKS_MAX], carried)
    }
}

/// Long short-term memory; keeps the gates input, forget, cell, output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lstm;

impl FusedCell for Lstm {
    const GATES: usize = 4;
    const BLOCKS: usize = 4;
    const PROJECTED: [usize; BLOCKS_MAX] = [0, 1, 2, 3];
    const MEMORY: bool = true;

    #[inline(always)]
    fn forward<S: Simd>(
        simd: S,
        sums: [S::f32s; BLOCKS_MAX],
        _projected_last: S::f32s,
        _bias_last: S::f32s,
        _before: S::f32s,
        memory: S::f32s,
    ) -> Stepped<S::f32s> {
        let half = |gate: usize| halved(simd, sums[gate]);
        let [input, forget, cell, output] = tanh_of_four(simd, [half(0), half(1), sums[2], half(3)]);
        let (input, forget) = (logistic(simd, input), logistic(simd, forget));
        let output = logistic(simd, output);
        let memory = simd.mul_add_e_f32s(forget, memory, simd.mul_f32s(input, cell));
        let memory_tanh = tanh(simd, memory);
        let state = simd.mul_f32s(output, memory_tanh);
        Stepped { saved: [input, forget, cell, output], state, memory, memory_tanh }
    }

    #[inline(always)]
    fn backward<S: Simd>(
        simd: S,
        gradient: S::f32s,
        carried: S::f32s,
        had: &Had<S::f32s>,
    ) -> ([S::f32s; BLOCKS_MAX], S::f32s) {
        let [input, forget, cell, output] = had.saved;
        let through = through_tanh(simd, simd.mul_f32s(gradient, output), had.memory_tanh);
        let memory = simd.add_f32s(carried, through);
        let gradients = [
            through_sigmoid(simd, simd.mul_f32s(memory, cell), input),
            through_sigmoid(simd, simd.mul_f32s(memory, had.memory_before), forget),
            through_tanh(simd, simd.mul_f32s(memory, input), cell),
            through_sigmoid(simd, simd.mul_f32s(gradient, had.memory_tanh), output),
        ];
        (gradients, simd.mul_f32s(memory, forget))
    }
}

/// Gated recurrent unit with PyTorch's placement of the recurrent bias inside the reset product; keeps the
/// gates reset and update, the new gate's recurrent part, and the new gate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gru;

impl FusedCell for Gru {
    const GATES: usize = 3;
    const BLOCKS: usize = 4;
    const PROJECTED: [usize; BLOCKS_MAX] = [0, 1, 3, 3];
    const MEMORY: bool = false;

    #[inline(always)]
    fn start<S: Simd>(
        simd: S,
        projected: [S::f32s; BLOCKS_MAX],
        bias: [S::f32s; BLOCKS_MAX],
    ) -> [S::f32s; BLOCKS_MAX] {
        // The new gate's projected input stays outside: the reset gate multiplies its recurrent part alone.
        [simd.add_f32s(projected[0], bias[0]), simd.add_f32s(projected[1], bias[1]), bias[2], bias[3]]
    }

    #[inline(always)]
    fn forward<S: Simd>(
        simd: S,
        sums: [S::f32s; BLOCKS_MAX],
        projected_last: S::f32s,
        bias_last: S::f32s,
        before: S::f32s,
        memory: S::f32s,
    ) -> Stepped<S::f32s> {
        let [reset, update] = tanh_of_two(simd, [halved(simd, sums[0]), halved(simd, sums[1])]);
        let (reset, update, recurrent) = (logistic(simd, reset), logistic(simd, update), sums[2]);
        let projected = simd.add_f32s(projected_last, bias_last);
        let new = tanh(simd, simd.mul_add_e_f32s(reset, recurrent, projected));
        let state = simd.mul_add_e_f32s(update, before, times_rest(simd, new, update));
        Stepped { saved: [reset, update, recurrent, new], state, memory, memory_tanh: memory }
    }

    #[inline(always)]
    fn backward<S: Simd>(
        simd: S,
        gradient: S::f32s,
        carried: S::f32s,
        had: &Had<S::f32s>,
    ) -> ([S::f32s; BLOCKS_MAX], S::f32s) {
        let [reset, update, recurrent, new] = had.saved;
        let gradient = simd.add_f32s(gradient, carried);
        let through_new = through_tanh(simd, times_rest(simd, gradient, update), new);
        let difference = simd.sub_f32s(had.before, new);
        let gradients = [
            through_sigmoid(simd, simd.mul_f32s(through_new, recurrent), reset),
            through_sigmoid(simd, simd.mul_f32s(gradient, difference), update),
            simd.mul_f32s(through_new, reset),
            through_new,
        ];
        (gradients, simd.mul_f32s(gradient, update))
    }
}
