//! The plain HTTP routes: health, the JSON API, and what a bare machine installs.

use std::io;
use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use coordinator_core::Engine;
use serde::Deserialize;

use crate::json;
use crate::rpc::{Shared, lists, patient};

/// The routes. Each stands in the table of roles, which the gate before them asks.
pub(crate) fn routes(shared: Shared) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .route("/install.sh", get(install_script))
        .route("/download/sweep-worker", get(program))
        .route("/api/v1/sweeps", get(sweeps))
        .route("/api/v1/workers", get(workers))
        .with_state(shared)
}

/// Whether the store answers.
async fn ready(State(shared): State<Shared>) -> Response {
    let is_stopping = shared.shutdown.is_cancelled();
    match shared.driver.read(|_: &Engine, _| ()).await {
        Ok(()) if !is_stopping => "ready\n".into_response(),
        Ok(()) => (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}

async fn install_script(State(shared): State<Shared>) -> Response {
    match &shared.install {
        Some(install) => {
            ([(header::CONTENT_TYPE, "text/x-shellscript")], install.script().to_owned()).into_response()
        }
        None => {
            (StatusCode::NOT_FOUND, "this coordinator has no sweep-worker to give away\n").into_response()
        }
    }
}

async fn program(State(shared): State<Shared>) -> Response {
    let Some(install) = &shared.install else {
        return (StatusCode::NOT_FOUND, "this coordinator has no sweep-worker to give away\n")
            .into_response();
    };
    let (install, (parts, stream)) =
        (Arc::clone(install), patient(1, || io::Error::other("nothing of it was read for too long")));
    tokio::spawn(async move {
        let mut offset = 0;
        loop {
            let part = install.read(offset).await;
            match &part {
                Ok(part) if part.is_empty() => return,
                Ok(part) => offset += part.len() as u64,
                Err(error) => tracing::error!(%error, "the worker's program cannot be read"),
            }
            let has_failed = part.is_err();
            if parts.send(part).await.is_err() || has_failed {
                return;
            }
        }
    });
    let body = axum::body::Body::from_stream(stream);
    ([(header::CONTENT_TYPE, "application/octet-stream")], body).into_response()
}

/// Which sweep, if not all.
#[derive(Debug, Deserialize)]
struct Wanted {
    sweep: Option<String>,
}

async fn sweeps(State(shared): State<Shared>, Query(wanted): Query<Wanted>) -> Response {
    let answer = match wanted.sweep {
        Some(name) => lists::sweep(&shared, name).await.map(|status| vec![status]),
        None => lists::sweeps(&shared).await,
    };
    match answer {
        Ok(sweeps) => Json(sweeps.into_iter().map(json::Sweep::from).collect::<Vec<_>>()).into_response(),
        Err(status) => refused(&status),
    }
}

async fn workers(State(shared): State<Shared>) -> Response {
    match lists::workers(&shared).await {
        Ok(workers) => Json(workers.into_iter().map(json::Worker::from).collect::<Vec<_>>()).into_response(),
        Err(status) => refused(&status),
    }
}

fn refused(status: &tonic::Status) -> Response {
    let code = match status.code() {
        tonic::Code::NotFound => StatusCode::NOT_FOUND,
        tonic::Code::InvalidArgument => StatusCode::BAD_REQUEST,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    (code, Json(serde_json::json!({ "error": status.message() }))).into_response()
}
