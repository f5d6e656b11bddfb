//! Counts the rows of all digests alike: where one digest counts some together, all do. Else rows
//! that stayed the same would seem to come and go.

use rayon::prelude::*;

use super::join::Join;
use crate::digest::{ArrayKey, Digest, Rows};

/// The digests, counted alike; `None` when there is nothing to do.
pub fn alike(digests: &[Digest]) -> Option<Vec<Digest>> {
    let from = digests.iter().filter_map(|digest| digest.folded_from).min();
    let buckets = from.filter(|from| digests.iter().any(|digest| tells_lengths(digest, *from)));
    let is_folded = digests.iter().any(Digest::is_folded);
    if buckets.is_none() && !is_folded {
        return None;
    }
    let mut alike = digests.to_vec();
    if let Some(from) = buckets {
        alike.par_iter_mut().for_each(|digest| bucket_lengths(digest, from));
    }
    if is_folded {
        fold_rows(&mut alike, |digest| &mut digest.classes);
        fold_rows(&mut alike, |digest| &mut digest.arrays);
        fold_rows(&mut alike, |digest| &mut digest.packages);
        fold_rows(&mut alike, |digest| &mut digest.loaders);
    }
    Some(alike)
}

/// Says which rows are not told apart; `None` when all are.
pub fn warning(digests: &[Digest]) -> Option<String> {
    let largest = digests.iter().filter_map(Digest::largest_folded).max()?;
    let folded: Vec<String> = digests
        .iter()
        .zip(1..)
        .filter(|(digest, _)| digest.is_folded())
        .map(|(_, nth): (_, usize)| nth.to_string())
        .collect();
    let (dumps, count) = match folded.len() {
        1 => ("dump", "counts"),
        _ => ("dumps", "count"),
    };
    Some(format!(
        "{dumps} {}: the digest had no room for every row and {count} small ones together: rows of up \
         to {largest} bytes are in (other), and one that outgrew that can seem new or gone",
        folded.join(", ")
    ))
}

/// True when lengths from `from` on are told apart.
fn tells_lengths(digest: &Digest, from: u32) -> bool {
    digest.arrays.rows.keys().any(|key| key.length.folded(from) != key.length)
}

/// Counts array lengths from `from` on in buckets.
fn bucket_lengths(digest: &mut Digest, from: u32) {
    for (key, amount) in std::mem::take(&mut digest.arrays.rows) {
        digest.arrays.add(ArrayKey { length: key.length.folded(from), ..key }, amount);
    }
}

/// Counts a row together with others in all digests when one has no row for it and nothing says
/// that it is larger than what was folded there.
fn fold_rows<K: Ord + Clone>(digests: &mut [Digest], of: impl Fn(&mut Digest) -> &mut Rows<K>) {
    let mut tables: Vec<&mut Rows<K>> = digests.iter_mut().map(of).collect();
    let folded = folded(&tables.iter().map(|table| &**table).collect::<Vec<_>>());
    for table in &mut tables {
        // Both are in order.
        let mut folded = folded.iter().peekable();
        table.fold(|_, key| {
            while folded.next_if(|folded| *folded < key).is_some() {}
            folded.next_if_eq(&key).is_some()
        });
    }
}

/// The keys that some table counts together, in order.
fn folded<K: Ord + Clone>(tables: &[&Rows<K>]) -> Vec<K> {
    let join = Join::new(tables);
    let is_folded = |row: &usize| {
        let amounts = join.amounts(*row);
        let most = amounts.iter().flatten().map(|amount| amount.shallow_bytes).max().unwrap_or(0);
        let small = |table: &Rows<K>| table.other.is_some_and(|other| most <= other.largest_bytes);
        tables.iter().zip(amounts).any(|(table, amount)| amount.is_none() && small(table))
    };
    (0..join.len()).filter(is_folded).map(|row| join.key(row).clone()).collect()
}
