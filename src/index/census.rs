//! The census of a dump: every class with its instances and bytes, and how sure the bytes are.

use serde::{Deserialize, Serialize};

use super::facts::{self, JvmVersion, Writer};
use super::integrity::Integrity;
use super::lengths::{ArrayClass, Lengths};
use super::liveness;
use super::loaders::Loaders;
use super::scan::{Progress, Scan, ScanError, ScanOptions, scan_mapped, scan_stream};
use super::sizer::{Rows, Sizer};
use crate::layout::Parameters;
use crate::parser::classes::ClassTable;
use crate::parser::ids::ObjectId;
use crate::parser::names;
use crate::source::{OpenError, Source};

/// How sure the shallow sizes are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// Rules proven against `jmap` for this JDK, and no address contradicts them.
    Exact,
    /// The addresses agree, but the rules are not proven for this JDK.
    Consistent,
    /// The layout is not known; sizes are a good guess.
    Estimated,
}

impl std::fmt::Display for Grade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Exact => "exact",
            Self::Consistent => "consistent",
            Self::Estimated => "estimated",
        })
    }
}

/// Sizes, how sure they are, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SizeFacts {
    pub grade: Grade,
    /// Why the grade is what it is, in a sentence.
    pub reason: String,
    pub parameters: Parameters,
    /// Share of the observed arrays that fill the space to the next object exactly.
    pub compaction: f64,
    /// Arrays and classes whose size the addresses confirm, of how many.
    pub agreements: u64,
    pub observed: u64,
    /// Classes whose sizes the addresses contradict or exceed, in words.
    pub doubts: Vec<String>,
}

/// Bytes and number of objects or of blocks of memory.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Blocks {
    pub bytes: u64,
    #[serde(rename = "count")]
    pub blocks: u64,
}

/// Memory outside of the heap that objects of the heap will free.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct OffHeap {
    /// Direct buffers.
    pub direct: Blocks,
    /// Mapped files.
    pub mapped: Blocks,
}

impl OffHeap {
    /// Adds what another part of the dump holds.
    pub fn merge(&mut self, other: Self) {
        for (sum, more) in [(&mut self.direct, other.direct), (&mut self.mapped, other.mapped)] {
            sum.blocks += more.blocks;
            sum.bytes = sum.bytes.saturating_add(more.bytes);
        }
    }
}

/// What the object graph tells of a dump.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct HeapFacts {
    /// Objects that are strongly, softly, weakly, phantom or finalizer reachable, and the rest.
    pub levels: [Blocks; 5],
    pub off_heap: OffHeap,
}

/// What is known of a dump as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DumpFacts {
    /// Milliseconds since 1970.
    pub time_ms: u64,
    /// Version of the format, such as `1.0.2`.
    pub format: String,
    pub id_size: usize,
    /// Bytes of the uncompressed dump.
    pub bytes: u64,
    /// Dumps in the file and which of them this is, from 1.
    pub dumps: usize,
    pub chosen: usize,
    pub writer: Writer,
    pub jvm: Option<JvmVersion>,
    pub main_class: Option<String>,
    /// Tells processes apart; `None` where the JVM draws no such number.
    pub process: Option<String>,
    pub collector: Option<String>,
    /// True when only live objects are in the dump, false when garbage is; `None` when unknown.
    pub live: Option<bool>,
    /// What is reachable and what lies outside of the heap; known of indexed dumps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heap: Option<HeapFacts>,
    pub sizes: SizeFacts,
    /// Mirrors in the CDS archive of classes that were never loaded: count and bytes. They are in
    /// the histogram's `java.lang.Class`, as in the JVM's own.
    pub archived_mirrors: (u64, u64),
    pub roots: Vec<(String, u64)>,
    pub records: Vec<(String, u64)>,
    pub integrity: Integrity,
}

/// Objects of one class.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ClassRow {
    /// The name as `jmap` prints it.
    pub name: String,
    /// Label of the class loader: `boot`, `platform`, `app`, or the loader's class.
    pub loader: String,
    /// Tells loaders of one label apart, from 1 in order of loading; 0 when there is only one.
    pub loader_number: u32,
    pub instances: u64,
    pub shallow_bytes: u64,
}

/// Lengths of arrays that are counted together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum LengthRange {
    Exact(u32),
    /// Both ends included.
    Range(u32, u32),
}

impl LengthRange {
    /// The row of an array: object arrays have exact lengths, primitive ones powers of two and
    /// buckets between them.
    pub(super) fn of(lengths: Lengths, is_object: bool) -> Self {
        match lengths {
            Lengths::Exact(length) if is_object || length <= 2 || length.is_power_of_two() => {
                Self::Exact(length)
            }
            Lengths::Exact(length) => Self::bucket(length.ilog2()),
            Lengths::Folded { log2, .. } => Self::bucket(u32::from(log2)),
        }
    }

    /// The row that a length falls into where lengths from `from` on are counted in buckets.
    pub fn folded(self, from: u32) -> Self {
        match self {
            Self::Exact(length) if length >= from.max(1) && !length.is_power_of_two() => {
                Self::bucket(length.ilog2())
            }
            other => other,
        }
    }

    fn bucket(log2: u32) -> Self {
        let (from, to) = ((1u64 << log2) + 1, (1u64 << (log2 + 1)) - 1);
        if from == to { Self::Exact(from as u32) } else { Self::Range(from as u32, to as u32) }
    }
}

/// Arrays of one class and some lengths.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ArrayRow {
    /// The array class as `jmap` prints it.
    pub class: String,
    pub loader: String,
    pub length: LengthRange,
    pub instances: u64,
    pub shallow_bytes: u64,
}

/// See the module's text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Census {
    pub facts: DumpFacts,
    /// One row for each class that has instances, by name.
    pub classes: Vec<ClassRow>,
    pub arrays: Vec<ArrayRow>,
    /// The length from which on object arrays are counted in buckets: there were too many lengths.
    pub folded_from: Option<u32>,
    /// Counted on its own, object by object: the rows must add up to it.
    pub instances: u64,
    pub shallow_bytes: u64,
}

/// Why there is no census.
#[derive(Debug, thiserror::Error)]
pub enum CensusError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Scan(#[from] ScanError),
}

impl CensusError {
    /// Offset in the dump, where there is one.
    pub fn offset(&self) -> Option<u64> {
        match self {
            Self::Open(_) => None,
            Self::Scan(error) => error.offset(),
        }
    }

    /// What the user can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Open(error) => error.remedy(),
            Self::Scan(error) => error.remedy(),
        }
    }
}

/// A walked dump with its classes named: what a census is made from.
pub struct Walked {
    pub scan: Scan,
    pub classes: ClassTable,
}

/// Walks a dump once and names its classes.
///
/// # Errors
/// [`CensusError`] when nothing can be said about the dump.
pub fn walk(
    source: &mut Source,
    options: &ScanOptions,
    progress: &dyn Progress,
) -> Result<Walked, CensusError> {
    let mut scan = match source.mapped() {
        Some(bytes) => scan_mapped(bytes, options, progress)?,
        None => scan_stream(source.read(options.threads)?, options, progress)?,
    };
    if let Some(change) = source.change() {
        scan.integrity.lose(scan.bytes, change);
    }
    if let Some(why) = source.cut() {
        scan.integrity.lose(scan.bytes, why);
    }
    if let Some(part) = source.unfinished_part() {
        scan.integrity.lose(scan.bytes, unfinished(&part));
    }
    warn_of_bomb(source, &mut scan);
    let tally = &mut scan.tally;
    let mut referenced: Vec<ObjectId> =
        tally.class_counts().iter().map(|count| count.class).collect();
    referenced.extend(tally.lengths.rows().iter().filter_map(|(class, _, _)| match class {
        ArrayClass::Object(class) => Some(*class),
        ArrayClass::Primitive(_) => None,
    }));
    let records = std::mem::take(&mut tally.classes);
    let symbols = std::mem::take(&mut scan.symbols);
    let classes = ClassTable::build(records, &scan.tables.loads, referenced, symbols);
    Ok(Walked { scan, classes })
}

/// What a part beside a dump means, behind the part's path.
pub const UNFINISHED: &str =
    " lies beside it: the JVM is still writing this dump in parallel, or died doing so";

/// Says what a part beside a dump means.
pub fn unfinished(part: &std::path::Path) -> String {
    format!("{}{UNFINISHED}", part.display())
}

/// Warns of a gzipped file that inflates to more than a heap dump plausibly does.
fn warn_of_bomb(source: &Source, scan: &mut Scan) {
    const SUSPICIOUS: u64 = 1000;
    if let Some(stored) = source.stored_bytes().filter(|_| source.is_gzip()) {
        if scan.bytes / stored.max(1) > SUSPICIOUS {
            scan.integrity.warn(format!(
                "the file inflates to {} times its size ({} bytes)",
                scan.bytes / stored.max(1),
                scan.bytes
            ));
        }
    }
}

/// Takes the census of a dump.
///
/// # Errors
/// [`CensusError`] when nothing can be said about the dump. A damaged dump gives what could be
/// read; [`DumpFacts::integrity`] tells what was lost.
pub fn take(
    source: &mut Source,
    options: &ScanOptions,
    progress: &dyn Progress,
) -> Result<Census, CensusError> {
    let walked = walk(source, options, progress)?;
    Ok(of_walked(source, walked, options))
}

/// Makes the census of a walked dump.
pub fn of_walked(source: &mut Source, walked: Walked, options: &ScanOptions) -> Census {
    let Walked { scan, classes } = walked;
    of_scan(source, scan, &classes, options)
}

/// Makes the census of a scan whose classes are named.
pub fn of_scan(
    source: &mut Source,
    mut scan: Scan,
    classes: &ClassTable,
    options: &ScanOptions,
) -> Census {
    let threads = options.threads;
    let jvm = facts::jvm_version(source, &scan, classes, threads);
    let gaps = std::mem::take(&mut scan.tally.sample).gaps();
    let sizer = Sizer::new(&mut scan, classes, &gaps, jvm.as_ref().map(|jvm| jvm.major));
    let loaders = Loaders::new(&scan, classes);
    let mut rows = Rows::default();
    sizer.instances(&scan, &loaders, &mut rows);
    sizer.arrays(&scan, &loaders, &mut rows);
    sizer.mirrors(&mut rows);
    let sizes = sizer.facts(&rows);
    let archived_mirrors = sizer.archived.unwrap_or_default();
    let writer = sizer.writer;
    let live = (writer == Writer::HotSpot && scan.bytes <= options.liveness_limit)
        .then(|| liveness::is_live(source, &scan, classes, &gaps, threads))
        .flatten();
    let (removed, sampled) = (sizer.duplicates.len() as u64, sizer.sampled_duplicates);
    tell_oddities(&mut scan, classes, removed, sampled);
    if rows.mismatched > 0 {
        scan.integrity.warn(format!(
            "{} instances do not have the length that their class declares",
            rows.mismatched
        ));
    }
    let records = scan
        .tables
        .counts
        .iter()
        .map(|(tag, count)| (crate::parser::tags::top::name(*tag).to_owned(), *count));
    let roots = scan
        .tally
        .roots
        .iter()
        .map(|(tag, count)| (crate::parser::tags::sub::name(*tag).to_owned(), *count));
    let facts = DumpFacts {
        time_ms: scan.header.time_ms,
        format: scan.header.version_text.clone(),
        id_size: scan.header.id_size.bytes(),
        bytes: scan.bytes,
        dumps: scan.dumps,
        chosen: scan.chosen,
        writer,
        main_class: facts::main_class(&scan, classes).map(|name| names::source_name(&name)),
        process: facts::process(classes),
        collector: (writer == Writer::HotSpot)
            .then(|| facts::collector(&scan))
            .flatten()
            .map(str::to_owned),
        live,
        heap: None,
        jvm,
        sizes,
        archived_mirrors,
        roots: roots.collect(),
        records: records.collect(),
        integrity: scan.integrity,
    };
    // Objects were counted one by one as they were met, apart from the rows.
    let instances = scan.tally.objects - removed + rows.mirrors;
    // Counted in hash maps, whose order is another one in every run.
    rows.classes.sort_unstable();
    rows.arrays.sort_unstable();
    Census {
        facts,
        classes: rows.classes,
        arrays: rows.arrays,
        folded_from: scan.tally.lengths.folded_from(),
        instances,
        shallow_bytes: rows.shallow_bytes,
    }
}

/// Notes what is odd about the records of a dump.
fn tell_oddities(scan: &mut Scan, classes: &ClassTable, removed: u64, sampled: u64) {
    let integrity = &mut scan.integrity;
    if scan.dumps > 1 {
        integrity.warn(format!(
            "the file holds {} heap dumps; this is number {} (choose with --dump N)",
            scan.dumps, scan.chosen
        ));
    }
    let faults = &classes.faults;
    if removed > 0 {
        integrity.lose(
            scan.bytes,
            format!("{removed} objects are in the dump twice; one of each counts"),
        );
    }
    if sampled > 0 {
        integrity.lose(
            scan.bytes,
            format!(
                "objects are in the dump twice ({sampled} in the sample that was looked at): they \
                 count twice, and numbers are too high"
            ),
        );
    }
    let warnings = [
        (faults.duplicates, "classes were dumped more than once; the first of each counts"),
        (faults.cycles, "classes are their own superclass; the circle was cut"),
        (faults.missing_superclasses, "classes have a superclass that is not in the dump"),
        (faults.unknown, "classes are named by objects but not described: sizes from the data"),
        (scan.tally.null_ids, "objects have the id 0 and were skipped"),
        (scan.tables.renamed, "classes are named twice, differently; the last name counts"),
        (classes.symbols.conflicts, "symbols are defined twice, differently; the last one counts"),
    ];
    for (count, what) in warnings.into_iter().filter(|(count, _)| *count > 0) {
        integrity.warn(format!("{count} {what}"));
    }
}
