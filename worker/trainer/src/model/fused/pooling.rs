//! Pooling of one shard's states in one direction, and its gradient.

use crate::kernels::fused::Above;
use crate::kernels::{Buffer, PackedLayout};
use crate::model::pooling::Pooling;

/// One shard's pooled states and what their gradient needs.
#[derive(Clone, Debug, Default)]
pub(super) struct Pooled {
    /// `[rows, units]`, units padded.
    pub(super) values: Buffer,
    /// The position of each maximum, `[rows, units]`.
    best: Vec<usize>,
    /// The gradient of every state, `[positions, units]`, where it is not that of the last ones alone.
    gradient: Buffer,
}

impl Pooled {
    /// Pools states `[positions, units]`, or last ones, `[rows, units]`, where those are all that counts.
    pub(super) fn pool(&mut self, pooling: Pooling, states: &[f32], layout: &PackedLayout, units: usize) {
        let values = &mut self.values;
        values.fit(layout.rows() * units);
        match pooling {
            Pooling::Last => values.copy_from_slice(states),
            Pooling::Mean => {
                values.fill(0.0);
                for step in 0..layout.steps() {
                    let now = layout.step(step);
                    let states = &states[now.start * units..now.end * units];
                    values.iter_mut().zip(states).for_each(|(sum, state)| *sum += state);
                }
                for (row, length) in values.chunks_exact_mut(units).zip(layout.lengths()) {
                    row.iter_mut().for_each(|value| *value *= 1.0 / *length as f32);
                }
            }
            Pooling::Max => {
                values.copy_from_slice(&states[..layout.rows() * units]);
                self.best.clear();
                self.best.extend(0..layout.rows() * units);
                for step in 1..layout.steps() {
                    let now = layout.step(step);
                    let places = now.start * units..now.end * units;
                    for ((high, best), place) in values.iter_mut().zip(&mut self.best).zip(places) {
                        // NaN wins, so that it is not hidden.
                        if states[place] > *high || states[place].is_nan() {
                            (*high, *best) = (states[place], place);
                        }
                    }
                }
            }
        }
    }

    /// The gradient of the states, from that of the pooled ones, `[rows, units]` with padded units.
    pub(super) fn back<'a>(
        &'a mut self,
        pooling: Pooling,
        pooled: &'a [f32],
        layout: &PackedLayout,
        units: usize,
    ) -> Above<'a> {
        let gradient = &mut self.gradient;
        match pooling {
            Pooling::Last => return Above::Last(pooled),
            Pooling::Mean => {
                gradient.fit(layout.positions() * units);
                for step in 0..layout.steps() {
                    let now = layout.step(step);
                    let rows = gradient[now.start * units..now.end * units].chunks_exact_mut(units);
                    for ((to, from), length) in rows.zip(pooled.chunks_exact(units)).zip(layout.lengths()) {
                        let share = 1.0 / *length as f32;
                        to.iter_mut().zip(from).for_each(|(to, from)| *to = from * share);
                    }
                }
            }
            Pooling::Max => {
                gradient.zero(layout.positions() * units);
                for (best, from) in self.best.iter().zip(pooled) {
                    gradient[*best] += from;
                }
            }
        }
        Above::Every(gradient)
    }
}
