//! The classes of a dump with their names, fields and hierarchy.

use hashbrown::HashMap;

use super::class_dump::{ClassDump, InstanceField, StaticField};
use super::ids::{ObjectId, StringId};
use super::names;
use super::tags::FieldType;

/// Index into [`ClassTable::classes`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ClassIndex(pub u32);

/// A `CLASS_DUMP` copied out of the dump, before names are known.
///
/// About 120 bytes and 16–24 per field; a large Spark application has 30,000 of them.
#[derive(Clone, Debug)]
pub struct ClassRecord {
    pub id: ObjectId,
    pub superclass: ObjectId,
    pub loader: ObjectId,
    pub signers: ObjectId,
    pub protection_domain: ObjectId,
    pub instance_size: u32,
    pub statics: Box<[StaticField]>,
    pub fields: Box<[InstanceField]>,
    /// Where the record stands in the dump; among duplicates the first one counts.
    pub offset: u64,
}

impl ClassRecord {
    pub fn new(class: &ClassDump<'_>, offset: u64) -> Self {
        Self {
            id: class.id,
            superclass: class.superclass,
            loader: class.loader,
            signers: class.signers,
            protection_domain: class.protection_domain,
            instance_size: class.instance_size,
            statics: class.statics().collect(),
            fields: class.fields().collect(),
            offset,
        }
    }
}

/// A class of the dump.
#[derive(Clone, Debug)]
pub struct Class {
    pub id: ObjectId,
    /// Internal name, such as `java/util/HashMap$Node` or `[I`.
    pub name: String,
    pub superclass: Option<ClassIndex>,
    /// The loading class loader; null for the boot loader.
    pub loader: ObjectId,
    pub signers: ObjectId,
    pub protection_domain: ObjectId,
    pub instance_size: u32,
    pub statics: Box<[StaticField]>,
    pub fields: Box<[InstanceField]>,
    /// False for a class that objects name but that has no `CLASS_DUMP`.
    pub dumped: bool,
}

impl Class {
    /// The name as `jmap -histo` prints it.
    pub fn jmap_name(&self) -> String {
        names::jmap_name(&self.name)
    }
}

/// The symbols that are needed: names of classes and fields, methods of frames.
#[derive(Clone, Debug, Default)]
pub struct Symbols {
    texts: HashMap<StringId, Box<[u8]>>,
    /// Ids that are defined twice with different texts; the last one counts.
    pub conflicts: u64,
}

impl Symbols {
    /// Longest text that is kept; longer ones are cut and marked.
    const LONGEST: usize = 64 << 10;

    /// Notes that `id` stands for `text`.
    pub fn define(&mut self, id: StringId, text: &[u8]) {
        let kept = if text.len() > Self::LONGEST {
            let mut cut = text[..Self::LONGEST].to_vec();
            cut.extend_from_slice(format!("...({} bytes)", text.len()).as_bytes());
            cut.into()
        } else {
            text.into()
        };
        if let Some(previous) = self.texts.insert(id, kept) {
            self.conflicts += u64::from(self.texts[&id] != previous);
        }
    }

    /// Bytes of the symbol; `None` when it is not defined (empty symbols never are).
    pub fn bytes(&self, id: StringId) -> Option<&[u8]> {
        self.texts.get(&id).map(AsRef::as_ref)
    }

    /// The symbol as text.
    pub fn text(&self, id: StringId) -> Option<String> {
        self.bytes(id).map(names::decode_modified_utf8)
    }

    pub fn len(&self) -> usize {
        self.texts.len()
    }

    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }
}

/// What is wrong with the classes of a dump.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClassFaults {
    /// Classes that were dumped more than once; the first dump counts.
    pub duplicates: u64,
    /// Classes whose chain of superclasses ran in a circle; it is cut.
    pub cycles: u64,
    /// Classes whose superclass has no `CLASS_DUMP`.
    pub missing_superclasses: u64,
    /// Classes that objects or superclass links name, but that nothing describes.
    pub unknown: u64,
}

/// All classes of a dump, in order of their ids.
#[derive(Clone, Debug, Default)]
pub struct ClassTable {
    pub classes: Vec<Class>,
    pub symbols: Symbols,
    pub faults: ClassFaults,
    by_id: HashMap<ObjectId, ClassIndex>,
    by_name: HashMap<String, ClassIndex>,
    /// The nearest superclass that declares instance fields.
    fielded: Vec<Option<ClassIndex>>,
}

impl ClassTable {
    /// Builds the table from class records, the names of `LOAD_CLASS` records, and the ids of
    /// classes that objects refer to (those that nothing describes become unknown classes).
    pub fn build(
        mut records: Vec<ClassRecord>,
        loads: &HashMap<ObjectId, StringId>,
        referenced: impl IntoIterator<Item = ObjectId>,
        symbols: Symbols,
    ) -> Self {
        records.sort_unstable_by_key(|record| (record.id, record.offset));
        let before = records.len();
        records.dedup_by_key(|record| record.id);
        let mut faults =
            ClassFaults { duplicates: (before - records.len()) as u64, ..ClassFaults::default() };
        let supers: Vec<ObjectId> = records.iter().map(|record| record.superclass).collect();
        let mut classes: Vec<Class> = Vec::with_capacity(records.len());
        let mut by_id = HashMap::with_capacity(records.len());
        let name = |id: ObjectId| {
            let known = loads.get(&id).and_then(|name| symbols.text(*name));
            known
                .map(|name| names::internal_name(&name))
                .unwrap_or_else(|| format!("unknown class {id}"))
        };
        for record in records {
            by_id.insert(record.id, ClassIndex(classes.len() as u32));
            classes.push(Class {
                id: record.id,
                name: name(record.id),
                superclass: None,
                loader: record.loader,
                signers: record.signers,
                protection_domain: record.protection_domain,
                instance_size: record.instance_size,
                statics: record.statics,
                fields: record.fields,
                dumped: true,
            });
        }
        for (index, superclass) in supers.iter().enumerate() {
            if !superclass.is_null() {
                classes[index].superclass = by_id.get(superclass).copied();
                faults.missing_superclasses += u64::from(classes[index].superclass.is_none());
            }
        }
        faults.cycles = cut_cycles(&mut classes);
        let mut undescribed: Vec<ObjectId> =
            referenced.into_iter().filter(|id| !by_id.contains_key(id)).collect();
        undescribed.sort_unstable();
        undescribed.dedup();
        for id in undescribed {
            by_id.insert(id, ClassIndex(classes.len() as u32));
            let name = name(id);
            // Agents never dump array classes; their names tell all there is to know.
            faults.unknown += u64::from(!name.starts_with('['));
            classes.push(Class {
                id,
                name,
                superclass: None,
                loader: ObjectId::NULL,
                signers: ObjectId::NULL,
                protection_domain: ObjectId::NULL,
                instance_size: 0,
                statics: Box::default(),
                fields: Box::default(),
                dumped: false,
            });
        }
        let mut by_name = HashMap::with_capacity(classes.len());
        for (index, class) in classes.iter().enumerate() {
            // Of several classes of one name the boot loader's is the one that is looked for.
            if class.loader.is_null() || !by_name.contains_key(&class.name) {
                by_name.insert(class.name.clone(), ClassIndex(index as u32));
            }
        }
        let fielded = nearest_with_fields(&classes);
        Self { classes, symbols, faults, by_id, by_name, fielded }
    }

    pub fn get(&self, index: ClassIndex) -> &Class {
        &self.classes[index.0 as usize]
    }

    pub fn index_of(&self, id: ObjectId) -> Option<ClassIndex> {
        self.by_id.get(&id).copied()
    }

    /// The class of this internal name, of the boot loader where there are several.
    pub fn named(&self, name: &str) -> Option<ClassIndex> {
        self.by_name.get(name).copied()
    }

    /// The class and those of its superclasses that declare instance fields, from itself up. As
    /// long as the values of an instance at most, however long the chain of superclasses is.
    pub fn fielded_chain(&self, index: ClassIndex) -> impl Iterator<Item = &Class> {
        let mut next = Some(index);
        std::iter::from_fn(move || {
            let index = next?;
            next = self.fielded[index.0 as usize];
            Some(self.get(index))
        })
    }

    /// The fields of the instances of a class, in the order of their values: where in the values each
    /// stands, the class that declares it, and the field.
    pub fn placed_fields(
        &self,
        index: ClassIndex,
        id_size: usize,
    ) -> impl Iterator<Item = (usize, &Class, &InstanceField)> {
        let mut next = 0;
        self.fielded_chain(index)
            .flat_map(|class| class.fields.iter().map(move |field| (class, field)))
            .map(move |(class, field)| {
                let offset = next;
                next += field.kind.dump_size(id_size);
                (offset, class, field)
            })
    }

    /// Bytes of an instance's values in the dump, by the declared fields.
    pub fn values_length(&self, index: ClassIndex, id_size: usize) -> u64 {
        self.fielded_chain(index)
            .flat_map(|class| &class.fields)
            .map(|field| field.kind.dump_size(id_size) as u64)
            .sum()
    }

    /// Where in an instance's values of class `index` the field `name`, declared by the class
    /// named `declared_in`, stands: offset and type.
    pub fn field_offset(
        &self,
        index: ClassIndex,
        declared_in: &str,
        name: &str,
        id_size: usize,
    ) -> Option<(usize, FieldType)> {
        self.placed_fields(index, id_size)
            .find(|(_, class, field)| {
                class.name == declared_in && self.symbols.bytes(field.name) == Some(name.as_bytes())
            })
            .map(|(offset, _, field)| (offset, field.kind))
    }

    /// The value of a static field.
    pub fn static_value(&self, class: &str, field: &str) -> Option<u64> {
        let class = self.get(self.named(class)?);
        class
            .statics
            .iter()
            .find(|entry| self.symbols.bytes(entry.name) == Some(field.as_bytes()))
            .map(|entry| entry.value)
    }
}

/// For each class the nearest superclass that declares instance fields. Needs a hierarchy without
/// circles.
fn nearest_with_fields(classes: &[Class]) -> Vec<Option<ClassIndex>> {
    let mut nearest: Vec<Option<Option<ClassIndex>>> = vec![None; classes.len()];
    let mut path = Vec::new();
    for start in 0..classes.len() {
        let mut at = start;
        while nearest[at].is_none() {
            path.push(at);
            match classes[at].superclass {
                Some(superclass) => at = superclass.0 as usize,
                None => break,
            }
        }
        while let Some(at) = path.pop() {
            nearest[at] = Some(classes[at].superclass.and_then(|superclass| {
                let above = superclass.0 as usize;
                if classes[above].fields.is_empty() { nearest[above]? } else { Some(superclass) }
            }));
        }
    }
    nearest.into_iter().map(Option::flatten).collect()
}

/// Cuts superclass links that close a circle; gives how many.
fn cut_cycles(classes: &mut [Class]) -> u64 {
    const UNSEEN: u32 = u32::MAX;
    let mut seen_by = vec![UNSEEN; classes.len()];
    let mut cut = 0;
    for start in 0..classes.len() {
        let mut at = start;
        loop {
            seen_by[at] = start as u32;
            let Some(ClassIndex(next)) = classes[at].superclass else { break };
            let next = next as usize;
            if seen_by[next] == start as u32 {
                classes[at].superclass = None;
                cut += 1;
                break;
            }
            if seen_by[next] != UNSEEN {
                break;
            }
            at = next;
        }
    }
    cut
}
