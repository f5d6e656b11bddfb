//! What each owner owns, in each dump: every byte of the heap is counted for exactly one owner, or
//! split among owners without a rest.

use std::ops::Range;

use super::credit::{Credit, Credits, LabelId, Mix};
use super::union::Union;
use crate::index::owners::Edge;

/// What an owner owns, one number for each dump.
#[derive(Clone, Debug)]
pub struct Account {
    /// Bytes, outside of the heap, too.
    pub bytes: Vec<u64>,
    /// Those that are outside of the heap.
    pub native: Vec<u64>,
    /// Entries of the collections that the owner leads to and that grow.
    pub entries: Vec<u64>,
    /// Entries of the others.
    pub flat_entries: Vec<u64>,
    /// Objects that multiply right below the owner.
    pub multiplied: Vec<u64>,
    /// Growth of what is only softly, weakly, … reachable.
    pub weak_growth: i64,
    /// Growth by classes of which there is one each: class loading.
    pub class_growth: i64,
    /// The node with the largest growth, and that growth.
    pub lead: (i64, u32),
}

impl Account {
    /// An empty account.
    pub fn new(dumps: usize) -> Self {
        Self {
            bytes: vec![0; dumps],
            native: vec![0; dumps],
            entries: vec![0; dumps],
            flat_entries: vec![0; dumps],
            multiplied: vec![0; dumps],
            weak_growth: 0,
            class_growth: 0,
            lead: (0, 0),
        }
    }

    /// Adds a part of another account.
    fn add(&mut self, part: &Self) {
        let add = |sums: &mut Vec<u64>, parts: &[u64]| {
            sums.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
        };
        add(&mut self.bytes, &part.bytes);
        add(&mut self.native, &part.native);
        add(&mut self.entries, &part.entries);
        add(&mut self.flat_entries, &part.flat_entries);
        add(&mut self.multiplied, &part.multiplied);
        self.weak_growth += part.weak_growth;
        self.class_growth += part.class_growth;
        if part.lead.0 > self.lead.0 {
            self.lead = part.lead;
        }
    }

    /// Takes in what another owner owns.
    pub fn absorb(&mut self, other: &Self) {
        let lead = self.lead;
        self.add(other);
        self.lead = lead;
    }

    /// Growth of the bytes over some of the dumps.
    pub fn growth(&self, judged: &Range<usize>) -> i64 {
        growth(&self.bytes[judged.clone()])
    }
}

/// The last value less the first.
pub fn growth(values: &[u64]) -> i64 {
    match values {
        [first, .., last] => last.wrapping_sub(*first) as i64,
        _ => 0,
    }
}

/// The accounts of all owners, by their numbers.
pub fn accounts(union: &Union<'_>, credits: &Credits, judged: &Range<usize>) -> Vec<Account> {
    let elements = elements(union, credits);
    let mut of_labels = vec![Account::new(union.dumps); credits.labels.len()];
    let mut of_mixes = vec![Account::new(union.dumps); credits.mixes.len()];
    for node in 0..union.nodes.len() as u32 {
        let account = match credits.of[node as usize] {
            Credit::Label(label) => &mut of_labels[label as usize],
            Credit::Mix(mix) => &mut of_mixes[mix as usize],
        };
        book(union, credits, judged, node, &elements, account);
    }
    for (account, mix) in of_mixes.iter().zip(&credits.mixes) {
        for (label, part) in split(account, mix) {
            of_labels[label as usize].add(&part);
        }
    }
    of_labels
}

/// Adds a node to the account of its owner.
fn book(
    union: &Union<'_>,
    credits: &Credits,
    judged: &Range<usize>,
    node: u32,
    elements: &[u64],
    account: &mut Account,
) {
    let amounts = union.amounts(node);
    let cut = credits.cut[node as usize];
    if cut == 0 {
        let held = &elements[node as usize * union.dumps..][..union.dumps];
        let entries = |dump: usize| amounts[dump].entries.max(held[dump]);
        let counts = match entries(judged.end - 1) > entries(judged.start) {
            true => &mut account.entries,
            false => &mut account.flat_entries,
        };
        counts.iter_mut().zip(0..).for_each(|(sum, dump)| *sum += entries(dump));
    }
    for (dump, amounts) in amounts.iter().enumerate() {
        account.bytes[dump] += amounts.own;
        account.native[dump] += amounts.native;
        if cut == node && node != 0 && !credits.containers.is_part(union, node) {
            account.multiplied[dump] += amounts.objects;
        }
    }
    let (first, last) = (amounts[judged.start], amounts[judged.end - 1]);
    let own = last.own.wrapping_sub(first.own) as i64;
    if credits.is_weak[node as usize] {
        account.weak_growth += own;
    }
    if union.nodes[node as usize].is_class && amounts.iter().all(|amounts| amounts.objects <= 1) {
        account.class_growth += own;
    }
    let grown = match cut {
        0 => own,
        cut if cut == node => last.retained.wrapping_sub(first.retained) as i64,
        _ => 0,
    };
    if grown > account.lead.0 {
        account.lead = (grown, node);
    }
}

/// Elements, or keys, that nodes hold, by node and dump, for those that do not multiply.
fn elements(union: &Union<'_>, credits: &Credits) -> Vec<u64> {
    let mut elements = vec![0; union.nodes.len() * union.dumps];
    let counts = |edge| matches!(edge, Edge::Element | Edge::Key);
    for (nth, node) in union.nodes.iter().enumerate() {
        if counts(node.edge) && credits.cut[node.parent as usize] == 0 {
            let at = node.parent as usize * union.dumps;
            let sums = elements[at..at + union.dumps].iter_mut();
            sums.zip(union.amounts(nth as u32)).for_each(|(sum, amounts)| *sum += amounts.objects);
        }
    }
    for (nth, sharer) in union.sharers.iter().enumerate() {
        if counts(sharer.edge) && credits.cut[sharer.holder as usize] == 0 {
            let at = sharer.holder as usize * union.dumps;
            let sums = elements[at..at + union.dumps].iter_mut();
            sums.zip(union.references(nth)).for_each(|(sum, references)| *sum += references);
        }
    }
    of_containers(union, credits, &mut elements);
    elements
}

/// Says of containers of the program's own what is said of their arrays.
fn of_containers(union: &Union<'_>, credits: &Credits, elements: &mut [u64]) {
    let containers = &credits.containers;
    for node in (1..union.nodes.len() as u32).filter(|node| credits.cut[*node as usize] == 0) {
        let parts = containers.parts(union, node);
        if parts.is_empty() {
            continue;
        }
        let entries = containers.entries(union, node, elements);
        for part in parts {
            elements[part as usize * union.dumps..][..union.dumps].fill(0);
        }
        let entries = entries.unwrap_or_else(|| vec![0; union.dumps]);
        elements[node as usize * union.dumps..][..union.dumps].copy_from_slice(&entries);
    }
}

/// Splits what several own together by their parts, without a rest.
fn split(account: &Account, mix: &Mix) -> Vec<(LabelId, Account)> {
    let mut before = 0.0;
    let mut parts = Vec::with_capacity(mix.len());
    for (nth, (label, part)) in mix.iter().enumerate() {
        let end = if nth + 1 == mix.len() { 1.0 } else { before + part };
        let of = |value: u64| (value as f64 * end) as u64 - (value as f64 * before) as u64;
        // The end of the last one is the value itself, whatever a float makes of it.
        let of = |value: u64| {
            if end == 1.0 { value - (value as f64 * before) as u64 } else { of(value) }
        };
        let all = |values: &[u64]| values.iter().map(|value| of(*value)).collect();
        let signed = |value: i64| (value as f64 * part) as i64;
        let account = Account {
            bytes: all(&account.bytes),
            native: all(&account.native),
            entries: all(&account.entries),
            flat_entries: all(&account.flat_entries),
            multiplied: all(&account.multiplied),
            weak_growth: signed(account.weak_growth),
            class_growth: signed(account.class_growth),
            lead: (signed(account.lead.0), account.lead.1),
        };
        parts.push((*label, account));
        before = end;
    }
    parts
}
