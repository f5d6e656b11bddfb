//! Merges the dominator tree into the owner tree (`docs/ARCHITECTURE.md`).
//!
//! One walk tells by which reference each object is held by its dominator; one pass over the objects
//! finds the node of each; one over the graph finds who shares what is held by several.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU16, AtomicU32, AtomicU64, Ordering};

use hashbrown::{HashMap, HashSet};
use rayon::prelude::*;

use super::graph::Graph;
use super::is_of_frame;
use super::plan::{ClassCache, Object, OutsideMemory, Plans, is_limit};
use super::roles::{EdgeId, Names, Ranks, Role, Roles, is_jdk};
use super::walks::{Dump, Objects, Reading, Slots, no_streams, pred};
use crate::index::array::{Access, Array, Budget, Cell};
use crate::index::facts::Thread;
use crate::index::limits;
use crate::index::owners::{Edge, Limit, MUCH, Name, OwnerNode, OwnerTree, Share};
use crate::index::scan::Part;
use crate::index::store::ids::Ids;
use crate::index::store::{Level, StoredRoot};
use crate::index::tally::Sink;
use crate::parser::classes::{ClassIndex, ClassTable};
use crate::parser::heap::{HeapRecord, LargeArray};
use crate::parser::ids::ObjectId;
use crate::parser::names;
use crate::parser::tags::{FieldType, sub};

/// Nodes that retain less are counted together with their siblings.
const LEAST: u64 = 256;
/// Nodes from which on objects join the node above instead of making new ones.
const MOST_NODES: usize = 1 << 22;
/// Nodes above one another.
const DEEPEST: u32 = 96;
/// Objects on a way up that are kept at once.
const WAY: usize = 1 << 16;
/// Numbers that say a limit, of one class: what has more instances is held, and holds nothing.
const MOST_LIMITS: usize = 1 << 16;
/// Holders that are told of a shared node: those with the most references.
const HOLDERS: usize = 32;

/// A collection that never gets another array.
const FIXED: &str = "java.util.concurrent.ArrayBlockingQueue";
/// Nodes that a thread takes at a time.
const STRIDE: usize = 1 << 16;

/// How the dominator of an object refers to it, in an array by ordinal.
mod label {
    /// Not at all: it is held by several.
    pub const NONE: u16 = 0;
    /// Labels from here to [`MOST`] are references by their number in the object.
    pub const FIRST: u16 = 1;
    pub const MOST: u16 = u16::MAX - 3;
    /// On the stack of a thread.
    pub const LOCAL: u16 = u16::MAX - 1;
    pub const ELEMENT: u16 = u16::MAX;
}

/// What is looked at; the passes before have left dominators in `objects.pred`.
pub struct Owners<'a, C: Cell> {
    pub reading: &'a Reading<'a, C>,
    pub dump: &'a Dump<'a>,
    pub graph: &'a Graph<C>,
    pub nodes: Ids<'a>,
    pub ordinals: &'a Array<C>,
    pub slots: &'a Slots,
    pub classes: &'a ClassTable,
    /// Class name in source form and label of the loader, by kind.
    pub names: &'a [(String, String)],
    pub roots: &'a [StoredRoot],
    pub threads: &'a [Thread],
    /// Reference object, referent and how it is held.
    pub weak: &'a [(u64, u64, Level)],
    /// The bits of the levels of all objects; `None` where all are strong.
    pub levels: Option<&'a [Array<AtomicU64>; 3]>,
}

/// The result of the walk.
struct Labels {
    /// See [`label`].
    of: Array<AtomicU16>,
    /// Memory outside of the heap by the object that stands for it, in order.
    native: Vec<(u64, OutsideMemory)>,
    /// What objects say of how much they take.
    bounds: Bounds,
}

/// What objects say of how much they take.
#[derive(Default)]
struct Bounds {
    /// What collections declare, by object.
    declared: Vec<(u64, u64)>,
    /// Arrays that are hash tables: their length says nothing.
    scattered: Vec<u64>,
    /// Numbers in fields whose names say a limit, by class: object, place of the field, number.
    limits: HashMap<ClassIndex, Vec<(u64, u32, u64)>>,
}

impl Bounds {
    #[inline(always)]
    fn note(&mut self, plans: &Plans<'_>, object: &Object<'_>, ordinal: u64) {
        if let Some(bound) = plans.bound(object) {
            self.declared.push((ordinal, bound));
        }
        if plans.is_scattered(object) {
            self.scattered.push(ordinal);
        }
        plans.limits(object, |class, field, value| {
            let limits = self.limits.entry(class).or_default();
            // One more than that says that there are too many.
            if limits.len() <= MOST_LIMITS {
                limits.push((ordinal, field, value));
            }
        });
    }

    fn add(&mut self, other: Self) {
        self.declared.extend(other.declared);
        self.scattered.extend(other.scattered);
        for (class, limits) in other.limits {
            self.limits.entry(class).or_default().extend(limits);
        }
    }

    /// Without classes with so many instances that they cannot be what limits.
    fn settled(mut self) -> Self {
        self.limits.retain(|_, limits| limits.len() <= MOST_LIMITS);
        self
    }
}

impl<C: Cell> Owners<'_, C> {
    /// Makes the tree.
    ///
    /// # Errors
    /// No memory, or no room on the disk.
    pub fn run(&self, budget: &Budget) -> io::Result<OwnerTree> {
        let labels = self.labels(budget)?;
        // Objects are gone through in order, and what dominates them is mostly near.
        let node_of = Array::new(budget, self.reading.objects.count, Access::Random)?;
        node_of.use_in_order();
        labels.of.use_in_order();
        let mut names = Names::default();
        let mut roles = Roles::new(self.reading.plans, self.classes, self.names, &mut names);
        let ranks = roles.ranks(self.classes, &mut names);
        let holders = self.holders(&labels, &roles, &ranks, budget)?;
        let mut merging = Merging {
            owners: self,
            labels: &labels,
            ranks: &ranks,
            holders: &holders,
            node_of,
            tops: HashMap::new(),
            locals: HashMap::new(),
            thread_locals: HashMap::new(),
            children: HashMap::new(),
            recent: vec![((u32::MAX, 0, 0, 0), 0); RECENT],
            nodes: vec![Merged::top()],
            roles,
            names,
        };
        merging.name_roots();
        merging.name_thread_locals();
        merging.merge();
        for (object, memory) in &labels.native {
            // What native code of the JVM lends the JDK (the file of its modules) is nobody's.
            if memory.is_freed_by_it || !merging.is_held_by_jdk(*object as usize) {
                let node = merging.node(*object as usize);
                merging.nodes[node as usize].native += memory.bytes;
            }
        }
        merging.add_bounds();
        let limits = merging.limits();
        let shares = merging.shares();
        Ok(merging.finish(shares, limits))
    }

    /// The lowest rank of those that hold each node that no single object holds.
    fn holders(
        &self,
        labels: &Labels,
        roles: &Roles,
        ranks: &Ranks,
        budget: &Budget,
    ) -> io::Result<Array<AtomicU32>> {
        let count = self.ordinals.len();
        let holders = Array::<AtomicU32>::new(budget, count as u64, Access::Random)?;
        (0..count).into_par_iter().with_min_len(STRIDE).for_each(|node| {
            let mut successors = self.graph.successors(node as u64);
            if successors.is_empty() {
                return;
            }
            let holder = self.ordinals[node].get();
            let rank = self.rank(holder, roles, ranks);
            while let Some(target) = self.graph.next(&mut successors) {
                let held = self.ordinals[target as usize].get();
                let is_held_by_one =
                    labels.of[held as usize].load(Ordering::Relaxed) != label::NONE;
                if is_held_by_one || self.level(holder) != self.level(held) {
                    continue;
                }
                // Zero is none yet.
                let lower = |seen: u32| (seen == 0 || rank < seen).then_some(rank);
                let (order, holder) = (Ordering::Relaxed, &holders[target as usize]);
                let _ = holder.fetch_update(order, order, lower);
            }
        });
        Ok(holders)
    }

    /// The level of an object. References from later levels hold nothing.
    fn level(&self, object: u64) -> u8 {
        let bit = |plane: &Array<AtomicU64>| {
            (plane[(object / 64) as usize].load(Ordering::Relaxed) >> (object % 64) & 1) as u8
        };
        self.levels.map_or(0, |[low, middle, high]| bit(low) | bit(middle) << 1 | bit(high) << 2)
    }

    fn rank(&self, object: u64, roles: &Roles, ranks: &Ranks) -> u32 {
        let kind = self.reading.objects.kinds.get(object as usize) as usize;
        if roles.of_kind[kind] != Role::Mirror {
            return ranks.of_kind[kind];
        }
        let class = self.reading.ids.id(object).and_then(|id| self.classes.index_of(ObjectId(id)));
        class.and_then(|class| ranks.of_class.get(&class)).map_or(u32::MAX, |rank| *rank)
    }

    fn labels(&self, budget: &Budget) -> io::Result<Labels> {
        let of = Array::<AtomicU16>::new(budget, self.reading.objects.count, Access::Random)?;
        let labelling = || Labelling {
            reading: self.reading,
            cache: ClassCache::default(),
            labels: &of,
            native: Vec::new(),
            bounds: Bounds::default(),
        };
        let parts = self.dump.walk(labelling, |labelling| (labelling.native, labelling.bounds));
        let (mut native, mut bounds) = (Vec::new(), Bounds::default());
        for (of_part, bounds_of_part) in parts {
            native.extend(of_part);
            bounds.add(bounds_of_part);
        }
        Ok(Labels { of, native, bounds: bounds.settled() })
    }
}

/// Finds by which reference objects are held by their dominators.
struct Labelling<'a, C: Cell> {
    reading: &'a Reading<'a, C>,
    cache: ClassCache,
    labels: &'a Array<AtomicU16>,
    native: Vec<(u64, OutsideMemory)>,
    bounds: Bounds,
}

impl<C: Cell> Sink for Labelling<'_, C> {
    #[inline(always)]
    fn record(&mut self, record: &HeapRecord<'_>, offset: u64) {
        let reading = self.reading;
        let Some((object, ordinal)) = reading.object(record, offset, &mut self.cache) else {
            return;
        };
        if let Some(memory) = reading.plans.outside(&object) {
            self.native.push((ordinal, memory));
        }
        self.bounds.note(reading.plans, &object, ordinal);
        let objects = reading.objects;
        if objects.retained[ordinal as usize].get() == 0 {
            return;
        }
        let held_by_this = ordinal + pred::FIRST;
        let is_array = matches!(record, HeapRecord::ObjectArray(_));
        let (mut nth, mut last) = (0, 0);
        reading.plans.references(&object, |id| {
            let label = match nth {
                0 => label::FIRST,
                _ if is_array => label::ELEMENT,
                nth => label::FIRST.saturating_add(nth).min(label::MOST),
            };
            nth = nth.saturating_add(1);
            if id == 0 || id == last {
                return;
            }
            last = id;
            if let Some(target) = reading.ids.ordinal(id) {
                self.note(target as usize, held_by_this, label);
            }
        });
        if let Some(locals) = reading.locals.get(&ordinal) {
            for local in locals {
                self.note(*local as usize, held_by_this, label::LOCAL);
            }
        }
    }

    no_streams!();
}

impl<C: Cell> Labelling<'_, C> {
    #[inline(always)]
    fn note(&self, target: usize, held_by_this: u64, label: u16) {
        // Nobody else writes here: an object has one dominator, and that is read once.
        if self.reading.objects.pred[target].get() == held_by_this
            && self.labels[target].load(Ordering::Relaxed) == label::NONE
        {
            self.labels[target].store(label, Ordering::Relaxed);
        }
    }
}

/// A node while objects are added.
#[derive(Clone, Copy)]
struct Merged {
    parent: u32,
    edge: EdgeId,
    class: ClassCode,
    depth: u32,
    objects: u64,
    entries: u64,
    capacity: u64,
    shallow: u64,
    /// In units.
    largest: u64,
    native: u64,
    /// Collections that declare a bound, and the sum of the bounds.
    bounded: u64,
    bound: u64,
}

/// The node above, the label, and the kinds of the object above and of the object.
type RecentKey = (u32, u16, u32, u32);
/// Children that are remembered.
const RECENT: usize = 1 << 12;

/// The name of a class, and whether its class object is meant, in the lowest bit.
type ClassCode = u32;

impl Merged {
    fn top() -> Self {
        Self::new(0, EdgeId(0), 0, 0)
    }

    fn new(parent: u32, edge: EdgeId, class: ClassCode, depth: u32) -> Self {
        let (objects, entries, capacity) = (0, 0, 0);
        let (shallow, largest, native) = (0, 0, 0);
        let (bounded, bound) = (0, 0);
        Self {
            parent,
            edge,
            class,
            depth,
            objects,
            entries,
            capacity,
            shallow,
            largest,
            native,
            bounded,
            bound,
        }
    }
}

/// References, the node of the holder, and one of the references.
type Told = (u64, u32, (u64, u64));

struct Merging<'a, 'o, C: Cell> {
    owners: &'a Owners<'o, C>,
    labels: &'a Labels,
    ranks: &'a Ranks,
    /// Of each node of the graph, the rank of who is named as its holder.
    holders: &'a Array<AtomicU32>,
    /// The node of each object, plus one; 0 where it is not known yet.
    node_of: Array<AtomicU32>,
    /// How the roots are held.
    tops: HashMap<u64, EdgeId>,
    /// The outermost frame that holds an object, by thread and object.
    locals: HashMap<(u64, u64), EdgeId>,
    /// By entry of a map of thread locals.
    thread_locals: HashMap<u64, EdgeId>,
    children: HashMap<(u32, EdgeId, ClassCode), u32>,
    /// Children that were found last.
    recent: Vec<(RecentKey, u32)>,
    nodes: Vec<Merged>,
    roles: Roles,
    names: Names,
}

impl<C: Cell> Merging<'_, '_, C> {
    #[inline(always)]
    fn objects(&self) -> &Objects<C> {
        self.owners.reading.objects
    }

    #[inline(always)]
    fn kind(&self, object: usize) -> usize {
        self.objects().kinds.get(object) as usize
    }

    #[inline(always)]
    fn node(&self, object: usize) -> u32 {
        self.node_of[object].load(Ordering::Relaxed) - 1
    }

    /// True for what an object of the JDK holds.
    fn is_held_by_jdk(&mut self, object: usize) -> bool {
        let holder = match self.above(object) {
            Some(above) => self.class_code(above) >> 1,
            None => match self.roles.edges[self.nodes[self.node(object) as usize].edge.index()] {
                Edge::Shared(holder) => holder,
                _ => return false,
            },
        };
        is_jdk(self.names.text(holder))
    }

    /// The dominator of an object.
    #[inline(always)]
    fn above(&self, object: usize) -> Option<usize> {
        let code = self.objects().pred[object].get();
        code.checked_sub(pred::FIRST).map(|above| above as usize)
    }

    /// Says how the JVM and the frames of threads hold objects.
    fn name_roots(&mut self) {
        let owners = self.owners;
        let by_serial: HashMap<u32, &Thread> =
            owners.threads.iter().map(|thread| (thread.serial, thread)).collect();
        let mut thread_of: HashMap<u32, u64> = HashMap::new();
        for root in owners.roots {
            if root.kind == sub::ROOT_THREAD_OBJECT {
                let name = by_serial.get(&root.thread).and_then(|thread| thread.name.as_deref());
                let name = self.names.of(&without_numbers(name.unwrap_or("")));
                let edge = self.roles.edge(Edge::Thread(name));
                self.tops.insert(root.object, edge);
                thread_of.insert(root.thread, root.object);
            }
        }
        let mut outermost: BTreeMap<(u64, u64), (u32, u32)> = BTreeMap::new();
        for root in owners.roots {
            let thread = thread_of.get(&root.thread).filter(|_| is_of_frame(root.kind));
            // What a frame holds is no root, but held by the thread.
            if thread.is_none() {
                let kind = self.names.of(root_name(root.kind));
                let edge = self.roles.edge(Edge::Root(kind));
                self.tops.entry(root.object).or_insert(edge);
            }
            if let Some(thread) = thread {
                let frame = if root.frame == u32::MAX { 0 } else { root.frame };
                let seen = outermost.entry((*thread, root.object)).or_default();
                *seen = (*seen).max((frame, root.thread));
            }
        }
        for (key, (frame, serial)) in outermost {
            let thread = by_serial.get(&serial);
            let method = thread.and_then(|thread| thread.frames.get(frame as usize));
            let name = self.names.of(&method.map_or_else(String::new, |text| method_of(text)));
            let edge = self.roles.edge(Edge::Local(name));
            self.locals.insert(key, edge);
        }
    }

    /// Says for the entries of maps of thread locals which thread local they are of.
    fn name_thread_locals(&mut self) {
        let owners = self.owners;
        let mut entries: Vec<(u64, u64)> = Vec::new();
        for (entry, key, _) in owners.weak {
            if self.roles.of_kind[self.kind(*entry as usize)] == Role::ThreadLocalEntry {
                entries.push((*entry, *key));
            }
        }
        let keys: HashSet<u64> = entries.iter().map(|(_, key)| *key).collect();
        // The field that holds each; static ones first, then the first by name.
        let mut fields: HashMap<u64, (bool, String)> = HashMap::new();
        for ((holder, key), label) in self.example_labels(self.holders_of(&keys)) {
            if matches!(label, label::LOCAL | label::ELEMENT) {
                continue;
            }
            let edge = self.reference(holder as usize, usize::from(label - label::FIRST));
            let (class, field) = match self.roles.edges[edge.index()] {
                Edge::Field(class, field) => (class, field),
                Edge::Static(field) => (self.class_code(holder as usize) >> 1, field),
                _ => continue,
            };
            let is_instance = !matches!(self.roles.edges[edge.index()], Edge::Static(_));
            let text = format!("{}.{}", self.names.text(class), self.names.text(field));
            let name = (is_instance, text);
            let first = fields.entry(key).or_insert_with(|| name.clone());
            if name < *first {
                *first = name;
            }
        }
        for (entry, key) in entries {
            let name = match fields.get(&key) {
                Some((_, name)) => self.names.of(name),
                None => self.class_code(key as usize) >> 1,
            };
            let edge = self.roles.edge(Edge::ThreadLocal(name));
            self.thread_locals.insert(entry, edge);
        }
    }

    /// Who refers to these objects, which are nodes of the graph: referrer and object.
    fn holders_of(&self, objects: &HashSet<u64>) -> Vec<(u64, u64)> {
        let owners = self.owners;
        let count = owners.ordinals.len();
        if objects.is_empty() {
            return Vec::new();
        }
        (0..count)
            .into_par_iter()
            .step_by(STRIDE)
            .flat_map_iter(|start| {
                let mut found = Vec::new();
                for node in start..(start + STRIDE).min(count) {
                    let mut successors = owners.graph.successors(node as u64);
                    if successors.is_empty() {
                        continue;
                    }
                    let holder = owners.ordinals[node].get();
                    while let Some(target) = owners.graph.next(&mut successors) {
                        let held = owners.ordinals[target as usize].get();
                        if objects.contains(&held) && owners.level(holder) == owners.level(held) {
                            found.push((holder, held));
                        }
                    }
                }
                found
            })
            .collect()
    }

    /// How an object is held by its dominator.
    fn edge_below(&mut self, above: usize, object: usize) -> EdgeId {
        let label = self.labels.of[object].load(Ordering::Relaxed);
        match label {
            label::NONE => self.shared_edge(object),
            label::LOCAL => {
                let key = (above as u64, object as u64);
                self.locals.get(&key).copied().unwrap_or(self.roles.shared)
            }
            label::ELEMENT => self.roles.element,
            label => self.reference(above, usize::from(label - label::FIRST)),
        }
    }

    fn shared_edge(&mut self, object: usize) -> EdgeId {
        let Some(node) = self.owners.nodes.ordinal(object as u64) else { return self.roles.shared };
        let rank = self.holders[node as usize].load(Ordering::Relaxed);
        // A holder that cannot be named ranks last.
        let name = if rank == u32::MAX { 0 } else { self.ranks.name(rank) };
        self.roles.edge(Edge::Shared(name))
    }

    /// The edge of a reference of an object that is no array, by its number.
    fn reference(&mut self, object: usize, nth: usize) -> EdgeId {
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
        let id = self.owners.reading.ids.id(object as u64)?;
        self.owners.classes.index_of(ObjectId(id))
    }

    fn class_code(&mut self, object: usize) -> ClassCode {
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

    /// Finds the node of every object. Dominators come first: from an object a way leads up to one
    /// whose node is known, and back down again. A way may be as long as there are objects, so only
    /// its beginnings are kept, and it is walked twice where it is long.
    fn merge(&mut self) {
        let mut way = Vec::with_capacity(WAY);
        let mut starts = Vec::new();
        for object in 0..self.objects().count as usize {
            if self.node_of[object].load(Ordering::Relaxed) != 0 {
                continue;
            }
            starts.push(object);
            while let Some(start) = starts.pop() {
                let mut next = Some(start);
                while let Some(at) = next.filter(|at| self.is_new(*at)) {
                    if way.len() == WAY {
                        // The start is resolved again when what is above it is known.
                        starts.push(way[0]);
                        way.clear();
                    }
                    way.push(at);
                    next = self.above(at);
                }
                while let Some(at) = way.pop() {
                    let node = self.place(at);
                    self.node_of[at].store(node + 1, Ordering::Relaxed);
                }
            }
        }
    }

    #[inline(always)]
    fn is_new(&self, object: usize) -> bool {
        self.node_of[object].load(Ordering::Relaxed) == 0
    }

    /// Adds an object to its node, and tells it. The node of its dominator is known.
    fn place(&mut self, object: usize) -> u32 {
        let kind = self.kind(object);
        let slot = match self.roles.has_slot[kind] {
            true => self.owners.slots.get(object as u64),
            false => 0,
        };
        let shallow = self.owners.reading.plans.shallow(kind, slot);
        let Some(above) = self.above(object) else {
            let edge = self.top_edge(object);
            return self.add(0, edge, object, shallow);
        };
        let node = self.node(above);
        let label = self.labels.of[object].load(Ordering::Relaxed);
        let is_part = match label {
            label::NONE => self.roles.is_part_within(kind, self.kind(above)),
            _ => self.is_part(above, node, label, kind),
        };
        if is_part {
            let merged = &mut self.nodes[node as usize];
            merged.shallow += shallow;
            match self.roles.of_kind[kind] {
                Role::Array => merged.capacity += u64::from(slot),
                Role::Part { is_entry: true } | Role::ThreadLocalEntry => merged.entries += 1,
                _ => {}
            }
            return node;
        }
        let above_kind = self.kind(above);
        let is_by_kind = label != label::NONE
            && label != label::LOCAL
            && !matches!(self.roles.of_kind[above_kind], Role::Mirror | Role::ThreadLocalEntry)
            && self.roles.of_kind[kind] != Role::Mirror;
        let node = if is_by_kind {
            self.add_by_kind((node, label, above_kind as u32, kind as u32), object, shallow)
        } else {
            let edge = self.edge_below(above, object);
            self.add(node, edge, object, shallow)
        };
        if self.roles.of_kind[kind] == Role::Array {
            let merged = &mut self.nodes[node as usize];
            merged.bounded += 1;
            merged.bound += u64::from(slot);
        }
        node
    }

    fn top_edge(&mut self, object: usize) -> EdgeId {
        match self.objects().pred[object].get() as usize {
            0 => match self.tops.get(&(object as u64)) {
                Some(edge) => *edge,
                None => self.shared_edge(object),
            },
            level => {
                let name = self.names.of(Level::of(level).name());
                self.roles.edge(Edge::Level(name))
            }
        }
    }

    /// True for what the collection at `node` is made of: tables, entries, wrapped collections.
    fn is_part(&self, above: usize, node: u32, label: u16, kind: usize) -> bool {
        let above_kind = self.kind(above);
        let role = self.roles.of_kind[kind];
        let is_structure = |roles: &Roles| {
            label != label::LOCAL
                && label > label::FIRST
                && !roles.field(above_kind, usize::from(label - label::FIRST)).is_payload
        };
        match self.roles.of_kind[above_kind] {
            Role::Collection => is_structure(&self.roles) && role.is_in_collection(),
            Role::Part { .. } | Role::ThreadLocalEntry => {
                is_structure(&self.roles) && role != Role::Collection && role.is_in_collection()
            }
            Role::Array => {
                // The array is a part itself, or else it is the node.
                let is_folded =
                    self.nodes[node as usize].class != self.roles.class_of_kind[above_kind] << 1;
                is_folded && self.roles.is_part_in(kind, above_kind)
            }
            Role::Mirror | Role::Plain | Role::Values => false,
        }
    }

    fn add(&mut self, parent: u32, edge: EdgeId, object: usize, shallow: u64) -> u32 {
        let class = self.class_code(object);
        let node = self.child(parent, edge, class);
        self.count(node, object, shallow);
        node
    }

    fn child(&mut self, parent: u32, edge: EdgeId, class: ClassCode) -> u32 {
        match self.children.get(&(parent, edge, class)) {
            Some(node) => *node,
            None => self.new_node(parent, edge, class),
        }
    }

    #[inline(always)]
    fn count(&mut self, node: u32, object: usize, shallow: u64) {
        let units = self.objects().units(object);
        let merged = &mut self.nodes[node as usize];
        merged.objects += 1;
        merged.shallow += shallow;
        merged.largest = merged.largest.max(units);
    }

    /// As [`Self::add`], for objects whose edge and class are told by kinds and label alone: the
    /// last ones are remembered.
    #[inline]
    fn add_by_kind(&mut self, key: RecentKey, object: usize, shallow: u64) -> u32 {
        let (parent, label, above_kind, kind) = key;
        let mixed = (u64::from(parent) << 32 | u64::from(kind) << 16)
            .wrapping_add(u64::from(above_kind) << 24 ^ u64::from(label))
            .wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let place = (mixed >> 48) as usize % RECENT;
        if self.recent[place].0 != key {
            let edge = match label {
                label::ELEMENT => self.roles.element,
                label => {
                    self.roles.field(above_kind as usize, usize::from(label - label::FIRST)).edge
                }
            };
            let class = self.roles.class_of_kind[kind as usize] << 1;
            self.recent[place] = (key, self.child(parent, edge, class));
        }
        let node = self.recent[place].1;
        self.count(node, object, shallow);
        node
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
            self.nodes.push(Merged::new(parent, edge, class, depth));
            (self.nodes.len() - 1) as u32
        };
        self.children.insert((parent, edge, class), node);
        node
    }

    /// Who refers to the objects of shared nodes: references by shared node, node of the holder.
    fn shares(&mut self) -> Vec<(u32, u32, EdgeId, u64)> {
        let owners = self.owners;
        let shared = self.roles.shared;
        let is_shared: Vec<bool> = self
            .nodes
            .iter()
            .map(|node| matches!(self.roles.edges[node.edge.index()], Edge::Shared(_)))
            .collect();
        let count = owners.ordinals.len();
        type Pairs = HashMap<(u32, u32), (u64, u64, u64)>;
        let merge = |pairs: &mut Pairs, key, (references, holder, held): (u64, u64, u64)| {
            let seen = pairs.entry(key).or_insert((0, u64::MAX, u64::MAX));
            *seen = if (holder, held) < (seen.1, seen.2) {
                (seen.0 + references, holder, held)
            } else {
                (seen.0 + references, seen.1, seen.2)
            };
        };
        let pairs: Pairs = (0..count)
            .into_par_iter()
            .step_by(STRIDE)
            .fold(Pairs::new, |mut pairs, start| {
                for node in start..(start + STRIDE).min(count) {
                    let mut successors = owners.graph.successors(node as u64);
                    if successors.is_empty() {
                        continue;
                    }
                    let holder = owners.ordinals[node].get();
                    let from = self.node(holder as usize);
                    while let Some(target) = owners.graph.next(&mut successors) {
                        let held = owners.ordinals[target as usize].get();
                        let to = self.node(held as usize);
                        let is_other = is_shared[to as usize] && to != from;
                        if is_other && owners.level(holder) == owners.level(held) {
                            merge(&mut pairs, (to, from), (1, holder, held));
                        }
                    }
                }
                pairs
            })
            .reduce(Pairs::new, |a, b| {
                let (mut all, few) = if a.len() >= b.len() { (a, b) } else { (b, a) };
                few.into_iter().for_each(|(key, value)| merge(&mut all, key, value));
                all
            });
        let retained = self.retained();
        let mut of_node: BTreeMap<u32, Vec<Told>> = BTreeMap::new();
        for ((node, holder), (references, from, to)) in pairs {
            of_node.entry(node).or_default().push((references, holder, (from, to)));
        }
        let is_told = self.told(retained, &of_node);
        of_node.retain(|node, _| is_told[*node as usize]);
        for holders in of_node.values_mut() {
            holders.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.2.cmp(&b.2)));
            holders.truncate(HOLDERS);
        }
        let examples = of_node.values().flatten().map(|(.., example)| *example).collect();
        let labels = self.example_labels(examples);
        let mut shares = Vec::new();
        for (node, holders) in of_node {
            for (references, holder, example) in holders {
                let edge = match labels.get(&example) {
                    None => shared,
                    Some(&label::LOCAL) => self.locals.get(&example).copied().unwrap_or(shared),
                    Some(&label::ELEMENT) => self.roles.element,
                    Some(label) => {
                        self.reference(example.0 as usize, usize::from(label - label::FIRST))
                    }
                };
                shares.push((node, holder, edge, references));
            }
        }
        shares
    }

    /// The shared nodes whose holders are told: those that are not small, and those through which
    /// much is held, however small they are.
    fn told(&self, mut retained: Vec<u64>, of_node: &BTreeMap<u32, Vec<Told>>) -> Vec<bool> {
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

    /// The labels of references between pairs of objects, which are looked up in the dump.
    fn example_labels(&self, examples: Vec<(u64, u64)>) -> HashMap<(u64, u64), u16> {
        let owners = self.owners;
        let ids = &owners.reading.ids;
        let mut wanted: HashMap<u64, Vec<(u64, u64)>> = HashMap::new();
        for (holder, held) in examples {
            if let (Some(from), Some(to)) = (ids.id(holder), ids.id(held)) {
                wanted.entry(from).or_default().push((to, held));
            }
        }
        let mut sorted: Vec<u64> = wanted.keys().copied().collect();
        sorted.sort_unstable();
        let is_wanted = |part: &&Part| {
            let next = sorted.partition_point(|id| *id < part.lowest);
            sorted.get(next).is_some_and(|id| *id <= part.highest)
        };
        // Class objects are not counted in the range of a part.
        let has_mirror = sorted.iter().any(|id| owners.classes.index_of(ObjectId(*id)).is_some());
        let parts: Vec<Part> = owners
            .dump
            .parts
            .iter()
            .filter(|part| has_mirror || is_wanted(part))
            .copied()
            .collect();
        let dump = Dump {
            bytes: owners.dump.bytes,
            parts: &parts,
            id_size: owners.dump.id_size,
            progress: owners.dump.progress,
        };
        let looking = || Looking {
            reading: owners.reading,
            cache: ClassCache::default(),
            wanted: &wanted,
            found: Vec::new(),
        };
        dump.walk(looking, |looking| looking.found).into_iter().flatten().collect()
    }

    /// Bytes that each node retains.
    fn retained(&self) -> Vec<u64> {
        let mut retained: Vec<u64> = self.nodes.iter().map(|node| node.shallow).collect();
        // A node is made after the one above it.
        for at in (1..self.nodes.len()).rev() {
            retained[self.nodes[at].parent as usize] += retained[at];
        }
        retained
    }

    /// Adds up by node what objects declare to take at most.
    fn add_bounds(&mut self) {
        let labels = self.labels;
        for (object, bound) in &labels.bounds.declared {
            let node = self.node(*object as usize) as usize;
            self.nodes[node].bounded += 1;
            self.nodes[node].bound += bound;
        }
        for object in &labels.bounds.scattered {
            let object = *object as usize;
            let node = self.node(object) as usize;
            // What collections are made of is not counted as an array.
            if self.nodes[node].class == self.roles.class_of_kind[self.kind(object)] << 1 {
                self.nodes[node].bounded = self.nodes[node].bounded.saturating_sub(1);
            }
        }
    }

    /// Numbers in fields whose names say a limit, by node and field; those in static fields first.
    fn limits(&mut self) -> Vec<Limit> {
        let owners = self.owners;
        let classes = owners.classes;
        let mut sums: BTreeMap<(u32, Name, Name), (u64, u64)> = BTreeMap::new();
        for index in (0..classes.classes.len() as u32).map(ClassIndex) {
            let class = classes.get(index);
            let name = self.roles.mirrored(classes, index, &mut self.names);
            if is_jdk(self.names.text(name)) {
                continue;
            }
            for field in &class.statics {
                let is_number = matches!(field.kind, FieldType::Int | FieldType::Long);
                let text = classes
                    .symbols
                    .text(field.name)
                    .filter(|text| is_number && is_limit(field.value) && limits::says_limit(text));
                if let Some(text) = text {
                    let field_name = self.names.of(&text);
                    // Of several classes of one name, in several loaders, the least counts.
                    let sum = sums.entry((0, name, field_name)).or_insert((1, field.value));
                    sum.1 = sum.1.min(field.value);
                }
            }
        }
        let labels = self.labels;
        for (class, limits) in &labels.bounds.limits {
            let fields = owners.reading.plans.limit_fields(*class);
            let names: Vec<Option<(Name, Name)>> = fields
                .iter()
                .map(|field| {
                    let class = classes.index_of(field.declared_in)?;
                    let class = self.roles.mirrored(classes, class, &mut self.names);
                    Some((class, self.names.of(&classes.symbols.text(field.name)?)))
                })
                .collect();
            for (object, field, value) in limits {
                if let Some((class, field)) = names[*field as usize] {
                    let key = (self.node(*object as usize), class, field);
                    let sum = sums.entry(key).or_default();
                    *sum = (sum.0 + 1, sum.1 + value);
                }
            }
        }
        let limit =
            |((node, class, field), (objects, value))| Limit { node, class, field, objects, value };
        sums.into_iter().map(limit).collect()
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
    fn finish(self, shares: Vec<(u32, u32, EdgeId, u64)>, limits: Vec<Limit>) -> OwnerTree {
        let retained = self.retained();
        let mut children: Vec<Vec<u32>> = vec![Vec::new(); self.nodes.len()];
        for at in 1..self.nodes.len() {
            children[self.nodes[at].parent as usize].push(at as u32);
        }
        let unit = self.owners.reading.plans.unit;
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
        tree.pruned(LEAST)
    }
}

/// Looks up by which references some objects are held by some others.
struct Looking<'a, C: Cell> {
    reading: &'a Reading<'a, C>,
    cache: ClassCache,
    /// Ids and ordinals of what is looked for, by the id of what refers to it.
    wanted: &'a HashMap<u64, Vec<(u64, u64)>>,
    found: Vec<((u64, u64), u16)>,
}

impl<C: Cell> Sink for Looking<'_, C> {
    #[inline(always)]
    fn record(&mut self, record: &HeapRecord<'_>, offset: u64) {
        let (id, is_array) = match record {
            HeapRecord::Instance(instance) => (instance.id, false),
            HeapRecord::ObjectArray(array) => (array.id, true),
            HeapRecord::Class(class) => (class.id, false),
            _ => return,
        };
        let Some(wanted) = self.wanted.get(&id.0) else { return };
        let found = self.reading.object(record, offset, &mut self.cache);
        let Some((object, ordinal)) = found else { return };
        let mut left: Vec<(u64, u64)> = wanted.clone();
        let mut nth = 0u16;
        self.reading.plans.references(&object, |id| {
            if let Some(at) = left.iter().position(|(to, _)| *to == id) {
                let (_, held) = left.swap_remove(at);
                let label = match nth {
                    0 => label::FIRST,
                    _ if is_array => label::ELEMENT,
                    nth => label::FIRST.saturating_add(nth).min(label::MOST),
                };
                self.found.push(((ordinal, held), label));
            }
            nth = nth.saturating_add(1);
        });
        for (_, held) in left {
            // What is not referred to by a field is on the stack.
            self.found.push(((ordinal, held), label::LOCAL));
        }
    }

    no_streams!();
}

/// The name of a thread as it is the same for all threads of a pool and in every run.
fn without_numbers(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        if !c.is_ascii_digit() {
            out.push(c);
        } else if !out.ends_with('#') {
            out.push('#');
        }
    }
    out
}

/// The name of a root kind.
fn root_name(kind: u8) -> &'static str {
    if kind == 0 { "system class" } else { sub::name(kind) }
}

/// `Class.method` of a frame that reads `Class.method(Source:line)`.
fn method_of(frame: &str) -> String {
    let text = frame.split('(').next().unwrap_or(frame);
    match text.rsplit_once('.') {
        Some((class, method)) => {
            format!("{}.{method}", names::stable_name(&names::source_name(class)))
        }
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_of_a_pool_have_one_name() {
        assert_eq!(without_numbers("pool-12-thread-3"), "pool-#-thread-#");
        assert_eq!(without_numbers("main"), "main");
    }

    #[test]
    fn frames_are_named_by_class_and_method() {
        assert_eq!(method_of("java.lang.Object.wait(native method)"), "java.lang.Object.wait");
        assert_eq!(
            method_of("a.B$$Lambda/0x0000000800c03000.run(unknown source)"),
            "a.B$$Lambda.run"
        );
    }
}
