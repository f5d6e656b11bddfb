//! Single objects of a dump, read by way of its index.
//!
//! The index tells where in the uncompressed dump an object is; a few records are walked from there.

use hashbrown::HashMap;

use super::hop;
use super::scan::{ScanError, ScanOptions};
use super::store::{Form, HeapIndex, OpenIndexError, StoredClass};
use crate::parser::bytes::{id_of_size, u16_at, u32_at, u64_at};
use crate::parser::header::IdSize;
use crate::parser::heap::{HeapRecord, HeapRecords};
use crate::parser::ids::ObjectId;
use crate::parser::tags::FieldType;

/// Objects that are walked in search of one. The index promises to lead to one of the 64 before it;
/// objects that are described twice come on top.
const MOST_WALKED: usize = 4096;

/// The classes of an index.
pub struct Classes {
    pub all: Vec<StoredClass>,
    by_id: HashMap<ObjectId, u32>,
}

/// A field of the instances of a class.
#[derive(Clone, Copy, Debug)]
pub struct Field<'c> {
    pub declared_in: &'c StoredClass,
    pub name: &'c str,
    pub kind: FieldType,
    /// Where its value stands among the values of an instance.
    pub offset: usize,
}

impl Classes {
    /// Reads the classes of an index.
    ///
    /// # Errors
    /// [`OpenIndexError::Content`].
    pub fn of(index: &HeapIndex) -> Result<Self, OpenIndexError> {
        let all = index.classes()?;
        let by_id = all.iter().enumerate().map(|(nth, class)| (class.id, nth as u32)).collect();
        Ok(Self { all, by_id })
    }

    /// The class of a class object.
    pub fn by_id(&self, id: ObjectId) -> Option<&StoredClass> {
        self.by_id.get(&id).map(|nth| &self.all[*nth as usize])
    }

    /// A class and its superclasses, from itself up.
    pub fn chain<'c>(
        &'c self,
        class: &'c StoredClass,
    ) -> impl Iterator<Item = &'c StoredClass> + 'c {
        let above = |class: &&'c StoredClass| self.all.get(class.superclass? as usize);
        // A damaged index could lead in circles.
        std::iter::successors(Some(class), above).take(self.all.len())
    }

    /// The fields of the instances of a class: its own first, then those of superclasses.
    pub fn fields<'c>(
        &'c self,
        class: &'c StoredClass,
        id_size: usize,
    ) -> impl Iterator<Item = Field<'c>> + 'c {
        let declared = self.chain(class).flat_map(|declared_in| {
            declared_in.fields.iter().map(move |(name, code)| (declared_in, name, code))
        });
        declared.scan(0, move |at, (declared_in, name, code)| {
            let kind = FieldType::from_code(*code)?;
            let offset = *at;
            *at += kind.dump_size(id_size);
            Some(Field { declared_in, name, kind, offset })
        })
    }

    /// True for a class of this name and its subclasses.
    pub fn is_a(&self, class: &StoredClass, name: &str) -> bool {
        self.chain(class).any(|above| above.name == name)
    }
}

/// What an object consists of.
#[derive(Clone, Copy, Debug)]
pub enum Body<'h> {
    Instance { class: &'h StoredClass, values: &'h [u8] },
    Elements(&'h [u8]),
    Primitives(FieldType, &'h [u8]),
    Class(&'h StoredClass),
}

/// A value of a field or an element.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Value {
    Boolean(bool),
    Char(u16),
    Float(f32),
    Double(f64),
    /// Byte, short, int, long.
    Integer(i64),
    Reference(ObjectId),
}

impl Value {
    /// Reads a value.
    pub fn read(kind: FieldType, bytes: &[u8], at: usize, id_size: usize) -> Option<Self> {
        Some(match kind {
            FieldType::Object => Self::Reference(ObjectId(id_of_size(bytes, at, id_size)?)),
            FieldType::Boolean => Self::Boolean(*bytes.get(at)? != 0),
            FieldType::Char => Self::Char(u16_at(bytes, at)?),
            FieldType::Float => Self::Float(f32::from_bits(u32_at(bytes, at)?)),
            FieldType::Double => Self::Double(f64::from_bits(u64_at(bytes, at)?)),
            FieldType::Byte => Self::Integer((*bytes.get(at)? as i8).into()),
            FieldType::Short => Self::Integer((u16_at(bytes, at)? as i16).into()),
            FieldType::Int => Self::Integer((u32_at(bytes, at)? as i32).into()),
            FieldType::Long => Self::Integer(u64_at(bytes, at)? as i64),
        })
    }

    /// A value that is kept as zero-extended bits, as those of static fields are.
    pub fn of_bits(kind: FieldType, bits: u64) -> Option<Self> {
        let size = kind.dump_size(8);
        Self::read(kind, &bits.to_be_bytes()[8 - size..], 0, 8)
    }
}

/// The objects of a dump.
pub struct Heap<'a> {
    pub index: &'a HeapIndex,
    pub classes: &'a Classes,
    pub id_size: usize,
    bytes: &'a [u8],
    size: IdSize,
    segments: Vec<(usize, usize)>,
}

/// A stretch of the dump with whole heap records and nothing else.
pub type Stretch = (usize, usize);

/// Stretches of the dump are about this long.
const STRETCH: usize = 16 << 20;

impl<'a> Heap<'a> {
    /// The objects of the dump whose uncompressed bytes are given.
    ///
    /// # Errors
    /// [`ScanError`] when this is no dump.
    pub fn new(
        index: &'a HeapIndex,
        classes: &'a Classes,
        bytes: &'a [u8],
    ) -> Result<Self, ScanError> {
        let options = ScanOptions {
            dump: usize::try_from(index.meta().dump_number).ok(),
            // Whether the version is to be trusted was decided when the index was built.
            force: true,
            ..ScanOptions::default()
        };
        let (size, segments) = hop::segments(bytes, &options)?;
        Ok(Self { index, classes, id_size: size.bytes(), bytes, size, segments })
    }

    /// The bytes of the dump.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Size of ids.
    pub fn size(&self) -> IdSize {
        self.size
    }

    /// Stretches for walking the dump in parallel. A huge record is cut where the index knows that
    /// objects begin.
    pub fn stretches(&self) -> Vec<Stretch> {
        let mut starts: Option<Vec<usize>> = None;
        let mut stretches = Vec::new();
        for (start, end) in &self.segments {
            let mut at = *start;
            if end - start > 2 * STRETCH {
                for cut in starts.get_or_insert_with(|| self.starts()) {
                    if *cut >= at + STRETCH && *cut < *end {
                        stretches.push((at, *cut));
                        at = *cut;
                    }
                }
            }
            stretches.push((at, *end));
        }
        stretches
    }

    /// Where some objects from all over the dump begin, in order.
    fn starts(&self) -> Vec<usize> {
        let objects = self.index.objects();
        let wanted = (self.bytes.len() / (STRETCH / 8)) as u64 + 1;
        let step = (objects / wanted).max(1) as usize;
        let offsets = (0..objects).step_by(step).filter_map(|object| self.index.offset(object));
        let mut starts: Vec<usize> = offsets.map(|at| at as usize).collect();
        starts.sort_unstable();
        starts
    }

    /// What an object consists of; `None` where the dump does not say.
    pub fn body(&self, ordinal: u64) -> Option<Body<'a>> {
        let id = self.index.id(ordinal);
        let (_, kind) = self.index.kind(ordinal)?;
        if kind.form == Form::Mirror {
            return self.classes.by_id(id).map(Body::Class);
        }
        Some(match self.record(ordinal)? {
            HeapRecord::Instance(instance) => {
                let class = self.classes.by_id(instance.class)?;
                Body::Instance { class, values: instance.values }
            }
            HeapRecord::ObjectArray(array) => Body::Elements(array.elements),
            HeapRecord::PrimitiveArray(array) => Body::Primitives(array.element, array.values),
            _ => return None,
        })
    }

    /// The record that describes an object.
    pub fn record(&self, ordinal: u64) -> Option<HeapRecord<'a>> {
        let id = self.index.id(ordinal);
        let offset = usize::try_from(self.index.offset(ordinal)?).ok()?;
        match self.size {
            IdSize::Four => self.record_at::<4>(offset, id),
            IdSize::Eight => self.record_at::<8>(offset, id),
        }
    }

    fn record_at<const ID: usize>(&self, offset: usize, id: ObjectId) -> Option<HeapRecord<'a>> {
        let first = self.segments.partition_point(|(_, end)| *end <= offset);
        let mut left = MOST_WALKED;
        for (start, end) in self.segments.get(first..)? {
            let bytes = self.bytes.get(..*end)?;
            let mut records = HeapRecords::<ID>::new(bytes, offset.max(*start));
            while let Ok(Some(record)) = records.next_record() {
                let found = match &record {
                    HeapRecord::Instance(instance) => instance.id,
                    HeapRecord::ObjectArray(array) => array.id,
                    HeapRecord::PrimitiveArray(array) => array.id,
                    HeapRecord::Class(class) => class.id,
                    HeapRecord::Root(_) | HeapRecord::HeapInfo { .. } => continue,
                };
                if found == id {
                    return Some(record);
                }
                left = left.checked_sub(1)?;
            }
        }
        None
    }

    /// What the object of an id consists of.
    pub fn object(&self, id: ObjectId) -> Option<Body<'a>> {
        self.body(self.index.ordinal(id)?)
    }

    /// The value of a field of an instance; the nearest one where superclasses have others of the
    /// name.
    pub fn field(&self, body: Body<'a>, name: &str) -> Option<Value> {
        let Body::Instance { class, values } = body else { return None };
        let field = self.classes.fields(class, self.id_size).find(|field| field.name == name)?;
        Value::read(field.kind, values, field.offset, self.id_size)
    }

    /// What a field of an instance refers to; `None` for null, too.
    pub fn reference(&self, body: Body<'a>, name: &str) -> Option<ObjectId> {
        match self.field(body, name)? {
            Value::Reference(id) if !id.is_null() => Some(id),
            _ => None,
        }
    }

    /// The body of what a field of an instance refers to.
    pub fn follow(&self, body: Body<'a>, name: &str) -> Option<Body<'a>> {
        self.object(self.reference(body, name)?)
    }

    /// The value of a field of a whole number.
    pub fn integer(&self, body: Body<'a>, name: &str) -> Option<i64> {
        match self.field(body, name)? {
            Value::Integer(number) => Some(number),
            _ => None,
        }
    }

    /// What the elements of an array refer to, nulls included.
    pub fn elements(&self, body: Body<'a>) -> impl Iterator<Item = ObjectId> + 'a {
        let id_size = self.id_size;
        let elements = match body {
            Body::Elements(elements) => elements,
            _ => &[],
        };
        elements
            .chunks_exact(id_size)
            .map(move |id| ObjectId(id_of_size(id, 0, id_size).unwrap_or(0)))
    }
}
