//! Joining, tokens, revocations and the audit log.

use std::collections::BTreeSet;

use coordinator_core::{
    AuditEntry, AuditNote, CertificateId, Command, Engine, JoinRequest, NewToken, Reply, TokenRecord,
};
use http::header::AUTHORIZATION;
use sweep_proto::wire::access_service_server::AccessService;
use sweep_proto::{Role, Timestamp, Token, TokenId, WorkerId, wire};
use tonic::{Request, Response, Status};

use super::caller::Act;
use super::patient::{PatientStream, patient};
use super::{Shared, audit, gc, lists, status};
use crate::security::authority::{Authority, AuthorityError, WorkerKey};
use crate::security::caller::Caller;
use crate::security::{secrets, tokens};

/// Audit entries read at one time.
const AUDIT_PAGE: usize = 500;

/// Longest life that a token may be given, in milliseconds: ten years.
const TTL_MAX_MS: u64 = 10 * 365 * 24 * 3_600_000;

/// The access service.
#[derive(Clone, Debug)]
pub(crate) struct AccessRpc {
    shared: Shared,
}

impl AccessRpc {
    pub(crate) fn new(shared: Shared) -> Self {
        Self { shared }
    }

    fn authority(&self) -> Result<&Authority, Status> {
        self.shared.authority.as_deref().ok_or_else(|| {
            Status::failed_precondition(
                "this coordinator listens on its own machine only and needs no tokens; \
                 start it with `sweep serve --listen 0.0.0.0:PORT` to let other machines in",
            )
        })
    }

    /// Signs after the record is durable: a certificate that nobody recorded would open nothing.
    fn signed(
        &self,
        key: &WorkerKey,
        worker: WorkerId,
        certificate: CertificateId,
    ) -> Result<Response<wire::JoinReply>, Status> {
        let signed = self.authority()?.sign_worker(key, worker, certificate).map_err(status::internal)?;
        Ok(Response::new(wire::JoinReply {
            certificate: signed.to_vec().into(),
            lifetime_ms: coordinator_core::limits::CERTIFICATE_LIFETIME_MS,
        }))
    }
}

fn key(request: &[u8]) -> Result<WorkerKey, Status> {
    WorkerKey::read(request).map_err(|error: AuthorityError| status::invalid(error))
}

fn new_certificate() -> CertificateId {
    CertificateId(uuid::Uuid::now_v7())
}

fn token_id(text: &str) -> Result<TokenId, Status> {
    text.parse()
        .map_err(|_| status::invalid("a token's id has 16 hexadecimal digits; see `sweep token list`"))
}

#[tonic::async_trait]
impl AccessService for AccessRpc {
    type AuditStream = PatientStream<wire::AuditEntry, Status>;

    async fn join(&self, request: Request<wire::JoinRequest>) -> Result<Response<wire::JoinReply>, Status> {
        let act = Act::of(&request);
        let bearer = bearer(&request)?;
        let request = request.into_inner();
        let worker = request.worker_id.parse().map_err(status::invalid)?;
        let key = key(&request.certificate_request)?;
        self.authority()?;
        let certificate = new_certificate();
        let join = JoinRequest {
            token: bearer.id,
            secret_digest: bearer.secret.digest(),
            worker,
            key: key.digest(),
            certificate,
        };
        let join = Command::Join(join);
        let note = act.note("join", format!("worker {worker}, certificate {certificate}"));
        // A spent token that is shown for ever must not fill the log: the gate writes refusals down, a few of them.
        self.shared.done_by(note, join).await?;
        self.signed(&key, worker, certificate)
    }

    async fn renew(&self, request: Request<wire::RenewRequest>) -> Result<Response<wire::JoinReply>, Status> {
        let act = Act::of(&request);
        let Caller::Worker { certificate: shown, worker } = act.caller else {
            return Err(Status::failed_precondition("only a worker with a certificate can renew it"));
        };
        let key = key(&request.into_inner().certificate_request)?;
        let certificate = new_certificate();
        let renew = Command::Renew { shown, key: key.digest(), certificate };
        let note = act.note("renew", format!("certificate {certificate} after {shown}"));
        self.shared.done_by(note, renew).await?;
        self.signed(&key, worker, certificate)
    }

    async fn create_token(
        &self,
        request: Request<wire::CreateTokenRequest>,
    ) -> Result<Response<wire::CreateTokenReply>, Status> {
        let act = Act::of(&request);
        let request = request.into_inner();
        let role: Role = request.role.parse().map_err(status::invalid)?;
        if request.ttl_ms > TTL_MAX_MS {
            return Err(status::invalid("a token lives for ten years at most"));
        }
        let authority = self.authority()?;
        let token: Token = secrets::new_token(authority.pin()).map_err(status::internal)?;
        let new = NewToken {
            id: token.id,
            role,
            secret_digest: token.secret.digest(),
            label: request.label,
            created_by: act.caller.to_string(),
            uses: (request.uses > 0).then_some(request.uses),
            ttl_ms: (request.ttl_ms > 0).then_some(request.ttl_ms),
        };
        let subject = format!("{role} token {}", token.id);
        self.shared.act(&act, "create token", subject, Command::CreateToken(new)).await?;
        Ok(Response::new(wire::CreateTokenReply {
            token: token.reveal().to_string(),
            addresses: self.shared.advertised.to_vec(),
            install_digest: self.shared.install.as_ref().map(|install| install.digest()).unwrap_or_default(),
            key_pin: authority.server_key_pin(),
        }))
    }

    async fn collect_garbage(
        &self,
        request: Request<wire::CollectGarbageRequest>,
    ) -> Result<Response<wire::CollectGarbageReply>, Status> {
        let act = Act::of(&request);
        Ok(Response::new(gc::collect_garbage(&self.shared, &act, &request.into_inner()).await?))
    }

    async fn list_tokens(
        &self,
        _: Request<wire::ListTokensRequest>,
    ) -> Result<Response<wire::ListTokensReply>, Status> {
        let look = |engine: &Engine, now: Timestamp| {
            engine.tables().tokens.values().map(|token| token_status(token, now)).collect::<Vec<_>>()
        };
        let mut tokens = self.shared.driver.read(look).await.map_err(status::of_driver)?;
        tokens.sort_by_key(|token| token.created_at_ms);
        Ok(Response::new(wire::ListTokensReply { tokens }))
    }

    async fn revoke_token(
        &self,
        request: Request<wire::RevokeTokenRequest>,
    ) -> Result<Response<wire::RevokeTokenReply>, Status> {
        let act = Act::of(&request);
        let request = request.into_inner();
        let token = token_id(&request.id)?;
        let with_workers = request.with_workers;
        let subject = format!("token {token}{}", if with_workers { " with its workers" } else { "" });
        let revoke = Command::RevokeToken { token, with_workers };
        let workers = match self.shared.act(&act, "revoke token", subject, revoke).await? {
            Reply::Revoked(workers) => workers.len() as u32,
            _ => 0,
        };
        let look = move |engine: &Engine, now: Timestamp| {
            let certificates = engine.tables().certificates.values();
            let live = certificates.filter(|one| one.token == token && one.refusal(now).is_none());
            live.map(|one| one.worker).collect::<BTreeSet<_>>().len() as u32
        };
        let workers_left = self.shared.driver.read(look).await.map_err(status::of_driver)?;
        Ok(Response::new(wire::RevokeTokenReply { workers, workers_left }))
    }

    async fn revoke_worker(
        &self,
        request: Request<wire::RevokeWorkerRequest>,
    ) -> Result<Response<wire::RevokeWorkerReply>, Status> {
        let act = Act::of(&request);
        let worker = lists::resolve_worker(&self.shared, request.into_inner().worker).await?;
        self.shared.act(&act, "revoke worker", worker.to_string(), Command::RevokeWorker(worker)).await?;
        Ok(Response::new(wire::RevokeWorkerReply {}))
    }

    async fn audit_state(
        &self,
        _: Request<wire::AuditStateRequest>,
    ) -> Result<Response<wire::AuditStateReply>, Status> {
        Ok(Response::new(audit::state(&self.shared).await?))
    }

    async fn forget_audit(
        &self,
        request: Request<wire::ForgetAuditRequest>,
    ) -> Result<Response<wire::ForgetAuditReply>, Status> {
        let act = Act::of(&request);
        let before = Timestamp(request.into_inner().before_ms);
        Ok(Response::new(audit::forget(&self.shared, &act, before).await?))
    }

    async fn audit(
        &self,
        request: Request<wire::AuditRequest>,
    ) -> Result<Response<Self::AuditStream>, Status> {
        let mut next = request.into_inner().from_sequence;
        let mut reader = self.shared.driver.reader().await.map_err(status::of_driver)?;
        let (entries, stream) = patient(super::STREAM_QUEUE, status::given_up);
        let runtime = tokio::runtime::Handle::current();
        // The store's readers are synchronous.
        tokio::task::spawn_blocking(move || {
            // A reader that takes nothing must not keep the thread.
            let send = |entry| runtime.block_on(entries.send(entry));
            loop {
                let page = match reader.read_audit(next, AUDIT_PAGE) {
                    Ok(page) => page,
                    Err(error) => {
                        _ = send(Err(status::internal(error)));
                        return;
                    }
                };
                let Some(last) = page.last() else { return };
                next = last.sequence + 1;
                for entry in page {
                    if send(Ok(audit_entry(entry))).is_err() {
                        return;
                    }
                }
            }
        });
        Ok(Response::new(stream))
    }
}

/// The token that a request shows; the gate has looked at it already.
fn bearer<T>(request: &Request<T>) -> Result<Token, Status> {
    let shown = request.metadata().as_ref().get(AUTHORIZATION);
    tokens::of_bearer(shown.ok_or_else(|| Status::unauthenticated("joining needs a worker token"))?)
}

fn token_status(token: &TokenRecord, now: Timestamp) -> wire::TokenStatus {
    wire::TokenStatus {
        id: token.id.to_string(),
        role: token.role.to_string(),
        label: token.label.clone(),
        created_by: token.created_by.clone(),
        created_at_ms: token.created_at.0,
        expires_at_ms: token.expires_at.map_or(0, |at| at.0),
        revoked_at_ms: token.revoked_at.map_or(0, |at| at.0),
        uses_left: token.uses_left,
        is_valid: token.refusal(now).is_none(),
    }
}

fn audit_entry(entry: AuditEntry) -> wire::AuditEntry {
    let AuditNote { actor, peer, action, subject, is_allowed } = entry.note;
    wire::AuditEntry {
        sequence: entry.sequence,
        at_ms: entry.at.0,
        actor,
        peer,
        action,
        subject,
        is_allowed,
        digest: entry.digest.as_bytes().to_vec().into(),
    }
}
