//! Who refers to what is held by several.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use rayon::prelude::*;

use super::STRIDE;
use super::merge::{LEAST, Merging};
use crate::index::array::Cell;
use crate::index::build::label::{self, Label};
use crate::index::build::roles::EdgeId;
use crate::index::owners::{Edge, Limit, MUCH};

/// Holders that are told of a shared node: those with the most references.
const HOLDERS: usize = 32;

/// A reference between nodes of the graph.
type Example = (u64, u64, Label);
/// References from a node of the tree to a shared one, and the first of them.
type Pairs = HashMap<(u32, u32), (u64, Example)>;

/// References, the node of the holder, and one of the references.
type Told = (u64, u32, Example);

fn merge(pairs: &mut Pairs, key: (u32, u32), references: u64, example: Example) {
    let seen = pairs.entry(key).or_insert((0, example));
    *seen = (seen.0 + references, seen.1.min(example));
}

impl<C: Cell> Merging<'_, '_, C> {
    /// Who refers to the objects of shared nodes: shared node, node of the holder, edge, references.
    pub fn shares(&mut self, limits: &[Limit]) -> Vec<(u32, u32, EdgeId, u64)> {
        let pairs = self.pairs();
        let mut of_node: BTreeMap<u32, Vec<Told>> = BTreeMap::new();
        for ((node, holder), (references, example)) in pairs {
            of_node.entry(node).or_default().push((references, holder, example));
        }
        let mut is_told = self.told(&of_node);
        // Settings are small, and many may share them.
        limits.iter().for_each(|limit| is_told[limit.node as usize] = true);
        of_node.retain(|node, _| is_told[*node as usize]);
        let mut shares = Vec::new();
        for (node, mut holders) in of_node {
            holders.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.2.cmp(&b.2)));
            holders.truncate(HOLDERS);
            for (references, holder, (from, to, label)) in holders {
                let ordinal = |node: u64| self.owners.ordinals[node as usize].get();
                let (from, to) = (ordinal(from), ordinal(to));
                let edge = match label {
                    label::LOCAL => {
                        self.locals.get(&(from, to)).copied().unwrap_or(self.roles.shared)
                    }
                    label => self.reference(from as usize, label),
                };
                shares.push((node, holder, edge, references));
            }
        }
        shares
    }

    /// The shared nodes whose holders are told: those that are not small, and those through which
    /// much is held, however small they are.
    fn told(&self, of_node: &BTreeMap<u32, Vec<Told>>) -> Vec<bool> {
        let mut retained = self.retained();
        let mut is_told: Vec<bool> = retained.iter().map(|bytes| *bytes >= LEAST).collect();
        let mut native: Vec<u64> = self.nodes.iter().map(|node| node.native).collect();
        for at in (1..self.nodes.len()).rev() {
            native[self.nodes[at].parent as usize] += native[at];
        }
        retained.iter_mut().zip(native).for_each(|(whole, native)| *whole += native);
        let is_much = |node: &&u32| retained[**node as usize] >= MUCH;
        let mut next: Vec<u32> = of_node.keys().filter(is_much).copied().collect();
        let mut is_way = vec![false; self.nodes.len()];
        while let Some(node) = next.pop() {
            for (_, holder, _) in of_node.get(&node).into_iter().flatten() {
                let mut at = *holder;
                while at != 0 && !is_way[at as usize] {
                    is_way[at as usize] = true;
                    is_told[at as usize] = true;
                    next.push(at);
                    at = self.nodes[at as usize].parent;
                }
            }
        }
        is_told
    }

    /// All references to shared nodes from others.
    fn pairs(&self) -> Pairs {
        let owners = self.owners;
        let is_shared: Vec<bool> = self
            .nodes
            .iter()
            .map(|node| matches!(self.roles.edges[node.edge.index()], Edge::Shared(_)))
            .collect();
        let number = |node: u64| owners.order.number[node as usize].get();
        let count = owners.ordinals.len();
        let of_stretch = |mut pairs: Pairs, start: usize| {
            for node in start as u64..(start + STRIDE).min(count) as u64 {
                let mut edges = owners.graph.labelled(node);
                if edges.is_empty() {
                    continue;
                }
                let from = self.node_of(node);
                while let Some((target, label)) = owners.graph.next_labelled(&mut edges) {
                    let to = self.node_of(target);
                    let is_other = is_shared[to as usize] && to != from;
                    let level = |node| owners.order.level(number(node));
                    if is_other && level(node) == level(target) {
                        merge(&mut pairs, (to, from), 1, (node, target, label));
                    }
                }
            }
            pairs
        };
        let starts = (0..count).into_par_iter().step_by(STRIDE);
        starts.fold(Pairs::new, of_stretch).reduce(Pairs::new, |a, b| {
            let (mut all, few) = if a.len() >= b.len() { (a, b) } else { (b, a) };
            for (key, (references, example)) in few {
                merge(&mut all, key, references, example);
            }
            all
        })
    }
}
