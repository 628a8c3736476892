//! What people do on pages: each act is asked for once more, then done.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use coordinator_core::Retried;
use serde::Deserialize;

use super::Dashboard;
use super::frame::{Frame, Viewer, page};
use super::refusal::Refusal;
use crate::rpc::acts::{self, SweepAct};
use crate::rpc::lists;

#[derive(Template)]
#[template(path = "dashboard/confirm.html")]
struct Page {
    frame: Frame,
    title: String,
    consequence: &'static str,
    button: &'static str,
    is_final: bool,
    /// Where the form goes.
    action: String,
    /// Where the way back leads.
    back: String,
}

/// What a confirmation brings.
#[derive(Debug, Deserialize)]
pub(super) struct Confirmed {
    #[serde(default)]
    key: String,
}

/// A change of a sweep.
struct Change {
    control: SweepAct,
    button: &'static str,
    consequence: &'static str,
    is_final: bool,
}

const PAUSE: Change = Change {
    control: acts::PAUSE,
    button: "Pause",
    consequence: "Running trials save their state and are handed back. Resuming goes on from there.",
    is_final: false,
};

const RESUME: Change = Change {
    control: acts::RESUME,
    button: "Resume",
    consequence: "Trials are handed out again, and go on from where they stopped.",
    is_final: false,
};

const CANCEL: Change = Change {
    control: acts::CANCEL,
    button: "Cancel the sweep",
    consequence: "Finished trials are kept; what has not finished is stopped and stays cancelled. This cannot be undone.",
    is_final: true,
};

type Asked = (State<Dashboard>, Viewer, Path<String>);

pub(super) async fn ask_pause(asked: Asked) -> Result<Response, Refusal> {
    PAUSE.ask(asked).await
}

pub(super) async fn ask_resume(asked: Asked) -> Result<Response, Refusal> {
    RESUME.ask(asked).await
}

pub(super) async fn ask_cancel(asked: Asked) -> Result<Response, Refusal> {
    CANCEL.ask(asked).await
}

pub(super) async fn pause(asked: Asked, Form(form): Form<Confirmed>) -> Result<Response, Refusal> {
    PAUSE.make(asked, &form).await
}

pub(super) async fn resume(asked: Asked, Form(form): Form<Confirmed>) -> Result<Response, Refusal> {
    RESUME.make(asked, &form).await
}

pub(super) async fn cancel(asked: Asked, Form(form): Form<Confirmed>) -> Result<Response, Refusal> {
    CANCEL.make(asked, &form).await
}

impl Change {
    async fn ask(&self, (State(dashboard), viewer, Path(name)): Asked) -> Result<Response, Refusal> {
        let sweep = lists::resolve(&dashboard.shared, name).await?;
        page(&Page {
            frame: Frame::of(&viewer),
            title: format!("{} sweep {sweep}?", capitalized(self.control.name)),
            consequence: self.consequence,
            button: self.button,
            is_final: self.is_final,
            action: format!("/sweeps/{sweep}/{}", self.control.name),
            back: format!("/sweeps/{sweep}"),
        })
    }

    async fn make(
        &self,
        (State(dashboard), viewer, Path(name)): Asked,
        form: &Confirmed,
    ) -> Result<Response, Refusal> {
        viewer.check(&form.key)?;
        let sweep = dashboard.shared.control(&viewer.act, name, self.control).await?;
        Ok(Redirect::to(&format!("/sweeps/{sweep}")).into_response())
    }
}

/// `GET /sweeps/{sweep}/retry`
pub(super) async fn ask_retry((State(dashboard), viewer, Path(name)): Asked) -> Result<Response, Refusal> {
    let sweep = lists::resolve(&dashboard.shared, name).await?;
    page(&Page {
        frame: Frame::of(&viewer),
        title: format!("Try failed trials of sweep {sweep} again?"),
        consequence: "Each failed trial begins again, with all its tries. A sweep that has finished goes on until they have \
                      ended, and chooses again.",
        button: "Try again",
        is_final: false,
        action: format!("/sweeps/{sweep}/retry"),
        back: format!("/sweeps/{sweep}"),
    })
}

/// `POST /sweeps/{sweep}/retry`
pub(super) async fn retry(
    (State(dashboard), viewer, Path(name)): Asked,
    Form(form): Form<Confirmed>,
) -> Result<Response, Refusal> {
    viewer.check(&form.key)?;
    let which = Retried::Every { failed: true, diverged: false };
    let (sweep, _) = dashboard.shared.retry(&viewer.act, name, which).await?;
    Ok(Redirect::to(&format!("/sweeps/{sweep}")).into_response())
}

/// `GET /sweeps/{sweep}/delete`
pub(super) async fn ask_delete((State(dashboard), viewer, Path(name)): Asked) -> Result<Response, Refusal> {
    let sweep = lists::resolve(&dashboard.shared, name).await?;
    page(&Page {
        frame: Frame::of(&viewer),
        title: format!("Delete sweep {sweep}?"),
        consequence: "Its trials, curves, models and data are removed. Results that later sweeps reuse \
                      are kept. This cannot be undone.",
        button: "Delete the sweep",
        is_final: true,
        action: format!("/sweeps/{sweep}/delete"),
        back: format!("/sweeps/{sweep}"),
    })
}

/// `POST /sweeps/{sweep}/delete`
pub(super) async fn delete(
    (State(dashboard), viewer, Path(name)): Asked,
    Form(form): Form<Confirmed>,
) -> Result<Response, Refusal> {
    viewer.check(&form.key)?;
    dashboard.shared.delete(&viewer.act, name).await?;
    dashboard.overview.forget().await;
    Ok(Redirect::to("/").into_response())
}

/// `GET /workers/{worker}/drain`
pub(super) async fn ask_drain((State(dashboard), viewer, Path(name)): Asked) -> Result<Response, Refusal> {
    let worker = lists::resolve_worker(&dashboard.shared, name).await?;
    page(&Page {
        frame: Frame::of(&viewer),
        title: format!("Drain worker {worker}?"),
        consequence: "It hands back what it runs, with its state saved, gets nothing new, and ends. Its trials go on \
                      elsewhere.",
        button: "Drain",
        is_final: true,
        action: format!("/workers/{worker}/drain"),
        back: "/workers".to_owned(),
    })
}

/// `POST /workers/{worker}/drain`
pub(super) async fn drain(
    (State(dashboard), viewer, Path(name)): Asked,
    Form(form): Form<Confirmed>,
) -> Result<Response, Refusal> {
    viewer.check(&form.key)?;
    dashboard.shared.drain(&viewer.act, name).await?;
    dashboard.overview.forget().await;
    Ok(Redirect::to("/workers").into_response())
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
