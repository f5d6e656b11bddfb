//! What the kinds of GC roots and the threads retain, in digests.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::ThreadKey;
use super::columns::{Reader, Writer, number_bytes};
use super::container::{Fault, Sections};
use super::file::{Key, in_section};
use crate::index::store::{Family, StoredSet};
use crate::parser::ids::ObjectId;
use crate::parser::names;

const ROOTS: &str = "rootheld";
const THREADS: &str = "thrdheld";
/// Rows of threads that are kept at most.
const MOST: usize = 1000;
/// They get this share of a digest's bytes.
const SHARE: u64 = 16;

/// What a kind of GC roots retains, or the threads of one name.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Held {
    /// How many threads they are; 1 for a kind.
    pub holders: u64,
    /// Objects that their root records name.
    pub objects: u64,
    pub retained_bytes: u64,
    /// False when it is at least that many bytes, but perhaps more.
    pub exact: bool,
}

impl Held {
    fn of(set: &StoredSet) -> Self {
        let StoredSet { instances: objects, retained_bytes, exact, .. } = *set;
        Self { holders: 1, objects, retained_bytes, exact }
    }

    /// Adds other threads. Retained sets of threads have nothing in common, but several threads may
    /// retain together what none of them does.
    fn add(&mut self, other: Self) {
        self.exact = if self.holders == 0 { other.exact } else { false };
        self.holders = self.holders.saturating_add(other.holders);
        self.objects = self.objects.saturating_add(other.objects);
        self.retained_bytes = self.retained_bytes.saturating_add(other.retained_bytes);
    }

    fn bytes(&self) -> u64 {
        let numbers = [self.holders, self.objects, self.retained_bytes];
        1 + numbers.into_iter().map(number_bytes).sum::<u64>()
    }
}

/// See the module's text.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct HeldTables {
    /// By kind.
    pub roots: BTreeMap<String, Held>,
    /// Threads by names without numbers: pools count theirs up.
    pub threads: BTreeMap<ThreadKey, Held>,
    /// True when threads are missing that retain little.
    pub is_cut: bool,
}

impl HeldTables {
    /// Takes what sets of an index say. `class_of` tells the class of a thread object, in source form.
    pub fn of(sets: &[StoredSet], class_of: impl Fn(ObjectId) -> String) -> Self {
        let mut tables = Self::default();
        for set in sets {
            match set.family {
                Family::Root => {
                    tables.roots.insert(set.name.clone(), Held::of(set));
                }
                Family::Thread => {
                    let name =
                        Some(names::without_numbers(&set.name)).filter(|name| !name.is_empty());
                    let class = set.id.map(&class_of).unwrap_or_default();
                    let key = ThreadKey { name, class: names::stable_name(&class) };
                    tables.threads.entry(key).or_default().add(Held::of(set));
                }
                Family::Class | Family::Package | Family::Loader | Family::Array => {}
            }
        }
        tables
    }

    /// Forgets the names of threads, which are told apart by their classes then.
    pub fn redact(&mut self) {
        for (key, held) in std::mem::take(&mut self.threads) {
            let key = ThreadKey { name: None, class: key.class };
            self.threads.entry(key).or_default().add(held);
        }
    }

    /// Leaves out threads that retain little until the rest takes its share of `budget` bytes. Gives
    /// what is left takes.
    pub(super) fn bound(&mut self, budget: u64) -> u64 {
        let mut rows: Vec<(Reverse<u64>, ThreadKey, Held)> = std::mem::take(&mut self.threads)
            .into_iter()
            .map(|(key, held)| (Reverse(held.retained_bytes), key, held))
            .collect();
        rows.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        let roots = self.roots.iter().map(|(kind, held)| kind.bytes() + held.bytes());
        let mut bytes = roots.sum::<u64>();
        for (nth, (_, key, held)) in rows.into_iter().enumerate() {
            let more = key.bytes() + held.bytes();
            if nth >= MOST || bytes + more > budget / SHARE {
                self.is_cut = true;
                break;
            }
            bytes += more;
            self.threads.insert(key, held);
        }
        bytes
    }

    pub(super) fn sections(&self) -> [(&'static str, Vec<u8>); 2] {
        [(ROOTS, table(&self.roots)), (THREADS, table(&self.threads))]
    }

    /// Reads the tables; `None` where they are missing.
    ///
    /// # Errors
    /// [`Fault`] for what [`Self::sections`] did not write.
    pub(super) fn read(sections: &Sections<'_>, is_cut: bool) -> Result<Option<Self>, Fault> {
        let (Some(roots), Some(threads)) = (sections.get(ROOTS)?, sections.get(THREADS)?) else {
            return Ok(None);
        };
        let roots = in_section(ROOTS, &roots, rows)?;
        let threads = in_section(THREADS, &threads, rows)?;
        Ok(Some(Self { roots, threads, is_cut }))
    }
}

fn table<K: Key>(rows: &BTreeMap<K, Held>) -> Vec<u8> {
    let keys: Vec<&K> = rows.keys().collect();
    let mut table = Writer::new(keys.len());
    K::write(&keys, &mut table);
    table.numbers("holders", rows.values().map(|held| held.holders));
    table.numbers("objects", rows.values().map(|held| held.objects));
    table.numbers("retained_bytes", rows.values().map(|held| held.retained_bytes));
    table.numbers("retained_exact", rows.values().map(|held| held.exact.into()));
    table.finish()
}

fn rows<K: Key>(table: &Reader<'_>) -> Result<BTreeMap<K, Held>, String> {
    let keys = K::read(table)?;
    let count = keys.len();
    let numbers = table.numbers("holders")?.into_iter().zip(table.numbers("objects")?);
    let retained =
        table.numbers("retained_bytes")?.into_iter().zip(table.numbers("retained_exact")?);
    let held = |((holders, objects), (retained_bytes, exact))| Held {
        holders,
        objects,
        retained_bytes,
        exact: exact != 0,
    };
    let rows: BTreeMap<K, Held> = keys.into_iter().zip(numbers.zip(retained).map(held)).collect();
    if rows.len() != count {
        return Err("two rows are about the same".to_owned());
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thread(name: &str, retained_bytes: u64, exact: bool) -> StoredSet {
        let (name, id) = (name.to_owned(), Some(ObjectId(retained_bytes)));
        let family = Family::Thread;
        StoredSet { family, name, id, instances: 2, retained_bytes, exact, ..StoredSet::default() }
    }

    fn tables() -> HeldTables {
        let sets = [
            thread("pool-1-thread-12", 100, true),
            thread("pool-2-thread-7", 20, true),
            thread("main", 300, true),
            thread("", 5, false),
        ];
        HeldTables::of(&sets, |id| if id.0 == 300 { "a.Main" } else { "a.Worker" }.to_owned())
    }

    #[test]
    fn threads_of_a_pool_are_one_row_that_is_a_lower_bound() {
        let tables = tables();
        let row = |name: Option<&str>, class: &str| {
            let key = ThreadKey { name: name.map(str::to_owned), class: class.to_owned() };
            tables.threads[&key]
        };
        let pool = Held { holders: 2, objects: 4, retained_bytes: 120, exact: false };
        assert_eq!(row(Some("pool-#-thread-#"), "a.Worker"), pool);
        let main = Held { holders: 1, objects: 2, retained_bytes: 300, exact: true };
        assert_eq!(row(Some("main"), "a.Main"), main);
        let unnamed = Held { holders: 1, objects: 2, retained_bytes: 5, exact: false };
        assert_eq!(row(None, "a.Worker"), unnamed);
    }

    #[test]
    fn without_their_names_threads_are_told_apart_by_class() {
        let mut tables = tables();
        tables.redact();
        let rows: Vec<(&str, u64, u64, bool)> = tables
            .threads
            .iter()
            .map(|(key, held)| (&*key.class, held.holders, held.retained_bytes, held.exact))
            .collect();
        assert_eq!(rows, [("a.Main", 1, 300, true), ("a.Worker", 3, 125, false)]);
        assert!(tables.threads.keys().all(|key| key.name.is_none()));
    }

    #[test]
    fn what_retains_least_is_left_out_where_there_is_no_room() {
        let mut tables = tables();
        let whole = tables.clone();
        let all = tables.bound(1 << 20);
        assert_eq!(tables, whole);
        let left = tables.bound((all - 1) * SHARE);
        assert!(tables.is_cut && left < all);
        assert_eq!(tables.threads.len(), 2);
        assert!(tables.threads.values().all(|held| held.retained_bytes > 5));
    }
}
