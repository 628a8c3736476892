//! The searches that can be replayed, by their names: every sampler with every pruner, and `auto`, which pauses trials by itself.

use std::fmt;
use std::str::FromStr;

use sweep_proto::{PrunerName, SamplerName, Search};

use super::recorded::World;
use super::{Course, Sampled, Setup, Strategy, Trace, play};
use crate::auto::{Auto, Candidates, Settings};
use crate::sampler;

/// The search that is no sampler.
const AUTO: SamplerName = SamplerName::Auto;

/// A search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Entrant {
    /// The search that models scores.
    Auto,
    /// A sampler and a pruner.
    Pair(SamplerName, PrunerName),
}

impl Entrant {
    /// All of them.
    pub fn all() -> Vec<Self> {
        let pairs = |sampler| PrunerName::ALL.iter().map(move |pruner| Self::Pair(sampler, *pruner));
        sampler::names().flat_map(pairs).chain([Self::Auto]).collect()
    }

    /// What it does, in a sentence.
    pub fn doc(self) -> String {
        match self {
            Self::Auto => {
                "Trials that a model expects to tell most, paused where they cannot win; it stops by itself."
                    .to_owned()
            }
            Self::Pair(sampler, PrunerName::None) => sampler.doc().to_owned(),
            Self::Pair(sampler, pruner) => format!("{} {}", sampler.doc(), pruner.doc()),
        }
    }

    /// Plays one whole search.
    ///
    /// # Errors
    /// Why it cannot search this table.
    pub fn play(self, world: &World, course: Course, seed: u64) -> Result<Trace, String> {
        let (replicates, epochs) = (world.table.replicates() as u32, world.table.epochs() as u32);
        let mut strategy: Box<dyn Strategy> = match self {
            Self::Auto => {
                let patience = course.patience;
                let settings = Settings { patience, ..Settings::new(seed, replicates, epochs, world.chance) };
                let (candidates, _) = Candidates::of(&world.space).map_err(|error| error.to_string())?;
                Box::new(Auto::new(settings, candidates).map_err(|error| error.to_string())?)
            }
            Self::Pair(sampler, pruner) => {
                let search = Search { sampler, pruner, ..Search::of_grid() };
                let trials = world.table.configurations() as u64 * u64::from(replicates);
                let (space, workers) = (world.space.clone(), course.workers as u64);
                let setup = Setup { sampler, seed, space, replicates, workers, trials };
                Box::new(Sampled::over(setup, &search, epochs, world.places.clone()))
            }
        };
        play(&world.table, course, &mut *strategy)
    }
}

impl fmt::Display for Entrant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => AUTO.fmt(formatter),
            Self::Pair(sampler, PrunerName::None) => formatter.write_str(sampler.name()),
            Self::Pair(sampler, pruner) => write!(formatter, "{sampler}+{pruner}"),
        }
    }
}

impl FromStr for Entrant {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let (first, pruner) = name.split_once('+').unwrap_or((name, PrunerName::None.name()));
        let pruner = PrunerName::from_name(pruner).ok_or_else(|| {
            format!("`{pruner}` is no pruner; choose one of {}", PrunerName::NAMES.join(", "))
        })?;
        if first == AUTO.name() {
            return match pruner {
                PrunerName::None => Ok(Self::Auto),
                _ => Err(format!("`{AUTO}` pauses trials by itself; write `{AUTO}` alone")),
            };
        }
        let sampler = SamplerName::from_name(first).ok_or_else(|| {
            let samplers: Vec<_> = sampler::names().map(SamplerName::name).collect();
            format!("`{first}` is no search; choose {AUTO} or one of {}", samplers.join(", "))
        })?;
        Ok(Self::Pair(sampler, pruner))
    }
}
