//! Retained sizes of sets of objects: of classes, packages, class loaders, and of arrays by length.
//!
//! What a set retains is what cannot be reached from the roots when all references into its members
//! are cut (`docs/retained-size.md`). That is found for 96 sets in one pass over the graph: a bit for
//! each set says whether a node can be reached without its members. The classes, packages and loaders
//! with the most instances get a bit, and the rows of object arrays that take most bytes; of the
//! others, the retained sizes of the topmost members are summed up, which is a lower bound, and exact
//! where there is one member. Arrays of primitives retain themselves.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU8, Ordering};

use hashbrown::{HashMap, HashSet};
use rayon::prelude::*;

use super::array_sets::{self, ArraySets};
use super::graph::Graph;
use super::objects::{Objects, pred};
use super::order::Order;
use super::plan::Plans;
use super::reach::{Bits, Reach};
use super::slots::Slots;
use crate::index::array::{Access, Array, Budget, Cell};
use crate::index::census::Census;
use crate::index::store::ids::Ids;
use crate::index::store::{Family, Form, StoredSet};
use crate::parser::names;

/// Sets of each family that get a bit; arrays have the bits from 64 on.
const EXACT: [(Family, usize); 3] =
    [(Family::Class, 40), (Family::Package, 16), (Family::Loader, 8)];
const FIRST_OF_ARRAYS: usize = 64;
const BITS: usize = 96;
/// A bit for each set that has one.
type Mask = [u32; 3];
/// Patterns of bits that nodes can have: a byte tells which.
const PATTERNS: usize = 256;
/// Objects that a thread takes at a time.
const STRIDE: usize = 1 << 16;
const FAMILIES: usize = EXACT.len();
/// Of so many objects one array may be listed for finding the topmost ones: a list takes 40 bytes
/// for each.
const LISTED: u64 = 32;

/// What is looked at.
pub struct Sets<'a, C: Cell> {
    pub objects: &'a Objects<C>,
    pub graph: &'a Graph<C>,
    pub order: &'a Order<C>,
    /// Dominators of numbers.
    pub dominators: &'a Array<C>,
    pub nodes: Ids<'a>,
    pub ordinals: &'a Array<C>,
    pub plans: &'a Plans<'a>,
    pub slots: &'a Slots,
    pub census: &'a Census,
    /// What frames of threads hold, by thread.
    pub locals: &'a HashMap<u64, Vec<u64>>,
    /// Name of the class in source form and label of the loader, by kind.
    pub names: &'a [(String, String)],
}

/// How it is found what a set retains.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum How {
    /// It has a bit.
    Bit(u32),
    /// The sum over the topmost members.
    Topmost,
    /// The members retain at least themselves, and nothing else where that is exact.
    Themselves { is_exact: bool },
}

/// Sets, and to which each kind belongs.
struct Membership {
    sets: Vec<StoredSet>,
    how: Vec<How>,
    /// Sets of each kind, one of each family but arrays.
    of_kind: Vec<[u32; FAMILIES]>,
    /// Bits of those sets that have one.
    bits: Vec<u128>,
    /// The number of the first set of arrays.
    first_of_arrays: usize,
    /// By kind, the sets of arrays by length.
    arrays: Vec<Option<ArraySets>>,
    /// By kind, whether some of these sets have a bit: of the others nobody need know the length.
    has_array_bits: Vec<bool>,
    /// The different values of the bits of objects, in order. Of those of kinds there are fewer than
    /// 200: a class has one package and one loader, which leaves 40 for those with a bit of their own
    /// and 17 · 9 for the others. Arrays bring some more.
    patterns: Vec<u128>,
}

impl Membership {
    fn is_topmost(&self, set: u32) -> bool {
        self.how[set as usize] == How::Topmost
    }

    /// The bits of the sets of an object of a kind, and of one of arrays.
    #[inline(always)]
    fn bits(&self, kind: usize, array: Option<u32>) -> u128 {
        match array.map(|set| self.how[set as usize]) {
            Some(How::Bit(bit)) => self.bits[kind] | 1 << bit,
            _ => self.bits[kind],
        }
    }
}

/// What a thread sums up.
struct Sums {
    /// Units of each set with a bit.
    bits: [u64; BITS],
    /// Members of sets of arrays.
    instances: Vec<u64>,
    /// Units that members of sets of arrays take themselves, for those that retain nothing else.
    themselves: Vec<u64>,
    members: Vec<Member>,
}

impl Sums {
    fn new(arrays: usize) -> Self {
        Self {
            bits: [0; BITS],
            instances: vec![0; arrays],
            themselves: vec![0; arrays],
            members: Vec::new(),
        }
    }

    fn merge(mut self, other: Self) -> Self {
        let add = |to: &mut [u64], from: &[u64]| {
            to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
        };
        add(&mut self.bits, &other.bits);
        add(&mut self.instances, &other.instances);
        add(&mut self.themselves, &other.themselves);
        self.members.extend(other.members);
        self
    }
}

/// A member of a set without a bit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Member {
    set: u32,
    /// The number of the node, and later its place in the order of the dominator tree.
    place: u64,
    /// False for the node itself, which comes first; true for what hangs on it.
    peeled: bool,
    /// Behind the places of what the node dominates; not known at first.
    behind: u64,
    units: u64,
}

impl<C: Cell> Sets<'_, C> {
    /// Finds what all sets retain, in units.
    ///
    /// # Errors
    /// No memory, or no room on the disk.
    pub fn run(&self, budget: &Budget) -> io::Result<Vec<StoredSet>> {
        let mut membership = self.membership();
        let avoid = self.reachable_without(&membership, budget)?;
        let arrays = membership.sets.len() - membership.first_of_arrays;
        let count = self.objects.count as usize;
        // Each of the sums that are made at the same time has a number for each row of arrays.
        let strides = count.div_ceil(STRIDE) / (4 * rayon::current_num_threads());
        let Sums { bits: exact, instances, themselves, mut members } = (0..count)
            .into_par_iter()
            .step_by(STRIDE)
            .with_min_len(strides.max(1))
            .fold(
                || Sums::new(arrays),
                |mut sums, start| {
                    for at in start..(start + STRIDE).min(count) {
                        self.object(at, &membership, &avoid, &mut sums);
                    }
                    sums
                },
            )
            .reduce(|| Sums::new(arrays), Sums::merge);
        drop(avoid);
        let (places, behind) = self.places(budget)?;
        members.par_iter_mut().for_each(|member| {
            let number = member.place as usize;
            (member.place, member.behind) = (places[number].get(), behind[number].get());
        });
        members.par_sort_unstable();
        let mut last = (u32::MAX, 0);
        for member in members {
            if member.set != last.0 {
                last = (member.set, 0);
            }
            if member.place < last.1 {
                continue;
            }
            if !member.peeled {
                last.1 = member.behind;
            }
            membership.sets[member.set as usize].retained_bytes += member.units;
        }
        let mut sets = membership.sets;
        let of_arrays = sets[membership.first_of_arrays..].iter_mut();
        for (set, (instances, units)) in of_arrays.zip(instances.into_iter().zip(themselves)) {
            set.instances = instances;
            set.retained_bytes += units;
        }
        for (set, how) in sets.iter_mut().zip(membership.how) {
            set.exact = set.instances == 1;
            match how {
                How::Bit(bit) => (set.retained_bytes, set.exact) = (exact[bit as usize], true),
                How::Themselves { is_exact } => set.exact = is_exact,
                How::Topmost => {}
            }
            set.retained_bytes *= self.plans.unit;
        }
        sets.retain(|set| set.family != Family::Array || set.instances > 0);
        Ok(sets)
    }

    /// Names the sets, counts their members, and gives bits to the largest.
    fn membership(&self) -> Membership {
        let kinds = self.plans.kinds.len();
        let count = self.objects.count as usize;
        let instances: Vec<u64> = (0..count)
            .into_par_iter()
            .step_by(STRIDE)
            .fold(
                || vec![0; kinds],
                |mut counts, start| {
                    for at in start..(start + STRIDE).min(count) {
                        counts[self.objects.kinds.get(at) as usize] += 1;
                    }
                    counts
                },
            )
            .reduce(
                || vec![0; kinds],
                |mut a, b| {
                    a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
                    a
                },
            );
        let mut index: BTreeMap<(Family, String, String), u32> = BTreeMap::new();
        let mut sets: Vec<StoredSet> = Vec::new();
        let mut of_kind = vec![[0; FAMILIES]; kinds];
        for (kind, (name, loader)) in self.names.iter().enumerate() {
            // As in digests: generated parts of names do not tell classes apart.
            let name = names::stable_name(name);
            let package = names::package_of(&name).to_owned();
            let keys = [
                (Family::Class, name, loader.clone()),
                (Family::Package, package, String::new()),
                (Family::Loader, loader.clone(), String::new()),
            ];
            for (nth, key) in keys.into_iter().enumerate() {
                let next = sets.len() as u32;
                let set = *index.entry(key.clone()).or_insert(next);
                if set == next {
                    let (family, name, loader) = key;
                    sets.push(StoredSet { family, name, loader, ..StoredSet::default() });
                }
                sets[set as usize].instances += instances[kind];
                of_kind[kind][nth] = set;
            }
        }
        let mut how = vec![How::Topmost; sets.len()];
        let mut next = 0;
        for (family, most) in EXACT {
            let mut largest: Vec<usize> = (0..sets.len())
                .filter(|set| sets[*set].family == family && sets[*set].instances > 1)
                .collect();
            largest.sort_by_key(|set| std::cmp::Reverse(sets[*set].instances));
            for set in largest.into_iter().take(most) {
                how[set] = How::Bit(next);
                next += 1;
            }
        }
        let bit = |set: &u32| match how[*set as usize] {
            How::Bit(bit) => 1 << bit,
            _ => 0,
        };
        let bits: Vec<u128> =
            of_kind.iter().map(|sets| sets.iter().fold(0, |bits, set| bits | bit(set))).collect();
        let mut patterns = bits.clone();
        patterns.sort_unstable();
        patterns.dedup();
        let (first_of_arrays, arrays) = (sets.len(), (0..kinds).map(|_| None).collect());
        let has_array_bits = vec![false; kinds];
        let mut membership = Membership {
            sets,
            how,
            of_kind,
            bits,
            first_of_arrays,
            arrays,
            has_array_bits,
            patterns,
        };
        self.add_arrays(&mut membership);
        membership
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
        let rows: Vec<_> = array_sets::rows(self.census).into_iter().collect();
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
                    by_bytes.push((
                        std::cmp::Reverse(counted.bytes),
                        set,
                        counted.instances,
                        kinds,
                    ));
                }
            }
            let folded_from = if retains { self.census.folded_from.unwrap_or(u32::MAX) } else { 0 };
            for kind in kinds {
                membership.arrays[*kind] = Some(ArraySets::new(&lengths, folded_from));
            }
        }
        by_bytes.sort_unstable();
        let mut next = FIRST_OF_ARRAYS;
        let mut listed = 0;
        for (_, set, instances, kinds) in by_bytes {
            let how = &mut membership.how[set as usize];
            // One array has no need of a bit: its retained set is that of an object.
            if instances > 1 && next < BITS && membership.patterns.len() + kinds.len() <= PATTERNS {
                *how = How::Bit(next as u32);
                kinds.iter().for_each(|kind| membership.has_array_bits[*kind] = true);
                let patterns = kinds.iter().map(|kind| membership.bits[*kind] | 1 << next);
                membership.patterns.extend(patterns);
                next += 1;
            } else if listed + instances <= self.objects.count / LISTED + STRIDE as u64 {
                *how = How::Topmost;
                listed += instances;
            }
        }
        membership.patterns.sort_unstable();
        membership.patterns.dedup();
    }

    /// The set of arrays that an object belongs to, and its length.
    #[inline(always)]
    fn array(&self, membership: &Membership, kind: usize, at: usize) -> Option<(u32, u32)> {
        let sets = membership.arrays[kind].as_ref()?;
        let length = self.slots.get(at as u64);
        Some((sets.get(length)?, length))
    }

    /// The pattern of each node, gathered once: the kinds of objects are in a file.
    fn patterns(&self, membership: &Membership, budget: &Budget) -> io::Result<Array<AtomicU8>> {
        let find = |bits: u128| membership.patterns.binary_search(&bits).unwrap_or_default() as u8;
        let of_kind: Vec<u8> = membership.bits.iter().map(|bits| find(*bits)).collect();
        let patterns = Array::<AtomicU8>::new(budget, self.nodes.count, Access::Random)?;
        let nodes = patterns.par_iter().zip(&self.ordinals[..]).with_min_len(STRIDE);
        nodes.for_each(|(pattern, object)| {
            let at = object.get() as usize;
            let kind = self.objects.kinds.get(at) as usize;
            let found = if membership.has_array_bits[kind] {
                let array = self.array(membership, kind, at).map(|(set, _)| set);
                find(membership.bits(kind, array))
            } else {
                of_kind[kind]
            };
            pattern.store(found, Ordering::Relaxed);
        });
        Ok(patterns)
    }

    /// For each number of the strong level, the sets without whose members it can be reached.
    fn reachable_without(
        &self,
        membership: &Membership,
        budget: &Budget,
    ) -> io::Result<Array<Mask>> {
        let mut reach = Reach::<C, Mask>::new(self.graph, self.order, budget)?;
        let patterns = self.patterns(membership, budget)?;
        let bits = |node: u64| {
            membership.patterns[usize::from(patterns[node as usize].load(Ordering::Relaxed))]
        };
        let end = self.order.levels[1];
        for top in self.order.tops.iter().take_while(|top| **top < end) {
            let node = self.order.node[*top as usize].get();
            reach.add(*top, Mask::ALL & !bits(node));
        }
        reach.spread(|_, target| bits(target));
        Ok(reach.avoid)
    }

    /// Places of the numbers in an order of the dominator tree in which each node comes right
    /// before all it dominates, and where those end.
    fn places(&self, budget: &Budget) -> io::Result<(Array<C>, Array<C>)> {
        let end = self.order.levels[1] as usize;
        let array = || Array::<C>::new(budget, end as u64, Access::Random);
        let (place, behind, free) = (array()?, array()?, array()?);
        // At first, how many nodes each dominates, itself included; higher numbers are complete.
        for number in (1..end).rev() {
            behind[number].set(behind[number].get() + 1);
            let above = &behind[self.dominators[number].get() as usize];
            above.set(above.get() + behind[number].get());
        }
        free[0].set(1);
        for number in 1..end {
            let next = &free[self.dominators[number].get() as usize];
            let (start, size) = (next.get(), behind[number].get());
            next.set(start + size);
            place[number].set(start);
            free[number].set(start + 1);
            behind[number].set(start + size);
        }
        Ok((place, behind))
    }

    /// Adds what an object retains to its sets, where it is not part of another member's.
    #[inline(always)]
    fn object(&self, at: usize, membership: &Membership, avoid: &Array<Mask>, sums: &mut Sums) {
        let kind = self.objects.kinds.get(at) as usize;
        let sets = membership.of_kind[kind];
        let (array, length) = self.array(membership, kind, at).unzip();
        let nth_array = array.map(|set| set as usize - membership.first_of_arrays);
        if let Some(nth) = nth_array {
            sums.instances[nth] += 1;
        }
        // The sets that what lies between the object and its node belongs to.
        let (mut top, mut above) = (at, 0);
        let mut hidden = [false; FAMILIES];
        let mut is_hidden_array = false;
        let node = loop {
            if let Some(node) = self.nodes.ordinal(top as u64) {
                break node;
            }
            if top != at {
                let kind = self.objects.kinds.get(top) as usize;
                let over = self.array(membership, kind, top).map(|(set, _)| set);
                above |= membership.bits(kind, over);
                for (nth, set) in membership.of_kind[kind].iter().enumerate() {
                    hidden[nth] |= *set == sets[nth];
                }
                is_hidden_array |= over.is_some() && over == array;
            }
            top = (self.objects.pred[top].get() - pred::FIRST) as usize;
        };
        let number = self.order.number[node as usize].get();
        if number >= self.order.levels[1] {
            return;
        }
        let units = self.objects.units(at);
        let reachable = avoid[number as usize].value();
        let mut bits = if top == at {
            // All that is out of reach below a node within reach.
            avoid[self.dominators[number as usize].get() as usize].value() & !reachable
        } else {
            membership.bits(kind, array) & !above & reachable
        };
        while bits != 0 {
            sums.bits[bits.trailing_zeros() as usize] += units;
            bits &= bits - 1;
        }
        let mut list = |set: u32| {
            if membership.is_topmost(set) {
                let peeled = top != at;
                sums.members.push(Member { set, place: number, peeled, behind: 0, units });
            }
        };
        for (set, is_hidden) in sets.into_iter().zip(hidden) {
            if !is_hidden {
                list(set);
            }
        }
        if let Some(set) = array.filter(|_| !is_hidden_array) {
            list(set);
        }
        if let (Some(nth), Some(length)) = (nth_array, length) {
            if let How::Themselves { .. } = membership.how[nth + membership.first_of_arrays] {
                sums.themselves[nth] += self.plans.shallow(kind, length) / self.plans.unit;
            }
        }
    }
}
