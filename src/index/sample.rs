//! A sample of object addresses that lie next to each other, in bounded memory.
//!
//! The distance from one object to the next bounds its size, and equals it in a compacted heap:
//! that is how the object layout is found and checked. Neighbours are needed, in any order of the
//! dump, so whole address windows are sampled: those whose hash has enough leading zeros. When the
//! sample outgrows its limit, one more zero is asked for. The final sample depends on the set of
//! objects alone, not on their order or the number of threads.
//!
//! Memory: 32 bytes per sampled object, at most [`LIMIT`] of them for each thread.

use crate::parser::ids::ObjectId;
use crate::parser::tags::FieldType;

/// Objects in a sample.
pub const LIMIT: usize = 1 << 16;
/// Bits of an address inside its window (64 KiB).
const WINDOW_BITS: u32 = 16;

/// What a sampled object is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Shape {
    /// A class: a `java.lang.Class` object.
    Mirror,
    Instance {
        class: ObjectId,
    },
    ObjectArray {
        class: ObjectId,
    },
    PrimitiveArray {
        element: FieldType,
    },
}

/// One sampled object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Sampled {
    pub id: ObjectId,
    pub shape: Shape,
    /// Length of an array.
    pub length: u32,
}

/// See the module's text.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    objects: Vec<Sampled>,
    /// Leading zeros that a window's hash must have.
    level: u32,
}

/// Number of an address window.
#[inline(always)]
pub const fn window_of(id: u64) -> u64 {
    id >> WINDOW_BITS
}

/// The first and the last address of a window.
#[inline(always)]
pub const fn addresses_of(window: u64) -> (u64, u64) {
    let first = window << WINDOW_BITS;
    (first, first | ((1 << WINDOW_BITS) - 1))
}

#[inline(always)]
fn hash(window: u64) -> u64 {
    // Fibonacci hashing, then a fold: windows are consecutive numbers.
    let mixed = window.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed ^ (mixed >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93)
}

impl Sample {
    /// An empty sample that is as choosy as another one already is: what it leaves out would be
    /// dropped when they are merged.
    pub fn like(other: &Self) -> Self {
        Self { objects: Vec::new(), level: other.level }
    }

    /// True when the objects of a window belong to the sample.
    #[inline(always)]
    pub fn wants(&self, window: u64) -> bool {
        hash(window).leading_zeros() >= self.level
    }

    /// Adds an object of a wanted window.
    #[inline]
    pub fn push(&mut self, object: Sampled) {
        self.objects.push(object);
        if self.objects.len() > LIMIT {
            self.raise(self.level + 1);
        }
    }

    #[cold]
    fn raise(&mut self, level: u32) {
        self.level = level;
        loop {
            let level = self.level;
            self.objects.retain(|object| hash(window_of(object.id.0)).leading_zeros() >= level);
            // A single window holds 8,192 objects at most, unless the dump lies.
            if self.objects.len() <= LIMIT || level >= 64 {
                self.objects.truncate(LIMIT);
                return;
            }
            self.level += 1;
        }
    }

    /// Adds another sample.
    pub fn merge(&mut self, other: Self) {
        self.objects.extend(other.objects);
        // Either side may hold objects that the other's level has dropped.
        if other.level != self.level || self.objects.len() > LIMIT {
            self.raise(self.level.max(other.level));
        }
    }

    /// True when every object of the dump is in the sample.
    pub fn is_whole(&self) -> bool {
        self.level == 0
    }

    /// The sampled objects by address, each with the distance to the next object of its window.
    /// The last one of a window has none, unless the sample is whole.
    pub fn gaps(mut self) -> Gaps {
        self.objects.sort_unstable();
        let whole = self.is_whole();
        let before = self.objects.len();
        let mut duplicates = Vec::new();
        let mut last = None;
        self.objects.retain(|object| {
            let again = last == Some(object.id);
            last = Some(object.id);
            if again {
                duplicates.push(*object);
            }
            !again
        });
        debug_assert_eq!(before, self.objects.len() + duplicates.len());
        let gap = |at: usize| {
            let (this, next) = (self.objects[at].id.0, self.objects.get(at + 1)?.id.0);
            (whole || window_of(this) == window_of(next)).then_some(next - this)
        };
        let gaps = (0..self.objects.len()).map(gap).collect();
        Gaps { objects: self.objects, gaps, whole, level: self.level, duplicates }
    }
}

/// Sampled objects in order of their addresses, with the distances between them.
#[derive(Clone, Debug, Default)]
pub struct Gaps {
    pub objects: Vec<Sampled>,
    gaps: Vec<Option<u64>>,
    /// True when every object of the dump is here.
    pub whole: bool,
    level: u32,
    /// Objects whose id another object had before.
    pub duplicates: Vec<Sampled>,
}

impl Gaps {
    /// True for an address in a sampled window.
    #[inline(always)]
    pub fn covers(&self, id: u64) -> bool {
        hash(window_of(id)).leading_zeros() >= self.level
    }

    /// Each object with the distance to the next one, where that is known.
    pub fn iter(&self) -> impl Iterator<Item = (&Sampled, Option<u64>)> {
        self.objects.iter().zip(self.gaps.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(id: u64) -> Sampled {
        Sampled { id: ObjectId(id), shape: Shape::Mirror, length: 0 }
    }

    fn fill(ids: impl Iterator<Item = u64>) -> Sample {
        let mut sample = Sample::default();
        for id in ids {
            if sample.wants(window_of(id)) {
                sample.push(object(id));
            }
        }
        sample
    }

    #[test]
    fn the_sample_is_the_same_in_any_order_and_any_split() {
        let count = 3 * LIMIT as u64;
        let forward = fill((0..count).map(|n| 0x7000_0000 + n * 24));
        let mut merged = fill((0..count / 3).rev().map(|n| 0x7000_0000 + n * 24));
        merged.merge(fill((count / 3..count).map(|n| 0x7000_0000 + n * 24)));
        // The choosier side may be either one.
        let mut swapped = fill((count / 8..count).map(|n| 0x7000_0000 + n * 24));
        swapped.merge(fill((0..count / 8).map(|n| 0x7000_0000 + n * 24)));
        assert_eq!(merged.clone().gaps().objects, swapped.gaps().objects);
        let (a, b) = (forward.gaps(), merged.gaps());
        assert!(!a.whole && a.objects.len() <= LIMIT && a.objects.len() > LIMIT / 8);
        assert_eq!(a.objects, b.objects);
        assert!(a.iter().filter_map(|(_, gap)| gap).all(|gap| gap == 24));
    }

    #[test]
    fn a_small_dump_is_sampled_whole_and_duplicates_are_told() {
        let gaps = fill([64, 16, 16, 1 << 20].into_iter()).gaps();
        assert!(gaps.whole);
        let found: Vec<_> = gaps.iter().map(|(o, gap)| (o.id.0, gap)).collect();
        assert_eq!(found, [(16, Some(48)), (64, Some((1 << 20) - 64)), (1 << 20, None)]);
        assert_eq!(gaps.duplicates, [object(16)]);
    }
}
