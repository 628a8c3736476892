//! Distributions, intervals and tests over tables of numbers: nothing here knows of sweeps, trials or hyperparameters.
//!
//! Tables are `scores[configuration][replicate]`, hyperparameters are axes, and their levels are positions. The same
//! numbers give the same answer: what is drawn at random is drawn from a fixed seed.

pub mod best;
pub mod bootstrap;
pub mod coded;
pub mod distributions;
pub mod equal_noise;
pub mod fanova;
pub mod forest;
pub mod front;
pub mod interval;
pub mod means;
pub mod noise;
pub mod ped_anova;
pub mod permutation;
pub mod random;
pub mod strata;
pub mod summary;
