//! What objects of the dump say of how much they, or what is beside them, take at most.

use std::sync::atomic::{AtomicU32, Ordering};

use hashbrown::HashMap;

use super::plan::{Object, Plans};
use crate::parser::classes::ClassIndex;

/// Numbers that say a limit, of one class: what has more instances is held, and holds nothing.
const MOST_LIMITS: u32 = 1 << 16;

/// How many numbers that say a limit were met, by class: threads count together, so that those of a
/// class with very many instances are not kept only to be dropped.
pub struct LimitCounts(Vec<AtomicU32>);

impl LimitCounts {
    pub fn new(classes: usize) -> Self {
        Self((0..classes).map(|_| AtomicU32::new(0)).collect())
    }

    fn are_too_many(&self, class: ClassIndex) -> bool {
        self.0[class.0 as usize].load(Ordering::Relaxed) > MOST_LIMITS
    }

    /// Counts one; false when there were too many before.
    #[inline(always)]
    fn take(&self, class: ClassIndex) -> bool {
        let is_wanted = !self.are_too_many(class);
        if is_wanted {
            self.0[class.0 as usize].fetch_add(1, Ordering::Relaxed);
        }
        is_wanted
    }
}

/// What objects say of how much they take.
#[derive(Default)]
pub struct Bounds {
    /// What collections declare, by object.
    pub declared: Vec<(u64, u64)>,
    /// Arrays that are hash tables: their length says nothing.
    pub scattered: Vec<u64>,
    /// Numbers in fields whose names say a limit, by class: object, place of the field, number.
    pub limits: HashMap<ClassIndex, Vec<(u64, u32, u64)>>,
}

impl Bounds {
    #[inline(always)]
    pub fn note(
        &mut self,
        plans: &Plans<'_>,
        object: &Object<'_>,
        ordinal: u64,
        counts: &LimitCounts,
    ) {
        if let Some(bound) = plans.bound(object) {
            self.declared.push((ordinal, bound));
        }
        if plans.is_scattered(object) {
            self.scattered.push(ordinal);
        }
        plans.limits(object, |class, field, value| {
            if counts.take(class) {
                self.limits.entry(class).or_default().push((ordinal, field, value));
            }
        });
    }

    pub fn add(&mut self, other: Self) {
        self.declared.extend(other.declared);
        self.scattered.extend(other.scattered);
        for (class, limits) in other.limits {
            self.limits.entry(class).or_default().extend(limits);
        }
    }

    /// Drops classes with so many instances that they cannot be what limits.
    pub fn settle(&mut self, counts: &LimitCounts) {
        self.limits.retain(|class, _| !counts.are_too_many(*class));
    }
}
