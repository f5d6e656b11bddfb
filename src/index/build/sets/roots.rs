//! Sets that are given by root records: the kinds of GC roots, and threads.
//!
//! What they retain is what cannot be reached when their root records are gone
//! (`docs/retained-size.md`). Here it is no members that are cut off, but the virtual root's
//! references to roots, and a thread's to what its frames hold. A root that loses its record may still
//! be reached from elsewhere, by references that the graph does without: `RootReferences` has those.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Range;

use hashbrown::HashMap;

use super::mask::Mask;
use super::reach::FrameCuts;
use super::{FrameReference, Sets};
use crate::index::array::Cell;
use crate::index::store::{Family, StoredSet};
use crate::parser::ids::ObjectId;
use crate::parser::tags::sub;

/// The bits of all kinds of roots, and of the threads that hold most objects.
const BITS: Range<usize> = 128..Mask::BITS;

/// A kind of roots by its tag, or a thread by the ordinal of its object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Holder {
    Kind(u8),
    Thread(u64),
}

/// The sets, and without which of them a reference is gone, by what it leads to.
pub struct RootSets {
    /// The objects that the records of each name.
    held: BTreeMap<Holder, BTreeSet<u64>>,
    bits: HashMap<Holder, usize>,
    /// From the virtual root to an object.
    roots: HashMap<u64, Mask>,
    /// From a thread to an object that its frames hold.
    frames: HashMap<(u64, u64), Mask>,
}

impl RootSets {
    /// The sets without which an object is no root.
    pub fn cut(&self, object: u64) -> Mask {
        self.roots.get(&object).copied().unwrap_or(Mask::NONE)
    }

    fn bit(&self, holder: Holder) -> Mask {
        self.bits.get(&holder).map_or(Mask::NONE, |bit| Mask::bit(*bit))
    }
}

impl<C: Cell> Sets<'_, C> {
    /// Finds the sets, and what they cut off.
    pub(super) fn root_sets(&self) -> RootSets {
        let held = self.held();
        let bits = bits(&held);
        let mut sets = RootSets { held, bits, roots: HashMap::new(), frames: HashMap::new() };
        // A reference is there as long as one of its records is.
        for root in self.roots {
            let mut of_record = Mask::NONE;
            if root.kind != 0 {
                of_record |= sets.bit(Holder::Kind(root.kind));
            }
            let cut = match self.frames.of(root) {
                Some(thread) => {
                    of_record |= sets.bit(Holder::Thread(thread));
                    sets.frames.entry((thread, root.object)).or_insert(Mask::ALL)
                }
                None => {
                    if root.kind == sub::ROOT_THREAD_OBJECT {
                        of_record |= sets.bit(Holder::Thread(root.object));
                    }
                    sets.roots.entry(root.object).or_insert(Mask::ALL)
                }
            };
            *cut = cut.and(of_record);
        }
        sets
    }

    /// The objects that the records of each kind and thread name.
    fn held(&self) -> BTreeMap<Holder, BTreeSet<u64>> {
        let mut held: BTreeMap<Holder, BTreeSet<u64>> = BTreeMap::new();
        for root in self.roots.iter().filter(|root| root.kind != 0) {
            held.entry(Holder::Kind(root.kind)).or_default().insert(root.object);
            if root.kind == sub::ROOT_THREAD_OBJECT {
                held.entry(Holder::Thread(root.object)).or_default();
            }
            if let Some(thread) = self.frames.of(root) {
                held.entry(Holder::Thread(thread)).or_default().insert(root.object);
            }
        }
        held
    }

    /// References of threads that the graph has or does without, by nodes.
    pub(super) fn frame_cuts(&self, sets: &RootSets) -> io::Result<FrameCuts> {
        let ordinal = |node: u64| self.ordinals[node as usize].get();
        let of_frame = |frame: &FrameReference| {
            let objects = (ordinal(frame.thread), ordinal(frame.object));
            let cut = sets.frames.get(&objects).copied().unwrap_or(Mask::NONE);
            ((frame.thread, frame.object), cut)
        };
        let cuts = self.root_references.frames.iter().map(of_frame).collect();
        FrameCuts::new(cuts, self.ordinals.len())
    }

    /// The sets with what they retain, in units: `exact` has that of those with a bit.
    pub(super) fn stored_roots(&self, sets: &RootSets, exact: &[u64]) -> Vec<StoredSet> {
        let mut at_least: HashMap<u64, u64> = HashMap::new();
        let frames = self.root_references.frames.iter();
        for frame in frames.filter(|frame| frame.is_only_referrer) {
            let object = self.ordinals[frame.object as usize].get();
            let thread = self.ordinals[frame.thread as usize].get();
            *at_least.entry(thread).or_default() += self.objects.units(object as usize);
        }
        let set = |(holder, objects): (&Holder, &BTreeSet<u64>)| {
            let bit = sets.bits.get(holder);
            let units = match (holder, bit) {
                (_, Some(bit)) => exact[*bit],
                (Holder::Thread(thread), None) => at_least.get(thread).copied().unwrap_or(0),
                (Holder::Kind(_), None) => 0,
            };
            StoredSet {
                instances: objects.len() as u64,
                retained_bytes: units,
                exact: bit.is_some(),
                ..self.name(*holder)
            }
        };
        sets.held.iter().map(set).collect()
    }

    fn name(&self, holder: Holder) -> StoredSet {
        match holder {
            Holder::Kind(kind) => StoredSet {
                family: Family::Root,
                name: sub::name(kind).to_owned(),
                ..StoredSet::default()
            },
            Holder::Thread(object) => {
                let first = self.roots.partition_point(|root| root.object < object);
                let mut records = self.roots[first..].iter();
                let record = records
                    .find(|root| root.object == object && root.kind == sub::ROOT_THREAD_OBJECT);
                let thread = record
                    .and_then(|root| self.threads.iter().find(|one| one.serial == root.thread));
                StoredSet {
                    family: Family::Thread,
                    name: thread.and_then(|thread| thread.name.clone()).unwrap_or_default(),
                    id: self.ids.id(object).map(ObjectId),
                    ..StoredSet::default()
                }
            }
        }
    }
}

/// Which sets get which bit.
fn bits(held: &BTreeMap<Holder, BTreeSet<u64>>) -> HashMap<Holder, usize> {
    let mut holders: Vec<(&Holder, usize)> =
        held.iter().map(|(holder, objects)| (holder, objects.len())).collect();
    // Stable: threads that hold as much stay in order.
    holders.sort_by_key(|(holder, objects)| match holder {
        Holder::Kind(_) => (false, 0),
        Holder::Thread(_) => (true, usize::MAX - objects),
    });
    holders.into_iter().map(|(holder, _)| *holder).zip(BITS).collect()
}
