//! An object of the dump as it is read, and what makes reading many of one class quick.

use crate::parser::classes::{ClassIndex, ClassTable};
use crate::parser::ids::ObjectId;

/// An object of the dump, read.
#[derive(Clone, Copy, Debug)]
pub struct Object<'d> {
    pub id: ObjectId,
    /// Index into [`Plans::kinds`](super::Plans::kinds).
    pub kind: u32,
    /// Length of an array; bytes of what has a size of its own; 0 for others.
    pub slot: u32,
    /// Shallow bytes.
    pub size: u64,
    pub(super) body: Body<'d>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Body<'d> {
    /// Values and the class.
    Values(&'d [u8], ClassIndex),
    Elements(&'d [u8]),
    /// Without references: elements of primitive types.
    Plain,
    Mirror(ClassIndex),
}

impl Object<'_> {
    /// True for arrays of objects.
    #[inline(always)]
    pub fn is_array(&self) -> bool {
        matches!(self.body, Body::Elements(_))
    }
}

/// Remembers the classes of the objects just read.
pub struct ClassCache {
    slots: Box<[(ObjectId, u32)]>,
    /// The class of the last array of objects, and the kind.
    pub(super) array: (ObjectId, u32),
}

impl Default for ClassCache {
    fn default() -> Self {
        Self { slots: vec![(ObjectId::NULL, 0); 1 << 10].into(), array: (ObjectId::NULL, 0) }
    }
}

impl ClassCache {
    #[inline(always)]
    pub(super) fn index(&mut self, classes: &ClassTable, id: ObjectId) -> Option<ClassIndex> {
        let slots = self.slots.len();
        let slot = &mut self.slots[(id.0 >> 3 ^ id.0 >> 13) as usize % slots];
        if slot.0 != id || id.is_null() {
            *slot = (id, classes.index_of(id)?.0);
        }
        Some(ClassIndex(slot.1))
    }
}
