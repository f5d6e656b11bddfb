//! Owners for the terminal: the verdict and what led to it, then the table of owners.

use std::fmt::Write as _;

use super::rate::Per;
use super::text::{
    self, Cell, Grid, bytes_short, count, delta_count, delta_short, sparkline, styled, styles,
};
use super::why::{doubts, percent, why, why_in_numbers};
use crate::diff::owners::verdict::{Doubt, Verdict};
use crate::diff::owners::{Finding, OwnerKey, OwnerKind, OwnerSeries, Owners, Step, StepKind};
use crate::diff::trend::Trend;
use crate::library::{Basis, Library};
use crate::parser::names::{escape, is_jdk};

/// Findings that are shown with what led to them.
const SHOWN: usize = 3;
const JDK: &str = "JDK";
/// Columns from which on the table of owners has room for libraries.
const WIDE: usize = 120;

/// Columns of sentences, as far as there are so many: longer lines are hard to read.
const PROSE: usize = 110;
/// The label of a page.
const SEE: &str = "see";
/// What of the growth a finding explains that is told though it is no worse.
const LARGE: f64 = 0.2;

/// How findings are shown.
#[derive(Clone, Copy)]
pub struct FindingsView {
    /// Width of the terminal.
    pub columns: Option<usize>,
    /// Size that the heap can have.
    pub heap_max: Option<u64>,
    /// What rates are given per.
    pub per: Per,
    /// With the numbers that verdicts are made of.
    pub in_numbers: bool,
}

/// The verdict, and the worst findings.
pub fn findings(owners: &Owners, view: FindingsView, out: &mut String) {
    let columns = view.columns;
    let shown = shown(owners);
    let style = match owners.verdict {
        Verdict::LikelyLeak | Verdict::Suspect => styles::GREW,
        Verdict::Incomparable => styles::WARN,
        Verdict::Grew | Verdict::Steady => styles::HEAD,
    };
    let line = text::wrap(&headline(owners, &shown), columns.map(|c| c.saturating_sub(1)), 2);
    let _ = writeln!(out, " {}", styled(style, &line));
    for (nth, finding) in shown.iter().enumerate() {
        if nth > 0 {
            let _ = writeln!(out);
        }
        one(finding, view, out);
    }
    explained(owners, &shown, columns, out);
    let more = owners.findings.len() - shown.len();
    if more > 0 && !shown.is_empty() {
        let findings = if more == 1 { "finding" } else { "findings" };
        let _ = writeln!(out, "   {} lesser {findings}: --format json", count(more as u64));
    }
    let _ = writeln!(out);
}

/// Those that have the overall verdict; at least one where something grew.
pub fn shown(owners: &Owners) -> Vec<&Finding> {
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
    // Where more than the number of dumps is in doubt, more dumps may tell something else.
    let tell = match shown.iter().all(|finding| finding.doubts == [Doubt::FewDumps]) {
        true => "would tell a leak",
        false => "may tell more",
    };
    let hint = match 5usize.saturating_sub(owners.judged.len()) {
        0 => String::new(),
        1 => format!(" (one more dump {tell})"),
        more => format!(" ({more} more dumps {tell})"),
    };
    match owners.verdict {
        Verdict::LikelyLeak => format!("Likely leak: {explain}"),
        Verdict::Suspect => format!("Suspect: {explain}{hint}"),
        Verdict::Grew => format!("Grew: {explain}{hint}"),
        Verdict::Steady => "Steady: no owner grew by 1 % of the heap".to_owned(),
        Verdict::Incomparable => "Not comparable: see the warnings".to_owned(),
    }
}

/// What else is a large part of the growth, and why it is no finding of this verdict.
fn explained(owners: &Owners, shown: &[&Finding], columns: Option<usize>, out: &mut String) {
    let is_shown = |finding: &Finding| shown.iter().any(|shown| shown.rank == finding.rank);
    let large = owners.findings.iter().filter(|finding| finding.share_of_growth >= LARGE);
    let told = large.filter(|f| !shown.is_empty() && !is_shown(f) && !f.doubts.is_empty());
    for finding in told {
        let part = percent(finding.share_of_growth);
        let text =
            format!("{part} of the growth is {}: {}", owner(&finding.owner), doubts(finding));
        let _ = writeln!(out, "{}", hanging("", &text, columns));
    }
}

/// A line of a finding: a label, then its text, which hangs behind it when it is long. The address of
/// a page is left to the terminal, which knows one that it breaks itself.
fn hanging(label: &str, text: &str, columns: Option<usize>) -> String {
    let (line, indent) = match label {
        "" => (format!("   {}", escape(text)), 6),
        label => (format!("   {label:<7} {}", escape(text)), 11),
    };
    match label {
        SEE => line,
        _ => text::wrap(&line, Some(columns.unwrap_or(PROSE).min(PROSE)), indent),
    }
}

/// A finding and its evidence.
fn one(finding: &Finding, view: FindingsView, out: &mut String) {
    let columns = view.columns;
    let kind = format!("   ({})", finding.owner.kind.words());
    let room = columns.map_or(usize::MAX, |columns| columns.saturating_sub(3 + text::width(&kind)));
    let name = text::shorten(&escape(&owner(&finding.owner)), room);
    let _ = writeln!(out, "   {}{kind}", styled(styles::HEAD, &name));
    for (label, text) in lines(finding, view) {
        let _ = writeln!(out, "{}", hanging(label, &text, columns));
    }
}

/// What is known of a finding, the reason of its verdict first: labels and texts.
fn lines(finding: &Finding, view: FindingsView) -> Vec<(&'static str, String)> {
    let reason = if view.in_numbers { why_in_numbers(finding) } else { why(finding) };
    let mut lines = vec![("", amounts(finding, view)), ("why", reason)];
    lines.extend(entries(finding).map(|entries| ("entries", entries)));
    lines.extend(table_lengths(finding).map(|lengths| ("table", lengths)));
    lines.extend(finding.library.as_ref().map(|library| ("owner", whose(library))));
    for other in &finding.also_held_by {
        lines.push(("also", format!("{} ({})", owner(other), other.kind.words())));
    }
    lines.extend(holds(finding).map(|holds| ("holds", holds)));
    lines.extend(loaded(finding).map(|loaded| ("loads", loaded)));
    lines.push(("alive", alive(&finding.path)));
    lines.extend(finding.site.clone().map(|site| ("site", site)));
    lines.extend(advice(finding));
    lines
}

/// What is known to make such owners grow. What has a reason to grow, and to stop, needs none; of
/// what may stop it is said that it is not known to be wrong.
fn advice(finding: &Finding) -> Vec<(&'static str, String)> {
    let is_reason = |doubt: &Doubt| {
        matches!(doubt, Doubt::Bounded | Doubt::Known(_) | Doubt::ClassLoading | Doubt::Weak)
    };
    let Some(cause) = &finding.known_cause else { return Vec::new() };
    if finding.verdict < Verdict::Suspect && finding.doubts.iter().any(is_reason) {
        return Vec::new();
    }
    let goes_on = if finding.verdict < Verdict::Suspect { "if it goes on: " } else { "" };
    let mut lines = vec![
        ("known", format!("{goes_on}{}. {}", cause.title, cause.why)),
        ("fix", format!("{goes_on}{}", cause.fix)),
    ];
    lines.extend(cause.url.clone().map(|url| (SEE, url)));
    lines
}

/// `9.1 → 18.3 → 27.4 GiB   ▂▅█   +9.2 GiB per hour   40 GiB in about 10 h`
fn amounts(finding: &Finding, view: FindingsView) -> String {
    let series = &finding.series;
    let values: Vec<String> =
        series.retained_bytes.iter().map(|bytes| bytes_short(*bytes)).collect();
    // What jumps once has no rate: half of the slopes between dumps are none.
    let rate = series.bytes_per_hour.filter(|rate| view.per.bytes(*rate) != 0.0);
    let rate = rate.map_or_else(|| delta_short(finding.growth_bytes), |rate| view.per.words(rate));
    let mut line =
        format!("{}   {}   {rate}", values.join(" → "), sparkline(&series.retained_bytes));
    if let (Some(limit), Some(hours)) = (view.heap_max, finding.hours_to_limit) {
        let _ = write!(line, "   {}", view.per.until(limit, hours));
    }
    line
}

/// Entries in each dump.
fn entries(finding: &Finding) -> Option<String> {
    let entries = finding.series.entries.as_ref()?;
    let entries: Vec<String> = entries.iter().map(|value| count(*value)).collect();
    Some(entries.join(" → "))
}

/// Lengths of the one table that the owner has: `HashMap$Node[16] → [32]`
fn table_lengths(finding: &Finding) -> Option<String> {
    let table = finding.table.as_ref()?;
    let lengths: Vec<String> = table.lengths.iter().map(|length| format!("[{length}]")).collect();
    Some(format!("{}{}", simple(&table.class).trim_end_matches("[]"), lengths.join(" → ")))
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
        (StepKind::Root, Some(SYSTEM)) if !is_jdk(&step.class) => format!("class {class}"),
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

/// What a class is a root as when nothing unloads it. That is so for the classes of a program, too.
const SYSTEM: &str = "system class";

/// The name of an owner.
fn owner(key: &OwnerKey) -> String {
    owner_by(key, &key.class)
}

/// The same with another name for the class.
fn owner_by(key: &OwnerKey, class: &str) -> String {
    match (key.kind, key.field.as_deref()) {
        (OwnerKind::Root, Some(SYSTEM)) if !is_jdk(&key.class) => format!("class {class}"),
        _ => key.name_by(class),
    }
}

/// A class without its package.
fn simple(class: &str) -> &str {
    class.rsplit('.').next().unwrap_or(class)
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
        let more = if owners.rows.is_empty() { "" } else { " more" };
        let owners = if *rows == 1 { "owner" } else { "owners" };
        let name = format!("({}{more} {owners})", count(*rows as u64));
        grid.rows.push(line(name, series, &dumps));
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
    let short = |key: &OwnerKey| owner_by(key, simple(&key.class));
    let mine = short(key);
    match owners.rows.iter().filter(|row| short(&row.key) == mine).count() {
        1 => mine,
        _ => owner(key),
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
