//! What rows leave out, so that a row of an earlier program and one of today that says no more are the same bytes.

/// Whether a value is its type's default. Named in `skip_serializing_if`.
pub fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What a count is that a row leaves out. Named in `default`.
pub fn one<T: From<u8>>() -> T {
    T::from(1)
}

/// Whether a count is one. Named in `skip_serializing_if`.
pub fn is_one<T: From<u8> + PartialEq>(count: &T) -> bool {
    *count == one()
}
