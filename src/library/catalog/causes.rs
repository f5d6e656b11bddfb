//! What the catalog knows of growth: its cause, or the setting that bounds it.

use super::Catalog;
use crate::library::cause::{Bounded, Cause, Growth, OwnerKey, Rule, label};

impl Catalog {
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

#[cfg(test)]
mod tests {
    use super::super::tests::{catalog, with};
    use super::*;
    use crate::library::PathStep;

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
}
