//! What a comparison says to people, on owner trees made up by hand.

mod support;

use std::sync::Arc;

use heapdrift::diff::{DiffOptions, compare};
use heapdrift::digest::Digest;
use heapdrift::index::census::Grade;
use heapdrift::library::Catalog;
use heapdrift::report::diff_text::{self, DiffView};
use heapdrift::report::json::Tables;
use support::trees::{Tree, series};
use unicode_width::UnicodeWidthStr;

/// The report without colours.
fn report_in(digests: &[Digest], columns: Option<usize>, in_numbers: bool) -> String {
    let catalog = Some(Arc::new(Catalog::built_in().expect("it is well formed")));
    let options = DiffOptions { catalog, top: Some(10), only_changed: true, heap_max: None };
    let tables = Tables {
        owners: true,
        classes: true,
        arrays: false,
        packages: false,
        loaders: false,
        threads: false,
        roots: false,
    };
    let view = DiffView { tables, columns, heap_max: None, in_numbers };
    let report = diff_text::render(&compare(digests, &options), view);
    anstream::adapter::strip_str(&report).to_string()
}

fn report(digests: &[Digest]) -> String {
    report_in(digests, None, false)
}

/// A text without its line breaks.
fn flat(report: &str) -> String {
    report.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A line of the first finding with its label.
fn labelled<'a>(report: &'a str, label: &str) -> Option<&'a str> {
    let start = format!("   {label:<7} ");
    report.lines().find_map(|line| line.strip_prefix(start.as_str()))
}

/// A queue of such lengths, with 1 KB for each entry.
fn queues(lengths: &[u64]) -> Vec<Digest> {
    series(lengths.len(), |dump, tree| {
        let queue = "java.util.concurrent.LinkedBlockingQueue";
        queue_of(tree, queue, lengths[dump as usize]);
    })
}

fn queue_of(tree: &mut Tree, class: &str, length: u64) {
    let queue = tree.in_static("com.example.Inbox", "WAITING", class, 48);
    tree.entries(queue, length);
    tree.values(queue, "com.example.Letter", length, 1000 * length);
}

/// Dumps at such seconds.
fn at_seconds(mut digests: Vec<Digest>, seconds: &[u64]) -> Vec<Digest> {
    for (digest, second) in digests.iter_mut().zip(seconds) {
        digest.facts.time_ms = 1_700_000_000_000 + second * 1000;
    }
    digests
}

#[test]
fn equal_steps_are_no_slowing_and_uneven_times_are_told() {
    let even = [1000, 2000, 3000, 4000, 5000, 6000];
    let told = report(&at_seconds(queues(&even), &[0, 10, 20, 30, 40, 50]));
    assert!(!told.contains("slows down") && told.contains("in each of 5 steps, evenly"), "{told}");
    let told = flat(&report(&at_seconds(queues(&even), &[0, 10, 20, 30, 90, 150])));
    assert!(told.contains("per hour it slows down (the dumps are 10 s to 1 min apart)"), "{told}");
    let told = flat(&report(&queues(&[1000, 3000, 4200, 4900, 5200, 5300])));
    assert!(told.contains("it slows down, as what warms up"), "{told}");
}

#[test]
fn the_steps_that_make_most_of_it_are_counted() {
    let told = flat(&report(&queues(&[1000, 5000, 5000, 5000, 9000, 9000])));
    assert!(told.contains("two of 5 steps make all of it"), "{told}");
    let told = flat(&report(&queues(&[1000, 1001, 9001, 9002, 9003, 9004])));
    assert!(told.contains("one of") && told.contains("makes all of it"), "{told}");
    let told = flat(&report(&queues(&[1000, 3000, 3000, 3000, 3000, 3000])));
    assert!(told.contains("not suspected: one of 5 steps makes all of it"), "{told}");
    assert!(!told.contains("0 per hour") && !told.contains("less than 1 % of the heap"), "{told}");
}

#[test]
fn rates_per_hour_need_minutes() {
    let even = [1000, 2000, 3000, 4000, 5000, 6000];
    let seconds = report(&at_seconds(queues(&even), &[0, 1, 2, 3, 4, 5]));
    assert!(seconds.contains("+1.0M per step") && !seconds.contains("hour"), "{seconds}");
    let hours = report(&queues(&even));
    assert!(hours.contains("+1.0M per hour") && !hours.contains("per step"), "{hours}");
}

#[test]
fn what_decided_comes_first_and_letters_are_for_those_who_ask() {
    let digests = queues(&[1000, 3000, 4200, 4900, 5200, 5300]);
    let told = report(&digests);
    let why = labelled(&told, "why").expect("a reason");
    assert!(why.starts_with("not suspected: "), "{why}");
    assert!(!why.contains("E 1.00"), "{why}");
    assert!(flat(&report_in(&digests, None, true)).contains("E 1.00, L "), "the numbers");
}

#[test]
fn advice_under_growth_that_is_no_suspect_is_conditional_or_left_out() {
    let leak = report(&queues(&[1000, 2000, 3000, 4000, 5000]));
    assert!(labelled(&leak, "known").is_some_and(|known| !known.starts_with("if")), "{leak}");
    let fills = report(&queues(&[1000, 3000, 4200, 4900, 5200, 5300]));
    let known = labelled(&fills, "known").expect("a cause");
    assert!(known.starts_with("if it goes on: "), "{fills}");
    let bounded = report(&series(5, |dump, tree| {
        let owner = tree.in_static("com.example.Inbox", "IT", "com.example.Inbox", 24);
        tree.limit(owner, "com.example.Inbox.maxEntries", 1, 9000);
        let queue = "java.util.concurrent.LinkedBlockingQueue";
        let queue = tree.in_field(owner, "com.example.Inbox.waiting", queue, 1, 48);
        tree.entries(queue, 1000 + 1000 * dump);
        tree.values(queue, "com.example.Letter", 1000 + 1000 * dump, 1_000_000 * (1 + dump));
    }));
    assert!(bounded.contains("not suspected: bounded at 9,000"), "{bounded}");
    assert_eq!(labelled(&bounded, "known"), None, "{bounded}");
}

#[test]
fn large_growth_that_is_explained_has_a_line_and_trifles_are_no_rows() {
    let told = report(&series(6, |dump, tree| {
        queue_of(tree, "java.util.concurrent.LinkedBlockingQueue", 1000 + 1000 * dump);
        let full = [4000, 15_000, 19_000, 19_900, 20_000, 20_000][dump as usize];
        let pages = tree.in_static("com.example.Pages", "FULL", "java.util.HashMap", 48);
        tree.entries(pages, full);
        tree.values(pages, "com.example.Page", full, 1000 * full);
        let few = tree.in_static("com.example.Few", "SOME", "java.util.HashMap", 48);
        tree.values(few, "com.example.Crumb", 1 + dump, 300 + dump);
    }));
    assert!(told.contains("Likely leak: one owner"), "{told}");
    let line = told.lines().find(|line| line.contains("of the growth is com.example.Pages.FULL: "));
    assert!(line.is_some_and(|line| line.contains("slows down")), "{told}");
    let table = &told[told.find("growth by owner").expect("the table")..];
    assert!(!table.contains("Few.SOME") && table.contains("more owners)"), "{table}");
}

#[test]
fn the_next_command_leads_to_something_of_the_program() {
    let next = |digests: &[Digest]| {
        let report = report(digests);
        report.lines().find(|line| line.starts_with(" next: ")).map(str::to_owned)
    };
    let letters = next(&queues(&[1000, 2000, 3000, 4000, 5000])).expect("a command");
    assert!(letters.ends_with(r"--class '^com\.example\.Letter$'"), "{letters}");
    let strings = |parent: &str| {
        let parent = parent.to_owned();
        series(5, move |dump, tree| {
            let holder = tree.in_static("com.example.Names", "IT", "com.example.Names", 24);
            let map = match parent.as_str() {
                "field" => {
                    tree.in_field(holder, "com.example.Names.all", "java.util.HashMap", 1, 48)
                }
                _ => tree.in_static("com.example.Names", "ALL", "java.util.HashMap", 48),
            };
            tree.entries(map, 1000 + 1000 * dump);
            tree.values(map, "java.lang.String", 1000 + 1000 * dump, 1_000_000 * (1 + dump));
        })
    };
    let names = next(&strings("field")).expect("a command");
    assert!(names.ends_with(r"--class '^com\.example\.Names$'"), "{names}");
    let owners = next(&strings("static")).expect("a command");
    assert!(owners.ends_with("--owners"), "{owners}");
    assert_eq!(next(&queues(&[1000, 1000, 1000, 1000, 1001])), None, "it is steady");
}

#[test]
fn classes_of_the_program_are_no_system_classes() {
    let told = report(&queues(&[1000, 2000, 3000, 4000, 5000]));
    let alive = labelled(&told, "alive").expect("a path");
    assert!(!alive.contains("system class"), "{alive}");
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let digests = at_seconds(queues(&[1000, 3000, 4200, 4900, 5200, 5300]), &[0, 1, 2, 3, 4, 5]);
    for columns in [80, 110, 160] {
        for line in report_in(&digests, Some(columns), true).lines() {
            // A page's address is left to the terminal.
            assert!(line.width() <= columns || line.contains("://"), "{columns}: {line}");
        }
    }
}

#[test]
fn grades_of_sizes_are_told_where_sizes_are_guessed() {
    let warned = |grade| {
        let mut digests = queues(&[1000, 2000, 3000]);
        digests[0].facts.sizes.grade = Grade::Exact;
        digests[1].facts.sizes.grade = grade;
        digests[2].facts.sizes.grade = Grade::Exact;
        report(&digests).contains("different grade of the sizes")
    };
    assert!(!warned(Grade::Consistent));
    assert!(warned(Grade::Estimated));
}

#[test]
fn classes_of_a_loader_that_tells_no_source_are_the_programs_by_their_package() {
    let owner = |main: &str| {
        let mut digests = queues(&[1000, 2000, 3000, 4000, 5000]);
        digests.iter_mut().for_each(|digest| digest.facts.main_class = Some(main.to_owned()));
        labelled(&report(&digests), "owner").map(str::to_owned)
    };
    assert_eq!(owner("com.example.Main").as_deref(), Some("application (by name)"));
    assert_eq!(owner("org.other.Main"), None);
}
