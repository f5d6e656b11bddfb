//! What classes are to the owner tree: collections, what collections are made of, anything else; and
//! the names of their references.

use hashbrown::HashMap;

use super::plan::{Plans, retaining_fields};
use crate::index::owners::{Edge, Name};
use crate::index::store::Form;
use crate::parser::classes::{ClassIndex, ClassTable};
use crate::parser::names;
pub use crate::parser::names::is_jdk;
use crate::parser::tags::FieldType;

/// Texts, each once. The first one is empty.
pub struct Names {
    pub list: Vec<String>,
    index: HashMap<String, Name>,
}

impl Default for Names {
    fn default() -> Self {
        Self { list: vec![String::new()], index: HashMap::from_iter([(String::new(), 0)]) }
    }
}

impl Names {
    /// The name of a text.
    pub fn of(&mut self, text: &str) -> Name {
        if let Some(name) = self.index.get(text) {
            return *name;
        }
        let name = self.list.len() as Name;
        self.list.push(text.to_owned());
        self.index.insert(text.to_owned(), name);
        name
    }

    /// The text of a name.
    pub fn text(&self, name: Name) -> &str {
        &self.list[name as usize]
    }
}

/// A place in [`Roles::edges`].
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct EdgeId(pub u32);

impl EdgeId {
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What objects of a kind are to the tree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    Plain,
    /// What holds others for the program, in a structure of its own.
    Collection,
    /// Of the structure of a collection; one for each thing that is held, if `is_entry`.
    Part {
        is_entry: bool,
    },
    ThreadLocalEntry,
    /// An array of objects.
    Array,
    /// An array of primitive values.
    Values,
    /// A class object.
    Mirror,
}

impl Role {
    /// True for what may belong to the structure of a collection.
    pub fn is_in_collection(self) -> bool {
        !matches!(self, Self::Plain | Self::Mirror)
    }
}

/// A reference of instances.
#[derive(Clone, Copy, Debug)]
pub struct FieldEdge {
    pub edge: EdgeId,
    /// True for what a collection holds, false for its structure.
    pub is_payload: bool,
}

/// See the module's text; all by kind.
pub struct Roles {
    pub of_kind: Vec<Role>,
    /// Name of the class.
    pub class_of_kind: Vec<Name>,
    pub has_slot: Vec<bool>,
    /// True for arrays of arrays.
    is_nested: Vec<bool>,
    /// False for arrays that a collection of the JDK keeps elements in, not entries: `Object[]` and
    /// the like.
    keeps_entries: Vec<bool>,
    /// Of collections and their parts: the outermost classes that these and their superclasses are
    /// in, or the library.
    families: Vec<Vec<Name>>,
    /// True for what collections of the JDK are made of.
    is_jdk_part: Vec<bool>,
    pub edges: Vec<Edge>,
    /// Shared by nobody that is known.
    pub shared: EdgeId,
    pub element: EdgeId,
    pub class: EdgeId,
    fields: Vec<Vec<FieldEdge>>,
    /// Static references of classes that were asked for.
    statics: HashMap<ClassIndex, Vec<EdgeId>>,
    /// Names of classes whose objects were met.
    mirrored: HashMap<ClassIndex, Name>,
    index: HashMap<Edge, EdgeId>,
}

/// Classes that are collections, with all their subclasses.
const COLLECTIONS: [&str; 5] = [
    "java/util/AbstractMap",
    "java/util/AbstractCollection",
    "java/util/Dictionary",
    "java/lang/ThreadLocal$ThreadLocalMap",
    "java/util/concurrent/atomic/AtomicReferenceArray",
];
/// Where wrapped collections of the JDK are.
const WRAPPERS: &str = "java/util/Collections$";
/// Where collections of libraries are, and what those are made of.
const LIBRARIES: [&str; 3] =
    ["scala/collection/", "kotlin/collections/", "org/apache/spark/util/collection/"];
/// The same for libraries that others pack under names of their own: parts of their names.
const LIBRARIES_SHADED: [&str; 7] = [
    "google/common/collect/",
    "google/common/cache/",
    "/guava/collect/",
    "/guava/cache/",
    "benmanes/caffeine/cache/",
    "it/unimi/dsi/fastutil/",
    "netty/util/collection/",
];
/// Where collections of the JDK are.
const JDK_COLLECTIONS: &str = "java/util/";
const THREAD_LOCAL_ENTRY: &str = "java/lang/ThreadLocal$ThreadLocalMap$Entry";

impl Roles {
    /// Looks at all kinds; `kind_names` are the class in source form and the loader's label.
    pub fn new(
        plans: &Plans<'_>,
        classes: &ClassTable,
        kind_names: &[(String, String)],
        names: &mut Names,
    ) -> Self {
        let mut roles = Self {
            of_kind: Vec::new(),
            class_of_kind: Vec::new(),
            has_slot: plans.kinds.iter().map(|kind| kind.form.has_slot()).collect(),
            is_nested: kind_names.iter().map(|(name, _)| name.ends_with("[][]")).collect(),
            keeps_entries: kind_names.iter().map(|(name, _)| keeps_entries(name)).collect(),
            families: Vec::new(),
            is_jdk_part: Vec::new(),
            edges: Vec::new(),
            shared: EdgeId(0),
            element: EdgeId(0),
            class: EdgeId(0),
            fields: Vec::new(),
            statics: HashMap::new(),
            mirrored: HashMap::new(),
            index: HashMap::new(),
        };
        roles.edge(Edge::Top);
        roles.shared = roles.edge(Edge::Shared(0));
        roles.element = roles.edge(Edge::Element);
        roles.class = roles.edge(Edge::Class);
        for (kind, (name, _)) in plans.kinds.iter().zip(kind_names) {
            let class = kind.class;
            let role = match (kind.form, class) {
                (Form::Instance | Form::SizedInstance, Some(class)) => role_of(classes, class),
                (Form::ObjectArray, _) => Role::Array,
                (Form::PrimitiveArray(_), _) => Role::Values,
                (Form::Mirror, _) => Role::Mirror,
                _ => Role::Plain,
            };
            roles.of_kind.push(role);
            let families = match (role, class) {
                (Role::Collection | Role::Part { .. }, Some(class)) => families(classes, class),
                _ => Vec::new(),
            };
            let is_jdk = families.first().is_some_and(|family| family.starts_with(JDK_COLLECTIONS));
            roles.is_jdk_part.push(is_jdk && matches!(role, Role::Part { .. }));
            let families = families.into_iter().map(|family| names.of(family)).collect();
            roles.families.push(families);
            roles.class_of_kind.push(names.of(&names::stable_name(name)));
            let fields = match (kind.form, class) {
                (Form::Instance | Form::SizedInstance, Some(class)) => {
                    roles.fields_of(classes, class, role, names)
                }
                _ => Vec::new(),
            };
            roles.fields.push(fields);
        }
        roles
    }

    /// The place of an edge.
    pub fn edge(&mut self, edge: Edge) -> EdgeId {
        let next = EdgeId(self.edges.len() as u32);
        let id = *self.index.entry(edge).or_insert(next);
        if id == next {
            self.edges.push(edge);
        }
        id
    }

    /// True for a part that a collection, or a part of one, has somewhere, without a reference to it
    /// of its own: the nodes in the middle of a linked list.
    pub fn is_part_within(&self, part: usize, above: usize) -> bool {
        let families = &self.families[above];
        matches!(self.of_kind[part], Role::Part { .. })
            && self.families[part].iter().any(|family| families.contains(family))
    }

    /// True for a part in an array that is there for such parts: an entry in an `Object[]` was put
    /// there by the program.
    pub fn is_part_in(&self, part: usize, array: usize) -> bool {
        match self.of_kind[part] {
            Role::Part { .. } => self.keeps_entries[array] || !self.is_jdk_part[part],
            Role::ThreadLocalEntry => true,
            Role::Array => self.is_nested[array],
            _ => false,
        }
    }

    fn fields_of(
        &mut self,
        classes: &ClassTable,
        class: ClassIndex,
        role: Role,
        names: &mut Names,
    ) -> Vec<FieldEdge> {
        let holds = matches!(role, Role::Collection | Role::Part { .. });
        let is_cons = classes.get(class).name == "scala/collection/immutable/$colon$colon";
        retaining_fields(classes, class)
            .map(|(declared_in, field)| {
                let payload = if holds { payload(field, is_cons) } else { None };
                let edge = payload.unwrap_or_else(|| {
                    let class = names::stable_name(&names::source_name(&declared_in.jmap_name()));
                    let class = names.of(&class);
                    Edge::Field(class, names.of(&names::decode_modified_utf8(field)))
                });
                let is_payload = payload.is_some() || role == Role::ThreadLocalEntry;
                FieldEdge { edge: self.edge(edge), is_payload }
            })
            .collect()
    }

    /// The reference of an instance, by its number: the first one is that to its class.
    pub fn field(&self, kind: usize, nth: usize) -> FieldEdge {
        let field = nth.checked_sub(1).and_then(|nth| self.fields[kind].get(nth));
        field.copied().unwrap_or(FieldEdge { edge: self.class, is_payload: true })
    }

    /// The reference of a class object, by its number: statics come first, after nothing.
    pub fn static_edge(
        &mut self,
        classes: &ClassTable,
        class: ClassIndex,
        nth: usize,
        names: &mut Names,
    ) -> EdgeId {
        if !self.statics.contains_key(&class) {
            let statics = &classes.get(class).statics;
            let fields = statics.iter().filter(|field| field.kind == FieldType::Object);
            let edges = fields.map(|field| {
                let text = classes.symbols.text(field.name).unwrap_or_else(|| "?".to_owned());
                self.edge(Edge::Static(names.of(&text)))
            });
            let edges = edges.collect();
            self.statics.insert(class, edges);
        }
        let edge = nth.checked_sub(1).and_then(|nth| self.statics[&class].get(nth));
        edge.copied().unwrap_or(self.class)
    }

    /// Ranks of classes as holders of what is shared: see [`Edge::Shared`].
    pub fn ranks(&mut self, classes: &ClassTable, names: &mut Names) -> Ranks {
        let mut all: Vec<(u8, Name)> = Vec::new();
        for class in 0..classes.classes.len() {
            all.push((0, self.mirrored(classes, ClassIndex(class as u32), names)));
        }
        let of_kind: Vec<(u8, Name)> = self
            .of_kind
            .iter()
            .zip(&self.class_of_kind)
            .map(|(role, name)| {
                let is_jdk = is_jdk(names.text(*name));
                let place = match role {
                    Role::Plain => 1 + u8::from(is_jdk),
                    Role::Array | Role::Values => 4,
                    _ => 3,
                };
                (place, *name)
            })
            .collect();
        all.extend(&of_kind);
        all.sort_unstable_by(|a, b| (a.0, names.text(a.1)).cmp(&(b.0, names.text(b.1))));
        all.dedup();
        let rank: HashMap<(u8, Name), u32> =
            all.iter().enumerate().map(|(nth, key)| (*key, nth as u32 + 1)).collect();
        Ranks {
            of_kind: of_kind.iter().map(|key| rank[key]).collect(),
            of_class: self
                .mirrored
                .iter()
                .map(|(class, name)| (*class, rank[&(0, *name)]))
                .collect(),
            names: all.into_iter().map(|(_, name)| name).collect(),
        }
    }

    /// The name of a class whose object was met.
    pub fn mirrored(&mut self, classes: &ClassTable, class: ClassIndex, names: &mut Names) -> Name {
        *self.mirrored.entry(class).or_insert_with(|| {
            let name = names::source_name(&classes.get(class).jmap_name());
            names.of(&names::stable_name(&name))
        })
    }
}

/// Who is named as the holder of what is shared: the lowest rank, from 1.
pub struct Ranks {
    pub of_kind: Vec<u32>,
    /// Of class objects, by what they stand for.
    pub of_class: HashMap<ClassIndex, u32>,
    names: Vec<Name>,
}

impl Ranks {
    /// The name of the class with a rank; the empty one for 0.
    pub fn name(&self, rank: u32) -> Name {
        rank.checked_sub(1).map_or(0, |at| self.names[at as usize])
    }
}

/// The library with collections that a class is of.
fn library(name: &str) -> Option<&'static str> {
    let plain = LIBRARIES.iter().find(|prefix| name.starts_with(**prefix));
    plain.or_else(|| LIBRARIES_SHADED.iter().find(|part| name.contains(**part))).copied()
}

fn role_of(classes: &ClassTable, index: ClassIndex) -> Role {
    let name = classes.get(index).name.as_str();
    if name == THREAD_LOCAL_ENTRY {
        return Role::ThreadLocalEntry;
    }
    let chain = std::iter::successors(Some(index), |class| classes.get(*class).superclass);
    let is_collection = || {
        chain
            .take(classes.classes.len())
            .any(|class| COLLECTIONS.contains(&classes.get(class).name.as_str()))
    };
    if is_collection() {
        return Role::Collection;
    }
    let is_library = library(name).is_some() || name.starts_with(WRAPPERS);
    let is_inner = name.contains('$') && !name.ends_with("$colon$colon");
    let is_jdk = name.starts_with(JDK_COLLECTIONS);
    let is_part = is_jdk && is_inner
        || is_library && (is_inner || name.contains("Node") || name.contains("Entry"));
    match (is_part, is_library) {
        (true, _) if !name.starts_with(WRAPPERS) => {
            let is_entry =
                retaining_fields(classes, index).any(|(_, field)| payload(field, false).is_some());
            Role::Part { is_entry }
        }
        (_, true) => Role::Collection,
        _ => Role::Plain,
    }
}

/// True for classes of libraries that are collections, or what these are made of, by internal names:
/// their numbers are about how they work (`MAX_SEGMENTS`).
pub fn is_of_collections(name: &str) -> bool {
    library(name).is_some()
}

/// True for what a map has one of for each of its keys.
pub fn is_map_entry(classes: &ClassTable, class: ClassIndex) -> bool {
    matches!(role_of(classes, class), Role::Part { is_entry: true })
}

/// See [`Roles::families`]. What is in `AbstractMap` and its like is no part of all that extends it.
fn families(classes: &ClassTable, index: ClassIndex) -> Vec<&str> {
    let chain = std::iter::successors(Some(index), |class| classes.get(*class).superclass);
    let family = |class| {
        let name = classes.get(class).name.as_str();
        library(name).unwrap_or_else(|| name.split('$').next().unwrap_or(name))
    };
    let mut families: Vec<&str> = chain.take(classes.classes.len()).map(family).collect();
    families.retain(|family| {
        *family != "java/lang/Object" && !family.starts_with("java/util/Abstract")
    });
    families
}

/// False for arrays of anything but inner classes of the JDK's collections.
fn keeps_entries(array: &str) -> bool {
    array.starts_with("java.util.") && array.contains('$')
}

/// What a collection holds by a field of this name; `None` for fields of its structure.
fn payload(field: &[u8], is_cons: bool) -> Option<Edge> {
    let plain = field.trim_ascii_end();
    let plain = match plain.iter().rposition(|byte| !byte.is_ascii_digit()) {
        Some(last) => &plain[..=last],
        None => plain,
    };
    match plain {
        b"key" => Some(Edge::Key),
        b"value" | b"val" | b"valueReference" | b"referent" => Some(Edge::Value),
        b"item" | b"element" | b"elem" => Some(Edge::Element),
        b"head" if is_cons => Some(Edge::Element),
        _ => None,
    }
}
