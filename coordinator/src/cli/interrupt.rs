//! Ctrl-C and SIGTERM: the first asks for a clean stop, the second ends the program at once.

use std::time::Duration;

use tokio::sync::watch;

use super::exit::{Exit, Failure};
use super::{output, screen};

/// How long the terminal may take to become what it was.
const GIVE_BACK_MAX: Duration = Duration::from_millis(500);

/// Tells when the user wants to stop.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt {
    requested: watch::Receiver<bool>,
}

impl Interrupt {
    /// Begins to listen for signals, in place of the system's default of ending the program.
    ///
    /// # Errors
    /// Where the system does not let a program listen.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let cannot = |error| Failure::failed(format!("cannot listen for Ctrl-C: {error}"));
        let mut signals = Signals::new().map_err(cannot)?;
        let (sender, requested) = watch::channel(false);
        tokio::spawn(async move {
            signals.next().await;
            // The receiver may be gone: then the command is about to end by itself.
            let _ending = sender.send(true);
            signals.next().await;
            give_back_the_terminal().await;
            output::note("stopped at once");
            exit_at_once();
        });
        Ok(Self { requested })
    }

    /// Returns once a stop was asked for. Cancel-safe.
    pub(crate) async fn requested(&mut self) {
        if self.requested.wait_for(|requested| *requested).await.is_err() {
            // The listener has gone, so no signal can come any more.
            std::future::pending::<()>().await;
        }
    }
}

/// A terminal that takes nothing any more must not be in the way of the end.
async fn give_back_the_terminal() {
    let given_back = tokio::task::spawn_blocking(screen::give_back);
    let _in_time = tokio::time::timeout(GIVE_BACK_MAX, given_back).await;
}

#[allow(clippy::exit, reason = "a second Ctrl-C asks for exactly this")]
fn exit_at_once() {
    std::process::exit(Exit::Interrupted as i32);
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
