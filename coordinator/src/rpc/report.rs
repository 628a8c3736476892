//! The consolidated report: the records of a sweep, rendered, as a stream of files.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use coordinator_core::Engine;
use coordinator_report::{Language, Price, ReportError, ReportInput};
use sweep_proto::{SweepId, Timestamp, TrialId, wire};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::blobs::{self, Download, FileParts};
use super::report_cache::{Files, Wanted};
use super::{Shared, Work, hard_texts, seal, status};
use crate::config::Texts;
use crate::security::caller::Caller;

/// Prices of one request: more device models than a sweep has.
const PRICES_MAX: usize = 64;

/// The report of a sweep as a stream, with what its devices cost where prices are given.
pub(super) async fn report(
    shared: &Shared,
    caller: Caller,
    sweep: SweepId,
    prices: Vec<wire::DevicePrice>,
    language: Language,
    without_texts: bool,
) -> Result<FileParts, Status> {
    let wishes = Wishes { prices: checked(prices)?, language, without_texts };
    let files = files(shared, caller, sweep, wishes).await?;
    let files = files.iter().map(|(name, bytes)| (name.clone(), Download::Bytes(bytes.clone()))).collect();
    Ok(blobs::download(shared, files))
}

/// What somebody wants of a report.
#[derive(Debug, Default)]
pub(crate) struct Wishes {
    pub(crate) prices: Vec<Price>,
    pub(crate) language: Language,
    /// Whether it tells no text of the dataset.
    pub(crate) without_texts: bool,
}

/// The report of a sweep: its files by their names. One that was made from the same rows is given again.
pub(crate) async fn files(
    shared: &Shared,
    caller: Caller,
    sweep: SweepId,
    wishes: Wishes,
) -> Result<Files, Status> {
    let wanted = Wanted { sweep, wishes: format!("{wishes:?}") };
    // Looked at before the rows are: these are of this version or a later one.
    let version = shared.driver.notices().version(sweep);
    let make = async {
        let files = made(shared, caller, sweep, wishes).await?;
        Ok(Files::new(files.into_iter().map(|(name, bytes)| (name, Bytes::from(bytes))).collect()))
    };
    shared.reports.get(wanted, version, make).await
}

async fn made(
    shared: &Shared,
    caller: Caller,
    sweep: SweepId,
    wishes: Wishes,
) -> Result<Vec<(String, Vec<u8>)>, Status> {
    let permit = shared.turn(Work::Report, caller).await?;
    let mut input = shared.report_input(sweep).await?;
    let Wishes { prices, language, without_texts } = wishes;
    input.prices = prices;
    // What the operator keeps private nobody gets, whatever they ask for.
    if !without_texts && shared.texts == Texts::Told {
        input.texts = hard_texts::of(shared, &input).await;
    }
    let signer = shared.signer.clone();
    // Dropped with whoever waits: the rendering ends then between two of its parts.
    let left = CancellationToken::new();
    let _leaves = left.clone().drop_guard();
    let rendered = tokio::task::spawn_blocking(move || {
        let _held = permit;
        let rendered = coordinator_report::render_while(&input, language, &|| !left.is_cancelled());
        let mut files = rendered.map_err(|error| match error {
            ReportError::Abandoned => Status::cancelled(error.to_string()),
            error => status::internal(error),
        })?;
        if let Some(signer) = signer {
            seal::add_signature(&signer, &input, &mut files)?;
        }
        Ok(files)
    });
    rendered.await.map_err(status::internal)?
}

/// The language that a client asks for; English where it asks for none.
pub(crate) fn language(tag: &str) -> Result<Language, Status> {
    if tag.is_empty() { Ok(Language::default()) } else { tag.parse().map_err(status::invalid) }
}

fn checked(prices: Vec<wire::DevicePrice>) -> Result<Vec<Price>, Status> {
    if prices.len() > PRICES_MAX {
        return Err(Status::invalid_argument(format!("a report takes at most {PRICES_MAX} prices")));
    }
    let is_price = |price: f64| price.is_finite() && price >= 0.0;
    if prices.iter().any(|price| !is_price(price.per_device_hour)) {
        return Err(Status::invalid_argument("a price must be a number from 0"));
    }
    let price = |one: wire::DevicePrice| Price { device: one.device, per_device_hour: one.per_device_hour };
    Ok(prices.into_iter().map(price).collect())
}

impl Shared {
    /// What the report of a sweep is made from, read in one look.
    pub(crate) async fn report_input(&self, sweep: SweepId) -> Result<ReportInput, Status> {
        let input = self.driver.read(move |engine, now| collect(engine, sweep, now)).await;
        input.map_err(status::of_driver)?.ok_or_else(|| Status::not_found("there is no such sweep"))
    }
}

/// What the report is made from: the sweep's rows, and the curves of the trials that it reused.
pub(crate) fn collect(engine: &Engine, id: SweepId, now: Timestamp) -> Option<ReportInput> {
    let tables = engine.tables();
    let sweep = engine.sweep(id)?.clone();
    // As they will be, so that a report that is made while many follow the sweep's end stays the same.
    let trials: Vec<_> = tables.trials_of(id).map(|trial| engine.followed(trial)).collect();
    let origins = trials.iter().filter_map(|trial| trial.reused_from);
    let of: BTreeSet<TrialId> = trials.iter().map(|trial| trial.spec.id).chain(origins).collect();
    let attempts: Vec<_> = of.iter().flat_map(|trial| tables.attempts_of(*trial)).cloned().collect();
    let epochs = of.iter().flat_map(|trial| tables.epochs_of(*trial)).cloned().collect();
    let workers: BTreeSet<_> = attempts.iter().map(|attempt| attempt.worker).collect();
    // An ended sweep's report is of its end, whenever it is made: the same records give the same bytes.
    let as_of = sweep.ended_at.filter(|_| sweep.state.is_ended()).unwrap_or(now);
    Some(ReportInput {
        sweep,
        trials,
        attempts,
        epochs,
        workers: workers.iter().filter_map(|worker| tables.workers.get(worker)).cloned().collect(),
        generated_at_ms: as_of.0,
        build: env!("CARGO_PKG_VERSION").to_owned(),
        prices: Vec::new(),
        texts: BTreeMap::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_numbers_from_nought_and_few() {
        let price = |per_device_hour| wire::DevicePrice { device: "H100".to_owned(), per_device_hour };
        let kept = checked(vec![price(2.49)]);
        assert_eq!(kept.ok(), Some(vec![Price { device: "H100".to_owned(), per_device_hour: 2.49 }]));
        for wrong in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(checked(vec![price(wrong)]).is_err(), "{wrong}");
        }
        assert!(checked(vec![price(1.0); PRICES_MAX]).is_ok());
        assert!(checked(vec![price(1.0); PRICES_MAX + 1]).is_err());
    }
}
