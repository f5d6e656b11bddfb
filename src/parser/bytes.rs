//! Checked reads of big-endian numbers from foreign bytes.

/// Reads an id of `ID` (4 or 8) bytes at `at`; `None` past the end.
#[inline(always)]
pub fn id_at<const ID: usize>(bytes: &[u8], at: usize) -> Option<u64> {
    if ID == 8 { u64_at(bytes, at) } else { u32_at(bytes, at).map(u64::from) }
}

/// Reads an id whose size is known only at run time.
pub fn id_of_size(bytes: &[u8], at: usize, id_size: usize) -> Option<u64> {
    if id_size == 8 { u64_at(bytes, at) } else { u32_at(bytes, at).map(u64::from) }
}

#[inline(always)]
pub fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|c| u16::from_be_bytes(*c))
}

#[inline(always)]
pub fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|c| u32::from_be_bytes(*c))
}

#[inline(always)]
pub fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|c| u64::from_be_bytes(*c))
}

/// Rounds `x` up to a multiple of `to`, which must be a power of two or any positive number.
#[inline]
pub const fn align_up(x: u64, to: u64) -> u64 {
    x.div_ceil(to) * to
}
