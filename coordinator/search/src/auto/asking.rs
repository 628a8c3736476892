//! Which trial comes next, and whether the search stops instead.

use crate::auto::Auto;
use crate::auto::curves::Key;
use crate::auto::gain::Open;
use crate::auto::interface::{Answer, Job};
use crate::auto::stop::Standing;

/// Trials of the start, which cover the space: at least one for each worker.
const START: usize = 8;

/// Where no trial is expected to lower the best score by more than this part, the one is trained that is believed best: only what has finished is
/// named.
const LEAST_GAIN: f64 = 1e-6;

/// How the named configuration stands where that is sure, and whether all its replicates have ended.
pub(super) type Judged = Option<(Standing, bool)>;

impl Auto {
    /// The next trial for one of `workers` workers; `None` where the search has stopped, or every trial was handed out. Unless it stops
    /// just now, that is no decision, and changes no later answer.
    pub fn ask(&mut self, workers: usize) -> Option<Job> {
        if self.conclusion.is_some() {
            return None;
        }
        let is_open = self.is_open();
        if is_open {
            self.learn();
        }
        match self.judge() {
            Some((standing, true)) => {
                self.end(standing);
                return None;
            }
            _ if !is_open => return None,
            _ => {}
        }
        self.next_of_start(workers).or_else(|| self.chosen()).map(|key| self.run(key))
    }

    /// Up to `count` next trials for `workers` workers, or that the search has stopped. Changes no later answer.
    pub fn answer(&self, workers: usize, count: usize) -> Answer {
        let mut asked = self.clone();
        let jobs = std::iter::from_fn(|| asked.ask(workers)).take(count).collect();
        Answer { jobs, conclusion: asked.conclusion }
    }

    /// Whether there is a trial to hand out.
    pub(super) fn is_open(&self) -> bool {
        (0..self.trials.candidates().len()).any(|one| self.trials.next(one).is_some())
    }

    /// The next trial of the start. It goes on as long as there is no model: what was lost of it comes first then.
    fn next_of_start(&mut self, workers: usize) -> Option<Key> {
        let all = self.trials.candidates().len();
        let has_model = self.taught.is_some();
        let length = if has_model { START.max(workers).min(all) } else { all };
        (0..length).find_map(|number| {
            let configuration = self.start.point(self.trials.candidates(), number);
            let is_open = if has_model {
                self.trials.get((configuration, 0)).is_none()
            } else {
                self.trials.next(configuration) == Some(0)
            };
            is_open.then_some((configuration, 0))
        })
    }

    /// The trial that is worth most: where all else says which configuration is to be named, the next replicate of that one.
    fn chosen(&mut self) -> Option<Key> {
        if let Some((standing, _)) = self.judge()
            && let Some(replicate) = self.trials.next(standing.named)
        {
            return Some((standing.named, replicate));
        }
        let open: Vec<Key> = (0..self.trials.candidates().len())
            .filter_map(|one| self.trials.next(one).map(|replicate| (one, replicate)))
            .collect();
        self.most_telling(&open).or_else(|| open.first().copied())
    }

    /// The open trial that tells most about which configuration is best.
    fn most_telling(&mut self, open: &[Key]) -> Option<Key> {
        let taught = self.taught.as_ref()?;
        let means = taught.view(&mut self.trials, false)?.mean;
        let belief = taught.view(&mut self.trials, true)?;
        let points = taught.listed.points();
        let trials = &mut self.trials;
        let placed = |(one, replicate): &Key| {
            let (configuration, doubt) = (taught.listed.place(*one)?, trials.doubt((*one, *replicate)));
            Some(Open { configuration, replicate: *replicate, doubt })
        };
        let open: Vec<Open> = open.iter().filter_map(placed).collect();
        let (mut best, gain) = self.gain.best(&belief, &means[..points.len()], &open)?;
        if gain < LEAST_GAIN {
            let mean = |one: &Open| means[one.configuration];
            best = open.iter().min_by(|one, other| mean(one).total_cmp(&mean(other))).copied()?;
        }
        Some((points[best.configuration], best.replicate))
    }

    /// How sure the search is; judged once for as long as nothing is shown.
    fn judge(&mut self) -> Judged {
        if self.judged.is_none() {
            self.judged = Some(self.sure());
        }
        self.judged.clone().flatten()
    }

    fn sure(&mut self) -> Judged {
        let sure = self.settings.sure;
        let standing = self.standing_by(sure).filter(|one| one.probability.is_some_and(|one| one >= sure))?;
        let has_replicates = self.trials.ended(standing.named) >= self.settings.replicates as usize;
        Some((standing, has_replicates))
    }

    /// The search has stopped.
    pub(super) fn end(&mut self, standing: Standing) {
        self.learn();
        self.conclusion = Some(standing);
    }

    pub(super) fn run(&mut self, key: Key) -> Job {
        let goes_on = self.trials.run(key);
        if let Some(taught) = &mut self.taught {
            taught.meet(key.0);
        }
        Job { configuration: key.0, replicate: key.1, goes_on }
    }
}
