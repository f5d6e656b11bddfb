//! Where the fields of each class end, by the rules of the JDK's era.

use super::tables::{Contended, Declared, Injected, injected, references_first};
use super::{Era, Parameters};
use crate::parser::bytes::align_up;
use crate::parser::classes::{Class, ClassIndex, ClassTable};
use crate::parser::tags::FieldType;

/// End of a class's fields, not aligned, with what subclasses need to know.
#[derive(Clone, Debug, Default)]
pub struct FieldEnd {
    pub end: u64,
    /// Where the last field ends, without the padding behind it.
    last: u64,
    /// Free space between fields: offset and bytes.
    holes: Vec<(u64, u64)>,
    /// True when the class or one above it has fields.
    has_fields: bool,
    /// True when the class or one above it is padded: its holes are not filled.
    pub contended: bool,
}

/// Sizes of a class's own fields.
#[derive(Default)]
struct Own {
    /// Primitives by the logarithm of their size.
    primitives: [u64; 4],
    references: u64,
}

impl Own {
    fn add(&mut self, kind: FieldType) {
        match kind {
            FieldType::Object => self.references += 1,
            kind => self.primitives[kind.dump_size(8).ilog2() as usize] += 1,
        }
    }

    fn is_empty(&self) -> bool {
        self.references == 0 && self.primitives == [0; 4]
    }

    /// Sizes in the order in which the layout builder places them: primitives from large to small,
    /// then references.
    fn in_order(&self, reference: u64) -> impl Iterator<Item = (u64, u64)> {
        let primitives = self.primitives;
        (0..4)
            .rev()
            .map(move |log2| (1 << log2, primitives[log2]))
            .chain([(reference, self.references)])
            .filter(|(_, count)| *count > 0)
    }
}

/// Lays out some classes, and those above them; superclasses first, without recursion. The others have
/// no end.
pub fn lay_out(
    classes: &ClassTable,
    which: impl Iterator<Item = ClassIndex>,
    parameters: &Parameters,
    major: Option<u32>,
) -> Vec<FieldEnd> {
    let mut ends: Vec<Option<FieldEnd>> = vec![None; classes.classes.len()];
    let mut path = Vec::new();
    for start in which {
        let mut next = Some(start);
        while let Some(class) = next.filter(|class| ends[class.0 as usize].is_none()) {
            path.push(class);
            next = classes.get(class).superclass;
        }
        while let Some(index) = path.pop() {
            let class = classes.get(index);
            let above = class.superclass.and_then(|above| ends[above.0 as usize].clone());
            ends[index.0 as usize] = Some(lay_out_class(classes, class, above, parameters, major));
        }
    }
    ends.into_iter().map(Option::unwrap_or_default).collect()
}

/// A class with its symbols at hand.
pub struct Named<'c> {
    pub class: &'c Class,
    pub classes: &'c ClassTable,
}

impl Declared for Named<'_> {
    fn name(&self) -> &str {
        &self.class.name
    }

    fn declares(&self, field: &str) -> bool {
        let symbols = &self.classes.symbols;
        self.class.fields.iter().any(|own| symbols.bytes(own.name) == Some(field.as_bytes()))
    }
}

fn lay_out_class(
    classes: &ClassTable,
    class: &Class,
    above: Option<FieldEnd>,
    parameters: &Parameters,
    major: Option<u32>,
) -> FieldEnd {
    let declared = Named { class, classes };
    let contended = Contended::of(&declared, major);
    let (mut plain, mut group) = (Own::default(), Own::default());
    for field in &class.fields {
        let name = classes.symbols.bytes(field.name).unwrap_or_default();
        let in_group = contended
            .is_some_and(|padded| padded.group.iter().any(|member| member.as_bytes() == name));
        if in_group { group.add(field.kind) } else { plain.add(field.kind) }
    }
    let word = if parameters.is_32_bit { 4u64 } else { 8 };
    for field in injected(&declared, major) {
        match field {
            Injected::Reference => plain.references += 1,
            Injected::Word => plain.primitives[word.ilog2() as usize] += 1,
            Injected::Bytes(bytes) => plain.primitives[bytes.ilog2() as usize] += 1,
        }
    }
    let above = above.unwrap_or(FieldEnd {
        end: parameters.header,
        last: parameters.header,
        ..FieldEnd::default()
    });
    match parameters.era {
        Era::To14 => to_14(class, above, &plain, &group, contended, parameters),
        Era::From15 | Era::From23 => from_15(above, &plain, &group, contended, parameters),
    }
}

/// The layout builder of JDK 15: best fit into holes, the newest first, else append.
fn from_15(
    above: FieldEnd,
    plain: &Own,
    group: &Own,
    contended: Option<Contended>,
    parameters: &Parameters,
) -> FieldEnd {
    let padding = parameters.padding;
    // Padding goes on below a padded class: each class begins behind the last field so far and
    // padding of its own, even one that declares no field.
    let mut end = if above.contended { above.last + padding } else { above.end };
    let mut last = above.last;
    let mut holes = if above.contended { Vec::new() } else { above.holes };
    let class_padded = contended.is_some_and(|padded| padded.class);
    if class_padded {
        end += padding;
        holes.clear();
    }
    // Behind padding fields are appended, and the holes between them stay free.
    let fills_holes = !class_padded && !above.contended;
    for (size, count) in plain.in_order(parameters.reference) {
        // When a field found no hole, the next one of its size finds none either.
        let mut search = fills_holes;
        for _ in 0..count {
            let hole = if search { best_hole(&holes, size) } else { None };
            search = hole.is_some();
            match hole {
                Some(at) => fill_hole(&mut holes, at, size),
                None => {
                    let start = align_up(end, size);
                    if start > end {
                        holes.push((end, start - end));
                    }
                    end = start + size;
                    last = end;
                }
            }
        }
    }
    if class_padded || !group.is_empty() {
        end += padding;
    }
    if !group.is_empty() {
        for (size, count) in group.in_order(parameters.reference) {
            end = align_up(end, size) + size * count;
        }
        last = end;
        end += padding;
    }
    FieldEnd {
        end,
        last,
        holes: if contended.is_some() { Vec::new() } else { holes },
        has_fields: above.has_fields || !plain.is_empty() || !group.is_empty(),
        contended: above.contended || contended.is_some(),
    }
}

/// The smallest hole that a value of `size` fits into, aligned; among equals the newest.
fn best_hole(holes: &[(u64, u64)], size: u64) -> Option<usize> {
    let mut best: Option<usize> = None;
    for (at, (offset, length)) in holes.iter().enumerate().rev() {
        let fits = *length >= size + (align_up(*offset, size) - offset);
        if fits && best.is_none_or(|best| *length < holes[best].1) {
            best = Some(at);
        }
    }
    best
}

fn fill_hole(holes: &mut Vec<(u64, u64)>, at: usize, size: u64) {
    let (offset, length) = holes[at];
    let start = align_up(offset, size);
    let before = (offset, start - offset);
    let behind = (start + size, offset + length - start - size);
    holes.splice(at..=at, [before, behind].into_iter().filter(|(_, length)| *length > 0));
}

/// JDK up to 14: `FieldsAllocationStyle` 1 with `CompactFields`; style 0 for some old classes.
fn to_14(
    class: &Class,
    above: FieldEnd,
    plain: &Own,
    group: &Own,
    contended: Option<Contended>,
    parameters: &Parameters,
) -> FieldEnd {
    let reference = parameters.reference;
    let padding = parameters.padding;
    let mut end = if above.has_fields { align_up(above.end, reference) } else { parameters.header };
    let class_padded = contended.is_some_and(|padded| padded.class);
    if class_padded {
        end += padding;
    }
    let [mut bytes, mut shorts, mut ints, longs] = plain.primitives;
    let mut references = plain.references;
    if references_first(&class.name) {
        end += references * reference;
        if longs > 0 {
            end = align_up(end, 8);
        }
        end += 8 * longs + 4 * ints + 2 * shorts + bytes;
    } else {
        if longs > 0 {
            let start = align_up(end, 8);
            let mut gap = start - end;
            for (size, count) in
                [(4, &mut ints), (2, &mut shorts), (1, &mut bytes), (reference, &mut references)]
            {
                while gap >= size && *count > 0 {
                    gap -= size;
                    *count -= 1;
                }
            }
            end = start + 8 * longs;
        }
        end += 4 * ints + 2 * shorts + bytes;
        if references > 0 {
            end = align_up(end, reference) + references * reference;
        }
    }
    if !group.is_empty() {
        end += padding;
        for (size, count) in group.in_order(reference) {
            end = align_up(end, size) + size * count;
        }
        end += padding;
    }
    if class_padded {
        end += padding;
    }
    let has_own = !plain.is_empty() || !group.is_empty();
    if has_own {
        end = align_up(end, reference);
    }
    FieldEnd {
        end,
        last: end,
        holes: Vec::new(),
        has_fields: above.has_fields || has_own,
        contended: above.contended || contended.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use hashbrown::HashMap;

    use super::*;
    use crate::layout::infer::DEFAULT_PADDING;
    use crate::parser::class_dump::InstanceField;
    use crate::parser::classes::{ClassRecord, Symbols};
    use crate::parser::ids::{ObjectId, StringId};

    /// A class: name, superclass, fields.
    type Described = (&'static str, &'static str, &'static [(&'static str, FieldType)]);

    fn table(described: &[Described]) -> ClassTable {
        let mut symbols = Symbols::default();
        let mut strings = HashMap::new();
        let mut string = |text: &'static str| {
            let next = StringId(strings.len() as u64 + 1);
            let id = *strings.entry(text).or_insert(next);
            symbols.define(id, text.as_bytes());
            id
        };
        let at = |name: &str| described.iter().position(|(class, ..)| *class == name);
        let id = |name: &str| ObjectId(at(name).map_or(0, |at| at as u64 + 1));
        let (mut records, mut loads) = (Vec::new(), HashMap::new());
        for (name, superclass, fields) in described {
            loads.insert(id(name), string(name));
            records.push(ClassRecord {
                id: id(name),
                superclass: id(superclass),
                loader: ObjectId::NULL,
                signers: ObjectId::NULL,
                protection_domain: ObjectId::NULL,
                instance_size: 0,
                statics: [].into(),
                fields: fields
                    .iter()
                    .map(|(name, kind)| InstanceField { name: string(name), kind: *kind })
                    .collect(),
                offset: 0,
            });
        }
        ClassTable::build(records, &loads, [], symbols)
    }

    #[test]
    fn every_class_below_a_padded_one_pads_anew_from_jdk_15_on() {
        use FieldType::{Boolean, Byte, Int, Long, Object};
        let classes = table(&[
            (
                "java/lang/Thread",
                "",
                &[
                    ("threadLocalRandomSeed", Long),
                    ("threadLocalRandomProbe", Int),
                    ("threadLocalRandomSecondarySeed", Int),
                ],
            ),
            ("First", "java/lang/Thread", &[("reference", Object)]),
            ("Second", "First", &[("reference", Object)]),
            ("SecondEmpty", "First", &[]),
            ("ThirdEmpty", "SecondEmpty", &[]),
            ("Fourth", "ThirdEmpty", &[("number", Long), ("small", Byte)]),
            ("Fifth", "Fourth", &[("flag", Boolean)]),
            ("Empty", "java/lang/Thread", &[]),
            ("EmptyTwice", "Empty", &[]),
        ]);
        let ends = |era| {
            let parameters = Parameters {
                header: 12,
                reference: 4,
                alignment: 8,
                era,
                is_32_bit: false,
                padding: DEFAULT_PADDING,
            };
            let ends = lay_out(&classes, (0..9).map(ClassIndex), &parameters, Some(17));
            ends.iter().map(|end| end.end).collect::<Vec<_>>()
        };
        // Thread: 12, padding, 4 to align, 16 bytes of fields up to 160, padding.
        // Fourth: 292 and padding, a hole of 4 that stays free, 9 bytes of fields up to 433.
        assert_eq!(ends(Era::From15), [288, 292, 424, 420, 420, 433, 562, 288, 288]);
        // Before, nothing was added below.
        assert_eq!(ends(Era::To14), [288, 292, 296, 292, 292, 304, 308, 288, 288]);
    }
}
