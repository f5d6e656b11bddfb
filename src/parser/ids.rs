//! Newtypes for the numbers of the format, so that raw integers do not cross modules.

use serde::{Deserialize, Serialize};

/// Identity of a heap object or class in the dump: its address in HotSpot dumps,
/// a serial number in dumps of the JVMTI hprof agent. Zero is null.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default, Serialize, Deserialize,
)]
pub struct ObjectId(pub u64);

impl ObjectId {
    pub const NULL: Self = Self(0);

    pub const fn is_null(self) -> bool {
        self.0 == 0
    }
}

impl std::fmt::Display for ObjectId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "0x{:x}", self.0)
    }
}

/// Identity of a UTF8 record (a symbol of the JVM).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct StringId(pub u64);
