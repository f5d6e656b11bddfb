//! Renders plain report values: each format is one file or folder, none computes what another one lacks.

pub mod csv;
pub mod diff_text;
pub mod histo;
pub mod info;
pub mod json;
pub mod next;
pub mod owners_text;
pub mod rate;
pub mod show;
pub mod text;
pub mod why;

use crate::digest::{Amount, Digest, Kind};
use crate::index::census::{Census, DumpFacts};

/// What a report on one dump, or on its digest, is about.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// As the user gave it.
    pub path: &'a str,
    pub facts: &'a DumpFacts,
    pub total: Amount,
    /// Rows of classes.
    pub classes: u64,
    /// `None` for a dump.
    pub digest: Option<&'a Digest>,
}

impl<'a> Subject<'a> {
    /// A dump.
    pub fn dump(path: &'a str, census: &'a Census) -> Self {
        let total = Amount::new(census.instances, census.shallow_bytes);
        let classes = census.classes.len() as u64;
        Self { path, facts: &census.facts, total, classes, digest: None }
    }

    /// A digest.
    pub fn digest(digest: &'a Digest) -> Self {
        let folded = digest.classes.other.map_or(0, |other| other.rows);
        Self {
            path: &digest.path,
            facts: &digest.facts,
            total: digest.total,
            classes: digest.classes.rows.len() as u64 + folded,
            digest: Some(digest),
        }
    }

    /// Dump or digest.
    pub fn kind(&self) -> Kind {
        self.digest.map_or(Kind::Dump, |digest| digest.kind)
    }
}
