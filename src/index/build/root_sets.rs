//! Retained sizes of the kinds of GC roots and of threads.
//!
//! What they retain is what cannot be reached when their root records are gone
//! (`docs/retained-size.md`). As for other sets, 64 of them are looked at together. Here it is no
//! members that are cut off, but the virtual root's references to roots, and a thread's to what its
//! frames hold. A root that loses its record may still be reached from elsewhere, by references that
//! the graph does without: [`RootReferences`] has those.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use hashbrown::HashMap;
use rayon::prelude::*;

use super::FrameOwners;
use super::graph::{Graph, RootReferences};
use super::objects::Objects;
use super::order::Order;
use super::reach::Reach;
use crate::index::array::{Array, Budget, Cell};
use crate::index::facts::Thread;
use crate::index::store::ids::Ids;
use crate::index::store::{Family, StoredRoot, StoredSet};
use crate::parser::ids::ObjectId;
use crate::parser::tags::sub;

/// Sets that get a bit: all kinds of roots, and the threads that hold most objects.
const BITS: usize = 64;
/// Nodes that a thread takes at a time.
const STRIDE: usize = 1 << 16;

/// What is looked at.
pub struct RootSets<'a, C: Cell> {
    /// In order.
    pub roots: &'a [StoredRoot],
    pub owners: &'a FrameOwners,
    pub threads: &'a [Thread],
    pub references: &'a RootReferences<C>,
    pub objects: &'a Objects<C>,
    pub graph: &'a Graph<C>,
    pub order: &'a Order<C>,
    /// Dominators of numbers.
    pub dominators: &'a Array<C>,
    pub ids: Ids<'a>,
    pub ordinals: &'a Array<C>,
    pub unit: u64,
}

/// A kind of roots by its tag, or a thread by the ordinal of its object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Holder {
    Kind(u8),
    Thread(u64),
}

/// The sets without which a reference is gone, by what it leads to.
struct Cuts {
    /// From the virtual root to an object.
    roots: HashMap<u64, u64>,
    /// From a thread to an object that its frames hold.
    frames: HashMap<(u64, u64), u64>,
}

impl<C: Cell> RootSets<'_, C> {
    /// Finds what the kinds of roots and the threads retain.
    ///
    /// # Errors
    /// No memory, or no room on the disk.
    pub fn run(&self, budget: &Budget) -> io::Result<Vec<StoredSet>> {
        let held = self.held();
        let bits = Self::bits(&held);
        let reach = self.reachable_without(&self.cuts(&bits), budget)?;
        let sums = self.lost(&reach);
        let mut at_least: HashMap<u64, u64> = HashMap::new();
        for frame in self.references.frames.iter().filter(|frame| frame.is_only_referrer) {
            let object = self.ordinals[frame.object as usize].get();
            let thread = self.ordinals[frame.thread as usize].get();
            *at_least.entry(thread).or_default() += self.objects.units(object as usize);
        }
        let set = |(holder, objects): (&Holder, &BTreeSet<u64>)| {
            let bit = bits.get(holder);
            let units = match (holder, bit) {
                (_, Some(bit)) => sums[*bit],
                (Holder::Thread(thread), None) => at_least.get(thread).copied().unwrap_or(0),
                (Holder::Kind(_), None) => 0,
            };
            StoredSet {
                instances: objects.len() as u64,
                retained_bytes: units * self.unit,
                exact: bit.is_some(),
                ..self.name(*holder)
            }
        };
        Ok(held.iter().map(set).collect())
    }

    /// The objects that the records of each kind and thread name.
    fn held(&self) -> BTreeMap<Holder, BTreeSet<u64>> {
        let mut held: BTreeMap<Holder, BTreeSet<u64>> = BTreeMap::new();
        for root in self.roots.iter().filter(|root| root.kind != 0) {
            held.entry(Holder::Kind(root.kind)).or_default().insert(root.object);
            if root.kind == sub::ROOT_THREAD_OBJECT {
                held.entry(Holder::Thread(root.object)).or_default();
            }
            if let Some(thread) = self.owners.of(root) {
                held.entry(Holder::Thread(thread)).or_default().insert(root.object);
            }
        }
        held
    }

    fn bits(held: &BTreeMap<Holder, BTreeSet<u64>>) -> HashMap<Holder, usize> {
        let mut holders: Vec<(&Holder, usize)> =
            held.iter().map(|(holder, objects)| (holder, objects.len())).collect();
        // Stable: threads that hold as much stay in order.
        holders.sort_by_key(|(holder, objects)| match holder {
            Holder::Kind(_) => (false, 0),
            Holder::Thread(_) => (true, usize::MAX - objects),
        });
        holders.into_iter().map(|(holder, _)| *holder).zip(0..BITS).collect()
    }

    fn cuts(&self, bits: &HashMap<Holder, usize>) -> Cuts {
        let bit = |holder| bits.get(&holder).map_or(0, |bit| 1 << bit);
        let mut cuts = Cuts { roots: HashMap::new(), frames: HashMap::new() };
        // A reference is there as long as one of its records is.
        for root in self.roots {
            let kind = if root.kind == 0 { 0 } else { bit(Holder::Kind(root.kind)) };
            let (cut, sets) = match self.owners.of(root) {
                Some(thread) => {
                    let key = (thread, root.object);
                    (cuts.frames.entry(key).or_insert(u64::MAX), kind | bit(Holder::Thread(thread)))
                }
                None if root.kind == sub::ROOT_THREAD_OBJECT => {
                    let thread = bit(Holder::Thread(root.object));
                    (cuts.roots.entry(root.object).or_insert(u64::MAX), kind | thread)
                }
                None => (cuts.roots.entry(root.object).or_insert(u64::MAX), kind),
            };
            *cut &= sets;
        }
        cuts
    }

    fn reachable_without(&self, cuts: &Cuts, budget: &Budget) -> io::Result<Reach<'_, C>> {
        let mut reach = Reach::new(self.graph, self.order, budget)?;
        let ordinal = |node: u64| self.ordinals[node as usize].get();
        let end = self.order.levels[1];
        for top in self.order.tops.iter().take_while(|top| **top < end) {
            let root = ordinal(self.order.node[*top as usize].get());
            reach.add(*top, !cuts.roots.get(&root).copied().unwrap_or(0));
        }
        let mut has_frames = Array::<u64>::sparse(self.ordinals.len().div_ceil(64))?;
        let mut frames: HashMap<(u64, u64), u64> = HashMap::new();
        for frame in &self.references.frames {
            let cut = cuts.frames.get(&(ordinal(frame.thread), ordinal(frame.object)));
            frames.insert((frame.thread, frame.object), cut.copied().unwrap_or(0));
            has_frames[frame.thread as usize / 64] |= 1 << (frame.thread % 64);
        }
        let blocked = |node: u64, target: u64| {
            if has_frames[node as usize / 64] >> (node % 64) & 1 == 0 {
                return 0;
            }
            frames.get(&(node, target)).copied().unwrap_or(0)
        };
        let number = |node: u64| self.order.number[node as usize].get();
        let mut again = true;
        while again {
            reach.spread(blocked);
            again = false;
            for (from, to) in self.references.to_roots() {
                again |= reach.add(number(to), reach.of_node(from));
            }
            // What a frame holds may be a root, too.
            for ((thread, object), cut) in &frames {
                again |= reach.add(number(*object), reach.of_node(*thread) & !cut);
            }
        }
        Ok(reach)
    }

    /// Units that cannot be reached without each set.
    fn lost(&self, reach: &Reach<'_, C>) -> [u64; BITS] {
        let nodes = self.order.number.par_iter().zip(&self.ordinals[..]).with_min_len(STRIDE);
        let sums = nodes.fold(
            || [0; BITS],
            |mut sums, (number, object)| {
                let number = number.get() as usize;
                let Some(reachable) = reach.avoid.get(number) else { return sums };
                // All that is out of reach below a node within reach.
                let above = self.dominators[number].get() as usize;
                let mut lost = reach.avoid[above].get() & !reachable.get();
                if lost != 0 {
                    let units = self.objects.units(object.get() as usize);
                    while lost != 0 {
                        sums[lost.trailing_zeros() as usize] += units;
                        lost &= lost - 1;
                    }
                }
                sums
            },
        );
        sums.reduce(|| [0; BITS], |a, b| std::array::from_fn(|bit| a[bit] + b[bit]))
    }

    fn name(&self, holder: Holder) -> StoredSet {
        match holder {
            Holder::Kind(kind) => StoredSet {
                family: Family::Root,
                name: sub::name(kind).to_owned(),
                ..StoredSet::default()
            },
            Holder::Thread(object) => {
                let is_record = |root: &&StoredRoot| {
                    root.object == object && root.kind == sub::ROOT_THREAD_OBJECT
                };
                let first = self.roots.partition_point(|root| root.object < object);
                let record = self.roots[first..].iter().find(is_record);
                let thread = record
                    .and_then(|root| self.threads.iter().find(|one| one.serial == root.thread));
                StoredSet {
                    family: Family::Thread,
                    name: thread.and_then(|thread| thread.name.clone()).unwrap_or_default(),
                    id: self.ids.id(object).map(ObjectId),
                    ..StoredSet::default()
                }
            }
        }
    }
}
