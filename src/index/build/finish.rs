//! From dominators of nodes to retained sizes and dominators of all objects.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::order::{Order, shared_bitmap};
use super::walks::{Objects, open, pred};
use crate::index::array::{Access, Array, Budget, Cell};
use crate::index::store::Level;

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
/// holds the ordinal of the dominator plus [`pred::FIRST`], or the level of what has none.
///
/// # Errors
/// No memory, or no room on the disk.
pub fn finish<C: Cell>(
    objects: &Objects<C>,
    order: &Order<C>,
    dominators: &Array<C>,
    ordinals: &Array<C>,
    budget: &Budget,
) -> io::Result<Finished> {
    let count = order.count();
    let bytes = Array::<AtomicU64>::new(budget, count, Access::Random)?;
    let numbers = Array::<C>::new(budget, count, Access::Random)?;
    let strides = || (0..count as usize).into_par_iter().step_by(STRIDE);
    let stride = |start: usize| start..(start + STRIDE).min(count as usize);
    let is_root = |number: u64| order.levels[order.level(number)] == number;
    let object = |number: u64| ordinals[order.node[number as usize].get() as usize].get() as usize;
    strides().for_each(|start| {
        for at in stride(start) {
            if !is_root(at as u64) {
                let object = object(at as u64);
                bytes[at].set(objects.units(object));
                numbers[at].set(objects.retained[object].get() + 1);
            }
        }
    });
    // A dominator has a lower number than what it dominates.
    for at in (0..count as usize).rev() {
        let above = dominators[at].get() as usize;
        if above != at {
            bytes[above].set(bytes[above].get() + bytes[at].get());
            numbers[above].set(numbers[above].get() + numbers[at].get());
        }
    }
    strides().for_each(|start| {
        for at in stride(start) {
            if is_root(at as u64) {
                continue;
            }
            let (object_at, above) = (object(at as u64), dominators[at].get());
            objects.set_units(object_at, bytes[at].get());
            objects.retained[object_at].set(numbers[at].get() - 1);
            objects.pred[object_at].set(if is_root(above) {
                order.level(above) as u64
            } else {
                object(above) as u64 + pred::FIRST
            });
        }
    });
    let totals = std::array::from_fn(|level| {
        let root = order.levels[level] as usize;
        (bytes[root].get(), numbers[root].get())
    });
    drop((bytes, numbers));
    let all_strong = order.levels[Level::COUNT] - order.levels[1] == Level::COUNT as u64 - 1;
    let levels = if all_strong { None } else { Some(levels(objects, order, object)?) };
    Ok(Finished { totals, levels })
}

/// The planes of the levels of all objects.
fn levels<C: Cell>(
    objects: &Objects<C>,
    order: &Order<C>,
    object: impl Fn(u64) -> usize + Sync,
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
    let first = order.levels[1];
    (first as usize..order.count() as usize).into_par_iter().with_min_len(STRIDE).for_each(|at| {
        let number = at as u64;
        let level = order.level(number);
        if order.levels[level] != number {
            set(object(number), level);
        }
    });
    // Peeled objects have the level of the node they hang on.
    let known = shared_bitmap(objects.count)?;
    let is_known = |at: usize| {
        objects.open[at].load(Ordering::Relaxed) != open::PEELED
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
