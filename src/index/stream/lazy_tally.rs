//! The tally of a dump whose first classes tell what to watch.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::index::tally::{Sink, Tally};
use crate::index::watch::Watch;
use crate::parser::classes::{ClassRecord, Symbols};
use crate::parser::heap::{HeapRecord, LargeArray, Root};
use crate::parser::ids::{ObjectId, StringId};

/// A tally that starts with the first object: the classes before it tell what to watch.
pub(super) struct LazyTally {
    loads: HashMap<ObjectId, StringId>,
    symbols: Symbols,
    id_size: usize,
    early: Vec<ClassRecord>,
    early_roots: Vec<Root>,
    tally: Option<Tally>,
    pub closed: bool,
    /// Offset behind the last segment.
    pub last_end: u64,
}

impl LazyTally {
    pub fn new(loads: HashMap<ObjectId, StringId>, symbols: Symbols, id_size: usize) -> Self {
        Self {
            loads,
            symbols,
            id_size,
            early: Vec::new(),
            early_roots: Vec::new(),
            tally: None,
            closed: false,
            last_end: 0,
        }
    }

    fn started(&mut self) -> &mut Tally {
        self.tally.get_or_insert_with(|| {
            let early = std::mem::take(&mut self.early);
            let watch = Watch::new(&early, &self.loads, &self.symbols, self.id_size);
            let mut tally = Tally::new(Arc::new(watch), self.id_size, true);
            early.into_iter().for_each(|class| tally.class(class));
            self.early_roots.drain(..).for_each(|root| tally.root(root));
            tally
        })
    }

    pub fn into_tally(mut self) -> Tally {
        self.started();
        self.tally.unwrap_or_else(|| Tally::new(Arc::default(), self.id_size, true))
    }
}

impl Sink for LazyTally {
    fn begin(&mut self) {
        if let Some(tally) = &mut self.tally {
            tally.begin();
        }
    }

    #[inline(always)]
    fn record(&mut self, record: &HeapRecord<'_>, offset: u64) {
        match (&mut self.tally, record) {
            (Some(tally), record) => tally.record(record, offset),
            (None, HeapRecord::Class(class)) => self.early.push(ClassRecord::new(class, offset)),
            (None, HeapRecord::Root(root)) => self.early_roots.push(*root),
            (None, record) => self.started().record(record, offset),
        }
    }

    fn elements(&mut self, class: ObjectId, elements: &[u8]) {
        self.started().elements(class, elements);
    }

    fn large_array(&mut self, array: &LargeArray, offset: u64) {
        self.started().large_array(array, offset);
    }
}
