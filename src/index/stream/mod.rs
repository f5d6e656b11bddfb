//! Walks a dump that comes as a stream of bytes, in bounded memory.
//!
//! A buffer slides over the stream. Arrays that do not fit into it are passed on in parts.

mod input;
mod lazy_tally;
mod segment;

use std::io::Read;

use super::faults::{self, Unknown};
use super::integrity::Integrity;
use super::scan::{Progress, Scan, ScanError, ScanOptions};
use super::tally::Sink;
use crate::parser::bytes::id_of_size;
use crate::parser::classes::Symbols;
use crate::parser::header::{Header, IdSize, parse_header};
use crate::parser::ids::StringId;
use crate::parser::record::{RECORD_HEADER, RecordHeader};
use crate::parser::structure::{Ahead, HeapLength, LOOK_AHEAD, Step, Stop, next_step};
use crate::parser::tables::{TopLevelTables, WellKnown};
use crate::parser::tags::top;
use input::{BUFFER, Input};
use lazy_tally::LazyTally;
use segment::End;

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
        let asked = self.options.dump;
        let is_asked = |dump: usize| asked.is_none_or(|asked| asked == dump);
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
                        dumps += 1;
                        // Dumps behind the one that was asked for are counted, not walked.
                        if chosen.is_none() || asked.is_none() {
                            current = Some(self.lazy_tally());
                            if is_asked(dumps) {
                                chosen = Some(dumps);
                                self.kept = None;
                            }
                        }
                    }
                    open = !single;
                    closed = false;
                    let segment = self.enter(header.tag, length);
                    let Some(tally) = current.as_mut().filter(|_| is_asked(dumps)) else {
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
                    if let Some(tally) = current.as_mut().filter(|_| is_asked(dumps)) {
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
        LazyTally::new(self.tables.loads.clone(), self.known.symbols.clone(), ID)
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
