//! Digests on disk: `.hdd` files. `docs/digest-format.md` has the bytes.
//!
//! A file holds one digest: its facts as JSON and its tables by column, in sections of a
//! [`container`](super::container). It depends on the dump and its file name alone, never on the
//! number of threads. It takes [`BUDGET`] bytes at most, which inflate to [`READ_LIMIT`] at most.
//! Content grows by new fields, columns and sections, which older readers pass over; only what they
//! must not pass over takes a new version.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::columns::{Reader, Writer, number_bytes, text_bytes};
use super::container::{self, Fault, MAGIC, READ_LIMIT, Sections};
use super::held::HeldTables;
use super::origins::Origins;
use super::{Amount, ArrayKey, ClassKey, Digest, Folded, Kind, Rows, ThreadKey, bound, owners};
use crate::index::census::{DumpFacts, LengthRange};

/// Bytes that a digest takes at most: rows beyond it are counted together.
pub const BUDGET: u64 = 60_000_000;
/// Ending of the files.
pub const ENDING: &str = ".hdd";

const FACTS: &str = "facts";
const CLASSES: &str = "classes";
const ARRAYS: &str = "arrays";
const PACKAGES: &str = "packages";
const LOADERS: &str = "loaders";
const THREADS: &str = "threads";
const JARS: &str = "jars";
const ORIGINS: &str = "origins";

/// What is not a table. Field names are part of the format; new fields need a default.
#[derive(Serialize, Deserialize)]
struct Head {
    source: Option<String>,
    redacted: bool,
    folded_from: Option<u32>,
    total: Amount,
    /// By section, what its table counts together.
    #[serde(default)]
    other: BTreeMap<String, Folded>,
    #[serde(default)]
    more_threads: u64,
    /// True when threads that retain little are missing in the table of what they retain.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    held_is_cut: bool,
    facts: DumpFacts,
}

/// What a table's rows are about, in columns.
pub(super) trait Key: Ord + Sized {
    fn write(keys: &[&Self], table: &mut Writer);

    /// # Errors
    /// What is wrong with the columns, in words.
    fn read(table: &Reader<'_>) -> Result<Vec<Self>, String>;

    /// Bytes that [`Key::write`] takes for this key.
    fn bytes(&self) -> u64;
}

impl Key for String {
    fn write(keys: &[&Self], table: &mut Writer) {
        table.texts("name", keys.iter().map(|key| key.as_str()));
    }

    fn read(table: &Reader<'_>) -> Result<Vec<Self>, String> {
        Ok(table.texts("name")?.into_iter().map(str::to_owned).collect())
    }

    fn bytes(&self) -> u64 {
        text_bytes(self)
    }
}

/// Texts that rows share: a table repeats the names of loaders and of classes of arrays.
#[derive(Default)]
struct Shared<'a> {
    texts: HashMap<&'a str, Arc<str>>,
    /// Arrays of a class follow each other.
    last: Option<Arc<str>>,
}

impl<'a> Shared<'a> {
    fn get(&mut self, text: &'a str) -> Arc<str> {
        match &self.last {
            Some(last) if **last == *text => last.clone(),
            _ => {
                let shared = self.texts.entry(text).or_insert_with(|| text.into()).clone();
                self.last.insert(shared).clone()
            }
        }
    }
}

impl Key for ClassKey {
    fn write(keys: &[&Self], table: &mut Writer) {
        table.texts("name", keys.iter().map(|key| &*key.name));
        table.texts("loader", keys.iter().map(|key| &*key.loader));
    }

    fn read(table: &Reader<'_>) -> Result<Vec<Self>, String> {
        let (names, loaders) = (table.texts("name")?, table.texts("loader")?);
        let mut shared = Shared::default();
        let key =
            |(name, loader): (&str, _)| Self { name: name.into(), loader: shared.get(loader) };
        Ok(names.into_iter().zip(loaders).map(key).collect())
    }

    fn bytes(&self) -> u64 {
        text_bytes(&self.name) + text_bytes(&self.loader)
    }
}

/// The ends of a range of lengths, both included.
fn ends(length: LengthRange) -> (u64, u64) {
    let (from, to) = match length {
        LengthRange::Exact(length) => (length, length),
        LengthRange::Range(from, to) => (from, to),
    };
    (u64::from(from), u64::from(to))
}

impl Key for ArrayKey {
    fn write(keys: &[&Self], table: &mut Writer) {
        table.texts("class", keys.iter().map(|key| &*key.class));
        table.numbers("from", keys.iter().map(|key| ends(key.length).0));
        table.numbers("to", keys.iter().map(|key| ends(key.length).1));
    }

    fn read(table: &Reader<'_>) -> Result<Vec<Self>, String> {
        let (classes, from, to) =
            (table.texts("class")?, table.numbers("from")?, table.numbers("to")?);
        let mut shared = Shared::default();
        let key = |((class, from), to): ((_, u64), u64)| {
            let ends = u32::try_from(from).ok().zip(u32::try_from(to).ok());
            let length = match ends {
                Some((from, to)) if from == to => LengthRange::Exact(from),
                Some((from, to)) if from < to => LengthRange::Range(from, to),
                _ => return Err(format!("{from} to {to} are no lengths of arrays")),
            };
            Ok(Self { class: shared.get(class), length })
        };
        classes.into_iter().zip(from).zip(to).map(key).collect()
    }

    fn bytes(&self) -> u64 {
        let (from, to) = ends(self.length);
        text_bytes(&self.class) + number_bytes(from) + number_bytes(to)
    }
}

impl Key for ThreadKey {
    /// A thread without a name has the empty one; when none has a name there is no such column.
    fn write(keys: &[&Self], table: &mut Writer) {
        let name = |key: &&Self| key.name.clone().unwrap_or_default();
        if keys.iter().any(|key| key.name.is_some()) {
            let names: Vec<String> = keys.iter().map(name).collect();
            table.texts("name", names.iter().map(String::as_str));
        }
        table.texts("class", keys.iter().map(|key| key.class.as_str()));
    }

    fn read(table: &Reader<'_>) -> Result<Vec<Self>, String> {
        let classes = table.texts("class")?;
        let names = table.optional_texts("name")?.unwrap_or_else(|| vec![""; classes.len()]);
        let key = |(name, class): (&str, &str)| Self {
            name: Some(name.to_owned()).filter(|name| !name.is_empty()),
            class: class.to_owned(),
        };
        Ok(names.into_iter().zip(classes).map(key).collect())
    }

    fn bytes(&self) -> u64 {
        text_bytes(self.name.as_deref().unwrap_or_default()) + text_bytes(&self.class)
    }
}

/// Bytes that the numbers of a row take.
pub(super) fn amount_bytes(amount: Amount) -> u64 {
    number_bytes(amount.instances)
        + number_bytes(amount.shallow_bytes)
        + amount.retained_bytes.map_or(0, |bytes| number_bytes(bytes.saturating_add(1)) + 1)
}

fn table<K: Key>(rows: &Rows<K>) -> Vec<u8> {
    let keys: Vec<&K> = rows.rows.keys().collect();
    let mut table = Writer::new(keys.len());
    K::write(&keys, &mut table);
    table.numbers("instances", rows.rows.values().map(|amount| amount.instances));
    table.numbers("shallow_bytes", rows.rows.values().map(|amount| amount.shallow_bytes));
    // One more than the bytes, so that zero can stand for what is not known.
    if rows.rows.values().any(|amount| amount.retained_bytes.is_some()) {
        let coded = |amount: &Amount| amount.retained_bytes.map_or(0, |bytes| bytes + 1);
        table.numbers("retained_bytes", rows.rows.values().map(coded));
        let exact = |amount: &Amount| u64::from(amount.retained_exact);
        table.numbers("retained_exact", rows.rows.values().map(exact));
    }
    table.finish()
}

/// The section of facts.
pub(super) fn head(digest: &Digest) -> serde_json::Result<Vec<u8>> {
    let others = [
        (CLASSES, digest.classes.other),
        (ARRAYS, digest.arrays.other),
        (PACKAGES, digest.packages.other),
        (LOADERS, digest.loaders.other),
    ];
    let other = others.into_iter().filter_map(|(name, other)| Some((name.to_owned(), other?)));
    let head = Head {
        source: digest.source.clone(),
        redacted: digest.redacted,
        folded_from: digest.folded_from,
        total: digest.total,
        other: other.collect(),
        more_threads: digest.more_threads,
        held_is_cut: digest.held.as_ref().is_some_and(|held| held.is_cut),
        facts: digest.facts.clone(),
    };
    serde_json::to_vec(&head)
}

/// The bytes of a digest: `budget` of them at most, rows beyond it counted together (but for a few
/// KB of facts). [`BUDGET`] is what the format allows.
///
/// # Errors
/// None but what the serializer of the facts reports.
pub fn encode(digest: &Digest, budget: u64) -> serde_json::Result<Vec<u8>> {
    // How small the sections become is known only afterwards: a few steps lead there. They end where
    // the sections fit as they are.
    let mut raw = budget.saturating_mul(READ_LIMIT / BUDGET);
    loop {
        let mut bounded = digest.clone();
        bound::bound(&mut bounded, raw)?;
        let sections = sections(&bounded, budget)?;
        let inflated: u64 = sections.iter().map(|(_, section)| section.len() as u64).sum();
        let bytes = container::write(&sections);
        let length = bytes.len() as u64;
        if length <= budget || raw <= budget {
            return Ok(bytes);
        }
        let aim = u128::from(inflated) * u128::from(budget) / u128::from(length);
        raw = (aim as u64).min(raw).saturating_mul(15) / 16;
        raw = raw.max(budget);
    }
}

fn sections(digest: &Digest, budget: u64) -> serde_json::Result<Vec<(&'static str, Vec<u8>)>> {
    let threads: Vec<&ThreadKey> = digest.threads.iter().collect();
    let mut thread_table = Writer::new(threads.len());
    ThreadKey::write(&threads, &mut thread_table);
    let mut sections = vec![
        (FACTS, head(digest)?),
        (CLASSES, table(&digest.classes)),
        (ARRAYS, table(&digest.arrays)),
        (PACKAGES, table(&digest.packages)),
        (LOADERS, table(&digest.loaders)),
        (THREADS, thread_table.finish()),
    ];
    if let Some(held) = &digest.held {
        sections.extend(held.sections());
    }
    if let Some(owners) = &digest.owners {
        sections.extend(owners::sections(owners, budget));
    }
    if !digest.origins.is_empty() {
        let (jars, origins) = digest.origins.write();
        sections.extend([(JARS, jars), (ORIGINS, origins)]);
    }
    Ok(sections)
}

/// Reads the bytes of a digest; `path` is where they are from.
///
/// # Errors
/// [`Fault`] for bytes that [`encode`] did not write, or a newer version of it.
pub fn decode(bytes: &[u8], path: String) -> Result<Digest, Fault> {
    let sections = Sections::open(bytes)?;
    let section = |name: &str| {
        let what = format!("the section {name} is missing");
        sections.get(name)?.ok_or(Fault::Damaged { offset: MAGIC.len() as u64, what })
    };
    let (offset, bytes) = section(FACTS)?;
    let damaged = |what: String| Fault::Damaged { offset, what };
    let head: Head = serde_json::from_slice(&bytes)
        .map_err(|error| damaged(format!("the section {FACTS}: {error}")))?;
    let counts = head.facts.roots.iter().map(|(_, count)| *count);
    counts
        .chain([head.facts.integrity.more_losses, head.more_threads])
        .chain(head.other.values().map(|other| other.rows))
        .try_fold(0u64, u64::checked_add)
        .filter(|sum| *sum < u64::MAX / 2)
        .ok_or_else(|| damaged(format!("the section {FACTS}: counts that cannot be")))?;
    let Head { other, total, .. } = head;
    Ok(Digest {
        path,
        kind: Kind::Digest,
        source: head.source,
        redacted: head.redacted,
        facts: head.facts,
        classes: rows(CLASSES, &section, &other, Some(total))?,
        arrays: rows(ARRAYS, &section, &other, None)?,
        folded_from: head.folded_from,
        packages: rows(PACKAGES, &section, &other, Some(total))?,
        loaders: rows(LOADERS, &section, &other, Some(total))?,
        total,
        threads: match sections.get(THREADS)? {
            Some(section) => in_section(THREADS, &section, ThreadKey::read)?,
            None => Vec::new(),
        },
        more_threads: head.more_threads,
        held: HeldTables::read(&sections, head.held_is_cut)?,
        owners: owners::read(&sections)?,
        origins: origins(&sections)?,
    })
}

/// Reads where classes come from, where that was written.
fn origins(sections: &Sections<'_>) -> Result<Origins, Fault> {
    let (Some(jars), Some(origins)) = (sections.get(JARS)?, sections.get(ORIGINS)?) else {
        return Ok(Origins::default());
    };
    let (_, jars_bytes) = &jars;
    in_section(ORIGINS, &origins, |origins| Origins::read(&Reader::new(jars_bytes)?, origins))
}

/// Reads a table, and says where it is when something is wrong with it.
pub(super) fn in_section<T>(
    name: &str,
    (offset, bytes): &(u64, Vec<u8>),
    read: impl FnOnce(&Reader<'_>) -> Result<T, String>,
) -> Result<T, Fault> {
    let read = Reader::new(bytes).and_then(|table| read(&table));
    read.map_err(|what| Fault::Damaged {
        offset: *offset,
        what: format!("the section {name}: {what}"),
    })
}

/// Reads the rows of a section, which must add up to `total` where that is known.
fn rows<K: Key>(
    name: &str,
    section: &impl Fn(&str) -> Result<(u64, Vec<u8>), Fault>,
    others: &BTreeMap<String, Folded>,
    total: Option<Amount>,
) -> Result<Rows<K>, Fault> {
    in_section(name, &section(name)?, |table| {
        let keys = K::read(table)?;
        let mut amounts: Vec<Amount> = table
            .numbers("instances")?
            .into_iter()
            .zip(table.numbers("shallow_bytes")?)
            .map(|(instances, shallow_bytes)| Amount::new(instances, shallow_bytes))
            .collect();
        if let Some(retained) = table.optional_numbers("retained_bytes")? {
            let exact = table.numbers("retained_exact")?;
            for (amount, (coded, exact)) in amounts.iter_mut().zip(retained.into_iter().zip(exact))
            {
                amount.retained_bytes = coded.checked_sub(1);
                amount.retained_exact = exact != 0;
            }
        }
        let other = others.get(name).copied();
        let folded = other.unwrap_or_default().amount;
        let sum = amounts.iter().try_fold(folded, |sum, amount| {
            Some(Amount::new(
                sum.instances.checked_add(amount.instances)?,
                sum.shallow_bytes.checked_add(amount.shallow_bytes)?,
            ))
        });
        let sum = sum.ok_or("the rows add up to more than a heap can be")?;
        let count = amounts.len();
        let found = Rows { rows: keys.into_iter().zip(amounts).collect(), other };
        if found.rows.len() != count {
            return Err("two rows are about the same".to_owned());
        }
        match total {
            Some(total) if total != sum => Err("the rows do not add up to the total".to_owned()),
            _ => Ok(found),
        }
    })
}

/// Why a digest cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl ReadError {
    /// Offset in the file, where there is one.
    pub fn offset(&self) -> Option<u64> {
        match self {
            Self::Io(_) => None,
            Self::Fault(fault) => Some(fault.offset()),
        }
    }

    /// What the user can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Io(_) => "check the file and the disk it is on",
            Self::Fault(fault) => fault.remedy(),
        }
    }
}

/// True for a file that is to be read as a digest: it starts like one, or it is named like one and
/// does not start like a dump. Anything but a plain file is none, and is not opened.
pub fn is_digest(path: &Path) -> bool {
    const DUMPS: [&[u8]; 2] = [b"JAVA PRO", b"\x1f\x8b"];
    if !path.is_file() {
        return false;
    }
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(8).read_to_end(&mut start));
    let named = path.as_os_str().as_encoded_bytes().ends_with(ENDING.as_bytes());
    read.is_ok() && (start == MAGIC || named && !DUMPS.iter().any(|dump| start.starts_with(dump)))
}

/// Reads a digest from a file.
///
/// # Errors
/// [`ReadError`] for what cannot be read, or is no digest of a version that is known.
pub fn read(path: &Path) -> Result<Digest, ReadError> {
    let mut bytes = Vec::new();
    let length = File::open(path)?.take(READ_LIMIT + 1).read_to_end(&mut bytes)?;
    if bytes.starts_with(&MAGIC) && length as u64 > READ_LIMIT {
        let what = "it is larger than any digest".to_owned();
        return Err(Fault::Damaged { offset: READ_LIMIT, what }.into());
    }
    Ok(decode(&bytes, path.to_string_lossy().into_owned())?)
}

/// Why a digest cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("the file is there, and it is no digest: it would be lost")]
    Occupied,
    #[error("cannot write it: {0}")]
    Io(#[from] io::Error),
}

/// Looks whether a digest can be written to `path`, before the work of making it.
///
/// # Errors
/// As for [`write`].
pub fn check_target(path: &Path) -> Result<(), WriteError> {
    let is_lost = |metadata: fs::Metadata| !metadata.is_file() || metadata.len() > 0;
    let starts_like_one = || {
        let mut start = Vec::new();
        let read = File::open(path).and_then(|file| file.take(8).read_to_end(&mut start));
        read.is_ok() && start == MAGIC
    };
    if path.metadata().is_ok_and(is_lost) && !(path.is_file() && starts_like_one()) {
        return Err(WriteError::Occupied);
    }
    // A file without a name, which goes away by itself: tells whether the directory takes one.
    tempfile::tempfile_in(directory(path))?;
    Ok(())
}

fn directory(path: &Path) -> PathBuf {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new(".")).to_owned()
}

/// Writes the bytes of a digest whole or not at all: to another name in the same directory, synced,
/// then renamed. A digest that is there is replaced.
///
/// # Errors
/// [`WriteError::Occupied`] when there is a file that is neither a digest nor empty.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    // A link keeps pointing to where the digest is.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    check_target(&path)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".heapdrift-").suffix(ENDING);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // What other output gets: the umask takes its share.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(directory(&path))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(())
}
