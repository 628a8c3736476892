//! The one table of what each role may do. What is not in it, nobody may.

use sweep_proto::Role;

/// Whom a way in is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Allowed {
    /// Everybody, with or without a credential.
    Anyone,
    /// Bearers of a token of one of these roles.
    Tokens(&'static [Role]),
    /// Workers that show their certificate.
    Workers,
}

/// Reads.
const READ: Allowed = Allowed::Tokens(&[Role::Admin, Role::Submitter, Role::Viewer]);
/// Changes sweeps.
const SUBMIT: Allowed = Allowed::Tokens(&[Role::Admin, Role::Submitter]);
/// Changes who may come in.
const ADMIN: Allowed = Allowed::Tokens(&[Role::Admin]);
/// Becomes a worker.
const JOIN: Allowed = Allowed::Tokens(&[Role::Worker]);

/// Every way in: gRPC methods by their path, HTTP routes as the router names them.
pub(crate) const TABLE: &[(&str, Allowed)] = &[
    ("/sweep.v1.SweepService/Launch", SUBMIT),
    ("/sweep.v1.SweepService/List", READ),
    ("/sweep.v1.SweepService/Get", READ),
    ("/sweep.v1.SweepService/Watch", READ),
    ("/sweep.v1.SweepService/Cancel", SUBMIT),
    ("/sweep.v1.SweepService/Pause", SUBMIT),
    ("/sweep.v1.SweepService/Resume", SUBMIT),
    ("/sweep.v1.SweepService/Extend", SUBMIT),
    ("/sweep.v1.SweepService/Report", READ),
    ("/sweep.v1.SweepService/Compare", READ),
    ("/sweep.v1.SweepService/Export", READ),
    ("/sweep.v1.SweepService/Seal", READ),
    ("/sweep.v1.SweepService/BestModel", READ),
    ("/sweep.v1.SweepService/Workers", READ),
    ("/sweep.v1.SweepService/Drain", ADMIN),
    ("/sweep.v1.WorkerService/Register", Allowed::Workers),
    ("/sweep.v1.WorkerService/Session", Allowed::Workers),
    ("/sweep.v1.WorkerService/Fetch", Allowed::Workers),
    ("/sweep.v1.WorkerService/Upload", Allowed::Workers),
    ("/sweep.v1.WorkerService/Complete", Allowed::Workers),
    ("/sweep.v1.WorkerService/Deregister", Allowed::Workers),
    ("/sweep.v1.AccessService/Join", JOIN),
    ("/sweep.v1.AccessService/Renew", Allowed::Workers),
    ("/sweep.v1.AccessService/CreateToken", ADMIN),
    ("/sweep.v1.AccessService/ListTokens", ADMIN),
    ("/sweep.v1.AccessService/RevokeToken", ADMIN),
    ("/sweep.v1.AccessService/RevokeWorker", ADMIN),
    ("/sweep.v1.AccessService/Audit", ADMIN),
    ("/grpc.health.v1.Health/Check", Allowed::Anyone),
    ("/grpc.health.v1.Health/Watch", Allowed::Anyone),
    ("/healthz", Allowed::Anyone),
    ("/readyz", Allowed::Anyone),
    ("/install.sh", Allowed::Anyone),
    ("/download/sweep-worker", Allowed::Anyone),
    ("/api/v1/sweeps", READ),
    ("/api/v1/workers", READ),
];

/// Whom a path is for; `None`: nobody.
pub(crate) fn allowed(path: &str) -> Option<Allowed> {
    TABLE.iter().find(|(known, _)| *known == path).map(|(_, allowed)| *allowed)
}
