//! What objects mean: the text of a string, the value of a box, the size and the contents of a
//! collection, the name of a thread.
//!
//! Read from the fields that the classes of the JDK have had since 8; a class that has changed them
//! means nothing, which is never wrong.

use super::find::{Encoding, decode};
use super::heap::{Body, Heap, Value};
use super::store::StoredClass;
use crate::parser::ids::ObjectId;
use crate::parser::tags::FieldType;

/// Characters of a string that are read.
const LONGEST: usize = 4096;
/// Delegates that are followed: an unmodifiable view of a synchronized one of a map.
const DELEGATES: usize = 4;

/// What an object means.
#[derive(Clone, PartialEq, Debug)]
pub enum Meaning {
    Text(String),
    Number(String),
    /// A constant of an enum, a class, a thread: its name.
    Name(String),
    /// A collection or map of so many entries.
    Entries(u64),
    /// Another object that this one only wraps.
    Refers(ObjectId),
}

/// An entry of a collection or map.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// `None` in collections.
    pub key: Option<ObjectId>,
    pub value: ObjectId,
}

/// How the number of entries is told.
enum Count {
    /// By a field of this name.
    Field(&'static str),
    /// By the length of the array in this field.
    Length(&'static str),
    /// By an `AtomicInteger` in this field.
    Atomic(&'static str),
    /// As that of the collection in this field.
    Of(&'static str),
    /// In a way of its own.
    Deque,
    Striped,
    List12,
    One,
    None,
}

/// The collections of the JDK. Subclasses count as what they extend.
const COLLECTIONS: [(&str, Count); 44] = [
    ("java.util.HashMap", Count::Field("size")),
    ("java.util.Hashtable", Count::Field("count")),
    ("java.util.TreeMap", Count::Field("size")),
    ("java.util.WeakHashMap", Count::Field("size")),
    ("java.util.IdentityHashMap", Count::Field("size")),
    ("java.util.EnumMap", Count::Field("size")),
    ("java.util.Properties", Count::Of("map")),
    ("java.util.concurrent.ConcurrentHashMap", Count::Striped),
    ("java.util.HashSet", Count::Of("map")),
    ("java.util.TreeSet", Count::Of("m")),
    ("java.util.concurrent.ConcurrentHashMap$KeySetView", Count::Of("map")),
    ("java.util.ArrayList", Count::Field("size")),
    ("java.util.Arrays$ArrayList", Count::Length("a")),
    ("java.util.LinkedList", Count::Field("size")),
    ("java.util.Vector", Count::Field("elementCount")),
    ("java.util.PriorityQueue", Count::Field("size")),
    ("java.util.ArrayDeque", Count::Deque),
    ("java.util.concurrent.CopyOnWriteArrayList", Count::Length("array")),
    ("java.util.concurrent.CopyOnWriteArraySet", Count::Of("al")),
    ("java.util.concurrent.LinkedBlockingQueue", Count::Atomic("count")),
    ("java.util.concurrent.LinkedBlockingDeque", Count::Field("count")),
    ("java.util.concurrent.ArrayBlockingQueue", Count::Field("count")),
    ("java.util.concurrent.PriorityBlockingQueue", Count::Field("size")),
    ("java.util.concurrent.DelayQueue", Count::Of("q")),
    ("java.util.ImmutableCollections$ListN", Count::Length("elements")),
    ("java.util.ImmutableCollections$List12", Count::List12),
    ("java.util.ImmutableCollections$SetN", Count::Field("size")),
    ("java.util.ImmutableCollections$Set12", Count::List12),
    ("java.util.ImmutableCollections$MapN", Count::Field("size")),
    ("java.util.ImmutableCollections$Map1", Count::One),
    ("java.util.Collections$SingletonList", Count::One),
    ("java.util.Collections$SingletonSet", Count::One),
    ("java.util.Collections$SingletonMap", Count::One),
    ("java.util.Collections$EmptyList", Count::None),
    ("java.util.Collections$EmptySet", Count::None),
    ("java.util.Collections$EmptyMap", Count::None),
    ("java.util.Collections$UnmodifiableCollection", Count::Of("c")),
    ("java.util.Collections$UnmodifiableMap", Count::Of("m")),
    ("java.util.Collections$SynchronizedCollection", Count::Of("c")),
    ("java.util.Collections$SynchronizedMap", Count::Of("m")),
    ("java.util.Collections$CheckedCollection", Count::Of("c")),
    ("java.util.Collections$CheckedMap", Count::Of("m")),
    ("java.util.Collections$SetFromMap", Count::Of("m")),
    ("java.util.Collections$CopiesList", Count::Field("n")),
];

/// Classes whose one field says it all.
const BOXES: [(&str, &str); 12] = [
    ("java.lang.Boolean", "value"),
    ("java.lang.Character", "value"),
    ("java.lang.Byte", "value"),
    ("java.lang.Short", "value"),
    ("java.lang.Integer", "value"),
    ("java.lang.Long", "value"),
    ("java.lang.Float", "value"),
    ("java.lang.Double", "value"),
    ("java.util.concurrent.atomic.AtomicInteger", "value"),
    ("java.util.concurrent.atomic.AtomicLong", "value"),
    ("java.util.concurrent.atomic.AtomicBoolean", "value"),
    ("java.util.concurrent.atomic.LongAdder", "base"),
];

/// Classes whose text is that of a string in one field.
const TEXTS: [(&str, &str); 5] = [
    ("java.io.File", "path"),
    ("java.net.URI", "string"),
    ("java.util.regex.Pattern", "pattern"),
    ("java.lang.Throwable", "detailMessage"),
    ("java.lang.ThreadGroup", "name"),
];

/// A primitive value as Java source has it.
pub fn primitive(value: Value) -> String {
    match value {
        Value::Boolean(value) => value.to_string(),
        Value::Char(unit) => match char::from_u32(unit.into()).filter(|c| !c.is_control()) {
            Some(c) => format!("'{c}'"),
            None => format!("'\\u{unit:04x}'"),
        },
        Value::Float(value) => format!("{value:?}"),
        Value::Double(value) => format!("{value:?}"),
        Value::Integer(value) => value.to_string(),
        Value::Reference(id) if id.is_null() => "null".to_owned(),
        Value::Reference(id) => format!("{:#x}", id.0),
    }
}

impl<'a> Heap<'a> {
    /// What the object of an id means; `None` for what is only the sum of its fields.
    pub fn meaning(&self, id: ObjectId) -> Option<Meaning> {
        let body = self.object(id)?;
        let class = match body {
            Body::Class(class) => return Some(Meaning::Name(class.name.clone())),
            Body::Primitives(FieldType::Char, values) => {
                return Some(Meaning::Text(decode(
                    FieldType::Char,
                    &values[..values.len().min(2 * LONGEST)],
                    Encoding::Chars,
                )));
            }
            Body::Instance { class, .. } => class,
            _ => return None,
        };
        for above in self.classes.chain(class) {
            match above.name.as_str() {
                "java.lang.String" => return self.text(body).map(Meaning::Text),
                "java.lang.AbstractStringBuilder" => return self.text(body).map(Meaning::Text),
                "java.lang.Enum" => return self.text_in(body, "name").map(Meaning::Name),
                "java.lang.Thread" => return self.thread_name(body).map(Meaning::Name),
                "java.lang.ref.Reference" => {
                    return self.reference(body, "referent").map(Meaning::Refers);
                }
                "java.util.concurrent.atomic.AtomicReference" | "java.util.Optional" => {
                    return self.reference(body, "value").map(Meaning::Refers);
                }
                name => {
                    if let Some((_, field)) = BOXES.iter().find(|(class, _)| *class == name) {
                        return self.field(body, field).map(|v| Meaning::Number(primitive(v)));
                    }
                    if let Some((_, field)) = TEXTS.iter().find(|(class, _)| *class == name) {
                        return self.text_in(body, field).map(Meaning::Text);
                    }
                }
            }
        }
        self.entry_count(body).map(Meaning::Entries)
    }

    /// The text of the string in a field.
    fn text_in(&self, body: Body<'a>, field: &str) -> Option<String> {
        self.text(self.follow(body, field)?)
    }

    /// The name of a thread.
    fn thread_name(&self, body: Body<'a>) -> Option<String> {
        match self.follow(body, "name")? {
            // Up to JDK 8 it is a bare array.
            Body::Primitives(element, values) => {
                Some(decode(element, values, Encoding::of(element)))
            }
            string => self.text(string),
        }
    }

    /// The text of a string or of a builder.
    fn text(&self, body: Body<'a>) -> Option<String> {
        let Body::Primitives(element, values) = self.follow(body, "value")? else { return None };
        let encoding = match self.integer(body, "coder") {
            Some(1) => Encoding::Utf16,
            Some(_) => Encoding::Latin1,
            None => Encoding::Chars,
        };
        let unit = if encoding == Encoding::Latin1 { 1 } else { 2 };
        // A builder's array is longer than its text; JDK 6 strings are parts of arrays.
        let used = self.integer(body, "count").and_then(|count| usize::try_from(count).ok());
        let start = self.integer(body, "offset").and_then(|at| usize::try_from(at).ok());
        let values = values.get(start.unwrap_or(0).checked_mul(unit)?..)?;
        let length = used.unwrap_or(LONGEST).min(LONGEST) * unit;
        Some(decode(element, &values[..values.len().min(length)], encoding))
    }

    /// How the entries of a collection are counted: by the nearest class that is known.
    fn collection(&self, class: &StoredClass) -> Option<(&'static str, &'static Count)> {
        self.classes.chain(class).find_map(|above| {
            let known = COLLECTIONS.iter().find(|(name, _)| *name == above.name);
            known.map(|(name, count)| (*name, count))
        })
    }

    /// The collection behind views and sets that are made of maps.
    fn innermost(&self, mut body: Body<'a>) -> Option<(Body<'a>, &'static str, &'static Count)> {
        for _ in 0..DELEGATES {
            let Body::Instance { class, .. } = body else { return None };
            match self.collection(class)? {
                (_, Count::Of(field)) => body = self.follow(body, field)?,
                (name, count) => return Some((body, name, count)),
            }
        }
        None
    }

    fn entry_count(&self, body: Body<'a>) -> Option<u64> {
        let (body, _, count) = self.innermost(body)?;
        let number = match count {
            Count::Field(name) => self.integer(body, name)?,
            Count::Atomic(name) => self.integer(self.follow(body, name)?, "value")?,
            Count::Length(name) => self.elements(self.follow(body, name)?).count() as i64,
            Count::Deque => {
                let slots = self.elements(self.follow(body, "elements")?).count() as i64;
                let (head, tail) = (self.integer(body, "head")?, self.integer(body, "tail")?);
                (tail - head).checked_rem_euclid(slots)?
            }
            Count::Striped => {
                let base = self.integer(body, "baseCount")?;
                let cells = self.follow(body, "counterCells").into_iter();
                let cells = cells.flat_map(|cells| self.elements(cells));
                let more = cells.filter_map(|cell| self.integer(self.object(cell)?, "value"));
                more.fold(base, i64::wrapping_add)
            }
            Count::List12 => self.pair(body).count() as i64,
            Count::One => 1,
            Count::None => 0,
            Count::Of(_) => return None,
        };
        u64::try_from(number).ok()
    }

    /// The elements of `List12` and `Set12`: the second one can be a mark for "none".
    fn pair(&self, body: Body<'a>) -> impl Iterator<Item = ObjectId> + 'a {
        let empty = self.classes.all.iter().find_map(|class| {
            let statics = (class.name == "java.util.ImmutableCollections")
                .then(|| class.statics.iter().find(|(name, ..)| name == "EMPTY"));
            statics.flatten().map(|(_, _, value)| ObjectId(*value))
        });
        [self.reference(body, "e0"), self.reference(body, "e1")]
            .into_iter()
            .flatten()
            .filter(move |id| Some(*id) != empty)
    }

    /// The first entries of a collection or map, in its order.
    pub fn entries(&self, id: ObjectId, limit: usize) -> Option<Vec<Entry>> {
        let (body, name, _) = self.innermost(self.object(id)?)?;
        let value = |value| Entry { key: None, value };
        let list = |ids: &mut dyn Iterator<Item = ObjectId>| ids.take(limit).map(value).collect();
        let array = |field| self.follow(body, field).into_iter().flat_map(|a| self.elements(a));
        let size = || usize::try_from(self.integer(body, "size").unwrap_or(0)).unwrap_or(0);
        if let Some(head) = self.follow(body, "head").filter(|_| name == "java.util.HashMap") {
            return Some(self.by_insertion(head, limit));
        }
        Some(match name {
            "java.util.HashMap" => self.buckets(body, "value", limit),
            "java.util.Hashtable" => self.buckets(body, "value", limit),
            "java.util.WeakHashMap" => self.buckets(body, "value", limit),
            "java.util.concurrent.ConcurrentHashMap" => self.buckets(body, "val", limit),
            "java.util.TreeMap" => self.sorted(body, limit),
            "java.util.LinkedList" => self.linked(self.follow(body, "first"), limit),
            "java.util.concurrent.LinkedBlockingDeque" => {
                self.linked(self.follow(body, "first"), limit)
            }
            "java.util.concurrent.LinkedBlockingQueue" => {
                // The head is a node without an item.
                let first = self.follow(body, "head").and_then(|head| self.follow(head, "next"));
                self.linked(first, limit)
            }
            "java.util.ArrayList" => list(&mut array("elementData").take(size())),
            "java.util.Vector" => {
                let count = self.integer(body, "elementCount").unwrap_or(0);
                list(&mut array("elementData").take(usize::try_from(count).unwrap_or(0)))
            }
            "java.util.PriorityQueue" | "java.util.concurrent.PriorityBlockingQueue" => {
                list(&mut array("queue").take(size()))
            }
            "java.util.Arrays$ArrayList" => list(&mut array("a")),
            "java.util.concurrent.CopyOnWriteArrayList" => list(&mut array("array")),
            "java.util.ImmutableCollections$ListN" => list(&mut array("elements")),
            "java.util.ImmutableCollections$SetN" => {
                list(&mut array("elements").filter(|id| !id.is_null()))
            }
            "java.util.ImmutableCollections$List12" | "java.util.ImmutableCollections$Set12" => {
                list(&mut self.pair(body))
            }
            "java.util.ArrayDeque" => {
                let slots: Vec<ObjectId> = array("elements").collect();
                let head = usize::try_from(self.integer(body, "head").unwrap_or(0)).unwrap_or(0);
                let count = usize::try_from(self.entry_count(body).unwrap_or(0)).unwrap_or(0);
                list(&mut slots.iter().copied().cycle().skip(head).take(count))
            }
            "java.util.ImmutableCollections$MapN" | "java.util.IdentityHashMap" => {
                let slots: Vec<ObjectId> = array("table").collect();
                let pairs = slots.chunks_exact(2).filter(|pair| !pair[0].is_null());
                pairs.map(|pair| Entry { key: Some(pair[0]), value: pair[1] }).take(limit).collect()
            }
            "java.util.ImmutableCollections$Map1" => {
                let value = self.reference(body, "v0").unwrap_or(ObjectId::NULL);
                vec![Entry { key: self.reference(body, "k0"), value }]
            }
            _ => return None,
        })
    }

    /// The entries of a table of chained nodes.
    fn buckets(&self, body: Body<'a>, value: &str, limit: usize) -> Vec<Entry> {
        let mut entries = Vec::new();
        let table = self.follow(body, "table").into_iter().flat_map(|table| self.elements(table));
        for bucket in table.filter(|id| !id.is_null()) {
            let mut node = self.object(bucket);
            // A `TreeBin` of a `ConcurrentHashMap` heads a list, too.
            if let Some(first) = node.and_then(|bin| self.reference(bin, "first")) {
                node = self.object(first);
            }
            while let Some(at) = node {
                if entries.len() >= limit {
                    return entries;
                }
                let key = self.reference(at, "key").or_else(|| self.reference(at, "referent"));
                let value = self.reference(at, value).unwrap_or(ObjectId::NULL);
                entries.push(Entry { key: Some(key.unwrap_or(ObjectId::NULL)), value });
                node = self.follow(at, "next");
            }
        }
        entries
    }

    /// The entries of a `LinkedHashMap`, which its nodes hold together besides the table.
    fn by_insertion(&self, head: Body<'a>, limit: usize) -> Vec<Entry> {
        std::iter::successors(Some(head), |node| self.follow(*node, "after"))
            .take(limit)
            .map(|node| {
                let id = |name| self.reference(node, name).unwrap_or(ObjectId::NULL);
                Entry { key: Some(id("key")), value: id("value") }
            })
            .collect()
    }

    /// The items of linked nodes.
    fn linked(&self, first: Option<Body<'a>>, limit: usize) -> Vec<Entry> {
        std::iter::successors(first, |node| self.follow(*node, "next"))
            .take(limit)
            .map(|node| Entry {
                key: None,
                value: self.reference(node, "item").unwrap_or(ObjectId::NULL),
            })
            .collect()
    }

    /// The entries of a tree, least key first.
    fn sorted(&self, body: Body<'a>, limit: usize) -> Vec<Entry> {
        let mut entries = Vec::new();
        let mut open = Vec::new();
        let mut next = self.follow(body, "root");
        // No red-black tree is deeper; a damaged one could go round in circles.
        const DEEPEST: usize = 128;
        while entries.len() < limit {
            while let Some(node) = next.filter(|_| open.len() < DEEPEST) {
                open.push(node);
                next = self.follow(node, "left");
            }
            let Some(node) = open.pop() else { break };
            let id = |name| self.reference(node, name).unwrap_or(ObjectId::NULL);
            entries.push(Entry { key: Some(id("key")), value: id("value") });
            next = self.follow(node, "right");
        }
        entries
    }
}
