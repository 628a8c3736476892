//! How results look: tables, progress, the text of a status.

pub(super) mod answer;
pub(super) mod data;
mod front;
pub(super) mod progress;
pub(super) mod status;
pub(super) mod table;
pub(super) mod wrap;
