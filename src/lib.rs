//! heapdrift tells you what is growing in a JVM.
//!
//! Data flows one way: `source` and `parser` → `layout` → `index` → `digest` → `diff` → `report`;
//! `cli` calls them. Nothing looks back up. See `docs/ARCHITECTURE.md`.

#![deny(unsafe_code)]

pub mod cli;
pub mod diff;
pub mod digest;
pub mod index;
pub mod layout;
pub mod library;
pub mod parser;
pub mod report;
pub mod source;
