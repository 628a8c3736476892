//! Parts of a row that most rows do not have: they take memory where they say something.

use std::fmt;
use std::ops::{Deref, DerefMut};

/// A part of a row as it begins.
pub trait Blank: Clone + PartialEq + 'static {
    /// The part that says nothing.
    fn blank() -> &'static Self;
}

/// A part of a row, which reads like the part itself. It takes memory of its own from the first change on, and a clone of one that
/// was changed back takes none.
pub struct Rare<T>(Option<Box<T>>);

impl<T: Blank> Rare<T> {
    /// A part that is given.
    pub fn of(part: T) -> Self {
        Self(Some(part).filter(|part| part != T::blank()).map(Box::new))
    }

    /// The part, taken out.
    pub fn into_inner(self) -> T {
        self.0.map_or_else(|| T::blank().clone(), |part| *part)
    }
}

impl<T> Default for Rare<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Blank> Deref for Rare<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_deref().unwrap_or(T::blank())
    }
}

impl<T: Blank> DerefMut for Rare<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.get_or_insert_with(|| Box::new(T::blank().clone()))
    }
}

impl<T: Blank> Clone for Rare<T> {
    fn clone(&self) -> Self {
        Self(self.0.as_ref().filter(|part| ***part != *T::blank()).cloned())
    }
}

impl<T: Blank> PartialEq for Rare<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Blank + fmt::Debug> fmt::Debug for Rare<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(formatter)
    }
}
