//! Keeps a digest within a number of bytes, whatever the dump: the smallest rows of all tables are
//! counted together, until the rest fits.

use std::collections::HashSet;

use super::file::{self, Key};
use super::origins::Origins;
use super::{Digest, Rows, ThreadKey};

/// What the file's own tables and the sums of rows that are counted together take, at most.
const OVERHEAD: u64 = 2048;
/// Threads get this share of the bytes.
const THREADS_SHARE: u64 = 8;
/// Locations of classes get this share, or are left out.
const ORIGINS_SHARE: u64 = 8;

/// A row: its bytes in the heap, its table and place there, its bytes in the file.
type Row = (u64, usize, usize, u64);

/// Counts rows together until the digest, before it is compressed, takes no more than `budget`
/// bytes. What is not a row (a few KB of facts) stays, whatever the budget.
///
/// # Errors
/// None but what the serializer of the facts reports.
pub fn bound(digest: &mut Digest, budget: u64) -> serde_json::Result<()> {
    let mut left = (budget / THREADS_SHARE) as i128;
    let keep = digest.threads.iter().take_while(|thread| {
        left -= i128::from(thread.bytes());
        left >= 0
    });
    let keep = keep.count();
    digest.more_threads += (digest.threads.len() - keep) as u64;
    digest.threads.truncate(keep);

    // They would be wrong with a part missing, and packages are few in any real program.
    if digest.origins.bytes() > budget / ORIGINS_SHARE {
        digest.origins = Origins::default();
    }

    let held = digest.held.as_mut().map_or(0, |held| held.bound(budget));
    let mut rows = Vec::new();
    list(&digest.arrays, 0, &mut rows);
    list(&digest.classes, 1, &mut rows);
    list(&digest.packages, 2, &mut rows);
    list(&digest.loaders, 3, &mut rows);
    let threads: u64 = digest.threads.iter().map(ThreadKey::bytes).sum();
    let fixed =
        OVERHEAD + file::head(digest)?.len() as u64 + threads + held + digest.origins.bytes();
    let mut needed = fixed + rows.iter().map(|(.., bytes)| bytes).sum::<u64>();
    if needed <= budget {
        return Ok(());
    }
    // Of rows of the same size, the ones that stand first: the order is total.
    rows.sort_unstable();
    let mut folded: [HashSet<usize>; 4] = Default::default();
    for (_, table, nth, bytes) in rows {
        if needed <= budget {
            break;
        }
        folded[table].insert(nth);
        needed -= bytes;
    }
    let [arrays, classes, packages, loaders] = folded;
    digest.arrays.fold(|nth, _| arrays.contains(&nth));
    digest.classes.fold(|nth, _| classes.contains(&nth));
    digest.packages.fold(|nth, _| packages.contains(&nth));
    digest.loaders.fold(|nth, _| loaders.contains(&nth));
    Ok(())
}

fn list<K: Key>(table: &Rows<K>, number: usize, rows: &mut Vec<Row>) {
    rows.extend(table.rows.iter().enumerate().map(|(nth, (key, amount))| {
        (amount.shallow_bytes, number, nth, key.bytes() + file::amount_bytes(*amount))
    }));
}
