//! The check that a coordinator is the one whose pin is known, made before anything is said to it.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use sweep_proto::Digest;
use thiserror::Error as ThisError;
use x509_parser::prelude::{ASN1Time, FromDer, X509Certificate};

/// Why a certificate has no readable key.
#[derive(Clone, Debug, ThisError, PartialEq, Eq)]
#[error("this is no X.509 certificate")]
pub struct PinError;

/// SHA-256 of a certificate's `SubjectPublicKeyInfo` (RFC 7469, section 2.4): it stays when the certificate
/// is renewed with the same key.
///
/// # Errors
/// [`PinError`] where the bytes are no certificate.
pub fn key_digest(certificate: &[u8]) -> Result<Digest, PinError> {
    let (_, certificate) = X509Certificate::from_der(certificate).map_err(|_| PinError)?;
    Ok(Digest::of(certificate.public_key().raw))
}

/// Part of what is said where the other side is somebody else.
pub(crate) const PIN_IS_WRONG: &str = "its authority has another key";

/// Begins what is said where a certificate does not hold now: a person has to set a clock.
pub(crate) const CLOCK_IS_OFF: &str = "the clock of this machine or that of the coordinator is wrong";

/// Tells both times where a certificate does not hold now; every other error stays as it is.
fn told_of_clocks(error: Error, certificate: &[u8], now: UnixTime) -> Error {
    use CertificateError::{Expired, ExpiredContext, NotValidYet, NotValidYetContext};
    let is_of_clocks = matches!(
        error,
        Error::InvalidCertificate(Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. })
    );
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else { return error };
    if !is_of_clocks {
        return error;
    }
    let seconds = now.as_secs();
    let own = ASN1Time::from_timestamp(seconds.cast_signed());
    let own = own.map_or_else(|_| format!("second {seconds} since 1970"), |time| time.to_string());
    let validity = certificate.validity();
    Error::General(format!(
        "{CLOCK_IS_OFF}: here it is {own}, and the coordinator's certificate holds from {} to {}; set the clock and try \
         again",
        validity.not_before, validity.not_after
    ))
}

/// Trusts the authority with one key, and nobody else.
#[derive(Debug)]
pub(crate) struct PinnedAuthority {
    pin: Digest,
    provider: Arc<CryptoProvider>,
}

impl PinnedAuthority {
    pub(crate) fn new(pin: Digest, provider: Arc<CryptoProvider>) -> Self {
        Self { pin, provider }
    }

    /// The authority among the certificates that the server sent.
    fn authority<'a>(&self, sent: &'a [CertificateDer<'a>]) -> Result<&'a CertificateDer<'a>, Error> {
        let is_pinned = |one: &&CertificateDer<'_>| key_digest(one).is_ok_and(|digest| digest == self.pin);
        sent.iter().find(is_pinned).ok_or_else(|| {
            Error::General(format!(
                "this is not the coordinator that the token was made by: {PIN_IS_WRONG}. \
                 Nothing was sent to it; check the address, or ask for a new token"
            ))
        })
    }
}

impl ServerCertVerifier for PinnedAuthority {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority(intermediates)?.clone())?;
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&self.provider))
                .build()
                .map_err(|error| Error::General(error.to_string()))?;
        verifier
            .verify_server_cert(end_entity, &[], server_name, ocsp_response, now)
            .map_err(|error| told_of_clocks(error, end_entity, now))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
