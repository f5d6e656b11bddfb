//! Object sizes as HotSpot lays objects out, from the classes of a dump and a few parameters.
//!
//! A dump says nothing about the layout: neither the size of headers and references, nor the
//! alignment, nor the gaps between fields. [`infer`] finds the parameters from the addresses;
//! [`Layout`] applies the rules. They give the numbers of `jmap -histo` to the byte.
//!
//! Sources: HotSpot's `fieldLayoutBuilder.cpp` (15+), `classFileParser.cpp` (up to 14),
//! `arrayOop.hpp`, `javaClasses.hpp` (injected fields).

pub mod fields;
pub mod infer;
pub mod tables;

use crate::parser::bytes::align_up;
use crate::parser::classes::{Class, ClassIndex, ClassTable};
use crate::parser::tags::FieldType;
use fields::FieldEnd;

/// How HotSpot places fields and array elements, by JDK version.
#[derive(
    Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum Era {
    /// Up to 14: fields in a fixed order of kinds.
    To14,
    /// 15 to 22: the field layout builder that fills holes.
    From15,
    /// From 23 on: also, array elements start right behind the length.
    From23,
}

impl Era {
    /// The era of a JDK's major version.
    pub fn of_version(major: u32) -> Self {
        match major {
            0..=14 => Self::To14,
            15..=22 => Self::From15,
            _ => Self::From23,
        }
    }
}

/// The parameters of a heap's layout.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Parameters {
    /// Bytes of an object header: 16; 12 with compressed class pointers; 8 with compact headers
    /// or on 32-bit JVMs.
    pub header: u64,
    /// Bytes of a reference in the heap: 4 or 8.
    pub reference: u64,
    /// Every size is a multiple of this.
    pub alignment: u64,
    pub era: Era,
    /// Ids of 4 bytes: a 32-bit JVM.
    pub is_32_bit: bool,
    /// Bytes before and after contended fields (`-XX:ContendedPaddingWidth`).
    pub padding: u64,
}

impl Parameters {
    /// Bytes of an array with `length` elements of `element` bytes.
    pub fn array_size(&self, length: u64, element: u64) -> u64 {
        align_up(self.array_base(element) + length * element, self.alignment)
    }

    /// Bytes before the elements of an array of elements of `element` bytes.
    pub fn array_base(&self, element: u64) -> u64 {
        let behind_length = match self.header {
            16 => 20,
            8 => 12,
            header => header + 4,
        };
        if self.is_32_bit || self.era >= Era::From23 {
            align_up(behind_length, element)
        } else {
            align_up(behind_length, 8)
        }
    }

    /// Bytes of one value in the heap.
    pub fn value_size(&self, kind: FieldType) -> u64 {
        kind.dump_size(self.reference as usize) as u64
    }

    /// Bytes of an element of an array of `element`s, `None` for an object array.
    pub fn element_size(&self, element: Option<FieldType>) -> u64 {
        self.value_size(element.unwrap_or(FieldType::Object))
    }
}

impl std::fmt::Display for Parameters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "header {} bytes, references {} bytes, objects aligned to {}",
            self.header, self.reference, self.alignment
        )
    }
}

/// Sizes of the instances of all classes under given parameters.
#[derive(Clone, Debug)]
pub struct Layout<'c> {
    pub parameters: Parameters,
    classes: &'c ClassTable,
    ends: Vec<FieldEnd>,
    mirror_base: u64,
}

impl<'c> Layout<'c> {
    /// Lays out all classes. `major` is the JDK version, which decides what the JVM injects.
    pub fn new(classes: &'c ClassTable, parameters: Parameters, major: Option<u32>) -> Self {
        let all = (0..classes.classes.len() as u32).map(ClassIndex);
        Self::of(classes, all, parameters, major)
    }

    /// As [`Layout::new`], of some classes: nothing may be asked about the others.
    fn of(
        classes: &'c ClassTable,
        which: impl Iterator<Item = ClassIndex>,
        parameters: Parameters,
        major: Option<u32>,
    ) -> Self {
        let which = which.chain(classes.named("java/lang/Class"));
        let ends = fields::lay_out(classes, which, &parameters, major);
        let mut layout = Self { parameters, classes, ends, mirror_base: 0 };
        layout.mirror_base = match classes.named("java/lang/Class") {
            Some(class) => layout.instance_size(class),
            None => parameters.header,
        };
        layout
    }

    /// Bytes of an instance. `StackChunk`s take more, see [`Layout::stack_chunk_size`].
    pub fn instance_size(&self, class: ClassIndex) -> u64 {
        align_up(self.ends[class.0 as usize].end, self.parameters.alignment)
    }

    /// Bytes of a `jdk.internal.vm.StackChunk` whose stack has `words` words, with the bitmap of
    /// its references behind.
    pub fn stack_chunk_size(&self, class: ClassIndex, words: u64) -> u64 {
        let bits = words * if self.parameters.reference == 4 { 2 } else { 1 };
        let fields = align_up(self.instance_size(class), 8);
        align_up(fields + words * 8 + bits.div_ceil(64) * 8, self.parameters.alignment)
    }

    /// Bytes of the `java.lang.Class` object of a class: its static fields lie in it.
    pub fn mirror_size(&self, class: &Class) -> u64 {
        let symbols = &self.classes.symbols;
        // `<resolved_references>` and the like are no fields.
        let real = class
            .statics
            .iter()
            .filter(|field| symbols.bytes(field.name).is_none_or(|name| !name.starts_with(b"<")));
        let (mut references, mut counts) = (0, [0u64; 4]);
        for field in real {
            match field.kind {
                FieldType::Object => references += 1,
                kind => counts[kind.dump_size(8).ilog2() as usize] += 1,
            }
        }
        if references + counts.iter().sum::<u64>() == 0 {
            return self.mirror_base;
        }
        let mut end = self.mirror_base + references * self.parameters.reference;
        for (log2, count) in counts.into_iter().enumerate().rev().filter(|(_, count)| *count > 0) {
            end = align_up(end, 1 << log2) + (count << log2);
        }
        align_up(align_up(end, 8), self.parameters.alignment)
    }

    /// Bytes of the `java.lang.Class` object of a class without static fields: the least a mirror
    /// can have.
    pub fn least_mirror(&self) -> u64 {
        self.mirror_base
    }

    /// True when the size of the class's instances depends on the padding of contended fields.
    pub fn is_contended(&self, class: ClassIndex) -> bool {
        self.ends[class.0 as usize].contended
    }
}
