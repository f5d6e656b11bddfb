//! The catalog: libraries by jar and by name, causes, bounds.

use std::path::{Path, PathBuf};

use hashbrown::HashMap;

use super::cause::{Bounded, Cause, Growth, OwnerKey, Rule, label};
use super::file::{self, CatalogError, Document};
use super::jar::{Jar, Origin};
use super::{APPLICATION, Basis, Entry, Library, SETTINGS};

const BUILT_IN: &str = include_str!("catalog.toml");
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

/// The catalog: the built-in one and what the user adds to it.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    libraries: Vec<Entry>,
    causes: Vec<Cause>,
    bounded: Vec<Bounded>,
    /// Library by prefix of class names.
    packages: HashMap<String, u32>,
    shaded: HashMap<String, u32>,
    /// Prefixes of the user's own code.
    app: Vec<String>,
}

/// What is added to the built-in catalog.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Additions {
    /// The file of settings, if there is one.
    pub settings: Option<PathBuf>,
    pub catalogs: Vec<PathBuf>,
    /// Prefixes of the user's own classes.
    pub app: Vec<String>,
}

impl Catalog {
    /// The catalog that comes with the program.
    ///
    /// # Errors
    /// None but what a test would have found.
    pub fn built_in() -> Result<Self, CatalogError> {
        let mut catalog = Self::default();
        catalog.add(file::parse(BUILT_IN, Path::new("catalog.toml"))?);
        Ok(catalog)
    }

    /// The built-in catalog with additions. What comes later wins: the settings' catalogs, the
    /// settings themselves, then the catalogs of the command line.
    ///
    /// # Errors
    /// The first file that cannot be read, and where it is wrong.
    pub fn with(additions: &Additions) -> Result<Self, CatalogError> {
        let mut catalog = Self::built_in()?;
        if let Some(path) = &additions.settings {
            let settings = file::read(path)?;
            for further in &settings.catalogs {
                let directory = path.parent().unwrap_or(Path::new(""));
                catalog.add_file(&directory.join(further))?;
            }
            catalog.add(settings);
        }
        for path in &additions.catalogs {
            catalog.add_file(path)?;
        }
        catalog.own(&additions.app);
        Ok(catalog)
    }

    fn add_file(&mut self, path: &Path) -> Result<(), CatalogError> {
        let document = file::read(path)?;
        if !document.catalogs.is_empty() {
            let what = format!("only {SETTINGS} names further catalogs");
            return Err(CatalogError { file: path.to_owned(), line: None, what });
        }
        self.add(document);
        Ok(())
    }

    /// Adds the text of a catalog; `file` is where it is from.
    ///
    /// # Errors
    /// Where the text is wrong.
    pub fn add_text(&mut self, text: &str, file: &Path) -> Result<(), CatalogError> {
        self.add(file::parse(text, file)?);
        Ok(())
    }

    fn add(&mut self, document: Document) {
        for entry in document.libraries {
            self.libraries.retain(|known| known.id != entry.id);
            self.libraries.push(entry);
        }
        for cause in document.causes {
            self.causes.retain(|known| known.id != cause.id);
            self.causes.push(cause);
        }
        self.bounded.splice(0..0, document.bounded);
        self.own(&document.app);
        self.look_up_libraries();
    }

    fn own(&mut self, prefixes: &[String]) {
        self.app.extend(prefixes.iter().map(|prefix| prefix.trim_end_matches('.').to_owned()));
        self.app.retain(|prefix| !prefix.is_empty());
    }

    /// Makes the tables that libraries are looked up in.
    fn look_up_libraries(&mut self) {
        self.packages.clear();
        self.shaded.clear();
        let prefix = |text: &String| text.trim_end_matches('.').to_owned();
        for (entry, nth) in self.libraries.iter().zip(0..) {
            self.packages.extend(entry.packages.iter().map(|text| (prefix(text), nth)));
            self.shaded.extend(entry.shaded.iter().map(|text| (prefix(text), nth)));
        }
    }

    /// The libraries of the catalog.
    pub fn libraries(&self) -> &[Entry] {
        &self.libraries
    }

    /// The causes of the catalog.
    pub fn causes(&self) -> &[Cause] {
        &self.causes
    }

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

    /// What is known to make an owner grow: of the causes that apply, general ones last, the one
    /// that says most about the owner, then about the path; then the one whose contents grow most;
    /// then kind and what is present decide; of equal ones the one that was added last.
    pub fn cause_of(&self, growth: &Growth<'_>) -> Option<&Cause> {
        let Growth { owner, contents, path, present } = *growth;
        let name = label(owner.class, owner.field);
        let mut steps: Vec<String> =
            path.iter().map(|step| label(step.class, step.field)).collect();
        // A step is known by its class, too, whatever leads on from there.
        steps.extend(path.iter().filter(|s| s.field.is_some()).map(|s| s.class.to_owned()));
        let applying = self.causes.iter().filter_map(|cause| {
            let rules = cause.rules.iter();
            let applies = |rule: &Rule| rule.applies(&name, owner.kind, contents, &steps, present);
            Some(((!cause.general, rules.filter_map(applies).max()?), cause))
        });
        applying.max_by_key(|(precedence, _)| *precedence).map(|(_, cause)| cause)
    }

    /// Whether a setting bounds what this owner holds.
    pub fn bounded(&self, owner: &OwnerKey<'_>) -> Option<&Bounded> {
        let name = label(owner.class, owner.field);
        let matches = |bounded: &&Bounded| bounded.owner.iter().any(|p| p.matches(&name));
        self.bounded.iter().find(matches)
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
    use super::super::PathStep;
    use super::*;

    fn catalog() -> Catalog {
        Catalog::built_in().expect("the built-in catalog is well-formed")
    }

    fn with(text: &str) -> Catalog {
        let mut catalog = catalog();
        catalog.add_text(text, Path::new("mine.toml")).expect("a catalog");
        catalog
    }

    #[track_caller]
    fn named(catalog: &Catalog, class: &str) -> (String, Basis) {
        let library = catalog.library_of(class, None).expect("a library");
        (library.title(), library.basis)
    }

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
    fn later_catalogs_replace_entries_of_the_same_id() {
        let catalog =
            with("[[library]]\nid = 'netty'\nname = 'Our Netty'\npackages = ['io.netty']");
        assert_eq!(named(&catalog, "io.netty.buffer.ByteBuf").0, "Our Netty");
        assert_eq!(catalog.libraries().iter().filter(|entry| entry.id == "netty").count(), 1);
    }

    fn key<'a>(class: &'a str, field: &'a str, kind: &'a str) -> OwnerKey<'a> {
        OwnerKey { class, field: Some(field), kind }
    }

    fn growth<'a>(
        owner: OwnerKey<'a>,
        contents: &'a [&'a str],
        path: &'a [PathStep<'a>],
    ) -> Growth<'a> {
        Growth { owner, contents, path, present: &[] }
    }

    #[track_caller]
    fn cause(owner: &OwnerKey<'_>, contents: &[&str], path: &[PathStep<'_>]) -> String {
        let catalog = catalog();
        let cause = catalog.cause_of(&growth(*owner, contents, path));
        cause.map(|cause| cause.id.clone()).unwrap_or_default()
    }

    #[test]
    fn causes_are_found_by_owner_contents_path_and_kind() {
        let reaper = "com.amazonaws.http.IdleConnectionReaper";
        let reaper = key(reaper, "connectionManagers", "static-field");
        let pool = "org.apache.http.impl.conn.PoolingHttpClientConnectionManager";
        assert_eq!(cause(&reaper, &[pool], &[]), "aws-v1-client-not-shut-down");
        let mine = key("com.acme.Sink", "managers", "instance-field");
        assert_eq!(cause(&mine, &[pool], &[]), "httpclient4-not-closed");
        assert_eq!(cause(&mine, &["com.acme.Row"], &[]), "");
        let step = PathStep { class: "java.util.concurrent.LinkedBlockingQueue", field: None };
        assert_eq!(cause(&mine, &["com.acme.Row"], &[step]), "queue-backlog");
        let work =
            PathStep { class: "java.util.concurrent.ThreadPoolExecutor", field: Some("workQueue") };
        assert_eq!(cause(&mine, &["com.acme.Row"], &[work, step]), "executor-queue");
        let context = key("com.acme.Context", "CURRENT", "thread-local");
        assert_eq!(cause(&context, &["com.acme.Row"], &[]), "thread-local");
        let map = PathStep { class: "java.util.HashMap", field: None };
        let table = key("com.acme.Rates", "BY_DAY", "static-field");
        assert_eq!(cause(&table, &["com.acme.Row"], &[map]), "static-cache");
    }

    #[test]
    fn names_that_only_sound_alike_have_no_cause() {
        for (class, field) in [
            ("com.acme.internal.Hub", "table"),
            ("com.acme.InternalState", "rows"),
            ("com.acme.Listeners", "rows"),
            ("com.acme.Cached", "rows"),
            ("java.util.concurrent.ThreadPoolExecutor", "threadFactory"),
        ] {
            let owner = key(class, field, "instance-field");
            assert_eq!(cause(&owner, &["com.acme.Row"], &[]), "", "{class}.{field}");
        }
    }

    #[test]
    fn spark_causes_tell_the_same_owner_apart_by_its_contents() {
        let store = "org.apache.spark.storage.memory.MemoryStore";
        let entries = key(store, "entries", "instance-field");
        assert_eq!(cause(&entries, &["byte[]"], &[]), "spark-rdd-not-unpersisted");
        let state = "org.apache.spark.streaming.util.OpenHashMapBasedStateMap$StateInfo";
        assert_eq!(cause(&entries, &["byte[]", state], &[]), "spark-map-with-state");
        let batch = "org.apache.spark.sql.execution.columnar.DefaultCachedBatch";
        assert_eq!(cause(&entries, &[batch], &[]), "spark-dataset-not-unpersisted");
        for (class, field, id) in [
            (
                "org.apache.spark.sql.execution.CacheManager",
                "cachedData",
                "spark-dataset-not-unpersisted",
            ),
            ("org.apache.spark.streaming.dstream.DStream", "generatedRDDs", "spark-generated-rdds"),
            (
                "org.apache.spark.sql.execution.streaming.state.HDFSBackedStateStoreProvider",
                "loadedMaps",
                "spark-state-store-maps",
            ),
            (
                "org.apache.spark.sql.execution.streaming.state.NoPrefixHDFSBackedStateStoreMap",
                "map",
                "spark-state-store-maps",
            ),
            (
                "org.apache.spark.sql.execution.streaming.StreamExecution",
                "org$apache$spark$sql$execution$streaming$ProgressReporter$$progressBuffer",
                "spark-streaming-query-progress",
            ),
            ("java.lang.ApplicationShutdownHooks", "hooks", "shutdown-hooks"),
        ] {
            assert_eq!(cause(&key(class, field, "instance-field"), &[], &[]), id, "{class}");
        }
    }

    #[test]
    fn what_says_more_about_the_owner_comes_first() {
        let catalog = with(
            "[[cause]]\nid = 'any'\ntitle = 't'\nowner = ['com.acme.*']\nwhy = 'w'\nfix = 'f'\n\
             [[cause]]\nid = 'one'\ntitle = 't'\nowner = ['com.acme.Hub.*']\nwhy = 'w'\nfix = 'f'\n\
             [[cause]]\nid = 'with'\ntitle = 't'\nowner = ['com.acme.*']\ncontents = ['*.Row']\n\
             why = 'w'\nfix = 'f'\n\
             [[cause]]\nid = 'rows'\ntitle = 't'\ncontents = ['com.acme.storage.rows.Row']\n\
             why = 'w'\nfix = 'f'\n",
        );
        let row = "com.acme.storage.rows.Row";
        let id = |class: &str, contents: &[&str]| {
            let cause =
                catalog.cause_of(&growth(key(class, "table", "static-field"), contents, &[]));
            cause.map(|cause| cause.id.as_str()).unwrap_or_default().to_owned()
        };
        assert_eq!(id("com.acme.Hub", &[row]), "one");
        assert_eq!(id("com.acme.Store", &[row]), "with");
        assert_eq!(id("com.acme.Store", &[]), "any");
        assert_eq!(id("org.other.Store", &[row]), "rows");
    }

    #[test]
    fn of_contents_those_that_grow_most_tell() {
        let sink = key("com.acme.Sink", "clients", "instance-field");
        let pool = "org.apache.http.impl.conn.PoolingHttpClientConnectionManager";
        let client = "com.amazonaws.http.AmazonHttpClient";
        assert_eq!(cause(&sink, &[client, pool], &[]), "aws-v1-client-not-shut-down");
        assert_eq!(cause(&sink, &[pool, "com.acme.Row"], &[]), "httpclient4-not-closed");
        // The pool may be held by others, too: then it is not counted for the client.
        assert_eq!(cause(&sink, &[pool, client], &[]), "aws-v1-client-not-shut-down");
    }

    #[test]
    fn general_causes_count_last_and_others_may_ask_for_what_the_heap_has() {
        let catalog = with(
            "[[cause]]\nid = 'any'\ntitle = 't'\nowner = ['com.acme.Hub.table']\ngeneral = true\n\
             why = 'w'\nfix = 'f'\n\
             [[cause]]\nid = 'rows'\ntitle = 't'\ncontents = ['*.Row']\nwhy = 'w'\nfix = 'f'\n\
             [[cause]]\nid = 'live'\ntitle = 't'\ncontents = ['*.Row']\npresent = ['*.Live']\n\
             why = 'w'\nfix = 'f'\n",
        );
        let hub = key("com.acme.Hub", "table", "static-field");
        let id = |contents: &[&str], present: &[&str]| {
            let cause = catalog.cause_of(&Growth { present, ..growth(hub, contents, &[]) });
            cause.map(|cause| cause.id.as_str()).unwrap_or_default().to_owned()
        };
        assert_eq!(id(&[], &[]), "any");
        assert_eq!(id(&["com.acme.Row"], &["com.acme.Dead"]), "rows");
        assert_eq!(id(&["com.acme.Row"], &["com.acme.Dead", "com.acme.Live"]), "live");
        assert_eq!(id(&[], &["com.acme.Live"]), "any");
    }

    #[test]
    fn of_equal_causes_the_one_that_was_added_last_counts() {
        let catalog = with(
            "[[cause]]\nid = 'ours'\ntitle = 't'\nowner = ['java.io.DeleteOnExitHook.files']\n\
             why = 'w'\nfix = 'f'\n[[bounded]]\nowner = ['com.zaxxer.hikari.*']\nreason = 'r'",
        );
        let files = key("java.io.DeleteOnExitHook", "files", "static-field");
        let cause = catalog.cause_of(&growth(files, &[], &[]));
        assert_eq!(cause.map(|cause| cause.id.as_str()), Some("ours"));
        let bag = key("com.zaxxer.hikari.util.ConcurrentBag", "sharedList", "instance-field");
        assert_eq!(catalog.bounded(&bag).map(|bounded| bounded.reason.as_str()), Some("r"));
    }

    #[test]
    fn bounds_name_their_setting() {
        let catalog = catalog();
        let batches = key(
            "org.apache.spark.streaming.ui.StreamingJobProgressListener",
            "org$apache$spark$streaming$ui$StreamingJobProgressListener$$completedBatchUIData",
            "instance-field",
        );
        let bounded = catalog.bounded(&batches).expect("bounded");
        assert_eq!(bounded.setting.as_deref(), Some("spark.streaming.ui.retainedBatches"));
        assert_eq!(bounded.default, Some(1000));
        assert_eq!(catalog.bounded(&key("com.acme.Hub", "table", "static-field")), None);
    }

    #[test]
    fn what_is_wrong_with_a_catalog_is_said_with_its_line() {
        for (text, line, what) in [
            ("[[library]]\nid = 'a'\nname = ", 3, ""),
            ("\n\n[[library]]\nid = 'a'\nname = 'A'\n", 4, "to be told by"),
            ("[[library]]\nid = 'a'\nname = 'A'\npackages = ['a.*']", 2, "without *"),
            ("[[library]]\nid = 'a'\nname = 'A'\npakages = ['a']", 4, "pakages"),
            ("[[library]]\nid = 'a'\nname = 7\npackages = ['a']", 3, "string"),
            ("[[cause]]\nid = 'a'\ntitle = 't'\nwhy = 'w'\nfix = 'f'\n", 2, "to be told by"),
            (
                "[[cause]]\nid = 'a'\ntitle = 't'\nkind = ['static']\nwhy = 'w'\nfix = 'f'\n",
                4,
                "kinds are static-field",
            ),
            ("[[bounded]]\nowner = []\nreason = 'r'", 2, "no owner"),
            (
                "[[library]]\nid = 'a'\nname = 'A'\njars = ['a']\n\
                 [[library]]\nid = 'a'\nname = 'B'\njars = ['b']",
                6,
                "twice",
            ),
        ] {
            let file = Path::new("mine.toml");
            let error = Catalog::default().add_text(text, file).expect_err(text);
            assert_eq!(error.line, Some(line), "{text}: {error}");
            assert!(error.what.contains(what), "{error}");
            assert!(error.to_string().starts_with(&format!("mine.toml:{line}: ")), "{error}");
        }
    }

    #[test]
    fn the_built_in_catalog_has_what_people_run() {
        let catalog = catalog();
        assert!(catalog.libraries().len() > 120 && catalog.causes().len() > 120);
        let mut prefixes = std::collections::BTreeMap::new();
        for entry in catalog.libraries() {
            for prefix in entry.packages.iter().chain(&entry.shaded) {
                let other = prefixes.insert(prefix.clone(), entry.id.clone());
                assert_eq!(other, None, "{prefix} belongs to {}, too", entry.id);
            }
            let url = entry.url.as_deref();
            assert!(url.is_none_or(|url| url.starts_with("https://")), "{}", entry.id);
        }
        for cause in catalog.causes() {
            let texts = [&cause.title, &cause.why, &cause.fix];
            let is_text = |text: &&String| text.len() > 10 && !text.ends_with(' ');
            assert!(texts.iter().all(is_text), "{}", cause.id);
            assert!(cause.why.len() < 320 && cause.fix.len() < 320, "{} is long", cause.id);
        }
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
