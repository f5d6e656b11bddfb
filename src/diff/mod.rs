//! Compares digests: which rows grow, and whether the dumps can be compared at all.
//!
//! Pure: no files, no formatting. `diff(a, a)` has no growth, `diff(a, b)` is the negative of
//! `diff(b, a)`, and the rows of a table with its `(other)` row add up to the total.

mod alike;
pub mod comparable;
pub mod owners;
pub mod trend;

use std::collections::BTreeMap;

use crate::digest::{Amount, ArrayKey, ClassKey, Digest, Folded, Kind, Rows};
use crate::index::census::LengthRange;
use crate::parser::names;
use comparable::Comparability;
use owners::Owners;
use trend::Trend;

/// A row over all dumps.
#[derive(Clone, PartialEq, Debug)]
pub struct Row<K> {
    pub key: K,
    pub series: Series,
}

/// Amounts over all dumps, in dump order.
#[derive(Clone, PartialEq, Debug)]
pub struct Series {
    pub instances: Vec<u64>,
    pub shallow_bytes: Vec<u64>,
    /// What the objects retain; `None` where a dump does not tell.
    pub retained: Option<RetainedSeries>,
    /// Judged by bytes, or by instances where the bytes do not change.
    pub trend: Trend,
    /// Steps in which the bytes grew, and steps altogether.
    pub steps_up: usize,
    pub steps: usize,
    /// Median slope of the bytes per hour (Theil–Sen); `None` without times.
    pub bytes_per_hour: Option<f64>,
}

/// Bytes that a set of objects retains, in each dump.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RetainedSeries {
    pub bytes: Vec<u64>,
    /// False when some of them are lower bounds.
    pub exact: bool,
}

impl RetainedSeries {
    /// The series of a row; where it is missing in a dump it retains nothing there.
    fn new(amounts: &[Amount]) -> Option<Self> {
        let told = |amount: &Amount| amount.retained_bytes.is_some() || amount.instances == 0;
        let any = amounts.iter().any(|amount| amount.retained_bytes.is_some());
        (any && amounts.iter().all(told)).then(|| Self {
            bytes: amounts.iter().map(|amount| amount.retained_bytes.unwrap_or(0)).collect(),
            exact: amounts.iter().all(|amount| amount.retained_exact || amount.instances == 0),
        })
    }

    /// Bytes in the last dump less those in the first.
    pub fn growth_bytes(&self) -> i64 {
        difference(&self.bytes)
    }
}

impl Series {
    fn new(amounts: &[Amount], hours: Option<&[f64]>) -> Self {
        let instances: Vec<u64> = amounts.iter().map(|amount| amount.instances).collect();
        let shallow_bytes: Vec<u64> = amounts.iter().map(|amount| amount.shallow_bytes).collect();
        let trend = match Trend::of(&shallow_bytes, hours) {
            Trend::Flat => Trend::of(&instances, hours),
            trend => trend,
        };
        let steps_up = shallow_bytes.windows(2).filter(|pair| pair[1] > pair[0]).count();
        let bytes_per_hour = hours.and_then(|hours| trend::slope(&shallow_bytes, hours));
        let steps = shallow_bytes.len().saturating_sub(1);
        let retained = RetainedSeries::new(amounts);
        Self { instances, shallow_bytes, retained, trend, steps_up, steps, bytes_per_hour }
    }

    /// Bytes in the last dump less those in the first.
    pub fn growth_bytes(&self) -> i64 {
        difference(&self.shallow_bytes)
    }

    /// Instances in the last dump less those in the first.
    pub fn growth_instances(&self) -> i64 {
        difference(&self.instances)
    }

    /// Growth of the bytes in percent of the first dump; `None` when there was nothing: "new".
    pub fn growth_percent(&self) -> Option<f64> {
        let first = *self.shallow_bytes.first()?;
        (first > 0).then(|| self.growth_bytes() as f64 * 100.0 / first as f64)
    }
}

fn difference(values: &[u64]) -> i64 {
    match (values.first(), values.last()) {
        (Some(first), Some(last)) => last.wrapping_sub(*first) as i64,
        _ => 0,
    }
}

/// A table of rows by growth of their bytes, largest first.
#[derive(Clone, PartialEq, Debug)]
pub struct Table<K> {
    pub rows: Vec<Row<K>>,
    /// The rows beyond the limit and those that a digest counts together, summed, and how many
    /// they are; at least so many where digests count rows together.
    pub other: Option<(usize, Series)>,
}

/// A comparison of dumps.
#[derive(Clone, PartialEq, Debug)]
pub struct Comparison {
    /// Paths and facts, by dump time.
    pub digests: Vec<DumpSummary>,
    pub comparability: Comparability,
    pub classes: Table<ClassKey>,
    pub arrays: Table<ArrayKey>,
    pub packages: Table<String>,
    pub loaders: Table<String>,
    pub total: Series,
    /// All arrays, which the array table adds up to.
    pub array_total: Series,
    /// Classes of object arrays whose longest array got longer: tables that double.
    pub longest: Vec<LongestArray>,
    /// Who owns what grew; `None` when a dump was read without an index.
    pub owners: Option<Owners>,
}

/// The longest array of a class in each dump.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LongestArray {
    pub class: String,
    /// 0 where a dump has no array of the class.
    pub lengths: Vec<u32>,
}

/// A compared dump.
#[derive(Clone, PartialEq, Debug)]
pub struct DumpSummary {
    pub path: String,
    pub kind: Kind,
    pub facts: crate::index::census::DumpFacts,
    pub total: Amount,
}

/// What to compare and how much of it to keep.
#[derive(Clone, Debug, Default)]
pub struct DiffOptions {
    /// Rows of a table; all when `None`.
    pub top: Option<usize>,
    /// Sum rows that stay the same in `(other)`, too.
    pub only_changed: bool,
    /// Size that the heap can have, in bytes.
    pub heap_max: Option<u64>,
}

/// Compares digests, which must be in the order of their dump times.
pub fn compare(digests: &[Digest], options: &DiffOptions) -> Comparison {
    let folding = alike::warning(digests);
    let alike = alike::alike(digests);
    let digests = alike.as_deref().unwrap_or(digests);
    let mut comparability = Comparability::of(digests);
    comparability.warnings.extend(folding);
    let hours = hours(digests);
    let hours = hours.as_deref();
    let totals: Vec<Amount> = digests.iter().map(|digest| digest.total).collect();
    let array_totals: Vec<Amount> = digests.iter().map(|digest| digest.arrays.total()).collect();
    Comparison {
        classes: table(digests, |digest| &digest.classes, hours, options),
        arrays: table(digests, |digest| &digest.arrays, hours, options),
        packages: table(digests, |digest| &digest.packages, hours, options),
        loaders: table(digests, |digest| &digest.loaders, hours, options),
        longest: longest(digests),
        owners: Owners::of(digests, &comparability, hours, options),
        total: Series::new(&totals, hours),
        array_total: Series::new(&array_totals, hours),
        digests: digests
            .iter()
            .map(|digest| DumpSummary {
                path: digest.path.clone(),
                kind: digest.kind,
                facts: digest.facts.clone(),
                total: digest.total,
            })
            .collect(),
        comparability,
    }
}

/// Finds the object-array classes whose longest array grew, the largest growth first.
fn longest(digests: &[Digest]) -> Vec<LongestArray> {
    let mut classes: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for (nth, digest) in digests.iter().enumerate() {
        for (key, amount) in &digest.arrays.rows {
            if let (LengthRange::Exact(length), 1..) = (key.length, amount.instances) {
                let lengths = classes.entry(&key.class).or_insert_with(|| vec![0; digests.len()]);
                lengths[nth] = lengths[nth].max(length);
            }
        }
    }
    let grown = |lengths: &[u32]| lengths.last() > lengths.first();
    let mut longest: Vec<LongestArray> = classes
        .into_iter()
        .filter(|(class, lengths)| !names::is_primitive_array(class) && grown(lengths))
        .map(|(class, lengths)| LongestArray { class: class.to_owned(), lengths })
        .collect();
    longest.sort_by_key(|array| std::cmp::Reverse(array.lengths.last().copied()));
    longest
}

/// Hours since the first dump; `None` when the times do not rise.
fn hours(digests: &[Digest]) -> Option<Vec<f64>> {
    const MS_PER_HOUR: f64 = 3_600_000.0;
    let first = digests.first()?.facts.time_ms;
    let rising = digests.windows(2).all(|pair| pair[0].facts.time_ms < pair[1].facts.time_ms);
    let hour = |digest: &Digest| (digest.facts.time_ms - first) as f64 / MS_PER_HOUR;
    rising.then(|| digests.iter().map(hour).collect())
}

/// Lays the tables of all digests side by side.
fn table<K: Ord + Clone>(
    digests: &[Digest],
    of: impl Fn(&Digest) -> &Rows<K>,
    hours: Option<&[f64]>,
    options: &DiffOptions,
) -> Table<K> {
    let mut amounts: BTreeMap<&K, Vec<Amount>> = BTreeMap::new();
    for (nth, digest) in digests.iter().enumerate() {
        for (key, amount) in &of(digest).rows {
            amounts.entry(key).or_insert_with(|| vec![Amount::default(); digests.len()])[nth] =
                *amount;
        }
    }
    let growth = |amounts: &[Amount]| {
        let first = amounts.first().copied().unwrap_or_default();
        let last = amounts.last().copied().unwrap_or_default();
        let of = |first: u64, last: u64| last.wrapping_sub(first) as i64;
        (of(first.shallow_bytes, last.shallow_bytes), of(first.instances, last.instances))
    };
    let mut rows: Vec<(&K, Vec<Amount>)> = amounts.into_iter().collect();
    // Keys are unique and in order: the sort is stable, so the order is total.
    rows.sort_by_key(|(_, amounts)| std::cmp::Reverse(growth(amounts)));
    let mut rest = Vec::new();
    if options.only_changed {
        let changed = |amounts: &[Amount]| amounts.iter().any(|amount| *amount != amounts[0]);
        (rows, rest) = rows.into_iter().partition(|(_, amounts)| changed(amounts));
    }
    rest.extend(rows.split_off(options.top.unwrap_or(usize::MAX).min(rows.len())));
    // Rows that a digest counts together cannot be told from those of another: the most are taken.
    let others: Vec<Folded> =
        digests.iter().map(|digest| of(digest).other.unwrap_or_default()).collect();
    let folded = others.iter().map(|other| other.rows).max().unwrap_or(0);
    let is_rest = !rest.is_empty() || others.iter().any(|other| *other != Folded::default());
    let other = is_rest.then(|| {
        let mut sums: Vec<Amount> = others.iter().map(|other| other.amount).collect();
        for (_, amounts) in &rest {
            sums.iter_mut().zip(amounts).for_each(|(sum, amount)| sum.add(*amount));
        }
        (rest.len() + folded as usize, Series::new(&sums, hours))
    });
    let row = |(key, amounts): (&K, Vec<Amount>)| Row {
        key: key.clone(),
        series: Series::new(&amounts, hours),
    };
    Table { rows: rows.into_iter().map(row).collect(), other }
}
