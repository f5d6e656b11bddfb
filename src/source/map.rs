//! A dump file mapped into memory, which may change under the reader's feet.
#![allow(unsafe_code)]

use std::fs::{File, Metadata};
use std::io;
use std::time::SystemTime;

use memmap2::Mmap;

use super::sigbus::Guard;

/// How bytes of a mapped file will be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expected {
    /// Front to back.
    InOrder,
    /// Here and there: what lies between is not worth reading.
    Scattered,
    /// All of it, soon: the disk may begin.
    Soon,
}

/// Says how a stretch of a mapped file will be read. Only a hint: without it everything is as right,
/// and slower on a cold disk.
pub fn advise(bytes: &[u8], expected: Expected) {
    /// Advice is for whole pages, of any size that is a multiple of their true size.
    const PAGE: usize = 1 << 16;
    let advice = match expected {
        Expected::InOrder => libc::MADV_SEQUENTIAL,
        Expected::Scattered => libc::MADV_RANDOM,
        Expected::Soon => libc::MADV_WILLNEED,
    };
    let start = bytes.as_ptr() as usize;
    let (first, end) = (start.next_multiple_of(PAGE), start + bytes.len());
    if first < end {
        // SAFETY: none of these advices changes what is read.
        unsafe { libc::madvise(first as *mut libc::c_void, end - first, advice) };
    }
}

/// A read-only map of a regular file as long as the file was when it was opened.
#[derive(Debug)]
pub struct MappedFile {
    // Dropped before the map, in this order.
    guard: Guard,
    map: Mmap,
    file: File,
    modified: Option<SystemTime>,
}

impl MappedFile {
    /// Maps `file`, which must be a regular file that is not empty.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn new(file: File, metadata: &Metadata) -> io::Result<Self> {
        // SAFETY: the map is only read. Another process may change the bytes or shrink the file
        // meanwhile: the parser takes every byte for foreign and checks it, `Guard` turns a missing
        // page into zeros, and `change` tells the user.
        let map = unsafe { Mmap::map(&file)? };
        advise(&map, Expected::InOrder);
        let guard = Guard::new(map.as_ptr(), map.len());
        Ok(Self { guard, map, file, modified: metadata.modified().ok() })
    }

    /// The bytes of the file.
    pub fn bytes(&self) -> &[u8] {
        &self.map
    }

    /// What happened to the file since it was opened, in words; `None` when nothing did.
    pub fn change(&self) -> Option<String> {
        let opened = self.map.len() as u64;
        if let Some(from) = self.guard.lost_from() {
            return Some(format!(
                "the file shrank while it was read: bytes from {from} of {opened} on are gone"
            ));
        }
        let now = match self.file.metadata() {
            Ok(now) => now,
            Err(error) => return Some(format!("the file cannot be checked any more: {error}")),
        };
        if now.len() < opened {
            Some(format!("the file shrank from {opened} to {} bytes while it was read", now.len()))
        } else if now.len() > opened {
            Some(format!(
                "the file grew from {opened} to {} bytes while it was read: it is still being \
                 written, only the first {opened} bytes were read",
                now.len()
            ))
        } else if now.modified().ok() != self.modified {
            Some("the file was modified while it was read".to_owned())
        } else {
            None
        }
    }
}
