//! The protocol's version and its bounds.

/// The protocol that this build speaks.
pub const PROTOCOL_VERSION: ProtocolVersion = ProtocolVersion { major: 1, minor: 2 };

/// Bytes of one chunk of a streamed blob: large enough to amortise framing, small enough to pass a line of 64 kbit/s
/// within seconds.
pub const CHUNK_BYTES: usize = 64 * 1024;

/// Largest message either side decodes or encodes, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Largest artifact that a coordinator stores, in bytes: a checkpoint holds the weights four times
/// over, and one of 4 GiB belongs to a model of 250 million numbers.
pub const ARTIFACT_BYTES_MAX: u64 = 4 << 30;

/// Most members of a group: trials that one slot trains together.
pub const GROUP_MAX: u32 = 64;

/// Most step metrics in one message: a batch fills well under a megabyte.
pub const STEP_METRICS_MAX: usize = 1_000;

/// Most characters of an error message that a worker sends.
pub const ERROR_CHARACTERS_MAX: usize = 4_000;

/// Most lines of an attempt's log that a worker keeps and sends, and that a coordinator keeps.
pub const LOG_LINES_MAX: usize = 200;

/// Most characters of one such line.
pub const LOG_LINE_CHARACTERS_MAX: usize = 1_000;

/// A version of the protocol: workers one minor version away work, other majors are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProtocolVersion {
    /// Raised by a change that older programs cannot bear.
    pub major: u32,
    /// Raised by an addition.
    pub minor: u32,
}

impl ProtocolVersion {
    /// Whether programs of these two versions may work together.
    pub fn is_compatible_with(self, other: Self) -> bool {
        self.major == other.major && self.minor.abs_diff(other.minor) <= 1
    }
}

impl std::fmt::Display for ProtocolVersion {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_minor_version_apart_works_and_another_major_does_not() {
        let of = |major, minor| ProtocolVersion { major, minor };
        assert!(of(1, 2).is_compatible_with(of(1, 1)));
        assert!(!of(1, 3).is_compatible_with(of(1, 1)));
        assert!(!of(2, 0).is_compatible_with(of(1, 0)));
    }
}
