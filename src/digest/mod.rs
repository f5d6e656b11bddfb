//! What a dump is reduced to for comparing: rows under keys that stay the same from dump to dump.
//!
//! Addresses, counters in generated names and the order of objects are gone here. A digest knows
//! nothing about other dumps. [`file`] keeps digests on disk.

mod bound;
mod columns;
pub mod container;
pub mod file;
pub mod held;
pub mod origins;
mod owners;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::index::census::{Census, DumpFacts, LengthRange, UNFINISHED};
use crate::index::facts;
use crate::index::owners::OwnerTree;
use crate::index::store::{Family, StoredSet};
use crate::parser::names;
use held::HeldTables;
use origins::Origins;

/// Number and bytes of some objects.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Amount {
    pub instances: u64,
    pub shallow_bytes: u64,
    /// What the objects retain together; `None` where that is not known, as for sums of rows:
    /// what two sets retain together is not the sum of what each does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retained_bytes: Option<u64>,
    /// False when the objects retain at least as many bytes, but perhaps more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retained_exact: bool,
}

impl Amount {
    /// Objects of which is not known what they retain.
    pub fn new(instances: u64, shallow_bytes: u64) -> Self {
        Self { instances, shallow_bytes, retained_bytes: None, retained_exact: false }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.instances += other.instances;
        self.shallow_bytes += other.shallow_bytes;
        self.retained_bytes = None;
        self.retained_exact = false;
    }
}

/// A class across dumps.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ClassKey {
    /// Source form, without what the JVM makes up anew in every run.
    pub name: Arc<str>,
    /// Label of the loader; classes of several loaders of one label are one row.
    pub loader: Arc<str>,
}

/// Arrays of a class and some lengths across dumps.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ArrayKey {
    /// Shared by the rows of a class, of which there may be very many.
    pub class: Arc<str>,
    pub length: LengthRange,
}

/// Rows that are counted together, because a digest has no room for each of them.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Folded {
    /// How many they are.
    pub rows: u64,
    /// Their sum.
    pub amount: Amount,
    /// Bytes of the largest of them: what a row that is missing has at most.
    pub largest_bytes: u64,
}

/// A table: rows by key, and what is counted together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rows<K> {
    pub rows: BTreeMap<K, Amount>,
    /// `None` when every row is there.
    pub other: Option<Folded>,
}

impl<K> Default for Rows<K> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), other: None }
    }
}

impl<K: Ord> Rows<K> {
    /// Adds to the row of `key`.
    pub fn add(&mut self, key: K, amount: Amount) {
        self.rows.entry(key).or_default().add(amount);
    }

    /// Counts the rows that `chosen` picks together from now on; it is told their place and key.
    pub(crate) fn fold(&mut self, mut chosen: impl FnMut(usize, &K) -> bool) {
        let mut nth = 0;
        self.rows.retain(|key, amount| {
            let folds = chosen(nth, key);
            nth += 1;
            if folds {
                let other = self.other.get_or_insert_default();
                other.rows += 1;
                other.amount.add(*amount);
                other.largest_bytes = other.largest_bytes.max(amount.shallow_bytes);
            }
            !folds
        });
    }

    /// The sum of all rows, those that are counted together included.
    pub fn total(&self) -> Amount {
        let mut total = self.other.unwrap_or_default().amount;
        self.rows.values().for_each(|amount| total.add(*amount));
        total
    }
}

/// What a digest was made from or read from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Dump,
    Digest,
}

/// A thread that a root refers to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct ThreadKey {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Class of the thread object, in source form.
    pub class: String,
}

/// See the module's text. A few hundred bytes for each class with instances.
#[derive(Clone, PartialEq, Debug)]
pub struct Digest {
    /// The file this was read from, a dump or a digest, as the user gave it.
    pub path: String,
    pub kind: Kind,
    /// Name of the dump's file, without its directory; `None` for standard input.
    pub source: Option<String>,
    /// True when strings of the application were left out: see [`Digest::redact`].
    pub redacted: bool,
    pub facts: DumpFacts,
    pub classes: Rows<ClassKey>,
    pub arrays: Rows<ArrayKey>,
    /// The length from which on object arrays are counted in buckets.
    pub folded_from: Option<u32>,
    pub packages: Rows<String>,
    pub loaders: Rows<String>,
    /// Counted by itself: each table but the arrays adds up to it.
    pub total: Amount,
    /// In order; empty when nobody looked for them.
    pub threads: Vec<ThreadKey>,
    /// Threads beyond the ones listed.
    pub more_threads: u64,
    /// Where classes come from; empty for a dump that was read without an index.
    pub origins: Origins,
    /// What threads and kinds of GC roots retain; `None` for a dump that was read without an index.
    pub held: Option<HeldTables>,
    /// Who owns what; `None` for a dump that was read without an index.
    pub owners: Option<OwnerTree>,
}

impl Digest {
    /// Reduces a census. Threads come from elsewhere: [`Digest::set_threads`].
    pub fn of(path: String, census: &Census) -> Self {
        let name = Path::new(&path).file_name().filter(|_| path != "-");
        let mut digest = Self {
            source: name.map(|name| name.to_string_lossy().into_owned()),
            path,
            kind: Kind::Dump,
            redacted: false,
            facts: census.facts.clone(),
            classes: Rows::default(),
            arrays: Rows::default(),
            folded_from: census.folded_from,
            packages: Rows::default(),
            loaders: Rows::default(),
            total: Amount::new(census.instances, census.shallow_bytes),
            threads: Vec::new(),
            more_threads: 0,
            origins: Origins::default(),
            held: None,
            owners: None,
        };
        for row in &census.classes {
            let name = names::stable_name(&names::source_name(&row.name));
            let amount = Amount::new(row.instances, row.shallow_bytes);
            digest.packages.add(names::package_of(&name).to_owned(), amount);
            digest.loaders.add(row.loader.clone(), amount);
            let key = ClassKey { name: name.into(), loader: row.loader.as_str().into() };
            digest.classes.add(key, amount);
        }
        for row in &census.arrays {
            let class = names::stable_name(&names::source_name(&row.class)).into();
            let amount = Amount::new(row.instances, row.shallow_bytes);
            digest.arrays.add(ArrayKey { class, length: row.length }, amount);
        }
        digest
    }

    /// Takes what classes, packages, loaders and arrays by length retain.
    pub fn set_retained(&mut self, sets: Vec<StoredSet>) {
        for set in sets {
            let amount = match set.family {
                Family::Class => {
                    let key = ClassKey { name: set.name.into(), loader: set.loader.into() };
                    self.classes.rows.get_mut(&key)
                }
                Family::Package => self.packages.rows.get_mut(&set.name),
                Family::Loader => self.loaders.rows.get_mut(&set.name),
                Family::Array => set.length.and_then(|length| {
                    let key = ArrayKey { class: set.name.into(), length };
                    self.arrays.rows.get_mut(&key)
                }),
                Family::Thread | Family::Root => None,
            };
            if let Some(amount) = amount {
                amount.retained_bytes = Some(set.retained_bytes);
                amount.retained_exact = set.exact;
            }
        }
    }

    /// Takes names and classes of threads; stacks are left out.
    pub fn set_threads(&mut self, threads: &[facts::Thread]) {
        let key = |thread: &facts::Thread| ThreadKey {
            name: thread.name.clone().filter(|name| !name.is_empty()),
            class: names::stable_name(&names::source_name(&thread.class)),
        };
        self.threads = threads.iter().map(key).collect();
        self.threads.sort_unstable();
    }

    /// Drops what is a value or a choice of the application or its users: main class, thread names,
    /// the dump's file name, its path where a message names it, and the directories of jars. Names of
    /// classes and of jars stay: they are what a report is about.
    pub fn redact(&mut self) {
        self.redacted = true;
        self.source = None;
        self.facts.main_class = None;
        self.threads.iter_mut().for_each(|thread| thread.name = None);
        self.threads.sort_unstable();
        if let Some(held) = &mut self.held {
            held.redact();
        }
        if let Some(owners) = &mut self.owners {
            owners.redact();
        }
        self.origins.redact();
        let integrity = &mut self.facts.integrity;
        let losses = integrity.losses.iter_mut().map(|loss| &mut loss.what);
        for text in losses.chain(&mut integrity.warnings) {
            // The one message that starts with a path: of a part beside the dump.
            if let Some(at) = text.find(UNFINISHED) {
                text.replace_range(..at, "a part of it (.p0)");
            }
        }
    }

    /// True when some table has rows that are counted together.
    pub fn is_folded(&self) -> bool {
        self.largest_folded().is_some()
    }

    /// Bytes of the largest row that is counted together with others; `None` when there is none.
    pub fn largest_folded(&self) -> Option<u64> {
        let tables =
            [self.classes.other, self.arrays.other, self.packages.other, self.loaders.other];
        tables.into_iter().flatten().map(|other| other.largest_bytes).max()
    }
}
