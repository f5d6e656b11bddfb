//! The class histogram as a plain value, and as the table that `jmap -histo` prints.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use regex::Regex;

use super::Subject;
use super::text::{self, styles};
use crate::digest::{Amount, Digest, Rows};
use crate::index::census::{Census, LengthRange};
use crate::index::store::{Family, StoredSet};
use crate::parser::names;

/// What the rows of a histogram are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum By {
    Class,
    ArrayLength,
    Package,
    Loader,
}

/// What to show of a histogram.
#[derive(Clone, Debug)]
pub struct HistoOptions {
    pub by: By,
    pub top: Option<usize>,
    pub filter: Option<Regex>,
    /// Names as `jmap` prints them instead of source form.
    pub jmap_names: bool,
}

/// A row of a histogram.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HistoRow {
    pub name: String,
    /// Label of the loader, for rows of classes and arrays; for classes with a number where several
    /// loaders share it.
    pub loader: Option<String>,
    pub length: Option<LengthRange>,
    pub instances: u64,
    pub shallow_bytes: u64,
    /// What the objects retain, where it is known.
    pub retained: Option<RowRetained>,
}

/// Bytes that the objects of a row retain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RowRetained {
    pub bytes: u64,
    /// False when they may retain more.
    pub exact: bool,
}

/// A histogram: rows by bytes, what is left out, and the total.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Histogram {
    pub by: By,
    pub rows: Vec<HistoRow>,
    /// Rows that are not shown: how many, and their sum.
    pub other: Option<(usize, u64, u64)>,
    /// Instances and bytes of everything the table is about.
    pub total: (u64, u64),
}

impl Histogram {
    /// Makes the histogram of a census.
    pub fn of(census: &Census, options: &HistoOptions) -> Self {
        let shown = |jmap: &str| {
            if options.jmap_names { jmap.to_owned() } else { names::source_name(jmap) }
        };
        let rows: Vec<HistoRow> = match options.by {
            By::Class => census
                .classes
                .iter()
                .map(|row| HistoRow {
                    name: shown(&row.name),
                    loader: Some(match row.loader_number {
                        0 => row.loader.clone(),
                        number => format!("{} #{number}", row.loader),
                    }),
                    length: None,
                    instances: row.instances,
                    shallow_bytes: row.shallow_bytes,
                    retained: None,
                })
                .collect(),
            By::ArrayLength => census
                .arrays
                .iter()
                .map(|row| HistoRow {
                    name: shown(&row.class),
                    loader: Some(row.loader.clone()),
                    length: Some(row.length),
                    instances: row.instances,
                    shallow_bytes: row.shallow_bytes,
                    retained: None,
                })
                .collect(),
            By::Package => {
                sums(census, |row| names::package_of(&names::source_name(&row.name)).to_owned())
            }
            By::Loader => sums(census, |row| row.loader.clone()),
        };
        let total = match options.by {
            By::ArrayLength => rows
                .iter()
                .fold((0, 0), |sum, row| (sum.0 + row.instances, sum.1 + row.shallow_bytes)),
            _ => (census.instances, census.shallow_bytes),
        };
        Self::arrange(rows, (0, 0, 0), total, options)
    }

    /// Forgets what the rows retain.
    pub fn clear_retained(&mut self) {
        self.rows.iter_mut().for_each(|row| row.retained = None);
    }

    /// Adds what the rows retain. Sets of objects go by names without generated parts; a row that is
    /// only part of such a set is left as it is.
    pub fn set_retained(&mut self, sets: &[StoredSet]) {
        let family = match self.by {
            By::Class => Family::Class,
            By::Package => Family::Package,
            By::Loader => Family::Loader,
            By::ArrayLength => Family::Array,
        };
        let sets: HashMap<(String, &str, Option<LengthRange>), &StoredSet> = sets
            .iter()
            .filter(|set| set.family == family)
            .map(|set| ((set.name.clone(), set.loader.as_str(), set.length), set))
            .collect();
        for row in &mut self.rows {
            let stable = || names::stable_name(&names::source_name(&row.name));
            let (name, loader) = match (&row.loader, self.by) {
                (Some(loader), By::Class) => {
                    let label = loader.split_once(" #").map_or(loader.as_str(), |(label, _)| label);
                    (stable(), label)
                }
                (_, By::ArrayLength) => (stable(), ""),
                _ => (row.name.clone(), ""),
            };
            let set =
                sets.get(&(name, loader, row.length)).filter(|set| set.instances == row.instances);
            row.retained =
                set.map(|set| RowRetained { bytes: set.retained_bytes, exact: set.exact });
        }
    }

    /// Makes the histogram of a digest: classes that differ in generated parts of their names, or in
    /// loaders of one label, are one row, and what the digest counts together is in the other row.
    pub fn of_digest(digest: &Digest, options: &HistoOptions) -> Self {
        let shown = |name: &str| match options.jmap_names {
            true => names::jmap_name(&names::internal_name(name)),
            false => name.to_owned(),
        };
        let row = |name: String, amount: &Amount| HistoRow {
            name,
            loader: None,
            length: None,
            instances: amount.instances,
            shallow_bytes: amount.shallow_bytes,
            retained: amount
                .retained_bytes
                .map(|bytes| RowRetained { bytes, exact: amount.retained_exact }),
        };
        let named = |table: &Rows<String>| -> Vec<HistoRow> {
            table.rows.iter().map(|(name, amount)| row(name.clone(), amount)).collect()
        };
        let mut total = digest.total;
        let (rows, other) = match options.by {
            By::Class => {
                let rows = digest.classes.rows.iter().map(|(key, amount)| HistoRow {
                    loader: Some(key.loader.to_string()),
                    ..row(shown(&key.name), amount)
                });
                (rows.collect(), digest.classes.other)
            }
            By::ArrayLength => {
                total = digest.arrays.total();
                let rows = digest.arrays.rows.iter().map(|(key, amount)| HistoRow {
                    length: Some(key.length),
                    ..row(shown(&key.class), amount)
                });
                (rows.collect(), digest.arrays.other)
            }
            By::Package => (named(&digest.packages), digest.packages.other),
            By::Loader => (named(&digest.loaders), digest.loaders.other),
        };
        let other = other.unwrap_or_default();
        let other = (other.rows as usize, other.amount.instances, other.amount.shallow_bytes);
        Self::arrange(rows, other, (total.instances, total.shallow_bytes), options)
    }

    /// Sorts rows, and sums what is not shown in `other`.
    fn arrange(
        mut rows: Vec<HistoRow>,
        mut other: (usize, u64, u64),
        total: (u64, u64),
        options: &HistoOptions,
    ) -> Self {
        rows.sort_by(order);
        let mut kept = Vec::new();
        for row in rows {
            let matches = options.filter.as_ref().is_none_or(|filter| filter.is_match(&row.name));
            if matches && options.top.is_none_or(|top| kept.len() < top) {
                kept.push(row);
            } else {
                other = (other.0 + 1, other.1 + row.instances, other.2 + row.shallow_bytes);
            }
        }
        Self { by: options.by, rows: kept, other: (other.0 > 0).then_some(other), total }
    }
}

fn sums(census: &Census, key: impl Fn(&crate::index::census::ClassRow) -> String) -> Vec<HistoRow> {
    let mut sums: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for row in &census.classes {
        let sum = sums.entry(key(row)).or_default();
        *sum = (sum.0 + row.instances, sum.1 + row.shallow_bytes);
    }
    sums.into_iter()
        .map(|(name, (instances, shallow_bytes))| HistoRow {
            name,
            loader: None,
            length: None,
            instances,
            shallow_bytes,
            retained: None,
        })
        .collect()
}

/// HotSpot's order: bytes descending, then arrays before classes, then names.
fn order(a: &HistoRow, b: &HistoRow) -> std::cmp::Ordering {
    let is_array = |row: &HistoRow| row.name.starts_with('[') || row.name.ends_with("[]");
    b.shallow_bytes
        .cmp(&a.shallow_bytes)
        .then_with(|| is_array(b).cmp(&is_array(a)))
        .then_with(|| a.name.cmp(&b.name))
        .then_with(|| (&a.loader, a.length).cmp(&(&b.loader, b.length)))
        .then_with(|| b.instances.cmp(&a.instances))
}

/// A length as it stands behind a class name: `[16384]`, `[1025..2047]`.
pub fn with_length(class: &str, length: LengthRange) -> String {
    let (element, dimensions) = match class.find("[]") {
        Some(at) => (&class[..at], &class[at + 2..]),
        None => (class, ""),
    };
    match length {
        LengthRange::Exact(length) => format!("{element}[{length}]{dimensions}"),
        LengthRange::Range(from, to) => format!("{element}[{from}..{to}]{dimensions}"),
    }
}

/// The table in the form of `jmap -histo`, under a line that says what was read.
pub fn render(subject: &Subject<'_>, histogram: &Histogram, columns: Option<usize>) -> String {
    let total = (subject.total.instances, subject.total.shallow_bytes);
    let mut out = super::info::head(subject.facts, subject.path, total, columns);
    let what = match histogram.by {
        By::Class => "class name",
        By::ArrayLength => "array length",
        By::Package => "package",
        By::Loader => "class loader",
    };
    let has_retained = histogram.rows.iter().any(|row| row.retained.is_some());
    let retained_head = if has_retained { "      #retained" } else { "" };
    let _ = writeln!(out, " num     #instances         #bytes{retained_head}  {what}");
    let _ = writeln!(out, "{}", "-".repeat(55 + retained_head.len()));
    let line =
        |out: &mut String, head: &str, instances: u64, bytes: u64, retained: &str, name: &str| {
            let retained = if has_retained { format!("{retained:>15}") } else { String::new() };
            let numbers = format!("{head}{instances:>15}{bytes:>15}{retained}  ");
            let room = columns.map(|columns| columns.saturating_sub(numbers.len()).max(12));
            let name = names::escape(name);
            let name = match room {
                Some(room) => text::shorten(&name, room),
                None => name.into_owned(),
            };
            let _ = writeln!(out, "{}", format!("{numbers}{name}").trim_end());
        };
    let repeated = repeated_names(&histogram.rows);
    for (nth, row) in histogram.rows.iter().enumerate() {
        let mut name = match row.length {
            Some(length) => with_length(&row.name, length),
            None => row.name.clone(),
        };
        if let Some(loader) = row.loader.as_ref().filter(|_| repeated.contains(row.name.as_str())) {
            if histogram.by == By::Class {
                let _ = write!(name, " ({loader})");
            }
        }
        let retained = row.retained.map_or("?".to_owned(), |retained| {
            format!("{}{}", if retained.exact { "" } else { "≥" }, retained.bytes)
        });
        let head = format!("{:>4}:", nth + 1);
        line(&mut out, &head, row.instances, row.shallow_bytes, &retained, &name);
    }
    if let Some((count, instances, bytes)) = histogram.other {
        let name = format!("(other: {} rows)", text::count(count as u64));
        line(&mut out, "     ", instances, bytes, "", &name);
    }
    line(&mut out, "Total", histogram.total.0, histogram.total.1, "", "");
    if has_retained {
        let note = "Retained sizes overlap and do not add up; ≥ marks lower bounds, the sum over \
                    instances that no other instance of the row retains";
        let _ = writeln!(out, "{}", text::styled(styles::DIM, note));
    }
    let (archived, bytes) = subject.facts.archived_mirrors;
    if archived > 0 && histogram.by == By::Class {
        let note = format!(
            "java.lang.Class includes {} archived classes that were never loaded ({} bytes), as in \
             jmap",
            text::count(archived),
            text::count(bytes)
        );
        let _ = writeln!(out, "{}", text::styled(styles::DIM, &note));
    }
    out
}

/// Names that several rows share: these rows need their loader.
fn repeated_names(rows: &[HistoRow]) -> std::collections::HashSet<&str> {
    let mut seen = std::collections::HashSet::new();
    rows.iter().map(|row| row.name.as_str()).filter(|name| !seen.insert(*name)).collect()
}
