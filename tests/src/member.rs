//! A worker that is played by a test: it joins with a token like any other, and then does as the test wants.

use anyhow::{Context, Result};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sweep_proto::protocol::PROTOCOL_VERSION;
use sweep_proto::wire::access_service_client::AccessServiceClient;
use sweep_proto::wire::worker_service_client::WorkerServiceClient;
use sweep_proto::{Token, WorkerId, wire};
use sweep_transport::{Bearer, ClientIdentity, Dial, Trust, channel};
use tonic::Status;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;

use crate::castle::Castle;
use crate::raw::Shown;

/// A key and a certificate for it, in DER.
#[derive(Clone, Debug)]
pub struct Credential {
    /// X.509.
    pub certificate: Vec<u8>,
    /// PKCS #8.
    pub key: Vec<u8>,
}

impl Credential {
    /// In the shape that TLS wants.
    pub fn shown(&self) -> Shown {
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.clone()));
        (CertificateDer::from(self.certificate.clone()), key)
    }

    /// A channel to the coordinator on which it is shown; `token` has the pin.
    ///
    /// # Errors
    /// Where the key is of no use.
    pub fn channel(&self, castle: &Castle, token: &Token) -> Result<Channel> {
        let identity = ClientIdentity::default();
        let (certificate, key) = self.shown();
        identity.replace(certificate, key)?;
        dial(castle, token, identity)
    }
}

fn dial(castle: &Castle, token: &Token, identity: ClientIdentity) -> Result<Channel> {
    Ok(channel(Dial::new(castle.url().parse()?, Some(&Trust { pin: token.pin, identity }))))
}

/// A worker that was let in.
#[derive(Clone, Debug)]
pub struct Member {
    /// Who it is.
    pub worker: WorkerId,
    /// How it proves that.
    pub credential: Credential,
    /// What it speaks through.
    pub client: WorkerServiceClient<Channel>,
}

impl Member {
    /// Joins by a token.
    ///
    /// # Errors
    /// The coordinator's refusal.
    pub async fn join(castle: &Castle, token: &str) -> Result<Self> {
        let (token, worker) = (token.parse::<Token>()?, WorkerId::generate());
        let key = KeyPair::generate()?;
        let request = CertificateParams::default().serialize_request(&key)?;
        let request = wire::JoinRequest {
            worker_id: worker.to_string(),
            certificate_request: request.der().to_vec().into(),
        };
        let plain = dial(castle, &token, ClientIdentity::default())?;
        let bearer = Bearer::new(Some(token.clone()));
        let mut access = AccessServiceClient::new(InterceptedService::new(plain, bearer));
        let certificate = access.join(request).await?.into_inner().certificate.to_vec();
        let credential = Credential { certificate, key: key.serialize_der() };
        let client = WorkerServiceClient::new(credential.channel(castle, &token)?);
        Ok(Self { worker, credential, client })
    }

    /// What it registers with, where nothing is wrong.
    pub fn registration(&self) -> wire::RegisterRequest {
        let profile = wire::WorkerProfile {
            name: "member".into(),
            build: "0".into(),
            slots: 1,
            devices: Vec::new(),
            group: 1,
        };
        wire::RegisterRequest {
            worker_id: self.worker.to_string(),
            protocol: Some(PROTOCOL_VERSION.into()),
            profile: Some(profile),
            fresh: true,
            instance: String::new(),
        }
    }
}

/// Everything that an error tells, down to its innermost cause.
pub fn told(status: &Status) -> String {
    let mut told = format!("{:?}: {}", status.code(), status.message());
    let mut cause = std::error::Error::source(status);
    while let Some(error) = cause {
        told = format!("{told}: {error}");
        cause = error.source();
    }
    told
}

/// A runtime for one test.
///
/// # Errors
/// Where the system has no threads to give.
pub fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().context("a runtime")
}
