//! How findings compare with the truth.

use heapdrift::diff::Comparison;
use heapdrift::diff::owners::verdict::Verdict;
use heapdrift::diff::owners::{Finding, OwnerKey, Owners};
use heapdrift::digest::Digest;
use heapdrift::library::{APPLICATION, Catalog};
use serde::Serialize;

use super::baselines;
use super::truth::{Leak, Truth};

/// Findings below which fewer dumps cannot lead to a verdict.
const DUMPS_FOR_A_VERDICT: usize = 4;

/// A leak, or a healthy program.
#[derive(Debug, Serialize)]
pub struct Outcome {
    pub scenario: String,
    pub control: bool,
    pub dumps: usize,
    /// The worst verdict of all findings.
    pub verdict: Verdict,
    /// The first finding.
    pub first: Option<Found>,
    /// `None` for healthy programs.
    pub leak: Option<FoundLeak>,
}

/// A finding.
#[derive(Debug, Serialize)]
pub struct Found {
    pub owner: String,
    pub verdict: Verdict,
    pub share_of_growth: f64,
}

/// What became of a leak.
#[derive(Debug, Serialize)]
pub struct FoundLeak {
    pub owner: String,
    /// From 1, without findings of other leaks; `None` when there is no such finding.
    pub rank: Option<usize>,
    /// The same by the class of the owner alone.
    pub rank_by_class: Option<usize>,
    /// The rank of the first finding that names the owner as one who holds it, too.
    pub rank_also_held: Option<usize>,
    pub found: Option<Found>,
    /// Libraries of the owner that was found, of what it holds, and of who is on the way.
    pub libraries: Vec<String>,
    /// True when one of them is the right one; `None` where the truth does not tell.
    pub is_library_right: Option<bool>,
    /// The known cause that is given for the finding, by its identifier.
    pub cause: Option<String>,
    /// True when it is the right one; `None` where the truth does not tell.
    pub is_cause_right: Option<bool>,
    /// Baseline: growth by class.
    pub baseline_class: Option<usize>,
    /// Baseline: paths that grow in each step.
    pub baseline_path: Option<usize>,
}

impl Outcome {
    /// The outcomes of a scenario: one for each leak, or one for a healthy program.
    pub fn all(
        truth: &Truth,
        comparison: &Comparison,
        owners: &Owners,
        digests: &[Digest],
    ) -> Vec<Self> {
        let outcome = |leak| Self {
            scenario: truth.name().to_owned(),
            control: truth.control,
            dumps: digests.len(),
            verdict: owners.verdict,
            first: owners.findings.first().map(Found::of),
            leak,
        };
        if truth.control {
            return vec![outcome(None)];
        }
        let paths = baselines::growing_paths(digests);
        let catalog = Catalog::built_in().unwrap_or_default();
        let of_leak = |nth: usize, leak: &Leak| {
            let is_other = |finding: &Finding| {
                let others = truth.leaks.iter().enumerate().filter(|(other, _)| *other != nth);
                others.map(|(_, other)| other).any(|other| owns(other, &finding.owner))
            };
            let rank = |is: &dyn Fn(&Finding) -> bool| {
                let at = owners.findings.iter().position(is)?;
                Some(at + 1 - owners.findings[..at].iter().filter(|f| is_other(f)).count())
            };
            let is_owner = |finding: &Finding| owns(leak, &finding.owner);
            let finding = owners.findings.iter().find(|finding| is_owner(finding));
            let libraries = finding.map_or(Vec::new(), |found| libraries(found, &catalog, digests));
            let cause = finding.and_then(|found| found.known_cause.as_ref());
            let cause = cause.map(|cause| cause.id.clone());
            let is_right = libraries.iter().any(|name| leak.is_library(name) == Some(true));
            FoundLeak {
                owner: leak.owner(),
                rank: rank(&is_owner),
                rank_by_class: rank(&|finding| leak.is_class(&finding.owner.class)),
                rank_also_held: rank(&|finding| {
                    is_owner(finding) || finding.also_held_by.iter().any(|key| owns(leak, key))
                }),
                found: finding.map(Found::of),
                is_library_right: leak.is_library("").map(|_| is_right),
                libraries,
                is_cause_right: leak.is_cause(cause.as_deref()),
                cause,
                baseline_class: baselines::by_class(leak, &comparison.classes),
                baseline_path: baselines::by_path(leak, &paths),
            }
        };
        let leaks = truth.leaks.iter().enumerate();
        leaks.map(|(nth, leak)| outcome(Some(of_leak(nth, leak)))).collect()
    }

    /// A healthy program that is called suspect, or worse.
    pub fn is_false_accusation(&self) -> bool {
        self.control && self.verdict >= Verdict::Suspect
    }

    /// A leak whose owner is not suspected, with enough dumps to do so.
    pub fn is_missed(&self) -> bool {
        let verdict = self.leak.as_ref().map(|leak| leak.found.as_ref().map(|found| found.verdict));
        self.dumps >= DUMPS_FOR_A_VERDICT
            && verdict.is_some_and(|verdict| verdict.is_none_or(|v| v < Verdict::Suspect))
    }
}

/// The libraries of the owner, of what grows most below it, and the application if it is seen on the
/// way. What no library is known for is the application's.
fn libraries(finding: &Finding, catalog: &Catalog, digests: &[Digest]) -> Vec<String> {
    let last = digests.last().map(|digest| &digest.origins);
    let library = |class: &str| {
        let location = last.and_then(|origins| origins.location(class));
        let found = catalog.library_of(class, location);
        found.map_or(APPLICATION.to_owned(), |library| library.name)
    };
    let owner = finding.library.as_ref();
    let owner = owner.map_or(APPLICATION.to_owned(), |library| library.name.clone());
    let top = finding.contents.iter().find(|content| content.is_top).map(|top| library(&top.class));
    let site = finding.site.is_some().then(|| APPLICATION.to_owned());
    let mut names: Vec<String> = std::iter::once(owner).chain(top).chain(site).collect();
    names.dedup();
    names
}

fn owns(leak: &Leak, owner: &OwnerKey) -> bool {
    leak.is_owner(&owner.class, owner.field.as_deref())
}

impl Found {
    fn of(finding: &Finding) -> Self {
        Self {
            owner: finding.owner.name(),
            verdict: finding.verdict,
            share_of_growth: finding.share_of_growth,
        }
    }
}

/// Ranks of one way of finding owners.
#[derive(Debug, Serialize)]
pub struct Ranks {
    pub top1_percent: f64,
    pub top3_percent: f64,
    /// Mean of 1 / rank.
    pub mean_reciprocal_rank: f64,
}

/// All outcomes together.
#[derive(Debug, Serialize)]
pub struct Summary {
    pub leaks: usize,
    pub controls: usize,
    pub owners: Ranks,
    pub baseline_class: Ranks,
    pub baseline_path: Ranks,
    /// Of leaks whose owner was found, and of which the truth tells.
    pub library_right_percent: f64,
    /// Of leaks of which the truth names a known cause, found or not.
    pub cause_right_percent: Option<f64>,
    pub missed: Vec<String>,
    pub false_accusations: Vec<String>,
}

impl Summary {
    pub fn of(outcomes: &[Outcome]) -> Self {
        let names = |is: fn(&Outcome) -> bool| -> Vec<String> {
            outcomes.iter().filter(|one| is(one)).map(|one| one.scenario.clone()).collect()
        };
        let leaks: Vec<&FoundLeak> = outcomes.iter().filter_map(|one| one.leak.as_ref()).collect();
        let ranks = |of: fn(&FoundLeak) -> Option<usize>| {
            let ranks: Vec<usize> = leaks.iter().filter_map(|leak| of(leak)).collect();
            let mean = |sum: f64| if leaks.is_empty() { 0.0 } else { sum / leaks.len() as f64 };
            let within = |most| ranks.iter().filter(|rank| **rank <= most).count() as f64;
            Ranks {
                top1_percent: 100.0 * mean(within(1)),
                top3_percent: 100.0 * mean(within(3)),
                mean_reciprocal_rank: mean(ranks.iter().map(|rank| 1.0 / *rank as f64).sum()),
            }
        };
        let known = leaks.iter().filter(|leak| leak.found.is_some());
        let known: Vec<bool> = known.filter_map(|leak| leak.is_library_right).collect();
        let right = known.iter().filter(|is_right| **is_right).count();
        let causes: Vec<bool> = leaks.iter().filter_map(|leak| leak.is_cause_right).collect();
        let right_causes = causes.iter().filter(|is_right| **is_right).count();
        Self {
            leaks: leaks.len(),
            controls: outcomes.iter().filter(|one| one.control).count(),
            owners: ranks(|leak| leak.rank),
            baseline_class: ranks(|leak| leak.baseline_class),
            baseline_path: ranks(|leak| leak.baseline_path),
            library_right_percent: 100.0 * right as f64 / known.len().max(1) as f64,
            cause_right_percent: (!causes.is_empty())
                .then(|| 100.0 * right_causes as f64 / causes.len() as f64),
            missed: names(Outcome::is_missed),
            false_accusations: names(Outcome::is_false_accusation),
        }
    }
}
