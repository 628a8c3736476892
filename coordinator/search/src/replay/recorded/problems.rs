//! What is wrong with a table: all of it at once, each with its place.

use std::fmt;

/// Problems that are told one by one.
const TOLD_MAX: usize = 10;

/// What is wrong, in the order in which it was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    told: Vec<String>,
    further: u64,
}

impl Problems {
    /// Another one, with its place and its cure.
    pub fn add(&mut self, problem: String) {
        if self.told.len() < TOLD_MAX { self.told.push(problem) } else { self.further += 1 }
    }

    /// That alone.
    pub fn of(problem: String) -> Self {
        Self { told: vec![problem], further: 0 }
    }

    /// Whether there are any.
    pub fn are_none(&self) -> bool {
        self.told.is_empty()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.told.join("\n"))?;
        if self.further > 0 {
            write!(formatter, "\n… and {} more problems of its rows", self.further)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
