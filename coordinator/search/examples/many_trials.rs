//! What `auto` takes for each event and each question where trials are many.
//!
//! ```text
//! cargo run --release -p coordinator-search --example many_trials -- 5000
//! ```
//!
//! 32 workers train trials of 8 epochs in a space of four ranges; what they show is made up. Every hundredth trial is of a configuration that
//! the search has not chosen, as after a space was extended.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use coordinator_search::Space;
use coordinator_search::auto::{Job, Settings, SpaceSearch, Verdict};
use sweep_proto::Hyperparameter::{self, BatchSize, Dropout, LearningRate, Units};
use sweep_proto::random::Stream;
use sweep_proto::{Axis, Configuration, Range, Value};

const WORKERS: usize = 32;
const EPOCHS: u32 = 8;
const REPLICATES: u32 = 3;

fn space() -> Result<Space> {
    let range = |of: Hyperparameter, ends: [Value; 2], log| -> Result<Axis> {
        Ok(Axis::of_range(of, Range::new(of, ends, log, None).context("a range")?))
    };
    Ok(Space::over(vec![
        range(Units, [8, 512].map(Value::Integer), true)?,
        range(BatchSize, [8, 256].map(Value::Integer), true)?,
        range(LearningRate, [1e-4, 1e-1].map(Value::Real), true)?,
        range(Dropout, [0.0, 0.6].map(Value::Real), false)?,
    ]))
}

/// The loss after an epoch: best at 90 units, batches of 32, a learning rate of 0.003 and a dropout of 0.2; seed noise of 2 %.
fn loss(configuration: &Configuration, job: Job, epoch: u32) -> f64 {
    let units = (configuration.units() as f64 / 90.0).ln();
    let batch = (configuration.batch_size() as f64 / 32.0).ln();
    let rate = (configuration.learning_rate() / 3e-3).ln();
    let dropout = configuration.dropout() - 0.2;
    let bowl = 0.02 * units * units + 0.01 * batch * batch + 0.03 * rate * rate + 0.3 * dropout * dropout;
    let mut random = Stream::new(job.configuration as u64, "noise", u64::from(job.replicate));
    let noise: f64 = (0..12).map(|_| random.inside() - 0.5).sum();
    (0.4 * (bowl + 0.02 * noise).exp() * (1.0 + 0.4 * (-0.7 * f64::from(epoch)).exp())).min(0.75)
}

/// How long each kind of call took.
#[derive(Default)]
struct Times(BTreeMap<&'static str, Vec<Duration>>);

impl Times {
    fn of<T>(&mut self, what: &'static str, call: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = call();
        self.0.entry(what).or_default().push(start.elapsed());
        result
    }

    fn print(mut self) {
        for (what, times) in &mut self.0 {
            times.sort_unstable();
            let ms = |time: Duration| 1e3 * time.as_secs_f64();
            let mean = ms(times.iter().sum::<Duration>()) / times.len() as f64;
            let at = |share: f64| ms(times[((times.len() - 1) as f64 * share) as usize]);
            let [middle, most, all] = [0.5, 0.99, 1.0].map(at);
            println!(
                "{what:8} {:6} calls: mean {mean:.2} ms, median {middle:.2} ms, 99 % below {most:.1} ms, longest {all:.0} ms",
                times.len()
            );
        }
    }
}

fn main() -> Result<()> {
    let trials: usize = std::env::args()
        .nth(1)
        .context("say how many trials")?
        .parse()
        .context("how many trials is a number")?;
    let settings =
        Settings { sure: 0.999_999, ..Settings::new(1, REPLICATES, EPOCHS, std::f64::consts::LN_2) };
    let mut search = SpaceSearch::new(settings.told_of_ends(), space()?)?;
    let space = space()?;
    let mut random = Stream::new(1, "strangers", 0);
    let (mut times, mut made) = (Times::default(), 0);
    let mut running: Vec<Job> = Vec::new();
    let mut trained: BTreeMap<(usize, u32), u32> = BTreeMap::new();
    while made < trials {
        while running.len() < WORKERS {
            let answer = times.of("answer", || search.answer(WORKERS, 1));
            let chosen = answer.jobs.first().copied().filter(|_| made % 100 != 99);
            let job = match chosen {
                Some(job) => job,
                None => loop {
                    let place: Vec<f64> = (0..4).map(|_| random.inside()).collect();
                    let stranger = space.configuration(&place).context("there are no constraints")?;
                    if search.index_of(&stranger).is_none() {
                        let configuration = times.of("admit", || search.admit(&stranger))?;
                        break Job { configuration, replicate: 0, goes_on: false };
                    }
                },
            };
            times.of("given", || search.given(job))?;
            made += usize::from(!job.goes_on);
            running.push(job);
        }
        let at = random.place(running.len());
        let job = running[at];
        let epoch = trained.entry((job.configuration, job.replicate)).or_insert(0);
        *epoch += 1;
        let configuration = search.configuration(job.configuration).context("a candidate")?;
        let (score, is_last) = (loss(configuration, job, *epoch), *epoch == EPOCHS);
        times.of("shown", || search.shown(job, *epoch, score, is_last))?;
        if !is_last && times.of("verdict", || search.verdict(job)) == Verdict::Pause {
            times.of("paused", || search.paused(job))?;
            running.swap_remove(at);
        } else if is_last {
            running.swap_remove(at);
        }
    }
    let best = times.of("best", || search.best()).context("trials have finished")?;
    let configuration = search.configuration(best.named).context("a candidate")?;
    println!(
        "{made} trials, {} epochs; named {}",
        trained.values().map(|one| u64::from(*one)).sum::<u64>(),
        configuration.label(&[Units, BatchSize, LearningRate, Dropout])
    );
    println!("probability {:?}, {} tied", best.probability, best.tied.len());
    times.print();
    Ok(())
}
