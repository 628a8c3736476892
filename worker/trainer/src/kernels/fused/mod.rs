//! Recurrent layers on the CPU, written out: all steps of one layer and direction, forward and backward, over packed
//! rows. Automatic differentiation of a loop over steps would build a zero tensor of the whole input for every step.

/// Most rows of one product in registers.
const ROWS_MAX: usize = 6;

/// Runs a call for blocks of at most so many rows, as even as can be: `first` is a block's first row, `ROWS` its size.
macro_rules! in_row_blocks {
    ($rows:expr, $rows_max:expr, |$first:ident, $count:ident| $call:expr) => {{
        let rows: usize = $rows;
        let blocks = rows.div_ceil($rows_max);
        for block in 0..blocks {
            let ($first, end) = (rows * block / blocks, rows * (block + 1) / blocks);
            in_row_blocks!(@size end - $first, $count, $call, 1 2 3 4 5 6);
        }
    }};
    (@size $size:expr, $count:ident, $call:expr, $($number:literal)*) => {
        match $size {
            $($number => {
                const $count: usize = $number;
                $call;
            })*
            _ => unreachable!("blocks have at most {ROWS_MAX} rows"),
        }
    };
}

mod backward;
mod cells;
mod forward;
mod lanes;
mod packed;

use std::marker::PhantomData;
use std::ops::Range;

use pulp::Arch;

use super::buffer::Buffer;
use super::cell::Cell;
use super::gemm::{Matrix, multiply_by_rows, sum_of_products};
use super::layout::PackedLayout;
use super::threads::{in_two, on_items};

use backward::{BackwardPass, BackwardShard};
use cells::{Gru, Lstm, SimpleRnn};
use forward::{ForwardPass, ForwardShard};
use packed::Order;

pub(crate) use lanes::{Level, padded};

/// What one shard's rows leave behind in one layer and direction. Units are padded in all of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Track {
    /// `[positions, units]`, or each row's last state in reading order, `[rows, units]`, where not every state was wanted.
    states: Buffer,
    /// The gates, and after the backward pass their gradients: `[positions, panel, block, lane]`.
    blocks: Buffer,
    /// The state before each position, `[positions, units]`.
    before: Buffer,
    /// The memory before each position, `[positions, units]`.
    memory_before: Buffer,
    /// The `tanh` of the memory after each position, `[positions, units]`.
    memory_tanh: Buffer,
    /// The memory of each row at the step underway, `[rows, units]`.
    memory: Buffer,
    /// What goes back to each row's step before beside the recurrent product, `[rows, units]`.
    carried: Buffer,
    /// Sums of the block gradients, `[panel, block, lane]`.
    bias_gradient: Buffer,
}

impl Track {
    /// States `[positions, units]`, or the last of each row, `[rows, units]`.
    pub(crate) fn states(&self) -> &[f32] {
        &self.states
    }
}

/// One shard's input to a layer and direction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inputs<'a> {
    pub(crate) layout: &'a PackedLayout,
    /// Projected inputs without bias, `[some rows, projected width]`.
    pub(crate) projected: &'a [f32],
    /// Where each position's projected input stands.
    pub(crate) projected_rows: &'a [u32],
}

/// What is wanted of a forward pass beside each row's last state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// What the backward pass needs.
    pub(crate) gradients: bool,
    /// Every state.
    pub(crate) every_state: bool,
}

/// Gradients of one shard's states from above.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Above<'a> {
    /// Of every state, `[positions, units]`.
    Every(&'a [f32]),
    /// Of each row's last state in reading order, `[rows, units]`.
    Last(&'a [f32]),
}

/// One layer and direction with its weights in the kernels' order.
#[derive(Clone, Debug)]
pub(crate) struct Recurrence {
    cell: Cell,
    level: Level,
    order: Order,
    reverse: bool,
    /// Numbers of one source of inputs, and how many with padding.
    source: (usize, usize),
    input: Buffer,
    forward: Buffer,
    backward: Buffer,
    bias: Buffer,
}

/// Runs a block with the type of a cell's arithmetic.
macro_rules! with_cell {
    ($cell:expr, $name:ident => $body:expr) => {
        match $cell {
            Cell::SimpleRnn => {
                type $name = SimpleRnn;
                $body
            }
            Cell::Lstm => {
                type $name = Lstm;
                $body
            }
            Cell::Gru => {
                type $name = Gru;
                $body
            }
        }
    };
}

impl Recurrence {
    /// A direction of a layer whose inputs come in sources of `source` numbers, padded to `source_padded`.
    pub(crate) fn new(
        cell: Cell,
        level: Level,
        units: usize,
        reverse: bool,
        (source, source_padded): (usize, usize),
    ) -> Self {
        let (padded, lanes) = (padded(units), level.lanes());
        let order = with_cell!(cell, C => Order::of::<C>(units, padded, lanes));
        Self {
            cell,
            level,
            order,
            reverse,
            source: (source, source_padded),
            input: Buffer::default(),
            forward: Buffer::default(),
            backward: Buffer::default(),
            bias: Buffer::default(),
        }
    }

    /// Takes weights and biases over: `[gate units, inputs]`, `[gate units, units]`, `[gate units]` twice.
    pub(crate) fn pack(&mut self, input: &[f32], recurrent: &[f32], biases: [&[f32]; 2], train: bool) {
        let Self { order, source, input: packed_input, forward, backward, bias, .. } = self;
        in_two(
            || order.pack_input(packed_input, input, source.0, source.1),
            || {
                order.pack_forward(forward, recurrent);
                if train {
                    order.pack_backward(backward, recurrent);
                }
                order.pack_bias(bias, biases[0], biases[1]);
            },
        );
    }

    /// Units, padded.
    pub(crate) fn padded_units(&self) -> usize {
        self.order.padded
    }

    /// Units as in the model.
    pub(crate) fn model_units(&self) -> usize {
        self.order.units
    }

    /// Numbers in one row of projected inputs.
    pub(crate) fn projected_width(&self) -> usize {
        self.order.gates * self.order.padded
    }

    /// `out = x W`, or `out += x W` where `accumulate`, for inputs `[rows, source padded]` from one source.
    pub(crate) fn project(&self, out: &mut [f32], x: &[f32], source: usize, accumulate: bool) {
        let (inputs, wide) = (self.source.1, self.projected_width());
        let weights = &self.input[source * inputs * wide..(source + 1) * inputs * wide];
        let x = Matrix::new(x, x.len() / inputs, inputs);
        multiply_by_rows(out, x, Matrix::new(weights, inputs, wide), accumulate);
    }

    /// Runs all shards over all their steps.
    pub(crate) fn run(&self, inputs: &[Inputs<'_>], tracks: &mut [Track], wanted: Wanted) {
        let units = self.order.padded;
        let mut shards = Vec::with_capacity(tracks.len());
        for (inputs, track) in inputs.iter().zip(tracks) {
            let (rows, positions) = (inputs.layout.rows(), inputs.layout.positions());
            let kept = if wanted.gradients { positions } else { rows };
            let states = if wanted.every_state { positions } else { rows };
            track.states.fit(states * units);
            track.blocks.fit(kept * units * self.order.blocks);
            track.before.fit(positions * units);
            zero_first_states(inputs.layout, self.reverse, units, &mut track.before);
            if self.order.memory {
                track.memory_before.fit(kept * units);
                track.memory_tanh.fit(kept * units);
                track.memory.zero(rows * units);
            }
            shards.push(ForwardShard {
                layout: inputs.layout,
                projected: inputs.projected,
                projected_rows: inputs.projected_rows,
                track,
            });
        }
        on_items(&mut shards, |shards| {
            with_cell!(self.cell, C => self.level.run(ForwardPass::<'_, '_, C> {
                cell: PhantomData,
                units,
                reverse: self.reverse,
                wanted,
                weights: &self.forward,
                bias: &self.bias,
                shards,
            }));
        });
    }

    /// Turns the gates that [`Self::run`] kept into their gradients.
    pub(crate) fn run_back(&self, layouts: &[&PackedLayout], above: &[Above<'_>], tracks: &mut [Track]) {
        let units = self.order.padded;
        let mut shards = Vec::with_capacity(tracks.len());
        for ((layout, above), track) in layouts.iter().zip(above).zip(tracks) {
            track.carried.zero(layout.rows() * units);
            track.bias_gradient.zero(self.order.blocks * units);
            shards.push(BackwardShard { layout, above: *above, track });
        }
        on_items(&mut shards, |shards| {
            with_cell!(self.cell, C => self.level.run(BackwardPass::<'_, '_, C> {
                cell: PhantomData,
                units,
                reverse: self.reverse,
                weights: &self.backward,
                shards,
            }));
        });
    }

    /// The gradient of the recurrent weights in the kernels' order, from the gradients of all shards, summed in their
    /// order.
    pub(crate) fn recurrent_gradient(&self, tracks: &[Track]) -> Vec<f32> {
        let (units, wide) = (self.order.padded, self.order.blocks * self.order.padded);
        let mut pairs = Vec::with_capacity(tracks.len());
        for track in tracks {
            let positions = track.before.len() / units;
            let before = Matrix::new(&track.before, positions, units);
            pairs.push((before.transposed(), Matrix::new(&track.blocks, positions, wide)));
        }
        let mut weights = vec![0.0; units * wide];
        sum_of_products(&mut weights, &pairs, self.order.half(self.order.blocks));
        weights
    }

    /// The gradients of the input and the recurrent bias in PyTorch's order, summed in the shards' order.
    pub(crate) fn bias_gradients(&self, tracks: &[Track]) -> (Vec<f32>, Vec<f32>) {
        let mut bias = vec![0.0; self.order.blocks * self.order.padded];
        for track in tracks {
            bias.iter_mut().zip(track.bias_gradient.iter()).for_each(|(sum, value)| *sum += value);
        }
        self.order.unpack_bias(&bias)
    }

    /// For each row of `sums`, `[rows, projected width]`, the sum over its places, shard and position, of the gradients
    /// of projected inputs. Every row has a place.
    pub(crate) fn sum_projected_gradients<'p>(
        &self,
        sums: &mut [f32],
        tracks: &[Track],
        places: impl Fn(usize) -> &'p [(u32, u32)] + Sync,
    ) {
        let (order, wide) = (self.order, self.order.blocks * self.order.padded);
        let gradients = |(shard, position): (u32, u32)| {
            &tracks[shard as usize].blocks[position as usize * wide..(position as usize + 1) * wide]
        };
        let run = |first: usize, sums: &mut [f32]| {
            Arch::new().dispatch(|| {
                for (row, sum) in sums.chunks_exact_mut(self.projected_width()).enumerate() {
                    let Some((place, others)) = places(first + row).split_first() else { continue };
                    order.copy_projected(sum, gradients(*place));
                    for place in others {
                        order.add_projected(sum, gradients(*place));
                    }
                }
            });
        };
        let half = sums.len() / self.projected_width() / 2;
        let (above, below) = sums.split_at_mut(half * self.projected_width());
        in_two(|| run(0, above), || run(half, below));
    }

    /// The gradient of the projected inputs of every position, copied only where a cell keeps more beside it.
    pub(crate) fn projected_gradient<'a>(&self, track: &'a Track, copy: &'a mut Buffer) -> &'a [f32] {
        let order = self.order;
        if order.blocks == order.gates {
            return &track.blocks;
        }
        copy.fit(track.blocks.len() / order.blocks * order.gates);
        Arch::new().dispatch(|| order.copy_projected(copy, &track.blocks));
        copy
    }

    /// `out = gradient Wᵀ` (or added): the gradient of one source's inputs `[rows, source padded]` from that of
    /// projected inputs.
    pub(crate) fn project_back(&self, out: &mut [f32], gradient: &[f32], source: usize, accumulate: bool) {
        let (inputs, wide) = (self.source.1, self.projected_width());
        let weights = &self.input[source * inputs * wide..(source + 1) * inputs * wide];
        let gradient = Matrix::new(gradient, gradient.len() / wide, wide);
        multiply_by_rows(out, gradient, Matrix::new(weights, inputs, wide).transposed(), accumulate);
    }

    /// One source's part of the gradient of the input weights, in the kernels' order: `Σ xᵀ gradient` over pairs of
    /// inputs `[rows, source padded]` and gradients of projected inputs.
    pub(crate) fn input_gradient(&self, out: &mut [f32], pairs: &[(&[f32], &[f32])], source: usize) {
        let (inputs, wide) = (self.source.1, self.projected_width());
        let out = &mut out[source * inputs * wide..(source + 1) * inputs * wide];
        let mut matrices = Vec::with_capacity(pairs.len());
        for (x, gradient) in pairs {
            let rows = gradient.len() / wide;
            matrices.push((Matrix::new(x, rows, inputs).transposed(), Matrix::new(gradient, rows, wide)));
        }
        sum_of_products(out, &matrices, self.order.half(self.order.gates));
    }

    /// Numbers in the input weights in the kernels' order.
    pub(crate) fn input_size(&self) -> usize {
        self.input.len()
    }

    /// A gradient of the input weights in PyTorch's order.
    pub(crate) fn unpack_input(&self, packed: &[f32]) -> Vec<f32> {
        self.order.unpack_input(packed, self.source.0, self.source.1)
    }

    /// A gradient of the recurrent weights in PyTorch's order.
    pub(crate) fn unpack_recurrent(&self, packed: &[f32]) -> Vec<f32> {
        self.order.unpack_recurrent(packed)
    }
}

/// Rows have no state before their first step.
fn zero_first_states(layout: &PackedLayout, reverse: bool, units: usize, before: &mut [f32]) {
    for turn in 0..layout.steps() {
        let Some(turn) = layout.turn(turn, reverse) else { continue };
        let first = turn.now.start + turn.before.len();
        before[first * units..turn.now.end * units].fill(0.0);
    }
}

/// The step being written, and a neighbouring step, which may lie on either side.
#[inline(always)]
fn now_and_other<'a>(
    values: &'a mut [f32],
    width: usize,
    now: &Range<usize>,
    other: &Range<usize>,
) -> (&'a mut [f32], &'a [f32]) {
    if other.start < now.start || other.is_empty() {
        let (left, right) = values.split_at_mut(now.start * width);
        (&mut right[..now.len() * width], &left[other.start * width..other.end * width])
    } else {
        let (left, right) = values.split_at_mut(now.end * width);
        let shift = now.end * width;
        (&mut left[now.start * width..], &right[other.start * width - shift..other.end * width - shift])
    }
}
