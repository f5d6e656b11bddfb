//! Whose code owners and contents are, what is known of their growth, and what bounds it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::accounts::Account;
use super::{Finding, OwnerKey, OwnerSeries, StepKind};
use crate::digest::Digest;
use crate::library::{self, Catalog, Cause, Library, PathStep};

/// Classes below this share of a finding's growth are no reason for it.
const REASON: f64 = 0.1;

/// Looks things up in the catalog and in the jars that the dumps tell.
pub struct Whose<'a> {
    catalog: Option<&'a Arc<Catalog>>,
    digests: &'a [Digest],
}

/// What the owners of a library own.
#[derive(Clone, PartialEq, Debug)]
pub struct LibraryRow {
    /// `None` for what belongs to no library that is known.
    pub library: Option<Library>,
    pub series: OwnerSeries,
}

impl<'a> Whose<'a> {
    pub fn new(catalog: Option<&'a Arc<Catalog>>, digests: &'a [Digest]) -> Self {
        Self { catalog, digests }
    }

    /// Whose class it is; by the last dump that tells its jar.
    pub fn library(&self, class: &str) -> Option<Library> {
        let location = self.digests.iter().rev().find_map(|digest| digest.origins.location(class));
        self.catalog?.library_of(class, location)
    }

    /// Why an owner is known to stop growing.
    pub fn bounded(&self, owner: &OwnerKey) -> Option<Arc<str>> {
        let bounded = self.catalog?.bounded(&key(owner))?;
        Some(match &bounded.setting {
            Some(setting) => format!("{} ({setting})", bounded.reason).into(),
            None => bounded.reason.as_str().into(),
        })
    }

    /// True for classes that the user called the application's own.
    pub fn is_own(&self, class: &str) -> bool {
        self.catalog.is_some_and(|catalog| catalog.is_own(class))
    }

    /// Says whose a finding and its contents are, and what is known of such growth.
    pub fn tell(&self, finding: &mut Finding) {
        finding.library = self.library(&finding.owner.class);
        for content in &mut finding.contents {
            content.library = self.library(&content.class);
        }
        finding.known_cause = self.cause(finding).cloned();
    }

    fn cause(&self, finding: &Finding) -> Option<&'a Cause> {
        let grown = |bytes: &[u64]| match bytes {
            [first, .., last] => last.saturating_sub(*first) as f64,
            _ => 0.0,
        };
        let least = REASON * finding.growth_bytes as f64;
        let contents: Vec<&str> = finding
            .contents
            .iter()
            .filter(|content| content.is_top || grown(&content.retained_bytes) >= least)
            .map(|content| content.class.as_str())
            .collect();
        let path: Vec<PathStep<'_>> = finding
            .path
            .iter()
            .map(|step| PathStep {
                class: &step.class,
                // Of a root, the class is that of the object, and the word is what kind it is.
                field: step.field.as_deref().filter(|_| step.kind != StepKind::Root),
            })
            .collect();
        self.catalog?.cause_of(&key(&finding.owner), &contents, &path)
    }

    /// What all owners own, by library; it adds up to what the accounts do. Largest growth first.
    pub fn libraries(
        &self,
        accounts: &[(OwnerKey, &Account)],
        dumps: usize,
        hours: Option<&[f64]>,
    ) -> Vec<LibraryRow> {
        let mut sums = BTreeMap::new();
        for (owner, account) in accounts {
            let library = self.library(&owner.class);
            let name = library.as_ref().map(|found| (found.name.clone(), found.version.clone()));
            let sum = sums.entry(name).or_insert_with(|| (library, Account::new(dumps)));
            sum.1.absorb(account);
        }
        let row = |(library, sum): (Option<Library>, Account)| LibraryRow {
            library,
            series: OwnerSeries::new(&sum, hours),
        };
        let mut rows: Vec<LibraryRow> = sums.into_values().map(row).collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.series.growth_bytes()));
        rows
    }
}

fn key(owner: &OwnerKey) -> library::OwnerKey<'_> {
    library::OwnerKey {
        class: &owner.class,
        field: owner.field.as_deref(),
        kind: owner.kind.word(),
    }
}
