//! The command to type next.

use super::owners_text::shown;
use super::text::width;
use crate::diff::owners::verdict::Verdict;
use crate::diff::owners::{Content, Finding, OwnerKind, Owners};
use crate::parser::names::{escape, is_jdk};

/// Contents with less of a finding's growth than this say nothing about it.
const MATTERS: f64 = 0.1;

/// Shows what the first finding is about in a dump; `None` where nothing is to be looked at.
pub fn command(owners: &Owners, dump: &str, columns: Option<usize>) -> Option<String> {
    if owners.verdict <= Verdict::Steady {
        return None;
    }
    let finding = shown(owners).first().copied().or(owners.findings.first())?;
    let start = format!("next: heapdrift show {}", quoted(&escape(dump)));
    let Some(class) = class(finding) else { return Some(joined(&start, "--owners", columns)) };
    let whole = format!("--class '^{}$'", regex::escape(class));
    // Nobody types it, but a name that is broken in two cannot be copied either.
    let fits = columns.is_none_or(|columns| INDENT + width(&whole) < columns);
    let option = match class.rsplit_once('.').filter(|_| !fits) {
        Some((_, simple)) => format!("--class '\\.{}$'", regex::escape(simple)),
        None => whole,
    };
    Some(joined(&start, &option, columns))
}

/// Behind a broken line.
const INDENT: usize = 7;

/// In one line, or in two that a shell takes as one.
fn joined(start: &str, option: &str, columns: Option<usize>) -> String {
    let one = format!("{start} {option}");
    match columns {
        Some(columns) if width(&one) >= columns => {
            format!("{start} \\\n{}{option}", " ".repeat(INDENT))
        }
        _ => one,
    }
}

/// The class whose instances say more: what the owner holds, else the owner, never a class that the
/// heap is full of.
fn class(finding: &Finding) -> Option<&str> {
    let least = MATTERS * finding.growth_bytes as f64;
    let grown = |content: &Content| match &content.retained_bytes[..] {
        [first, .., last] => last.saturating_sub(*first) as f64,
        _ => 0.0,
    };
    let contents = finding.contents.iter().filter(|c| c.is_top || grown(c) >= least);
    let mut classes = finding.first_content().into_iter().chain(contents).map(|c| &*c.class);
    let has_instances =
        matches!(finding.owner.kind, OwnerKind::InstanceField | OwnerKind::ClassGroup);
    let owner = Some(&*finding.owner.class);
    match finding.owner.kind {
        OwnerKind::Thread => owner,
        _ => classes.find(|class| tells(class)).or(owner.filter(|c| has_instances && tells(c))),
    }
}

/// False for the JDK's classes, and for those that have other names in the dump.
fn tells(class: &str) -> bool {
    !is_jdk(class)
        && !class.contains("[]")
        && !class.contains("$$Lambda")
        && !class.contains("$Proxy")
}

/// A path as a shell takes it.
fn quoted(path: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+=:@,%".contains(c);
    match path.chars().all(is_plain) {
        true => path.to_owned(),
        false => format!("'{}'", path.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_broken_where_a_shell_goes_on_reading() {
        let one = "next: heapdrift show a.hprof --owners";
        assert_eq!(joined("next: heapdrift show a.hprof", "--owners", Some(80)), one);
        let two = "next: heapdrift show a.hprof \\\n       --owners";
        assert_eq!(joined("next: heapdrift show a.hprof", "--owners", Some(30)), two);
    }

    #[test]
    fn paths_are_quoted_where_a_shell_would_split_them() {
        assert_eq!(quoted("/tmp/a-1.hprof"), "/tmp/a-1.hprof");
        assert_eq!(quoted("my dumps/it's.hprof"), "'my dumps/it'\\''s.hprof'");
    }
}
