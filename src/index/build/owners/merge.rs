//! Finds the node of the owner tree of each object, and adds the object to it.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};

use hashbrown::HashMap;

use super::{Held, Holding, Owners};
use crate::index::array::{Access, Array, Budget, Cell};
use crate::index::build::label::{self, Label};
use crate::index::build::objects::{Objects, pred};
use crate::index::build::roles::{EdgeId, Names, Ranks, Role, Roles, is_jdk};
use crate::index::owners::{Edge, Limit, Mark, Name, OwnerNode, OwnerTree, Share};
use crate::index::store::Level;
use crate::parser::classes::ClassIndex;
use crate::parser::ids::ObjectId;

/// Nodes that retain less are counted together with their siblings.
pub(super) const LEAST: u64 = 256;
/// Nodes from which on objects join the node above instead of making new ones.
const MOST_NODES: usize = 1 << 22;
/// Nodes above one another.
const DEEPEST: u32 = 96;
/// Nodes of the graph on a way up that are kept at once.
const WAY: usize = 1 << 16;
/// Decisions, and objects, that are remembered.
const RECENT: usize = 1 << 12;
/// A collection that never gets another array.
const FIXED: &str = "java.util.concurrent.ArrayBlockingQueue";

/// The name of a class, and whether its class object is meant, in the lowest bit.
type ClassCode = u32;

/// A node while objects are added.
#[derive(Clone, Copy, Default)]
pub(super) struct Merged {
    pub parent: u32,
    pub edge: EdgeId,
    pub class: ClassCode,
    depth: u32,
    objects: u64,
    entries: u64,
    capacity: u64,
    shallow: u64,
    /// In units.
    largest: u64,
    pub native: u64,
    /// Collections that declare a bound, and the sum of the bounds.
    pub bounded: u64,
    pub bound: u64,
}

/// Where an object goes.
#[derive(Clone, Copy, Default)]
struct Decision {
    node: u32,
    joining: Joining,
}

/// What an object is to its node.
#[derive(Clone, Copy, Default)]
enum Joining {
    /// One of its objects.
    #[default]
    Member,
    /// One of its objects, an array, which takes as many entries as it has elements.
    Array,
    /// Of the structure of the collection.
    Structure,
    /// Of the structure, one for each thing that is held.
    Entry,
    /// Of the structure, an array with room for entries.
    Table,
}

/// Node of the dominator, kind of the object, kind of the dominator or rank of who holds the object
/// with others, label.
type DecisionKey = (u32, u32, u32, Label);

/// What all objects of a kind have in common.
struct Kind {
    /// Shallow bytes, where there is no slot.
    shallow: u64,
    has_slot: bool,
    is_mirror: bool,
    /// True when what its objects hold is told by kinds and labels.
    holds_by_kind: bool,
}

/// The node of an object that was looked at.
#[derive(Clone, Copy)]
struct Seen {
    object: u64,
    node: u32,
    kind: u32,
}

/// The dominator of an object.
#[derive(Clone, Copy)]
struct Above {
    object: usize,
    kind: usize,
    node: u32,
}

pub(super) struct Merging<'a, 'o, C: Cell> {
    pub owners: &'a Owners<'o, C>,
    pub held: &'a Held,
    ranks: &'a Ranks,
    kinds: Vec<Kind>,
    /// Of each node of the graph, the node of the tree plus one; 0 where it is not known yet.
    node_of: Array<AtomicU32>,
    /// How the roots are held.
    pub tops: HashMap<u64, EdgeId>,
    /// The outermost frame that holds an object, by thread and object.
    pub locals: HashMap<(u64, u64), EdgeId>,
    /// By entry of a map of thread locals.
    pub thread_locals: HashMap<u64, EdgeId>,
    children: HashMap<(u32, EdgeId, ClassCode), u32>,
    /// Decisions that were made last.
    recent: Vec<(DecisionKey, Decision)>,
    /// Objects that were looked at last.
    seen: Vec<Seen>,
    pub nodes: Vec<Merged>,
    pub roles: Roles,
    pub names: Names,
}

impl<'a, 'o, C: Cell> Merging<'a, 'o, C> {
    /// Begins with the top alone.
    ///
    /// # Errors
    /// No memory, or no room on the disk.
    pub fn new(
        owners: &'a Owners<'o, C>,
        held: &'a Held,
        ranks: &'a Ranks,
        roles: Roles,
        names: Names,
        budget: &Budget,
    ) -> io::Result<Self> {
        let kinds = roles.of_kind.iter().enumerate().map(|(kind, role)| Kind {
            shallow: owners.plans.shallow(kind, 0),
            has_slot: roles.has_slot[kind],
            is_mirror: *role == Role::Mirror,
            holds_by_kind: !matches!(role, Role::Mirror | Role::ThreadLocalEntry),
        });
        Ok(Self {
            owners,
            held,
            ranks,
            kinds: kinds.collect(),
            node_of: Array::new(budget, owners.ordinals.len() as u64, Access::Random)?,
            tops: HashMap::new(),
            locals: HashMap::new(),
            thread_locals: HashMap::new(),
            children: HashMap::new(),
            recent: vec![((u32::MAX, 0, 0, 0), Decision::default()); RECENT],
            seen: vec![Seen { object: u64::MAX, node: 0, kind: 0 }; RECENT],
            nodes: vec![Merged::default()],
            roles,
            names,
        })
    }

    #[inline(always)]
    fn objects(&self) -> &'a Objects<C> {
        self.owners.objects
    }

    #[inline(always)]
    pub fn kind(&self, object: usize) -> usize {
        self.objects().kinds.get(object) as usize
    }

    /// The dominator of an object.
    #[inline(always)]
    fn above(&self, object: usize) -> Option<usize> {
        let code = self.objects().pred[object].get();
        code.checked_sub(pred::FIRST).map(|above| above as usize)
    }

    /// The node of the tree of a node of the graph, once all are known.
    #[inline(always)]
    pub fn node_of(&self, node: u64) -> u32 {
        self.node_of[node as usize].load(Ordering::Relaxed) - 1
    }

    /// True for what an object of the JDK holds.
    pub fn is_held_by_jdk(&mut self, object: usize) -> bool {
        let holder = match self.above(object) {
            Some(above) => self.class_code(above) >> 1,
            None => {
                let node = self.look_up(object).node;
                match self.roles.edges[self.nodes[node as usize].edge.index()] {
                    Edge::Shared(holder) => holder,
                    _ => return false,
                }
            }
        };
        is_jdk(self.names.text(holder))
    }

    /// Adds memory outside of the heap to the node of an object.
    pub fn add_native(&mut self, object: usize, bytes: u64) {
        let node = self.node(object);
        self.nodes[node as usize].native += bytes;
    }

    /// The node of an object.
    pub fn node(&mut self, object: usize) -> u32 {
        self.look_up(object).node
    }

    /// Finds the node of every object, and counts it there.
    pub fn merge(&mut self) {
        let owners = self.owners;
        let mut nodes = (0u64..).zip(owners.ordinals.iter().map(|ordinal| ordinal.get() as usize));
        let mut next = nodes.next();
        for object in 0..self.objects().count as usize {
            if let Some((node, _)) = next.filter(|(_, ordinal)| *ordinal == object) {
                self.resolve(node);
                next = nodes.next();
                continue;
            }
            let Some(above) = self.above(object) else { continue };
            let above = self.look_up(above);
            let kind = self.kind(object);
            let label = self.objects().labels.get(object as u64);
            let decision = self.decide(object, kind, above, label, 0);
            self.count(object, kind, decision);
            // Others hang on it.
            if self.objects().retained[object].get() > 0 {
                self.remember(object, kind, decision.node);
            }
        }
    }

    /// Finds the node of the tree for a node of the graph. Dominators come first: a way leads up to
    /// one that is known, and back down again. A way may be as long as there are nodes, so only its
    /// end is kept, and it is walked twice where it is long.
    fn resolve(&mut self, node: u64) {
        if self.node_of[node as usize].load(Ordering::Relaxed) != 0 {
            return;
        }
        let mut starts = vec![node];
        let mut way: Vec<(u64, Option<u64>)> = Vec::new();
        while let Some(start) = starts.pop() {
            let mut next = Some(start);
            while let Some(at) = next {
                if self.node_of[at as usize].load(Ordering::Relaxed) != 0 {
                    break;
                }
                if way.len() == WAY {
                    // The start is resolved again when what is above it is known.
                    starts.push(way[0].0);
                    way.clear();
                }
                let object = self.owners.ordinals[at as usize].get() as usize;
                // What dominates a node of the graph is one.
                next = self.above(object).and_then(|above| self.owners.nodes.ordinal(above as u64));
                way.push((at, next));
            }
            while let Some((at, above)) = way.pop() {
                self.place(at, above);
            }
        }
    }

    /// Counts a node of the graph, and tells its node of the tree. That of its dominator is known.
    fn place(&mut self, node: u64, above: Option<u64>) {
        let object = self.owners.ordinals[node as usize].get() as usize;
        let kind = self.kind(object);
        let decision = match above {
            None => {
                let edge = self.top_edge(object, node);
                let class = self.class_code(object);
                Decision { node: self.child(0, edge, class), joining: Joining::Member }
            }
            Some(above) => {
                let tree_node = self.node_of(above);
                let above = self.owners.ordinals[above as usize].get() as usize;
                let above = Above { object: above, kind: self.kind(above), node: tree_node };
                let (label, rank) = match self.held.of(node) {
                    Holding::ByDominator(label) => (label, 0),
                    Holding::Shared(rank) => (label::NONE, rank.unwrap_or(0)),
                };
                self.decide(object, kind, above, label, rank)
            }
        };
        self.count(object, kind, decision);
        self.node_of[node as usize].store(decision.node + 1, Ordering::Relaxed);
    }

    /// The node of an object, whose kind comes with it.
    #[inline(always)]
    fn look_up(&mut self, object: usize) -> Above {
        let seen = self.seen[object % RECENT];
        if seen.object == object as u64 {
            return Above { object, kind: seen.kind as usize, node: seen.node };
        }
        self.find(object)
    }

    fn find(&mut self, object: usize) -> Above {
        // From an object that was peeled it is not far up to a node of the graph.
        let mut way = Vec::new();
        let mut at = object;
        let mut found = loop {
            if let Some(node) = self.owners.nodes.ordinal(at as u64) {
                self.resolve(node);
                break Above { object: at, kind: self.kind(at), node: self.node_of(node) };
            }
            let seen = self.seen[at % RECENT];
            if seen.object == at as u64 {
                break Above { object: at, kind: seen.kind as usize, node: seen.node };
            }
            way.push(at);
            at = (self.objects().pred[at].get() - pred::FIRST) as usize;
        };
        while let Some(below) = way.pop() {
            let kind = self.kind(below);
            let label = self.objects().labels.get(below as u64);
            let node = self.decide(below, kind, found, label, 0).node;
            found = Above { object: below, kind, node };
        }
        self.remember(object, found.kind, found.node);
        found
    }

    #[inline(always)]
    fn remember(&mut self, object: usize, kind: usize, node: u32) {
        let seen = Seen { object: object as u64, node, kind: kind as u32 };
        self.seen[object % RECENT] = seen;
    }

    /// Decides where an object goes. `rank` is that of [`Holding::Shared`], or 0 for nobody, where
    /// the label is [`label::NONE`].
    #[inline(always)]
    fn decide(
        &mut self,
        object: usize,
        kind: usize,
        above: Above,
        label: Label,
        rank: u32,
    ) -> Decision {
        // Where the names of neither depend on the very objects, the same was mostly asked before.
        let is_by_kind = !self.kinds[kind].is_mirror
            && match label {
                label::NONE => !matches!(self.roles.of_kind[kind], Role::Part { .. }),
                label::LOCAL => false,
                _ => self.kinds[above.kind].holds_by_kind,
            };
        if !is_by_kind {
            return self.work_out(object, kind, above, label, rank);
        }
        let second = if label == label::NONE { rank } else { above.kind as u32 };
        let key = (above.node, kind as u32, second, label);
        let mixed = (u64::from(above.node) << 32 | u64::from(kind as u32) << 16)
            .wrapping_add(u64::from(second) << 24 ^ u64::from(label))
            .wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let at = (mixed >> 48) as usize % RECENT;
        if self.recent[at].0 != key {
            self.recent[at] = (key, self.work_out(object, kind, above, label, rank));
        }
        self.recent[at].1
    }

    fn work_out(
        &mut self,
        object: usize,
        kind: usize,
        above: Above,
        label: Label,
        rank: u32,
    ) -> Decision {
        let role = self.roles.of_kind[kind];
        let is_part = match label {
            label::NONE => self.roles.is_part_within(kind, above.kind),
            _ => self.is_part(above, label, kind),
        };
        if is_part {
            let joining = match role {
                Role::Array => Joining::Table,
                Role::Part { is_entry: true } | Role::ThreadLocalEntry => Joining::Entry,
                _ => Joining::Structure,
            };
            return Decision { node: above.node, joining };
        }
        let edge = match label {
            label::NONE => self.shared_edge(rank),
            label::LOCAL => {
                let key = (above.object as u64, object as u64);
                self.locals.get(&key).copied().unwrap_or(self.roles.shared)
            }
            label => self.reference(above.object, label),
        };
        let class = self.class_code(object);
        let joining = if role == Role::Array { Joining::Array } else { Joining::Member };
        Decision { node: self.child(above.node, edge, class), joining }
    }

    #[inline(always)]
    fn count(&mut self, object: usize, kind: usize, decision: Decision) {
        let owners = self.owners;
        let Kind { mut shallow, has_slot, .. } = self.kinds[kind];
        let mut slot = 0;
        if has_slot {
            slot = owners.slots.get(object as u64);
            shallow = owners.plans.shallow(kind, slot);
        }
        let merged = &mut self.nodes[decision.node as usize];
        merged.shallow += shallow;
        match decision.joining {
            Joining::Member => {}
            Joining::Array => {
                merged.bounded += 1;
                merged.bound += u64::from(slot);
            }
            Joining::Structure => return,
            Joining::Entry => {
                merged.entries += 1;
                return;
            }
            Joining::Table => {
                merged.capacity += u64::from(slot);
                return;
            }
        }
        merged.objects += 1;
        merged.largest = merged.largest.max(owners.objects.units(object));
    }

    fn shared_edge(&mut self, rank: u32) -> EdgeId {
        self.roles.edge(Edge::Shared(self.ranks.name(rank)))
    }

    /// The edge of a reference of an object.
    pub fn reference(&mut self, object: usize, label: Label) -> EdgeId {
        if label == label::ELEMENT {
            return self.roles.element;
        }
        let nth = usize::from(label - label::FIRST);
        let kind = self.kind(object);
        match self.roles.of_kind[kind] {
            Role::Mirror => {
                let owners = self.owners;
                let class = self.mirrored(object);
                class.map_or(self.roles.class, |class| {
                    self.roles.static_edge(owners.classes, class, nth, &mut self.names)
                })
            }
            Role::ThreadLocalEntry => {
                let edge = self.thread_locals.get(&(object as u64)).copied();
                edge.unwrap_or_else(|| self.roles.field(kind, nth).edge)
            }
            _ => self.roles.field(kind, nth).edge,
        }
    }

    /// The class that a class object stands for.
    fn mirrored(&self, object: usize) -> Option<ClassIndex> {
        let id = self.owners.ids.id(object as u64)?;
        self.owners.classes.index_of(ObjectId(id))
    }

    pub fn class_code(&mut self, object: usize) -> ClassCode {
        let kind = self.kind(object);
        if self.roles.of_kind[kind] != Role::Mirror {
            return self.roles.class_of_kind[kind] << 1;
        }
        let owners = self.owners;
        match self.mirrored(object) {
            Some(class) => self.roles.mirrored(owners.classes, class, &mut self.names) << 1 | 1,
            None => self.roles.class_of_kind[kind] << 1,
        }
    }

    fn top_edge(&mut self, object: usize, node: u64) -> EdgeId {
        match self.objects().pred[object].get() as usize {
            0 => match self.tops.get(&(object as u64)) {
                Some(edge) => *edge,
                None => match self.held.of(node) {
                    Holding::Shared(Some(rank)) => self.shared_edge(rank),
                    _ => self.shared_edge(0),
                },
            },
            level => {
                let name = self.names.of(Level::of(level).name());
                self.roles.edge(Edge::Level(name))
            }
        }
    }

    /// True for what the collection at the node above is made of: tables, entries, wrapped
    /// collections.
    fn is_part(&self, above: Above, label: Label, kind: usize) -> bool {
        let role = self.roles.of_kind[kind];
        let is_structure = || {
            label != label::LOCAL
                && label > label::FIRST
                && !self.roles.field(above.kind, usize::from(label - label::FIRST)).is_payload
        };
        match self.roles.of_kind[above.kind] {
            Role::Collection => is_structure() && role.is_in_collection(),
            Role::Part { .. } | Role::ThreadLocalEntry => {
                is_structure() && role != Role::Collection && role.is_in_collection()
            }
            Role::Array => {
                // The array is a part itself, or else it is the node.
                let class = self.nodes[above.node as usize].class;
                let is_folded = class != self.roles.class_of_kind[above.kind] << 1;
                is_folded && self.roles.is_part_in(kind, above.kind)
            }
            Role::Mirror | Role::Plain | Role::Values => false,
        }
    }

    fn child(&mut self, parent: u32, edge: EdgeId, class: ClassCode) -> u32 {
        match self.children.get(&(parent, edge, class)) {
            Some(node) => *node,
            None => self.new_node(parent, edge, class),
        }
    }

    /// A way that comes back to a class by the same edge stays at the node that is there.
    fn new_node(&mut self, parent: u32, edge: EdgeId, class: ClassCode) -> u32 {
        let mut at = parent;
        while at != 0
            && (self.nodes[at as usize].edge, self.nodes[at as usize].class) != (edge, class)
        {
            at = self.nodes[at as usize].parent;
        }
        let depth = self.nodes[parent as usize].depth + 1;
        let node = if at != 0 {
            at
        } else if self.nodes.len() >= MOST_NODES || depth > DEEPEST {
            parent
        } else {
            self.nodes.push(Merged { parent, edge, class, depth, ..Merged::default() });
            (self.nodes.len() - 1) as u32
        };
        self.children.insert((parent, edge, class), node);
        node
    }

    /// Bytes that each node retains.
    pub fn retained(&self) -> Vec<u64> {
        let mut retained: Vec<u64> = self.nodes.iter().map(|node| node.shallow).collect();
        // A node is made after the one above it.
        for at in (1..self.nodes.len()).rev() {
            retained[self.nodes[at].parent as usize] += retained[at];
        }
        retained
    }

    /// Entries that all collections of a node take at most; 0 where one declares nothing.
    fn bound(&self, node: &Merged) -> u64 {
        if node.bounded > 0 && node.bounded >= node.objects {
            return node.bound;
        }
        // These take as many as their array has room for.
        let is_fixed = self.names.text(node.class >> 1) == FIXED && node.class & 1 == 0;
        if is_fixed { node.capacity } else { 0 }
    }

    /// The tree in an order that depends on names alone, small nodes counted together.
    pub fn finish(
        self,
        shares: Vec<(u32, u32, EdgeId, u64)>,
        limits: Vec<Limit>,
        marks: Vec<Mark>,
    ) -> OwnerTree {
        let retained = self.retained();
        let mut children: Vec<Vec<u32>> = vec![Vec::new(); self.nodes.len()];
        for at in 1..self.nodes.len() {
            children[self.nodes[at].parent as usize].push(at as u32);
        }
        let unit = self.owners.plans.unit;
        let mut tree = OwnerTree { names: self.names.list.clone(), ..OwnerTree::default() };
        let edge_of = |edge: EdgeId| self.roles.edges[edge.index()];
        let key = |at: u32| {
            let node = &self.nodes[at as usize];
            let (first, second) = edge_of(node.edge).names();
            let text = |name: Option<Name>| name.map_or("", |name| self.names.text(name));
            let class = self.names.text(node.class >> 1);
            (edge_of(node.edge).code(), text(first), text(second), class, node.class & 1)
        };
        let mut place = vec![u32::MAX; self.nodes.len()];
        let mut stack = vec![(0u32, 0u32)];
        while let Some((at, parent)) = stack.pop() {
            let node = &self.nodes[at as usize];
            let here = tree.nodes.len() as u32;
            place[at as usize] = here;
            tree.nodes.push(OwnerNode {
                parent,
                edge: if at == 0 { Edge::Top } else { edge_of(node.edge) },
                class: node.class >> 1,
                is_class: node.class & 1 != 0,
                objects: node.objects,
                entries: node.entries,
                capacity: node.capacity,
                shallow_bytes: node.shallow,
                retained_bytes: retained[at as usize],
                largest_bytes: node.largest * unit,
                native_bytes: node.native,
                bound: self.bound(node),
            });
            let mut below = std::mem::take(&mut children[at as usize]);
            below.sort_unstable_by(|a, b| key(*b).cmp(&key(*a)));
            stack.extend(below.into_iter().map(|child| (child, here)));
        }
        for (node, holder, edge, references) in shares {
            let (node, holder) = (place[node as usize], place[holder as usize]);
            tree.shares.push(Share { node, holder, edge: edge_of(edge), references });
        }
        let limit = |limit: Limit| Limit { node: place[limit.node as usize], ..limit };
        tree.limits = limits.into_iter().map(limit).collect();
        let mark = |mark: Mark| Mark { node: place[mark.node as usize], ..mark };
        tree.marks = marks.into_iter().map(mark).collect();
        tree.marks_below = self.owners.references.keys.below;
        tree.pruned(LEAST)
    }
}
