//! A file of named sections, each with its own checksum: the frame of a digest, which knows nothing
//! of what is in the sections. The byte table is in `docs/digest-format.md`.
//!
//! Sections that a reader does not know are passed over, so that content can grow without a new
//! version of the format.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::Crc;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

/// The first bytes of a digest. Like PNG's: a copy that turns line ends or drops high bits shows.
pub const MAGIC: [u8; 8] = *b"\x89HDD\r\n\x1a\n";
/// The version of the format that is written, and the newest that is read.
pub const VERSION: u32 = 1;
/// Bytes that the sections of a digest may inflate to in all: four times what is ever written.
pub const READ_LIMIT: u64 = 240_000_000;

const HEADER: usize = 16;
const ENTRY: usize = 40;
const CHECKSUM: usize = 4;

/// How the bytes of a section are stored.
const PLAIN: u32 = 0;
const ZLIB: u32 = 1;

/// What is wrong with the bytes of a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("this is not a digest: it does not start with the bytes of one")]
    NotADigest,
    #[error("the digest has format version {0}, and this heapdrift reads up to {VERSION}")]
    Newer(u32),
    #[error("the digest is cut off: {length} bytes of {needed} are there")]
    CutOff { length: u64, needed: u64 },
    #[error("the digest is damaged: {what}")]
    Damaged { offset: u64, what: String },
}

impl Fault {
    /// Offset in the file.
    pub fn offset(&self) -> u64 {
        match self {
            Self::NotADigest => 0,
            Self::Newer(_) => 8,
            Self::CutOff { length, .. } => *length,
            Self::Damaged { offset, .. } => *offset,
        }
    }

    /// What the user can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NotADigest => "pass a file that heapdrift digest wrote, or a heap dump",
            Self::Newer(_) => "update heapdrift, or write the digest anew with this version",
            Self::CutOff { .. } | Self::Damaged { .. } => {
                "copy the digest again, or write it anew from the dump"
            }
        }
    }
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// Makes a file of sections. The same sections give the same bytes.
///
/// # Panics
/// When a name is longer than 8 bytes: names are constants.
pub fn write(sections: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut head = MAGIC.to_vec();
    head.extend(VERSION.to_le_bytes());
    head.extend((sections.len() as u32).to_le_bytes());
    let mut offset = (HEADER + sections.len() * ENTRY + CHECKSUM) as u64;
    let mut bodies = Vec::new();
    for (name, raw) in sections {
        let (encoding, stored) = match deflate(raw) {
            Some(deflated) if deflated.len() < raw.len() => (ZLIB, deflated),
            _ => (PLAIN, raw.clone()),
        };
        let mut field = [0; 8];
        field[..name.len()].copy_from_slice(name.as_bytes());
        head.extend(field);
        head.extend(offset.to_le_bytes());
        head.extend((stored.len() as u64).to_le_bytes());
        head.extend((raw.len() as u64).to_le_bytes());
        head.extend(encoding.to_le_bytes());
        head.extend(checksum(&stored).to_le_bytes());
        offset += stored.len() as u64;
        bodies.push(stored);
    }
    head.extend(checksum(&head).to_le_bytes());
    bodies.iter().for_each(|body| head.extend_from_slice(body));
    head
}

/// `None` would mean that memory cannot be written to; the section is then stored as it is.
fn deflate(raw: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(raw).ok()?;
    encoder.finish().ok()
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|chunk| u32::from_le_bytes(*chunk))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|chunk| u64::from_le_bytes(*chunk))
}

/// One section in the table.
struct Entry<'a> {
    name: &'a str,
    offset: u64,
    raw: u64,
    encoding: u32,
    stored: &'a [u8],
}

/// The sections of a file whose checksums were found right.
pub struct Sections<'a> {
    entries: Vec<Entry<'a>>,
}

impl<'a> Sections<'a> {
    /// Checks a file: magic, version, table, and the checksum of every section, known or not.
    ///
    /// # Errors
    /// [`Fault`] for anything that is not as it was written.
    pub fn open(file: &'a [u8]) -> Result<Self, Fault> {
        let cut_off = |needed: u64| Fault::CutOff { length: file.len() as u64, needed };
        if !file.starts_with(&MAGIC[..file.len().min(MAGIC.len())]) {
            return Err(Fault::NotADigest);
        }
        let version = u32_at(file, 8).ok_or(cut_off(HEADER as u64))?;
        if version > VERSION {
            return Err(Fault::Newer(version));
        }
        let count = u32_at(file, 12).ok_or(cut_off(HEADER as u64))?;
        let table_end = HEADER as u64 + u64::from(count) * ENTRY as u64;
        let bodies = table_end + CHECKSUM as u64;
        let table = usize::try_from(table_end).ok().and_then(|end| file.get(..end));
        let table = table.ok_or(cut_off(bodies))?;
        let expected = u32_at(file, table.len()).ok_or(cut_off(bodies))?;
        if checksum(table) != expected {
            let what = "the checksum of the section table is wrong".to_owned();
            return Err(Fault::Damaged { offset: 0, what });
        }
        let mut sections = Self { entries: Vec::new() };
        let (mut end, mut raw) = (bodies, 0u64);
        for at in (HEADER..table.len()).step_by(ENTRY) {
            let entry = Self::entry(file, at, end)?;
            end += entry.stored.len() as u64;
            raw = raw.saturating_add(entry.raw);
            let damaged = |what| Err(Fault::Damaged { offset: at as u64, what });
            if sections.entries.iter().any(|other| other.name == entry.name) {
                return damaged(format!("the section {} is there twice", entry.name));
            }
            if raw > READ_LIMIT {
                return damaged(format!("the sections inflate to more than {READ_LIMIT} bytes"));
            }
            sections.entries.push(entry);
        }
        if end != file.len() as u64 {
            let what = format!("{} bytes follow the last section", file.len() as u64 - end);
            return Err(Fault::Damaged { offset: end, what });
        }
        Ok(sections)
    }

    /// Reads the entry at `at` of the table, whose section must start at `start`.
    fn entry(file: &'a [u8], at: usize, start: u64) -> Result<Entry<'a>, Fault> {
        let damaged = |offset, what| Fault::Damaged { offset, what };
        let bad = || damaged(at as u64, "an entry of the section table is not valid".to_owned());
        let number = |behind: usize| u64_at(file, at + behind).ok_or_else(bad);
        let name = file.get(at..at + 8).and_then(|name| std::str::from_utf8(name).ok());
        let name = name.ok_or_else(bad)?.trim_end_matches('\0');
        let (offset, length, raw) = (number(8)?, number(16)?, number(24)?);
        let encoding = u32_at(file, at + 32).ok_or_else(bad)?;
        let expected = u32_at(file, at + 36).ok_or_else(bad)?;
        // Sections follow each other without a gap: each byte is under a checksum.
        if offset != start {
            return Err(bad());
        }
        let end = offset.checked_add(length).ok_or_else(bad)?;
        let stored = usize::try_from(offset).ok().zip(usize::try_from(end).ok());
        let stored = stored.and_then(|(from, to)| file.get(from..to));
        let stored = stored.ok_or(Fault::CutOff { length: file.len() as u64, needed: end })?;
        if checksum(stored) != expected {
            let what = format!("the checksum of the section {name} is wrong");
            return Err(damaged(offset, what));
        }
        Ok(Entry { name, offset, raw, encoding, stored })
    }

    /// The bytes of a section, inflated, and where it is in the file; `None` when there is no such
    /// section.
    ///
    /// # Errors
    /// [`Fault`] when they cannot be inflated to what the table says.
    pub fn get(&self, name: &str) -> Result<Option<(u64, Vec<u8>)>, Fault> {
        let Some(entry) = self.entries.iter().find(|entry| entry.name == name) else {
            return Ok(None);
        };
        let mut raw = Vec::new();
        let read = match entry.encoding {
            PLAIN => entry.stored.take(entry.raw + 1).read_to_end(&mut raw),
            // Grows with what there is, not with what is announced.
            ZLIB => ZlibDecoder::new(entry.stored).take(entry.raw + 1).read_to_end(&mut raw),
            other => Err(std::io::Error::other(format!("unknown encoding {other}"))),
        };
        let what = match read {
            Ok(length) if length as u64 == entry.raw => return Ok(Some((entry.offset, raw))),
            Ok(_) => format!("the section {name} is not of the length that the table says"),
            Err(error) => format!("the section {name}: {error}"),
        };
        Err(Fault::Damaged { offset: entry.offset, what })
    }

    /// Names of the sections, in the order of the file.
    pub fn names(&self) -> impl Iterator<Item = &'a str> {
        self.entries.iter().map(|entry| entry.name)
    }
}
