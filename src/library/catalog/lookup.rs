//! Whose code a class is: by the jar that it came from, or by its name.

use hashbrown::HashMap;

use super::Catalog;
use crate::library::jar::{Jar, Origin};
use crate::library::{APPLICATION, Basis, Library};

/// Name of the JDK, and how the names of its modules begin.
const JDK: &str = "JDK";
const JDK_MODULES: [&str; 2] = ["java.", "jdk."];
/// Packages that copies of other libraries are moved to.
const RELOCATIONS: [&str; 9] = [
    "shaded",
    "shade",
    "thirdparty",
    "repackaged",
    "relocated",
    "shadow",
    "vendor",
    "repackage",
    "sparkproject",
];
/// Packages behind such a one that may come before the library's own name:
/// `org.apache.flink.shaded.guava31.com.google.common`.
const BETWEEN: usize = 2;

impl Catalog {
    /// Whose code a class is; `None` where neither the heap nor the catalog tells. `jar` is its
    /// location, as the heap has it.
    pub fn library_of(&self, class: &str, jar: Option<&str>) -> Option<Library> {
        self.library_at(class, jar.map(Origin::of).as_ref())
    }

    /// As [`Catalog::library_of`], where many classes of one location are looked up.
    pub fn library_at(&self, class: &str, origin: Option<&Origin>) -> Option<Library> {
        let class = class.split("[]").next().unwrap_or(class);
        let found = self.by_name(class);
        let is_own = self.is_own(class);
        let mut library = match origin {
            Some(Origin::Jar(jar)) => self.of_jar(jar, &found),
            Some(Origin::Module(module)) => self.of_module(module, &found),
            Some(Origin::Directory(path)) => {
                let own = || Library::told(APPLICATION, Basis::Jar);
                Library { jar: Some(path.clone()), ..found.library(self).unwrap_or_else(own) }
            }
            Some(Origin::Own(path)) => {
                Library { jar: Some(path.clone()), ..Library::told(APPLICATION, Basis::Jar) }
            }
            None if is_own => Library::told(APPLICATION, Basis::Package),
            None => found.library(self)?,
        };
        if is_own {
            APPLICATION.clone_into(&mut library.name);
            library.shaded = None;
        }
        Some(library)
    }

    /// True for a class of the prefixes that the user called the application's own.
    pub fn is_own(&self, class: &str) -> bool {
        self.app.iter().any(|prefix| {
            let rest = class.strip_prefix(prefix.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '$']))
        })
    }

    /// An image may hold modules of the application, too (`jlink`).
    fn of_module(&self, module: &str, found: &Named) -> Library {
        let is_jdk = JDK_MODULES.iter().any(|prefix| module.starts_with(prefix));
        let library = if is_jdk {
            Library::told(JDK, Basis::Jar)
        } else {
            found.library(self).unwrap_or_else(|| Library::told(module, Basis::Jar))
        };
        Library { jar: Some(module.to_owned()), ..library }
    }

    /// The jar decides where the catalog knows it as a library's own; of several libraries in one
    /// jar the package tells which. Any jar can be called like a library's or have libraries packed
    /// into it: so the package must be one of the library's, too. Else it only is where the class
    /// lies, and the package tells the name, if it tells one.
    fn of_jar(&self, jar: &Jar, found: &Named) -> Library {
        let shipping = found.packages.iter().find(|entry| self.ships(**entry, &jar.artifact));
        let library = match shipping {
            Some(entry) => Library {
                version: jar.version.clone(),
                shaded: found.shaded.map(|inner| self.name(inner)),
                ..Library::told(self.name_of(*entry), Basis::Jar)
            },
            None => found.library(self).unwrap_or_else(|| Library {
                version: jar.version.clone(),
                ..Library::told(&jar.artifact, Basis::Jar)
            }),
        };
        Library { jar: Some(jar.file.clone()), coordinates: jar.coordinates(), ..library }
    }

    /// Whether a library ships an artifact of this name.
    fn ships(&self, entry: u32, artifact: &str) -> bool {
        let entry = self.libraries.get(entry as usize);
        entry.is_some_and(|entry| entry.jars.iter().any(|jar| jar.matches(artifact)))
    }

    fn name_of(&self, entry: u32) -> &str {
        self.libraries.get(entry as usize).map_or("", |entry| entry.name.as_str())
    }

    fn name(&self, entry: u32) -> String {
        self.name_of(entry).to_owned()
    }

    /// What the name of a class tells.
    fn by_name(&self, class: &str) -> Named {
        let shaded = prefixes(&self.shaded, class).next().or_else(|| self.relocated(class));
        Named { packages: prefixes(&self.packages, class).collect(), shaded }
    }

    /// The library whose name comes behind a package for copies.
    fn relocated(&self, class: &str) -> Option<u32> {
        let mut rest = class;
        loop {
            let (segment, after) = rest.split_once('.')?;
            rest = after;
            if RELOCATIONS.contains(&segment) {
                break;
            }
        }
        for _ in 0..=BETWEEN {
            if let Some(entry) = prefixes(&self.packages, rest).next() {
                return Some(entry);
            }
            (_, rest) = rest.split_once('.')?;
        }
        None
    }
}

/// What the name of a class tells.
struct Named {
    /// The libraries of its package, by the longest prefix first.
    packages: Vec<u32>,
    /// The library that it is a copy of.
    shaded: Option<u32>,
}

impl Named {
    fn library(&self, catalog: &Catalog) -> Option<Library> {
        let name = catalog.name(self.packages.first().copied().or(self.shaded)?);
        Some(Library {
            shaded: self.shaded.map(|inner| catalog.name(inner)),
            ..Library::told(&name, Basis::Package)
        })
    }
}

/// The entries of the prefixes of a name that end where a part of it does, the longest first.
fn prefixes<'c>(
    entries: &'c HashMap<String, u32>,
    class: &'c str,
) -> impl Iterator<Item = u32> + 'c {
    let shorter = |name: &&'c str| name.rfind(['.', '$']).map(|at| &name[..at]);
    std::iter::successors(Some(class), shorter).filter_map(|name| entries.get(name).copied())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{catalog, named, with};
    use super::*;

    #[test]
    fn the_longest_prefix_wins() {
        let catalog = catalog();
        for (class, name) in [
            ("java.util.HashMap$Node[]", "JDK"),
            ("javax.sql.DataSource", "JDK"),
            ("org.apache.spark.storage.memory.MemoryStore", "Apache Spark Core"),
            ("org.apache.spark.sql.execution.CacheManager", "Apache Spark SQL"),
            (
                "org.apache.spark.sql.execution.streaming.state.StateStore$",
                "Apache Spark Structured Streaming",
            ),
            ("org.apache.spark.streaming.dstream.DStream", "Apache Spark Streaming"),
            ("com.amazonaws.http.IdleConnectionReaper", "AWS SDK for Java v1"),
            ("software.amazon.awssdk.core.SdkClient", "AWS SDK for Java v2"),
            ("org.apache.http.impl.conn.CPool", "Apache HttpClient 4"),
            ("org.apache.hc.core5.pool.StrictConnPool", "Apache HttpClient 5"),
            ("org.apache.hadoop.hive.ql.exec.Registry", "Apache Hive"),
            ("org.apache.hadoop.fs.FileSystem$Cache", "Apache Hadoop"),
            ("org.apache.logging.log4j.core.LoggerContext", "Log4j 2"),
            ("org.apache.log4j.MDC", "Log4j 1"),
            ("org.springframework.boot.Banner", "Spring Boot"),
            ("org.springframework.web.context.ContextLoader", "Spring Web"),
            ("org.springframework.beans.BeanUtils", "Spring Framework"),
            ("org.apache.commons.lang3.StringUtils", "Commons Lang"),
            ("org.apache.commons.text.WordUtils", "Apache Commons"),
            ("org.apache.kafka.clients.NetworkClient", "Apache Kafka clients"),
            ("org.apache.kafka.streams.KafkaStreams", "Apache Kafka"),
        ] {
            assert_eq!(named(&catalog, class), (name.to_owned(), Basis::Package), "{class}");
        }
    }

    #[test]
    fn a_prefix_ends_where_a_part_of_the_name_does() {
        let catalog = with("[[library]]\nid = 'a'\nname = 'A'\npackages = ['com.acme.', 'x.Y']");
        assert_eq!(named(&catalog, "com.acme.Widget").0, "A");
        assert_eq!(named(&catalog, "x.Y$Inner").0, "A");
        for other in ["com.acmecorp.Widget", "x.Yes", "com.acm", "Widget", ""] {
            assert_eq!(catalog.library_of(other, None), None, "{other}");
        }
    }

    #[test]
    fn copies_under_other_packages_are_known() {
        let catalog = catalog();
        for (class, title) in [
            ("io.grpc.netty.shaded.io.netty.buffer.PoolArena", "gRPC (shaded Netty)"),
            ("org.sparkproject.guava.collect.MapMaker", "Apache Spark Core (shaded Guava)"),
            ("org.sparkproject.jetty.server.Server", "Apache Spark Core (shaded Eclipse Jetty)"),
            (
                "com.amazonaws.thirdparty.apache.http.impl.conn.CPool",
                "AWS SDK for Java v1 (shaded Apache HttpClient 4)",
            ),
            ("com.amazonaws.shaded.io.netty.channel.Channel", "AWS SDK for Java v1 (shaded Netty)"),
            (
                "org.apache.flink.shaded.guava31.com.google.common.cache.LocalCache",
                "Apache Flink (shaded Guava)",
            ),
            (
                "org.apache.hadoop.shaded.org.apache.http.pool.PoolEntry",
                "Apache Hadoop (shaded Apache HttpClient 4)",
            ),
            (
                "software.amazon.awssdk.thirdparty.jackson.core.JsonFactory",
                "AWS SDK for Java v2 (shaded Jackson)",
            ),
            (
                "shaded.parquet.it.unimi.dsi.fastutil.ints.IntList",
                "Apache Parquet (shaded fastutil)",
            ),
            ("com.acme.shaded.com.google.common.cache.LocalCache", "Guava (shaded)"),
            ("com.google.thirdparty.publicsuffix.PublicSuffixType", "Guava"),
        ] {
            assert_eq!(named(&catalog, class), (title.to_owned(), Basis::Package), "{class}");
        }
    }

    #[test]
    fn a_jar_that_the_heap_names_is_exact() {
        let catalog = catalog();
        let library = |class: &str, jar: &str| {
            let library = catalog.library_of(class, Some(jar)).expect("a library");
            (library.title(), library.jar.clone().unwrap_or_default(), library.basis)
        };
        let lib = |file: &str| format!("file:/opt/lib/{file}");
        for (class, file, title) in [
            (
                "com.amazonaws.http.IdleConnectionReaper",
                "aws-java-sdk-core-1.12.668.jar",
                "AWS SDK for Java v1 1.12.668",
            ),
            (
                "software.amazon.awssdk.utils.Pair",
                "utils-2.25.11.jar",
                "AWS SDK for Java v2 2.25.11",
            ),
            (
                "org.apache.spark.sql.execution.streaming.state.StateStore$",
                "spark-sql_2.12-3.5.5.jar",
                "Apache Spark Structured Streaming 3.5.5",
            ),
            ("org.apache.spark.sql.Dataset", "spark-sql_2.12-3.5.5.jar", "Apache Spark SQL 3.5.5"),
            (
                "org.sparkproject.guava.cache.LocalCache",
                "spark-network-common_2.12-3.5.5.jar",
                "Apache Spark Core 3.5.5 (shaded Guava)",
            ),
            (
                "org.apache.hadoop.shaded.com.google.common.cache.LocalCache",
                "hadoop-client-runtime-3.3.4.jar",
                "Apache Hadoop 3.3.4 (shaded Guava)",
            ),
            // Not in the catalog: its own name.
            ("com.acme.http.Reaper", "acme-http-1.4.2.jar", "acme-http 1.4.2"),
            // Called like a library's, but not its code.
            ("com.acme.Tools", "utils-7.0.jar", "utils 7.0"),
            ("com.acme.Jobs", "hadoop-jobs-1.0.jar", "hadoop-jobs 1.0"),
        ] {
            assert_eq!(
                library(class, &lib(file)),
                (title.to_owned(), file.to_owned(), Basis::Jar),
                "{class}"
            );
        }
        let nested = "jar:file:/srv/app.jar!/BOOT-INF/lib/netty-buffer-4.1.96.Final.jar!/";
        assert_eq!(library("io.netty.buffer.PoolArena", nested).0, "Netty 4.1.96.Final");
        let image = library("com.acme.Orders", "jrt:/com.acme.orders");
        assert_eq!(image.0, "com.acme.orders", "a module of the application");
        assert_eq!(
            library("java.util.HashMap", "jrt:/java.base"),
            ("JDK".to_owned(), "java.base".to_owned(), Basis::Jar)
        );
    }

    #[test]
    fn in_a_jar_with_everything_the_package_tells_and_says_so() {
        let catalog = catalog();
        let fat = Some("file:/srv/orders-assembly-2.1.jar");
        let netty = catalog.library_of("io.netty.buffer.PoolArena", fat).expect("a library");
        assert_eq!((netty.name.as_str(), netty.basis), ("Netty", Basis::Package));
        assert_eq!(netty.version, None, "2.1 is the version of the jar, not Netty's");
        assert_eq!(netty.jar.as_deref(), Some("orders-assembly-2.1.jar"));
        let own = catalog.library_of("com.acme.Orders", fat).expect("a library");
        assert_eq!(own.title(), "orders-assembly 2.1");
    }

    #[test]
    fn directories_hold_the_application_unless_the_package_is_a_librarys() {
        let catalog = catalog();
        let of = |class: &str, jar: &str| {
            let library = catalog.library_of(class, Some(jar)).expect("a library");
            (library.name, library.basis)
        };
        let classes = "file:/srv/target/classes/";
        assert_eq!(of("com.acme.Orders", classes), (APPLICATION.to_owned(), Basis::Jar));
        assert_eq!(of("io.netty.Mine", classes), ("Netty".to_owned(), Basis::Package));
        let boot = "jar:file:/srv/app.jar!/BOOT-INF/classes!/";
        assert_eq!(of("io.netty.Mine", boot), (APPLICATION.to_owned(), Basis::Jar));
    }

    #[test]
    fn the_users_own_code_is_the_application() {
        let mut catalog = catalog();
        catalog.own(&["com.acme.".to_owned(), String::new()]);
        assert_eq!(named(&catalog, "com.acme.Orders"), (APPLICATION.to_owned(), Basis::Package));
        assert!(catalog.is_own("com.acme.Orders$Line") && !catalog.is_own("com.acmecorp.Orders"));
        let jar = catalog.library_of("com.acme.Orders", Some("file:/a/orders-1.0.jar"));
        let jar = jar.expect("a library");
        assert_eq!((jar.title().as_str(), jar.basis), ("application 1.0", Basis::Jar));
    }

    #[test]
    fn what_nobody_knows_has_no_library() {
        assert_eq!(catalog().library_of("com.acme.Orders", None), None);
        assert_eq!(catalog().library_of("byte[]", None), None);
    }

    #[test]
    fn a_hundred_thousand_classes_are_looked_up_at_once() {
        let catalog = catalog();
        let classes: Vec<String> = (0..100_000)
            .map(|nth| format!("org.apache.spark.sql.execution.part{}.Class{nth}$Inner", nth % 99))
            .collect();
        let jar = Origin::of("file:/opt/spark/jars/spark-sql_2.12-3.5.5.jar");
        let start = std::time::Instant::now();
        let found = classes.iter().filter_map(|class| catalog.library_at(class, Some(&jar)));
        assert_eq!(found.count(), classes.len());
        // A fraction of that: but tests are hardly optimised, and machines are shared.
        assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
    }
}
