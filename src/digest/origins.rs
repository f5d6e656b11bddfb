//! Where the classes of a heap come from, by names that are stable from dump to dump.

use std::collections::BTreeMap;

use super::columns::{Reader, Writer, number_bytes, text_bytes};
use crate::index::jars::Jars;
use crate::index::store::StoredClass;
use crate::parser::names::{package_of, stable_name};

/// Locations of classes. A package mostly comes from one jar: that one is kept for the package, and
/// only classes that come from elsewhere are listed by themselves.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Origins {
    /// As [`Jars::locations`]; the file's name alone when redacted.
    locations: Vec<String>,
    packages: BTreeMap<String, u32>,
    /// `None` for a class of such a package whose location is not known.
    classes: BTreeMap<String, Option<u32>>,
}

impl Origins {
    /// Takes the locations of the classes of an index.
    pub fn of(classes: &[StoredClass], jars: &Jars) -> Self {
        let mut by_class: BTreeMap<String, Option<u32>> = BTreeMap::new();
        for (class, jar) in classes.iter().zip(&jars.of_class) {
            let is_array = class.name.ends_with("[]");
            if !is_array {
                let name = stable_name(&class.name);
                let known = by_class.entry(name).or_insert(*jar);
                *known = same(&jars.locations, *known, *jar);
            }
        }
        let mut counts: BTreeMap<&str, BTreeMap<u32, u64>> = BTreeMap::new();
        for (name, jar) in &by_class {
            if let Some(jar) = jar {
                *counts.entry(package_of(name)).or_default().entry(*jar).or_default() += 1;
            }
        }
        let most = |jars: &BTreeMap<u32, u64>| {
            jars.iter().max_by_key(|(jar, count)| (**count, std::cmp::Reverse(**jar))).map(|m| *m.0)
        };
        let packages: BTreeMap<String, u32> = counts
            .iter()
            .filter_map(|(package, jars)| Some(((*package).to_owned(), most(jars)?)))
            .collect();
        let differs = |name: &String, jar: &mut Option<u32>| {
            packages.get(package_of(name)).is_some_and(|usual| *jar != Some(*usual))
        };
        let mut classes = by_class;
        classes.retain(differs);
        Self { locations: jars.locations.clone(), packages, classes }
    }

    /// Where a class comes from, in source form; `None` where the heap does not tell, or tells of
    /// several jars.
    pub fn location(&self, class: &str) -> Option<&str> {
        let class = class.split("[]").next().unwrap_or(class);
        let number = match self.classes.get(class) {
            Some(exception) => *exception,
            None => self.packages.get(package_of(class)).copied(),
        };
        self.locations.get(number? as usize).map(String::as_str)
    }

    /// Keeps file names only: directories may tell of users and hosts.
    pub(super) fn redact(&mut self) {
        for location in &mut self.locations {
            if !location.starts_with("jrt:") {
                *location = file_name(location).to_owned();
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.packages.is_empty()
    }

    /// Bytes that [`Origins::write`] takes, about.
    pub(super) fn bytes(&self) -> u64 {
        let names = self.packages.keys().chain(self.classes.keys());
        let rows = names.map(|name| text_bytes(name) + 1 + number_bytes(u64::from(u32::MAX)));
        self.locations.iter().map(|text| text_bytes(text)).chain(rows).sum()
    }

    /// The tables of locations and of what comes from them.
    pub(super) fn write(&self) -> (Vec<u8>, Vec<u8>) {
        let mut locations = Writer::new(self.locations.len());
        locations.texts("location", self.locations.iter().map(String::as_str));
        let packages = self.packages.iter().map(|(name, jar)| (name, 0, Some(*jar)));
        let classes = self.classes.iter().map(|(name, jar)| (name, 1, *jar));
        let rows: Vec<_> = packages.chain(classes).collect();
        let mut origins = Writer::new(rows.len());
        origins.texts("name", rows.iter().map(|(name, ..)| name.as_str()));
        origins.numbers("is_class", rows.iter().map(|(_, is_class, _)| *is_class));
        // One more than the place of the location, so that zero can stand for what is not known.
        let coded = |jar: Option<u32>| jar.map_or(0, |jar| u64::from(jar) + 1);
        origins.numbers("location", rows.iter().map(|(.., jar)| coded(*jar)));
        (locations.finish(), origins.finish())
    }

    /// Reads what [`Origins::write`] wrote.
    ///
    /// # Errors
    /// What is wrong with the columns, in words.
    pub(super) fn read(locations: &Reader<'_>, origins: &Reader<'_>) -> Result<Self, String> {
        let texts = locations.texts("location")?.into_iter().map(str::to_owned).collect();
        let mut found = Self { locations: texts, ..Self::default() };
        let names = origins.texts("name")?.into_iter();
        let columns = names.zip(origins.numbers("is_class")?).zip(origins.numbers("location")?);
        for ((name, is_class), coded) in columns {
            let jar = coded.checked_sub(1).map(|jar| {
                let is_there = jar < found.locations.len() as u64;
                let told = u32::try_from(jar).ok().filter(|_| is_there);
                told.ok_or_else(|| format!("there is no location {jar}"))
            });
            let jar = jar.transpose()?;
            match (is_class, jar) {
                (0, Some(jar)) => _ = found.packages.insert(name.to_owned(), jar),
                (0, None) => return Err(format!("the package {name} has no location")),
                _ => _ = found.classes.insert(name.to_owned(), jar),
            }
        }
        Ok(found)
    }
}

/// One location for classes of one name: that of both, when they agree on the file. After a
/// redeployment a jar may lie in another directory.
fn same(locations: &[String], known: Option<u32>, other: Option<u32>) -> Option<u32> {
    let name = |nth: u32| locations.get(nth as usize).map(|location| file_name(location));
    let (known, other) = (known?, other?);
    (name(known) == name(other)).then_some(known.min(other))
}

/// The last part of a location: the jar's name, also of a jar in a jar.
fn file_name(location: &str) -> &str {
    let path = location.trim_end_matches(['!', '/']);
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}
