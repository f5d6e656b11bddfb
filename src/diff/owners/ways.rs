//! The shortest way from a root to each node, by any of those who hold it; what only frames of
//! threads hold comes last, as frames come and go.

use std::collections::VecDeque;

use super::union::Union;
use crate::index::owners::Edge;

/// See the module's text.
pub struct Ways {
    /// Who holds a node on its way and how, by node.
    pub holder: Vec<(u32, Edge)>,
    /// Place of each node in the order of their ways: nearer ones are smaller.
    pub order: Vec<u32>,
}

/// How sure a root is to stay: class objects, then what the JVM and threads hold, then frames, then
/// what is only weakly reachable.
fn urgency(union: &Union<'_>, node: u32) -> u8 {
    let what = union.nodes[node as usize];
    match what.edge {
        Edge::Local(_) => 2,
        Edge::Root(kind) if is_frame(union.name(kind)) => 2,
        Edge::Root(_) if what.is_class => 0,
        Edge::Root(_) | Edge::Thread(_) => 1,
        Edge::Level(_) => 3,
        _ => 0,
    }
}

/// True for kinds of roots that are frames of threads.
pub fn is_frame(kind: &str) -> bool {
    ["Java frame", "JNI local", "native stack", "thread block"].contains(&kind)
}

impl Ways {
    /// Finds the ways of all nodes.
    pub fn of(union: &Union<'_>) -> Self {
        let mut search = Search {
            union,
            found: vec![false; union.nodes.len()],
            queues: Default::default(),
            holder: union.nodes.iter().map(|node| (node.parent, node.edge)).collect(),
            order: vec![u32::MAX; union.nodes.len()],
            next: 0,
        };
        search.take(0);
        search.run();
        // Shared nodes whose holders are not known.
        for node in 1..union.nodes.len() as u32 {
            if !search.found[node as usize] {
                search.take(node);
                search.run();
            }
        }
        Self { holder: search.holder, order: search.order }
    }
}

struct Search<'u, 'a> {
    union: &'u Union<'a>,
    found: Vec<bool>,
    /// Nodes whose turn comes, by urgency.
    queues: [VecDeque<u32>; 4],
    holder: Vec<(u32, Edge)>,
    order: Vec<u32>,
    next: u32,
}

impl Search<'_, '_> {
    fn take(&mut self, node: u32) {
        if !std::mem::replace(&mut self.found[node as usize], true) {
            self.queues[usize::from(urgency(self.union, node))].push_back(node);
        }
    }

    fn run(&mut self) {
        while let Some(node) = self.queues.iter_mut().find_map(VecDeque::pop_front) {
            self.order[node as usize] = self.next;
            self.next += 1;
            self.take_below(node);
        }
    }

    fn take_below(&mut self, node: u32) {
        let union = self.union;
        for child in union.children(node) {
            if !matches!(union.nodes[child as usize].edge, Edge::Shared(_)) {
                self.take(child);
            }
        }
        for (sharer, _) in union.held_by(node) {
            if !self.found[sharer.node as usize] {
                self.holder[sharer.node as usize] = (node, sharer.edge);
                self.take(sharer.node);
            }
        }
    }
}
