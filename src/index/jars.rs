//! Where classes come from: the jars, directories and modules that their loaders took them from.
//!
//! A class names its protection domain, that its code source, and that a location. Classes of the
//! boot loader have none; the module system knows which module each of their packages is from.
//! What neither tells is not known, and never guessed.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::heap::{Body, Heap};
use super::meaning::Meaning;
use super::store::StoredClass;
use crate::parser::ids::ObjectId;
use crate::parser::names::package_of;

/// More packages than any JVM's own modules have.
const PACKAGES: usize = 1 << 16;

/// Locations of classes.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Jars {
    /// URLs as loaders have them: `file:/app/lib/x-1.0.jar`,
    /// `jar:file:/app.jar!/BOOT-INF/lib/x-1.0.jar!/`, `jrt:/java.base`. In order, none twice.
    pub locations: Vec<String>,
    /// For each class of the index its place in `locations`.
    pub of_class: Vec<Option<u32>>,
}

/// Finds the location of each class; `domains` are their protection domains.
pub fn read(heap: &Heap<'_>, domains: &[ObjectId]) -> Jars {
    let modules = modules_of_packages(heap);
    let mut known: HashMap<ObjectId, Option<String>> = HashMap::new();
    let mut location = |class: &StoredClass, domain: ObjectId| {
        if domain.is_null() {
            let is_module = class.loader.is_null() && !class.name.ends_with("[]");
            return modules.get(package_of(&class.name)).filter(|_| is_module).cloned();
        }
        known.entry(domain).or_insert_with(|| location_of_domain(heap, domain)).clone()
    };
    let classes = heap.classes.all.iter().zip(domains);
    let found: Vec<Option<String>> =
        classes.map(|(class, domain)| location(class, *domain)).collect();
    let mut numbers: BTreeMap<&str, u32> =
        found.iter().flatten().map(|location| (location.as_str(), 0)).collect();
    numbers.values_mut().zip(0..).for_each(|(number, nth)| *number = nth);
    Jars {
        of_class: found.iter().map(|found| numbers.get(found.as_deref()?).copied()).collect(),
        locations: numbers.into_keys().map(str::to_owned).collect(),
    }
}

fn location_of_domain(heap: &Heap<'_>, domain: ObjectId) -> Option<String> {
    let source = heap.follow(heap.object(domain)?, "codesource")?;
    let url = heap.follow(source, "location").and_then(|url| url_text(heap, url));
    url.or_else(|| text(heap, source, "locationNoFragString"))
}

/// A `java.net.URL` without query and fragment, which say nothing about where it is.
fn url_text(heap: &Heap<'_>, url: Body<'_>) -> Option<String> {
    let protocol = text(heap, url, "protocol")?;
    let path = text(heap, url, "path").or_else(|| text(heap, url, "file"))?;
    let host = text(heap, url, "host").filter(|host| !host.is_empty());
    Some(match host {
        Some(host) => format!("{protocol}://{host}{path}"),
        None => format!("{protocol}:{path}"),
    })
}

/// The text of the string in a field.
fn text(heap: &Heap<'_>, body: Body<'_>, field: &str) -> Option<String> {
    match heap.meaning(heap.reference(body, field)?)? {
        Meaning::Text(text) => Some(text),
        _ => None,
    }
}

/// The locations of the modules that the JVM's own loaders take packages from (9 and later).
fn modules_of_packages(heap: &Heap<'_>) -> HashMap<String, String> {
    let loader = heap
        .classes
        .all
        .iter()
        .find(|class| class.name == "jdk.internal.loader.BuiltinClassLoader");
    let map = loader.and_then(|class| {
        class.statics.iter().find(|(name, ..)| name == "packageToModule").map(|(_, _, id)| *id)
    });
    let entries = map.and_then(|map| heap.entries(ObjectId(map), PACKAGES)).unwrap_or_default();
    entries
        .into_iter()
        .filter_map(|entry| {
            let Meaning::Text(package) = heap.meaning(entry.key?)? else { return None };
            Some((package, location_of_module(heap, entry.value)?))
        })
        .collect()
}

/// The location of a `LoadedModule`.
fn location_of_module(heap: &Heap<'_>, module: ObjectId) -> Option<String> {
    let module = heap.object(module)?;
    let url = heap.follow(module, "codeSourceURL").and_then(|url| url_text(heap, url));
    let uri = || text(heap, heap.follow(module, "uri")?, "string");
    // A JVM that starts from an archive fills in the other two when they are asked for.
    let name = || {
        let descriptor = heap.follow(heap.follow(module, "mref")?, "descriptor")?;
        Some(format!("jrt:/{}", text(heap, descriptor, "name")?))
    };
    url.or_else(uri).or_else(name)
}
