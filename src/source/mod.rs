//! Where the bytes of a dump come from: a mapped file, a gzipped file, or a stream.
//!
//! Knows nothing about what is in a dump.

pub mod gzip;
pub mod map;
mod prefetch;
mod sigbus;

use std::fs::{self, File};
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gzip::GZIP_MAGIC;
use map::MappedFile;

/// An opened input.
pub struct Source {
    /// As the user gave it; `-` for standard input.
    pub path: PathBuf,
    kind: Kind,
    /// Why a copy that was made of it ends early.
    cut: Option<String>,
}

/// Ends where reading fails, and keeps the error.
struct UntilError<R> {
    inner: R,
    error: Option<io::Error>,
}

impl<R: Read> Read for UntilError<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(out) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                self.error = Some(error);
                Ok(0)
            }
            read => read,
        }
    }
}

enum Kind {
    Empty,
    /// A plain file, mapped.
    Mapped(Arc<MappedFile>),
    /// A gzipped file, mapped; can be read any number of times.
    Gzip(Arc<MappedFile>),
    /// A stream that can be read once.
    Once(Option<Box<dyn Read + Send>>),
}

/// Why an input cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("it is a {0}, not a file")]
    NotAFile(&'static str),
    #[error("it has been read already and cannot be read again")]
    Consumed,
}

impl OpenError {
    /// What the user can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Io(error) if error.kind() == io::ErrorKind::NotFound => {
                "check the path; a pattern in quotes is expanded by heapdrift itself"
            }
            Self::Io(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                "the JVM writes dumps with mode 0600: run as its user or change the mode"
            }
            Self::Io(_) => "check the file and the disk it is on",
            Self::NotAFile(_) => "pass a heap dump file, or - for standard input",
            Self::Consumed => "save it to a file first",
        }
    }
}

/// True for a named pipe.
pub fn is_pipe(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo())
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

impl Source {
    /// Opens `path`, or standard input for `-`.
    ///
    /// # Errors
    /// [`OpenError`] for what is no readable file.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        if path == Path::new("-") {
            return Self::stream(path, Box::new(io::stdin()));
        }
        let metadata = fs::metadata(path)?;
        let kind = metadata.file_type();
        if kind.is_dir() {
            return Err(OpenError::NotAFile("directory"));
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::FileTypeExt;
            if kind.is_char_device() || kind.is_block_device() {
                return Err(OpenError::NotAFile("device"));
            }
            if kind.is_socket() {
                return Err(OpenError::NotAFile("socket"));
            }
            if kind.is_fifo() {
                // Opening waits for a writer, as every reader of a FIFO does.
                return Self::stream(path, Box::new(File::open(path)?));
            }
        }
        let file = File::open(path)?;
        let kind = if metadata.len() == 0 {
            Kind::Empty
        } else {
            let map = Arc::new(MappedFile::new(file, &metadata)?);
            if map.bytes().starts_with(GZIP_MAGIC) { Kind::Gzip(map) } else { Kind::Mapped(map) }
        };
        Ok(Self { path: path.to_owned(), kind, cut: None })
    }

    fn stream(path: &Path, mut inner: Box<dyn Read + Send>) -> Result<Self, OpenError> {
        let mut start = Vec::new();
        Read::by_ref(&mut inner).take(GZIP_MAGIC.len() as u64).read_to_end(&mut start)?;
        let is_gzip = start == GZIP_MAGIC;
        let whole = Cursor::new(start).chain(inner);
        let stream: Box<dyn Read + Send> =
            if is_gzip { gzip::sequential(whole) } else { Box::new(whole) };
        Ok(Self { path: path.to_owned(), kind: Kind::Once(Some(stream)), cut: None })
    }

    /// Bytes of a plain file; `None` for anything that has to be streamed.
    pub fn mapped(&self) -> Option<&[u8]> {
        match &self.kind {
            Kind::Empty => Some(&[]),
            Kind::Mapped(map) => Some(map.bytes()),
            Kind::Gzip(_) | Kind::Once(_) => None,
        }
    }

    /// Bytes of the input on disk; `None` for a stream.
    pub fn stored_bytes(&self) -> Option<u64> {
        match &self.kind {
            Kind::Empty => Some(0),
            Kind::Mapped(map) | Kind::Gzip(map) => Some(map.bytes().len() as u64),
            Kind::Once(_) => None,
        }
    }

    /// True when the file is gzipped.
    pub fn is_gzip(&self) -> bool {
        matches!(self.kind, Kind::Gzip(_))
    }

    /// True when [`Source::read`] works more than once.
    pub fn is_rereadable(&self) -> bool {
        !matches!(self.kind, Kind::Once(_))
    }

    /// Reads the uncompressed dump from its start.
    ///
    /// # Errors
    /// [`OpenError::Consumed`] when a stream is asked for a second time.
    pub fn read(&mut self, threads: usize) -> Result<Box<dyn Read + Send + '_>, OpenError> {
        match &mut self.kind {
            Kind::Empty => Ok(Box::new(io::empty())),
            Kind::Mapped(map) => Ok(Box::new(map.bytes())),
            Kind::Gzip(map) => Ok(gzip::reader(map.clone(), threads)),
            Kind::Once(stream) => stream.take().ok_or(OpenError::Consumed),
        }
    }

    /// A part of a dump that a JVM writes in parallel (`-parallel=N`) and that it has not yet
    /// appended to the file; `None` when there is none.
    pub fn unfinished_part(&self) -> Option<PathBuf> {
        let mut part = self.path.clone().into_os_string();
        part.push(".p0");
        Some(PathBuf::from(part)).filter(|part| part.is_file())
    }

    /// Why the copy that [`Source::spool_in`] made of the input ends early, in words.
    pub fn cut(&self) -> Option<&str> {
        self.cut.as_deref()
    }

    /// What happened to the file since it was opened, in words.
    pub fn change(&self) -> Option<String> {
        match &self.kind {
            Kind::Mapped(map) | Kind::Gzip(map) => map.change(),
            Kind::Empty | Kind::Once(_) => None,
        }
    }

    /// Copies a stream into an unnamed temporary file that is gone with the process, and reads
    /// from that from now on. Gives the bytes written; `None` when there was nothing to do.
    ///
    /// # Errors
    /// A full disk, or what the stream fails with.
    pub fn spool(&mut self) -> Result<Option<u64>, OpenError> {
        let Kind::Once(stream) = &mut self.kind else { return Ok(None) };
        let stream = stream.take().ok_or(OpenError::Consumed)?;
        let file = tempfile::tempfile()?;
        self.keep(stream, file).map(Some)
    }

    /// Makes the dump a plain mapped file: inflates a gzipped one, and copies a stream, into an
    /// unnamed temporary file in `directory`. Gives the bytes written; `None` when there was
    /// nothing to do. What can be read of a damaged source is kept: [`Source::cut`] tells why
    /// it ends.
    ///
    /// # Errors
    /// A full disk, or what the source fails with before its first byte.
    pub fn spool_in(&mut self, directory: &Path) -> Result<Option<u64>, OpenError> {
        let stream = match &mut self.kind {
            Kind::Empty | Kind::Mapped(_) => return Ok(None),
            Kind::Gzip(map) => gzip::reader(map.clone(), rayon::current_num_threads()),
            Kind::Once(stream) => stream.take().ok_or(OpenError::Consumed)?,
        };
        let file = tempfile::tempfile_in(directory)?;
        let mut stream = UntilError { inner: stream, error: None };
        let bytes = self.keep(&mut stream, file)?;
        match stream.error {
            Some(error) if bytes == 0 => Err(error.into()),
            error => {
                self.cut = error.map(|error| error.to_string());
                Ok(Some(bytes))
            }
        }
    }

    fn keep(&mut self, mut stream: impl Read, mut file: File) -> Result<u64, OpenError> {
        let bytes = io::copy(&mut stream, &mut file)?;
        self.kind = if bytes == 0 {
            Kind::Empty
        } else {
            let metadata = file.metadata()?;
            Kind::Mapped(Arc::new(MappedFile::new(file, &metadata)?))
        };
        Ok(bytes)
    }
}
