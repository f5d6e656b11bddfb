//! Which dump an index is of.

use xxhash_rust::xxh3::Xxh3;

/// Tells files apart: a hash of the length and of blocks from all over the file. `dump` is the
/// number of the heap dump in the file.
pub fn fingerprint(bytes: &[u8], dump: u64) -> [u8; 16] {
    const SAMPLES: usize = 64;
    const SAMPLE: usize = 4096;
    let mut hash = Xxh3::new();
    hash.update(&(bytes.len() as u64).to_le_bytes());
    hash.update(&dump.to_le_bytes());
    let edge = bytes.len().min(1 << 16);
    hash.update(&bytes[..edge]);
    hash.update(&bytes[bytes.len() - edge..]);
    for nth in 0..SAMPLES {
        let at = (bytes.len() as u128 * nth as u128 / SAMPLES as u128) as usize;
        hash.update(&bytes[at..(at + SAMPLE).min(bytes.len())]);
    }
    hash.digest128().to_le_bytes()
}
