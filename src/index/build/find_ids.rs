//! The first walk over the dump: which ids there are, and the root records.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use hashbrown::HashMap;
use rayon::prelude::*;

use super::dump::Dump;
use crate::index::array::{Array, Cell};
use crate::index::store::ids::OwnedIds;
use crate::index::tally::Sink;
use crate::parser::heap::{HeapRecord, Root};

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
}
