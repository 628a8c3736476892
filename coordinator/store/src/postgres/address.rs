//! The URL of a PostgreSQL store: what goes to the driver, what is ours, and what is never shown.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use postgres::Config;
use postgres::config::{Host, SslMode, TargetSessionAttrs};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::StoreError;

/// How long a connection may take to come up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A silent connection is probed after this time, and given up after [`TCP_USER_TIMEOUT`].
const KEEPALIVES_IDLE: Duration = Duration::from_secs(10);

/// How long sent bytes may stay unacknowledged: below the leader's term, so that a leader behind a cut
/// line notices before another takes its place.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(5);

/// Settings of every session: nothing hangs for ever, and what was committed is on the disk (and, with
/// `synchronous_standby_names`, on the standby's).
const OPTIONS: &str = "-c statement_timeout=30s -c lock_timeout=10s -c idle_in_transaction_session_timeout=30s \
                       -c synchronous_commit=on";

/// Where a database is, and how to talk to it.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) config: Config,
    pub(super) tls: Option<Arc<ClientConfig>>,
    shown: String,
}

impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.shown)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.shown)
    }
}

impl Address {
    /// Parses `postgres://user:password@host,host/database?sslmode=…`.
    ///
    /// # Errors
    /// [`StoreError::Url`]; the text of the error never holds the URL's password.
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        let (plain, settings) = take_own_settings(url)?;
        let wrong = |error: postgres::Error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            StoreError::Url(cause.unwrap_or_else(|| error.to_string()))
        };
        let mut config: Config = plain.parse().map_err(wrong)?;
        if config.get_hosts().is_empty() {
            return Err(StoreError::Url(
                "it names no host, as postgres://USER@HOST/DATABASE does".to_owned(),
            ));
        }
        let tls = settings.tls(&config)?;
        config.ssl_mode(if tls.is_some() { SslMode::Require } else { SslMode::Disable });
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_application_name().is_none() {
            config.application_name("lstm-sweep");
        }
        let options = match config.get_options() {
            Some(given) => format!("{OPTIONS} {given}"),
            None => OPTIONS.to_owned(),
        };
        config
            .options(&options)
            .keepalives(true)
            .keepalives_idle(KEEPALIVES_IDLE)
            .keepalives_interval(Duration::from_secs(2))
            .keepalives_retries(3)
            .tcp_user_timeout(TCP_USER_TIMEOUT)
            .target_session_attrs(TargetSessionAttrs::ReadWrite);
        let shown = shown(&config);
        Ok(Self { config, tls, shown })
    }
}

/// Settings of the URL that the driver does not know.
#[derive(Debug, Default)]
struct OwnSettings {
    ssl_mode: Option<String>,
    root_certificate: Option<PathBuf>,
}

fn take_own_settings(url: &str) -> Result<(String, OwnSettings), StoreError> {
    let mut settings = OwnSettings::default();
    let Some((base, query)) = url.split_once('?') else { return Ok((url.to_owned(), settings)) };
    let mut rest = Vec::new();
    for setting in query.split('&') {
        match setting.split_once('=') {
            Some(("sslmode", mode @ ("disable" | "verify-full"))) => {
                settings.ssl_mode = Some(mode.to_owned());
            }
            Some(("sslmode", mode)) => {
                let problem = format!(
                    "sslmode={mode} does not protect against an impostor; use verify-full (with sslrootcert=FILE), or disable"
                );
                return Err(StoreError::Url(problem));
            }
            Some(("sslrootcert", path)) => settings.root_certificate = Some(PathBuf::from(path)),
            _ => rest.push(setting),
        }
    }
    let query = rest.join("&");
    let plain = if query.is_empty() { base.to_owned() } else { format!("{base}?{query}") };
    Ok((plain, settings))
}

impl OwnSettings {
    fn tls(&self, config: &Config) -> Result<Option<Arc<ClientConfig>>, StoreError> {
        match (self.ssl_mode.as_deref(), &self.root_certificate) {
            (Some("disable"), _) => Ok(None),
            (None, None) if config.get_hosts().iter().all(is_local) => Ok(None),
            (_, Some(path)) => {
                let unreadable =
                    |problem: String| StoreError::Url(format!("sslrootcert={}: {problem}", path.display()));
                let mut roots = RootCertStore::empty();
                let file = CertificateDer::pem_file_iter(path).map_err(|error| unreadable(error.to_string()))?;
                for certificate in file {
                    let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
                    roots.add(certificate).map_err(|error| unreadable(error.to_string()))?;
                }
                if roots.is_empty() {
                    return Err(unreadable("it holds no certificate".to_owned()));
                }
                let provider = Arc::new(rustls::crypto::ring::default_provider());
                let tls = ClientConfig::builder_with_provider(provider)
                    .with_safe_default_protocol_versions()
                    .map_err(|error| unreadable(error.to_string()))?
                    .with_root_certificates(roots)
                    .with_no_client_auth();
                Ok(Some(Arc::new(tls)))
            }
            _ => Err(StoreError::Url(
                "a server on another machine needs sslmode=verify-full&sslrootcert=FILE, or sslmode=disable on a network that you trust"
                    .to_owned(),
            )),
        }
    }
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

/// The address without its password.
fn shown(config: &Config) -> String {
    let ports = config.get_ports();
    let hosts = config.get_hosts().iter().enumerate().map(|(position, host)| {
        let port = ports.get(position).or_else(|| ports.first()).copied().unwrap_or(5432);
        match host {
            Host::Tcp(name) => format!("{name}:{port}"),
            #[cfg(unix)]
            Host::Unix(path) => format!("{}:{port}", path.display()),
        }
    });
    let hosts: Vec<String> = hosts.collect();
    format!("postgres://{}/{}", hosts.join(","), config.get_dbname().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let address = Address::parse("postgres://me:se%20cret@127.0.0.1:5433/sweeps").unwrap();
        assert_eq!(address.to_string(), "postgres://127.0.0.1:5433/sweeps");
        assert_eq!(format!("{address:?}"), "postgres://127.0.0.1:5433/sweeps");
        for wrong in ["postgres://me:secret@host:port/db", "postgres://me:secret@host/db?nonsense=1"] {
            let text = Address::parse(wrong).unwrap_err().to_string();
            assert!(!text.contains("secret"), "{text}");
        }
    }

    #[test]
    fn other_machines_need_a_checked_certificate_or_a_word() {
        assert!(Address::parse("postgres://me@db.example/sweeps").is_err());
        assert!(Address::parse("postgres://me@db.example/sweeps?sslmode=require").is_err());
        assert!(Address::parse("postgres://me@db.example/sweeps?sslmode=verify-full").is_err());
        assert!(Address::parse("postgres://me@db.example/sweeps?sslmode=disable").is_ok());
        assert!(Address::parse("postgres://me@localhost,127.0.0.1/sweeps").is_ok());
        let missing = Address::parse("postgres://me@db.example/sweeps?sslrootcert=/nowhere.pem");
        assert!(missing.unwrap_err().to_string().contains("/nowhere.pem"));
    }
}
