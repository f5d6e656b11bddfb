//! The owner tree against its definition (`docs/ARCHITECTURE.md`, "The owner tree"): on real dumps, on random heaps
//! against a slow reading of the rules, on dumps whose truth is known from how they are made, and in digests.

mod support;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use heapdrift::digest::Digest;
use heapdrift::digest::container::{self, Sections};
use heapdrift::digest::file::{BUDGET, decode, encode};
use heapdrift::index::build::BuildOptions;
use heapdrift::index::owners::{Edge, Name, OwnerNode, OwnerTree};
use heapdrift::index::store::HeapIndex;
use heapdrift::parser::names::{jmap_name, source_name, stable_name};
use heapdrift::parser::tags::sub as heap;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use support::brute::{Graph, How, Named, Retention, read_named};
use support::heaps::plan;
use support::jvm::{Standing, find_jdk};
use support::places::{Place, ways};
use support::synth::{Class, ClassDump, Hprof, IdSize, Jvm, Subs, Type, Value, Version};
use support::{Rng, gz, real_dumps};

/// Nodes that retain less are counted together.
const LEAST: u64 = 256;
/// What is shared has its holders told from so many bytes on.
const MUCH: u64 = 64 << 10;
/// Shares of each node that are kept.
const MOST_SHARES: usize = 32;
/// Nodes above one another.
const DEEPEST: usize = 96;

fn tree_of(file: &[u8]) -> OwnerTree {
    let mut place = Place::new();
    let dump = place.dump(file);
    let index = place.index(&dump, &BuildOptions::default()).0;
    let tree = index.owners().expect("an owner tree");
    assert_well_formed(&tree, "a made dump");
    tree
}

// ---------------------------------------------------------------------------------------------------------------
// Trees as text

fn edge_text(tree: &OwnerTree, edge: Edge) -> String {
    let name = |name| tree.name(name);
    match edge {
        Edge::Top => "top".to_owned(),
        Edge::Root(kind) => format!("root {}", name(kind)),
        Edge::Thread(thread) => format!("thread {}", name(thread)),
        Edge::Local(method) => format!("local {}", name(method)),
        Edge::Static(field) => format!("static {}", name(field)),
        Edge::Field(class, field) => format!("field {}.{}", name(class), name(field)),
        Edge::ThreadLocal(field) => format!("thread local {}", name(field)),
        Edge::Element => "element".to_owned(),
        Edge::Key => "key".to_owned(),
        Edge::Value => "value".to_owned(),
        Edge::Class => "class".to_owned(),
        Edge::Shared(holder) => format!("shared {}", name(holder)),
        Edge::Level(level) => format!("level {}", name(level)),
        Edge::Other => "other".to_owned(),
    }
}

/// What tells a node from its siblings: `field com.example.Node.next: com.example.Node`.
fn key_text(tree: &OwnerTree, node: &OwnerNode) -> String {
    let mark = if node.is_class { "class " } else { "" };
    format!("{}: {mark}{}", edge_text(tree, node.edge), tree.name(node.class))
}

/// The way down to each node, without the top.
fn paths(tree: &OwnerTree) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    for (at, node) in tree.nodes.iter().enumerate() {
        let above = if at == 0 { "" } else { paths[node.parent as usize].as_str() };
        let key = if at == 0 { String::new() } else { key_text(tree, node) };
        paths.push(if above.is_empty() { key } else { format!("{above} > {key}") });
    }
    paths
}

/// A tree made for looking things up.
struct Tree {
    tree: OwnerTree,
    paths: Vec<String>,
    by_path: HashMap<String, usize>,
}

impl Tree {
    fn new(tree: OwnerTree) -> Self {
        let paths = paths(&tree);
        let by_path = paths.iter().cloned().zip(0..).collect();
        Tree { tree, paths, by_path }
    }

    fn of(file: &[u8]) -> Self {
        Self::new(tree_of(file))
    }

    #[track_caller]
    fn at(&self, path: &[&str]) -> &OwnerNode {
        match self.by_path.get(&path.join(" > ")) {
            Some(&at) => &self.tree.nodes[at],
            None => panic!("no node {path:?} in\n{}", self.text()),
        }
    }

    /// Marks of the keys in the maps of a node.
    fn marks(&self, path: &[&str]) -> Vec<u32> {
        let at = self.by_path[&path.join(" > ")] as u32;
        let marks = self.tree.marks.iter().filter(|mark| mark.node == at);
        marks.map(|mark| mark.mark).collect()
    }

    /// The keys of the nodes right below one.
    fn below(&self, path: &[&str]) -> Vec<&str> {
        let at = self.by_path[&path.join(" > ")];
        let nodes = self.tree.nodes.iter().zip(&self.paths).skip(1);
        let below = nodes.filter(|(node, _)| node.parent as usize == at);
        below.map(|(_, path)| path.rsplit(" > ").next().unwrap_or(path)).collect()
    }

    /// Who shares a node: holder, edge, references.
    fn shares(&self, path: &[&str]) -> Vec<(&str, String, u64)> {
        let at = self.by_path[&path.join(" > ")];
        let shares = self.tree.shares.iter().filter(|share| share.node as usize == at);
        let mut shares: Vec<(&str, String, u64)> = shares
            .map(|share| {
                let edge = edge_text(&self.tree, share.edge);
                (self.paths[share.holder as usize].as_str(), edge, share.references)
            })
            .collect();
        shares.sort();
        shares
    }

    /// Everything, for messages.
    fn text(&self) -> String {
        let mut text = String::new();
        for (node, path) in self.tree.nodes.iter().zip(&self.paths) {
            let _ = writeln!(text, "{path}: {}", numbers(node));
        }
        text
    }
}

fn numbers(node: &OwnerNode) -> String {
    format!(
        "{} objects, {} entries, room for {}, {} shallow, {} retained, {} largest, {} native",
        node.objects,
        node.entries,
        node.capacity,
        node.shallow_bytes,
        node.retained_bytes,
        node.largest_bytes,
        node.native_bytes
    )
}

// ---------------------------------------------------------------------------------------------------------------
// What holds of every tree

#[track_caller]
fn assert_well_formed(tree: &OwnerTree, what: &str) {
    assert!(tree.is_sound(), "{what}");
    assert!(!tree.nodes.is_empty(), "{what}: there is a top");
    assert_eq!(tree.names.first().map(String::as_str), Some(""), "{what}: name 0 is empty");
    let mut sorted = tree.names.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(sorted, tree.names, "{what}: names are in order, and each is there once");
    let mut below = vec![0; tree.nodes.len()];
    let mut depth = vec![0; tree.nodes.len()];
    let mut keys = BTreeSet::new();
    for (at, node) in tree.nodes.iter().enumerate().skip(1) {
        let name = || format!("{what}: {} ({})", key_text(tree, node), numbers(node));
        let parent = node.parent as usize;
        below[parent] += node.retained_bytes;
        depth[at] = depth[parent] + 1;
        assert!(depth[at] <= DEEPEST + 1, "too deep: {}", name());
        let key = (node.edge.code(), node.edge.names(), node.class, node.is_class);
        assert!(keys.insert((parent, key)), "twice below one node: {}", name());
        assert_ne!(node.edge, Edge::Top, "{}", name());
        assert!(node.objects > 0, "{}", name());
        // More than the node has, where what is below came back to a node above.
        assert!(node.largest_bytes <= tree.nodes[0].retained_bytes, "{}", name());
        if node.edge != Edge::Other {
            assert!(node.largest_bytes > 0, "{}", name());
        }
        let mut above = parent;
        while above != 0 {
            let other = &tree.nodes[above];
            let same = other.edge == node.edge
                && other.class == node.class
                && other.is_class == node.is_class;
            assert!(!same, "below one with the same edge and class: {}", name());
            above = other.parent as usize;
        }
    }
    for (node, below) in tree.nodes.iter().zip(&below) {
        let name = format!("{what}: {} ({})", key_text(tree, node), numbers(node));
        assert_eq!(node.retained_bytes, node.shallow_bytes + below, "{name}");
    }
    let shallow: u64 = tree.nodes.iter().map(|node| node.shallow_bytes).sum();
    assert_eq!(shallow, tree.nodes[0].retained_bytes, "{what}: the top retains everything");
    assert!(tree.shares.is_sorted(), "{what}: shares are in order");
    let mut shares = vec![0; tree.nodes.len()];
    let mut rows = BTreeSet::new();
    for share in &tree.shares {
        assert!(rows.insert((share.node, share.holder, share.edge)), "{what}: twice: {share:?}");
        let node = &tree.nodes[share.node as usize];
        assert!(matches!(node.edge, Edge::Shared(_)), "{what}: {} is shared", key_text(tree, node));
        assert!(share.references > 0, "{what}: {share:?}");
        shares[share.node as usize] += 1;
        assert!(shares[share.node as usize] <= MOST_SHARES, "{what}: {}", key_text(tree, node));
    }
}

/// Nodes that are told however small they are, as objects that retain much are shared by them or
/// by nodes below them.
fn holders_of_much(tree: &OwnerTree) -> BTreeSet<usize> {
    let mut native: Vec<u64> = tree.nodes.iter().map(|node| node.native_bytes).collect();
    for at in (1..tree.nodes.len()).rev() {
        native[tree.nodes[at].parent as usize] += native[at];
    }
    let mut told = BTreeSet::new();
    let mut before = usize::MAX;
    while told.len() != before {
        before = told.len();
        for share in &tree.shares {
            let node = share.node as usize;
            let is_much = tree.nodes[node].retained_bytes + native[node] >= MUCH;
            let mut at = share.holder as usize;
            while (is_much || told.contains(&node)) && at != 0 && told.insert(at) {
                at = tree.nodes[at].parent as usize;
            }
        }
    }
    told
}

/// Nodes that are told however small they are: of what is shared, those with numbers whose names say
/// a limit, and those above them that hold much.
fn told(tree: &OwnerTree) -> BTreeSet<usize> {
    let settings = tree.limits.iter().map(|limit| limit.node as usize);
    let is_shared = |at: &usize| matches!(tree.nodes[*at].edge, Edge::Shared(_));
    holders_of_much(tree).into_iter().chain(settings.filter(is_shared)).collect()
}

/// Besides, of a tree that was just made from a dump.
#[track_caller]
fn assert_complete(tree: &OwnerTree, index: &HeapIndex, what: &str) {
    assert_well_formed(tree, what);
    let totals = index.totals();
    let bytes: u64 = totals.iter().map(|total| total.bytes).sum();
    assert_eq!(tree.nodes[0].retained_bytes, bytes, "{what}: bytes");
    // Arrays of collections are neither objects nor entries, so there may be fewer.
    let counted: u64 = tree.nodes.iter().map(|node| node.objects + node.entries).sum();
    assert!(counted <= index.objects(), "{what}: {counted} of {} objects", index.objects());
    assert!(counted > index.objects() / 2, "{what}: {counted} of {} objects", index.objects());
    let told = told(tree);
    for (at, node) in tree.nodes.iter().enumerate().skip(1) {
        if node.edge == Edge::Other || told.contains(&at) {
            continue;
        }
        let mut whole = node.retained_bytes;
        if whole < LEAST {
            whole += tree.nodes.iter().map(|node| node.native_bytes).sum::<u64>();
        }
        assert!(whole >= LEAST, "{what}: {} is small: {}", key_text(tree, node), numbers(node));
    }
}

fn check_real_dumps(remainder: usize) {
    for path in real_dumps().into_iter().skip(remainder).step_by(2) {
        let name = path.display().to_string();
        let mut place = Place::new();
        let plain = gz::inflate(&fs::read(&path).expect("a dump")).expect("a gzip file");
        let plain = place.dump(&plain);
        let index = place.index(&plain, &BuildOptions::default()).0;
        let tree = index.owners().expect("an owner tree");
        assert_complete(&tree, &index, &name);
        let census = index.census().expect("a census");
        // Mirrors that have no record are in the census alone.
        let missing = census.instances - index.objects();
        let more = census.shallow_bytes - tree.nodes[0].retained_bytes;
        assert_eq!(missing == 0, more == 0, "{name}: {missing} objects, {more} bytes");
        assert!(more <= 300 * missing, "{name}: {missing} objects, {more} bytes");
        // The first one is the usual one.
        for (what, options) in ways().into_iter().skip(1) {
            let other = place.index(&plain, &options).0.owners().expect("an owner tree");
            assert!(other == tree, "{name}, {what}");
        }
    }
}

#[test]
fn every_tree_of_one_half_of_the_real_dumps_adds_up_and_is_the_same_however_it_is_made() {
    check_real_dumps(0);
}

#[test]
fn every_tree_of_the_other_half_of_the_real_dumps_adds_up_and_is_the_same_however_it_is_made() {
    check_real_dumps(1);
}

// ---------------------------------------------------------------------------------------------------------------
// The rules, read slowly

/// A node of the tree as it should be.
#[derive(Clone, Debug, Default, PartialEq)]
struct Expected {
    parent: usize,
    key: String,
    objects: u64,
    entries: u64,
    capacity: u64,
    shallow: u64,
    retained: u64,
    largest: u64,
    native: u64,
}

/// What an object is to the one that dominates it.
enum Role {
    /// The edge of an object of its own.
    Held(String),
    /// A part of the collection, or of the thread's map of thread locals.
    Part,
}

/// Roots that frames hold.
const FRAMES: [u8; 4] =
    [heap::ROOT_JAVA_FRAME, heap::ROOT_JNI_LOCAL, heap::ROOT_NATIVE_STACK, heap::ROOT_THREAD_BLOCK];

struct Rules<'a> {
    named: &'a Named,
    graph: &'a Graph,
    index: &'a HeapIndex,
    retention: Retention,
    ids: Vec<u64>,
    /// Roots of objects: tag, thread, frame.
    roots: BTreeMap<usize, Vec<(u8, u32, u32)>>,
    /// By serial number: object, name, frames.
    threads: BTreeMap<u32, (Option<String>, Vec<String>)>,
    serials: BTreeMap<usize, u32>,
    referrers: Vec<Vec<usize>>,
}

/// Source form, without what differs from run to run.
fn class_name(internal: &str) -> String {
    stable_name(&source_name(&jmap_name(internal)))
}

fn without_digits(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        match (c.is_ascii_digit(), text.ends_with('#')) {
            (false, _) => text.push(c),
            (true, false) => text.push('#'),
            (true, true) => {}
        }
    }
    text
}

impl<'a> Rules<'a> {
    fn new(named: &'a Named, graph: &'a Graph, index: &'a HeapIndex) -> Self {
        let sizes: Vec<u64> = (0..index.objects()).map(|object| index.shallow(object)).collect();
        let mut roots: BTreeMap<usize, Vec<(u8, u32, u32)>> = BTreeMap::new();
        let mut serials = BTreeMap::new();
        for root in index.roots() {
            let of = roots.entry(root.object as usize).or_default();
            of.push((root.kind, root.thread, root.frame));
            if root.kind == heap::ROOT_THREAD_OBJECT {
                serials.insert(root.object as usize, root.thread);
            }
        }
        let threads = index.facts().expect("facts").threads;
        let mut referrers = vec![Vec::new(); graph.len()];
        for (v, next) in graph.next.iter().enumerate() {
            next.iter().for_each(|&to| referrers[to].push(v));
        }
        Rules {
            named,
            graph,
            index,
            retention: graph.retention(&sizes),
            ids: named.facts.objects.keys().copied().collect(),
            roots,
            threads: threads.into_iter().map(|t| (t.serial, (t.name, t.frames))).collect(),
            serials,
            referrers,
        }
    }

    fn internal(&self, object: usize) -> &str {
        &self.named.facts.objects[&self.ids[object]]
    }

    fn number(&self, id: u64) -> usize {
        self.ids.binary_search(&id).expect("an object")
    }

    /// The class of an object as a node names it.
    fn class(&self, object: usize) -> String {
        match self.named.classes.get(&self.ids[object]) {
            Some(class) => format!("class {}", class_name(class)),
            None => class_name(self.internal(object)),
        }
    }

    fn chain(&self, object: usize) -> &[String] {
        self.named.chains.get(&self.ids[object]).map_or(&[], Vec::as_slice)
    }

    fn is_collection(&self, object: usize) -> bool {
        const BASES: [&str; 5] = [
            "java/util/AbstractMap",
            "java/util/AbstractCollection",
            "java/util/Dictionary",
            "java/util/concurrent/atomic/AtomicReferenceArray",
            "java/lang/ThreadLocal$ThreadLocalMap",
        ];
        self.internal(object).starts_with("java/util/Collections$")
            || self.chain(object).iter().any(|class| BASES.contains(&class.as_str()))
    }

    fn is_array(&self, object: usize) -> bool {
        self.internal(object).starts_with('[')
    }

    /// Whether an object may be a part of a collection: the JDK's are of inner classes.
    fn is_entry(&self, object: usize) -> bool {
        let class = self.internal(object);
        let is_inner = class.starts_with("java/util/") && class.contains('$');
        is_inner && !self.is_collection(object) || self.is_thread_local(object)
    }

    fn is_thread_local(&self, object: usize) -> bool {
        self.internal(object) == "java/lang/ThreadLocal$ThreadLocalMap$Entry"
    }

    /// The outermost classes of the class of an object and of its superclasses.
    fn outer(&self, object: usize) -> BTreeSet<&str> {
        let chain = self.chain(object).iter();
        let outer = chain.map(|class| class.split('$').next().unwrap_or(class));
        outer
            .filter(|class| {
                !class.starts_with("java/util/Abstract") && *class != "java/lang/Object"
            })
            .collect()
    }

    /// The method of a frame: `Class.method`.
    fn method(&self, thread: u32, frame: u32) -> String {
        let frames = self.threads.get(&thread).map_or(&[][..], |(_, frames)| frames);
        let text = frames.get(frame as usize).map_or("", String::as_str);
        let Some((class, method)) = text.split('(').next().and_then(|f| f.rsplit_once('.')) else {
            return String::new();
        };
        format!("{}.{method}", stable_name(&source_name(class)))
    }

    fn root_edge(&self, object: usize) -> Option<String> {
        if let Some(serial) = self.serials.get(&object) {
            let name = self.threads.get(serial).and_then(|(name, _)| name.clone());
            return Some(format!("thread {}", without_digits(&name.unwrap_or_default())));
        }
        if !self.graph.roots.contains(&object) {
            return None;
        }
        let is_held = |thread: &u32| self.serials.values().any(|serial| serial == thread);
        let roots = self.roots.get(&object)?.iter();
        let roots = roots.filter(|(tag, thread, _)| !(FRAMES.contains(tag) && is_held(thread)));
        let kind = roots.map(|root| root.0).min()?;
        Some(format!("root {}", if kind == 0 { "system class" } else { heap::name(kind) }))
    }

    fn local_edge(&self, thread: usize, object: usize) -> Option<String> {
        let serial = self.serials.get(&thread)?;
        let frames = self.roots.get(&object)?.iter();
        let frames = frames.filter(|(tag, of, _)| of == serial && FRAMES.contains(tag));
        // What is in no frame (a JNI local without one) is taken for one of the innermost.
        let frames = frames.map(|(.., frame)| if *frame == u32::MAX { 0 } else { *frame });
        Some(format!("local {}", self.method(*serial, frames.max()?)))
    }

    /// The name of what is shared: of the first of the holders.
    fn shared_edge(&self, object: usize) -> String {
        let rank = |holder: &usize| {
            let name = self.class(*holder);
            let is_jdk = ["java.", "javax.", "jdk.", "sun.", "com.sun."];
            match name.strip_prefix("class ") {
                Some(name) => (0, name.to_owned()),
                None if self.is_array(*holder) => (4, name),
                None if self.is_collection(*holder) || self.is_entry(*holder) => (3, name),
                None if is_jdk.iter().any(|start| name.starts_with(start)) => (2, name),
                None => (1, name),
            }
        };
        let first = self.referrers[object].iter().map(rank).min();
        format!("shared {}", first.map(|(_, name)| name).unwrap_or_default())
    }

    /// The edge of a reference, as if nothing was a collection.
    fn plain_edge(&self, how: &How) -> String {
        match how {
            How::Field(class, field) => format!("field {}.{field}", class_name(class)),
            How::Static(field) => format!("static {field}"),
            How::Element(_) => "element".to_owned(),
            // The loader of a class, too.
            How::OwnClass | How::Beside(_) => "class".to_owned(),
        }
    }

    /// The references of an object to another one: that to its class first.
    fn links(&self, from: usize, to: usize) -> impl Iterator<Item = &How> {
        let links = &self.named.links[&self.ids[from]];
        let to = self.ids[to];
        let class = links.last().filter(|(how, _)| *how == How::OwnClass);
        let all = class.into_iter().chain(links);
        all.filter(move |(_, target)| *target == to).map(|(how, _)| how)
    }

    /// How its dominator holds an object. `is_inside`: the dominator is a part of a collection.
    fn role(&self, object: usize, is_inside: bool) -> Role {
        let level = self.graph.level[object];
        let Some(by) = self.retention.dominators[object] else {
            if level > 0 {
                let name = self.index.level(object as u64).name();
                return Role::Held(format!("level {name}"));
            }
            let edge = self.root_edge(object);
            return Role::Held(edge.unwrap_or_else(|| self.shared_edge(object)));
        };
        let is_structure = self.is_collection(by) || self.is_entry(by);
        let may_be_part = self.is_entry(object) || self.is_array(object);
        match self.links(by, object).next() {
            Some(How::Field(_, name)) if self.is_thread_local(by) && name == "value" => {
                Role::Held(self.thread_local_edge(by))
            }
            Some(how @ How::Field(_, name)) if is_structure => {
                match name.trim_end_matches(|c: char| c.is_ascii_digit()) {
                    "key" => Role::Held("key".to_owned()),
                    "value" | "val" => Role::Held("value".to_owned()),
                    "item" | "element" => Role::Held("element".to_owned()),
                    _ if may_be_part => Role::Part,
                    _ if self.is_collection(by) && self.is_collection(object) => Role::Part,
                    _ => Role::Held(self.plain_edge(how)),
                }
            }
            Some(How::Element(_)) if is_inside && self.is_entry(object) => {
                // An array of entries; in others they are what the program put in.
                match self.internal(by).contains('$') {
                    true => Role::Part,
                    false => Role::Held("element".to_owned()),
                }
            }
            Some(How::Element(_))
                if is_inside && self.is_array(object) && self.internal(by).starts_with("[[") =>
            {
                Role::Part
            }
            Some(how) => Role::Held(self.plain_edge(how)),
            None => {
                if let Some(edge) = self.local_edge(by, object) {
                    return Role::Held(edge);
                }
                let is_middle = self.is_entry(object)
                    && is_structure
                    && !self.outer(object).is_disjoint(&self.outer(by));
                match is_middle && !self.is_thread_local(object) {
                    true => Role::Part,
                    false => Role::Held(self.shared_edge(object)),
                }
            }
        }
    }

    fn thread_local_edge(&self, entry: usize) -> String {
        let Some((_, key)) = self.named.facts.referents.get(&self.ids[entry]) else {
            return "thread local ".to_owned();
        };
        let level = self.graph.level[self.number(*key)];
        let mut names = Vec::new();
        for (holder, links) in &self.named.links {
            for (how, _) in links.iter().filter(|(_, target)| target == key) {
                if self.graph.level[self.number(*holder)] != level {
                    continue;
                }
                match how {
                    How::Static(field) => {
                        let class = &self.named.classes[holder];
                        names.push((0, format!("{}.{field}", class_name(class))));
                    }
                    How::Field(class, field) => {
                        names.push((1, format!("{}.{field}", class_name(class))));
                    }
                    _ => {}
                }
            }
        }
        let first = names.into_iter().min().map(|(_, name)| name);
        let class = || self.class(self.number(*key));
        format!("thread local {}", first.unwrap_or_else(class))
    }

    /// Whether a part of a collection stands for something that the program put in: it has a field for that.
    fn is_counted(&self, object: usize) -> bool {
        let fields = ["key", "value", "val", "item", "element"];
        let links = self.named.fields.get(&self.ids[object]);
        links.is_some_and(|names| names.iter().any(|name| fields.contains(&name.as_str())))
    }

    fn native(&self, object: usize) -> u64 {
        let id = self.ids[object];
        let is_buffer = self.chain(object).iter().any(|class| class == "java/nio/DirectByteBuffer");
        let is_view = self.named.links[&id]
            .iter()
            .any(|(how, _)| matches!(how, How::Field(_, name) if name == "att"));
        let is_freed = self.named.links[&id]
            .iter()
            .any(|(how, _)| matches!(how, How::Field(_, name) if name == "cleaner"));
        // What the JVM lends the JDK is nobody's.
        let is_lent = !is_freed
            && self.retention.dominators[object].is_some_and(|by| {
                let class = self.internal(by);
                ["java/", "jdk/", "sun/"].iter().any(|jdk| class.starts_with(jdk))
            });
        match is_buffer && !is_view && !is_lent {
            true => self.named.numbers[&id]["capacity"],
            false => 0,
        }
    }

    /// The tree, and the node of each object.
    fn tree(&self) -> (Vec<Expected>, Vec<usize>) {
        let count = self.graph.len();
        let mut below: Vec<Vec<usize>> = vec![Vec::new(); count];
        let mut order: Vec<usize> = Vec::new();
        for (object, by) in self.retention.dominators.iter().enumerate() {
            match by {
                Some(by) => below[*by].push(object),
                None => order.push(object),
            }
        }
        let mut nodes = vec![Expected::default()];
        let mut children: HashMap<(usize, String), usize> = HashMap::new();
        let mut place = vec![0; count];
        // Parts of collections.
        let mut is_part = vec![false; count];
        let mut at = 0;
        while let Some(&object) = order.get(at) {
            at += 1;
            order.extend(&below[object]);
            let by = self.retention.dominators[object];
            let parent = by.map_or(0, |by| place[by]);
            let node = match self.role(object, by.is_some_and(|by| is_part[by])) {
                Role::Part => {
                    is_part[object] = true;
                    if self.is_entry(object) {
                        nodes[parent].entries += u64::from(self.is_counted(object));
                    } else if self.internal(object).starts_with("[L")
                        || self.internal(object).starts_with("[[")
                    {
                        nodes[parent].capacity += self.named.lengths[&self.ids[object]];
                    }
                    parent
                }
                Role::Held(edge) => {
                    let key = format!("{edge}: {}", self.class(object));
                    let mut node = parent;
                    while node != 0 && nodes[node].key != key {
                        node = nodes[node].parent;
                    }
                    if node == 0 {
                        node = *children.entry((parent, key.clone())).or_insert_with(|| {
                            nodes.push(Expected { parent, key, ..Expected::default() });
                            nodes.len() - 1
                        });
                    }
                    nodes[node].objects += 1;
                    nodes[node].largest = nodes[node].largest.max(self.retention.bytes[object]);
                    node
                }
            };
            nodes[node].shallow += self.index.shallow(object as u64);
            nodes[node].native += self.native(object);
            place[object] = node;
        }
        for at in (0..nodes.len()).rev() {
            nodes[at].retained += nodes[at].shallow;
            if at > 0 {
                let (retained, parent) = (nodes[at].retained, nodes[at].parent);
                nodes[parent].retained += retained;
            }
        }
        (nodes, place)
    }
}

/// Counts small nodes together, by the nodes above them. Also says where each node went.
/// `told`: the paths of those that are told however small they are.
fn prune(nodes: &[Expected], told: &BTreeSet<String>) -> (Vec<Expected>, Vec<usize>) {
    let paths = expected_paths(nodes);
    let mut whole: Vec<u64> = nodes.iter().map(|node| node.shallow + node.native).collect();
    for at in (1..nodes.len()).rev() {
        whole[nodes[at].parent] += whole[at];
    }
    let mut kept: Vec<Expected> = Vec::new();
    let mut place = vec![0; nodes.len()];
    let mut others: BTreeMap<usize, usize> = BTreeMap::new();
    for (at, node) in nodes.iter().enumerate() {
        let parent = place[node.parent];
        if at == 0 || whole[at] >= LEAST || told.contains(&paths[at]) {
            place[at] = kept.len();
            kept.push(Expected { parent, ..node.clone() });
            continue;
        }
        let is_in_other = kept[parent].key == "other: ";
        let other = if is_in_other {
            parent
        } else {
            *others.entry(parent).or_insert_with(|| {
                kept.push(Expected { parent, key: "other: ".to_owned(), ..Expected::default() });
                kept.len() - 1
            })
        };
        place[at] = other;
        let sum = &mut kept[other];
        sum.objects += node.objects;
        sum.entries += node.entries;
        sum.capacity += node.capacity;
        sum.shallow += node.shallow;
        sum.retained += node.shallow;
        sum.native += node.native;
    }
    (kept, place)
}

/// Where two trees tell of different holders of what is shared. `place`: of each object.
fn share_differences(
    tree: &OwnerTree,
    rules: &Rules<'_>,
    nodes: &[Expected],
    place: &[usize],
) -> Vec<String> {
    let told = paths_told(tree);
    let (kept, kept_place) = prune(nodes, &told);
    let all_paths = expected_paths(nodes);
    let mut holders: BTreeMap<usize, BTreeMap<usize, u64>> = BTreeMap::new();
    for (holder, next) in rules.graph.next.iter().enumerate() {
        for held in next.iter().collect::<BTreeSet<_>>() {
            let (from, to) = (place[holder], place[*held]);
            let is_told = nodes[to].retained >= LEAST || told.contains(&all_paths[to]);
            let is_shared = nodes[to].key.starts_with("shared ") && is_told;
            if is_shared && from != to && !rules.graph.roots.contains(held) {
                *holders.entry(to).or_default().entry(from).or_default() += 1;
            }
        }
    }
    let paths = expected_paths(&kept);
    let mut wanted: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    let mut left_out = BTreeSet::new();
    for (node, holders) in holders {
        let path = paths[kept_place[node]].clone();
        if holders.len() > MOST_SHARES {
            left_out.insert(path);
            continue;
        }
        let of = wanted.entry(path).or_default();
        for (holder, references) in holders {
            *of.entry(paths[kept_place[holder]].clone()).or_default() += references;
        }
    }
    let paths = self::paths(tree);
    let mut found: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for share in &tree.shares {
        let path = &paths[share.node as usize];
        if !left_out.contains(path) {
            let of = found.entry(path.clone()).or_default();
            *of.entry(paths[share.holder as usize].clone()).or_default() += share.references;
        }
    }
    let all: BTreeSet<&String> = wanted.keys().chain(found.keys()).collect();
    let differing = all.into_iter().filter(|path| wanted.get(*path) != found.get(*path));
    differing
        .map(|path| {
            let (is, not) = (found.get(path), wanted.get(path));
            format!("held by others: {path}:\n  is   {is:?}\n  not  {not:?}")
        })
        .collect()
}

fn expected_paths(nodes: &[Expected]) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        let above = if at == 0 { "" } else { paths[node.parent].as_str() };
        paths.push(match above {
            "" => node.key.clone(),
            above => format!("{above} > {}", node.key),
        });
    }
    paths
}

/// Where two trees differ: each node that only one of them has, and whose parent both have; and all other numbers.
fn differences(tree: &OwnerTree, expected: &[Expected]) -> Vec<String> {
    let paths = expected_paths(expected);
    let wanted: BTreeMap<&str, String> = paths
        .iter()
        .zip(expected)
        .map(|(path, node)| {
            let largest = if path.ends_with("other: ") { 0 } else { node.largest };
            let node = OwnerNode {
                objects: node.objects,
                entries: node.entries,
                capacity: node.capacity,
                shallow_bytes: node.shallow,
                retained_bytes: node.retained,
                largest_bytes: largest,
                native_bytes: node.native,
                ..OwnerNode::new(0, Edge::Top, 0)
            };
            (path.as_str(), numbers(&node))
        })
        .filter(|(path, _)| !path.is_empty())
        .collect();
    let tree = Tree::new(tree.clone());
    let found: BTreeMap<&str, String> = tree
        .paths
        .iter()
        .zip(&tree.tree.nodes)
        .skip(1)
        .map(|(path, node)| (path.as_str(), numbers(node)))
        .collect();
    let has_parent = |path: &str, in_: &BTreeMap<&str, String>| match path.rsplit_once(" > ") {
        Some((above, _)) => in_.contains_key(above),
        None => true,
    };
    let mut differences = Vec::new();
    for (path, wanted) in &wanted {
        match found.get(path) {
            Some(found) if found == wanted => {}
            Some(found) => differences.push(format!("{path}:\n  is   {found}\n  not  {wanted}")),
            None if has_parent(path, &found) => {
                differences.push(format!("{path}: missing: {wanted}"));
            }
            None => {}
        }
    }
    for (path, found) in found.iter().filter(|(path, _)| !wanted.contains_key(**path)) {
        if has_parent(path, &wanted) {
            differences.push(format!("{path}: too many: {found}"));
        }
    }
    differences
}

fn paths_told(tree: &OwnerTree) -> BTreeSet<String> {
    let told = told(tree);
    let tree = Tree::new(tree.clone());
    told.into_iter().map(|at| tree.paths[at].clone()).collect()
}

fn runner(cases: u32) -> TestRunner {
    let config =
        Config { cases, failure_persistence: None, max_shrink_iters: 300, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

#[track_caller]
fn assert_by_the_rules(file: &[u8], place: &mut Place, what: &str) {
    let dump = place.dump(file);
    let named = read_named(file);
    let graph = Graph::of(&named.facts);
    let index = place.index(&dump, &BuildOptions::default()).0;
    let tree = index.owners().expect("an owner tree");
    assert_complete(&tree, &index, what);
    let rules = Rules::new(&named, &graph, &index);
    let (expected, nodes) = rules.tree();
    let mut differences = differences(&tree, &prune(&expected, &paths_told(&tree)).0);
    differences.extend(share_differences(&tree, &rules, &expected, &nodes));
    let more = differences.len();
    let shown: Vec<String> = differences.into_iter().take(40).collect();
    assert!(shown.is_empty(), "{what}: {more} differences:\n{}", shown.join("\n"));
}

#[test]
fn every_node_of_a_random_heap_is_what_the_rules_say() {
    let result = runner(120).run(&plan(), |plan| {
        let heap = plan.build();
        assert_by_the_rules(&heap.file, &mut Place::new(), "a random heap");
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn every_node_of_some_real_dumps_is_what_the_rules_say() {
    let mut failures = String::new();
    for path in real_dumps().into_iter().step_by(3) {
        let file = fs::read(&path).expect("a dump");
        let name = path.display().to_string();
        let check = std::panic::catch_unwind(|| {
            assert_by_the_rules(&file, &mut Place::new(), &name);
        });
        if let Err(why) = check {
            let why = why.downcast_ref::<String>().cloned().unwrap_or_default();
            let _ = writeln!(failures, "{why}");
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

// ---------------------------------------------------------------------------------------------------------------
// Dumps whose truth is known

/// Classes of the JDK, as far as they matter here.
struct Library {
    jvm: Jvm,
    objects: Class,
    map: Class,
    node: Class,
    nodes: Class,
    list: Class,
    linked: Class,
    linked_node: Class,
}

const HOLDER: &str = "root system class: class com.example.Holder";

impl Library {
    fn new() -> Self {
        use Type::{Int, Object};
        let mut jvm = Jvm::small();
        let objects = jvm.array_class("[Ljava/lang/Object;");
        let abstract_map = jvm
            .class("java/util/AbstractMap")
            .field("keySet", Object)
            .field("values", Object)
            .define();
        let map = jvm
            .class("java/util/HashMap")
            .extends(abstract_map)
            .field("table", Object)
            .field("entrySet", Object)
            .field("size", Int)
            .define();
        let node = jvm
            .class("java/util/HashMap$Node")
            .field("hash", Int)
            .field("key", Object)
            .field("value", Object)
            .field("next", Object)
            .define();
        let nodes = jvm.array_class("[Ljava/util/HashMap$Node;");
        let collection = jvm.class("java/util/AbstractCollection").define();
        let abstract_list =
            jvm.class("java/util/AbstractList").extends(collection).field("modCount", Int).define();
        let list = jvm
            .class("java/util/ArrayList")
            .extends(abstract_list)
            .field("elementData", Object)
            .field("size", Int)
            .define();
        let linked = jvm
            .class("java/util/LinkedList")
            .extends(abstract_list)
            .field("size", Int)
            .field("first", Object)
            .field("last", Object)
            .define();
        let linked_node = jvm
            .class("java/util/LinkedList$Node")
            .field("item", Object)
            .field("next", Object)
            .field("prev", Object)
            .define();
        Library { jvm, objects, map, node, nodes, list, linked, linked_node }
    }

    /// A class with this name and these fields of reference type.
    fn class(&mut self, name: &str, fields: &[&str]) -> Class {
        let class = self.jvm.class(name);
        fields.iter().fold(class, |class, field| class.field(field, Type::Object)).define()
    }

    fn object(&mut self, class: Class, fields: &[u64]) -> u64 {
        let values: Vec<Value> = fields.iter().map(|&to| Value::Ref(to)).collect();
        self.jvm.instance(class, &values)
    }

    fn bytes(&mut self, length: usize) -> u64 {
        self.jvm.primitive_array(Type::Byte, length)
    }

    /// A map of this room, whose entries go to the buckets that are told.
    fn map(&mut self, room: usize, entries: &[(u64, u64)], bucket: impl Fn(usize) -> usize) -> u64 {
        let mut table = vec![0; room];
        for (nth, &(key, value)) in entries.iter().enumerate() {
            let slot = &mut table[bucket(nth) % room];
            let values =
                [Value::Int(nth as i32), Value::Ref(key), Value::Ref(value), Value::Ref(*slot)];
            *slot = self.jvm.instance(self.node, &values);
        }
        let table = self.jvm.object_array(self.nodes, &table);
        let size = Value::Int(entries.len() as i32);
        self.jvm.instance(
            self.map,
            &[Value::Ref(table), Value::Ref(0), size, Value::Ref(0), Value::Ref(0)],
        )
    }

    fn list(&mut self, room: usize, elements: &[u64]) -> u64 {
        let mut slots = elements.to_vec();
        slots.resize(room, 0);
        let array = self.jvm.object_array(self.objects, &slots);
        let size = Value::Int(elements.len() as i32);
        self.jvm.instance(self.list, &[Value::Ref(array), size, Value::Int(0)])
    }

    fn linked_list(&mut self, items: &[u64]) -> u64 {
        let size = self.jvm.instance(self.linked_node, &[Value::Ref(0); 3]);
        // Addresses are known beforehand: all nodes have the same size.
        let first = self.jvm.next_address();
        let step = first - size;
        let address = |nth: usize| first + step * nth as u64;
        let last = items.len() - 1;
        for (nth, &item) in items.iter().enumerate() {
            let next = if nth < last { address(nth + 1) } else { 0 };
            let previous = if nth > 0 { address(nth - 1) } else { 0 };
            let node = self.object(self.linked_node, &[item, next, previous]);
            assert_eq!(node, address(nth));
        }
        let ends = [Value::Ref(address(0)), Value::Ref(address(last)), Value::Int(0)];
        let size = [Value::Int(items.len() as i32)];
        self.jvm.instance(self.linked, &[&size[..], &ends].concat())
    }

    /// The tree of a heap in which a static field holds this.
    fn tree_of_static(mut self, object: u64) -> Tree {
        self.jvm.class("com/example/Holder").static_field("FIELD", Value::Ref(object)).define();
        self.tree()
    }

    fn tree(&self) -> Tree {
        Tree::of(&self.jvm.write().bytes)
    }
}

/// A static map of 300 entries: strings to values with 100 bytes each.
fn map_heap(room: usize, shuffled: bool) -> Tree {
    let mut heap = Library::new();
    let value = heap.class("com/example/Value", &["payload"]);
    let mut entries = Vec::new();
    for nth in 0..300 {
        if shuffled {
            heap.jvm.skip_addresses(8 * (nth % 5));
            heap.bytes(nth as usize);
        }
        let payload = heap.bytes(84);
        let key = heap.jvm.string(&format!("key number {nth:04}"));
        entries.push((key, heap.object(value, &[payload])));
    }
    if shuffled {
        entries.reverse();
    }
    // The first bucket has a list of twenty.
    let map = heap.map(room, &entries, |nth| if nth < 20 { 0 } else { nth });
    heap.tree_of_static(map)
}

#[test]
fn a_map_is_one_node_whatever_it_is_made_of() {
    let tree = map_heap(512, false);
    let map = [HOLDER, "static FIELD: java.util.HashMap"];
    let node = tree.at(&map);
    assert_eq!((node.objects, node.entries, node.capacity), (1, 300, 512));
    // AbstractMap has two references, HashMap two and an int; nodes have three and an int.
    let bytes = 32 + (16 + 4 * 512) + 300 * 32;
    let values = 300 * (16 + 104);
    // A string has a hash, a coder and a flag besides its reference.
    let keys = 300 * (24 + 32);
    assert_eq!(node.shallow_bytes, bytes);
    assert_eq!(node.retained_bytes, bytes + keys + values);
    assert_eq!(node.largest_bytes, node.retained_bytes);
    assert_eq!(tree.below(&map), ["key: java.lang.String", "value: com.example.Value"]);
    let key = tree.at(&[&map[..], &["key: java.lang.String"]].concat());
    assert_eq!((key.objects, key.retained_bytes, key.largest_bytes), (300, keys, 24 + 32));
    let value = [&map[..], &["value: com.example.Value"]].concat();
    assert_eq!((tree.at(&value).objects, tree.at(&value).retained_bytes), (300, values));
    let payload = tree.at(&[&value[..], &["field com.example.Value.payload: byte[]"]].concat());
    assert_eq!((payload.objects, payload.shallow_bytes), (300, 300 * 104));
}

#[test]
fn a_map_with_a_larger_table_at_other_addresses_has_the_same_nodes() {
    let (small, large) = (map_heap(512, false), map_heap(1024, true));
    let below = |tree: &Tree| -> BTreeMap<String, (u64, u64, u64)> {
        let nodes = tree.paths.iter().zip(&tree.tree.nodes);
        let nodes = nodes.filter(|(path, _)| path.starts_with(HOLDER));
        let numbers = |node: &OwnerNode| {
            let bytes = node.shallow_bytes - 4 * node.capacity;
            (node.objects, node.entries, bytes)
        };
        nodes.map(|(path, node)| (path.clone(), numbers(node))).collect()
    };
    assert_eq!(below(&small), below(&large));
    let map = [HOLDER, "static FIELD: java.util.HashMap"];
    assert_eq!(large.at(&map).capacity, 1024);
}

#[test]
fn collections_that_lists_hold_are_elements_and_no_part_of_the_list() {
    let mut heap = Library::new();
    let mut maps = Vec::new();
    for _ in 0..50 {
        let (key, value) = (heap.jvm.string("key"), heap.bytes(100));
        maps.push(heap.map(16, &[(key, value)], |nth| nth));
    }
    let list = heap.list(64, &maps);
    let tree = heap.tree_of_static(list);
    let list = [HOLDER, "static FIELD: java.util.ArrayList"];
    let node = tree.at(&list);
    assert_eq!((node.objects, node.entries, node.capacity), (1, 0, 64));
    assert_eq!(tree.below(&list), ["element: java.util.HashMap"]);
    let maps = tree.at(&[&list[..], &["element: java.util.HashMap"]].concat());
    assert_eq!((maps.objects, maps.entries, maps.capacity), (50, 50, 50 * 16));
}

/// As `new ArrayList<>(map.entrySet())` when the map is gone.
#[test]
fn entries_that_a_list_of_the_program_holds_are_elements_of_it() {
    let mut heap = Library::new();
    let mut entries = Vec::new();
    for nth in 0..50 {
        let value = heap.bytes(100);
        let values = [Value::Int(nth), Value::Ref(0), Value::Ref(value), Value::Ref(0)];
        entries.push(heap.jvm.instance(heap.node, &values));
    }
    let list = heap.list(64, &entries);
    let tree = heap.tree_of_static(list);
    let list = [HOLDER, "static FIELD: java.util.ArrayList"];
    assert_eq!((tree.at(&list).objects, tree.at(&list).entries), (1, 0));
    assert_eq!(tree.below(&list), ["element: java.util.HashMap$Node"]);
    let entries = [&list[..], &["element: java.util.HashMap$Node"]].concat();
    assert_eq!(tree.at(&entries).objects, 50);
    assert_eq!(tree.below(&entries), ["value: byte[]"]);
}

#[test]
fn an_array_in_a_map_or_list_is_a_value_or_element_and_no_part_of_it() {
    let mut heap = Library::new();
    let mut entries = Vec::new();
    for nth in 0..40 {
        let inner = heap.bytes(100);
        let value = heap.jvm.object_array(heap.objects, &[inner]);
        entries.push((heap.jvm.string(&format!("{nth:04}")), value));
    }
    let map = heap.map(64, &entries, |nth| nth);
    let arrays: Vec<u64> = (0..40).map(|_| heap.bytes(100)).collect();
    let list = heap.list(64, &arrays);
    let pair = heap.class("com/example/Pair", &["map", "list"]);
    let pair = heap.object(pair, &[map, list]);
    let tree = heap.tree_of_static(pair);
    let pair = [HOLDER, "static FIELD: com.example.Pair"];
    let map = [&pair[..], &["field com.example.Pair.map: java.util.HashMap"]].concat();
    let list = [&pair[..], &["field com.example.Pair.list: java.util.ArrayList"]].concat();
    assert_eq!((tree.at(&map).entries, tree.at(&map).capacity), (40, 64));
    assert_eq!((tree.at(&list).entries, tree.at(&list).capacity), (0, 64));
    let value = [&map[..], &["value: java.lang.Object[]"]].concat();
    assert_eq!(tree.at(&value).objects, 40);
    assert_eq!(tree.below(&value), ["element: byte[]"]);
    assert_eq!(tree.below(&list), ["element: byte[]"]);
    assert_eq!(tree.at(&[&list[..], &["element: byte[]"]].concat()).objects, 40);
}

#[test]
fn a_list_of_the_programs_own_folds_to_one_node() {
    let mut heap = Library::new();
    let node = heap.class("com/example/Node", &["next", "payload"]);
    let mut head = 0;
    for _ in 0..100_000 {
        let payload = heap.bytes(8);
        head = heap.object(node, &[head, payload]);
    }
    let tree = heap.tree_of_static(head);
    let first = [HOLDER, "static FIELD: com.example.Node"];
    let rest = [&first[..], &["field com.example.Node.next: com.example.Node"]].concat();
    assert_eq!(tree.at(&first).objects, 1);
    assert_eq!(tree.at(&first).largest_bytes, 100_000 * 48);
    assert_eq!(tree.at(&first).retained_bytes, 100_000 * 48);
    assert_eq!(tree.at(&rest).objects, 99_999);
    assert_eq!(tree.at(&rest).largest_bytes, 99_999 * 48);
    assert_eq!(tree.at(&rest).shallow_bytes, 99_999 * 24);
    assert_eq!(tree.below(&rest), ["field com.example.Node.payload: byte[]"]);
}

#[test]
fn a_linked_list_is_one_node_with_its_items_below() {
    let mut heap = Library::new();
    let item = heap.class("com/example/Item", &["payload"]);
    let mut items = Vec::new();
    for _ in 0..5000 {
        let payload = heap.bytes(16);
        items.push(heap.object(item, &[payload]));
    }
    let list = heap.linked_list(&items);
    let tree = heap.tree_of_static(list);
    let list = [HOLDER, "static FIELD: java.util.LinkedList"];
    assert_eq!((tree.at(&list).objects, tree.at(&list).entries), (1, 5000));
    assert_eq!(tree.at(&list).shallow_bytes, 32 + 5000 * 24);
    assert_eq!(tree.below(&list), ["element: com.example.Item"]);
    let items = tree.at(&[&list[..], &["element: com.example.Item"]].concat());
    assert_eq!((items.objects, items.retained_bytes), (5000, 5000 * (16 + 32)));
}

/// Three payloads that several objects hold, all of them held by one root.
fn shared_heap(holders: &[(&str, &str)]) -> (Tree, Vec<String>) {
    let mut heap = Library::new();
    let payload = heap.class("com/example/Payload", &["bytes"]);
    let payloads: Vec<u64> = (0..3)
        .map(|_| {
            let bytes = heap.bytes(500);
            heap.object(payload, &[bytes])
        })
        .collect();
    let mut all = Vec::new();
    for (class, field) in holders {
        let class = heap.class(class, &[field]);
        for &payload in &payloads {
            all.push(heap.object(class, &[payload]));
        }
        // For a node of their own.
        all.extend((0..40).map(|_| heap.object(class, &[0])));
    }
    let array = heap.jvm.object_array(heap.objects, &all);
    let top = heap.class("com/example/Top", &["array"]);
    let top = heap.object(top, &[array]);
    let tree = heap.tree_of_static(top);
    let array = [
        HOLDER,
        "static FIELD: com.example.Top",
        "field com.example.Top.array: java.lang.Object[]",
    ];
    (tree, array.map(str::to_owned).to_vec())
}

#[test]
fn what_two_hold_is_shared_under_the_name_of_the_first_and_says_who_holds_it() {
    let (tree, array) = shared_heap(&[("com/example/Beta", "y"), ("com/example/Alpha", "x")]);
    let array: Vec<&str> = array.iter().map(String::as_str).collect();
    let shared = [&array[..], &["shared com.example.Alpha: com.example.Payload"]].concat();
    let node = tree.at(&shared);
    assert_eq!((node.objects, node.retained_bytes), (3, 3 * (16 + 520)));
    let alpha = [&array[..], &["element: com.example.Alpha"]].concat().join(" > ");
    let beta = [&array[..], &["element: com.example.Beta"]].concat().join(" > ");
    let expected = vec![
        (alpha.as_str(), "field com.example.Alpha.x".to_owned(), 3),
        (beta.as_str(), "field com.example.Beta.y".to_owned(), 3),
    ];
    assert_eq!(tree.shares(&shared), expected);
}

#[test]
fn a_holder_of_the_program_names_what_is_shared_before_one_of_the_jdk() {
    let (tree, array) =
        shared_heap(&[("java/util/concurrent/FutureTask", "a"), ("zeta/Holder", "z")]);
    let array: Vec<&str> = array.iter().map(String::as_str).collect();
    let shared = [&array[..], &["shared zeta.Holder: com.example.Payload"]].concat();
    assert_eq!(tree.at(&shared).objects, 3);
    assert_eq!(tree.shares(&shared).len(), 2);
}

#[test]
fn a_collection_names_what_is_shared_only_where_nothing_else_holds_it() {
    let mut heap = Library::new();
    let payloads: Vec<u64> = (0..5).map(|_| heap.bytes(500)).collect();
    let entries: Vec<(u64, u64)> = payloads.iter().map(|&payload| (0, payload)).collect();
    let (map, list) = (heap.map(64, &entries, |nth| nth), heap.list(64, &payloads));
    let reader = heap.class("java/zip/Reader", &["buffer"]);
    let first = heap.object(reader, &[payloads[0]]);
    let top = heap.class("com/example/Top", &["map", "list", "reader"]);
    let top = heap.object(top, &[map, list, first]);
    let tree = heap.tree_of_static(top);
    let top = [HOLDER, "static FIELD: com.example.Top"];
    let of_reader = [&top[..], &["shared java.zip.Reader: byte[]"]].concat();
    assert_eq!(tree.at(&of_reader).objects, 1);
    let others: Vec<&str> = tree
        .below(&top)
        .into_iter()
        .filter(|key| key.starts_with("shared ") && !key.contains("Reader"))
        .collect();
    assert_eq!(others.len(), 1, "{others:?}");
    let others = [&top[..], &others].concat();
    assert_eq!(tree.at(&others).objects, 4);
    let map = [&top[..], &["field com.example.Top.map: java.util.HashMap"]].concat().join(" > ");
    let list =
        [&top[..], &["field com.example.Top.list: java.util.ArrayList"]].concat().join(" > ");
    let shares = tree.shares(&others);
    let of = |holder: &str| shares.iter().find(|share| share.0 == holder).map(|share| share.2);
    assert_eq!((of(&map), of(&list)), (Some(4), Some(4)), "{shares:?}");
}

#[test]
fn garbage_names_nothing_that_is_shared_and_is_no_holder_of_it() {
    let mut heap = Library::new();
    let payload = heap.bytes(500);
    let hold = |heap: &mut Library, class: &str| {
        let class = heap.class(class, &["payload"]);
        heap.object(class, &[payload])
    };
    let held = [hold(&mut heap, "com/example/Beta"), hold(&mut heap, "com/example/Gamma")];
    hold(&mut heap, "com/example/Alpha");
    let all = heap.jvm.object_array(heap.objects, &held);
    let tree = heap.tree_of_static(all);
    let shared = [HOLDER, "static FIELD: java.lang.Object[]", "shared com.example.Beta: byte[]"];
    assert_eq!(tree.at(&shared).objects, 1);
    let references: u64 = tree.shares(&shared).iter().map(|share| share.2).sum();
    assert_eq!(references, 2, "{:?}", tree.shares(&shared));
}

/// An LRU cache: all entries are in the table and in a list.
#[test]
fn a_linked_map_is_one_node_with_its_keys_and_values_below() {
    let mut heap = Library::new();
    let (map, node) = (heap.map, heap.node);
    let linked = heap.jvm.class("java/util/LinkedHashMap").extends(map);
    let linked = linked.field("head", Type::Object).field("tail", Type::Object).define();
    let entry = heap.jvm.class("java/util/LinkedHashMap$Entry").extends(node);
    let entry = entry.field("before", Type::Object).field("after", Type::Object).define();
    let payloads: Vec<u64> = (0..200).map(|_| heap.bytes(100)).collect();
    let keys: Vec<u64> = (0..200).map(|nth| heap.jvm.string(&format!("{nth:04}"))).collect();
    let none = [0; 2].map(Value::Ref);
    let node_of =
        |key: u64, value: u64| [Value::Int(0), Value::Ref(key), Value::Ref(value), Value::Ref(0)];
    let spare = heap.jvm.instance(entry, &[&none[..], &node_of(0, 0)].concat());
    let first = heap.jvm.next_address();
    let address = |nth: usize| first + (first - spare) * nth as u64;
    let mut table = vec![0; 256];
    for nth in 0..200 {
        let before = if nth > 0 { address(nth - 1) } else { 0 };
        let after = if nth < 199 { address(nth + 1) } else { 0 };
        let links = [before, after].map(Value::Ref);
        table[nth] =
            heap.jvm.instance(entry, &[&links[..], &node_of(keys[nth], payloads[nth])].concat());
    }
    let table = heap.jvm.object_array(heap.nodes, &table);
    let ends = [address(0), address(199)].map(Value::Ref);
    let own = [Value::Ref(table), Value::Ref(0), Value::Int(200)];
    let map = heap.jvm.instance(linked, &[&ends[..], &own, &none].concat());
    let tree = heap.tree_of_static(map);
    let map = [HOLDER, "static FIELD: java.util.LinkedHashMap"];
    let node = tree.at(&map);
    assert_eq!((node.objects, node.entries, node.capacity), (1, 200, 256));
    assert_eq!(tree.below(&map), ["key: java.lang.String", "value: byte[]"]);
    assert_eq!(tree.at(&[&map[..], &["value: byte[]"]].concat()).objects, 200);
}

/// Classes of threads with thread locals.
struct Threads {
    thread: Class,
    thread_local: Class,
    map: Class,
    entry: Class,
    entries: Class,
}

impl Threads {
    fn new(heap: &mut Library) -> Self {
        use Type::Object;
        let reference =
            heap.class("java/lang/ref/Reference", &["referent", "queue", "next", "discovered"]);
        let weak = heap.jvm.class("java/lang/ref/WeakReference").extends(reference).define();
        Threads {
            thread: heap.class("java/lang/Thread", &["name", "threadLocals", "target"]),
            thread_local: heap.class("java/lang/ThreadLocal", &[]),
            map: heap.class("java/lang/ThreadLocal$ThreadLocalMap", &["table"]),
            entry: heap
                .jvm
                .class("java/lang/ThreadLocal$ThreadLocalMap$Entry")
                .extends(weak)
                .field("value", Object)
                .define(),
            entries: heap.jvm.array_class("[Ljava/lang/ThreadLocal$ThreadLocalMap$Entry;"),
        }
    }

    fn thread(&self, heap: &mut Library, name: &str, locals: &[(u64, u64)], target: u64) -> u64 {
        let mut slots = vec![0; 16];
        for (slot, &(key, value)) in slots.iter_mut().zip(locals) {
            *slot = heap.object(self.entry, &[value, key, 0, 0, 0]);
        }
        let table = heap.jvm.object_array(self.entries, &slots);
        let map = heap.object(self.map, &[table]);
        let name = heap.jvm.string(name);
        heap.object(self.thread, &[name, map, target])
    }
}

#[test]
fn values_of_thread_locals_are_named_by_the_field_that_holds_the_thread_local() {
    let mut heap = Library::new();
    let threads = Threads::new(&mut heap);
    let local = heap.object(threads.thread_local, &[]);
    heap.jvm.class("com/example/Context").static_field("CURRENT", Value::Ref(local)).define();
    let own = heap.jvm.class("com/example/OwnLocal").extends(threads.thread_local).define();
    let nameless = heap.object(own, &[]);
    let session = heap.class("com/example/Session", &["state"]);
    for nth in 0..4 {
        let state = heap.bytes(1000);
        let value = heap.object(session, &[state]);
        let other = heap.bytes(2000);
        let locals = [(local, value), (nameless, other)];
        let thread = threads.thread(&mut heap, &format!("pool-1-thread-{nth}"), &locals, 0);
        heap.jvm.started(thread, &[]);
    }
    // The thread local without a field is there all the same.
    heap.jvm.root_jni_global(nameless);
    let tree = heap.tree();
    let thread = ["thread pool-#-thread-#: java.lang.Thread"];
    assert_eq!(tree.at(&thread).objects, 4);
    // The map of a thread is a collection.
    let map = "field java.lang.Thread.threadLocals: java.lang.ThreadLocal$ThreadLocalMap";
    let map = [&thread[..], &[map]].concat();
    let value =
        [&map[..], &["thread local com.example.Context.CURRENT: com.example.Session"]].concat();
    assert_eq!((tree.at(&value).objects, tree.at(&value).retained_bytes), (4, 4 * (16 + 1016)));
    let other = [&map[..], &["thread local com.example.OwnLocal: byte[]"]].concat();
    assert_eq!((tree.at(&other).objects, tree.at(&other).shallow_bytes), (4, 4 * 2016));
    let node = tree.at(&map);
    assert_eq!((node.objects, node.entries, node.capacity), (4, 8, 4 * 16));
}

/// A thread that is about to read it has it in a frame.
#[test]
fn a_thread_local_has_the_name_of_its_field_even_while_others_hold_it_too() {
    let mut heap = Library::new();
    let threads = Threads::new(&mut heap);
    let local = heap.object(threads.thread_local, &[]);
    heap.jvm.class("com/example/Context").static_field("CURRENT", Value::Ref(local)).define();
    let other = heap.class("com/alpha/Reader", &["source"]);
    let other = heap.object(other, &[local]);
    heap.jvm.root_jni_global(other);
    let value = heap.bytes(2000);
    let thread = threads.thread(&mut heap, "worker", &[(local, value)], 0);
    let serial = heap.jvm.started(thread, &[]);
    heap.jvm.root_java_frame(local, serial, 0);
    let tree = heap.tree();
    let map = "field java.lang.Thread.threadLocals: java.lang.ThreadLocal$ThreadLocalMap";
    let value = "thread local com.example.Context.CURRENT: byte[]";
    let node = tree.at(&["thread worker: java.lang.Thread", map, value]);
    assert_eq!((node.objects, node.shallow_bytes), (1, 2016));
}

#[test]
fn numbers_whose_names_say_a_limit_are_told_by_node_and_field() {
    let mut heap = Library::new();
    let settings = heap.jvm.class("com/example/Settings").field("maximum", Type::Int).define();
    let shard = heap
        .jvm
        .class("com/example/Shard")
        .field("maxEntries", Type::Int)
        .field("maxAgeMillis", Type::Int)
        .field("limit", Type::Long)
        .field("values", Type::Object)
        .field("settings", Type::Object)
        .define();
    let shards: Vec<u64> = (0..3)
        .map(|_| {
            let values = heap.bytes(400);
            let settings = heap.jvm.instance(settings, &[Value::Int(7)]);
            let limits = [Value::Int(1000), Value::Int(2000), Value::Long(-1)];
            let held = [Value::Ref(values), Value::Ref(settings)];
            heap.jvm.instance(shard, &[&limits[..], &held].concat())
        })
        .collect();
    let array = heap.jvm.object_array(heap.objects, &shards);
    for (class, name) in [
        ("com/example/Idle", "MAX_ENTRIES"),
        ("java/util/Known", "MAX_ENTRIES"),
        ("com/example/Holder", "CAPACITY"),
    ] {
        let class = heap.jvm.class(class).static_field(name, Value::Int(5000));
        let class = class.static_field("MAX_VALUE", Value::Int(i32::MAX));
        match name {
            "CAPACITY" => class.static_field("FIELD", Value::Ref(array)).define(),
            _ => class.define(),
        };
    }
    let tree = heap.tree();
    let limits: Vec<String> = tree
        .tree
        .limits
        .iter()
        .map(|limit| {
            let name = |name: Name| tree.tree.names[name as usize].as_str();
            let (class, field) = (name(limit.class), name(limit.field));
            let path = tree.paths[limit.node as usize].rsplit(" > ").next().unwrap_or_default();
            format!("{path}: {class}.{field} {} {}", limit.objects, limit.value)
        })
        .collect();
    // Of small objects, the node that counts them together has the limit.
    assert_eq!(
        limits,
        [
            ": com.example.Holder.CAPACITY 1 5000",
            "element: com.example.Shard: com.example.Shard.maxEntries 3 3000",
            "other: : com.example.Settings.maximum 3 21",
        ]
    );
}

#[test]
fn settings_that_several_share_are_told_with_those_who_share_them() {
    let mut heap = Library::new();
    let policy = heap.jvm.class("com/example/Policy").field("depth", Type::Int).define();
    let policy = heap.jvm.instance(policy, &[Value::Int(3000)]);
    let sheet = heap.class("com/example/Sheet", &["undo", "policy"]);
    let sheets: Vec<u64> = (0..3)
        .map(|_| {
            let undo = heap.bytes(400);
            heap.object(sheet, &[undo, policy])
        })
        .collect();
    let array = heap.jvm.object_array(heap.objects, &sheets);
    // The holder of the sheets refers to the settings, too: they are not below all of the sheets.
    let other = heap.class("com/example/Other", &["policy", "bytes"]);
    let bytes = heap.bytes(400);
    let other = heap.object(other, &[policy, bytes]);
    let all = heap.jvm.object_array(heap.objects, &[array, other]);
    let tree = heap.tree_of_static(all);
    let [limit] = &tree.tree.limits[..] else { panic!("{}", tree.text()) };
    assert_eq!((limit.objects, limit.value), (1, 3000));
    let settings = &tree.tree.nodes[limit.node as usize];
    assert!(matches!(settings.edge, Edge::Shared(_)), "{}", tree.text());
    let shares = tree.tree.shares.iter().filter(|share| share.node == limit.node);
    assert_eq!(shares.map(|share| share.references).sum::<u64>(), 4, "{}", tree.text());
}

#[test]
fn numbers_that_count_are_told_beside_limits_only_and_negative_ones_never() {
    let mut heap = Library::new();
    let bytes = heap.bytes(400);
    let import = heap
        .jvm
        .class("com/example/Import")
        .field("totalRecords", Type::Long)
        .field("processedRecords", Type::Int)
        .field("maxRetained", Type::Int)
        .field("index", Type::Object)
        .define();
    let values = [Value::Long(1 << 33), Value::Int(70), Value::Int(-1), Value::Ref(bytes)];
    let import = heap.jvm.instance(import, &values);
    let other = heap
        .jvm
        .class("com/example/Other")
        .field("processedRecords", Type::Int)
        .field("index", Type::Object)
        .define();
    let bytes = heap.bytes(400);
    let other = heap.jvm.instance(other, &[Value::Int(70), Value::Ref(bytes)]);
    let array = heap.jvm.object_array(heap.objects, &[import, other]);
    let tree = heap.tree_of_static(array).tree;
    let name = |name: Name| tree.names[name as usize].as_str();
    let limits: Vec<(&str, u64)> =
        tree.limits.iter().map(|limit| (name(limit.field), limit.value)).collect();
    assert_eq!(limits, [("processedRecords", 70), ("totalRecords", 1 << 33)]);
}

#[test]
fn the_length_of_an_array_is_a_bound_unless_its_elements_lie_about() {
    let bound = |place: &dyn Fn(usize) -> usize| {
        let mut heap = Library::new();
        let item = heap.class("com/example/Item", &["bytes"]);
        let mut slots = vec![0; 200];
        for nth in 0..40 {
            let bytes = heap.bytes(30);
            slots[place(nth) % 200] = heap.object(item, &[bytes]);
        }
        let items = heap.jvm.array_class("[Lcom/example/Item;");
        let array = heap.jvm.object_array(items, &slots);
        let tree = heap.tree_of_static(array);
        tree.at(&[HOLDER, "static FIELD: com.example.Item[]"]).bound
    };
    assert_eq!(bound(&|nth| nth), 200, "a pool");
    assert_eq!(bound(&|nth| 180 + nth), 200, "a ring");
    assert_eq!(bound(&|nth| nth * 67), 0, "a hash table");
}

#[test]
fn small_objects_through_which_much_is_held_say_who_holds_them() {
    let mut heap = Library::new();
    let payload = heap.class("com/example/Payload", &["bytes"]);
    let link = heap.class("com/example/Link", &["payload"]);
    let bytes = heap.bytes(1 << 17);
    let payload = heap.object(payload, &[bytes]);
    let links = [heap.object(link, &[payload]), heap.object(link, &[payload])];
    for name in ["com/example/One", "com/example/Two"] {
        let class = heap.jvm.class(name).static_field("FIRST", Value::Ref(links[0]));
        class.static_field("SECOND", Value::Ref(links[1])).define();
    }
    let tree = heap.tree();
    let shares = tree.shares(&["shared com.example.One: com.example.Link"]);
    let holders: Vec<(&str, u64)> = shares.iter().map(|(holder, _, n)| (*holder, *n)).collect();
    let root = |class| format!("root system class: class com.example.{class}");
    assert_eq!(holders, [(root("One").as_str(), 2), (root("Two").as_str(), 2)]);
}

#[test]
fn no_more_than_96_nodes_are_above_one_another() {
    let mut heap = Library::new();
    let mut below = 0;
    for nth in 0..150 {
        let class = heap.class(&format!("com/example/Layer{nth}"), &["below", "payload"]);
        let payload = heap.bytes(500);
        below = heap.object(class, &[below, payload]);
    }
    let tree = heap.tree_of_static(below);
    let depth = |path: &String| path.split(" > ").count();
    assert_eq!(tree.paths.iter().map(depth).max(), Some(DEEPEST));
    // All of them are somewhere below.
    let bytes = tree.at(&[HOLDER, "static FIELD: com.example.Layer149"]).retained_bytes;
    assert_eq!(bytes, 150 * (24 + 516_u64.div_ceil(8) * 8));
}

#[test]
fn of_many_holders_the_32_with_the_most_references_are_told() {
    let mut heap = Library::new();
    let payload = heap.class("com/example/Payload", &["bytes"]);
    let mut payloads = Vec::new();
    for _ in 0..40 {
        let bytes = heap.bytes(100);
        payloads.push(heap.object(payload, &[bytes]));
    }
    let mut holders = Vec::new();
    for nth in 0..40 {
        let class = heap.class(&format!("com/example/Holder{nth:02}"), &["payload", "padding"]);
        // One holds all of them, so that all have one name; the others hold one more each.
        for &payload in &payloads[..if nth == 0 { 40 } else { nth }] {
            let padding = heap.bytes(300);
            holders.push(heap.object(class, &[payload, padding]));
        }
    }
    let all = heap.jvm.object_array(heap.objects, &holders);
    let tree = heap.tree_of_static(all);
    let shared = [
        HOLDER,
        "static FIELD: java.lang.Object[]",
        "shared com.example.Holder00: com.example.Payload",
    ];
    // The last one is held by one alone.
    assert_eq!(tree.at(&shared).objects, 39);
    let shares = tree.shares(&shared);
    assert_eq!(shares.len(), MOST_SHARES);
    let mut references: Vec<u64> = shares.iter().map(|share| share.2).collect();
    references.sort_unstable();
    let expected: Vec<u64> = (9..40).chain([39]).collect();
    assert_eq!(references, expected);
}

#[test]
fn locals_are_named_by_the_outermost_method_that_holds_them() {
    let mut heap = Library::new();
    let threads = Threads::new(&mut heap);
    let main = heap.class("com/example/Main", &[]);
    let (request, mine, held) = (heap.bytes(1000), heap.bytes(3000), heap.bytes(5000));
    let thread = threads.thread(&mut heap, "worker-12", &[], held);
    let stack = [
        ("inner", "()V", "Main.java", main, 30),
        ("middle", "()V", "Main.java", main, 20),
        ("main", "()V", "Main.java", main, 10),
    ];
    let serial = heap.jvm.started(thread, &stack);
    heap.jvm.root_java_frame(request, serial, 0);
    heap.jvm.root_java_frame(request, serial, 2);
    heap.jvm.root_java_frame(request, serial, 1);
    heap.jvm.root_java_frame(mine, serial, 1);
    let tree = heap.tree();
    let thread = ["thread worker-#: java.lang.Thread"];
    let at = |key: &str| tree.at(&[&thread[..], &[key]].concat()).shallow_bytes;
    assert_eq!(at("local com.example.Main.main: byte[]"), 1016);
    assert_eq!(at("local com.example.Main.middle: byte[]"), 3016);
    assert_eq!(at("field java.lang.Thread.target: byte[]"), 5016);
}

#[test]
fn what_frames_of_two_threads_hold_is_shared_by_them() {
    let mut heap = Library::new();
    let threads = Threads::new(&mut heap);
    let main = heap.class("com/example/Main", &[]);
    let queue = heap.bytes(1000);
    let cache = heap.bytes(2000);
    for nth in 0..2 {
        let thread = threads.thread(&mut heap, &format!("worker-{nth}"), &[], 0);
        let serial = heap.jvm.started(thread, &[("run", "()V", "Main.java", main, 30)]);
        heap.jvm.root_java_frame(queue, serial, 0);
        if nth == 0 {
            heap.jvm.root_java_frame(cache, serial, 0);
        }
    }
    let tree = heap.tree_of_static(cache);
    assert_eq!(tree.at(&["shared java.lang.Thread: byte[]"]).shallow_bytes, 1016);
    // Whether a frame holds it too or not.
    assert_eq!(tree.at(&["shared com.example.Holder: byte[]"]).shallow_bytes, 2016);
}

#[test]
fn direct_buffers_stand_for_their_memory_and_views_of_them_for_none() {
    use Type::{Int, Long, Object};
    let mut heap = Library::new();
    let buffer = heap
        .jvm
        .class("java/nio/Buffer")
        .field("mark", Int)
        .field("position", Int)
        .field("limit", Int)
        .field("capacity", Int)
        .field("address", Long)
        .define();
    let bytes = heap.jvm.class("java/nio/ByteBuffer").extends(buffer).field("hb", Object).define();
    let mapped = heap.jvm.class("java/nio/MappedByteBuffer").extends(bytes).define();
    let direct = heap
        .jvm
        .class("java/nio/DirectByteBuffer")
        .extends(mapped)
        .field("att", Object)
        .field("cleaner", Object)
        .define();
    let make = |heap: &mut Library, att: u64, capacity: i32| {
        let ints = [-1, 0, 7, capacity].map(Value::Int);
        let own = [Value::Ref(att), Value::Ref(0), Value::Ref(0)];
        let values = [&own[..], &ints, &[Value::Long(0x7F00_0000)]].concat();
        heap.jvm.instance(direct, &values)
    };
    let whole = [make(&mut heap, 0, 1_000_000), make(&mut heap, 0, 24)];
    let view = make(&mut heap, whole[0], 999_999);
    let class = heap.class("com/example/Buffers", &["first", "second", "view"]);
    let all = heap.object(class, &[whole[0], whole[1], view]);
    let tree = heap.tree_of_static(all);
    let sum: u64 = tree.tree.nodes.iter().map(|node| node.native_bytes).sum();
    assert_eq!(sum, 1_000_024, "{}", tree.text());
    // Small in the heap, but not outside of it.
    let path = [
        HOLDER,
        "static FIELD: com.example.Buffers",
        "field com.example.Buffers.first: java.nio.DirectByteBuffer",
    ];
    assert!(
        tree.by_path.contains_key(&path.join(" > ")) || {
            let shared = tree.paths.iter().find(|path| path.ends_with("java.nio.DirectByteBuffer"));
            shared.is_some()
        }
    );
}

#[test]
fn what_only_reference_objects_lead_to_is_below_its_level() {
    let mut heap = Library::new();
    let fields = ["referent", "queue", "next", "discovered"];
    let reference = heap.class("java/lang/ref/Reference", &fields);
    let mut holders = Vec::new();
    for (name, class) in
        [("soft", "SoftReference"), ("weak", "WeakReference"), ("phantom", "PhantomReference")]
    {
        let class = format!("java/lang/ref/{class}");
        let class = heap.jvm.class(&class).extends(reference).define();
        let held = heap.class(&format!("com/example/{name}/Held"), &["bytes"]);
        for _ in 0..3 {
            let bytes = heap.bytes(1000);
            let held = heap.object(held, &[bytes]);
            holders.push(heap.object(class, &[held, 0, 0, 0]));
        }
    }
    let garbage = heap.class("com/example/Garbage", &["bytes"]);
    let bytes = heap.bytes(1000);
    heap.object(garbage, &[bytes]);
    let all = heap.jvm.object_array(heap.objects, &holders);
    let tree = heap.tree_of_static(all);
    for (level, name) in [("soft", "soft"), ("weak", "weak"), ("phantom/finalizer", "phantom")] {
        let key = format!("level {level}: com.example.{name}.Held");
        let node = tree.at(&[&key]);
        assert_eq!((node.objects, node.retained_bytes), (3, 3 * (16 + 1016)));
        let bytes = format!("field com.example.{name}.Held.bytes: byte[]");
        assert_eq!(tree.at(&[&key, &bytes]).objects, 3);
    }
    assert_eq!(tree.at(&["level unreachable: com.example.Garbage"]).objects, 1);
}

#[test]
fn a_class_of_several_loaders_is_one_node() {
    let mut heap = Library::new();
    let base = heap.class("java/lang/ClassLoader", &["parent", "classes"]);
    let plugin_loader = heap.jvm.class("com/example/PluginLoader").extends(base).define();
    let mut loaders = Vec::new();
    for _ in 0..5 {
        // The loader's list of classes comes after them: the address of the loader is known.
        let size = heap.object(plugin_loader, &[0, 0]);
        let loader = heap.jvm.next_address();
        let step = loader - size;
        let list = loader + step;
        let array = 16 + 8;
        let class = list + array;
        assert_eq!(heap.object(plugin_loader, &[0, list]), loader);
        assert_eq!(heap.jvm.object_array(heap.objects, &[class, 0]), list);
        let plugin = heap
            .jvm
            .class("com/example/Plugin")
            .loaded_by(loader)
            .static_field("CACHE", Value::Ref(0))
            .define();
        assert_eq!(plugin.id, class);
        let cache = heap.bytes(1000);
        heap.jvm.set_static(plugin, "CACHE", Value::Ref(cache));
        loaders.push(loader);
    }
    let all = heap.list(16, &loaders);
    let tree = heap.tree_of_static(all);
    let loader = [HOLDER, "static FIELD: java.util.ArrayList", "element: com.example.PluginLoader"];
    assert_eq!(tree.at(&loader).objects, 5);
    let ending = "class com.example.Plugin > static CACHE: byte[]";
    let caches: Vec<usize> =
        (0..tree.paths.len()).filter(|&at| tree.paths[at].ends_with(ending)).collect();
    assert_eq!(caches.len(), 1, "{}", tree.text());
    let cache = &tree.tree.nodes[caches[0]];
    assert_eq!((cache.objects, cache.shallow_bytes), (5, 5 * 1016));
    assert!(tree.paths[caches[0]].starts_with(&loader.join(" > ")), "{}", tree.text());
}

/// Lists of nodes with one field, written without anything between.
#[test]
fn a_list_of_three_million_nodes_is_one_node() {
    const NODES: u64 = 3_000_000;
    let ids = IdSize::Four;
    let id = |nth: u64| if nth < NODES { 0x1000_0000 + 16 * nth } else { 0 };
    let (object, class) = (0x100, 0x200);
    let mut file = Hprof::new(Version::V102, ids);
    for (symbol, text) in [(1, "next"), (2, "java/lang/Object"), (3, "com/example/Node")] {
        file.utf8(symbol, text.as_bytes());
    }
    file.load_class(1, object, 2).load_class(2, class, 3);
    let mut subs = Subs::new(ids);
    subs.class_dump(&ClassDump { id: object, ..ClassDump::default() });
    let fields = vec![(1, Type::Object)];
    subs.class_dump(&ClassDump { id: class, super_id: object, fields, ..ClassDump::default() });
    let mut records = Vec::with_capacity(NODES as usize * 21);
    for nth in 0..NODES {
        records.push(0x21);
        ids.put(&mut records, id(nth));
        records.extend([0; 4]);
        ids.put(&mut records, class);
        records.extend(4_u32.to_be_bytes());
        ids.put(&mut records, id(nth + 1));
    }
    records.push(0xFF);
    ids.put(&mut records, id(0));
    subs.raw(&records);
    file.segment(&subs).heap_dump_end();
    let tree = Tree::of(&file.bytes);
    let first = tree.at(&["root unknown: com.example.Node"]);
    let size = first.shallow_bytes;
    assert_eq!((first.objects, first.retained_bytes), (1, NODES * size));
    let rest = "field com.example.Node.next: com.example.Node";
    let rest = tree.at(&["root unknown: com.example.Node", rest]);
    assert_eq!((rest.objects, rest.largest_bytes), (NODES - 1, (NODES - 1) * size));
}

// ---------------------------------------------------------------------------------------------------------------
// Digests

const LEAK: &str = "tests/dumps/sdk-client-leak/1.hprof.gz";

/// The digest of a dump, with its tree.
fn digest_of(dump: &str) -> Digest {
    let mut place = Place::new();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(dump);
    let index = place.index(&path, &BuildOptions::default()).0;
    let mut digest = Digest::of(dump.to_owned(), &index.census().expect("a census"));
    digest.set_retained(index.sets().expect("sets"));
    digest.set_threads(&index.facts().expect("facts").threads);
    digest.owners = Some(index.owners().expect("an owner tree"));
    digest
}

fn read_back(bytes: &[u8]) -> Digest {
    decode(bytes, "digest".to_owned()).expect("a digest")
}

#[test]
fn a_tree_comes_back_from_a_digest_as_it_was() {
    for dump in real_dumps().into_iter().step_by(4) {
        let dump = dump.to_str().expect("UTF-8").to_owned();
        let digest = digest_of(&dump);
        let bytes = encode(&digest, BUDGET).expect("it is encoded");
        assert!(read_back(&bytes).owners == digest.owners, "{dump}");
    }
}

#[test]
fn a_tree_that_has_no_room_is_pruned_and_keeps_what_its_top_retains() {
    let digest = digest_of(LEAK);
    let whole = digest.owners.as_ref().expect("a tree");
    let mut last = whole.nodes.len() + 1;
    for budget in [1_000_000, 300_000, 100_000, 30_000, 10_000, 1000] {
        let bytes = encode(&digest, budget).expect("it is encoded");
        let tree = read_back(&bytes).owners.expect("a tree");
        let what = format!("a budget of {budget}");
        assert_well_formed(&tree, &what);
        let top = &tree.nodes[0];
        assert_eq!(top.retained_bytes, whole.nodes[0].retained_bytes, "{what}");
        let sum = |tree: &OwnerTree, of: fn(&OwnerNode) -> u64| -> u64 {
            tree.nodes.iter().map(of).sum()
        };
        for of in [
            |node: &OwnerNode| node.objects,
            |node: &OwnerNode| node.entries,
            |node: &OwnerNode| node.capacity,
            |node: &OwnerNode| node.native_bytes,
        ] {
            assert_eq!(sum(&tree, of), sum(whole, of), "{what}");
        }
        assert!(tree.nodes.len() <= last, "{what}");
        last = tree.nodes.len();
        // The nodes that are left are what they were.
        let before = Tree::new(whole.clone());
        let after = Tree::new(tree);
        for (path, node) in after.paths.iter().zip(&after.tree.nodes).skip(1) {
            if node.edge != Edge::Other {
                let other = &before.tree.nodes[before.by_path[path]];
                assert_eq!(numbers(node), numbers(other), "{what}: {path}");
            }
        }
    }
    assert!(last < 10, "{last} nodes without room");
}

#[test]
fn a_redacted_tree_has_no_names_of_threads_and_is_else_the_same() {
    let mut digest = digest_of("tests/dumps/jdk17-serial/1.hprof.gz");
    let before = digest.owners.clone().expect("a tree");
    let thread = |node: &OwnerNode| matches!(node.edge, Edge::Thread(_));
    assert!(before.names.iter().any(|name| name == "request-#"));
    digest.redact();
    let bytes = encode(&digest, BUDGET).expect("it is encoded");
    let after = read_back(&bytes).owners.expect("a tree");
    assert!(after.is_sound());
    assert!(!after.names.iter().any(|name| name.contains("request-")));
    assert_eq!(before.nodes.len(), after.nodes.len());
    for (a, b) in before.nodes.iter().zip(&after.nodes) {
        assert_eq!(numbers(a), numbers(b));
        if thread(a) {
            assert_eq!(edge_text(&after, b.edge), "thread ");
        } else {
            assert_eq!(key_text(&before, a), key_text(&after, b));
        }
    }
    let shares = |tree: &OwnerTree| -> Vec<(u32, u32, String, u64)> {
        let share = tree
            .shares
            .iter()
            .map(|share| (share.node, share.holder, edge_text(tree, share.edge), share.references));
        let mut shares: Vec<_> = share.collect();
        shares.sort();
        shares
    };
    let threads_aside = |shares: Vec<(u32, u32, String, u64)>| -> Vec<_> {
        shares.into_iter().filter(|share| !share.2.starts_with("thread ")).collect()
    };
    assert_eq!(threads_aside(shares(&before)), threads_aside(shares(&after)));
}

#[test]
fn a_digest_without_the_sections_has_no_tree() {
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/digests/version-1.hdd");
    let old = fs::read(old).expect("an old digest");
    assert!(read_back(&old).owners.is_none());
    let bytes = encode(&digest_of(LEAK), BUDGET).expect("it is encoded");
    for missing in ["ownnames", "owners", "sharers"] {
        let (mut sections, _) = sections_of(&bytes);
        sections.retain(|(name, _)| *name != missing);
        let digest = read_back(&container::write(&sections));
        assert!(digest.owners.is_none(), "without {missing}");
    }
}

/// Names and inflated bytes of all sections.
fn sections_of(bytes: &[u8]) -> (Vec<(&str, Vec<u8>)>, u64) {
    let sections = Sections::open(bytes).expect("a digest");
    let mut all = Vec::new();
    for name in sections.names() {
        let (_, content) = sections.get(name).expect("a section").expect("it is there");
        all.push((name, content));
    }
    let length = all.iter().map(|(_, content)| content.len() as u64).sum();
    (all, length)
}

#[test]
fn a_flipped_byte_of_a_digest_is_an_error() {
    let bytes = encode(&digest_of(LEAK), BUDGET).expect("it is encoded");
    let mut rng = Rng::new(11);
    for _ in 0..300 {
        let mut damaged = bytes.clone();
        let at = rng.below(damaged.len());
        damaged[at] ^= 1 << rng.below(8);
        assert!(decode(&damaged, "digest".to_owned()).is_err(), "byte {at}");
    }
}

/// Under checksums that are right: what comes out is an error, or a tree that can be used as any other.
#[test]
fn sections_with_any_bytes_give_an_error_or_a_tree_that_is_sound() {
    let digest = digest_of("tests/dumps/jdk17-serial/1.hprof.gz");
    let small = Digest { owners: digest.owners.as_ref().map(|tree| tree.pruned(20_000)), ..digest };
    let bytes = encode(&small, BUDGET).expect("it is encoded");
    let mut rng = Rng::new(5);
    let (mut errors, mut trees) = (0, 0);
    for nth in 0..600 {
        let (mut sections, _) = sections_of(&bytes);
        let names = ["ownnames", "owners", "sharers", "limits"];
        let name = names[nth % names.len()];
        let section = sections.iter_mut().find(|(other, _)| *other == name).expect("a section");
        for _ in 0..1 + rng.below(3) {
            let at = rng.below(section.1.len());
            match rng.below(3) {
                0 => section.1[at] ^= 1 << rng.below(8),
                1 => section.1[at] = rng.next() as u8,
                _ => section.1[at] = 0xFF,
            }
        }
        match decode(&container::write(&sections), "digest".to_owned()) {
            Err(_) => errors += 1,
            Ok(mut digest) => {
                trees += 1;
                let tree = digest.owners.as_ref().expect("a tree");
                assert!(tree.is_sound());
                assert!(tree.pruned(50_000).is_sound());
                digest.redact();
                let again = encode(&digest, 3000).expect("it is encoded");
                let again = read_back(&again).owners.expect("a tree");
                assert!(again.is_sound());
            }
        }
    }
    assert!(errors > 50 && trees > 50, "{errors} errors, {trees} trees");
}

// ---------------------------------------------------------------------------------------------------------------
// Real JVMs

/// A dump of the program, which is the same in every run.
fn dump_of(home: &Path, flags: &str, classes: &Path, dump: &Path) {
    let java = home.join("bin/java");
    let program = "com.example.layouts.OwnedThings";
    let jvm = Standing::start(&java, flags, classes, program).expect("the program stands");
    let file = format!("-dump:live,format=b,file={}", dump.display());
    let output = Command::new(home.join("bin/jmap")).arg(file).arg(jvm.id()).output();
    let output = output.expect("jmap runs");
    assert!(output.status.success(), "jmap: {}", String::from_utf8_lossy(&output.stderr));
}

fn compile(home: &Path, classes: &Path) {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs/java11/com/example");
    let status = Command::new(home.join("bin/javac"))
        .args(["--release", "11", "-encoding", "UTF-8", "-XDstringConcat=inline", "-d"])
        .arg(classes)
        .args(["support/Checkpoint.java", "layouts/OwnedThings.java"].map(|p| sources.join(p)))
        .status();
    assert!(status.expect("javac runs").success(), "the program compiles");
}

/// What the program's class and threads own: numbers by path.
fn owned(tree: &Tree) -> BTreeMap<&str, &OwnerNode> {
    let ours =
        ["root system class: class com.example.layouts.OwnedThings", "thread pool-#-thread-#"];
    let nodes = tree.paths.iter().zip(&tree.tree.nodes);
    let ours = nodes.filter(|(path, _)| ours.iter().any(|start| path.starts_with(start)));
    ours.map(|(path, node)| (path.as_str(), node)).collect()
}

/// All nodes of the program are there in both trees, with the same numbers.
fn assert_alike(first: &Tree, second: &Tree, same_layout: bool, what: &str) {
    let (first, second) = (owned(first), owned(second));
    let paths: BTreeSet<&str> = first.keys().chain(second.keys()).copied().collect();
    let mut wrong = Vec::new();
    let mut compared = 0;
    for path in paths {
        let (a, b) = (first.get(path), second.get(path));
        let least = a.into_iter().chain(b).map(|node| node.retained_bytes).min().unwrap_or(0);
        // Where references are wider, other nodes are small.
        if !same_layout && (least < 2 * LEAST || path.ends_with("other: ")) {
            continue;
        }
        compared += 1;
        let counts = |node: &&OwnerNode| (node.objects, node.entries, node.capacity);
        let bytes = |node: &&OwnerNode| (node.shallow_bytes, node.retained_bytes);
        let is_same =
            a.map(counts) == b.map(counts) && (!same_layout || a.map(bytes) == b.map(bytes));
        if !is_same {
            let text = |node: Option<&&OwnerNode>| node.map(|node| numbers(node));
            wrong.push(format!("{path}:\n  {:?}\n  {:?}", text(a), text(b)));
        }
    }
    assert!(wrong.is_empty(), "{what}:\n{}", wrong.join("\n"));
    assert!(compared > 20, "{what}: {compared} nodes");
}

const OWNED_THINGS: &str = "root system class: class com.example.layouts.OwnedThings";
const SESSIONS: &str = "static SESSIONS: java.util.concurrent.ConcurrentHashMap";
const RECENT: &str = "static RECENT: java.util.LinkedHashMap";

/// The trees of one program: as told, and by other collectors and in other runs.
fn check_collectors(version: u32, collectors: &[&str]) {
    let home = find_jdk(version);
    let mut place = Place::new();
    let classes = place.directory.path().join("classes");
    compile(&home, &classes);
    let mut first: Option<Tree> = None;
    for (nth, collector) in collectors.iter().enumerate() {
        let dump = place.directory.path().join(format!("{nth}.hprof"));
        dump_of(&home, &format!("-XX:+Use{collector}"), &classes, &dump);
        let index = place.index(&dump, &BuildOptions::default()).0;
        let tree = Tree::new(index.owners().expect("an owner tree"));
        let what = format!("JDK {version}, {} and {collector}, dump {nth}", collectors[0]);
        assert_complete(&tree.tree, &index, &what);
        match &first {
            Some(first) => {
                assert_alike(first, &tree, *collector != "ZGC", &what);
                for map in [SESSIONS, RECENT] {
                    // By these entries are known again, wherever they lie.
                    let marks = |tree: &Tree| tree.marks(&[OWNED_THINGS, map]);
                    assert_eq!(marks(first).len(), 128, "{what}");
                    assert_eq!(marks(first), marks(&tree), "{what}");
                }
            }
            None => {
                assert_program(&tree);
                first = Some(tree);
            }
        }
    }
}

/// The numbers of the program.
fn assert_program(tree: &Tree) {
    let of = |path: &[&str]| {
        let path = [&[OWNED_THINGS], path].concat();
        let node = tree.at(&path);
        (node.objects, node.entries)
    };
    assert_eq!(of(&[SESSIONS]), (1, 2000));
    assert_eq!(of(&[SESSIONS, "key: java.lang.String"]).0, 2000);
    assert_eq!(of(&[SESSIONS, "value: com.example.layouts.OwnedThings$Session"]).0, 2000);
    // One node more than there are elements.
    let backlog = "static BACKLOG: java.util.concurrent.LinkedBlockingQueue";
    assert_eq!(of(&[backlog]), (1, 301));
    assert_eq!(of(&[backlog, "element: com.example.layouts.OwnedThings$Order"]).0, 300);
    assert_eq!(of(&[RECENT]), (1, 300));
    assert_eq!(of(&[RECENT, "key: java.lang.Long"]).0, 300);
    let callbacks = "static CALLBACKS: java.util.ArrayList";
    assert_eq!(of(&[callbacks, "element: com.example.layouts.OwnedThings$$Lambda"]).0, 300);
    let model = "static MODEL: com.example.layouts.OwnedThings";
    let listeners = "field com.example.layouts.OwnedThings.listeners: java.util.ArrayList";
    let listener = "element: com.example.layouts.OwnedThings$Listener";
    assert_eq!(of(&[model, listeners, listener]).0, 300);
    let order = "com.example.layouts.OwnedThings$Order";
    let chain = format!("field com.example.layouts.OwnedThings.chain: {order}");
    let next = format!("field {order}.next: {order}");
    assert_eq!(of(&[model, &chain, &next]).0, 299);
    let scratch = "thread local com.example.layouts.OwnedThings.SCRATCH: com.example.layouts.OwnedThings$Scratch";
    let path = tree.paths.iter().position(|path| path.ends_with(scratch));
    let path = path.unwrap_or_else(|| panic!("no {scratch} in\n{}", tree.text()));
    assert!(tree.paths[path].starts_with("thread pool-#-thread-#: java.lang.Thread > "));
    assert_eq!(tree.tree.nodes[path].objects, 4);
}

#[test]
fn a_program_has_the_same_tree_whatever_the_collector_and_run_of_jdk_17() {
    check_collectors(17, &["SerialGC", "SerialGC", "ParallelGC", "G1GC", "ZGC"]);
}

#[test]
fn a_program_has_the_same_tree_whatever_the_collector_of_jdk_25() {
    check_collectors(25, &["SerialGC", "G1GC"]);
}
