//! Containers of the program's own, and of libraries that no list names: classes that are to the
//! program what collections are, told by what they are made of and who uses them.
//!
//! Such a class has nothing but arrays and nodes of its own, of which something takes whatever is put
//! in, and its instances are held by different fields. What grows in one of them is then said of the
//! field that holds it. A class that is used in one place only is what it is named after, and so is
//! one that has anything else: both keep what grows in them.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashSet;

use super::label::{is_lambda, is_transparent};
use super::union::{Node, Union};
use crate::index::owners::{Edge, Name};

/// A field by the class that declares it.
type Field = (Name, Name);

/// See the module's text.
#[derive(Default)]
pub struct Containers {
    classes: HashSet<Name>,
    entries: HashSet<Name>,
}

impl Containers {
    /// Looks at all classes of a union.
    pub fn of(union: &Union<'_>) -> Self {
        let search = Search::new(union);
        let mut containers = Self::default();
        for class in search.held.keys().copied() {
            if let Some(entries) = search.entries(class).filter(|_| search.is_widely_used(class)) {
                containers.classes.insert(class);
                containers.entries.extend(entries);
            }
        }
        containers
    }

    /// True for containers and their entries, whose fields say nothing about who the owner is.
    pub fn is_structure(&self, class: Name) -> bool {
        self.classes.contains(&class) || self.entries.contains(&class)
    }

    /// The same by the text of a name.
    pub fn has(&self, union: &Union<'_>, class: &str) -> bool {
        let name = union.names.binary_search(&class);
        name.is_ok_and(|name| self.is_structure(name as Name))
    }

    /// True for what a container is made of: its entries, and the arrays that it has by a field.
    pub fn is_part(&self, union: &Union<'_>, node: u32) -> bool {
        let Node { parent, edge, class, .. } = union.nodes[node as usize];
        let of_container = || self.is_structure(union.nodes[parent as usize].class);
        let is_array = || union.name(class).ends_with("[]") && matches!(edge, Edge::Field(..));
        self.entries.contains(&class) || (is_array() && of_container())
    }

    /// Entries of the container at a node, by dump; `None` where it is none, and where containers in
    /// containers are merged with it, so that nobody can tell whose entries they are. What is in one
    /// array and what is in another beside it, keys and values, are the same entries.
    pub fn entries(&self, union: &Union<'_>, node: u32, elements: &[u64]) -> Option<Vec<u64>> {
        let mut most = vec![0; union.dumps];
        for part in self.parts(union, node) {
            let within = &elements[part as usize * union.dumps..][..union.dumps];
            let linked = self.linked(union, part);
            let is_array = union.name(union.nodes[part as usize].class).ends_with("[]");
            for (dump, most) in most.iter_mut().enumerate() {
                let (of_part, of_node) = (union.amounts(part)[dump], union.amounts(node)[dump]);
                if is_array && of_part.objects > of_node.objects {
                    return None;
                }
                let entries = if is_array { within[dump] } else { of_part.objects };
                *most = (entries + linked[dump]).max(*most);
            }
        }
        Some(most)
    }

    /// What the container at a node has by its fields.
    pub fn parts(&self, union: &Union<'_>, node: u32) -> Vec<u32> {
        match self.classes.contains(&union.nodes[node as usize].class) {
            true => union.children(node).filter(|part| self.is_part(union, *part)).collect(),
            false => Vec::new(),
        }
    }

    /// Entries that other entries, or those in an array, are linked to, by dump.
    fn linked(&self, union: &Union<'_>, part: u32) -> Vec<u64> {
        let mut linked = vec![0; union.dumps];
        let mut next = vec![part];
        while let Some(at) = next.pop() {
            for entry in union.children(at) {
                let Node { edge, class, .. } = union.nodes[entry as usize];
                if !self.entries.contains(&class) {
                    continue;
                }
                next.push(entry);
                if matches!(edge, Edge::Field(..)) {
                    let objects = union.amounts(entry).iter().map(|amounts| amounts.objects);
                    linked.iter_mut().zip(objects).for_each(|(sum, objects)| *sum += objects);
                }
            }
        }
        linked
    }
}

/// What the fields of classes lead to.
struct Search<'u, 'a> {
    union: &'u Union<'a>,
    /// What instances of a class hold, by field.
    held: BTreeMap<Name, BTreeSet<(Field, Name)>>,
    /// The fields that hold instances of a class.
    holders: BTreeMap<Name, BTreeSet<Field>>,
    /// Nodes of a class.
    places: BTreeMap<Name, Vec<u32>>,
}

/// What a reference of a container leads to.
enum Target {
    /// Takes whatever is put in.
    Anything,
    /// Numbers and the like.
    Values,
    /// Its own entries, or arrays of them.
    Part(Name),
    /// What is of no weight: itself, locks, functions.
    Aside,
}

impl<'u, 'a> Search<'u, 'a> {
    fn new(union: &'u Union<'a>) -> Self {
        let mut search = Self {
            union,
            held: BTreeMap::new(),
            holders: BTreeMap::new(),
            places: BTreeMap::new(),
        };
        for (nth, node) in union.nodes.iter().enumerate().skip(1).filter(|(_, n)| !n.is_class) {
            search.places.entry(node.class).or_default().push(nth as u32);
            search.add(node.parent, node.edge, node.class);
        }
        for sharer in &union.sharers {
            let node = union.nodes[sharer.node as usize];
            if !node.is_class {
                search.add(sharer.holder, sharer.edge, node.class);
            }
        }
        search
    }

    fn add(&mut self, holder: u32, edge: Edge, class: Name) {
        let holder = self.union.nodes[holder as usize];
        if let Edge::Field(declaring, field) = edge {
            // Of objects that are counted together only the declaring class is known.
            let of = if holder.edge == Edge::Other { declaring } else { holder.class };
            self.held.entry(of).or_default().insert(((declaring, field), class));
        }
        if let Some(field) = field_of(edge, holder.class) {
            self.holders.entry(class).or_default().insert(field);
        }
    }

    /// The classes of the entries, where a class is nothing but a structure.
    fn entries(&self, class: Name) -> Option<BTreeSet<Name>> {
        if class == 0 || is_transparent(self.union.name(class)) {
            return None;
        }
        let (mut takes_anything, mut has_values) = (false, false);
        let mut parts = BTreeSet::new();
        for (field, target) in &self.held[&class] {
            match self.target(class, *field, *target)? {
                Target::Anything => takes_anything = true,
                Target::Values => has_values = true,
                Target::Part(part) => _ = parts.insert(part),
                Target::Aside => {}
            }
        }
        let has_parts = !parts.is_empty();
        let (parts, takes_others) = self.with_linked(class, parts)?;
        let is_of_values = has_values && !has_parts;
        (takes_anything || takes_others || is_of_values).then_some(parts)
    }

    /// What a field of `class` leads to; `None` for what no structure has.
    fn target(&self, class: Name, field: Field, target: Name) -> Option<Target> {
        let name = self.union.name(target);
        let element = name.trim_end_matches("[]");
        let is_around = self.union.name(field.1).starts_with("this$");
        if is_around || target == class || is_aside(name) {
            return Some(Target::Aside);
        }
        if element == name {
            return self.is_own(class, target).then_some(Target::Part(target));
        }
        match element {
            "java.lang.Object" => Some(Target::Anything),
            _ if !element.contains('.') && is_primitive(element) => Some(Target::Values),
            _ if is_transparent(element) => Some(Target::Aside),
            _ => {
                let part = self.union.names.binary_search(&element).ok()? as Name;
                self.is_own(class, part).then_some(Target::Part(part))
            }
        }
    }

    /// Entries with those they are linked to, and whether they take whatever is put in: things of
    /// different classes by one field. `None` where others hold entries, too.
    fn with_linked(
        &self,
        class: Name,
        mut parts: BTreeSet<Name>,
    ) -> Option<(BTreeSet<Name>, bool)> {
        let mut takes_anything = false;
        let mut next: Vec<Name> = parts.iter().copied().collect();
        while let Some(part) = next.pop() {
            let mut payload: BTreeSet<(Field, Name)> = BTreeSet::new();
            for (field, target) in self.held.get(&part).into_iter().flatten() {
                match self.target(class, *field, *target) {
                    Some(Target::Part(linked)) if linked == part => {}
                    Some(Target::Part(linked)) if self.is_held_within(class, &parts, linked) => {
                        if parts.insert(linked) {
                            next.push(linked);
                        }
                    }
                    Some(Target::Anything) => takes_anything = true,
                    _ => _ = payload.insert((*field, *target)),
                }
            }
            let fields: Vec<Field> = payload.iter().map(|(field, _)| *field).collect();
            takes_anything |= fields.windows(2).any(|pair| pair[0] == pair[1]);
        }
        let is_within = parts.iter().all(|part| self.is_held_within(class, &parts, *part));
        is_within.then_some((parts, takes_anything))
    }

    /// True for what no fields but those of a container and its parts hold.
    fn is_held_within(&self, class: Name, parts: &BTreeSet<Name>, held: Name) -> bool {
        let mut holders = self.holders.get(&held).into_iter().flatten();
        holders.all(|(of, _)| self.is_inside(class, parts, *of))
    }

    /// True for a container, its parts and what is inside of its class: iterators, views.
    fn is_inside(&self, class: Name, parts: &BTreeSet<Name>, of: Name) -> bool {
        let name = self.union.name(of);
        let inner = name.strip_prefix(self.union.name(class));
        of == class
            || parts.contains(&of)
            || inner.is_some_and(|inner| inner.starts_with('$'))
            || is_transparent(name)
    }

    /// True for classes in one outermost class.
    fn is_own(&self, class: Name, other: Name) -> bool {
        let outermost = |name: Name| self.union.name(name).split('$').next();
        outermost(class) == outermost(other)
    }

    /// True when different fields hold different instances.
    fn is_widely_used(&self, class: Name) -> bool {
        let none = BTreeSet::new();
        let is_outside = |field: &Field| {
            !is_transparent(self.union.name(field.0)) && !self.is_inside(class, &none, field.0)
        };
        let mut seen: HashSet<Vec<Field>> = HashSet::new();
        for place in self.places.get(&class).into_iter().flatten() {
            let mut fields: Vec<(Field, u64)> = self.fields_of(*place);
            fields.retain(|(field, _)| is_outside(field));
            if self.are_several(*place, &fields) {
                return true;
            }
            let fields: Vec<Field> = fields.into_iter().map(|(field, _)| field).collect();
            let others = |other: &Vec<Field>| fields.iter().all(|field| !other.contains(field));
            if fields.is_empty() {
                continue;
            }
            if seen.iter().any(others) {
                return true;
            }
            seen.insert(fields);
        }
        false
    }

    /// True when two fields hold different objects of one node, as far as their numbers tell.
    fn are_several(&self, place: u32, fields: &[(Field, u64)]) -> bool {
        let objects = self.union.amounts(place).last().map_or(0, |amounts| amounts.objects);
        let mut fields = fields.iter().filter(|(_, references)| *references > 0);
        let first = fields.next().map_or(0, |(_, references)| *references);
        fields.any(|(_, references)| first + references <= objects)
    }

    /// The fields that hold objects of a node, with their references in the last dump.
    fn fields_of(&self, place: u32) -> Vec<(Field, u64)> {
        let union = self.union;
        let node = union.nodes[place as usize];
        let mut fields: BTreeMap<Field, u64> = BTreeMap::new();
        if let Some(field) = field_of(node.edge, union.nodes[node.parent as usize].class) {
            fields.insert(field, union.amounts(place).last().map_or(0, |amounts| amounts.objects));
        }
        let start = union.sharers.partition_point(|sharer| sharer.node < place);
        let sharers = union.sharers[start..].iter().zip(start..);
        for (sharer, nth) in sharers.take_while(|(sharer, _)| sharer.node == place) {
            let holder = union.nodes[sharer.holder as usize].class;
            if let Some(field) = field_of(sharer.edge, holder) {
                *fields.entry(field).or_default() += union.references(nth).last().unwrap_or(&0);
            }
        }
        fields.into_iter().collect()
    }
}

/// The field that an edge is.
fn field_of(edge: Edge, holder: Name) -> Option<Field> {
    match edge {
        Edge::Field(declaring, field) => Some((declaring, field)),
        Edge::Static(field) => Some((holder, field)),
        _ => None,
    }
}

/// True for what structures have beside what they hold.
fn is_aside(class: &str) -> bool {
    is_lambda(class)
        || class.starts_with("java.util.concurrent.locks.")
        || class.starts_with("java.util.concurrent.atomic.")
}

fn is_primitive(name: &str) -> bool {
    ["boolean", "byte", "char", "short", "int", "long", "float", "double"].contains(&name)
}
