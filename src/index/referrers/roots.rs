//! The roots of a dump, by object.

use hashbrown::{HashMap, HashSet};

use crate::index::build::is_of_frame;
use crate::index::store::{HeapIndex, StoredRoot};
use crate::parser::tags::sub;

/// The roots of a dump: for each object the one that tells most.
pub struct Roots {
    pub of: HashMap<u64, StoredRoot>,
    /// Roots of the graph, to which it has no references: all but what only frames of threads hold.
    pub(super) without_referrers: HashSet<u64>,
    /// Thread objects, by the serial number of the thread.
    pub threads: HashMap<u32, u64>,
}

impl Roots {
    pub fn of(index: &HeapIndex) -> Self {
        let mut of: HashMap<u64, StoredRoot> = HashMap::new();
        let is_thread = |root: &StoredRoot| root.kind == sub::ROOT_THREAD_OBJECT;
        let threads: HashMap<u32, u64> =
            index.roots().filter(is_thread).map(|root| (root.thread, root.object)).collect();
        let mut without_referrers = HashSet::new();
        for root in index.roots() {
            if !is_of_frame(root.kind) || !threads.contains_key(&root.thread) {
                without_referrers.insert(root.object);
            }
            let best = of.entry(root.object).or_insert(root);
            if telling(root.kind) < telling(best.kind) {
                *best = root;
            }
        }
        Self { of, without_referrers, threads }
    }
}

/// Kinds of roots in the order of what they tell.
fn telling(kind: u8) -> usize {
    const ORDER: [u8; 9] = [
        sub::ROOT_THREAD_OBJECT,
        sub::ROOT_JAVA_FRAME,
        sub::ROOT_JNI_LOCAL,
        sub::ROOT_NATIVE_STACK,
        sub::ROOT_THREAD_BLOCK,
        sub::ROOT_MONITOR_USED,
        sub::ROOT_JNI_GLOBAL,
        sub::ROOT_STICKY_CLASS,
        0,
    ];
    ORDER.iter().position(|known| *known == kind).unwrap_or(ORDER.len())
}
