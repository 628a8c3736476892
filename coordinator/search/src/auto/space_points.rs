//! The configurations of a space that are candidates from the start: all of a grid that is not too large, and else points of a Sobol
//! sequence.

use std::collections::BTreeSet;

use sobol_burley::{NUM_DIMENSIONS, sample};
use sweep_proto::Configuration;
use sweep_proto::random::Stream;

use crate::auto::candidates::{CANDIDATES_MAX, CandidateError, error};
use crate::space::Space;

/// Points of a space with ranges that are candidates from the start.
const POINTS: usize = 1_024;

/// Points that are looked at for them.
const LOOKED_AT_MAX: u32 = 1 << 16;

/// Places of a grid that are looked at to list it.
const PLACES_MAX: u64 = 1 << 20;

/// All configurations of a space, where it has few.
pub(crate) fn listed(space: &Space) -> Option<Vec<Configuration>> {
    let places = space.places().filter(|places| *places <= PLACES_MAX)?;
    let mut look = space.look()?;
    let allowed = (0..places).filter_map(|place| look.allowed_at(place));
    let configurations: Vec<Configuration> = allowed.take(CANDIDATES_MAX + 1).collect();
    (configurations.len() <= CANDIDATES_MAX).then_some(configurations)
}

/// Distinct configurations at the first points of a scrambled Sobol sequence.
pub(crate) fn sampled(space: &Space, seed: u64) -> Result<Vec<Configuration>, CandidateError> {
    let dimensions = space.axes().len() as u32;
    if dimensions > NUM_DIMENSIONS {
        return Err(error(
            format!("{dimensions} hyperparameters are swept"),
            "sweep fewer: a Sobol sequence has at most 256 dimensions",
        ));
    }
    let scrambling = Stream::new(seed, "auto points", 0).below(1 << 32) as u32;
    let mut known = BTreeSet::new();
    let mut configurations = Vec::new();
    for number in 0..LOOKED_AT_MAX {
        let place: Vec<f64> =
            (0..dimensions).map(|axis| f64::from(sample(number, axis, scrambling))).collect();
        if let Some(found) = space.configuration(&place).filter(|found| !known.contains(found)) {
            known.insert(found.clone());
            configurations.push(found);
            if configurations.len() == POINTS {
                break;
            }
        }
    }
    Ok(configurations)
}
