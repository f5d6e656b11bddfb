//! Runs the tool as a user would, and checks what must hold for every run: it ends, and in time; it does not panic
//! and no signal kills it; it leaves no file behind; its table adds up.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::synth::Count;

pub const TIMEOUT: Duration = Duration::from_secs(60);

/// A directory with dumps, and another one for temporary files.
pub struct Scene {
    root: TempDir,
}

impl Scene {
    #[allow(
        clippy::new_without_default,
        reason = "a new scene is a new directory, which a default should not make"
    )]
    pub fn new() -> Self {
        let root = tempfile::tempdir().expect("a temporary directory");
        for name in ["dumps", "tmp", "home"] {
            fs::create_dir(root.path().join(name)).expect("a directory");
        }
        Scene { root }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join("dumps").join(name)
    }

    /// Puts a file among the dumps.
    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).expect("writing a dump");
        path
    }

    pub fn tool(&self) -> Call<'_> {
        Call { scene: self, args: Vec::new(), stdin: None, memory_limit: None, timeout: TIMEOUT }
    }

    /// `heapdrift histo --format json DUMP`
    pub fn histo(&self, dump: impl AsRef<OsStr>) -> Call<'_> {
        self.tool().args(["histo", "--format", "json"]).arg(dump)
    }

    /// `heapdrift histo DUMP`
    pub fn histo_text(&self, dump: impl AsRef<OsStr>) -> Call<'_> {
        self.tool().arg("histo").arg(dump)
    }

    /// The table of these bytes, in a file with a name that says nothing.
    pub fn table(&self, bytes: &[u8]) -> Table {
        let path = self.file("input.hprof", bytes);
        self.histo(&path).run().fine()
    }

    /// Runs `histo` on these bytes, in every way that matters for an incomplete dump, and returns the table.
    pub fn incomplete(&self, bytes: &[u8]) -> Table {
        let path = self.file("input.hprof", bytes);
        self.incomplete_file(&path)
    }

    pub fn incomplete_file(&self, path: &Path) -> Table {
        let outcome = self.histo(path).run();
        let allowed = self.histo(path).arg("--allow-incomplete").run();
        assert_eq!(allowed.code, 0, "--allow-incomplete accepts it: {allowed}");
        assert_eq!(
            outcome.stdout_text(),
            allowed.stdout_text(),
            "--allow-incomplete changes the exit code and nothing else"
        );
        let text = self.histo_text(path).run();
        assert_eq!(text.code, 3, "{text}");
        let stdout = text.stdout_text();
        assert!(stdout.contains("INCOMPLETE"), "the text says so: {text}");
        outcome.incomplete()
    }

    /// The files beside the dumps, other than indexes that are finished.
    fn listing(&self) -> Vec<OsString> {
        let is_index = |name: &OsString| name.to_string_lossy().ends_with(".hdx");
        let mut names = list(&self.root.path().join("dumps"));
        names.retain(|name| !is_index(name));
        names
    }
}

fn list(directory: &Path) -> Vec<OsString> {
    let entries = fs::read_dir(directory).expect("reading a directory");
    let mut names: Vec<OsString> = entries.map(|e| e.expect("an entry").file_name()).collect();
    names.sort();
    names
}

/// A run of the tool that has not begun.
#[must_use]
pub struct Call<'s> {
    scene: &'s Scene,
    args: Vec<OsString>,
    stdin: Option<Vec<u8>>,
    memory_limit: Option<u64>,
    timeout: Duration,
}

impl Call<'_> {
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    pub fn stdin(mut self, bytes: &[u8]) -> Self {
        self.stdin = Some(bytes.to_vec());
        self
    }

    /// Bounds the memory that is not a mapping of a file: an allocation beyond it fails, and the tool aborts.
    pub fn memory_limit_mib(mut self, mib: u64) -> Self {
        self.memory_limit = Some(mib);
        self
    }

    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    fn command(&self) -> Command {
        let tool = env!("CARGO_BIN_EXE_heapdrift");
        let mut command = match self.memory_limit {
            Some(mib) if cfg!(target_os = "linux") => {
                let mut shell = Command::new("/bin/sh");
                let script = format!("ulimit -d {} && exec \"$0\" \"$@\"", mib * 1024);
                shell.args(["-c", &script, tool]);
                shell
            }
            _ => Command::new(tool),
        };
        let root = self.scene.root.path();
        command
            .args(&self.args)
            .current_dir(root.join("dumps"))
            .env("TMPDIR", root.join("tmp"))
            .env("HOME", root.join("home"))
            .env_remove("XDG_CACHE_HOME")
            .env_remove("GITHUB_STEP_SUMMARY")
            .env_remove("CLICOLOR_FORCE")
            .env("RUST_BACKTRACE", "0")
            .stdin(if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs the tool to its end, or fails the test when it does not come.
    pub fn run(self) -> Outcome {
        let timeout = self.timeout;
        let name = format!("heapdrift {}", self.args.join(OsStr::new(" ")).to_string_lossy());
        self.run_unless_stuck()
            .unwrap_or_else(|stderr| panic!("{name} did not end in {timeout:?}; stderr: {stderr}"))
    }

    /// Runs the tool. When it does not end in time, kills it and returns what it wrote to stderr.
    pub fn run_unless_stuck(self) -> Result<Outcome, String> {
        let before = self.scene.listing();
        let name = format!("heapdrift {}", self.args.join(OsStr::new(" ")).to_string_lossy());
        let mut child = self.command().spawn().expect("starting the tool");
        if let Some(bytes) = self.stdin {
            let mut pipe = child.stdin.take().expect("a pipe");
            thread::spawn(move || {
                // The tool may stop reading early: then the pipe breaks, and that is its right.
                let _ = pipe.write_all(&bytes);
            });
        }
        let stdout = collect(child.stdout.take().expect("a pipe"));
        let stderr = collect(child.stderr.take().expect("a pipe"));
        let Ok(stdout) = stdout.recv_timeout(self.timeout) else {
            child.kill().expect("killing the tool");
            child.wait().expect("waiting for the tool");
            let stderr = stderr.recv_timeout(TIMEOUT).unwrap_or_default();
            return Err(String::from_utf8_lossy(&stderr).into_owned());
        };
        let stderr = stderr.recv_timeout(TIMEOUT).unwrap_or_default();
        let status = child.wait().expect("waiting for the tool");
        let stderr = String::from_utf8_lossy(&stderr).into_owned();
        let Some(code) = status.code() else {
            panic!("{name}: {status}; stderr: {stderr}");
        };
        let outcome = Outcome { name, code, stdout, stderr };
        assert!(matches!(code, 0 | 2 | 3), "an exit code that users know: {outcome}");
        assert!(!outcome.stderr.contains("panicked at"), "no panic: {outcome}");
        let root = self.scene.root.path();
        assert_eq!(before, self.scene.listing(), "no file beside the dump: {outcome}");
        for directory in ["tmp", "home"] {
            let left = list(&root.join(directory));
            assert!(left.is_empty(), "no temporary file is left: {left:?}, {outcome}");
        }
        Ok(outcome)
    }
}

fn collect(mut pipe: impl Read + Send + 'static) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        let _ = sender.send(bytes);
    });
    receiver
}

/// How a run ended.
pub struct Outcome {
    pub name: String,
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let short = |text: &str| text.chars().take(3000).collect::<String>();
        let stdout = short(&String::from_utf8_lossy(&self.stdout));
        let stderr = short(&self.stderr);
        write!(f, "{}\n  code {}\n  stdout: {stdout}\n  stderr: {stderr}", self.name, self.code)
    }
}

impl Outcome {
    pub fn stdout_text(&self) -> String {
        String::from_utf8(self.stdout.clone()).unwrap_or_else(|_| panic!("stdout is UTF-8: {self}"))
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.stdout)
            .unwrap_or_else(|e| panic!("stdout is not JSON ({e}): {self}"))
    }

    /// The table, whatever is said about it.
    pub fn table(&self) -> Table {
        Table::new(self.json(), self.to_string())
    }

    /// Exit code 0, everything read.
    pub fn fine(&self) -> Table {
        assert_eq!(self.code, 0, "{self}");
        let table = self.table();
        assert!(table.is_complete(), "complete: {self}");
        assert!(table.json["dump"].get("incomplete_reason").is_none(), "nothing to excuse: {self}");
        table
    }

    /// Exit code 3, and a table that says what is missing.
    pub fn incomplete(&self) -> Table {
        assert_eq!(self.code, 3, "{self}");
        let table = self.table();
        assert!(!table.is_complete(), "incomplete: {self}");
        assert!(!numbers(table.reason()).is_empty(), "the reason names an offset: {self}");
        table
    }

    /// Exit code 3, nothing on stdout, and a message that names the file and what to do.
    pub fn rejected(&self, file: impl AsRef<Path>) -> &str {
        assert_eq!(self.code, 3, "{self}");
        assert!(self.stdout.is_empty(), "nothing on stdout: {self}");
        assert!(self.stderr.lines().any(|l| l.starts_with("error:")), "an error line: {self}");
        let name = file.as_ref().file_name().unwrap_or(file.as_ref().as_os_str());
        assert!(self.stderr.contains(&*name.to_string_lossy()), "the file is named: {self}");
        let lines = self.stderr.lines().filter(|l| !l.trim().is_empty()).count();
        assert!(lines >= 2, "a line says what to do: {self}");
        &self.stderr
    }
}

/// What `histo --format json` printed.
pub struct Table {
    pub json: Value,
    /// By name; classes of one name in several loaders are added up.
    pub rows: BTreeMap<String, Count>,
    pub total: Count,
    context: String,
}

impl Table {
    fn new(json: Value, context: String) -> Self {
        let number = |v: &Value, key: &str| {
            v[key].as_u64().unwrap_or_else(|| panic!("{key} in {v}: {context}"))
        };
        let count = |v: &Value| Count {
            instances: number(v, "instances"),
            shallow_bytes: number(v, "shallow_bytes"),
        };
        assert_eq!(json["schema_version"], 1, "{context}");
        let mut rows: BTreeMap<String, Count> = BTreeMap::new();
        let mut sum = Count::default();
        for row in json["classes"].as_array().unwrap_or_else(|| panic!("classes: {context}")) {
            let name = row["name"].as_str().unwrap_or_else(|| panic!("a name in {row}"));
            let count = count(row);
            let entry = rows.entry(name.to_owned()).or_default();
            for total in [entry, &mut sum] {
                total.instances += count.instances;
                total.shallow_bytes += count.shallow_bytes;
            }
        }
        let total = count(&json["total"]);
        assert_eq!(sum, total, "the rows add up to the total: {context}");
        Table { json, rows, total, context }
    }

    pub fn is_complete(&self) -> bool {
        let complete = &self.json["dump"]["complete"];
        complete.as_bool().unwrap_or_else(|| panic!("dump.complete: {}", self.context))
    }

    pub fn reason(&self) -> &str {
        let reason = &self.json["dump"]["incomplete_reason"];
        reason.as_str().unwrap_or_else(|| panic!("dump.incomplete_reason: {}", self.context))
    }

    pub fn sizes(&self) -> &str {
        let sizes = &self.json["dump"]["sizes"];
        sizes.as_str().unwrap_or_else(|| panic!("dump.sizes: {}", self.context))
    }

    pub fn warnings(&self) -> Vec<&str> {
        match self.json["dump"].get("warnings") {
            None => Vec::new(),
            Some(list) => {
                let list =
                    list.as_array().unwrap_or_else(|| panic!("dump.warnings: {}", self.context));
                list.iter().map(|w| w.as_str().expect("a warning is text")).collect()
            }
        }
    }

    /// The reason and the warnings, for a test that does not care which of them says it.
    pub fn remarks(&self) -> String {
        let reason = self.json["dump"]["incomplete_reason"].as_str().unwrap_or_default();
        [&[reason], self.warnings().as_slice()].concat().join("\n")
    }

    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.rows.iter().map(|(name, count)| (name.clone(), count.instances)).collect()
    }

    pub fn count(&self, name: &str) -> u64 {
        self.rows.get(name).map_or(0, |count| count.instances)
    }

    /// No class has more instances than in the other table.
    #[track_caller]
    pub fn assert_within(&self, full: &Table, what: &str) {
        for (name, count) in &self.rows {
            let most = full.count(name);
            assert!(
                count.instances <= most,
                "{what}: {name} {} > {most}: {}",
                count.instances,
                self.context
            );
        }
    }

    #[track_caller]
    pub fn assert_counts(&self, expected: &BTreeMap<String, u64>, what: &str) {
        assert_eq!(&self.counts(), expected, "{what}: {}", self.context);
    }

    /// The reason or a warning names one of these offsets.
    #[track_caller]
    pub fn assert_names(&self, offsets: &[usize]) {
        let remarks = self.remarks();
        assert!(
            names_one_of(&remarks, offsets),
            "one of {offsets:?} in {remarks:?}: {}",
            self.context
        );
    }

    /// The reason or a warning contains one of these words, in any case.
    #[track_caller]
    pub fn assert_says(&self, words: &[&str]) {
        let remarks = self.remarks();
        assert!(says(&remarks, words), "one of {words:?} in {remarks:?}: {}", self.context);
    }
}

/// The numbers in a text; `1,234,567` is one.
pub fn numbers(text: &str) -> Vec<u64> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut digits = String::new();
    for (i, &b) in bytes.iter().enumerate() {
        let inside = matches!(b, b',' | b'_')
            && !digits.is_empty()
            && bytes.get(i + 1).is_some_and(u8::is_ascii_digit);
        if b.is_ascii_digit() {
            digits.push(char::from(b));
        } else if !inside {
            found.extend(digits.parse::<u64>());
            digits.clear();
        }
    }
    found.extend(digits.parse::<u64>());
    found
}

pub fn names_one_of(text: &str, offsets: &[usize]) -> bool {
    numbers(text).iter().any(|n| offsets.iter().any(|&o| o as u64 == *n))
}

pub fn says(text: &str, words: &[&str]) -> bool {
    let text = text.to_lowercase();
    words.iter().any(|word| text.contains(&word.to_lowercase()))
}

/// Runs `check` for every case on a few threads, each with a scene of its own.
pub fn for_each_case<T: Sync>(cases: &[T], check: impl Fn(&Scene, &T) + Sync) {
    let workers = thread::available_parallelism().map_or(2, |n| n.get().min(4));
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let scene = Scene::new();
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    check(&scene, case);
                }
            });
        }
    });
}
