//! The way from a root by an owner to what grew.

use super::accounts;
use super::credit::LabelId;
use super::union::Sharer;
use super::{Scene, Step, StepKind};
use crate::index::owners::Edge;

/// A path has at most so many steps; what is longer says no more.
const LONGEST: usize = 64;

/// A step of a path by nodes.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    pub holder: u32,
    pub edge: Edge,
    pub node: u32,
    /// True for the field that the owner is.
    pub is_owner: bool,
}

/// The path to a node that an owner is credited for: through the owner, then the shortest way.
pub fn of(scene: &Scene<'_>, node: u32, owner: LabelId) -> Vec<Step> {
    let links = links(scene, node, owner).into_iter().rev();
    links.filter_map(|link| step(scene, link.edge, link.holder, link.node)).collect()
}

/// The same by nodes, from the node up.
pub fn links(scene: &Scene<'_>, node: u32, owner: LabelId) -> Vec<Link> {
    let mut links = Vec::new();
    let mut at = node;
    let mut is_below = true;
    while at != 0 && links.len() < LONGEST {
        let (holder, edge) = match is_below.then(|| holder(scene, at, owner)).flatten() {
            Some(sharer) => (sharer.holder, sharer.edge),
            None if is_below && !is_shared(scene, at) => {
                let node = scene.union.nodes[at as usize];
                (node.parent, node.edge)
            }
            None => scene.ways.holder[at as usize],
        };
        let is_owner = is_owner(scene, holder, edge, owner);
        is_below &= !is_owner;
        links.push(Link { holder, edge, node: at, is_owner });
        at = holder;
    }
    links
}

fn is_shared(scene: &Scene<'_>, node: u32) -> bool {
    matches!(scene.union.nodes[node as usize].edge, Edge::Shared(_))
}

/// Who holds a shared node on the way to the owner: the one that grows most of those that are the
/// owner, or lead to it.
fn holder(scene: &Scene<'_>, node: u32, owner: LabelId) -> Option<Sharer> {
    let sharers = &scene.union.sharers;
    let start = sharers.partition_point(|sharer| sharer.node < node);
    let mine = sharers[start..].iter().take_while(|sharer| sharer.node == node);
    let leads = |sharer: &Sharer| {
        // Up only: else there might be circles.
        let is_nearer = scene.ways.order[sharer.holder as usize] < scene.ways.order[node as usize];
        let credit = scene.credits.of[sharer.holder as usize];
        let is_credited = scene.credits.parts(credit).iter().any(|(label, _)| *label == owner);
        is_owner(scene, sharer.holder, sharer.edge, owner) || (is_nearer && is_credited)
    };
    let best =
        mine.enumerate().filter(|(_, sharer)| leads(sharer)).max_by_key(|(nth, sharer)| {
            let references = &scene.union.references(start + nth)[scene.judged.clone()];
            let is_owner = is_owner(scene, sharer.holder, sharer.edge, owner);
            (is_owner, accounts::growth(references), std::cmp::Reverse(*nth))
        })?;
    Some(*best.1)
}

/// True when an edge is the field that the owner is.
fn is_owner(scene: &Scene<'_>, holder: u32, edge: Edge, owner: LabelId) -> bool {
    let label = scene.credits.labels[owner as usize];
    let class = scene.union.nodes[holder as usize].class;
    match edge {
        // Named by the class that declares it, or by the one that has it.
        Edge::Field(declaring, field) => {
            label.member == Some(field) && [declaring, class].contains(&label.class)
        }
        Edge::Static(field) => (class, Some(field)) == (label.class, label.member),
        Edge::Local(name) | Edge::ThreadLocal(name) => (name, None) == (label.class, label.member),
        _ => false,
    }
}

/// An edge in words; `None` for one that is none.
fn step(scene: &Scene<'_>, edge: Edge, holder: u32, node: u32) -> Option<Step> {
    let name = |name| scene.union.name(name).to_owned();
    let nodes = &scene.union.nodes;
    let reached = nodes[node as usize].class;
    let by = |class: String, field, kind| Step { class, field, kind, reached: name(reached) };
    let member = |text: &str, kind| match text.rsplit_once('.') {
        Some((class, member)) => by(class.to_owned(), Some(member.to_owned()), kind),
        None => by(text.to_owned(), None, kind),
    };
    let at = |field: Option<String>, kind| by(name(reached), field, kind);
    Some(match edge {
        Edge::Root(kind) | Edge::Level(kind) => at(Some(name(kind)), StepKind::Root),
        Edge::Thread(thread) => at(Some(name(thread)), StepKind::Root),
        Edge::Local(method) => member(scene.union.name(method), StepKind::Local),
        Edge::ThreadLocal(field) => member(scene.union.name(field), StepKind::ThreadLocal),
        Edge::Static(field) => {
            by(name(nodes[holder as usize].class), Some(name(field)), StepKind::Static)
        }
        Edge::Field(class, field) => by(name(class), Some(name(field)), StepKind::Field),
        Edge::Key => at(Some("key".to_owned()), StepKind::Entry),
        Edge::Value => at(Some("value".to_owned()), StepKind::Entry),
        Edge::Element => at(None, StepKind::Element),
        Edge::Class => at(None, StepKind::Class),
        Edge::Top | Edge::Shared(_) | Edge::Other => return None,
    })
}
