//! The graph of the objects that are left after peeling: written down by one more walk over the dump,
//! read node by node.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::dump::Dump;
use super::label::{self, Label};
use super::objects::pred;
use super::plan::ClassCache;
use super::references::{Reading, References, Targets};
use super::slots::Slots;
use crate::index::array::{self, Access, Array, Budget, Cell};
use crate::index::store::coding::{put_varint, unzigzag, zigzag};
use crate::index::store::ids::Ids;
use crate::index::tally::Sink;
use crate::parser::heap::HeapRecord;

/// The graph of the objects that are left after peeling: how many successors a node has, the
/// successors, which never are roots, as gaps, and behind them the labels of the references; all in
/// variable-length integers.
pub struct Graph<C: Cell> {
    /// Where a node's successors are, in units of `1 << shift` bytes, plus one; 0 for none.
    pub positions: Array<C>,
    pub shift: u32,
    pub bytes: memmap2::Mmap,
}

/// References that dominators do without, because the virtual root dominates roots, but that may
/// keep a root alive when its records are gone. By nodes.
pub struct RootReferences<C: Cell> {
    /// An object that refers to a root of one kind, or the node that it hangs on.
    from: Array<C>,
    to: Array<C>,
    /// How many there are.
    used: AtomicUsize,
    /// What frames hold.
    pub frames: Vec<FrameReference>,
}

/// An object that a frame of a thread holds, and that the thread does not refer to itself.
pub struct FrameReference {
    pub thread: u64,
    pub object: u64,
    /// True when nothing else refers to the object.
    pub is_only_referrer: bool,
}

impl<C: Cell> RootReferences<C> {
    /// References to roots of one kind.
    pub fn to_roots(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let used = self.used.load(Ordering::Relaxed);
        self.from[..used].iter().zip(&self.to[..used]).map(|(from, to)| (from.get(), to.get()))
    }

    fn add(&self, from: u64, to: u64) {
        let at = self.used.fetch_add(1, Ordering::Relaxed);
        self.from[at].set(from);
        self.to[at].set(to);
    }
}

/// Bytes that a thread collects before it writes them.
const WRITE: usize = 1 << 20;

impl<C: Cell> Reading<'_, C> {
    /// Walks the dump: writes down the successors of all nodes, and the slots. `edges` is an upper bound of them.
    /// Gives the graph, and the references that it does without.
    ///
    /// # Errors
    /// No memory, or no room on the disk.
    pub fn make_graph(
        &self,
        dump: &Dump<'_>,
        nodes: &Ids<'_>,
        References { edges, to_roots, .. }: &References,
        slots: &Slots,
        budget: &Budget,
    ) -> io::Result<(Graph<C>, RootReferences<C>)> {
        // Five bytes hold any difference of 35 bits, ten any at all; three a label.
        let longest = if C::MAX > u64::from(u32::MAX) { 10 } else { 5 } + 3;
        let bound = |shift: u32| (edges + nodes.count) * longest + (nodes.count << shift);
        let shift = (0..8).find(|shift| bound(*shift) >> shift < C::MAX).unwrap_or(8);
        let positions = Array::new(budget, nodes.count, Access::Random)?;
        let root_references = RootReferences {
            from: Array::new(budget, *to_roots, Access::Sequential)?,
            to: Array::new(budget, *to_roots, Access::Sequential)?,
            used: AtomicUsize::new(0),
            frames: Vec::new(),
        };
        let file = budget.temporary_file()?;
        let end = AtomicU64::new(0);
        let failed: Mutex<Option<io::Error>> = Mutex::new(None);
        let connecting = || Connecting {
            reading: self,
            nodes,
            slots,
            cache: ClassCache::default(),
            targets: Targets::default(),
            to_roots: &root_references,
            frames: Vec::new(),
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
        let frames = dump.walk(connecting, |connecting| connecting.frames);
        if let Some(error) = failed.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()) {
            return Err(error);
        }
        let bytes = map_file(&file)?;
        let frames = frames.into_iter().flatten().collect();
        Ok((Graph { positions, shift, bytes }, RootReferences { frames, ..root_references }))
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
    /// Adds a node and its successors with their labels: see [`label::pack`].
    fn node(&mut self, node: u64, targets: &[u64]) {
        while self.bytes.len() & ((1 << self.shift) - 1) != 0 {
            self.bytes.push(0);
        }
        self.starts.push((node, self.bytes.len()));
        put_varint(&mut self.bytes, targets.len() as u64);
        let mut before = 0;
        for (nth, packed) in targets.iter().enumerate() {
            let target = label::object(*packed);
            let gap = target.wrapping_sub(before);
            match nth {
                // The first one lies on either side of the node.
                0 => put_varint(&mut self.bytes, zigzag(target.wrapping_sub(node))),
                _ => put_varint(&mut self.bytes, gap),
            }
            before = target;
        }
        for packed in targets {
            put_varint(&mut self.bytes, code_label(label::label(*packed)));
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

/// Labels of elements are the most frequent ones: theirs is the shortest code.
#[inline(always)]
fn code_label(label: Label) -> u64 {
    label.wrapping_sub(label::ELEMENT).into()
}

#[inline(always)]
fn decode_label(code: u64) -> Label {
    (code as Label).wrapping_add(label::ELEMENT)
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
    targets: Targets,
    to_roots: &'a RootReferences<C>,
    frames: Vec<FrameReference>,
    out: Output<'a, C>,
}

impl<C: Cell> Connecting<'_, C> {
    /// Notes references of an object to roots.
    #[cold]
    fn note_roots(&mut self, ordinal: u64) {
        let mut at = ordinal;
        let node = loop {
            if let Some(node) = self.nodes.ordinal(at) {
                break node;
            }
            at = self.reading.objects.pred[at as usize].get() - pred::FIRST;
        };
        for root in &self.targets.roots {
            if let Some(root) = self.nodes.ordinal(*root).filter(|root| *root != node) {
                self.to_roots.add(node, root);
            }
        }
    }

    /// Notes what the frames of a thread hold.
    #[cold]
    fn note_frames(&mut self, ordinal: u64) {
        let Some(thread) = self.nodes.ordinal(ordinal) else { return };
        for local in self.reading.locals(ordinal) {
            let is_field = self.targets.objects.iter().any(|own| label::object(*own) == *local)
                || self.targets.roots.contains(local);
            let code = self.reading.objects.pred[*local as usize].get();
            if let Some(object) = self.nodes.ordinal(*local).filter(|_| !is_field) {
                let is_only_referrer = code == ordinal + pred::FIRST;
                self.frames.push(FrameReference { thread, object, is_only_referrer });
            }
        }
    }
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
        if reading.objects.refers_to_root(ordinal) {
            reading.targets(&object, ordinal, &mut self.targets);
            self.note_roots(ordinal);
        }
        let Some(node) = self.nodes.ordinal(ordinal) else { return };
        let has_frames = !reading.locals(ordinal).is_empty();
        if reading.objects.open[ordinal as usize].load(Ordering::Relaxed) == 0 && !has_frames {
            return;
        }
        reading.targets(&object, ordinal, &mut self.targets);
        if has_frames {
            self.note_frames(ordinal);
            reading.add_locals(ordinal, &mut self.targets);
        }
        let targets = &mut self.targets.objects;
        let mut kept = 0;
        for at in 0..targets.len() {
            if let Some(target) = self.nodes.ordinal(label::object(targets[at])) {
                targets[kept] = label::pack(target, label::label(targets[at]));
                kept += 1;
            }
        }
        targets.truncate(kept);
        if kept > 0 {
            self.out.node(node, targets);
        }
    }
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

    /// Says that the successors of a node will be asked for.
    #[inline(always)]
    pub fn prefetch(&self, node: u64) {
        self.positions.prefetch(node as usize);
    }

    /// Says that the successors of a node will be needed soon; [`Self::prefetch`] was called before.
    #[inline(always)]
    pub fn prefetch_successors(&self, node: u64) {
        if let Some(position) = self.positions[node as usize].get().checked_sub(1) {
            array::prefetch(&self.bytes, (position << self.shift) as usize);
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
            unzigzag(coded)
        } else {
            coded
        };
        successors.last = successors.last.wrapping_add(difference);
        Some(successors.last)
    }
}

/// The successors of a node with the labels of the references to them.
pub struct Labelled {
    successors: Successors,
    labels_at: usize,
}

impl<C: Cell> Graph<C> {
    /// The successors of a node, to be taken with [`Self::next_labelled`].
    #[inline(always)]
    pub fn labelled(&self, node: u64) -> Labelled {
        let successors = self.successors(node);
        let mut skipped = successors;
        while self.next(&mut skipped).is_some() {}
        Labelled { successors, labels_at: skipped.at }
    }

    /// The next successor and its label.
    #[inline(always)]
    pub fn next_labelled(&self, labelled: &mut Labelled) -> Option<(u64, Label)> {
        let target = self.next(&mut labelled.successors)?;
        Some((target, decode_label(get_varint(&self.bytes, &mut labelled.labels_at))))
    }
}

impl Labelled {
    /// True when none is left.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.successors.is_empty()
    }
}

impl Successors {
    /// True when none is left.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.left == 0
    }
}
