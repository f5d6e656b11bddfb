//! What has to be known of each class to read its objects: where references stand, how large
//! instances are, which references do not retain.

mod bounds;
mod keys;
mod object;
mod off_heap;
mod references;

use hashbrown::{HashMap, HashSet};

use crate::index::facts::Writer;
use crate::index::store::{Form, Kind, Level};
use crate::layout::Layout;
use crate::parser::bytes::{align_up, id_of_size, u32_at};
use crate::parser::classes::{ClassIndex, ClassTable};
use crate::parser::heap::HeapRecord;
use crate::parser::ids::ObjectId;
use crate::parser::names;
use crate::parser::tags::FieldType;
use bounds::LimitField;
use object::Body;
use off_heap::Outside;
use references::ReferenceClasses;

pub use object::{ClassCache, Object};
pub use off_heap::{Native, OutsideMemory};
pub use references::retaining_fields;

/// Loaders whose classes are never unloaded (`docs/retained-size.md`).
const BUILT_IN_LOADERS: [&str; 5] = [
    "jdk/internal/loader/ClassLoaders$BootClassLoader",
    "jdk/internal/loader/ClassLoaders$PlatformClassLoader",
    "jdk/internal/loader/ClassLoaders$AppClassLoader",
    "sun/misc/Launcher$ExtClassLoader",
    "sun/misc/Launcher$AppClassLoader",
];
const STACK_CHUNK: &str = "jdk/internal/vm/StackChunk";

/// How to read the instances of one class.
#[derive(Clone, Debug, Default)]
struct InstancePlan {
    /// Index into [`Plans::kinds`].
    kind: u32,
    /// Offsets in the values of the references that retain.
    references: Box<[u32]>,
    /// Offset of `Reference.referent`, and what an object reached through it is at least.
    referent: Option<(u32, Level)>,
    /// Offset of a stack chunk's size in words.
    stack_words: Option<u32>,
    /// The size of memory outside of the heap that the instance will free.
    native: Option<(NumberField, Native)>,
    /// Memory outside of the heap that the instance stands for.
    outside: Option<Outside>,
    /// The number of entries that a collection takes at most.
    bound: Option<NumberField>,
    /// Fields whose names say a limit.
    limits: Box<[LimitField]>,
    /// Where an entry of a map keeps the hash code of its key.
    key_hash: Option<NumberField>,
}

/// A field with a number.
#[derive(Clone, Copy, Debug)]
struct NumberField {
    /// Offset in the values of an instance.
    offset: u32,
    /// Bytes.
    size: u32,
}

impl NumberField {
    fn new(offset: usize, kind: FieldType, id_size: usize) -> Self {
        Self { offset: offset as u32, size: kind.dump_size(id_size) as u32 }
    }

    #[inline(always)]
    fn read(self, values: &[u8]) -> Option<u64> {
        id_of_size(values, self.offset as usize, self.size as usize)
    }

    /// The same; `None` for what is negative as a number with a sign.
    #[inline(always)]
    fn amount(self, values: &[u8]) -> Option<u64> {
        let most = u64::MAX >> (64 - 8 * self.size.clamp(1, 8)) >> 1;
        self.read(values).filter(|value| *value <= most)
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
        let references = ReferenceClasses::new(classes);
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
            let mut plan = InstancePlan {
                kind: kinds.len() as u32,
                stack_words: stack_words(classes, index, id_size),
                native: off_heap::native(classes, index, id_size),
                outside: off_heap::outside(classes, index, id_size),
                bound: bounds::bound(classes, index, id_size),
                limits: bounds::limit_fields(classes, index, id_size),
                key_hash: keys::key_hash(classes, index, id_size),
                ..InstancePlan::default()
            };
            references.plan(classes, index, id_size, &mut plan);
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
        let system_classes = system_classes(classes, loader_class);
        let kept_class = kept_classes(&kinds, classes, &system_classes);
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
                let class = cache.index(self.classes, instance.class)?;
                let plan = &self.instances[class.0 as usize];
                let mut object = Object {
                    id: instance.id,
                    kind: plan.kind,
                    slot: 0,
                    size: self.kinds[plan.kind as usize].size,
                    body: Body::Values(instance.values, class),
                };
                if let Some(offset) = plan.stack_words {
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
                self.array(array.id, kind, array.length, Body::Elements(array.elements))
            }
            HeapRecord::PrimitiveArray(array) => {
                let kind = self.primitives[array.element as usize];
                self.array(array.id, kind, array.length, Body::Plain)
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

    #[inline(always)]
    fn array<'d>(&self, id: ObjectId, kind: u32, length: u32, body: Body<'d>) -> Object<'d> {
        let element = self.kinds[kind as usize].size;
        let size = self.layout.parameters.array_size(length.into(), element);
        Object { id, kind, slot: length, size, body }
    }

    /// The values of an instance, and how to read them; `None` for other objects.
    #[inline(always)]
    fn instance<'d>(&self, object: &Object<'d>) -> Option<(&'d [u8], &InstancePlan)> {
        let Body::Values(values, class) = object.body else { return None };
        Some((values, &self.instances[class.0 as usize]))
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
}

/// Offset of the size of a stack chunk, in words; `None` for other classes.
fn stack_words(classes: &ClassTable, index: ClassIndex, id_size: usize) -> Option<u32> {
    if classes.get(index).name != STACK_CHUNK {
        return None;
    }
    let (offset, kind) = classes.field_offset(index, STACK_CHUNK, "size", id_size)?;
    (kind == FieldType::Int).then_some(offset as u32)
}

/// The class objects that are roots because their classes are never unloaded.
fn system_classes(
    classes: &ClassTable,
    loader_class: &HashMap<ObjectId, ObjectId>,
) -> Vec<ObjectId> {
    let is_built_in = |loader: &ObjectId| {
        let class = loader_class.get(loader).and_then(|class| classes.index_of(*class));
        let name = class.map(|class| classes.get(class).name.as_str());
        loader.is_null() || name.is_some_and(|name| BUILT_IN_LOADERS.contains(&name))
    };
    let loaders: HashSet<ObjectId> =
        classes.classes.iter().map(|class| class.loader).filter(is_built_in).collect();
    classes
        .classes
        .iter()
        .filter(|class| class.dumped && loaders.contains(&class.loader))
        .filter(|class| !names::is_hidden(&class.name))
        .map(|class| class.id)
        .collect()
}

/// The class object that objects of each kind keep alive; 0 where it is a root anyway.
fn kept_classes(kinds: &[Kind], classes: &ClassTable, system_classes: &[ObjectId]) -> Vec<u64> {
    let system_classes: HashSet<ObjectId> = system_classes.iter().copied().collect();
    let kept = |kind: &Kind| {
        let class = classes.get(kind.class.filter(|_| kind.form != Form::Mirror)?);
        (class.dumped && !system_classes.contains(&class.id)).then_some(class.id.0)
    };
    kinds.iter().map(|kind| kept(kind).unwrap_or(0)).collect()
}
