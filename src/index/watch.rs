//! What the walk over the heap looks out for, known before it starts.

use hashbrown::{HashMap, HashSet};

use super::sample::window_of;
use crate::parser::classes::{ClassRecord, Symbols};
use crate::parser::ids::{ObjectId, StringId};
use crate::parser::resync::KnownClasses;

/// Classes few instances of which are wanted whole.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum SpecialKind {
    /// A class loader; its `name` field.
    Loader,
    /// A thread; its `name` field.
    Thread,
    /// A stack chunk of a virtual thread; its `size` in words, on which its bytes depend.
    StackChunk,
    /// A `String`; its `value`, for the few strings that are wanted.
    String,
}

/// A special class and the field of it that is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Special {
    pub kind: SpecialKind,
    /// Offset and bytes of the field in an instance's values; `None` when there is no such field.
    pub field: Option<(u32, u8)>,
}

/// See the module's text. Made from the classes that stand before the first object, as HotSpot
/// writes them; empty for writers that scatter classes among the objects.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// Bytes of an instance's values and what is special, by class.
    classes: HashMap<ObjectId, Known>,
    /// Windows around the `java.lang.Class` objects: archived ones lie among them.
    windows: HashSet<u64>,
    /// A bit for each hash of a watched window, looked at first.
    filter: Box<[u64]>,
    /// The class of `Object[]`; null when unknown.
    pub object_array: ObjectId,
    /// Ids of the strings that are wanted, and their range.
    strings: Vec<ObjectId>,
    string_range: (u64, u64),
}

/// What is known of a class.
#[derive(Clone, Copy, Debug)]
struct Known {
    values_length: u64,
    special: Option<Special>,
}

const FILTER_BITS: u32 = 16;
/// Windows on each side of a class object that are watched as well.
const MARGIN: u64 = 2;

impl Watch {
    /// Makes the watch list from the first class records of a dump.
    pub fn new(
        records: &[ClassRecord],
        loads: &HashMap<ObjectId, StringId>,
        symbols: &Symbols,
        id_size: usize,
    ) -> Self {
        let by_id: HashMap<ObjectId, &ClassRecord> =
            records.iter().map(|record| (record.id, record)).collect();
        let name = |id: ObjectId| loads.get(&id).and_then(|name| symbols.bytes(*name));
        let mut watch = Self { filter: vec![0; 1 << (FILTER_BITS - 6)].into(), ..Self::default() };
        let mut path: Vec<&ClassRecord> = Vec::new();
        for start in records {
            // Superclasses first; a circle ends at the class that is already on the path.
            let mut next = Some(start);
            while let Some(record) = next.filter(|record| !watch.classes.contains_key(&record.id)) {
                watch.classes.insert(record.id, Known { values_length: 0, special: None });
                path.push(record);
                next = by_id.get(&record.superclass).copied();
            }
            while let Some(record) = path.pop() {
                let own: u64 =
                    record.fields.iter().map(|field| field.kind.dump_size(id_size) as u64).sum();
                let above = watch.classes.get(&record.superclass).copied();
                let special = match name(record.id).and_then(special_kind) {
                    Some((kind, field)) => {
                        Some(Special { kind, field: find_field(record, field, symbols, id_size) })
                    }
                    // The values of a superclass follow those of the class itself.
                    None => above.and_then(|above| above.special).map(|special| Special {
                        field: special
                            .field
                            .map(|(offset, size)| (offset.saturating_add(own as u32), size)),
                        ..special
                    }),
                };
                let values_length = own + above.map_or(0, |above| above.values_length);
                watch.classes.insert(record.id, Known { values_length, special });
            }
        }
        for record in records {
            // Archived mirrors lie among those of the classes that every JVM loads.
            if record.loader.is_null() {
                watch.watch_windows(record.id);
            }
            if matches!(name(record.id), Some(b"java/lang/VersionProps" | b"sun/misc/Version")) {
                let wanted = record.statics.iter().filter(|field| {
                    matches!(
                        symbols.bytes(field.name),
                        Some(b"java_version" | b"java_runtime_version")
                    )
                });
                watch.strings.extend(
                    wanted.map(|field| ObjectId(field.value)).filter(|string| !string.is_null()),
                );
            }
        }
        for (class, name) in loads {
            if symbols.bytes(*name) == Some(b"[Ljava/lang/Object;") {
                watch.object_array = *class;
            }
        }
        watch.string_range = (
            watch.strings.iter().min().map_or(u64::MAX, |id| id.0),
            watch.strings.iter().max().map_or(0, |id| id.0),
        );
        watch
    }

    fn watch_windows(&mut self, class: ObjectId) {
        let window = window_of(class.0);
        for window in window.saturating_sub(MARGIN)..=window.saturating_add(MARGIN) {
            if self.windows.insert(window) {
                let bit = filter_bit(window);
                self.filter[bit >> 6] |= 1 << (bit & 63);
            }
        }
    }

    /// True for an address near a class object.
    #[inline(always)]
    pub fn watches(&self, id: u64) -> bool {
        let window = window_of(id);
        let bit = filter_bit(window);
        self.filter.get(bit >> 6).is_some_and(|word| word >> (bit & 63) & 1 != 0)
            && self.windows.contains(&window)
    }

    /// What is special about a class.
    pub fn special(&self, class: ObjectId) -> Option<Special> {
        self.classes.get(&class)?.special
    }

    /// True for a string whose text is wanted.
    #[inline(always)]
    pub fn wants_string(&self, id: ObjectId) -> bool {
        id.0 >= self.string_range.0 && id.0 <= self.string_range.1 && self.strings.contains(&id)
    }

    /// True when no class stands before the objects.
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }
}

impl KnownClasses for Watch {
    fn values_length(&self, class: ObjectId) -> Option<u64> {
        self.classes.get(&class).map(|known| known.values_length)
    }
}

#[inline(always)]
fn filter_bit(window: u64) -> usize {
    (window.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - FILTER_BITS)) as usize
}

/// The classes instances of which are wanted, and the field that is wanted of them.
fn special_kind(name: &[u8]) -> Option<(SpecialKind, &'static str)> {
    match name {
        b"java/lang/ClassLoader" => Some((SpecialKind::Loader, "name")),
        b"java/lang/Thread" => Some((SpecialKind::Thread, "name")),
        b"jdk/internal/vm/StackChunk" => Some((SpecialKind::StackChunk, "size")),
        b"java/lang/String" => Some((SpecialKind::String, "value")),
        _ => None,
    }
}

/// Offset and bytes of a field among the class's own values.
fn find_field(
    record: &ClassRecord,
    name: &str,
    symbols: &Symbols,
    id_size: usize,
) -> Option<(u32, u8)> {
    let mut offset = 0;
    record.fields.iter().find_map(|field| {
        let at = offset;
        let size = field.kind.dump_size(id_size);
        offset += size as u32;
        (symbols.bytes(field.name) == Some(name.as_bytes())).then_some((at, size as u8))
    })
}
