//! `sweep drain`: asks a worker to hand back its trials and leave.

use clap::Args;
use sweep_proto::wire::DrainRequest;

use super::Context;
use super::exit::Failure;
use super::output::plain;

const EXAMPLES: &str = "\
The worker saves the state of its trials, hands them back and exits; others go on with them.

Examples:
  sweep drain gpu-machine-3
  sweep drain 0190b5c8-7a2e-7cc1-9d5f-1f2e3d4c5b6a";

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The worker's id, or its name where only one has it.
    #[arg(value_name = "WORKER")]
    worker: String,
}

pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<(), Failure> {
    let mut client = context.connect().await?;
    client.drain(DrainRequest { worker: arguments.worker.clone() }).await?;
    if context.output.json {
        return context.output.json(&serde_json::json!({ "worker": arguments.worker, "draining": true }));
    }
    context.output.text(&format!("{} is asked to hand back its trials and leave", plain(&arguments.worker)))
}
