//! Writes the sections of an index from what the passes left.

use std::io;
use std::path::Path;
use std::sync::atomic::AtomicU64;

use rayon::prelude::*;

use super::finish::Finished;
use super::graph::Graph;
use super::objects::{Objects, pred};
use super::plan::Plans;
use super::references::References;
use super::slots::Slots;
use crate::index::array::Cell;
use crate::index::census::Census;
use crate::index::heap::{Classes, Heap};
use crate::index::jars::{self, Jars};
use crate::index::loaders::Loaders;
use crate::index::owners::OwnerTree;
use crate::index::store::coding::{code_dominator, put_varint, zigzag};
use crate::index::store::format::{Section, Writer};
use crate::index::store::ids::OwnedIds;
use crate::index::store::{
    BLOCK, HeapIndex, IndexFacts, Level, Meta, StoredClass, StoredRoot, StoredSet, kind_sections,
    owners,
};
use crate::parser::classes::ClassTable;
use crate::parser::ids::ObjectId;
use crate::parser::names;

/// Objects that are written down at once by a thread; a multiple of the block.
const STRIDE: u64 = 1 << 16;
/// Objects in the list of the largest.
pub const LARGEST: usize = 1000;

/// What goes into an index from the walks over the dump.
pub struct Parts<'a, C: Cell> {
    /// The index, for messages.
    pub path: &'a Path,
    /// The uncompressed bytes of the dump.
    pub dump: &'a [u8],
    pub facts: &'a IndexFacts,
    pub classes: &'a ClassTable,
    pub loaders: &'a Loaders,
    pub plans: &'a Plans<'a>,
    /// Class name and label of the loader of each kind.
    pub names: &'a [(String, String)],
    pub nodes: &'a OwnedIds,
    pub graph: &'a Graph<C>,
    pub ids: &'a OwnedIds,
    pub objects: &'a Objects<C>,
    pub references: &'a References,
    pub roots: &'a [StoredRoot],
    /// Length or bytes of an object that has a slot, by ordinal.
    pub slots: &'a Slots,
    /// Offsets of all objects, where the dump does not follow the order of addresses.
    pub offsets: Option<&'a [AtomicU64]>,
}

fn json(error: serde_json::Error) -> io::Error {
    io::Error::other(error)
}

impl<C: Cell> Parts<'_, C> {
    /// Writes what is known when the graph is built.
    ///
    /// # Errors
    /// What the operating system says; a full disk above all.
    pub fn write_graph(&self, out: &mut Writer) -> io::Result<()> {
        out.section(Section::Facts, &serde_json::to_vec(self.facts).map_err(json)?)?;
        out.section(Section::Classes, &serde_json::to_vec(&stored_classes(self)).map_err(json)?)?;
        write_kinds(out, self)?;
        let ids = self.ids;
        match &ids.sorted {
            Some(sorted) => out.section(Section::IdSorted, bytemuck::cast_slice(sorted))?,
            None => {
                out.section(Section::IdDirectory, bytemuck::cast_slice(&ids.directory))?;
                out.section(Section::IdPlaces, bytemuck::cast_slice(&ids.places))?;
                out.section(Section::IdBefore, bytemuck::cast_slice(&ids.before))?;
                out.section(Section::IdRanks, bytemuck::cast_slice(&ids.ranks))?;
                out.section(Section::IdWords, bytemuck::cast_slice(&ids.words))?;
            }
        }
        let roots: Vec<_> = self.roots.iter().map(StoredRoot::words).collect();
        out.section(Section::Roots, bytemuck::cast_slice(&roots))?;
        write_objects(out, self)?;
        write_nodes(out, self)?;
        out.section(Section::Referents, &referents(&self.references.weak))?;
        out.begin_writeback()
    }

    /// Writes what follows from dominators and retained sizes; after [`Self::write_graph`].
    ///
    /// # Errors
    /// As [`Self::write_graph`].
    pub fn write_sizes(
        &self,
        out: &mut Writer,
        meta: &Meta,
        census: &Census,
        finished: &Finished,
    ) -> io::Result<()> {
        out.section(Section::Meta, bytemuck::cast_slice(&meta.words()))?;
        out.section(Section::Census, &serde_json::to_vec(census).map_err(json)?)?;
        write_dominators(out, self)?;
        out.begin_writeback()?;
        if let Some(levels) = &finished.levels {
            let sections = [Section::Level0, Section::Level1, Section::Level2];
            for (section, plane) in sections.into_iter().zip(levels) {
                out.section(section, plane.bytes())?;
            }
        }
        let largest = largest(self.objects, finished);
        out.section(Section::Largest, bytemuck::cast_slice(&largest))?;
        let jars = find_jars(out, self)?;
        out.section(Section::Jars, &serde_json::to_vec(&jars).map_err(json)?)
    }
}

/// Writes what was asked of the graph.
///
/// # Errors
/// As [`Parts::write_graph`].
pub fn write_answers(out: &mut Writer, sets: &[StoredSet], owners: &OwnerTree) -> io::Result<()> {
    out.section(Section::Sets, &serde_json::to_vec(sets).map_err(json)?)?;
    write_owners(out, owners)
}

fn write_owners(out: &mut Writer, tree: &OwnerTree) -> io::Result<()> {
    out.section(Section::OwnerNames, &serde_json::to_vec(&tree.names).map_err(json)?)?;
    let nodes: Vec<_> = tree.nodes.iter().map(owners::node_words).collect();
    out.section(Section::OwnerNodes, bytemuck::cast_slice(&nodes))?;
    let shares: Vec<_> = tree.shares.iter().map(owners::share_words).collect();
    out.section(Section::OwnerShares, bytemuck::cast_slice(&shares))?;
    let limits: Vec<_> = tree.limits.iter().map(owners::limit_words).collect();
    out.section(Section::OwnerLimits, bytemuck::cast_slice(&limits))?;
    out.section(Section::OwnerMarks, bytemuck::cast_slice(&owners::mark_words(tree)))
}

/// Finds where the classes come from by what is written so far: they are read from single objects,
/// and looking these up takes an index.
fn find_jars<C: Cell>(out: &mut Writer, parts: &Parts<'_, C>) -> io::Result<Jars> {
    let (file, contents) = out.so_far()?;
    let index = HeapIndex::of_file(&file, parts.path, Some(contents)).map_err(io::Error::other)?;
    let classes = Classes::of(&index).map_err(io::Error::other)?;
    let heap = Heap::new(&index, &classes, parts.dump).map_err(io::Error::other)?;
    let domains: Vec<ObjectId> =
        parts.classes.classes.iter().map(|class| class.protection_domain).collect();
    Ok(jars::read(&heap, &domains))
}

fn stored_classes<C: Cell>(parts: &Parts<'_, C>) -> Vec<StoredClass> {
    let classes = parts.classes;
    let text = |name| classes.symbols.text(name).unwrap_or_else(|| "?".to_owned());
    let stored = classes.classes.iter().map(|class| StoredClass {
        id: class.id,
        name: names::source_name(&class.jmap_name()),
        superclass: class.superclass.map(|above| above.0),
        loader: class.loader,
        loader_label: parts.loaders.label(class.loader).0,
        fields: class.fields.iter().map(|f| (text(f.name), f.kind as u8)).collect(),
        statics: class.statics.iter().map(|f| (text(f.name), f.kind as u8, f.value)).collect(),
    });
    stored.collect()
}

fn write_kinds<C: Cell>(out: &mut Writer, parts: &Parts<'_, C>) -> io::Result<()> {
    let (words, texts) = kind_sections(parts.plans.kinds.iter().zip(parts.names));
    out.section(Section::Kinds, bytemuck::cast_slice(&words))?;
    out.section(Section::Names, &texts)
}

/// Writes the sections that hold something for each object, other than what follows from dominators.
fn write_objects<C: Cell>(out: &mut Writer, parts: &Parts<'_, C>) -> io::Result<()> {
    let objects = parts.objects;
    out.section(Section::ObjectKinds, objects.kinds.bytes())?;
    out.section(Section::Slots, parts.slots.values.bytes())?;
    out.section(Section::SlotRanks, parts.slots.ranks.bytes())?;
    match parts.offsets {
        None => {
            out.section(Section::Anchors, objects.anchors.bytes())?;
            let runs: Vec<u64> =
                parts.references.runs.iter().flat_map(|(object, at)| [*object, *at]).collect();
            out.section(Section::Runs, bytemuck::cast_slice(&runs))?;
        }
        Some(offsets) => {
            out.begin(Section::Offsets)?;
            let mut bytes = Vec::with_capacity(5 * STRIDE as usize);
            for stretch in offsets.chunks(STRIDE as usize) {
                bytes.clear();
                for offset in stretch {
                    bytes.extend_from_slice(&offset.get().to_le_bytes()[..5]);
                }
                out.put(&bytes)?;
            }
        }
    }
    Ok(())
}

/// Writes the dominator and retained size of each object.
fn write_dominators<C: Cell>(out: &mut Writer, parts: &Parts<'_, C>) -> io::Result<()> {
    let objects = parts.objects;
    encode(out, objects.count, Section::Dominators, Section::DominatorStarts, |ordinal, bytes| {
        let code = objects.pred[ordinal as usize].get();
        put_varint(bytes, code_dominator(code.checked_sub(pred::FIRST), ordinal));
    })?;
    encode(out, objects.count, Section::Retained, Section::RetainedStarts, |ordinal, bytes| {
        let more = objects.retained[ordinal as usize].get();
        put_varint(bytes, more);
        if more > 0 {
            let own = parts.shallow(ordinal) / parts.plans.unit;
            put_varint(bytes, objects.units(ordinal as usize) - own);
        }
    })
}

/// Writes the graph of the objects that are left after peeling.
fn write_nodes<C: Cell>(out: &mut Writer, parts: &Parts<'_, C>) -> io::Result<()> {
    let nodes = parts.nodes;
    out.section(Section::NodeDirectory, bytemuck::cast_slice(&nodes.directory))?;
    out.section(Section::NodePlaces, bytemuck::cast_slice(&nodes.places))?;
    out.section(Section::NodeBefore, bytemuck::cast_slice(&nodes.before))?;
    out.section(Section::NodeRanks, bytemuck::cast_slice(&nodes.ranks))?;
    out.section(Section::NodeWords, bytemuck::cast_slice(&nodes.words))?;
    let graph = parts.graph;
    encode(out, nodes.count, Section::Successors, Section::SuccessorStarts, |node, bytes| {
        let mut successors = graph.successors(node);
        put_varint(bytes, successors.left);
        let mut before = None;
        while let Some(target) = graph.next(&mut successors) {
            match before {
                None => put_varint(bytes, zigzag(target.wrapping_sub(node))),
                Some(before) => put_varint(bytes, target - before),
            }
            before = Some(target);
        }
    })
}

/// Reference objects with their referents: they do not retain them, so the graph lacks these references.
fn referents(weak: &[(u64, u64, Level)]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(weak.len() * 6);
    let mut before = 0;
    for (source, referent, _) in weak {
        put_varint(&mut bytes, source - before);
        put_varint(&mut bytes, zigzag(referent.wrapping_sub(*source)));
        before = *source;
    }
    bytes
}

impl<C: Cell> Parts<'_, C> {
    fn shallow(&self, ordinal: u64) -> u64 {
        let kind = self.objects.kinds.get(ordinal as usize);
        self.plans.shallow(kind as usize, self.slots.get(ordinal))
    }
}

/// Writes what `put` gives for each object, and where each block of objects begins. Stretches are
/// made in parallel, a few at a time.
fn encode(
    out: &mut Writer,
    count: u64,
    values: Section,
    starts: Section,
    put: impl Fn(u64, &mut Vec<u8>) + Sync,
) -> io::Result<()> {
    out.begin(values)?;
    let mut at = 0;
    let mut all_starts: Vec<u64> = Vec::with_capacity(count.div_ceil(BLOCK) as usize);
    let at_once = 4 * rayon::current_num_threads() as u64;
    let strides = count.div_ceil(STRIDE);
    for first in (0..strides).step_by(at_once as usize) {
        let stretches: Vec<(Vec<u8>, Vec<u64>)> = (first as usize
            ..(first + at_once).min(strides) as usize)
            .into_par_iter()
            .with_max_len(1)
            .map(|stride| {
                let mut bytes = Vec::with_capacity(2 * STRIDE as usize);
                let mut starts = Vec::with_capacity((STRIDE / BLOCK) as usize);
                let stride = stride as u64;
                for ordinal in stride * STRIDE..((stride + 1) * STRIDE).min(count) {
                    if ordinal % BLOCK == 0 {
                        starts.push(bytes.len() as u64);
                    }
                    put(ordinal, &mut bytes);
                }
                (bytes, starts)
            })
            .collect();
        for (bytes, starts) in stretches {
            all_starts.extend(starts.iter().map(|start| start + at));
            out.put(&bytes)?;
            at += bytes.len() as u64;
        }
    }
    out.section(starts, bytemuck::cast_slice(&all_starts))
}

/// The strong objects that retain most.
fn largest<C: Cell>(objects: &Objects<C>, finished: &Finished) -> Vec<u64> {
    let is_strong = |ordinal: u64| {
        finished.levels.as_ref().is_none_or(|planes| {
            planes
                .iter()
                .all(|plane| plane[(ordinal / 64) as usize].get() >> (ordinal % 64) & 1 == 0)
        })
    };
    let strides = objects.count.div_ceil(STRIDE);
    let mut all: Vec<(std::cmp::Reverse<u64>, u64)> = (0..strides)
        .into_par_iter()
        .flat_map_iter(|stride| {
            let mut heap = std::collections::BinaryHeap::with_capacity(LARGEST + 1);
            for ordinal in stride * STRIDE..((stride + 1) * STRIDE).min(objects.count) {
                let entry = (std::cmp::Reverse(objects.units(ordinal as usize)), ordinal);
                let fits = heap.len() < LARGEST || heap.peek().is_some_and(|least| entry < *least);
                if fits && is_strong(ordinal) {
                    heap.push(entry);
                    if heap.len() > LARGEST {
                        heap.pop();
                    }
                }
            }
            heap
        })
        .collect();
    all.sort_unstable();
    all.truncate(LARGEST);
    all.into_iter().map(|(_, ordinal)| ordinal).collect()
}
