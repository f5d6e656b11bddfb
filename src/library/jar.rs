//! What the location of a class says: module, directory, or jar with artifact and version.

use std::borrow::Cow;

/// What a location is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// A module of the JVM's image.
    Module(String),
    /// A directory with classes.
    Directory(String),
    /// The part of an application's archive that holds what was written for it.
    Own(String),
    Jar(Jar),
}

/// A jar, by its path and file name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Jar {
    /// Name of the file.
    pub file: String,
    /// Maven's group, where the path tells.
    pub group: Option<String>,
    /// Maven's artifact, without a Scala version.
    pub artifact: String,
    pub version: Option<String>,
    /// Version of Scala that it is for, such as `2.12`.
    pub scala: Option<String>,
}

/// Endings of archives that hold classes.
const ARCHIVES: [&str; 5] = [".jar", ".war", ".ear", ".zip", ".aar"];
/// Directories in the archives of applications that hold their own classes.
const OWN_CLASSES: [&str; 2] = ["BOOT-INF/classes", "WEB-INF/classes"];
/// Parts of file names behind the version that tell what is in the jar, or for which machine.
const CLASSIFIERS: [&str; 27] = [
    "aarch64",
    "aarch_64",
    "all",
    "arm64",
    "assembly",
    "bin",
    "bundle",
    "core",
    "dist",
    "exec",
    "fat",
    "jar",
    "javadoc",
    "linux",
    "nodep",
    "osx",
    "shaded",
    "sources",
    "standalone",
    "static",
    "tests",
    "uber",
    "windows",
    "with",
    "x86_32",
    "x86_64",
    "protobuf",
];

impl Origin {
    /// Reads a URL of the heap: `file:…`, `jar:…!/…`, `jrt:/module`; or a bare file name.
    pub fn of(location: &str) -> Self {
        if let Some(module) = location.strip_prefix("jrt:") {
            return Self::Module(module.trim_matches('/').to_owned());
        }
        let decoded = percent_decoded(location);
        let path = decoded.trim_end_matches(['!', '/', '\\']);
        let file = path.rsplit(['/', '\\', '!']).next().unwrap_or(path);
        let is_archive = |name: &str| ARCHIVES.iter().any(|ending| name.ends_with(ending));
        if is_archive(file) {
            Self::Jar(Jar::of(path, file))
        } else if OWN_CLASSES.iter().any(|own| path.ends_with(own)) {
            Self::Own(path.to_owned())
        } else {
            Self::Directory(path.to_owned())
        }
    }
}

impl Jar {
    fn of(path: &str, file: &str) -> Self {
        let stem = &file[..file.rfind('.').unwrap_or(file.len())];
        let laid_out = || in_maven(path, stem).or_else(|| in_gradle(path)).or_else(|| in_ivy(path));
        let jar = laid_out().or_else(|| flattened(stem)).unwrap_or_else(|| by_name(stem));
        Self { file: file.to_owned(), ..jar.without_scala() }
    }

    /// `group:artifact:version`, where the path tells all of it.
    pub fn coordinates(&self) -> Option<String> {
        let (group, version) = (self.group.as_ref()?, self.version.as_ref()?);
        let scala = self.scala.as_ref().map(|scala| format!("_{scala}")).unwrap_or_default();
        Some(format!("{group}:{}{scala}:{version}", self.artifact))
    }

    /// Takes the version of Scala off the artifact's name.
    fn without_scala(mut self) -> Self {
        if let Some((artifact, scala)) = split_scala(&self.artifact) {
            (self.artifact, self.scala) = (artifact.to_owned(), Some(scala.to_owned()));
        }
        self
    }

    fn new(group: Option<&str>, artifact: &str, version: Option<&str>) -> Self {
        Self {
            group: group.map(str::to_owned),
            artifact: artifact.to_owned(),
            version: version.map(str::to_owned),
            ..Self::default()
        }
    }
}

/// `…/org/example/artifact/1.0/artifact-1.0.jar`, in a local repository or a mirror of Maven's.
fn in_maven(path: &str, stem: &str) -> Option<Jar> {
    let mut parts = path.rsplit(['/', '\\']).skip(1);
    let (version, artifact) = (parts.next()?, parts.next()?);
    let rest = stem.strip_prefix(artifact)?.strip_prefix('-')?;
    // A snapshot's file name may have a time where its directory says SNAPSHOT.
    let release = version.strip_suffix("-SNAPSHOT").unwrap_or(version);
    let rest = rest.strip_prefix(release)?;
    if !(rest.is_empty() || rest.starts_with('-')) {
        return None;
    }
    let mut group: Vec<&str> =
        parts.take_while(|part| !["repository", "maven2"].contains(part)).collect();
    group.reverse();
    // Without the root of the repository the group cannot be told from directories above it.
    let is_rooted = ["/repository/", "/maven2/"].iter().any(|root| path.contains(root));
    let group = group.join(".");
    Some(Jar::new(Some(group.as_str()).filter(|_| is_rooted), artifact, Some(version)))
}

/// `…/files-2.1/org.example/artifact/1.0/HASH/artifact-1.0.jar`.
fn in_gradle(path: &str) -> Option<Jar> {
    let (_, inside) = path.split_once("/files-2.1/")?;
    let mut parts = inside.split('/');
    Some(Jar::new(Some(parts.next()?), parts.next()?, Some(parts.next()?)))
}

/// `…/cache/org.example/artifact/jars/artifact-1.0.jar`.
fn in_ivy(path: &str) -> Option<Jar> {
    let mut parts = path.rsplit('/');
    let stem = parts.next()?.strip_suffix(".jar")?;
    let kind = parts.next()?;
    let (artifact, group) = (parts.next()?, parts.next()?);
    let version = stem.strip_prefix(artifact)?.strip_prefix('-')?;
    ["jars", "bundles"].contains(&kind).then(|| Jar::new(Some(group), artifact, Some(version)))
}

/// File names with a group in front: `org.example_artifact-1.0` (Spark's `--packages`),
/// `…--org.example__artifact__1.0` (Databricks).
fn flattened(stem: &str) -> Option<Jar> {
    let parts: Vec<&str> = stem.rsplit("--").next()?.split("__").collect();
    if let [group, artifact, version] = parts[..] {
        return Some(Jar::new(Some(group), artifact, Some(version)));
    }
    let (group, rest) = stem.split_once('_')?;
    let is_group = group.contains('.')
        && group.starts_with(|c: char| c.is_ascii_lowercase())
        && group.chars().all(|c| c.is_ascii_alphanumeric() || c == '.')
        && !group.ends_with(|c: char| c.is_ascii_digit());
    is_group.then(|| Jar { group: Some(group.to_owned()), ..by_name(rest) })
}

/// `artifact-1.0-classifier`: the version begins at a digit behind a dash.
fn by_name(stem: &str) -> Jar {
    let Some(at) = version_start(stem) else { return Jar::new(None, stem, None) };
    let version = without_classifier(&stem[at..]);
    Jar::new(None, &stem[..at - 1], Some(version))
}

/// Where the version begins. Names may hold numbers, too (`log4j-1.2-api-2.20.0`), so that the last
/// number with a dot counts, unless it is the time of a snapshot.
fn version_start(stem: &str) -> Option<usize> {
    let after_scala =
        stem.match_indices('-').find_map(|(at, _)| split_scala(&stem[..at]).map(|_| at + 1));
    if after_scala.is_some() {
        return after_scala;
    }
    let token = |at: usize| stem[at..].split('-').next().unwrap_or_default();
    let starts = stem.match_indices('-').map(|(at, _)| at + 1);
    let starts: Vec<usize> =
        starts.filter(|at| token(*at).starts_with(|c: char| c.is_ascii_digit())).collect();
    let is_version = |at: &&usize| {
        let digits = token(**at).chars().take_while(char::is_ascii_digit).count();
        token(**at).contains('.') && digits < 8
    };
    starts.iter().rfind(is_version).or(starts.first()).copied()
}

/// Cuts off what a jar is for; what is not known as such may be part of the version, and stays.
fn without_classifier(version: &str) -> &str {
    let cut = version.match_indices('-').find(|(at, _)| {
        let token = version[at + 1..].split('-').next().unwrap_or_default();
        CLASSIFIERS.contains(&token)
    });
    &version[..cut.map_or(version.len(), |(at, _)| at)]
}

/// `artifact_2.12` is the artifact for Scala 2.12.
fn split_scala(artifact: &str) -> Option<(&str, &str)> {
    let (name, scala) = artifact.rsplit_once('_')?;
    let mut numbers = scala.split('.');
    let is_version = match numbers.next()? {
        "2" => numbers.next().is_some_and(|minor| minor.parse::<u32>().is_ok()),
        "3" => true,
        _ => false,
    };
    let rest_fits = numbers.all(|number| number.parse::<u32>().is_ok());
    (is_version && rest_fits).then_some((name, scala))
}

/// `%20` and the like as what they stand for.
fn percent_decoded(url: &str) -> Cow<'_, str> {
    if !url.contains('%') {
        return url.into();
    }
    let mut bytes = Vec::with_capacity(url.len());
    let mut rest = url.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = after.get(..2).filter(|_| *first == b'%');
        let digits = escaped.and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).map_or(url.into(), Cow::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jar(location: &str) -> Jar {
        match Origin::of(location) {
            Origin::Jar(jar) => jar,
            other => panic!("{location}: {other:?}"),
        }
    }

    #[test]
    fn artifact_and_version_of_file_names_as_they_are_found() {
        for (file, artifact, version) in [
            ("spark-core_2.12-3.5.5.jar", "spark-core", "3.5.5"),
            ("spark-sql-kafka-0-10_2.12-3.5.5.jar", "spark-sql-kafka-0-10", "3.5.5"),
            ("json4s-core_2.12-3.7.0-M11.jar", "json4s-core", "3.7.0-M11"),
            ("cats_3-2.9.0.jar", "cats", "2.9.0"),
            ("iceberg-spark-runtime-3.5_2.12-1.4.3.jar", "iceberg-spark-runtime-3.5", "1.4.3"),
            ("aws-java-sdk-core-1.12.668.jar", "aws-java-sdk-core", "1.12.668"),
            ("apache-client-2.25.11.jar", "apache-client", "2.25.11"),
            ("log4j-1.2-api-2.20.0.jar", "log4j-1.2-api", "2.20.0"),
            ("log4j-1.2.17.jar", "log4j", "1.2.17"),
            ("hive-shims-0.23-2.3.9.jar", "hive-shims-0.23", "2.3.9"),
            ("hive-exec-2.3.9-core.jar", "hive-exec", "2.3.9"),
            ("guava-31.1-jre.jar", "guava", "31.1-jre"),
            ("hadoop-shaded-guava-1.1.1.jar", "hadoop-shaded-guava", "1.1.1"),
            ("netty-buffer-4.1.96.Final.jar", "netty-buffer", "4.1.96.Final"),
            (
                "netty-transport-native-epoll-4.1.96.Final-linux-x86_64.jar",
                "netty-transport-native-epoll",
                "4.1.96.Final",
            ),
            ("orc-core-1.9.5-shaded-protobuf.jar", "orc-core", "1.9.5"),
            ("hadoop-aws-3.3.3-amzn-1.jar", "hadoop-aws", "3.3.3-amzn-1"),
            ("bcprov-jdk18on-1.76.jar", "bcprov-jdk18on", "1.76"),
            ("mssql-jdbc-12.4.2.jre11.jar", "mssql-jdbc", "12.4.2.jre11"),
            ("ojdbc8-19.3.0.0.jar", "ojdbc8", "19.3.0.0"),
            ("javax.jdo-3.2.0-m3.jar", "javax.jdo", "3.2.0-m3"),
            ("app-1.0-SNAPSHOT.jar", "app", "1.0-SNAPSHOT"),
            ("app-1.0-20240131.123456-7.jar", "app", "1.0-20240131.123456-7"),
            ("servlet-api-2.5-20081211.jar", "servlet-api", "2.5-20081211"),
            ("ST4-4.0.4.jar", "ST4", "4.0.4"),
            ("app-7.war", "app", "7"),
        ] {
            let found = jar(&format!("file:/opt/lib/{file}"));
            assert_eq!(
                (found.artifact.as_str(), found.version.as_deref()),
                (artifact, Some(version))
            );
            assert_eq!(found.file, file);
            assert_eq!(jar(file), found, "a bare name, as in a redacted digest");
        }
    }

    #[test]
    fn a_version_is_never_made_up() {
        for file in ["derby.jar", "log4j-over-slf4j.jar", "programs.jar", "x2.jar", "a_b.jar"] {
            let found = jar(&format!("file:/usr/share/java/{file}"));
            assert_eq!(found.version, None, "{file}");
            assert_eq!(found.artifact, file.trim_end_matches(".jar"));
        }
    }

    #[test]
    fn repositories_tell_the_group() {
        let guava = |path: &str| {
            let found = jar(path);
            assert_eq!(found.group.as_deref(), Some("com.google.guava"), "{path}");
            assert_eq!(found.artifact, "guava");
            assert_eq!(found.version.as_deref(), Some("31.1-jre"));
        };
        guava("file:/home/a/.m2/repository/com/google/guava/guava/31.1-jre/guava-31.1-jre.jar");
        guava(
            "file:/home/user/.cache/coursier/v1/https/repo.example.org/maven2/com/google/guava/guava/31.1-jre/\
             guava-31.1-jre.jar",
        );
        guava(
            "file:/home/user/.gradle/caches/modules-2/files-2.1/com.google.guava/guava/31.1-jre/\
             60458f877d055d0c9114d9e1a2efb737b4bc282c/guava-31.1-jre.jar",
        );
        guava("file:/home/user/.ivy2/cache/com.google.guava/guava/bundles/guava-31.1-jre.jar");
        guava("file:/home/user/.ivy2/jars/com.google.guava_guava-31.1-jre.jar");
        guava("file:/databricks/jars/maven-trees--hadoop3--com.google.guava__guava__31.1-jre.jar");
        let scala = jar(
            "file:/m/repository/org/apache/spark/spark-core_2.12/3.5.5/spark-core_2.12-3.5.5.jar",
        );
        assert_eq!(scala.coordinates().as_deref(), Some("org.apache.spark:spark-core_2.12:3.5.5"));
        assert_eq!((scala.artifact.as_str(), scala.scala.as_deref()), ("spark-core", Some("2.12")));
        let snapshot = jar("file:/x/repository/a/b/1.0-SNAPSHOT/b-1.0-20240131.123456-7.jar");
        assert_eq!(snapshot.version.as_deref(), Some("1.0-SNAPSHOT"));
    }

    #[test]
    fn jars_in_jars_modules_and_directories() {
        let nested = "jar:file:/srv/app.jar!/BOOT-INF/lib/jackson-core-2.15.2.jar!/";
        assert_eq!(jar(nested).artifact, "jackson-core");
        let newer = "jar:nested:/srv/app.jar/!BOOT-INF/lib/jackson-core-2.15.2.jar!/";
        assert_eq!(jar(newer).version.as_deref(), Some("2.15.2"));
        assert_eq!(jar("file:/a%20b/my%2Dapp-1.0.jar").artifact, "my-app");
        assert_eq!(Origin::of("jrt:/java.sql"), Origin::Module("java.sql".to_owned()));
        let own = Origin::of("jar:file:/srv/app.jar!/BOOT-INF/classes!/");
        assert_eq!(own, Origin::Own("jar:file:/srv/app.jar!/BOOT-INF/classes".to_owned()));
        let directory = Origin::of("file:/srv/target/classes/");
        assert_eq!(directory, Origin::Directory("file:/srv/target/classes".to_owned()));
    }

    #[test]
    fn odd_locations_are_no_trouble() {
        for odd in ["", "/", "!/", ".jar", "file:", "a%", "%zz.jar", "-.jar", "-1.jar", "é-1.0.jar"]
        {
            let _ = Origin::of(odd);
        }
    }
}
