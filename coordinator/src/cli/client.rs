//! The connection to a coordinator, and what is shown to be let in.

use sweep_proto::Digest;
use sweep_proto::wire::access_service_client::AccessServiceClient;
use sweep_proto::wire::sweep_service_client::SweepServiceClient;
use sweep_proto::wire::{GetRequest, ListRequest, SweepStatus};
use sweep_transport::presence::IDENTITY_HEADER;
use sweep_transport::{Addresses, Bearer, ClientIdentity, Dial, Trust, needs_a_person, root_cause};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::exit::Failure;
use super::find::Target;

/// A connection that shows what lets a person in.
pub(crate) type Service = InterceptedService<Channel, Bearer>;
/// A connected client of the sweep service.
pub(crate) type Client = SweepServiceClient<Service>;
/// A connected client of the access service.
pub(crate) type AccessClient = AccessServiceClient<Service>;

/// Largest message taken: a list of every sweep with its state fits many times over.
const MESSAGE_BYTES_MAX: usize = 64 << 20;

/// A channel to a coordinator that shows the token with every request, where TLS protects it.
///
/// # Errors
/// Exit code 2 for an address that lacks its token, 3 where no coordinator answers, or another one than the data folder names.
pub(crate) async fn service(target: &Target) -> Result<Service, Failure> {
    let addresses = &target.addresses;
    let token = target.token.as_ref().filter(|_| addresses.is_secure());
    if addresses.is_secure() && token.is_none() {
        if let Some(failure) = wrong_scheme(addresses).await {
            return Err(failure);
        }
        return Err(Failure::usage(format!("{addresses} lets nobody in without a token")).hint(
            "set SWEEP_TOKEN or give --token-file FILE; on the coordinator's machine `sweep token create viewer` makes one",
        ));
    }
    let trust = token.map(|token| Trust { pin: token.pin, identity: ClientIdentity::default() });
    let dial = Dial::new(addresses.clone(), trust.as_ref());
    let mut tries = addresses.all().len();
    loop {
        let channel = sweep_transport::connect(dial.clone()).await.map_err(|error| {
            let failure = no_answer(addresses, &root_cause(&error));
            if needs_a_person(&error) {
                return failure;
            }
            failure.hint(
                "start one with `sweep serve`, or name another with --server URL (or SWEEP_SERVER); `sweep run` needs none",
            )
        })?;
        tries -= 1;
        // Each new connection begins with the next address.
        if tries == 0 || is_serving(channel.clone()).await {
            let service = InterceptedService::new(channel, Bearer::new(token.cloned()));
            check_identity(target, &service).await?;
            return Ok(service);
        }
    }
}

/// That nobody answers, with why. The cause may name the address itself, where there are several the one that was tried last.
fn no_answer(addresses: &Addresses, cause: &str) -> Failure {
    let cause = cause.strip_prefix(&format!("{addresses}: ")).unwrap_or(cause);
    Failure::unavailable(format!("no coordinator answers at {addresses}: {cause}"))
}

/// That plain text is spoken where https was asked for. No token is needed to find out, and none is shown.
async fn wrong_scheme(addresses: &Addresses) -> Option<Failure> {
    let nobody = Trust { pin: Digest::of(b""), identity: ClientIdentity::default() };
    let error = sweep_transport::connect(Dial::new(addresses.clone(), Some(&nobody))).await.err()?;
    let cause = root_cause(&error);
    cause.contains(sweep_transport::SCHEME_IS_WRONG).then(|| no_answer(addresses, &cause))
}

/// Whether a coordinator serves; one that stands by answers, but does nothing else.
async fn is_serving(channel: Channel) -> bool {
    let checked = HealthClient::new(channel).check(HealthCheckRequest::default()).await;
    checked.is_ok_and(|reply| reply.get_ref().status() == ServingStatus::Serving)
}

/// Refuses another coordinator than the one that a data folder names: its port may be somebody else's now.
async fn check_identity(target: &Target, service: &Service) -> Result<(), Failure> {
    let Some((folder, identity)) = &target.known_by else { return Ok(()) };
    let reply = HealthClient::new(service.clone()).check(HealthCheckRequest::default()).await?;
    let told = reply.metadata().get(IDENTITY_HEADER).and_then(|told| told.to_str().ok());
    if told == Some(identity.as_str()) {
        return Ok(());
    }
    let (folder, addresses) = (folder.display(), &target.addresses);
    Err(Failure::unavailable(format!(
        "at {addresses} is another coordinator than that of {folder}: nothing was asked of it"
    ))
    .hint(format!(
        "start the one of {folder} again with `sweep serve`, or name the other with --server {addresses}"
    )))
}

/// A client of the sweep service.
pub(crate) fn sweeps(service: Service) -> Client {
    Client::new(service).max_decoding_message_size(MESSAGE_BYTES_MAX)
}

/// A client of the access service.
pub(crate) fn access(service: Service) -> AccessClient {
    AccessClient::new(service)
}

/// The status of a sweep by number or name; without either, of the newest.
pub(crate) async fn get(client: &mut Client, sweep: Option<&str>) -> Result<SweepStatus, Failure> {
    let sweep = match sweep {
        Some(sweep) => sweep.to_owned(),
        // A list tells less of each.
        None => list(client).await?.pop().map(|newest| newest.id.to_string()).ok_or_else(|| {
            Failure::failed("the coordinator has no sweep").hint("`sweep launch FILE` starts one")
        })?,
    };
    Ok(client.get(GetRequest { sweep }).await?.into_inner())
}

/// Every sweep, oldest first.
pub(crate) async fn list(client: &mut Client) -> Result<Vec<SweepStatus>, Failure> {
    let mut sweeps = client.list(ListRequest {}).await?.into_inner().sweeps;
    sweeps.sort_by_key(|sweep| sweep.id);
    Ok(sweeps)
}
