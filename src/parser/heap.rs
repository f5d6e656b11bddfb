//! The sub-records of a heap dump or segment, borrowed from the bytes they lie in.
//!
//! The walk allocates nothing, consumes at least one byte per step and never reads past the slice.

use super::bytes::{id_at, u32_at};
use super::class_dump::ClassDump;
use super::ids::ObjectId;
use super::tags::{FieldType, sub};

/// An `INSTANCE_DUMP`.
#[derive(Clone, Copy, Debug)]
pub struct Instance<'d> {
    pub id: ObjectId,
    pub class: ObjectId,
    /// Field values: the own class's fields first, then the superclass's, up to `Object`.
    pub values: &'d [u8],
}

/// An `OBJ_ARRAY_DUMP`.
#[derive(Clone, Copy, Debug)]
pub struct ObjectArray<'d> {
    pub id: ObjectId,
    /// The array class, such as the one of `Object[]`.
    pub class: ObjectId,
    pub length: u32,
    /// `length` ids; fewer when the record is delivered in parts (see [`LargeArray`]).
    pub elements: &'d [u8],
}

/// A `PRIM_ARRAY_DUMP`.
#[derive(Clone, Copy, Debug)]
pub struct PrimitiveArray<'d> {
    pub id: ObjectId,
    pub element: FieldType,
    pub length: u32,
    pub values: &'d [u8],
}

/// A GC root. Fields that the kind does not have are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Root {
    /// Tag of the sub-record, one of [`sub`]'s `ROOT_…`.
    pub kind: u8,
    pub object: ObjectId,
    /// Thread serial, for the kinds that have one.
    pub thread: u32,
    /// Frame number (0 = top, `u32::MAX` = none) or, for a thread object, its trace serial.
    pub frame: u32,
}

/// One heap sub-record.
#[derive(Clone, Copy, Debug)]
pub enum HeapRecord<'d> {
    Instance(Instance<'d>),
    ObjectArray(ObjectArray<'d>),
    PrimitiveArray(PrimitiveArray<'d>),
    Class(ClassDump<'d>),
    Root(Root),
    /// Android: the heap that the following objects belong to.
    HeapInfo {
        heap: u32,
    },
}

/// Why the walk stopped before the end of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// The record that starts here needs more bytes than there are.
    Short,
    /// A tag that the format does not define. Sub-records carry no length, so it cannot be skipped.
    UnknownTag(u8),
    /// A type code that the format does not define.
    BadType { tag: u8, code: u8 },
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Short => write!(f, "a heap record is cut off"),
            Self::UnknownTag(tag) => write!(f, "unknown heap record tag 0x{tag:02x}"),
            Self::BadType { tag, code } => {
                write!(f, "impossible type code {code} in a {} record", sub::name(*tag))
            }
        }
    }
}

/// Walks the sub-records in a slice. `ID` is the size of ids, 4 or 8.
#[derive(Clone, Debug)]
pub struct HeapRecords<'d, const ID: usize> {
    bytes: &'d [u8],
    position: usize,
}

impl<'d, const ID: usize> HeapRecords<'d, ID> {
    pub fn new(bytes: &'d [u8], position: usize) -> Self {
        Self { bytes, position }
    }

    /// Offset in the slice of the next record: after an error, of the offending one.
    #[inline(always)]
    pub fn position(&self) -> usize {
        self.position
    }

    /// The next record; `Ok(None)` exactly at the end of the slice.
    ///
    /// # Errors
    /// [`Malformed`]; the position stays at the record and every further call gives the same error.
    #[inline(always)]
    pub fn next_record(&mut self) -> Result<Option<HeapRecord<'d>>, Malformed> {
        let Some(rest) = self.bytes.get(self.position..) else { return Ok(None) };
        let Some(&tag) = rest.first() else { return Ok(None) };
        let (record, length) = match tag {
            sub::INSTANCE_DUMP => {
                let header = rest.get(..9 + 2 * ID).ok_or(Malformed::Short)?;
                let length = u32_at(header, 5 + 2 * ID).ok_or(Malformed::Short)? as usize;
                let values = rest[9 + 2 * ID..].get(..length).ok_or(Malformed::Short)?;
                let record = Instance {
                    id: ObjectId(id_at::<ID>(header, 1).ok_or(Malformed::Short)?),
                    class: ObjectId(id_at::<ID>(header, 5 + ID).ok_or(Malformed::Short)?),
                    values,
                };
                (HeapRecord::Instance(record), 9 + 2 * ID + length)
            }
            sub::OBJECT_ARRAY_DUMP => {
                let header = rest.get(..9 + 2 * ID).ok_or(Malformed::Short)?;
                let length = u32_at(header, 5 + ID).ok_or(Malformed::Short)?;
                let payload = (length as usize).checked_mul(ID).ok_or(Malformed::Short)?;
                let elements = rest[9 + 2 * ID..].get(..payload).ok_or(Malformed::Short)?;
                let record = ObjectArray {
                    id: ObjectId(id_at::<ID>(header, 1).ok_or(Malformed::Short)?),
                    class: ObjectId(id_at::<ID>(header, 9 + ID).ok_or(Malformed::Short)?),
                    length,
                    elements,
                };
                (HeapRecord::ObjectArray(record), 9 + 2 * ID + payload)
            }
            sub::PRIMITIVE_ARRAY_DUMP => {
                let header = rest.get(..10 + ID).ok_or(Malformed::Short)?;
                let length = u32_at(header, 5 + ID).ok_or(Malformed::Short)?;
                let element = primitive(tag, header[9 + ID])?;
                let payload =
                    (length as usize).checked_mul(element.dump_size(ID)).ok_or(Malformed::Short)?;
                let values = rest[10 + ID..].get(..payload).ok_or(Malformed::Short)?;
                let record = PrimitiveArray {
                    id: ObjectId(id_at::<ID>(header, 1).ok_or(Malformed::Short)?),
                    element,
                    length,
                    values,
                };
                (HeapRecord::PrimitiveArray(record), 10 + ID + payload)
            }
            _ => Self::rare(rest, tag)?,
        };
        self.position += length;
        Ok(Some(record))
    }

    /// The records that are few in any dump, kept out of the hot path.
    #[inline(never)]
    fn rare(rest: &'d [u8], tag: u8) -> Result<(HeapRecord<'d>, usize), Malformed> {
        if let Some((ids, plain)) = sub::root_tail(tag) {
            let length = 1 + ID * (1 + ids) + plain;
            let body = rest.get(1..length).ok_or(Malformed::Short)?;
            let tail = ID * (1 + ids);
            let root = Root {
                kind: tag,
                object: ObjectId(id_at::<ID>(body, 0).ok_or(Malformed::Short)?),
                thread: u32_at(body, tail).unwrap_or(0),
                frame: u32_at(body, tail + 4).unwrap_or(0),
            };
            return Ok((HeapRecord::Root(root), length));
        }
        match tag {
            sub::CLASS_DUMP => {
                let (class, length) = ClassDump::parse(&rest[1..], ID)?;
                Ok((HeapRecord::Class(class), 1 + length))
            }
            sub::PRIMITIVE_ARRAY_NODATA => {
                let header = rest.get(..10 + ID).ok_or(Malformed::Short)?;
                let record = PrimitiveArray {
                    id: ObjectId(id_at::<ID>(header, 1).ok_or(Malformed::Short)?),
                    element: primitive(tag, header[9 + ID])?,
                    length: u32_at(header, 5 + ID).ok_or(Malformed::Short)?,
                    values: &[],
                };
                Ok((HeapRecord::PrimitiveArray(record), 10 + ID))
            }
            sub::HEAP_DUMP_INFO => {
                let body = rest.get(..5 + ID).ok_or(Malformed::Short)?;
                let heap = u32_at(body, 1).ok_or(Malformed::Short)?;
                Ok((HeapRecord::HeapInfo { heap }, 5 + ID))
            }
            _ => Err(Malformed::UnknownTag(tag)),
        }
    }
}

fn primitive(tag: u8, code: u8) -> Result<FieldType, Malformed> {
    FieldType::from_code(code)
        .filter(|element| *element != FieldType::Object)
        .ok_or(Malformed::BadType { tag, code })
}

/// Head of an array record whose elements do not all lie in the bytes at hand: what a reader of a
/// stream needs to pass over it without ever holding it whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LargeArray {
    pub id: ObjectId,
    /// Element type of a primitive array; `None` for an object array.
    pub element: Option<FieldType>,
    /// Class of an object array; null for a primitive one.
    pub class: ObjectId,
    pub length: u32,
    /// Bytes before the elements, tag included.
    pub head: usize,
    /// Bytes of the elements.
    pub payload: u64,
}

impl LargeArray {
    /// Reads the head of the array record at the start of `bytes`; `None` when it is something else.
    pub fn peek<const ID: usize>(bytes: &[u8]) -> Option<Self> {
        let tag = *bytes.first()?;
        let id = ObjectId(id_at::<ID>(bytes, 1)?);
        let length = u32_at(bytes, 5 + ID)?;
        match tag {
            sub::OBJECT_ARRAY_DUMP => Some(Self {
                id,
                element: None,
                class: ObjectId(id_at::<ID>(bytes, 9 + ID)?),
                length,
                head: 9 + 2 * ID,
                payload: u64::from(length) * ID as u64,
            }),
            sub::PRIMITIVE_ARRAY_DUMP => {
                let element = primitive(tag, *bytes.get(9 + ID)?).ok()?;
                Some(Self {
                    id,
                    element: Some(element),
                    class: ObjectId::NULL,
                    length,
                    head: 10 + ID,
                    payload: u64::from(length) * element.dump_size(ID) as u64,
                })
            }
            _ => None,
        }
    }
}
