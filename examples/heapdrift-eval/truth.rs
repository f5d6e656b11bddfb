//! What is known of a scenario.

use std::path::Path;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub struct Truth {
    #[serde(alias = "scenario")]
    name: Option<String>,
    pub control: bool,
    #[serde(default)]
    pub leaks: Vec<Leak>,
    #[serde(skip)]
    directory: String,
}

/// A leak. Some sets of scenarios use other words for the same; both are read.
#[derive(Debug, Deserialize)]
pub struct Leak {
    #[serde(alias = "culprit_class")]
    pub class: String,
    /// Several are written with slashes in between: any of them is right.
    #[serde(default)]
    pub field: Option<String>,
    #[serde(default)]
    also_accepted: Vec<Accepted>,
    /// Classes; each field of them and of classes inside of them is right.
    #[serde(default)]
    also_accepted_owners: Vec<String>,
    #[serde(default)]
    growing_classes: Vec<String>,
    library: Option<String>,
    /// Identifiers of the catalog; several are written with slashes in between: any of them is right.
    #[serde(default)]
    cause: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Accepted {
    class: String,
    /// Nothing but the class is asked for when there is none.
    field: Option<String>,
}

impl Truth {
    pub fn read(path: &Path) -> Result<Self, String> {
        let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
        let mut truth: Self = serde_json::from_str(&text).map_err(|error| failed(&error))?;
        let directory = path.parent().and_then(Path::file_name).unwrap_or_default();
        truth.directory = directory.to_string_lossy().into_owned();
        Ok(truth)
    }

    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.directory)
    }
}

impl Leak {
    /// `Class.field`.
    pub fn owner(&self) -> String {
        match &self.field {
            Some(field) => format!("{}.{field}", self.class),
            None => self.class.clone(),
        }
    }

    /// True for the owner, or one that is accepted in its place.
    pub fn is_owner(&self, class: &str, field: Option<&str>) -> bool {
        let is_field = |wanted: &Option<String>| match wanted {
            Some(wanted) => field.is_some_and(|field| wanted.split('/').any(|one| one == field)),
            None => true,
        };
        (self.class == class && is_field(&self.field))
            || self.also_accepted.iter().any(|one| one.class == class && is_field(&one.field))
            || self.is_inside_accepted(class)
    }

    fn is_inside_accepted(&self, class: &str) -> bool {
        let is_inside = |one: &String| {
            class
                .strip_prefix(one.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('$'))
        };
        self.also_accepted_owners.iter().any(is_inside)
    }

    /// True for the library that the leak belongs to, or one of its modules; `None` when the truth
    /// does not tell.
    pub fn is_library(&self, name: &str) -> Option<bool> {
        // "Apache Spark SQL" is right for "Apache Spark 3.5.5 (…)".
        let family: Vec<&str> = name.split(' ').take(2).collect();
        self.library.as_ref().map(|library| library.starts_with(&family.join(" ")))
    }

    /// True for the known cause of the leak; `None` when the truth does not tell.
    pub fn is_cause(&self, id: Option<&str>) -> Option<bool> {
        let cause = self.cause.as_ref()?;
        Some(id.is_some_and(|id| cause.split('/').any(|one| one == id)))
    }

    /// True for the class of the owner.
    pub fn is_class(&self, class: &str) -> bool {
        self.class == class
            || self.also_accepted.iter().any(|one| one.class == class)
            || self.is_inside_accepted(class)
    }

    /// True for a class that the truth says grows, and for that of the owner. Lengths of arrays
    /// are passed over.
    pub fn grows(&self, class: &str) -> bool {
        let without_length = |name: &str| -> String {
            let mut inside = false;
            let keep = |c: &char| {
                inside = (inside || *c == '[') && *c != ']';
                !inside || *c == '['
            };
            name.chars().filter(keep).collect()
        };
        self.class == class || self.growing_classes.iter().any(|one| without_length(one) == class)
    }
}
