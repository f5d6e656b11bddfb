//! What is wrong with a dump, and whether that makes it incomplete.

use serde::{Deserialize, Serialize};

/// Most messages of one sort that are kept; the rest is counted.
const KEPT: usize = 20;

/// Findings about the bytes of a dump.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Integrity {
    /// Why the dump is not whole; empty when it is.
    pub losses: Vec<Finding>,
    /// What is odd without loss of data.
    pub warnings: Vec<String>,
    /// Losses beyond the ones listed.
    pub more_losses: u64,
}

/// Something that was lost, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// Offset in the uncompressed dump.
    pub offset: u64,
    pub what: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "at byte {}: {}", self.offset, self.what)
    }
}

impl Integrity {
    /// True when nothing of the dump was lost.
    pub fn is_complete(&self) -> bool {
        self.losses.is_empty()
    }

    /// Notes that data was lost at `offset`.
    pub fn lose(&mut self, offset: u64, what: impl Into<String>) {
        if self.losses.len() < KEPT {
            self.losses.push(Finding { offset, what: what.into() });
        } else {
            self.more_losses += 1;
        }
    }

    /// Notes something odd.
    pub fn warn(&mut self, what: impl Into<String>) {
        if self.warnings.len() < KEPT {
            self.warnings.push(what.into());
        }
    }

    /// Takes in the findings of a part.
    pub fn merge(&mut self, other: Self) {
        self.more_losses += other.more_losses;
        for loss in other.losses {
            self.lose(loss.offset, loss.what);
        }
        for warning in other.warnings {
            self.warn(warning);
        }
    }

    /// The losses in one sentence; `None` when there are none.
    pub fn reason(&self) -> Option<String> {
        let mut losses: Vec<_> = self.losses.iter().collect();
        losses.sort_unstable();
        let first = losses.first()?;
        let more = losses.len() as u64 - 1 + self.more_losses;
        Some(match more {
            0 => first.to_string(),
            1 => format!("{first} (and 1 more fault)"),
            more => format!("{first} (and {more} more faults)"),
        })
    }
}
