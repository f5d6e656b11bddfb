//! Address → ordinal and back: a bitmap of addresses with ranks.
//!
//! The ordinal of an object is the rank of its id among all ids. Only chunks of address space that
//! hold objects take room: about 0.55 bytes per object on a HotSpot heap of small objects. Ids that
//! are too scattered for a bitmap are kept as a sorted list.

/// Granules (units of address) in a chunk of the bitmap.
pub const CHUNK_GRANULES: u64 = 1 << 15;
/// Words of 64 granules in a chunk.
pub const CHUNK_WORDS: usize = (CHUNK_GRANULES / 64) as usize;
/// Words between two ranks.
pub const RANK_WORDS: usize = 8;
const RANKS: usize = CHUNK_WORDS / RANK_WORDS;
/// A chunk without objects in the directory.
pub const NO_CHUNK: u32 = u32::MAX;

/// Borrowed parts of the table, from memory or from an index file.
#[derive(Clone, Copy, Debug)]
pub struct Ids<'a> {
    pub parts: Parts<'a>,
    pub count: u64,
}

/// The two forms.
#[derive(Clone, Copy, Debug)]
pub enum Parts<'a> {
    Bitmap(Bitmap<'a>),
    /// All ids, ascending.
    Sorted(&'a [u64]),
}

/// See the module's text.
#[derive(Clone, Copy, Debug)]
pub struct Bitmap<'a> {
    /// Address of the first granule of the directory.
    pub base: u64,
    /// log2 of the bytes of a granule: all ids are multiples of it.
    pub shift: u32,
    /// Position of each chunk of the address range among those that hold objects.
    pub directory: &'a [u32],
    /// For each chunk that holds objects, its place in the directory.
    pub places: &'a [u32],
    /// Objects before each of those chunks.
    pub before: &'a [u64],
    /// Objects in the chunk before each block of [`RANK_WORDS`] words.
    pub ranks: &'a [u16],
    pub words: &'a [u64],
}

impl Ids<'_> {
    /// The ordinal of an id; `None` for what is no object's.
    #[inline(always)]
    pub fn ordinal(&self, id: u64) -> Option<u64> {
        match &self.parts {
            Parts::Bitmap(bitmap) => bitmap.ordinal(id),
            Parts::Sorted(ids) => ids.binary_search(&id).ok().map(|at| at as u64),
        }
    }

    /// The id of an ordinal; `None` beyond the last object.
    pub fn id(&self, ordinal: u64) -> Option<u64> {
        match &self.parts {
            Parts::Bitmap(bitmap) => bitmap.id(ordinal),
            Parts::Sorted(ids) => ids.get(ordinal as usize).copied(),
        }
    }
}

impl Bitmap<'_> {
    #[inline(always)]
    fn ordinal(&self, id: u64) -> Option<u64> {
        let offset = id.wrapping_sub(self.base);
        let granule = offset >> self.shift;
        if granule << self.shift != offset {
            return None;
        }
        let chunk = *self.directory.get((granule / CHUNK_GRANULES) as usize)? as usize;
        // An empty chunk's number is beyond all words.
        let block = chunk * RANKS + (granule % CHUNK_GRANULES) as usize / (64 * RANK_WORDS);
        let words: &[u64; RANK_WORDS] =
            self.words.get(block * RANK_WORDS..)?.first_chunk::<RANK_WORDS>()?;
        let at = (granule / 64) as usize % RANK_WORDS;
        let bit = granule % 64;
        if words[at] >> bit & 1 == 0 {
            return None;
        }
        let mut rank = (words[at] & ((1 << bit) - 1)).count_ones();
        for word in &words[..at] {
            rank += word.count_ones();
        }
        Some(*self.before.get(chunk)? + u64::from(*self.ranks.get(block)?) + u64::from(rank))
    }

    fn id(&self, ordinal: u64) -> Option<u64> {
        let chunk = self.before.partition_point(|before| *before <= ordinal).checked_sub(1)?;
        let mut left = ordinal - self.before[chunk];
        let ranks = self.ranks.get(chunk * RANKS..(chunk + 1) * RANKS)?;
        let block = ranks.partition_point(|rank| u64::from(*rank) <= left).checked_sub(1)?;
        left -= u64::from(ranks[block]);
        let first = chunk * CHUNK_WORDS + block * RANK_WORDS;
        let words = self.words.get(first..first + RANK_WORDS)?;
        for (nth, word) in words.iter().enumerate() {
            let ones = u64::from(word.count_ones());
            if left < ones {
                let mut word = *word;
                for _ in 0..left {
                    word &= word - 1;
                }
                let place = u64::from(*self.places.get(chunk)?) * CHUNK_GRANULES;
                let within = (block * RANK_WORDS + nth) as u64 * 64;
                let granule = place + within + u64::from(word.trailing_zeros());
                return Some(self.base + (granule << self.shift));
            }
            left -= ones;
        }
        None
    }
}

/// The table in memory, as it is built.
#[derive(Clone, Debug, Default)]
pub struct OwnedIds {
    pub base: u64,
    pub shift: u32,
    pub directory: Vec<u32>,
    pub places: Vec<u32>,
    pub before: Vec<u64>,
    pub ranks: Vec<u16>,
    pub words: Vec<u64>,
    /// All ids, where they are too scattered for a bitmap.
    pub sorted: Option<Vec<u64>>,
    pub count: u64,
}

impl OwnedIds {
    /// Compacts a bitmap over the whole range of addresses from `base` on.
    pub fn of_bitmap(base: u64, shift: u32, bits: impl Fn(usize) -> u64, words: usize) -> Self {
        let chunks = words.div_ceil(CHUNK_WORDS);
        let mut ids = Self { base, shift, directory: vec![NO_CHUNK; chunks], ..Self::default() };
        for place in 0..chunks {
            let range = place * CHUNK_WORDS..((place + 1) * CHUNK_WORDS).min(words);
            if range.clone().all(|at| bits(at) == 0) {
                continue;
            }
            ids.directory[place] = ids.places.len() as u32;
            ids.places.push(place as u32);
            ids.before.push(ids.count);
            let first = ids.words.len();
            ids.words.extend(range.map(&bits));
            ids.words.resize(first + CHUNK_WORDS, 0);
            let mut rank = 0u64;
            for block in ids.words[first..].chunks_exact(RANK_WORDS) {
                ids.ranks.push(rank as u16);
                rank += block.iter().map(|word| u64::from(word.count_ones())).sum::<u64>();
            }
            ids.count += rank;
        }
        ids
    }

    /// Keeps ids as they are; `ids` ascend without repetition.
    pub fn of_sorted(ids: Vec<u64>) -> Self {
        Self { count: ids.len() as u64, sorted: Some(ids), ..Self::default() }
    }

    /// The table to look things up in.
    pub fn view(&self) -> Ids<'_> {
        let parts = match &self.sorted {
            Some(ids) => Parts::Sorted(ids),
            None => Parts::Bitmap(Bitmap {
                base: self.base,
                shift: self.shift,
                directory: &self.directory,
                places: &self.places,
                before: &self.before,
                ranks: &self.ranks,
                words: &self.words,
            }),
        };
        Ids { parts, count: self.count }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinals_and_ids_are_inverse_in_both_forms() {
        let wanted: Vec<u64> = (0..5000u64).map(|n| 0x7000_0000 + n * n % 1_000_003 * 8).collect();
        let mut sorted = wanted;
        sorted.sort_unstable();
        sorted.dedup();
        let base = 0x7000_0000;
        let mut bits = vec![0u64; 1_000_003 / 64 + 1];
        for id in &sorted {
            let granule = (id - base) / 8;
            bits[granule as usize / 64] |= 1 << (granule % 64);
        }
        let bitmap = OwnedIds::of_bitmap(base, 3, |at| bits[at], bits.len());
        let list = OwnedIds::of_sorted(sorted.clone());
        for ids in [bitmap.view(), list.view()] {
            assert_eq!(ids.count, sorted.len() as u64);
            for (ordinal, id) in sorted.iter().enumerate() {
                assert_eq!(ids.ordinal(*id), Some(ordinal as u64));
                assert_eq!(ids.id(ordinal as u64), Some(*id));
                assert_eq!(ids.ordinal(id + 4), None);
            }
            assert_eq!(ids.ordinal(base - 8), None);
            assert_eq!(ids.id(sorted.len() as u64), None);
        }
    }
}
