//! Catalogs as they are written: TOML, checked entry by entry, with file and line for what is wrong.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::Entry;
use super::cause::{Bounded, Cause, KINDS, Rule};
use super::pattern::Pattern;

/// What is wrong with a catalog.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{}{}: {what}", file.display(), line.map(|line| format!(":{line}")).unwrap_or_default())]
pub struct CatalogError {
    pub file: PathBuf,
    pub line: Option<usize>,
    pub what: String,
}

/// A catalog, or a `heapdrift.toml`.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub app: Vec<String>,
    /// Further catalogs, as paths from where the file is.
    pub catalogs: Vec<PathBuf>,
    pub libraries: Vec<Entry>,
    pub causes: Vec<Cause>,
    pub bounded: Vec<Bounded>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Raw {
    app: Vec<String>,
    catalogs: Vec<PathBuf>,
    library: Vec<RawLibrary>,
    cause: Vec<RawCause>,
    bounded: Vec<RawBounded>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLibrary {
    id: Spanned<String>,
    name: String,
    #[serde(default)]
    packages: Vec<String>,
    #[serde(default)]
    shaded: Vec<String>,
    #[serde(default)]
    jars: Vec<Pattern>,
    url: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCause {
    id: Spanned<String>,
    title: String,
    #[serde(default)]
    owner: Vec<Pattern>,
    #[serde(default)]
    contents: Vec<Pattern>,
    #[serde(default)]
    path: Vec<Pattern>,
    #[serde(default)]
    kind: Vec<Spanned<String>>,
    #[serde(default)]
    with: Vec<Pattern>,
    #[serde(default)]
    present: Vec<Pattern>,
    #[serde(default)]
    general: bool,
    #[serde(default)]
    or: Vec<RawRule>,
    why: String,
    fix: String,
    url: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct RawRule {
    owner: Vec<Pattern>,
    contents: Vec<Pattern>,
    path: Vec<Pattern>,
    kind: Vec<Spanned<String>>,
    with: Vec<Pattern>,
    present: Vec<Pattern>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBounded {
    owner: Spanned<Vec<Pattern>>,
    reason: String,
    setting: Option<String>,
    default: Option<u64>,
}

/// Reads a file of the user.
pub(super) fn read(path: &Path) -> Result<Document, CatalogError> {
    let unreadable = |error: std::io::Error| CatalogError {
        file: path.to_owned(),
        line: None,
        what: format!("cannot be read: {error}"),
    };
    parse(&fs::read_to_string(path).map_err(unreadable)?, path)
}

/// Reads the text of a catalog; `file` is where it is from.
pub(super) fn parse(text: &str, file: &Path) -> Result<Document, CatalogError> {
    let checker = Checker { text, file };
    let raw: Raw = toml::from_str(text).map_err(|error| {
        let at = error.span().map(|span| span.start);
        checker.error(at, error.message().to_owned())
    })?;
    checker.document(raw)
}

struct Checker<'a> {
    text: &'a str,
    file: &'a Path,
}

impl Checker<'_> {
    fn error(&self, at: Option<usize>, what: String) -> CatalogError {
        let line = at.map(|at| {
            let before = &self.text.as_bytes()[..at.min(self.text.len())];
            1 + before.iter().filter(|byte| **byte == b'\n').count()
        });
        CatalogError { file: self.file.to_owned(), line, what }
    }

    /// Fails at a place in the text unless something holds.
    fn ensure<T>(&self, holds: bool, place: &Spanned<T>, what: &str) -> Result<(), CatalogError> {
        if holds { Ok(()) } else { Err(self.error(Some(place.span().start), what.to_owned())) }
    }

    fn document(&self, raw: Raw) -> Result<Document, CatalogError> {
        self.no_two_alike(raw.library.iter().map(|library| &library.id))?;
        self.no_two_alike(raw.cause.iter().map(|cause| &cause.id))?;
        Ok(Document {
            app: raw.app,
            catalogs: raw.catalogs,
            libraries: checked(raw.library, |library| self.library(library))?,
            causes: checked(raw.cause, |cause| self.cause(cause))?,
            bounded: checked(raw.bounded, |bounded| self.bounded(bounded))?,
        })
    }

    fn no_two_alike<'i>(
        &self,
        ids: impl Iterator<Item = &'i Spanned<String>>,
    ) -> Result<(), CatalogError> {
        let mut seen = std::collections::BTreeSet::new();
        for id in ids {
            let text = id.get_ref().as_str();
            self.ensure(!text.is_empty(), id, "the id is empty")?;
            self.ensure(seen.insert(text), id, &format!("the id {text} is there twice"))?;
        }
        Ok(())
    }

    fn library(&self, raw: RawLibrary) -> Result<Entry, CatalogError> {
        let tells = !raw.packages.is_empty() || !raw.shaded.is_empty() || !raw.jars.is_empty();
        self.ensure(tells, &raw.id, "a library needs packages, shaded or jars to be told by")?;
        let are_prefixes = raw.packages.iter().chain(&raw.shaded).all(|text| is_prefix(text));
        self.ensure(are_prefixes, &raw.id, "packages and shaded are prefixes of names, without *")?;
        Ok(Entry {
            id: raw.id.into_inner(),
            name: raw.name,
            packages: raw.packages,
            shaded: raw.shaded,
            jars: raw.jars,
            url: raw.url,
        })
    }

    fn cause(&self, raw: RawCause) -> Result<Cause, CatalogError> {
        // What a cause says of itself is the first of its rules.
        let first = self.rule(RawRule {
            owner: raw.owner,
            contents: raw.contents,
            path: raw.path,
            kind: raw.kind,
            with: raw.with,
            present: raw.present,
        })?;
        let others = checked(raw.or, |rule| self.rule(rule))?;
        let first = Some(first).filter(|rule| !rule.is_empty());
        let rules: Vec<Rule> = first.into_iter().chain(others).collect();
        let says_when = !rules.is_empty() && rules.iter().all(|rule| !rule.is_empty());
        let what = "a cause needs owner, contents, path, kind, with or present to be told by";
        self.ensure(says_when, &raw.id, what)?;
        Ok(Cause {
            id: raw.id.into_inner(),
            title: raw.title,
            why: raw.why,
            fix: raw.fix,
            url: raw.url,
            general: raw.general,
            rules,
        })
    }

    fn rule(&self, raw: RawRule) -> Result<Rule, CatalogError> {
        for kind in &raw.kind {
            let what = format!("{}: kinds are {}", kind.get_ref(), KINDS.join(", "));
            self.ensure(KINDS.contains(&kind.get_ref().as_str()), kind, &what)?;
        }
        Ok(Rule {
            owner: raw.owner,
            contents: raw.contents,
            path: raw.path,
            kind: raw.kind.into_iter().map(Spanned::into_inner).collect(),
            with: raw.with,
            present: raw.present,
        })
    }

    fn bounded(&self, raw: RawBounded) -> Result<Bounded, CatalogError> {
        self.ensure(!raw.owner.get_ref().is_empty(), &raw.owner, "no owner is named")?;
        Ok(Bounded {
            owner: raw.owner.into_inner(),
            reason: raw.reason,
            setting: raw.setting,
            default: raw.default,
        })
    }
}

fn checked<R, T>(
    raw: Vec<R>,
    check: impl Fn(R) -> Result<T, CatalogError>,
) -> Result<Vec<T>, CatalogError> {
    raw.into_iter().map(check).collect()
}

/// True for the beginning of a class name; a dot at its end changes nothing.
fn is_prefix(text: &str) -> bool {
    let prefix = text.trim_end_matches('.');
    !prefix.is_empty() && !prefix.contains(['*', '/', ' '])
}
