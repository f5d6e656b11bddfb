//! What is to be said: owners that grew, one for each cause, the worst first.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Range;

use super::accounts::{self, Account};
use super::bounds;
use super::contents;
use super::credit::{Credit, LabelId};
use super::evidence::Evidence;
use super::label::is_transparent;
use super::path;
use super::soft;
use super::turnover;
use super::verdict::{self, Circumstances, Doubt, Verdict};
use super::whose::package;
use super::{Finding, Holds, OwnerKey, OwnerKind, OwnerSeries, Scene, StepKind};
use crate::index::owners::{Edge, Name};

/// Findings beyond these are rows of the table only.
const MOST: usize = 50;
/// Owners that are looked at.
const CANDIDATES: usize = 200;

/// An owner that grew, with all that is a part of the same cause.
#[derive(Clone)]
struct Cause {
    label: LabelId,
    account: Account,
    others: Vec<LabelId>,
    judged: Judged,
}

#[derive(Clone)]
struct Judged {
    verdict: Verdict,
    doubts: Vec<Doubt>,
    /// How much it looks like a leak, in bytes.
    weight: f64,
    evidence: Evidence,
    by_entries: Option<Evidence>,
}

/// The findings of a comparison.
pub fn findings(scene: &Scene<'_>, accounts: &[Account], heap_max: Option<u64>) -> Vec<Finding> {
    let all: i64 = accounts.iter().map(|account| account.growth(&scene.judged).max(0)).sum();
    let causes = causes(scene, accounts);
    let labels: Vec<Vec<LabelId>> = causes.iter().map(Cause::labels).collect();
    let contents = contents::of(scene, &labels);
    causes
        .into_iter()
        .zip(contents)
        .enumerate()
        .map(|(nth, (cause, contents))| {
            finding(scene, accounts, nth + 1, cause, contents, all, heap_max)
        })
        .collect()
}

impl Cause {
    fn labels(&self) -> Vec<LabelId> {
        std::iter::once(self.label).chain(self.others.iter().copied()).collect()
    }

    /// Worse ones first; a total order, as owners differ.
    fn order(&self, judged: &Range<usize>) -> impl Ord + use<> {
        let Judged { verdict, weight, .. } = self.judged;
        Reverse((verdict, weight as u64, self.account.growth(judged), Reverse(self.label)))
    }
}

/// Owners that grew, the worst first, one for each cause.
fn causes(scene: &Scene<'_>, accounts: &[Account]) -> Vec<Cause> {
    let mut grown: Vec<LabelId> = (0..accounts.len() as LabelId)
        .filter(|label| accounts[*label as usize].growth(&scene.judged) > 0)
        .collect();
    grown.sort_by_key(|label| (Reverse(accounts[*label as usize].growth(&scene.judged)), *label));
    grown.truncate(CANDIDATES);
    let mut causes: Vec<Cause> = Vec::new();
    for label in grown {
        let account = &accounts[label as usize];
        match causes.iter_mut().find(|cause| is_same_cause(scene, cause, label, account)) {
            Some(cause) => {
                cause.account.absorb(account);
                cause.others.push(label);
                cause.judged = judge(scene, cause.label, &cause.account);
            }
            None => causes.push(Cause {
                label,
                account: account.clone(),
                others: Vec::new(),
                judged: judge(scene, label, account),
            }),
        }
    }
    causes.sort_by_key(|cause| cause.order(&scene.judged));
    causes.truncate(MOST);
    causes
}

/// True when an owner grows as a larger one does, and is above or below it, or holds the same.
fn is_same_cause(scene: &Scene<'_>, cause: &Cause, label: LabelId, account: &Account) -> bool {
    let alike = grows_alike(&cause.account, account, &scene.judged);
    alike
        && (is_inside(scene, cause.account.lead.1, label)
            || is_inside(scene, account.lead.1, cause.label)
            || scene.credits.is_restated(cause.label, label))
}

/// True when the owner of a node above `node` is `label`.
fn is_inside(scene: &Scene<'_>, mut node: u32, label: LabelId) -> bool {
    while node != 0 {
        node = scene.union.nodes[node as usize].parent;
        if scene.credits.of[node as usize] == Credit::Label(label) {
            return true;
        }
    }
    false
}

/// True when two owners make the same part of their growth in each step, and neither is a trifle
/// against the other.
fn grows_alike(a: &Account, b: &Account, judged: &Range<usize>) -> bool {
    const TRIFLE: f64 = 0.05;
    const ALIKE: f64 = 0.1;
    let steps = |account: &Account| -> Vec<f64> {
        let values = &account.bytes[judged.clone()];
        let all = account.growth(judged) as f64;
        values.windows(2).map(|pair| (pair[1] as f64 - pair[0] as f64) / all).collect()
    };
    let (large, small) = (a.growth(judged) as f64, b.growth(judged) as f64);
    small >= TRIFLE * large
        && steps(a).iter().zip(steps(b)).all(|(step, other)| (step - other).abs() <= ALIKE)
}

/// Judges an owner.
fn judge(scene: &Scene<'_>, label: LabelId, account: &Account) -> Judged {
    let times = &scene.times[scene.judged.clone()];
    let evidence = Evidence::of(&account.bytes[scene.judged.clone()], times);
    let by_entries = by_entries(scene, account, &evidence);
    let shape = by_entries.unwrap_or(evidence);
    let circumstances = circumstances(scene, label, account);
    let (verdict, doubts) = verdict::judge(&evidence, &shape, &circumstances);
    let weight = weight(scene, label, account, &evidence, &shape, &circumstances);
    Judged { verdict, doubts, weight, evidence, by_entries }
}

/// How the entries grow, where they explain the growth of the bytes and grow more steadily: tables
/// double, entries do not.
fn by_entries(scene: &Scene<'_>, account: &Account, bytes: &Evidence) -> Option<Evidence> {
    let judged = scene.judged.clone();
    let logarithm = |values: &[u64]| match values {
        [first, .., last] => ((*last as f64).max(1.0) / (*first as f64).max(1.0)).ln(),
        _ => 0.0,
    };
    let explained = 0.5 * logarithm(&account.bytes[judged.clone()]);
    [&account.entries, &account.multiplied]
        .into_iter()
        .map(|counts| &counts[judged.clone()])
        .filter(|counts| accounts::growth(counts) > 0 && logarithm(counts) >= explained)
        .map(|counts| Evidence::of(counts, &scene.times[judged.clone()]))
        .filter(|entries| entries.steadiness() > bytes.steadiness())
        .max_by(|a, b| a.steadiness().total_cmp(&b.steadiness()))
}

fn circumstances(scene: &Scene<'_>, label: LabelId, account: &Account) -> Circumstances {
    let growth = account.growth(&scene.judged);
    let key = scene.key(scene.credits.labels[label as usize], account);
    let live = |live| {
        let digests = &scene.digests[scene.judged.clone()];
        digests.iter().any(|digest| digest.facts.live == Some(live))
    };
    let bound = bounds::of(scene, label, account);
    let bound = bound.filter(|bound| bounds::is_near(scene, account, bound));
    let holds = bound.map(|bound| bound.holds);
    Circumstances {
        heap_bytes: scene.heap_bytes,
        is_unnamed: !key.is_place(),
        is_weak: account.weak_growth > growth / 2 || soft::goes_with_soft(scene, account),
        is_class_loading: account.class_growth > growth / 2,
        known: scene.whose.bounded(&key),
        is_bounded: holds == Some(Holds::Surely),
        is_perhaps_bounded: holds == Some(Holds::Perhaps),
        turnover: turnover::of(scene, label, account),
        has_garbage: live(true) && live(false),
    }
}

/// Growth, less the less it looks like a leak.
fn weight(
    scene: &Scene<'_>,
    label: LabelId,
    account: &Account,
    bytes: &Evidence,
    shape: &Evidence,
    circumstances: &Circumstances,
) -> f64 {
    const LEAST_NOISE: f64 = 500_000.0;
    const NOISE_OF_HEAP: f64 = 0.0005;
    let growth = bytes.growth.max(0.0);
    let relative_noise = if shape.growth > 0.0 { shape.noise / shape.growth } else { 0.0 };
    let noise = relative_noise * growth + LEAST_NOISE.max(NOISE_OF_HEAP * scene.heap_bytes);
    let signal = growth / noise;
    let boundary = if circumstances.is_unnamed { 0.5 } else { 1.0 };
    let kind = match circumstances {
        Circumstances { is_weak: true, .. } => 0.0,
        Circumstances { is_bounded: true, .. } | Circumstances { turnover: Some(_), .. } => 0.2,
        Circumstances { known: Some(_), .. } | Circumstances { is_class_loading: true, .. } => 0.3,
        _ => 1.0,
    };
    let root = root_weight(scene, label, account);
    growth * shape.steadiness() * signal / (1.0 + signal) * boundary * kind * root
}

/// What a frame holds may go with the frame, unless it was there in every dump.
fn root_weight(scene: &Scene<'_>, label: LabelId, account: &Account) -> f64 {
    const FRAME: f64 = 0.3;
    let is_frame = scene.credits.labels[label as usize].kind == OwnerKind::ThreadStack;
    let always = account.bytes[scene.judged.clone()].iter().all(|bytes| *bytes > 0);
    if is_frame && !always { FRAME } else { 1.0 }
}

/// Says what is known of a cause.
fn finding(
    scene: &Scene<'_>,
    accounts: &[Account],
    rank: usize,
    cause: Cause,
    contents: contents::Contents,
    all: i64,
    heap_max: Option<u64>,
) -> Finding {
    let key = |label: LabelId, account| scene.key(scene.credits.labels[label as usize], account);
    let owner = key(cause.label, &cause.account);
    let path = path::of(scene, cause.account.lead.1, cause.label);
    let series = OwnerSeries::new(&cause.account, scene.hours);
    let growth = cause.account.growth(&scene.judged);
    let judged = cause.judged;
    let rate = scene.hours.map(|_| {
        let hours = scene.times[scene.judged.end - 1]
            - scene.times[scene.judged.start + judged.evidence.onset];
        judged.evidence.growth / hours
    });
    let is_off_heap = owner.kind == OwnerKind::OffHeap;
    // What is loaded again and again keeps itself, by something of the JDK.
    let loaded = contents.classes.iter().find(|content| {
        content.is_class && content.class != owner.class && is_of_application(scene, &content.class)
    });
    let loaded = loaded.map(|content| content.class.clone());
    let mut finding = Finding {
        id: id(&owner),
        library: None,
        known_cause: None,
        rank,
        verdict: judged.verdict,
        score: judged.weight / all.max(1) as f64,
        also_held_by: cause.others.iter().map(|l| key(*l, &accounts[*l as usize])).collect(),
        hours_to_limit: heap_max
            .filter(|_| !is_off_heap)
            .and_then(|limit| hours_to(scene, limit, rate?)),
        series: OwnerSeries { bytes_per_hour: rate.or(series.bytes_per_hour), ..series },
        growth_bytes: growth,
        share_of_growth: growth as f64 / all.max(1) as f64,
        bound: bounds::of(scene, cause.label, &cause.account),
        contents: contents.classes,
        table: contents.table,
        array_lengths: contents.array_lengths,
        site: site(scene, &owner, &path)
            .or_else(|| frame(scene, &owner, cause.account.lead.1))
            .or(loaded),
        path,
        owner,
        evidence: judged.evidence,
        by_entries: judged.by_entries,
        staying: turnover::staying(scene, cause.label, &cause.account),
        doubts: judged.doubts,
    };
    scene.whose.tell(&mut finding);
    finding
}

/// Hours until the heap reaches a limit.
fn hours_to(scene: &Scene<'_>, limit: u64, rate: f64) -> Option<f64> {
    let last = scene.digests.get(scene.judged.end - 1)?.total.shallow_bytes;
    (rate > 0.0).then(|| limit.saturating_sub(last) as f64 / rate)
}

/// The same for the same owner, in every run.
fn id(owner: &OwnerKey) -> String {
    let text = format!("{}\0{}", owner.name(), owner.kind.words());
    format!("{:016x}", xxhash_rust::xxh3::xxh3_64(text.as_bytes()))
}

/// Of threads that multiply, the method whose frames hold most of what grows with them: below the
/// JDK's own methods, in which threads wait.
fn frame(scene: &Scene<'_>, owner: &OwnerKey, lead: u32) -> Option<String> {
    let union = &scene.union;
    if owner.kind != OwnerKind::Thread
        || !matches!(union.nodes[lead as usize].edge, Edge::Thread(_))
    {
        return None;
    }
    let growth = |node: u32| {
        let amounts = &union.amounts(node)[scene.judged.clone()];
        let retained: Vec<u64> = amounts.iter().map(|amounts| amounts.retained).collect();
        accounts::growth(&retained)
    };
    let of_frame = |node: u32| match union.nodes[node as usize].edge {
        Edge::Local(method) if !is_transparent(union.name(method)) => Some((method, growth(node))),
        _ => None,
    };
    let mut methods: BTreeMap<Name, i64> = BTreeMap::new();
    for (method, growth) in union.children(lead).filter_map(of_frame) {
        *methods.entry(method).or_default() += growth;
    }
    let most = methods.into_iter().max_by_key(|(method, growth)| (*growth, Reverse(*method)))?;
    Some(union.name(most.0).to_owned())
}

/// True for the application's own classes: those the user calls so, or by the package of the main
/// class.
fn is_of_application(scene: &Scene<'_>, class: &str) -> bool {
    let main = scene.digests.last().and_then(|digest| digest.facts.main_class.as_deref());
    let package = main.and_then(package);
    scene.whose.is_own(class) || package.is_some_and(|package| class.starts_with(&package))
}

/// The nearest class of the application on a path: above the owner, else below it. A container of its
/// own is no place in it.
fn site(scene: &Scene<'_>, owner: &OwnerKey, path: &[super::Step]) -> Option<String> {
    let is_own = |class: &str| is_of_application(scene, class);
    let is_owner = |step: &super::Step| step.class == owner.class && step.field == owner.field;
    let at = path.iter().rposition(is_owner).unwrap_or(path.len());
    let (above, below) = path.split_at(at);
    let mut steps = above.iter().rev().chain(below);
    let is_container = |class: &str| scene.credits.containers.has(&scene.union, class);
    let is_place = |class: &str| class != owner.class && is_own(class) && !is_container(class);
    let step = steps.find(|step| is_place(&step.class))?;
    let class = step.class.split("$$Lambda").next().unwrap_or(&step.class);
    Some(match (&step.field, step.kind) {
        (Some(method), StepKind::Local) => format!("{class}.{method}"),
        _ => class.to_owned(),
    })
}
