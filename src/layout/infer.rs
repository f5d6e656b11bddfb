//! Finds the layout parameters from the distances between objects, and checks sizes against them.
//!
//! The distance from one object to the next is never less than its size, and equals it where the
//! heap is compacted. Of all possible parameters those are taken that agree with most distances and
//! contradict none. (The fewest contradictions alone say nothing: sizes that are too small never
//! contradict.)

use std::collections::BTreeSet;

use hashbrown::HashMap;

use super::{Era, Layout, Parameters};
use crate::parser::bytes::align_up;
use crate::parser::classes::{ClassIndex, ClassTable};
use crate::parser::tags::FieldType;

/// An object with the distance to the next one.
#[derive(Clone, Copy, Debug)]
pub struct Neighbour {
    pub object: Observed,
    pub distance: u64,
}

/// What an observed object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observed {
    Instance(ClassIndex),
    /// An array: element type (`None` for references) and length.
    Array(Option<FieldType>, u32),
}

/// What the addresses of a dump say.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    pub neighbours: Vec<Neighbour>,
    /// For each class the least distance of any of its instances to what follows in the dump.
    pub least: Vec<(ClassIndex, u64)>,
    /// Greatest common divisor of all addresses.
    pub alignment: u64,
}

impl Evidence {
    /// The classes of the instances that were observed.
    fn classes(&self) -> BTreeSet<ClassIndex> {
        let class = |neighbour: &Neighbour| match neighbour.object {
            Observed::Instance(class) => Some(class),
            Observed::Array(..) => None,
        };
        self.neighbours.iter().filter_map(class).collect()
    }
}

/// How well parameters explain the distances.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Score {
    /// Arrays and classes whose predicted size is the distance.
    pub agreements: u64,
    /// Arrays and classes whose predicted size is more than the distance.
    pub contradictions: u64,
    /// Arrays and classes looked at.
    pub observed: u64,
}

impl Score {
    /// What parameters are chosen by: one contradiction outweighs twenty agreements.
    fn value(&self) -> i64 {
        self.agreements as i64 - 20 * self.contradictions as i64
    }

    /// Share of agreements, in 0..=1.
    pub fn agreement(&self) -> f64 {
        if self.observed == 0 { 0.0 } else { self.agreements as f64 / self.observed as f64 }
    }
}

/// The parameters that were found.
#[derive(Clone, Copy, Debug)]
pub struct Inferred {
    pub parameters: Parameters,
    pub score: Score,
    /// Value of the second best parameters.
    runner_up: i64,
}

impl Inferred {
    /// Parameters without evidence.
    pub fn assumed(parameters: Parameters) -> Self {
        Self { parameters, score: Score::default(), runner_up: 0 }
    }

    /// True when the addresses leave no doubt.
    pub fn is_clear(&self) -> bool {
        self.score.agreement() >= 0.3
            && self.score.value() > 0
            && self.score.value() > self.runner_up
            && self.score.contradictions == 0
    }
}

/// Finds the parameters. `major` is the JDK version if that is known.
pub fn infer(
    classes: &ClassTable,
    evidence: &Evidence,
    is_32_bit: bool,
    major: Option<u32>,
) -> Inferred {
    let eras = match major {
        Some(major) => vec![Era::of_version(major)],
        None => vec![Era::To14, Era::From15, Era::From23],
    };
    let alignment = match evidence.alignment {
        known @ (8 | 16 | 32 | 64 | 128 | 256) => known,
        _ => 8,
    };
    let observed = evidence.classes();
    let layout = |parameters| Layout::of(classes, observed.iter().copied(), parameters, major);
    let mut candidates = Vec::new();
    for era in eras {
        let shapes: &[(u64, u64)] = match (is_32_bit, era) {
            (true, _) => &[(8, 4)],
            // Class pointers are compressed with references only.
            (false, Era::To14) => &[(12, 4), (16, 8), (16, 4)],
            (false, Era::From15) => &[(12, 4), (16, 8), (12, 8), (16, 4)],
            (false, Era::From23) => &[(12, 4), (16, 8), (12, 8), (16, 4), (8, 4), (8, 8)],
        };
        for (header, reference) in shapes {
            let parameters = Parameters {
                header: *header,
                reference: *reference,
                alignment,
                era,
                is_32_bit,
                padding: DEFAULT_PADDING,
            };
            candidates.push((score(&layout(parameters), evidence), parameters));
        }
    }
    // The first of equals: the most usual parameters stand first.
    candidates.sort_by_key(|(score, _)| std::cmp::Reverse(score.value()));
    let (_, mut parameters) = candidates[0];
    let likely = layout(parameters);
    let contended: BTreeSet<ClassIndex> =
        observed.iter().copied().filter(|class| likely.is_contended(*class)).collect();
    parameters.padding = infer_padding(classes, &contended, parameters, evidence, major);
    let runner_up = candidates.get(1).map_or(i64::MIN, |(score, _)| score.value());
    Inferred { parameters, score: score(&layout(parameters), evidence), runner_up }
}

/// HotSpot's default for `-XX:ContendedPaddingWidth`.
pub const DEFAULT_PADDING: u64 = 128;

/// Scores classes by their least distance and arrays one by one. Contended classes are left to
/// [`infer_padding`].
fn score(layout: &Layout<'_>, evidence: &Evidence) -> Score {
    let mut score = Score::default();
    let mut least: HashMap<ClassIndex, u64> = HashMap::new();
    let mut judge = |size: u64, distance: u64| {
        score.observed += 1;
        score.agreements += u64::from(size == distance);
        score.contradictions += u64::from(size > distance);
    };
    for neighbour in &evidence.neighbours {
        match neighbour.object {
            Observed::Instance(class) => {
                let least = least.entry(class).or_insert(u64::MAX);
                *least = neighbour.distance.min(*least);
            }
            Observed::Array(element, length) => {
                let size = layout
                    .parameters
                    .array_size(u64::from(length), layout.parameters.element_size(element));
                judge(size, neighbour.distance);
            }
        }
    }
    for (class, distance) in least {
        if !layout.is_contended(class) {
            judge(layout.instance_size(class), distance);
        }
    }
    score
}

/// The padding that agrees with most of the `contended` classes.
fn infer_padding(
    classes: &ClassTable,
    contended: &BTreeSet<ClassIndex>,
    parameters: Parameters,
    evidence: &Evidence,
    major: Option<u32>,
) -> u64 {
    let fits = |padding: u64| {
        let parameters = Parameters { padding, ..parameters };
        let layout = Layout::of(classes, contended.iter().copied(), parameters, major);
        let (mut agree, mut contradict) = (0i64, 0i64);
        for neighbour in &evidence.neighbours {
            if let Observed::Instance(class) = neighbour.object {
                if contended.contains(&class) {
                    let size = layout.instance_size(class);
                    agree += i64::from(size == neighbour.distance);
                    contradict += i64::from(size > neighbour.distance);
                }
            }
        }
        agree - 20 * contradict
    };
    let default = fits(DEFAULT_PADDING);
    [0, 8, 16, 32, 64, 192, 256]
        .into_iter()
        .map(|padding| (fits(padding), padding))
        .filter(|(value, _)| *value > default)
        .max()
        .map_or(DEFAULT_PADDING, |(_, padding)| padding)
}

/// What the addresses say against the sizes of classes.
#[derive(Clone, Debug, Default)]
pub struct Audit {
    /// Classes with an instance that is nearer to the next object than its size allows.
    pub contradicted: Vec<(ClassIndex, Contradiction)>,
    /// Classes all of whose instances seem to be larger than the rules say.
    pub larger: Vec<(ClassIndex, Contradiction)>,
    /// Share of the observed arrays whose size is the distance to the next object.
    pub compaction: f64,
}

/// A size by the rules and what the addresses say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contradiction {
    pub size: u64,
    pub distance: u64,
    /// Instances that were looked at.
    pub instances: u64,
}

/// Checks every class against the addresses.
pub fn audit(layout: &Layout<'_>, evidence: &Evidence, stack_chunk: Option<ClassIndex>) -> Audit {
    /// Instances that must agree before a class is believed to be larger than the rules say.
    const ENOUGH: u64 = 5;
    /// Heaps that are compacted less are full of garbage: distances say nothing.
    const COMPACTED: f64 = 0.995;
    let mut audit = Audit::default();
    let mut distances: HashMap<ClassIndex, HashMap<u64, u64>> = HashMap::new();
    let (mut arrays, mut exact) = (0u64, 0u64);
    for neighbour in &evidence.neighbours {
        match neighbour.object {
            Observed::Instance(class) => {
                *distances.entry(class).or_default().entry(neighbour.distance).or_default() += 1;
            }
            Observed::Array(element, length) => {
                let size = layout
                    .parameters
                    .array_size(u64::from(length), layout.parameters.element_size(element));
                arrays += 1;
                exact += u64::from(size == neighbour.distance);
            }
        }
    }
    audit.compaction = if arrays == 0 { 0.0 } else { exact as f64 / arrays as f64 };
    let mut least: HashMap<ClassIndex, u64> = evidence.least.iter().copied().collect();
    for (class, distances) in &distances {
        let Some(nearest) = distances.keys().min() else { continue };
        let least = least.entry(*class).or_insert(u64::MAX);
        *least = (*least).min(*nearest);
    }
    for (class, distance) in least {
        let size = layout.instance_size(class);
        let seen = distances.get(&class);
        let instances = seen.map_or(1, |seen| seen.values().sum());
        let finding = Contradiction { size, distance, instances };
        if size > distance {
            audit.contradicted.push((class, finding));
        } else if Some(class) != stack_chunk && audit.compaction >= COMPACTED {
            // Most instances at one same distance above the size, and none nearer.
            let Some(seen) = seen else { continue };
            let Some((nearest, count)) = seen.iter().min_by_key(|(distance, _)| **distance) else {
                continue;
            };
            let most = *count * 5 >= instances * 4;
            if instances >= ENOUGH && most && align_up(size, layout.parameters.alignment) < *nearest
            {
                let finding = Contradiction { size, distance: *nearest, instances };
                audit.larger.push((class, finding));
            }
        }
    }
    audit.contradicted.sort_unstable_by_key(|(class, _)| *class);
    audit.larger.sort_unstable_by_key(|(class, _)| *class);
    audit
}
