//! Where entries of maps keep the hash codes of their keys.

use super::object::{Body, Object};
use super::{NumberField, Plans};
use crate::index::build::roles::is_map_entry;
use crate::parser::classes::{ClassIndex, ClassTable};
use crate::parser::tags::FieldType;

/// Fields with the hash code of a key, in the JDK, Guava and Scala.
const HASHES: [&[u8]; 2] = [b"hash", b"_hash"];

pub(super) fn key_hash(
    classes: &ClassTable,
    index: ClassIndex,
    id_size: usize,
) -> Option<NumberField> {
    let (offset, _, field) = classes.placed_fields(index, id_size).find(|(.., field)| {
        let name = classes.symbols.bytes(field.name).unwrap_or_default();
        field.kind == FieldType::Int && HASHES.contains(&name)
    })?;
    is_map_entry(classes, index).then(|| NumberField::new(offset, field.kind, id_size))
}

impl Plans<'_> {
    /// The hash code of the key of an entry of a map.
    #[inline(always)]
    pub fn key_hash(&self, object: &Object<'_>) -> Option<u32> {
        let Body::Values(values, class) = object.body else { return None };
        let hash = self.instances[class.0 as usize].key_hash?.read(values)?;
        Some(hash as u32)
    }
}
