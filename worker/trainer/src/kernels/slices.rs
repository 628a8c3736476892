//! Plain slices out of candle's tensors on the CPU.

use std::sync::Mutex;

use candle_core::{CpuStorage, Error, InplaceOp1, Layout, Result, Storage, Tensor};

/// The numbers of a contiguous storage.
fn packed_slice<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let values = storage.as_slice::<f32>()?;
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&values[start..end]),
        None => Err(Error::Msg("a kernel was given a tensor that is not contiguous".into())),
    }
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

/// Runs on the numbers of a contiguous tensor that lies on the CPU, and changes them in place.
pub(crate) fn with_slice_mut<R: Send>(
    tensor: &Tensor,
    change: impl FnOnce(&mut [f32]) -> R + Send,
) -> Result<R> {
    let op = Change(Mutex::new((Some(change), None)));
    tensor.inplace_op1(&op)?;
    let (_, result) = op.0.into_inner().map_err(|_| Error::Msg("a change of a tensor failed".into()))?;
    result.ok_or_else(|| Error::Msg("a tensor was not changed".into()))
}

/// A function that runs once, and what it gave.
struct Change<F, R>(Mutex<(Option<F>, Option<R>)>);

impl<R: Send, F: FnOnce(&mut [f32]) -> R + Send> InplaceOp1 for Change<F, R> {
    fn name(&self) -> &'static str {
        "change"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let (CpuStorage::F32(values), Some((start, end))) = (storage, layout.contiguous_offsets()) else {
            return Err(Error::Msg("a tensor to be changed is not contiguous 32-bit numbers".into()));
        };
        let mut state = self.0.lock().map_err(|_| Error::Msg("a change of a tensor failed".into()))?;
        let change = state.0.take().ok_or_else(|| Error::Msg("a change runs once".into()))?;
        state.1 = Some(change(&mut values[start..end]));
        Ok(())
    }
}
