//! Why a finding has its verdict, in one sentence with the numbers that led to it.

use super::text::{count, delta_short};
use crate::diff::owners::evidence::Evidence;
use crate::diff::owners::verdict::{Doubt, Verdict};
use crate::diff::owners::{Bound, Finding, Holds};

/// The sentence.
pub fn why(finding: &Finding) -> String {
    let mut parts = vec![steps(&finding.evidence)];
    if let Some(rate) = finding.series.bytes_per_hour {
        parts[0] += &format!(", {} per hour", delta_short(rate.round() as i64));
    }
    parts[0] += &match &finding.by_entries {
        Some(entries) => format!("; its entries: {}", shape(entries)),
        None => format!(", {}", shape(&finding.evidence)),
    };
    if let Some((first, last)) = entries(finding) {
        parts.push(format!("entries {} → {}", count(first), count(last)));
    }
    parts.extend(exceeded(finding));
    parts.push(format!("explains {} of the growth", percent(finding.share_of_growth)));
    if !finding.doubts.is_empty() {
        let doubts: Vec<String> =
            finding.doubts.iter().map(|doubt| words(doubt, finding)).collect();
        let verdict = match finding.verdict {
            Verdict::Suspect => "no likely leak",
            _ => "not suspected",
        };
        parts.push(format!("{verdict}: {}", doubts.join(", ")));
    }
    parts.join("; ")
}

/// Entries at the onset of the growth, and at the end.
fn entries(finding: &Finding) -> Option<(u64, u64)> {
    let entries = finding.series.entries.as_ref()?;
    let (first, last) = (*entries.first()?, *entries.last()?);
    (first != last).then_some((first, last))
}

/// That more is held than the heap says there may be: hardly anything says more.
fn exceeded(finding: &Finding) -> Option<String> {
    let bound = finding.bound.as_ref().filter(|bound| bound.holds == Holds::Exceeded)?;
    let Bound { declared, now, from, .. } = bound;
    Some(format!("exceeds its limit of {} with {} ({from})", count(*declared), count(*now)))
}

fn steps(evidence: &Evidence) -> String {
    let Evidence { steps, steps_up, onset, .. } = *evidence;
    let rose = match (steps, evidence.always_up()) {
        (1, true) => "rose in the only step".to_owned(),
        (_, true) => format!("rose in each of {steps} steps"),
        _ => format!("rose in {steps_up} of {steps} steps"),
    };
    match onset {
        0 => rose,
        onset => format!("{rose} from dump {} on", onset + 1),
    }
}

fn shape(evidence: &Evidence) -> String {
    let Evidence { straight, lasting, spread, .. } = *evidence;
    if evidence.steps < 2 {
        return "one step tells no trend".to_owned();
    }
    let slowing = match lasting {
        lasting if lasting >= 0.9 => "no slowing",
        lasting if lasting >= 0.6 => "little slowing",
        _ => "slowing down",
    };
    let jump = match spread {
        spread if spread < 0.55 => format!(", mostly in one step (P {spread:.2})"),
        _ => String::new(),
    };
    format!("{} straight (E {straight:.2}), {slowing} (L {lasting:.2}){jump}", percent(straight))
}

fn words(doubt: &Doubt, finding: &Finding) -> String {
    match doubt {
        Doubt::FewDumps => match finding.evidence.onset {
            0 => "too few dumps to tell".to_owned(),
            _ => "too few dumps since it began to grow".to_owned(),
        },
        Doubt::Small => "less than 1 % of the heap, or than 100 KB".to_owned(),
        Doubt::SlowsDown => "it slows down, as what warms up or fills does".to_owned(),
        Doubt::Jumps => "one step makes most of it".to_owned(),
        Doubt::Wavers => "it does not go up all the time".to_owned(),
        Doubt::Noisy => "it is little more than noise".to_owned(),
        Doubt::Unnamed => "no field or thread can be named that holds it".to_owned(),
        Doubt::Weak => "it is only softly or weakly reachable".to_owned(),
        Doubt::ClassLoading => "it is mostly classes, each loaded once".to_owned(),
        Doubt::Known(why) => why.to_string(),
        Doubt::Bounded => match &finding.bound {
            Some(Bound { declared, now, from, .. }) => {
                format!("bounded at {}, now {} ({from})", count(*declared), count(*now))
            }
            None => "it is bounded".to_owned(),
        },
        Doubt::PerhapsBounded => match &finding.bound {
            Some(Bound { declared, now, from, .. }) => format!(
                "perhaps bounded at {}, now {} ({from}, which may be a limit of what is beside it)",
                count(*declared),
                count(*now)
            ),
            None => "it is perhaps bounded".to_owned(),
        },
        Doubt::Garbage => "some of the dumps hold garbage, others do not".to_owned(),
    }
}

/// A share in percent.
pub fn percent(share: f64) -> String {
    match share * 100.0 {
        percent if percent >= 99.95 => "100 %".to_owned(),
        percent if percent >= 10.0 => format!("{percent:.1} %").replace(".0 %", " %"),
        percent => format!("{percent:.1} %"),
    }
}
