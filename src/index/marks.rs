//! Marks of keys: by them the same entry of a map is known again in another dump of the process.
//!
//! Maps keep the hash codes of their keys, which stay the same wherever objects are moved: those of
//! strings and numbers come from what they say, others are given once. Scattered evenly, those below
//! some number are a sample of all keys: an entry is in the samples of all dumps or of none.

/// Marks of one node of the owner tree: the least are kept.
pub const MOST_OF_NODE: usize = 128;

/// Scatters a hash code over all numbers of 32 bits, each of which comes from one hash code: the
/// finalizer of MurmurHash3.
#[inline(always)]
pub fn of_hash(hash: u32) -> u32 {
    let mixed = (hash ^ hash >> 16).wrapping_mul(0x85EB_CA6B);
    let mixed = (mixed ^ mixed >> 13).wrapping_mul(0xC2B2_AE35);
    mixed ^ mixed >> 16
}
