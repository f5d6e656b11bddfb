//! Merges the dominator tree into the owner tree (`docs/ARCHITECTURE.md`).
//!
//! The walks before have noted by which reference each object is held. One pass over the graph finds
//! that of the nodes, and who is named where several hold one; one over the objects finds the node of
//! the tree of each; one more over the graph finds who shares what is held by several.

mod limits;
mod marks;
mod merge;
mod roots;
mod shares;

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::graph::Graph;
use super::label::Label;
use super::objects::Objects;
use super::order::{Order, shared_bitmap};
use super::plan::{OutsideMemory, Plans};
use super::references::References;
use super::roles::{Names, Ranks, Role, Roles};
use super::slots::Slots;
use crate::index::array::{Access, Array, Budget, Cell};
use crate::index::facts::Thread;
use crate::index::owners::OwnerTree;
use crate::index::store::StoredRoot;
use crate::index::store::ids::Ids;
use crate::parser::classes::ClassTable;
use crate::parser::ids::ObjectId;
use merge::Merging;

/// Nodes of the graph that a thread takes at a time.
const STRIDE: usize = 1 << 16;

/// What is looked at; the passes before have left dominators in `objects.pred`.
pub struct Owners<'a, C: Cell> {
    pub plans: &'a Plans<'a>,
    pub objects: &'a Objects<C>,
    pub references: &'a References,
    pub ids: Ids<'a>,
    pub graph: &'a Graph<C>,
    pub order: &'a Order<C>,
    /// Dominators of numbers.
    pub dominators: &'a Array<C>,
    pub nodes: Ids<'a>,
    pub ordinals: &'a Array<C>,
    pub slots: &'a Slots,
    pub classes: &'a ClassTable,
    /// Class name in source form and label of the loader, by kind.
    pub names: &'a [(String, String)],
    pub roots: &'a [StoredRoot],
    pub threads: &'a [Thread],
}

/// How the nodes of the graph are held.
struct Held {
    /// Of each node: [`BY_DOMINATOR`] and the label of the reference of its dominator, or, where that
    /// does not refer to it, [`UNNAMED`] less the lowest rank of those that do; 0 is nobody, or
    /// somebody without a name.
    codes: Array<AtomicU32>,
    /// Who refers to thread locals: node, node of the thread local, label.
    thread_locals: Vec<(u64, u64, Label)>,
}

/// Larger than all that is not by the dominator.
const BY_DOMINATOR: u32 = 1 << 31;
const UNNAMED: u32 = BY_DOMINATOR - 1;

/// A code of [`Held`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Holding {
    ByDominator(Label),
    /// The rank of who is named.
    Shared(Option<u32>),
}

impl Held {
    fn of(&self, node: u64) -> Holding {
        match self.codes[node as usize].load(Ordering::Relaxed) {
            0 => Holding::Shared(None),
            code if code & BY_DOMINATOR != 0 => Holding::ByDominator(code as Label),
            code => Holding::Shared(Some(UNNAMED - code)),
        }
    }

    /// Notes a code: the largest counts.
    #[inline(always)]
    fn note(&self, node: u64, code: u32) {
        let seen = &self.codes[node as usize];
        if seen.load(Ordering::Relaxed) < code {
            seen.fetch_max(code, Ordering::Relaxed);
        }
    }
}

impl<C: Cell> Owners<'_, C> {
    /// Makes the tree.
    ///
    /// # Errors
    /// No memory, or no room on the disk.
    pub fn run(&self, budget: &Budget) -> io::Result<OwnerTree> {
        let mut names = Names::default();
        let mut roles = Roles::new(self.plans, self.classes, self.names, &mut names);
        let ranks = roles.ranks(self.classes, &mut names);
        let held = self.held(&roles, &ranks, budget)?;
        // Objects are gone through in order, and what dominates them is mostly near.
        self.objects.labels.use_in_order();
        let mut merging = Merging::new(self, &held, &ranks, roles, names, budget)?;
        merging.name_roots();
        merging.name_thread_locals();
        merging.merge();
        for (object, OutsideMemory { bytes, is_freed_by_it }) in &self.references.outside {
            // What native code of the JVM lends the JDK (the file of its modules) is nobody's.
            if *is_freed_by_it || !merging.is_held_by_jdk(*object as usize) {
                merging.add_native(*object as usize, *bytes);
            }
        }
        merging.add_bounds();
        let limits = merging.limits();
        let shares = merging.shares(&limits);
        let marks = merging.marks();
        Ok(merging.finish(shares, limits, marks))
    }

    /// Finds how the nodes of the graph are held.
    fn held(&self, roles: &Roles, ranks: &Ranks, budget: &Budget) -> io::Result<Held> {
        let count = self.ordinals.len() as u64;
        let mut held =
            Held { codes: Array::new(budget, count, Access::Random)?, thread_locals: Vec::new() };
        let is_thread_local = shared_bitmap(count)?;
        for (_, key) in self.thread_locals(roles) {
            if let Some(node) = self.nodes.ordinal(key) {
                is_thread_local[node as usize / 64].fetch_or(1 << (node % 64), Ordering::Relaxed);
            }
        }
        let thread_locals = Mutex::new(Vec::new());
        (0..self.ordinals.len()).into_par_iter().with_min_len(STRIDE).for_each(|node| {
            let node = node as u64;
            let mut edges = self.graph.labelled(node);
            if edges.is_empty() {
                return;
            }
            let from = self.order.number[node as usize].get();
            let mut shared = None;
            while let Some((target, label)) = self.graph.next_labelled(&mut edges) {
                let to = self.order.number[target as usize].get();
                // References from later levels hold nothing.
                if self.order.level(from) != self.order.level(to) {
                    continue;
                }
                if is_thread_local[target as usize / 64].get() >> (target % 64) & 1 != 0 {
                    let mut all = thread_locals.lock().unwrap_or_else(PoisonError::into_inner);
                    all.push((node, target, label));
                }
                if self.dominators[to as usize].get() == from {
                    held.note(target, BY_DOMINATOR | u32::from(label));
                    continue;
                }
                let shared = *shared.get_or_insert_with(|| {
                    let rank = self.rank(self.ordinals[node as usize].get(), roles, ranks);
                    UNNAMED.saturating_sub(rank)
                });
                held.note(target, shared);
            }
        });
        held.thread_locals = thread_locals.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(held)
    }

    /// The entries of maps of thread locals, with the thread locals they are of.
    fn thread_locals(&self, roles: &Roles) -> impl Iterator<Item = (u64, u64)> {
        let is_entry = |entry: &u64| {
            let kind = self.objects.kinds.get(*entry as usize);
            roles.of_kind[kind as usize] == Role::ThreadLocalEntry
        };
        let weak = self.references.weak.iter();
        weak.filter(move |(entry, ..)| is_entry(entry)).map(|(entry, key, _)| (*entry, *key))
    }

    fn rank(&self, object: u64, roles: &Roles, ranks: &Ranks) -> u32 {
        let kind = self.objects.kinds.get(object as usize) as usize;
        if roles.of_kind[kind] != Role::Mirror {
            return ranks.of_kind[kind];
        }
        let class = self.ids.id(object).and_then(|id| self.classes.index_of(ObjectId(id)));
        class.and_then(|class| ranks.of_class.get(&class)).map_or(u32::MAX, |rank| *rank)
    }
}
