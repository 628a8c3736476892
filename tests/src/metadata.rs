//! The workspace as cargo sees it.

use anyhow::{Context, Result};
use cargo_metadata::{Metadata, MetadataCommand};

/// The whole dependency graph, exactly as locked.
///
/// # Errors
/// Where cargo cannot tell.
pub fn workspace() -> Result<Metadata> {
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .other_options(["--locked".to_owned()])
        .exec()
        .context("run cargo metadata")
}
