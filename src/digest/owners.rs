//! Owner trees in digests.

use std::iter::once;

use super::columns::{Reader, Writer};
use super::container::{Fault, Sections};
use super::file::in_section;
use crate::index::owners::{Edge, Limit, Mark, OwnerNode, OwnerTree, Share};

const OWNER_NAMES: &str = "ownnames";
const OWNERS: &str = "owners";
const OWNER_SHARES: &str = "sharers";
const OWNER_LIMITS: &str = "limits";
const OWNER_MARKS: &str = "marks";

/// The sections of a tree. What does not fit into a third of the digest is counted together.
pub fn sections(tree: &OwnerTree, budget: u64) -> [(&'static str, Vec<u8>); 5] {
    let mut pruned = None;
    let mut least = 1024;
    loop {
        let tree = pruned.as_ref().unwrap_or(tree);
        let sections = tables(tree);
        let bytes: usize = sections.iter().map(|(_, section)| section.len()).sum();
        // The top and what is counted together below it cannot become fewer.
        if bytes as u64 <= budget / 3 || tree.nodes.len() <= 2 {
            return sections;
        }
        pruned = Some(tree.pruned(least));
        least *= 2;
    }
}

fn tables(tree: &OwnerTree) -> [(&'static str, Vec<u8>); 5] {
    let mut names = Writer::new(tree.names.len());
    names.texts("name", tree.names.iter().map(String::as_str));
    let mut nodes = Writer::new(tree.nodes.len());
    let all = &tree.nodes;
    nodes.numbers("parent", all.iter().map(|node| node.parent.into()));
    edges(&mut nodes, all.iter().map(|node| node.edge));
    nodes.numbers("class", all.iter().map(|node| node.class.into()));
    nodes.numbers("is_class", all.iter().map(|node| node.is_class.into()));
    nodes.numbers("objects", all.iter().map(|node| node.objects));
    nodes.numbers("entries", all.iter().map(|node| node.entries));
    nodes.numbers("capacity", all.iter().map(|node| node.capacity));
    nodes.numbers("shallow_bytes", all.iter().map(|node| node.shallow_bytes));
    nodes.numbers("largest_bytes", all.iter().map(|node| node.largest_bytes));
    nodes.numbers("native_bytes", all.iter().map(|node| node.native_bytes));
    nodes.numbers("bound", all.iter().map(|node| node.bound));
    let mut shares = Writer::new(tree.shares.len());
    let all = &tree.shares;
    shares.numbers("node", all.iter().map(|share| share.node.into()));
    shares.numbers("holder", all.iter().map(|share| share.holder.into()));
    edges(&mut shares, all.iter().map(|share| share.edge));
    shares.numbers("references", all.iter().map(|share| share.references));
    let mut limits = Writer::new(tree.limits.len());
    let all = &tree.limits;
    limits.numbers("node", all.iter().map(|limit| limit.node.into()));
    limits.numbers("class", all.iter().map(|limit| limit.class.into()));
    limits.numbers("field", all.iter().map(|limit| limit.field.into()));
    limits.numbers("objects", all.iter().map(|limit| limit.objects));
    limits.numbers("value", all.iter().map(|limit| limit.value));
    // The first row is no mark: it says below which number they are.
    let mut marks = Writer::new(tree.marks.len() + 1);
    let all = || tree.marks.iter();
    marks.numbers("node", once(0).chain(all().map(|mark| mark.node.into())));
    let below = once(tree.marks_below.into());
    marks.numbers("mark", below.chain(all().map(|mark| mark.mark.into())));
    [
        (OWNER_NAMES, names.finish()),
        (OWNERS, nodes.finish()),
        (OWNER_SHARES, shares.finish()),
        (OWNER_LIMITS, limits.finish()),
        (OWNER_MARKS, marks.finish()),
    ]
}

fn edges(table: &mut Writer, edges: impl Iterator<Item = Edge> + Clone) {
    table.numbers("edge", edges.clone().map(|edge| edge.code().into()));
    table.numbers("edge_name", edges.clone().map(|edge| edge.names().0.unwrap_or(0).into()));
    table.numbers("edge_field", edges.map(|edge| edge.names().1.unwrap_or(0).into()));
}

fn read_edges(table: &Reader<'_>) -> Result<Vec<Edge>, String> {
    let codes = table.numbers("edge")?;
    let (names, fields) = (table.numbers("edge_name")?, table.numbers("edge_field")?);
    let edge = |((code, name), field): ((u64, u64), u64)| {
        let code = u8::try_from(code).ok();
        let edge = code.and_then(|code| Edge::of_code(code, small(name), small(field)));
        edge.ok_or_else(|| "an edge of an unknown kind".to_owned())
    };
    codes.into_iter().zip(names).zip(fields).map(edge).collect()
}

/// A number that must be below 2^32; one that is not becomes one that no table has.
fn small(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Reads a tree; what nodes retain is the sum of what is below them.
///
/// # Errors
/// [`Fault`] for what [`sections`] did not write.
pub fn read(sections: &Sections<'_>) -> Result<Option<OwnerTree>, Fault> {
    let (Some(names), Some(nodes), Some(shares)) =
        (sections.get(OWNER_NAMES)?, sections.get(OWNERS)?, sections.get(OWNER_SHARES)?)
    else {
        return Ok(None);
    };
    let texts = |table: &Reader<'_>| {
        Ok(table.texts("name")?.into_iter().map(str::to_owned).collect::<Vec<_>>())
    };
    let names = in_section(OWNER_NAMES, &names, texts)?;
    let shares = in_section(OWNER_SHARES, &shares, |table| {
        let edges = read_edges(table)?;
        let (nodes, holders) = (table.numbers("node")?, table.numbers("holder")?);
        let rows = nodes.into_iter().zip(holders).zip(edges).zip(table.numbers("references")?);
        let share = |(((node, holder), edge), references)| Share {
            node: small(node),
            holder: small(holder),
            edge,
            references,
        };
        Ok(rows.map(share).collect::<Vec<_>>())
    })?;
    // Digests that were written before there were limits have none.
    let limits = match sections.get(OWNER_LIMITS)? {
        Some(limits) => in_section(OWNER_LIMITS, &limits, read_limits)?,
        None => Vec::new(),
    };
    let (marks_below, marks) = match sections.get(OWNER_MARKS)? {
        Some(marks) => in_section(OWNER_MARKS, &marks, read_marks)?,
        None => (0, Vec::new()),
    };
    let tree = in_section(OWNERS, &nodes, |table| {
        let column = |name| table.numbers(name);
        let mut nodes: Vec<OwnerNode> = column("parent")?
            .into_iter()
            .zip(read_edges(table)?)
            .zip(column("class")?)
            .map(|((parent, edge), class)| OwnerNode::new(small(parent), edge, small(class)))
            .collect();
        let mut fill = |name, set: fn(&mut OwnerNode, u64)| {
            let values = table.numbers(name)?;
            nodes.iter_mut().zip(values).for_each(|(node, value)| set(node, value));
            Ok::<(), String>(())
        };
        fill("is_class", |node, value| node.is_class = value != 0)?;
        fill("objects", |node, value| node.objects = value)?;
        fill("entries", |node, value| node.entries = value)?;
        fill("capacity", |node, value| node.capacity = value)?;
        fill("shallow_bytes", |node, value| node.shallow_bytes = value)?;
        fill("largest_bytes", |node, value| node.largest_bytes = value)?;
        fill("native_bytes", |node, value| node.native_bytes = value)?;
        fill("bound", |node, value| node.bound = value)?;
        let tree = OwnerTree { names, nodes, shares, limits, marks, marks_below };
        if !tree.is_sound() {
            return Err("the owner tree refers to what is not there".to_owned());
        }
        tree.with_retained().ok_or_else(|| "the nodes add up to more than a heap can be".to_owned())
    })?;
    Ok(Some(tree))
}

fn read_limits(table: &Reader<'_>) -> Result<Vec<Limit>, String> {
    let (nodes, classes) = (table.numbers("node")?, table.numbers("class")?);
    let (fields, objects) = (table.numbers("field")?, table.numbers("objects")?);
    let rows = nodes.into_iter().zip(classes).zip(fields).zip(objects).zip(table.numbers("value")?);
    let limit = |((((node, class), field), objects), value)| Limit {
        node: small(node),
        class: small(class),
        field: small(field),
        objects,
        value,
    };
    Ok(rows.map(limit).collect())
}

/// The number that marks are below, and the marks.
fn read_marks(table: &Reader<'_>) -> Result<(u32, Vec<Mark>), String> {
    let rows = table.numbers("node")?.into_iter().zip(table.numbers("mark")?);
    let mut marks = rows.map(|(node, mark)| Mark { node: small(node), mark: small(mark) });
    let below = marks.next().map_or(0, |first| first.mark);
    Ok((below, marks.collect()))
}
