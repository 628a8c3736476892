//! Leaving in order: signals, handing work back, saying goodbye.

use std::time::Duration;

use sweep_proto::wire::DeregisterRequest;
use tokio_util::sync::CancellationToken;

use super::register::unary;
use super::session::reason;
use super::{Instruction, Leave, Shared};

/// Cancels `drain` at the first SIGTERM or SIGINT and ends at the second.
///
/// # Errors
/// Where signals cannot be listened to.
pub async fn on_signals(drain: CancellationToken) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    for is_second in [false, true] {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        if !is_second {
            tracing::info!("stopping at the next batch and handing work back; a second signal stops at once");
            drain.cancel();
        }
    }
    Ok(())
}

/// How long a worker whose starter has died may take to hand back and say goodbye: where the two were on one machine, the
/// coordinator has mostly died with it.
const HURRY_GRACE: Duration = Duration::from_secs(2);

/// How long the starter may take to be gone after its end of the input was closed: the system closes files a moment before.
const ORPHANED_WITHIN: Duration = Duration::from_secs(1);

/// Tells a worker to leave when standard input closes, and to hurry where the process that started it has died, from a thread
/// of its own: a read of standard input cannot be interrupted, so it must not hold up a runtime that shuts down.
pub fn on_closed_stdin(leave: Leave) {
    let starter = nix::unistd::getppid();
    std::thread::spawn(move || {
        // Whatever is written there means nothing, and a broken input is a closed one.
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        tracing::info!("standard input closed: stopping and handing work back");
        leave.drain.cancel();
        let until = std::time::Instant::now() + ORPHANED_WITHIN;
        while std::time::Instant::now() < until {
            if nix::unistd::getppid() != starter {
                tracing::info!("the process that started this worker has died");
                return leave.hurry.cancel();
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
    });
}

/// Ends some time after this worker was told to hurry.
pub(super) async fn hurried(shared: &Shared) {
    shared.hurry.cancelled().await;
    tokio::time::sleep(HURRY_GRACE).await;
}

/// Ends once a drain was asked for, all work is handed back, and the coordinator knows.
pub(super) async fn finish(shared: &Shared) {
    shared.drain.cancelled().await;
    shared.tell_all(Instruction::Release, "the worker drains");
    shared.changed.notify_one();
    shared.attempts.close();
    tokio::select! {
        () = shared.attempts.wait() => {}
        () = tokio::time::sleep(shared.settings.drain_grace) => {
            tracing::warn!("the drain took too long: what still runs is left to its lease");
        }
        () = hurried(shared) => tracing::warn!("what still runs is left to its lease"),
    }
    let request = DeregisterRequest {
        worker_id: shared.settings.worker.to_string(),
        instance: shared.instance.clone(),
    };
    let mut client = shared.client.clone();
    let goodbye = unary(client.deregister(request));
    tokio::select! {
        said = goodbye => match said {
            Ok(_) => tracing::info!("the worker has left"),
            Err(status) => tracing::warn!(reason = %reason(&status), "the worker leaves without a goodbye"),
        },
        () = hurried(shared) => tracing::warn!("the worker leaves without a goodbye"),
    }
}
