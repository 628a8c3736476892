//! Tests that cross crates: end to end, simulation, architecture rules.
