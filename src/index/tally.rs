//! Counts the objects of (a part of) a heap dump. This is the hot path: some 10 ns per object.
//!
//! Memory for each thread: 48 bytes per class, the bounded tables of [`LengthTable`] and
//! [`Sample`], and what [`Watch`] asks for; nothing that grows with the number of objects.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use super::lengths::LengthTable;
use super::sample::{Sample, Sampled, Shape, addresses_of, window_of};
use super::watch::{Special, SpecialKind, Watch};
use crate::parser::bytes::id_of_size;
use crate::parser::classes::ClassRecord;
use crate::parser::heap::{HeapRecord, Instance, LargeArray, Root};
use crate::parser::ids::ObjectId;
use crate::parser::resync::KnownClasses;
use crate::parser::tags::{FieldType, sub};

/// Ids near class objects that are kept; beyond it archived mirrors are not looked for.
const WATCHED_LIMIT: usize = 1 << 20;
/// Small strings of digits and dots that a stream keeps, in case one is the JVM's version.
const VERSION_TEXTS: usize = 1 << 14;
/// Instances of a special class that are kept.
const SPECIAL_LIMIT: usize = 1 << 20;
/// Arrays of wanted strings that are kept.
const WANTED_ARRAYS: usize = 16;

/// Instances of one class.
#[derive(Clone, Copy, Debug)]
pub struct ClassCount {
    pub class: ObjectId,
    pub instances: u64,
    /// Smallest distance to the object that follows in the dump, where that has a higher address:
    /// never less than the object's true size, in a dump of addresses.
    pub least_distance: u64,
    /// Bytes of the first instance's values.
    pub values_length: u32,
    /// Instances whose values have another length.
    pub other_length: u64,
    /// Bytes of all values, for classes that are not described before the first object.
    pub values_total: u64,
    special: Option<Special>,
    care: Care,
}

/// What an instance of a class needs besides being counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Care {
    None,
    /// A few strings are wanted.
    String,
    Some,
}

/// An instance of a special class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SpecialInstance {
    pub kind: SpecialKind,
    pub id: ObjectId,
    pub class: ObjectId,
    /// The wanted field, or zero.
    pub field: u64,
}

/// What takes the records of a dump. Only streams deliver arrays in parts.
pub trait Sink {
    /// A heap dump record or a part of one begins: the next record does not follow the last one.
    fn begin(&mut self) {}
    /// One record; `offset` is that of its tag in the dump.
    fn record(&mut self, record: &HeapRecord<'_>, offset: u64);
    /// Some of the elements of an object array that is delivered in parts.
    fn elements(&mut self, _class: ObjectId, _elements: &[u8]) {}
    /// The array that the last elements belong to, now that it is known to be whole.
    fn large_array(&mut self, _array: &LargeArray, _offset: u64) {}
}

/// See the module's text.
#[derive(Debug)]
pub struct Tally {
    watch: Arc<Watch>,
    id_size: usize,
    /// Keep small texts that might be the version: when the dump cannot be read again.
    keep_versions: bool,
    counts: Vec<ClassCount>,
    /// Class id → index into `counts`.
    index: ClassIndexTable,
    pub lengths: LengthTable,
    pub sample: Sample,
    /// The objects near class objects.
    pub watched: Vec<Sampled>,
    /// What `Object[]` elements near class objects refer to.
    pub referenced: HashSet<ObjectId>,
    pub watch_overflow: bool,
    pub specials: Vec<SpecialInstance>,
    /// Stack chunks by the words of their stacks.
    pub stack_chunks: BTreeMap<u32, u64>,
    /// Arrays of the strings that are wanted.
    wanted_arrays: Vec<u64>,
    /// Texts that could be the version, by the id of their array.
    pub version_texts: HashMap<ObjectId, Box<str>>,
    pub classes: Vec<ClassRecord>,
    pub roots: BTreeMap<u8, u64>,
    /// Thread objects and frames of roots, for naming threads.
    pub thread_roots: Vec<Root>,
    /// Objects with the id 0, which nothing can refer to.
    pub null_ids: u64,
    pub objects: u64,
    /// Android's records that say which heap follows.
    pub heap_infos: u64,
    /// Range of the addresses, to the window.
    pub lowest: u64,
    pub highest: u64,
    /// The object before, for distances: its id and the index into `counts` (0: an array).
    previous: u64,
    previous_count: usize,
    window: u64,
    /// Objects of the window are sampled or watched.
    window_wanted: bool,
    window_watched: bool,
}

impl Tally {
    pub fn new(watch: Arc<Watch>, id_size: usize, keep_versions: bool) -> Self {
        let nothing = ClassCount {
            class: ObjectId::NULL,
            instances: 0,
            least_distance: u64::MAX,
            values_length: 0,
            other_length: 0,
            values_total: 0,
            special: None,
            care: Care::None,
        };
        Self {
            watch,
            id_size,
            keep_versions,
            // The first one takes the distances behind arrays, which nobody asks for.
            counts: vec![nothing],
            index: ClassIndexTable::default(),
            lengths: LengthTable::default(),
            sample: Sample::default(),
            watched: Vec::new(),
            referenced: HashSet::new(),
            watch_overflow: false,
            specials: Vec::new(),
            stack_chunks: BTreeMap::new(),
            wanted_arrays: Vec::new(),
            version_texts: HashMap::new(),
            classes: Vec::new(),
            roots: BTreeMap::new(),
            thread_roots: Vec::new(),
            null_ids: 0,
            objects: 0,
            heap_infos: 0,
            lowest: u64::MAX,
            highest: 0,
            previous: u64::MAX,
            previous_count: 0,
            window: u64::MAX,
            window_wanted: false,
            window_watched: false,
        }
    }

    /// The instance counts by class, in order of class ids.
    pub fn class_counts(&self) -> Vec<ClassCount> {
        let mut counts = self.counts[1..].to_vec();
        counts.sort_unstable_by_key(|count| count.class);
        counts
    }

    /// Notes an object's address. `count` is the index of its class's count, 0 for arrays.
    #[inline(always)]
    fn visit(&mut self, id: u64, count: usize, shape: Shape, length: u32) {
        self.objects += 1;
        let distance = id.wrapping_sub(self.previous);
        let before = &mut self.counts[self.previous_count];
        // A descent wraps to a huge distance; one record twice gives zero, told elsewhere.
        if distance < before.least_distance && distance > 0 {
            before.least_distance = distance;
        }
        self.previous = id;
        self.previous_count = count;
        if window_of(id) != self.window {
            self.enter_window(id);
        }
        if self.window_wanted {
            self.keep(Sampled { id: ObjectId(id), shape, length });
        }
    }

    /// The object is in another window than the one before.
    #[inline(always)]
    fn enter_window(&mut self, id: u64) {
        let window = window_of(id);
        let (first, last) = addresses_of(window);
        self.window = window;
        self.lowest = self.lowest.min(first);
        self.highest = self.highest.max(last);
        self.window_watched = self.watch.watches(id);
        self.window_wanted = self.window_watched || self.sample.wants(window);
    }

    #[inline(never)]
    fn keep(&mut self, object: Sampled) {
        if self.sample.wants(self.window) {
            self.sample.push(object);
        }
        if self.window_watched {
            self.push_watched(object);
        }
        self.window_wanted = self.window_watched || self.sample.wants(self.window);
    }

    fn push_watched(&mut self, object: Sampled) {
        if self.watched.len() < WATCHED_LIMIT {
            self.watched.push(object);
        } else {
            self.watch_overflow = true;
        }
    }

    #[inline(always)]
    fn instance(&mut self, instance: &Instance<'_>) {
        if instance.id.is_null() {
            self.null_ids += 1;
            return;
        }
        let at = match self.index.get(instance.class.0) {
            Some(at) => at,
            None => self.add_class(instance),
        };
        let count = &mut self.counts[at];
        count.instances += 1;
        if instance.values.len() != count.values_length as usize {
            count.other_length += 1;
        }
        match count.care {
            Care::None => {}
            Care::String if !self.watch.wants_string(instance.id) => {}
            Care::String | Care::Some => self.care_for(instance, at),
        }
        self.visit(instance.id.0, at, Shape::Instance { class: instance.class }, 0);
    }

    #[cold]
    fn add_class(&mut self, instance: &Instance<'_>) -> usize {
        let at = self.counts.len();
        let known = self.watch.values_length(instance.class);
        let special = self.watch.special(instance.class);
        // Where the class is not known beforehand, its first instance sets the rule.
        let values_length = known.unwrap_or(instance.values.len() as u64);
        self.counts.push(ClassCount {
            class: instance.class,
            instances: 0,
            least_distance: u64::MAX,
            values_length: u32::try_from(values_length).unwrap_or(u32::MAX),
            other_length: 0,
            values_total: 0,
            special,
            care: match special.map(|special| special.kind) {
                Some(SpecialKind::String) => Care::String,
                None if known.is_some() => Care::None,
                _ => Care::Some,
            },
        });
        self.index.insert(instance.class.0, at);
        at
    }

    #[inline(never)]
    fn care_for(&mut self, instance: &Instance<'_>, at: usize) {
        let count = &mut self.counts[at];
        count.values_total += instance.values.len() as u64;
        let Some(special) = count.special else { return };
        let field = special
            .field
            .and_then(|(offset, size)| id_of_size(instance.values, offset as usize, size as usize));
        if special.kind == SpecialKind::StackChunk {
            // A size that is no int is no size.
            let words = special.field.filter(|(_, bytes)| *bytes == 4).and(field);
            if let Some(words) = words.and_then(|words| u32::try_from(words).ok()) {
                *self.stack_chunks.entry(words).or_default() += 1;
            }
            return;
        }
        if special.kind == SpecialKind::String && self.wanted_arrays.len() < WANTED_ARRAYS {
            self.wanted_arrays.extend(field);
        }
        // Loaders label rows: none is dropped. Threads are only named.
        if self.specials.len() < SPECIAL_LIMIT || special.kind != SpecialKind::Thread {
            self.specials.push(SpecialInstance {
                kind: special.kind,
                id: instance.id,
                class: instance.class,
                field: field.unwrap_or(0),
            });
        }
    }

    fn references(&mut self, elements: &[u8]) {
        for element in elements.chunks_exact(self.id_size) {
            let id = id_of_size(element, 0, self.id_size).unwrap_or(0);
            if self.watch.watches(id) && id != 0 {
                if self.referenced.len() < WATCHED_LIMIT {
                    self.referenced.insert(ObjectId(id));
                } else {
                    self.watch_overflow = true;
                }
            }
        }
    }

    #[inline(always)]
    fn primitive_array(&mut self, id: ObjectId, element: FieldType, length: u32, values: &[u8]) {
        if id.is_null() {
            self.null_ids += 1;
            return;
        }
        self.lengths.add_primitive(element, length);
        if self.keep_versions && length <= 32 {
            self.version_text(id, element, values);
        }
        self.visit(id.0, 0, Shape::PrimitiveArray { element }, length);
    }

    #[inline(always)]
    fn object_array(&mut self, id: ObjectId, class: ObjectId, length: u32) {
        if id.is_null() {
            self.null_ids += 1;
            return;
        }
        self.lengths.add_object(class, length);
        self.visit(id.0, 0, Shape::ObjectArray { class }, length);
    }

    #[inline(never)]
    fn version_text(&mut self, id: ObjectId, element: FieldType, values: &[u8]) {
        if self.version_texts.len() >= VERSION_TEXTS && !self.wanted_arrays.contains(&id.0) {
            return;
        }
        let text: Option<String> = match element {
            FieldType::Byte => std::str::from_utf8(values).ok().map(str::to_owned),
            FieldType::Char => values
                .chunks_exact(2)
                .map(|pair| (pair[0] == 0).then(|| char::from(pair[1])))
                .collect(),
            _ => None,
        };
        // 17, 25-ea, 17.0.15+6, 1.8.0_05: a small number, then marks.
        let looks = |text: &str| {
            let digits = text.bytes().take_while(u8::is_ascii_digit).count();
            let next = text.as_bytes().get(digits);
            (1..=2).contains(&digits)
                && next.is_none_or(|next| b".+-_".contains(next))
                && text.chars().all(|c| c.is_ascii_alphanumeric() || "._+-".contains(c))
        };
        if let Some(text) = text.filter(|text| looks(text)) {
            self.version_texts.insert(id, text.into());
        }
    }

    /// Takes in a class. It is an object too, the mirror; that is not counted as an instance here.
    pub fn class(&mut self, class: ClassRecord) {
        let id = class.id;
        if id.is_null() {
            self.null_ids += 1;
            return;
        }
        self.classes.push(class);
        let mirror = Sampled { id, shape: Shape::Mirror, length: 0 };
        if self.sample.wants(window_of(id.0)) {
            self.sample.push(mirror);
        }
        if self.watch.watches(id.0) {
            self.push_watched(mirror);
        }
    }

    /// Takes in a root.
    pub fn root(&mut self, root: Root) {
        *self.roots.entry(root.kind).or_default() += 1;
        if matches!(root.kind, sub::ROOT_THREAD_OBJECT) {
            self.thread_roots.push(root);
        }
    }

    /// True for an address near a class object.
    pub fn watches(&self, id: u64) -> bool {
        self.watch.watches(id)
    }

    /// A tally for the next part of a dump of which `self` has counted the parts before.
    pub fn for_next_part(&self) -> Self {
        let mut tally = Self::new(self.watch.clone(), self.id_size, self.keep_versions);
        tally.sample = Sample::like(&self.sample);
        tally
    }

    /// Ends the count, and brings what threads found in any order into one order.
    pub fn finish(&mut self) {
        self.lengths.end_run();
        self.specials.sort_unstable();
        self.thread_roots.sort_unstable_by_key(|root| (root.thread, root.object));
    }

    /// Adds what another tally of the same dump counted.
    pub fn merge(&mut self, other: Self) {
        for theirs in &other.counts[1..] {
            match self.index.get(theirs.class.0) {
                None => {
                    self.index.insert(theirs.class.0, self.counts.len());
                    self.counts.push(*theirs);
                }
                Some(at) => {
                    let ours = &mut self.counts[at];
                    ours.other_length += theirs.other_length;
                    if ours.values_length != theirs.values_length {
                        // The two parts disagree about which length is the usual one.
                        ours.other_length += theirs.instances - theirs.other_length;
                    }
                    ours.instances += theirs.instances;
                    ours.values_total += theirs.values_total;
                    ours.least_distance = ours.least_distance.min(theirs.least_distance);
                }
            }
        }
        self.lengths.merge(other.lengths);
        self.sample.merge(other.sample);
        self.watched.extend(other.watched);
        self.referenced.extend(other.referenced);
        self.watch_overflow |= other.watch_overflow
            || self.watched.len() > WATCHED_LIMIT
            || self.referenced.len() > WATCHED_LIMIT;
        self.specials.extend(other.specials);
        for (words, count) in other.stack_chunks {
            *self.stack_chunks.entry(words).or_default() += count;
        }
        self.version_texts.extend(other.version_texts);
        self.classes.extend(other.classes);
        for (kind, count) in other.roots {
            *self.roots.entry(kind).or_default() += count;
        }
        self.thread_roots.extend(other.thread_roots);
        self.null_ids += other.null_ids;
        self.objects += other.objects;
        self.heap_infos += other.heap_infos;
        self.lowest = self.lowest.min(other.lowest);
        self.highest = self.highest.max(other.highest);
    }
}

impl Sink for Tally {
    fn begin(&mut self) {
        self.previous = u64::MAX;
        self.previous_count = 0;
        self.window = u64::MAX;
    }

    #[inline(always)]
    fn record(&mut self, record: &HeapRecord<'_>, offset: u64) {
        match record {
            HeapRecord::Instance(instance) => self.instance(instance),
            HeapRecord::PrimitiveArray(array) => {
                self.primitive_array(array.id, array.element, array.length, array.values);
            }
            HeapRecord::ObjectArray(array) => {
                self.object_array(array.id, array.class, array.length);
                if array.class == self.watch.object_array {
                    self.references(array.elements);
                }
            }
            HeapRecord::Class(class) => self.class(ClassRecord::new(class, offset)),
            HeapRecord::Root(root) => self.root(*root),
            HeapRecord::HeapInfo { .. } => self.heap_infos += 1,
        }
    }

    fn elements(&mut self, class: ObjectId, elements: &[u8]) {
        if class == self.watch.object_array {
            self.references(elements);
        }
    }

    fn large_array(&mut self, array: &LargeArray, _offset: u64) {
        match array.element {
            Some(element) => self.primitive_array(array.id, element, array.length, &[]),
            None => self.object_array(array.id, array.class, array.length),
        }
    }
}

/// Open-addressing table from class ids to small indexes, with the last answer at hand.
#[derive(Clone, Debug)]
struct ClassIndexTable {
    /// Pairs of key and index + 1; 0 is free.
    entries: Vec<(u64, usize)>,
    used: usize,
    shift: u32,
    last: (u64, usize),
}

impl Default for ClassIndexTable {
    fn default() -> Self {
        Self { entries: vec![(0, 0); 1024], used: 0, shift: 64 - 10, last: (0, 0) }
    }
}

impl ClassIndexTable {
    #[inline(always)]
    fn slot(&self, key: u64) -> usize {
        // The high bits of a Fibonacci hash: ids are multiples of 8 or more.
        (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> self.shift) as usize
    }

    #[inline(always)]
    fn get(&mut self, key: u64) -> Option<usize> {
        if self.last.0 == key && self.last.1 != 0 {
            return Some(self.last.1 - 1);
        }
        let mask = self.entries.len() - 1;
        let mut slot = self.slot(key);
        loop {
            let entry = self.entries[slot & mask];
            if entry.1 == 0 {
                return None;
            }
            if entry.0 == key {
                self.last = entry;
                return Some(entry.1 - 1);
            }
            slot += 1;
        }
    }

    #[cold]
    fn insert(&mut self, key: u64, index: usize) {
        self.used += 1;
        if self.used * 2 > self.entries.len() {
            let before = std::mem::take(&mut self.entries);
            self.entries = vec![(0, 0); before.len() * 2];
            self.shift -= 1;
            for entry in before.into_iter().filter(|entry| entry.1 != 0) {
                self.place(entry);
            }
        }
        self.place((key, index + 1));
    }

    fn place(&mut self, entry: (u64, usize)) {
        let mask = self.entries.len() - 1;
        let mut slot = self.slot(entry.0) & mask;
        while self.entries[slot].1 != 0 {
            slot = (slot + 1) & mask;
        }
        self.entries[slot] = entry;
    }
}
