//! The chosen configuration on the test split, as views tell it.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use sweep_proto::{TestFigure, wire};

use super::finite;

/// Figures on the test split: means over replicates. As JSON each is a field of its name in the table of metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Test {
    figures: [Option<f64>; TestFigure::COUNT],
    /// Replicates that these are the means of: fewer than those of the sweep while it is `evaluating`; `null` in lists.
    pub replicates: Option<u64>,
}

impl Test {
    /// From a message and the rows of the test split.
    pub(super) fn of_message(test: &wire::TestMetric, rows: u64) -> Self {
        let counts = test.confusion.iter().flat_map(|row| &row.counts);
        Self::of_means(TestFigure::ALL.map(|figure| test.figure(figure)), counts, rows)
    }

    /// From means, counts that are summed over replicates, and the rows of the test split.
    pub(super) fn of_means<'a>(
        figures: [Option<f64>; TestFigure::COUNT],
        counts: impl Iterator<Item = &'a u64>,
        rows: u64,
    ) -> Self {
        let counted = counts.fold(0_u64, |sum, one| sum.saturating_add(*one));
        Self {
            figures: figures.map(|figure| figure.and_then(finite)),
            replicates: counted.checked_div(rows).filter(|count| *count > 0),
        }
    }

    /// One of the figures; `None` where it was not measured of every replicate.
    pub fn of(&self, figure: TestFigure) -> Option<f64> {
        self.figures[figure as usize]
    }
}

impl Serialize for Test {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(TestFigure::COUNT + 1))?;
        for figure in TestFigure::ALL {
            map.serialize_entry(figure.name(), &self.of(figure))?;
        }
        map.serialize_entry("replicates", &self.replicates)?;
        map.end()
    }
}
