//! The one place where numbers come from a device to the host: each transfer waits for everything that the device has to do.

use candle_core::{Tensor, WithDType};

use crate::error::TrainError;

/// The numbers of some tensors of one device, one tensor after another, in one transfer.
pub(crate) fn bring<T: WithDType>(tensors: &[&Tensor]) -> Result<Vec<T>, TrainError> {
    if tensors.is_empty() {
        return Ok(Vec::new());
    }
    #[cfg(test)]
    counting::count();
    let flat = tensors.iter().map(|tensor| tensor.detach().flatten_all()?.to_dtype(T::DTYPE));
    let flat = flat.collect::<candle_core::Result<Vec<_>>>()?;
    Ok(Tensor::cat(&flat, 0)?.to_vec1()?)
}

/// How many transfers a test's thread has made.
#[cfg(test)]
pub(crate) mod counting {
    use std::cell::Cell;

    thread_local! {
        static TRANSFERS: Cell<usize> = const { Cell::new(0) };
    }

    pub(super) fn count() {
        TRANSFERS.set(TRANSFERS.get() + 1);
    }

    /// Transfers of this thread since it began.
    pub(crate) fn transfers() -> usize {
        TRANSFERS.get()
    }
}
