//! What people and scripts call.

use std::sync::Arc;
use std::time::Duration;

use coordinator_core::{Engine, Retried};
use sweep_proto::wire::sweep_service_server::SweepService;
use sweep_proto::{SweepId, wire};
use tonic::{Request, Response, Status};

use super::acts::{self, Deleted, SweepAct};
use super::blobs::FileParts;
use super::caller::Act;
use super::launch::{self, Events};
use super::patient::{PatientSender, PatientStream, patient};
use super::{Shared, best_model, export, lists, rates, report, seal, status, sweep_status};

/// Shortest time between two messages of one watch: five a second are a smooth picture.
const WATCH_INTERVAL: Duration = Duration::from_millis(200);

/// Trials that one request may name to be tried again: more are all that failed.
const RETRIED_BY_NUMBER_MAX: usize = 10_000;

/// The sweep service.
#[derive(Clone, Debug)]
pub(crate) struct SweepRpc {
    shared: Shared,
}

impl SweepRpc {
    pub(crate) fn new(shared: Shared) -> Self {
        Self { shared }
    }

    async fn control(
        &self,
        request: Request<wire::GetRequest>,
        control: SweepAct,
    ) -> Result<Response<wire::SweepStatus>, Status> {
        let act = Act::of(&request);
        let sweep = self.shared.control(&act, request.into_inner().sweep, control).await?;
        Ok(Response::new(launch::status_of(&self.shared, sweep).await?.into()))
    }
}

#[tonic::async_trait]
impl SweepService for SweepRpc {
    type LaunchStream = Events;
    type WatchStream = PatientStream<wire::SweepStatus, Status>;
    type ReportStream = FileParts;
    type CompareStream = FileParts;
    type ExportStream = FileParts;
    type BestModelStream = FileParts;

    async fn launch(&self, request: Request<wire::LaunchRequest>) -> Result<Response<Events>, Status> {
        let (act, request) = (Act::of(&request), request.into_inner());
        let file = format!("file {}", request.file_name);
        let launched = launch::launch(&self.shared, act.clone(), request).await;
        if let Err(refusal) = &launched {
            self.shared.refused(&act, "launch", &file, refusal).await;
        }
        Ok(Response::new(launched?))
    }

    async fn list(&self, _request: Request<wire::ListRequest>) -> Result<Response<wire::ListReply>, Status> {
        let sweeps = lists::sweeps(&self.shared).await?.into_iter().map(Into::into).collect();
        Ok(Response::new(wire::ListReply { sweeps }))
    }

    async fn get(&self, request: Request<wire::GetRequest>) -> Result<Response<wire::SweepStatus>, Status> {
        let sweep = lists::resolve(&self.shared, request.into_inner().sweep).await?;
        Ok(Response::new(launch::status_of(&self.shared, sweep).await?.into()))
    }

    async fn watch(&self, request: Request<wire::GetRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let sweep = lists::resolve(&self.shared, request.into_inner().sweep).await?;
        let (updates, stream) = patient(1, status::given_up);
        let shared = self.shared.clone();
        tokio::spawn(async move {
            if let Err(error) = watch(&shared, sweep, &updates).await {
                // Whoever watched may have gone.
                _ = updates.send(Err(error)).await;
            }
        });
        Ok(Response::new(stream))
    }

    async fn cancel(
        &self,
        request: Request<wire::GetRequest>,
    ) -> Result<Response<wire::SweepStatus>, Status> {
        self.control(request, acts::CANCEL).await
    }

    async fn pause(&self, request: Request<wire::GetRequest>) -> Result<Response<wire::SweepStatus>, Status> {
        self.control(request, acts::PAUSE).await
    }

    async fn resume(
        &self,
        request: Request<wire::GetRequest>,
    ) -> Result<Response<wire::SweepStatus>, Status> {
        self.control(request, acts::RESUME).await
    }

    async fn delete(
        &self,
        request: Request<wire::GetRequest>,
    ) -> Result<Response<wire::DeleteReply>, Status> {
        let act = Act::of(&request);
        let deleted = self.shared.delete(&act, request.into_inner().sweep).await?;
        let Deleted { sweep, name, trials, kept } = deleted;
        Ok(Response::new(wire::DeleteReply { sweep: sweep.0, name, trials, kept }))
    }

    async fn retry(
        &self,
        request: Request<wire::RetryRequest>,
    ) -> Result<Response<wire::RetryReply>, Status> {
        let act = Act::of(&request);
        let wire::RetryRequest { sweep, failed, diverged, trials } = request.into_inner();
        if trials.len() > RETRIED_BY_NUMBER_MAX {
            return Err(status::invalid(format!(
                "at most {RETRIED_BY_NUMBER_MAX} trials are tried again by number; try all failed ones again"
            )));
        }
        let which = match (trials.is_empty(), failed || diverged) {
            (false, false) => Retried::Trials(trials),
            (true, true) => Retried::Every { failed, diverged },
            _ => {
                return Err(status::invalid("name trials, or ask for failed or diverged ones, and not both"));
            }
        };
        let (sweep, retried) = self.shared.retry(&act, sweep, which).await?;
        let status = launch::status_of(&self.shared, sweep).await?;
        Ok(Response::new(wire::RetryReply { sweep: Some(status.into()), retried }))
    }

    async fn extend(
        &self,
        request: Request<wire::ExtendRequest>,
    ) -> Result<Response<wire::SweepStatus>, Status> {
        let act = Act::of(&request);
        let request = request.into_inner();
        let sweep = lists::resolve(&self.shared, request.sweep.clone()).await?;
        launch::extend(&self.shared, &act, sweep, request).await?;
        Ok(Response::new(launch::status_of(&self.shared, sweep).await?.into()))
    }

    async fn report(&self, request: Request<wire::ReportRequest>) -> Result<Response<FileParts>, Status> {
        let caller = Act::of(&request).caller;
        let request = request.into_inner();
        let language = report::language(&request.language)?;
        let sweep = lists::resolve(&self.shared, request.sweep).await?;
        let (prices, without_texts) = (request.prices, request.without_texts);
        Ok(Response::new(report::report(&self.shared, caller, sweep, prices, language, without_texts).await?))
    }

    async fn compare(&self, request: Request<wire::CompareRequest>) -> Result<Response<FileParts>, Status> {
        let caller = Act::of(&request).caller;
        let wire::CompareRequest { first, second, language } = request.into_inner();
        let language = report::language(&language)?;
        let sweeps =
            [lists::resolve(&self.shared, first).await?, lists::resolve(&self.shared, second).await?];
        Ok(Response::new(export::compare(&self.shared, caller, sweeps, language).await?))
    }

    async fn export(&self, request: Request<wire::ExportRequest>) -> Result<Response<FileParts>, Status> {
        let caller = Act::of(&request).caller;
        let request = request.into_inner();
        let format = request.format();
        let sweep = lists::resolve(&self.shared, request.sweep).await?;
        Ok(Response::new(export::export(&self.shared, caller, sweep, format, request.folder_uri).await?))
    }

    async fn seal(&self, request: Request<wire::SealRequest>) -> Result<Response<wire::SealReply>, Status> {
        let caller = Act::of(&request).caller;
        let request = request.into_inner();
        let projection = seal::projection(request.projection)?;
        let sweep = lists::resolve(&self.shared, request.sweep).await?;
        Ok(Response::new(seal::seal(&self.shared, caller, sweep, projection).await?))
    }

    async fn best_model(&self, request: Request<wire::GetRequest>) -> Result<Response<FileParts>, Status> {
        let caller = Act::of(&request).caller;
        let sweep = lists::resolve(&self.shared, request.into_inner().sweep).await?;
        Ok(Response::new(best_model::best_model(&self.shared, caller, sweep).await?))
    }

    async fn workers(
        &self,
        _request: Request<wire::WorkersRequest>,
    ) -> Result<Response<wire::WorkersReply>, Status> {
        let workers = lists::workers(&self.shared).await?.into_iter().map(Into::into).collect();
        Ok(Response::new(wire::WorkersReply { workers }))
    }

    async fn rates(
        &self,
        _request: Request<wire::RatesRequest>,
    ) -> Result<Response<wire::RatesReply>, Status> {
        Ok(Response::new(rates::rates(&self.shared).await?))
    }

    async fn drain(
        &self,
        request: Request<wire::DrainRequest>,
    ) -> Result<Response<wire::DrainReply>, Status> {
        let act = Act::of(&request);
        self.shared.drain(&act, request.into_inner().worker).await?;
        Ok(Response::new(wire::DrainReply {}))
    }
}

/// Sends the status now and after every change, at a rate that eyes can follow, until the sweep has ended.
async fn watch(
    shared: &Shared,
    sweep: SweepId,
    updates: &PatientSender<wire::SweepStatus, Status>,
) -> Result<(), Status> {
    let mut changes = shared.driver.notices().of_sweep(sweep);
    loop {
        changes.mark_unchanged();
        let logs = Arc::clone(&shared.attempt_logs);
        let look = move |engine: &Engine, now| {
            let ended = engine.sweep(sweep).is_none_or(|sweep| sweep.state.is_ended());
            (sweep_status::look(engine, sweep, now, &logs), ended)
        };
        let (current, ended) = shared.driver.read(look).await.map_err(status::of_driver)?;
        let current = current.ok_or_else(|| Status::not_found("there is no such sweep"))?;
        if updates.send(Ok(current.told().await?.into())).await.is_err() || ended {
            return Ok(());
        }
        tokio::select! {
            () = shared.shutdown.cancelled() => return Err(status::stopping()),
            () = updates.closed() => return Ok(()),
            _ = changes.changed() => tokio::time::sleep(WATCH_INTERVAL).await,
        }
    }
}
