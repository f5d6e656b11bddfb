//! What comes next in a dump file, decided from the bytes ahead.
//!
//! Readers of a mapped file and of a stream make the same decisions here: whether a length is
//! believable, whether a heap dump was never finished, whether what follows is rubbish.

use super::header::MAGIC_PREFIX;
use super::record::{RECORD_HEADER, RecordHeader};
use super::tags::{sub, top};

/// Bytes ahead of the reader.
#[derive(Clone, Copy, Debug)]
pub struct Ahead<'d> {
    /// What can be seen now, from the current position on.
    pub bytes: &'d [u8],
    /// Bytes to the end of the file; `None` while a stream's end is not in sight.
    pub remaining: Option<u64>,
    /// True when the last record ended a dump made of segments.
    pub closed: bool,
}

/// How long a heap dump record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeapLength {
    /// As its header says. The real length can be longer by multiples of 2^32 (JDK 8 and older
    /// wrote the low 32 bits only): whoever walks it sees that at the end.
    Written(u64),
    /// The writer died before it filled in the length: everything to the end of the file.
    Unpatched,
    /// The header says `written` bytes, but the file ends before.
    Clipped { written: u64 },
}

/// What stands at the current position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A record other than a heap dump, whole.
    Record(RecordHeader),
    /// A heap dump or segment.
    Heap { header: RecordHeader, length: HeapLength },
    /// `HEAP_DUMP_END`.
    DumpEnd,
    /// The header of another hprof file that was appended to this one.
    NewFile,
    /// The regular end.
    End,
    /// Nothing after this position can be understood. `lost` bytes are left, if that is known.
    Stop { reason: Stop, lost: Option<u64> },
}

/// Why nothing after a position can be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The file ends inside a record header.
    CutHeader,
    /// The file ends inside a record with this tag.
    CutRecord(u8),
    /// Only zeros to the end: a sparse or preallocated file that was never filled.
    ZeroTail,
    /// A tag that no writer uses with a length that cannot be.
    NotARecord(u8),
    /// Bytes after the end of the last dump.
    Trailing,
    /// Zero bytes after the end of the last dump.
    TrailingZeros,
}

impl Stop {
    /// True when data of the dump was lost, not only rubbish behind it passed over.
    pub fn is_loss(self) -> bool {
        !matches!(self, Self::Trailing | Self::TrailingZeros)
    }
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::CutHeader => write!(f, "the file ends inside a record header"),
            Self::CutRecord(tag) => write!(f, "the file ends inside a {} record", top::name(*tag)),
            Self::ZeroTail => write!(f, "zero tail: only zero bytes from here to the end"),
            Self::NotARecord(tag) => {
                write!(f, "no record starts here (tag 0x{tag:02x} with an impossible length)")
            }
            Self::TrailingZeros => write!(f, "zero bytes after the end of the dump are ignored"),
            Self::Trailing => write!(f, "bytes after the end of the dump are ignored"),
        }
    }
}

/// Bytes a reader should have in sight, where there are that many, before it asks for the next step.
pub const LOOK_AHEAD: usize = 4 * RECORD_HEADER + MAGIC_PREFIX.len();

/// Longest unknown record that is believed without seeing what follows it.
const UNSEEN_RECORD: u64 = 1 << 20;

/// Decides what stands at the current position.
pub fn next_step(ahead: Ahead<'_>) -> Step {
    if ahead.remaining == Some(0) {
        return Step::End;
    }
    let stop = |reason| {
        let reason = match reason {
            Stop::ZeroTail if ahead.closed => Stop::TrailingZeros,
            _ if ahead.closed => Stop::Trailing,
            reason => reason,
        };
        Step::Stop { reason, lost: ahead.remaining }
    };
    if ahead.bytes.starts_with(MAGIC_PREFIX) {
        return Step::NewFile;
    }
    let Some(header) = RecordHeader::parse(ahead.bytes) else { return stop(Stop::CutHeader) };
    if header.tag == 0 && is_zero_tail(ahead) {
        return stop(Stop::ZeroTail);
    }
    let length = u64::from(header.length);
    let left = ahead.remaining.map(|left| left - RECORD_HEADER as u64);
    let fits = left.is_none_or(|left| length <= left);
    match header.tag {
        top::HEAP_DUMP_END => Step::DumpEnd,
        top::HEAP_DUMP | top::HEAP_DUMP_SEGMENT => {
            let length = if header.length == 0 && !zero_length_is_meant(header.tag, ahead) {
                HeapLength::Unpatched
            } else if fits {
                HeapLength::Written(length)
            } else {
                HeapLength::Clipped { written: length }
            };
            Step::Heap { header, length }
        }
        tag if top::is_known(tag) && fits => Step::Record(header),
        tag if top::is_known(tag) => stop(Stop::CutRecord(tag)),
        // Unknown records carry a length and are passed over, when the length can be true.
        _ if fits && starts_record(&ahead, length) => Step::Record(header),
        tag => stop(Stop::NotARecord(tag)),
    }
}

/// True when a record header, or the end of the file, stands `length` bytes behind this header.
fn starts_record(ahead: &Ahead<'_>, length: u64) -> bool {
    let at = RECORD_HEADER as u64 + length;
    if ahead.remaining == Some(at) {
        return true;
    }
    let next = usize::try_from(at).ok().and_then(|at| ahead.bytes.get(at));
    match next {
        Some(tag) => top::is_known(*tag) || *tag == MAGIC_PREFIX[0],
        // Out of sight in a stream: the length alone has to convince.
        None => length <= UNSEEN_RECORD,
    }
}

/// True when only zeros are left, at least a record header's worth of them.
fn is_zero_tail(ahead: Ahead<'_>) -> bool {
    ahead.bytes.len() >= RECORD_HEADER && ahead.bytes.iter().all(|byte| *byte == 0)
}

/// A heap dump of length zero is either empty (a record follows, or the end) or was never finished
/// (heap sub-records follow).
fn zero_length_is_meant(tag: u8, ahead: Ahead<'_>) -> bool {
    let next = &ahead.bytes[RECORD_HEADER..];
    if next.is_empty() {
        // An empty single dump at the very end is what a killed writer leaves.
        return tag == top::HEAP_DUMP_SEGMENT;
    }
    let left = ahead.remaining.map(|left| left.saturating_sub(2 * RECORD_HEADER as u64));
    is_plausible_record(next, left)
}

/// True when a top-level record of a kind that follows heap dumps seems to start at `bytes`.
/// `left` is the number of bytes behind its header.
pub fn is_plausible_record(bytes: &[u8], left: Option<u64>) -> bool {
    if bytes.starts_with(MAGIC_PREFIX) {
        return true;
    }
    let Some(header) = RecordHeader::parse(bytes) else { return false };
    let fits = left.is_none_or(|left| u64::from(header.length) <= left);
    let body_starts_well = |bytes: &[u8]| match header.tag {
        top::HEAP_DUMP_END => header.length == 0,
        top::HEAP_DUMP | top::HEAP_DUMP_SEGMENT if header.length > 0 => {
            bytes.first().is_none_or(|tag| is_sub_record_tag(*tag))
        }
        // Sub-records share the low codes with top-level ones (0x01 is a UTF8 record and a JNI
        // global): a top-level record of HotSpot has time 0 or a small one.
        _ => top::is_known(header.tag),
    };
    fits && body_starts_well(&bytes[RECORD_HEADER..])
}

/// True for the tags of heap sub-records.
pub fn is_sub_record_tag(tag: u8) -> bool {
    sub::root_tail(tag).is_some()
        || matches!(
            tag,
            sub::CLASS_DUMP
                | sub::INSTANCE_DUMP
                | sub::OBJECT_ARRAY_DUMP
                | sub::PRIMITIVE_ARRAY_DUMP
                | sub::PRIMITIVE_ARRAY_NODATA
                | sub::HEAP_DUMP_INFO
        )
}
