//! Garbage: what was kept for long enough is removed, every few minutes and when an administrator says so.
//!
//! What may go the engine decides (`coordinator_core::Keep`); here are the files beside the rows, and the room that removed rows leave.

use std::collections::BTreeSet;
use std::time::Duration;

use coordinator_core::{AuditNote, Command, Engine, Keep, Reply, Waste};
use coordinator_dataset::Spare;
use coordinator_store::{FreeSpace, StoreError};
use sweep_proto::{Digest, TrialId, wire};
use tonic::Status;

use super::caller::Act;
use super::{Shared, status};
use crate::driver::ORPHAN_AGE_MIN;

/// What the audit log calls it.
const ACTION: &str = "collect garbage";

/// Age below which prepared files stay that no sweep names: whoever prepares many variants names them when all are there.
const PREPARED_AGE_MIN: Duration = Duration::from_hours(24);

/// Pause between two looks by itself.
const INTERVAL: Duration = Duration::from_mins(10);

/// Removes what a request says, or tells what that is.
pub(super) async fn collect_garbage(
    shared: &Shared,
    act: &Act,
    request: &wire::CollectGarbageRequest,
) -> Result<wire::CollectGarbageReply, Status> {
    let told = |wanted: Option<wire::KeepFor>, kept| wanted.map_or(kept, |wanted| wanted.ms);
    let keep = Keep {
        unused_ms: told(request.unused, shared.keep.unused_ms),
        steps_ms: told(request.steps, shared.keep.steps_ms),
        models_ms: told(request.models, shared.keep.models_ms),
    };
    if request.dry_run {
        return look(shared, keep).await;
    }
    let note = act.note(ACTION, String::new());
    let collected = collect(shared, keep, note, request.rebuild).await;
    if let Err(refusal) = &collected {
        shared.refused(act, ACTION, "", refusal).await;
    }
    collected
}

/// Removes every ten minutes what was kept for long enough, until the server stops.
pub(crate) async fn keep_clean(shared: Shared) {
    let note = AuditNote::of_coordinator(ACTION, String::new());
    loop {
        tokio::select! {
            () = shared.shutdown.cancelled() => return,
            () = tokio::time::sleep(INTERVAL) => {}
        }
        // Blobs that nothing refers to the driver looks for by itself.
        if let Err(refusal) = clean(&shared, &note).await {
            // This coordinator stands by, or its disk is full.
            tracing::debug!(reason = refusal.message(), "garbage stays for now");
        }
    }
}

async fn clean(shared: &Shared, note: &AuditNote) -> Result<(), Status> {
    let waste = forget(shared, shared.keep, note).await?;
    if !waste.is_nothing() {
        tracing::info!(
            workers = waste.workers,
            certificates = waste.certificates,
            tokens = waste.tokens,
            trials_with_steps = waste.trials_with_steps(),
            models = waste.models,
            shelved = waste.shelved,
            "removed what was kept for long enough"
        );
    }
    let (files, bytes) = remove(spare_files(shared, named(shared).await?).await?).await?;
    if files > 0 {
        tracing::info!(files, bytes, "removed prepared data that no sweep names");
    }
    give_back(shared).await
}

/// What would go.
async fn look(shared: &Shared, keep: Keep) -> Result<wire::CollectGarbageReply, Status> {
    let due = move |engine: &Engine, now| engine.waste(now, &keep);
    let waste = shared.driver.read(due).await.map_err(status::of_driver)?;
    let named = named(shared).await?;
    let orphans =
        shared.artifacts.look_for_orphans(&named, ORPHAN_AGE_MIN).await.map_err(status::internal)?;
    let prepared = spare_files(shared, named).await?;
    let step_bytes = step_bytes(shared, &waste).await?;
    let free = free_space(shared).await?;
    let (database_bytes, left) = if free.needs_rebuild { (0, free.bytes) } else { (free.bytes, 0) };
    Ok(wire::CollectGarbageReply {
        orphans: orphans.count,
        orphan_bytes: orphans.bytes,
        prepared_files: prepared.len() as u64,
        prepared_bytes: prepared.iter().map(|file| file.bytes).sum(),
        step_bytes,
        database_bytes,
        database_bytes_left: left,
        ..of_waste(&waste)
    })
}

/// Removes everything that may go, a bounded part at a time: everybody else has their turn in between.
async fn collect(
    shared: &Shared,
    keep: Keep,
    by: AuditNote,
    rebuild: bool,
) -> Result<wire::CollectGarbageReply, Status> {
    let due = move |engine: &Engine, now| engine.waste(now, &keep);
    let due = shared.driver.read(due).await.map_err(status::of_driver)?;
    let step_bytes = step_bytes(shared, &due).await?;
    let waste = forget(shared, keep, &by).await?;
    // Models that went just now are no orphans yet: readers may be in the middle of them, and the driver removes them soon.
    let removal = shared.artifacts.removal().await;
    let named = named(shared).await?;
    let orphans = removal.orphans(&named, ORPHAN_AGE_MIN).await.map_err(status::internal)?;
    drop(removal);
    let prepared = spare_files(shared, named).await?;
    let (prepared_files, prepared_bytes) = remove(prepared).await?;
    let before = free_space(shared).await?;
    if rebuild {
        shared.driver.rebuild().await.map_err(status::of_driver)?;
    }
    give_back(shared).await?;
    let left = free_space(shared).await?;
    Ok(wire::CollectGarbageReply {
        orphans: orphans.count,
        orphan_bytes: orphans.bytes,
        prepared_files,
        prepared_bytes,
        step_bytes,
        database_bytes: before.bytes.saturating_sub(left.bytes),
        database_bytes_left: if left.needs_rebuild { left.bytes } else { 0 },
        ..of_waste(&waste)
    })
}

/// Lets the engine forget part after part, until nothing is left.
async fn forget(shared: &Shared, keep: Keep, by: &AuditNote) -> Result<Waste, Status> {
    let mut waste = Waste::default();
    loop {
        let command = Command::Forget { keep, by: by.clone() };
        match shared.driver.command(command).await.map_err(status::of_driver)? {
            Reply::Forgotten(Some(part)) => waste.add(part),
            _ => return Ok(waste),
        }
    }
}

async fn named(shared: &Shared) -> Result<BTreeSet<Digest>, Status> {
    shared.driver.read(|engine: &Engine, _| engine.named_blobs()).await.map_err(status::of_driver)
}

async fn give_back(shared: &Shared) -> Result<(), Status> {
    while shared.driver.give_back().await.map_err(status::of_driver)? > 0 {}
    Ok(())
}

fn of_waste(waste: &Waste) -> wire::CollectGarbageReply {
    wire::CollectGarbageReply {
        workers: waste.workers,
        certificates: waste.certificates,
        tokens: waste.tokens,
        trials_with_steps: waste.trials_with_steps(),
        models: waste.models + waste.shelved,
        model_bytes: waste.model_bytes,
        ..Default::default()
    }
}

/// Prepared files of data that no sweep names. Fresh ones are about to be named.
async fn spare_files(shared: &Shared, named: BTreeSet<Digest>) -> Result<Vec<Spare>, Status> {
    let cache = shared.dataset_cache.clone();
    let look = move || coordinator_dataset::spare_files(&cache, &named, PREPARED_AGE_MIN);
    tokio::task::spawn_blocking(look).await.map_err(status::internal)?.map_err(status::internal)
}

async fn remove(files: Vec<Spare>) -> Result<(u64, u64), Status> {
    let remove = move || {
        let (mut count, mut bytes) = (0, 0);
        for file in files {
            match std::fs::remove_file(&file.path) {
                Ok(()) => (count, bytes) = (count + 1, bytes + file.bytes),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok((count, bytes))
    };
    tokio::task::spawn_blocking(remove).await.map_err(status::internal)?.map_err(status::internal)
}

async fn step_bytes(shared: &Shared, waste: &Waste) -> Result<u64, Status> {
    let from: Vec<TrialId> = waste.steps.iter().map(|(first, _)| *first).collect();
    let mut reader = shared.driver.reader().await.map_err(status::of_driver)?;
    let look =
        move || from.into_iter().map(|first| reader.step_bytes(first)).sum::<Result<u64, StoreError>>();
    tokio::task::spawn_blocking(look).await.map_err(status::internal)?.map_err(status::internal)
}

async fn free_space(shared: &Shared) -> Result<FreeSpace, Status> {
    let mut reader = shared.driver.reader().await.map_err(status::of_driver)?;
    let look = move || reader.free_space();
    tokio::task::spawn_blocking(look).await.map_err(status::internal)?.map_err(status::internal)
}
