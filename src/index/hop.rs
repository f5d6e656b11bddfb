//! The structure of a dump that lies in memory: its top-level records, found by hopping from one to the
//! next by their lengths.

use hashbrown::HashSet;

use super::faults;
use super::integrity::Integrity;
use super::scan::{ScanError, ScanOptions};
use crate::parser::bytes::id_of_size;
use crate::parser::classes::Symbols;
use crate::parser::header::{Header, IdSize, parse_header};
use crate::parser::heap::{HeapRecord, HeapRecords};
use crate::parser::ids::StringId;
use crate::parser::record::{RECORD_HEADER, RecordHeader};
use crate::parser::structure::{Ahead, HeapLength, Step, Stop, is_plausible_record, next_step};
use crate::parser::tables::{TopLevelTables, WellKnown};
use crate::parser::tags::top;
use crate::source::map::{Expected, advise};

/// A heap dump record or segment: `start..end` of the file, without its header.
#[derive(Clone, Copy, Debug)]
pub struct Segment {
    pub start: usize,
    pub end: usize,
    pub length: HeapLength,
}

/// One dump in the file.
#[derive(Clone, Debug, Default)]
pub struct Dump {
    pub segments: Vec<Segment>,
    /// Index into [`MappedDump::files`].
    pub file: usize,
    /// True when the dump is known to be finished.
    pub closed: bool,
}

/// The records that belong to one file header; more than one when files were appended.
#[derive(Debug)]
pub struct FilePart {
    pub header: Header,
    pub tables: TopLevelTables,
    pub known: WellKnown,
    /// Runs of records among which there are UTF8 records.
    symbol_runs: Vec<(usize, usize)>,
}

/// The structure of a mapped file.
pub struct MappedDump<'d> {
    pub bytes: &'d [u8],
    pub files: Vec<FilePart>,
    /// The dump to walk; empty where there is none.
    pub dump: Dump,
    /// Dumps in the file and which of them [`Self::dump`] is, from 1.
    pub present: usize,
    pub chosen: usize,
    pub integrity: Integrity,
}

impl<'d> MappedDump<'d> {
    /// Hops over all top-level records.
    pub fn open(bytes: &'d [u8], header: Header, options: &ScanOptions) -> Result<Self, ScanError> {
        let mut at = header.length;
        let mut file = Self {
            bytes,
            files: vec![FilePart::new(header)],
            dump: Dump::default(),
            present: 0,
            chosen: 0,
            integrity: Integrity::default(),
        };
        // A dump made of segments that was not ended yet.
        let mut open = false;
        let mut closed = false;
        let mut unknown = faults::Unknown::default();
        loop {
            let ahead =
                Ahead { bytes: &bytes[at..], remaining: Some((bytes.len() - at) as u64), closed };
            let current = file.files.len() - 1;
            match next_step(ahead) {
                Step::End => break,
                Step::Record(record) => {
                    let body = at + RECORD_HEADER;
                    let end = body + record.length as usize;
                    if !top::is_known(record.tag) {
                        unknown.note(record.tag, at as u64, (end - at) as u64);
                    }
                    file.files[current].record(record, &bytes[body..end], at);
                    at = end;
                }
                Step::Heap { header, length } => {
                    let start = at + RECORD_HEADER;
                    file.files[current].tables.count(header.tag);
                    if file.present == 0 {
                        // From here on it is hops over segments. Read ahead, they would be read
                        // twice where they do not fit into memory.
                        advise(&bytes[at..], Expected::Scattered);
                    }
                    let end = file.heap_end(start, length);
                    let single = header.tag == top::HEAP_DUMP;
                    if single || !open {
                        file.present += 1;
                        if options.dump.is_none_or(|asked| asked == file.present) {
                            file.chosen = file.present;
                            file.dump = Dump { file: current, ..Dump::default() };
                        }
                    }
                    open = !single;
                    closed = false;
                    if file.chosen == file.present {
                        file.dump.closed = single && matches!(length, HeapLength::Written(_));
                        file.dump.segments.push(Segment { start, end, length });
                    }
                    at = end;
                }
                Step::DumpEnd => {
                    file.files[current].tables.count(top::HEAP_DUMP_END);
                    if file.chosen == file.present {
                        file.dump.closed = true;
                    }
                    open = false;
                    closed = true;
                    at += RECORD_HEADER;
                }
                Step::NewFile => {
                    let header = match parse_header(&bytes[at..], options.force) {
                        Ok(header) => header,
                        Err(error) => {
                            file.integrity.lose(at as u64, format!("an appended file: {error}"));
                            break;
                        }
                    };
                    file.integrity.warn(format!("another hprof file is appended at byte {at}"));
                    at += header.length;
                    file.files.push(FilePart::new(header));
                    (open, closed) = (false, false);
                }
                Step::Stop { reason, .. } => {
                    file.stop(reason, at);
                    break;
                }
            }
        }
        advise(bytes, Expected::InOrder);
        unknown.tell(&mut file.integrity);
        for part in &file.files {
            faults::short_records(&part.tables, &mut file.integrity);
        }
        file.check_choice(options, at)?;
        Ok(file)
    }

    /// About how many objects there are, by the first records of some segments; `None` where these
    /// tell nothing of the rest.
    pub fn about_objects(&self) -> Option<u64> {
        const LOOKS: usize = 64;
        const BYTES: usize = 4 << 20;
        let segments = &self.dump.segments;
        let looks: Vec<&Segment> =
            segments.iter().step_by(segments.len().div_ceil(LOOKS).max(1)).collect();
        let length = |segment: &Segment| (segment.end - segment.start) as f64;
        let seen: f64 = looks.iter().map(|segment| length(segment)).sum();
        // One huge record starts with its classes.
        if looks.is_empty() || looks.len() == 1 && seen > BYTES as f64 {
            return None;
        }
        let bytes = BYTES / looks.len();
        let objects = |segment: &&Segment| match self.files[self.dump.file].header.id_size {
            IdSize::Four => self.density::<4>(segment, bytes) * length(segment),
            IdSize::Eight => self.density::<8>(segment, bytes) * length(segment),
        };
        let found: f64 = looks.iter().map(objects).sum();
        let all: f64 = segments.iter().map(length).sum();
        Some((found / seen.max(1.0) * all) as u64)
    }

    /// Objects for each byte, in the first `bytes` of a segment.
    fn density<const ID: usize>(&self, segment: &Segment, bytes: usize) -> f64 {
        let mut records = HeapRecords::<ID>::new(&self.bytes[..segment.end], segment.start);
        let mut objects = 0u32;
        while records.position() - segment.start < bytes {
            match records.next_record() {
                Ok(Some(
                    HeapRecord::Instance(_)
                    | HeapRecord::ObjectArray(_)
                    | HeapRecord::PrimitiveArray(_),
                )) => objects += 1,
                Ok(Some(_)) => {}
                // Damage is told by the walk.
                Ok(None) | Err(_) => break,
            }
        }
        f64::from(objects) / (records.position() - segment.start).max(1) as f64
    }

    /// Checks that there is a dump to walk.
    fn check_choice(&mut self, options: &ScanOptions, at: usize) -> Result<(), ScanError> {
        match options.dump {
            Some(asked) if self.chosen != asked => {
                Err(ScanError::NoSuchDump { asked, present: self.present })
            }
            _ => {
                // What can be read of such a file: its symbols.
                if self.present == 0 && self.integrity.is_complete() {
                    self.integrity.lose(at as u64, faults::NO_DUMP);
                }
                Ok(())
            }
        }
    }

    /// Where a heap record ends. Repairs lengths that wrapped at 4 GiB.
    fn heap_end(&mut self, start: usize, length: HeapLength) -> usize {
        let HeapLength::Written(written) = length else { return self.bytes.len() };
        // Fits: `next_step` checked it.
        let end = start + written as usize;
        if self.lands(end) {
            return end;
        }
        let wrapped = (1..)
            .map(|k| start as u64 + written + (k << 32))
            .take_while(|end| *end <= self.bytes.len() as u64)
            .find(|end| self.lands(*end as usize));
        match wrapped {
            Some(end) => {
                self.integrity.warn(faults::length_wrapped((start - RECORD_HEADER) as u64));
                end as usize
            }
            None => end,
        }
    }

    /// True when the file ends at `at` or goes on with believable records.
    fn lands(&self, mut at: usize) -> bool {
        const BELIEVED: usize = 4;
        for _ in 0..BELIEVED {
            let Some(rest) = self.bytes.get(at..) else { return false };
            if rest.is_empty() {
                return true;
            }
            if rest.len() < RECORD_HEADER {
                return false;
            }
            if !is_plausible_record(rest, Some((rest.len() - RECORD_HEADER) as u64)) {
                return false;
            }
            match RecordHeader::parse(rest) {
                Some(record) if top::is_known(record.tag) => {
                    at += RECORD_HEADER + record.length as usize;
                }
                // Another file's header.
                _ => return true,
            }
        }
        true
    }

    fn stop(&mut self, reason: Stop, at: usize) {
        faults::stopped(reason, at as u64, (self.bytes.len() - at) as u64, &mut self.integrity);
    }
}

impl FilePart {
    fn new(header: Header) -> Self {
        Self {
            header,
            tables: TopLevelTables::default(),
            known: WellKnown::default(),
            symbol_runs: Vec::new(),
        }
    }

    fn record(&mut self, record: RecordHeader, body: &[u8], at: usize) {
        self.tables.count(record.tag);
        let id_size = self.header.id_size.bytes();
        if record.tag != top::UTF8 {
            self.tables.record(record.tag, body, id_size, at as u64);
            return;
        }
        let end = at + RECORD_HEADER + body.len();
        match self.symbol_runs.last_mut() {
            Some(run) if run.1 == at => run.1 = end,
            _ => self.symbol_runs.push((at, end)),
        }
        match (id_of_size(body, 0, id_size), body.get(id_size..)) {
            (Some(id), Some(text)) => self.known.offer(StringId(id), text),
            _ => self.tables.short.note(record.tag, at as u64),
        }
    }

    /// Reads the needed symbols; the rest of the JVM's symbol table never takes memory.
    pub fn symbols(&self, bytes: &[u8], needed: &HashSet<StringId>) -> Symbols {
        let mut symbols = Symbols::default();
        let id_size = self.header.id_size.bytes();
        for (start, end) in &self.symbol_runs {
            let mut rest = &bytes[*start..*end];
            while let Some(record) = RecordHeader::parse(rest) {
                let end = RECORD_HEADER + record.length as usize;
                let Some(body) = rest.get(RECORD_HEADER..end) else { break };
                if let Some(id) = id_of_size(body, 0, id_size).map(StringId) {
                    if needed.contains(&id) {
                        symbols.define(id, &body[id_size..]);
                    }
                }
                rest = &rest[end..];
            }
        }
        symbols
    }
}

/// Where the heap records of the chosen dump stand: start and end of each record or segment, without
/// its header.
///
/// # Errors
/// [`ScanError`], as for a walk.
pub fn segments(
    bytes: &[u8],
    options: &ScanOptions,
) -> Result<(IdSize, Vec<(usize, usize)>), ScanError> {
    let header = parse_header(bytes, options.force)?;
    let file = MappedDump::open(bytes, header, options)?;
    let id_size = file.files[file.dump.file].header.id_size;
    let segments = file.dump.segments.iter().map(|segment| (segment.start, segment.end));
    Ok((id_size, segments.collect()))
}
