//! What the integration tests share: a writer of dumps, a writer of gzip files, and a way to run the tool.

#![allow(
    dead_code,
    reason = "each integration test is a crate of its own, compiles this module and uses a part of it"
)]

pub mod gz;
pub mod run;
pub mod synth;

/// A small xorshift generator: the same numbers on every machine.
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Rng(seed.max(1))
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}
