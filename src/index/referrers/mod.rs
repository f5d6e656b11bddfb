//! Who refers to an object, and the way from a root to it.
//!
//! The index tells which objects refer to an object: of one that was peeled, it is its dominator, of
//! the others, those that the stored graph and the referents of reference objects name. They are read
//! from the dump for the fields. What the index does not know is found by a walk over the dump: who
//! refers to a root, and who refers to very many objects at once.

mod collector;
mod path;
mod roots;
mod search;

use super::heap::Heap;

pub use path::{Step, Trace, trace};
pub use roots::Roots;
pub use search::{Lookup, Tracer};

/// References to one object that are kept; all are counted.
const KEPT: usize = 1000;
/// The class of reference objects.
const REFERENCE: &str = "java.lang.ref.Reference";

/// How an object refers to another one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Link {
    /// By the field at this place in the values of an instance.
    Field(u32),
    Element(u32),
    /// By the static field of this number.
    Static(u32),
    Superclass,
    Loader,
    Signers,
    ProtectionDomain,
    /// As what it is an instance of.
    Class,
}

/// What a reference does for its object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Strength {
    Retains,
    /// `Reference.referent`: the object is at least as reachable as that says.
    Referent,
    /// `Reference.discovered`, by which the garbage collector lists reference objects.
    Discovered,
}

/// A reference.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Reference {
    pub to: u64,
    pub from: u64,
    pub link: Link,
    pub strength: Strength,
}

/// References to an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Referrers {
    /// Those of the lowest 1,000 referring objects and of the lowest 1,000 that end a search, in
    /// order.
    pub references: Vec<Reference>,
    pub total: u64,
}

impl Heap<'_> {
    /// The name of a reference, as a field or an index.
    pub fn link_name(&self, from: u64, link: Link) -> String {
        let instance_class = || {
            let (_, kind) = self.index.kind(from)?;
            self.classes.all.get(kind.class?.0 as usize)
        };
        match link {
            Link::Field(offset) => {
                let name = instance_class().and_then(|class| {
                    let mut fields = self.classes.fields(class, self.id_size);
                    fields.find(|field| field.offset == offset as usize).map(|field| field.name)
                });
                format!(".{}", name.unwrap_or("?"))
            }
            Link::Element(nth) => format!("[{nth}]"),
            Link::Static(nth) => {
                let class = self.classes.by_id(self.index.id(from));
                let field = class.and_then(|class| class.statics.get(nth as usize));
                format!("static .{}", field.map_or("?", |(name, ..)| name.as_str()))
            }
            Link::Superclass => "<superclass>".to_owned(),
            Link::Loader => "<class loader>".to_owned(),
            Link::Signers => "<signers>".to_owned(),
            Link::ProtectionDomain => "<protection domain>".to_owned(),
            Link::Class => "<class>".to_owned(),
        }
    }
}
