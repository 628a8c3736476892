//! `auto` over a space: all configurations of a grid that is not too large, and else points of a Sobol sequence, to which neighbours of the
//! best ones are added as the search goes on.

use std::collections::BTreeMap;

use sweep_proto::Configuration;
use sweep_proto::random::Stream;

use crate::auto::candidates::{AxisKind, CANDIDATES_MAX, Candidates};
use crate::auto::interface::{Answer, AutoError, Endings, Job, Settings, Verdict};
use crate::auto::neighbours::neighbours;
use crate::auto::scale::Scale;
use crate::auto::space_points::{listed, sampled};
use crate::auto::{Auto, Standing};
use crate::space::Space;

/// The best candidates get neighbours.
const BEST: usize = 10;

/// A search over a space. It is driven as [`Auto`] is.
#[derive(Clone, Debug)]
pub struct SpaceSearch {
    auto: Auto,
    space: Space,
    scales: Vec<Scale>,
    configurations: Vec<Configuration>,
    indices: BTreeMap<Configuration, usize>,
    seed: u64,
    is_told: bool,
    /// Finished trials when neighbours were added last; `None` where the candidates are the whole grid.
    grown_at: Option<usize>,
}

impl SpaceSearch {
    /// A search that has not begun.
    ///
    /// # Errors
    /// Where the settings cannot be, or nothing is found in the space.
    pub fn new(settings: Settings, space: Space) -> Result<Self, AutoError> {
        let (seed, is_told) = (settings.seed, settings.endings == Endings::Told);
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
        let indices = configurations.iter().cloned().enumerate().map(|(at, one)| (one, at)).collect();
        Ok(Self { auto, space, scales, configurations, indices, seed, is_told, grown_at })
    }

    /// The configuration of an index.
    pub fn configuration(&self, index: usize) -> Option<&Configuration> {
        self.configurations.get(index)
    }

    /// The index of a configuration; `None` where it is no candidate.
    pub fn index_of(&self, configuration: &Configuration) -> Option<usize> {
        self.indices.get(configuration).copied()
    }

    /// The index of a configuration, which becomes a candidate where it is none yet.
    ///
    /// # Errors
    /// Where it is not of the space, or there are too many candidates. Nothing has changed then.
    pub fn admit(&mut self, configuration: &Configuration) -> Result<usize, AutoError> {
        if let Some(index) = self.index_of(configuration) {
            return Ok(index);
        }
        if !self.space.contains(configuration) {
            let axes: Vec<_> = self.space.axes().iter().map(|axis| axis.hyperparameter).collect();
            return Err(AutoError(format!(
                "the configuration {} is not of the space that is searched; extend a space by values, and take none away",
                configuration.label(&axes)
            )));
        }
        self.extend(vec![configuration.clone()], false)?;
        Ok(self.configurations.len() - 1)
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

    /// See [`Auto::answer`].
    pub fn answer(&self, workers: usize, count: usize) -> Answer {
        let mut asked = self.clone();
        let jobs = std::iter::from_fn(|| asked.ask(workers)).take(count).collect();
        Answer { jobs, conclusion: asked.stop().cloned() }
    }

    /// See [`Auto::report`].
    ///
    /// # Errors
    /// As there.
    pub fn report(&mut self, job: Job, epoch: u32, loss: f64) -> Result<Verdict, AutoError> {
        self.auto.report(job, epoch, loss)
    }

    /// See [`Auto::reported`].
    ///
    /// # Errors
    /// As there.
    pub fn reported(&mut self, job: Job, epoch: u32, loss: f64, verdict: Verdict) -> Result<(), AutoError> {
        self.auto.reported(job, epoch, loss, verdict)
    }

    /// See [`Auto::given`].
    ///
    /// # Errors
    /// As there.
    pub fn given(&mut self, job: Job) -> Result<(), AutoError> {
        self.grow();
        self.auto.given(job)
    }

    /// See [`Auto::concluded`].
    ///
    /// # Errors
    /// As there.
    pub fn concluded(&mut self, standing: Standing) -> Result<(), AutoError> {
        self.grow();
        self.auto.concluded(standing)
    }

    /// See [`Auto::shown`].
    ///
    /// # Errors
    /// As there.
    pub fn shown(&mut self, job: Job, epoch: u32, score: f64, is_last: bool) -> Result<(), AutoError> {
        self.told(|auto| auto.shown(job, epoch, score, is_last))
    }

    /// See [`Auto::paused`].
    ///
    /// # Errors
    /// As there.
    pub fn paused(&mut self, job: Job) -> Result<(), AutoError> {
        self.told(|auto| auto.paused(job))
    }

    /// See [`Auto::retired`].
    ///
    /// # Errors
    /// As there.
    pub fn retired(&mut self, job: Job) -> Result<(), AutoError> {
        self.told(|auto| auto.retired(job))
    }

    /// See [`Auto::diverged`].
    ///
    /// # Errors
    /// As there.
    pub fn diverged(&mut self, job: Job) -> Result<(), AutoError> {
        self.told(|auto| auto.diverged(job))
    }

    /// See [`Auto::rewound`].
    ///
    /// # Errors
    /// As there.
    pub fn rewound(&mut self, job: Job, epochs: u32) -> Result<(), AutoError> {
        self.told(|auto| auto.rewound(job, epochs))
    }

    /// See [`Auto::finish`].
    pub fn finish(&mut self, job: Job) {
        self.told(|auto| auto.finish(job));
    }

    /// See [`Auto::fail`].
    pub fn fail(&mut self, job: Job) {
        self.told(|auto| auto.fail(job));
    }

    /// See [`Auto::lose`].
    pub fn lose(&mut self, job: Job) {
        self.told(|auto| auto.lose(job));
    }

    /// See [`Auto::verdict`].
    pub fn verdict(&mut self, job: Job) -> Verdict {
        self.auto.verdict(job)
    }

    /// See [`Auto::named`].
    pub fn named(&mut self) -> Option<usize> {
        self.auto.named()
    }

    /// See [`Auto::best`]. Of a space with ranges the probability is that of its candidates.
    pub fn best(&mut self) -> Option<Standing> {
        self.auto.best()
    }

    /// See [`Auto::stop`]. Of a space with ranges the probability is that of its candidates.
    pub fn stop(&self) -> Option<&Standing> {
        self.auto.stop()
    }

    /// What happens to a trial. Who is asked by questions that change nothing has all candidates before them.
    fn told<T>(&mut self, event: impl FnOnce(&mut Auto) -> T) -> T {
        let told = event(&mut self.auto);
        if self.is_told {
            self.grow();
        }
        told
    }

    /// Adds neighbours of the best candidates where the model has been fitted since the last time.
    fn grow(&mut self) {
        let Some(before) = self.grown_at.filter(|_| self.auto.stop().is_none()) else { return };
        let Some((fitted, best)) = self.auto.fitted_and_best(BEST, before) else { return };
        self.grown_at = Some(fitted);
        let mut random = Stream::new(self.seed, "auto neighbours", fitted as u64);
        let mut new = Vec::new();
        for one in best {
            for found in neighbours(&self.space, &self.configurations[one], &mut random) {
                if !self.indices.contains_key(&found) && !new.contains(&found) {
                    new.push(found);
                }
            }
        }
        new.truncate(CANDIDATES_MAX.saturating_sub(self.configurations.len()));
        if !new.is_empty() {
            // Points of the unit cube, and not too many: nothing is refused.
            let _ = self.extend(new, true);
        }
    }

    /// Takes further candidates in, behind those that there are.
    fn extend(&mut self, new: Vec<Configuration>, modelled: bool) -> Result<(), AutoError> {
        let points: Vec<Vec<f64>> = new.iter().map(|one| point(&self.scales, one)).collect();
        self.auto.extend(&points, modelled)?;
        for one in new {
            self.indices.insert(one.clone(), self.configurations.len());
            self.configurations.push(one);
        }
        Ok(())
    }
}

fn point(scales: &[Scale], configuration: &Configuration) -> Vec<f64> {
    scales.iter().map(|scale| scale.place(configuration)).collect()
}
