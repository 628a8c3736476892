//! What is made from the records of a sweep beside its report: comparisons, and folders for other tools.

use coordinator_report::Language;
use coordinator_report::export::{ExportFormat, export as files_of};
use sweep_proto::{SweepId, wire};
use tonic::Status;

use super::blobs::{self, Download, FileParts};
use super::{Shared, Work, status};
use crate::security::caller::Caller;

/// Longest URI of a folder, in bytes: the longest path that Linux opens, each byte of it percent-encoded.
const FOLDER_URI_BYTES_MAX: usize = 3 * 4_096 + "file://".len();

/// Two sweeps side by side.
pub(super) async fn compare(
    shared: &Shared,
    caller: Caller,
    sweeps: [SweepId; 2],
    language: Language,
) -> Result<FileParts, Status> {
    if sweeps[0] == sweeps[1] {
        return Err(status::invalid("a sweep is compared with another one, not with itself"));
    }
    let permit = shared.turn(Work::Export, caller).await?;
    let (first, second) = (shared.report_input(sweeps[0]).await?, shared.report_input(sweeps[1]).await?);
    let render = move || {
        let _held = permit;
        coordinator_report::render_comparison([&first, &second], language)
    };
    let files = tokio::task::spawn_blocking(render).await.map_err(status::internal)?;
    Ok(stream(shared, files.map_err(status::internal)?))
}

/// A sweep as another tool reads it.
pub(super) async fn export(
    shared: &Shared,
    caller: Caller,
    sweep: SweepId,
    format: wire::ExportFormat,
    folder_uri: String,
) -> Result<FileParts, Status> {
    let format = match format {
        wire::ExportFormat::Tensorboard => ExportFormat::TensorBoard,
        wire::ExportFormat::Mlflow => ExportFormat::Mlflow { folder_uri: checked(folder_uri)? },
        wire::ExportFormat::Unspecified => return Err(status::invalid("a format to export to is missing")),
    };
    let permit = shared.turn(Work::Export, caller).await?;
    let input = shared.report_input(sweep).await?;
    let write = move || {
        let _held = permit;
        files_of(&input, &format)
    };
    let files = tokio::task::spawn_blocking(write).await.map_err(status::internal)?;
    Ok(stream(shared, files.map_err(|error| Status::failed_precondition(error.to_string()))?))
}

/// It comes back to the caller alone, once for each run: long ones are refused, and what it says is the caller's business.
fn checked(folder_uri: String) -> Result<String, Status> {
    if folder_uri.is_empty() {
        return Ok("./".to_owned());
    }
    if folder_uri.len() > FOLDER_URI_BYTES_MAX || !folder_uri.ends_with('/') {
        return Err(status::invalid(format!(
            "the URI of the folder to export to has at most {FOLDER_URI_BYTES_MAX} bytes and ends with a slash; export to a \
             folder with a shorter path"
        )));
    }
    Ok(folder_uri)
}

fn stream(shared: &Shared, files: Vec<(String, Vec<u8>)>) -> FileParts {
    let files = files.into_iter().map(|(name, bytes)| (name, Download::Bytes(bytes.into()))).collect();
    blobs::download(shared, files)
}
