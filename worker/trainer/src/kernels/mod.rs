//! The seam between models and arithmetic: each operation has a reference form of plain candle ops, which
//! runs on any device, and a fast form for the CPU, which is checked against it.

mod cell;
mod fused;
mod gemm;
mod lanes;
mod layout;
mod linear;
mod reference;
mod slices;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use candle_core::{Device, Result, Tensor};

pub(crate) use cell::Cell;
pub(crate) use layout::PackedLayout;
pub(crate) use slices::{packed_slice, packed_slice_mut, with_slices};

/// Which form of the operations runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kernels {
    /// Plain candle ops.
    Reference,
    /// Fused loops and single-threaded matrix products on the CPU.
    FusedCpu,
}

impl Kernels {
    /// The fastest form that runs on a device.
    pub(crate) fn for_device(device: &Device) -> Self {
        if device.is_cpu() { Self::FusedCpu } else { Self::Reference }
    }

    /// `x Wᵀ + b`: `x [rows, in]`, `W [out, in]`, `b [out]` give `[rows, out]`.
    pub(crate) fn linear(self, x: &Tensor, weights: &Tensor, bias: &Tensor) -> Result<Tensor> {
        match self {
            Self::Reference => x.matmul(&weights.t()?)?.broadcast_add(bias),
            Self::FusedCpu => x.apply_op3(weights, bias, linear::Linear),
        }
    }

    /// All states `[positions, units]` of one layer and direction, in the packed layout, from projected
    /// inputs `[positions, gates * units]`, recurrent weights `[gates * units, units]` and their bias.
    /// `reverse` reads each row from its end.
    pub(crate) fn recurrence(
        self,
        cell: Cell,
        layout: &Arc<PackedLayout>,
        reverse: bool,
        projected: &Tensor,
        weights: &Tensor,
        bias: &Tensor,
    ) -> Result<Tensor> {
        match self {
            Self::Reference => reference::recurrence(cell, layout, reverse, projected, weights, bias),
            Self::FusedCpu => fused::recurrence(cell, layout, reverse, projected, weights, bias),
        }
    }
}
