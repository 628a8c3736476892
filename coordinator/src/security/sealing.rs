//! Signs the end of the audit log with every commit that writes to it, and keeps the signature in the data folder, too: a log
//! that was cut is found, and so is one that was removed together with what the database has of its end.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use coordinator_core::{AuditHead, AuditSeal, Mutation};
use coordinator_store::{StoreError, StoreReader};
use ring::signature::{ED25519, UnparsedPublicKey};

use super::files;
use super::signer::Signer;
use crate::report_signature::public_key;

/// The newest signature, in the data folder. Whoever writes to the database of another machine does not reach it.
const KEPT: &str = "audit.seal";

/// Signs the end of the audit log.
#[derive(Debug)]
pub(crate) struct Sealer {
    signer: Arc<Signer>,
    folder: PathBuf,
    /// Whether nobody else signs this log: coordinators that share a database have a key each.
    is_alone: bool,
}

/// What the end of an audit log is like when a coordinator begins to write to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It is the one that was signed last.
    Sound,
    /// Nobody has signed it so far, as programs of older versions left it.
    Unsigned,
    /// It is not the one that was signed last, in words.
    Damaged(String),
}

impl Sealer {
    pub(crate) fn new(signer: Arc<Signer>, folder: &Path, is_alone: bool) -> Self {
        Self { signer, folder: folder.to_owned(), is_alone }
    }

    /// The signature under the newest entry of these rows; `None` where they have none.
    pub(crate) fn seal_of(&self, mutations: &[Mutation]) -> Option<AuditSeal> {
        let heads = mutations.iter().filter_map(|mutation| match mutation {
            Mutation::Audit(entry) => Some(entry.head()),
            _ => None,
        });
        heads.max_by_key(|head| head.sequence).map(|head| self.sign(head))
    }

    fn sign(&self, head: AuditHead) -> AuditSeal {
        let signature = self.signer.pair().sign(&AuditSeal::signed_bytes(&head));
        let signature = data_encoding::HEXLOWER.encode(signature.as_ref());
        AuditSeal { head, key: public_key(self.signer.pair()), signature }
    }

    /// Keeps a signature in the data folder, once the entry under it is durable: what the folder knows is never newer than an
    /// untouched log.
    pub(crate) fn keep(&self, seal: &AuditSeal) {
        if let Err(error) = keep(&self.folder, seal) {
            tracing::warn!(%error, folder = %self.folder.display(), "the signed end of the audit log cannot be kept in the data folder");
        }
    }

    /// The signature that the data folder has.
    pub(crate) fn kept(&self) -> Option<AuditSeal> {
        kept(&self.folder).unwrap_or_else(|error| {
            tracing::warn!(%error, folder = %self.folder.display(), "the signed end of the audit log in the data folder cannot be read");
            None
        })
    }

    /// Compares the end of the log, and where it begins, with what was signed. The data folder learns of a newer signature.
    ///
    /// # Errors
    /// Those of reading.
    pub(crate) fn look(
        &self,
        store: &mut dyn StoreReader,
        base: AuditHead,
        end: AuditHead,
    ) -> Result<End, StoreError> {
        let key = public_key(self.signer.pair());
        let (stored, kept) = (store.read_seal()?, self.kept());
        if let Some(kept) = &kept
            && let Some(damage) = damage_behind(store, (base, end), kept.head)?
        {
            return Ok(End::Damaged(damage));
        }
        let Some(stored) = stored else {
            return Ok(match kept {
                Some(_) => {
                    End::Damaged("the signature under its end was removed from the database".to_owned())
                }
                None if end == AuditHead::default() => End::Sound,
                None => End::Unsigned,
            });
        };
        if let Some(damage) = damage_of(end, stored.head) {
            return Ok(End::Damaged(damage));
        }
        if let Some(problem) = signature_problem(&stored, self.is_alone.then_some(key.as_str())) {
            return Ok(End::Damaged(problem));
        }
        if kept.as_ref() != Some(&stored) {
            self.keep(&stored);
        }
        Ok(End::Sound)
    }
}

/// What is wrong with the end of a log whose last signed entry is known.
fn damage_of(end: AuditHead, signed: AuditHead) -> Option<String> {
    let AuditHead { sequence, digest } = signed;
    if end.sequence < sequence {
        let first = end.sequence + 1;
        return Some(format!(
            "entries {first} to {sequence} are missing: entry {sequence} with digest {digest} was signed, and the log ended with \
             entry {} with digest {}. What was written since is numbered from {first} again",
            end.sequence, end.digest
        ));
    }
    if end.sequence > sequence {
        return Some(format!(
            "entries {} to {} were not signed: they were written while no coordinator worked",
            sequence + 1,
            end.sequence
        ));
    }
    (end != signed).then(|| {
        format!(
            "entry {sequence} is not the one that was signed, which has digest {digest}; the log has {}",
            end.digest
        )
    })
}

/// What is wrong with a log of which an earlier end is known. Entries may have followed, and what is older than its first entry
/// cannot be compared.
fn damage_behind(
    store: &mut dyn StoreReader,
    (base, end): (AuditHead, AuditHead),
    known: AuditHead,
) -> Result<Option<String>, StoreError> {
    if known.sequence >= end.sequence {
        return Ok(damage_of(end, known));
    }
    if known.sequence < base.sequence || known.sequence == 0 {
        return Ok(None);
    }
    let found = if known.sequence == base.sequence {
        Some(base)
    } else {
        let entry = store.read_audit(known.sequence, 1)?.into_iter().next();
        entry.map(|entry| entry.head())
    };
    let is_there = found.is_some_and(|found| found == known);
    Ok((!is_there).then(|| {
        format!(
            "entry {} is not the one that was signed, which has digest {}: it and what follows were replaced",
            known.sequence, known.digest
        )
    }))
}

/// What is wrong with a signature by itself; with `key` also where it is another's.
pub fn signature_problem(seal: &AuditSeal, key: Option<&str>) -> Option<String> {
    let digits = |text: &str| data_encoding::HEXLOWER.decode(text.as_bytes()).ok();
    let holds = digits(&seal.key).zip(digits(&seal.signature)).is_some_and(|(key, signature)| {
        let signed = AuditSeal::signed_bytes(&seal.head);
        UnparsedPublicKey::new(&ED25519, key).verify(&signed, &signature).is_ok()
    });
    if !holds {
        return Some("the signature under the end of the audit log does not hold".to_owned());
    }
    key.filter(|key| *key != seal.key)
        .map(|_| format!("the end of the audit log was signed by another key ({})", seal.key))
}

/// The signature that a data folder has; `None` where it has none.
///
/// # Errors
/// Where it cannot be read.
pub(crate) fn kept(folder: &Path) -> io::Result<Option<AuditSeal>> {
    match files::read(&folder.join(KEPT)) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(io::Error::other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Keeps a signature in a data folder.
///
/// # Errors
/// Where it cannot be written.
pub(crate) fn keep(folder: &Path, seal: &AuditSeal) -> io::Result<()> {
    let bytes = serde_json::to_vec(seal).map_err(io::Error::other)?;
    files::write(&folder.join(KEPT), &bytes)
}

#[cfg(test)]
mod tests {
    use coordinator_core::{AuditNote, Tables};
    use coordinator_store::{MemoryStore, Store};
    use sweep_proto::Timestamp;

    use super::*;

    /// A log of three entries, each signed, and its end.
    fn signed(sealer: &Sealer, store: &mut MemoryStore) -> Vec<AuditHead> {
        let mut head = AuditHead::default();
        let mut heads = vec![head];
        for number in 0..3 {
            let note = AuditNote {
                actor: "admin".into(),
                peer: "-".into(),
                action: number.to_string(),
                subject: String::new(),
                is_allowed: true,
            };
            let entry = head.next(Timestamp(number), note);
            head.advance(&entry).expect("it follows");
            let entry = Mutation::Audit(entry);
            let seal = sealer.seal_of(std::slice::from_ref(&entry)).expect("an entry");
            assert_eq!((seal.head, signature_problem(&seal, Some(&seal.key))), (head, None));
            store.commit(&[entry, Mutation::AuditSeal(seal.clone())]).expect("written");
            sealer.keep(&seal);
            heads.push(head);
        }
        heads
    }

    fn damage(end: End) -> String {
        match end {
            End::Damaged(damage) => damage,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_end_that_was_not_signed_last_is_found_by_the_database_and_by_the_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let signer = Arc::new(Signer::open(&folder.path().join("security")).expect("a key"));
        let sealer = Sealer::new(signer, folder.path(), true);
        let base = AuditHead::default();
        let mut store = MemoryStore::default();
        assert_eq!(sealer.look(&mut store, base, base).expect("read"), End::Sound);
        let heads = signed(&sealer, &mut store);
        let end = heads[3];
        assert_eq!(sealer.look(&mut store, base, end).expect("read"), End::Sound);
        let cut = damage(sealer.look(&mut store, base, heads[1]).expect("read"));
        assert!(cut.contains("entries 2 to 3 are missing"), "{cut}");
        // The whole log was removed, and all that the database knew of it.
        let gone = damage(sealer.look(&mut MemoryStore::default(), base, base).expect("read"));
        assert!(gone.contains("entries 1 to 3 are missing"), "{gone}");
        // The folder may be older than the log, but not of another one.
        let old = sealer.sign(heads[2]);
        sealer.keep(&old);
        assert_eq!(sealer.look(&mut store, base, end).expect("read"), End::Sound);
        assert_eq!(
            kept(folder.path()).expect("read").expect("kept").head,
            end,
            "it has learnt of the newer one"
        );
        let other = AuditHead { digest: heads[1].digest, ..heads[2] };
        sealer.keep(&sealer.sign(other));
        let found = damage(sealer.look(&mut store, base, end).expect("read"));
        assert!(found.contains("entry 2 is not the one"), "{found}");
    }

    #[test]
    fn a_changed_signature_does_not_hold() {
        let folder = tempfile::tempdir().expect("a folder");
        let signer = Arc::new(Signer::open(&folder.path().join("security")).expect("a key"));
        let sealer = Sealer::new(signer, folder.path(), true);
        let mut store = MemoryStore::default();
        let heads = signed(&sealer, &mut store);
        let seal = store.read_seal().expect("read").expect("signed");
        let cut = AuditSeal { head: heads[2], ..seal.clone() };
        assert!(signature_problem(&cut, None).is_some());
        assert!(signature_problem(&AuditSeal { signature: "zz".into(), ..seal.clone() }, None).is_some());
        assert!(
            signature_problem(&seal, Some("another")).is_some_and(|problem| problem.contains("another key"))
        );
        assert_eq!(store.load().expect("loads"), Tables { audit: heads[3], ..Tables::default() });
    }
}
