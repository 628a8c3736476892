//! Tokens, certificates and joining: who gets in, how often, and who is thrown out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::support;

use coordinator_core::limits::{CERTIFICATE_LIFETIME_MS, CERTIFICATES_PER_WORKER_MAX, KEEP_UNUSED_MS};
use coordinator_core::{
    AuditNote, CertificateId, Command, Extension, JoinRequest, Keep, NewToken, Rejection, Reply, Retried,
    TrialState, bearer_name,
};
use sweep_proto::{Digest, Role, SweepId, Timestamp, TokenId, WorkerId};

use support::lab::Lab;
use support::values;

fn new_token(number: u8, role: Role) -> NewToken {
    NewToken {
        id: id(number),
        role,
        secret_digest: Digest::of(&[number]),
        label: "lab".into(),
        created_by: "admin".into(),
        uses: None,
        ttl_ms: None,
    }
}

fn id(number: u8) -> TokenId {
    TokenId::from([number; 8])
}

fn certificate(number: u128) -> CertificateId {
    CertificateId(uuid::Uuid::from_u128(number))
}

fn join(token: u8, worker: WorkerId, key: &str, number: u128) -> Command {
    Command::Join(JoinRequest {
        token: id(token),
        secret_digest: Digest::of(&[token]),
        worker,
        key: Digest::of(key.as_bytes()),
        certificate: certificate(number),
    })
}

/// A lab with worker tokens: 1 for one use, 2 for a minute, 3 without bounds, and 4 for a viewer.
fn lab() -> Lab {
    let mut lab = Lab::new();
    lab.run(&Command::CreateToken(NewToken { uses: Some(1), ..new_token(1, Role::Worker) }));
    lab.run(&Command::CreateToken(NewToken { ttl_ms: Some(60_000), ..new_token(2, Role::Worker) }));
    lab.run(&Command::CreateToken(new_token(3, Role::Worker)));
    lab.run(&Command::CreateToken(new_token(4, Role::Viewer)));
    lab
}

fn denied(lab: &Lab, command: &Command) -> String {
    match lab.refused(command) {
        Rejection::Denied(reason) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_token_for_one_use_lets_one_worker_in_however_often_it_asks() {
    let mut lab = lab();
    let (one, other) = (values::worker_id(1), values::worker_id(2));
    lab.run(&join(1, one, "key", 1));
    lab.run(&join(1, one, "key", 2));
    assert_eq!(lab.engine.tables().tokens[&id(1)].uses_left, Some(0));
    assert!(denied(&lab, &join(1, other, "key", 3)).contains("used"));
    assert!(denied(&lab, &join(1, one, "another key", 3)).contains("used"));
}

#[test]
fn expired_revoked_foreign_and_guessed_tokens_let_nobody_in() {
    let mut lab = lab();
    let worker = values::worker_id(1);
    lab.run(&join(2, worker, "key", 1));
    lab.pass(60_000);
    assert!(denied(&lab, &join(2, values::worker_id(2), "key", 2)).contains("expired"));
    assert!(denied(&lab, &join(4, worker, "key", 2)).contains("worker tokens"));
    assert!(denied(&lab, &join(9, worker, "key", 2)).contains("not known"));
    let Command::Join(mut guessed) = join(3, worker, "key", 2) else { unreachable!() };
    guessed.secret_digest = Digest::of(b"guess");
    assert!(denied(&lab, &Command::Join(guessed)).contains("not known"));
    lab.run(&Command::RevokeToken { token: id(3), with_workers: false });
    assert!(denied(&lab, &join(3, worker, "key", 2)).contains("revoked"));
    assert!(matches!(
        lab.refused(&Command::RevokeToken { token: id(9), with_workers: true }),
        Rejection::UnknownToken(_)
    ));
}

#[test]
fn revoking_a_token_with_its_workers_takes_their_trials_back() {
    let mut lab = lab();
    let sweep = lab.launch(values::spec("a", &[1], 2, 2));
    let (one, other) = (values::worker_id(1), values::worker_id(2));
    for (token, worker) in [(2, one), (3, other)] {
        lab.run(&join(token, worker, "key", u128::from(token)));
        lab.run(&values::register(worker, 1, true));
        lab.ask_one(worker);
    }
    let reply = lab.run(&Command::RevokeToken { token: id(2), with_workers: true });
    assert_eq!(reply, Reply::Revoked(vec![one]));
    let states = [0, 1].map(|index| lab.trial(sweep, index).state);
    assert_eq!(states, [TrialState::Pending, TrialState::Leased]);
    let held = &lab.engine.tables().certificates;
    assert!(
        held[&certificate(2)].refusal(lab.now).is_some() && held[&certificate(3)].refusal(lab.now).is_none()
    );
    lab.run(&Command::RevokeWorker(other));
    assert_eq!(lab.trial(SweepId(1), 1).state, TrialState::Pending);
    assert!(matches!(lab.refused(&Command::RevokeWorker(values::worker_id(7))), Rejection::UnknownWorker(_)));
}

#[test]
fn a_worker_that_joins_anew_loses_its_older_key() {
    let mut lab = lab();
    let worker = values::worker_id(1);
    lab.run(&join(3, worker, "old", 1));
    lab.run(&join(3, worker, "new", 2));
    let refusal = |number| lab.engine.tables().certificates[&certificate(number)].refusal(lab.now);
    assert!(refusal(1).is_some() && refusal(2).is_none());
}

#[test]
fn certificates_are_renewed_while_they_last() {
    let mut lab = lab();
    lab.run(&join(3, values::worker_id(1), "key", 1));
    let renew = |shown, new| Command::Renew {
        shown: certificate(shown),
        key: Digest::of(b"key"),
        certificate: certificate(new),
    };
    lab.now = lab.now.plus_ms(CERTIFICATE_LIFETIME_MS - 1);
    lab.run(&renew(1, 2));
    lab.now = lab.now.plus_ms(1);
    assert!(denied(&lab, &renew(1, 3)).contains("expired"));
    lab.run(&renew(2, 3));
    assert!(denied(&lab, &renew(8, 9)).contains("not known"));
}

#[test]
fn a_worker_that_renews_for_ever_is_stopped() {
    let mut lab = lab();
    lab.run(&join(3, values::worker_id(1), "key", 1));
    let renew = |new| Command::Renew {
        shown: certificate(1),
        key: Digest::of(b"key"),
        certificate: certificate(new),
    };
    for number in 2..=CERTIFICATES_PER_WORKER_MAX {
        lab.run(&renew(number as u128));
    }
    assert!(matches!(lab.refused(&renew(1_000)), Rejection::Invalid(_)));
    // Those of other workers do not count.
    lab.run(&join(3, values::worker_id(2), "other", 2_000));
}

#[test]
fn tokens_that_make_no_sense_are_refused() {
    let lab = lab();
    let refused = |token| matches!(lab.refused(&Command::CreateToken(token)), Rejection::Invalid(_));
    assert!(refused(NewToken { uses: Some(1), ..new_token(9, Role::Admin) }));
    assert!(refused(NewToken { uses: Some(0), ..new_token(9, Role::Worker) }));
    assert!(refused(NewToken { ttl_ms: Some(0), ..new_token(9, Role::Viewer) }));
    assert!(refused(NewToken { label: "a\u{1b}[2J".into(), ..new_token(9, Role::Viewer) }));
    assert!(refused(NewToken { label: "x".repeat(1_000), ..new_token(9, Role::Viewer) }));
    assert!(refused(new_token(1, Role::Worker)), "the id is taken");
}

#[test]
fn every_act_follows_the_one_before_in_the_log() {
    let mut lab = Lab::new();
    for number in 0..3 {
        let note = AuditNote {
            actor: "a".into(),
            peer: "b".into(),
            action: "x".repeat(10_000),
            subject: number.to_string(),
            is_allowed: true,
        };
        lab.run(&Command::Record(note));
    }
    assert_eq!(lab.engine.tables().audit.sequence, 3);
}

#[test]
fn an_act_and_its_entry_become_true_together_or_not_at_all() {
    let mut lab = lab();
    let before = lab.engine.tables().audit.sequence;
    let note = |action: &str| AuditNote {
        actor: "a".into(),
        peer: "b".into(),
        action: action.into(),
        subject: String::new(),
        is_allowed: true,
    };
    let by =
        |action: &str, command| Command::By { note: note(action), shown: None, command: Box::new(command) };
    lab.refused(&by("create token", Command::CreateToken(new_token(1, Role::Worker))));
    assert_eq!(lab.engine.tables().audit.sequence, before, "nothing was done");
    lab.run(&by("create token", Command::CreateToken(new_token(9, Role::Viewer))));
    assert_eq!(lab.engine.tables().audit.sequence, before + 1);

    // What was begun before its token was revoked is not done after it.
    let with = |shown| Command::By {
        note: note("drain"),
        shown: Some(id(shown)),
        command: Box::new(Command::CreateToken(new_token(10, Role::Viewer))),
    };
    lab.decide(&with(9)).expect("the token is good");
    lab.run(&Command::RevokeToken { token: id(9), with_workers: false });
    assert!(denied(&lab, &with(9)).contains("revoked"));
    assert!(denied(&lab, &with(77)).contains("not known"));
    assert_eq!(lab.engine.tables().audit.sequence, before + 1);
}

/// Everything that changes a sweep.
fn changes(sweep: SweepId) -> [Command; 6] {
    let which = Retried::Every { failed: true, diverged: true };
    let more = Extension { replicates: Some(2), ..Extension::default() };
    let datasets = Vec::new();
    [
        Command::Pause(sweep),
        Command::Resume(sweep),
        Command::Extend { sweep, more, datasets, caller: None, quota: Box::default() },
        Command::Retry { sweep, which, caller: None, quota: Box::default() },
        Command::Cancel(sweep),
        Command::Delete(sweep),
    ]
}

#[test]
fn only_its_owner_and_administrators_change_a_sweep() {
    let mut lab = lab();
    for (number, role) in [(5, Role::Submitter), (6, Role::Submitter), (7, Role::Admin)] {
        lab.run(&Command::CreateToken(new_token(number, role)));
    }
    let mut launch_of = |owner: Option<String>| {
        let mut launch = values::launch(values::spec("owned", &[8], 1, 1));
        let Command::Launch { owner: of, .. } = &mut launch else { unreachable!() };
        *of = owner.map(Into::into);
        match lab.run(&launch) {
            Reply::Launched(sweep) => sweep,
            other => panic!("{other:?}"),
        }
    };
    let owned = launch_of(Some(bearer_name(Role::Submitter, id(5))));
    let of_old = launch_of(None);
    let note = AuditNote {
        actor: "somebody".into(),
        peer: "10.0.0.1".into(),
        action: "change".into(),
        subject: String::new(),
        is_allowed: true,
    };
    let is_kept_out = |shown: Option<u8>, command: Command| {
        let by = Command::By { note: note.clone(), shown: shown.map(id), command: Box::new(command) };
        matches!(lab.decide(&by), Err(Rejection::NotOwner { .. }))
    };
    for (sweep, who, expected) in [
        (owned, Some(5), false),
        (owned, Some(6), true),
        (owned, Some(7), false),
        (owned, Some(4), true),
        (owned, None, false),
        (of_old, Some(5), true),
        (of_old, Some(6), true),
        (of_old, Some(7), false),
        (of_old, None, false),
    ] {
        for command in changes(sweep) {
            assert_eq!(is_kept_out(who, command.clone()), expected, "{who:?} {command:?}");
        }
    }
}

#[test]
fn what_is_worth_nothing_for_long_goes_by_itself_and_what_a_report_needs_stays() {
    let mut lab = lab();
    let (worked, idle) = (values::worker_id(1), values::worker_id(2));
    for worker in [worked, idle] {
        lab.run(&values::register(worker, 1, true));
        lab.run(&join(3, worker, "key", u128::from(worker == idle)));
    }
    let sweep = lab.launch(values::spec("report", &[8], 1, 1));
    let granted = lab.ask_one(worked);
    lab.train(&granted);
    lab.run(&Command::RevokeToken { token: id(4), with_workers: false });
    for worker in [worked, idle] {
        lab.run(&Command::Deregister(worker));
    }
    let unused_at = |lab: &Lab, ms: u64| {
        let waste = lab.engine.waste(Timestamp(lab.now.0 + ms), &Keep::default());
        (waste.workers, waste.certificates, waste.tokens)
    };
    assert_eq!(unused_at(&lab, KEEP_UNUSED_MS - 3_600_000), (0, 0, 0), "somebody may ask");
    let (a_minute, a_week) = (60_000, CERTIFICATE_LIFETIME_MS);
    // The viewer's token was revoked, that of a minute has expired; by the third one two workers hold certificates.
    assert_eq!(unused_at(&lab, KEEP_UNUSED_MS + a_minute), (1, 0, 2));
    assert_eq!(unused_at(&lab, KEEP_UNUSED_MS + a_week), (1, 2, 2), "the certificates, too");

    lab.now = Timestamp(lab.now.0 + KEEP_UNUSED_MS + a_week);
    lab.forget(Keep::default());
    assert!(lab.engine.tables().certificates.is_empty());
    let left = lab.engine.tables().workers.keys().copied().collect::<Vec<_>>();
    assert_eq!(left, [worked], "a report tells its device");
    let tokens = &lab.engine.tables().tokens;
    assert!(tokens.contains_key(&id(3)), "it is still worth something");
    assert!(!tokens.contains_key(&id(2)) && !tokens.contains_key(&id(4)));
    assert!(lab.engine.waste(lab.now, &Keep::default()).is_nothing());
    // Who was forgotten comes back as a new one.
    lab.run(&values::register(idle, 1, true));
    assert!(lab.engine.sweep(sweep).is_some());
}
