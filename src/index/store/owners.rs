//! The owner tree in the words of 64 bits that it has in an index.

use super::coding::cast;
use super::format::Section;
use super::{HeapIndex, OpenIndexError};
use crate::index::owners::{Edge, Limit, Mark, OwnerNode, OwnerTree, Share};

type NodeWords = [u64; 11];
type ShareWords = [u64; 4];
type LimitWords = [u64; 4];

pub fn node_words(node: &OwnerNode) -> NodeWords {
    let (code, names) = edge_words(node.edge);
    [
        u64::from(node.parent) | u64::from(code) << 32 | u64::from(node.is_class) << 40,
        names,
        node.class.into(),
        node.objects,
        node.entries,
        node.capacity,
        node.shallow_bytes,
        node.retained_bytes,
        node.largest_bytes,
        node.native_bytes,
        node.bound,
    ]
}

fn node(words: &NodeWords) -> Option<OwnerNode> {
    Some(OwnerNode {
        parent: words[0] as u32,
        edge: edge((words[0] >> 32) as u8, words[1])?,
        is_class: words[0] >> 40 & 1 != 0,
        class: words[2] as u32,
        objects: words[3],
        entries: words[4],
        capacity: words[5],
        shallow_bytes: words[6],
        retained_bytes: words[7],
        largest_bytes: words[8],
        native_bytes: words[9],
        bound: words[10],
    })
}

pub fn share_words(share: &Share) -> ShareWords {
    let (code, names) = edge_words(share.edge);
    [pair(share.node, share.holder), names, code.into(), share.references]
}

fn share(words: &ShareWords) -> Option<Share> {
    Some(Share {
        node: words[0] as u32,
        holder: (words[0] >> 32) as u32,
        edge: edge(words[2] as u8, words[1])?,
        references: words[3],
    })
}

pub fn limit_words(limit: &Limit) -> LimitWords {
    [limit.node.into(), pair(limit.class, limit.field), limit.objects, limit.value]
}

fn limit(words: &LimitWords) -> Limit {
    Limit {
        node: words[0] as u32,
        class: words[1] as u32,
        field: (words[1] >> 32) as u32,
        objects: words[2],
        value: words[3],
    }
}

/// A mark; the first word has no node and says below which number they are.
pub fn mark_words(tree: &OwnerTree) -> Vec<u64> {
    let marks = tree.marks.iter().map(|mark| pair(mark.mark, mark.node));
    std::iter::once(tree.marks_below.into()).chain(marks).collect()
}

fn mark(word: &u64) -> Mark {
    Mark { node: (word >> 32) as u32, mark: *word as u32 }
}

/// The code of an edge, and its names.
fn edge_words(edge: Edge) -> (u8, u64) {
    let (first, second) = edge.names();
    (edge.code(), pair(first.unwrap_or(0), second.unwrap_or(0)))
}

fn edge(code: u8, names: u64) -> Option<Edge> {
    Edge::of_code(code, names as u32, (names >> 32) as u32)
}

fn pair(low: u32, high: u32) -> u64 {
    u64::from(low) | u64::from(high) << 32
}

impl HeapIndex {
    /// The owner tree.
    ///
    /// # Errors
    /// [`OpenIndexError::Content`].
    pub fn owners(&self) -> Result<OwnerTree, OpenIndexError> {
        let names = self.json(Section::OwnerNames)?;
        let nodes: &[NodeWords] = cast(self.section(Section::OwnerNodes));
        let shares: &[ShareWords] = cast(self.section(Section::OwnerShares));
        let limits: &[LimitWords] = cast(self.section(Section::OwnerLimits));
        let marks: &[u64] = cast(self.section(Section::OwnerMarks));
        let tree = || {
            Some(OwnerTree {
                names,
                nodes: nodes.iter().map(node).collect::<Option<_>>()?,
                shares: shares.iter().map(share).collect::<Option<_>>()?,
                limits: limits.iter().map(limit).collect(),
                marks: marks.iter().skip(1).map(mark).collect(),
                marks_below: marks.first().copied().unwrap_or(0) as u32,
            })
        };
        tree()
            .filter(OwnerTree::is_sound)
            .ok_or_else(|| OpenIndexError::content(&self.path, "the owner tree"))
    }
}
