//! A steered search is a fold of its log: how the log is told, and when, changes no answer.

use coordinator_search::{SearchEvent, Space, Steered, SteeredNews, SteeredSetup, Steering};
use proptest::prelude::*;
use sweep_proto::state::TrialState;
use sweep_proto::{Configuration, sweep_file};

const EPOCHS: u32 = 4;

fn space() -> Space {
    let file = "name = 'x'\n[data]\ndataset = 'snippets'\n[grid]\nunits = [8, 16, 24, 32]\nlearning_rate = [1e-3, 3e-3, 1e-2]\n[search]\n\
        sampler = 'auto'\n";
    Space::of(&sweep_file::parse("x", file).expect("a sweep file"))
}

fn setup(seed: u64) -> SteeredSetup {
    SteeredSetup { seed, space: space(), replicates: 2, epochs: EPOCHS, chance_score: 0.69 }
}

/// A log as an engine keeps it: of a search whose questions are answered by the search itself.
#[derive(Clone, Debug, Default)]
struct Log {
    made: Vec<(Configuration, u32)>,
    events: Vec<(u64, SearchEvent)>,
    /// How many trials were made before each event was told.
    made_by: Vec<usize>,
}

impl Log {
    fn push(&mut self, event: SearchEvent) -> u64 {
        let number = self.events.len() as u64 + 1;
        self.events.push((number, event));
        self.made_by.push(self.made.len());
        number
    }

    /// The search after the first `count` events, told in parts of `most` events.
    fn told(&self, seed: u64, count: usize, most: usize, asked: Option<u64>) -> Steering {
        let mut search = Steered::new(setup(seed)).expect("a search");
        let made = self.made_by[..count].last().copied().unwrap_or(0);
        let news = SteeredNews { made: self.made[..made].to_vec(), events: Vec::new() };
        search.learn(news, asked).expect("trials");
        for part in self.events[..count].chunks(most.max(1)) {
            let news = SteeredNews { made: Vec::new(), events: part.to_vec() };
            search.learn(news, asked).expect("a sound log");
        }
        search.steering(asked)
    }
}

/// The loss of an epoch: lower with more units, overfitting by luck.
fn score(configuration: &Configuration, replicate: u32, epoch: u32, luck: u32) -> f64 {
    let units = configuration.units() as f64;
    0.6 - 0.002 * units - 0.03 * f64::from(epoch.min(3))
        + 0.004 * f64::from(luck % 5)
        + 0.003 * f64::from(replicate)
}

/// Plays a search with several workers; `luck` decides who comes next.
fn play(seed: u64, workers: usize, luck: &[u32]) -> (Log, Vec<(usize, u64, Steering)>) {
    let mut log = Log::default();
    let mut answers = Vec::new();
    let mut running: Vec<(u32, u32)> = Vec::new();
    let mut trained: Vec<u32> = Vec::new();
    for step in luck {
        if running.len() < workers {
            let count = (workers - running.len()) as u32;
            let asked = log.push(SearchEvent::Asked { count, workers: workers as u32 });
            let steering = log.told(seed, log.events.len(), 7, Some(asked));
            answers.push((log.events.len(), asked, steering.clone()));
            let chosen = steering.chosen.expect("an answer");
            if chosen.end.is_some() {
                break;
            }
            for proposal in chosen.proposals {
                let key = (proposal.configuration, proposal.replicate);
                let known = log.made.iter().position(|made| *made == key);
                let trial = known.unwrap_or_else(|| {
                    log.made.push(key);
                    trained.push(0);
                    log.made.len() - 1
                });
                log.push(SearchEvent::Given { trial: trial as u32 });
                running.push((trial as u32, trained[trial]));
            }
        }
        if running.is_empty() {
            break;
        }
        let at = *step as usize % running.len();
        let (trial, epoch) = running[at];
        let (epoch, is_last) = (epoch + 1, epoch + 1 == EPOCHS);
        let (configuration, replicate) = &log.made[trial as usize];
        let score = score(configuration, *replicate, epoch, *step);
        log.push(SearchEvent::Shown { trial, epoch, score, is_last });
        (running[at].1, trained[trial as usize]) = (epoch, epoch);
        let pauses = log.told(seed, log.events.len(), 5, None).pauses;
        if is_last {
            log.push(SearchEvent::Ended { trial, state: TrialState::Completed });
            running.remove(at);
        } else if pauses.contains(&(trial, epoch)) {
            log.push(SearchEvent::Paused { trial });
            running.remove(at);
        }
    }
    (log, answers)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// After a restart, which is told the whole log at once, every question is answered as it was.
    #[test]
    fn however_a_log_is_told_its_questions_are_answered_alike(
        seed: u64, workers in 1_usize..5, luck in prop::collection::vec(any::<u32>(), 40..120), most in 1_usize..60,
    ) {
        let (log, answers) = play(seed, workers, &luck);
        prop_assert!(!answers.is_empty());
        for (count, asked, steering) in answers {
            let again = log.told(seed, count, most, Some(asked));
            prop_assert_eq!(&again.chosen, &steering.chosen);
            // What has happened since changes nothing of it either.
            let later = log.told(seed, log.events.len(), most, Some(asked));
            prop_assert_eq!(&later.chosen, &steering.chosen);
        }
    }
}

#[test]
fn a_question_for_no_trial_is_answered_with_what_is_named() {
    let luck: Vec<u32> = (0..60).collect();
    let (mut log, _) = play(3, 2, &luck);
    let asked = log.push(SearchEvent::Asked { count: 0, workers: 0 });
    let chosen = log.told(3, log.events.len(), 100, Some(asked)).chosen.expect("an answer");
    assert!(chosen.proposals.is_empty());
    assert!(chosen.end.expect("an end").configuration.is_some());
}

#[test]
fn a_log_that_cannot_be_is_refused_in_words() {
    let mut search = Steered::new(setup(1)).expect("a search");
    let events = vec![(1, SearchEvent::Given { trial: 0 })];
    let error = search.learn(SteeredNews { made: Vec::new(), events }, None).expect_err("no such trial");
    assert_eq!(error, "event 1 of its log: there is no trial 0");
}
