//! From dominators of nodes to retained sizes and dominators of all objects.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::objects::{Objects, pred};
use super::order::{Order, shared_bitmap};
use crate::index::array::{Access, Array, Budget, Cell};
use crate::index::store::Level;
use crate::index::store::ids::Ids;

/// Numbers or objects that a thread takes at a time; a multiple of 64.
const STRIDE: usize = 1 << 16;

/// What is known when all is summed up.
pub struct Finished {
    /// Units and objects of each level.
    pub totals: [(u64, u64); Level::COUNT],
    /// The level of each object, one bit of its number in each plane; `None` when all is strong.
    pub levels: Option<[Array<AtomicU64>; 3]>,
}

/// Sums up what each node retains and writes dominators and sums back to the objects: `pred` then
/// holds the ordinal of the dominator plus [`pred::FIRST`], or the level of what has none. `units` is
/// what all objects take.
///
/// # Errors
/// No memory, or no room on the disk.
pub fn finish<C: Cell>(
    objects: &Objects<C>,
    units: u64,
    order: &Order<C>,
    dominators: &Array<C>,
    nodes: &Ids<'_>,
    ordinals: &Array<C>,
    budget: &Budget,
) -> io::Result<Finished> {
    // No sum is above that of all.
    let [bytes, numbers] = if units > u64::from(u32::MAX) {
        let values = Array::<AtomicU64>::new(budget, order.count(), Access::Random)?;
        Tree { order, dominators, ordinals, values }.sum_up(objects)
    } else {
        let values = Array::<C>::new(budget, order.count(), Access::Random)?;
        Tree { order, dominators, ordinals, values }.sum_up(objects)
    };
    let totals = std::array::from_fn(|level| (bytes[level], numbers[level]));
    let all_strong = order.levels[Level::COUNT] - order.levels[1] == Level::COUNT as u64 - 1;
    let levels = if all_strong { None } else { Some(levels(objects, order, nodes, ordinals)?) };
    Ok(Finished { totals, levels })
}

/// The dominator tree, with a value for each number.
///
/// What is known of objects is in files where memory is short, and nodes that are neighbours in the
/// search are none in the heap. So objects are gone through in their own order, and only `values`
/// are accessed at random: one array at a time, which has a good chance to stay in memory.
struct Tree<'a, C: Cell, V: Cell> {
    order: &'a Order<C>,
    dominators: &'a Array<C>,
    ordinals: &'a Array<C>,
    values: Array<V>,
}

impl<C: Cell, V: Cell> Tree<'_, C, V> {
    /// Gives all objects what they retain and their dominators, and tells the units and objects of
    /// each level.
    fn sum_up(&self, objects: &Objects<C>) -> [[u64; Level::COUNT]; 2] {
        let bytes = self.add_up(|at| objects.units(at), |at, sum| objects.set_units(at, sum));
        let numbers = self.add_up(
            |at| objects.retained[at].get() + 1,
            |at, sum| objects.retained[at].set(sum - 1),
        );
        self.name_dominators(|at, code| objects.pred[at].set(code));
        [bytes, numbers]
    }

    /// Adds to what each object has of its own what the objects that it dominates have. Gives the
    /// sums of the virtual roots.
    fn add_up(
        &self,
        own: impl Fn(usize) -> u64 + Sync,
        set: impl Fn(usize, u64) + Sync,
    ) -> [u64; Level::COUNT] {
        let roots = &self.order.levels[..Level::COUNT];
        roots.iter().for_each(|root| self.values[*root as usize].set(0));
        self.each_node(|object, value| value.set(own(object)));
        // A dominator has a lower number than what it dominates.
        for (value, above) in self.values.iter().zip(self.dominators.iter()).rev() {
            let above = &self.values[above.get() as usize];
            if !std::ptr::eq(value, above) {
                above.set(above.get() + value.get());
            }
        }
        self.each_node(|object, value| set(object, value.get()));
        std::array::from_fn(|level| self.values[roots[level] as usize].get())
    }

    /// Gives the code of each object's dominator to `set`.
    fn name_dominators(&self, set: impl Fn(usize, u64) + Sync) {
        let order = self.order;
        self.values.par_iter().zip(&self.dominators[..]).with_min_len(STRIDE).for_each(
            |(value, above)| {
                let above = above.get();
                let level = order.level(above);
                value.set(if order.levels[level] == above {
                    level as u64
                } else {
                    let node = order.node[above as usize].get();
                    self.ordinals[node as usize].get() + pred::FIRST
                });
            },
        );
        self.each_node(|object, value| set(object, value.get()));
    }

    /// Goes through the nodes in order of addresses, in parallel.
    fn each_node(&self, each: impl Fn(usize, &V) + Sync) {
        let numbers = self.order.number.par_iter().zip(&self.ordinals[..]);
        numbers.with_min_len(STRIDE).for_each(|(number, object)| {
            each(object.get() as usize, &self.values[number.get() as usize]);
        });
    }
}

/// The planes of the levels of all objects.
fn levels<C: Cell>(
    objects: &Objects<C>,
    order: &Order<C>,
    nodes: &Ids<'_>,
    ordinals: &Array<C>,
) -> io::Result<[Array<AtomicU64>; 3]> {
    let planes = [
        shared_bitmap(objects.count)?,
        shared_bitmap(objects.count)?,
        shared_bitmap(objects.count)?,
    ];
    let set = |at: usize, level: usize| {
        for (nth, plane) in planes.iter().enumerate() {
            if level >> nth & 1 != 0 {
                plane[at / 64].fetch_or(1 << (at % 64), Ordering::Relaxed);
            }
        }
    };
    let level = |at: usize| {
        let bit = |plane: &Array<AtomicU64>| (plane[at / 64].get() >> (at % 64) & 1) as usize;
        planes.iter().enumerate().map(|(nth, plane)| bit(plane) << nth).sum::<usize>()
    };
    let numbers = order.number.par_iter().zip(&ordinals[..]).with_min_len(STRIDE);
    numbers.for_each(|(number, object)| set(object.get() as usize, order.level(number.get())));
    // Peeled objects have the level of the node they hang on.
    let known = shared_bitmap(objects.count)?;
    let is_known = |at: usize| {
        nodes.ordinal(at as u64).is_some()
            || known[at / 64].load(Ordering::Acquire) >> (at % 64) & 1 != 0
    };
    let count = objects.count as usize;
    (0..count).into_par_iter().step_by(STRIDE).for_each(|start| {
        let mut way = Vec::new();
        for object in start..(start + STRIDE).min(count) {
            let mut at = object;
            while !is_known(at) {
                way.push(at);
                at = (objects.pred[at].get() - pred::FIRST) as usize;
            }
            let level = level(at);
            while let Some(below) = way.pop() {
                set(below, level);
                known[below / 64].fetch_or(1 << (below % 64), Ordering::Release);
            }
        }
    });
    Ok(planes)
}
