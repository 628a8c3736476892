//! `sweep launch`: sends a sweep file to a coordinator.

use std::path::PathBuf;

use clap::Args;
use sweep_proto::SweepSpec;
use sweep_proto::wire::LaunchRequest;
use sweep_proto::wire::launch_event::Kind;

use super::Context;
use super::client::Client;
use super::exit::Failure;
use super::output::{self, plain};
use super::rare_space;
use super::render::data;
use super::render::progress::View;
use super::render::status::{warning, warnings};
use super::render::wrap::wrapped_for_stderr;
use super::search_choice::SearchChoice;
use super::sweep_file::SweepFile;
use super::watch::{self, Looks};
use coordinator::json::Sweep;

const EXAMPLES: &str = "\
The coordinator reads the data, so paths in the file are paths on its machine; relative ones are \
relative to the file. Trials that an earlier sweep has finished are reused.

Examples:
  sweep launch deploy/examples/paper-imdb.toml
  sweep launch my-sweep.toml --watch
  sweep launch my-sweep.toml --search auto
  sweep launch my-sweep.toml --no-reuse
  sweep launch urgent.toml --priority 10
  sweep launch my-sweep.toml --json | jq .id";

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The sweep file, or - for standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    search: SearchChoice,
    /// Train every trial, also those that an earlier sweep has finished.
    #[arg(long)]
    no_reuse: bool,
    /// Hand its trials out before those of sweeps with a lower priority, instead of what the file says.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(..=i64::from(SweepSpec::PRIORITY_MAX)))]
    priority: Option<u32>,
    /// Follow the sweep until it ends.
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    looks: Looks,
}

pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<(), Failure> {
    context.wanted.check_input(&arguments.file)?;
    let file = arguments.search.applied(SweepFile::read(&arguments.file)?)?;
    warn_of_rare_space(&file.parse()?);
    let mut client = context.connect().await?;
    let mut view = View::new(arguments.looks.plain);
    let request =
        LaunchRequest { priority: arguments.priority, ..file.launch_request(arguments.no_reuse, false) };
    let launched = launch(&mut client, request, &mut view).await;
    view.clear();
    let sweep = launched?;
    if let Some(problem) = lost_priority(arguments.priority, &sweep) {
        output::note(&warning(&problem));
    }
    if arguments.watch {
        output::note(&format!("launched sweep {} ({})", sweep.id, plain(&sweep.name)));
        tell_data(&sweep);
        return watch::watch(&client, sweep, arguments.looks, context).await;
    }
    if context.output.json {
        return context.output.json(&sweep);
    }
    context.output.text(&format!(
        "launched sweep {} ({}): {}, {} of them reused",
        sweep.id,
        plain(&sweep.name),
        sweep.trials_told(),
        sweep.ledger.reused
    ))?;
    tell_data(&sweep);
    output::note(&format!("`sweep watch {}` follows it", sweep.id));
    Ok(())
}

/// Warns of a search whose sampler may find nothing.
pub(super) fn warn_of_rare_space(spec: &SweepSpec) {
    if let Some(text) = rare_space::warning(spec, rare_space::constraints_leave(spec)) {
        output::note(&warning(&text));
    }
}

/// What to say where a coordinator of an earlier version did not read the priority that was asked for.
fn lost_priority(asked: Option<u32>, sweep: &Sweep) -> Option<String> {
    let asked = asked.filter(|asked| *asked != sweep.priority)?;
    Some(format!(
        "the coordinator did not take the priority {asked}: sweep {} has {}; it may be of an earlier version",
        sweep.id, sweep.priority
    ))
}

/// Tells what preparing the data found, and what of that changes the meaning of the answer.
pub(crate) fn tell_data(sweep: &Sweep) {
    for line in sweep.data.iter().flat_map(data::lines).chain(warnings(sweep)) {
        output::note(&wrapped_for_stderr(&line, 10));
    }
}

/// Launches, and shows how the data is prepared meanwhile.
///
/// # Errors
/// What the coordinator says is wrong with the file or its data.
pub(crate) async fn launch(
    client: &mut Client,
    request: LaunchRequest,
    view: &mut View,
) -> Result<Sweep, Failure> {
    let mut events = client.launch(request).await?.into_inner();
    while let Some(event) = events.message().await? {
        match event.kind {
            Some(Kind::Progress(progress)) => view.preparing(&progress),
            Some(Kind::Launched(status)) => {
                view.prepared();
                if event.data_changed_since > 0 {
                    output::note(&format!(
                        "the data has changed since sweep {}, which was launched from the same file: this is another sweep, and \
                         trials on the earlier data are not reused",
                        event.data_changed_since
                    ));
                }
                return Ok(Sweep::from(status));
            }
            None => {}
        }
    }
    Err(Failure::failed("the coordinator ended the launch without a sweep")
        .hint("it may have been stopped: `sweep list` shows whether the sweep is there"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::screen::examples;

    #[test]
    fn a_priority_that_was_not_taken_is_told() {
        let sweep = Sweep { priority: 5, ..examples::sweep(Vec::new()) };
        assert_eq!((lost_priority(None, &sweep), lost_priority(Some(5), &sweep)), (None, None));
        let of_earlier = Sweep { priority: 0, ..sweep };
        let told = lost_priority(Some(5), &of_earlier).expect("is told");
        assert!(told.contains("did not take the priority 5: sweep 3 has 0"), "{told}");
    }
}
