//! Walks a dump that lies in memory, on all cores.
//!
//! JVMs since 11 write thousands of small segments: threads take them in groups. Older ones write
//! one huge record: it is cut on a fixed grid, each piece is walked from the first believable
//! record start behind its grid line, and a piece counts only when the walk of the piece before
//! ended exactly there; else it is walked again from where that one ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hashbrown::HashSet;
use rayon::prelude::*;

use super::faults::{self, Judgement};
use super::integrity::Integrity;
use super::scan::{Part, Progress, Scan, ScanError, ScanOptions, class_symbols};
use super::tally::{Sink, Tally};
use super::watch::Watch;
use crate::parser::bytes::id_of_size;
use crate::parser::classes::{ClassRecord, Symbols};
use crate::parser::header::{Header, IdSize, parse_header};
use crate::parser::heap::{HeapRecord, HeapRecords, Malformed};
use crate::parser::ids::StringId;
use crate::parser::record::{RECORD_HEADER, RecordHeader};
use crate::parser::resync::find_record;
use crate::parser::structure::{Ahead, HeapLength, Step, Stop, is_plausible_record, next_step};
use crate::parser::tables::{TopLevelTables, WellKnown};
use crate::parser::tags::top;
use crate::source::map::{Expected, expect};

/// Segments are handed to threads in groups of at least this many bytes.
const GROUP: usize = 8 << 20;
/// Records longer than this are cut into pieces.
const HUGE: usize = 32 << 20;
/// Grid on which huge records are cut.
const PIECE: usize = 16 << 20;

/// A heap dump record or segment: `start..end` of the file, without its header.
#[derive(Clone, Copy, Debug)]
struct Segment {
    start: usize,
    end: usize,
    length: HeapLength,
}

/// One dump in the file.
#[derive(Clone, Debug, Default)]
struct Dump {
    segments: Vec<Segment>,
    /// Index into [`MappedDump::files`].
    file: usize,
    /// True when the dump is known to be finished.
    closed: bool,
}

/// The records that belong to one file header; more than one when files were appended.
#[derive(Debug)]
struct FilePart {
    header: Header,
    tables: TopLevelTables,
    known: WellKnown,
    /// Runs of records among which there are UTF8 records.
    symbol_runs: Vec<(usize, usize)>,
}

/// The structure of a mapped file.
pub struct MappedDump<'d> {
    bytes: &'d [u8],
    files: Vec<FilePart>,
    /// The dump to walk; empty where there is none.
    dump: Dump,
    /// Dumps in the file and which of them [`Self::dump`] is, from 1.
    present: usize,
    chosen: usize,
    integrity: Integrity,
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
                        expect(&bytes[at..], Expected::Scattered);
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
        expect(bytes, Expected::InOrder);
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
    fn symbols(&self, bytes: &[u8], needed: &HashSet<StringId>) -> Symbols {
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

/// How the walk of a mapped dump went.
pub enum Outcome {
    Whole(Box<Scan>),
    /// A record crosses the end of its segment and goes on in the next one.
    CrossesSegment {
        offset: u64,
    },
}

/// Walks the chosen dump.
pub fn scan(mut file: MappedDump<'_>, options: &ScanOptions, progress: &dyn Progress) -> Outcome {
    let walked = match file.files[file.dump.file].header.id_size {
        IdSize::Four => Walk::<4>::new(&file, options, progress).walk(),
        IdSize::Eight => Walk::<8>::new(&file, options, progress).walk(),
    };
    let Walked { tally, symbols, integrity, closed, parts } = match walked {
        Ok(walked) => walked,
        Err(offset) => return Outcome::CrossesSegment { offset },
    };
    let part = file.files.swap_remove(file.dump.file);
    Outcome::Whole(Box::new(Scan {
        header: part.header,
        tables: part.tables,
        symbols,
        tally,
        integrity,
        dumps: file.present,
        chosen: file.chosen,
        bytes: file.bytes.len() as u64,
        closed,
        parts,
    }))
}

/// What the walk of a dump gives.
struct Walked {
    tally: Tally,
    symbols: Symbols,
    integrity: Integrity,
    closed: bool,
    parts: Vec<Part>,
}

struct Walk<'a, const ID: usize> {
    file: &'a MappedDump<'a>,
    dump: &'a Dump,
    part: &'a FilePart,
    progress: &'a dyn Progress,
    threads: usize,
}

/// What a thread counted and found.
struct Counting {
    tally: Tally,
    integrity: Integrity,
    parts: Vec<Part>,
    crosses: Option<u64>,
}

impl Counting {
    fn new(watch: &Arc<Watch>, id_size: usize) -> Self {
        Self::of(Tally::new(watch.clone(), id_size, false))
    }

    fn of(tally: Tally) -> Self {
        Self { tally, integrity: Integrity::default(), parts: Vec::new(), crosses: None }
    }

    fn merge(&mut self, other: Self) {
        self.tally.merge(other.tally);
        self.integrity.merge(other.integrity);
        self.parts.extend(other.parts);
        self.crosses = match (self.crosses, other.crosses) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }

    /// Runs `walk` and notes the range of ids that it met in `start..end`.
    fn part(&mut self, start: usize, end: usize, has_headers: bool, walk: impl FnOnce(&mut Self)) {
        let before = (self.tally.lowest, self.tally.highest);
        (self.tally.lowest, self.tally.highest) = (u64::MAX, 0);
        walk(self);
        let (lowest, highest) = (self.tally.lowest, self.tally.highest);
        let (start, end) = (start as u64, end as u64);
        self.parts.push(Part { start, end, lowest, highest, has_headers });
        self.tally.lowest = lowest.min(before.0);
        self.tally.highest = highest.max(before.1);
    }
}

impl<'a, const ID: usize> Walk<'a, ID> {
    fn new(file: &'a MappedDump<'a>, options: &ScanOptions, progress: &'a dyn Progress) -> Self {
        let dump = &file.dump;
        let threads =
            if options.threads == 0 { rayon::current_num_threads() } else { options.threads };
        Self { file, dump, part: &file.files[dump.file], progress, threads }
    }

    /// Walks the dump; the error is the offset of a record that crosses the end of its segment.
    fn walk(&self) -> Result<Walked, u64> {
        let early = self.early_classes();
        let watch =
            Arc::new(Watch::new(&early, &self.part.tables.loads, &self.part.known.symbols, ID));
        drop(early);
        let mut counting = self.small_segments(&watch);
        for (index, segment) in self.dump.segments.iter().enumerate() {
            if segment.end - segment.start > HUGE {
                self.huge_segment(index, *segment, &watch, &mut counting);
            }
        }
        if let Some(offset) = counting.crosses {
            return Err(offset);
        }
        let mut integrity = self.file.integrity.clone();
        integrity.merge(counting.integrity);
        integrity.finish();
        let mut closed = self.dump.closed;
        if let Some(last) = self.dump.segments.last() {
            match last.length {
                HeapLength::Unpatched => {
                    integrity.lose((last.start - RECORD_HEADER) as u64, faults::NEVER_FINISHED);
                }
                HeapLength::Clipped { written } => integrity.lose(
                    self.file.bytes.len() as u64,
                    faults::ends_inside(
                        written - (last.end - last.start) as u64,
                        (last.start - RECORD_HEADER) as u64,
                    ),
                ),
                HeapLength::Written(_) if !closed && integrity.is_complete() => {
                    integrity.lose(last.end as u64, faults::NO_END);
                }
                HeapLength::Written(_) => {}
            }
            closed &= matches!(last.length, HeapLength::Written(_));
        }
        let mut tally = counting.tally;
        tally.finish();
        let mut needed = HashSet::new();
        self.part.tables.needed_symbols(&mut needed);
        class_symbols(&tally, &mut needed);
        let symbols = self.part.symbols(self.file.bytes, &needed);
        let mut parts = counting.parts;
        parts.sort_unstable_by_key(|part| part.start);
        Ok(Walked { tally, symbols, integrity, closed, parts })
    }

    /// The classes that stand before the first object.
    fn early_classes(&self) -> Vec<ClassRecord> {
        let mut classes = Vec::new();
        for segment in &self.dump.segments {
            let mut records =
                HeapRecords::<ID>::new(&self.file.bytes[..segment.end], segment.start);
            loop {
                let at = records.position() as u64;
                match records.next_record() {
                    Ok(Some(HeapRecord::Class(class))) => {
                        classes.push(ClassRecord::new(&class, at));
                    }
                    Ok(Some(HeapRecord::Root(_) | HeapRecord::HeapInfo { .. })) => {}
                    Ok(Some(_)) | Err(_) => return classes,
                    Ok(None) => break,
                }
            }
        }
        classes
    }

    /// Walks the segments of ordinary size: each thread takes the next group until none is left.
    fn small_segments(&self, watch: &Arc<Watch>) -> Counting {
        let segments = &self.dump.segments;
        let mut groups: Vec<std::ops::Range<usize>> = Vec::new();
        let mut bytes = usize::MAX;
        for (index, segment) in segments.iter().enumerate() {
            let length = segment.end - segment.start;
            if length > HUGE {
                bytes = usize::MAX;
                continue;
            }
            match groups.last_mut() {
                Some(group) if bytes < GROUP => {
                    group.end = index + 1;
                    bytes += length;
                }
                _ => {
                    groups.push(index..index + 1);
                    bytes = length;
                }
            }
        }
        let next = AtomicUsize::new(0);
        let work = || {
            let mut counting = Counting::new(watch, ID);
            loop {
                let nth = next.fetch_add(1, Ordering::Relaxed);
                let Some(group) = groups.get(nth) else { break };
                if let Some(later) = groups.get(nth + self.threads) {
                    let later = segments[later.start].start..segments[later.end - 1].end;
                    expect(&self.file.bytes[later], Expected::Soon);
                }
                let (first, last) = (segments[group.start], segments[group.end - 1]);
                counting.part(first.start - RECORD_HEADER, last.end, true, |counting| {
                    for index in group.clone() {
                        self.segment(index, counting);
                    }
                });
                self.progress.advance((last.end - first.start) as u64);
            }
            counting
        };
        let threads = self.threads.clamp(1, groups.len().max(1));
        (0..threads)
            .into_par_iter()
            .with_max_len(1)
            .map(|_| work())
            .reduce_with(|mut a, b| {
                a.merge(b);
                a
            })
            .unwrap_or_else(|| Counting::new(watch, ID))
    }

    fn segment(&self, index: usize, counting: &mut Counting) {
        let segment = self.dump.segments[index];
        counting.tally.begin();
        let (at, fault) = walk::<ID>(
            self.file.bytes,
            segment.start,
            segment.end,
            segment.end,
            &mut counting.tally,
        );
        if let Some(fault) = fault {
            self.fault(index, at, fault, counting);
        }
    }

    /// Walks a huge record in pieces; see the module's text.
    fn huge_segment(
        &self,
        index: usize,
        segment: Segment,
        watch: &Arc<Watch>,
        counting: &mut Counting,
    ) {
        let bytes = self.file.bytes;
        let mut at = segment.start;
        while at < segment.end {
            let piece = (at - segment.start) / PIECE;
            let line = |n: usize| (segment.start + n * PIECE).min(segment.end);
            let lines: Vec<(usize, usize)> = (piece..piece + 2 * self.threads)
                .map(|n| (line(n), line(n + 1)))
                .take_while(|(start, end)| start < end)
                .collect();
            let later = line(piece + 2 * self.threads)..line(piece + 4 * self.threads);
            expect(&bytes[later], Expected::Soon);
            let before = &counting.tally;
            let pieces: Vec<Option<Piece>> = lines
                .par_iter()
                .enumerate()
                .with_max_len(1)
                .map(|(nth, (start, end))| {
                    let start = match nth {
                        0 => Some(at),
                        _ if watch.is_empty() => None,
                        _ => find_record::<ID>(&bytes[..segment.end], *start, PIECE, &**watch),
                    }?;
                    (start < *end).then(|| self.piece(start, *end, segment.end, before))
                })
                .collect();
            for ((_, end), piece) in lines.into_iter().zip(pieces) {
                if at >= end {
                    // A record from before covers the whole piece.
                    continue;
                }
                let piece = match piece {
                    Some(piece) if piece.start == at => piece,
                    _ => self.piece(at, end, segment.end, &counting.tally),
                };
                self.progress.advance((piece.end - piece.start) as u64);
                at = piece.end;
                counting.merge(piece.counting);
                if let Some(fault) = piece.fault {
                    self.fault(index, at, fault, counting);
                    return;
                }
            }
        }
    }

    /// Walks from `start` to the first record start at or behind `line`; `before` has counted what
    /// stands before it.
    fn piece(&self, start: usize, line: usize, end: usize, before: &Tally) -> Piece {
        let mut counting = Counting::of(before.for_next_part());
        counting.tally.begin();
        let mut stop = (start, None);
        counting.part(start, line, false, |counting| {
            stop = walk::<ID>(self.file.bytes, start, line, end, &mut counting.tally);
        });
        if let Some(part) = counting.parts.last_mut() {
            part.end = stop.0 as u64;
        }
        Piece { start, end: stop.0, fault: stop.1, counting }
    }

    /// Judges why the walk of a segment stopped early at `at`.
    fn fault(&self, index: usize, at: usize, fault: Malformed, counting: &mut Counting) {
        let bytes = self.file.bytes;
        let segment = self.dump.segments[index];
        let rest = &bytes[at..segment.end];
        let at_end = segment.end == bytes.len();
        if let (Malformed::Short, Some(next)) = (fault, self.dump.segments.get(index + 1)) {
            if faults::crosses_segment::<ID>(rest, &bytes[next.start..next.end]) {
                let first = counting.crosses.unwrap_or(u64::MAX);
                counting.crosses = Some(first.min(at as u64));
                return;
            }
        }
        let only_zeros = rest.iter().all(|byte| *byte == 0);
        match faults::judge(fault, rest.len() as u64, only_zeros, at_end) {
            Judgement::Loss(what) => counting.integrity.lose(at as u64, what),
            Judgement::Slack => counting.integrity.slack.note(at as u64, rest.len() as u64),
        }
    }
}

/// A piece of a huge record, walked.
struct Piece {
    start: usize,
    end: usize,
    fault: Option<Malformed>,
    counting: Counting,
}

/// Walks records from `start` until one starts at or behind `line`; none may reach behind `end`.
/// Gives where it stopped and, if that was a fault, which.
#[inline(never)]
fn walk<const ID: usize>(
    bytes: &[u8],
    start: usize,
    line: usize,
    end: usize,
    sink: &mut impl Sink,
) -> (usize, Option<Malformed>) {
    let mut records = HeapRecords::<ID>::new(&bytes[..end], start);
    loop {
        let at = records.position();
        if at >= line {
            return (at, None);
        }
        match records.next_record() {
            Ok(Some(record)) => sink.record(&record, at as u64),
            Ok(None) => return (at, None),
            Err(fault) => return (at, Some(fault)),
        }
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

/// Walks a part of a mapped dump again, for finding single objects. Damage was told before.
pub fn revisit(bytes: &[u8], part: Part, id_size: IdSize, sink: &mut impl Sink) {
    let (mut at, end) = (part.start as usize, (part.end as usize).min(bytes.len()));
    let mut visit = |start: usize, end: usize| match id_size {
        IdSize::Four => walk::<4>(bytes, start, end, end, sink),
        IdSize::Eight => walk::<8>(bytes, start, end, end, sink),
    };
    if !part.has_headers {
        visit(at, end);
        return;
    }
    while let Some(record) = bytes.get(at..end).and_then(RecordHeader::parse) {
        let start = at + RECORD_HEADER;
        let is_heap = matches!(record.tag, top::HEAP_DUMP | top::HEAP_DUMP_SEGMENT);
        // One that was never finished is the last of its part.
        let unfinished = is_heap && record.length == 0 && next_is_heap_record(bytes, start);
        at = if unfinished { end } else { end.min(start + record.length as usize) };
        if is_heap {
            visit(start, at);
        }
    }
}

/// True when heap records, no top-level record, stand at `at`.
fn next_is_heap_record(bytes: &[u8], at: usize) -> bool {
    bytes.get(at).is_some_and(|tag| !top::is_known(*tag))
}
