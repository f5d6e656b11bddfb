//! Who is credited for a node: the nearest field above it that means something.
//!
//! From the top down, a node that *multiplies* (its count explains its growth) ends the search: all
//! below it belongs to the owner above it. A shared node is credited to those who hold it, by their
//! part in its growth.

use std::cmp::Reverse;
use std::ops::Range;

use hashbrown::{HashMap, HashSet};

use super::containers::Containers;
use super::label::{Label, OwnerKind, is_generated, is_lambda, is_transparent};
use super::union::{Amounts, Node, Sharer, Union};
use super::ways::Ways;
use crate::index::owners::{Edge, Name};

/// A number in [`Credits::labels`].
pub type LabelId = u32;

/// Owners and their parts, which add up to 1.
pub type Mix = Vec<(LabelId, f64)>;

/// Whom a node is credited to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Credit {
    Label(LabelId),
    /// A number in [`Credits::mixes`].
    Mix(u32),
}

/// See the module's text.
pub struct Credits {
    pub labels: Vec<Label>,
    pub mixes: Vec<Mix>,
    /// By node.
    pub of: Vec<Credit>,
    /// The topmost node at or above that multiplies, by node; 0 where there is none.
    pub cut: Vec<u32>,
    /// True for what is only softly, weakly, … reachable, by node.
    pub is_weak: Vec<bool>,
    /// The program's own.
    pub containers: Containers,
    /// Pairs of owners that hold the same objects, each of them all.
    restated: HashSet<(LabelId, LabelId)>,
}

impl Credits {
    /// Credits the nodes of a union by their growth over the dumps in `judged`.
    pub fn of(union: &Union<'_>, ways: &Ways, judged: &Range<usize>) -> Self {
        let mut finder = Finder::new(union, ways, judged.clone());
        finder.descend();
        finder.settle_shared();
        finder.finish()
    }

    /// True when two owners hold the same objects that multiply.
    pub fn is_restated(&self, a: LabelId, b: LabelId) -> bool {
        self.restated.contains(&(a.min(b), a.max(b)))
    }

    /// The owners of a node, each with its part.
    pub fn parts(&self, credit: Credit) -> Mix {
        match credit {
            Credit::Label(label) => vec![(label, 1.0)],
            Credit::Mix(mix) => self.mixes[mix as usize].clone(),
        }
    }
}

/// How much an owner says, least first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Rank {
    Group,
    Root,
    /// A field of a container of the program's own.
    Container,
    Stack,
    /// A field of a transparent class.
    Passing,
    /// A field that means something.
    Named,
}

/// What is above an edge, up to the next shared node.
#[derive(Clone, Copy, Default, Debug)]
struct Above {
    /// The nearest field of a class that is not transparent, whose holders do not multiply.
    named: Option<LabelId>,
    /// The topmost field of a transparent class, whose holders do not multiply.
    passing: Option<LabelId>,
    /// The nearest field that an object of the program has from a class of the JDK: by the class of
    /// the object, and by the one that declares it.
    inherited: Option<(LabelId, LabelId)>,
    /// The topmost field of a container of the program's own, whose holders do not multiply.
    container: Option<LabelId>,
    /// The nearest frame, or thread local of a transparent class.
    stack: Option<LabelId>,
    root: Option<LabelId>,
    /// The shared node above; 0 where there is none.
    region: u32,
}

/// Who is credited for a shared node.
#[derive(Clone, Debug)]
struct Settled {
    rank: Rank,
    mix: Mix,
}

impl Settled {
    fn one(rank: Rank, label: LabelId) -> Self {
        Self { rank, mix: vec![(label, 1.0)] }
    }
}

struct Finder<'u, 'a> {
    union: &'u Union<'a>,
    ways: &'u Ways,
    judged: Range<usize>,
    transparent: Vec<bool>,
    containers: Containers,
    numbers: HashMap<Label, LabelId>,
    labels: Vec<Label>,
    above: Vec<Above>,
    cut: Vec<u32>,
    is_weak: Vec<bool>,
    settled: HashMap<u32, Settled>,
    restated: HashSet<(LabelId, LabelId)>,
}

/// Parts below this are left out.
const LEAST_PART: f64 = 0.02;
/// Owners of the best rank count alone when they have at least this part.
const ENOUGH: f64 = 0.1;
/// Relative change of the number of holders from which on they multiply.
const STABLE: f64 = 0.1;

impl<'u, 'a> Finder<'u, 'a> {
    fn new(union: &'u Union<'a>, ways: &'u Ways, judged: Range<usize>) -> Self {
        let nodes = union.nodes.len();
        Self {
            union,
            ways,
            judged,
            transparent: union.names.iter().map(|name| is_transparent(name)).collect(),
            containers: Containers::of(union),
            numbers: HashMap::new(),
            labels: Vec::new(),
            above: vec![Above::default(); nodes],
            cut: vec![0; nodes],
            is_weak: vec![false; nodes],
            settled: HashMap::new(),
            restated: HashSet::new(),
        }
    }

    fn label(&mut self, kind: OwnerKind, class: Name, member: Option<Name>) -> LabelId {
        let label = Label { kind, class, member };
        *self.numbers.entry(label).or_insert_with(|| {
            self.labels.push(label);
            (self.labels.len() - 1) as LabelId
        })
    }

    fn amounts(&self, node: u32) -> &'u [Amounts] {
        &self.union.amounts(node)[self.judged.clone()]
    }

    /// Looks at all nodes from the top down.
    fn descend(&mut self) {
        for nth in 1..self.union.nodes.len() {
            let node = self.union.nodes[nth];
            let parent = node.parent as usize;
            self.is_weak[nth] = self.is_weak[parent] || self.is_weak_level(node.edge);
            self.above[nth] = match node.edge {
                Edge::Shared(_) => Above { region: nth as u32, ..Above::default() },
                Edge::Level(_) if !self.is_weak[nth] => self.below_finalizers(nth as u32, node),
                edge => self.below(self.above[parent], node.parent, edge, node.class),
            };
            let multiplies = node.edge != Edge::Other && self.multiplies(nth as u32);
            self.cut[nth] = match self.cut[parent] {
                0 if multiplies => nth as u32,
                cut => cut,
            };
        }
    }

    /// What is above objects that only wait to be finalized. The JVM's list of finalizers keeps them,
    /// by references that are no ordinary ones; each of them has a finalizer of its own.
    fn below_finalizers(&mut self, nth: u32, node: Node) -> Above {
        let names = &self.union.names;
        let name = |text: &str| names.binary_search(&text).ok().map(|place| place as Name);
        let list = name("java.lang.ref.Finalizer").zip(name("unfinalized"));
        let waiting = self.amounts(nth).last().map_or(0, |amounts| amounts.objects);
        let finalizers = |class: Name| -> u64 {
            let nodes = self.union.nodes.iter().zip(0..);
            let of_class = nodes.filter(|(node, _)| node.class == class && !node.is_class);
            let amounts = of_class.filter_map(|(_, place)| self.amounts(place).last());
            amounts.map(|amounts| amounts.objects).sum()
        };
        match list {
            Some((class, list)) if finalizers(class) >= waiting => {
                let named = self.label(OwnerKind::StaticField, class, Some(list));
                Above { named: Some(named), ..Above::default() }
            }
            _ => self.below(Above::default(), 0, node.edge, node.class),
        }
    }

    /// What is above an edge of `holder` to objects of `class`, the edge included.
    fn below(&mut self, above: Above, holder: u32, edge: Edge, class: Name) -> Above {
        let parent = self.union.nodes[holder as usize];
        match edge {
            // Holders that multiply are held by the owner.
            Edge::Static(_) | Edge::Field(..) if !self.is_stable(holder) => above,
            // What holds others of its own class (`next`) is held with them.
            Edge::Field(..)
                if parent.class == class && (above.named.is_some() || above.region != 0) =>
            {
                above
            }
            Edge::Static(field) if parent.is_class => {
                self.field(above, OwnerKind::StaticField, parent.class, field)
            }
            // A link of a list or a tree: who holds the first one holds them all.
            Edge::Field(declaring, _) if declaring == class => above,
            // As collections do, they only pass on what they hold.
            Edge::Field(declaring, field) if self.containers.is_structure(parent.class) => {
                self.field_of_container(above, declaring, field)
            }
            Edge::Field(declaring, field) => {
                let above = self.inherited(above, parent.class, declaring, field);
                self.field(above, OwnerKind::InstanceField, declaring, field)
            }
            Edge::ThreadLocal(name) => {
                let label = Some(self.label(OwnerKind::ThreadLocal, name, None));
                match self.is_transparent(name) {
                    true => Above { stack: label, ..above },
                    false => Above { named: label, ..above },
                }
            }
            Edge::Local(method) => {
                let label = self.label(OwnerKind::ThreadStack, method, None);
                Above { stack: Some(label), ..above }
            }
            Edge::Thread(name) => {
                let label = self.label(OwnerKind::Thread, class, Some(name));
                Above { root: Some(label), ..above }
            }
            Edge::Root(name) | Edge::Level(name) => {
                let is_jni = self.union.name(name).starts_with("JNI");
                let kind = if is_jni { OwnerKind::JniGlobal } else { OwnerKind::Root };
                Above { root: Some(self.label(kind, class, Some(name))), ..above }
            }
            Edge::Class if !parent.is_class && above.root.is_none() => {
                let label = self.label(OwnerKind::ClassLoader, parent.class, None);
                Above { root: Some(label), ..above }
            }
            _ => above,
        }
    }

    /// What is above a field, the field included, whose holders do not multiply.
    fn field(&mut self, above: Above, kind: OwnerKind, class: Name, field: Name) -> Above {
        // The capture of a lambda is no name.
        if is_lambda(self.union.name(class)) {
            return above;
        }
        if !self.is_transparent(class) {
            return Above { named: Some(self.label(kind, class, Some(field))), ..above };
        }
        match above.passing {
            Some(_) => above,
            None => Above { passing: Some(self.label(kind, class, Some(field))), ..above },
        }
    }

    /// What is above a field of the JDK that an object of the program has, and a registry of the JDK
    /// has the object: a broadcaster that a server of beans knows.
    fn inherited(&mut self, above: Above, holder: Name, declaring: Name, field: Name) -> Above {
        let is_heir = !self.is_transparent(holder) && !is_generated(self.union.name(holder));
        let may_be_registered = above.passing.is_some() || above.region != 0;
        if !is_heir || !may_be_registered || !self.is_transparent(declaring) {
            return above;
        }
        let [by_holder, declared] = [holder, declaring]
            .map(|class| self.label(OwnerKind::InstanceField, class, Some(field)));
        Above { inherited: Some((by_holder, declared)), ..above }
    }

    /// What is above a field of a container, or of an entry of one. It is named where there is nobody
    /// who uses the container.
    fn field_of_container(&mut self, above: Above, class: Name, field: Name) -> Above {
        let label = self.label(OwnerKind::InstanceField, class, Some(field));
        Above { container: above.container.or(Some(label)), ..above }
    }

    /// True for what goes by itself when memory is short. What waits for finalizers and cleaners
    /// does not.
    fn is_weak_level(&self, edge: Edge) -> bool {
        matches!(edge, Edge::Level(level) if !self.union.name(level).starts_with("phantom"))
    }

    fn is_transparent(&self, class: Name) -> bool {
        self.transparent.get(class as usize).copied().unwrap_or(true)
    }

    /// True when the number of objects stays about the same.
    fn is_stable(&self, node: u32) -> bool {
        is_level(self.amounts(node).iter().map(|amounts| amounts.objects))
    }

    /// True when the count of a node explains at least half of its growth, on a logarithmic scale.
    fn multiplies(&self, node: u32) -> bool {
        let amounts = self.amounts(node);
        let Some(onset) = amounts.iter().position(|amounts| amounts.objects > 0) else {
            return false;
        };
        let (first, last) = (amounts[onset], amounts[amounts.len() - 1]);
        if onset > 0 && last.retained <= first.retained + first.retained / 100 {
            // All came at once: they are many of one holder, or a part of what came.
            let holders = self.amounts(self.union.nodes[node as usize].parent);
            return last.objects > holders[amounts.len() - 1].objects;
        }
        let logarithm = |last: u64, first: u64| (last as f64 / first.max(1) as f64).ln();
        last.retained > first.retained
            && logarithm(last.objects, first.objects)
                >= 0.5 * logarithm(last.retained, first.retained)
    }

    /// Credits shared nodes, those first whose holders are credited.
    fn settle_shared(&mut self) {
        let targets = self.targets();
        self.find_restated(&targets);
        let mut pending: Vec<u32> = (1..self.union.nodes.len() as u32)
            .filter(|node| matches!(self.union.nodes[*node as usize].edge, Edge::Shared(_)))
            .collect();
        let mut in_circles = false;
        while !pending.is_empty() {
            let settle = |node: &u32| Some((*node, self.settle(*node, &targets, in_circles)?));
            let batch: Vec<(u32, Settled)> = pending.iter().filter_map(settle).collect();
            if batch.is_empty() && in_circles {
                break;
            }
            // Nodes that hold each other wait for each other: then what is known decides.
            in_circles = batch.is_empty();
            self.settled.extend(batch);
            pending.retain(|node| !self.settled.contains_key(node));
        }
        for node in pending {
            let label = self.group(node as usize);
            self.settled.insert(node, Settled::one(Rank::Group, label));
        }
    }

    /// What is above each of those who hold a shared node, and its part.
    fn targets(&mut self) -> HashMap<u32, Vec<(Above, u32, f64)>> {
        let union = self.union;
        let mut targets: HashMap<u32, Vec<(Above, u32, f64)>> = HashMap::new();
        let mut start = 0;
        for sharers in union.sharers.chunk_by(|a, b| a.node == b.node) {
            let node = sharers[0].node;
            let parts = self.parts(node, start..start + sharers.len());
            start += sharers.len();
            if self.cut[node as usize] != 0 && self.cut[node as usize] != node {
                continue;
            }
            let class = union.nodes[node as usize].class;
            for (sharer, part) in sharers.iter().zip(parts).filter(|(_, part)| *part > 0.0) {
                let above = self.above[sharer.holder as usize];
                let above = match self.cut[sharer.holder as usize] {
                    0 if union.nodes[sharer.holder as usize].edge == Edge::Other => {
                        self.below_small(above, sharers, sharer.edge)
                    }
                    0 => self.below(above, sharer.holder, sharer.edge, class),
                    cut => self.above[cut as usize],
                };
                targets.entry(node).or_default().push((above, sharer.holder, part));
            }
        }
        targets
    }

    /// What is above an edge of objects that are counted together with others: their number is not
    /// known, but a field whose references stay the same has holders that do.
    fn below_small(&mut self, above: Above, sharers: &[Sharer], edge: Edge) -> Above {
        let Edge::Field(class, field) = edge else { return above };
        let union = self.union;
        let first = union.sharers.partition_point(|sharer| *sharer < sharers[0]);
        let mut references = vec![0; self.judged.len()];
        for (nth, _) in sharers.iter().enumerate().filter(|(_, sharer)| sharer.edge == edge) {
            let of = &union.references(first + nth)[self.judged.clone()];
            references.iter_mut().zip(of).for_each(|(sum, count)| *sum += count);
        }
        match is_level(references.into_iter()) {
            true => self.field(above, OwnerKind::InstanceField, class, field),
            false => above,
        }
    }

    /// Finds owners each of which holds all that multiplies.
    fn find_restated(&mut self, targets: &HashMap<u32, Vec<(Above, u32, f64)>>) {
        const ALL: f64 = 0.9;
        for (node, targets) in targets {
            let amounts = self.amounts(*node);
            let (first, last) = (amounts[0].objects, amounts[amounts.len() - 1].objects);
            let growth = last.saturating_sub(first) as f64;
            let mut parts: HashMap<LabelId, f64> = HashMap::new();
            for (above, _, part) in targets {
                if let Some(label) = above.named {
                    *parts.entry(label).or_default() += part;
                }
            }
            parts.retain(|_, part| growth > 0.0 && *part >= ALL * growth);
            for a in parts.keys() {
                self.restated.extend(parts.keys().filter(|b| a < *b).map(|b| (*a, *b)));
            }
        }
    }

    /// The part of each sharer in the growth of a shared node; where it does not grow, the one with
    /// the most references has it all, of several one that is no helper, one below a field that means
    /// something, the one nearest to a root.
    /// What is below the node does not hold it.
    fn parts(&self, node: u32, sharers: Range<usize>) -> Vec<f64> {
        let outside = |sharer: usize| !self.union.is_below(self.union.sharers[sharer].holder, node);
        let references = |sharer: usize| &self.union.references(sharer)[self.judged.clone()];
        let growth = |sharer: usize| match references(sharer) {
            [first, .., last] if outside(sharer) => last.saturating_sub(*first) as f64,
            _ => 0.0,
        };
        let mut grown: Vec<f64> = sharers.clone().map(growth).collect();
        let is_worker = |sharer: usize| {
            let Sharer { holder, edge, .. } = self.union.sharers[sharer];
            self.is_of_worker(holder, edge)
        };
        if sharers.clone().zip(&grown).any(|(sharer, part)| *part > 0.0 && !is_worker(sharer)) {
            let of_workers = sharers.clone().zip(&mut grown).filter(|(s, _)| is_worker(*s));
            of_workers.for_each(|(_, part)| *part = 0.0);
        }
        if self.multiplies(node) && grown.iter().any(|part| *part > 0.0) {
            return grown;
        }
        let weight = |sharer: &usize| {
            let Sharer { holder, edge, .. } = self.union.sharers[*sharer];
            // A small holder may be counted under another node in another dump.
            let is_same = |other: &usize| {
                let other = self.union.sharers[*other];
                other.edge == edge && (other.holder == holder || matches!(edge, Edge::Field(..)))
            };
            let all: u64 = sharers.clone().filter(is_same).flat_map(references).sum();
            let order = self.ways.order[holder as usize];
            let rank = self.rank_of_hold(holder, edge, self.union.nodes[node as usize].class);
            let is_named = self.above[holder as usize].named.is_some();
            (rank, all, !self.is_helper(edge), is_named, Reverse(order), Reverse(*sharer))
        };
        let most = sharers.clone().filter(|sharer| outside(*sharer)).max_by_key(weight);
        sharers.map(|sharer| if Some(sharer) == most { 1.0 } else { 0.0 }).collect()
    }

    /// How much it says that `holder` holds something of `class` by `edge`: a static field most, as
    /// that is why it stays; frames and what the JDK or lambdas hold least. What is linked to others
    /// of its own class is held with them.
    fn rank_of_hold(&self, holder: u32, edge: Edge, class: Name) -> u8 {
        let of = self.union.nodes[holder as usize].class;
        match edge {
            _ if self.is_of_worker(holder, edge) => 0,
            Edge::Static(_) if !self.is_transparent(of) => 5,
            Edge::Field(of, _) if is_lambda(self.union.name(of)) => 0,
            Edge::Field(declaring, _) => match (self.is_transparent(declaring), of == class) {
                (false, false) => 4,
                (false, true) => 3,
                (true, false) => 2,
                (true, true) => 1,
            },
            Edge::Static(_) | Edge::Key | Edge::Value | Edge::Element => 2,
            _ => 0,
        }
    }

    /// True for what a thread of the JDK knows of the pool or timer that it works for: that is not
    /// the thread's.
    fn is_of_worker(&self, holder: u32, edge: Edge) -> bool {
        let is_thread = matches!(self.union.nodes[holder as usize].edge, Edge::Thread(_));
        is_thread && matches!(edge, Edge::Field(class, _) if self.is_transparent(class))
    }

    /// True for fields of classes inside of others: what a cache hands to its cleaner is the cache's.
    fn is_helper(&self, edge: Edge) -> bool {
        let Edge::Field(class, _) = edge else { return false };
        self.union.name(class).trim_end_matches('$').contains('$')
    }

    /// Credits a shared node; `None` while that of a holder is not known.
    fn settle(
        &self,
        node: u32,
        targets: &HashMap<u32, Vec<(Above, u32, f64)>>,
        in_circles: bool,
    ) -> Option<Settled> {
        let parent = self.union.nodes[node as usize].parent;
        let dominator = self.above[parent as usize];
        let of_dominator = dominator.named.map(|label| Settled::one(Rank::Named, label));
        let mut found: Vec<(Settled, u32, f64)> = Vec::new();
        for (above, holder, part) in targets.get(&node).into_iter().flatten() {
            match self.owner(*above) {
                Some(settled) => found.push((settled, *holder, *part)),
                None if above.region == node || in_circles => {}
                None => return None,
            }
        }
        let Some(best) = mixed(&found) else {
            return of_dominator.or_else(|| self.owner(dominator));
        };
        // Shared among several instances of one owner: what these have in common owns it.
        let holders =
            |holder: u32| self.amounts(holder).last().map_or(0, |amounts| amounts.objects);
        let several = found.iter().all(|(_, holder, _)| holders(*holder) > holders(parent).max(1));
        match of_dominator {
            Some(dominator) if best.rank < Rank::Named || (best.mix.len() == 1 && several) => {
                Some(dominator)
            }
            _ => Some(best),
        }
    }

    /// The owner by what is above; `None` while a shared node above is not credited.
    fn owner(&self, above: Above) -> Option<Settled> {
        if let Some(label) = above.named {
            return Some(Settled::one(Rank::Named, label));
        }
        let here = (above.passing.map(|label| Settled::one(Rank::Passing, label)))
            .or(above.stack.map(|label| Settled::one(Rank::Stack, label)))
            .or(above.container.map(|label| Settled::one(Rank::Container, label)))
            .or(above.root.map(|label| Settled::one(Rank::Root, label)));
        let found = match (above.region, here) {
            (0, here) => here,
            (region, here) => match (self.settled.get(&region)?, here) {
                (shared, Some(here)) if here.rank > shared.rank => Some(here),
                (shared, _) => Some(shared.clone()),
            },
        };
        Some(Self::inherited_rather(above, found?))
    }

    /// What an object of the program has from the JDK says more than a field of the JDK further up.
    fn inherited_rather(above: Above, found: Settled) -> Settled {
        match above.inherited {
            Some((label, declared))
                if found.rank == Rank::Passing
                    && found.mix.iter().all(|(of, _)| *of != declared) =>
            {
                Settled::one(Rank::Passing, label)
            }
            _ => found,
        }
    }

    fn finish(mut self) -> Credits {
        let mut mixes: Vec<Mix> = Vec::new();
        let mut mix_of: HashMap<Vec<(LabelId, u64)>, u32> = HashMap::new();
        let mut of = vec![Credit::Label(0); self.union.nodes.len()];
        for nth in 0..self.union.nodes.len() {
            let anchor = match self.cut[nth] {
                0 => nth,
                cut => cut as usize,
            };
            if anchor != nth {
                of[nth] = of[anchor];
                continue;
            }
            let settled = self.owner(self.above[nth]);
            of[nth] = match settled {
                Some(Settled { mix, .. }) if mix.len() == 1 => Credit::Label(mix[0].0),
                Some(Settled { mix, .. }) => {
                    let key = mix.iter().map(|(label, part)| (*label, part.to_bits())).collect();
                    Credit::Mix(*mix_of.entry(key).or_insert_with(|| {
                        mixes.push(mix);
                        (mixes.len() - 1) as u32
                    }))
                }
                None => Credit::Label(self.group(nth)),
            };
        }
        let Self { labels, cut, is_weak, containers, restated, .. } = self;
        Credits { labels, mixes, of, cut, is_weak, containers, restated }
    }

    /// The owner where nobody above can be named: the instances themselves.
    fn group(&mut self, nth: usize) -> LabelId {
        let Node { class, .. } = self.union.nodes[nth];
        self.label(OwnerKind::ClassGroup, class, None)
    }
}

/// True when counts stay about the same from where there are some.
fn is_level(counts: impl Iterator<Item = u64>) -> bool {
    let counts = counts.skip_while(|count| *count == 0);
    let (least, most) =
        counts.fold((u64::MAX, 0), |(least, most), count| (least.min(count), most.max(count)));
    most == 0 || (most - least) as f64 <= STABLE * most as f64
}

/// The owners of the best rank that has enough; `None` when there are none.
fn mixed(found: &[(Settled, u32, f64)]) -> Option<Settled> {
    let all: f64 = found.iter().map(|(_, _, part)| part).sum();
    let of = |rank: Rank| found.iter().filter(move |(settled, _, _)| settled.rank >= rank);
    let ranks = [Rank::Named, Rank::Passing, Rank::Stack, Rank::Container, Rank::Root, Rank::Group];
    let enough = |rank: &Rank| of(*rank).map(|(_, _, part)| part).sum::<f64>() >= ENOUGH * all;
    let rank = ranks.into_iter().find(|rank| enough(rank))?;
    let mut parts: Mix = Vec::new();
    for (settled, _, part) in of(rank) {
        parts.extend(settled.mix.iter().map(|(label, within)| (*label, part * within)));
    }
    parts.sort_by_key(|(label, _)| *label);
    parts.dedup_by(|(label, part), (before, sum)| {
        let same = label == before;
        *sum += if same { *part } else { 0.0 };
        same
    });
    let all: f64 = parts.iter().map(|(_, part)| part).sum();
    parts.retain(|(_, part)| *part >= LEAST_PART * all);
    let all: f64 = parts.iter().map(|(_, part)| part).sum();
    parts.iter_mut().for_each(|(_, part)| *part /= all);
    (!parts.is_empty()).then_some(Settled { rank, mix: parts })
}
