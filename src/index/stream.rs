//! Walks a dump that comes as a stream of bytes, in bounded memory.
//!
//! A buffer slides over the stream. Arrays that do not fit into it are passed on in parts.

use std::io::{self, Read};
use std::sync::Arc;

use hashbrown::HashMap;

use super::faults::{self, Judgement, Unknown};
use super::integrity::Integrity;
use super::scan::{Progress, Scan, ScanError, ScanOptions};
use super::tally::{Sink, Tally};
use super::watch::Watch;
use crate::parser::bytes::id_of_size;
use crate::parser::classes::{ClassRecord, Symbols};
use crate::parser::header::{Header, IdSize, parse_header};
use crate::parser::heap::{HeapRecord, HeapRecords, LargeArray, Malformed, Root};
use crate::parser::ids::{ObjectId, StringId};
use crate::parser::record::{RECORD_HEADER, RecordHeader};
use crate::parser::structure::{
    Ahead, HeapLength, LOOK_AHEAD, Step, Stop, is_plausible_record, is_sub_record_tag, next_step,
};
use crate::parser::tables::{TopLevelTables, WellKnown};
use crate::parser::tags::top;

/// Bytes of the buffer, and the most that a record other than an array may have.
const BUFFER: usize = 4 << 20;
/// Bytes of symbols that are kept; a stream cannot be read again for the few that are needed.
const SYMBOL_LIMIT: usize = 64 << 20;

/// Walks the chosen dump of a stream.
pub fn scan(
    reader: impl Read,
    options: &ScanOptions,
    progress: &dyn Progress,
) -> Result<Scan, ScanError> {
    let mut input = Input::new(reader, progress);
    input.fill(LOOK_AHEAD + 256);
    if input.window().is_empty() {
        if let Some(error) = input.error.take() {
            return Err(ScanError::Io(error));
        }
    }
    let header = parse_header(input.window(), options.force)?;
    match header.id_size {
        IdSize::Four => Reader::<4, _>::new(input, header, options).scan(),
        IdSize::Eight => Reader::<8, _>::new(input, header, options).scan(),
    }
}

/// Walks a stream once more and gives all heap records of all its dumps to `sink`.
pub fn revisit(reader: impl Read, sink: &mut impl Sink) -> Result<(), ScanError> {
    struct Silent;
    impl Progress for Silent {
        fn advance(&self, _: u64) {}
    }
    let mut input = Input::new(reader, &Silent);
    input.fill(LOOK_AHEAD + 256);
    let options = ScanOptions { force: true, ..ScanOptions::default() };
    let header = parse_header(input.window(), true)?;
    match header.id_size {
        IdSize::Four => Reader::<4, _>::new(input, header, &options).visit(sink),
        IdSize::Eight => Reader::<8, _>::new(input, header, &options).visit(sink),
    };
    Ok(())
}

/// The bytes of a stream around the current position.
struct Input<'p, R> {
    reader: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Offset of `start` in the stream.
    offset: u64,
    at_end: bool,
    error: Option<io::Error>,
    progress: &'p dyn Progress,
}

impl<'p, R: Read> Input<'p, R> {
    fn new(reader: R, progress: &'p dyn Progress) -> Self {
        Self {
            reader,
            buffer: vec![0; BUFFER],
            start: 0,
            end: 0,
            offset: 0,
            at_end: false,
            error: None,
            progress,
        }
    }

    fn window(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Makes at least `wanted` bytes visible, fewer where the stream ends or the buffer is full.
    fn fill(&mut self, wanted: usize) {
        if self.end - self.start >= wanted.min(BUFFER) || self.at_end {
            return;
        }
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        // As full as possible: few large moves instead of many small ones.
        while self.end < BUFFER {
            match self.reader.read(&mut self.buffer[self.end..]) {
                Ok(0) => {
                    self.at_end = true;
                    return;
                }
                Ok(count) => {
                    self.end += count;
                    self.progress.advance(count as u64);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.error = Some(error);
                    self.at_end = true;
                    return;
                }
            }
        }
    }

    fn consume(&mut self, count: usize) {
        self.start += count;
        self.offset += count as u64;
    }

    /// Passes over `count` bytes; gives how many there were.
    fn skip(&mut self, count: u64) -> u64 {
        let mut left = count;
        while left > 0 {
            self.fill(1);
            let some = (self.window().len() as u64).min(left);
            if some == 0 {
                break;
            }
            self.consume(some as usize);
            left -= some;
        }
        count - left
    }

    /// Cuts `length` bytes out of the window, `from` bytes ahead.
    fn cut(&mut self, from: usize, length: usize) {
        self.buffer.copy_within(self.start..self.start + from, self.start + length);
        self.consume(length);
    }

    /// Bytes to the end, where that is in sight.
    fn remaining(&self) -> Option<u64> {
        self.at_end.then(|| self.window().len() as u64)
    }
}

/// The segment that is being walked.
#[derive(Clone, Copy)]
struct Segment {
    /// Offset of its header.
    header: u64,
    /// Bytes not walked yet; `None` to the end of the stream.
    left: Option<u64>,
    tag: u8,
    /// True when the written length was too small by multiples of 4 GiB.
    unwrapped: bool,
}

/// Where a segment's walk ended.
#[derive(PartialEq, Eq, Clone, Copy)]
enum End {
    /// At the end of the segment: records follow.
    Segment,
    /// At the end of the stream, too early.
    Stream,
}

struct Reader<'o, 'p, const ID: usize, R> {
    input: Input<'p, R>,
    header: Header,
    tables: TopLevelTables,
    known: WellKnown,
    symbols: Symbols,
    symbol_bytes: usize,
    symbols_dropped: u64,
    integrity: Integrity,
    unknown: Unknown,
    options: &'o ScanOptions,
    /// The header, tables and symbols that the chosen dump belongs to, where files were appended
    /// to its own.
    kept: Option<(Header, TopLevelTables, Symbols)>,
}

impl<'o, 'p, const ID: usize, R: Read> Reader<'o, 'p, ID, R> {
    fn new(mut input: Input<'p, R>, header: Header, options: &'o ScanOptions) -> Self {
        input.consume(header.length);
        Self {
            input,
            header,
            tables: TopLevelTables::default(),
            known: WellKnown::default(),
            symbols: Symbols::default(),
            symbol_bytes: 0,
            symbols_dropped: 0,
            integrity: Integrity::default(),
            unknown: Unknown::default(),
            options,
            kept: None,
        }
    }

    fn step(&mut self, closed: bool) -> Step {
        self.input.fill(LOOK_AHEAD);
        next_step(Ahead { bytes: self.input.window(), remaining: self.input.remaining(), closed })
    }

    /// Gives all heap records to `sink`; damage is passed over in silence, it was told before.
    fn visit(mut self, sink: &mut impl Sink) {
        loop {
            match self.step(false) {
                Step::Record(record) => {
                    if !self.record(record) {
                        return;
                    }
                }
                Step::Heap { header, length } => {
                    let segment = self.enter(header.tag, length);
                    sink.begin();
                    if !matches!(self.walk(segment, sink), Ok(End::Segment)) {
                        return;
                    }
                }
                Step::DumpEnd => self.input.consume(RECORD_HEADER),
                Step::NewFile | Step::End | Step::Stop { .. } => return,
            }
        }
    }

    fn scan(mut self) -> Result<Scan, ScanError> {
        let mut dumps = 0;
        let mut chosen = None;
        // The dump being read: a single record is one, segments go on to their end.
        let mut current: Option<LazyTally> = None;
        let mut open = false;
        let mut closed = false;
        loop {
            let at = self.input.offset;
            let step = self.step(closed);
            match step {
                Step::Record(record) => {
                    if !self.record(record) {
                        break;
                    }
                }
                Step::Heap { header, length } => {
                    let single = header.tag == top::HEAP_DUMP;
                    if single || !open {
                        if chosen.is_some() && self.options.dump.is_some() {
                            // Later dumps are counted, not walked.
                            dumps += 1;
                        } else {
                            dumps += 1;
                            current = Some(self.lazy_tally());
                            if self.options.dump.is_none_or(|asked| asked == dumps) {
                                chosen = Some(dumps);
                                self.kept = None;
                            }
                        }
                    }
                    open = !single;
                    closed = false;
                    let segment = self.enter(header.tag, length);
                    let keep = self.options.dump.is_none_or(|asked| asked == dumps);
                    let Some(tally) = current.as_mut().filter(|_| keep) else {
                        let left = segment.left.unwrap_or(u64::MAX);
                        if self.input.skip(left) < left {
                            break;
                        }
                        continue;
                    };
                    tally.begin();
                    tally.closed = false;
                    let end = self.walk(segment, tally)?;
                    let written =
                        matches!(length, HeapLength::Written(_) | HeapLength::Clipped { .. });
                    tally.closed = single && written && end == End::Segment;
                    tally.last_end = self.input.offset;
                    if length == HeapLength::Unpatched {
                        self.integrity.lose(at, faults::NEVER_FINISHED);
                    }
                    if end == End::Stream {
                        break;
                    }
                }
                Step::DumpEnd => {
                    self.tables.count(top::HEAP_DUMP_END);
                    self.input.consume(RECORD_HEADER);
                    let keep = self.options.dump.is_none_or(|asked| asked == dumps);
                    if let Some(tally) = current.as_mut().filter(|_| keep) {
                        tally.closed = true;
                    }
                    (open, closed) = (false, true);
                }
                Step::NewFile => {
                    if !self.appended(at, chosen.is_some()) {
                        break;
                    }
                    (open, closed) = (false, false);
                }
                Step::End => break,
                Step::Stop { reason, .. } => {
                    let lost = self.input.skip(u64::MAX);
                    faults::stopped(reason, at, lost, &mut self.integrity);
                    break;
                }
            }
        }
        self.finish(current, chosen, dumps)
    }

    fn lazy_tally(&self) -> LazyTally {
        LazyTally {
            loads: self.tables.loads.clone(),
            symbols: self.known.symbols.clone(),
            id_size: ID,
            early: Vec::new(),
            early_roots: Vec::new(),
            tally: None,
            closed: false,
            last_end: 0,
        }
    }

    fn enter(&mut self, tag: u8, length: HeapLength) -> Segment {
        self.tables.count(tag);
        let header = self.input.offset;
        self.input.consume(RECORD_HEADER);
        let left = match length {
            HeapLength::Written(length) | HeapLength::Clipped { written: length } => Some(length),
            HeapLength::Unpatched => None,
        };
        Segment { header, left, tag, unwrapped: false }
    }

    /// Goes on with a file that was appended to this one; `false` when that is not possible.
    fn appended(&mut self, at: u64, has_chosen: bool) -> bool {
        self.input.fill(LOOK_AHEAD + 256);
        match parse_header(self.input.window(), self.options.force) {
            Ok(header) if header.id_size == self.header.id_size => {
                self.integrity.warn(format!("another hprof file is appended at byte {at}"));
                self.input.consume(header.length);
                let header = std::mem::replace(&mut self.header, header);
                let tables = std::mem::take(&mut self.tables);
                let symbols = std::mem::take(&mut self.symbols);
                if has_chosen && self.kept.is_none() {
                    self.kept = Some((header, tables, symbols));
                }
                self.known = WellKnown::default();
                self.symbol_bytes = 0;
                true
            }
            Ok(_) => {
                self.integrity.lose(
                    at,
                    "an appended file with another id size cannot be read from a stream; unpack it \
                     to a file first",
                );
                false
            }
            Err(error) => {
                self.integrity.lose(at, format!("an appended file: {error}"));
                false
            }
        }
    }

    /// Takes in a top-level record; `false` when the stream ended inside it.
    fn record(&mut self, record: RecordHeader) -> bool {
        let at = self.input.offset;
        let length = record.length as usize;
        self.tables.count(record.tag);
        if !top::is_known(record.tag) {
            self.unknown.note(record.tag, at, (RECORD_HEADER + length) as u64);
        }
        self.input.consume(RECORD_HEADER);
        let visible = length.min(BUFFER);
        self.input.fill(visible);
        let Some(body) = self.input.window().get(..visible) else {
            let lost = self.input.skip(u64::MAX) + RECORD_HEADER as u64;
            faults::stopped(Stop::CutRecord(record.tag), at, lost, &mut self.integrity);
            return false;
        };
        match record.tag {
            top::UTF8 => match (id_of_size(body, 0, ID), body.get(ID..)) {
                (Some(id), Some(text)) => {
                    self.known.offer(StringId(id), text);
                    if self.symbol_bytes + text.len() <= SYMBOL_LIMIT {
                        self.symbol_bytes += text.len() + 32;
                        self.symbols.define(StringId(id), text);
                    } else {
                        self.symbols_dropped += 1;
                    }
                }
                _ => self.tables.short.note(record.tag, at),
            },
            // Only symbols and traces can be longer than the buffer; such a trace is nonsense.
            tag => self.tables.record(tag, body, ID, at),
        }
        self.input.consume(visible);
        let rest = (length - visible) as u64;
        if self.input.skip(rest) < rest {
            faults::stopped(Stop::CutRecord(record.tag), at, 0, &mut self.integrity);
            return false;
        }
        true
    }

    /// Walks a segment.
    ///
    /// # Errors
    /// [`ScanError::CrossesSegment`] unless that is forced; other damage is noted.
    fn walk(&mut self, mut segment: Segment, sink: &mut impl Sink) -> Result<End, ScanError> {
        loop {
            if segment.left == Some(0) {
                if !self.is_wrapped(&segment) {
                    return Ok(End::Segment);
                }
                self.unwrap_length(&mut segment);
            }
            self.input.fill(1);
            let base = self.input.offset;
            let window = self.input.window();
            if window.is_empty() {
                if let Some(left) = segment.left {
                    self.integrity.lose(base, faults::ends_inside(left, segment.header));
                }
                return Ok(End::Stream);
            }
            let visible =
                segment.left.map_or(window.len(), |left| left.min(window.len() as u64) as usize);
            let is_rest = segment.left == Some(visible as u64) || self.input.at_end;
            let mut records = HeapRecords::<ID>::new(&window[..visible], 0);
            let fault = loop {
                let at = records.position() as u64;
                match records.next_record() {
                    Ok(Some(record)) => sink.record(&record, base + at),
                    Ok(None) => break None,
                    Err(fault) => break Some(fault),
                }
            };
            let used = records.position();
            self.advance(used, &mut segment);
            match fault {
                None => {}
                Some(Malformed::Short) if !is_rest => {
                    let before = self.input.window().len();
                    self.input.fill(BUFFER);
                    if self.input.window().len() == before {
                        // As full as it gets, and the record is still not whole.
                        match LargeArray::peek::<ID>(self.input.window()) {
                            Some(array) => {
                                while !segment.holds(&array) {
                                    if !self.unwrap_length(&mut segment) {
                                        return self.fault(Malformed::Short, segment);
                                    }
                                }
                                self.large_array(&array, &mut segment, sink);
                            }
                            _ => return self.fault(Malformed::Short, segment),
                        }
                    }
                }
                Some(Malformed::Short) if self.goes_on(&segment) => {
                    self.unwrap_length(&mut segment);
                }
                Some(Malformed::Short) if self.crosses(&segment) => {
                    let at = self.input.offset;
                    if !self.options.force {
                        return Err(ScanError::CrossesSegment { offset: at });
                    }
                    self.join(&mut segment);
                    self.integrity.warn(format!(
                        "a heap record crosses the end of its segment at byte {at}: segments are \
                         read as one stream of bytes"
                    ));
                }
                Some(fault) => return self.fault(fault, segment),
            }
        }
    }

    fn advance(&mut self, count: usize, segment: &mut Segment) {
        self.input.consume(count);
        segment.left = segment.left.map(|left| left - count as u64);
    }

    /// Adds the 4 GiB that the written length of a single dump record lacks; `false` for records
    /// whose lengths do not wrap.
    fn unwrap_length(&mut self, segment: &mut Segment) -> bool {
        if segment.tag != top::HEAP_DUMP {
            return false;
        }
        if !std::mem::replace(&mut segment.unwrapped, true) {
            self.integrity.warn(faults::length_wrapped(segment.header));
        }
        segment.left = segment.left.map(|left| left + (1 << 32));
        true
    }

    /// True when the record at the end of a single dump record goes on behind its written end, and
    /// others follow.
    fn goes_on(&mut self, segment: &Segment) -> bool {
        const BELIEVED: usize = 4;
        let Some(left) = segment.left.filter(|_| segment.tag == top::HEAP_DUMP) else {
            return false;
        };
        self.input.fill(BUFFER);
        let mut records = HeapRecords::<ID>::new(self.input.window(), 0);
        let whole = matches!(records.next_record(), Ok(Some(_)));
        whole
            && records.position() as u64 > left
            && (0..BELIEVED)
                .all(|_| matches!(records.next_record(), Ok(Some(_)) | Err(Malformed::Short)))
    }

    /// True when records go on behind the written end of a single dump record.
    fn is_wrapped(&mut self, segment: &Segment) -> bool {
        const BELIEVED: usize = 16;
        if segment.tag != top::HEAP_DUMP {
            return false;
        }
        self.input.fill(64 << 10);
        let window = self.input.window();
        let remaining = self.input.remaining();
        let left = remaining.map(|left| left.saturating_sub(RECORD_HEADER as u64));
        if window.is_empty() || is_plausible_record(window, left) {
            return false;
        }
        let mut records = HeapRecords::<ID>::new(window, 0);
        (0..BELIEVED).all(|_| matches!(records.next_record(), Ok(_) | Err(Malformed::Short)))
            && is_sub_record_tag(window[0])
    }

    /// Passes an array on in parts. One that the stream does not hold to its end does not count.
    fn large_array(&mut self, array: &LargeArray, segment: &mut Segment, sink: &mut impl Sink) {
        let offset = self.input.offset;
        self.advance(array.head, segment);
        let mut left = array.payload;
        while left > 0 {
            self.input.fill(BUFFER);
            let window = self.input.window();
            let some = left.min(window.len() as u64) as usize;
            // Whole elements, as long as there are any.
            let some = if some > ID { some / ID * ID } else { some };
            if some == 0 {
                return;
            }
            if array.element.is_none() {
                sink.elements(array.class, &window[..some]);
            }
            self.advance(some, segment);
            left -= some as u64;
        }
        sink.large_array(array, offset);
    }

    /// True when the record at the end of the segment goes on in the next one.
    fn crosses(&mut self, segment: &Segment) -> bool {
        let Some(left) = segment.left.map(|left| left as usize) else { return false };
        self.input.fill(BUFFER);
        let window = self.input.window();
        let (Some(tail), Some(behind)) = (window.get(..left), window.get(left..)) else {
            return false;
        };
        match RecordHeader::parse(behind) {
            Some(next) if next.tag == top::HEAP_DUMP_SEGMENT => {
                let body = &behind[RECORD_HEADER..];
                let body = &body[..body.len().min(next.length as usize)];
                faults::crosses_segment::<ID>(tail, body)
            }
            _ => false,
        }
    }

    /// Joins the segment with the next one, whose header is cut out.
    fn join(&mut self, segment: &mut Segment) {
        let left = segment.left.unwrap_or(0);
        let next = self.input.window().get(left as usize..).and_then(RecordHeader::parse);
        self.tables.count(top::HEAP_DUMP_SEGMENT);
        segment.left = Some(left + next.map_or(0, |next| u64::from(next.length)));
        self.input.cut(left as usize, RECORD_HEADER);
    }

    /// A record cannot be read: notes it and goes on behind the segment.
    fn fault(&mut self, fault: Malformed, segment: Segment) -> Result<End, ScanError> {
        let at = self.input.offset;
        let mut only_zeros = true;
        let mut left = segment.left.unwrap_or(u64::MAX);
        loop {
            self.input.fill(1);
            let some = left.min(self.input.window().len() as u64) as usize;
            if some == 0 {
                break;
            }
            only_zeros &= self.input.window()[..some].iter().all(|byte| *byte == 0);
            self.input.consume(some);
            left -= some as u64;
        }
        self.input.fill(1);
        let at_end = self.input.window().is_empty();
        let lost = self.input.offset - at;
        match faults::judge(fault, lost, only_zeros, at_end) {
            Judgement::Loss(what) => self.integrity.lose(at, what),
            Judgement::Slack => self.integrity.slack.note(at, lost),
        }
        match segment.left {
            Some(length) if left > 0 => {
                let missing = faults::ends_inside(length - lost, segment.header);
                self.integrity.lose(self.input.offset, missing);
                Ok(End::Stream)
            }
            Some(_) => Ok(End::Segment),
            None => Ok(End::Stream),
        }
    }

    fn finish(
        mut self,
        current: Option<LazyTally>,
        chosen: Option<usize>,
        dumps: usize,
    ) -> Result<Scan, ScanError> {
        let at = self.input.offset;
        if let Some(error) = self.input.error.take() {
            self.integrity.lose(at, error.to_string());
        }
        self.integrity.finish();
        self.unknown.tell(&mut self.integrity);
        faults::short_records(&self.tables, &mut self.integrity);
        if self.symbols_dropped > 0 {
            self.integrity.lose(
                0,
                format!(
                    "{} names were dropped: a stream's names may take {} MiB at most; unpack it to a \
                     file first",
                    self.symbols_dropped,
                    SYMBOL_LIMIT >> 20
                ),
            );
        }
        if let (Some(asked), None) = (self.options.dump, chosen) {
            return Err(ScanError::NoSuchDump { asked, present: dumps });
        }
        if dumps == 0 && self.integrity.is_complete() {
            self.integrity.lose(at, faults::NO_DUMP);
        }
        let lazy = current.unwrap_or_else(|| self.lazy_tally());
        let closed = lazy.closed;
        if dumps > 0 && !closed && self.integrity.is_complete() {
            self.integrity.lose(lazy.last_end, faults::NO_END);
        }
        let mut tally = lazy.into_tally();
        tally.finish();
        let (header, tables, symbols) =
            self.kept.unwrap_or((self.header, self.tables, self.symbols));
        Ok(Scan {
            header,
            tables,
            symbols,
            tally,
            integrity: self.integrity,
            dumps,
            chosen: chosen.unwrap_or(dumps),
            bytes: at,
            closed,
            parts: Vec::new(),
        })
    }
}

impl Segment {
    /// True when the array ends inside the segment.
    fn holds(&self, array: &LargeArray) -> bool {
        self.left.is_none_or(|left| array.head as u64 + array.payload <= left)
    }
}

/// A tally that starts with the first object: the classes before it tell what to watch.
struct LazyTally {
    loads: HashMap<ObjectId, StringId>,
    symbols: Symbols,
    id_size: usize,
    early: Vec<ClassRecord>,
    early_roots: Vec<Root>,
    tally: Option<Tally>,
    closed: bool,
    /// Offset behind the last segment.
    last_end: u64,
}

impl LazyTally {
    fn started(&mut self) -> &mut Tally {
        self.tally.get_or_insert_with(|| {
            let early = std::mem::take(&mut self.early);
            let watch = Watch::new(&early, &self.loads, &self.symbols, self.id_size);
            let mut tally = Tally::new(Arc::new(watch), self.id_size, true);
            early.into_iter().for_each(|class| tally.class(class));
            self.early_roots.drain(..).for_each(|root| tally.root(root));
            tally
        })
    }

    fn into_tally(mut self) -> Tally {
        self.started();
        self.tally.unwrap_or_else(|| Tally::new(Arc::default(), self.id_size, true))
    }
}

impl Sink for LazyTally {
    fn begin(&mut self) {
        if let Some(tally) = &mut self.tally {
            tally.begin();
        }
    }

    #[inline(always)]
    fn record(&mut self, record: &HeapRecord<'_>, offset: u64) {
        match (&mut self.tally, record) {
            (Some(tally), record) => tally.record(record, offset),
            (None, HeapRecord::Class(class)) => self.early.push(ClassRecord::new(class, offset)),
            (None, HeapRecord::Root(root)) => self.early_roots.push(*root),
            (None, record) => self.started().record(record, offset),
        }
    }

    fn elements(&mut self, class: ObjectId, elements: &[u8]) {
        self.started().elements(class, elements);
    }

    fn large_array(&mut self, array: &LargeArray, offset: u64) {
        self.started().large_array(array, offset);
    }
}
