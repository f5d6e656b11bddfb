//! The owner tree: the dominator tree of a heap, merged by what stays the same from dump to dump.
//!
//! An object is known by how the object above it holds it (a field, an element, a thread's frame) and
//! by its class, never by its address. All objects with the same way down from the root are one
//! *node*. Collections are logical: what a `HashMap` is made of (its table, its `HashMap$Node`s)
//! belongs to the node of the map, and keys and values hang on it directly. A way that comes back to
//! a class by the same field (`next.next.next`) stays at the first one. `docs/ARCHITECTURE.md` has
//! the rules.

/// Bytes that shared objects retain from which on those that hold them are never too small to tell.
pub const MUCH: u64 = 64 << 10;

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
    /// [`OwnerTree::shares`]. The name is that of the class of one of the holders, chosen by what the
    /// holders are alone: a class object (for static fields) before instances, instances of others
    /// before those of the JDK, collections and arrays last; then the first by name.
    Shared(Name),
    /// Only softly, weakly, … reachable, by the name of the level: a child of the top.
    Level(Name),
    /// Small nodes that are counted together.
    Other,
}

impl Edge {
    /// The number of the kind of edge in files.
    pub fn code(self) -> u8 {
        match self {
            Self::Top => 0,
            Self::Root(_) => 1,
            Self::Thread(_) => 2,
            Self::Local(_) => 3,
            Self::Static(_) => 4,
            Self::Field(..) => 5,
            Self::ThreadLocal(_) => 6,
            Self::Element => 7,
            Self::Key => 8,
            Self::Value => 9,
            Self::Class => 10,
            Self::Shared(_) => 11,
            Self::Level(_) => 12,
            Self::Other => 13,
        }
    }

    /// The edge of a number in a file, and its names (0 where there are none).
    pub fn of_code(code: u8, first: Name, second: Name) -> Option<Self> {
        Some(match code {
            0 => Self::Top,
            1 => Self::Root(first),
            2 => Self::Thread(first),
            3 => Self::Local(first),
            4 => Self::Static(first),
            5 => Self::Field(first, second),
            6 => Self::ThreadLocal(first),
            7 => Self::Element,
            8 => Self::Key,
            9 => Self::Value,
            10 => Self::Class,
            11 => Self::Shared(first),
            12 => Self::Level(first),
            13 => Self::Other,
            _ => return None,
        })
    }

    /// The names of the edge.
    pub fn names(self) -> (Option<Name>, Option<Name>) {
        match self {
            Self::Field(class, field) => (Some(class), Some(field)),
            Self::Root(name)
            | Self::Thread(name)
            | Self::Local(name)
            | Self::Static(name)
            | Self::ThreadLocal(name)
            | Self::Shared(name)
            | Self::Level(name) => (Some(name), None),
            _ => (None, None),
        }
    }

    /// The same edge with other names.
    pub fn map(self, mut name: impl FnMut(Name) -> Name) -> Self {
        let (first, second) = self.names();
        let (first, second) = (first.map(&mut name), second.map(name));
        Self::of_code(self.code(), first.unwrap_or(0), second.unwrap_or(0)).unwrap_or(self)
    }
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
    /// Entries that all of these collections or arrays take at most together: what collections
    /// declare, and the lengths of arrays; 0 where one of them declares nothing.
    pub bound: u64,
    /// Bytes of these objects and of what collections are made of.
    pub shallow_bytes: u64,
    /// Bytes of the node and of all below it, in the heap: the sum of the shallow bytes.
    pub retained_bytes: u64,
    /// What the largest of the objects retains.
    pub largest_bytes: u64,
    /// Memory outside of the heap that these objects stand for (direct buffers), without those below.
    pub native_bytes: u64,
}

impl OwnerNode {
    /// A node without objects.
    pub fn new(parent: u32, edge: Edge, class: Name) -> Self {
        Self {
            parent,
            edge,
            class,
            is_class: false,
            objects: 0,
            entries: 0,
            capacity: 0,
            bound: 0,
            shallow_bytes: 0,
            retained_bytes: 0,
            largest_bytes: 0,
            native_bytes: 0,
        }
    }

    /// Counts another node and all below it together with this one.
    fn absorb(&mut self, other: &Self) {
        self.objects += other.objects;
        self.entries += other.entries;
        self.capacity += other.capacity;
        self.shallow_bytes += other.shallow_bytes;
        self.retained_bytes += other.shallow_bytes;
        self.native_bytes += other.native_bytes;
    }
}

/// Who holds objects of a node whose edge is [`Edge::Shared`].
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

/// A number in a field whose name says that it is a limit (`maxEntries`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Limit {
    /// The node of the instances with the field; the top for static fields. Of small nodes that are
    /// counted together, the one that they are counted by.
    pub node: u32,
    /// The class that declares the field.
    pub class: Name,
    pub field: Name,
    /// Instances with the field; 1 for static fields.
    pub objects: u64,
    /// The sum of the numbers.
    pub value: u64,
}

/// A key in the maps of a node: see [`super::marks`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Mark {
    pub node: u32,
    pub mark: u32,
}

/// See the module's text. Parents come before children; the root, at 0, stands for the whole heap.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct OwnerTree {
    pub names: Vec<String>,
    pub nodes: Vec<OwnerNode>,
    /// In order.
    pub shares: Vec<Share>,
    /// In order, one for each node and field.
    pub limits: Vec<Limit>,
    /// In order: of each node those of all keys below [`Self::marks_below`], but no more than the
    /// least [`MOST_OF_NODE`](super::marks::MOST_OF_NODE). Small nodes have none.
    pub marks: Vec<Mark>,
    pub marks_below: u32,
}

impl OwnerTree {
    /// The text of a name.
    pub fn name(&self, name: Name) -> &str {
        self.names.get(name as usize).map_or("", String::as_str)
    }

    /// The same tree with what each node retains, which is what it has and what is below it has;
    /// `None` when some sum over the tree is more than 64 bits hold.
    pub fn with_retained(mut self) -> Option<Self> {
        let numbers: [fn(&OwnerNode) -> u64; 5] = [
            |node| node.objects,
            |node| node.entries,
            |node| node.capacity,
            |node| node.bound,
            |node| node.shallow_bytes.saturating_add(node.native_bytes),
        ];
        for number in numbers {
            self.nodes.iter().map(number).try_fold(0, u64::checked_add)?;
        }
        for node in &mut self.nodes {
            node.retained_bytes = node.shallow_bytes;
        }
        for at in (1..self.nodes.len()).rev() {
            let (bytes, above) = (self.nodes[at].retained_bytes, self.nodes[at].parent as usize);
            let above = &mut self.nodes[above].retained_bytes;
            *above = above.checked_add(bytes)?;
        }
        Some(self)
    }

    /// The same tree with nodes that retain fewer than `least` bytes, inside and outside of the
    /// heap, counted together with their siblings.
    pub fn pruned(&self, least: u64) -> Self {
        let mut whole: Vec<u64> = self
            .nodes
            .iter()
            .map(|node| node.shallow_bytes.saturating_add(node.native_bytes))
            .collect();
        for at in (1..self.nodes.len()).rev() {
            let above = self.nodes[at].parent as usize;
            whole[above] = whole[above].saturating_add(whole[at]);
        }
        // Who holds much that is shared is told, however small it is itself, and who holds that.
        let mut holds_much = vec![false; self.nodes.len()];
        let mut changes = true;
        while changes {
            changes = false;
            for share in &self.shares {
                let node = share.node as usize;
                let mut at = share.holder as usize;
                let is_much = whole[node] >= MUCH.max(least) || holds_much[node];
                while is_much && at != 0 && !holds_much[at] {
                    holds_much[at] = true;
                    changes = true;
                    at = self.nodes[at].parent as usize;
                }
            }
        }
        // Settings that many share say the limits of all of them, however small they are.
        let mut is_setting = vec![false; self.nodes.len()];
        for limit in self.limits.iter().filter(|_| least < MUCH) {
            let at = limit.node as usize;
            is_setting[at] = matches!(self.nodes[at].edge, Edge::Shared(_));
        }
        let is_kept = |at: usize| at == 0 || holds_much[at] || is_setting[at] || whole[at] >= least;
        // Where each node goes, and the node below each one that takes the small ones.
        let mut place = vec![0; self.nodes.len()];
        let mut others = vec![None; self.nodes.len()];
        let mut nodes: Vec<OwnerNode> = Vec::new();
        for (at, node) in self.nodes.iter().enumerate() {
            let above = node.parent as usize;
            if is_kept(at) && node.edge != Edge::Other {
                place[at] = nodes.len() as u32;
                nodes.push(OwnerNode { parent: place[above], ..*node });
                continue;
            }
            let is_first = is_kept(above);
            let other = match others[above] {
                Some(other) => other,
                None if is_first => {
                    let other = nodes.len() as u32;
                    nodes.push(OwnerNode::new(place[above], Edge::Other, 0));
                    other
                }
                None => place[above],
            };
            if is_first {
                others[above] = Some(other);
            }
            place[at] = other;
            nodes[other as usize].absorb(node);
        }
        let share = |share: &Share| Share {
            node: place[share.node as usize],
            holder: place[share.holder as usize],
            ..*share
        };
        let is_kept = |share: &&Share| is_kept(share.node as usize);
        let mut shares: Vec<Share> = self.shares.iter().filter(is_kept).map(share).collect();
        // Holders that were counted together are one.
        shares.sort_unstable();
        shares.dedup_by(|next, last| {
            let key = |share: &Share| (share.node, share.holder, share.edge);
            let is_same = key(next) == key(last);
            if is_same {
                last.references = last.references.saturating_add(next.references);
            }
            is_same
        });
        let limit = |limit: &Limit| Limit { node: place[limit.node as usize], ..*limit };
        let mut limits: Vec<Limit> = self.limits.iter().map(limit).collect();
        limits.sort_unstable();
        limits.dedup_by(|next, last| {
            let key = |limit: &Limit| (limit.node, limit.class, limit.field);
            let is_same = key(next) == key(last);
            if is_same {
                last.objects = last.objects.saturating_add(next.objects);
                last.value = last.value.saturating_add(next.value);
            }
            is_same
        });
        let marks = self.marks_at(&place, &nodes);
        let tree = Self {
            names: self.names.clone(),
            nodes,
            shares,
            limits,
            marks,
            marks_below: self.marks_below,
        };
        tree.with_sorted_names().without_idle_limits()
    }

    /// The marks by the new places of the nodes; not those of what is counted together.
    fn marks_at(&self, place: &[u32], nodes: &[OwnerNode]) -> Vec<Mark> {
        let mark = |mark: &Mark| Mark { node: place[mark.node as usize], ..*mark };
        let is_told = |mark: &Mark| nodes[mark.node as usize].edge != Edge::Other;
        let mut marks: Vec<Mark> = self.marks.iter().map(mark).filter(is_told).collect();
        marks.sort_unstable();
        marks
    }

    /// The same tree without limits that are near nothing: in static fields of classes that hold
    /// nothing here, and of objects whose holders are not told.
    fn without_idle_limits(mut self) -> Self {
        let mut used = vec![false; self.names.len().max(1)];
        for node in &self.nodes {
            used[node.class as usize] |= node.is_class;
            if let Edge::Field(class, _) = node.edge {
                used[class as usize] = true;
            }
        }
        for share in &self.shares {
            if let Edge::Field(class, _) = share.edge {
                used[class as usize] = true;
            }
        }
        // Constants of a class are those of the classes in it, too. Names are in order.
        let names = &self.names;
        let is_used = |class: Name| {
            let inside = format!("{}$", names[class as usize]);
            let first = names.partition_point(|name| *name < inside);
            let inside = names[first..].iter().take_while(|name| name.starts_with(&inside)).count();
            used[class as usize] || used[first..first + inside].contains(&true)
        };
        let nodes = &self.nodes;
        let is_told = |limit: &Limit| {
            let node = &nodes[limit.node as usize];
            node.edge != Edge::Other || node.parent != 0
        };
        let mut limits = std::mem::take(&mut self.limits);
        limits.retain(|limit| match limit.node {
            0 => is_used(limit.class),
            _ => is_told(limit),
        });
        Self { limits, ..self }.with_sorted_names()
    }

    /// Drops the names of threads, which may be chosen by users of the application, and the marks of
    /// keys.
    pub fn redact(&mut self) {
        let nameless = |edge: &mut Edge| {
            if let Edge::Thread(name) = edge {
                *name = 0;
            }
        };
        self.nodes.iter_mut().for_each(|node| nameless(&mut node.edge));
        self.shares.iter_mut().for_each(|share| nameless(&mut share.edge));
        self.marks.clear();
        *self = std::mem::take(self).with_sorted_names();
    }

    /// True when nodes come after those above them and all names and nodes are there: what was read
    /// from a file may be anything.
    pub fn is_sound(&self) -> bool {
        let is_name = |name: Name| (name as usize) < self.names.len();
        let is_edge = |edge: Edge| {
            let (first, second) = edge.names();
            first.into_iter().chain(second).all(is_name)
        };
        let is_node = |node: u32| (node as usize) < self.nodes.len();
        let nodes = self.nodes.iter().enumerate();
        nodes.skip(1).all(|(at, node)| (node.parent as usize) < at)
            && self.nodes.iter().all(|node| is_name(node.class) && is_edge(node.edge))
            && self.nodes.first().is_none_or(|top| top.parent == 0 && top.edge == Edge::Top)
            && self
                .shares
                .iter()
                .all(|share| is_node(share.node) && is_node(share.holder) && is_edge(share.edge))
            && self
                .limits
                .iter()
                .all(|limit| is_node(limit.node) && is_name(limit.class) && is_name(limit.field))
            && self.marks.iter().all(|mark| is_node(mark.node))
    }

    /// The same tree with the names in order, and none that is not used.
    pub fn with_sorted_names(self) -> Self {
        let mut used = vec![false; self.names.len().max(1)];
        used[0] = true;
        let mut mark = |edge: Edge| {
            let (first, second) = edge.names();
            first.into_iter().chain(second).for_each(|name| used[name as usize] = true);
        };
        self.nodes.iter().for_each(|node| mark(node.edge));
        self.shares.iter().for_each(|share| mark(share.edge));
        self.nodes.iter().for_each(|node| used[node.class as usize] = true);
        for limit in &self.limits {
            used[limit.class as usize] = true;
            used[limit.field as usize] = true;
        }
        let mut sorted: Vec<Name> = (0..self.names.len() as Name).collect();
        sorted.retain(|name| used[*name as usize]);
        sorted.sort_by(|a, b| self.names[*a as usize].cmp(&self.names[*b as usize]));
        let mut place = vec![0; self.names.len()];
        for (nth, name) in sorted.iter().enumerate() {
            place[*name as usize] = nth as Name;
        }
        let edge = |edge: Edge| edge.map(|name| place[name as usize]);
        let node = |node: OwnerNode| OwnerNode {
            edge: edge(node.edge),
            class: place[node.class as usize],
            ..node
        };
        let share = |share: Share| Share { edge: edge(share.edge), ..share };
        let mut shares: Vec<Share> = self.shares.into_iter().map(share).collect();
        shares.sort_unstable();
        let limit = |limit: Limit| Limit {
            class: place[limit.class as usize],
            field: place[limit.field as usize],
            ..limit
        };
        let mut limits: Vec<Limit> = self.limits.into_iter().map(limit).collect();
        limits.sort_unstable();
        Self {
            nodes: self.nodes.into_iter().map(node).collect(),
            shares,
            limits,
            marks: self.marks,
            marks_below: self.marks_below,
            names: sorted.into_iter().map(|name| self.names[name as usize].clone()).collect(),
        }
    }
}
