//! The Korean catalogue: one file for each part of the report, in the terms of `docs/report.md`.
//!
//! Sentences end in -니다, heads and captions in nouns. No particle whose form hangs on the sound before it follows a placeholder.

mod answer;
mod comparison;
mod cost;
mod curves;
mod data;
mod effects;
mod failures;
mod front;
mod importance;
mod ledger;
mod page;
mod set_up;
mod shared;
mod test_split;
mod views;

use super::Entry;

/// Every part, in the order of the report.
pub(super) const PARTS: [&[Entry]; 15] = [
    shared::ENTRIES,
    answer::ENTRIES,
    ledger::ENTRIES,
    test_split::ENTRIES,
    curves::ENTRIES,
    effects::ENTRIES,
    importance::ENTRIES,
    views::ENTRIES,
    front::ENTRIES,
    cost::ENTRIES,
    failures::ENTRIES,
    set_up::ENTRIES,
    data::ENTRIES,
    comparison::ENTRIES,
    page::ENTRIES,
];
