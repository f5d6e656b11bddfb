//! Depth-first order of the nodes, level by level: what the roots reach, then what only soft, weak,
//! phantom and finalizer references reach, then the rest.
//!
//! Serial, and the deepest path may be as long as there are nodes: nothing here recurses, and what
//! does not fit into memory of the stack goes to a temporary file.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::AtomicU64;

use hashbrown::HashMap;

use super::graph::{Graph, Successors};
use super::objects::{Objects, pred};
use crate::index::array::{Access, Array, Budget, Cell};
use crate::index::store::Level;
use crate::index::store::ids::OwnedIds;

/// The nodes in depth-first order. Numbers count the virtual roots of the levels too: number 0 is
/// that of the strong level.
pub struct Order<C: Cell> {
    /// Number of each node.
    pub number: Array<C>,
    /// Node of each number; meaningless for virtual roots.
    pub node: Array<C>,
    /// Number of the parent in the depth-first tree.
    pub parent: Array<C>,
    /// The lowest number known to reach each number past its ancestors: at first the parent.
    pub low: Array<C>,
    /// Numbers of the virtual roots, and behind them the count of numbers.
    pub levels: [u64; Level::COUNT + 1],
    /// Numbers of the children of virtual roots, ascending.
    pub tops: Vec<u64>,
    /// Unreachable objects that nothing refers to in any way, by their kind, other than
    /// [`Search::held_by_jvm`].
    pub unreferenced: HashMap<u32, u64>,
}

impl<C: Cell> Order<C> {
    /// The number of nodes and virtual roots.
    pub fn count(&self) -> u64 {
        self.levels[Level::COUNT]
    }

    /// The level of a number.
    #[inline(always)]
    pub fn level(&self, number: u64) -> usize {
        let strong_end = self.levels[1];
        if number < strong_end {
            return 0;
        }
        self.levels[1..Level::COUNT].partition_point(|first| *first <= number)
    }
}

/// What the search works on.
pub struct Search<'a, C: Cell> {
    pub graph: &'a Graph<C>,
    pub nodes: &'a OwnedIds,
    /// Ordinals of the nodes.
    pub ordinals: &'a Array<C>,
    pub objects: &'a Objects<C>,
    /// Kinds of what nothing need refer to: fillers of holes in the heap, class objects.
    pub held_by_jvm: [u32; 2],
    /// Reference objects and their referents, by ordinals; see
    /// [`References::weak`](super::references::References::weak).
    pub weak: &'a [(u64, u64, Level)],
    pub budget: &'a Budget,
}

/// A node whose successors are being visited.
#[derive(Clone, Copy, Default)]
struct Open {
    number: u64,
    successors: Successors,
}

impl<C: Cell> Search<'_, C> {
    /// Numbers all nodes.
    ///
    /// # Errors
    /// No memory, or no room on the disk.
    pub fn run(&self) -> io::Result<Order<C>> {
        let count = self.nodes.count + Level::COUNT as u64;
        let budget = self.budget;
        let mut walk = Walk {
            search: self,
            order: Order {
                number: Array::new(budget, self.nodes.count, Access::Random)?,
                low: Array::new(budget, count, Access::Random)?,
                node: Array::new(budget, count, Access::Sequential)?,
                parent: Array::new(budget, count, Access::Sequential)?,
                levels: [0; Level::COUNT + 1],
                tops: Vec::new(),
                unreferenced: HashMap::new(),
            },
            visited: bitmap(self.nodes.count)?,
            next: 0,
            stack: Stack::new(budget),
            sources: bitmap(self.nodes.count)?,
            referents: bitmap(self.nodes.count)?,
            pending: std::array::from_fn(|_| VecDeque::new()),
        };
        for (source, referent, _) in self.weak {
            let nodes = self.nodes.view();
            for (object, bits) in [(source, &mut walk.sources), (referent, &mut walk.referents)] {
                if let Some(node) = nodes.ordinal(*object) {
                    bits[node as usize / 64] |= 1 << (node % 64);
                }
            }
        }
        walk.all_levels()?;
        Ok(walk.order)
    }
}

fn bitmap(bits: u64) -> io::Result<Array<u64>> {
    Array::sparse(usize::try_from(bits.div_ceil(64)).map_err(io::Error::other)?)
}

struct Walk<'a, C: Cell> {
    search: &'a Search<'a, C>,
    order: Order<C>,
    visited: Array<u64>,
    next: u64,
    stack: Stack,
    /// Nodes that are reference objects with a referent.
    sources: Array<u64>,
    /// Nodes that reference objects refer to without retaining them.
    referents: Array<u64>,
    /// Referents of visited reference objects, by how they are held.
    pending: [VecDeque<u64>; Level::COUNT],
}

impl<C: Cell> Walk<'_, C> {
    fn all_levels(&mut self) -> io::Result<()> {
        let nodes = self.search.nodes.count;
        let code = |walk: &Self, node: u64| {
            let ordinal = walk.search.ordinals[node as usize].get();
            walk.search.objects.pred[ordinal as usize].get()
        };
        self.begin(Level::Strong);
        for node in 0..nodes {
            if pred::is_root(code(self, node)) {
                self.top(node)?;
            }
        }
        for level in [Level::Soft, Level::Weak, Level::Phantom] {
            self.begin(level);
            // References of earlier kinds that this level reaches are followed as well.
            while let Some(node) =
                (0..=level as usize).find_map(|kind| self.pending[kind].pop_front())
            {
                if !self.is_visited(node) {
                    self.top(node)?;
                } else if self.order.level_so_far(self.order.number[node as usize].get())
                    == level as usize
                {
                    let root = self.order.levels[level as usize];
                    self.order.low[self.order.number[node as usize].get() as usize].lower(root);
                }
            }
        }
        self.begin(Level::Unreachable);
        for node in 0..nodes {
            if !self.is_visited(node) && code(self, node) == pred::NONE {
                let ordinal = self.search.ordinals[node as usize].get() as usize;
                let kind = self.search.objects.kinds.get(ordinal);
                let is_referent = self.referents[node as usize / 64] >> (node % 64) & 1 != 0;
                let is_held = self.search.held_by_jvm.contains(&kind) || is_referent;
                if !is_held {
                    *self.order.unreferenced.entry(kind).or_default() += 1;
                }
                self.top(node)?;
            }
        }
        for node in self.first_on_circles()? {
            self.top(node)?;
        }
        self.order.levels[Level::COUNT] = self.next;
        Ok(())
    }

    /// Of the circles that are left and that nothing else that is left leads to, the node of the
    /// lowest address each.
    ///
    /// A search over all that is left, from the lowest address up, begins anew on each of those
    /// circles: nothing leads there but its own nodes, of which this is the lowest. Where it began
    /// anew elsewhere, a circle that was begun later leads there.
    fn first_on_circles(&mut self) -> io::Result<Vec<u64>> {
        let nodes = self.search.nodes.count;
        let mut marks = bitmap(nodes)?;
        let mut begun = Vec::new();
        for node in 0..nodes {
            if !self.is_visited(node) && self.mark(node, &mut marks)? {
                begun.push(node);
            }
        }
        let mut marks = bitmap(nodes)?;
        let mut first = Vec::new();
        for node in begun.into_iter().rev() {
            if self.mark(node, &mut marks)? {
                first.push(node);
            }
        }
        first.reverse();
        Ok(first)
    }

    /// Marks what a node that is left reaches; false when it was marked before.
    fn mark(&mut self, node: u64, marks: &mut Array<u64>) -> io::Result<bool> {
        let graph = self.search.graph;
        let mut enter = |node: u64| {
            let (word, bit) = (&mut marks[node as usize / 64], 1 << (node % 64));
            let is_new = *word & bit == 0;
            *word |= bit;
            is_new
        };
        if !enter(node) {
            return Ok(false);
        }
        let mut open = Open { number: 0, successors: graph.successors(node) };
        loop {
            match graph.next(&mut open.successors) {
                Some(node) if !self.is_visited(node) && enter(node) => {
                    if !open.successors.is_empty() {
                        self.stack.push(open)?;
                    }
                    open.successors = graph.successors(node);
                }
                Some(_) => {}
                None => match self.stack.pop()? {
                    Some(above) => open = above,
                    None => return Ok(true),
                },
            }
        }
    }

    /// Numbers the virtual root of a level.
    fn begin(&mut self, level: Level) {
        self.order.levels[level as usize] = self.next;
        // Until the next level begins, all numbers are of this one.
        self.order.levels[level as usize + 1..].fill(u64::MAX);
        let at = self.next as usize;
        self.order.parent[at].set(self.next);
        self.order.low[at].set(self.next);
        self.next += 1;
    }

    #[inline(always)]
    fn is_visited(&self, node: u64) -> bool {
        self.visited[node as usize / 64] >> (node % 64) & 1 != 0
    }

    /// Numbers a node, and says what it refers to.
    #[inline(always)]
    fn visit(&mut self, node: u64, parent: u64) -> Open {
        let number = self.next;
        self.next += 1;
        self.visited[node as usize / 64] |= 1 << (node % 64);
        self.order.number[node as usize].set(number);
        let at = number as usize;
        self.order.node[at].set(node);
        self.order.parent[at].set(parent);
        self.order.low[at].set(parent);
        if self.sources[node as usize / 64] >> (node % 64) & 1 != 0 {
            self.note_referent(node);
        }
        Open { number, successors: self.search.graph.successors(node) }
    }

    #[cold]
    fn note_referent(&mut self, node: u64) {
        let ordinal = self.search.ordinals[node as usize].get();
        let first = self.search.weak.partition_point(|(source, ..)| *source < ordinal);
        for (source, referent, level) in &self.search.weak[first..] {
            if *source != ordinal {
                break;
            }
            if let Some(referent) = self.search.nodes.view().ordinal(*referent) {
                self.pending[*level as usize].push_back(referent);
            }
        }
    }

    /// Visits a node as a child of the current level's virtual root, and all it reaches.
    fn top(&mut self, node: u64) -> io::Result<()> {
        let level = self.order.levels.iter().rposition(|first| *first != u64::MAX).unwrap_or(0);
        let root = self.order.levels[level];
        self.order.tops.push(self.next);
        let graph = self.search.graph;
        let mut open = self.visit(node, root);
        loop {
            match graph.next(&mut open.successors) {
                Some(node) if self.is_visited(node) => {}
                Some(node) => {
                    let child = self.visit(node, open.number);
                    if child.successors.is_empty() {
                        continue;
                    }
                    // A node that has nothing left need not be come back to.
                    if !open.successors.is_empty() {
                        self.stack.push(open)?;
                    }
                    open = child;
                }
                None => match self.stack.pop()? {
                    Some(above) => open = above,
                    None => return Ok(()),
                },
            }
        }
    }
}

impl<C: Cell> Order<C> {
    /// The level of a number while later levels have not begun.
    fn level_so_far(&self, number: u64) -> usize {
        self.levels[1..].partition_point(|first| *first <= number)
    }
}

/// A stack whose lower part lies in a temporary file.
struct Stack {
    entries: Vec<Open>,
    file: Option<File>,
    /// Blocks in the file.
    blocks: u64,
    budget: Budget,
}

/// Entries that are moved to and from the file at once.
const STACK_BLOCK: usize = 1 << 17;
const ENTRY: usize = 40;

impl Stack {
    fn new(budget: &Budget) -> Self {
        Self { entries: Vec::new(), file: None, blocks: 0, budget: budget.clone() }
    }

    #[inline(always)]
    fn push(&mut self, open: Open) -> io::Result<()> {
        if self.entries.len() == 2 * STACK_BLOCK {
            self.spill()?;
        }
        self.entries.push(open);
        Ok(())
    }

    #[inline(always)]
    fn pop(&mut self) -> io::Result<Option<Open>> {
        match self.entries.pop() {
            Some(open) => Ok(Some(open)),
            None if self.blocks > 0 => self.unspill(),
            None => Ok(None),
        }
    }

    #[cold]
    fn spill(&mut self) -> io::Result<()> {
        let file = match &self.file {
            Some(file) => file,
            None => self.file.insert(self.budget.temporary_file()?),
        };
        let mut bytes = Vec::with_capacity(STACK_BLOCK * ENTRY);
        for open in self.entries.drain(..STACK_BLOCK) {
            let Successors { at, left, last, first } = open.successors;
            for value in [open.number, at as u64, left, last, first.into()] {
                bytes.extend_from_slice(&value.to_le_bytes());
            }
        }
        file.write_all_at(&bytes, self.blocks * bytes.len() as u64)?;
        self.blocks += 1;
        Ok(())
    }

    #[cold]
    fn unspill(&mut self) -> io::Result<Option<Open>> {
        let Some(file) = &self.file else { return Ok(None) };
        self.blocks -= 1;
        let mut bytes = vec![0; STACK_BLOCK * ENTRY];
        let at = self.blocks * bytes.len() as u64;
        file.read_exact_at(&mut bytes, at)?;
        let mut values = bytes
            .chunks_exact(8)
            .map(|value| u64::from_le_bytes(value.first_chunk().copied().unwrap_or_default()));
        let mut next = || values.next().unwrap_or(0);
        for _ in 0..STACK_BLOCK {
            let number = next();
            let (at, left, last) = (next() as usize, next(), next());
            let successors = Successors { at, left, last, first: next() != 0 };
            self.entries.push(Open { number, successors });
        }
        Ok(self.entries.pop())
    }
}

/// Words of a bitmap that threads share.
pub fn shared_bitmap(bits: u64) -> io::Result<Array<AtomicU64>> {
    Array::sparse(usize::try_from(bits.div_ceil(64)).map_err(io::Error::other)?)
}
