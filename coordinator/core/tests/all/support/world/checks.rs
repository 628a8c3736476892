//! What must hold of a world after every step, and of every answer.

use sweep_proto::TrialSpec;

use super::*;

/// Whether a trial has come to its end with this checkpoint.
fn has_ended(spec: &TrialSpec, checkpoint: CheckpointRef) -> bool {
    checkpoint.epoch == values::epochs(spec)
}

impl World {
    /// No trial begins whose budget is spent, but for the finalist and for what has trained to its end and lacks its result: of what was
    /// granted, leases after the last one before.
    pub(super) fn check_budgets(&mut self, groups: &[Vec<Granted>], last_token: u64) {
        let begun = |one: &&Granted| one.work == WorkKind::Train && one.token.0 > last_token;
        for granted in groups.iter().flatten().filter(begun) {
            let sweep = self.engine.sweep(granted.spec.id.sweep);
            let sweep = sweep.filter(|sweep| sweep.finalist() != Some(granted.spec.id.index));
            let spent = sweep.and_then(coordinator_core::SweepRecord::spent);
            if spent.is_some() && granted.checkpoint.is_some_and(|one| has_ended(&granted.spec, one)) {
                self.told_again = true;
                continue;
            }
            assert_eq!(spent, None, "trial {} began when the budget was spent", granted.spec.id);
        }
    }

    pub(super) fn check(&mut self) {
        self.checks += 1;
        if matches!(self.medium, Medium::Memory(_)) || self.checks.is_multiple_of(DISK_CHECK_INTERVAL) {
            self.compare();
        }
        let problems = self.engine.audit();
        assert!(problems.is_empty(), "after {} steps: {problems:#?}", self.steps);
    }

    /// The engine is the fold of the store.
    pub(super) fn compare(&mut self) {
        assert_eq!(
            self.engine.tables(),
            &self.store.load().unwrap(),
            "the engine is not the fold of the store"
        );
    }

    /// The same command once more changes nothing.
    pub(super) fn check_repetition(&self, command: &Command, answer: &Result<Reply, Rejection>) {
        let empty_handed = matches!(answer, Ok(Reply::Grants(groups)) if groups.is_empty());
        // The next slice of what is tried again, or goes, is no repetition.
        let goes_on = matches!(answer, Ok(Reply::Retried { left: 1.., .. } | Reply::Forgotten(Some(_))));
        if matches!(command, Command::Launch { .. } | Command::Follow) || empty_handed || goes_on {
            return;
        }
        match (self.engine.decide(Timestamp(self.now), command), answer) {
            (Ok(again), answer) => {
                assert!(
                    again.mutations.is_empty(),
                    "a repetition changed {:#?}\n{command:#?}",
                    again.mutations
                );
                if let Ok(Reply::Grants(_)) = answer {
                    assert_eq!(answer.as_ref(), Ok(&again.reply), "a repetition was answered otherwise");
                }
            }
            (Err(Rejection::Invalid(_)), _) if matches!(command, Command::Extend { .. }) => {}
            (Err(Rejection::NothingToRetry(_)), _) => {}
            (Err(Rejection::UnknownSweep(_)), Ok(_)) if matches!(command, Command::Delete(_)) => {}
            // The first one may have gone on to the sweep's end at once.
            (Err(Rejection::WrongState { .. }), _) if matches!(command, Command::Resume(_)) => {}
            (Err(again), answer) => assert_eq!(answer.as_ref().err(), Some(&again), "{command:#?}"),
        }
    }

    /// A worker gets no more groups than it has room for, and none is larger than it takes.
    pub(super) fn check_room(&self, worker: WorkerId, groups: &[Vec<Granted>], members_max: u32) {
        for group in groups {
            assert!((1..=members_max as usize).contains(&group.len()), "{} of {members_max}", group.len());
            let same = |one: &Granted| {
                (one.spec.id.sweep, one.dataset, one.work)
                    == (group[0].spec.id.sweep, group[0].dataset, group[0].work)
            };
            assert!(group.iter().all(same), "a group of unlike members: {group:?}");
            assert!(group.len() == 1 || group[0].work == WorkKind::Train, "an evaluation in a group");
        }
        let profile = &self.engine.tables().workers[&worker].profile;
        assert!(groups.len() as u32 <= profile.slots, "{} groups for {profile:?}", groups.len());
        let held = self.engine.leases_of(worker).count() as u32;
        assert!(held <= profile.slots * profile.group, "{held} leases for {profile:?}");
    }

    /// A trial that has ended stays as it ended.
    pub(super) fn check_ended(&mut self, mutations: &[Mutation], command: &Command) {
        for mutation in mutations {
            match mutation {
                Mutation::Remove(Key::Sweep(sweep)) => self.ended.retain(|trial, _| trial.sweep != *sweep),
                Mutation::Remove(Key::Trial(trial)) => _ = self.ended.remove(trial),
                _ => {}
            }
            let Mutation::Trial(trial) = mutation else { continue };
            let is_lost =
                trial.is_shelved() && trial.checkpoint.is_some_and(|one| has_ended(&trial.spec, one));
            assert!(!is_lost, "{command:?} shelved a trial that has trained to its end: {trial:#?}");
            let may_go_on = |end: &TrialRecord| end.state == TrialState::Cancelled || end.is_shelved();
            // What was cancelled or shelved when a budget was spent goes on when its sweep does.
            let is_revived = !trial.state.is_terminal()
                && self.goes_on(mutations, trial.spec.id.sweep)
                && self.ended.get(&trial.spec.id).is_some_and(may_go_on);
            self.revived |= is_revived && trial.checkpoint.is_some();
            if matches!(command, Command::Retry { .. }) || is_revived {
                self.ended.remove(&trial.spec.id);
            }
            if let Some(end) = self.ended.get(&trial.spec.id) {
                let same = end.state == trial.state
                    && end.result == trial.result
                    && end.reused_from == trial.reused_from
                    && end.ended_at == trial.ended_at
                    && (end.test.is_none() || end.test == trial.test);
                assert!(same, "{command:?} changed an ended trial: {end:#?} became {trial:#?}");
            }
            if trial.state.is_terminal() {
                self.ended.insert(trial.spec.id, trial.clone());
            }
        }
    }

    /// What is told of the sweeps that go on after their budget was spent, while their trials follow: cancelled and pruned ones, those
    /// at rungs and shelved ones.
    pub(super) fn told_of_reviving(&self) -> Vec<(SweepId, [u64; 4])> {
        let reviving = self.engine.sweeps().filter(|sweep| sweep.is_reviving());
        reviving.map(|sweep| (sweep.id, self.told_of(sweep.id))).collect()
    }

    fn told_of(&self, sweep: SweepId) -> [u64; 4] {
        let ledger = self.engine.ledger(sweep);
        let [cancelled, pruned] = [TrialState::Cancelled, TrialState::Pruned].map(|state| ledger.of(state));
        [cancelled, pruned, self.engine.at_rungs(sweep), self.engine.shelved(sweep)]
    }

    /// That trials follow changes nothing that is told.
    pub(super) fn check_told(&self, before: &[(SweepId, [u64; 4])]) {
        for (sweep, told) in before {
            assert_eq!(
                self.told_of(*sweep),
                *told,
                "trials of sweep {sweep} became something else than was told"
            );
        }
    }

    /// Whether trials of a sweep go on after its budget was spent, before or after these mutations.
    fn goes_on(&self, mutations: &[Mutation], id: SweepId) -> bool {
        let after = mutations.iter().find_map(|mutation| match mutation {
            Mutation::Sweep(sweep) if sweep.id == id => Some(sweep),
            _ => None,
        });
        let known = self.engine.sweep(id);
        let had_stopped = known.is_some_and(|sweep| {
            sweep.spent().is_some() || sweep.is_reviving() || sweep.conclusion.is_some()
        });
        had_stopped
            && after.or(known).is_some_and(|sweep| sweep.spent().is_none() && sweep.ended_at.is_none())
    }

    /// What an accepted command is about to bring about for sweeps whose budget is spent.
    pub(super) fn note_budgets(&mut self, mutations: &[Mutation], command: &Command) {
        for mutation in mutations {
            let Mutation::Sweep(sweep) = mutation else { continue };
            let was_spent = self.engine.sweep(sweep.id).is_some_and(|sweep| sweep.spent().is_some());
            if !was_spent || sweep.spent().is_some() {
                continue;
            }
            if !matches!(command, Command::Extend { .. }) {
                self.went_on = true;
            } else if self.engine.at_rungs(sweep.id) > 0 {
                self.raised_early = true;
            }
        }
    }

    /// Every sweep that finished has its choice measured, or a reason why not.
    pub fn check_answers(&mut self) {
        self.compare();
        for sweep in self.engine.sweeps() {
            if sweep.state != SweepState::Finished {
                continue;
            }
            let completed = self.engine.ledger(sweep.id).of(TrialState::Completed);
            assert_eq!(sweep.chosen.is_some(), completed > 0);
            assert_eq!(self.engine.resolve(&sweep.id.to_string()), Some(sweep.id));
            for trial in self.engine.tables().trials_of(sweep.id) {
                let chosen = Some(&trial.spec.configuration) == sweep.chosen.as_ref();
                if chosen && trial.state == TrialState::Completed {
                    assert!(
                        trial.test.is_some() || trial.last_error.is_some(),
                        "{trial:#?} was not measured"
                    );
                }
            }
        }
    }
}
