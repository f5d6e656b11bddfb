//! The owner tree as `show --owners` prints it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use serde::Serialize;

use crate::index::owners::{Edge, OwnerTree};

/// Holders of a shared node that are named.
const HOLDERS: usize = 3;

/// A node of the owner tree.
#[derive(Debug, Serialize)]
pub struct OwnerNodeRow {
    /// Levels below the top.
    pub depth: usize,
    /// How the node above holds it.
    pub held_by: String,
    /// `None` for small nodes that are counted together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_class_object: bool,
    pub objects: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub entries: u64,
    pub shallow_bytes: u64,
    /// Bytes in the heap and outside of it.
    pub retained_bytes: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub off_heap_bytes: u64,
    /// Who refers to shared objects, most references first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shared_by: Vec<String>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The largest nodes of a tree, each below the one above it; `most` of them.
pub fn rows(tree: &OwnerTree, most: usize) -> Vec<OwnerNodeRow> {
    let mut off_heap: Vec<u64> = tree.nodes.iter().map(|node| node.native_bytes).collect();
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); tree.nodes.len()];
    for (at, node) in tree.nodes.iter().enumerate().skip(1).rev() {
        off_heap[node.parent as usize] += off_heap[at];
        children[node.parent as usize].push(at);
    }
    let whole = |at: usize| tree.nodes[at].retained_bytes + off_heap[at];
    // The largest first, as long as there is room; a node is never before the one above it.
    let mut open: BinaryHeap<(u64, Reverse<usize>)> = BinaryHeap::new();
    let mut is_shown = vec![false; tree.nodes.len()];
    let offer = |open: &mut BinaryHeap<_>, at: usize| {
        open.extend(children[at].iter().map(|child| (whole(*child), Reverse(*child))));
    };
    if !tree.nodes.is_empty() {
        offer(&mut open, 0);
    }
    for _ in 0..most {
        let Some((_, Reverse(at))) = open.pop() else { break };
        is_shown[at] = true;
        offer(&mut open, at);
    }
    let mut rows = Vec::new();
    let mut stack = vec![(0, 0)];
    while let Some((at, depth)) = stack.pop() {
        if at != 0 {
            rows.push(row(tree, at, depth, off_heap[at]));
        }
        let mut below: Vec<usize> = match children.get(at) {
            Some(children) => children.iter().copied().filter(|child| is_shown[*child]).collect(),
            None => Vec::new(),
        };
        below.sort_by_key(|child| (whole(*child), Reverse(*child)));
        stack.extend(below.into_iter().map(|child| (child, depth + 1)));
    }
    rows
}

fn row(tree: &OwnerTree, at: usize, depth: usize, off_heap: u64) -> OwnerNodeRow {
    let node = &tree.nodes[at];
    let mut shares: Vec<_> = tree.shares.iter().filter(|share| share.node as usize == at).collect();
    shares.sort_by_key(|share| Reverse(share.references));
    let holder = |edge: Edge, holder: u32| match edge {
        Edge::Field(..) | Edge::Local(_) | Edge::ThreadLocal(_) => held_by(tree, edge),
        edge => {
            format!("{} {}", tree.name(tree.nodes[holder as usize].class), held_by(tree, edge))
        }
    };
    OwnerNodeRow {
        depth: depth - 1,
        held_by: held_by(tree, node.edge),
        class: (node.edge != Edge::Other).then(|| tree.name(node.class).to_owned()),
        is_class_object: node.is_class,
        objects: node.objects,
        entries: node.entries,
        shallow_bytes: node.shallow_bytes,
        retained_bytes: node.retained_bytes + off_heap,
        off_heap_bytes: off_heap,
        shared_by: shares
            .into_iter()
            .take(HOLDERS)
            .map(|share| holder(share.edge, share.holder))
            .collect(),
    }
}

/// How something is held, in words.
fn held_by(tree: &OwnerTree, edge: Edge) -> String {
    match edge {
        Edge::Top => String::new(),
        Edge::Root(kind) => format!("({})", tree.name(kind)),
        Edge::Thread(name) => format!("thread \"{}\"", tree.name(name)),
        Edge::Local(method) => format!("local of {}", tree.name(method)),
        Edge::Static(field) => format!("static {}", tree.name(field)),
        Edge::Field(class, field) => format!("{}.{}", tree.name(class), tree.name(field)),
        Edge::ThreadLocal(holder) => format!("thread local {}", tree.name(holder)),
        Edge::Element => "[*]".to_owned(),
        Edge::Key => "key".to_owned(),
        Edge::Value => "value".to_owned(),
        Edge::Class => "class".to_owned(),
        Edge::Shared(_) => "shared".to_owned(),
        Edge::Level(level) => format!("({} only)", tree.name(level)),
        Edge::Other => "(other)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::owners::OwnerNode;

    fn tree() -> OwnerTree {
        let names = ["", "A", "B", "f", "g"].map(str::to_owned).to_vec();
        let node = |parent, edge, class, bytes| OwnerNode {
            shallow_bytes: bytes,
            objects: 1,
            ..OwnerNode::new(parent, edge, class)
        };
        let nodes = vec![
            node(0, Edge::Top, 0, 0),
            node(0, Edge::Root(1), 1, 10),
            node(1, Edge::Static(3), 2, 500),
            node(1, Edge::Static(4), 2, 50),
            node(0, Edge::Other, 0, 100),
        ];
        let tree = OwnerTree { names, nodes, ..OwnerTree::default() };
        tree.with_retained().unwrap()
    }

    #[test]
    fn the_largest_are_shown_below_what_holds_them() {
        let shown = rows(&tree(), 3);
        let texts: Vec<_> = shown.iter().map(|row| (row.depth, row.held_by.as_str())).collect();
        assert_eq!(texts, [(0, "(A)"), (1, "static f"), (0, "(other)")]);
        assert_eq!(shown[0].retained_bytes, 560);
        assert_eq!(rows(&tree(), 99).len(), 4);
        assert!(rows(&OwnerTree::default(), 9).is_empty());
    }
}
