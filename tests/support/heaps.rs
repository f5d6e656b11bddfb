//! Random heaps of many shapes, written as dumps, together with what a reader must find in them.
//!
//! A [`Plan`] holds every choice, so that a failing one shrinks: pieces (lists, trees, maps, loaders, threads, …),
//! links between any two objects, roots, and how it is all written. [`Plan::build`] makes the dump and the facts.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::Rng;
use super::brute::{Facts, Kind, PHANTOM, SOFT, WEAK};
use super::gz;
use super::synth::{ClassDump, Framing, Hprof, IdSize, Subs, Type, Value, Version};

// ---------------------------------------------------------------------------------------------------------------
// Plans

#[derive(Clone, Debug)]
pub struct Plan {
    pub pieces: Vec<Piece>,
    pub links: Vec<Link>,
    pub roots: Vec<(u16, RootKind)>,
    pub wide_ids: bool,
    pub addresses: Addresses,
    pub order: Order,
    pub framing: Framing,
    pub version: Version,
    pub packing: Packing,
    /// Who loads the classes of ordinary objects.
    pub loader: PlainLoader,
    /// Objects that are described a second time, as something else.
    pub twice: Vec<u16>,
    pub seed: u64,
}

#[derive(Clone, Copy, Debug)]
pub enum Piece {
    Loose(usize),
    Tree(usize, usize),
    Dag(usize),
    Cycle(usize),
    Chain(usize),
    DoubleChain(usize),
    LinkedMap(usize),
    SharedLeaf(usize),
    Star(usize),
    Dense(usize),
    Ladder(usize),
    /// A list of items that an array elsewhere holds, too.
    SharedItems(usize),
    Itself,
    Reference(RefKind),
    /// Reference objects, the referent of each being the next one.
    ReferenceChain(usize, RefKind, RefKind),
    Thread {
        in_dump: bool,
    },
    Loader {
        kind: LoaderKind,
        classes: usize,
        instances: usize,
    },
    Hidden {
        name: usize,
        loader: PlainLoader,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefKind {
    Soft,
    /// A subclass of SoftReference with fields of its own, one of them called `referent`.
    OwnSoft,
    Weak,
    WeakEntry,
    Phantom,
    Final,
    Finalizer,
    /// A direct subclass of Reference.
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoaderKind {
    /// A class loader of the application's own.
    Custom,
    /// One of the five whose classes are never unloaded.
    Lasting(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlainLoader {
    Boot,
    App,
    Custom,
}

/// From one object to another; both are taken modulo the number of objects.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    pub from: u16,
    pub to: u16,
    pub how: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Field,
    /// `referent` of a reference object, the protection domain or signers of a class; else as `Field`.
    Special,
    /// `discovered` of a reference object, a constant of a class (which is no reference); else as `Field`.
    Idle,
    /// A field that refers to nothing.
    Dangling,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RootKind {
    Unknown,
    JniGlobal,
    Sticky,
    Monitor,
    Thread,
    Android(u8),
    /// One of the four kinds of frames, of the thread with this number (there may be none).
    Frame(u8, u8),
}

#[derive(Clone, Copy, Debug)]
pub enum Addresses {
    /// Objects close to each other.
    Compact,
    /// 1, 2, 3, …
    Serial,
    /// All over the address space.
    Sparse,
}

#[derive(Clone, Copy, Debug)]
pub enum Order {
    /// Classes, objects by address, roots.
    Old,
    /// Classes, roots, objects by address.
    New,
    /// Classes, then the rest in any order.
    Mixed,
    /// Any order.
    Shuffled,
}

#[derive(Clone, Copy, Debug)]
pub enum Packing {
    Plain,
    Gzip,
    Jvm,
}

fn piece() -> impl Strategy<Value = Piece> {
    let kind = || {
        prop::sample::select(vec![
            RefKind::Weak,
            RefKind::Soft,
            RefKind::Phantom,
            RefKind::Final,
            RefKind::OwnSoft,
            RefKind::WeakEntry,
            RefKind::Finalizer,
            RefKind::Other,
        ])
    };
    let loader_kind = prop_oneof![
        4 => Just(LoaderKind::Custom),
        1 => (0..5_usize).prop_map(LoaderKind::Lasting),
    ];
    prop_oneof![
        4 => (1..12_usize).prop_map(Piece::Loose),
        1 => (1..60_usize, 1..5_usize).prop_map(|(n, arity)| Piece::Tree(n, arity)),
        2 => (1..40_usize).prop_map(Piece::Dag),
        2 => (1..20_usize).prop_map(Piece::Cycle),
        1 => (1..80_usize).prop_map(Piece::Chain),
        1 => (1..60_usize).prop_map(Piece::DoubleChain),
        1 => (0..20_usize).prop_map(Piece::LinkedMap),
        1 => (1..20_usize).prop_map(Piece::SharedLeaf),
        1 => (0..300_usize).prop_map(Piece::Star),
        1 => (1..9_usize).prop_map(Piece::Dense),
        1 => (1..20_usize).prop_map(Piece::Ladder),
        1 => (1..30_usize).prop_map(Piece::SharedItems),
        1 => Just(Piece::Itself),
        12 => kind().prop_map(Piece::Reference),
        6 => (1..6_usize, kind(), kind()).prop_map(|(n, a, b)| Piece::ReferenceChain(n, a, b)),
        2 => any::<bool>().prop_map(|in_dump| Piece::Thread { in_dump }),
        3 => (loader_kind, 1..4_usize, 0..4_usize).prop_map(|(kind, classes, instances)| {
            Piece::Loader { kind, classes, instances }
        }),
        1 => (0..HIDDEN_NAMES.len(), plain_loader())
            .prop_map(|(name, loader)| Piece::Hidden { name, loader }),
    ]
}

fn plain_loader() -> impl Strategy<Value = PlainLoader> {
    prop::sample::select(vec![PlainLoader::Boot, PlainLoader::App, PlainLoader::Custom])
}

fn link() -> impl Strategy<Value = Link> {
    let how = prop_oneof![
        5 => Just(How::Field),
        4 => Just(How::Special),
        1 => Just(How::Idle),
        1 => Just(How::Dangling),
    ];
    (any::<u16>(), any::<u16>(), how).prop_map(|(from, to, how)| Link { from, to, how })
}

fn root_kind() -> impl Strategy<Value = RootKind> {
    prop_oneof![
        2 => Just(RootKind::Unknown),
        1 => Just(RootKind::JniGlobal),
        1 => Just(RootKind::Sticky),
        1 => Just(RootKind::Monitor),
        1 => Just(RootKind::Thread),
        1 => (0..7_u8).prop_map(RootKind::Android),
        3 => (0..4_u8, 0..6_u8).prop_map(|(kind, thread)| RootKind::Frame(kind, thread)),
    ]
}

pub fn plan() -> impl Strategy<Value = Plan> {
    let framing = prop_oneof![
        Just(Framing::One),
        (1..5000_usize).prop_map(Framing::Segments),
        (1..500_usize).prop_map(Framing::SegmentsWithoutEnd),
    ];
    let addresses =
        prop::sample::select(vec![Addresses::Compact, Addresses::Serial, Addresses::Sparse]);
    let order = prop::sample::select(vec![Order::Old, Order::New, Order::Mixed, Order::Shuffled]);
    let packing = prop_oneof![
        4 => Just(Packing::Plain),
        1 => Just(Packing::Gzip),
        1 => Just(Packing::Jvm),
    ];
    let version = prop::sample::select(vec![Version::V102, Version::V101]);
    let heap = (
        prop::collection::vec(piece(), 1..12),
        prop::collection::vec(link(), 0..40),
        prop::collection::vec((any::<u16>(), root_kind()), 0..6),
        prop::collection::vec(any::<u16>(), 0..3),
        plain_loader(),
    );
    let form = (any::<bool>(), addresses, order, framing, version, packing, any::<u64>());
    (heap, form).prop_map(|((pieces, links, roots, twice, loader), form)| {
        let (wide_ids, addresses, order, framing, version, packing, seed) = form;
        Plan {
            pieces,
            links,
            roots,
            wide_ids,
            addresses,
            order,
            framing,
            version,
            packing,
            loader,
            twice,
            seed,
        }
    })
}

// ---------------------------------------------------------------------------------------------------------------
// Heaps

/// A dump, and what a reader must find in it.
pub struct Heap {
    pub file: Vec<u8>,
    pub facts: Facts,
}

const HIDDEN_NAMES: [&str; 5] = [
    "com/example/Main$$Lambda+0x00007f1c2c000a00",
    "com/example/Main$$Lambda/0x0000000800c03000",
    "com/example/Main$$Lambda.0xABCDEF",
    // Not hidden.
    "com/example/Main$$Lambda$12",
    "com/example/Main+0x",
];
const HIDDEN: usize = 3;

const LASTING_LOADERS: [&str; 5] = [
    "jdk/internal/loader/ClassLoaders$BootClassLoader",
    "jdk/internal/loader/ClassLoaders$PlatformClassLoader",
    "jdk/internal/loader/ClassLoaders$AppClassLoader",
    "sun/misc/Launcher$ExtClassLoader",
    "sun/misc/Launcher$AppClassLoader",
];

/// Number of an object, before it has an address.
type Number = usize;

#[derive(Clone, Debug)]
enum Target {
    To(Number),
    Dangling,
}

#[derive(Clone, Debug)]
enum Role {
    Class(ClassModel),
    /// An instance of a certain class.
    Instance(Number),
    /// Of whatever class has room for its references, or an array.
    Plain,
    Array,
    Reference(Number, Kind),
}

#[derive(Clone, Debug, Default)]
struct ClassModel {
    name: String,
    superclass: Option<Number>,
    loader: Option<Number>,
    fields: Vec<(&'static str, Type)>,
    beside: [Option<Number>; 2],
    constants: Vec<Number>,
    /// A root, as none of its kind is ever unloaded.
    lasting: bool,
}

#[derive(Clone, Debug)]
struct Node {
    role: Role,
    targets: Vec<Target>,
    referent: Option<Number>,
    discovered: Option<Number>,
}

#[derive(Default)]
struct Builder {
    nodes: Vec<Node>,
    classes: BTreeMap<String, Number>,
    roots: Vec<(Number, RootKind)>,
    /// Serial numbers and objects of threads, these being in the dump or not.
    threads: Vec<(u32, Option<Number>)>,
    frames: Vec<(Number, u8, u32)>,
    loaders: usize,
}

impl Builder {
    fn node(&mut self, role: Role) -> Number {
        self.nodes.push(Node { role, targets: Vec::new(), referent: None, discovered: None });
        self.nodes.len() - 1
    }

    fn link(&mut self, from: Number, to: Number) {
        self.nodes[from].targets.push(Target::To(to));
    }

    fn class(
        &mut self,
        name: &str,
        superclass: Option<&str>,
        fields: &[(&'static str, Type)],
    ) -> Number {
        let superclass = superclass.map(|name| self.classes[name]);
        let model = ClassModel {
            name: name.to_owned(),
            superclass,
            fields: fields.to_vec(),
            lasting: true,
            ..ClassModel::default()
        };
        let number = self.node(Role::Class(model));
        self.classes.insert(name.to_owned(), number);
        number
    }

    fn model(&mut self, class: Number) -> &mut ClassModel {
        match &mut self.nodes[class].role {
            Role::Class(model) => model,
            other => panic!("a class, not {other:?}"),
        }
    }

    /// The classes that every heap here has.
    fn library(&mut self, loader: PlainLoader) {
        use Type::{Boolean, Byte, Double, Int, Long, Object, Short};
        let object = Some("java/lang/Object");
        self.class("java/lang/Object", None, &[]);
        self.class("java/lang/Class", object, &[("name", Object), ("hash", Int)]);
        self.class("[Ljava/lang/Object;", object, &[]);
        // There is none of long[].
        self.class("[B", object, &[]);
        self.class(
            "java/lang/Thread",
            object,
            &[("name", Object), ("tid", Long), ("target", Object), ("daemon", Boolean)],
        );
        self.class("java/lang/ClassLoader", object, &[("parent", Object), ("classes", Object)]);
        for name in LASTING_LOADERS {
            self.class(name, Some("java/lang/ClassLoader"), &[("ucp", Object)]);
        }
        let reference = Some("java/lang/ref/Reference");
        self.class(
            "java/lang/ref/Reference",
            object,
            &[("referent", Object), ("queue", Object), ("next", Object), ("discovered", Object)],
        );
        self.class(
            "java/lang/ref/SoftReference",
            reference,
            &[("clock", Long), ("timestamp", Long)],
        );
        self.class("java/lang/ref/WeakReference", reference, &[]);
        self.class("java/lang/ref/PhantomReference", reference, &[]);
        self.class("java/lang/ref/FinalReference", reference, &[]);
        self.class(
            "java/lang/ref/Finalizer",
            Some("java/lang/ref/FinalReference"),
            &[("next", Object), ("prev", Object)],
        );
        let base = self.nodes.len();
        self.class(
            "com/example/OwnSoft",
            Some("java/lang/ref/SoftReference"),
            &[("hash", Int), ("referent", Object), ("discovered", Object)],
        );
        self.class(
            "com/example/WeakEntry",
            Some("java/lang/ref/WeakReference"),
            &[("value", Object), ("hash", Int)],
        );
        self.class("com/example/OtherReference", reference, &[("referentValue", Object)]);
        self.class("com/example/Leaf", object, &[("a", Int), ("b", Byte)]);
        self.class(
            "com/example/Two",
            object,
            &[("a", Byte), ("b", Object), ("c", Long), ("d", Object), ("e", Double)],
        );
        self.class("com/example/Three", Some("com/example/Two"), &[("b", Object), ("f", Short)]);
        self.class(
            "com/example/Five",
            Some("com/example/Three"),
            &[("referent", Object), ("g", Boolean), ("discovered", Object)],
        );
        let own = base..self.nodes.len();
        let (loader, lasting) = match loader {
            PlainLoader::Boot => return,
            PlainLoader::App => {
                let class = self.classes[LASTING_LOADERS[2]];
                (self.node(Role::Instance(class)), true)
            }
            PlainLoader::Custom => (self.custom_loader(), false),
        };
        for class in own {
            let model = self.model(class);
            model.loader = Some(loader);
            model.lasting = lasting;
        }
    }

    fn custom_loader(&mut self) -> Number {
        let name = "com/example/Loader";
        let class = match self.classes.get(name) {
            Some(&class) => class,
            None => self.class(name, Some("java/lang/ClassLoader"), &[("extra", Type::Object)]),
        };
        self.node(Role::Instance(class))
    }

    fn nodes(&mut self, count: usize) -> Vec<Number> {
        (0..count).map(|_| self.node(Role::Plain)).collect()
    }

    fn reference(&mut self, kind: RefKind) -> Number {
        let (name, kind) = match kind {
            RefKind::Soft => ("java/lang/ref/SoftReference", SOFT),
            RefKind::OwnSoft => ("com/example/OwnSoft", SOFT),
            RefKind::Weak => ("java/lang/ref/WeakReference", WEAK),
            RefKind::WeakEntry => ("com/example/WeakEntry", WEAK),
            RefKind::Phantom => ("java/lang/ref/PhantomReference", PHANTOM),
            RefKind::Final => ("java/lang/ref/FinalReference", PHANTOM),
            RefKind::Finalizer => ("java/lang/ref/Finalizer", PHANTOM),
            RefKind::Other => ("com/example/OtherReference", WEAK),
        };
        let class = self.classes[name];
        self.node(Role::Reference(class, kind))
    }

    fn piece(&mut self, piece: Piece, rng: &mut Rng) {
        match piece {
            Piece::Loose(n) => {
                self.nodes(n);
            }
            Piece::Tree(n, arity) => {
                let all = self.nodes(n);
                (1..n).for_each(|i| self.link(all[(i - 1) / arity], all[i]));
            }
            Piece::Dag(n) => {
                let all = self.nodes(n);
                for i in 0..2 * n {
                    let from = rng.below(n);
                    let to = from + 1 + rng.below(n - from);
                    if to < n && i > 0 {
                        self.link(all[from], all[to]);
                    }
                }
            }
            Piece::Cycle(n) => {
                let all = self.nodes(n);
                (0..n).for_each(|i| self.link(all[i], all[(i + 1) % n]));
            }
            Piece::Chain(n) => {
                let all = self.nodes(n);
                all.windows(2).for_each(|pair| self.link(pair[0], pair[1]));
            }
            Piece::DoubleChain(n) => {
                let all = self.nodes(n + 1);
                for pair in all[1..].windows(2) {
                    self.link(pair[0], pair[1]);
                    self.link(pair[1], pair[0]);
                }
                self.link(all[0], all[1]);
                if rng.below(2) == 0 {
                    self.link(all[0], all[n]);
                }
            }
            Piece::LinkedMap(n) => self.linked_map(n, rng),
            Piece::SharedLeaf(n) => {
                let leaf = self.node(Role::Plain);
                let all = self.nodes(n);
                all.iter().for_each(|&from| self.link(from, leaf));
            }
            Piece::Star(n) => {
                let array = self.node(Role::Array);
                let all = self.nodes(n);
                for &to in &all {
                    self.link(array, to);
                    if rng.below(5) == 0 {
                        self.link(array, all[rng.below(n)]);
                    }
                }
            }
            Piece::Dense(n) => {
                let all = self.nodes(n);
                for &from in &all {
                    all.iter().for_each(|&to| self.link(from, to));
                }
            }
            Piece::Ladder(n) => {
                let (left, right) = (self.nodes(n), self.nodes(n));
                for i in 1..n {
                    for from in [left[i - 1], right[i - 1]] {
                        self.link(from, left[i]);
                        self.link(from, right[i]);
                    }
                }
            }
            Piece::SharedItems(n) => {
                let array = self.node(Role::Array);
                let (list, items) = (self.nodes(n), self.nodes(n));
                for i in 0..n {
                    if i > 0 {
                        self.link(list[i - 1], list[i]);
                    }
                    self.link(list[i], items[i]);
                    self.link(array, items[i]);
                }
            }
            Piece::Itself => {
                let node = self.node(Role::Plain);
                self.link(node, node);
            }
            Piece::Reference(kind) => {
                let reference = self.reference(kind);
                let held = self.nodes(3);
                self.nodes[reference].referent = Some(held[0]);
                held.windows(2).for_each(|pair| self.link(pair[0], pair[1]));
                self.hold_perhaps(reference, rng);
            }
            Piece::ReferenceChain(n, a, b) => {
                let mut last: Option<Number> = None;
                for i in 0..n {
                    let reference = self.reference(if i % 2 == 0 { a } else { b });
                    match last.replace(reference) {
                        Some(last) => self.nodes[last].referent = Some(reference),
                        None => self.hold_perhaps(reference, rng),
                    }
                }
            }
            Piece::Thread { in_dump } => {
                let serial = 10 + self.threads.len() as u32;
                let class = self.classes["java/lang/Thread"];
                let thread = in_dump.then(|| self.node(Role::Instance(class)));
                self.threads.push((serial, thread));
                for kind in 0..2 + rng.below(2) as u8 {
                    let held = self.node(Role::Plain);
                    self.frames.push((held, kind, serial));
                }
            }
            Piece::Loader { kind, classes, instances } => {
                self.loader(kind, classes, instances, rng);
            }
            Piece::Hidden { name, loader } => self.hidden(name, loader),
        }
    }

    /// Two of three times, makes it a root.
    fn hold_perhaps(&mut self, node: Number, rng: &mut Rng) {
        if rng.below(3) > 0 {
            self.roots.push((node, RootKind::Unknown));
        }
    }

    fn linked_map(&mut self, n: usize, rng: &mut Rng) {
        let (map, table) = (self.node(Role::Plain), self.node(Role::Array));
        let entries = self.nodes(n);
        self.link(map, table);
        if let (Some(&head), Some(&tail)) = (entries.first(), entries.last()) {
            self.link(map, head);
            self.link(map, tail);
        }
        for (i, &entry) in entries.iter().enumerate() {
            let in_bucket = rng.below(3) == 0 && i > 0;
            self.link(if in_bucket { entries[rng.below(i)] } else { table }, entry);
            let (key, value) = (self.node(Role::Plain), self.node(Role::Plain));
            self.link(entry, key);
            self.link(entry, value);
            if i > 0 {
                self.link(entry, entries[i - 1]);
                self.link(entries[i - 1], entry);
            }
        }
    }

    fn loader(&mut self, kind: LoaderKind, classes: usize, instances: usize, rng: &mut Rng) {
        use Type::{Int, Object};
        let loader = match kind {
            LoaderKind::Lasting(which) => {
                let class = self.classes[LASTING_LOADERS[which]];
                self.node(Role::Instance(class))
            }
            LoaderKind::Custom => self.custom_loader(),
        };
        self.loaders += 1;
        let list = self.node(Role::Array);
        self.link(loader, list);
        let mut last: Option<String> = None;
        for nth in 0..classes {
            // Two loaders may have classes of one name.
            let name = format!("com/example/Plugin{}$C{nth}", self.loaders / 2);
            let above = match (&last, rng.below(3)) {
                (Some(last), 0 | 1) => last.clone(),
                (_, 0) => "com/example/Three".to_owned(),
                _ => "java/lang/Object".to_owned(),
            };
            let fields = [("first", Object), ("count", Int), ("second", Object)];
            let class = self.class(&name, Some(&above), &fields);
            let model = self.model(class);
            model.loader = Some(loader);
            model.lasting = matches!(kind, LoaderKind::Lasting(_));
            self.link(list, class);
            let held = self.node(Role::Plain);
            self.link(class, held);
            for _ in 0..instances {
                self.node(Role::Instance(class));
            }
            last = Some(name);
        }
    }

    fn hidden(&mut self, name: usize, loader: PlainLoader) {
        let object = Some("java/lang/Object");
        let class = self.class(HIDDEN_NAMES[name], object, &[]);
        let array = self.class(&format!("[L{};", HIDDEN_NAMES[name]), object, &[]);
        let (loader, lasting) = match loader {
            PlainLoader::Boot => (None, true),
            PlainLoader::App => {
                let class = self.classes[LASTING_LOADERS[2]];
                (Some(self.node(Role::Instance(class))), true)
            }
            PlainLoader::Custom => (Some(self.custom_loader()), false),
        };
        for class in [class, array] {
            let model = self.model(class);
            model.loader = loader;
            model.lasting = lasting && name >= HIDDEN;
        }
        let held = self.node(Role::Plain);
        self.link(class, held);
        self.node(Role::Instance(class));
    }

    fn add(&mut self, link: Link, first: Number) {
        let pick = |number: u16, from: &[Number]| from[usize::from(number) % from.len()];
        let all: Vec<Number> = (first..self.nodes.len()).collect();
        let is_special = |&node: &Number| {
            matches!(self.nodes[node].role, Role::Reference(..))
                || (matches!(self.nodes[node].role, Role::Class(_)) && link.from % 8 == 0)
        };
        let special: Vec<Number> = all.iter().copied().filter(is_special).collect();
        let from = match link.how {
            How::Special | How::Idle if !special.is_empty() => pick(link.from / 8, &special),
            _ => pick(link.from, &all),
        };
        let to = pick(link.to, &all);
        let node = &mut self.nodes[from];
        match (link.how, &mut node.role) {
            (How::Special, Role::Reference(..)) => node.referent = Some(to),
            (How::Idle, Role::Reference(..)) => node.discovered = Some(to),
            (How::Special, Role::Class(class)) => class.beside[usize::from(link.to % 2)] = Some(to),
            (How::Idle, Role::Class(class)) => class.constants.push(to),
            (How::Dangling, _) => node.targets.push(Target::Dangling),
            _ => node.targets.push(Target::To(to)),
        }
    }
}

const ANDROID_ROOTS: [u8; 7] = [0x89, 0x8A, 0x8B, 0x8C, 0x8D, 0x8E, 0x90];

impl Plan {
    pub fn build(&self) -> Heap {
        let mut rng = Rng::new(self.seed);
        let mut builder = Builder::default();
        builder.library(self.loader);
        let first = builder.classes["com/example/OwnSoft"];
        for &piece in &self.pieces {
            builder.piece(piece, &mut rng);
        }
        for &link in &self.links {
            builder.add(link, first);
        }
        for (&(object, kind), nth) in self.roots.iter().zip(1000..) {
            let object = first + usize::from(object) % (builder.nodes.len() - first);
            match kind {
                RootKind::Thread => builder.threads.push((nth, Some(object))),
                RootKind::Frame(kind, thread) => {
                    let serial = builder.threads.get(usize::from(thread)).map_or(7, |t| t.0);
                    builder.frames.push((object, kind, serial));
                }
                _ => builder.roots.push((object, kind)),
            }
        }
        Writer::new(self, builder, rng).write()
    }
}

/// Gives objects addresses and contents, and writes them.
struct Writer<'p> {
    plan: &'p Plan,
    rng: Rng,
    heap: Builder,
    /// Addresses of the objects.
    ids: Vec<u64>,
    /// An address that no object has.
    dangling: u64,
    symbols: BTreeMap<String, u64>,
    facts: Facts,
    /// One description each, classes and then objects.
    classes: Vec<(Number, Subs)>,
    objects: Vec<(Number, Subs)>,
    again: Vec<(Number, Subs)>,
}

impl<'p> Writer<'p> {
    fn new(plan: &'p Plan, heap: Builder, mut rng: Rng) -> Self {
        let count = heap.nodes.len() as u64 + 1;
        let (base, step) = match (plan.addresses, plan.wide_ids) {
            (Addresses::Compact, false) => (0xA000_0000, 256),
            (Addresses::Compact, true) => (0x7F30_E000_0000, 256),
            (Addresses::Serial, _) => (0, 1),
            (Addresses::Sparse, false) => (0, u64::from(u32::MAX) / count),
            (Addresses::Sparse, true) => (0, u64::MAX / count),
        };
        let mut ids: Vec<u64> =
            (1..=count).map(|n| base + n * step - rng.next() % (step / 2 + 1)).collect();
        if step > 1 {
            ids.iter_mut().for_each(|id| *id &= !7);
        }
        shuffle(&mut ids, &mut rng);
        let dangling = ids.pop().expect("one more than there are objects");
        Writer {
            plan,
            rng,
            heap,
            ids,
            dangling,
            symbols: BTreeMap::new(),
            facts: Facts::default(),
            classes: Vec::new(),
            objects: Vec::new(),
            again: Vec::new(),
        }
    }

    fn id_size(&self) -> IdSize {
        if self.plan.wide_ids { IdSize::Eight } else { IdSize::Four }
    }

    fn subs(&self) -> Subs {
        Subs::new(self.id_size())
    }

    fn symbol(&mut self, name: &str) -> u64 {
        let next = 0x100 + self.symbols.len() as u64;
        *self.symbols.entry(name.to_owned()).or_insert(next)
    }

    /// The id to write for a reference.
    fn refer(&mut self, from: Number, target: &Target) -> u64 {
        match *target {
            Target::To(to) => {
                self.facts.references.insert((self.ids[from], self.ids[to]));
                self.ids[to]
            }
            Target::Dangling => self.dangling,
        }
    }

    fn write(mut self) -> Heap {
        for number in 0..self.heap.nodes.len() {
            let node = self.heap.nodes[number].clone();
            match &node.role {
                Role::Class(model) => self.class(number, model, &node),
                Role::Instance(class) | Role::Reference(class, _) => {
                    self.instance(number, *class, &node);
                }
                Role::Array => self.array(number, &node),
                Role::Plain => self.plain(number, &node),
            }
        }
        for twice in self.plan.twice.clone() {
            let number = usize::from(twice) % self.heap.nodes.len();
            self.describe_again(number);
        }
        let roots = self.roots();
        let file = self.file(roots);
        let packed = match self.plan.packing {
            Packing::Plain => file.bytes,
            Packing::Gzip => gz::plain(&file.bytes),
            Packing::Jvm => {
                let cuts: Vec<usize> = (1..5).map(|n| file.len() * n / 5).collect();
                gz::jvm_blocks(&file.bytes, &cuts).bytes
            }
        };
        Heap { file: packed, facts: self.facts }
    }

    fn class(&mut self, number: Number, model: &ClassModel, node: &Node) {
        let id = self.ids[number];
        let mut dump = ClassDump { id, ..ClassDump::default() };
        let mut link = |to: Option<Number>| match to {
            Some(to) => self.refer(number, &Target::To(to)),
            None => 0,
        };
        dump.super_id = link(model.superclass);
        dump.loader = link(model.loader);
        [dump.domain, dump.signers] = model.beside.map(&mut link);
        dump.constants = model.constants.iter().map(|&to| (1, Value::Ref(self.ids[to]))).collect();
        for target in &node.targets {
            let names = ["instance", "<resolved_references>", "referent"];
            let name = names[self.rng.below(3)];
            let name = self.symbol(name);
            dump.statics.push((name, Value::Ref(self.refer(number, target))));
            if self.rng.below(2) == 0 {
                let name = self.symbol("serialVersionUID");
                dump.statics.push((name, Value::Long(self.rng.next() as i64)));
            }
        }
        dump.fields = model.fields.iter().map(|&(name, kind)| (self.symbol(name), kind)).collect();
        let mut subs = self.subs();
        subs.class_dump(&dump);
        self.classes.push((number, subs));
        self.facts.objects.insert(id, "java/lang/Class".to_owned());
        if model.lasting {
            self.facts.roots.insert(id);
        }
    }

    fn instance(&mut self, number: Number, class: Number, node: &Node) {
        let mut fields = Vec::new();
        let mut next = Some(class);
        while let Some(class) = next {
            let model = self.heap.model(class);
            let is_reference = model.name == "java/lang/ref/Reference";
            fields.extend(model.fields.iter().map(|&(name, kind)| (name, kind, is_reference)));
            next = model.superclass;
        }
        let is_idle = |name: &str| ["referent", "discovered"].contains(&name);
        let room = fields
            .iter()
            .filter(|(name, kind, special)| *kind == Type::Object && !(*special && is_idle(name)))
            .count();
        let mut slots: Vec<Option<Target>> = node.targets.iter().cloned().map(Some).collect();
        slots.resize(room, None);
        shuffle(&mut slots, &mut self.rng);
        let ids = self.id_size();
        let mut values = Vec::new();
        for (name, kind, special) in fields {
            let id = match (kind, special.then_some(name)) {
                (Type::Object, Some("referent")) => match (node.referent, &node.role) {
                    (Some(to), Role::Reference(_, kind)) => {
                        self.facts.referents.insert(self.ids[number], (*kind, self.ids[to]));
                        self.ids[to]
                    }
                    _ => self.dangling * (self.rng.next() % 2),
                },
                (Type::Object, Some("discovered")) => match node.discovered {
                    Some(to) => {
                        self.facts.discovered.insert(self.ids[number], self.ids[to]);
                        self.ids[to]
                    }
                    None => 0,
                },
                (Type::Object, _) => match slots.pop().expect("as many as there are fields") {
                    Some(target) => self.refer(number, &target),
                    None => 0,
                },
                _ => {
                    values.extend((0..kind.width(0)).map(|_| self.rng.next() as u8));
                    continue;
                }
            };
            ids.put(&mut values, id);
        }
        let mut subs = self.subs();
        subs.instance(self.ids[number], self.ids[class], &values);
        self.refer(number, &Target::To(class));
        let name = self.heap.model(class).name.clone();
        self.object(number, &name, subs);
    }

    fn object(&mut self, number: Number, class_name: &str, subs: Subs) {
        self.objects.push((number, subs));
        self.facts.objects.insert(self.ids[number], class_name.to_owned());
    }

    fn array(&mut self, number: Number, node: &Node) {
        let mut elements = Vec::new();
        for target in &node.targets {
            elements.push(self.refer(number, target));
            if self.rng.below(6) == 0 {
                elements.push(0);
            }
        }
        let name = "[Ljava/lang/Object;";
        let class = self.heap.classes[name];
        self.refer(number, &Target::To(class));
        let mut subs = self.subs();
        subs.object_array(self.ids[number], self.ids[class], &elements);
        self.object(number, name, subs);
    }

    fn plain(&mut self, number: Number, node: &Node) {
        let choice = self.rng.below(8);
        let name = match (node.targets.len(), choice) {
            (6.., _) | (_, 0) => return self.array(number, node),
            (0, 1..=2) => return self.primitive_array(number, Type::Byte),
            (0, 3) => return self.primitive_array(number, Type::Long),
            (0, 4) => "java/lang/Object",
            (0, 5) => "com/example/Leaf",
            (0..=2, 0..=5) => "com/example/Two",
            (0..=3, 0..=6) => "com/example/Three",
            _ => "com/example/Five",
        };
        let class = self.heap.classes[name];
        self.instance(number, class, node);
    }

    fn primitive_array(&mut self, number: Number, element: Type) {
        let length = self.rng.below(9) * element.width(0);
        let data: Vec<u8> = (0..length).map(|_| self.rng.next() as u8).collect();
        let mut subs = self.subs();
        subs.primitive_array(self.ids[number], element, &data);
        let name = element.array_class_name();
        if let Some(&class) = self.heap.classes.get(name) {
            self.refer(number, &Target::To(class));
        }
        self.object(number, name, subs);
    }

    /// A second description, which must not count.
    fn describe_again(&mut self, number: Number) {
        let id = self.ids[number];
        let others: Vec<u64> =
            (0..3).map(|_| self.ids[self.rng.below(self.heap.nodes.len())]).collect();
        let mut subs = self.subs();
        match self.heap.nodes[number].role.clone() {
            Role::Class(model) => {
                let link = |to: Option<Number>| to.map_or(0, |to| self.ids[to]);
                let mut dump = ClassDump {
                    id,
                    super_id: link(model.superclass),
                    loader: link(model.loader),
                    ..ClassDump::default()
                };
                let name = self.symbol("instance");
                dump.statics = others.iter().map(|&to| (name, Value::Ref(to))).collect();
                dump.fields =
                    model.fields.iter().map(|&(name, kind)| (self.symbol(name), kind)).collect();
                subs.class_dump(&dump);
            }
            _ => {
                let class = self.ids[self.heap.classes["[Ljava/lang/Object;"]];
                subs.object_array(id, class, &others);
            }
        }
        self.again.push((number, subs));
    }

    fn roots(&mut self) -> Vec<Subs> {
        let mut all = Vec::new();
        for &(serial, thread) in &self.heap.threads {
            let mut subs = self.subs();
            match thread {
                Some(thread) => {
                    self.facts.roots.insert(self.ids[thread]);
                    subs.root_thread_object(self.ids[thread], serial, 0);
                }
                // Named by frames only, or by a record without an object.
                None if serial % 3 == 0 => continue,
                None => {
                    let id = if serial % 3 == 1 { 0 } else { self.dangling };
                    subs.root_thread_object(id, serial, 0);
                }
            }
            all.push(subs);
        }
        for &(object, kind, serial) in &self.heap.frames {
            let id = self.ids[object];
            let mut subs = self.subs();
            match kind {
                0 => subs.root_java_frame(id, serial, 0),
                1 => subs.root_jni_local(id, serial, u32::MAX),
                2 => subs.root_native_stack(id, serial),
                _ => subs.root_thread_block(id, serial),
            };
            all.push(subs);
            let thread = self.heap.threads.iter().find(|(other, _)| *other == serial);
            match thread.and_then(|(_, thread)| *thread) {
                Some(thread) => self.facts.references.insert((self.ids[thread], id)),
                None => self.facts.roots.insert(id),
            };
        }
        for &(object, kind) in &self.heap.roots {
            let id = self.ids[object];
            let mut subs = self.subs();
            match kind {
                RootKind::Unknown => subs.root_unknown(id),
                RootKind::JniGlobal => subs.root_jni_global(id, self.dangling),
                RootKind::Sticky => subs.root_sticky_class(id),
                RootKind::Monitor => subs.root_monitor_used(id),
                RootKind::Android(which) => match ANDROID_ROOTS[usize::from(which)] {
                    0x8E => subs.android_jni_monitor(id, 10, 0),
                    tag => subs.push(tag, |ids, out| ids.put(out, id)),
                },
                RootKind::Thread | RootKind::Frame(..) => unreachable!("these are kept elsewhere"),
            };
            all.push(subs);
            self.facts.roots.insert(id);
        }
        let mut subs = self.subs();
        subs.root_unknown(self.dangling).root_sticky_class(0);
        all.push(subs);
        all
    }

    fn file(&mut self, mut roots: Vec<Subs>) -> Hprof {
        let ids = &self.ids;
        self.objects.sort_by_key(|(number, _)| ids[*number]);
        let classes = std::mem::take(&mut self.classes);
        let objects = std::mem::take(&mut self.objects);
        let named = |(number, subs): (Number, Subs)| (Some(number), subs);
        let mut all: Vec<(Option<Number>, Subs)> = classes.into_iter().map(named).collect();
        let shuffled_from = match self.plan.order {
            Order::Old | Order::New => None,
            Order::Mixed => Some(all.len()),
            Order::Shuffled => Some(0),
        };
        if matches!(self.plan.order, Order::New) {
            all.extend(roots.drain(..).map(|subs| (None, subs)));
        }
        all.extend(objects.into_iter().map(named));
        all.extend(roots.into_iter().map(|subs| (None, subs)));
        if let Some(from) = shuffled_from {
            shuffle(&mut all[from..], &mut self.rng);
        }
        for (number, subs) in std::mem::take(&mut self.again) {
            let first = all.iter().position(|(other, _)| *other == Some(number));
            let after = first.expect("described before") + 1;
            let at = after + self.rng.below(all.len() + 1 - after);
            all.insert(at, (Some(number), subs));
        }
        let mut joined = self.subs();
        all.iter().for_each(|(_, subs)| {
            joined.append(subs);
        });

        let mut file = Hprof::new(self.plan.version, self.id_size());
        let class_names: Vec<(u64, String)> = (0..self.heap.nodes.len())
            .filter_map(|number| match &self.heap.nodes[number].role {
                Role::Class(model) => Some((self.ids[number], model.name.clone())),
                _ => None,
            })
            .chain([(self.dangling, "[J".to_owned())])
            .collect();
        let named: Vec<(u64, u64)> =
            class_names.iter().map(|(id, name)| (*id, self.symbol(name))).collect();
        for (name, &id) in &self.symbols {
            file.utf8(id, name.as_bytes());
        }
        for (&(id, name), serial) in named.iter().zip(1..) {
            file.load_class(serial, id, name);
        }
        file.dump(&joined, self.plan.framing);
        file
    }
}

fn shuffle<T>(all: &mut [T], rng: &mut Rng) {
    for i in (1..all.len()).rev() {
        all.swap(i, rng.below(i + 1));
    }
}
