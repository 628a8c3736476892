//! `sweep serve`: a coordinator in the foreground.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use coordinator::{ArtifactsChoice, Place, ServerConfig, StoreChoice, Texts};

use super::data_memory::DataMemory;
use super::exit::Failure;
use super::interrupt::Interrupt;
use super::output;
use super::quota::QuotaArguments;
use super::retention::RetentionArguments;
use super::store::StoreArguments;

const EXAMPLES: &str = "\
Everything is kept in the data folder; the same command after a stop or a crash goes on where it was.

On this machine it is for the user that started it: `--open-to-local-users` lets the others in, and `--tls` people by their tokens. \
Beyond this machine TLS and tokens are on: keys are made at the first start and kept in the data folder.

Its address is a page as well: sweeps, live curves, workers, reports, in any browser.

Examples:
  sweep serve
  sweep serve --listen 0.0.0.0:7077
  sweep token create worker                      (prints the line to paste on another machine)
  sweep serve --listen 127.0.0.1:7078 --data-dir /var/lib/sweep
  sweep-worker join http://127.0.0.1:7077        (in another terminal)
  sweep serve --store 'postgres://sweep@db/sweep?sslmode=verify-full&sslrootcert=ca.pem' --artifacts s3://sweeps
                                                 (a second one with the same store stands by)";

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The address to listen on. Port 0 takes a free one; 0.0.0.0 is every network of this machine.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7077", value_parser = address)]
    listen: SocketAddr,
    /// The folder for the database, datasets and models.
    #[arg(long, value_name = "DIR", default_value = ".sweep")]
    data_dir: PathBuf,
    #[command(flatten)]
    store: StoreArguments,
    /// Where datasets, checkpoints and models lie: a folder, or s3://BUCKET/PREFIX for S3-compatible storage
    /// (credentials, region and endpoint from the usual AWS_… variables). By default in the data folder.
    #[arg(long, value_name = "DIR|URL")]
    artifacts: Option<ArtifactsChoice>,
    /// A name or address by which other machines reach this one; may be given several times, best first.
    /// By default the address of the network's route and the machine's name.
    #[arg(long, value_name = "HOST", value_parser = host)]
    advertise: Vec<String>,
    /// A folder of corpora that people on other machines may name in their sweep files; may be given
    /// several times. Commands on this machine without TLS may name any file.
    #[arg(long, value_name = "DIR")]
    corpora: Vec<PathBuf>,
    #[command(flatten)]
    data_memory: DataMemory,
    /// Turn TLS and tokens on even where only this machine can connect.
    #[arg(long)]
    tls: bool,
    /// Without TLS: let every user of this machine do everything here. By default only the user that started it may, and the
    /// superuser.
    #[arg(long, conflicts_with = "tls")]
    open_to_local_users: bool,
    /// No text of the data leaves: reports and pages tell of test examples by their rows alone, whatever they are asked for.
    #[arg(long)]
    no_texts: bool,
    /// Remove entries of the audit log once they are older than so many days, at least 30; an entry stands for them. By default
    /// all are kept.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(30..=36_500))]
    audit_days: Option<u64>,
    #[command(flatten)]
    quota: QuotaArguments,
    #[command(flatten)]
    retention: RetentionArguments,
}

fn host(text: &str) -> Result<String, String> {
    let is_plausible = |one: char| one.is_ascii_alphanumeric() || matches!(one, '.' | '-' | ':');
    if text.contains('_') {
        return Err("a host name of a certificate has no underscore (RFC 1123: letters, digits, hyphens); give the machine's \
                    address, or an alias without one"
            .to_owned());
    }
    if text.is_empty() || text.len() > 253 || !text.chars().all(is_plausible) {
        return Err("it must be a host name or an IP address, without scheme and port".to_owned());
    }
    Ok(text.to_owned())
}

pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let numeric =
        text.strip_prefix("localhost:").map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"));
    numeric.parse().map_err(|_| "it must be an IP address and a port, as 127.0.0.1:7077".to_owned())
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let store = arguments.store.choice()?;
    let place = Place { store, artifacts: arguments.artifacts, ..Place::local(arguments.data_dir.clone()) };
    coordinator::descriptors::raise();
    let mut interrupt = Interrupt::listen()?;
    let local = ServerConfig::local(arguments.listen, arguments.data_dir, StoreChoice::Sqlite);
    let server = coordinator::start(ServerConfig {
        quota: arguments.quota.over(local.quota),
        keep: arguments.retention.over(local.keep),
        is_secure: arguments.tls,
        texts: Texts::withheld_if(arguments.no_texts),
        is_open_to_local_users: arguments.open_to_local_users,
        advertise: arguments.advertise,
        corpora: arguments.corpora,
        readers: arguments.data_memory.readers()?,
        audit_days: arguments.audit_days,
        place,
        ..local
    })
    .await?;
    let url = server.urls().first().cloned().unwrap_or_default();
    if url.starts_with("https://") {
        output::note(&format!(
            "listening on {url}; `sweep token create worker` prints the line by which a machine joins"
        ));
    } else {
        output::note(&format!("listening on {url}; workers join with `sweep-worker join {url}`"));
    }
    output::note("the same address shows everything in a browser");
    let lost = tokio::select! {
        () = interrupt.requested() => None,
        lost = server.data_lost() => Some(lost),
    };
    output::note("stopping; press Ctrl-C again to stop at once");
    let stopped = server.stop().await;
    if let Some(lost) = lost {
        return Err(lost.into());
    }
    Ok(stopped?)
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
