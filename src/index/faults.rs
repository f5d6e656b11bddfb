//! Judges what is wrong at a position of a dump, in the same words for a map and for a stream.

use super::integrity::Integrity;
use crate::parser::heap::{HeapRecords, Malformed};
use crate::parser::record::RECORD_HEADER;
use crate::parser::structure::{Stop, is_sub_record_tag};
use crate::parser::tables::TopLevelTables;
use crate::parser::tags::top;

/// The dump's length was never filled in.
pub const NEVER_FINISHED: &str =
    "the heap dump was never finished: its length is 0; read to the end of the file";

/// Segments without the record that ends them.
pub const NO_END: &str = "the end of the dump is missing (no HEAP_DUMP_END record): the writer was \
     interrupted, or the file was cut at the end of a segment";

/// The file ends, at the end of a record, before the heap.
pub const NO_DUMP: &str = "there is no heap dump in the file: it ends before the heap was written";

/// A heap record reaches behind the end of the file.
pub fn ends_inside(missing: u64, record: u64) -> String {
    format!(
        "the file ends here, {missing} bytes before the end of the heap dump record that starts at \
         byte {record}"
    )
}

/// A length was repaired.
pub fn length_wrapped(record: u64) -> String {
    format!(
        "the length of the heap dump at byte {record} wrapped at 4 GiB (an old JVM wrote it) and was \
         repaired"
    )
}

/// What a fault inside a segment means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Data was lost.
    Loss(String),
    /// A few spare bytes.
    Slack,
}

/// Judges a fault that leaves `lost` bytes of a segment unread.
pub fn judge(fault: Malformed, lost: u64, only_zeros: bool, at_end: bool) -> Judgement {
    Judgement::Loss(match fault {
        _ if only_zeros && at_end => zero_tail(lost),
        _ if only_zeros && lost <= RECORD_HEADER as u64 => {
            return Judgement::Slack;
        }
        _ if only_zeros => format!("a hole of {lost} zero bytes up to the end of the segment"),
        Malformed::Short if at_end => {
            format!("the file ends inside a heap record; its {lost} bytes are unread")
        }
        Malformed::Short => {
            format!("a heap record is longer than the rest of its segment; {lost} bytes are unread")
        }
        other => format!("{other}; {lost} bytes up to the end of the segment are unread"),
    })
}

fn zero_tail(lost: u64) -> String {
    format!("zero tail of {lost} bytes: the copy or the dump was interrupted")
}

/// Notes why the records of a file cannot be followed any further.
pub fn stopped(reason: Stop, at: u64, lost: u64, integrity: &mut Integrity) {
    match reason {
        Stop::Trailing => integrity
            .warn(format!("{lost} bytes after the end of the dump, at byte {at}, are ignored")),
        Stop::TrailingZeros => integrity.warn(format!(
            "zero tail of {lost} bytes after the end of the dump, at byte {at}, is ignored"
        )),
        Stop::ZeroTail => integrity.lose(at, zero_tail(lost)),
        other => integrity.lose(at, format!("{other}; {lost} bytes are unread")),
    }
}

/// Notes the records that were too short for their kind.
pub fn short_records(tables: &TopLevelTables, integrity: &mut Integrity) {
    if let Some((tag, offset)) = tables.short.first {
        let name = top::name(tag);
        let more = match tables.short.count {
            1 => String::new(),
            count => format!(" ({count} such records in all)"),
        };
        integrity.lose(offset, format!("a {name} record is too short and was passed over{more}"));
    }
}

/// True when the record in `tail`, the end of a segment, goes on in the next segment, whose bytes
/// are `next`: the joined bytes then hold records, which the plain ones do not.
pub fn crosses_segment<const ID: usize>(tail: &[u8], next: &[u8]) -> bool {
    /// No record other than an array is longer; arrays that cross are told by the records behind.
    const REACH: usize = 1 << 20;
    const BELIEVED: usize = 4;
    if tail.len() > REACH {
        return false;
    }
    let joined = [tail, &next[..next.len().min(REACH)]].concat();
    let mut records = HeapRecords::<ID>::new(&joined, 0);
    if !matches!(records.next_record(), Ok(Some(_))) || records.position() <= tail.len() {
        return false;
    }
    joined.get(records.position()).is_none_or(|tag| is_sub_record_tag(*tag))
        && (0..BELIEVED).all(|_| matches!(records.next_record(), Ok(_) | Err(Malformed::Short)))
}

/// Records of unknown kinds that were passed over.
#[derive(Default)]
pub struct Unknown {
    count: u64,
    bytes: u64,
    first: Option<(u8, u64)>,
}

impl Unknown {
    pub fn note(&mut self, tag: u8, at: u64, bytes: u64) {
        self.count += 1;
        self.bytes += bytes;
        self.first.get_or_insert((tag, at));
    }

    pub fn tell(&self, integrity: &mut Integrity) {
        /// More unknown records than this are not a new kind of record but a damaged file.
        const BELIEVED: u64 = 1000;
        let Some((tag, at)) = self.first else { return };
        let what = format!(
            "{} unknown top-level records ({} bytes) were passed over, the first with tag 0x{tag:02x} \
             at byte {at}",
            self.count, self.bytes
        );
        if self.count > BELIEVED { integrity.lose(at, what) } else { integrity.warn(what) }
    }
}
