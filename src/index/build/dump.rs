//! The mapped dump, and walks over all of its parts in parallel, which give the same result in any
//! order.

use rayon::prelude::*;

use crate::index::mapped;
use crate::index::scan::{Part, Progress};
use crate::index::tally::Sink;
use crate::parser::header::IdSize;
use crate::source::map::{Expected, advise};

/// The mapped dump and where its heap records are.
pub struct Dump<'d> {
    pub bytes: &'d [u8],
    pub parts: &'d [Part],
    pub id_size: IdSize,
    pub progress: &'d dyn Progress,
}

impl Dump<'_> {
    /// Walks all parts; gives what `finish` makes of the parts' sinks, in order of the parts.
    pub(super) fn walk<S: Sink, R: Send>(
        &self,
        sink: impl Fn() -> S + Sync,
        finish: impl Fn(S) -> R + Sync,
    ) -> Vec<R> {
        self.parts
            .par_iter()
            .enumerate()
            .with_max_len(1)
            .map(|(nth, part)| {
                let next = self.parts.get(nth + 1);
                let bytes = |next: &Part| self.bytes.get(next.start as usize..next.end as usize);
                if let Some(bytes) = next.and_then(bytes) {
                    advise(bytes, Expected::Soon);
                }
                let mut sink = sink();
                mapped::revisit(self.bytes, *part, self.id_size, &mut sink);
                self.progress.advance(part.end - part.start);
                finish(sink)
            })
            .collect()
    }
}
