//! Memory outside of the heap: which objects free it, and which stand for it.

use super::object::Object;
use super::{NumberField, Plans};
use crate::parser::bytes::id_of_size;
use crate::parser::classes::{ClassIndex, ClassTable};

/// Memory outside of the heap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Native {
    Direct,
    Mapped,
}

/// What frees memory outside of the heap, and says how much: one for each block of memory, while
/// any number of buffers may be views of it.
const FREERS: [(&str, Native); 2] = [
    ("java/nio/DirectByteBuffer$Deallocator", Native::Direct),
    ("sun/nio/ch/FileChannelImpl$Unmapper", Native::Mapped),
];

/// A class, and the name of one of its fields.
type Member = (&'static str, &'static str);

/// What the program holds memory outside of the heap by: the field that is null unless the instance
/// is a view of another's memory, the size, and the field with what frees it, where there is one.
const HOLDERS: [(Member, Member, Option<Member>); 2] = [
    (
        ("java/nio/DirectByteBuffer", "att"),
        ("java/nio/Buffer", "capacity"),
        Some(("java/nio/DirectByteBuffer", "cleaner")),
    ),
    (
        ("org/apache/spark/unsafe/memory/MemoryLocation", "obj"),
        ("org/apache/spark/unsafe/memory/MemoryBlock", "length"),
        None,
    ),
];

/// Where an instance says how much memory outside of the heap it stands for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outside {
    /// Offset of a reference that is null in all but views of the memory of another object.
    origin: u32,
    size: NumberField,
    /// Offset of a reference to what frees it.
    freer: Option<u32>,
}

/// Memory outside of the heap that an object stands for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct OutsideMemory {
    pub bytes: u64,
    /// False for what somebody else frees: native code, or a library by hand.
    pub is_freed_by_it: bool,
}

/// Where an instance says how much memory outside of the heap it frees.
pub(super) fn native(
    classes: &ClassTable,
    index: ClassIndex,
    id_size: usize,
) -> Option<(NumberField, Native)> {
    FREERS.iter().find_map(|(freer, native)| {
        let (offset, kind) = classes.field_offset(index, freer, "size", id_size)?;
        Some((NumberField::new(offset, kind, id_size), *native))
    })
}

/// Where an instance says how much memory outside of the heap it stands for.
pub(super) fn outside(classes: &ClassTable, index: ClassIndex, id_size: usize) -> Option<Outside> {
    let field = |(class, field): Member| classes.field_offset(index, class, field, id_size);
    HOLDERS.iter().find_map(|(origin, size, freer)| {
        let (origin, _) = field(*origin)?;
        let (offset, kind) = field(*size)?;
        Some(Outside {
            origin: origin as u32,
            size: NumberField::new(offset, kind, id_size),
            freer: freer.and_then(field).map(|(offset, _)| offset as u32),
        })
    })
}

impl Plans<'_> {
    /// Memory outside of the heap that an object will free: bytes and what it is.
    #[inline(always)]
    pub fn native(&self, object: &Object<'_>) -> Option<(u64, Native)> {
        let (values, plan) = self.instance(object)?;
        let (size, native) = plan.native?;
        Some((size.read(values)?, native))
    }

    /// Memory outside of the heap that an object stands for: a buffer, not a view of one.
    #[inline(always)]
    pub fn outside(&self, object: &Object<'_>) -> Option<OutsideMemory> {
        let (values, plan) = self.instance(object)?;
        let outside = plan.outside?;
        let reference = |offset: u32| id_of_size(values, offset as usize, self.id_size);
        let origin = reference(outside.origin)?;
        let bytes = outside.size.read(values)?;
        let is_freed_by_it = outside.freer.and_then(reference) != Some(0);
        (origin == 0 && bytes > 0).then_some(OutsideMemory { bytes, is_freed_by_it })
    }
}
