//! The command `show`.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use super::args::{DiffFormat, Global, Show};
use super::commands::{columns, completeness, open, print, print_plain};
use super::index::build_options;
use super::opening::open_index;
use super::progress::Meter;
use super::{Exit, Failure};
use crate::index::array::Budget;
use crate::index::heap::{Classes, Heap};
use crate::index::referrers::{self, Lookup, Roots, Tracer};
use crate::index::store::{HeapIndex, OpenIndexError, Retained};
use crate::index::tree::{self, Topmost};
use crate::parser::ids::ObjectId;
use crate::parser::names::escape;
use crate::report::show::{self, ClassView, ObjectRow, ObjectView, Overview, OwnersView, View};
use crate::report::text::bytes_long;

/// Rows of a table.
const TOP: usize = 50;
/// Rows of the tables of one object.
const OBJECT_TOP: usize = 20;
/// Up to so many objects, what takes a pass over all of them is shown without being asked for.
const SMALL: u64 = 4_000_000;
/// A walk over so many bytes takes long enough to be announced.
const LONG_WALK: usize = 1 << 30;
/// Levels of the dominator tree.
const DEPTH: usize = 5;
/// Memory for the passes over all objects; beyond it, temporary files are used.
const MEMORY: u64 = 4 << 30;

/// `heapdrift show`.
pub fn run_show(args: &Show, global: &Global) -> Result<Exit, Failure> {
    let path = &args.dump_file;
    let id = args.object.as_deref().map(parse_id).transpose()?;
    let pattern = args.class.as_deref().map(regex::Regex::new).transpose();
    let pattern = pattern.map_err(|error| Failure::usage(format!("--class: {error}")))?;
    let options = build_options(&args.indexing, &args.reading, global);
    let index = open_index(path, &options, global)?;
    let damaged = |error: OpenIndexError| {
        Failure::input(escape(&error.to_string()).into_owned())
            .help("remove it; it is built anew when it is needed")
    };
    let census = index.census().map_err(damaged)?;
    let classes = Classes::of(&index).map_err(damaged)?;
    let view = match (id, &pattern) {
        (Some(id), _) => View::Object(Box::new(one_object(args, id, &index, &classes, global)?)),
        (None, Some(pattern)) => View::Class(of_class(args, pattern, &index, &classes)?),
        (None, None) if args.owners => {
            let tree = index.owners().map_err(damaged)?;
            let outside: u64 = tree.nodes.iter().map(|node| node.native_bytes).sum();
            View::Owners(OwnersView {
                owners: show::owners::rows(&tree, args.top.unwrap_or(TOP)),
                nodes: tree.nodes.len().saturating_sub(1),
                total_bytes: census.shallow_bytes + outside,
            })
        }
        (None, None) => View::Overview(overview(args, &index, &classes)?),
    };
    let shown = path.to_string_lossy();
    match args.format {
        DiffFormat::Text => {
            let mut text = show::render(&census, &view, &shown, columns());
            if matches!(view, View::Overview(_)) {
                text += &hints(args, &index);
            }
            print(&text, global.color)?;
        }
        DiffFormat::Json => {
            print_plain(&show::json(&census, &view, &shown).map_err(Failure::json)?)?;
        }
    }
    let reason = census.facts.integrity.reason();
    Ok(completeness(&shown, reason, args.reading.allow_incomplete))
}

/// An id as the reports print it, with or without `0x`.
fn parse_id(text: &str) -> Result<ObjectId, Failure> {
    let digits = text.trim_start_matches('@').trim_start_matches("0x");
    u64::from_str_radix(digits, 16).map(ObjectId).map_err(|_| {
        Failure::usage(format!("--object: {} is no id", escape(text)))
            .help("ids are hexadecimal, as in the other tables of show: 0x7f5e8c01")
    })
}

fn is_small(index: &HeapIndex) -> bool {
    index.objects() <= SMALL
}

/// What to type next.
fn hints(args: &Show, index: &HeapIndex) -> String {
    let path = escape(&args.dump_file.to_string_lossy()).into_owned();
    let mut text = format!("\nOne of them: heapdrift show {path} --object ID\n");
    let _ = writeln!(text, "By the fields that hold it: heapdrift show {path} --owners");
    if !is_small(index) && args.depth.is_none() {
        text += "The dominator tree takes a pass over all objects: --depth 5\n";
    }
    text
}

fn failed(what: &str) -> impl Fn(std::io::Error) -> Failure + '_ {
    move |error| Failure::input(format!("{what}: {error}")).help("make room for temporary files")
}

/// Where temporary files go: to the index, which has just proven to have room.
fn budget(args: &Show, index: &HeapIndex) -> Budget {
    let directory = index.path().parent().filter(|parent| *parent != Path::new(""));
    let writable = directory.filter(|directory| tempfile::tempfile_in(directory).is_ok());
    let fallback = std::env::temp_dir();
    Budget::new(args.indexing.memory.unwrap_or(MEMORY), writable.unwrap_or(&fallback))
}

fn overview(args: &Show, index: &HeapIndex, classes: &Classes) -> Result<Overview, Failure> {
    let top = args.top.unwrap_or(TOP);
    let mut view = Overview::new(index, classes, top);
    view.add_sets(index.sets().map_err(|error| Failure::input(error.to_string()))?, top);
    let depth = args.depth.unwrap_or(if is_small(index) { DEPTH } else { 0 });
    if depth > 0 {
        let root = tree::dominator_tree(index, depth).map_err(failed("dominator tree"))?;
        view.add_tree(index, classes, &root);
    }
    Ok(view)
}

fn of_class(
    args: &Show,
    pattern: &regex::Regex,
    index: &HeapIndex,
    classes: &Classes,
) -> Result<ClassView, Failure> {
    let top = args.top.unwrap_or(TOP);
    let matches: Vec<bool> = index.kinds().map(|(_, name, _)| pattern.is_match(name)).collect();
    let mut largest = BinaryHeap::new();
    let mut sum = Retained::default();
    let mut has_instances = vec![false; matches.len()];
    index.for_each(|object, _, retained| {
        let Some((kind, _)) = index.kind(object) else { return };
        if !matches[kind as usize] {
            return;
        }
        has_instances[kind as usize] = true;
        sum.objects += 1;
        sum.bytes += index.shallow(object);
        largest.push((Reverse(retained.bytes), object));
        if largest.len() > top {
            largest.pop();
        }
    });
    let mut of_classes: Vec<u64> = classes
        .all
        .iter()
        .filter(|class| pattern.is_match(&class.name))
        .filter_map(|class| index.ordinal(class.id))
        .collect();
    of_classes.sort_by_key(|object| (Reverse(index.retained(*object).bytes), *object));
    of_classes.truncate(top);
    if sum.objects == 0 && of_classes.is_empty() {
        return Err(Failure::usage(format!(
            "--class: no class matches {}",
            escape(pattern.as_str())
        ))
        .help("names are in source form: java.util.HashMap$Node, byte[]; a part is enough"));
    }
    let mut retained = None;
    if args.classes || is_small(index) {
        let sets: Vec<Option<u32>> = matches.iter().map(|is| is.then_some(0)).collect();
        let sums =
            tree::topmost(index, &sets, 1, &budget(args, index)).map_err(failed("classes"))?;
        retained = sums.first().map(|sum: &Topmost| sum.retained.bytes);
    }
    let row = |object| ObjectRow::new(index, classes, object);
    Ok(ClassView {
        pattern: pattern.as_str().to_owned(),
        classes: has_instances.iter().filter(|has| **has).count() as u64,
        instances: sum.objects,
        shallow_bytes: sum.bytes,
        retained_bytes_at_least: retained,
        objects: largest.into_sorted_vec().into_iter().map(|(_, object)| row(object)).collect(),
        class_objects: of_classes.into_iter().map(row).collect(),
    })
}

fn one_object(
    args: &Show,
    id: ObjectId,
    index: &HeapIndex,
    classes: &Classes,
    global: &Global,
) -> Result<ObjectView, Failure> {
    let object = index.ordinal(id).ok_or_else(|| {
        Failure::usage(format!("--object: no object has the id {:#x}", id.0))
            .help("ids are those of one dump: they change from dump to dump")
    })?;
    let path = &args.dump_file;
    let failure =
        |error: String| Failure::input(format!("{}: {error}", escape(&path.to_string_lossy())));
    let mut source = open(path, global)?;
    let meter = Meter::new(&source, global.quiet);
    let spooled = source
        .spool_in(budget(args, index).directory())
        .map_err(|error| failure(error.to_string()).help(error.remedy()))?;
    if let (Some(bytes), false) = (spooled, global.quiet) {
        let _ = writeln!(
            std::io::stderr(),
            "heapdrift: {}: inflated into a temporary file of {} for reading fields",
            escape(&path.to_string_lossy()),
            bytes_long(bytes)
        );
    }
    let bytes = source.mapped().unwrap_or_default();
    let heap = Heap::new(index, classes, bytes)
        .map_err(|error| failure(error.to_string()).help(error.remedy()))?;
    let is_told = global.verbose || bytes.len() >= LONG_WALK && !global.quiet;
    let walking = || {
        if is_told {
            let _ = writeln!(
                std::io::stderr(),
                "heapdrift: who refers to it is not in the index: walking {}",
                bytes_long(bytes.len() as u64)
            );
        }
    };
    let roots = Roots::of(index);
    let tracer = Tracer {
        heap: &heap,
        roots: &roots,
        progress: &meter,
        lookup: Lookup::Index,
        walking: &walking,
    };
    let trace = referrers::trace(&tracer, object);
    meter.finish();
    let threads = index.facts().map(|facts| facts.threads).unwrap_or_default();
    let top = args.top.unwrap_or(OBJECT_TOP);
    Ok(ObjectView::new(&heap, object, &trace, &threads, top))
}
