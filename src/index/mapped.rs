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
use super::hop::{Dump, FilePart, MappedDump, Segment};
use super::integrity::Integrity;
use super::scan::{Part, Progress, Scan, ScanOptions, class_symbols};
use super::tally::{Sink, Tally};
use super::watch::Watch;
use crate::parser::classes::{ClassRecord, Symbols};
use crate::parser::header::IdSize;
use crate::parser::heap::{HeapRecord, HeapRecords, Malformed};
use crate::parser::record::{RECORD_HEADER, RecordHeader};
use crate::parser::resync::find_record;
use crate::parser::structure::HeapLength;
use crate::parser::tags::top;
use crate::source::map::{Expected, advise};

/// Segments are handed to threads in groups of at least this many bytes.
const GROUP: usize = 8 << 20;
/// Records longer than this are cut into pieces.
const HUGE: usize = 32 << 20;
/// Grid on which huge records are cut.
const PIECE: usize = 16 << 20;

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
                    advise(&self.file.bytes[later], Expected::Soon);
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
            advise(&bytes[later], Expected::Soon);
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
