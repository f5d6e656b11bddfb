//! Whose code owners and contents are, what is known of their growth, and what bounds it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::accounts::Account;
use super::label::{is_lambda, is_transparent};
use super::{Finding, OwnerKey, OwnerKind, OwnerSeries, StepKind};
use crate::digest::Digest;
use crate::library::{self, APPLICATION, Basis, Catalog, Cause, Growth, Library, PathStep};

/// Classes below this share of a finding's growth are no reason for it.
const REASON: f64 = 0.1;
/// What class objects are called in the catalog.
const CLASS: &str = "java.lang.Class";

/// Looks things up in the catalog and in the jars that the dumps tell.
pub struct Whose<'a> {
    catalog: Option<&'a Arc<Catalog>>,
    digests: &'a [Digest],
    /// The classes that the last dump has instances of.
    present: Vec<&'a str>,
    /// Start of the names of the application's classes, if its main class is no library's.
    package: Option<String>,
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
        let rows = digests.last().map(|digest| &digest.classes.rows);
        let rows = rows.into_iter().flatten();
        let present = rows.filter(|(_, amount)| amount.instances > 0);
        let present = present.map(|(class, _)| class.name.as_ref()).collect();
        let main = digests.last().and_then(|digest| digest.facts.main_class.as_deref());
        let is_library = |main: &&str| {
            let library = catalog.and_then(|catalog| catalog.library_of(main, None));
            library.is_some_and(|library| library.name != APPLICATION)
        };
        let package = main.filter(|main| !is_library(main)).and_then(package);
        Self { catalog, digests, present, package }
    }

    /// Whose class it is; by the last dump that tells its jar. Where none does and no catalog knows
    /// it, what has the package of the main class is the application's: class loaders of a program's
    /// own seldom tell where their classes come from.
    pub fn library(&self, class: &str) -> Option<Library> {
        let location = self.digests.iter().rev().find_map(|digest| digest.origins.location(class));
        let is_own = || self.package.as_ref().is_some_and(|package| class.starts_with(package));
        let own = || is_own().then(|| Library::told(APPLICATION, Basis::Package));
        self.catalog?.library_of(class, location).or_else(own)
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
        finding.library = match finding.owner.kind {
            OwnerKind::Thread => self.library_of_threads(finding),
            _ => self.library(&finding.owner.class),
        };
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
            .map(|content| if content.is_class { CLASS } else { content.class.as_str() })
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
        // Where a field leads to a collection, the collection tells as much.
        let reached = finding.path.iter().filter(|step| step.reached != step.class);
        let path: Vec<PathStep<'_>> = path
            .into_iter()
            .chain(reached.map(|step| PathStep { class: &step.reached, field: None }))
            .collect();
        self.catalog?.cause_of(&Growth {
            owner: key(&finding.owner),
            contents: &contents,
            path: &path,
            present: &self.present,
        })
    }

    /// Whose threads these are. Most are plain threads of the JDK: then the first that is not the
    /// JDK's on the way to what they hold tells, or what they hold.
    fn library_of_threads(&self, finding: &Finding) -> Option<Library> {
        let classes = finding.path.iter().map(|step| &step.class);
        let contents = finding.contents.iter().map(|content| &content.class);
        // A lambda has no name of its own, but a package.
        let tells = |class: &&String| is_lambda(class) || !is_transparent(class);
        let telling = classes.chain(contents).find(tells);
        self.library(telling.unwrap_or(&finding.owner.class))
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

/// The package of a class, its first two parts, with a dot behind; `None` where it has none.
pub fn package(class: &str) -> Option<String> {
    let mut parts: Vec<&str> = class.split('.').collect();
    parts.pop();
    parts.truncate(2);
    (!parts.is_empty()).then(|| parts.join(".") + ".")
}

fn key(owner: &OwnerKey) -> library::OwnerKey<'_> {
    library::OwnerKey {
        class: &owner.class,
        field: owner.field.as_deref(),
        kind: owner.kind.word(),
    }
}
