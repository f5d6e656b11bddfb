//! Turns counts into sizes: chooses the layout, checks it, finds the mirrors that have no record,
//! and says how sure the sizes are.

use std::ops::RangeInclusive;

use hashbrown::HashMap;

use super::census::{ArrayRow, ClassRow, Grade, LengthRange, SizeFacts};
use super::facts::Writer;
use super::lengths::{ArrayClass, Lengths};
use super::loaders::Loaders;
use super::sample::{Gaps, Sampled, Shape};
use super::scan::Scan;
use crate::layout::infer::{
    DEFAULT_PADDING, Evidence, Inferred, Neighbour, Observed, audit, infer,
};
use crate::layout::tables::likely_version;
use crate::layout::{Era, Layout, Parameters};
use crate::parser::bytes::align_up;
use crate::parser::classes::{ClassIndex, ClassTable};
use crate::parser::ids::ObjectId;
use crate::parser::names;
use crate::parser::tags::FieldType;

/// Versions whose rules were compared with `jmap -histo`, row by row.
const PROVEN: [u32; 4] = [11, 17, 21, 25];

/// No mirror is as large.
const LARGEST_MIRROR: u64 = 64 << 10;
const STACK_CHUNK: &str = "jdk/internal/vm/StackChunk";

/// Rows in the making.
#[derive(Default)]
pub struct Rows {
    pub classes: Vec<ClassRow>,
    pub arrays: Vec<ArrayRow>,
    pub shallow_bytes: u64,
    /// `java.lang.Class` objects that have no record of their own.
    pub mirrors: u64,
    /// Instances whose values are not as long as their class declares.
    pub mismatched: u64,
    /// Arrays that the JVM cut because a record holds less than 4 GiB.
    pub truncated_arrays: u64,
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
    /// Objects that are in the dump again, where only a sample was looked at.
    pub sampled_duplicates: u64,
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
            // Where not every object was looked at, all of them stay counted.
            duplicates: if gaps.whole { gaps.duplicates.clone() } else { Vec::new() },
            sampled_duplicates: if gaps.whole { 0 } else { gaps.duplicates.len() as u64 },
            archived: None,
            archive_doubt: None,
            layout,
        };
        if writer == Writer::HotSpot {
            let audit = audit(&sizer.layout, &evidence, classes.named(STACK_CHUNK));
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
        }
        sizer
    }

    /// Archived mirrors of classes that were never loaded have no record, but (17+) the array of the
    /// archive's roots refers to them; they lie close together, each up to the next object. Mirrors
    /// that nothing refers to (11; dumps with garbage) show as holes behind other objects. Where
    /// some are referred to, the others lie among those: holes elsewhere are dead objects.
    fn find_archived(&mut self, scan: &mut Scan) {
        /// The first versions whose archives hold mirrors at all, and refer to them.
        const FIRST: u32 = 9;
        const FIRST_REFERRED: u32 = 17;
        /// The smallest region of a G1 heap.
        const REGION: u64 = 1 << 20;
        let Some(major) = self.major.filter(|major| *major >= FIRST) else { return };
        let mut watched = std::mem::take(&mut scan.tally.watched);
        watched.sort_unstable();
        watched.dedup_by_key(|object| object.id);
        if !scan.integrity.is_complete() || scan.tally.watch_overflow {
            self.archive_doubt = Some("archived classes cannot be told in this dump");
            return;
        }
        let mut dangling: Vec<ObjectId> = scan
            .tally
            .referenced
            .iter()
            .copied()
            .filter(|id| watched.binary_search_by_key(id, |object| object.id).is_err())
            .collect();
        dangling.sort_unstable();
        let mut all: Vec<(ObjectId, Option<&Sampled>)> =
            watched.iter().map(|object| (object.id, Some(object))).collect();
        all.extend(dangling.iter().map(|id| (*id, None)));
        all.sort_unstable_by_key(|(id, _)| *id);
        let archive = extent(&dangling, REGION).filter(|_| major >= FIRST_REFERRED);
        let in_archive = |id: ObjectId| archive.as_ref().is_none_or(|extent| extent.contains(&id));
        let (mut bytes, mut holes) = (0, 0u64);
        for (nth, (id, object)) in all.iter().enumerate() {
            let next = all.get(nth + 1).map_or(u64::MAX, |(next, _)| next.0);
            let distance = next - id.0;
            // What lies in windows that were not watched is not known.
            let known = distance < LARGEST_MIRROR
                && scan.tally.watches(id.0.saturating_add(LARGEST_MIRROR));
            match object {
                Some(object) => {
                    let size = self.observed_size(object).unwrap_or(distance);
                    let hole = distance.saturating_sub(size);
                    // The end of a region of the heap stays free.
                    let at_region_end = next % REGION == 0;
                    let room = hole >= self.layout.least_mirror() && !at_region_end;
                    holes += u64::from(known && room && in_archive(*id));
                }
                None if major < FIRST_REFERRED => {}
                None if !known || distance < self.layout.least_mirror() => {
                    self.archive_doubt = Some(
                        "references to objects that are not in the dump are no archived classes",
                    );
                    return;
                }
                None => bytes += distance,
            }
        }
        if major >= FIRST_REFERRED {
            self.archived = Some((dangling.len() as u64, bytes)).filter(|(count, _)| *count > 0);
        }
        // Without references to it there is no archive (or, up to 16, none can be expected).
        let archive_is_used = major < FIRST_REFERRED || !dangling.is_empty();
        if archive_is_used && holes > 0 {
            self.archive_doubt =
                Some("there is room for archived classes that the dump does not show");
        }
    }

    /// Bytes of a sampled object; `None` where the class alone does not tell.
    fn observed_size(&self, object: &Sampled) -> Option<u64> {
        let parameters = &self.layout.parameters;
        let array = |element| {
            parameters.array_size(u64::from(object.length), parameters.element_size(element))
        };
        match object.shape {
            Shape::Mirror => {
                let class = self.classes.index_of(object.id)?;
                Some(self.layout.mirror_size(self.classes.get(class)))
            }
            Shape::Instance { class } => {
                let class = self.classes.index_of(class)?;
                let varies = self.classes.get(class).name == STACK_CHUNK;
                (!varies && self.classes.get(class).dumped)
                    .then(|| self.layout.instance_size(class))
            }
            Shape::ObjectArray { .. } => Some(array(None)),
            Shape::PrimitiveArray { element } => Some(array(Some(element))),
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
        let mut again: HashMap<ObjectId, u64> = HashMap::new();
        for object in &self.duplicates {
            if let Shape::Instance { class } = object.shape {
                *again.entry(class).or_default() += 1;
            }
        }
        for count in scan.tally.class_counts() {
            let Some(index) = self.classes.index_of(count.class) else { continue };
            let class = self.classes.get(index);
            let twice = again.get(&count.class).copied().unwrap_or(0);
            let instances = count.instances.saturating_sub(twice);
            let size = self.instance_size(index, u64::from(count.values_length));
            if class.dumped && self.writer == Writer::HotSpot {
                rows.mismatched += count.other_length;
                let declared = self.classes.values_length(index, self.id_size);
                if declared != u64::from(count.values_length) {
                    rows.mismatched += instances.saturating_sub(count.other_length);
                }
            }
            let bytes = if class.name == STACK_CHUNK {
                let chunks = &scan.tally.stack_chunks;
                let told: u64 = chunks.values().sum();
                // The size of a chunk's stack is known only if the class came before the object.
                rows.mismatched += instances.abs_diff(told);
                let sized = chunks.iter().map(|(words, chunks)| {
                    chunks * self.layout.stack_chunk_size(index, u64::from(*words))
                });
                sized.sum::<u64>() + instances.saturating_sub(told) * size
            } else if class.dumped {
                instances * size
            } else {
                // Nothing describes the class: headers and data.
                let parameters = &self.layout.parameters;
                align_up(instances * parameters.header + count.values_total, parameters.alignment)
            };
            rows.add_class(loaders, class.loader, class.jmap_name(), instances, bytes);
        }
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
            if lengths == Lengths::Exact(longest_array(element, self.id_size)) {
                rows.truncated_arrays += arrays;
            }
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
    pub fn facts(&self, rows: &Rows) -> SizeFacts {
        let (grade, reason) = self.grade(rows);
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

    fn grade(&self, rows: &Rows) -> (Grade, String) {
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
        let faults = &self.classes.faults;
        let broken = [
            (rows.mismatched, "instances do not have the length that their class declares"),
            (faults.cycles, "classes are their own superclass"),
            (faults.missing_superclasses, "classes have a superclass that is not in the dump"),
            (faults.unknown, "classes of objects are not described"),
        ];
        if let Some((count, what)) = broken.into_iter().find(|(count, _)| *count > 0) {
            return (Grade::Estimated, format!("the dump contradicts itself: {count} {what}"));
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
        if rows.truncated_arrays > 0 {
            return (
                Grade::Consistent,
                format!(
                    "the JVM cut {} arrays that take more than 4 GiB: their bytes are a lower bound",
                    rows.truncated_arrays
                ),
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

/// The longest array that a record can hold: JVMs cut longer ones to this length.
fn longest_array(element: Option<FieldType>, id_size: usize) -> u32 {
    let (head, size) = match element {
        None => (9 + 2 * id_size as u32, id_size as u32),
        Some(element) => (10 + id_size as u32, element.dump_size(id_size) as u32),
    };
    (u32::MAX - head) / size
}

/// The addresses from the first to the last of `ids`, in order, and `margin` bytes on both sides.
fn extent(ids: &[ObjectId], margin: u64) -> Option<RangeInclusive<ObjectId>> {
    let (first, last) = (ids.first()?.0, ids.last()?.0);
    Some(ObjectId(first.saturating_sub(margin))..=ObjectId(last.saturating_add(margin)))
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
            class.dumped && class.name != "java/lang/Class" && class.name != STACK_CHUNK
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
        self.shallow_bytes += shallow_bytes;
        self.classes.push(ClassRow { name, loader, loader_number, instances, shallow_bytes });
    }

    /// Adds mirrors to the row of `java.lang.Class`, which may hold those of primitive types.
    fn add_mirrors(&mut self, instances: u64, shallow_bytes: u64) {
        if instances == 0 {
            return;
        }
        self.mirrors += instances;
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
