//! Collects references from records of the dump: which of them lead to one of the targets.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use super::search::Tracer;
use super::{KEPT, Link, REFERENCE, Reference, Referrers, Roots, Strength};
use crate::index::heap::{Classes, Heap};
use crate::index::store::{Form, HeapIndex, StoredClass};
use crate::index::tally::Sink;
use crate::parser::bytes::id_of_size;
use crate::parser::heap::HeapRecord;
use crate::parser::ids::ObjectId;
use crate::parser::tags::FieldType;

/// References to an object that are being collected.
#[derive(Default)]
pub(super) struct Found {
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
            Self::keep_lowest(references);
        }
    }

    fn keep_lowest(references: &mut Vec<Reference>) {
        references.sort_unstable();
        references.truncate(KEPT);
    }

    pub fn merge(&mut self, other: Self) {
        self.total += other.total;
        for (all, more) in [(&mut self.lowest, other.lowest), (&mut self.ends, other.ends)] {
            all.extend(more);
            Self::prune(all);
        }
    }

    pub fn finish(self) -> Referrers {
        let Self { mut lowest, mut ends, total } = self;
        [&mut lowest, &mut ends].into_iter().for_each(Self::keep_lowest);
        lowest.extend(ends);
        lowest.sort_unstable();
        lowest.dedup();
        Referrers { references: lowest, total }
    }
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
pub(super) struct Targets {
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

    pub fn new(index: &HeapIndex, targets: &[u64], goals: HashSet<u64>, roots: &Roots) -> Self {
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
pub(super) struct Collector<'a> {
    heap: &'a Heap<'a>,
    targets: &'a Targets,
    roots: &'a Roots,
    plans: HashMap<ObjectId, Arc<Plan>>,
    last: (ObjectId, Arc<Plan>),
    pub found: HashMap<u64, Found>,
}

impl<'a> Collector<'a> {
    pub fn new(tracer: &Tracer<'a>, targets: &'a Targets) -> Self {
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
