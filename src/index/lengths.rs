//! Counts arrays by class and length, exactly for the bytes they take, in bounded memory.
//!
//! A table keeps one entry for each (class, length). When there are more different pairs than
//! [`LIMIT`], long lengths are folded: one entry for each class, power-of-two bucket and remainder
//! modulo 256, with the sum of the lengths. That is all that the size of the arrays depends on
//! (sizes are rounded to the object alignment, at most 256), so bytes stay exact and only the exact
//! lengths in a bucket are given up; powers of two always keep their own entry. Whether and from
//! which length on a table is folded depends on the set of pairs alone, never on who saw them.
//!
//! Memory: 40 bytes per entry and at most [`LIMIT`] of them, whatever the number of objects. (Folded
//! as far as it goes, a class has at most 6,000 entries; only a dump with more than [`LIMIT`] / 6,000
//! classes of arrays of all lengths could take more.)

use hashbrown::HashMap;

use crate::parser::ids::ObjectId;
use crate::parser::tags::FieldType;

/// Different (class, length) pairs that are told apart.
const LIMIT: usize = 1 << 18;
/// Lengths from which on arrays are folded, of primitives and of references, tried one after the
/// other. Exact lengths of primitive arrays are worth least: reports show them in buckets anyway.
const FOLD_FROM: [(u32, u32); 6] =
    [(u32::MAX, u32::MAX), (512, u32::MAX), (512, 4096), (256, 256), (16, 16), (0, 0)];
/// The largest object alignment of HotSpot: sizes depend on lengths modulo this.
const REMAINDERS: u32 = 256;
/// Primitive arrays shorter than this are counted without hashing.
const DIRECT: usize = 512;

/// Class of an array: an object array's class, or a primitive element type.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum ArrayClass {
    Primitive(FieldType),
    Object(ObjectId),
}

/// Arrays of one class that are counted together.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Lengths {
    /// All have this length.
    Exact(u32),
    /// Lengths between two powers of two: 2^`log2` < length < 2^(`log2` + 1), all with this
    /// remainder modulo 256.
    Folded { log2: u8, remainder: u8 },
}

impl Lengths {
    fn folded(length: u32, from: u32) -> Self {
        if length < from.max(1) || length.is_power_of_two() {
            Self::Exact(length)
        } else {
            Self::Folded { log2: length.ilog2() as u8, remainder: (length % REMAINDERS) as u8 }
        }
    }

    /// A length with the same remainder, for sizes.
    pub fn representative(self) -> u32 {
        match self {
            Self::Exact(length) => length,
            Self::Folded { remainder, .. } => u32::from(remainder),
        }
    }
}

/// How many arrays there are and the sum of their lengths.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct LengthCount {
    pub arrays: u64,
    pub elements: u64,
}

/// See the module's text.
#[derive(Clone, Debug)]
pub struct LengthTable {
    direct: Box<[[u64; DIRECT]; 8]>,
    counts: HashMap<(ArrayClass, Lengths), LengthCount>,
    fold: usize,
    limit: usize,
    /// The object arrays that are being counted: class and length, and how many in a row.
    last: (ObjectId, u32),
    run: u64,
}

impl Default for LengthTable {
    fn default() -> Self {
        Self::with_limit(LIMIT)
    }
}

impl LengthTable {
    /// A table that folds beyond `limit` pairs.
    pub fn with_limit(limit: usize) -> Self {
        Self {
            direct: Box::new([[0; DIRECT]; 8]),
            counts: HashMap::new(),
            fold: 0,
            limit,
            last: (ObjectId::NULL, 0),
            run: 0,
        }
    }

    /// Counts a primitive array.
    #[inline(always)]
    pub fn add_primitive(&mut self, element: FieldType, length: u32) {
        let row = &mut self.direct[(element as usize - 4) & 7];
        match row.get_mut(length as usize) {
            Some(count) => *count += 1,
            None => self.add(ArrayClass::Primitive(element), length, 1),
        }
    }

    /// Counts an object array.
    #[inline(always)]
    pub fn add_object(&mut self, class: ObjectId, length: u32) {
        // Arrays of one class and length come in runs.
        if (class, length) == self.last {
            self.run += 1;
            return;
        }
        let (class, length) = std::mem::replace(&mut self.last, (class, length));
        let run = std::mem::replace(&mut self.run, 1);
        self.add(ArrayClass::Object(class), length, run);
    }

    /// Adds the run that is being counted: to be called before the rows are read.
    pub fn end_run(&mut self) {
        let ((class, length), run) = (self.last, std::mem::take(&mut self.run));
        self.add(ArrayClass::Object(class), length, run);
    }

    fn add(&mut self, class: ArrayClass, length: u32, arrays: u64) {
        if arrays == 0 {
            return;
        }
        let count = LengthCount { arrays, elements: arrays * u64::from(length) };
        self.add_folded(class, Lengths::Exact(length), count, FOLD_FROM[self.fold]);
        if self.counts.len() > self.limit && self.fold + 1 < FOLD_FROM.len() {
            self.refold(self.fold + 1);
        }
    }

    /// Folds until the table fits; the first level that is tried is `level`.
    #[cold]
    fn refold(&mut self, level: usize) {
        for (level, from) in FOLD_FROM.into_iter().enumerate().skip(level) {
            self.fold = level;
            for ((class, lengths), count) in std::mem::take(&mut self.counts) {
                self.add_folded(class, lengths, count, from);
            }
            if self.counts.len() <= self.limit {
                return;
            }
        }
    }

    /// Adds to an entry, after folding lengths from `from` on.
    fn add_folded(
        &mut self,
        class: ArrayClass,
        lengths: Lengths,
        count: LengthCount,
        (primitive, object): (u32, u32),
    ) {
        let from = match class {
            ArrayClass::Primitive(_) => primitive,
            ArrayClass::Object(_) => object,
        };
        let lengths = match lengths {
            Lengths::Exact(length) => Lengths::folded(length, from),
            folded => folded,
        };
        let sum = self.counts.entry((class, lengths)).or_default();
        sum.arrays += count.arrays;
        sum.elements += count.elements;
    }

    /// Adds what another table counted.
    pub fn merge(&mut self, mut other: Self) {
        self.end_run();
        other.end_run();
        for (row, theirs) in self.direct.iter_mut().zip(other.direct.iter()) {
            for (count, theirs) in row.iter_mut().zip(theirs) {
                *count += theirs;
            }
        }
        if other.fold > self.fold {
            self.refold(other.fold);
        }
        for ((class, lengths), count) in other.counts {
            self.add_folded(class, lengths, count, FOLD_FROM[self.fold]);
        }
        if self.counts.len() > self.limit && self.fold + 1 < FOLD_FROM.len() {
            self.refold(self.fold + 1);
        }
    }

    /// Everything that was counted, in order.
    pub fn rows(&self) -> Vec<(ArrayClass, Lengths, LengthCount)> {
        let direct =
            FieldType::PRIMITIVES.iter().zip(self.direct.iter()).flat_map(|(kind, row)| {
                row.iter().enumerate().filter(|(_, arrays)| **arrays > 0).map(|(length, arrays)| {
                    let count = LengthCount { arrays: *arrays, elements: *arrays * length as u64 };
                    (ArrayClass::Primitive(*kind), Lengths::Exact(length as u32), count)
                })
            });
        let counted =
            self.counts.iter().map(|((class, lengths), count)| (*class, *lengths, *count));
        let mut rows: Vec<_> = direct.chain(counted).collect();
        rows.sort_unstable_by_key(|(class, lengths, _)| (*class, *lengths));
        rows
    }

    /// The length from which on object arrays are counted in buckets; `None` when all have their
    /// exact length.
    pub fn folded_from(&self) -> Option<u32> {
        let (_, object) = FOLD_FROM[self.fold];
        (object < u32::MAX).then_some(object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes must not depend on folding, nor the table on the order of additions.
    #[test]
    fn folding_keeps_bytes_and_is_the_same_for_any_split_of_the_arrays() {
        let class = |n: u32| ObjectId(u64::from(n % 5));
        let lengths: Vec<u32> = (0..20_000).map(|n| n * 7 % 65_536).collect();
        let mut whole = LengthTable::with_limit(12_000);
        lengths.iter().for_each(|n| whole.add_object(class(*n), *n));
        whole.end_run();
        assert_eq!(whole.folded_from(), Some(4096));
        let mut parts = LengthTable::with_limit(12_000);
        for chunk in lengths.rchunks(777) {
            let mut part = LengthTable::with_limit(12_000);
            chunk.iter().for_each(|n| part.add_object(class(*n), *n));
            parts.merge(part);
        }
        parts.end_run();
        assert_eq!(whole.rows(), parts.rows());
        let size = |n: u64| (n * 4 + 16).div_ceil(256) * 256;
        let exact: u64 = lengths.iter().map(|n| size(u64::from(*n))).sum();
        let folded: u64 = whole
            .rows()
            .iter()
            .map(|(_, lengths, count)| {
                let n = u64::from(lengths.representative());
                count.arrays * size(n) + (count.elements - count.arrays * n) * 4
            })
            .sum();
        assert_eq!(exact, folded);
    }
}
