//! Numbers of an index as a whole.

use super::Level;

/// Numbers of the index as a whole; the section of this name holds them in this order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Meta {
    pub objects: u64,
    /// All sizes are multiples of this.
    pub unit: u64,
    pub id_base: u64,
    pub id_shift: u64,
    /// Bytes of a kind in the section of object kinds: 2 or 4.
    pub kind_width: u64,
    /// Bytes of the array header and alignment by element size 1, 2, 4, 8: see `array_bytes`.
    pub array_base: [u64; 4],
    pub alignment: u64,
    /// Retained bytes and objects of the virtual root of each level.
    pub totals: [[u64; 2]; Level::COUNT],
    /// Bytes of the dump, uncompressed.
    pub dump_bytes: u64,
    /// The heap dump in the file that is indexed, from 1.
    pub dump_number: u64,
}

impl Meta {
    const WORDS: usize = size_of::<Self>() / 8;

    /// As in the file.
    pub fn words(&self) -> Vec<u64> {
        let mut words = vec![self.objects, self.unit, self.id_base, self.id_shift, self.kind_width];
        words.extend(self.array_base);
        words.push(self.alignment);
        words.extend(self.totals.iter().flatten());
        words.extend([self.dump_bytes, self.dump_number]);
        words
    }

    pub(super) fn from_words(words: &[u64]) -> Option<Self> {
        if words.len() < Self::WORDS {
            return None;
        }
        let mut words = words.iter().copied();
        let mut next = || words.next().unwrap_or_default();
        Some(Self {
            objects: next(),
            unit: next(),
            id_base: next(),
            id_shift: next(),
            kind_width: next(),
            array_base: std::array::from_fn(|_| next()),
            alignment: next(),
            totals: std::array::from_fn(|_| [next(), next()]),
            dump_bytes: next(),
            dump_number: next(),
        })
    }

    /// Bytes of an array of `length` elements of `element` bytes.
    pub fn array_bytes(&self, length: u64, element: u64) -> u64 {
        let base = self.array_base[element.max(1).ilog2().min(3) as usize];
        (base + length * element).next_multiple_of(self.alignment.max(1))
    }
}
