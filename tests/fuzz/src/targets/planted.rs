//! A bug that only a search which is led by coverage finds within seconds: five bytes, compared one by one.

use std::hint::black_box;

/// Panics for inputs that begin with five magic bytes; chance alone would need about 256^5 inputs.
pub(crate) fn magic(bytes: &[u8]) {
    // The compiler must not see through it: each comparison stays a branch, whose other side is new code.
    let byte = |at: usize| black_box(bytes).get(at).copied();
    if byte(0) != Some(0xC3) {
        return black_box(());
    }
    if byte(1) != Some(b'b') || byte(2) != Some(b'u') {
        return black_box(());
    }
    if byte(3) != Some(b'g') || byte(4) != Some(0x99) {
        return black_box(());
    }
    panic!("the planted bug was found");
}
