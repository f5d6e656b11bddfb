//! Digests: they say what their dumps say, stay small, and damage shows.

mod support;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use heapdrift::diff::{Comparison, DiffOptions, Row, Series, compare};
use heapdrift::digest::container::{self, Fault, Sections};
use heapdrift::digest::file::{self, BUDGET, decode, encode};
use heapdrift::digest::held::{Held, HeldTables};
use heapdrift::digest::{Amount, Digest, Kind, Rows, ThreadKey};
use heapdrift::index::census;
use heapdrift::index::scan::{ScanOptions, Silent};
use heapdrift::source::Source;
use proptest::prelude::*;
use serde_json::{Value, json};
use support::Rng;
use support::synth::{Framing, Hprof, IdSize, Jvm, Version};
use tempfile::TempDir;

const LEAK: &str = "tests/dumps/sdk-client-leak";
const SERIAL: &str = "tests/dumps/jdk17-serial/1.hprof.gz";
const SECTIONS: [&str; 6] = ["facts", "classes", "arrays", "packages", "loaders", "threads"];
/// Those that follow where the dump was read with an index.
const INDEX_SECTIONS: [&str; 7] =
    ["rootheld", "thrdheld", "ownnames", "owners", "sharers", "limits", "marks"];

fn tool(arguments: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_heapdrift"));
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
    command
}

fn heapdrift(arguments: &[impl AsRef<OsStr>]) -> Output {
    tool(arguments).output().expect("the binary runs")
}

#[track_caller]
fn fine(arguments: &[impl AsRef<OsStr>]) -> Output {
    let output = heapdrift(arguments);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    output
}

fn json(arguments: &[impl AsRef<OsStr>]) -> Value {
    serde_json::from_slice(&fine(arguments).stdout).expect("valid JSON")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn text(path: &Path) -> String {
    path.to_str().expect("UTF-8").to_owned()
}

/// Folders of committed dumps, each with its dumps in order.
fn series() -> BTreeMap<String, Vec<String>> {
    let mut series: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let found = glob("tests/dumps/*/*.hprof.gz");
    for path in found {
        let folder = path.parent().and_then(Path::file_name).expect("a folder");
        series.entry(folder.to_string_lossy().into_owned()).or_default().push(text(&path));
    }
    assert!(series.len() > 10, "the committed dumps are there");
    series
}

fn glob(pattern: &str) -> Vec<PathBuf> {
    let pattern = Path::new(env!("CARGO_MANIFEST_DIR")).join(pattern);
    let found = glob::glob(pattern.to_str().expect("UTF-8")).expect("a pattern");
    found.map(|path| path.expect("readable")).collect()
}

/// Writes the digest of a dump into `directory`.
#[track_caller]
fn digest_into(directory: &Path, dump: &str) -> String {
    let name = Path::new(dump).file_name().expect("a name").to_string_lossy().into_owned();
    let target = text(&directory.join(format!("{name}.hdd")));
    fine(&["digest", dump, "-o", &target]);
    target
}

/// The digest of a dump, without the command line.
fn digest_of(dump: impl AsRef<Path>) -> Digest {
    let mut source = Source::open(dump.as_ref()).expect("readable");
    let options = ScanOptions { threads: 1, ..ScanOptions::default() };
    let census = census::take(&mut source, &options, &Silent).expect("a dump");
    Digest::of(text(dump.as_ref()), &census)
}

fn leak() -> Vec<Digest> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(LEAK);
    (1..=4).map(|nth| digest_of(root.join(format!("{nth}.hprof.gz")))).collect()
}

/// What a report says, but for where it was read from.
fn without_origin(mut report: Value) -> Value {
    let blank = |dump: &mut Value| {
        dump["path"] = Value::Null;
        dump["kind"] = Value::Null;
    };
    if let Some(dumps) = report.get_mut("dumps") {
        dumps.as_array_mut().expect("dumps").iter_mut().for_each(blank);
    } else {
        blank(&mut report["dump"]);
    }
    report
}

fn files(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).expect("a directory");
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.expect("an entry").file_name();
    let mut names: Vec<String> =
        entries.map(|entry| name(entry).to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn temporary() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

// ---------------------------------------------------------------------------------------------------------------
// A digest says what its dump says

#[test]
fn digests_and_dumps_in_any_mix_compare_the_same() {
    let directory = temporary();
    for (folder, dumps) in series().into_iter().filter(|(_, dumps)| dumps.len() > 1) {
        let digests: Vec<String> =
            dumps.iter().map(|dump| digest_into(directory.path(), dump)).collect();
        let diff = |files: &[String]| {
            let mut arguments = vec!["diff".to_owned(), "--format".to_owned(), "json".to_owned()];
            arguments.extend_from_slice(files);
            json(&arguments)
        };
        let expected = without_origin(diff(&dumps));
        for first in 0..3 {
            // All digests, then every second file.
            let is_digest = |nth: usize| first == 2 || nth % 2 == first;
            let files: Vec<String> = (0..dumps.len())
                .map(|nth| if is_digest(nth) { &digests[nth] } else { &dumps[nth] }.clone())
                .collect();
            let report = diff(&files);
            for (nth, dump) in report["dumps"].as_array().expect("dumps").iter().enumerate() {
                assert_eq!(dump["kind"], if is_digest(nth) { "digest" } else { "dump" });
                assert_eq!(dump["path"], files[nth].as_str());
            }
            assert_eq!(without_origin(report), expected, "{folder}: {files:?}");
        }
    }
}

#[test]
fn info_of_a_digest_is_that_of_its_dump_but_for_the_stacks() {
    let directory = temporary();
    for dump in series().values().map(|dumps| &dumps[0]) {
        let digest = digest_into(directory.path(), dump);
        let mut expected = without_origin(json(&["info", "--format", "json", dump]));
        let mut found = without_origin(json(&["info", "--format", "json", &digest]));
        assert_eq!(found["digest_of"], "1.hprof.gz");
        assert_eq!(found["redacted"], false);
        let fields = found.as_object_mut().expect("an object");
        fields.remove("digest_of");
        fields.remove("redacted");
        let threads = |report: &mut Value| {
            let threads = report.as_object_mut().expect("an object").remove("threads");
            let name = |thread: &Value| {
                // Virtual threads have empty names. Classes lose what is generated.
                let name = thread["name"].as_str().filter(|name| !name.is_empty());
                (name.map(str::to_owned), thread["class"].is_string())
            };
            let mut names: Vec<_> = threads
                .as_ref()
                .and_then(Value::as_array)
                .expect("threads")
                .iter()
                .map(name)
                .collect();
            names.sort();
            names
        };
        assert!(found["dump"]["reachable_bytes"].is_u64(), "{dump}");
        drop_graph_facts(&mut found);
        assert_eq!(threads(&mut found), threads(&mut expected), "{dump}");
        assert_eq!(found, expected, "{dump}");
    }
}

/// Drops what a digest has from the index, and a walk of the dump alone does not tell.
fn drop_graph_facts(report: &mut Value) {
    for field in ["reachable_bytes", "unreachable_bytes", "off_heap"] {
        report["dump"].as_object_mut().expect("a dump").remove(field);
    }
}

#[test]
fn a_histogram_of_a_digest_has_the_rows_of_its_dump() {
    let directory = temporary();
    for dump in [SERIAL.to_owned(), format!("{LEAK}/4.hprof.gz")] {
        let digest = digest_into(directory.path(), &dump);
        for by in ["class", "array-length", "package", "loader"] {
            for more in [&[][..], &["--top", "5"], &["--filter", "java", "--jmap-names"]] {
                let histo = |file: &str| {
                    let mut arguments = vec!["histo", "--format", "json", "--by", by];
                    arguments.extend(more);
                    arguments.push(file);
                    let mut report = without_origin(json(&arguments));
                    // `histo` does not look whether garbage is in a dump; a digest knows.
                    report["dump"]["live"] = Value::Null;
                    drop_graph_facts(&mut report);
                    // A digest does not keep whose arrays have a length, nor numbers of loaders.
                    for table in ["classes", "array_lengths"] {
                        let rows = report.get_mut(table).and_then(Value::as_array_mut);
                        for row in rows.into_iter().flatten() {
                            row["loader"] = Value::Null;
                            let stable = |name: &str| {
                                let at = name.find("$$Lambda").map(|at| at + 8);
                                name[..at.unwrap_or(name.len())].to_owned()
                            };
                            row["name"] = row["name"].as_str().map(stable).into();
                        }
                    }
                    report
                };
                let (mut found, mut expected) = (histo(&digest), histo(&dump));
                if by == "class" {
                    // Generated classes of one place are one row.
                    let sum = |report: &mut Value| {
                        let mut sums: BTreeMap<String, (u64, u64)> = BTreeMap::new();
                        for row in report["classes"].as_array().expect("rows") {
                            let sum = sums.entry(row["name"].to_string()).or_default();
                            sum.0 += row["instances"].as_u64().expect("a count");
                            sum.1 += row["shallow_bytes"].as_u64().expect("bytes");
                        }
                        report["classes"] = Value::Null;
                        sums
                    };
                    assert_eq!(sum(&mut found), sum(&mut expected), "{dump} {more:?}");
                }
                assert_eq!(found, expected, "{dump} {by} {more:?}");
            }
        }
    }
}

#[test]
fn every_dump_comes_back_from_its_bytes() {
    for dump in series().values().flatten() {
        let digest = digest_of(dump);
        let bytes = encode(&digest, BUDGET).expect("it is encoded");
        assert!(bytes.len() < 64 << 10, "{dump}: {} bytes", bytes.len());
        let back = decode(&bytes, digest.path.clone()).expect("a digest");
        assert_eq!(back, Digest { kind: Kind::Digest, ..digest });
    }
}

#[test]
fn the_bytes_do_not_depend_on_the_threads_nor_on_how_the_dump_is_packed() {
    let directory = temporary();
    for dump in [LEAK, "tests/dumps/jdk25-zgc-references", "tests/dumps/jdk17-not-live"]
        .map(|folder| format!("{folder}/1.hprof.gz"))
    {
        // The same name: a digest keeps it.
        let plain = directory.path().join("1.hprof.gz");
        let mut file = std::fs::File::create(&plain).expect("writable");
        let packed = std::fs::File::open(&dump).expect("readable");
        std::io::copy(&mut flate2::read::MultiGzDecoder::new(packed), &mut file).expect("gzip");
        let target = text(&directory.path().join("out.hdd"));
        let mut seen = Vec::new();
        for file in [&dump, &text(&plain)] {
            for jobs in ["1", "2", "7"] {
                fine(&["digest", "--jobs", jobs, file, "-o", &target]);
                seen.push(std::fs::read(&target).expect("readable"));
            }
        }
        assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{dump}");
    }
}

#[test]
fn an_incomplete_dump_gives_a_digest_that_says_so_in_the_same_words() {
    let directory = temporary();
    let whole = Jvm::default_heap().write().bytes;
    let cut = text(&directory.path().join("cut.hprof"));
    std::fs::write(&cut, &whole[..whole.len() * 2 / 3]).expect("writable");
    let target = text(&directory.path().join("cut.hdd"));
    let output = heapdrift(&["digest", &cut, "-o", &target]);
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("INCOMPLETE"), "{}", stderr(&output));
    fine(&["digest", "--allow-incomplete", &cut, "-o", &target]);
    let reason = |file: &str| {
        let output = heapdrift(&["info", "--format", "json", file]);
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        let report: Value = serde_json::from_slice(&output.stdout).expect("valid JSON");
        assert_eq!(report["dump"]["complete"], false);
        report["dump"]["incomplete_reason"].clone()
    };
    assert_eq!(reason(&target), reason(&cut));
    assert_eq!(heapdrift(&["diff", &target, &target]).status.code(), Some(3));
    fine(&["diff", "--allow-incomplete", &target, &target]);
}

#[test]
fn a_stream_is_digested_and_a_digest_can_be_streamed_out() {
    let directory = temporary();
    let dump = directory.path().join("heap.hprof");
    std::fs::write(&dump, Jvm::default_heap().write().bytes).expect("writable");
    let target = directory.path().join("heap.hdd");
    let piped = |arguments: &[&str]| {
        let input = std::fs::File::open(&dump).expect("readable");
        tool(arguments).stdin(input).output().expect("the binary runs")
    };
    let output = piped(&["digest", "-", "-o", &text(&target)]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let digest = file::read(&target).expect("a digest");
    assert_eq!(digest.source, None);
    assert_eq!(digest.classes, digest_of(&dump).classes);
    let streamed = piped(&["digest", "-", "-o", "-"]);
    assert_eq!(streamed.stdout, std::fs::read(&target).expect("readable"));
    let nameless = piped(&["digest", "-"]);
    assert_eq!(nameless.status.code(), Some(2), "{}", stderr(&nameless));
}

#[test]
fn the_chosen_dump_of_a_file_is_digested_and_another_cannot_be_asked_of_its_digest() {
    let jvm = Jvm::small();
    let mut file = Hprof::new(Version::V102, IdSize::Eight);
    let whole = jvm.file().framing(Framing::One).write();
    file.raw(&whole.bytes[file.len()..]);
    file.heap_dump(&jvm.all_subs());
    let directory = temporary();
    let dump = text(&directory.path().join("two.hprof"));
    std::fs::write(&dump, &file.bytes).expect("writable");
    let target = text(&directory.path().join("first.hdd"));
    fine(&["digest", "--dump", "1", &dump, "-o", &target]);
    let report = json(&["info", "--format", "json", "--dump", "1", &target]);
    assert_eq!((&report["dump_number"], &report["dumps_in_file"]), (&json!(1), &json!(2)));
    let output = heapdrift(&["info", "--dump", "2", &target]);
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("digest of dump 1 of 2"), "{}", stderr(&output));
}

#[test]
fn a_committed_digest_of_the_first_version_is_still_read() {
    let digest = file::read(Path::new("tests/digests/version-1.hdd")).expect("a digest");
    assert_eq!(digest.source.as_deref(), Some("1.hprof.gz"));
    assert_eq!(digest.total, Amount::new(11_569, 582_072));
    assert_eq!(digest.facts.main_class.as_deref(), Some("com.example.layouts.PlatformThreads"));
    assert_eq!(digest.threads.len(), 19);
    assert_eq!(digest.classes.rows.len(), 276);
}

// ---------------------------------------------------------------------------------------------------------------
// Damage

fn small_digest() -> Vec<u8> {
    encode(&digest_of(SERIAL), BUDGET).expect("it is encoded")
}

#[test]
fn any_changed_bit_is_noticed() {
    let mut bytes = small_digest();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            bytes[at] ^= 1 << bit;
            assert!(decode(&bytes, String::new()).is_err(), "bit {bit} of byte {at}");
            bytes[at] ^= 1 << bit;
        }
    }
    assert!(decode(&bytes, String::new()).is_ok());
}

#[test]
fn a_digest_cut_off_anywhere_is_noticed_and_so_are_bytes_behind_it() {
    let bytes = small_digest();
    for length in 0..bytes.len() {
        let fault = decode(&bytes[..length], String::new()).expect_err("it is cut off");
        let Fault::CutOff { length: found, needed } = fault else { panic!("{length}: {fault}") };
        assert_eq!(found, length as u64);
        assert!(needed > found && needed <= bytes.len() as u64, "{length}: {needed}");
    }
    let longer = [&bytes[..], &[0]].concat();
    let fault = decode(&longer, String::new()).expect_err("a byte too many");
    assert_eq!(fault.offset(), bytes.len() as u64, "{fault}");
}

#[test]
fn damage_is_told_with_file_offset_reason_and_remedy() {
    let directory = temporary();
    let bytes = small_digest();
    let newer = [&bytes[..8], &2u32.to_le_bytes(), &bytes[12..]].concat();
    let mut flipped = bytes.clone();
    flipped[3000] ^= 0x10;
    let cases: [(&str, Vec<u8>, &[&str]); 5] = [
        ("newer.hdd", newer, &["at byte 8", "format version 2", "update heapdrift"]),
        ("flipped.hdd", flipped, &["at byte", "checksum", "copy the digest again"]),
        ("cut.hdd", bytes[..2000].to_vec(), &["at byte 2000", "cut off", "copy the digest again"]),
        ("other.hdd", b"PK\x03\x04 something".to_vec(), &["at byte 0", "not a digest", "pass a"]),
        ("empty.hdd", Vec::new(), &["at byte 0", "cut off"]),
    ];
    for (name, bytes, words) in cases {
        let path = text(&directory.path().join(name));
        std::fs::write(&path, bytes).expect("writable");
        for arguments in [&["info", &path][..], &["histo", &path], &["diff", &path, SERIAL]] {
            let output = heapdrift(arguments);
            let message = stderr(&output);
            assert_eq!(output.status.code(), Some(3), "{message}");
            assert!(output.stdout.is_empty());
            assert!(message.starts_with("error: ") && message.contains("help: "), "{message}");
            assert!(message.contains(name), "{message}");
            words.iter().for_each(|word| assert!(message.contains(word), "{word}: {message}"));
        }
    }
}

/// The sections of a digest, inflated.
fn sections(bytes: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let sections = Sections::open(bytes).expect("sections");
    let mut names = SECTIONS.to_vec();
    if sections.names().count() > names.len() {
        names.extend(INDEX_SECTIONS);
    }
    assert_eq!(sections.names().collect::<Vec<_>>(), names);
    let content = |name| sections.get(name).expect("inflated").expect("it is there").1;
    names.into_iter().map(|name| (name, content(name))).collect()
}

#[test]
fn sections_and_columns_that_are_not_known_are_passed_over() {
    let bytes = small_digest();
    let expected = decode(&bytes, String::new()).expect("a digest");
    let mut grown = sections(&bytes);
    for (_, table) in grown.iter_mut().filter(|(name, _)| *name != "facts") {
        // Rows are a number of one or more bytes, then comes the number of columns.
        let columns = table.iter().position(|byte| byte & 0x80 == 0).expect("rows") + 1;
        table[columns] += 1;
        // A column "later" of a kind that is not known, with three bytes.
        table.extend(b"\x05later\x09\x03abc");
    }
    let head: &mut Vec<u8> = &mut grown[0].1;
    let mut facts: Value = serde_json::from_slice(head).expect("JSON");
    facts["later"] = json!({ "a": [1] });
    facts["facts"]["later"] = json!("x");
    *head = serde_json::to_vec(&facts).expect("JSON");
    grown.insert(2, ("later", b"anything".repeat(50)));
    let grown = container::write(&grown);
    assert_ne!(grown, bytes);
    assert_eq!(decode(&grown, String::new()).expect("a digest"), expected);
}

#[test]
fn a_section_that_is_missing_or_does_not_add_up_is_noticed() {
    let bytes = small_digest();
    for left_out in SECTIONS.iter().filter(|name| **name != "threads") {
        let mut less = sections(&bytes);
        less.retain(|(name, _)| name != left_out);
        let fault = decode(&container::write(&less), String::new()).expect_err("one is missing");
        assert!(fault.to_string().contains(left_out), "{fault}");
    }
    let mut other = sections(&bytes);
    let head: &mut Vec<u8> = &mut other[0].1;
    let mut facts: Value = serde_json::from_slice(head).expect("JSON");
    facts["total"]["instances"] = json!(11_570);
    *head = serde_json::to_vec(&facts).expect("JSON");
    let fault = decode(&container::write(&other), String::new()).expect_err("a wrong total");
    assert!(fault.to_string().contains("do not add up"), "{fault}");
}

#[test]
fn foreign_bytes_under_right_checksums_never_panic() {
    let bytes = small_digest();
    let original = decode(&bytes, String::new()).expect("a digest");
    let inflated = sections(&bytes);
    let mut rng = Rng::new(17);
    let mut read = 0;
    for round in 0..4000 {
        let mut sections = inflated.clone();
        // Mostly what a table starts with: rows, columns, names, kinds, lengths.
        let section = &mut sections[round % SECTIONS.len()].1;
        for _ in 0..=rng.below(3) {
            let near = if rng.below(2) == 0 { 24 } else { section.len() };
            let at = rng.below(near.min(section.len()));
            match rng.below(4) {
                0 => section.truncate(at),
                1 => section.insert(at, rng.next() as u8),
                _ => section[at] = rng.next() as u8,
            }
            if section.is_empty() {
                break;
            }
        }
        if let Ok(digest) = decode(&container::write(&sections), String::new()) {
            read += 1;
            compare(&[original.clone(), digest], &DiffOptions::default());
        }
    }
    assert!(read > 100, "some changes are to names: {read}");
}

#[test]
fn a_small_section_that_inflates_to_gigabytes_is_refused() {
    let bytes = small_digest();
    let mut sections = sections(&bytes);
    sections[1].1 = vec![0; 300_000_000];
    let bomb = container::write(&sections);
    assert!(bomb.len() < 1 << 20);
    let fault = decode(&bomb, String::new()).expect_err("too much");
    assert!(fault.to_string().contains("inflate"), "{fault}");
}

proptest! {
    #[test]
    fn any_bytes_are_an_error_or_the_same_content(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 1..8),
        behind_magic: bool,
    ) {
        let bytes = small_digest_once();
        let mut changed = bytes.to_vec();
        for (at, byte, how) in changes {
            let at = at.index(changed.len());
            let at = if behind_magic { at.max(8) } else { at };
            match how {
                0 => changed.insert(at.min(changed.len()), byte),
                1 if at < changed.len() => { changed.remove(at); }
                _ => if let Some(old) = changed.get_mut(at) { *old = byte },
            }
        }
        let read = decode(&changed, String::new());
        prop_assert_eq!(read.is_ok(), changed == bytes);
    }
}

fn small_digest_once() -> &'static [u8] {
    static BYTES: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    BYTES.get_or_init(small_digest)
}

// ---------------------------------------------------------------------------------------------------------------
// The bound

/// A digest that was written in at most `budget` bytes and read again.
#[track_caller]
fn bounded(digest: &Digest, budget: u64) -> Digest {
    let bytes = encode(digest, budget).expect("it is encoded");
    assert!(bytes.len() as u64 <= budget, "{} bytes of {budget}", bytes.len());
    decode(&bytes, digest.path.clone()).expect("a digest")
}

#[test]
fn a_digest_keeps_to_its_bytes_and_counts_the_smallest_rows_together() {
    fn check<K: Ord>(table: &Rows<K>, whole: &Rows<K>, limit: u64) {
        assert_eq!(table.total(), whole.total());
        let folded = table.other.unwrap_or_default();
        assert_eq!(table.rows.len() as u64 + folded.rows, whole.rows.len() as u64);
        assert!(folded.largest_bytes <= limit);
        assert!(table.rows.values().all(|amount| amount.shallow_bytes >= folded.largest_bytes));
        for (key, amount) in &table.rows {
            assert_eq!(whole.rows.get(key), Some(amount));
        }
    }
    let mut digest = leak().remove(3);
    let thread = heapdrift::digest::ThreadKey { name: None, class: "java.lang.Thread".to_owned() };
    digest.threads = vec![thread; 5000];
    let mut rows = usize::MAX;
    for budget in [60_000, 5000, 4000, 3000, 2500] {
        let small = bounded(&digest, budget);
        let limit = small.largest_folded().unwrap_or(0);
        check(&small.classes, &digest.classes, limit);
        check(&small.arrays, &digest.arrays, limit);
        check(&small.packages, &digest.packages, limit);
        check(&small.loaders, &digest.loaders, limit);
        assert_eq!(small.classes.total(), digest.total);
        assert_eq!(small.threads.len() as u64 + small.more_threads, 5000);
        assert!(small.threads.len() < 5000);
        let left = small.classes.rows.len() + small.arrays.rows.len();
        assert!(left < rows, "{left} rows for {budget} bytes");
        rows = left;
    }
    assert!(rows > 10, "the largest are still there: {rows}");
    assert!(bounded(&digest, 5000).is_folded());
    assert!(!bounded(&digest, 60_000).is_folded());
}

fn sums<K>(rows: &[Row<K>], other: &Option<(usize, Series)>, dumps: usize) -> Vec<(u64, u64)> {
    let all = rows.iter().map(|row| &row.series).chain(other.iter().map(|(_, series)| series));
    let mut sums = vec![(0, 0); dumps];
    for series in all {
        for (nth, sum) in sums.iter_mut().enumerate() {
            sum.0 += series.instances[nth];
            sum.1 += series.shallow_bytes[nth];
        }
    }
    sums
}

fn assert_adds_up(comparison: &Comparison) {
    let dumps = comparison.digests.len();
    let column = |series: &Series| -> Vec<(u64, u64)> {
        series.instances.iter().copied().zip(series.shallow_bytes.iter().copied()).collect()
    };
    let total = column(&comparison.total);
    assert_eq!(sums(&comparison.classes.rows, &comparison.classes.other, dumps), total);
    assert_eq!(sums(&comparison.packages.rows, &comparison.packages.other, dumps), total);
    assert_eq!(sums(&comparison.loaders.rows, &comparison.loaders.other, dumps), total);
    let arrays = column(&comparison.array_total);
    assert_eq!(sums(&comparison.arrays.rows, &comparison.arrays.other, dumps), arrays);
}

#[test]
fn comparisons_of_bounded_digests_add_up_and_small_rows_do_not_come_and_go() {
    let whole = leak();
    let expected = compare(&whole, &DiffOptions::default());
    for budgets in [[3500, BUDGET, BUDGET, BUDGET], [3000, 2500, 5000, 2400]] {
        let mixed: Vec<Digest> =
            whole.iter().zip(budgets).map(|(digest, budget)| bounded(digest, budget)).collect();
        for top in [None, Some(3)] {
            assert_adds_up(&compare(&mixed, &DiffOptions { top, ..DiffOptions::default() }));
        }
        let comparison = compare(&mixed, &DiffOptions::default());
        assert_eq!(comparison.total, expected.total);
        assert!(comparison.classes.rows.len() > 5);
        let warnings = comparison.comparability.warnings.join("\n");
        assert!(warnings.contains("had no room for every row"), "{warnings}");
        // The leak is larger than anything that was counted together.
        for row in &comparison.classes.rows {
            let same = expected.classes.rows.iter().find(|other| other.key == row.key);
            assert_eq!(Some(&row.series), same.map(|row| &row.series), "{:?}", row.key);
        }
        assert!(
            comparison
                .classes
                .rows
                .iter()
                .any(|row| { *row.key.name == *"com.cloudsdk.http.PoolingConnectionManager" })
        );
    }
}

#[test]
fn a_dump_does_not_differ_from_its_bounded_digest() {
    for digest in leak() {
        for budget in [2000, 3000, 4000] {
            let pair = [digest.clone(), bounded(&digest, budget)];
            let comparison = compare(&pair, &DiffOptions::default());
            assert_adds_up(&comparison);
            assert!(comparison.classes.rows.iter().all(|row| row.series.growth_bytes() == 0));
            assert!(comparison.arrays.rows.iter().all(|row| row.series.growth_bytes() == 0));
            let warnings = comparison.comparability.warnings.join("\n");
            assert!(warnings.contains("are the same dump twice"), "{warnings}");
        }
    }
}

#[test]
fn a_class_that_outgrew_what_is_counted_together_is_shown() {
    let mut later = leak().remove(0);
    let earlier = bounded(&later, 2500);
    let limit = earlier.largest_folded().expect("rows are counted together");
    let folded = |key: &&heapdrift::digest::ClassKey| !earlier.classes.rows.contains_key(key);
    let key = later.classes.rows.keys().find(folded).expect("a class").clone();
    let more = Amount::new(10, limit + 1);
    later.classes.add(key.clone(), more);
    later.total.instances += more.instances;
    later.total.shallow_bytes += more.shallow_bytes;
    later.facts.time_ms += 1;
    let comparison = compare(&[earlier, later], &DiffOptions::default());
    let row = comparison.classes.rows.iter().find(|row| row.key == key).expect("it is shown");
    assert!(row.series.growth_bytes() > limit as i64);
}

// ---------------------------------------------------------------------------------------------------------------
// Threads and kinds of GC roots

/// A digest in which threads and one kind of GC roots retain so many bytes.
fn with_held(time_ms: u64, threads: &[(Option<&str>, &str, u64)], kind: u64) -> Digest {
    let held = |retained_bytes| Held { holders: 1, objects: 2, retained_bytes, exact: true };
    let key = |name: Option<&str>, class: &str| ThreadKey {
        name: name.map(str::to_owned),
        class: class.to_owned(),
    };
    let rows = threads.iter().map(|(name, class, bytes)| (key(*name, class), held(*bytes)));
    let tables = HeldTables {
        roots: BTreeMap::from([("JNI global".to_owned(), held(kind))]),
        threads: rows.collect(),
        is_cut: false,
    };
    Digest { held: Some(tables), ..support::digests::empty(time_ms) }
}

/// Names, classes and bytes of the threads of a comparison.
fn threads_of(digests: &[Digest], options: &DiffOptions) -> Vec<(Option<String>, Vec<u64>)> {
    let held = compare(digests, options).held.expect("all digests tell");
    let rows = held.threads.rows.into_iter();
    rows.map(|row| (row.key.name, row.series.shallow_bytes)).collect()
}

#[test]
fn threads_and_kinds_of_roots_are_ranked_by_growth_of_what_they_retain() {
    let digests = [
        with_held(1, &[(Some("main"), "A", 10), (Some("pool-#"), "B", 100)], 5),
        with_held(
            2,
            &[(Some("late"), "C", 7), (Some("main"), "A", 90), (Some("pool-#"), "B", 100)],
            6,
        ),
    ];
    let comparison = compare(&digests, &DiffOptions::default());
    let held = comparison.held.expect("both digests tell");
    assert_eq!(held.roots.rows[0].series.shallow_bytes, [5, 6]);
    let name = |name: &str| Some(name.to_owned());
    let expected = [
        (name("main"), vec![10, 90]),
        (name("late"), vec![0, 7]),
        (name("pool-#"), vec![100, 100]),
    ];
    assert_eq!(threads_of(&digests, &DiffOptions::default()), expected);
    assert!(held.threads.rows.iter().all(|row| row.exact));
    let changed = DiffOptions { only_changed: true, top: Some(1), ..DiffOptions::default() };
    assert_eq!(threads_of(&digests, &changed), expected[..1]);
    let mut unknown = digests.to_vec();
    unknown[0].held = None;
    assert!(compare(&unknown, &DiffOptions::default()).held.is_none());
}

#[test]
fn a_redacted_digest_and_one_with_names_compare_threads_by_class() {
    let named = with_held(1, &[(Some("a"), "A", 10), (Some("b"), "A", 20), (Some("c"), "B", 1)], 5);
    let mut redacted = named.clone();
    redacted.redact();
    redacted.facts.time_ms = 2;
    let rows = threads_of(&[named, redacted], &DiffOptions::default());
    assert_eq!(rows, [(None, vec![30, 30]), (None, vec![1, 1])]);
}

#[test]
fn threads_that_a_digest_had_no_room_for_do_not_seem_to_come_and_go() {
    let whole = with_held(1, &[(Some("a"), "A", 10), (Some("b"), "A", 20)], 5);
    let mut cut = with_held(2, &[(Some("b"), "A", 30)], 5);
    cut.held.as_mut().expect("tables").is_cut = true;
    let rows = threads_of(&[whole, cut], &DiffOptions::default());
    assert_eq!(rows, [(Some("b".to_owned()), vec![20, 30])]);
}

#[test]
fn what_threads_and_kinds_of_roots_retain_comes_back_from_the_bytes_of_a_digest() {
    for cut in [false, true] {
        let mut digest = with_held(1, &[(None, "A", 10), (Some("b"), "A", 20)], 5);
        digest.held.as_mut().expect("tables").is_cut = cut;
        let bytes = encode(&digest, BUDGET).expect("it is encoded");
        assert_eq!(decode(&bytes, String::new()).expect("a digest").held, digest.held);
    }
}

// ---------------------------------------------------------------------------------------------------------------
// What is in it

/// True when some section, inflated, or the file itself contains the text.
fn holds(path: &Path, text: &str) -> bool {
    let bytes = std::fs::read(path).expect("readable");
    let mut all = sections(&bytes);
    all.push(("file", bytes));
    all.iter().any(|(_, bytes)| {
        bytes.windows(text.len()).any(|window| window.eq_ignore_ascii_case(text.as_bytes()))
    })
}

#[test]
fn no_string_of_the_application_is_in_a_digest_and_no_name_either_when_redacted() {
    let mut jvm = Jvm::default_heap();
    jvm.string("a secret value");
    jvm.system_properties(&[("secret.key", "password")]);
    jvm.thread("pool-of-customers-1", &[]);
    let directory = temporary();
    let folder = directory.path().join("folder-of-a-user");
    std::fs::create_dir(&folder).expect("writable");
    let dump = folder.join("customer-heap.hprof");
    std::fs::write(&dump, jvm.write().bytes).expect("writable");
    // A part beside the dump is told with its path.
    std::fs::write(folder.join("customer-heap.hprof.p0"), b"").expect("writable");
    let named = directory.path().join("named.hdd");
    let redacted = directory.path().join("redacted.hdd");
    let again = directory.path().join("again.hdd");
    let write = |arguments: &[&str], from: &Path, to: &Path| {
        fine(
            &[&["digest", "--allow-incomplete"], arguments, &[&text(from), "-o", &text(to)]]
                .concat(),
        );
    };
    write(&[], &dump, &named);
    write(&["--redact"], &dump, &redacted);
    write(&["--redact"], &named, &again);
    for secret in ["a secret value", "secret.key", "password", "text number", "OpenJDK 64-Bit"] {
        assert!(!holds(&named, secret), "{secret}");
    }
    for name in ["pool-of-customers", "com.example.Main\"", "customer-heap", "folder-of-a-user"] {
        assert!(holds(&named, name), "{name}");
        assert!(!holds(&redacted, name), "{name}");
        assert!(!holds(&again, name), "{name}, redacted later");
    }
    assert!(holds(&redacted, "com.example.Node"), "names of classes stay");
    assert!(holds(&redacted, "lies beside it"), "why it is incomplete is said");
    let (first, second) = (std::fs::read(&redacted), std::fs::read(&again));
    assert_eq!(first.expect("readable"), second.expect("readable"));
    let report = fine(&["info", "--allow-incomplete", &text(&redacted)]);
    assert!(String::from_utf8_lossy(&report.stdout).contains("redacted"));
}

// ---------------------------------------------------------------------------------------------------------------
// Files

#[test]
fn a_digest_is_named_after_its_dump_in_the_current_directory() {
    let directory = temporary();
    let dump = Path::new(env!("CARGO_MANIFEST_DIR")).join(SERIAL);
    let output = tool(&["digest", &text(&dump)]).current_dir(directory.path()).output();
    let output = output.expect("the binary runs");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(files(directory.path()), ["1.hprof.gz.hdd"]);
    assert!(output.stdout.is_empty());
    assert!(stderr(&output).contains("wrote 1.hprof.gz.hdd: "), "{}", stderr(&output));
    let quiet = tool(&["digest", "-q", &text(&dump)]).current_dir(directory.path()).output();
    assert!(quiet.expect("the binary runs").stderr.is_empty());
}

#[test]
fn only_a_digest_is_replaced() {
    let directory = temporary();
    let target = directory.path().join("target");
    let dump = Path::new(env!("CARGO_MANIFEST_DIR")).join(SERIAL);
    let copy = directory.path().join("copy.hprof");
    std::fs::copy(&dump, &copy).expect("copied");
    for occupied in [&b"notes"[..], b"JAVA PROFILE 1.0.2", b"\x89HD"] {
        std::fs::write(&target, occupied).expect("writable");
        let output = heapdrift(&["digest", SERIAL, "-o", &text(&target)]);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains("no digest"), "{}", stderr(&output));
        assert_eq!(std::fs::read(&target).expect("readable"), occupied);
    }
    let over_itself = heapdrift(&["digest", &text(&copy), "-o", &text(&copy)]);
    assert_eq!(over_itself.status.code(), Some(2));
    let over_directory = heapdrift(&["digest", SERIAL, "-o", &text(directory.path())]);
    assert_eq!(over_directory.status.code(), Some(2));
    std::fs::write(&target, b"").expect("writable");
    fine(&["digest", SERIAL, "-o", &text(&target)]);
    let first = std::fs::read(&target).expect("readable");
    fine(&["digest", &format!("{LEAK}/1.hprof.gz"), "-o", &text(&target)]);
    assert_ne!(std::fs::read(&target).expect("readable"), first);
    assert_eq!(files(directory.path()), ["copy.hprof", "target"]);
}

#[cfg(unix)]
#[test]
fn what_a_link_points_to_is_replaced_and_the_link_stays() {
    let directory = temporary();
    let (real, link) = (directory.path().join("real.hdd"), directory.path().join("link.hdd"));
    fine(&["digest", SERIAL, "-o", &text(&real)]);
    std::os::unix::fs::symlink(&real, &link).expect("a link");
    fine(&["digest", &format!("{LEAK}/1.hprof.gz"), "-o", &text(&link)]);
    assert!(link.symlink_metadata().expect("there").is_symlink());
    assert_eq!(file::read(&real).expect("a digest").total.instances, 63_456);
}

#[cfg(unix)]
#[test]
fn a_write_that_fails_leaves_what_was_there_and_nothing_else() {
    let directory = temporary();
    let target = directory.path().join("old.hdd");
    fine(&["digest", SERIAL, "-o", &text(&target)]);
    let old = std::fs::read(&target).expect("readable");
    // Files may have 2 KiB at most, as if the disk were full.
    let script = "trap '' XFSZ; ulimit -f 4; exec \"$0\" \"$@\"";
    let output = Command::new("/bin/sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_heapdrift"), "digest", SERIAL, "-o"])
        .arg(&target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("a shell");
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains("cannot write"), "{}", stderr(&output));
    assert_eq!(std::fs::read(&target).expect("readable"), old);
    assert_eq!(files(directory.path()), ["old.hdd"]);
}

#[test]
fn a_directory_that_takes_no_files_is_told_before_the_dump_is_read() {
    let directory = temporary();
    let target = directory.path().join("missing").join("x.hdd");
    let output = heapdrift(&["digest", "no-such.hprof", "-o", &text(&target)]);
    assert_eq!(output.status.code(), Some(3));
    let message = stderr(&output);
    assert!(message.contains("x.hdd") && message.contains("cannot write"), "{message}");
    assert!(files(directory.path()).is_empty());
}

#[test]
fn directories_and_patterns_hold_digests_and_a_dump_goes_before_its_own_digest() {
    let directory = temporary();
    let paths = |report: &Value| -> Vec<String> {
        let dumps = report["dumps"].as_array().expect("dumps").iter();
        let name = |dump: &Value| Path::new(dump["path"].as_str().expect("a path")).to_owned();
        dumps.map(name).map(|path| text(Path::new(path.file_name().expect("a name")))).collect()
    };
    for nth in 1..=3 {
        digest_into(directory.path(), &format!("{LEAK}/{nth}.hprof.gz"));
    }
    let folder = text(directory.path());
    let all = json(&["diff", "--format", "json", &folder]);
    assert_eq!(paths(&all), ["1.hprof.gz.hdd", "2.hprof.gz.hdd", "3.hprof.gz.hdd"]);
    std::fs::copy(
        Path::new(env!("CARGO_MANIFEST_DIR")).join(LEAK).join("2.hprof.gz"),
        directory.path().join("2.hprof.gz"),
    )
    .expect("copied");
    for argument in [folder.clone(), format!("{folder}/*.h*")] {
        let output = fine(&["diff", "--format", "json", &argument]);
        let report: Value = serde_json::from_slice(&output.stdout).expect("valid JSON");
        assert_eq!(paths(&report), ["1.hprof.gz.hdd", "2.hprof.gz", "3.hprof.gz.hdd"]);
        assert_eq!(without_origin(report), without_origin(all.clone()));
        let message = stderr(&output);
        assert!(message.contains("2.hprof.gz.hdd is passed over"), "{message}");
    }
    // Who names both gets both.
    let (dump, digest) = (format!("{folder}/2.hprof.gz"), format!("{folder}/2.hprof.gz.hdd"));
    let both = json(&["diff", "--format", "json", &dump, &digest]);
    assert!(both["comparable"]["warnings"].to_string().contains("same dump twice"));
}

#[test]
fn a_digest_is_known_by_its_content_and_a_dump_too() {
    let directory = temporary();
    let digest = digest_into(directory.path(), SERIAL);
    let (odd, dump) = (directory.path().join("odd.txt"), directory.path().join("dump.hdd"));
    std::fs::rename(digest, &odd).expect("renamed");
    std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join(SERIAL), &dump).expect("copied");
    let kind =
        |path: &Path| json(&["info", "--format", "json", &text(path)])["dump"]["kind"].clone();
    assert_eq!(kind(&odd), "digest");
    assert_eq!(kind(&dump), "dump");
}
