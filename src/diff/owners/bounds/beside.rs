//! Whose a limit is, where those who hold the collection that grows hold others beside it.

use std::collections::BTreeMap;
use std::ops::Range;

use super::fields::words_of_edge;
use super::{add, counts_of};
use crate::diff::owners::Scene;
use crate::diff::owners::accounts;
use crate::diff::owners::label::is_transparent;
use crate::diff::owners::path::Link;
use crate::diff::owners::union::Amounts;
use crate::index::limits::{self, Unit};
use crate::index::owners::Edge;

/// What has fewer entries than this part of what grows needs no limit.
const FEW: f64 = 0.1;
/// Counts that differ by no more than this part are those of the same entries.
const ALIKE: f64 = 0.02;
/// Collections in settings have fewer entries.
const SETTINGS: u64 = 16;

/// Whose a limit is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Whose {
    /// Of the collection that grows.
    Mine,
    /// Of that, or of one beside it.
    Unclear,
    Another,
}

/// A collection, or an array, that holders have.
pub struct Beside {
    /// The words of the field that leads there.
    words: Vec<String>,
    /// Entries of all of them, by dump.
    counts: Vec<u64>,
    objects: Vec<u64>,
    /// The sum of the lengths of arrays, by dump.
    lengths: Vec<u64>,
    /// Bytes of their own, by dump.
    bytes: Vec<u64>,
    is_array: bool,
    /// Bytes of an element, of arrays of primitives.
    width: Option<u64>,
    /// True for a collection of a class of the program's own: it may drop what is too much.
    is_own: bool,
}

impl Beside {
    /// The collection that grows.
    pub fn mine(scene: &Scene<'_>, link: &Link, counts: Vec<u64>) -> Self {
        let mut mine = Self::new(scene, link.edge, link.node);
        mine.counts = counts;
        mine
    }

    fn new(scene: &Scene<'_>, edge: Edge, node: u32) -> Self {
        let union = &scene.union;
        let class = union.name(union.nodes[node as usize].class);
        Self {
            words: words_of_edge(scene, edge),
            counts: vec![0; union.dumps],
            objects: vec![0; union.dumps],
            lengths: vec![0; union.dumps],
            bytes: vec![0; union.dumps],
            is_array: class.ends_with("[]"),
            width: class.strip_suffix("[]").and_then(width),
            is_own: !is_transparent(class),
        }
    }

    /// What holders have beside the collections that grow, that of one field together.
    pub fn of(scene: &Scene<'_>, holders: &[u32], pairs: &[(u32, u32)]) -> Vec<Self> {
        let union = &scene.union;
        let mut nodes: Vec<(Edge, u32)> = Vec::new();
        for holder in holders {
            let children = union.children(*holder);
            nodes.extend(children.map(|child| (union.nodes[child as usize].edge, child)));
            nodes.extend(union.held_by(*holder).map(|(sharer, _)| (sharer.edge, sharer.node)));
        }
        // A collection that several hold is there once.
        nodes.sort_unstable();
        nodes.dedup();
        let mut found: BTreeMap<(Edge, bool), Self> = BTreeMap::new();
        for (edge, node) in nodes {
            let is_mine = pairs.iter().any(|(_, mine)| *mine == node);
            if matches!(edge, Edge::Field(..) | Edge::Static(_)) && !is_mine {
                let one = Self::new(scene, edge, node);
                found.entry((edge, one.is_array)).or_insert(one).take(scene, node);
            }
        }
        let is_wanted = |one: &Self| one.is_array || one.counts.iter().any(|count| *count > 0);
        found.into_values().filter(is_wanted).collect()
    }

    fn take(&mut self, scene: &Scene<'_>, node: u32) {
        let amounts = scene.union.amounts(node);
        let all =
            |number: fn(&Amounts) -> u64| -> Vec<u64> { amounts.iter().map(number).collect() };
        add(&mut self.counts, &counts_of(scene, node).unwrap_or_default());
        add(&mut self.objects, &all(|amounts| amounts.objects));
        add(&mut self.lengths, &all(|amounts| amounts.bound));
        add(&mut self.bytes, &all(|amounts| amounts.own));
    }

    /// Whose a limit is, whose field and settings have these words, of this one and of others: of
    /// an array that is just so long; of the one that it is named after; of one that is full; of
    /// one that can drop what is too much, as this one cannot.
    pub fn whose(
        &self,
        others: &[Self],
        words: &[String],
        unit: Unit,
        declared: &[u64],
        scene: &Scene<'_>,
    ) -> Whose {
        let judged = scene.judged.clone();
        let of_others = || others.iter().filter(|other| !other.is_alike(self, &judged));
        if of_others().any(|other| other.is_array && other.is_as_long(declared, &judged)) {
            return Whose::Another;
        }
        if unit != Unit::Entries {
            return Whose::Mine;
        }
        let others = || of_others().filter(|other| !other.is_array);
        let is_named = self.is_named(words);
        if others().any(|other| other.is_named(words)) != is_named {
            return if is_named { Whose::Mine } else { Whose::Another };
        }
        let fits = |other: &&Self| other.fits(declared, &judged);
        let is_of =
            |other: &Self| other.is_full(declared, &judged) || (other.is_own && !self.is_own);
        if others().filter(fits).any(is_of) {
            return Whose::Another;
        }
        match others().filter(fits).any(|other| other.is_rival(self, &judged)) {
            true => Whose::Unclear,
            false => Whose::Mine,
        }
    }

    /// True when it has as many entries in all dumps: an index of the same, or their order.
    fn is_alike(&self, other: &Self, judged: &Range<usize>) -> bool {
        let counts = self.counts[judged.clone()].iter().zip(&other.counts[judged.clone()]);
        counts.into_iter().all(|(a, b)| a.abs_diff(*b) as f64 <= (ALIKE * *b as f64).max(2.0))
    }

    /// True for arrays that are as long as the limit. Those of primitives tell their bytes only.
    fn is_as_long(&self, declared: &[u64], judged: &Range<usize>) -> bool {
        /// What an array has besides its elements: a header, and what fills it up.
        const LEAST: u64 = 12;
        const MOST: u64 = 31;
        let is_as_long = |(dump, declared): (usize, &u64)| {
            let objects = self.objects[dump];
            match self.width {
                Some(_) if objects == 0 => false,
                Some(width) => {
                    let besides = self.bytes[dump].checked_sub(declared.saturating_mul(width));
                    besides.is_some_and(|all| (LEAST..=MOST).contains(&(all / objects)))
                }
                None => self.lengths[dump] == *declared,
            }
        };
        judged.clone().zip(declared).all(is_as_long)
    }

    /// True when words that say a limit say this, too.
    fn is_named(&self, words: &[String]) -> bool {
        self.words.iter().any(|word| !limits::is_general(word) && words.contains(word))
    }

    fn fits(&self, declared: &[u64], judged: &Range<usize>) -> bool {
        self.counts[judged.clone()].iter().zip(declared).all(|(count, most)| count <= most)
    }

    /// True when it reached the limit and stays there.
    fn is_full(&self, declared: &[u64], judged: &Range<usize>) -> bool {
        let mut last = self.counts[judged.clone()].iter().zip(declared).rev().take(2);
        declared.len() > 1 && last.all(|(count, most)| count == most)
    }

    /// True for what grows, too, and has entries enough to need a limit.
    fn is_rival(&self, mine: &Self, judged: &Range<usize>) -> bool {
        let last = judged.end - 1;
        accounts::growth(&self.counts[judged.clone()]) > 0
            && self.counts[last] as f64 >= FEW * mine.counts[last] as f64
    }
}

/// True for what holds no collection, or small ones only: the limits in it are those of others.
pub fn is_settings(scene: &Scene<'_>, node: u32) -> bool {
    let union = &scene.union;
    let is_small = |node: u32| {
        counts_of(scene, node).is_none_or(|counts| counts.iter().all(|count| *count < SETTINGS))
    };
    let is_field = |edge: Edge| matches!(edge, Edge::Field(..));
    is_small(node)
        && union
            .children(node)
            .filter(|child| is_field(union.nodes[*child as usize].edge))
            .all(is_small)
        && union
            .held_by(node)
            .filter(|(sharer, _)| is_field(sharer.edge))
            .all(|(sharer, _)| is_small(sharer.node))
}

/// Bytes of an element of a primitive type.
fn width(class: &str) -> Option<u64> {
    Some(match class {
        "boolean" | "byte" => 1,
        "char" | "short" => 2,
        "int" | "float" => 4,
        "long" | "double" => 8,
        _ => return None,
    })
}
