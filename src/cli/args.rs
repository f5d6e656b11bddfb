//! What can be typed. What it means is decided in [`super::commands`].

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// heapdrift tells you what is growing in a JVM.
///
/// Point it at two or more heap dumps (hprof) of one process and it says what grows, who holds it
/// and whether it looks like a leak, with numbers that equal the JVM's own histogram.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub global: Global,
}

/// Options of every command.
#[derive(Debug, Args)]
pub struct Global {
    /// Threads to use [default: all cores]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// No progress on standard error
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say more about what is done
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
    /// Colours in the text output
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
}

/// When to colour text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Compare dumps: what grew, who holds it, and whether it looks like a leak
    #[command(after_help = DIFF_HELP)]
    Diff(Diff),
    /// The class histogram of a dump, equal to `jmap -histo`
    #[command(after_help = HISTO_HELP)]
    Histo(Histo),
    /// Build the index of a dump: object graph, dominators, retained sizes
    #[command(after_help = INDEX_HELP)]
    Index(IndexArgs),
    /// Check the index of a dump
    Verify(VerifyArgs),
    /// What a dump is: JVM, time, object layout, threads, whole or truncated
    Info(Info),
    /// Reduce a dump to a small file that can be compared for ever, without the data in it
    #[command(after_help = DIGEST_HELP)]
    Digest(Digest),
    /// What keeps memory: largest objects, dominator tree, one object and who holds it
    #[command(after_help = SHOW_HELP)]
    Show(Show),
}

const DIFF_HELP: &str = "\
Examples:
  heapdrift diff dumps/                     every dump in a directory, by dump time
  heapdrift diff before.hprof after.hprof
  heapdrift diff --heap-max 40G --by owner --top 50 'worker-*.hprof.gz'
  heapdrift diff --format json dumps/ > growth.json

Exit codes: 0 compared (growth is no failure), 2 usage, 3 a dump is unreadable, incomplete (unless
--allow-incomplete) or not comparable.";

const HISTO_HELP: &str = "\
Examples:
  heapdrift histo heap.hprof
  heapdrift histo --by array-length --filter HashMap heap.hprof.gz
  kubectl exec POD -- cat /dumps/heap.hprof | heapdrift histo -

Exit codes: 0 fine, 2 usage, 3 the dump is unreadable, or incomplete (unless --allow-incomplete).";

const INDEX_HELP: &str = "\
The index lies next to the dump, as DUMP.hdx, and takes about a fifth of its size. Commands that need
it build it themselves; to build it beforehand makes them quick.

Examples:
  heapdrift index heap.hprof
  heapdrift index --memory 4G --index-dir /var/tmp/heapdrift heap.hprof
  heapdrift index --clean dumps/             remove all indexes of a directory

Exit codes: 0 fine, 2 usage, 3 the dump is unreadable, incomplete (unless --allow-incomplete), or the
index cannot be written.";

const SHOW_HELP: &str = "\
Examples:
  heapdrift show heap.hprof                       the largest objects
  heapdrift show heap.hprof --depth 5             and the dominator tree
  heapdrift show heap.hprof --class 'HashMap$'    instances by what they retain
  heapdrift show heap.hprof --object 0x7f5e8c01   fields, referrers, path from a root

Exit codes: 0 fine, 2 usage, 3 the dump is unreadable, incomplete (unless --allow-incomplete), or
its index cannot be written.";

/// Where indexes go, and how they are made.
#[derive(Debug, Args)]
pub struct Indexing {
    /// Directory for indexes [default: that of the dump]
    #[arg(long, value_name = "DIR")]
    pub index_dir: Option<PathBuf>,
    /// Memory for building an index, such as 4G; beyond it, temporary files are used [default: half
    /// of the machine's]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub memory: Option<u64>,
}

/// Bytes of `512M`, `4G` and the like; powers of 1024.
fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let shift = match unit.to_ascii_uppercase().trim_end_matches("IB").trim_end_matches('B') {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => return Err("a number and K, M, G or T, such as 4G".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "a number and K, M, G or T, such as 4G")?;
    number.checked_mul(1 << shift).ok_or_else(|| "that is too much".to_owned())
}

#[derive(Debug, Args)]
pub struct IndexArgs {
    /// Heap dumps (.hprof, gzipped or not), directories of them, or patterns
    #[arg(required_unless_present = "clean", value_name = "DUMP")]
    pub dumps: Vec<PathBuf>,
    /// Remove the indexes of the named dumps or directories [default: of the current directory]
    #[arg(long)]
    pub clean: bool,
    #[command(flatten)]
    pub indexing: Indexing,
    #[command(flatten)]
    pub reading: Reading,
}

#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Indexes (.hdx), or dumps whose indexes are to be checked
    #[arg(required = true, value_name = "INDEX")]
    pub indexes: Vec<PathBuf>,
    /// Directory of the indexes of dumps [default: that of the dump]
    #[arg(long, value_name = "DIR")]
    pub index_dir: Option<PathBuf>,
}

const DIGEST_HELP: &str = "\
Examples:
  heapdrift digest heap.hprof               writes heap.hprof.hdd
  heapdrift digest --redact heap.hprof.gz -o monday.hdd
  kubectl exec POD -- cat /dumps/heap.hprof | heapdrift digest - -o heap.hdd
  heapdrift diff monday.hdd tuesday.hprof

A digest holds names of classes and threads, paths of jars, the main class and the dump's file name,
but no other strings from the heap; --redact leaves out all but the names of classes and jars. diff,
histo and info read digests.

Exit codes: 0 written, 2 usage, 3 the dump is unreadable, incomplete (unless --allow-incomplete), or
the digest cannot be written.";

/// How dumps are read.
#[derive(Debug, Args)]
pub struct Reading {
    /// Which heap dump of a file that holds several, from 1 [default: the last one]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub dump: Option<u32>,
    /// Exit with 0 although a dump is incomplete
    #[arg(long)]
    pub allow_incomplete: bool,
    /// Read dumps of unknown versions, and records that cross segments
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Args)]
pub struct Diff {
    /// Heap dumps (.hprof, gzipped or not), digests (.hdd), directories of them, or patterns
    #[arg(required = true, value_name = "DUMP")]
    pub dumps: Vec<PathBuf>,
    /// Tables to show [default: owner,class; all for JSON; all but owner with --shallow]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WHAT")]
    pub by: Vec<DiffBy>,
    /// Rows of each table; the rest is summed in (other) [default: 10, with --by or --shallow 20; all
    /// for JSON]
    #[arg(long, value_name = "N")]
    pub top: Option<usize>,
    /// Size that the heap can have, such as 40G: says when it will be full
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub heap_max: Option<u64>,
    /// Output format
    #[arg(long, value_enum, default_value_t = DiffFormat::Text)]
    pub format: DiffFormat,
    /// Compare counts and shallow bytes only: quick, and needs no index
    #[arg(long)]
    pub shallow: bool,
    #[command(flatten)]
    pub libraries: Libraries,
    #[command(flatten)]
    pub indexing: Indexing,
    #[command(flatten)]
    pub reading: Reading,
}

/// What is known about libraries, besides the built-in catalog.
#[derive(Debug, Args)]
pub struct Libraries {
    /// A catalog of libraries and known causes, besides the built-in one and heapdrift.toml
    #[arg(long, value_name = "FILE")]
    pub catalog: Vec<PathBuf>,
    /// Packages of your own code, such as com.acme
    #[arg(long, value_name = "PREFIX", value_delimiter = ',')]
    pub app: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Histo {
    /// A heap dump (.hprof, gzipped or not), a digest (.hdd), or - for standard input
    #[arg(value_name = "DUMP")]
    pub dump_file: PathBuf,
    /// What the rows are
    #[arg(long, value_enum, default_value_t = By::Class, value_name = "WHAT")]
    pub by: By,
    /// Output format
    #[arg(long, value_enum, default_value_t = HistoFormat::Text)]
    pub format: HistoFormat,
    /// Rows to show; the rest is summed in (other) [default: all]
    #[arg(long, value_name = "N")]
    pub top: Option<usize>,
    /// Show only rows whose name matches; the rest is summed in (other)
    #[arg(long, value_name = "REGEX")]
    pub filter: Option<String>,
    /// Class names as jmap prints them: [B, [Ljava.lang.String;
    #[arg(long)]
    pub jmap_names: bool,
    /// Show what the objects of each row retain too; needs the dump's index
    #[arg(long)]
    pub retained: bool,
    #[command(flatten)]
    pub indexing: Indexing,
    #[command(flatten)]
    pub reading: Reading,
}

#[derive(Debug, Args)]
pub struct Info {
    /// A heap dump (.hprof, gzipped or not), a digest (.hdd), or - for standard input
    #[arg(value_name = "DUMP")]
    pub dump_file: PathBuf,
    /// Output format
    #[arg(long, value_enum, default_value_t = DiffFormat::Text)]
    pub format: DiffFormat,
    #[command(flatten)]
    pub reading: Reading,
}

#[derive(Debug, Args)]
pub struct Digest {
    /// A heap dump (.hprof, gzipped or not), or - for standard input; a digest, to redact it
    #[arg(value_name = "DUMP")]
    pub dump_file: PathBuf,
    /// The file to write, or - for standard output [default: the dump's name and .hdd, in this
    /// directory]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Leave out main class, thread names, the dump's file name and directories of jars; names of
    /// classes and of jars stay
    #[arg(long)]
    pub redact: bool,
    /// Counts and shallow bytes only: quick, and needs no index
    #[arg(long)]
    pub shallow: bool,
    #[command(flatten)]
    pub indexing: Indexing,
    #[command(flatten)]
    pub reading: Reading,
}

#[derive(Debug, Args)]
pub struct Show {
    /// A heap dump (.hprof, gzipped or not)
    #[arg(value_name = "DUMP")]
    pub dump_file: PathBuf,
    /// One object: its fields, who refers to it, a path from a root
    #[arg(long, value_name = "ID", conflicts_with_all = ["class", "classes", "depth"])]
    pub object: Option<String>,
    /// Instances of the classes whose name matches
    #[arg(long, value_name = "REGEX", conflicts_with = "depth")]
    pub class: Option<String>,
    /// With --class: what all those instances retain, too; takes a pass over all objects [default: up
    /// to 4 million objects]
    #[arg(long, requires = "class")]
    pub classes: bool,
    /// The owner tree: what is kept alive, by the fields that hold it
    #[arg(long, conflicts_with_all = ["object", "class", "depth"])]
    pub owners: bool,
    /// Levels of the dominator tree; takes a pass over all objects for each [default: 5 up to 4
    /// million objects, else 0]
    #[arg(long, value_name = "N")]
    pub depth: Option<usize>,
    /// Rows of each table [default: 50; 20 for --object]
    #[arg(long, value_name = "N")]
    pub top: Option<usize>,
    /// Output format
    #[arg(long, value_enum, default_value_t = DiffFormat::Text)]
    pub format: DiffFormat,
    #[command(flatten)]
    pub indexing: Indexing,
    #[command(flatten)]
    pub reading: Reading,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum By {
    Class,
    ArrayLength,
    Package,
    Loader,
}

/// What rows of a comparison are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum DiffBy {
    Owner,
    Class,
    ArrayLength,
    Package,
    Loader,
    /// What threads retain, by their names without numbers
    Thread,
    /// What the kinds of GC roots retain
    Root,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum HistoFormat {
    Text,
    Json,
    Csv,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum DiffFormat {
    Text,
    Json,
}
