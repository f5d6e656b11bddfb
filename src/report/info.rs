//! What a dump is: JVM, time, layout, whole or not.

use std::fmt::Write as _;

use super::Subject;
use super::text::{self, bytes_long, count, styled, styles};
use crate::digest::Digest;
use crate::index::census::DumpFacts;
use crate::index::facts::Thread;
use crate::parser::names::escape;

/// The dump's time in UTC, to the second.
pub fn time(time_ms: u64) -> String {
    i64::try_from(time_ms)
        .ok()
        .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok())
        .map_or_else(|| format!("{time_ms} ms since 1970"), |time| format!("{time:.0}"))
}

/// Whether only live objects are in a dump, in one word.
pub fn live(live: Option<bool>) -> &'static str {
    match live {
        Some(true) => "yes",
        Some(false) => "no",
        None => "unknown",
    }
}

/// Two or more lines above a report: what was read, how sure the sizes are, what is wrong.
pub fn head(facts: &DumpFacts, path: &str, total: (u64, u64), columns: Option<usize>) -> String {
    let mut out = String::new();
    let jvm =
        facts.jvm.as_ref().map_or("unknown JVM".to_owned(), |jvm| format!("JDK {}", jvm.text));
    let main = facts.main_class.as_deref().map(|main| format!(", {main}")).unwrap_or_default();
    let what = format!(
        "{jvm}{main}, {}, {} objects, {}",
        time(facts.time_ms),
        count(total.0),
        bytes_long(total.1)
    );
    let _ = writeln!(out, "{}", text::labelled(styles::HEAD, &escape(path), &what, columns));
    let label = format!("sizes {}:", facts.sizes.grade);
    let _ = writeln!(out, "{}", text::labelled(styles::DIM, &label, &facts.sizes.reason, columns));
    out.push_str(&faults(facts, columns));
    out
}

/// Losses and warnings, a line each.
pub fn faults(facts: &DumpFacts, columns: Option<usize>) -> String {
    let mut out = String::new();
    if let Some(reason) = facts.integrity.reason() {
        let label = "INCOMPLETE, all numbers are lower bounds:";
        let _ = writeln!(out, "{}", text::labelled(styles::WARN, label, &reason, columns));
    }
    for warning in &facts.integrity.warnings {
        let _ = writeln!(out, "{}", text::labelled(styles::WARN, "warning:", warning, columns));
    }
    out
}

/// The whole description.
pub fn render(subject: &Subject<'_>, threads: &[Thread], columns: Option<usize>) -> String {
    let facts = subject.facts;
    let mut out = String::new();
    let mut line = |label: &str, value: &str| {
        let label = format!("{label:<12}");
        let line = text::wrap(&format!("{label} {}", escape(value)), columns, label.len() + 1);
        let rest = line.get(label.len()..).unwrap_or_default();
        let _ = writeln!(out, "{}{rest}", styled(styles::DIM, &label));
    };
    let unknown = || "unknown".to_owned();
    line("file", subject.path);
    if let Some(digest) = subject.digest {
        let source = digest.source.as_deref().unwrap_or("unknown");
        let left_out = if digest.redacted { ", redacted" } else { "" };
        line("digest of", &format!("{source}{left_out}"));
    }
    let which = if facts.dumps > 1 {
        format!(", dump {} of {} in the file", facts.chosen, facts.dumps)
    } else {
        String::new()
    };
    line(
        "format",
        &format!(
            "JAVA PROFILE {}, ids of {} bytes, {}{which}",
            facts.format,
            facts.id_size,
            bytes_long(facts.bytes)
        ),
    );
    line("time", &time(facts.time_ms));
    line("JVM", &facts.jvm.as_ref().map_or_else(unknown, |jvm| jvm.text.clone()));
    line("main class", facts.main_class.as_deref().unwrap_or("unknown"));
    let process = facts.process.as_deref();
    line("process", &process.map_or_else(unknown, |salt| format!("salt {salt}")));
    line("collector", facts.collector.as_deref().unwrap_or("unknown"));
    line("layout", &facts.sizes.parameters.to_string());
    line("sizes", &format!("{}: {}", facts.sizes.grade, facts.sizes.reason));
    line(
        "compaction",
        &format!(
            "{:.2} % of the arrays end where the next object starts",
            facts.sizes.compaction * 100.0
        ),
    );
    line(
        "objects",
        &format!(
            "{} in {} classes, {} shallow",
            count(subject.total.instances),
            count(subject.classes),
            bytes_long(subject.total.shallow_bytes)
        ),
    );
    if facts.archived_mirrors.0 > 0 {
        line(
            "archived",
            &format!(
                "{} classes that were never loaded ({})",
                count(facts.archived_mirrors.0),
                bytes_long(facts.archived_mirrors.1)
            ),
        );
    }
    let list = |pairs: &[(String, u64)]| {
        let parts: Vec<String> =
            pairs.iter().map(|(name, number)| format!("{name} {}", count(*number))).collect();
        parts.join(", ")
    };
    line(
        "live",
        match facts.live {
            Some(true) => "yes, only live objects (taken after a collection)",
            Some(false) => "no, garbage is in the dump, too",
            None => "unknown",
        },
    );
    line("roots", &list(&facts.roots));
    line("records", &list(&facts.records));
    let whole = match facts.integrity.reason() {
        None => "yes".to_owned(),
        Some(reason) => format!("NO, INCOMPLETE: {reason}"),
    };
    line("whole", &whole);
    for warning in &facts.integrity.warnings {
        line("warning", warning);
    }
    for doubt in &facts.sizes.doubts {
        line("doubt", doubt);
    }
    match subject.digest {
        Some(digest) => digest_threads(digest, columns, &mut out),
        None => dump_threads(threads, columns, &mut out),
    }
    out
}

fn thread_title(threads: u64, out: &mut String) {
    let title = format!("{} threads", count(threads));
    let _ = writeln!(out, "\n{}", styled(styles::HEAD, &title));
}

/// Name and class of a thread.
fn thread_cells(name: Option<&str>, class: &str) -> Vec<text::Cell> {
    let shown = |text: &str| text::shorten(&escape(text), 40).into();
    vec![shown(name.unwrap_or("(unnamed)")), shown(class)]
}

fn dump_threads(threads: &[Thread], columns: Option<usize>, out: &mut String) {
    if threads.is_empty() {
        return;
    }
    thread_title(threads.len() as u64, out);
    let mut grid = text::Grid {
        head: ["name", "class", "frames", "top frame"].map(Into::into).to_vec(),
        name: 3,
        left: vec![0, 1],
        ..text::Grid::default()
    };
    for thread in threads {
        let mut cells = thread_cells(thread.name.as_deref(), &thread.class);
        cells.push(thread.frames.len().to_string().into());
        cells.push(thread.frames.first().map_or("", String::as_str).into());
        grid.rows.push(cells);
    }
    grid.draw(out, columns);
}

/// The threads of a digest, which has no stacks and perhaps not all threads.
fn digest_threads(digest: &Digest, columns: Option<usize>, out: &mut String) {
    let all = digest.threads.len() as u64 + digest.more_threads;
    if all == 0 {
        return;
    }
    thread_title(all, out);
    let mut grid = text::Grid {
        head: ["name", "class"].map(Into::into).to_vec(),
        name: 1,
        left: vec![0],
        ..text::Grid::default()
    };
    let threads = digest.threads.iter();
    grid.rows = threads.map(|key| thread_cells(key.name.as_deref(), &key.class)).collect();
    grid.draw(out, columns);
    if digest.more_threads > 0 {
        let _ = writeln!(out, "({} more threads)", count(digest.more_threads));
    }
}
