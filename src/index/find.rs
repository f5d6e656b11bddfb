//! Finds single objects of a walked dump by their ids, without an index.
//!
//! Of a mapped dump only the parts whose range of addresses can hold an id are walked again: one or
//! two where objects stand in order of their addresses (Serial, Parallel, G1), most of the dump
//! where they do not (ZGC, Shenandoah). A gzipped file is read once more from its start.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use hashbrown::{HashMap, HashSet};
use rayon::prelude::*;

use super::mapped;
use super::scan::{Part, Scan};
use super::stream;
use super::tally::Sink;
use crate::parser::bytes::id_of_size;
use crate::parser::classes::ClassTable;
use crate::parser::heap::HeapRecord;
use crate::parser::ids::ObjectId;
use crate::parser::tags::FieldType;
use crate::source::Source;

/// Longest primitive array that is copied out.
const LONGEST: usize = 64 << 10;

/// An object copied out of the dump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Instance { class: ObjectId, values: Box<[u8]> },
    Text { element: FieldType, values: Box<[u8]> },
}

struct Finder<'a> {
    wanted: &'a HashSet<ObjectId>,
    range: (u64, u64),
    found: HashMap<ObjectId, Found>,
}

impl<'a> Finder<'a> {
    fn new(wanted: &'a HashSet<ObjectId>) -> Self {
        let low = wanted.iter().min().map_or(u64::MAX, |id| id.0);
        let high = wanted.iter().max().map_or(0, |id| id.0);
        Self { wanted, range: (low, high), found: HashMap::new() }
    }

    #[inline(always)]
    fn wants(&self, id: ObjectId) -> bool {
        id.0 >= self.range.0 && id.0 <= self.range.1 && self.wanted.contains(&id)
    }
}

impl Sink for Finder<'_> {
    #[inline(always)]
    fn record(&mut self, record: &HeapRecord<'_>, _: u64) {
        match record {
            HeapRecord::Instance(instance) if self.wants(instance.id) => {
                let values = instance.values.into();
                self.found.insert(instance.id, Found::Instance { class: instance.class, values });
            }
            HeapRecord::PrimitiveArray(array) if self.wants(array.id) => {
                let values = array.values[..array.values.len().min(LONGEST)].into();
                self.found.insert(array.id, Found::Text { element: array.element, values });
            }
            _ => {}
        }
    }
}

/// Finds the wanted instances and primitive arrays. What is not in the dump, or in a stream that
/// cannot be read again, is not in the answer.
pub fn find(
    source: &mut Source,
    scan: &Scan,
    wanted: &HashSet<ObjectId>,
    threads: usize,
) -> HashMap<ObjectId, Found> {
    if wanted.is_empty() {
        return HashMap::new();
    }
    if let (Some(bytes), false) = (source.mapped(), scan.parts.is_empty()) {
        let mut ids: Vec<u64> = wanted.iter().map(|id| id.0).collect();
        ids.sort_unstable();
        let holds = |part: &Part| {
            let first = ids.partition_point(|id| *id < part.lowest);
            ids.get(first).is_some_and(|id| *id <= part.highest)
        };
        let parts: Vec<Part> = scan.parts.iter().copied().filter(holds).collect();
        let left = AtomicUsize::new(wanted.len());
        let found = Mutex::new(HashMap::new());
        parts.par_iter().with_max_len(1).for_each(|part| {
            if left.load(Ordering::Relaxed) == 0 {
                return;
            }
            let mut finder = Finder::new(wanted);
            mapped::revisit(bytes, *part, scan.header.id_size, &mut finder);
            if let Ok(mut found) = found.lock() {
                for (id, object) in finder.found {
                    if found.insert(id, object).is_none() {
                        left.fetch_sub(1, Ordering::Relaxed);
                    }
                }
            }
        });
        return found.into_inner().unwrap_or_default();
    }
    let mut finder = Finder::new(wanted);
    let reader = if source.is_rereadable() { source.read(threads).ok() } else { None };
    if let Some(reader) = reader {
        // Damage was told by the first walk; what is found before it counts.
        let _ = stream::revisit(reader, &mut finder);
    }
    finder.found
}

/// The texts of strings, by the id of the `String` (or of a bare `char[]`, as old thread names are).
pub fn strings(
    source: &mut Source,
    scan: &Scan,
    classes: &ClassTable,
    wanted: &HashSet<ObjectId>,
    threads: usize,
) -> HashMap<ObjectId, String> {
    let id_size = scan.header.id_size.bytes();
    let mut texts = HashMap::new();
    // String → array, with its encoding; and which arrays belong to which strings.
    let mut arrays: HashMap<ObjectId, Vec<(ObjectId, Encoding)>> = HashMap::new();
    for (id, object) in find(source, scan, wanted, threads) {
        match object {
            Found::Text { element, values } => {
                texts.insert(id, decode(element, &values, Encoding::of(element)));
            }
            Found::Instance { class, values } => {
                let Some(class) = classes.index_of(class) else { continue };
                let field = |name| {
                    let (offset, kind) =
                        classes.field_offset(class, "java/lang/String", name, id_size)?;
                    id_of_size_any(&values, offset, kind.dump_size(id_size))
                };
                let Some(value) = field("value").filter(|value| *value != 0) else { continue };
                let encoding = match field("coder") {
                    Some(1) => Encoding::Utf16,
                    Some(_) => Encoding::Latin1,
                    None => Encoding::Chars,
                };
                arrays.entry(ObjectId(value)).or_default().push((id, encoding));
            }
        }
    }
    let values = arrays.keys().copied().collect();
    for (array, object) in find(source, scan, &values, threads) {
        if let Found::Text { element, values } = object {
            for (string, encoding) in &arrays[&array] {
                texts.insert(*string, decode(element, &values, *encoding));
            }
        }
    }
    texts
}

/// How the bytes of a string's value are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// One byte for each character.
    Latin1,
    /// UTF-16 in a `byte[]`, in the byte order of the machine: little-endian on all that matter.
    Utf16,
    /// A `char[]`, big-endian as all numbers of the dump.
    Chars,
}

impl Encoding {
    /// The encoding of an array that no string tells of.
    pub fn of(element: FieldType) -> Self {
        if element == FieldType::Char { Self::Chars } else { Self::Latin1 }
    }
}

/// The text that the bytes of an array stand for.
pub fn decode(element: FieldType, values: &[u8], encoding: Encoding) -> String {
    let units = |read: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = values.chunks_exact(2).map(|pair| read([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    match (element, encoding) {
        (FieldType::Char, _) => units(u16::from_be_bytes),
        (_, Encoding::Utf16) => units(u16::from_le_bytes),
        _ => values.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// A value of 1, 4 or 8 bytes.
fn id_of_size_any(values: &[u8], offset: usize, size: usize) -> Option<u64> {
    match size {
        1 => values.get(offset).copied().map(u64::from),
        size => id_of_size(values, offset, size),
    }
}
