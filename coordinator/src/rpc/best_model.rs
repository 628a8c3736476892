//! The best model of a sweep as a directory: weights, configuration, tokenizer, labels.

use coordinator_core::{Engine, TrialRecord};
use serde_json::json;
use sweep_proto::encoded::{EncodedHeader, HEADER_BYTES_MAX, MAGIC};
use sweep_proto::{Digest, SweepId};
use tonic::Status;

use super::blobs::{self, Download, FileParts};
use super::{Shared, status};
use crate::artifacts::Artifacts;

/// Magic and length of the header, in bytes.
const PREFIX_BYTES: usize = 16;

/// The best replicate of the chosen configuration, or of the one that is best so far.
struct Best {
    sweep_name: String,
    trial: TrialRecord,
    model: Digest,
}

/// Streams the model directory of a sweep.
pub(super) async fn best_model(shared: &Shared, sweep: SweepId) -> Result<FileParts, Status> {
    let _permit = shared.heavy().await?;
    let best = shared.driver.read(move |engine, _| find(engine, sweep)).await.map_err(status::of_driver)?;
    let best = best.ok_or_else(|| {
        Status::failed_precondition(format!(
            "no trial of sweep {sweep} has completed yet, so there is no model"
        ))
    })?;
    let header = read_header(&shared.artifacts, best.trial.spec.dataset).await?;
    let files = vec![
        ("configuration.json".to_owned(), Download::Bytes(pretty(&best.trial.spec.configuration)?)),
        ("labels.json".to_owned(), Download::Bytes(pretty(&header.classes)?)),
        ("metadata.json".to_owned(), Download::Bytes(pretty(&metadata(&best, &header))?)),
        ("model.safetensors".to_owned(), Download::Artifact(best.model)),
        ("tokenizer.json".to_owned(), Download::Bytes(header.tokenizer.into_bytes())),
    ];
    Ok(blobs::download(shared, files))
}

fn find(engine: &Engine, id: SweepId) -> Option<Best> {
    let sweep = engine.sweep(id)?;
    let configuration = match &sweep.chosen {
        Some(chosen) => chosen.clone(),
        None => engine.configurations(id).into_iter().next()?.configuration,
    };
    let trials = engine.tables().trials_of(id).filter(|trial| trial.spec.configuration == configuration);
    let scored = trials.filter_map(|trial| trial.result.as_ref().map(|result| (result, trial)));
    let (result, trial) = scored.min_by(|(left, _), (right, _)| left.score.total_cmp(&right.score))?;
    Some(Best { sweep_name: sweep.spec.name.clone(), trial: trial.clone(), model: result.model.digest })
}

fn metadata(best: &Best, header: &EncodedHeader) -> serde_json::Value {
    let trial = &best.trial;
    json!({
        "format": 1,
        "sweep": best.sweep_name,
        "trial": trial.spec.id.to_string(),
        "replicate": trial.spec.replicate,
        "seed": trial.spec.seed,
        "key": trial.key.to_string(),
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

/// The header of an encoded dataset, without its rows.
async fn read_header(artifacts: &Artifacts, dataset: Digest) -> Result<EncodedHeader, Status> {
    let broken = |problem: &dyn std::fmt::Display| status::internal(format!("dataset {dataset}: {problem}"));
    let of_artifact = |error| status::of_artifact(&error);
    let mut blob = artifacts.read(dataset, 0).await.map_err(of_artifact)?;
    let mut start = Vec::new();
    let mut wanted = PREFIX_BYTES;
    loop {
        if start.len() >= PREFIX_BYTES {
            let (magic, length) = start[..PREFIX_BYTES].split_at(8);
            let length = length.iter().rev().fold(0_u64, |length, byte| length << 8 | u64::from(*byte));
            if magic != MAGIC || length > HEADER_BYTES_MAX {
                return Err(broken(&"not an encoded dataset"));
            }
            wanted = PREFIX_BYTES + length as usize;
        }
        if start.len() >= wanted {
            return serde_json::from_slice(&start[PREFIX_BYTES..wanted]).map_err(|error| broken(&error));
        }
        let piece = blob.next().await.map_err(of_artifact)?;
        start.extend_from_slice(&piece.ok_or_else(|| broken(&"it ends within its header"))?);
    }
}
