//! An index on disk: every object of a dump with its class, size, dominator and retained size.
//!
//! The file is mapped and used in place; opening it reads the header and the table of sections.

pub mod format;
mod graph;
pub mod ids;
pub mod verify;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use memmap2::Mmap;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::census::{Census, LengthRange};
use super::facts::Thread;
use super::jars::Jars;
use super::owners::{Edge, Limit, OwnerNode, OwnerTree, Share};
use crate::parser::classes::ClassIndex;
use crate::parser::ids::ObjectId;
use crate::parser::tags::FieldType;
use format::{Contents, FormatError, Section};
use ids::{Bitmap, Ids, Parts};

/// How an object is reachable (`docs/retained-size.md`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Strong,
    Soft,
    Weak,
    Phantom,
    Unreachable,
}

impl Level {
    /// How many levels there are.
    pub const COUNT: usize = 5;
    /// All of them, in order.
    pub const ALL: [Self; Self::COUNT] =
        [Self::Strong, Self::Soft, Self::Weak, Self::Phantom, Self::Unreachable];

    /// The level of a number; the last one for larger numbers.
    pub fn of(number: usize) -> Self {
        Self::ALL[number.min(Self::COUNT - 1)]
    }

    /// The name for tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Strong => "strong",
            Self::Soft => "soft",
            Self::Weak => "weak",
            Self::Phantom => "phantom/finalizer",
            Self::Unreachable => "unreachable",
        }
    }
}

/// How the size of an object is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// By the class.
    Instance,
    /// Each instance has its own: stack chunks.
    SizedInstance,
    ObjectArray,
    PrimitiveArray(FieldType),
    /// A class object: each has its own.
    Mirror,
}

impl Form {
    /// True for objects with a slot: a length, or bytes.
    pub fn has_slot(self) -> bool {
        self != Self::Instance
    }

    /// The number in the file.
    pub fn code(self) -> u8 {
        match self {
            Self::Instance => 0,
            Self::SizedInstance => 1,
            Self::ObjectArray => 2,
            Self::Mirror => 3,
            Self::PrimitiveArray(element) => 16 + element as u8,
        }
    }

    /// The form of a number in the file.
    pub fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Instance,
            1 => Self::SizedInstance,
            2 => Self::ObjectArray,
            3 => Self::Mirror,
            _ => Self::PrimitiveArray(FieldType::from_code(code.checked_sub(16)?)?),
        })
    }
}

/// Objects of one class and form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kind {
    pub form: Form,
    pub class: Option<ClassIndex>,
    /// Bytes of an instance; of an element, for arrays.
    pub size: u64,
}

/// Numbers of the index as a whole; the section of this name holds them in this order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Meta {
    pub objects: u64,
    /// All sizes are multiples of this.
    pub unit: u64,
    pub id_base: u64,
    pub id_shift: u64,
    /// Bytes of a kind in the section of object kinds: 2 or 4.
    pub kind_width: u64,
    /// Bytes of the array header and alignment by element size 1, 2, 4, 8: see `array_bytes`.
    pub array_base: [u64; 4],
    pub alignment: u64,
    /// Retained bytes and objects of the virtual root of each level.
    pub totals: [[u64; 2]; Level::COUNT],
    /// Bytes of the dump, uncompressed.
    pub dump_bytes: u64,
    /// The heap dump in the file that is indexed, from 1.
    pub dump_number: u64,
}

impl Meta {
    const WORDS: usize = size_of::<Self>() / 8;

    /// As in the file.
    pub fn words(&self) -> Vec<u64> {
        let mut words = vec![self.objects, self.unit, self.id_base, self.id_shift, self.kind_width];
        words.extend(self.array_base);
        words.push(self.alignment);
        words.extend(self.totals.iter().flatten());
        words.extend([self.dump_bytes, self.dump_number]);
        words
    }

    fn from_words(words: &[u64]) -> Option<Self> {
        if words.len() < Self::WORDS {
            return None;
        }
        let mut words = words.iter().copied();
        let mut next = || words.next().unwrap_or_default();
        Some(Self {
            objects: next(),
            unit: next(),
            id_base: next(),
            id_shift: next(),
            kind_width: next(),
            array_base: std::array::from_fn(|_| next()),
            alignment: next(),
            totals: std::array::from_fn(|_| [next(), next()]),
            dump_bytes: next(),
            dump_number: next(),
        })
    }

    /// Bytes of an array of `length` elements of `element` bytes.
    pub fn array_bytes(&self, length: u64, element: u64) -> u64 {
        let base = self.array_base[element.max(1).ilog2().min(3) as usize];
        (base + length * element).next_multiple_of(self.alignment.max(1))
    }
}

/// Facts that are kept as JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IndexFacts {
    pub tool: String,
    pub threads: Vec<Thread>,
}

/// A class, as `show` needs it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoredClass {
    pub id: ObjectId,
    /// Source form.
    pub name: String,
    pub superclass: Option<u32>,
    pub loader: ObjectId,
    /// Label of the loader.
    pub loader_label: String,
    /// Names and type codes, of the class itself, in dump order.
    pub fields: Vec<(String, u8)>,
    /// Names, type codes and values.
    pub statics: Vec<(String, u8, u64)>,
}

/// Bytes and number of a retained set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Retained {
    pub bytes: u64,
    pub objects: u64,
}

/// A root record.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct StoredRoot {
    pub object: u64,
    /// Tag of the record; 0 for system classes.
    pub kind: u8,
    pub thread: u32,
    pub frame: u32,
}

/// What the objects of a set have in common.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// The class: name in source form and label of the loader.
    #[default]
    Class,
    Package,
    /// The label of the class loader.
    Loader,
    /// The class of an array, and the length.
    Array,
    /// The thread whose frames hold them.
    Thread,
    /// The kind of GC root.
    Root,
}

/// What a set of objects retains.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct StoredSet {
    pub family: Family,
    pub name: String,
    /// Label of the loader, for classes.
    pub loader: String,
    /// Lengths, for arrays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<LengthRange>,
    /// The thread object, for threads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<ObjectId>,
    /// Members; for threads and kinds of roots, the objects that root records name.
    pub instances: u64,
    pub retained_bytes: u64,
    /// True for the bytes of the retained set; false for a lower bound, the sum of the retained
    /// sizes of those members that no other member dominates; for threads, of what nothing but
    /// one of their frames refers to; for some arrays, their own shallow sizes.
    pub exact: bool,
}

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

/// An open index.
pub struct HeapIndex {
    map: Mmap,
    path: PathBuf,
    contents: Contents,
    meta: Meta,
    kinds: Vec<(Kind, String, String)>,
}

/// Objects of a block: what is stored one after the other can be found from each block on.
pub const BLOCK: u64 = 64;

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
        // SAFETY: the map is only read. A file is replaced by renaming, never written in place, and
        // one without a header yet only grows behind what is mapped. Every access checks bounds, so
        // that a file that somebody else changes gives wrong numbers, no undefined behaviour of ours.
        let map = unsafe { Mmap::map(file) }.map_err(io_error)?;
        let contents = contents
            .map_or_else(|| Contents::read(&map), Ok)
            .map_err(|error| OpenIndexError::Format { path: path.to_owned(), error })?;
        let damaged =
            |what: &str| OpenIndexError::Content { path: path.to_owned(), what: what.to_owned() };
        // What all the rest is read by.
        for section in [Section::Meta, Section::Kinds, Section::Names] {
            if let Some(offset) = contents.damage(&map, section) {
                let what = "the checksum of a section is wrong";
                let error = FormatError::Damaged { offset, what };
                return Err(OpenIndexError::Format { path: path.to_owned(), error });
            }
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

    fn read_kinds(&self) -> Option<Vec<(Kind, String, String)>> {
        let names = self.section(Section::Names);
        let text = |at: u32, length: u32| {
            let bytes = names.get(at as usize..)?.get(..length as usize)?;
            std::str::from_utf8(bytes).ok().map(str::to_owned)
        };
        let records: &[u32] = cast(self.section(Section::Kinds));
        records
            .chunks_exact(KIND_WORDS)
            .map(|record| {
                let form = Form::from_code(u8::try_from(record[0]).ok()?)?;
                let class = (record[1] != u32::MAX).then_some(ClassIndex(record[1]));
                let size = u64::from(record[2]) | u64::from(record[3]) << 32;
                let kind = Kind { form, class, size };
                Some((kind, text(record[4], record[5])?, text(record[6], record[7])?))
            })
            .collect()
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

    fn ids(&self) -> Ids<'_> {
        let sorted = self.section(Section::IdSorted);
        let parts = if sorted.is_empty() {
            Parts::Bitmap(Bitmap {
                base: self.meta.id_base,
                shift: (self.meta.id_shift as u32).min(63),
                directory: cast(self.section(Section::IdDirectory)),
                places: cast(self.section(Section::IdPlaces)),
                before: cast(self.section(Section::IdBefore)),
                ranks: cast(self.section(Section::IdRanks)),
                words: cast(self.section(Section::IdWords)),
            })
        } else {
            Parts::Sorted(cast(sorted))
        };
        Ids { parts, count: self.meta.objects }
    }

    /// The ordinal of an object.
    pub fn ordinal(&self, id: ObjectId) -> Option<u64> {
        self.ids().ordinal(id.0)
    }

    /// The id of an object; null beyond the last one.
    pub fn id(&self, ordinal: u64) -> ObjectId {
        ObjectId(self.ids().id(ordinal).unwrap_or(0))
    }

    fn kind_number(&self, ordinal: u64) -> Option<u32> {
        let bytes = self.section(Section::ObjectKinds);
        if self.meta.kind_width == 2 {
            cast::<u16>(bytes).get(ordinal as usize).map(|kind| u32::from(*kind))
        } else {
            cast::<u32>(bytes).get(ordinal as usize).copied()
        }
    }

    /// The number of the kind of an object, and the kind.
    pub fn kind(&self, ordinal: u64) -> Option<(u32, Kind)> {
        let number = self.kind_number(ordinal)?;
        self.kinds.get(number as usize).map(|(kind, ..)| (number, *kind))
    }

    /// All kinds: with the name of the class in source form and the label of its loader.
    pub fn kinds(&self) -> impl Iterator<Item = (&Kind, &str, &str)> {
        self.kinds.iter().map(|(kind, name, loader)| (kind, name.as_str(), loader.as_str()))
    }

    /// The class of an object in source form.
    pub fn class_name(&self, ordinal: u64) -> String {
        let kind = self.kind_number(ordinal).and_then(|number| self.kinds.get(number as usize));
        kind.map_or_else(|| "unknown class".to_owned(), |(_, name, _)| name.clone())
    }

    /// The length of an array, the bytes of a class object or stack chunk; `None` for others.
    pub fn slot(&self, ordinal: u64) -> Option<u32> {
        let (_, kind) = self.kind(ordinal)?;
        if !kind.form.has_slot() {
            return None;
        }
        let block = ordinal / BLOCK;
        let mut rank = *cast::<u64>(self.section(Section::SlotRanks)).get(block as usize)?;
        for before in block * BLOCK..ordinal {
            let (_, kind) = self.kind(before)?;
            rank += u64::from(kind.form.has_slot());
        }
        cast::<u32>(self.section(Section::Slots)).get(usize::try_from(rank).ok()?).copied()
    }

    /// Shallow bytes of an object.
    pub fn shallow(&self, ordinal: u64) -> u64 {
        let Some((_, kind)) = self.kind(ordinal) else { return 0 };
        let slot = || u64::from(self.slot(ordinal).unwrap_or(0));
        match kind.form {
            Form::Instance => kind.size,
            Form::SizedInstance | Form::Mirror => slot(),
            Form::ObjectArray | Form::PrimitiveArray(_) => self.meta.array_bytes(slot(), kind.size),
        }
    }

    /// How an object is reachable.
    pub fn level(&self, ordinal: u64) -> Level {
        let bit = |section| {
            let words: &[u64] = cast(self.section(section));
            words
                .get((ordinal / 64) as usize)
                .map_or(0, |word| (word >> (ordinal % 64) & 1) as usize)
        };
        let planes = [Section::Level0, Section::Level1, Section::Level2];
        Level::of(planes.iter().enumerate().map(|(nth, plane)| bit(*plane) << nth).sum())
    }

    /// The values of a block of 64 objects in a section of variable-length integers.
    fn block(&self, starts: Section, values: Section, block: u64) -> Option<Varints<'_>> {
        let start = *cast::<u64>(self.section(starts)).get(usize::try_from(block).ok()?)?;
        Some(Varints { bytes: self.section(values).get(usize::try_from(start).ok()?..)? })
    }

    /// The immediate dominator; `None` for what hangs on the virtual root of its level.
    pub fn dominator(&self, ordinal: u64) -> Option<u64> {
        let mut values =
            self.block(Section::DominatorStarts, Section::Dominators, ordinal / BLOCK)?;
        let mut coded = 0;
        for _ in 0..=ordinal % BLOCK {
            coded = values.next()?;
        }
        dominator_of(coded, ordinal)
    }

    /// What an object retains, itself included.
    pub fn retained(&self, ordinal: u64) -> Retained {
        let own = Retained { bytes: self.shallow(ordinal), objects: 1 };
        let retained = || {
            let mut values =
                self.block(Section::RetainedStarts, Section::Retained, ordinal / BLOCK)?;
            let (mut objects, mut units) = (0, 0);
            for _ in 0..=ordinal % BLOCK {
                objects = values.next()?;
                units = if objects > 0 { values.next()? } else { 0 };
            }
            Some(Retained {
                bytes: own.bytes.checked_add(units.checked_mul(self.meta.unit)?)?,
                objects: objects.checked_add(1)?,
            })
        };
        retained().unwrap_or(own)
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
        cast::<u64>(self.section(Section::Roots)).chunks_exact(ROOT_WORDS).map(|words| StoredRoot {
            object: words[0],
            kind: words[1] as u8,
            thread: words[2] as u32,
            frame: (words[2] >> 32) as u32,
        })
    }

    /// Where in the uncompressed dump reading has to begin to meet an object: at the object itself
    /// or at one of a few before it.
    pub fn offset(&self, ordinal: u64) -> Option<u64> {
        let exact = self.section(Section::Offsets);
        if !exact.is_empty() {
            let at = usize::try_from(ordinal).ok()?.checked_mul(5)?;
            let bytes: &[u8; 5] = exact.get(at..)?.first_chunk()?;
            let mut wide = [0; 8];
            wide[..5].copy_from_slice(bytes);
            return Some(u64::from_le_bytes(wide));
        }
        let runs: &[u64] = cast(self.section(Section::Runs));
        let (mut low, mut high) = (0, runs.len() / 2);
        while low < high {
            let middle = (low + high) / 2;
            if runs[2 * middle] <= ordinal { low = middle + 1 } else { high = middle }
        }
        let run = low.checked_sub(1).map(|at| (runs[2 * at], runs[2 * at + 1]))?;
        let anchors: &[u64] = cast(self.section(Section::Anchors));
        let anchor = (ordinal / BLOCK * BLOCK, *anchors.get((ordinal / BLOCK) as usize)?);
        Some(if run.0 > anchor.0 { run.1 } else { anchor.1 })
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

    /// The owner tree.
    ///
    /// # Errors
    /// [`OpenIndexError::Content`].
    pub fn owners(&self) -> Result<OwnerTree, OpenIndexError> {
        let names: Vec<String> = self.json(Section::OwnerNames)?;
        let nodes = cast::<u64>(self.section(Section::OwnerNodes)).chunks_exact(NODE_WORDS);
        let shares = cast::<u64>(self.section(Section::OwnerShares)).chunks_exact(SHARE_WORDS);
        let limits = cast::<u64>(self.section(Section::OwnerLimits)).chunks_exact(LIMIT_WORDS);
        let edge = |code: u8, names: u64| Edge::of_code(code, names as u32, (names >> 32) as u32);
        let node = |words: &[u64]| {
            Some(OwnerNode {
                parent: words[0] as u32,
                edge: edge((words[0] >> 32) as u8, words[1])?,
                class: words[2] as u32,
                is_class: words[0] >> 40 & 1 != 0,
                objects: words[3],
                entries: words[4],
                capacity: words[5],
                shallow_bytes: words[6],
                retained_bytes: words[7],
                largest_bytes: words[8],
                native_bytes: words[9],
                bound: words[10],
            })
        };
        let share = |words: &[u64]| {
            Some(Share {
                node: words[0] as u32,
                holder: (words[0] >> 32) as u32,
                edge: edge(words[2] as u8, words[1])?,
                references: words[3],
            })
        };
        let limit = |words: &[u64]| Limit {
            node: words[0] as u32,
            class: words[1] as u32,
            field: (words[1] >> 32) as u32,
            objects: words[2],
            value: words[3],
        };
        let limits = limits.map(limit).collect();
        let tree = nodes.map(node).collect::<Option<Vec<_>>>().zip(shares.map(share).collect());
        let tree = tree.map(|(nodes, shares)| OwnerTree { names, nodes, shares, limits });
        tree.filter(OwnerTree::is_sound).ok_or_else(|| OpenIndexError::Content {
            path: self.path.clone(),
            what: "the owner tree".to_owned(),
        })
    }

    /// The classes with their fields, by [`ClassIndex`].
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
        serde_json::from_slice(self.section(section)).map_err(|error| OpenIndexError::Content {
            path: self.path.clone(),
            what: format!("the section {section:?}: {error}"),
        })
    }

    /// Checks the checksums of all sections.
    ///
    /// # Errors
    /// The first damaged section.
    pub fn verify_checksums(&self) -> Result<(), OpenIndexError> {
        for entry in &self.contents.entries {
            let bytes = &self.map[entry.offset as usize..][..entry.length as usize];
            if xxh3_64(bytes) != entry.checksum {
                let error = FormatError::Damaged {
                    offset: entry.offset,
                    what: "the checksum of a section is wrong",
                };
                return Err(OpenIndexError::Format { path: self.path.clone(), error });
            }
        }
        Ok(())
    }

    /// Goes over the dominators and retained sets of all objects, in order of ordinals.
    pub fn for_each(&self, mut each: impl FnMut(u64, Option<u64>, Retained)) {
        for block in 0..self.meta.objects.div_ceil(BLOCK) {
            let dominators = self.block(Section::DominatorStarts, Section::Dominators, block);
            let retained = self.block(Section::RetainedStarts, Section::Retained, block);
            let (Some(mut dominators), Some(mut retained)) = (dominators, retained) else { return };
            let mut rank =
                cast::<u64>(self.section(Section::SlotRanks)).get(block as usize).copied();
            for ordinal in block * BLOCK..((block + 1) * BLOCK).min(self.meta.objects) {
                let dominator = dominators.next().and_then(|coded| dominator_of(coded, ordinal));
                let objects = retained.next().unwrap_or(0);
                let units = if objects > 0 { retained.next().unwrap_or(0) } else { 0 };
                // In a damaged index the numbers may be anything.
                let more = units.wrapping_mul(self.meta.unit);
                let bytes = self.shallow_by_rank(ordinal, &mut rank).wrapping_add(more);
                each(ordinal, dominator, Retained { bytes, objects: objects.wrapping_add(1) });
            }
        }
    }

    /// Shallow bytes, where the rank of the object's slot is known; moves the rank on.
    fn shallow_by_rank(&self, ordinal: u64, rank: &mut Option<u64>) -> u64 {
        let Some((_, kind)) = self.kind(ordinal) else { return 0 };
        if !kind.form.has_slot() {
            return kind.size;
        }
        let slots: &[u32] = cast(self.section(Section::Slots));
        let slot = rank.and_then(|rank| slots.get(rank as usize)).copied().unwrap_or(0);
        *rank = rank.map(|rank| rank + 1);
        match kind.form {
            Form::ObjectArray | Form::PrimitiveArray(_) => {
                self.meta.array_bytes(slot.into(), kind.size)
            }
            _ => slot.into(),
        }
    }
}

/// Words of 32 bits of a kind in the file.
pub const KIND_WORDS: usize = 8;
/// Words of 64 bits of a node of the owner tree in the file.
const NODE_WORDS: usize = 11;
/// Words of 64 bits of a share in the file.
const SHARE_WORDS: usize = 4;
const LIMIT_WORDS: usize = 4;
/// Words of 64 bits of a root in the file.
pub const ROOT_WORDS: usize = 3;

/// The dominator as it stands in the file: 0 for none, else the zigzag-coded distance.
pub fn code_dominator(dominator: Option<u64>, ordinal: u64) -> u64 {
    dominator.map_or(0, |dominator| {
        let difference = dominator.wrapping_sub(ordinal) as i64;
        (difference << 1 ^ difference >> 63) as u64
    })
}

fn dominator_of(coded: u64, ordinal: u64) -> Option<u64> {
    (coded != 0).then(|| ordinal.wrapping_add(coded >> 1 ^ 0u64.wrapping_sub(coded & 1)))
}

/// Variable-length integers: seven bits a byte, the lowest first, the highest bit set on all but
/// the last byte.
struct Varints<'a> {
    bytes: &'a [u8],
}

impl Iterator for Varints<'_> {
    type Item = u64;

    #[inline]
    fn next(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            value |= u64::from(byte & 0x7F) << shift;
            if *byte < 0x80 {
                return Some(value);
            }
        }
        None
    }
}

/// The numbers in the bytes of a section. Sections are aligned; a length that is no multiple loses
/// the rest.
fn cast<T: bytemuck::AnyBitPattern>(bytes: &[u8]) -> &[T] {
    let whole = bytes.len() / size_of::<T>() * size_of::<T>();
    bytemuck::try_cast_slice(&bytes[..whole]).unwrap_or_default()
}

/// Tells files apart: a hash of the length and of blocks from all over the file. `dump` is the
/// number of the heap dump in the file.
pub fn fingerprint(bytes: &[u8], dump: u64) -> [u8; 16] {
    const SAMPLES: usize = 64;
    const SAMPLE: usize = 4096;
    let mut hash = xxhash_rust::xxh3::Xxh3::new();
    hash.update(&(bytes.len() as u64).to_le_bytes());
    hash.update(&dump.to_le_bytes());
    let edge = bytes.len().min(1 << 16);
    hash.update(&bytes[..edge]);
    hash.update(&bytes[bytes.len() - edge..]);
    for nth in 0..SAMPLES {
        let at = (bytes.len() as u128 * nth as u128 / SAMPLES as u128) as usize;
        hash.update(&bytes[at..(at + SAMPLE).min(bytes.len())]);
    }
    hash.digest128().to_le_bytes()
}
