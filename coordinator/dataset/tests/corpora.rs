//! The real corpora.
fn main() {}
