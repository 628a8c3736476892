//! How a worker proves who it is: its key, made here and never sent, and the certificate for it.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde::{Deserialize, Serialize};
use sweep_proto::wire::access_service_client::AccessServiceClient;
use sweep_proto::wire::{JoinRequest, RenewRequest};
use sweep_proto::{Digest, Token, TokenId, WorkerId};
use sweep_transport::{Addresses, Bearer, ClientIdentity, Dial, Trust, channel, needs_a_person, root_cause};
use thiserror::Error;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Code, Status};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::agent::backoff::{Backoff, Jitter, is_transient};

/// The identity's file in a state directory.
const FILE: &str = "identity.json";

/// Largest identity file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// A certificate is renewed when this part of its life is left.
const RENEW_PART: u32 = 3;

/// Longest wait between two looks at the certificate: clocks may jump meanwhile.
const LOOK_MAX: Duration = Duration::from_hours(1);

/// How long one try to join or renew may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);

/// Why a worker has no identity.
#[derive(Debug, Error)]
pub enum IdentityError {
    /// A secure coordinator, and nothing to show it.
    #[error(
        "{0} lets nobody in without a token; paste the line that `sweep token create worker` prints on its machine, \
         or give --token-file FILE"
    )]
    NoToken(Addresses),
    /// The certificate has ended, and nothing else is there to show.
    #[error(
        "by the clock of this machine the worker's certificate for {addresses} ended at {until}; if the clock is right, \
         paste a new line that `sweep token create worker` prints, else set the clock"
    )]
    Ended {
        /// Whom it was for.
        addresses: Addresses,
        /// When it ended.
        until: String,
    },
    /// The coordinator does not let this worker in.
    #[error("the coordinator does not let this worker in: {}", .0.message())]
    Denied(Box<Status>),
    /// Nobody answered in time.
    #[error("no coordinator lets this worker in: {0}; is it running, and is the address right?")]
    Unreachable(Box<Status>),
    /// The identity's file cannot be used.
    #[error("{path} cannot be used")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The key or certificate cannot be used.
    #[error("the worker's {what} cannot be used: {problem}")]
    Unusable {
        /// Which.
        what: &'static str,
        /// What is wrong.
        problem: String,
    },
}

/// What is kept between starts.
#[derive(Clone, Serialize, Deserialize)]
struct Kept {
    /// The authority's pin.
    pin: Digest,
    /// The token by which the worker joined.
    token: TokenId,
    /// PKCS #8 in PEM.
    key: String,
    /// X.509 in DER, base64.
    certificate: Option<String>,
}

/// A worker's identity towards one coordinator.
pub struct Identity {
    path: PathBuf,
    kept: Kept,
    shown: ClientIdentity,
}

fn unusable(what: &'static str) -> impl Fn(&dyn std::fmt::Display) -> IdentityError {
    move |problem| IdentityError::Unusable { what, problem: problem.to_string() }
}

impl Identity {
    /// The identity in a state directory, or one that the coordinator gives for this token.
    ///
    /// A token that was used here before is not shown again: the certificate is.
    ///
    /// # Errors
    /// [`IdentityError`] says what to do.
    pub async fn establish(
        directory: &Path,
        addresses: &Addresses,
        token: Option<Token>,
        worker: WorkerId,
        wait: Duration,
    ) -> Result<Self, IdentityError> {
        let path = directory.join(FILE);
        let kept = read(&path)?;
        let is_usable = |kept: &Kept| {
            let is_fresh = kept.certificate().is_some_and(|one| remaining(&one).is_some());
            is_fresh && token.as_ref().is_none_or(|token| token.id == kept.token && token.pin == kept.pin)
        };
        if let Some(kept) = kept.clone().filter(is_usable) {
            let identity = Self { path, kept, shown: ClientIdentity::default() };
            identity.show()?;
            return Ok(identity);
        }
        let ended = kept.as_ref().and_then(|kept| ended_at(&kept.certificate()?));
        let token = token.ok_or_else(|| match ended {
            Some(until) => IdentityError::Ended { addresses: addresses.clone(), until },
            None => IdentityError::NoToken(addresses.clone()),
        })?;
        // The key of a try whose answer was lost is used again, so that it takes no second use of the token.
        let key = kept.filter(|kept| kept.token == token.id && kept.pin == token.pin).map(|kept| kept.key);
        let key = match key {
            Some(key) => key,
            None => KeyPair::generate().map_err(|error| unusable("new key")(&error))?.serialize_pem(),
        };
        let kept = Kept { pin: token.pin, token: token.id, key, certificate: None };
        let mut identity = Self { path, kept, shown: ClientIdentity::default() };
        identity.write()?;
        identity.join(addresses, token, worker, wait).await?;
        Ok(identity)
    }

    /// Whom to trust, and what to show.
    pub fn trust(&self) -> Trust {
        Trust { pin: self.kept.pin, identity: self.shown.clone() }
    }

    async fn join(
        &mut self,
        addresses: &Addresses,
        token: Token,
        worker: WorkerId,
        wait: Duration,
    ) -> Result<(), IdentityError> {
        let channel = channel(Dial::new(addresses.clone(), Some(&self.trust())));
        // The pin is checked in the handshake, before the token is written to the connection.
        let mut client = AccessServiceClient::new(InterceptedService::new(channel, Bearer::new(Some(token))));
        let request = JoinRequest {
            worker_id: worker.to_string(),
            certificate_request: self.certificate_request()?.into(),
        };
        let until = tokio::time::Instant::now() + wait;
        let mut backoff = Backoff::new(Jitter::seeded(Jitter::random_seed()));
        let reply = loop {
            let status = match tokio::time::timeout(CALL_TIMEOUT, client.join(request.clone())).await {
                Ok(Ok(reply)) => break reply.into_inner(),
                Ok(Err(status)) => status,
                Err(_) => Status::deadline_exceeded("no answer in time"),
            };
            if !is_transient(&status) {
                return Err(IdentityError::Denied(Box::new(status)));
            }
            if needs_a_person(&status) || tokio::time::Instant::now() >= until {
                return Err(IdentityError::Unreachable(Box::new(with_cause(&status))));
            }
            tokio::time::sleep(backoff.next_wait()).await;
        };
        tracing::info!("the coordinator lets this worker in");
        self.take(&reply.certificate)
    }

    fn certificate_request(&self) -> Result<Vec<u8>, IdentityError> {
        let key = KeyPair::from_pem(&self.kept.key).map_err(|error| unusable("key")(&error))?;
        let request = CertificateParams::default().serialize_request(&key);
        Ok(request.map_err(|error| unusable("key")(&error))?.der().to_vec())
    }

    /// Keeps a certificate and shows it from now on.
    fn take(&mut self, certificate: &[u8]) -> Result<(), IdentityError> {
        self.kept.certificate = Some(data_encoding::BASE64.encode(certificate));
        self.write()?;
        self.show()
    }

    fn show(&self) -> Result<(), IdentityError> {
        let key = KeyPair::from_pem(&self.kept.key).map_err(|error| unusable("key")(&error))?;
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        let certificate = self.kept.certificate().unwrap_or_default();
        self.shown
            .replace(CertificateDer::from(certificate), key.into())
            .map_err(|error| unusable("certificate")(&error))
    }

    fn write(&self) -> Result<(), IdentityError> {
        let failed = |source| IdentityError::File { path: self.path.clone(), source };
        let folder = self.path.parent().unwrap_or(Path::new("."));
        // Temporary files are made with mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        let text = serde_json::to_vec(&self.kept).map_err(|error| unusable("identity")(&error))?;
        file.write_all(&text).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
        file.persist(&self.path).map_err(|error| failed(error.error))?;
        Ok(())
    }

    /// Renews the certificate at two thirds of its life, for ever. Connections that live stay as they are.
    pub async fn keep_fresh(mut self, channel: Channel) -> std::convert::Infallible {
        let mut backoff = Backoff::new(Jitter::seeded(Jitter::random_seed()));
        loop {
            let due = self.kept.certificate().and_then(|one| renewal_in(&one)).unwrap_or(Duration::ZERO);
            if !due.is_zero() {
                tokio::time::sleep(due.min(LOOK_MAX)).await;
                continue;
            }
            match self.renew(&channel).await {
                Ok(()) => {
                    backoff.reset();
                    tracing::info!("the certificate was renewed");
                    // A clock that is wrong by days makes the newest certificate look old: not again at once.
                    tokio::time::sleep(LOOK_MAX).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "the certificate could not be renewed yet");
                    tokio::time::sleep(backoff.next_wait() + Duration::from_secs(1)).await;
                }
            }
        }
    }

    async fn renew(&mut self, channel: &Channel) -> Result<(), IdentityError> {
        let request = RenewRequest { certificate_request: self.certificate_request()?.into() };
        let mut client = AccessServiceClient::new(channel.clone());
        let denied = |status: Status| IdentityError::Denied(Box::new(status));
        let reply = tokio::time::timeout(CALL_TIMEOUT, client.renew(request)).await;
        let reply =
            reply.map_err(|_| denied(Status::deadline_exceeded("no answer in time")))?.map_err(denied)?;
        self.take(&reply.into_inner().certificate)
    }
}

impl Kept {
    fn certificate(&self) -> Option<Vec<u8>> {
        data_encoding::BASE64.decode(self.certificate.as_ref()?.as_bytes()).ok()
    }
}

/// A status that tells its innermost cause.
fn with_cause(status: &Status) -> Status {
    Status::new(Code::Unavailable, root_cause(status))
}

/// The validity of a certificate: from, to, in seconds since the epoch.
fn validity(certificate: &[u8]) -> Option<(i64, i64)> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let validity = certificate.validity();
    Some((validity.not_before.timestamp(), validity.not_after.timestamp()))
}

fn now_seconds() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs().cast_signed())
}

/// How long a certificate lasts yet; `None` where it has ended.
fn remaining(certificate: &[u8]) -> Option<Duration> {
    let (_, until) = validity(certificate)?;
    u64::try_from(until - now_seconds()).ok().filter(|seconds| *seconds > 0).map(Duration::from_secs)
}

/// When a certificate ended, in words; `None` where it has not.
fn ended_at(certificate: &[u8]) -> Option<String> {
    let (_, read) = X509Certificate::from_der(certificate).ok()?;
    remaining(certificate).is_none().then(|| read.validity().not_after.to_string())
}

/// In how long a certificate is to be renewed.
fn renewal_in(certificate: &[u8]) -> Option<Duration> {
    let (from, until) = validity(certificate)?;
    let life = Duration::from_secs(u64::try_from(until - from).ok()?);
    Some(remaining(certificate)?.saturating_sub(life / RENEW_PART))
}

/// The identity kept in a file; one that others may read is refused.
fn read(path: &Path) -> Result<Option<Kept>, IdentityError> {
    let failed = |source| IdentityError::File { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 {
        let problem = "others may read it; delete it and join with a new token";
        return Err(failed(io::Error::new(io::ErrorKind::PermissionDenied, problem)));
    }
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(failed)?;
    let kept = serde_json::from_slice(&bytes);
    if kept.is_err() {
        tracing::warn!(path = %path.display(), "the worker's identity is damaged; it needs a new token");
    }
    Ok(kept.ok())
}
