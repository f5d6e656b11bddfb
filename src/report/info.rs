//! What a dump is: JVM, time, layout, whole or not.

use std::fmt::Write as _;

use super::text::{self, bytes_long, count, styled, styles};
use crate::index::census::{Census, DumpFacts};
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
pub fn render(census: &Census, threads: &[Thread], path: &str, columns: Option<usize>) -> String {
    let facts = &census.facts;
    let mut out = String::new();
    let mut line = |label: &str, value: &str| {
        let label = format!("{label:<12}");
        let line = text::wrap(&format!("{label} {}", escape(value)), columns, label.len() + 1);
        let rest = line.get(label.len()..).unwrap_or_default();
        let _ = writeln!(out, "{}{rest}", styled(styles::DIM, &label));
    };
    let unknown = || "unknown".to_owned();
    line("file", path);
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
            count(census.instances),
            count(census.classes.len() as u64),
            bytes_long(census.shallow_bytes)
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
    if !threads.is_empty() {
        let _ = writeln!(out, "\n{}", styled(styles::HEAD, &format!("{} threads", threads.len())));
        let mut grid = text::Grid {
            head: ["name", "class", "frames", "top frame"].map(Into::into).to_vec(),
            name: 3,
            left: vec![0, 1],
            ..text::Grid::default()
        };
        for thread in threads {
            grid.rows.push(vec![
                text::shorten(&escape(thread.name.as_deref().unwrap_or("(unnamed)")), 40).into(),
                text::shorten(&escape(&thread.class), 40).into(),
                thread.frames.len().to_string().into(),
                thread.frames.first().map_or("", String::as_str).into(),
            ]);
        }
        grid.draw(&mut out, columns);
    }
    out
}
