//! Digests: writing them, and reading them where a dump could be.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::args::{self, Global, Indexing, Reading};
use super::commands;
use super::opening::open_index;
use super::{Exit, Failure, index};
use crate::digest::Digest;
use crate::digest::file::{self, BUDGET, ENDING, WriteError};
use crate::digest::held::HeldTables;
use crate::digest::origins::Origins;
use crate::index::store::OpenIndexError;
use crate::index::{census, facts};
use crate::parser::names::escape;
use crate::report::text::bytes_long;
use crate::source;

/// The digest in a file; `None` when the file is no digest.
///
/// # Errors
/// A digest that cannot be read, or that is not of the dump that was asked for.
pub fn read(path: &Path, reading: &Reading) -> Result<Option<Digest>, Failure> {
    if !file::is_digest(path) {
        return Ok(None);
    }
    let digest = file::read(path)
        .map_err(|error| commands::failure(path, error.offset(), &error, error.remedy()))?;
    let (chosen, dumps) = (digest.facts.chosen, digest.facts.dumps);
    if reading.dump.is_some_and(|asked| asked as usize != chosen) {
        let name = escape(&path.to_string_lossy()).into_owned();
        let message = format!("{name}: this is the digest of dump {chosen} of {dumps} in its file");
        return Err(Failure::input(message).help("a digest holds one dump: write another of it"));
    }
    Ok(Some(digest))
}

/// `heapdrift digest`.
///
/// # Errors
/// [`Failure`] carries the message and the exit code.
pub fn run(args: &args::Digest, global: &Global) -> Result<Exit, Failure> {
    let target = target(args)?;
    let is_file = target != Path::new("-");
    let failed = |error: WriteError| write_failure(&target, &error);
    if is_file {
        // Said before a walk of minutes rather than after it.
        file::check_target(&target).map_err(failed)?;
    }
    let mut digest = match read(&args.dump_file, &args.reading)? {
        Some(digest) => digest,
        None => of_dump(&args.dump_file, &args.reading, &args.indexing, args.shallow, global)?,
    };
    if args.redact {
        digest.redact();
    }
    let bytes = file::encode(&digest, BUDGET).map_err(Failure::json)?;
    if is_file {
        file::write(&target, &bytes).map_err(failed)?;
    } else {
        let mut out = std::io::stdout().lock();
        out.write_all(&bytes).and_then(|()| out.flush()).map_err(Failure::output)?;
    }
    if !global.quiet {
        let _ = writeln!(
            std::io::stderr(),
            "heapdrift: wrote {}: {} for a dump of {}",
            escape(&target.to_string_lossy()),
            bytes_long(bytes.len() as u64),
            bytes_long(digest.facts.bytes)
        );
    }
    let allowed = args.reading.allow_incomplete;
    Ok(commands::completeness(&digest.path, digest.facts.integrity.reason(), allowed))
}

/// Where to write. The current directory is the default: that of the dump may be a disk that a JVM
/// just filled, or one that nobody expects files on.
fn target(args: &args::Digest) -> Result<PathBuf, Failure> {
    if let Some(output) = &args.output {
        return Ok(output.clone());
    }
    let name = args.dump_file.file_name().filter(|_| args.dump_file != Path::new("-"));
    let mut name = name.map(std::ffi::OsStr::to_owned).ok_or_else(|| {
        Failure::usage("standard input has no name to call the digest by".to_owned())
            .help("name it with -o FILE, or -o - for standard output")
    })?;
    name.push(ENDING);
    Ok(name.into())
}

fn write_failure(path: &Path, error: &WriteError) -> Failure {
    let message = format!("{}: {error}", escape(&path.to_string_lossy()));
    match error {
        WriteError::Occupied => {
            Failure::usage(message).help("choose another name with -o FILE, or remove it first")
        }
        WriteError::Io(_) => Failure::input(message)
            .help("check the directory and the disk, or choose another name with -o FILE"),
    }
}

/// Reduces a dump, with its threads: by its index, or by a walk where that is wanted or a stream
/// leaves no choice.
///
/// # Errors
/// What cannot be read, or an index that cannot be written.
pub fn of_dump(
    path: &Path,
    reading: &Reading,
    indexing: &Indexing,
    shallow: bool,
    global: &Global,
) -> Result<Digest, Failure> {
    let shown = path.to_string_lossy().into_owned();
    let is_stream = path == Path::new("-") || source::is_pipe(path);
    if is_stream && !shallow && !global.quiet {
        let _ = writeln!(
            std::io::stderr(),
            "heapdrift: {}: a stream cannot be indexed: no retained sizes",
            escape(&shown)
        );
    }
    if !shallow && !is_stream {
        let options = index::build_options(indexing, reading, global);
        let index = open_index(path, &options, global)?;
        let damaged = |error: OpenIndexError| Failure::input(error.to_string());
        let mut digest = Digest::of(shown, &index.census().map_err(damaged)?);
        let sets = index.sets().map_err(damaged)?;
        let class_of = |id| index.ordinal(id).map(|at| index.class_name(at)).unwrap_or_default();
        digest.held = Some(HeldTables::of(&sets, class_of));
        digest.set_retained(sets);
        digest.set_threads(&index.facts().map_err(damaged)?.threads);
        digest.owners = Some(index.owners().map_err(damaged)?);
        digest.origins =
            Origins::of(&index.classes().map_err(damaged)?, &index.jars().map_err(damaged)?);
        return Ok(digest);
    }
    let mut source = commands::open(path, global)?;
    let options = commands::scan_options(reading, u64::MAX);
    let walked = commands::walk(&mut source, &options, global)?;
    let threads = facts::threads(&mut source, &walked.scan, &walked.classes, options.threads);
    let census = census::of_walked(&mut source, walked, &options);
    let mut digest = Digest::of(shown, &census);
    digest.set_threads(&threads);
    Ok(digest)
}
