//! What has to be known of each class to read its objects: where references stand, how large
//! instances are, which references do not retain.

use hashbrown::{HashMap, HashSet};

use crate::index::facts::Writer;
use crate::index::limits;
use crate::index::store::{Form, Kind, Level};
use crate::layout::Layout;
use crate::parser::bytes::{align_up, id_of_size, u32_at};
use crate::parser::classes::{Class, ClassIndex, ClassTable};
use crate::parser::heap::HeapRecord;
use crate::parser::ids::{ObjectId, StringId};
use crate::parser::names;
use crate::parser::tags::FieldType;

/// Loaders whose classes are never unloaded (`docs/retained-size.md`).
const BUILT_IN_LOADERS: [&str; 5] = [
    "jdk/internal/loader/ClassLoaders$BootClassLoader",
    "jdk/internal/loader/ClassLoaders$PlatformClassLoader",
    "jdk/internal/loader/ClassLoaders$AppClassLoader",
    "sun/misc/Launcher$ExtClassLoader",
    "sun/misc/Launcher$AppClassLoader",
];
const REFERENCE: &str = "java/lang/ref/Reference";
const STACK_CHUNK: &str = "jdk/internal/vm/StackChunk";

/// How to read the instances of one class.
#[derive(Clone, Debug, Default)]
pub struct InstancePlan {
    /// Index into [`Plans::kinds`].
    kind: u32,
    /// Offsets in the values of the references that retain.
    references: Box<[u32]>,
    /// Offset of `Reference.referent`, and what an object reached through it is at least.
    referent: Option<(u32, Level)>,
    /// Offset of a stack chunk's size in words, and the class.
    stack_words: Option<(u32, ClassIndex)>,
    /// Offset and bytes of the size of memory outside of the heap that the instance will free.
    native: Option<(u32, u32, Native)>,
    /// Memory outside of the heap that the instance stands for.
    outside: Option<Outside>,
    /// Offset and bytes of the number of entries that a collection takes at most.
    bound: Option<(u32, u32)>,
    /// Fields whose names say a limit.
    limits: Box<[LimitField]>,
}

/// A number in a field whose name says that it is a limit.
#[derive(Clone, Copy, Debug)]
pub struct LimitField {
    /// Offset in the values, and bytes.
    offset: u32,
    size: u32,
    pub declared_in: ObjectId,
    pub name: StringId,
}

/// Where an instance says how much memory outside of the heap it stands for.
#[derive(Clone, Copy, Debug)]
struct Outside {
    /// Offset of a reference that is null in all but views of the memory of another object.
    origin: u32,
    /// Offset and bytes of the size.
    size: (u32, u32),
    /// Offset of a reference to what frees it.
    freer: Option<u32>,
}

/// Memory outside of the heap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Native {
    Direct,
    Mapped,
}

/// What frees memory outside of the heap, and says how much: one for each block of memory, while
/// any number of buffers may be views of it.
const FREERS: [(&str, Native); 2] = [
    ("java/nio/DirectByteBuffer$Deallocator", Native::Direct),
    ("sun/nio/ch/FileChannelImpl$Unmapper", Native::Mapped),
];

/// A class, and the name of one of its fields.
type Member = (&'static str, &'static str);

/// What the program holds memory outside of the heap by: the field that is null unless the instance
/// is a view of another's memory, the size, and the field with what frees it, where there is one.
const HOLDERS: [(Member, Member, Option<Member>); 2] = [
    (
        ("java/nio/DirectByteBuffer", "att"),
        ("java/nio/Buffer", "capacity"),
        Some(("java/nio/DirectByteBuffer", "cleaner")),
    ),
    (
        ("org/apache/spark/unsafe/memory/MemoryLocation", "obj"),
        ("org/apache/spark/unsafe/memory/MemoryBlock", "length"),
        None,
    ),
];

/// Memory outside of the heap that an object stands for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct OutsideMemory {
    pub bytes: u64,
    /// False for what somebody else frees: native code, or a library by hand.
    pub is_freed_by_it: bool,
}

/// Fields that declare how many entries a collection takes at most, and a part of the names of the
/// classes that declare them: others pack libraries under names of their own.
const BOUNDS: [(&str, &str); 7] = [
    ("java/util/concurrent/LinkedBlockingQueue", "capacity"),
    ("java/util/concurrent/LinkedBlockingDeque", "capacity"),
    ("google/common/cache/LocalCache", "maxWeight"),
    ("/guava/cache/LocalCache", "maxWeight"),
    ("google/common/collect/EvictingQueue", "maxSize"),
    ("/guava/collect/EvictingQueue", "maxSize"),
    ("benmanes/caffeine/cache/", "maximum"),
];
/// What fields that bound a map which evicts its eldest entry are called, in lower case.
const EVICTION_BOUNDS: [&str; 10] = [
    "max",
    "maxentries",
    "maxsize",
    "maximumsize",
    "maxcapacity",
    "maxelements",
    "capacity",
    "limit",
    "bound",
    "cachesize",
];

/// An object of the dump, read.
#[derive(Clone, Copy, Debug)]
pub struct Object<'d> {
    pub id: ObjectId,
    /// Index into [`Plans::kinds`].
    pub kind: u32,
    /// Length of an array; bytes of what has a size of its own; 0 for others.
    pub slot: u32,
    /// Shallow bytes.
    pub size: u64,
    body: Body<'d>,
}

#[derive(Clone, Copy, Debug)]
enum Body<'d> {
    /// Values and the class's index into [`Plans::instances`].
    Values(&'d [u8], u32),
    Elements(&'d [u8]),
    Plain,
    Mirror(ClassIndex),
}

impl Object<'_> {
    /// True for arrays of objects.
    #[inline(always)]
    pub fn is_array(&self) -> bool {
        matches!(self.body, Body::Elements(_))
    }
}

/// See the module's text.
pub struct Plans<'c> {
    classes: &'c ClassTable,
    layout: &'c Layout<'c>,
    pub kinds: Vec<Kind>,
    instances: Vec<InstancePlan>,
    /// Kind of the arrays of a class.
    arrays: HashMap<ObjectId, u32>,
    /// Kind of the arrays of each primitive type.
    primitives: [u32; 12],
    mirror: u32,
    id_size: usize,
    /// Class objects that are roots because their classes are never unloaded.
    pub system_classes: Vec<ObjectId>,
    /// All sizes are multiples of this.
    pub unit: u64,
    /// The class object that objects of each kind keep alive; 0 where it is a root anyway.
    kept_class: Vec<u64>,
}

impl<'c> Plans<'c> {
    /// Makes the plans. `used` are the classes with instances, with the bytes of their values;
    /// `used_arrays` the classes of object arrays; `loader_class` tells the class of a loader.
    pub fn new(
        layout: &'c Layout<'c>,
        classes: &'c ClassTable,
        writer: Writer,
        id_size: usize,
        used: &[(ObjectId, u64)],
        used_arrays: &[ObjectId],
        loader_class: &HashMap<ObjectId, ObjectId>,
    ) -> Self {
        let mut kinds = Vec::new();
        let mut instances = vec![InstancePlan::default(); classes.classes.len()];
        let references = References::new(classes, id_size);
        for (id, values_length) in used {
            let Some(index) = classes.index_of(*id) else { continue };
            let class = classes.get(index);
            let size = match writer {
                Writer::Android if class.instance_size > 0 => u64::from(class.instance_size),
                _ if class.dumped => layout.instance_size(index),
                _ => {
                    align_up(layout.parameters.header + values_length, layout.parameters.alignment)
                }
            };
            let mut plan = references.of(classes, index);
            plan.kind = kinds.len() as u32;
            if class.name == STACK_CHUNK {
                plan.stack_words = classes
                    .field_offset(index, STACK_CHUNK, "size", id_size)
                    .filter(|(_, kind)| *kind == FieldType::Int)
                    .map(|(offset, _)| (offset as u32, index));
            }
            plan.native = FREERS.iter().find_map(|(freer, native)| {
                let (offset, kind) = classes.field_offset(index, freer, "size", id_size)?;
                Some((offset as u32, kind.dump_size(id_size) as u32, *native))
            });
            plan.outside = outside(classes, index, id_size);
            plan.bound = bound(classes, index, id_size);
            plan.limits = limits(classes, index, id_size);
            let form =
                if plan.stack_words.is_some() { Form::SizedInstance } else { Form::Instance };
            kinds.push(Kind { form, class: Some(index), size });
            instances[index.0 as usize] = plan;
        }
        let mut arrays = HashMap::new();
        let reference = layout.parameters.element_size(None);
        for id in used_arrays {
            arrays.insert(*id, kinds.len() as u32);
            let class = classes.index_of(*id);
            kinds.push(Kind { form: Form::ObjectArray, class, size: reference });
        }
        let mut primitives = [0; 12];
        for element in FieldType::PRIMITIVES {
            let name = format!("[{}", char::from(element.descriptor()));
            let class = classes.named(&name);
            primitives[element as usize] = kinds.len() as u32;
            kinds.push(Kind {
                form: Form::PrimitiveArray(element),
                class,
                size: layout.parameters.element_size(Some(element)),
            });
        }
        let mirror = kinds.len() as u32;
        kinds.push(Kind {
            form: Form::Mirror,
            class: classes.named("java/lang/Class"),
            size: layout.least_mirror(),
        });
        let built_in = |loader: ObjectId| {
            let class = loader_class.get(&loader).and_then(|class| classes.index_of(*class));
            loader.is_null()
                || class.is_some_and(|class| {
                    BUILT_IN_LOADERS.contains(&classes.get(class).name.as_str())
                })
        };
        let loaders: HashSet<ObjectId> =
            classes.classes.iter().map(|class| class.loader).filter(|id| built_in(*id)).collect();
        let system_classes: Vec<ObjectId> = classes
            .classes
            .iter()
            .filter(|class| class.dumped && loaders.contains(&class.loader))
            .filter(|class| !names::is_hidden(&class.name))
            .map(|class| class.id)
            .collect();
        let is_system: HashSet<ObjectId> = system_classes.iter().copied().collect();
        let kept_class = kinds.iter().map(|kind| match (kind.form, kind.class) {
            (Form::Mirror, _) | (_, None) => 0,
            (_, Some(class)) => {
                let class = classes.get(class);
                if class.dumped && !is_system.contains(&class.id) { class.id.0 } else { 0 }
            }
        });
        let kept_class = kept_class.collect();
        let unit = if writer == Writer::HotSpot { layout.parameters.alignment } else { 1 };
        Self {
            classes,
            layout,
            kinds,
            instances,
            arrays,
            primitives,
            mirror,
            id_size,
            system_classes,
            unit,
            kept_class,
        }
    }

    /// How many classes there are.
    pub fn classes(&self) -> usize {
        self.classes.classes.len()
    }

    /// The kinds of what the JVM fills holes in the heap with (`int[]`), and of class objects.
    pub fn held_by_jvm(&self) -> [u32; 2] {
        [self.primitives[FieldType::Int as usize], self.mirror]
    }

    /// Reads a record; `None` for what is no object.
    #[inline(always)]
    pub fn object<'d>(
        &self,
        record: &HeapRecord<'d>,
        cache: &mut ClassCache,
    ) -> Option<Object<'d>> {
        let object = match record {
            HeapRecord::Instance(instance) => {
                let index = cache.index(self.classes, instance.class)?;
                let plan = &self.instances[index as usize];
                let mut object = Object {
                    id: instance.id,
                    kind: plan.kind,
                    slot: 0,
                    size: self.kinds[plan.kind as usize].size,
                    body: Body::Values(instance.values, index),
                };
                if let Some((offset, class)) = plan.stack_words {
                    // A size that is no int is no size.
                    let words = u32_at(instance.values, offset as usize).unwrap_or(0);
                    object.size = self.layout.stack_chunk_size(class, u64::from(words));
                    object.slot = u32::try_from(object.size).unwrap_or(u32::MAX);
                }
                object
            }
            HeapRecord::ObjectArray(array) => {
                let kind = match cache.array {
                    (class, kind) if class == array.class => kind,
                    _ => *self.arrays.get(&array.class)?,
                };
                cache.array = (array.class, kind);
                let element = self.kinds[kind as usize].size;
                Object {
                    id: array.id,
                    kind,
                    slot: array.length,
                    size: self.layout.parameters.array_size(array.length.into(), element),
                    body: Body::Elements(array.elements),
                }
            }
            HeapRecord::PrimitiveArray(array) => {
                let kind = self.primitives[array.element as usize];
                let element = self.kinds[kind as usize].size;
                Object {
                    id: array.id,
                    kind,
                    slot: array.length,
                    size: self.layout.parameters.array_size(array.length.into(), element),
                    body: Body::Plain,
                }
            }
            HeapRecord::Class(class) => {
                let index = self.classes.index_of(class.id)?;
                let size = self.layout.mirror_size(self.classes.get(index));
                Object {
                    id: class.id,
                    kind: self.mirror,
                    slot: u32::try_from(size).unwrap_or(u32::MAX),
                    size,
                    body: Body::Mirror(index),
                }
            }
            HeapRecord::Root(_) | HeapRecord::HeapInfo { .. } => return None,
        };
        Some(object).filter(|object| !object.id.is_null())
    }

    /// Gives the ids that an object refers to in a way that retains, with repetitions.
    #[inline(always)]
    pub fn references(&self, object: &Object<'_>, mut give: impl FnMut(u64)) {
        let id_size = self.id_size;
        give(self.kept_class[object.kind as usize]);
        match object.body {
            Body::Values(values, class) => {
                for offset in &self.instances[class as usize].references {
                    give(id_of_size(values, *offset as usize, id_size).unwrap_or(0));
                }
            }
            Body::Elements(elements) => {
                if id_size == 8 {
                    for element in elements.chunks_exact(8) {
                        give(id_of_size(element, 0, 8).unwrap_or(0));
                    }
                } else {
                    for element in elements.chunks_exact(4) {
                        give(id_of_size(element, 0, 4).unwrap_or(0));
                    }
                }
            }
            Body::Plain => {}
            Body::Mirror(class) => {
                let class = self.classes.get(class);
                for field in class.statics.iter().filter(|field| field.kind == FieldType::Object) {
                    give(field.value);
                }
                give(class.superclass.map_or(0, |above| self.classes.get(above).id.0));
                give(class.loader.0);
                give(class.signers.0);
                give(class.protection_domain.0);
            }
        }
    }

    /// Memory outside of the heap that an object will free: bytes and what it is.
    #[inline(always)]
    pub fn native(&self, object: &Object<'_>) -> Option<(u64, Native)> {
        let Body::Values(values, class) = object.body else { return None };
        let (offset, size, native) = self.instances[class as usize].native?;
        Some((id_of_size(values, offset as usize, size as usize)?, native))
    }

    /// Memory outside of the heap that an object stands for: a buffer, not a view of one.
    #[inline(always)]
    pub fn outside(&self, object: &Object<'_>) -> Option<OutsideMemory> {
        let Body::Values(values, class) = object.body else { return None };
        let outside = self.instances[class as usize].outside?;
        let origin = id_of_size(values, outside.origin as usize, self.id_size)?;
        let (offset, size) = outside.size;
        let bytes = id_of_size(values, offset as usize, size as usize)?;
        let freer = outside.freer.and_then(|at| id_of_size(values, at as usize, self.id_size));
        let is_freed_by_it = freer != Some(0);
        (origin == 0 && bytes > 0).then_some(OutsideMemory { bytes, is_freed_by_it })
    }

    /// The number of entries that a collection declares to take at most, if it does.
    #[inline(always)]
    pub fn bound(&self, object: &Object<'_>) -> Option<u64> {
        let Body::Values(values, class) = object.body else { return None };
        let (offset, size) = self.instances[class as usize].bound?;
        let bound = id_of_size(values, offset as usize, size as usize)?;
        is_limit(bound).then_some(bound)
    }

    /// Gives the class of an instance, and the numbers in its fields whose names say a limit, each
    /// with the place of the field in [`Self::limit_fields`].
    #[inline(always)]
    pub fn limits(&self, object: &Object<'_>, mut give: impl FnMut(ClassIndex, u32, u64)) {
        let Body::Values(values, class) = object.body else { return };
        for (nth, field) in self.instances[class as usize].limits.iter().enumerate() {
            let value = id_of_size(values, field.offset as usize, field.size as usize);
            if let Some(value) = value.filter(|value| is_limit(*value)) {
                give(ClassIndex(class), nth as u32, value);
            }
        }
    }

    /// The fields of a class whose names say a limit.
    pub fn limit_fields(&self, class: ClassIndex) -> &[LimitField] {
        &self.instances[class.0 as usize].limits
    }

    /// True for arrays whose elements lie about: hash tables. What fills a ring, or a pool, lies
    /// together, and only of these the length says how much they take.
    #[inline(always)]
    pub fn is_scattered(&self, object: &Object<'_>) -> bool {
        /// Shorter arrays tell little.
        const LEAST: u32 = 64;
        /// Changes from elements to holes, or back, around the array.
        const MOST_CHANGES: u32 = 4;
        let Body::Elements(elements) = object.body else { return false };
        if object.slot < LEAST {
            return false;
        }
        let is_hole = |element: &[u8]| id_of_size(element, 0, self.id_size) == Some(0);
        let mut elements = elements.chunks_exact(self.id_size).map(is_hole);
        let Some(first) = elements.next() else { return false };
        let (mut last, mut changes) = (first, 0);
        for is_hole in elements {
            changes += u32::from(is_hole != last);
            last = is_hole;
            if changes > MOST_CHANGES {
                return true;
            }
        }
        false
    }

    /// True when objects of a kind keep a class object alive that might go without them.
    pub fn keeps_class(&self, kind: usize) -> bool {
        self.kept_class[kind] != 0
    }

    /// Shallow bytes of an object of a kind, with its slot where it has one.
    #[inline(always)]
    pub fn shallow(&self, kind: usize, slot: u32) -> u64 {
        let kind = self.kinds[kind];
        match kind.form {
            Form::Instance => kind.size,
            Form::SizedInstance | Form::Mirror => slot.into(),
            Form::ObjectArray | Form::PrimitiveArray(_) => {
                self.layout.parameters.array_size(slot.into(), kind.size)
            }
        }
    }

    /// What a reference object refers to without retaining it, and how.
    #[inline(always)]
    pub fn referent(&self, object: &Object<'_>) -> Option<(u64, Level)> {
        let Body::Values(values, class) = object.body else { return None };
        let (offset, level) = self.instances[class as usize].referent?;
        let id = id_of_size(values, offset as usize, self.id_size)?;
        (id != 0).then_some((id, level))
    }
}

/// False for negative numbers and the largest integer, which mean that there is no limit.
pub fn is_limit(value: u64) -> bool {
    0 < value && value < i32::MAX as u64
}

/// The fields of a class of the program or a library whose names say a limit.
fn limits(classes: &ClassTable, index: ClassIndex, id_size: usize) -> Box<[LimitField]> {
    let mut found = Vec::new();
    let mut offset = 0;
    for class in classes.fielded_chain(index) {
        let is_jdk = is_jdk(&class.name);
        for field in &class.fields {
            let size = field.kind.dump_size(id_size) as u32;
            let is_number = matches!(field.kind, FieldType::Int | FieldType::Long);
            let says_limit = || {
                let name = classes.symbols.text(field.name);
                name.is_some_and(|name| limits::says_limit(&name))
            };
            if is_number && !is_jdk && says_limit() {
                found.push(LimitField { offset, size, declared_in: class.id, name: field.name });
            }
            offset += size;
        }
    }
    found.into()
}

/// True for classes of the JDK, by internal names.
fn is_jdk(name: &str) -> bool {
    ["java/", "jdk/", "sun/", "javax/", "com/sun/"].iter().any(|prefix| name.starts_with(prefix))
}

fn outside(classes: &ClassTable, index: ClassIndex, id_size: usize) -> Option<Outside> {
    HOLDERS.iter().find_map(|((holder, origin), (sized, size), freer)| {
        let (origin, _) = classes.field_offset(index, holder, origin, id_size)?;
        let (offset, kind) = classes.field_offset(index, sized, size, id_size)?;
        let size = (offset as u32, kind.dump_size(id_size) as u32);
        let freer = freer.and_then(|(class, field)| {
            classes.field_offset(index, class, field, id_size).map(|(at, _)| at as u32)
        });
        Some(Outside { origin: origin as u32, size, freer })
    })
}

/// Where an instance declares how many entries it takes at most: in a field of a class that is known
/// to, or one of a class of the program's own above `LinkedHashMap`, which evicts its eldest entry.
fn bound(classes: &ClassTable, index: ClassIndex, id_size: usize) -> Option<(u32, u32)> {
    let is_eldest_evicting =
        classes.fielded_chain(index).skip(1).any(|class| class.name == "java/util/LinkedHashMap");
    let mut at = 0;
    for class in classes.fielded_chain(index) {
        for field in &class.fields {
            let size = field.kind.dump_size(id_size) as u32;
            let name = classes.symbols.text(field.name).unwrap_or_default();
            let is_number = matches!(field.kind, FieldType::Int | FieldType::Long);
            let is_known = BOUNDS
                .iter()
                .any(|(declared_in, bound)| class.name.contains(declared_in) && name == *bound);
            // A variable that is captured is called whatever it was called.
            let is_own = is_eldest_evicting
                && !class.name.starts_with("java/")
                && (name.starts_with("val$")
                    || EVICTION_BOUNDS.contains(&name.to_lowercase().as_str()));
            if is_number && (is_known || is_own) {
                return Some((at, size));
            }
            at += size;
        }
    }
    None
}

/// The reference fields of a class that retain, in the order of [`Plans::references`]: the class
/// that declares each, and its name.
pub fn retaining_fields(
    classes: &ClassTable,
    index: ClassIndex,
) -> impl Iterator<Item = (&Class, &[u8])> {
    let reference = classes.named(REFERENCE);
    classes.fielded_chain(index).flat_map(move |class| {
        let is_reference = reference.is_some_and(|above| classes.get(above).id == class.id);
        class.fields.iter().filter_map(move |field| {
            let name = classes.symbols.bytes(field.name).unwrap_or(b"?");
            let is_left_out = is_reference && matches!(name, b"referent" | b"discovered");
            (field.kind == FieldType::Object && !is_left_out).then_some((class, name))
        })
    })
}

/// Remembers the classes of the objects just read.
pub struct ClassCache {
    slots: Box<[(ObjectId, u32)]>,
    array: (ObjectId, u32),
}

impl Default for ClassCache {
    fn default() -> Self {
        Self { slots: vec![(ObjectId::NULL, 0); 1 << 10].into(), array: (ObjectId::NULL, 0) }
    }
}

impl ClassCache {
    #[inline(always)]
    fn index(&mut self, classes: &ClassTable, id: ObjectId) -> Option<u32> {
        let slots = self.slots.len();
        let slot = &mut self.slots[(id.0 >> 3 ^ id.0 >> 13) as usize % slots];
        if slot.0 != id || id.is_null() {
            *slot = (id, classes.index_of(id)?.0);
        }
        Some(slot.1)
    }
}

/// Where references stand in instances.
struct References {
    reference: Option<ClassIndex>,
    kinds: [(Option<ClassIndex>, Level); 4],
    id_size: usize,
}

impl References {
    fn new(classes: &ClassTable, id_size: usize) -> Self {
        let of = |name: &str, level| (classes.named(name), level);
        Self {
            reference: classes.named(REFERENCE),
            kinds: [
                of("java/lang/ref/SoftReference", Level::Soft),
                of("java/lang/ref/PhantomReference", Level::Phantom),
                of("java/lang/ref/FinalReference", Level::Phantom),
                of(REFERENCE, Level::Weak),
            ],
            id_size,
        }
    }

    fn of(&self, classes: &ClassTable, index: ClassIndex) -> InstancePlan {
        let mut plan = InstancePlan::default();
        let mut references = Vec::new();
        let mut at = 0;
        for class in classes.fielded_chain(index) {
            let is_reference =
                self.reference.is_some_and(|reference| classes.get(reference).id == class.id);
            for field in &class.fields {
                if field.kind == FieldType::Object {
                    let name = classes.symbols.bytes(field.name);
                    match name {
                        Some(b"referent") if is_reference => {
                            plan.referent = Some((at, self.level(classes, index)));
                        }
                        Some(b"discovered") if is_reference => {}
                        _ => references.push(at),
                    }
                }
                at += field.kind.dump_size(self.id_size) as u32;
            }
        }
        plan.references = references.into();
        plan
    }

    /// How instances of a subclass of `Reference` hold their referents.
    fn level(&self, classes: &ClassTable, index: ClassIndex) -> Level {
        let mut next = Some(index);
        while let Some(class) = next {
            if let Some((_, level)) = self.kinds.iter().find(|(kind, _)| *kind == Some(class)) {
                return *level;
            }
            next = classes.get(class).superclass;
        }
        Level::Weak
    }
}
