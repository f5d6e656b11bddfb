//! What the commands do.

use std::io::{IsTerminal, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anstream::ColorChoice;
use rayon::prelude::*;

use super::args::{
    By, Cli, Color, Command, Diff, DiffBy, DiffFormat, Global, Histo, HistoFormat, Info, Libraries,
    Reading,
};
use super::opening::open_index;
use super::progress::Meter;
use super::{Exit, Failure, digest, index, inputs, show};
use crate::diff::{DiffOptions, compare};
use crate::index::census::{self, Census, Walked};
use crate::index::facts::{self, Thread};
use crate::index::scan::ScanOptions;
use crate::library::{Additions, Catalog, SETTINGS};
use crate::parser::names::escape;
use crate::report::diff_text::DiffView;
use crate::report::histo::{HistoOptions, Histogram};
use crate::report::json::Tables;
use crate::report::text::{bytes_long, terminal_width};
use crate::report::{Subject, csv, diff_text, histo, info, json};
use crate::source::{self, Source};

/// Rows of a table on a terminal or in a text file.
const DEFAULT_TOP: usize = 20;
/// Rows of a table below findings.
const SHORT_TOP: usize = 10;

/// Runs what was typed.
///
/// # Errors
/// [`Failure`] carries the message and the exit code.
pub fn run(cli: Cli) -> Result<Exit, Failure> {
    let Cli { command, global } = cli;
    let mut threads = rayon::ThreadPoolBuilder::new();
    if let Some(jobs) = global.jobs {
        threads = threads.num_threads(usize::from(jobs));
    }
    threads
        .build_global()
        .map_err(|error| Failure::input(format!("cannot start threads: {error}")))?;
    match command {
        Command::Histo(args) => run_histo(&args, &global),
        Command::Index(args) => index::run_index(&args, &global),
        Command::Verify(args) => index::run_verify(&args, &global),
        Command::Info(args) => run_info(&args, &global),
        Command::Diff(args) => run_diff(&args, &global),
        Command::Digest(args) => digest::run(&args, &global),
        Command::Show(args) => show::run_show(&args, &global),
    }
}

pub fn scan_options(reading: &Reading, liveness_limit: u64) -> ScanOptions {
    ScanOptions {
        liveness_limit,
        dump: reading.dump.map(|dump| dump as usize),
        force: reading.force,
        threads: rayon::current_num_threads(),
    }
}

/// The failure of an input: which file, where in it, why, and what to do.
pub fn failure(
    path: &Path,
    offset: Option<u64>,
    error: &dyn std::error::Error,
    remedy: &str,
) -> Failure {
    let place = offset.map(|at| format!("at byte {at}: ")).unwrap_or_default();
    Failure::input(format!("{}: {place}{error}", escape(&path.to_string_lossy()))).help(remedy)
}

/// Opens a dump, and says so when that may take until somebody writes it.
///
/// # Errors
/// What is no readable file.
pub fn open(path: &Path, global: &Global) -> Result<Source, Failure> {
    if !global.quiet && source::is_pipe(path) {
        // Opening a pipe waits until somebody writes into it: say so instead of hanging silently.
        let _ = writeln!(
            std::io::stderr(),
            "heapdrift: {} is a pipe: waiting for somebody to write a dump into it",
            escape(&path.to_string_lossy())
        );
    }
    Source::open(path).map_err(|error| failure(path, None, &error, error.remedy()))
}

/// Walks an opened dump, with progress.
///
/// # Errors
/// What nothing can be said about.
pub fn walk(
    source: &mut Source,
    options: &ScanOptions,
    global: &Global,
) -> Result<Walked, Failure> {
    let meter = Meter::new(source, global.quiet);
    let walked = census::walk(source, options, &meter);
    meter.finish();
    if global.verbose {
        let stats = format!(
            "heapdrift: {}: walked in {:.2} s",
            escape(&source.path.to_string_lossy()),
            meter.elapsed().as_secs_f64()
        );
        // Only a courtesy.
        let _ = writeln!(std::io::stderr(), "{stats}");
    }
    walked.map_err(|error| failure_of(source, &error))
}

fn take_census(path: &Path, options: &ScanOptions, global: &Global) -> Result<Census, Failure> {
    let mut source = open(path, global)?;
    let walked = walk(&mut source, options, global)?;
    Ok(census::of_walked(&mut source, walked, options))
}

/// The failure of an opened source, with what lies beside it.
fn failure_of(source: &Source, error: &census::CensusError) -> Failure {
    let failure = failure(&source.path, error.offset(), error, error.remedy());
    match source.unfinished_part() {
        Some(part) => {
            failure.help(&format!("{}; wait, or take the dump again", census::unfinished(&part)))
        }
        None => failure,
    }
}

/// The exit code that an incomplete dump asks for; tells standard error, so that a pipe of the
/// output does not hide it.
pub fn completeness(path: &str, census_reason: Option<String>, allowed: bool) -> Exit {
    let Some(reason) = census_reason else { return Exit::Fine };
    let allow =
        if allowed { "" } else { "\n  help: --allow-incomplete accepts what could be read" };
    // Nothing better can be done when standard error is closed.
    let _ = writeln!(
        std::io::stderr(),
        "warning: {}: INCOMPLETE: {}{allow}",
        escape(path),
        escape(&reason)
    );
    if allowed { Exit::Fine } else { Exit::Input }
}

/// Prints a report; codes of colours go where they are wanted.
pub fn print(text: &str, color: Color) -> Result<(), Failure> {
    let choice = match color {
        Color::Auto => ColorChoice::Auto,
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
    };
    let mut out = anstream::AutoStream::new(std::io::stdout(), choice).lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Failure::output)
}

/// Prints what has no colours, byte for byte.
pub fn print_plain(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Failure::output)
}

pub fn columns() -> Option<usize> {
    std::io::stdout().is_terminal().then(terminal_width).flatten()
}

fn run_histo(args: &Histo, global: &Global) -> Result<Exit, Failure> {
    let filter = match &args.filter {
        Some(pattern) => Some(
            regex::Regex::new(pattern)
                .map_err(|error| Failure::usage(format!("--filter: {error}")))?,
        ),
        None => None,
    };
    let path = args.dump_file.to_string_lossy();
    let options = HistoOptions {
        by: match args.by {
            By::Class => histo::By::Class,
            By::ArrayLength => histo::By::ArrayLength,
            By::Package => histo::By::Package,
            By::Loader => histo::By::Loader,
        },
        top: args.top,
        filter,
        jmap_names: args.jmap_names,
    };
    if let Some(digest) = digest::read(&args.dump_file, &args.reading)? {
        let mut histogram = Histogram::of_digest(&digest, &options);
        if !args.retained {
            histogram.clear_retained();
        } else if !histogram.rows.iter().any(|row| row.retained.is_some()) {
            let message = format!("{}: the digest does not hold retained sizes", escape(&path));
            return Err(
                Failure::usage(message).help("write it again from the dump, without --shallow")
            );
        }
        return print_histo(&Subject::digest(&digest), &histogram, &options, args, global);
    }
    if args.retained {
        let build = index::build_options(&args.indexing, &args.reading, global);
        let index = open_index(&args.dump_file, &build, global)?;
        let census = index.census().map_err(|error| Failure::input(error.to_string()))?;
        let mut histogram = Histogram::of(&census, &options);
        histogram.set_retained(&index.sets().map_err(|error| Failure::input(error.to_string()))?);
        return print_histo(&Subject::dump(&path, &census), &histogram, &options, args, global);
    }
    let census = take_census(&args.dump_file, &scan_options(&args.reading, 0), global)?;
    let histogram = Histogram::of(&census, &options);
    print_histo(&Subject::dump(&path, &census), &histogram, &options, args, global)
}

fn print_histo(
    subject: &Subject<'_>,
    histogram: &Histogram,
    options: &HistoOptions,
    args: &Histo,
    global: &Global,
) -> Result<Exit, Failure> {
    match args.format {
        HistoFormat::Text => print(&histo::render(subject, histogram, columns()), global.color)?,
        HistoFormat::Json => {
            print_plain(&json::histo(subject, histogram, options).map_err(Failure::json)?)?;
        }
        HistoFormat::Csv => print_plain(&csv::render(subject.facts, histogram))?,
    }
    let reason = subject.facts.integrity.reason();
    Ok(completeness(subject.path, reason, args.reading.allow_incomplete))
}

fn run_info(args: &Info, global: &Global) -> Result<Exit, Failure> {
    let path = args.dump_file.to_string_lossy();
    if let Some(digest) = digest::read(&args.dump_file, &args.reading)? {
        return print_info(&Subject::digest(&digest), &[], args, global);
    }
    let mut source = open(&args.dump_file, global)?;
    // Names of threads are looked up after the walk: a stream has to be kept for that.
    let spooled =
        source.spool().map_err(|error| failure(&args.dump_file, None, &error, error.remedy()))?;
    if let (Some(bytes), false) = (spooled, global.quiet) {
        let _ = writeln!(
            std::io::stderr(),
            "heapdrift: {}: a stream, kept in a temporary file of {} for looking up names",
            escape(&path),
            bytes_long(bytes)
        );
    }
    let options = scan_options(&args.reading, u64::MAX);
    let walked = walk(&mut source, &options, global)?;
    let threads: Vec<Thread> =
        facts::threads(&mut source, &walked.scan, &walked.classes, options.threads);
    let census = census::of_walked(&mut source, walked, &options);
    print_info(&Subject::dump(&path, &census), &threads, args, global)
}

/// Prints what a dump or a digest is; a digest brings its own threads.
fn print_info(
    subject: &Subject<'_>,
    threads: &[Thread],
    args: &Info,
    global: &Global,
) -> Result<Exit, Failure> {
    match (args.format, subject.digest) {
        (DiffFormat::Text, _) => print(&info::render(subject, threads, columns()), global.color)?,
        (DiffFormat::Json, None) => {
            print_plain(&json::info(subject, threads).map_err(Failure::json)?)?;
        }
        (DiffFormat::Json, Some(digest)) => {
            print_plain(&json::info(subject, &digest.threads).map_err(Failure::json)?)?;
        }
    }
    let reason = subject.facts.integrity.reason();
    Ok(completeness(subject.path, reason, args.reading.allow_incomplete))
}

/// The files that the arguments name; says which digests are passed over.
pub fn files(arguments: &[PathBuf], global: &Global) -> Result<Vec<PathBuf>, Failure> {
    let inputs::Inputs { files, passed_over } = inputs::expand(arguments)
        .map_err(|error| Failure::input(escape(&error.to_string()).into_owned()))?;
    for digest in passed_over.iter().filter(|_| !global.quiet) {
        let _ = writeln!(
            std::io::stderr(),
            "heapdrift: {} is passed over: its dump lies beside it",
            escape(&digest.to_string_lossy())
        );
    }
    Ok(files)
}

/// The catalog: the built-in one, that of `heapdrift.toml` in this directory, those of the command
/// line.
///
/// # Errors
/// A file that cannot be read or is wrong.
fn catalog(args: &Libraries) -> Result<Catalog, Failure> {
    let settings = PathBuf::from(SETTINGS);
    let additions = Additions {
        settings: settings.exists().then_some(settings),
        catalogs: args.catalog.clone(),
        app: args.app.clone(),
    };
    Catalog::with(&additions).map_err(|error| {
        Failure::usage(escape(&error.to_string()).into_owned())
            .help("docs/libraries.md describes catalogs and heapdrift.toml")
    })
}

fn run_diff(args: &Diff, global: &Global) -> Result<Exit, Failure> {
    // Before a build of minutes rather than after it.
    let catalog = catalog(&args.libraries)?;
    let files = files(&args.dumps, global)?;
    if files.len() < 2 {
        return Err(Failure::usage(format!(
            "diff compares two or more dumps, and there is only one: {}",
            escape(&files[0].to_string_lossy())
        ))
        .help("name more dumps, or a directory that holds them; one dump: heapdrift histo"));
    }
    // Dumps come one after the other: each is read by all threads. Of several digests that cannot
    // be read, the first is told.
    let read: Vec<_> = files.par_iter().map(|path| digest::read(path, &args.reading)).collect();
    let read = read.into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut digests = Vec::with_capacity(files.len());
    for (nth, (path, digest)) in files.iter().zip(read).enumerate() {
        let digest = match digest {
            Some(digest) => digest,
            None => digest::of_dump(path, &args.reading, &args.indexing, args.shallow, global)?,
        };
        if global.verbose {
            let _ = writeln!(
                std::io::stderr(),
                "heapdrift: {} of {} dumps: {} objects",
                nth + 1,
                files.len(),
                digest.total.instances
            );
        }
        digests.push(digest);
    }
    let given: Vec<PathBuf> = files.clone();
    digests.sort_by_key(|digest| digest.facts.time_ms);
    let has_owners = digests.iter().all(|digest| digest.owners.is_some());
    let by_index = [DiffBy::Owner, DiffBy::Thread, DiffBy::Root];
    let only_by_index = !args.by.is_empty() && args.by.iter().all(|by| by_index.contains(by));
    let has_held = digests.iter().all(|digest| digest.held.is_some());
    let is_unknown = if args.by.contains(&DiffBy::Owner) { !has_owners } else { !has_held };
    if only_by_index && is_unknown {
        return Err(Failure::usage(
            "a dump was read without an index: what is held by whom is not known".to_owned(),
        )
        .help("leave out --shallow, and compare dumps or digests that were made without it"));
    }
    let is_text = args.format == DiffFormat::Text;
    let in_short = is_text && has_owners && args.by.is_empty();
    let top = if in_short { SHORT_TOP } else { DEFAULT_TOP };
    let options = DiffOptions {
        top: args.top.or(is_text.then_some(top)),
        only_changed: is_text,
        heap_max: args.heap_max,
        catalog: Some(Arc::new(catalog)),
    };
    let mut comparison = compare(&digests, &options);
    let sorted: Vec<&str> = digests.iter().map(|digest| digest.path.as_str()).collect();
    let distinct = digests.windows(2).all(|pair| pair[0].facts.time_ms < pair[1].facts.time_ms);
    if let Some(warning) = order_warning(&given, &sorted).filter(|_| distinct) {
        comparison.comparability.warnings.insert(0, warning);
    }
    if let Some(warning) = same_file_warning(&given) {
        comparison.comparability.warnings.insert(0, warning);
    }
    let wants = |by| match args.by.is_empty() {
        true => !in_short || matches!(by, DiffBy::Owner | DiffBy::Class),
        false => args.by.contains(&by),
    };
    let tables = Tables {
        owners: wants(DiffBy::Owner),
        classes: wants(DiffBy::Class),
        arrays: wants(DiffBy::ArrayLength),
        packages: wants(DiffBy::Package),
        loaders: wants(DiffBy::Loader),
        threads: wants(DiffBy::Thread),
        roots: wants(DiffBy::Root),
    };
    match args.format {
        DiffFormat::Text => {
            let view = DiffView {
                tables,
                columns: columns(),
                heap_max: args.heap_max,
                in_numbers: global.verbose,
            };
            print(&diff_text::render(&comparison, view), global.color)?;
        }
        DiffFormat::Json => {
            print_plain(&json::diff(&comparison, tables).map_err(Failure::json)?)?;
        }
    }
    let mut exit = Exit::Fine;
    for digest in &digests {
        let reason = digest.facts.integrity.reason();
        if completeness(&digest.path, reason, args.reading.allow_incomplete) == Exit::Input {
            exit = Exit::Input;
        }
    }
    if !comparison.comparability.ok {
        let _ = writeln!(
            std::io::stderr(),
            "error: the dumps are not comparable, see the warnings of the report\n  \
             help: compare dumps of one program"
        );
        exit = Exit::Input;
    }
    Ok(exit)
}

/// Says when the order of the dumps' times is not that of their names or of the command line.
fn order_warning(given: &[PathBuf], sorted: &[&str]) -> Option<String> {
    let as_given: Vec<_> = given.iter().map(|path| path.to_string_lossy()).collect();
    if as_given.iter().zip(sorted).any(|(given, sorted)| given != sorted) {
        return Some(
            "the order of the arguments disagrees with the times in the dumps; the dumps' own times \
             count"
                .to_owned(),
        );
    }
    let mut by_name: Vec<&Path> = given.iter().map(PathBuf::as_path).collect();
    by_name.sort_by(|a, b| inputs::natural(a, b));
    let disagree =
        by_name.iter().zip(sorted).any(|(name, sorted)| name.to_string_lossy() != *sorted);
    let same_directory = given.windows(2).all(|pair| pair[0].parent() == pair[1].parent());
    (disagree && same_directory).then(|| {
        "the order of the file names disagrees with the times in the dumps; the dumps' own times \
         count"
            .to_owned()
    })
}

/// Says when one file is named twice, by whatever path.
fn same_file_warning(given: &[PathBuf]) -> Option<String> {
    let mut seen = Vec::new();
    for path in given {
        let Ok(real) = path.canonicalize() else { continue };
        if seen.contains(&real) {
            return Some(format!("{} is named twice", path.display()));
        }
        seen.push(real);
    }
    None
}
