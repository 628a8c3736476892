//! `sweep gc`: what was kept for long enough goes now, or is told of.

use clap::Args;
use indicatif::HumanBytes;
use serde::Serialize;
use sweep_proto::wire::{CollectGarbageReply, CollectGarbageRequest, KeepFor as WireKeepFor};

use super::Context;
use super::exit::Failure;
use super::retention::{KeepFor, RetentionArguments};

const EXAMPLES: &str = "\
Deletes data that is older than its retention time (`sweep serve --keep-...-days`). A running coordinator also does this by \
itself every ten minutes. In a data folder without a running coordinator the default times apply, or those given here. \
The results of a sweep stay: its trials, epochs, tests, report and data, and the models of its best configuration.

Examples:
  sweep gc --dry-run
  sweep gc
  sweep gc --keep-models-days 30
  sweep gc --rebuild                    (shrinks the file of an old database; all commands wait meanwhile)";

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// List what would be deleted, and delete nothing.
    #[arg(long)]
    dry_run: bool,
    /// Rewrite the SQLite file to shrink it. Needs free disk space of the file's size while it runs.
    #[arg(long, conflicts_with = "dry_run")]
    rebuild: bool,
    #[command(flatten)]
    retention: RetentionArguments,
}

/// What is printed with `--json`.
#[derive(Serialize)]
struct Told {
    is_dry_run: bool,
    workers: u64,
    certificates: u64,
    tokens: u64,
    trials_with_steps: u64,
    step_bytes: u64,
    models: u64,
    model_bytes: u64,
    orphans: u64,
    orphan_bytes: u64,
    prepared_files: u64,
    prepared_bytes: u64,
    database_bytes: u64,
    database_bytes_left: u64,
}

impl Told {
    fn of(reply: CollectGarbageReply, is_dry_run: bool) -> Self {
        let CollectGarbageReply {
            workers,
            certificates,
            tokens,
            trials_with_steps,
            step_bytes,
            models,
            model_bytes,
            orphans,
            orphan_bytes,
            prepared_files,
            prepared_bytes,
            database_bytes,
            database_bytes_left,
        } = reply;
        Self {
            is_dry_run,
            workers,
            certificates,
            tokens,
            trials_with_steps,
            step_bytes,
            models,
            model_bytes,
            orphans,
            orphan_bytes,
            prepared_files,
            prepared_bytes,
            database_bytes,
            database_bytes_left,
        }
    }

    fn lines(&self) -> Vec<String> {
        let amounts = [
            (self.workers, "workers that left without having worked", None),
            (self.certificates, "certificates that have expired", None),
            (self.tokens, "tokens that are worth nothing", None),
            (self.trials_with_steps, "trials' step metrics", Some(self.step_bytes)),
            (
                self.models,
                "models that are not of a best configuration, and checkpoints of shelved trials",
                Some(self.model_bytes),
            ),
            (self.orphans, "artifacts that nothing refers to", Some(self.orphan_bytes)),
            (self.prepared_files, "prepared files of data that no sweep names", Some(self.prepared_bytes)),
        ];
        let there = amounts.iter().filter(|(count, _, _)| *count > 0);
        let mut lines: Vec<String> = there
            .map(|(count, what, bytes)| match bytes {
                Some(bytes) => format!("{count} {what} ({})", HumanBytes(*bytes)),
                None => format!("{count} {what}"),
            })
            .collect();
        if self.database_bytes > 0 {
            lines.push(format!("{} of the database's file", HumanBytes(self.database_bytes)));
        }
        lines
    }
}

pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<(), Failure> {
    let Arguments { dry_run, rebuild, retention } = arguments;
    let wire = |wanted: Option<KeepFor>| wanted.map(|KeepFor(ms)| WireKeepFor { ms });
    let request = CollectGarbageRequest {
        dry_run,
        rebuild,
        unused: wire(retention.unused),
        steps: wire(retention.steps),
        models: wire(retention.models),
    };
    let mut client = context.connect_access_or_start().await?;
    let reply = client.collect_garbage(request).await?.into_inner();
    let told = Told::of(reply, dry_run);
    if context.output.json {
        return context.output.json(&told);
    }
    context.output.text(&text(&told))
}

fn text(told: &Told) -> String {
    let verb = if told.is_dry_run { "would remove" } else { "removed" };
    let lines = told.lines();
    let went = match lines.as_slice() {
        [] => format!("{verb} nothing"),
        lines => format!("{verb}\n  {}", lines.join("\n  ")),
    };
    if told.database_bytes_left == 0 {
        return went;
    }
    let left = HumanBytes(told.database_bytes_left);
    format!("{went}\n{left} of the database's file hold nothing; `sweep gc --rebuild` gives them back")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_is_told_with_its_bytes_and_what_stays_with_its_remedy() {
        let reply = CollectGarbageReply { models: 3, model_bytes: 2048, tokens: 1, ..Default::default() };
        let dry = text(&Told::of(reply, true));
        assert_eq!(
            dry,
            "would remove\n  1 tokens that are worth nothing\n  3 models that are not of a best configuration, and checkpoints of shelved trials (2.00 KiB)"
        );
        assert_eq!(text(&Told::of(CollectGarbageReply::default(), false)), "removed nothing");
        let old = CollectGarbageReply { database_bytes_left: 4096, ..Default::default() };
        assert!(text(&Told::of(old, false)).contains("`sweep gc --rebuild` gives them back"));
    }
}
