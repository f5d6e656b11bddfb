//! The generator of large dumps (`examples/multiply`) makes dumps that heapdrift and any other reader accepts, and that
//! hold what they are meant to hold.

mod support;

#[path = "../examples/multiply/generator/mod.rs"]
mod generator;

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use generator::{Amount, Failure, Options, Written, multiply};
use heapdrift::parser::bytes::id_at;
use heapdrift::parser::classes::{ClassRecord, ClassTable, Symbols};
use heapdrift::parser::header::parse_header;
use heapdrift::parser::heap::{HeapRecord, HeapRecords};
use heapdrift::parser::ids::{ObjectId, StringId};
use heapdrift::parser::record::{LoadClass, RECORD_HEADER};
use heapdrift::parser::structure::{Ahead, HeapLength, Step, next_step};
use heapdrift::parser::tags::{FieldType, top};
use support::gz;
use support::run::{Scene, Table};
use support::synth::{Count, Jvm, Shape};

const ID: usize = 8;
const PLAIN: Options = Options { amount: Amount::Copies(0), single_record: false, shuffle: None };

fn copies(copies: u64) -> Options {
    Options { amount: Amount::Copies(copies), ..PLAIN }
}

fn committed(name: &str) -> Vec<u8> {
    let path = Path::new("tests/dumps").join(name).join("1.hprof.gz");
    gz::inflate(&fs::read(&path).expect("reading a committed dump")).expect("inflating it")
}

/// Multiplies `base` into a new file of the scene.
fn multiplied(
    scene: &Scene,
    base: &[u8],
    options: &Options,
) -> Result<(PathBuf, Written), Failure> {
    let out = scene.path("multiplied.hprof");
    if out.exists() {
        fs::remove_file(&out).expect("removing the last output");
    }
    let written = multiply(&scene.file("base.hprof", base), &out, options)?;
    Ok((out, written))
}

/// What the table of `copies` copies must say: everything again for each of them, but the classes, and with one more
/// `Object[]`.
#[track_caller]
fn assert_multiplied(table: &Table, base: &Table, copies: u64, what: &str) {
    assert_eq!(
        table.rows.keys().collect::<Vec<_>>(),
        base.rows.keys().collect::<Vec<_>>(),
        "{what}: the rows"
    );
    for (name, count) in &base.rows {
        let found = table.rows[name];
        let times = if name == "java.lang.Class" { 1 } else { copies + 1 };
        let expected = Count {
            instances: count.instances * times,
            shallow_bytes: count.shallow_bytes * times,
        };
        if name == "java.lang.Object[]" {
            assert_eq!(found.instances, expected.instances + copies, "{what}: {name}");
            assert!(found.shallow_bytes > expected.shallow_bytes, "{what}: {name}");
        } else {
            assert_eq!(found, expected, "{what}: {name}");
        }
    }
}

#[test]
fn every_class_has_its_objects_once_more_for_each_copy_in_any_form_of_the_dump() {
    const COPIES: u64 = 12;
    let forms = [
        ("segments", copies(COPIES)),
        ("one record", Options { single_record: true, ..copies(COPIES) }),
        ("shuffled", Options { shuffle: Some(3), ..copies(COPIES) }),
        (
            "one shuffled record",
            Options { single_record: true, shuffle: Some(4), ..copies(COPIES) },
        ),
    ];
    // With and without mirrors in the JVM's archive, with wide references, with stack chunks.
    for name in
        ["sdk-client-leak", "jdk17-serial", "jdk17-zgc-hidden-classes", "jdk25-g1-virtual-threads"]
    {
        let bytes = committed(name);
        let scene = Scene::new();
        let base = scene.table(&bytes);
        for (form, options) in &forms {
            let what = format!("{name}, {form}");
            let (out, written) = multiplied(&scene, &bytes, options).expect(&what);
            assert_eq!(written.copies, COPIES);
            assert_eq!(written.bytes, fs::metadata(&out).expect("the output").len());
            let table = scene.histo(&out).run().fine();
            assert_eq!(table.sizes(), "exact", "{what}");
            assert!(table.warnings().is_empty(), "{what}: {:?}", table.warnings());
            assert_multiplied(&table, &base, COPIES, &what);
        }
    }
}

/// An instance or array, taken apart.
struct Object {
    id: u64,
    references: Vec<u64>,
    /// The record with zeros in place of its id and its references.
    rest: Vec<u8>,
    is_mirror: bool,
}

/// A dump, taken apart in the order of its records.
#[derive(Default)]
struct Heap {
    objects: Vec<Object>,
    classes: HashSet<u64>,
    /// What roots refer to, and what static fields do.
    roots: BTreeSet<u64>,
    statics: BTreeSet<u64>,
    /// Bytes of the bodies of heap dump segments, and how many records each has.
    segments: Vec<(usize, usize)>,
}

impl Heap {
    fn read(bytes: &[u8]) -> Self {
        let mut heap = Self::default();
        let header = parse_header(bytes, false).expect("a header");
        let (mut class_name, mut class_of_classes) = (None, ObjectId::NULL);
        let mut bodies = Vec::new();
        let mut at = header.length;
        loop {
            let remaining = Some((bytes.len() - at) as u64);
            let length = match next_step(Ahead { bytes: &bytes[at..], remaining, closed: false }) {
                Step::Record(record) => {
                    let body = &bytes[at + RECORD_HEADER..][..record.length as usize];
                    match record.tag {
                        top::UTF8 if &body[ID..] == b"java/lang/Class" => {
                            class_name = id_at::<ID>(body, 0).map(StringId);
                        }
                        top::LOAD_CLASS => {
                            let load = LoadClass::parse(body, ID).expect("a whole record");
                            if Some(load.name) == class_name {
                                class_of_classes = load.class;
                            }
                        }
                        _ => {}
                    }
                    body.len()
                }
                Step::Heap { length: HeapLength::Written(length), .. } => {
                    bodies.push(at + RECORD_HEADER..at + RECORD_HEADER + length as usize);
                    length as usize
                }
                Step::DumpEnd => 0,
                Step::End => break,
                other => panic!("{other:?} at {at}"),
            };
            at += RECORD_HEADER + length;
        }
        let walk = |heap: &mut Self, visit: &mut dyn FnMut(&mut Self, HeapRecord<'_>, &[u8])| {
            heap.segments.clear();
            for body in &bodies {
                let mut records = HeapRecords::<ID>::new(&bytes[..body.end], body.start);
                let mut count = 0;
                let mut start = body.start;
                while let Some(record) = records.next_record().expect("a record") {
                    visit(heap, record, &bytes[start..records.position()]);
                    start = records.position();
                    count += 1;
                }
                heap.segments.push((body.len(), count));
            }
        };
        let mut records = Vec::new();
        walk(&mut heap, &mut |heap, record, _| match record {
            HeapRecord::Class(class) => {
                heap.classes.insert(class.id.0);
                let objects = class.statics().filter(|field| field.kind == FieldType::Object);
                heap.statics.extend(objects.map(|field| field.value));
                records.push(ClassRecord::new(&class, 0));
            }
            HeapRecord::Root(root) => {
                heap.roots.insert(root.object.0);
            }
            _ => {}
        });
        let table = ClassTable::build(records, &Default::default(), [], Symbols::default());
        walk(&mut heap, &mut |heap, record, bytes| {
            let head = 9 + 2 * ID;
            let (id, class, offsets) = match record {
                HeapRecord::Instance(instance) => {
                    let class = table.index_of(instance.class).expect("a class");
                    let mut at = head;
                    let mut offsets = Vec::new();
                    for field in table.fielded_chain(class).flat_map(|class| &class.fields) {
                        if field.kind == FieldType::Object {
                            offsets.push(at);
                        }
                        at += field.kind.dump_size(ID);
                    }
                    assert_eq!(at, bytes.len(), "the fields fill the record");
                    (instance.id, instance.class, offsets)
                }
                HeapRecord::ObjectArray(array) => {
                    (array.id, array.class, (head..bytes.len()).step_by(ID).collect())
                }
                HeapRecord::PrimitiveArray(array) => (array.id, ObjectId::NULL, Vec::new()),
                _ => return,
            };
            let mut rest = bytes.to_vec();
            let mut take = |at: usize| {
                let id = rest[at..at + ID].try_into().map(u64::from_be_bytes);
                rest[at..at + ID].fill(0);
                id.expect("eight bytes")
            };
            let references = offsets.into_iter().map(&mut take).collect();
            assert_eq!(take(1), id.0);
            let is_mirror = class == class_of_classes && !class.is_null();
            heap.objects.push(Object { id: id.0, references, rest, is_mirror });
        });
        heap
    }
}

#[test]
fn a_copy_is_the_base_moved_and_refers_to_nothing_but_itself_and_classes() {
    const COPIES: usize = 3;
    for name in ["sdk-client-leak", "jdk17-out-of-memory", "jdk17-zgc-hidden-classes"] {
        let scene = Scene::new();
        let bytes = committed(name);
        let (out, written) = multiplied(&scene, &bytes, &copies(COPIES as u64)).expect(name);
        let base = Heap::read(&bytes);
        let heap = Heap::read(&fs::read(&out).expect("the output"));
        assert_eq!(written.objects, heap.objects.len() as u64);
        assert_eq!(heap.classes, base.classes, "{name}: classes stand there once");
        assert_eq!(heap.statics, base.statics);

        let copied: Vec<&Object> = base.objects.iter().filter(|object| !object.is_mirror).collect();
        let moving: HashSet<u64> = copied.iter().map(|object| object.id).collect();
        let (original, rest) = heap.objects.split_at(base.objects.len());
        assert!(
            original
                .iter()
                .zip(&base.objects)
                .all(|(a, b)| a.id == b.id && a.references == b.references)
        );
        assert_eq!(rest.len(), COPIES * (copied.len() + 1), "{name}");
        let linked: Vec<u64> =
            base.roots.union(&base.statics).copied().filter(|id| moving.contains(id)).collect();
        assert!(linked.len() > 100, "{name}: {}", linked.len());
        let mut seen: HashSet<u64> = base.classes.clone();
        seen.extend(base.objects.iter().map(|object| object.id));
        let span = rest[0].id - copied[0].id;
        for (copy, nth) in rest.chunks(copied.len() + 1).zip(1..) {
            let moved = |id: &u64| if moving.contains(id) { id + nth * span } else { *id };
            for (object, original) in copy.iter().zip(&copied) {
                assert_eq!(object.id, original.id + nth * span);
                assert_eq!(
                    object.references,
                    original.references.iter().map(moved).collect::<Vec<_>>()
                );
                assert!(object.rest == original.rest, "{name}: the same but for the addresses");
                assert!(seen.insert(object.id), "{name}: an address of its own");
            }
            let links = &copy[copied.len()];
            assert_eq!(links.references, linked.iter().map(moved).collect::<Vec<_>>());
            assert!(heap.roots.contains(&links.id) && seen.insert(links.id), "{name}");
        }
        // As a JVM writes them: as full as whole records allow, longer only for a single record.
        const BUFFER: usize = 1 << 20;
        assert!(
            heap.segments
                .iter()
                .all(|(body, records)| *body + RECORD_HEADER <= BUFFER || *records == 1)
        );
        let short = heap.segments.iter().filter(|(body, _)| *body < BUFFER / 2).count();
        assert!(short <= 2 * (COPIES + 1), "{name}: {short} of {}", heap.segments.len());
    }
}

#[test]
fn ids_of_four_bytes_are_moved_as_long_as_the_addresses_fit() {
    let jvm = Jvm::plausible(Shape::NARROW);
    let bytes = jvm.write().bytes;
    let scene = Scene::new();
    let base = scene.table(&bytes);
    let (out, _) = multiplied(&scene, &bytes, &copies(5)).expect("5 copies fit");
    assert_multiplied(&scene.histo(&out).run().fine(), &base, 5, "32 bits");
    let failure = multiplied(&scene, &bytes, &copies(1 << 20)).expect_err("more than 4 GiB");
    assert!(failure.what.contains("ids of 4 bytes"), "{failure}");
    assert!(!out.exists(), "nothing was written");
}

#[test]
fn the_size_is_met_to_half_a_copy() {
    let bytes = committed("sdk-client-leak");
    let scene = Scene::new();
    for size in [20_000_000, 30_000_000, 31_000_000] {
        let amount = Amount::Bytes(size);
        let (_, written) =
            multiplied(&scene, &bytes, &Options { amount, ..PLAIN }).expect("a dump");
        let copy = (written.bytes - bytes.len() as u64) / written.copies;
        assert!(written.bytes.abs_diff(size) <= copy / 2 + 1000, "{written:?} for {size}");
    }
}

#[test]
fn unsuitable_bases_and_existing_outputs_are_refused_with_file_and_offset() {
    let bytes = committed("jdk17-serial");
    let scene = Scene::new();
    let cases: [(&str, &[u8]); 4] = [
        ("cut off", &bytes[..bytes.len() - 100]),
        ("another dump is appended", &[bytes.as_slice(), &bytes].concat()),
        (
            "not an hprof heap dump",
            b"#!/bin/sh\necho this is not a heap dump, but it is long enough",
        ),
        ("the file is empty", b""),
    ];
    for (words, bytes) in cases {
        let failure = multiplied(&scene, bytes, &copies(1)).expect_err(words);
        assert!(failure.what.contains(words), "{failure}");
        assert!(failure.offset.is_some(), "{failure}");
        assert!(failure.to_string().contains("base.hprof at byte "), "{failure}");
        assert!(!scene.path("multiplied.hprof").exists(), "nothing was written");
    }
    let small = Options { amount: Amount::Bytes(1000), ..PLAIN };
    let failure = multiplied(&scene, &bytes, &small).expect_err("smaller than the base");
    assert!(failure.what.contains("more than the output shall have"), "{failure}");

    let base = scene.file("base.hprof", &bytes);
    let failure = multiply(&base, &base, &copies(1)).expect_err("the base itself");
    assert!(failure.remedy.contains("remove it"), "{failure}");
    assert_eq!(fs::read(&base).expect("the base"), bytes, "nothing was overwritten");
}
