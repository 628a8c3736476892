//! The generated wire messages and services of `schema/sweep/v1`.
#![allow(
    clippy::all,
    clippy::pedantic,
    missing_docs,
    unreachable_pub,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]

tonic::include_proto!("sweep.v1");
