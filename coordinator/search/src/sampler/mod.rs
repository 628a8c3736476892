//! Samplers: who proposes which trial comes next. One algorithm a file, one arm in [`of`].

mod grid;
mod random;
mod sobol;
mod tpe;
mod watch;

pub use random::some_configuration;
pub use watch::{CalledOff, Watch};

use sweep_proto::{Configuration, SamplerName};

use crate::history::Seen;
use crate::proposal::Proposal;
use crate::space::Space;
use watch::first_new;

/// What a sampler is asked.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The seed of the sweep.
    pub seed: u64,
    /// Where to search.
    pub space: &'a Space,
    /// What is known.
    pub seen: Seen<'a>,
    /// Where the sampler's own sequence goes on: whatever stands before is made or forbidden.
    pub from: u64,
    /// Who may call it off, and how much it has looked at.
    pub watch: &'a Watch<'a>,
}

/// What a sampler has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The trial that it proposes.
    pub proposal: Proposal,
    /// Where its sequence goes on.
    pub from: u64,
}

/// Why there is no proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Nothing {
    /// Every trial of the space was made.
    Exhausted,
    /// Nothing new was found among as much as may be looked at for one proposal, which this tells.
    GaveUp(String),
    /// The sampler cannot go on, for this reason.
    Failed(String),
    /// Nobody wants an answer any more.
    CalledOff,
}

/// What a sampler keeps from one answer to the next, so that it does not go through the whole history each time. It follows from the
/// space and the history of the request, so losing it costs time only.
#[derive(Clone, Debug, Default)]
pub struct Kept(Option<Box<tpe::Trials>>);

impl Kept {
    /// Forgets the configurations from that number on: they were proposed, and are not made yet.
    pub(crate) fn forget_from(&mut self, configurations: u64) {
        if let Some(trials) = &mut self.0 {
            trials.forget_from(configurations);
        }
    }
}

/// Proposes trials: a pure function of what it is asked. The order in which equal histories were gathered has no influence.
pub trait Sampler {
    /// How many trials it likes to propose ahead of the workers: many where what the last ones show changes nothing, so that
    /// few questions are asked.
    fn ahead(&self) -> u64;

    /// The next trial: of the space, and none that was made before. What it takes is bounded, and it asks the watch again and again
    /// whether it shall go on.
    ///
    /// # Errors
    /// Says why there is none.
    fn propose(&self, asked: &Asked<'_>, kept: &mut Kept) -> Result<Found, Nothing>;
}

/// The sampler of a name; `None` of a search that is steered as a whole ([`crate::Steered`]).
pub fn of(name: SamplerName) -> Option<Box<dyn Sampler>> {
    Some(match name {
        SamplerName::Grid => Box::new(grid::Grid { is_shuffled: false }),
        SamplerName::ShuffledGrid => Box::new(grid::Grid { is_shuffled: true }),
        SamplerName::Random => Box::new(random::Random),
        SamplerName::Sobol => Box::new(sobol::Sobol),
        SamplerName::Tpe => Box::new(tpe::Tpe),
        SamplerName::Auto => return None,
    })
}

/// The names of all samplers.
pub fn names() -> impl Iterator<Item = SamplerName> {
    SamplerName::ALL.iter().copied().filter(|name| of(*name).is_some())
}

/// For samplers that choose whole configurations: all replicates of one come before the next one, which `next` gives with where
/// the sequence goes on.
fn whole(
    asked: &Asked<'_>,
    next: impl FnOnce() -> Result<(Configuration, u64), Nothing>,
) -> Result<Found, Nothing> {
    if let Some((configuration, replicate)) = asked.seen.missing() {
        let proposal = Proposal { configuration: configuration.clone(), replicate };
        return Ok(Found { proposal, from: asked.from });
    }
    let (configuration, from) = next()?;
    Ok(Found { proposal: Proposal { configuration, replicate: 0 }, from })
}

/// Places of a space of which all are looked at where points find nothing.
const FEW_PLACES: u64 = 1_000_000;

/// Points of a space of few places that are looked at before its places are.
const POINTS_OF_FEW_MAX: u64 = 20_000;

/// Points of any other space that are looked at for one proposal, which takes some seconds: constraints that leave one in a
/// hundred thousand pass.
const POINTS_MAX: u64 = 1_000_000;

/// The number of places of a space that has few.
fn few_places(space: &Space) -> Option<u64> {
    space.places().filter(|places| *places <= FEW_PLACES)
}

/// The first new configuration among points, numbered from `first` on, with its number; `None` where none is found, and the
/// space has few places, of which [`left`] finds what is left.
fn among_points(
    asked: &Asked<'_>,
    first: u64,
    at: impl FnMut(u64) -> Option<Configuration>,
) -> Result<Option<(u64, Configuration)>, Nothing> {
    // Where few places are left, looking at all of them is quicker than to hit one of these.
    let few = few_places(asked.space).map(|places| POINTS_OF_FEW_MAX.min(64 + places));
    let most = few.unwrap_or(POINTS_MAX);
    match first_new(asked, first..first.saturating_add(most), at) {
        Ok(found) => Ok(Some(found)),
        Err(Nothing::Exhausted) if few.is_some() => Ok(None),
        Err(Nothing::Exhausted) => Err(Nothing::GaveUp(found_none(POINTS_MAX, "points"))),
        Err(other) => Err(other),
    }
}

/// An untried configuration of a space of few places, searched from `first` on and then from the beginning.
fn left(asked: &Asked<'_>, first: u64) -> Result<Configuration, Nothing> {
    let places = few_places(asked.space).unwrap_or(0);
    let mut look = asked.space.look().ok_or(Nothing::Exhausted)?;
    let rest = (first..places).chain(0..first.min(places));
    first_new(asked, rest, |place| look.allowed_at(place)).map(|(_, configuration)| configuration)
}

/// What is told where everything that was looked at was in vain.
fn found_none(looked_at: u64, what: &str) -> String {
    format!(
        "it looked at {looked_at} {what}, and each breaks a constraint or was tried before; launch a new sweep with looser \
         constraints"
    )
}
