//! How much an owner takes at most, by what the heap says: what collections declare, how long arrays
//! are, numbers in fields near by whose names say a limit, and how many threads a pool has.

mod beside;
mod fields;
mod pools;

use super::accounts::Account;
use super::credit::{Credit, LabelId};
use super::{Bound, Holds, Scene};
use crate::index::owners::Edge;

/// A bound that lets an owner grow to this many times the heap is none.
const FAR: f64 = 4.0;

/// True when what grows has room for no more than a few times of what it holds.
pub fn is_near(scene: &Scene<'_>, account: &Account, bound: &Bound) -> bool {
    let last = account.bytes[scene.judged.end - 1] as f64;
    last * bound.declared as f64 / bound.now.max(1) as f64 <= FAR * scene.heap_bytes
}

/// The bound of an owner, if the heap says one: one that holds, or else one that is exceeded.
pub fn of(scene: &Scene<'_>, label: LabelId, account: &Account) -> Option<Bound> {
    of_collection(scene, label, account)
        .or_else(|| pools::bound(scene, account))
        .or_else(|| fields::bound(scene, label, account))
}

/// The bound of the collection or array that an owner grows in: the nearest one above what grows
/// most, if it stays the same in all dumps.
fn of_collection(scene: &Scene<'_>, label: LabelId, account: &Account) -> Option<Bound> {
    let union = &scene.union;
    let last = scene.judged.end - 1;
    let mut node = account.lead.1;
    // Caches keep their entries in segments below them.
    let mut below = 0;
    while scene.credits.of[node as usize] == Credit::Label(label) && node != 0 {
        let amounts = &union.amounts(node)[scene.judged.clone()];
        let declared = amounts.last()?.bound;
        let is_level = declared > 0 && amounts.iter().all(|a| [0, declared].contains(&a.bound));
        if is_level {
            let held = held(scene, node, |edge| matches!(edge, Edge::Element | Edge::Shared(_)));
            let now = amounts.last()?.entries.max(held[last]).max(below);
            let class = union.name(union.nodes[node as usize].class);
            let from = match class.ends_with("[]") {
                true => format!("length of {class}"),
                false => class.to_owned(),
            };
            let bound = Bound { declared, now, from, holds: Holds::Surely };
            return (0 < now && now <= declared).then_some(bound);
        }
        below = below.max(amounts.last()?.entries);
        node = union.nodes[node as usize].parent;
    }
    None
}

/// Objects right below a node, by dump.
fn held(scene: &Scene<'_>, node: u32, is_counted: impl Fn(Edge) -> bool) -> Vec<u64> {
    let union = &scene.union;
    let mut held = vec![0; union.dumps];
    for child in union.children(node).filter(|child| is_counted(union.nodes[*child as usize].edge))
    {
        let objects = union.amounts(child).iter().map(|amounts| amounts.objects);
        held.iter_mut().zip(objects).for_each(|(sum, objects)| *sum += objects);
    }
    held
}

/// Entries of a collection or array, by dump; `None` for what is neither.
fn counts_of(scene: &Scene<'_>, node: u32) -> Option<Vec<u64>> {
    let union = &scene.union;
    if scene.credits.cut[node as usize] != 0 {
        return None;
    }
    let mut counts = held(scene, node, |edge| matches!(edge, Edge::Element | Edge::Key));
    for (sharer, references) in union.held_by(node) {
        if matches!(sharer.edge, Edge::Element | Edge::Key) {
            add(&mut counts, references);
        }
    }
    for (count, amounts) in counts.iter_mut().zip(union.amounts(node)) {
        *count = amounts.entries.max(*count);
    }
    counts.iter().any(|count| *count > 0).then_some(counts)
}

fn objects(scene: &Scene<'_>, node: u32) -> Vec<u64> {
    scene.union.amounts(node).iter().map(|amounts| amounts.objects).collect()
}

fn add(sums: &mut [u64], values: &[u64]) {
    sums.iter_mut().zip(values).for_each(|(sum, value)| *sum = sum.saturating_add(*value));
}

/// True when numbers of the judged dumps grow enough to be what the bytes of an owner grow by.
pub fn explains(scene: &Scene<'_>, account: &Account, values: &[u64]) -> bool {
    /// The part of the growth that must be theirs, on a logarithmic scale.
    const EXPLAINS: f64 = 0.5;
    logarithm(values) >= EXPLAINS * logarithm(&account.bytes[scene.judged.clone()])
}

fn logarithm(values: &[u64]) -> f64 {
    match values {
        [first, .., last] => ((*last as f64).max(1.0) / (*first as f64).max(1.0)).ln(),
        _ => 0.0,
    }
}
