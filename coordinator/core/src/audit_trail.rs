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

/// What an entry is called that says what is wrong with the log before it. A log that has one is never reported as whole again.
pub const DAMAGE_ACTION: &str = "audit log damaged";

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
    /// Ends of the log that a coordinator has signed, each with the digest found at its place once it was passed.
    signed: Vec<(AuditHead, Option<AuditHead>)>,
    /// What entries say is wrong with the log before them, with the place of each.
    damage: Vec<(u64, String)>,
}

impl AuditTrail {
    /// Begins behind the entries that were removed; `signed` are the ends of the log that are known to have been signed.
    pub fn begin(base: AuditHead, signed: impl IntoIterator<Item = AuditHead>) -> Self {
        let is_explained = base == AuditHead::default();
        let mut signed: Vec<_> = signed.into_iter().map(|head| (head, None)).collect();
        signed.sort_by_key(|(head, _)| std::cmp::Reverse(head.sequence));
        signed.dedup();
        // What was signed before the removed entries ended cannot be compared any more.
        signed.retain(|(head, _)| head.sequence >= base.sequence);
        let mut trail = Self { base, head: base, is_explained, signed, damage: Vec::new() };
        trail.pass_signed();
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
        if entry.note.action == DAMAGE_ACTION {
            self.damage.push((entry.sequence, entry.note.subject.clone()));
        }
        self.pass_signed();
        Ok(())
    }

    fn pass_signed(&mut self) {
        for (signed, found) in &mut self.signed {
            if signed.sequence == self.head.sequence {
                *found = Some(self.head);
            }
        }
    }

    /// What the entries themselves say is wrong with the log before them. Such findings are permanent.
    pub fn damage(&self) -> impl Iterator<Item = String> {
        self.damage.iter().map(|(at, what)| format!("entry {at} of the audit log says: {what}"))
    }

    /// What is wrong with the log as a whole, after its last entry, and was not written down. Entries may follow the signed one
    /// where the log was written on while it was read.
    pub fn problems(&self) -> Vec<String> {
        let mut problems: Vec<_> = self.unexplained().into_iter().collect();
        for (signed, found) in &self.signed {
            if self.head.sequence < signed.sequence {
                problems.push(format!(
                    "the audit log ends with entry {}, and the coordinator has signed {}: its end was cut off",
                    self.head.sequence, signed.sequence
                ));
            } else if *found != Some(*signed) {
                problems.push(format!(
                    "entry {} of the audit log is not the one that the coordinator has signed",
                    signed.sequence
                ));
            }
        }
        problems
    }

    fn unexplained(&self) -> Option<String> {
        (!self.is_explained).then(|| {
            format!(
                "the audit log begins behind entry {}, and no entry says that those before it were removed",
                self.base.sequence
            )
        })
    }

    /// What must be said again when the entries up to `through` are removed, because they say it or would hide it.
    pub fn damage_up_to(&self, through: u64) -> Vec<String> {
        let said = self.damage.iter().filter(|(at, _)| *at <= through).map(|(_, what)| what.clone());
        let mut damage: Vec<_> = self.unexplained().into_iter().chain(said).collect();
        damage.sort();
        damage.dedup();
        damage
    }
}

/// Removes the entries up to one that is old enough; an entry says so from then on, and others repeat the damage that the
/// removed ones told of.
pub(crate) fn forget(
    engine: &Engine,
    now: Timestamp,
    (through, written_at): (AuditHead, Timestamp),
    damage: &[String],
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
    let forgotten = AuditNote {
        action: FORGET_ACTION.to_owned(),
        subject: words_of_forgotten(&through),
        is_allowed: true,
        ..by.clone()
    };
    let damage = damage.iter().map(|what| AuditNote {
        action: DAMAGE_ACTION.to_owned(),
        subject: what.clone(),
        ..forgotten.clone()
    });
    let mut head = tables.audit;
    let mut mutations = Vec::new();
    for note in damage.chain([forgotten.clone()]) {
        let entry = head.next(now, note);
        head = entry.head();
        mutations.push(Mutation::Audit(entry));
    }
    mutations.push(Mutation::AuditBase(through));
    Ok(Decision { mutations, ..Decision::default() })
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

    fn problems(base: AuditHead, signed: Option<AuditHead>, entries: &[AuditEntry]) -> Vec<String> {
        let mut trail = AuditTrail::begin(base, signed);
        entries.iter().try_for_each(|entry| trail.advance(entry)).expect("it follows");
        trail.damage().chain(trail.problems()).collect()
    }

    #[test]
    fn a_cut_end_is_found_by_the_signed_head() {
        let entries = log(5);
        let signed = Some(entries[4].head());
        assert_eq!(problems(AuditHead::default(), signed, &entries), Vec::<String>::new());
        for left in 0..5 {
            let found = problems(AuditHead::default(), signed, &entries[..left]);
            assert!(matches!(found.as_slice(), [one] if one.contains("cut off")), "{left}: {found:?}");
        }
        // An end that was cut off and written again has other digests.
        let mut forged = entries[..4].to_vec();
        let mut note = entries[4].note.clone();
        note.subject = "something else".into();
        forged.push(entries[3].head().next(Timestamp(9), note));
        let found = problems(AuditHead::default(), signed, &forged);
        assert!(matches!(found.as_slice(), [one] if one.contains("not the one")), "{found:?}");
        // What was written while the log was read is no problem.
        assert_eq!(problems(AuditHead::default(), Some(entries[2].head()), &entries), Vec::<String>::new());
        // The newest of several signed ends counts: one copy of the signature that was put back hides nothing.
        let mut trail = AuditTrail::begin(AuditHead::default(), [entries[1].head(), entries[4].head()]);
        entries[..2].iter().try_for_each(|entry| trail.advance(entry)).expect("it follows");
        assert_eq!(trail.problems().len(), 1, "{:?}", trail.problems());
    }

    #[test]
    fn damage_that_an_entry_tells_of_is_reported_for_ever() {
        let mut entries = log(3);
        let note = AuditNote {
            action: DAMAGE_ACTION.into(),
            subject: "entries 4 to 9 are missing".into(),
            ..entries[0].note.clone()
        };
        let found = entries[2].head().next(Timestamp(4), note.clone());
        entries.push(found.clone());
        entries.push(found.head().next(Timestamp(5), AuditNote { action: "more".into(), ..note }));
        let told = problems(AuditHead::default(), Some(entries[4].head()), &entries);
        assert!(
            matches!(told.as_slice(), [one] if one.contains("entry 4") && one.contains("4 to 9")),
            "{told:?}"
        );

        let mut engine = Engine::default();
        let mut trail = AuditTrail::begin(AuditHead::default(), None);
        for entry in &entries {
            engine.evolve(&Mutation::Audit(entry.clone()));
            trail.advance(entry).expect("it follows");
        }
        assert!(trail.damage_up_to(3).is_empty(), "the entry that tells of it stays");
        let through = found.head();
        let damage = trail.damage_up_to(through.sequence);
        let later = Timestamp(AUDIT_KEEP_MIN_MS + 1_000);
        let by = entries[0].note.clone();
        let decision = forget(&engine, later, (through, Timestamp(4)), &damage, &by).expect("removed");
        let mut kept = entries[4..].to_vec();
        kept.extend(decision.mutations.iter().filter_map(|mutation| match mutation {
            Mutation::Audit(entry) => Some(entry.clone()),
            _ => None,
        }));
        let told = problems(through, kept.last().map(AuditEntry::head), &kept);
        assert!(matches!(told.as_slice(), [one] if one.contains("4 to 9")), "{told:?}");
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
        let through = entries[2].head();
        assert!(
            forget(&engine, Timestamp(1_000), (through, Timestamp(3)), &[], &by).is_err(),
            "it is too young"
        );
        assert!(forget(&engine, later, (entries[4].head(), Timestamp(5)), &[], &by).is_err(), "one stays");
        let decision = forget(&engine, later, (through, Timestamp(3)), &[], &by).expect("removed");
        engine.fold(&decision);
        assert_eq!(engine.tables().audit_base, through);
        let Mutation::Audit(last) = &decision.mutations[0] else { panic!("no entry") };
        let mut kept = entries[3..].to_vec();
        assert_eq!(problems(through, None, &kept).len(), 1, "nothing says why the log begins there");
        kept.push(last.clone());
        assert_eq!(problems(through, Some(last.head()), &kept), Vec::<String>::new());
        assert!(AuditTrail::begin(entries[1].head(), None).advance(&kept[0]).is_err(), "one is missing");
        assert!(forget(&engine, later, (through, Timestamp(3)), &[], &by).is_err(), "it is done already");
    }
}
