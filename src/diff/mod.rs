//! Compares digests: which rows grow, and whether the dumps can be compared at all.
//!
//! Pure: no files, no formatting. `diff(a, a)` has no growth, `diff(a, b)` is the negative of
//! `diff(b, a)`, and the rows of a table with its `(other)` row add up to the total.

mod alike;
pub mod comparable;
pub mod held;
mod join;
pub mod owners;
pub mod trend;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use crate::digest::{Amount, ArrayKey, ClassKey, Digest, Folded, Kind, Rows};
use crate::index::census::LengthRange;
use crate::library::Catalog;
use crate::parser::names;
use comparable::Comparability;
use held::HeldGrowth;
use join::Join;
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
    /// What threads and kinds of GC roots retain; `None` when a dump was read without an index.
    pub held: Option<HeldGrowth>,
    /// Who owns what grew; `None` when a dump was read without an index.
    pub owners: Option<Owners>,
}

/// The longest array of a class in each dump.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LongestArray {
    pub class: Arc<str>,
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
    /// Sum rows that stay the same in `(other)`, too, and owners that change by a trifle.
    pub only_changed: bool,
    /// Libraries, known causes and bounds; nothing is known of them when `None`.
    pub catalog: Option<Arc<Catalog>>,
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
    let (classes, arrays) = rayon::join(
        || table(digests, |digest| &digest.classes, hours, options),
        || table(digests, |digest| &digest.arrays, hours, options),
    );
    Comparison {
        classes,
        arrays,
        packages: table(digests, |digest| &digest.packages, hours, options),
        loaders: table(digests, |digest| &digest.loaders, hours, options),
        longest: longest(digests),
        held: HeldGrowth::of(digests, hours, options),
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
    let mut classes: BTreeMap<&Arc<str>, Vec<u32>> = BTreeMap::new();
    for (nth, digest) in digests.iter().enumerate() {
        for (class, length) in longest_of(digest) {
            classes.entry(class).or_insert_with(|| vec![0; digests.len()])[nth] = length;
        }
    }
    let grown = |lengths: &[u32]| lengths.last() > lengths.first();
    let mut longest: Vec<LongestArray> = classes
        .into_iter()
        .filter(|(class, lengths)| !names::is_primitive_array(class) && grown(lengths))
        .map(|(class, lengths)| LongestArray { class: class.clone(), lengths })
        .collect();
    longest.sort_by_key(|array| Reverse(array.lengths.last().copied()));
    longest
}

/// The classes of a digest, each with its longest array of known length.
fn longest_of(digest: &Digest) -> Vec<(&Arc<str>, u32)> {
    let mut longest: Vec<(&Arc<str>, u32)> = Vec::new();
    for (key, amount) in &digest.arrays.rows {
        let (LengthRange::Exact(length), 1..) = (key.length, amount.instances) else { continue };
        // Rows of a class follow each other.
        match longest.last_mut().filter(|(class, _)| **class == key.class) {
            Some((_, most)) => *most = length.max(*most),
            None => longest.push((&key.class, length)),
        }
    }
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
fn table<K: Ord + Clone + Send + Sync>(
    digests: &[Digest],
    of: impl Fn(&Digest) -> &Rows<K>,
    hours: Option<&[f64]>,
    options: &DiffOptions,
) -> Table<K> {
    let tables: Vec<&Rows<K>> = digests.iter().map(of).collect();
    let join = Join::new(&tables);
    // Rows are numbered in order of their keys: that makes the order total.
    let mut shown: Vec<(Reverse<(i64, i64)>, usize)> = (0..join.len())
        .filter(|row| !options.only_changed || is_changed(join.amounts(*row)))
        .map(|row| (Reverse(growth(join.amounts(row))), row))
        .collect();
    if let Some(top) = options.top.filter(|top| *top < shown.len()) {
        // There may be many rows, and few to sort.
        shown.select_nth_unstable(top);
        shown.truncate(top);
    }
    shown.sort_unstable();
    let mut is_shown = vec![false; join.len()];
    shown.iter().for_each(|(_, row)| is_shown[*row] = true);
    // Rows that a digest counts together cannot be told from those of another: the most are taken.
    let others: Vec<Folded> = tables.iter().map(|table| table.other.unwrap_or_default()).collect();
    let folded = others.iter().map(|other| other.rows).max().unwrap_or(0);
    let rest = join.len() - shown.len();
    let is_rest = rest > 0 || others.iter().any(|other| *other != Folded::default());
    let other = is_rest.then(|| {
        let mut sums: Vec<Amount> = others.iter().map(|other| other.amount).collect();
        for row in (0..join.len()).filter(|row| !is_shown[*row]) {
            let amounts = join.amounts(row);
            sums.iter_mut().zip(amounts).for_each(|(sum, amount)| sum.add(or_nothing(*amount)));
        }
        (rest + folded as usize, Series::new(&sums, hours))
    });
    let row = |row: usize| {
        let amounts: Vec<Amount> = join.amounts(row).iter().copied().map(or_nothing).collect();
        Row { key: join.key(row).clone(), series: Series::new(&amounts, hours) }
    };
    Table { rows: shown.into_par_iter().map(|(_, nth)| row(nth)).collect(), other }
}

/// What a table has of a row: nothing where it lacks it.
fn or_nothing(amount: Option<&Amount>) -> Amount {
    amount.copied().unwrap_or_default()
}

/// Growth of bytes and instances from the first to the last dump.
fn growth(amounts: &[Option<&Amount>]) -> (i64, i64) {
    let first = or_nothing(amounts.first().copied().flatten());
    let last = or_nothing(amounts.last().copied().flatten());
    let of = |first: u64, last: u64| last.wrapping_sub(first) as i64;
    (of(first.shallow_bytes, last.shallow_bytes), of(first.instances, last.instances))
}

fn is_changed(amounts: &[Option<&Amount>]) -> bool {
    amounts.windows(2).any(|pair| or_nothing(pair[0]) != or_nothing(pair[1]))
}
