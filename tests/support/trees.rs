//! Owner trees made up by hand.

use heapdrift::digest::Digest;
use heapdrift::index::marks;
use heapdrift::index::owners::{Edge, Limit, Mark, Name, OwnerNode, OwnerTree, Share};

use super::Rng;
use super::digests::empty;

/// A tree that grows by one node after the other.
pub struct Tree {
    pub tree: OwnerTree,
}

impl Default for Tree {
    fn default() -> Self {
        let mut tree = Self { tree: OwnerTree::default() };
        tree.name("");
        tree.add(0, Edge::Top, "", 0, 0);
        tree
    }
}

impl Tree {
    pub fn name(&mut self, text: &str) -> Name {
        let names = &mut self.tree.names;
        let at = names.iter().position(|name| name == text).unwrap_or_else(|| {
            names.push(text.to_owned());
            names.len() - 1
        });
        at as Name
    }

    /// A node of objects of a class, with all of their bytes.
    pub fn add(&mut self, parent: u32, edge: Edge, class: &str, objects: u64, bytes: u64) -> u32 {
        let class = self.name(class);
        self.tree.nodes.push(OwnerNode {
            parent,
            edge,
            class,
            is_class: false,
            objects,
            entries: 0,
            capacity: 0,
            shallow_bytes: bytes,
            retained_bytes: 0,
            largest_bytes: 0,
            native_bytes: 0,
            bound: 0,
        });
        (self.tree.nodes.len() - 1) as u32
    }

    pub fn last(&mut self) -> &mut OwnerNode {
        self.tree.nodes.last_mut().expect("a tree has a top")
    }

    /// What a static field of a class refers to.
    pub fn in_static(&mut self, class: &str, field: &str, of: &str, bytes: u64) -> u32 {
        let kind = self.name("system class");
        let root = self.add(0, Edge::Root(kind), class, 1, 100);
        self.last().is_class = true;
        let field = self.name(field);
        self.add(root, Edge::Static(field), of, 1, bytes)
    }

    /// What a field of the objects of a node refers to.
    pub fn in_field(
        &mut self,
        parent: u32,
        field: &str,
        of: &str,
        objects: u64,
        bytes: u64,
    ) -> u32 {
        let (class, field) = field.rsplit_once('.').expect("Class.field");
        let (class, field) = (self.name(class), self.name(field));
        self.add(parent, Edge::Field(class, field), of, objects, bytes)
    }

    /// A collection with entries of 32 bytes in a table that doubles.
    pub fn entries(&mut self, node: u32, entries: u64) {
        let node = &mut self.tree.nodes[node as usize];
        node.entries = entries;
        node.capacity = (entries + entries / 3).next_power_of_two();
        node.shallow_bytes += 32 * entries + 4 * node.capacity;
    }

    pub fn values(&mut self, parent: u32, class: &str, objects: u64, bytes: u64) -> u32 {
        self.add(parent, Edge::Value, class, objects, bytes)
    }

    pub fn shared(&mut self, parent: u32, class: &str, objects: u64, bytes: u64) -> u32 {
        self.add(parent, Edge::Shared(0), class, objects, bytes)
    }

    /// A number in a field (`Class.field`) of the objects of a node, or of a class for the top.
    pub fn limit(&mut self, node: u32, field: &str, objects: u64, value: u64) {
        let (class, field) = field.rsplit_once('.').expect("Class.field");
        let (class, field) = (self.name(class), self.name(field));
        self.tree.limits.push(Limit { node, class, field, objects, value });
        self.tree.limits.sort_unstable();
    }

    /// Marks of the keys in the maps of a node, by hash codes.
    pub fn keys(&mut self, node: u32, hashes: impl Iterator<Item = u64>) {
        let marks = hashes.map(|hash| Mark { node, mark: marks::of_hash(hash as u32) });
        let mut marks: Vec<Mark> = marks.collect();
        marks.sort_unstable();
        marks.truncate(marks::MOST_OF_NODE);
        self.tree.marks.extend(marks);
        self.tree.marks.sort_unstable();
        self.tree.marks_below = u32::MAX;
    }

    pub fn share(&mut self, node: u32, holder: u32, edge: Edge, references: u64) {
        self.tree.shares.push(Share { node, holder, edge, references });
        self.tree.shares.sort_unstable();
    }

    /// A digest with this tree, of a dump taken at an hour.
    pub fn digest(mut self, hour: usize) -> Digest {
        sum_up(&mut self.tree);
        let mut digest = empty(hour as u64 * 3_600_000);
        digest.total.shallow_bytes = self.tree.nodes[0].retained_bytes;
        digest.owners = Some(self.tree);
        digest
    }
}

fn sum_up(tree: &mut OwnerTree) {
    tree.nodes.iter_mut().for_each(|node| node.retained_bytes = node.shallow_bytes);
    for nth in (1..tree.nodes.len()).rev() {
        let OwnerNode { parent, retained_bytes, .. } = tree.nodes[nth];
        tree.nodes[parent as usize].retained_bytes += retained_bytes;
    }
}

/// The digests of a tree at each of some hours.
pub fn series(dumps: usize, of: impl Fn(u64, &mut Tree)) -> Vec<Digest> {
    (0..dumps)
        .map(|dump| {
            let mut tree = Tree::default();
            // The rest of the heap.
            let rest = tree.in_static("com.example.Base", "rest", "byte[]", 10_000_000);
            assert!(rest > 0);
            of(dump as u64, &mut tree);
            tree.digest(dump)
        })
        .collect()
}

/// The same tree with nodes and names in another order; parents still come before children.
pub fn shuffled(tree: &OwnerTree, rng: &mut Rng) -> OwnerTree {
    let mut names: Vec<usize> = (0..tree.names.len()).collect();
    shuffle(&mut names, rng);
    let mut name_of = vec![0; names.len()];
    names.iter().enumerate().for_each(|(new, old)| name_of[*old] = new as Name);
    let edge = |edge: Edge| edge.map(|name| name_of[name as usize]);
    let mut placed = vec![None; tree.nodes.len()];
    let mut nodes: Vec<OwnerNode> = Vec::new();
    while nodes.len() < tree.nodes.len() {
        let mut order: Vec<usize> =
            (0..tree.nodes.len()).filter(|n| placed[*n].is_none()).collect();
        shuffle(&mut order, rng);
        for old in order {
            let node = tree.nodes[old];
            let parent = if old == 0 { Some(0) } else { placed[node.parent as usize] };
            if let (Some(parent), true) = (parent, old == 0 || placed[0].is_some()) {
                placed[old] = Some(nodes.len() as u32);
                let class = name_of[node.class as usize];
                nodes.push(OwnerNode { parent, class, edge: edge(node.edge), ..node });
            }
        }
    }
    let place = |node: u32| placed[node as usize].expect("all are placed");
    let mut shares: Vec<Share> = tree
        .shares
        .iter()
        .map(|s| Share { node: place(s.node), holder: place(s.holder), edge: edge(s.edge), ..*s })
        .collect();
    shares.sort_unstable();
    let limit = |limit: &Limit| Limit {
        node: place(limit.node),
        class: name_of[limit.class as usize],
        field: name_of[limit.field as usize],
        ..*limit
    };
    let mut limits: Vec<Limit> = tree.limits.iter().map(limit).collect();
    limits.sort_unstable();
    let names = names.iter().map(|old| tree.names[*old].clone()).collect();
    let mark = |mark: &Mark| Mark { node: place(mark.node), ..*mark };
    let mut marks: Vec<Mark> = tree.marks.iter().map(mark).collect();
    marks.sort_unstable();
    OwnerTree { names, nodes, shares, limits, marks, marks_below: tree.marks_below }
}

fn shuffle<T>(values: &mut [T], rng: &mut Rng) {
    for last in (1..values.len()).rev() {
        values.swap(last, rng.below(last + 1));
    }
}
