//! The table of outcomes, in Markdown, so that it can be pasted into documents.

use std::fmt::Write as _;

use heapdrift::diff::owners::Owners;
use heapdrift::diff::owners::verdict::Verdict;

use super::outcome::{Outcome, Ranks, Summary};

const COLUMNS: [&str; 10] = [
    "scenario",
    "owner",
    "its class",
    "verdict on it",
    "verdict",
    "share",
    "library",
    "known cause",
    "by class",
    "by path",
];

/// The table and the numbers below it.
pub fn text(outcomes: &[Outcome], summary: &Summary) -> String {
    let mut rows = vec![COLUMNS.map(str::to_owned)];
    let (leaks, controls): (Vec<&Outcome>, Vec<&Outcome>) =
        outcomes.iter().partition(|outcome| !outcome.control);
    rows.extend(leaks.iter().chain(&controls).map(|outcome| row(outcome)));
    let mut text = aligned(&rows);
    text.push_str(&notes(outcomes));
    text.push_str(&sums(summary));
    text
}

fn row(outcome: &Outcome) -> [String; 10] {
    let verdict = word(outcome.verdict).to_owned();
    let scenario = outcome.scenario.clone();
    let Some(leak) = &outcome.leak else {
        let mark = if outcome.is_false_accusation() { " ✗" } else { "" };
        let mut cells: [String; 10] = std::array::from_fn(|_| String::new());
        cells[0] = scenario;
        cells[4] = verdict + mark;
        return cells;
    };
    let rank = |rank: Option<usize>| rank.map_or("–".to_owned(), |rank| rank.to_string());
    let found = leak.found.as_ref();
    let mark = if outcome.is_missed() { " ✗" } else { "" };
    let wrong = if found.is_some() && leak.is_library_right == Some(false) { " ✗" } else { "" };
    let library = leak.libraries.first().map_or("–", String::as_str).to_owned() + wrong;
    let given = leak.cause.as_deref().unwrap_or("–");
    let cause = match leak.is_cause_right {
        Some(true) => given.to_owned(),
        Some(false) => format!("{given} ✗"),
        None => String::new(),
    };
    [
        scenario,
        rank(leak.rank),
        rank(leak.rank_by_class),
        found.map_or("–", |found| word(found.verdict)).to_owned() + mark,
        verdict,
        found.map_or("–".to_owned(), |found| percent(found.share_of_growth)),
        library,
        cause,
        rank(leak.baseline_class),
        rank(leak.baseline_path),
    ]
}

/// What was found instead of owners that are not first, and which healthy programs are accused of.
fn notes(outcomes: &[Outcome]) -> String {
    let mut text = String::from("\n");
    for outcome in outcomes {
        let Some(first) = &outcome.first else { continue };
        let what = match &outcome.leak {
            Some(leak) if leak.rank != Some(1) => format!("{} is the owner", leak.owner),
            None if outcome.is_false_accusation() => "no leak".to_owned(),
            _ => continue,
        };
        let also = match outcome.leak.as_ref().and_then(|leak| leak.rank_also_held) {
            Some(rank) => format!(", named as a holder by finding {rank}"),
            None => String::new(),
        };
        let _ = writeln!(
            text,
            "- {}: {what}{also}; first is {} ({}, {} of the growth)",
            outcome.scenario,
            first.owner,
            word(first.verdict),
            percent(first.share_of_growth)
        );
    }
    text
}

fn sums(summary: &Summary) -> String {
    let mut rows = vec![["", "first", "first three", "mean 1/rank"].map(str::to_owned)];
    let row = |name: &str, ranks: &Ranks| {
        [
            name.to_owned(),
            format!("{:.0} %", ranks.top1_percent),
            format!("{:.0} %", ranks.top3_percent),
            format!("{:.2}", ranks.mean_reciprocal_rank),
        ]
    };
    rows.push(row("owners (class and field)", &summary.owners));
    rows.push(row("growth by class", &summary.baseline_class));
    rows.push(row("growing paths", &summary.baseline_path));
    let list = |names: &[String]| match names.is_empty() {
        true => "none".to_owned(),
        false => format!("{} ({})", names.len(), names.join(", ")),
    };
    let controls = format!(
        "{} healthy programs, falsely accused: {}",
        summary.controls,
        list(&summary.false_accusations)
    );
    if summary.leaks == 0 {
        return format!("\n{controls}\n");
    }
    let causes = summary
        .cause_right_percent
        .map_or(String::new(), |right| format!(" Known cause right: {right:.0} %."));
    format!(
        "\n{}\nLibrary right: {:.0} %.{causes} {} leaks, missed: {}; {controls}\n",
        aligned(&rows),
        summary.library_right_percent,
        summary.leaks,
        list(&summary.missed)
    )
}

/// The findings of a scenario.
pub fn findings(scenario: &str, owners: &Owners) -> String {
    let mut text = format!("{scenario}: {}\n", word(owners.verdict));
    for finding in owners.findings.iter().take(5) {
        let also: Vec<String> = finding.also_held_by.iter().map(|key| key.name()).collect();
        let _ = writeln!(
            text,
            "  {} {} ({:?}, {}, {:+} bytes, {} of the growth, {:?}) {:?} also {also:?}",
            finding.rank,
            finding.owner.name(),
            finding.owner.kind,
            word(finding.verdict),
            finding.growth_bytes,
            percent(finding.share_of_growth),
            finding.doubts,
            finding.series.retained_bytes
        );
        for content in finding.contents.iter().take(3) {
            let _ = writeln!(text, "      {} {:?}", content.class, content.instances);
        }
    }
    text
}

fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let length = |text: &String| text.chars().count();
    let widths: [usize; N] =
        std::array::from_fn(|at| rows.iter().map(|row| length(&row[at])).max().unwrap_or(0));
    let mut text = String::new();
    for (nth, row) in rows.iter().enumerate() {
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(text, "| {cell}{} ", " ".repeat(width - length(cell)));
        }
        text.push_str("|\n");
        if nth == 0 {
            widths.iter().for_each(|width| text.push_str(&format!("|{}", "-".repeat(width + 2))));
            text.push_str("|\n");
        }
    }
    text
}

fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Incomparable => "incomparable",
        Verdict::Steady => "steady",
        Verdict::Grew => "grew",
        Verdict::Suspect => "suspect",
        Verdict::LikelyLeak => "likely leak",
    }
}
