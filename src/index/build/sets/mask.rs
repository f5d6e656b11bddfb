//! A bit for each of the sets that are looked at together, and the few different masks of such bits
//! that a heap has: nodes know theirs by number.

use std::ops::{BitOr, BitOrAssign};

use hashbrown::HashMap;

/// Words of a mask.
const WORDS: usize = 3;

/// A bit for each of some sets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Mask([u64; WORDS]);

impl Mask {
    /// Sets that get a bit.
    pub const BITS: usize = WORDS * 64;
    pub const NONE: Self = Self([0; WORDS]);
    pub const ALL: Self = Self([u64::MAX; WORDS]);

    pub fn bit(nth: usize) -> Self {
        let mut mask = Self::NONE;
        mask.0[nth / 64] = 1 << (nth % 64);
        mask
    }

    /// What is in this mask and in none of `others`.
    #[inline(always)]
    pub fn without(self, others: Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] & !others.0[word]))
    }

    #[inline(always)]
    pub fn and(self, other: Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] & other.0[word]))
    }

    /// The numbers of the bits that are there.
    #[inline(always)]
    pub fn each(self, mut each: impl FnMut(usize)) {
        for (nth, mut word) in self.0.into_iter().enumerate() {
            while word != 0 {
                each(nth * 64 + word.trailing_zeros() as usize);
                word &= word - 1;
            }
        }
    }
}

impl BitOr for Mask {
    type Output = Self;

    #[inline(always)]
    fn bitor(self, other: Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] | other.0[word]))
    }
}

impl BitOrAssign for Mask {
    #[inline(always)]
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}

/// The number of a mask in [`Masks`].
pub type MaskId = u32;

/// That of nodes that have no mask: nothing reaches them.
pub const UNKNOWN: MaskId = 0;

/// What was found last for pairs of numbers; the rest is looked up or computed.
const RECENT: usize = 1 << 14;

/// Different masks, by number. There are some hundreds to thousands in a heap: which sets lie on all
/// ways to a node is the same for most of its neighbours.
pub struct Masks {
    values: Vec<Mask>,
    numbers: HashMap<Mask, MaskId>,
    unions: Box<[(MaskId, MaskId, MaskId)]>,
}

impl Masks {
    /// No mask but the one of all sets.
    pub fn new() -> Self {
        Self {
            values: vec![Mask::NONE],
            numbers: HashMap::new(),
            unions: vec![(UNKNOWN, UNKNOWN, UNKNOWN); RECENT].into(),
        }
    }

    /// The mask of a number; [`Mask::NONE`] for [`UNKNOWN`].
    #[inline(always)]
    pub fn value(&self, id: MaskId) -> Mask {
        self.values[id as usize]
    }

    /// The number of a mask.
    pub fn id(&mut self, mask: Mask) -> MaskId {
        let next = self.values.len() as MaskId;
        let id = *self.numbers.entry(mask).or_insert(next);
        if id == next {
            self.values.push(mask);
        }
        id
    }

    /// The number of what is in either of two masks.
    #[inline(always)]
    pub fn union(&mut self, a: MaskId, b: MaskId) -> MaskId {
        let at = (a.wrapping_mul(0x9E37_79B1) ^ b.wrapping_mul(0x85EB_CA6B)) as usize >> 7;
        let (first, second, union) = self.unions[at % RECENT];
        if (first, second) == (a, b) { union } else { self.find_union(a, b, at % RECENT) }
    }

    #[inline(never)]
    fn find_union(&mut self, a: MaskId, b: MaskId, at: usize) -> MaskId {
        let union = if a == UNKNOWN { b } else { self.id(self.value(a) | self.value(b)) };
        self.unions[at] = (a, b, union);
        union
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_found_again() {
        let nths = [0, 1, 63, 64, 127, 128, Mask::BITS - 1];
        let mask = nths.iter().fold(Mask::NONE, |mask, nth| mask | Mask::bit(*nth));
        let mut found = Vec::new();
        mask.each(|nth| found.push(nth));
        assert_eq!(found, nths);
        assert_eq!(mask.and(Mask::ALL.without(Mask::bit(64))), mask.without(Mask::bit(64)));
        let mut count = 0;
        Mask::ALL.each(|_| count += 1);
        assert_eq!(count, Mask::BITS);
    }

    #[test]
    fn masks_have_one_number_each() {
        let mut masks = Masks::new();
        let ids: Vec<MaskId> = (0..Mask::BITS).map(|nth| masks.id(Mask::bit(nth))).collect();
        let nothing = masks.id(Mask::NONE);
        assert_ne!(nothing, UNKNOWN);
        // More pairs than are remembered.
        for _ in 0..2 {
            for (nth, a) in ids.iter().enumerate() {
                for (other, b) in ids.iter().enumerate() {
                    let union = masks.union(*a, *b);
                    assert_eq!(masks.value(union), Mask::bit(nth) | Mask::bit(other));
                    assert_eq!(masks.union(UNKNOWN, *b), *b);
                    assert_eq!(masks.union(nothing, *b), *b);
                }
            }
        }
        assert_eq!(masks.id(Mask::bit(5)), ids[5]);
    }
}
