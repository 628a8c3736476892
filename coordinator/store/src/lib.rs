//! Durable state of the coordinator: one trait, memory and SQLite implementations, one conformance suite.
