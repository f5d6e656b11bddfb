//! Causes of growth and bounds, and when they apply.

use serde::Serialize;

use super::pattern::Pattern;

/// Kinds of owners, as in the JSON output.
pub const KINDS: [&str; 10] = [
    "static-field",
    "instance-field",
    "thread-local",
    "thread-stack",
    "thread",
    "class-loader",
    "jni-global",
    "root",
    "off-heap",
    "class-group",
];

/// What is known to make something grow.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Cause {
    pub id: String,
    pub title: String,
    pub why: String,
    pub fix: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// True for a pattern that any program may have: it counts where nothing more exact applies.
    #[serde(skip)]
    pub(super) general: bool,
    #[serde(skip)]
    pub(super) rules: Vec<Rule>,
}

/// When a cause applies: what is not empty must match, by one of its patterns.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Rule {
    pub owner: Vec<Pattern>,
    pub contents: Vec<Pattern>,
    /// Contents that there must be, too, however little they are.
    pub with: Vec<Pattern>,
    pub path: Vec<Pattern>,
    pub kind: Vec<String>,
    /// Classes of which the heap must have instances, wherever they are.
    pub present: Vec<Pattern>,
}

/// What is known of growth, for causes to apply to.
#[derive(Clone, Copy, Debug)]
pub struct Growth<'a> {
    pub owner: OwnerKey<'a>,
    /// The classes that grow below the owner, most first: those that make up the growth, as each
    /// of them is taken for a reason.
    pub contents: &'a [&'a str],
    /// From a root to what grows, collections included.
    pub path: &'a [PathStep<'a>],
    /// The classes that the heap has instances of.
    pub present: &'a [&'a str],
}

/// A structure that a setting keeps from growing beyond a number of entries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bounded {
    pub(super) owner: Vec<Pattern>,
    pub reason: String,
    /// Name of the setting.
    pub setting: Option<String>,
    /// What holds where nothing is set.
    pub default: Option<u64>,
}

/// Who holds something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OwnerKey<'a> {
    /// In source form.
    pub class: &'a str,
    pub field: Option<&'a str>,
    /// One of [`KINDS`].
    pub kind: &'a str,
}

/// A step on the way from a root to what grows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PathStep<'a> {
    pub class: &'a str,
    pub field: Option<&'a str>,
}

/// `Class.field`, or the class alone.
pub(super) fn label(class: &str, field: Option<&str>) -> String {
    field.map_or_else(|| class.to_owned(), |field| format!("{class}.{field}"))
}

/// What decides between causes that apply, in this order: whether the owner was named and how
/// exactly; then, whether a step of the path was; then which of the contents, those that grow most
/// first; then what is to be among them besides; then the kind; then what the heap has.
pub(super) type Precedence = (usize, usize, usize, usize, usize, usize);

impl Rule {
    pub fn is_empty(&self) -> bool {
        self.owner.is_empty()
            && self.contents.is_empty()
            && self.with.is_empty()
            && self.path.is_empty()
            && self.kind.is_empty()
            && self.present.is_empty()
    }

    pub fn applies(
        &self,
        owner: &str,
        kind: &str,
        contents: &[&str],
        path: &[String],
        present: &[&str],
    ) -> Option<Precedence> {
        let of_kind = self.kind.iter().any(|known| known == kind);
        Some((
            weight(&self.owner, [owner])?,
            weight(&self.path, path.iter().map(String::as_str))?,
            weight_of_contents(&self.contents, contents)?,
            weight(&self.with, contents.iter().copied())?,
            if self.kind.is_empty() { 0 } else { of_kind.then_some(1)? },
            weight(&self.present, present.iter().copied())?,
        ))
    }
}

/// The same of what makes up the growth, most first: what holds the others has grown more than
/// they, so that it counts more than any pattern says.
fn weight_of_contents(patterns: &[Pattern], contents: &[&str]) -> Option<usize> {
    const LONGEST_NAME: usize = 1 << 16;
    let ranks = (1..=contents.len()).rev();
    let of = |(rank, name): (usize, &&str)| Some(rank * LONGEST_NAME + weight(patterns, [*name])?);
    match patterns.is_empty() {
        true => Some(0),
        false => ranks.zip(contents).filter_map(of).max(),
    }
}

/// The most that a pattern says of those that match one of the names; 0 where there is no pattern.
fn weight<'n>(patterns: &[Pattern], names: impl IntoIterator<Item = &'n str>) -> Option<usize> {
    if patterns.is_empty() {
        return Some(0);
    }
    let of_name = |name| patterns.iter().filter(move |pattern| pattern.matches(name));
    names.into_iter().flat_map(of_name).map(|pattern| 1 + pattern.weight()).max()
}
