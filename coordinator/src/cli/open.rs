//! `sweep open`: the pages of a data folder, whether a coordinator runs in it or not.

use std::net::SocketAddr;

use clap::Args;
use coordinator::{ServerConfig, StoreChoice};

use super::Context;
use super::data_memory::DataMemory;
use super::exit::Failure;
use super::find::{self, Found};
use super::interrupt::Interrupt;
use super::output;
use super::serve;

const EXAMPLES: &str = "\
Prints the address of the pages: sweeps, live curves, analysis, reports. Where no coordinator runs in the data folder, this command \
is one until Ctrl-C.

Examples:
  sweep open
  sweep open --data-dir results/.sweep
  sweep open --json | jq -r .url";

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The address to listen on where no coordinator runs. Port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", value_parser = loopback)]
    listen: SocketAddr,
}

/// Without TLS a coordinator is for its own machine.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address = serve::address(text)?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err("it must be an address of this machine alone; `sweep serve --listen` opens others".to_owned())
    }
}

pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<(), Failure> {
    let folder = &context.wanted.data_folder;
    if !matches!(find::find(&context.wanted)?, Found::Stopped { .. }) {
        let url = context.running_url().await?;
        if url.starts_with("https://") {
            output::note("the page asks for a token: `sweep token create viewer` makes one");
        }
        return tell(context, &url);
    }
    if !folder.join(coordinator::DATABASE).is_file() {
        return Err(Failure::failed(format!("there is no sweep in {} yet", folder.display()))
            .hint("`sweep run FILE` runs one"));
    }
    let mut interrupt = Interrupt::listen()?;
    let config = ServerConfig {
        readers: DataMemory::default().readers()?,
        ..ServerConfig::local(arguments.listen, folder.clone(), StoreChoice::Sqlite)
    };
    let server = coordinator::start(config).await?;
    tell(context, &format!("http://{}", server.address()))?;
    output::note("Ctrl-C ends it");
    let lost = tokio::select! {
        () = interrupt.requested() => None,
        lost = server.data_lost() => Some(lost),
    };
    let stopped = server.stop().await;
    match lost {
        Some(lost) => Err(lost.into()),
        None => Ok(stopped?),
    }
}

fn tell(context: &Context, url: &str) -> Result<(), Failure> {
    if context.output.json {
        return context.output.json_line(&serde_json::json!({ "url": url }));
    }
    context.output.text(url)
}
