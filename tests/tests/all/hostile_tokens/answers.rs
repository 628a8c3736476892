//! Answers that are files, and are read slowly: a report, a model, exports, a comparison end with their reader's rights.

use anyhow::{Context, Result, ensure};
use sweep_proto::Token;
use sweep_proto::wire;
use sweep_proto::wire::sweep_service_client::SweepServiceClient;
use sweep_tests::castle::Castle;
use sweep_tests::ledger::finished_by;
use sweep_tests::member::{runtime, told};
use sweep_tests::processes::wait_until;
use sweep_transport::{Bearer, ClientIdentity, Dial, Trust};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status, Streaming};

use super::{id, is_valid};

/// Two sweeps of it have answers larger than what is under way to a reader who stands still: wide models, many runs.
const SWEEP: &str = r#"
name = "read"
[data]
dataset = "snippets"
max_length = 12
vocabulary = 2000
train_rows = 100
test_rows = 40
[grid]
units = [2, 4]
[model]
embedding = 128
[train]
epochs = 1
replicates = 12
"#;

/// Bytes that a coordinator may send before more are asked for: what lies between it and a reader who stands still is then the
/// message that it is at, and the queue before that.
const WINDOW_BYTES: u32 = 1_024;

/// How long the short token lasts: enough to begin every answer, and less than a reader may stand still.
const SHORT: &str = "20s";

/// Files that come one after another, and how many bytes of them were read.
struct Answer {
    what: &'static str,
    parts: Streaming<wire::FilePart>,
    read_bytes: usize,
}

impl Answer {
    /// Reads one part; `false` at the end.
    async fn read(&mut self) -> Result<bool, Status> {
        let part = self.parts.message().await?;
        self.read_bytes += part.as_ref().map_or(0, |part| part.data.len());
        Ok(part.is_some())
    }

    /// Reads all that still comes; how it ended.
    async fn read_on(&mut self) -> Result<(), Status> {
        while self.read().await? {}
        Ok(())
    }
}

type Client = SweepServiceClient<InterceptedService<Channel, Bearer>>;

fn client(castle: &Castle, token: &str) -> Result<Client> {
    let token: Token = token.parse()?;
    let trust = Trust { pin: token.pin, identity: ClientIdentity::default() };
    let dial = Dial::new(castle.url().parse()?, Some(&trust));
    let endpoint = Endpoint::from_static("http://coordinator").initial_stream_window_size(WINDOW_BYTES);
    let channel = endpoint.connect_with_connector_lazy(dial);
    Ok(SweepServiceClient::new(InterceptedService::new(channel, Bearer::new(Some(token)))))
}

/// Every answer of files, begun and not read any further.
async fn begun(castle: &Castle, token: &str) -> Result<Vec<Answer>> {
    let mut client = client(castle, token)?;
    let sweep = || "1".to_owned();
    let export = |format: wire::ExportFormat| wire::ExportRequest {
        sweep: sweep(),
        format: format.into(),
        ..wire::ExportRequest::default()
    };
    let report = wire::ReportRequest { sweep: sweep(), ..wire::ReportRequest::default() };
    let compare =
        wire::CompareRequest { first: sweep(), second: "2".to_owned(), ..wire::CompareRequest::default() };
    let begun = [
        ("report", client.report(report).await),
        ("model", client.best_model(wire::GetRequest { sweep: sweep() }).await),
        ("export for MLflow", client.export(export(wire::ExportFormat::Mlflow)).await),
        ("export for TensorBoard", client.export(export(wire::ExportFormat::Tensorboard)).await),
        ("comparison", client.compare(compare).await),
    ];
    let mut answers = Vec::new();
    for (what, parts) in begun {
        let parts = parts.with_context(|| format!("the {what} is refused"))?.into_inner();
        let mut answer = Answer { what, parts, read_bytes: 0 };
        ensure!(answer.read().await?, "the {what} is empty");
        answers.push(answer);
    }
    Ok(answers)
}

/// Each answer ends for this reason before it is whole.
async fn ensure_cut(answers: Vec<Answer>, whole: &[usize], reason: &str) -> Result<()> {
    for (mut answer, whole) in answers.into_iter().zip(whole) {
        let Answer { what, .. } = answer;
        let Err(end) = answer.read_on().await else {
            anyhow::bail!("the {what} ends as if all were well, after {} bytes", answer.read_bytes);
        };
        println!("{what}: {} of {whole} bytes, then {}", answer.read_bytes, told(&end));
        ensure!(end.code() == Code::Unauthenticated && end.message().contains(reason), "{what}: {end}");
        ensure!(answer.read_bytes < *whole, "the {what} came whole: {whole} bytes");
    }
    Ok(())
}

#[test]
fn answers_that_are_being_read_are_cut_off_when_the_token_is_revoked_or_expires() -> Result<()> {
    let castle = Castle::start()?;
    let _worker = castle.add_worker("worker")?;
    castle.launch(SWEEP)?;
    castle.launch(&SWEEP.replace("units = [2, 4]", "units = [2, 3]"))?;
    for sweep in ["1", "2"] {
        finished_by(|arguments| castle.sweep(arguments), castle.folder(), sweep)?;
    }
    let (viewer, stays) = (castle.token("viewer", &[])?, castle.token("viewer", &[])?);
    runtime()?.block_on(async {
        let mut whole = Vec::new();
        for mut answer in begun(&castle, &stays).await? {
            answer.read_on().await?;
            whole.push(answer.read_bytes);
        }
        let mut honest = begun(&castle, &stays).await?;
        let stolen = begun(&castle, &viewer).await?;
        castle.sweep(&["token", "revoke", id(&viewer)?])?;
        ensure_cut(stolen, &whole, "the token was revoked").await?;

        let short = castle.token("viewer", &["--ttl", SHORT])?;
        let late = begun(&castle, &short).await?;
        wait_until("the short token has expired", || Ok(!is_valid(&castle, &short)?))?;
        ensure_cut(late, &whole, "the token has expired").await?;

        // Whoever may read goes on where they stood still.
        for (answer, whole) in honest.iter_mut().zip(&whole) {
            answer.read_on().await.with_context(|| format!("the {} of another reader", answer.what))?;
            ensure!(answer.read_bytes == *whole, "{}: {} of {whole} bytes", answer.what, answer.read_bytes);
        }
        Ok(())
    })?;
    castle.check_remains()
}
