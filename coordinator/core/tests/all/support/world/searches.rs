//! Searched sweeps, and samplers whose answers come late, twice or never.

use sweep_proto::{Amount, Budget, SamplerName, Search, SweepSpec};

use super::*;

/// A budget of hours, for one search of five: some minutes.
fn hours_of_slots(now: u64) -> Option<Amount> {
    now.is_multiple_of(5).then(|| Amount::of(0.02 * (1 + now % 7) as f64)).flatten()
}

impl World {
    /// Samplers are asked from a copy of what is known. Their answers come late, twice or never.
    pub(super) fn propose(&mut self) {
        let asks = !self.faulty || self.search_random.permille(500);
        let wanting: Vec<_> = self.engine.wanting().filter(|_| asks).collect();
        for sweep in wanting {
            let Some(mut asked) = self.told(sweep) else { continue };
            let (version, first) = (asked.version, asked.first);
            let answer = asked.request.answer();
            self.proposals.push(Command::Propose { sweep, version, first, answer });
        }
        let arrived: Vec<_> = std::mem::take(&mut self.proposals);
        for command in arrived {
            let fate = if self.faulty { self.search_random.below(10) } else { 9 };
            if matches!(fate, 0..=3) {
                self.proposals.push(command.clone());
            }
            if matches!(fate, 2..=8) || !self.faulty {
                self.bring(&command);
            }
        }
        let excess = self.proposals.len().saturating_sub(20);
        self.proposals.drain(..excess);
    }

    /// Tells whoever asks the sampler of a sweep a part of what is new, and compares the whole with the rows. Nothing is asked while
    /// something is left to tell.
    fn told(&mut self, sweep: SweepId) -> Option<ProposalRequest> {
        let (known, copy) = self.copies.remove(&sweep).unzip();
        let question = self.engine.question(sweep, known, 1 + (self.seed % 40) as usize).unwrap();
        let (known, is_asked) = (question.known, question.count > 0);
        let asked = question.put(copy).unwrap();
        self.copies.insert(sweep, (known, asked.clone()));
        if is_asked {
            let from_rows = self.engine.proposal_request(sweep).unwrap();
            assert_eq!(asked.request.history, from_rows.request.history, "a copy is not what the rows tell");
            assert_eq!((asked.version, asked.first), (from_rows.version, from_rows.first));
        }
        is_asked.then_some(asked)
    }

    /// An answer arrives. It is what a sampler answers now, or changes nothing.
    fn bring(&mut self, command: &Command) {
        let Command::Propose { sweep, answer, .. } = command else { return };
        let made = |world: &Self| world.engine.tables().trials_of(*sweep).count();
        let before = made(self);
        let fresh = self.engine.proposal_request(*sweep).map(|mut asked| asked.request.answer().unwrap());
        let was_held = self.engine.sweep(*sweep).is_some_and(|sweep| sweep.held.is_some());
        self.execute(command).unwrap();
        let is_held = self.engine.sweep(*sweep).is_some_and(|sweep| sweep.held.is_some());
        let held = self.engine.sweep(*sweep).and_then(|sweep| sweep.held.clone());
        assert!(was_held || !is_held, "an answer of a sound sampler held its sweep, {held:?}: {command:?}");
        let new: Vec<_> = self.engine.tables().trials_of(*sweep).skip(before).collect();
        if new.is_empty() {
            self.outdated += u64::from(answer.as_ref().is_ok_and(|answer| !answer.proposals.is_empty()));
            return;
        }
        let new = new.iter().map(|trial| (&trial.spec.configuration, trial.spec.replicate));
        if let Some(fresh) = &fresh {
            let fresh = fresh.proposals.iter().map(|one| (&one.configuration, one.replicate));
            assert!(
                new.eq(fresh.take(made(self) - before)),
                "another answer than today's was accepted: {command:?}"
            );
        }
        self.proposed += 1;
    }

    /// The sweep is searched, over a range or over its levels, with the pruner that it has.
    pub(super) fn search(&mut self, spec: &mut SweepSpec) {
        let random = &mut self.search_random;
        let at = random.below(SamplerName::ALL.len() as u64) as usize;
        let sampler = SamplerName::ALL[at];
        if !matches!(sampler, SamplerName::Grid | SamplerName::ShuffledGrid) && random.permille(500) {
            spec.axes = vec![values::range(Hyperparameter::Units, 8, 64)];
        }
        let trials = random.permille(800).then(|| 1 + random.below(12) as u32);
        let epochs = (trials.is_none() || random.permille(300)).then(|| 3 + random.below(30));
        let search = Search {
            sampler,
            // No random number decides it, so that schedules which have found a fault stay as they are.
            budget: Budget { trials, epochs, hours: hours_of_slots(self.now), ..Budget::default() },
            ..spec.search.take().map_or_else(Search::of_grid, |search| *search)
        };
        spec.search = Some(Box::new(search));
        // Nor this.
        if self.now.is_multiple_of(3) {
            *spec.constraints = vec!["units <= 24".parse().unwrap()].into();
        }
    }

    /// A larger budget, every other time that somebody extends a search.
    pub(super) fn more_budget(&self, spec: &SweepSpec) -> Budget {
        let search = spec.search.as_deref().filter(|_| self.now.is_multiple_of(2));
        let budget = search.map_or(Budget::default(), |search| search.budget);
        Budget {
            trials: budget.trials.map(|trials| trials + 3),
            epochs: budget.epochs.map(|epochs| epochs + 10),
            hours: budget.hours.and_then(|hours| Amount::of(2.0 * hours.get())),
            ..Budget::default()
        }
    }
}
