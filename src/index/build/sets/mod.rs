//! Retained sizes of sets of objects: of classes, packages, class loaders, of arrays by length, of the
//! kinds of GC roots and of threads.
//!
//! What a set retains is what cannot be reached from the roots when all references into its members
//! are cut (`docs/retained-size.md`); for roots and threads, when their root records are gone. That is
//! found for 192 sets in one pass over the graph: a bit for each set says whether a node can be
//! reached without it. The classes, packages and loaders with the most instances get a bit, the rows
//! of object arrays that take most bytes, all kinds of roots, and the threads whose frames hold most
//! objects; of the others, the retained sizes of the topmost members are summed up, which is a lower
//! bound, and exact where there is one member. Arrays of primitives retain themselves.

mod arrays;
mod mask;
mod members;
mod reach;
mod roots;
mod topmost;

use std::io;
use std::sync::atomic::{AtomicU8, Ordering};

use hashbrown::HashMap;
use rayon::prelude::*;

use super::graph::{FrameReference, Graph, RootReferences};
use super::objects::{Objects, pred};
use super::order::Order;
use super::plan::Plans;
use super::roots::FrameOwners;
use super::slots::Slots;
use crate::index::array::{Access, Array, Budget, Cell};
use crate::index::census::Census;
use crate::index::facts::Thread;
use crate::index::store::ids::Ids;
use crate::index::store::{Family, StoredRoot, StoredSet};
use mask::{Mask, UNKNOWN};
use members::{How, Membership};
use reach::{Reach, Reached};
use topmost::Member;

/// Objects that a thread takes at a time.
const STRIDE: usize = 1 << 16;

/// What is looked at.
pub struct Sets<'a, C: Cell> {
    pub objects: &'a Objects<C>,
    pub graph: &'a Graph<C>,
    /// References that the graph does without.
    pub root_references: &'a RootReferences<C>,
    pub order: &'a Order<C>,
    /// Dominators of numbers.
    pub dominators: &'a Array<C>,
    pub ids: Ids<'a>,
    pub nodes: Ids<'a>,
    pub ordinals: &'a Array<C>,
    pub plans: &'a Plans<'a>,
    pub slots: &'a Slots,
    pub census: &'a Census,
    /// In order.
    pub roots: &'a [StoredRoot],
    pub frames: &'a FrameOwners,
    pub threads: &'a [Thread],
    /// What frames of threads hold, by thread.
    pub locals: &'a HashMap<u64, Vec<u64>>,
    /// Name of the class in source form and label of the loader, by kind.
    pub names: &'a [(String, String)],
}

/// What a thread of ours sums up.
struct Sums {
    /// Units of each set with a bit.
    bits: [u64; Mask::BITS],
    /// Members of sets of arrays.
    instances: Vec<u64>,
    /// Units that members of sets of arrays take themselves, for those that retain nothing else.
    themselves: Vec<u64>,
    members: Vec<Member>,
}

/// The node that an object is, or that it hangs on.
struct Place {
    node: u64,
    is_peeled: bool,
    hidden: Hidden,
}

/// Which of the sets of an object have a member between it and its node.
#[derive(Default)]
struct Hidden {
    of_kind: [bool; members::FAMILIES],
    array: bool,
}

impl Sums {
    fn new(arrays: usize) -> Self {
        Self {
            bits: [0; Mask::BITS],
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

    #[inline(always)]
    fn add(&mut self, bits: Mask, units: u64) {
        bits.each(|bit| self.bits[bit] += units);
    }
}

impl<C: Cell> Sets<'_, C> {
    /// Finds what all sets retain.
    ///
    /// # Errors
    /// No memory, or no room on the disk.
    pub fn run(&self, budget: &Budget) -> io::Result<Vec<StoredSet>> {
        let membership = self.membership();
        let roots = self.root_sets();
        let reached = self.reach(&membership, &roots, budget)?;
        let Sums { bits: exact, instances, themselves, members } =
            self.sum_up(&membership, &reached);
        drop(reached);
        let topmost = self.sum_of_topmost(members, membership.sets.len(), budget)?;
        let Membership { mut sets, how, first_of_arrays, .. } = membership;
        for (set, units) in sets.iter_mut().zip(topmost) {
            set.retained_bytes = units;
        }
        let of_arrays = sets[first_of_arrays..].iter_mut();
        for (set, (instances, units)) in of_arrays.zip(instances.into_iter().zip(themselves)) {
            set.instances = instances;
            set.retained_bytes += units;
        }
        for (set, how) in sets.iter_mut().zip(how) {
            set.exact = set.instances == 1;
            match how {
                How::Bit(bit) => (set.retained_bytes, set.exact) = (exact[bit], true),
                How::Themselves { is_exact } => set.exact = is_exact,
                How::Topmost => {}
            }
        }
        sets.retain(|set| set.family != Family::Array || set.instances > 0);
        sets.extend(self.stored_roots(&roots, &exact));
        sets.iter_mut().for_each(|set| set.retained_bytes *= self.plans.unit);
        Ok(sets)
    }

    /// Finds the sets without which each node can be reached.
    fn reach(
        &self,
        membership: &Membership,
        roots: &roots::RootSets,
        budget: &Budget,
    ) -> io::Result<Reached> {
        let patterns = self.patterns(membership, budget)?;
        let frames = self.frame_cuts(roots)?;
        let cuts = &membership.patterns;
        let mut reach = Reach::new(self.graph, self.order, &frames, patterns, cuts, budget)?;
        let end = self.order.levels[1];
        for top in self.order.tops.iter().take_while(|top| **top < end) {
            let node = self.order.node[*top as usize].get();
            let object = self.ordinals[node as usize].get();
            reach.add(node, Mask::ALL.without(roots.cut(object)));
        }
        reach.spread(|| self.root_references.to_roots());
        Ok(reach.finish())
    }

    /// The pattern of each node, gathered once: the kinds of objects are in a file.
    fn patterns(&self, membership: &Membership, budget: &Budget) -> io::Result<Array<AtomicU8>> {
        let patterns = Array::<AtomicU8>::new(budget, self.nodes.count, Access::Random)?;
        let nodes = patterns.par_iter().zip(&self.ordinals[..]).with_min_len(STRIDE);
        nodes.for_each(|(pattern, object)| {
            let at = object.get() as usize;
            let kind = self.objects.kinds.get(at) as usize;
            let of_kind = &membership.kinds[kind];
            let found = if of_kind.has_array_bits {
                let array = self.array(membership, kind, at).map(|(set, _)| set);
                membership.pattern(membership.bits(kind, array))
            } else {
                of_kind.pattern
            };
            pattern.store(found, Ordering::Relaxed);
        });
        Ok(patterns)
    }

    /// The set of arrays that an object belongs to, and its length.
    #[inline(always)]
    fn array(&self, membership: &Membership, kind: usize, at: usize) -> Option<(u32, u32)> {
        let sets = membership.kinds[kind].arrays.as_ref()?;
        let length = self.slots.get(at as u64);
        Some((sets.get(length)?, length))
    }

    fn sum_up(&self, membership: &Membership, reached: &Reached) -> Sums {
        let arrays = membership.sets.len() - membership.first_of_arrays;
        let count = self.objects.count as usize;
        // Each of the sums that are made at the same time has a number for each row of arrays.
        let strides = count.div_ceil(STRIDE) / (4 * rayon::current_num_threads());
        (0..count)
            .into_par_iter()
            .step_by(STRIDE)
            .with_min_len(strides.max(1))
            .fold(
                || Sums::new(arrays),
                |mut sums, start| {
                    let is_before = |ordinal: &C| ordinal.get() < start as u64;
                    let first = self.ordinals.partition_point(is_before);
                    let mut nodes = (first as u64..).zip(&self.ordinals[first..]);
                    let mut next = nodes.next();
                    for at in start..(start + STRIDE).min(count) {
                        let node = next.filter(|(_, ordinal)| ordinal.get() == at as u64);
                        if node.is_some() {
                            next = nodes.next();
                        }
                        let node = node.map(|(node, _)| node);
                        self.object(at, node, membership, reached, &mut sums);
                    }
                    sums
                },
            )
            .reduce(|| Sums::new(arrays), Sums::merge)
    }

    /// Adds what an object, or node, retains to its sets, where it is not part of another member's.
    #[inline(always)]
    fn object(
        &self,
        at: usize,
        node: Option<u64>,
        membership: &Membership,
        reached: &Reached,
        sums: &mut Sums,
    ) {
        let kind = self.objects.kinds.get(at) as usize;
        let of_kind = &membership.kinds[kind];
        let array = self.array(membership, kind, at);
        if let Some((set, _)) = array {
            sums.instances[set as usize - membership.first_of_arrays] += 1;
        }
        let is_told = of_kind.has_topmost || array.is_some();
        if let Some(node) = node {
            let reachable = reached.of_node(node);
            if reachable == UNKNOWN {
                return;
            }
            // All that is out of reach below a node within reach.
            let above = self.dominator(at, reached);
            if above != reachable {
                let lost = reached.mask(above).without(reached.mask(reachable));
                sums.add(lost, self.objects.units(at));
            }
            if is_told {
                let place = Place { node, is_peeled: false, hidden: Hidden::default() };
                self.tell(at, kind, array, place, membership, sums);
            }
            return;
        }
        // The sets that what lies between the object and its node belongs to.
        let mut between = Mask::NONE;
        let mut hidden = Hidden::default();
        let mut top = at;
        let node = loop {
            top = (self.objects.pred[top].get() - pred::FIRST) as usize;
            if let Some(node) = self.nodes.ordinal(top as u64) {
                break node;
            }
            let over = self.objects.kinds.get(top) as usize;
            let over_array = self.array(membership, over, top).map(|(set, _)| set);
            between |= membership.bits(over, over_array);
            if is_told {
                let sets = of_kind.sets.iter().zip(&membership.kinds[over].sets);
                hidden.of_kind.iter_mut().zip(sets).for_each(|(is_hidden, (own, over))| {
                    *is_hidden |= own == over;
                });
                hidden.array |= over_array.is_some() && over_array == array.map(|(set, _)| set);
            }
        };
        let reachable = reached.of_node(node);
        if reachable == UNKNOWN {
            return;
        }
        let bits = membership.bits(kind, array.map(|(set, _)| set));
        let freed = bits.without(between).and(reached.mask(reachable));
        sums.add(freed, self.objects.units(at));
        if is_told {
            let place = Place { node, is_peeled: true, hidden };
            self.tell(at, kind, array, place, membership, sums);
        }
    }

    /// Adds an object to those of its sets that have no bit.
    fn tell(
        &self,
        at: usize,
        kind: usize,
        array: Option<(u32, u32)>,
        Place { node, is_peeled, hidden }: Place,
        membership: &Membership,
        sums: &mut Sums,
    ) {
        let mut list = |set: u32| {
            if membership.how[set as usize] == How::Topmost {
                let place = self.order.number[node as usize].get();
                let units = self.objects.units(at);
                sums.members.push(Member { set, place, is_peeled, behind: 0, units });
            }
        };
        for (set, is_hidden) in membership.kinds[kind].sets.into_iter().zip(hidden.of_kind) {
            if !is_hidden {
                list(set);
            }
        }
        if let Some((set, length)) = array {
            if !hidden.array {
                list(set);
            }
            if let How::Themselves { .. } = membership.how[set as usize] {
                let units = self.plans.shallow(kind, length) / self.plans.unit;
                sums.themselves[set as usize - membership.first_of_arrays] += units;
            }
        }
    }

    /// The number of the mask of what dominates an object that is a node.
    #[inline(always)]
    fn dominator(&self, at: usize, reached: &Reached) -> u32 {
        let above = self.objects.pred[at].get().checked_sub(pred::FIRST);
        match above.and_then(|above| self.nodes.ordinal(above)) {
            Some(node) => reached.of_node(node),
            None => reached.of_root(),
        }
    }
}
