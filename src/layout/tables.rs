//! What HotSpot adds to classes that the dump does not show: injected fields and padding.
//!
//! Sources: the `*_INJECTED_FIELDS` macros in `javaClasses.hpp` and its neighbours, and the
//! `@Contended` annotations in the JDK's sources, of the versions named.

use super::fields::Named;
use crate::parser::classes::ClassTable;

/// An injected field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Injected {
    Reference,
    /// A pointer of the machine: 8 bytes, 4 on a 32-bit JVM.
    Word,
    Bytes(u64),
}

use Injected::{Bytes as B, Reference as L, Word as W};

/// What the rules ask of a class.
pub trait Declared {
    /// Internal name.
    fn name(&self) -> &str;
    /// True when the class itself declares an instance field of this name.
    fn declares(&self, field: &str) -> bool;
}

/// The fields that the JVM injects into a class. Versions between the proven ones (11, 17, 21, 25)
/// take the table of a neighbour; an unknown version that of the newest.
pub fn injected(class: &impl Declared, major: Option<u32>) -> &'static [Injected] {
    let major = major.unwrap_or(u32::MAX);
    if major < 8 {
        return &[];
    }
    match class.name() {
        "java/lang/Class" => match major {
            ..19 => &[W, W, B(4), B(4), L, L, L],
            19..24 => &[W, W, B(4), B(4), L, L, L, L],
            _ => &[W, W, B(4), B(4), L, L],
        },
        "java/lang/ClassLoader" | "java/lang/Module" | "java/lang/invoke/MemberName" => &[W],
        "java/lang/invoke/ResolvedMethodName" => match major {
            ..24 => &[W, L],
            _ => &[W],
        },
        "java/lang/invoke/MethodHandleNatives$CallSiteContext" => match major {
            ..15 => &[W],
            _ => &[W, B(8)],
        },
        // Later versions have no context object: its fields moved into the call site.
        "java/lang/invoke/CallSite" if major >= 15 && !class.declares("context") => &[W, B(8)],
        "java/lang/StackFrameInfo" => &[B(2)],
        "java/lang/String" | "java/lang/InternalError" if major >= 15 => &[B(1)],
        "java/lang/Thread" if major >= 19 => &[W, B(4), B(1), B(2)],
        "java/lang/VirtualThread" if major >= 24 => &[W],
        "jdk/internal/vm/StackChunk" => match major {
            ..24 => &[L, B(1), W, B(4)],
            _ => &[L, B(1), W, B(4), B(1)],
        },
        _ => &[],
    }
}

/// A version whose rules fit the classes of a dump that does not name its JVM: told by fields that
/// came with a version. `None` when the dump lacks the classes that tell.
pub fn likely_version(classes: &ClassTable) -> Option<u32> {
    let declares = |class: &str, field: &str| {
        let class = classes.get(classes.named(class)?);
        class.dumped.then(|| Named { class, classes }.declares(field))
    };
    let has_modules = classes.named("java/lang/Module").is_some();
    Some(match (has_modules, declares("java/lang/Thread", "holder")?) {
        (false, _) if declares("java/lang/Thread", "threadLocalRandomSeed")? => 8,
        (false, _) => 7,
        (true, true) => match declares("java/lang/invoke/CallSite", "context") {
            Some(true) => 21,
            _ => 25,
        },
        (true, false) if declares("java/lang/String", "hashIsZero")? => 17,
        (true, false) => 11,
    })
}

/// What of a class is padded against false sharing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Contended {
    /// The class as a whole is padded.
    pub class: bool,
    /// These fields are padded as one group.
    pub group: &'static [&'static str],
}

impl Contended {
    const CLASS: Self = Self { class: true, group: &[] };

    const fn fields(group: &'static [&'static str]) -> Self {
        Self { class: false, group }
    }

    /// The `@Contended` annotations of the JDK's own classes. User code is not heard by default
    /// (`-XX:-RestrictContended`).
    pub fn of(class: &impl Declared, major: Option<u32>) -> Option<Self> {
        let major = major.unwrap_or(u32::MAX);
        if major < 8 {
            return None;
        }
        Some(match class.name() {
            "java/util/concurrent/atomic/Striped64$Cell"
            | "java/util/concurrent/ConcurrentHashMap$CounterCell"
            | "java/util/concurrent/Exchanger$Slot" => Self::CLASS,
            // Up to the version in which the slot took over.
            "java/util/concurrent/Exchanger$Node" if class.declares("bound") => Self::CLASS,
            "java/util/concurrent/SubmissionPublisher$BufferedSubscription" => {
                Self { class: true, group: &["demand", "waiting"] }
            }
            "java/lang/Thread" if major < 19 => Self::fields(&[
                "threadLocalRandomSeed",
                "threadLocalRandomProbe",
                "threadLocalRandomSecondarySeed",
            ]),
            "java/util/concurrent/ForkJoinPool" => match major {
                ..9 => Self::CLASS,
                9..19 => Self::fields(&["ctl"]),
                _ => Self::fields(&["ctl", "parallelism"]),
            },
            "java/util/concurrent/ForkJoinPool$WorkQueue" => match major {
                ..12 => Self::CLASS,
                12..19 => Self::fields(&["top", "source", "nsteals"]),
                19..22 => Self::fields(&["top", "access", "phase", "source", "nsteals"]),
                _ => Self::fields(&["top", "phase", "stackPred", "source", "nsteals", "parking"]),
            },
            _ => return None,
        })
    }
}

/// Classes whose references come first up to JDK 14, because the JVM knew their offsets.
pub fn references_first(class: &str) -> bool {
    matches!(
        class,
        "java/lang/AssertionStatusDirectives"
            | "java/lang/Class"
            | "java/lang/ClassLoader"
            | "java/lang/ref/Reference"
            | "java/lang/ref/SoftReference"
            | "java/lang/StackTraceElement"
            | "java/lang/String"
            | "java/lang/Throwable"
            | "java/lang/Boolean"
            | "java/lang/Character"
            | "java/lang/Float"
            | "java/lang/Double"
            | "java/lang/Byte"
            | "java/lang/Short"
            | "java/lang/Integer"
            | "java/lang/Long"
    )
}
