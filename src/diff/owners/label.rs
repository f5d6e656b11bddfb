//! What an owner is called, and which classes own nothing.

use serde::Serialize;

use crate::index::owners::Name;

/// How an owner holds what it owns.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OwnerKind {
    StaticField,
    InstanceField,
    /// By the field that holds the thread local.
    ThreadLocal,
    /// By the method whose frame holds it.
    ThreadStack,
    /// The threads of one name.
    Thread,
    /// A class loader that no field holds.
    ClassLoader,
    JniGlobal,
    /// Another kind of root.
    Root,
    /// A field, most of whose growth lies outside of the heap.
    OffHeap,
    /// Instances of a class that multiply, and nothing that can be named holds them.
    ClassGroup,
}

impl OwnerKind {
    /// True when the owner is a place in the program that one can look up.
    pub fn is_place(self) -> bool {
        !matches!(self, Self::ClassLoader | Self::Root | Self::ClassGroup)
    }

    /// The kind in one word, as in the JSON output and in catalogs.
    pub fn word(self) -> &'static str {
        match self {
            Self::StaticField => "static-field",
            Self::InstanceField => "instance-field",
            Self::ThreadLocal => "thread-local",
            Self::ThreadStack => "thread-stack",
            Self::Thread => "thread",
            Self::ClassLoader => "class-loader",
            Self::JniGlobal => "jni-global",
            Self::Root => "root",
            Self::OffHeap => "off-heap",
            Self::ClassGroup => "class-group",
        }
    }

    /// The kind in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::StaticField => "static field",
            Self::InstanceField => "field",
            Self::ThreadLocal => "thread local",
            Self::ThreadStack => "thread stack",
            Self::Thread => "threads",
            Self::ClassLoader => "class loader",
            Self::JniGlobal => "JNI global",
            Self::Root => "root",
            Self::OffHeap => "field, memory outside of the heap",
            Self::ClassGroup => "instances",
        }
    }
}

/// An owner by the names of a union.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Label {
    pub kind: OwnerKind,
    /// The declaring class; `Class.member` for thread locals and frames.
    pub class: Name,
    /// The field; the name of a thread; the kind of a root.
    pub member: Option<Name>,
}

/// Classes that only pass on what they hold, by the start of their names: collections, boxes, and
/// all of the JDK. Their fields say nothing about who the owner is.
const TRANSPARENT: &[&str] = &[
    "java.",
    "javax.",
    "jdk.",
    "sun.",
    "com.sun.",
    "scala.collection.",
    "scala.Tuple",
    "scala.Some",
    "scala.Option",
    "scala.Product",
    "scala.runtime.",
    "scala.concurrent.",
    "scala.util.",
    "kotlin.",
    "kotlinx.coroutines.",
    "org.apache.spark.util.collection.",
    "org.apache.spark.api.java.",
    "org.apache.spark.streaming.api.java.",
    "org.apache.commons.collections",
    "org.eclipse.collections.",
    "org.jctools.queues.",
    "org.agrona.collections.",
    "io.vavr.collection.",
    "gnu.trove.",
    "com.carrotsearch.hppc.",
    "com.zaxxer.hikari.util.FastList",
];

/// The same for libraries that others pack under names of their own: parts of their names.
const TRANSPARENT_SHADED: &[&str] = &[
    "google.common.cache.",
    "google.common.collect.",
    ".guava.cache.",
    ".guava.collect.",
    "benmanes.caffeine.cache.",
    "it.unimi.dsi.fastutil.",
    "netty.util.collection.",
];

/// True for classes that own nothing themselves.
pub fn is_transparent(class: &str) -> bool {
    class.contains("[]")
        || is_lambda(class)
        || TRANSPARENT.iter().any(|start| class.starts_with(start))
        || TRANSPARENT_SHADED.iter().any(|part| class.contains(part))
}

/// True for the classes of lambdas, whose fields have no names.
pub fn is_lambda(class: &str) -> bool {
    class.contains("$$Lambda")
}

/// True for classes that have no source: of lambdas, proxies and accessors of reflection.
pub fn is_generated(class: &str) -> bool {
    is_lambda(class) || class.contains("$Proxy") || class.contains(".Generated")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collections_of_jdk_and_libraries_own_nothing_and_other_classes_do() {
        for class in [
            "java.util.HashMap",
            "Foo[]",
            "a.B$$Lambda",
            "scala.Tuple2",
            "my.guava.cache.LocalCache",
        ] {
            assert!(is_transparent(class), "{class}");
        }
        for class in ["com.example.Cache", "scalax.Foo", "javassist.ClassPool", "Foo"] {
            assert!(!is_transparent(class), "{class}");
        }
    }
}
