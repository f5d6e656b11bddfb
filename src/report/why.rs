//! Why a finding has its verdict, in one sentence: what decided first.

use super::rate::duration;
use super::text::count;
use crate::diff::owners::evidence::Evidence;
use crate::diff::owners::verdict::{Doubt, Verdict};
use crate::diff::owners::{Bound, Finding, Holds, Turnover};

/// From here on growth lasts, for a reader as for the verdict.
const LASTS: f64 = 0.6;
/// From here on a reader of the values sees no slowing.
const EVEN: f64 = 0.75;
/// Below this, few steps make most of the growth.
const LEAPS: f64 = 0.55;

/// The sentence for people.
pub fn why(finding: &Finding) -> String {
    let mut parts = Vec::new();
    if !finding.doubts.is_empty() {
        let verdict = match finding.verdict {
            Verdict::Suspect => "no likely leak",
            _ => "not suspected",
        };
        parts.push(format!("{verdict}: {}", doubts(finding)));
    }
    parts.extend(exceeded(finding));
    parts.push(growth(finding));
    parts.extend(finding.staying.as_ref().map(staying));
    if finding.verdict == Verdict::LikelyLeak && finding.bound.is_none() {
        parts.push("no bound was found".to_owned());
    }
    parts.push(format!("{} of the growth", percent(finding.share_of_growth)));
    parts.join("; ")
}

/// The sentence with the numbers that verdicts are made of (`docs/ARCHITECTURE.md`).
pub fn why_in_numbers(finding: &Finding) -> String {
    let Evidence { straight, lasting, spread, .. } = *shape(finding);
    let numbers = format!("E {straight:.2}, L {lasting:.2}, P {spread:.2}");
    match entries(finding) {
        Some((first, last)) => {
            format!("{}; entries {} → {}; {numbers}", why(finding), count(first), count(last))
        }
        None => format!("{}; {numbers}", why(finding)),
    }
}

/// What speaks against a worse verdict; what was read from the heap first.
pub fn doubts(finding: &Finding) -> String {
    let mut doubts: Vec<&Doubt> = finding.doubts.iter().collect();
    doubts.sort_by_key(|doubt| {
        !matches!(
            doubt,
            Doubt::Bounded | Doubt::PerhapsBounded | Doubt::Known(_) | Doubt::Replaced(_)
        )
    });
    let doubts: Vec<String> = doubts.into_iter().map(|doubt| words(doubt, finding)).collect();
    doubts.join(", ")
}

/// What the verdict was judged by: the entries, where they tell more than the bytes.
fn shape(finding: &Finding) -> &Evidence {
    finding.by_entries.as_ref().unwrap_or(&finding.evidence)
}

/// Entries in the first dump and in the last.
fn entries(finding: &Finding) -> Option<(u64, u64)> {
    let entries = finding.series.entries.as_ref()?;
    let (first, last) = (*entries.first()?, *entries.last()?);
    (first != last).then_some((first, last))
}

/// How it grew: `its entries rose evenly in each of 5 steps`
fn growth(finding: &Finding) -> String {
    let shape = shape(finding);
    let what = if finding.by_entries.is_some() { "its entries" } else { "its bytes" };
    let rose = steps(shape);
    let since = match shape.onset {
        0 => String::new(),
        onset => format!("were level up to dump {}, then ", onset + 1),
    };
    format!("{what} {since}{rose}{}", pace(finding))
}

/// That more is held than the heap says there may be: hardly anything says more.
fn exceeded(finding: &Finding) -> Option<String> {
    let bound = finding.bound.as_ref().filter(|bound| bound.holds == Holds::Exceeded)?;
    let Bound { declared, now, from, .. } = bound;
    Some(format!("exceeds its limit of {} with {} ({from})", count(*declared), count(*now)))
}

fn steps(evidence: &Evidence) -> String {
    let Evidence { steps, steps_up, .. } = *evidence;
    match (steps, evidence.always_up()) {
        (1, true) => "rose in the only step".to_owned(),
        (_, true) => format!("rose in each of {steps} steps"),
        _ => format!("rose in {steps_up} of {steps} steps"),
    }
}

/// How the steps follow each other, as far as no doubt says it.
fn pace(finding: &Finding) -> String {
    let shape = shape(finding);
    let is_told = finding.doubts.iter().any(|doubt| match doubt {
        Doubt::SlowsDown | Doubt::Jumps => true,
        Doubt::Small => is_leap(finding),
        _ => false,
    });
    let seen = &shape.seen;
    // What goes down as well has no pace.
    if shape.steps < 2 || is_told || shape.straight < LASTS {
        return String::new();
    }
    match seen.lasting {
        _ if seen.spread < LEAPS => format!(", {}", leaps(shape)),
        lasting if lasting < LASTS && shape.lasting >= EVEN => {
            format!(", by less and less, but not per hour ({})", apart(shape))
        }
        lasting if lasting < LASTS => ", by less and less".to_owned(),
        lasting if lasting < 0.9 => ", by a little less in the end".to_owned(),
        _ if seen.spread >= 0.9 => ", evenly".to_owned(),
        _ => ", and do not slow down".to_owned(),
    }
}

/// True when it is small but for a few steps: the median slope, which verdicts go by, has none of
/// them, and a reader sees nothing else.
fn is_leap(finding: &Finding) -> bool {
    finding.evidence.steps > 1 && finding.evidence.growth < 0.5 * finding.growth_bytes as f64
}

/// `two of 4 steps make all of it`
fn leaps(evidence: &Evidence) -> String {
    let number = match evidence.seen.leaps {
        1 => "one".to_owned(),
        2 => "two".to_owned(),
        more => more.to_string(),
    };
    let make = if evidence.seen.leaps == 1 { "makes" } else { "make" };
    let part = match evidence.seen.leaped {
        part if part >= 0.995 => "all".to_owned(),
        part => format!("{:.0} %", part * 100.0),
    };
    format!("{number} of {} steps {make} {part} of it", evidence.steps)
}

/// `the dumps are 1 to 6 s apart`
fn apart(evidence: &Evidence) -> String {
    let (shortest, longest) = evidence.gaps;
    let (shortest, longest) = (duration(shortest), duration(longest));
    let unit = longest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    format!("the dumps are {} to {longest} apart", shortest.trim_end_matches(unit))
}

/// Growth that is none by time, though a reader of the values sees some, tells why.
fn words(doubt: &Doubt, finding: &Finding) -> String {
    let shape = shape(finding);
    match doubt {
        Doubt::FewDumps => few(finding),
        Doubt::Small if is_leap(finding) => leaps(&finding.evidence),
        Doubt::Small => "it is less than 1 % of the heap, or than 100 KB".to_owned(),
        Doubt::SlowsDown if shape.seen.lasting >= EVEN => {
            format!("per hour it slows down ({})", apart(shape))
        }
        Doubt::SlowsDown => "it slows down, as what warms up or fills does".to_owned(),
        Doubt::Jumps if shape.seen.spread >= LEAPS => {
            format!("per hour it comes in jumps ({})", apart(shape))
        }
        Doubt::Jumps => leaps(shape),
        Doubt::Wavers => "it goes down as well as up".to_owned(),
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
        Doubt::Replaced(turnover) => replaced(turnover),
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

/// `4 dumps are too few to tell`
fn few(finding: &Finding) -> String {
    let shape = shape(finding);
    let dumps = match shape.dumps() {
        1 => "one dump is".to_owned(),
        dumps => format!("{dumps} dumps are"),
    };
    match shape.onset {
        0 => format!("{dumps} too few to tell"),
        _ => format!("{dumps} too few since it began to grow"),
    }
}

fn staying(Turnover { dump, last, looked_at, left }: &Turnover) -> String {
    let left = if left == looked_at { "all".to_owned() } else { left.to_string() };
    let (dump, last) = (dump + 1, last + 1);
    format!("entries stay: of {looked_at} looked at in dump {dump}, {left} are left in dump {last}")
}

fn replaced(Turnover { dump, last, looked_at, left }: &Turnover) -> String {
    let left = match left {
        0 => "none is left".to_owned(),
        left => format!("{left} are left"),
    };
    let (dump, last) = (dump + 1, last + 1);
    format!(
        "its entries come and go: of {looked_at} looked at in dump {dump}, {left} in dump {last}"
    )
}

/// A share in percent.
pub fn percent(share: f64) -> String {
    match share * 100.0 {
        percent if percent >= 99.95 => "100 %".to_owned(),
        percent if percent >= 10.0 => format!("{percent:.1} %").replace(".0 %", " %"),
        percent => format!("{percent:.1} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[u64], hours: &[f64]) -> Evidence {
        Evidence::of(values, hours)
    }

    #[test]
    fn equal_steps_are_no_slowing_but_by_the_hour() {
        let even = of(&[0, 100, 200, 300, 400], &[0.0, 1.0, 2.0, 8.0, 14.0]);
        assert_eq!(apart(&even), "the dumps are 1 to 6 h apart");
        assert_eq!(apart(&of(&[0, 1, 2], &[0.0, 0.5, 3.5])), "the dumps are 30 min to 3 h apart");
    }

    #[test]
    fn steps_that_make_most_of_it_are_counted() {
        let hours: Vec<f64> = (0..5).map(f64::from).collect();
        assert_eq!(leaps(&of(&[100, 400, 400, 700, 700], &hours)), "two of 4 steps make all of it");
        assert_eq!(leaps(&of(&[0, 80, 90, 95, 100], &hours)), "one of 4 steps makes 80 % of it");
    }
}
