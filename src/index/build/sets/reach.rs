//! Reachability without many sets at once: a bit for each set says whether a node can be reached when
//! what the set is about is cut off.

use std::io;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use hashbrown::HashMap;
use rayon::prelude::*;

use super::STRIDE;
use super::mask::{Mask, MaskId, Masks, UNKNOWN};
use crate::index::array::{Access, Array, Budget, Cell};
use crate::index::build::graph::Graph;
use crate::index::build::order::Order;

/// Which of some masks a node cuts off what it is reached by.
pub type Pattern = u8;
/// The pattern of nodes that are in no set with a bit.
pub const UNCUT: Pattern = 0;

/// Nodes that are asked for ahead of their turn, and their successors.
const AHEAD: usize = 16;
/// What nodes pass on that was found last.
const RECENT: usize = 1 << 12;

/// References of threads to what their frames hold, and the sets without which they are gone.
pub struct FrameCuts {
    /// By thread and object, as nodes.
    cuts: HashMap<(u64, u64), Mask>,
    /// A bit for each node that is such a thread.
    threads: Array<u64>,
}

impl FrameCuts {
    /// Cuts by thread and object, which are among `nodes` nodes.
    ///
    /// # Errors
    /// No address space.
    pub fn new(cuts: HashMap<(u64, u64), Mask>, nodes: usize) -> io::Result<Self> {
        let mut threads = Array::<u64>::sparse(nodes.div_ceil(64))?;
        for (thread, _) in cuts.keys() {
            threads[*thread as usize / 64] |= 1 << (thread % 64);
        }
        Ok(Self { cuts, threads })
    }

    #[inline(always)]
    fn is_thread(&self, node: u64) -> bool {
        self.threads[node as usize / 64] >> (node % 64) & 1 != 0
    }

    fn of(&self, thread: u64, object: u64) -> Mask {
        self.cuts.get(&(thread, object)).copied().unwrap_or(Mask::NONE)
    }
}

/// The strong nodes, while it is found out what reaches them.
pub struct Reach<'a, C: Cell> {
    graph: &'a Graph<C>,
    order: &'a Order<C>,
    frames: &'a FrameCuts,
    masks: Masks,
    /// Of each node, the sets without which something that refers to it can be reached, as far as is
    /// known.
    arriving: Array<AtomicU32>,
    /// Of each node, which of `cuts` are the sets it is in.
    patterns: Array<AtomicU8>,
    cuts: &'a [Mask],
    passing: Passing,
    /// A bit for each depth-first number that has news for its successors.
    dirty: Vec<u64>,
}

/// What nodes pass on, by what arrives and by pattern.
struct Passing {
    known: HashMap<(MaskId, Pattern), MaskId>,
    recent: Box<[(MaskId, Pattern, MaskId)]>,
}

impl Passing {
    #[inline(always)]
    fn of(&mut self, id: MaskId, pattern: Pattern, cuts: &[Mask], masks: &mut Masks) -> MaskId {
        if pattern == UNCUT || id == UNKNOWN {
            return id;
        }
        let at = (id as usize ^ usize::from(pattern) << 5) % RECENT;
        let (arriving, by, passing) = self.recent[at];
        if (arriving, by) == (id, pattern) {
            return passing;
        }
        let find = || masks.id(masks.value(id).without(cuts[usize::from(pattern)]));
        let passing = *self.known.entry((id, pattern)).or_insert_with(find);
        self.recent[at] = (id, pattern, passing);
        passing
    }
}

/// Which sets the strong nodes can be reached without.
pub struct Reached {
    masks: Masks,
    /// By node; [`UNKNOWN`] for those that are not strongly reachable.
    nodes: Array<AtomicU32>,
    all: MaskId,
}

impl Reached {
    /// The number of a node's mask; [`UNKNOWN`] for a node that is not strongly reachable.
    #[inline(always)]
    pub fn of_node(&self, node: u64) -> MaskId {
        self.nodes[node as usize].load(Ordering::Relaxed)
    }

    /// The number of the mask of the virtual root.
    pub fn of_root(&self) -> MaskId {
        self.all
    }

    #[inline(always)]
    pub fn mask(&self, id: MaskId) -> Mask {
        self.masks.value(id)
    }
}

impl<'a, C: Cell> Reach<'a, C> {
    /// Nothing is reached yet but the virtual root. `cuts` are what nodes cut off by their pattern;
    /// the first is nothing.
    ///
    /// # Errors
    /// No memory, or no room on the disk.
    pub fn new(
        graph: &'a Graph<C>,
        order: &'a Order<C>,
        frames: &'a FrameCuts,
        patterns: Array<AtomicU8>,
        cuts: &'a [Mask],
        budget: &Budget,
    ) -> io::Result<Self> {
        debug_assert_eq!(cuts.first(), Some(&Mask::NONE));
        Ok(Self {
            graph,
            order,
            frames,
            masks: Masks::new(),
            arriving: Array::new(budget, patterns.len() as u64, Access::Random)?,
            patterns,
            cuts,
            passing: Passing {
                known: HashMap::new(),
                recent: vec![(UNKNOWN, UNCUT, UNKNOWN); RECENT].into(),
            },
            dirty: vec![0; order.levels[1].div_ceil(64) as usize],
        })
    }

    /// Notes that something that can be reached without some sets refers to a node; true when that
    /// is news.
    pub fn add(&mut self, node: u64, sets: Mask) -> bool {
        let sets = self.masks.id(sets);
        self.arrive(node, sets).is_some()
    }

    /// As [`Self::add`]. Gives the node's depth-first number where it is news.
    #[inline(always)]
    fn arrive(&mut self, node: u64, sets: MaskId) -> Option<u64> {
        let arriving = &self.arriving[node as usize];
        let seen = arriving.load(Ordering::Relaxed);
        if seen == sets {
            return None;
        }
        let union = self.masks.union(seen, sets);
        if union == seen {
            return None;
        }
        arriving.store(union, Ordering::Relaxed);
        let number = self.order.number[node as usize].get();
        self.dirty[(number / 64) as usize] |= 1 << (number % 64);
        Some(number)
    }

    /// What a node passes on to its successors.
    #[inline(always)]
    fn passing(&mut self, node: u64) -> MaskId {
        let arriving = self.arriving[node as usize].load(Ordering::Relaxed);
        let pattern = self.patterns[node as usize].load(Ordering::Relaxed);
        self.passing.of(arriving, pattern, self.cuts, &mut self.masks)
    }

    /// Passes on what is known until there is no news. `beside` are references that the graph does
    /// without.
    pub fn spread<I: Iterator<Item = (u64, u64)>>(&mut self, beside: impl Fn() -> I) {
        let mut again = true;
        while again {
            self.sweep();
            again = false;
            for (from, to) in beside() {
                let passing = self.passing(from);
                again |= passing != UNKNOWN && self.arrive(to, passing).is_some();
            }
            // What a frame holds may be a root: the graph leaves that out, too.
            for ((thread, object), cut) in &self.frames.cuts {
                let passing = self.passing(*thread);
                if passing != UNKNOWN {
                    again |= self.add(*object, self.masks.value(passing).without(*cut));
                }
            }
        }
    }

    /// In depth-first order one sweep nearly suffices: what it leaves is the few references to lower
    /// numbers that brought news.
    fn sweep(&mut self) {
        let mut again = true;
        while again {
            again = false;
            for word in 0..self.dirty.len() {
                while self.dirty[word] != 0 {
                    let number = word as u64 * 64 + u64::from(self.dirty[word].trailing_zeros());
                    self.dirty[word] &= self.dirty[word] - 1;
                    self.prefetch(number as usize);
                    again |= self.visit(self.order.node[number as usize].get(), word as u64);
                }
            }
        }
    }

    /// Passes on what is known of a node, whose bit is in a word of `dirty`. True when that is news to
    /// one in a word before.
    #[inline(always)]
    fn visit(&mut self, node: u64, word: u64) -> bool {
        let graph = self.graph;
        let passing = self.passing(node);
        let is_thread = self.frames.is_thread(node);
        let mut is_news_before = false;
        let mut successors = graph.successors(node);
        while let Some(target) = graph.next(&mut successors) {
            let mut sets = passing;
            if is_thread {
                let cut = self.frames.of(node, target);
                sets = self.masks.id(self.masks.value(sets).without(cut));
            }
            if let Some(number) = self.arrive(target, sets) {
                is_news_before |= number / 64 < word;
            }
        }
        is_news_before
    }

    /// Nodes that are neighbours in the search are none in the heap.
    #[inline(always)]
    fn prefetch(&self, number: usize) {
        if let Some(node) = self.order.node.get(number + AHEAD) {
            let node = node.get();
            self.graph.prefetch(node);
            self.arriving.prefetch(node as usize);
            self.patterns.prefetch(node as usize);
        }
        if let Some(node) = self.order.node.get(number + AHEAD / 2) {
            self.graph.prefetch_successors(node.get());
        }
    }

    /// What was found out.
    pub fn finish(mut self) -> Reached {
        let Passing { known, .. } = self.passing;
        // A node cannot be reached without the sets it is in.
        let nodes = self.arriving.par_iter().zip(&self.patterns[..]).with_min_len(STRIDE);
        nodes.for_each_init(
            || (UNKNOWN, UNCUT, UNKNOWN),
            |last, (arriving, pattern)| {
                let id = arriving.load(Ordering::Relaxed);
                let pattern = pattern.load(Ordering::Relaxed);
                if pattern == UNCUT || id == UNKNOWN {
                    return;
                }
                if (last.0, last.1) != (id, pattern) {
                    *last = (id, pattern, known[&(id, pattern)]);
                }
                arriving.store(last.2, Ordering::Relaxed);
            },
        );
        let all = self.masks.id(Mask::ALL);
        Reached { masks: self.masks, nodes: self.arriving, all }
    }
}
