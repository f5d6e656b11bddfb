//! The catalog: libraries by jar and by name, causes, bounds.

mod causes;
mod lookup;

use std::path::{Path, PathBuf};

use hashbrown::HashMap;

use super::cause::{Bounded, Cause};
use super::file::{self, CatalogError, Document};
use super::{Entry, SETTINGS};

const BUILT_IN: &str = include_str!("../catalog.toml");

/// The catalog: the built-in one and what the user adds to it.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    libraries: Vec<Entry>,
    causes: Vec<Cause>,
    bounded: Vec<Bounded>,
    /// Library by prefix of class names.
    packages: HashMap<String, u32>,
    shaded: HashMap<String, u32>,
    /// Prefixes of the user's own code.
    app: Vec<String>,
}

/// What is added to the built-in catalog.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Additions {
    /// The file of settings, if there is one.
    pub settings: Option<PathBuf>,
    pub catalogs: Vec<PathBuf>,
    /// Prefixes of the user's own classes.
    pub app: Vec<String>,
}

impl Catalog {
    /// The catalog that comes with the program.
    ///
    /// # Errors
    /// None but what a test would have found.
    pub fn built_in() -> Result<Self, CatalogError> {
        let mut catalog = Self::default();
        catalog.add(file::parse(BUILT_IN, Path::new("catalog.toml"))?);
        Ok(catalog)
    }

    /// The built-in catalog with additions. What comes later wins: the settings' catalogs, the
    /// settings themselves, then the catalogs of the command line.
    ///
    /// # Errors
    /// The first file that cannot be read, and where it is wrong.
    pub fn with(additions: &Additions) -> Result<Self, CatalogError> {
        let mut catalog = Self::built_in()?;
        if let Some(path) = &additions.settings {
            let settings = file::read(path)?;
            for further in &settings.catalogs {
                let directory = path.parent().unwrap_or(Path::new(""));
                catalog.add_file(&directory.join(further))?;
            }
            catalog.add(settings);
        }
        for path in &additions.catalogs {
            catalog.add_file(path)?;
        }
        catalog.own(&additions.app);
        Ok(catalog)
    }

    fn add_file(&mut self, path: &Path) -> Result<(), CatalogError> {
        let document = file::read(path)?;
        if !document.catalogs.is_empty() {
            let what = format!("only {SETTINGS} names further catalogs");
            return Err(CatalogError { file: path.to_owned(), line: None, what });
        }
        self.add(document);
        Ok(())
    }

    /// Adds the text of a catalog; `file` is where it is from.
    ///
    /// # Errors
    /// Where the text is wrong.
    pub fn add_text(&mut self, text: &str, file: &Path) -> Result<(), CatalogError> {
        self.add(file::parse(text, file)?);
        Ok(())
    }

    fn add(&mut self, document: Document) {
        for entry in document.libraries {
            self.libraries.retain(|known| known.id != entry.id);
            self.libraries.push(entry);
        }
        for cause in document.causes {
            self.causes.retain(|known| known.id != cause.id);
            self.causes.push(cause);
        }
        self.bounded.splice(0..0, document.bounded);
        self.own(&document.app);
        self.look_up_libraries();
    }

    fn own(&mut self, prefixes: &[String]) {
        self.app.extend(prefixes.iter().map(|prefix| prefix.trim_end_matches('.').to_owned()));
        self.app.retain(|prefix| !prefix.is_empty());
    }

    /// Makes the tables that libraries are looked up in.
    fn look_up_libraries(&mut self) {
        self.packages.clear();
        self.shaded.clear();
        let prefix = |text: &String| text.trim_end_matches('.').to_owned();
        for (entry, nth) in self.libraries.iter().zip(0..) {
            self.packages.extend(entry.packages.iter().map(|text| (prefix(text), nth)));
            self.shaded.extend(entry.shaded.iter().map(|text| (prefix(text), nth)));
        }
    }

    /// The libraries of the catalog.
    pub fn libraries(&self) -> &[Entry] {
        &self.libraries
    }

    /// The causes of the catalog.
    pub fn causes(&self) -> &[Cause] {
        &self.causes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::Basis;

    pub fn catalog() -> Catalog {
        Catalog::built_in().expect("the built-in catalog is well-formed")
    }

    pub fn with(text: &str) -> Catalog {
        let mut catalog = catalog();
        catalog.add_text(text, Path::new("mine.toml")).expect("a catalog");
        catalog
    }

    #[track_caller]
    pub fn named(catalog: &Catalog, class: &str) -> (String, Basis) {
        let library = catalog.library_of(class, None).expect("a library");
        (library.title(), library.basis)
    }

    #[test]
    fn later_catalogs_replace_entries_of_the_same_id() {
        let catalog =
            with("[[library]]\nid = 'netty'\nname = 'Our Netty'\npackages = ['io.netty']");
        assert_eq!(named(&catalog, "io.netty.buffer.ByteBuf").0, "Our Netty");
        assert_eq!(catalog.libraries().iter().filter(|entry| entry.id == "netty").count(), 1);
    }

    #[test]
    fn what_is_wrong_with_a_catalog_is_said_with_its_line() {
        for (text, line, what) in [
            ("[[library]]\nid = 'a'\nname = ", 3, ""),
            ("\n\n[[library]]\nid = 'a'\nname = 'A'\n", 4, "to be told by"),
            ("[[library]]\nid = 'a'\nname = 'A'\npackages = ['a.*']", 2, "without *"),
            ("[[library]]\nid = 'a'\nname = 'A'\npakages = ['a']", 4, "pakages"),
            ("[[library]]\nid = 'a'\nname = 7\npackages = ['a']", 3, "string"),
            ("[[cause]]\nid = 'a'\ntitle = 't'\nwhy = 'w'\nfix = 'f'\n", 2, "to be told by"),
            (
                "[[cause]]\nid = 'a'\ntitle = 't'\nkind = ['static']\nwhy = 'w'\nfix = 'f'\n",
                4,
                "kinds are static-field",
            ),
            ("[[bounded]]\nowner = []\nreason = 'r'", 2, "no owner"),
            (
                "[[library]]\nid = 'a'\nname = 'A'\njars = ['a']\n\
                 [[library]]\nid = 'a'\nname = 'B'\njars = ['b']",
                6,
                "twice",
            ),
        ] {
            let file = Path::new("mine.toml");
            let error = Catalog::default().add_text(text, file).expect_err(text);
            assert_eq!(error.line, Some(line), "{text}: {error}");
            assert!(error.what.contains(what), "{error}");
            assert!(error.to_string().starts_with(&format!("mine.toml:{line}: ")), "{error}");
        }
    }

    #[test]
    fn the_built_in_catalog_has_what_people_run() {
        let catalog = catalog();
        assert!(catalog.libraries().len() > 120 && catalog.causes().len() > 120);
        let mut prefixes = std::collections::BTreeMap::new();
        for entry in catalog.libraries() {
            for prefix in entry.packages.iter().chain(&entry.shaded) {
                let other = prefixes.insert(prefix.clone(), entry.id.clone());
                assert_eq!(other, None, "{prefix} belongs to {}, too", entry.id);
            }
            let url = entry.url.as_deref();
            assert!(url.is_none_or(|url| url.starts_with("https://")), "{}", entry.id);
        }
        for cause in catalog.causes() {
            let texts = [&cause.title, &cause.why, &cause.fix];
            let is_text = |text: &&String| text.len() > 10 && !text.ends_with(' ');
            assert!(texts.iter().all(is_text), "{}", cause.id);
            assert!(cause.why.len() < 320 && cause.fix.len() < 320, "{} is long", cause.id);
        }
    }
}
