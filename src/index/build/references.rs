//! The second walk over the dump: what each object is, and who refers to whom.
//!
//! The third walk, which writes down the graph, reads objects and their references in the same way.

use std::sync::atomic::{AtomicU64, Ordering};

use hashbrown::HashMap;
use rayon::prelude::*;

use super::bounds::{Bounds, LimitCounts};
use super::dump::Dump;
use super::keys::Keys;
use super::label::{self, Label};
use super::objects::{Objects, open, pred};
use super::plan::{ClassCache, Native, Object, OutsideMemory, Plans};
use crate::index::array::{Array, Cell};
use crate::index::census::OffHeap;
use crate::index::store::ids::Ids;
use crate::index::store::{BLOCK, Level};
use crate::index::tally::Sink;
use crate::parser::heap::HeapRecord;

/// What the second walk finds besides [`Objects`].
#[derive(Default)]
pub struct References {
    /// Reference object, referent and how it is held, in order of the reference objects.
    pub weak: Vec<(u64, u64, Level)>,
    /// Ordinals whose object does not follow the one of the ordinal before in the dump, and their
    /// offsets; in order of ordinals.
    pub runs: Vec<(u64, u64)>,
    /// References that do not lead to a root, one for each object and target.
    pub edges: u64,
    /// Those that lead to a root of one kind.
    pub to_roots: u64,
    /// Units that all objects take.
    pub units: u64,
    /// Memory outside of the heap.
    pub off_heap: OffHeap,
    /// The objects that stand for memory outside of the heap.
    pub outside: Vec<(u64, OutsideMemory)>,
    /// What objects say of how much they take at most.
    pub bounds: Bounds,
    /// Marks of the keys in maps.
    pub keys: Keys,
}

/// What an object refers to.
#[derive(Default)]
pub struct Targets {
    /// Objects that are no roots, with the first reference to each: see [`label::pack`].
    pub objects: Vec<u64>,
    /// Roots of one kind; the others stay whatever refers to them.
    pub roots: Vec<u64>,
}

impl Targets {
    /// Puts the objects in order, each once.
    #[inline(always)]
    fn tidy(&mut self) {
        if self.objects.len() > 1 {
            self.objects.sort_unstable();
            self.objects.dedup_by_key(|packed| label::object(*packed));
        }
    }
}

/// What the walks that read objects need.
pub struct Reading<'a, C: Cell> {
    pub ids: Ids<'a>,
    pub plans: &'a Plans<'a>,
    pub objects: &'a Objects<C>,
    /// See [`Found::again`](super::find_ids::Found::again).
    pub again: &'a HashMap<u64, u64>,
    /// What frames of a thread hold, by the thread.
    pub locals: &'a HashMap<u64, Vec<u64>>,
    /// Offsets of all objects are noted here, where the dump does not follow their order.
    pub offsets: Option<&'a Array<AtomicU64>>,
}

impl<C: Cell> Reading<'_, C> {
    /// Reads a record and tells its ordinal.
    #[inline(always)]
    pub(super) fn object<'d>(
        &self,
        record: &HeapRecord<'d>,
        offset: u64,
        cache: &mut ClassCache,
    ) -> Option<(Object<'d>, u64)> {
        let object = self.plans.object(record, cache)?;
        let ordinal = self.ids.ordinal(object.id.0)?;
        let is_again = !self.again.is_empty()
            && self.again.get(&object.id.0).is_some_and(|first| *first != offset);
        (!is_again).then_some((object, ordinal))
    }

    /// The objects that an object itself refers to, without itself, each once, in order.
    #[inline(always)]
    pub(super) fn targets(&self, object: &Object<'_>, ordinal: u64, targets: &mut Targets) {
        targets.objects.clear();
        targets.roots.clear();
        let is_array = object.is_array();
        let (mut last, mut next): (u64, Label) = (0, 0);
        self.plans.references(object, |id| {
            let nth = next;
            next = next.saturating_add(1);
            // Runs of one reference are common in arrays.
            if id == 0 || id == last {
                return;
            }
            last = id;
            if let Some(target) = self.ids.ordinal(id).filter(|target| *target != ordinal) {
                if !self.objects.is_root(target) {
                    let label = label::of_reference(nth, is_array);
                    targets.objects.push(label::pack(target, label));
                } else if self.objects.pred[target as usize].get() == pred::ROOT_OF_ONE_KIND {
                    targets.roots.push(target);
                }
            }
        });
        targets.tidy();
        if targets.roots.len() > 1 {
            targets.roots.sort_unstable();
            targets.roots.dedup();
        }
    }

    /// What the frames of a thread hold; of other objects, nothing.
    #[inline(always)]
    pub(super) fn locals(&self, ordinal: u64) -> &[u64] {
        if self.objects.is_root(ordinal) {
            self.locals.get(&ordinal).map_or(&[], Vec::as_slice)
        } else {
            &[]
        }
    }

    /// Adds what the frames of a thread hold, without roots.
    #[inline(always)]
    pub(super) fn add_locals(&self, ordinal: u64, targets: &mut Targets) {
        let locals = self.locals(ordinal);
        if locals.is_empty() {
            return;
        }
        let is_target = |local: &&u64| **local != ordinal && !self.objects.is_root(**local);
        let locals = locals.iter().filter(is_target);
        targets.objects.extend(locals.map(|local| label::pack(*local, label::LOCAL)));
        targets.tidy();
    }

    /// Walks the dump: fills [`Objects`] with what each object is and who alone refers to it.
    pub fn find_references(&self, dump: &Dump<'_>) -> References {
        let mut all = References::default();
        let limits = LimitCounts::new(self.plans.classes());
        let referring = || Referring {
            reading: self,
            limits: &limits,
            cache: ClassCache::default(),
            targets: Targets::default(),
            found: References::default(),
            previous: u64::MAX - 1,
            pending: Vec::with_capacity(PENDING),
        };
        let finish = |mut referring: Referring<'_, C>| {
            referring.flush();
            referring.found
        };
        for found in dump.walk(referring, finish) {
            all.weak.extend(found.weak);
            all.runs.extend(found.runs);
            all.edges += found.edges;
            all.to_roots += found.to_roots;
            all.units += found.units;
            all.off_heap.merge(found.off_heap);
            all.outside.extend(found.outside);
            all.bounds.add(found.bounds);
            all.keys.add(found.keys);
        }
        all.weak.par_sort_unstable();
        all.runs.par_sort_unstable();
        all.keys.entries.par_sort_unstable();
        all.bounds.settle(&limits);
        all
    }
}

struct Referring<'a, C: Cell> {
    reading: &'a Reading<'a, C>,
    limits: &'a LimitCounts,
    cache: ClassCache,
    targets: Targets,
    found: References,
    previous: u64,
    /// References that are not noted yet: the code of the source, the target and its label. Targets
    /// lie anywhere, and by the time that there are some more they are on their way to the cache.
    pending: Vec<(u64, u64)>,
}

/// References that are noted together.
const PENDING: usize = 128;

impl<C: Cell> Referring<'_, C> {
    /// Notes who refers to the targets.
    #[inline(always)]
    fn flush(&mut self) {
        let objects = self.reading.objects;
        for (code, packed) in self.pending.drain(..) {
            let target = label::object(packed);
            let cell = &objects.pred[target as usize];
            let seen = cell.get();
            // Two threads may find none at once: only one of them can say that it is the first.
            if seen == pred::NONE && cell.replace(pred::NONE, code) {
                objects.labels.set(target, label::label(packed));
            } else if seen != pred::MANY {
                cell.set(pred::MANY);
            }
        }
    }
}

impl<C: Cell> Sink for Referring<'_, C> {
    #[inline(always)]
    fn record(&mut self, record: &HeapRecord<'_>, offset: u64) {
        let reading = self.reading;
        let Some((object, ordinal)) = reading.object(record, offset, &mut self.cache) else {
            return;
        };
        let objects = reading.objects;
        let at = ordinal as usize;
        match reading.offsets {
            Some(offsets) => offsets[at].set(offset),
            None if ordinal != self.previous + 1 => self.found.runs.push((ordinal, offset)),
            None => {}
        }
        self.previous = ordinal;
        if ordinal % BLOCK == 0 {
            objects.anchors[at / BLOCK as usize].set(offset);
        }
        objects.kinds.set(at, object.kind);
        let units = object.size / reading.plans.unit;
        objects.set_units(at, units);
        self.found.units += units;
        if let Some((referent, level)) = reading.plans.referent(&object) {
            if let Some(referent) = reading.ids.ordinal(referent) {
                self.found.weak.push((ordinal, referent, level));
            }
        }
        if let Some((bytes, native)) = reading.plans.native(&object) {
            let sum = match native {
                Native::Direct => &mut self.found.off_heap.direct,
                Native::Mapped => &mut self.found.off_heap.mapped,
            };
            sum.blocks += 1;
            sum.bytes = sum.bytes.saturating_add(bytes);
        }
        if let Some(memory) = reading.plans.outside(&object) {
            self.found.outside.push((ordinal, memory));
        }
        self.found.bounds.note(reading.plans, &object, ordinal, self.limits);
        self.found.keys.note(reading.plans, &object, ordinal);
        reading.targets(&object, ordinal, &mut self.targets);
        if !self.targets.roots.is_empty() {
            self.found.to_roots += self.targets.roots.len() as u64;
            objects.note_root_referrer(ordinal);
        }
        reading.add_locals(ordinal, &mut self.targets);
        let targets = &self.targets.objects;
        let code = ordinal + pred::FIRST;
        for packed in targets {
            let target = label::object(*packed);
            objects.pred.prefetch(target as usize);
            objects.labels.prefetch(target);
            self.pending.push((code, *packed));
        }
        self.found.edges += targets.len() as u64;
        let count = targets.len().min(usize::from(open::KEEP)) as u8;
        let code = if count > open::MOST { open::KEEP } else { count };
        objects.open[at].store(code, Ordering::Relaxed);
        if self.pending.len() >= PENDING {
            self.flush();
        }
    }
}
