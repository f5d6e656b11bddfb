//! Reachability without many sets at once: a bit for each set says whether a node can be reached when
//! what the set is about is cut off.

use std::io;
use std::ops::{BitAnd, BitOr, Not};
use std::sync::atomic::AtomicU64;

use super::graph::Graph;
use super::order::Order;
use crate::index::array::{Access, Array, Budget, Cell, Plain};

/// A bit for each of some sets, as it is kept for each node. How many there are decides how much
/// memory that takes; the time hardly depends on it.
pub trait Bits: Plain {
    type Value: Copy
        + Eq
        + Default
        + BitAnd<Output = Self::Value>
        + BitOr<Output = Self::Value>
        + Not<Output = Self::Value>;
    /// All bits there are.
    const ALL: Self::Value;

    fn value(&self) -> Self::Value;
    fn put(&mut self, value: Self::Value);
}

impl Bits for AtomicU64 {
    type Value = u64;
    const ALL: u64 = u64::MAX;

    #[inline(always)]
    fn value(&self) -> u64 {
        self.get()
    }

    #[inline(always)]
    fn put(&mut self, value: u64) {
        *self.get_mut() = value;
    }
}

/// 96 bits.
impl Bits for [u32; 3] {
    type Value = u128;
    const ALL: u128 = (1 << 96) - 1;

    #[inline(always)]
    fn value(&self) -> u128 {
        u128::from(self[0]) | u128::from(self[1]) << 32 | u128::from(self[2]) << 64
    }

    #[inline(always)]
    fn put(&mut self, value: u128) {
        *self = [value as u32, (value >> 32) as u32, (value >> 64) as u32];
    }
}

/// The nodes of the strong level, by number.
pub struct Reach<'a, C: Cell, B: Bits = AtomicU64> {
    graph: &'a Graph<C>,
    order: &'a Order<C>,
    /// For each number, the sets without which it can be reached, as far as is known.
    pub avoid: Array<B>,
    /// A bit for each number that has news for its successors.
    dirty: Vec<u64>,
}

impl<'a, C: Cell, B: Bits> Reach<'a, C, B> {
    /// Nothing is reached yet but the virtual root.
    ///
    /// # Errors
    /// No memory, or no room on the disk.
    pub fn new(graph: &'a Graph<C>, order: &'a Order<C>, budget: &Budget) -> io::Result<Self> {
        let end = order.levels[1];
        let mut avoid = Array::<B>::new(budget, end, Access::Random)?;
        avoid[0].put(B::ALL);
        Ok(Self { graph, order, avoid, dirty: vec![0; end.div_ceil(64) as usize] })
    }

    /// Notes that a number can be reached without some sets; true when that is news.
    #[inline(always)]
    pub fn add(&mut self, number: u64, sets: B::Value) -> bool {
        let avoid = &mut self.avoid[number as usize];
        let before = avoid.value();
        if sets & !before == B::Value::default() {
            return false;
        }
        avoid.put(before | sets);
        self.dirty[(number / 64) as usize] |= 1 << (number % 64);
        true
    }

    /// The sets without which a node can be reached.
    #[inline(always)]
    pub fn of_node(&self, node: u64) -> B::Value {
        let number = self.order.number[node as usize].get();
        self.avoid.get(number as usize).map_or(B::Value::default(), Bits::value)
    }

    /// Passes on what is known until there is no news. `blocked` tells for which sets the reference
    /// from one node to another does not count; it is asked only where that matters.
    ///
    /// In depth-first order one sweep nearly suffices: what it leaves is the few references to lower
    /// numbers that brought news.
    #[inline(always)]
    pub fn spread(&mut self, blocked: impl Fn(u64, u64) -> B::Value) {
        let mut again = true;
        while again {
            again = false;
            for word in 0..self.dirty.len() {
                while self.dirty[word] != 0 {
                    let number = word as u64 * 64 + u64::from(self.dirty[word].trailing_zeros());
                    self.dirty[word] &= self.dirty[word] - 1;
                    let value = self.avoid[number as usize].value();
                    let node = self.order.node[number as usize].get();
                    let mut successors = self.graph.successors(node);
                    while let Some(target) = self.graph.next(&mut successors) {
                        let to = self.order.number[target as usize].get();
                        if value & !self.avoid[to as usize].value() != B::Value::default() {
                            let is_news = self.add(to, value & !blocked(node, target));
                            again |= is_news && to / 64 < word as u64;
                        }
                    }
                }
            }
        }
    }
}
