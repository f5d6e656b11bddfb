//! Whether a dump holds only live objects, or also garbage.
//!
//! A dump does not say whether the JVM collected garbage before it was taken. But garbage begins
//! with objects that nothing refers to, and a heap that was just collected has next to none, but for
//! what fields of class objects hold, which no dump shows. So one more walk looks for references to
//! the objects of the sample: bounded memory, whatever the dump.

use std::sync::atomic::{AtomicBool, Ordering};

use hashbrown::HashMap;
use rayon::prelude::*;

use super::mapped;
use super::sample::{Gaps, Shape};
use super::scan::Scan;
use super::stream;
use super::tally::Sink;
use crate::parser::bytes::id_of_size;
use crate::parser::classes::{ClassIndex, ClassTable};
use crate::parser::heap::HeapRecord;
use crate::parser::ids::ObjectId;
use crate::parser::tags::FieldType;
use crate::source::Source;

/// Fewer objects than this prove nothing.
const ENOUGH: u64 = 500;
/// Objects that only the JVM itself holds, of which every collected heap has some (15 to 75 on the
/// JVMs tried, several hundred without class data sharing).
const JVM_HELD: u64 = 128;
/// Shares of unreferenced objects below and above which the answer is clear, those that class
/// objects may hold left out. Without them live dumps had up to 0.002, others from 0.013 on.
const LIVE: f64 = 0.003;
const GARBAGE: f64 = 0.02;

/// What the walk marks: sampled objects that something refers to.
struct Marks<'a> {
    index: HashMap<u64, u32>,
    referenced: Vec<AtomicBool>,
    /// Offsets of the references in the values of each class's instances.
    offsets: HashMap<ObjectId, Box<[u32]>>,
    id_size: usize,
    gaps: &'a Gaps,
}

impl<'a> Marks<'a> {
    fn new(gaps: &'a Gaps, classes: &ClassTable, scan: &Scan) -> Self {
        let id_size = scan.header.id_size.bytes();
        let objects = &gaps.objects;
        let offsets = |index: ClassIndex| {
            let references = classes
                .placed_fields(index, id_size)
                .filter(|(.., field)| field.kind == FieldType::Object);
            references.map(|(offset, ..)| offset as u32).collect()
        };
        Self {
            index: objects.iter().zip(0..).map(|(object, nth)| (object.id.0, nth)).collect(),
            referenced: objects.iter().map(|_| AtomicBool::new(false)).collect(),
            offsets: scan
                .tally
                .class_counts()
                .into_iter()
                .filter_map(|count| Some((count.class, offsets(classes.index_of(count.class)?))))
                .collect(),
            id_size,
            gaps,
        }
    }

    fn mark(&self, id: u64) {
        if let Some(nth) = self.index.get(&id) {
            self.referenced[*nth as usize].store(true, Ordering::Relaxed);
        }
    }

    /// True when live, false when there is garbage, `None` when in doubt.
    fn verdict(&self, classes: &ClassTable, objects: u64) -> Option<bool> {
        // Fillers are unreferenced by nature, and mirrors are held by their classes.
        let counts = self.gaps.objects.iter().zip(&self.referenced).filter(|(object, _)| {
            !matches!(
                object.shape,
                Shape::Mirror | Shape::PrimitiveArray { element: FieldType::Int }
            )
        });
        let mut all = 0;
        let mut unreferenced: HashMap<Option<ClassIndex>, u64> = HashMap::new();
        for (object, referenced) in counts {
            all += 1;
            if !referenced.load(Ordering::Relaxed) {
                let class = match object.shape {
                    Shape::Instance { class } => classes.index_of(class),
                    _ => None,
                };
                *unreferenced.entry(class).or_default() += 1;
            }
        }
        let mut class_objects = classes.classes.len() as u64;
        if !self.gaps.whole {
            // What class objects hold lies close together: a sample may have twice its share.
            class_objects = (2 * class_objects * all).div_ceil(objects.max(1)).min(class_objects);
        }
        let unreferenced = without_held_by_classes(unreferenced, classes, class_objects);
        judge(unreferenced, all, self.gaps.whole)
    }
}

/// What fields of class objects hold, which no dump shows: their names, their reflection data and
/// what is remembered of annotations, at most one of each for each class.
const HELD_BY_CLASSES: [&str; 7] = [
    "java/lang/String",
    "java/lang/ref/SoftReference",
    "java/lang/reflect/Constructor",
    "java/lang/Class$AnnotationData",
    "java/lang/ClassValue$ClassValueMap",
    "sun/reflect/annotation/AnnotationType",
    "sun/reflect/generics/repository/ClassRepository",
];

/// Adds up unreferenced objects by their class, other than those that `class_objects` class objects
/// may hold.
pub fn without_held_by_classes(
    unreferenced: impl IntoIterator<Item = (Option<ClassIndex>, u64)>,
    classes: &ClassTable,
    class_objects: u64,
) -> u64 {
    let counted = unreferenced.into_iter().map(|(class, count)| {
        let name = class.map_or("", |class| classes.get(class).name.as_str());
        let held = if HELD_BY_CLASSES.contains(&name) { class_objects } else { 0 };
        count.saturating_sub(held)
    });
    counted.sum()
}

/// Judges by how many of `all` objects, or of a sample of them, nothing refers to. True when the dump
/// is live, false when there is garbage, `None` when in doubt. Fillers of the heap (`int[]`) are
/// unreferenced by nature, and should not be counted.
pub fn judge(unreferenced: u64, all: u64, whole: bool) -> Option<bool> {
    match unreferenced as f64 / all as f64 {
        _ if all < ENOUGH => None,
        _ if whole && unreferenced <= JVM_HELD => Some(true),
        share if share <= LIVE => Some(true),
        share if share >= GARBAGE => Some(false),
        _ => None,
    }
}

/// Marks what the records of one part refer to. The class of the last instance is remembered:
/// instances of one class come in runs.
struct Marker<'a, 'm> {
    marks: &'m Marks<'a>,
    class: ObjectId,
    offsets: &'m [u32],
}

impl<'a, 'm> Marker<'a, 'm> {
    fn new(marks: &'m Marks<'a>) -> Self {
        Self { marks, class: ObjectId::NULL, offsets: &[] }
    }

    #[inline(always)]
    fn mark(&mut self, id: u64) {
        if self.marks.gaps.covers(id) {
            self.marks.mark(id);
        }
    }
}

impl Sink for Marker<'_, '_> {
    #[inline(always)]
    fn record(&mut self, record: &HeapRecord<'_>, _: u64) {
        let marks = self.marks;
        match record {
            HeapRecord::Instance(instance) => {
                if instance.class != self.class {
                    self.class = instance.class;
                    self.offsets = marks.offsets.get(&instance.class).map_or(&[], AsRef::as_ref);
                }
                for offset in self.offsets {
                    let id = id_of_size(instance.values, *offset as usize, marks.id_size);
                    self.mark(id.unwrap_or(0));
                }
            }
            HeapRecord::ObjectArray(array) => self.elements(array.class, array.elements),
            HeapRecord::Class(class) => {
                for reference in [class.loader, class.signers, class.protection_domain] {
                    self.mark(reference.0);
                }
                for field in class.statics().filter(|field| field.kind == FieldType::Object) {
                    self.mark(field.value);
                }
            }
            HeapRecord::Root(root) => self.mark(root.object.0),
            HeapRecord::PrimitiveArray(_) | HeapRecord::HeapInfo { .. } => {}
        }
    }

    fn elements(&mut self, _: ObjectId, elements: &[u8]) {
        for element in elements.chunks_exact(self.marks.id_size) {
            self.mark(id_of_size(element, 0, self.marks.id_size).unwrap_or(0));
        }
    }
}

/// Walks the dump once more and tells whether it holds garbage: `Some(true)` when all objects are
/// live, `None` when that cannot be told.
pub fn is_live(
    source: &mut Source,
    scan: &Scan,
    classes: &ClassTable,
    gaps: &Gaps,
    threads: usize,
) -> Option<bool> {
    // A part that is missing takes its references with it.
    if !scan.integrity.is_complete() || scan.dumps > 1 {
        return None;
    }
    let marks = Marks::new(gaps, classes, scan);
    match source.mapped() {
        Some(bytes) => scan.parts.par_iter().with_max_len(1).for_each(|part| {
            mapped::revisit(bytes, *part, scan.header.id_size, &mut Marker::new(&marks));
        }),
        None if source.is_rereadable() => {
            let reader = source.read(threads).ok()?;
            stream::revisit(reader, &mut Marker::new(&marks)).ok()?;
        }
        None => return None,
    }
    marks.verdict(classes, scan.tally.objects)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parser::classes::{ClassRecord, Symbols};
    use crate::parser::ids::StringId;

    #[test]
    fn class_objects_hold_one_name_each_and_no_garbage() {
        let names = ["java/lang/String", "java/lang/StringBuilder"];
        let (mut symbols, mut loads, mut records) = (Symbols::default(), HashMap::new(), vec![]);
        for (name, id) in names.into_iter().zip(1..) {
            symbols.define(StringId(id), name.as_bytes());
            loads.insert(ObjectId(id), StringId(id));
            records.push(ClassRecord {
                id: ObjectId(id),
                superclass: ObjectId::NULL,
                loader: ObjectId::NULL,
                signers: ObjectId::NULL,
                protection_domain: ObjectId::NULL,
                instance_size: 0,
                statics: [].into(),
                fields: [].into(),
                offset: 0,
            });
        }
        let classes = ClassTable::build(records, &loads, [], symbols);
        let [string, builder] = names.map(|name| classes.named(name));
        let left = |unreferenced: &[(Option<ClassIndex>, u64)]| {
            without_held_by_classes(unreferenced.iter().copied(), &classes, 100)
        };
        assert_eq!(left(&[(string, 90)]), 0);
        assert_eq!(left(&[(string, 130), (builder, 50), (None, 7)]), 30 + 50 + 7);
    }
}
