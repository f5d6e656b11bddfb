//! What a dump says about the JVM that wrote it.

use hashbrown::{HashMap, HashSet};
use serde::{Deserialize, Serialize};

use super::find;
use super::scan::Scan;
use super::watch::SpecialKind;
use crate::parser::classes::ClassTable;
use crate::parser::header::Version;
use crate::parser::ids::ObjectId;
use crate::source::Source;

/// What wrote a dump.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Writer {
    /// A HotSpot JVM, or one of its tools, with addresses as ids.
    HotSpot,
    /// The JVMTI hprof agent of JDK 8 and older, with serial numbers as ids.
    Agent,
    /// Android.
    Android,
}

impl Writer {
    /// Tells the writer by the version of the format and the ids.
    pub fn of(scan: &Scan, alignment: u64) -> Self {
        if scan.header.version == Version::V1_0_3 || scan.tally.heap_infos > 0 {
            Self::Android
        } else if alignment < 4 && scan.tally.objects > 1 {
            Self::Agent
        } else {
            Self::HotSpot
        }
    }
}

/// The JVM's version.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct JvmVersion {
    /// As the JVM spells it: `17.0.15`, `1.8.0_05`.
    pub text: String,
    /// The major version: 17, 8.
    pub major: u32,
}

impl JvmVersion {
    fn parse(text: &str) -> Option<Self> {
        let plain = text.strip_prefix("1.").unwrap_or(text);
        let digits = plain.split(|c: char| !c.is_ascii_digit()).next()?;
        Some(Self { text: text.to_owned(), major: digits.parse().ok()? })
    }
}

/// Reads the version from `VersionProps` (9 and later) or `sun.misc.Version`.
pub fn jvm_version(
    source: &mut Source,
    scan: &Scan,
    classes: &ClassTable,
    threads: usize,
) -> Option<JvmVersion> {
    let candidates: Vec<ObjectId> = [
        ("java/lang/VersionProps", "java_version"),
        ("sun/misc/Version", "java_version"),
        ("java/lang/VersionProps", "java_runtime_version"),
        ("sun/misc/Version", "java_runtime_version"),
    ]
    .iter()
    .filter_map(|(class, field)| classes.static_value(class, field))
    .map(ObjectId)
    .filter(|string| !string.is_null())
    .collect();
    // A stream kept what looked like a version on the way.
    let values: HashMap<ObjectId, u64> = scan
        .tally
        .specials
        .iter()
        .filter(|special| special.kind == SpecialKind::String)
        .map(|special| (special.id, special.field))
        .collect();
    let kept = candidates.iter().find_map(|string| {
        let text = scan.tally.version_texts.get(&ObjectId(*values.get(string)?))?;
        JvmVersion::parse(text)
    });
    if kept.is_some() {
        return kept;
    }
    candidates.iter().find_map(|string| {
        // The walk met the string and noted its array: that saves finding it.
        let text = match values.get(string) {
            Some(array) if *array != 0 => {
                let array = ObjectId(*array);
                find::strings(source, scan, classes, &HashSet::from_iter([array]), threads)
                    .remove(&array)
            }
            _ => find::strings(source, scan, classes, &HashSet::from_iter([*string]), threads)
                .remove(string),
        };
        JvmVersion::parse(&text?)
    })
}

/// The main class: from the launcher, else the lowest `main` on a stack.
pub fn main_class(scan: &Scan, classes: &ClassTable) -> Option<String> {
    let launched = classes
        .static_value("sun/launcher/LauncherHelper", "appClass")
        .and_then(|mirror| classes.index_of(ObjectId(mirror)));
    if let Some(class) = launched {
        return Some(classes.get(class).jmap_name());
    }
    let mut traces: Vec<_> = scan.tables.traces.iter().collect();
    traces.sort_unstable_by_key(|(serial, _)| **serial);
    traces.into_iter().find_map(|(_, frames)| {
        let frame = scan.tables.frames.get(frames.last()?)?;
        let is_main = classes.symbols.bytes(frame.method) == Some(b"main")
            && classes.symbols.bytes(frame.signature) == Some(b"([Ljava/lang/String;)V");
        let class = scan.tables.class_of_serial.get(&frame.class_serial)?;
        let class = classes.index_of(*class).filter(|_| is_main)?;
        Some(classes.get(class).jmap_name())
    })
}

/// A number that a JVM process draws once: the same in all dumps of one process, another in the
/// next one (`java.util.ImmutableCollections`, 9 and later).
pub fn process(classes: &ClassTable) -> Option<String> {
    let class = "java/util/ImmutableCollections";
    let salt =
        classes.static_value(class, "SALT32L").or_else(|| classes.static_value(class, "SALT"))?;
    (salt != 0).then(|| format!("{salt:08x}"))
}

/// The collector, as far as addresses tell.
pub fn collector(scan: &Scan) -> Option<&'static str> {
    /// ZGC maps its heap at 4 TiB and above, where no other collector does.
    const ZGC_HEAP: u64 = 1 << 42;
    /// Objects of other collectors' heaps lie below 64 TiB; native memory above.
    const NATIVE: u64 = 1 << 46;
    if (ZGC_HEAP..NATIVE).contains(&scan.tally.lowest) {
        return Some("ZGC");
    }
    // Parts of the dump that hold addresses from all over the heap: objects in graph order.
    const PARTS: usize = 4;
    let parts: Vec<_> = scan.parts.iter().filter(|part| part.lowest <= part.highest).collect();
    let overlaps = parts
        .windows(2)
        .filter(|pair| pair[0].lowest < pair[1].highest && pair[1].lowest < pair[0].highest)
        .count();
    (parts.len() >= PARTS && overlaps * 4 >= parts.len() * 3).then_some("ZGC or Shenandoah")
}

/// A thread with a root of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thread {
    /// Number by which roots name the thread.
    #[serde(default)]
    pub serial: u32,
    pub name: Option<String>,
    pub class: String,
    /// Frames of its stack, top first, as `Class.method(Source:line)`.
    pub frames: Vec<String>,
}

/// Names the threads and decodes their stacks.
pub fn threads(source: &mut Source, scan: &Scan, classes: &ClassTable, jobs: usize) -> Vec<Thread> {
    let names: HashMap<ObjectId, (ObjectId, ObjectId)> = scan
        .tally
        .specials
        .iter()
        .filter(|special| special.kind == SpecialKind::Thread)
        .map(|special| (special.id, (special.class, ObjectId(special.field))))
        .collect();
    let wanted: HashSet<ObjectId> = scan
        .tally
        .thread_roots
        .iter()
        .filter_map(|root| names.get(&root.object))
        .map(|(_, name)| *name)
        .filter(|name| !name.is_null())
        .collect();
    let texts = find::strings(source, scan, classes, &wanted, jobs);
    scan.tally
        .thread_roots
        .iter()
        .map(|root| {
            let known = names.get(&root.object);
            let announced = scan
                .tables
                .started
                .iter()
                .find(|thread| thread.serial == root.thread)
                .and_then(|thread| classes.symbols.text(thread.name));
            let class = known.and_then(|(class, _)| classes.index_of(*class));
            let frames = scan.tables.traces.get(&root.frame);
            Thread {
                serial: root.thread,
                name: known.and_then(|(_, name)| texts.get(name).cloned()).or(announced),
                class: class
                    .map_or_else(|| "unknown".to_owned(), |class| classes.get(class).jmap_name()),
                frames: frames
                    .into_iter()
                    .flatten()
                    .map(|frame| frame_text(scan, classes, *frame))
                    .collect(),
            }
        })
        .collect()
}

fn frame_text(scan: &Scan, classes: &ClassTable, frame: u64) -> String {
    let Some(frame) = scan.tables.frames.get(&frame) else { return "unknown frame".to_owned() };
    let class = scan
        .tables
        .class_of_serial
        .get(&frame.class_serial)
        .and_then(|class| classes.index_of(*class))
        .map_or_else(|| "unknown class".to_owned(), |class| classes.get(class).jmap_name());
    let method = classes.symbols.text(frame.method).unwrap_or_else(|| "?".to_owned());
    let place = match (frame.line, classes.symbols.text(frame.source)) {
        (-3, _) => "native method".to_owned(),
        (line @ 1.., Some(source)) => format!("{source}:{line}"),
        (_, Some(source)) => source,
        _ => "unknown source".to_owned(),
    };
    format!("{class}.{method}({place})")
}
