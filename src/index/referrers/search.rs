//! Finds the objects that refer to some objects: by the index, or by a walk over the dump where the
//! index does not know, or where reading them one by one would take longer.

use hashbrown::{HashMap, HashSet};
use rayon::prelude::*;

use super::collector::{Collector, Found, Targets};
use super::{REFERENCE, Referrers, Roots};
use crate::index::heap::Heap;
use crate::index::mapped;
use crate::index::scan::{Part, Progress};
use crate::index::store::{Form, Kind};
use crate::index::tally::Sink;

/// Referring objects that are read one by one; where they are more, a walk is as quick.
const READ: usize = 100_000;

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
    pub(super) fn referrers(
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
