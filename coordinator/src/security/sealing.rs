//! Signs the end of the audit log with every commit that writes to it, so that a log that was cut is found.

use std::sync::Arc;

use coordinator_core::{AuditEntry, AuditHead, AuditSeal, Mutation, Tables};
use coordinator_store::{StepBatch, Store, StoreError, StoreReader};
use ring::signature::{ED25519, UnparsedPublicKey};
use sweep_proto::{AttemptId, StepMetric};

use super::signer::Signer;
use crate::driver::OpenStore;
use crate::report_signature::public_key;

/// A store whose audit log is signed in the transaction that writes it.
struct Sealing {
    store: Box<dyn Store>,
    signer: Arc<Signer>,
}

/// Opens the same store, and signs.
pub(crate) fn sealing(open: OpenStore, signer: Arc<Signer>) -> OpenStore {
    Box::new(move || Ok(Box::new(Sealing { store: open()?, signer: Arc::clone(&signer) }) as Box<dyn Store>))
}

fn sign(signer: &Signer, head: AuditHead) -> AuditSeal {
    let signature = signer.pair().sign(&AuditSeal::signed_bytes(&head));
    let signature = data_encoding::HEXLOWER.encode(signature.as_ref());
    AuditSeal { head, key: public_key(signer.pair()), signature }
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

/// What the end of the log says against what was signed; `None` where they agree.
pub(crate) fn trouble(signer: &Signer, end: AuditHead, seal: Option<&AuditSeal>) -> Option<String> {
    let key = public_key(signer.pair());
    match seal {
        None if end == AuditHead::default() => None,
        None => Some(format!("it was not signed so far, up to entry {}", end.sequence)),
        Some(seal) if seal.head != end => Some(format!(
            "it ends with entry {} and digest {}, but entry {} with digest {} was signed: its end was changed while no \
             coordinator worked",
            end.sequence, end.digest, seal.head.sequence, seal.head.digest
        )),
        Some(seal) => signature_problem(seal, Some(&key)),
    }
}

impl StoreReader for Sealing {
    fn load(&mut self) -> Result<Tables, StoreError> {
        self.store.load()
    }

    fn read_steps(
        &mut self,
        attempt: AttemptId,
        from_sequence: u64,
        points_max: usize,
    ) -> Result<Vec<StepMetric>, StoreError> {
        self.store.read_steps(attempt, from_sequence, points_max)
    }

    fn read_audit(&mut self, from_sequence: u64, entries_max: usize) -> Result<Vec<AuditEntry>, StoreError> {
        self.store.read_audit(from_sequence, entries_max)
    }

    fn read_seal(&mut self) -> Result<Option<AuditSeal>, StoreError> {
        self.store.read_seal()
    }
}

impl Store for Sealing {
    fn commit(&mut self, mutations: &[Mutation]) -> Result<(), StoreError> {
        let entries = mutations.iter().filter_map(|mutation| match mutation {
            Mutation::Audit(entry) => Some(AuditHead { sequence: entry.sequence, digest: entry.digest }),
            _ => None,
        });
        let Some(head) = entries.max_by_key(|head| head.sequence) else {
            return self.store.commit(mutations);
        };
        let seal = Mutation::AuditSeal(sign(&self.signer, head));
        self.store.commit(&[mutations, &[seal]].concat())
    }

    fn append_steps(&mut self, batches: &[StepBatch]) -> Result<Vec<u64>, StoreError> {
        self.store.append_steps(batches)
    }

    fn verify(&mut self) -> Result<(), StoreError> {
        self.store.verify()
    }

    fn reader(&self) -> Result<Box<dyn StoreReader>, StoreError> {
        self.store.reader()
    }
}

#[cfg(test)]
mod tests {
    use coordinator_core::AuditNote;
    use coordinator_store::MemoryStore;
    use sweep_proto::Timestamp;

    use super::*;

    #[test]
    fn every_commit_to_the_log_is_signed_and_a_changed_signature_does_not_hold() {
        let folder = tempfile::tempdir().expect("a folder");
        let signer = Arc::new(Signer::open(folder.path()).expect("a key"));
        let memory = MemoryStore::default();
        let kept = memory.clone();
        let open = sealing(Box::new(move || Ok(Box::new(kept.clone()))), Arc::clone(&signer));
        let mut store = open().expect("opens");
        let mut head = AuditHead::default();
        assert_eq!(trouble(&signer, head, None), None);
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
            store.commit(&[Mutation::Audit(entry)]).expect("written");
            let seal = store.read_seal().expect("read").expect("signed");
            assert_eq!((seal.head, signature_problem(&seal, Some(&seal.key))), (head, None));
            assert_eq!(trouble(&signer, head, Some(&seal)), None);
        }
        let seal = store.read_seal().expect("read").expect("signed");
        let cut = AuditHead { sequence: 2, ..head };
        assert!(signature_problem(&AuditSeal { head: cut, ..seal.clone() }, None).is_some());
        assert!(signature_problem(&AuditSeal { signature: "zz".into(), ..seal.clone() }, None).is_some());
        assert!(
            signature_problem(&seal, Some("another")).is_some_and(|problem| problem.contains("another key"))
        );
        assert!(trouble(&signer, cut, Some(&seal)).is_some_and(|problem| problem.contains("was signed")));
        assert!(trouble(&signer, head, None).is_some());
    }
}
