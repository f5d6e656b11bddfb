//! Builds the index of a dump: the object graph, its dominators and retained sizes.
//!
//! The passes and their memory are described in `docs/ARCHITECTURE.md`.

mod bounds;
mod clock;
mod dominators;
mod dump;
mod estimate;
mod find_ids;
mod finish;
mod graph;
mod keys;
mod label;
mod objects;
mod order;
mod owners;
mod peel;
mod place;
mod plan;
mod references;
mod roles;
mod roots;
mod sets;
mod slots;
mod write;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use hashbrown::{HashMap, HashSet};

use super::array::{Access, Array, Budget, Cell};
use super::census::{self, Blocks, CensusError, HeapFacts, Walked};
use super::facts::{self, Writer};
use super::find::{self, Found};
use super::lengths::ArrayClass;
use super::liveness;
use super::loaders::{self, Loaders};
use super::owners::OwnerTree;
use super::scan::{Progress, ScanOptions};
use super::store::ids::OwnedIds;
use super::store::{self, Form, IndexFacts, Kind, Meta, StoredRoot, StoredSet};
use crate::layout::Layout;
use crate::layout::tables::likely_version;
use crate::parser::ids::ObjectId;
use crate::parser::names;
use crate::source::{OpenError, Source};
use clock::Clock;
use dump::Dump;
use finish::Finished;
use graph::{Graph, RootReferences};
use objects::{Objects, open};
use order::{Order, Search};
use plan::Plans;
use references::{Reading, References};
use roots::FrameOwners;
use slots::Slots;

pub use estimate::{Estimate, inflated_bytes};
pub use place::{Place, clean_up, fingerprint_of, index_path, index_paths};
pub(super) use roots::is_of_frame;

/// How to build an index.
#[derive(Clone, Debug, Default)]
pub struct BuildOptions {
    /// Threads to use; all cores when 0.
    pub threads: usize,
    /// Bytes of memory for large arrays; half of the machine's when `None`. What is beyond it goes
    /// to temporary files.
    pub memory: Option<u64>,
    /// Use 64-bit numbers of objects whatever their count, as from 2^32 objects on.
    pub wide: bool,
    /// Directory of the index; next to the dump when `None`.
    pub index_dir: Option<PathBuf>,
    /// Which of several dumps in the file, from 1; the last one when `None`.
    pub dump: Option<usize>,
    /// As [`ScanOptions::force`].
    pub force: bool,
    /// Say on standard error how long each pass took.
    pub timings: bool,
}

/// Why an index cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error(transparent)]
    Census(#[from] CensusError),
    #[error("{what}: {error}")]
    Io { what: String, error: io::Error },
    #[error("the index needs {how} {needed} bytes on the disk of {}, and {free} are free", directory.display())]
    NoRoom { directory: PathBuf, how: &'static str, needed: u64, free: u64 },
    #[error("{0}: there is no index of a dump that changes")]
    Changed(String),
    #[error("records of this dump cross the ends of their segments: it cannot be indexed")]
    CrossesSegments,
}

impl BuildError {
    /// What the user can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Census(error) => error.remedy(),
            Self::Io { error, .. } if !is_full(error) => {
                "name another directory for the index with --index-dir"
            }
            Self::Io { .. } | Self::NoRoom { .. } => {
                "make room, or name a directory on another disk with --index-dir"
            }
            Self::Changed(_) => "wait until the dump is written",
            Self::CrossesSegments => "take the dump again, or use histo and diff --shallow",
        }
    }
}

/// True when room would help.
fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

impl From<OpenError> for BuildError {
    fn from(error: OpenError) -> Self {
        Self::Census(error.into())
    }
}

/// Builds the index of a dump and gives its path.
///
/// # Errors
/// [`BuildError`]. No index is left behind then.
pub fn build(
    path: &Path,
    options: &BuildOptions,
    progress: &dyn Progress,
) -> Result<PathBuf, BuildError> {
    let mut source = Source::open(path)?;
    let mut threads = rayon::ThreadPoolBuilder::new();
    if options.threads > 0 {
        threads = threads.num_threads(options.threads);
    }
    let pool = threads.build().map_err(|error| BuildError::Io {
        what: "cannot start threads".to_owned(),
        error: io::Error::other(error),
    })?;
    pool.install(|| Builder::new(&mut source, options, progress).build())
}

struct Builder<'a> {
    source: &'a mut Source,
    options: &'a BuildOptions,
    progress: &'a dyn Progress,
    clock: Clock,
}

impl<'a> Builder<'a> {
    fn new(source: &'a mut Source, options: &'a BuildOptions, progress: &'a dyn Progress) -> Self {
        Self { source, options, progress, clock: Clock::new(options.timings) }
    }

    fn build(mut self) -> Result<PathBuf, BuildError> {
        let place = Place::new(&self.source.path, self.options)?;
        place.check_room("at least", estimate::least(self.source, self.options))?;
        self.source.spool_in(place.directory()).map_err(|error| match error {
            OpenError::Io(error) if is_full(&error) => BuildError::Io {
                what: format!("cannot unpack the dump in {}", place.directory().display()),
                error,
            },
            other => other.into(),
        })?;
        let scan_options = ScanOptions {
            dump: self.options.dump,
            force: self.options.force,
            threads: rayon::current_num_threads(),
            liveness_limit: 0,
        };
        let Walked { scan, classes } = census::walk(self.source, &scan_options, self.progress)?;
        if scan.parts.is_empty() && scan.tally.objects > 0 {
            return Err(BuildError::CrossesSegments);
        }
        self.clock.passed("census");
        let threads = facts::threads(self.source, &scan, &classes, scan_options.threads);
        let loaders = Loaders::new(&scan, &classes);
        let parts = scan.parts.clone();
        let id_size = scan.header.id_size;
        let used: Vec<(ObjectId, u64)> = scan
            .tally
            .class_counts()
            .iter()
            .map(|count| (count.class, u64::from(count.values_length)))
            .collect();
        let mut used_arrays: Vec<ObjectId> = scan
            .tally
            .lengths
            .rows()
            .iter()
            .filter_map(|(class, ..)| match class {
                ArrayClass::Object(class) => Some(*class),
                ArrayClass::Primitive(_) => None,
            })
            .collect();
        used_arrays.sort_unstable();
        used_arrays.dedup();
        let mut loader_class = loaders::classes_of(&scan);
        // A walk that meets objects before their classes does not know which are loaders.
        let unknown: HashSet<ObjectId> = classes
            .classes
            .iter()
            .map(|class| class.loader)
            .filter(|loader| !loader.is_null() && !loader_class.contains_key(loader))
            .collect();
        for (id, object) in find::find(self.source, &scan, &unknown, scan_options.threads) {
            if let Found::Instance { class, .. } = object {
                loader_class.insert(id, class);
            }
        }
        let mirrors =
            || classes.classes.iter().filter(|class| class.dumped).map(|class| class.id.0);
        let lowest = mirrors().min().unwrap_or(u64::MAX).min(scan.tally.lowest);
        let highest = mirrors().max().unwrap_or(0).max(scan.tally.highest);
        let records = scan.tally.objects + mirrors().count() as u64;
        let census = census::of_scan(self.source, scan, &classes, &scan_options);
        self.clock.passed("sizes");
        let major = census.facts.jvm.as_ref().map(|jvm| jvm.major);
        let major = major.or_else(|| likely_version(&classes));
        let layout = Layout::new(&classes, census.facts.sizes.parameters, major);
        let plans = Plans::new(
            &layout,
            &classes,
            census.facts.writer,
            id_size.bytes(),
            &used,
            &used_arrays,
            &loader_class,
        );
        let Some(bytes) = self.source.mapped() else { return Err(BuildError::CrossesSegments) };
        let in_order = census.facts.collector.as_deref().is_none_or(|name| !name.contains("ZGC"));
        let estimate = Estimate::of(records, in_order, self.options);
        place.check_room("about", estimate.disk())?;
        let limit = self.options.memory.unwrap_or_else(half_of_memory);
        let budget = Budget::new(limit, place.directory());
        let dump = Dump { bytes, parts: &parts, id_size, progress: self.progress };
        let pass = Passes {
            dump,
            plans: &plans,
            loaders: &loaders,
            census: &census,
            budget,
            facts: IndexFacts { tool: env!("CARGO_PKG_VERSION").to_owned(), threads },
            range: (lowest, highest),
            records,
            place: &place,
            classes: &classes,
            clock: self.clock,
        };
        let path = if needs_wide(records, self.options) {
            pass.run::<AtomicU64>()
        } else {
            pass.run::<AtomicU32>()
        };
        let path = path.map_err(|error| BuildError::Io {
            what: format!("cannot write the index in {}", place.directory().display()),
            error,
        })?;
        if let Some(change) = self.source.change() {
            // What was read at different times does not belong together. If the index cannot be
            // removed, its fingerprint still tells that it is of another file.
            let _ = std::fs::remove_file(&path);
            return Err(BuildError::Changed(change));
        }
        Ok(path)
    }
}

/// True when numbers of objects take 64 bits.
fn needs_wide(objects: u64, options: &BuildOptions) -> bool {
    options.wide || objects >= u64::from(u32::MAX) - (1 << 16)
}

/// Half of the machine's memory, or of what the control group of the process may use.
fn half_of_memory() -> u64 {
    let number = |text: String| text.trim().parse::<u64>().ok();
    let total = std::fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
            line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok())
        })
        .map_or(4 << 30, |kib| kib * 1024);
    let group = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(number);
    let old_group = std::fs::read_to_string("/sys/fs/cgroup/memory/memory.limit_in_bytes")
        .ok()
        .and_then(number);
    [group, old_group].into_iter().flatten().fold(total, u64::min) / 2
}

/// Runs two passes at the same time, or, where memory is short, one after the other.
fn side_by_side<A: Send, B: Send>(
    is_ample: bool,
    first: impl FnOnce() -> A + Send,
    second: impl FnOnce() -> B + Send,
) -> (A, B) {
    if is_ample { rayon::join(first, second) } else { (first(), second()) }
}

/// The passes over the graph, with everything they need of the dump.
struct Passes<'a> {
    dump: Dump<'a>,
    plans: &'a Plans<'a>,
    loaders: &'a Loaders,
    census: &'a census::Census,
    classes: &'a crate::parser::classes::ClassTable,
    facts: IndexFacts,
    budget: Budget,
    range: (u64, u64),
    records: u64,
    place: &'a Place,
    clock: Clock,
}

/// The object graph and what was found on the way to it.
struct Built<C: Cell> {
    found: find_ids::Found,
    objects: Objects<C>,
    roots: Vec<StoredRoot>,
    frames: FrameOwners,
    /// What the frames of each thread hold.
    locals: HashMap<u64, Vec<u64>>,
    offsets: Option<Array<AtomicU64>>,
    references: References,
    nodes: OwnedIds,
    ordinals: Array<C>,
    slots: Slots,
    graph: Graph<C>,
    root_references: RootReferences<C>,
}

/// The dominator tree of the nodes, by their numbers in depth-first order.
struct Dominated<C: Cell> {
    order: Order<C>,
    dominators: Array<C>,
}

impl Passes<'_> {
    fn run<C: Cell>(mut self) -> io::Result<PathBuf> {
        let built = self.build_graph::<C>()?;
        let place = self.place;
        // Giving the temporary files back takes as long as the disk takes for the index.
        let path =
            rayon::in_place_scope(|scope| place.write(|file| self.write(file, built, scope)))?;
        self.clock.passed("the disk");
        Ok(path)
    }

    /// Walks the dump three times: for the ids, for who refers to whom, for the graph of what is
    /// left after peeling.
    fn build_graph<C: Cell>(&mut self) -> io::Result<Built<C>> {
        let plans = self.plans;
        let budget = self.budget.clone();
        let found = find_ids::find_ids(&self.dump, self.range.0, self.range.1, self.records)?;
        self.clock.passed("ids");
        let ids = found.ids.view();
        let mut objects = Objects::<C>::new(&budget, ids.count, plans.kinds.len())?;
        let (roots, frames) = self.roots(&objects, &ids, &found.roots);
        let locals = frames.locals(&roots);
        let unordered = found.descents > ids.count / 16;
        let offsets = if unordered {
            Some(Array::<AtomicU64>::new(&budget, ids.count, Access::Sequential)?)
        } else {
            None
        };
        let reading = Reading {
            ids,
            plans,
            objects: &objects,
            again: &found.again,
            locals: &locals,
            offsets: offsets.as_ref(),
        };
        let references = reading.find_references(&self.dump);
        objects.pred.use_in_order();
        self.clock.passed("references");
        // Reference objects and referents are looked at one by one: they stay in the graph.
        for (source, referent, _) in &references.weak {
            for object in [source, referent] {
                objects.open[*object as usize].store(open::KEEP, Ordering::Relaxed);
            }
        }
        // As is what frames hold: it is told apart from what else the thread refers to.
        for object in locals.values().flatten() {
            objects.open[*object as usize].store(open::KEEP, Ordering::Relaxed);
        }
        let nodes = peel::peel(&objects, &budget)?;
        let ordinals = peel::list::<C>(&nodes, &budget)?;
        let slots = Slots::new(&objects, plans, &budget)?;
        self.clock.passed("peeling");
        let (graph, root_references) =
            reading.make_graph(&self.dump, &nodes.view(), &references, &slots, &budget)?;
        // Whether an object was peeled is in `nodes`.
        objects.open = Array::new(&budget, 0, Access::Random)?;
        self.clock.passed("graph");
        self.clock.say(|| {
            format!(
                "{} objects, {} nodes, {} references, graph of {} bytes",
                objects.count,
                nodes.count,
                references.edges,
                graph.bytes.len()
            )
        });
        Ok(Built {
            found,
            objects,
            roots,
            frames,
            locals,
            offsets,
            references,
            nodes,
            ordinals,
            slots,
            graph,
            root_references,
        })
    }

    /// Finds the dominators and all that follows from them, and writes the index. Much of the work
    /// cannot be spread over cores: what does not depend on it is written down at the same time.
    fn write<'s, C: Cell>(
        &mut self,
        file: File,
        built: Built<C>,
        scope: &rayon::Scope<'s>,
    ) -> io::Result<File> {
        let names = self.kind_names();
        let mut out = store::format::Writer::new(file)?;
        let parts = write::Parts {
            path: self.place.path(),
            dump: self.dump.bytes,
            facts: &self.facts,
            classes: self.classes,
            loaders: self.loaders,
            plans: self.plans,
            names: &names,
            nodes: &built.nodes,
            graph: &built.graph,
            ids: &built.found.ids,
            objects: &built.objects,
            references: &built.references,
            roots: &built.roots,
            slots: &built.slots,
            offsets: built.offsets.as_deref(),
        };
        let budget = &self.budget;
        let (dominated, written) = side_by_side(
            budget.is_ample(),
            || self.dominated(&built),
            || self.clock.timed("writing the graph", || parts.write_graph(&mut out)),
        );
        let mut dominated = dominated?;
        written?;
        self.clock.passed("dominators");
        let Dominated { order, dominators } = &dominated;
        let (objects, nodes) = (&built.objects, built.nodes.view());
        let (units, ordinals) = (built.references.units, &built.ordinals);
        let finished = finish::finish(objects, units, order, dominators, &nodes, ordinals, budget)?;
        self.clock.passed("retained sizes");
        let census =
            self.judged(&built, std::mem::take(&mut dominated.order.unreferenced), &finished);
        let meta = self.meta(&built, &finished);
        let is_ample =
            budget.is_ample() && budget.has(built.nodes.count * Self::bytes_of_answers::<C>());
        let (answers, written) = side_by_side(
            is_ample,
            || self.answers(&built, dominated, &names, is_ample),
            || {
                self.clock.timed("writing sizes", || {
                    parts.write_sizes(&mut out, &meta, &census, &finished)
                })
            },
        );
        let (owners, sets) = answers?;
        written?;
        self.clock.passed("owners and sets");
        scope.spawn(|_| drop((built, finished)));
        write::write_answers(&mut out, &sets, &owners)?;
        out.finish(self.place.fingerprint(self.census.facts.chosen as u64)?)
    }

    /// Numbers the nodes and finds their dominators.
    fn dominated<C: Cell>(&self, built: &Built<C>) -> io::Result<Dominated<C>> {
        let budget = &self.budget;
        let search = Search {
            graph: &built.graph,
            nodes: &built.nodes,
            ordinals: &built.ordinals,
            objects: &built.objects,
            held_by_jvm: self.plans.held_by_jvm(),
            weak: &built.references.weak,
            budget,
        };
        let mut order = self.clock.timed("depth-first order", || search.run())?;
        let find = || dominators::dominators(&built.graph, &order, budget);
        let dominators = self.clock.timed("dominators of nodes", find)?;
        // Large, and not needed any more.
        order.low = Array::new(budget, 0, Access::Random)?;
        Ok(Dominated { order, dominators })
    }

    /// Bytes for each node that [`Self::answers`] takes when all is done at once.
    const fn bytes_of_answers<C: Cell>() -> u64 {
        13 + 2 * size_of::<C>() as u64
    }

    /// Finds the owner tree and what sets retain.
    fn answers<C: Cell>(
        &self,
        built: &Built<C>,
        Dominated { order, dominators }: Dominated<C>,
        names: &[(String, String)],
        is_ample: bool,
    ) -> io::Result<(OwnerTree, Vec<StoredSet>)> {
        let budget = &self.budget;
        let owners = owners::Owners {
            plans: self.plans,
            objects: &built.objects,
            references: &built.references,
            ids: built.found.ids.view(),
            graph: &built.graph,
            order: &order,
            dominators: &dominators,
            nodes: built.nodes.view(),
            ordinals: &built.ordinals,
            slots: &built.slots,
            classes: self.classes,
            names,
            roots: &built.roots,
            threads: &self.facts.threads,
        };
        let sets = sets::Sets {
            objects: &built.objects,
            graph: &built.graph,
            root_references: &built.root_references,
            order: &order,
            dominators: &dominators,
            ids: built.found.ids.view(),
            nodes: built.nodes.view(),
            ordinals: &built.ordinals,
            plans: self.plans,
            slots: &built.slots,
            census: self.census,
            roots: &built.roots,
            frames: &built.frames,
            threads: &self.facts.threads,
            locals: &built.locals,
            names,
        };
        let clock = &self.clock;
        let (owners, sets) = side_by_side(
            is_ample,
            || clock.timed("owners", || owners.run(budget)),
            || clock.timed("sets", || sets.run(budget)),
        );
        Ok((owners?, sets?))
    }

    /// The census, with what the graph tells about the heap.
    fn judged<C: Cell>(
        &self,
        built: &Built<C>,
        unreferenced: HashMap<u32, u64>,
        finished: &Finished,
    ) -> census::Census {
        let plans = self.plans;
        let mut census = self.census.clone();
        let blocks = |(units, objects)| Blocks { bytes: units * plans.unit, blocks: objects };
        census.facts.heap = Some(HeapFacts {
            levels: finished.totals.map(blocks),
            off_heap: built.references.off_heap,
        });
        let whole = census.facts.integrity.is_complete() && census.facts.dumps == 1;
        if census.facts.writer == Writer::HotSpot && whole {
            let class = |kind: u32| match plans.kinds[kind as usize] {
                Kind { form: Form::Instance, class, .. } => class,
                _ => None,
            };
            let by_class = unreferenced.iter().map(|(kind, count)| (class(*kind), *count));
            let class_objects = self.classes.classes.len() as u64;
            let unreferenced =
                liveness::without_held_by_classes(by_class, self.classes, class_objects);
            census.facts.live = liveness::judge(unreferenced, built.objects.count, true);
        }
        census
    }

    fn meta<C: Cell>(&self, built: &Built<C>, finished: &Finished) -> Meta {
        let layout = &self.census.facts.sizes.parameters;
        let unit = self.plans.unit;
        Meta {
            objects: built.objects.count,
            unit,
            id_base: built.found.ids.base,
            id_shift: built.found.ids.shift.into(),
            kind_width: built.objects.kinds.width(),
            array_base: [1, 2, 4, 8].map(|element| layout.array_base(element)),
            alignment: layout.alignment,
            totals: finished.totals.map(|(units, objects)| [units * unit, objects]),
            dump_bytes: self.census.facts.bytes,
            dump_number: self.census.facts.chosen as u64,
        }
    }

    /// Class names in source form and labels of loaders, by kind.
    fn kind_names(&self) -> Vec<(String, String)> {
        let name = |kind: &super::store::Kind| {
            let class = kind.class.map(|class| self.classes.get(class));
            let name = match (class, kind.form) {
                (Some(class), _) => names::source_name(&class.jmap_name()),
                (None, Form::PrimitiveArray(element)) => format!("{}[]", element.java_name()),
                (None, Form::Mirror) => "java.lang.Class".to_owned(),
                (None, _) => "unknown class".to_owned(),
            };
            let loader = class.map(|class| self.loaders.label(class.loader).0);
            (name, loader.unwrap_or_else(|| "boot".to_owned()))
        };
        self.plans.kinds.iter().map(name).collect()
    }
}
