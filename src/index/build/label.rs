//! How an object refers to another: the number of the reference in the object, or that it is an
//! element of an array or on the stack of a thread.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};

use hashbrown::HashMap;

use crate::index::array::{Access, Array, Budget};

/// The number of a reference in an object from [`FIRST`] on, or one of the others here.
pub type Label = u16;

/// Not at all.
pub const NONE: Label = 0;
/// The reference to the class. Labels from here to [`MOST`] are references by their number.
pub const FIRST: Label = 1;
pub const MOST: Label = Label::MAX - 3;
/// On the stack of a thread.
pub const LOCAL: Label = Label::MAX - 1;
pub const ELEMENT: Label = Label::MAX;

/// The label of a reference, by its number.
#[inline(always)]
pub fn of_reference(nth: Label, is_array: bool) -> Label {
    match nth {
        0 => FIRST,
        _ if is_array => ELEMENT,
        nth => FIRST.saturating_add(nth).min(MOST),
    }
}

/// An object with the label of a reference to it, in one word: such words sort by objects, then by
/// labels. Ordinals have far fewer bits than are left.
#[inline(always)]
pub fn pack(object: u64, label: Label) -> u64 {
    object << 16 | u64::from(label)
}

/// The object of a packed word.
#[inline(always)]
pub fn object(packed: u64) -> u64 {
    packed >> 16
}

/// The label of a packed word.
#[inline(always)]
pub fn label(packed: u64) -> Label {
    packed as Label
}

/// Labels in a byte each, and the few that do not fit beside them.
pub struct Labels {
    bytes: Array<AtomicU8>,
    wide: Mutex<HashMap<u64, Label>>,
}

/// Bytes of labels that are not in a byte.
mod byte {
    pub const WIDE: u8 = u8::MAX - 2;
    pub const LOCAL: u8 = u8::MAX - 1;
    pub const ELEMENT: u8 = u8::MAX;
}

impl Labels {
    /// No label for any of `count` objects.
    ///
    /// # Errors
    /// No memory, or no room on the disk.
    pub fn new(budget: &Budget, count: u64, access: Access) -> io::Result<Self> {
        Ok(Self { bytes: Array::new(budget, count, access)?, wide: Mutex::default() })
    }

    #[inline(always)]
    pub fn get(&self, at: u64) -> Label {
        match self.bytes[at as usize].load(Ordering::Relaxed) {
            byte::ELEMENT => ELEMENT,
            byte::LOCAL => LOCAL,
            byte::WIDE => self.get_wide(at),
            small => small.into(),
        }
    }

    #[inline(always)]
    pub fn set(&self, at: u64, label: Label) {
        let byte = match label {
            ELEMENT => byte::ELEMENT,
            LOCAL => byte::LOCAL,
            label if label < byte::WIDE.into() => label as u8,
            label => {
                self.set_wide(at, label);
                byte::WIDE
            }
        };
        self.bytes[at as usize].store(byte, Ordering::Relaxed);
    }

    /// Says that a label will be set soon.
    #[inline(always)]
    pub fn prefetch(&self, at: u64) {
        self.bytes.prefetch(at as usize);
    }

    #[cold]
    fn get_wide(&self, at: u64) -> Label {
        let wide = self.wide.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        wide.get(&at).copied().unwrap_or(NONE)
    }

    #[cold]
    fn set_wide(&self, at: u64, label: Label) {
        let mut wide = self.wide.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        wide.insert(at, label);
    }

    /// Says that from now on the labels are used front to back.
    pub fn use_in_order(&self) {
        self.bytes.use_in_order();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_labels_come_back() {
        let budget = Budget::new(1 << 20, &std::env::temp_dir());
        let labels = Labels::new(&budget, 1 << 16, Access::Random).unwrap();
        for label in 0..=Label::MAX {
            labels.set(label.into(), label);
        }
        for label in 0..=Label::MAX {
            assert_eq!(labels.get(label.into()), label);
        }
    }

    #[test]
    fn references_beyond_the_last_number_share_it() {
        assert_eq!(of_reference(0, true), FIRST);
        assert_eq!(of_reference(7, true), ELEMENT);
        assert_eq!(of_reference(7, false), 8);
        assert_eq!(of_reference(Label::MAX, false), MOST);
        let packed = pack(1 << 40, ELEMENT);
        assert_eq!((object(packed), label(packed)), (1 << 40, ELEMENT));
    }
}
