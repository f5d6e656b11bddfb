//! What `show` shows, as plain values; they are the JSON output, too. Field names are a contract.

pub mod owners;
mod text;

use serde::Serialize;

use super::json::{Dump, SCHEMA_VERSION, to_text};
use crate::digest::{Amount, Kind};
use crate::index::census::Census;
use crate::index::facts::Thread;
use crate::index::heap::{Body, Classes, Heap, Value};
use crate::index::meaning::{Meaning, primitive};
use crate::index::referrers::{Link, Step, Strength, Trace};
use crate::index::store::{Family, Form, HeapIndex, Level, StoredRoot, StoredSet};
use crate::index::tree::Group;
use crate::parser::ids::ObjectId;
use crate::parser::tags::{FieldType, sub};

pub use text::render;

/// Threads in the overview.
const THREADS: usize = 10;
/// Dominators of an object that are named.
const DOMINATORS: usize = 16;

/// What is asked for.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum View {
    Overview(Overview),
    Class(ClassView),
    Owners(OwnersView),
    Object(Box<ObjectView>),
}

/// The owner tree.
#[derive(Debug, Serialize)]
pub struct OwnersView {
    pub owners: Vec<owners::OwnerNodeRow>,
    /// Nodes altogether.
    pub nodes: usize,
    /// Bytes in the heap and outside of it.
    pub total_bytes: u64,
}

/// Objects of one level.
#[derive(Debug, Serialize)]
pub struct LevelRow {
    pub level: Level,
    pub objects: u64,
    pub shallow_bytes: u64,
}

/// An object.
#[derive(Clone, Debug, Serialize)]
pub struct ObjectRow {
    pub id: String,
    pub class: String,
    /// Length of an array.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<u32>,
    /// The class that a class object stands for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    pub level: Level,
    pub shallow_bytes: u64,
    pub retained_bytes: u64,
    pub retained_objects: u64,
}

impl ObjectRow {
    /// The row of an object.
    pub fn new(index: &HeapIndex, classes: &Classes, object: u64) -> Self {
        let id = index.id(object);
        let form = index.kind(object).map(|(_, kind)| kind.form);
        let is_array = matches!(form, Some(Form::ObjectArray | Form::PrimitiveArray(_)));
        let of = if form == Some(Form::Mirror) { classes.by_id(id) } else { None };
        let retained = index.retained(object);
        Self {
            id: hex(id),
            class: index.class_name(object),
            length: if is_array { index.slot(object) } else { None },
            of: of.map(|class| class.name.clone()),
            level: index.level(object),
            shallow_bytes: index.shallow(object),
            retained_bytes: retained.bytes,
            retained_objects: retained.objects,
        }
    }

    /// The class as it is shown: `byte[16]`, `class java.lang.String`.
    pub fn name(&self) -> String {
        match (&self.of, self.length) {
            (Some(of), _) => format!("class {of}"),
            (_, Some(length)) => match self.class.split_once("[]") {
                Some((element, more)) => format!("{element}[{length}]{more}"),
                None => format!("{}[{length}]", self.class),
            },
            _ => self.class.clone(),
        }
    }
}

/// What the objects of a class retain.
#[derive(Debug, Serialize)]
pub struct ClassRow {
    pub name: String,
    pub loader: String,
    pub instances: u64,
    pub retained_bytes: u64,
    /// True when they may retain more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub retained_is_lower_bound: bool,
}

/// What a kind of GC roots or a thread retains.
#[derive(Debug, Serialize)]
pub struct HolderRow {
    /// The kind, or the name of the thread.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The thread object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Objects that its root records name.
    pub objects: u64,
    pub retained_bytes: u64,
    /// True when it may retain more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub retained_is_lower_bound: bool,
}

/// Objects of a class that another object or group dominates immediately.
#[derive(Debug, Serialize)]
pub struct TreeRow {
    /// `(other)` for what is not shown by class.
    pub class: String,
    pub instances: u64,
    /// The object, where it is only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectRow>,
    pub shallow_bytes: u64,
    pub retained_bytes: u64,
    pub retained_objects: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<TreeRow>,
}

impl TreeRow {
    fn of(index: &HeapIndex, classes: &Classes, names: &[&str], group: &Group) -> Self {
        let name = names.get(group.kind as usize).copied().unwrap_or("unknown class");
        Self {
            class: name.to_owned(),
            instances: group.objects,
            object: (group.objects == 1).then(|| ObjectRow::new(index, classes, group.only)),
            shallow_bytes: group.shallow_bytes,
            retained_bytes: group.retained.bytes,
            retained_objects: group.retained.objects,
            children: Self::children(index, classes, names, group),
        }
    }

    // As deep as the tree that was asked for on the command line.
    fn children(
        index: &HeapIndex,
        classes: &Classes,
        names: &[&str],
        group: &Group,
    ) -> Vec<TreeRow> {
        let mut rows: Vec<TreeRow> =
            group.children.iter().map(|child| Self::of(index, classes, names, child)).collect();
        let (groups, objects, retained) = group.other;
        if groups > 0 {
            rows.push(Self {
                class: "(other)".to_owned(),
                instances: objects,
                object: None,
                shallow_bytes: 0,
                retained_bytes: retained.bytes,
                retained_objects: retained.objects,
                children: Vec::new(),
            });
        }
        rows
    }
}

/// The dump as a whole.
#[derive(Debug, Serialize)]
pub struct Overview {
    pub levels: Vec<LevelRow>,
    pub objects: Vec<ObjectRow>,
    pub classes: Vec<ClassRow>,
    /// By kind.
    pub gc_roots: Vec<HolderRow>,
    /// Those that retain most.
    pub threads: Vec<HolderRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tree: Option<Vec<TreeRow>>,
}

impl Overview {
    /// Levels and the `top` largest objects.
    pub fn new(index: &HeapIndex, classes: &Classes, top: usize) -> Self {
        let row = |object: &u64| ObjectRow::new(index, classes, *object);
        let levels = Level::ALL.into_iter().zip(index.totals()).map(|(level, total)| LevelRow {
            level,
            objects: total.objects,
            shallow_bytes: total.bytes,
        });
        Self {
            levels: levels.collect(),
            objects: index.largest().iter().take(top).map(row).collect(),
            classes: Vec::new(),
            gc_roots: Vec::new(),
            threads: Vec::new(),
            tree: None,
        }
    }

    /// Adds the dominator tree.
    pub fn add_tree(&mut self, index: &HeapIndex, classes: &Classes, root: &Group) {
        let names: Vec<&str> = index.kinds().map(|(_, name, _)| name).collect();
        self.tree = Some(TreeRow::children(index, classes, &names, root));
    }

    /// Adds the `top` classes that retain most, the kinds of GC roots, and the threads that retain most.
    pub fn add_sets(&mut self, mut sets: Vec<StoredSet>, top: usize) {
        sets.sort_by(|a, b| {
            let order = b.retained_bytes.cmp(&a.retained_bytes);
            order.then_with(|| (&a.name, &a.loader, a.id).cmp(&(&b.name, &b.loader, b.id)))
        });
        let of = |family| sets.iter().filter(move |set| set.family == family).cloned();
        let holder = |set: StoredSet| HolderRow {
            name: set.name,
            id: set.id.map(hex),
            objects: set.instances,
            retained_bytes: set.retained_bytes,
            retained_is_lower_bound: !set.exact,
        };
        self.gc_roots = of(Family::Root).map(holder).collect();
        self.threads = of(Family::Thread).take(top.min(THREADS)).map(holder).collect();
        let row = |set: StoredSet| ClassRow {
            name: set.name,
            loader: set.loader,
            instances: set.instances,
            retained_bytes: set.retained_bytes,
            retained_is_lower_bound: !set.exact,
        };
        let classes = of(Family::Class).filter(|set| set.instances > 0);
        self.classes = classes.take(top).map(row).collect();
    }
}

/// Objects of some classes.
#[derive(Debug, Serialize)]
pub struct ClassView {
    /// The pattern.
    pub pattern: String,
    pub classes: u64,
    pub instances: u64,
    pub shallow_bytes: u64,
    /// What the topmost of all of them retain together, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retained_bytes_at_least: Option<u64>,
    /// Instances of each class and level, most retained first.
    pub objects: Vec<ObjectRow>,
    /// The class objects of classes with such names.
    pub class_objects: Vec<ObjectRow>,
}

/// A field, static field, element or entry.
#[derive(Debug, Serialize)]
pub struct ValueRow {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declared_in: Option<String>,
    /// The primitive type, or the class of the object.
    #[serde(rename = "type")]
    pub kind: String,
    /// A primitive value, or what the object means.
    pub value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// An entry of a map or collection.
#[derive(Debug, Serialize)]
pub struct EntryRow {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<ValueRow>,
    pub value: ValueRow,
}

/// A reference to the object.
#[derive(Debug, Serialize)]
pub struct ReferrerRow {
    pub field: String,
    /// False for referents of reference objects.
    pub retains: bool,
    pub object: ObjectRow,
}

/// What holds the first object of a path.
#[derive(Debug, Serialize)]
pub struct RootRow {
    pub kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame: Option<String>,
}

impl RootRow {
    fn new(root: StoredRoot, threads: &[Thread]) -> Self {
        let kind = match root.kind {
            0 => "system class",
            kind => sub::name(kind),
        };
        let has_thread = matches!(
            root.kind,
            sub::ROOT_THREAD_OBJECT
                | sub::ROOT_JAVA_FRAME
                | sub::ROOT_JNI_LOCAL
                | sub::ROOT_NATIVE_STACK
                | sub::ROOT_THREAD_BLOCK
        );
        let thread = threads.iter().find(|thread| has_thread && thread.serial == root.thread);
        let has_frame = matches!(root.kind, sub::ROOT_JAVA_FRAME | sub::ROOT_JNI_LOCAL);
        let frame = thread.filter(|_| has_frame).and_then(|t| t.frames.get(root.frame as usize));
        Self {
            kind,
            thread: thread
                .map(|thread| thread.name.clone().unwrap_or_else(|| "(unnamed)".to_owned())),
            frame: frame.cloned(),
        }
    }
}

/// An object on the path from a root.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum PathRow {
    Object {
        /// The field of the object before, `[n]` for an element; absent for the first.
        #[serde(skip_serializing_if = "Option::is_none")]
        field: Option<String>,
        object: ObjectRow,
        #[serde(skip_serializing_if = "Option::is_none")]
        value: Option<String>,
    },
    /// Dominators that are left out.
    Skipped { skipped_dominators: u64 },
    /// The way was not found.
    Unknown { unknown: bool },
}

/// One object.
#[derive(Debug, Serialize)]
pub struct ObjectView {
    pub object: ObjectRow,
    /// What it means: the text of a string, how many entries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    pub fields: Vec<ValueRow>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub statics: Vec<ValueRow>,
    /// The first entries of a collection or map.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entries: Option<Vec<EntryRow>>,
    /// The first elements of an array; nulls of object arrays are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elements: Option<Vec<ValueRow>>,
    /// Nearest first.
    pub dominators: Vec<ObjectRow>,
    pub more_dominators: bool,
    pub referrers: Vec<ReferrerRow>,
    pub referrers_total: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root: Option<RootRow>,
    /// From the root to the object.
    pub path: Vec<PathRow>,
}

fn hex(id: ObjectId) -> String {
    format!("{:#x}", id.0)
}

/// A value as it is shown.
fn shown(heap: &Heap<'_>, name: String, kind: FieldType, value: Value) -> ValueRow {
    let row =
        |kind: String, value: String, id| ValueRow { name, declared_in: None, kind, value, id };
    let Value::Reference(id) = value else {
        return row(kind.java_name().to_owned(), primitive(value), None);
    };
    if id.is_null() {
        return row(String::new(), "null".to_owned(), None);
    }
    match heap.index.ordinal(id) {
        Some(object) => {
            let class = ObjectRow::new(heap.index, heap.classes, object).name();
            row(class, meaning(heap, id).unwrap_or_default(), Some(hex(id)))
        }
        None => row(String::new(), "not in the dump".to_owned(), Some(hex(id))),
    }
}

/// What an object means, in words.
fn meaning(heap: &Heap<'_>, id: ObjectId) -> Option<String> {
    Some(match heap.meaning(id)? {
        Meaning::Text(text) => format!("{text:?}"),
        Meaning::Number(text) | Meaning::Name(text) => text,
        Meaning::Entries(1) => "1 entry".to_owned(),
        Meaning::Entries(count) => format!("{} entries", super::text::count(count)),
        Meaning::Refers(to) => {
            let object = heap.index.ordinal(to)?;
            let name = ObjectRow::new(heap.index, heap.classes, object).name();
            match heap.meaning(to) {
                Some(Meaning::Text(text)) => format!("→ {text:?}"),
                _ => format!("→ {name} {}", hex(to)),
            }
        }
    })
}

fn reference(heap: &Heap<'_>, name: String, id: ObjectId) -> ValueRow {
    shown(heap, name, FieldType::Object, Value::Reference(id))
}

impl ObjectView {
    /// The view of an object, with up to `top` elements, entries and referrers.
    pub fn new(
        heap: &Heap<'_>,
        object: u64,
        trace: &Trace,
        threads: &[Thread],
        top: usize,
    ) -> Self {
        let (index, classes) = (heap.index, heap.classes);
        let row = |object| ObjectRow::new(index, classes, object);
        let id = index.id(object);
        let body = heap.body(object);
        let chain = std::iter::successors(index.dominator(object), |at| index.dominator(*at));
        let dominators: Vec<u64> = chain.take(DOMINATORS + 1).collect();
        // Instances that keep their class alive would drown the others.
        let referring = trace.referrers.references.iter().filter(|r| r.link != Link::Class);
        let mut referring: Vec<_> = referring
            .map(|reference| ReferrerRow {
                field: heap.link_name(reference.from, reference.link),
                retains: reference.strength == Strength::Retains,
                object: row(reference.from),
            })
            .collect();
        referring.sort_by_key(|referrer| std::cmp::Reverse(referrer.object.retained_bytes));
        referring.truncate(top);
        Self {
            object: row(object),
            value: meaning(heap, id),
            fields: fields(heap, body),
            statics: statics(heap, body),
            entries: entries(heap, id, top),
            elements: elements(heap, body, top),
            more_dominators: dominators.len() > DOMINATORS,
            dominators: dominators.into_iter().take(DOMINATORS).map(row).collect(),
            referrers: referring,
            referrers_total: trace.referrers.total,
            root: trace.root.map(|root| RootRow::new(root, threads)),
            path: path(heap, trace),
        }
    }
}

fn fields(heap: &Heap<'_>, body: Option<Body<'_>>) -> Vec<ValueRow> {
    let Some(Body::Instance { class, values }) = body else { return Vec::new() };
    let fields = heap.classes.fields(class, heap.id_size);
    let row = |field: crate::index::heap::Field<'_>| {
        let value = Value::read(field.kind, values, field.offset, heap.id_size)?;
        let row = shown(heap, field.name.to_owned(), field.kind, value);
        Some(ValueRow { declared_in: Some(field.declared_in.name.clone()), ..row })
    };
    fields.filter_map(row).collect()
}

fn statics(heap: &Heap<'_>, body: Option<Body<'_>>) -> Vec<ValueRow> {
    let Some(Body::Class(class)) = body else { return Vec::new() };
    let row = |(name, code, bits): &(String, u8, u64)| {
        let kind = FieldType::from_code(*code)?;
        Some(shown(heap, name.clone(), kind, Value::of_bits(kind, *bits)?))
    };
    class.statics.iter().filter_map(row).collect()
}

fn entries(heap: &Heap<'_>, id: ObjectId, top: usize) -> Option<Vec<EntryRow>> {
    let entries = heap.entries(id, top)?;
    let row = |id| reference(heap, String::new(), id);
    Some(entries.iter().map(|e| EntryRow { key: e.key.map(row), value: row(e.value) }).collect())
}

fn elements(heap: &Heap<'_>, body: Option<Body<'_>>, top: usize) -> Option<Vec<ValueRow>> {
    let body = body?;
    Some(match body {
        Body::Elements(_) => heap
            .elements(body)
            .enumerate()
            .filter(|(_, id)| !id.is_null())
            .take(top)
            .map(|(nth, id)| reference(heap, format!("[{nth}]"), id))
            .collect(),
        Body::Primitives(element, values) => {
            let size = element.dump_size(heap.id_size);
            let count = values.len() / size;
            let row = |nth| {
                let value = Value::read(element, values, nth * size, heap.id_size)?;
                Some(shown(heap, format!("[{nth}]"), element, value))
            };
            (0..count.min(top)).filter_map(row).collect()
        }
        _ => return None,
    })
}

fn path(heap: &Heap<'_>, trace: &Trace) -> Vec<PathRow> {
    let mut rows = Vec::new();
    let mut before = None;
    for step in &trace.steps {
        rows.push(match step {
            Step::Object(object, link) => {
                let field = link.zip(before).map(|(link, from)| heap.link_name(from, link));
                before = Some(*object);
                PathRow::Object {
                    field,
                    object: ObjectRow::new(heap.index, heap.classes, *object),
                    value: meaning(heap, heap.index.id(*object)),
                }
            }
            Step::Skipped(skipped) => PathRow::Skipped { skipped_dominators: *skipped },
            Step::NotFound => PathRow::Unknown { unknown: true },
        });
    }
    rows
}

/// `show --format json`.
///
/// # Errors
/// None but what the serializer reports.
pub fn json(census: &Census, view: &View, path: &str) -> serde_json::Result<String> {
    #[derive(Serialize)]
    struct Report<'a> {
        schema_version: u32,
        dump: Dump<'a>,
        #[serde(flatten)]
        view: &'a View,
    }
    let total = Amount::new(census.instances, census.shallow_bytes);
    to_text(&Report {
        schema_version: SCHEMA_VERSION,
        dump: Dump::new(path, Kind::Dump, &census.facts, total),
        view,
    })
}
