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

/// Every way in: gRPC methods by their path, HTTP routes as the router names them; a `*` is one segment.
pub(crate) const TABLE: &[(&str, Allowed)] = &[
    ("/sweep.v1.SweepService/Launch", SUBMIT),
    ("/sweep.v1.SweepService/List", READ),
    ("/sweep.v1.SweepService/Get", READ),
    ("/sweep.v1.SweepService/Watch", READ),
    ("/sweep.v1.SweepService/Cancel", SUBMIT),
    ("/sweep.v1.SweepService/Pause", SUBMIT),
    ("/sweep.v1.SweepService/Resume", SUBMIT),
    ("/sweep.v1.SweepService/Retry", SUBMIT),
    ("/sweep.v1.SweepService/Delete", SUBMIT),
    ("/sweep.v1.SweepService/Extend", SUBMIT),
    ("/sweep.v1.SweepService/Report", READ),
    ("/sweep.v1.SweepService/Compare", READ),
    ("/sweep.v1.SweepService/Export", READ),
    ("/sweep.v1.SweepService/Seal", READ),
    ("/sweep.v1.SweepService/BestModel", READ),
    ("/sweep.v1.SweepService/Workers", READ),
    ("/sweep.v1.SweepService/Rates", READ),
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
    ("/sweep.v1.AccessService/AuditState", ADMIN),
    ("/sweep.v1.AccessService/ForgetAudit", ADMIN),
    ("/sweep.v1.AccessService/CollectGarbage", ADMIN),
    ("/grpc.health.v1.Health/Check", Allowed::Anyone),
    ("/grpc.health.v1.Health/Watch", Allowed::Anyone),
    ("/healthz", Allowed::Anyone),
    ("/readyz", Allowed::Anyone),
    ("/install.sh", Allowed::Anyone),
    ("/download/sweep-worker", Allowed::Anyone),
    ("/api/v1/sweeps", READ),
    ("/api/v1/workers", READ),
    ("/login", Allowed::Anyone),
    ("/logout", Allowed::Anyone),
    ("/assets/*", Allowed::Anyone),
    ("/", READ),
    ("/events", READ),
    ("/workers", READ),
    ("/workers/*/drain", ADMIN),
    ("/sweeps/*", READ),
    ("/sweeps/*/events", READ),
    ("/sweeps/*/analysis", READ),
    ("/sweeps/*/report/*", READ),
    ("/sweeps/*/trials/*", READ),
    ("/sweeps/*/trials/*/events", READ),
    ("/sweeps/*/pause", SUBMIT),
    ("/sweeps/*/resume", SUBMIT),
    ("/sweeps/*/retry", SUBMIT),
    ("/sweeps/*/cancel", SUBMIT),
    ("/sweeps/*/delete", SUBMIT),
];

/// Whom a path is for; `None`: nobody.
pub(crate) fn allowed(path: &str) -> Option<Allowed> {
    TABLE.iter().find(|(known, _)| matches(known, path)).map(|(_, allowed)| *allowed)
}

fn matches(known: &str, path: &str) -> bool {
    let (mut wanted, mut shown) = (known.split('/'), path.split('/'));
    loop {
        match (wanted.next(), shown.next()) {
            (None, None) => return true,
            (Some("*"), Some(segment)) if !segment.is_empty() => {}
            (Some(segment), Some(same)) if segment == same => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_one_segment() {
        for (path, wanted) in [
            ("/sweeps/7", Some(READ)),
            ("/sweeps/7/trials/0", Some(READ)),
            ("/sweeps/7/cancel", Some(SUBMIT)),
            ("/workers/w/drain", Some(ADMIN)),
            ("/", Some(READ)),
            ("", None),
            ("/sweeps/", None),
            ("/sweeps//events", None),
            ("/sweeps/7/", None),
            ("/sweeps/7/cancel/now", None),
            ("/sweeps/*/cancel", Some(SUBMIT)),
            ("/assets/../login", None),
        ] {
            assert_eq!(allowed(path), wanted, "{path}");
        }
    }
}
