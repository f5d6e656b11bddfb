//! Bugs that were found and fixed once: each test fails when its bug comes back.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value as Json;
use support::Rng;
use support::gz;
use support::run::{Outcome, Scene, Table, for_each_case, numbers, says};
use support::synth::{
    DEFAULT_TIME_MS, Framing, Hprof, Jvm, Shape, Subs, Type, Value, Version, record, sub,
};

// ---------------------------------------------------------------------------------------------------------------
// Real dumps, taken apart

fn committed(dump: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dumps").join(dump)
}

/// A committed dump, inflated.
fn inflated(dump: &str) -> Vec<u8> {
    let packed = fs::read(committed(dump)).expect("a committed dump");
    gz::inflate(&packed).expect("a whole gzip file")
}

fn u2(bytes: &[u8], at: usize) -> usize {
    usize::from(u16::from_be_bytes(*bytes[at..].first_chunk().expect("two bytes")))
}

fn u4(bytes: &[u8], at: usize) -> usize {
    u32::from_be_bytes(*bytes[at..].first_chunk().expect("four bytes")) as usize
}

fn u8_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_be_bytes(*bytes[at..].first_chunk().expect("eight bytes"))
}

fn width(code: u8) -> usize {
    match code {
        2 | 7 | 11 => 8,
        4 | 8 => 1,
        5 | 9 => 2,
        6 | 10 => 4,
        other => panic!("no type: {other}"),
    }
}

/// A sub-record of a dump with 8-byte ids.
#[derive(Clone, Copy)]
struct Part {
    tag: u8,
    start: usize,
    end: usize,
}

/// A CLASS_DUMP: where it is, and where its superclass id and its fields are.
struct ClassAt {
    part: Part,
    id: u64,
    super_id: u64,
    super_at: usize,
    size: usize,
    /// Name and place of the type of every instance field.
    fields: Vec<(u64, usize)>,
}

/// What a JVM wrote: everything before the first heap record, and the sub-records of all segments.
struct Taken {
    bytes: Vec<u8>,
    head: usize,
    parts: Vec<Part>,
    classes: Vec<ClassAt>,
    symbols: BTreeMap<u64, Vec<u8>>,
    names: BTreeMap<u64, u64>,
}

impl Taken {
    fn apart(bytes: Vec<u8>) -> Taken {
        let mut at = bytes.iter().position(|&b| b == 0).expect("the end of the magic") + 13;
        let mut taken = Taken {
            bytes: Vec::new(),
            head: 0,
            parts: Vec::new(),
            classes: Vec::new(),
            symbols: BTreeMap::new(),
            names: BTreeMap::new(),
        };
        while at < bytes.len() {
            let (tag, body) = (bytes[at], at + 9);
            let end = body + u4(&bytes, at + 5);
            match tag {
                record::UTF8 => {
                    taken.symbols.insert(u8_at(&bytes, body), bytes[body + 8..end].to_vec());
                }
                record::LOAD_CLASS => {
                    taken.names.insert(u8_at(&bytes, body + 4), u8_at(&bytes, body + 16));
                }
                record::HEAP_DUMP_SEGMENT => {
                    if taken.head == 0 {
                        taken.head = at;
                    }
                    let mut sub = body;
                    while sub < end {
                        sub = taken.part(&bytes, sub);
                    }
                    assert_eq!(sub, end, "sub-records fill their segment");
                }
                _ => {}
            }
            at = end;
        }
        assert_eq!(at, bytes.len(), "records fill the file");
        taken.bytes = bytes;
        taken
    }

    fn part(&mut self, bytes: &[u8], start: usize) -> usize {
        let (tag, body) = (bytes[start], start + 1);
        let end = match tag {
            sub::ROOT_JNI_GLOBAL
            | sub::ROOT_JNI_LOCAL
            | sub::ROOT_JAVA_FRAME
            | sub::ROOT_THREAD_OBJECT => body + 16,
            sub::ROOT_NATIVE_STACK | sub::ROOT_THREAD_BLOCK => body + 12,
            sub::ROOT_STICKY_CLASS | sub::ROOT_MONITOR_USED | sub::ROOT_UNKNOWN => body + 8,
            sub::INSTANCE_DUMP => body + 24 + u4(bytes, body + 20),
            sub::OBJECT_ARRAY_DUMP => body + 24 + 8 * u4(bytes, body + 12),
            sub::PRIMITIVE_ARRAY_DUMP => body + 17 + u4(bytes, body + 12) * width(bytes[body + 16]),
            sub::CLASS_DUMP => {
                let mut at = body + 12 + 6 * 8 + 4;
                let constants = u2(bytes, at);
                at += 2;
                for _ in 0..constants {
                    at += 3 + width(bytes[at + 2]);
                }
                let statics = u2(bytes, at);
                at += 2;
                for _ in 0..statics {
                    at += 9 + width(bytes[at + 8]);
                }
                let count = u2(bytes, at);
                at += 2;
                let fields = (0..count).map(|i| (u8_at(bytes, at + 9 * i), at + 9 * i + 8));
                let fields = fields.collect();
                let end = at + 9 * count;
                self.classes.push(ClassAt {
                    part: Part { tag, start, end },
                    id: u8_at(bytes, body),
                    super_id: u8_at(bytes, body + 12),
                    super_at: body + 12,
                    size: u4(bytes, body + 60),
                    fields,
                });
                end
            }
            other => panic!("sub-record {other:#x} at {start}"),
        };
        self.parts.push(Part { tag, start, end });
        end
    }

    fn name(&self, class: u64) -> &[u8] {
        self.names.get(&class).and_then(|name| self.symbols.get(name)).map_or(b"", Vec::as_slice)
    }

    fn class(&self, name: &str) -> &ClassAt {
        let found = self.classes.iter().find(|c| self.name(c.id) == name.as_bytes());
        found.unwrap_or_else(|| panic!("no {name}"))
    }

    /// The same dump in short segments, with `between` between them.
    fn in_segments_of(&self, limit: usize, parts: &[Part], between: &[u8]) -> Vec<u8> {
        let mut out = self.bytes[..self.head].to_vec();
        let mut segments = 0;
        let mut body: Vec<u8> = Vec::new();
        let mut flush = |body: &mut Vec<u8>| {
            if segments > 0 {
                out.extend_from_slice(between);
            }
            segments += 1;
            out.extend([record::HEAP_DUMP_SEGMENT, 0, 0, 0, 0]);
            out.extend((body.len() as u32).to_be_bytes());
            out.append(body);
        };
        for part in parts {
            let bytes = &self.bytes[part.start..part.end];
            if !body.is_empty() && body.len() + bytes.len() > limit {
                flush(&mut body);
            }
            body.extend_from_slice(bytes);
        }
        flush(&mut body);
        assert!(segments > 1 || between.is_empty(), "something is between segments");
        out.extend([record::HEAP_DUMP_END, 0, 0, 0, 0, 0, 0, 0, 0]);
        out
    }
}

// ---------------------------------------------------------------------------------------------------------------
// Gzip members

/// A dump of many segments, most of them equally long, and the ends of the segments.
fn many_segments() -> (Hprof, Vec<usize>) {
    let mut jvm = Jvm::default_heap();
    let node = jvm.known("com/example/Node");
    let mut rng = Rng::new(5);
    for _ in 0..9000 {
        jvm.instance(node, &[Value::Ref(0), Value::Int(rng.next() as i32)]);
    }
    let file = jvm.file().framing(Framing::Segments(20_000)).write();
    let ends: Vec<usize> = file.heap_records().iter().map(|r| r.end).collect();
    assert!(ends.len() > 12, "many segments: {}", ends.len());
    (file, ends)
}

fn names_the_block(table: &Table) {
    let reason = table.reason();
    assert!(says(reason, &["compressed byte", "gzip block"]), "{reason}");
}

#[test]
fn a_flipped_bit_in_the_magic_of_any_gzip_member_loses_no_object_silently() {
    let (file, ends) = many_segments();
    let packed = gz::jvm_blocks(&file.bytes, &ends);
    let whole = Scene::new().table(&packed.bytes);
    whole.assert_counts(&file.rows_before(file.len()), "undamaged");
    let mut cases = Vec::new();
    for member in 0..packed.members.len() {
        cases.extend([0, 5, 9, 15, 16, 23].map(|bit| (member, bit)));
    }
    for_each_case(&cases, |scene, &(member, bit)| {
        let mut bytes = packed.bytes.clone();
        bytes[packed.members[member].packed.start + bit / 8] ^= 1 << (bit % 8);
        let path = scene.file("damaged.gz", &bytes);
        for jobs in ["1", "4"] {
            let outcome = scene.histo(&path).args(["--jobs", jobs]).run();
            assert_eq!(outcome.code, 3, "member {member}, bit {bit}: {outcome}");
            if member == 0 {
                // No gzip file at all, or not one of a JVM.
                assert!(outcome.stdout.is_empty() || !outcome.table().is_complete(), "{outcome}");
                continue;
            }
            let table = outcome.incomplete();
            table.assert_within(&whole, &format!("member {member}, bit {bit}"));
            names_the_block(&table);
        }
    });
}

#[test]
fn a_damaged_header_of_a_gzip_member_as_long_as_the_one_before_it_is_noticed() {
    let (file, ends) = many_segments();
    let packed = gz::jvm_blocks(&file.bytes, &ends);
    let twins: Vec<usize> = (1..packed.members.len())
        .filter(|&i| packed.members[i].raw.len() == packed.members[i - 1].raw.len())
        .collect();
    assert!(twins.len() > 3, "neighbours of one size: {twins:?}");
    for_each_case(&twins, |scene, &twin| {
        let member = &packed.members[twin];
        for damage in [&[0][..], &[0x1F, 0], &[0x1F, 0x8B, 0], &[0; 10]] {
            let mut bytes = packed.bytes.clone();
            let start = member.packed.start;
            bytes[start..start + damage.len()].copy_from_slice(damage);
            let path = scene.file("twins.gz", &bytes);
            let table = scene.histo(&path).run().incomplete();
            table.assert_counts(
                &file.rows_before(member.raw.start),
                &format!("member {twin}: everything before it"),
            );
            names_the_block(&table);
        }
    });
}

#[test]
fn rubbish_after_the_last_gzip_member_is_not_silent_and_zero_padding_is_fine() {
    let (file, ends) = many_segments();
    let packed = gz::jvm_blocks(&file.bytes, &ends).bytes;
    let scene = Scene::new();
    let long = [0xA5; 5000];
    let late = [&[0; 600][..], &[7]].concat();
    for rubbish in [&[0x55][..], b"rubbish", &[0x1F, 0x8B, 8, 0, 0, 0, 0, 0], &long, &late] {
        let path = scene.file("rubbish.gz", &[&packed[..], rubbish].concat());
        let outcome = scene.histo(&path).run();
        let table = outcome.incomplete();
        assert!(says(table.reason(), &["compressed byte", "gzip block"]), "{outcome}");
    }
    for zeros in [1, 7, 20, 512, 70_000] {
        let path = scene.file("padded.gz", &[&packed[..], &vec![0; zeros]].concat());
        let table = scene.histo(&path).run().fine();
        table.assert_counts(&file.rows_before(file.len()), &format!("{zeros} zeros"));
    }
}

// ---------------------------------------------------------------------------------------------------------------
// Sizes

#[test]
fn sizes_are_not_exact_when_superclass_ids_are_damaged() {
    let taken = Taken::apart(inflated("jdk17-serial/1.hprof.gz"));
    let scene = Scene::new();
    assert_eq!(scene.table(&taken.bytes).sizes(), "exact", "undamaged");
    let object = taken.class("java/lang/Object").id;
    let sized: BTreeMap<u64, usize> = taken.classes.iter().map(|c| (c.id, c.size)).collect();
    // Classes that inherit fields.
    let heirs: Vec<&ClassAt> = taken
        .classes
        .iter()
        .filter(|c| sized.get(&c.super_id).is_some_and(|&size| size > 0))
        .collect();
    assert!(heirs.len() > 50, "{}", heirs.len());
    let with_instances: Vec<&&ClassAt> = heirs
        .iter()
        .filter(|c| {
            let mut parts = taken.parts.iter().filter(|p| p.tag == sub::INSTANCE_DUMP);
            parts.any(|p| u8_at(&taken.bytes, p.start + 13) == c.id)
        })
        .collect();
    assert!(with_instances.len() > 20, "{}", with_instances.len());
    type Elsewhere<'t> = (&'t str, Box<dyn Fn(usize, &ClassAt) -> u64 + 't>);
    let elsewhere: [Elsewhere<'_>; 4] = [
        ("Object", Box::new(|_, _| object)),
        ("nowhere", Box::new(|_, _| 0x1234_5670)),
        ("itself", Box::new(|_, class| class.id)),
        (
            "a larger class",
            Box::new(|nth, class| {
                let larger: Vec<u64> = taken
                    .classes
                    .iter()
                    .filter(|c| c.size > sized[&class.super_id])
                    .map(|c| c.id)
                    .collect();
                larger[nth * 7 % larger.len()]
            }),
        ),
    ];
    // One class at a time: of many, the addresses of some objects contradict their sizes anyway.
    for (where_to, to) in &elsewhere {
        let cases: Vec<(&ClassAt, u64)> = with_instances
            .iter()
            .enumerate()
            .map(|(nth, class)| (**class, to(nth, class)))
            .collect();
        for_each_case(&cases, |scene, (class, id)| {
            let mut bytes = taken.bytes.clone();
            bytes[class.super_at..class.super_at + 8].copy_from_slice(&id.to_be_bytes());
            let path = scene.file("superclasses.hprof", &bytes);
            let outcome = scene.histo(&path).run();
            let name = String::from_utf8_lossy(taken.name(class.id));
            assert_ne!(outcome.table().sizes(), "exact", "{name} extends {where_to}: {outcome}");
        });
    }
}

/// Not exact, and no more bytes than a file of this size can stand for.
#[track_caller]
fn assert_modest(outcome: &Outcome, file: usize, what: &str) {
    let table = outcome.table();
    assert_ne!(table.sizes(), "exact", "{what}: {outcome}");
    let most = 16 * file as u64;
    assert!(table.total.shallow_bytes <= most, "{what}: {} > {most}", table.total.shallow_bytes);
}

#[test]
fn a_stack_chunk_whose_size_is_a_long_does_not_make_sizes_absurd() {
    let taken = Taken::apart(inflated("jdk25-g1-virtual-threads/1.hprof.gz"));
    let scene = Scene::new();
    let whole = scene.table(&taken.bytes);
    assert_eq!(whole.sizes(), "exact", "undamaged");
    assert!(whole.count("jdk.internal.vm.StackChunk") > 0, "there are stack chunks");
    let chunk = taken.class("jdk/internal/vm/StackChunk");
    let size = chunk.fields.iter().find(|f| taken.symbols[&f.0] == b"size").expect("a size").1;
    let mut bytes = taken.bytes.clone();
    assert_eq!(bytes[size], Type::Int.code());
    bytes[size] = Type::Long.code();
    let path = scene.file("long.hprof", &bytes);
    assert_modest(&scene.histo(&path).run(), bytes.len(), "a real dump");

    // Values that fit the class.
    for version in ["21.0.5", "25.0.1"] {
        let mut jvm = Jvm::plausible_running(Shape::COMPRESSED, version, "com.example.Main");
        let chunk = jvm
            .class("jdk/internal/vm/StackChunk")
            .field("parent", Type::Object)
            .field("size", Type::Long)
            .field("sp", Type::Int)
            .define();
        for words in [40, 0x7FFF_FFFF, 0x1_0000_0000, 0x7FFF_FFFF_FFFF, i64::MAX, -1] {
            jvm.instance(chunk, &[Value::Ref(0), Value::Long(words), Value::Int(3)]);
        }
        let bytes = jvm.write().bytes;
        let path = scene.file("long.hprof", &bytes);
        let what = format!("JDK {version}");
        assert_modest(&scene.histo(&path).run(), bytes.len(), &what);
        assert_modest(&scene.histo("-").stdin(&bytes).run(), bytes.len(), &what);
    }
}

#[test]
fn sizes_are_not_exact_when_stack_chunks_come_before_their_class() {
    let taken = Taken::apart(inflated("jdk25-g1-virtual-threads/1.hprof.gz"));
    let scene = Scene::new();
    let moved = taken.class("jdk/internal/vm/StackChunk").part;
    let mut parts: Vec<Part> =
        taken.parts.iter().filter(|p| p.start != moved.start).copied().collect();
    parts.push(moved);
    for limit in [100_000, usize::MAX] {
        let control = taken.in_segments_of(limit, &taken.parts, b"");
        assert_eq!(scene.table(&control).sizes(), "exact", "in the order of the JVM");
        let bytes = taken.in_segments_of(limit, &parts, b"");
        let path = scene.file("late.hprof", &bytes);
        for jobs in ["1", "4"] {
            let outcome = scene.histo(&path).args(["--jobs", jobs]).run();
            assert_modest(&outcome, bytes.len(), "from a file");
        }
        assert_modest(&scene.histo("-").stdin(&bytes).run(), bytes.len(), "from a pipe");
    }
}

#[test]
fn objects_of_a_class_without_a_class_dump_take_at_least_the_bytes_of_their_values() {
    let jvm = Jvm::default_heap();
    let scene = Scene::new();
    let class = 0xF000_0000;
    for lengths in [[8, 100, 3000], [3000, 100, 8], [16, 3000, 16], [0, 0, 500]] {
        let mut file = Hprof::new(Version::V102, jvm.shape.ids);
        jvm.write_symbols(&mut file);
        file.utf8(0x77, b"com/example/Undumped").load_class(900, class, 0x77);
        let mut subs = jvm.all_subs();
        let mut id = jvm.next_address();
        for length in lengths {
            subs.instance(id, class, &vec![1; length]);
            id += 16 + (length as u64).next_multiple_of(8);
        }
        file.dump(&subs, Framing::Segments(1 << 20));
        let path = scene.file("undumped.hprof", &file.bytes);
        for outcome in [scene.histo(&path).run(), scene.histo("-").stdin(&file.bytes).run()] {
            let table = outcome.table();
            let row = table.rows.get("com.example.Undumped").copied().unwrap_or_default();
            assert_eq!(row.instances, 3, "{outcome}");
            let least = lengths.iter().sum::<usize>() as u64;
            assert!(row.shallow_bytes >= least, "{} < {least}: {outcome}", row.shallow_bytes);
            assert_ne!(table.sizes(), "exact", "{lengths:?}: {outcome}");
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------
// Two dumps in a file

#[test]
fn each_of_two_appended_dumps_is_what_it_is_alone() {
    let names = ["jdk17-serial/1.hprof.gz", "jdk25-g1-virtual-threads/1.hprof.gz"];
    for pair in [names, [names[1], names[0]]] {
        let scene = Scene::new();
        let alone = pair.map(|name| scene.histo(committed(name)).run().fine());
        let both = pair.map(inflated).concat();
        let packed = pair.map(|name| fs::read(committed(name)).expect("a dump")).concat();
        let files = [
            scene.file("both.hprof", &both),
            scene.file("plain.gz", &gz::plain(&both)),
            scene.file("members.gz", &gz::jvm_style(&both).bytes),
            scene.file("cat.gz", &packed),
        ];
        for (number, alone) in ["1", "2"].into_iter().zip(&alone) {
            let args = ["--dump", number];
            let mut runs: Vec<Outcome> =
                files.iter().map(|file| scene.histo(file).args(args).run()).collect();
            runs.push(scene.histo("-").args(args).stdin(&both).run());
            runs.push(scene.histo("-").args(args).stdin(&packed).run());
            for outcome in runs {
                assert_eq!(outcome.code, 0, "{outcome}");
                let table = outcome.table();
                assert_eq!(table.json["classes"], alone.json["classes"], "classes: {outcome}");
                for key in ["jvm", "main_class", "time", "process", "sizes", "objects", "roots"] {
                    assert_eq!(
                        table.json["dump"].get(key),
                        alone.json["dump"].get(key),
                        "{key}: {outcome}"
                    );
                }
            }
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------
// Many array lengths

/// A heap with tables of three lengths, and `classes` times 30 other arrays of different class or length.
fn with_tables(classes: usize) -> Jvm {
    let mut jvm = Jvm::default_heap();
    let table = jvm.array_class("[Ljava/util/HashMap$Node;");
    for length in [5000, 8192, 9001] {
        jvm.object_array(table, &vec![0; length]);
    }
    for class in 0..classes {
        let class = jvm.array_class(&format!("[Lcom/example/C{class};"));
        for length in 0..30 {
            jvm.object_array(class, &[0; 30][..length]);
        }
    }
    jvm
}

/// Only folding of the last step can be had from a small file: the earlier ones fold long arrays only, and 2^18
/// different long arrays take gigabytes.
#[test]
fn arrays_that_did_not_change_do_not_grow_because_another_dump_has_too_many_lengths() {
    let scene = Scene::new();
    let few = scene.file("few.hprof", &with_tables(0).write().bytes);
    let many = with_tables(9000).file().time_ms(DEFAULT_TIME_MS + 3_600_000).write().bytes;
    assert!(many.len() < 150 << 20, "{}", many.len());
    let many = scene.file("many.hprof", &many);
    let outcome = scene
        .tool()
        .args(["diff", "--format", "json", "--by", "array-length", "--by", "class"])
        .args([&few, &many])
        .run();
    assert_eq!(outcome.code, 0, "{outcome}");
    let json = outcome.json();
    let rows = |table: &str, key: &str| -> Vec<Json> {
        let rows = json[table].as_array().unwrap_or_else(|| panic!("{table}: {outcome}"));
        rows.iter().filter(|row| row[key] == "java.util.HashMap$Node[]").cloned().collect()
    };
    let tables = [rows("array_lengths", "class"), rows("classes", "name")];
    for (rows, least) in tables.iter().zip([2, 1]) {
        assert!(rows.len() >= least, "rows of the unchanged arrays: {rows:?}");
        for row in rows {
            assert_eq!(row["growth_bytes"], 0, "{row}");
            assert_eq!(row["instances"][0], row["instances"][1], "{row}");
            assert_eq!(row["shallow_bytes"][0], row["shallow_bytes"][1], "{row}");
        }
        let all: u64 = rows.iter().map(|r| r["instances"][1].as_u64().expect("a count")).sum();
        assert_eq!(all, 3, "{rows:?}");
    }
    let warnings = json["comparable"]["warnings"].to_string();
    assert!(says(&warnings, &["array lengths"]), "folding is mentioned: {warnings}");
}

// ---------------------------------------------------------------------------------------------------------------
// The same words in every run

#[test]
fn a_dump_with_a_hundred_faulty_segments_has_the_same_reason_in_every_run() {
    // Threads take 8 MiB of segments at a time: a smaller file is walked by one of them.
    let mut jvm = Jvm::default_heap();
    for _ in 0..104 {
        jvm.primitive_array(Type::Byte, 700_000);
    }
    let mut file = jvm.file().framing(Framing::Segments(1 << 20)).write();
    assert!(file.len() > 64 << 20, "{}", file.len());
    let segments = file.heap_records();
    let first = segments.len() - 101;
    for (nth, segment) in segments[first..first + 100].iter().enumerate() {
        // A tag of no sub-record, another one each time.
        file.bytes[segment.body()] = 0x40 + (nth % 50) as u8;
    }
    let scene = Scene::new();
    let path = scene.file("faulty.hprof", &file.bytes);
    let one = scene.histo(&path).args(["--jobs", "1"]).run();
    let reason = one.incomplete().reason().to_owned();
    for _ in 0..20 {
        let four = scene.histo(&path).args(["--jobs", "4"]).run();
        assert_eq!(four.incomplete().reason(), reason);
        assert!(four.stdout == one.stdout, "and everything else: {four} {one}");
    }
}

// ---------------------------------------------------------------------------------------------------------------
// Records between segments

#[test]
fn records_between_segments_change_neither_thread_names_nor_the_verdict_on_liveness() {
    let mut other = vec![record::UTF8, 0, 0, 0, 0, 0, 0, 0, 14];
    other.extend(0x7777_u64.to_be_bytes());
    other.extend(b"symbol");
    for (dump, live) in [("jdk17-serial/1.hprof.gz", "yes"), ("jdk17-not-live/1.hprof.gz", "no")] {
        let taken = Taken::apart(inflated(dump));
        let scene = Scene::new();
        let info = |bytes: &[u8]| {
            let path = scene.file("info.hprof", bytes);
            let packed = scene.file("info.gz", &gz::plain(bytes));
            let runs = [&path, &packed]
                .map(|path| scene.tool().args(["info", "--format", "json"]).arg(path).run());
            runs.map(|outcome| {
                assert_eq!(outcome.code, 0, "{outcome}");
                let json = outcome.json();
                (json["threads"].clone(), json["dump"]["live"].clone())
            })
        };
        let expected = info(&taken.bytes);
        assert_eq!(expected[0].1, live, "{dump}");
        let threads = expected[0].0.as_array().expect("threads");
        assert!(threads.iter().any(|t| t["name"] == "main"), "{threads:?}");
        for limit in [3000, 50_000] {
            let plain = taken.in_segments_of(limit, &taken.parts, b"");
            let mixed = taken.in_segments_of(limit, &taken.parts, &other);
            assert_eq!(info(&plain), expected, "{dump}: segments of {limit}");
            assert_eq!(info(&mixed), expected, "{dump}: symbols between segments of {limit}");
        }
    }
}

#[test]
fn a_flood_of_empty_symbols_is_one_message_with_a_count() {
    const FLOOD: usize = 2_000_000;
    let jvm = Jvm::default_heap();
    let file = jvm.write();
    let empty = [record::UTF8, 0, 0, 0, 0, 0, 0, 0, 0].repeat(FLOOD);
    let bytes = file.with_insert(file.header_len(), &empty);
    let scene = Scene::new();
    let path = scene.file("flood.hprof", &bytes);
    let packed = scene.file("flood.gz", &gz::plain(&bytes));
    for path in [&path, &packed] {
        let limit = Duration::from_secs(10);
        let outcome = scene.histo(path).memory_limit_mib(128).timeout(limit).run();
        let table = outcome.incomplete();
        table.assert_counts(
            &jvm.histogram().into_iter().map(|(name, c)| (name, c.instances)).collect(),
            "the heap itself is whole",
        );
        let remarks = table.remarks();
        assert!(numbers(&remarks).contains(&(FLOOD as u64)), "the count: {remarks}");
        assert_eq!(remarks.matches("too short").count(), 1, "one message: {remarks}");
        assert!(remarks.len() < 2000 && outcome.stderr.len() < 2000, "{outcome}");
    }
}

// ---------------------------------------------------------------------------------------------------------------
// CSV

#[test]
fn the_last_column_of_csv_has_the_grade_and_says_incomplete() {
    let scene = Scene::new();
    let bytes = inflated("jdk17-serial/1.hprof.gz");
    let whole = scene.file("whole.hprof", &bytes);
    let cut = scene.file("cut.hprof", &bytes[..bytes.len() - 1000]);
    let estimated = {
        let jvm = Jvm::small();
        let mut subs = Subs::new(jvm.shape.ids);
        subs.append(&jvm.all_subs());
        subs.instance(jvm.next_address(), 0xF000_0000, &[0; 40]);
        let mut file = Hprof::new(Version::V102, jvm.shape.ids);
        jvm.write_symbols(&mut file);
        file.dump(&subs, Framing::One);
        scene.file("odd.hprof", &file.bytes)
    };
    for (path, complete) in [(&whole, true), (&cut, false), (&estimated, true)] {
        let json = scene.histo(path).run().table();
        assert_eq!(json.is_complete(), complete);
        let expected =
            if complete { json.sizes().to_owned() } else { format!("{} INCOMPLETE", json.sizes()) };
        for by in ["class", "array-length", "package", "loader"] {
            let args = ["histo", "--format", "csv", "--top", "5", "--by", by];
            let outcome = scene.tool().args(args).arg(path).run();
            assert_eq!(outcome.code, if complete { 0 } else { 3 }, "{outcome}");
            let text = outcome.stdout_text();
            let last: Vec<&str> =
                text.lines().map(|line| line.rsplit(',').next().unwrap_or_default()).collect();
            assert_eq!(last[0], "sizes", "{outcome}");
            assert!(last.len() > 1, "{outcome}");
            assert!(last[1..].iter().all(|l| *l == expected), "{expected:?}: {outcome}");
        }
    }
    assert_eq!(scene.histo(&whole).run().fine().sizes(), "exact");
    assert_ne!(scene.histo(&estimated).run().table().sizes(), "exact");
}
