//! How much an owner takes at most, by what the heap says: what collections declare, how long arrays
//! are, and numbers in fields near by whose names say a limit.

use super::accounts::{self, Account};
use super::credit::{Credit, LabelId};
use super::path::{self, Link};
use super::union::Limited;
use super::{Bound, Scene};
use crate::index::limits::{self, Unit};
use crate::index::owners::{Edge, Name};

/// A bound that lets an owner grow to this many times the heap is none.
const FAR: f64 = 4.0;
/// Entries explain growth when they have this part in it, on a logarithmic scale.
const EXPLAINS: f64 = 0.5;

/// True when what grows has room for no more than a few times of what it holds.
pub fn is_near(scene: &Scene<'_>, account: &Account, bound: &Bound) -> bool {
    let last = account.bytes[scene.judged.end - 1] as f64;
    last * bound.declared as f64 / bound.now.max(1) as f64 <= FAR * scene.heap_bytes
}

/// The bound of an owner, if the heap says one.
pub fn of(scene: &Scene<'_>, label: LabelId, account: &Account) -> Option<Bound> {
    of_collection(scene, label, account).or_else(|| of_fields(scene, label, account))
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
            return (0 < now && now <= declared).then_some(Bound { declared, now, from });
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

/// The least limit in a field of those who hold the collection that grows: of the instance with the
/// collection, of what that has beside it (its settings), or a constant of its class.
fn of_fields(scene: &Scene<'_>, label: LabelId, account: &Account) -> Option<Bound> {
    let mut counts: Option<Vec<u64>> = None;
    for link in path::links(scene, account.lead.1, label) {
        counts = counts.or_else(|| counts_of(scene, link.node));
        let is_field = matches!(link.edge, Edge::Field(..) | Edge::Static(_));
        if counts.is_some() && !is_field {
            // A limit of what is further up limits collections, not what is in them.
            return None;
        }
        if is_field && scene.credits.cut[link.holder as usize] == 0 {
            // Without a collection, what multiplies is a structure of the program's own.
            let held = counts.get_or_insert_with(|| objects(scene, account.lead.1));
            let bound = least_limit(scene, account, &link, held);
            if bound.is_some() {
                return bound;
            }
        }
        if link.is_owner {
            return None;
        }
    }
    None
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
            counts.iter_mut().zip(references).for_each(|(sum, count)| *sum += count);
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

/// The least of the limits around a holder that holds for what grows.
fn least_limit(scene: &Scene<'_>, account: &Account, link: &Link, counts: &[u64]) -> Option<Bound> {
    let union = &scene.union;
    let context = context(scene, account, link);
    let holders = objects(scene, link.holder);
    let mut limits: Vec<&Limited> = Vec::new();
    limits.extend(union.limits_of(link.node));
    limits.extend(union.limits_of(link.holder));
    for child in union.children(link.holder) {
        if matches!(union.nodes[child as usize].edge, Edge::Field(..) | Edge::Other) {
            limits.extend(union.limits_of(child));
        }
    }
    for (sharer, _) in union.held_by(link.holder) {
        if matches!(sharer.edge, Edge::Field(..)) {
            limits.extend(union.limits_of(sharer.node));
        }
    }
    let class = match link.edge {
        Edge::Field(class, _) => class,
        _ => union.nodes[link.holder as usize].class,
    };
    limits.extend(union.limits_of(0).iter().filter(|limit| is_around(scene, limit.class, class)));
    limits
        .into_iter()
        .filter_map(|limit| {
            let declared = total(scene, limit, &holders)?;
            let values = match limits::unit(union.name(limit.field), &context)? {
                Unit::Bytes => &account.bytes[scene.judged.clone()],
                Unit::Entries => &counts[scene.judged.clone()],
            };
            let explains = explains(scene, account, values) && accounts::growth(values) > 0;
            let is_kept = values.iter().zip(&declared).all(|(now, declared)| now <= declared);
            let from = format!("{}.{}", union.name(limit.class), union.name(limit.field));
            let (declared, now) = (*declared.last()?, *values.last()?);
            (explains && is_kept).then_some(Bound { declared, now, from })
        })
        .min_by(|a, b| (a.declared, &a.from).cmp(&(b.declared, &b.from)))
}

/// What all holders take together, by judged dump; `None` where the limit is not one and the same.
fn total(scene: &Scene<'_>, limit: &Limited, holders: &[u64]) -> Option<Vec<u64>> {
    let mut each = None;
    let mut totals = Vec::new();
    for dump in scene.judged.clone() {
        let (objects, value) = limit.of[dump];
        let holders = holders[dump];
        if holders == 0 {
            // Nobody is there yet who could hold anything.
            totals.push(u64::MAX);
            continue;
        }
        let is_one_for_all = objects == 1 || objects == holders;
        let of_each = is_one_for_all.then(|| value as f64 / objects as f64)?;
        if each.is_some_and(|each| each != of_each) {
            return None;
        }
        each = Some(of_each);
        totals.push((of_each * holders as f64) as u64);
    }
    Some(totals)
}

/// The words of the names in a place.
fn context(scene: &Scene<'_>, account: &Account, link: &Link) -> Vec<String> {
    let union = &scene.union;
    let simple = |class: Name| {
        let name = union.name(class);
        name.rsplit('.').next().unwrap_or(name)
    };
    let lead = union.nodes[account.lead.1 as usize].class;
    let holder = union.nodes[link.holder as usize].class;
    let mut texts: Vec<&str> = vec![simple(holder), simple(lead)];
    match link.edge {
        Edge::Field(class, field) => texts.extend([simple(class), union.name(field)]),
        Edge::Static(field) => texts.push(union.name(field)),
        _ => {}
    }
    texts.iter().flat_map(|text| text.split(['$', '[', ']'])).flat_map(limits::words).collect()
}

/// True for a class and those that it is inside of.
fn is_around(scene: &Scene<'_>, around: Name, class: Name) -> bool {
    let (around, class) = (scene.union.name(around), scene.union.name(class));
    class.strip_prefix(around).is_some_and(|rest| rest.is_empty() || rest.starts_with('$'))
}

/// True when numbers of the judged dumps grow enough to be what the bytes of an owner grow by.
pub fn explains(scene: &Scene<'_>, account: &Account, values: &[u64]) -> bool {
    logarithm(values) >= EXPLAINS * logarithm(&account.bytes[scene.judged.clone()])
}

fn logarithm(values: &[u64]) -> f64 {
    match values {
        [first, .., last] => ((*last as f64).max(1.0) / (*first as f64).max(1.0)).ln(),
        _ => 0.0,
    }
}
