//! The gate before every service and route: finds out who calls, and asks the table of roles.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use coordinator_core::{AuditNote, Command, Engine, UNKNOWN_CERTIFICATE, certificate_refusal};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, LOCATION, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body_util::BodyExt;
use sweep_proto::{Role, Timestamp, TokenId};
use sweep_transport::presence::IDENTITY_HEADER;
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};

use super::caller::{Caller, Peer};
use super::host;
use super::refusals::Refusals;
use super::rights::Rights;
use super::roles::{Allowed, allowed};
use super::sessions::{FormKey, Login, Sessions};
use super::tokens::{self, KnownToken};
use crate::driver::Driver;
use crate::status;

/// How long the request of somebody without a credential may take until its answer begins: such requests are small.
const STRANGER_WAIT: Duration = Duration::from_secs(10);

/// The gate as a layer.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    driver: Driver,
    sessions: Arc<Sessions>,
    refusals: Arc<Mutex<Refusals>>,
    /// Told to those who are let in.
    identity: Option<HeaderValue>,
    page: RefusalPage,
}

/// Draws the page of a refusal, for those who look at pages.
pub(crate) type RefusalPage = fn(&Status) -> Response<Body>;

/// What a request shows of its caller, beside the connection.
struct Credentials {
    bearer: Option<HeaderValue>,
    /// Of a browser that has logged in.
    session: Option<(TokenId, FormKey)>,
}

impl Gate {
    pub(crate) fn new(
        driver: Driver,
        sessions: Arc<Sessions>,
        identity: Option<&str>,
        page: RefusalPage,
    ) -> Self {
        let refusals = Arc::new(Mutex::new(Refusals::new(Instant::now())));
        let identity = identity.and_then(|identity| HeaderValue::from_str(identity).ok());
        Self { driver, sessions, refusals, identity, page }
    }

    /// Who calls, where the table lets the caller through; else why not.
    async fn admit(
        &self,
        path: &str,
        peer: &Peer,
        shown: Credentials,
    ) -> Result<(Caller, Option<FormKey>), Status> {
        let admitted = self.caller(peer, shown).await.and_then(|(caller, form_key)| {
            let allowed = allowed(path);
            if !peer.is_secure && caller == Caller::Nobody && !matches!(allowed, None | Some(Allowed::Anyone))
            {
                return Err(Status::permission_denied(peer.neighbour.refusal()));
            }
            check(caller, allowed)?;
            Ok((caller, form_key))
        });
        match &admitted {
            // A token for joining proves little: it may be spent, and a thief's.
            Ok((Caller::Nobody | Caller::Token { role: Role::Worker, .. }, _)) => peer.stranger.heard(),
            Ok(_) => peer.stranger.known(),
            Err(refusal) => self.refused(peer, None, path, refusal).await,
        }
        admitted
    }

    /// Takes note of a refusal: of the gate, or of a service behind it.
    async fn refused(&self, peer: &Peer, caller: Option<Caller>, path: &str, refusal: &Status) {
        if refusal.code() != tonic::Code::Unavailable {
            peer.stranger.refused();
            self.record(peer, caller, path, refusal).await;
        }
    }

    /// As [`Self::refused`], where a service has found out only with the whole request who may not do what.
    async fn answered(&self, peer: &Peer, caller: Caller, path: &str, status: Option<Status>) {
        if let Some(status) = status
            && matches!(status.code(), tonic::Code::Unauthenticated | tonic::Code::PermissionDenied)
        {
            self.refused(peer, Some(caller), path, &status).await;
        }
    }

    async fn caller(&self, peer: &Peer, shown: Credentials) -> Result<(Caller, Option<FormKey>), Status> {
        if !peer.is_secure {
            return Ok(if peer.neighbour.is_let_in() {
                (Caller::Local, Some(self.sessions.local()))
            } else {
                (Caller::Nobody, None)
            });
        }
        if let Some((token, form_key)) = shown.session
            && shown.bearer.is_none()
            && let Some(caller) = self.logged_in(token).await?
        {
            return Ok((caller, Some(form_key)));
        }
        Ok((self.program(peer, shown.bearer).await?, None))
    }

    /// Answers the bearer of a token for as long as it is worth something, and the login lasts by which it came.
    async fn answer_bearer<E>(
        &self,
        (token, login): (TokenId, Option<Login>),
        manner: &Manner,
        answering: impl Future<Output = Result<Response<Body>, E>>,
    ) -> Result<Response<Body>, E> {
        // Side by side: both wait for the driver.
        let (answered, rights) = tokio::join!(answering, Rights::of(&self.driver, token));
        let answered = answered?;
        let is_grpc = matches!(manner, Manner::Grpc);
        Ok(match rights {
            Ok(rights) => answered.map(|answer| rights.within(login).bound(answer, is_grpc)),
            Err(refusal) => refuse(manner, &refusal),
        })
    }

    /// A caller that is no browser, or one that has not logged in.
    async fn program(&self, peer: &Peer, bearer: Option<HeaderValue>) -> Result<Caller, Status> {
        if let Some(bearer) = bearer {
            let token = tokens::of_bearer(&bearer)?;
            let KnownToken { id, role, refusal } = tokens::find(&self.driver, &token).await?;
            return match refusal {
                // A used-up worker token may still repeat the request whose answer was lost: joining decides.
                Some(refusal) if role != Role::Worker => Err(tokens::refused(refusal, Some(role))),
                _ => Ok(Caller::Token { id, role }),
            };
        }
        let Some((certificate, worker)) = peer.certificate else {
            return Ok(Caller::Nobody);
        };
        let look = move |engine: &Engine, now: Timestamp| {
            let record = engine.tables().certificates.get(&certificate);
            record.filter(|record| record.worker == worker).map(|record| record.refusal(now))
        };
        match self.driver.read(look).await.map_err(status::unasked)? {
            Some(None) => Ok(Caller::Worker { certificate, worker }),
            Some(Some(refusal)) => Err(Status::unauthenticated(certificate_refusal(refusal))),
            None => Err(Status::unauthenticated(certificate_refusal(UNKNOWN_CERTIFICATE))),
        }
    }

    /// Who has logged in with a token; `None` where it is worth nothing any more.
    async fn logged_in(&self, id: TokenId) -> Result<Option<Caller>, Status> {
        let look = move |engine: &Engine, now: Timestamp| {
            let record = engine.tables().tokens.get(&id).filter(|record| record.refusal(now).is_none());
            record.map(|record| Caller::Token { id, role: record.role })
        };
        self.driver.read(look).await.map_err(status::unasked)
    }

    async fn record(&self, peer: &Peer, caller: Option<Caller>, path: &str, refusal: &Status) {
        let admission = {
            let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
            refusals.admit(peer.address.ip(), Instant::now())
        };
        for note in admission.notes_of_unwritten() {
            self.write(note).await;
        }
        if !admission.is_written {
            return;
        }
        tracing::warn!(peer = %peer.address, path, reason = refusal.message(), "refused");
        let actor = match (caller, peer.certificate) {
            (Some(caller), _) => caller.to_string(),
            (None, Some((_, worker))) => format!("worker {worker}"),
            (None, None) => peer.neighbour.to_string(),
        };
        let note = AuditNote {
            actor,
            peer: peer.address.to_string(),
            action: path.to_owned(),
            subject: refusal.message().to_owned(),
            is_allowed: false,
        };
        self.write(note).await;
    }

    async fn write(&self, note: AuditNote) {
        if let Err(error) = self.driver.command(Command::Record(note)).await {
            tracing::error!(%error, "a refusal could not be written to the audit log");
        }
    }
}

/// What the table says of a caller.
pub(crate) fn check(caller: Caller, allowed: Option<Allowed>) -> Result<(), Status> {
    let denied = |wanted: &str| {
        Err(match caller {
            Caller::Nobody => Status::unauthenticated(format!("this needs {wanted}")),
            _ => Status::permission_denied(format!("{caller} may not do this; it needs {wanted}")),
        })
    };
    match (allowed, caller) {
        (None, _) => Err(Status::unimplemented("there is nothing here")),
        (Some(_), Caller::Local) | (Some(Allowed::Anyone), _) => Ok(()),
        (Some(Allowed::Tokens(roles)), Caller::Token { role, .. }) if roles.contains(&role) => Ok(()),
        (Some(Allowed::Tokens(roles)), _) => {
            let names: Vec<_> = roles.iter().map(|role| role.name()).collect();
            denied(&format!("a token of role {} (SWEEP_TOKEN)", names.join(" or ")))
        }
        (Some(Allowed::Workers), Caller::Worker { .. }) => Ok(()),
        (Some(Allowed::Workers), _) => denied("the certificate of a worker that has joined"),
    }
}

/// What the other side understands.
#[derive(Clone, Debug)]
enum Manner {
    Grpc,
    Plain,
    /// Somebody looks at this page, who may log in.
    Page(String, RefusalPage),
}

impl Manner {
    fn of<B>(request: &Request<B>, page: RefusalPage) -> Self {
        let begins = |header: Option<&HeaderValue>, with: &str| {
            header.is_some_and(|value| value.as_bytes().starts_with(with.as_bytes()))
        };
        if begins(request.headers().get(CONTENT_TYPE), "application/grpc") {
            Self::Grpc
        } else if request.method() == Method::GET && begins(request.headers().get(ACCEPT), "text/html") {
            Self::Page(request.uri().path().to_owned(), page)
        } else {
            Self::Plain
        }
    }
}

/// Sends a stranger to where they may log in to come back to a page.
fn log_in(page: &str, refusal: &Status) -> Response<Body> {
    let place = HeaderValue::from_str(&format!("/login?next={}", host::own_page(page)));
    let mut response = in_words(StatusCode::SEE_OTHER, refusal.message());
    response.headers_mut().insert(LOCATION, place.unwrap_or(HeaderValue::from_static("/login")));
    response
}

/// A refusal in the words of the protocol that was spoken.
fn refuse(manner: &Manner, refusal: &Status) -> Response<Body> {
    match (manner, refusal.code()) {
        (Manner::Grpc, _) => return refusal.clone().into_http(),
        (Manner::Page(page, _), tonic::Code::Unauthenticated) => return log_in(page, refusal),
        (Manner::Page(_, page), _) => return page(refusal),
        (Manner::Plain, _) => {}
    }
    in_words(status::http_code(refusal), refusal.message())
}

/// An answer of one line.
fn in_words(code: StatusCode, words: &str) -> Response<Body> {
    let mut response = Response::new(Body::new(format!("{words}\n")));
    let headers = [(CONTENT_TYPE, "text/plain; charset=utf-8"), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    *response.status_mut() = code;
    response
}

/// Answers somebody without a credential: few requests at one time, each soon.
async fn answer_stranger<E>(
    peer: &Peer,
    manner: &Manner,
    answering: impl Future<Output = Result<Response<Body>, E>>,
) -> Result<Response<Body>, E> {
    let Some(permit) = peer.stranger.admit_request() else {
        let refusal = Status::resource_exhausted("too many requests at one time without a credential");
        return Ok(refuse(manner, &refusal));
    };
    let Ok(answered) = tokio::time::timeout(STRANGER_WAIT, answering).await else {
        return Ok(refuse(manner, &Status::deadline_exceeded("the request took too long to come")));
    };
    // The permit goes with the answer's body, which may be long.
    Ok(answered?.map(|body| {
        Body::new(body.map_frame(move |frame| {
            let _held = &permit;
            frame
        }))
    }))
}

impl<S> Layer<S> for Gate {
    type Service = Gated<S>;

    fn layer(&self, inner: S) -> Gated<S> {
        Gated { gate: self.clone(), inner }
    }
}

/// A service behind the gate.
#[derive(Clone, Debug)]
pub(crate) struct Gated<S> {
    gate: Gate,
    inner: S,
}

impl<S, B> Service<Request<B>> for Gated<S>
where
    S: Service<Request<B>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    B: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // The clone takes the place of the one that is ready.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let gate = self.gate.clone();
        let path = request.uri().path().to_owned();
        let peer = request.extensions().get::<Peer>().cloned();
        let shown = Credentials {
            bearer: request.headers().get(AUTHORIZATION).cloned(),
            session: self.gate.sessions.find(request.headers()),
        };
        let login = self.gate.sessions.login(request.headers());
        let manner = Manner::of(&request, self.gate.page);
        // No browser speaks HTTP/2 without TLS, whatever its page calls the content.
        let is_program = matches!(manner, Manner::Grpc) && request.version() == Version::HTTP_2;
        let is_rebound = !is_program && !host::is_local(&request);
        Box::pin(async move {
            let Some(peer) = peer else {
                let refusal = Status::permission_denied("nothing is known of the connection");
                return Ok(refuse(&manner, &refusal));
            };
            if !peer.is_secure && is_rebound {
                let refusal = Status::permission_denied(
                    "without TLS this coordinator goes by localhost or a loopback address only",
                );
                gate.refused(&peer, None, &path, &refusal).await;
                return Ok(refuse(&Manner::Plain, &refusal));
            }
            match gate.admit(&path, &peer, shown).await {
                Ok((caller, form_key)) => {
                    request.extensions_mut().insert(caller);
                    // Programs show their token with each request.
                    let login = login.filter(|_| form_key.is_some());
                    if let Some(key) = form_key {
                        request.extensions_mut().insert(key);
                    }
                    let answering = inner.call(request);
                    let mut response = match caller {
                        // As in `admit`: a token for joining proves little.
                        Caller::Nobody | Caller::Token { role: Role::Worker, .. } => {
                            answer_stranger(&peer, &manner, answering).await?
                        }
                        Caller::Token { id, .. } => {
                            gate.answer_bearer((id, login), &manner, answering).await?
                        }
                        _ => answering.await?,
                    };
                    let refusal = response.extensions().get::<Status>().cloned();
                    let refusal = refusal.or_else(|| Status::from_header_map(response.headers()));
                    gate.answered(&peer, caller, &path, refusal).await;
                    if caller != Caller::Nobody
                        && let Some(identity) = &gate.identity
                    {
                        response.headers_mut().insert(IDENTITY_HEADER, identity.clone());
                    }
                    Ok(response)
                }
                Err(refusal) => Ok(refuse(&manner, &refusal)),
            }
        })
    }
}
