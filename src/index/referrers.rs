//! Who refers to an object, and the way from a root to it. References are not in the index: the dump
//! is walked for them.
//!
//! Each step back on a way would cost a walk. Dominators are in the index, and every way leads
//! through all of them, so the ways from each dominator to the next are searched in the same walks:
//! one is mostly enough.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use rayon::prelude::*;

use super::heap::{Classes, Heap};
use super::mapped;
use super::scan::{Part, Progress};
use super::store::{Form, HeapIndex, Level, StoredClass, StoredRoot};
use super::tally::Sink;
use crate::parser::bytes::id_of_size;
use crate::parser::heap::{HeapRecord, LargeArray};
use crate::parser::ids::ObjectId;
use crate::parser::tags::{FieldType, sub};

/// References to one object that are kept; all are counted.
pub const KEPT: usize = 1000;
/// Objects from which a way is searched at once.
const FRONTIER: usize = 10_000;
/// Walks over the dump at most.
const WALKS: usize = 64;
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

/// A reference.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Reference {
    pub to: u64,
    pub from: u64,
    pub link: Link,
    /// False for the referents of `Reference` objects.
    pub retains: bool,
}

/// References to an object.
#[derive(Clone, Debug, Default)]
pub struct Referrers {
    /// The first [`KEPT`] in the dump and all that end a search, in order of the referring objects.
    pub references: Vec<Reference>,
    pub total: u64,
}

impl Referrers {
    fn add(&mut self, reference: Reference, ends: bool) {
        if self.references.len() < KEPT || (ends && self.references.len() < 2 * KEPT) {
            self.references.push(reference);
        }
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
#[derive(Clone, Debug, Default)]
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
    /// Offsets of references, and whether they retain.
    references: Box<[(u32, bool)]>,
}

impl Plan {
    fn of(classes: &Classes, class: &StoredClass, id_size: usize) -> Self {
        let references = classes
            .fields(class, id_size)
            .filter(|field| field.kind == FieldType::Object)
            .map(|field| {
                let is_weak = field.declared_in.name == "java.lang.ref.Reference"
                    && matches!(field.name, "referent" | "discovered");
                (field.offset as u32, !is_weak)
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

/// Collects the references in a stretch of the dump.
struct Collector<'a> {
    heap: &'a Heap<'a>,
    targets: &'a Targets,
    roots: &'a Roots,
    plans: HashMap<ObjectId, Arc<Plan>>,
    last: (ObjectId, Arc<Plan>),
    found: HashMap<u64, Referrers>,
}

impl Collector<'_> {
    #[inline(always)]
    fn reference(&mut self, from: ObjectId, id: u64, link: Link, retains: bool) {
        if let Some(to) = self.targets.get(id) {
            self.add(from, to, link, retains);
        }
    }

    #[inline(never)]
    fn add(&mut self, from: ObjectId, to: u64, link: Link, retains: bool) {
        let Some(from) = self.heap.index.ordinal(from) else { return };
        let ends = self.targets.goals.contains(&from) || self.roots.of.contains_key(&from);
        let referrers = self.found.entry(to).or_default();
        referrers.total += 1;
        referrers.add(Reference { to, from, link, retains }, ends);
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
                self.reference(class.id, *value, Link::Static(nth as u32), true);
            }
        }
    }
}

impl Sink for Collector<'_> {
    fn begin(&mut self) {}

    #[inline(always)]
    fn record(&mut self, record: &HeapRecord<'_>, _: u64) {
        let id_size = self.heap.id_size;
        match record {
            HeapRecord::Instance(instance) => {
                let plan = self.plan(instance.class);
                for (offset, retains) in &plan.references {
                    let id = id_of_size(instance.values, *offset as usize, id_size).unwrap_or(0);
                    self.reference(instance.id, id, Link::Field(*offset), *retains);
                }
                if self.targets.classes {
                    self.reference(instance.id, instance.class.0, Link::Class, true);
                }
            }
            HeapRecord::ObjectArray(array) => {
                for (nth, id) in array.elements.chunks_exact(id_size).enumerate() {
                    let id = id_of_size(id, 0, id_size).unwrap_or(0);
                    self.reference(array.id, id, Link::Element(nth as u32), true);
                }
                if self.targets.classes {
                    self.reference(array.id, array.class.0, Link::Class, true);
                }
            }
            HeapRecord::Class(record) => {
                if let Some(class) = self.heap.classes.by_id(record.id) {
                    self.class(class);
                }
                self.reference(record.id, record.superclass.0, Link::Superclass, true);
                self.reference(record.id, record.loader.0, Link::Loader, true);
                self.reference(record.id, record.signers.0, Link::Signers, true);
                let domain = record.protection_domain.0;
                self.reference(record.id, domain, Link::ProtectionDomain, true);
            }
            HeapRecord::PrimitiveArray(_) | HeapRecord::Root(_) | HeapRecord::HeapInfo { .. } => {}
        }
    }

    fn elements(&mut self, _: ObjectId, _: &[u8]) {}

    fn large_array(&mut self, _: &LargeArray, _: u64) {}
}

/// Walks the dump for references to the targets.
fn collect(
    heap: &Heap<'_>,
    targets: &Targets,
    roots: &Roots,
    progress: &dyn Progress,
) -> HashMap<u64, Referrers> {
    let stretches = heap.stretches();
    let parts: Vec<HashMap<u64, Referrers>> = stretches
        .par_iter()
        .map(|(start, end)| {
            let mut collector = Collector {
                heap,
                targets,
                roots,
                plans: HashMap::new(),
                last: (ObjectId::NULL, Arc::default()),
                found: HashMap::new(),
            };
            let (start, end) = (*start as u64, *end as u64);
            let part = Part { start, end, lowest: 0, highest: u64::MAX, has_headers: false };
            mapped::revisit(heap.bytes(), part, heap.size(), &mut collector);
            progress.advance(end - start);
            collector.found
        })
        .collect();
    let mut all: HashMap<u64, Referrers> = HashMap::new();
    for part in parts {
        for (target, referrers) in part {
            let sum = all.entry(target).or_default();
            sum.total += referrers.total;
            for reference in referrers.references {
                let from = reference.from;
                sum.add(reference, targets.goals.contains(&from) || roots.of.contains_key(&from));
            }
        }
    }
    for referrers in all.values_mut() {
        referrers.references.sort_unstable();
    }
    all
}

/// The roots of a dump: for each object the one that tells most.
pub struct Roots {
    pub of: HashMap<u64, StoredRoot>,
    /// Thread objects, by the serial number of the thread.
    pub threads: HashMap<u32, u64>,
}

impl Roots {
    pub fn of(index: &HeapIndex) -> Self {
        let mut of: HashMap<u64, StoredRoot> = HashMap::new();
        let mut threads = HashMap::new();
        for root in index.roots() {
            if root.kind == sub::ROOT_THREAD_OBJECT {
                threads.insert(root.thread, root.object);
            }
            let best = of.entry(root.object).or_insert(root);
            if telling(root.kind) < telling(best.kind) {
                *best = root;
            }
        }
        Self { of, threads }
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
                let leads = reference.retains || (self.from.is_none() && level != Level::Strong);
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
pub fn trace(heap: &Heap<'_>, object: u64, roots: &Roots, progress: &dyn Progress) -> Trace {
    let index = heap.index;
    let mut trace = Trace::default();
    let mut referrers = None;
    let mut walks = 0;
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
        while walks < WALKS {
            let mut wanted: HashSet<u64> = legs
                .iter()
                .filter(|leg| leg.start.is_none())
                .flat_map(|leg| leg.frontier.iter().copied())
                .collect();
            if referrers.is_none() {
                wanted.insert(object);
            }
            if wanted.is_empty() {
                break;
            }
            let wanted: Vec<u64> = wanted.into_iter().collect();
            let goals = legs.iter().filter_map(|leg| leg.from).collect();
            let targets = Targets::new(index, &wanted, goals, roots);
            let all = collect(heap, &targets, roots, progress);
            walks += 1;
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
