//! Large arrays of numbers: in memory as long as the limit allows, else in unnamed temporary files.
//!
//! Arrays start out as zeros. Temporary files are mapped and have no name: they vanish with the
//! process however it ends. Their blocks are reserved when they are made, so that a full disk is an
//! error then and not a signal later.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

use memmap2::{Advice, MmapMut, MmapOptions};

/// Values of which any bytes are one, all zeros among them.
///
/// # Safety
/// The type has no padding, no invalid bit pattern and no destructor, and its alignment is at most
/// that of a page.
pub unsafe trait Plain: Send + Sync {}

// SAFETY: an integer.
unsafe impl Plain for u64 {}
// SAFETY: an integer.
unsafe impl Plain for u128 {}
// SAFETY: integers without anything between them.
unsafe impl Plain for [u32; 3] {}
// SAFETY: an atomic has the layout of its integer.
unsafe impl Plain for AtomicU8 {}
// SAFETY: as above.
unsafe impl Plain for AtomicU16 {}
// SAFETY: as above.
unsafe impl Plain for AtomicU32 {}
// SAFETY: as above.
unsafe impl Plain for AtomicU64 {}

/// How much memory arrays may take, and where the rest goes.
#[derive(Clone, Debug)]
pub struct Budget {
    limit: u64,
    used: Arc<AtomicU64>,
    /// True once there was no room for an array.
    is_short: Arc<AtomicBool>,
    directory: PathBuf,
}

impl Budget {
    /// At most `limit` bytes in memory; temporary files in `directory`.
    pub fn new(limit: u64, directory: &Path) -> Self {
        Self {
            limit,
            used: Arc::default(),
            is_short: Arc::default(),
            directory: directory.to_owned(),
        }
    }

    /// Takes `bytes` if they are left.
    fn take(&self, bytes: u64) -> bool {
        let take = |used: u64| used.checked_add(bytes).filter(|used| *used <= self.limit);
        let taken = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok();
        self.is_short.fetch_or(!taken, Ordering::Relaxed);
        taken
    }

    /// True as long as there was room for all arrays.
    pub fn is_ample(&self) -> bool {
        !self.is_short.load(Ordering::Relaxed)
    }

    /// True when `bytes` more are left.
    pub fn has(&self, bytes: u64) -> bool {
        self.limit.saturating_sub(self.used.load(Ordering::Relaxed)) >= bytes
    }

    /// Where temporary files go.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// A file without a name that is gone with the process.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn temporary_file(&self) -> io::Result<File> {
        tempfile::tempfile_in(&self.directory)
    }
}

/// How an array is used, which decides where it is best kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// In any order: in memory if the budget allows.
    Random,
    /// Mostly front to back: in a file, from which pages come and go.
    Sequential,
}

/// A fixed number of values.
pub struct Array<T> {
    map: Option<MmapMut>,
    length: usize,
    /// Bytes taken from the budget.
    taken: Option<(u64, Arc<AtomicU64>)>,
    values: PhantomData<T>,
}

impl<T: Plain> Array<T> {
    /// An array of zeros.
    ///
    /// # Errors
    /// No memory, or no room on the disk.
    pub fn new(budget: &Budget, length: u64, access: Access) -> io::Result<Self> {
        let too_large = || io::Error::new(io::ErrorKind::OutOfMemory, "an array is too large");
        let length = usize::try_from(length).map_err(|_| too_large())?;
        let bytes = length.checked_mul(size_of::<T>()).ok_or_else(too_large)?;
        if bytes == 0 {
            return Ok(Self { map: None, length: 0, taken: None, values: PhantomData });
        }
        let in_memory = access == Access::Random && budget.take(bytes as u64);
        let taken = in_memory.then(|| (bytes as u64, budget.used.clone()));
        let map = if in_memory {
            let map = MmapMut::map_anon(bytes)?;
            // Only a hint: without huge pages, random access is as right and slower.
            #[cfg(target_os = "linux")]
            let _ = map.advise(Advice::HugePage);
            map
        } else {
            let file = budget.temporary_file()?;
            allocate(&file, bytes as u64)?;
            // SAFETY: the file has no name, so nobody else changes or shrinks it.
            let map = unsafe { MmapOptions::new().len(bytes).map_mut(&file)? };
            if access == Access::Random {
                let _ = map.advise(Advice::Random);
            }
            map
        };
        Ok(Self { map: Some(map), length, taken, values: PhantomData })
    }

    /// Says that a value will be needed soon.
    #[inline(always)]
    pub fn prefetch(&self, at: usize) {
        prefetch(self, at);
    }

    /// Says that from now on the values are used front to back.
    pub fn use_in_order(&self) {
        if let Some(map) = &self.map {
            if self.taken.is_none() {
                // Only a hint: it makes the kernel read ahead.
                let _ = map.advise(Advice::Normal);
            }
        }
    }

    /// An array of zeros of which only few stretches will ever be written: those take memory.
    ///
    /// # Errors
    /// No address space.
    pub fn sparse(length: usize) -> io::Result<Self> {
        let map =
            MmapOptions::new().len(length.max(1) * size_of::<T>()).no_reserve_swap().map_anon()?;
        Ok(Self { map: Some(map), length, taken: None, values: PhantomData })
    }
}

impl<T: Plain> Array<T> {
    /// False for what is in a file.
    pub fn is_in_memory(&self) -> bool {
        self.taken.is_some()
    }

    /// The values as they lie in memory.
    pub fn bytes(&self) -> &[u8] {
        match &self.map {
            Some(map) => &map[..self.length * size_of::<T>()],
            None => &[],
        }
    }
}

/// Says that a value will be needed soon.
#[inline(always)]
pub fn prefetch<T>(values: &[T], at: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(value) = values.get(at) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint, about an address that is ours.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (values, at);
}

/// Reserves the blocks of a file.
fn allocate(file: &File, bytes: u64) -> io::Result<()> {
    let length = libc::off_t::try_from(bytes).map_err(io::Error::other)?;
    // SAFETY: the descriptor is open; the call touches no memory of ours.
    match unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, length) } {
        0 => Ok(()),
        code => Err(io::Error::from_raw_os_error(code)),
    }
}

impl<T: Plain> Deref for Array<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        match &self.map {
            // SAFETY: the map holds `length` values, is aligned to a page, and any bytes are values.
            Some(map) => unsafe { std::slice::from_raw_parts(map.as_ptr().cast(), self.length) },
            None => &[],
        }
    }
}

impl<T: Plain> DerefMut for Array<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        match &mut self.map {
            // SAFETY: as above, and the map is borrowed mutably.
            Some(map) => unsafe {
                std::slice::from_raw_parts_mut(map.as_mut_ptr().cast(), self.length)
            },
            None => &mut [],
        }
    }
}

impl<T> Drop for Array<T> {
    fn drop(&mut self) {
        if let Some((bytes, used)) = &self.taken {
            used.fetch_sub(*bytes, Ordering::Relaxed);
        }
    }
}

/// A number in an array that threads share, 32 or 64 bits wide. All accesses are relaxed: phases
/// that depend on each other are separated by joins.
pub trait Cell: Plain + Sized + 'static {
    /// The largest value.
    const MAX: u64;
    /// A pair of values, ordered by the first, then the second.
    type Pair: Plain + Copy + Ord;

    fn get(&self) -> u64;
    fn set(&self, value: u64);
    /// Lowers the value to `value`.
    fn lower(&self, value: u64);
    /// Replaces `old` by `new`; gives false when the value is not `old`.
    fn replace(&self, old: u64, new: u64) -> bool;
    /// Adds and gives the value before; wraps.
    fn add(&self, value: u64) -> u64;
    fn pair(first: u64, second: u64) -> Self::Pair;
    fn split(pair: Self::Pair) -> (u64, u64);
}

macro_rules! cell {
    ($atomic:ty, $word:ty, $pair:ty) => {
        impl Cell for $atomic {
            const MAX: u64 = <$word>::MAX as u64;
            type Pair = $pair;

            #[inline(always)]
            fn get(&self) -> u64 {
                self.load(Ordering::Relaxed).into()
            }

            #[inline(always)]
            fn set(&self, value: u64) {
                self.store(value as $word, Ordering::Relaxed);
            }

            #[inline(always)]
            fn lower(&self, value: u64) {
                if self.get() > value {
                    self.fetch_min(value as $word, Ordering::Relaxed);
                }
            }

            #[inline(always)]
            fn replace(&self, old: u64, new: u64) -> bool {
                let (old, new) = (old as $word, new as $word);
                self.compare_exchange(old, new, Ordering::Relaxed, Ordering::Relaxed).is_ok()
            }

            #[inline(always)]
            fn add(&self, value: u64) -> u64 {
                self.fetch_add(value as $word, Ordering::Relaxed).into()
            }

            #[inline(always)]
            fn pair(first: u64, second: u64) -> $pair {
                <$pair>::from(first as $word) << <$word>::BITS | <$pair>::from(second as $word)
            }

            #[inline(always)]
            fn split(pair: $pair) -> (u64, u64) {
                ((pair >> <$word>::BITS) as u64, (pair as $word).into())
            }
        }
    };
}

cell!(AtomicU32, u32, u64);
cell!(AtomicU64, u64, u128);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_beyond_the_budget_live_in_files_and_give_memory_back() {
        let budget = Budget::new(1 << 20, &std::env::temp_dir());
        let first = Array::<AtomicU32>::new(&budget, 1 << 17, Access::Random).unwrap();
        assert_eq!(budget.used.load(Ordering::Relaxed), 1 << 19);
        let spilled = Array::<AtomicU64>::new(&budget, 1 << 17, Access::Random).unwrap();
        assert!(spilled.taken.is_none() && first.taken.is_some());
        spilled[5].set(7);
        assert_eq!((spilled[5].get(), spilled[6].get()), (7, 0));
        drop(first);
        assert_eq!(budget.used.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn pairs_keep_both_numbers_and_sort_by_the_first() {
        let pair = AtomicU32::pair(7, u64::from(u32::MAX));
        assert_eq!(AtomicU32::split(pair), (7, u64::from(u32::MAX)));
        assert!(AtomicU64::pair(1 << 40, 0) > AtomicU64::pair(1 << 39, u64::MAX));
    }
}
