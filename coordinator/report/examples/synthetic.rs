//! Writes the report of a synthetic sweep, to look at or to time: the study of the tests, or a grid of about so many
//! trials. `cargo run --release -p coordinator-report --example synthetic -- LANGUAGE DIRECTORY [TRIALS [REPLICATES]]`
#![allow(clippy::unwrap_used, reason = "an example for developers may stop")]

#[path = "../tests/all/fixture/mod.rs"]
mod fixture;

use std::path::PathBuf;
use std::time::Instant;

use coordinator_report::{Language, ReportInput};
use fixture::{axis, finished, noise, spec, study};
use sweep_proto::Hyperparameter;

/// Replicates where the command line does not say.
const REPLICATES: u32 = 3;
const EPOCHS: u32 = 10;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let language: Language = arguments.next().unwrap().parse().unwrap();
    let directory = PathBuf::from(arguments.next().unwrap());
    std::fs::create_dir_all(&directory).unwrap();
    let input = arguments.next().map_or_else(study, |trials| {
        grid(trials.parse().unwrap(), arguments.next().map_or(REPLICATES, |one| one.parse().unwrap()))
    });
    let trials = input.trials.len();
    let began = Instant::now();
    for (name, bytes) in coordinator_report::render(&input, language).unwrap() {
        println!("{name}: {} bytes", bytes.len());
        std::fs::write(directory.join(name), bytes).unwrap();
    }
    println!("{trials} trials of {EPOCHS} epochs in {:.1} s", began.elapsed().as_secs_f64());
}

/// Units × embedding × batch size, as many levels of each, with a planted effect of each.
fn grid(trials: u64, replicates: u32) -> ReportInput {
    let levels = ((trials as f64 / f64::from(replicates)).cbrt().round() as u64).max(2);
    let values: Vec<u64> = (1..=levels).map(|level| level * 8).collect();
    let names = [Hyperparameter::Units, Hyperparameter::Embedding, Hyperparameter::BatchSize];
    let axes = names.map(|name| axis(name, &values)).to_vec();
    finished(spec(axes, replicates), EPOCHS, |position, replicate| {
        let share = |level: u64| level as f64 / levels as f64;
        let (units, embedding, batch_size) =
            (share(position / levels / levels), share(position / levels % levels), share(position % levels));
        let seed = 0.006 * noise(1_000 + u64::from(replicate));
        let loss = 0.62 - 0.1 * embedding - 0.03 * units
            + 0.02 * batch_size
            + seed
            + 0.02 * noise(position * u64::from(replicates) + u64::from(replicate));
        (loss, 0.95 - 0.42 * loss)
    })
}
