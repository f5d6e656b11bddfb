//! The JSON output. Field names are a contract: fields may be added, not changed.
//!
//! Bytes and counts are integers, series have one element for each dump in dump order, rows are in
//! a total order, what is unknown is absent.

use serde::Serialize;

use super::histo::{By, HistoOptions, Histogram};
use super::why::why;
use super::{Subject, info};
use crate::diff::comparable::Comparability;
use crate::diff::held::HeldRow;
use crate::diff::owners::verdict::Verdict;
use crate::diff::owners::{
    Bound, Content, Finding, GrownLength, LibraryRow, OwnerKey, OwnerKind, OwnerSeries, Owners,
    Step,
};
use crate::diff::trend::Trend;
use crate::diff::{Comparison, Row, Series, Table};
use crate::digest::{self, ArrayKey, ClassKey, Kind, ThreadKey};
use crate::index::census::{DumpFacts, Grade, LengthRange, OffHeap};
use crate::layout::Parameters;
use crate::library::{Basis, Cause, Library};

/// Version of the names and meanings here.
pub(super) const SCHEMA_VERSION: u32 = 1;
/// Name of the row that sums what is not shown.
const OTHER: &str = "(other)";

/// A dump, as every report names it.
#[derive(Serialize)]
pub(super) struct Dump<'a> {
    path: &'a str,
    kind: Kind,
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    jvm: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    main_class: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    process: Option<&'a str>,
    live: &'static str,
    complete: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    incomplete_reason: Option<String>,
    sizes: Grade,
    sizes_reason: &'a str,
    objects: u64,
    shallow_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reachable_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unreachable_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    off_heap: Option<OffHeap>,
    roots: u64,
    warnings: &'a [String],
}

impl<'a> Dump<'a> {
    pub(super) fn new(
        path: &'a str,
        kind: Kind,
        facts: &'a DumpFacts,
        total: digest::Amount,
    ) -> Self {
        Self {
            path,
            kind,
            time: info::time(facts.time_ms),
            jvm: facts.jvm.as_ref().map(|jvm| jvm.text.as_str()),
            main_class: facts.main_class.as_deref(),
            process: facts.process.as_deref(),
            live: info::live(facts.live),
            complete: facts.integrity.is_complete(),
            incomplete_reason: facts.integrity.reason(),
            sizes: facts.sizes.grade,
            sizes_reason: &facts.sizes.reason,
            objects: total.instances,
            shallow_bytes: total.shallow_bytes,
            // What is softly reachable and the like is reachable too.
            reachable_bytes: facts.heap.map(|heap| heap.levels[..4].iter().map(|l| l.bytes).sum()),
            unreachable_bytes: facts.heap.map(|heap| heap.levels[4].bytes),
            off_heap: facts.heap.map(|heap| heap.off_heap),
            roots: facts.roots.iter().map(|(_, count)| count).sum(),
            warnings: &facts.integrity.warnings,
        }
    }

    fn of(subject: &Subject<'a>) -> Self {
        Self::new(subject.path, subject.kind(), subject.facts, subject.total)
    }
}

#[derive(Serialize)]
struct Amount {
    instances: u64,
    shallow_bytes: u64,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Length {
    Exact(u32),
    Range { from: u32, to: u32 },
}

impl From<LengthRange> for Length {
    fn from(length: LengthRange) -> Self {
        match length {
            LengthRange::Exact(length) => Self::Exact(length),
            LengthRange::Range(from, to) => Self::Range { from, to },
        }
    }
}

#[derive(Serialize, Default)]
struct HistoRowJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    loader: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<Length>,
    instances: u64,
    shallow_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    retained_bytes: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    retained_is_lower_bound: bool,
}

/// `histo --format json`.
///
/// # Errors
/// None but what the serializer reports.
pub fn histo(
    subject: &Subject<'_>,
    histogram: &Histogram,
    options: &HistoOptions,
) -> serde_json::Result<String> {
    #[derive(Serialize)]
    struct Report<'a> {
        schema_version: u32,
        dump: Dump<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        classes: Option<Vec<HistoRowJson<'a>>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        array_lengths: Option<Vec<HistoRowJson<'a>>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        packages: Option<Vec<HistoRowJson<'a>>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        loaders: Option<Vec<HistoRowJson<'a>>>,
        total: Amount,
    }
    let is_array = options.by == By::ArrayLength;
    let mut rows: Vec<HistoRowJson<'_>> = histogram
        .rows
        .iter()
        .map(|row| HistoRowJson {
            name: (!is_array).then_some(row.name.as_str()),
            class: is_array.then_some(row.name.as_str()),
            loader: row.loader.as_deref(),
            length: row.length.map(Length::from),
            instances: row.instances,
            shallow_bytes: row.shallow_bytes,
            retained_bytes: row.retained.map(|retained| retained.bytes),
            retained_is_lower_bound: row.retained.is_some_and(|retained| !retained.exact),
        })
        .collect();
    if let Some((_, instances, shallow_bytes)) = histogram.other {
        rows.push(HistoRowJson {
            name: Some(OTHER),
            instances,
            shallow_bytes,
            ..HistoRowJson::default()
        });
    }
    let mut report = Report {
        schema_version: SCHEMA_VERSION,
        dump: Dump::of(subject),
        classes: None,
        array_lengths: None,
        packages: None,
        loaders: None,
        total: Amount { instances: histogram.total.0, shallow_bytes: histogram.total.1 },
    };
    match options.by {
        By::Class => report.classes = Some(rows),
        By::ArrayLength => report.array_lengths = Some(rows),
        By::Package => report.packages = Some(rows),
        By::Loader => report.loaders = Some(rows),
    }
    to_text(&report)
}

/// JSON as it is printed.
pub(super) fn to_text(report: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string_pretty(report).map(|text| text + "\n")
}

/// `info --format json`, with whatever is known of the threads.
///
/// # Errors
/// None but what the serializer reports.
pub fn info(subject: &Subject<'_>, threads: &[impl Serialize]) -> serde_json::Result<String> {
    #[derive(Serialize)]
    struct Layout<'a> {
        parameters: &'a Parameters,
        compaction: f64,
        agreements: u64,
        observed: u64,
        doubts: &'a [String],
    }
    #[derive(Serialize)]
    struct Report<'a, T> {
        schema_version: u32,
        dump: Dump<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        digest_of: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        redacted: Option<bool>,
        format: &'a str,
        id_size: usize,
        bytes: u64,
        dumps_in_file: usize,
        dump_number: usize,
        #[serde(skip_serializing_if = "Option::is_none")]
        collector: Option<&'a str>,
        layout: Layout<'a>,
        archived_classes: Amount,
        roots: serde_json::Map<String, serde_json::Value>,
        records: serde_json::Map<String, serde_json::Value>,
        threads: &'a [T],
    }
    let facts = subject.facts;
    let map = |pairs: &[(String, u64)]| {
        pairs.iter().map(|(name, count)| (name.clone(), (*count).into())).collect()
    };
    to_text(&Report {
        schema_version: SCHEMA_VERSION,
        dump: Dump::of(subject),
        digest_of: subject.digest.and_then(|digest| digest.source.as_deref()),
        redacted: subject.digest.map(|digest| digest.redacted),
        format: &facts.format,
        id_size: facts.id_size,
        bytes: facts.bytes,
        dumps_in_file: facts.dumps,
        dump_number: facts.chosen,
        collector: facts.collector.as_deref(),
        layout: Layout {
            parameters: &facts.sizes.parameters,
            compaction: facts.sizes.compaction,
            agreements: facts.sizes.agreements,
            observed: facts.sizes.observed,
            doubts: &facts.sizes.doubts,
        },
        archived_classes: Amount {
            instances: facts.archived_mirrors.0,
            shallow_bytes: facts.archived_mirrors.1,
        },
        roots: map(&facts.roots),
        records: map(&facts.records),
        threads,
    })
}

#[derive(Serialize, Default)]
struct DiffRow<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    loader: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<Length>,
    instances: &'a [u64],
    shallow_bytes: &'a [u64],
    #[serde(skip_serializing_if = "Option::is_none")]
    retained_bytes: Option<&'a [u64]>,
    /// True when the objects may retain more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    retained_is_lower_bound: bool,
    growth_bytes: i64,
    steps_up: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_per_hour: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trend: Option<Trend>,
}

impl<'a> DiffRow<'a> {
    fn new(series: &'a Series) -> Self {
        Self {
            instances: &series.instances,
            shallow_bytes: &series.shallow_bytes,
            retained_bytes: series.retained.as_ref().map(|retained| &retained.bytes[..]),
            retained_is_lower_bound: series.retained.as_ref().is_some_and(|r| !r.exact),
            growth_bytes: series.growth_bytes(),
            steps_up: series.steps_up,
            bytes_per_hour: series.bytes_per_hour.map(|rate| rate.round() as i64),
            trend: Some(series.trend),
            ..Self::default()
        }
    }

    fn table<K>(table: &'a Table<K>, keyed: impl Fn(&'a K, Self) -> Self) -> Vec<Self> {
        let row = |row: &'a Row<K>| keyed(&row.key, Self::new(&row.series));
        let other =
            table.other.iter().map(|(_, series)| Self { name: Some(OTHER), ..Self::new(series) });
        table.rows.iter().map(row).chain(other).collect()
    }
}

/// An owner.
#[derive(Serialize)]
struct Owner<'a> {
    class: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    loader: Option<&'a str>,
    kind: OwnerKind,
}

impl<'a> Owner<'a> {
    fn new(key: &'a OwnerKey) -> Self {
        let OwnerKey { class, field, kind, loader } = key;
        Self { class, field: field.as_deref(), loader: loader.as_deref(), kind: *kind }
    }
}

/// A row of the table of owners.
#[derive(Serialize)]
struct OwnerLine<'a> {
    /// For the row that sums the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<Owner<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    library: Option<&'a Library>,
    retained_bytes: &'a [u64],
    #[serde(skip_serializing_if = "Option::is_none")]
    native_bytes: Option<&'a [u64]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entries: Option<&'a [u64]>,
    growth_bytes: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_per_hour: Option<i64>,
    trend: Trend,
}

impl<'a> OwnerLine<'a> {
    fn new(key: Option<&'a OwnerKey>, series: &'a OwnerSeries) -> Self {
        Self {
            name: None,
            owner: key.map(Owner::new),
            library: None,
            retained_bytes: &series.retained_bytes,
            native_bytes: native(series),
            entries: series.entries.as_deref(),
            growth_bytes: series.growth_bytes(),
            bytes_per_hour: series.bytes_per_hour.map(|rate| rate.round() as i64),
            trend: series.trend,
        }
    }
}

/// Bytes outside of the heap, where there are any.
fn native(series: &OwnerSeries) -> Option<&[u64]> {
    series.native_bytes.iter().any(|bytes| *bytes > 0).then_some(&series.native_bytes[..])
}

fn owner_lines(owners: &Owners) -> Vec<OwnerLine<'_>> {
    let rows = owners.rows.iter().map(|row| OwnerLine {
        library: row.library.as_ref(),
        ..OwnerLine::new(Some(&row.key), &row.series)
    });
    let other = owners.other.iter();
    let other =
        other.map(|(_, series)| OwnerLine { name: Some(OTHER), ..OwnerLine::new(None, series) });
    rows.chain(other).collect()
}

#[derive(Serialize)]
struct ContentRow<'a> {
    class: &'a str,
    /// Only where it is true.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    class_objects: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    library: Option<&'a Library>,
    instances: &'a [u64],
    retained_bytes: &'a [u64],
}

impl<'a> ContentRow<'a> {
    fn new(content: &'a Content) -> Self {
        let Content { class, is_class, instances, retained_bytes, .. } = content;
        let library = content.library.as_ref();
        Self { class, class_objects: *is_class, library, instances, retained_bytes }
    }
}

#[derive(Serialize)]
struct LengthRow<'a> {
    class: &'a str,
    length: Length,
    instances: &'a [u64],
}

impl<'a> LengthRow<'a> {
    fn new(row: &'a GrownLength) -> Self {
        Self { class: &row.key.class, length: row.key.length.into(), instances: &row.instances }
    }
}

#[derive(Serialize)]
struct FindingRow<'a> {
    id: &'a str,
    rank: usize,
    verdict: Verdict,
    score: f64,
    owner: Owner<'a>,
    kind: OwnerKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    library: Option<&'a Library>,
    retained_bytes: &'a [u64],
    #[serde(skip_serializing_if = "Option::is_none")]
    native_bytes: Option<&'a [u64]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entries: Option<&'a [u64]>,
    growth_bytes: i64,
    share_of_growth: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_per_hour: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hours_to_limit: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bound: Option<&'a Bound>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    also_held_by: Vec<Owner<'a>>,
    contents: Vec<ContentRow<'a>>,
    array_lengths: Vec<LengthRow<'a>>,
    path: &'a [Step],
    #[serde(skip_serializing_if = "Option::is_none")]
    site: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    known_cause: Option<&'a Cause>,
    why: String,
}

impl<'a> FindingRow<'a> {
    fn new(finding: &'a Finding) -> Self {
        // Digits that a float's last bits decide about are noise.
        let round = |value: f64, digits: f64| (value * digits).round() / digits;
        Self {
            id: &finding.id,
            rank: finding.rank,
            verdict: finding.verdict,
            score: round(finding.score, 1e6),
            owner: Owner::new(&finding.owner),
            kind: finding.owner.kind,
            library: finding.library.as_ref(),
            known_cause: finding.known_cause.as_ref(),
            retained_bytes: &finding.series.retained_bytes,
            native_bytes: native(&finding.series),
            entries: finding.series.entries.as_deref(),
            growth_bytes: finding.growth_bytes,
            share_of_growth: round(finding.share_of_growth, 1e4),
            bytes_per_hour: finding.series.bytes_per_hour.map(|rate| rate.round() as i64),
            hours_to_limit: finding.hours_to_limit.map(|hours| round(hours, 1e3)),
            bound: finding.bound.as_ref(),
            also_held_by: finding.also_held_by.iter().map(Owner::new).collect(),
            contents: finding.contents.iter().map(ContentRow::new).collect(),
            array_lengths: finding.array_lengths.iter().map(LengthRow::new).collect(),
            path: &finding.path,
            site: finding.site.as_deref(),
            why: why(finding),
        }
    }
}

/// What the owners of a library own.
#[derive(Serialize)]
struct LibraryLine<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    basis: Option<Basis>,
    retained_bytes: &'a [u64],
    growth_bytes: i64,
    trend: Trend,
}

impl<'a> LibraryLine<'a> {
    fn new(row: &'a LibraryRow) -> Self {
        let library = row.library.as_ref();
        Self {
            name: library.map_or("(unknown)", |library| &library.name),
            version: library.and_then(|library| library.version.as_deref()),
            basis: library.map(|library| library.basis),
            retained_bytes: &row.series.retained_bytes,
            growth_bytes: row.series.growth_bytes(),
            trend: row.series.trend,
        }
    }
}

/// What a kind of GC roots, or the threads of one name, retain.
#[derive(Serialize)]
struct HeldLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    /// Of the thread object.
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    threads: Option<&'a [u64]>,
    /// Objects that root records name.
    objects: &'a [u64],
    retained_bytes: &'a [u64],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    retained_is_lower_bound: bool,
    growth_bytes: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_per_hour: Option<i64>,
    trend: Trend,
}

impl<'a> HeldLine<'a> {
    fn new<K>(row: &'a HeldRow<K>) -> Self {
        let series = &row.series;
        Self {
            name: None,
            class: None,
            threads: None,
            objects: &series.instances,
            retained_bytes: &series.shallow_bytes,
            retained_is_lower_bound: !row.exact,
            growth_bytes: series.growth_bytes(),
            bytes_per_hour: series.bytes_per_hour.map(|rate| rate.round() as i64),
            trend: series.trend,
        }
    }
}

/// Which tables a comparison shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tables {
    pub owners: bool,
    pub classes: bool,
    pub arrays: bool,
    pub packages: bool,
    pub loaders: bool,
    pub threads: bool,
    pub roots: bool,
}

/// `diff --format json`.
///
/// # Errors
/// None but what the serializer reports.
pub fn diff<'a>(comparison: &'a Comparison, tables: Tables) -> serde_json::Result<String> {
    #[derive(Serialize)]
    struct Comparable<'a> {
        ok: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        one_process: Option<bool>,
        warnings: &'a [String],
    }
    #[derive(Serialize)]
    struct Report<'a> {
        schema_version: u32,
        dumps: Vec<Dump<'a>>,
        comparable: Comparable<'a>,
        segments: &'a [Vec<usize>],
        #[serde(skip_serializing_if = "Option::is_none")]
        verdict: Option<Verdict>,
        /// The dumps that the verdict is about.
        #[serde(skip_serializing_if = "Option::is_none")]
        judged: Option<Vec<usize>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        findings: Option<Vec<FindingRow<'a>>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        owners: Option<Vec<OwnerLine<'a>>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        libraries: Option<Vec<LibraryLine<'a>>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        owners_total: Option<OwnerLine<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        classes: Option<Vec<DiffRow<'a>>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        array_lengths: Option<Vec<DiffRow<'a>>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        packages: Option<Vec<DiffRow<'a>>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        loaders: Option<Vec<DiffRow<'a>>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        threads: Option<Vec<HeldLine<'a>>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        gc_roots: Option<Vec<HeldLine<'a>>>,
        total: DiffRow<'a>,
    }
    let owners = comparison.owners.as_ref();
    let held = comparison.held.as_ref();
    let Comparability { ok, warnings, segments, one_process } = &comparison.comparability;
    let named = |name: &'a String, row: DiffRow<'a>| DiffRow { name: Some(name.as_str()), ..row };
    to_text(&Report {
        schema_version: SCHEMA_VERSION,
        dumps: comparison
            .digests
            .iter()
            .map(|dump| Dump::new(&dump.path, dump.kind, &dump.facts, dump.total))
            .collect(),
        comparable: Comparable { ok: *ok, one_process: *one_process, warnings },
        segments,
        verdict: owners.map(|owners| owners.verdict),
        judged: owners.map(|owners| owners.judged.clone().collect()),
        findings: owners.map(|owners| owners.findings.iter().map(FindingRow::new).collect()),
        owners: owners.filter(|_| tables.owners).map(owner_lines),
        libraries: owners.map(|owners| owners.libraries.iter().map(LibraryLine::new).collect()),
        owners_total: owners.map(|owners| OwnerLine::new(None, &owners.total)),
        classes: tables.classes.then(|| {
            DiffRow::table(&comparison.classes, |key: &ClassKey, row| DiffRow {
                name: Some(&key.name),
                loader: Some(&key.loader),
                ..row
            })
        }),
        array_lengths: tables.arrays.then(|| {
            DiffRow::table(&comparison.arrays, |key: &ArrayKey, row| DiffRow {
                class: Some(&key.class),
                length: Some(key.length.into()),
                ..row
            })
        }),
        packages: tables.packages.then(|| DiffRow::table(&comparison.packages, named)),
        loaders: tables.loaders.then(|| DiffRow::table(&comparison.loaders, named)),
        threads: held.filter(|_| tables.threads).map(|held| {
            let row = |row: &'a HeldRow<ThreadKey>| HeldLine {
                name: row.key.name.as_deref(),
                class: Some(&row.key.class),
                threads: Some(&row.holders),
                ..HeldLine::new(row)
            };
            held.threads.rows.iter().map(row).collect()
        }),
        gc_roots: held.filter(|_| tables.roots).map(|held| {
            let row =
                |row: &'a HeldRow<String>| HeldLine { name: Some(&row.key), ..HeldLine::new(row) };
            held.roots.rows.iter().map(row).collect()
        }),
        total: DiffRow::new(&comparison.total),
    })
}
