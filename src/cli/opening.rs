//! Opens the index of a dump for the commands that need one.

use std::io::Write as _;
use std::path::Path;

use super::Failure;
use super::args::Global;
use super::commands::open;
use super::index::build_failure;
use super::progress::Meter;
use crate::index::build::{BuildOptions, Estimate};
use crate::index::open::{Error, Notice, open_or_build};
use crate::index::store::HeapIndex;
use crate::parser::names::escape;
use crate::report::text::bytes_long;
use crate::source;

/// Bytes of a dump that are indexed in a second: rough, for telling what is coming.
const BYTES_PER_SECOND: u64 = 150 << 20;

/// Opens the index of a dump; builds it, with progress, when it is missing or does not fit.
pub fn open_index(
    path: &Path,
    options: &BuildOptions,
    global: &Global,
) -> Result<HeapIndex, Failure> {
    let shown = escape(&path.to_string_lossy()).into_owned();
    if path == Path::new("-") || source::is_pipe(path) {
        return Err(Failure::input(format!("{shown}: a stream cannot be indexed"))
            .help("save it to a file first"));
    }
    let source = open(path, global)?;
    let meter = Meter::new(&source, global.quiet);
    drop(source);
    let index = open_or_build(path, options, &meter, |notice| {
        if !global.quiet {
            // Only a courtesy.
            let _ = writeln!(std::io::stderr(), "heapdrift: {}", escape(&text(&notice)));
        }
    });
    meter.finish();
    index.map_err(|error| match error {
        Error::Build(error) => build_failure(path, &error),
        Error::Open(error) => Failure::input(escape(&error.to_string()).into_owned()),
    })
}

fn text(notice: &Notice) -> String {
    match notice {
        Notice::Unusable { path, why } => {
            format!("{}: {why}; the index is built anew", path.display())
        }
        Notice::Elsewhere { directory } => format!(
            "the directory of the dump cannot be written to; its index goes to {}",
            directory.display()
        ),
        Notice::Building { dump, bytes, estimate: Estimate { memory, index, temporary } } => {
            format!(
                "{}: building the index: about {} s, up to {} of memory, {} on the disk, up \
                 to {} more while it is built",
                dump.display(),
                (bytes / BYTES_PER_SECOND).max(1),
                bytes_long(*memory),
                bytes_long(*index),
                bytes_long(*temporary)
            )
        }
    }
}
