//! Searched sweeps, and samplers whose answers come late, twice or never.

use coordinator_core::Steering;
use sweep_proto::{Amount, Budget, Objective, PrunerName, SamplerName, Search, SweepSpec};

use super::*;

/// A budget of hours, for one search of five: some minutes.
fn hours_of_slots(now: u64) -> Option<Amount> {
    now.is_multiple_of(5).then(|| Amount::of(0.02 * (1 + now % 7) as f64)).flatten()
}

/// A steered search decides alone which trials go on, and by the loss.
fn steer(spec: &mut SweepSpec) {
    spec.objective = Objective::default();
    if let Some(search) = spec.search.as_deref_mut() {
        (search.pruner, search.eta, search.min_epochs) = (PrunerName::None, None, None);
    }
}

impl World {
    /// Samplers are asked from a copy of what is known. Their answers come late, twice or never.
    pub(super) fn propose(&mut self) {
        let asks = !self.faulty || self.search_random.permille(500);
        let wanting: Vec<_> = self.engine.wanting().filter(|_| asks).collect();
        for sweep in wanting {
            if self.is_steered(sweep) {
                self.steer(sweep);
                continue;
            }
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

    fn is_steered(&self, sweep: SweepId) -> bool {
        let search = self.engine.sweep(sweep).and_then(|sweep| sweep.spec.search.as_deref());
        search.is_some_and(Search::is_steered)
    }

    /// Tells whoever steers a sweep a part of what is new. What it answers is what the rows alone would make it answer.
    fn steer(&mut self, sweep: SweepId) {
        let (known, copy) = self.steered.remove(&sweep).unzip();
        let most = 1 + (self.seed % 40) as usize;
        let Some(question) = self.engine.steered_question(sweep, known, most) else {
            self.steered.extend(known.zip(copy).map(|kept| (sweep, kept)));
            return;
        };
        let known = question.known;
        let (search, steering) = question.put(copy).unwrap();
        self.steered.insert(sweep, (known, search.unwrap()));
        let Some(answer) = steering else { return };
        let fresh =
            self.engine.steered_question(sweep, None, usize::MAX).unwrap().put(None).unwrap().1.unwrap();
        assert_eq!(answer, fresh, "sweep {sweep} would be steered otherwise after a restart");
        let answer = self.with_a_pause(sweep, answer);
        if answer != Steering::default() {
            self.proposals.push(Command::Steer { sweep, version: known.version, answer: Ok(answer) });
        }
    }

    /// Few searches of so few epochs pause a trial: now and then one is paused that another search might have paused.
    fn with_a_pause(&mut self, sweep: SweepId, mut answer: Steering) -> Steering {
        let random = &mut self.search_random;
        if self.faulty && random.permille(200) {
            let running = self
                .engine
                .running(sweep)
                .filter_map(|trial| Some((trial.spec.id.index, trial.checkpoint?.epoch)));
            let running: Vec<_> = running.collect();
            let at = random.below(running.len().max(1) as u64) as usize;
            answer.pauses.extend(running.get(at));
        }
        answer
    }

    /// The answer of a steered search arrives, early or late.
    fn bring_steering(&mut self, sweep: SweepId, command: &Command) {
        let at_rungs = |world: &Self| world.engine.at_rungs(sweep);
        let (before, made) = (at_rungs(self), self.engine.made(sweep));
        let is_held = |world: &Self| world.engine.sweep(sweep).and_then(|sweep| sweep.held.clone());
        let was_held = is_held(self).is_some();
        self.execute(command).unwrap();
        let held = is_held(self);
        assert!(
            was_held || held.is_none(),
            "an answer of a sound search held its sweep, {held:?}: {command:?}"
        );
        self.paused += u64::from(at_rungs(self) > before);
        self.promoted += u64::from(at_rungs(self) < before && self.engine.made(sweep) == made);
    }

    /// An answer arrives. It is what a sampler answers now, or changes nothing.
    fn bring(&mut self, command: &Command) {
        if let Command::Steer { sweep, .. } = command {
            self.bring_steering(*sweep, command);
            return;
        }
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
        if sampler == SamplerName::Auto {
            steer(spec);
        }
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
