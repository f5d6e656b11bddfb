//! References whose objects are only softly reachable go with them, and so does what holds them.

use super::Scene;
use super::accounts::Account;
use super::label::is_transparent;
use super::union::Amounts;
use crate::index::owners::Edge;

/// A reference retains itself and what its entry is found by.
const MOST_BYTES: u64 = 256;
/// Counts that differ by no more than this part are those of the same entries.
const ALIKE: f64 = 0.01;

/// True when what multiplies are references, one for each of the objects that are only softly
/// reachable: they are taken out when these are cleared, and weigh less.
pub fn goes_with_soft(scene: &Scene<'_>, account: &Account) -> bool {
    let lead = account.lead.1;
    let judged = scene.judged.clone();
    let amounts = &scene.union.amounts(lead)[judged.clone()];
    let Some(last) = amounts.last() else { return false };
    let is_reference = says_reference(scene.union.name(scene.union.nodes[lead as usize].class));
    let is_small = last.retained <= MOST_BYTES.saturating_mul(last.objects);
    if !is_reference || !is_small || scene.credits.cut[lead as usize] != lead {
        return false;
    }
    let growth = account.growth(&judged);
    let nodes = (1..scene.union.nodes.len() as u32).filter(|node| is_soft(scene, *node));
    let mut nodes = nodes.map(|node| &scene.union.amounts(node)[judged.clone()]);
    nodes.any(|soft| is_alike(amounts, soft) && grown(soft) >= growth)
}

/// True for names of classes of references; only a dump's classes tell more.
fn says_reference(class: &str) -> bool {
    let simple = class.rsplit(['.', '$']).next().unwrap_or(class);
    let is_own = !is_transparent(class) || class.contains("Soft");
    is_own && (simple.contains("Ref") || simple.contains("Soft"))
}

/// True for what is right below the level of what is only softly reachable.
fn is_soft(scene: &Scene<'_>, node: u32) -> bool {
    let edge = scene.union.nodes[node as usize].edge;
    matches!(edge, Edge::Level(level) if scene.union.name(level).starts_with("soft"))
}

fn is_alike(references: &[Amounts], soft: &[Amounts]) -> bool {
    references.iter().zip(soft).all(|(reference, object)| {
        let difference = reference.objects.abs_diff(object.objects);
        difference as f64 <= ALIKE * reference.objects as f64
    })
}

fn grown(amounts: &[Amounts]) -> i64 {
    match amounts {
        [first, .., last] => last.retained.wrapping_sub(first.retained) as i64,
        _ => 0,
    }
}
