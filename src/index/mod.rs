//! What is in a dump: counted and sized in one walk ([`scan`], [`census`]), and as an object graph with
//! retained sizes in an index on disk ([`build`], [`store`]), from which objects are read again
//! ([`heap`], [`meaning`], [`tree`], [`referrers`]).
//!
//! Knows the parser and the layout rules; does not know what the numbers are wanted for.

pub mod array;
pub mod build;
pub mod census;
pub mod facts;
pub mod faults;
pub mod find;
pub mod heap;
pub mod hop;
pub mod integrity;
pub mod jars;
pub mod lengths;
pub mod limits;
pub mod liveness;
pub mod loaders;
pub mod mapped;
pub mod marks;
pub mod meaning;
pub mod open;
pub mod owners;
pub mod referrers;
pub mod sample;
pub mod scan;
pub mod sizer;
pub mod store;
pub mod stream;
pub mod tally;
pub mod tree;
pub mod watch;
