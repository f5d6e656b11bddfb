//! Compares owner trees: who holds what grows, and whether it looks like a leak.
//!
//! `union` lays the trees over each other, `credit` finds the owner of each node, `accounts` adds
//! up what each owner owns, `evidence` and `verdict` judge it, `findings` says what is to be seen.
//! `docs/ARCHITECTURE.md` has the rules.

mod accounts;
mod bounds;
mod containers;
mod contents;
mod credit;
pub mod evidence;
mod findings;
mod label;
mod path;
mod soft;
mod turnover;
mod union;
pub mod verdict;
mod ways;
mod whose;

use std::cmp::Reverse;
use std::ops::Range;

use hashbrown::HashMap;
use serde::Serialize;

use super::comparable::Comparability;
use super::trend::Trend;
use super::{DiffOptions, Series};
use crate::digest::{Amount, Digest};
use crate::index::owners::OwnerTree;
use crate::library::{Cause, Library};
use accounts::Account;
use credit::Credits;
use evidence::Evidence;
use label::Label;
use union::Union;
use verdict::{Doubt, Verdict};
use ways::Ways;

pub use label::OwnerKind;
pub use turnover::Turnover;
pub use whose::LibraryRow;
use whose::Whose;

/// The owners of a comparison.
#[derive(Clone, PartialEq, Debug)]
pub struct Owners {
    /// The worst verdict of all findings.
    pub verdict: Verdict,
    /// The dumps that were judged: the longest run of one process.
    pub judged: Range<usize>,
    /// What grew, the worst first.
    pub findings: Vec<Finding>,
    /// Owners by growth, largest first. With `other` they add up to `total`.
    pub rows: Vec<OwnerRow>,
    /// The owners beyond the limit, summed, and how many they are.
    pub other: Option<(usize, OwnerSeries)>,
    /// What owners own by library, largest growth first; adds up to `total`.
    pub libraries: Vec<LibraryRow>,
    /// The whole heap and the memory outside of it that it stands for.
    pub total: OwnerSeries,
}

/// Who owns something.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct OwnerKey {
    /// The class that declares the field, or has the method, or whose instances these are.
    pub class: String,
    /// The field, the method, the name of the thread, or the kind of the root.
    pub field: Option<String>,
    pub kind: OwnerKind,
    /// Label of the class loader, where there is one class of this name.
    pub loader: Option<String>,
}

impl OwnerKey {
    /// `Class.field`; for threads and roots the class, and which ones.
    pub fn name(&self) -> String {
        self.name_by(&self.class)
    }

    /// The same with another name for the class.
    pub fn name_by(&self, class: &str) -> String {
        match (&self.field, self.kind) {
            // Virtual threads seldom have names.
            (Some(name), OwnerKind::Thread) if name.is_empty() => format!("{class} (no name)"),
            (Some(field), OwnerKind::Thread | OwnerKind::Root | OwnerKind::JniGlobal) => {
                format!("{class} ({field})")
            }
            (Some(field), _) => format!("{class}.{field}"),
            (None, _) => class.to_owned(),
        }
    }

    /// True for a place in the program that one can look up.
    pub fn is_place(&self) -> bool {
        let is_frame = self.kind == OwnerKind::ThreadStack;
        self.kind.is_place() && !(is_frame && self.field.is_none())
    }
}

/// A row of the table of owners. Rows are disjoint: each byte of the heap is in one of them.
#[derive(Clone, PartialEq, Debug)]
pub struct OwnerRow {
    pub key: OwnerKey,
    /// Whose class the owner is; `None` when nobody knows.
    pub library: Option<Library>,
    pub series: OwnerSeries,
}

/// What owners own in each dump.
#[derive(Clone, PartialEq, Debug)]
pub struct OwnerSeries {
    /// Bytes, those outside of the heap included.
    pub retained_bytes: Vec<u64>,
    /// Bytes outside of the heap.
    pub native_bytes: Vec<u64>,
    /// Entries of collections; `None` when there are none.
    pub entries: Option<Vec<u64>>,
    pub trend: Trend,
    /// Median slope (Theil–Sen); `None` without times.
    pub bytes_per_hour: Option<f64>,
}

impl OwnerSeries {
    fn new(account: &Account, hours: Option<&[f64]>) -> Self {
        let amounts: Vec<Amount> =
            account.bytes.iter().map(|bytes| Amount::new(0, *bytes)).collect();
        let series = Series::new(&amounts, hours);
        Self {
            trend: series.trend,
            bytes_per_hour: series.bytes_per_hour,
            retained_bytes: series.shallow_bytes,
            native_bytes: account.native.clone(),
            entries: entries(account).map(<[u64]>::to_vec),
        }
    }

    /// Bytes in the last dump less those in the first.
    pub fn growth_bytes(&self) -> i64 {
        accounts::growth(&self.retained_bytes)
    }
}

/// Entries of the collections of an owner that grow; what multiplies below it where there are none.
fn entries(account: &Account) -> Option<&[u64]> {
    let counts = [&account.entries, &account.multiplied, &account.flat_entries];
    counts.into_iter().find(|counts| counts.iter().any(|count| *count > 0)).map(Vec::as_slice)
}

/// An owner that grew.
#[derive(Clone, PartialEq, Debug)]
pub struct Finding {
    /// The same in every run: a hash of the owner.
    pub id: String,
    /// From 1.
    pub rank: usize,
    pub verdict: Verdict,
    /// What ranks findings of one verdict: growth, as a share of all growth, weighted by how much
    /// it looks like a leak.
    pub score: f64,
    pub owner: OwnerKey,
    /// Whose class the owner is; `None` when nobody knows.
    pub library: Option<Library>,
    /// What is known to make such owners grow.
    pub known_cause: Option<Cause>,
    /// Others without whom it would not be kept either, or which are a part of it.
    pub also_held_by: Vec<OwnerKey>,
    pub series: OwnerSeries,
    /// Growth over the judged dumps.
    pub growth_bytes: i64,
    /// The growth as a share of that of all owners that grew, from 0 to 1.
    pub share_of_growth: f64,
    /// Hours until the heap is full at this rate; `None` when the limit or the rate is not known.
    pub hours_to_limit: Option<f64>,
    pub bound: Option<Bound>,
    /// Classes that grow below the owner, by growth.
    pub contents: Vec<Content>,
    /// The table of the collection, where the owner has one.
    pub table: Option<TableLengths>,
    /// Rows of array lengths that belong to it and grew.
    pub array_lengths: Vec<GrownLength>,
    /// From a root by the owner to what grew.
    pub path: Vec<Step>,
    /// The nearest class, or method, of the application on that path.
    pub site: Option<String>,
    /// How the bytes grow.
    pub evidence: Evidence,
    /// How the entries grow, where they tell more than the bytes.
    pub by_entries: Option<Evidence>,
    /// Where the entries of the first dump stay: how many that was found for.
    pub staying: Option<Turnover>,
    /// What speaks against a worse verdict.
    pub doubts: Vec<Doubt>,
}

impl Finding {
    /// What the owner holds ever more of: right below it, or else what grows most.
    pub fn first_content(&self) -> Option<&Content> {
        let top = self.contents.iter().find(|content| content.is_top);
        top.or(self.contents.iter().find(|content| !content.is_class))
    }
}

/// A bound on the entries of an owner, read from the heap.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Bound {
    pub declared: u64,
    pub now: u64,
    /// Where it is declared: a field or a setting.
    pub from: String,
    #[serde(skip)]
    pub holds: Holds,
}

/// What a bound says of an owner. Those that say more come first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Holds {
    /// It bounds the owner.
    Surely,
    /// It was to bound the owner, and does not.
    Exceeded,
    /// It bounds the owner, or a collection beside it.
    Perhaps,
}

/// Objects of a class that an owner owns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Content {
    pub class: String,
    /// True for the class objects of a class that several loaders have loaded, one each.
    pub is_class: bool,
    /// Whose class it is; `None` when nobody knows.
    pub library: Option<Library>,
    pub instances: Vec<u64>,
    pub retained_bytes: Vec<u64>,
    /// True for objects that multiply right below the owner.
    pub is_top: bool,
}

/// The length of the one table of a collection in each dump.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TableLengths {
    /// Class of the array.
    pub class: String,
    pub lengths: Vec<u64>,
}

/// Arrays of a length that became more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GrownLength {
    pub key: crate::digest::ArrayKey,
    pub instances: Vec<u64>,
}

/// A step of a path.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Step {
    /// The class that declares the field; for roots, entries, elements and classes the class of
    /// what is reached.
    pub class: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    pub kind: StepKind,
    /// The class of what is reached, which is how collections on the way are known.
    #[serde(skip)]
    pub reached: String,
}

/// How a step leads on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepKind {
    Root,
    /// A frame of the thread before.
    Local,
    ThreadLocal,
    Static,
    Field,
    /// A key or value of a map.
    Entry,
    Element,
    /// The class of an object, or of a loader.
    Class,
}

/// What the parts of this module share.
struct Scene<'a> {
    union: Union<'a>,
    ways: Ways,
    credits: Credits,
    judged: Range<usize>,
    /// Bytes of the heap itself in the last judged dump.
    heap_bytes: f64,
    /// Times of the dumps: hours, or numbers where there are none.
    times: Vec<f64>,
    hours: Option<&'a [f64]>,
    digests: &'a [Digest],
    loaders: HashMap<&'a str, Option<&'a str>>,
    whose: Whose<'a>,
}

impl Owners {
    /// Compares the owner trees of digests; `None` when one has none.
    pub fn of<'a>(
        digests: &'a [Digest],
        comparability: &Comparability,
        hours: Option<&'a [f64]>,
        options: &'a DiffOptions,
    ) -> Option<Self> {
        let tree = |digest: &'a Digest| digest.owners.as_ref();
        let trees: Vec<&OwnerTree> = digests.iter().map(tree).collect::<Option<_>>()?;
        let segments = &comparability.segments;
        let judged = segments.iter().max_by_key(|segment| segment.len())?;
        let judged = *judged.first()?..judged.last()? + 1;
        let union = Union::of(&trees);
        let ways = Ways::of(&union);
        let credits = Credits::of(&union, &ways, &judged);
        let times = match hours {
            Some(hours) => hours.to_vec(),
            None => (0..digests.len()).map(|nth| nth as f64).collect(),
        };
        let scene = Scene {
            heap_bytes: heap_bytes(&union, judged.end - 1),
            whose: Whose::new(options.catalog.as_ref(), digests),
            loaders: loaders(digests),
            union,
            ways,
            credits,
            judged,
            times,
            hours,
            digests,
        };
        let accounts = accounts::accounts(&scene.union, &scene.credits, &scene.judged);
        let findings = match comparability.ok {
            true => findings::findings(&scene, &accounts, options.heap_max),
            false => Vec::new(),
        };
        let owners = scene.owners(&accounts);
        let libraries = scene.whose.libraries(&owners, scene.union.dumps, hours);
        let (rows, other) = scene.table(owners, options);
        Some(Self {
            verdict: match comparability.ok {
                true => overall(&findings, &scene),
                false => Verdict::Incomparable,
            },
            findings,
            rows,
            other,
            libraries,
            total: OwnerSeries::new(&scene.total(), hours),
            judged: scene.judged,
        })
    }
}

/// The worst verdict; growth that is too small to matter is none.
fn overall(findings: &[Finding], scene: &Scene<'_>) -> Verdict {
    let floor = verdict::floor(scene.heap_bytes);
    let matters = |finding: &&Finding| finding.growth_bytes as f64 >= floor;
    let worst = findings.iter().filter(matters).map(|finding| finding.verdict).max();
    worst.unwrap_or(Verdict::Steady)
}

/// The loader of each class, where all classes of that name have the same.
fn loaders(digests: &[Digest]) -> HashMap<&str, Option<&str>> {
    let mut loaders: HashMap<&str, Option<&str>> = HashMap::new();
    for key in digests.iter().flat_map(|digest| digest.classes.rows.keys()) {
        let loader = loaders.entry(&key.name).or_insert(Some(&key.loader));
        if *loader != Some(&*key.loader) {
            *loader = None;
        }
    }
    loaders
}

/// Bytes of the heap itself in a dump.
fn heap_bytes(union: &Union<'_>, dump: usize) -> f64 {
    let amounts = (0..union.nodes.len() as u32).map(|node| union.amounts(node)[dump]);
    amounts.map(|amounts| amounts.own.saturating_sub(amounts.native) as f64).sum()
}

impl Scene<'_> {
    /// What all owners own.
    fn total(&self) -> Account {
        let mut total = Account::new(self.union.dumps);
        total.bytes = self.union.amounts(0).iter().map(|amounts| amounts.retained).collect();
        for node in 0..self.union.nodes.len() as u32 {
            let natives = self.union.amounts(node).iter().map(|amounts| amounts.native);
            total.native.iter_mut().zip(natives).for_each(|(sum, native)| *sum += native);
        }
        total
    }

    /// The words for a label. Off-heap growth is a kind of its own.
    fn key(&self, label: Label, account: &Account) -> OwnerKey {
        let name = match self.union.name(label.class) {
            "" => "(small objects)",
            name => name,
        };
        let member = label.member.map(|member| self.union.name(member));
        let is_frame = label.kind == OwnerKind::Root && member.is_some_and(ways::is_frame);
        let (class, field) = match (member, label.kind) {
            // Frames of several threads: there is no one method.
            _ if is_frame => (name, None),
            (Some(member), _) => (name, Some(member)),
            (None, OwnerKind::ThreadLocal | OwnerKind::ThreadStack) => {
                let parts = name.rsplit_once('.');
                parts.map_or((name, None), |(class, member)| (class, Some(member)))
            }
            (None, _) => (name, None),
        };
        let growth = account.growth(&self.judged);
        let native = accounts::growth(&account.native[self.judged.clone()]);
        let is_field = matches!(label.kind, OwnerKind::StaticField | OwnerKind::InstanceField);
        let is_off_heap = is_field && growth > 0 && native > growth / 2;
        let kind = match label.kind {
            _ if is_off_heap => OwnerKind::OffHeap,
            _ if is_frame => OwnerKind::ThreadStack,
            kind => kind,
        };
        OwnerKey {
            class: class.to_owned(),
            field: field.map(str::to_owned),
            kind,
            loader: self.loaders.get(class).copied().flatten().map(str::to_owned),
        }
    }

    /// The owners that own something in any dump.
    fn owners<'s>(&self, accounts: &'s [Account]) -> Vec<(OwnerKey, &'s Account)> {
        let used = |account: &Account| account.bytes.iter().any(|bytes| *bytes > 0);
        accounts
            .iter()
            .zip(&self.credits.labels)
            .filter(|(account, _)| used(account))
            .map(|(account, label)| (self.key(*label, account), account))
            .collect()
    }

    /// The table of owners and the row that sums the others.
    fn table(
        &self,
        mut rows: Vec<(OwnerKey, &Account)>,
        options: &DiffOptions,
    ) -> (Vec<OwnerRow>, Option<(usize, OwnerSeries)>) {
        rows.sort_by(|(key, a), (other, b)| {
            let growth = |account: &Account| Reverse(accounts::growth(&account.bytes));
            (growth(a), key).cmp(&(growth(b), other))
        });
        let mut rest = Vec::new();
        if options.only_changed {
            let least = self.least_change(&rows);
            let changed = |account: &Account| change(&account.bytes) >= least;
            (rows, rest) = rows.into_iter().partition(|(_, account)| changed(account));
        }
        rest.extend(rows.split_off(options.top.unwrap_or(usize::MAX).min(rows.len())));
        let mut sum = Account::new(self.union.dumps);
        rest.iter().for_each(|(_, account)| sum.absorb(account));
        let other = (!rest.is_empty()).then(|| (rest.len(), OwnerSeries::new(&sum, self.hours)));
        let row = |(key, account): (OwnerKey, &Account)| OwnerRow {
            library: self.whose.library(&key.class),
            key,
            series: OwnerSeries::new(account, self.hours),
        };
        (rows.into_iter().map(row).collect(), other)
    }

    /// What a row must change by to say something of the growth: 0.1 % of it, and 0.01 % of the heap
    /// where next to nothing grew.
    fn least_change(&self, rows: &[(OwnerKey, &Account)]) -> u64 {
        let growths = rows.iter().map(|(_, account)| accounts::growth(&account.bytes).max(0));
        let grown = growths.sum::<i64>() as f64;
        (grown * 0.001).max(self.heap_bytes * 0.0001).max(1.0) as u64
    }
}

/// The most that values differ by.
fn change(values: &[u64]) -> u64 {
    let most = values.iter().max().copied().unwrap_or(0);
    most - values.iter().min().copied().unwrap_or(0)
}
