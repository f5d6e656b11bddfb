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
        let (places, behind) = self.places(budget)?;
        members.par_iter_mut().for_each(|member| {
            let number = member.place as usize;
            (member.place, member.behind) = (places[number].get(), behind[number].get());
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

    /// Places of the numbers in an order of the dominator tree in which each node comes right
    /// before all it dominates, and where those end.
    fn places(&self, budget: &Budget) -> io::Result<(Array<C>, Array<C>)> {
        let end = self.order.levels[1] as usize;
        let array = || Array::<C>::new(budget, end as u64, Access::Random);
        let (place, behind, free) = (array()?, array()?, array()?);
        // At first, how many nodes each dominates, itself included; higher numbers are complete.
        for number in (1..end).rev() {
            behind[number].set(behind[number].get() + 1);
            let above = &behind[self.dominators[number].get() as usize];
            above.set(above.get() + behind[number].get());
        }
        free[0].set(1);
        for number in 1..end {
            let next = &free[self.dominators[number].get() as usize];
            let (start, size) = (next.get(), behind[number].get());
            next.set(start + size);
            place[number].set(start);
            free[number].set(start + 1);
            behind[number].set(start + size);
        }
        Ok((place, behind))
    }
}
