//! The walks over the dump: which ids there are, and who refers to whom.
//!
//! Each walk takes the parts of the dump in parallel and gives the same result in any order.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

use hashbrown::HashMap;
use rayon::prelude::*;

use super::bounds::{Bounds, LimitCounts};
use super::label::{self, Label, Labels};
use super::order::shared_bitmap;
use super::plan::{ClassCache, Native, Object, OutsideMemory, Plans};
use crate::index::array::{Access, Array, Budget, Cell};
use crate::index::census::OffHeap;
use crate::index::mapped;
use crate::index::scan::{Part, Progress};
use crate::index::store::Level;
use crate::index::store::ids::{Ids, OwnedIds};
use crate::index::tally::Sink;
use crate::parser::header::IdSize;
use crate::parser::heap::{HeapRecord, LargeArray, Root};
use crate::parser::ids::ObjectId;
use crate::source::map::{Expected, advise};

/// The mapped dump and where its heap records are.
pub struct Dump<'d> {
    pub bytes: &'d [u8],
    pub parts: &'d [Part],
    pub id_size: IdSize,
    pub progress: &'d dyn Progress,
}

impl Dump<'_> {
    /// Walks all parts; gives what `finish` makes of the parts' sinks, in order of the parts.
    pub(super) fn walk<S: Sink, R: Send>(
        &self,
        sink: impl Fn() -> S + Sync,
        finish: impl Fn(S) -> R + Sync,
    ) -> Vec<R> {
        self.parts
            .par_iter()
            .enumerate()
            .with_max_len(1)
            .map(|(nth, part)| {
                let next = self.parts.get(nth + 1);
                let bytes = |next: &Part| self.bytes.get(next.start as usize..next.end as usize);
                if let Some(bytes) = next.and_then(bytes) {
                    advise(bytes, Expected::Soon);
                }
                let mut sink = sink();
                mapped::revisit(self.bytes, *part, self.id_size, &mut sink);
                self.progress.advance(part.end - part.start);
                finish(sink)
            })
            .collect()
    }
}

/// Implements the methods of [`Sink`] that only streams call.
macro_rules! no_streams {
    () => {
        fn begin(&mut self) {}
        fn elements(&mut self, _: ObjectId, _: &[u8]) {}
        fn large_array(&mut self, _: &LargeArray, _: u64) {}
    };
}
pub(super) use no_streams;

/// What the first walk finds.
pub struct Found {
    pub ids: OwnedIds,
    /// All root records, in no particular order.
    pub roots: Vec<Root>,
    /// Objects that are described more than once, with the offset of the first description.
    pub again: HashMap<u64, u64>,
    /// Objects that have a lower address than the object before them in the dump.
    pub descents: u64,
}

/// Most bytes of a bitmap over the range of addresses. It is made of untouched pages where there
/// are no objects.
const LARGEST_BITMAP: u64 = 1 << 37;
/// Bytes of that bitmap per object from which on ids count as scattered.
const SCATTERED: u64 = 256;

/// Walks the dump for the ids of its objects, which lie in `lowest..=highest`; `objects` is about
/// how many there are.
///
/// # Errors
/// No memory.
pub fn find_ids(dump: &Dump<'_>, lowest: u64, highest: u64, objects: u64) -> io::Result<Found> {
    let base = lowest & !0xFFFF;
    let range = highest.saturating_sub(base) + 1;
    for shift in [3, 0] {
        let bytes = (range >> shift) / 8 + 64;
        if bytes > LARGEST_BITMAP || bytes / SCATTERED > objects.max(1 << 16) {
            break;
        }
        let words = usize::try_from(bytes / 8 + 1).map_err(io::Error::other)?;
        let bits = Array::<AtomicU64>::sparse(words)?;
        let marker = || Marker {
            bits: &bits,
            base,
            shift,
            word: 0,
            pending: 0,
            common: Common::default(),
            odd: false,
        };
        let parts = dump.walk(marker, |mut marker| {
            marker.flush();
            (!marker.odd).then_some(marker.common)
        });
        let Some(parts) = parts.into_iter().collect::<Option<Vec<_>>>() else {
            // Ids that are no multiples of eight: serial numbers, or a JVM of its own kind.
            continue;
        };
        let mut common = Common::default();
        for part in parts {
            common.merge(part);
        }
        let ids = OwnedIds::of_bitmap(base, shift, |at| bits[at].get(), words);
        return Ok(common.found(dump, ids));
    }
    let mut common = Common::default();
    let mut ids = Vec::new();
    let lister = || Lister { ids: Vec::new(), common: Common::default() };
    for lister in dump.walk(lister, |lister| lister) {
        ids.extend(lister.ids);
        common.merge(lister.common);
    }
    ids.par_sort_unstable();
    common.again.extend(ids.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]));
    ids.dedup();
    Ok(common.found(dump, OwnedIds::of_sorted(ids)))
}

/// What is found besides the ids.
#[derive(Default)]
struct Common {
    roots: Vec<Root>,
    again: Vec<u64>,
    descents: u64,
    previous: u64,
}

impl Common {
    /// The id of an object, or of nothing.
    #[inline(always)]
    fn id(&mut self, record: &HeapRecord<'_>) -> u64 {
        let id = match record {
            HeapRecord::Instance(instance) => instance.id.0,
            HeapRecord::ObjectArray(array) => array.id.0,
            HeapRecord::PrimitiveArray(array) => array.id.0,
            HeapRecord::Class(class) => class.id.0,
            HeapRecord::Root(root) => {
                self.roots.push(*root);
                return 0;
            }
            HeapRecord::HeapInfo { .. } => return 0,
        };
        self.descents += u64::from(id < self.previous);
        self.previous = id;
        id
    }

    fn merge(&mut self, other: Self) {
        self.roots.extend(other.roots);
        self.again.extend(other.again);
        self.descents += other.descents;
    }

    fn found(self, dump: &Dump<'_>, ids: OwnedIds) -> Found {
        let mut again: HashMap<u64, u64> =
            self.again.into_iter().map(|id| (id, u64::MAX)).collect();
        if !again.is_empty() {
            let first = || FirstOffsets { wanted: &again, found: HashMap::new() };
            for found in dump.walk(first, |first| first.found) {
                for (id, offset) in found {
                    let first = again.entry(id).or_insert(offset);
                    *first = offset.min(*first);
                }
            }
        }
        Found { ids, roots: self.roots, again, descents: self.descents }
    }
}

/// Marks ids in a bitmap.
struct Marker<'a> {
    bits: &'a [AtomicU64],
    base: u64,
    shift: u32,
    /// Bits that are not yet in the bitmap, and their place: neighbours mostly share a word.
    word: usize,
    pending: u64,
    common: Common,
    odd: bool,
}

impl Marker<'_> {
    fn flush(&mut self) {
        if self.pending == 0 {
            return;
        }
        let before = self.bits[self.word].fetch_or(self.pending, Ordering::Relaxed);
        let mut twice = before & self.pending;
        while twice != 0 {
            let granule = self.word as u64 * 64 + u64::from(twice.trailing_zeros());
            self.common.again.push(self.base + (granule << self.shift));
            twice &= twice - 1;
        }
        self.pending = 0;
    }
}

impl Sink for Marker<'_> {
    #[inline(always)]
    fn record(&mut self, record: &HeapRecord<'_>, _: u64) {
        let id = self.common.id(record);
        if id == 0 {
            return;
        }
        let offset = id.wrapping_sub(self.base);
        let granule = offset >> self.shift;
        let word = (granule / 64) as usize;
        if granule << self.shift != offset || word >= self.bits.len() {
            self.odd = true;
            return;
        }
        if word != self.word {
            self.flush();
            self.word = word;
        }
        let bit = 1 << (granule % 64);
        if self.pending & bit != 0 {
            self.common.again.push(id);
        }
        self.pending |= bit;
    }

    no_streams!();
}

/// Lists ids.
struct Lister {
    ids: Vec<u64>,
    common: Common,
}

impl Sink for Lister {
    fn record(&mut self, record: &HeapRecord<'_>, _: u64) {
        let id = self.common.id(record);
        if id != 0 {
            self.ids.push(id);
        }
    }

    no_streams!();
}

/// Finds where objects are described first.
struct FirstOffsets<'a> {
    wanted: &'a HashMap<u64, u64>,
    found: HashMap<u64, u64>,
}

impl Sink for FirstOffsets<'_> {
    fn record(&mut self, record: &HeapRecord<'_>, offset: u64) {
        let id = Common::default().id(record);
        if self.wanted.contains_key(&id) {
            self.found.entry(id).or_insert(offset);
        }
    }

    no_streams!();
}

/// Codes of the predecessors of an object: none, it is a root, more than one; else the ordinal of
/// the only one plus [`pred::FIRST`]. In the end, the codes below that are levels: see
/// [`finish`](super::finish).
pub mod pred {
    pub const NONE: u64 = 0;
    pub const ROOT: u64 = 1;
    pub const MANY: u64 = 2;
    /// It is a root, and all its records are of one kind.
    pub const ROOT_OF_ONE_KIND: u64 = 3;
    pub const FIRST: u64 = 8;

    /// True for codes of roots.
    #[inline(always)]
    pub fn is_root(code: u64) -> bool {
        code == ROOT || code == ROOT_OF_ONE_KIND
    }
}

/// Codes of [`Objects::open`]: a count of successors, or one of these.
pub mod open {
    /// Many successors, or one that has to be looked at: stays in the graph.
    pub const KEEP: u8 = 255;
    /// A leaf of the graph that was taken out.
    pub const PEELED: u8 = 254;
    /// The largest count.
    pub const MOST: u8 = 253;
}

/// The kinds of all objects.
pub enum KindArray {
    Narrow(Array<AtomicU16>),
    Wide(Array<AtomicU32>),
}

impl KindArray {
    fn new(budget: &Budget, objects: u64, kinds: usize) -> io::Result<Self> {
        Ok(if kinds <= 1 << 16 {
            Self::Narrow(Array::new(budget, objects, Access::Sequential)?)
        } else {
            Self::Wide(Array::new(budget, objects, Access::Sequential)?)
        })
    }

    #[inline(always)]
    pub fn get(&self, at: usize) -> u32 {
        match self {
            Self::Narrow(kinds) => kinds[at].load(Ordering::Relaxed).into(),
            Self::Wide(kinds) => kinds[at].load(Ordering::Relaxed),
        }
    }

    /// The kinds as they lie in memory.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Narrow(kinds) => kinds.bytes(),
            Self::Wide(kinds) => kinds.bytes(),
        }
    }

    /// Bytes of a kind.
    pub fn width(&self) -> u64 {
        match self {
            Self::Narrow(_) => 2,
            Self::Wide(_) => 4,
        }
    }

    #[inline(always)]
    fn set(&self, at: usize, kind: u32) {
        match self {
            Self::Narrow(kinds) => kinds[at].store(kind as u16, Ordering::Relaxed),
            Self::Wide(kinds) => kinds[at].store(kind, Ordering::Relaxed),
        }
    }
}

/// What is known of each object, by ordinal.
pub struct Objects<C: Cell> {
    pub count: u64,
    pub kinds: KindArray,
    /// See [`pred`]; later the immediate dominator.
    pub pred: Array<C>,
    /// Successors that are no roots; see [`open`].
    pub open: Array<AtomicU8>,
    /// Shallow bytes in units; later retained ones. Carries are in [`Self::carries`].
    pub bytes: Array<AtomicU32>,
    /// Objects that are retained besides the object itself.
    pub retained: Array<C>,
    /// How the only predecessor refers to the object, where there is only one.
    pub labels: Labels,
    /// What does not fit into an element of `bytes`: multiples of 2^32.
    carries: Mutex<HashMap<u64, u64>>,
    has_carries: AtomicBool,
    /// Offset of the first object of each block of [`BLOCK`] ordinals.
    pub anchors: Array<AtomicU64>,
    /// A bit for each root, which is asked for with every reference: `pred` says the same, and takes
    /// far more room in caches.
    roots: Array<AtomicU64>,
    /// A bit for each object that refers to a root of one kind: few do.
    root_referrers: Array<AtomicU64>,
}

/// Objects of a block in the index.
pub const BLOCK: u64 = 64;

impl<C: Cell> Objects<C> {
    /// Zeros for `count` objects of `kinds` kinds.
    ///
    /// # Errors
    /// No memory, or no room on the disk.
    pub fn new(budget: &Budget, count: u64, kinds: usize) -> io::Result<Self> {
        let pred = Array::new(budget, count, Access::Random)?;
        // Labels are set where predecessors are: where these are in a file, memory is better spent
        // on what comes later.
        let labels = if pred.is_in_memory() { Access::Random } else { Access::Sequential };
        Ok(Self {
            count,
            kinds: KindArray::new(budget, count, kinds)?,
            pred,
            open: Array::new(budget, count, Access::Random)?,
            bytes: Array::new(budget, count, Access::Sequential)?,
            retained: Array::new(budget, count, Access::Sequential)?,
            labels: Labels::new(budget, count, labels)?,
            carries: Mutex::default(),
            has_carries: AtomicBool::new(false),
            anchors: Array::new(budget, count.div_ceil(BLOCK), Access::Sequential)?,
            roots: shared_bitmap(count)?,
            root_referrers: shared_bitmap(count)?,
        })
    }

    /// Makes an object a root; `code` says which kind of one.
    pub fn make_root(&self, ordinal: u64, code: u64) {
        self.pred[ordinal as usize].set(code);
        self.roots[(ordinal / 64) as usize].fetch_or(1 << (ordinal % 64), Ordering::Relaxed);
    }

    /// True for roots.
    #[inline(always)]
    fn is_root(&self, ordinal: u64) -> bool {
        self.roots[(ordinal / 64) as usize].get() >> (ordinal % 64) & 1 != 0
    }

    /// True for an object that refers to a root of one kind.
    #[inline(always)]
    pub fn refers_to_root(&self, ordinal: u64) -> bool {
        self.root_referrers[(ordinal / 64) as usize].get() >> (ordinal % 64) & 1 != 0
    }

    /// Adds units to what an object retains.
    #[inline(always)]
    pub fn add_bytes(&self, at: usize, units: u64) {
        let before = self.bytes[at].add(units & u64::from(u32::MAX));
        let carry = ((before + (units & u64::from(u32::MAX))) >> 32) + (units >> 32);
        if carry > 0 {
            self.carry(at, carry);
        }
    }

    #[cold]
    fn carry(&self, at: usize, carry: u64) {
        let mut carries = self.carries.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        *carries.entry(at as u64).or_default() += carry;
        self.has_carries.store(true, Ordering::Release);
    }

    /// Sets the units that an object retains.
    #[inline(always)]
    pub fn set_units(&self, at: usize, units: u64) {
        self.bytes[at].set(units & u64::from(u32::MAX));
        if units >> 32 > 0 || self.has_carries.load(Ordering::Acquire) {
            let mut carries = self.carries.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            if units >> 32 > 0 {
                carries.insert(at as u64, units >> 32);
                self.has_carries.store(true, Ordering::Release);
            } else {
                carries.remove(&(at as u64));
            }
        }
    }

    /// Units that an object retains by now.
    #[inline(always)]
    pub fn units(&self, at: usize) -> u64 {
        let low = self.bytes[at].get();
        if !self.has_carries.load(Ordering::Acquire) {
            return low;
        }
        let carries = self.carries.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        low + (carries.get(&(at as u64)).copied().unwrap_or(0) << 32)
    }
}

/// Lengths of arrays and bytes of what has a size of its own, for the objects that have such.
pub struct Slots {
    pub values: Array<AtomicU32>,
    /// Slots before each block.
    pub ranks: Array<AtomicU64>,
    /// The objects of each block that have a slot.
    masks: Array<AtomicU64>,
}

impl Slots {
    /// Makes room for the slots of all objects, whose kinds are known.
    ///
    /// # Errors
    /// No memory, or no room on the disk.
    pub fn new<C: Cell>(
        objects: &Objects<C>,
        plans: &Plans<'_>,
        budget: &Budget,
    ) -> io::Result<Self> {
        let blocks = objects.count.div_ceil(BLOCK);
        let ranks = Array::<AtomicU64>::new(budget, blocks, Access::Sequential)?;
        let masks = Array::<AtomicU64>::new(budget, blocks, Access::Sequential)?;
        let has_slot: Vec<bool> = plans.kinds.iter().map(|kind| kind.form.has_slot()).collect();
        (0..blocks as usize).into_par_iter().with_min_len(1 << 10).for_each(|at| {
            let block = at as u64;
            let mut mask = 0;
            for nth in 0..BLOCK.min(objects.count - block * BLOCK) {
                let kind = objects.kinds.get((block * BLOCK + nth) as usize);
                mask |= u64::from(has_slot[kind as usize]) << nth;
            }
            masks[at].set(mask);
        });
        let mut count = 0;
        for (rank, mask) in ranks.iter().zip(masks.iter()) {
            rank.set(count);
            count += u64::from(mask.get().count_ones());
        }
        Ok(Self { values: Array::new(budget, count, Access::Sequential)?, ranks, masks })
    }

    #[inline(always)]
    pub(super) fn place(&self, ordinal: u64) -> Option<usize> {
        let block = (ordinal / BLOCK) as usize;
        let (mask, bit) = (self.masks[block].get(), 1u64 << (ordinal % BLOCK));
        let before = u64::from((mask & (bit - 1)).count_ones());
        (mask & bit != 0).then(|| (self.ranks[block].get() + before) as usize)
    }

    /// The slot of an object; 0 where there is none.
    #[inline(always)]
    pub fn get(&self, ordinal: u64) -> u32 {
        self.place(ordinal).map_or(0, |at| self.values[at].load(Ordering::Relaxed))
    }
}

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

/// What both reading walks need.
pub struct Reading<'a, C: Cell> {
    pub ids: Ids<'a>,
    pub plans: &'a Plans<'a>,
    pub objects: &'a Objects<C>,
    /// See [`Found::again`].
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
        }
        all.weak.par_sort_unstable();
        all.runs.par_sort_unstable();
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
        reading.targets(&object, ordinal, &mut self.targets);
        if !self.targets.roots.is_empty() {
            self.found.to_roots += self.targets.roots.len() as u64;
            let bits = &objects.root_referrers[at / 64];
            bits.fetch_or(1 << (ordinal % 64), Ordering::Relaxed);
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

    no_streams!();
}
