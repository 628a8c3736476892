//! The doors of a coordinator that other machines reach: every way in, every role, and what a thief meets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod owners;
mod reading;

use std::collections::BTreeSet;
use std::path::Path;
use std::pin::Pin;

use coordinator::{Server, ServerConfig, StoreChoice};
use http::{Request, Response};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use sweep_proto::protocol::PROTOCOL_VERSION;
use sweep_proto::wire::access_service_client::AccessServiceClient;
use sweep_proto::wire::sweep_service_client::SweepServiceClient;
use sweep_proto::wire::worker_service_client::WorkerServiceClient;
use sweep_proto::{Digest, Token, WorkerId, wire};
use sweep_transport::{Bearer, ClientIdentity, Dial, Trust, channel};
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::body::Body;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tower::{Service, ServiceExt};

type Access = AccessServiceClient<InterceptedService<Channel, Bearer>>;

/// A coordinator with TLS, and its administrator.
struct Castle {
    server: Server,
    folder: TempDir,
    admin: Token,
}

impl Castle {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = coordinator::start(config(folder.path())).await.unwrap();
        let admin = std::fs::read_to_string(folder.path().join("security/admin-token")).unwrap();
        Self { server, admin: admin.parse().unwrap(), folder }
    }

    fn channel(&self, pin: Digest, identity: ClientIdentity) -> Channel {
        let addresses = format!("https://{}", self.server.address()).parse().unwrap();
        channel(Dial::new(addresses, Some(&Trust { pin, identity })))
    }

    fn plain(&self) -> Channel {
        self.channel(self.admin.pin, ClientIdentity::default())
    }

    fn access(&self, token: &Token) -> Access {
        AccessServiceClient::new(InterceptedService::new(self.plain(), Bearer::new(Some(token.clone()))))
    }

    async fn token(&self, role: &str, uses: u32) -> Token {
        let request =
            wire::CreateTokenRequest { role: role.into(), uses, ttl_ms: 600_000, label: format!("a {role}") };
        let reply = self.access(&self.admin).create_token(request).await.unwrap().into_inner();
        reply.token.parse().unwrap()
    }

    async fn join(&self, token: &Token) -> Result<Member, Status> {
        let key = KeyPair::generate().unwrap();
        self.join_as(token, WorkerId::generate(), key).await
    }

    async fn join_as(&self, token: &Token, worker: WorkerId, key: KeyPair) -> Result<Member, Status> {
        let request = CertificateParams::default().serialize_request(&key).unwrap();
        let request = wire::JoinRequest {
            worker_id: worker.to_string(),
            certificate_request: request.der().to_vec().into(),
        };
        let reply = self.access(token).join(request).await?.into_inner();
        let identity = ClientIdentity::default();
        let certificate = CertificateDer::from(reply.certificate.to_vec());
        identity.replace(certificate, PrivatePkcs8KeyDer::from(key.serialize_der()).into()).unwrap();
        let channel = self.channel(self.admin.pin, identity);
        Ok(Member { worker, client: WorkerServiceClient::new(channel.clone()), channel })
    }
}

fn config(folder: &Path) -> ServerConfig {
    let listen = "127.0.0.1:0".parse().unwrap();
    ServerConfig { is_secure: true, ..ServerConfig::local(listen, folder.to_owned(), StoreChoice::Sqlite) }
}

/// A worker that was let in.
struct Member {
    worker: WorkerId,
    client: WorkerServiceClient<Channel>,
    channel: Channel,
}

impl Member {
    async fn register(&mut self, named: WorkerId) -> Result<(), Status> {
        let profile = wire::WorkerProfile {
            name: "member".into(),
            build: "0".into(),
            slots: 1,
            devices: Vec::new(),
            group: 1,
        };
        let request = wire::RegisterRequest {
            worker_id: named.to_string(),
            protocol: Some(PROTOCOL_VERSION.into()),
            profile: Some(profile),
            fresh: true,
            instance: String::new(),
        };
        self.client.register(request).await.map(|_| ())
    }
}

/// Who may use what, written down a second time: `a`dmin, `s`ubmitter, `v`iewer, `j`oining worker token,
/// `w`orker certificate, `n`obody.
const EXPECTED: &[(&str, &str)] = &[
    ("/sweep.v1.SweepService/Launch", "as"),
    ("/sweep.v1.SweepService/List", "asv"),
    ("/sweep.v1.SweepService/Get", "asv"),
    ("/sweep.v1.SweepService/Watch", "asv"),
    ("/sweep.v1.SweepService/Cancel", "as"),
    ("/sweep.v1.SweepService/Pause", "as"),
    ("/sweep.v1.SweepService/Resume", "as"),
    ("/sweep.v1.SweepService/Retry", "as"),
    ("/sweep.v1.SweepService/Delete", "as"),
    ("/sweep.v1.SweepService/Extend", "as"),
    ("/sweep.v1.SweepService/Report", "asv"),
    ("/sweep.v1.SweepService/Compare", "asv"),
    ("/sweep.v1.SweepService/Export", "asv"),
    ("/sweep.v1.SweepService/Seal", "asv"),
    ("/sweep.v1.SweepService/BestModel", "asv"),
    ("/sweep.v1.SweepService/Workers", "asv"),
    ("/sweep.v1.SweepService/Rates", "asv"),
    ("/sweep.v1.SweepService/Drain", "a"),
    ("/sweep.v1.WorkerService/Register", "w"),
    ("/sweep.v1.WorkerService/Session", "w"),
    ("/sweep.v1.WorkerService/Fetch", "w"),
    ("/sweep.v1.WorkerService/Upload", "w"),
    ("/sweep.v1.WorkerService/Complete", "w"),
    ("/sweep.v1.WorkerService/Deregister", "w"),
    ("/sweep.v1.AccessService/Join", "j"),
    ("/sweep.v1.AccessService/Renew", "w"),
    ("/sweep.v1.AccessService/CreateToken", "a"),
    ("/sweep.v1.AccessService/ListTokens", "a"),
    ("/sweep.v1.AccessService/RevokeToken", "a"),
    ("/sweep.v1.AccessService/RevokeWorker", "a"),
    ("/sweep.v1.AccessService/Audit", "a"),
    ("/sweep.v1.AccessService/AuditState", "a"),
    ("/sweep.v1.AccessService/ForgetAudit", "a"),
    ("/sweep.v1.AccessService/CollectGarbage", "a"),
    ("/grpc.health.v1.Health/Check", "asvjwn"),
    ("/grpc.health.v1.Health/Watch", "asvjwn"),
    ("/healthz", "asvjwn"),
    ("/readyz", "asvjwn"),
    ("/install.sh", "asvjwn"),
    ("/download/sweep-worker", "asvjwn"),
    ("/api/v1/sweeps", "asv"),
    ("/api/v1/workers", "asv"),
    ("/login", "asvjwn"),
    ("/logout", "asvjwn"),
    ("/assets/dashboard.css", "asvjwn"),
    ("/", "asv"),
    ("/events", "asv"),
    ("/workers", "asv"),
    ("/workers/1/drain", "a"),
    ("/sweeps/1", "asv"),
    ("/sweeps/1/events", "asv"),
    ("/sweeps/1/analysis", "asv"),
    ("/sweeps/1/report/report.html", "asv"),
    ("/sweeps/1/trials/0", "asv"),
    ("/sweeps/1/trials/0/events", "asv"),
    ("/sweeps/1/pause", "as"),
    ("/sweeps/1/resume", "as"),
    ("/sweeps/1/retry", "as"),
    ("/sweeps/1/cancel", "as"),
    ("/sweeps/1/delete", "as"),
    ("/sweeps", ""),
    ("/sweeps/", ""),
    ("/sweeps/1/", ""),
    ("/sweeps//events", ""),
    ("/sweeps/1/cancel/", ""),
    ("/sweeps/1/trials", ""),
    ("/sweeps/1/trials//events", ""),
    ("/assets/", ""),
    ("/assets/../login", ""),
    ("/sweep.v1.SweepService/", ""),
    ("/sweep.v1.SweepService/list", ""),
    ("/sweep.v1.SweepService/List/", ""),
    ("//sweep.v1.SweepService/List", ""),
    ("/api/v1/sweeps/", ""),
    ("/api/v1/../v1/sweeps", ""),
    ("/security/admin-token", ""),
];

/// Every method of our `.proto` files.
fn methods() -> BTreeSet<String> {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../proto/schema/sweep/v1");
    let mut methods = BTreeSet::new();
    for file in std::fs::read_dir(schema).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let mut service = String::new();
        for line in text.lines().map(str::trim) {
            if let Some(name) = line.strip_prefix("service ") {
                name.trim_end_matches([' ', '{']).clone_into(&mut service);
            } else if let Some(method) = line.strip_prefix("rpc ") {
                let (name, _) = method.split_once('(').unwrap();
                methods.insert(format!("/sweep.v1.{service}/{name}"));
            }
        }
    }
    methods
}

/// Calls a path with an empty message; whether the caller was let through.
async fn is_let_through(channel: &Channel, token: Option<&Token>, path: &str) -> bool {
    let is_grpc = path.starts_with("/sweep.v1") || path.starts_with("/grpc");
    let mut request = Request::builder().uri(format!("http://coordinator{path}"));
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {}", *token.reveal()));
    }
    let request = if is_grpc {
        let frame = Body::new(String::from_utf8(vec![0; 5]).unwrap());
        request.method("POST").header("content-type", "application/grpc").header("te", "trailers").body(frame)
    } else {
        request.method("GET").body(Body::empty())
    };
    let mut channel = channel.clone();
    let response: Response<Body> = channel
        .ready()
        .await
        .unwrap()
        .call(request.unwrap())
        .await
        .unwrap_or_else(|error| panic!("{path}: {error}"));
    let status = response.headers().get("grpc-status").map(|code| code.to_str().unwrap().to_owned());
    // 7 and 16 are PERMISSION_DENIED and UNAUTHENTICATED; 12, UNIMPLEMENTED, is what an unknown path gets.
    // Behind the gate a page tells that there is no such sweep.
    let is_page =
        response.headers().get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    !matches!(status.as_deref(), Some("7" | "12" | "16"))
        && !matches!(response.status().as_u16(), 401 | 403)
        && (response.status().as_u16() != 404 || is_page)
}

#[tokio::test]
async fn every_way_in_is_for_its_roles_and_nobody_else() {
    let known: BTreeSet<_> = EXPECTED.iter().map(|(path, _)| (*path).to_owned()).collect();
    let missing: Vec<_> = methods().into_iter().filter(|method| !known.contains(method)).collect();
    assert!(missing.is_empty() && methods().len() > 20, "not in the test's table: {missing:?}");
    let castle = Castle::new().await;
    let tokens = [
        ('a', castle.token("admin", 0).await),
        ('s', castle.token("submitter", 0).await),
        ('v', castle.token("viewer", 0).await),
        ('j', castle.token("worker", 0).await),
    ];
    let member = castle.join(&tokens[3].1).await.unwrap();
    let plain = castle.plain();
    let mut wrong = Vec::new();
    for (path, allowed) in EXPECTED {
        // Without the program beside it, a coordinator has nothing to install.
        let may_lack = path.starts_with("/install") || path.starts_with("/download");
        let mut check = |who: char, is_through: bool| {
            if is_through != allowed.contains(who) && (is_through || !may_lack) {
                wrong.push(format!("{who} {path}: let through: {is_through}"));
            }
        };
        for (who, token) in &tokens {
            check(*who, is_let_through(&plain, Some(token), path).await);
        }
        check('w', is_let_through(&member.channel, None, path).await);
        check('n', is_let_through(&plain, None, path).await);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    castle.server.stop().await.unwrap();
}

/// Launches a sweep over a file, as somebody with a token; gives its number.
async fn launch(castle: &Castle, token: &Token, path: &Path) -> Result<u64, Status> {
    let mut client =
        SweepServiceClient::new(InterceptedService::new(castle.plain(), Bearer::new(Some(token.clone()))));
    let path = path.display();
    let text = format!(
        "name = \"reach\"\n[data]\npath = \"{path}\"\ntext = \"text\"\nlabel = \"label\"\n[grid]\nunits = [8]\n"
    );
    let request = wire::LaunchRequest {
        file_name: "reach.toml".into(),
        text,
        directory: "/".into(),
        ..wire::LaunchRequest::default()
    };
    let mut events = client.launch(request).await?.into_inner();
    while let Some(event) = events.message().await? {
        if let Some(wire::launch_event::Kind::Launched(sweep)) = event.kind {
            return Ok(sweep.id);
        }
    }
    Err(Status::internal("no sweep"))
}

#[tokio::test]
async fn people_of_other_machines_read_only_what_lies_beneath_the_corpora() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    let rows: String = (0..60).map(|row| format!("a film number {row},{}\n", row % 2)).collect();
    for folder in ["corpora/reviews", "secret"] {
        std::fs::create_dir_all(at(folder)).unwrap();
        std::fs::write(at(folder).join("rows.csv"), format!("text,label\n{rows}")).unwrap();
    }
    std::os::unix::fs::symlink(at("secret/rows.csv"), at("corpora/link.csv")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = ServerConfig { corpora: vec![at("corpora")], ..config(folder.path()) };
    let server = coordinator::start(config).await.unwrap();
    let admin = std::fs::read_to_string(folder.path().join("security/admin-token")).unwrap();
    let castle = Castle { server, admin: admin.parse().unwrap(), folder };
    let submitter = castle.token("submitter", 0).await;

    for name in ["secret/rows.csv", "corpora/link.csv", "corpora/../secret/rows.csv", "secret/absent.csv"] {
        let refused = launch(&castle, &submitter, &at(name)).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied, "{name}: {refused}");
        assert!(refused.message().contains("sweep serve --corpora DIR"), "{refused}");
    }
    let sweep = launch(&castle, &submitter, &at("corpora/reviews/rows.csv")).await.unwrap();

    // Exchanged since: what extends the sweep would have to read the source again.
    std::fs::rename(at("corpora/reviews"), at("corpora/earlier")).unwrap();
    std::os::unix::fs::symlink(at("secret"), at("corpora/reviews")).unwrap();
    let mut client =
        SweepServiceClient::new(InterceptedService::new(castle.plain(), Bearer::new(Some(submitter))));
    let request = wire::ExtendRequest {
        sweep: sweep.to_string(),
        grid: "max_length = [20]".into(),
        ..wire::ExtendRequest::default()
    };
    let refused = client.extend(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied, "{refused}");
    castle.server.stop().await.unwrap();
}

#[tokio::test]
async fn a_coordinator_with_another_key_hears_no_secret() {
    let castle = Castle::new().await;
    let token = castle.token("worker", 1).await;
    let foreign = Token { pin: Digest::of(b"another authority"), ..token.clone() };
    let client = castle.channel(foreign.pin, ClientIdentity::default());
    let mut client = AccessServiceClient::new(InterceptedService::new(client, Bearer::new(Some(foreign))));
    let error = client.list_tokens(wire::ListTokensRequest {}).await.unwrap_err();
    assert!(format!("{error:?}").contains("another key"), "{error:?}");

    // A listener that records everything that is said to it before TLS could stand.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap()).parse().unwrap();
    let recorder = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut heard = vec![0; 64 * 1024];
        let count = stream.read(&mut heard).await.unwrap();
        heard.truncate(count);
        heard
    });
    let trust = Trust { pin: token.pin, identity: ClientIdentity::default() };
    let channel = channel(Dial::new(address, Some(&trust)));
    let mut client =
        AccessServiceClient::new(InterceptedService::new(channel, Bearer::new(Some(token.clone()))));
    client.list_tokens(wire::ListTokensRequest {}).await.unwrap_err();
    let heard = String::from_utf8_lossy(&recorder.await.unwrap()).into_owned();
    assert!(!heard.is_empty() && !heard.contains(&token.id.to_string()) && !heard.contains("sw1."));
}

#[tokio::test]
async fn stolen_and_spent_credentials_open_nothing() {
    let castle = Castle::new().await;
    let once = castle.token("worker", 1).await;
    let mut member = castle.join(&once).await.unwrap();
    assert_eq!(castle.join(&once).await.err().unwrap().code(), Code::Unauthenticated, "its use is spent");
    member.register(member.worker).await.unwrap();
    let other = member.register(WorkerId::generate()).await.unwrap_err();
    assert_eq!(other.code(), Code::PermissionDenied, "a worker speaks only for itself");

    // A certificate of the same shape by another authority does not pass the handshake.
    let elsewhere = Castle::new().await;
    let their_token = elsewhere.token("worker", 1).await;
    let key = KeyPair::generate().unwrap();
    let pem = key.serialize_pem();
    let request = CertificateParams::default().serialize_request(&key).unwrap();
    let request = wire::JoinRequest {
        worker_id: member.worker.to_string(),
        certificate_request: request.der().to_vec().into(),
    };
    let foreign = elsewhere.access(&their_token).join(request).await.unwrap().into_inner().certificate;
    let identity = ClientIdentity::default();
    let key = KeyPair::from_pem(&pem).unwrap();
    identity
        .replace(CertificateDer::from(foreign.to_vec()), PrivatePkcs8KeyDer::from(key.serialize_der()).into())
        .unwrap();
    let mut thief = Member {
        worker: member.worker,
        client: WorkerServiceClient::new(castle.channel(castle.admin.pin, identity)),
        channel: castle.plain(),
    };
    thief.register(member.worker).await.unwrap_err();

    // A token of another coordinator, and a guessed secret.
    let guessed = Token { secret: sweep_proto::access::Secret::new([1; 32]), ..castle.admin.clone() };
    for token in [Token { pin: castle.admin.pin, ..their_token }, guessed] {
        let error = castle.access(&token).list_tokens(wire::ListTokensRequest {}).await.unwrap_err();
        assert_eq!(error.code(), Code::Unauthenticated, "{error}");
    }
}

/// Sends a form or asks for a page, as a browser that shows this cookie; the answer's head and its body.
async fn browse(
    castle: &Castle,
    cookie: &str,
    path: &str,
    form: Option<String>,
) -> (http::response::Parts, String) {
    let request = Request::builder().uri(format!("http://coordinator{path}")).header("cookie", cookie);
    let request = match form {
        Some(form) => request
            .method("POST")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::new(form)),
        None => request.method("GET").header("accept", "text/html").body(Body::empty()),
    };
    let mut channel = castle.plain();
    let answer: Response<Body> = channel.ready().await.unwrap().call(request.unwrap()).await.unwrap();
    let (head, mut body) = answer.into_parts();
    let mut text = Vec::new();
    while let Some(frame) =
        std::future::poll_fn(|context| http_body::Body::poll_frame(Pin::new(&mut body), context)).await
    {
        text.extend(frame.unwrap().into_data().unwrap_or_default());
    }
    (head, String::from_utf8(text).unwrap())
}

#[tokio::test]
async fn a_logout_cuts_what_the_browser_still_reads() {
    let (folder, place) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let rows: String = (0..60).map(|row| format!("a film number {row},{}\n", row % 2)).collect();
    let data = place.path().join("rows.csv");
    std::fs::write(&data, format!("text,label\n{rows}")).unwrap();
    let config = ServerConfig { corpora: vec![place.path().to_owned()], ..config(folder.path()) };
    let server = coordinator::start(config).await.unwrap();
    let admin = std::fs::read_to_string(folder.path().join("security/admin-token")).unwrap();
    let castle = Castle { server, admin: admin.parse().unwrap(), folder };
    let viewer = castle.token("viewer", 0).await;
    launch(&castle, &castle.admin, &data).await.unwrap();

    let (head, _) = browse(&castle, "", "/login", Some(format!("token={}", *viewer.reveal()))).await;
    let cookie = head.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let (_, page) = browse(&castle, &cookie, "/", None).await;
    let key = page.split("name=\"key\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let shown = cookie.clone();
    let watching = InterceptedService::new(castle.plain(), move |mut request: tonic::Request<()>| {
        request.metadata_mut().insert("cookie", shown.parse().unwrap());
        Ok(request)
    });
    let request = wire::GetRequest { sweep: "1".into() };
    let mut watched = SweepServiceClient::new(watching).watch(request).await.unwrap().into_inner();
    assert_eq!(watched.message().await.unwrap().unwrap().state, "open");
    browse(&castle, &cookie, "/logout", Some(format!("key={key}"))).await;
    // Nothing happens to the sweep: a test that hangs here has found the stream still open.
    let cut = watched.message().await.unwrap_err();
    assert_eq!(cut.code(), Code::Unauthenticated);
    assert!(cut.message().contains("the login has ended"), "{cut}");
    castle.server.stop().await.unwrap();
}

#[tokio::test]
async fn revocation_cuts_a_live_session() {
    let castle = Castle::new().await;
    let token = castle.token("worker", 2).await;
    let mut member = castle.join(&token).await.unwrap();
    let mut bystander = castle.join(&token).await.unwrap();
    for one in [&mut member, &mut bystander] {
        one.register(one.worker).await.unwrap();
    }
    let (messages, outgoing) = tokio::sync::mpsc::channel(4);
    let hello = wire::worker_message::Kind::Hello(wire::Hello {
        worker_id: member.worker.to_string(),
        instance: String::new(),
    });
    messages.send(wire::WorkerMessage { kind: Some(hello) }).await.unwrap();
    let mut answers = member.client.session(ReceiverStream::new(outgoing)).await.unwrap().into_inner();
    let revoke = wire::RevokeWorkerRequest { worker: member.worker.to_string() };
    castle.access(&castle.admin).revoke_worker(revoke).await.unwrap();
    // The session ends although nobody said anything in it.
    while let Ok(Some(_)) = answers.message().await {}
    let error = member.register(member.worker).await.unwrap_err();
    assert!(error.message().contains("revoked"), "{error}");
    bystander.register(bystander.worker).await.unwrap();
    let revoke = wire::RevokeTokenRequest { id: token.id.to_string(), with_workers: true };
    castle.access(&castle.admin).revoke_token(revoke).await.unwrap();
    bystander.register(bystander.worker).await.unwrap_err();
}

#[tokio::test]
async fn identities_survive_a_restart_and_the_log_tells_everything_but_secrets() {
    let castle = Castle::new().await;
    let token = castle.token("worker", 1).await;
    let member = castle.join(&token).await.unwrap();
    castle.access(&token).list_tokens(wire::ListTokensRequest {}).await.unwrap_err();
    let Castle { server, folder, admin } = castle;
    server.stop().await.unwrap();
    drop(member);

    let server = coordinator::start(config(folder.path())).await.unwrap();
    let castle = Castle { server, folder, admin };
    let request = wire::AuditRequest { from_sequence: 0 };
    let mut entries = castle.access(&castle.admin).audit(request).await.unwrap().into_inner();
    let mut told = Vec::new();
    while let Some(entry) = entries.message().await.unwrap() {
        told.push((entry.action, entry.is_allowed));
    }
    let told: Vec<_> = told.iter().map(|(action, is_allowed)| (action.as_str(), *is_allowed)).collect();
    assert_eq!(told, [("create token", true), ("join", true), ("/sweep.v1.AccessService/ListTokens", false)]);
    castle.server.stop().await.unwrap();
    let address = || {
        let bytes = std::fs::read(castle.folder.path().join("coordinator.json")).unwrap();
        let presence: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        presence["address"].as_str().unwrap().to_owned()
    };
    assert!(address().starts_with("https://"));
    let closed = ServerConfig { is_secure: false, ..config(castle.folder.path()) };
    coordinator::start(closed).await.unwrap().stop().await.unwrap();
    assert!(address().starts_with("http://"), "commands would look for TLS where there is none");

    let text = token.reveal();
    let secret = text.split('.').nth(2).unwrap();
    for file in ["sweep.db", "sweep.db-wal"] {
        let bytes = std::fs::read(castle.folder.path().join(file)).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&bytes).contains(secret), "{file} holds the secret");
    }
}
