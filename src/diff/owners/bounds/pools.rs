//! How many threads there are at most: those of pools, by what their pools say.

use super::{add, counts_of, objects};
use crate::diff::owners::accounts::{self, Account};
use crate::diff::owners::{Bound, Holds, Scene};
use crate::index::owners::Edge;

const WORKER: &str = "java.util.concurrent.ThreadPoolExecutor$Worker";
const POOL: &str = "java.util.concurrent.ThreadPoolExecutor";
/// Its queue takes whatever comes, so that it never has more threads than to begin with.
const SCHEDULED: &str = "java.util.concurrent.ScheduledThreadPoolExecutor";
const FORK_JOIN: &str = "java.util.concurrent.ForkJoinPool";

/// The bound of what grows with threads, where all of them are workers of pools with a bound.
pub fn bound(scene: &Scene<'_>, account: &Account) -> Option<Bound> {
    let thread = thread(scene, account.lead.1)?;
    let judged = scene.judged.clone();
    let threads = objects(scene, thread);
    let threads = &threads[judged.clone()];
    let (worker, references) = worker(scene, thread)?;
    let is_all = threads.iter().zip(&references[judged.clone()]).all(|(all, of)| of >= all);
    let mut pools = pools(scene, worker);
    // Workers of several pools are alike: those are meant that have more of them.
    let grows = |pool: &u32| accounts::growth(&workers(scene, *pool)[judged.clone()]) > 0;
    if pools.iter().any(grows) {
        pools.retain(grows);
    }
    let (declared, from) = most(scene, &pools)?;
    let now = *threads.last()?;
    let is_kept = threads.iter().all(|threads| *threads <= declared);
    (is_all && is_kept && accounts::growth(threads) > 0).then_some(Bound {
        declared,
        now,
        from,
        holds: Holds::Surely,
    })
}

/// The threads with which something multiplies.
fn thread(scene: &Scene<'_>, mut node: u32) -> Option<u32> {
    let union = &scene.union;
    while !matches!(union.nodes[node as usize].edge, Edge::Thread(_)) {
        if node == 0 {
            return None;
        }
        node = union.nodes[node as usize].parent;
    }
    (scene.credits.cut[node as usize] == node).then_some(node)
}

/// The objects by which threads know their pools, and the references to them: their targets, or the
/// threads themselves.
fn worker(scene: &Scene<'_>, thread: u32) -> Option<(u32, Vec<u64>)> {
    let union = &scene.union;
    if !pools(scene, thread).is_empty() {
        return Some((thread, objects(scene, thread)));
    }
    // Newer JDKs keep the target in an object beside the thread.
    let below = union
        .children(thread)
        .filter(|child| matches!(union.nodes[*child as usize].edge, Edge::Field(..)));
    let held = std::iter::once(thread).chain(below).flat_map(|node| union.held_by(node));
    let targets = held.filter(|(sharer, _)| {
        matches!(sharer.edge, Edge::Field(..))
            && union.name(union.nodes[sharer.node as usize].class) == WORKER
    });
    let most = targets.max_by_key(|(sharer, references)| {
        (references.last().copied(), std::cmp::Reverse(sharer.node))
    })?;
    Some((most.0.node, most.1.to_vec()))
}

/// The pools that objects refer to.
fn pools(scene: &Scene<'_>, node: u32) -> Vec<u32> {
    let union = &scene.union;
    let mut pools: Vec<u32> = union
        .held_by(node)
        .filter(|(sharer, _)| matches!(sharer.edge, Edge::Field(..)))
        .map(|(sharer, _)| sharer.node)
        .filter(|node| {
            union
                .limits_of(*node)
                .iter()
                .any(|limit| [POOL, FORK_JOIN].contains(&union.name(limit.class)))
        })
        .collect();
    pools.sort_unstable();
    pools.dedup();
    pools
}

/// The workers that a pool has, by dump.
fn workers(scene: &Scene<'_>, pool: u32) -> Vec<u64> {
    let union = &scene.union;
    let is_set =
        |edge: Edge| matches!(edge, Edge::Field(_, field) if union.name(field) == "workers");
    let mut workers = vec![0; union.dumps];
    for child in union.children(pool).filter(|child| is_set(union.nodes[*child as usize].edge)) {
        add(&mut workers, &counts_of(scene, child).unwrap_or_default());
    }
    workers
}

/// How many threads pools have at most, where there are as many pools in all dumps, each with a
/// bound that stays the same; and the name of the field that says it.
fn most(scene: &Scene<'_>, pools: &[u32]) -> Option<(u64, String)> {
    let union = &scene.union;
    let mut sum: u64 = 0;
    let mut from = None;
    for pool in pools {
        let class = union.name(union.nodes[*pool as usize].class);
        let field = match class {
            SCHEDULED => "corePoolSize",
            FORK_JOIN => "parallelism",
            _ => "maximumPoolSize",
        };
        let limit = union.limits_of(*pool).iter().find(|l| union.name(l.field) == field)?;
        let objects = &objects(scene, *pool)[scene.judged.clone()];
        let of = &limit.of[scene.judged.clone()];
        let last = *of.last()?;
        let is_level = |(objects, of): (&u64, &(u64, u64))| *objects == last.0 && *of == last;
        if !objects.iter().zip(of).all(is_level) {
            return None;
        }
        sum = sum.saturating_add(last.1);
        from = Some(format!("{}.{field}", union.name(limit.class)));
    }
    Some((sum, from?))
}
