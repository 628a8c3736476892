//! The consolidated report: the records of a sweep, rendered, as a stream of files.

use std::collections::BTreeSet;

use coordinator_core::Engine;
use coordinator_report::ReportInput;
use sweep_proto::{SweepId, Timestamp, TrialId};
use tonic::Status;

use super::blobs::{self, Download, FileParts};
use super::{Shared, seal, status};

/// Renders the report of a sweep.
pub(super) async fn report(shared: &Shared, sweep: SweepId) -> Result<FileParts, Status> {
    let _permit = shared.heavy.acquire().await.map_err(status::internal)?;
    let input = shared.driver.read(move |engine, now| collect(engine, sweep, now)).await;
    let input =
        input.map_err(status::of_driver)?.ok_or_else(|| Status::not_found("there is no such sweep"))?;
    let signer = shared.signer.clone();
    let rendered = tokio::task::spawn_blocking(move || {
        let mut files = coordinator_report::render(&input).map_err(status::internal)?;
        if let Some(signer) = signer {
            seal::add_signature(&signer, &input, &mut files)?;
        }
        Ok::<_, Status>(files)
    });
    let files = rendered.await.map_err(status::internal)??;
    let files = files.into_iter().map(|(name, bytes)| (name, Download::Bytes(bytes))).collect();
    Ok(blobs::download(shared, files))
}

/// What the report is made from: the sweep's rows, and the curves of the trials that it reused.
pub(crate) fn collect(engine: &Engine, id: SweepId, now: Timestamp) -> Option<ReportInput> {
    let tables = engine.tables();
    let sweep = engine.sweep(id)?.clone();
    let trials: Vec<_> = tables.trials_of(id).cloned().collect();
    let origins = trials.iter().filter_map(|trial| trial.reused_from);
    let of: BTreeSet<TrialId> = trials.iter().map(|trial| trial.spec.id).chain(origins).collect();
    let attempts: Vec<_> = of.iter().flat_map(|trial| tables.attempts_of(*trial)).cloned().collect();
    let epochs = of.iter().flat_map(|trial| tables.epochs_of(*trial)).cloned().collect();
    let workers: BTreeSet<_> = attempts.iter().map(|attempt| attempt.worker).collect();
    // An ended sweep's report is of its end, whenever it is made: the same records give the same bytes.
    let as_of = sweep.ended_at.filter(|_| sweep.state.is_ended()).unwrap_or(now);
    Some(ReportInput {
        sweep,
        trials,
        attempts,
        epochs,
        workers: workers.iter().filter_map(|worker| tables.workers.get(worker)).cloned().collect(),
        generated_at_ms: as_of.0,
        build: env!("CARGO_PKG_VERSION").to_owned(),
    })
}
