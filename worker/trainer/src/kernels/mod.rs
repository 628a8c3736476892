//! The seam between models and arithmetic: recurrences have a reference form of plain candle ops, which runs on any
//! device, and a fused form for the CPU, which is checked against it.

mod buffer;
mod cell;
pub(crate) mod fused;
mod gemm;
mod layout;
mod reference;
mod slices;
mod threads;

pub(crate) use buffer::Buffer;
pub(crate) use cell::Cell;
pub(crate) use gemm::{Matrix, add_column_sums, multiply};
pub(crate) use layout::PackedLayout;
pub(crate) use reference::{linear, recurrence};
pub(crate) use slices::{with_slice_mut, with_slices};
pub(crate) use threads::{in_two, with_threads};
