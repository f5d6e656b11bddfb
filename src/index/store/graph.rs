//! The stored graph: the objects that were not peeled (nodes), whom they refer to, and whom reference
//! objects refer to without retaining it.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::coding::{Varints, cast, unzigzag};
use super::format::Section;
use super::ids::{Bitmap, Ids, Parts};
use super::{BLOCK, HeapIndex};

/// Blocks of nodes that a thread takes at a time.
const STRIDE: usize = 256;

/// Some nodes: a bit for each.
struct Wanted {
    words: Vec<u64>,
    low: u64,
    high: u64,
}

impl Wanted {
    fn new(nodes: &[u64]) -> Self {
        let low = nodes.iter().copied().min().unwrap_or(0) / 64 * 64;
        let high = nodes.iter().copied().max().unwrap_or(0);
        let mut words = vec![0; ((high - low) / 64 + 1) as usize];
        for node in nodes {
            words[((node - low) / 64) as usize] |= 1 << (node % 64);
        }
        Self { words, low, high }
    }

    #[inline(always)]
    fn has(&self, node: u64) -> bool {
        node >= self.low
            && node <= self.high
            && self.words[((node - self.low) / 64) as usize] >> (node % 64) & 1 != 0
    }
}

impl HeapIndex {
    fn nodes(&self) -> Ids<'_> {
        let parts = Parts::Bitmap(Bitmap {
            base: 0,
            shift: 0,
            directory: cast(self.section(Section::NodeDirectory)),
            places: cast(self.section(Section::NodePlaces)),
            before: cast(self.section(Section::NodeBefore)),
            ranks: cast(self.section(Section::NodeRanks)),
            words: cast(self.section(Section::NodeWords)),
        });
        Ids { parts, count: self.objects() }
    }

    /// True for objects that were not peeled.
    pub fn is_node(&self, ordinal: u64) -> bool {
        self.nodes().ordinal(ordinal).is_some()
    }

    /// The nodes that refer to any of `objects`, which are nodes, in a way that retains; in order.
    /// `None` where they are more than `most`. Takes a pass over the graph.
    pub fn referring_nodes(&self, objects: &[u64], most: usize) -> Option<Vec<u64>> {
        let nodes = self.nodes();
        let wanted: Vec<u64> = objects.iter().filter_map(|object| nodes.ordinal(*object)).collect();
        if wanted.is_empty() {
            return Some(Vec::new());
        }
        let wanted = Wanted::new(&wanted);
        let starts: &[u64] = cast(self.section(Section::SuccessorStarts));
        let bytes = self.section(Section::Successors);
        let found = AtomicUsize::new(0);
        let stride = |(nth, starts): (usize, &[u64])| {
            let mut referring = Vec::new();
            let start = starts.first().and_then(|start| usize::try_from(*start).ok());
            let values = start.and_then(|start| bytes.get(start..));
            let (Some(values), true) = (values, found.load(Ordering::Relaxed) <= most) else {
                return referring;
            };
            let mut values = Varints { bytes: values };
            let first = (nth * STRIDE) as u64 * BLOCK;
            for node in first..first + starts.len() as u64 * BLOCK {
                let mut refers = false;
                let read = successors(&mut values, node, |target| refers |= wanted.has(target));
                if refers {
                    referring.extend(nodes.id(node));
                }
                if read.is_none() {
                    break;
                }
            }
            found.fetch_add(referring.len(), Ordering::Relaxed);
            referring
        };
        let referring: Vec<u64> =
            starts.par_chunks(STRIDE).enumerate().flat_map_iter(stride).collect();
        (referring.len() <= most).then_some(referring)
    }

    /// All reference objects and their referents, in order of the former.
    pub fn referents(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let mut values = Varints { bytes: self.section(Section::Referents) };
        let mut source = 0u64;
        std::iter::from_fn(move || {
            source = source.wrapping_add(values.next()?);
            Some((source, source.wrapping_add(unzigzag(values.next()?))))
        })
    }
}

/// Gives the successors of a node, which stand at the front of `values`; `None` when they are cut off.
#[inline(always)]
fn successors(values: &mut Varints<'_>, node: u64, mut each: impl FnMut(u64)) -> Option<()> {
    let count = values.next()?;
    let mut target = node;
    for nth in 0..count {
        let coded = values.next()?;
        let difference = if nth == 0 { unzigzag(coded) } else { coded };
        target = target.wrapping_add(difference);
        each(target);
    }
    Some(())
}
