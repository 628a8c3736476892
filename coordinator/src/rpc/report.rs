//! The consolidated report: the records of a sweep, rendered, as a stream of files.

use std::collections::BTreeSet;

use coordinator_core::Engine;
use coordinator_report::ReportInput;
use sweep_proto::{SweepId, Timestamp, TrialId};
use tonic::Status;

use super::blobs::{self, Download, FileParts};
use super::{Shared, status};

/// The report of a sweep, as a stream.
pub(super) async fn report(shared: &Shared, sweep: SweepId) -> Result<FileParts, Status> {
    let files = files(shared, sweep).await?;
    let files = files.into_iter().map(|(name, bytes)| (name, Download::Bytes(bytes))).collect();
    Ok(blobs::download(shared, files))
}

/// Renders the report of a sweep: its files by their names.
pub(crate) async fn files(shared: &Shared, sweep: SweepId) -> Result<Vec<(String, Vec<u8>)>, Status> {
    let _permit = shared.heavy().await?;
    let input = shared.driver.read(move |engine, now| collect(engine, sweep, now)).await;
    let input =
        input.map_err(status::of_driver)?.ok_or_else(|| Status::not_found("there is no such sweep"))?;
    let rendered = tokio::task::spawn_blocking(move || coordinator_report::render(&input)).await;
    rendered.map_err(status::internal)?.map_err(status::internal)
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
    Some(ReportInput {
        sweep,
        trials,
        attempts,
        epochs,
        workers: workers.iter().filter_map(|worker| tables.workers.get(worker)).cloned().collect(),
        generated_at_ms: now.0,
        build: env!("CARGO_PKG_VERSION").to_owned(),
    })
}
