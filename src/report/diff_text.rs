//! A comparison for the terminal: what was compared, what grew, tables that add up.

use std::collections::HashSet;
use std::fmt::Write as _;

use super::histo::with_length;
use super::json::Tables;
use super::owners_text::{self, FindingsView};
use super::rate::{Per, duration};
use super::text::{
    self, Cell, Grid, bytes_long, bytes_short, count, delta_count, delta_short, sparkline, styled,
    styles,
};
use super::{info, next};
use crate::diff::held::{HeldRow, HeldTable};
use crate::diff::trend::Trend;
use crate::diff::{Comparison, DumpSummary, LongestArray, Row, Series, Table};
use crate::digest::{ArrayKey, ClassKey, Kind, ThreadKey};
use crate::index::census::HeapFacts;
use crate::parser::names::escape;

/// How a comparison is shown.
#[derive(Clone, Copy, Debug)]
pub struct DiffView {
    pub tables: Tables,
    /// Width of the terminal; `None` for a file or a pipe.
    pub columns: Option<usize>,
    /// Size that the heap can have.
    pub heap_max: Option<u64>,
    /// With the numbers that verdicts are made of.
    pub in_numbers: bool,
}

/// How a table is shown.
#[derive(Clone, Copy)]
struct TableView {
    columns: Option<usize>,
    per: Per,
}

/// Renders a comparison.
pub fn render(comparison: &Comparison, view: DiffView) -> String {
    let mut out = String::new();
    dumps(comparison, view.columns, &mut out);
    if let Some(owners) = &comparison.owners {
        let per = Per::of(&times(&comparison.digests[owners.judged.clone()]));
        let DiffView { columns, heap_max, in_numbers, .. } = view;
        owners_text::findings(
            owners,
            FindingsView { columns, heap_max, per, in_numbers },
            &mut out,
        );
    }
    let tables = view.tables;
    if let (Some(owners), true) = (&comparison.owners, tables.owners) {
        owners_text::table(owners, view.columns, &mut out);
    }
    summary(comparison, view.columns, &mut out);
    let per = Per::of(&times(&comparison.digests));
    let of_table = TableView { columns: view.columns, per };
    if tables.classes {
        let mut seen = HashSet::new();
        let names = comparison.classes.rows.iter().map(|row| &*row.key.name);
        let repeated: HashSet<&str> = names.filter(|name| !seen.insert(*name)).collect();
        let name = |row: &Row<ClassKey>| match repeated.contains(&*row.key.name) {
            true => format!("{} ({})", row.key.name, row.key.loader),
            false => row.key.name.to_string(),
        };
        table("class", &comparison.classes, &comparison.total, name, of_table, &mut out);
    }
    if tables.arrays {
        let name = |row: &Row<ArrayKey>| with_length(&row.key.class, row.key.length);
        let total = &comparison.array_total;
        table("array length", &comparison.arrays, total, name, of_table, &mut out);
    }
    if tables.packages {
        let name = |row: &Row<String>| row.key.clone();
        table("package", &comparison.packages, &comparison.total, name, of_table, &mut out);
    }
    if tables.loaders {
        let name = |row: &Row<String>| row.key.clone();
        table("class loader", &comparison.loaders, &comparison.total, name, of_table, &mut out);
    }
    if let Some(held) = comparison.held.as_ref().filter(|_| tables.threads) {
        let name = |key: &ThreadKey| match &key.name {
            Some(name) => name.clone(),
            None => format!("({})", key.class),
        };
        held_table("thread", &held.threads, name, view.columns, &mut out);
    }
    if let Some(held) = comparison.held.as_ref().filter(|_| tables.roots) {
        held_table("kind of GC root", &held.roots, String::clone, view.columns, &mut out);
    }
    next(comparison, view.columns, &mut out);
    out
}

/// What to type to see more.
fn next(comparison: &Comparison, columns: Option<usize>, out: &mut String) {
    let mut dumps = comparison.digests.iter().rev();
    let last = dumps.find(|dump| dump.kind == Kind::Dump);
    let Some((owners, last)) = comparison.owners.as_ref().zip(last) else { return };
    if let Some(command) = next::command(owners, &last.path, narrower(columns)) {
        let _ = writeln!(out, " {}", styled(styles::DIM, &command));
    }
}

/// When dumps were taken, in milliseconds.
fn times(dumps: &[DumpSummary]) -> Vec<u64> {
    dumps.iter().map(|dump| dump.facts.time_ms).collect()
}

/// The compared dumps, each with its time, size and step.
fn dumps(comparison: &Comparison, columns: Option<usize>, out: &mut String) {
    let first = comparison.digests.first().map(|dump| &dump.facts);
    let jvm = first
        .and_then(|facts| facts.jvm.as_ref())
        .map_or("unknown JVM".to_owned(), |jvm| format!("JDK {}", jvm.text));
    let main = first
        .and_then(|facts| facts.main_class.as_deref())
        .map(|main| format!(", {main}"))
        .unwrap_or_default();
    let whose = match comparison.comparability.one_process {
        Some(true) => "one process",
        Some(false) => "different processes",
        None => "perhaps one process",
    };
    let times = times(&comparison.digests);
    let over = match (times.first(), times.last()) {
        (Some(first), Some(last)) if last > first => {
            format!(" over {}", duration((last - first) as f64 / 3_600_000.0))
        }
        _ => String::new(),
    };
    let line =
        format!("{} dumps of {whose} ({jvm}{main}), by dump time{over}", comparison.digests.len());
    let line = text::wrap(&escape(&line), columns, 2);
    let _ = writeln!(out, "{}", styled(styles::HEAD, &line));
    let mut grid = Grid {
        head: ["", "time", "objects", "shallow", "step", "sizes", "file"].map(Into::into).to_vec(),
        name: 6,
        left: vec![1, 5],
        ..Grid::default()
    };
    let mut before = None;
    for (nth, dump) in comparison.digests.iter().enumerate() {
        let bytes = dump.total.shallow_bytes;
        let step =
            before.map_or(String::new(), |before| delta_short(bytes.wrapping_sub(before) as i64));
        before = Some(bytes);
        let sizes = match dump.facts.integrity.is_complete() {
            true => Cell::from(dump.facts.sizes.grade.to_string()),
            false => Cell::styled("INCOMPLETE", styles::WARN),
        };
        grid.rows.push(vec![
            (nth + 1).to_string().into(),
            info::time(dump.facts.time_ms).into(),
            count(dump.total.instances).into(),
            bytes_short(bytes).into(),
            step.into(),
            sizes,
            dump.path.as_str().into(),
        ]);
    }
    grid.draw(out, columns);
    for warning in &comparison.comparability.warnings {
        let _ = writeln!(out, "{}", text::labelled(styles::WARN, " warning:", warning, columns));
    }
    for (nth, dump) in comparison.digests.iter().enumerate() {
        for warning in &dump.facts.integrity.warnings {
            let label = format!(" warning: dump {}:", nth + 1);
            let _ = writeln!(out, "{}", text::labelled(styles::WARN, &label, warning, columns));
        }
    }
    let _ = writeln!(out);
}

/// The answer in a few lines, before the tables.
fn summary(comparison: &Comparison, columns: Option<usize>, out: &mut String) {
    let total = &comparison.total;
    let growth = total.growth_bytes();
    let steps = total.steps;
    let line = if steps == 0 {
        "One dump: nothing to compare it with".to_owned()
    } else {
        let percent = match total.growth_percent() {
            Some(percent) => format!(", {percent:+.1} %"),
            None => String::new(),
        };
        // Of one step, its rate is the growth; what jumps once has none.
        let per = Per::of(&times(&comparison.digests));
        let tells =
            |rate: &f64| growth > 0 && (steps > 1 || per == Per::Hour) && per.bytes(*rate) != 0.0;
        let rate = total.bytes_per_hour.filter(tells);
        let rate = rate.map_or(String::new(), |rate| format!(", {}", per.words(rate)));
        format!(
            "The heap {}: {} → {} ({}{percent}{rate})",
            shape(total),
            bytes_long(total.shallow_bytes.first().copied().unwrap_or(0)),
            bytes_long(total.shallow_bytes.last().copied().unwrap_or(0)),
            delta_short(growth),
        )
    };
    let is_alarming = growth > 0 && total.trend == Trend::Rising && !is_steady(total);
    let style = if is_alarming { styles::GREW } else { styles::HEAD };
    let _ = writeln!(out, " {}", styled(style, &text::wrap(&line, narrower(columns), 2)));
    off_heap(comparison, columns, out);
    longest(comparison, columns, out);
    let _ = writeln!(out);
}

/// True when a heap ends as large as it began, but for less than what a verdict needs.
fn is_steady(total: &Series) -> bool {
    const STEADY_PERCENT: f64 = 1.0;
    total.growth_percent().is_some_and(|percent| percent.abs() < STEADY_PERCENT)
}

/// What the heap did.
fn shape(total: &Series) -> String {
    let steps = total.steps;
    match total.trend {
        Trend::Flat => "is level".to_owned(),
        Trend::Swinging => "went up and down".to_owned(),
        _ if is_steady(total) => "changed by less than 1 %".to_owned(),
        Trend::Rising if total.steps_up == steps && steps > 1 => {
            format!("grew in every one of {steps} steps")
        }
        Trend::Rising => format!("grew in {} of {steps} steps", total.steps_up),
        Trend::Flattening => "grew, but less and less".to_owned(),
        Trend::Step if total.growth_bytes() > 0 => "jumped once".to_owned(),
        Trend::Step => "dropped once".to_owned(),
        Trend::Falling => "shrank".to_owned(),
        Trend::New | Trend::Gone => "changed".to_owned(),
    }
}

/// Memory outside of the heap that the heap knows of, where there is any.
fn off_heap(comparison: &Comparison, columns: Option<usize>, out: &mut String) {
    let heaps: Option<Vec<HeapFacts>> =
        comparison.digests.iter().map(|dump| dump.facts.heap).collect();
    let Some(heaps) = heaps else { return };
    let direct: Vec<u64> = heaps.iter().map(|heap| heap.off_heap.direct.bytes).collect();
    let mapped: Vec<u64> = heaps.iter().map(|heap| heap.off_heap.mapped.bytes).collect();
    for (name, series) in [("direct buffers", direct), ("mapped files", mapped)] {
        if let (Some(first), Some(last)) =
            (series.first(), series.last().filter(|_| series.iter().any(|b| *b > 0)))
        {
            let growth = delta_short(last.wrapping_sub(*first) as i64);
            let line = format!(
                "off-heap, {name}: {} → {} ({growth})",
                bytes_long(*first),
                bytes_long(*last)
            );
            let _ = writeln!(out, " {}", text::wrap(&line, narrower(columns), 2));
        }
    }
}

/// The width behind a leading space.
fn narrower(columns: Option<usize>) -> Option<usize> {
    columns.map(|columns| columns.saturating_sub(1))
}

/// Longest arrays that get a line.
const LONGEST_SHOWN: usize = 3;

/// The longest array of a class, where it gets longer: tables and lists that grow. What a finding
/// shows as its table is not told again.
fn longest(comparison: &Comparison, columns: Option<usize>, out: &mut String) {
    let findings = comparison.owners.iter().flat_map(owners_text::shown);
    let told: Vec<_> = findings.filter_map(|finding| finding.table.as_ref()).collect();
    let is_told = |array: &LongestArray| {
        let lengths = || array.lengths.iter().map(|length| u64::from(*length));
        told.iter().any(|t| *t.class == *array.class && t.lengths.iter().copied().eq(lengths()))
    };
    let grown = comparison.longest.iter().filter(|array| is_table(array) && !is_told(array));
    for array in grown.take(LONGEST_SHOWN) {
        let lengths: Vec<String> = array
            .lengths
            .iter()
            .map(|length| if *length == 0 { "none".to_owned() } else { count((*length).into()) })
            .collect();
        let line = format!(
            "longest {} in the heap: {} elements",
            escape(&array.class),
            lengths.join(" → ")
        );
        let _ = writeln!(out, " {}", text::wrap(&line, narrower(columns), 2));
    }
}

/// True for an array long enough to be the table of a collection that matters.
fn is_table(array: &LongestArray) -> bool {
    const LONG: u32 = 1024;
    array.lengths.last().is_some_and(|length| *length >= LONG)
}

/// One table: a row for each key, the other rows, the total.
fn table<K>(
    what: &str,
    table: &Table<K>,
    total: &Series,
    name: impl Fn(&Row<K>) -> String,
    view: TableView,
    out: &mut String,
) {
    let columns = view.columns;
    let has_retained = table.rows.iter().any(|row| row.series.retained.is_some());
    let shape = Shape::of(total.shallow_bytes.len(), has_retained, columns);
    let per = view.per;
    let mut head: Vec<Cell> = vec![format!("growth by {what}").into()];
    head.extend(shape.dumps.iter().map(|nth| Cell::from(format!("{}", nth + 1))));
    head.extend(["growth", "%"].map(Cell::from));
    if shape.retained {
        head.push("retained".into());
    }
    if shape.objects {
        head.push("objects".into());
    }
    let left = vec![head.len(), head.len() + 1];
    head.extend(["trend", ""].map(Cell::from));
    if shape.rate {
        head.push(per.head().into());
    }
    let mut grid = Grid { head, name: 0, left, ..Grid::default() };
    let line = |name: String, series: &Series| {
        let mut cells: Vec<Cell> = vec![name.into()];
        cells.extend(
            shape.dumps.iter().map(|nth| Cell::from(bytes_short(series.shallow_bytes[*nth]))),
        );
        let growth = Cell::styled(delta_short(series.growth_bytes()), style(series));
        cells.extend([growth, percent(series).into()]);
        if shape.retained {
            let cell = series.retained.as_ref().map_or(String::new(), |retained| {
                let bound = if retained.exact { "" } else { "≥" };
                format!("{bound}{}", delta_short(retained.growth_bytes()))
            });
            cells.push(cell.into());
        }
        if shape.objects {
            cells.push(delta_count(series.growth_instances()).into());
        }
        let steps = match series.trend {
            Trend::Rising | Trend::New if series.steps > 1 && shape.rate => {
                format!("{} {}/{}", series.trend.word(), series.steps_up, series.steps)
            }
            trend => trend.word().to_owned(),
        };
        cells.extend([sparkline(&series.shallow_bytes).into(), steps.into()]);
        if shape.rate {
            let rate = series
                .bytes_per_hour
                .filter(|rate| per.bytes(*rate) != 0.0)
                .map_or(String::new(), |rate| per.short(rate));
            cells.push(rate.into());
        }
        cells
    };
    for row in &table.rows {
        grid.rows.push(line(name(row), &row.series));
    }
    if let Some((rows, series)) = &table.other {
        grid.rows.push(line(format!("(other: {} rows)", count(*rows as u64)), series));
    }
    grid.rows.push(line("total".to_owned(), total));
    grid.draw(out, columns);
    let _ = writeln!(out);
}

/// What threads or kinds of GC roots retain. There is no total: they hold things together, too.
fn held_table<K>(
    what: &str,
    table: &HeldTable<K>,
    name: impl Fn(&K) -> String,
    columns: Option<usize>,
    out: &mut String,
) {
    let Some(first) = table.rows.first() else {
        let _ = writeln!(out, " what is retained by {what}: no change\n");
        return;
    };
    let shape = Shape::of(first.series.shallow_bytes.len(), false, columns);
    let mut head: Vec<Cell> = vec![format!("retained by {what}").into()];
    head.extend(shape.dumps.iter().map(|nth| Cell::from(format!("{}", nth + 1))));
    head.extend(["growth", "%"].map(Cell::from));
    let left = vec![head.len(), head.len() + 1];
    head.extend(["trend", ""].map(Cell::from));
    let mut grid = Grid { head, name: 0, left, ..Grid::default() };
    for HeldRow { key, series, exact, .. } in &table.rows {
        let bound = if *exact { "" } else { "≥" };
        let bytes = &series.shallow_bytes;
        let mut cells: Vec<Cell> = vec![name(key).into()];
        let dumps = shape.dumps.iter().map(|nth| format!("{bound}{}", bytes_short(bytes[*nth])));
        cells.extend(dumps.map(Cell::from));
        let growth = Cell::styled(delta_short(series.growth_bytes()), style(series));
        cells.extend([growth, percent(series).into()]);
        cells.extend([sparkline(bytes).into(), series.trend.word().into()]);
        grid.rows.push(cells);
    }
    grid.draw(out, columns);
    if table.more > 0 {
        let _ = writeln!(out, " ({} more that changed)", count(table.more as u64));
    }
    let _ = writeln!(out);
}

/// The colour of a row's growth.
fn style(series: &Series) -> anstyle::Style {
    match series.growth_bytes() {
        1.. if matches!(series.trend, Trend::Rising | Trend::New) => styles::GREW,
        ..=-1 => styles::SHRANK,
        _ => anstyle::Style::new(),
    }
}

/// Growth in percent, as far as that says something.
fn percent(series: &Series) -> String {
    match series.growth_percent() {
        _ if series.growth_bytes() == 0 => String::new(),
        Some(percent) if percent.abs() >= 9999.5 => ">9999%".to_owned(),
        Some(percent) => format!("{percent:+.0}%"),
        None => "new".to_owned(),
    }
}

/// Which columns a table has room for.
struct Shape {
    /// The dumps with a column of their own.
    dumps: Vec<usize>,
    retained: bool,
    objects: bool,
    rate: bool,
}

impl Shape {
    /// All columns where there is no limit; on a narrow terminal the first and the last dump and
    /// what matters most.
    fn of(dumps: usize, has_retained: bool, columns: Option<usize>) -> Self {
        /// Columns for a name that can be read, and the columns every table has.
        const NAME_AND_GROWTH: usize = 36 + 8 + 8 + 12;
        const RETAINED: usize = 11;
        const OBJECTS: usize = 12;
        const RATE: usize = 13;
        const DUMP: usize = 8;
        let Some(columns) = columns else {
            let dumps = (0..dumps).collect();
            return Self { dumps, retained: has_retained, objects: true, rate: true };
        };
        let mut left = columns.saturating_sub(NAME_AND_GROWTH + dumps + 2 * DUMP);
        let mut take = |needed: usize| {
            let fits = left >= needed;
            left -= if fits { needed } else { 0 };
            fits
        };
        let retained = has_retained && take(RETAINED);
        let rate = take(RATE);
        let objects = take(OBJECTS);
        let fit = (2 + left / DUMP).min(dumps);
        let shown = match fit {
            all if all == dumps => (0..dumps).collect(),
            fit => std::iter::once(0).chain(dumps - (fit - 1)..dumps).collect(),
        };
        Self { dumps: shown, retained, objects, rate }
    }
}
