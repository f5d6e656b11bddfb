//! Indexes on disk: when they are built and used again, and what is left when a build is killed, a disk is full, a
//! directory cannot be written to, or the index or the dump is damaged.

mod support;

#[path = "../examples/multiply/generator/mod.rs"]
#[allow(dead_code, reason = "its own tests use the rest")]
mod generator;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use generator::{Amount, Options, multiply};
use heapdrift::index::store::format::{Contents, Entry, HEADER, MAGIC};
use serde_json::Value;
use support::synth::{Class, Framing, Hprof, IdSize, Jvm, Type, Value as Field, Version};
use support::{Rng, gz};
use tempfile::TempDir;

const TOOL: &str = env!("CARGO_BIN_EXE_heapdrift");
/// The fastest of these runs take milliseconds, the slowest a few seconds.
const TIMEOUT: Duration = Duration::from_secs(60);
const LEAK: &str = "sdk-client-leak/2";
const SERIAL: &str = "jdk17-serial/1";

// --- running the tool ---------------------------------------------------------------------------------------------

/// A directory of dumps, and a user's cache.
struct Scene {
    root: TempDir,
}

impl Scene {
    fn new() -> Self {
        let root = TempDir::new().expect("a directory");
        for name in ["dumps", "cache", "home"] {
            fs::create_dir(root.path().join(name)).expect("a directory");
        }
        Self { root }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn dump(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path("dumps").join(name);
        fs::write(&path, bytes).expect("writable");
        path
    }

    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.path("dumps"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("HOME", self.path("home"))
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn tool(&self, arguments: &[&str]) -> Run {
        Run::of(self.command(TOOL).args(arguments))
    }

    /// Runs it, with exit code 0.
    fn fine(&self, arguments: &[&str]) -> Run {
        self.tool(arguments).exits(0)
    }

    fn json(&self, arguments: &[&str]) -> Value {
        self.fine(arguments).json()
    }

    /// What lies beside the dumps.
    fn names(&self) -> BTreeSet<String> {
        names(&self.path("dumps"))
    }
}

fn names(directory: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(directory).expect("readable");
    entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn is_unfinished(name: &str) -> bool {
    name.contains(".hdx-unfinished")
}

/// How a run ended.
struct Run {
    what: String,
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Run {
    #[track_caller]
    fn of(command: &mut Command) -> Self {
        let what = format!("{command:?}");
        let child = command.spawn().unwrap_or_else(|error| panic!("{what}: {error}"));
        Self::end(child, what)
    }

    /// Waits for the end; fails when it does not come or is a crash.
    #[track_caller]
    fn end(child: Child, what: String) -> Self {
        let id = child.id();
        let (sender, receiver) = std::sync::mpsc::channel();
        thread::spawn(move || sender.send(child.wait_with_output()));
        let Ok(output) = receiver.recv_timeout(TIMEOUT) else {
            signal(id, "KILL");
            panic!("{what} does not end");
        };
        let Output { status, stdout, stderr } = output.expect("its output");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let run = Self { what, code: status.code(), stdout: text(stdout), stderr: text(stderr) };
        assert!(matches!(run.code, Some(0 | 2 | 3)), "{status} is no exit code of ours: {run}");
        assert!(!run.stderr.contains("panicked at"), "{run}");
        run
    }

    #[track_caller]
    fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    #[track_caller]
    fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.stderr.contains(word), "{word:?} is not said: {self}");
        }
        self
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let stdout: String = self.stdout.chars().take(2000).collect();
        write!(f, "{}\n  code {:?}\n  {stdout}\n  {}", self.what, self.code, self.stderr)
    }
}

fn signal(process: u32, name: &str) {
    let kill = Command::new("kill").args(["-s", name, &process.to_string()]).output();
    kill.expect("kill runs");
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn index_of(dump: &Path) -> PathBuf {
    PathBuf::from(format!("{}.hdx", text(dump)))
}

/// A committed dump as it is, gzipped.
fn committed(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/dumps/{name}.hprof.gz"));
    fs::read(path).expect("a committed dump")
}

fn inflated(name: &str) -> Vec<u8> {
    gz::inflate(&committed(name)).expect("a gzip file")
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn rows(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list"))
}

/// The report without the name of the dump and what depends on the bytes it was read from.
fn without_path(mut report: Value) -> Value {
    report["dump"]["path"] = Value::Null;
    report
}

// --- building and using again -------------------------------------------------------------------------------------

#[test]
fn an_index_is_built_beside_the_dump_and_the_next_run_uses_it_unchanged() {
    for name in [LEAK, SERIAL, "jdk25-zgc-references/1"] {
        let scene = Scene::new();
        let dump = scene.dump("heap.hprof", &inflated(name));
        let run = scene.fine(&["index", "heap.hprof"]).says(&["building the index", "objects"]);
        assert!(run.stdout.is_empty(), "{run}");
        assert_eq!(scene.names(), set(&["heap.hprof", "heap.hprof.hdx"]));
        let index = index_of(&dump);
        let state = |index: &Path| {
            let metadata = fs::metadata(index).expect("an index");
            (fs::read(index).expect("readable"), metadata.modified().expect("a time"))
        };
        let before = state(&index);
        for arguments in [&["index"][..], &["show"], &["histo", "--retained"]] {
            let run = scene.fine(&[arguments, &["heap.hprof"]].concat());
            assert!(!run.stderr.contains("building"), "{run}");
        }
        assert!(before == state(&index), "{name}: the index is another one");
        for what in ["heap.hprof", "heap.hprof.hdx"] {
            scene.fine(&["verify", what]).says(&["all right"]);
        }
        assert_eq!(names(&scene.path("cache")), set(&[]));
    }
}

#[test]
fn the_index_has_the_same_bytes_for_any_number_of_threads_and_any_memory() {
    let scene = Scene::new();
    for name in [LEAK, "jdk17-not-live/1", "jdk25-g1-virtual-threads/1"] {
        let dump = scene.dump("heap.hprof", &inflated(name));
        let bytes = |arguments: &[&str]| {
            scene.fine(&[&["index", "-q", "heap.hprof"], arguments].concat());
            let index = index_of(&dump);
            let bytes = fs::read(&index).expect("an index");
            fs::remove_file(index).expect("removable");
            bytes
        };
        let expected = bytes(&[]);
        for arguments in [
            &["--jobs", "1"][..],
            &["--jobs", "2"],
            &["--jobs", "5"],
            &["--memory", "1M"],
            &["--memory", "1K", "--jobs", "3"],
        ] {
            assert!(bytes(arguments) == expected, "{name} {arguments:?}: other bytes");
        }
    }
}

#[test]
fn one_job_uses_one_processor() {
    if thread::available_parallelism().map_or(1, std::num::NonZero::get) < 2 {
        println!("SKIPPED: there is one processor only");
        return;
    }
    let scene = Scene::new();
    multiplied(&scene, LEAK, 100);
    // What the second busiest thread does, in per cent of all.
    let second = |jobs: &str| {
        let mut child = scene.command(TOOL);
        let mut child =
            child.args(["index", "-q", "--jobs", jobs, "large.hprof"]).spawn().expect("runs");
        // Clock ticks that each thread has used; threads that end are not forgotten.
        let mut ticks: BTreeMap<String, u64> = BTreeMap::new();
        while child.try_wait().expect("a child").is_none() {
            let tasks = fs::read_dir(format!("/proc/{}/task", child.id()));
            for task in tasks.into_iter().flatten().flatten() {
                let stat = fs::read_to_string(task.path().join("stat")).unwrap_or_default();
                let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
                let used = fields.skip(11).take(2).filter_map(|n| n.parse::<u64>().ok()).sum();
                ticks.insert(task.file_name().to_string_lossy().into_owned(), used);
            }
            thread::sleep(Duration::from_millis(5));
        }
        fs::remove_file(index_of(&scene.path("dumps/large.hprof"))).expect("an index");
        let all: u64 = ticks.values().sum();
        assert!(all >= 10, "too quick to be measured: {ticks:?}");
        let mut used: Vec<u64> = ticks.into_values().collect();
        used.sort_unstable();
        used.len().checked_sub(2).map_or(0, |at| used[at] * 100 / all)
    };
    assert!(second("1") < 10);
    // Other processes may keep a thread waiting, but not all the time.
    assert!(second("2") >= 3);
}

#[test]
fn a_gzipped_dump_and_its_plain_form_give_the_same_answers() {
    for name in [LEAK, "jdk17-jvm-gz-unicode/1"] {
        let scene = Scene::new();
        scene.dump("plain.hprof", &inflated(name));
        scene.dump("packed.hprof.gz", &committed(name));
        let both = |arguments: &[&str]| {
            let answer = |dump| without_path(scene.json(&[arguments, &[dump]].concat()));
            let (plain, packed) = (answer("plain.hprof"), answer("packed.hprof.gz"));
            assert_eq!(plain, packed, "{name} {arguments:?}");
            plain
        };
        let report = both(&["show", "--format", "json"]);
        both(&["show", "--class", ".", "--top", "3000", "--format", "json"]);
        both(&["histo", "--retained", "--format", "json"]);
        let objects = rows(&report["objects"]);
        assert_eq!(objects.len(), 50);
        for object in objects.iter().step_by(9) {
            let id = object["id"].as_str().expect("an id");
            let one = both(&["show", "--object", id, "--format", "json"]);
            assert_eq!(one["object"]["id"], id);
        }
        assert_eq!(
            scene.names(),
            set(&["packed.hprof.gz", "packed.hprof.gz.hdx", "plain.hprof", "plain.hprof.hdx"])
        );
    }
}

#[test]
fn two_runs_on_one_dump_at_once_both_succeed() {
    let scene = Scene::new();
    let dump = scene.dump("heap.hprof", &inflated(SERIAL));
    let index = index_of(&dump);
    let mut rng = Rng::new(5);
    for round in 0..25 {
        let _ = fs::remove_file(&index);
        let start = |arguments: &[&str]| {
            let mut command = scene.command(TOOL);
            let child = command.args(arguments).spawn().expect("it runs");
            (child, format!("round {round}: {arguments:?}"))
        };
        let mut children = Vec::new();
        for arguments in [&["index", "heap.hprof"][..], &["show", "heap.hprof"], &["index", "."]] {
            children.push(start(arguments));
            thread::sleep(Duration::from_micros(rng.next() % 20_000));
        }
        for (child, what) in children {
            Run::end(child, what).exits(0);
        }
        assert_eq!(scene.names(), set(&["heap.hprof", "heap.hprof.hdx"]), "round {round}");
    }
    scene.fine(&["verify", "heap.hprof"]);
}

#[test]
fn each_dump_of_a_file_is_indexed_by_its_number() {
    let first = Jvm::small();
    let mut second = first.clone();
    let extra: Vec<u64> =
        (0..40).map(|length| second.primitive_array(Type::Byte, length)).collect();
    let objects = second.known("java/lang/Object");
    for _ in &extra {
        second.blank(objects);
    }
    for framing in [Framing::One, Framing::Segments(1 << 10)] {
        let mut file = Hprof::new(Version::V102, IdSize::Eight);
        first.write_symbols(&mut file);
        file.dump(&first.all_subs(), framing).dump(&second.all_subs(), framing);
        let scene = Scene::new();
        scene.dump("two.hprof", &file.bytes);
        let objects = |arguments: &[&str], index: &str| {
            let run = scene.fine(&[&["index", "two.hprof"], arguments].concat());
            scene.fine(&["verify", index]);
            assert!(run.stderr.contains(index), "{run}");
            let all = ["show", "two.hprof", "--class", ".", "--format", "json"];
            number(&scene.json(&[&all, arguments].concat())["instances"])
        };
        assert_eq!(objects(&["--dump", "1"], "two.hprof.1.hdx"), first.object_count());
        assert_eq!(objects(&["--dump", "2"], "two.hprof.2.hdx"), second.object_count());
        assert_eq!(objects(&[], "two.hprof.hdx"), second.object_count());
        let before = scene.names();
        scene.tool(&["index", "two.hprof", "--dump", "3"]).exits(3).says(&["two.hprof", "2"]);
        assert_eq!(scene.names(), before);
        // An index under a wrong name is not taken for that of another dump.
        let at = |name: &str| scene.path("dumps").join(name);
        fs::copy(at("two.hprof.1.hdx"), at("two.hprof.2.hdx")).expect("copied");
        assert_eq!(objects(&["--dump", "2"], "two.hprof.2.hdx"), second.object_count());
    }
}

#[test]
fn what_can_be_read_of_a_truncated_dump_is_indexed_and_called_incomplete() {
    for name in [LEAK, "jdk25-compact-headers/1"] {
        let (packed, whole) = (committed(name), inflated(name));
        for (file, bytes) in [
            ("cut.hprof", &whole[..whole.len() * 9 / 10]),
            ("half.hprof", &whole[..whole.len() / 2]),
            ("cut.hprof.gz", &packed[..packed.len() * 4 / 5]),
        ] {
            let scene = Scene::new();
            let dump = scene.dump(file, bytes);
            scene.tool(&["index", file]).exits(3).says(&["INCOMPLETE", "--allow-incomplete"]);
            let index = fs::read(index_of(&dump)).expect("an index");
            scene.fine(&["verify", file]);
            // Not forgotten when the index is used again.
            scene.tool(&["index", file]).exits(3).says(&["INCOMPLETE"]);
            scene.fine(&["index", "--allow-incomplete", file]).says(&["INCOMPLETE"]);
            assert!(fs::read(index_of(&dump)).expect("an index") == index, "built again");
            scene.tool(&["show", file]).exits(3).says(&["INCOMPLETE"]);
            let retained = ["histo", "--retained", "--format", "json", file];
            let report = scene.tool(&retained).exits(3).json();
            assert_eq!(report["dump"]["complete"], false);
            let plain = scene.tool(&["histo", "--format", "json", file]).exits(3).json();
            // An unpacked dump ends inside a record, too.
            let reason = |report: &Value| report["dump"]["incomplete_reason"].clone();
            assert!(reason(&report).is_string(), "{report}");
            if !file.ends_with(".gz") {
                assert_eq!(reason(&report), reason(&plain));
            }
            assert_eq!(report["total"], plain["total"]);
            // Half of the other dump is names: nothing of the heap is left of it.
            let instances = number(&report["total"]["instances"]);
            let has_heap = file != "half.hprof" || name == LEAK;
            assert_eq!(instances > 1000, has_heap, "{report}");
        }
    }
}

// --- processes that die -------------------------------------------------------------------------------------------

/// A large dump made of a real one, as `large.hprof`.
fn multiplied(scene: &Scene, name: &str, mib: u64) -> PathBuf {
    let base = scene.path("base.hprof.gz");
    fs::write(&base, committed(name)).expect("writable");
    let large = scene.path("dumps/large.hprof");
    let options = Options { amount: Amount::Bytes(mib << 20), single_record: false, shuffle: None };
    let written = multiply(&base, &large, &options).unwrap_or_else(|_| panic!("multiplying"));
    assert!(written.bytes > (mib - 20) << 20);
    large
}

#[test]
fn a_run_that_is_killed_at_any_moment_leaves_no_index_and_the_next_one_cleans_up() {
    let scene = Scene::new();
    let large = multiplied(&scene, LEAK, 200);
    let index = index_of(&large);
    let start = Instant::now();
    scene.fine(&["index", "-q", "large.hprof"]);
    let whole = start.elapsed();
    let expected = fs::metadata(&index).expect("an index").len();
    fs::remove_file(&index).expect("removable");

    let mut rng = Rng::new(11);
    let (mut killed, mut unfinished) = (0, 0);
    let signals = ["KILL", "KILL", "INT", "TERM"];
    for nth in 0..24 {
        let mut command = scene.command(TOOL);
        let mut child = command.args(["index", "-q", "large.hprof"]).spawn().expect("runs");
        let is_writing = || scene.names().iter().any(|name| is_unfinished(name));
        let left_behind = is_writing();
        let moment = whole.mul_f64(rng.below(1000) as f64 / 1000.0);
        let start = Instant::now();
        if nth % 3 == 0 {
            // While the index is written. What the last run left is removed at the start of this one.
            while left_behind && is_writing() && start.elapsed() < whole {
                thread::sleep(Duration::from_millis(1));
            }
            while !is_writing() && child.try_wait().expect("a child").is_none() {
                thread::sleep(Duration::from_millis(1));
            }
            thread::sleep(moment / 20);
        } else {
            thread::sleep(moment);
        }
        signal(child.id(), signals[nth % signals.len()]);
        let status = child.wait().expect("it ends");
        killed += usize::from(status.code().is_none());
        let names = scene.names();
        unfinished += usize::from(names.iter().any(|name| is_unfinished(name)));
        if index.exists() {
            scene.fine(&["verify", "large.hprof"]);
            fs::remove_file(&index).expect("removable");
        } else {
            assert!(status.code().is_none(), "it ended with {status} and there is no index");
        }
        let left = names.iter().filter(|name| is_unfinished(name)).count();
        assert!(left <= 1, "earlier remains are removed: {names:?}");
        let known = |name: &String| {
            name == "large.hprof" || name == "large.hprof.hdx" || is_unfinished(name)
        };
        assert!(names.iter().all(known), "{names:?}");
        for name in names.iter().filter(|name| is_unfinished(name)) {
            // Neither by its own name nor under that of an index.
            let copy = scene.path("dumps/copy.hdx");
            fs::copy(scene.path("dumps").join(name), &copy).expect("copied");
            if scene.tool(&["verify", "copy.hdx"]).code == Some(0) {
                assert_eq!(fs::metadata(&copy).expect("a file").len(), expected);
            }
            fs::remove_file(copy).expect("removable");
        }
    }
    assert!(killed >= 16, "{killed} of 24 runs were killed in time");
    assert!(unfinished >= 4, "{unfinished} of 24 runs were killed while they wrote");

    scene.fine(&["index", "-q", "large.hprof"]);
    assert_eq!(scene.names(), set(&["large.hprof", "large.hprof.hdx"]));
    scene.fine(&["verify", "large.hprof"]);
}

#[test]
fn remains_are_removed_by_the_next_run_and_by_clean_but_not_those_of_other_dumps_or_living_runs() {
    let scene = Scene::new();
    scene.dump("heap.hprof", &inflated(SERIAL));
    for name in ["heap.hprof.hdx-unfinishedAbC", "other.hprof.hdx-unfinishedAbC"] {
        scene.dump(name, &[0; 100]);
    }
    scene.fine(&["index", "-q", "heap.hprof"]);
    let other = "other.hprof.hdx-unfinishedAbC";
    assert_eq!(scene.names(), set(&["heap.hprof", "heap.hprof.hdx", other]));
    // A living writer holds a lock.
    let mut holder = Command::new("flock");
    holder.current_dir(scene.path("dumps")).args([other, "-c", "echo locked; read line"]);
    holder.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut holder = match holder.spawn() {
        Ok(holder) => holder,
        Err(error) => {
            println!("SKIPPED: flock: {error}");
            return;
        }
    };
    let mut line = String::new();
    let stdout = holder.stdout.take().expect("a pipe");
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).expect("a line");
    scene.fine(&["index", "--clean", "."]);
    assert_eq!(scene.names(), set(&["heap.hprof", other]));
    drop(holder.stdin.take());
    holder.wait().expect("it ends");
    scene.fine(&["index", "--clean", "."]);
    assert_eq!(scene.names(), set(&["heap.hprof"]));
}

// --- damage -------------------------------------------------------------------------------------------------------

/// An index file taken apart.
struct Whole {
    bytes: Vec<u8>,
    sections: Vec<Entry>,
}

impl Whole {
    fn read(index: &Path) -> Self {
        let bytes = fs::read(index).expect("an index");
        let mut sections = Contents::read(&bytes).expect("a whole index").entries;
        sections.retain(|section| section.length > 0);
        assert!(sections.len() > 20);
        Self { bytes, sections }
    }

    /// Where the table of sections begins: nothing but it follows.
    fn table(&self) -> usize {
        u64::from_le_bytes(self.bytes[16..24].try_into().expect("eight bytes")) as usize
    }
}

/// Puts a file in the place of another one, as a copy would: not into the file that somebody has mapped.
fn replace(path: &Path, bytes: &[u8]) {
    let _ = fs::remove_file(path);
    fs::write(path, bytes).expect("writable");
}

#[test]
fn damage_in_any_section_is_found_by_verify_and_crashes_nothing() {
    let scene = Scene::new();
    let dump = scene.dump("heap.hprof", &inflated("jdk17-not-live/1"));
    scene.dump("other.hprof", &inflated(SERIAL));
    scene.fine(&["index", "-q", "heap.hprof", "other.hprof"]);
    let index = index_of(&dump);
    let whole = Whole::read(&index);
    let report = scene.json(&["show", "heap.hprof", "--format", "json"]);
    let objects = rows(&report["objects"]);
    let mut rng = Rng::new(21);
    let mut answers = 0;
    for section in &whole.sections {
        for length in [1, 1, 16] {
            let mut bytes = whole.bytes.clone();
            let at = section.offset as usize + rng.below(section.length as usize);
            let end = (at + length).min((section.offset + section.length) as usize);
            bytes[at] ^= 1 << rng.below(8);
            bytes[at + 1..end].iter_mut().for_each(|byte| *byte = rng.next() as u8);
            replace(&index, &bytes);
            let verified = scene.tool(&["verify", "heap.hprof"]).exits(3);
            assert!(verified.stderr.contains("damaged"), "{section:?}: {verified}");
            assert!(verified.stderr.contains("help:"), "{verified}");
            let id = objects[rng.below(objects.len())]["id"].as_str().expect("an id");
            let commands = [
                &["show", "heap.hprof"][..],
                &["show", "heap.hprof", "--class", "."],
                &["show", "heap.hprof", "--object", id],
                &["histo", "--retained", "heap.hprof"],
                &["diff", "heap.hprof", "other.hprof"],
            ];
            for arguments in [commands[rng.below(3)], commands[3 + rng.below(2)]] {
                let run = scene.tool(arguments);
                assert!(run.code == Some(0) || run.stderr.contains("error:"), "{run}");
                answers += usize::from(run.code == Some(0));
            }
        }
    }
    assert!(answers > whole.sections.len(), "most damage leaves most answers: {answers}");
}

#[test]
fn an_index_with_a_damaged_header_or_table_or_of_another_version_is_built_anew() {
    let scene = Scene::new();
    let dump = scene.dump("heap.hprof", &inflated(SERIAL));
    scene.fine(&["index", "-q", "heap.hprof"]);
    let index = index_of(&dump);
    let whole = Whole::read(&index);
    let mut rng = Rng::new(31);
    let header = (0..HEADER as usize).step_by(5).chain([8, 12, 16, 63]);
    let table = whole.table()..whole.bytes.len();
    let mut damaged: Vec<(String, Vec<u8>)> = header
        .chain((0..12).map(|_| table.start + rng.below(table.len())))
        .map(|at| {
            let mut bytes = whole.bytes.clone();
            bytes[at] ^= 1 << (at % 8);
            (format!("byte {at}"), bytes)
        })
        .collect();
    let cuts = [0, 1, 7, 8, 63, 64, 65, table.start, table.start + 1, whole.bytes.len() - 1];
    for cut in cuts.into_iter().chain((0..10).map(|_| rng.below(whole.bytes.len()))) {
        damaged.push((format!("cut at {cut}"), whole.bytes[..cut].to_vec()));
    }
    let mut version = whole.bytes.clone();
    version[8] = 77;
    damaged.push(("version 77".to_owned(), version));
    damaged.push(("another file".to_owned(), inflated(LEAK)));
    let users = [&["show"][..], &["histo", "--retained"], &["index"]];
    for (nth, (what, bytes)) in damaged.iter().enumerate() {
        replace(&index, bytes);
        let verified = scene.tool(&["verify", "heap.hprof"]).exits(3);
        assert!(verified.stderr.contains("heap.hprof.hdx"), "{what}: {verified}");
        assert!(verified.stderr.contains("help:"), "{what}: {verified}");
        let run = scene.fine(&[users[nth % users.len()], &["heap.hprof"]].concat());
        assert!(run.stderr.contains("heap.hprof.hdx: "), "{what}: {run}");
        assert!(run.stderr.contains("built anew"), "{what}: {run}");
        if what == "version 77" {
            assert!(run.stderr.contains("format 77"), "{run}");
        }
        assert!(fs::read(&index).expect("an index") == whole.bytes, "{what}: not made whole");
    }
    scene.fine(&["verify", "heap.hprof"]);
}

#[test]
fn the_index_of_a_dump_that_was_replaced_is_built_anew() {
    let scene = Scene::new();
    let dump = scene.dump("heap.hprof", &inflated(LEAK));
    scene.fine(&["index", "-q", "heap.hprof"]);
    let old = fs::read(index_of(&dump)).expect("an index");
    replace(&dump, &inflated(SERIAL));
    scene.tool(&["verify", "heap.hprof"]).exits(3).says(&["another dump", "help:"]);
    // Taken by itself there is nothing wrong with it.
    scene.fine(&["verify", "heap.hprof.hdx"]);
    let report = ["histo", "--retained", "--format", "json", "heap.hprof"];
    let run = scene.fine(&report).says(&["heap.hprof.hdx", "another dump", "built anew"]);
    assert!(fs::read(index_of(&dump)).expect("an index") != old);
    let shallow = scene.json(&["histo", "--format", "json", "heap.hprof"]);
    assert_eq!(run.json()["total"], shallow["total"]);
    scene.fine(&["verify", "heap.hprof"]);
    assert!(scene.fine(&report).stderr.is_empty());
}

// --- disks and directories ----------------------------------------------------------------------------------------

/// Runs a script in a mount namespace of its own, with `$MNT` an empty directory and `$TOOL` the tool; what the script
/// mounts vanishes with it. `None` where mounting is not possible: the test is skipped then.
fn mounted(scene: &Scene, script: &str) -> Option<String> {
    let mount_point = scene.path("mnt");
    fs::create_dir_all(&mount_point).expect("a directory");
    let run = |script: &str| {
        let mut shell = scene.command("unshare");
        // Root of its own user namespace where it is not root already.
        let flags = if is_root() { "-m" } else { "-rm" };
        shell.args([flags, "sh", "-c", script]).env("MNT", &mount_point).env("TOOL", TOOL);
        shell.output()
    };
    let probe = run("mount -t tmpfs -o size=1m none \"$MNT\"");
    if !probe.as_ref().is_ok_and(|output| output.status.success()) {
        println!("SKIPPED: no tmpfs can be mounted here: {probe:?}");
        return None;
    }
    let output = run(&format!("set -e; {script}")).expect("it ran before");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{script}: {}", text(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
    let stdout = text(&output.stdout);
    assert!(!stdout.contains("panicked at"), "{stdout}");
    Some(stdout)
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id runs");
    id.stdout == b"0\n"
}

/// Runs the tool within a script: what it says, its exit code, and the files of `$MNT`, each on lines of their own.
fn step(arguments: &str) -> String {
    format!("code=0; \"$TOOL\" {arguments} 2>&1 || code=$?; echo code $code; ls -A \"$MNT\"")
}

#[test]
fn too_little_room_is_an_error_before_work_begins() {
    let scene = Scene::new();
    scene.dump("heap.hprof", &inflated(LEAK));
    let script = format!(
        "mount -t tmpfs -o size=1m none \"$MNT\"; {}",
        step("index -v --index-dir \"$MNT\" heap.hprof")
    );
    let Some(said) = mounted(&scene, &script) else { return };
    let directory = scene.path("mnt");
    for words in [text(&directory), "needs at least", "are free", "help:", "--index-dir"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(said.ends_with("code 3\n"), "no file is left: {said}");
    assert!(!said.contains("census:"), "work had begun: {said}");
}

#[test]
fn room_for_arrays_that_little_memory_does_not_hold_is_asked_for_before_work_begins() {
    let scene = Scene::new();
    let bytes = inflated(LEAK);
    let dump = scene.dump("heap.hprof", &bytes);
    let run = |memory: &str| {
        let index = format!("index -v --memory {memory} --index-dir \"$MNT\" heap.hprof");
        let tmpfs = "mount -t tmpfs -o size=3800k none \"$MNT\"";
        mounted(&scene, &format!("{tmpfs}; {}", step(&index)))
    };
    let (Some(little), Some(enough)) = (run("1K"), run("1G")) else { return };
    for words in [text(&scene.path("mnt")), "needs at least", "are free", "help: make room"] {
        assert!(little.contains(words), "{words}: {little}");
    }
    assert!(little.ends_with("code 3\n"), "no file is left: {little}");
    assert!(!little.contains("census:"), "work had begun: {little}");
    assert!(enough.ends_with("code 0\nheap.hprof.hdx\n"), "{enough}");
    assert!(fs::read(dump).expect("readable") == bytes, "the dump is untouched");
}

#[test]
fn memory_and_disk_are_said_before_an_index_is_built_and_depend_on_the_limit() {
    let scene = Scene::new();
    scene.dump("heap.hprof", &inflated(LEAK));
    let said = |memory: &str| {
        let run = scene.fine(&["index", "--memory", memory, "heap.hprof"]);
        scene.fine(&["index", "-q", "--clean", "heap.hprof"]);
        let line = run.stderr.lines().find(|line| line.contains("building the index"));
        line.expect("it is said").to_owned()
    };
    let (little, enough) = (said("1K"), said("1G"));
    for line in [&little, &enough] {
        assert!(line.contains("of memory") && line.contains("on the disk"), "{line}");
    }
    assert_ne!(little, enough);
}

#[test]
fn a_disk_that_fills_up_is_an_error_that_names_the_directory_and_leaves_nothing() {
    let scene = Scene::new();
    scene.dump("heap.hprof", &inflated(LEAK));
    // Too little room is foreseen; that the disk takes too few files is not.
    let sizes = (4..24).map(|eighths| format!("size={}k", eighths * 256));
    let disks: Vec<String> =
        sizes.chain((2..30).map(|files| format!("size=64m,nr_inodes={files}"))).collect();
    let script: String = disks
        .iter()
        .map(|disk| {
            let run = step("index -q --memory 1K --index-dir \"$MNT\" heap.hprof");
            format!("mount -t tmpfs -o {disk} none \"$MNT\"; {run}; echo; umount \"$MNT\"; ")
        })
        .collect();
    let Some(said) = mounted(&scene, &script) else { return };
    let outcomes: Vec<&str> = said.trim_end().split("\n\n").collect();
    assert_eq!(outcomes.len(), disks.len(), "{said}");
    let (mut foreseen, mut on_the_way, mut fine) = (0, 0, 0);
    for outcome in &outcomes {
        if *outcome == "code 0\nheap.hprof.hdx" {
            fine += 1;
            continue;
        }
        assert!(outcome.ends_with("\ncode 3"), "{outcome}");
        assert!(outcome.contains(text(&scene.path("mnt"))), "{outcome}");
        assert!(outcome.contains("help: make room"), "{outcome}");
        assert!(outcome.contains("--index-dir"), "{outcome}");
        match outcome.contains("No space left") {
            true => on_the_way += 1,
            false => foreseen += 1,
        }
    }
    assert!(foreseen > 0 && on_the_way > 0 && fine > 0, "{foreseen} {on_the_way} {fine}: {said}");
}

#[test]
fn a_gzipped_dump_that_does_not_fit_the_disk_unpacked_is_an_error_that_names_the_directory() {
    let scene = Scene::new();
    scene.dump("heap.hprof.gz", &committed(LEAK));
    let script = format!(
        "mount -t tmpfs -o size=2m none \"$MNT\"; {}",
        step("show --index-dir \"$MNT\" heap.hprof.gz")
    );
    let Some(said) = mounted(&scene, &script) else { return };
    let directory = scene.path("mnt");
    let error = said.split("error:").nth(1).unwrap_or_default();
    for words in [text(&directory), "heap.hprof.gz", "help: make room", "--index-dir"] {
        assert!(error.contains(words), "{words}: {said}");
    }
    assert!(said.ends_with("code 3\n"), "no file is left: {said}");
}

#[test]
fn a_dump_in_a_read_only_directory_is_indexed_in_the_cache_or_where_it_is_told() {
    let scene = Scene::new();
    scene.dump("heap.hprof", &inflated(SERIAL));
    let script = [
        "mount -t tmpfs -o size=64m none \"$MNT\"; cp heap.hprof \"$MNT\"",
        "mount -o remount,ro \"$MNT\"",
        &step("index \"$MNT/heap.hprof\""),
        "echo; find \"$XDG_CACHE_HOME\" -type f; echo",
        &step("show \"$MNT/heap.hprof\" --top 1 --depth 1"),
        "echo",
        &step("verify \"$MNT/heap.hprof\""),
        "echo",
        &step("index --index-dir made \"$MNT/heap.hprof\""),
        "ls made; echo",
        &step("histo --retained --index-dir \"$MNT/none\" \"$MNT/heap.hprof\""),
        "echo; unset HOME XDG_CACHE_HOME",
        &step("show \"$MNT/heap.hprof\""),
    ]
    .join("; ");
    let Some(said) = mounted(&scene, &script) else { return };
    let cache = scene.path("cache");
    let mut parts = said.split("\n\n");
    let mut next = || parts.next().unwrap_or_else(|| panic!("{said}"));
    let built = next();
    assert!(built.contains("cannot be written to") && built.contains(text(&cache)), "{built}");
    assert!(built.ends_with("code 0\nheap.hprof"), "{built}");
    let file = next();
    assert!(file.starts_with(text(&cache)) && file.ends_with("/heap.hprof.hdx"), "{file}");
    let mut shown = next();
    while !shown.contains("code ") {
        assert!(!shown.contains("building") && !shown.contains("cannot be written"), "{shown}");
        shown = next();
    }
    assert!(shown.ends_with("code 0\nheap.hprof"), "{shown}");
    let verified = next();
    assert!(verified.contains("all right") && verified.contains("code 0"), "{verified}");
    let told = next();
    assert!(told.contains("building the index") && told.contains("code 0"), "{told}");
    assert!(told.ends_with("heap.hprof.hdx") && !told.contains("cache"), "{told}");
    let refused = next();
    assert!(refused.contains("mnt/none") && refused.contains("code 3"), "{refused}");
    assert!(
        refused.contains("help: name another directory") && !refused.contains("room"),
        "{refused}"
    );
    let homeless = next();
    assert!(homeless.contains("Read-only") && homeless.contains("code 3"), "{homeless}");
    assert!(homeless.contains("--index-dir"), "{homeless}");
}

#[test]
fn an_index_directory_is_made_where_it_can_be_and_a_clear_error_where_not() {
    let scene = Scene::new();
    scene.dump("heap.hprof", &inflated(SERIAL));
    scene.dump("file", b"text");
    scene.fine(&["index", "heap.hprof", "--index-dir", "new/deep"]);
    assert_eq!(names(&scene.path("dumps/new/deep")), set(&["heap.hprof.hdx"]));
    let run = scene.fine(&["show", "heap.hprof", "--index-dir", "new/deep"]);
    assert!(run.stderr.is_empty(), "{run}");
    scene.fine(&["verify", "heap.hprof", "--index-dir", "new/deep"]).says(&["new/deep"]);
    let before = scene.names();
    for directory in ["file", "file/below", "/proc/no-such-directory"] {
        for command in [&["index"][..], &["show"], &["histo", "--retained"]] {
            let arguments = [command, &["heap.hprof", "--index-dir", directory]].concat();
            let run = scene.tool(&arguments).exits(3);
            let error = run.stderr.split("error:").nth(1).unwrap_or_default();
            assert!(error.contains(directory) && error.contains("--index-dir"), "{run}");
            assert!(!error.contains("room"), "there is room: {run}");
            assert!(run.stdout.is_empty(), "{run}");
        }
    }
    assert_eq!(scene.names(), before, "nothing beside the dump when another place was asked for");
}

#[test]
fn an_index_has_the_mode_that_the_mask_leaves() {
    let scene = Scene::new();
    let dump = scene.dump("heap.hprof", &inflated(SERIAL));
    let mut shell = scene.command("sh");
    let shell = shell.args(["-c", "umask 027; exec \"$0\" index heap.hprof", TOOL]);
    Run::of(shell).exits(0);
    let mode = fs::metadata(index_of(&dump)).expect("an index").permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
}

// --- clean --------------------------------------------------------------------------------------------------------

#[test]
fn clean_lists_and_removes_the_indexes_of_a_directory_and_nothing_else() {
    let scene = Scene::new();
    scene.dump("a.hprof", &inflated(SERIAL));
    scene.dump("b.hprof.gz", &committed(SERIAL));
    scene.fine(&["index", "-q", "."]);
    scene.fine(&["index", "-q", "--dump", "1", "a.hprof"]);
    scene.dump("notes.hdx", b"these are my notes");
    scene.dump("short.hdx", &MAGIC[..5]);
    scene.dump("a.hprof.hdx.txt", b"text");
    fs::create_dir(scene.path("dumps/folder.hdx")).expect("a directory");
    std::os::unix::fs::symlink("nowhere", scene.path("dumps/gone.hdx")).expect("a link");
    let run = scene.fine(&["index", "--clean", "."]);
    let removed: Vec<&str> =
        run.stderr.lines().filter(|line| line.starts_with("removed ")).collect();
    assert_eq!(removed.len(), 3, "{run}");
    for name in ["a.hprof.hdx", "a.hprof.1.hdx", "b.hprof.gz.hdx"] {
        assert!(removed.iter().any(|line| line.contains(name)), "{name}: {run}");
    }
    let left = [
        "a.hprof",
        "a.hprof.hdx.txt",
        "b.hprof.gz",
        "folder.hdx",
        "gone.hdx",
        "notes.hdx",
        "short.hdx",
    ];
    assert_eq!(scene.names(), set(&left));
    assert!(scene.fine(&["index", "--clean"]).stderr.contains("0 "), "nothing is left");
    assert_eq!(scene.names(), set(&left));
}

#[test]
fn clean_of_a_dump_leaves_the_indexes_of_other_dumps_alone() {
    for directory in [&[][..], &["--index-dir", "indexes"]] {
        let scene = Scene::new();
        scene.dump("a.hprof", &inflated(SERIAL));
        scene.dump("b.hprof", &inflated(SERIAL));
        // Named like the second dump in the file of another.
        scene.dump("a.hprof.2", &inflated(SERIAL));
        scene.fine(&[&["index", "-q", "a.hprof", "b.hprof", "a.hprof.2"], directory].concat());
        scene.fine(&[&["index", "-q", "--dump", "1", "a.hprof"], directory].concat());
        scene.fine(&[&["index", "--clean", "a.hprof"], directory].concat()).says(&["removed"]);
        let mut all = scene.names();
        if !directory.is_empty() {
            all.extend(names(&scene.path("dumps/indexes")));
        }
        assert!(all.contains("b.hprof.hdx"), "{directory:?}: {all:?}");
        assert!(all.contains("a.hprof.2.hdx"), "{directory:?}: {all:?}");
        assert!(!all.contains("a.hprof.hdx"), "{directory:?}: {all:?}");
        assert!(!all.contains("a.hprof.1.hdx"), "{directory:?}: {all:?}");
        let again = scene.tool(&[&["index", "--clean", "a.hprof"], directory].concat());
        again.exits(3).says(&["a.hprof.hdx"]);
    }
}

// --- what is in it ------------------------------------------------------------------------------------------------

/// A heap in which three caches hold one table together, and each a part of its own.
struct Joint {
    jvm: Jvm,
    sizes: BTreeMap<u64, u64>,
    caches: Vec<u64>,
    parts: Vec<u64>,
    shared: Vec<u64>,
}

impl Joint {
    fn new() -> Self {
        let mut jvm = Jvm::default_heap();
        let loader_class = jvm.known("java/lang/ClassLoader");
        let plugins = jvm.class("com/acme/boot/PluginLoader").extends(loader_class).define();
        let loader = jvm.blank(plugins);
        let cache = jvm
            .class("com/acme/cache/Cache")
            .loaded_by(loader)
            .field("own", Type::Object)
            .field("shared", Type::Object)
            .define();
        let bytes = |jvm: &mut Jvm, length| jvm.primitive_array(Type::Byte, length);
        let shared = vec![bytes(&mut jvm, 5000), bytes(&mut jvm, 3000)];
        let objects = jvm.known("[Ljava/lang/Object;");
        let table = jvm.object_array(objects, &shared);
        let parts: Vec<u64> = [100, 200, 300].map(|length| bytes(&mut jvm, length)).to_vec();
        let caches: Vec<u64> = parts
            .iter()
            .map(|part| jvm.instance(cache, &[Field::Ref(*part), Field::Ref(table)]))
            .collect();
        let all = jvm.object_array(objects, &caches);
        jvm.root_jni_global(all);
        // Not by way of the instances: what those retain is what they hold.
        for held in [loader, cache.id] {
            jvm.root_jni_global(held);
        }
        let sizes = jvm.sizes().into_iter().collect();
        Self { jvm, sizes, caches, parts, shared: [vec![table], shared].concat() }
    }

    fn bytes(&self, objects: &[&[u64]]) -> u64 {
        objects.iter().flat_map(|set| set.iter()).map(|object| self.sizes[object]).sum()
    }

    /// The row of a table of `histo --retained`.
    fn row(&self, by: &str, table: &str, name: &str) -> Value {
        let scene = Scene::new();
        scene.dump("heap.hprof", &self.jvm.write().bytes);
        let report =
            scene.json(&["histo", "--retained", "--format", "json", "--by", by, "heap.hprof"]);
        let mut found = rows(&report[table]).iter().filter(|row| row["name"] == name);
        let row = found.next().unwrap_or_else(|| panic!("{name}: {report}")).clone();
        assert!(found.next().is_none(), "{name} is there once");
        row
    }
}

#[track_caller]
fn assert_retains(row: &Value, bytes: u64) {
    assert_eq!(row["retained_bytes"], bytes, "{row}");
    assert!(row["retained_is_lower_bound"].is_null(), "it is exact: {row}");
}

#[test]
fn what_several_members_hold_jointly_is_retained_by_their_class_package_and_loader() {
    let heap = Joint::new();
    let truth = heap.bytes(&[&heap.caches, &heap.parts, &heap.shared]);
    let row = heap.row("class", "classes", "com.acme.cache.Cache");
    assert_eq!(row["instances"], 3);
    assert_eq!(row["shallow_bytes"], heap.bytes(&[&heap.caches]));
    assert_retains(&row, truth);
    assert!(truth > heap.bytes(&[&heap.caches, &heap.parts]) + 8000);
    assert_retains(&heap.row("package", "packages", "com.acme.cache"), truth);
    let row = heap.row("loader", "loaders", "com.acme.boot.PluginLoader");
    assert_retains(&row, truth);
}

#[test]
fn the_members_of_a_package_or_loader_hold_jointly_what_none_of_its_classes_does() {
    let mut heap = Joint::new();
    let plugin_loader = loader_of(&heap);
    let pin = |jvm: &mut Jvm, class: Class| jvm.root_jni_global(class.id);
    let view = heap
        .jvm
        .class("com/acme/cache/View")
        .loaded_by(plugin_loader)
        .field("table", Type::Object)
        .define();
    pin(&mut heap.jvm, view);
    let views: Vec<u64> =
        (0..2).map(|_| heap.jvm.instance(view, &[Field::Ref(heap.shared[0])])).collect();
    for object in &views {
        heap.jvm.root_jni_global(*object);
    }
    // Of another package and loader: it holds one of the two arrays of the table, too.
    let stranger = heap.jvm.class("org/other/Stranger").field("array", Type::Object).define();
    let stranger = heap.jvm.instance(stranger, &[Field::Ref(heap.shared[2])]);
    heap.jvm.root_jni_global(stranger);
    heap.sizes = heap.jvm.sizes().into_iter().collect();

    let alone = heap.bytes(&[&heap.caches, &heap.parts]);
    assert_retains(&heap.row("class", "classes", "com.acme.cache.Cache"), alone);
    assert_retains(&heap.row("class", "classes", "com.acme.cache.View"), heap.bytes(&[&views]));
    let together = alone + heap.bytes(&[&views, &heap.shared[..2]]);
    assert_retains(&heap.row("package", "packages", "com.acme.cache"), together);
    assert_retains(&heap.row("loader", "loaders", "com.acme.boot.PluginLoader"), together);
}

/// The class loader of the caches.
fn loader_of(heap: &Joint) -> u64 {
    heap.jvm.class_dump(heap.jvm.known("com/acme/cache/Cache")).loader
}

#[test]
fn beyond_the_classes_with_most_instances_a_lower_bound_is_told_and_called_so() {
    let mut jvm = Jvm::default_heap();
    let mut rare = None;
    for nth in 0..60 {
        let name = format!("com/acme/many/Class{nth}");
        let class = jvm.class(&name).field("held", Type::Object).define();
        let held = jvm.primitive_array(Type::Byte, 1000);
        for _ in 0..if nth == 0 { 2 } else { 5 } {
            let object = jvm.instance(class, &[Field::Ref(held)]);
            jvm.root_jni_global(object);
            let (objects, _) = rare.get_or_insert((Vec::new(), held));
            if nth == 0 {
                objects.push(object);
            }
        }
    }
    let (objects, held) = rare.expect("a class");
    let sizes: BTreeMap<u64, u64> = jvm.sizes().into_iter().collect();
    let scene = Scene::new();
    scene.dump("heap.hprof", &jvm.write().bytes);
    let histo = ["histo", "--retained", "--format", "json", "heap.hprof"];
    let report = scene.json(&histo);
    let row = |name: &str| {
        let found = rows(&report["classes"]).iter().find(|row| row["name"] == name);
        found.unwrap_or_else(|| panic!("{name}")).clone()
    };
    let alone: u64 = objects.iter().map(|object| sizes[object]).sum();
    let rare = row("com.acme.many.Class0");
    assert_eq!(rare["retained_is_lower_bound"], true, "{rare}");
    assert_eq!(rare["retained_bytes"], alone, "the sum over the members: {rare}");
    assert_retains(&row("com.acme.many.Class1"), 5 * sizes[&objects[0]] + sizes[&held]);
}

// --- memory outside of the heap -----------------------------------------------------------------------------------

/// Takes a dump before and after it takes memory outside of the heap, and prints what the JVM says of it.
const OFF_HEAP: &str = r#"
import com.sun.management.HotSpotDiagnosticMXBean;
import java.io.RandomAccessFile;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.List;

public class OffHeap {
    static final List<Object> held = new ArrayList<>();

    static void dump(String path) throws Exception {
        for (BufferPoolMXBean pool : ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class)) {
            if (pool.getName().equals("direct") || pool.getName().equals("mapped")) {
                System.out.println(pool.getName() + " " + pool.getMemoryUsed() + " " + pool.getCount());
            }
        }
        ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class).dumpHeap(path, true);
    }

    public static void main(String[] args) throws Exception {
        dump(args[0] + "/1.hprof");
        for (int size : new int[] {1000, 65536, 3 << 20}) {
            ByteBuffer buffer = ByteBuffer.allocateDirect(size);
            held.add(buffer);
            // Views of the same memory.
            held.add(buffer.duplicate());
            held.add(buffer.slice().asReadOnlyBuffer());
        }
        try (RandomAccessFile file = new RandomAccessFile(args[0] + "/mapped", "rw")) {
            file.setLength(123456);
            MappedByteBuffer mapped = file.getChannel().map(FileChannel.MapMode.READ_WRITE, 0, 123456);
            held.add(mapped);
            held.add(mapped.slice());
        }
        dump(args[0] + "/2.hprof");
    }
}
"#;
const DIRECT: u64 = 1000 + 65536 + (3 << 20);
const MAPPED: u64 = 123_456;

#[test]
fn memory_outside_of_the_heap_is_what_the_program_took() {
    for version in [17, 25] {
        let jdk = support::jvm::find_jdk(version);
        let scene = Scene::new();
        scene.dump("OffHeap.java", OFF_HEAP.as_bytes());
        let mut javac = scene.command(jdk.join("bin/javac"));
        let output = javac.arg("OffHeap.java").output().expect("javac runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut java = scene.command(jdk.join("bin/java"));
        let java = java.args(["-Xmx64m", "-XX:+UseSerialGC", "-cp", ".", "OffHeap", "."]);
        let output = java.output().expect("java runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8(output.stdout).expect("UTF-8");
        // Of the JVM, for both dumps: the name of a pool, bytes, buffers.
        let pools: Vec<(String, u64, u64)> = said
            .lines()
            .map(|line| line.split(' ').collect::<Vec<_>>())
            .filter(|words| words.len() == 3)
            .map(|words| (words[0].to_owned(), words[1].parse(), words[2].parse()))
            .map(|(name, bytes, count)| (name, bytes.expect("bytes"), count.expect("a count")))
            .collect();
        assert_eq!(pools.len(), 4, "JDK {version}: {said}");

        let report = scene.json(&["diff", "--format", "json", "1.hprof", "2.hprof"]);
        let dumps = rows(&report["dumps"]);
        for (dump, pools) in dumps.iter().zip(pools.chunks(2)) {
            for (name, bytes, count) in pools {
                let wanted = serde_json::json!({ "bytes": bytes, "count": count });
                assert_eq!(dump["off_heap"][name], wanted, "JDK {version} {name}: {said}");
            }
        }
        let grown = |name: &str, of: &str| {
            let at = |dump: &Value| number(&dump["off_heap"][name][of]);
            at(&dumps[1]) - at(&dumps[0])
        };
        let growth = ["direct", "mapped"].map(|name| (grown(name, "bytes"), grown(name, "count")));
        assert_eq!(growth, [(DIRECT, 3), (MAPPED, 1)], "JDK {version}");

        scene.fine(&["digest", "2.hprof", "-o", "2.hdd"]);
        let digest = scene.json(&["info", "--format", "json", "2.hdd"]);
        assert_eq!(digest["dump"]["off_heap"], dumps[1]["off_heap"], "JDK {version}");
    }
}
