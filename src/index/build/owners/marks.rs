//! Marks of the keys in the maps of each node.

use super::merge::Merging;
use crate::index::array::Cell;
use crate::index::marks::MOST_OF_NODE;
use crate::index::owners::Mark;

impl<C: Cell> Merging<'_, '_, C> {
    /// Marks by node, the least of each.
    pub fn marks(&mut self) -> Vec<Mark> {
        let keys = &self.owners.references.keys;
        let mut marks: Vec<Mark> = keys
            .entries
            .iter()
            .map(|(entry, mark)| Mark { node: self.node(*entry as usize), mark: *mark })
            .collect();
        marks.sort_unstable();
        marks.dedup();
        marks
            .chunk_by(|a, b| a.node == b.node)
            .flat_map(|of_node| of_node.iter().take(MOST_OF_NODE))
            .copied()
            .collect()
    }
}
