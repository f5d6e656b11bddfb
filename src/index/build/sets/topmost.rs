//! Sums of what the topmost members of sets retain: those that no other member of the set dominates.

use std::io;

use rayon::prelude::*;

use super::Sets;
use crate::index::array::{Access, Array, Budget, Cell};

/// A member of a set without a bit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    pub set: u32,
    /// The number of the node, and later its place in the order of the dominator tree.
    pub place: u64,
    /// False for the node itself, which comes first; true for what hangs on it.
    pub is_peeled: bool,
    /// Behind the places of what the node dominates; not known at first.
    pub behind: u64,
    pub units: u64,
}

impl<C: Cell> Sets<'_, C> {
    /// For each of `count` sets, units that its topmost members retain.
    pub(super) fn sum_of_topmost(
        &self,
        mut members: Vec<Member>,
        count: usize,
        budget: &Budget,
    ) -> io::Result<Vec<u64>> {
        let (sizes, behind) = self.places(budget)?;
        members.par_iter_mut().for_each(|member| {
            let number = member.place as usize;
            member.behind = behind[number].get();
            member.place = member.behind - sizes[number].get();
        });
        members.par_sort_unstable();
        let mut units = vec![0; count];
        let mut last = (u32::MAX, 0);
        for member in members {
            if member.set != last.0 {
                last = (member.set, 0);
            }
            if member.place < last.1 {
                continue;
            }
            if !member.is_peeled {
                last.1 = member.behind;
            }
            units[member.set as usize] += member.units;
        }
        Ok(units)
    }

    /// How many nodes each number dominates, itself included, and behind which place these end in an
    /// order of the dominator tree in which each node comes right before all it dominates.
    fn places(&self, budget: &Budget) -> io::Result<(Array<C>, Array<C>)> {
        let end = self.order.levels[1] as usize;
        let array = || Array::<C>::new(budget, end as u64, Access::Random);
        let (sizes, behind) = (array()?, array()?);
        // Higher numbers are complete.
        for number in (1..end).rev() {
            sizes[number].set(sizes[number].get() + 1);
            let above = &sizes[self.dominators[number].get() as usize];
            above.set(above.get() + sizes[number].get());
        }
        // The place that is free for the next node below each one: in the end, that is behind the last.
        behind[0].set(1);
        for number in 1..end {
            let next = &behind[self.dominators[number].get() as usize];
            let start = next.get();
            next.set(start + sizes[number].get());
            behind[number].set(start + 1);
        }
        Ok((sizes, behind))
    }
}
