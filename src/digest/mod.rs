//! What a dump is reduced to for comparing: rows under keys that stay the same from dump to dump.
//!
//! Addresses, counters in generated names and the order of objects are gone here. A digest knows
//! nothing about other dumps.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::index::census::{Census, DumpFacts, LengthRange};
use crate::parser::names;

/// Number and bytes of some objects.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Amount {
    pub instances: u64,
    pub shallow_bytes: u64,
}

impl Amount {
    pub(crate) fn add(&mut self, instances: u64, shallow_bytes: u64) {
        self.instances += instances;
        self.shallow_bytes += shallow_bytes;
    }
}

/// A class across dumps.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct ClassKey {
    /// Source form, without what the JVM makes up anew in every run.
    pub name: String,
    /// Label of the loader; classes of several loaders of one label are one row.
    pub loader: String,
}

/// Arrays of a class and some lengths across dumps.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct ArrayKey {
    pub class: String,
    pub length: LengthRange,
}

/// See the module's text. A few hundred bytes for each class with instances.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Digest {
    /// Where the dump was read from, as the user gave it.
    pub path: String,
    pub facts: DumpFacts,
    pub classes: BTreeMap<ClassKey, Amount>,
    pub arrays: BTreeMap<ArrayKey, Amount>,
    /// The length from which on object arrays are counted in buckets.
    pub folded_from: Option<u32>,
    pub packages: BTreeMap<String, Amount>,
    pub loaders: BTreeMap<String, Amount>,
    /// Counted by itself: each table but the arrays adds up to it.
    pub total: Amount,
}

impl Digest {
    /// Reduces a census.
    pub fn of(path: String, census: &Census) -> Self {
        let mut digest = Self {
            path,
            facts: census.facts.clone(),
            classes: BTreeMap::new(),
            arrays: BTreeMap::new(),
            folded_from: census.folded_from,
            packages: BTreeMap::new(),
            loaders: BTreeMap::new(),
            total: Amount { instances: census.instances, shallow_bytes: census.shallow_bytes },
        };
        for row in &census.classes {
            let name = names::stable_name(&names::source_name(&row.name));
            let amount = (row.instances, row.shallow_bytes);
            let package = names::package_of(&name).to_owned();
            digest.packages.entry(package).or_default().add(amount.0, amount.1);
            digest.loaders.entry(row.loader.clone()).or_default().add(amount.0, amount.1);
            let key = ClassKey { name, loader: row.loader.clone() };
            digest.classes.entry(key).or_default().add(amount.0, amount.1);
        }
        for row in &census.arrays {
            let class = names::stable_name(&names::source_name(&row.class));
            let key = ArrayKey { class, length: row.length };
            digest.arrays.entry(key).or_default().add(row.instances, row.shallow_bytes);
        }
        digest
    }
}
