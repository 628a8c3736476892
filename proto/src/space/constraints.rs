//! The constraints of a sweep, with the points of its grid that they allow, found once.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::points::Points;
use super::{Axis, Constraint};
use crate::configuration::Configuration;

/// Grids whose points are kept: that of a sweep, and what it is about to be extended to.
const KEPT_MAX: usize = 2;

/// What every configuration of a sweep fulfils, all of it.
#[derive(Clone, Default)]
pub struct Constraints {
    list: Vec<Constraint>,
    /// The points of the grids that were last asked about, the newest first: to find them takes up to half a second. Copies share
    /// them, so that whoever is to decide about a grid finds what somebody else has looked at before.
    points: Arc<Mutex<Vec<Arc<Points>>>>,
}

impl Constraints {
    /// The points of a grid that these constraints and the conditions of its axes allow; `None` where it has too many to look at.
    pub(crate) fn points(&self, axes: &[Axis], fixed: &Configuration) -> Option<Arc<Points>> {
        let known = |kept: &[Arc<Points>]| kept.iter().find(|points| points.are_of(axes, fixed)).cloned();
        let found = known(&self.kept());
        if found.is_some() {
            return found;
        }
        // Nobody else waits while these are looked for.
        let points = Arc::new(Points::of(axes, &self.list, fixed)?);
        let mut kept = self.kept();
        kept.insert(0, Arc::clone(&points));
        kept.truncate(KEPT_MAX);
        Some(points)
    }

    /// Lets go of the points that are kept: they are found again when somebody asks.
    pub fn forget_points(&self) {
        self.kept().clear();
    }

    /// How many grids' points are kept.
    #[cfg(test)]
    pub(crate) fn grids_kept(&self) -> usize {
        self.kept().len()
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Arc<Points>>> {
        self.points.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<Vec<Constraint>> for Constraints {
    fn from(list: Vec<Constraint>) -> Self {
        Self { list, points: Arc::default() }
    }
}

impl Deref for Constraints {
    type Target = [Constraint];

    fn deref(&self) -> &[Constraint] {
        &self.list
    }
}

impl PartialEq for Constraints {
    fn eq(&self, other: &Self) -> bool {
        self.list == other.list
    }
}

impl fmt::Debug for Constraints {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.list.fmt(formatter)
    }
}

impl Serialize for Constraints {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.list.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Constraints {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::from)
    }
}
