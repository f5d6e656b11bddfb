//! The bytes of one copy, and how to make those of the next one from them.

use std::io::{self, Write};

use heapdrift::parser::bytes::{id_at, u32_at, u64_at};
use heapdrift::parser::heap::HeapRecord;
use heapdrift::parser::tags::sub;

use super::Options;
use super::base::Base;
use super::packer::Packer;

/// Objects that a copy has and the base has not: the array that keeps the copy alive.
pub const LINKS: u64 = 1;

/// Bytes that are moved and then written while they are in the processor's cache.
const CHUNK: usize = 256 << 10;

/// The heap records of a copy as they stand in the output.
pub struct Image {
    bytes: Vec<u8>,
    /// Where in the bytes the ids stand that move from copy to copy, in order.
    moving: Vec<usize>,
}

impl Image {
    /// The image at the addresses of the base: what the first copy is made from.
    pub fn of_base<const ID: usize>(base: &Base<'_>, options: &Options) -> Self {
        let mut order = base.objects.clone();
        if let Some(seed) = options.shuffle {
            shuffle(&mut order, seed);
        }
        let mut packer = Packer::new(!options.single_record);
        let mut moving = Vec::new();
        for (record, bytes) in order.into_iter().filter_map(|offset| base.object::<ID>(offset)) {
            let at = packer.push(bytes);
            moving.push(at + 1);
            // Offsets in the record of what may refer to a copied object.
            let mut reference = |offset: usize| {
                if id_at::<ID>(bytes, offset).is_some_and(|id| base.is_copied(id)) {
                    moving.push(at + offset);
                }
            };
            let head = 9 + 2 * ID;
            match record {
                HeapRecord::Instance(instance) => {
                    let fields = base.references(instance.class);
                    fields.iter().for_each(|field| reference(head + field));
                }
                HeapRecord::ObjectArray(_) => {
                    (head..bytes.len()).step_by(ID).for_each(&mut reference);
                }
                _ => {}
            }
        }
        link::<ID>(base, &mut packer, &mut moving);
        Self { bytes: packer.into_bytes(), moving }
    }

    /// Bytes of a copy in the output, headers of segments included.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Makes the image that of the copy `span` addresses higher, and writes it. The sums must fit
    /// into ids.
    pub fn write_next<const ID: usize>(
        &mut self,
        span: u64,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let mut moving = self.moving.iter().peekable();
        for start in (0..self.bytes.len()).step_by(CHUNK) {
            let end = self.bytes.len().min(start + CHUNK);
            // An id that lies across the end is moved whole, before its first half is written.
            while let Some(at) = moving.next_if(|at| **at < end) {
                let id = &mut self.bytes[*at..*at + ID];
                if ID == 8 {
                    let moved = u64_at(id, 0).unwrap_or_default() + span;
                    id.copy_from_slice(&moved.to_be_bytes());
                } else {
                    let moved = u32_at(id, 0).unwrap_or_default() + span as u32;
                    id.copy_from_slice(&moved.to_be_bytes());
                }
            }
            out.write_all(&self.bytes[start..end])?;
        }
        Ok(())
    }
}

/// Adds an `Object[]` that holds what keeps the base's objects alive, and a root that holds it.
fn link<const ID: usize>(base: &Base<'_>, packer: &mut Packer, moving: &mut Vec<usize>) {
    let id = |id: u64| id.to_be_bytes()[8 - ID..].to_vec();
    let array = [
        vec![sub::OBJECT_ARRAY_DUMP],
        id(base.links_at),
        // No stack trace: HotSpot gives its dumps' objects number 1, which has no frames.
        1u32.to_be_bytes().to_vec(),
        (base.linked.len() as u32).to_be_bytes().to_vec(),
        id(base.object_array.0),
        base.linked.iter().flat_map(|object| id(*object)).collect(),
    ]
    .concat();
    let at = packer.push(&array);
    moving.push(at + 1);
    moving.extend((at + 9 + 2 * ID..at + array.len()).step_by(ID));
    // The last id is that of the JNI reference: any number of its own will do.
    let root = [vec![sub::ROOT_JNI_GLOBAL], id(base.links_at), id(base.links_at)].concat();
    let at = packer.push(&root);
    moving.extend([at + 1, at + 1 + ID]);
}

/// Fisher and Yates' shuffle with numbers of SplitMix64: the same order on every machine.
fn shuffle(order: &mut [usize], seed: u64) {
    let mut state = seed;
    for last in (1..order.len()).rev() {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let number = mixed ^ (mixed >> 31);
        // Below 2^64 times `last + 1`: the high half is evenly spread over 0..=last.
        let other = (u128::from(number) * (last as u128 + 1)) >> 64;
        order.swap(last, other as usize);
    }
}
