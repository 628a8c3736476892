//! `auto` over a space: all configurations of a grid that is not too large, and else points of a Sobol sequence, to which neighbours of the
//! best ones are added as the search goes on.

use std::collections::BTreeSet;

use sobol_burley::{NUM_DIMENSIONS, sample};
use sweep_proto::Configuration;
use sweep_proto::random::Stream;

use crate::auto::candidates::{AxisKind, CANDIDATES_MAX, CandidateError, Candidates, error};
use crate::auto::interface::{AutoError, Job, Settings, Verdict};
use crate::auto::neighbours::neighbours;
use crate::auto::scale::Scale;
use crate::auto::{Auto, Standing};
use crate::space::Space;

/// Points of a space with ranges that are candidates from the start.
const POINTS: usize = 1_024;

/// Points that are looked at for them.
const LOOKED_AT_MAX: u32 = 1 << 16;

/// Places of a grid that are looked at to list it.
const PLACES_MAX: u64 = 1 << 20;

/// The best candidates get neighbours.
const BEST: usize = 10;

/// A search over a space.
#[derive(Clone, Debug)]
pub struct SpaceSearch {
    auto: Auto,
    space: Space,
    scales: Vec<Scale>,
    configurations: Vec<Configuration>,
    known: BTreeSet<Configuration>,
    seed: u64,
    /// Finished trials when neighbours were added last; `None` where the candidates are the whole grid.
    grown_at: Option<usize>,
}

impl SpaceSearch {
    /// A search that has not begun.
    ///
    /// # Errors
    /// Where the settings cannot be, or nothing is found in the space.
    pub fn new(settings: Settings, space: Space) -> Result<Self, AutoError> {
        let seed = settings.seed;
        let listed = listed(&space);
        let grown_at = listed.is_none().then_some(0);
        let configurations = match listed {
            Some(configurations) => configurations,
            None => sampled(&space, seed)?,
        };
        let scales: Vec<Scale> = space.axes().iter().map(Scale::of).collect();
        let kinds: Vec<AxisKind> = scales.iter().map(Scale::kind).collect();
        let points: Vec<Vec<f64>> = configurations.iter().map(|one| point(&scales, one)).collect();
        let auto = Auto::new(settings, Candidates::new(&kinds, &points)?)?;
        let known = configurations.iter().cloned().collect();
        Ok(Self { auto, space, scales, configurations, known, seed, grown_at })
    }

    /// The configuration of an index.
    pub fn configuration(&self, index: usize) -> Option<&Configuration> {
        self.configurations.get(index)
    }

    /// See [`Auto::ask`].
    pub fn ask(&mut self, workers: usize) -> Option<Job> {
        if self.grown_at.is_none() || self.auto.stop().is_some() || self.auto.is_open() {
            self.grow();
            return self.auto.ask(workers);
        }
        // Only neighbours could be handed out now; where there are none, nothing is decided, and nothing may change.
        let mut grown = self.clone();
        grown.grow();
        let job = grown.auto.ask(workers);
        if job.is_some() || grown.stop().is_some() {
            *self = grown;
        }
        job
    }

    /// See [`Auto::given`].
    ///
    /// # Errors
    /// As there.
    pub fn given(&mut self, workers: usize, job: Job) -> Result<(), AutoError> {
        self.grow();
        self.auto.given(workers, job)
    }

    /// See [`Auto::concluded`].
    ///
    /// # Errors
    /// As there.
    pub fn concluded(&mut self, standing: Standing) -> Result<(), AutoError> {
        self.grow();
        self.auto.concluded(standing)
    }

    /// See [`Auto::reported`].
    ///
    /// # Errors
    /// As there.
    pub fn reported(&mut self, job: Job, epoch: u32, loss: f64, verdict: Verdict) -> Result<(), AutoError> {
        self.auto.reported(job, epoch, loss, verdict)
    }

    /// See [`Auto::report`].
    ///
    /// # Errors
    /// As there.
    pub fn report(&mut self, job: Job, epoch: u32, loss: f64) -> Result<Verdict, AutoError> {
        self.auto.report(job, epoch, loss)
    }

    /// See [`Auto::finish`].
    pub fn finish(&mut self, job: Job) {
        self.auto.finish(job);
    }

    /// See [`Auto::fail`].
    pub fn fail(&mut self, job: Job) {
        self.auto.fail(job);
    }

    /// See [`Auto::lose`].
    pub fn lose(&mut self, job: Job) {
        self.auto.lose(job);
    }

    /// See [`Auto::named`].
    pub fn named(&mut self) -> Option<usize> {
        self.auto.named()
    }

    /// See [`Auto::stop`]. Of a space with ranges the probability is that of its candidates.
    pub fn stop(&self) -> Option<&Standing> {
        self.auto.stop()
    }

    /// Adds neighbours of the best candidates where the model has been fitted since the last time.
    fn grow(&mut self) {
        let Some(before) = self.grown_at.filter(|_| self.auto.stop().is_none()) else { return };
        let Some((fitted, best)) = self.auto.fitted_and_best(BEST).filter(|(fitted, _)| *fitted > before)
        else {
            return;
        };
        self.grown_at = Some(fitted);
        let mut random = Stream::new(self.seed, "auto neighbours", fitted as u64);
        let mut new = Vec::new();
        for one in best {
            for found in neighbours(&self.space, &self.configurations[one], &mut random) {
                if self.known.insert(found.clone()) {
                    new.push(found);
                }
            }
        }
        new.truncate(CANDIDATES_MAX - self.configurations.len());
        if new.is_empty() {
            return;
        }
        let points: Vec<Vec<f64>> = new.iter().map(|one| point(&self.scales, one)).collect();
        if self.auto.extend(&points).is_ok() {
            self.configurations.extend(new);
        }
    }
}

fn point(scales: &[Scale], configuration: &Configuration) -> Vec<f64> {
    scales.iter().map(|scale| scale.place(configuration)).collect()
}

/// All configurations of a space, where it has few.
fn listed(space: &Space) -> Option<Vec<Configuration>> {
    let places = space.places().filter(|places| *places <= PLACES_MAX)?;
    let mut look = space.look()?;
    let allowed = (0..places).filter_map(|place| look.allowed_at(place));
    let configurations: Vec<Configuration> = allowed.take(CANDIDATES_MAX + 1).collect();
    (configurations.len() <= CANDIDATES_MAX).then_some(configurations)
}

/// Distinct configurations at the first points of a scrambled Sobol sequence.
fn sampled(space: &Space, seed: u64) -> Result<Vec<Configuration>, CandidateError> {
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
