//! The generator of large dumps (`examples/multiply`) makes dumps that heapdrift and any other reader accepts, and that
//! hold what they are meant to hold.

mod support;

#[path = "../examples/multiply/generator/mod.rs"]
mod generator;

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use generator::{Amount, Failure, Options, Written, multiply};
use heapdrift::parser::classes::{ClassRecord, ClassTable, Symbols};
use heapdrift::parser::header::parse_header;
use heapdrift::parser::heap::{HeapRecord, HeapRecords};
use heapdrift::parser::ids::ObjectId;
use heapdrift::parser::record::RECORD_HEADER;
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
            assert!(table.warnings().is_empty(), "{what}: {:?}", table.warnings());
            assert_multiplied(&table, &base, COPIES, &what);
            let classes = table.count("java.lang.Class") - table.json_archived();
            assert!(written.objects + classes >= table.total.instances, "{what}");
        }
    }
}
