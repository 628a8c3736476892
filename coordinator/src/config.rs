//! What a coordinator is told when it starts.

use std::net::SocketAddr;
use std::path::PathBuf;

use coordinator_core::{Keep, Quota};

use crate::machine;
use crate::place::{Place, StoreChoice};
use crate::readers::Readers;

/// Whether texts of the data leave a coordinator, in reports or elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Texts {
    /// Where they are asked for.
    #[default]
    Told,
    /// Never, whatever is asked for.
    Withheld,
}

impl Texts {
    /// As the flag `--no-texts` says it.
    pub fn withheld_if(no_texts: bool) -> Self {
        if no_texts { Self::Withheld } else { Self::Told }
    }
}

/// What a coordinator needs to start.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The address to listen on; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// Where it keeps everything.
    pub place: Place,
    /// TLS and tokens on loopback, too. Beyond loopback they are always on.
    pub is_secure: bool,
    /// Without TLS: let every user of this machine in, not only the one that runs the coordinator.
    pub is_open_to_local_users: bool,
    /// Whether it leaves its address in the data folder, for commands on this machine.
    pub is_announced: bool,
    /// Names and addresses by which other machines reach this one, best first; found out where empty.
    pub advertise: Vec<String>,
    /// Folders of corpora that people of other machines may name in their sweeps.
    pub corpora: Vec<PathBuf>,
    /// Where data is read.
    pub readers: Readers,
    /// Whether texts of the data leave it.
    pub texts: Texts,
    /// How much users may launch.
    pub quota: Quota,
    /// For how long what is kept that nobody needs for ever.
    pub keep: Keep,
    /// After how many days entries of the audit log are removed; `None`: only when somebody says so.
    pub audit_days: Option<u64>,
}

impl ServerConfig {
    /// A coordinator for this machine only.
    pub fn local(listen: SocketAddr, data_directory: PathBuf, store: StoreChoice) -> Self {
        Self {
            listen,
            place: Place { store, ..Place::local(data_directory) },
            is_secure: false,
            is_open_to_local_users: false,
            is_announced: true,
            advertise: Vec::new(),
            corpora: Vec::new(),
            readers: Readers::InProcess,
            texts: Texts::default(),
            quota: machine::quota(),
            keep: Keep::default(),
            audit_days: None,
        }
    }
}
