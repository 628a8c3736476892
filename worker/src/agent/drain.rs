//! Leaving in order: signals, handing work back, saying goodbye.

use sweep_proto::wire::DeregisterRequest;
use tokio_util::sync::CancellationToken;

use super::register::unary;
use super::session::reason;
use super::{Control, Shared};

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

/// Cancels `drain` when standard input closes, from a thread of its own: a read of standard input
/// cannot be interrupted, so it must not hold up a runtime that shuts down.
pub fn on_closed_stdin(drain: CancellationToken) {
    std::thread::spawn(move || {
        // Whatever is written there means nothing, and a broken input is a closed one.
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        tracing::info!("standard input closed: stopping and handing work back");
        drain.cancel();
    });
}

/// Ends once a drain was asked for, all work is handed back, and the coordinator knows.
pub(super) async fn finish(shared: &Shared) {
    shared.drain.cancelled().await;
    shared.tell_all(Control::Release, "the worker drains");
    shared.changed.notify_one();
    shared.attempts.close();
    if tokio::time::timeout(shared.settings.drain_grace, shared.attempts.wait()).await.is_err() {
        tracing::warn!("the drain took too long: what still runs is left to its lease");
    }
    let request = DeregisterRequest {
        worker_id: shared.settings.worker.to_string(),
        instance: shared.instance.clone(),
    };
    match unary(shared.client.clone().deregister(request)).await {
        Ok(_) => tracing::info!("the worker has left"),
        Err(status) => tracing::warn!(reason = %reason(&status), "the worker leaves without a goodbye"),
    }
}
