//! The variables that a confined process gets. Everything else, such as tokens and cloud credentials, stays with its parent.

use std::ffi::{OsStr, OsString};

/// Where programs, libraries and temporary files lie, what is logged and in which language.
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

/// Settings of the system's language and of the allocator.
const PREFIXES: [&str; 2] = ["LC_", "MALLOC_"];

/// The variables that every confined process gets, and those that begin with one of `prefixes`.
pub fn listed(
    all: impl Iterator<Item = (OsString, OsString)>,
    prefixes: &[&str],
) -> impl Iterator<Item = (OsString, OsString)> {
    all.filter(|(name, _)| is_listed(name, prefixes))
}

fn is_listed(name: &OsStr, prefixes: &[&str]) -> bool {
    let Some(name) = name.to_str() else { return false };
    NAMES.contains(&name) || PREFIXES.iter().chain(prefixes).any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_stay_with_the_parent() {
        let given = |name: &str| is_listed(OsStr::new(name), &["CUDA_"]);
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
