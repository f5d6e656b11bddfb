//! The file format of an index: a header, sections, a table of the sections. `docs/index-format.md`
//! describes it byte by byte.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

#[cfg(target_endian = "big")]
compile_error!("index files are mapped and used in place: the machine must be little-endian");

/// First bytes of an index. The line ends tell files apart that a transfer as text has changed.
pub const MAGIC: [u8; 8] = *b"\x89HDX\r\n\x1a\n";
/// Version of the format; others are made anew.
pub const VERSION: u32 = 9;
/// Bytes of the header.
pub const HEADER: u64 = 64;
/// Bytes of an entry of the section table.
pub const ENTRY: usize = 32;
/// Sections begin at multiples of this.
const ALIGNMENT: u64 = 64;

/// What a section holds. Numbers are never used again for something else.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Section {
    Meta = 1,
    Facts = 2,
    Census = 3,
    Classes = 4,
    Kinds = 5,
    Names = 6,
    Jars = 7,
    IdDirectory = 10,
    IdPlaces = 11,
    IdBefore = 12,
    IdRanks = 13,
    IdWords = 14,
    IdSorted = 15,
    ObjectKinds = 20,
    Slots = 21,
    SlotRanks = 22,
    Anchors = 23,
    Runs = 24,
    Offsets = 25,
    Dominators = 30,
    DominatorStarts = 31,
    Retained = 32,
    RetainedStarts = 33,
    Level0 = 34,
    Level1 = 35,
    Level2 = 36,
    Roots = 40,
    Largest = 41,
    Sets = 42,
    OwnerNames = 43,
    OwnerNodes = 44,
    OwnerShares = 45,
    OwnerLimits = 46,
    NodeDirectory = 50,
    NodePlaces = 51,
    NodeBefore = 52,
    NodeRanks = 53,
    NodeWords = 54,
    Successors = 55,
    SuccessorStarts = 56,
    Referents = 60,
}

/// Where a section is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub section: u32,
    pub offset: u64,
    pub length: u64,
    pub checksum: u64,
}

impl Entry {
    /// Checks the checksum of the section.
    pub(super) fn check(&self, bytes: &[u8]) -> Result<(), FormatError> {
        let what = "the checksum of a section is wrong";
        let is_whole = xxh3_64(self.bytes(bytes)) == self.checksum;
        if is_whole { Ok(()) } else { Err(FormatError::Damaged { offset: self.offset, what }) }
    }

    /// The bytes of the section.
    fn bytes<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let rest = bytes.get(self.offset as usize..);
        rest.and_then(|rest| rest.get(..self.length as usize)).unwrap_or_default()
    }
}

/// Writes an index. Nothing of it can be opened before [`Writer::finish`] has succeeded.
pub struct Writer {
    file: BufWriter<File>,
    at: u64,
    entries: Vec<Entry>,
    hash: Xxh3,
    section: Option<(u32, u64)>,
}

impl Writer {
    /// Begins an index in an empty file.
    ///
    /// # Errors
    /// What the operating system says; a full disk above all.
    pub fn new(file: File) -> io::Result<Self> {
        let mut file = BufWriter::with_capacity(1 << 20, file);
        file.write_all(&[0; HEADER as usize])?;
        Ok(Self { file, at: HEADER, entries: Vec::new(), hash: Xxh3::new(), section: None })
    }

    /// The file with the sections that were written, and where they are. Nobody else can open it
    /// yet.
    ///
    /// # Errors
    /// As [`Writer::new`].
    pub fn so_far(&mut self) -> io::Result<(File, Contents)> {
        self.end();
        self.file.flush()?;
        let contents = Contents { fingerprint: [0; 16], entries: self.entries.clone() };
        Ok((self.file.get_ref().try_clone()?, contents))
    }

    /// Lets the disk begin with what was written, and does not wait for it.
    ///
    /// # Errors
    /// As [`Writer::new`].
    pub fn begin_writeback(&mut self) -> io::Result<()> {
        self.file.flush()?;
        writeback(self.file.get_ref());
        Ok(())
    }

    /// Begins a section.
    ///
    /// # Errors
    /// As [`Writer::new`].
    pub fn begin(&mut self, section: Section) -> io::Result<()> {
        self.end();
        let padding = self.at.next_multiple_of(ALIGNMENT) - self.at;
        self.file.write_all(&[0; ALIGNMENT as usize][..padding as usize])?;
        self.at += padding;
        self.section = Some((section as u32, self.at));
        self.hash.reset();
        Ok(())
    }

    /// Adds bytes to the section.
    ///
    /// # Errors
    /// As [`Writer::new`].
    pub fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.at += bytes.len() as u64;
        self.file.write_all(bytes)
    }

    /// Writes a whole section.
    ///
    /// # Errors
    /// As [`Writer::new`].
    pub fn section(&mut self, section: Section, bytes: &[u8]) -> io::Result<()> {
        self.begin(section)?;
        self.put(bytes)
    }

    fn end(&mut self) {
        if let Some((section, offset)) = self.section.take() {
            let length = self.at - offset;
            self.entries.push(Entry { section, offset, length, checksum: self.hash.digest() });
        }
    }

    /// Writes the table and the header, and waits until all is on the disk.
    ///
    /// # Errors
    /// As [`Writer::new`].
    pub fn finish(mut self, fingerprint: [u8; 16]) -> io::Result<File> {
        self.end();
        let mut table = Vec::with_capacity(self.entries.len() * ENTRY);
        for entry in &self.entries {
            table.extend_from_slice(&u64::from(entry.section).to_le_bytes());
            table.extend_from_slice(&entry.offset.to_le_bytes());
            table.extend_from_slice(&entry.length.to_le_bytes());
            table.extend_from_slice(&entry.checksum.to_le_bytes());
        }
        self.file.write_all(&table)?;
        let header = header(self.at, self.entries.len() as u32, &table, fingerprint);
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&header)?;
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok(file)
    }
}

/// Only a hint: without it, the wait at the end is longer.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn writeback(file: &File) {
    use std::os::fd::AsRawFd;
    // SAFETY: the descriptor is open; the call touches no memory of ours.
    unsafe { libc::sync_file_range(file.as_raw_fd(), 0, 0, libc::SYNC_FILE_RANGE_WRITE) };
}

#[cfg(not(target_os = "linux"))]
fn writeback(_: &File) {}

fn header(table_at: u64, entries: u32, table: &[u8], fingerprint: [u8; 16]) -> [u8; 64] {
    let mut header = [0; HEADER as usize];
    header[..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&VERSION.to_le_bytes());
    header[12..16].copy_from_slice(&entries.to_le_bytes());
    header[16..24].copy_from_slice(&table_at.to_le_bytes());
    header[24..32].copy_from_slice(&xxh3_64(table).to_le_bytes());
    header[32..48].copy_from_slice(&fingerprint);
    let checksum = xxh3_64(&header[..56]);
    header[56..].copy_from_slice(&checksum.to_le_bytes());
    header
}

/// Why a file is no usable index.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FormatError {
    #[error("it is no heapdrift index")]
    NotAnIndex,
    #[error("it is an index of format {found}, this heapdrift reads format {VERSION}")]
    OtherVersion { found: u32 },
    #[error("it is damaged at byte {offset}: {what}")]
    Damaged { offset: u64, what: &'static str },
}

/// The header and table of an index.
#[derive(Clone, Debug)]
pub struct Contents {
    pub fingerprint: [u8; 16],
    pub entries: Vec<Entry>,
}

impl Contents {
    /// Reads and checks the header and the table, not the sections.
    ///
    /// # Errors
    /// [`FormatError`].
    pub fn read(bytes: &[u8]) -> Result<Self, FormatError> {
        let damaged = |offset, what| FormatError::Damaged { offset, what };
        let header = bytes.get(..HEADER as usize).ok_or(FormatError::NotAnIndex)?;
        if header[..8] != MAGIC {
            return Err(FormatError::NotAnIndex);
        }
        let number = |at: usize| {
            let bytes = bytes.get(at..).and_then(|rest| rest.first_chunk());
            u64::from_le_bytes(bytes.copied().unwrap_or_default())
        };
        let found = number(8) as u32;
        if found != VERSION {
            return Err(FormatError::OtherVersion { found });
        }
        if number(56) != xxh3_64(&header[..56]) {
            return Err(damaged(0, "the header's checksum is wrong"));
        }
        let (count, table_at) = ((number(8) >> 32) as usize, number(16));
        let start = usize::try_from(table_at).unwrap_or(usize::MAX);
        let table = count
            .checked_mul(ENTRY)
            .and_then(|length| bytes.get(start..)?.get(..length))
            .ok_or(damaged(table_at, "the section table is cut off"))?;
        if number(24) != xxh3_64(table) {
            return Err(damaged(table_at, "the section table's checksum is wrong"));
        }
        let mut entries = Vec::with_capacity(count);
        for nth in 0..count {
            let at = start + nth * ENTRY;
            let entry = Entry {
                section: number(at) as u32,
                offset: number(at + 8),
                length: number(at + 16),
                checksum: number(at + 24),
            };
            let end = entry.offset.checked_add(entry.length);
            if entry.offset % ALIGNMENT != 0 || end.is_none_or(|end| end > table_at) {
                return Err(damaged(at as u64, "a section lies outside of the file"));
            }
            entries.push(entry);
        }
        let mut fingerprint = [0; 16];
        fingerprint.copy_from_slice(&header[32..48]);
        Ok(Self { fingerprint, entries })
    }

    /// The bytes of a section; empty when there is none.
    pub fn section<'a>(&self, bytes: &'a [u8], section: Section) -> &'a [u8] {
        self.entry(section).map(|entry| entry.bytes(bytes)).unwrap_or_default()
    }

    pub(super) fn entry(&self, section: Section) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.section == section as u32)
    }
}
