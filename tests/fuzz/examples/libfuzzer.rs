//! The fuzzing program: libFuzzer around the target that the environment variable `FUZZ_TARGET` names.
//!
//! `tests/fuzz/run` builds and drives it. `FUZZ_TARGET=? libfuzzer` prints the names of all targets.
#![no_main]
#![allow(unsafe_code, reason = "libFuzzer calls functions by their unmangled names")]
#![allow(clippy::exit, reason = "libFuzzer has the main function")]

use std::backtrace::Backtrace;
use std::panic::{PanicHookInfo, catch_unwind};
use std::sync::{Mutex, OnceLock, PoisonError};

use libfuzzer_sys::fuzz_target;
use sweep_fuzz::registry::{TARGETS, Target, find};

static TARGET: OnceLock<Target> = OnceLock::new();

fn choose() -> Target {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    if name == "?" {
        TARGETS.iter().for_each(|target| println!("{}", target.name));
        std::process::exit(0);
    }
    find(&name).unwrap_or_else(|| {
        eprintln!("FUZZ_TARGET=\"{name}\" names no target");
        std::process::exit(2)
    })
}

/// What the last panic said, and where it arose: its names are looked up only where it is shown.
static PANIC: Mutex<Option<(String, Backtrace)>> = Mutex::new(None);

/// A panic that a reader catches by itself is no finding: it is only remembered.
fn remember(panic: &PanicHookInfo<'_>) {
    *PANIC.lock().unwrap_or_else(PoisonError::into_inner) = Some((panic.to_string(), Backtrace::capture()));
}

fuzz_target!(
    init: {
        std::panic::set_hook(Box::new(remember));
        TARGET.get_or_init(choose);
    },
    |bytes: &[u8]| {
        let Some(target) = TARGET.get() else { return };
        if catch_unwind(|| (target.run)(bytes)).is_err() {
            if let Some((panic, backtrace)) = &*PANIC.lock().unwrap_or_else(PoisonError::into_inner) {
                eprintln!("{panic}\n{backtrace}");
            }
            // libFuzzer sees the signal, and keeps the input.
            std::process::abort();
        }
    }
);
