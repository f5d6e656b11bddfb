//! What objects of the dump say of how much they, or what is beside them, take at most.

use hashbrown::HashMap;

use super::plan::{Object, Plans};
use crate::parser::classes::ClassIndex;

/// Numbers that say a limit, of one class: what has more instances is held, and holds nothing.
const MOST_LIMITS: usize = 1 << 16;

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
    pub fn note(&mut self, plans: &Plans<'_>, object: &Object<'_>, ordinal: u64) {
        if let Some(bound) = plans.bound(object) {
            self.declared.push((ordinal, bound));
        }
        if plans.is_scattered(object) {
            self.scattered.push(ordinal);
        }
        plans.limits(object, |class, field, value| {
            let limits = self.limits.entry(class).or_default();
            // One more than that says that there are too many.
            if limits.len() <= MOST_LIMITS {
                limits.push((ordinal, field, value));
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
    pub fn settle(&mut self) {
        self.limits.retain(|_, limits| limits.len() <= MOST_LIMITS);
    }
}
