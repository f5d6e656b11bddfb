//! The promise of `heapdrift histo`: equal to `jmap -histo`, row by row, in instances and bytes.
//!
//! One test runs the programs of `tests/programs` on real JVMs and compares; JDK 17 and 25 must be there, further JVMs
//! (see `tests/jvms/fetch.sh`) are used when they are. The other test compares the dumps of `tests/dumps`.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use support::jvm::{Standing, find_jdk};

/// Enough to keep two cores busy; every configuration runs a JVM of its own.
const WORKERS: usize = 2;
/// A heap that does not stand still between two histograms is looked at again.
const ATTEMPTS: usize = 3;
/// Rows beyond this that changed although the program stood still mean that the comparison is worth little.
const MAX_UNSTABLE_ROWS: usize = 10;
/// No JVM comes up with fewer classes; fewer compared rows mean that the test reads its input wrongly.
const MIN_COMPARED_ROWS: usize = 100;
const MAX_REPORTED_ROWS: usize = 8;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Jvm {
    Jdk11,
    Jdk17,
    Jdk21,
    Jdk25,
    Jdk17On32Bit,
}

#[derive(Clone, Copy)]
enum Dump {
    Live,
    /// With the garbage that is still on the heap.
    All,
    /// Compressed by the JVM.
    LiveGz,
    /// Written by two threads and joined.
    LiveParallel,
}

#[derive(Clone, Copy)]
enum Demand {
    Equal,
    /// What the JVM was told, or did, cannot be known from the dump: sizes may be wrong, but then they must not be
    /// called exact.
    EqualOrNotCalledExact,
}
use Demand::{Equal, EqualOrNotCalledExact};
use Jvm::{Jdk11, Jdk17, Jdk17On32Bit, Jdk21, Jdk25};

struct Configuration {
    jvm: Jvm,
    /// Separated by blanks.
    flags: &'static str,
    /// Class name, then arguments, separated by blanks.
    program: &'static str,
    dump: Dump,
    demand: Demand,
}

const fn configuration(jvm: Jvm, flags: &'static str, program: &'static str) -> Configuration {
    Configuration { jvm, flags, program, dump: Dump::Live, demand: Equal }
}

impl Configuration {
    const fn dumped(self, dump: Dump) -> Self {
        Self { dump, ..self }
    }

    const fn demanding(self, demand: Demand) -> Self {
        Self { demand, ..self }
    }

    fn name(&self) -> String {
        let jvm = match self.jvm {
            Jdk11 => "JDK 11",
            Jdk17 => "JDK 17",
            Jdk21 => "JDK 21",
            Jdk25 => "JDK 25",
            Jdk17On32Bit => "JDK 17 32-bit",
        };
        let dump = match self.dump {
            Dump::Live => "",
            Dump::All => ", not live",
            Dump::LiveGz => ", gzipped by the JVM",
            Dump::LiveParallel => ", written in parallel",
        };
        format!("{jvm} {} {}{dump}", self.flags, self.program)
    }
}

const HIERARCHIES: &str = "com.example.layouts.DeepHierarchies";
const ARRAYS: &str = "com.example.layouts.EveryArray";
const CONTENDED: &str = "com.example.layouts.ContendedCells";
const CONTENDED_SUBCLASSES: &str = "com.example.layouts.ContendedSubclasses";
const INVOCATION: &str = "com.example.layouts.InvocationAndReferences";
const INJECTED: &str = "com.example.layouts.InjectedFields";
const THREADS: &str = "com.example.layouts.PlatformThreads";
const UNICODE: &str = "com.example.layouts.UnicodeNames";
const RECORDS: &str = "com.example.layouts.RecordsAndHiddenClasses";
const VIRTUAL_THREADS: &str = "com.example.layouts.VirtualThreads";

const CONFIGURATIONS: &[Configuration] = &[
    configuration(Jdk17, "-XX:+UseG1GC", "com.example.worker.BatchWorker"),
    configuration(Jdk17, "-XX:+UseG1GC", HIERARCHIES),
    configuration(Jdk17, "-XX:+UseG1GC", UNICODE).dumped(Dump::LiveGz),
    configuration(Jdk17, "-XX:+UseG1GC -Xshare:off", "com.example.layouts.RandomShapes 11"),
    configuration(Jdk17, "-XX:+UseSerialGC", CONTENDED),
    configuration(Jdk17, "-XX:+UseParallelGC", INVOCATION),
    configuration(Jdk17, "-XX:+UseZGC", RECORDS),
    configuration(Jdk17, "-XX:+UseSerialGC", INJECTED),
    configuration(Jdk17, "-XX:-UseCompressedOops", "com.example.layouts.RandomShapes 12"),
    configuration(Jdk17, "-XX:-UseCompressedOops -XX:-UseCompressedClassPointers", CONTENDED),
    configuration(Jdk17, "-XX:+UseG1GC", CONTENDED_SUBCLASSES),
    configuration(Jdk17, "-XX:-UseCompressedOops", CONTENDED_SUBCLASSES),
    configuration(Jdk17, "-XX:-UseCompressedClassPointers", "com.example.layouts.RandomShapes 13"),
    configuration(Jdk17, "-XX:ObjectAlignmentInBytes=16", ARRAYS),
    configuration(Jdk17, "-XX:ObjectAlignmentInBytes=32", "com.example.layouts.RandomShapes 14"),
    configuration(Jdk17, "-XX:+UseSerialGC -Xshare:off", "com.example.leaks.ClassLoaderLeak")
        .dumped(Dump::All),
    configuration(Jdk17, "-XX:+UseG1GC", THREADS)
        .dumped(Dump::All)
        .demanding(EqualOrNotCalledExact),
    configuration(Jdk17, "-XX:ContendedPaddingWidth=64", CONTENDED)
        .demanding(EqualOrNotCalledExact),
    configuration(Jdk17, "-XX:-EnableContended", CONTENDED).demanding(EqualOrNotCalledExact),
    configuration(Jdk25, "-XX:+UseG1GC", VIRTUAL_THREADS),
    configuration(Jdk25, "-XX:+UseG1GC", INVOCATION).dumped(Dump::LiveParallel),
    configuration(Jdk25, "-Xshare:off", "com.example.layouts.RandomShapes 21"),
    configuration(Jdk25, "-XX:+UseSerialGC", THREADS).dumped(Dump::LiveGz),
    configuration(Jdk25, "-XX:+UseParallelGC", CONTENDED),
    configuration(Jdk25, "-XX:+UseG1GC", CONTENDED_SUBCLASSES),
    configuration(Jdk25, "-XX:-UseCompressedOops", CONTENDED_SUBCLASSES),
    configuration(Jdk25, "-XX:+UseZGC", INVOCATION),
    configuration(Jdk25, "-XX:+UseG1GC", INJECTED),
    configuration(Jdk25, "-XX:+UseCompactObjectHeaders -XX:-UseCompressedOops", INJECTED),
    configuration(Jdk25, "-XX:+UseShenandoahGC", HIERARCHIES),
    configuration(Jdk25, "-XX:+UseCompactObjectHeaders", "com.example.layouts.RandomShapes 22"),
    configuration(Jdk25, "-XX:+UseCompactObjectHeaders", VIRTUAL_THREADS),
    configuration(Jdk25, "-XX:+UseCompactObjectHeaders -XX:-UseCompressedOops", CONTENDED),
    configuration(Jdk25, "-XX:+UseCompactObjectHeaders -XX:+UseZGC", RECORDS),
    configuration(Jdk25, "-XX:+UseCompactObjectHeaders -XX:ObjectAlignmentInBytes=16", HIERARCHIES),
    configuration(Jdk25, "-XX:-UseCompressedOops", VIRTUAL_THREADS),
    configuration(Jdk25, "-XX:-UseCompressedClassPointers", ARRAYS),
    configuration(
        Jdk25,
        "-XX:-UseCompressedOops -XX:-UseCompressedClassPointers",
        "com.example.layouts.RandomShapes 23",
    ),
    configuration(Jdk25, "-XX:ObjectAlignmentInBytes=16", VIRTUAL_THREADS),
    configuration(Jdk25, "-XX:+UseSerialGC -Xshare:off", RECORDS).dumped(Dump::All),
    configuration(Jdk25, "-XX:+UseG1GC", HIERARCHIES)
        .dumped(Dump::All)
        .demanding(EqualOrNotCalledExact),
    configuration(Jdk25, "-XX:ContendedPaddingWidth=64", CONTENDED)
        .demanding(EqualOrNotCalledExact),
    configuration(Jdk21, "-XX:+UseG1GC", VIRTUAL_THREADS),
    configuration(Jdk21, "-Xshare:off", "com.example.layouts.RandomShapes 31"),
    configuration(Jdk21, "-XX:+UseZGC -XX:+ZGenerational", CONTENDED),
    configuration(Jdk21, "-XX:-UseCompressedOops", VIRTUAL_THREADS),
    configuration(Jdk21, "-XX:+UseSerialGC", INJECTED),
    configuration(Jdk21, "-XX:-UseCompressedOops -XX:-UseCompressedClassPointers", INVOCATION),
    configuration(Jdk11, "-Xshare:off", CONTENDED),
    configuration(Jdk11, "-Xshare:off", INJECTED),
    configuration(Jdk11, "-Xshare:off -XX:+UseSerialGC", ARRAYS),
    configuration(Jdk11, "-Xshare:off -XX:+UseParallelGC", INVOCATION),
    configuration(
        Jdk11,
        "-Xshare:off -XX:-UseCompressedOops",
        "com.example.layouts.RandomShapes 41",
    ),
    configuration(
        Jdk11,
        "-Xshare:off -XX:-UseCompressedClassPointers",
        "com.example.layouts.RandomShapes 42",
    ),
    // JDK 11 keeps the mirrors of archived classes on the heap and nothing in the dump tells of them.
    configuration(Jdk11, "-XX:+UseG1GC", HIERARCHIES).demanding(EqualOrNotCalledExact),
    configuration(Jdk17On32Bit, "-XX:+UseSerialGC", "com.example.layouts.RandomShapes 51"),
    configuration(Jdk17On32Bit, "-XX:+UseG1GC", CONTENDED),
    configuration(Jdk17On32Bit, "-XX:+UseG1GC", INJECTED),
    configuration(Jdk17On32Bit, "-XX:+UseParallelGC", INVOCATION),
    configuration(Jdk17On32Bit, "-XX:+UseSerialGC", THREADS).dumped(Dump::All),
];

#[test]
fn every_row_equals_jmap_on_every_jvm_that_is_here() {
    let jvms = Jvms::find();
    let work = tempfile::tempdir().expect("a temporary directory");
    let classes = work.path().join("classes");
    compile_programs(&jvms, &classes);

    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(configuration) = CONFIGURATIONS.get(index) else {
                        return;
                    };
                    let directory = work.path().join(index.to_string());
                    let outcome = run(configuration, &jvms, &classes, &directory);
                    outcomes.lock().unwrap().insert(index, outcome);
                }
            });
        }
    });

    let mut failures = String::new();
    for (index, outcome) in outcomes.into_inner().unwrap() {
        let name = CONFIGURATIONS[index].name();
        match outcome {
            Ok(Outcome::Compared(comparison)) => say(&format!("{name}: {comparison}")),
            Ok(Outcome::Skipped) => {
                say(&format!("{name}: SKIPPED, this JVM is not here (tests/jvms/fetch.sh)"))
            }
            Err(why) => {
                let _ = writeln!(failures, "{name}: {why}");
            }
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
}

#[test]
fn every_row_of_the_committed_dumps_equals_the_histogram_beside_it() {
    let mut failures = String::new();
    let mut compared = 0;
    for directory in sorted_entries(&repository().join("tests/dumps")) {
        for histogram in sorted_entries(&directory) {
            let Some(stem) = histogram.to_str().and_then(|path| path.strip_suffix(".histo.txt"))
            else {
                continue;
            };
            let dump = PathBuf::from(format!("{stem}.hprof.gz"));
            let expected = CommittedHistogram::read(&histogram);
            let outcome = heapdrift_histogram(&dump).and_then(|actual| {
                let comparison = compare(
                    &expected.rows,
                    &expected.unstable,
                    &actual,
                    Spelling::AsPrinted,
                    Equal,
                );
                comparison.into_result(Equal)
            });
            if let Err(why) = outcome {
                let _ = writeln!(failures, "{}: {why}", dump.display());
            }
            compared += 1;
        }
    }
    assert!(compared > 0, "tests/dumps holds no dump with a histogram");
    assert!(failures.is_empty(), "\n{failures}");
}

// --- the JVMs -----------------------------------------------------------------------------------------------------

struct Jvms {
    jdk17: PathBuf,
    jdk25: PathBuf,
    fetched: PathBuf,
}

impl Jvms {
    /// JDK 17 and 25 are demanded: a run that compared nothing must not pass.
    fn find() -> Self {
        let fetched = std::env::var_os("HEAPDRIFT_JVMS")
            .map_or_else(|| repository().join("target/jvms"), PathBuf::from);
        Self { jdk17: find_jdk(17), jdk25: find_jdk(25), fetched }
    }

    fn java(&self, jvm: Jvm) -> Option<PathBuf> {
        let home = match jvm {
            Jdk17 => self.jdk17.clone(),
            Jdk25 => self.jdk25.clone(),
            Jdk11 => self.fetched.join("jdk-11"),
            Jdk21 => self.fetched.join("jdk-21"),
            Jdk17On32Bit => self.fetched.join("jdk-17-i386"),
        };
        Some(home.join("bin/java")).filter(|java| java.is_file())
    }

    /// A runtime may lack the tools; those of another version attach to it all the same.
    fn tool(&self, jvm: Jvm, name: &str) -> PathBuf {
        let home = match jvm {
            Jdk11 | Jdk17 | Jdk17On32Bit => &self.jdk17,
            Jdk21 | Jdk25 => &self.jdk25,
        };
        home.join("bin").join(name)
    }
}

fn compile_programs(jvms: &Jvms, classes: &Path) {
    let status = Command::new("bash")
        .arg(repository().join("tests/programs/compile.sh"))
        .args([&jvms.jdk17, &jvms.jdk25])
        .arg(classes)
        .status()
        .expect("bash");
    assert!(status.success(), "tests/programs do not compile");
}

// --- one configuration --------------------------------------------------------------------------------------------

enum Outcome {
    Compared(String),
    Skipped,
}

fn run(
    configuration: &Configuration,
    jvms: &Jvms,
    classes: &Path,
    directory: &Path,
) -> Result<Outcome, String> {
    let Some(java) = jvms.java(configuration.jvm) else {
        return Ok(Outcome::Skipped);
    };
    fs::create_dir(directory).map_err(|error| error.to_string())?;
    let jvm = Standing::start(&java, configuration.flags, classes, configuration.program)?;
    let jmap = jvms.tool(configuration.jvm, "jmap");
    let histogram = || {
        let objects =
            if matches!(configuration.dump, Dump::All) { "-histo" } else { "-histo:live" };
        let text = output(Command::new(&jmap).args([objects, &jvm.id()]))?;
        Ok::<_, String>(rows_of_jmap(text.lines()))
    };
    // The first attachment starts a thread in the JVM: not to be seen in one histogram and not in the other.
    let mut before = histogram()?;
    let mut unstable = BTreeSet::new();
    let mut dump = PathBuf::new();
    for attempt in 0..ATTEMPTS {
        dump = take_dump(configuration, jvms, &jvm, &directory.join(attempt.to_string()))?;
        let after = histogram()?;
        unstable = differing_names(&before, &after);
        if unstable.is_empty() {
            break;
        }
        if attempt + 1 < ATTEMPTS {
            before = after;
        }
    }
    drop(jvm);
    if unstable.len() > MAX_UNSTABLE_ROWS {
        return Err(format!("the heap does not stand still: {unstable:?}"));
    }

    let spelling =
        if configuration.jvm == Jdk11 { Spelling::WithoutAddresses } else { Spelling::AsPrinted };
    let actual = heapdrift_histogram(&dump)?;
    let comparison = compare(&before, &unstable, &actual, spelling, configuration.demand);
    fs::remove_dir_all(directory).map_err(|error| error.to_string())?;
    comparison.into_result(configuration.demand).map(Outcome::Compared)
}

fn take_dump(
    configuration: &Configuration,
    jvms: &Jvms,
    jvm: &Standing,
    stem: &Path,
) -> Result<PathBuf, String> {
    let plain = stem.with_extension("hprof");
    let compressed = stem.with_extension("hprof.gz");
    let (plain_text, compressed_text) = (plain.display(), compressed.display());
    let mut jmap = Command::new(jvms.tool(configuration.jvm, "jmap"));
    let (command, file) = match configuration.dump {
        Dump::Live => {
            (jmap.arg(format!("-dump:live,format=b,file={plain_text}")).arg(jvm.id()), plain)
        }
        Dump::All => (jmap.arg(format!("-dump:format=b,file={plain_text}")).arg(jvm.id()), plain),
        Dump::LiveGz => (
            jmap.arg(format!("-dump:live,format=b,file={compressed_text},gz=1")).arg(jvm.id()),
            compressed,
        ),
        Dump::LiveParallel => {
            let mut jcmd = Command::new(jvms.tool(configuration.jvm, "jcmd"));
            output(jcmd.args([&jvm.id(), "GC.heap_dump", "-parallel=2"]).arg(&plain))?;
            return Ok(plain);
        }
    };
    output(command)?;
    Ok(file)
}

fn heapdrift_histogram(dump: &Path) -> Result<HeapdriftHistogram, String> {
    let text = output(
        Command::new(env!("CARGO_BIN_EXE_heapdrift"))
            .args(["histo", "--format", "json", "--jmap-names"])
            .arg(dump),
    )?;
    HeapdriftHistogram::parse(&text)
}

fn output(command: &mut Command) -> Result<String, String> {
    // jmap decodes class names; without a UTF-8 locale it prints question marks.
    let output = command
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{command:?}: {}: {}", output.status, errors.trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

// --- histograms ---------------------------------------------------------------------------------------------------

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Row {
    instances: u64,
    bytes: u64,
}

type Rows = BTreeMap<String, Row>;

fn add(rows: &mut Rows, name: String, row: Row) {
    let sum = rows.entry(name).or_default();
    sum.instances += row.instances;
    sum.bytes += row.bytes;
}

/// `  12:  345  6789  java.lang.String (java.base@17)`; other lines are no rows.
fn row_of_jmap(line: &str) -> Option<(String, Row)> {
    let (rank, rest) = line.trim_start().split_once(':')?;
    rank.parse::<u64>().ok()?;
    let (instances, rest) = rest.trim_start().split_once(' ')?;
    let (bytes, name) = rest.trim_start().split_once(' ')?;
    let name = name.trim();
    let name = match name.rsplit_once(" (") {
        Some((name, module)) if module.ends_with(')') => name,
        _ => name,
    };
    // The JVM's filler arrays have a class of their own in the histogram; in a dump they are plain int[].
    let name = if name == "[Ljdk.internal.vm.FillerElement;" { "[I" } else { name };
    let row = Row { instances: instances.parse().ok()?, bytes: bytes.parse().ok()? };
    Some((name.to_owned(), row))
}

fn rows_of_jmap<'t>(lines: impl Iterator<Item = &'t str>) -> Rows {
    let mut rows = Rows::new();
    for (name, row) in lines.filter_map(row_of_jmap) {
        add(&mut rows, name, row);
    }
    rows
}

fn differing_names(before: &Rows, after: &Rows) -> BTreeSet<String> {
    let names = before.keys().chain(after.keys());
    names.filter(|name| before.get(*name) != after.get(*name)).cloned().collect()
}

/// The format is described in tests/dumps/README.md.
struct CommittedHistogram {
    rows: Rows,
    unstable: BTreeSet<String>,
}

impl CommittedHistogram {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).expect("a committed histogram");
        let (marked, stable): (Vec<&str>, Vec<&str>) =
            text.lines().partition(|line| line.starts_with('#'));
        let unstable = marked
            .iter()
            .filter_map(|line| row_of_jmap(line.strip_prefix("# unstable ")?))
            .map(|(name, _)| name)
            .collect();
        Self { rows: rows_of_jmap(stable.into_iter()), unstable }
    }
}

struct HeapdriftHistogram {
    rows: Rows,
    label: String,
}

impl HeapdriftHistogram {
    fn parse(text: &str) -> Result<Self, String> {
        let json: Value =
            serde_json::from_str(text).map_err(|error| format!("heapdrift's JSON: {error}"))?;
        let label = json["dump"]["sizes"].as_str().ok_or("no dump.sizes")?.to_owned();
        if json["dump"]["complete"] != Value::Bool(true) {
            return Err(format!("called incomplete: {}", json["dump"]["incomplete_reason"]));
        }
        let mut rows = Rows::new();
        let mut sum = Row::default();
        for class in json["classes"].as_array().ok_or("no classes")? {
            let row = row_of_json(class)?;
            sum.instances += row.instances;
            sum.bytes += row.bytes;
            let name = class["name"].as_str().ok_or("a class without name")?;
            if row != Row::default() {
                add(&mut rows, as_jmap_decodes(name), row);
            }
        }
        let total = row_of_json(&json["total"])?;
        if sum != total {
            return Err(format!("the rows add up to {sum:?}, the total is {total:?}"));
        }
        Ok(Self { rows, label })
    }
}

fn row_of_json(value: &Value) -> Result<Row, String> {
    let number = |key| value[key].as_u64().ok_or_else(|| format!("no {key} in {value}"));
    Ok(Row { instances: number("instances")?, bytes: number("shallow_bytes")? })
}

/// The JVM sends a character beyond the basic plane as two surrogates of three bytes each, and jmap, which expects
/// UTF-8, prints a replacement character for either.
fn as_jmap_decodes(name: &str) -> String {
    let mut decoded = String::with_capacity(name.len());
    for character in name.chars() {
        if character.len_utf16() == 2 {
            decoded.push_str("\u{FFFD}\u{FFFD}");
        } else {
            decoded.push(character);
        }
    }
    decoded
}

// --- comparison ---------------------------------------------------------------------------------------------------

#[derive(Clone, Copy, PartialEq, Eq)]
enum Spelling {
    AsPrinted,
    /// Up to Java 14 jmap appends `/0x…` to the names of lambda classes and a dump has no such thing.
    WithoutAddresses,
}

impl Spelling {
    fn apply(self, rows: &Rows) -> Rows {
        let mut spelt = Rows::new();
        for (name, row) in rows {
            add(&mut spelt, self.of(name), *row);
        }
        spelt
    }

    fn of(self, name: &str) -> String {
        match (self, name.split_once("/0x")) {
            (Self::WithoutAddresses, Some((start, rest))) => {
                let end = rest.trim_start_matches(|digit: char| digit.is_ascii_hexdigit());
                format!("{start}{end}")
            }
            _ => name.to_owned(),
        }
    }
}

struct Comparison {
    label: String,
    compared: usize,
    unstable: usize,
    wrong: Vec<String>,
}

/// When sizes are not called exact, a configuration that allows it is compared by instances alone, without the mirrors:
/// some of those may be on the heap and not in the dump.
fn compare(
    expected: &Rows,
    unstable: &BTreeSet<String>,
    actual: &HeapdriftHistogram,
    spelling: Spelling,
    demand: Demand,
) -> Comparison {
    let instances_only = matches!(demand, EqualOrNotCalledExact) && actual.label != "exact";
    let expected = spelling.apply(expected);
    let rows = spelling.apply(&actual.rows);
    let unstable: BTreeSet<String> = unstable.iter().map(|name| spelling.of(name)).collect();
    let mut comparison = Comparison {
        label: actual.label.clone(),
        compared: 0,
        unstable: unstable.len(),
        wrong: Vec::new(),
    };
    let names: BTreeSet<&String> = expected.keys().chain(rows.keys()).collect();
    for name in names {
        if unstable.contains(name) || (instances_only && name == "java.lang.Class") {
            continue;
        }
        comparison.compared += 1;
        let jmap = expected.get(name).copied().unwrap_or_default();
        let heapdrift = rows.get(name).copied().unwrap_or_default();
        let equal =
            if instances_only { jmap.instances == heapdrift.instances } else { jmap == heapdrift };
        if !equal {
            comparison.wrong.push(format!("{name}: jmap {jmap:?}, heapdrift {heapdrift:?}"));
        }
    }
    comparison
}

impl Comparison {
    fn into_result(self, demand: Demand) -> Result<String, String> {
        let Self { label, compared, unstable, wrong } = self;
        if !wrong.is_empty() {
            let more = wrong.len().saturating_sub(MAX_REPORTED_ROWS);
            let shown = wrong[..wrong.len() - more].join("\n    ");
            let dots = if more > 0 { format!("\n    and {more} more") } else { String::new() };
            return Err(format!(
                "{} of {compared} rows differ, sizes called {label}\n    {shown}{dots}",
                wrong.len()
            ));
        }
        if compared < MIN_COMPARED_ROWS {
            return Err(format!("only {compared} rows were compared"));
        }
        if matches!(demand, Equal) && label == "estimated" {
            return Err(format!("all {compared} rows are equal, yet sizes are called estimated"));
        }
        Ok(format!("{compared} rows equal, {unstable} unstable, sizes called {label}"))
    }
}

// --- small things -------------------------------------------------------------------------------------------------

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sorted_entries(directory: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(directory)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    entries.sort();
    entries
}

/// Written past the test runner, which swallows what a passing test prints: what was skipped must be seen.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
