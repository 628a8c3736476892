//! Generated tables are what they say, and `auto` finds on them what it should. All seeds are fixed, so each test gives the same numbers
//! every time; bounds leave room for other seeds.

use coordinator_search::auto::{Auto, Settings};
use coordinator_search::replay::generator::{CHANCE_LOSS, EPOCHS, Kind, Made, REPLICATES, make};
use coordinator_search::replay::{Course, CurveTable, Epoch, Judge, Listed, Strategy, Trace, play};

const WORKERS: usize = 8;
const PATIENCE: u32 = 2;

fn searched(made: &Made, share: f64, strategy: &mut dyn Strategy) -> Trace {
    let epochs = (share * made.table.all_epochs() as f64) as u64;
    play(&made.table, Course { workers: WORKERS, epochs, patience: PATIENCE }, strategy).unwrap()
}

fn auto(made: &Made, seed: u64) -> Auto {
    let usual = Settings::new(seed, REPLICATES as u32, EPOCHS as u32, CHANCE_LOSS);
    Auto::new(Settings { patience: PATIENCE, ..usual }, made.candidates.clone()).unwrap()
}

fn last(trace: &Trace) -> usize {
    trace.named.last().unwrap().1
}

/// The gap between the worst and the best configuration, by their scores.
fn gap(table: &CurveTable) -> f64 {
    let mean = |one: usize| table.scores(one).iter().sum::<f64>() / table.replicates() as f64;
    let means = (0..table.configurations()).map(mean);
    let (low, high) = means.fold((f64::INFINITY, 0.0_f64), |(low, high), one| (low.min(one), high.max(one)));
    (high - low) / high
}

#[test]
fn generated_tables_have_the_gaps_the_noise_and_the_epochs_of_their_kinds() {
    for (name, kind) in Kind::ALL {
        let tables: Vec<Made> = (0..8).map(|seed| make(kind, seed).unwrap()).collect();
        let mean = |of: &dyn Fn(&Made) -> f64| tables.iter().map(of).sum::<f64>() / tables.len() as f64;
        let gap = mean(&|made| gap(&made.table));
        let noise = mean(&|made| made.table.seed_deviation());
        // What the generator in Python gave whose sizes these are, over as many tables.
        let (expected_gap, expected_noise) = match kind {
            Kind::Small => (0.111, 0.0142),
            Kind::Large => (0.292, 0.0191),
            Kind::Crossing => (0.406, 0.0224),
            Kind::Interact => (0.100, 0.0129),
            Kind::Noisy => (0.118, 0.0266),
            Kind::Null => (0.041, 0.0145),
        };
        assert!((gap / expected_gap - 1.0).abs() < 0.3, "{name}: a gap of {gap}");
        assert!((noise / expected_noise - 1.0).abs() < 0.1, "{name}: seed noise of {noise}");
        assert!(tables.iter().all(|made| made.table.epochs() == EPOCHS && made.candidates.len() == 192));
    }
}

#[test]
fn a_seed_fixes_a_table_and_its_judge() {
    let (first, same, other) =
        (make(Kind::Small, 1).unwrap(), make(Kind::Small, 1).unwrap(), make(Kind::Small, 2).unwrap());
    assert_eq!((&first.table, &first.judge), (&same.table, &same.judge));
    assert_ne!(first.table, other.table);
    assert_ne!(first.judge, other.judge);
}

#[test]
fn of_a_null_table_every_configuration_is_the_best() {
    let made = make(Kind::Null, 3).unwrap();
    assert!((0..192).all(|one| made.judge.regret(one) == 0.0 && made.judge.is_tied(one)));
}

/// A named configuration is tied with the best one in nearly all searches at a tenth of the grid's epochs, and its regret is below that of
/// random search.
#[test]
fn auto_names_what_is_tied_with_the_best_and_regrets_less_than_random_search() {
    const SEEDS: u64 = 10;
    for kind in [Kind::Small, Kind::Large, Kind::Crossing, Kind::Interact] {
        let (mut tied, mut regret, mut regret_of_random) = (0, 0.0, 0.0);
        for seed in 0..SEEDS {
            let made = make(kind, seed).unwrap();
            let named = last(&searched(&made, 0.1, &mut auto(&made, seed)));
            let mut random = Listed::random(192, REPLICATES as u32, seed);
            let other = last(&searched(&made, 0.1, &mut random));
            tied += u64::from(made.judge.is_tied(named));
            regret += made.judge.regret(named) / SEEDS as f64;
            regret_of_random += made.judge.regret(other) / SEEDS as f64;
        }
        assert!(tied + 1 >= SEEDS, "{kind:?}: tied in {tied} of {SEEDS}");
        assert!(regret < 0.7 * regret_of_random, "{kind:?}: {regret}, random search {regret_of_random}");
    }
}

/// Where it stops by itself it has trained all replicates of what it names, and keeps its word.
#[test]
fn auto_stops_after_a_small_part_of_the_grid_and_keeps_its_word() {
    let (mut stopped, mut kept) = (0, 0);
    for seed in 0..12 {
        let made = make(Kind::Small, seed).unwrap();
        let mut search = auto(&made, seed);
        let trace = searched(&made, 0.15, &mut search);
        let Some(standing) = search.stop() else { continue };
        assert_eq!(trace.stop, Some(standing.margin));
        assert!(standing.probability >= Some(0.95) && standing.tied.contains(&standing.named));
        assert_eq!(last(&trace), standing.named);
        stopped += 1;
        kept += u32::from(made.judge.is_within(standing.named, standing.margin));
    }
    assert!(stopped >= 8, "{stopped} of 12 stopped");
    assert!(kept + 1 >= stopped, "{kept} of {stopped} kept their word");
}

#[test]
fn a_judge_sees_when_a_search_held_and_what_it_regretted() {
    let judge = Judge::new(vec![1.0, 1.005, 1.1], 0.04);
    let trace = Trace { named: vec![(10, 1), (20, 2), (30, 0), (40, 1)], ..Trace::default() };
    let judgement = judge.judge(&trace, 100, &[0.05, 0.1, 0.25, 0.5]);
    assert_eq!(judgement.held, Some(30), "it left at 20 and came back");
    let regrets: Vec<Option<i64>> =
        judgement.regrets.iter().map(|one| one.map(|one| (1e3 * one).round() as i64)).collect();
    assert_eq!(regrets, [None, Some(5), Some(100), Some(5)]);
    assert_eq!(judgement.tied, [false, true, false, true]);
    let left = Trace { named: vec![(10, 0), (20, 2)], ..Trace::default() };
    assert_eq!(judge.judge(&left, 100, &[]).held, None);
}

#[test]
fn what_is_no_table_is_refused_in_words_and_what_is_missing_stays_so() {
    let epoch = Epoch { loss: 0.5, ms: 1 };
    let problem = |replicates, curves| CurveTable::new(replicates, curves).unwrap_err().to_string();
    assert!(problem(2, vec![vec![epoch]; 3]).contains("an empty one where it was not recorded"));
    assert!(problem(0, vec![vec![epoch]]).contains("0 replicates"));
    assert!(problem(1, vec![vec![], vec![]]).contains("no trial was recorded"));
    let diverged = Epoch { loss: f64::NAN, ..epoch };
    let gap = problem(2, vec![vec![epoch], vec![diverged, epoch]]);
    assert!(gap.contains("replicate 1 of configuration 0 goes on after a loss that is no number"), "{gap}");
    let table = CurveTable::new(2, vec![vec![epoch, diverged], vec![], vec![epoch], vec![diverged]]).unwrap();
    assert_eq!((table.score(0, 0), table.score(0, 1)), (Some(f64::INFINITY), None));
    assert_eq!(table.counted_scores(1, 0.7), [Some(0.5), Some(0.7)]);
    assert_eq!((table.trials(), table.all_epochs()), (3, 4));
}
