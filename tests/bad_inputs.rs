//! Damaged, hostile and unusual inputs, one test or more for each row of the project's list of them. The number in a
//! test's name is the row.
//!
//! There are three outcomes. *Fine*: exit code 0, everything was read. *Incomplete*: what could be read is printed,
//! said to be incomplete with the byte offset, and the exit code is 3 unless `--allow-incomplete` was given.
//! *Rejected*: nothing on standard output, exit code 3, and a message with the file, the offset, the reason and what
//! to do. Whatever happens, [`support::run`] checks that the tool ends in time, that it neither panics nor dies of a
//! signal, and that it leaves no file behind.

mod support;

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use serde_json::Value as Json;
use support::Rng;
use support::gz::{self, Gz};
use support::run::{Outcome, Scene, Table, for_each_case, says};
use support::synth::{
    ClassDump, DEFAULT_TIME_MS, Framing, Hprof, IdSize, Jvm, Record, Shape, Sub, Subs, Type, Value,
    Version, record, sub,
};

// ---------------------------------------------------------------------------------------------------------------
// Dumps to damage

/// A few objects of each kind.
fn sample_of(shape: Shape) -> Jvm {
    let mut jvm = Jvm::bare(shape, "17.0.15");
    let node = jvm
        .class("com/example/Node")
        .field("next", Type::Object)
        .field("value", Type::Int)
        .define();
    let mut head = 0;
    for i in 0..6 {
        head = jvm.instance(node, &[Value::Ref(head), Value::Int(i)]);
    }
    let objects = jvm.array_class("[Ljava/lang/Object;");
    let array = jvm.object_array(objects, &[head, 0, head]);
    for length in [0, 3, 5] {
        jvm.primitive_array(Type::Int, length);
        jvm.primitive_array(Type::Long, length);
    }
    let main = jvm.class("com/example/Main").define();
    let thread = jvm.thread("main", &[("main", "([Ljava/lang/String;)V", "Main.java", main, 42)]);
    jvm.root_java_frame(head, thread, 0);
    jvm.root_jni_global(array);
    jvm
}

fn sample() -> Jvm {
    sample_of(Shape::COMPRESSED)
}

/// [`sample`] in segments of a few sub-records each.
fn segmented() -> Hprof {
    sample().file().framing(Framing::Segments(400)).write()
}

fn counts(jvm: &Jvm) -> BTreeMap<String, u64> {
    jvm.histogram().into_iter().map(|(name, count)| (name, count.instances)).collect()
}

/// The sample with sub-records added behind its own, as one HEAP_DUMP.
fn one_with(add: impl FnOnce(&Jvm, &mut Subs)) -> Hprof {
    framed_with(Framing::One, add)
}

/// The sample with sub-records added behind its own, as one segment and a HEAP_DUMP_END.
fn segments_with(add: impl FnOnce(&Jvm, &mut Subs)) -> Hprof {
    framed_with(Framing::Segments(1 << 20), add)
}

fn framed_with(framing: Framing, add: impl FnOnce(&Jvm, &mut Subs)) -> Hprof {
    let jvm = sample();
    let mut subs = jvm.all_subs();
    add(&jvm, &mut subs);
    let mut file = Hprof::new(Version::V102, jvm.shape.ids);
    jvm.write_symbols(&mut file);
    file.dump(&subs, framing);
    file
}

/// The sample with top-level records added before the dump.
fn with_records(add: impl FnOnce(&Jvm, &mut Hprof)) -> Hprof {
    let jvm = sample();
    let mut file = Hprof::new(Version::V102, jvm.shape.ids);
    jvm.write_symbols(&mut file);
    add(&jvm, &mut file);
    file.dump(&jvm.all_subs(), Framing::Segments(400));
    file
}

/// The eight bytes of values of a `com.example.Node` on a JVM with wide ids, and its int.
fn node_values() -> Vec<u8> {
    vec![0; 12]
}

fn last(records: &[Record]) -> Record {
    *records.last().expect("a record")
}

/// Writes `head`, a hole that costs no disk, and `tail`.
fn sparse(path: &Path, head: &[u8], hole: u64, tail: &[u8]) {
    let mut file = File::create(path).expect("creating a file");
    file.write_all(head).expect("writing a file");
    file.seek(SeekFrom::Current(hole as i64)).expect("seeking in a file");
    file.write_all(tail).expect("writing a file");
    let end = head.len() as u64 + hole + tail.len() as u64;
    file.set_len(end).expect("sizing a file");
}

fn full_sweep() -> bool {
    std::env::var_os("HEAPDRIFT_FULL_SWEEP").is_some()
}

// ---------------------------------------------------------------------------------------------------------------
// Rows 1-6: the header

#[test]
fn row_01_an_empty_file_is_rejected_as_empty() {
    let scene = Scene::new();
    let path = scene.file("empty.hprof", b"");
    let outcome = scene.histo(&path).run();
    assert!(says(outcome.rejected(&path), &["empty"]), "{outcome}");
    let info = scene.tool().arg("info").arg(&path).run();
    assert!(says(info.rejected(&path), &["empty"]), "{info}");
    let diff = scene.tool().arg("diff").arg(&path).arg(&path).run();
    assert!(says(diff.rejected(&path), &["empty"]), "{diff}");
}

#[test]
fn row_01_empty_standard_input_and_an_empty_gzip_file_are_rejected_as_empty() {
    let scene = Scene::new();
    let outcome = scene.histo("-").stdin(b"").run();
    assert_eq!((outcome.code, outcome.stdout.len()), (3, 0), "{outcome}");
    assert!(says(&outcome.stderr, &["empty"]), "{outcome}");
    let path = scene.file("empty.hprof.gz", &gz::plain(b""));
    let outcome = scene.histo(&path).run();
    assert!(says(outcome.rejected(&path), &["empty"]), "{outcome}");
}

#[test]
fn row_02_a_file_of_another_kind_is_rejected_by_its_name() {
    let phd = [&b"\x00\x12portable heap dump"[..], &[0; 64]].concat();
    let elf =
        [&b"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x04\x00\x3e\x00"[..], &[0; 64]]
            .concat();
    let zip = [&b"PK\x03\x04\x14\x00\x00\x00\x08\x00"[..], &[0; 64]].concat();
    let kinds: [(&str, &[u8], &[&str]); 5] = [
        ("notes.txt", b"dear diary, today the heap grew again\n", &["hprof"]),
        ("x.zip", &zip, &["zip"]),
        ("x.phd", &phd, &["phd", "portable heap dump"]),
        ("core", &elf, &["elf", "core"]),
        ("noise", &[0xA5; 5000], &["hprof"]),
    ];
    let scene = Scene::new();
    for (name, bytes, words) in kinds {
        let path = scene.file(name, bytes);
        let outcome = scene.histo(&path).run();
        assert!(says(outcome.rejected(&path), words), "{words:?}: {outcome}");
        // A name that promises a heap dump changes nothing.
        let path = scene.file("dump.hprof", bytes);
        let outcome = scene.histo(&path).run();
        assert!(says(outcome.rejected(&path), words), "{words:?}: {outcome}");
    }
}

#[test]
fn row_03_a_header_cut_at_any_byte_is_rejected() {
    let file = segmented();
    let cuts: Vec<usize> = (1..file.header_len()).collect();
    for_each_case(&cuts, |scene, &cut| {
        let path = scene.file("cut.hprof", &file.cut(cut));
        scene.histo(&path).run().rejected(&path);
        let path = scene.file("cut.hprof.gz", &gz::plain(&file.cut(cut)));
        scene.histo(&path).run().rejected(&path);
    });
}

#[test]
fn row_04_a_magic_without_an_end_is_rejected_without_reading_on() {
    let scene = Scene::new();
    let endless = [b"JAVA PROFILE 1.0.2".to_vec(), vec![b'2'; 8 << 20]].concat();
    for bytes in [&endless[..], &vec![b'A'; 8 << 20], &endless[..64], &endless[..65]] {
        let path = scene.file("endless.hprof", bytes);
        let outcome = scene.histo(&path).memory_limit_mib(64).run();
        outcome.rejected(&path);
        assert!(
            outcome.stderr.len() < 4000,
            "the magic is not printed whole: {}",
            outcome.stderr.len()
        );
    }
    // The NUL is there, but far behind any magic.
    let mut late = segmented().bytes;
    late.splice(18..18, vec![b' '; 100]);
    let path = scene.file("late.hprof", &late);
    scene.histo(&path).run().rejected(&path);
}

#[test]
fn row_05_an_unknown_version_is_rejected_unless_forced() {
    let jvm = sample();
    let scene = Scene::new();
    for magic in ["JAVA PROFILE 1.0.4", "JAVA PROFILE 2.0.0", "JAVA PROFILE 1.0.30"] {
        let mut file = Hprof::with_header(magic, 8, DEFAULT_TIME_MS, IdSize::Eight);
        jvm.write_symbols(&mut file);
        file.dump(&jvm.all_subs(), Framing::Segments(400));
        let path = scene.file("future.hprof", &file.bytes);
        let outcome = scene.histo(&path).run();
        let message = outcome.rejected(&path);
        let version = magic.rsplit(' ').next().expect("a version");
        assert!(says(message, &[version]), "the version is named: {outcome}");
        assert!(says(message, &["--force"]), "the remedy is named: {outcome}");
        let forced = scene.histo(&path).arg("--force").run().fine();
        forced.assert_counts(&counts(&jvm), magic);
    }
}

#[test]
fn row_06_an_id_size_other_than_4_and_8_is_rejected() {
    let jvm = sample();
    let scene = Scene::new();
    for id_size in [0, 1, 2, 3, 5, 7, 16, 0x0800_0000, u32::MAX] {
        let mut file =
            Hprof::with_header("JAVA PROFILE 1.0.2", id_size, DEFAULT_TIME_MS, IdSize::Eight);
        jvm.write_symbols(&mut file);
        file.dump(&jvm.all_subs(), Framing::Segments(400));
        let path = scene.file("ids.hprof", &file.bytes);
        let outcome = scene.histo(&path).memory_limit_mib(64).run();
        let message = outcome.rejected(&path);
        assert!(says(message, &["at byte 19"]), "where: {outcome}");
        assert!(says(message, &[&id_size.to_string()]), "what: {outcome}");
    }
}

// ---------------------------------------------------------------------------------------------------------------
// Rows 7-21: cut, holed, wrongly framed

#[test]
fn row_07_a_cut_inside_a_record_header_keeps_everything_before() {
    let file = segmented();
    let segments = file.heap_records();
    let mut cuts = Vec::new();
    for record in [
        file.records[0],
        file.first(record::LOAD_CLASS),
        file.first(record::TRACE),
        segments[0],
        segments[segments.len() / 2],
        last(&segments),
        file.first(record::HEAP_DUMP_END),
    ] {
        cuts.extend((1..=8).map(|bytes| (record, record.start + bytes)));
    }
    for_each_case(&cuts, |scene, &(record, cut)| {
        let path = scene.file("cut.hprof", &file.cut(cut));
        let table = scene.histo(&path).run().incomplete();
        table.assert_counts(&file.rows_before(cut), &format!("cut at {cut}"));
        table.assert_names(&[record.start, cut]);
    });
    Scene::new().incomplete(&file.cut(segments[1].start + 4));
}

/// The offsets that a message about a file cut at `cut` may name: where the last whole thing ended, where the
/// interrupted one began, or where the file ends.
fn offsets_of_cut(file: &Hprof, cut: usize) -> Vec<usize> {
    let mut offsets = vec![cut];
    offsets.extend(file.records.iter().filter(|r| r.start < cut && cut <= r.end).map(|r| r.start));
    offsets.extend(file.subs.iter().filter(|s| s.start < cut && cut <= s.end).map(|s| s.start));
    offsets
}

fn cut_at_every_byte_of_the_heap(file: &Hprof) {
    let start = file.heap_records()[0].body();
    let cuts: Vec<usize> = (start..file.len()).collect();
    let whole = Scene::new().table(&file.bytes);
    whole.assert_counts(&file.rows_before(file.len()), "not cut");
    for_each_case(&cuts, |scene, &cut| {
        let path = scene.file("cut.hprof", &file.cut(cut));
        let table = scene.histo(&path).run().incomplete();
        let what = format!("cut at {cut}");
        table.assert_counts(&file.rows_before(cut), &what);
        table.assert_within(&whole, &what);
        table.assert_names(&offsets_of_cut(file, cut));
    });
}

#[test]
fn row_08_cut_inside_a_sub_record_at_every_byte_keeps_everything_before() {
    cut_at_every_byte_of_the_heap(&sample_of(Shape::NARROW).file().framing(Framing::One).write());
}

#[test]
fn row_08_cut_inside_a_segment_at_every_byte_keeps_everything_before() {
    cut_at_every_byte_of_the_heap(
        &sample_of(Shape::NARROW).file().framing(Framing::Segments(150)).write(),
    );
}

/// A dump, and where to cut it in the middle of an object.
fn cut_in_the_middle() -> (Hprof, usize) {
    let file = sample().file().framing(Framing::One).write();
    let middle = file.subs[file.subs.len() / 2].start + 3;
    (file, middle)
}

#[test]
fn row_08_a_cut_dump_is_incomplete_from_standard_input_as_from_a_file() {
    let (file, middle) = cut_in_the_middle();
    let scene = Scene::new();
    let table = scene.incomplete(&file.cut(middle));
    table.assert_counts(&file.rows_before(middle), "cut in the middle");
    let piped = scene.histo("-").stdin(&file.cut(middle)).run().incomplete();
    assert_eq!(piped.rows, table.rows);
    assert_eq!(piped.reason(), table.reason());
}

#[test]
fn row_08_info_says_that_a_cut_dump_is_incomplete() {
    let (file, middle) = cut_in_the_middle();
    let scene = Scene::new();
    let cut = scene.file("cut.hprof", &file.cut(middle));
    let json = scene.tool().args(["info", "--format", "json"]).arg(&cut).run();
    assert_eq!(json.code, 3, "{json}");
    let text = scene.tool().arg("info").arg(&cut).run();
    assert_eq!(text.code, 3, "{text}");
    assert!(text.stdout_text().contains("INCOMPLETE"), "{text}");
}

#[test]
fn row_08_diff_takes_a_cut_dump_only_when_allowed_and_says_so() {
    let (file, middle) = cut_in_the_middle();
    let scene = Scene::new();
    let cut = scene.file("cut.hprof", &file.cut(middle));
    let whole = scene.file("whole.hprof", &file.bytes);
    let diff = || scene.tool().args(["diff", "--format", "json"]).arg(&whole).arg(&cut);
    let strict = diff().run();
    assert_eq!(strict.code, 3, "{strict}");
    let allowed = diff().arg("--allow-incomplete").run();
    assert_eq!(allowed.code, 0, "{allowed}");
    let dumps = &allowed.json()["dumps"];
    let complete = (&dumps[0]["complete"], &dumps[1]["complete"]);
    assert_eq!(complete, (&Json::Bool(true), &Json::Bool(false)));
    let text = scene.tool().arg("diff").arg("--allow-incomplete").arg(&whole).arg(&cut).run();
    assert!(text.stdout_text().contains("INCOMPLETE"), "{text}");
}

#[test]
fn row_09_truncated_before_any_class_dump_gives_an_empty_and_incomplete_table() {
    let file = segmented();
    let first = file.heap_records()[0];
    let cuts = [
        file.header_len(),
        file.first(record::LOAD_CLASS).start,
        file.first(record::TRACE).start,
        first.start,
        first.body(),
        first.body() + 1,
        first.body() + 20,
    ];
    for cut in cuts {
        let table = Scene::new().incomplete(&file.cut(cut));
        assert_eq!(table.total.instances, 0, "cut at {cut}");
        table.assert_names(&offsets_of_cut(&file, cut));
    }
}

#[test]
fn row_10_segments_without_an_end_record_are_incomplete_but_all_counted() {
    let jvm = sample();
    let file = jvm.file().framing(Framing::SegmentsWithoutEnd(400)).write();
    let table = Scene::new().incomplete(&file.bytes);
    table.assert_counts(&counts(&jvm), "all there");
    table.assert_names(&[file.len(), last(&file.records).start]);
    table.assert_says(&["end"]);
}

#[test]
fn row_10_a_single_heap_dump_record_needs_no_end_record() {
    let jvm = sample();
    for version in [Version::V101, Version::V102] {
        let file = jvm.file().version(version).framing(Framing::One).write();
        let table = Scene::new().table(&file.bytes);
        table.assert_counts(&counts(&jvm), version.magic());
        assert!(table.warnings().is_empty(), "{:?}", table.warnings());
    }
}

#[test]
fn row_11_a_heap_dump_of_length_zero_is_read_to_the_end_of_the_file() {
    let jvm = sample();
    let file = jvm.file().framing(Framing::One).write();
    let record = file.first(record::HEAP_DUMP);
    let bytes = file.with_u4(record.length_at(), 0);
    let table = Scene::new().incomplete(&bytes);
    table.assert_counts(&counts(&jvm), "all of it");
    table.assert_names(&[record.start, record.length_at(), bytes.len()]);

    let middle = file.subs[file.subs.len() / 2].end - 1;
    let table = Scene::new().incomplete(&bytes[..middle]);
    table.assert_counts(&file.rows_before(middle), "and cut");
}

#[test]
fn row_11_a_last_segment_of_length_zero_is_read_to_the_end_of_the_file() {
    let jvm = sample();
    let file = jvm.file().framing(Framing::SegmentsWithoutEnd(400)).write();
    let segments = file.heap_records();
    for record in [last(&segments), segments[segments.len() - 2]] {
        let bytes = file.with_u4(record.length_at(), 0);
        let bytes = &bytes[..record.end];
        let table = Scene::new().incomplete(bytes);
        table.assert_counts(&file.rows_before(record.end), "all of it");
    }
    // The very first one.
    let file = jvm.file().framing(Framing::SegmentsWithoutEnd(1 << 20)).write();
    let bytes = file.with_u4(file.heap_records()[0].length_at(), 0);
    Scene::new().incomplete(&bytes).assert_counts(&counts(&jvm), "one segment");
}

/// A HEAP_DUMP of more than 4 GiB whose length field holds the low 32 bits.
fn wrapped(scene: &Scene, after: &[u8]) -> (PathBuf, BTreeMap<String, u64>) {
    let jvm = sample();
    let mut head = Hprof::new(Version::V101, jvm.shape.ids);
    jvm.write_symbols(&mut head);
    let elements = (1_u32 << 29) + 7;
    let id = jvm.next_address();
    let hole = u64::from(elements) * 8;
    let mut before = jvm.class_subs();
    before.primitive_array_claiming(id, Type::Long.code(), elements, &[]);
    let mut behind = jvm.object_subs();
    behind.append(&jvm.root_subs());
    // The objects behind the large array have lower addresses: order is not part of the format.
    let length = before.bytes.len() as u64 + hole + behind.bytes.len() as u64;
    assert!(length > 1 << 32, "it wraps");
    head.heap_dump(&before);
    let record = head.first(record::HEAP_DUMP);
    let head = head.with_u4(record.length_at(), length as u32);
    let path = scene.path("wrapped.hprof");
    sparse(&path, &head, hole, &[&behind.bytes, after].concat());
    let mut expected = counts(&jvm);
    *expected.entry("long[]".to_owned()).or_default() += 1;
    (path, expected)
}

#[test]
fn row_12_a_length_wrapped_at_4_gib_is_repaired_and_said_to_be() {
    let scene = Scene::new();
    let (path, expected) = wrapped(&scene, b"");
    let table = scene.histo(&path).memory_limit_mib(256).run().fine();
    table.assert_counts(&expected, "everything behind the large array too");
    table.assert_says(&["repaired"]);
}

#[test]
fn row_12_a_wrapped_length_with_records_behind_the_dump_is_repaired() {
    let scene = Scene::new();
    let mut after = Hprof::new(Version::V101, IdSize::Eight);
    let start = after.len();
    after.heap_summary(1, 2).end_thread(1);
    let (path, expected) = wrapped(&scene, &after.bytes[start..]);
    let table = scene.histo(&path).memory_limit_mib(256).run().fine();
    table.assert_counts(&expected, "everything behind the large array too");
    table.assert_says(&["repaired"]);
}

#[test]
fn row_12_a_length_that_only_looks_wrapped_is_not_repaired() {
    // 2^32 bytes are missing, but the sub-records do not fill what is there.
    let file = one_with(|_, _| ());
    let record = file.first(record::HEAP_DUMP);
    let wrong = (record.end - record.body() - 5) as u32;
    let scene = Scene::new();
    let path = scene.file("wrong.hprof", &file.with_u4(record.length_at(), wrong));
    let outcome = scene.histo(&path).run();
    assert_eq!(outcome.code, 3, "{outcome}");
}

#[test]
fn row_13_an_empty_segment_is_accepted_anywhere() {
    let jvm = sample();
    let file = jvm.file().framing(Framing::Segments(400)).write();
    let segments = file.heap_records();
    let empty = [record::HEAP_DUMP_SEGMENT, 0, 0, 0, 0, 0, 0, 0, 0];
    let scene = Scene::new();
    let whole = scene.table(&file.bytes);
    for at in [segments[0].start, segments[1].start, last(&segments).start, last(&segments).end] {
        let table = scene.table(&file.with_insert(at, &empty));
        assert_eq!(table.rows, whole.rows, "an empty segment at {at}");
        let table = scene.table(&file.with_insert(at, &[empty, empty].concat()));
        assert_eq!(table.rows, whole.rows, "two empty segments at {at}");
    }
}

#[test]
fn row_13_a_segment_of_length_zero_that_begins_with_a_root_is_not_taken_for_an_empty_one() {
    // The root's tag, 1, is also the tag of a UTF8 record.
    let jvm = sample();
    let mut subs = Subs::new(jvm.shape.ids);
    subs.root_jni_global(jvm.shape.base, 0x1000);
    subs.append(&jvm.all_subs());
    let mut file = Hprof::new(Version::V102, jvm.shape.ids);
    jvm.write_symbols(&mut file);
    file.segment(&subs);
    let bytes = file.with_u4(file.heap_records()[0].length_at(), 0);
    Scene::new().incomplete(&bytes);
}

#[test]
fn row_14_a_length_that_points_past_the_end_is_clipped() {
    let jvm = sample();
    let scene = Scene::new();
    for (framing, tag) in [
        (Framing::One, record::HEAP_DUMP),
        (Framing::SegmentsWithoutEnd(400), record::HEAP_DUMP_SEGMENT),
    ] {
        let file = jvm.file().framing(framing).write();
        let record = last(&file.all(tag));
        let length = (record.end - record.body()) as u32;
        for extra in [1, 9, 1000, 1 << 20, i32::MAX as u32 - length, u32::MAX - length] {
            let table = scene.incomplete(&file.with_u4(record.length_at(), length + extra));
            table.assert_counts(&counts(&jvm), "all that is there");
            table.assert_names(&[record.start, record.length_at(), record.body(), file.len()]);
        }
    }
}

#[test]
fn row_14_a_symbol_whose_length_points_past_the_end_is_incomplete() {
    let file = segmented();
    for record in [file.records[3], file.first(record::LOAD_CLASS), file.first(record::TRACE)] {
        let table = Scene::new().incomplete(&file.with_u4(record.length_at(), 0x7FFF_FFFF));
        assert_eq!(table.total.instances, 0);
        table.assert_names(&[record.start, record.length_at(), record.body(), file.len()]);
    }
}

/// The sample in two segments, cut in the middle of a sub-record.
fn straddling() -> (Hprof, usize, BTreeMap<String, u64>) {
    let jvm = sample();
    let subs = jvm.all_subs();
    let straddler =
        subs.subs.iter().rev().find(|s| s.tag == sub::INSTANCE_DUMP).expect("an instance");
    let middle = straddler.start + 10;
    let mut file = Hprof::new(Version::V102, jvm.shape.ids);
    jvm.write_symbols(&mut file);
    file.raw_record(record::HEAP_DUMP_SEGMENT, &subs.bytes[..middle]);
    let start = last(&file.records).body() + straddler.start;
    file.raw_record(record::HEAP_DUMP_SEGMENT, &subs.bytes[middle..]);
    file.heap_dump_end();
    (file, start, counts(&jvm))
}

#[test]
fn row_15_a_sub_record_that_crosses_the_end_of_its_segment_is_rejected() {
    let (file, start, _) = straddling();
    let scene = Scene::new();
    let path = scene.file("straddle.hprof", &file.bytes);
    let outcome = scene.histo(&path).run();
    let message = outcome.rejected(&path);
    let end = file.heap_records()[0].end;
    assert!(support::run::names_one_of(message, &[start, end]), "{start} or {end}: {outcome}");
}

#[test]
fn row_15_a_straddling_sub_record_is_streamed_on_when_forced_and_mentioned() {
    let (file, _, expected) = straddling();
    let scene = Scene::new();
    let path = scene.file("straddle.hprof", &file.bytes);
    let outcome = scene.histo(&path).args(["--force", "--allow-incomplete"]).run();
    assert_eq!(outcome.code, 0, "{outcome}");
    let table = outcome.table();
    table.assert_counts(&expected, "everything on both sides");
    table.assert_says(&["segment"]);
}

#[test]
fn row_16_slack_at_the_end_of_a_segment_is_reported_and_skipped() {
    let jvm = sample();
    let file = jvm.file().framing(Framing::Segments(400)).write();
    let segment = file.heap_records()[1];
    for (byte, len) in [(0, 1), (0, 5), (0, 100), (0xEE, 1), (0xEE, 7)] {
        let mut bytes = file.with_insert(segment.end, &vec![byte; len]);
        let length = (segment.end - segment.body() + len) as u32;
        bytes[segment.length_at()..segment.body()].copy_from_slice(&length.to_be_bytes());
        let scene = Scene::new();
        let path = scene.file("slack.hprof", &bytes);
        let outcome = scene.histo(&path).run();
        let table = outcome.table();
        table.assert_counts(&counts(&jvm), &format!("{len} bytes of {byte:#x}"));
        table.assert_names(&[segment.end]);
        assert_eq!(outcome.code, if table.is_complete() { 0 } else { 3 }, "{outcome}");
    }
}

#[test]
fn row_17_an_unknown_sub_record_stops_its_segment_and_no_other() {
    let file = segmented();
    let segments = file.heap_records();
    for (tag, segment) in [(0x55, 2), (0x99, segments.len() / 2), (0x24, segments.len() - 1)] {
        let in_segment: Vec<&Sub> = subs_of(&file, segments[segment]);
        let at = in_segment[in_segment.len() / 2].start;
        let bytes = file.with_bytes(at, &[tag]);
        let table = Scene::new().incomplete(&bytes);
        let lost = |s: &Sub| s.start >= at && s.end <= segments[segment].end;
        table.assert_counts(&rows_without(&file, lost), &format!("tag {tag:#x} at {at}"));
        table.assert_names(&[at]);
        table.assert_says(&[&format!("{tag:#x}"), &format!("{tag:#X}"), &format!("{tag:02x}")]);
    }
}

#[test]
fn row_17_an_unknown_sub_record_in_a_single_heap_dump_keeps_everything_before() {
    let file = one_with(|_, _| ());
    for index in [0, 1, file.subs.len() / 2, file.subs.len() - 1] {
        let at = file.subs[index].start;
        let table = Scene::new().incomplete(&file.with_bytes(at, &[0x7E]));
        table.assert_counts(&file.rows_before(at), &format!("at {at}"));
        table.assert_names(&[at]);
    }
}

fn subs_of(file: &Hprof, record: Record) -> Vec<&Sub> {
    file.subs.iter().filter(|s| record.start < s.start && s.end <= record.end).collect()
}

/// The rows when some sub-records are not counted.
fn rows_without(file: &Hprof, lost: impl Fn(&Sub) -> bool) -> BTreeMap<String, u64> {
    let mut rows = BTreeMap::new();
    for row in file.subs.iter().filter(|s| !lost(s)).filter_map(|s| s.row.as_ref()) {
        *rows.entry(row.to_string()).or_insert(0) += 1;
    }
    rows
}

#[test]
fn row_18_an_unknown_record_is_skipped_by_its_length_and_counted() {
    let jvm = sample();
    let file = jvm.file().framing(Framing::Segments(400)).write();
    let unknown = [&[0x77, 0, 0, 0, 0, 0, 0, 0, 12][..], &[0xAB; 12]].concat();
    for at in [file.header_len(), file.heap_records()[0].start, file.heap_records()[1].start] {
        let table = Scene::new().table(&file.with_insert(at, &unknown));
        table.assert_counts(&counts(&jvm), &format!("unknown record at {at}"));
        table.assert_says(&["0x77"]);
    }
}

#[test]
fn row_18_an_unknown_record_with_an_insane_length_is_incomplete() {
    let file = segmented();
    let unknown = [0x77, 0, 0, 0, 0, 0x7F, 0xFF, 0xFF, 0xFF];
    let at = file.heap_records()[2].start;
    let table = Scene::new().incomplete(&file.with_insert(at, &unknown));
    table.assert_counts(&file.rows_before(at), "everything before");
    table.assert_names(&[at, at + 5, at + 9, file.len() + 9]);
}

#[test]
fn row_18_many_unknown_records_are_suspect() {
    let file = segmented();
    let unknown: Vec<u8> =
        (0..2000_u32).flat_map(|i| [0x40 + (i % 150) as u8, 0, 0, 0, 0, 0, 0, 0, 0]).collect();
    let scene = Scene::new();
    let path =
        scene.file("unknown.hprof", &file.with_insert(file.heap_records()[1].start, &unknown));
    let outcome = scene.histo(&path).run();
    let table = outcome.table();
    table.assert_within(&scene.table(&file.bytes), "unknown records add nothing");
    assert!(!table.remarks().is_empty(), "{outcome}");
    assert!(table.remarks().len() < 5000, "and is not a line for each: {outcome}");
}

#[test]
fn row_19_a_zero_tail_is_measured() {
    let file = segmented();
    let scene = Scene::new();
    let segments = file.heap_records();
    for at in [segments[0].start, segments[segments.len() / 2].start, last(&segments).end] {
        for len in [9, 10, 4096, 100_003] {
            let table = scene.incomplete(&[file.cut(at), vec![0; len]].concat());
            table.assert_counts(&file.rows_before(at), &format!("{len} zeros at {at}"));
            table.assert_names(&[at]);
            table.assert_names(&[len]);
            table.assert_says(&["zero"]);
        }
    }
}

#[test]
fn row_19_a_large_sparse_zero_tail_takes_no_time() {
    let scene = Scene::new();
    let path = scene.path("sparse.hprof");
    let file = segmented();
    let at = last(&file.heap_records()).end;
    sparse(&path, &file.cut(at), 256 << 20, b"");
    let table = scene.histo(&path).memory_limit_mib(128).run().incomplete();
    table.assert_counts(&file.rows_before(at), "zeros");
    table.assert_names(&[256 << 20]);
}

#[test]
fn row_19_zeros_behind_the_end_record_are_reported() {
    let jvm = sample();
    let file = jvm.file().framing(Framing::Segments(400)).write();
    for len in [9, 4096] {
        let scene = Scene::new();
        let path = scene.file("tail.hprof", &[file.cut(file.len()), vec![0; len]].concat());
        let outcome = scene.histo(&path).run();
        let table = outcome.table();
        table.assert_counts(&counts(&jvm), "all there");
        table.assert_says(&["zero"]);
        table.assert_names(&[len]);
        assert_eq!(outcome.code, if table.is_complete() { 0 } else { 3 }, "{outcome}");
    }
}

#[test]
fn row_19_zeros_from_the_middle_of_a_segment_to_the_end_are_incomplete() {
    let file = segmented();
    for index in [1, file.subs.len() / 2, file.subs.len() - 2] {
        let at = file.subs[index].start;
        let table = Scene::new().incomplete(&file.with_bytes(at, &vec![0; file.len() - at]));
        table.assert_counts(&file.rows_before(at), &format!("zeros from {at}"));
        table.assert_names(&[at]);
    }
}

#[test]
fn row_20_a_zero_hole_inside_a_segment_loses_the_rest_of_it_and_says_so() {
    let file = sample().file().framing(Framing::Segments(700)).write();
    let segment = file.heap_records()[1];
    let subs = subs_of(&file, segment);
    let at = subs[1].start;
    let hole = (segment.end - at) / 2;
    let table = Scene::new().incomplete(&file.with_bytes(at, &vec![0; hole]));
    let lost = |s: &Sub| s.start >= at && s.end <= segment.end;
    table.assert_counts(&rows_without(&file, lost), "what lies in other segments");
    table.assert_names(&[at]);
    table.assert_names(&[segment.end - at]);
}

#[test]
fn row_20_a_zero_hole_over_several_segments_is_incomplete() {
    let file = Jvm::default_heap().file().framing(Framing::Segments(700)).write();
    let scene = Scene::new();
    let whole = scene.table(&file.bytes);
    let segments = file.heap_records();
    for (first, hole) in [(0, 4096), (segments.len() / 3, 4096), (segments.len() / 2, 8192)] {
        let at = subs_of(&file, segments[first])[0].start;
        let table = scene.incomplete(&file.with_bytes(at, &vec![0; hole]));
        table.assert_within(&whole, &format!("{hole} zeros at {at}"));
        for (name, count) in file.rows_before(at) {
            assert!(table.count(&name) >= count, "{name} before the hole at {at} is kept");
        }
        table.assert_names(&[at]);
    }
}

/// A file that takes the tool a moment to read: one segment of many small instances.
fn lengthy(instances: u64) -> Hprof {
    let row = "com.example.Node".into();
    segments_with(|jvm, subs| {
        let class = jvm.known("com/example/Node").id;
        for i in 0..instances {
            subs.instance(jvm.next_address() + 24 * i, class, &node_values()).in_row(&row);
        }
    })
}

/// Calls `step` again and again while the tool runs, and returns how it ended.
fn meanwhile(call: support::run::Call<'_>, mut step: impl FnMut() + Send) -> Outcome {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                step();
                thread::sleep(Duration::from_micros(200));
            }
        });
        thread::sleep(Duration::from_millis(3));
        let outcome = call.run();
        done.store(true, Ordering::Relaxed);
        outcome
    })
}

#[test]
fn row_21_a_file_that_grows_while_it_is_read_is_noticed_and_not_read_past_its_first_size() {
    let file = lengthy(500_000);
    let scene = Scene::new();
    let path = scene.file("growing.hprof", &file.bytes);
    let mut writer = OpenOptions::new().append(true).open(&path).expect("opening a dump");
    // Whole, harmless records: only the growth itself can be noticed.
    let mut more = Hprof::new(Version::V102, IdSize::Eight);
    let start = more.len();
    more.utf8(1, b"more");
    let outcome = meanwhile(scene.histo(&path), || {
        writer.write_all(&more.bytes[start..]).expect("appending to a dump");
    });
    assert_eq!(outcome.code, 3, "{outcome}");
    let words = ["written", "writing", "grew", "grow", "chang"];
    if outcome.stdout.is_empty() {
        assert!(says(outcome.rejected(&path), &words), "{outcome}");
    } else {
        let table = outcome.incomplete();
        table.assert_says(&words);
        assert!(table.total.instances <= file.rows_before(file.len()).values().sum());
    }
}

#[test]
fn row_21_a_file_whose_modification_time_moves_while_it_is_read_is_noticed() {
    let file = lengthy(500_000);
    let scene = Scene::new();
    let path = scene.file("touched.hprof", &file.bytes);
    let toucher = OpenOptions::new().write(true).open(&path).expect("opening a dump");
    let mut seconds = 1;
    let outcome = meanwhile(scene.histo(&path), || {
        seconds += 1;
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds);
        toucher.set_modified(time).expect("touching a dump");
    });
    assert_eq!(outcome.code, 3, "{outcome}");
    let text = format!("{}{}", outcome.stdout_text(), outcome.stderr);
    assert!(says(&text, &["written", "writing", "chang", "modif"]), "{outcome}");
}

#[test]
fn row_21_a_dump_that_is_still_being_written_never_passes_as_whole() {
    let file = lengthy(100_000);
    let full: u64 = file.rows_before(file.len()).values().sum();
    let scene = Scene::new();
    for round in 0..6_u64 {
        let path = scene.file("writing.hprof", &file.bytes[..file.len() / 8]);
        let mut writer = OpenOptions::new().append(true).open(&path).expect("opening a dump");
        let mut rest = file.bytes[file.len() / 8..].chunks(64 << 10 << round);
        let outcome = meanwhile(scene.histo(&path), || {
            if let Some(chunk) = rest.next() {
                writer.write_all(chunk).expect("appending to a dump");
            }
        });
        assert!(matches!(outcome.code, 0 | 3), "{outcome}");
        if outcome.code == 0 {
            assert_eq!(outcome.fine().total.instances, full, "{outcome}");
        } else if !outcome.stdout.is_empty() {
            assert!(outcome.incomplete().total.instances <= full);
        }
    }
}

#[test]
fn row_21_a_file_that_shrinks_while_it_is_read_does_not_kill_the_tool() {
    let file = lengthy(400_000);
    let full: u64 = file.rows_before(file.len()).values().sum();
    for (round, delay) in
        [0, 1, 2, 3, 5, 8, 12, 18, 25, 40, 60, 90, 130, 200].into_iter().enumerate()
    {
        let scene = Scene::new();
        let path = scene.file("shrinking.hprof", &file.bytes);
        let victim = OpenOptions::new().write(true).open(&path).expect("opening a dump");
        let rest = [0, 100, file.len() as u64 / 3, 4096 * 50][round % 4];
        let outcome = thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(delay));
                victim.set_len(rest).expect("truncating a dump");
            });
            scene.histo(&path).run()
        });
        assert!(matches!(outcome.code, 0 | 3), "{outcome}");
        if outcome.code == 0 {
            assert_eq!(outcome.fine().total.instances, full, "cut to {rest} after {delay} ms");
        } else if !outcome.stdout.is_empty() {
            assert!(outcome.incomplete().total.instances <= full, "cut to {rest} after {delay} ms");
        }
    }
}

#[test]
fn row_21_parts_of_a_parallel_dump_beside_the_file_are_pointed_out() {
    let jvm = sample();
    let scene = Scene::new();
    // Only the header and the symbols are in the base file yet.
    let file = jvm.file().framing(Framing::Segments(400)).write();
    let path = scene.file("parallel.hprof", &file.cut(file.heap_records()[0].start));
    scene.file("parallel.hprof.p0", &file.bytes[file.heap_records()[0].start..]);
    scene.file("parallel.hprof.p1", b"");
    let outcome = scene.histo(&path).run();
    assert_eq!(outcome.code, 3, "{outcome}");
    let text = format!("{}{}", outcome.stdout_text(), outcome.stderr);
    assert!(says(&text, &[".p0"]), "{outcome}");
}

// ---------------------------------------------------------------------------------------------------------------
// Rows 22-38: what the records say

#[test]
fn row_22_a_symbol_shorter_than_an_id_is_refused_and_the_rest_is_read() {
    for len in 0..8 {
        let mut at = 0;
        let file = with_records(|_, file| {
            at = file.len();
            file.raw_record(record::UTF8, &vec![1; len]);
        });
        let scene = Scene::new();
        let path = scene.file("short.hprof", &file.bytes);
        let outcome = scene.histo(&path).run();
        let table = outcome.table();
        table.assert_counts(&counts(&sample()), &format!("a symbol of {len} bytes"));
        table.assert_names(&[at, at + 9]);
        // A lost symbol may be a lost name: either verdict will do, when it is said.
        assert_eq!(outcome.code, if table.is_complete() { 0 } else { 3 }, "{outcome}");
    }
}

#[test]
fn row_23_an_array_that_claims_more_than_there_is_counts_as_a_truncation() {
    let lengths =
        [1 << 20, 0x1FFF_FFFF, 0x2000_0000, 0x2000_0001, 0x7FFF_FFFF, 0x8000_0000, u32::MAX];
    for length in lengths {
        for kind in [Type::Object, Type::Byte, Type::Long] {
            let file = one_with(|jvm, subs| {
                let id = jvm.next_address();
                match kind {
                    Type::Object => {
                        let class = jvm.known("[Ljava/lang/Object;").id;
                        subs.object_array_claiming(id, class, length, &[0])
                    }
                    _ => subs.primitive_array_claiming(id, kind.code(), length, &[0; 8]),
                };
            });
            let scene = Scene::new();
            let path = scene.file("huge.hprof", &file.bytes);
            let table = scene.histo(&path).memory_limit_mib(64).run().incomplete();
            let what = format!("{kind:?}[{length}]");
            table.assert_counts(&counts(&sample()), &what);
            table.assert_names(&[file.subs[file.subs.len() - 1].start, file.len()]);
        }
    }
}

#[test]
fn row_23_an_array_that_claims_more_than_its_segment_never_passes_as_whole() {
    for length in [100, 0x2000_0001, u32::MAX] {
        let file = with_records(|jvm, file| {
            let mut subs = Subs::new(jvm.shape.ids);
            subs.primitive_array_claiming(jvm.next_address(), Type::Long.code(), length, &[0; 8]);
            file.segment(&subs);
        });
        let scene = Scene::new();
        let path = scene.file("huge.hprof", &file.bytes);
        let outcome = scene.histo(&path).memory_limit_mib(64).run();
        assert_eq!(outcome.code, 3, "{outcome}");
        let outcome = scene.histo(&path).arg("--allow-incomplete").memory_limit_mib(64).run();
        assert_eq!(outcome.code, 0, "{outcome}");
        assert!(!outcome.table().is_complete(), "{outcome}");
    }
}

#[test]
fn row_24_an_instance_that_claims_2_gib_or_more_counts_as_a_truncation() {
    for length in [1000, 0x7FFF_FFFF, 0x8000_0000, 0x8000_0010, 0xFFFF_FFFF] {
        let file = one_with(|jvm, subs| {
            let class = jvm.known("com/example/Node").id;
            subs.instance_claiming(jvm.next_address(), class, length, &node_values());
        });
        let scene = Scene::new();
        let path = scene.file("huge.hprof", &file.bytes);
        let table = scene.histo(&path).memory_limit_mib(64).run().incomplete();
        table.assert_counts(&counts(&sample()), &format!("{length} bytes"));
        table.assert_names(&[file.subs[file.subs.len() - 1].start, file.len()]);
    }
}

#[test]
fn row_24_an_instance_that_really_has_more_than_2_gib_is_stepped_over() {
    let jvm = sample();
    let node = jvm.known("com/example/Node").id;
    let length = 0x8000_0010_u32;
    let mut head = Hprof::new(Version::V102, jvm.shape.ids);
    jvm.write_symbols(&mut head);
    let mut before = jvm.all_subs();
    before.instance_claiming(jvm.next_address(), node, length, &[]);
    let mut behind = Subs::new(jvm.shape.ids);
    behind.instance(jvm.next_address() + (1 << 32), node, &node_values());
    head.segment(&before);
    let record = head.heap_records()[0];
    let body = before.bytes.len() as u64 + u64::from(length) + behind.bytes.len() as u64;
    let head = head.with_u4(record.length_at(), u32::try_from(body).expect("a length"));
    behind.raw(&[record::HEAP_DUMP_END, 0, 0, 0, 0, 0, 0, 0, 0]);
    let scene = Scene::new();
    let path = scene.path("huge.hprof");
    sparse(&path, &head, u64::from(length), &behind.bytes);
    let outcome = scene.histo(&path).memory_limit_mib(128).run();
    let table = outcome.table();
    let mut expected = counts(&jvm);
    *expected.get_mut("com.example.Node").expect("a row") += 2;
    table.assert_counts(&expected, "the instance behind it too");
    assert!(!table.remarks().is_empty(), "its length does not fit its class: {outcome}");
}

#[test]
fn row_25_a_trace_that_claims_more_frames_than_it_has_is_harmless() {
    for count in [1, 100, 0x2000_0000, u32::MAX] {
        let file = with_records(|_, file| {
            file.trace_claiming(77, 1, count, &[]);
        });
        let scene = Scene::new();
        let path = scene.file("trace.hprof", &file.bytes);
        let outcome = scene.histo(&path).memory_limit_mib(64).run();
        outcome.table().assert_counts(&counts(&sample()), &format!("{count} frames"));
        assert!(matches!(outcome.code, 0 | 3), "{outcome}");
    }
}

#[test]
fn row_25_other_records_that_claim_more_than_they_have_are_harmless() {
    let file = with_records(|_, file| {
        // The counts of ALLOC_SITES and CPU_SAMPLES, and records too short for what they should hold.
        file.raw_record(record::ALLOC_SITES, &[0xFF; 34]);
        file.raw_record(record::CPU_SAMPLES, &[0xFF; 8]);
        for tag in [
            record::UNLOAD_CLASS,
            record::FRAME,
            record::TRACE,
            record::ALLOC_SITES,
            record::HEAP_SUMMARY,
            record::START_THREAD,
            record::END_THREAD,
            record::CPU_SAMPLES,
            record::CONTROL_SETTINGS,
        ] {
            file.raw_record(tag, &[]).raw_record(tag, &[1]).raw_record(tag, &[0xFF; 3]);
        }
    });
    let scene = Scene::new();
    let path = scene.file("short.hprof", &file.bytes);
    let outcome = scene.histo(&path).memory_limit_mib(64).run();
    outcome.table().assert_counts(&counts(&sample()), "records that are too short");
}

#[test]
fn row_25_a_class_record_that_is_too_short_is_mentioned() {
    for len in [0, 1, 4, 12, 16, 23] {
        let file = with_records(|_, file| {
            file.raw_record(record::LOAD_CLASS, &vec![1; len]);
        });
        let scene = Scene::new();
        let path = scene.file("short.hprof", &file.bytes);
        let table = scene.histo(&path).run().table();
        table.assert_counts(&counts(&sample()), &format!("LOAD_CLASS of {len} bytes"));
        assert!(!table.remarks().is_empty(), "LOAD_CLASS of {len} bytes is mentioned");
    }
}

#[test]
fn row_25_a_class_dump_that_claims_more_than_there_is_counts_as_a_truncation() {
    // Where the three counts are in an empty CLASS_DUMP.
    let counts_at = 1 + 8 + 4 + 6 * 8 + 4;
    for (which, tail) in [("constants", 6), ("statics", 4), ("fields", 2)] {
        for count in [1, 10, 65535_u16] {
            let file = one_with(|jvm, subs| {
                let class = ClassDump {
                    id: jvm.next_address(),
                    super_id: jvm.known("java/lang/Object").id,
                    ..ClassDump::default()
                };
                subs.class_dump(&class);
            });
            let start = file.subs[file.subs.len() - 1].start;
            let at = start + counts_at + 6 - tail;
            let table = Scene::new().incomplete(&file.with_bytes(at, &count.to_be_bytes()));
            table.assert_counts(&counts(&sample()), &format!("{count} {which}"));
            table.assert_names(&[start, file.len()]);
        }
    }
}

#[test]
fn row_26_an_illegal_element_type_stops_the_segment() {
    for code in [0, 1, 2, 3, 12, 255] {
        let file = segments_with(|jvm, subs| {
            subs.primitive_array_claiming(jvm.next_address(), code, 1, &[0; 8]);
            subs.root_sticky_class(jvm.shape.base);
        });
        let bad = &file.subs[file.subs.len() - 2];
        let table = Scene::new().incomplete(&file.bytes);
        table.assert_counts(&counts(&sample()), &format!("element type {code}"));
        table.assert_names(&[bad.start, bad.end - 9]);
        table.assert_says(&["type"]);
        table.assert_names(&[code.into()]);
    }
}

#[test]
fn row_26_an_illegal_field_type_stops_the_segment() {
    for code in [0, 1, 3, 12, 255] {
        for (place, from_end) in [("constant", 4 + 9), ("static", 2 + 9), ("field", 1)] {
            let file = segments_with(|jvm, subs| {
                let mut class = ClassDump {
                    id: jvm.next_address(),
                    super_id: jvm.known("java/lang/Object").id,
                    ..ClassDump::default()
                };
                match place {
                    "constant" => class.constants.push((1, Value::Long(0))),
                    "static" => class.statics.push((1, Value::Long(0))),
                    _ => class.fields.push((1, Type::Long)),
                }
                subs.class_dump(&class);
            });
            let bad = &file.subs[file.subs.len() - 1];
            let table = Scene::new().incomplete(&file.with_bytes(bad.end - from_end, &[code]));
            table.assert_counts(&counts(&sample()), &format!("{place} of type {code}"));
            table.assert_names(&[bad.start, bad.end - from_end]);
        }
    }
}

/// The sample, and classes `(id offset, offset of the superclass)` with an instance of each.
fn with_chain(links: &[(u64, u64)]) -> Hprof {
    segments_with(|jvm, subs| {
        let at = |offset: u64| jvm.next_address() + offset;
        for &(class, super_class) in links {
            subs.class_dump(&ClassDump {
                id: at(class),
                super_id: at(super_class),
                ..ClassDump::default()
            });
        }
        for (i, &(class, _)) in links.iter().enumerate() {
            subs.instance(at(0x10_0000) + 16 * i as u64, at(class), &[]);
        }
    })
}

#[test]
fn row_27_a_cycle_of_superclasses_is_cut_and_mentioned() {
    let cycles: [&[(u64, u64)]; 3] =
        [&[(0, 0)], &[(0, 120), (120, 0)], &[(0, 120), (120, 240), (240, 120)]];
    for links in cycles {
        let table = Scene::new().table(&with_chain(links).bytes);
        let own = counts(&sample()).values().sum::<u64>();
        assert_eq!(table.total.instances, own + 2 * links.len() as u64);
        table.assert_says(&["super", "cycle"]);
    }
}

#[test]
fn row_27_java_lang_object_as_its_own_superclass_is_no_endless_loop() {
    let file = segmented();
    let object = file.subs.iter().find(|s| s.tag == sub::CLASS_DUMP).expect("java.lang.Object");
    let id = &file.bytes[object.start + 1..object.start + 9];
    let table = Scene::new().table(&file.with_bytes(object.start + 13, id));
    table.assert_counts(&counts(&sample()), "Object extends Object");
    table.assert_says(&["super", "cycle"]);
}

#[test]
fn row_27_a_very_long_chain_of_superclasses_neither_overflows_nor_takes_for_ever() {
    let links: Vec<(u64, u64)> = (0..100_000).map(|i| (8 * i, 8 * i + 8)).collect();
    let file = with_chain(&links);
    let scene = Scene::new();
    let path = scene.file("chain.hprof", &file.bytes);
    let outcome = scene.histo(&path).run();
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let own = counts(&sample()).values().sum::<u64>();
    assert_eq!(outcome.table().total.instances, own + 200_000);
}

#[test]
fn row_28_instances_of_an_unknown_class_get_a_row_of_their_own() {
    let file = segments_with(|jvm, subs| {
        let at = jvm.next_address();
        subs.instance(at, 0xDEAD_BEE8, &[0; 16]);
        subs.instance(at + 32, 0xDEAD_BEE8, &[0; 16]);
        subs.object_array(at + 64, 0xDEAD_C0D8, &[0, 0]);
        subs.class_dump(&ClassDump { id: at + 96, super_id: 0xDEAD_D0C8, ..ClassDump::default() });
        subs.instance(at + 96 + 112, at + 96, &[]);
    });
    let class = sample().next_address() + 96;
    let table = Scene::new().table(&file.bytes);
    let row = |id: u64| {
        let id = format!("0x{id:x}");
        let found = table
            .rows
            .iter()
            .find(|(name, _)| name.contains("unknown class") && name.contains(&id));
        *found.unwrap_or_else(|| panic!("unknown class {id} in {:?}", table.rows)).1
    };
    assert_eq!(row(0xDEAD_BEE8).instances, 2);
    let bytes = row(0xDEAD_BEE8).shallow_bytes / 2;
    assert!((24..=40).contains(&bytes), "header and data: {bytes}");
    assert_eq!(row(0xDEAD_C0D8).instances, 1);
    assert_eq!(row(class).instances, 1);
    assert_eq!(table.total.instances, counts(&sample()).values().sum::<u64>() + 5);
}

#[test]
fn row_29_a_class_loaded_twice_under_one_name_is_normal() {
    let file = with_records(|jvm, file| {
        for name in ["[Ljava/lang/Object;", "java/lang/String"] {
            let utf8 = utf8_id(file, name);
            file.load_class(900, jvm.known(name).id, utf8);
        }
    });
    let table = Scene::new().table(&file.bytes);
    table.assert_counts(&counts(&sample()), "duplicates");
    assert!(table.warnings().is_empty(), "{:?}", table.warnings());
}

#[test]
fn row_29_a_class_loaded_under_two_names_gets_the_last_one_and_a_warning() {
    let file = with_records(|jvm, file| {
        file.utf8(0x4242, b"com/example/Renamed");
        file.load_class(900, jvm.known("com/example/Node").id, 0x4242);
    });
    let table = Scene::new().table(&file.bytes);
    assert_eq!(table.count("com.example.Renamed"), 6);
    assert_eq!(table.count("com.example.Node"), 0);
    table.assert_says(&["com.example.Node", "com/example/Node", "name"]);
}

fn utf8_id(file: &Hprof, text: &str) -> u64 {
    let found = file
        .all(record::UTF8)
        .into_iter()
        .find(|r| &file.bytes[r.body() + 8..r.end] == text.as_bytes())
        .expect("a symbol");
    let id = &file.bytes[found.body()..found.body() + 8];
    u64::from_be_bytes(id.try_into().expect("eight bytes"))
}

#[test]
fn row_30_an_object_dumped_twice_is_counted_once_and_makes_the_dump_incomplete() {
    let jvm = sample();
    let node = jvm.known("com/example/Node").id;
    let second = |id: u64| {
        segments_with(|_, subs| {
            subs.instance(id, node, &node_values());
        })
    };
    // The first node follows Node's own java.lang.Class object.
    let existing = jvm.sizes().into_iter().find(|&(id, _)| id > node).expect("an object").0;
    let table = Scene::new().incomplete(&second(existing).bytes);
    table.assert_counts(&counts(&jvm), "the same instance again");
    table.assert_says(&["duplicate", "twice", "more than once"]);

    // Another kind of object under an id that is taken: the first one stays.
    let file = segments_with(|_, subs| {
        subs.primitive_array(existing, Type::Byte, &[1, 2, 3]);
    });
    let table = Scene::new().incomplete(&file.bytes);
    table.assert_counts(&counts(&jvm), "an array with the id of an instance");
}

#[test]
fn row_30_every_object_dumped_twice_is_counted_once() {
    let jvm = Jvm::default_heap();
    let mut subs = jvm.class_subs();
    subs.append(&jvm.object_subs());
    subs.append(&jvm.object_subs());
    let mut file = Hprof::new(Version::V102, jvm.shape.ids);
    jvm.write_symbols(&mut file);
    file.dump(&subs, Framing::Segments(3000));
    let scene = Scene::new();
    let table = scene.incomplete(&file.bytes);
    table.assert_counts(&counts(&jvm), "each object once");
    for jobs in ["1", "2", "7"] {
        let path = scene.path("input.hprof");
        let again = scene.histo(&path).args(["--jobs", jobs]).run().incomplete();
        assert_eq!(again.rows, table.rows, "--jobs {jobs}");
    }
}

#[test]
fn row_31_an_object_with_the_id_zero_is_skipped_with_a_warning() {
    let file = segments_with(|jvm, subs| {
        subs.instance(0, jvm.known("com/example/Node").id, &node_values());
        subs.object_array(0, jvm.known("[Ljava/lang/Object;").id, &[0, 0]);
        subs.primitive_array(0, Type::Int, &[0; 8]);
    });
    let table = Scene::new().table(&file.bytes);
    table.assert_counts(&counts(&sample()), "without them");
    table.assert_says(&["id 0", "null", "zero"]);
}

#[test]
fn row_31_a_class_with_the_id_zero_is_skipped_with_a_warning() {
    let file = segments_with(|_, subs| {
        subs.class_dump(&ClassDump::default());
    });
    let table = Scene::new().table(&file.bytes);
    table.assert_counts(&counts(&sample()), "without it");
    table.assert_says(&["id 0", "null", "zero"]);
}

#[test]
fn row_32_instances_whose_bytes_do_not_fit_their_class_are_counted_and_mentioned() {
    let file = segments_with(|jvm, subs| {
        let node = jvm.known("com/example/Node").id;
        for (i, len) in [0, 1, 11, 13, 100].into_iter().enumerate() {
            subs.instance(jvm.next_address() + 24 * i as u64, node, &vec![7; len]);
        }
    });
    let table = Scene::new().table(&file.bytes);
    let mut expected = counts(&sample());
    *expected.get_mut("com.example.Node").expect("a row") += 5;
    table.assert_counts(&expected, "stepped over by their own length");
    table.assert_names(&[5]);
}

#[test]
fn row_33_dangling_references_are_harmless() {
    let mut jvm = sample();
    let node = jvm.known("com/example/Node");
    let objects = jvm.known("[Ljava/lang/Object;");
    let inside = jvm.next_address() - 8;
    for target in [1, 0x1234, inside, inside + (1 << 40), u64::MAX] {
        jvm.instance(node, &[Value::Ref(target), Value::Int(1)]);
        jvm.object_array(objects, &[target, 0, target]);
    }
    let main = jvm
        .class("com/example/Statics")
        .static_field("dangling", Value::Ref(0x4321))
        .loaded_by(0x77)
        .in_domain(0x88)
        .define();
    jvm.blank(main);
    let table = Scene::new().table(&jvm.write().bytes);
    table.assert_counts(&counts(&jvm), "no object is made up");
}

#[test]
fn row_34_roots_that_lead_nowhere_are_harmless() {
    let file = segments_with(|_, subs| {
        for missing in [0, 1, 0x1234, u64::MAX] {
            subs.root_unknown(missing)
                .root_jni_global(missing, missing)
                .root_jni_local(missing, 99, 5)
                .root_java_frame(missing, 99, 5)
                .root_java_frame(missing, 1, 77)
                .root_java_frame(missing, u32::MAX, u32::MAX)
                .root_native_stack(missing, 99)
                .root_sticky_class(missing)
                .root_thread_block(missing, 99)
                .root_monitor_used(missing)
                .root_thread_object(missing, 99, u32::MAX);
        }
    });
    let table = Scene::new().table(&file.bytes);
    table.assert_counts(&counts(&sample()), "roots are not objects");
}

/// Characters that a terminal acts on, or that turn the reading direction.
fn is_unsafe_on_a_terminal(c: char) -> bool {
    let bidi = matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    bidi || matches!(c, '\u{2028}' | '\u{2029}') || (c.is_control() && c != '\n')
}

#[test]
fn row_35_names_that_attack_the_terminal_are_printed_escaped() {
    let names: [&[u8]; 13] = [
        b"com/evil/\x1b[31mRed\x1b[0m",
        b"com/evil/\x1b]0;title\x07",
        b"com/evil/Two\nLines",
        b"com/evil/Carriage\rReturn",
        b"com/evil/Tab\tBack\x08space",
        b"com/evil/Nul\xC0\x80Inside",
        b"com/evil/Raw\x00Nul",
        b"com/evil/C1\xC2\x9B31m",
        "com/evil/\u{202E}gnp.exe".as_bytes(),
        "com/evil/\u{2066}isolate\u{2028}line".as_bytes(),
        b"com/evil/Invalid\xFF\xFE\x80",
        b"com/evil/Lone\xED\xA0\x80Surrogate",
        b"com/evil/<script>alert(1)</script>\"'&",
    ];
    let mut jvm = sample();
    for name in names {
        let class = jvm.class_with_raw_name(name).define();
        jvm.blank(class);
    }
    let file = jvm.write();
    let scene = Scene::new();
    let path = scene.file("evil.hprof", &file.bytes);
    let table = scene.histo(&path).run().fine();
    let evil: u64 =
        table.rows.iter().filter(|(name, _)| name.contains("evil")).map(|(_, c)| c.instances).sum();
    assert_eq!(evil, names.len() as u64, "no row is lost: {:?}", table.rows);

    let other =
        scene.file("evil2.hprof", &jvm.file().time_ms(DEFAULT_TIME_MS + 60_000).write().bytes);
    let mut calls = vec![
        scene.histo_text(&path),
        scene.histo_text(&path).arg("--jmap-names"),
        scene.tool().arg("info").arg(&path),
        scene.tool().arg("diff").arg(&path).arg(&other),
        scene.histo_text(&path).args(["--filter", "evil"]),
    ];
    for by in ["array-length", "package", "loader"] {
        calls.push(scene.histo_text(&path).args(["--by", by]));
    }
    for call in calls {
        let outcome = call.run();
        assert_eq!(outcome.code, 0, "{outcome}");
        for (stream, text) in
            [("stdout", outcome.stdout_text()), ("stderr", outcome.stderr.clone())]
        {
            let bad = text.chars().find(|&c| is_unsafe_on_a_terminal(c));
            assert_eq!(bad, None, "{stream} of {}: {text:?}", outcome.name);
        }
    }
    // One line for one row: a newline in a name does not make a line of its own.
    let text = scene.histo_text(&path).run();
    assert!(
        !text.stdout_text().lines().any(|line| line.trim_start().starts_with("Lines")),
        "{text}"
    );
    // CSV and JSON remain what they are.
    let csv = scene.tool().args(["histo", "--format", "csv"]).arg(&path).run();
    assert_eq!(csv.code, 0, "{csv}");
    assert!(!csv.stdout_text().contains('\u{1b}'), "{csv}");
}

#[test]
fn row_35_a_file_name_that_attacks_the_terminal_is_printed_escaped() {
    let scene = Scene::new();
    let path = scene.file("evil\u{1b}[31m\nname\u{202E}.hprof", b"");
    let outcome = scene.histo_text(&path).run();
    assert_eq!(outcome.code, 3, "{outcome}");
    let bad = outcome.stderr.chars().find(|&c| is_unsafe_on_a_terminal(c));
    assert_eq!(bad, None, "{:?}", outcome.stderr);
    let path = scene.file("fine\u{1b}[31m.hprof", &segmented().bytes);
    for outcome in [scene.histo_text(&path).run(), scene.tool().arg("info").arg(&path).run()] {
        assert_eq!(outcome.code, 0, "{outcome}");
        assert!(!outcome.stdout_text().contains('\u{1b}'), "{outcome}");
    }
}

#[test]
fn row_36_a_symbol_of_50_megabytes_that_nothing_refers_to_costs_no_memory() {
    let file = with_records(|_, file| {
        file.utf8(0x4242, &vec![b'x'; 50 << 20]);
    });
    let scene = Scene::new();
    let path = scene.file("long.hprof", &file.bytes);
    let table = scene.histo(&path).memory_limit_mib(40).run().fine();
    table.assert_counts(&counts(&sample()), "a long symbol");
}

#[test]
fn row_36_a_class_name_of_50_megabytes_is_survived() {
    let file = with_records(|jvm, file| {
        file.utf8(0x4242, &vec![b'x'; 50 << 20]);
        file.load_class(900, jvm.known("com/example/Node").id, 0x4242);
    });
    let scene = Scene::new();
    let path = scene.file("long.hprof", &file.bytes);
    let outcome = scene.histo(&path).memory_limit_mib(600).run();
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert_eq!(outcome.table().total.instances, counts(&sample()).values().sum::<u64>());
    let text = scene.histo_text(&path).memory_limit_mib(600).run();
    assert_eq!(text.code, 0, "{}", text.stderr);
    assert!(text.stdout.len() < 1 << 20, "a table is for reading: {} bytes", text.stdout.len());
}

#[test]
fn row_36_two_million_symbols_that_nothing_refers_to_cost_little_memory() {
    let file = with_records(|_, file| {
        for id in 0..2_000_000_u64 {
            file.utf8(0x10_0000 + id, b"java/lang/Symbol");
        }
    });
    let scene = Scene::new();
    let path = scene.file("symbols.hprof", &file.bytes);
    let table = scene.histo(&path).memory_limit_mib(96).run().fine();
    table.assert_counts(&counts(&sample()), "many symbols");
}

#[test]
fn row_37_a_symbol_defined_twice_alike_is_normal() {
    let file = with_records(|_, file| {
        let id = utf8_id(file, "com/example/Node");
        file.utf8(id, b"com/example/Node");
    });
    let table = Scene::new().table(&file.bytes);
    table.assert_counts(&counts(&sample()), "twice the same");
    assert!(table.warnings().is_empty(), "{:?}", table.warnings());
}

#[test]
fn row_37_a_symbol_defined_twice_differently_takes_the_last_text_and_a_warning() {
    let file = with_records(|_, file| {
        let id = utf8_id(file, "com/example/Node");
        file.utf8(id, b"com/example/Other");
    });
    let table = Scene::new().table(&file.bytes);
    assert_eq!((table.count("com.example.Other"), table.count("com.example.Node")), (6, 0));
    assert!(!table.warnings().is_empty(), "{:?}", table.warnings());
}

#[test]
fn row_38_of_two_dumps_in_a_file_the_last_is_taken_with_a_warning() {
    let jvm = sample();
    let mut later = jvm.clone();
    let node = later.known("com/example/Node");
    for _ in 0..5 {
        later.blank(node);
    }
    for framing in [Framing::One, Framing::Segments(400)] {
        let mut file = jvm.file().framing(framing).write();
        file.dump(&later.all_subs(), framing);
        let scene = Scene::new();
        let table = scene.table(&file.bytes);
        table.assert_counts(&counts(&later), "the last one");
        table.assert_says(&["--dump", "2 dumps", "two dumps"]);
        let path = scene.path("input.hprof");
        let first = scene.histo(&path).args(["--dump", "1"]).run().fine();
        first.assert_counts(&counts(&jvm), "--dump 1");
        let second = scene.histo(&path).args(["--dump", "2"]).run().fine();
        second.assert_counts(&counts(&later), "--dump 2");
        for wrong in ["0", "3", "x"] {
            let outcome = scene.histo(&path).args(["--dump", wrong]).run();
            assert!(matches!(outcome.code, 2 | 3), "--dump {wrong}: {outcome}");
            assert!(outcome.stdout.is_empty(), "--dump {wrong}: {outcome}");
        }
    }
}

#[test]
fn row_38_garbage_behind_the_end_is_reported_with_its_offset_and_size() {
    let jvm = sample();
    let file = jvm.file().framing(Framing::Segments(400)).write();
    let garbage: [&[u8]; 4] = [b"garbage!", &[0xFF; 100], b"\n", &[0x5A; 5000]];
    for tail in garbage {
        let table = Scene::new().table(&[&file.bytes, tail].concat());
        table.assert_counts(&counts(&jvm), "the dump itself is whole");
        table.assert_names(&[file.len()]);
        table.assert_names(&[tail.len()]);
    }
}

#[test]
fn row_38_two_files_run_together_are_never_merged() {
    let jvm = sample();
    for framing in [Framing::One, Framing::Segments(400)] {
        let file = jvm.file().framing(framing).write();
        let scene = Scene::new();
        let path = scene.file("twice.hprof", &[&file.bytes[..], &file.bytes].concat());
        let outcome = scene.histo(&path).run();
        let table = outcome.table();
        table.assert_counts(&counts(&jvm), "one of them");
        assert!(!table.remarks().is_empty(), "{outcome}");
        assert_eq!(outcome.code, if table.is_complete() { 0 } else { 3 }, "{outcome}");
    }
}

// ---------------------------------------------------------------------------------------------------------------
// Rows 39-45: compressed

/// A heap of several segments, and the same in gzip members that end where segments end.
fn gzipped() -> (Hprof, Gz) {
    let file = Jvm::default_heap().file().framing(Framing::Segments(6000)).write();
    let cuts: Vec<usize> = file.heap_records().iter().map(|r| r.end).collect();
    let gz = gz::jvm_blocks(&file.bytes, &cuts);
    (file, gz)
}

#[test]
fn row_39_gzip_of_one_member_or_many_gives_the_table_of_the_file() {
    let (file, members) = gzipped();
    let scene = Scene::new();
    let expected = scene.table(&file.bytes);
    for bytes in [gz::plain(&file.bytes), members.bytes] {
        let table = scene.table(&bytes);
        assert_eq!(table.rows, expected.rows);
        assert_eq!(table.sizes(), expected.sizes());
    }
}

/// Incomplete, with at least what was in the members before `member` and at most everything.
fn assert_gz_incomplete(
    scene: &Scene,
    file: &Hprof,
    bytes: &[u8],
    at_least: usize,
    what: &str,
) -> Table {
    let path = scene.file("damaged.hprof.gz", bytes);
    let table = scene.histo(&path).run().incomplete();
    let full = file.rows_before(file.len());
    for (name, count) in &table.rows {
        assert!(count.instances <= full.get(name).copied().unwrap_or(0), "{what}: {name}");
    }
    for (name, count) in file.rows_before(at_least) {
        assert!(table.count(&name) >= count, "{what}: {name} is kept");
    }
    table
}

#[test]
fn row_40_a_gzip_file_cut_anywhere_keeps_what_can_be_inflated() {
    let (file, gz) = gzipped();
    let mut cuts = Vec::new();
    for (i, member) in gz.members.iter().enumerate().skip(1) {
        let (start, end) = (member.packed.start, member.packed.end);
        let before = gz.members[i - 1].raw.end;
        cuts.extend([start, start + 1, start + 5, start + 10, start + 11].map(|cut| (cut, before)));
        cuts.extend([(start + end) / 2, end - 9].map(|cut| (cut, before)));
        // All data is there, the trailer is not.
        cuts.extend([end - 8, end - 5, end - 1].map(|cut| (cut, before)));
    }
    for_each_case(&cuts, |scene, &(cut, at_least)| {
        let what = format!("gzip cut at {cut}");
        let table = assert_gz_incomplete(scene, &file, &gz.bytes[..cut], at_least, &what);
        if gz.members.iter().any(|m| m.packed.start == cut) {
            table.assert_counts(&file.rows_before(at_least), &what);
        }
    });
}

#[test]
fn row_40_a_plain_gzip_file_without_its_trailer_is_incomplete_but_all_counted() {
    let file = Jvm::default_heap().write();
    let whole = gz::plain(&file.bytes);
    for missing in 1..=8 {
        let scene = Scene::new();
        let table = scene.incomplete(&whole[..whole.len() - missing]);
        table.assert_counts(
            &file.rows_before(file.len()),
            &format!("{missing} bytes of the trailer are missing"),
        );
    }
    for cut in [2, 5, 10, 12] {
        let scene = Scene::new();
        let path = scene.file("stub.hprof.gz", &whole[..cut]);
        scene.histo(&path).run().rejected(&path);
    }
    let middle = Scene::new().incomplete(&whole[..whole.len() / 2]);
    assert!(middle.total.instances < file.rows_before(file.len()).values().sum());
}

#[test]
fn row_41_a_wrong_checksum_or_size_in_a_member_is_named_and_incomplete() {
    let (file, gz) = gzipped();
    let mut cases = Vec::new();
    for (index, member) in gz.members.iter().enumerate() {
        for (field, back) in [("CRC", 8), ("CRC", 5), ("ISIZE", 4), ("ISIZE", 1)] {
            cases.push((index, field, member.packed.end - back));
        }
    }
    for_each_case(&cases, |scene, &(index, field, at)| {
        let mut bytes = gz.bytes.clone();
        bytes[at] ^= 0x40;
        let member = &gz.members[index];
        let what = format!("{field} of member {index}");
        let table = assert_gz_incomplete(scene, &file, &bytes, member.raw.start, &what);
        table.assert_says(&["crc", "checksum", "isize", "size", "length", "damaged"]);
        let last = gz.members.len() - 1;
        let blocks = [index, index + 1];
        let offsets = [
            member.packed.start,
            at,
            member.packed.end - 8,
            member.raw.start,
            member.raw.end,
            last,
        ];
        table.assert_names(&[&blocks[..], &offsets].concat());
    });
}

#[test]
fn row_41_a_flipped_bit_in_compressed_data_never_passes_as_whole() {
    let (file, gz) = gzipped();
    let single = gz::plain(&file.bytes);
    let mut rng = Rng::new(41);
    let mut cases = Vec::new();
    for _ in 0..40 {
        for bytes in [&gz.bytes, &single] {
            let mut bytes = bytes.clone();
            let at = 40 + rng.below(bytes.len() - 40);
            let bit = 1 << rng.below(8);
            bytes[at] ^= bit;
            // Some bits mean nothing: padding, and the times in the headers of members.
            if gz::inflate(&bytes) != Some(file.bytes.clone()) {
                cases.push((bytes, format!("bit {bit:#x} at {at}")));
            }
        }
    }
    assert!(cases.len() > 70, "most bits mean something");
    for_each_case(&cases, |scene, (bytes, what)| {
        let path = scene.file("flipped.hprof.gz", bytes);
        let outcome = scene.histo(&path).run();
        assert_eq!(outcome.code, 3, "{what}: {outcome}");
    });
}

/// A dump that is almost only zeros in one byte[] of `mib` MiB, in gzip members of `member_mib` MiB each.
fn bomb(mib: usize, member_mib: usize, comment: Option<&str>) -> (Gz, BTreeMap<String, u64>) {
    let jvm = sample();
    let mut file = Hprof::new(Version::V102, jvm.shape.ids);
    jvm.write_symbols(&mut file);
    let mut subs = jvm.all_subs();
    let length = mib << 20;
    subs.primitive_array_claiming(jvm.next_address(), Type::Byte.code(), length as u32, &[]);
    file.segment(&subs);
    let body = (subs.bytes.len() + length) as u32;
    let head = file.with_u4(file.heap_records()[0].length_at(), body);
    let mut gz = Gz::default();
    gz.member(&head, comment, 9);
    gz.member(&vec![0; member_mib << 20], None, 9);
    gz.repeat_last(mib / member_mib - 1);
    gz.member(&[record::HEAP_DUMP_END, 0, 0, 0, 0, 0, 0, 0, 0], None, 9);
    let mut expected = counts(&jvm);
    *expected.get_mut("byte[]").expect("a row") += 1;
    (gz, expected)
}

#[test]
fn row_42_a_gzip_bomb_is_streamed_and_never_held_in_memory() {
    let (gz, expected) = bomb(192, 1, Some("HPROF BLOCKSIZE=1048576"));
    let scene = Scene::new();
    let path = scene.file("bomb.hprof.gz", &gz.bytes);
    for jobs in ["1", "2"] {
        let call = scene.histo(&path).args(["--jobs", jobs]).memory_limit_mib(96);
        call.run().fine().assert_counts(&expected, "a bomb");
    }
    let piped = scene.histo("-").stdin(&gz.bytes).memory_limit_mib(96).run().fine();
    piped.assert_counts(&expected, "a bomb from standard input");
}

#[test]
fn row_42_a_compression_above_1000_to_1_is_pointed_out() {
    let (gz, expected) = bomb(96, 96, None);
    let raw = gz.members.last().expect("a member").raw.end;
    assert!(raw / gz.bytes.len() >= 1010, "{raw} from {}", gz.bytes.len());
    let table = Scene::new().table(&gz.bytes);
    table.assert_counts(&expected, "a bomb");
    assert!(!table.warnings().is_empty(), "{} bytes hold {raw}", gz.bytes.len());
}

/// What a file may claim about the size of its blocks.
const LYING_COMMENTS: [&str; 11] = [
    "HPROF BLOCKSIZE=0",
    "HPROF BLOCKSIZE=1",
    "HPROF BLOCKSIZE=-1",
    "HPROF BLOCKSIZE=1000000000000000000",
    "HPROF BLOCKSIZE=18446744073709551616",
    "HPROF BLOCKSIZE=99999999999999999999999999",
    "HPROF BLOCKSIZE=many",
    "HPROF BLOCKSIZE=",
    "HPROF BLOCKSIZE=0x100000",
    "HPROF",
    "something else",
];

/// Runs `check` on [`gzipped`] with each of the comments.
fn for_each_lying_comment(check: impl Fn(&Scene, &Path, &Table, &str)) {
    let (file, honest) = gzipped();
    let cuts: Vec<usize> = honest.members.iter().skip(1).map(|m| m.raw.start).collect();
    let long = format!("HPROF BLOCKSIZE={}", "9".repeat(10_000));
    let scene = Scene::new();
    let expected = scene.table(&file.bytes);
    for comment in LYING_COMMENTS.into_iter().chain([&*long]) {
        let gz = gz::blocks_with_comment(&file.bytes, &cuts, comment);
        let path = scene.file("lying.hprof.gz", &gz.bytes);
        check(&scene, &path, &expected, comment);
    }
}

#[test]
fn row_43_a_lying_block_size_does_not_change_the_table() {
    for_each_lying_comment(|scene, path, expected, comment| {
        for jobs in ["1", "3"] {
            let table = scene.histo(path).args(["--jobs", jobs]).run().fine();
            assert_eq!(table.rows, expected.rows, "{comment:.60} --jobs {jobs}");
        }
    });
}

#[test]
fn row_43_a_lying_block_size_does_not_make_the_tool_allocate_what_it_says() {
    for_each_lying_comment(|scene, path, _, _| {
        for jobs in ["1", "3"] {
            scene.histo(path).args(["--jobs", jobs]).memory_limit_mib(256).run().fine();
        }
    });
}

#[test]
fn row_43_a_block_larger_than_announced_never_passes_as_whole_with_less() {
    let dump = vec_of_bytes_dump(3 << 20);
    let scene = Scene::new();
    let expected = scene.table(&dump);
    for announced in ["1", "65536", "1048576"] {
        let gz = gz::blocks_with_comment(&dump, &[], &format!("HPROF BLOCKSIZE={announced}"));
        let path = scene.file("large.hprof.gz", &gz.bytes);
        let outcome = scene.histo(&path).run();
        if outcome.code == 0 {
            assert_eq!(outcome.fine().rows, expected.rows, "{announced}");
        } else if !outcome.stdout.is_empty() {
            outcome.incomplete().assert_within(&expected, announced);
        }
    }
}

/// A dump with one byte[] of `length` bytes that hardly compress.
fn vec_of_bytes_dump(length: usize) -> Vec<u8> {
    let mut jvm = sample();
    let mut rng = Rng::new(43);
    let data = std::iter::repeat_with(|| rng.next() as u8).take(length).collect();
    jvm.primitive_array_of(Type::Byte, data);
    jvm.write().bytes
}

#[test]
fn row_44_a_gzip_file_inside_the_heap_is_not_taken_for_a_member() {
    // The heap holds whole gzip members and bare member headers; stored blocks leave them visible in the file.
    let inner = gz::plain(b"JAVA PROFILE 1.0.2\0 in a cache of the application");
    let mut jvm = sample();
    for i in 0..40 {
        let header = [0x1F, 0x8B, 0x08, if i % 2 == 0 { 0 } else { 0x10 }, 0, 0, 0, 0, 0, 3];
        let data = [vec![0x55; i * 7], inner.clone(), header.to_vec(), vec![0; i]].concat();
        jvm.primitive_array_of(Type::Byte, data);
    }
    let file = jvm.file().framing(Framing::Segments(1500)).write();
    let cuts: Vec<usize> = file.heap_records().iter().map(|r| r.end).collect();
    let mut stored = Gz::default();
    let mut from = 0;
    for &to in cuts.iter().chain([&file.len()]) {
        stored.member(&file.bytes[from..to], (from == 0).then_some("HPROF BLOCKSIZE=1048576"), 0);
        from = to;
    }
    let visible = stored.bytes.windows(3).filter(|w| *w == [0x1F, 0x8B, 0x08]).count();
    assert!(visible > stored.members.len() + 40, "the headers of the inner files are visible");
    let scene = Scene::new();
    let expected = scene.table(&file.bytes);
    let path = scene.file("nested.hprof.gz", &stored.bytes);
    for jobs in ["1", "2", "7"] {
        let table = scene.histo(&path).args(["--jobs", jobs]).run().fine();
        assert_eq!(table.rows, expected.rows, "--jobs {jobs}");
    }
}

#[test]
fn row_45_other_compressions_are_rejected_with_a_hint() {
    let dump = segmented().bytes;
    let wrapped = |magic: &[u8]| [magic, &dump].concat();
    let kinds: [(&str, Vec<u8>, &[&str]); 6] = [
        ("a.hprof.gz.gz", gz::plain(&gz::plain(&dump)), &["gzip", "gunzip", "gz"]),
        ("a.zip", wrapped(b"PK\x03\x04\x14\0\0\0\x08\0"), &["zip"]),
        ("a.hprof.zst", wrapped(b"\x28\xB5\x2F\xFD\x24"), &["zstd", "zstandard"]),
        ("a.hprof.bz2", wrapped(b"BZh91AY&SY"), &["bzip2", "bz2"]),
        ("a.hprof.xz", wrapped(b"\xFD7zXZ\0"), &["xz"]),
        ("a.hprof.lz4", wrapped(b"\x04\x22\x4D\x18"), &["lz4", "hprof"]),
    ];
    let scene = Scene::new();
    for (name, bytes, words) in kinds {
        let path = scene.file(name, &bytes);
        let outcome = scene.histo(&path).run();
        outcome.rejected(&path);
        let path = scene.file("plain-name.hprof", &bytes);
        let outcome = scene.histo(&path).run();
        assert!(says(outcome.rejected(&path), words), "{words:?}: {outcome}");
    }
}

#[test]
fn row_45_garbage_behind_the_last_gzip_member_is_reported() {
    let jvm = sample();
    let file = jvm.write();
    for tail in [&b"trailing garbage"[..], &[0; 512], &[0x1F, 0x8B], &[0x1F, 0x8B, 0x08, 0, 0, 0]] {
        let scene = Scene::new();
        let path = scene.file("tail.hprof.gz", &[&gz::plain(&file.bytes), tail].concat());
        let outcome = scene.histo(&path).run();
        let table = outcome.table();
        table.assert_counts(&counts(&jvm), "the dump itself is whole");
        assert!(!table.remarks().is_empty(), "{tail:?}: {outcome}");
    }
}

// ---------------------------------------------------------------------------------------------------------------
// Rows 46-49: addresses and shapes

/// The sample and nodes under these ids.
fn with_nodes(ids: &[u64]) -> Hprof {
    segments_with(|jvm, subs| {
        let node = jvm.known("com/example/Node").id;
        for &id in ids {
            subs.instance(id, node, &node_values());
        }
    })
}

#[test]
fn row_46_odd_and_extreme_ids_are_counted_like_others() {
    let top = u64::MAX;
    let cases: [(&str, Vec<u64>); 5] = [
        ("odd", (0..50).map(|i| 0xF000_0001 + 2 * i).collect()),
        ("at the top", vec![top, top - 1, top - 7, top - 8, top - 16]),
        ("small", (1..50).collect()),
        ("far apart", (1..50).map(|i| i << 40).collect()),
        ("2^63", vec![1 << 63, (1 << 63) - 1, (1 << 63) + 1]),
    ];
    for (what, ids) in cases {
        let table = Scene::new().table(&with_nodes(&ids).bytes);
        let mut expected = counts(&sample());
        *expected.get_mut("com.example.Node").expect("a row") += ids.len() as u64;
        table.assert_counts(&expected, what);
        let node = table.rows["com.example.Node"];
        assert!(
            node.shallow_bytes <= 512 * node.instances,
            "{what}: alignment is bounded, {node:?}"
        );
    }
}

#[test]
fn row_46_only_far_apart_ids_do_not_make_objects_large() {
    // Every id, those of the classes too, is a multiple of 2^32.
    let mut file = Hprof::new(Version::V102, IdSize::Eight);
    file.utf8(1, b"java/lang/Object").utf8(2, b"com/example/Far").utf8(3, b"value");
    file.load_class(1, 1 << 32, 1).load_class(2, 2 << 32, 2);
    let mut subs = Subs::new(IdSize::Eight);
    subs.class_dump(&ClassDump { id: 1 << 32, ..ClassDump::default() });
    subs.class_dump(&ClassDump {
        id: 2 << 32,
        super_id: 1 << 32,
        fields: vec![(3, Type::Int)],
        ..ClassDump::default()
    });
    for i in 3..100 {
        subs.instance(i << 32, 2 << 32, &[0; 4]);
    }
    file.dump(&subs, Framing::Segments(1000));
    let table = Scene::new().table(&file.bytes);
    let far = table.rows["com.example.Far"];
    assert_eq!(far.instances, 97);
    assert!((16..=512).contains(&(far.shallow_bytes / 97)), "{far:?}");
}

#[test]
fn row_46_objects_that_all_have_one_id_are_one_object() {
    let table = Scene::new().incomplete(&with_nodes(&[0xF000_0000; 20]).bytes);
    let mut expected = counts(&sample());
    *expected.get_mut("com.example.Node").expect("a row") += 1;
    table.assert_counts(&expected, "one id");
}

#[test]
fn row_47_serial_numbers_for_ids_make_sizes_estimated() {
    let jvm = sample_of(Shape { base: 0x5000_0001, ..Shape::NARROW });
    // The same heap, with addresses replaced by their rank.
    let order: BTreeMap<u64, u64> =
        (0_u64..).zip(jvm.sizes()).map(|(rank, (id, _))| (id, 0x5000_0001 + rank)).collect();
    let serial = |id: u64| order.get(&id).copied().unwrap_or(0);
    let mut file = Hprof::new(Version::V101, IdSize::Four);
    file.utf8(1, b"java/lang/Object").utf8(2, b"com/example/Node").utf8(3, b"value");
    let (object, node) = (jvm.known("java/lang/Object").id, jvm.known("com/example/Node").id);
    file.load_class(1, serial(object), 1).load_class(2, serial(node), 2);
    let mut subs = Subs::new(IdSize::Four);
    subs.class_dump(&ClassDump { id: serial(object), ..ClassDump::default() });
    subs.class_dump(&ClassDump {
        id: serial(node),
        super_id: serial(object),
        instance_size: 4,
        fields: vec![(3, Type::Int)],
        ..ClassDump::default()
    });
    for i in 0..200 {
        subs.instance(0x5000_1000 + i, serial(node), &[0; 4]);
        subs.primitive_array(0x5000_2000 + i, Type::Int, &vec![0; 4 * i as usize]);
    }
    file.dump(&subs, Framing::One);
    let table = Scene::new().table(&file.bytes);
    assert_eq!(table.sizes(), "estimated");
    assert_eq!((table.count("com.example.Node"), table.count("int[]")), (200, 200));
    let node = table.rows["com.example.Node"];
    assert!(
        (8..=32).contains(&(node.shallow_bytes / 200)),
        "no gap was taken for a size: {node:?}"
    );
}

#[test]
fn row_48_addresses_that_contradict_every_layout_make_sizes_estimated() {
    let file = segments_with(|jvm, subs| {
        // Arrays of 96 bytes, 8 bytes apart.
        for i in 0..500 {
            subs.primitive_array(jvm.next_address() + 8 * i, Type::Long, &[0; 80]);
        }
    });
    let table = Scene::new().table(&file.bytes);
    assert_eq!(table.sizes(), "estimated");
    assert_eq!(table.count("long[]"), 503);
}

#[test]
fn row_49_a_list_of_a_million_nodes_and_an_object_that_everything_refers_to_are_no_problem() {
    let jvm = sample();
    let node = jvm.known("com/example/Node").id;
    let objects = jvm.known("[Ljava/lang/Object;").id;
    let mut subs = jvm.all_subs();
    let first = jvm.next_address();
    let nodes = 1_000_000_u64;
    for i in 0..nodes {
        let next = if i + 1 < nodes { first + 24 * (i + 1) } else { first };
        let values = [&next.to_be_bytes()[..], &[0; 4]].concat();
        subs.instance(first + 24 * i, node, &values);
    }
    subs.object_array(first + 24 * nodes, objects, &vec![first; 500_000]);
    let mut file = Hprof::new(Version::V102, jvm.shape.ids);
    jvm.write_symbols(&mut file);
    file.dump(&subs, Framing::Segments(1 << 20));
    let scene = Scene::new();
    let path = scene.file("list.hprof", &file.bytes);
    let table = scene.histo(&path).memory_limit_mib(256).run().fine();
    assert_eq!(table.count("com.example.Node"), 6 + nodes);
}

// ---------------------------------------------------------------------------------------------------------------
// Row 50: what is not a file

#[test]
fn row_50_a_path_to_nothing_is_rejected() {
    let scene = Scene::new();
    for name in ["missing.hprof", "missing/dump.hprof"] {
        let path = scene.path(name);
        scene.histo(&path).run().rejected(&path);
        scene.tool().arg("info").arg(&path).run().rejected(&path);
    }
    let file = scene.file("dump.hprof", &segmented().bytes);
    let below = file.join("below.hprof");
    scene.histo(&below).run().rejected(&below);
    let missing = scene.path("missing.hprof");
    scene.tool().arg("diff").arg(&file).arg(&missing).run().rejected(&missing);
}

#[test]
fn row_50_a_directory_is_rejected() {
    let scene = Scene::new();
    let path = scene.path("directory.hprof");
    fs::create_dir(&path).expect("a directory");
    let outcome = scene.histo(&path).run();
    assert!(says(outcome.rejected(&path), &["directory"]), "{outcome}");
}

#[cfg(unix)]
#[test]
fn row_50_a_device_is_rejected_or_read_as_a_stream_but_never_for_ever() {
    let scene = Scene::new();
    for device in ["/dev/null", "/dev/zero", "/dev/urandom"] {
        let outcome =
            scene.histo(device).timeout(Duration::from_secs(20)).memory_limit_mib(128).run();
        outcome.rejected(device);
    }
}

#[cfg(unix)]
#[test]
fn row_50_symbolic_links_are_followed_and_loops_rejected() {
    use std::os::unix::fs::symlink;
    let scene = Scene::new();
    let (a, b) = (scene.path("a.hprof"), scene.path("b.hprof"));
    symlink(&a, &b).expect("a link");
    symlink(&b, &a).expect("a link");
    scene.histo(&a).run().rejected(&a);

    let target = scene.file("target.hprof", &segmented().bytes);
    let link = scene.path("link.hprof");
    symlink(&target, &link).expect("a link");
    scene.histo(&link).run().fine();

    let dangling = scene.path("dangling.hprof");
    symlink(scene.path("nowhere"), &dangling).expect("a link");
    scene.histo(&dangling).run().rejected(&dangling);
}

#[cfg(unix)]
#[test]
fn row_50_an_unreadable_file_is_rejected() {
    use std::os::unix::fs::PermissionsExt;
    let scene = Scene::new();
    let path = scene.file("secret.hprof", &segmented().bytes);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).expect("permissions");
    if File::open(&path).is_ok() {
        return; // The superuser reads it all the same.
    }
    let outcome = scene.histo(&path).run();
    assert!(says(outcome.rejected(&path), &["permission"]), "{outcome}");
}

#[cfg(unix)]
fn fifo(scene: &Scene) -> PathBuf {
    let path = scene.path("pipe.hprof");
    let status = Command::new("mkfifo").arg(&path).status().expect("mkfifo");
    assert!(status.success(), "mkfifo: {status}");
    path
}

#[cfg(unix)]
#[test]
fn row_50_a_pipe_without_a_writer_is_rejected_or_waited_for_aloud() {
    let scene = Scene::new();
    let path = fifo(&scene);
    match scene.histo(&path).timeout(Duration::from_secs(5)).run_unless_stuck() {
        Ok(outcome) => {
            outcome.rejected(&path);
        }
        Err(stderr) => assert!(!stderr.trim().is_empty(), "it waits, and says for what"),
    }
}

#[cfg(unix)]
#[test]
fn row_50_a_pipe_with_a_writer_is_streamed_or_rejected() {
    let scene = Scene::new();
    let jvm = sample();
    let path = fifo(&scene);
    let dump = scene.file("dump.hprof", &jvm.write().bytes);
    let mut writer = Command::new("/bin/sh")
        .args(["-c", "exec cat \"$0\" > \"$1\""])
        .arg(&dump)
        .arg(&path)
        .stderr(Stdio::null())
        .spawn()
        .expect("a writer");
    let outcome = scene.histo(&path).run();
    // The writer still waits for a reader when the tool did not open the pipe.
    let _ = writer.kill();
    writer.wait().expect("waiting for the writer");
    if outcome.code == 0 {
        outcome.fine().assert_counts(&counts(&jvm), "streamed");
    } else {
        outcome.rejected(&path);
    }
}

// ---------------------------------------------------------------------------------------------------------------
// Row 51: dumps that should not be compared

fn salted(mut jvm: Jvm, salt: i64) -> Jvm {
    let collections = jvm.known("java/util/ImmutableCollections");
    jvm.set_static(collections, "SALT32L", Value::Long(salt));
    jvm
}

const HOUR_MS: u64 = 3_600_000;

fn dump_at(scene: &Scene, name: &str, jvm: &Jvm, hour: u64) -> PathBuf {
    let file = jvm.file().time_ms(DEFAULT_TIME_MS + hour * HOUR_MS).write();
    scene.file(name, &file.bytes)
}

fn diff(scene: &Scene, dumps: &[&Path]) -> Json {
    let outcome = scene.tool().args(["diff", "--format", "json"]).args(dumps).run();
    assert!(matches!(outcome.code, 0 | 3), "{outcome}");
    let json = outcome.json();
    assert_eq!(json["schema_version"], 1, "{outcome}");
    assert_eq!(json["dumps"].as_array().map(Vec::len), Some(dumps.len()), "{outcome}");
    assert!(json["comparable"]["ok"].is_boolean(), "{outcome}");
    // The text says what the JSON says.
    let text = scene.tool().arg("diff").args(dumps).run();
    assert_eq!(text.code, outcome.code, "{text}");
    json
}

fn diff_warnings(json: &Json) -> String {
    let warnings = json["comparable"]["warnings"].as_array().cloned().unwrap_or_default();
    let texts: Vec<&str> = warnings.iter().filter_map(Json::as_str).collect();
    texts.join("\n")
}

#[test]
fn row_51_two_dumps_of_one_process_are_comparable_without_a_warning() {
    let scene = Scene::new();
    let first = salted(Jvm::default_heap(), 7);
    let mut second = first.clone();
    let node = second.known("com/example/Node");
    for _ in 0..10 {
        second.blank(node);
    }
    let json = diff(
        &scene,
        &[&dump_at(&scene, "1.hprof", &first, 0), &dump_at(&scene, "2.hprof", &second, 1)],
    );
    assert_eq!(json["comparable"]["ok"], true, "{json}");
    assert_eq!(diff_warnings(&json), "", "{json}");
    assert_eq!(json["segments"], serde_json::json!([[0, 1]]), "{json}");
}

#[test]
fn row_51_the_same_dump_twice_is_pointed_out() {
    let scene = Scene::new();
    let jvm = Jvm::default_heap();
    let path = dump_at(&scene, "one.hprof", &jvm, 0);
    let copy = scene.file("copy.hprof", &fs::read(&path).expect("a dump"));
    for dumps in [[&*path, &*path], [&*path, &*copy]] {
        let json = diff(&scene, &dumps);
        assert!(says(&diff_warnings(&json), &["same", "identical", "twice"]), "{json}");
    }
}

#[test]
fn row_51_dumps_in_the_wrong_order_are_pointed_out() {
    let scene = Scene::new();
    let jvm = Jvm::default_heap();
    let mut grown = jvm.clone();
    let node = grown.known("com/example/Node");
    grown.blank(node);
    let (early, late) =
        (dump_at(&scene, "b.hprof", &jvm, 0), dump_at(&scene, "a.hprof", &grown, 5));
    let json = diff(&scene, &[&late, &early]);
    assert!(says(&diff_warnings(&json), &["order", "time", "older", "earlier"]), "{json}");
}

#[test]
fn row_51_dumps_of_two_processes_are_pointed_out_and_split() {
    let scene = Scene::new();
    let jvm = Jvm::default_heap();
    let one = dump_at(&scene, "1.hprof", &salted(jvm.clone(), 7), 0);
    let other = dump_at(&scene, "2.hprof", &salted(jvm, 8), 1);
    let json = diff(&scene, &[&one, &other]);
    assert!(
        says(&diff_warnings(&json), &["process", "restart", "different jvm", "another jvm"]),
        "{json}"
    );
    assert_eq!(json["segments"], serde_json::json!([[0], [1]]), "{json}");
}

#[test]
fn row_51_dumps_of_two_programs_are_pointed_out() {
    let scene = Scene::new();
    let one = Jvm::plausible_running(Shape::COMPRESSED, "17.0.15", "com.example.Main");
    let other = Jvm::plausible_running(Shape::COMPRESSED, "17.0.15", "org.other.Server");
    let json = diff(
        &scene,
        &[
            &dump_at(&scene, "1.hprof", &salted(one, 7), 0),
            &dump_at(&scene, "2.hprof", &salted(other, 8), 1),
        ],
    );
    assert!(!diff_warnings(&json).is_empty(), "{json}");
    assert_eq!(json["segments"], serde_json::json!([[0], [1]]), "{json}");
}

#[test]
fn row_51_dumps_of_two_jvm_versions_are_pointed_out() {
    let scene = Scene::new();
    let one = Jvm::plausible_running(Shape::COMPRESSED, "17.0.15", "com.example.Main");
    let other = Jvm::plausible_running(Shape::COMPRESSED, "17.0.9", "com.example.Main");
    let json = diff(
        &scene,
        &[
            &dump_at(&scene, "1.hprof", &salted(one, 7), 0),
            &dump_at(&scene, "2.hprof", &salted(other, 8), 1),
        ],
    );
    let warnings = diff_warnings(&json);
    assert!(
        says(&warnings, &["17.0.9"]) && says(&warnings, &["17.0.15"]),
        "both are named: {json}"
    );
}

#[test]
fn row_51_dumps_with_and_without_compressed_references_are_pointed_out() {
    let scene = Scene::new();
    let one = dump_at(&scene, "1.hprof", &salted(Jvm::plausible(Shape::COMPRESSED), 7), 0);
    let other = dump_at(&scene, "2.hprof", &salted(Jvm::plausible(Shape::WIDE), 8), 1);
    let json = diff(&scene, &[&one, &other]);
    let words = ["compressed", "layout", "reference", "object size", "oops"];
    assert!(says(&diff_warnings(&json), &words), "{json}");
}

#[test]
fn row_51_dumps_with_different_id_sizes_are_pointed_out() {
    let scene = Scene::new();
    let one = dump_at(&scene, "1.hprof", &Jvm::plausible(Shape::COMPRESSED), 0);
    let other = dump_at(&scene, "2.hprof", &Jvm::plausible(Shape::NARROW), 1);
    let json = diff(&scene, &[&one, &other]);
    assert!(!diff_warnings(&json).is_empty(), "{json}");
}

// ---------------------------------------------------------------------------------------------------------------
// The sweep: many small mutations of one dump. No panic, bounded memory, never "complete" when bytes were lost.

struct Mutation {
    what: String,
    bytes: Vec<u8>,
    /// Whether no class may have more instances than before.
    only_less: bool,
}

fn sweep_subject() -> Hprof {
    Jvm::default_heap().file().framing(Framing::Segments(3000)).write()
}

fn sweep(file: &Hprof, mutations: &[Mutation]) {
    let whole = Scene::new().table(&file.bytes);
    for_each_case(mutations, |scene, mutation| {
        let what = &mutation.what;
        let path = scene.file("mutant.hprof", &mutation.bytes);
        let outcome = scene.histo(&path).memory_limit_mib(128).run();
        assert!(matches!(outcome.code, 0 | 3), "{what}: {outcome}");
        if outcome.stdout.is_empty() {
            assert_eq!(outcome.code, 3, "{what}: {outcome}");
            outcome.rejected(&path);
            return;
        }
        let table = outcome.table();
        assert_eq!(table.is_complete(), outcome.code == 0, "{what}: {outcome}");
        if mutation.only_less {
            table.assert_within(&whole, what);
        }
        if table.is_complete() {
            assert_eq!(
                table.total.instances, whole.total.instances,
                "{what}: lost silently: {outcome}"
            );
            if table.warnings().is_empty() {
                assert_eq!(table.counts(), whole.counts(), "{what}: changed silently");
            }
        }
    });
}

#[test]
fn sweep_of_cuts() {
    let file = sweep_subject();
    let mut rng = Rng::new(0x5EED);
    let step = if full_sweep() { 1 } else { 4 };
    let mut cuts: Vec<usize> = (0..4096).step_by(step).map(|at| at + rng.below(step)).collect();
    cuts.extend((0..200).map(|_| 4096 + rng.below(file.len() - 4096)));
    let mutations: Vec<Mutation> = cuts
        .into_iter()
        .map(|cut| Mutation {
            what: format!("cut at {cut}"),
            bytes: file.cut(cut),
            only_less: true,
        })
        .collect();
    sweep(&file, &mutations);
}

#[test]
fn sweep_of_flipped_header_bytes() {
    let file = sweep_subject();
    let mut mutations = Vec::new();
    for at in 0..file.header_len() {
        for mask in [0x01, 0x80, 0xFF] {
            mutations.push(Mutation {
                what: format!("byte {at} ^ {mask:#x}"),
                bytes: file.with_bytes(at, &[file.bytes[at] ^ mask]),
                only_less: false,
            });
        }
    }
    sweep(&file, &mutations);
}

#[test]
fn sweep_of_record_lengths() {
    let file = sweep_subject();
    let step = if full_sweep() { 1 } else { 3 };
    let mut mutations = Vec::new();
    for (i, record) in file.records.iter().enumerate() {
        let is_heap = matches!(record.tag, record::HEAP_DUMP_SEGMENT | record::HEAP_DUMP_END);
        if is_heap || i % step == 0 {
            for length in [0, 1, u32::MAX] {
                mutations.push(Mutation {
                    what: format!("length {length} of {record:?}"),
                    bytes: file.with_u4(record.length_at(), length),
                    only_less: false,
                });
            }
        }
    }
    sweep(&file, &mutations);
}

#[test]
fn sweep_of_sub_record_lengths() {
    let file = sweep_subject();
    let ids = file.ids.bytes();
    let step = if full_sweep() { 1 } else { 11 };
    let mut mutations = Vec::new();
    for (i, sub) in file.subs.iter().enumerate() {
        // Where the length is, and how many bytes wide.
        let (at, width) = match sub.tag {
            sub::CLASS_DUMP => (1 + 4 + 7 * ids + 4, 2),
            sub::INSTANCE_DUMP => (1 + ids + 4 + ids, 4),
            sub::OBJECT_ARRAY_DUMP | sub::PRIMITIVE_ARRAY_DUMP => (1 + ids + 4, 4),
            _ => continue,
        };
        if sub.tag != sub::CLASS_DUMP && i % step != 0 {
            continue;
        }
        for length in [0, 1, u32::MAX] {
            let length = &length.to_be_bytes()[4 - width..];
            mutations.push(Mutation {
                what: format!("length {length:?} of {sub:?}"),
                bytes: file.with_bytes(sub.start + at, length),
                only_less: false,
            });
        }
    }
    sweep(&file, &mutations);
}

#[test]
fn sweep_of_inserted_zeros() {
    let file = sweep_subject();
    let mut rng = Rng::new(0x2E20);
    let zeros = vec![0; 64 << 10];
    let mut places: Vec<usize> =
        (0..30).map(|_| file.header_len() + rng.below(file.len() - 40)).collect();
    for record in file.records.iter().filter(|r| r.tag == record::HEAP_DUMP_SEGMENT) {
        places.extend([record.start, record.body()]);
    }
    places.extend([file.header_len(), file.records[5].start, file.first(record::LOAD_CLASS).start]);
    let mutations: Vec<Mutation> = places
        .into_iter()
        .map(|at| Mutation {
            what: format!("64 KiB of zeros at {at}"),
            bytes: file.with_insert(at, &zeros),
            only_less: false,
        })
        .collect();
    sweep(&file, &mutations);
}

#[test]
fn sweep_of_files_appended_to_themselves() {
    let jvm = Jvm::default_heap();
    for framing in [Framing::One, Framing::Segments(3000), Framing::SegmentsWithoutEnd(3000)] {
        let file = jvm.file().framing(framing).write();
        let scene = Scene::new();
        let full: u64 = file.rows_before(file.len()).values().sum();
        for part in [file.len(), file.len() / 2, 40] {
            let path =
                scene.file("appended.hprof", &[&file.bytes[..], &file.bytes[..part]].concat());
            let outcome = scene.histo(&path).run();
            let table = outcome.table();
            assert!(table.total.instances <= full, "never the sum: {outcome}");
            assert!(!table.remarks().is_empty(), "{outcome}");
        }
        let gz = gz::plain(&file.bytes);
        let path = scene.file("appended.hprof.gz", &[&gz[..], &gz].concat());
        let outcome = scene.histo(&path).run();
        let table = outcome.table();
        assert!(table.total.instances <= full, "never the sum: {outcome}");
        assert!(!table.remarks().is_empty(), "{outcome}");
    }
}
