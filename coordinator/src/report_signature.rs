//! What a signed report says, and the check that nobody changed it: `report.sig`, beside the report's files.
//!
//! The signature is Ed25519 (RFC 8032), which has no chance in it: the same report under the same key has the same
//! bytes. It covers the digests of every file and of the records that they were made from.

use std::collections::BTreeMap;

use coordinator_report::Projection;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use sweep_proto::Digest;
use thiserror::Error;

/// The file's name.
pub const FILE_NAME: &str = "report.sig";

/// Version of the file.
pub const FORMAT: u32 = 2;

/// The version that tells no projection: its records are hashed by [`Projection::First`].
const FORMAT_WITHOUT_PROJECTION: u32 = 1;

/// Stands before what is signed, so that no signature of ours over something else passes for one of a report.
const DOMAIN: &[u8] = b"lstm-sweep report signature\n";

/// What is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// [`FORMAT`].
    pub format: u32,
    /// The sweep's number.
    pub sweep: u64,
    /// Its name.
    pub name: String,
    /// Its state when the report was made.
    pub state: String,
    /// Which version of the records' projection `records` is of; absent in the first format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub projection: Option<u32>,
    /// SHA-256 of the records that the report was made from.
    pub records: Digest,
    /// SHA-256 of each file of the report, by name.
    pub files: BTreeMap<String, Digest>,
    /// The public key, in hexadecimal digits.
    pub key: String,
}

/// The content of `report.sig`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedStatement {
    /// What is signed.
    pub statement: Statement,
    /// The signature, in hexadecimal digits.
    pub signature: String,
}

/// As much of the file as every version of it has.
#[derive(Deserialize)]
struct Told {
    statement: ToldFormat,
}

#[derive(Deserialize)]
struct ToldFormat {
    format: u64,
}

/// Why a signature does not hold.
#[derive(Debug, Error)]
pub enum SignatureError {
    /// Not the file of a signature.
    #[error("it is not the signature of a report: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Of a later program.
    #[error(
        "it has format {0}, and this program knows those up to {FORMAT}: a later one wrote it, which can check it"
    )]
    Format(u64),
    /// What it says of the projection does not fit its format.
    #[error("its format and its projection of the records do not belong together")]
    Misfit,
    /// The records are hashed as only a later program does.
    #[error(
        "its records are hashed in version {0}, which this program does not know: a later one can check it"
    )]
    Projection(u32),
    /// Key or signature are no hexadecimal digits.
    #[error("its {0} is not written in hexadecimal digits")]
    Digits(&'static str),
    /// The signature is another's, or what it signs was changed.
    #[error("the signature does not belong to what it stands under: it was changed after it was signed")]
    Wrong,
}

impl Statement {
    /// What of the records was hashed, and in which form.
    ///
    /// # Errors
    /// Where a later program made it.
    pub fn projection(&self) -> Result<Projection, SignatureError> {
        let number = self.projection.unwrap_or(Projection::First.number());
        Projection::of_number(number).ok_or(SignatureError::Projection(number))
    }

    fn signed_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = DOMAIN.to_vec();
        serde_json::to_writer(&mut bytes, self)?;
        Ok(bytes)
    }

    /// The bytes of `report.sig`. `key` becomes that of the pair.
    ///
    /// # Errors
    /// None that a statement can cause.
    pub(crate) fn signed_by(mut self, pair: &Ed25519KeyPair) -> Result<Vec<u8>, serde_json::Error> {
        self.key = public_key(pair);
        let signature = pair.sign(&self.signed_bytes()?);
        let signature = data_encoding::HEXLOWER.encode(signature.as_ref());
        let mut bytes = serde_json::to_vec_pretty(&SignedStatement { statement: self, signature })?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// The public key in hexadecimal digits.
pub(crate) fn public_key(pair: &Ed25519KeyPair) -> String {
    data_encoding::HEXLOWER.encode(pair.public_key().as_ref())
}

/// What a `report.sig` says, if its signature is that of the key that it names. Whose key that is, it cannot tell.
///
/// # Errors
/// [`SignatureError`] says what is wrong with it.
pub fn read(bytes: &[u8]) -> Result<Statement, SignatureError> {
    let Told { statement: ToldFormat { format } } = serde_json::from_slice(bytes)?;
    if !(1..=u64::from(FORMAT)).contains(&format) {
        return Err(SignatureError::Format(format));
    }
    let SignedStatement { statement, signature } = serde_json::from_slice(bytes)?;
    if statement.projection.is_none() != (statement.format == FORMAT_WITHOUT_PROJECTION) {
        return Err(SignatureError::Misfit);
    }
    let digits = |text: &str, what| {
        data_encoding::HEXLOWER.decode(text.as_bytes()).map_err(|_| SignatureError::Digits(what))
    };
    let key = UnparsedPublicKey::new(&ED25519, digits(&statement.key, "key")?);
    let signature = digits(&signature, "signature")?;
    key.verify(&statement.signed_bytes()?, &signature).map_err(|_| SignatureError::Wrong)?;
    Ok(statement)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(seed: u8) -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("a seed")
    }

    fn statement() -> Statement {
        Statement {
            format: FORMAT,
            sweep: 3,
            name: "\"imdb\"\n".into(),
            state: "finished".into(),
            projection: Some(Projection::NEWEST.number()),
            records: Digest::of(b"records"),
            files: BTreeMap::from([("report.html".into(), Digest::of(b"page"))]),
            key: String::new(),
        }
    }

    #[test]
    fn what_was_signed_is_read_back_and_the_bytes_are_the_same_each_time() {
        let signed = statement().signed_by(&pair(1)).expect("signed");
        assert_eq!(signed, statement().signed_by(&pair(1)).expect("signed"));
        let read = read(&signed).expect("good");
        assert_eq!(read, Statement { key: public_key(&pair(1)), ..statement() });
    }

    #[test]
    fn every_change_is_found() {
        let signed: SignedStatement =
            serde_json::from_slice(&statement().signed_by(&pair(1)).expect("signed")).expect("JSON");
        let changes: [fn(&mut SignedStatement); 7] = [
            |signed| signed.statement.projection = Some(1_000),
            |signed| signed.statement.sweep = 4,
            |signed| signed.statement.state = "open".into(),
            |signed| signed.statement.records = Digest::of(b"others"),
            |signed| _ = signed.statement.files.insert("report.html".into(), Digest::of(b"forged")),
            |signed| _ = signed.statement.files.pop_first(),
            |signed| signed.statement.key = public_key(&pair(2)),
        ];
        for change in changes {
            let mut forged = signed.clone();
            change(&mut forged);
            let bytes = serde_json::to_vec(&forged).expect("JSON");
            assert!(matches!(read(&bytes), Err(SignatureError::Wrong)), "{forged:?}");
        }
        for (bytes, what) in [
            (b"{}".to_vec(), "not the signature of a report"),
            (
                serde_json::to_vec(&SignedStatement { signature: "zz".into(), ..signed }).expect("JSON"),
                "digits",
            ),
        ] {
            let error = read(&bytes).expect_err("refused");
            assert!(error.to_string().contains(what), "{error}");
        }
    }

    #[test]
    fn signatures_of_earlier_and_later_programs_are_told_apart() {
        let first = Statement { format: 1, projection: None, ..statement() };
        let first = read(&first.signed_by(&pair(1)).expect("signed")).expect("good");
        assert_eq!(first.projection().expect("known"), Projection::First);
        let later = Statement { projection: Some(1_000), ..statement() };
        let later = read(&later.signed_by(&pair(1)).expect("signed")).expect("good");
        let error = later.projection().expect_err("a later version");
        assert!(matches!(error, SignatureError::Projection(1_000)), "{error}");
        for misfit in [Statement { format: 1, ..statement() }, Statement { projection: None, ..statement() }]
        {
            let signed = misfit.signed_by(&pair(1)).expect("signed");
            assert!(matches!(read(&signed), Err(SignatureError::Misfit)));
        }
        let later = br#"{"statement": {"format": 3, "more": []}, "signature": "", "more": 1}"#;
        assert!(matches!(read(later), Err(SignatureError::Format(3))));
    }
}
