//! Checks an index: checksums, and that its numbers agree with each other.

use std::io;
use std::sync::atomic::AtomicU64;

use super::{HeapIndex, Level, OpenIndexError, Retained};
use crate::index::array::{Access, Array, Budget, Cell};

/// What was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    pub objects: u64,
    pub sections: usize,
}

/// Why an index is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error(transparent)]
    Open(#[from] OpenIndexError),
    #[error("cannot check: {0}")]
    Io(#[from] io::Error),
    #[error("object {ordinal}: {what}")]
    Object { ordinal: u64, what: &'static str },
    #[error("the totals of {level} objects do not agree with the objects")]
    Totals { level: &'static str },
}

impl HeapIndex {
    /// Checks the checksums of all sections.
    ///
    /// # Errors
    /// The first damaged section.
    pub fn verify_checksums(&self) -> Result<(), OpenIndexError> {
        let format_error = |error| OpenIndexError::Format { path: self.path.clone(), error };
        for entry in &self.contents.entries {
            entry.check(&self.map).map_err(format_error)?;
        }
        Ok(())
    }

    /// Checks everything that can be checked without the dump: the checksums of all sections, the
    /// table of ids, that each object's retained size is its own and those of the objects it
    /// dominates, and that the totals are those of the objects.
    ///
    /// # Errors
    /// [`VerifyError`] with the first fault.
    pub fn verify(&self, budget: &Budget) -> Result<Verified, VerifyError> {
        self.verify_checksums()?;
        let objects = self.objects();
        // What is left of each object's retained set when those of the objects below are taken off.
        let bytes = Array::<AtomicU64>::new(budget, objects, Access::Random)?;
        let counts = Array::<AtomicU64>::new(budget, objects, Access::Random)?;
        let mut totals = [Retained::default(); Level::COUNT];
        let mut fault = None;
        let mut note = |ordinal, what| {
            fault.get_or_insert(VerifyError::Object { ordinal, what });
        };
        self.for_each(|ordinal, dominator, retained| {
            let at = ordinal as usize;
            bytes[at].set(bytes[at].get().wrapping_add(retained.bytes));
            counts[at].set(counts[at].get().wrapping_add(retained.objects));
            let level = self.level(ordinal);
            match dominator {
                None => {
                    totals[level as usize].bytes += retained.bytes;
                    totals[level as usize].objects += retained.objects;
                }
                Some(above) if above >= objects || above == ordinal => {
                    note(ordinal, "its dominator is no other object");
                }
                Some(above) => {
                    if self.level(above) != level {
                        note(ordinal, "its dominator is of another level");
                    }
                    let above = above as usize;
                    bytes[above].set(bytes[above].get().wrapping_sub(retained.bytes));
                    counts[above].set(counts[above].get().wrapping_sub(retained.objects));
                }
            }
        });
        let ids = self.ids();
        for ordinal in 0..objects {
            let at = ordinal as usize;
            if counts[at].get() != 1 || bytes[at].get() != self.shallow(ordinal) {
                note(ordinal, "its retained size is not the sum of what it dominates");
            }
            if ids.id(ordinal).and_then(|id| ids.ordinal(id)) != Some(ordinal) {
                note(ordinal, "its id leads to another object");
            }
        }
        if let Some(fault) = fault {
            return Err(fault);
        }
        for (level, (found, told)) in Level::ALL.iter().zip(totals.iter().zip(self.totals())) {
            if *found != told {
                return Err(VerifyError::Totals { level: level.name() });
            }
        }
        Ok(Verified { objects, sections: self.sections() })
    }
}
