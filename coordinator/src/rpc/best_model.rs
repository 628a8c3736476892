//! The best model of a sweep as a directory: weights, configuration, tokenizer, labels.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use coordinator_core::{Engine, TrialRecord};
use serde_json::json;
use sweep_proto::encoded::{EncodedHeader, HEADER_BYTES_MAX, MAGIC};
use sweep_proto::{Digest, SweepId};
use tonic::Status;

use super::blobs::{self, Download, FileParts};
use super::{Shared, status};

/// The best replicate of the chosen configuration, or of the one that is best so far.
struct Best {
    sweep_name: String,
    trial: TrialRecord,
    model: Digest,
}

/// Streams the model directory of a sweep.
pub(super) async fn best_model(shared: &Shared, sweep: SweepId) -> Result<FileParts, Status> {
    let _permit = shared.heavy.acquire().await.map_err(status::internal)?;
    let best = shared.driver.read(move |engine, _| find(engine, sweep)).await.map_err(status::of_driver)?;
    let best = best.ok_or_else(|| {
        Status::failed_precondition(format!(
            "no trial of sweep {sweep} has completed yet, so there is no model"
        ))
    })?;
    let dataset = shared.artifacts.path(best.trial.spec.dataset);
    let header = tokio::task::spawn_blocking(move || read_header(&dataset)).await;
    let header = header.map_err(status::internal)?.map_err(status::internal)?;
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
fn read_header(path: &Path) -> std::io::Result<EncodedHeader> {
    let broken = |problem: &str| std::io::Error::other(format!("{}: {problem}", path.display()));
    let mut file = File::open(path)?;
    let mut start = [0_u8; 16];
    file.read_exact(&mut start)?;
    let (magic, length) = start.split_at(8);
    let length = length.iter().rev().fold(0_u64, |length, byte| length << 8 | u64::from(*byte));
    if magic != MAGIC || length > HEADER_BYTES_MAX {
        return Err(broken("not an encoded dataset"));
    }
    let mut json = Vec::new();
    file.take(length).read_to_end(&mut json)?;
    serde_json::from_slice(&json).map_err(|error| broken(&error.to_string()))
}
