//! Samplers: who proposes which trial comes next. One algorithm a file, one arm in [`of`].

mod grid;
mod random;
mod sobol;

pub use random::some_configuration;
use sweep_proto::{Configuration, SamplerName};

use crate::history::Seen;
use crate::proposal::Proposal;
use crate::space::Space;

/// What a sampler is asked.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The seed of the sweep.
    pub seed: u64,
    /// Where to search.
    pub space: &'a Space,
    /// What is known.
    pub seen: Seen<'a>,
}

/// Why there is no proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Nothing {
    /// Every trial of the space was made.
    Exhausted,
    /// The sampler cannot go on, for this reason.
    Failed(String),
}

/// Proposes trials: a pure function of what it is asked. The order in which equal histories were gathered has no influence.
pub trait Sampler {
    /// How many trials it likes to propose ahead of the workers: many where what the last ones show changes nothing, so that
    /// few questions are asked.
    fn ahead(&self) -> u64;

    /// The next trial: of the space, and none that was made before.
    ///
    /// # Errors
    /// Says why there is none.
    fn propose(&self, asked: &Asked<'_>) -> Result<Proposal, Nothing>;
}

/// The sampler of a name.
pub fn of(name: SamplerName) -> Box<dyn Sampler> {
    match name {
        SamplerName::Grid => Box::new(grid::Grid { is_shuffled: false }),
        SamplerName::ShuffledGrid => Box::new(grid::Grid { is_shuffled: true }),
        SamplerName::Random => Box::new(random::Random),
        SamplerName::Sobol => Box::new(sobol::Sobol),
    }
}

/// Places of a space that are looked at one by one where draws find none.
const PLACES_MAX: u64 = 1_000_000;

/// An untried configuration of a space with `places` places, searched from `first` on and then from the beginning.
fn left(asked: &Asked<'_>, places: u64, first: u64) -> Result<Configuration, Nothing> {
    let mut rest =
        (first..places).chain(0..first.min(places)).filter_map(|place| asked.space.at_place(place));
    rest.find(|one| !asked.seen.has(one)).ok_or(Nothing::Exhausted)
}

/// For samplers that choose whole configurations: all replicates of one come before the next one, which `next` gives by its
/// number.
fn whole(
    asked: &Asked<'_>,
    next: impl FnOnce(u64) -> Result<Configuration, Nothing>,
) -> Result<Proposal, Nothing> {
    if let Some((configuration, replicate)) = asked.seen.missing() {
        return Ok(Proposal { configuration: configuration.clone(), replicate });
    }
    let configuration = next(asked.seen.configurations())?;
    Ok(Proposal { configuration, replicate: 0 })
}
