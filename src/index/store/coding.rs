//! How numbers are coded in the sections of an index.

/// The dominator as it stands in the file: 0 for none, else the coded distance, which is not 0.
pub fn code_dominator(dominator: Option<u64>, ordinal: u64) -> u64 {
    dominator.map_or(0, |dominator| zigzag(dominator.wrapping_sub(ordinal)))
}

pub fn decode_dominator(coded: u64, ordinal: u64) -> Option<u64> {
    (coded != 0).then(|| ordinal.wrapping_add(unzigzag(coded)))
}

/// A difference, which may be negative, as a number that is small when the difference is.
pub fn zigzag(difference: u64) -> u64 {
    let difference = difference as i64;
    (difference << 1 ^ difference >> 63) as u64
}

#[inline(always)]
pub fn unzigzag(coded: u64) -> u64 {
    coded >> 1 ^ 0u64.wrapping_sub(coded & 1)
}

/// Adds an integer as [`Varints`] reads it.
pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Variable-length integers: seven bits a byte, the lowest first, the highest bit set on all but
/// the last byte.
pub struct Varints<'a> {
    pub bytes: &'a [u8],
}

impl Iterator for Varints<'_> {
    type Item = u64;

    #[inline]
    fn next(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            value |= u64::from(byte & 0x7F) << shift;
            if *byte < 0x80 {
                return Some(value);
            }
        }
        None
    }
}

/// The numbers in the bytes of a section. Sections are aligned; a length that is no multiple loses
/// the rest.
pub fn cast<T: bytemuck::AnyBitPattern>(bytes: &[u8]) -> &[T] {
    let whole = bytes.len() / size_of::<T>() * size_of::<T>();
    bytemuck::try_cast_slice(&bytes[..whole]).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        let numbers = [0, 1, 0x7F, 0x80, 0x3FFF, 0x4000, u64::from(u32::MAX), u64::MAX];
        let mut bytes = Vec::new();
        numbers.iter().for_each(|number| put_varint(&mut bytes, *number));
        assert!(Varints { bytes: &bytes }.eq(numbers));
        assert!(numbers.iter().all(|number| unzigzag(zigzag(*number)) == *number));
    }

    #[test]
    fn dominators_come_back() {
        for (dominator, ordinal) in [(None, 7), (Some(0), 7), (Some(9), 7), (Some(0), u64::MAX)] {
            assert_eq!(decode_dominator(code_dominator(dominator, ordinal), ordinal), dominator);
        }
    }
}
