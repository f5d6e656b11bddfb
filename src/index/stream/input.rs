//! The window over a stream: what can be seen of it around the current position.

use std::io::{self, Read};

use crate::index::scan::Progress;

/// Bytes of the buffer, and the most that a record other than an array may have.
pub(super) const BUFFER: usize = 4 << 20;

/// The bytes of a stream around the current position.
pub(super) struct Input<'p, R> {
    reader: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Offset of `start` in the stream.
    pub offset: u64,
    pub at_end: bool,
    pub error: Option<io::Error>,
    progress: &'p dyn Progress,
}

impl<'p, R: Read> Input<'p, R> {
    pub fn new(reader: R, progress: &'p dyn Progress) -> Self {
        Self {
            reader,
            buffer: vec![0; BUFFER],
            start: 0,
            end: 0,
            offset: 0,
            at_end: false,
            error: None,
            progress,
        }
    }

    pub fn window(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Makes at least `wanted` bytes visible, fewer where the stream ends or the buffer is full.
    pub fn fill(&mut self, wanted: usize) {
        if self.end - self.start >= wanted.min(BUFFER) || self.at_end {
            return;
        }
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        // As full as possible: few large moves instead of many small ones.
        while self.end < BUFFER {
            match self.reader.read(&mut self.buffer[self.end..]) {
                Ok(0) => {
                    self.at_end = true;
                    return;
                }
                Ok(count) => {
                    self.end += count;
                    self.progress.advance(count as u64);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.error = Some(error);
                    self.at_end = true;
                    return;
                }
            }
        }
    }

    pub fn consume(&mut self, count: usize) {
        self.start += count;
        self.offset += count as u64;
    }

    /// Passes over `count` bytes; gives how many there were.
    pub fn skip(&mut self, count: u64) -> u64 {
        let mut left = count;
        while left > 0 {
            self.fill(1);
            let some = (self.window().len() as u64).min(left);
            if some == 0 {
                break;
            }
            self.consume(some as usize);
            left -= some;
        }
        count - left
    }

    /// Cuts `length` bytes out of the window, `from` bytes ahead.
    pub fn cut(&mut self, from: usize, length: usize) {
        self.buffer.copy_within(self.start..self.start + from, self.start + length);
        self.consume(length);
    }

    /// Bytes to the end, where that is in sight.
    pub fn remaining(&self) -> Option<u64> {
        self.at_end.then(|| self.window().len() as u64)
    }
}
