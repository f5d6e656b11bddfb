//! The commands on the committed dumps, as a user sees them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn heapdrift(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_heapdrift"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("the binary runs")
}

fn json(arguments: &[&str]) -> Value {
    let output = heapdrift(arguments);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("valid JSON")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn numbers(value: &Value) -> Vec<u64> {
    value.as_array().expect("a series").iter().map(|n| n.as_u64().expect("a count")).collect()
}

const LEAK: &str = "tests/dumps/sdk-client-leak";
const CONTROL: &str = "tests/dumps/lru-cache-control";

/// Dumps of a folder, unpacked into `directory`.
fn unpacked(folder: &str, directory: &Path) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut dumps: Vec<_> = std::fs::read_dir(root)
        .expect("the folder is there")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.to_string_lossy().ends_with(".hprof.gz"))
        .collect();
    dumps.sort();
    dumps
        .iter()
        .map(|path| {
            let plain = directory.join(path.file_stem().expect("a name"));
            let file = std::fs::File::open(path).expect("readable");
            let mut inflated = std::fs::File::create(&plain).expect("writable");
            std::io::copy(&mut flate2::read::MultiGzDecoder::new(file), &mut inflated)
                .expect("a gzip file");
            plain
        })
        .collect()
}

#[test]
fn the_leaking_sdk_shows_its_managers_and_the_table_that_doubles() {
    let report = json(&["diff", "--format", "json", LEAK]);
    assert_eq!(report["comparable"]["ok"], true);
    assert_eq!(report["comparable"]["one_process"], true);
    assert_eq!(report["segments"], serde_json::json!([[0, 1, 2, 3]]));
    let class = |name: &str| {
        let rows = report["classes"].as_array().expect("rows").iter();
        rows.clone().find(|row| row["name"] == name).cloned().expect("the class is there")
    };
    let managers = class("com.cloudsdk.http.PoolingConnectionManager");
    assert_eq!(numbers(&managers["instances"]), [3000, 6000, 9000, 12_000]);
    assert_eq!(managers["trend"], "rising");
    assert_eq!(managers["loader"], "app");
    let lengths = report["array_lengths"].as_array().expect("rows");
    let table = |length: u64| {
        lengths
            .iter()
            .find(|row| row["class"] == "java.util.HashMap$Node[]" && row["length"] == length)
            .map(|row| numbers(&row["instances"]))
            .expect("the length is there")
    };
    assert_eq!(table(16_384), [0, 0, 1, 1]);
    assert_eq!(table(4096), [1, 0, 0, 0]);
    for dump in report["dumps"].as_array().expect("dumps") {
        assert_eq!(dump["sizes"], "exact");
        assert_eq!(dump["live"], "yes");
        assert_eq!(dump["main_class"], "com.example.worker.BatchWorker");
        assert_eq!(dump["complete"], true);
    }
    let out = text(&heapdrift(&["diff", LEAK]).stdout);
    assert!(out.contains("HashMap$Node[4096] → [8192] → [16384] → [16384]"), "{out}");
}

#[test]
fn the_field_that_holds_the_leaking_clients_is_found_and_the_control_is_not_suspected() {
    let report = json(&["diff", "--format", "json", "--heap-max", "64M", LEAK]);
    assert_eq!(report["verdict"], "suspect", "four dumps tell no more");
    let finding = &report["findings"][0];
    assert_eq!(finding["owner"]["class"], "com.cloudsdk.http.IdleConnectionReaper");
    assert_eq!(finding["owner"]["field"], "connectionManagers");
    assert_eq!(finding["kind"], "static-field");
    assert_eq!(numbers(&finding["entries"]), [3000, 6000, 9000, 12_000]);
    assert_eq!(finding["contents"][0]["class"], "com.cloudsdk.http.PoolingConnectionManager");
    assert!(finding["share_of_growth"].as_f64().expect("a share") > 0.95, "{finding}");
    assert!(finding["hours_to_limit"].as_f64().expect("hours") > 0.0);
    let why = finding["why"].as_str().expect("a sentence");
    assert!(why.starts_with("no likely leak: ") && why.contains("E 1.00, L "), "{why}");
    let out = text(&heapdrift(&["diff", LEAK]).stdout);
    assert!(out.contains("Suspect: one owner explains"), "{out}");
    assert!(out.contains("alive   ") && out.contains("static IdleConnectionReaper"), "{out}");
    assert!(out.contains("growth by owner") && out.contains("next: heapdrift show"), "{out}");
    assert_eq!(json(&["diff", "--format", "json", CONTROL])["verdict"], "grew");
}

#[test]
fn a_shallow_diff_knows_no_owners_and_says_so() {
    let report = json(&["diff", "--shallow", "--format", "json", LEAK]);
    assert!(report.get("verdict").is_none() && report.get("owners").is_none());
    let output = heapdrift(&["diff", "--shallow", "--by", "owner", LEAK]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("leave out --shallow"));
}

#[test]
fn owners_add_up_to_their_total() {
    for top in ["0", "3", "100000"] {
        let report = json(&["diff", "--by", "owner", "--format", "json", "--top", top, LEAK]);
        let mut sums = vec![0; 4];
        for row in report["owners"].as_array().expect("rows") {
            sums.iter_mut().zip(numbers(&row["retained_bytes"])).for_each(|(sum, n)| *sum += n);
        }
        assert_eq!(sums, numbers(&report["owners_total"]["retained_bytes"]), "--top {top}");
    }
}

#[test]
fn arrays_of_one_length_tell_what_they_retain_in_every_report() {
    let dump = format!("{LEAK}/4.hprof.gz");
    let histo = |format: &str| {
        heapdrift(&["histo", "--by", "array-length", "--retained", "--format", format, &dump])
    };
    let report: Value = serde_json::from_slice(&histo("json").stdout).expect("valid JSON");
    let rows = report["array_lengths"].as_array().expect("rows");
    let of_nodes = |row: &&Value| row["class"] == "java.util.HashMap$Node[]";
    let table = rows.iter().filter(of_nodes).max_by_key(|row| row["length"].as_u64());
    let table = table.expect("a table");
    // The table of the leak: all the managers hang on it.
    assert_eq!((&table["length"], &table["instances"]), (&16384.into(), &1.into()));
    let retained = table["retained_bytes"].as_u64().expect("bytes");
    assert!(retained > 20 * table["shallow_bytes"].as_u64().expect("bytes"), "{table}");
    for row in rows.iter().filter(|row| row["class"] == "byte[]") {
        assert!(row["retained_bytes"].as_u64() <= row["shallow_bytes"].as_u64(), "{row}");
        assert!(row["retained_is_lower_bound"].is_null(), "{row}");
    }
    let csv = text(&histo("csv").stdout);
    assert!(csv.starts_with("instances,shallow_bytes,retained_bytes,array,"), "{csv}");
    assert!(
        csv.lines().any(|line| line.starts_with("1,") && line.contains(&format!(",{retained},")))
    );
    let report = json(&["diff", "--by", "array-length", "--format", "json", LEAK]);
    let rows = report["array_lengths"].as_array().expect("rows");
    let row = rows.iter().find(|row| of_nodes(row) && row["length"] == 16384);
    assert_eq!(numbers(&row.expect("the table")["retained_bytes"])[3], retained);
}

#[test]
fn growth_of_what_a_kind_of_roots_retains_is_told() {
    const BACKLOG: &str = "tests/dumps/queue-backlog-leak";
    let report = json(&["diff", "--by", "root,thread", "--format", "json", BACKLOG]);
    let kind = &report["gc_roots"][0];
    assert_eq!(kind["name"], "thread object");
    let bytes = numbers(&kind["retained_bytes"]);
    assert!(bytes.is_sorted() && bytes[3] > 3 * bytes[0], "{kind}");
    assert_eq!(kind["trend"], "rising");
    let threads = report["threads"].as_array().expect("rows");
    assert!(threads.iter().any(|row| row["name"] == "main" && row["class"] == "java.lang.Thread"));
    assert!(threads.iter().all(|row| numbers(&row["threads"]).len() == 4));
    assert!(report["classes"].is_null());
    let shown = text(&heapdrift(&["diff", "--by", "root", BACKLOG]).stdout);
    assert!(shown.contains("retained by kind of GC root"), "{shown}");
    let output = heapdrift(&["diff", "--shallow", "--by", "thread", BACKLOG]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn nothing_of_the_control_grows_but_a_filler_of_the_collector() {
    let report = json(&["diff", "--format", "json", CONTROL]);
    assert_eq!(report["total"]["trend"], "step");
    let packages = report["packages"].as_array().expect("rows");
    let trends = packages.iter().filter(|row| row["name"] != "(primitive arrays)");
    assert!(trends.clone().count() > 5);
    for row in trends {
        let bytes = numbers(&row["shallow_bytes"]);
        assert!(bytes[2] <= bytes[0] + bytes[0] / 100 + 256, "{row}");
    }
}

#[test]
fn every_table_of_a_diff_adds_up_with_and_without_its_other_row() {
    for top in ["0", "7", "100000"] {
        let report = json(&["diff", "--format", "json", "--top", top, LEAK]);
        let total = |of: &str| numbers(&report["total"][of]);
        for table in ["classes", "packages", "loaders"] {
            for of in ["instances", "shallow_bytes"] {
                let mut sums = vec![0; 4];
                for row in report[table].as_array().expect("rows") {
                    sums.iter_mut().zip(numbers(&row[of])).for_each(|(sum, n)| *sum += n);
                }
                assert_eq!(sums, total(of), "{table} {of} --top {top}");
            }
        }
    }
}

#[test]
fn histograms_add_up_whatever_they_are_by_and_array_lengths_add_up_to_their_class() {
    let dump = "tests/dumps/jdk25-compact-headers/1.hprof.gz";
    let classes = json(&["histo", "--format", "json", dump]);
    let sum = |rows: &Value, of: &str| -> u64 {
        rows.as_array().expect("rows").iter().map(|row| row[of].as_u64().expect("a count")).sum()
    };
    for (by, table) in [("class", "classes"), ("package", "packages"), ("loader", "loaders")] {
        let report =
            json(&["histo", "--format", "json", "--by", by, "--top", "3", "--filter", "a", dump]);
        for of in ["instances", "shallow_bytes"] {
            assert_eq!(sum(&report[table], of), report["total"][of], "{by} {of}");
            assert_eq!(report["total"][of], classes["total"][of]);
        }
    }
    let arrays = json(&["histo", "--format", "json", "--by", "array-length", dump]);
    for class in ["byte[]", "java.lang.Object[]", "long[]"] {
        let rows: Vec<Value> = arrays["array_lengths"]
            .as_array()
            .expect("rows")
            .iter()
            .filter(|row| row["class"] == class)
            .cloned()
            .collect();
        let row = classes["classes"]
            .as_array()
            .expect("rows")
            .iter()
            .find(|row| row["name"] == class)
            .expect("the class is there");
        assert!(rows.len() > 2);
        assert_eq!(sum(&Value::Array(rows.clone()), "instances"), row["instances"]);
        assert_eq!(sum(&Value::Array(rows), "shallow_bytes"), row["shallow_bytes"]);
    }
}

#[test]
fn map_gzip_and_stream_give_the_same_table_for_any_number_of_threads() {
    let directory = tempfile::tempdir().expect("a directory");
    for folder in [LEAK, "tests/dumps/jdk17-jvm-gz-unicode", "tests/dumps/jdk25-zgc-references"] {
        let plain = &unpacked(folder, directory.path())[0];
        let gz = format!("{folder}/1.hprof.gz");
        let table = |arguments: &[&str]| {
            let mut report = json(arguments);
            report["dump"]["path"] = Value::Null;
            report
        };
        let plain_path = plain.to_str().expect("UTF-8");
        let expected = table(&["histo", "--format", "json", "--jobs", "1", plain_path]);
        for jobs in ["2", "7"] {
            for dump in [plain_path, &gz] {
                assert_eq!(
                    table(&["histo", "--format", "json", "--jobs", jobs, dump]),
                    expected,
                    "{dump} --jobs {jobs}"
                );
            }
        }
        let piped = Command::new(env!("CARGO_BIN_EXE_heapdrift"))
            .args(["histo", "--format", "json", "-"])
            .stdin(std::fs::File::open(plain).expect("readable"))
            .output()
            .expect("the binary runs");
        let mut report: Value = serde_json::from_slice(&piped.stdout).expect("valid JSON");
        report["dump"]["path"] = Value::Null;
        assert_eq!(report, expected);
    }
}

#[test]
fn dumps_are_ordered_by_their_own_time_and_a_disagreement_is_said() {
    let path = |n: u32| format!("{LEAK}/{n}.hprof.gz");
    let reversed = json(&["diff", "--format", "json", &path(3), &path(1)]);
    assert_eq!(reversed["dumps"][0]["path"], path(1).as_str());
    let warnings = reversed["comparable"]["warnings"].to_string();
    assert!(warnings.contains("order of the arguments disagrees"), "{warnings}");
    let given = json(&["diff", "--format", "json", &path(1), &path(3)]);
    assert_eq!(given["comparable"]["warnings"].as_array().map(Vec::len), Some(0));
}

#[test]
fn one_file_twice_and_two_programs_are_said() {
    let dump = format!("{LEAK}/1.hprof.gz");
    let twice = json(&["diff", "--format", "json", &dump, &dump]);
    let warnings = twice["comparable"]["warnings"].to_string();
    assert!(warnings.contains("named twice") && warnings.contains("same dump twice"), "{warnings}");
    let output = heapdrift(&["diff", &dump, &format!("{CONTROL}/1.hprof.gz")]);
    assert_eq!(output.status.code(), Some(3));
    let out = text(&output.stdout);
    assert!(out.contains("different main class") && out.contains("another process"), "{out}");
}

#[test]
fn live_and_not_live_dumps_are_told_apart() {
    let live = |dump: &str| json(&["info", "--format", "json", dump])["dump"]["live"].clone();
    assert_eq!(live("tests/dumps/jdk17-not-live/1.hprof.gz"), "no");
    assert_eq!(live("tests/dumps/jdk17-serial/1.hprof.gz"), "yes");
}

#[test]
fn info_names_threads_frames_and_the_main_class() {
    let report = json(&["info", "--format", "json", "tests/dumps/jdk17-serial/1.hprof.gz"]);
    let threads = report["threads"].as_array().expect("threads");
    let main = threads.iter().find(|thread| thread["name"] == "main").expect("the main thread");
    let lowest = main["frames"].as_array().and_then(|frames| frames.last()).expect("frames");
    let main_class = report["dump"]["main_class"].as_str().expect("a main class");
    assert!(lowest.as_str().is_some_and(|frame| frame.starts_with(main_class)), "{lowest}");
    let oom = json(&["info", "--format", "json", "tests/dumps/jdk17-out-of-memory/1.hprof.gz"]);
    assert!(oom["threads"].to_string().contains("OutOfMemory"), "{}", oom["threads"]);
}

#[test]
fn names_outside_ascii_are_printed_as_they_are_written_in_the_source() {
    let out = text(&heapdrift(&["histo", "tests/dumps/jdk17-jvm-gz-unicode/1.hprof.gz"]).stdout);
    assert!(out.contains("UnicodeNames$𝒮cript"), "{out}");
}

#[test]
fn usage_errors_are_told_with_exit_code_2() {
    let one = format!("{LEAK}/1.hprof.gz");
    for arguments in [
        &["histo"][..],
        &["histo", "--by", "colour", &one],
        &["histo", "--filter", "(", &one],
        &["diff"],
        &["diff", &one],
        &["histo", "--jobs", "0", &one],
        &["frobnicate"],
    ] {
        let output = heapdrift(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn unreadable_inputs_are_told_with_exit_code_3_and_what_to_do() {
    let directory = tempfile::tempdir().expect("a directory");
    let empty = directory.path().to_str().expect("UTF-8");
    for arguments in [
        &["histo", "no-such-file.hprof"][..],
        &["diff", empty],
        &["diff", "no-such-*.hprof"],
        &["histo", "README.md"],
    ] {
        let output = heapdrift(arguments);
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}: {message}");
        assert!(message.starts_with("error: "), "{message}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_heapdrift"))
        .args(["histo", &format!("{LEAK}/1.hprof.gz")])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
}

#[test]
fn colours_come_only_when_asked_for() {
    let dump = format!("{LEAK}/1.hprof.gz");
    let escapes = |arguments: &[&str]| heapdrift(arguments).stdout.contains(&0x1b);
    assert!(!escapes(&["histo", &dump]));
    assert!(escapes(&["histo", "--color", "always", &dump]));
    assert!(!escapes(&["histo", "--color", "never", &dump]));
}

#[test]
fn csv_has_a_row_for_each_class_and_adds_up() {
    let dump = format!("{LEAK}/1.hprof.gz");
    let csv = text(&heapdrift(&["histo", "--format", "csv", "--top", "10", &dump]).stdout);
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("instances,shallow_bytes,class,loader,sizes"));
    let sum: u64 = lines
        .map(|line| line.split(',').nth(1).and_then(|n| n.parse::<u64>().ok()).expect("bytes"))
        .sum();
    assert_eq!(sum, json(&["histo", "--format", "json", &dump])["total"]["shallow_bytes"]);
}
