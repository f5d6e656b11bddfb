//! Reachability without 64 sets at once: a bit for each set says whether a node can be reached when
//! what the set is about is cut off.

use std::io;
use std::sync::atomic::AtomicU64;

use super::graph::Graph;
use super::order::Order;
use crate::index::array::{Access, Array, Budget, Cell};

/// The nodes of the strong level, by number.
pub struct Reach<'a, C: Cell> {
    graph: &'a Graph<C>,
    order: &'a Order<C>,
    /// For each number, the sets without which it can be reached, as far as is known.
    pub avoid: Array<AtomicU64>,
    /// A bit for each number that has news for its successors.
    dirty: Vec<u64>,
}

impl<'a, C: Cell> Reach<'a, C> {
    /// Nothing is reached yet but the virtual root.
    ///
    /// # Errors
    /// No memory, or no room on the disk.
    pub fn new(graph: &'a Graph<C>, order: &'a Order<C>, budget: &Budget) -> io::Result<Self> {
        let end = order.levels[1];
        let avoid = Array::<AtomicU64>::new(budget, end, Access::Random)?;
        avoid[0].set(u64::MAX);
        Ok(Self { graph, order, avoid, dirty: vec![0; end.div_ceil(64) as usize] })
    }

    /// Notes that a number can be reached without some sets; true when that is news.
    #[inline(always)]
    pub fn add(&mut self, number: u64, sets: u64) -> bool {
        let before = self.avoid[number as usize].get();
        if sets & !before == 0 {
            return false;
        }
        self.avoid[number as usize].set(before | sets);
        self.dirty[(number / 64) as usize] |= 1 << (number % 64);
        true
    }

    /// The sets without which a node can be reached.
    #[inline(always)]
    pub fn of_node(&self, node: u64) -> u64 {
        let number = self.order.number[node as usize].get();
        self.avoid.get(number as usize).map_or(0, Cell::get)
    }

    /// Passes on what is known until there is no news. `blocked` tells for which sets the reference
    /// from one node to another does not count; it is asked only where that matters.
    ///
    /// In depth-first order one sweep nearly suffices: what it leaves is the few references to lower
    /// numbers that brought news.
    #[inline(always)]
    pub fn spread(&mut self, blocked: impl Fn(u64, u64) -> u64) {
        let mut again = true;
        while again {
            again = false;
            for word in 0..self.dirty.len() {
                while self.dirty[word] != 0 {
                    let number = word as u64 * 64 + u64::from(self.dirty[word].trailing_zeros());
                    self.dirty[word] &= self.dirty[word] - 1;
                    let value = self.avoid[number as usize].get();
                    let node = self.order.node[number as usize].get();
                    let mut successors = self.graph.successors(node);
                    while let Some(target) = self.graph.next(&mut successors) {
                        let to = self.order.number[target as usize].get();
                        if value & !self.avoid[to as usize].get() != 0 {
                            let is_news = self.add(to, value & !blocked(node, target));
                            again |= is_news && to / 64 < word as u64;
                        }
                    }
                }
            }
        }
    }
}
