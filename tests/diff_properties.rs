//! What must hold for any digests that are compared.

mod support;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use heapdrift::diff::trend::Trend;
use heapdrift::diff::{Comparison, DiffOptions, Row, Series, compare};
use heapdrift::digest::{Amount, ArrayKey, ClassKey, Digest};
use heapdrift::index::census::LengthRange;
use proptest::prelude::*;
use support::digests::empty;

/// A digest of classes `C0`, `C1`, … with these instances of 24 bytes.
fn digest(time_ms: u64, instances: &[u32]) -> Digest {
    let mut digest = empty(time_ms);
    for (nth, count) in instances.iter().enumerate().filter(|(_, count)| **count > 0) {
        let amount = Amount::new(u64::from(*count), u64::from(*count) * 24);
        let name = format!("p{}.C{nth}", nth % 3).into();
        let key = ClassKey { name, loader: "app".into() };
        digest.classes.add(key, amount);
        let class = format!("C{}[]", nth % 2).into();
        let key = ArrayKey { class, length: LengthRange::Exact(nth as u32) };
        digest.arrays.add(key, amount);
        digest.packages.add(format!("p{}", nth % 3), amount);
        digest.loaders.add("app".to_owned(), amount);
        digest.total.instances += amount.instances;
        digest.total.shallow_bytes += amount.shallow_bytes;
    }
    digest
}

/// The columns of a table with its other row, added up.
fn sums<K>(table: &heapdrift::diff::Table<K>, dumps: usize) -> Vec<(u64, u64)> {
    let series: Vec<&Series> = table
        .rows
        .iter()
        .map(|row| &row.series)
        .chain(table.other.iter().map(|(_, series)| series))
        .collect();
    (0..dumps)
        .map(|nth| {
            let instances = series.iter().map(|series| series.instances[nth]).sum();
            let bytes = series.iter().map(|series| series.shallow_bytes[nth]).sum();
            (instances, bytes)
        })
        .collect()
}

fn columns(series: &Series) -> Vec<(u64, u64)> {
    series.instances.iter().copied().zip(series.shallow_bytes.iter().copied()).collect()
}

fn growths(comparison: &Comparison) -> BTreeMap<String, i64> {
    let rows = comparison.classes.rows.iter();
    rows.map(|row| (row.key.name.to_string(), row.series.growth_bytes())).collect()
}

fn series_of_dumps() -> impl Strategy<Value = Vec<Vec<u32>>> {
    prop::collection::vec(prop::collection::vec(0..2000u32, 6), 2..7)
}

/// Few instances: rows that are missing somewhere, and rows that grow alike.
fn series_that_come_and_go() -> impl Strategy<Value = Vec<Vec<u32>>> {
    prop::collection::vec(prop::collection::vec(0..3u32, 6), 2..7)
}

proptest! {
    #[test]
    fn every_table_adds_up_to_the_total_whatever_is_cut_off(
        dumps in series_of_dumps(),
        top in prop::option::of(0..8usize),
        only_changed: bool,
    ) {
        let digests: Vec<_> = dumps.iter().zip(0..).map(|(row, nth)| digest(nth, row)).collect();
        let comparison = compare(&digests, &DiffOptions { top, only_changed, ..DiffOptions::default() });
        let total = columns(&comparison.total);
        prop_assert_eq!(sums(&comparison.classes, digests.len()), total.clone());
        prop_assert_eq!(sums(&comparison.packages, digests.len()), total.clone());
        prop_assert_eq!(sums(&comparison.loaders, digests.len()), total);
        prop_assert_eq!(
            sums(&comparison.arrays, digests.len()),
            columns(&comparison.array_total)
        );
    }

    #[test]
    fn rows_are_what_each_dump_has_of_them_by_growth_then_by_key(
        dumps in series_that_come_and_go(),
        top in 0..8usize,
    ) {
        let digests: Vec<_> = dumps.iter().zip(0..).map(|(row, nth)| digest(nth, row)).collect();
        let of_top = |top| compare(&digests, &DiffOptions { top, ..DiffOptions::default() }).arrays.rows;
        let rows = of_top(None);
        let keys = digests.iter().flat_map(|digest| digest.arrays.rows.keys());
        prop_assert_eq!(rows.len(), keys.collect::<BTreeSet<_>>().len());
        for row in &rows {
            let amounts = digests.iter().map(|digest| digest.arrays.rows.get(&row.key));
            let amounts: Vec<(u64, u64)> = amounts
                .map(|amount| amount.map_or((0, 0), |of| (of.instances, of.shallow_bytes)))
                .collect();
            prop_assert_eq!(columns(&row.series), amounts);
        }
        let place = |row: &Row<ArrayKey>| {
            let series = &row.series;
            (Reverse((series.growth_bytes(), series.growth_instances())), row.key.clone())
        };
        prop_assert!(rows.windows(2).all(|pair| place(&pair[0]) < place(&pair[1])));
        prop_assert_eq!(of_top(Some(top)), &rows[..top.min(rows.len())]);
    }

    #[test]
    fn a_dump_compared_with_itself_does_not_grow(row in prop::collection::vec(0..2000u32, 6)) {
        let comparison = compare(&[digest(1, &row), digest(2, &row)], &DiffOptions::default());
        for row in &comparison.classes.rows {
            prop_assert_eq!(row.series.growth_bytes(), 0);
            prop_assert_eq!(row.series.trend, Trend::Flat);
        }
        prop_assert_eq!(comparison.total.growth_bytes(), 0);
    }

    #[test]
    fn growth_turns_its_sign_when_dumps_are_swapped(
        a in prop::collection::vec(0..2000u32, 6),
        b in prop::collection::vec(0..2000u32, 6),
    ) {
        let options = DiffOptions::default();
        let there = growths(&compare(&[digest(1, &a), digest(2, &b)], &options));
        let back = growths(&compare(&[digest(1, &b), digest(2, &a)], &options));
        let negated: BTreeMap<_, _> = back.into_iter().map(|(name, growth)| (name, -growth)).collect();
        prop_assert_eq!(there, negated);
    }

    #[test]
    fn growth_of_nothing_is_new_and_has_no_percentage(count in 1..2000u32) {
        let comparison =
            compare(&[digest(1, &[0]), digest(2, &[count])], &DiffOptions::default());
        let series = &comparison.classes.rows[0].series;
        prop_assert_eq!(series.trend, Trend::New);
        prop_assert_eq!(series.growth_percent(), None);
    }
}

#[test]
fn dumps_of_another_process_split_the_series_and_another_main_class_cannot_be_compared() {
    let mut digests: Vec<_> = (0..4).map(|nth| digest(nth, &[1, 2])).collect();
    digests[2].facts.process = Some("other".to_owned());
    digests[3].facts.process = Some("other".to_owned());
    let found = compare(&digests, &DiffOptions::default()).comparability;
    assert_eq!(found.segments, [vec![0, 1], vec![2, 3]]);
    assert_eq!(found.one_process, Some(false));
    assert!(found.ok);
    digests[3].facts.main_class = Some("A".to_owned());
    digests[0].facts.main_class = Some("B".to_owned());
    assert!(!compare(&digests, &DiffOptions::default()).comparability.ok);
}

#[test]
fn lengths_that_one_dump_counts_in_buckets_are_counted_so_in_all() {
    let mut digests = [digest(1, &[1; 12]), digest(2, &[2; 12])];
    let lengths = |digests: &[Digest]| -> Vec<(u64, LengthRange)> {
        let rows = compare(digests, &DiffOptions::default()).arrays.rows;
        rows.iter().map(|row| (row.series.instances[1], row.key.length)).collect()
    };
    assert_eq!(lengths(&digests).len(), 12);
    digests[0].folded_from = Some(5);
    let found = lengths(&digests);
    assert_eq!(found.len(), 10, "{found:?}");
    // Even lengths are those of one class, odd ones those of the other.
    let (exact, range) = (LengthRange::Exact, LengthRange::Range);
    let (even, odd) = ([(2, range(5, 7)), (2, exact(8))], [(4, range(5, 7)), (4, range(9, 15))]);
    for row in even.iter().chain(&odd) {
        assert!(found.contains(row), "{row:?} in {found:?}");
    }
    let warnings = compare(&digests, &DiffOptions::default()).comparability.warnings;
    assert!(warnings.join("\n").contains("from 5 on"), "{warnings:?}");
}

#[test]
fn rates_need_times_that_rise() {
    let rate = |times: [u64; 2]| {
        let digests = [digest(times[0], &[1000]), digest(times[1], &[2000])];
        compare(&digests, &DiffOptions::default()).total.bytes_per_hour
    };
    assert_eq!(rate([0, 3_600_000]), Some(24_000.0));
    assert_eq!(rate([5, 5]), None);
}
