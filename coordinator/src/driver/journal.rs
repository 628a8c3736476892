//! What the log says of durable changes, with the ids of sweep, trial, attempt and worker.

use coordinator_core::{AttemptState, Engine, Key, Mutation};

/// Writes the log line of a mutation that is about to replace the row in the engine.
pub(super) fn record(engine: &Engine, mutation: &Mutation) {
    let tables = engine.tables();
    match mutation {
        Mutation::Sweep(sweep) => {
            let before = tables.sweeps.get(&sweep.id).map(|before| before.state);
            if before != Some(sweep.state) {
                tracing::info!(sweep = %sweep.id, name = sweep.spec.name, state = sweep.state.name(), "sweep");
            }
        }
        Mutation::Trial(trial) => {
            let before = tables.trials.get(&trial.spec.id).map(|before| before.state);
            if before.is_some_and(|before| before != trial.state) {
                tracing::debug!(sweep = %trial.spec.id.sweep, trial = %trial.spec.id, state = trial.state.name(), "trial");
            }
        }
        Mutation::Attempt(attempt) => {
            let (id, worker) = (attempt.id, attempt.worker);
            let (sweep, trial) = (id.trial.sweep, id.trial);
            let name = &*attempt.worker_name;
            if tables.attempts.get(&id).is_some_and(|before| before.state == attempt.state) {
                return;
            }
            match attempt.state {
                AttemptState::Running => {
                    tracing::info!(%sweep, %trial, attempt = %id, %worker, name, token = %attempt.token, "lease granted");
                }
                AttemptState::Succeeded => {
                    tracing::info!(%sweep, %trial, attempt = %id, %worker, name, "attempt succeeded");
                }
                AttemptState::Reached | AttemptState::Pruned => {
                    let state = attempt.state.name();
                    tracing::info!(%sweep, %trial, attempt = %id, %worker, name, state, "attempt ended with its epoch");
                }
                AttemptState::Released => {
                    tracing::info!(%sweep, %trial, attempt = %id, %worker, name, "attempt handed back");
                }
                state => {
                    let error = attempt.error.as_deref().unwrap_or_default();
                    tracing::warn!(%sweep, %trial, attempt = %id, %worker, name, ?state, error, "attempt ended");
                }
            }
        }
        Mutation::Worker(worker) => {
            let before = tables.workers.get(&worker.id).map(|before| before.state);
            if before != Some(worker.state) {
                tracing::info!(worker = %worker.id, name = worker.profile.name, state = worker.state.name(), "worker");
            }
        }
        Mutation::Epoch(epoch) => {
            tracing::debug!(sweep = %epoch.trial.sweep, trial = %epoch.trial, epoch = epoch.metric.epoch, "epoch");
        }
        Mutation::SearchEvent(event) => {
            tracing::debug!(sweep = %event.sweep, number = event.number, event = ?event.event, "search");
        }
        Mutation::Token(token) => {
            let is_revoked = token.revoked_at.is_some();
            tracing::info!(token = %token.id, role = %token.role, uses_left = token.uses_left, is_revoked, "token");
        }
        Mutation::Certificate(certificate) => {
            let is_revoked = certificate.revoked_at.is_some();
            tracing::info!(certificate = %certificate.id, worker = %certificate.worker, is_revoked, "certificate");
        }
        Mutation::TruncateEpochs { .. }
        | Mutation::LastToken(_)
        | Mutation::Audit(_)
        | Mutation::AuditBase(_)
        | Mutation::AuditSeal(_) => {}
        Mutation::Remove(key) => removed(*key),
    }
}

fn removed(key: Key) {
    match key {
        Key::Sweep(sweep) => tracing::info!(%sweep, "sweep removed"),
        Key::Trial(trial) => tracing::debug!(sweep = %trial.sweep, %trial, "trial removed"),
        Key::Steps(trial) => tracing::debug!(sweep = %trial.sweep, %trial, "step metrics removed"),
        Key::Worker(worker) => tracing::info!(%worker, "worker removed"),
        Key::Token(token) => tracing::info!(%token, "token removed"),
        Key::Certificate(certificate) => tracing::info!(%certificate, "certificate removed"),
    }
}
