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
    /// Spare bytes at the ends of segments.
    pub slack: Slack,
}

/// Spare zero bytes at the ends of segments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slack {
    segments: u64,
    bytes: u64,
    first: u64,
}

impl Slack {
    /// Notes `bytes` spare bytes at `offset`.
    pub fn note(&mut self, offset: u64, bytes: u64) {
        self.merge(Self { segments: 1, bytes, first: offset });
    }

    fn merge(&mut self, other: Self) {
        self.first = match (self.segments, other.segments) {
            (0, _) => other.first,
            (_, 0) => self.first,
            _ => self.first.min(other.first),
        };
        self.segments += other.segments;
        self.bytes += other.bytes;
    }
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

    /// Notes that data was lost at `offset`. Of many losses the ones at the lowest offsets are kept,
    /// in whatever order they are noted.
    pub fn lose(&mut self, offset: u64, what: impl Into<String>) {
        let finding = Finding { offset, what: what.into() };
        let at = self.losses.partition_point(|kept| *kept <= finding);
        if at < KEPT {
            self.losses.insert(at, finding);
        }
        if at >= KEPT || self.losses.len() > KEPT {
            self.losses.truncate(KEPT);
            self.more_losses += 1;
        }
    }

    /// Notes something odd.
    pub fn warn(&mut self, what: impl Into<String>) {
        if self.warnings.len() < KEPT {
            self.warnings.push(what.into());
        }
    }

    /// Turns what was counted into warnings, at the end of a walk.
    pub fn finish(&mut self) {
        let Slack { segments, bytes, first } = self.slack;
        if segments > 0 {
            self.warn(format!(
                "{bytes} slack bytes at the end of {segments} segments, the first at byte {first}"
            ));
        }
    }

    /// Takes in the findings of a part.
    pub fn merge(&mut self, other: Self) {
        self.more_losses += other.more_losses;
        self.slack.merge(other.slack);
        for loss in other.losses {
            self.lose(loss.offset, loss.what);
        }
        for warning in other.warnings {
            self.warn(warning);
        }
    }

    /// The losses in one sentence; `None` when there are none.
    pub fn reason(&self) -> Option<String> {
        let first = self.losses.first()?;
        let more = self.losses.len() as u64 - 1 + self.more_losses;
        Some(match more {
            0 => first.to_string(),
            1 => format!("{first} (and 1 more fault)"),
            more => format!("{first} (and {more} more faults)"),
        })
    }
}
