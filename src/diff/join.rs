//! Tables side by side: rows are in order of their keys, so one pass over all tables at once will
//! do, without looking keys up.

use std::cmp::Ordering;

use crate::digest::{Amount, Rows};

/// For each key of any table, in order, its amount in each table.
pub struct Join<'a, K> {
    keys: Vec<&'a K>,
    amounts: Vec<Option<&'a Amount>>,
    tables: usize,
}

impl<'a, K: Ord> Join<'a, K> {
    pub fn new(tables: &[&'a Rows<K>]) -> Self {
        let most = tables.iter().map(|table| table.rows.len()).max().unwrap_or(0);
        let mut join = Self {
            keys: Vec::with_capacity(most),
            amounts: Vec::with_capacity(most * tables.len()),
            tables: tables.len(),
        };
        let mut rests: Vec<_> = tables.iter().map(|table| table.rows.iter()).collect();
        let mut heads: Vec<_> = rests.iter_mut().map(Iterator::next).collect();
        let mut holders = Vec::with_capacity(tables.len());
        while let Some(key) = least(&heads, &mut holders) {
            let start = join.amounts.len();
            join.keys.push(key);
            join.amounts.resize(start + tables.len(), None);
            for nth in &holders {
                join.amounts[start + nth] = heads[*nth].map(|(_, amount)| amount);
                heads[*nth] = rests[*nth].next();
            }
        }
        join
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    pub fn key(&self, row: usize) -> &'a K {
        self.keys[row]
    }

    /// The amount in each table; `None` where a table lacks the key.
    pub fn amounts(&self, row: usize) -> &[Option<&'a Amount>] {
        &self.amounts[row * self.tables..][..self.tables]
    }
}

/// The least key of the next rows, and which tables have it there.
fn least<'a, K: Ord>(
    heads: &[Option<(&'a K, &'a Amount)>],
    holders: &mut Vec<usize>,
) -> Option<&'a K> {
    let mut least = None;
    for (nth, head) in heads.iter().enumerate() {
        let Some((key, _)) = head else { continue };
        let order = least.map_or(Ordering::Less, |least| K::cmp(key, least));
        if order == Ordering::Less {
            least = Some(*key);
            holders.clear();
        }
        if order != Ordering::Greater {
            holders.push(nth);
        }
    }
    least
}
