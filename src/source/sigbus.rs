//! Keeps the process alive when a mapped file shrinks while it is read.
//!
//! Touching a page of a map that lies behind the end of its file raises `SIGBUS`. The handler here
//! puts zero pages in the place of what is gone and notes the address, so that the reader goes on
//! (zeros are no valid records, the walk stops on them) and can report the loss afterwards. Faults
//! outside the registered maps go to the handler that was installed before.
#![allow(unsafe_code)]

use std::sync::Once;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

/// Maps that can be guarded at one time; more are read unguarded.
const SLOTS: usize = 1024;

struct Slot {
    base: AtomicUsize,
    length: AtomicUsize,
    /// Lowest offset that was found missing; `usize::MAX` when none was.
    lost_from: AtomicUsize,
}

static REGISTRY: [Slot; SLOTS] = [const {
    Slot {
        base: AtomicUsize::new(0),
        length: AtomicUsize::new(0),
        lost_from: AtomicUsize::new(usize::MAX),
    }
}; SLOTS];

static PREVIOUS: AtomicPtr<libc::sigaction> = AtomicPtr::new(std::ptr::null_mut());
static INSTALL: Once = Once::new();

/// Guards one map for as long as it lives.
#[derive(Debug)]
pub struct Guard {
    slot: Option<usize>,
}

impl Guard {
    /// Guards the `length` bytes from `base` on. Drop the guard before the map.
    pub fn new(base: *const u8, length: usize) -> Self {
        INSTALL.call_once(install);
        let slot = REGISTRY.iter().position(|slot| {
            slot.length.compare_exchange(0, length, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        });
        if let Some(slot) = slot {
            REGISTRY[slot].lost_from.store(usize::MAX, Ordering::Release);
            REGISTRY[slot].base.store(base as usize, Ordering::Release);
        }
        Self { slot }
    }

    /// Offset in the map from which bytes were found missing.
    pub fn lost_from(&self) -> Option<usize> {
        let lost = REGISTRY[self.slot?].lost_from.load(Ordering::Acquire);
        (lost != usize::MAX).then_some(lost)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            REGISTRY[slot].base.store(0, Ordering::Release);
            REGISTRY[slot].length.store(0, Ordering::Release);
        }
    }
}

fn install() {
    // SAFETY: both structs are plain data for which all-zero is valid, `handle` has the signature
    // that SA_SIGINFO asks for, and the box given to PREVIOUS lives for ever.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handle as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        let mut previous: libc::sigaction = std::mem::zeroed();
        if libc::sigaction(libc::SIGBUS, &action, &mut previous) == 0 {
            PREVIOUS.store(Box::into_raw(Box::new(previous)), Ordering::Release);
        }
    }
}

/// The signal handler: only atomics and one `mmap` system call, both safe in a handler.
extern "C" fn handle(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid siginfo_t to an SA_SIGINFO handler.
    let address = unsafe { (*info).si_addr() } as usize;
    for slot in &REGISTRY {
        let base = slot.base.load(Ordering::Acquire);
        let length = slot.length.load(Ordering::Acquire);
        if base == 0 || address < base || address - base >= length {
            continue;
        }
        // SAFETY: sysconf has no preconditions.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
        let start = address & !(page - 1);
        // SAFETY: the range lies inside a map that this process owns and only reads; the reader
        // sees zeros instead of a fault. Everything behind the missing page is missing too.
        let placed = unsafe {
            libc::mmap(
                start as *mut libc::c_void,
                base + length - start,
                libc::PROT_READ,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        if placed != libc::MAP_FAILED {
            slot.lost_from.fetch_min(start - base, Ordering::AcqRel);
            return;
        }
    }
    forward(signal, info, context);
}

/// Hands a fault that is not ours to the previous handler, or lets it kill the process.
fn forward(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let previous = PREVIOUS.load(Ordering::Acquire);
    // SAFETY: PREVIOUS is null or the leaked struct of `install`; its handler is called with the
    // arguments its flags ask for, and the default action is restored by `signal` alone.
    unsafe {
        match previous.as_ref() {
            Some(action)
                if action.sa_sigaction != libc::SIG_DFL && action.sa_sigaction != libc::SIG_IGN =>
            {
                if action.sa_flags & libc::SA_SIGINFO != 0 {
                    let call: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) =
                        std::mem::transmute(action.sa_sigaction);
                    call(signal, info, context);
                } else {
                    let call: extern "C" fn(libc::c_int) = std::mem::transmute(action.sa_sigaction);
                    call(signal);
                }
            }
            _ => {
                libc::signal(libc::SIGBUS, libc::SIG_DFL);
            }
        }
    }
}
