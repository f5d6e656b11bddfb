//! Retained sizes of sets of objects: of classes, packages, class loaders.
//!
//! What a set retains is what cannot be reached from the roots when all references into its members
//! are cut (`docs/retained-size.md`). That is found for 64 sets in one pass over the graph: a bit for
//! each set says whether a node can be reached without its members. The sets with the most
//! instances get a bit; of the others, the retained sizes of the topmost members are summed up,
//! which is a lower bound, and exact where there is one member.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use rayon::prelude::*;

use super::graph::Graph;
use super::order::Order;
use super::plan::Plans;
use super::reach::Reach;
use super::walks::{Objects, pred};
use crate::index::array::{Access, Array, Budget, Cell};
use crate::index::store::ids::Ids;
use crate::index::store::{Family, StoredSet};
use crate::parser::names;

/// Sets of each family that get a bit.
const EXACT: [(Family, usize); 3] =
    [(Family::Class, 40), (Family::Package, 16), (Family::Loader, 8)];
/// Objects that a thread takes at a time.
const STRIDE: usize = 1 << 16;
const FAMILIES: usize = EXACT.len();

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
    /// Name of the class in source form and label of the loader, by kind.
    pub names: &'a [(String, String)],
}

/// Sets, and to which each kind belongs.
struct Membership {
    sets: Vec<StoredSet>,
    /// Sets of each kind, one of each family.
    of_kind: Vec<[u32; FAMILIES]>,
    /// Bits of the sets of each kind that have one.
    bits: Vec<u64>,
    /// The different values of `bits`. There are fewer than 256: a class has one package and one
    /// loader, which leaves 40 for those with a bit of their own and 17 · 9 for the others.
    patterns: Vec<u64>,
    /// The bit of each set.
    bit: Vec<Option<u32>>,
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
        let exact: [AtomicU64; 64] = std::array::from_fn(|_| AtomicU64::new(0));
        let count = self.objects.count as usize;
        let mut members: Vec<Member> = (0..count)
            .into_par_iter()
            .step_by(STRIDE)
            .flat_map_iter(|start| {
                let mut sums = [0; 64];
                let mut members = Vec::new();
                for at in start..(start + STRIDE).min(count) {
                    self.object(at, &membership, &avoid, &mut sums, &mut members);
                }
                for (all, sum) in exact.iter().zip(sums) {
                    all.fetch_add(sum, Ordering::Relaxed);
                }
                members
            })
            .collect();
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
        for (set, bit) in membership.sets.iter_mut().zip(&membership.bit) {
            if let Some(bit) = bit {
                set.retained_bytes = exact[*bit as usize].load(Ordering::Relaxed);
            }
            set.exact = bit.is_some() || set.instances == 1;
            set.retained_bytes *= self.plans.unit;
        }
        Ok(membership.sets)
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
        let mut bit = vec![None; sets.len()];
        let mut next = 0;
        for (family, most) in EXACT {
            let mut largest: Vec<usize> = (0..sets.len())
                .filter(|set| sets[*set].family == family && sets[*set].instances > 1)
                .collect();
            largest.sort_by_key(|set| std::cmp::Reverse(sets[*set].instances));
            for set in largest.into_iter().take(most) {
                bit[set] = Some(next);
                next += 1;
            }
        }
        let bits: Vec<u64> = of_kind
            .iter()
            .map(|sets| {
                sets.iter()
                    .filter_map(|set| bit[*set as usize])
                    .fold(0, |bits, bit| bits | 1 << bit)
            })
            .collect();
        let mut patterns = bits.clone();
        patterns.sort_unstable();
        patterns.dedup();
        Membership { sets, of_kind, bits, patterns, bit }
    }

    /// The pattern of each node, gathered once: the kinds of objects are in a file.
    fn patterns(&self, membership: &Membership, budget: &Budget) -> io::Result<Array<AtomicU8>> {
        let of_kind: Vec<u8> = membership
            .bits
            .iter()
            .map(|bits| membership.patterns.binary_search(bits).unwrap_or_default() as u8)
            .collect();
        let patterns = Array::<AtomicU8>::new(budget, self.nodes.count, Access::Random)?;
        let nodes = patterns.par_iter().zip(&self.ordinals[..]).with_min_len(STRIDE);
        nodes.for_each(|(pattern, object)| {
            let kind = self.objects.kinds.get(object.get() as usize);
            pattern.store(of_kind[kind as usize], Ordering::Relaxed);
        });
        Ok(patterns)
    }

    /// For each number of the strong level, the sets without whose members it can be reached.
    fn reachable_without(
        &self,
        membership: &Membership,
        budget: &Budget,
    ) -> io::Result<Array<AtomicU64>> {
        let mut reach = Reach::new(self.graph, self.order, budget)?;
        let patterns = self.patterns(membership, budget)?;
        let bits = |node: u64| {
            membership.patterns[usize::from(patterns[node as usize].load(Ordering::Relaxed))]
        };
        let end = self.order.levels[1];
        for top in self.order.tops.iter().take_while(|top| **top < end) {
            let node = self.order.node[*top as usize].get();
            reach.add(*top, !bits(node));
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
    fn object(
        &self,
        at: usize,
        membership: &Membership,
        avoid: &Array<AtomicU64>,
        sums: &mut [u64; 64],
        members: &mut Vec<Member>,
    ) {
        let kind = self.objects.kinds.get(at) as usize;
        let (sets, own) = (membership.of_kind[kind], membership.bits[kind]);
        let others = sets.iter().any(|set| membership.bit[*set as usize].is_none());
        // The sets that what lies between the object and its node belongs to.
        let (mut top, mut above) = (at, 0);
        let mut hidden = [false; FAMILIES];
        let node = loop {
            if let Some(node) = self.nodes.ordinal(top as u64) {
                break node;
            }
            if top != at {
                let kind = self.objects.kinds.get(top) as usize;
                above |= membership.bits[kind];
                for (nth, set) in membership.of_kind[kind].iter().enumerate() {
                    hidden[nth] |= *set == sets[nth];
                }
            }
            top = (self.objects.pred[top].get() - pred::FIRST) as usize;
        };
        let number = self.order.number[node as usize].get();
        if number >= self.order.levels[1] {
            return;
        }
        let units = self.objects.units(at);
        let reachable = avoid[number as usize].get();
        let mut bits = if top == at {
            // All that is out of reach below a node within reach.
            avoid[self.dominators[number as usize].get() as usize].get() & !reachable
        } else {
            own & !above & reachable
        };
        while bits != 0 {
            sums[bits.trailing_zeros() as usize] += units;
            bits &= bits - 1;
        }
        if !others {
            return;
        }
        for (nth, set) in sets.into_iter().enumerate() {
            if membership.bit[set as usize].is_none() && !hidden[nth] {
                members.push(Member { set, place: number, peeled: top != at, behind: 0, units });
            }
        }
    }
}
