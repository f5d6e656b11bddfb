//! What is declared of how much the objects of a node take at most.

use std::collections::BTreeMap;

use super::merge::Merging;
use crate::index::array::Cell;
use crate::index::build::roles::{is_jdk, is_of_collections};
use crate::index::limits::{self, is_limit};
use crate::index::owners::{Limit, Name};
use crate::parser::classes::ClassIndex;
use crate::parser::tags::FieldType;

/// True for numbers that may be limits: no negative ones.
fn is_amount(kind: FieldType, value: u64) -> bool {
    match kind {
        FieldType::Int => value <= i32::MAX as u64 && is_limit(value),
        FieldType::Long => is_limit(value),
        _ => false,
    }
}

/// True for names of limits, and of totals.
fn says(name: &str) -> bool {
    limits::says_limit(name) || limits::says_total(name)
}

impl<C: Cell> Merging<'_, '_, C> {
    /// Adds up by node what objects declare to take at most.
    pub fn add_bounds(&mut self) {
        let bounds = &self.owners.references.bounds;
        for (object, bound) in &bounds.declared {
            let node = self.node(*object as usize);
            let merged = &mut self.nodes[node as usize];
            merged.bounded += 1;
            merged.bound += bound;
        }
        for object in &bounds.scattered {
            let object = *object as usize;
            let node = self.node(object) as usize;
            // What collections are made of is not counted as an array.
            if self.nodes[node].class == self.roles.class_of_kind[self.kind(object)] << 1 {
                self.nodes[node].bounded = self.nodes[node].bounded.saturating_sub(1);
            }
        }
    }

    /// Numbers in fields whose names say a limit, by node and field; those in static fields first.
    pub fn limits(&mut self) -> Vec<Limit> {
        let owners = self.owners;
        let classes = owners.classes;
        let mut sums: BTreeMap<(u32, Name, Name), (u64, u64)> = BTreeMap::new();
        for index in (0..classes.classes.len() as u32).map(ClassIndex) {
            let class = classes.get(index);
            let name = self.roles.mirrored(classes, index, &mut self.names);
            if is_jdk(self.names.text(name)) || is_of_collections(&class.name) {
                continue;
            }
            for field in &class.statics {
                let text = classes
                    .symbols
                    .text(field.name)
                    .filter(|text| is_amount(field.kind, field.value) && says(text));
                if let Some(text) = text {
                    let field_name = self.names.of(&text);
                    // Of several classes of one name, in several loaders, the least counts.
                    let sum = sums.entry((0, name, field_name)).or_insert((1, field.value));
                    sum.1 = sum.1.min(field.value);
                }
            }
        }
        for (class, limits) in &owners.references.bounds.limits {
            let fields = owners.plans.limit_fields(*class);
            let names: Vec<Option<(Name, Name)>> = fields
                .iter()
                .map(|field| {
                    let class = classes.index_of(field.declared_in)?;
                    let class = self.roles.mirrored(classes, class, &mut self.names);
                    Some((class, self.names.of(&classes.symbols.text(field.name)?)))
                })
                .collect();
            for (object, field, value) in limits {
                if let Some((class, field)) = names[*field as usize] {
                    let key = (self.node(*object as usize), class, field);
                    let sum = sums.entry(key).or_default();
                    *sum = (sum.0 + 1, sum.1 + value);
                }
            }
        }
        let limit =
            |((node, class, field), (objects, value))| Limit { node, class, field, objects, value };
        sums.into_iter().map(limit).collect()
    }
}
