//! Which configuration comes next, and which trial goes no further: pure functions of a sweep's seed and of what its trials
//! have shown, in the order in which that was decided.
