//! Walks a dump once, from a map on all cores or from a stream in sequence, and counts.
//!
//! The counts are the same for any number of threads and for a map, a gzipped file or a stream of
//! the same bytes: every part of a dump is counted by itself and sums do not depend on order. A
//! stream, which cannot be read again, keeps a limited number of names and version texts; beyond
//! that, names are missing, which is said, or the version is unknown, which lowers the grade.

use std::io::Read;

use hashbrown::HashSet;

use super::hop::MappedDump;
use super::integrity::Integrity;
use super::mapped;
use super::stream;
use super::tally::Tally;
use crate::parser::classes::Symbols;
use crate::parser::header::{Header, HeaderError, parse_header};
use crate::parser::ids::StringId;
use crate::parser::tables::TopLevelTables;

/// What to read of a file and how.
#[derive(Clone, Debug, Default)]
pub struct ScanOptions {
    /// Which of several dumps in the file, from 1; the last one when `None`.
    pub dump: Option<usize>,
    /// Accept an unknown version of the format, and records that cross a segment's end.
    pub force: bool,
    /// Threads to use; all cores when 0.
    pub threads: usize,
    /// Dumps of up to this many bytes are walked once more to tell whether they hold garbage.
    pub liveness_limit: u64,
}

/// Why a dump cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    #[error(transparent)]
    Header(#[from] HeaderError),
    #[error("dump {asked} was asked for, but the file holds {present}")]
    NoSuchDump { asked: usize, present: usize },
    #[error("a heap record crosses the end of its segment")]
    CrossesSegment { offset: u64 },
    #[error("reading failed: {0}")]
    Io(#[from] std::io::Error),
}

impl ScanError {
    /// Offset in the dump, where there is one.
    pub fn offset(&self) -> Option<u64> {
        match self {
            Self::Header(error) => Some(error.offset()),
            Self::CrossesSegment { offset } => Some(*offset),
            Self::NoSuchDump { .. } | Self::Io(_) => None,
        }
    }

    /// What the user can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Header(error) => error.remedy(),
            Self::NoSuchDump { .. } => "choose one of them with --dump N",
            Self::CrossesSegment { .. } => {
                "another program rewrote this dump; --force reads its segments as one stream of bytes"
            }
            Self::Io(_) => "check the file and the disk it is on",
        }
    }
}

/// Told of the walk's progress; called from all threads.
pub trait Progress: Sync {
    /// `bytes` more of the dump were walked.
    fn advance(&self, bytes: u64);
}

/// No progress is shown.
pub struct Silent;

impl Progress for Silent {
    fn advance(&self, _: u64) {}
}

/// A dump, walked.
pub struct Scan {
    pub header: Header,
    pub tables: TopLevelTables,
    pub symbols: Symbols,
    pub tally: Tally,
    pub integrity: Integrity,
    /// Dumps in the file and which of them this is, from 1.
    pub dumps: usize,
    pub chosen: usize,
    /// Bytes of the uncompressed file.
    pub bytes: u64,
    /// True when a record said that the dump of segments is finished, or it is a single record.
    pub closed: bool,
    /// Where the heap records are, for finding single objects; only of a mapped file.
    pub parts: Vec<Part>,
}

/// A part of the mapped file with the range of ids in it.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    pub start: u64,
    pub end: u64,
    pub lowest: u64,
    pub highest: u64,
    /// True for records with their headers, false for a piece of one record.
    pub has_headers: bool,
}

/// The symbols that a tally's classes refer to.
pub(super) fn class_symbols(tally: &Tally, needed: &mut HashSet<StringId>) {
    for class in &tally.classes {
        needed.extend(class.statics.iter().map(|field| field.name));
        needed.extend(class.fields.iter().map(|field| field.name));
    }
}

/// Walks the chosen dump of a mapped file.
///
/// # Errors
/// [`ScanError`] when nothing can be said about the dump. Whatever can be read of a damaged dump
/// is counted, and the damage is told in [`Scan::integrity`].
pub fn scan_mapped(
    bytes: &[u8],
    options: &ScanOptions,
    progress: &dyn Progress,
) -> Result<Scan, ScanError> {
    let header = parse_header(bytes, options.force)?;
    let file = MappedDump::open(bytes, header, options)?;
    match mapped::scan(file, options, progress) {
        mapped::Outcome::Whole(scan) => Ok(*scan),
        mapped::Outcome::CrossesSegment { offset } if !options.force => {
            Err(ScanError::CrossesSegment { offset })
        }
        mapped::Outcome::CrossesSegment { .. } => scan_stream(bytes, options, progress),
    }
}

/// Walks the chosen dump of a stream, which is read to its end.
///
/// # Errors
/// As [`scan_mapped`]; an error of the reader in the middle makes the dump incomplete.
pub fn scan_stream(
    reader: impl Read,
    options: &ScanOptions,
    progress: &dyn Progress,
) -> Result<Scan, ScanError> {
    stream::scan(reader, options, progress)
}
