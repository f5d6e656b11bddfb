//! Where an index goes: its name, its temporary file, and what earlier runs left behind.
#![allow(unsafe_code)]

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::{BuildError, BuildOptions};
use crate::index::store::fingerprint;

/// Ending of index files.
const ENDING: &str = ".hdx";
/// Ending of index files that are being written.
const UNFINISHED: &str = ".hdx-unfinished";

/// The index file of a dump.
pub fn index_path(dump: &Path, index_dir: Option<&Path>, number: Option<usize>) -> PathBuf {
    let mut name = dump.file_name().unwrap_or_default().to_os_string();
    if let Some(number) = number {
        name.push(format!(".{number}"));
    }
    name.push(ENDING);
    match index_dir {
        Some(directory) => directory.join(name),
        None => dump.with_file_name(name),
    }
}

/// The index files of a dump that are in a directory, of all dumps in its file, in order.
pub fn index_paths(dump: &Path, index_dir: Option<&Path>) -> Vec<PathBuf> {
    let directory = directory_of(&index_path(dump, index_dir, None));
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let mut paths: Vec<PathBuf> = paths.filter(|path| is_index_of(path, dump)).collect();
    paths.sort();
    paths
}

/// True for the names that [`index_path`] gives the indexes of a dump.
fn is_index_of(path: &Path, dump: &Path) -> bool {
    let bytes = |path: &Path| path.file_name().unwrap_or_default().as_encoded_bytes().to_vec();
    let (name, dump_name) = (bytes(path), bytes(dump));
    let number = name.strip_suffix(ENDING.as_bytes()).and_then(|n| n.strip_prefix(&dump_name[..]));
    match number {
        Some([]) => true,
        Some([b'.', digits @ ..])
            if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) =>
        {
            // A dump may be named like the number of another.
            path.file_stem().is_some_and(|stem| !dump.with_file_name(stem).exists())
        }
        _ => false,
    }
}

/// The directory that a file is in.
fn directory_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Where one index goes.
pub struct Place {
    dump: PathBuf,
    path: PathBuf,
    directory: PathBuf,
}

impl Place {
    /// Chooses the place, and removes what a run that died left there.
    ///
    /// # Errors
    /// The directory cannot be written to.
    pub fn new(dump: &Path, options: &BuildOptions) -> Result<Self, BuildError> {
        let path = index_path(dump, options.index_dir.as_deref(), options.dump);
        let directory = directory_of(&path);
        let shown = directory.display().to_string();
        let failed =
            |error| BuildError::Io { what: format!("cannot write an index to {shown}"), error };
        if options.index_dir.is_some() {
            fs::create_dir_all(&directory).map_err(failed)?;
        }
        // Tells before any work whether files can be made there.
        tempfile::tempfile_in(&directory).map_err(failed)?;
        let place = Self { dump: dump.to_owned(), path, directory };
        let unfinished = place.unfinished();
        remove_stale(&place.directory, |name| name.starts_with(&unfinished)).map_err(failed)?;
        Ok(place)
    }

    /// The directory of the index and of temporary files.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The names of unfinished indexes begin like this.
    fn unfinished(&self) -> String {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        format!("{}{UNFINISHED}", name.trim_end_matches(ENDING))
    }

    /// The dump's fingerprint.
    ///
    /// # Errors
    /// The dump cannot be read any more.
    pub fn fingerprint(&self, dump: u64) -> io::Result<[u8; 16]> {
        fingerprint_of(&self.dump, dump)
    }

    /// Checks that so many bytes will fit on the disk; `how` sure that is, in words.
    ///
    /// # Errors
    /// [`BuildError::NoRoom`].
    pub fn check_room(&self, how: &'static str, needed: u64) -> Result<(), BuildError> {
        match free_bytes(&self.directory) {
            Some(free) if free < needed => {
                Err(BuildError::NoRoom { directory: self.directory.clone(), how, needed, free })
            }
            _ => Ok(()),
        }
    }

    /// The index, once it is written.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes a file with a temporary name, locked. A run that starts between its making and its
    /// locking takes it for one of a dead writer and removes it: then there is another one.
    fn locked(&self) -> io::Result<tempfile::NamedTempFile> {
        loop {
            let unfinished = tempfile::Builder::new()
                .prefix(&self.unfinished())
                .permissions(readable())
                .tempfile_in(&self.directory)?;
            let file = unfinished.as_file();
            // A file system without locks is no reason to fail.
            lock(file, libc::LOCK_EX);
            if file.metadata()?.nlink() > 0 {
                return Ok(unfinished);
            }
        }
    }

    /// Writes the index under a temporary name, locked as long as its writer lives, and gives it
    /// its name when it is whole and on the disk.
    ///
    /// # Errors
    /// What `write` or the operating system says; nothing is left behind then.
    pub fn write(&self, write: impl FnOnce(File) -> io::Result<File>) -> io::Result<PathBuf> {
        // Each writer has a name of its own: two may be at work on one dump, and both are right.
        let unfinished = self.locked()?;
        let file = write(unfinished.as_file().try_clone()?)?;
        unfinished.persist(&self.path).map_err(|error| error.error)?;
        File::open(&self.directory)?.sync_all()?;
        drop(file);
        Ok(self.path.clone())
    }
}

/// The mode of a new file: the file mode mask applies to it.
fn readable() -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    fs::Permissions::from_mode(0o666)
}

/// The fingerprint of a dump file.
///
/// # Errors
/// The file cannot be read.
pub fn fingerprint_of(dump: &Path, number: u64) -> io::Result<[u8; 16]> {
    let file = File::open(dump)?;
    if file.metadata()?.len() == 0 {
        return Ok(fingerprint(&[], number));
    }
    // SAFETY: the map is only read, and only for a hash: a change gives another hash.
    let map = unsafe { memmap2::Mmap::map(&file)? };
    Ok(fingerprint(&map, number))
}

/// Takes the lock that tells a living writer from a dead one.
fn lock(file: &File, how: libc::c_int) -> bool {
    // SAFETY: the descriptor is open; the call touches no memory of ours.
    unsafe { libc::flock(file.as_raw_fd(), how) == 0 }
}

/// Removes an unfinished index whose writer is dead.
fn remove_if_stale(path: &Path) {
    if let Ok(file) = File::open(path) {
        if lock(&file, libc::LOCK_EX | libc::LOCK_NB) {
            // If it cannot be removed, it only takes room.
            let _ = fs::remove_file(path);
        }
    }
}

/// Bytes that are free for us on the disk of a directory.
fn free_bytes(directory: &Path) -> Option<u64> {
    use std::os::unix::ffi::OsStrExt;
    let path = std::ffi::CString::new(directory.as_os_str().as_bytes()).ok()?;
    // SAFETY: `statvfs` is plain numbers, for which zeros are a value.
    let mut facts: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: the path ends in a zero byte, and `facts` is ours.
    let done = unsafe { libc::statvfs(path.as_ptr(), &mut facts) } == 0;
    done.then(|| facts.f_bavail * facts.f_frsize)
}

/// Removes the unfinished indexes of dead writers, of those whose names `wanted` picks.
fn remove_stale(directory: &Path, wanted: impl Fn(&str) -> bool) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.contains(UNFINISHED) && wanted(&name) {
            remove_if_stale(&path);
        }
    }
    Ok(())
}

/// Removes the unfinished indexes of dead writers in a directory, and gives the finished ones.
///
/// # Errors
/// The directory cannot be read.
pub fn clean_up(directory: &Path) -> io::Result<Vec<PathBuf>> {
    remove_stale(directory, |_| true)?;
    let mut indexes = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == &ENDING[1..]) {
            indexes.push(path);
        }
    }
    indexes.sort();
    Ok(indexes)
}
