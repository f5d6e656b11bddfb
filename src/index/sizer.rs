//! Turns counts into sizes: chooses the layout, checks it, finds the mirrors that have no record,
//! and says how sure the sizes are.

use hashbrown::HashMap;

use super::census::{ArrayRow, ClassRow, Grade, LengthRange, SizeFacts};
use super::facts::Writer;
use super::lengths::{ArrayClass, Lengths};
use super::loaders::Loaders;
use super::sample::{Gaps, Sampled, Shape};
use super::scan::Scan;
use super::watch::SpecialKind;
use crate::layout::infer::{
    DEFAULT_PADDING, Evidence, Inferred, Neighbour, Observed, audit, infer,
};
use crate::layout::tables::likely_version;
use crate::layout::{Era, Layout, Parameters};
use crate::parser::bytes::align_up;
use crate::parser::classes::{ClassIndex, ClassTable};
use crate::parser::ids::ObjectId;
use crate::parser::names;

/// Versions whose rules were compared with `jmap -histo`, row by row.
const PROVEN: [u32; 4] = [11, 17, 21, 25];

/// Rows in the making.
#[derive(Default)]
pub struct Rows {
    pub classes: Vec<ClassRow>,
    pub arrays: Vec<ArrayRow>,
    pub instances: u64,
    pub shallow_bytes: u64,
    /// Instances whose values are not as long as their class declares.
    pub mismatched: u64,
}

/// Applies the layout to what was counted.
pub struct Sizer<'c> {
    classes: &'c ClassTable,
    layout: Layout<'c>,
    inferred: Inferred,
    pub writer: Writer,
    /// The version whose rules are applied.
    major: Option<u32>,
    /// True when the dump names that version.
    version_known: bool,
    id_size: usize,
    compaction: f64,
    doubts: Vec<String>,
    contradicted: bool,
    complete: bool,
    /// Objects that are in the dump again.
    pub duplicates: Vec<Sampled>,
    /// True when the addresses of all objects were looked at.
    pub whole: bool,
    /// Count and bytes of the archived mirrors; `None` when they cannot be told.
    pub archived: Option<(u64, u64)>,
    /// Why the archived mirrors cannot be told.
    archive_doubt: Option<&'static str>,
}

impl<'c> Sizer<'c> {
    /// Chooses the layout and checks it. `version` is the JDK's major version, if the dump names it.
    pub fn new(
        scan: &mut Scan,
        classes: &'c ClassTable,
        gaps: &Gaps,
        version: Option<u32>,
    ) -> Self {
        let major = version.or_else(|| likely_version(classes));
        let gaps_of_mirrors: Vec<(ObjectId, u64)> = gaps
            .iter()
            .filter(|(object, _)| object.shape == Shape::Mirror)
            .filter_map(|(object, gap)| Some((object.id, gap?)))
            .collect();
        let evidence = evidence(scan, classes, gaps);
        let writer = Writer::of(scan, evidence.alignment);
        let id_size = scan.header.id_size.bytes();
        let is_32_bit = id_size == 4 && writer == Writer::HotSpot;
        let inferred = match writer {
            Writer::HotSpot => infer(classes, &evidence, is_32_bit, major),
            Writer::Agent | Writer::Android => Inferred::assumed(Parameters {
                header: if writer == Writer::Android { 8 } else { 12 },
                reference: 4,
                alignment: 8,
                era: if writer == Writer::Android { Era::From15 } else { Era::To14 },
                is_32_bit: writer == Writer::Android,
                padding: DEFAULT_PADDING,
            }),
        };
        let layout = Layout::new(classes, inferred.parameters, major);
        let mut sizer = Self {
            classes,
            inferred,
            writer,
            major,
            version_known: version.is_some(),
            id_size,
            compaction: 0.0,
            doubts: Vec::new(),
            contradicted: false,
            complete: scan.integrity.is_complete(),
            whole: gaps.whole,
            duplicates: gaps.duplicates.clone(),
            archived: None,
            archive_doubt: None,
            layout,
        };
        if writer == Writer::HotSpot {
            let audit =
                audit(&sizer.layout, &evidence, classes.named("jdk/internal/vm/StackChunk"));
            sizer.compaction = audit.compaction;
            sizer.contradicted =
                !audit.contradicted.is_empty() || sizer.inferred.score.contradictions > 0;
            let name = |class: ClassIndex| names::source_name(&classes.get(class).jmap_name());
            sizer.doubts.extend(audit.contradicted.iter().map(|(class, found)| {
                format!(
                    "{}: {} bytes by the rules, but the next object is {} bytes away",
                    name(*class),
                    found.size,
                    found.distance
                )
            }));
            sizer.doubts.extend(audit.larger.iter().map(|(class, found)| {
                format!(
                    "{}: {} bytes by the rules, but {} instances seem to take {} (padding?)",
                    name(*class),
                    found.size,
                    found.instances,
                    found.distance
                )
            }));
            sizer.find_archived(scan);
            sizer.suspect_hidden_mirrors(&gaps_of_mirrors);
        }
        sizer
    }

    /// Archived mirrors of classes that were never loaded have no record, but the array of the
    /// archive's roots refers to them; they lie close together, each up to the next object.
    fn find_archived(&mut self, scan: &mut Scan) {
        /// The first version whose archive holds mirrors.
        const FIRST: u32 = 17;
        /// No mirror is as large.
        const LARGEST: u64 = 64 << 10;
        let watched = &mut scan.tally.watched;
        watched.sort_unstable();
        watched.dedup();
        let mut dangling: Vec<ObjectId> = scan
            .tally
            .referenced
            .iter()
            .copied()
            .filter(|id| watched.binary_search(id).is_err())
            .collect();
        dangling.sort_unstable();
        if dangling.is_empty() || self.major.is_none_or(|major| major < FIRST) {
            return;
        }
        if !scan.integrity.is_complete() || scan.tally.watch_overflow {
            self.archive_doubt = Some("archived classes cannot be told in this dump");
            return;
        }
        let mut all: Vec<ObjectId> = watched.iter().chain(&dangling).copied().collect();
        all.sort_unstable();
        let mut bytes = 0;
        for id in &dangling {
            let next = all.get(all.partition_point(|other| other <= id));
            let size = next.map_or(u64::MAX, |next| next.0 - id.0);
            // The objects of the following window must have been seen, too.
            let seen = scan.tally.watches(id.0 + LARGEST);
            if size < self.layout.least_mirror() || size >= LARGEST || !seen {
                self.archive_doubt =
                    Some("references to objects that are not in the dump are no archived classes");
                return;
            }
            bytes += size;
        }
        self.archived = Some((dangling.len() as u64, bytes));
    }

    /// JDK 9 to 16 archive mirrors as well, but leave no reference to them in the dump. The sign
    /// of it: mirrors of the boot loader's classes that have room behind them in a heap that is
    /// otherwise compacted: room for another mirror.
    fn suspect_hidden_mirrors(&mut self, mirrors: &[(ObjectId, u64)]) {
        /// One mirror in so many: a JDK 11 with an archive has one in 50, one without has none.
        const ENOUGH: u64 = 200;
        if !self.major.is_some_and(|major| (9..17).contains(&major)) {
            return;
        }
        let (mut seen, mut roomy) = (0u64, 0u64);
        for (id, gap) in mirrors {
            let Some(class) = self.classes.index_of(*id).map(|index| self.classes.get(index))
            else {
                continue;
            };
            if class.loader.is_null() {
                seen += 1;
                let room = gap.saturating_sub(self.layout.mirror_size(class));
                roomy += u64::from(room >= self.layout.least_mirror());
            }
        }
        if roomy * ENOUGH > seen {
            self.archive_doubt =
                Some("this JVM's archive may hold classes that the dump does not show");
        }
    }

    /// Bytes of an instance.
    fn instance_size(&self, class: ClassIndex, values_length: u64) -> u64 {
        let described = self.classes.get(class);
        match self.writer {
            Writer::Android if described.instance_size > 0 => u64::from(described.instance_size),
            _ if described.dumped => self.layout.instance_size(class),
            _ => align_up(
                self.layout.parameters.header + values_length,
                self.layout.parameters.alignment,
            ),
        }
    }

    /// Makes the rows of classes with instances.
    pub fn instances(&self, scan: &Scan, loaders: &Loaders, rows: &mut Rows) {
        let again = |id: ObjectId| {
            let same = |shape: &Shape| matches!(shape, Shape::Instance { class } if *class == id);
            self.duplicates.iter().filter(|object| same(&object.shape)).count() as u64
        };
        let mut mismatched = 0;
        for count in scan.tally.class_counts() {
            let Some(index) = self.classes.index_of(count.class) else { continue };
            let class = self.classes.get(index);
            let instances = count.instances.saturating_sub(again(count.class));
            let size = self.instance_size(index, u64::from(count.values_length));
            mismatched += count.other_length;
            if class.dumped && self.writer == Writer::HotSpot {
                let declared = self.classes.values_length(index, self.id_size);
                if declared != u64::from(count.values_length) {
                    mismatched += instances - count.other_length;
                }
            }
            let bytes = if class.name == "jdk/internal/vm/StackChunk" {
                scan.tally
                    .specials
                    .iter()
                    .filter(|special| special.kind == SpecialKind::StackChunk)
                    .map(|chunk| self.layout.stack_chunk_size(index, chunk.field))
                    .sum()
            } else {
                instances * size
            };
            rows.add_class(loaders, class.loader, class.jmap_name(), instances, bytes);
        }
        rows.mismatched = mismatched;
    }

    /// Makes the rows of arrays, by class and by length.
    pub fn arrays(&self, scan: &Scan, loaders: &Loaders, rows: &mut Rows) {
        let mut again: HashMap<(ArrayClass, u32), u64> = HashMap::new();
        for object in &self.duplicates {
            let class = match object.shape {
                Shape::ObjectArray { class } => ArrayClass::Object(class),
                Shape::PrimitiveArray { element } => ArrayClass::Primitive(element),
                Shape::Mirror | Shape::Instance { .. } => continue,
            };
            *again.entry((class, object.length)).or_default() += 1;
        }
        let parameters = &self.layout.parameters;
        let mut sums: HashMap<ArrayClass, (u64, u64)> = HashMap::new();
        let mut by_length: HashMap<(ArrayClass, LengthRange), (u64, u64)> = HashMap::new();
        for (class, lengths, count) in scan.tally.lengths.rows() {
            let element = match class {
                ArrayClass::Primitive(element) => Some(element),
                ArrayClass::Object(_) => None,
            };
            let esize = parameters.element_size(element);
            let length = u64::from(lengths.representative());
            let mut arrays = count.arrays;
            let mut elements = count.elements;
            if let Lengths::Exact(length) = lengths {
                let twice = again.get(&(class, length)).copied().unwrap_or(0);
                arrays = arrays.saturating_sub(twice);
                elements = elements.saturating_sub(twice * u64::from(length));
            }
            let bytes = arrays * parameters.array_size(length, esize)
                + (elements - arrays * length) * esize;
            let range = LengthRange::of(lengths, element.is_none());
            for sum in
                [sums.entry(class).or_default(), by_length.entry((class, range)).or_default()]
            {
                sum.0 += arrays;
                sum.1 += bytes;
            }
        }
        let named = |class: ArrayClass| match class {
            ArrayClass::Primitive(element) => {
                (format!("[{}", char::from(element.descriptor())), ObjectId::NULL)
            }
            ArrayClass::Object(id) => match self.classes.index_of(id) {
                Some(index) => {
                    let class = self.classes.get(index);
                    (class.jmap_name(), class.loader)
                }
                None => (format!("unknown class {id}"), ObjectId::NULL),
            },
        };
        for (class, (instances, bytes)) in sums {
            let (name, loader) = named(class);
            rows.add_class(loaders, loader, name, instances, bytes);
        }
        for ((class, length), (instances, shallow_bytes)) in by_length {
            let (class, loader) = named(class);
            let (loader, _) = loaders.label(loader);
            rows.arrays.push(ArrayRow { class, loader, length, instances, shallow_bytes });
        }
    }

    /// The `java.lang.Class` objects: one for each class that was dumped, and the archived ones.
    pub fn mirrors(&self, rows: &mut Rows) {
        let dumped = self.classes.classes.iter().filter(|class| class.dumped);
        let (mut instances, mut bytes) = (0, 0);
        for class in dumped {
            instances += 1;
            bytes += self.layout.mirror_size(class);
        }
        let (archived, archived_bytes) = self.archived.unwrap_or_default();
        rows.add_mirrors(instances + archived, bytes + archived_bytes);
    }

    /// How sure the sizes are, and why.
    pub fn facts(&self) -> SizeFacts {
        let (grade, reason) = self.grade();
        SizeFacts {
            grade,
            reason,
            parameters: self.inferred.parameters,
            compaction: self.compaction,
            agreements: self.inferred.score.agreements,
            observed: self.inferred.score.observed,
            doubts: self.doubts.clone(),
        }
    }

    fn grade(&self) -> (Grade, String) {
        match self.writer {
            Writer::Android => {
                return (Grade::Estimated, "Android's object layout is not modelled".to_owned());
            }
            Writer::Agent => {
                return (
                    Grade::Estimated,
                    "the hprof agent writes serial numbers, not addresses: the layout is assumed"
                        .to_owned(),
                );
            }
            Writer::HotSpot => {}
        }
        let version = match self.major {
            Some(major) if self.version_known => format!("JDK {major}"),
            Some(major) => format!("an unknown JVM (those of JDK {major} seem to fit)"),
            None => "an unknown JVM".to_owned(),
        };
        if let Some(doubt) = self.doubts.first().filter(|_| self.contradicted) {
            let more = match self.doubts.len() {
                1 => String::new(),
                count => format!(" ({} more)", count - 1),
            };
            return (Grade::Estimated, format!("addresses contradict the rules: {doubt}{more}"));
        }
        if !self.inferred.is_clear() {
            return (
                Grade::Estimated,
                "the addresses of the objects leave the object layout in doubt".to_owned(),
            );
        }
        if let Some(doubt) = self.archive_doubt {
            return (Grade::Consistent, format!("{doubt}: java.lang.Class is a lower bound"));
        }
        if let Some(doubt) = self.doubts.first() {
            return (Grade::Consistent, doubt.clone());
        }
        let padding = self.layout.parameters.padding;
        if padding != DEFAULT_PADDING {
            // Classes from the CDS archive keep the padding of the JVM that made the archive.
            return (
                Grade::Consistent,
                format!(
                    "contended classes are padded by {padding} bytes, not {DEFAULT_PADDING}; those \
                     from the JVM's archive may differ"
                ),
            );
        }
        let score = &self.inferred.score;
        let checked = format!(
            "{} of {} arrays and classes looked at fill their space exactly, none contradicts",
            score.agreements, score.observed
        );
        match self.major {
            Some(major)
                if PROVEN.contains(&major)
                    && self.version_known
                    && !self.layout.parameters.is_32_bit =>
            {
                let share = if self.complete { "" } else { " (of what could be read)" };
                (Grade::Exact, format!("rules of {version}, proven against jmap{share}; {checked}"))
            }
            // What old JVMs injected into java.lang.Class is not known.
            Some(..8) => (
                Grade::Consistent,
                format!(
                    "the rules are not proven for {version}, java.lang.Class is estimated; {checked}"
                ),
            ),
            _ => (Grade::Consistent, format!("the rules are not proven for {version}; {checked}")),
        }
    }
}

/// What the addresses of a dump say.
fn evidence(scan: &Scan, classes: &ClassTable, gaps: &Gaps) -> Evidence {
    let mut alignment = 0;
    for object in &gaps.objects {
        alignment = gcd(object.id.0, alignment);
    }
    let observed = |shape: Shape, length: u32| match shape {
        Shape::Mirror => None,
        Shape::Instance { class } => classes.index_of(class).map(Observed::Instance),
        Shape::ObjectArray { .. } => Some(Observed::Array(None, length)),
        Shape::PrimitiveArray { element } => Some(Observed::Array(Some(element), length)),
    };
    let is_fixed = |object: &Observed| match object {
        // Sizes of these depend on more than the class.
        Observed::Instance(class) => {
            let class = classes.get(*class);
            class.dumped
                && class.name != "java/lang/Class"
                && class.name != "jdk/internal/vm/StackChunk"
        }
        Observed::Array(..) => true,
    };
    let neighbours = gaps.iter().filter_map(|(object, distance)| {
        let observed = observed(object.shape, object.length).filter(is_fixed)?;
        Some(Neighbour { object: observed, distance: distance? })
    });
    let least = scan.tally.class_counts().into_iter().filter_map(|count| {
        let class = classes.index_of(count.class)?;
        is_fixed(&Observed::Instance(class)).then_some((class, count.least_distance))
    });
    Evidence { neighbours: neighbours.collect(), least: least.collect(), alignment }
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl Rows {
    fn add_class(
        &mut self,
        loaders: &Loaders,
        loader: ObjectId,
        name: String,
        instances: u64,
        shallow_bytes: u64,
    ) {
        let (loader, loader_number) = loaders.label(loader);
        self.instances += instances;
        self.shallow_bytes += shallow_bytes;
        self.classes.push(ClassRow { name, loader, loader_number, instances, shallow_bytes });
    }

    /// Adds mirrors to the row of `java.lang.Class`, which may hold those of primitive types.
    fn add_mirrors(&mut self, instances: u64, shallow_bytes: u64) {
        if instances == 0 {
            return;
        }
        self.instances += instances;
        self.shallow_bytes += shallow_bytes;
        let is_class = |row: &&mut ClassRow| row.name == "java.lang.Class" && row.loader == "boot";
        match self.classes.iter_mut().find(is_class) {
            Some(row) => {
                row.instances += instances;
                row.shallow_bytes += shallow_bytes;
            }
            None => self.classes.push(ClassRow {
                name: "java.lang.Class".to_owned(),
                loader: "boot".to_owned(),
                loader_number: 0,
                instances,
                shallow_bytes,
            }),
        }
    }
}
