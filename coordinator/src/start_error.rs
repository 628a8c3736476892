//! Why a coordinator does not start: below everything that has a part in starting one.

use std::net::SocketAddr;
use std::path::PathBuf;

use coordinator_store::StoreError;
use sweep_transport::private::PrivateError;
use thiserror::Error;

use crate::security::authority::AuthorityError;

/// Why a coordinator does not start, or did not stop cleanly.
#[derive(Debug, Error)]
pub enum StartError {
    /// Keys and certificates cannot be made or read.
    #[error("TLS cannot be set up: {0}")]
    Security(#[from] AuthorityError),
    /// A folder of corpora is not there.
    #[error("the folder of corpora {} cannot be used: {source}", path.display())]
    Corpora {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The data folder cannot be made or written.
    #[error("cannot use the data folder {}: {source}", path.display())]
    DataDirectory {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The data folder is gone, or another one stands in its place.
    #[error("the data folder {} was removed, moved or replaced while the coordinator worked in it", .0.display())]
    DataLost(PathBuf),
    /// The data folder is another user's, or others may write into it.
    #[error("cannot use the data folder: {0}")]
    NotPrivate(#[from] PrivateError),
    /// The object store cannot be used.
    #[error(
        "cannot keep artifacts at {url}: {problem}; the AWS_… variables of the environment give credentials (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), AWS_REGION and, for storage outside AWS, AWS_ENDPOINT_URL"
    )]
    Artifacts {
        /// The address given.
        url: String,
        /// What the storage said.
        problem: String,
    },
    /// Another coordinator works in the data folder.
    #[error("another coordinator is using the data folder {}; stop it, or choose another folder", .0.display())]
    Locked(PathBuf),
    /// The data folder, or the one that was to get its name, was never finished.
    #[error("`{what}` was cut off, and {} is not whole; give the same command again, or remove the folder", path.display())]
    Unfinished {
        /// The folder.
        path: PathBuf,
        /// The command.
        what: &'static str,
    },
    /// The store does not open.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A part of the server ended in an unforeseen way.
    #[error("the server did not end cleanly: {0}")]
    Unclean(String),
}
