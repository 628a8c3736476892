//! The consolidated report: analysis first, rendering second.
