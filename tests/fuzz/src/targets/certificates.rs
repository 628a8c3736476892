//! Certificates and requests for them, as strangers send them.

use coordinator::certificates::{WorkerKey, worker_of};
use coordinator_core::CertificateId;
use rcgen::{CertificateParams, Issuer, KeyPair, SanType, SerialNumber};
use sweep_proto::WorkerId;
use sweep_transport::key_digest;
use uuid::Uuid;

use super::seeds;
use crate::registry::Seed;

/// Largest request that is read, in bytes.
const REQUEST_BYTES_MAX: usize = 4_096;

/// A certificate that a peer shows.
pub(crate) fn certificate(bytes: &[u8]) {
    let digest = key_digest(bytes);
    assert_eq!(digest, key_digest(bytes));
    if let Some((serial, worker)) = worker_of(bytes) {
        assert!(digest.is_ok(), "a certificate of {worker}, number {serial}, without a key");
        assert_eq!(worker.to_string().parse::<WorkerId>(), Ok(worker));
    }
}

/// A request for a certificate.
pub(crate) fn request(bytes: &[u8]) {
    match WorkerKey::read(bytes) {
        Ok(key) => {
            assert!(bytes.len() <= REQUEST_BYTES_MAX, "{} bytes were read", bytes.len());
            assert_eq!(key.digest(), WorkerKey::read(bytes).expect("read before").digest());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// An authority's certificate, and a worker's.
pub(crate) fn certificate_seeds() -> Vec<Seed> {
    let (key, authority_key) = (KeyPair::generate().expect("a key"), KeyPair::generate().expect("a key"));
    let authority = CertificateParams::default();
    let own = authority.self_signed(&authority_key).expect("a certificate");
    let mut worker = CertificateParams::default();
    let serial = CertificateId(Uuid::from_u128(7));
    worker.serial_number = Some(SerialNumber::from_slice(serial.0.as_bytes()));
    let uri = format!("sweep://worker/{}", Uuid::from_u128(9)).try_into().expect("ASCII");
    worker.subject_alt_names = vec![SanType::URI(uri)];
    let signed = worker.signed_by(&key, &Issuer::new(authority, authority_key)).expect("a certificate");
    assert_eq!(worker_of(signed.der()), Some((serial, WorkerId(Uuid::from_u128(9)))));
    seeds([("authority.der", own.der().to_vec()), ("worker.der", signed.der().to_vec())])
}

/// A request.
pub(crate) fn request_seeds() -> Vec<Seed> {
    let key = KeyPair::generate().expect("a key");
    let named = CertificateParams::new(vec!["worker.example".to_owned()]).expect("a name");
    let request = |params: CertificateParams| params.serialize_request(&key).expect("signed").der().to_vec();
    seeds([("plain.der", request(CertificateParams::default())), ("named.der", request(named))])
}
