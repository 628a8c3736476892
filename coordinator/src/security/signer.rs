//! The key with which the coordinator signs reports: made at the first start, kept with the other keys.

use std::fmt;
use std::path::Path;

use ring::rand::SystemRandom;
use ring::signature::Ed25519KeyPair;

use super::authority::AuthorityError;
use super::files;

/// The file of the key, in PKCS #8.
const KEY: &str = "report.key";

/// Signs reports.
pub(crate) struct Signer(Ed25519KeyPair);

impl fmt::Debug for Signer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Signer(…)")
    }
}

impl Signer {
    /// With the key of this folder, made where there is none. Blocks on the disk.
    ///
    /// # Errors
    /// Where its file can neither be read nor written, or is no key.
    pub(crate) fn open(folder: &Path) -> Result<Self, AuthorityError> {
        open(folder).map(Self)
    }

    /// The public key of this folder, where it has one that can be read.
    pub(crate) fn known_key(folder: &Path) -> Option<String> {
        let document = files::read(&folder.join(KEY)).ok()?;
        Ed25519KeyPair::from_pkcs8(&document).ok().map(|pair| crate::report_signature::public_key(&pair))
    }

    /// The key.
    pub(crate) fn pair(&self) -> &Ed25519KeyPair {
        &self.0
    }
}

fn open(folder: &Path) -> Result<Ed25519KeyPair, AuthorityError> {
    let path = folder.join(KEY);
    let failed = |source| AuthorityError::File { path: path.clone(), source };
    let unusable = |problem: &dyn fmt::Display| AuthorityError::Unusable {
        what: path.display().to_string(),
        problem: problem.to_string(),
    };
    let document = match files::read(&path) {
        Ok(document) => document,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
            let document = made.map_err(|error| unusable(&error))?.as_ref().to_vec();
            files::create_folder(folder).map_err(failed)?;
            files::write(&path, &document).map_err(failed)?;
            document
        }
        Err(error) => return Err(failed(error)),
    };
    Ed25519KeyPair::from_pkcs8(&document).map_err(|error| unusable(&error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report_signature::public_key;

    #[test]
    fn a_key_is_made_once_and_a_broken_one_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let security = folder.path().join("security");
        let key = public_key(Signer::open(&security).expect("made").pair());
        assert_eq!(public_key(Signer::open(&security).expect("read").pair()), key);
        files::write(&security.join(KEY), b"no key").expect("written");
        let error = Signer::open(&security).expect_err("refused");
        assert!(error.to_string().contains(KEY), "{error}");
    }
}
