//! GC roots: which objects they are, and which hang on a thread whose frames hold them.

use hashbrown::HashMap;

use super::Passes;
use super::objects::{Objects, pred};
use crate::index::array::Cell;
use crate::index::store::StoredRoot;
use crate::index::store::ids::Ids;
use crate::parser::heap::Root;
use crate::parser::tags::sub;

/// True for the tags of roots that frames hold.
pub fn is_of_frame(tag: u8) -> bool {
    matches!(
        tag,
        sub::ROOT_JAVA_FRAME
            | sub::ROOT_JNI_LOCAL
            | sub::ROOT_NATIVE_STACK
            | sub::ROOT_THREAD_BLOCK
    )
}

impl Passes<'_> {
    /// Marks the roots. Gives their records, and which of them belong to the frames of threads.
    pub(super) fn roots<C: Cell>(
        &self,
        objects: &Objects<C>,
        ids: &Ids<'_>,
        records: &[Root],
    ) -> (Vec<StoredRoot>, FrameOwners) {
        let mut roots: Vec<StoredRoot> = records
            .iter()
            .filter_map(|root| {
                Some(StoredRoot {
                    object: ids.ordinal(root.object.0)?,
                    kind: root.kind,
                    thread: root.thread,
                    frame: root.frame,
                })
            })
            .collect();
        let owners = FrameOwners::new(&roots);
        let system_classes = self.plans.system_classes.iter();
        roots.extend(system_classes.filter_map(|class| {
            Some(StoredRoot { object: ids.ordinal(class.0)?, kind: 0, thread: 0, frame: 0 })
        }));
        roots.sort_unstable();
        roots.dedup();
        let own: Vec<&StoredRoot> = roots.iter().filter(|root| owners.of(root).is_none()).collect();
        for records in own.chunk_by(|a, b| a.object == b.object) {
            // System classes have no record that could be gone.
            let (first, last) = (records[0], records[records.len() - 1]);
            let is_of_one_kind = first.kind == last.kind && first.kind != 0;
            let code = if is_of_one_kind { pred::ROOT_OF_ONE_KIND } else { pred::ROOT };
            objects.make_root(first.object, code);
        }
        (roots, owners)
    }
}

/// Which root records belong to the frames of a thread.
pub struct FrameOwners {
    /// Thread objects, by the serial number of the thread.
    threads: HashMap<u32, u64>,
}

impl FrameOwners {
    pub fn new(roots: &[StoredRoot]) -> Self {
        let threads = roots.iter().filter(|root| root.kind == sub::ROOT_THREAD_OBJECT);
        Self { threads: threads.map(|root| (root.thread, root.object)).collect() }
    }

    /// The thread that a record's object hangs on; `None` for what is a root itself.
    pub fn of(&self, root: &StoredRoot) -> Option<u64> {
        self.threads.get(&root.thread).copied().filter(|_| is_of_frame(root.kind))
    }

    /// What the frames of each thread hold.
    pub fn locals(&self, roots: &[StoredRoot]) -> HashMap<u64, Vec<u64>> {
        let mut locals: HashMap<u64, Vec<u64>> = HashMap::new();
        for root in roots {
            if let Some(thread) = self.of(root) {
                locals.entry(thread).or_default().push(root.object);
            }
        }
        // Records are in order of objects.
        locals.values_mut().for_each(Vec::dedup);
        locals
    }
}
