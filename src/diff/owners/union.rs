//! Lays the owner trees of several dumps over each other, by what their nodes are called.
//!
//! Names are compared as text once; from then on a name is its rank, so that nothing depends on
//! the order of names or nodes in a digest.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use crate::index::marks::MOST_OF_NODE;
use crate::index::owners::{Edge, Name, OwnerTree};

/// Amounts of a node in one dump.
#[derive(Clone, Copy, Default, Debug)]
pub struct Amounts {
    pub objects: u64,
    pub entries: u64,
    pub capacity: u64,
    /// Entries that the collections or arrays take at most; 0 where there is no bound.
    pub bound: u64,
    /// Bytes of the node itself, outside of the heap, too.
    pub own: u64,
    /// Those that are outside of the heap.
    pub native: u64,
    /// Bytes of the node and of all below it, outside of the heap, too.
    pub retained: u64,
}

/// A node of the union.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Node {
    pub parent: u32,
    pub edge: Edge,
    pub class: Name,
    pub is_class: bool,
}

/// Who else holds objects of a shared node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Sharer {
    pub node: u32,
    pub holder: u32,
    pub edge: Edge,
}

/// A number in a field whose name says that it is a limit.
#[derive(Clone, Debug)]
pub struct Limited {
    pub node: u32,
    pub class: Name,
    pub field: Name,
    /// Instances with the field and the sum of their numbers, by dump.
    pub of: Vec<(u64, u64)>,
}

/// The marks of a node in one dump, which are all that there are up to a number.
#[derive(Clone, Debug)]
pub struct Sample {
    /// In order.
    pub marks: Vec<u32>,
    pub below: u32,
}

/// See the module's text. Parents come before children; the top is node 0.
pub struct Union<'a> {
    pub dumps: usize,
    /// In order.
    pub names: Vec<&'a str>,
    pub nodes: Vec<Node>,
    /// In order.
    pub sharers: Vec<Sharer>,
    /// Places of sharers, by holder.
    by_holder: Vec<u32>,
    /// By node.
    limits: Vec<Limited>,
    /// By node and dump.
    samples: HashMap<(u32, usize), Sample>,
    amounts: Vec<Amounts>,
    references: Vec<u64>,
}

impl<'a> Union<'a> {
    /// Lays trees over each other.
    pub fn of(trees: &[&'a OwnerTree]) -> Self {
        let (names, ranks) = ranks(trees);
        let most = trees.iter().map(|tree| tree.nodes.len()).max().unwrap_or(0);
        let mut union = Self {
            dumps: trees.len(),
            names,
            nodes: Vec::with_capacity(most),
            sharers: Vec::new(),
            by_holder: Vec::new(),
            limits: Vec::new(),
            samples: HashMap::new(),
            amounts: Vec::with_capacity(most * trees.len()),
            references: Vec::new(),
        };
        let mut found = HashMap::with_capacity(most);
        let places: Vec<Vec<u32>> = trees
            .iter()
            .zip(&ranks)
            .enumerate()
            .map(|(dump, (tree, ranks))| union.add_nodes(dump, tree, ranks, &mut found))
            .collect();
        let order = union.bring_in_order();
        union.add_sharers(trees, &ranks, &places, &order);
        union.add_limits(trees, &ranks, &places, &order);
        union.add_samples(trees, &places, &order);
        union.sum_up();
        union
    }

    /// The amounts of a node, one for each dump.
    pub fn amounts(&self, node: u32) -> &[Amounts] {
        let at = node as usize * self.dumps;
        &self.amounts[at..at + self.dumps]
    }

    /// References of a sharer, one for each dump.
    pub fn references(&self, sharer: usize) -> &[u64] {
        &self.references[sharer * self.dumps..(sharer + 1) * self.dumps]
    }

    /// The nodes right below a node: they are numbered level by level, so they lie together.
    pub fn children(&self, node: u32) -> impl Iterator<Item = u32> + use<'_, 'a> {
        let start = 1 + self.nodes[1..].partition_point(|child| child.parent < node);
        let children = self.nodes[start..].iter().zip(start as u32..);
        children.take_while(move |(child, _)| child.parent == node).map(|(_, place)| place)
    }

    /// What a node holds that is shared, with the references by dump.
    pub fn held_by(&self, node: u32) -> impl Iterator<Item = (&Sharer, &[u64])> + use<'_, 'a> {
        let sharer = |place: &u32| &self.sharers[*place as usize];
        let start = self.by_holder.partition_point(|place| sharer(place).holder < node);
        let places = self.by_holder[start..].iter();
        places
            .map(move |place| (sharer(place), self.references(*place as usize)))
            .take_while(move |(sharer, _)| sharer.holder == node)
    }

    /// The limits in fields of a node; for the top, in static fields.
    pub fn limits_of(&self, node: u32) -> &[Limited] {
        let start = self.limits.partition_point(|limit| limit.node < node);
        let end = self.limits.partition_point(|limit| limit.node <= node);
        &self.limits[start..end]
    }

    /// The marks of the keys of a node in a dump.
    pub fn marks(&self, node: u32, dump: usize) -> Option<&Sample> {
        self.samples.get(&(node, dump))
    }

    /// The text of a name.
    pub fn name(&self, name: Name) -> &'a str {
        self.names.get(name as usize).copied().unwrap_or("")
    }

    /// True when `node` is `above` or below it.
    pub fn is_below(&self, mut node: u32, above: u32) -> bool {
        // Numbers fall on the way up.
        while node > above {
            node = self.nodes[node as usize].parent;
        }
        node == above
    }

    /// Adds the nodes of a tree; returns where each of them is.
    fn add_nodes(
        &mut self,
        dump: usize,
        tree: &OwnerTree,
        ranks: &[Name],
        found: &mut HashMap<Node, u32>,
    ) -> Vec<u32> {
        let mut places: Vec<u32> = Vec::with_capacity(tree.nodes.len());
        for (nth, node) in tree.nodes.iter().enumerate() {
            let edge = match nth {
                0 => Edge::Top,
                _ => node.edge.map(|name| rank(name, ranks)),
            };
            let key = Node {
                parent: places.get(node.parent as usize).copied().unwrap_or(0),
                edge,
                class: rank(node.class, ranks),
                is_class: node.is_class,
            };
            let key =
                if nth == 0 { Node { parent: 0, class: 0, is_class: false, ..key } } else { key };
            let place = *found.entry(key).or_insert_with(|| {
                self.nodes.push(key);
                self.amounts.resize(self.amounts.len() + self.dumps, Amounts::default());
                (self.nodes.len() - 1) as u32
            });
            let sum = &mut self.amounts[place as usize * self.dumps + dump];
            sum.objects += node.objects;
            sum.entries += node.entries;
            sum.capacity += node.capacity;
            sum.bound += node.bound;
            sum.own = sum.own.saturating_add(node.shallow_bytes).saturating_add(node.native_bytes);
            sum.native += node.native_bytes;
            places.push(place);
        }
        places
    }

    /// Numbers the nodes level by level, siblings by what they are called; returns the new number
    /// of each.
    fn bring_in_order(&mut self) -> Vec<u32> {
        let mut depth: Vec<u32> = vec![0; self.nodes.len()];
        let mut levels: Vec<Vec<u32>> = Vec::new();
        for (nth, node) in self.nodes.iter().enumerate() {
            let level = if nth == 0 { 0 } else { depth[node.parent as usize] as usize + 1 };
            depth[nth] = level as u32;
            if levels.len() == level {
                levels.push(Vec::new());
            }
            levels[level].push(nth as u32);
        }
        let mut order = vec![0; self.nodes.len()];
        let mut nodes = Vec::with_capacity(self.nodes.len());
        let mut amounts = Vec::with_capacity(self.amounts.len());
        for level in levels {
            let mut level: Vec<(Node, u32)> = level
                .into_iter()
                .map(|old| {
                    let node = self.nodes[old as usize];
                    (Node { parent: order[node.parent as usize], ..node }, old)
                })
                .collect();
            level.sort_unstable();
            for (node, old) in level {
                order[old as usize] = nodes.len() as u32;
                nodes.push(node);
                amounts.extend_from_slice(self.amounts(old));
            }
        }
        self.nodes = nodes;
        self.amounts = amounts;
        order
    }

    fn add_sharers(
        &mut self,
        trees: &[&OwnerTree],
        ranks: &[Vec<Name>],
        places: &[Vec<u32>],
        order: &[u32],
    ) {
        let mut rows: Vec<(Sharer, usize, u64)> = Vec::new();
        for (dump, tree) in trees.iter().enumerate() {
            let place = |node: u32| places[dump].get(node as usize).map(|at| order[*at as usize]);
            for share in &tree.shares {
                if let (Some(node), Some(holder)) = (place(share.node), place(share.holder)) {
                    let edge = share.edge.map(|name| rank(name, &ranks[dump]));
                    rows.push((Sharer { node, holder, edge }, dump, share.references));
                }
            }
        }
        rows.sort_unstable();
        for (sharer, dump, references) in rows {
            if self.sharers.last() != Some(&sharer) {
                self.sharers.push(sharer);
                self.references.resize(self.references.len() + self.dumps, 0);
            }
            let row = self.references.len() - self.dumps;
            self.references[row + dump] += references;
        }
        self.by_holder = (0..self.sharers.len() as u32).collect();
        self.by_holder.sort_by_key(|place| self.sharers[*place as usize].holder);
    }

    fn add_limits(
        &mut self,
        trees: &[&OwnerTree],
        ranks: &[Vec<Name>],
        places: &[Vec<u32>],
        order: &[u32],
    ) {
        let mut found: BTreeMap<(u32, Name, Name), Vec<(u64, u64)>> = BTreeMap::new();
        for (dump, tree) in trees.iter().enumerate() {
            for limit in &tree.limits {
                let Some(place) = places[dump].get(limit.node as usize) else { continue };
                let name = |name| rank(name, &ranks[dump]);
                let key = (order[*place as usize], name(limit.class), name(limit.field));
                let row = found.entry(key).or_insert_with(|| vec![(0, 0); trees.len()]);
                row[dump] = (limit.objects, limit.value);
            }
        }
        let limited = |((node, class, field), of)| Limited { node, class, field, of };
        self.limits = found.into_iter().map(limited).collect();
    }

    fn add_samples(&mut self, trees: &[&OwnerTree], places: &[Vec<u32>], order: &[u32]) {
        for (dump, tree) in trees.iter().enumerate() {
            for marks in tree.marks.chunk_by(|a, b| a.node == b.node) {
                let Some(place) = places[dump].get(marks[0].node as usize) else { continue };
                let below = match marks.last() {
                    Some(last) if marks.len() >= MOST_OF_NODE => last.mark,
                    _ => tree.marks_below,
                };
                // Nodes that are called the same are one.
                let sample = self
                    .samples
                    .entry((order[*place as usize], dump))
                    .or_insert_with(|| Sample { marks: Vec::new(), below });
                sample.below = sample.below.min(below);
                sample.marks.extend(marks.iter().map(|mark| mark.mark));
                sample.marks.sort_unstable();
                sample.marks.dedup();
            }
        }
    }

    /// What nodes retain, from the bottom up.
    fn sum_up(&mut self) {
        self.amounts.iter_mut().for_each(|amounts| amounts.retained = amounts.own);
        for node in (1..self.nodes.len()).rev() {
            let parent = self.nodes[node].parent as usize;
            for dump in 0..self.dumps {
                let retained = self.amounts[node * self.dumps + dump].retained;
                let sum = &mut self.amounts[parent * self.dumps + dump].retained;
                *sum = sum.saturating_add(retained);
            }
        }
    }
}

/// All names in order, and for each tree the ranks of its names.
fn ranks<'a>(trees: &[&'a OwnerTree]) -> (Vec<&'a str>, Vec<Vec<Name>>) {
    let mut numbers: HashMap<&str, u32> = HashMap::new();
    let mut texts: Vec<&str> = Vec::new();
    let mut number = |text: &'a str| {
        *numbers.entry(text).or_insert_with(|| {
            texts.push(text);
            (texts.len() - 1) as u32
        })
    };
    // For names that a damaged tree does not have.
    number("");
    let mut ranks: Vec<Vec<Name>> =
        trees.iter().map(|tree| tree.names.iter().map(|name| number(name)).collect()).collect();
    let mut order: Vec<u32> = (0..texts.len() as u32).collect();
    order.sort_unstable_by_key(|number| texts[*number as usize]);
    let mut rank = vec![0; texts.len()];
    for (nth, number) in order.iter().enumerate() {
        rank[*number as usize] = nth as Name;
    }
    ranks.iter_mut().flatten().for_each(|name| *name = rank[*name as usize]);
    (order.into_iter().map(|number| texts[number as usize]).collect(), ranks)
}

/// The rank of a name; that of the empty name for one that is not there.
fn rank(name: Name, ranks: &[Name]) -> Name {
    ranks.get(name as usize).copied().unwrap_or(0)
}
