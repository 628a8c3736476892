//! Takes the system's entropy and clocks away from the thread that plays a schedule, so that a seed fixes everything.
//!
//! The runtime chooses between branches of a `select!`, and between the sleepers of a watched value, by a generator
//! that the standard library's hash keys seed; those come from `getrandom`, which std calls through a weak symbol "to
//! allow interposition". Answers carry the date, and HTTP/2 forgets streams by the time. So these two functions of the
//! system are replaced under their names. What they give depends on how often they were called on a thread: a schedule
//! has to be the only thing that its process does.
#![allow(unsafe_code, reason = "functions of the system are replaced under their names")]

use std::cell::Cell;

use libc::{c_int, c_uint, c_void, clockid_t, size_t, ssize_t, timespec};

use crate::random::Random;

/// Seconds that every clock of a played schedule begins with.
const EPOCH_SECONDS: i64 = 1_700_000_000;

/// How far a clock goes on each time that it is read, in nanoseconds.
const TICK_NANOSECONDS: i64 = 100;

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
    /// How often a clock was read since the system's were taken away; `None` before.
    static READINGS: Cell<Option<i64>> = const { Cell::new(None) };
}

/// Takes the system's clocks away from this thread for good.
///
/// # Errors
/// Where the replacements are not in force.
pub fn seal() -> anyhow::Result<()> {
    READINGS.set(Some(0));
    _ = std::hash::RandomState::new();
    anyhow::ensure!(CALLS.get() > 0, "the system's entropy is not replaced");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    anyhow::ensure!(now.as_secs() == EPOCH_SECONDS as u64, "the system's clocks are not replaced");
    Ok(())
}

/// Fills the buffer like `getrandom(2)`, on each thread with the same bytes in the same order.
///
/// # Safety
/// As for the system's function: `buffer` must be writable for `length` bytes.
// SAFETY: the name is that of the function which it replaces, with the same signature and the same promise.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getrandom(buffer: *mut c_void, length: size_t, _flags: c_uint) -> ssize_t {
    let call = CALLS.get();
    CALLS.set(call + 1);
    let mut random = Random::new(call);
    for offset in 0..length {
        // SAFETY: the caller promises `length` writable bytes.
        unsafe { buffer.cast::<u8>().add(offset).write(random.bits() as u8) };
    }
    length.cast_signed()
}

/// Tells the time like `clock_gettime(2)`; on a sealed thread all clocks tell a time that goes on a little with each
/// reading.
///
/// # Safety
/// As for the system's function: `time` must be writable.
// SAFETY: the name is that of the function which it replaces, with the same signature and the same promise.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(clock: clockid_t, time: *mut timespec) -> c_int {
    let Some(readings) = READINGS.get() else {
        // SAFETY: the system's own call, with the caller's arguments.
        return unsafe { libc::syscall(libc::SYS_clock_gettime, clock, time) } as c_int;
    };
    READINGS.set(Some(readings + 1));
    let nanoseconds = readings * TICK_NANOSECONDS;
    let told = timespec {
        tv_sec: EPOCH_SECONDS + nanoseconds / 1_000_000_000,
        tv_nsec: nanoseconds % 1_000_000_000,
    };
    // SAFETY: the caller promises that `time` is writable.
    unsafe { time.write(told) };
    0
}
