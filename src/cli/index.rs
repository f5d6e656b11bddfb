//! The commands `index` and `verify`.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::args::{Global, IndexArgs, Indexing, Reading, VerifyArgs};
use super::opening::open_index;
use super::{Exit, Failure};
use crate::index::array::Budget;
use crate::index::build::{self, BuildError, BuildOptions, clean_up};
use crate::index::census::CensusError;
use crate::index::open::{find, find_all};
use crate::index::store::{HeapIndex, OpenIndexError};
use crate::parser::names::escape;
use crate::report::text::bytes_long;

/// Options of a build from what was typed.
pub fn build_options(indexing: &Indexing, reading: &Reading, global: &Global) -> BuildOptions {
    BuildOptions {
        threads: global.jobs.map_or(0, usize::from),
        memory: indexing.memory,
        wide: false,
        index_dir: indexing.index_dir.clone(),
        dump: reading.dump.map(|dump| dump as usize),
        force: reading.force,
        timings: global.verbose,
    }
}

/// The message of a build that failed.
pub fn build_failure(path: &Path, error: &BuildError) -> Failure {
    let place = match error {
        BuildError::Census(CensusError::Scan(error)) => error.offset(),
        _ => None,
    };
    let place = place.map(|at| format!("at byte {at}: ")).unwrap_or_default();
    Failure::input(format!("{}: {place}{error}", escape(&path.to_string_lossy())))
        .help(error.remedy())
}

/// `heapdrift index`: builds the indexes of dumps, or lists and removes them.
pub fn run_index(args: &IndexArgs, global: &Global) -> Result<Exit, Failure> {
    if args.clean {
        return clean(args, global);
    }
    let mut exit = Exit::Fine;
    for path in super::commands::files(&args.dumps, global)? {
        let options = build_options(&args.indexing, &args.reading, global);
        let index = open_index(&path, &options, global)?;
        let meta = *index.meta();
        let census = index.census().map_err(|error| Failure::input(error.to_string()))?;
        let reason = census.facts.integrity.reason();
        let path_text = path.to_string_lossy();
        let done = super::commands::completeness(&path_text, reason, args.reading.allow_incomplete);
        if done == Exit::Input {
            exit = done;
        }
        if !global.quiet {
            let size = index.path().metadata().map_or(0, |metadata| metadata.len());
            let share = size as f64 * 100.0 / meta.dump_bytes.max(1) as f64;
            let _ = writeln!(
                std::io::stderr(),
                "heapdrift: {}: {} objects, {} ({share:.0} % of the dump)",
                escape(&index.path().to_string_lossy()),
                meta.objects,
                bytes_long(size)
            );
        }
    }
    Ok(exit)
}

/// Lists the indexes of directories and removes them.
fn clean(args: &IndexArgs, global: &Global) -> Result<Exit, Failure> {
    let here = [PathBuf::from(".")];
    let named: &[PathBuf] = match (&args.indexing.index_dir, args.dumps.is_empty()) {
        (_, false) => &args.dumps,
        (Some(directory), true) => std::slice::from_ref(directory),
        (None, true) => &here,
    };
    let mut freed = 0;
    for directory in named {
        let failed = |error: std::io::Error, path: &Path| {
            Failure::input(format!("{}: {error}", escape(&path.to_string_lossy())))
        };
        let indexes = if directory.is_dir() {
            clean_up(directory).map_err(|error| failed(error, directory))?
        } else {
            let index_dir = args.indexing.index_dir.as_deref();
            let index = find(directory, index_dir);
            let indexes = find_all(directory, index_dir);
            if indexes.is_empty() {
                index.metadata().map_err(|error| failed(error, &index))?;
            }
            indexes
        };
        for index in indexes {
            // Somebody else's file of this name stays, and what is no file at all.
            let Ok(metadata) = index.metadata() else { continue };
            if !metadata.is_file() {
                continue;
            }
            let bytes = metadata.len();
            let starts = std::fs::File::open(&index).and_then(|mut file| {
                let mut magic = [0; 8];
                std::io::Read::read_exact(&mut file, &mut magic).map(|()| magic)
            });
            if !starts.is_ok_and(|magic| magic == crate::index::store::format::MAGIC) {
                continue;
            }
            std::fs::remove_file(&index).map_err(|error| failed(error, &index))?;
            freed += bytes;
            if !global.quiet {
                let _ = writeln!(
                    std::io::stderr(),
                    "removed {} ({})",
                    escape(&index.to_string_lossy()),
                    bytes_long(bytes)
                );
            }
        }
    }
    if !global.quiet {
        let _ = writeln!(std::io::stderr(), "heapdrift: {} freed", bytes_long(freed));
    }
    Ok(Exit::Fine)
}

/// `heapdrift verify`: checks indexes.
pub fn run_verify(args: &VerifyArgs, global: &Global) -> Result<Exit, Failure> {
    for path in &args.indexes {
        let text = escape(&path.to_string_lossy()).into_owned();
        let is_index = path.extension().is_some_and(|extension| extension == "hdx");
        let file = if is_index { path.clone() } else { find(path, args.index_dir.as_deref()) };
        let remedy = "remove it; it is made anew when it is needed";
        let index = HeapIndex::open(&file).map_err(|error| {
            let missing = matches!(&error, OpenIndexError::Io { error, .. }
                if error.kind() == std::io::ErrorKind::NotFound);
            let remedy = if missing { "build it with heapdrift index" } else { remedy };
            Failure::input(escape(&error.to_string()).into_owned()).help(remedy)
        })?;
        let directory = std::env::temp_dir();
        let budget = Budget::new(1 << 30, &directory);
        let verified = index
            .verify(&budget)
            .map_err(|error| Failure::input(format!("{text}: {error}")).help(remedy))?;
        if !is_index {
            let number = index.meta().dump_number;
            let now = build::fingerprint_of(path, number)
                .map_err(|error| Failure::input(format!("{text}: {error}")))?;
            if now != index.fingerprint() {
                return Err(Failure::input(format!(
                    "{}: the index was made of another dump than {text}",
                    escape(&file.to_string_lossy())
                ))
                .help(remedy));
            }
        }
        if !global.quiet {
            let _ = writeln!(
                std::io::stderr(),
                "heapdrift: {}: {} objects in {} sections, all right",
                escape(&file.to_string_lossy()),
                verified.objects,
                verified.sections
            );
        }
    }
    Ok(Exit::Fine)
}
