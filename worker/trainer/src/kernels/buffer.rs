//! Room for numbers that serves batch after batch.

use std::ops::{Deref, DerefMut};

use aligned_vec::{AVec, ConstAlign};

/// Bytes of a line of the cache, and of the widest vector: a vector that straddles two lines takes two accesses.
const LINE_BYTES: usize = 64;

/// Numbers that begin at a line of the cache.
#[derive(Clone, Debug)]
pub(crate) struct Buffer(AVec<f32, ConstAlign<LINE_BYTES>>);

impl Buffer {
    /// Makes it that long; what it holds will be overwritten.
    pub(crate) fn fit(&mut self, length: usize) {
        if length > self.0.capacity() {
            // The old room is given back first, and there is some for a next batch that is a little larger.
            self.0 = AVec::new(LINE_BYTES);
            self.0.reserve_exact(length + length / 16);
        }
        self.0.resize(length, 0.0);
    }

    /// So many zeros.
    pub(crate) fn zero(&mut self, length: usize) {
        self.0.clear();
        self.fit(length);
    }

    /// A copy of these numbers.
    pub(crate) fn copy_from(&mut self, values: &[f32]) {
        self.0.clear();
        self.0.extend_from_slice(values);
    }
}

impl Default for Buffer {
    fn default() -> Self {
        Self(AVec::new(LINE_BYTES))
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.0
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.0
    }
}
