//! The nodes of the owner tree that grow most: to see why an owner was found, or was not.

use std::cmp::Reverse;
use std::fmt::Write as _;

use hashbrown::HashMap;
use heapdrift::digest::Digest;
use heapdrift::index::owners::{Edge, OwnerTree};

/// Holders of a shared node that are shown.
const HOLDERS: usize = 8;

/// The nodes that grew most from the first dump to the last, with those who share them.
pub fn text(digests: &[Digest], most: usize) -> String {
    let [first, .., last] = digests else { return String::new() };
    let (Some(first), Some(last)) = (&first.owners, &last.owners) else { return String::new() };
    let mut before: HashMap<String, u64> = HashMap::new();
    for (way, node) in ways(first).into_iter().zip(&first.nodes) {
        *before.entry(way).or_default() += node.retained_bytes;
    }
    let ways = ways(last);
    let growth = |at: usize| {
        let then = before.get(&ways[at]).copied().unwrap_or(0);
        last.nodes[at].retained_bytes as i64 - then as i64
    };
    let mut order: Vec<usize> = (1..last.nodes.len()).collect();
    order.sort_by_key(|at| (Reverse(growth(*at)), *at));
    let mut text = String::new();
    for at in order.into_iter().take(most) {
        let node = &last.nodes[at];
        let _ = writeln!(
            text,
            "  {:+} bytes, {} objects, {} entries: {}",
            growth(at),
            node.objects,
            node.entries,
            ways[at]
        );
        let mut shares: Vec<_> =
            last.shares.iter().filter(|share| share.node as usize == at).collect();
        shares.sort_by_key(|share| Reverse(share.references));
        for share in shares.into_iter().take(HOLDERS) {
            let edge = edge(last, share.edge);
            let holder = &ways[share.holder as usize];
            let _ = writeln!(text, "      {} by {edge} of {holder}", share.references);
        }
    }
    text
}

/// The way to each node in words.
fn ways(tree: &OwnerTree) -> Vec<String> {
    let mut ways: Vec<String> = Vec::with_capacity(tree.nodes.len());
    for (nth, node) in tree.nodes.iter().enumerate() {
        let step = format!("{} {}", edge(tree, node.edge), tree.name(node.class));
        let way = match (nth, node.parent) {
            (0, _) => String::new(),
            (_, 0) => step,
            (_, parent) => format!("{} → {step}", ways[parent as usize]),
        };
        ways.push(way);
    }
    ways
}

fn edge(tree: &OwnerTree, edge: Edge) -> String {
    let (first, second) = edge.names();
    let names: Vec<&str> = [first, second].into_iter().flatten().map(|n| tree.name(n)).collect();
    let kind = format!("{edge:?}");
    let kind = kind.split('(').next().unwrap_or_default();
    format!("[{kind} {}]", names.join("."))
}
