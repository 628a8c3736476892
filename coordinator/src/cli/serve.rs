//! `sweep serve`: a coordinator in the foreground.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use coordinator::{ServerConfig, StoreChoice};

use super::exit::Failure;
use super::interrupt::Interrupt;
use super::output;

const EXAMPLES: &str = "\
Everything is kept in the data folder; the same command after a stop or a crash goes on where it was.

Examples:
  sweep serve
  sweep serve --listen 127.0.0.1:7078 --data-dir /var/lib/sweep
  sweep-worker join http://127.0.0.1:7077        (in another terminal)";

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The address to listen on; of this machine only, in this version. Port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7077", value_parser = address)]
    listen: SocketAddr,
    /// The folder for the database, datasets and models.
    #[arg(long, value_name = "DIR", default_value = ".sweep")]
    data_dir: PathBuf,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let numeric =
        text.strip_prefix("localhost:").map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"));
    numeric.parse().map_err(|_| "it must be an IP address and a port, as 127.0.0.1:7077".to_owned())
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let mut interrupt = Interrupt::listen()?;
    let server = coordinator::start(ServerConfig {
        listen: arguments.listen,
        data_directory: arguments.data_dir,
        store: StoreChoice::Sqlite,
    })
    .await?;
    let address = server.address();
    output::note(&format!(
        "listening on http://{address}; workers join with `sweep-worker join http://{address}`"
    ));
    interrupt.requested().await;
    output::note("stopping; press Ctrl-C again to stop at once");
    server.stop().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_port_and_no_name_but_that_of_this_machine() {
        assert_eq!(address("localhost:7078"), address("127.0.0.1:7078"));
        assert!(address("[::1]:0").is_ok());
        for wrong in ["", "localhost", "7077", "example.org:7077", "127.0.0.1:70777"] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
    }
}
