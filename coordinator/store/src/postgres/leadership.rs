//! Who may write: one row with a term and an end on the database's clock.
//!
//! A candidate takes the row when it has run out or was given up, and raises its term. Every writing
//! transaction holds the row against change while it checks that the term is still its own: a takeover
//! waits for running commits, and later commits of the old leader fail.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use postgres::Transaction;
use postgres::types::Type;

use super::session::{Failure, Mode, Session};
use crate::StoreError;

/// How long a leader that says nothing stays the leader: a failover is over within ten seconds, and a short
/// stall of the database costs no leadership.
const TERM_TTL: Duration = Duration::from_secs(6);

/// How often a leader renews.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(2);

/// Who would lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Differs between processes.
    pub holder: String,
    /// Where others reach it.
    pub address: String,
}

/// A term as the row names it.
#[derive(Clone, Debug)]
pub(super) struct Term {
    holder: String,
    number: i64,
}

/// A term that this process holds; given up when it is dropped.
#[derive(Debug)]
pub(super) struct Leadership {
    session: Session,
    term: Term,
    held: Arc<Held>,
    renewing: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Held {
    /// Until when nobody else can lead, by this machine's monotonic clock: counted from before the request.
    until: Mutex<Instant>,
    is_deposed: AtomicBool,
    is_over: Mutex<bool>,
    over: Condvar,
}

/// Takes the leadership where nobody holds it.
///
/// # Errors
/// [`StoreError::NotLeader`] where somebody does.
pub(super) fn campaign(session: &Session, candidate: &Candidate) -> Result<Leadership, StoreError> {
    let asked_at = Instant::now();
    let Candidate { holder, address } = candidate.clone();
    let number = session.transaction(Mode::Write, move |transaction| take(transaction, &holder, &address))?;
    let held = Arc::new(Held {
        until: Mutex::new(asked_at + TERM_TTL),
        is_deposed: AtomicBool::new(false),
        is_over: Mutex::new(false),
        over: Condvar::new(),
    });
    let term = Term { holder: candidate.holder.clone(), number };
    tracing::info!(term = number, address = candidate.address, "this coordinator leads");
    let (watched, renewed, with) = (Arc::clone(&held), term.clone(), session.clone());
    let renewing = std::thread::Builder::new()
        .name("leadership".to_owned())
        .spawn(move || keep(&with, &renewed, &watched))
        .map_err(|error| StoreError::Unavailable(format!("no thread for the leadership: {error}")))?;
    Ok(Leadership { session: session.clone(), term, held, renewing: Some(renewing) })
}

fn take(transaction: &mut Transaction<'_>, holder: &str, address: &str) -> Result<i64, Failure> {
    let sql = "INSERT INTO leader VALUES ('coordinator', $1, $2, 1, clock_timestamp() + $3 * interval '1 ms')
        ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, address = excluded.address,
            term = leader.term + 1, expires_at = excluded.expires_at
        WHERE leader.expires_at <= clock_timestamp()
        RETURNING term";
    let ttl_ms = ttl_ms();
    let parameters: [(&(dyn postgres::types::ToSql + Sync), Type); 3] =
        [(&holder, Type::TEXT), (&address, Type::TEXT), (&ttl_ms, Type::FLOAT8)];
    if let Some(row) = transaction.query_typed_opt(sql, &parameters)? {
        return Ok(row.try_get(0)?);
    }
    Err(StoreError::NotLeader { address: current(transaction)? }.into())
}

fn current(transaction: &mut Transaction<'_>) -> Result<String, Failure> {
    let sql = "SELECT address FROM leader WHERE name = 'coordinator'";
    let row = transaction.query_typed_opt(sql, &[])?;
    Ok(row.map(|row| row.try_get(0)).transpose()?.unwrap_or_default())
}

fn ttl_ms() -> f64 {
    TERM_TTL.as_secs_f64() * 1_000.0
}

/// Renews until the term is over or lost.
fn keep(session: &Session, term: &Term, held: &Held) {
    let mut is_over = held.is_over.lock().unwrap_or_else(PoisonError::into_inner);
    while !*is_over {
        drop(is_over);
        let asked_at = Instant::now();
        let renewed = term.clone();
        match session.transaction(Mode::Write, move |transaction| renew(transaction, &renewed)) {
            Ok(()) => *held.until.lock().unwrap_or_else(PoisonError::into_inner) = asked_at + TERM_TTL,
            Err(error @ StoreError::NotLeader { .. }) => {
                tracing::warn!(%error, "this coordinator was deposed");
                held.is_deposed.store(true, Ordering::Relaxed);
                return;
            }
            Err(error) => tracing::warn!(%error, "the leadership cannot be renewed"),
        }
        is_over = held.is_over.lock().unwrap_or_else(PoisonError::into_inner);
        if !*is_over {
            let waited = held.over.wait_timeout(is_over, RENEWAL_INTERVAL);
            is_over = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn renew(transaction: &mut Transaction<'_>, term: &Term) -> Result<(), Failure> {
    let sql = "UPDATE leader SET expires_at = clock_timestamp() + $3 * interval '1 ms'
        WHERE name = 'coordinator' AND holder = $1 AND term = $2";
    let ttl_ms = ttl_ms();
    let parameters: [(&(dyn postgres::types::ToSql + Sync), Type); 3] =
        [(&term.holder, Type::TEXT), (&term.number, Type::INT8), (&ttl_ms, Type::FLOAT8)];
    if transaction.execute_typed(sql, &parameters)? == 1 {
        return Ok(());
    }
    Err(StoreError::NotLeader { address: current(transaction)? }.into())
}

impl Term {
    /// Fails a transaction whose term is over, and keeps others from taking over until it has ended.
    pub(super) fn check(&self, transaction: &mut Transaction<'_>) -> Result<(), Failure> {
        let sql = "SELECT holder, term, address FROM leader WHERE name = 'coordinator' FOR SHARE";
        let row = transaction.query_typed_opt(sql, &[])?;
        let Some(row) = row else {
            return Err(StoreError::NotLeader { address: String::new() }.into());
        };
        if (row.try_get::<_, &str>(0)?, row.try_get::<_, i64>(1)?) == (&self.holder, self.number) {
            return Ok(());
        }
        Err(StoreError::NotLeader { address: row.try_get(2)? }.into())
    }
}

impl Leadership {
    pub(super) fn term(&self) -> &Term {
        &self.term
    }

    /// Whether nobody else can lead yet, without asking the database.
    pub(super) fn verify(&self) -> Result<(), StoreError> {
        let until = *self.held.until.lock().unwrap_or_else(PoisonError::into_inner);
        if self.held.is_deposed.load(Ordering::Relaxed) || Instant::now() >= until {
            return Err(StoreError::NotLeader { address: "another address".to_owned() });
        }
        Ok(())
    }
}

impl Drop for Leadership {
    fn drop(&mut self) {
        *self.held.is_over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.held.over.notify_all();
        if let Some(renewing) = self.renewing.take() {
            // A panic there was reported there.
            _ = renewing.join();
        }
        let term = self.term.clone();
        let resign = move |transaction: &mut Transaction<'_>| {
            let sql = "UPDATE leader SET expires_at = clock_timestamp()
                WHERE name = 'coordinator' AND holder = $1 AND term = $2";
            transaction.execute_typed(sql, &[(&term.holder, Type::TEXT), (&term.number, Type::INT8)])?;
            Ok(())
        };
        if let Err(error) = self.session.transaction(Mode::Write, resign) {
            tracing::debug!(%error, "the leadership runs out by itself");
        }
    }
}
