//! Kinds of objects: what the objects of one class have in common.

use super::HeapIndex;
use super::coding::cast;
use super::format::Section;
use crate::parser::classes::ClassIndex;
use crate::parser::tags::FieldType;

/// How the size of an object is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// By the class.
    Instance,
    /// Each instance has its own: stack chunks.
    SizedInstance,
    ObjectArray,
    PrimitiveArray(FieldType),
    /// A class object: each has its own.
    Mirror,
}

impl Form {
    /// True for objects with a slot: a length, or bytes.
    pub fn has_slot(self) -> bool {
        self != Self::Instance
    }

    /// The number in the file.
    fn code(self) -> u8 {
        match self {
            Self::Instance => 0,
            Self::SizedInstance => 1,
            Self::ObjectArray => 2,
            Self::Mirror => 3,
            Self::PrimitiveArray(element) => 16 + element as u8,
        }
    }

    /// The form of a number in the file.
    fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Instance,
            1 => Self::SizedInstance,
            2 => Self::ObjectArray,
            3 => Self::Mirror,
            _ => Self::PrimitiveArray(FieldType::from_code(code.checked_sub(16)?)?),
        })
    }
}

/// Objects of one class and form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kind {
    pub form: Form,
    pub class: Option<ClassIndex>,
    /// Bytes of an instance; of an element, for arrays.
    pub size: u64,
}

/// Words of 32 bits of a kind in the file.
type KindWords = [u32; 8];

/// The sections with the kinds and their names: the class in source form, the label of its loader.
pub fn kind_sections<'k>(
    kinds: impl IntoIterator<Item = (&'k Kind, &'k (String, String))>,
) -> (Vec<KindWords>, Vec<u8>) {
    let mut texts = Vec::new();
    let mut text = |text: &str| {
        let at = texts.len() as u32;
        texts.extend_from_slice(text.as_bytes());
        [at, text.len() as u32]
    };
    let words = kinds.into_iter().map(|(kind, (name, loader))| {
        let class = kind.class.map_or(u32::MAX, |class| class.0);
        let ([name, name_length], [loader, loader_length]) = (text(name), text(loader));
        [
            kind.form.code().into(),
            class,
            kind.size as u32,
            (kind.size >> 32) as u32,
            name,
            name_length,
            loader,
            loader_length,
        ]
    });
    (words.collect(), texts)
}

impl HeapIndex {
    /// The kinds with their names; `None` for a section that is damaged.
    pub(super) fn read_kinds(&self) -> Option<Vec<(Kind, String, String)>> {
        let names = self.section(Section::Names);
        let text = |at: u32, length: u32| {
            let bytes = names.get(at as usize..)?.get(..length as usize)?;
            std::str::from_utf8(bytes).ok().map(str::to_owned)
        };
        let records: &[KindWords] = cast(self.section(Section::Kinds));
        records
            .iter()
            .map(|[form, class, low, high, name, name_length, loader, loader_length]| {
                let form = Form::from_code(u8::try_from(*form).ok()?)?;
                let class = (*class != u32::MAX).then_some(ClassIndex(*class));
                let size = u64::from(*low) | u64::from(*high) << 32;
                let kind = Kind { form, class, size };
                Some((kind, text(*name, *name_length)?, text(*loader, *loader_length)?))
            })
            .collect()
    }
}
