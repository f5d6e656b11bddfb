//! What an index will take, before it is built. The formulas are those of `docs/ARCHITECTURE.md`,
//! section "Memory and disk".

use super::{BuildOptions, half_of_memory, needs_wide};
use crate::index::hop::MappedDump;
use crate::index::scan::ScanOptions;
use crate::parser::header::parse_header;
use crate::source::Source;

/// Bytes of a dump for each object, where no more is known than its size.
const TYPICAL_OBJECT: u64 = 64;
/// Names of classes and the like in an index, typically.
const NAMES: u64 = 512 << 10;
/// How much larger a gzipped dump is inside, typically.
const INFLATED: u64 = 6;

/// What an index takes, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    pub memory: u64,
    /// The index.
    pub index: u64,
    /// Temporary files while it is built.
    pub temporary: u64,
}

impl Estimate {
    /// For a dump of so many objects.
    pub fn of(objects: u64, in_order: bool, options: &BuildOptions) -> Self {
        // Nodes are 24 % of the objects, and up to 58 % where much is linked both ways.
        let (n, k) = (objects as f64, objects as f64 * 0.58);
        let (anywhere, files, spill) = match needs_wide(objects, options) {
            false => (6.0 * n + 34.0 * k, 13.7 * n + 18.0 * k, 6.1 * n + 24.0 * k),
            true => (10.0 * n + 58.0 * k, 19.2 * n + 34.0 * k, 10.1 * n + 48.0 * k),
        };
        let limit = options.memory.unwrap_or_else(half_of_memory) as f64;
        // What `--memory` has no room for goes to files.
        let spilled = (anywhere - limit).clamp(0.0, spill);
        let (offsets, more_index) = if in_order { (0.0, 0.0) } else { (8.0 * n, 4.9 * n) };
        Self {
            // Without a limit, or what the address bitmap takes whatever the limit.
            memory: anywhere.min(limit + 1.1 * n) as u64,
            index: (8.4 * n + more_index) as u64 + NAMES,
            temporary: (files + spilled + offsets) as u64,
        }
    }

    /// Of a dump that was not read yet: rough.
    pub fn before(source: &Source, options: &BuildOptions) -> Self {
        let inflated = inflated_bytes(source);
        let objects = sample(source, options).unwrap_or(inflated / TYPICAL_OBJECT);
        let mut estimate = Self::of(objects, true, options);
        if source.is_gzip() {
            estimate.temporary += inflated;
        }
        estimate
    }

    /// Bytes on the disk, all in all.
    pub fn disk(self) -> u64 {
        self.index + self.temporary
    }
}

/// Bytes of a dump when inflated, about.
pub fn inflated_bytes(source: &Source) -> u64 {
    let stored = source.stored_bytes().unwrap_or(0);
    if source.is_gzip() { stored * INFLATED } else { stored }
}

/// Bytes on the disk that a dump that was not read yet needs at the very least.
pub fn least(source: &Source, options: &BuildOptions) -> u64 {
    if source.is_gzip() {
        // It is inflated first.
        return source.stored_bytes().unwrap_or(0);
    }
    // A sample may be off by a bit.
    let objects = sample(source, options).unwrap_or(0) / 4 * 3;
    Estimate::of(objects, true, options).disk()
}

/// About how many objects there are, by a look here and there; `None` where that does not tell.
fn sample(source: &Source, options: &BuildOptions) -> Option<u64> {
    let bytes = source.mapped()?;
    let scan = ScanOptions { dump: options.dump, force: options.force, ..ScanOptions::default() };
    let header = parse_header(bytes, options.force).ok()?;
    MappedDump::open(bytes, header, &scan).ok()?.about_objects()
}
