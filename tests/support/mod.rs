//! What the integration tests share: a writer of dumps, a writer of gzip files, a way to run the tool, and a slow
//! reading of dumps to hold the quick one against.

#![allow(
    dead_code,
    reason = "each integration test is a crate of its own, compiles this module and uses a part of it"
)]

pub mod brute;
pub mod digests;
pub mod gz;
pub mod heaps;
pub mod jvm;
pub mod places;
pub mod run;
pub mod synth;
pub mod trees;

use std::fs;
use std::path::{Path, PathBuf};

/// The committed dumps, in order.
pub fn real_dumps() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dumps");
    let entries = |path: &Path| {
        let entries = fs::read_dir(path).expect("the committed dumps are there");
        entries.map(|entry| entry.expect("an entry").path()).collect::<Vec<_>>()
    };
    let folders = entries(&root).into_iter().filter(|path| path.is_dir());
    let mut dumps: Vec<PathBuf> = folders.flat_map(|folder| entries(&folder)).collect();
    dumps.retain(|path| path.to_string_lossy().ends_with(".hprof.gz"));
    dumps.sort();
    dumps
}

/// A small xorshift generator: the same numbers on every machine.
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Rng(seed.max(1))
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}
