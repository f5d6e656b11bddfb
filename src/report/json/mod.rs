//! The JSON output. Field names are a contract: fields may be added, not changed.
//!
//! Bytes and counts are integers, series have one element for each dump in dump order, rows are in
//! a total order, what is unknown is absent.

mod diff;
mod histo;
mod info;
mod owners;

use serde::Serialize;

use super::Subject;
use super::info::{live, time};
use crate::digest::{self, Kind};
use crate::index::census::{DumpFacts, Grade, LengthRange, OffHeap};

pub use diff::{Tables, diff};
pub use histo::histo;
pub use info::info;

/// Version of the names and meanings here.
pub(super) const SCHEMA_VERSION: u32 = 1;
/// Name of the row that sums what is not shown.
const OTHER: &str = "(other)";

/// JSON as it is printed.
pub(super) fn to_text(report: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string_pretty(report).map(|text| text + "\n")
}

/// A dump, as every report names it.
#[derive(Serialize)]
pub(super) struct Dump<'a> {
    path: &'a str,
    kind: Kind,
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    jvm: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    main_class: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    process: Option<&'a str>,
    live: &'static str,
    complete: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    incomplete_reason: Option<String>,
    sizes: Grade,
    sizes_reason: &'a str,
    objects: u64,
    shallow_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reachable_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unreachable_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    off_heap: Option<OffHeap>,
    roots: u64,
    warnings: &'a [String],
}

impl<'a> Dump<'a> {
    pub(super) fn new(
        path: &'a str,
        kind: Kind,
        facts: &'a DumpFacts,
        total: digest::Amount,
    ) -> Self {
        Self {
            path,
            kind,
            time: time(facts.time_ms),
            jvm: facts.jvm.as_ref().map(|jvm| jvm.text.as_str()),
            main_class: facts.main_class.as_deref(),
            process: facts.process.as_deref(),
            live: live(facts.live),
            complete: facts.integrity.is_complete(),
            incomplete_reason: facts.integrity.reason(),
            sizes: facts.sizes.grade,
            sizes_reason: &facts.sizes.reason,
            objects: total.instances,
            shallow_bytes: total.shallow_bytes,
            // What is softly reachable and the like is reachable too.
            reachable_bytes: facts.heap.map(|heap| heap.levels[..4].iter().map(|l| l.bytes).sum()),
            unreachable_bytes: facts.heap.map(|heap| heap.levels[4].bytes),
            off_heap: facts.heap.map(|heap| heap.off_heap),
            roots: facts.roots.iter().map(|(_, count)| count).sum(),
            warnings: &facts.integrity.warnings,
        }
    }

    fn of(subject: &Subject<'a>) -> Self {
        Self::new(subject.path, subject.kind(), subject.facts, subject.total)
    }
}

#[derive(Serialize)]
struct Amount {
    instances: u64,
    shallow_bytes: u64,
}

/// What a row is about.
#[derive(Serialize, Default)]
struct RowKey<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    loader: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<Length>,
}

impl<'a> RowKey<'a> {
    fn named(name: &'a str) -> Self {
        Self { name: Some(name), ..Self::default() }
    }

    fn of_arrays(class: &'a str, length: Option<LengthRange>) -> Self {
        Self { class: Some(class), length: length.map(Length::from), ..Self::default() }
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Length {
    Exact(u32),
    Range { from: u32, to: u32 },
}

impl From<LengthRange> for Length {
    fn from(length: LengthRange) -> Self {
        match length {
            LengthRange::Exact(length) => Self::Exact(length),
            LengthRange::Range(from, to) => Self::Range { from, to },
        }
    }
}
