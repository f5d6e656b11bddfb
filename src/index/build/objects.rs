//! What the passes know of each object, by ordinal.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

use hashbrown::HashMap;

use super::label::Labels;
use super::order::shared_bitmap;
use crate::index::array::{Access, Array, Budget, Cell};
use crate::index::store::BLOCK;

/// Codes of the predecessors of an object: none, it is a root, more than one; else the ordinal of
/// the only one plus [`pred::FIRST`]. In the end, the codes below that are levels: see
/// [`finish`](super::finish).
pub mod pred {
    pub const NONE: u64 = 0;
    pub const ROOT: u64 = 1;
    pub const MANY: u64 = 2;
    /// It is a root, and all its records are of one kind.
    pub const ROOT_OF_ONE_KIND: u64 = 3;
    pub const FIRST: u64 = 8;

    /// True for codes of roots.
    #[inline(always)]
    pub fn is_root(code: u64) -> bool {
        code == ROOT || code == ROOT_OF_ONE_KIND
    }
}

/// Codes of [`Objects::open`]: a count of successors, or one of these.
pub mod open {
    /// Many successors, or one that has to be looked at: stays in the graph.
    pub const KEEP: u8 = 255;
    /// A leaf of the graph that was taken out.
    pub const PEELED: u8 = 254;
    /// The largest count.
    pub const MOST: u8 = 253;
}

/// The kinds of all objects.
pub enum KindArray {
    Narrow(Array<AtomicU16>),
    Wide(Array<AtomicU32>),
}

impl KindArray {
    fn new(budget: &Budget, objects: u64, kinds: usize) -> io::Result<Self> {
        Ok(if kinds <= 1 << 16 {
            Self::Narrow(Array::new(budget, objects, Access::Sequential)?)
        } else {
            Self::Wide(Array::new(budget, objects, Access::Sequential)?)
        })
    }

    #[inline(always)]
    pub fn get(&self, at: usize) -> u32 {
        match self {
            Self::Narrow(kinds) => kinds[at].load(Ordering::Relaxed).into(),
            Self::Wide(kinds) => kinds[at].load(Ordering::Relaxed),
        }
    }

    /// The kinds as they lie in memory.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Narrow(kinds) => kinds.bytes(),
            Self::Wide(kinds) => kinds.bytes(),
        }
    }

    /// Bytes of a kind.
    pub fn width(&self) -> u64 {
        match self {
            Self::Narrow(_) => 2,
            Self::Wide(_) => 4,
        }
    }

    #[inline(always)]
    pub fn set(&self, at: usize, kind: u32) {
        match self {
            Self::Narrow(kinds) => kinds[at].store(kind as u16, Ordering::Relaxed),
            Self::Wide(kinds) => kinds[at].store(kind, Ordering::Relaxed),
        }
    }
}

/// What is known of each object, by ordinal.
pub struct Objects<C: Cell> {
    pub count: u64,
    pub kinds: KindArray,
    /// See [`pred`]; later the immediate dominator.
    pub pred: Array<C>,
    /// Successors that are no roots; see [`open`].
    pub open: Array<AtomicU8>,
    /// Shallow bytes in units; later retained ones. Carries are in [`Self::carries`].
    pub bytes: Array<AtomicU32>,
    /// Objects that are retained besides the object itself.
    pub retained: Array<C>,
    /// How the only predecessor refers to the object, where there is only one.
    pub labels: Labels,
    /// What does not fit into an element of `bytes`: multiples of 2^32.
    carries: Mutex<HashMap<u64, u64>>,
    has_carries: AtomicBool,
    /// Offset of the first object of each block of [`BLOCK`] ordinals.
    pub anchors: Array<AtomicU64>,
    /// A bit for each root, which is asked for with every reference: `pred` says the same, and takes
    /// far more room in caches.
    roots: Array<AtomicU64>,
    /// A bit for each object that refers to a root of one kind: few do.
    root_referrers: Array<AtomicU64>,
}

impl<C: Cell> Objects<C> {
    /// Zeros for `count` objects of `kinds` kinds.
    ///
    /// # Errors
    /// No memory, or no room on the disk.
    pub fn new(budget: &Budget, count: u64, kinds: usize) -> io::Result<Self> {
        let pred = Array::new(budget, count, Access::Random)?;
        // Labels are set where predecessors are: where these are in a file, memory is better spent
        // on what comes later.
        let labels = if pred.is_in_memory() { Access::Random } else { Access::Sequential };
        Ok(Self {
            count,
            kinds: KindArray::new(budget, count, kinds)?,
            pred,
            open: Array::new(budget, count, Access::Random)?,
            bytes: Array::new(budget, count, Access::Sequential)?,
            retained: Array::new(budget, count, Access::Sequential)?,
            labels: Labels::new(budget, count, labels)?,
            carries: Mutex::default(),
            has_carries: AtomicBool::new(false),
            anchors: Array::new(budget, count.div_ceil(BLOCK), Access::Sequential)?,
            roots: shared_bitmap(count)?,
            root_referrers: shared_bitmap(count)?,
        })
    }

    /// Makes an object a root; `code` says which kind of one.
    pub fn make_root(&self, ordinal: u64, code: u64) {
        self.pred[ordinal as usize].set(code);
        self.roots[(ordinal / 64) as usize].fetch_or(1 << (ordinal % 64), Ordering::Relaxed);
    }

    /// True for roots.
    #[inline(always)]
    pub fn is_root(&self, ordinal: u64) -> bool {
        self.roots[(ordinal / 64) as usize].get() >> (ordinal % 64) & 1 != 0
    }

    /// Notes that an object refers to a root of one kind.
    #[inline(always)]
    pub fn note_root_referrer(&self, ordinal: u64) {
        let bits = &self.root_referrers[(ordinal / 64) as usize];
        bits.fetch_or(1 << (ordinal % 64), Ordering::Relaxed);
    }

    /// True for an object that refers to a root of one kind.
    #[inline(always)]
    pub fn refers_to_root(&self, ordinal: u64) -> bool {
        self.root_referrers[(ordinal / 64) as usize].get() >> (ordinal % 64) & 1 != 0
    }

    /// Adds units to what an object retains.
    #[inline(always)]
    pub fn add_bytes(&self, at: usize, units: u64) {
        let before = self.bytes[at].add(units & u64::from(u32::MAX));
        let carry = ((before + (units & u64::from(u32::MAX))) >> 32) + (units >> 32);
        if carry > 0 {
            self.carry(at, carry);
        }
    }

    #[cold]
    fn carry(&self, at: usize, carry: u64) {
        let mut carries = self.carries.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        *carries.entry(at as u64).or_default() += carry;
        self.has_carries.store(true, Ordering::Release);
    }

    /// Sets the units that an object retains.
    #[inline(always)]
    pub fn set_units(&self, at: usize, units: u64) {
        self.bytes[at].set(units & u64::from(u32::MAX));
        if units >> 32 > 0 || self.has_carries.load(Ordering::Acquire) {
            let mut carries = self.carries.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            if units >> 32 > 0 {
                carries.insert(at as u64, units >> 32);
                self.has_carries.store(true, Ordering::Release);
            } else {
                carries.remove(&(at as u64));
            }
        }
    }

    /// Units that an object retains by now.
    #[inline(always)]
    pub fn units(&self, at: usize) -> u64 {
        let low = self.bytes[at].get();
        if !self.has_carries.load(Ordering::Acquire) {
            return low;
        }
        let carries = self.carries.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        low + (carries.get(&(at as u64)).copied().unwrap_or(0) << 32)
    }
}
