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

use serde::{Deserialize, Serialize};

use super::columns::{Reader, Writer, number_bytes, text_bytes};
use super::container::{self, Fault, MAGIC, READ_LIMIT, Sections};
use super::{Amount, ArrayKey, ClassKey, Digest, Folded, Kind, Rows, ThreadKey, bound};
use crate::index::census::{DumpFacts, LengthRange};
use crate::index::owners::{Edge, OwnerNode, OwnerTree, Share};

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
const OWNER_NAMES: &str = "ownnames";
const OWNERS: &str = "owners";
const OWNER_SHARES: &str = "sharers";

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

impl Key for ClassKey {
    fn write(keys: &[&Self], table: &mut Writer) {
        table.texts("name", keys.iter().map(|key| key.name.as_str()));
        table.texts("loader", keys.iter().map(|key| key.loader.as_str()));
    }

    fn read(table: &Reader<'_>) -> Result<Vec<Self>, String> {
        let key = |(name, loader): (&str, &str)| Self {
            name: name.to_owned(),
            loader: loader.to_owned(),
        };
        Ok(table.texts("name")?.into_iter().zip(table.texts("loader")?).map(key).collect())
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
        table.texts("class", keys.iter().map(|key| key.class.as_str()));
        table.numbers("from", keys.iter().map(|key| ends(key.length).0));
        table.numbers("to", keys.iter().map(|key| ends(key.length).1));
    }

    fn read(table: &Reader<'_>) -> Result<Vec<Self>, String> {
        let (classes, from, to) =
            (table.texts("class")?, table.numbers("from")?, table.numbers("to")?);
        let key = |((class, from), to): ((&str, u64), u64)| {
            let ends = u32::try_from(from).ok().zip(u32::try_from(to).ok());
            let length = match ends {
                Some((from, to)) if from == to => LengthRange::Exact(from),
                Some((from, to)) if from < to => LengthRange::Range(from, to),
                _ => return Err(format!("{from} to {to} are no lengths of arrays")),
            };
            Ok(Self { class: class.to_owned(), length })
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

/// The sections of the owner tree. What does not fit into a third of the digest is counted together.
fn owner_sections(tree: &OwnerTree, budget: u64) -> [(&'static str, Vec<u8>); 3] {
    let mut pruned = None;
    let mut least = 1024;
    loop {
        let tree = pruned.as_ref().unwrap_or(tree);
        let sections = owner_tables(tree);
        let bytes: usize = sections.iter().map(|(_, section)| section.len()).sum();
        if bytes as u64 <= budget / 3 || tree.nodes.len() < 2 {
            return sections;
        }
        pruned = Some(tree.pruned(least));
        least *= 2;
    }
}

fn owner_tables(tree: &OwnerTree) -> [(&'static str, Vec<u8>); 3] {
    let mut names = Writer::new(tree.names.len());
    names.texts("name", tree.names.iter().map(String::as_str));
    let mut nodes = Writer::new(tree.nodes.len());
    let all = &tree.nodes;
    nodes.numbers("parent", all.iter().map(|node| node.parent.into()));
    edges(&mut nodes, all.iter().map(|node| node.edge));
    nodes.numbers("class", all.iter().map(|node| node.class.into()));
    nodes.numbers("is_class", all.iter().map(|node| node.is_class.into()));
    nodes.numbers("objects", all.iter().map(|node| node.objects));
    nodes.numbers("entries", all.iter().map(|node| node.entries));
    nodes.numbers("capacity", all.iter().map(|node| node.capacity));
    nodes.numbers("shallow_bytes", all.iter().map(|node| node.shallow_bytes));
    nodes.numbers("largest_bytes", all.iter().map(|node| node.largest_bytes));
    nodes.numbers("native_bytes", all.iter().map(|node| node.native_bytes));
    let mut shares = Writer::new(tree.shares.len());
    let all = &tree.shares;
    shares.numbers("node", all.iter().map(|share| share.node.into()));
    shares.numbers("holder", all.iter().map(|share| share.holder.into()));
    edges(&mut shares, all.iter().map(|share| share.edge));
    shares.numbers("references", all.iter().map(|share| share.references));
    [(OWNER_NAMES, names.finish()), (OWNERS, nodes.finish()), (OWNER_SHARES, shares.finish())]
}

fn edges(table: &mut Writer, edges: impl Iterator<Item = Edge> + Clone) {
    table.numbers("edge", edges.clone().map(|edge| edge.code().into()));
    table.numbers("edge_name", edges.clone().map(|edge| edge.names().0.unwrap_or(0).into()));
    table.numbers("edge_field", edges.map(|edge| edge.names().1.unwrap_or(0).into()));
}

fn read_edges(table: &Reader<'_>) -> Result<Vec<Edge>, String> {
    let codes = table.numbers("edge")?;
    let (names, fields) = (table.numbers("edge_name")?, table.numbers("edge_field")?);
    let edge = |((code, name), field): ((u64, u64), u64)| {
        let code = u8::try_from(code).ok();
        let edge = code.and_then(|code| Edge::of_code(code, small(name), small(field)));
        edge.ok_or_else(|| "an edge of an unknown kind".to_owned())
    };
    codes.into_iter().zip(names).zip(fields).map(edge).collect()
}

/// A number that must be below 2^32; one that is not becomes one that no table has.
fn small(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Reads the owner tree; what nodes retain is the sum of what is below them.
fn owner_tree(sections: &Sections<'_>) -> Result<Option<OwnerTree>, Fault> {
    let (Some(names), Some(nodes), Some(shares)) =
        (sections.get(OWNER_NAMES)?, sections.get(OWNERS)?, sections.get(OWNER_SHARES)?)
    else {
        return Ok(None);
    };
    let texts = |table: &Reader<'_>| {
        Ok(table.texts("name")?.into_iter().map(str::to_owned).collect::<Vec<_>>())
    };
    let names = in_section(OWNER_NAMES, &names, texts)?;
    let shares = in_section(OWNER_SHARES, &shares, |table| {
        let edges = read_edges(table)?;
        let (nodes, holders) = (table.numbers("node")?, table.numbers("holder")?);
        let rows = nodes.into_iter().zip(holders).zip(edges).zip(table.numbers("references")?);
        let share = |(((node, holder), edge), references)| Share {
            node: small(node),
            holder: small(holder),
            edge,
            references,
        };
        Ok(rows.map(share).collect::<Vec<_>>())
    })?;
    let tree = in_section(OWNERS, &nodes, |table| {
        let column = |name| table.numbers(name);
        let mut nodes: Vec<OwnerNode> = column("parent")?
            .into_iter()
            .zip(read_edges(table)?)
            .zip(column("class")?)
            .map(|((parent, edge), class)| OwnerNode::new(small(parent), edge, small(class)))
            .collect();
        let mut fill = |name, set: fn(&mut OwnerNode, u64)| {
            let values = table.numbers(name)?;
            nodes.iter_mut().zip(values).for_each(|(node, value)| set(node, value));
            Ok::<(), String>(())
        };
        fill("is_class", |node, value| node.is_class = value != 0)?;
        fill("objects", |node, value| node.objects = value)?;
        fill("entries", |node, value| node.entries = value)?;
        fill("capacity", |node, value| node.capacity = value)?;
        fill("shallow_bytes", |node, value| node.shallow_bytes = value)?;
        fill("largest_bytes", |node, value| node.largest_bytes = value)?;
        fill("native_bytes", |node, value| node.native_bytes = value)?;
        let tree = OwnerTree { names, nodes, shares };
        if !tree.is_sound() {
            return Err("the owner tree refers to what is not there".to_owned());
        }
        tree.with_retained().ok_or_else(|| "the nodes add up to more than a heap can be".to_owned())
    })?;
    Ok(Some(tree))
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
    if let Some(owners) = &digest.owners {
        sections.extend(owner_sections(owners, budget));
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
        owners: owner_tree(&sections)?,
    })
}

/// Reads a table, and says where it is when something is wrong with it.
fn in_section<T>(
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
