//! Who is found to hold what grows, and what is thought of it, on owner trees made up by hand.

mod support;

use std::sync::Arc;

use heapdrift::diff::owners::verdict::{Doubt, Verdict};
use heapdrift::diff::owners::{Finding, Holds, OwnerKind, Owners, StepKind, Turnover};
use heapdrift::diff::{DiffOptions, compare};
use heapdrift::digest::Digest;
use heapdrift::index::owners::Edge;
use heapdrift::library::Catalog;
use proptest::prelude::*;
use support::Rng;
use support::trees::{Tree, series, shuffled};

fn owners(digests: &[Digest]) -> Owners {
    let catalog = Some(Arc::new(Catalog::built_in().expect("it is well formed")));
    let options = DiffOptions { catalog, ..DiffOptions::default() };
    compare(digests, &options).owners.expect("all digests have trees")
}

fn first(owners: &Owners) -> &Finding {
    owners.findings.first().expect("a finding")
}

fn names(owners: &Owners) -> Vec<String> {
    owners.findings.iter().map(|finding| finding.owner.name()).collect()
}

/// The row of an owner.
fn row(owners: &Owners, name: &str) -> Vec<u64> {
    let rows = owners.rows.iter().filter(|row| row.key.name() == name);
    let rows: Vec<_> = rows.map(|row| row.series.retained_bytes.clone()).collect();
    assert_eq!(rows.len(), 1, "{name}: {:?}", owners.rows);
    rows[0].clone()
}

/// A map in a static field with so many sessions of 1 KB.
fn sessions(tree: &mut Tree, entries: u64) -> u32 {
    let map = tree.in_static("com.example.Sessions", "OPEN", "java.util.HashMap", 48);
    tree.entries(map, entries);
    tree.values(map, "com.example.Session", entries, 1000 * entries)
}

#[test]
fn a_map_in_a_static_field_that_grows_steadily_is_a_likely_leak() {
    let owners = owners(&series(5, |dump, tree| {
        sessions(tree, 1000 + 1000 * dump);
    }));
    assert_eq!(owners.verdict, Verdict::LikelyLeak);
    let finding = first(&owners);
    assert_eq!(finding.owner.name(), "com.example.Sessions.OPEN");
    assert_eq!(finding.owner.kind, OwnerKind::StaticField);
    assert_eq!(finding.series.entries.as_deref(), Some(&[1000, 2000, 3000, 4000, 5000][..]));
    assert_eq!(finding.contents[0].class, "com.example.Session");
    assert_eq!(finding.contents[0].instances, [1000, 2000, 3000, 4000, 5000]);
    assert!(finding.share_of_growth > 0.99, "{finding:?}");
    assert!(finding.series.bytes_per_hour.is_some_and(|rate| (1.0e6..1.1e6).contains(&rate)));
    let table = finding.table.as_ref().expect("a table");
    assert_eq!(table.class, "java.util.HashMap$Node[]");
    assert_eq!(table.lengths, [2048, 4096, 4096, 8192, 8192]);
    let kinds: Vec<StepKind> = finding.path.iter().map(|step| step.kind).collect();
    assert_eq!(kinds, [StepKind::Root, StepKind::Static, StepKind::Entry]);
}

#[test]
fn fewer_dumps_tell_less() {
    let verdict = |dumps| {
        owners(&series(dumps, |dump, tree| {
            sessions(tree, 1000 + 1000 * dump);
        }))
        .verdict
    };
    assert_eq!(
        [2, 3, 4, 5].map(verdict),
        [Verdict::Grew, Verdict::Grew, Verdict::Suspect, Verdict::LikelyLeak]
    );
}

#[test]
fn a_table_that_doubles_is_judged_by_its_entries() {
    // Eight bytes in each slot of a table and next to nothing in the entries: the bytes jump.
    let digests = series(6, |dump, tree| {
        let map = tree.in_static("com.example.Index", "slots", "com.example.OpenMap", 48);
        let entries = 50_000 + 14_000 * dump;
        tree.entries(map, entries);
        let table: u64 = 16 * [65_536, 65_536, 131_072, 131_072, 131_072, 262_144][dump as usize];
        tree.tree.nodes[map as usize].shallow_bytes = table;
    });
    let owners = owners(&digests);
    let finding = first(&owners);
    assert_eq!(finding.owner.name(), "com.example.Index.slots");
    assert!(finding.by_entries.is_some(), "{finding:?}");
    assert!(finding.evidence.spread < 0.55, "{finding:?}");
    assert_eq!(finding.verdict, Verdict::LikelyLeak, "{finding:?}");
}

#[test]
fn shared_growth_is_split_by_the_references_that_grow() {
    let digests = series(5, |dump, tree| {
        let many = tree.in_static("com.example.A", "all", "java.util.ArrayList", 48);
        let few = tree.in_static("com.example.B", "some", "java.util.ArrayList", 48);
        let flat = tree.in_static("com.example.C", "fixed", "java.util.ArrayList", 48);
        let shared = tree.shared(0, "com.example.Item", 1000 + 400 * dump, 400_000 * (1 + dump));
        tree.share(shared, many, Edge::Element, 500 + 300 * dump);
        tree.share(shared, few, Edge::Element, 500 + 100 * dump);
        tree.share(shared, flat, Edge::Element, 900);
    });
    let owners = owners(&digests);
    assert_eq!(names(&owners), ["com.example.A.all", "com.example.B.some"]);
    let growth = |nth: usize| owners.findings[nth].growth_bytes;
    assert_eq!((growth(0), growth(1)), (1_200_000, 400_000));
    assert_eq!(row(&owners, "com.example.C.fixed"), [48; 5]);
    assert_eq!(owners.verdict, Verdict::LikelyLeak);
}

#[test]
fn those_who_hold_the_same_objects_are_one_finding() {
    let digests = series(5, |dump, tree| {
        let by_name = tree.in_static("com.example.Registry", "byName", "java.util.HashMap", 48);
        let by_id = tree.in_static("com.example.Registry", "byId", "java.util.HashMap", 48);
        let shared = tree.shared(0, "com.example.Item", 1000 * (1 + dump), 1_000_000 * (1 + dump));
        tree.share(shared, by_name, Edge::Value, 1000 * (1 + dump));
        tree.share(shared, by_id, Edge::Value, 1000 * (1 + dump));
    });
    let owners = owners(&digests);
    assert_eq!(owners.findings.len(), 1, "{:?}", names(&owners));
    assert_eq!(first(&owners).also_held_by.len(), 1);
    assert_eq!(first(&owners).growth_bytes, 4_000_000);
}

#[test]
fn a_holder_that_is_shared_itself_passes_its_part_on() {
    let digests = series(5, |dump, tree| {
        let cache = tree.in_static("com.example.Cache", "entries", "java.util.HashMap", 48);
        let other = tree.in_static("com.example.Other", "one", "com.example.Thing", 48);
        let list = tree.shared(0, "java.util.ArrayList", 1, 48);
        tree.share(list, cache, Edge::Value, 2);
        tree.share(list, other, Edge::Element, 1);
        let items = tree.shared(0, "com.example.Item", 1000 * (1 + dump), 1_000_000 * (1 + dump));
        tree.share(items, list, Edge::Element, 1000 * (1 + dump));
        // What an item holds does not hold the item.
        let next = tree.in_field(items, "com.example.Item.next", "com.example.Item", 5, 48);
        tree.share(items, next, Edge::Element, 5000 * (1 + dump));
    });
    let owners = owners(&digests);
    assert_eq!(names(&owners), ["com.example.Cache.entries"]);
    assert_eq!(first(&owners).growth_bytes, 4_000_000);
}

#[test]
fn what_is_shared_and_stays_one_is_named_by_who_holds_it_and_not_by_a_helper() {
    let digests = series(5, |dump, tree| {
        let cache = tree.in_static("com.example.Reaper", "INSTANCE", "com.example.Reaper", 24);
        let name = tree.name("reaper");
        let thread = tree.add(0, Edge::Thread(name), "java.lang.Thread", 1, 120);
        let task = "com.example.Reaper$Task";
        let task = tree.in_field(thread, "java.lang.Thread.target", task, 1, 24);
        let map = tree.shared(0, "java.util.HashMap", 1, 48);
        tree.entries(map, 1000 * (1 + dump));
        tree.values(map, "com.example.Client", 1000 * (1 + dump), 1_000_000 * (1 + dump));
        let (outer, inner) =
            (tree.name("com.example.Reaper"), tree.name("com.example.Reaper$Task"));
        let field = tree.name("clients");
        tree.share(map, task, Edge::Field(inner, field), 1);
        tree.share(map, cache, Edge::Field(outer, field), 1);
    });
    let owners = owners(&digests);
    assert_eq!(names(&owners), ["com.example.Reaper.clients"]);
    let path: Vec<Option<&str>> =
        first(&owners).path.iter().map(|step| step.field.as_deref()).collect();
    assert_eq!(path, [Some("system class"), Some("INSTANCE"), Some("clients"), Some("value")]);
}

#[test]
fn small_holders_that_are_counted_together_still_name_what_they_hold() {
    let digests = series(5, |dump, tree| {
        let small = tree.add(0, Edge::Other, "", 300 + 100 * dump, 3000 + 500 * dump);
        let map = tree.shared(0, "java.util.HashMap", 1, 48);
        tree.entries(map, 1000 * (1 + dump));
        tree.values(map, "com.example.Client", 1000 * (1 + dump), 1_000_000 * (1 + dump));
        let (class, field) = (tree.name("com.example.Reaper"), tree.name("clients"));
        tree.share(map, small, Edge::Field(class, field), 1);
    });
    assert_eq!(first(&owners(&digests)).owner.name(), "com.example.Reaper.clients");
}

#[test]
fn shared_nodes_that_hold_each_other_in_a_circle_are_credited_to_who_holds_the_circle() {
    let digests = series(5, |dump, tree| {
        let cache = tree.in_static("com.example.Cache", "entries", "java.util.HashMap", 48);
        let a = tree.shared(0, "com.example.A", 1000 * (1 + dump), 1_000_000 * (1 + dump));
        let b = tree.shared(0, "com.example.B", 1000 * (1 + dump), 1_000_000 * (1 + dump));
        tree.share(a, b, Edge::Element, 1000 * (1 + dump));
        tree.share(b, a, Edge::Element, 1000 * (1 + dump));
        tree.share(a, cache, Edge::Value, 1000 * (1 + dump));
    });
    let owners = owners(&digests);
    assert_eq!(names(&owners), ["com.example.Cache.entries"]);
    assert_eq!(first(&owners).growth_bytes, 8_000_000);
}

#[test]
fn what_fills_and_stays_full_is_no_suspect() {
    let filled = [4000, 8000, 12_000, 12_000, 12_000, 12_000];
    let owners = owners(&series(6, |dump, tree| {
        sessions(tree, filled[dump as usize]);
    }));
    assert_eq!(owners.verdict, Verdict::Grew, "{:?}", first(&owners));
    assert!(first(&owners).doubts.contains(&Doubt::SlowsDown));
}

#[test]
fn one_step_at_the_start_or_later_is_no_suspect() {
    for steps in [[100, 9000, 9000, 9010, 9010, 9020], [100, 100, 100, 9000, 9000, 9000]] {
        let owners = owners(&series(6, |dump, tree| {
            sessions(tree, steps[dump as usize]);
        }));
        assert_eq!(owners.verdict, Verdict::Grew, "{steps:?}: {:?}", first(&owners));
    }
}

#[test]
fn what_swings_is_no_suspect() {
    let swinging = [1000, 9000, 2000, 9500, 1500, 9000];
    let owners = owners(&series(6, |dump, tree| {
        sessions(tree, swinging[dump as usize]);
    }));
    assert!(owners.verdict <= Verdict::Grew, "{:?}", first(&owners));
}

#[test]
fn a_leak_that_starts_late_is_judged_from_its_start() {
    let late = [1000, 1000, 1001, 1000, 2000, 3000, 4000, 5000];
    let owners = owners(&series(8, |dump, tree| {
        sessions(tree, late[dump as usize]);
    }));
    assert_eq!(first(&owners).evidence.onset, 3);
    assert_eq!(owners.verdict, Verdict::LikelyLeak, "{:?}", first(&owners));
}

#[test]
fn growth_from_nothing_is_found() {
    let owners = owners(&series(6, |dump, tree| {
        if dump > 0 {
            sessions(tree, 1000 * dump);
        }
    }));
    assert_eq!(first(&owners).owner.name(), "com.example.Sessions.OPEN");
    assert_eq!(owners.verdict, Verdict::LikelyLeak, "{:?}", first(&owners));
}

#[test]
fn a_thread_local_of_eight_threads_is_one_owner() {
    let owners = owners(&series(5, |dump, tree| {
        let name = tree.name("pool-#-thread-#");
        let threads = tree.add(0, Edge::Thread(name), "java.lang.Thread", 8, 8 * 120);
        let field = tree.name("com.example.Context.CURRENT");
        let list = tree.add(threads, Edge::ThreadLocal(field), "java.util.ArrayList", 8, 8 * 24);
        let entries = 800 * (1 + dump);
        tree.add(list, Edge::Element, "com.example.Request", entries, 1000 * entries);
    }));
    let finding = first(&owners);
    assert_eq!(
        (finding.owner.name().as_str(), finding.owner.kind),
        ("com.example.Context.CURRENT", OwnerKind::ThreadLocal)
    );
    assert_eq!(finding.verdict, Verdict::LikelyLeak);
}

#[test]
fn where_holders_multiply_the_owner_is_above_them() {
    // Each session holds a list of events that grows, too: the sessions are the cause.
    let owners = owners(&series(5, |dump, tree| {
        let count = 1000 * (1 + dump);
        let map = tree.in_static("com.example.Sessions", "OPEN", "java.util.HashMap", 48);
        let values = tree.values(map, "com.example.Session", count, 100 * count);
        let list = "java.util.ArrayList";
        let list = tree.in_field(values, "com.example.Session.events", list, count, 24 * count);
        let events = count * count / 100;
        tree.add(list, Edge::Element, "com.example.Event", events, 100 * events);
    }));
    assert_eq!(names(&owners), ["com.example.Sessions.OPEN"]);
}

#[test]
fn where_holders_stay_the_nearest_field_is_the_owner() {
    let owners = owners(&series(5, |dump, tree| {
        let map = tree.in_static("com.example.Sessions", "OPEN", "java.util.HashMap", 48);
        let values = tree.values(map, "com.example.Session", 1000, 100_000);
        let list = "java.util.ArrayList";
        let list = tree.in_field(values, "com.example.Session.events", list, 1000, 24_000);
        let events = 10_000 * (1 + dump);
        tree.add(list, Edge::Element, "com.example.Event", events, 100 * events);
    }));
    assert_eq!(names(&owners), ["com.example.Session.events"]);
    assert_eq!(row(&owners, "com.example.Sessions.OPEN"), [100_048; 5]);
}

#[test]
fn fields_of_collections_and_lambdas_are_passed_over_and_a_field_of_the_jdk_is_better_than_none() {
    let owners = owners(&series(5, |dump, tree| {
        let hooks = "java.util.IdentityHashMap";
        let hooks = tree.in_static("java.lang.ApplicationShutdownHooks", "hooks", hooks, 48);
        let one = tree.add(hooks, Edge::Key, "java.lang.Thread", 1, 120);
        let lambda = tree.in_field(one, "java.lang.Thread.target", "Foo$$Lambda", 1, 16);
        let list = tree.in_field(lambda, "Foo$$Lambda.arg$1", "java.util.ArrayList", 1, 24);
        let count = 1000 * (1 + dump);
        tree.add(list, Edge::Element, "com.example.Event", count, 1000 * count);
    }));
    assert_eq!(names(&owners), ["java.lang.ApplicationShutdownHooks.hooks"]);
}

#[test]
fn what_an_object_of_the_program_has_from_the_jdk_is_named_before_a_registry_that_has_the_object() {
    let of = |class: &str| {
        owners(&series(5, |dump, tree| {
            let registry = "javax.management.Registry";
            let beans = tree.in_static(registry, "BEANS", "java.util.HashMap", 48);
            let bean = tree.values(beans, class, 1, 40);
            let list = "java.util.ArrayList";
            let list = tree.in_field(bean, "javax.management.Broadcaster.listeners", list, 1, 24);
            let count = 1000 * (1 + dump);
            tree.add(list, Edge::Element, "com.example.Listener", count, 1000 * count);
        }))
    };
    let of_program = of("com.example.Pool");
    assert_eq!(names(&of_program), ["com.example.Pool.listeners"]);
    let path = &first(&of_program).path;
    assert!(path.iter().any(|step| step.class == "javax.management.Broadcaster"), "{path:?}");
    assert_eq!(names(&of("javax.management.Bean")), ["javax.management.Registry.BEANS"]);
}

/// A map with keys in one array and values in another.
fn open_map(tree: &mut Tree, holder: u32, field: &str, entries: u64) {
    let map = tree.in_field(holder, field, "com.example.OpenMap", 1, 32);
    let arrays = [("keys", "java.lang.String", 60), ("values", "com.example.Vertex", 200)];
    for (array, class, bytes) in arrays {
        let array = format!("com.example.OpenMap.{array}");
        let array = tree.in_field(map, &array, "java.lang.Object[]", 1, 1000);
        tree.add(array, Edge::Element, class, entries, bytes * entries);
    }
}

#[test]
fn what_grows_in_a_container_of_the_programs_own_is_held_by_the_field_that_has_the_container() {
    let of = |fields: &[&str]| {
        owners(&series(5, |dump, tree| {
            let graph = tree.in_static("com.example.Graph", "ALL", "com.example.Graph", 32);
            for (nth, field) in fields.iter().enumerate() {
                let entries = 8000 + if nth == 0 { 8000 * dump } else { 0 };
                open_map(tree, graph, &format!("com.example.Graph.{field}"), entries);
            }
        }))
    };
    let several = of(&["ofQueries", "vertices"]);
    assert_eq!(names(&several), ["com.example.Graph.ofQueries"]);
    let entries = first(&several).series.entries.as_deref();
    assert_eq!(entries, Some(&[8000, 16_000, 24_000, 32_000, 40_000][..]), "keys have values");
    assert_eq!(row(&several, "com.example.Graph.vertices"), [2_082_032; 5]);
    // What is used in one place is what it is named after.
    let one = of(&["vertices"]);
    assert_eq!(first(&one).owner.name(), "com.example.OpenMap.values");
}

#[test]
fn one_container_that_several_fields_refer_to_is_used_in_one_place() {
    let owners = owners(&series(5, |dump, tree| {
        let store = tree.shared(0, "com.example.Store", 1, 32);
        for (class, field) in [("com.example.Service", "OF"), ("com.example.Janitor", "SELF")] {
            let holder = tree.in_static(class, field, class, 16);
            let (class, field) = (tree.name(class), tree.name("store"));
            tree.share(store, holder, Edge::Field(class, field), 1);
        }
        let slots = tree.in_field(store, "com.example.Store.slots", "java.lang.Object[]", 1, 1000);
        let count = 1000 * (1 + dump);
        tree.add(slots, Edge::Element, "com.example.Session", count, 1000 * count);
    }));
    assert_eq!(names(&owners), ["com.example.Store.slots"]);
}

/// A map with chains of nodes; what else its instances hold, if anything.
fn chained_map(tree: &mut Tree, holder: u32, field: &str, of: (&str, u64), beside: Option<&str>) {
    let (value, entries) = of;
    let map = tree.in_field(holder, field, "com.example.Chained", 1, 32);
    let node = "com.example.Chained$Node";
    let table = tree.in_field(map, "com.example.Chained.table", &format!("{node}[]"), 1, 1000);
    let heads = entries / 4 * 3;
    let head = tree.add(table, Edge::Element, node, heads, 32 * heads);
    let next = entries - heads;
    let next = tree.in_field(head, "com.example.Chained$Node.next", node, next, 32 * next);
    for (node, count) in [(head, heads), (next, entries - heads)] {
        tree.in_field(node, "com.example.Chained$Node.value", value, count, 500 * count);
    }
    if let Some(class) = beside {
        tree.in_field(map, "com.example.Chained.beside", class, 1, 1000);
    }
}

#[test]
fn a_container_takes_whatever_is_put_in_and_has_nothing_else() {
    let of = |values: [&'static str; 2], beside: Option<&'static str>| {
        owners(&series(5, |dump, tree| {
            let market = tree.in_static("com.example.Market", "ALL", "com.example.Market", 32);
            let (open, closed) = ("com.example.Market.open", "com.example.Market.closed");
            chained_map(tree, market, open, (values[0], 4000 * (1 + dump)), beside);
            chained_map(tree, market, closed, (values[1], 4000), beside);
        }))
    };
    let found = of(["com.example.Order", "java.lang.Long"], None);
    assert_eq!(names(&found), ["com.example.Market.open"]);
    let finding = first(&found);
    let entries = finding.series.entries.as_deref();
    assert_eq!(entries, Some(&[4000, 8000, 12_000, 16_000, 20_000][..]), "with all of a chain");
    let content = finding.first_content().map(|content| content.class.as_str());
    assert_eq!(content, Some("com.example.Order"));
    // A structure for one thing, or with something of the program beside it, is a part of the program.
    let own = of(["com.example.Order"; 2], None);
    assert_eq!(first(&own).owner.name(), "com.example.Chained.table");
    let beside = of(["com.example.Order", "java.lang.Long"], Some("com.example.Rules"));
    assert_eq!(first(&beside).owner.name(), "com.example.Chained.table");
}

#[test]
fn how_many_entries_are_whose_is_not_told_of_containers_in_containers() {
    let owners = owners(&series(5, |dump, tree| {
        let store = tree.in_static("com.example.Blocks", "ALL", "com.example.Blocks", 32);
        let count = 1000 * (1 + dump);
        chained_map(tree, store, "com.example.Blocks.byTime", ("com.example.Batch", count), None);
        let batch = tree.tree.nodes.len() as u32 - 1;
        let inner = "com.example.Batch.blocks";
        tree.in_field(batch, inner, "com.example.Chained", count / 4, 8 * count);
        // The tables of the inner ones are at the node of the outer one's, and so are their nodes.
        let name = tree.name("com.example.Chained$Node[]");
        let table = tree.tree.nodes.iter().position(|node| node.class == name).expect("a table");
        tree.tree.nodes[table].objects = 1 + count;
        tree.tree.nodes[table].shallow_bytes = 1000 * (1 + count);
        let head = table as u32 + 1;
        tree.in_field(head, "com.example.Chained$Node.value", "java.lang.Long", count, 16 * count);
    }));
    let finding = first(&owners);
    assert_eq!(finding.owner.name(), "com.example.Blocks.byTime");
    assert_eq!(finding.series.entries, None);
    assert_eq!(finding.verdict, Verdict::LikelyLeak);
}

#[test]
fn a_link_of_a_list_owns_nothing() {
    let owners = owners(&series(5, |dump, tree| {
        let head = tree.in_static("com.example.Journal", "last", "com.example.Entry", 48);
        let count = 1000 * (1 + dump);
        let link = "com.example.Entry.previous";
        tree.in_field(head, link, "com.example.Entry", count, 1000 * count);
    }));
    assert_eq!(names(&owners), ["com.example.Journal.last"]);
}

#[test]
fn a_collection_on_the_way_tells_the_cause_unless_the_contents_tell_more() {
    let cause = |class: &str| {
        let owners = owners(&series(5, |dump, tree| {
            let map = "scala.collection.concurrent.TrieMap";
            let map = tree.in_static("com.example.Sessions", "OPEN", map, 48);
            let count = 1000 * (1 + dump);
            tree.values(map, class, count, 1000 * count);
        }));
        first(&owners).known_cause.as_ref().map(|cause| cause.id.clone())
    };
    assert_eq!(cause("com.example.Session").as_deref(), Some("static-cache"));
    let mapper = "com.fasterxml.jackson.databind.ObjectMapper";
    assert_eq!(cause(mapper).as_deref(), Some("jackson-mappers"));
}

#[test]
fn threads_belong_to_whose_code_they_run() {
    let owners = owners(&series(5, |dump, tree| {
        let count = 100 * (1 + dump);
        let name = tree.name("OkHttp ConnectionPool");
        let threads = tree.add(0, Edge::Thread(name), "java.lang.Thread", count, 100 * count);
        let run = tree.name("okhttp3.ConnectionPool$1.run");
        let pool = "okhttp3.ConnectionPool";
        tree.add(threads, Edge::Local(run), pool, count, 10_000 * count);
    }));
    let finding = first(&owners);
    assert_eq!(finding.owner.kind, OwnerKind::Thread);
    assert_eq!(finding.library.as_ref().map(|library| library.name.as_str()), Some("OkHttp"));
    assert_eq!(finding.known_cause.as_ref().map(|cause| cause.id.as_str()), Some("okhttp-clients"));
}

#[test]
fn nested_owners_of_one_cause_are_one_finding() {
    let owners = owners(&series(5, |dump, tree| {
        let count = 1000 * (1 + dump);
        let store = tree.in_static("com.example.Store", "versions", "java.util.TreeMap", 48);
        let rows = tree.shared(store, "com.example.Row", count, 1000 * count);
        let map = tree.values(store, "com.example.Version", 2, 48);
        let map = tree.in_field(map, "com.example.Version.map", "java.util.HashMap", 2, 96);
        tree.entries(map, 2 * count);
        tree.share(rows, map, Edge::Value, 2 * count);
    }));
    assert_eq!(names(&owners), ["com.example.Store.versions"]);
    assert_eq!(first(&owners).also_held_by[0].name(), "com.example.Version.map");
    assert!(first(&owners).share_of_growth > 0.99);
}

#[test]
fn what_nobody_holds_by_name_is_said_so_and_no_likely_leak() {
    let owners = owners(&series(6, |dump, tree| {
        let count = 1000 * (1 + dump);
        tree.shared(0, "com.example.Orphan", count, 1000 * count);
    }));
    let finding = first(&owners);
    assert_eq!(
        (finding.owner.name().as_str(), finding.owner.kind),
        ("com.example.Orphan", OwnerKind::ClassGroup)
    );
    assert_eq!((finding.verdict, &finding.doubts[..]), (Verdict::Suspect, &[Doubt::Unnamed][..]));
}

#[test]
fn memory_outside_of_the_heap_counts() {
    let owners = owners(&series(5, |dump, tree| {
        let list = "java.util.ArrayList";
        let list = tree.in_static("com.example.Scratch", "direct", list, 48);
        let buffers = 10 * (1 + dump);
        tree.add(list, Edge::Element, "java.nio.DirectByteBuffer", buffers, 64 * buffers);
        tree.last().native_bytes = 2_000_000 * buffers;
    }));
    let finding = first(&owners);
    assert_eq!(
        (finding.owner.name().as_str(), finding.owner.kind),
        ("com.example.Scratch.direct", OwnerKind::OffHeap)
    );
    assert_eq!(finding.verdict, Verdict::LikelyLeak);
    assert_eq!(finding.series.native_bytes[4], 100_000_000);
}

#[test]
fn small_growth_is_ranked_and_not_suspected() {
    let owners = owners(&series(6, |dump, tree| {
        sessions(tree, 10 + dump);
    }));
    assert_eq!(names(&owners), ["com.example.Sessions.OPEN"]);
    assert_eq!((owners.verdict, first(&owners).verdict), (Verdict::Steady, Verdict::Grew));
}

#[test]
fn known_structures_and_what_is_softly_held_are_listed_and_not_suspected() {
    let owners = owners(&series(6, |dump, tree| {
        let count = 1000 * (1 + dump);
        let map = "java.util.concurrent.ConcurrentHashMap";
        let map = tree.in_static("java.lang.ClassLoader", "parallelLockMap", map, 48);
        tree.values(map, "java.lang.Object", count, 1000 * count);
        let soft = tree.name("softly reachable");
        let image = tree.add(0, Edge::Level(soft), "com.example.Image", count, 1000 * count);
        assert!(image > 0);
    }));
    assert_eq!(owners.findings.len(), 2);
    assert_eq!(owners.verdict, Verdict::Grew, "{:?}", owners.findings);
}

#[test]
fn a_restart_splits_the_series_and_the_longest_run_is_judged() {
    let mut digests = series(7, |dump, tree| {
        sessions(tree, if dump < 2 { 9000 } else { 1000 * dump });
    });
    for digest in &mut digests[2..] {
        digest.facts.process = Some("restarted".to_owned());
    }
    let owners = owners(&digests);
    assert_eq!(owners.judged, 2..7);
    assert_eq!(owners.verdict, Verdict::LikelyLeak, "{:?}", first(&owners));
    assert_eq!(first(&owners).series.retained_bytes.len(), 7);
}

#[test]
fn other_programs_cannot_be_compared_and_digests_without_trees_have_no_owners() {
    let mut digests = series(2, |dump, tree| {
        sessions(tree, 1000 + 1000 * dump);
    });
    digests[0].facts.main_class = Some("A".to_owned());
    digests[1].facts.main_class = Some("B".to_owned());
    let incomparable = owners(&digests);
    assert_eq!((incomparable.verdict, incomparable.findings.len()), (Verdict::Incomparable, 0));
    digests[1].owners = None;
    assert!(compare(&digests, &DiffOptions::default()).owners.is_none());
}

/// A heap of a bit of everything.
fn mixed(dump: u64, tree: &mut Tree) {
    sessions(tree, 1000 + 1000 * dump);
    let name = tree.name("worker-#");
    let thread = tree.add(0, Edge::Thread(name), "java.lang.Thread", 1, 120);
    let method = tree.name("com.example.Worker.run");
    let queue = "java.util.concurrent.LinkedBlockingQueue";
    let queue = tree.add(thread, Edge::Local(method), queue, 1, 48);
    tree.add(queue, Edge::Element, "com.example.Job", 300 + 7 * dump, 90_000 + 2100 * dump);
    let list = tree.in_static("com.example.Log", "lines", "java.util.ArrayList", 48);
    let shared = tree.shared(0, "java.lang.String", 5000 + 333 * dump, 120_000 + 7992 * dump);
    tree.share(shared, list, Edge::Element, 2000 + 201 * dump);
    tree.share(shared, queue, Edge::Element, 3000 + 132 * dump);
}

#[test]
fn ids_and_order_do_not_depend_on_the_order_of_rows_or_on_one_dump() {
    let digests = series(7, mixed);
    let whole = owners(&digests);
    let mut rng = Rng::new(7);
    let mut other = digests.clone();
    for digest in &mut other {
        digest.owners = digest.owners.as_ref().map(|tree| shuffled(tree, &mut rng));
    }
    assert_ne!(other[0].owners, digests[0].owners);
    assert_eq!(owners(&other), whole);
    let ids = |owners: &Owners| -> Vec<String> {
        owners.findings.iter().map(|finding| finding.id.clone()).collect()
    };
    for dropped in 0..digests.len() {
        let mut fewer = digests.clone();
        fewer.remove(dropped);
        assert_eq!(ids(&owners(&fewer)), ids(&whole), "without dump {dropped}");
    }
}

/// A tree of random edges, classes, numbers and shares.
fn random_tree(rng: &mut Rng) -> Tree {
    const CLASSES: [&str; 6] =
        ["a.A", "a.B", "java.util.HashMap", "java.lang.Object[]", "b.C$$Lambda", "b.D"];
    let mut tree = Tree::default();
    for _ in 0..rng.below(60) {
        let parent = rng.below(tree.tree.nodes.len()) as u32;
        let class = CLASSES[rng.below(CLASSES.len())];
        let edge = random_edge(&mut tree, rng);
        tree.add(parent, edge, class, rng.next() % 1000, rng.next() % 100_000);
        let node = tree.last();
        node.is_class = edge == Edge::Class;
        node.native_bytes = (rng.next() % 5000).saturating_sub(4000);
        node.entries = rng.next() % 7;
    }
    for _ in 0..rng.below(40) {
        let (node, holder) = (rng.below(tree.tree.nodes.len()), rng.below(tree.tree.nodes.len()));
        let edge = random_edge(&mut tree, rng);
        if matches!(tree.tree.nodes[node].edge, Edge::Shared(_)) {
            tree.share(node as u32, holder as u32, edge, rng.next() % 1000);
        }
    }
    tree
}

fn random_edge(tree: &mut Tree, rng: &mut Rng) -> Edge {
    const NAMES: [&str; 5] = ["a.A", "java.util.HashMap", "b.C$$Lambda", "x", "a.A.y"];
    let mut name = |nth: usize| tree.name(NAMES[nth % NAMES.len()]);
    let (a, b) = (name(rng.below(5)), name(rng.below(5)));
    let edges = [
        Edge::Root(a),
        Edge::Thread(a),
        Edge::Local(a),
        Edge::Static(a),
        Edge::Field(a, b),
        Edge::ThreadLocal(a),
        Edge::Element,
        Edge::Key,
        Edge::Value,
        Edge::Class,
        Edge::Shared(a),
        Edge::Shared(0),
        Edge::Level(a),
        Edge::Other,
    ];
    edges[rng.below(edges.len())]
}

proptest! {
    #[test]
    fn owners_are_disjoint_and_add_up_to_the_heap_whatever_is_cut_off(
        seed: u64,
        dumps in 1..7usize,
        top in prop::option::of(0..8usize),
        only_changed: bool,
    ) {
        let mut rng = Rng::new(seed);
        let digests: Vec<Digest> = (0..dumps).map(|dump| random_tree(&mut rng).digest(dump)).collect();
        let options = DiffOptions { top, only_changed, ..DiffOptions::default() };
        let owners = compare(&digests, &options).owners.expect("trees");
        let mut sums = vec![0; dumps];
        let series = owners.rows.iter().map(|row| &row.series);
        for series in series.chain(owners.other.iter().map(|(_, series)| series)) {
            sums.iter_mut().zip(&series.retained_bytes).for_each(|(sum, bytes)| *sum += bytes);
        }
        let heap = |digest: &Digest| -> u64 {
            let nodes = &digest.owners.as_ref().expect("a tree").nodes;
            nodes.iter().map(|node| node.shallow_bytes + node.native_bytes).sum()
        };
        let heaps: Vec<u64> = digests.iter().map(heap).collect();
        prop_assert_eq!(&sums, &heaps);
        prop_assert_eq!(&owners.total.retained_bytes, &heaps);
        let explained: f64 = owners.findings.iter().map(|finding| finding.share_of_growth).sum();
        prop_assert!(explained < 1.0 + 1e-9);
    }

    #[test]
    fn the_order_of_rows_does_not_matter_for_any_tree(seed: u64, dumps in 2..6usize) {
        let mut rng = Rng::new(seed);
        let digests: Vec<Digest> = (0..dumps).map(|dump| random_tree(&mut rng).digest(dump)).collect();
        let mut other = digests.clone();
        for digest in &mut other {
            digest.owners = digest.owners.as_ref().map(|tree| shuffled(tree, &mut rng));
        }
        prop_assert_eq!(owners(&other), owners(&digests));
    }

    #[test]
    fn nothing_grows_in_a_dump_compared_with_itself(seed: u64) {
        let mut rng = Rng::new(seed);
        let tree = random_tree(&mut rng).tree;
        let digests = [0, 1, 2].map(|dump| Tree { tree: tree.clone() }.digest(dump));
        let owners = owners(&digests);
        prop_assert_eq!((owners.verdict, owners.findings.len()), (Verdict::Steady, 0));
    }
}

/// A map in a field of an object, with 1,000 entries more in each dump, and what is around it.
fn bounded_by(around: impl Fn(&mut Tree, u32, u64)) -> Owners {
    owners(&series(6, |dump, tree| {
        let holder = tree.in_static("com.example.Pages", "RECENT", "com.example.Pages$Recent", 24);
        let map =
            tree.in_field(holder, "com.example.Pages$Recent.byUser", "java.util.HashMap", 1, 48);
        tree.entries(map, 1000 + 1000 * dump);
        tree.values(map, "com.example.Page", 1000 + 1000 * dump, 1_000_000 * (1 + dump));
        around(tree, holder, dump);
    }))
}

#[test]
fn a_limit_in_a_field_of_the_holder_bounds_what_grows() {
    let of = |field: &str, value: u64| {
        let field = format!("com.example.Pages$Recent.{field}");
        let owners = bounded_by(|tree, holder, _| tree.limit(holder, &field, 1, value));
        let finding = first(&owners).clone();
        assert_eq!(finding.owner.name(), "com.example.Pages$Recent.byUser");
        (finding.verdict, finding.doubts, finding.bound)
    };
    let (verdict, doubts, bound) = of("maxEntries", 10_000);
    assert_eq!((verdict, doubts), (Verdict::Grew, vec![Doubt::Bounded]));
    let bound = bound.expect("a bound");
    assert_eq!((bound.declared, bound.now), (10_000, 6000));
    assert_eq!(bound.from, "com.example.Pages$Recent.maxEntries");
    assert_eq!(of("maxPages", 10_000).0, Verdict::Grew, "it names what is in the map");
    assert_eq!(of("maxEntries", 5_999).0, Verdict::LikelyLeak, "there are more");
    assert_eq!(of("maxTenants", 10_000).0, Verdict::LikelyLeak, "it is a limit of others");
    assert_eq!(of("maxBytes", 10_000_000).0, Verdict::Grew, "it is in bytes");
    assert_eq!(of("maxBytes", 10_000).0, Verdict::LikelyLeak, "it is in bytes, and there are more");
    assert_eq!(of("maxEntries", 900_000_000).0, Verdict::LikelyLeak, "it is far beyond any heap");
}

/// What is thought of a map that grows by a thousand entries from dump to dump, and what was seen of
/// its entries. `keys` are those of each dump.
fn of_keys(keys: impl Fn(u64) -> std::ops::Range<u64>) -> (Verdict, Option<Turnover>, Vec<Doubt>) {
    let owners = owners(&series(6, |dump, tree| {
        let map = tree.in_static("com.example.Online", "USERS", "java.util.HashMap", 48);
        let keys = keys(dump);
        let entries = keys.end - keys.start;
        tree.entries(map, entries);
        tree.values(map, "com.example.User", entries, 1000 * entries);
        tree.keys(map, keys);
    }));
    let finding = first(&owners);
    assert_eq!(finding.owner.name(), "com.example.Online.USERS");
    (finding.verdict, finding.staying, finding.doubts.clone())
}

#[test]
fn ever_more_entries_that_are_replaced_are_no_leak() {
    let (verdict, staying, doubts) = of_keys(|dump| 10_000 * dump..11_000 * dump + 2000);
    assert_eq!((verdict, staying), (Verdict::Grew, None));
    let [Doubt::Replaced(turnover)] = doubts[..] else { panic!("{doubts:?}") };
    assert_eq!((turnover.dump, turnover.last, turnover.left), (2, 5, 0));
    assert!(turnover.looked_at > 40, "{turnover:?}");
}

#[test]
fn entries_that_stay_are_said_to() {
    let (verdict, staying, doubts) = of_keys(|dump| 0..1000 * dump + 2000);
    assert_eq!((verdict, doubts), (Verdict::LikelyLeak, vec![]));
    let staying = staying.expect("all of them");
    assert_eq!((staying.dump, staying.last, staying.left), (0, 5, staying.looked_at));
}

#[test]
fn entries_that_leak_among_many_that_are_replaced_leak() {
    // A thousand are added from dump to dump and stay; nine thousand are others each time.
    let owners = owners(&series(6, |dump, tree| {
        let map = tree.in_static("com.example.Online", "USERS", "java.util.HashMap", 48);
        let entries = 9000 + 1000 * dump;
        tree.entries(map, entries);
        tree.values(map, "com.example.User", entries, 1000 * entries);
        tree.keys(map, (0..1000 * dump).chain(100_000 * dump + 100_000..100_000 * dump + 109_000));
    }));
    assert_eq!(first(&owners).verdict, Verdict::LikelyLeak);
}

#[test]
fn marks_that_do_not_stand_for_the_entries_say_nothing() {
    // Of most entries there is no mark: these are held by maps that keep no hash codes.
    let owners = owners(&series(6, |dump, tree| {
        let map = tree.in_static("com.example.Online", "USERS", "java.util.HashMap", 48);
        let entries = 2000 + 1000 * dump;
        tree.entries(map, entries);
        tree.values(map, "com.example.User", entries, 1000 * entries);
        tree.keys(map, 1000 * dump..1000 * dump + 50);
    }));
    assert_eq!(first(&owners).verdict, Verdict::LikelyLeak);
}

#[test]
fn a_number_that_changes_is_no_limit() {
    let owners = bounded_by(|tree, holder, dump| {
        tree.limit(holder, "com.example.Pages$Recent.size", 1, 1000 + 1000 * dump);
    });
    assert_eq!(owners.verdict, Verdict::LikelyLeak);
    let owners = bounded_by(|tree, holder, _| {
        tree.limit(holder, "com.example.Pages$Recent.size", 1, 8000);
    });
    assert_eq!(owners.verdict, Verdict::Grew);
}

#[test]
fn a_limit_in_settings_beside_the_collection_or_in_a_constant_around_bounds_it() {
    let owners = bounded_by(|tree, holder, _| {
        let settings = "com.example.Settings";
        let settings = tree.in_field(holder, "com.example.Pages$Recent.settings", settings, 1, 300);
        tree.limit(settings, "com.example.Settings.maximumSize", 1, 10_000);
    });
    assert_eq!(owners.verdict, Verdict::Grew);
    for (class, verdict) in [
        ("com.example.Pages$Recent", Verdict::Grew),
        ("com.example.Pages", Verdict::Grew),
        ("com.example.Page", Verdict::LikelyLeak),
    ] {
        let field = format!("{class}.MAX_ENTRIES");
        let owners = bounded_by(|tree, _, _| tree.limit(0, &field, 1, 10_000));
        assert_eq!(owners.verdict, verdict, "{class}");
    }
}

/// The verdict where 10,000 entries are the limit, and what is said of that.
fn with_beside(beside: impl Fn(&mut Tree, u32, u64)) -> (Verdict, Option<Holds>) {
    let owners = bounded_by(|tree, holder, dump| {
        tree.limit(holder, "com.example.Pages$Recent.maxEntries", 1, 10_000);
        beside(tree, holder, dump);
    });
    let finding = by_user(&owners);
    (finding.verdict, finding.bound.as_ref().map(|bound| bound.holds))
}

/// The finding of the map that always grows.
fn by_user(owners: &Owners) -> &Finding {
    let is_map = |finding: &&Finding| finding.owner.name() == "com.example.Pages$Recent.byUser";
    owners.findings.iter().find(is_map).expect("the map grows")
}

/// A collection of so many entries in a field beside.
fn collection(tree: &mut Tree, holder: u32, field: &str, class: &str, entries: u64) {
    let field = format!("com.example.Pages$Recent.{field}");
    let map = tree.in_field(holder, &field, class, 1, 48 + 32 * entries);
    tree.entries(map, entries);
}

#[test]
fn a_limit_is_that_of_the_array_that_is_just_as_long() {
    for (class, bytes) in [("byte[]", 10_016), ("long[]", 80_024), ("int[]", 40_016)] {
        let found = with_beside(|tree, holder, _| {
            tree.in_field(holder, "com.example.Pages$Recent.buffer", class, 1, bytes);
        });
        assert_eq!(found, (Verdict::LikelyLeak, None), "{class}");
    }
    let found = with_beside(|tree, holder, _| {
        tree.in_field(holder, "com.example.Pages$Recent.buffer", "byte[]", 1, 9_000);
    });
    assert_eq!(found, (Verdict::Grew, Some(Holds::Surely)), "another length");
}

#[test]
fn a_limit_is_that_of_the_collection_that_it_is_made_for() {
    let of = |field: &str, class: &str, entries: fn(u64) -> u64| {
        with_beside(|tree, holder, dump| collection(tree, holder, field, class, entries(dump)))
    };
    let (map, lru) = ("java.util.HashMap", "com.example.Pages$Lru");
    let another = (Verdict::LikelyLeak, None);
    let mine = (Verdict::Grew, Some(Holds::Surely));
    assert_eq!(of("last", lru, |dump| 50 + dump), another, "a class of its own can evict");
    assert_eq!(of("last", map, |_| 10_000), another, "it is full");
    assert_eq!(of("byName", lru, |dump| 1000 + 1000 * dump), mine, "an index of the same");
    assert_eq!(of("counts", map, |dump| 50 + dump), mine, "few entries need no limit");
    assert_eq!(of("names", map, |_| 3000), mine, "it does not grow");
    let unclear = (Verdict::Suspect, Some(Holds::Perhaps));
    assert_eq!(of("names", map, |dump| 500 + 500 * dump), unclear, "it may be that of either");
    assert_eq!(of("names", map, |dump| 9000 + 2000 * dump), mine, "the other has more");
}

#[test]
fn a_limit_is_that_of_what_it_is_named_after() {
    let of = |field: &str, beside: &'static str| {
        let field = format!("com.example.Pages$Recent.{field}");
        let owners = bounded_by(|tree, holder, dump| {
            tree.limit(holder, &field, 1, 10_000);
            collection(tree, holder, beside, "java.util.HashMap", 500 + 500 * dump);
        });
        by_user(&owners).verdict
    };
    assert_eq!(of("maxUsers", "names"), Verdict::Grew);
    assert_eq!(of("maxRecent", "recentOnes"), Verdict::LikelyLeak);
}

#[test]
fn a_limit_of_a_collection_beside_is_none() {
    let owners = bounded_by(|tree, holder, _| {
        let lru = "com.example.Pages$Recent.last";
        let lru = tree.in_field(holder, lru, "com.example.Lru", 1, 300);
        tree.entries(lru, 50);
        tree.limit(lru, "com.example.Lru.maxEntries", 1, 10_000);
    });
    assert_eq!(owners.verdict, Verdict::LikelyLeak);
}

#[test]
fn that_a_limit_is_exceeded_is_told() {
    let of = |field: &str| {
        let field = format!("com.example.Pages$Recent.{field}");
        let owners = bounded_by(|tree, holder, _| tree.limit(holder, &field, 1, 3000));
        (owners.verdict, first(&owners).bound.clone().map(|b| (b.holds, b.declared, b.now)))
    };
    let exceeded = (Verdict::LikelyLeak, Some((Holds::Exceeded, 3000, 6000)));
    assert_eq!(of("maxEntries"), exceeded);
    assert_eq!(of("capacity"), (Verdict::LikelyLeak, None), "it may be one to begin with");
}

#[test]
fn a_weight_is_compared_with_what_counts_it_and_a_total_with_what_counts_up_to_it() {
    let of = |limit: &str, most: u64, count: &str, now: fn(u64) -> u64| {
        let field = |name: &str| format!("com.example.Pages$Recent.{name}");
        let owners = bounded_by(|tree, holder, dump| {
            tree.limit(holder, &field(limit), 1, most);
            tree.limit(holder, &field(count), 1, now(dump));
        });
        owners.verdict
    };
    let weight = |dump: u64| 700 * (1 + dump);
    assert_eq!(of("maximumWeight", 9000, "weight", weight), Verdict::Grew);
    assert_eq!(of("maximumWeight", 4000, "weight", weight), Verdict::LikelyLeak, "it is heavier");
    assert_eq!(of("maximumWeight", 9000, "hits", weight), Verdict::LikelyLeak, "nothing weighs it");
    let entries = |dump: u64| 1000 + 1000 * dump;
    assert_eq!(of("totalRecords", 9000, "processedRecords", entries), Verdict::Grew);
    assert_eq!(of("maxRecords", 9000, "processedRecords", entries), Verdict::Grew);
    assert_eq!(of("totalRecords", 9000, "processedRecords", weight), Verdict::LikelyLeak);
    assert_eq!(of("totalRecords", 9000, "processedRows", entries), Verdict::LikelyLeak);
    assert_eq!(of("maxWeightKb", 9_000, "hits", weight), Verdict::Grew, "9 MB");
    assert_eq!(of("maxWeightKb", 5_000, "hits", weight), Verdict::LikelyLeak, "5 MB are too few");
}

#[test]
fn a_limit_of_each_of_many_holders_bounds_what_they_hold_together() {
    let of = |limit: u64| {
        owners(&series(6, |dump, tree| {
            let shards = tree.in_static("com.example.Shards", "ALL", "com.example.Shard[]", 144);
            let shard = tree.add(shards, Edge::Element, "com.example.Shard", 32, 32 * 24);
            let map =
                tree.in_field(shard, "com.example.Shard.values", "java.util.HashMap", 32, 32 * 48);
            tree.entries(map, 3200 * (1 + dump));
            tree.values(map, "com.example.Page", 3200 * (1 + dump), 1_000_000 * (1 + dump));
            tree.limit(shard, "com.example.Shard.maxEntries", 32, 32 * limit);
        }))
    };
    assert_eq!(of(1000).verdict, Verdict::Grew);
    assert_eq!(first(&of(1000)).bound.as_ref().map(|bound| bound.declared), Some(32_000));
    assert_eq!(of(500).verdict, Verdict::LikelyLeak);
}

#[test]
fn a_limit_of_how_many_collections_there_are_bounds_none_of_them() {
    let digests = series(6, |dump, tree| {
        let boxes = tree.in_static("com.example.Boxes", "BY_USER", "java.util.HashMap", 48);
        tree.entries(boxes, 200);
        tree.limit(0, "com.example.Boxes.MAX_SIZE", 1, 50_000);
        let queue = tree.values(boxes, "java.util.ArrayDeque", 200, 200 * 24);
        let messages = 2000 * (1 + dump);
        tree.add(queue, Edge::Element, "com.example.Message", messages, 1000 * messages);
    });
    assert_eq!(owners(&digests).verdict, Verdict::LikelyLeak);
}

#[test]
fn a_cache_whose_entries_are_in_segments_below_it_is_bounded_by_what_it_declares() {
    let digests = series(6, |dump, tree| {
        let cache = "com.acme.guava.cache.LocalCache";
        let cache = tree.in_static("com.example.Plans", "CACHE", cache, 100);
        tree.tree.nodes[cache as usize].bound = 100;
        let table = "java.util.concurrent.atomic.AtomicReferenceArray";
        let segments = tree.in_field(cache, "com.acme.guava.cache.Segment.table", table, 4, 400);
        tree.entries(segments, 10 + 6 * dump);
        tree.values(segments, "com.example.Plan", 10 + 6 * dump, 100_000 * (10 + 6 * dump));
    });
    let owners = owners(&digests);
    assert_eq!(owners.verdict, Verdict::Grew);
    let bound = first(&owners).bound.clone().expect("a bound");
    assert_eq!((bound.declared, bound.now), (100, 40));
}

#[test]
fn what_a_worker_thread_knows_of_its_pool_is_the_pools() {
    let digests = series(6, |dump, tree| {
        let worker = tree.name("worker-#");
        let thread = "java.util.concurrent.ForkJoinWorkerThread";
        let worker = tree.add(0, Edge::Thread(worker), thread, 2, 400);
        let class = tree.in_static("com.example.Indexing", "other", "java.lang.Object", 16);
        let class = tree.tree.nodes[class as usize].parent;
        let pool = tree.shared(0, "java.util.concurrent.ForkJoinPool", 1, 100);
        let (workers, thread) = (tree.name("WORKERS"), tree.name(thread));
        let (pool_field, queue_field) = (tree.name("pool"), tree.name("workQueue"));
        tree.share(pool, class, Edge::Static(workers), 1);
        tree.share(pool, worker, Edge::Field(thread, pool_field), 2);
        let queues = "java.util.concurrent.ForkJoinPool$WorkQueue[]";
        let queues = tree.in_field(pool, "java.util.concurrent.ForkJoinPool.queues", queues, 1, 80);
        let queue = tree.shared(0, "java.util.concurrent.ForkJoinPool$WorkQueue", 3, 300);
        tree.share(queue, queues, Edge::Element, 3);
        tree.share(queue, worker, Edge::Field(thread, queue_field), 4);
        let tasks = 1000 * (1 + dump);
        tree.add(queue, Edge::Element, "com.example.Task", tasks, 1000 * tasks);
    });
    let owners = owners(&digests);
    assert_eq!(names(&owners), ["com.example.Indexing.WORKERS"]);
    assert_eq!(owners.verdict, Verdict::LikelyLeak);
}

#[test]
fn links_to_others_of_the_same_class_are_held_with_them() {
    let digests = series(6, |dump, tree| {
        let session = "com.example.Session";
        let ring = tree.in_static("com.example.Lobby", "RING", "com.example.Ring", 16);
        let head = tree.in_field(ring, "com.example.Ring.head", session, 1, 32);
        let next = tree.in_field(head, "com.example.Session.next", session, 1, 400);
        let before = tree.in_field(head, "com.example.Session.before", session, 1, 400);
        let sessions = tree.shared(head, session, 1000 * (1 + dump), 1_000_000 * (1 + dump));
        let class = tree.name(session);
        for (holder, field) in [(next, "next"), (before, "before")] {
            let field = tree.name(field);
            tree.share(sessions, holder, Edge::Field(class, field), 1);
        }
    });
    assert_eq!(names(&owners(&digests)), ["com.example.Ring.head"]);
}

#[test]
fn what_waits_for_its_finalizer_is_held_by_the_list_of_finalizers() {
    let of = |finalizers: u64| {
        owners(&series(6, |dump, tree| {
            let finalizer = "java.lang.ref.Finalizer";
            let list = tree.in_static(finalizer, "unfinalized", finalizer, 0);
            tree.tree.nodes[list as usize].objects = finalizers * (1 + dump);
            tree.tree.nodes[list as usize].shallow_bytes = 40 * finalizers * (1 + dump);
            let level = tree.name("phantom/finalizer");
            let files = 1000 * (1 + dump);
            tree.add(0, Edge::Level(level), "com.example.File", files, 1000 * files);
        }))
    };
    let found = of(1000);
    assert_eq!(first(&found).owner.name(), "java.lang.ref.Finalizer.unfinalized");
    assert_eq!(found.verdict, Verdict::LikelyLeak);
    assert_eq!(first(&found).contents[0].class, "com.example.File");
    let cause = first(&found).known_cause.as_ref().map(|cause| cause.id.as_str());
    assert_eq!(cause, Some("finalizer-backlog"));
    // What only phantom references lead to has no finalizer.
    assert_ne!(first(&of(1)).owner.name(), "java.lang.ref.Finalizer.unfinalized");
}

#[test]
fn of_threads_that_multiply_the_method_that_holds_most_is_told() {
    let digests = series(6, |dump, tree| {
        let threads = 40 * (1 + dump);
        let name = tree.name("mailbox-#");
        let thread = tree.add(0, Edge::Thread(name), "java.lang.Thread", threads, 120 * threads);
        let methods =
            ["com.example.Polling.poll", "com.example.Polling.run", "java.lang.Thread.run"];
        for (method, bytes) in methods.into_iter().zip([20_000, 100, 50_000]) {
            let method = tree.name(method);
            tree.add(thread, Edge::Local(method), "java.util.ArrayList", threads, bytes * threads);
        }
    });
    let owners = owners(&digests);
    assert_eq!(first(&owners).owner.name(), "java.lang.Thread (mailbox-#)");
    assert_eq!(first(&owners).site.as_deref(), Some("com.example.Polling.poll"));
}
