//! `info --format json`.

use serde::Serialize;

use super::{Amount, Dump, SCHEMA_VERSION, to_text};
use crate::layout::Parameters;
use crate::report::Subject;

/// `info --format json`, with whatever is known of the threads.
///
/// # Errors
/// None but what the serializer reports.
pub fn info(subject: &Subject<'_>, threads: &[impl Serialize]) -> serde_json::Result<String> {
    #[derive(Serialize)]
    struct Layout<'a> {
        parameters: &'a Parameters,
        compaction: f64,
        agreements: u64,
        observed: u64,
        doubts: &'a [String],
    }
    #[derive(Serialize)]
    struct Report<'a, T> {
        schema_version: u32,
        dump: Dump<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        digest_of: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        redacted: Option<bool>,
        format: &'a str,
        id_size: usize,
        bytes: u64,
        dumps_in_file: usize,
        dump_number: usize,
        #[serde(skip_serializing_if = "Option::is_none")]
        collector: Option<&'a str>,
        layout: Layout<'a>,
        archived_classes: Amount,
        roots: serde_json::Map<String, serde_json::Value>,
        records: serde_json::Map<String, serde_json::Value>,
        threads: &'a [T],
    }
    let facts = subject.facts;
    let map = |pairs: &[(String, u64)]| {
        pairs.iter().map(|(name, count)| (name.clone(), (*count).into())).collect()
    };
    to_text(&Report {
        schema_version: SCHEMA_VERSION,
        dump: Dump::of(subject),
        digest_of: subject.digest.and_then(|digest| digest.source.as_deref()),
        redacted: subject.digest.map(|digest| digest.redacted),
        format: &facts.format,
        id_size: facts.id_size,
        bytes: facts.bytes,
        dumps_in_file: facts.dumps,
        dump_number: facts.chosen,
        collector: facts.collector.as_deref(),
        layout: Layout {
            parameters: &facts.sizes.parameters,
            compaction: facts.sizes.compaction,
            agreements: facts.sizes.agreements,
            observed: facts.sizes.observed,
            doubts: &facts.sizes.doubts,
        },
        archived_classes: Amount {
            instances: facts.archived_mirrors.0,
            shallow_bytes: facts.archived_mirrors.1,
        },
        roots: map(&facts.roots),
        records: map(&facts.records),
        threads,
    })
}
