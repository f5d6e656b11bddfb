//! What objects declare of how much they take at most: bounds of collections, limits in fields that
//! are called so, arrays that are filled from the start.

use super::object::{Body, Object};
use super::{NumberField, Plans};
use crate::index::build::roles::is_of_collections;
use crate::index::limits::{is_limit, says_count, says_limit, says_total};
use crate::parser::bytes::id_of_size;
use crate::parser::classes::{ClassIndex, ClassTable};
use crate::parser::ids::{ObjectId, StringId};
use crate::parser::tags::FieldType;

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

/// Fields of the JDK that say how many threads there are at most.
const POOLS: [(&str, &str); 3] = [
    ("java/util/concurrent/ThreadPoolExecutor", "maximumPoolSize"),
    ("java/util/concurrent/ThreadPoolExecutor", "corePoolSize"),
    ("java/util/concurrent/ForkJoinPool", "parallelism"),
];

/// A number in a field whose name says that it is a limit, or how much there is now.
#[derive(Clone, Copy, Debug)]
pub struct LimitField {
    number: NumberField,
    pub declared_in: ObjectId,
    pub name: StringId,
}

/// The fields of a class of the program or a library whose names say a limit, and of one with such
/// fields those whose names say how much there is now.
pub(super) fn limit_fields(
    classes: &ClassTable,
    index: ClassIndex,
    id_size: usize,
) -> Box<[LimitField]> {
    let named: Vec<_> = classes
        .placed_fields(index, id_size)
        .filter(|(.., field)| is_number(field.kind))
        .filter_map(|(offset, class, field)| {
            let name = classes.symbols.text(field.name)?;
            Some((offset, class, field, name))
        })
        .collect();
    let is_limit = |class: &str, name: &str| match is_jdk(class) {
        true => POOLS.contains(&(class, name)),
        false => !is_of_collections(class) && (says_limit(name) || says_total(name)),
    };
    if !named.iter().any(|(_, class, _, name)| is_limit(&class.name, name)) {
        return Box::default();
    }
    let is_count = |class: &str, name: &str| !is_jdk(class) && says_count(name);
    named
        .iter()
        .filter(|(_, class, _, name)| is_limit(&class.name, name) || is_count(&class.name, name))
        .map(|(offset, class, field, _)| LimitField {
            number: NumberField::new(*offset, field.kind, id_size),
            declared_in: class.id,
            name: field.name,
        })
        .collect()
}

/// Where an instance declares how many entries it takes at most: in a field of a class that is known
/// to, or one of a class of the program's own above `LinkedHashMap`, which evicts its eldest entry.
pub(super) fn bound(
    classes: &ClassTable,
    index: ClassIndex,
    id_size: usize,
) -> Option<NumberField> {
    let is_eldest_evicting =
        classes.fielded_chain(index).skip(1).any(|class| class.name == "java/util/LinkedHashMap");
    let mut numbers =
        classes.placed_fields(index, id_size).filter(|(.., field)| is_number(field.kind));
    let (offset, _, field) = numbers.find(|(_, class, field)| {
        let name = classes.symbols.text(field.name).unwrap_or_default();
        let is_known = BOUNDS
            .iter()
            .any(|(declared_in, bound)| class.name.contains(declared_in) && name == *bound);
        // A variable that is captured is called whatever it was called.
        let is_own = is_eldest_evicting
            && !class.name.starts_with("java/")
            && (name.starts_with("val$")
                || EVICTION_BOUNDS.contains(&name.to_lowercase().as_str()));
        is_known || is_own
    })?;
    Some(NumberField::new(offset, field.kind, id_size))
}

fn is_number(kind: FieldType) -> bool {
    matches!(kind, FieldType::Int | FieldType::Long)
}

/// True for classes of the JDK, by internal names.
fn is_jdk(name: &str) -> bool {
    ["java/", "jdk/", "sun/", "javax/", "com/sun/"].iter().any(|prefix| name.starts_with(prefix))
}

impl Plans<'_> {
    /// The number of entries that a collection declares to take at most, if it does.
    #[inline(always)]
    pub fn bound(&self, object: &Object<'_>) -> Option<u64> {
        let (values, plan) = self.instance(object)?;
        plan.bound?.amount(values).filter(|bound| is_limit(*bound))
    }

    /// Gives the class of an instance, and the numbers in its fields whose names say a limit, each
    /// with the place of the field in [`Self::limit_fields`].
    #[inline(always)]
    pub fn limits(&self, object: &Object<'_>, mut give: impl FnMut(ClassIndex, u32, u64)) {
        let Body::Values(values, class) = object.body else { return };
        for (field, nth) in self.limit_fields(class).iter().zip(0..) {
            if let Some(value) = field.number.amount(values).filter(|value| is_limit(*value)) {
                give(class, nth, value);
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
}
