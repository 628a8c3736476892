//! Pure decisions of the coordinator: state machines, samplers, scheduler, limits.
