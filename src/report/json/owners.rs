//! Owners in the JSON output: findings, the table of owners, and that of libraries.

use serde::Serialize;

use super::diff::{Growth, per_hour};
use super::{Length, OTHER};
use crate::diff::owners::verdict::Verdict;
use crate::diff::owners::{
    Bound, Content, Finding, GrownLength, LibraryRow, OwnerKey, OwnerKind, OwnerSeries, Owners,
    Step,
};
use crate::diff::trend::Trend;
use crate::library::{Basis, Cause, Library};
use crate::report::why::why_in_numbers;

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

/// What an owner holds.
#[derive(Serialize)]
struct Held<'a> {
    retained_bytes: &'a [u64],
    /// Bytes outside of the heap, where there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    native_bytes: Option<&'a [u64]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entries: Option<&'a [u64]>,
}

impl<'a> Held<'a> {
    fn new(series: &'a OwnerSeries) -> Self {
        let has_native = series.native_bytes.iter().any(|bytes| *bytes > 0);
        Self {
            retained_bytes: &series.retained_bytes,
            native_bytes: has_native.then_some(&series.native_bytes),
            entries: series.entries.as_deref(),
        }
    }
}

/// A row of the table of owners.
#[derive(Serialize)]
pub(super) struct OwnerLine<'a> {
    /// For the row that sums the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<Owner<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    library: Option<&'a Library>,
    #[serde(flatten)]
    held: Held<'a>,
    #[serde(flatten)]
    growth: Growth,
}

impl<'a> OwnerLine<'a> {
    /// All of a table.
    pub fn table(owners: &'a Owners) -> Vec<Self> {
        let rows = owners.rows.iter().map(|row| Self {
            owner: Some(Owner::new(&row.key)),
            library: row.library.as_ref(),
            ..Self::sum(&row.series)
        });
        let other = owners.other.iter();
        let other = other.map(|(_, series)| Self { name: Some(OTHER), ..Self::sum(series) });
        rows.chain(other).collect()
    }

    /// What several owners hold.
    pub fn sum(series: &'a OwnerSeries) -> Self {
        Self {
            name: None,
            owner: None,
            library: None,
            held: Held::new(series),
            growth: Growth::new(series.growth_bytes(), series.bytes_per_hour, series.trend),
        }
    }
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
pub(super) struct FindingRow<'a> {
    id: &'a str,
    rank: usize,
    verdict: Verdict,
    score: f64,
    owner: Owner<'a>,
    kind: OwnerKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    library: Option<&'a Library>,
    #[serde(flatten)]
    held: Held<'a>,
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
    pub fn new(finding: &'a Finding) -> Self {
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
            held: Held::new(&finding.series),
            growth_bytes: finding.growth_bytes,
            share_of_growth: round(finding.share_of_growth, 1e4),
            bytes_per_hour: per_hour(finding.series.bytes_per_hour),
            hours_to_limit: finding.hours_to_limit.map(|hours| round(hours, 1e3)),
            bound: finding.bound.as_ref(),
            also_held_by: finding.also_held_by.iter().map(Owner::new).collect(),
            contents: finding.contents.iter().map(ContentRow::new).collect(),
            array_lengths: finding.array_lengths.iter().map(LengthRow::new).collect(),
            path: &finding.path,
            site: finding.site.as_deref(),
            why: why_in_numbers(finding),
        }
    }
}

/// What the owners of a library own.
#[derive(Serialize)]
pub(super) struct LibraryLine<'a> {
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
    pub fn new(row: &'a LibraryRow) -> Self {
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
