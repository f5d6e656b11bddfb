//! Whose code it is: jars read from real dumps, kept in digests, and catalogs on the command line.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use heapdrift::digest::Digest;
use heapdrift::digest::file::{BUDGET, decode, encode};
use heapdrift::digest::origins::Origins;
use heapdrift::index::build::{BuildOptions, build};
use heapdrift::index::scan::Silent;
use heapdrift::index::store::HeapIndex;
use heapdrift::library::{Basis, Catalog};
use support::real_dumps;
use tempfile::TempDir;

const LEAK: &str = "tests/dumps/sdk-client-leak/4.hprof.gz";

fn dump(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Builds the index of a dump in a directory.
fn index(dump: &Path, directory: &TempDir) -> HeapIndex {
    let index_dir = Some(directory.path().to_owned());
    let options = BuildOptions { threads: 2, index_dir, ..BuildOptions::default() };
    let path = build(dump, &options, &Silent).expect("an index");
    HeapIndex::open(&path).expect("it opens")
}

fn origins(index: &HeapIndex) -> Origins {
    Origins::of(&index.classes().expect("classes"), &index.jars().expect("jars"))
}

fn digest(path: &str) -> Digest {
    let directory = tempfile::tempdir().expect("a directory");
    let index = index(&dump(path), &directory);
    let mut digest = Digest::of(path.to_owned(), &index.census().expect("a census"));
    digest.origins = origins(&index);
    digest
}

fn heapdrift(arguments: &[&str], directory: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_heapdrift"));
    command.args(arguments).current_dir(directory).output().expect("the binary runs")
}

#[test]
fn a_leak_is_told_the_jar_and_version_of_its_library() {
    let digest = digest(LEAK);
    let reaper = "com.cloudsdk.http.IdleConnectionReaper";
    let location = digest.origins.location(reaper);
    assert_eq!(location, Some("file:/tmp/heapdrift-app/cloud-sdk-http-1.4.2.jar"));
    let catalog = Catalog::built_in().expect("a catalog");
    let library = catalog.library_of(reaper, location).expect("a library");
    assert_eq!(library.title(), "cloud-sdk-http 1.4.2");
    assert_eq!(library.basis, Basis::Jar);
    assert_eq!(library.jar.as_deref(), Some("cloud-sdk-http-1.4.2.jar"));
    let worker = digest.origins.location("com.example.worker.BatchWorker");
    assert_eq!(worker, Some("file:/tmp/heapdrift-app/batch-worker.jar"));
    assert_eq!(digest.origins.location("com.cloudsdk.http.PoolingConnectionManager[]"), location);
}

#[test]
fn every_class_of_every_jvm_has_its_jar_or_module() {
    for path in real_dumps() {
        let directory = tempfile::tempdir().expect("a directory");
        let index = index(&path, &directory);
        let origins = origins(&index);
        let name = path.display();
        assert_eq!(origins.location("java.util.HashMap"), Some("jrt:/java.base"), "{name}");
        let classes = index.classes().expect("classes");
        let jars = index.jars().expect("jars");
        assert_eq!(jars.of_class.len(), classes.len(), "{name}");
        let mut own = 0;
        for (class, jar) in classes.iter().zip(&jars.of_class) {
            let location = jar.map(|jar| jars.locations[jar as usize].as_str());
            // Proxies are made by the JVM, without a code source.
            let is_made = class.name.ends_with("[]") || class.name.contains("$Proxy");
            match class.loader_label.as_str() {
                "boot" if !is_made => {
                    let is_module = location.is_some_and(|location| location.starts_with("jrt:/"));
                    assert!(is_module, "{name}: {} from {location:?}", class.name);
                }
                "app" if !is_made && class.name.starts_with("com.") => {
                    own += 1;
                    let is_jar = location.is_some_and(|location| location.ends_with(".jar"));
                    assert!(is_jar, "{name}: {} from {location:?}", class.name);
                }
                _ => {}
            }
        }
        assert!(own > 0, "{name}: programs are in jars");
    }
}

#[test]
fn an_index_with_its_jars_is_whole_and_the_same_every_time() {
    let bytes = |threads| {
        let directory = tempfile::tempdir().expect("a directory");
        let index_dir = Some(directory.path().to_owned());
        let options = BuildOptions { threads, index_dir, ..BuildOptions::default() };
        let path = build(&dump(LEAK), &options, &Silent).expect("an index");
        HeapIndex::open(&path).expect("it opens").verify_checksums().expect("no damage");
        fs::read(path).expect("readable")
    };
    assert!(bytes(1) == bytes(3));
}

#[test]
fn a_digest_keeps_the_jars_and_a_redacted_one_their_names_only() {
    let mut digest = digest(LEAK);
    let reaper = "com.cloudsdk.http.IdleConnectionReaper";
    let bytes = encode(&digest, BUDGET).expect("it is encoded");
    let back = decode(&bytes, LEAK.to_owned()).expect("a digest");
    assert_eq!(back.origins, digest.origins);
    digest.redact();
    assert_eq!(digest.origins.location(reaper), Some("cloud-sdk-http-1.4.2.jar"));
    assert_eq!(digest.origins.location("java.util.HashMap"), Some("jrt:/java.base"));
    let bytes = encode(&digest, BUDGET).expect("it is encoded");
    let back = decode(&bytes, LEAK.to_owned()).expect("a digest");
    assert_eq!(back.origins, digest.origins);
    let catalog = Catalog::built_in().expect("a catalog");
    let library = catalog.library_of(reaper, back.origins.location(reaper)).expect("a library");
    assert_eq!(library.title(), "cloud-sdk-http 1.4.2");
}

#[test]
fn a_digest_without_room_has_no_jars_rather_than_some() {
    let digest = digest(LEAK);
    let bytes = encode(&digest, 2000).expect("it is encoded");
    let back = decode(&bytes, LEAK.to_owned()).expect("a digest");
    assert_eq!(back.origins, Origins::default());
}

#[test]
fn damaged_catalogs_end_with_file_line_and_exit_code_2() {
    let directory = tempfile::tempdir().expect("a directory");
    let diff = |more: &[&str]| {
        let dumps = dump("tests/dumps/lru-cache-control");
        let dumps = dumps.to_str().expect("UTF-8");
        heapdrift(&[&["diff", "--shallow", dumps], more].concat(), directory.path())
    };
    let refused = |output: &Output, what: &str| {
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(what), "{error}");
    };
    let team = directory.path().join("team.toml");
    fs::write(&team, "[[library]]\nid = 'a'\nname = 'A'\npackages = ['com.acme']\n").expect("room");
    assert_eq!(diff(&["--catalog", "team.toml", "--app", "com.acme."]).status.code(), Some(0));
    fs::write(&team, "[[library]]\nid = 'a'\nnam = 'A'\n").expect("room");
    refused(&diff(&["--catalog", "team.toml"]), "team.toml:3: ");
    refused(&diff(&["--catalog", "nowhere.toml"]), "nowhere.toml: cannot be read");
    let settings = directory.path().join("heapdrift.toml");
    fs::write(&settings, "app = ['com.acme']\ncatalogs = ['team.toml']\n").expect("room");
    refused(&diff(&[]), "team.toml:3: ");
    fs::write(&team, "catalogs = ['other.toml']\n").expect("room");
    refused(&diff(&[]), "only heapdrift.toml names further catalogs");
    fs::write(&settings, "app = 'com.acme'\n").expect("room");
    refused(&diff(&[]), "heapdrift.toml:1: ");
    fs::write(&settings, "app = ['com.acme']\n").expect("room");
    assert_eq!(diff(&[]).status.code(), Some(0));
}
