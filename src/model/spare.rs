//! Large buffers that are used again: to ask the system for a fresh one costs as much as filling it.

use std::sync::{Mutex, PoisonError};

/// Empty buffers, kept for what comes next.
#[derive(Debug)]
pub struct Spare {
    kept: Mutex<Vec<Vec<u8>>>,
    most: usize,
    largest: usize,
}

impl Spare {
    /// Keeps up to `most` buffers of up to `largest` bytes each.
    #[must_use]
    pub const fn new(most: usize, largest: usize) -> Self {
        Self { kept: Mutex::new(Vec::new()), most, largest }
    }

    /// Keeps `buffer`, if there is room for it. What it holds is forgotten.
    pub fn put(&self, mut buffer: Vec<u8>) {
        if buffer.capacity() == 0 || buffer.capacity() > self.largest {
            return;
        }
        buffer.clear();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < self.most {
            kept.push(buffer);
        }
    }

    /// An empty buffer with room for `size` bytes.
    #[must_use]
    pub fn take(&self, size: usize) -> Vec<u8> {
        let mut buffer = self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        buffer.reserve_exact(size);
        buffer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_come_back_empty_and_no_more_or_larger_ones_than_wanted() {
        let spare = Spare::new(2, 100);
        for size in [10, 101, 0, 60, 70] {
            spare.put(vec![7; size]);
        }
        let taken: Vec<_> = (0..3).map(|_| spare.take(5)).collect();
        assert!(taken.iter().all(|buffer| buffer.is_empty() && buffer.capacity() >= 5));
        assert_eq!(taken.iter().filter(|buffer| [10, 60].contains(&buffer.capacity())).count(), 2);
    }
}
