//! Whose code it is, and what is known about it: a catalog of libraries, of causes of growth, and of
//! structures that are bounded by a setting.
//!
//! A library is told by the jar that the heap names, or else by the package; [`Basis`] says which.
//! The built-in catalog is `catalog.toml`; `docs/libraries.md` describes the format. Knows names
//! only: no dumps, no digests.

mod catalog;
mod cause;
mod file;
mod jar;
mod pattern;

use serde::Serialize;

pub use catalog::{Additions, Catalog};
pub use cause::{Bounded, Cause, Growth, KINDS, OwnerKey, PathStep};
pub use file::CatalogError;
pub use jar::{Jar, Origin};
pub use pattern::Pattern;

/// The file that is looked for in the current directory.
pub const SETTINGS: &str = "heapdrift.toml";
/// What one's own code is called.
pub const APPLICATION: &str = "application";

/// How a library is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// By the jar or module that the heap names: exact.
    Jar,
    /// By the name of the package: likely, no more.
    Package,
}

/// Whose code a class is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Library {
    pub name: String,
    /// Of the jar, and so of the library only where the jar is the library's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// File name of the jar, name of the module, or the directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jar: Option<String>,
    /// Maven's `group:artifact:version`, where the path of the jar tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coordinates: Option<String>,
    pub basis: Basis,
    /// The library that this is a copy of, under another package.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shaded: Option<String>,
}

impl Library {
    /// Nothing is known of it but its name.
    pub fn told(name: &str, basis: Basis) -> Self {
        Self {
            name: name.to_owned(),
            version: None,
            jar: None,
            coordinates: None,
            basis,
            shaded: None,
        }
    }

    /// Name and version for people: `AWS SDK for Java v1 1.12.668`, `gRPC 1.50.0 (shaded Netty)`.
    pub fn title(&self) -> String {
        let version = self.version.as_ref().map(|version| format!(" {version}"));
        let shaded = self.shaded.as_ref().map(|inner| {
            if *inner == self.name { " (shaded)".to_owned() } else { format!(" (shaded {inner})") }
        });
        format!("{}{}{}", self.name, version.unwrap_or_default(), shaded.unwrap_or_default())
    }
}

/// A library of a catalog.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    pub id: String,
    pub name: String,
    /// Prefixes of class names.
    pub packages: Vec<String>,
    /// Prefixes under which copies of it are known.
    pub shaded: Vec<String>,
    /// Names of its artifacts, without version.
    pub jars: Vec<Pattern>,
    pub url: Option<String>,
}
