//! The constraints of a sweep, with the points of its grid that they allow, found once.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::points::Points;
use super::{Axis, Constraint};
use crate::configuration::Configuration;

/// What every configuration of a sweep fulfils, all of it.
#[derive(Default)]
pub struct Constraints {
    list: Vec<Constraint>,
    /// The points of the grid that was last asked about: to find them again takes up to half a second.
    points: Mutex<Option<Arc<Points>>>,
}

impl Constraints {
    /// The points of a grid that these constraints and the conditions of its axes allow; `None` where it has too many to look at.
    pub(crate) fn points(&self, axes: &[Axis], fixed: &Configuration) -> Option<Arc<Points>> {
        let mut known = self.points.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(points) = known.as_ref().filter(|points| points.are_of(axes, fixed)) {
            return Some(Arc::clone(points));
        }
        let points = Arc::new(Points::of(axes, &self.list, fixed)?);
        *known = Some(Arc::clone(&points));
        Some(points)
    }
}

impl From<Vec<Constraint>> for Constraints {
    fn from(list: Vec<Constraint>) -> Self {
        Self { list, points: Mutex::default() }
    }
}

impl Deref for Constraints {
    type Target = [Constraint];

    fn deref(&self) -> &[Constraint] {
        &self.list
    }
}

impl Clone for Constraints {
    fn clone(&self) -> Self {
        let points = self.points.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Self { list: self.list.clone(), points: Mutex::new(points) }
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
