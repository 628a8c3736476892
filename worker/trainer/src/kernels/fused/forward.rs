//! All steps of one layer and direction, forward: the recurrent product of a few rows and one vector of units
//! stays in registers until the gates' nonlinearities have used it.

use std::marker::PhantomData;

use pulp::{Simd, WithSimd};

use super::cells::{BLOCKS_MAX, FusedCell};
use super::lanes::{load, prefetch, store};
use super::{ROWS_MAX, Track, Wanted, now_and_other};
use crate::kernels::layout::{PackedLayout, Turn};

/// The weights of one layer and direction, and the shards that go through it side by side: at each step a panel of
/// weights serves all of them while it is in the cache.
pub(super) struct ForwardPass<'a, 'b, C> {
    pub(super) cell: PhantomData<C>,
    /// Units of the layer, padded.
    pub(super) units: usize,
    /// Whether rows are read from their ends.
    pub(super) reverse: bool,
    pub(super) wanted: Wanted,
    /// `[panel, unit, gate, lane]`.
    pub(super) weights: &'a [f32],
    /// `[panel, block, lane]`.
    pub(super) bias: &'a [f32],
    pub(super) shards: &'a mut [ForwardShard<'b>],
}

/// One shard's way through a layer and direction.
pub(super) struct ForwardShard<'a> {
    pub(super) layout: &'a PackedLayout,
    /// Projected inputs, `[some rows, panel, gate, lane]`, without bias.
    pub(super) projected: &'a [f32],
    /// Where each position's projected input stands.
    pub(super) projected_rows: &'a [u32],
    pub(super) track: &'a mut Track,
}

impl<C: FusedCell> WithSimd for ForwardPass<'_, '_, C> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let turns = self.shards.iter().map(|shard| shard.layout.steps()).max().unwrap_or(0);
        // Accumulators of all gates, one row of weights and one state must fit the registers.
        let rows_max = if S::REGISTER_COUNT >= 32 || C::GATES == 1 { ROWS_MAX } else { ROWS_MAX / 2 };
        for turn in 0..turns {
            for panel in 0..self.units / S::F32_LANES {
                let size = C::GATES * self.units * S::F32_LANES;
                let panel = Panel::<S> {
                    weights: S::as_simd_f32s(&self.weights[panel * size..(panel + 1) * size]).0,
                    bias: load_blocks::<S>(
                        &self.bias[panel * C::BLOCKS * S::F32_LANES..],
                        C::BLOCKS,
                        simd.splat_f32s(0.0),
                    ),
                    place: panel,
                    units: self.units,
                    wanted: self.wanted,
                };
                for shard in &mut *self.shards {
                    let Some(turn) = shard.layout.turn(turn, self.reverse) else { continue };
                    in_row_blocks!(turn.now.len(), rows_max, |first, ROWS| {
                        step_rows::<S, C, ROWS>(simd, &panel, shard, &turn, first);
                    });
                }
            }
        }
    }
}

/// One vector of units.
struct Panel<'a, S: Simd> {
    weights: &'a [S::f32s],
    bias: [S::f32s; BLOCKS_MAX],
    place: usize,
    units: usize,
    wanted: Wanted,
}

#[inline(always)]
fn load_blocks<S: Simd>(values: &[f32], count: usize, other: S::f32s) -> [S::f32s; BLOCKS_MAX] {
    let mut blocks = [other; BLOCKS_MAX];
    for (place, block) in blocks.iter_mut().enumerate().take(count) {
        *block = load::<S>(values, place * S::F32_LANES);
    }
    blocks
}

/// `ROWS` rows from `first` on, one vector of units, at one step.
#[inline(always)]
fn step_rows<S: Simd, C: FusedCell, const ROWS: usize>(
    simd: S,
    panel: &Panel<'_, S>,
    shard: &mut ForwardShard<'_>,
    turn: &Turn,
    first: usize,
) {
    let (units, at) = (panel.units, panel.place * S::F32_LANES);
    let track = &mut *shard.track;
    let (before_after, before) = now_and_other(&mut track.before, units, &turn.after, &turn.now);
    let zero = simd.splat_f32s(0.0);
    let mut rows_before: [&[f32]; ROWS] = [&[]; ROWS];
    let mut projected: [&[f32]; ROWS] = [&[]; ROWS];
    let wide = C::GATES * units;
    for row in 0..ROWS {
        let place = first + row;
        rows_before[row] = &before[place * units..(place + 1) * units];
        let from = shard.projected_rows[turn.now.start + place] as usize * wide + at * C::GATES;
        projected[row] = &shard.projected[from..from + C::GATES * S::F32_LANES];
        prefetch(projected[row]);
    }
    let mut sums = [[zero; BLOCKS_MAX]; ROWS];
    gate_sums::<S, C, ROWS>(simd, &mut sums, &projected, &rows_before, panel);
    for row in 0..ROWS {
        let place = first + row;
        let (running, now) = (place * units + at, (turn.now.start + place) * units + at);
        let kept = if panel.wanted.gradients { now } else { running };
        let memory = if C::MEMORY { load::<S>(&track.memory, running) } else { zero };
        let projected_last = load::<S>(projected[row], (C::GATES - 1) * S::F32_LANES);
        let before = load::<S>(rows_before[row], at);
        let stepped = C::forward(simd, sums[row], projected_last, panel.bias[C::BLOCKS - 1], before, memory);
        let goes_on = place < turn.after.len();
        if goes_on {
            store::<S>(before_after, running, stepped.state);
        }
        if panel.wanted.every_state {
            store::<S>(&mut track.states, now, stepped.state);
        } else if !goes_on {
            store::<S>(&mut track.states, running, stepped.state);
        }
        for block in 0..C::BLOCKS {
            let to = kept * C::BLOCKS + block * S::F32_LANES;
            store::<S>(&mut track.blocks, to, stepped.saved[block]);
        }
        if C::MEMORY {
            store::<S>(&mut track.memory_before, kept, memory);
            store::<S>(&mut track.memory_tanh, kept, stepped.memory_tanh);
            store::<S>(&mut track.memory, running, stepped.memory);
        }
    }
}

/// What goes into the gates: projected inputs, bias, and the product of states and weights.
#[inline(always)]
fn gate_sums<S: Simd, C: FusedCell, const ROWS: usize>(
    simd: S,
    finished: &mut [[S::f32s; BLOCKS_MAX]; ROWS],
    projected: &[&[f32]; ROWS],
    states: &[&[f32]; ROWS],
    panel: &Panel<'_, S>,
) {
    let zero = simd.splat_f32s(0.0);
    // An array of its own, indexed by constants alone once the loops are unrolled: only such a one stays in registers.
    let mut sums = [[zero; BLOCKS_MAX]; ROWS];
    let inner = panel.weights.len() / C::GATES;
    let mut rows: [&[f32]; ROWS] = [&[]; ROWS];
    for row in 0..ROWS {
        rows[row] = &states[row][..inner];
    }
    for (unit, weights) in panel.weights.chunks_exact(C::GATES).enumerate() {
        for row in 0..ROWS {
            let state = simd.splat_f32s(rows[row][unit]);
            for gate in 0..C::GATES {
                sums[row][gate] = simd.mul_add_e_f32s(state, weights[gate], sums[row][gate]);
            }
        }
    }
    for row in 0..ROWS {
        let start = C::start(simd, load_blocks::<S>(projected[row], C::GATES, zero), panel.bias);
        for gate in 0..BLOCKS_MAX {
            finished[row][gate] = simd.add_f32s(start[gate], sums[row][gate]);
        }
    }
}
