//! The index against the definition (`docs/retained-size.md`): levels, dominators and retained sizes of every object, in
//! random heaps, in heaps whose truth is known from how they are made, and in real dumps.
//!
//! What is right comes from `tests/support/brute.rs`, which `tests/brute.rs` checks.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use heapdrift::index::build::{BuildOptions, build};
use heapdrift::index::census::LengthRange;
use heapdrift::index::scan::Silent;
use heapdrift::index::store::{Family, Form, HeapIndex, Level, StoredSet};
use heapdrift::parser::ids::ObjectId;
use heapdrift::parser::names::{package_of, stable_name};
use heapdrift::parser::tags::sub;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use support::brute::{
    Facts, Graph, Holders, LEVELS, PHANTOM, Retention, SOFT, STRONG, UNREACHABLE, WEAK, read,
    read_holders,
};
use support::heaps::{
    Addresses, How, Link, LoaderKind, Order, Packing, Piece, PlainLoader, Plan, RefKind, RootKind,
    plan,
};
use support::places::{Place, ways};
use support::synth::{ClassDump, Framing, Hprof, IdSize, Subs, Type, Version, source_name};
use support::{Rng, gz, real_dumps};

fn rank(level: Level) -> u8 {
    match level {
        Level::Strong => STRONG,
        Level::Soft => SOFT,
        Level::Weak => WEAK,
        Level::Phantom => PHANTOM,
        Level::Unreachable => UNREACHABLE,
    }
}

fn sizes(index: &HeapIndex) -> Vec<u64> {
    (0..index.objects()).map(|object| index.shallow(object)).collect()
}

/// Everything that the index says of every object.
#[track_caller]
fn assert_right(index: &HeapIndex, facts: &Facts, graph: &Graph, expected: &Retention, what: &str) {
    assert_eq!(index.objects(), facts.objects.len() as u64, "objects, {what}");
    let ids: Vec<u64> = facts.objects.keys().copied().collect();
    let mut shallow = 0;
    let mut totals = [(0, 0); LEVELS];
    let mut below: Vec<(u64, u64)> = vec![(0, 0); ids.len()];
    for (nth, (&id, class)) in facts.objects.iter().enumerate() {
        let object = nth as u64;
        let name = || format!("{class} 0x{id:x} (object {nth}), {what}");
        assert_eq!(index.id(object), ObjectId(id), "id of {}", name());
        assert_eq!(index.ordinal(ObjectId(id)), Some(object), "ordinal of {}", name());
        if !class.is_empty() && !class.contains("0x") {
            assert_eq!(index.class_name(object), source_name(class), "class of {}", name());
        }
        let level = rank(index.level(object));
        assert_eq!(level, graph.level[nth], "level of {}", name());
        let dominator = expected.dominators[nth].map(|by| by as u64);
        assert_eq!(index.dominator(object), dominator, "dominator of {}", name());
        let retained = index.retained(object);
        assert_eq!(retained.objects, expected.objects[nth], "objects retained by {}", name());
        assert_eq!(retained.bytes, expected.bytes[nth], "bytes retained by {}", name());
        if let Some(by) = expected.dominators[nth] {
            below[by].0 += retained.bytes;
            below[by].1 += retained.objects;
        }
        let total = &mut totals[usize::from(level)];
        *total = (total.0 + index.shallow(object), total.1 + 1);
        shallow += index.shallow(object);
    }
    for (object, (bytes, objects)) in (0..).zip(below) {
        let retained = index.retained(object);
        assert_eq!(retained.bytes, index.shallow(object) + bytes, "object {object}, {what}");
        assert_eq!(retained.objects, 1 + objects, "object {object}, {what}");
    }
    let found = index.totals().map(|total| (total.bytes, total.objects));
    assert_eq!(found, totals, "bytes and objects of each level, {what}");
    assert_eq!(found.iter().map(|total| total.0).sum::<u64>(), shallow, "all bytes, {what}");
    for id in [0, ids.first().map_or(1, |id| id - 1), ids.last().map_or(1, |id| id ^ 1)] {
        let expected = ids.binary_search(&id).ok().map(|nth| nth as u64);
        assert_eq!(index.ordinal(ObjectId(id)), expected, "0x{id:x}, {what}");
    }
}

fn runner(cases: u32) -> TestRunner {
    let config =
        Config { cases, failure_persistence: None, max_shrink_iters: 300, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

// ---------------------------------------------------------------------------------------------------------------
// Random heaps

/// Builds the index in every way; each must be right.
fn check_in_all_ways(file: &[u8], facts: &Facts, retention: impl Fn(&Graph, &[u64]) -> Retention) {
    let mut place = Place::new();
    let dump = place.dump(file);
    let graph = Graph::of(facts);
    let holders = read_holders(file);
    let mut expected: Option<(Vec<u64>, Retention)> = None;
    for (what, options) in ways() {
        let (index, _) = place.index(&dump, &options);
        let (shallow, retention) = expected.get_or_insert_with(|| {
            let shallow = sizes(&index);
            let retention = retention(&graph, &shallow);
            (shallow, retention)
        });
        assert_eq!(&sizes(&index), shallow, "shallow sizes, {what}");
        assert_right(&index, facts, &graph, retention, what);
        assert_holders(&index, &graph, &holders, shallow, what);
        assert_sets(&index, &graph, shallow, 1 + graph.len() / 4000, what);
    }
}

#[test]
fn every_object_of_a_random_heap_retains_what_is_unreachable_without_it() {
    let result = runner(120).run(&plan(), |plan| {
        let heap = plan.build();
        check_in_all_ways(&heap.file, &heap.facts, Graph::retention_by_definition);
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}

/// A heap of some ten thousand objects.
fn large_plan(seed: u64, wide_ids: bool, order: Order, addresses: Addresses) -> Plan {
    let mut rng = Rng::new(seed);
    let kinds = [
        RefKind::Soft,
        RefKind::OwnSoft,
        RefKind::Weak,
        RefKind::WeakEntry,
        RefKind::Phantom,
        RefKind::Finalizer,
        RefKind::Other,
    ];
    let mut pieces = vec![
        Piece::Tree(3000, 3),
        Piece::Dag(3000),
        Piece::Chain(1500),
        Piece::DoubleChain(800),
        Piece::LinkedMap(900),
        Piece::SharedItems(700),
        Piece::Star(4000),
        Piece::SharedLeaf(300),
        Piece::Dense(60),
        Piece::Ladder(400),
        Piece::Cycle(1000),
        Piece::Loader { kind: LoaderKind::Custom, classes: 40, instances: 20 },
        Piece::Loader { kind: LoaderKind::Lasting(4), classes: 5, instances: 20 },
        Piece::Loose(500),
    ];
    for nth in 0..150_usize {
        let kind = kinds[nth % kinds.len()];
        pieces.push(Piece::Reference(kind));
        pieces.push(Piece::ReferenceChain(1 + nth % 9, kind, kinds[rng.below(kinds.len())]));
        pieces.push(Piece::Cycle(1 + nth % 7));
        if nth % 10 == 0 {
            pieces.push(Piece::Thread { in_dump: nth % 20 == 0 });
            pieces.push(Piece::Hidden { name: nth % 5, loader: PlainLoader::Custom });
        }
    }
    let mut number = || rng.next() as u16;
    let links = (0..700).map(|nth| {
        let how = [How::Field, How::Special, How::Special, How::Idle, How::Dangling][nth % 5];
        Link { from: number(), to: number(), how }
    });
    let links = links.collect();
    let roots = (0..120).map(|nth| {
        let kind = match nth % 3 {
            0 => RootKind::Frame(nth % 4, nth % 31),
            1 => RootKind::JniGlobal,
            _ => RootKind::Thread,
        };
        (number(), kind)
    });
    Plan {
        links,
        roots: roots.collect(),
        pieces,
        wide_ids,
        addresses,
        order,
        framing: Framing::Segments(20_000),
        version: Version::V102,
        packing: Packing::Plain,
        loader: PlainLoader::Custom,
        twice: vec![3, 500, 5000],
        seed,
    }
}

/// Retained sets of some objects, those of the largest ones among them.
#[track_caller]
fn assert_sample(index: &HeapIndex, graph: &Graph, samples: usize, what: &str) {
    let sizes = sizes(index);
    let mut by_size: Vec<u64> = (0..index.objects()).collect();
    by_size.sort_by_key(|&object| std::cmp::Reverse(index.retained(object).bytes));
    by_size.truncate(samples / 2);
    let mut rng = Rng::new(samples as u64);
    let others = (samples / 2..samples).map(|_| rng.below(graph.len()) as u64);
    for object in by_size.into_iter().chain(others) {
        let set = graph.retained_set(object as usize);
        let retained = index.retained(object);
        assert_eq!(retained.objects, set.len() as u64, "object {object}, {what}");
        let bytes: u64 = set.iter().map(|&v| sizes[v]).sum();
        assert_eq!(retained.bytes, bytes, "object {object}, {what}");
    }
}

#[test]
fn large_random_heaps_have_the_dominators_of_a_data_flow_analysis() {
    let forms = [
        (Order::Old, Addresses::Compact, true),
        (Order::New, Addresses::Sparse, true),
        (Order::Mixed, Addresses::Compact, false),
        (Order::Shuffled, Addresses::Serial, true),
        (Order::Shuffled, Addresses::Sparse, false),
    ];
    for ((order, addresses, wide_ids), seed) in forms.into_iter().zip(40..) {
        let plan = large_plan(seed, wide_ids, order, addresses);
        let heap = plan.build();
        check_in_all_ways(&heap.file, &heap.facts, Graph::retention);
        let mut place = Place::new();
        let dump = place.dump(&heap.file);
        let (index, _) = place.index(&dump, &BuildOptions::default());
        assert!(index.objects() > 20_000, "{} objects", index.objects());
        assert_sample(&index, &Graph::of(&heap.facts), 60, &format!("{order:?} {addresses:?}"));
    }
}

#[test]
fn the_number_of_threads_changes_no_byte_of_the_index() {
    let plans = [
        large_plan(7, true, Order::Old, Addresses::Compact),
        large_plan(8, false, Order::Shuffled, Addresses::Sparse),
    ];
    let mut place = Place::new();
    let mut dumps: Vec<PathBuf> = Vec::new();
    for (nth, plan) in plans.iter().enumerate() {
        dumps.push(place.directory.path().join(format!("{nth}.hprof")));
        fs::write(&dumps[nth], plan.build().file).expect("writing a dump");
    }
    dumps.extend(real_dumps().into_iter().step_by(5));
    for dump in dumps {
        let mut build = |threads| {
            let (_, path) =
                place.index(&dump, &BuildOptions { threads, ..BuildOptions::default() });
            fs::read(path).expect("the index")
        };
        let one = build(1);
        for threads in [1, 2, 5] {
            assert!(one == build(threads), "{}: 1 and {threads} threads", dump.display());
        }
    }
}

#[test]
fn the_index_lies_beside_the_dump_unless_told_otherwise() {
    let place = Place::new();
    let plan = large_plan(1, true, Order::Old, Addresses::Compact);
    let dump = place.dump(&plan.build().file);
    let path = build(&dump, &BuildOptions::default(), &Silent).expect("an index");
    assert_eq!(path, place.directory.path().join("input.hprof.hdx"));
    let mut files: Vec<PathBuf> = fs::read_dir(place.directory.path())
        .expect("the directory")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    assert_eq!(files, [dump, path], "nothing else is left");
}

// ---------------------------------------------------------------------------------------------------------------
// Real dumps

/// The row of arrays of one length: primitive arrays of lengths between powers of two are counted together.
fn length_row(form: Form, length: u32) -> LengthRange {
    let is_primitive = form != Form::ObjectArray;
    let floor = 1 << length.max(1).ilog2();
    match is_primitive && length > 3 && length != floor {
        true => LengthRange::Range(floor + 1, 2 * floor - 1),
        false => LengthRange::Exact(length),
    }
}

/// How many sets were told exactly, and how many of those have several members, by family.
type Told = BTreeMap<Family, (u32, u32)>;

/// What classes, packages, loaders and arrays of one length retain: what is unreachable without all their instances, or,
/// where that is said, at most that. Of sets of arrays every `stride`-th is looked at.
#[track_caller]
fn assert_sets(
    index: &HeapIndex,
    graph: &Graph,
    shallow: &[u64],
    stride: usize,
    name: &str,
) -> Told {
    type Key = (Family, String, String, Option<LengthRange>);
    let mut members: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
    let kinds: Vec<_> = index.kinds().collect();
    for object in 0..graph.len() {
        let (kind, of_kind) = index.kind(object as u64).expect("a kind");
        let (_, class, loader) = kinds[kind as usize];
        let class = stable_name(class);
        let package = package_of(&class).to_owned();
        if matches!(of_kind.form, Form::ObjectArray | Form::PrimitiveArray(_)) {
            let length = length_row(of_kind.form, index.slot(object as u64).expect("a length"));
            let key = (Family::Array, class.clone(), String::new(), Some(length));
            members.entry(key).or_default().push(object);
        }
        for (family, name, loader) in [
            (Family::Class, class, loader.to_owned()),
            (Family::Package, package, String::new()),
            (Family::Loader, loader.to_owned(), String::new()),
        ] {
            members.entry((family, name, loader, None)).or_default().push(object);
        }
    }
    let mut told = Told::new();
    let of_members = |set: &StoredSet| !matches!(set.family, Family::Thread | Family::Root);
    for (nth, set) in index.sets().expect("sets").into_iter().filter(of_members).enumerate() {
        let key = (set.family, set.name.clone(), set.loader.clone(), set.length);
        let members = members.remove(&key).unwrap_or_default();
        assert_eq!(set.instances, members.len() as u64, "{name}: {set:?}");
        if set.family == Family::Array && nth % stride != 0 {
            continue;
        }
        let unreachable = graph.retained_set_of_all(&members);
        let bytes: u64 = unreachable.iter().map(|&object| shallow[object]).sum();
        let told = told.entry(set.family).or_default();
        if set.exact {
            assert_eq!(set.retained_bytes, bytes, "{name}: {set:?}");
            told.0 += 1;
        } else {
            assert!(set.retained_bytes <= bytes, "{name}: {set:?}, {bytes}");
            let own = members.iter().filter(|member| graph.level[**member] == STRONG);
            let own: u64 = own.map(|member| shallow[*member]).sum();
            assert!(set.retained_bytes >= own || set.family != Family::Array, "{name}: {set:?}");
        }
        told.1 += u32::from(set.exact && members.len() > 1);
    }
    assert!(members.is_empty(), "{name}: sets that are missing: {members:?}");
    told
}

/// What kinds of roots and threads retain: what cannot be reached when their records are gone, or, where that is said,
/// at most that. Gives how many sets are exact, and how many are not.
#[track_caller]
fn assert_holders(
    index: &HeapIndex,
    graph: &Graph,
    holders: &Holders,
    shallow: &[u64],
    name: &str,
) -> (usize, usize) {
    const THREAD_OBJECT: u8 = 0x08;
    let mut members: BTreeMap<(Family, String), BTreeSet<u64>> = BTreeMap::new();
    let thread_key = |id: u64| (Family::Thread, format!("{id}"));
    for record in &holders.records {
        let kind = (Family::Root, sub::name(record.tag).to_owned());
        members.entry(kind).or_default().insert(record.object);
        if record.tag == THREAD_OBJECT {
            members.entry(thread_key(record.object)).or_default();
        }
        if let Some(thread) = record.of_frame {
            members.entry(thread_key(thread)).or_default().insert(record.object);
        }
    }
    let (mut exact, mut bounds) = (0, 0);
    for set in index.sets().expect("sets") {
        let key = match set.family {
            Family::Root => (Family::Root, set.name.clone()),
            Family::Thread => thread_key(set.id.expect("a thread").0),
            _ => continue,
        };
        let members = members.remove(&key).unwrap_or_else(|| panic!("{name}: {set:?}"));
        assert_eq!(set.instances, members.len() as u64, "{name}: {set:?}");
        let reachable = holders.reachable_without(|record| match set.id {
            None => sub::name(record.tag) == set.name,
            Some(ObjectId(thread)) => {
                record.of_frame == Some(thread)
                    || record.tag == THREAD_OBJECT && record.object == thread
            }
        });
        let is_lost = |object: &usize| {
            graph.level[*object] == STRONG && !reachable.contains(&index.id(*object as u64).0)
        };
        let bytes: u64 = (0..graph.len()).filter(is_lost).map(|object| shallow[object]).sum();
        if set.exact {
            assert_eq!(set.retained_bytes, bytes, "{name}: {set:?}");
            exact += 1;
        } else {
            assert!(set.retained_bytes <= bytes, "{name}: {set:?}, {bytes}");
            bounds += 1;
        }
    }
    assert!(members.is_empty(), "{name}: sets that are missing: {members:?}");
    (exact, bounds)
}

/// Every object; and the retained sets of some by removal.
fn check_real_dumps(remainder: usize) {
    let ways = ways();
    for (nth, path) in real_dumps().into_iter().enumerate().filter(|(nth, _)| nth % 2 == remainder)
    {
        let mut place = Place::new();
        let packed = fs::read(&path).expect("a dump");
        let facts = read(&packed);
        let graph = Graph::of(&facts);
        let (index, _) = place.index(&path, &BuildOptions::default());
        let shallow = sizes(&index);
        let expected = graph.retention(&shallow);
        let name = path.display().to_string();
        assert_right(&index, &facts, &graph, &expected, &name);
        assert_sample(&index, &graph, 300, &name);
        let told = assert_sets(&index, &graph, &shallow, 1 + nth % 3, &name);
        assert!(told.values().all(|(exact, _)| *exact > 0), "{name}: {told:?}");
        assert!(told[&Family::Class].1 > 10 && told[&Family::Array].1 > 10, "{name}: {told:?}");
        let holders = read_holders(&packed);
        assert_holders(&index, &graph, &holders, &shallow, &name);

        let (what, options) = &ways[1 + nth / 2 % (ways.len() - 1)];
        let plain = place.dump(&gz::inflate(&packed).expect("a gzip file"));
        let (index, _) = place.index(&plain, options);
        assert_eq!(sizes(&index), shallow, "{name}, inflated");
        let name = format!("{name}, inflated, {what}");
        assert_right(&index, &facts, &graph, &expected, &name);
        assert_sets(&index, &graph, &shallow, 7, &name);
        assert_holders(&index, &graph, &holders, &shallow, &name);
    }
}

#[test]
fn every_object_of_one_half_of_the_real_dumps_retains_what_the_definition_says() {
    check_real_dumps(0);
}

#[test]
fn every_object_of_the_other_half_of_the_real_dumps_retains_what_the_definition_says() {
    check_real_dumps(1);
}

// ---------------------------------------------------------------------------------------------------------------
// Large heaps whose truth is known

/// Where the objects of a large heap are, in the order in which they are made.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Places {
    Upwards,
    Downwards,
    /// Object 0 at the lowest address, the others anywhere.
    Scattered,
}

const PLACES: [Places; 3] = [Places::Upwards, Places::Downwards, Places::Scattered];
/// A prime, and more than there are objects.
const ROOM: u64 = 2_000_003;
const IDS: IdSize = IdSize::Four;
const OBJECT: u64 = 0x100;
const ARRAY: u64 = 0x200;
const NODE: u64 = 0x300;
const REFERENCE: u64 = 0x400;
const SOFT_REFERENCE: u64 = 0x500;
const WEAK_REFERENCE: u64 = 0x600;
/// Ids, names and superclasses.
const CLASSES: [(u64, &str, u64); 6] = [
    (OBJECT, "java/lang/Object", 0),
    (ARRAY, "[Ljava/lang/Object;", OBJECT),
    (NODE, "com/example/Node", OBJECT),
    (REFERENCE, "java/lang/ref/Reference", OBJECT),
    (SOFT_REFERENCE, "java/lang/ref/SoftReference", REFERENCE),
    (WEAK_REFERENCE, "java/lang/ref/WeakReference", REFERENCE),
];

/// A dump of nodes with two fields each, reference objects and arrays, numbered from 0.
struct Large {
    places: Places,
    subs: Subs,
    objects: usize,
    place: Place,
}

impl Large {
    fn new(places: Places) -> Self {
        Large { places, subs: Subs::new(IDS), objects: 0, place: Place::new() }
    }

    fn id(&self, object: usize) -> ObjectId {
        let object = object as u64;
        let place = match self.places {
            Places::Upwards => object,
            Places::Downwards => ROOM - object,
            Places::Scattered => object * 700_001 % ROOM,
        };
        ObjectId(0x1000_0000 + 24 * place)
    }

    fn put(&self, target: Option<usize>, out: &mut Vec<u8>) {
        IDS.put(out, target.map_or(0, |target| self.id(target).0));
    }

    fn instance(&mut self, class: u64, fields: &[Option<usize>]) -> usize {
        let mut record = vec![0x21];
        IDS.put(&mut record, self.id(self.objects).0);
        record.extend([0; 4]);
        IDS.put(&mut record, class);
        record.extend((4 * fields.len() as u32).to_be_bytes());
        fields.iter().for_each(|&target| self.put(target, &mut record));
        self.push(&record)
    }

    fn push(&mut self, record: &[u8]) -> usize {
        self.subs.raw(record);
        self.objects += 1;
        self.objects - 1
    }

    fn node(&mut self, first: Option<usize>, second: Option<usize>) -> usize {
        self.instance(NODE, &[first, second])
    }

    fn reference(&mut self, class: u64, referent: Option<usize>) -> usize {
        self.instance(class, &[referent, None])
    }

    fn array(&mut self, elements: impl ExactSizeIterator<Item = usize>) -> usize {
        let mut record = vec![0x22];
        IDS.put(&mut record, self.id(self.objects).0);
        record.extend([0; 4]);
        record.extend((elements.len() as u32).to_be_bytes());
        IDS.put(&mut record, ARRAY);
        elements.for_each(|element| self.put(Some(element), &mut record));
        self.push(&record)
    }

    fn root(&mut self, object: usize) {
        self.subs.raw(&[0xFF]);
        let id = self.id(object).0;
        self.subs.raw(&(id as u32).to_be_bytes());
    }

    /// A record of a kind with numbers of four bytes behind the object.
    fn root_record(&mut self, tag: u8, object: usize, numbers: &[u32]) {
        let mut record = vec![tag];
        IDS.put(&mut record, self.id(object).0);
        numbers.iter().for_each(|number| record.extend(number.to_be_bytes()));
        self.subs.raw(&record);
    }

    fn file(&self) -> Vec<u8> {
        let mut file = Hprof::new(Version::V102, IDS);
        let names = ["referent", "next", "first", "second"];
        for (name, id) in names.into_iter().chain(CLASSES.map(|class| class.1)).zip(1..) {
            file.utf8(id, name.as_bytes());
        }
        for ((id, _, _), serial) in CLASSES.into_iter().zip(1..) {
            file.load_class(serial, id, names.len() as u64 + u64::from(serial));
        }
        let mut classes = Subs::new(IDS);
        for (id, _, super_id) in CLASSES {
            let fields = match id {
                REFERENCE => vec![(1, Type::Object), (2, Type::Object)],
                NODE => vec![(3, Type::Object), (4, Type::Object)],
                _ => Vec::new(),
            };
            classes.class_dump(&ClassDump { id, super_id, fields, ..ClassDump::default() });
        }
        file.segment(&classes).segment(&self.subs).heap_dump_end();
        file.bytes
    }

    fn index(&mut self, options: &BuildOptions) -> (HeapIndex, Duration) {
        let dump = self.place.dump(&self.file());
        let start = Instant::now();
        let (index, _) = self.place.index(&dump, options);
        (index, start.elapsed())
    }

    /// Checks all objects. `dominators` and `retained` (objects) are what is known of each one; dominators have lower
    /// numbers than what they dominate.
    #[track_caller]
    fn check(
        &self,
        index: &HeapIndex,
        level: impl Fn(usize) -> Level,
        dominator: impl Fn(usize) -> Option<usize>,
        retained: impl Fn(usize) -> u64,
    ) {
        assert_eq!(index.objects(), (self.objects + CLASSES.len()) as u64);
        let ordinals: Vec<u64> = (0..self.objects)
            .map(|object| index.ordinal(self.id(object)).expect("in the index"))
            .collect();
        let mut bytes: Vec<u64> = ordinals.iter().map(|&object| index.shallow(object)).collect();
        for (object, &ordinal) in ordinals.iter().enumerate().rev() {
            let found = rank(index.level(ordinal));
            assert_eq!(found, rank(level(object)), "level of {object}, {:?}", self.places);
            let by = dominator(object);
            let expected = by.map(|by| ordinals[by]);
            let found = index.dominator(ordinal);
            assert_eq!(found, expected, "dominator {by:?} of {object}, {:?}", self.places);
            let found = index.retained(ordinal);
            assert_eq!(found.objects, retained(object), "objects of {object}, {:?}", self.places);
            assert_eq!(found.bytes, bytes[object], "bytes of {object}, {:?}", self.places);
            if let Some(by) = by {
                assert!(by < object, "the test itself numbers dominators first");
                bytes[by] += bytes[object];
            }
        }
    }
}

fn strong(_: usize) -> Level {
    Level::Strong
}

fn unreachable(_: usize) -> Level {
    Level::Unreachable
}

/// A list of this many nodes, with the time that it takes.
fn chain(places: Places, nodes: usize, options: &BuildOptions) -> Duration {
    let mut heap = Large::new(places);
    for i in 0..nodes {
        heap.node((i + 1 < nodes).then_some(i + 1), None);
    }
    heap.root(0);
    let (index, time) = heap.index(options);
    heap.check(&index, strong, |i| i.checked_sub(1), |i| (nodes - i) as u64);
    time
}

/// What is done in one pass takes about as long as a list of as many objects; what is done again for each object takes
/// minutes.
#[track_caller]
fn assert_quick(time: Duration, heap: &Large) {
    const NODES: u32 = 300_000;
    static LIST: OnceLock<Duration> = OnceLock::new();
    let list =
        *LIST.get_or_init(|| chain(Places::Scattered, NODES as usize, &BuildOptions::default()));
    let expected = list * heap.objects as u32 / NODES;
    assert!(
        time < 10 * expected + Duration::from_secs(5),
        "{time:?}, and {expected:?} for a list of {} nodes",
        heap.objects
    );
}

#[test]
fn a_list_of_a_million_nodes_hangs_node_on_node() {
    chain(Places::Upwards, 1_000_000, &BuildOptions::default());
    chain(Places::Downwards, 1_000_000, &BuildOptions::default());
}

#[test]
fn a_scattered_list_of_a_million_nodes_hangs_node_on_node_in_a_few_mebibytes_of_memory() {
    let options = BuildOptions { memory: Some(4 << 20), ..BuildOptions::default() };
    chain(Places::Scattered, 1_000_000, &options);
}

#[test]
fn nodes_of_a_doubly_linked_list_hang_on_their_list_when_it_holds_both_ends_and_else_on_each_other()
{
    let n = 200_000;
    for places in PLACES {
        for both_ends in [false, true] {
            // The list is object 0.
            let mut heap = Large::new(places);
            heap.node(Some(1), both_ends.then_some(n));
            for i in 1..=n {
                heap.node((i < n).then_some(i + 1), (i > 1).then(|| i - 1));
            }
            heap.root(0);
            let (index, _) = heap.index(&BuildOptions::default());
            if both_ends {
                let retained = |i| if i == 0 { n as u64 + 1 } else { 1 };
                heap.check(&index, strong, |i| (i > 0).then_some(0), retained);
            } else {
                heap.check(&index, strong, |i| i.checked_sub(1), |i| (n + 1 - i) as u64);
            }
        }
    }
}

#[test]
fn elements_of_a_huge_array_hang_on_it_unless_another_array_holds_them_too() {
    let n = 300_000;
    for (places, shared) in PLACES.into_iter().flat_map(|p| [(p, false), (p, true)]) {
        let mut heap = Large::new(places);
        heap.array(2..n + 2);
        heap.array(if shared { 2..n + 2 } else { 2..2 });
        for _ in 0..n {
            heap.node(None, None);
        }
        heap.root(0);
        heap.root(1);
        let (index, _) = heap.index(&BuildOptions::default());
        let hangs = !shared;
        let retained = |i| if i == 0 && hangs { n as u64 + 1 } else { 1 };
        heap.check(&index, strong, |i| (i > 1 && hangs).then_some(0), retained);
    }
}

/// Threads whose frames hold one to three objects of their own, some of them together with the next thread, a root, or
/// a field of the thread. The threads with the fewest objects get lower bounds.
#[test]
fn of_many_threads_those_that_hold_most_have_exact_retained_sets_and_the_others_lower_bounds() {
    const JNI_GLOBAL: u8 = 0x01;
    const JAVA_FRAME: u8 = 0x03;
    const THREAD_OBJECT: u8 = 0x08;
    let mut heap = Large::new(Places::Scattered);
    let mut next_shared = None;
    for serial in 1..=90_u32 {
        let leaf = heap.node(None, None);
        let shared = heap.node(Some(leaf), None);
        let own: Vec<usize> =
            (0..serial % 3 + 1).map(|_| heap.node(Some(leaf), next_shared)).collect();
        let earlier = (serial % 7 == 0).then_some(heap.objects / 2);
        let thread = heap.node(own.first().copied().filter(|_| serial % 5 == 0), earlier);
        heap.root_record(THREAD_OBJECT, thread, &[serial, 0]);
        for local in own.into_iter().chain(next_shared).chain((serial % 4 == 0).then_some(thread)) {
            heap.root_record(JAVA_FRAME, local, &[serial, 0]);
        }
        if serial % 9 == 0 {
            heap.root_record(JNI_GLOBAL, shared, &[0]);
        }
        next_shared = Some(shared);
    }
    let file = heap.file();
    let (facts, holders) = (read(&file), read_holders(&file));
    let graph = Graph::of(&facts);
    for (what, options) in ways() {
        let (index, _) = heap.index(&options);
        let shallow = sizes(&index);
        assert_right(&index, &facts, &graph, &graph.retention(&shallow), what);
        let found = assert_holders(&index, &graph, &holders, &shallow, what);
        assert_eq!(found, (64, 90 + 3 - 64), "{what}");
        let sets = index.sets().expect("sets");
        let bounds = sets.iter().filter(|set| set.family == Family::Thread && !set.exact);
        assert!(bounds.filter(|set| set.retained_bytes > 0).count() > 10, "{what}");
    }
}

#[test]
fn both_sides_of_a_diamond_retain_themselves_and_its_top_the_bottom() {
    let mut heap = Large::new(Places::Scattered);
    heap.node(Some(1), Some(2));
    heap.node(Some(3), None);
    heap.node(Some(3), None);
    heap.node(Some(4), None);
    heap.node(None, None);
    heap.root(0);
    let (index, _) = heap.index(&BuildOptions::default());
    let dominators = [None, Some(0), Some(0), Some(0), Some(3)];
    heap.check(&index, strong, |i| dominators[i], |i| [5, 1, 1, 2, 1][i]);
}

/// The items hang on what holds both. Where the list is walked first, each item seems to hang deep down at first.
#[test]
fn items_of_a_long_list_that_an_array_holds_too_hang_on_the_holder_of_both() {
    let n = 300_000;
    for (places, item_first, array_first) in [
        (Places::Upwards, true, true),
        (Places::Upwards, false, false),
        (Places::Downwards, true, false),
        (Places::Scattered, false, true),
    ] {
        // The holder, the array, the nodes, their items.
        let (array, nodes, items) = (1, 2, 2 + n);
        let mut heap = Large::new(places);
        let (list, array) = (Some(nodes), Some(array));
        if array_first {
            heap.node(array, list)
        } else {
            heap.node(list, array)
        };
        heap.array(items..items + n);
        for i in 0..n {
            let next = (i + 1 < n).then_some(nodes + i + 1);
            let item = Some(items + i);
            if item_first {
                heap.node(item, next)
            } else {
                heap.node(next, item)
            };
        }
        for _ in 0..n {
            heap.node(None, None);
        }
        heap.root(0);
        let (index, time) = heap.index(&BuildOptions::default());
        let dominator = |i| match i {
            0 => None,
            i if i <= nodes || i >= items => Some(0),
            i => Some(i - 1),
        };
        let retained = |i| match i {
            0 => 2 * n as u64 + 2,
            i if i >= nodes && i < items => (items - i) as u64,
            _ => 1,
        };
        heap.check(&index, strong, dominator, retained);
        assert_quick(time, &heap);
    }
}

#[test]
fn a_leaf_that_every_node_of_a_long_list_holds_hangs_on_its_head() {
    let n = 300_000;
    for places in PLACES {
        let mut heap = Large::new(places);
        for i in 0..n {
            heap.node((i + 1 < n).then_some(i + 1), Some(n));
        }
        heap.node(None, None);
        heap.root(0);
        let (index, time) = heap.index(&BuildOptions::default());
        let dominator = |i: usize| if i == n { Some(0) } else { i.checked_sub(1) };
        let retained = |i| match i {
            0 => n as u64 + 1,
            i if i == n => 1,
            i => (n - i) as u64,
        };
        heap.check(&index, strong, dominator, retained);
        assert_quick(time, &heap);
    }
}

#[test]
fn rungs_of_a_long_ladder_hang_on_what_holds_its_top() {
    let n = 150_000;
    for places in PLACES {
        // The top, then pairs, each of which refers to both of the next pair.
        let mut heap = Large::new(places);
        heap.node(Some(1), Some(2));
        for i in 0..n {
            let next = 2 * i + 3;
            for _ in 0..2 {
                heap.node((i + 1 < n).then_some(next), (i + 1 < n).then_some(next + 1));
            }
        }
        heap.root(0);
        let (index, time) = heap.index(&BuildOptions::default());
        let retained = |i| if i == 0 { 2 * n as u64 + 1 } else { 1 };
        heap.check(&index, strong, |i| (i > 0).then_some(0), retained);
        assert_quick(time, &heap);
    }
}

#[test]
fn a_long_list_of_garbage_hangs_on_its_head_and_a_circle_on_its_lowest_address() {
    let n = 300_000;
    for (places, circle) in [
        (Places::Upwards, true),
        (Places::Scattered, true),
        (Places::Downwards, false),
        (Places::Scattered, false),
    ] {
        let mut heap = Large::new(places);
        for i in 0..n {
            heap.node((circle || i + 1 < n).then_some((i + 1) % n), None);
        }
        let (index, time) = heap.index(&BuildOptions::default());
        heap.check(&index, unreachable, |i| i.checked_sub(1), |i| (n - i) as u64);
        assert_quick(time, &heap);
    }
}

/// An object that refers to itself and to the first of many pairs that refer to each other and to the next pair.
#[test]
fn many_circles_of_garbage_hang_on_the_one_that_leads_to_all_whatever_their_addresses() {
    let n = 100_000_usize;
    for places in [Places::Upwards, Places::Downwards] {
        let mut heap = Large::new(places);
        heap.node(Some(0), Some(1));
        for first in (1..2 * n).step_by(2) {
            heap.node(Some(first + 1), Some(first + 2).filter(|&next| next < 2 * n));
            heap.node(Some(first), None);
        }
        let (index, time) = heap.index(&BuildOptions::default());
        let dominator = |i: usize| match i {
            0 => None,
            i if i % 2 == 0 || i == 1 => Some(i - 1),
            i => Some(i - 2),
        };
        let retained = |i| match i {
            0 => (2 * n + 1) as u64,
            i if i % 2 == 0 => 1,
            i => (2 * n + 1 - i) as u64,
        };
        heap.check(&index, unreachable, dominator, retained);
        assert_quick(time, &heap);
    }
}

#[test]
fn a_long_chain_of_references_of_one_kind_stands_link_by_link() {
    let n = 200_000;
    for (class, kind) in [(SOFT_REFERENCE, Level::Soft), (WEAK_REFERENCE, Level::Weak)] {
        let mut heap = Large::new(Places::Scattered);
        for i in 0..n {
            heap.reference(class, (i + 1 < n).then_some(i + 1));
        }
        heap.root(0);
        let (index, time) = heap.index(&BuildOptions::default());
        let rank = rank(kind);
        let level = |i| match (i, rank) {
            (0, _) => Level::Strong,
            (_, SOFT) => Level::Soft,
            _ => Level::Weak,
        };
        heap.check(&index, level, |_| None, |_| 1);
        assert_quick(time, &heap);
    }
}

/// Behind a weak reference, what a soft one refers to is weakly reachable, too, but no reference retains its referent.
#[test]
fn a_long_chain_of_soft_and_weak_references_in_turn_stands_link_by_link() {
    let n = 200_000;
    let mut heap = Large::new(Places::Scattered);
    for i in 0..n {
        let class = if i % 2 == 0 { SOFT_REFERENCE } else { WEAK_REFERENCE };
        heap.reference(class, (i + 1 < n).then_some(i + 1));
    }
    heap.root(0);
    let (index, time) = heap.index(&BuildOptions::default());
    let level = |i| match i {
        0 => Level::Strong,
        1 => Level::Soft,
        _ => Level::Weak,
    };
    heap.check(&index, level, |_| None, |_| 1);
    assert_quick(time, &heap);
}
