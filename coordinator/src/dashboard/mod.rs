//! The pages that people look at. Each route stands in the table of roles, which the gate before them asks.

mod actions;
mod analysis;
mod assets;
mod cache;
mod charts;
mod events;
mod frame;
mod headers;
mod login;
mod map;
mod overview;
mod parts;
mod picture;
mod refusal;
mod report;
mod sweep;
mod trial;
mod workers;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use coordinator_core::{Engine, SweepState};
use sweep_proto::{SweepId, TrialId};
use tonic::Status;
use tonic::body::Body;

use self::analysis::Analysis;
use self::cache::{Cache, Rules};
use self::overview::Overview;
use self::refusal::Refusal;
use self::report::Reports;
use self::sweep::View;
use crate::rpc::Shared;

/// Largest form, in bytes: a token and an address.
const FORM_BYTES_MAX: usize = 16 * 1024;

/// Shortest time between two pictures of one sweep or trial: eyes need no more.
const PICTURE_INTERVAL: Duration = Duration::from_millis(500);

/// As [`PICTURE_INTERVAL`], of what fills a core.
const ANALYSIS_INTERVAL: Duration = Duration::from_secs(5);

/// Sweeps of which a picture is kept.
const PICTURES_MAX: usize = 32;

/// Trials of which a page is kept.
const TRIALS_MAX: usize = 32;

/// Sweeps of which an analysis, or the files of a report in one language, are kept: these may be large.
const ANALYSES_MAX: usize = 2;

/// What all pages need.
#[derive(Clone, Debug)]
struct Dashboard {
    shared: Shared,
    views: Arc<Cache<SweepId, View>>,
    trials: Arc<Cache<TrialId, trial::View>>,
    analyses: Arc<Cache<SweepId, Analysis>>,
    reports: Arc<Reports>,
    overview: Arc<Overview>,
}

impl Dashboard {
    /// How a sweep stands now.
    async fn state(&self, id: SweepId) -> Result<SweepState, Refusal> {
        let look = move |engine: &Engine, _| engine.sweep(id).map(|sweep| sweep.state);
        let found = self.shared.driver.read(look).await?;
        Ok(found.ok_or_else(|| Status::not_found("there is no such sweep"))?)
    }
}

/// The page of a refusal that the gate has made.
pub(crate) fn refusal(refusal: &Status) -> Response<Body> {
    headers::secured(Refusal(refusal.clone()).into_response()).map(Body::new)
}

/// The routes.
pub(crate) fn routes(shared: Shared) -> Router {
    let dashboard = Dashboard {
        shared,
        views: Arc::new(Cache::new(Rules {
            slots_max: PICTURES_MAX,
            interval: PICTURE_INTERVAL,
            age_max: View::age_max,
        })),
        trials: Arc::new(Cache::new(Rules {
            slots_max: TRIALS_MAX,
            interval: PICTURE_INTERVAL,
            age_max: trial::View::age_max,
        })),
        analyses: Arc::new(Cache::new(Rules {
            slots_max: ANALYSES_MAX,
            interval: ANALYSIS_INTERVAL,
            age_max: |_| None,
        })),
        reports: Arc::default(),
        overview: Arc::default(),
    };
    Router::new()
        .route("/", get(overview::sweeps))
        .route("/workers", get(overview::workers))
        .route("/events", get(overview::events))
        .route("/workers/{worker}/drain", get(actions::ask_drain).post(actions::drain))
        .route("/sweeps/{sweep}", get(sweep::page))
        .route("/sweeps/{sweep}/events", get(sweep::events))
        .route("/sweeps/{sweep}/analysis", get(analysis::analysis))
        .route("/sweeps/{sweep}/report/{file}", get(report::file))
        .route("/sweeps/{sweep}/trials/{trial}", get(trial::page))
        .route("/sweeps/{sweep}/trials/{trial}/events", get(trial::events))
        .route("/sweeps/{sweep}/pause", get(actions::ask_pause).post(actions::pause))
        .route("/sweeps/{sweep}/resume", get(actions::ask_resume).post(actions::resume))
        .route("/sweeps/{sweep}/retry", get(actions::ask_retry).post(actions::retry))
        .route("/sweeps/{sweep}/cancel", get(actions::ask_cancel).post(actions::cancel))
        .route("/sweeps/{sweep}/delete", get(actions::ask_delete).post(actions::delete))
        .route("/login", get(login::ask).post(login::begin))
        .route("/logout", post(login::end))
        .route("/assets/{name}", get(assets::asset))
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .layer(map_response(async |response: Response| headers::secured(response)))
        .with_state(dashboard)
}
