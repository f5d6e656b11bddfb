//! The dominator tree by classes, and what the topmost members of classes retain. Each takes passes
//! over all objects of the index.

use std::io;
use std::sync::atomic::{AtomicU32, AtomicU64};

use hashbrown::HashMap;

use super::array::{Access, Array, Budget, Cell};
use super::store::{HeapIndex, Level, Retained};

/// Objects of one class that one object or group dominates immediately.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// Index into the kinds of the index.
    pub kind: u32,
    pub objects: u64,
    /// The object of a group of one.
    pub only: u64,
    pub shallow_bytes: u64,
    pub retained: Retained,
    /// The largest groups of what these objects dominate, most first.
    pub children: Vec<Group>,
    /// The other groups: how many, their objects, what they retain.
    pub other: (u64, u64, Retained),
}

/// Objects that retain at least this share of what dominates them make groups of their own.
const SHARE: u64 = 20;
/// Groups that are followed below another one, and the share of the strong level that they retain
/// at least; the others are summed.
const FOLLOWED: usize = 20;
const FOLLOWED_SHARE: u64 = 100;

/// A group while it is counted; its number is its place among all of them.
struct Counted {
    group: Group,
    parent: u32,
}

/// The virtual root of the strong level is number 0.
const ROOT: u32 = 0;

/// The tree of the strong level down to a depth. Gives the virtual root, which is no object.
///
/// # Errors
/// No memory.
pub fn dominator_tree(index: &HeapIndex, depth: usize) -> io::Result<Group> {
    let objects = usize::try_from(index.objects()).map_err(io::Error::other)?;
    // The number of the group of each object that is in one; pages without any take no memory.
    let numbers = Array::<AtomicU32>::sparse(objects)?;
    let strong = index.totals()[Level::Strong as usize];
    let root = Group { retained: strong, ..Group::default() };
    let mut all = vec![Counted { group: root, parent: ROOT }];
    let least = strong.bytes.div_ceil(FOLLOWED_SHARE);
    let mut followed = vec![ROOT];
    for _ in 0..depth {
        let first = all.len();
        let mut places: HashMap<(u32, u32, u64), u32> = HashMap::new();
        let is_followed: Vec<bool> = {
            let mut flags = vec![false; first];
            followed.iter().for_each(|number| flags[*number as usize] = true);
            flags
        };
        index.for_each(|object, dominator, retained| {
            let parent = match dominator {
                Some(dominator) => match numbers.get(dominator as usize).map_or(0, Cell::get) {
                    0 => return,
                    number => number as u32,
                },
                None => ROOT,
            };
            // Numbers beyond were given in this pass: their children are a matter of the next.
            if !is_followed.get(parent as usize).is_some_and(|is| *is) {
                return;
            }
            if dominator.is_none() && index.level(object) != Level::Strong {
                return;
            }
            let Some((kind, _)) = index.kind(object) else { return };
            let is_large = retained.bytes * SHARE >= all[parent as usize].group.retained.bytes;
            let own = if is_large { object } else { u64::MAX };
            let number = *places.entry((parent, kind, own)).or_insert_with(|| {
                all.push(Counted { group: Group { kind, ..Group::default() }, parent });
                (all.len() - 1) as u32
            });
            let group = &mut all[number as usize].group;
            group.objects += 1;
            group.only = object;
            group.shallow_bytes += shallow(index, object, retained);
            group.retained.bytes += retained.bytes;
            group.retained.objects += retained.objects;
            numbers[object as usize].set(number.into());
        });
        followed = largest(&mut all, first, least);
    }
    Ok(assemble(all, least))
}

/// Of the groups from `first` on, sums those that are not among the largest of their parent, or
/// retain less than `least` bytes, in the parent, and gives the others.
fn largest(all: &mut [Counted], first: usize, least: u64) -> Vec<u32> {
    let mut numbers: Vec<u32> = (first as u32..all.len() as u32).collect();
    numbers.sort_by_key(|number| {
        let Counted { group, parent } = &all[*number as usize];
        (*parent, std::cmp::Reverse(group.retained.bytes), group.kind, group.only)
    });
    let mut kept = Vec::new();
    let mut parent = None;
    let mut taken = 0;
    for number in numbers {
        let Counted { group, parent: above } = &all[number as usize];
        let (objects, retained, above) = (group.objects, group.retained, *above);
        if parent != Some(above) {
            (parent, taken) = (Some(above), 0);
        }
        if taken < FOLLOWED && retained.bytes >= least {
            taken += 1;
            kept.push(number);
            continue;
        }
        let other = &mut all[above as usize].group.other;
        other.0 += 1;
        other.1 += objects;
        other.2.bytes += retained.bytes;
        other.2.objects += retained.objects;
    }
    kept
}

/// Puts the groups that were kept below their parents.
fn assemble(mut all: Vec<Counted>, least: u64) -> Group {
    // Children come behind their parents: from the end, each group is whole when it is moved.
    let mut order: Vec<Vec<Group>> = all.iter().map(|_| Vec::new()).collect();
    while all.len() > 1 {
        let Some(Counted { mut group, parent }) = all.pop() else { break };
        group.children = order.pop().unwrap_or_default();
        order[parent as usize].push(group);
    }
    let mut root = all.pop().map(|root| root.group).unwrap_or_default();
    root.children = order.pop().unwrap_or_default();
    tidy(&mut root, least);
    root
}

/// Sorts the children, and drops those that are summed.
fn tidy(root: &mut Group, least: u64) {
    // As deep as the tree that was asked for: no recursion over data.
    let mut open = vec![root];
    while let Some(group) = open.pop() {
        group
            .children
            .sort_by_key(|child| (std::cmp::Reverse(child.retained.bytes), child.kind, child.only));
        group.children.retain(|child| child.retained.bytes >= least);
        group.children.truncate(FOLLOWED);
        open.extend(group.children.iter_mut());
    }
}

/// What the topmost members of a set of objects retain: those that no other member dominates.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Topmost {
    /// Members of the strong level, and their shallow bytes.
    pub objects: u64,
    pub shallow_bytes: u64,
    pub topmost: u64,
    pub retained: Retained,
}

/// What the topmost members of each set retain. `sets` gives the set of each kind; the number of
/// sets is `count`.
///
/// An ancestor is found by numbering objects so that each comes before all that it dominates, and
/// these follow it without a gap: then one look at the sets in that order is enough, however deep
/// the tree is.
///
/// # Errors
/// No memory, or no room for temporary files.
pub fn topmost(
    index: &HeapIndex,
    sets: &[Option<u32>],
    count: usize,
    budget: &Budget,
) -> io::Result<Vec<Topmost>> {
    if index.objects() < u64::from(u32::MAX) - 1 {
        topmost_of::<AtomicU32>(index, sets, count, budget)
    } else {
        topmost_of::<AtomicU64>(index, sets, count, budget)
    }
}

fn topmost_of<C: Cell>(
    index: &HeapIndex,
    sets: &[Option<u32>],
    count: usize,
    budget: &Budget,
) -> io::Result<Vec<Topmost>> {
    let objects = index.objects();
    let array = || Array::<C>::new(budget, objects, Access::Random);
    // Dominator plus one, and number of objects dominated.
    let (above, sizes) = (array()?, array()?);
    index.for_each(|object, dominator, retained| {
        let above_it = dominator.filter(|dominator| *dominator < objects);
        above[object as usize].set(above_it.map_or(0, |dominator| dominator + 1));
        sizes[object as usize].set(retained.objects);
    });
    // Where the next object below each one goes, plus one; 0 as long as that is not known.
    let next = array()?;
    let order = array()?;
    let mut free = 0;
    let mut path = Vec::new();
    for object in 0..objects {
        let mut at = object;
        while next[at as usize].get() == 0 {
            path.push(at);
            if path.len() as u64 > objects {
                return Err(io::Error::other("the index is damaged: dominators go in a circle"));
            }
            match above[at as usize].get() {
                0 => break,
                above => at = above - 1,
            }
        }
        while let Some(at) = path.pop() {
            let size = sizes[at as usize].get();
            let place = match above[at as usize].get() {
                0 => {
                    free += size;
                    free - size
                }
                above => {
                    let cell = &next[(above - 1) as usize];
                    let place = cell.get().wrapping_sub(1);
                    cell.set(place.wrapping_add(1 + size));
                    place
                }
            };
            next[at as usize].set(place.wrapping_add(2));
            // Sizes of a damaged index need not add up.
            if let Some(cell) = order.get(place as usize) {
                cell.set(at);
            }
        }
    }
    drop((above, next));
    let is_topmost = Array::<AtomicU64>::new(budget, objects.div_ceil(64), Access::Random)?;
    let mut covered = vec![0; count];
    let set_of = |object| index.kind(object).and_then(|(kind, _)| *sets.get(kind as usize)?);
    for place in 0..objects {
        let object = order[place as usize].get();
        let Some(set) = set_of(object) else { continue };
        if place >= covered[set as usize] {
            covered[set as usize] = place + sizes[object as usize].get();
            let word = &is_topmost[(object / 64) as usize];
            word.set(word.get() | 1 << (object % 64));
        }
    }
    let mut sums = vec![Topmost::default(); count];
    index.for_each(|object, _, retained| {
        let Some(set) = set_of(object) else { return };
        if index.level(object) != Level::Strong {
            return;
        }
        let sum = &mut sums[set as usize];
        sum.objects += 1;
        sum.shallow_bytes += shallow(index, object, retained);
        if is_topmost[(object / 64) as usize].get() >> (object % 64) & 1 == 1 {
            sum.topmost += 1;
            // In a damaged index the numbers may be anything.
            sum.retained.bytes = sum.retained.bytes.saturating_add(retained.bytes);
            sum.retained.objects = sum.retained.objects.saturating_add(retained.objects);
        }
    });
    Ok(sums)
}

/// Shallow bytes of an object, without looking for those of one that retains only itself.
fn shallow(index: &HeapIndex, object: u64, retained: Retained) -> u64 {
    if retained.objects == 1 { retained.bytes } else { index.shallow(object) }
}
