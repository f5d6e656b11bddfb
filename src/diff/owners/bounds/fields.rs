//! Limits in fields of those who hold the collection that grows: of the instance with the
//! collection, of what that has beside it (its settings), or a constant of its class.

use std::collections::BTreeMap;

use super::beside::{self, Beside, Whose};
use super::{add, counts_of, explains, objects};
use crate::diff::owners::accounts::{self, Account};
use crate::diff::owners::credit::LabelId;
use crate::diff::owners::path::{self, Link};
use crate::diff::owners::union::Limited;
use crate::diff::owners::{Bound, Holds, Scene};
use crate::index::limits::{self, Unit};
use crate::index::owners::{Edge, Name};

/// The least limit that holds for what grows; else one that it exceeds, or that may be another's.
pub fn bound(scene: &Scene<'_>, label: LabelId, account: &Account) -> Option<Bound> {
    let mut nearest = None;
    for link in path::links(scene, account.lead.1, label) {
        let here = || counts_of(scene, link.node).map(|_| link.node);
        nearest = nearest.or_else(here);
        let is_field = matches!(link.edge, Edge::Field(..) | Edge::Static(_));
        if nearest.is_some() && !is_field {
            // A limit of what is further up limits collections, not what is in them.
            return None;
        }
        if is_field && scene.credits.cut[link.holder as usize] == 0 {
            // Without a collection, what multiplies is a structure of the program's own.
            let node = *nearest.get_or_insert(account.lead.1);
            let bound = Place::of(scene, account, &link, node).bound();
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

/// Where a limit is found.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum At {
    /// In the collection itself: a class of the program's own.
    Collection,
    Holder,
    /// In what a holder has beside the collection, by the field that leads there and its class.
    Settings(Name, Name),
    /// In a static field.
    Constant,
}

/// A number near the collection that grows, of all who hold such a collection.
struct Number {
    at: At,
    class: Name,
    field: Name,
    /// Instances with the field and the sum of their numbers, by dump.
    of: Vec<(u64, u64)>,
}

/// A collection that grows, with all others that are held alike, and what is beside it.
struct Place<'a> {
    scene: &'a Scene<'a>,
    account: &'a Account,
    link: Link,
    /// Instances that hold such a collection, by dump.
    holders: Vec<u64>,
    /// Entries of the collections, by dump.
    counts: Vec<u64>,
    numbers: Vec<Number>,
    beside: Vec<Beside>,
    /// The words of the names here.
    context: Vec<String>,
}

impl<'a> Place<'a> {
    /// The place around a link, by the nearest collection below it, or what multiplies there.
    fn of(scene: &'a Scene<'a>, account: &'a Account, link: &Link, nearest: u32) -> Self {
        let pairs = match nearest == link.node {
            true => pairs(scene, link),
            false => vec![(link.holder, link.node)],
        };
        let mut counts = vec![0; scene.union.dumps];
        let nodes = match nearest == link.node {
            true => pairs.iter().map(|(_, node)| *node).collect(),
            false => vec![nearest],
        };
        for node in nodes {
            let entries = counts_of(scene, node);
            add(&mut counts, &entries.unwrap_or_else(|| uncounted(scene, account, node)));
        }
        let mut distinct: Vec<u32> = pairs.iter().map(|(holder, _)| *holder).collect();
        distinct.sort_unstable();
        distinct.dedup();
        let mut holders = vec![0; scene.union.dumps];
        distinct.iter().for_each(|holder| add(&mut holders, &objects(scene, *holder)));
        Self {
            numbers: numbers(scene, link, &pairs, &distinct),
            beside: Beside::of(scene, &distinct, &pairs),
            context: context(scene, account, link),
            scene,
            account,
            link: *link,
            holders,
            counts,
        }
    }

    fn bound(&self) -> Option<Bound> {
        let mut bounds: Vec<Bound> = self.numbers.iter().filter_map(|n| self.limit(n)).collect();
        bounds.sort_by(|a, b| (a.holds, a.declared, &a.from).cmp(&(b.holds, b.declared, &b.from)));
        bounds.into_iter().next()
    }

    /// What a number says of what grows, if it is a limit of that.
    fn limit(&self, number: &Number) -> Option<Bound> {
        let name = self.scene.union.name(number.field);
        let declared = self.total(number)?;
        let bytes = &self.account.bytes[self.scene.judged.clone()];
        let unit = limits::unit(name, &self.context).filter(|_| limits::says_limit(name));
        let values = match unit {
            Some(Unit::Entries) => self.counts[self.scene.judged.clone()].to_vec(),
            Some(Unit::Bytes(_)) => bytes.to_vec(),
            Some(Unit::Weight) => self.weight(number)?,
            None => self.counted(number)?,
        };
        let scale = match unit {
            Some(Unit::Bytes(unit)) => unit,
            _ => 1,
        };
        let declared: Vec<u64> = declared.iter().map(|value| value.saturating_mul(scale)).collect();
        if !explains(self.scene, self.account, &values) || accounts::growth(&values) <= 0 {
            return None;
        }
        let whose = match unit {
            None => Whose::Mine,
            Some(unit) => self.whose(number, unit, &declared),
        };
        let is_kept = values.iter().zip(&declared).all(|(now, declared)| now <= declared);
        let (declared, now) = (*declared.last()?, *values.last()?);
        let is_strict = unit == Some(Unit::Entries) && limits::says_strict_limit(name);
        let holds = match (whose, is_kept) {
            (Whose::Another, _) => return None,
            (Whose::Mine, true) => Holds::Surely,
            (Whose::Unclear, true) => Holds::Perhaps,
            (Whose::Mine, false) if is_strict && now > declared => Holds::Exceeded,
            _ => return None,
        };
        let from = format!("{}.{name}", self.scene.union.name(number.class));
        Some(Bound { declared, now, from, holds })
    }

    /// What all holders take together, by judged dump; `None` where the limit is not one and the
    /// same.
    fn total(&self, number: &Number) -> Option<Vec<u64>> {
        let mut each = None;
        let mut totals = Vec::new();
        for dump in self.scene.judged.clone() {
            let (objects, value) = number.of[dump];
            let holders = self.holders[dump];
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

    /// The sums of a number that says how much there is now, by judged dump.
    fn now(&self, is_wanted: impl Fn(&Number, &str) -> bool) -> Option<Vec<u64>> {
        let union = &self.scene.union;
        let counts = |number: &&Number| {
            let name = union.name(number.field);
            limits::says_count(name) && is_wanted(number, name)
        };
        let number = self.numbers.iter().find(counts)?;
        Some(number.of[self.scene.judged.clone()].iter().map(|(_, value)| *value).collect())
    }

    /// How heavy it is, by a number beside the limit that goes up with what is held.
    fn weight(&self, limit: &Number) -> Option<Vec<u64>> {
        self.now(|number, name| {
            (number.at, number.class) == (limit.at, limit.class)
                && number.field != limit.field
                && limits::says_weight(name)
                && accounts::growth(&values(number, self.scene)) > 0
        })
    }

    /// The entries, where a number beside the limit counts just these, of what the limit is named
    /// after.
    fn counted(&self, limit: &Number) -> Option<Vec<u64>> {
        let union = &self.scene.union;
        let counts = &self.counts[self.scene.judged.clone()];
        self.now(|number, name| {
            (number.at, number.class) == (limit.at, limit.class)
                && limits::is_count_of(name, union.name(limit.field))
                && values(number, self.scene) == counts
        })
    }

    /// Whose limit it is, of what is beside it.
    fn whose(&self, number: &Number, unit: Unit, declared: &[u64]) -> Whose {
        if number.at == At::Collection {
            return Whose::Mine;
        }
        let union = &self.scene.union;
        let mut names = vec![union.name(number.field)];
        if let At::Settings(field, class) = number.at {
            names.extend([union.name(field), simple(union.name(class))]);
        }
        let mine = Beside::mine(self.scene, &self.link, self.counts.clone());
        mine.whose(&self.beside, &words_of(&names), unit, declared, self.scene)
    }
}

fn values(number: &Number, scene: &Scene<'_>) -> Vec<u64> {
    number.of[scene.judged.clone()].iter().map(|(_, value)| *value).collect()
}

/// Holders and collections that are held as those of a link are, by the same owner.
fn pairs(scene: &Scene<'_>, link: &Link) -> Vec<(u32, u32)> {
    let union = &scene.union;
    let (node, holder) = (union.nodes[link.node as usize], union.nodes[link.holder as usize]);
    if node.edge != link.edge {
        return vec![(link.holder, link.node)];
    }
    let credit = scene.credits.of[link.node as usize];
    let all = union.nodes.iter().zip(0..);
    all.filter(|(other, place)| {
        let above = union.nodes[other.parent as usize];
        (other.edge, other.class) == (node.edge, node.class)
            && (above.class, above.is_class) == (holder.class, holder.is_class)
            && scene.credits.of[*place as usize] == credit
            && scene.credits.cut[other.parent as usize] == 0
    })
    .map(|(other, place)| (other.parent, place))
    .collect()
}

/// What a node that is no collection counts for: its objects, where these are what grows.
fn uncounted(scene: &Scene<'_>, account: &Account, node: u32) -> Vec<u64> {
    match node == account.lead.1 {
        true => objects(scene, node),
        false => Vec::new(),
    }
}

/// The numbers around holders, those of alike ones together.
fn numbers(scene: &Scene<'_>, link: &Link, pairs: &[(u32, u32)], holders: &[u32]) -> Vec<Number> {
    let union = &scene.union;
    let mut found: BTreeMap<(At, Name, Name), Vec<(u64, u64)>> = BTreeMap::new();
    let mut take = |at: At, limits: &[Limited]| {
        for limit in limits {
            let sums = found.entry((at, limit.class, limit.field));
            let sums = sums.or_insert_with(|| vec![(0, 0); union.dumps]);
            for (sum, (objects, value)) in sums.iter_mut().zip(&limit.of) {
                *sum = (sum.0.saturating_add(*objects), sum.1.saturating_add(*value));
            }
        }
    };
    for (_, node) in pairs {
        take(At::Collection, union.limits_of(*node));
    }
    let mut shared: Vec<(u32, Name, Name)> = Vec::new();
    for holder in holders {
        take(At::Holder, union.limits_of(*holder));
        for child in union.children(*holder) {
            let node = union.nodes[child as usize];
            match node.edge {
                Edge::Field(_, field) if beside::is_settings(scene, child) => {
                    take(At::Settings(field, node.class), union.limits_of(child));
                }
                Edge::Other => take_small(union.limits_of(child), &mut take),
                _ => {}
            }
        }
        shared.extend(union.held_by(*holder).filter_map(|(sharer, _)| match sharer.edge {
            Edge::Field(_, field) if beside::is_settings(scene, sharer.node) => {
                Some((sharer.node, field, union.nodes[sharer.node as usize].class))
            }
            _ => None,
        }));
    }
    // What several holders have in common is there once.
    shared.sort_unstable();
    shared.dedup();
    for (node, field, class) in shared {
        take(At::Settings(field, class), union.limits_of(node));
    }
    let class = match link.edge {
        Edge::Field(class, _) => class,
        _ => union.nodes[link.holder as usize].class,
    };
    for limit in union.limits_of(0).iter().filter(|limit| is_around(scene, limit.class, class)) {
        take(At::Constant, std::slice::from_ref(limit));
    }
    let number = |((at, class, field), of)| Number { at, class, field, of };
    found.into_iter().map(number).collect()
}

/// Takes limits of small objects, which are counted together: only their class says what they are.
fn take_small(limits: &[Limited], take: &mut impl FnMut(At, &[Limited])) {
    for limit in limits {
        take(At::Settings(0, limit.class), std::slice::from_ref(limit));
    }
}

/// The words of the names in a place.
fn context(scene: &Scene<'_>, account: &Account, link: &Link) -> Vec<String> {
    let union = &scene.union;
    let lead = union.nodes[account.lead.1 as usize].class;
    let holder = union.nodes[link.holder as usize].class;
    let mut words = words_of(&[simple(union.name(holder)), simple(union.name(lead))]);
    if let Edge::Field(class, _) = link.edge {
        words.extend(words_of(&[simple(union.name(class))]));
    }
    words.extend(words_of_edge(scene, link.edge));
    words
}

/// The words of the name of a field.
pub(super) fn words_of_edge(scene: &Scene<'_>, edge: Edge) -> Vec<String> {
    match edge {
        Edge::Field(_, field) | Edge::Static(field) => words_of(&[scene.union.name(field)]),
        _ => Vec::new(),
    }
}

fn words_of(texts: &[&str]) -> Vec<String> {
    texts.iter().flat_map(|text| text.split(['$', '[', ']'])).flat_map(limits::words).collect()
}

/// The name of a class without its package.
fn simple(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// True for a class and those that it is inside of.
fn is_around(scene: &Scene<'_>, around: Name, class: Name) -> bool {
    let (around, class) = (scene.union.name(around), scene.union.name(class));
    class.strip_prefix(around).is_some_and(|rest| rest.is_empty() || rest.starts_with('$'))
}
