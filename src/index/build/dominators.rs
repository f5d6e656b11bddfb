//! Immediate dominators of the nodes, by the semi-NCA algorithm (Georgiadis 2005) over depth-first
//! numbers.
//!
//! A node's semidominator is the lowest number that reaches it past its ancestors. Three facts keep
//! most references out of the costly part, the evaluation of paths:
//!
//! - a reference from a lower number to a higher one comes from an ancestor, and is its own value;
//! - one from behind the subtree that hangs below the virtual root proves that the virtual root
//!   dominates the target, and then nothing else matters to it;
//! - an object with one predecessor is dominated by it, and mostly was peeled before.
//!
//! References from later levels to earlier ones do not count (`docs/retained-size.md`).

use std::io;

use rayon::prelude::*;

use super::graph::Graph;
use super::order::Order;
use crate::index::array::{Access, Array, Budget, Cell};

/// Nodes of which a thread looks at the successors at a time.
const STRIDE: u64 = 1 << 14;
/// Buckets of the references that have to be evaluated, by their targets.
const BUCKETS: u64 = 512;
/// Steps up the tree before shortcuts are looked for.
const PATIENCE: usize = 8;

/// The immediate dominator of each number, as a number; virtual roots are their own.
///
/// # Errors
/// No memory, or no room on the disk.
pub fn dominators<C: Cell>(
    graph: &Graph<C>,
    order: &Order<C>,
    budget: &Budget,
) -> io::Result<Array<C>> {
    let crossing = Crossing::find(graph, order, budget)?;
    let semi = semidominators(order, &crossing, budget)?;
    drop(crossing);
    nearest(order, &semi, budget)
}

/// References from higher to lower numbers, whose paths have to be evaluated.
struct Crossing<C: Cell> {
    /// Target and source, by target; unused places at the end of a bucket hold the largest pair.
    pairs: Array<C::Pair>,
    /// Where each bucket begins.
    starts: Vec<u64>,
    /// log2 of the targets of a bucket.
    shift: u32,
}

/// What a reference means for its target.
enum Meaning {
    Nothing,
    /// The target's `low` is at most this.
    Low(u64),
    Crossing,
}

/// Tells what references mean.
struct Judge<'a, C: Cell> {
    order: &'a Order<C>,
}

impl<C: Cell> Judge<'_, C> {
    #[inline(always)]
    fn meaning(&self, source: u64, target: u64) -> Meaning {
        if source < target {
            return Meaning::Low(source);
        }
        let root = self.order.levels[self.order.level(target)];
        // What has reached the virtual root already cannot get lower.
        if self.order.low[target as usize].get() == root {
            return Meaning::Nothing;
        }
        if self.order.level(source) != self.order.level(target) {
            return Meaning::Nothing;
        }
        let tops = &self.order.tops;
        let next = tops.partition_point(|top| *top <= target);
        if tops.get(next).is_some_and(|top| *top <= source) {
            Meaning::Low(root)
        } else {
            Meaning::Crossing
        }
    }

    /// Gives the references of some nodes to `each`.
    #[inline(always)]
    fn references(&self, graph: &Graph<C>, stride: u64, mut each: impl FnMut(u64, u64)) {
        let nodes = self.order.number.len() as u64;
        for node in stride * STRIDE..((stride + 1) * STRIDE).min(nodes) {
            let mut successors = graph.successors(node);
            if successors.is_empty() {
                continue;
            }
            let source = self.order.number[node as usize].get();
            while let Some(target) = graph.next(&mut successors) {
                each(source, self.order.number[target as usize].get());
            }
        }
    }
}

impl<C: Cell> Crossing<C> {
    fn find(graph: &Graph<C>, order: &Order<C>, budget: &Budget) -> io::Result<Self> {
        let judge = Judge { order };
        let count = order.count();
        let shift = (0..).find(|shift| count >> shift < BUCKETS).unwrap_or(0);
        let strides = (order.number.len() as u64).div_ceil(STRIDE);
        // Few large groups: each has its own place in each bucket.
        let groups = strides.min(64);
        let of_group = |group: u64| group * strides / groups..(group + 1) * strides / groups;
        // What is counted is an upper bound: a target may prove to need nothing later on.
        let counts: Vec<Vec<u64>> = (0..groups as usize)
            .into_par_iter()
            .with_max_len(1)
            .map(|group| {
                let mut counts = vec![0; BUCKETS as usize];
                for stride in of_group(group as u64) {
                    judge.references(graph, stride, |source, target| {
                        match judge.meaning(source, target) {
                            Meaning::Nothing => {}
                            Meaning::Low(low) => order.low[target as usize].lower(low),
                            Meaning::Crossing => counts[(target >> shift) as usize] += 1,
                        }
                    });
                }
                counts
            })
            .collect();
        let mut starts = vec![0];
        for bucket in 0..BUCKETS as usize {
            let size: u64 = counts.iter().map(|counts| counts[bucket]).sum();
            starts.push(starts[bucket] + size);
        }
        let total = starts[BUCKETS as usize];
        let mut pairs = Array::<C::Pair>::new(budget, total, Access::Sequential)?;
        let mut places: Vec<Vec<&mut [C::Pair]>> =
            counts.iter().map(|_| Vec::with_capacity(BUCKETS as usize)).collect();
        let mut rest = &mut pairs[..];
        for bucket in 0..BUCKETS as usize {
            for (group, counts) in counts.iter().enumerate() {
                let (place, behind) = rest.split_at_mut(counts[bucket] as usize);
                places[group].push(place);
                rest = behind;
            }
        }
        places.into_par_iter().enumerate().with_max_len(1).for_each(|(group, mut places)| {
            let mut used = vec![0; BUCKETS as usize];
            for stride in of_group(group as u64) {
                judge.references(graph, stride, |source, target| {
                    if matches!(judge.meaning(source, target), Meaning::Crossing) {
                        let bucket = (target >> shift) as usize;
                        places[bucket][used[bucket]] = C::pair(target, source);
                        used[bucket] += 1;
                    }
                });
            }
            for (place, used) in places.iter_mut().zip(used) {
                place[used..].fill(C::pair(C::MAX, C::MAX));
            }
        });
        let mut rest = &mut pairs[..];
        let mut buckets = Vec::with_capacity(BUCKETS as usize);
        for bounds in starts.windows(2) {
            let (bucket, behind) = rest.split_at_mut((bounds[1] - bounds[0]) as usize);
            buckets.push(bucket);
            rest = behind;
        }
        buckets.into_par_iter().for_each(|bucket| bucket.sort_unstable());
        Ok(Self { pairs, starts, shift })
    }
}

/// The semidominator of each number.
fn semidominators<C: Cell>(
    order: &Order<C>,
    crossing: &Crossing<C>,
    budget: &Budget,
) -> io::Result<Array<C>> {
    let count = order.count();
    let semi = Array::<C>::new(budget, count, Access::Sequential)?;
    let mut forest = Forest::new(order, budget)?;
    for bucket in (0..crossing.starts.len() - 1).rev() {
        let pairs =
            &crossing.pairs[crossing.starts[bucket] as usize..crossing.starts[bucket + 1] as usize];
        let mut left = pairs.len();
        while left > 0 && pairs[left - 1] == C::pair(C::MAX, C::MAX) {
            left -= 1;
        }
        let first = (bucket as u64) << crossing.shift;
        let behind = ((bucket as u64 + 1) << crossing.shift).min(count);
        for number in (first..behind).rev() {
            let mut low = order.low[number as usize].get();
            while left > 0 {
                let (target, source) = C::split(pairs[left - 1]);
                if target != number {
                    break;
                }
                left -= 1;
                low = low.min(forest.evaluate(source, number));
            }
            semi[number as usize].set(low);
            forest.link(number, low);
        }
    }
    Ok(semi)
}

/// The part of the depth-first tree whose semidominators are known, with compressed paths.
struct Forest<C: Cell> {
    /// For each number, an ancestor and the lowest semidominator on the way below it.
    paths: Array<C::Pair>,
    way: Vec<u64>,
}

impl<C: Cell> Forest<C> {
    fn new(order: &Order<C>, budget: &Budget) -> io::Result<Self> {
        let count = order.count();
        let mut paths = Array::<C::Pair>::new(budget, count, Access::Random)?;
        paths.par_iter_mut().enumerate().for_each(|(at, path)| {
            *path = C::pair(order.parent[at].get(), 0);
        });
        Ok(Self { paths, way: Vec::new() })
    }

    /// Adds a number; all higher ones are in the forest.
    #[inline(always)]
    fn link(&mut self, number: u64, semi: u64) {
        let (parent, _) = C::split(self.paths[number as usize]);
        self.paths[number as usize] = C::pair(parent, semi);
    }

    /// The lowest semidominator of `source` and its ancestors above `number`.
    #[inline(always)]
    fn evaluate(&mut self, source: u64, number: u64) -> u64 {
        let (above, low) = C::split(self.paths[source as usize]);
        if above <= number { low } else { self.compress(source, number) }
    }

    #[inline(never)]
    fn compress(&mut self, source: u64, number: u64) -> u64 {
        self.way.clear();
        let mut at = source;
        let (mut above, mut low) = C::split(self.paths[at as usize]);
        while above > number {
            self.way.push(at);
            at = above;
            (above, low) = C::split(self.paths[at as usize]);
        }
        // `at` is the topmost in the forest; everything below it takes over what it knows.
        while let Some(below) = self.way.pop() {
            let (_, own) = C::split(self.paths[below as usize]);
            low = low.min(own);
            self.paths[below as usize] = C::pair(above, low);
        }
        low
    }
}

/// For each number the nearest dominator of its parent that is not above its semidominator.
fn nearest<C: Cell>(order: &Order<C>, semi: &Array<C>, budget: &Budget) -> io::Result<Array<C>> {
    let count = order.count();
    let tree = Shortcuts::<C>::new(count, budget)?;
    for number in 0..count {
        let parent = order.parent[number as usize].get();
        let low = semi[number as usize].get();
        tree.add(number, if low >= parent { parent } else { tree.find(parent, low) });
    }
    tree.up.use_in_order();
    Ok(tree.up)
}

/// A tree that grows by leaves, in which ancestors are found in logarithmic time: each node knows
/// its parent and one ancestor further up, chosen as in skew-binary lists (Myers 1983).
struct Shortcuts<C: Cell> {
    up: Array<C>,
    far: Array<C>,
    /// Rank of the skip from each node to its far ancestor.
    rank: Array<std::sync::atomic::AtomicU8>,
}

impl<C: Cell> Shortcuts<C> {
    fn new(count: u64, budget: &Budget) -> io::Result<Self> {
        Ok(Self {
            up: Array::new(budget, count, Access::Random)?,
            far: Array::new(budget, count, Access::Random)?,
            rank: Array::new(budget, count, Access::Random)?,
        })
    }

    #[inline(always)]
    fn add(&self, node: u64, parent: u64) {
        use std::sync::atomic::Ordering::Relaxed;
        let at = node as usize;
        self.up[at].set(parent);
        if node == parent {
            self.far[at].set(node);
            return;
        }
        let far = self.far[parent as usize].get();
        let rank = self.rank[parent as usize].load(Relaxed);
        // Two skips of one rank in a row become one of the next rank.
        if far != parent && rank == self.rank[far as usize].load(Relaxed) {
            self.far[at].set(self.far[far as usize].get());
            self.rank[at].store(rank + 1, Relaxed);
        } else {
            self.far[at].set(parent);
        }
    }

    /// The nearest ancestor of `node`, itself included, that is not above `low`.
    #[inline(always)]
    fn find(&self, node: u64, low: u64) -> u64 {
        let mut at = node;
        for _ in 0..PATIENCE {
            if at <= low {
                return at;
            }
            at = self.up[at as usize].get();
        }
        while at > low {
            let far = self.far[at as usize].get();
            at = if far > low { far } else { self.up[at as usize].get() };
        }
        at
    }
}
