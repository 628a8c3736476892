//! Signs the reports that the coordinator makes, and tells what it would sign now.

use coordinator_report::{Projection, ReportInput, records_digest};
use sweep_proto::{Digest, SweepId, wire};
use tonic::Status;

use super::{Shared, Work, status};
use crate::report_signature::{FILE_NAME, FORMAT, Statement, public_key};
use crate::security::caller::Caller;
use crate::security::signer::Signer;

/// Adds `report.sig` to the files of a report.
pub(super) fn add_signature(
    signer: &Signer,
    input: &ReportInput,
    files: &mut Vec<(String, Vec<u8>)>,
) -> Result<(), Status> {
    let statement = Statement {
        format: FORMAT,
        sweep: input.sweep.id.0,
        name: input.sweep.spec.name.clone(),
        state: input.sweep.state.name().to_owned(),
        projection: Some(Projection::NEWEST.number()),
        records: records_digest(input, Projection::NEWEST).map_err(status::internal)?,
        files: files.iter().map(|(name, bytes)| (name.clone(), Digest::of(bytes))).collect(),
        key: String::new(),
    };
    let signed = statement.signed_by(signer.pair()).map_err(status::internal)?;
    files.push((FILE_NAME.to_owned(), signed));
    Ok(())
}

/// The projection of a request: clients of the time when there was one do not name it.
pub(super) fn projection(number: u32) -> Result<Projection, Status> {
    Projection::of_number(number.max(Projection::First.number())).ok_or_else(|| {
        Status::failed_precondition(format!(
            "the report's records are hashed in version {number}, and this coordinator knows those up to {}: a later one signed it",
            Projection::NEWEST.number()
        ))
    })
}

/// What a report of the sweep would be signed for now, and with which key.
pub(super) async fn seal(
    shared: &Shared,
    caller: Caller,
    sweep: SweepId,
    projection: Projection,
) -> Result<wire::SealReply, Status> {
    let Some(signer) = shared.signer.clone() else {
        return Err(Status::failed_precondition("this coordinator signs no reports"));
    };
    let permit = shared.turn(Work::Export, caller).await?;
    let input = shared.report_input(sweep).await?;
    let look = move || {
        let _held = permit;
        Ok(wire::SealReply {
            sweep: input.sweep.id.0,
            state: input.sweep.state.name().to_owned(),
            records: records_digest(&input, projection).map_err(status::internal)?.to_string(),
            key: public_key(signer.pair()),
            projection: projection.number(),
        })
    };
    tokio::task::spawn_blocking(look).await.map_err(status::internal)?
}
