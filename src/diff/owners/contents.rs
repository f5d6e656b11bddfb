//! What is inside of a finding: classes, tables of collections, array lengths.

use hashbrown::{HashMap, HashSet};

use super::accounts;
use super::credit::LabelId;
use super::label::is_generated;
use super::union::Amounts;
use super::{Content, GrownLength, Scene, TableLengths};
use crate::digest::ArrayKey;
use crate::index::census::LengthRange;
use crate::index::owners::Name;

/// Classes that are listed of a finding, and array lengths.
const CLASSES: usize = 16;
const LENGTHS: usize = 6;

/// See the module's text.
#[derive(Default)]
pub struct Contents {
    pub classes: Vec<Content>,
    pub table: Option<TableLengths>,
    pub array_lengths: Vec<GrownLength>,
}

/// The contents of findings, each by its owners.
pub fn of(scene: &Scene<'_>, findings: &[Vec<LabelId>]) -> Vec<Contents> {
    let mut finding_of: HashMap<LabelId, usize> = HashMap::new();
    for (nth, labels) in findings.iter().enumerate() {
        finding_of.extend(labels.iter().map(|label| (*label, nth)));
    }
    let mut rows: Vec<Rows> = vec![HashMap::new(); findings.len()];
    let mut tables: Vec<Option<(u64, u32)>> = vec![None; findings.len()];
    for node in 1..scene.union.nodes.len() as u32 {
        for (label, part) in scene.credits.parts(scene.credits.of[node as usize]) {
            let Some(&finding) = finding_of.get(&label) else { continue };
            add(scene, node, part, &mut rows[finding]);
            if let Some(table) = table_of(scene, node) {
                let found = &mut tables[finding];
                *found = (*found).max(Some(table));
            }
        }
    }
    rows.into_iter()
        .zip(tables)
        .map(|(rows, table)| {
            let classes = grown(scene, rows);
            let table = table.and_then(|(_, node)| lengths_of(scene, node));
            let array_lengths = array_lengths(scene, &classes, table.as_ref());
            let classes = classes.into_iter().take(CLASSES).collect();
            Contents { classes, table, array_lengths }
        })
        .collect()
}

/// By class, those of class objects apart.
type Rows = HashMap<(Name, bool), Content>;

/// Adds a part of a node to the row of its class.
fn add(scene: &Scene<'_>, node: u32, part: f64, rows: &mut Rows) {
    let union = &scene.union;
    let what = union.nodes[node as usize];
    // Generated classes are made again and again by one loader, too.
    if what.is_class && is_generated(union.name(what.class)) {
        return;
    }
    let cut = scene.credits.cut[node as usize];
    let row = rows.entry((what.class, what.is_class)).or_insert_with(|| Content {
        library: None,
        class: union.name(what.class).to_owned(),
        is_class: what.is_class,
        instances: vec![0; union.dumps],
        retained_bytes: vec![0; union.dumps],
        is_top: false,
    });
    row.is_top |= is_top(scene, node);
    let retains = cut != 0 && !is_within_its_class(scene, node, cut);
    for (dump, amounts) in union.amounts(node).iter().enumerate() {
        let of = |value: u64| (value as f64 * part).round() as u64;
        row.instances[dump] += of(amounts.objects);
        let bytes = match (retains, cut) {
            (true, _) => amounts.retained,
            (false, 0) => amounts.own,
            _ => 0,
        };
        row.retained_bytes[dump] += of(bytes);
    }
}

/// True for what multiplies right below the owner. Of a container of the program's own, that is what
/// is in its entries.
fn is_top(scene: &Scene<'_>, node: u32) -> bool {
    let is_part = |node| scene.credits.containers.is_part(&scene.union, node);
    let cut = scene.credits.cut[node as usize];
    let parent = scene.union.nodes[node as usize].parent;
    cut != 0 && !is_part(node) && (cut == node || (is_part(cut) && is_part(parent)))
}

/// True when a node between `node` and `cut`, which retains this one, has the same class.
fn is_within_its_class(scene: &Scene<'_>, node: u32, cut: u32) -> bool {
    let nodes = &scene.union.nodes;
    let class = |at: u32| (nodes[at as usize].class, nodes[at as usize].is_class);
    let mut at = node;
    while at != cut {
        at = nodes[at as usize].parent;
        if class(at) == class(node) {
            return true;
        }
    }
    false
}

/// The rows that grew, by growth of what they retain.
fn grown(scene: &Scene<'_>, rows: Rows) -> Vec<Content> {
    let growth = |values: &[u64]| accounts::growth(&values[scene.judged.clone()]);
    // A class that was loaded once, however much its statics hold, is no content.
    let is_again = |row: &Content| {
        row.instances.last().is_some_and(|last| *last > 1) && growth(&row.instances) > 0
    };
    let mut rows: Vec<Content> = rows
        .into_values()
        .filter(|row| growth(&row.instances) > 0 || growth(&row.retained_bytes) > 0)
        .filter(|row| !row.is_class || is_again(row))
        .collect();
    rows.sort_by(|a, b| {
        let order = |row: &Content| std::cmp::Reverse(growth(&row.retained_bytes));
        (order(a), &a.class, a.is_class).cmp(&(order(b), &b.class, b.is_class))
    });
    rows
}

/// A collection with one table, and how much that grew.
fn table_of(scene: &Scene<'_>, node: u32) -> Option<(u64, u32)> {
    let amounts = &scene.union.amounts(node)[scene.judged.clone()];
    let one = |amounts: &Amounts| amounts.objects <= 1;
    let growth = amounts.last()?.capacity.checked_sub(amounts.first()?.capacity)?;
    (scene.credits.cut[node as usize] == 0 && growth > 0 && amounts.iter().all(one))
        .then_some((growth, node))
}

/// The lengths of the table of a collection.
fn lengths_of(scene: &Scene<'_>, node: u32) -> Option<TableLengths> {
    let class = scene.union.name(scene.union.nodes[node as usize].class);
    let lengths = scene.union.amounts(node).iter().map(|amounts| amounts.capacity).collect();
    Some(TableLengths { class: table_class(class)?.to_owned(), lengths })
}

/// Class of the array that a collection keeps its entries in.
fn table_class(collection: &str) -> Option<&'static str> {
    Some(match collection {
        "java.util.HashMap"
        | "java.util.LinkedHashMap"
        | "java.util.HashSet"
        | "java.util.LinkedHashSet" => "java.util.HashMap$Node[]",
        "java.util.concurrent.ConcurrentHashMap" => "java.util.concurrent.ConcurrentHashMap$Node[]",
        "java.util.Hashtable" | "java.util.Properties" => "java.util.Hashtable$Entry[]",
        "java.util.WeakHashMap" => "java.util.WeakHashMap$Entry[]",
        "java.util.ArrayList"
        | "java.util.ArrayDeque"
        | "java.util.Vector"
        | "java.util.IdentityHashMap"
        | "java.util.PriorityQueue" => "java.lang.Object[]",
        _ => return None,
    })
}

/// Rows of array lengths that became more and belong to a finding: the lengths of its table, and
/// arrays of the classes in it.
fn array_lengths(
    scene: &Scene<'_>,
    classes: &[Content],
    table: Option<&TableLengths>,
) -> Vec<GrownLength> {
    let instances = |key: &ArrayKey| -> Vec<u64> {
        let count = |digest: &crate::digest::Digest| {
            digest.arrays.rows.get(key).map_or(0, |amount| amount.instances)
        };
        scene.digests.iter().map(count).collect()
    };
    let is_of_table = |key: &ArrayKey| {
        table.is_some_and(|table| {
            let has = |length| table.lengths.contains(&u64::from(length));
            *key.class == *table.class && matches!(key.length, LengthRange::Exact(l) if has(l))
        })
    };
    let inside: HashSet<&str> = classes.iter().map(|content| content.class.as_str()).collect();
    let is_inside = |key: &ArrayKey| inside.contains(&*key.class);
    let last = &scene.digests[scene.judged.end - 1].arrays.rows;
    let mut rows: Vec<(bool, i64, GrownLength)> = last
        .iter()
        .filter(|(key, _)| is_of_table(key) || is_inside(key))
        .map(|(key, amount)| {
            let instances = instances(key);
            let growth = accounts::growth(&instances[scene.judged.clone()]);
            let bytes = amount.shallow_bytes as i64 / (amount.instances as i64).max(1) * growth;
            (is_of_table(key), bytes, GrownLength { key: key.clone(), instances })
        })
        .filter(|(_, bytes, _)| *bytes > 0)
        .collect();
    rows.sort_by(|a, b| (b.0, b.1, &a.2.key).cmp(&(a.0, a.1, &b.2.key)));
    rows.into_iter().take(LENGTHS).map(|(_, _, row)| row).collect()
}
