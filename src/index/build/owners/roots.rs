//! How the JVM, the frames of threads and thread locals hold objects.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use super::merge::Merging;
use crate::index::array::Cell;
use crate::index::build::is_of_frame;
use crate::index::build::label;
use crate::index::facts::Thread;
use crate::index::owners::Edge;
use crate::parser::names;
use crate::parser::tags::sub;

impl<C: Cell> Merging<'_, '_, C> {
    /// Says how the JVM and the frames of threads hold objects.
    pub fn name_roots(&mut self) {
        let owners = self.owners;
        let by_serial: HashMap<u32, &Thread> =
            owners.threads.iter().map(|thread| (thread.serial, thread)).collect();
        let mut thread_of: HashMap<u32, u64> = HashMap::new();
        for root in owners.roots {
            if root.kind == sub::ROOT_THREAD_OBJECT {
                let name = by_serial.get(&root.thread).and_then(|thread| thread.name.as_deref());
                let name = self.names.of(&names::without_numbers(name.unwrap_or("")));
                let edge = self.roles.edge(Edge::Thread(name));
                self.tops.insert(root.object, edge);
                thread_of.insert(root.thread, root.object);
            }
        }
        let mut outermost: BTreeMap<(u64, u64), (u32, u32)> = BTreeMap::new();
        for root in owners.roots {
            let thread = thread_of.get(&root.thread).filter(|_| is_of_frame(root.kind));
            // What a frame holds is no root, but held by the thread.
            if thread.is_none() {
                let kind = self.names.of(root_name(root.kind));
                let edge = self.roles.edge(Edge::Root(kind));
                self.tops.entry(root.object).or_insert(edge);
            }
            if let Some(thread) = thread {
                let frame = if root.frame == u32::MAX { 0 } else { root.frame };
                let seen = outermost.entry((*thread, root.object)).or_default();
                *seen = (*seen).max((frame, root.thread));
            }
        }
        for (key, (frame, serial)) in outermost {
            let thread = by_serial.get(&serial);
            let method = thread.and_then(|thread| thread.frames.get(frame as usize));
            let name = self.names.of(&method.map_or_else(String::new, |text| method_of(text)));
            let edge = self.roles.edge(Edge::Local(name));
            self.locals.insert(key, edge);
        }
    }

    /// Says for the entries of maps of thread locals which thread local they are of.
    pub fn name_thread_locals(&mut self) {
        let owners = self.owners;
        // The field that holds each; static ones first, then the first by name.
        let mut fields: HashMap<u64, (bool, String)> = HashMap::new();
        for (holder, key, label) in &self.held.thread_locals {
            if matches!(*label, label::LOCAL | label::ELEMENT) {
                continue;
            }
            let ordinal = |node: u64| owners.ordinals[node as usize].get();
            let (holder, key) = (ordinal(*holder), ordinal(*key));
            let edge = self.reference(holder as usize, *label);
            let (class, field) = match self.roles.edges[edge.index()] {
                Edge::Field(class, field) => (class, field),
                Edge::Static(field) => (self.class_code(holder as usize) >> 1, field),
                _ => continue,
            };
            let is_instance = !matches!(self.roles.edges[edge.index()], Edge::Static(_));
            let text = format!("{}.{}", self.names.text(class), self.names.text(field));
            let name = (is_instance, text);
            let first = fields.entry(key).or_insert_with(|| name.clone());
            if name < *first {
                *first = name;
            }
        }
        let entries: Vec<(u64, u64)> = owners.thread_locals(&self.roles).collect();
        for (entry, key) in entries {
            let name = match fields.get(&key) {
                Some((_, name)) => self.names.of(name),
                None => self.class_code(key as usize) >> 1,
            };
            let edge = self.roles.edge(Edge::ThreadLocal(name));
            self.thread_locals.insert(entry, edge);
        }
    }
}

/// The name of a root kind.
fn root_name(kind: u8) -> &'static str {
    if kind == 0 { "system class" } else { sub::name(kind) }
}

/// `Class.method` of a frame that reads `Class.method(Source:line)`.
fn method_of(frame: &str) -> String {
    let text = frame.split('(').next().unwrap_or(frame);
    match text.rsplit_once('.') {
        Some((class, method)) => {
            format!("{}.{method}", names::stable_name(&names::source_name(class)))
        }
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_named_by_class_and_method() {
        assert_eq!(method_of("java.lang.Object.wait(native method)"), "java.lang.Object.wait");
        assert_eq!(
            method_of("a.B$$Lambda/0x0000000800c03000.run(unknown source)"),
            "a.B$$Lambda.run"
        );
    }
}
