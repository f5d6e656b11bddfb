//! Judges findings by series of dumps of which is known what leaks in them.
//!
//! ```text
//! cargo run --release --example heapdrift-eval -- OUT/*
//! ```
//!
//! Each directory holds the dumps of one program, or their digests, and `truth.json`: see
//! `scenarios/README.md`. The table has a row for each leak and for each healthy program.

mod baselines;
mod nodes;
mod outcome;
mod table;
mod truth;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use heapdrift::diff::{DiffOptions, compare};
use heapdrift::digest::origins::Origins;
use heapdrift::digest::{Digest, file};
use heapdrift::index::build::BuildOptions;
use heapdrift::index::open::open_or_build;
use heapdrift::index::scan::Silent;
use heapdrift::library::Catalog;
use outcome::{Outcome, Summary};
use truth::Truth;

/// Judges findings by series of dumps of which is known what leaks in them.
#[derive(Debug, Parser)]
#[command(name = "heapdrift-eval", max_term_width = 100)]
struct Cli {
    /// Directories, each with the dumps or digests of a program and truth.json; others are passed over
    #[arg(required = true)]
    directories: Vec<PathBuf>,
    /// Where indexes of dumps go, in a directory for each scenario; next to the dumps when not given
    #[arg(long, value_name = "DIR")]
    index_dir: Option<PathBuf>,
    /// Take every so many dumps only, counted from the last one
    #[arg(long, value_name = "N", default_value_t = 1)]
    every: usize,
    /// Leave out the dump of this number, from 1
    #[arg(long, value_name = "N")]
    without: Option<usize>,
    /// The findings of each scenario, too
    #[arg(long)]
    findings: bool,
    /// The nodes of each owner tree that grew most, too
    #[arg(long, value_name = "N")]
    nodes: Option<usize>,
    /// As JSON
    #[arg(long, conflicts_with_all = ["findings", "nodes"])]
    json: bool,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut outcomes = Vec::new();
    for directory in &cli.directories {
        if !directory.join("truth.json").is_file() {
            eprintln!("heapdrift-eval: {}: no truth.json, passed over", directory.display());
            continue;
        }
        match judge(directory, &cli) {
            Ok(Some(judged)) => outcomes.extend(judged),
            Ok(None) => eprintln!(
                "heapdrift-eval: {}: fewer than two dumps, passed over",
                directory.display()
            ),
            Err(error) => {
                eprintln!("heapdrift-eval: {}: {error}", directory.display());
                return ExitCode::FAILURE;
            }
        }
    }
    let summary = Summary::of(&outcomes);
    if cli.json {
        println!("{}", serde_json::json!({ "scenarios": outcomes, "summary": summary }));
    } else {
        print!("{}", table::text(&outcomes, &summary));
    }
    ExitCode::SUCCESS
}

/// Compares the dumps of a scenario; `None` when there are fewer than two.
fn judge(directory: &Path, cli: &Cli) -> Result<Option<Vec<Outcome>>, String> {
    let truth = Truth::read(&directory.join("truth.json"))?;
    let mut files = dumps(directory)?;
    if let Some(without) = cli.without.filter(|number| (1..=files.len()).contains(number)) {
        files.remove(without - 1);
    }
    let skipped = files.len().saturating_sub(1) % cli.every.max(1);
    let files: Vec<PathBuf> = files.into_iter().skip(skipped).step_by(cli.every.max(1)).collect();
    if files.len() < 2 {
        return Ok(None);
    }
    let index_dir = cli.index_dir.as_ref().map(|dir| dir.join(truth.name()));
    if let Some(dir) = &index_dir {
        std::fs::create_dir_all(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    }
    let options = BuildOptions { index_dir, ..BuildOptions::default() };
    let mut digests = Vec::new();
    for file in &files {
        digests.push(digest(file, &options)?);
    }
    digests.sort_by_key(|digest| digest.facts.time_ms);
    let catalog = Catalog::built_in().ok().map(Arc::new);
    let comparison = compare(&digests, &DiffOptions { catalog, ..DiffOptions::default() });
    let owners = comparison.owners.as_ref().ok_or("a digest has no owners")?;
    if cli.findings {
        print!("{}", table::findings(truth.name(), owners));
    }
    if let Some(most) = cli.nodes {
        print!("{}", nodes::text(&digests, most));
    }
    Ok(Some(Outcome::all(&truth, &comparison, owners, &digests)))
}

/// The dumps of a directory, or the digests where there are no dumps, in order of their numbers.
fn dumps(directory: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(directory).map_err(|error| error.to_string())?;
    let files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    let ending = |ends: &[&str]| -> Vec<PathBuf> {
        let has = |file: &&PathBuf| ends.iter().any(|end| file.to_string_lossy().ends_with(end));
        files.iter().filter(has).cloned().collect()
    };
    let mut dumps = ending(&[".hprof", ".hprof.gz"]);
    if dumps.is_empty() {
        dumps = ending(&[file::ENDING]);
    }
    dumps.sort_by_key(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let digits: String = name.chars().take_while(char::is_ascii_digit).collect();
        (digits.parse().unwrap_or(u64::MAX), name)
    });
    Ok(dumps)
}

fn digest(path: &Path, options: &BuildOptions) -> Result<Digest, String> {
    let named = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    if file::is_digest(path) {
        return file::read(path).map_err(|error| named(&error));
    }
    let index = open_or_build(path, options, &Silent, |_| {}).map_err(|error| named(&error))?;
    let census = index.census().map_err(|error| named(&error))?;
    let mut digest = Digest::of(path.to_string_lossy().into_owned(), &census);
    digest.set_retained(index.sets().map_err(|error| named(&error))?);
    digest.set_threads(&index.facts().map_err(|error| named(&error))?.threads);
    digest.owners = Some(index.owners().map_err(|error| named(&error))?);
    let jars = index.jars().map_err(|error| named(&error))?;
    digest.origins = Origins::of(&index.classes().map_err(|error| named(&error))?, &jars);
    Ok(digest)
}
