//! One pass over a dump: what is in it, counted and sized.
//!
//! Knows the parser and the layout rules; does not know what the counts are wanted for.

pub mod array;
pub mod build;
pub mod census;
pub mod facts;
pub mod faults;
pub mod find;
pub mod heap;
pub mod integrity;
pub mod lengths;
pub mod liveness;
pub mod loaders;
pub mod mapped;
pub mod meaning;
pub mod open;
pub mod referrers;
pub mod sample;
pub mod scan;
pub mod sizer;
pub mod store;
pub mod stream;
pub mod tally;
pub mod tree;
pub mod watch;
