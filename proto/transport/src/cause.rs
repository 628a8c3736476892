//! Why a connection failed: what lies at the bottom of it, and whether waiting mends it.

use std::error::Error;

use crate::pin::{CLOCK_IS_OFF, PIN_IS_WRONG};
use crate::scheme::SCHEME_IS_WRONG;

/// The innermost cause of a failure, which is the one to show: what lies around it only says that a connection failed.
pub fn root_cause(failure: &(dyn Error + 'static)) -> String {
    let mut cause = failure;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// Whether a connection failed for what only a person mends: the other side is somebody else, a clock is wrong, or the
/// address has the wrong scheme. Its innermost cause says what to do.
pub fn needs_a_person(failure: &(dyn Error + 'static)) -> bool {
    let cause = root_cause(failure);
    [PIN_IS_WRONG, CLOCK_IS_OFF, SCHEME_IS_WRONG].iter().any(|said| cause.contains(said))
}
