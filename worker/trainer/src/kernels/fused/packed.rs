//! Weights as the fused kernels read them, and gradients back into PyTorch's order.
//!
//! Units stand in panels of one vector each. A matrix column of a gate and a unit stands at
//! `[panel, gate, lane]`, so that the gates of the same units lie side by side.

use std::ops::Range;

use super::cells::FusedCell;
use crate::kernels::buffer::Buffer;

/// Where things stand for a cell, a layer's units and a vector's width.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    pub(super) gates: usize,
    pub(super) blocks: usize,
    pub(super) projected: [usize; super::cells::BLOCKS_MAX],
    /// Whether there is a memory beside the state.
    pub(super) memory: bool,
    /// Units as in the model.
    pub(super) units: usize,
    /// Units with those that fill the last vector up.
    pub(super) padded: usize,
    pub(super) lanes: usize,
}

impl Order {
    pub(super) fn of<C: FusedCell>(units: usize, padded: usize, lanes: usize) -> Self {
        Self {
            gates: C::GATES,
            blocks: C::BLOCKS,
            projected: C::PROJECTED,
            memory: C::MEMORY,
            units,
            padded,
            lanes,
        }
    }

    /// The first column of the second half of the panels, of `blocks` blocks each.
    pub(super) fn half(&self, blocks: usize) -> usize {
        self.padded / self.lanes / 2 * self.lanes * blocks
    }

    /// The place of a block of a unit among `blocks` of each.
    fn place(&self, unit: usize, block: usize, blocks: usize) -> usize {
        (unit / self.lanes * blocks + block) * self.lanes + unit % self.lanes
    }

    /// Input weights `[gate units, inputs]` as `[inputs padded, panel, gate, lane]`. Inputs come from sources of
    /// `source` numbers each, which are padded to `source_padded`.
    pub(super) fn pack_input(
        &self,
        packed: &mut Buffer,
        weights: &[f32],
        source: usize,
        source_padded: usize,
    ) {
        let (wide, inputs) = (self.gates * self.padded, weights.len() / (self.gates * self.units));
        let sources = inputs / source;
        packed.zero(sources * source_padded * wide);
        self.for_each_gate_panel(|gate, panel| {
            let column = self.place(panel.start, gate, self.gates);
            let rows = &weights[(gate * self.units + panel.start) * inputs..][..panel.len() * inputs];
            for input in 0..inputs {
                let row = input / source * source_padded + input % source;
                let packed = &mut packed[row * wide + column..][..panel.len()];
                packed.iter_mut().zip(rows.chunks_exact(inputs)).for_each(|(to, row)| *to = row[input]);
            }
        });
    }

    /// The gradient of input weights, `[inputs padded, panel, gate, lane]`, back to `[gate units, inputs]`.
    pub(super) fn unpack_input(&self, packed: &[f32], source: usize, source_padded: usize) -> Vec<f32> {
        self.unpack(packed, self.gates, source, source_padded)
    }

    /// The gradient of recurrent weights, `[unit padded, panel, block, lane]`, back to `[gate units, units]`.
    pub(super) fn unpack_recurrent(&self, packed: &[f32]) -> Vec<f32> {
        self.unpack(packed, self.blocks, self.units, self.padded)
    }

    /// Columns of `blocks` blocks of each unit, back to rows of each gate's units.
    fn unpack(&self, packed: &[f32], blocks: usize, source: usize, source_padded: usize) -> Vec<f32> {
        let wide = blocks * self.padded;
        let inputs = packed.len() / (source_padded * wide) * source;
        let mut weights = vec![0.0; self.gates * self.units * inputs];
        self.for_each_gate_panel(|gate, panel| {
            let column = self.place(panel.start, gate, blocks);
            let rows = &mut weights[(gate * self.units + panel.start) * inputs..][..panel.len() * inputs];
            for input in 0..inputs {
                let row = input / source * source_padded + input % source;
                let packed = &packed[row * wide + column..][..panel.len()];
                packed.iter().zip(rows.chunks_exact_mut(inputs)).for_each(|(from, row)| row[input] = *from);
            }
        });
        weights
    }

    /// Recurrent weights `[gate units, units]` as `[panel, unit, gate, lane]`.
    pub(super) fn pack_forward(&self, packed: &mut Buffer, weights: &[f32]) {
        packed.zero(self.gates * self.padded * self.padded);
        self.for_each_gate_panel(|gate, panel| {
            let place = (panel.start * self.padded * self.gates) + gate * self.lanes;
            let rows = &weights[(gate * self.units + panel.start) * self.units..][..panel.len() * self.units];
            for from in 0..self.units {
                let packed = &mut packed[place + from * self.gates * self.lanes..][..panel.len()];
                packed.iter_mut().zip(rows.chunks_exact(self.units)).for_each(|(to, row)| *to = row[from]);
            }
        });
    }

    /// Recurrent weights `[gate units, units]` as `[pair of panels, panel of gate rows, gate, lane of gate rows, unit
    /// of the pair]`.
    pub(super) fn pack_backward(&self, packed: &mut Buffer, weights: &[f32]) {
        let inner = self.gates * self.padded;
        packed.zero(inner * self.padded);
        self.for_each_gate_row(|gate, unit| {
            let gate_row = self.place(unit, gate, self.gates);
            let row = &weights[(gate * self.units + unit) * self.units..][..self.units];
            for (pair, values) in row.chunks(2 * self.lanes).enumerate() {
                let start = pair * 2 * self.lanes;
                let wide = (self.padded - start).min(2 * self.lanes);
                let to = start * inner + gate_row * wide;
                packed[to..to + values.len()].copy_from_slice(values);
            }
        });
    }

    /// Both biases `[gate units]` as `[panel, block, lane]`: their sum where the cell adds both at once.
    pub(super) fn pack_bias(&self, packed: &mut Buffer, input: &[f32], recurrent: &[f32]) {
        packed.zero(self.blocks * self.padded);
        self.for_each_gate_row(|gate, unit| {
            let from = gate * self.units + unit;
            packed[self.place(unit, gate, self.blocks)] += recurrent[from];
            packed[self.place(unit, self.projected[gate], self.blocks)] += input[from];
        });
    }

    /// The gradients of input and recurrent bias `[gate units]` from `[panel, block, lane]`.
    pub(super) fn unpack_bias(&self, packed: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let mut input = vec![0.0; self.gates * self.units];
        let mut recurrent = input.clone();
        self.for_each_gate_row(|gate, unit| {
            let to = gate * self.units + unit;
            recurrent[to] = packed[self.place(unit, gate, self.blocks)];
            input[to] = packed[self.place(unit, self.projected[gate], self.blocks)];
        });
        (input, recurrent)
    }

    /// Of block gradients `[panel, block, lane]`, adds those of the projected inputs to `[panel, gate, lane]`.
    #[inline(always)]
    pub(super) fn add_projected(&self, sums: &mut [f32], blocks: &[f32]) {
        self.for_each_projected(sums, blocks, |sum, value| *sum += value);
    }

    /// The same, over what was there.
    #[inline(always)]
    pub(super) fn copy_projected(&self, sums: &mut [f32], blocks: &[f32]) {
        self.for_each_projected(sums, blocks, |sum, value| *sum = value);
    }

    #[inline(always)]
    fn for_each_projected(&self, sums: &mut [f32], blocks: &[f32], each: impl Fn(&mut f32, f32)) {
        if self.gates == self.blocks {
            sums.iter_mut().zip(blocks).for_each(|(sum, value)| each(sum, *value));
            return;
        }
        let panels = sums.chunks_exact_mut(self.gates * self.lanes);
        for (sums, blocks) in panels.zip(blocks.chunks_exact(self.blocks * self.lanes)) {
            for (sums, block) in sums.chunks_exact_mut(self.lanes).zip(self.projected) {
                let blocks = &blocks[block * self.lanes..(block + 1) * self.lanes];
                sums.iter_mut().zip(blocks).for_each(|(sum, value)| each(sum, *value));
            }
        }
    }

    /// Calls with every gate and the units of every panel: sixteen columns of a transposition at a time keep the
    /// lines that it reads and writes in the cache.
    fn for_each_gate_panel(&self, mut each: impl FnMut(usize, Range<usize>)) {
        for gate in 0..self.gates {
            for first in (0..self.units).step_by(self.lanes) {
                each(gate, first..(first + self.lanes).min(self.units));
            }
        }
    }

    fn for_each_gate_row(&self, mut each: impl FnMut(usize, usize)) {
        for gate in 0..self.gates {
            for unit in 0..self.units {
                each(gate, unit);
            }
        }
    }
}
