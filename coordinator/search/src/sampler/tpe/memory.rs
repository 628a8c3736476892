//! What is remembered of kernels along one axis from one proposal to the next: most of them stay as they are.

use super::kernels::Kernel;
use super::scale::{Kind, Scale};

/// Cells of an axis whose probabilities are remembered, up to 2 KiB for a kernel.
const CELLS_MAX: u64 = 256;

/// Kernels around one cell that are remembered: the first, a middle and the last observation of it have one each in either mixture.
const KERNELS_MAX: usize = 6;

/// Probabilities and heights of kernels that were computed.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    /// Of the kernels around each cell their deviations, and the probabilities of all cells.
    masses: Vec<Vec<(f64, Vec<f64>)>>,
    /// Of the kernel whose first observation has an index: its mean, its deviation and the logarithm of its height.
    heights: Vec<[f64; 3]>,
}

impl Memory {
    /// The probabilities of all cells in a kernel; `None` where they are too many.
    pub(super) fn masses(&mut self, scale: &Scale, kernel: &Kernel) -> Option<&[f64]> {
        let count = match scale.kind {
            Kind::Cells { count } | Kind::LogCells { count, .. } if count <= CELLS_MAX => count as usize,
            _ => return None,
        };
        self.masses.resize_with(count, Vec::new);
        let around = self.masses.get_mut(kernel.place as usize)?;
        let known = around.iter().position(|(deviation, _)| *deviation == kernel.deviation);
        let at = known.unwrap_or_else(|| {
            if around.len() >= KERNELS_MAX {
                around.remove(0);
            }
            let within = kernel.within();
            let mass = |place: usize| kernel.between(scale.edges(place as f64)) / within;
            around.push((kernel.deviation, (0..count).map(mass).collect()));
            around.len() - 1
        });
        around.get(at).map(|(_, masses)| masses.as_slice())
    }

    /// The logarithm of deviation and truncation, by which the density of a kernel is divided.
    pub(super) fn log_height(&mut self, kernel: &Kernel) -> f64 {
        let index = kernel.first as usize;
        if self.heights.len() <= index {
            self.heights.resize(index + 1, [f64::NAN; 3]);
        }
        let known = &mut self.heights[index];
        if known[0] != kernel.mean || known[1] != kernel.deviation {
            *known = [kernel.mean, kernel.deviation, libm::log(kernel.deviation * kernel.within())];
        }
        known[2]
    }
}
