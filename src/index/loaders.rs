//! Names class loaders by what stays the same from run to run.

use hashbrown::{HashMap, HashSet};

use super::scan::Scan;
use super::watch::SpecialKind;
use crate::parser::classes::ClassTable;
use crate::parser::ids::ObjectId;
use crate::parser::names;

/// The classes of the class loaders that the walk met knowing that they are such.
pub fn classes_of(scan: &Scan) -> HashMap<ObjectId, ObjectId> {
    scan.tally
        .specials
        .iter()
        .filter(|special| special.kind == SpecialKind::Loader)
        .map(|special| (special.id, special.class))
        .collect()
}

/// Labels of class loaders.
pub struct Loaders {
    labels: HashMap<ObjectId, (String, u32)>,
}

impl Loaders {
    /// Labels the loaders of all classes.
    pub fn new(scan: &Scan, classes: &ClassTable) -> Self {
        let class_of = classes_of(scan);
        // Loaders in the order in which they loaded their first class.
        let mut first_serial: HashMap<ObjectId, u32> = HashMap::new();
        for (serial, class) in &scan.tables.class_of_serial {
            if let Some(class) = classes.index_of(*class) {
                let first = first_serial.entry(classes.get(class).loader).or_insert(u32::MAX);
                *first = (*first).min(*serial);
            }
        }
        let mut loaders: Vec<ObjectId> = classes
            .classes
            .iter()
            .map(|class| class.loader)
            .collect::<HashSet<_>>()
            .into_iter()
            .collect();
        loaders.sort_unstable_by_key(|loader| (first_serial.get(loader).copied(), *loader));
        let mut members: HashMap<String, u32> = HashMap::new();
        let mut labels = HashMap::new();
        for loader in loaders {
            let label = match class_of.get(&loader).and_then(|class| classes.index_of(*class)) {
                _ if loader.is_null() => "boot".to_owned(),
                None => "unknown loader".to_owned(),
                Some(class) => match classes.get(class).name.as_str() {
                    "jdk/internal/loader/ClassLoaders$AppClassLoader"
                    | "sun/misc/Launcher$AppClassLoader" => "app".to_owned(),
                    "jdk/internal/loader/ClassLoaders$PlatformClassLoader"
                    | "sun/misc/Launcher$ExtClassLoader" => "platform".to_owned(),
                    _ => names::source_name(&classes.get(class).jmap_name()),
                },
            };
            let number = members.entry(label.clone()).or_default();
            *number += 1;
            labels.insert(loader, (label, *number));
        }
        for (label, number) in labels.values_mut() {
            if members[label] == 1 {
                *number = 0;
            }
        }
        Self { labels }
    }

    /// The label of a loader and its number among loaders of that label.
    pub fn label(&self, loader: ObjectId) -> (String, u32) {
        self.labels.get(&loader).cloned().unwrap_or_else(|| ("boot".to_owned(), 0))
    }
}
