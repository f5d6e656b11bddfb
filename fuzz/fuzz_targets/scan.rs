//! Any bytes, walked as a map and as a stream: no panic, and for a whole dump the same counts.
#![no_main]

use heapdrift::index::scan::{ScanOptions, Scan, ScanError, Silent, scan_mapped, scan_stream};
use libfuzzer_sys::fuzz_target;

/// What has to be the same however a whole dump is read.
fn counts(scan: Result<Scan, ScanError>) -> Option<(u64, u64, usize)> {
    let scan = scan.ok().filter(|scan| scan.integrity.is_complete())?;
    let instances = scan.tally.class_counts().iter().map(|count| count.instances).sum();
    Some((scan.tally.objects, instances, scan.dumps))
}

fuzz_target!(|bytes: &[u8]| {
    let options = ScanOptions { threads: 1, ..ScanOptions::default() };
    let mapped = counts(scan_mapped(bytes, &options, &Silent));
    let streamed = counts(scan_stream(bytes, &options, &Silent));
    if let (Some(mapped), Some(streamed)) = (mapped, streamed) {
        assert_eq!(mapped, streamed);
    }
    let forced = ScanOptions { force: true, ..options };
    let _ = scan_mapped(bytes, &forced, &Silent);
    let _ = scan_stream(bytes, &forced, &Silent);
});
