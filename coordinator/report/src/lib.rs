//! The consolidated report: analysis first, rendering second.
//!
//! Records ([`ReportInput`]) become tidy rows ([`table`]), rows become numbers ([`analyse`]), numbers become
//! sections of tables and charts in a language, and those become files ([`render()`]). The same input gives the same bytes.

pub mod analysis;
pub mod export;
pub mod input;
pub mod language;
pub mod model;
pub mod records;
pub mod render;
pub mod sections;
pub mod table;

pub use analysis::analyse;
pub use analysis::devices::price_of;
pub use analysis::test_split::hardest_rows;
pub use input::{Price, ReportInput};
pub use language::{Language, UnknownLanguage};
pub use model::ReportModel;
pub use records::{Projection, records_digest};
pub use render::comparison::render_comparison;
pub use render::{ReportError, render, render_while, some_sections};
