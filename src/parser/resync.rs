//! Finds where heap records start in the middle of a huge heap dump record, so that several
//! threads can walk it. The guess is confirmed by whoever walks up to it from the left.

use super::heap::{HeapRecord, HeapRecords};
use super::ids::ObjectId;
use super::tags::sub;

/// Records that must follow each other without a fault before a position is believed.
const CHAIN: usize = 48;

/// What is known of the classes before the walk.
pub trait KnownClasses: Sync {
    /// Bytes of an instance's values; `None` for a class that is not known.
    fn values_length(&self, class: ObjectId) -> Option<u64>;
    /// True for a class that is known.
    fn is_known(&self, class: ObjectId) -> bool {
        self.values_length(class).is_some()
    }
}

/// Offset of the first believable record start at or after `from`; `None` when there is none
/// within `limit` bytes.
pub fn find_record<const ID: usize>(
    bytes: &[u8],
    from: usize,
    limit: usize,
    classes: &impl KnownClasses,
) -> Option<usize> {
    let end = bytes.len().min(from.saturating_add(limit));
    (from..end).find(|at| is_chain::<ID>(bytes, *at, classes))
}

fn is_chain<const ID: usize>(bytes: &[u8], at: usize, classes: &impl KnownClasses) -> bool {
    // Only the frequent kinds start a chain: the others are too easily mistaken.
    if !matches!(
        bytes.get(at),
        Some(&(sub::INSTANCE_DUMP | sub::OBJECT_ARRAY_DUMP | sub::PRIMITIVE_ARRAY_DUMP))
    ) {
        return false;
    }
    let mut records = HeapRecords::<ID>::new(bytes, at);
    let mut convincing = 0;
    for _ in 0..CHAIN {
        match records.next_record() {
            Ok(Some(HeapRecord::Instance(instance))) => {
                match classes.values_length(instance.class) {
                    Some(length) if length == instance.values.len() as u64 => convincing += 1,
                    _ => return false,
                }
            }
            Ok(Some(HeapRecord::ObjectArray(array))) => {
                if !classes.is_known(array.class) || array.id.is_null() {
                    return false;
                }
                convincing += 1;
            }
            Ok(Some(HeapRecord::PrimitiveArray(array))) if !array.id.is_null() => {}
            Ok(Some(HeapRecord::Class(_) | HeapRecord::Root(_) | HeapRecord::HeapInfo { .. })) => {}
            // The last records of the dump make a shorter chain.
            Ok(None) => return convincing > 0,
            _ => return false,
        }
    }
    convincing > 0
}
