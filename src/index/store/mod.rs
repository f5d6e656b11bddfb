//! An index on disk: every object of a dump with its class, size, dominator and retained size.
//!
//! The file is mapped and used in place; opening it reads the header and the table of sections.

pub(super) mod coding;
mod fingerprint;
pub mod format;
mod graph;
pub mod ids;
mod kinds;
mod level;
mod meta;
mod objects;
pub(super) mod owners;
mod records;
pub mod verify;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use memmap2::Mmap;

use super::census::Census;
use super::jars::Jars;
use coding::cast;
use format::{Contents, FormatError, Section};

pub use fingerprint::fingerprint;
pub(super) use kinds::kind_sections;
pub use kinds::{Form, Kind};
pub use level::Level;
pub use meta::Meta;
pub use records::{Family, IndexFacts, Retained, StoredClass, StoredRoot, StoredSet};

/// Objects of a block: what is stored one after the other can be found from each block on.
pub const BLOCK: u64 = 64;

/// Why an index cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenIndexError {
    #[error("{}: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
    #[error("{}: {error}", path.display())]
    Format { path: PathBuf, error: FormatError },
    #[error("{}: damaged: {what}", path.display())]
    Content { path: PathBuf, what: String },
}

impl OpenIndexError {
    fn content(path: &Path, what: impl Into<String>) -> Self {
        Self::Content { path: path.to_owned(), what: what.into() }
    }
}

/// An open index.
pub struct HeapIndex {
    map: Mmap,
    path: PathBuf,
    contents: Contents,
    meta: Meta,
    kinds: Vec<(Kind, String, String)>,
}

impl HeapIndex {
    /// Opens an index: checks header, table and the lengths of sections.
    ///
    /// # Errors
    /// [`OpenIndexError`].
    pub fn open(path: &Path) -> Result<Self, OpenIndexError> {
        let file = File::open(path)
            .map_err(|error| OpenIndexError::Io { path: path.to_owned(), error })?;
        Self::of_file(&file, path, None)
    }

    /// As [`HeapIndex::open`], of a file that is open; `path` is for messages. `contents` are those
    /// of a file that has no header yet.
    ///
    /// # Errors
    /// [`OpenIndexError`].
    #[allow(unsafe_code)]
    pub fn of_file(
        file: &File,
        path: &Path,
        contents: Option<Contents>,
    ) -> Result<Self, OpenIndexError> {
        let io_error = |error| OpenIndexError::Io { path: path.to_owned(), error };
        let format_error = |error| OpenIndexError::Format { path: path.to_owned(), error };
        let damaged = |what: &str| OpenIndexError::content(path, what);
        // SAFETY: the map is only read. A file is replaced by renaming, never written in place, and
        // one without a header yet only grows behind what is mapped. Every access checks bounds, so
        // that a file that somebody else changes gives wrong numbers, no undefined behaviour of ours.
        let map = unsafe { Mmap::map(file) }.map_err(io_error)?;
        let contents = contents.map_or_else(|| Contents::read(&map), Ok).map_err(format_error)?;
        // What all the rest is read by.
        let first = [Section::Meta, Section::Kinds, Section::Names];
        for entry in first.iter().filter_map(|section| contents.entry(*section)) {
            entry.check(&map).map_err(format_error)?;
        }
        let words: &[u64] = cast(contents.section(&map, Section::Meta));
        let meta = Meta::from_words(words).ok_or_else(|| damaged("the section Meta is short"))?;
        let mut index = Self { map, path: path.to_owned(), contents, meta, kinds: Vec::new() };
        index.kinds = index.read_kinds().ok_or_else(|| damaged("the section Kinds"))?;
        let blocks = meta.objects.div_ceil(BLOCK);
        let lengths = [
            (Section::ObjectKinds, meta.objects.checked_mul(meta.kind_width)),
            (Section::SlotRanks, blocks.checked_mul(8)),
            (Section::DominatorStarts, blocks.checked_mul(8)),
            (Section::RetainedStarts, blocks.checked_mul(8)),
        ];
        for (section, wanted) in lengths {
            if Some(index.section(section).len() as u64) != wanted {
                return Err(damaged(&format!("the section {section:?} has a wrong length")));
            }
        }
        Ok(index)
    }

    fn section(&self, section: Section) -> &[u8] {
        self.contents.section(&self.map, section)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The dump's fingerprint, see [`fingerprint`].
    pub fn fingerprint(&self) -> [u8; 16] {
        self.contents.fingerprint
    }

    /// How many sections there are.
    pub fn sections(&self) -> usize {
        self.contents.entries.len()
    }

    /// Numbers of the index as a whole.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// How many objects there are; ordinals are less than that, in order of addresses.
    pub fn objects(&self) -> u64 {
        self.meta.objects
    }

    /// What each level holds.
    pub fn totals(&self) -> [Retained; Level::COUNT] {
        self.meta.totals.map(|[bytes, objects]| Retained { bytes, objects })
    }

    /// Ordinals of the strong objects that retain most, most first.
    pub fn largest(&self) -> &[u64] {
        cast(self.section(Section::Largest))
    }

    /// Root records, in order of the objects.
    pub fn roots(&self) -> impl Iterator<Item = StoredRoot> + '_ {
        cast(self.section(Section::Roots)).iter().map(StoredRoot::from_words)
    }

    /// Threads and other facts.
    ///
    /// # Errors
    /// [`OpenIndexError::Content`].
    pub fn facts(&self) -> Result<IndexFacts, OpenIndexError> {
        self.json(Section::Facts)
    }

    /// The census of the dump.
    ///
    /// # Errors
    /// [`OpenIndexError::Content`].
    pub fn census(&self) -> Result<Census, OpenIndexError> {
        self.json(Section::Census)
    }

    /// What the classes, packages and loaders retain.
    ///
    /// # Errors
    /// [`OpenIndexError::Content`].
    pub fn sets(&self) -> Result<Vec<StoredSet>, OpenIndexError> {
        self.json(Section::Sets)
    }

    /// The classes with their fields, by [`ClassIndex`](crate::parser::classes::ClassIndex).
    ///
    /// # Errors
    /// [`OpenIndexError::Content`].
    pub fn classes(&self) -> Result<Vec<StoredClass>, OpenIndexError> {
        self.json(Section::Classes)
    }

    /// Where the classes come from.
    ///
    /// # Errors
    /// [`OpenIndexError::Content`].
    pub fn jars(&self) -> Result<Jars, OpenIndexError> {
        self.json(Section::Jars)
    }

    fn json<T: serde::de::DeserializeOwned>(&self, section: Section) -> Result<T, OpenIndexError> {
        serde_json::from_slice(self.section(section)).map_err(|error| {
            OpenIndexError::content(&self.path, format!("the section {section:?}: {error}"))
        })
    }
}
