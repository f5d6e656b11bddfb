//! Whether entries stay. What leaks stays: of the entries that a map had when some of the growth was
//! done, those that leaked are there to the end. Where they are not, there is only more of what comes
//! and goes, and that is load.

use super::accounts::{self, Account};
use super::credit::LabelId;
use super::{Scene, bounds, path};
use crate::index::marks::MOST_OF_NODE;

/// Keys that have to be known again, or not.
const LEAST_KEYS: usize = 24;
/// A dump by which this part of the growth is done.
const GROWN: f64 = 0.25;
/// Of that growth, more than this part is gone.
const STAYS: f64 = 0.3;
/// Entries stay when this part of them does.
const ALL: f64 = 0.95;
/// What grows by more entries has this part of its growth in one map.
const MOSTLY: f64 = 0.7;
/// Marks stand for a map when there are at least so many of those to be expected.
const MARKED: f64 = 0.5;

/// How many of the entries of one dump are in the last one, of those that were looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Turnover {
    /// The dump and the last one, from 0.
    pub dump: usize,
    pub last: usize,
    pub looked_at: usize,
    pub left: usize,
}

/// The turnover of the map that an owner grows by, if its entries are replaced.
pub fn of(scene: &Scene<'_>, label: LabelId, account: &Account) -> Option<Turnover> {
    first_map(scene, label, account, |node, entries| replaced(scene, node, entries))
}

/// The turnover of the map that an owner grows by, if those of the first dump stay.
pub fn staying(scene: &Scene<'_>, label: LabelId, account: &Account) -> Option<Turnover> {
    first_map(scene, label, account, |node, entries| {
        let (first, last) = (scene.judged.start, scene.judged.end - 1);
        between(scene, node, first, last, entries[0])
            .filter(|turnover| turnover.left as f64 >= ALL * turnover.looked_at as f64)
    })
}

/// What is told of the maps by whose entries an owner grows, the innermost first.
fn first_map(
    scene: &Scene<'_>,
    label: LabelId,
    account: &Account,
    tell: impl Fn(u32, &[u64]) -> Option<Turnover>,
) -> Option<Turnover> {
    for link in path::links(scene, account.lead.1, label) {
        let entries = entries(scene, link.node, account);
        let told = entries.and_then(|entries| tell(link.node, &entries));
        if told.is_some() || link.is_owner {
            return told;
        }
    }
    None
}

/// The entries of the maps of a node, by judged dump, where they are what an owner grows by.
fn entries(scene: &Scene<'_>, node: u32, account: &Account) -> Option<Vec<u64>> {
    let union = &scene.union;
    union.marks(node, scene.judged.end - 1)?;
    let amounts = &union.amounts(node)[scene.judged.clone()];
    let entries: Vec<u64> = amounts.iter().map(|amounts| amounts.entries).collect();
    let retained: Vec<u64> = amounts.iter().map(|amounts| amounts.retained).collect();
    let is_most =
        accounts::growth(&retained) as f64 >= MOSTLY * account.growth(&scene.judged) as f64;
    let grows = is_most && accounts::growth(&entries) > 0;
    (grows && bounds::explains(scene, account, &entries)).then_some(entries)
}

fn replaced(scene: &Scene<'_>, node: u32, entries: &[u64]) -> Option<Turnover> {
    let grown = |dump: usize| entries[dump].saturating_sub(entries[0]) as f64;
    let last = entries.len() - 1;
    let nth = (1..last).find(|nth| grown(*nth) >= GROWN * grown(last))?;
    let start = scene.judged.start;
    let turnover = between(scene, node, start + nth, start + last, entries[nth])?;
    // One more may be left than was seen.
    let left = (turnover.left + 1) as f64 / turnover.looked_at as f64 * entries[nth] as f64;
    (left <= STAYS * grown(nth)).then_some(turnover)
}

/// Which of the `entries` of a node in a dump are in a later one; `None` where too few have marks.
fn between(
    scene: &Scene<'_>,
    node: u32,
    dump: usize,
    later: usize,
    entries: u64,
) -> Option<Turnover> {
    let (before, after) = (scene.union.marks(node, dump)?, scene.union.marks(node, later)?);
    let expected = entries as f64 * f64::from(before.below) / f64::from(u32::MAX);
    if (before.marks.len() as f64) < MARKED * expected.min(MOST_OF_NODE as f64) {
        return None;
    }
    let below = before.below.min(after.below);
    let seen = before.marks.iter().take_while(|mark| **mark <= below);
    let (mut looked_at, mut left) = (0, 0);
    for mark in seen {
        looked_at += 1;
        left += usize::from(after.marks.binary_search(mark).is_ok());
    }
    (looked_at >= LEAST_KEYS).then_some(Turnover { dump, last: later, looked_at, left })
}
