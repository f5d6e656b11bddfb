//! Reads ahead on a thread of its own, so that inflating and parsing overlap.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

const BUFFER: usize = 1 << 20;
const BUFFERS: usize = 4;

/// A reader whose source is read by another thread.
pub struct Prefetch {
    filled: Receiver<io::Result<Vec<u8>>>,
    recycle: SyncSender<Vec<u8>>,
    current: Vec<u8>,
    position: usize,
}

impl Prefetch {
    /// Starts to read `source`.
    pub fn new(mut source: impl Read + Send + 'static) -> Self {
        let (recycle, free) = sync_channel::<Vec<u8>>(BUFFERS);
        let (send, filled) = sync_channel(BUFFERS);
        for _ in 0..BUFFERS {
            // Cannot fail: the channel has room and its receiver is alive.
            let _ = recycle.send(Vec::new());
        }
        thread::spawn(move || {
            while let Ok(mut buffer) = free.recv() {
                buffer.clear();
                let result = source.by_ref().take(BUFFER as u64).read_to_end(&mut buffer);
                let end = result.is_err() || buffer.is_empty();
                // What was read before an error is delivered before the error.
                if !buffer.is_empty() && send.send(Ok(buffer)).is_err() {
                    return;
                }
                if let Err(error) = result {
                    let _ = send.send(Err(error));
                }
                if end {
                    return;
                }
            }
        });
        Self { filled, recycle, current: Vec::new(), position: 0 }
    }
}

impl Read for Prefetch {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.position == self.current.len() {
            match self.filled.recv() {
                Ok(Ok(next)) => {
                    let previous = std::mem::replace(&mut self.current, next);
                    // The reading thread may have ended already.
                    let _ = self.recycle.try_send(previous);
                    self.position = 0;
                }
                Ok(Err(error)) => return Err(error),
                Err(_) => return Ok(0),
            }
        }
        let ready = &self.current[self.position..];
        let count = ready.len().min(out.len());
        out[..count].copy_from_slice(&ready[..count]);
        self.position += count;
        Ok(count)
    }
}
