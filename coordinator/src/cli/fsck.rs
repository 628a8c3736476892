//! `sweep fsck`: checks a data folder while no coordinator works in it.

use std::path::PathBuf;

use clap::Args;
use coordinator::{ArtifactsChoice, Findings, FsckError, Place};
use indicatif::HumanBytes;

use super::Context;
use super::exit::Failure;
use super::output::{self, plain};
use super::store::StoreArguments;

const EXAMPLES: &str = "\
Checks the database, the rows against one another, and that every artifact is there. Nothing is changed. \
Exit code 0: all is well; 1: something is wrong, and each problem is named.

Examples:
  sweep fsck
  sweep fsck --data-dir /var/lib/sweep --strict
  sweep fsck --json | jq '.problems'";

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The folder of a coordinator that is stopped.
    #[arg(long, value_name = "DIR", default_value = ".sweep")]
    data_dir: PathBuf,
    #[command(flatten)]
    store: StoreArguments,
    /// Where the coordinator keeps its artifacts, as given to `sweep serve`.
    #[arg(long, value_name = "DIR|URL")]
    artifacts: Option<ArtifactsChoice>,
    /// Read every byte of every artifact and render every report twice, too.
    #[arg(long)]
    strict: bool,
}

pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<(), Failure> {
    let store = arguments.store.choice()?;
    let place = Place { store, artifacts: arguments.artifacts, ..Place::local(arguments.data_dir) };
    let findings = coordinator::fsck(&place, arguments.strict).await.map_err(refused)?;
    if context.output.json {
        context.output.json(&findings)?;
    } else {
        context.output.text(&text(&findings))?;
    }
    match findings.problems.len() + findings.audit_damage.len() {
        0 => Ok(()),
        1 => Err(Failure::failed("1 problem was found")),
        count => Err(Failure::failed(format!("{count} problems were found"))),
    }
}

fn refused(error: FsckError) -> Failure {
    match error {
        FsckError::NoDatabase(_) => Failure::usage(error.to_string()).hint("name the folder with --data-dir"),
        FsckError::Start(error) => error.into(),
        error => Failure::failed(error.to_string()),
    }
}

fn text(findings: &Findings) -> String {
    let Findings {
        sweeps,
        trials,
        trials_of_deleted,
        attempts,
        epochs,
        steps,
        audit_entries,
        artifacts,
        artifact_bytes,
        held,
        audit_damage,
        problems,
    } = findings;
    let mut lines = vec![format!(
        "checked {sweeps} sweeps, {trials} trials{}, {attempts} attempts, {epochs} epochs, {steps} step metrics, {audit_entries} audit entries, \
         {artifacts} artifacts ({})",
        output::of_deleted(*trials_of_deleted),
        HumanBytes(*artifact_bytes)
    )];
    lines.extend(held.iter().map(|held| format!("held: {}", plain(held))));
    lines.extend(audit_damage.iter().chain(problems).map(|problem| format!("problem: {}", plain(problem))));
    if problems.is_empty() && audit_damage.is_empty() {
        lines.push("all is well".to_owned());
    }
    lines.join("\n")
}
