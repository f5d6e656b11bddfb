//! Structures that are known to fill up to a bound or to warm up. A short list, of owners only:
//! one that matched contents could hide a leak that holds such things. It lowers verdicts and never
//! hides a row.

/// A structure that stops growing by itself.
struct Known {
    /// The class that declares the field, or the start of its name where it ends in a dot; any class
    /// when empty.
    class: &'static str,
    /// The field; any of the class when empty.
    field: &'static str,
    why: &'static str,
}

const KNOWN: &[Known] = &[
    Known {
        class: "",
        field: "<resolved_references>",
        why: "constants of a class are made when its code runs first",
    },
    Known {
        class: "java.lang.ClassLoader",
        field: "",
        why: "class loaders remember what they loaded: it grows while classes are loaded",
    },
    Known {
        class: "jdk.internal.loader.",
        field: "",
        why: "class loaders remember what they loaded: it grows while classes are loaded",
    },
    Known {
        class: "java.lang.Class",
        field: "",
        why: "reflection remembers the members of classes: it grows while classes are first used",
    },
    Known {
        class: "java.lang.ClassValue.",
        field: "",
        why: "remembers a value for each class: it grows while classes are first used",
    },
    Known {
        class: "java.lang.invoke.",
        field: "",
        why: "method handles and lambdas are linked when they are first used",
    },
    Known {
        class: "jdk.internal.reflect.",
        field: "",
        why: "reflection makes accessors when members are first used",
    },
    Known {
        class: "sun.security.ssl.SSLSessionContextImpl",
        field: "",
        why: "sessions expire after a day, and 20,480 of them are kept by default",
    },
    Known {
        class: "com.codahale.metrics.",
        field: "",
        why: "a reservoir keeps a fixed number of samples, or those of some minutes",
    },
    Known {
        class: "org.apache.spark.util.kvstore.",
        field: "",
        why: "Spark's status store keeps as many jobs, stages and tasks as spark.ui.retained* says",
    },
    Known {
        class: "org.apache.spark.status.",
        field: "",
        why: "Spark's status store keeps as many jobs, stages and tasks as spark.ui.retained* says",
    },
    Known {
        class: "org.apache.spark.sql.execution.ui.",
        field: "",
        why: "Spark keeps as many SQL executions as spark.sql.ui.retainedExecutions says",
    },
    Known {
        class: "org.apache.spark.sql.catalyst.expressions.codegen.CodeGenerator$",
        field: "cache",
        why: "Spark keeps as much generated code as spark.sql.codegen.cache.maxEntries says",
    },
];

/// Why the growth of an owner is known to stop; `None` when it is not.
pub fn why_bounded(class: &str, field: Option<&str>) -> Option<&'static str> {
    let known = KNOWN.iter().find(|known| {
        let is_prefix = known.class.is_empty() || known.class.ends_with('.');
        let class_fits =
            if is_prefix { class.starts_with(known.class) } else { class == known.class };
        class_fits && (known.field.is_empty() || field == Some(known.field))
    })?;
    Some(known.why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_match_by_class_by_package_or_by_field() {
        assert!(why_bounded("java.lang.ClassLoader", Some("parallelLockMap")).is_some());
        assert!(
            why_bounded("org.apache.spark.util.kvstore.InMemoryStore", Some("inMemoryLists"))
                .is_some()
        );
        assert!(why_bounded("com.example.ClassLoaderCache", Some("classes")).is_none());
        let generator = "org.apache.spark.sql.catalyst.expressions.codegen.CodeGenerator$";
        assert!(why_bounded(generator, Some("cache")).is_some());
        assert!(why_bounded(generator, Some("other")).is_none());
    }
}
