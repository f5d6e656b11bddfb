//! `show` on a terminal.

use std::fmt::Write as _;

use super::{
    ClassView, EntryRow, HolderRow, ObjectRow, ObjectView, Overview, OwnersView, PathRow, RootRow,
    TreeRow, ValueRow, View,
};
use crate::index::census::Census;
use crate::index::store::Level;
use crate::parser::names::escape;
use crate::report::info;
use crate::report::text::{self, Cell, Grid, bytes_long, bytes_short, count, styled, styles};

/// Characters of a value in a table where nothing limits the width.
const VALUE: usize = 100;
/// Characters of a class name beside values.
const CLASS: usize = 48;
/// Columns from which on there is room for everything.
const WIDE: usize = 120;

/// The report.
pub fn render(census: &Census, view: &View, path: &str, columns: Option<usize>) -> String {
    let total = (census.instances, census.shallow_bytes);
    let mut out = info::head(&census.facts, path, total, columns);
    match view {
        View::Overview(view) => overview(&mut out, census, view, columns),
        View::Owners(view) => owners(&mut out, view, columns),
        View::Class(view) => class(&mut out, view, columns),
        View::Object(view) => object(&mut out, view, columns),
    }
    out
}

fn title(out: &mut String, text: &str, columns: Option<usize>) {
    // A line at a time: codes of styles do not count as width.
    let wrapped = text::wrap(text, columns, 1);
    let (first, rest) = wrapped.split_once('\n').unwrap_or((&wrapped, ""));
    let _ = writeln!(out, "\n{}", styled(styles::HEAD, first));
    if !rest.is_empty() {
        let _ = writeln!(out, "{rest}");
    }
}

/// A text one column in.
fn indented(out: &mut String, text: &str, columns: Option<usize>) {
    let columns = columns.map(|columns| columns.saturating_sub(1));
    let _ = writeln!(out, " {}", text::wrap(text, columns, 2));
}

fn head(names: &[&str]) -> Vec<Cell> {
    names.iter().map(|name| (*name).into()).collect()
}

/// A share in per cent; nothing of nothing.
fn share(part: u64, whole: u64) -> String {
    if whole == 0 { String::new() } else { format!("{:.1}%", part as f64 * 100.0 / whole as f64) }
}

fn overview(out: &mut String, census: &Census, view: &Overview, columns: Option<usize>) {
    title(out, "Reachability", columns);
    let mut grid = Grid { head: head(&["level", "objects", "bytes"]), ..Grid::default() };
    let mut sum = (0, 0);
    for row in &view.levels {
        sum = (sum.0 + row.objects, sum.1 + row.shallow_bytes);
        let level = row.level.name();
        grid.rows.push(vec![
            level.into(),
            count(row.objects).into(),
            bytes_short(row.shallow_bytes).into(),
        ]);
    }
    grid.rows.push(vec!["total".into(), count(sum.0).into(), bytes_short(sum.1).into()]);
    grid.draw(out, columns);
    let (archived, bytes) = census.facts.archived_mirrors;
    if archived > 0 {
        let note = format!(
            " without {} archived classes that were never loaded ({}): no record describes them",
            count(archived),
            bytes_short(bytes)
        );
        let _ = writeln!(out, "{}", styled(styles::DIM, &note));
    }
    let unreachable = view.levels.last().map_or(0, |row| row.objects);
    if census.facts.live == Some(true) && unreachable > 0 {
        let note = " unreachable, yet no garbage: mostly what class objects hold in fields that \
                    dumps lack (names, reflection data)";
        let _ = writeln!(out, "{}", styled(styles::DIM, note));
    }
    let strong = view.levels.first().map_or(0, |row| row.shallow_bytes);
    title(out, "Largest objects by what they retain (shares are of the strong level)", columns);
    objects(out, &view.objects, Some(strong), columns);
    title(
        out,
        "Classes by what all their instances retain together (≥: at least; the rows overlap)",
        columns,
    );
    let mut grid = Grid {
        head: head(&["retained", "share", "instances", "class"]),
        name: 3,
        ..Grid::default()
    };
    for row in &view.classes {
        let bound = if row.retained_is_lower_bound { "≥" } else { "" };
        grid.rows.push(vec![
            format!("{bound}{}", bytes_short(row.retained_bytes)).into(),
            share(row.retained_bytes, strong).into(),
            count(row.instances).into(),
            row.name.as_str().into(),
        ]);
    }
    grid.draw(out, columns);
    title(
        out,
        "GC roots by what would go if all roots of a kind were gone (system classes stay)",
        columns,
    );
    holders(out, "kind", &view.gc_roots, strong, columns);
    if !view.threads.is_empty() {
        title(out, "Threads by what would go with them and their frames (≥: at least)", columns);
        holders(out, "thread", &view.threads, strong, columns);
    }
    if let Some(tree) = &view.tree {
        title(out, "Dominator tree: who alone keeps what alive, by class", columns);
        let mut grid = Grid {
            head: head(&["retained", "share", "objects", "shallow", "class"]),
            name: 4,
            ..Grid::default()
        };
        tree_rows(&mut grid, tree, strong);
        grid.draw(out, columns);
    }
}

fn owners(out: &mut String, view: &OwnersView, columns: Option<usize>) {
    title(out, "Owners: what is kept alive, by the fields that hold it", columns);
    let mut grid = Grid {
        head: head(&["retained", "share", "objects", "entries", "held by"]),
        name: 4,
        ..Grid::default()
    };
    for row in &view.owners {
        let entries = if row.entries == 0 { String::new() } else { count(row.entries) };
        let mut name = format!("{}{}", "  ".repeat(row.depth), row.held_by);
        if let Some(class) = &row.class {
            let of = if row.is_class_object { "class " } else { "" };
            let _ = write!(name, " → {of}{class}");
        }
        if !row.shared_by.is_empty() {
            let _ = write!(name, " (by {})", row.shared_by.join(", "));
        }
        grid.rows.push(vec![
            bytes_short(row.retained_bytes).into(),
            share(row.retained_bytes, view.total_bytes).into(),
            count(row.objects).into(),
            entries.into(),
            name.as_str().into(),
        ]);
    }
    grid.draw(out, columns);
    if view.owners.len() < view.nodes {
        let note = format!(
            " the {} largest of {} nodes; more with --top",
            count(view.owners.len() as u64),
            count(view.nodes as u64)
        );
        let _ = writeln!(out, "{}", styled(styles::DIM, &note));
    }
}

/// Kinds of GC roots, or threads.
fn holders(out: &mut String, what: &str, rows: &[HolderRow], strong: u64, columns: Option<usize>) {
    let mut grid =
        Grid { head: head(&["retained", "share", "objects", what]), name: 3, ..Grid::default() };
    for row in rows {
        let bound = if row.retained_is_lower_bound { "≥" } else { "" };
        let name = match (&row.id, row.name.as_str()) {
            (Some(id), "") => format!("(unnamed) {id}"),
            (Some(id), name) => format!("{name} {id}"),
            (None, name) => name.to_owned(),
        };
        grid.rows.push(vec![
            format!("{bound}{}", bytes_short(row.retained_bytes)).into(),
            share(row.retained_bytes, strong).into(),
            count(row.objects).into(),
            name.into(),
        ]);
    }
    grid.draw(out, columns);
}

fn tree_rows(grid: &mut Grid, tree: &[TreeRow], strong: u64) {
    let mut open: Vec<(usize, &TreeRow)> = tree.iter().rev().map(|row| (0, row)).collect();
    while let Some((depth, row)) = open.pop() {
        let name = match &row.object {
            Some(object) => format!("{} {}", object.name(), object.id),
            None if row.shallow_bytes == 0 => {
                format!("(other: {})", plural(row.instances, "object"))
            }
            None => format!("{} ×{}", row.class, count(row.instances)),
        };
        let shallow =
            if row.shallow_bytes == 0 { String::new() } else { bytes_short(row.shallow_bytes) };
        grid.rows.push(vec![
            bytes_short(row.retained_bytes).into(),
            share(row.retained_bytes, strong).into(),
            count(row.retained_objects).into(),
            shallow.into(),
            format!("{}{name}", "  ".repeat(depth)).into(),
        ]);
        open.extend(row.children.iter().rev().map(|child| (depth + 1, child)));
    }
}

fn objects(out: &mut String, rows: &[ObjectRow], whole: Option<u64>, columns: Option<usize>) {
    let mut names = vec!["retained", "objects", "shallow", "id", "class"];
    if whole.is_some() {
        names.insert(1, "share");
    }
    let mut grid = Grid { head: head(&names), name: names.len() - 1, ..Grid::default() };
    for row in rows {
        let mut cells: Vec<Cell> = vec![
            bytes_short(row.retained_bytes).into(),
            count(row.retained_objects).into(),
            bytes_short(row.shallow_bytes).into(),
            row.id.as_str().into(),
            with_level(row).into(),
        ];
        if let Some(whole) = whole {
            cells.insert(1, share(row.retained_bytes, whole).into());
        }
        grid.rows.push(cells);
    }
    grid.draw(out, columns);
}

/// The name of an object, with its level where that is not the usual one.
fn with_level(row: &ObjectRow) -> String {
    match row.level {
        Level::Strong => row.name(),
        level => format!("{} ({})", row.name(), level.name()),
    }
}

fn class(out: &mut String, view: &ClassView, columns: Option<usize>) {
    let mut what = format!(
        "{} instances of {} that match {}, {} shallow",
        count(view.instances),
        if view.classes == 1 { "a class".to_owned() } else { format!("{} classes", view.classes) },
        escape(&view.pattern),
        bytes_long(view.shallow_bytes)
    );
    if let Some(retained) = view.retained_bytes_at_least {
        let _ = write!(
            what,
            "; the topmost of the strong ones retain {}, a lower bound of what all do",
            bytes_long(retained)
        );
    }
    title(out, &what, columns);
    if !view.objects.is_empty() {
        objects(out, &view.objects, None, columns);
        let more = view.instances - view.objects.len() as u64;
        if more > 0 {
            let line = format!(" ({} more: --top N)", count(more));
            let _ = writeln!(out, "{}", styled(styles::DIM, &line));
        }
    }
    if !view.class_objects.is_empty() {
        title(out, "Class objects: what their static fields retain", columns);
        objects(out, &view.class_objects, None, columns);
    }
}

fn object(out: &mut String, view: &ObjectView, columns: Option<usize>) {
    let row = &view.object;
    let what = format!(
        "{} {}: {} bytes, {}, retains {} in {}",
        escape(&row.name()),
        row.id,
        count(row.shallow_bytes),
        row.level.name(),
        bytes_long(row.retained_bytes),
        plural(row.retained_objects, "object"),
    );
    title(out, &what, columns);
    if let Some(value) = view.value.as_ref().filter(|_| row.of.is_none()) {
        indented(out, &escape(value), columns);
    }
    values(out, "Fields", &view.fields, columns);
    values(out, "Static fields", &view.statics, columns);
    if let Some(entries) = &view.entries {
        let title = if entries.is_empty() { "No entries" } else { "Entries" };
        entry_rows(out, title, entries, columns);
    }
    if let Some(elements) = &view.elements {
        let length = row.length.unwrap_or(0);
        let shown = elements.len();
        let title = match elements.first() {
            Some(first) if first.id.is_none() => primitives(out, elements, length, columns),
            _ => format!("Elements: {shown} of {}, without nulls", count(length.into())),
        };
        if !title.is_empty() {
            values(out, &title, elements, columns);
        }
    }
    if !view.dominators.is_empty() {
        title(out, "Dominated by, nearest first", columns);
        objects(out, &view.dominators, None, columns);
        if view.more_dominators {
            let _ = writeln!(out, "{}", styled(styles::DIM, " (and more)"));
        }
    }
    referrers(out, view, columns);
    path(out, view, columns);
}

fn plural(number: u64, what: &str) -> String {
    format!("{} {what}{}", count(number), if number == 1 { "" } else { "s" })
}

/// The text of a cell that holds a value, cut at a sensible length.
fn value(text: &str) -> String {
    let text = escape(text);
    if text.chars().count() <= VALUE {
        return text.into_owned();
    }
    text.chars().take(VALUE - 1).chain(['…']).collect()
}

fn values(out: &mut String, head_line: &str, rows: &[ValueRow], columns: Option<usize>) {
    if rows.is_empty() {
        return;
    }
    title(out, head_line, columns);
    // Where a field is declared matters only when there is more than one class to choose from.
    let first = rows.first().and_then(|row| row.declared_in.as_deref());
    let is_wide = columns.is_none_or(|columns| columns >= WIDE);
    let declared = is_wide && rows.iter().any(|row| row.declared_in.as_deref() != first);
    let class = if is_wide { CLASS } else { CLASS / 2 };
    let mut names = vec!["name", "type", "id", "value"];
    if declared {
        names.push("declared in");
    }
    let mut grid = Grid { head: head(&names), name: 3, left: vec![0, 1, 2, 4], ..Grid::default() };
    for row in rows {
        let mut cells: Vec<Cell> = vec![
            row.name.as_str().into(),
            text::shorten(&escape(&row.kind), class).into(),
            row.id.as_deref().unwrap_or_default().into(),
            value(&row.value).into(),
        ];
        if declared {
            let declared_in = row.declared_in.as_deref().unwrap_or_default();
            let simple = declared_in.rsplit('.').next().unwrap_or(declared_in);
            cells.push(Cell::styled(text::shorten(&escape(simple), CLASS), styles::DIM));
        }
        grid.rows.push(cells);
    }
    grid.draw(out, columns);
}

/// Numbers in lines; gives no title, as it has written one.
fn primitives(
    out: &mut String,
    elements: &[ValueRow],
    length: u32,
    columns: Option<usize>,
) -> String {
    let head_line = format!("Elements: the first {} of {}", elements.len(), count(length.into()));
    title(out, &head_line, columns);
    let all: Vec<&str> = elements.iter().map(|element| element.value.as_str()).collect();
    indented(out, &all.join(" "), columns.or(Some(VALUE)));
    String::new()
}

fn entry_rows(out: &mut String, head_line: &str, rows: &[EntryRow], columns: Option<usize>) {
    title(out, head_line, columns);
    if rows.is_empty() {
        return;
    }
    let is_map = rows.iter().any(|row| row.key.is_some());
    let names: &[&str] = if is_map { &["key", "", "value", "id"] } else { &["value", "id"] };
    let last = names.len() - 2;
    let mut grid = Grid { head: head(names), name: last, left: vec![0, 1, 3], ..Grid::default() };
    let said = |row: &ValueRow| match (row.kind.as_str(), row.value.as_str()) {
        (kind, "") => kind.to_owned(),
        ("java.lang.String" | "", text) => text.to_owned(),
        (kind, text) => format!("{} {text}", kind.rsplit('.').next().unwrap_or(kind)),
    };
    for row in rows {
        let mut cells: Vec<Cell> = Vec::new();
        if let Some(key) = &row.key {
            cells.push(text::shorten(&value(&said(key)), CLASS).into());
            cells.push(key.id.as_deref().unwrap_or_default().into());
        }
        cells.push(value(&said(&row.value)).into());
        cells.push(row.value.id.as_deref().unwrap_or_default().into());
        grid.rows.push(cells);
    }
    grid.draw(out, columns);
}

fn referrers(out: &mut String, view: &ObjectView, columns: Option<usize>) {
    let title_line = match view.referrers_total {
        0 => "Nothing refers to it".to_owned(),
        total => format!("Referred to by {}", plural(total, "reference")),
    };
    title(out, &title_line, columns);
    if view.referrers.is_empty() {
        return;
    }
    let mut grid = Grid {
        head: head(&["retained", "id", "object", "field"]),
        name: 2,
        left: vec![3],
        ..Grid::default()
    };
    for row in &view.referrers {
        let weak = if row.retains { "" } else { " (does not retain)" };
        grid.rows.push(vec![
            bytes_short(row.object.retained_bytes).into(),
            row.object.id.as_str().into(),
            with_level(&row.object).into(),
            format!("{}{weak}", row.field).into(),
        ]);
    }
    grid.draw(out, columns);
    let more = view.referrers_total.saturating_sub(view.referrers.len() as u64);
    if more > 0 {
        let line = format!(" ({} more)", count(more));
        let _ = writeln!(out, "{}", styled(styles::DIM, &line));
    }
}

fn root_text(root: &RootRow) -> String {
    let mut text = format!("root: {}", root.kind);
    if let Some(thread) = &root.thread {
        let _ = write!(text, " of thread {thread:?}");
    }
    if let Some(frame) = &root.frame {
        let _ = write!(text, ", in {frame}");
    }
    text
}

fn path(out: &mut String, view: &ObjectView, columns: Option<usize>) {
    if view.object.level == Level::Unreachable {
        title(out, "No root leads to it", columns);
        return;
    }
    title(out, "Path from a root", columns);
    match &view.root {
        Some(root) => {
            indented(out, &escape(&root_text(root)), columns);
        }
        None => {
            let _ = writeln!(out, " root: not found");
        }
    }
    let mut grid = Grid {
        head: head(&["retained", "id", "field", "object"]),
        name: 3,
        left: vec![2],
        ..Grid::default()
    };
    for row in &view.path {
        grid.rows.push(match row {
            PathRow::Object { field, object, value: meaning } => {
                let name = with_level(object);
                let said = match meaning {
                    Some(text) if object.of.is_none() => format!("{name} {}", value(text)),
                    _ => name,
                };
                vec![
                    bytes_short(object.retained_bytes).into(),
                    object.id.as_str().into(),
                    text::shorten(&escape(field.as_deref().unwrap_or_default()), CLASS).into(),
                    said.into(),
                ]
            }
            PathRow::Skipped { skipped_dominators } => {
                let text = format!("… {} that dominate it", plural(*skipped_dominators, "object"));
                vec!["".into(), "".into(), "…".into(), text.into()]
            }
            PathRow::Unknown { .. } => {
                vec!["".into(), "".into(), "?".into(), "(a way that was not found)".into()]
            }
        });
    }
    grid.draw(out, columns);
}
