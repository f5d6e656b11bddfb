//! Digests made up by hand.

use heapdrift::digest::origins::Origins;
use heapdrift::digest::{Amount, Digest, Kind, Rows};
use heapdrift::index::census::{DumpFacts, Grade, SizeFacts};
use heapdrift::index::facts::Writer;
use heapdrift::index::integrity::Integrity;
use heapdrift::layout::{Era, Parameters};

fn facts(time_ms: u64) -> DumpFacts {
    DumpFacts {
        time_ms,
        format: "1.0.2".to_owned(),
        id_size: 8,
        bytes: 0,
        dumps: 1,
        chosen: 1,
        writer: Writer::HotSpot,
        jvm: None,
        main_class: None,
        process: Some("5a17".to_owned()),
        collector: None,
        live: None,
        heap: None,
        sizes: SizeFacts {
            grade: Grade::Exact,
            reason: String::new(),
            parameters: Parameters {
                header: 12,
                reference: 4,
                alignment: 8,
                era: Era::From15,
                is_32_bit: false,
                padding: 128,
            },
            compaction: 1.0,
            agreements: 0,
            observed: 0,
            doubts: Vec::new(),
        },
        archived_mirrors: (0, 0),
        roots: Vec::new(),
        records: Vec::new(),
        integrity: Integrity::default(),
    }
}

/// A digest of nothing.
pub fn empty(time_ms: u64) -> Digest {
    Digest {
        path: format!("{time_ms}.hprof"),
        kind: Kind::Dump,
        source: None,
        redacted: false,
        facts: facts(time_ms),
        classes: Rows::default(),
        arrays: Rows::default(),
        folded_from: None,
        packages: Rows::default(),
        loaders: Rows::default(),
        total: Amount::default(),
        threads: Vec::new(),
        more_threads: 0,
        origins: Origins::default(),
        held: None,
        owners: None,
    }
}
