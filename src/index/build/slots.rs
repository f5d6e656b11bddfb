//! The numbers that only some objects have: lengths of arrays, sizes of what has one of its own.

use std::io;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use rayon::prelude::*;

use super::objects::Objects;
use super::plan::Plans;
use crate::index::array::{Access, Array, Budget, Cell};
use crate::index::store::BLOCK;

/// Lengths of arrays and bytes of what has a size of its own, for the objects that have such.
pub struct Slots {
    pub values: Array<AtomicU32>,
    /// Slots before each block.
    pub ranks: Array<AtomicU64>,
    /// The objects of each block that have a slot.
    masks: Array<AtomicU64>,
}

impl Slots {
    /// Makes room for the slots of all objects, whose kinds are known.
    ///
    /// # Errors
    /// No memory, or no room on the disk.
    pub fn new<C: Cell>(
        objects: &Objects<C>,
        plans: &Plans<'_>,
        budget: &Budget,
    ) -> io::Result<Self> {
        let blocks = objects.count.div_ceil(BLOCK);
        let ranks = Array::<AtomicU64>::new(budget, blocks, Access::Sequential)?;
        let masks = Array::<AtomicU64>::new(budget, blocks, Access::Sequential)?;
        let has_slot: Vec<bool> = plans.kinds.iter().map(|kind| kind.form.has_slot()).collect();
        (0..blocks as usize).into_par_iter().with_min_len(1 << 10).for_each(|at| {
            let block = at as u64;
            let mut mask = 0;
            for nth in 0..BLOCK.min(objects.count - block * BLOCK) {
                let kind = objects.kinds.get((block * BLOCK + nth) as usize);
                mask |= u64::from(has_slot[kind as usize]) << nth;
            }
            masks[at].set(mask);
        });
        let mut count = 0;
        for (rank, mask) in ranks.iter().zip(masks.iter()) {
            rank.set(count);
            count += u64::from(mask.get().count_ones());
        }
        Ok(Self { values: Array::new(budget, count, Access::Sequential)?, ranks, masks })
    }

    #[inline(always)]
    pub(super) fn place(&self, ordinal: u64) -> Option<usize> {
        let block = (ordinal / BLOCK) as usize;
        let (mask, bit) = (self.masks[block].get(), 1u64 << (ordinal % BLOCK));
        let before = u64::from((mask & (bit - 1)).count_ones());
        (mask & bit != 0).then(|| (self.ranks[block].get() + before) as usize)
    }

    /// The slot of an object; 0 where there is none.
    #[inline(always)]
    pub fn get(&self, ordinal: u64) -> u32 {
        self.place(ordinal).map_or(0, |at| self.values[at].load(Ordering::Relaxed))
    }
}
