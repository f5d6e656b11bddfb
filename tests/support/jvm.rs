//! Real JVMs, whose programs stand still at a checkpoint.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The home of a JDK of this version.
pub fn find_jdk(version: u32) -> PathBuf {
    let variables = [format!("JDK{version}_HOME"), "JAVA_HOME".to_owned()];
    let named = variables.iter().filter_map(std::env::var_os).map(PathBuf::from);
    let installed = fs::read_dir("/usr/lib/jvm")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()));
    let wanted = format!("JAVA_VERSION=\"{version}");
    named
        .chain(installed)
        .find(|home| {
            let release = fs::read_to_string(home.join("release")).unwrap_or_default();
            let is_version = release.lines().any(|line| {
                line.strip_prefix(&wanted).is_some_and(|rest| rest.starts_with(['.', '"']))
            });
            is_version
                && ["javac", "jmap", "jcmd"]
                    .iter()
                    .all(|tool| home.join("bin").join(tool).is_file())
        })
        .unwrap_or_else(|| panic!("JDK {version} not found: set JDK{version}_HOME"))
}

/// A JVM whose program stands at its checkpoint. Killed when dropped: it waits for ever otherwise.
pub struct Standing(Child);

impl Standing {
    /// Flags and program are separated by blanks; the program is a class name and arguments.
    pub fn start(java: &Path, flags: &str, classes: &Path, program: &str) -> Result<Self, String> {
        let mut child = Command::new(java)
            .arg("-Xmx64m")
            .args(flags.split_whitespace())
            .arg("-cp")
            .arg(classes)
            .args(program.split_whitespace())
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}", java.display()))?;
        let output = child.stdout.take().expect("a piped standard output");
        let standing = Self(child);
        // A JVM prints its own warnings to standard output too.
        let reached = BufReader::new(output)
            .lines()
            .map_while(Result::ok)
            .any(|line| line == "checkpoint 1 reached");
        if reached {
            Ok(standing)
        } else {
            Err("the program ended before its checkpoint".to_owned())
        }
    }

    pub fn id(&self) -> String {
        self.0.id().to_string()
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
