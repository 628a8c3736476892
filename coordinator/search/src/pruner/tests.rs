//! What holds of every pruner, over trials that train at the same time in any order; and what each gives by hand.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// Numbers for tests, the same each time.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    fn fraction(&mut self) -> f64 {
        self.below(1 << 20) as f64 / f64::from(1 << 20)
    }
}

/// Every pruner that a search can name, in a few settings.
fn pruners() -> Vec<(&'static str, Box<dyn Pruner>)> {
    vec![
        ("median", Box::new(Median::new(1))),
        ("median from epoch 3", Box::new(Median::new(3))),
        ("asha", Box::new(Asha::new(3, 1))),
        ("asha in halves", Box::new(Asha::new(2, 2))),
        ("asha with a rung behind the end", Box::new(Asha::new(4, 100))),
    ]
}

/// Validation losses that fall and rise again, as those of real trials do; some end before their last epoch.
fn curves(seed: u64, trials: usize, epochs: usize) -> Vec<Vec<f64>> {
    let mut draw = Draw(seed);
    let mut curve = || {
        let (level, speed) = (0.4 + draw.fraction(), 1.0 + 3.0 * draw.fraction());
        let length = if draw.below(5) == 0 { 1 + draw.below(epochs) } else { epochs };
        (1..=length)
            .map(|epoch| level + 1.0 / (epoch as f64 * speed) + 0.03 * (epoch as f64) * speed)
            .collect()
    };
    (0..trials).map(|_| curve()).collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Running,
    Waiting(u32),
    Completed,
    Pruned,
}

#[derive(Clone, Debug)]
struct Trial {
    curve: Vec<f64>,
    trained: usize,
    until: Option<u32>,
    at: At,
}

impl Trial {
    fn shown(&self) -> Shown {
        let mut lowest = f64::INFINITY;
        let trained = self.curve.iter().take(self.trained);
        let best_so_far: Vec<f64> = trained
            .map(|loss| {
                lowest = lowest.min(*loss);
                lowest
            })
            .collect();
        let lasts = self.at == At::Completed;
        let waits_at = match self.at {
            At::Waiting(rung) => Some(rung),
            _ => None,
        };
        Shown { best_so_far, lasts, waits_at, is_in_the_running: self.at != At::Pruned }
    }
}

/// A sweep in which a drawn trial trains its next epoch, until all have ended.
struct Sweep<'a> {
    pruner: &'a dyn Pruner,
    epochs: usize,
    trials: Vec<Trial>,
    standings: Standings,
    /// What was decided, in order.
    log: Vec<String>,
}

impl<'a> Sweep<'a> {
    fn new(pruner: &'a dyn Pruner, curves: &[Vec<f64>], epochs: usize) -> Self {
        let until = pruner.first_rung(epochs as u64);
        let trial = |curve: &Vec<f64>| Trial { curve: curve.clone(), trained: 0, until, at: At::Running };
        let trials = curves.iter().map(trial).collect();
        Self { pruner, epochs, trials, standings: Standings::new(pruner.one_in()), log: Vec::new() }
    }

    fn show(&mut self, number: usize) {
        self.standings.set(number as u32, self.trials[number].shown());
    }

    /// The standings as a restarted coordinator finds them: from what there is, in another order.
    fn rebuilt(&self) -> Standings {
        let mut standings = Standings::new(self.pruner.one_in());
        for number in (0..self.trials.len()).rev() {
            standings.set(number as u32, self.trials[number].shown());
        }
        standings
    }

    fn step(&mut self, number: usize) {
        let trial = &mut self.trials[number];
        trial.trained += 1;
        let epoch = trial.trained as u32;
        let best = trial.curve[..trial.trained].iter().copied().fold(f64::INFINITY, f64::min);
        trial.at = if trial.trained == trial.curve.len() {
            At::Completed
        } else if trial.until == Some(epoch) {
            At::Waiting(epoch)
        } else if self.pruner.judge(&self.standings, epoch, best) == Verdict::Prune {
            At::Pruned
        } else {
            At::Running
        };
        self.log.push(format!("{number} {epoch} {:?}", trial.at));
        let is_leader_before = self.standings.leader();
        let at = trial.at;
        self.show(number);
        assert!(
            at != At::Pruned || is_leader_before != Some(number as u32) || self.is_beaten(number),
            "{number}"
        );
    }

    /// Whether another trial in the running has a lower loss.
    fn is_beaten(&self, number: usize) -> bool {
        let best = |trial: &Trial| trial.shown().best_so_far.last().copied();
        let own = best(&self.trials[number]);
        let others =
            self.trials.iter().enumerate().filter(|(other, one)| *other != number && one.at != At::Pruned);
        others.filter_map(|(_, one)| best(one)).any(|other| own.is_some_and(|own| other <= own))
    }

    fn promote(&mut self, number: usize) {
        let At::Waiting(rung) = self.trials[number].at else { panic!("{number} waits at no rung") };
        self.trials[number].until = self.pruner.next_rung(rung, self.epochs as u64);
        self.trials[number].at = At::Running;
        self.log.push(format!("{number} promoted from {rung}"));
        self.show(number);
    }

    /// Promotes what is to be promoted; where all wait, the leader goes on, and where it has ended the others are pruned.
    fn follow(&mut self) {
        let promotable = |sweep: &Self| sweep.standings.promotable().next();
        while let Some(number) = promotable(self) {
            self.promote(number as usize);
        }
        if self.trials.iter().any(|trial| trial.at == At::Running) {
            return;
        }
        let waiting: Vec<u32> = self.standings.waiting().collect();
        match self.standings.leader().filter(|leader| waiting.contains(leader)) {
            Some(leader) => self.promote(leader as usize),
            None => {
                for number in waiting {
                    self.trials[number as usize].at = At::Pruned;
                    self.show(number as usize);
                }
            }
        }
    }

    fn play(&mut self, seed: u64) {
        let mut draw = Draw(seed);
        loop {
            let running: Vec<usize> =
                (0..self.trials.len()).filter(|at| self.trials[*at].at == At::Running).collect();
            if running.is_empty() {
                return;
            }
            self.step(running[draw.below(running.len())]);
            self.follow();
            assert_eq!(self.standings, self.rebuilt(), "a restart finds other standings");
        }
    }
}

#[test]
fn every_sweep_ends_with_its_best_trial_trained_to_the_end() {
    for (name, pruner) in pruners() {
        for seed in 0..40 {
            let curves = curves(seed, 1 + seed as usize, 9);
            let mut sweep = Sweep::new(&*pruner, &curves, 9);
            sweep.play(seed);
            let ended = sweep.trials.iter().all(|trial| matches!(trial.at, At::Completed | At::Pruned));
            assert!(ended, "{name}: {:?}", sweep.log);
            let best = |trial: &Trial| trial.shown().best_so_far.last().copied().unwrap_or(f64::INFINITY);
            let leader = sweep.trials.iter().min_by(|left, right| best(left).total_cmp(&best(right)));
            assert_eq!(leader.map(|trial| trial.at), Some(At::Completed), "{name}, seed {seed}");
        }
    }
}

#[test]
fn the_same_events_give_the_same_decisions() {
    for (name, pruner) in pruners() {
        let curves = curves(5, 30, 9);
        let logs: BTreeSet<Vec<String>> = (0..3)
            .map(|_| {
                let mut sweep = Sweep::new(&*pruner, &curves, 9);
                sweep.play(7);
                sweep.log
            })
            .collect();
        assert_eq!(logs.len(), 1, "{name}");
    }
}

#[test]
fn a_lower_loss_is_never_pruned_where_a_higher_one_is_not() {
    for (name, pruner) in pruners() {
        let curves = curves(3, 25, 9);
        let mut sweep = Sweep::new(&*pruner, &curves, 9);
        sweep.play(3);
        for epoch in 1..=9 {
            let verdicts: Vec<Verdict> =
                (0..40).map(|at| pruner.judge(&sweep.standings, epoch, f64::from(at) / 20.0)).collect();
            let first = verdicts.iter().position(|one| *one == Verdict::Prune).unwrap_or(verdicts.len());
            assert!(verdicts[first..].iter().all(|one| *one == Verdict::Prune), "{name}: {verdicts:?}");
        }
    }
}

#[test]
fn every_pruner_of_the_list_is_there_and_none_is_none() {
    for pruner in PrunerName::ALL {
        let search = Search { pruner: *pruner, ..Search::of_grid() };
        assert_eq!(of(&search).is_none(), *pruner == PrunerName::None, "{pruner}");
    }
}

/// Standings in which trials have these losses after their first epoch.
fn after_one_epoch(one_in: u32, losses: &[f64]) -> Standings {
    let mut standings = Standings::new(one_in);
    for (trial, loss) in (0..).zip(losses) {
        let shown =
            Shown { best_so_far: vec![*loss], lasts: false, waits_at: Some(1), is_in_the_running: true };
        standings.set(trial, shown);
    }
    standings
}

#[test]
fn the_median_is_that_of_the_others_and_needs_five_of_them() {
    let median = Median::new(1);
    let judge = |losses: &[f64], best| median.judge(&after_one_epoch(2, losses), 1, best);
    assert_eq!(judge(&[1.0, 2.0, 3.0, 4.0], 9.0), Verdict::GoOn, "too few");
    assert_eq!(judge(&[5.0, 1.0, 3.0, 4.0, 2.0], 3.0), Verdict::GoOn, "the median itself");
    assert_eq!(judge(&[5.0, 1.0, 3.0, 4.0, 2.0], 3.001), Verdict::Prune);
    assert_eq!(judge(&[6.0, 5.0, 1.0, 3.0, 4.0, 2.0], 3.5), Verdict::GoOn, "between the two in the middle");
    assert_eq!(judge(&[6.0, 5.0, 1.0, 3.0, 4.0, 2.0], 3.501), Verdict::Prune);
    assert_eq!(judge(&[2.0; 9], 2.0), Verdict::GoOn, "all alike");
    assert_eq!(Median::new(2).judge(&after_one_epoch(2, &[1.0; 9]), 1, 9.0), Verdict::GoOn, "too early");
}

#[test]
fn the_median_is_of_the_best_so_far_and_not_of_the_last_loss() {
    // All have begun to overfit: their last losses are above their best ones.
    let mut standings = Standings::new(2);
    for trial in 0..5 {
        let best = 0.5 + f64::from(trial) / 10.0;
        let shown =
            Shown { best_so_far: vec![best, best], lasts: false, waits_at: None, is_in_the_running: true };
        standings.set(trial, shown);
    }
    assert_eq!(Median::new(1).judge(&standings, 2, 0.69), Verdict::GoOn);
    assert_eq!(Median::new(1).judge(&standings, 2, 0.71), Verdict::Prune);
}

#[test]
fn rungs_stand_at_powers_of_eta_before_the_end() {
    let rungs = |eta, min_epochs, epochs| {
        let asha = Asha::new(eta, min_epochs);
        let next = |rung: &u32| asha.next_rung(*rung, epochs);
        std::iter::successors(asha.first_rung(epochs), next).collect::<Vec<_>>()
    };
    assert_eq!(rungs(3, 1, 27), [1, 3, 9]);
    assert_eq!(rungs(3, 1, 28), [1, 3, 9, 27]);
    assert_eq!(rungs(2, 2, 9), [2, 4, 8]);
    assert_eq!(rungs(4, 5, 5), Vec::<u32>::new());
    assert_eq!(rungs(u32::MAX, 2, u64::MAX), [2], "no rung beyond what can be counted");
}

#[test]
fn one_in_eta_of_those_at_a_rung_is_promoted() {
    let promotable = |losses: &[f64]| after_one_epoch(3, losses).promotable().collect::<Vec<_>>();
    assert_eq!(promotable(&[3.0, 1.0]), Vec::<u32>::new());
    assert_eq!(promotable(&[3.0, 1.0, 2.0]), [1]);
    assert_eq!(promotable(&[3.0, 1.0, 2.0, 0.5, 9.0]), [3]);
    assert_eq!(promotable(&[3.0, 1.0, 2.0, 0.5, 9.0, 8.0]), [3, 1]);
    assert_eq!(promotable(&[1.0; 6]), [0, 1], "equal ones in their order");
    // Who was promoted still counts among those that have been there.
    let mut standings = after_one_epoch(3, &[3.0, 1.0, 2.0]);
    standings.set(1, Shown { best_so_far: vec![1.0], lasts: false, waits_at: None, is_in_the_running: true });
    assert_eq!(standings.promotable().count(), 0);
    for trial in 3..6 {
        let shown =
            Shown { best_so_far: vec![4.0], lasts: false, waits_at: Some(1), is_in_the_running: true };
        standings.set(trial, shown);
    }
    assert_eq!(standings.promotable().collect::<Vec<_>>(), [2]);
}

/// What each of these has reached by an epoch, lowest first: computed the long way.
fn reached(trials: &[Shown], epoch: usize) -> Vec<f64> {
    let loss = |shown: &Shown| {
        let lasting = shown.best_so_far.last().filter(|_| shown.lasts);
        shown.best_so_far.get(epoch - 1).or(lasting).copied()
    };
    let mut losses: Vec<f64> = trials.iter().filter_map(loss).collect();
    losses.sort_by(f64::total_cmp);
    losses
}

fn shown() -> impl Strategy<Value = Shown> {
    (proptest::collection::vec(0_u32..30, 0..12), any::<bool>(), any::<bool>()).prop_map(
        |(curve, lasts, waits)| {
            let mut lowest = f64::INFINITY;
            let best_so_far: Vec<f64> = curve
                .into_iter()
                .map(|loss| {
                    lowest = lowest.min(f64::from(loss) / 4.0);
                    lowest
                })
                .collect();
            let rung = best_so_far.len() as u32;
            let waits_at = Some(rung).filter(|rung| waits && !lasts && *rung > 0);
            Shown { best_so_far, lasts, waits_at, is_in_the_running: true }
        },
    )
}

proptest! {
    #[test]
    fn what_patience_has_ended_lasts(
        changes in proptest::collection::vec((0_usize..20, shown()), 1..60), one_in in 2_u32..5, probe in 0_u32..60,
    ) {
        let mut trials = vec![Shown::default(); 20];
        let mut standings = Standings::new(one_in);
        for (trial, shown) in changes {
            standings.set(trial as u32, shown.clone());
            trials[trial] = shown;
        }
        let probe = f64::from(probe) / 8.0;
        for epoch in 1..=15_usize {
            let losses = reached(&trials, epoch);
            let at = standings.at(epoch as u32);
            prop_assert_eq!(at.map_or(0, AtEpoch::len), losses.len());
            let Some(at) = at else { continue };
            let (lower, upper) = (losses[(losses.len() - 1) / 2], losses[losses.len() / 2]);
            prop_assert_eq!(at.median_is_below(probe), probe > f64::midpoint(lower, upper), "epoch {}", epoch);
        }
        let promotable: Vec<u32> = standings.promotable().collect();
        for (trial, shown) in (0..).zip(&trials) {
            let Some(rung) = shown.waits_at else { continue };
            let losses = reached(&trials, rung as usize);
            let (own, best) = (shown.best_so_far[rung as usize - 1], losses.len() / one_in as usize);
            let lower = losses.iter().filter(|loss| **loss < own).count();
            let equal = losses.iter().filter(|loss| **loss == own).count();
            if lower >= best {
                prop_assert!(!promotable.contains(&trial));
            } else if lower + equal <= best {
                prop_assert!(promotable.contains(&trial));
            }
        }
    }

    #[test]
    fn an_ended_trial_takes_as_much_room_as_it_has_trained(epochs in 1_usize..50, trials in 1_u32..50) {
        let mut standings = Standings::new(2);
        for trial in 0..trials {
            let best_so_far = vec![1.0 + f64::from(trial); epochs];
            standings.set(trial, Shown { best_so_far, lasts: true, waits_at: None, is_in_the_running: true });
        }
        prop_assert_eq!(standings.entries(), (epochs + 1) * trials as usize);
        prop_assert_eq!(standings.at(EPOCHS_RANKED_MAX as u32).map(AtEpoch::len), Some(trials as usize));
        prop_assert!(standings.at(EPOCHS_RANKED_MAX as u32 + 1).is_none());
        (0..trials).for_each(|trial| standings.set(trial, Shown::default()));
        prop_assert_eq!(standings, Standings::new(2), "something of them stays");
    }
}
