//! How fast the walk over a dump is, by itself: without starting a process and without a report.
//!
//! `cargo bench` measures on a dump that is made for it, a committed one many times over;
//! `HEAPDRIFT_BENCH_DUMP=FILE cargo bench` on that file, which must not be gzipped. Each step does
//! what the one before does and more:
//!
//! * `touch`: one byte of each cache line is read: as fast as memory allows;
//! * `records`: every heap record is decoded, by one thread;
//! * `scan`: everything is counted as `heapdrift histo` does, by one thread and by all.

#[path = "../examples/multiply/generator/mod.rs"]
mod generator;

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Instant;

use generator::{Amount, Options, multiply};
use heapdrift::index::scan::{ScanOptions, Silent, scan_mapped};
use heapdrift::parser::header::{IdSize, parse_header};
use heapdrift::parser::heap::{HeapRecord, HeapRecords};
use heapdrift::parser::record::RECORD_HEADER;
use heapdrift::parser::structure::{Ahead, HeapLength, Step, next_step};
use heapdrift::source::Source;

type Failure = Box<dyn std::error::Error>;

const ROUNDS: usize = 7;
/// Bytes of the dump that is made: far more than any cache holds.
const SIZE: u64 = 400 << 20;
const CACHE_LINE: usize = 64;

fn main() -> Result<(), Failure> {
    // Under `cargo test` this only has to run: a small dump, once.
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let (amount, rounds) =
        if is_bench { (Amount::Bytes(SIZE), ROUNDS) } else { (Amount::Copies(1), 1) };
    let scratch = tempfile::tempdir()?;
    let dump = match std::env::var_os("HEAPDRIFT_BENCH_DUMP") {
        Some(dump) => PathBuf::from(dump),
        None => {
            let base = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("tests/dumps/sdk-client-leak/4.hprof.gz");
            let dump = scratch.path().join("bench.hprof");
            let written =
                multiply(&base, &dump, &Options { amount, single_record: false, shuffle: None })?;
            println!(
                "{} and {} copies of it: {} bytes, {} objects",
                base.display(),
                written.copies,
                written.bytes,
                written.objects
            );
            dump
        }
    };
    let source = Source::open(&dump)?;
    let bytes = source.mapped().ok_or("the dump must not be gzipped")?;
    let all = std::thread::available_parallelism()?.get();
    let scan = |threads| -> Result<u64, Failure> {
        let options = ScanOptions { threads, ..ScanOptions::default() };
        Ok(scan_mapped(bytes, &options, &Silent)?.tally.objects)
    };
    // Brings the file into memory and maps its pages: that is not what is measured.
    let objects = scan(1)?;
    let report = |what: &str, run: &dyn Fn() -> Result<u64, Failure>| -> Result<(), Failure> {
        let mut seconds = Vec::new();
        for _ in 0..rounds {
            let start = Instant::now();
            black_box(run()?);
            seconds.push(start.elapsed().as_secs_f64());
        }
        seconds.sort_by(f64::total_cmp);
        let (best, median) = (seconds[0], seconds[rounds / 2]);
        println!(
            "{what:<20} best {:6.1} ms, median {:6.1} ms, {:5.2} GB/s, {:5.2} ns per object",
            best * 1e3,
            median * 1e3,
            bytes.len() as f64 / best / 1e9,
            best / objects as f64 * 1e9
        );
        Ok(())
    };
    report("touch", &|| Ok(touch(bytes)))?;
    report("records, 1 thread", &|| records(bytes))?;
    report("scan, 1 thread", &|| scan(1))?;
    report(&format!("scan, {all} threads"), &|| scan(all))
}

fn touch(bytes: &[u8]) -> u64 {
    bytes.iter().step_by(CACHE_LINE).map(|byte| u64::from(*byte)).sum()
}

/// Decodes all heap records and gives the number of objects.
fn records(bytes: &[u8]) -> Result<u64, Failure> {
    let header = parse_header(bytes, false)?;
    let mut objects = 0;
    let mut at = header.length;
    loop {
        let remaining = Some((bytes.len() - at) as u64);
        let body = at + RECORD_HEADER;
        at = match next_step(Ahead { bytes: &bytes[at..], remaining, closed: false }) {
            Step::Record(record) => body + record.length as usize,
            Step::Heap { length: HeapLength::Written(length), .. } => {
                let end = body + length as usize;
                objects += match header.id_size {
                    IdSize::Four => segment::<4>(&bytes[..end], body)?,
                    IdSize::Eight => segment::<8>(&bytes[..end], body)?,
                };
                end
            }
            Step::DumpEnd => body,
            Step::End => return Ok(objects),
            other => return Err(format!("{other:?} at byte {at}: pass a whole dump").into()),
        };
    }
}

fn segment<const ID: usize>(bytes: &[u8], start: usize) -> Result<u64, Failure> {
    let mut records = HeapRecords::<ID>::new(bytes, start);
    let mut objects = 0;
    loop {
        match records.next_record() {
            Ok(Some(
                HeapRecord::Instance(_)
                | HeapRecord::ObjectArray(_)
                | HeapRecord::PrimitiveArray(_),
            )) => objects += 1,
            Ok(Some(_)) => {}
            Ok(None) => return Ok(objects),
            Err(fault) => {
                return Err(
                    format!("{fault} at byte {}: pass a whole dump", records.position()).into()
                );
            }
        }
    }
}
