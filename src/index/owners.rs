//! The owner tree: the dominator tree of a heap, merged by what stays the same from dump to dump.
//!
//! An object is known by how the object above it holds it (a field, an element, a thread's frame) and
//! by its class, never by its address. All objects with the same way down from the root are one
//! *node*. Collections are logical: what a `HashMap` is made of (its table, its `HashMap$Node`s)
//! belongs to the node of the map, and keys and values hang on it directly. A way that comes back to
//! a class by the same field (`next.next.next`) stays at the first one. `docs/ARCHITECTURE.md` has
//! the rules.

/// A name in [`OwnerTree::names`].
pub type Name = u32;

/// How an object is held by the one above it in the tree.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Edge {
    /// The root of the tree itself, which has nothing above it.
    Top,
    /// Held by the JVM; by the name of the root kind, as `JNI global`.
    Root(Name),
    /// A thread that is alive, by its name without numbers: a root, too.
    Thread(Name),
    /// On the stack of the thread above, by the method (`Class.method`) whose frame holds it.
    Local(Name),
    /// A static field of the class object above.
    Static(Name),
    /// An instance field: the class that declares it, and its name.
    Field(Name, Name),
    /// A value that the thread above has for a thread local, by the field that holds the thread
    /// local (`Class.field`), or by the class of the thread local where there is no such field.
    ThreadLocal(Name),
    /// An element of an array or a collection without keys.
    Element,
    /// A key of a map.
    Key,
    /// A value of a map.
    Value,
    /// A class object by its loader, its instances or its subclasses.
    Class,
    /// Held by several, and what is above is the nearest that all ways to it have in common: see
    /// [`OwnerTree::shares`].
    Shared,
    /// Only softly, weakly, … reachable, by the name of the level: a child of the top.
    Level(Name),
    /// Small nodes that are counted together.
    Other,
}

/// Objects that are held alike.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OwnerNode {
    /// Index of the node above; 0 for the top itself.
    pub parent: u32,
    pub edge: Edge,
    /// Class in source form without generated parts; the class itself, for class objects.
    pub class: Name,
    /// True for class objects: `class` is the class they stand for.
    pub is_class: bool,
    /// Objects of `class` that are held like this.
    pub objects: u64,
    /// Objects that a collection is made of, one for each entry where it has such (nodes, not
    /// arrays).
    pub entries: u64,
    /// Elements that the arrays of a collection have room for.
    pub capacity: u64,
    /// Bytes of these objects and of what collections are made of.
    pub shallow_bytes: u64,
    /// Bytes of the node and of all below it, in the heap: the sum of the shallow bytes.
    pub retained_bytes: u64,
    /// What the largest of the objects retains.
    pub largest_bytes: u64,
    /// Memory outside of the heap that these objects stand for (direct buffers), without those below.
    pub native_bytes: u64,
}

/// Who else holds objects of a node whose edge is [`Edge::Shared`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Share {
    /// The node that is shared.
    pub node: u32,
    /// A node with objects that refer to objects of `node`.
    pub holder: u32,
    /// How they refer to them.
    pub edge: Edge,
    /// Objects of `node` that are referred to from there; one with several referrers in `holder`
    /// counts for each of them.
    pub references: u64,
}

/// See the module's text. Parents come before children; the root, at 0, stands for the whole heap.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct OwnerTree {
    pub names: Vec<String>,
    pub nodes: Vec<OwnerNode>,
    /// In order.
    pub shares: Vec<Share>,
}

impl OwnerTree {
    /// The text of a name.
    pub fn name(&self, name: Name) -> &str {
        self.names.get(name as usize).map_or("", String::as_str)
    }
}
