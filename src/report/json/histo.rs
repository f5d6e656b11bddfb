//! `histo --format json`.

use serde::Serialize;

use super::{Amount, Dump, OTHER, RowKey, SCHEMA_VERSION, to_text};
use crate::report::Subject;
use crate::report::histo::{self, By, HistoOptions, Histogram};

#[derive(Serialize)]
struct HistoRow<'a> {
    #[serde(flatten)]
    key: RowKey<'a>,
    instances: u64,
    shallow_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    retained_bytes: Option<u64>,
    /// True when the objects may retain more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    retained_is_lower_bound: bool,
}

impl<'a> HistoRow<'a> {
    fn new(row: &'a histo::HistoRow, by: By) -> Self {
        let key = match by {
            By::ArrayLength => RowKey::of_arrays(&row.name, row.length),
            By::Class | By::Package | By::Loader => RowKey::named(&row.name),
        };
        Self {
            key: RowKey { loader: row.loader.as_deref(), ..key },
            instances: row.instances,
            shallow_bytes: row.shallow_bytes,
            retained_bytes: row.retained.map(|retained| retained.bytes),
            retained_is_lower_bound: row.retained.is_some_and(|retained| !retained.exact),
        }
    }

    fn other(instances: u64, shallow_bytes: u64) -> Self {
        Self {
            key: RowKey::named(OTHER),
            instances,
            shallow_bytes,
            retained_bytes: None,
            retained_is_lower_bound: false,
        }
    }
}

/// The rows, under the name of what they are.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Rows<'a> {
    Classes(Vec<HistoRow<'a>>),
    ArrayLengths(Vec<HistoRow<'a>>),
    Packages(Vec<HistoRow<'a>>),
    Loaders(Vec<HistoRow<'a>>),
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
        #[serde(flatten)]
        rows: Rows<'a>,
        total: Amount,
    }
    let rows = histogram.rows.iter().map(|row| HistoRow::new(row, options.by));
    let other = histogram.other.iter();
    let other = other.map(|(_, instances, bytes)| HistoRow::other(*instances, *bytes));
    let rows = rows.chain(other).collect();
    to_text(&Report {
        schema_version: SCHEMA_VERSION,
        dump: Dump::of(subject),
        rows: match options.by {
            By::Class => Rows::Classes(rows),
            By::ArrayLength => Rows::ArrayLengths(rows),
            By::Package => Rows::Packages(rows),
            By::Loader => Rows::Loaders(rows),
        },
        total: Amount { instances: histogram.total.0, shallow_bytes: histogram.total.1 },
    })
}
