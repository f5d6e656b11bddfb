//! Which fields of instances hold references, and which of these do not retain.

use hashbrown::HashMap;

use super::object::{Body, Object};
use super::{InstancePlan, Plans};
use crate::index::store::Level;
use crate::parser::bytes::id_of_size;
use crate::parser::classes::{Class, ClassIndex, ClassTable};
use crate::parser::tags::FieldType;

const REFERENCE: &str = "java/lang/ref/Reference";
/// How reference objects of a class, and of those below it, hold their referents.
const LEVELS: [(&str, Level); 4] = [
    ("java/lang/ref/SoftReference", Level::Soft),
    ("java/lang/ref/PhantomReference", Level::Phantom),
    ("java/lang/ref/FinalReference", Level::Phantom),
    (REFERENCE, Level::Weak),
];

/// What a reference field does for its object.
#[derive(PartialEq, Eq)]
enum Strength {
    Retains,
    Referent,
    /// `Reference.discovered`, by which the garbage collector lists reference objects.
    Discovered,
}

/// The class `Reference` and those of its subclasses that tell how they hold their referents.
pub(super) struct ReferenceClasses {
    reference: Option<ClassIndex>,
    levels: HashMap<ClassIndex, Level>,
}

impl ReferenceClasses {
    pub fn new(classes: &ClassTable) -> Self {
        let level = |(name, level): &(&str, Level)| Some((classes.named(name)?, *level));
        Self {
            reference: classes.named(REFERENCE),
            levels: LEVELS.iter().filter_map(level).collect(),
        }
    }

    /// Adds to the plan of a class where references stand in its instances.
    pub fn plan(
        &self,
        classes: &ClassTable,
        index: ClassIndex,
        id_size: usize,
        plan: &mut InstancePlan,
    ) {
        let mut references = Vec::new();
        for (offset, class, field) in classes.placed_fields(index, id_size) {
            if field.kind != FieldType::Object {
                continue;
            }
            let name = classes.symbols.bytes(field.name).unwrap_or_default();
            match strength(classes, self.reference, class, name) {
                Strength::Retains => references.push(offset as u32),
                Strength::Referent => {
                    plan.referent = Some((offset as u32, self.level(classes, index)));
                }
                Strength::Discovered => {}
            }
        }
        plan.references = references.into();
    }

    /// How instances of a subclass of `Reference` hold their referents.
    fn level(&self, classes: &ClassTable, index: ClassIndex) -> Level {
        std::iter::successors(Some(index), |class| classes.get(*class).superclass)
            .find_map(|class| self.levels.get(&class).copied())
            .unwrap_or(Level::Weak)
    }
}

fn strength(
    classes: &ClassTable,
    reference: Option<ClassIndex>,
    class: &Class,
    name: &[u8],
) -> Strength {
    let is_reference = reference.is_some_and(|reference| classes.get(reference).id == class.id);
    match name {
        b"referent" if is_reference => Strength::Referent,
        b"discovered" if is_reference => Strength::Discovered,
        _ => Strength::Retains,
    }
}

/// The reference fields of a class that retain, in the order of [`Plans::references`]: the class
/// that declares each, and its name.
pub fn retaining_fields(
    classes: &ClassTable,
    index: ClassIndex,
) -> impl Iterator<Item = (&Class, &[u8])> {
    let reference = classes.named(REFERENCE);
    classes.fielded_chain(index).flat_map(move |class| {
        class.fields.iter().filter(|field| field.kind == FieldType::Object).filter_map(
            move |field| {
                let name = classes.symbols.bytes(field.name).unwrap_or(b"?");
                let retains = strength(classes, reference, class, name) == Strength::Retains;
                retains.then_some((class, name))
            },
        )
    })
}

impl Plans<'_> {
    /// Gives the ids that an object refers to in a way that retains, with repetitions.
    #[inline(always)]
    pub fn references(&self, object: &Object<'_>, mut give: impl FnMut(u64)) {
        give(self.kept_class[object.kind as usize]);
        match object.body {
            Body::Values(values, class) => {
                for offset in &self.instances[class.0 as usize].references {
                    give(id_of_size(values, *offset as usize, self.id_size).unwrap_or(0));
                }
            }
            // A size that the compiler knows.
            Body::Elements(elements) if self.id_size == 8 => each_id::<8>(elements, give),
            Body::Elements(elements) => each_id::<4>(elements, give),
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

    /// What a reference object refers to without retaining it, and how.
    #[inline(always)]
    pub fn referent(&self, object: &Object<'_>) -> Option<(u64, Level)> {
        let (values, plan) = self.instance(object)?;
        let (offset, level) = plan.referent?;
        let id = id_of_size(values, offset as usize, self.id_size)?;
        (id != 0).then_some((id, level))
    }
}

#[inline(always)]
fn each_id<const ID: usize>(elements: &[u8], mut give: impl FnMut(u64)) {
    for element in elements.chunks_exact(ID) {
        give(id_of_size(element, 0, ID).unwrap_or(0));
    }
}
