//! What an index says of single objects, and of all of them in order.

use super::coding::{Varints, cast, decode_dominator};
use super::format::Section;
use super::ids::{Bitmap, Ids, Parts};
use super::{BLOCK, Form, HeapIndex, Kind, Level, Retained};
use crate::parser::ids::ObjectId;

impl HeapIndex {
    pub(super) fn ids(&self) -> Ids<'_> {
        let sorted = self.section(Section::IdSorted);
        let parts = if sorted.is_empty() {
            Parts::Bitmap(Bitmap {
                base: self.meta.id_base,
                shift: (self.meta.id_shift as u32).min(63),
                directory: cast(self.section(Section::IdDirectory)),
                places: cast(self.section(Section::IdPlaces)),
                before: cast(self.section(Section::IdBefore)),
                ranks: cast(self.section(Section::IdRanks)),
                words: cast(self.section(Section::IdWords)),
            })
        } else {
            Parts::Sorted(cast(sorted))
        };
        Ids { parts, count: self.meta.objects }
    }

    /// The ordinal of an object.
    pub fn ordinal(&self, id: ObjectId) -> Option<u64> {
        self.ids().ordinal(id.0)
    }

    /// The id of an object; null beyond the last one.
    pub fn id(&self, ordinal: u64) -> ObjectId {
        ObjectId(self.ids().id(ordinal).unwrap_or(0))
    }

    fn kind_number(&self, ordinal: u64) -> Option<u32> {
        let bytes = self.section(Section::ObjectKinds);
        if self.meta.kind_width == 2 {
            cast::<u16>(bytes).get(ordinal as usize).map(|kind| u32::from(*kind))
        } else {
            cast::<u32>(bytes).get(ordinal as usize).copied()
        }
    }

    /// The number of the kind of an object, and the kind.
    pub fn kind(&self, ordinal: u64) -> Option<(u32, Kind)> {
        let number = self.kind_number(ordinal)?;
        self.kinds.get(number as usize).map(|(kind, ..)| (number, *kind))
    }

    /// All kinds: with the name of the class in source form and the label of its loader.
    pub fn kinds(&self) -> impl Iterator<Item = (&Kind, &str, &str)> {
        self.kinds.iter().map(|(kind, name, loader)| (kind, name.as_str(), loader.as_str()))
    }

    /// The class of an object in source form.
    pub fn class_name(&self, ordinal: u64) -> String {
        let kind = self.kind_number(ordinal).and_then(|number| self.kinds.get(number as usize));
        kind.map_or_else(|| "unknown class".to_owned(), |(_, name, _)| name.clone())
    }

    /// The length of an array, the bytes of a class object or stack chunk; `None` for others.
    pub fn slot(&self, ordinal: u64) -> Option<u32> {
        let (_, kind) = self.kind(ordinal)?;
        if !kind.form.has_slot() {
            return None;
        }
        let block = ordinal / BLOCK;
        let mut rank = *cast::<u64>(self.section(Section::SlotRanks)).get(block as usize)?;
        for before in block * BLOCK..ordinal {
            let (_, kind) = self.kind(before)?;
            rank += u64::from(kind.form.has_slot());
        }
        cast::<u32>(self.section(Section::Slots)).get(usize::try_from(rank).ok()?).copied()
    }

    /// Shallow bytes of an object.
    pub fn shallow(&self, ordinal: u64) -> u64 {
        let Some((_, kind)) = self.kind(ordinal) else { return 0 };
        let slot = || u64::from(self.slot(ordinal).unwrap_or(0));
        match kind.form {
            Form::Instance => kind.size,
            Form::SizedInstance | Form::Mirror => slot(),
            Form::ObjectArray | Form::PrimitiveArray(_) => self.meta.array_bytes(slot(), kind.size),
        }
    }

    /// How an object is reachable.
    pub fn level(&self, ordinal: u64) -> Level {
        let bit = |section| {
            let words: &[u64] = cast(self.section(section));
            words
                .get((ordinal / 64) as usize)
                .map_or(0, |word| (word >> (ordinal % 64) & 1) as usize)
        };
        let planes = [Section::Level0, Section::Level1, Section::Level2];
        Level::of(planes.iter().enumerate().map(|(nth, plane)| bit(*plane) << nth).sum())
    }

    /// The values of a block of 64 objects in a section of variable-length integers.
    fn block(&self, starts: Section, values: Section, block: u64) -> Option<Varints<'_>> {
        let start = *cast::<u64>(self.section(starts)).get(usize::try_from(block).ok()?)?;
        Some(Varints { bytes: self.section(values).get(usize::try_from(start).ok()?..)? })
    }

    /// The immediate dominator; `None` for what hangs on the virtual root of its level.
    pub fn dominator(&self, ordinal: u64) -> Option<u64> {
        let mut values =
            self.block(Section::DominatorStarts, Section::Dominators, ordinal / BLOCK)?;
        let mut coded = 0;
        for _ in 0..=ordinal % BLOCK {
            coded = values.next()?;
        }
        decode_dominator(coded, ordinal)
    }

    /// What an object retains, itself included.
    pub fn retained(&self, ordinal: u64) -> Retained {
        let own = Retained { bytes: self.shallow(ordinal), objects: 1 };
        let retained = || {
            let mut values =
                self.block(Section::RetainedStarts, Section::Retained, ordinal / BLOCK)?;
            let (mut objects, mut units) = (0, 0);
            for _ in 0..=ordinal % BLOCK {
                objects = values.next()?;
                units = if objects > 0 { values.next()? } else { 0 };
            }
            Some(Retained {
                bytes: own.bytes.checked_add(units.checked_mul(self.meta.unit)?)?,
                objects: objects.checked_add(1)?,
            })
        };
        retained().unwrap_or(own)
    }

    /// Where in the uncompressed dump reading has to begin to meet an object: at the object itself
    /// or at one of a few before it.
    pub fn offset(&self, ordinal: u64) -> Option<u64> {
        let exact = self.section(Section::Offsets);
        if !exact.is_empty() {
            let at = usize::try_from(ordinal).ok()?.checked_mul(5)?;
            let bytes: &[u8; 5] = exact.get(at..)?.first_chunk()?;
            let mut wide = [0; 8];
            wide[..5].copy_from_slice(bytes);
            return Some(u64::from_le_bytes(wide));
        }
        let runs: &[u64] = cast(self.section(Section::Runs));
        let (mut low, mut high) = (0, runs.len() / 2);
        while low < high {
            let middle = (low + high) / 2;
            if runs[2 * middle] <= ordinal { low = middle + 1 } else { high = middle }
        }
        let run = low.checked_sub(1).map(|at| (runs[2 * at], runs[2 * at + 1]))?;
        let anchors: &[u64] = cast(self.section(Section::Anchors));
        let anchor = (ordinal / BLOCK * BLOCK, *anchors.get((ordinal / BLOCK) as usize)?);
        Some(if run.0 > anchor.0 { run.1 } else { anchor.1 })
    }

    /// Goes over the dominators and retained sets of all objects, in order of ordinals.
    pub fn for_each(&self, mut each: impl FnMut(u64, Option<u64>, Retained)) {
        for block in 0..self.meta.objects.div_ceil(BLOCK) {
            let dominators = self.block(Section::DominatorStarts, Section::Dominators, block);
            let retained = self.block(Section::RetainedStarts, Section::Retained, block);
            let (Some(mut dominators), Some(mut retained)) = (dominators, retained) else { return };
            let mut rank =
                cast::<u64>(self.section(Section::SlotRanks)).get(block as usize).copied();
            for ordinal in block * BLOCK..((block + 1) * BLOCK).min(self.meta.objects) {
                let dominator =
                    dominators.next().and_then(|coded| decode_dominator(coded, ordinal));
                let objects = retained.next().unwrap_or(0);
                let units = if objects > 0 { retained.next().unwrap_or(0) } else { 0 };
                // In a damaged index the numbers may be anything.
                let more = units.wrapping_mul(self.meta.unit);
                let bytes = self.shallow_by_rank(ordinal, &mut rank).wrapping_add(more);
                each(ordinal, dominator, Retained { bytes, objects: objects.wrapping_add(1) });
            }
        }
    }

    /// Shallow bytes, where the rank of the object's slot is known; moves the rank on.
    fn shallow_by_rank(&self, ordinal: u64, rank: &mut Option<u64>) -> u64 {
        let Some((_, kind)) = self.kind(ordinal) else { return 0 };
        if !kind.form.has_slot() {
            return kind.size;
        }
        let slots: &[u32] = cast(self.section(Section::Slots));
        let slot = rank.and_then(|rank| slots.get(rank as usize)).copied().unwrap_or(0);
        *rank = rank.map(|rank| rank + 1);
        match kind.form {
            Form::ObjectArray | Form::PrimitiveArray(_) => {
                self.meta.array_bytes(slot.into(), kind.size)
            }
            _ => slot.into(),
        }
    }
}
