//! When the last of many trials ends, on slots of different speed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Most waiting trials that are laid onto slots one by one; of more, the sums tell as much.
const ONE_BY_ONE_MAX: usize = 2_000;

/// What is to be done, and who does it. Groups are kinds of slots.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schedule {
    /// Slots of each group.
    pub slots: Vec<u32>,
    /// Trials that run: their group, and the seconds that remain.
    pub running: Vec<(usize, f64)>,
    /// Trials that wait, in their order: the seconds that each takes on a slot of each group.
    pub waiting: Vec<Vec<f64>>,
    /// How many trials each of `waiting` stands for; 1 unless they are a sample.
    pub each: f64,
}

impl Schedule {
    /// Seconds until everything is done; `None` where nobody does it.
    pub fn seconds(&self) -> Option<f64> {
        let slots: u64 = self.slots.iter().map(|one| u64::from(*one)).sum();
        if slots == 0 || (self.running.is_empty() && self.waiting.is_empty()) {
            return None;
        }
        let seconds = if self.each <= 1.0 && self.waiting.len() <= ONE_BY_ONE_MAX {
            self.one_by_one()
        } else {
            self.as_sums(slots as f64)
        };
        seconds.is_finite().then_some(seconds)
    }

    /// Each trial goes to the slot that is free first, as leases are granted.
    fn one_by_one(&self) -> f64 {
        let mut free: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
        let mut busy = vec![0_u32; self.slots.len()];
        for (group, seconds) in &self.running {
            busy[*group] += 1;
            free.push(Reverse((microseconds(*seconds), *group)));
        }
        for (group, (slots, busy)) in self.slots.iter().zip(busy).enumerate() {
            // No more slots than trials can matter.
            let idle = slots.saturating_sub(busy).min(self.waiting.len() as u32);
            free.extend((0..idle).map(|_| Reverse((0, group))));
        }
        let mut last = self.running.iter().map(|(_, seconds)| microseconds(*seconds)).max().unwrap_or(0);
        for seconds in &self.waiting {
            let Some(Reverse((at, group))) = free.pop() else { break };
            let ends = at.saturating_add(microseconds(seconds[group]));
            last = last.max(ends);
            free.push(Reverse((ends, group)));
        }
        last as f64 / 1e6
    }

    /// All slots are busy until nothing waits any more; then, on average, half a trial remains.
    fn as_sums(&self, slots: f64) -> f64 {
        let sums = (0..self.slots.len())
            .map(|group| self.waiting.iter().map(|one| one[group]).sum::<f64>() * self.each);
        let rate: f64 = self.slots.iter().zip(sums).map(|(slots, sum)| f64::from(*slots) / sum).sum();
        let running: f64 = self.running.iter().map(|(_, seconds)| seconds).sum::<f64>() / slots;
        let trials = self.waiting.len() as f64 * self.each;
        let mean = slots / rate / trials;
        1.0 / rate + running + mean / 2.0
    }
}

fn microseconds(seconds: f64) -> u64 {
    (seconds.max(0.0) * 1e6) as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn trials_go_to_the_slot_that_is_free_first() {
        let schedule = Schedule {
            slots: vec![2],
            running: vec![(0, 5.0)],
            waiting: [3.0, 3.0, 1.0].map(|one| vec![one]).to_vec(),
            each: 1.0,
        };
        // One slot: 3 + 3; the other one: 5 + 1.
        assert_eq!(schedule.seconds(), Some(6.0));
        assert_eq!(Schedule { slots: vec![0], ..schedule.clone() }.seconds(), None, "nobody works");
        let done = Schedule { running: Vec::new(), waiting: Vec::new(), ..schedule };
        assert_eq!(done.seconds(), None, "nothing is left");
    }

    #[test]
    fn fast_slots_take_more() {
        let waiting = vec![vec![1.0, 9.0]; 20];
        let one = |slots| Schedule { slots, running: Vec::new(), waiting: waiting.clone(), each: 1.0 };
        assert_eq!(one(vec![1, 0]).seconds(), Some(20.0));
        assert_eq!(one(vec![1, 1]).seconds(), Some(18.0));
    }

    proptest! {
        /// The sums tell the same as laying trials onto slots one by one, once there are many for each slot.
        #[test]
        fn many_trials_end_when_their_sums_say(
            seconds in prop::collection::vec(0.5_f64..4.0, 300..600), slots in 1_u32..8, slow in 0_u32..4, factor in 1.0_f64..5.0,
        ) {
            let waiting: Vec<_> = seconds.iter().map(|one| vec![*one, *one * factor]).collect();
            let schedule = Schedule { slots: vec![slots, slow], running: Vec::new(), waiting, each: 1.0 };
            let (exact, sums) = (schedule.one_by_one(), schedule.as_sums(f64::from(slots + slow)));
            prop_assert!((sums / exact - 1.0).abs() < 0.15, "{sums} instead of {exact}");
        }
    }
}
