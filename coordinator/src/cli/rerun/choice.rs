//! Which trials are trained again: a draw that anybody can repeat from its seed.

use sweep_proto::Digest;

/// Positions of `count` of the names, or of all where there are fewer, in ascending order. Each name is ranked by the
/// SHA-256 of seed and name, and the lowest are taken: the same seed chooses the same trials, in whatever order they
/// are listed, and no trial is chosen twice. Of equal names the first stands for all.
pub(super) fn choose(names: &[&str], count: usize, seed: u64) -> Vec<usize> {
    let rank = |name: &str| Digest::of(format!("rerun\n{seed}\n{name}\n").as_bytes());
    let mut ranked: Vec<_> = names.iter().enumerate().map(|(at, name)| (rank(name), at)).collect();
    ranked.sort_unstable();
    ranked.dedup_by_key(|(rank, _)| *rank);
    let mut chosen: Vec<usize> = ranked.into_iter().take(count).map(|(_, at)| at).collect();
    chosen.sort_unstable();
    chosen
}

/// A seed that nobody could know when the report was made. 53 bits survive JSON readers that hold numbers as doubles.
///
/// # Errors
/// Where the system has no randomness.
pub(super) fn draw_seed() -> Result<u64, getrandom::Error> {
    Ok(getrandom::u64()? >> 11)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn chosen<'k>(keys: &[&'k str], count: usize, seed: u64) -> BTreeSet<&'k str> {
        choose(keys, count, seed).into_iter().map(|at| keys[at]).collect()
    }

    proptest! {
        #[test]
        fn the_same_seed_chooses_the_same_trials_in_any_order(
            (sorted, shuffled) in proptest::collection::btree_set("[0-9a-f]{8}", 1..40)
                .prop_map(|keys| keys.into_iter().collect::<Vec<_>>())
                .prop_flat_map(|keys| (Just(keys.clone()), Just(keys).prop_shuffle())),
            count in 0_usize..50,
            seed: u64,
        ) {
            let sorted: Vec<&str> = sorted.iter().map(String::as_str).collect();
            let shuffled: Vec<&str> = shuffled.iter().map(String::as_str).collect();
            let found = chosen(&sorted, count, seed);
            prop_assert_eq!(found.len(), count.min(sorted.len()));
            prop_assert_eq!(&found, &chosen(&shuffled, count, seed));
            prop_assert!(found.is_subset(&chosen(&sorted, count + 1, seed)));
        }
    }

    #[test]
    fn every_trial_is_chosen_about_equally_often() {
        let keys: Vec<String> = (0..10).map(|key| key.to_string()).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let mut counts = [0_u32; 10];
        for seed in 0..10_000 {
            choose(&keys, 3, seed).into_iter().for_each(|at| counts[at] += 1);
        }
        // Binomial with mean 3,000 and a standard deviation of 46; the seeds are fixed, and so is the outcome.
        assert!(counts.iter().all(|count| count.abs_diff(3_000) < 230), "{counts:?}");
    }

    #[test]
    fn equal_names_are_one_trial() {
        assert_eq!(choose(&["a", "a", "b"], 5, 1), [0, 2]);
        assert_eq!(choose(&[], 5, 1), [0_usize; 0]);
    }
}
