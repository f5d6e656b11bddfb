//! Bodies of the top-level records that heapdrift uses.

use nom::{
    IResult, Parser,
    bytes::complete::take,
    number::complete::{be_i32, be_u8, be_u32},
};

use super::bytes::id_of_size;
use super::ids::{ObjectId, StringId};

/// Bytes of a top-level record's header: tag, time, length.
pub const RECORD_HEADER: usize = 9;

/// Header of a top-level record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordHeader {
    pub tag: u8,
    /// Microseconds since the time in the file header, modulo 2^32.
    pub micros: u32,
    /// Bytes of the body, as written.
    pub length: u32,
}

impl RecordHeader {
    /// Reads the header at the start of `bytes`; `None` when fewer than nine bytes are left.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (_, (tag, micros, length)) = (be_u8::<_, ()>, be_u32, be_u32).parse(bytes).ok()?;
        Some(Self { tag, micros, length })
    }
}

fn id(id_size: usize) -> impl Fn(&[u8]) -> IResult<&[u8], u64> {
    move |input| {
        let (rest, bytes) = take(id_size)(input)?;
        Ok((rest, id_of_size(bytes, 0, id_size).unwrap_or_default()))
    }
}

/// A `LOAD_CLASS` record: gives a class its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadClass {
    pub serial: u32,
    pub class: ObjectId,
    pub name: StringId,
}

impl LoadClass {
    /// Reads the body; `None` when it is too short.
    pub fn parse(body: &[u8], id_size: usize) -> Option<Self> {
        let (_, (serial, class, _trace, name)) =
            (be_u32, id(id_size), be_u32, id(id_size)).parse(body).ok()?;
        Some(Self { serial, class: ObjectId(class), name: StringId(name) })
    }
}

/// A `FRAME` record: one stack frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    pub id: u64,
    pub method: StringId,
    pub signature: StringId,
    pub source: StringId,
    pub class_serial: u32,
    /// Line number; −1 unknown, −2 compiled, −3 native.
    pub line: i32,
}

impl Frame {
    /// Reads the body; `None` when it is too short.
    pub fn parse(body: &[u8], id_size: usize) -> Option<Self> {
        let (_, (frame, method, signature, source, class_serial, line)) =
            (id(id_size), id(id_size), id(id_size), id(id_size), be_u32, be_i32)
                .parse(body)
                .ok()?;
        Some(Self {
            id: frame,
            method: StringId(method),
            signature: StringId(signature),
            source: StringId(source),
            class_serial,
            line,
        })
    }
}

/// A `TRACE` record: the stack of a thread.
#[derive(Clone, Copy, Debug)]
pub struct Trace<'d> {
    pub serial: u32,
    pub thread: u32,
    frames: &'d [u8],
    id_size: usize,
}

impl<'d> Trace<'d> {
    /// Reads the body; `None` when it is shorter than its frame count says.
    pub fn parse(body: &'d [u8], id_size: usize) -> Option<Self> {
        let (rest, (serial, thread, count)) = (be_u32::<_, ()>, be_u32, be_u32).parse(body).ok()?;
        let frames = rest.get(..(count as usize).checked_mul(id_size)?)?;
        Some(Self { serial, thread, frames, id_size })
    }

    /// Frame ids, top of the stack first.
    pub fn frames(&self) -> impl Iterator<Item = u64> + 'd {
        let id_size = self.id_size;
        self.frames.chunks_exact(id_size).filter_map(move |frame| id_of_size(frame, 0, id_size))
    }
}

/// A `START_THREAD` record, written by the hprof agent only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartThread {
    pub serial: u32,
    pub object: ObjectId,
    pub name: StringId,
}

impl StartThread {
    /// Reads the body; `None` when it is too short.
    pub fn parse(body: &[u8], id_size: usize) -> Option<Self> {
        let (_, (serial, object, _trace, name)) =
            (be_u32, id(id_size), be_u32, id(id_size)).parse(body).ok()?;
        Some(Self { serial, object: ObjectId(object), name: StringId(name) })
    }
}
