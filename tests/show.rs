//! `show` on the committed dumps: what is shown is true, and adds up.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use heapdrift::index::array::Budget;
use heapdrift::index::heap::{Classes, Heap};
use heapdrift::index::referrers::{Lookup, Roots, Tracer, trace};
use heapdrift::index::scan::Silent;
use heapdrift::index::store::{HeapIndex, Level};
use heapdrift::index::tree::topmost;
use heapdrift::source::Source;
use serde_json::Value;
use support::synth::{ClassDump, Framing, Hprof, IdSize, Subs, Type, Version};
use tempfile::TempDir;

const LEAK: &str = "tests/dumps/sdk-client-leak/2.hprof.gz";
const REAPER: &str = "com.cloudsdk.http.IdleConnectionReaper";

/// A directory for indexes, and the dump that is shown.
struct Scene {
    indexes: TempDir,
    dump: String,
}

impl Scene {
    fn new(dump: &str) -> Self {
        Self { indexes: TempDir::new().expect("a directory"), dump: dump.to_owned() }
    }

    fn of(folder: &str) -> Self {
        Self::new(&format!("tests/dumps/{folder}/1.hprof.gz"))
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_heapdrift"))
            .args(["show", &self.dump, "--index-dir"])
            .arg(self.indexes.path())
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("the binary runs")
    }

    fn text(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[&["--format", "json"], arguments].concat());
        assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
        serde_json::from_slice(&output.stdout).expect("valid JSON")
    }

    /// The ids of the instances of a class, most retained first.
    fn ids(&self, class: &str) -> Vec<String> {
        let report = self.json(&["--class", &format!("^{class}$"), "--top", "100000"]);
        list(&report["objects"]).iter().map(|row| text(&row["id"]).to_owned()).collect()
    }

    fn object(&self, id: &str) -> Value {
        self.json(&["--object", id, "--top", "1000"])
    }

    fn index(&self) -> PathBuf {
        let mut files: Vec<_> = fs::read_dir(self.indexes.path())
            .expect("readable")
            .map(|entry| entry.expect("readable").path())
            .collect();
        assert_eq!(files.len(), 1, "one index and nothing else: {files:?}");
        files.remove(0)
    }
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn number(value: &Value) -> u64 {
    value.as_u64().expect("a number")
}

/// The row of a field or static field.
fn field<'a>(rows: &'a Value, name: &str) -> &'a Value {
    list(rows).iter().find(|row| row["name"] == name).expect("the field is there")
}

/// What is on a path: fields and classes, from the root on.
fn steps(report: &Value) -> Vec<(Option<&str>, String)> {
    let step = |row: &'_ Value| match row["object"]["of"].as_str() {
        Some(of) => format!("class {of}"),
        None => text(&row["object"]["class"]).to_owned(),
    };
    list(&report["path"]).iter().map(|row| (row["field"].as_str(), step(row))).collect()
}

/// Every row of a tree retains what it holds itself and what stands below it.
fn check_tree(row: &Value, rows_below: &[Value]) {
    let below: u64 = rows_below.iter().map(|row| number(&row["retained_bytes"])).sum();
    let objects: u64 = rows_below.iter().map(|row| number(&row["retained_objects"])).sum();
    if !rows_below.is_empty() {
        assert_eq!(
            number(&row["retained_bytes"]),
            number(&row["shallow_bytes"]) + below,
            "{}",
            row["class"]
        );
        assert_eq!(number(&row["retained_objects"]), number(&row["instances"]) + objects);
    }
    for row in rows_below {
        check_tree(row, row["children"].as_array().map_or(&[], Vec::as_slice));
    }
}

#[test]
fn levels_and_the_dominator_tree_add_up_and_the_largest_come_first() {
    for folder in ["sdk-client-leak", "jdk17-not-live", "jdk25-zgc-references"] {
        let scene = Scene::of(folder);
        let report = scene.json(&["--depth", "6"]);
        let levels = list(&report["levels"]);
        let sum = |name: &str| levels.iter().map(|row| number(&row[name])).sum::<u64>();
        let archived = number(&report["dump"]["objects"]) - sum("objects");
        let live = number(&levels[0]["objects"]);
        assert!(archived < 2000 && live > 5000, "{folder}: {archived} archived, {live} live");
        let largest: Vec<u64> =
            list(&report["objects"]).iter().map(|row| number(&row["retained_bytes"])).collect();
        assert_eq!(largest.len(), 50);
        assert!(largest.is_sorted_by(|a, b| a >= b));
        let root = serde_json::json!({
            "class": "strong", "instances": 0, "shallow_bytes": 0,
            "retained_bytes": levels[0]["shallow_bytes"], "retained_objects": levels[0]["objects"],
        });
        check_tree(&root, list(&report["tree"]));
        let classes = list(&report["classes"]);
        for row in classes {
            let retained = number(&row["retained_bytes"]);
            assert!(retained > 0 && number(&row["instances"]) > 0, "{row}");
            assert!(retained <= number(&levels[0]["shallow_bytes"]), "{row}");
        }
    }
}

#[test]
fn the_leak_is_the_first_line_and_the_tree_leads_to_what_leaks() {
    let scene = Scene::new(LEAK);
    let report = scene.json(&[]);
    assert_eq!(report["objects"][0]["of"], REAPER);
    let mut row = &report["tree"][0];
    let mut names = Vec::new();
    while let Some(below) = row["children"].as_array() {
        names.push(text(&row["class"]));
        row = &below[0];
    }
    let wanted = [
        "java.lang.Class",
        "java.util.HashMap",
        "java.util.HashMap$Node[]",
        "java.util.HashMap$Node",
    ];
    assert_eq!(names, wanted);
    assert_eq!(row["class"], "com.cloudsdk.http.PoolingConnectionManager");
    let managers = list(&report["classes"])
        .iter()
        .find(|row| row["name"] == "com.cloudsdk.http.PoolingConnectionManager")
        .expect("the class is there");
    assert_eq!(number(&managers["instances"]), 6000);
    let reaper = number(&report["objects"][0]["retained_bytes"]);
    let retained = number(&managers["retained_bytes"]);
    assert!(retained < reaper && retained > reaper / 2, "{retained} of {reaper}");
}

#[test]
fn kinds_of_roots_and_threads_are_listed_by_what_they_alone_keep() {
    for folder in ["sdk-client-leak", "jdk17-not-live", "jdk25-g1-virtual-threads"] {
        let scene = Scene::of(folder);
        let report = scene.json(&[]);
        let strong = number(&report["levels"][0]["shallow_bytes"]);
        for (rows, most) in [(&report["gc_roots"], 18), (&report["threads"], 10)] {
            let sizes: Vec<u64> =
                list(rows).iter().map(|row| number(&row["retained_bytes"])).collect();
            assert!((3..=most).contains(&sizes.len()), "{folder}: {rows}");
            assert!(sizes.is_sorted_by(|a, b| a >= b) && sizes[0] > 0, "{folder}: {rows}");
            assert!(sizes[0] < strong, "{folder}: {rows}");
        }
        let kinds: Vec<&str> =
            list(&report["gc_roots"]).iter().map(|row| text(&row["name"])).collect();
        assert!(kinds.contains(&"thread object"), "{folder}: {kinds:?}");
        let thread = &report["threads"][0];
        let object = scene.object(text(&thread["id"]));
        assert_eq!(object["object"]["id"], thread["id"]);
        let shown = scene.text(&[]);
        let name = thread["name"].as_str().unwrap_or("(unnamed)");
        assert!(shown.contains(&format!("{name} {}", text(&thread["id"]))), "{shown}");
    }
}

#[test]
fn topmost_instances_are_those_that_no_other_instance_dominates() {
    for folder in ["sdk-client-leak", "queue-backlog-leak", "jdk17-not-live"] {
        let scene = Scene::of(folder);
        scene.text(&["--depth", "0"]);
        let index = HeapIndex::open(&scene.index()).expect("an index");
        let kinds = index.kinds().count();
        let sets: Vec<Option<u32>> = (0..kinds as u32).map(Some).collect();
        let budget = Budget::new(1 << 30, scene.indexes.path());
        let sums = topmost(&index, &sets, kinds, &budget).expect("memory");
        // The same, by climbing from each object.
        let kind = |object| index.kind(object).expect("a kind").0 as usize;
        let mut climbed = vec![(0, 0, 0); kinds];
        for object in (0..index.objects()).filter(|object| index.level(*object) == Level::Strong) {
            let mut above =
                std::iter::successors(index.dominator(object), |at| index.dominator(*at));
            let sum = &mut climbed[kind(object)];
            sum.0 += 1;
            if above.all(|above| kind(above) != kind(object)) {
                sum.1 += 1;
                sum.2 += index.retained(object).bytes;
            }
        }
        for (sum, climbed) in sums.iter().zip(climbed) {
            assert_eq!((sum.objects, sum.topmost, sum.retained.bytes), climbed);
        }
    }
}

/// Of objects from all over a dump, roots and reference objects among them.
fn sampled(index: &HeapIndex, classes: &Classes) -> Vec<u64> {
    let is_reference = |object: &u64| {
        let class = index.kind(*object).and_then(|(_, kind)| kind.class);
        let class = class.and_then(|class| classes.all.get(class.0 as usize));
        class.is_some_and(|class| classes.is_a(class, "java.lang.ref.Reference"))
    };
    let step = (index.objects() / 300).max(1) as usize;
    let anywhere = (0..index.objects()).step_by(step);
    let references = (0..index.objects()).filter(is_reference).step_by(29).take(30);
    let weak = (0..index.objects()).filter(|object| index.level(*object) != Level::Strong);
    let class_objects = classes.all.iter().filter_map(|class| index.ordinal(class.id));
    let roots = index.roots().map(|root| root.object);
    let mut sampled: Vec<u64> =
        anywhere.chain(references).chain(weak.step_by(41).take(60)).collect();
    sampled.extend(class_objects.step_by(37).chain(roots.step_by(71)));
    sampled.extend(index.largest().iter().take(30));
    sampled.sort_unstable();
    sampled.dedup();
    sampled
}

#[test]
fn the_index_tells_the_referrers_and_the_path_that_a_walk_over_the_dump_finds() {
    let folders = [
        "sdk-client-leak",
        "queue-backlog-leak",
        "jdk17-not-live",
        "jdk17-zgc-hidden-classes",
        "jdk25-zgc-references",
        "jdk25-compact-headers",
    ];
    let mut found = 0;
    for folder in folders {
        let scene = Scene::of(folder);
        scene.text(&["--depth", "0"]);
        let index = HeapIndex::open(&scene.index()).expect("an index");
        let classes = Classes::of(&index).expect("classes");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&scene.dump);
        let mut source = Source::open(&path).expect("a dump");
        source.spool_in(scene.indexes.path()).expect("room");
        let bytes = source.mapped().expect("a file");
        let heap = Heap::new(&index, &classes, bytes).expect("a dump");
        let roots = Roots::of(&index);
        let of_frames = [0x02, 0x03, 0x04, 0x06];
        let is_root = |object: u64| {
            index.roots().any(|root| root.object == object && !of_frames.contains(&root.kind))
        };
        for object in sampled(&index, &classes) {
            let walks = AtomicUsize::new(0);
            let walking = || {
                walks.fetch_add(1, Ordering::Relaxed);
            };
            let trace = |lookup| {
                let tracer = Tracer {
                    heap: &heap,
                    roots: &roots,
                    progress: &Silent,
                    lookup,
                    walking: &walking,
                };
                trace(&tracer, object)
            };
            let by_index = trace(Lookup::Index);
            let walked = walks.load(Ordering::Relaxed);
            assert_eq!(walked, usize::from(is_root(object)), "{folder}: walks for {object}");
            assert_eq!(by_index, trace(Lookup::Dump), "{folder}: object {object}");
            found += by_index.referrers.references.len();
        }
    }
    assert!(found > 3000, "{found} references");
}

#[test]
fn the_path_to_a_leaked_object_begins_at_the_static_field_that_holds_it() {
    let scene = Scene::new(LEAK);
    let ids = scene.ids(r"com\.cloudsdk\.http\.ManagedConnection");
    assert_eq!(ids.len(), 6000);
    for id in [&ids[0], &ids[3333]] {
        let report = scene.object(id);
        assert_eq!(report["root"]["kind"], "system class");
        let steps = steps(&report);
        assert_eq!(steps[0], (None, format!("class {REAPER}")));
        assert_eq!(steps[1], (Some("static .connectionManagers"), "java.util.HashMap".to_owned()));
        assert_eq!(steps[2], (Some(".table"), "java.util.HashMap$Node[]".to_owned()));
        let fields: Vec<&str> = steps.iter().filter_map(|step| step.0).collect();
        for field in [".key", ".routeToPool", ".available"] {
            assert!(fields.contains(&field), "{fields:?}");
        }
        assert_eq!(steps.last().expect("steps").1, "com.cloudsdk.http.ManagedConnection");
        // Each object on the path does refer to the next one.
        for pair in list(&report["path"]).windows(2) {
            let from = scene.object(text(&pair[0]["object"]["id"]));
            let to = &pair[1]["object"]["id"];
            let rows = ["fields", "statics", "elements"].map(|name| from[name].as_array());
            let name =
                text(&pair[1]["field"]).trim_start_matches("static ").trim_start_matches('.');
            let is_there = |row: &&Value| row["name"] == name && row["id"] == *to;
            let array = from["elements"].is_array();
            assert!(
                array || rows.iter().flatten().any(|rows| rows.iter().any(|row| is_there(&row))),
                "{name}: {from}"
            );
        }
        let referrers = list(&report["referrers"]);
        assert_eq!(referrers.len(), 1);
        assert_eq!(referrers[0]["object"]["class"], "java.lang.Object[]");
        assert!(text(&referrers[0]["field"]).starts_with('['));
        assert_eq!(
            report["dominators"].as_array().and_then(|all| all.last()).expect("some")["of"],
            REAPER
        );
    }
}

#[test]
fn values_of_fields_are_shown_as_what_they_mean() {
    let scene = Scene::new(LEAK);
    let report = scene.object(&scene.ids(r"com\.cloudsdk\.http\.Route")[0]);
    assert_eq!(field(&report["fields"], "host")["value"], "\"store.example.com\"");
    assert_eq!(field(&report["fields"], "port")["value"], "443");
    assert_eq!(field(&report["fields"], "port")["type"], "int");
    assert_eq!(field(&report["fields"], "secure")["value"], "true");
    let report = scene.json(&["--class", &format!("^{REAPER}$")]);
    let class = scene.object(text(&report["class_objects"][0]["id"]));
    assert_eq!(field(&class["statics"], "connectionManagers")["value"], "6,000 entries");
    assert_eq!(field(&class["statics"], "instance")["value"], "java-sdk-http-connection-reaper");
    assert_eq!(field(&class["statics"], "PERIOD_MILLIS")["value"], "60000");
    let map = scene.object(text(&field(&class["statics"], "connectionManagers")["id"]));
    let entries = list(&map["entries"]);
    assert_eq!(entries.len(), 1000);
    for entry in entries {
        assert_eq!(entry["key"]["type"], "com.cloudsdk.http.PoolingConnectionManager");
        assert_eq!(entry["value"]["type"], "com.cloudsdk.http.ConnectionManagerParams");
    }
    let results = scene.ids(r"com\.example\.worker\.BatchWorker");
    let worker = scene.object(&results[0]);
    let results = field(&worker["fields"], "recentResults");
    assert_eq!(results["value"], "32 entries");
    let results = scene.object(text(&results["id"]));
    let first = &list(&results["entries"])[0]["value"]["value"];
    assert_eq!(first, "\"batch 5969 -> 200\"");
    let array = scene.object(text(&field(&results["fields"], "elements")["id"]));
    assert_eq!(list(&array["elements"]).len(), 32);
}

#[test]
fn collections_of_several_kinds_give_their_entries_in_order() {
    let queue = Scene::of("queue-backlog-leak");
    let report = queue.object(&queue.ids("java.util.concurrent.LinkedBlockingQueue")[0]);
    assert_eq!(report["value"], "1,000 entries");
    let entries = list(&report["entries"]);
    assert_eq!(entries.len(), 1000);
    let number_of = |entry: &Value| {
        let order = queue.object(text(&entry["value"]["id"]));
        field(&order["fields"], "number")["value"].clone()
    };
    assert_eq!(number_of(&entries[0]), "500");
    assert_eq!(number_of(&entries[999]), "1499");
    let lru = Scene::of("lru-cache-control");
    let report = lru.object(&lru.ids(r"com\.example\.controls\.LruCacheControl\$Lru")[0]);
    assert_eq!(report["value"], "2,000 entries");
    for (nth, entry) in list(&report["entries"]).iter().enumerate() {
        assert_eq!(text(&entry["key"]["value"]), (2000 + nth).to_string());
        let length = 64 + (2000 + nth) % 64;
        assert_eq!(text(&entry["value"]["type"]), format!("byte[{length}]"));
    }
}

#[test]
fn what_only_a_frame_holds_has_a_path_that_names_thread_and_frame() {
    let scene = Scene::of("jdk17-serial");
    let class = r"com\.example\.layouts\.PlatformThreads\$OnlyOnTheStack";
    let report = scene.object(&scene.ids(class)[0]);
    assert_eq!(report["root"]["kind"], "Java frame");
    assert!(text(&report["root"]["thread"]).starts_with("request-"));
    assert!(text(&report["root"]["frame"]).contains("PlatformThreads.descend("));
    assert_eq!(list(&report["path"]).len(), 1);
    let thread = &report["dominators"][0];
    assert_eq!(thread["class"], "com.example.layouts.PlatformThreads$RequestThread");
}

#[test]
fn the_middle_of_a_long_list_has_a_path_with_a_gap() {
    let scene = Scene::of("queue-backlog-leak");
    let orders = scene.ids(r"com\.example\.leaks\.QueueBacklogLeak\$Order");
    let report = scene.object(&orders[orders.len() / 2]);
    let steps = list(&report["path"]);
    let skipped: Vec<u64> =
        steps.iter().filter_map(|step| step["skipped_dominators"].as_u64()).collect();
    assert_eq!(skipped.len(), 1);
    assert!(skipped[0] > 100);
    assert_eq!(steps[0]["object"]["class"], "com.example.leaks.QueueBacklogLeak");
    assert_eq!(steps[1]["field"], ".backlog");
    assert_eq!(steps[steps.len() - 1]["field"], ".item");
    assert!(steps.iter().all(|step| step["unknown"].is_null()));
}

#[test]
fn weakly_reachable_objects_have_a_path_through_a_referent() {
    let scene = Scene::of("jdk17-jvm-gz-unicode");
    let soft = scene.json(&["--class", ".", "--top", "1000000"]);
    let soft = list(&soft["objects"])
        .iter()
        .find(|row| row["level"] != "strong" && row["level"] != "unreachable");
    let report = scene.object(text(&soft.expect("a softly reachable object")["id"]));
    let fields: Vec<&str> =
        list(&report["path"]).iter().filter_map(|row| row["field"].as_str()).collect();
    assert!(fields.contains(&".referent"), "{fields:?}");
    assert!(report["root"]["kind"].is_string());
}

#[test]
fn garbage_has_no_path() {
    let scene = Scene::of("jdk17-not-live");
    let all = scene.json(&["--class", ".", "--top", "1000000"]);
    let garbage = list(&all["objects"]).iter().find(|row| row["level"] == "unreachable");
    let report = scene.object(text(&garbage.expect("garbage")["id"]));
    assert!(report["root"].is_null());
    let id = text(&report["object"]["id"]);
    assert!(scene.text(&["--object", id]).contains("No root leads to it"));
}

#[test]
fn an_index_is_built_once_and_again_when_it_is_stale_or_damaged() {
    let scene = Scene::new("tests/dumps/jdk17-serial/1.hprof.gz");
    let built = |scene: &Scene| {
        let output = scene.run(&["--top", "3"]);
        assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
        errors(&output)
    };
    assert!(built(&scene).contains("building the index"));
    assert_eq!(built(&scene), "");
    let index = scene.index();
    let whole = fs::read(&index).expect("readable");
    fs::write(&index, &whole[..whole.len() / 2]).expect("writable");
    let said = built(&scene);
    assert!(said.contains("built anew"), "{said}");
    assert_eq!(built(&scene), "");
    let mut damaged = whole.clone();
    damaged[8] ^= 0x55;
    fs::write(&index, &damaged).expect("writable");
    assert!(built(&scene).contains("built anew"));
    assert_eq!(fs::read(&index).expect("readable").len(), whole.len());
    // The same name, another dump.
    let other = Scene {
        indexes: scene.indexes,
        dump: "tests/dumps/jdk25-no-shared-classes/1.hprof.gz".to_owned(),
    };
    let said = built(&other);
    assert!(said.contains("another dump"), "{said}");
    assert_eq!(built(&other), "");
}

#[test]
fn a_dump_in_a_place_that_cannot_be_written_to_is_indexed_in_the_cache() {
    let cache = TempDir::new().expect("a directory");
    // Nobody, not even root, can make files there.
    let run = || {
        let dump = fs::File::open(Path::new(env!("CARGO_MANIFEST_DIR")).join(LEAK));
        Command::new(env!("CARGO_BIN_EXE_heapdrift"))
            .args(["show", "/proc/self/fd/0", "--depth", "0"])
            .env("XDG_CACHE_HOME", cache.path())
            .stdin(Stdio::from(dump.expect("readable")))
            .output()
            .expect("the binary runs")
    };
    let output = run();
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    let directory = cache.path().join("heapdrift");
    assert!(errors(&output).contains(&*directory.to_string_lossy()), "{}", errors(&output));
    assert!(directory.is_dir());
    let again = run();
    assert_eq!(errors(&again), "");
    assert_eq!(again.stdout, output.stdout);
}

/// Two dumps in one file with ids of four bytes, in single records or in short segments: jobs in a
/// row, each with the next one, held by the first one's monitor.
fn two_dumps(framing: Framing) -> Hprof {
    const OBJECT: u64 = 0x5000_0002;
    const JOB: u64 = 0x5000_0010;
    let mut file = Hprof::new(Version::V102, IdSize::Four);
    for (id, name) in (1..).zip(["java/lang/Object", "com/example/Job", "state", "next"]) {
        file.utf8(id, name.as_bytes());
    }
    file.load_class(1, OBJECT, 1).load_class(2, JOB, 2);
    for jobs in [3, 300] {
        let mut subs = Subs::new(IdSize::Four);
        subs.root_monitor_used(0x5000_0100);
        for (id, super_id) in [(OBJECT, 0), (JOB, OBJECT)] {
            let fields =
                if super_id == 0 { vec![] } else { vec![(3, Type::Short), (4, Type::Object)] };
            let instance_size = 6 * u32::from(super_id != 0);
            subs.class_dump(&ClassDump {
                id,
                super_id,
                instance_size,
                fields,
                ..ClassDump::default()
            });
        }
        for nth in 0..jobs {
            let id = |nth: u32| 0x5000_0100 + 16 * nth;
            let next = if nth + 1 < jobs { id(nth + 1) } else { 0 };
            let state = -(nth as i16);
            let values = [&state.to_be_bytes()[..], &next.to_be_bytes()[..]].concat();
            subs.instance(id(nth).into(), JOB, &values);
        }
        file.dump(&subs, framing);
    }
    file
}

#[test]
fn each_dump_of_a_file_has_an_index_of_its_own() {
    for framing in [Framing::One, Framing::Segments(100)] {
        let directory = TempDir::new().expect("a directory");
        let path = directory.path().join("two.hprof");
        fs::write(&path, two_dumps(framing).bytes).expect("writable");
        let scene = Scene::new(&path.to_string_lossy());
        for (dump, jobs) in [(&["--dump", "1"][..], 3), (&["--dump", "2"], 300), (&[], 300)] {
            let report = scene.json(&[&["--class", "Job"], dump].concat());
            assert_eq!(number(&report["instances"]), jobs, "{framing:?}");
            let last = format!("{:#x}", 0x5000_0100 + 16 * (jobs - 1));
            let report = scene.json(&[&["--object", &last], dump].concat());
            assert_eq!(field(&report["fields"], "state")["value"], (1 - jobs as i64).to_string());
            assert_eq!(field(&report["fields"], "next")["value"], "null");
            assert_eq!(report["root"]["kind"], "monitor used");
            assert_eq!(report["referrers"][0]["field"], ".next");
            assert_eq!(report["path"][1]["field"], ".next");
        }
        let indexes = fs::read_dir(scene.indexes.path()).expect("readable").count();
        assert_eq!(indexes, 3);
    }
}

#[test]
fn mistakes_are_told_with_what_to_do() {
    let scene = Scene::of("jdk17-serial");
    let failed = |arguments: &[&str], exit: i32, words: &str| {
        let output = scene.run(arguments);
        assert_eq!(output.status.code(), Some(exit));
        assert!(errors(&output).contains(words), "{}", errors(&output));
        assert!(errors(&output).contains("help:"), "{}", errors(&output));
        assert!(output.stdout.is_empty());
    };
    failed(&["--object", "0x1"], 2, "no object has the id");
    failed(&["--object", "Thread"], 2, "no id");
    failed(&["--class", "NoSuchClass"], 2, "no class matches");
    let missing = Scene::new("no-such-file.hprof");
    assert_eq!(missing.run(&[]).status.code(), Some(3));
}

#[test]
fn the_same_bytes_for_any_number_of_threads() {
    let scene = Scene::new(LEAK);
    let id = &scene.ids(r"com\.cloudsdk\.http\.Route")[0];
    let one = scene.json(&["--jobs", "1", "--object", id]);
    assert_eq!(one, scene.json(&["--jobs", "2", "--object", id]));
    assert!(number(&one["referrers_total"]) > 10_000);
}
