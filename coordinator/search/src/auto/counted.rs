//! Which observations count where there are more than can be computed with: those of some configurations, with all their replicates.
//!
//! A configuration's observations count all or not at all: to leave some out by their values would make it look better than it is.

use crate::auto::model::Observation;

/// The observations of each configuration, which are sorted by it.
fn groups(observations: &[Observation]) -> Vec<&[Observation]> {
    observations.chunk_by(|one, other| one.configuration == other.configuration).collect()
}

/// At most `most` observations, unless they are all of one configuration: of configurations evenly spread over their order. Nothing that was shown decides
/// which, so parameters that are fitted to them lean to no side; seed noise is told by the replicates that stay together.
pub(crate) fn spread(observations: &[Observation], most: usize) -> Vec<Observation> {
    if observations.len() <= most {
        return observations.to_vec();
    }
    let groups = groups(observations);
    let mut count = most.min(groups.len());
    loop {
        let taken = (0..count).map(|one| groups[one * groups.len() / count]);
        let size: usize = taken.clone().map(<[_]>::len).sum();
        if size <= most || count <= 1 {
            return taken.flatten().copied().collect();
        }
        count -= 1;
    }
}

/// At most about `most` observations, sorted: half of configurations whose mean is lowest, which decide what is best, and half spread over all others,
/// which say where nothing is to be found.
pub(crate) fn lowest_and_spread(observations: &[Observation], most: usize) -> Vec<Observation> {
    if observations.len() <= most {
        return observations.to_vec();
    }
    let mean = |group: &[Observation]| group.iter().map(|one| one.value).sum::<f64>() / group.len() as f64;
    let mut groups: Vec<(f64, &[Observation])> =
        groups(observations).into_iter().map(|group| (mean(group), group)).collect();
    groups.sort_by(|one, other| {
        one.0.total_cmp(&other.0).then(one.1[0].configuration.cmp(&other.1[0].configuration))
    });
    let mut taken: Vec<Observation> = Vec::with_capacity(most);
    let mut others: Vec<Observation> = Vec::new();
    for (_, group) in groups {
        let takes = others.is_empty() && taken.len() + group.len() <= most / 2;
        if takes { taken.extend(group) } else { others.extend(group) }
    }
    others.sort_by_key(|one| (one.configuration, one.replicate));
    taken.extend(spread(&others, most - taken.len()));
    taken.sort_by_key(|one| (one.configuration, one.replicate));
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 300 configurations of one to three replicates; the lowest values are those of the last ones.
    fn observations() -> Vec<Observation> {
        let of = |configuration: usize| {
            (0..=(configuration as u32 % 3)).map(move |replicate| Observation {
                configuration,
                replicate,
                value: -(configuration as f64),
                variance: 0.0,
            })
        };
        (0..300).flat_map(of).collect()
    }

    #[test]
    fn whole_configurations_are_spread_over_all() {
        let all = observations();
        for most in [1, 2, 3, 10, 100, 599] {
            let taken = spread(&all, most);
            assert!(taken.len() <= most.max(3), "{most}: {}", taken.len());
            assert!(most < 10 || 10 * taken.len() >= 7 * most, "{most}: {}", taken.len());
            let chosen = groups(&taken);
            for group in &chosen {
                assert_eq!(group.len(), 1 + group[0].configuration % 3, "with all replicates");
            }
            for pair in chosen.windows(2) {
                let apart = pair[1][0].configuration - pair[0][0].configuration;
                assert!(apart.abs_diff(300 / chosen.len()) <= 1, "{most}: {apart} apart");
            }
        }
        assert_eq!(spread(&all, 600), all);
        assert_eq!(
            spread(&all, 100),
            spread(&all.iter().map(|one| Observation { value: 0.0, ..*one }).collect::<Vec<_>>(), 100)
                .iter()
                .map(|one| Observation { value: -(one.configuration as f64), ..*one })
                .collect::<Vec<_>>()
        );
    }

    #[test]
    fn the_lowest_count_and_some_of_all_others() {
        let all = observations();
        let taken = lowest_and_spread(&all, 100);
        assert!((80..=100).contains(&taken.len()), "{}", taken.len());
        let low = taken.iter().filter(|one| one.configuration >= 276).count();
        assert!(low >= 45, "{low} of the lowest");
        let high = taken.iter().filter(|one| one.configuration < 200).count();
        assert!(high >= 20, "{high} of the highest two thirds");
        assert!(taken.is_sorted_by_key(|one| (one.configuration, one.replicate)));
        assert_eq!(lowest_and_spread(&all, 600), all);
    }
}
