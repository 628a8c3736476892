//! Whoever owns a sweep changes it, and so do administrators.

use coordinator::ServerConfig;
use coordinator::json::Sweep;
use sweep_proto::wire::sweep_service_client::SweepServiceClient;
use sweep_proto::{Token, wire};
use sweep_transport::Bearer;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Code, Status};

use super::{Castle, config, launch};

type Sweeps = SweepServiceClient<InterceptedService<Channel, Bearer>>;

/// Everything that changes a sweep, by its name, with what the coordinator answers; the deletion last.
async fn change_in_every_way(client: &mut Sweeps, sweep: u64) -> Vec<(&'static str, Code)> {
    let named = || wire::GetRequest { sweep: sweep.to_string() };
    let code = |answer: Result<(), Status>| answer.map_or_else(|status| status.code(), |()| Code::Ok);
    let retry =
        wire::RetryRequest { sweep: sweep.to_string(), failed: true, ..wire::RetryRequest::default() };
    let extend =
        wire::ExtendRequest { sweep: sweep.to_string(), replicates: 2, ..wire::ExtendRequest::default() };
    vec![
        ("pause", code(client.pause(named()).await.map(drop))),
        ("resume", code(client.resume(named()).await.map(drop))),
        ("extend", code(client.extend(extend).await.map(drop))),
        ("retry", code(client.retry(retry).await.map(drop))),
        ("cancel", code(client.cancel(named()).await.map(drop))),
        ("delete", code(client.delete(named()).await.map(drop))),
    ]
}

#[tokio::test]
async fn submitters_change_their_own_sweeps_only_and_administrators_all() {
    let castle = Castle::new().await;
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("rows.csv");
    let rows: String = (0..60).map(|row| format!("a film number {row},{}\n", row % 2)).collect();
    std::fs::write(&file, format!("text,label\n{rows}")).unwrap();
    castle.server.stop().await.unwrap();
    let config = ServerConfig { corpora: vec![place.path().to_owned()], ..config(castle.folder.path()) };
    let castle = Castle { server: coordinator::start(config).await.unwrap(), ..castle };

    let (one, other) = (castle.token("submitter", 0).await, castle.token("submitter", 0).await);
    let client = |token: &Token| {
        SweepServiceClient::new(InterceptedService::new(castle.plain(), Bearer::new(Some(token.clone()))))
    };
    let sweep = launch(&castle, &one, &file).await.unwrap();
    let refused = change_in_every_way(&mut client(&other), sweep).await;
    assert!(refused.iter().all(|(_, code)| *code == Code::PermissionDenied), "{refused:?}");
    let request = wire::GetRequest { sweep: sweep.to_string() };
    let status = client(&other).get(request.clone()).await.unwrap().into_inner();
    assert_eq!((status.state.as_str(), status.replicates), ("open", 1), "nothing has changed");
    assert_eq!(status.owner, format!("submitter token {}", one.id), "everybody sees whose it is");
    assert_eq!(status.owner_label, "a submitter");
    assert_eq!(Sweep::from(status).owned_by(), Some(format!("submitter token {} (a submitter)", one.id)));
    let told = client(&other).cancel(request.clone()).await.unwrap_err();
    assert!(told.message().contains("only its owner and administrators may change it"), "{told}");

    let ok = |ways: Vec<(&'static str, Code)>| {
        let wrong = ways.into_iter().filter(|(way, code)| match *way {
            // Nothing has failed.
            "retry" => *code != Code::FailedPrecondition,
            _ => *code != Code::Ok,
        });
        assert_eq!(wrong.collect::<Vec<_>>(), []);
    };
    ok(change_in_every_way(&mut client(&one), sweep).await);
    assert_eq!(client(&one).get(request).await.unwrap_err().code(), Code::NotFound);
    let sweep = launch(&castle, &one, &file).await.unwrap();
    assert_eq!(sweep, 2, "the number of a deleted sweep is not given again");
    ok(change_in_every_way(&mut client(&castle.admin), sweep).await);
    castle.server.stop().await.unwrap();
}
