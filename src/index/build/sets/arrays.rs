//! Which set of arrays, by class and length, an array belongs to: the rows of the census.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use crate::index::census::{Census, LengthRange};
use crate::parser::names;

/// Lengths whose set is found without hashing: most arrays are short.
const DIRECT: u32 = 1024;
const NONE: u32 = u32::MAX;

/// Arrays of a class name and some lengths, as the census counted them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counted {
    pub instances: u64,
    pub bytes: u64,
}

/// The rows of a census by name of the class, as in digests, and length.
pub fn rows(census: &Census) -> BTreeMap<(String, LengthRange), Counted> {
    let mut rows: BTreeMap<(String, LengthRange), Counted> = BTreeMap::new();
    for row in &census.arrays {
        let name = names::stable_name(&names::source_name(&row.class));
        let counted = rows.entry((name, row.length)).or_default();
        counted.instances += row.instances;
        counted.bytes += row.shallow_bytes;
    }
    rows
}

/// The sets of the arrays of one class, by length.
pub struct ArraySets {
    short: Box<[u32]>,
    /// By the least length of a row.
    long: HashMap<u32, u32>,
    folded_from: u32,
}

impl ArraySets {
    /// Makes the table of some rows and their sets.
    pub fn new(rows: &[(LengthRange, u32)], folded_from: u32) -> Self {
        let last = rows.iter().map(|(length, _)| ends(*length).1).max().unwrap_or(0);
        let mut short = vec![NONE; last.saturating_add(1).min(DIRECT) as usize];
        let mut long = HashMap::new();
        for (length, set) in rows {
            let (from, to) = ends(*length);
            if let Some(short) = short.get_mut(from as usize..) {
                let covered = (to - from) as usize + 1;
                short.iter_mut().take(covered).for_each(|short| *short = *set);
            }
            long.insert(from, *set);
        }
        Self { short: short.into(), long, folded_from }
    }

    /// The set of an array of this length.
    #[inline(always)]
    pub fn get(&self, length: u32) -> Option<u32> {
        match self.short.get(length as usize) {
            Some(set) => Some(*set).filter(|set| *set != NONE),
            None => self.of_long(length),
        }
    }

    #[inline(never)]
    fn of_long(&self, length: u32) -> Option<u32> {
        let (from, _) = ends(LengthRange::Exact(length).folded(self.folded_from));
        self.long.get(&from).copied()
    }
}

/// The ends of a range, both included.
fn ends(length: LengthRange) -> (u32, u32) {
    match length {
        LengthRange::Exact(length) => (length, length),
        LengthRange::Range(from, to) => (from, to),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_length_is_in_the_set_of_its_row() {
        let lengths = [0, 1, 2, 3, 5, 16, 17, 1000, 1023, 1024, 1025, 5000, 65_536, 70_000];
        for folded_from in [0, 16, 512, 4096, u32::MAX] {
            let mut rows: Vec<LengthRange> =
                lengths.map(|length| LengthRange::Exact(length).folded(folded_from)).to_vec();
            rows.sort_unstable();
            rows.dedup();
            let numbered: Vec<(LengthRange, u32)> = rows.iter().copied().zip(7..).collect();
            let sets = ArraySets::new(&numbered, folded_from);
            for length in lengths {
                let row = LengthRange::Exact(length).folded(folded_from);
                let nth = rows.binary_search(&row).expect("its row") as u32;
                assert_eq!(sets.get(length), Some(7 + nth), "{length}, {folded_from}");
            }
            assert_eq!(sets.get(200_000), None);
        }
        assert_eq!(ArraySets::new(&[(LengthRange::Exact(9), 1)], u32::MAX).get(8), None);
    }
}
