//! Certificates that are not what they should be, on either side: refused with the reason, and nothing is told to them.

use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType,
    date_time_ymd,
};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use sweep_proto::wire::worker_service_client::WorkerServiceClient;
use sweep_proto::{Token, WorkerId};
use sweep_tests::castle::Castle;
use sweep_tests::frames::PREFACE;
use sweep_tests::member::{Credential, Member, runtime, told};
use sweep_tests::processes::{command, program, wait_until};
use sweep_tests::raw;

/// The name by which clients know every coordinator.
const COORDINATOR: &str = sweep_transport::COORDINATOR_NAME;

/// An authority that signs whatever a test wants.
struct Forger(Issuer<'static, KeyPair>);

impl Forger {
    /// With the coordinator's own key, as if its data folder had been read.
    fn with_key_of(castle: &Castle) -> Result<Self> {
        let pem = std::fs::read_to_string(castle.folder().join(".sweep/security/authority.key"))?;
        Ok(Self::with(KeyPair::from_pem(&pem)?))
    }

    /// Another authority of the same name.
    fn foreign() -> Result<Self> {
        Ok(Self::with(KeyPair::generate()?))
    }

    fn with(key: KeyPair) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = name("lstm-sweep authority");
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
        Self(Issuer::new(params, key))
    }

    fn sign(&self, params: &CertificateParams) -> Result<Credential> {
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.0)?.der().to_vec();
        Ok(Credential { certificate, key: key.serialize_der() })
    }
}

fn name(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name
}

/// A worker's certificate in which nothing is wrong but that nobody gave it.
fn worker_params(worker: WorkerId) -> Result<CertificateParams> {
    let mut params = CertificateParams::default();
    params.distinguished_name = name("lstm-sweep worker");
    params.serial_number = Some(rcgen::SerialNumber::from_slice(&[7; 16]));
    params.subject_alt_names = vec![SanType::URI(format!("sweep://worker/{worker}").try_into()?)];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    (params.not_before, params.not_after) = (date_time_ymd(2024, 1, 1), date_time_ymd(2100, 1, 1));
    Ok(params)
}

/// What TLS itself says of a certificate, where it refuses it.
fn alert(castle: &Castle, shown: &Credential) -> Option<String> {
    // The answer to the client's last words of the handshake comes only when something is read.
    let stream = raw::shown(Ipv4Addr::new(127, 0, 0, 2), castle.address(), Some(shown.shown()));
    let read = stream.and_then(|mut stream| {
        raw::say(&mut stream, PREFACE);
        stream.sock.set_read_timeout(Some(Duration::from_secs(5)))?;
        Ok(stream.read(&mut [0; 64])?)
    });
    read.err().map(|error| error.to_string()).filter(|said| said.contains("alert"))
}

/// What a worker with this certificate is told when it registers; `None` where it is let in.
async fn refusal(
    castle: &Castle,
    token: &Token,
    member: &Member,
    shown: &Credential,
) -> Result<Option<String>> {
    if let Some(said) = tokio::task::block_in_place(|| alert(castle, shown)) {
        return Ok(Some(said));
    }
    let mut client = WorkerServiceClient::new(shown.channel(castle, token)?);
    Ok(client.register(member.registration()).await.err().map(|status| told(&status)))
}

#[test]
fn workers_with_wrong_certificates_are_told_why() -> Result<()> {
    let castle = Castle::start()?;
    let token = castle.token("worker", &["--uses", "3"])?;
    let (own, foreign) = (Forger::with_key_of(&castle)?, Forger::foreign()?);
    runtime()?.block_on(async {
        let (member, other) = (Member::join(&castle, &token).await?, Member::join(&castle, &token).await?);
        let token: Token = token.parse()?;
        let good = worker_params(member.worker)?;
        let changed = |change: fn(&mut CertificateParams)| {
            let mut params = good.clone();
            change(&mut params);
            params
        };
        let expired = changed(|params| params.not_after = date_time_ymd(2024, 6, 1));
        let early = changed(|params| {
            (params.not_before, params.not_after) = (date_time_ymd(2090, 1, 1), date_time_ymd(2091, 1, 1));
        });
        let server = changed(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]);
        let nameless = changed(|params| params.subject_alt_names.clear());
        let traversal = changed(|params| {
            let uri = "sweep://worker/../../admin".to_owned().try_into();
            params.subject_alt_names = uri.map(SanType::URI).into_iter().collect();
        });
        // The right serial number with another worker's name, by whoever has stolen the authority's key.
        let mut swapped = worker_params(other.worker)?;
        swapped.serial_number = Some(serial(&member.credential.certificate)?);
        for (what, shown, expected) in [
            ("expired", own.sign(&expired)?, "CertificateExpired"),
            ("not yet valid", own.sign(&early)?, "CertificateExpired"),
            ("a server's", own.sign(&server)?, "UnsupportedCertificate"),
            ("a foreign authority's", foreign.sign(&good)?, "DecryptError"),
            ("nobody's", own.sign(&nameless)?, ""),
            ("a path's", own.sign(&traversal)?, ""),
            ("unknown", own.sign(&good)?, "not known here"),
            ("another worker's", own.sign(&swapped)?, "not known here"),
        ] {
            let said = refusal(&castle, &token, &member, &shown).await?;
            let said = said.with_context(|| format!("a certificate that is {what} opens the door"))?;
            println!("{what}: {said}");
            ensure!(said.contains(expected), "{what}: {said}");
        }
        ensure!(refusal(&castle, &token, &member, &member.credential).await?.is_none(), "its own is refused");
        castle.sweep(&["revoke", &member.worker.to_string()])?;
        let said = refusal(&castle, &token, &member, &member.credential).await?.context("it was revoked")?;
        println!("revoked: {said}");
        ensure!(said.contains("revoked"), "{said}");
        ensure!(
            refusal(&castle, &token, &other, &other.credential).await?.is_none(),
            "the other is shut out"
        );
        anyhow::Ok(())
    })?;
    castle.check_remains()
}

/// The serial number in a certificate: the first integer of a hundred and twenty-eight bits in it.
fn serial(certificate: &[u8]) -> Result<rcgen::SerialNumber> {
    let at = certificate.windows(2).position(|pair| pair == [2, 16]).context("a serial number")?;
    Ok(rcgen::SerialNumber::from_slice(&certificate[at + 2..at + 18]))
}

/// A server that shows this chain and keeps everything that is said to it under TLS.
struct Impostor {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    connections: Arc<AtomicUsize>,
    said: Arc<Mutex<Vec<u8>>>,
    thread: JoinHandle<Result<()>>,
}

impl Impostor {
    fn start(chain: Vec<CertificateDer<'static>>, key: Vec<u8>) -> Result<Self> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_no_client_auth()
            .with_single_cert(chain, PrivatePkcs8KeyDer::from(key).into())?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let (stop, connections, said): (Arc<AtomicBool>, Arc<AtomicUsize>, Arc<Mutex<Vec<u8>>>) =
            Default::default();
        let (stopped, counted, kept) = (Arc::clone(&stop), Arc::clone(&connections), Arc::clone(&said));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    break;
                }
                counted.fetch_add(1, Ordering::SeqCst);
                let mut tls = StreamOwned::new(ServerConnection::new(Arc::clone(&config))?, stream?);
                let mut part = [0; 4_096];
                // An error is what is hoped for: the client ends the connection.
                while let Ok(count @ 1..) = tls.read(&mut part) {
                    kept.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&part[..count]);
                }
            }
            Ok(())
        });
        Ok(Self { address, stop, connections, said, thread })
    }

    fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    fn heard(&self) -> usize {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// How many came.
    fn end(self) -> Result<usize> {
        self.stop.store(true, Ordering::SeqCst);
        let count = self.connections.load(Ordering::SeqCst);
        TcpStream::connect(self.address)?;
        self.thread.join().ok().context("the impostor panicked")??;
        Ok(count)
    }
}

/// A program's end: whether it did its work, and what it said.
fn run(name: &str, arguments: &[&str], token: &str, folder: &Path) -> Result<(bool, String)> {
    let mut command = command(name)?;
    let output = command.args(arguments).env("SWEEP_TOKEN", token).current_dir(folder).output()?;
    Ok((output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned()))
}

#[test]
fn impostors_with_wrong_certificates_hear_nothing() -> Result<()> {
    let castle = Castle::start()?;
    let (worker, viewer) = (castle.token("worker", &["--uses", "9"])?, castle.token("viewer", &[])?);
    let real = raw::tls(Ipv4Addr::new(127, 0, 0, 2), castle.address())?;
    let chain = real.conn.peer_certificates().context("a chain")?;
    // Everybody is shown the authority's certificate: impostors have it, too, and the pin alone would let them in.
    let authority = chain.get(1).context("the authority's certificate")?.clone().into_owned();
    let (own, foreign) = (Forger::with_key_of(&castle)?, Forger::foreign()?);
    let mut good = CertificateParams::new(vec![COORDINATOR.to_owned()])?;
    good.distinguished_name = name("lstm-sweep coordinator");
    good.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    (good.not_before, good.not_after) = (date_time_ymd(2024, 1, 1), date_time_ymd(2100, 1, 1));
    let mut expired = good.clone();
    expired.not_after = date_time_ymd(2024, 6, 1);
    let mut elsewhere = good.clone();
    elsewhere.subject_alt_names = vec![SanType::DnsName("example.org".try_into()?)];
    let member = runtime()?.block_on(Member::join(&castle, &worker))?;
    for (what, shown, expected) in [
        ("expired", own.sign(&expired)?, "the clock of this machine or that of the coordinator is wrong"),
        ("a foreign authority's", foreign.sign(&good)?, "BadSignature"),
        ("that of a worker", member.credential.clone(), "certificate"),
        ("that of another name", own.sign(&elsewhere)?, "not valid for name"),
    ] {
        let impostor = Impostor::start(vec![shown.certificate.into(), authority.clone()], shown.key)?;
        let state = castle.folder().join(format!("state-{what}"));
        let url = impostor.url();
        let join = ["join", &url, "--wait", "1", "--state-dir", &state.to_string_lossy()];
        let list = ["--server", &url, "list"];
        for (name, arguments, token) in [("sweep-worker", &join[..], &worker), ("sweep", &list, &viewer)] {
            let (is_fooled, said) = run(name, arguments, token, castle.folder())?;
            let said = said.lines().filter(|line| !line.contains(" INFO ")).collect::<Vec<_>>().join(" ");
            println!("{name}, {what}: {said}");
            ensure!(!is_fooled && said.contains(expected), "{name}, a certificate that is {what}: {said}");
        }
        ensure!(impostor.heard() == 0, "{what}: it was told {} bytes", impostor.heard());
        let connections = impostor.end()?;
        ensure!(connections >= 2, "{what}: only {connections} have come");
    }
    // The test sees what is told: an impostor with the authority's own key hears the request.
    let shown = own.sign(&good)?;
    let impostor = Impostor::start(vec![shown.certificate.into(), authority], shown.key)?;
    let mut fooled = Command::new(program("sweep")?)
        .args(["--server", &impostor.url(), "list"])
        .env("SWEEP_TOKEN", &viewer)
        .current_dir(castle.folder())
        .spawn()?;
    wait_until("the impostor is told something", || Ok(impostor.heard() > 0))?;
    fooled.kill()?;
    fooled.wait()?;
    impostor.end()?;
    castle.check_remains()
}
