//! Gzipped dumps: the JVM's own files inflate in parallel, any other gzip file in sequence.
//!
//! A JVM (15+) writes a concatenation of independent gzip members, one for each flushed buffer of
//! at most 1 MiB; the first one carries the comment `HPROF BLOCKSIZE=n`. Compressed sizes are
//! recorded nowhere, so that members are found by the two header patterns that JVMs write, inflated
//! on speculation, and believed only when member follows member without a gap.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;

use hashbrown::HashMap;

/// First bytes of any gzip file.
pub const GZIP_MAGIC: &[u8] = b"\x1f\x8b";

/// Start of every member a JVM writes: magic, deflate; then the flags.
const MEMBER: &[u8] = b"\x1f\x8b\x08";
const COMMENT: &[u8] = b"HPROF BLOCKSIZE=";
/// Shortest possible member: ten bytes of header, two of data, eight of trailer.
const SHORTEST: usize = 20;
/// Believed block sizes; the number in the file is text from outside.
const BLOCK_SIZES: std::ops::RangeInclusive<u64> = (1 << 20)..=(16 << 20);
/// Members that inflate to more are left to the reader's own thread: workers' buffers stay small.
const WORKER_BLOCK: usize = 2 << 20;

/// The block size of a file that a JVM gzipped itself; `None` for any other file.
pub fn jvm_block_size(bytes: &[u8]) -> Option<usize> {
    let comment = bytes.get(10..)?.strip_prefix(COMMENT)?;
    if !bytes.starts_with(MEMBER) || bytes[3] != 0x10 {
        return None;
    }
    let digits = comment.iter().take(20).take_while(|b| b.is_ascii_digit());
    let size =
        digits.fold(0u64, |sum, b| sum.saturating_mul(10).saturating_add(u64::from(b - b'0')));
    Some(size.clamp(*BLOCK_SIZES.start(), *BLOCK_SIZES.end()) as usize)
}

/// True when a member as a JVM writes it seems to start at `bytes`.
fn is_member_start(bytes: &[u8]) -> bool {
    bytes.starts_with(MEMBER)
        && bytes.get(4..8) == Some(&[0, 0, 0, 0])
        && match bytes.get(3) {
            Some(0) => true,
            Some(0x10) => bytes.get(10..).is_some_and(|rest| rest.starts_with(COMMENT)),
            _ => false,
        }
}

/// Offset of the next seeming member at or after `from`; the length of `bytes` when there is none.
fn next_member(bytes: &[u8], from: usize) -> usize {
    memchr::memmem::find_iter(bytes.get(from..).unwrap_or_default(), MEMBER)
        .map(|found| from + found)
        .find(|at| is_member_start(&bytes[*at..]))
        .unwrap_or(bytes.len())
}

/// Hands out the seeming members of a file one after the other.
struct Members {
    next: usize,
    sequence: u64,
}

/// A seeming member: `start..end` of the compressed file.
#[derive(Clone, Copy)]
struct Member {
    sequence: u64,
    start: usize,
    end: usize,
}

impl Members {
    fn take(&mut self, bytes: &[u8]) -> Option<Member> {
        if self.next >= bytes.len() {
            return None;
        }
        let start = self.next;
        let end = next_member(bytes, (start + SHORTEST).min(bytes.len()));
        self.next = end;
        self.sequence += 1;
        Some(Member { sequence: self.sequence - 1, start, end })
    }
}

/// An inflated member; `length` is `None` when the bytes were no whole member.
struct Inflated {
    member: Member,
    buffer: Vec<u8>,
    length: Option<usize>,
}

/// Reads a file of many members, inflated by all threads, in order.
struct MemberReader<B> {
    file: Arc<B>,
    block: usize,
    results: Receiver<Inflated>,
    recycle: SyncSender<Vec<u8>>,
    waiting: HashMap<u64, Inflated>,
    sequence: u64,
    /// End of the last member that was believed.
    end: usize,
    current: Vec<u8>,
    position: usize,
    length: usize,
    failed: bool,
}

/// Bytes of a gzipped file, shared with the threads that inflate it.
pub trait SharedBytes: Send + Sync + 'static {
    fn bytes(&self) -> &[u8];
}

impl SharedBytes for super::map::MappedFile {
    fn bytes(&self) -> &[u8] {
        self.bytes()
    }
}

/// Reads the dump inside a gzipped file, in parallel where the file allows it.
pub fn reader<B: SharedBytes>(file: Arc<B>, threads: usize) -> Box<dyn Read + Send> {
    match jvm_block_size(file.bytes()) {
        Some(block) => Box::new(MemberReader::new(file, block, threads)),
        None => {
            let inner = flate2::read::MultiGzDecoder::new(SharedReader { file, position: 0 });
            Box::new(super::prefetch::Prefetch::new(GzipErrors { inner }))
        }
    }
}

/// Reads gzip from anything that has no random access.
pub fn sequential(inner: impl Read + Send + 'static) -> Box<dyn Read + Send> {
    let inner = flate2::read::MultiGzDecoder::new(inner);
    Box::new(super::prefetch::Prefetch::new(GzipErrors { inner }))
}

/// A cursor over shared bytes.
struct SharedReader<B> {
    file: Arc<B>,
    position: usize,
}

impl<B: SharedBytes> Read for SharedReader<B> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let rest = self.file.bytes().get(self.position..).unwrap_or_default();
        let count = rest.len().min(out.len());
        out[..count].copy_from_slice(&rest[..count]);
        self.position += count;
        Ok(count)
    }
}

/// Says in an error where in the compressed file inflating failed.
struct GzipErrors<R> {
    inner: flate2::read::MultiGzDecoder<R>,
}

impl<R: Read> Read for GzipErrors<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.inner.read(out).map_err(|error| {
            let what = match error.kind() {
                io::ErrorKind::UnexpectedEof => "the gzip data is cut off".to_owned(),
                io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                    format!("the gzip data is damaged ({error})")
                }
                _ => return error,
            };
            io::Error::new(error.kind(), what)
        })
    }
}

impl<B: SharedBytes> MemberReader<B> {
    fn new(file: Arc<B>, block: usize, threads: usize) -> Self {
        // The lowest member outstanding always has a buffer: a worker takes the buffer first.
        let buffers = 2 * threads + 2;
        let (recycle, free) = sync_channel(buffers);
        let (send, results) = sync_channel(buffers);
        for _ in 0..buffers {
            // The channel holds exactly this many; the receiver is alive.
            let _ = recycle.send(Vec::new());
        }
        let free = Arc::new(Mutex::new(free));
        let members = Arc::new(Mutex::new(Members { next: 0, sequence: 0 }));
        for _ in 0..threads.max(1) {
            let (file, free, members, send) =
                (file.clone(), free.clone(), members.clone(), send.clone());
            thread::spawn(move || inflate_members(&*file, block, &free, &members, &send));
        }
        Self {
            file,
            block,
            results,
            recycle,
            waiting: HashMap::new(),
            sequence: 0,
            end: 0,
            current: Vec::new(),
            position: 0,
            length: 0,
            failed: false,
        }
    }

    /// Makes the next member the current one; `false` at the end.
    fn advance(&mut self) -> io::Result<bool> {
        loop {
            let inflated = loop {
                if let Some(inflated) = self.waiting.remove(&self.sequence) {
                    break inflated;
                }
                match self.results.recv() {
                    Ok(inflated) => {
                        self.waiting.insert(inflated.member.sequence, inflated);
                    }
                    // All workers are done and everything they sent was consumed.
                    Err(_) => return self.check_end(),
                }
            };
            self.sequence += 1;
            let Inflated { member, buffer, length } = inflated;
            if member.start < self.end {
                // A header pattern inside the data of a member that was already read.
                self.give_back(buffer);
                continue;
            }
            if member.start > self.end {
                return Err(self.no_member(member.start));
            }
            let previous = std::mem::replace(&mut self.current, buffer);
            self.give_back(previous);
            self.position = 0;
            match length {
                Some(length) => {
                    self.length = length;
                    self.end = member.end;
                }
                None => self.inflate_alone(member.start)?,
            }
            return Ok(true);
        }
    }

    /// At the end of the file nothing may be left but padding; gives that there is no next member.
    fn check_end(&self) -> io::Result<bool> {
        let rest = &self.file.bytes()[self.end..];
        if rest.iter().all(|byte| *byte == 0) { Ok(false) } else { Err(self.no_member(0)) }
    }

    fn no_member(&self, next: usize) -> io::Error {
        let next = next.max(self.end);
        let to = if next > self.end { next } else { self.file.bytes().len() };
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("compressed bytes {} to {to} are no gzip block: the file is damaged", self.end),
        )
    }

    fn give_back(&self, buffer: Vec<u8>) {
        // Workers that have ended need no buffers any more.
        let _ = self.recycle.try_send(buffer);
    }

    /// Inflates the member at `start` without knowing where it ends: its data holds a header
    /// pattern, or it is damaged. What can be inflated of a damaged member is kept.
    fn inflate_alone(&mut self, start: usize) -> io::Result<()> {
        let rest = &self.file.bytes()[start..];
        self.current.clear();
        let mut decoder = flate2::bufread::GzDecoder::new(rest);
        let result =
            Read::by_ref(&mut decoder).take(self.block as u64 + 1).read_to_end(&mut self.current);
        self.length = self.current.len();
        let problem = match result {
            Ok(_) if self.length > self.block => "is longer than its block size".to_owned(),
            Ok(_) => {
                self.end = self.file.bytes().len() - decoder.into_inner().len();
                return Ok(());
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => "is cut off".to_owned(),
            Err(error) => format!("is damaged ({error})"),
        };
        self.failed = true;
        let error = io::Error::new(
            io::ErrorKind::InvalidData,
            format!("gzip block {} at compressed byte {start} {problem}", self.sequence - 1),
        );
        if self.length == 0 { Err(error) } else { Ok(()) }
    }
}

impl<B: SharedBytes> Read for MemberReader<B> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.position == self.length {
            if self.failed {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("gzip block {} is damaged or cut off", self.sequence - 1),
                ));
            }
            if !self.advance()? {
                return Ok(0);
            }
        }
        let ready = &self.current[self.position..self.length];
        let count = ready.len().min(out.len());
        out[..count].copy_from_slice(&ready[..count]);
        self.position += count;
        Ok(count)
    }
}

/// True when the compressed bytes end with the checksum of the inflated ones. The inflater checks
/// the member that it read, and ignores what follows: here nothing may.
fn ends_with_checksum(compressed: &[u8], inflated: &[u8]) -> bool {
    let mut checksum = libdeflater::Crc::new();
    checksum.update(inflated);
    let stored = compressed.len().checked_sub(8).and_then(|at| compressed[at..].first_chunk());
    stored.is_some_and(|stored| u32::from_le_bytes(*stored) == checksum.sum())
}

/// What one worker does: take a buffer, take a member, inflate, send.
fn inflate_members<B: SharedBytes>(
    file: &B,
    block: usize,
    free: &Mutex<Receiver<Vec<u8>>>,
    members: &Mutex<Members>,
    send: &SyncSender<Inflated>,
) {
    let mut inflater = libdeflater::Decompressor::new();
    loop {
        let Ok(mut buffer) = free.lock().map_or(Err(()), |free| free.recv().map_err(|_| ())) else {
            return;
        };
        let Some(member) = members.lock().ok().and_then(|mut all| all.take(file.bytes())) else {
            return;
        };
        let bytes = &file.bytes()[member.start..member.end];
        // A member ends with its inflated size: if that is a lie, inflating fails or ends early.
        let size = bytes.last_chunk().map_or(0, |size| u32::from_le_bytes(*size) as usize);
        let length = if size <= block.min(WORKER_BLOCK) {
            buffer.resize(size.max(buffer.len()), 0);
            let inflated = inflater.gzip_decompress(bytes, &mut buffer[..size]);
            inflated.ok().filter(|got| *got == size && ends_with_checksum(bytes, &buffer[..size]))
        } else {
            None
        };
        if send.send(Inflated { member, buffer, length }).is_err() {
            return;
        }
    }
}
