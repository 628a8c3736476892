//! All steps of one layer and direction, backward: the recurrent product of the step after's gate gradients stays
//! in registers until it has become this step's gate gradients, which take the place of the gates.

use std::marker::PhantomData;

use pulp::{Simd, WithSimd};

use super::cells::{BLOCKS_MAX, FusedCell, Had};
use super::lanes::{load, prefetch, store};
use super::{Above, ROWS_MAX, Track};
use crate::kernels::layout::{PackedLayout, Turn};

/// The weights of one layer and direction, and the shards that go back through it side by side.
pub(super) struct BackwardPass<'a, 'b, C> {
    pub(super) cell: PhantomData<C>,
    /// Units of the layer, padded.
    pub(super) units: usize,
    /// Whether the forward pass read rows from their ends.
    pub(super) reverse: bool,
    /// `[pair of panels, gate row, panel of the pair, lane]`; a last panel may stand alone.
    pub(super) weights: &'a [f32],
    pub(super) shards: &'a mut [BackwardShard<'b>],
}

/// One shard's way back through a layer and direction.
pub(super) struct BackwardShard<'a> {
    pub(super) layout: &'a PackedLayout,
    pub(super) above: Above<'a>,
    pub(super) track: &'a mut Track,
}

impl<C: FusedCell> WithSimd for BackwardPass<'_, '_, C> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let turns = self.shards.iter().map(|shard| shard.layout.steps()).max().unwrap_or(0);
        let (panels, inner) = (self.units / S::F32_LANES, C::GATES * self.units);
        for turn in (0..turns).rev() {
            for place in (0..panels).step_by(2) {
                let wide = (panels - place).min(2);
                let start = place * inner * S::F32_LANES;
                let weights = &self.weights[start..start + wide * inner * S::F32_LANES];
                let panel = Panel::<S> { weights: S::as_simd_f32s(weights).0, place, units: self.units };
                for shard in &mut *self.shards {
                    let Some(turn) = shard.layout.turn(turn, self.reverse) else { continue };
                    if wide == 2 {
                        step::<S, C, 2>(simd, &panel, shard, &turn);
                    } else {
                        step::<S, C, 1>(simd, &panel, shard, &turn);
                    }
                }
            }
        }
    }
}

/// One or two vectors of units.
struct Panel<'a, S: Simd> {
    weights: &'a [S::f32s],
    place: usize,
    units: usize,
}

/// All rows of one step.
#[inline(always)]
fn step<S: Simd, C: FusedCell, const WIDE: usize>(
    simd: S,
    panel: &Panel<'_, S>,
    shard: &mut BackwardShard<'_>,
    turn: &Turn,
) {
    let continuing = turn.after.len();
    in_row_blocks!(continuing, ROWS_MAX, |first, ROWS| {
        continue_rows::<S, C, WIDE, ROWS>(simd, panel, shard, turn, first);
    });
    for row in continuing..turn.now.len() {
        let mut gradient = [[simd.splat_f32s(0.0); WIDE]; 1];
        if let Above::Last(last) = shard.above {
            for (vector, gradient) in gradient[0].iter_mut().enumerate() {
                *gradient = load::<S>(last, row * panel.units + (panel.place + vector) * S::F32_LANES);
            }
        }
        finish_rows::<S, C, WIDE, 1>(simd, panel, shard, turn, row, &gradient);
    }
}

/// `ROWS` rows from `first` on, which went on to another step.
#[inline(always)]
fn continue_rows<S: Simd, C: FusedCell, const WIDE: usize, const ROWS: usize>(
    simd: S,
    panel: &Panel<'_, S>,
    shard: &mut BackwardShard<'_>,
    turn: &Turn,
    first: usize,
) {
    let wide = C::BLOCKS * panel.units;
    let mut gradients_after: [&[f32]; ROWS] = [&[]; ROWS];
    for (row, gradients) in gradients_after.iter_mut().enumerate() {
        let place = turn.after.start + first + row;
        *gradients = &shard.track.blocks[place * wide..(place + 1) * wide];
        // Needed when the products are done.
        let now = (turn.now.start + first + row) * wide + panel.place * C::BLOCKS * S::F32_LANES;
        prefetch(&shard.track.blocks[now..now + C::BLOCKS * WIDE * S::F32_LANES]);
    }
    let mut gradients = [[simd.splat_f32s(0.0); WIDE]; ROWS];
    products::<S, C, WIDE, ROWS>(simd, &mut gradients, &gradients_after, panel.weights);
    finish_rows::<S, C, WIDE, ROWS>(simd, panel, shard, turn, first, &gradients);
}

/// The gradients of states by the gate gradients of the step after.
#[inline(always)]
fn products<S: Simd, C: FusedCell, const WIDE: usize, const ROWS: usize>(
    simd: S,
    finished: &mut [[S::f32s; WIDE]; ROWS],
    gradients: &[&[f32]; ROWS],
    weights: &[S::f32s],
) {
    // An array of its own, indexed by constants alone once the loops are unrolled: only such a one stays in registers.
    let mut sums = [[simd.splat_f32s(0.0); WIDE]; ROWS];
    let gate_rows = C::GATES * S::F32_LANES;
    for (panel, weights) in weights.chunks_exact(gate_rows * WIDE).enumerate() {
        let mut rows: [&[f32]; ROWS] = [&[]; ROWS];
        for row in 0..ROWS {
            rows[row] = &gradients[row][panel * C::BLOCKS * S::F32_LANES..][..gate_rows];
        }
        for gate_row in 0..gate_rows {
            let weights = &weights[gate_row * WIDE..(gate_row + 1) * WIDE];
            for row in 0..ROWS {
                let gradient = simd.splat_f32s(rows[row][gate_row]);
                for vector in 0..WIDE {
                    sums[row][vector] = simd.mul_add_e_f32s(gradient, weights[vector], sums[row][vector]);
                }
            }
        }
    }
    for row in 0..ROWS {
        for vector in 0..WIDE {
            finished[row][vector] = sums[row][vector];
        }
    }
}

/// Turns the gates of `ROWS` rows into their gradients, from the gradients of their states.
#[inline(always)]
fn finish_rows<S: Simd, C: FusedCell, const WIDE: usize, const ROWS: usize>(
    simd: S,
    panel: &Panel<'_, S>,
    shard: &mut BackwardShard<'_>,
    turn: &Turn,
    first: usize,
    gradients: &[[S::f32s; WIDE]; ROWS],
) {
    let (units, zero) = (panel.units, simd.splat_f32s(0.0));
    let track = &mut *shard.track;
    for vector in 0..WIDE {
        let at = (panel.place + vector) * S::F32_LANES;
        let mut sums = [zero; BLOCKS_MAX];
        for row in 0..ROWS {
            let (running, kept) = ((first + row) * units + at, (turn.now.start + first + row) * units + at);
            let mut gradient = gradients[row][vector];
            if let Above::Every(every) = shard.above {
                gradient = simd.add_f32s(gradient, load::<S>(every, kept));
            }
            let blocks = &mut track.blocks[kept * C::BLOCKS..(kept + S::F32_LANES) * C::BLOCKS];
            let mut saved = [zero; BLOCKS_MAX];
            for (block, saved) in saved.iter_mut().enumerate().take(C::BLOCKS) {
                *saved = load::<S>(blocks, block * S::F32_LANES);
            }
            let had = Had {
                saved,
                before: load::<S>(&track.before, kept),
                memory_before: if C::MEMORY { load::<S>(&track.memory_before, kept) } else { zero },
                memory_tanh: if C::MEMORY { load::<S>(&track.memory_tanh, kept) } else { zero },
            };
            let carried = load::<S>(&track.carried, running);
            let (gradients, carried) = C::backward(simd, gradient, carried, &had);
            store::<S>(&mut track.carried, running, carried);
            for block in 0..C::BLOCKS {
                store::<S>(blocks, block * S::F32_LANES, gradients[block]);
                sums[block] = simd.add_f32s(sums[block], gradients[block]);
            }
        }
        for (block, sum) in sums.iter().enumerate().take(C::BLOCKS) {
            let to = at * C::BLOCKS + block * S::F32_LANES;
            let sum = simd.add_f32s(load::<S>(&track.bias_gradient, to), *sum);
            store::<S>(&mut track.bias_gradient, to, sum);
        }
    }
}
