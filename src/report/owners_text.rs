//! Owners for the terminal: the verdict and what led to it, then the table of owners.

use std::fmt::Write as _;

use super::text::{
    self, Cell, Grid, bytes_long, bytes_short, count, delta_count, delta_short, sparkline, styled,
    styles,
};
use super::why::{percent, why};
use crate::diff::owners::verdict::Verdict;
use crate::diff::owners::{Finding, OwnerKey, OwnerSeries, Owners, Step, StepKind};
use crate::diff::trend::Trend;
use crate::library::{Basis, Library};
use crate::parser::names::escape;

/// Findings that are shown with what led to them.
const SHOWN: usize = 3;
const JDK: &str = "JDK";
/// Columns from which on the table of owners has room for libraries.
const WIDE: usize = 120;

/// The verdict, and the worst findings.
pub fn findings(owners: &Owners, heap_max: Option<u64>, columns: Option<usize>, out: &mut String) {
    let shown = shown(owners);
    let style = match owners.verdict {
        Verdict::LikelyLeak | Verdict::Suspect => styles::GREW,
        Verdict::Incomparable => styles::WARN,
        Verdict::Grew | Verdict::Steady => styles::HEAD,
    };
    let line = text::wrap(&headline(owners, &shown), columns.map(|c| c.saturating_sub(1)), 2);
    let _ = writeln!(out, " {}", styled(style, &line));
    for finding in &shown {
        one(finding, heap_max, columns, out);
    }
    let more = owners.findings.len() - shown.len();
    if more > 0 && !shown.is_empty() {
        let findings = if more == 1 { "finding" } else { "findings" };
        let _ = writeln!(out, "   {} lesser {findings}: --format json", count(more as u64));
    }
    let _ = writeln!(out);
}

/// Those that have the overall verdict; at least one where something grew.
fn shown(owners: &Owners) -> Vec<&Finding> {
    if owners.verdict <= Verdict::Steady {
        return Vec::new();
    }
    let worst = || owners.findings.iter().filter(|finding| finding.verdict == owners.verdict);
    // What is less bad may have grown far more: the worst is shown anyway.
    let least = worst().map(|finding| finding.share_of_growth).fold(0.0, f64::max) * 0.05;
    worst().filter(|finding| finding.share_of_growth >= least).take(SHOWN).collect()
}

fn headline(owners: &Owners, shown: &[&Finding]) -> String {
    let explained: f64 = shown.iter().map(|finding| finding.share_of_growth).sum();
    let explain = match shown {
        [_] => format!("one owner explains {} of the growth", percent(explained)),
        shown => format!("{} owners explain {} of the growth", shown.len(), percent(explained)),
    };
    let hint = match 5usize.saturating_sub(owners.judged.len()) {
        0 => String::new(),
        1 => " (one more dump would tell a leak)".to_owned(),
        more => format!(" ({more} more dumps would tell a leak)"),
    };
    match owners.verdict {
        Verdict::LikelyLeak => format!("Likely leak: {explain}"),
        Verdict::Suspect => format!("Suspect: {explain}{hint}"),
        Verdict::Grew => format!("Grew: {explain}{hint}"),
        Verdict::Steady => "Steady: no owner grew by 1 % of the heap".to_owned(),
        Verdict::Incomparable => "Not comparable: see the warnings".to_owned(),
    }
}

/// A finding and its evidence.
fn one(finding: &Finding, heap_max: Option<u64>, columns: Option<usize>, out: &mut String) {
    let kind = format!("   ({})", finding.owner.kind.words());
    let room = columns.map_or(usize::MAX, |columns| columns.saturating_sub(3 + text::width(&kind)));
    let name = text::shorten(&escape(&finding.owner.name()), room);
    let _ = writeln!(out, "   {}{kind}", styled(styles::HEAD, &name));
    let mut line = |text: String| {
        let text = text::wrap(&escape(&text), columns.map(|c| c.saturating_sub(3)), 6);
        let _ = writeln!(out, "   {text}");
    };
    line(amounts(finding, heap_max));
    let entries = entries(finding);
    if !entries.is_empty() {
        line(entries);
    }
    let label = |label: &str, text: String| format!("{label:<7} {text}");
    if let Some(library) = &finding.library {
        line(label("owner", whose(library)));
    }
    for other in &finding.also_held_by {
        line(label("also", format!("{} ({})", other.name(), other.kind.words())));
    }
    if let Some(holds) = holds(finding) {
        line(label("holds", holds));
    }
    if let Some(loaded) = loaded(finding) {
        line(label("loads", loaded));
    }
    line(label("alive", alive(&finding.path)));
    if let Some(site) = &finding.site {
        line(label("site", site.clone()));
    }
    if let Some(cause) = &finding.known_cause {
        line(label("known", format!("{}. {}", cause.title, cause.why)));
        line(label("fix", cause.fix.clone()));
        if let Some(url) = &cause.url {
            line(label("see", url.clone()));
        }
    }
    line(label("why", why(finding)));
}

/// `9.1 → 18.3 → 27.4 GiB   ▂▅█   +9.2 GiB per hour   40 GiB in about 10 h`
fn amounts(finding: &Finding, heap_max: Option<u64>) -> String {
    let series = &finding.series;
    let values: Vec<String> =
        series.retained_bytes.iter().map(|bytes| bytes_short(*bytes)).collect();
    let mut line = format!("{}   {}", values.join(" → "), sparkline(&series.retained_bytes));
    match series.bytes_per_hour {
        Some(rate) => {
            let _ = write!(line, "   {} per hour", delta_short(rate.round() as i64));
        }
        None => {
            let _ = write!(line, "   {}", delta_short(finding.growth_bytes));
        }
    }
    if let (Some(limit), Some(hours)) = (heap_max, finding.hours_to_limit) {
        let _ = write!(line, "   {} in about {}", bytes_long(limit), duration(hours));
    }
    line
}

/// Entries and table lengths, where there are such.
fn entries(finding: &Finding) -> String {
    let series = |values: &[u64]| {
        let values: Vec<String> = values.iter().map(|value| count(*value)).collect();
        values.join(" → ")
    };
    let entries = finding.series.entries.as_ref().map(|e| format!("entries {}", series(e)));
    let table = finding.table.as_ref().map(|table| {
        let lengths: Vec<String> =
            table.lengths.iter().map(|length| format!("[{length}]")).collect();
        let class = simple(&table.class).trim_end_matches("[]");
        format!("table {class}{}", lengths.join(" → "))
    });
    let parts: Vec<String> = entries.into_iter().chain(table).collect();
    parts.join("    ")
}

/// What the owner holds ever more of.
fn holds(finding: &Finding) -> Option<String> {
    let content = finding.first_content()?;
    let counts: Vec<String> = content.instances.iter().map(|value| count(*value)).collect();
    let library = content.library.as_ref().filter(|library| {
        library.name != JDK && finding.library.as_ref().map(|l| &l.name) != Some(&library.name)
    });
    let library = library.map_or(String::new(), |library| format!("   ({})", library.title()));
    Some(format!("{}   {}{library}", content.class, counts.join(" → ")))
}

/// The class that is loaded again and again.
fn loaded(finding: &Finding) -> Option<String> {
    let content = finding.contents.iter().find(|content| content.is_class)?;
    let counts: Vec<String> = content.instances.iter().map(|value| count(*value)).collect();
    Some(format!("class {}   {}   by a loader each", content.class, counts.join(" → ")))
}

/// `AWS SDK for Java v1 1.12.668   aws-java-sdk-core-1.12.668.jar (from the dump)`
fn whose(library: &Library) -> String {
    let place = library.jar.as_deref().map_or(String::new(), |jar| format!("   {jar}"));
    let basis = match library.basis {
        Basis::Jar => "from the dump",
        Basis::Package => "by name",
    };
    format!("{}{place} ({basis})", library.title())
}

/// A path in a line: `static Reaper.managers → key`.
fn alive(path: &[Step]) -> String {
    let steps: Vec<String> = path.iter().map(step).collect();
    steps.join(" → ")
}

fn step(step: &Step) -> String {
    let class = simple(&step.class);
    let field = step.field.as_deref();
    match (step.kind, field) {
        (StepKind::Root, Some(field)) => format!("{field} ({class})"),
        (StepKind::Static, Some(field)) => format!("static {class}.{field}"),
        (StepKind::Field, Some(field)) => format!("{class}.{field}"),
        (StepKind::Local, Some(method)) => format!("frame {class}.{method}"),
        (StepKind::ThreadLocal, Some(field)) => format!("thread local {class}.{field}"),
        (StepKind::Entry, Some(part)) => format!("{part} {class}"),
        (StepKind::Element, _) => format!("[*] {class}"),
        (StepKind::Class, _) => format!("class {class}"),
        (_, _) => class.to_owned(),
    }
}

/// A class without its package.
fn simple(class: &str) -> &str {
    class.rsplit('.').next().unwrap_or(class)
}

/// Hours in words.
fn duration(hours: f64) -> String {
    match hours {
        hours if hours < 1.0 => format!("{:.0} min", hours * 60.0),
        hours if hours < 72.0 => format!("{hours:.0} h"),
        hours => format!("{:.0} days", hours / 24.0),
    }
}

/// The table of owners; it adds up to the total.
pub fn table(owners: &Owners, columns: Option<usize>, out: &mut String) {
    let dumps = shown_dumps(owners.total.retained_bytes.len(), columns);
    let mut head: Vec<Cell> = vec!["growth by owner".into()];
    head.extend(dumps.iter().map(|nth| Cell::from((nth + 1).to_string())));
    head.extend(["growth", "entries"].map(Cell::from));
    let left = vec![head.len(), head.len() + 1];
    head.extend(["trend", ""].map(Cell::from));
    let is_wide = columns.is_none_or(|columns| columns >= WIDE);
    let has_libraries = is_wide && owners.rows.iter().any(|row| row.library.is_some());
    let mut left = left;
    if has_libraries {
        left.push(head.len());
        head.push("library".into());
    }
    let mut grid = Grid { head, name: 0, left, ..Grid::default() };
    for row in &owners.rows {
        let mut cells = line(name(&row.key, owners), &row.series, &dumps);
        if has_libraries {
            cells.push(row.library.as_ref().map_or("", |library| &library.name).into());
        }
        grid.rows.push(cells);
    }
    if let Some((rows, series)) = &owners.other {
        grid.rows.push(line(format!("({} more owners)", count(*rows as u64)), series, &dumps));
    }
    let has_native = owners.total.native_bytes.iter().any(|bytes| *bytes > 0);
    let total = if has_native { "total, off-heap included" } else { "total" };
    grid.rows.push(line(total.to_owned(), &owners.total, &dumps));
    grid.draw(out, columns);
    let _ = writeln!(out);
}

/// The dumps with a column: all, or on a narrow terminal the first and the last ones.
fn shown_dumps(dumps: usize, columns: Option<usize>) -> Vec<usize> {
    const NAME_AND_GROWTH: usize = 36 + 8 + 10 + 12;
    const DUMP: usize = 8;
    let fit = columns.map_or(dumps, |columns| {
        (columns.saturating_sub(NAME_AND_GROWTH + dumps) / DUMP).clamp(2, dumps.max(2))
    });
    match fit {
        fit if fit >= dumps => (0..dumps).collect(),
        fit => std::iter::once(0).chain(dumps - (fit - 1)..dumps).collect(),
    }
}

/// `Class.field`, without the package where no other row has that name.
fn name(key: &OwnerKey, owners: &Owners) -> String {
    let short = |key: &OwnerKey| key.name_by(simple(&key.class));
    let mine = short(key);
    match owners.rows.iter().filter(|row| short(&row.key) == mine).count() {
        1 => mine,
        _ => key.name(),
    }
}

fn line(name: String, series: &OwnerSeries, dumps: &[usize]) -> Vec<Cell> {
    let growth = series.growth_bytes();
    let style = match growth {
        1.. if matches!(series.trend, Trend::Rising | Trend::New) => styles::GREW,
        ..=-1 => styles::SHRANK,
        _ => anstyle::Style::new(),
    };
    let mut cells: Vec<Cell> = vec![name.into()];
    cells.extend(dumps.iter().map(|nth| Cell::from(bytes_short(series.retained_bytes[*nth]))));
    let entries = series.entries.as_ref().map_or(String::new(), |entries| {
        let (first, last) = (entries.first().copied(), entries.last().copied());
        delta_count(last.unwrap_or(0).wrapping_sub(first.unwrap_or(0)) as i64)
    });
    cells.extend([Cell::styled(delta_short(growth), style), entries.into()]);
    cells.extend([sparkline(&series.retained_bytes).into(), series.trend.word().into()]);
    cells
}
