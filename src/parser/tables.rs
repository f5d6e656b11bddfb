//! What the top-level records say: class names, stack traces, threads, counts of records.

use hashbrown::{HashMap, HashSet};

use super::classes::Symbols;
use super::ids::{ObjectId, StringId};
use super::record::{Frame, LoadClass, StartThread, Trace};
use super::tags::top;

/// Frames and traces that are kept: a million virtual threads would take gigabytes, and the threads
/// of the platform come first.
const STACKS: usize = 1 << 18;

/// Tables filled from top-level records. Symbols are collected apart, those that are needed only.
#[derive(Clone, Debug, Default)]
pub struct TopLevelTables {
    pub loads: HashMap<ObjectId, StringId>,
    pub class_of_serial: HashMap<u32, ObjectId>,
    pub frames: HashMap<u64, Frame>,
    /// Frame ids of a trace by its serial, top of the stack first; at most [`STACKS`] of them.
    pub traces: HashMap<u32, Box<[u64]>>,
    /// Threads that the hprof agent announced.
    pub started: Vec<StartThread>,
    /// Records by tag.
    pub counts: std::collections::BTreeMap<u8, u64>,
    /// Classes that two records name differently; the last one counts.
    pub renamed: u64,
    /// Records whose body is shorter than its kind needs.
    pub short: ShortRecords,
}

/// Records that are too short for their kind.
#[derive(Clone, Copy, Debug, Default)]
pub struct ShortRecords {
    pub count: u64,
    /// Tag and offset of the first one.
    pub first: Option<(u8, u64)>,
}

impl ShortRecords {
    /// Notes a record.
    pub fn note(&mut self, tag: u8, offset: u64) {
        self.count += 1;
        self.first.get_or_insert((tag, offset));
    }
}

impl TopLevelTables {
    /// Takes in one record that is not a heap dump; `offset` is that of its header.
    pub fn record(&mut self, tag: u8, body: &[u8], id_size: usize, offset: u64) {
        let understood = match tag {
            top::LOAD_CLASS => LoadClass::parse(body, id_size).map(|load| {
                self.class_of_serial.insert(load.serial, load.class);
                // JDK 11 and 17 write array classes twice: same name, another serial.
                let previous = self.loads.insert(load.class, load.name);
                self.renamed += u64::from(previous.is_some_and(|name| name != load.name));
            }),
            top::FRAME => Frame::parse(body, id_size).map(|frame| {
                if self.frames.len() < STACKS {
                    self.frames.insert(frame.id, frame);
                }
            }),
            top::TRACE => Trace::parse(body, id_size).map(|trace| {
                if self.traces.len() < STACKS {
                    self.traces.insert(trace.serial, trace.frames().collect());
                }
            }),
            top::START_THREAD => {
                StartThread::parse(body, id_size).map(|thread| self.started.push(thread))
            }
            _ => Some(()),
        };
        if understood.is_none() {
            self.short.note(tag, offset);
        }
    }

    /// Counts a record.
    pub fn count(&mut self, tag: u8) {
        *self.counts.entry(tag).or_default() += 1;
    }

    /// The symbols that the tables refer to.
    pub fn needed_symbols(&self, needed: &mut HashSet<StringId>) {
        needed.extend(self.loads.values());
        needed.extend(self.started.iter().map(|thread| thread.name));
        for frame in self.frames.values() {
            needed.extend([frame.method, frame.signature, frame.source]);
        }
    }
}

/// Ids of the symbols that are looked for before the heap is walked.
#[derive(Clone, Debug, Default)]
pub struct WellKnown {
    /// The wanted symbols that were found.
    pub symbols: Symbols,
}

/// Texts that the walk over the heap needs to know beforehand.
const WELL_KNOWN: &[&[u8]] = &[
    b"java/lang/Object",
    b"java/lang/Class",
    b"java/lang/ClassLoader",
    b"java/lang/String",
    b"java/lang/Thread",
    b"java/lang/Thread$FieldHolder",
    b"jdk/internal/vm/StackChunk",
    b"java/lang/VersionProps",
    b"sun/misc/Version",
    b"[Ljava/lang/Object;",
    b"java_version",
    b"java_runtime_version",
    b"value",
    b"size",
    b"name",
    // Android writes names with dots.
    b"java.lang.Class",
    b"java.lang.String",
];

impl WellKnown {
    /// Notes a symbol if it is one of those that are looked for.
    #[inline]
    pub fn offer(&mut self, id: StringId, text: &[u8]) {
        if text.len() <= 32 && WELL_KNOWN.contains(&text) {
            self.symbols.define(id, text);
        }
    }
}
