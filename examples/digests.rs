//! Makes a series of large digests from a small one: for benchmarks of `heapdrift diff`.
//!
//! ```text
//! cargo run --release --example digests -- DIR --classes 100000 --arrays 262000
//! ```

use std::error::Error;
use std::path::{Path, PathBuf};

use clap::Parser;
use heapdrift::digest::file::{self, BUDGET};
use heapdrift::digest::{Amount, ArrayKey, ClassKey, Digest, Rows};
use heapdrift::index::census::LengthRange;

/// Lengths of arrays of one class.
const LENGTHS: u64 = 40;
const PACKAGES: u64 = 2000;
const HOUR_MS: u64 = 3_600_000;

/// Makes a series of large digests, an hour apart, in which every seventh row grows.
#[derive(Debug, Parser)]
#[command(name = "digests", max_term_width = 100)]
struct Cli {
    /// Where to write them: 01.hdd, 02.hdd, …
    directory: PathBuf,
    #[arg(long, value_name = "N", default_value_t = 12)]
    digests: u64,
    /// Classes of each digest
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    classes: u64,
    /// Rows of array lengths of each digest
    #[arg(long, value_name = "N", default_value_t = 262_000)]
    arrays: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let cli = Cli::parse();
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/digests/version-1.hdd");
    let base = file::read(&base)?;
    for nth in 0..cli.digests {
        let digest = make(&base, nth, &cli);
        let path = cli.directory.join(format!("{:02}.hdd", nth + 1));
        file::write(&path, &file::encode(&digest, BUDGET)?)?;
    }
    Ok(())
}

/// The digest of hour `nth`, with facts and threads of the base.
fn make(base: &Digest, nth: u64, cli: &Cli) -> Digest {
    let mut digest = base.clone();
    digest.facts.time_ms += nth * HOUR_MS;
    digest.classes = Rows::default();
    digest.arrays = Rows::default();
    digest.packages = Rows::default();
    digest.loaders = Rows::default();
    digest.total = Amount::default();
    for class in 0..cli.classes {
        let instances = instances(class, nth);
        let mut amount = Amount::new(instances, instances * 24);
        let package = package(class);
        let loader = if class % 3 == 0 { "boot" } else { "app" };
        digest.packages.add(package.clone(), amount);
        digest.loaders.add(loader.to_owned(), amount);
        digest.total.instances += amount.instances;
        digest.total.shallow_bytes += amount.shallow_bytes;
        let key = ClassKey { name: name(class).into(), loader: loader.into() };
        amount.retained_bytes = Some(instances * 64);
        digest.classes.rows.insert(key, amount);
    }
    for row in 0..cli.arrays {
        let class = format!("{}[]", name(row / LENGTHS)).into();
        let length = LengthRange::Exact((row % LENGTHS) as u32);
        let instances = instances(row, nth);
        digest.arrays.add(ArrayKey { class, length }, Amount::new(instances, instances * 80));
    }
    digest
}

fn package(class: u64) -> String {
    format!("com.example.service.module{}", class % PACKAGES)
}

fn name(class: u64) -> String {
    format!("{}.CustomerRepository{class}Impl", package(class))
}

fn instances(row: u64, nth: u64) -> u64 {
    let growth = if row % 7 == 0 { row % 1000 } else { 0 };
    1 + row % 5000 + nth * growth
}
