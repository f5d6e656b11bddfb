//! What the tool says about dumps of every form that the format allows, each written for the purpose.

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value as Json;
use support::Rng;
use support::gz;
use support::run::{Scene, Table, numbers, says};
use support::synth::{
    Class, ClassDump, Count, DEFAULT_TIME_MS, Framing, Hprof, IdSize, Jvm, Shape, Subs, Type,
    Value, Version, all_types_fields, all_types_values, modified_utf8, record, source_name,
};

fn counts(jvm: &Jvm) -> BTreeMap<String, u64> {
    jvm.histogram().into_iter().map(|(name, count)| (name, count.instances)).collect()
}

fn total(rows: &BTreeMap<String, Count>) -> u64 {
    rows.values().map(|count| count.instances).sum()
}

/// Counts and bytes of every row equal the model's.
#[track_caller]
fn assert_exact(table: &Table, jvm: &Jvm) {
    let expected = jvm.histogram();
    for (name, count) in &expected {
        assert_eq!(table.rows.get(name), Some(count), "{name} in {}", table.json);
    }
    assert_eq!(table.rows.len(), expected.len(), "no other rows: {}", table.json);
}

// ---------------------------------------------------------------------------------------------------------------
// Whole heaps

#[test]
fn a_heap_with_compressed_references_has_the_histogram_of_the_jvm_to_the_byte() {
    let jvm = Jvm::default_heap();
    let table = Scene::new().table(&jvm.write().bytes);
    assert_exact(&table, &jvm);
    assert_ne!(table.sizes(), "estimated");
    assert!(table.warnings().is_empty(), "{:?}", table.warnings());
}

#[test]
fn a_heap_with_wide_references_has_the_histogram_of_the_jvm_to_the_byte() {
    let jvm = Jvm::plausible(Shape::WIDE);
    let table = Scene::new().table(&jvm.write().bytes);
    assert_exact(&table, &jvm);
    assert_ne!(table.sizes(), "estimated");
}

#[test]
fn a_heap_of_a_32_bit_jvm_has_its_counts_and_the_sizes_of_its_arrays() {
    let jvm = Jvm::plausible(Shape::NARROW);
    let table = Scene::new().table(&jvm.write().bytes);
    table.assert_counts(&counts(&jvm), "32 bits");
    let expected = jvm.histogram();
    for name in ["byte[]", "char[]", "int[]", "long[]", "java.lang.Object[]", "com.example.Node"] {
        assert_eq!(table.rows[name], expected[name], "{name}");
    }
}

#[test]
fn the_header_and_the_system_properties_describe_the_dump() {
    let jvm = Jvm::default_heap();
    let table = Scene::new().table(&jvm.file().time_ms(DEFAULT_TIME_MS).write().bytes);
    let dump = &table.json["dump"];
    assert_eq!(dump["kind"], "dump", "{dump}");
    let time = dump["time"].as_str().expect("a time");
    assert!(time.starts_with("2023-11-14T22:13:20"), "{time}");
    assert!(dump["jvm"].as_str().is_some_and(|jvm| jvm.contains("17.0.15")), "{dump}");
    let main = dump["main_class"].as_str();
    assert_eq!(main, Some("com.example.Main"), "without its arguments: {dump}");
    assert!(
        ["yes", "no", "unknown"].contains(&dump["live"].as_str().unwrap_or_default()),
        "{dump}"
    );
    assert!(dump["path"].as_str().is_some_and(|path| path.ends_with("input.hprof")), "{dump}");
    assert_eq!(dump["objects"], jvm.object_count(), "{dump}");
    assert_eq!(dump["shallow_bytes"], table.total.shallow_bytes, "{dump}");
    assert_eq!(dump["roots"], jvm.root_count(), "{dump}");
}

#[test]
fn what_the_heap_does_not_say_is_absent_and_not_made_up() {
    let mut file = Hprof::new(Version::V102, IdSize::Eight);
    file.utf8(1, b"java/lang/Object");
    file.load_class(1, 0xE000_0000, 1);
    let mut subs = Subs::new(IdSize::Eight);
    subs.class_dump(&ClassDump { id: 0xE000_0000, ..ClassDump::default() });
    file.dump(&subs, Framing::Segments(1000));
    let table = Scene::new().table(&file.bytes);
    for key in ["jvm", "main_class", "process", "incomplete_reason"] {
        assert_eq!(table.json["dump"].get(key), None, "{key}");
    }
}

#[test]
fn versions_and_framings_do_not_change_the_table() {
    let jvm = Jvm::default_heap();
    let scene = Scene::new();
    let expected = scene.table(&jvm.write().bytes);
    for version in [Version::V101, Version::V102] {
        for framing in
            [Framing::One, Framing::Segments(1), Framing::Segments(700), Framing::Segments(1 << 20)]
        {
            for roots_first in [false, true] {
                let mut file = jvm.file().version(version).framing(framing);
                if roots_first {
                    file = file.roots_first();
                }
                let table = scene.table(&file.write().bytes);
                let what = format!("{version:?} {framing:?} roots first: {roots_first}");
                assert_eq!(table.json, expected.json, "{what}");
            }
        }
    }
}

#[test]
fn objects_may_come_before_their_classes() {
    let jvm = Jvm::default_heap();
    let mut subs = jvm.root_subs();
    subs.append(&jvm.object_subs());
    subs.append(&jvm.class_subs());
    for framing in [Framing::One, Framing::Segments(900)] {
        let mut file = Hprof::new(Version::V102, jvm.shape.ids);
        jvm.write_symbols(&mut file);
        file.dump(&subs, framing);
        assert_exact(&Scene::new().table(&file.bytes), &jvm);
    }
}

#[test]
fn classes_may_be_named_after_the_dump() {
    let jvm = Jvm::default_heap();
    let mut file = Hprof::new(Version::V102, jvm.shape.ids);
    file.dump(&jvm.all_subs(), Framing::Segments(900));
    jvm.write_symbols(&mut file);
    assert_exact(&Scene::new().table(&file.bytes), &jvm);
}

#[test]
fn objects_in_any_order_of_addresses_give_the_same_table() {
    let jvm = Jvm::default_heap();
    let objects = jvm.object_subs();
    let mut order: Vec<usize> = (0..objects.subs.len()).collect();
    let mut rng = Rng::new(17);
    for i in (1..order.len()).rev() {
        order.swap(i, rng.below(i + 1));
    }
    let mut subs = jvm.class_subs();
    for i in order {
        let sub = &objects.subs[i];
        subs.push(sub.tag, |_, out| out.extend_from_slice(&objects.bytes[sub.start + 1..sub.end]));
    }
    subs.append(&jvm.root_subs());
    let mut file = Hprof::new(Version::V102, jvm.shape.ids);
    jvm.write_symbols(&mut file);
    file.dump(&subs, Framing::Segments(900));
    assert_exact(&Scene::new().table(&file.bytes), &jvm);
}

#[test]
fn the_number_of_threads_changes_no_byte_of_the_output() {
    let mut jvm = Jvm::default_heap();
    let node = jvm.known("com/example/Node");
    for i in 0..30_000 {
        jvm.instance(node, &[Value::Ref(0), Value::Int(i)]);
        if i % 7 == 0 {
            jvm.primitive_array(Type::PRIMITIVE[i as usize % 8], i as usize % 50);
        }
    }
    jvm.primitive_array(Type::Long, 400_000);
    let scene = Scene::new();
    for (framing, name) in
        [(Framing::One, "one.hprof"), (Framing::Segments(1 << 16), "segments.hprof")]
    {
        let file = jvm.file().framing(framing).write();
        let packed = gz::jvm_style(&file.bytes);
        assert!(packed.members.len() > 3, "several members");
        let plain = scene.file(name, &file.bytes);
        let zipped = scene.file(&format!("{name}.gz"), &packed.bytes);
        for path in [&plain, &zipped] {
            for extra in [
                &["histo", "--format", "json"][..],
                &["histo", "--format", "json", "--by", "array-length"],
                &["histo", "--format", "json", "--by", "package"],
                &["histo", "--format", "json", "--by", "loader"],
                &["histo"],
                &["histo", "--format", "csv"],
                &["info", "--format", "json"],
            ] {
                let run =
                    |jobs: &str| scene.tool().args(extra).args(["--jobs", jobs]).arg(path).run();
                let one = run("1");
                assert_eq!(one.code, 0, "{one}");
                for jobs in ["2", "7"] {
                    let other = run(jobs);
                    assert!(one.stdout == other.stdout, "--jobs 1 and {jobs}: {one} {other}");
                    assert!(one.stderr == other.stderr, "--jobs 1 and {jobs}: {one} {other}");
                }
            }
        }
        assert_exact(&scene.histo(&plain).run().fine(), &jvm);
        assert_exact(&scene.histo(&zipped).run().fine(), &jvm);
    }
}

#[test]
fn plain_gzip_jvm_gzip_raw_and_standard_input_give_one_table() {
    let mut jvm = Jvm::default_heap();
    let mut rng = Rng::new(3);
    for _ in 0..3 {
        let noise = std::iter::repeat_with(|| rng.next() as u8).take(700_000).collect();
        jvm.primitive_array_of(Type::Byte, noise);
    }
    let file = jvm.write();
    let plain = gz::plain(&file.bytes);
    let members = gz::jvm_style(&file.bytes).bytes;
    let ends: Vec<usize> = file.heap_records().iter().map(|r| r.end).collect();
    let segments = gz::jvm_blocks(&file.bytes, &ends).bytes;
    let scene = Scene::new();
    let expected = scene.table(&file.bytes);
    assert_exact(&expected, &jvm);
    // The names say nothing: what counts is the content.
    for (name, bytes) in [
        ("raw.hprof", &file.bytes),
        ("raw.hprof.gz", &file.bytes),
        ("plain.gz", &plain),
        ("plain.hprof", &plain),
        ("members", &members),
        ("segments.bin", &segments),
    ] {
        let path = scene.file(name, bytes);
        for table in [scene.histo(&path).run().fine(), scene.histo("-").stdin(bytes).run().fine()] {
            assert_eq!(table.json["classes"], expected.json["classes"], "{name}");
            assert_eq!(table.json["total"], expected.json["total"], "{name}");
            for key in [
                "time",
                "jvm",
                "main_class",
                "process",
                "sizes",
                "objects",
                "shallow_bytes",
                "roots",
            ] {
                assert_eq!(
                    table.json["dump"].get(key),
                    expected.json["dump"].get(key),
                    "{name}: {key}"
                );
            }
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------
// Every record

#[test]
fn every_top_level_record_may_stand_before_between_and_after_dumps() {
    for ids in [IdSize::Four, IdSize::Eight] {
        let shape = if ids == IdSize::Four { Shape::NARROW } else { Shape::COMPRESSED };
        let jvm = Jvm::bare(shape, "17.0.15");
        let mut file = Hprof::new(Version::V102, ids);
        let all = |file: &mut Hprof, n: u64| {
            file.utf8(0x100 + n, format!("symbol {n}").as_bytes())
                .load_class(500 + n as u32, 0x9999_0000 + 8 * n, 0x100 + n)
                .unload_class(500 + n as u32)
                .frame(0x200 + n, [0x100 + n, 0x100 + n, 0], 1, -1)
                .trace(60 + n as u32, 1, &[0x200 + n])
                .alloc_sites(&[(0, 1), (1, 2)])
                .heap_summary(1000, 10)
                .start_thread(9, 0x1234, 1, [0x100 + n; 3])
                .end_thread(9)
                .cpu_samples(10, &[(4, 60), (6, 61)])
                .control_settings(3, 16);
        };
        all(&mut file, 1);
        jvm.write_symbols(&mut file);
        all(&mut file, 2);
        let subs = jvm.all_subs();
        // Between the segments of one dump, too.
        let mut first = true;
        for half in [jvm.class_subs(), jvm.object_subs()] {
            file.segment(&half);
            if first {
                all(&mut file, 3);
                first = false;
            }
        }
        file.heap_dump_end();
        all(&mut file, 4);
        let table = Scene::new().table(&file.bytes);
        table.assert_counts(&counts(&jvm), &format!("{ids:?}, {} sub-records", subs.subs.len()));
    }
}

#[test]
fn every_kind_of_root_is_read_and_is_no_object() {
    for shape in [Shape::COMPRESSED, Shape::NARROW] {
        let jvm = Jvm::bare(shape, "17.0.15");
        let object = jvm.known("java/lang/Object").id;
        let mut subs = jvm.all_subs();
        let before = subs.subs.len();
        subs.root_unknown(object)
            .root_jni_global(object, 0x1000)
            .root_jni_local(object, 1, u32::MAX)
            .root_java_frame(object, 1, 0)
            .root_native_stack(object, 1)
            .root_sticky_class(object)
            .root_thread_block(object, 1)
            .root_monitor_used(object)
            .root_thread_object(object, 1, 2);
        let roots = subs.subs.len() - before;
        for framing in [Framing::One, Framing::Segments(1)] {
            let mut file = Hprof::new(Version::V102, shape.ids);
            jvm.write_symbols(&mut file);
            file.dump(&subs, framing);
            let table = Scene::new().table(&file.bytes);
            table.assert_counts(&counts(&jvm), &format!("{:?}", shape.ids));
            assert_eq!(table.json["dump"]["roots"], roots, "{}", table.json["dump"]);
        }
    }
}

#[test]
fn every_type_may_be_a_field_a_static_a_constant_and_an_array_element() {
    for shape in [Shape::COMPRESSED, Shape::WIDE, Shape::NARROW] {
        let mut jvm = Jvm::bare(shape, "17.0.15");
        let kinds = [&[Type::Object][..], &Type::PRIMITIVE].concat();
        let mut class = all_types_fields(jvm.class("com/example/Everything"));
        for (i, &kind) in kinds.iter().enumerate() {
            let value = Value::zero(kind);
            class = class.static_field(&format!("S{i}"), value).constant(i as u16, value);
        }
        let class = class.define();
        for i in 0..10 {
            jvm.instance(class, &all_types_values(i));
        }
        for kind in Type::PRIMITIVE {
            for length in [0, 1, 7, 100] {
                jvm.primitive_array(kind, length);
            }
        }
        let objects = jvm.array_class("[Ljava/lang/Object;");
        for length in [0, 1, 7, 100] {
            jvm.object_array(objects, &vec![class.id; length]);
        }
        let table = Scene::new().table(&jvm.write().bytes);
        table.assert_counts(&counts(&jvm), &format!("{shape:?}"));
        assert_eq!(table.rows["com.example.Everything"].instances, 10);
        assert!(table.warnings().is_empty(), "{:?}", table.warnings());
    }
}

#[test]
fn values_that_look_like_tags_are_not_taken_for_records() {
    let mut jvm = Jvm::small();
    let node = jvm.class("com/example/Node").field("a", Type::Long).field("b", Type::Long).define();
    for tag in [0x01, 0x0C, 0x1C, 0x2C, 0x20, 0x21, 0x22, 0x23, 0xFF] {
        let word = i64::from_be_bytes([tag; 8]);
        jvm.instance(node, &[Value::Long(word), Value::Long(word)]);
        jvm.primitive_array_of(Type::Byte, vec![tag; 1000]);
        // A whole segment and the end of a dump inside an array.
        let fake =
            [&[tag, 0, 0, 0, 0, 0, 0, 0, 0][..], &[record::HEAP_DUMP_END, 0, 0, 0, 0, 0, 0, 0, 0]]
                .concat();
        jvm.primitive_array_of(Type::Byte, fake.repeat(40));
    }
    for framing in [Framing::One, Framing::Segments(500), Framing::Segments(1 << 20)] {
        let scene = Scene::new();
        let path = scene.file("tags.hprof", &jvm.file().framing(framing).write().bytes);
        for jobs in ["1", "2", "7"] {
            assert_exact(&scene.histo(&path).args(["--jobs", jobs]).run().fine(), &jvm);
        }
    }
}

#[test]
fn the_nine_primitive_mirrors_count_as_java_lang_class() {
    let mut jvm = Jvm::small();
    let classes = counts(&jvm)["java.lang.Class"];
    jvm.primitive_mirrors();
    let table = Scene::new().table(&jvm.write().bytes);
    assert_eq!(table.count("java.lang.Class"), classes + 9);
}

// ---------------------------------------------------------------------------------------------------------------
// Other writers

/// A dump as ART writes it: roots first, classes among the objects, sizes in the CLASS_DUMPs, short segments.
fn android() -> Hprof {
    let mut file = Hprof::new(Version::V103, IdSize::Four);
    let names = [
        "java.lang.Object",
        "java.lang.Class",
        "com.example.View",
        "java.lang.String[]",
        "app",
        "zygote",
        "x",
    ];
    for (i, name) in (1..).zip(names) {
        file.utf8(i, name.as_bytes());
    }
    let class = |i: u32| u64::from(0x7000_0000 + i * 0x100);
    for serial in 1..=4 {
        file.load_class(serial, class(serial), u64::from(serial));
    }
    file.frame(1, [7, 7, 0], 3, 0).trace(1, 1, &[1]);

    let mut roots = Subs::new(IdSize::Four);
    let object = 0x7100_0000;
    roots
        .android_heap_dump_info(65, 5)
        .root_sticky_class(class(1))
        .root_thread_object(object, 1, u32::MAX)
        .android_interned_string(object)
        .android_finalizing(object)
        .android_debugger(object)
        .android_reference_cleanup(object)
        .android_vm_internal(object)
        .android_jni_monitor(object, 1, 0)
        .android_unreachable(object);
    file.segment(&roots);

    let mut subs = Subs::new(IdSize::Four);
    subs.android_heap_dump_info(90, 6);
    for i in 0..10 {
        subs.instance(object + 0x40 * i, class(3), &[0; 8]);
        if i == 5 {
            let dump = |serial: u32, super_id: u64, size: u32, fields: &[(u64, Type)]| ClassDump {
                id: class(serial),
                super_id,
                instance_size: size,
                statics: vec![(7, Value::Int(1))],
                fields: fields.to_vec(),
                ..ClassDump::default()
            };
            subs.class_dump(&dump(1, 0, 8, &[]));
            subs.class_dump(&dump(2, class(1), 0, &[]));
            subs.class_dump(&dump(3, class(1), 44, &[(7, Type::Int), (7, Type::Object)]));
            subs.class_dump(&dump(4, class(1), 0, &[]));
        }
    }
    subs.object_array(object + 0x1000, class(4), &[0, 0, 0]);
    subs.primitive_array(object + 0x2000, Type::Byte, &[1, 2, 3]);
    subs.android_primitive_array_nodata(object + 0x3000, 1_000_000, Type::Int);
    subs.instance(object + 0x4000, class(3), &[0; 8]);
    file.dump(&subs, Framing::Segments(300));
    file
}

#[test]
fn an_android_dump_takes_the_sizes_of_instances_from_its_classes_and_says_estimated() {
    let table = Scene::new().table(&android().bytes);
    assert_eq!(table.sizes(), "estimated");
    let view = table.rows["com.example.View"];
    assert_eq!(view.instances, 11);
    let each = view.shallow_bytes / view.instances;
    assert!((44..=48).contains(&each), "44 bytes, aligned or not: {view:?}");
    assert_eq!(table.count("java.lang.Class"), 4);
    assert_eq!(table.count("java.lang.String[]"), 1, "{:?}", table.rows);
    assert_eq!(table.count("byte[]"), 1);
    assert_eq!(table.count("int[]"), 1, "an array without its data is an array");
    assert!(table.rows["int[]"].shallow_bytes >= 4_000_000, "{:?}", table.rows["int[]"]);
}

/// Two dumps in one file as the hprof agent writes them: ids are serial numbers, everything is interleaved.
fn agent() -> Hprof {
    let mut file = Hprof::new(Version::V101, IdSize::Four);
    file.utf8(1, b"java/lang/Object")
        .utf8(2, b"com/example/Job")
        .utf8(3, b"state")
        .utf8(4, b"main")
        .utf8(5, b"()V");
    file.control_settings(1, 4);
    file.start_thread(1, 0x5000_0001, 1, [4, 4, 4]);
    file.load_class(1, 0x5000_0002, 1).trace(1, 0, &[]);
    let classes = [(0x5000_0002, 0, 0), (0x5000_0003, 0x5000_0002, 4)];
    for jobs in [3, 8] {
        file.load_class(2, 0x5000_0003, 2);
        file.frame(1, [4, 5, 0], 2, 17).trace(2, 1, &[1]);
        let mut subs = Subs::new(IdSize::Four);
        subs.root_thread_object(0x5000_0001, 1, 2)
            .root_unknown(0x5000_0002)
            .root_monitor_used(0x5000_0010)
            .root_thread_block(0x5000_0010, 1);
        for (id, super_id, instance_size) in classes {
            subs.class_dump(&ClassDump {
                id,
                super_id,
                instance_size,
                constants: vec![(1, Value::Ref(0x5000_0002)), (2, Value::Ref(0x5000_0003))],
                fields: if super_id == 0 { vec![] } else { vec![(3, Type::Int)] },
                ..ClassDump::default()
            });
        }
        for i in 0..jobs {
            subs.instance(0x5000_0010 + i, 0x5000_0003, &[0, 0, 0, 1]);
        }
        file.heap_dump(&subs);
        file.alloc_sites(&[(0, 2)]).heap_summary(100, jobs as u32);
    }
    file.end_thread(1).cpu_samples(1, &[(1, 2)]);
    file
}

#[test]
fn of_the_two_dumps_of_an_agent_file_the_last_is_the_default_and_either_can_be_asked_for() {
    let scene = Scene::new();
    let path = scene.file("java.hprof", &agent().bytes);
    let table = scene.histo(&path).run().fine();
    assert_eq!(table.count("com.example.Job"), 8);
    assert_eq!(table.count("java.lang.Class"), 2, "classes are dumped twice and counted once");
    assert_eq!(table.sizes(), "estimated", "ids are serial numbers");
    table.assert_says(&["--dump", "2 dumps", "two dumps"]);
    for (dump, jobs) in [("1", 3), ("2", 8)] {
        let table = scene.histo(&path).args(["--dump", dump]).run().fine();
        assert_eq!(table.count("com.example.Job"), jobs, "--dump {dump}");
        assert_eq!(table.count("java.lang.Class"), 2, "--dump {dump}");
    }
    let text = scene.histo_text(&path).run();
    let everything = format!("{}{}", text.stdout_text(), text.stderr);
    assert!(says(&everything, &["--dump", "2 dumps", "two dumps"]), "{text}");
    let info = scene.tool().arg("info").arg(&path).run();
    assert_eq!(info.code, 0, "{info}");
    assert!(numbers(&info.stdout_text()).contains(&2), "info counts the dumps: {info}");
}

#[test]
fn a_single_dump_is_dump_1_and_needs_no_choice() {
    let jvm = Jvm::small();
    let scene = Scene::new();
    let path = scene.file("one.hprof", &jvm.write().bytes);
    let table = scene.histo(&path).args(["--dump", "1"]).run().fine();
    assert_exact(&table, &jvm);
    let outcome = scene.histo(&path).args(["--dump", "2"]).run();
    assert!(matches!(outcome.code, 2 | 3), "{outcome}");
}

#[test]
fn records_between_two_dumps_belong_to_the_file() {
    // The name of a class of the second dump comes between the dumps.
    let jvm = Jvm::small();
    let mut file = jvm.file().framing(Framing::Segments(400)).write();
    file.utf8(0x77, b"com/example/Late").load_class(700, 0xF000_0000, 0x77);
    let mut subs = jvm.all_subs();
    subs.class_dump(&ClassDump {
        id: 0xF000_0000,
        super_id: jvm.known("java/lang/Object").id,
        ..ClassDump::default()
    });
    subs.instance(0xF000_1000, 0xF000_0000, &[]);
    file.dump(&subs, Framing::Segments(400));
    file.heap_summary(1, 1);
    let table = Scene::new().table(&file.bytes);
    assert_eq!(table.count("com.example.Late"), 1);
    assert_eq!(table.total.instances, jvm.object_count() + 2);
}

// ---------------------------------------------------------------------------------------------------------------
// Names

#[test]
fn array_classes_have_source_names_or_the_names_of_jmap() {
    let mut jvm = Jvm::default_heap();
    let deep = jvm.array_class("[[[Lcom/example/Outer$Inner;");
    jvm.object_array(deep, &[0]);
    let scene = Scene::new();
    let path = scene.file("names.hprof", &jvm.write().bytes);
    let table = scene.histo(&path).run().fine();
    for name in ["byte[]", "int[][]", "java.lang.String[]", "com.example.Outer$Inner[][][]"] {
        assert!(table.rows.contains_key(name), "{name} in {:?}", table.rows.keys());
    }
    let jmap = scene.histo(&path).arg("--jmap-names").run().fine();
    for name in
        ["[B", "[[I", "[Ljava.lang.String;", "[[[Lcom.example.Outer$Inner;", "java.lang.String"]
    {
        assert!(jmap.rows.contains_key(name), "{name} in {:?}", jmap.rows.keys());
    }
    assert_eq!(jmap.total, table.total);
}

#[test]
fn hidden_classes_have_the_names_of_the_jvms_histogram() {
    let mut jvm = Jvm::small();
    for (name, instances) in [
        ("com/example/Main$$Lambda+0x00007f0001000400", 3),
        ("com/example/Main$$Lambda$14+0x0000000800c03000", 2),
        ("java/lang/invoke/LambdaForm$MH+0x00007f0001001000", 1),
    ] {
        let class = jvm.class(name).define();
        for _ in 0..instances {
            jvm.blank(class);
        }
    }
    let scene = Scene::new();
    let path = scene.file("hidden.hprof", &jvm.write().bytes);
    let table = scene.histo(&path).arg("--jmap-names").run().fine();
    assert_eq!(
        table.count("com.example.Main$$Lambda/0x00007f0001000400"),
        3,
        "{:?}",
        table.rows.keys()
    );
    assert_eq!(table.count("com.example.Main$$Lambda$14/0x0000000800c03000"), 2);
    let table = scene.histo(&path).run().fine();
    let lambdas: u64 = table
        .rows
        .iter()
        .filter(|(name, _)| name.starts_with("com.example.Main$$Lambda"))
        .map(|(_, count)| count.instances)
        .sum();
    assert_eq!(lambdas, 5);
}

#[test]
fn hidden_classes_of_two_runs_are_joined_by_a_diff() {
    // The address in the name differs from run to run, and says nothing.
    let heap = |address: &str, instances| {
        let mut jvm = Jvm::default_heap();
        let class = jvm.class(&format!("com/example/Main$$Lambda+0x{address}")).define();
        for _ in 0..instances {
            jvm.blank(class);
        }
        jvm
    };
    let scene = Scene::new();
    let one = dump_at(&scene, "1.hprof", &heap("00007f0001000400", 2), 0);
    let two = dump_at(&scene, "2.hprof", &heap("00007fa4c8abc000", 5), 1);
    let json = diff(&scene, &[&one, &two], &[]);
    let rows: Vec<&Json> =
        rows(&json, "classes").filter(|r| text(r, "name").contains("Main$$Lambda")).collect();
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0]["instances"], serde_json::json!([2, 5]));
}

#[test]
fn names_in_modified_utf8_are_decoded() {
    let names =
        ["com/example/Größe", "com/example/名前", "com/example/Emoji😀", "com/example/Z\u{0}"];
    assert_eq!(modified_utf8("\u{0}"), [0xC0, 0x80]);
    assert_eq!(modified_utf8("😀"), [0xED, 0xA0, 0xBD, 0xED, 0xB8, 0x80]);
    let mut jvm = Jvm::small();
    for (i, name) in (1..).zip(names) {
        let class = jvm.class(name).define();
        for _ in 0..i {
            jvm.blank(class);
        }
    }
    let scene = Scene::new();
    let path = scene.file("unicode.hprof", &jvm.write().bytes);
    let table = scene.histo(&path).run().fine();
    assert_eq!(table.count("com.example.Größe"), 1, "{:?}", table.rows.keys());
    assert_eq!(table.count("com.example.名前"), 2);
    assert_eq!(table.count("com.example.Emoji😀"), 3);
    let text = scene.histo_text(&path).run().stdout_text();
    for name in ["Größe", "名前", "Emoji😀"] {
        assert!(text.contains(name), "{name} in {text}");
    }
    assert!(!text.contains('\0'), "{text}");
}

#[test]
fn classes_of_one_name_in_two_loaders_are_two_rows() {
    let mut jvm = Jvm::default_heap();
    let loader = jvm.known("jdk/internal/loader/ClassLoaders$AppClassLoader");
    let name = jvm.string("plugin");
    let plugin = jvm.instance(loader, &[Value::Ref(0), Value::Ref(name)]);
    let classes: Vec<Class> = [0, plugin]
        .into_iter()
        .map(|loader| jvm.class("com/example/Twice").loaded_by(loader).define())
        .collect();
    for (class, count) in classes.into_iter().zip([3, 4]) {
        for _ in 0..count {
            jvm.blank(class);
        }
    }
    let scene = Scene::new();
    let path = scene.file("loaders.hprof", &jvm.write().bytes);
    let table = scene.histo(&path).run().fine();
    let mut twice: Vec<(String, u64)> = rows(&table.json, "classes")
        .filter(|row| row["name"] == "com.example.Twice")
        .map(|row| (text(row, "loader").to_owned(), row["instances"].as_u64().expect("a count")))
        .collect();
    twice.sort_by_key(|row| row.1);
    assert_eq!(twice.len(), 2, "{twice:?}");
    assert_eq!((twice[0].1, twice[1].1), (3, 4));
    assert_eq!(twice[0].0, "boot");
    assert_ne!(twice[1].0, "boot", "{twice:?}");
}

// ---------------------------------------------------------------------------------------------------------------
// What the JVM adds

#[test]
fn static_fields_that_the_jvm_made_up_take_no_space() {
    let mut jvm = Jvm::default_heap();
    let objects = jvm.known("[Ljava/lang/Object;");
    let resolved = jvm.object_array(objects, &[0, 0]);
    let lock = jvm.primitive_array(Type::Int, 0);
    for i in 0..5 {
        jvm.class(&format!("com/example/Constants{i}"))
            .static_field("<resolved_references>", Value::Ref(resolved))
            .static_field("<resolved_references>", Value::Ref(resolved))
            .static_field("<init_lock>", Value::Ref(lock))
            .static_field("REAL", Value::Ref(resolved))
            .define();
    }
    let table = Scene::new().table(&jvm.write().bytes);
    assert_exact(&table, &jvm);
}

#[test]
fn classes_loaded_twice_do_not_count_twice() {
    let jvm = Jvm::default_heap();
    let mut file = Hprof::new(Version::V102, jvm.shape.ids);
    jvm.write_symbols(&mut file);
    let loads = file.all(record::LOAD_CLASS);
    // As JDK 11 and 17 do for array classes: the same class, another serial.
    for (serial, load) in (1000_u32..).zip(loads) {
        let mut body = file.bytes[load.body()..load.end].to_vec();
        body[..4].copy_from_slice(&serial.to_be_bytes());
        file.raw_record(record::LOAD_CLASS, &body);
    }
    file.dump(&jvm.all_subs(), Framing::Segments(2000));
    let table = Scene::new().table(&file.bytes);
    assert_exact(&table, &jvm);
    assert!(table.warnings().is_empty(), "{:?}", table.warnings());
}

#[test]
fn archived_mirrors_that_have_no_record_count_as_java_lang_class() {
    // The class-data archive holds java.lang.Class objects of classes that were never loaded. No record tells of them,
    // but an Object[] refers to them, and the addresses around them show their size.
    let mut jvm = Jvm::default_heap();
    let mut dormant = Vec::new();
    for size in [112, 128, 112, 120] {
        dormant.push(jvm.next_address());
        jvm.skip_addresses(size);
    }
    let objects = jvm.known("[Ljava/lang/Object;");
    jvm.object_array(objects, &[dormant.clone(), dormant].concat());
    let mut expected = jvm.histogram()["java.lang.Class"];
    expected.instances += 4;
    expected.shallow_bytes += 112 + 128 + 112 + 120;
    let table = Scene::new().table(&jvm.write().bytes);
    assert_eq!(table.rows["java.lang.Class"], expected);
}

#[test]
fn room_among_archived_mirrors_is_in_doubt_and_room_elsewhere_is_not() {
    let sizes = |hole_in_archive: bool, hole_elsewhere: bool| {
        let mut jvm = Jvm::default_heap();
        let node = jvm.known("com/example/Node");
        let objects = jvm.known("[Ljava/lang/Object;");
        // A class of the boot loader there, so that the objects around it are looked at.
        jvm.skip_addresses(8 << 20);
        jvm.class("java/lang/LoadedLate").define();
        jvm.blank(node);
        if hole_elsewhere {
            jvm.skip_addresses(128);
        }
        jvm.blank(node);
        jvm.skip_addresses(8 << 20);
        jvm.class("java/lang/Archived").define();
        let dormant = jvm.next_address();
        jvm.skip_addresses(112);
        jvm.blank(node);
        if hole_in_archive {
            jvm.skip_addresses(128);
        }
        jvm.object_array(objects, &[dormant]);
        let table = Scene::new().table(&jvm.write().bytes);
        table.sizes().to_owned()
    };
    assert_eq!(sizes(false, false), "exact");
    assert_eq!(sizes(false, true), "exact");
    assert_eq!(sizes(true, false), "consistent");
    assert_eq!(sizes(true, true), "consistent");
}

#[test]
fn garbage_between_objects_does_not_change_their_sizes() {
    let mut jvm = Jvm::default_heap();
    let node = jvm.known("com/example/Node");
    for i in 0..200 {
        jvm.blank(node);
        if i % 20 == 0 {
            jvm.skip_addresses(1 << 16);
        }
    }
    assert_exact(&Scene::new().table(&jvm.write().bytes), &jvm);
}

// ---------------------------------------------------------------------------------------------------------------
// Tables

fn dump_at(scene: &Scene, name: &str, jvm: &Jvm, hour: u64) -> PathBuf {
    let file = jvm.file().time_ms(DEFAULT_TIME_MS + hour * 3_600_000).write();
    scene.file(name, &file.bytes)
}

fn diff(scene: &Scene, dumps: &[&Path], args: &[&str]) -> Json {
    let outcome = scene.tool().args(["diff", "--format", "json"]).args(args).args(dumps).run();
    assert_eq!(outcome.code, 0, "{outcome}");
    outcome.json()
}

fn rows<'j>(json: &'j Json, table: &str) -> impl Iterator<Item = &'j Json> {
    json[table].as_array().unwrap_or_else(|| panic!("{table} in {json}")).iter()
}

fn text<'j>(row: &'j Json, key: &str) -> &'j str {
    row[key].as_str().unwrap_or_else(|| panic!("{key} in {row}"))
}

fn series(row: &Json, key: &str) -> Vec<u64> {
    let values = row[key].as_array().unwrap_or_else(|| panic!("{key} in {row}"));
    values.iter().map(|v| v.as_u64().expect("a number")).collect()
}

/// The sum of a column of series.
fn sum<'j>(rows: impl Iterator<Item = &'j Json>, key: &str, dumps: usize) -> Vec<u64> {
    let mut sums = vec![0; dumps];
    for row in rows {
        for (sum, value) in sums.iter_mut().zip(series(row, key)) {
            *sum += value;
        }
    }
    sums
}

/// Heaps that grow, shrink and change, of one process.
fn history(dumps: usize) -> Vec<Jvm> {
    (0..dumps)
        .map(|i| {
            let mut jvm = Jvm::default_heap();
            let node = jvm.known("com/example/Node");
            for _ in 0..i * 10 {
                jvm.blank(node);
            }
            let objects = jvm.known("[Ljava/lang/Object;");
            for length in [1 << i, 100 + i, 1000] {
                jvm.object_array(objects, &vec![0; length]);
                jvm.primitive_array(Type::Long, length);
                jvm.primitive_array(Type::Byte, length * 3);
            }
            if i % 2 == 1 {
                let odd = jvm.class("org/odd/Visitor").define();
                jvm.blank(odd);
            }
            jvm
        })
        .collect()
}

fn write_history(scene: &Scene, heaps: &[Jvm]) -> Vec<PathBuf> {
    let numbered = heaps.iter().enumerate();
    numbered.map(|(i, jvm)| dump_at(scene, &format!("{i}.hprof"), jvm, i as u64)).collect()
}

#[test]
fn every_table_of_a_diff_adds_up_to_the_total() {
    let scene = Scene::new();
    let heaps = history(4);
    let paths = write_history(&scene, &heaps);
    let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    for args in [
        &["--by", "class,array-length,package,loader"][..],
        &["--by", "class,package,loader", "--top", "3"],
    ] {
        let json = diff(&scene, &paths, args);
        for (i, jvm) in heaps.iter().enumerate() {
            let expected: u64 = total(&jvm.histogram());
            assert_eq!(series(&json["total"], "instances")[i], expected, "dump {i}");
            let bytes: u64 = jvm.histogram().values().map(|c| c.shallow_bytes).sum();
            assert_eq!(series(&json["total"], "shallow_bytes")[i], bytes, "dump {i}");
        }
        for table in ["classes", "packages", "loaders"] {
            for key in ["instances", "shallow_bytes"] {
                let sums = sum(rows(&json, table), key, 4);
                assert_eq!(sums, series(&json["total"], key), "{table}.{key} {args:?}");
            }
        }
    }
}

#[test]
fn the_array_length_rows_of_a_class_add_up_to_its_class_row() {
    let scene = Scene::new();
    let paths = write_history(&scene, &history(3));
    let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    let json = diff(&scene, &paths, &["--by", "class,array-length", "--top", "100000"]);
    let arrays: Vec<&Json> =
        rows(&json, "classes").filter(|r| text(r, "name").ends_with("[]")).collect();
    assert!(arrays.len() >= 10, "{arrays:?}");
    for row in arrays {
        let name = text(row, "name");
        let lengths = || rows(&json, "array_lengths").filter(|r| r["class"] == name);
        for key in ["instances", "shallow_bytes"] {
            assert_eq!(sum(lengths(), key, 3), series(row, key), "{name}.{key}");
        }
    }
    for row in rows(&json, "array_lengths").filter(|r| text(r, "class") != "(other)") {
        let length = &row["length"];
        let is_bucket = length["from"].is_u64() && length["to"].as_u64() >= length["from"].as_u64();
        assert!(length.is_u64() || is_bucket, "{row}");
        if text(row, "class") == "java.lang.Object[]" {
            assert!(length.is_u64(), "lengths of object arrays are exact: {row}");
        }
    }
    // One length is one row: 8 longs, which is a power of two, too.
    let thousand: Vec<u64> = rows(&json, "array_lengths")
        .filter(|r| r["class"] == "java.lang.Object[]" && r["length"] == 1000)
        .flat_map(|r| series(r, "instances"))
        .collect();
    assert_eq!(thousand, [1, 1, 1]);
}

#[test]
fn the_array_lengths_of_one_dump_add_up_too() {
    let scene = Scene::new();
    let path = dump_at(&scene, "1.hprof", &history(3)[2], 0);
    let run =
        |by: &str| scene.tool().args(["histo", "--format", "json", "--by", by]).arg(&path).run();
    let classes = scene.histo(&path).run().fine();
    let lengths = run("array-length");
    assert_eq!(lengths.code, 0, "{lengths}");
    let json = lengths.json();
    let mut by_class: BTreeMap<String, Count> = BTreeMap::new();
    for row in rows(&json, "array_lengths") {
        let sum = by_class.entry(text(row, "class").to_owned()).or_default();
        sum.instances += row["instances"].as_u64().expect("a number");
        sum.shallow_bytes += row["shallow_bytes"].as_u64().expect("a number");
    }
    for (name, count) in classes.rows.iter().filter(|(name, _)| name.ends_with("[]")) {
        assert_eq!(by_class.get(name), Some(count), "{name}");
    }
    for (by, table) in [("package", "packages"), ("loader", "loaders")] {
        let json = run(by).json();
        for (key, expected) in
            [("instances", classes.total.instances), ("shallow_bytes", classes.total.shallow_bytes)]
        {
            let sum: u64 = rows(&json, table).map(|row| row[key].as_u64().expect("a number")).sum();
            assert_eq!(sum, expected, "{table}.{key}");
        }
    }
}

#[test]
fn a_diff_of_equal_heaps_is_flat() {
    let scene = Scene::new();
    let jvm = Jvm::default_heap();
    let paths: Vec<PathBuf> =
        (0..3).map(|i| dump_at(&scene, &format!("{i}.hprof"), &jvm, i)).collect();
    let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    let json = diff(&scene, &paths, &["--top", "100000"]);
    for row in rows(&json, "classes") {
        assert_eq!(row["trend"], "flat", "{row}");
    }
    let totals = series(&json["total"], "instances");
    assert_eq!(totals, [jvm.object_count(); 3]);
}

#[test]
fn a_diff_names_what_is_new_gone_rising_and_falling() {
    let scene = Scene::new();
    let heaps: Vec<Jvm> = (0..5)
        .map(|i: i32| {
            let mut jvm = Jvm::default_heap();
            for (name, count) in [
                ("org/t/Rising", 100 * (i + 1)),
                ("org/t/Falling", 100 * (5 - i)),
                ("org/t/Flat", 50),
                ("org/t/New", if i == 4 { 100 } else { 0 }),
                ("org/t/Gone", if i < 2 { 100 } else { 0 }),
            ] {
                let class = jvm.class(name).field("a", Type::Long).define();
                for _ in 0..count {
                    jvm.blank(class);
                }
            }
            jvm
        })
        .collect();
    let paths = write_history(&scene, &heaps);
    let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    let json = diff(&scene, &paths, &["--top", "100000"]);
    let row = |name: &str| {
        let found = rows(&json, "classes").find(|r| r["name"] == name);
        found.unwrap_or_else(|| panic!("{name} in {json}"))
    };
    assert_eq!(series(row("org.t.Rising"), "instances"), [100, 200, 300, 400, 500]);
    for (name, trend) in [
        ("org.t.Rising", "rising"),
        ("org.t.Falling", "falling"),
        ("org.t.Flat", "flat"),
        ("org.t.New", "new"),
        ("org.t.Gone", "gone"),
    ] {
        assert_eq!(row(name)["trend"], trend, "{name}: {}", row(name));
    }
}

#[test]
fn top_and_filter_choose_rows_and_keep_the_sum_honest() {
    let jvm = Jvm::default_heap();
    let scene = Scene::new();
    let path = scene.file("heap.hprof", &jvm.write().bytes);
    let all = scene.histo(&path).run().fine();
    let top = scene.histo(&path).args(["--top", "3"]).run().fine();
    assert_eq!(top.total, all.total, "the total is of the heap, not of the rows");
    assert!(top.rows.len() <= 4, "three and the others: {:?}", top.rows);
    let largest = all.rows.values().map(|c| c.shallow_bytes).max();
    assert_eq!(
        rows(&top.json, "classes").next().and_then(|r| r["shallow_bytes"].as_u64()),
        largest
    );
    let filtered = scene.histo(&path).args(["--filter", r"^com\.example\."]).run();
    assert_eq!(filtered.code, 0, "{filtered}");
    let names: Vec<String> =
        rows(&filtered.json(), "classes").map(|r| text(r, "name").to_owned()).collect();
    for name in ["com.example.AllTypes", "com.example.Node"] {
        assert!(names.iter().any(|n| n == name), "{names:?}");
    }
    assert!(!names.iter().any(|n| n == "java.lang.String"), "{names:?}");
}

#[test]
fn rows_are_in_a_total_order() {
    // Many classes of one size: nothing but the name can tell them apart.
    let mut jvm = Jvm::small();
    let mut names: Vec<String> =
        (0..40).map(|i| format!("com/example/C{:02}", (i * 17) % 40)).collect();
    for name in &names {
        let class = jvm.class(name).define();
        jvm.blank(class);
    }
    names.sort();
    let scene = Scene::new();
    let table = scene.table(&jvm.write().bytes);
    let sizes: Vec<u64> =
        rows(&table.json, "classes").map(|r| r["shallow_bytes"].as_u64().unwrap_or(0)).collect();
    assert!(sizes.is_sorted_by(|a, b| a >= b), "{sizes:?}");
    let found: Vec<String> = rows(&table.json, "classes")
        .map(|r| text(r, "name").to_owned())
        .filter(|name| name.starts_with("com.example.C"))
        .collect();
    let expected: Vec<String> = names.iter().map(|name| source_name(name)).collect();
    assert_eq!(found, expected);
}

#[test]
fn text_csv_and_json_tell_the_same() {
    let jvm = Jvm::default_heap();
    let scene = Scene::new();
    let path = scene.file("heap.hprof", &jvm.write().bytes);
    let text = scene.histo_text(&path).run();
    assert_eq!(text.code, 0, "{text}");
    let csv = scene.tool().args(["histo", "--format", "csv"]).arg(&path).run();
    assert_eq!(csv.code, 0, "{csv}");
    let csv = csv.stdout_text();
    for (name, count) in jvm.histogram() {
        let line =
            csv.lines().find(|line| line.split(',').any(|cell| cell.trim_matches('"') == name));
        let line = line.unwrap_or_else(|| panic!("{name} in {csv}"));
        let cells: Vec<&str> = line.split(',').collect();
        for number in [count.instances, count.shallow_bytes] {
            assert!(cells.contains(&&*number.to_string()), "{number} in {line}");
        }
    }
    assert!(csv.lines().next().is_some_and(|header| header.contains("instances")), "{csv}");
    let whole = text.stdout_text();
    assert!(numbers(&whole).contains(&jvm.object_count()), "the total is in the text: {text}");
    assert!(!whole.contains("INCOMPLETE"), "{text}");
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let scene = Scene::new();
    let path = scene.file("heap.hprof", &Jvm::small().write().bytes);
    let path = path.to_str().expect("a path");
    for args in [
        &[][..],
        &["nonsense"],
        &["histo"],
        &["info"],
        &["diff"],
        &["histo", "--nonsense", path],
        &["histo", "--format", "xml", path],
        &["histo", "--by", "colour", path],
        &["histo", "--top", "many", path],
        &["histo", "--filter", "(", path],
        &["histo", "--jobs", "many", path],
        &["diff", "--by", "colour", path, path],
    ] {
        let outcome = scene.tool().args(args).run();
        assert_eq!(outcome.code, 2, "{outcome}");
        assert!(outcome.stdout.is_empty(), "{outcome}");
        assert!(!outcome.stderr.is_empty(), "{outcome}");
    }
}

// ---------------------------------------------------------------------------------------------------------------
// Properties

#[derive(Clone, Debug)]
enum Piece {
    Class { parent: usize, fields: Vec<usize>, statics: Vec<usize> },
    Instances { class: usize, count: usize },
    Primitive { element: usize, length: usize },
    Objects { length: usize },
    Text(String),
    Garbage(u64),
}

fn pieces() -> impl Strategy<Value = Vec<Piece>> {
    let kinds = || prop::collection::vec(0..9_usize, 0..8);
    let piece = prop_oneof![
        (0..20_usize, kinds(), kinds()).prop_map(|(parent, fields, statics)| Piece::Class {
            parent,
            fields,
            statics
        }),
        (0..20_usize, 0..40_usize).prop_map(|(class, count)| Piece::Instances { class, count }),
        (0..8_usize, 0..300_usize)
            .prop_map(|(element, length)| Piece::Primitive { element, length }),
        (0..100_usize).prop_map(|length| Piece::Objects { length }),
        "[ -~]{0,30}".prop_map(Piece::Text),
        (1..1000_u64).prop_map(|words| Piece::Garbage(8 * words)),
    ];
    prop::collection::vec(piece, 0..60)
}

fn build(pieces: &[Piece], shape: Shape) -> Jvm {
    let kinds = [&[Type::Object][..], &Type::PRIMITIVE].concat();
    let mut jvm = Jvm::plausible(shape);
    let mut classes = vec![jvm.known("com/example/Node")];
    let objects = jvm.known("[Ljava/lang/Object;");
    for piece in pieces {
        match piece {
            Piece::Class { parent, fields, statics } => {
                let name = format!("com/example/gen{}/C{}", classes.len() % 3, classes.len());
                let mut class = jvm.class(&name).extends(classes[parent % classes.len()]);
                for (i, &kind) in fields.iter().enumerate() {
                    class = class.field(&format!("f{i}"), kinds[kind]);
                }
                for (i, &kind) in statics.iter().enumerate() {
                    class = class.static_field(&format!("s{i}"), Value::zero(kinds[kind]));
                }
                classes.push(class.define());
            }
            Piece::Instances { class, count } => {
                for _ in 0..*count {
                    jvm.blank(classes[class % classes.len()]);
                }
            }
            Piece::Primitive { element, length } => {
                jvm.primitive_array(Type::PRIMITIVE[*element], *length);
            }
            Piece::Objects { length } => {
                jvm.object_array(objects, &vec![classes[0].id; *length]);
            }
            Piece::Text(text) => {
                jvm.string(text);
            }
            Piece::Garbage(bytes) => jvm.skip_addresses(*bytes),
        }
    }
    jvm
}

/// Runs `check` on random heaps; the seed is fixed, so that a failure comes again.
fn for_random_heaps(cases: u32, check: impl Fn(&[Piece], usize)) {
    let config =
        Config { cases, failure_persistence: None, max_shrink_iters: 60, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(
        config,
        prop::test_runner::TestRng::deterministic_rng(prop::test_runner::RngAlgorithm::ChaCha),
    );
    let result = runner.run(&(pieces(), 1..5000_usize), |(pieces, segment)| {
        check(&pieces, segment);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

#[test]
fn random_heaps_have_the_histogram_of_the_model_however_they_are_framed() {
    for shape in [Shape::COMPRESSED, Shape::WIDE] {
        for_random_heaps(40, |pieces, segment| {
            let jvm = build(pieces, shape);
            let scene = Scene::new();
            let one =
                scene.table(&jvm.file().version(Version::V101).framing(Framing::One).write().bytes);
            assert_exact(&one, &jvm);
            let many = scene
                .table(&jvm.file().framing(Framing::Segments(segment)).roots_first().write().bytes);
            assert_eq!(many.json, one.json, "one record and segments of {segment}");
        });
    }
}

#[test]
fn random_heaps_of_32_bit_jvms_have_the_counts_of_the_model() {
    for_random_heaps(20, |pieces, segment| {
        let jvm = build(pieces, Shape::NARROW);
        let table =
            Scene::new().table(&jvm.file().framing(Framing::Segments(segment)).write().bytes);
        table.assert_counts(&counts(&jvm), "32 bits");
    });
}

#[test]
fn random_heaps_have_tables_that_add_up() {
    for_random_heaps(15, |pieces, _| {
        let (small, large) = (build(&[], Shape::COMPRESSED), build(pieces, Shape::COMPRESSED));
        let scene = Scene::new();
        let paths = [dump_at(&scene, "1.hprof", &small, 0), dump_at(&scene, "2.hprof", &large, 1)];
        let by = ["--by", "class,array-length,package,loader", "--top", "100000"];
        let json = diff(&scene, &[&paths[0], &paths[1]], &by);
        for key in ["instances", "shallow_bytes"] {
            let expected = series(&json["total"], key);
            for table in ["classes", "packages", "loaders"] {
                assert_eq!(sum(rows(&json, table), key, 2), expected, "{table}.{key}");
            }
            for row in rows(&json, "classes").filter(|r| text(r, "name").ends_with("[]")) {
                let lengths = rows(&json, "array_lengths").filter(|r| r["class"] == row["name"]);
                assert_eq!(sum(lengths, key, 2), series(row, key), "{}.{key}", row["name"]);
            }
        }
    });
}
