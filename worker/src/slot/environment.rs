//! The variables that a slot process gets: a list of what training needs. Everything else of the agent's environment,
//! such as tokens and cloud credentials, stays with the agent.

use std::ffi::{OsStr, OsString};

/// Where programs, libraries, temporary files and the GPU's cache lie, what is logged and in which language.
const NAMES: [&str; 13] = [
    "PATH",
    "HOME",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "GLIBC_TUNABLES",
    "RUST_LOG",
    "RUST_BACKTRACE",
    "RUST_LIB_BACKTRACE",
    "NO_COLOR",
];

/// Settings of the system's language, the allocator, and NVIDIA's driver and libraries.
const PREFIXES: [&str; 6] = ["LC_", "MALLOC_", "CUDA_", "NVIDIA_", "CUBLAS_", "CUDNN_"];

/// Those of these variables that a slot gets.
pub(super) fn for_slots(
    all: impl Iterator<Item = (OsString, OsString)>,
) -> impl Iterator<Item = (OsString, OsString)> {
    all.filter(|(name, _)| is_listed(name))
}

fn is_listed(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_stay_with_the_agent() {
        let given = |name: &str| is_listed(OsStr::new(name));
        for kept in ["PATH", "LC_ALL", "CUDA_VISIBLE_DEVICES", "RUST_LOG", "LD_LIBRARY_PATH"] {
            assert!(given(kept), "{kept}");
        }
        let secrets =
            ["AWS_SECRET_ACCESS_KEY", "SWEEP_TOKEN", "SWEEP_STORE", "GITHUB_TOKEN", "SSH_AUTH_SOCK"];
        for secret in secrets.iter().chain(&["", "path", "PGPASSWORD", "KRB5CCNAME", "http_proxy"]) {
            assert!(!given(secret), "{secret}");
        }
    }
}
