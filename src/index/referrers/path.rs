//! The way from a root to an object.
//!
//! Each step back on a way would cost a search for referrers. Dominators are in the index, and every
//! way leads through all of them, so the ways from each dominator to the next are searched at once:
//! one search is mostly enough.

use std::collections::VecDeque;

use hashbrown::{HashMap, HashSet};

use super::search::Tracer;
use super::{Link, Referrers, Roots, Strength};
use crate::index::store::{HeapIndex, Level, StoredRoot};

/// Objects from which a way is searched at once.
const FRONTIER: usize = 10_000;
/// Searches for referrers at most.
const SEARCHES: usize = 64;
/// Dominators at each end of a way that are looked at; a list has millions of them.
const ENDS: usize = 16;
/// Dominators that are climbed over at most.
const CLIMB: u64 = 100_000_000;

/// An object on the way from a root, or a stretch of the way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// An object, and how the one before refers to it.
    Object(u64, Option<Link>),
    /// So many dominators that are not shown.
    Skipped(u64),
    /// The way between the neighbours was not found.
    NotFound,
}

/// What leads to an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    pub referrers: Referrers,
    /// The root that holds the first object of [`Self::steps`].
    pub root: Option<StoredRoot>,
    /// From the root to the object.
    pub steps: Vec<Step>,
}

/// The search for the way to an object from its dominator, or from a root.
struct Leg {
    to: u64,
    /// `None` for any root, or any object of an earlier level.
    from: Option<u64>,
    /// Objects that were met, with the next one on the way to [`Self::to`].
    next: HashMap<u64, (u64, Link)>,
    frontier: Vec<u64>,
    /// Where the way begins, once that is found.
    start: Option<u64>,
}

impl Leg {
    fn new(to: u64, from: Option<u64>) -> Self {
        Self { to, from, next: HashMap::new(), frontier: vec![to], start: None }
    }

    /// Goes one reference back.
    fn advance(&mut self, index: &HeapIndex, roots: &Roots, all: &HashMap<u64, Referrers>) {
        let level = index.level(self.to);
        let mut met = Vec::new();
        for target in std::mem::take(&mut self.frontier) {
            for reference in all.get(&target).into_iter().flat_map(|all| &all.references) {
                let from = reference.from;
                let theirs = index.level(from);
                // A referent leads to levels behind the strong one only.
                let leads = match reference.strength {
                    Strength::Retains => true,
                    Strength::Referent => self.from.is_none() && level != Level::Strong,
                    Strength::Discovered => false,
                };
                let is_known = from == self.to || self.next.contains_key(&from);
                // What the object itself dominates is on no shortest way to it.
                if !leads || theirs > level || is_known || index.dominator(from) == Some(self.to) {
                    continue;
                }
                self.next.insert(from, (target, reference.link));
                met.push(from);
            }
        }
        met.sort_unstable();
        let ends = |from: &u64| {
            self.from == Some(*from)
                || roots.of.contains_key(from)
                || (self.from.is_none() && index.level(*from) < level)
        };
        self.start = met.iter().copied().find(ends);
        if self.start.is_none() {
            met.truncate(FRONTIER);
            self.frontier = met;
        }
    }

    /// The steps behind the start.
    fn steps(&self) -> Vec<Step> {
        let Some(start) = self.start else {
            return vec![Step::NotFound, Step::Object(self.to, None)];
        };
        let mut steps = Vec::new();
        let mut at = start;
        while at != self.to {
            let Some((next, link)) = self.next.get(&at) else { break };
            steps.push(Step::Object(*next, Some(*link)));
            at = *next;
        }
        steps
    }
}

/// The dominators of an object up to the first that is a root itself, the object included; nearest
/// first.
struct Chain {
    /// Those near the object.
    near: Vec<u64>,
    /// How many are left out.
    skipped: u64,
    /// Those near the root.
    far: Vec<u64>,
}

impl Chain {
    fn of(index: &HeapIndex, object: u64, roots: &Roots) -> Self {
        let mut near = vec![object];
        let mut far = VecDeque::new();
        let mut skipped = 0;
        let mut at = object;
        for _ in 0..CLIMB {
            if roots.of.contains_key(&at) {
                break;
            }
            let Some(above) = index.dominator(at) else { break };
            at = above;
            if near.len() < ENDS {
                near.push(at);
                continue;
            }
            far.push_back(at);
            if far.len() > ENDS {
                far.pop_front();
                skipped += 1;
            }
        }
        Self { near, skipped, far: far.into() }
    }

    /// The ways between neighbours.
    fn legs(&self) -> Vec<Leg> {
        let all = [&self.near[..], &self.far].concat();
        let pairs = all.windows(2).enumerate();
        let neighbours = pairs.filter(|(nth, _)| self.skipped == 0 || *nth != self.gap());
        neighbours.map(|(_, pair)| Leg::new(pair[0], Some(pair[1]))).collect()
    }

    /// How many of the ways come before what is left out.
    fn gap(&self) -> usize {
        self.near.len() - 1
    }
}

/// The searches for the way to an object.
struct Searches<'t> {
    tracer: &'t Tracer<'t>,
    object: u64,
    /// What refers to the object: the first search finds it, too.
    referrers: Option<Referrers>,
    count: usize,
}

impl Searches<'_> {
    /// Searches for all ways at once, as long as there is hope.
    fn advance(&mut self, legs: &mut [Leg]) {
        while self.count < SEARCHES {
            let searched = legs.iter().filter(|leg| leg.start.is_none());
            let mut wanted: HashSet<u64> =
                searched.flat_map(|leg| leg.frontier.iter().copied()).collect();
            let asked = self.referrers.is_none().then_some(self.object);
            wanted.extend(asked);
            if wanted.is_empty() {
                break;
            }
            let wanted: Vec<u64> = wanted.into_iter().collect();
            let goals = legs.iter().filter_map(|leg| leg.from).collect();
            let all = self.tracer.referrers(&wanted, goals, asked);
            self.count += 1;
            if asked.is_some() {
                self.referrers = Some(all.get(&self.object).cloned().unwrap_or_default());
            }
            for leg in legs.iter_mut().filter(|leg| leg.start.is_none()) {
                leg.advance(self.tracer.heap.index, self.tracer.roots, &all);
            }
        }
    }
}

/// Finds who refers to an object, and a shortest way from a root to it.
pub fn trace(tracer: &Tracer<'_>, object: u64) -> Trace {
    let (index, roots) = (tracer.heap.index, tracer.roots);
    let mut searches = Searches { tracer, object, referrers: None, count: 0 };
    let mut root = None;
    let mut target = object;
    // From the object up: steps are collected in that order and turned round in the end.
    let mut steps: Vec<Step> = Vec::new();
    // The way was not found up to a root: its last object is in the steps already.
    let mut is_cut = false;
    // Each round ends at a root, or at an object of an earlier level, of which there are few.
    for _ in 0..Level::COUNT {
        let chain = Chain::of(index, target, roots);
        let mut legs = chain.legs();
        let top = chain.far.last().or(chain.near.last()).copied().unwrap_or(target);
        let is_held = index.level(target) != Level::Unreachable;
        if !roots.of.contains_key(&top) && is_held {
            legs.push(Leg::new(top, None));
        }
        searches.advance(&mut legs);
        let mut start = target;
        for (nth, leg) in legs.iter().enumerate() {
            if nth == chain.gap() && chain.skipped > 0 {
                steps.extend(chain.near.last().map(|last| Step::Object(*last, None)));
                steps.push(Step::Skipped(chain.skipped));
            }
            steps.extend(leg.steps().into_iter().rev());
            start = leg.start.or(leg.from).unwrap_or(leg.to);
            is_cut = leg.start.is_none() && leg.from.is_none();
            // A root in the middle: what dominates it need not be shown.
            if leg.start.is_some() && roots.of.contains_key(&start) {
                break;
            }
        }
        root = roots.of.get(&start).copied();
        target = start;
        if root.is_some() || is_cut || !is_held {
            break;
        }
    }
    if !is_cut {
        steps.push(Step::Object(target, None));
    }
    steps.reverse();
    Trace { referrers: searches.referrers.unwrap_or_default(), root, steps }
}
