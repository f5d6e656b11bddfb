//! Where dumps and their indexes are for the time of a test.

use std::fs;
use std::path::{Path, PathBuf};

use heapdrift::index::build::{BuildOptions, build};
use heapdrift::index::scan::Silent;
use heapdrift::index::store::HeapIndex;
use tempfile::TempDir;

/// Less than any dump needs.
const LITTLE_MEMORY: u64 = 4096;

/// All the ways to build an index; the first one is the usual one.
pub fn ways() -> Vec<(&'static str, BuildOptions)> {
    let usual = BuildOptions::default;
    vec![
        ("as usual", usual()),
        ("on one thread", BuildOptions { threads: 1, ..usual() }),
        ("on two threads", BuildOptions { threads: 2, ..usual() }),
        ("in little memory", BuildOptions { memory: Some(LITTLE_MEMORY), ..usual() }),
        ("with wide ordinals", BuildOptions { wide: true, ..usual() }),
        (
            "with wide ordinals in little memory",
            BuildOptions { wide: true, memory: Some(LITTLE_MEMORY), ..usual() },
        ),
    ]
}

/// A directory of its own for a dump and its indexes.
pub struct Place {
    pub directory: TempDir,
    indexes: usize,
}

impl Place {
    pub fn new() -> Self {
        Place { directory: tempfile::tempdir().expect("a temporary directory"), indexes: 0 }
    }

    pub fn dump(&self, bytes: &[u8]) -> PathBuf {
        let path = self.directory.path().join("input.hprof");
        fs::write(&path, bytes).expect("writing a dump");
        path
    }

    /// Builds an index in a directory of its own.
    pub fn index(&mut self, dump: &Path, options: &BuildOptions) -> (HeapIndex, PathBuf) {
        let directory = self.directory.path().join(format!("index{}", self.indexes));
        self.indexes += 1;
        fs::create_dir(&directory).expect("a directory");
        let options = BuildOptions { index_dir: Some(directory.clone()), ..options.clone() };
        let path = build(dump, &options, &Silent).expect("an index");
        assert!(path.starts_with(&directory), "{} is in {}", path.display(), directory.display());
        let left = fs::read_dir(&directory).expect("the directory").count();
        assert_eq!(left, 1, "nothing but the index is left");
        (HeapIndex::open(&path).expect("the index that was just built"), path)
    }
}
