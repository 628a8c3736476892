//! An audit log followed from its start to its end: nothing in it was changed, nothing is missing, nothing was cut off.

use serde::{Deserialize, Serialize};
use sweep_proto::Timestamp;

use crate::access::{AuditEntry, AuditHead, AuditNote};
use crate::command::{Decision, Rejection};
use crate::engine::Engine;
use crate::limits::AUDIT_KEEP_MIN_MS;
use crate::mutation::Mutation;

/// What an entry is called that says which entries before it were removed.
pub const FORGET_ACTION: &str = "forget audit entries";

/// A coordinator's signature under the end of its audit log, so that a log that was cut does not pass for a whole one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditSeal {
    /// The last entry when it was signed.
    pub head: AuditHead,
    /// The public key, in hexadecimal digits.
    pub key: String,
    /// Ed25519 over [`AuditSeal::signed_bytes`], in hexadecimal digits.
    pub signature: String,
}

impl AuditSeal {
    /// What is signed.
    pub fn signed_bytes(head: &AuditHead) -> Vec<u8> {
        format!("lstm-sweep audit log\n{}\n{}\n", head.sequence, head.digest).into_bytes()
    }
}

/// The words of an entry that stands for those that were removed.
fn words_of_forgotten(base: &AuditHead) -> String {
    format!("entries up to {}, the last of them with digest {}", base.sequence, base.digest)
}

/// A log that is being followed.
#[derive(Clone, Debug)]
pub struct AuditTrail {
    base: AuditHead,
    head: AuditHead,
    /// Whether an entry says that those up to `base` were removed.
    is_explained: bool,
    /// The digest at the sealed place, once it was passed.
    at_seal: Option<AuditHead>,
    seal: Option<AuditSeal>,
}

impl AuditTrail {
    /// Begins behind the entries that were removed; the seal tells where it should end.
    pub fn begin(base: AuditHead, seal: Option<AuditSeal>) -> Self {
        let is_explained = base == AuditHead::default();
        let mut trail = Self { base, head: base, is_explained, at_seal: None, seal };
        trail.pass_seal();
        trail
    }

    /// The last entry so far.
    pub fn head(&self) -> AuditHead {
        self.head
    }

    /// Goes past an entry.
    ///
    /// # Errors
    /// What is wrong, where the entry does not follow.
    pub fn advance(&mut self, entry: &AuditEntry) -> Result<(), String> {
        self.head.advance(entry)?;
        let explains = entry.note.action == FORGET_ACTION && entry.note.is_allowed;
        self.is_explained |= explains && entry.note.subject == words_of_forgotten(&self.base);
        self.pass_seal();
        Ok(())
    }

    fn pass_seal(&mut self) {
        if self.seal.as_ref().is_some_and(|seal| seal.head.sequence == self.head.sequence) {
            self.at_seal = Some(self.head);
        }
    }

    /// What is wrong with the log as a whole, after its last entry. Entries may follow the sealed one where the log was
    /// written on while it was read.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !self.is_explained {
            problems.push(format!(
                "the audit log begins behind entry {}, and no entry says that those before it were removed",
                self.base.sequence
            ));
        }
        match &self.seal {
            Some(seal) if self.head.sequence < seal.head.sequence => problems.push(format!(
                "the audit log ends with entry {}, and the coordinator has signed {}: its end was cut off",
                self.head.sequence, seal.head.sequence
            )),
            Some(seal) if self.at_seal != Some(seal.head) => problems.push(format!(
                "entry {} of the audit log is not the one that the coordinator has signed",
                seal.head.sequence
            )),
            _ => {}
        }
        problems
    }
}

/// Removes the entries up to one that is old enough; an entry says so from then on.
pub(crate) fn forget(
    engine: &Engine,
    now: Timestamp,
    through: AuditHead,
    written_at: Timestamp,
    by: &AuditNote,
) -> Result<Decision, Rejection> {
    let tables = &engine.tables;
    if through.sequence <= tables.audit_base.sequence || through.sequence >= tables.audit.sequence {
        return Err(Rejection::Invalid(format!(
            "the audit log has the entries {} to {}; none of them is removed",
            tables.audit_base.sequence + 1,
            tables.audit.sequence
        )));
    }
    if now.since_ms(written_at) < AUDIT_KEEP_MIN_MS {
        return Err(Rejection::Invalid(format!(
            "entries of the audit log are kept for at least {} days, so that nobody removes what they have just done",
            AUDIT_KEEP_MIN_MS / 86_400_000
        )));
    }
    let note = AuditNote {
        action: FORGET_ACTION.to_owned(),
        subject: words_of_forgotten(&through),
        is_allowed: true,
        ..by.clone()
    };
    let entry = tables.audit.next(now, note);
    Ok(Decision {
        mutations: vec![Mutation::Audit(entry), Mutation::AuditBase(through)],
        ..Decision::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(count: u64) -> Vec<AuditEntry> {
        let mut head = AuditHead::default();
        let note = |number: u64| AuditNote {
            actor: "admin".into(),
            peer: "10.0.0.1".into(),
            action: number.to_string(),
            subject: String::new(),
            is_allowed: true,
        };
        let entry = |number| {
            let entry = head.next(Timestamp(number), note(number));
            head.advance(&entry).expect("it follows");
            entry
        };
        (1..=count).map(entry).collect()
    }

    fn head_of(entry: &AuditEntry) -> AuditHead {
        AuditHead { sequence: entry.sequence, digest: entry.digest }
    }

    fn seal(head: AuditHead) -> AuditSeal {
        AuditSeal { head, key: String::new(), signature: String::new() }
    }

    fn problems(base: AuditHead, seal: Option<AuditSeal>, entries: &[AuditEntry]) -> Vec<String> {
        let mut trail = AuditTrail::begin(base, seal);
        entries.iter().try_for_each(|entry| trail.advance(entry)).expect("it follows");
        trail.problems()
    }

    #[test]
    fn a_cut_end_is_found_by_the_signed_head() {
        let entries = log(5);
        let signed = Some(seal(head_of(&entries[4])));
        assert_eq!(problems(AuditHead::default(), signed.clone(), &entries), Vec::<String>::new());
        for left in 0..5 {
            let found = problems(AuditHead::default(), signed.clone(), &entries[..left]);
            assert!(matches!(found.as_slice(), [one] if one.contains("cut off")), "{left}: {found:?}");
        }
        // An end that was cut off and written again has other digests.
        let mut forged = entries[..4].to_vec();
        let mut note = entries[4].note.clone();
        note.subject = "something else".into();
        forged.push(head_of(&entries[3]).next(Timestamp(9), note));
        let found = problems(AuditHead::default(), signed, &forged);
        assert!(matches!(found.as_slice(), [one] if one.contains("not the one")), "{found:?}");
        // What was written while the log was read is no problem.
        assert_eq!(
            problems(AuditHead::default(), Some(seal(head_of(&entries[2]))), &entries),
            Vec::<String>::new()
        );
    }

    #[test]
    fn entries_are_removed_only_when_old_and_an_entry_stands_for_them() {
        let entries = log(5);
        let mut engine = Engine::default();
        for entry in &entries {
            engine.evolve(&Mutation::Audit(entry.clone()));
        }
        let by = entries[0].note.clone();
        let later = Timestamp(AUDIT_KEEP_MIN_MS + 1_000);
        let through = head_of(&entries[2]);
        assert!(forget(&engine, Timestamp(1_000), through, Timestamp(3), &by).is_err(), "it is too young");
        assert!(forget(&engine, later, head_of(&entries[4]), Timestamp(5), &by).is_err(), "one stays");
        let decision = forget(&engine, later, through, Timestamp(3), &by).expect("removed");
        engine.fold(&decision);
        assert_eq!(engine.tables().audit_base, through);
        let Mutation::Audit(last) = &decision.mutations[0] else { panic!("no entry") };
        let mut kept = entries[3..].to_vec();
        assert_eq!(problems(through, None, &kept).len(), 1, "nothing says why the log begins there");
        kept.push(last.clone());
        assert_eq!(problems(through, Some(seal(head_of(last))), &kept), Vec::<String>::new());
        assert!(AuditTrail::begin(head_of(&entries[1]), None).advance(&kept[0]).is_err(), "one is missing");
        assert!(forget(&engine, later, through, Timestamp(3), &by).is_err(), "it is done already");
    }
}
