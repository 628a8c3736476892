//! Reads the audit log of a place in which no coordinator works, and changes nothing.

use std::path::Path;

use coordinator_core::{AuditEntry, AuditHead, AuditSeal, AuditTrail};
use coordinator_store::{SqliteStore, StoreError, StoreReader};

use crate::fsck::FsckError;
use crate::place::{DATABASE, Place, StoreChoice};
use crate::security::files::SECURITY;
use crate::security::sealing::{self, signature_problem};
use crate::security::signer::Signer;
use crate::unfinished;

/// Entries read at once.
const PAGE: usize = 1_000;

/// What an audit log is like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditState {
    /// The last of the entries that were removed from its start.
    pub base: AuditHead,
    /// Entries that follow one another.
    pub entries: u64,
    /// The key that signed its end, in hexadecimal digits.
    pub key: Option<String>,
    /// What its own entries say was wrong with it when a coordinator began to write to it: for ever.
    pub damage: Vec<String>,
    /// What else is wrong with it, in words; empty where nothing is.
    pub problems: Vec<String>,
}

/// Follows the audit log of a data folder, and shows every entry that follows the one before.
///
/// # Errors
/// [`FsckError`] where it cannot be read; what is wrong with it is told in the answer.
pub async fn read_audit_log(
    place: &Place,
    show: impl FnMut(&AuditEntry) + Send + 'static,
) -> Result<AuditState, FsckError> {
    unfinished::refuse(&place.data_directory)?;
    let database = place.data_directory.join(DATABASE);
    if place.store != StoreChoice::Sqlite || !database.is_file() {
        return Err(FsckError::NoDatabase(place.data_directory.clone()));
    }
    let _lock = place.lock_briefly()?;
    let place = place.clone();
    let reading = tokio::task::spawn_blocking(move || -> Result<AuditState, StoreError> {
        let mut store = SqliteStore::read(&database)?;
        let base = store.load()?.audit_base;
        follow(&mut *store, base, &place, show)
    });
    Ok(reading.await.map_err(|error| FsckError::CutOff(error.to_string()))??)
}

/// Follows an audit log from its start to its end.
///
/// # Errors
/// Those of reading, but for entries that are damaged.
pub(crate) fn follow(
    store: &mut dyn StoreReader,
    base: AuditHead,
    place: &Place,
    mut show: impl FnMut(&AuditEntry),
) -> Result<AuditState, StoreError> {
    let key = own_key(place);
    let mut state = AuditState { base, ..AuditState::default() };
    let seal = store.read_seal()?;
    if let Some(seal) = &seal {
        state.problems.extend(signature_problem(seal, key.as_deref()));
        state.key = Some(seal.key.clone());
    }
    let kept = kept(&place.data_directory, &mut state.problems);
    state.problems.extend(taken_over(base, seal.as_ref(), kept.as_ref()));
    let heads = seal.iter().chain(&kept).map(|seal| seal.head);
    let mut trail = AuditTrail::begin(base, heads);
    let broken = walk(store, &mut trail, |entry| {
        state.entries += 1;
        show(entry);
    })?;
    state.damage = trail.damage().collect();
    match broken {
        Some(problem) => state.problems.push(problem),
        None => state.problems.extend(trail.problems()),
    }
    Ok(state)
}

/// Shows each entry that follows the one before. Tells what is wrong with the first that does not.
fn walk(
    store: &mut dyn StoreReader,
    trail: &mut AuditTrail,
    mut show: impl FnMut(&AuditEntry),
) -> Result<Option<String>, StoreError> {
    loop {
        let page = match store.read_audit(trail.head().sequence + 1, PAGE) {
            Ok(page) => page,
            Err(error @ StoreError::Corrupt { .. }) => return Ok(Some(error.to_string())),
            Err(error) => return Err(error),
        };
        if page.is_empty() {
            return Ok(None);
        }
        for entry in page {
            if let Err(problem) = trail.advance(&entry) {
                return Ok(Some(format!("the audit log is broken: {problem}")));
            }
            show(&entry);
        }
    }
}

/// What cannot be followed from what the data folder knows: others have removed that entry, and signed what follows.
fn taken_over(base: AuditHead, seal: Option<&AuditSeal>, kept: Option<&AuditSeal>) -> Option<String> {
    let (seal, kept) = seal.zip(kept)?;
    let is_out_of_sight = kept.head.sequence < base.sequence && seal.key != kept.key;
    is_out_of_sight.then(|| {
        format!(
            "the audit log begins behind entry {}, which is later than what this data folder has seen (entry {}), and another \
             coordinator has signed its end with key {}: check it in the data folder of that one",
            base.sequence, kept.head.sequence, seal.key
        )
    })
}

/// The signature in the data folder. One that does not hold is a problem of the folder.
fn kept(folder: &Path, problems: &mut Vec<String>) -> Option<AuditSeal> {
    match sealing::kept(folder) {
        Ok(kept) => kept,
        Err(error) => {
            problems.push(format!("the signed end of the audit log in {}: {error}", folder.display()));
            None
        }
    }
}

/// The key that signs here, where there is one; coordinators that share a database have one each.
fn own_key(place: &Place) -> Option<String> {
    let is_alone = place.store == StoreChoice::Sqlite;
    is_alone.then(|| Signer::known_key(&place.data_directory.join(SECURITY))).flatten()
}
