//! `diff --format json`.

use serde::Serialize;

use super::owners::{FindingRow, LibraryLine, OwnerLine};
use super::{Dump, OTHER, RowKey, SCHEMA_VERSION, to_text};
use crate::diff::comparable::Comparability;
use crate::diff::held::HeldRow;
use crate::diff::owners::verdict::Verdict;
use crate::diff::trend::Trend;
use crate::diff::{Comparison, Row, Series, Table};
use crate::digest::{ArrayKey, ClassKey, ThreadKey};

/// How a series grows.
#[derive(Serialize)]
pub(super) struct Growth {
    growth_bytes: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_per_hour: Option<i64>,
    trend: Trend,
}

impl Growth {
    pub fn new(growth_bytes: i64, rate: Option<f64>, trend: Trend) -> Self {
        Self { growth_bytes, bytes_per_hour: per_hour(rate), trend }
    }
}

pub(super) fn per_hour(rate: Option<f64>) -> Option<i64> {
    rate.map(|rate| rate.round() as i64)
}

#[derive(Serialize)]
struct DiffRow<'a> {
    #[serde(flatten)]
    key: RowKey<'a>,
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
    trend: Trend,
}

impl<'a> DiffRow<'a> {
    fn new(key: RowKey<'a>, series: &'a Series) -> Self {
        Self {
            key,
            instances: &series.instances,
            shallow_bytes: &series.shallow_bytes,
            retained_bytes: series.retained.as_ref().map(|retained| &retained.bytes[..]),
            retained_is_lower_bound: series.retained.as_ref().is_some_and(|r| !r.exact),
            growth_bytes: series.growth_bytes(),
            steps_up: series.steps_up,
            bytes_per_hour: per_hour(series.bytes_per_hour),
            trend: series.trend,
        }
    }

    fn table<K>(table: &'a Table<K>, key: impl Fn(&'a K) -> RowKey<'a>) -> Vec<Self> {
        let row = |row: &'a Row<K>| Self::new(key(&row.key), &row.series);
        let other = table.other.iter();
        let other = other.map(|(_, series)| Self::new(RowKey::named(OTHER), series));
        table.rows.iter().map(row).chain(other).collect()
    }
}

/// What a kind of GC roots, or the threads of one name, retain.
#[derive(Serialize)]
struct HeldLine<'a> {
    /// The class is that of the thread object.
    #[serde(flatten)]
    key: RowKey<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    threads: Option<&'a [u64]>,
    /// Objects that root records name.
    objects: &'a [u64],
    retained_bytes: &'a [u64],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    retained_is_lower_bound: bool,
    #[serde(flatten)]
    growth: Growth,
}

impl<'a> HeldLine<'a> {
    fn new<K>(key: RowKey<'a>, row: &'a HeldRow<K>) -> Self {
        let series = &row.series;
        Self {
            key,
            threads: None,
            objects: &series.instances,
            retained_bytes: &series.shallow_bytes,
            retained_is_lower_bound: !row.exact,
            growth: Growth::new(series.growth_bytes(), series.bytes_per_hour, series.trend),
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
    let named = |name: &'a String| RowKey::named(name);
    let Comparability { ok, warnings, segments, one_process } = &comparison.comparability;
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
        owners: owners.filter(|_| tables.owners).map(OwnerLine::table),
        libraries: owners.map(|owners| owners.libraries.iter().map(LibraryLine::new).collect()),
        owners_total: owners.map(|owners| OwnerLine::sum(&owners.total)),
        classes: tables.classes.then(|| {
            let key = |key: &'a ClassKey| RowKey {
                loader: Some(&key.loader),
                ..RowKey::named(&key.name)
            };
            DiffRow::table(&comparison.classes, key)
        }),
        array_lengths: tables.arrays.then(|| {
            let key = |key: &'a ArrayKey| RowKey::of_arrays(&key.class, Some(key.length));
            DiffRow::table(&comparison.arrays, key)
        }),
        packages: tables.packages.then(|| DiffRow::table(&comparison.packages, named)),
        loaders: tables.loaders.then(|| DiffRow::table(&comparison.loaders, named)),
        threads: held.filter(|_| tables.threads).map(|held| {
            let row = |row: &'a HeldRow<ThreadKey>| {
                let ThreadKey { name, class } = &row.key;
                let (name, class) = (name.as_deref(), Some(class.as_str()));
                let key = RowKey { name, class, ..RowKey::default() };
                HeldLine { threads: Some(&row.holders), ..HeldLine::new(key, row) }
            };
            held.threads.rows.iter().map(row).collect()
        }),
        gc_roots: held.filter(|_| tables.roots).map(|held| {
            let row = |row: &'a HeldRow<String>| HeldLine::new(named(&row.key), row);
            held.roots.rows.iter().map(row).collect()
        }),
        total: DiffRow::new(RowKey::default(), &comparison.total),
    })
}
