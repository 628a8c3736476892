//! The consolidated report: analysis first, rendering second.

pub mod input;
pub mod model;

pub use input::ReportInput;
pub use model::ReportModel;
