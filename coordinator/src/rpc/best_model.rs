//! The best model of a sweep as a directory: weights, configuration, tokenizer, labels.

use coordinator_core::{Engine, SweepState, TrialRecord};
use serde_json::json;
use sweep_proto::encoded::EncodedHeader;
use sweep_proto::{Digest, SweepId};
use tonic::Status;

use super::blobs::{self, Download, FileParts};
use super::encoded_rows::read_header;
use super::{Shared, Work, status};
use crate::security::caller::Caller;

/// The best replicate of the chosen configuration, or of the one that is best so far.
struct Best {
    sweep_name: String,
    trial: TrialRecord,
    model: Digest,
    /// Whether the sweep has not finished: another one may become the best.
    is_provisional: bool,
}

/// Streams the model directory of a sweep.
pub(super) async fn best_model(shared: &Shared, caller: Caller, sweep: SweepId) -> Result<FileParts, Status> {
    let _turn = shared.turn(Work::Export, caller).await?;
    let best = shared.driver.read(move |engine, _| find(engine, sweep)).await.map_err(status::of_driver)?;
    let best = best.ok_or_else(|| {
        Status::failed_precondition(format!(
            "no trial of sweep {sweep} has completed yet, so there is no model"
        ))
    })?;
    let (header, _) = read_header(&shared.artifacts, *best.trial.spec.dataset).await?;
    let files = vec![
        ("configuration.json".to_owned(), Download::Bytes(pretty(&best.trial.spec.configuration)?.into())),
        ("labels.json".to_owned(), Download::Bytes(pretty(&header.classes)?.into())),
        ("metadata.json".to_owned(), Download::Bytes(pretty(&metadata(&best, &header))?.into())),
        ("model.safetensors".to_owned(), Download::Artifact(best.model)),
        ("tokenizer.json".to_owned(), Download::Bytes(header.tokenizer.into_bytes().into())),
    ];
    Ok(blobs::download(shared, files))
}

fn find(engine: &Engine, id: SweepId) -> Option<Best> {
    let sweep = engine.sweep(id)?;
    let best = || engine.best_configurations(id, 1).pop().map(|best| best.index);
    let trials = engine.trials_with(id, engine.chosen(sweep).or_else(best));
    let scored = trials.filter_map(|trial| Some((trial.score()?, trial)));
    let (_, trial) = scored.min_by(|(left, _), (right, _)| left.total_cmp(right))?;
    let result = trial.result.as_ref()?;
    Some(Best {
        sweep_name: sweep.spec.name.clone(),
        trial: trial.clone(),
        model: result.model.digest,
        is_provisional: sweep.state != SweepState::Finished,
    })
}

fn metadata(best: &Best, header: &EncodedHeader) -> serde_json::Value {
    let trial = &best.trial;
    json!({
        "format": 1,
        "sweep": best.sweep_name,
        "is_provisional": best.is_provisional,
        "trial": trial.spec.id.to_string(),
        "replicate": trial.spec.replicate,
        "seed": trial.spec.seed,
        "key": trial.key().to_string(),
        "dataset": header.dataset,
        "dataset_digest": trial.spec.dataset.to_string(),
        "vocabulary": header.vocabulary,
        "max_length": header.max_length,
        "truncation_side": header.truncation_side,
        "result": trial.result,
        "test": trial.test,
    })
}

fn pretty(value: &impl serde::Serialize) -> Result<Vec<u8>, Status> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(status::internal)?;
    bytes.push(b'\n');
    Ok(bytes)
}
