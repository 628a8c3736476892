//! What came about in a world: what schedules must reach together, or else they prove less than they claim.

use super::*;

impl World {
    /// What came about in this world, in words.
    pub fn corners(&self) -> BTreeSet<String> {
        let mut corners = BTreeSet::new();
        for sweep in self.engine.sweeps() {
            corners.insert(format!("{} sweep", sweep.state.name()));
            if sweep.spec.axes.len() > 1 || sweep.spec.replicates > 3 {
                corners.insert("extended sweep".into());
            }
        }
        let spent = self.engine.sweeps().filter_map(coordinator_core::SweepRecord::spent);
        corners.extend(spent.map(|part| format!("spent budget of {part}")));
        let seen = [
            (self.engine.sweeps().any(|sweep| sweep.finalist().is_some()), "finalist of a spent budget"),
            (self.revived, "shelved trial that went on"),
            (self.went_on, "sweep that went on after its finalist"),
            (self.told_again, "result told again after the budget was spent"),
            (self.raised_early, "budget raised while trials waited at rungs"),
            (self.proposed > 0, "proposed trials"),
            (self.outdated > 0, "outdated proposals"),
            (self.paused > 0, "trial that its search paused"),
            (self.promoted > 0, "paused trial that went on"),
            (
                self.engine.sweeps().any(|sweep| sweep.conclusion.is_some()),
                "steered search that came to its end",
            ),
            (self.followed_late, "trials that followed later"),
            (self.retried, "trials tried again"),
            (self.held, "held sweep"),
            (self.deleted, "deleted sweep"),
            (self.models_removed, "models of an ended sweep that went"),
            (self.shelved_removed, "checkpoints of shelved trials that went"),
            (self.deleted_origin, "deleted sweep that others rest on"),
            (self.resumed_underway, "resumed in mid-epoch"),
            (self.grouped, "group"),
        ];
        corners.extend(seen.iter().filter(|(is_seen, _)| *is_seen).map(|(_, corner)| (*corner).to_owned()));
        let mut attempts = self.engine.tables().attempts.values();
        if attempts.any(|one| one.members > 1 && one.failure == Some(FailureKind::Crashed)) {
            corners.insert("group that crashed".into());
        }
        for trial in self.engine.tables().trials.values() {
            if trial.out_of_memory > 0 {
                corners.insert("trial that found too little memory".into());
            }
            corners.insert(format!("trial {}", trial.state.name()));
            if trial.reused_from.is_some() {
                corners.insert("reused trial".into());
            }
        }
        for attempt in self.engine.tables().attempts.values() {
            corners.insert(format!("{:?} {:?}", attempt.work, attempt.state));
            if attempt.first_epoch > 1 {
                corners.insert("resumed from a checkpoint".into());
            }
        }
        corners
            .extend(self.engine.tables().workers.values().map(|worker| format!("worker {:?}", worker.state)));
        corners
    }
}
