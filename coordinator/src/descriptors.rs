//! File descriptors: as many as the system allows, and some of them kept for the store and its files.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Descriptors that the database, artifacts under way and the runtime use at most; where the system allows only
/// few, they get half.
const KEPT_MAX: u64 = 1_024;

/// Descriptors that this program has a use for: all connections that it takes, and its files.
const WANTED: u64 = 32_768;

/// Raises this process's own limit as far as the system lets it. Login shells often begin with 1,024.
pub fn raise() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(soft, hard)| {
        let wanted = hard.min(WANTED);
        if soft >= wanted { Ok(()) } else { setrlimit(Resource::RLIMIT_NOFILE, wanted, hard) }
    });
    if let Err(error) = raised {
        tracing::warn!(%error, "the limit of file descriptors could not be raised");
    }
}

/// How many descriptors connections may take.
pub(crate) fn for_connections() -> usize {
    // Where the system does not say, the coordinator's own bound has to do.
    let files = getrlimit(Resource::RLIMIT_NOFILE).map_or(u64::MAX, |(soft, _)| soft);
    usize::try_from(files - KEPT_MAX.min(files / 2)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_files() {
        raise();
        let (soft, _) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
        let connections = for_connections() as u64;
        assert!(connections >= soft / 2 && connections < soft, "{connections} of {soft}");
    }
}
