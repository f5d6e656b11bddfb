//! Writes a dump that holds the objects of a base dump many times over.
//!
//! The bytes of one copy are made once, together with the positions of all ids in it that move
//! with the copy. The next copy is the same bytes with every such id advanced by the span of a
//! copy: that makes writing as fast as copying memory, and memory independent of the output's size.

mod base;
mod image;
mod packer;

use std::borrow::Cow;
use std::fs::OpenOptions;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use heapdrift::parser::header::{Header, IdSize, MAGIC_PREFIX, Version, parse_header};
use heapdrift::parser::heap::HeapRecords;
use heapdrift::parser::tags::top;
use heapdrift::source::Source;

use base::Base;
use image::Image;
use packer::{Packer, record_header};

/// Bytes that are packed before they are written.
const FLUSH: usize = 8 << 20;

/// How much to write.
#[derive(Clone, Copy, Debug)]
pub enum Amount {
    /// Copies in addition to the base's own objects.
    Copies(u64),
    /// Bytes of the output, met to half a copy.
    Bytes(u64),
}

/// What to write.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub amount: Amount,
    /// One `HEAP_DUMP` record, whose length wraps at 4 GiB as JDK 8's does, not segments of 1 MiB.
    pub single_record: bool,
    /// The seed of the order of a copy's objects; `None` keeps the base's order.
    pub shuffle: Option<u64>,
}

/// What was written.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    pub bytes: u64,
    /// Instances and arrays; classes are not counted.
    pub objects: u64,
    /// Copies in addition to the base's own objects.
    pub copies: u64,
}

/// Why nothing, or not everything, was written.
#[derive(Debug, thiserror::Error)]
#[error("{}{}: {what}\n  {remedy}", file.display(), place(*offset))]
pub struct Failure {
    pub file: PathBuf,
    /// Bytes from the start of the uncompressed file.
    pub offset: Option<u64>,
    pub what: String,
    /// What the user can do about it.
    pub remedy: &'static str,
}

fn place(offset: Option<u64>) -> String {
    offset.map_or_else(String::new, |offset| format!(" at byte {offset}"))
}

/// A problem of the base, before it is known which file that is.
struct Problem {
    offset: Option<u64>,
    what: String,
    remedy: &'static str,
}

impl Problem {
    fn at(offset: usize, what: impl ToString) -> Self {
        let remedy = "pass a whole dump, for which `heapdrift histo` reports no damage";
        Self { offset: Some(offset as u64), what: what.to_string(), remedy }
    }

    fn in_file(self, file: &Path) -> Failure {
        let Self { offset, what, remedy } = self;
        Failure { file: file.to_owned(), offset, what, remedy }
    }
}

/// Writes to `out`, a new file, the dump `base` and copies of its objects.
///
/// # Errors
/// [`Failure`] for a base that is damaged or not suitable, and for an output that cannot be
/// written or that exists already.
pub fn multiply(base: &Path, out: &Path, options: &Options) -> Result<Written, Failure> {
    let unreadable = |what: String, remedy| Problem { offset: None, what, remedy }.in_file(base);
    let mut source =
        Source::open(base).map_err(|error| unreadable(error.to_string(), error.remedy()))?;
    let bytes = match source.mapped() {
        Some(_) => None,
        None => {
            let mut bytes = Vec::new();
            let mut reader =
                source.read(1).map_err(|error| unreadable(error.to_string(), error.remedy()))?;
            reader.read_to_end(&mut bytes).map_err(|error| {
                unreadable(error.to_string(), "the compressed file is damaged: pass another one")
            })?;
            Some(bytes)
        }
    };
    let bytes = bytes.as_deref().or_else(|| source.mapped()).unwrap_or_default();
    let header = parse_header(bytes, false).map_err(|error| Failure {
        file: base.to_owned(),
        offset: Some(error.offset()),
        what: error.to_string(),
        remedy: error.remedy(),
    })?;
    let job = Job { bytes, header, base, out, options };
    match job.header.id_size {
        IdSize::Four => job.run::<4>(),
        IdSize::Eight => job.run::<8>(),
    }
}

struct Job<'a> {
    bytes: &'a [u8],
    header: Header,
    base: &'a Path,
    out: &'a Path,
    options: &'a Options,
}

impl Job<'_> {
    fn run<const ID: usize>(&self) -> Result<Written, Failure> {
        let survey = || {
            let base = Base::survey::<ID>(self.bytes, &self.header)?;
            let image = Image::of_base::<ID>(&base, self.options);
            let copies = self.copies(&image)?;
            base.check_room::<ID>(copies)?;
            Ok((base, image, copies))
        };
        let (base, image, copies) =
            survey().map_err(|problem: Problem| problem.in_file(self.base))?;
        let objects = (base.objects.len() + base.single) as u64
            + copies * (base.objects.len() as u64 + image::LINKS);
        let bytes = self.write::<ID>(&base, image, copies).map_err(|error| {
            let remedy = match error.kind() {
                io::ErrorKind::AlreadyExists => "remove it or choose another name",
                _ => "check the disk and its free space; the output is not complete",
            };
            Failure { file: self.out.to_owned(), offset: None, what: error.to_string(), remedy }
        })?;
        Ok(Written { bytes, objects, copies })
    }

    fn copies(&self, image: &Image) -> Result<u64, Problem> {
        let size = match self.options.amount {
            Amount::Copies(copies) => return Ok(copies),
            Amount::Bytes(size) => size,
        };
        let copy = image.len() as u64;
        let base = self.bytes.len() as u64;
        let more = size.checked_sub(base).ok_or_else(|| Problem {
            offset: None,
            what: format!("it has {base} bytes, more than the output shall have"),
            remedy: "ask for a larger --size or pass a smaller base",
        })?;
        Ok((more + copy / 2) / copy)
    }

    /// Writes everything and gives the bytes.
    fn write<const ID: usize>(
        &self,
        base: &Base<'_>,
        mut image: Image,
        copies: u64,
    ) -> io::Result<u64> {
        let file = OpenOptions::new().write(true).create_new(true).open(self.out)?;
        let mut out = BufWriter::new(file);
        out.write_all(MAGIC_PREFIX)?;
        out.write_all(self.version().as_bytes())?;
        out.write_all(&[0])?;
        out.write_all(&(ID as u32).to_be_bytes())?;
        out.write_all(&self.header.time_ms.to_be_bytes())?;
        for record in &base.records {
            out.write_all(&self.bytes[record.clone()])?;
        }
        if self.options.single_record {
            let length = base.heap_bytes() + copies * image.len() as u64;
            // The field has 32 bits: the JVM, too, writes the low ones and nothing else.
            out.write_all(&record_header(top::HEAP_DUMP, length as u32))?;
        }
        let mut packer = Packer::new(!self.options.single_record);
        for body in &base.heap {
            let mut records = HeapRecords::<ID>::new(&self.bytes[..body.end], body.start);
            let mut start = body.start;
            while let Ok(Some(_)) = records.next_record() {
                let record = &self.bytes[start..records.position()];
                start = records.position();
                if packer.len() >= FLUSH && !packer.fits(record) {
                    out.write_all(packer.finish())?;
                    packer.clear();
                }
                packer.push(record);
            }
        }
        out.write_all(packer.finish())?;
        for _ in 0..copies {
            image.write_next::<ID>(base.span, &mut out)?;
        }
        if !self.options.single_record {
            out.write_all(&record_header(top::HEAP_DUMP_END, 0))?;
        }
        out.flush()?;
        Ok(out.get_ref().metadata()?.len())
    }

    /// The version of the format that allows what is written.
    fn version(&self) -> Cow<'_, str> {
        match self.header.version {
            _ if self.options.single_record => "1.0.1".into(),
            Version::V1_0 | Version::V1_0_1 => "1.0.2".into(),
            _ => Cow::Borrowed(&self.header.version_text),
        }
    }
}
