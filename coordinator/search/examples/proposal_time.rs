//! How long TPE takes for a proposal: `cargo run --release -p coordinator-search --example proposal_time [TRIALS] [integers|reals|mixed]`.
//! `tests/benches/search/run time` prints Optuna's and rustuna's beside it.

use std::error::Error;
use std::time::{Duration, Instant};

use coordinator_search::{Ended, Lead, News, Request, Space};
use sweep_proto::SamplerName;
use sweep_proto::random::Stream;
use sweep_proto::state::TrialState;
use sweep_proto::sweep_file;

/// Proposals that are measured.
const PROPOSALS: u64 = 200;

/// Four axes of 64 numbers each, of real numbers, or of every kind.
fn axes(kind: &str) -> Result<&'static str, String> {
    match kind {
        "integers" => Ok("units = { min = 1, max = 64 }\nembedding = { min = 1, max = 64 }\n\
            patience = { min = 1, max = 64 }\nbatch_size = { min = 1, max = 64 }\n"),
        "reals" => {
            Ok("dropout = { min = 0.0, max = 0.5 }\nlearning_rate = { min = 1e-4, max = 1e-1, log = true }\n\
            weight_decay = { min = 0.0, max = 1.0 }\ngradient_clip = { min = 0.0, max = 10.0 }\n")
        }
        "mixed" => Ok(
            "units = { min = 8, max = 512, log = true }\nlearning_rate = { min = 1e-4, max = 1e-1, log = true }\n\
            dropout = { min = 0.0, max = 0.5 }\ncell = [\"lstm\", \"gru\", \"simple_rnn\"]\n",
        ),
        other => Err(format!("the axes are integers, reals or mixed, not {other}")),
    }
}

fn request(kind: &str) -> Result<Request, Box<dyn Error>> {
    let text = format!(
        "name = \"time\"\n[data]\ndataset = \"snippets\"\n[grid]\n{}[search]\nsampler = \"tpe\"\ntrials = 1000\n",
        axes(kind)?
    );
    let spec = sweep_file::parse("time.toml", &text).map_err(|problems| format!("{problems:?}"))?;
    let lead = Lead { first: 0, count: 1, known: 0 };
    Ok(Request { count: 1, ..Request::begun(SamplerName::Tpe, 0, Space::of(&spec), 1, lead) })
}

/// The next trials were made and have ended, with drawn scores.
fn end(request: &mut Request, trials: Vec<(sweep_proto::Configuration, u32)>, random: &mut Stream) {
    let made = request.history.made();
    let ended = (0..trials.len() as u64).map(|at| {
        let number = made + at + 1;
        let score = Some(random.inside());
        ((made + at) as u32, Ended { number, state: TrialState::Completed, score, epochs: 10 })
    });
    let ended = ended.collect();
    request.history.learn(News { made: trials, ended });
}

#[allow(clippy::print_stdout, reason = "what an example is for")]
fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let trials: u64 = arguments.next().map_or(Ok(10_000), |text| text.parse())?;
    let kind = arguments.next().unwrap_or_else(|| "integers".to_owned());
    let mut random = Stream::new(1, "scores", 0);
    let mut request = request(&kind)?;
    // The history is of random configurations: how they were found is not measured.
    let mut drawn = Request {
        sampler: SamplerName::Random,
        count: trials,
        lead: Lead { first: 0, count: trials, known: 0 },
        ..request.clone()
    };
    let proposals = drawn.answer()?.proposals;
    end(
        &mut request,
        proposals.into_iter().map(|one| (one.configuration, one.replicate)).collect(),
        &mut random,
    );
    let mut took = Vec::new();
    for _ in 0..=PROPOSALS {
        let began = Instant::now();
        let answer = request.answer()?;
        took.push(began.elapsed());
        end(
            &mut request,
            answer.proposals.into_iter().map(|one| (one.configuration, one.replicate)).collect(),
            &mut random,
        );
    }
    let first = took.remove(0);
    took.sort_unstable();
    let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
    println!(
        "ours, {kind}, {trials} trials: {:.3} ms a proposal (median of {PROPOSALS}; highest {:.3} ms; the first, which takes the history in, {:.1} ms)",
        ms(took[took.len() / 2]),
        ms(took.last().copied().unwrap_or_default()),
        ms(first)
    );
    Ok(())
}
