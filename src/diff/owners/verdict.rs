//! From evidence to a verdict, and what stands in the way of a worse one.

use std::sync::Arc;

use serde::Serialize;

use super::evidence::Evidence;
use super::turnover::Turnover;

/// What is to be thought of growth, or of a whole comparison; worse ones are greater.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The dumps cannot be compared.
    Incomparable,
    /// Nothing grew that matters.
    Steady,
    /// It grew; a leak cannot be told from warming up.
    Grew,
    /// It grows as leaks do.
    Suspect,
    /// It grows steadily, enough to matter, and nothing speaks for a bound.
    LikelyLeak,
}

/// Why a verdict is not worse.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Doubt {
    /// Too few dumps from the onset of the growth on.
    FewDumps,
    /// Less than 1 % of the heap, or than 100 KB.
    Small,
    /// Growth dies down.
    SlowsDown,
    /// One step explains most of it.
    Jumps,
    /// It goes up and down.
    Wavers,
    /// It is no larger than the noise.
    Noisy,
    /// No field, thread or root can be named that holds it.
    Unnamed,
    /// Only softly or weakly reachable: it goes when memory is short.
    Weak,
    /// Most of it are classes.
    ClassLoading,
    /// A structure that is known to stop growing, and why.
    Known(Arc<str>),
    /// A bound was read from the heap.
    Bounded,
    /// Its entries are replaced by others.
    Replaced(Turnover),
    /// A limit was read from the heap that may be that of a collection beside it.
    PerhapsBounded,
    /// Some of the dumps hold garbage, others do not.
    Garbage,
}

/// What is known of growth besides its numbers.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Circumstances {
    /// Bytes of the heap, memory outside of it included.
    pub heap_bytes: f64,
    pub is_unnamed: bool,
    pub is_weak: bool,
    pub is_class_loading: bool,
    pub known: Option<Arc<str>>,
    pub is_bounded: bool,
    /// Where entries come and go.
    pub turnover: Option<Turnover>,
    pub is_perhaps_bounded: bool,
    pub has_garbage: bool,
}

/// Bytes below which growth is no leak, whatever the heap.
const FLOOR_BYTES: f64 = 100_000.0;
/// The same as a share of the heap.
const FLOOR_SHARE: f64 = 0.01;

/// Growth that a verdict needs.
pub fn floor(heap_bytes: f64) -> f64 {
    FLOOR_BYTES.max(FLOOR_SHARE * heap_bytes)
}

/// Judges growth by `bytes`, whose shape is that of `shape`: of the bytes themselves, or of the
/// entries that they belong to. Returns what stands in the way of the next worse verdict, too.
pub fn judge(
    bytes: &Evidence,
    shape: &Evidence,
    circumstances: &Circumstances,
) -> (Verdict, Vec<Doubt>) {
    let mut doubts = caps(bytes, circumstances);
    if !doubts.is_empty() {
        return (Verdict::Grew, doubts);
    }
    doubts = against_suspect(shape);
    if !doubts.is_empty() {
        return (Verdict::Grew, doubts);
    }
    doubts = against_leak(shape);
    if circumstances.is_unnamed {
        doubts.push(Doubt::Unnamed);
    }
    if circumstances.is_perhaps_bounded {
        doubts.push(Doubt::PerhapsBounded);
    }
    match doubts.is_empty() {
        true => (Verdict::LikelyLeak, doubts),
        false => (Verdict::Suspect, doubts),
    }
}

/// What keeps growth from being suspected, whatever its shape.
fn caps(bytes: &Evidence, circumstances: &Circumstances) -> Vec<Doubt> {
    let caps = [
        (bytes.growth < floor(circumstances.heap_bytes), Doubt::Small),
        (circumstances.is_weak, Doubt::Weak),
        (circumstances.is_class_loading, Doubt::ClassLoading),
        (circumstances.is_bounded, Doubt::Bounded),
        (circumstances.has_garbage, Doubt::Garbage),
    ];
    let mut doubts: Vec<Doubt> =
        caps.into_iter().filter(|(holds, _)| *holds).map(|(_, doubt)| doubt).collect();
    doubts.extend(circumstances.known.clone().map(Doubt::Known));
    doubts.extend(circumstances.turnover.map(Doubt::Replaced));
    doubts
}

fn against_suspect(shape: &Evidence) -> Vec<Doubt> {
    const DUMPS: usize = 4;
    const STRAIGHT: f64 = 0.6;
    const SPREAD: f64 = 0.4;
    // Four dumps tell less: every step must go up.
    let few = shape.dumps() == DUMPS;
    let lasting = if few { 0.5 } else { 0.4 };
    let doubts = [
        (shape.dumps() < DUMPS, Doubt::FewDumps),
        (shape.straight < STRAIGHT || (few && !shape.always_up()), Doubt::Wavers),
        (shape.lasting < lasting, Doubt::SlowsDown),
        (shape.dumps() >= DUMPS && shape.spread < SPREAD, Doubt::Jumps),
        (shape.growth <= 2.0 * shape.noise, Doubt::Noisy),
    ];
    doubts.into_iter().filter(|(holds, _)| *holds).map(|(_, doubt)| doubt).collect()
}

fn against_leak(shape: &Evidence) -> Vec<Doubt> {
    const DUMPS: usize = 5;
    const STRAIGHT: f64 = 0.85;
    const LASTING: f64 = 0.6;
    const SPREAD: f64 = 0.55;
    const NOISE: f64 = 4.0;
    let doubts = [
        (shape.dumps() < DUMPS, Doubt::FewDumps),
        (shape.straight < STRAIGHT, Doubt::Wavers),
        (shape.lasting < LASTING, Doubt::SlowsDown),
        (shape.spread < SPREAD, Doubt::Jumps),
        (shape.growth <= NOISE * shape.noise, Doubt::Noisy),
    ];
    doubts.into_iter().filter(|(holds, _)| *holds).map(|(_, doubt)| doubt).collect()
}
