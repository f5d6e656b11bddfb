//! The census of a dump: every class with its instances and bytes, and how sure the bytes are.

use hashbrown::{HashMap, HashSet};
use serde::{Deserialize, Serialize};

use super::facts::{self, JvmVersion, Writer};
use super::integrity::Integrity;
use super::lengths::{ArrayClass, Lengths};
use super::liveness;
use super::sample::{Gaps, Shape};
use super::scan::{Progress, Scan, ScanError, ScanOptions, scan_mapped, scan_stream};
use super::watch::SpecialKind;
use crate::layout::infer::{
    DEFAULT_PADDING, Evidence, Inferred, Neighbour, Observed, audit, infer,
};
use crate::layout::tables::likely_version;
use crate::layout::{Era, Layout, Parameters};
use crate::parser::bytes::align_up;
use crate::parser::classes::{ClassIndex, ClassTable};
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

/// Versions whose rules were compared with `jmap -histo`, row by row.
const PROVEN: [u32; 4] = [11, 17, 21, 25];

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
    pub sizes: SizeFacts,
    /// Mirrors in the CDS archive of classes that were never loaded: count and bytes. They are in
    /// the histogram's `java.lang.Class`, as in the JVM's own.
    pub archived_mirrors: (u64, u64),
    pub roots: Vec<(String, u64)>,
    pub records: Vec<(String, u64)>,
    pub integrity: Integrity,
}

/// Objects of one class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    fn of(lengths: Lengths, is_object: bool) -> Self {
        match lengths {
            Lengths::Exact(length) if is_object || length <= 2 || length.is_power_of_two() => {
                Self::Exact(length)
            }
            Lengths::Exact(length) => Self::bucket(length.ilog2()),
            Lengths::Folded { log2, .. } => Self::bucket(u32::from(log2)),
        }
    }

    fn bucket(log2: u32) -> Self {
        let (from, to) = ((1u64 << log2) + 1, (1u64 << (log2 + 1)) - 1);
        if from == to { Self::Exact(from as u32) } else { Self::Range(from as u32, to as u32) }
    }
}

/// Arrays of one class and some lengths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// One row for each class that has instances, in no particular order.
    pub classes: Vec<ClassRow>,
    pub arrays: Vec<ArrayRow>,
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

/// Says what a part beside a dump means.
pub fn unfinished(part: &std::path::Path) -> String {
    format!(
        "{} lies beside it: the JVM is still writing this dump in parallel, or died doing so",
        part.display()
    )
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
    let threads = options.threads;
    let Walked { mut scan, classes } = walked;
    let jvm = facts::jvm_version(source, &scan, &classes, threads);
    let gaps = std::mem::take(&mut scan.tally.sample).gaps();
    let sizer = Sizer::new(&mut scan, &classes, &gaps, jvm.as_ref().map(|jvm| jvm.major));
    let loaders = Loaders::new(&scan, &classes);
    let mut rows = Rows::default();
    sizer.instances(&scan, &loaders, &mut rows);
    sizer.arrays(&scan, &loaders, &mut rows);
    sizer.mirrors(&mut rows);
    let sizes = sizer.facts();
    let archived_mirrors = sizer.archived.unwrap_or_default();
    let writer = sizer.writer;
    let live = (writer == Writer::HotSpot && scan.bytes <= options.liveness_limit)
        .then(|| liveness::is_live(source, &scan, &classes, &gaps, threads))
        .flatten();
    let faulty = sizer.duplicates.len() as u64;
    let whole = sizer.whole;
    tell_oddities(&mut scan, &classes, faulty, whole);
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
        main_class: facts::main_class(&scan, &classes).map(|name| names::source_name(&name)),
        process: facts::process(&classes),
        collector: (writer == Writer::HotSpot)
            .then(|| facts::collector(&scan))
            .flatten()
            .map(str::to_owned),
        live,
        jvm,
        sizes,
        archived_mirrors,
        roots: roots.collect(),
        records: records.collect(),
        integrity: scan.integrity,
    };
    Census {
        facts,
        classes: rows.classes,
        arrays: rows.arrays,
        instances: rows.instances,
        shallow_bytes: rows.shallow_bytes,
    }
}

/// Notes what is odd about the records of a dump.
fn tell_oddities(scan: &mut Scan, classes: &ClassTable, duplicates: u64, whole: bool) {
    let integrity = &mut scan.integrity;
    if scan.dumps > 1 {
        integrity.warn(format!(
            "the file holds {} heap dumps; this is number {} (choose with --dump N)",
            scan.dumps, scan.chosen
        ));
    }
    let faults = &classes.faults;
    if duplicates > 0 {
        let least = if whole { "" } else { "at least " };
        integrity.lose(
            scan.bytes,
            format!("{least}{duplicates} objects are in the dump twice; the first of each counts"),
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

/// Rows in the making.
#[derive(Default)]
struct Rows {
    classes: Vec<ClassRow>,
    arrays: Vec<ArrayRow>,
    instances: u64,
    shallow_bytes: u64,
    /// Instances whose values are not as long as their class declares.
    mismatched: u64,
}

/// Applies the layout to what was counted.
struct Sizer<'c> {
    classes: &'c ClassTable,
    layout: Layout<'c>,
    inferred: Inferred,
    writer: Writer,
    /// The version whose rules are applied.
    major: Option<u32>,
    /// True when the dump names that version.
    version_known: bool,
    id_size: usize,
    compaction: f64,
    doubts: Vec<String>,
    contradicted: bool,
    complete: bool,
    /// Objects that are in the dump again.
    duplicates: Vec<super::sample::Sampled>,
    /// True when the addresses of all objects were looked at.
    whole: bool,
    /// Count and bytes of the archived mirrors; `None` when they cannot be told.
    archived: Option<(u64, u64)>,
    /// Why the archived mirrors cannot be told.
    archive_doubt: Option<&'static str>,
}

impl<'c> Sizer<'c> {
    fn new(scan: &mut Scan, classes: &'c ClassTable, gaps: &Gaps, version: Option<u32>) -> Self {
        let major = version.or_else(|| likely_version(classes));
        let gaps_of_mirrors: Vec<(ObjectId, u64)> = gaps
            .iter()
            .filter(|(object, _)| object.shape == Shape::Mirror)
            .filter_map(|(object, gap)| Some((object.id, gap?)))
            .collect();
        let evidence = evidence(scan, classes, gaps);
        let writer = Writer::of(scan, evidence.alignment);
        let id_size = scan.header.id_size.bytes();
        let is_32_bit = id_size == 4 && writer == Writer::HotSpot;
        let inferred = match writer {
            Writer::HotSpot => infer(classes, &evidence, is_32_bit, major),
            Writer::Agent | Writer::Android => Inferred::assumed(Parameters {
                header: if writer == Writer::Android { 8 } else { 12 },
                reference: 4,
                alignment: 8,
                era: if writer == Writer::Android { Era::From15 } else { Era::To14 },
                is_32_bit: writer == Writer::Android,
                padding: DEFAULT_PADDING,
            }),
        };
        let layout = Layout::new(classes, inferred.parameters, major);
        let mut sizer = Self {
            classes,
            inferred,
            writer,
            major,
            version_known: version.is_some(),
            id_size,
            compaction: 0.0,
            doubts: Vec::new(),
            contradicted: false,
            complete: scan.integrity.is_complete(),
            whole: gaps.whole,
            duplicates: gaps.duplicates.clone(),
            archived: None,
            archive_doubt: None,
            layout,
        };
        if writer == Writer::HotSpot {
            let audit =
                audit(&sizer.layout, &evidence, classes.named("jdk/internal/vm/StackChunk"));
            sizer.compaction = audit.compaction;
            sizer.contradicted =
                !audit.contradicted.is_empty() || sizer.inferred.score.contradictions > 0;
            let name = |class: ClassIndex| names::source_name(&classes.get(class).jmap_name());
            sizer.doubts.extend(audit.contradicted.iter().map(|(class, found)| {
                format!(
                    "{}: {} bytes by the rules, but the next object is {} bytes away",
                    name(*class),
                    found.size,
                    found.distance
                )
            }));
            sizer.doubts.extend(audit.larger.iter().map(|(class, found)| {
                format!(
                    "{}: {} bytes by the rules, but {} instances seem to take {} (padding?)",
                    name(*class),
                    found.size,
                    found.instances,
                    found.distance
                )
            }));
            sizer.find_archived(scan);
            sizer.suspect_hidden_mirrors(&gaps_of_mirrors);
        }
        sizer
    }

    /// Archived mirrors of classes that were never loaded have no record, but the array of the
    /// archive's roots refers to them; they lie close together, each up to the next object.
    fn find_archived(&mut self, scan: &mut Scan) {
        /// The first version whose archive holds mirrors.
        const FIRST: u32 = 17;
        /// No mirror is as large.
        const LARGEST: u64 = 64 << 10;
        let watched = &mut scan.tally.watched;
        watched.sort_unstable();
        watched.dedup();
        let mut dangling: Vec<ObjectId> = scan
            .tally
            .referenced
            .iter()
            .copied()
            .filter(|id| watched.binary_search(id).is_err())
            .collect();
        dangling.sort_unstable();
        if dangling.is_empty() || self.major.is_none_or(|major| major < FIRST) {
            return;
        }
        if !scan.integrity.is_complete() || scan.tally.watch_overflow {
            self.archive_doubt = Some("archived classes cannot be told in this dump");
            return;
        }
        let mut all: Vec<ObjectId> = watched.iter().chain(&dangling).copied().collect();
        all.sort_unstable();
        let mut bytes = 0;
        for id in &dangling {
            let next = all.get(all.partition_point(|other| other <= id));
            let size = next.map_or(u64::MAX, |next| next.0 - id.0);
            // The objects of the following window must have been seen, too.
            let seen = scan.tally.watches(id.0 + LARGEST);
            if size < self.layout.least_mirror() || size >= LARGEST || !seen {
                self.archive_doubt =
                    Some("references to objects that are not in the dump are no archived classes");
                return;
            }
            bytes += size;
        }
        self.archived = Some((dangling.len() as u64, bytes));
    }

    /// JDK 9 to 16 archive mirrors as well, but leave no reference to them in the dump. The sign
    /// of it: mirrors of the boot loader's classes that have room behind them in a heap that is
    /// otherwise compacted: room for another mirror.
    fn suspect_hidden_mirrors(&mut self, mirrors: &[(ObjectId, u64)]) {
        /// One mirror in so many: a JDK 11 with an archive has one in 50, one without has none.
        const ENOUGH: u64 = 200;
        if !self.major.is_some_and(|major| (9..17).contains(&major)) {
            return;
        }
        let (mut seen, mut roomy) = (0u64, 0u64);
        for (id, gap) in mirrors {
            let Some(class) = self.classes.index_of(*id).map(|index| self.classes.get(index))
            else {
                continue;
            };
            if class.loader.is_null() {
                seen += 1;
                let room = gap.saturating_sub(self.layout.mirror_size(class));
                roomy += u64::from(room >= self.layout.least_mirror());
            }
        }
        if roomy * ENOUGH > seen {
            self.archive_doubt =
                Some("this JVM's archive may hold classes that the dump does not show");
        }
    }

    /// Bytes of an instance.
    fn instance_size(&self, class: ClassIndex, values_length: u64) -> u64 {
        let described = self.classes.get(class);
        match self.writer {
            Writer::Android if described.instance_size > 0 => u64::from(described.instance_size),
            _ if described.dumped => self.layout.instance_size(class),
            _ => align_up(
                self.layout.parameters.header + values_length,
                self.layout.parameters.alignment,
            ),
        }
    }

    fn instances(&self, scan: &Scan, loaders: &Loaders, rows: &mut Rows) {
        let again = |id: ObjectId| {
            let same = |shape: &Shape| matches!(shape, Shape::Instance { class } if *class == id);
            self.duplicates.iter().filter(|object| same(&object.shape)).count() as u64
        };
        let mut mismatched = 0;
        for count in scan.tally.class_counts() {
            let Some(index) = self.classes.index_of(count.class) else { continue };
            let class = self.classes.get(index);
            let instances = count.instances.saturating_sub(again(count.class));
            let size = self.instance_size(index, u64::from(count.values_length));
            mismatched += count.other_length;
            if class.dumped && self.writer == Writer::HotSpot {
                let declared = self.classes.values_length(index, self.id_size);
                if declared != u64::from(count.values_length) {
                    mismatched += instances - count.other_length;
                }
            }
            let bytes = if class.name == "jdk/internal/vm/StackChunk" {
                scan.tally
                    .specials
                    .iter()
                    .filter(|special| special.kind == SpecialKind::StackChunk)
                    .map(|chunk| self.layout.stack_chunk_size(index, chunk.field))
                    .sum()
            } else {
                instances * size
            };
            rows.add_class(loaders, class.loader, class.jmap_name(), instances, bytes);
        }
        rows.mismatched = mismatched;
    }

    fn arrays(&self, scan: &Scan, loaders: &Loaders, rows: &mut Rows) {
        let mut again: HashMap<(ArrayClass, u32), u64> = HashMap::new();
        for object in &self.duplicates {
            let class = match object.shape {
                Shape::ObjectArray { class } => ArrayClass::Object(class),
                Shape::PrimitiveArray { element } => ArrayClass::Primitive(element),
                Shape::Mirror | Shape::Instance { .. } => continue,
            };
            *again.entry((class, object.length)).or_default() += 1;
        }
        let parameters = &self.layout.parameters;
        let mut sums: HashMap<ArrayClass, (u64, u64)> = HashMap::new();
        let mut by_length: HashMap<(ArrayClass, LengthRange), (u64, u64)> = HashMap::new();
        for (class, lengths, count) in scan.tally.lengths.rows() {
            let element = match class {
                ArrayClass::Primitive(element) => Some(element),
                ArrayClass::Object(_) => None,
            };
            let esize = parameters.element_size(element);
            let length = u64::from(lengths.representative());
            let mut arrays = count.arrays;
            let mut elements = count.elements;
            if let Lengths::Exact(length) = lengths {
                let twice = again.get(&(class, length)).copied().unwrap_or(0);
                arrays = arrays.saturating_sub(twice);
                elements = elements.saturating_sub(twice * u64::from(length));
            }
            let bytes = arrays * parameters.array_size(length, esize)
                + (elements - arrays * length) * esize;
            let range = LengthRange::of(lengths, element.is_none());
            for sum in
                [sums.entry(class).or_default(), by_length.entry((class, range)).or_default()]
            {
                sum.0 += arrays;
                sum.1 += bytes;
            }
        }
        let named = |class: ArrayClass| match class {
            ArrayClass::Primitive(element) => {
                (format!("[{}", char::from(element.descriptor())), ObjectId::NULL)
            }
            ArrayClass::Object(id) => match self.classes.index_of(id) {
                Some(index) => {
                    let class = self.classes.get(index);
                    (class.jmap_name(), class.loader)
                }
                None => (format!("unknown class {id}"), ObjectId::NULL),
            },
        };
        for (class, (instances, bytes)) in sums {
            let (name, loader) = named(class);
            rows.add_class(loaders, loader, name, instances, bytes);
        }
        for ((class, length), (instances, shallow_bytes)) in by_length {
            let (class, loader) = named(class);
            let (loader, _) = loaders.label(loader);
            rows.arrays.push(ArrayRow { class, loader, length, instances, shallow_bytes });
        }
    }

    /// The `java.lang.Class` objects: one for each class that was dumped, and the archived ones.
    fn mirrors(&self, rows: &mut Rows) {
        let dumped = self.classes.classes.iter().filter(|class| class.dumped);
        let (mut instances, mut bytes) = (0, 0);
        for class in dumped {
            instances += 1;
            bytes += self.layout.mirror_size(class);
        }
        let (archived, archived_bytes) = self.archived.unwrap_or_default();
        rows.add_mirrors(instances + archived, bytes + archived_bytes);
    }

    fn facts(&self) -> SizeFacts {
        let (grade, reason) = self.grade();
        SizeFacts {
            grade,
            reason,
            parameters: self.inferred.parameters,
            compaction: self.compaction,
            agreements: self.inferred.score.agreements,
            observed: self.inferred.score.observed,
            doubts: self.doubts.clone(),
        }
    }

    fn grade(&self) -> (Grade, String) {
        match self.writer {
            Writer::Android => {
                return (Grade::Estimated, "Android's object layout is not modelled".to_owned());
            }
            Writer::Agent => {
                return (
                    Grade::Estimated,
                    "the hprof agent writes serial numbers, not addresses: the layout is assumed"
                        .to_owned(),
                );
            }
            Writer::HotSpot => {}
        }
        let version = match self.major {
            Some(major) if self.version_known => format!("JDK {major}"),
            Some(major) => format!("an unknown JVM (those of JDK {major} seem to fit)"),
            None => "an unknown JVM".to_owned(),
        };
        if let Some(doubt) = self.doubts.first().filter(|_| self.contradicted) {
            let more = match self.doubts.len() {
                1 => String::new(),
                count => format!(" ({} more)", count - 1),
            };
            return (Grade::Estimated, format!("addresses contradict the rules: {doubt}{more}"));
        }
        if !self.inferred.is_clear() {
            return (
                Grade::Estimated,
                "the addresses of the objects leave the object layout in doubt".to_owned(),
            );
        }
        if let Some(doubt) = self.archive_doubt {
            return (Grade::Consistent, format!("{doubt}: java.lang.Class is a lower bound"));
        }
        if let Some(doubt) = self.doubts.first() {
            return (Grade::Consistent, doubt.clone());
        }
        let padding = self.layout.parameters.padding;
        if padding != DEFAULT_PADDING {
            // Classes from the CDS archive keep the padding of the JVM that made the archive.
            return (
                Grade::Consistent,
                format!(
                    "contended classes are padded by {padding} bytes, not {DEFAULT_PADDING}; those \
                     from the JVM's archive may differ"
                ),
            );
        }
        let score = &self.inferred.score;
        let checked = format!(
            "{} of {} arrays and classes looked at fill their space exactly, none contradicts",
            score.agreements, score.observed
        );
        match self.major {
            Some(major)
                if PROVEN.contains(&major)
                    && self.version_known
                    && !self.layout.parameters.is_32_bit =>
            {
                let share = if self.complete { "" } else { " (of what could be read)" };
                (Grade::Exact, format!("rules of {version}, proven against jmap{share}; {checked}"))
            }
            // What old JVMs injected into java.lang.Class is not known.
            Some(..8) => (
                Grade::Consistent,
                format!(
                    "the rules are not proven for {version}, java.lang.Class is estimated; {checked}"
                ),
            ),
            _ => (Grade::Consistent, format!("the rules are not proven for {version}; {checked}")),
        }
    }
}

/// What the addresses of a dump say.
fn evidence(scan: &Scan, classes: &ClassTable, gaps: &Gaps) -> Evidence {
    let mut alignment = 0;
    for object in &gaps.objects {
        alignment = gcd(object.id.0, alignment);
    }
    let observed = |shape: Shape, length: u32| match shape {
        Shape::Mirror => None,
        Shape::Instance { class } => classes.index_of(class).map(Observed::Instance),
        Shape::ObjectArray { .. } => Some(Observed::Array(None, length)),
        Shape::PrimitiveArray { element } => Some(Observed::Array(Some(element), length)),
    };
    let is_fixed = |object: &Observed| match object {
        // Sizes of these depend on more than the class.
        Observed::Instance(class) => {
            let class = classes.get(*class);
            class.dumped
                && class.name != "java/lang/Class"
                && class.name != "jdk/internal/vm/StackChunk"
        }
        Observed::Array(..) => true,
    };
    let neighbours = gaps.iter().filter_map(|(object, distance)| {
        let observed = observed(object.shape, object.length).filter(is_fixed)?;
        Some(Neighbour { object: observed, distance: distance? })
    });
    let least = scan.tally.class_counts().into_iter().filter_map(|count| {
        let class = classes.index_of(count.class)?;
        is_fixed(&Observed::Instance(class)).then_some((class, count.least_distance))
    });
    Evidence { neighbours: neighbours.collect(), least: least.collect(), alignment }
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Labels of class loaders.
struct Loaders {
    labels: HashMap<ObjectId, (String, u32)>,
}

impl Loaders {
    fn new(scan: &Scan, classes: &ClassTable) -> Self {
        let class_of: HashMap<ObjectId, ObjectId> = scan
            .tally
            .specials
            .iter()
            .filter(|special| special.kind == SpecialKind::Loader)
            .map(|special| (special.id, special.class))
            .collect();
        // Loaders in the order in which they loaded their first class.
        let mut first_serial: HashMap<ObjectId, u32> = HashMap::new();
        for (serial, class) in &scan.tables.class_of_serial {
            if let Some(class) = classes.index_of(*class) {
                let first = first_serial.entry(classes.get(class).loader).or_insert(u32::MAX);
                *first = (*first).min(*serial);
            }
        }
        let mut loaders: Vec<ObjectId> = classes
            .classes
            .iter()
            .map(|class| class.loader)
            .collect::<HashSet<_>>()
            .into_iter()
            .collect();
        loaders.sort_unstable_by_key(|loader| (first_serial.get(loader).copied(), *loader));
        let mut members: HashMap<String, u32> = HashMap::new();
        let mut labels = HashMap::new();
        for loader in loaders {
            let label = match class_of.get(&loader).and_then(|class| classes.index_of(*class)) {
                _ if loader.is_null() => "boot".to_owned(),
                None => "unknown loader".to_owned(),
                Some(class) => match classes.get(class).name.as_str() {
                    "jdk/internal/loader/ClassLoaders$AppClassLoader"
                    | "sun/misc/Launcher$AppClassLoader" => "app".to_owned(),
                    "jdk/internal/loader/ClassLoaders$PlatformClassLoader"
                    | "sun/misc/Launcher$ExtClassLoader" => "platform".to_owned(),
                    _ => names::source_name(&classes.get(class).jmap_name()),
                },
            };
            let number = members.entry(label.clone()).or_default();
            *number += 1;
            labels.insert(loader, (label, *number));
        }
        for (label, number) in labels.values_mut() {
            if members[label] == 1 {
                *number = 0;
            }
        }
        Self { labels }
    }

    /// The label of a loader and its number among loaders of that label.
    fn label(&self, loader: ObjectId) -> (String, u32) {
        self.labels.get(&loader).cloned().unwrap_or_else(|| ("boot".to_owned(), 0))
    }
}

impl Rows {
    fn add_class(
        &mut self,
        loaders: &Loaders,
        loader: ObjectId,
        name: String,
        instances: u64,
        shallow_bytes: u64,
    ) {
        let (loader, loader_number) = loaders.label(loader);
        self.instances += instances;
        self.shallow_bytes += shallow_bytes;
        self.classes.push(ClassRow { name, loader, loader_number, instances, shallow_bytes });
    }

    /// Adds mirrors to the row of `java.lang.Class`, which may hold those of primitive types.
    fn add_mirrors(&mut self, instances: u64, shallow_bytes: u64) {
        if instances == 0 {
            return;
        }
        self.instances += instances;
        self.shallow_bytes += shallow_bytes;
        let is_class = |row: &&mut ClassRow| row.name == "java.lang.Class" && row.loader == "boot";
        match self.classes.iter_mut().find(is_class) {
            Some(row) => {
                row.instances += instances;
                row.shallow_bytes += shallow_bytes;
            }
            None => self.classes.push(ClassRow {
                name: "java.lang.Class".to_owned(),
                loader: "boot".to_owned(),
                loader_number: 0,
                instances,
                shallow_bytes,
            }),
        }
    }
}
