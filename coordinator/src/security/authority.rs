//! The coordinator's own certificate authority: its key, the server's key, and workers' certificates.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use coordinator_core::CertificateId;
use coordinator_core::limits::CERTIFICATE_LIFETIME_MS;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType, SerialNumber, date_time_ymd,
};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, CertificateSigningRequestDer, PrivatePkcs8KeyDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::time_provider::TimeProvider;
use rustls::{RootCertStore, ServerConfig};
use sweep_proto::{Digest, WorkerId};
use sweep_transport::{COORDINATOR_NAME, key_digest};
use thiserror::Error;

use super::files;
use crate::clock::Clock;

/// How far certificates reach back: a worker's clock may be wrong by a day.
const BACKDATE_MS: u64 = 24 * 3_600_000;

/// Life of the server's certificate, in milliseconds. It is made anew at every start, with the same key.
const SERVER_LIFETIME_MS: u64 = 2 * 365 * 24 * 3_600_000;

/// What stands before a worker's id in its certificate.
const WORKER_URI: &str = "sweep://worker/";

/// Why the authority cannot do its work.
#[derive(Debug, Error)]
pub enum AuthorityError {
    /// A file of it cannot be used.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A key or certificate is not what it should be.
    #[error("{what} cannot be used: {problem}")]
    Unusable {
        /// What it is.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// The authority and the server's identity.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    server_key: KeyPair,
    pin: Digest,
    clock: Clock,
}

/// The coordinator's own clock for TLS: a jump of the machine's clock locks nobody out.
#[derive(Debug)]
struct OwnTime(Clock);

impl TimeProvider for OwnTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_millis(self.0.now().0)))
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Authority({})", self.pin)
    }
}

fn unusable(what: impl Into<String>) -> impl FnOnce(rcgen::Error) -> AuthorityError {
    let what = what.into();
    move |error| AuthorityError::Unusable { what, problem: error.to_string() }
}

impl Authority {
    /// Opens the authority in this folder, making it at the first start.
    pub(crate) fn open(folder: &Path, clock: Clock) -> Result<Self, AuthorityError> {
        files::create_folder(folder)
            .map_err(|source| AuthorityError::File { path: folder.to_owned(), source })?;
        let authority_key = key(&folder.join("authority.key"))?;
        let server_key = key(&folder.join("server.key"))?;
        let params = authority_params();
        // The same key and parameters make the same certificate but for its signature: only the key is kept.
        let certificate =
            params.self_signed(&authority_key).map_err(unusable("the authority's certificate"))?;
        let certificate = certificate.der().clone();
        let pin = key_digest(&certificate).map_err(|error| AuthorityError::Unusable {
            what: "the authority's certificate".to_owned(),
            problem: error.to_string(),
        })?;
        Ok(Self { issuer: Issuer::new(params, authority_key), certificate, server_key, pin, clock })
    }

    /// SHA-256 of the authority's public key: what tokens carry.
    pub(crate) fn pin(&self) -> Digest {
        self.pin
    }

    /// SHA-256 of the server's public key in base64, as `curl --pinnedpubkey sha256//…` takes it.
    pub(crate) fn server_key_pin(&self) -> String {
        use rcgen::PublicKeyData;
        let digest = Digest::of(&self.server_key.subject_public_key_info());
        data_encoding::BASE64.encode(digest.as_bytes())
    }

    /// TLS for a server that is reached by these names, too. Clients may show a certificate of ours.
    pub(crate) fn server_config(&self, names: &[String]) -> Result<Arc<ServerConfig>, AuthorityError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let chain = vec![self.server_certificate(names)?, self.certificate.clone()];
        let key = PrivatePkcs8KeyDer::from(self.server_key.serialize_der());
        let failed = |error: rustls::Error| AuthorityError::Unusable {
            what: "the server's certificate".to_owned(),
            problem: error.to_string(),
        };
        let mut config =
            ServerConfig::builder_with_details(Arc::clone(&provider), Arc::new(OwnTime(self.clock)))
                .with_protocol_versions(&[&rustls::version::TLS13])
                .map_err(failed)?
                .with_client_cert_verifier(self.client_verifier(provider)?)
                .with_single_cert(chain, key.into())
                .map_err(failed)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        // A resumed session would skip the look at the client's certificate.
        config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Arc::new(config))
    }

    fn client_verifier(
        &self,
        provider: Arc<CryptoProvider>,
    ) -> Result<Arc<dyn rustls::server::danger::ClientCertVerifier>, AuthorityError> {
        let failed = |problem: String| AuthorityError::Unusable {
            what: "the authority's certificate".to_owned(),
            problem,
        };
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).map_err(|error| failed(error.to_string()))?;
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .allow_unauthenticated()
            .build()
            .map_err(|error| failed(error.to_string()))
    }

    fn server_certificate(&self, names: &[String]) -> Result<CertificateDer<'static>, AuthorityError> {
        let mut all = vec![COORDINATOR_NAME.to_owned(), "localhost".to_owned(), "127.0.0.1".to_owned()];
        all.extend(names.iter().cloned());
        let mut params = CertificateParams::new(all).map_err(unusable("a name given to --advertise"))?;
        params.distinguished_name = name("lstm-sweep coordinator");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.lasts(&mut params, SERVER_LIFETIME_MS);
        let signed = params.signed_by(&self.server_key, &self.issuer);
        Ok(signed.map_err(unusable("the server's certificate"))?.der().clone())
    }

    /// Makes a certificate hold for so long from now on, by the coordinator's own clock.
    fn lasts(&self, params: &mut CertificateParams, lifetime_ms: u64) {
        let at = |time_ms| UNIX_EPOCH + Duration::from_millis(time_ms);
        let now_ms = self.clock.now().0;
        params.not_before = at(now_ms.saturating_sub(BACKDATE_MS)).into();
        params.not_after = at(now_ms.saturating_add(lifetime_ms)).into();
    }

    /// A certificate for the key of a request. Nothing else that the request says is taken over.
    pub(crate) fn sign_worker(
        &self,
        request: &WorkerKey,
        worker: WorkerId,
        serial: CertificateId,
    ) -> Result<CertificateDer<'static>, AuthorityError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = name("lstm-sweep worker");
        params.serial_number = Some(SerialNumber::from_slice(serial.0.as_bytes()));
        let uri = format!("{WORKER_URI}{worker}");
        params.subject_alt_names = vec![SanType::URI(uri.try_into().map_err(unusable("the worker's name"))?)];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.lasts(&mut params, CERTIFICATE_LIFETIME_MS);
        let signed = params.signed_by(&request.0.public_key, &self.issuer);
        Ok(signed.map_err(unusable("the worker's certificate"))?.der().clone())
    }
}

/// A certificate request whose signature was checked: whoever sent it has the key.
pub struct WorkerKey(CertificateSigningRequestParams);

impl WorkerKey {
    /// Largest request that is read, in bytes.
    const BYTES_MAX: usize = 4_096;

    /// Reads PKCS #10 in DER.
    ///
    /// # Errors
    /// [`AuthorityError::Unusable`] where the bytes are none, or are not signed with their own key.
    pub fn read(der: &[u8]) -> Result<Self, AuthorityError> {
        let unusable = |problem: String| AuthorityError::Unusable {
            what: "the worker's certificate request".to_owned(),
            problem,
        };
        if der.len() > Self::BYTES_MAX {
            return Err(unusable(format!("it has more than {} bytes", Self::BYTES_MAX)));
        }
        let der = CertificateSigningRequestDer::from(der);
        CertificateSigningRequestParams::from_der(&der).map(Self).map_err(|error| unusable(error.to_string()))
    }

    /// SHA-256 of the public key.
    pub fn digest(&self) -> Digest {
        use rcgen::PublicKeyData;
        Digest::of(&self.0.public_key.subject_public_key_info())
    }
}

/// The key in a file, made where there is none.
fn key(path: &Path) -> Result<KeyPair, AuthorityError> {
    let failed = |source| AuthorityError::File { path: path.to_owned(), source };
    match files::read(path) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            KeyPair::from_pem(&text).map_err(unusable(path.display().to_string()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = KeyPair::generate().map_err(unusable("a new key"))?;
            files::write(path, key.serialize_pem().as_bytes()).map_err(failed)?;
            Ok(key)
        }
        Err(error) => Err(failed(error)),
    }
}

fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = name("lstm-sweep authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    // Its life is that of the pin in the tokens: it ends by being replaced, not by a date.
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2120, 1, 1);
    params.serial_number = Some(SerialNumber::from(1_u64));
    params
}

fn name(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name
}

/// The serial number and the worker in a client's certificate that TLS has checked.
pub fn worker_of(certificate: &[u8]) -> Option<(CertificateId, WorkerId)> {
    use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let serial = certificate.tbs_certificate.serial.to_bytes_be();
    let mut bytes = [0_u8; 16];
    bytes[16_usize.checked_sub(serial.len())?..].copy_from_slice(&serial);
    let names = certificate.subject_alternative_name().ok()??;
    let worker = names.value.general_names.iter().find_map(|name| match name {
        GeneralName::URI(uri) => uri.strip_prefix(WORKER_URI)?.parse().ok(),
        _ => None,
    })?;
    Some((CertificateId(uuid::Uuid::from_bytes(bytes)), worker))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_the_same_after_a_restart() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = Authority::open(folder.path(), Clock::start()).expect("made");
        let again = Authority::open(folder.path(), Clock::start()).expect("opened");
        assert_eq!(first.pin(), again.pin());
        assert_eq!(first.server_key_pin(), again.server_key_pin());
        first.server_config(&["example.org".into(), "10.0.0.1".into()]).expect("a server");
    }

    #[test]
    fn a_worker_is_read_from_its_certificate_whatever_its_request_says() {
        let folder = tempfile::tempdir().expect("a folder");
        let authority = Authority::open(folder.path(), Clock::start()).expect("made");
        let key = KeyPair::generate().expect("a key");
        let mut lying = CertificateParams::new(vec![COORDINATOR_NAME.to_owned()]).expect("params");
        lying.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let request = lying.serialize_request(&key).expect("a request");
        let request = WorkerKey::read(request.der()).expect("read");
        let (worker, serial) = (WorkerId::generate(), CertificateId(uuid::Uuid::now_v7()));
        let certificate = authority.sign_worker(&request, worker, serial).expect("signed");
        assert_eq!(worker_of(&certificate), Some((serial, worker)));
        assert_eq!(key_digest(&certificate), Ok(request.digest()));
        let text = String::from_utf8_lossy(&certificate).into_owned();
        assert!(!text.contains(COORDINATOR_NAME), "the name of a server was taken over");
    }

    #[test]
    fn nonsense_is_no_request() {
        for bytes in [&b""[..], b"nonsense", &[0x30; 10_000]] {
            assert!(WorkerKey::read(bytes).is_err());
        }
    }
}
