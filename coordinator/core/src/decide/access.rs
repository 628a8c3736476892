//! Tokens are made and revoked, workers join and renew by certificates, acts are recorded.

use sweep_proto::text::{inert_line, is_steering};
use sweep_proto::{Role, Timestamp, TokenId, WorkerId};

use super::Decided;
use super::worker::take_back_all;
use crate::access::{
    AuditNote, CertificateId, CertificateRecord, TokenRecord, UNKNOWN_CERTIFICATE, UNKNOWN_TOKEN,
    certificate_refusal, token_refusal,
};
use crate::command::{Command, Decision, JoinRequest, NewToken, Rejection, Reply};
use crate::draft::Draft;
use crate::engine::Engine;
use crate::limits::{
    AUDIT_TEXT_CHARACTERS_MAX, CERTIFICATE_LIFETIME_MS, CERTIFICATES_PER_WORKER_MAX, LABEL_CHARACTERS_MAX,
    TOKENS_MAX,
};
use crate::mutation::Mutation;
use crate::record::{AttemptState, WorkerRecord, WorkerState};

pub(crate) fn create_token(engine: &Engine, now: Timestamp, new: &NewToken) -> Decided {
    let invalid = |problem: String| Err(Rejection::Invalid(problem));
    if new.uses.is_some() && new.role != Role::Worker {
        return invalid(format!(
            "only worker tokens count their uses; a token of role {} has none",
            new.role
        ));
    }
    if new.uses == Some(0) || new.ttl_ms == Some(0) {
        return invalid("a token that may never be used is of no use".to_owned());
    }
    if new.label.chars().count() > LABEL_CHARACTERS_MAX || new.label.chars().any(is_steering) {
        return invalid(format!(
            "a label has at most {LABEL_CHARACTERS_MAX} characters, none of them a control character"
        ));
    }
    if engine.tables.tokens.contains_key(&new.id) {
        return invalid(format!("there is a token {} already", new.id));
    }
    let valid = engine.tables.tokens.values().filter(|token| token.refusal(now).is_none()).count();
    if valid >= TOKENS_MAX {
        return invalid(format!("there are {valid} valid tokens; revoke some with `sweep token revoke`"));
    }
    let record = TokenRecord {
        id: new.id,
        role: new.role,
        label: new.label.clone(),
        secret_digest: new.secret_digest,
        created_by: new.created_by.clone(),
        created_at: now,
        expires_at: new.ttl_ms.map(|ttl| now.plus_ms(ttl)),
        uses_left: new.uses,
        revoked_at: None,
    };
    Ok(Decision { mutations: vec![Mutation::Token(record)], ..Decision::default() })
}

pub(crate) fn revoke_token(engine: &Engine, now: Timestamp, id: TokenId, with_workers: bool) -> Decided {
    let token = engine.tables.tokens.get(&id).ok_or(Rejection::UnknownToken(id))?;
    let mut draft = Draft::new(engine, now);
    let mut revoked = Vec::new();
    if with_workers {
        let joined = engine.tables.certificates.values().filter(|certificate| certificate.token == id);
        revoked = joined.filter(|one| one.revoked_at.is_none()).map(|one| one.worker).collect();
        revoked.sort_unstable();
        revoked.dedup();
    }
    let mut access = Vec::new();
    if token.revoked_at.is_none() {
        access.push(Mutation::Token(TokenRecord { revoked_at: Some(now), ..token.clone() }));
    }
    for worker in &revoked {
        access.extend(shut_out(&mut draft, *worker));
    }
    let mut decision = draft.finish(Reply::Revoked(revoked));
    decision.mutations.extend(access);
    Ok(decision)
}

pub(crate) fn revoke_worker(engine: &Engine, now: Timestamp, id: WorkerId) -> Decided {
    let has_certificate = engine.tables.certificates.values().any(|one| one.worker == id);
    if !has_certificate && !engine.tables.workers.contains_key(&id) {
        return Err(Rejection::UnknownWorker(id));
    }
    let mut draft = Draft::new(engine, now);
    let access = shut_out(&mut draft, id);
    let mut decision = draft.finish(Reply::Revoked(vec![id]));
    decision.mutations.extend(access);
    Ok(decision)
}

/// Takes certificates and leases from a worker.
fn shut_out(draft: &mut Draft<'_>, worker: WorkerId) -> Vec<Mutation> {
    let (engine, now) = (draft.engine, draft.now);
    if let Some(record) = engine.tables.workers.get(&worker)
        && record.state != WorkerState::Departed
    {
        take_back_all(draft, worker, AttemptState::Revoked);
        draft.set_worker(WorkerRecord { state: WorkerState::Departed, ..record.clone() });
    }
    let held = engine.tables.certificates.values().filter(|one| one.worker == worker);
    let live = held.filter(|one| one.revoked_at.is_none());
    live.map(|one| Mutation::Certificate(CertificateRecord { revoked_at: Some(now), ..one.clone() }))
        .collect()
}

pub(crate) fn join(engine: &Engine, now: Timestamp, request: &JoinRequest) -> Decided {
    let denied = |reason: &str| Err(Rejection::Denied(token_refusal(reason, Some(Role::Worker))));
    let Some(token) = engine.token(request.token, request.secret_digest) else {
        return denied(UNKNOWN_TOKEN);
    };
    if token.role != Role::Worker {
        return denied("workers join by worker tokens, and this is none");
    }
    let mut held: Vec<_> =
        engine.tables.certificates.values().filter(|one| one.worker == request.worker).collect();
    held.retain(|one| one.revoked_at.is_none());
    let is_repeated =
        held.iter().any(|one| one.token == token.id && one.key == request.key && one.refusal(now).is_none());
    let mut mutations = Vec::new();
    match token.refusal(now) {
        // The answer to an earlier request was lost: the same worker, key and token take no second use.
        _ if is_repeated && token.revoked_at.is_none() => {}
        Some(reason) => return denied(reason),
        None => {
            let uses_left = token.uses_left.map(|uses| uses - 1);
            mutations.push(Mutation::Token(TokenRecord { uses_left, ..token.clone() }));
        }
    }
    check_certificates(engine, now, request.worker, Some(request.key))?;
    // A worker that joins anew has another key: the old one may be in wrong hands.
    let stale = held.into_iter().filter(|one| one.key != request.key);
    mutations.extend(
        stale.map(|one| Mutation::Certificate(CertificateRecord { revoked_at: Some(now), ..one.clone() })),
    );
    mutations.push(issue(now, request.certificate, request.worker, request.key, token.id));
    Ok(Decision { mutations, ..Decision::default() })
}

pub(crate) fn renew(
    engine: &Engine,
    now: Timestamp,
    shown: CertificateId,
    key: sweep_proto::Digest,
    certificate: CertificateId,
) -> Decided {
    let Some(old) = engine.tables.certificates.get(&shown) else {
        return Err(Rejection::Denied(certificate_refusal(UNKNOWN_CERTIFICATE)));
    };
    if let Some(reason) = old.refusal(now) {
        return Err(Rejection::Denied(certificate_refusal(reason)));
    }
    check_certificates(engine, now, old.worker, None)?;
    let mutations = vec![issue(now, certificate, old.worker, key, old.token)];
    Ok(Decision { mutations, ..Decision::default() })
}

/// A worker that asks again and again must not fill the store with certificates; where it joins anew, those of its other
/// keys are about to be revoked and do not count.
fn check_certificates(
    engine: &Engine,
    now: Timestamp,
    worker: WorkerId,
    only: Option<sweep_proto::Digest>,
) -> Result<(), Rejection> {
    let held = engine.tables.certificates.values().filter(|one| one.worker == worker);
    let held = held.filter(|one| only.is_none_or(|key| one.key == key));
    let valid = held.filter(|one| one.refusal(now).is_none()).count();
    if valid < CERTIFICATES_PER_WORKER_MAX {
        return Ok(());
    }
    Err(Rejection::Invalid(format!(
        "worker {worker} has {valid} valid certificates already; use one of them"
    )))
}

fn issue(
    now: Timestamp,
    id: CertificateId,
    worker: WorkerId,
    key: sweep_proto::Digest,
    token: TokenId,
) -> Mutation {
    let expires_at = now.plus_ms(CERTIFICATE_LIFETIME_MS);
    Mutation::Certificate(CertificateRecord {
        id,
        worker,
        key,
        token,
        issued_at: now,
        expires_at,
        revoked_at: None,
    })
}

/// What a command decides, and the entry that says who gave it. Where it is refused nothing is written.
pub(crate) fn by(
    engine: &Engine,
    now: Timestamp,
    (note, shown): (&AuditNote, Option<TokenId>),
    command: &Command,
) -> Decided {
    // What was begun with a token may have taken long, and the token may be revoked by now.
    if let Some(id) = shown {
        let record = engine.tables.tokens.get(&id);
        let role = record.map(|record| record.role);
        if let Some(reason) = record.map_or(Some(UNKNOWN_TOKEN), |record| record.refusal(now)) {
            return Err(Rejection::Denied(token_refusal(reason, role)));
        }
    }
    if let Some(sweep) = command.changed_sweep() {
        engine.may_change(shown, sweep)?;
    }
    let mut decision = engine.decide(now, command)?;
    decision.mutations.extend(record(engine, now, note).mutations);
    Ok(decision)
}

pub(crate) fn record(engine: &Engine, now: Timestamp, note: &AuditNote) -> Decision {
    let bounded =
        |text: &str| -> String { inert_line(text).chars().take(AUDIT_TEXT_CHARACTERS_MAX).collect() };
    let note = AuditNote {
        actor: bounded(&note.actor),
        peer: bounded(&note.peer),
        action: bounded(&note.action),
        subject: bounded(&note.subject),
        is_allowed: note.is_allowed,
    };
    let entry = engine.tables.audit.next(now, note);
    Decision { mutations: vec![Mutation::Audit(entry)], ..Decision::default() }
}
