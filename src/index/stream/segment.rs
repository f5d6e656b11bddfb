//! Walks one segment of a stream: its records, arrays that are larger than the window, and where its
//! written length is not where it ends.

use std::io::Read;

use super::Reader;
use super::input::BUFFER;
use crate::index::faults::{self, Judgement};
use crate::index::scan::ScanError;
use crate::index::tally::Sink;
use crate::parser::heap::{HeapRecords, LargeArray, Malformed};
use crate::parser::record::{RECORD_HEADER, RecordHeader};
use crate::parser::structure::{HeapLength, is_plausible_record, is_sub_record_tag};
use crate::parser::tags::top;

/// The segment that is being walked.
#[derive(Clone, Copy)]
pub(super) struct Segment {
    /// Offset of its header.
    header: u64,
    /// Bytes not walked yet; `None` to the end of the stream.
    pub left: Option<u64>,
    tag: u8,
    /// True when the written length was too small by multiples of 4 GiB.
    unwrapped: bool,
}

/// Where a segment's walk ended.
#[derive(PartialEq, Eq, Clone, Copy)]
pub(super) enum End {
    /// At the end of the segment: records follow.
    Segment,
    /// At the end of the stream, too early.
    Stream,
}

impl Segment {
    /// True when the array ends inside the segment.
    fn holds(&self, array: &LargeArray) -> bool {
        self.left.is_none_or(|left| array.head as u64 + array.payload <= left)
    }
}

impl<const ID: usize, R: Read> Reader<'_, '_, ID, R> {
    /// Reads the header of a segment.
    pub(super) fn enter(&mut self, tag: u8, length: HeapLength) -> Segment {
        self.tables.count(tag);
        let header = self.input.offset;
        self.input.consume(RECORD_HEADER);
        let left = match length {
            HeapLength::Written(length) | HeapLength::Clipped { written: length } => Some(length),
            HeapLength::Unpatched => None,
        };
        Segment { header, left, tag, unwrapped: false }
    }

    /// Walks a segment.
    ///
    /// # Errors
    /// [`ScanError::CrossesSegment`] unless that is forced; other damage is noted.
    pub(super) fn walk(
        &mut self,
        mut segment: Segment,
        sink: &mut impl Sink,
    ) -> Result<End, ScanError> {
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
}
