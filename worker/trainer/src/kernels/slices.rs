//! Plain slices out of candle's tensors on the CPU.

use candle_core::{CpuStorage, Error, Layout, Result, Storage, Tensor};

/// The numbers of a contiguous storage.
pub(crate) fn packed_slice<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let values = storage.as_slice::<f32>()?;
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&values[start..end]),
        None => Err(Error::Msg("a kernel was given a tensor that is not contiguous".into())),
    }
}

/// The same, to be written.
pub(crate) fn packed_slice_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    let (CpuStorage::F32(values), Some((start, end))) = (storage, layout.contiguous_offsets()) else {
        return Err(Error::Msg("a kernel was given a tensor that is not contiguous 32-bit numbers".into()));
    };
    Ok(&mut values[start..end])
}

/// Runs on the numbers of tensors that lie on the CPU; those that are not contiguous are copied.
pub(crate) fn with_slices<const N: usize, R>(
    tensors: [&Tensor; N],
    run: impl FnOnce([&[f32]; N]) -> R,
) -> Result<R> {
    let mut packed = Vec::with_capacity(N);
    for tensor in tensors {
        packed.push(tensor.contiguous()?);
    }
    let guards: Vec<_> = packed.iter().map(Tensor::storage_and_layout).collect();
    let mut slices: [&[f32]; N] = [&[]; N];
    for (slice, (storage, layout)) in slices.iter_mut().zip(&guards) {
        *slice = match &**storage {
            Storage::Cpu(storage) => packed_slice(storage, layout)?,
            _ => return Err(Error::Msg("a CPU kernel was given a tensor of another device".into())),
        };
    }
    Ok(run(slices))
}
