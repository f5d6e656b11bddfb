//! The brute-force reading of dumps that `tests/retained.rs` relies on: is it right itself?

mod support;

use std::collections::BTreeMap;
use std::fs;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use support::brute::{Graph, PHANTOM, Retention, SOFT, STRONG, UNREACHABLE, WEAK, read};
use support::heaps::plan;
use support::real_dumps;

fn runner(cases: u32) -> TestRunner {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

/// Retained counts by both methods, which must agree.
#[track_caller]
fn retained(graph: &Graph) -> Vec<u64> {
    retention(graph).objects
}

#[track_caller]
fn retention(graph: &Graph) -> Retention {
    let sizes: Vec<u64> = (0..graph.len() as u64).map(|v| 16 + 1000 * v).collect();
    let retention = graph.retention(&sizes);
    assert_eq!(retention, graph.retention_by_definition(&sizes), "{graph:?}");
    retention
}

/// The objects directly under the virtual root of a level.
fn tops(graph: &Graph, level: u8) -> Vec<usize> {
    let dominators = retention(graph).dominators;
    (0..graph.len()).filter(|&v| graph.level[v] == level && dominators[v].is_none()).collect()
}

#[test]
fn both_ends_of_a_diamond_hang_on_its_top() {
    let graph = Graph::new(5, &[(0, 1), (0, 2), (1, 3), (2, 3), (3, 4)], &[], &[0]);
    assert_eq!(retention(&graph).dominators, [None, Some(0), Some(0), Some(0), Some(3)]);
    assert_eq!(retained(&graph), [5, 1, 1, 2, 1]);
}

#[test]
fn what_two_roots_hold_hangs_on_neither() {
    let graph = Graph::new(4, &[(0, 2), (1, 2), (2, 3), (3, 2)], &[], &[0, 1]);
    assert_eq!(retention(&graph).dominators, [None, None, None, Some(2)]);
    assert_eq!(retained(&graph), [1, 1, 2, 1]);
}

#[test]
fn a_root_that_something_else_refers_to_hangs_on_nothing() {
    let graph = Graph::new(3, &[(0, 1), (1, 2)], &[], &[0, 1]);
    assert_eq!(retained(&graph), [1, 2, 1]);
}

#[test]
fn irreducible_loops_hang_on_what_leads_to_both_entries() {
    // 0 -> 1, 2; 1 <-> 2 -> 3 -> 1
    let edges = [(0, 1), (0, 2), (1, 2), (2, 1), (2, 3), (3, 1)];
    let graph = Graph::new(4, &edges, &[], &[0]);
    assert_eq!(retention(&graph).dominators, [None, Some(0), Some(0), Some(2)]);
    assert_eq!(retained(&graph), [4, 1, 2, 1]);
}

#[test]
fn a_referent_takes_the_level_of_the_weakest_reference_on_its_strongest_way() {
    // 0 is a root; 1 soft, 2 weak, 3 phantom references. 4 is behind all of them, 5 behind weak and phantom ones, 6
    // behind the phantom one, 7 behind a weak reference that is the referent of a soft one, 8 nowhere.
    let references = [(0, 1), (0, 2), (0, 3), (4, 9), (5, 4), (6, 5), (7, 6)];
    let referents = [(1, SOFT, 4), (2, WEAK, 5), (3, PHANTOM, 6), (9, WEAK, 7)];
    let graph = Graph::new(10, &references, &referents, &[0]);
    let expected = [STRONG, STRONG, STRONG, STRONG, SOFT, WEAK, WEAK, WEAK, UNREACHABLE, SOFT];
    assert_eq!(graph.level, expected);
    assert_eq!(graph.seeds, [vec![0], vec![4], vec![5, 7], vec![], vec![8]]);
    assert_eq!(retained(&graph), [4, 1, 1, 1, 2, 1, 1, 2, 1, 1]);
}

#[test]
fn a_chain_of_references_of_one_kind_is_of_one_level_and_each_stands_alone() {
    let referents = [(0, WEAK, 1), (1, WEAK, 2), (2, WEAK, 3)];
    let graph = Graph::new(5, &[(3, 4)], &referents, &[0]);
    assert_eq!(graph.level, [STRONG, WEAK, WEAK, WEAK, WEAK]);
    assert_eq!(retained(&graph), [1, 1, 1, 2, 1]);
}

#[test]
fn a_referent_of_an_earlier_kind_is_of_the_level_of_its_reference_and_stands_alone() {
    let referents = [(0, PHANTOM, 1), (1, WEAK, 2), (2, SOFT, 3)];
    let graph = Graph::new(4, &[], &referents, &[0]);
    assert_eq!(graph.level, [STRONG, PHANTOM, PHANTOM, PHANTOM]);
    assert_eq!(retained(&graph), [1, 1, 1, 1]);
}

#[test]
fn garbage_hangs_on_what_no_garbage_refers_to_and_then_on_the_lowest_of_each_cycle() {
    // 1 <-> 2 -> 3; 9 -> 3; 6 -> 4 <-> 5; 7 -> 7; 8 is a soft reference to 0
    let edges = [(1, 2), (2, 1), (2, 3), (9, 3), (6, 4), (4, 5), (5, 4), (7, 7)];
    let graph = Graph::new(10, &edges, &[(8, SOFT, 0)], &[]);
    assert_eq!(tops(&graph, UNREACHABLE), [0, 1, 3, 6, 7, 8, 9]);
    assert_eq!(retained(&graph), [1, 2, 1, 1, 2, 1, 3, 1, 1, 1]);
}

#[test]
fn a_cycle_that_another_one_leads_to_hangs_on_that_whatever_their_addresses() {
    let graph = Graph::new(4, &[(0, 1), (1, 0), (2, 3), (3, 2), (2, 0)], &[], &[]);
    assert_eq!(tops(&graph, UNREACHABLE), [2]);
    let graph = Graph::new(4, &[(0, 1), (1, 0), (2, 3), (3, 2), (0, 2)], &[], &[]);
    assert_eq!(tops(&graph, UNREACHABLE), [0]);
}

#[test]
fn what_a_circle_of_garbage_holds_hangs_on_it_whatever_its_address() {
    // 0 <- 3 <-> 4 -> 1 -> 5 <-> 2; 6 is a soft reference and leads to 7 and back.
    let edges = [(3, 0), (3, 4), (4, 3), (4, 1), (1, 5), (5, 2), (2, 5), (7, 6)];
    let graph = Graph::new(8, &edges, &[(6, SOFT, 7)], &[]);
    assert_eq!(tops(&graph, UNREACHABLE), [3, 7]);
    let dominators = [Some(3), Some(4), Some(5), None, Some(3), Some(1), Some(7), None];
    assert_eq!(retention(&graph).dominators, dominators);
}

#[test]
fn both_ways_to_dominators_agree_on_any_graph() {
    let graphs = (1..14_usize).prop_flat_map(|n| {
        let edges = prop::collection::vec((0..n, 0..n), 0..3 * n);
        let referents = prop::collection::vec((0..n, SOFT..=PHANTOM, 0..n), 0..n);
        let roots = prop::collection::vec(0..n, 0..3);
        (Just(n), edges, referents, roots)
    });
    let result = runner(20_000).run(&graphs, |(n, edges, referents, roots)| {
        retained(&Graph::new(n, &edges, &referents, &roots));
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn the_reader_finds_what_was_written() {
    let result = runner(3000).run(&plan(), |plan| {
        let heap = plan.build();
        let facts = read(&heap.file);
        prop_assert_eq!(&facts, &heap.facts);
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}

/// Every level, with trees in it, and every kind of root and reference: else the random heaps prove little.
#[test]
fn random_heaps_reach_every_level_with_trees_in_it() {
    const CASES: u32 = 300;
    let mut heaps = [0; 5];
    let mut deep = [0; 5];
    let mut frames_of_threads = 0;
    let mut strategy = runner(1);
    for _ in 0..CASES {
        let plan = plan().new_tree(&mut strategy).expect("a plan").current();
        let heap = plan.build();
        let graph = Graph::of(&heap.facts);
        let dominators = graph.retention(&vec![1; graph.len()]).dominators;
        for level in 0..5 {
            let members = (0..graph.len()).filter(|&v| usize::from(graph.level[v]) == level);
            let members: Vec<usize> = members.collect();
            heaps[level] += u32::from(!members.is_empty());
            deep[level] += u32::from(members.iter().any(|&v| dominators[v].is_some()));
        }
        let thread = |v: &u64| heap.facts.objects[v] == "java/lang/Thread";
        frames_of_threads += heap.facts.references.iter().filter(|(from, _)| thread(from)).count();
    }
    for level in 0..5 {
        assert!(heaps[level] >= CASES / 5, "heaps with objects of each level: {heaps:?}");
        assert!(deep[level] >= CASES / 8, "heaps with trees in each level: {deep:?}");
    }
    assert!(frames_of_threads >= CASES as usize / 3, "{frames_of_threads}");
}

/// A reader that missed a kind of reference would find more of a collected heap unreachable; one that missed or made
/// up objects would not count what the JVM counted.
#[test]
fn real_dumps_hold_the_objects_that_the_jvm_counted_and_most_are_reachable() {
    let mut dumps = 0;
    for path in real_dumps() {
        let facts = read(&fs::read(&path).expect("a dump"));
        let histogram = path.to_string_lossy().replace(".hprof.gz", ".histo.txt");
        let mut expected: BTreeMap<String, usize> = BTreeMap::new();
        for line in fs::read_to_string(&histogram).expect("a histogram").lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let (Some(Ok(count)), Some(name)) =
                (words.get(1).map(|word| word.parse::<usize>()), words.get(3))
            else {
                continue;
            };
            // Archived classes have no record, fillers are plain int[]; jmap writes some names in other ways.
            let other_name = name.contains("0x") || !name.is_ascii();
            let filler = ["[I", "[Ljdk.internal.vm.FillerElement;"].contains(name);
            if line.starts_with('#') || *name == "java.lang.Class" || other_name || filler {
                continue;
            }
            *expected.entry(name.to_string()).or_default() += count;
        }
        assert!(expected.len() > 100, "{} rows of {histogram}", expected.len());
        let mut found: BTreeMap<String, usize> = BTreeMap::new();
        for class in facts.objects.values() {
            *found.entry(class.replace('/', ".")).or_default() += 1;
        }
        for (name, count) in expected {
            assert_eq!(found.get(&name), Some(&count), "{name} of {histogram}");
        }
        if !histogram.contains("not-live") {
            let graph = Graph::of(&facts);
            let strong = graph.level.iter().filter(|&&level| level == STRONG).count();
            assert!(strong * 5 > graph.len() * 4, "{strong} of {} in {histogram}", graph.len());
        }
        dumps += 1;
    }
    assert!(dumps > 20, "{dumps} dumps");
}
