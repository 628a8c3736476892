//! Peak memory of this process.

/// The largest resident size so far, in bytes; 0 where the system does not tell.
pub fn peak_bytes() -> u64 {
    std::fs::read_to_string("/proc/self/status").ok().and_then(|status| parse(&status)).unwrap_or(0)
}

/// Reads `VmHWM:   1234 kB`.
fn parse(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_read_in_bytes() {
        assert_eq!(parse("Name:\tx\nVmHWM:\t   2048 kB\nVmRSS: 1 kB\n"), Some(2 << 20));
        assert_eq!(parse("Name: x\nVmHWM: many kB\n"), None);
    }
}
