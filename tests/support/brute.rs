//! Reachability, dominators and retained sizes straight from their definition (`docs/retained-size.md`), by methods
//! that are too slow and too hungry for anything but tests.
//!
//! It shares no code with the parser, nor with the writer of synthetic dumps: the reader keeps the whole dump in
//! memory and panics on anything odd; the retained set of an object is what cannot be reached any more without it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::gz;

/// The levels, by rank.
pub const STRONG: u8 = 0;
pub const SOFT: u8 = 1;
pub const WEAK: u8 = 2;
pub const PHANTOM: u8 = 3;
pub const UNREACHABLE: u8 = 4;
pub const LEVELS: usize = 5;

/// Kinds of reference objects have the rank of the level that they lead to.
pub type Kind = u8;

// ---------------------------------------------------------------------------------------------------------------
// Reading

/// What a dump says, by ids.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Every object, and the internal name of its class; empty when it has none.
    pub objects: BTreeMap<u64, String>,
    /// References that retain.
    pub references: BTreeSet<(u64, u64)>,
    pub referents: BTreeMap<u64, (Kind, u64)>,
    /// `Reference.discovered`, which does not retain.
    pub discovered: BTreeMap<u64, u64>,
    pub roots: BTreeSet<u64>,
}

/// How an object refers to another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// A field, by the class that declares it (internal name) and its own name.
    Field(String, String),
    Static(String),
    /// An element, by its index.
    Element(usize),
    /// An object to the class object of its class.
    OwnClass,
    /// A class object to its superclass, loader, signers, protection domain.
    Beside(&'static str),
}

/// What a dump says, with the names of references.
#[derive(Clone, Debug, Default)]
pub struct Named {
    pub facts: Facts,
    /// References that retain, of each object, in the order of the dump; its class comes last. Those of frames are
    /// not among them.
    pub links: BTreeMap<u64, Vec<(How, u64)>>,
    /// Class objects, and the internal name of the class that they stand for.
    pub classes: BTreeMap<u64, String>,
    /// The internal names of the class of each instance and of its superclasses.
    pub chains: BTreeMap<u64, Vec<String>>,
    /// The names of the reference fields of each instance.
    pub fields: BTreeMap<u64, Vec<String>>,
    /// The number of elements of each array.
    pub lengths: BTreeMap<u64, u64>,
    /// What the primitive fields of the instances of direct buffers hold, by their names.
    pub numbers: BTreeMap<u64, BTreeMap<String, u64>>,
}

struct Bytes<'b> {
    bytes: &'b [u8],
    at: usize,
    id_size: usize,
}

impl<'b> Bytes<'b> {
    fn is_empty(&self) -> bool {
        self.at == self.bytes.len()
    }

    fn take(&mut self, length: usize) -> &'b [u8] {
        self.at += length;
        &self.bytes[self.at - length..self.at]
    }

    fn number(&mut self, length: usize) -> u64 {
        self.take(length).iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte))
    }

    fn u1(&mut self) -> u8 {
        self.number(1) as u8
    }

    fn u2(&mut self) -> usize {
        self.number(2) as usize
    }

    fn u4(&mut self) -> u32 {
        self.number(4) as u32
    }

    fn id(&mut self) -> u64 {
        self.number(self.id_size)
    }

    /// A value, when it is a reference.
    fn value(&mut self, code: u8) -> Option<u64> {
        if code == 2 {
            return Some(self.id());
        }
        self.take(width(code));
        None
    }
}

fn width(code: u8) -> usize {
    match code {
        4 | 8 => 1,
        5 | 9 => 2,
        6 | 10 => 4,
        7 | 11 => 8,
        _ => panic!("type {code}"),
    }
}

#[derive(Default)]
struct ClassRecord {
    superclass: u64,
    loader: u64,
    /// What it refers to besides, statics included.
    others: Vec<u64>,
    /// Names of the statics of reference type, which are the last ones of `others`.
    statics: Vec<u64>,
    /// Name and type of its own fields.
    fields: Vec<(u64, u8)>,
}

#[derive(Clone, Copy)]
enum Body<'b> {
    Class,
    Instance { class: u64, values: &'b [u8] },
    Array { class: u64, elements: &'b [u8] },
    Primitives(u8, usize),
}

#[derive(Clone, Copy)]
enum Root {
    Plain,
    Thread(u32),
    Frame(u32),
}

#[derive(Default)]
struct Dump<'b> {
    id_size: usize,
    symbols: HashMap<u64, &'b [u8]>,
    /// Symbols that name classes.
    names: HashMap<u64, u64>,
    classes: HashMap<u64, ClassRecord>,
    bodies: BTreeMap<u64, Body<'b>>,
    roots: Vec<(u64, u8, Root)>,
}

/// A record of a root.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RootRecord {
    pub object: u64,
    pub tag: u8,
    /// The thread that the object hangs on.
    pub of_frame: Option<u64>,
}

/// What keeps objects alive, told apart.
#[derive(Clone, Debug, Default)]
pub struct Holders {
    pub records: Vec<RootRecord>,
    /// Roots without a record.
    pub system_classes: BTreeSet<u64>,
    /// References that retain, those of frames not among them.
    pub references: BTreeMap<u64, Vec<u64>>,
}

impl Holders {
    /// What can be reached when some root records are gone.
    pub fn reachable_without(&self, gone: impl Fn(&RootRecord) -> bool) -> BTreeSet<u64> {
        let mut reached = BTreeSet::new();
        let mut work: Vec<u64> = self.system_classes.iter().copied().collect();
        let mut of_frames: HashMap<u64, Vec<u64>> = HashMap::new();
        for record in self.records.iter().filter(|record| !gone(record)) {
            match record.of_frame {
                Some(thread) => of_frames.entry(thread).or_default().push(record.object),
                None => work.push(record.object),
            }
        }
        while let Some(object) = work.pop() {
            if reached.insert(object) {
                work.extend(self.references.get(&object).into_iter().flatten());
                work.extend(of_frames.get(&object).into_iter().flatten());
            }
        }
        reached
    }
}

/// Reads what keeps the objects of a dump alive.
pub fn read_holders(file: &[u8]) -> Holders {
    if file.starts_with(&[0x1F, 0x8B]) {
        let inflated = gz::inflate(file).expect("a whole gzip file");
        return Dump::parse(&inflated).holders();
    }
    Dump::parse(file).holders()
}

/// Reads a dump, gzipped or not. It must be whole, and the only one in its file.
pub fn read(file: &[u8]) -> Facts {
    if file.starts_with(&[0x1F, 0x8B]) {
        let inflated = gz::inflate(file).expect("a whole gzip file");
        return Dump::parse(&inflated).facts();
    }
    Dump::parse(file).facts()
}

/// Reads a dump as [`read`] does, and names what it finds.
pub fn read_named(file: &[u8]) -> Named {
    if file.starts_with(&[0x1F, 0x8B]) {
        let inflated = gz::inflate(file).expect("a whole gzip file");
        return Dump::parse(&inflated).named();
    }
    Dump::parse(file).named()
}

impl<'b> Dump<'b> {
    fn parse(bytes: &'b [u8]) -> Self {
        let mut input = Bytes { bytes, at: 0, id_size: 4 };
        while input.u1() != 0 {}
        input.id_size = input.u4() as usize;
        input.take(8);
        let mut dump = Dump { id_size: input.id_size, ..Dump::default() };
        let mut ended = false;
        while !input.is_empty() {
            let tag = input.u1();
            input.take(4);
            let length = input.u4() as usize;
            let mut body = Bytes { bytes: input.take(length), at: 0, id_size: input.id_size };
            match tag {
                0x01 => {
                    let id = body.id();
                    dump.symbols.insert(id, body.take(length - input.id_size));
                }
                0x02 => {
                    body.take(4);
                    let class = body.id();
                    body.take(4);
                    dump.names.entry(class).or_insert(body.id());
                }
                0x0C | 0x1C => {
                    assert!(!ended, "one dump");
                    ended = tag == 0x0C;
                    while !body.is_empty() {
                        dump.heap_record(&mut body);
                    }
                }
                0x2C => ended = true,
                _ => {}
            }
        }
        dump
    }

    fn heap_record(&mut self, input: &mut Bytes<'b>) {
        let tag = input.u1();
        match tag {
            0x20 => return self.class_dump(input),
            0x21 => {
                let id = input.id();
                input.take(4);
                let class = input.id();
                let length = input.u4() as usize;
                let body = Body::Instance { class, values: input.take(length) };
                self.bodies.entry(id).or_insert(body);
                return;
            }
            0x22 => {
                let id = input.id();
                input.take(4);
                let length = input.u4() as usize;
                let class = input.id();
                let body = Body::Array { class, elements: input.take(length * input.id_size) };
                self.bodies.entry(id).or_insert(body);
                return;
            }
            0x23 | 0xC3 => {
                let id = input.id();
                input.take(4);
                let length = input.u4() as usize;
                let code = input.u1();
                if tag == 0x23 {
                    input.take(length * width(code));
                }
                self.bodies.entry(id).or_insert(Body::Primitives(code, length));
                return;
            }
            0xFE => {
                input.u4();
                input.id();
                return;
            }
            _ => {}
        }
        let id = input.id();
        let root = match tag {
            0xFF | 0x05 | 0x07 | 0x89 | 0x8A | 0x8B | 0x8C | 0x8D | 0x90 => Root::Plain,
            0x01 => {
                input.id();
                Root::Plain
            }
            0x8E => {
                input.take(8);
                Root::Plain
            }
            0x02 | 0x03 => {
                let thread = input.u4();
                input.u4();
                Root::Frame(thread)
            }
            0x04 | 0x06 => Root::Frame(input.u4()),
            0x08 => {
                let thread = input.u4();
                input.u4();
                Root::Thread(thread)
            }
            _ => panic!("heap record 0x{tag:02x}"),
        };
        self.roots.push((id, tag, root));
    }

    fn class_dump(&mut self, input: &mut Bytes<'b>) {
        let id = input.id();
        input.take(4);
        let mut class =
            ClassRecord { superclass: input.id(), loader: input.id(), ..ClassRecord::default() };
        // Signers and protection domain; two reserved ids and the instance size.
        class.others.extend([input.id(), input.id()]);
        input.take(2 * input.id_size + 4);
        for _ in 0..input.u2() {
            input.take(2);
            let code = input.u1();
            input.value(code);
        }
        for _ in 0..input.u2() {
            let name = input.id();
            let code = input.u1();
            if let Some(target) = input.value(code) {
                class.others.push(target);
                class.statics.push(name);
            }
        }
        for _ in 0..input.u2() {
            class.fields.push((input.id(), input.u1()));
        }
        self.bodies.entry(id).or_insert_with(|| {
            self.classes.insert(id, class);
            Body::Class
        });
    }

    fn name(&self, class: u64) -> &'b [u8] {
        self.names.get(&class).and_then(|name| self.symbols.get(name)).copied().unwrap_or_default()
    }

    /// A class and its superclasses, as far as they are described.
    fn chain(&self, class: u64) -> Vec<u64> {
        let mut chain = Vec::new();
        let mut next = class;
        while let Some(record) = self.classes.get(&next) {
            assert!(chain.len() < 1000, "no circle of superclasses");
            chain.push(next);
            next = record.superclass;
        }
        chain
    }

    fn facts(&self) -> Facts {
        let mut facts = self.facts_without_roots();
        for record in self.root_records() {
            match record.of_frame {
                Some(thread) => facts.references.insert((thread, record.object)),
                None => facts.roots.insert(record.object),
            };
        }
        facts.roots.extend(self.system_classes());
        facts
    }

    fn holders(&self) -> Holders {
        let mut references: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for (from, to) in self.facts_without_roots().references {
            references.entry(from).or_default().push(to);
        }
        Holders { records: self.root_records(), system_classes: self.system_classes(), references }
    }

    fn facts_without_roots(&self) -> Facts {
        let mut facts = Facts::default();
        let known = |id: &u64| self.bodies.contains_key(id);
        let primitive_arrays: HashMap<&[u8], u64> =
            self.classes.keys().map(|&class| (self.name(class), class)).collect();
        for (&id, &body) in &self.bodies {
            let mut targets: Vec<u64> = Vec::new();
            let class = match body {
                Body::Class => {
                    let class = &self.classes[&id];
                    targets.extend([class.superclass, class.loader]);
                    targets.extend(&class.others);
                    None
                }
                Body::Instance { class, values } => {
                    self.fields(class, values, |field, target| match field {
                        Field::Retains => targets.push(target),
                        Field::Referent(kind) if known(&target) => {
                            facts.referents.insert(id, (kind, target));
                        }
                        Field::Discovered if known(&target) => {
                            facts.discovered.insert(id, target);
                        }
                        _ => {}
                    });
                    Some(class)
                }
                Body::Array { class, elements } => {
                    let mut elements = Bytes { bytes: elements, at: 0, id_size: self.id_size };
                    while !elements.is_empty() {
                        targets.push(elements.id());
                    }
                    Some(class)
                }
                Body::Primitives(code, _) => primitive_arrays.get(primitive_array(code)).copied(),
            };
            targets.extend(class);
            facts.references.extend(targets.into_iter().filter(known).map(|target| (id, target)));
            let name = match body {
                Body::Class => b"java/lang/Class",
                Body::Primitives(code, _) => primitive_array(code),
                _ => class.map_or(&b""[..], |class| self.name(class)),
            };
            facts.objects.insert(id, text(name));
        }
        facts
    }

    fn named(&self) -> Named {
        let mut named = Named { facts: self.facts(), ..Named::default() };
        let primitive_arrays: HashMap<&[u8], u64> =
            self.classes.keys().map(|&class| (self.name(class), class)).collect();
        for (&id, &body) in &self.bodies {
            let mut links: Vec<(How, u64)> = Vec::new();
            match body {
                Body::Class => {
                    let class = &self.classes[&id];
                    let split = class.others.len() - class.statics.len();
                    for (&name, &target) in class.statics.iter().zip(&class.others[split..]) {
                        links.push((How::Static(self.symbol(name)), target));
                    }
                    links.push((How::Beside("superclass"), class.superclass));
                    links.push((How::Beside("loader"), class.loader));
                    links.push((How::Beside("signers"), class.others[0]));
                    links.push((How::Beside("domain"), class.others[1]));
                    named.classes.insert(id, text(self.name(id)));
                }
                Body::Instance { class, values } => {
                    links = self.named_fields(id, class, values, &mut named);
                    links.push((How::OwnClass, class));
                }
                Body::Array { class, elements } => {
                    let mut elements = Bytes { bytes: elements, at: 0, id_size: self.id_size };
                    let mut length = 0;
                    while !elements.is_empty() {
                        links.push((How::Element(length), elements.id()));
                        length += 1;
                    }
                    links.push((How::OwnClass, class));
                    named.lengths.insert(id, length as u64);
                }
                Body::Primitives(code, length) => {
                    let class = primitive_arrays.get(primitive_array(code));
                    links.extend(class.map(|&class| (How::OwnClass, class)));
                    named.lengths.insert(id, length as u64);
                }
            }
            links.retain(|(_, target)| self.bodies.contains_key(target));
            named.links.insert(id, links);
        }
        named
    }

    fn symbol(&self, name: u64) -> String {
        self.symbols.get(&name).map(|name| text(name)).unwrap_or_default()
    }

    /// The references of an instance that retain.
    fn named_fields(
        &self,
        id: u64,
        class: u64,
        values: &[u8],
        named: &mut Named,
    ) -> Vec<(How, u64)> {
        let chain = self.chain(class);
        let names: Vec<String> = chain.iter().map(|&class| text(self.name(class))).collect();
        let is_buffer = names.iter().any(|name| name == "java/nio/Buffer");
        let mut values = Bytes { bytes: values, at: 0, id_size: self.id_size };
        let mut links = Vec::new();
        for (class, declarer) in chain.iter().zip(&names) {
            for &(name, code) in &self.classes[class].fields {
                let name = self.symbol(name);
                if code != 2 {
                    let number = values.number(width(code));
                    if is_buffer {
                        named.numbers.entry(id).or_default().insert(name, number);
                    }
                    continue;
                }
                let target = values.id();
                named.fields.entry(id).or_default().push(name.clone());
                let is_weak = declarer == "java/lang/ref/Reference"
                    && ["referent", "discovered"].contains(&name.as_str());
                if !is_weak {
                    links.push((How::Field(declarer.clone(), name), target));
                }
            }
        }
        named.chains.insert(id, names);
        links
    }

    /// Gives what each reference field of an instance holds.
    fn fields(&self, class: u64, values: &[u8], mut each: impl FnMut(Field, u64)) {
        let chain = self.chain(class);
        let mut values = Bytes { bytes: values, at: 0, id_size: self.id_size };
        let named = |name: &[u8]| chain.iter().any(|&class| self.name(class) == name);
        let kind = if named(b"java/lang/ref/SoftReference") {
            SOFT
        } else if named(b"java/lang/ref/PhantomReference") || named(b"java/lang/ref/FinalReference")
        {
            PHANTOM
        } else {
            WEAK
        };
        for class in &chain {
            let is_reference = self.name(*class) == b"java/lang/ref/Reference";
            for &(name, code) in &self.classes[class].fields {
                let Some(target) = values.value(code) else { continue };
                let field = match self.symbols.get(&name) {
                    Some(&b"referent") if is_reference => Field::Referent(kind),
                    Some(&b"discovered") if is_reference => Field::Discovered,
                    _ => Field::Retains,
                };
                each(field, target);
            }
        }
        assert!(chain.is_empty() || values.is_empty(), "values are as long as the fields");
    }

    /// Records of roots that are described.
    fn root_records(&self) -> Vec<RootRecord> {
        let known = || self.roots.iter().filter(|(id, ..)| self.bodies.contains_key(id));
        let mut threads: HashMap<u32, u64> = HashMap::new();
        for &(id, _, root) in known() {
            if let Root::Thread(serial) = root {
                let thread = *threads.entry(serial).or_insert(id);
                assert_eq!(thread, id, "a serial number is that of one thread");
            }
        }
        let record = |&(object, tag, root): &(u64, u8, Root)| {
            let of_frame = match root {
                Root::Frame(serial) => threads.get(&serial).copied(),
                Root::Plain | Root::Thread(_) => None,
            };
            RootRecord { object, tag, of_frame }
        };
        known().map(record).collect()
    }

    /// Class objects that are roots without a record.
    fn system_classes(&self) -> BTreeSet<u64> {
        let is_system = |&(&id, class): &(&u64, &ClassRecord)| {
            let loader_class = match self.bodies.get(&class.loader) {
                Some(Body::Instance { class, .. }) => self.name(*class),
                _ => b"",
            };
            let never_unloaded = class.loader == 0 || LASTING_LOADERS.contains(&loader_class);
            never_unloaded && !is_hidden(self.name(id))
        };
        self.classes.iter().filter(is_system).map(|(&id, _)| id).collect()
    }
}

const LASTING_LOADERS: [&[u8]; 5] = [
    b"jdk/internal/loader/ClassLoaders$BootClassLoader",
    b"jdk/internal/loader/ClassLoaders$PlatformClassLoader",
    b"jdk/internal/loader/ClassLoaders$AppClassLoader",
    b"sun/misc/Launcher$ExtClassLoader",
    b"sun/misc/Launcher$AppClassLoader",
];

/// Names of hidden classes end in `/0x…`, `+0x…` or `.0x…` and hexadecimal digits.
fn is_hidden(name: &[u8]) -> bool {
    // Arrays of hidden classes are as hidden.
    let name = name.strip_suffix(b";").unwrap_or(name);
    let digits = name.iter().rev().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let before = &name[..name.len() - digits];
    digits > 0 && [&b"/0x"[..], b"+0x", b".0x"].iter().any(|mark| before.ends_with(mark))
}

/// Decodes modified UTF-8, which has surrogates in three bytes each.
fn text(bytes: &[u8]) -> String {
    let mut units = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let (length, first) = match bytes[at] {
            0x00..=0x7F => (1, 0x7F),
            0x80..=0xDF => (2, 0x1F),
            _ => (3, 0x0F),
        };
        let start = u16::from(bytes[at] & first);
        let rest = &bytes[at + 1..at + length];
        units.push(rest.iter().fold(start, |sum, byte| sum << 6 | u16::from(byte & 0x3F)));
        at += length;
    }
    String::from_utf16(&units).expect("a name in modified UTF-8")
}

fn primitive_array(code: u8) -> &'static [u8] {
    match code {
        4 => b"[Z",
        5 => b"[C",
        6 => b"[F",
        7 => b"[D",
        8 => b"[B",
        9 => b"[S",
        10 => b"[I",
        11 => b"[J",
        _ => panic!("type {code}"),
    }
}

enum Field {
    Retains,
    Referent(Kind),
    Discovered,
}

// ---------------------------------------------------------------------------------------------------------------
// Reachability and domination

/// The object graph, objects being numbered in the order of their addresses.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// References that retain.
    pub references: Vec<Vec<usize>>,
    pub referents: Vec<Option<(Kind, usize)>>,
    pub roots: Vec<usize>,
    pub level: Vec<u8>,
    /// Within a level: to what its paths go on from an object.
    pub next: Vec<Vec<usize>>,
    /// What the virtual root of each level refers to.
    pub seeds: [Vec<usize>; LEVELS],
}

/// What dominates each object, and what each object retains.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Retention {
    /// `None`: directly under the virtual root of its level.
    pub dominators: Vec<Option<usize>>,
    pub bytes: Vec<u64>,
    pub objects: Vec<u64>,
}

impl Graph {
    pub fn of(facts: &Facts) -> Self {
        let ids: Vec<u64> = facts.objects.keys().copied().collect();
        let number = |id: &u64| ids.binary_search(id).expect("an object");
        let edges: Vec<(usize, usize)> =
            facts.references.iter().map(|(from, to)| (number(from), number(to))).collect();
        let referents: Vec<(usize, Kind, usize)> = facts
            .referents
            .iter()
            .map(|(from, (kind, to))| (number(from), *kind, number(to)))
            .collect();
        let roots: Vec<usize> = facts.roots.iter().map(number).collect();
        Graph::new(ids.len(), &edges, &referents, &roots)
    }

    pub fn new(
        objects: usize,
        edges: &[(usize, usize)],
        referents: &[(usize, Kind, usize)],
        roots: &[usize],
    ) -> Self {
        let mut graph = Graph {
            references: vec![Vec::new(); objects],
            referents: vec![None; objects],
            roots: roots.to_vec(),
            level: vec![UNREACHABLE; objects],
            next: vec![Vec::new(); objects],
            seeds: Default::default(),
        };
        for &(from, to) in edges {
            graph.references[from].push(to);
        }
        for &(from, kind, to) in referents {
            graph.referents[from] = Some((kind, to));
        }
        graph.find_levels();
        graph.find_next();
        graph.find_seeds();
        graph
    }

    pub fn len(&self) -> usize {
        self.level.len()
    }

    fn find_levels(&mut self) {
        for rank in STRONG..UNREACHABLE {
            // What is there already, and what it leads to over the referents that count from this level on.
            let mut work: Vec<usize> = match rank {
                STRONG => self.roots.clone(),
                _ => (0..self.len()).filter(|&v| self.level[v] < rank).collect(),
            };
            for &v in &work {
                self.level[v] = self.level[v].min(rank);
            }
            while let Some(v) = work.pop() {
                let referent = self.referents[v].filter(|(kind, _)| *kind <= rank);
                for &to in self.references[v].iter().chain(referent.iter().map(|(_, to)| to)) {
                    if self.level[to] == UNREACHABLE {
                        self.level[to] = rank;
                        work.push(to);
                    }
                }
            }
        }
    }

    /// Referents lead to objects of a level, but hold nothing there.
    fn find_next(&mut self) {
        for v in 0..self.len() {
            let rank = self.level[v];
            let held = self.references[v].iter().copied();
            self.next[v] = held.filter(|&to| self.level[to] == rank).collect();
        }
    }

    fn find_seeds(&mut self) {
        let mut seeds: [BTreeSet<usize>; LEVELS] = Default::default();
        seeds[0].extend(&self.roots);
        for v in 0..self.len() {
            if let Some((kind, to)) = self.referents[v] {
                let level = self.level[to];
                if (SOFT..UNREACHABLE).contains(&level) && self.level[v].max(kind) <= level {
                    seeds[usize::from(level)].insert(to);
                }
            }
        }
        let rest: Vec<usize> = (0..self.len()).filter(|&v| self.level[v] == UNREACHABLE).collect();
        let referred: BTreeSet<usize> =
            rest.iter().flat_map(|&v| self.next[v].iter().copied()).collect();
        let mut reached = vec![false; self.len()];
        let heads: Vec<usize> = rest.iter().copied().filter(|v| !referred.contains(v)).collect();
        self.mark(&heads, &mut reached);
        let last = &mut seeds[usize::from(UNREACHABLE)];
        last.extend(heads);
        let mut previous = vec![Vec::new(); self.len()];
        for &v in &rest {
            self.next[v].iter().for_each(|&to| previous[to].push(v));
        }
        for v in rest {
            if !reached[v] && self.is_on_first_circle(v, &reached, &previous) {
                last.insert(v);
                self.mark(&[v], &mut reached);
            }
        }
        self.seeds = seeds.map(|seeds| seeds.into_iter().collect());
    }

    /// Whether an object can be reached from itself, and all that leads to it too. `known`: from where no way leads
    /// to it.
    fn is_on_first_circle(&self, object: usize, known: &[bool], previous: &[Vec<usize>]) -> bool {
        let mut after = known.to_vec();
        self.mark(&self.next[object], &mut after);
        let (mut work, mut before) = (vec![object], BTreeSet::from([object]));
        while let Some(v) = work.pop() {
            if !after[v] {
                return false;
            }
            work.extend(previous[v].iter().filter(|&&from| !known[from] && before.insert(from)));
        }
        true
    }

    /// Marks what can be reached from these objects within their level, by ways that run through nothing marked.
    fn mark(&self, from: &[usize], marks: &mut [bool]) {
        let mut work: Vec<usize> = Vec::new();
        let mut visit = |v: usize, work: &mut Vec<usize>| {
            if !std::mem::replace(&mut marks[v], true) {
                work.push(v);
            }
        };
        from.iter().for_each(|&v| visit(v, &mut work));
        while let Some(v) = work.pop() {
            self.next[v].iter().for_each(|&to| visit(to, &mut work));
        }
    }

    /// The definition: all objects of the level that cannot be reached from its virtual root without `object`.
    pub fn retained_set(&self, object: usize) -> Vec<usize> {
        let level = self.level[object];
        let mut marks = vec![false; self.len()];
        marks[object] = true;
        self.mark(&self.seeds[usize::from(level)], &mut marks);
        marks[object] = false;
        (0..self.len()).filter(|&v| self.level[v] == level && !marks[v]).collect()
    }

    /// The definition for sets: all strong objects that cannot be reached when the members are gone.
    pub fn retained_set_of_all(&self, members: &[usize]) -> Vec<usize> {
        let mut marks = vec![false; self.len()];
        members.iter().for_each(|&member| marks[member] = true);
        self.mark(&self.seeds[0], &mut marks);
        members.iter().for_each(|&member| marks[member] = false);
        (0..self.len()).filter(|&v| self.level[v] == 0 && !marks[v]).collect()
    }

    /// Of those whose retained set an object is in, besides itself, its dominator is the one with the smallest set.
    pub fn retention_by_definition(&self, sizes: &[u64]) -> Retention {
        let mut retention = Retention::default();
        let mut best: Vec<Option<(usize, usize)>> = vec![None; self.len()];
        for d in 0..self.len() {
            let set = self.retained_set(d);
            retention.bytes.push(set.iter().map(|&v| sizes[v]).sum());
            retention.objects.push(set.len() as u64);
            for &v in set.iter().filter(|&&v| v != d) {
                if best[v].is_none_or(|(size, _)| set.len() < size) {
                    best[v] = Some((set.len(), d));
                }
            }
        }
        retention.dominators = best.into_iter().map(|best| best.map(|(_, d)| d)).collect();
        retention
    }

    /// The same in reasonable time: dominators by data flow, retained sizes by adding up.
    pub fn retention(&self, sizes: &[u64]) -> Retention {
        let (dominators, order) = self.dominators();
        let mut retention =
            Retention { dominators, bytes: sizes.to_vec(), objects: vec![1; self.len()] };
        for &v in order.iter().rev() {
            if let Some(by) = retention.dominators[v] {
                retention.bytes[by] += retention.bytes[v];
                retention.objects[by] += retention.objects[v];
            }
        }
        retention
    }

    /// The dominator of each object by data flow over reverse postorder (Cooper, Harvey, Kennedy). Also all objects
    /// in an order in which dominators come first.
    fn dominators(&self) -> (Vec<Option<usize>>, Vec<usize>) {
        let mut dominators = vec![None; self.len()];
        let mut all = Vec::new();
        for seeds in &self.seeds {
            // Number 0 is the virtual root.
            let mut order = self.postorder(seeds);
            order.reverse();
            let numbers: HashMap<usize, usize> = order.iter().copied().zip(1..).collect();
            let mut referrers: Vec<Vec<usize>> = vec![Vec::new(); order.len() + 1];
            for seed in seeds {
                referrers[numbers[seed]].push(0);
            }
            for (&v, from) in order.iter().zip(1..) {
                self.next[v].iter().for_each(|to| referrers[numbers[to]].push(from));
            }
            let mut idom: Vec<Option<usize>> = vec![None; order.len() + 1];
            idom[0] = Some(0);
            let mut changed = true;
            while std::mem::take(&mut changed) {
                for v in 1..=order.len() {
                    let known = referrers[v].iter().copied().filter(|&from| idom[from].is_some());
                    let new = known.reduce(|mut a, mut b| {
                        while a != b {
                            let later = if a > b { &mut a } else { &mut b };
                            *later = idom[*later].expect("the walk up ends at the virtual root");
                        }
                        a
                    });
                    changed |= new != idom[v];
                    idom[v] = new;
                }
            }
            for (&v, number) in order.iter().zip(1..) {
                let by = idom[number].expect("reachable");
                dominators[v] = (by > 0).then(|| order[by - 1]);
            }
            all.extend(order);
        }
        assert_eq!(all.len(), self.len(), "the virtual root of its level leads to each object");
        (dominators, all)
    }

    fn postorder(&self, seeds: &[usize]) -> Vec<usize> {
        let mut order = Vec::new();
        let mut seen = vec![false; self.len()];
        for &seed in seeds {
            if std::mem::replace(&mut seen[seed], true) {
                continue;
            }
            let mut path = vec![(seed, 0)];
            while let Some((v, at)) = path.last_mut() {
                match self.next[*v].get(*at) {
                    Some(&to) => {
                        *at += 1;
                        if !std::mem::replace(&mut seen[to], true) {
                            path.push((to, 0));
                        }
                    }
                    None => {
                        order.push(*v);
                        path.pop();
                    }
                }
            }
        }
        order
    }
}
