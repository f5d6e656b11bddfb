//! Marks of the keys in maps, collected while the dump is walked.

use super::plan::{Object, Plans};
use crate::index::marks;

/// Marks that are kept: 16 bytes each, in each thread.
const MOST: usize = 1 << 18;

/// Entries of maps with the marks of their keys: all whose mark is below a number, which is halved
/// until they are few enough.
pub struct Keys {
    /// Entry and mark.
    pub entries: Vec<(u64, u32)>,
    pub below: u32,
}

impl Default for Keys {
    fn default() -> Self {
        Self { entries: Vec::new(), below: u32::MAX }
    }
}

impl Keys {
    #[inline(always)]
    pub fn note(&mut self, plans: &Plans<'_>, object: &Object<'_>, ordinal: u64) {
        let Some(hash) = plans.key_hash(object) else { return };
        let mark = marks::of_hash(hash);
        if mark < self.below {
            self.entries.push((ordinal, mark));
            self.thin_out();
        }
    }

    /// Adds what another thread has found. What is left depends on all keys only: a part of them is
    /// too many only where all are.
    pub fn add(&mut self, other: Self) {
        self.below = self.below.min(other.below);
        self.entries.extend(other.entries);
        self.entries.retain(|(_, mark)| *mark < self.below);
        self.thin_out();
    }

    fn thin_out(&mut self) {
        while self.entries.len() > MOST {
            self.below /= 2;
            self.entries.retain(|(_, mark)| *mark < self.below);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(marks: impl Iterator<Item = u32>) -> Keys {
        let mut keys = Keys::default();
        for mark in marks.map(marks::of_hash) {
            keys.add(Keys { entries: vec![(0, mark)], below: u32::MAX });
        }
        keys
    }

    #[test]
    fn the_sample_does_not_depend_on_who_collected_what() {
        let most = MOST as u32;
        let all = of(0..most + 5000);
        assert!(all.entries.len() <= MOST && all.entries.len() > MOST / 3);
        let mut parts = of(most..most + 5000);
        parts.add(of(0..most));
        assert_eq!(parts.below, all.below);
        let sorted = |mut keys: Keys| {
            keys.entries.sort_unstable();
            keys.entries
        };
        assert_eq!(sorted(parts), sorted(all));
    }
}
