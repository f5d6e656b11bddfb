//! Growth of what the kinds of GC roots and the threads retain.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::{DiffOptions, Series};
use crate::digest::held::{Held, HeldTables};
use crate::digest::{Amount, Digest, ThreadKey};

/// A kind of GC roots, or the threads of one name, over all dumps.
#[derive(Clone, PartialEq, Debug)]
pub struct HeldRow<K> {
    pub key: K,
    /// How many threads they are.
    pub holders: Vec<u64>,
    /// The objects that root records name, and in place of their shallow bytes what they retain.
    pub series: Series,
    /// False when some of the bytes are lower bounds.
    pub exact: bool,
}

/// Rows by growth of what they retain, largest first. They do not add up to anything: what two of
/// them hold together neither retains.
#[derive(Clone, PartialEq, Debug)]
pub struct HeldTable<K> {
    pub rows: Vec<HeldRow<K>>,
    /// Rows beyond the limit.
    pub more: usize,
}

/// See the module's text.
#[derive(Clone, PartialEq, Debug)]
pub struct HeldGrowth {
    pub roots: HeldTable<String>,
    pub threads: HeldTable<ThreadKey>,
}

impl HeldGrowth {
    /// Compares what digests say; `None` when one of them was made without an index.
    pub fn of(digests: &[Digest], hours: Option<&[f64]>, options: &DiffOptions) -> Option<Self> {
        let mut all: Vec<HeldTables> =
            digests.iter().map(|digest| digest.held.clone()).collect::<Option<_>>()?;
        // Names that only some digests know would seem to come and go.
        if digests.iter().any(|digest| digest.redacted) {
            all.iter_mut().for_each(HeldTables::redact);
        }
        let roots: Vec<_> = all.iter().map(|tables| (&tables.roots, false)).collect();
        let threads: Vec<_> = all.iter().map(|tables| (&tables.threads, tables.is_cut)).collect();
        Some(Self {
            roots: HeldTable::new(&roots, hours, options),
            threads: HeldTable::new(&threads, hours, options),
        })
    }
}

impl<K: Ord + Clone> HeldTable<K> {
    /// Lays tables side by side; those that are cut may have had any row.
    fn new(
        tables: &[(&BTreeMap<K, Held>, bool)],
        hours: Option<&[f64]>,
        options: &DiffOptions,
    ) -> Self {
        let keys: BTreeSet<&K> = tables.iter().flat_map(|(table, _)| table.keys()).collect();
        let is_known =
            |key: &&&K| tables.iter().all(|(table, is_cut)| !is_cut || table.contains_key(**key));
        let mut rows: Vec<HeldRow<K>> = keys
            .iter()
            .filter(is_known)
            .map(|key| {
                let held: Vec<Held> = tables
                    .iter()
                    .map(|(table, _)| table.get(*key).copied().unwrap_or_default())
                    .collect();
                let amount = |held: &Held| Amount::new(held.objects, held.retained_bytes);
                let amounts: Vec<Amount> = held.iter().map(amount).collect();
                HeldRow {
                    key: (*key).clone(),
                    holders: held.iter().map(|held| held.holders).collect(),
                    series: Series::new(&amounts, hours),
                    exact: held.iter().all(|held| held.exact || held.holders == 0),
                }
            })
            .filter(|row| {
                let bytes = &row.series.shallow_bytes;
                !options.only_changed || bytes.windows(2).any(|pair| pair[0] != pair[1])
            })
            .collect();
        // Stable: rows that grew alike stay in order of their keys.
        rows.sort_by_key(|row| Reverse(row.series.growth_bytes()));
        let more = options.top.map_or(0, |top| rows.len().saturating_sub(top));
        rows.truncate(rows.len() - more);
        Self { rows, more }
    }
}
