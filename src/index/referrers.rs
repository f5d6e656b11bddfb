//! Who refers to an object, and the way from a root to it.
//!
//! The index tells which objects refer to an object: of one that was peeled, it is its dominator, of
//! the others, those that the stored graph and the referents of reference objects name. They are read
//! from the dump for the fields. What the index does not know is found by a walk over the dump: who
//! refers to a root, and who refers to very many objects at once.
//!
//! Each step back on a way would cost such a search. Dominators are in the index, and every way leads
//! through all of them, so the ways from each dominator to the next are searched at once: one search
//! is mostly enough.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use rayon::prelude::*;

use super::build::is_of_frame;
use super::heap::{Classes, Heap};
use super::mapped;
use super::scan::{Part, Progress};
use super::store::{Form, HeapIndex, Kind, Level, StoredClass, StoredRoot};
use super::tally::Sink;
use crate::parser::bytes::id_of_size;
use crate::parser::heap::HeapRecord;
use crate::parser::ids::ObjectId;
use crate::parser::tags::{FieldType, sub};

/// References to one object that are kept; all are counted.
pub const KEPT: usize = 1000;
/// Referring objects that are read one by one; where they are more, a walk is as quick.
const READ: usize = 100_000;
/// The class of reference objects.
const REFERENCE: &str = "java.lang.ref.Reference";
/// Objects from which a way is searched at once.
const FRONTIER: usize = 10_000;
/// Searches for referrers at most.
const SEARCHES: usize = 64;
/// Dominators at each end of a way that are looked at; a list has millions of them.
const ENDS: usize = 16;
/// Dominators that are climbed over at most.
const CLIMB: u64 = 100_000_000;

/// How an object refers to another one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Link {
    /// By the field at this place in the values of an instance.
    Field(u32),
    Element(u32),
    /// By the static field of this number.
    Static(u32),
    Superclass,
    Loader,
    Signers,
    ProtectionDomain,
    /// As what it is an instance of.
    Class,
}

/// What a reference does for its object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Strength {
    Retains,
    /// `Reference.referent`: the object is at least as reachable as that says.
    Referent,
    /// `Reference.discovered`, by which the garbage collector lists reference objects.
    Discovered,
}

/// A reference.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Reference {
    pub to: u64,
    pub from: u64,
    pub link: Link,
    pub strength: Strength,
}

/// References to an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Referrers {
    /// Those of the [`KEPT`] lowest referring objects and of the [`KEPT`] lowest that end a search, in
    /// order.
    pub references: Vec<Reference>,
    pub total: u64,
}

/// References to an object that are being collected.
#[derive(Default)]
struct Found {
    lowest: Vec<Reference>,
    /// Those that end a search.
    ends: Vec<Reference>,
    total: u64,
}

impl Found {
    fn add(&mut self, reference: Reference, ends: bool) {
        self.total += 1;
        self.lowest.push(reference);
        Self::prune(&mut self.lowest);
        if ends {
            self.ends.push(reference);
            Self::prune(&mut self.ends);
        }
    }

    fn prune(references: &mut Vec<Reference>) {
        if references.len() >= 2 * KEPT {
            references.sort_unstable();
            references.truncate(KEPT);
        }
    }

    fn merge(&mut self, other: Self) {
        self.total += other.total;
        for (all, more) in [(&mut self.lowest, other.lowest), (&mut self.ends, other.ends)] {
            all.extend(more);
            Self::prune(all);
        }
    }

    fn finish(self) -> Referrers {
        let Self { mut lowest, mut ends, total } = self;
        for references in [&mut lowest, &mut ends] {
            references.sort_unstable();
            references.truncate(KEPT);
        }
        lowest.extend(ends);
        lowest.sort_unstable();
        lowest.dedup();
        Referrers { references: lowest, total }
    }
}

/// An object on the way from a root, or a stretch of the way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// An object, and how the one before refers to it.
    Object(u64, Option<Link>),
    /// So many dominators that are not shown.
    Skipped(u64),
    /// The way between the neighbours was not found.
    NotFound,
}

/// What leads to an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    pub referrers: Referrers,
    /// The root that holds the first object of [`Self::steps`].
    pub root: Option<StoredRoot>,
    /// From the root to the object.
    pub steps: Vec<Step>,
}

/// How the instances of a class refer.
#[derive(Debug, Default)]
struct Plan {
    /// Offsets of references, and what they do.
    references: Box<[(u32, Strength)]>,
}

impl Plan {
    fn of(classes: &Classes, class: &StoredClass, id_size: usize) -> Self {
        let references = classes
            .fields(class, id_size)
            .filter(|field| field.kind == FieldType::Object)
            .map(|field| {
                let strength = match (field.declared_in.name.as_str(), field.name) {
                    (REFERENCE, "referent") => Strength::Referent,
                    (REFERENCE, "discovered") => Strength::Discovered,
                    _ => Strength::Retains,
                };
                (field.offset as u32, strength)
            })
            .collect();
        Self { references }
    }
}

/// The objects that references are looked for to.
struct Targets {
    /// By id.
    ordinals: HashMap<u64, u64>,
    low: u64,
    high: u64,
    /// One bit for each hash of a target: most references are to something else.
    filter: Box<[u64]>,
    /// Objects at which searches end, when they refer to a target.
    goals: HashSet<u64>,
    /// Some targets are class objects whose instances keep them alive.
    classes: bool,
}

impl Targets {
    const FILTER_BITS: u64 = 1 << 18;

    fn new(index: &HeapIndex, targets: &[u64], goals: HashSet<u64>, roots: &Roots) -> Self {
        let mut found = Self {
            ordinals: HashMap::with_capacity(targets.len()),
            low: u64::MAX,
            high: 0,
            filter: vec![0; (Self::FILTER_BITS / 64) as usize].into(),
            goals,
            classes: false,
        };
        for target in targets {
            let id = index.id(*target).0;
            found.ordinals.insert(id, *target);
            (found.low, found.high) = (found.low.min(id), found.high.max(id));
            let bit = Self::bit(id);
            found.filter[(bit / 64) as usize] |= 1 << (bit % 64);
            let is_class = index.kind(*target).is_some_and(|(_, kind)| kind.form == Form::Mirror);
            found.classes |= is_class && !roots.of.contains_key(target);
        }
        found
    }

    fn bit(id: u64) -> u64 {
        (id >> 3).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 46
    }

    #[inline(always)]
    fn get(&self, id: u64) -> Option<u64> {
        if id < self.low || id > self.high {
            return None;
        }
        let bit = Self::bit(id);
        if self.filter[(bit / 64) as usize] >> (bit % 64) & 1 == 0 {
            return None;
        }
        self.ordinals.get(&id).copied()
    }
}

/// Collects the references in a stretch of the dump, or of some objects.
struct Collector<'a> {
    heap: &'a Heap<'a>,
    targets: &'a Targets,
    roots: &'a Roots,
    plans: HashMap<ObjectId, Arc<Plan>>,
    last: (ObjectId, Arc<Plan>),
    found: HashMap<u64, Found>,
}

impl<'a> Collector<'a> {
    fn new(tracer: &Tracer<'a>, targets: &'a Targets) -> Self {
        Self {
            heap: tracer.heap,
            targets,
            roots: tracer.roots,
            plans: HashMap::new(),
            last: (ObjectId::NULL, Arc::default()),
            found: HashMap::new(),
        }
    }

    #[inline(always)]
    fn reference(&mut self, from: ObjectId, id: u64, link: Link, strength: Strength) {
        if let Some(to) = self.targets.get(id) {
            self.add(from, to, link, strength);
        }
    }

    #[inline(never)]
    fn add(&mut self, from: ObjectId, to: u64, link: Link, strength: Strength) {
        let Some(from) = self.heap.index.ordinal(from) else { return };
        let ends = self.targets.goals.contains(&from) || self.roots.of.contains_key(&from);
        self.found.entry(to).or_default().add(Reference { to, from, link, strength }, ends);
    }

    fn plan(&mut self, class: ObjectId) -> Arc<Plan> {
        if self.last.0 != class {
            let heap = self.heap;
            let plan = self.plans.entry(class).or_insert_with(|| {
                let class = heap.classes.by_id(class);
                Arc::new(class.map_or_else(Plan::default, |class| {
                    Plan::of(heap.classes, class, heap.id_size)
                }))
            });
            self.last = (class, plan.clone());
        }
        self.last.1.clone()
    }

    fn class(&mut self, class: &StoredClass) {
        for (nth, (_, kind, value)) in class.statics.iter().enumerate() {
            if *kind == FieldType::Object as u8 {
                self.reference(class.id, *value, Link::Static(nth as u32), Strength::Retains);
            }
        }
    }
}

impl Sink for Collector<'_> {
    #[inline(always)]
    fn record(&mut self, record: &HeapRecord<'_>, _: u64) {
        let id_size = self.heap.id_size;
        match record {
            HeapRecord::Instance(instance) => {
                let plan = self.plan(instance.class);
                for (offset, strength) in &plan.references {
                    let id = id_of_size(instance.values, *offset as usize, id_size).unwrap_or(0);
                    self.reference(instance.id, id, Link::Field(*offset), *strength);
                }
                if self.targets.classes {
                    self.reference(instance.id, instance.class.0, Link::Class, Strength::Retains);
                }
            }
            HeapRecord::ObjectArray(array) => {
                for (nth, id) in array.elements.chunks_exact(id_size).enumerate() {
                    let id = id_of_size(id, 0, id_size).unwrap_or(0);
                    self.reference(array.id, id, Link::Element(nth as u32), Strength::Retains);
                }
                if self.targets.classes {
                    self.reference(array.id, array.class.0, Link::Class, Strength::Retains);
                }
            }
            HeapRecord::Class(record) => {
                if let Some(class) = self.heap.classes.by_id(record.id) {
                    self.class(class);
                }
                self.reference(record.id, record.superclass.0, Link::Superclass, Strength::Retains);
                self.reference(record.id, record.loader.0, Link::Loader, Strength::Retains);
                self.reference(record.id, record.signers.0, Link::Signers, Strength::Retains);
                let domain = record.protection_domain.0;
                self.reference(record.id, domain, Link::ProtectionDomain, Strength::Retains);
            }
            HeapRecord::PrimitiveArray(_) | HeapRecord::Root(_) | HeapRecord::HeapInfo { .. } => {}
        }
    }
}

/// Where references are looked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lookup {
    /// In the index, and in the dump where the index does not know.
    Index,
    /// In the dump, all of it.
    Dump,
}

/// What references are looked for with.
pub struct Tracer<'a> {
    pub heap: &'a Heap<'a>,
    pub roots: &'a Roots,
    pub progress: &'a dyn Progress,
    pub lookup: Lookup,
    /// Is told before a walk over the dump.
    pub walking: &'a (dyn Fn() + Sync),
}

impl Tracer<'_> {
    /// Finds the references to some objects; all of those to the object that was asked for, where it
    /// is among them.
    fn referrers(
        &self,
        objects: &[u64],
        goals: HashSet<u64>,
        asked: Option<u64>,
    ) -> HashMap<u64, Referrers> {
        let targets = Targets::new(self.heap.index, objects, goals, self.roots);
        let referring = match self.lookup {
            Lookup::Index => self.referring(objects, asked),
            Lookup::Dump => None,
        };
        let parts = match referring {
            Some(referring) => self.read(&referring, &targets),
            None => self.walk(&targets),
        };
        let mut all: HashMap<u64, Found> = HashMap::new();
        for (target, found) in parts.into_iter().flatten() {
            all.entry(target).or_default().merge(found);
        }
        all.into_iter().map(|(target, found)| (target, found.finish())).collect()
    }

    /// The objects that refer to some objects, in order, and perhaps others; `None` where the index
    /// does not know them, or where they are too many.
    fn referring(&self, objects: &[u64], asked: Option<u64>) -> Option<Vec<u64>> {
        let index = self.heap.index;
        // References to roots are not in the graph, as they change no dominators.
        if objects.iter().any(|object| self.roots.without_referrers.contains(object)) {
            return None;
        }
        // An object that refers to itself is no referrer in the graph.
        let mut referring = objects.to_vec();
        let (nodes, peeled): (Vec<u64>, Vec<u64>) =
            objects.iter().partition(|object| index.is_node(**object));
        // Nothing else refers to what was peeled.
        referring.extend(peeled.iter().filter_map(|object| index.dominator(*object)));
        referring.extend(index.referring_nodes(&nodes, READ)?);
        let nodes: HashSet<u64> = nodes.into_iter().collect();
        let referents = index.referents().filter(|(_, referent)| nodes.contains(referent));
        referring.extend(referents.map(|(source, _)| source));
        let is_reference = |object: &u64| {
            let kind = index.kind(*object).map(|(_, kind)| kind);
            kind.is_some_and(|kind| self.is_reference(kind))
        };
        if asked.is_some_and(|object| is_reference(&object)) {
            referring.extend(self.reference_objects()?);
        }
        referring.sort_unstable();
        referring.dedup();
        (referring.len() <= READ).then_some(referring)
    }

    fn is_reference(&self, kind: Kind) -> bool {
        let class = kind.class.and_then(|class| self.heap.classes.all.get(class.0 as usize));
        kind.form == Form::Instance
            && class.is_some_and(|class| self.heap.classes.is_a(class, REFERENCE))
    }

    /// All reference objects, any of which may have another one as the next in a list of the garbage
    /// collector; `None` where they are too many.
    fn reference_objects(&self) -> Option<Vec<u64>> {
        let index = self.heap.index;
        let kinds: Vec<bool> = index.kinds().map(|(kind, ..)| self.is_reference(*kind)).collect();
        let is_one =
            |object: &u64| index.kind(*object).is_some_and(|(number, _)| kinds[number as usize]);
        let objects: Vec<u64> = (0..index.objects()).into_par_iter().filter(is_one).collect();
        (objects.len() <= READ).then_some(objects)
    }

    /// Reads objects from the dump for references to the targets.
    fn read(&self, objects: &[u64], targets: &Targets) -> Vec<HashMap<u64, Found>> {
        /// Objects that a thread takes at a time.
        const STRIDE: usize = 256;
        let stride = |objects: &[u64]| {
            let mut collector = Collector::new(self, targets);
            for record in objects.iter().filter_map(|object| self.heap.record(*object)) {
                collector.record(&record, 0);
            }
            collector.found
        };
        objects.par_chunks(STRIDE).map(stride).collect()
    }

    /// Walks the dump for references to the targets.
    fn walk(&self, targets: &Targets) -> Vec<HashMap<u64, Found>> {
        (self.walking)();
        let heap = self.heap;
        let stretch = |(start, end): &(usize, usize)| {
            let mut collector = Collector::new(self, targets);
            let (start, end) = (*start as u64, *end as u64);
            let part = Part { start, end, lowest: 0, highest: u64::MAX, has_headers: false };
            mapped::revisit(heap.bytes(), part, heap.size(), &mut collector);
            self.progress.advance(end - start);
            collector.found
        };
        heap.stretches().par_iter().map(stretch).collect()
    }
}

/// The roots of a dump: for each object the one that tells most.
pub struct Roots {
    pub of: HashMap<u64, StoredRoot>,
    /// Roots of the graph, to which it has no references: all but what only frames of threads hold.
    without_referrers: HashSet<u64>,
    /// Thread objects, by the serial number of the thread.
    pub threads: HashMap<u32, u64>,
}

impl Roots {
    pub fn of(index: &HeapIndex) -> Self {
        let mut of: HashMap<u64, StoredRoot> = HashMap::new();
        let is_thread = |root: &StoredRoot| root.kind == sub::ROOT_THREAD_OBJECT;
        let threads: HashMap<u32, u64> =
            index.roots().filter(is_thread).map(|root| (root.thread, root.object)).collect();
        let mut without_referrers = HashSet::new();
        for root in index.roots() {
            if !is_of_frame(root.kind) || !threads.contains_key(&root.thread) {
                without_referrers.insert(root.object);
            }
            let best = of.entry(root.object).or_insert(root);
            if telling(root.kind) < telling(best.kind) {
                *best = root;
            }
        }
        Self { of, without_referrers, threads }
    }
}

/// Kinds of roots in the order of what they tell.
fn telling(kind: u8) -> usize {
    const ORDER: [u8; 9] = [
        sub::ROOT_THREAD_OBJECT,
        sub::ROOT_JAVA_FRAME,
        sub::ROOT_JNI_LOCAL,
        sub::ROOT_NATIVE_STACK,
        sub::ROOT_THREAD_BLOCK,
        sub::ROOT_MONITOR_USED,
        sub::ROOT_JNI_GLOBAL,
        sub::ROOT_STICKY_CLASS,
        0,
    ];
    ORDER.iter().position(|known| *known == kind).unwrap_or(ORDER.len())
}

/// The search for the way to an object from its dominator, or from a root.
struct Leg {
    to: u64,
    /// `None` for any root, or any object of an earlier level.
    from: Option<u64>,
    /// Objects that were met, with the next one on the way to [`Self::to`].
    next: HashMap<u64, (u64, Link)>,
    frontier: Vec<u64>,
    /// Where the way begins, once that is found.
    start: Option<u64>,
}

impl Leg {
    fn new(to: u64, from: Option<u64>) -> Self {
        Self { to, from, next: HashMap::new(), frontier: vec![to], start: None }
    }

    /// Goes one reference back.
    fn advance(&mut self, index: &HeapIndex, roots: &Roots, all: &HashMap<u64, Referrers>) {
        let level = index.level(self.to);
        let mut met = Vec::new();
        for target in std::mem::take(&mut self.frontier) {
            for reference in all.get(&target).into_iter().flat_map(|all| &all.references) {
                let from = reference.from;
                let theirs = index.level(from);
                // A referent leads to levels behind the strong one only.
                let leads = match reference.strength {
                    Strength::Retains => true,
                    Strength::Referent => self.from.is_none() && level != Level::Strong,
                    Strength::Discovered => false,
                };
                let is_known = from == self.to || self.next.contains_key(&from);
                // What the object itself dominates is on no shortest way to it.
                if !leads || theirs > level || is_known || index.dominator(from) == Some(self.to) {
                    continue;
                }
                self.next.insert(from, (target, reference.link));
                met.push(from);
            }
        }
        met.sort_unstable();
        let ends = |from: &u64| {
            self.from == Some(*from)
                || roots.of.contains_key(from)
                || (self.from.is_none() && index.level(*from) < level)
        };
        self.start = met.iter().copied().find(ends);
        if self.start.is_none() {
            met.truncate(FRONTIER);
            self.frontier = met;
        }
    }

    /// The steps behind the start.
    fn steps(&self) -> Vec<Step> {
        let Some(start) = self.start else {
            return vec![Step::NotFound, Step::Object(self.to, None)];
        };
        let mut steps = Vec::new();
        let mut at = start;
        while at != self.to {
            let Some((next, link)) = self.next.get(&at) else { break };
            steps.push(Step::Object(*next, Some(*link)));
            at = *next;
        }
        steps
    }
}

/// The dominators of an object up to the first that is a root itself: those near the object, how
/// many are left out, those near the root. Nearest first, the object included.
fn dominators(index: &HeapIndex, object: u64, roots: &Roots) -> (Vec<u64>, u64, Vec<u64>) {
    let mut near = vec![object];
    let mut far: std::collections::VecDeque<u64> = std::collections::VecDeque::new();
    let mut skipped = 0;
    let mut at = object;
    for _ in 0..CLIMB {
        if roots.of.contains_key(&at) {
            break;
        }
        let Some(above) = index.dominator(at) else { break };
        at = above;
        if near.len() < ENDS {
            near.push(at);
            continue;
        }
        far.push_back(at);
        if far.len() > ENDS {
            far.pop_front();
            skipped += 1;
        }
    }
    (near, skipped, far.into())
}

/// Finds who refers to an object, and a shortest way from a root to it.
pub fn trace(tracer: &Tracer<'_>, object: u64) -> Trace {
    let (index, roots) = (tracer.heap.index, tracer.roots);
    let mut trace = Trace::default();
    let mut referrers = None;
    let mut searches = 0;
    let mut target = object;
    // From the object up: steps are collected in that order and turned round in the end.
    let mut steps: Vec<Step> = Vec::new();
    // The way was not found up to a root: its last object is in the steps already.
    let mut is_cut = false;
    // Each round ends at a root, or at an object of an earlier level, of which there are few.
    for _ in 0..Level::COUNT {
        let (near, skipped, far) = dominators(index, target, roots);
        let mut legs = Vec::new();
        for chain in [&near, &far] {
            legs.extend(chain.windows(2).map(|pair| Leg::new(pair[0], Some(pair[1]))));
        }
        let before_gap = near.len() - 1;
        if skipped == 0 {
            if let (Some(last), Some(first)) = (near.last(), far.first()) {
                legs.insert(before_gap, Leg::new(*last, Some(*first)));
            }
        }
        let top = far.last().or(near.last()).copied().unwrap_or(target);
        let is_held = index.level(target) != Level::Unreachable;
        if !roots.of.contains_key(&top) && is_held {
            legs.push(Leg::new(top, None));
        }
        while searches < SEARCHES {
            let mut wanted: HashSet<u64> = legs
                .iter()
                .filter(|leg| leg.start.is_none())
                .flat_map(|leg| leg.frontier.iter().copied())
                .collect();
            let asked = referrers.is_none().then_some(object);
            wanted.extend(asked);
            if wanted.is_empty() {
                break;
            }
            let wanted: Vec<u64> = wanted.into_iter().collect();
            let goals = legs.iter().filter_map(|leg| leg.from).collect();
            let all = tracer.referrers(&wanted, goals, asked);
            searches += 1;
            if referrers.is_none() {
                referrers = Some(all.get(&object).cloned().unwrap_or_default());
            }
            for leg in legs.iter_mut().filter(|leg| leg.start.is_none()) {
                leg.advance(index, roots, &all);
            }
        }
        let mut start = target;
        for (nth, leg) in legs.iter().enumerate() {
            if nth == before_gap && skipped > 0 {
                if let Some(last) = near.last() {
                    steps.push(Step::Object(*last, None));
                }
                steps.push(Step::Skipped(skipped));
            }
            let mut of_leg = leg.steps();
            of_leg.reverse();
            steps.extend(of_leg);
            start = leg.start.or(leg.from).unwrap_or(leg.to);
            // A root in the middle: what dominates it need not be shown.
            is_cut = leg.start.is_none() && leg.from.is_none();
            if leg.start.is_some() && roots.of.contains_key(&start) {
                break;
            }
        }
        trace.root = roots.of.get(&start).copied();
        target = start;
        if trace.root.is_some() || is_cut || !is_held {
            break;
        }
    }
    if !is_cut {
        steps.push(Step::Object(target, None));
    }
    steps.reverse();
    trace.steps = steps;
    trace.referrers = referrers.unwrap_or_default();
    trace
}

impl Heap<'_> {
    /// The name of a reference, as a field or an index.
    pub fn link_name(&self, from: u64, link: Link) -> String {
        let instance_class = || {
            let (_, kind) = self.index.kind(from)?;
            self.classes.all.get(kind.class?.0 as usize)
        };
        match link {
            Link::Field(offset) => {
                let name = instance_class().and_then(|class| {
                    let mut fields = self.classes.fields(class, self.id_size);
                    fields.find(|field| field.offset == offset as usize).map(|field| field.name)
                });
                format!(".{}", name.unwrap_or("?"))
            }
            Link::Element(nth) => format!("[{nth}]"),
            Link::Static(nth) => {
                let class = self.classes.by_id(self.index.id(from));
                let field = class.and_then(|class| class.statics.get(nth as usize));
                format!("static .{}", field.map_or("?", |(name, ..)| name.as_str()))
            }
            Link::Superclass => "<superclass>".to_owned(),
            Link::Loader => "<class loader>".to_owned(),
            Link::Signers => "<signers>".to_owned(),
            Link::ProtectionDomain => "<protection domain>".to_owned(),
            Link::Class => "<class>".to_owned(),
        }
    }
}
