//! The way from a root by an owner to what grew.

use super::accounts;
use super::credit::LabelId;
use super::union::Sharer;
use super::{Scene, Step, StepKind};
use crate::index::owners::Edge;

/// A path has at most so many steps; what is longer says no more.
const LONGEST: usize = 64;

/// The path to a node that an owner is credited for.
pub fn of(scene: &Scene<'_>, node: u32, owner: LabelId) -> Vec<Step> {
    let nodes = &scene.union.nodes;
    let mut steps = Vec::new();
    let mut seen = Vec::new();
    let mut at = node;
    while at != 0 && steps.len() < LONGEST && !seen.contains(&at) {
        seen.push(at);
        let node = nodes[at as usize];
        let (edge, holder) = match (node.edge, holder(scene, at, owner, &seen)) {
            (Edge::Shared(_), Some(sharer)) => (sharer.edge, sharer.holder),
            (edge, _) => (edge, node.parent),
        };
        steps.extend(step(scene, edge, holder, at));
        at = holder;
    }
    steps.reverse();
    steps
}

/// Who holds a shared node: the owner itself if it does, else who grows most.
fn holder(scene: &Scene<'_>, node: u32, owner: LabelId, seen: &[u32]) -> Option<Sharer> {
    let sharers = &scene.union.sharers;
    let start = sharers.partition_point(|sharer| sharer.node < node);
    let mine = sharers[start..].iter().take_while(|sharer| sharer.node == node);
    let best = mine.enumerate().filter(|(_, sharer)| !seen.contains(&sharer.holder)).max_by_key(
        |(nth, sharer)| {
            let references = &scene.union.references(start + nth)[scene.judged.clone()];
            let growth = accounts::growth(references).max(0);
            let all: u64 = references.iter().sum();
            (leads_to(scene, sharer, owner), growth, all, std::cmp::Reverse(*nth))
        },
    )?;
    Some(*best.1)
}

/// True when a sharer is the owner, or is credited to it.
fn leads_to(scene: &Scene<'_>, sharer: &Sharer, owner: LabelId) -> bool {
    let label = scene.credits.labels[owner as usize];
    let is_field = match sharer.edge {
        Edge::Field(class, field) => (class, Some(field)) == (label.class, label.member),
        Edge::Static(field) => {
            let class = scene.union.nodes[sharer.holder as usize].class;
            (class, Some(field)) == (label.class, label.member)
        }
        _ => false,
    };
    let credit = scene.credits.of[sharer.holder as usize];
    is_field || scene.credits.parts(credit).iter().any(|(label, _)| *label == owner)
}

/// An edge in words; `None` for one that is none.
fn step(scene: &Scene<'_>, edge: Edge, holder: u32, node: u32) -> Option<Step> {
    let name = |name| scene.union.name(name).to_owned();
    let nodes = &scene.union.nodes;
    let reached = nodes[node as usize].class;
    let member = |text: &str, kind| match text.rsplit_once('.') {
        Some((class, member)) => {
            Step { class: class.to_owned(), field: Some(member.to_owned()), kind }
        }
        None => Step { class: text.to_owned(), field: None, kind },
    };
    let at = |field: Option<String>, kind| Step { class: name(reached), field, kind };
    Some(match edge {
        Edge::Root(kind) | Edge::Level(kind) => at(Some(name(kind)), StepKind::Root),
        Edge::Thread(thread) => at(Some(name(thread)), StepKind::Root),
        Edge::Local(method) => member(scene.union.name(method), StepKind::Local),
        Edge::ThreadLocal(field) => member(scene.union.name(field), StepKind::ThreadLocal),
        Edge::Static(field) => {
            let class = name(nodes[holder as usize].class);
            Step { class, field: Some(name(field)), kind: StepKind::Static }
        }
        Edge::Field(class, field) => {
            Step { class: name(class), field: Some(name(field)), kind: StepKind::Field }
        }
        Edge::Key => at(Some("key".to_owned()), StepKind::Entry),
        Edge::Value => at(Some("value".to_owned()), StepKind::Entry),
        Edge::Element => at(None, StepKind::Element),
        Edge::Class => at(None, StepKind::Class),
        Edge::Top | Edge::Shared(_) | Edge::Other => return None,
    })
}
