//! The parser allocates nothing per record, shown with a counting allocator.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use heapdrift::parser::heap::{HeapRecord, HeapRecords};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: forwards to the system allocator; counting touches a thread-local number only.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A segment with a class, roots, instances and arrays, as bytes.
fn segment(records: u64) -> Vec<u8> {
    let mut bytes = vec![0x20];
    for part in [0x10u64.to_be_bytes().as_slice(), &[0; 4], &[0; 48], &[0; 4], &[0; 2]] {
        bytes.extend_from_slice(part);
    }
    // One static field (an int) and one instance field (a reference).
    bytes.extend_from_slice(&[0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 10, 0, 0, 0, 7]);
    bytes.extend_from_slice(&[0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 2]);
    for id in 1..=records {
        let id = (id * 16).to_be_bytes();
        bytes.push(0x21);
        bytes.extend_from_slice(&id);
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&0x10u64.to_be_bytes());
        bytes.extend_from_slice(&[0, 0, 0, 8]);
        bytes.extend_from_slice(&id);
        bytes.push(0x23);
        bytes.extend_from_slice(&id);
        bytes.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 3, 8, b'a', b'b', b'c']);
        bytes.push(0x01);
        bytes.extend_from_slice(&id);
        bytes.extend_from_slice(&id);
    }
    bytes
}

#[test]
fn walking_records_allocates_nothing() {
    let bytes = segment(10_000);
    let before = ALLOCATIONS.with(Cell::get);
    let mut records = HeapRecords::<8>::new(&bytes, 0);
    let (mut instances, mut values, mut fields) = (0, 0, 0);
    while let Some(record) = records.next_record().expect("well-formed") {
        match record {
            HeapRecord::Instance(instance) => {
                instances += 1;
                values += instance.values.len();
            }
            HeapRecord::PrimitiveArray(array) => values += array.values.len(),
            HeapRecord::Class(class) => fields += class.fields().count() + class.statics().count(),
            HeapRecord::ObjectArray(_) | HeapRecord::Root(_) | HeapRecord::HeapInfo { .. } => {}
        }
    }
    let allocations = ALLOCATIONS.with(Cell::get) - before;
    assert_eq!((instances, values, fields), (10_000, 110_000, 2));
    assert_eq!(allocations, 0);
    // The counter works.
    let boxed = std::hint::black_box(Box::new(1u8));
    assert!(ALLOCATIONS.with(Cell::get) - before >= u64::from(*boxed));
}
