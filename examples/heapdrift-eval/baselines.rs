//! What simpler ways of looking at dumps find.

use std::cmp::Reverse;

use hashbrown::HashMap;
use heapdrift::diff::{Row, Table};
use heapdrift::digest::{ClassKey, Digest};
use heapdrift::index::owners::{Edge, OwnerTree};

use super::truth::Leak;

/// Growth by class: the rank of the first class that belongs to the leak, by bytes in the last dump
/// less those in the first.
pub fn by_class(leak: &Leak, classes: &Table<ClassKey>) -> Option<usize> {
    let mut grown: Vec<&Row<ClassKey>> =
        classes.rows.iter().filter(|row| row.series.growth_bytes() > 0).collect();
    grown.sort_by_key(|row| Reverse(row.series.growth_bytes()));
    grown.iter().position(|row| leak.grows(&row.key.name)).map(|at| at + 1)
}

/// A way from a root that has more objects in each dump than in the one before, while the way
/// above it has not: by the names on it.
#[derive(Debug)]
pub struct GrowingPath {
    /// Classes and fields from the root down; a class alone where no field leads on.
    steps: Vec<(String, Option<String>)>,
    objects: u64,
}

/// Paths that grow in every step, most objects first.
pub fn growing_paths(digests: &[Digest]) -> Vec<GrowingPath> {
    // The key of a node is its way: the number of the way above, and the node's own words.
    let mut numbers: HashMap<(u32, String), u32> = HashMap::new();
    let mut ways: Vec<Way> = vec![Way::default()];
    for (nth, tree) in digests.iter().filter_map(|digest| digest.owners.as_ref()).enumerate() {
        let mut at: Vec<u32> = vec![0];
        for node in tree.nodes.iter().skip(1) {
            let above = at[node.parent as usize];
            let words = format!(
                "{:?} {} {}",
                words(tree, node.edge),
                node.edge.code(),
                tree.name(node.class)
            );
            let number = *numbers.entry((above, words)).or_insert_with(|| {
                let holder = tree.name(tree.nodes[node.parent as usize].class);
                let class = tree.name(node.class).to_owned();
                ways.push(Way {
                    above,
                    step: step(tree, holder, node.edge, class),
                    objects: Vec::new(),
                });
                ways.len() as u32 - 1
            });
            let objects = &mut ways[number as usize].objects;
            objects.resize(nth + 1, 0);
            objects[nth] += node.objects;
            at.push(number);
        }
    }
    for way in &mut ways {
        way.objects.resize(digests.len(), 0);
    }
    let mut paths: Vec<GrowingPath> = ways
        .iter()
        .filter(|way| way.grows() && !ways[way.above as usize].grows())
        .map(|way| GrowingPath {
            steps: way.steps(&ways),
            objects: way.objects.last().unwrap_or(&0) - way.objects.first().unwrap_or(&0),
        })
        .collect();
    paths.sort_by(|a, b| (Reverse(a.objects), &a.steps).cmp(&(Reverse(b.objects), &b.steps)));
    paths
}

/// The rank of the first path that names the owner.
pub fn by_path(leak: &Leak, paths: &[GrowingPath]) -> Option<usize> {
    let names = |path: &GrowingPath| {
        path.steps.iter().any(|(class, field)| leak.is_owner(class, field.as_deref()))
    };
    paths.iter().position(names).map(|at| at + 1)
}

#[derive(Default)]
struct Way {
    above: u32,
    step: (String, Option<String>),
    objects: Vec<u64>,
}

impl Way {
    fn grows(&self) -> bool {
        self.objects.len() > 1 && self.objects.windows(2).all(|pair| pair[1] > pair[0])
    }

    fn steps(&self, ways: &[Self]) -> Vec<(String, Option<String>)> {
        let mut steps = vec![self.step.clone()];
        let mut at = self.above;
        while at != 0 {
            steps.push(ways[at as usize].step.clone());
            at = ways[at as usize].above;
        }
        steps.reverse();
        steps
    }
}

fn words(tree: &OwnerTree, edge: Edge) -> (Option<&str>, Option<&str>) {
    let (first, second) = edge.names();
    (first.map(|name| tree.name(name)), second.map(|name| tree.name(name)))
}

/// The field that leads to a node, or its class where none does.
fn step(tree: &OwnerTree, holder: &str, edge: Edge, class: String) -> (String, Option<String>) {
    let member = |name: u32| {
        let text = tree.name(name);
        let (class, member) = text.rsplit_once('.').unwrap_or((text, ""));
        (class.to_owned(), Some(member.to_owned()))
    };
    match edge {
        Edge::Static(field) => (holder.to_owned(), Some(tree.name(field).to_owned())),
        Edge::Field(class, field) => {
            (tree.name(class).to_owned(), Some(tree.name(field).to_owned()))
        }
        Edge::ThreadLocal(name) | Edge::Local(name) => member(name),
        _ => (class, None),
    }
}
