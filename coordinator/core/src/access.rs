//! Who may come in: the durable records of tokens, certificates and the audit log.

use std::fmt;

use serde::{Deserialize, Serialize};
use sweep_proto::digest::Hasher;
use sweep_proto::{Digest, Role, SweepId, Timestamp, TokenId, WorkerId};
use uuid::Uuid;

use crate::command::Rejection;
use crate::engine::Engine;

/// A token as the coordinator keeps it: never the secret itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRecord {
    /// Its public name.
    pub id: TokenId,
    /// What its bearer may do.
    pub role: Role,
    /// For lists.
    pub label: String,
    /// SHA-256 of the secret.
    pub secret_digest: Digest,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// From when on it is worth nothing.
    pub expires_at: Option<Timestamp>,
    /// How many workers may still join by it; `None`: any number.
    pub uses_left: Option<u32>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// The serial number of a worker's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CertificateId(pub Uuid);

impl fmt::Display for CertificateId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.simple().fmt(formatter)
    }
}

/// A certificate that a worker was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateRecord {
    /// Its serial number.
    pub id: CertificateId,
    /// Whose it is.
    pub worker: WorkerId,
    /// SHA-256 of the worker's `SubjectPublicKeyInfo`.
    pub key: Digest,
    /// The token by which the worker joined.
    pub token: TokenId,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// From when on it is worth nothing.
    pub expires_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// What is worth remembering of an act: the audit log's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditNote {
    /// Who: a token, a worker, or this machine.
    pub actor: String,
    /// From which address.
    pub peer: String,
    /// What was done or tried.
    pub action: String,
    /// On what.
    pub subject: String,
    /// Whether it was let through.
    pub is_allowed: bool,
}

impl AuditNote {
    /// What the coordinator does by itself.
    pub fn of_coordinator(action: &str, subject: String) -> Self {
        Self {
            actor: "the coordinator".to_owned(),
            peer: "-".to_owned(),
            action: action.to_owned(),
            subject,
            is_allowed: true,
        }
    }
}

/// One entry of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Its place, from 1.
    pub sequence: u64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub note: AuditNote,
    /// Covers all of the above and the digest of the entry before.
    pub digest: Digest,
}

impl AuditEntry {
    /// The log's end where this is its last entry.
    pub fn head(&self) -> AuditHead {
        AuditHead { sequence: self.sequence, digest: self.digest }
    }
}

/// Where the audit log ends: the next entry goes on from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditHead {
    /// The last entry's place; 0 where there is none.
    pub sequence: u64,
    /// The last entry's digest.
    pub digest: Digest,
}

impl Default for AuditHead {
    fn default() -> Self {
        Self { sequence: 0, digest: Digest::of(b"audit log of lstm-sweep") }
    }
}

impl AuditHead {
    /// The entry that follows.
    pub fn next(&self, at: Timestamp, note: AuditNote) -> AuditEntry {
        let sequence = self.sequence + 1;
        let mut hasher = Hasher::default();
        hasher.update(self.digest.as_bytes());
        hasher.update(&sequence.to_le_bytes());
        hasher.update(&at.0.to_le_bytes());
        hasher.update(&[u8::from(note.is_allowed)]);
        for part in [&note.actor, &note.peer, &note.action, &note.subject] {
            // Lengths keep the parts apart.
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        AuditEntry { sequence, at, note, digest: hasher.finish() }
    }

    /// Goes past an entry.
    ///
    /// # Errors
    /// What is wrong, where the entry does not follow.
    pub fn advance(&mut self, entry: &AuditEntry) -> Result<(), String> {
        if entry.sequence != self.sequence + 1 {
            return Err(format!("entry {} follows entry {}", entry.sequence, self.sequence));
        }
        if self.next(entry.at, entry.note.clone()).digest != entry.digest {
            return Err(format!("entry {} is not what was written", entry.sequence));
        }
        *self = Self { sequence: entry.sequence, digest: entry.digest };
        Ok(())
    }
}

impl TokenRecord {
    /// Why the token is worth nothing now, if so.
    pub fn refusal(&self, now: Timestamp) -> Option<&'static str> {
        if self.revoked_at.is_some() {
            Some("the token was revoked")
        } else if self.expires_at.is_some_and(|expires| expires <= now) {
            Some("the token has expired")
        } else if self.uses_left == Some(0) {
            Some("the token was used as often as it may be")
        } else {
            None
        }
    }
}

/// Why a token lets nobody in, and who can help.
pub fn token_refusal(reason: &str, role: Option<Role>) -> String {
    let role = role.map_or("ROLE", Role::name);
    format!("{reason}; an administrator makes a new one with `sweep token create {role}`")
}

/// What is said of a token that no record has.
pub const UNKNOWN_TOKEN: &str = "the token is not known here";

/// Why a certificate lets no worker in, and what helps.
pub fn certificate_refusal(reason: &str) -> String {
    format!("{reason}; join again with a new token (`sweep token create worker`)")
}

/// What is said of a certificate that no record has.
pub const UNKNOWN_CERTIFICATE: &str = "the worker's certificate is not known here";

impl CertificateRecord {
    /// Why the certificate is worth nothing now, if so.
    pub fn refusal(&self, now: Timestamp) -> Option<&'static str> {
        if self.revoked_at.is_some() {
            Some("the worker's certificate was revoked")
        } else if self.expires_at <= now {
            Some("the worker's certificate has expired")
        } else {
            None
        }
    }
}

/// How the bearer of a token is named, in the audit log as well as the owner of sweeps.
pub fn bearer_name(role: Role, token: TokenId) -> String {
    format!("{role} token {token}")
}

impl Engine {
    /// Whether whoever shows this token may change a sweep: its owner may, and administrators may. Who shows none is the operator.
    ///
    /// # Errors
    /// Where they may not. That there is no such sweep is found out by whoever looks for it.
    pub fn may_change(&self, shown: Option<TokenId>, sweep: SweepId) -> Result<(), Rejection> {
        let (Some(token), Some(sweep)) = (shown, self.sweep(sweep)) else { return Ok(()) };
        let role = self.tables.tokens.get(&token).map(|record| record.role);
        let may = match role {
            Some(Role::Admin) => true,
            Some(Role::Submitter) => sweep.owner.as_deref() == Some(&bearer_name(Role::Submitter, token)),
            _ => false,
        };
        if may {
            return Ok(());
        }
        Err(Rejection::NotOwner { sweep: sweep.id, owner: sweep.owner.clone() })
    }

    /// What the token is called that is the owner of a sweep; `None` where it has no label, or its row is gone.
    pub fn owner_label(&self, owner: &str) -> Option<&str> {
        let (_, id) = owner.rsplit_once(' ')?;
        let token = self.tables.tokens.get(&id.parse().ok()?)?;
        let is_owner = bearer_name(token.role, token.id) == owner;
        (is_owner && !token.label.is_empty()).then_some(token.label.as_str())
    }

    /// The token that a secret opens, whatever else is wrong with it.
    pub fn token(&self, id: TokenId, secret_digest: Digest) -> Option<&TokenRecord> {
        self.tables.tokens.get(&id).filter(|token| token.secret_digest == secret_digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(action: &str) -> AuditNote {
        AuditNote {
            actor: "admin".into(),
            peer: "10.0.0.1".into(),
            action: action.into(),
            subject: String::new(),
            is_allowed: true,
        }
    }

    #[test]
    fn a_log_is_followed_and_every_change_of_it_is_seen() {
        let mut head = AuditHead::default();
        let mut entries = Vec::new();
        for number in 0..3 {
            let entry = head.next(Timestamp(number), note(&number.to_string()));
            assert_eq!(head.advance(&entry), Ok(()));
            entries.push(entry);
        }
        let follow = |entries: &[AuditEntry]| {
            let mut head = AuditHead::default();
            entries.iter().try_for_each(|entry| head.advance(entry))
        };
        assert_eq!(follow(&entries), Ok(()));
        assert!(follow(&entries[1..]).is_err(), "the first is missing");
        for at in 0..3 {
            let mut forged = entries.clone();
            forged[at].note.is_allowed = false;
            assert!(follow(&forged).is_err());
            let mut forged = entries.clone();
            forged[at].note.actor.push('x');
            assert!(follow(&forged).is_err());
            let mut forged = entries.clone();
            forged[at].at = Timestamp(99);
            assert!(follow(&forged).is_err());
        }
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let mut one = note("ab");
        one.subject = "c".into();
        let mut other = note("a");
        other.subject = "bc".into();
        let head = AuditHead::default();
        assert_ne!(head.next(Timestamp(0), one).digest, head.next(Timestamp(0), other).digest);
    }
}
