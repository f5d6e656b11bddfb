//! Which sets there are of classes, packages, class loaders and arrays, and to which each object
//! belongs.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use hashbrown::HashSet;
use rayon::prelude::*;

use super::arrays::{self, ArraySets};
use super::mask::Mask;
use super::reach::Pattern;
use super::{STRIDE, Sets};
use crate::index::array::Cell;
use crate::index::store::{Family, Form, StoredSet};
use crate::parser::names;

/// Sets of each family that get a bit.
const EXACT: [(Family, usize); FAMILIES] =
    [(Family::Class, 40), (Family::Package, 16), (Family::Loader, 8)];
/// Sets that each kind belongs to, one of each family but arrays.
pub const FAMILIES: usize = 3;
/// The bits of the sets of arrays.
const ARRAYS: std::ops::Range<usize> = 64..128;
/// Patterns of bits that nodes can have: a byte tells which.
const PATTERNS: usize = Pattern::MAX as usize + 1;
/// Of so many objects one array may be listed for finding the topmost ones: a list takes 40 bytes
/// for each.
const LISTED: u64 = 32;

/// How it is found what a set retains.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How {
    /// It has a bit.
    Bit(usize),
    /// The sum over the topmost members.
    Topmost,
    /// The members retain at least themselves, and nothing else where that is exact.
    Themselves { is_exact: bool },
}

/// Sets, and to which each kind belongs.
pub struct Membership {
    pub sets: Vec<StoredSet>,
    pub how: Vec<How>,
    pub kinds: Vec<OfKind>,
    /// The number of the first set of arrays.
    pub first_of_arrays: usize,
    /// The different values of the bits of objects, in order: no bit at all comes first. Of those of
    /// kinds there are fewer than 200: a class has one package and one loader, which leaves 40 for
    /// those with a bit of their own and 17 · 9 for the others. Arrays bring some more.
    pub patterns: Vec<Mask>,
}

/// The sets that objects of a kind belong to.
#[derive(Default)]
pub struct OfKind {
    /// One of each family but arrays.
    pub sets: [u32; FAMILIES],
    /// Bits of those that have one, and their place among the patterns.
    pub bits: Mask,
    pub pattern: Pattern,
    /// True when one of them has none.
    pub has_topmost: bool,
    /// The sets of arrays by length.
    pub arrays: Option<ArraySets>,
    /// Whether some of those have a bit: of the others nobody need know the length.
    pub has_array_bits: bool,
}

impl Membership {
    /// The bits of the sets of an object of a kind, and of one of arrays.
    #[inline(always)]
    pub fn bits(&self, kind: usize, array: Option<u32>) -> Mask {
        let bits = self.kinds[kind].bits;
        match array.map(|set| self.how[set as usize]) {
            Some(How::Bit(bit)) => bits | Mask::bit(bit),
            _ => bits,
        }
    }

    /// Which pattern some bits are.
    pub fn pattern(&self, bits: Mask) -> Pattern {
        self.patterns.binary_search(&bits).unwrap_or_default() as Pattern
    }
}

impl<C: Cell> Sets<'_, C> {
    /// Names the sets, counts their members, and gives bits to the largest.
    pub(super) fn membership(&self) -> Membership {
        let instances = self.instances();
        let mut index: BTreeMap<(Family, String, String), u32> = BTreeMap::new();
        let mut sets: Vec<StoredSet> = Vec::new();
        let mut kinds = Vec::with_capacity(instances.len());
        for ((name, loader), instances) in self.names.iter().zip(instances) {
            // As in digests: generated parts of names do not tell classes apart.
            let name = names::stable_name(name);
            let package = names::package_of(&name).to_owned();
            let keys = [
                (Family::Class, name, loader.clone()),
                (Family::Package, package, String::new()),
                (Family::Loader, loader.clone(), String::new()),
            ];
            let sets = keys.map(|key| {
                let next = sets.len() as u32;
                let set = *index.entry(key.clone()).or_insert(next);
                if set == next {
                    let (family, name, loader) = key;
                    sets.push(StoredSet { family, name, loader, ..StoredSet::default() });
                }
                sets[set as usize].instances += instances;
                set
            });
            kinds.push(OfKind { sets, ..OfKind::default() });
        }
        let mut how = vec![How::Topmost; sets.len()];
        let mut next = 0;
        for (family, most) in EXACT {
            let mut largest: Vec<usize> = (0..sets.len())
                .filter(|set| sets[*set].family == family && sets[*set].instances > 1)
                .collect();
            largest.sort_by_key(|set| Reverse(sets[*set].instances));
            for set in largest.into_iter().take(most) {
                how[set] = How::Bit(next);
                next += 1;
            }
        }
        for kind in &mut kinds {
            for set in kind.sets {
                match how[set as usize] {
                    How::Bit(bit) => kind.bits |= Mask::bit(bit),
                    _ => kind.has_topmost = true,
                }
            }
        }
        let patterns = kinds.iter().map(|kind| kind.bits).chain([Mask::NONE]).collect();
        let first_of_arrays = sets.len();
        let mut membership = Membership { sets, how, kinds, first_of_arrays, patterns };
        membership.patterns.sort_unstable();
        membership.patterns.dedup();
        self.add_arrays(&mut membership);
        for kind in 0..membership.kinds.len() {
            membership.kinds[kind].pattern = membership.pattern(membership.kinds[kind].bits);
        }
        membership
    }

    /// Objects of each kind.
    fn instances(&self) -> Vec<u64> {
        let kinds = self.plans.kinds.len();
        let count = self.objects.count as usize;
        let of_stretch = |mut counts: Vec<u64>, start: usize| {
            for at in start..(start + STRIDE).min(count) {
                counts[self.objects.kinds.get(at) as usize] += 1;
            }
            counts
        };
        let add = |mut a: Vec<u64>, b: Vec<u64>| {
            a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
            a
        };
        let none = || vec![0; kinds];
        (0..count).into_par_iter().step_by(STRIDE).fold(none, of_stretch).reduce(none, add)
    }

    /// Adds the sets of arrays. Their members are counted later.
    fn add_arrays(&self, membership: &mut Membership) {
        let mut kinds: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (kind, (name, _)) in self.names.iter().enumerate() {
            if matches!(self.plans.kinds[kind].form, Form::ObjectArray | Form::PrimitiveArray(_)) {
                kinds.entry(names::stable_name(name)).or_default().push(kind);
            }
        }
        let threads: HashSet<u32> =
            self.locals.keys().map(|thread| self.objects.kinds.get(*thread as usize)).collect();
        // What is strange enough to be a thread and an array holds what its frames hold.
        let holds =
            |kind: &usize| self.plans.keeps_class(*kind) || threads.contains(&(*kind as u32));
        let rows: Vec<_> = arrays::rows(self.census).into_iter().collect();
        // Those that can retain something, the ones with the most bytes first.
        let mut by_bytes = Vec::new();
        for rows in rows.chunk_by(|((a, _), _), ((b, _), _)| a == b) {
            let name = &rows[0].0.0;
            let Some(kinds) = kinds.get(name) else { continue };
            let is_object = |kind: &usize| self.plans.kinds[*kind].form == Form::ObjectArray;
            let retains = kinds.iter().any(is_object);
            let is_exact = !retains && !kinds.iter().any(holds);
            let mut lengths = Vec::with_capacity(rows.len());
            for ((_, length), counted) in rows {
                let set = membership.sets.len() as u32;
                lengths.push((*length, set));
                membership.sets.push(StoredSet {
                    family: Family::Array,
                    name: name.clone(),
                    length: Some(*length),
                    ..StoredSet::default()
                });
                membership.how.push(How::Themselves { is_exact });
                if retains {
                    by_bytes.push((Reverse(counted.bytes), set, counted.instances, kinds));
                }
            }
            let folded_from = if retains { self.census.folded_from.unwrap_or(u32::MAX) } else { 0 };
            for kind in kinds {
                let arrays = ArraySets::new(&lengths, folded_from);
                membership.kinds[*kind].arrays = Some(arrays);
            }
        }
        by_bytes.sort_unstable();
        let mut bits = ARRAYS;
        let mut listed = 0;
        for (_, set, instances, kinds) in by_bytes {
            let how = &mut membership.how[set as usize];
            let has_room = membership.patterns.len() + kinds.len() <= PATTERNS;
            // One array has no need of a bit: its retained set is that of an object.
            let bit = if instances > 1 && has_room { bits.next() } else { None };
            match bit {
                Some(bit) => {
                    *how = How::Bit(bit);
                    for kind in kinds {
                        let kind = &mut membership.kinds[*kind];
                        kind.has_array_bits = true;
                        membership.patterns.push(kind.bits | Mask::bit(bit));
                    }
                }
                None if listed + instances <= self.objects.count / LISTED + STRIDE as u64 => {
                    *how = How::Topmost;
                    listed += instances;
                }
                None => {}
            }
        }
        membership.patterns.sort_unstable();
        membership.patterns.dedup();
    }
}
