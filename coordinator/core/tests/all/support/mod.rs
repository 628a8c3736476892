//! What the tests share: values, a random stream that a seed fixes, and a simulated world.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

pub mod lab;
pub mod metered;
pub mod random;
pub mod values;
pub mod worker;
pub mod world;
