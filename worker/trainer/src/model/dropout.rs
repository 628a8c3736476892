//! Which values dropout drops: fixed by seed, optimiser step and place.

use sweep_proto::random::Stream;

/// Where dropout takes its masks from: one stream for each optimiser step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DropoutKey {
    pub(crate) seed: u64,
    pub(crate) step: u64,
}

impl DropoutKey {
    /// Factors for the inputs of a layer.
    pub(super) fn layer_mask(self, layer: usize, share: f64, count: usize) -> Vec<f32> {
        self.mask(&format!("layer {layer}"), share, count)
    }

    /// Factors for the inputs of the output layer.
    pub(super) fn output_mask(self, share: f64, count: usize) -> Vec<f32> {
        self.mask("output", share, count)
    }

    /// Zero for a dropped value; the others are scaled up, so that the mean stays.
    fn mask(self, place: &str, share: f64, count: usize) -> Vec<f32> {
        let mut stream = Stream::new(self.seed, &format!("dropout/{place}"), self.step);
        let (share, scale) = (share as f32, (1.0 / (1.0 - share)) as f32);
        (0..count).map(|_| if stream.unit() < share { 0.0 } else { scale }).collect()
    }
}

/// Multiplies values by the factors of a mask.
pub(super) fn apply(factors: &[f32], values: &mut [f32]) {
    values.iter_mut().zip(factors).for_each(|(value, factor)| *value *= factor);
}
