//! Opens the doors to other machines: authority, TLS, the administrator's token, the addresses to tell.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use coordinator_core::{Command, Engine, NewToken};
use coordinator_dataset::Reach;
use rustls::ServerConfig as TlsConfig;
use sweep_proto::{Role, Timestamp, Token};

use super::authority::{Authority, AuthorityError};
use super::files::{self, ADMIN_TOKEN, SECURITY};
use super::secrets;
use super::signer::Signer;
use crate::clock::Clock;
use crate::config::ServerConfig;
use crate::driver::{Availability, Driver};
use crate::install::Install;
use crate::start_error::StartError;

/// Pause between two tries to make the administrator's token.
const ADMISSION_PAUSE: Duration = Duration::from_secs(1);

/// What lets other machines in, and vouches for what leaves; empty where only this one may come in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Doors {
    pub(crate) authority: Option<Arc<Authority>>,
    pub(crate) signer: Option<Arc<Signer>>,
    pub(crate) install: Option<Arc<Install>>,
    pub(crate) advertised: Arc<[String]>,
    pub(crate) corpora: Reach,
    pub(crate) identity: Option<Arc<str>>,
}

impl Doors {
    /// Where the coordinator can be reached, best first.
    pub(crate) fn urls(&self, address: SocketAddr) -> Vec<String> {
        if self.advertised.is_empty() { vec![format!("http://{address}")] } else { self.advertised.to_vec() }
    }
}

/// Sets up everything that lets other machines in.
pub(crate) async fn open(
    config: &ServerConfig,
    address: SocketAddr,
    driver: &Driver,
    clock: Clock,
) -> Result<(Arc<TlsConfig>, Doors), StartError> {
    let folder = config.place.data_directory.join(SECURITY);
    let authority = Arc::new(Authority::open(&folder, clock)?);
    let names = names(&config.advertise, address);
    let tls = authority.server_config(&names)?;
    let corpora = shown(&config.corpora)?;
    let key_pin = authority.server_key_pin();
    let install = tokio::task::spawn_blocking(move || Install::find(&key_pin)).await;
    let install = match install {
        Ok(Ok(install)) => Some(Arc::new(install)),
        Ok(Err(error)) => {
            tracing::warn!(%error, "machines without sweep-worker cannot install it from here");
            None
        }
        Err(error) => return Err(StartError::Unclean(error.to_string())),
    };
    let advertised = urls(&config.advertise, address, true);
    admit_administrator_when_serving(folder.clone(), Arc::clone(&authority), driver.clone()).await?;
    let (authority, advertised) = (Some(authority), advertised.into());
    let doors = Doors { authority, install, advertised, corpora, ..Doors::default() };
    Ok((tls, doors))
}

/// What lies in these folders.
fn shown(folders: &[PathBuf]) -> Result<Reach, StartError> {
    let failed = |path: &PathBuf| {
        let path = path.clone();
        move |source| StartError::Corpora { path, source }
    };
    for folder in folders {
        std::fs::read_dir(folder).map_err(failed(folder))?;
    }
    Reach::beneath(folders).map_err(failed(&folders.first().cloned().unwrap_or_default()))
}

fn names(advertise: &[String], address: SocketAddr) -> Vec<String> {
    if advertise.is_empty() { reachable_names(address) } else { advertise.to_vec() }
}

/// Where a coordinator can be reached, best first.
pub(crate) fn urls(advertise: &[String], address: SocketAddr, is_secure: bool) -> Vec<String> {
    if !is_secure {
        return vec![format!("http://{address}")];
    }
    names(advertise, address).iter().map(|name| url(name, address.port())).collect()
}

/// Where programs on this machine reach it.
pub(crate) fn local_url(address: SocketAddr, is_secure: bool) -> String {
    if !is_secure {
        return format!("http://{address}");
    }
    let host = if address.ip().is_unspecified() { "127.0.0.1".to_owned() } else { address.ip().to_string() };
    url(&host, address.port())
}

fn url(host: &str, port: u16) -> String {
    if host.contains(':') { format!("https://[{host}]:{port}") } else { format!("https://{host}:{port}") }
}

/// The address by which other machines most probably reach this one, then its name.
fn reachable_names(address: SocketAddr) -> Vec<String> {
    if !address.ip().is_unspecified() {
        return vec![address.ip().to_string()];
    }
    // No packet is sent: this only asks the routing table which address would be used.
    let primary = UdpSocket::bind("0.0.0.0:0")
        .and_then(|socket| socket.connect("192.0.2.1:9").and_then(|()| socket.local_addr()))
        .map(|local| local.ip());
    let primary = primary.ok().filter(|ip| !ip.is_unspecified()).map(|ip: IpAddr| ip.to_string());
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    let names: Vec<String> = primary.into_iter().chain(name).collect();
    if names.is_empty() { vec!["127.0.0.1".to_owned()] } else { names }
}

/// As [`admit_administrator`]; a coordinator that stands by does it once it leads.
async fn admit_administrator_when_serving(
    folder: PathBuf,
    authority: Arc<Authority>,
    driver: Driver,
) -> Result<(), StartError> {
    let mut availability = driver.notices().of_availability();
    if *availability.borrow() != Availability::Standby {
        return admit_administrator(&folder, &authority, &driver).await;
    }
    tokio::spawn(async move {
        // Fails where the driver has ended.
        while availability.wait_for(|availability| *availability == Availability::Serving).await.is_ok() {
            match admit_administrator(&folder, &authority, &driver).await {
                Ok(()) => return,
                Err(error) => tracing::warn!(%error, "this machine's administrator is not let in yet"),
            }
            tokio::time::sleep(ADMISSION_PAUSE).await;
        }
    });
    Ok(())
}

/// Makes sure that the file holds a token by which commands on this machine are let in.
async fn admit_administrator(
    folder: &Path,
    authority: &Authority,
    driver: &Driver,
) -> Result<(), StartError> {
    let path = folder.join(ADMIN_TOKEN);
    let unclean = |error: &dyn std::fmt::Display| StartError::Unclean(error.to_string());
    let kept = match files::read(&path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).parse::<Token>().ok(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(source) => return Err(AuthorityError::File { path, source }.into()),
    };
    if let Some(token) = kept {
        let (id, digest) = (token.id, token.secret.digest());
        let look = move |engine: &Engine, now: Timestamp| {
            engine.token(id, digest).is_some_and(|token| token.refusal(now).is_none())
        };
        if token.pin == authority.pin() && driver.read(look).await.map_err(|error| unclean(&error))? {
            return Ok(());
        }
    }
    let token = secrets::new_token(authority.pin()).map_err(|error| unclean(&error))?;
    let new = NewToken {
        id: token.id,
        role: Role::Admin,
        secret_digest: token.secret.digest(),
        label: "this machine".to_owned(),
        created_by: "sweep serve".to_owned(),
        uses: None,
        ttl_ms: None,
    };
    driver.command(Command::CreateToken(new)).await.map_err(|error| unclean(&error))?;
    files::write(&path, token.reveal().as_bytes())
        .map_err(|source| AuthorityError::File { path, source }.into())
}
