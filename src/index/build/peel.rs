//! Takes trees off the graph: objects that one object alone refers to, and that refer to nothing
//! but other such objects and roots. What retains them needs no dominator tree: it is the object
//! that refers to them. On real heaps half to three quarters of the objects go.

use std::io;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use rayon::prelude::*;

use super::objects::{Objects, open, pred};
use crate::index::array::{Access, Array, Budget, Cell};
use crate::index::store::ids::OwnedIds;

/// Objects that a thread takes at a time; a multiple of 64, so that bitmap words are not shared.
const STRIDE: usize = 1 << 16;

/// Height of the trees that are peeled. Way up a tree is walked again and again later, and a list may
/// be as long as there are objects.
const HIGHEST: u8 = 63;

/// Peels, and sums up what the peeled objects retain at the objects that are left. Gives the latter.
///
/// # Errors
/// No memory.
pub fn peel<C: Cell>(objects: &Objects<C>, budget: &Budget) -> io::Result<OwnedIds> {
    let count = objects.count as usize;
    let heights = Array::new(budget, objects.count, Access::Random)?;
    let starts = || (0..count).into_par_iter().step_by(STRIDE);
    starts().for_each(|start| {
        for at in start..(start + STRIDE).min(count) {
            if objects.open[at].load(Ordering::Relaxed) == 0 {
                climb(objects, &heights, at);
            }
        }
    });
    let words = count.div_ceil(64);
    let left = Array::<AtomicU64>::sparse(words)?;
    starts().for_each(|start| {
        for at in start..(start + STRIDE).min(count) {
            if objects.open[at].load(Ordering::Relaxed) != open::PEELED {
                let bit = 1 << (at % 64);
                left[at / 64].set(left[at / 64].get() | bit);
            }
        }
    });
    Ok(OwnedIds::of_bitmap(0, 0, |at| left[at].get(), words))
}

/// Peels a leaf, and what becomes a leaf by that.
fn climb<C: Cell>(objects: &Objects<C>, heights: &Array<AtomicU8>, leaf: usize) {
    let mut at = leaf;
    loop {
        let code = objects.pred[at].get();
        let height = heights[at].load(Ordering::Relaxed);
        if code < pred::FIRST || height == HIGHEST {
            return;
        }
        let above = (code - pred::FIRST) as usize;
        objects.open[at].store(open::PEELED, Ordering::Relaxed);
        objects.add_bytes(above, objects.units(at));
        objects.retained[above].add(objects.retained[at].get() + 1);
        heights[above].fetch_max(height + 1, Ordering::Relaxed);
        // Whoever takes the last successor goes on, and sees what the others added.
        if !close_one(&objects.open[above]) {
            return;
        }
        at = above;
    }
}

/// Takes one successor off; true when it was the last one.
fn close_one(open: &AtomicU8) -> bool {
    let less = |count: u8| match count {
        1..=open::MOST => Some(if count == 1 { open::KEEP } else { count - 1 }),
        _ => None,
    };
    open.fetch_update(Ordering::AcqRel, Ordering::Acquire, less) == Ok(1)
}

/// An array of the ordinals of the objects that are left.
///
/// # Errors
/// No memory, or no room on the disk.
pub fn list<C: Cell>(nodes: &OwnedIds, budget: &Budget) -> io::Result<Array<C>> {
    let list = Array::<C>::new(budget, nodes.count, Access::Sequential)?;
    let mut at = 0;
    for (nth, words) in nodes.words.chunks_exact(crate::index::store::ids::CHUNK_WORDS).enumerate()
    {
        let first = u64::from(nodes.places[nth]) * crate::index::store::ids::CHUNK_GRANULES;
        for (word, bits) in (0u64..).zip(words) {
            let mut bits = *bits;
            while bits != 0 {
                list[at].set(first + word * 64 + u64::from(bits.trailing_zeros()));
                at += 1;
                bits &= bits - 1;
            }
        }
    }
    Ok(list)
}
