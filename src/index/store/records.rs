//! What an index holds besides objects: facts, classes, root records, what sets of objects retain.

use serde::{Deserialize, Serialize};

use crate::index::census::LengthRange;
use crate::index::facts::Thread;
use crate::parser::ids::ObjectId;

/// Facts that are kept as JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IndexFacts {
    pub tool: String,
    pub threads: Vec<Thread>,
}

/// A class, as `show` needs it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoredClass {
    pub id: ObjectId,
    /// Source form.
    pub name: String,
    pub superclass: Option<u32>,
    pub loader: ObjectId,
    /// Label of the loader.
    pub loader_label: String,
    /// Names and type codes, of the class itself, in dump order.
    pub fields: Vec<(String, u8)>,
    /// Names, type codes and values.
    pub statics: Vec<(String, u8, u64)>,
}

/// Bytes and number of a retained set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Retained {
    pub bytes: u64,
    pub objects: u64,
}

/// A root record.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct StoredRoot {
    pub object: u64,
    /// Tag of the record; 0 for system classes.
    pub kind: u8,
    pub thread: u32,
    pub frame: u32,
}

impl StoredRoot {
    /// As in the file.
    pub fn words(&self) -> [u64; 3] {
        [self.object, self.kind.into(), u64::from(self.frame) << 32 | u64::from(self.thread)]
    }

    pub(super) fn from_words(words: &[u64; 3]) -> Self {
        let [object, kind, place] = *words;
        Self { object, kind: kind as u8, thread: place as u32, frame: (place >> 32) as u32 }
    }
}

/// What the objects of a set have in common.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// The class: name in source form and label of the loader.
    #[default]
    Class,
    Package,
    /// The label of the class loader.
    Loader,
    /// The class of an array, and the length.
    Array,
    /// The thread whose frames hold them.
    Thread,
    /// The kind of GC root.
    Root,
}

/// What a set of objects retains.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct StoredSet {
    pub family: Family,
    pub name: String,
    /// Label of the loader, for classes.
    pub loader: String,
    /// Lengths, for arrays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<LengthRange>,
    /// The thread object, for threads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<ObjectId>,
    /// Members; for threads and kinds of roots, the objects that root records name.
    pub instances: u64,
    pub retained_bytes: u64,
    /// True for the bytes of the retained set; false for a lower bound, the sum of the retained
    /// sizes of those members that no other member dominates; for threads, of what nothing but
    /// one of their frames refers to; for some arrays, their own shallow sizes.
    pub exact: bool,
}
