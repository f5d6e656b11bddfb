//! What is needed of the base dump: where its records are, which of its objects are copied, and
//! where in them the references stand.

use std::collections::HashMap;
use std::ops::Range;

use heapdrift::parser::bytes::align_up;
use heapdrift::parser::classes::{ClassIndex, ClassRecord, ClassTable, Symbols};
use heapdrift::parser::header::Header;
use heapdrift::parser::heap::{HeapRecord, HeapRecords};
use heapdrift::parser::ids::{ObjectId, StringId};
use heapdrift::parser::record::RECORD_HEADER;
use heapdrift::parser::structure::{Ahead, HeapLength, Step, next_step};
use heapdrift::parser::tables::{TopLevelTables, WellKnown};
use heapdrift::parser::tags::{FieldType, top};

use super::Problem;

/// What every address of a copy is a multiple of more than in the base: more than any alignment of
/// objects, so that a copy is aligned as the base is.
const GRAIN: u64 = 1 << 20;
/// Addresses left free behind the base's objects. Objects can be larger in the heap than in the
/// dump (headers, padding, stacks of virtual threads), and the JVM's archive can hold objects that
/// are not in the dump: the copies stay clear of them.
const ROOM: u64 = 4 << 20;

/// See the module's text.
pub struct Base<'d> {
    pub bytes: &'d [u8],
    /// The top-level records that are no heap dumps, headers included.
    pub records: Vec<Range<usize>>,
    /// Bodies of the heap dump segments.
    pub heap: Vec<Range<usize>>,
    /// Offsets of the records of the objects that are copied, in the order of the dump.
    pub objects: Vec<usize>,
    /// Objects that are not copied: those of `java.lang.Class`, of which each class has one.
    pub single: usize,
    /// Ids of the objects that are copied, sorted.
    ids: Vec<u64>,
    layouts: HashMap<ObjectId, Layout>,
    /// The class of `Object[]`.
    pub object_array: ObjectId,
    /// The objects that roots and static fields of the base refer to, sorted: what keeps the
    /// others alive.
    pub linked: Vec<u64>,
    /// Address of the array that keeps the objects alive in a copy, as it would be in the base.
    pub links_at: u64,
    /// Distance from an object's address to that of its copy in the next copy.
    pub span: u64,
    /// End of the addresses that the base and its free room take.
    end: u64,
}

/// How the values of a class's instances lie in the dump.
struct Layout {
    /// Bytes of the values.
    length: usize,
    /// Offsets of the references.
    references: Box<[usize]>,
}

impl<'d> Base<'d> {
    /// Looks at every record of a dump.
    pub fn survey<const ID: usize>(bytes: &'d [u8], header: &Header) -> Result<Self, Problem> {
        let top = TopLevel::read(bytes, header)?;
        let name = |wanted: &[u8]| {
            let named = |(_, name): &(_, &StringId)| top.symbols.bytes(**name) == Some(wanted);
            top.tables.loads.iter().find(named).map(|(class, _)| *class)
        };
        let class_of_classes = name(b"java/lang/Class").unwrap_or(ObjectId::NULL);
        let object_array = name(b"[Ljava/lang/Object;").ok_or_else(|| Problem {
            offset: None,
            what: "there is no class of Object[] in it".to_owned(),
            remedy: "pass a dump of a whole HotSpot heap",
        })?;
        let mut survey = Survey { lowest: u64::MAX, ..Survey::default() };
        for body in &top.heap {
            survey.segment::<ID>(bytes, body.clone(), class_of_classes)?;
        }
        let Survey { objects, single, mut ids, classes, mut linked, lowest, end } = survey;
        if objects.is_empty() {
            return Err(Problem::at(header.length, "there is no object in it"));
        }
        ids.sort_unstable();
        linked.sort_unstable();
        linked.dedup();
        linked.retain(|id| ids.binary_search(id).is_ok());
        let links_at = align_up(end.saturating_add(ROOM), GRAIN);
        // Ids in the dump are at least as wide as references in the heap.
        let links_end = links_at.saturating_add((linked.len() * ID) as u64).saturating_add(ROOM);
        let span = align_up(links_end, GRAIN) - lowest / GRAIN * GRAIN;
        let base = Self {
            bytes,
            records: top.records,
            heap: top.heap,
            objects,
            single,
            ids,
            layouts: layouts::<ID>(classes, &top.tables),
            object_array,
            linked,
            links_at,
            span,
            end: links_end,
        };
        base.check_lengths::<ID>()?;
        Ok(base)
    }

    /// Bytes of all heap records.
    pub fn heap_bytes(&self) -> u64 {
        self.heap.iter().map(|body| body.len() as u64).sum()
    }

    /// The record of a copied object at `offset`.
    pub fn object<const ID: usize>(&self, offset: usize) -> Option<(HeapRecord<'d>, &'d [u8])> {
        let mut records = HeapRecords::<ID>::new(self.bytes, offset);
        let record = records.next_record().ok()??;
        Some((record, &self.bytes[offset..records.position()]))
    }

    /// Offsets of the references in the values of a class's instances.
    pub fn references(&self, class: ObjectId) -> &[usize] {
        self.layouts.get(&class).map_or(&[], |layout| &layout.references)
    }

    /// True for the id of an object that is copied.
    pub fn is_copied(&self, id: u64) -> bool {
        self.ids.binary_search(&id).is_ok()
    }

    /// Checks that the addresses of all copies fit into an id.
    pub fn check_room<const ID: usize>(&self, copies: u64) -> Result<(), Problem> {
        let limit = if ID == 4 { 1 << 32 } else { 1 << 63 };
        let highest = copies.checked_mul(self.span).and_then(|moved| moved.checked_add(self.end));
        if highest.is_some_and(|highest| highest <= limit) {
            return Ok(());
        }
        let most = limit.saturating_sub(self.end) / self.span;
        Err(Problem {
            offset: None,
            what: format!(
                "the addresses of {copies} copies do not fit into ids of {ID} bytes; those of \
                 {most} do"
            ),
            remedy: "ask for fewer copies, or pass a larger base",
        })
    }

    /// Checks that every instance has the fields that its class declares.
    fn check_lengths<const ID: usize>(&self) -> Result<(), Problem> {
        for offset in &self.objects {
            if let Some((HeapRecord::Instance(instance), _)) = self.object::<ID>(*offset) {
                let layout = self.layouts.get(&instance.class);
                if layout.is_none_or(|layout| layout.length != instance.values.len()) {
                    let what = "an instance does not have the fields of its class";
                    return Err(Problem::at(*offset, what));
                }
            }
        }
        Ok(())
    }
}

/// The records outside of heap dumps.
struct TopLevel {
    records: Vec<Range<usize>>,
    heap: Vec<Range<usize>>,
    tables: TopLevelTables,
    symbols: Symbols,
}

impl TopLevel {
    fn read(bytes: &[u8], header: &Header) -> Result<Self, Problem> {
        let mut tables = TopLevelTables::default();
        let mut known = WellKnown::default();
        let (mut records, mut heap) = (Vec::new(), Vec::new());
        let id_size = header.id_size.bytes();
        let mut at = header.length;
        // Dumps that the file holds; segments up to an end belong to one.
        let (mut dumps, mut open, mut closed) = (0, false, false);
        loop {
            let remaining = Some((bytes.len() - at) as u64);
            match next_step(Ahead { bytes: &bytes[at..], remaining, closed }) {
                Step::End => break,
                Step::Record(record) => {
                    let body = at + RECORD_HEADER;
                    let end = body + record.length as usize;
                    tables.record(record.tag, &bytes[body..end], id_size, at as u64);
                    if let (top::UTF8, Some((id, text))) =
                        (record.tag, bytes[body..end].split_at_checked(id_size))
                    {
                        let id = id.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
                        known.offer(StringId(id), text);
                    }
                    records.push(at..end);
                    at = end;
                }
                Step::Heap { header, length: HeapLength::Written(length) } => {
                    let single = header.tag == top::HEAP_DUMP;
                    dumps += usize::from(single || !open);
                    (open, closed) = (!single, false);
                    let body = at + RECORD_HEADER;
                    at = body + length as usize;
                    heap.push(body..at);
                }
                Step::Heap { .. } => return Err(Problem::at(at, "the heap dump is cut off")),
                Step::DumpEnd => {
                    (open, closed) = (false, true);
                    at += RECORD_HEADER;
                }
                Step::NewFile => return Err(Problem::at(at, "another dump is appended to it")),
                Step::Stop { reason, .. } => return Err(Problem::at(at, reason)),
            }
        }
        if let Some((tag, offset)) = tables.short.first {
            let what = format!("a {} record is too short", top::name(tag));
            return Err(Problem::at(offset as usize, what));
        }
        if dumps != 1 {
            let what = format!("the file holds {dumps} heap dumps, not one");
            return Err(Problem::at(header.length, what));
        }
        Ok(Self { records, heap, tables, symbols: known.symbols })
    }
}

/// The records inside of heap dumps.
#[derive(Default)]
struct Survey {
    objects: Vec<usize>,
    single: usize,
    ids: Vec<u64>,
    classes: Vec<ClassRecord>,
    linked: Vec<u64>,
    /// Range of the addresses of objects and classes.
    lowest: u64,
    end: u64,
}

impl Survey {
    fn segment<const ID: usize>(
        &mut self,
        bytes: &[u8],
        body: Range<usize>,
        class_of_classes: ObjectId,
    ) -> Result<(), Problem> {
        let mut records = HeapRecords::<ID>::new(&bytes[..body.end], body.start);
        loop {
            let offset = records.position();
            let record = match records.next_record() {
                Ok(Some(record)) => record,
                Ok(None) => return Ok(()),
                Err(fault) => return Err(Problem::at(offset, fault)),
            };
            let id = match record {
                HeapRecord::Instance(instance) if instance.class == class_of_classes => {
                    self.single += 1;
                    instance.id
                }
                HeapRecord::Instance(instance) => self.copied(instance.id, offset),
                HeapRecord::ObjectArray(array) => self.copied(array.id, offset),
                HeapRecord::PrimitiveArray(array) => self.copied(array.id, offset),
                HeapRecord::Class(class) => {
                    let references =
                        class.statics().filter(|field| field.kind == FieldType::Object);
                    self.linked.extend(references.map(|field| field.value));
                    self.classes.push(ClassRecord::new(&class, offset as u64));
                    class.id
                }
                HeapRecord::Root(root) => {
                    self.linked.push(root.object.0);
                    continue;
                }
                HeapRecord::HeapInfo { .. } => continue,
            };
            if id.is_null() {
                return Err(Problem::at(offset, "an object has the id 0"));
            }
            self.lowest = self.lowest.min(id.0);
            self.end = self.end.max(id.0.saturating_add((records.position() - offset) as u64));
        }
    }

    fn copied(&mut self, id: ObjectId, offset: usize) -> ObjectId {
        self.objects.push(offset);
        self.ids.push(id.0);
        id
    }
}

/// The layout of every class: its own fields come first, then those of its superclass, and so on.
fn layouts<const ID: usize>(
    classes: Vec<ClassRecord>,
    tables: &TopLevelTables,
) -> HashMap<ObjectId, Layout> {
    let table = ClassTable::build(classes, &tables.loads, [], Symbols::default());
    let layout = |index| {
        let mut length = 0;
        let mut references = Vec::new();
        for field in table.fielded_chain(index).flat_map(|class| &class.fields) {
            if field.kind == FieldType::Object {
                references.push(length);
            }
            length += field.kind.dump_size(ID);
        }
        Layout { length, references: references.into() }
    };
    let indexes = (0..table.classes.len() as u32).map(ClassIndex);
    indexes.map(|index| (table.get(index).id, layout(index))).collect()
}
