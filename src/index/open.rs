//! Finds the index of a dump, and builds it where there is none that fits.

use std::hash::Hasher;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::build::{
    BuildError, BuildOptions, Estimate, build, fingerprint_of, index_path, index_paths,
    inflated_bytes,
};
use super::scan::Progress;
use super::store::{HeapIndex, OpenIndexError};
use crate::source::Source;

/// What the user should know while an index is looked for.
#[derive(Debug)]
pub enum Notice {
    /// An index is there, but it cannot be used.
    Unusable { path: PathBuf, why: String },
    /// No index can be written next to the dump.
    Elsewhere { directory: PathBuf },
    /// An index will be built, of a dump of about so many bytes.
    Building { dump: PathBuf, bytes: u64, estimate: Estimate },
}

/// Why there is no index.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error(transparent)]
    Open(#[from] OpenIndexError),
}

/// Opens the index of a dump: the one next to it or in the directory of the options, else the one
/// in the user's cache. Builds it when there is none, or none that fits.
///
/// # Errors
/// [`Error`].
pub fn open_or_build(
    dump: &Path,
    options: &BuildOptions,
    progress: &dyn Progress,
    mut say: impl FnMut(Notice),
) -> Result<HeapIndex, Error> {
    let mut places = places(dump, options.index_dir.as_deref());
    let mut unusable = Vec::new();
    for place in &places {
        let path = index_path(dump, place.as_deref(), options.dump);
        match open(&path, dump, options) {
            Ok(index) => return Ok(index),
            Err(None) => {}
            Err(Some(why)) => unusable.push(Notice::Unusable { path, why }),
        }
    }
    // Only now: one that does not fit is of no interest when another one does.
    unusable.into_iter().for_each(&mut say);
    let mut options = options.clone();
    if options.index_dir.is_none() && !is_writable(dump) {
        options.index_dir = places.pop().flatten();
        if let Some(directory) = options.index_dir.clone() {
            say(Notice::Elsewhere { directory });
        }
    }
    // A dump that cannot be read is reported by the build.
    if let Ok(source) = Source::open(dump) {
        let estimate = Estimate::before(&source, &options);
        let bytes = inflated_bytes(&source);
        say(Notice::Building { dump: dump.to_owned(), bytes, estimate });
    }
    let built = build(dump, &options, progress)?;
    Ok(HeapIndex::open(&built)?)
}

/// The directories where the index of a dump may be; `None` is that of the dump.
fn places(dump: &Path, index_dir: Option<&Path>) -> Vec<Option<PathBuf>> {
    let mut places = vec![index_dir.map(Path::to_owned)];
    if index_dir.is_none() {
        places.extend(cache_directory(dump).map(Some));
    }
    places
}

/// The index file of a dump that is there: beside it or in the directory that is named, else in the
/// user's cache. Where there is none, the file it would be.
pub fn find(dump: &Path, index_dir: Option<&Path>) -> PathBuf {
    let places = places(dump, index_dir);
    let paths = places.iter().map(|place| index_path(dump, place.as_deref(), None));
    let first = index_path(dump, index_dir, None);
    paths.into_iter().find(|path| path.exists()).unwrap_or(first)
}

/// The index files of all dumps in a file: beside it or in the directory that is named, and in the
/// user's cache.
pub fn find_all(dump: &Path, index_dir: Option<&Path>) -> Vec<PathBuf> {
    let places = places(dump, index_dir);
    places.iter().flat_map(|place| index_paths(dump, place.as_deref())).collect()
}

/// Opens an index if it is that of the dump; else says why it is not, or nothing where there is no
/// file.
fn open(path: &Path, dump: &Path, options: &BuildOptions) -> Result<HeapIndex, Option<String>> {
    let index = match HeapIndex::open(path) {
        Ok(index) => index,
        Err(OpenIndexError::Io { error, .. }) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(None);
        }
        Err(OpenIndexError::Io { error, .. }) => return Err(Some(error.to_string())),
        Err(OpenIndexError::Format { error, .. }) => return Err(Some(error.to_string())),
        Err(OpenIndexError::Content { what, .. }) => return Err(Some(format!("damaged: {what}"))),
    };
    let number = index.meta().dump_number;
    let other = || Some("it belongs to another dump".to_owned());
    if options.dump.is_some_and(|asked| asked as u64 != number) {
        return Err(other());
    }
    // A dump that cannot be read is reported by whoever reads it next.
    let now = fingerprint_of(dump, number).map_err(|error| Some(error.to_string()))?;
    if now == index.fingerprint() { Ok(index) } else { Err(other()) }
}

/// Tells whether files can be made next to the dump.
fn is_writable(dump: &Path) -> bool {
    let directory = match dump.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    tempfile::tempfile_in(directory).is_ok()
}

/// Where the user's cache keeps the index of a dump. Dumps of one name in several directories do
/// not meet there.
fn cache_directory(dump: &Path) -> Option<PathBuf> {
    let from = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    let cache = from("XDG_CACHE_HOME").or_else(|| Some(from("HOME")?.join(".cache")))?;
    let real = dump.canonicalize().ok()?;
    let mut hash = xxhash_rust::xxh3::Xxh3::new();
    hash.write(real.parent()?.as_os_str().as_bytes());
    Some(cache.join("heapdrift").join(format!("{:016x}", hash.finish())))
}
