//! The graph of the objects that are left after peeling: written down by one more walk over the dump,
//! read node by node.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::plan::ClassCache;
use super::walks::{Dump, Reading, Slots, no_streams};
use crate::index::array::{Access, Array, Budget, Cell};
use crate::index::store::ids::Ids;
use crate::index::tally::Sink;
use crate::parser::heap::{HeapRecord, LargeArray};
use crate::parser::ids::ObjectId;

/// The graph of the objects that are left after peeling: successors of each node, which never are
/// roots, as gaps in variable-length integers.
pub struct Graph<C: Cell> {
    /// Where a node's successors are, in units of `1 << shift` bytes, plus one; 0 for none.
    pub positions: Array<C>,
    pub shift: u32,
    pub bytes: memmap2::Mmap,
}

/// Bytes that a thread collects before it writes them.
const WRITE: usize = 1 << 20;

impl<C: Cell> Reading<'_, C> {
    /// Walks the dump: writes down the successors of all nodes, and the slots. `edges` is an upper bound of them.
    ///
    /// # Errors
    /// No memory, or no room on the disk.
    pub fn make_graph(
        &self,
        dump: &Dump<'_>,
        nodes: &Ids<'_>,
        edges: u64,
        slots: &Slots,
        budget: &Budget,
    ) -> io::Result<Graph<C>> {
        // Five bytes hold any difference of 35 bits, ten any at all.
        let longest = if C::MAX > u64::from(u32::MAX) { 10 } else { 5 };
        let bound = |shift: u32| (edges + nodes.count) * longest + (nodes.count << shift);
        let shift = (0..8).find(|shift| bound(*shift) >> shift < C::MAX).unwrap_or(8);
        let positions = Array::new(budget, nodes.count, Access::Random)?;
        let file = budget.temporary_file()?;
        let end = AtomicU64::new(0);
        let failed: Mutex<Option<io::Error>> = Mutex::new(None);
        let connecting = || Connecting {
            reading: self,
            nodes,
            slots,
            cache: ClassCache::default(),
            targets: Vec::new(),
            out: Output {
                positions: &positions,
                shift,
                file: &file,
                end: &end,
                failed: &failed,
                bytes: Vec::with_capacity(WRITE + 4096),
                starts: Vec::new(),
            },
        };
        dump.walk(connecting, drop);
        if let Some(error) = failed.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()) {
            return Err(error);
        }
        let bytes = map_file(&file)?;
        Ok(Graph { positions, shift, bytes })
    }
}

/// Maps a temporary file that is complete.
#[allow(unsafe_code)]
fn map_file(file: &File) -> io::Result<memmap2::Mmap> {
    if file.metadata()?.len() == 0 {
        file.write_all_at(&[0], 0)?;
    }
    // SAFETY: the file has no name and is not written any more.
    unsafe { memmap2::Mmap::map(file) }
}

/// Where the successors of nodes go.
struct Output<'a, C: Cell> {
    positions: &'a Array<C>,
    shift: u32,
    file: &'a File,
    end: &'a AtomicU64,
    failed: &'a Mutex<Option<io::Error>>,
    bytes: Vec<u8>,
    /// Nodes whose successors are in `bytes`, and where.
    starts: Vec<(u64, usize)>,
}

impl<C: Cell> Output<'_, C> {
    fn node(&mut self, node: u64, targets: &[u64]) {
        while self.bytes.len() & ((1 << self.shift) - 1) != 0 {
            self.bytes.push(0);
        }
        self.starts.push((node, self.bytes.len()));
        put_varint(&mut self.bytes, targets.len() as u64);
        let mut before = 0;
        for (nth, target) in targets.iter().enumerate() {
            let gap = target.wrapping_sub(before);
            match nth {
                // The first one lies on either side of the node.
                0 => {
                    let difference = target.wrapping_sub(node) as i64;
                    put_varint(&mut self.bytes, (difference << 1 ^ difference >> 63) as u64);
                }
                _ => put_varint(&mut self.bytes, gap),
            }
            before = *target;
        }
        if self.bytes.len() >= WRITE {
            self.write();
        }
    }

    fn write(&mut self) {
        while self.bytes.len() & ((1 << self.shift) - 1) != 0 {
            self.bytes.push(0);
        }
        let start = self.end.fetch_add(self.bytes.len() as u64, Ordering::Relaxed);
        for (node, at) in self.starts.drain(..) {
            self.positions[node as usize].set(((start + at as u64) >> self.shift) + 1);
        }
        if let Err(error) = self.file.write_all_at(&self.bytes, start) {
            let mut failed = self.failed.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            failed.get_or_insert(error);
        }
        self.bytes.clear();
    }
}

impl<C: Cell> Drop for Output<'_, C> {
    fn drop(&mut self) {
        self.write();
    }
}

/// Adds an integer, seven bits a byte, the lowest first.
pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Reads a variable-length integer at `at` and moves `at` behind it.
#[inline(always)]
pub fn get_varint(bytes: &[u8], at: &mut usize) -> u64 {
    let mut value = 0;
    let mut shift = 0;
    loop {
        let byte = bytes[*at];
        *at += 1;
        value |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return value;
        }
        shift += 7;
    }
}

struct Connecting<'a, C: Cell> {
    reading: &'a Reading<'a, C>,
    nodes: &'a Ids<'a>,
    slots: &'a Slots,
    cache: ClassCache,
    targets: Vec<u64>,
    out: Output<'a, C>,
}

impl<C: Cell> Sink for Connecting<'_, C> {
    #[inline(always)]
    fn record(&mut self, record: &HeapRecord<'_>, offset: u64) {
        let reading = self.reading;
        let Some((object, ordinal)) = reading.object(record, offset, &mut self.cache) else {
            return;
        };
        if let Some(place) = self.slots.place(ordinal) {
            self.slots.values[place].store(object.slot, Ordering::Relaxed);
        }
        let Some(node) = self.nodes.ordinal(ordinal) else { return };
        if reading.objects.open[ordinal as usize].load(Ordering::Relaxed) == 0 {
            return;
        }
        reading.targets(&object, ordinal, &mut self.targets);
        let mut kept = 0;
        for at in 0..self.targets.len() {
            if let Some(target) = self.nodes.ordinal(self.targets[at]) {
                self.targets[kept] = target;
                kept += 1;
            }
        }
        self.targets.truncate(kept);
        if kept > 0 {
            self.out.node(node, &self.targets);
        }
    }

    no_streams!();
}

/// The successors of a node, one by one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Successors {
    pub(super) at: usize,
    pub(super) left: u64,
    pub(super) last: u64,
    pub(super) first: bool,
}

impl<C: Cell> Graph<C> {
    /// The successors of a node, to be taken with [`Self::next`].
    #[inline(always)]
    pub fn successors(&self, node: u64) -> Successors {
        match self.positions[node as usize].get() {
            0 => Successors::default(),
            position => {
                let mut at = ((position - 1) << self.shift) as usize;
                let left = get_varint(&self.bytes, &mut at);
                Successors { at, left, last: node, first: true }
            }
        }
    }

    /// The next successor.
    #[inline(always)]
    pub fn next(&self, successors: &mut Successors) -> Option<u64> {
        if successors.left == 0 {
            return None;
        }
        successors.left -= 1;
        let coded = get_varint(&self.bytes, &mut successors.at);
        let difference = if successors.first {
            successors.first = false;
            coded >> 1 ^ 0u64.wrapping_sub(coded & 1)
        } else {
            coded
        };
        successors.last = successors.last.wrapping_add(difference);
        Some(successors.last)
    }
}

impl Successors {
    /// True when none is left.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.left == 0
    }
}
