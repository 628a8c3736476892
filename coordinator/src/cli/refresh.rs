//! `sweep report --watch`: rewrites a report whenever its sweep changed, until the sweep ends.

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use sweep_proto::wire::ReportRequest;
use tokio::time::Instant;

use super::client::{self, Client};
use super::exit::{Exit, Failure};
use super::follow::{AWAY_MAX, Event, Follower};
use super::interrupt::Interrupt;
use super::report_folder::{self, Overwrite};
use super::{Context, files, output, report};
use coordinator::json::Sweep;

/// Shortest time between two rewrites: a report of a large sweep takes a core for about a second.
const REWRITE_INTERVAL: Duration = Duration::from_secs(3);

/// Rewrites the report of a sweep into a folder until the sweep ends, and tells a line of each rewrite.
///
/// # Errors
/// Where the folder holds something else. Who leaves has the last report.
pub(super) async fn until_the_end(
    client: &mut Client,
    request: ReportRequest,
    named: Option<PathBuf>,
    overwrite: Overwrite,
    context: &Context,
) -> Result<(), Failure> {
    // The number, because a newer sweep may take the name while we watch.
    let sweep = client::get(client, Some(&request.sweep)).await?;
    let id = sweep.id;
    let request = ReportRequest { sweep: id.to_string(), ..request };
    let directory = &report_folder::for_sweep(named, (&sweep.name, id), overwrite)?;
    files::check_writable(directory)?;
    let mut interrupt = Interrupt::listen()?;
    let mut follower = Follower::new(client.clone(), id);
    let mut changed: Option<Box<Sweep>> = None;
    let mut next = Instant::now();
    let mut away_since = None;
    let mut reader_gone = pin!(output::reader_gone());
    loop {
        let has_ended = changed.as_ref().is_some_and(|sweep| sweep.has_ended());
        tokio::select! {
            event = follower.next(), if !has_ended => match event? {
                Event::Status(sweep) => changed = Some(sweep),
                Event::Lost(reason) => output::note(&format!("connecting again: {}", output::plain(&reason))),
            },
            () = tokio::time::sleep_until(next), if changed.is_some() => {}
            () = &mut reader_gone => return Err(Failure::reader_gone()),
            () = interrupt.requested() => {
                output::note(&format!("the sweep goes on, the report stays as it is; `sweep report {id} --watch` rewrites it again"));
                return Ok(());
            }
        }
        let Some(sweep) = changed.take_if(|_| Instant::now() >= next) else { continue };
        next = Instant::now() + REWRITE_INTERVAL;
        match report::fetch(client, request.clone(), directory).await {
            Ok(names) => {
                away_since = None;
                tell(&sweep, directory, &names, context)?;
            }
            // The follower counts, too, but nobody asks it once the sweep has ended.
            Err(failure)
                if failure.exit == Exit::Unavailable
                    && away_since.get_or_insert_with(Instant::now).elapsed() <= AWAY_MAX =>
            {
                output::note(&format!("not rewritten: {}", output::plain(&failure.message)));
                changed = Some(sweep);
                continue;
            }
            Err(failure) => return Err(failure),
        }
        if sweep.has_ended() {
            return Ok(());
        }
    }
}

fn tell(sweep: &Sweep, directory: &Path, names: &[String], context: &Context) -> Result<(), Failure> {
    let ledger = &sweep.ledger;
    if context.output.json {
        return context.output.json_line(&serde_json::json!({
            "directory": directory.display().to_string(),
            "files": names,
            "state": sweep.state,
            "trials_ended": ledger.ended(),
            "trials_planned": (!sweep.is_open_ended()).then_some(ledger.planned),
            "epochs_done": sweep.epochs_done,
        }));
    }
    context.output.text(&format!(
        "wrote {}: {} trials ended, {} epochs, {}",
        files::main_page(directory, names).display(),
        sweep.trials_ended_as(|count| count.to_string()),
        sweep.epochs_done,
        output::plain(sweep.state.words()),
    ))
}
