//! The hprof format: borrowed records, no allocation per record, no panic on any bytes.
//!
//! Knows nothing of object sizes, of files, or of what the records are wanted for.

pub mod bytes;
pub mod class_dump;
pub mod classes;
pub mod header;
pub mod heap;
pub mod ids;
pub mod names;
pub mod record;
pub mod resync;
pub mod structure;
pub mod tables;
pub mod tags;
