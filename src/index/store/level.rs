//! How objects are reachable.

use serde::{Deserialize, Serialize};

/// How an object is reachable (`docs/retained-size.md`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Strong,
    Soft,
    Weak,
    Phantom,
    Unreachable,
}

impl Level {
    /// How many levels there are.
    pub const COUNT: usize = 5;
    /// All of them, in order.
    pub const ALL: [Self; Self::COUNT] =
        [Self::Strong, Self::Soft, Self::Weak, Self::Phantom, Self::Unreachable];

    /// The level of a number; the last one for larger numbers.
    pub fn of(number: usize) -> Self {
        Self::ALL[number.min(Self::COUNT - 1)]
    }

    /// The name for tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Strong => "strong",
            Self::Soft => "soft",
            Self::Weak => "weak",
            Self::Phantom => "phantom/finalizer",
            Self::Unreachable => "unreachable",
        }
    }
}
