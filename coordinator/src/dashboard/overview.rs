//! The list of sweeps and the table of workers, and how both follow what happens.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use coordinator_core::Engine;
use coordinator_report::sections::format;
use serde::Serialize;
use sweep_proto::{Timestamp, TrialState};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::events::{self, Events, Over};
use super::frame::{Frame, Viewer, page, rendered};
use super::refusal::Refusal;
use super::workers::{self, Row};
use super::{Dashboard, cache};
use crate::json::Sweep;
use crate::rpc::lists;
use crate::status;

/// Shortest time between two looks at everything.
const INTERVAL: Duration = Duration::from_secs(1);

/// What all viewers of these pages share.
#[derive(Debug, Default)]
pub(super) struct Overview(Mutex<Option<Drawn>>);

#[derive(Clone, Debug)]
struct Drawn {
    tables: Arc<Tables>,
    renewable_at: Instant,
}

/// The two tables as HTML, by the ids of their places.
#[derive(Debug, PartialEq, Serialize)]
struct Tables {
    sweeps: String,
    workers: String,
}

#[derive(Template)]
#[template(path = "dashboard/sweeps.html")]
struct Sweeps {
    frame: Frame,
    tables: Arc<Tables>,
}

#[derive(Template)]
#[template(path = "dashboard/workers.html")]
struct Workers {
    frame: Frame,
    tables: Arc<Tables>,
}

#[derive(Template)]
#[template(path = "dashboard/sweeps_table.html")]
struct SweepsTable {
    /// Newest first.
    sweeps: Vec<Sweep>,
}

#[derive(Template)]
#[template(path = "dashboard/workers_table.html")]
struct WorkersTable {
    rows: Vec<Row>,
    count: usize,
}

/// `GET /`
pub(super) async fn sweeps(State(dashboard): State<Dashboard>, viewer: Viewer) -> Result<Response, Refusal> {
    let Drawn { tables, .. } = dashboard.look().await?;
    page(&Sweeps { frame: Frame::of(&viewer), tables })
}

/// `GET /workers`
pub(super) async fn workers(State(dashboard): State<Dashboard>, viewer: Viewer) -> Result<Response, Refusal> {
    let Drawn { tables, .. } = dashboard.look().await?;
    page(&Workers { frame: Frame::of(&viewer), tables })
}

/// `GET /events`
pub(super) async fn events(
    State(dashboard): State<Dashboard>,
    viewer: Viewer,
    headers: HeaderMap,
) -> Response {
    events::stream(dashboard, viewer, headers, tell)
}

async fn tell(events: Events) -> Result<(), Over> {
    let mut told: Option<(Arc<Tables>, Instant)> = None;
    loop {
        let Drawn { tables, renewable_at } = events.dashboard.look().await.map_err(|_| Over)?;
        let is_known =
            told.as_ref().is_some_and(|(before, at)| *before == tables && at.elapsed() < events::IDLE);
        if !is_known {
            let message = serde_json::json!({ "parts": &*tables }).to_string();
            events.send(&message).await?;
            told = Some((tables, Instant::now()));
        }
        tokio::select! {
            () = events.closed() => return Err(Over),
            () = tokio::time::sleep_until(renewable_at) => {}
        }
    }
}

impl Overview {
    /// Whoever looks next sees what is.
    pub(super) async fn forget(&self) {
        *self.0.lock().await = None;
    }
}

impl Dashboard {
    async fn look(&self) -> Result<Drawn, Refusal> {
        let mut last = self.overview.0.lock().await;
        let began = Instant::now();
        if let Some(look) = &*last
            && began < look.renewable_at
        {
            return Ok(look.clone());
        }
        let tables = Arc::new(self.tables().await?);
        let look = Drawn { tables, renewable_at: cache::renewable_at(began, INTERVAL) };
        *last = Some(look.clone());
        Ok(look)
    }

    async fn tables(&self) -> Result<Tables, Refusal> {
        let sweeps = lists::sweeps(&self.shared).await?;
        let sweeps = sweeps.into_iter().rev().map(Sweep::from).collect();
        let look = |engine: &Engine, now: Timestamp| workers::of(engine, now);
        let (rows, count) = self.shared.driver.read(look).await.map_err(status::of_driver)?;
        Ok(Tables {
            sweeps: rendered(&SweepsTable { sweeps })?,
            workers: rendered(&WorkersTable { rows, count })?,
        })
    }
}

impl SweepsTable {
    fn failed(sweep: &Sweep) -> u64 {
        sweep.ledger.of(TrialState::Failed)
    }

    fn progress(sweep: &Sweep) -> String {
        sweep.trials_ended_as(format::count)
    }

    fn best(sweep: &Sweep) -> String {
        sweep.best.first().map_or_else(String::new, |best| {
            let (by, value) = (sweep.objective.words(), sweep.told_value(best.objective));
            format!("{by} {value} over {} ({})", sweep.replicates_of(best), best.label)
        })
    }
}
