//! Makes a heap dump of any size from a real one: for benchmarks, and to try heapdrift on a dump
//! as large as the disk allows.
//!
//! ```text
//! cargo run --release --example multiply -- BASE.hprof OUT.hprof --size 40G
//! ```

mod generator;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::{ArgGroup, Parser};
use generator::{Amount, Options, multiply};

/// Makes a heap dump of any size from a real one.
///
/// The output holds the base's classes, roots and objects, and then copies of its objects, each at
/// addresses of its own. A copy refers to itself, to the base's classes and to nothing else; a GC
/// root keeps it alive. Memory: about twice the base, whatever the size of the output.
#[derive(Debug, Parser)]
#[command(name = "multiply", max_term_width = 100)]
#[command(group(ArgGroup::new("amount").required(true).args(["copies", "size"])))]
struct Cli {
    /// The dump to copy: .hprof, gzipped or not, whole
    base: PathBuf,
    /// Where to write; the file must not exist
    out: PathBuf,
    /// Copies to add to the base
    #[arg(long, value_name = "N")]
    copies: Option<u64>,
    /// Size of the output, met as closely as whole copies allow: bytes, or with K, M, G, T (of 1024)
    #[arg(long, value_name = "BYTES", value_parser = parse_size)]
    size: Option<u64>,
    /// Write one heap dump record, as JDK 8 does, not segments
    #[arg(long)]
    single_record: bool,
    /// Write the objects of each copy in pseudo-random order, not by address
    #[arg(long)]
    shuffle: bool,
    /// Start of the pseudo-random numbers
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

/// Reads a number of bytes such as `3G`.
fn parse_size(text: &str) -> Result<u64, String> {
    let unit = text.chars().last().map_or('0', |last| last.to_ascii_uppercase());
    let (digits, shift) = match "KMGT".find(unit) {
        Some(nth) => (&text[..text.len() - 1], 10 * (nth + 1)),
        None => (text, 0),
    };
    let number: u64 = digits.parse().map_err(|_| "use a number of bytes such as 3G".to_owned())?;
    number.checked_mul(1 << shift).ok_or_else(|| "no file is as large".to_owned())
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let amount = match (cli.copies, cli.size) {
        (Some(copies), _) => Amount::Copies(copies),
        (None, size) => Amount::Bytes(size.unwrap_or_default()),
    };
    let options = Options {
        amount,
        single_record: cli.single_record,
        shuffle: cli.shuffle.then_some(cli.seed),
    };
    let start = Instant::now();
    match multiply(&cli.base, &cli.out, &options) {
        Ok(written) => {
            let seconds = start.elapsed().as_secs_f64();
            eprintln!(
                "{}: {} bytes, {} objects, {} copies of the base ({:.0} MB/s)",
                cli.out.display(),
                written.bytes,
                written.objects,
                written.copies,
                written.bytes as f64 / 1e6 / seconds
            );
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}
