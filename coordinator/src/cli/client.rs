//! The connection to a coordinator.

use std::time::Duration;

use sweep_proto::wire::sweep_service_client::SweepServiceClient;
use sweep_proto::wire::{GetRequest, ListRequest, SweepStatus};
use tonic::transport::{Channel, Endpoint};

use super::exit::Failure;

/// A connected client.
pub(crate) type Client = SweepServiceClient<Channel>;

/// Longest wait for a connection: loopback answers at once, other machines within seconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How often an idle connection is probed, so that a coordinator that vanished is noticed.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);
/// Largest message taken: a list of every sweep with its state fits many times over.
const MESSAGE_BYTES_MAX: usize = 64 << 20;

/// Connects to the coordinator at `server`.
///
/// # Errors
/// Exit code 2 for an address that is none, 3 where no coordinator answers.
pub(crate) async fn connect(server: &str) -> Result<Client, Failure> {
    let address = with_scheme(server)?;
    let endpoint = Endpoint::from_shared(address.clone())
        .map_err(|error| Failure::usage(format!("`{server}` is no address of a coordinator: {error}")))?
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_while_idle(true);
    let channel = endpoint.connect().await.map_err(|error| {
        Failure::unavailable(format!("no coordinator answers at {address}: {}", root_cause(&error))).hint(
            "start one with `sweep serve`, or name another with --server URL (or SWEEP_SERVER); `sweep run` needs none",
        )
    })?;
    Ok(Client::new(channel).max_decoding_message_size(MESSAGE_BYTES_MAX))
}

/// `host:port` and `http://host:port` are both taken.
fn with_scheme(server: &str) -> Result<String, Failure> {
    let server = server.trim();
    match server.split_once("://") {
        None if server.is_empty() => Err(Failure::usage("the address of the coordinator is empty")
            .hint("for example --server http://127.0.0.1:7077")),
        None => Ok(format!("http://{server}")),
        Some(("http", _)) => Ok(server.to_owned()),
        Some((scheme, _)) => {
            Err(Failure::usage(format!("the scheme `{scheme}` of `{server}` is not known to this version"))
                .hint("use http://HOST:PORT"))
        }
    }
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// The status of a sweep by number or name; without either, of the newest.
pub(crate) async fn get(client: &mut Client, sweep: Option<&str>) -> Result<SweepStatus, Failure> {
    match sweep {
        Some(sweep) => Ok(client.get(GetRequest { sweep: sweep.to_owned() }).await?.into_inner()),
        None => list(client).await?.pop().ok_or_else(|| {
            Failure::failed("the coordinator has no sweep").hint("`sweep launch FILE` starts one")
        }),
    }
}

/// Every sweep, oldest first.
pub(crate) async fn list(client: &mut Client) -> Result<Vec<SweepStatus>, Failure> {
    let mut sweeps = client.list(ListRequest {}).await?.into_inner().sweeps;
    sweeps.sort_by_key(|sweep| sweep.id);
    Ok(sweeps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_with_and_without_scheme_are_taken() {
        assert_eq!(with_scheme("127.0.0.1:7077"), Ok("http://127.0.0.1:7077".into()));
        assert_eq!(with_scheme(" http://[::1]:1 "), Ok("http://[::1]:1".into()));
        assert!(with_scheme("").is_err());
        assert!(with_scheme("https://there:1").is_err());
    }
}
