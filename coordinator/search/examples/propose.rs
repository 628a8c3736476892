//! Proposes configurations for an objective that another program computes, one after another:
//! `cargo run --release -p coordinator-search --example propose SWEEP.toml`.
//!
//! It writes the configuration to try as one line of `name=value` pairs, reads its score as one line, and so on; the lower the better. An empty
//! line is a trial that failed. It ends with the input, or when the space or the budget of trials is exhausted.

use std::error::Error;
use std::io::{BufRead, Write};

use coordinator_search::{Ended, Lead, News, Request, Space};
use sweep_proto::state::TrialState;
use sweep_proto::{Hyperparameter, sweep_file};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("name a sweep file with a search")?;
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    let spec = sweep_file::parse(&path, &text).map_err(|problems| format!("{problems:?}"))?;
    let search = spec.search.as_deref().ok_or("the sweep file has no section [search]")?;
    let swept: Vec<Hyperparameter> = spec.axes.iter().map(|axis| axis.hyperparameter).collect();
    let lead = Lead { first: 0, count: 1, known: 0 };
    let begun = Request::begun(search.sampler, spec.seed, Space::of(&spec), 1, lead);
    let mut request = Request { count: 1, ..begun };
    let mut scores = std::io::stdin().lock().lines();
    let mut proposals = std::io::stdout().lock();
    for trial in 0..search.budget.trials.unwrap_or(u32::MAX) {
        let answer = request.answer()?;
        request.from = answer.from;
        let Some(proposal) = answer.proposals.into_iter().next() else { break };
        writeln!(proposals, "{}", proposal.configuration.label(&swept))?;
        proposals.flush()?;
        let Some(line) = scores.next().transpose()? else { break };
        let score = if line.trim().is_empty() { None } else { Some(line.trim().parse::<f64>()?) };
        let state = if score.is_some() { TrialState::Completed } else { TrialState::Failed };
        let ended = Ended { number: u64::from(trial) + 1, state, score, epochs: 1 };
        let made = vec![(proposal.configuration, proposal.replicate)];
        request.history.learn(News { made, ended: vec![(trial, ended)] });
    }
    Ok(())
}
