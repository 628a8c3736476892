//! Reports that were made lately, by what they were made from: many who ask for the same one get it for the price of one.

use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use lru::LruCache;
use sweep_proto::SweepId;
use tokio::sync::OnceCell;
use tonic::Status;

use crate::driver::Version;

/// Reports that are kept, whatever their size.
const REPORTS_MAX: usize = 32;

/// Bytes of the reports that are kept.
const BYTES_MAX: usize = 64 << 20;

/// The files of a report by their names.
pub(crate) type Files = Arc<Vec<(String, Bytes)>>;

/// What a report depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Wanted {
    pub(super) sweep: SweepId,
    /// Language, prices and whether texts are told, as text.
    pub(super) wishes: String,
}

/// A report that is made once.
type Cell = Arc<OnceCell<Files>>;

/// The reports.
#[derive(Debug)]
pub(crate) struct ReportCache(Mutex<LruCache<Wanted, (Version, Cell)>>);

impl Default for ReportCache {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(NonZero::new(REPORTS_MAX).unwrap_or(NonZero::<usize>::MIN))))
    }
}

impl ReportCache {
    /// The report of these rows; `make` makes it where nobody has or is about to. Where the one who makes it goes away, the
    /// next of those who wait does.
    ///
    /// # Errors
    /// Those of `make`, which are not kept.
    pub(super) async fn get(
        &self,
        wanted: Wanted,
        version: Version,
        make: impl Future<Output = Result<Files, Status>>,
    ) -> Result<Files, Status> {
        let cell = self.cell(wanted, version);
        let files = cell.get_or_try_init(|| make).await?.clone();
        self.trim();
        Ok(files)
    }

    fn cell(&self, wanted: Wanted, version: Version) -> Cell {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match kept.get(&wanted) {
            Some((known, cell)) if *known == version => Arc::clone(cell),
            _ => {
                let cell = Cell::default();
                kept.put(wanted, (version, Arc::clone(&cell)));
                cell
            }
        }
    }

    /// Lets the reports go that were not asked for longest, until the rest is small enough.
    fn trim(&self) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let size = |cell: &Cell| {
            cell.get().map_or(0, |files| files.iter().map(|(_, bytes)| bytes.len()).sum::<usize>())
        };
        let mut bytes: usize = kept.iter().map(|(_, (_, cell))| size(cell)).sum();
        while bytes > BYTES_MAX
            && let Some((_, (_, cell))) = kept.pop_lru()
        {
            bytes -= size(&cell);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn wanted(sweep: u64, wishes: &str) -> Wanted {
        Wanted { sweep: SweepId(sweep), wishes: wishes.to_owned() }
    }

    fn version(changes: u64) -> Version {
        Version { loads: 1, changes }
    }

    #[tokio::test]
    async fn a_report_is_made_once_for_the_same_rows_and_wishes() {
        let (cache, made) = (ReportCache::default(), AtomicUsize::new(0));
        let ask = async |wanted: Wanted, version: Version| {
            let make = async {
                made.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                Ok(Files::default())
            };
            cache.get(wanted, version, make).await.expect("a report");
            made.load(Ordering::Relaxed)
        };
        let (korean, english) = ("Korean", "English");
        let many = [(); 3].map(|()| ask(wanted(1, english), version(1)));
        let [one, other, third] = many;
        assert_eq!(tokio::join!(one, other, third), (1, 1, 1), "those who ask at the same time wait for one");
        assert_eq!(ask(wanted(1, english), version(1)).await, 1);
        assert_eq!(ask(wanted(1, korean), version(1)).await, 2);
        assert_eq!(ask(wanted(1, "English, prices"), version(1)).await, 3);
        assert_eq!(ask(wanted(1, english), version(2)).await, 4, "the rows have changed");
        assert_eq!(ask(wanted(2, english), version(1)).await, 5);
    }

    #[tokio::test]
    async fn what_is_kept_is_bounded_and_a_failure_is_not_kept() {
        let cache = ReportCache::default();
        let failed = cache.get(wanted(0, "English"), version(1), async { Err(Status::internal("")) });
        assert!(failed.await.is_err());
        for sweep in 0..5 {
            let files: Files = Arc::new(vec![("report.html".into(), Bytes::from(vec![0; BYTES_MAX / 3]))]);
            let made = cache.get(wanted(sweep, "English"), version(1), async { Ok(files) });
            assert!(made.await.is_ok());
        }
        assert_eq!(cache.0.lock().expect("whole").len(), 3);
    }
}
