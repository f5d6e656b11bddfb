//! The body of a `CLASS_DUMP`: superclass, loader, statics and instance fields.

use nom::{
    IResult, Parser,
    bytes::complete::take,
    number::complete::{be_u8, be_u32},
};

use super::bytes::{id_of_size, u16_at};
use super::heap::Malformed;
use super::ids::{ObjectId, StringId};
use super::tags::{FieldType, sub};

/// A class as dumped; field lists are decoded on demand from the borrowed bytes.
#[derive(Clone, Copy, Debug)]
pub struct ClassDump<'d> {
    pub id: ObjectId,
    pub superclass: ObjectId,
    pub loader: ObjectId,
    pub signers: ObjectId,
    pub protection_domain: ObjectId,
    /// Instance size as written: on HotSpot the sum of the field sizes with references counted as id
    /// size, *not* the size on the heap; on Android the real size.
    pub instance_size: u32,
    statics: &'d [u8],
    fields: &'d [u8],
    id_size: usize,
}

/// A static field and its value, zero-extended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaticField {
    pub name: StringId,
    pub kind: FieldType,
    pub value: u64,
}

/// An instance field declared by the class itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstanceField {
    pub name: StringId,
    pub kind: FieldType,
}

struct Fixed {
    ids: [u64; 5],
    instance_size: u32,
}

fn fixed(input: &[u8], id_size: usize) -> IResult<&[u8], Fixed> {
    let id =
        || take(id_size).map(move |bytes: &[u8]| id_of_size(bytes, 0, id_size).unwrap_or_default());
    let (rest, (class, _trace, superclass, loader, signers, domain, _, instance_size)) =
        (id(), be_u32, id(), id(), id(), id(), take(2 * id_size), be_u32).parse(input)?;
    Ok((rest, Fixed { ids: [class, superclass, loader, signers, domain], instance_size }))
}

impl<'d> ClassDump<'d> {
    /// Reads the record's body (after the tag) and gives its length.
    ///
    /// # Errors
    /// [`Malformed`] for a body that is cut off or holds an undefined type code.
    pub fn parse(body: &'d [u8], id_size: usize) -> Result<(Self, usize), Malformed> {
        let (rest, head) = fixed(body, id_size).map_err(|_| Malformed::Short)?;
        let (rest, _) = entries(rest, 2, id_size, true)?;
        let (rest, statics) = entries(rest, id_size, id_size, true)?;
        let (rest, fields) = entries(rest, id_size, id_size, false)?;
        let [id, superclass, loader, signers, protection_domain] = head.ids.map(ObjectId);
        let class = Self {
            id,
            superclass,
            loader,
            signers,
            protection_domain,
            instance_size: head.instance_size,
            statics,
            fields,
            id_size,
        };
        Ok((class, body.len() - rest.len()))
    }

    /// Static fields in dump order, HotSpot's synthetic `<…>` entries included.
    pub fn statics(&self) -> impl Iterator<Item = StaticField> + 'd {
        let (mut bytes, id_size) = (self.statics, self.id_size);
        std::iter::from_fn(move || {
            let name = StringId(id_of_size(bytes, 0, id_size)?);
            let kind = FieldType::from_code(*bytes.get(id_size)?)?;
            let size = kind.dump_size(id_size);
            let value = bytes.get(id_size + 1..id_size + 1 + size)?;
            let value = value.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
            bytes = &bytes[id_size + 1 + size..];
            Some(StaticField { name, kind, value })
        })
    }

    /// Instance fields that this class declares, in dump order.
    pub fn fields(&self) -> impl Iterator<Item = InstanceField> + 'd {
        let id_size = self.id_size;
        self.fields.chunks_exact(id_size + 1).filter_map(move |entry| {
            Some(InstanceField {
                name: StringId(id_of_size(entry, 0, id_size)?),
                kind: FieldType::from_code(*entry.get(id_size)?)?,
            })
        })
    }
}

/// Passes over a counted list of (key, type[, value]) entries and gives its bytes.
fn entries(
    bytes: &[u8],
    key: usize,
    id_size: usize,
    with_values: bool,
) -> Result<(&[u8], &[u8]), Malformed> {
    let count = u16_at(bytes, 0).ok_or(Malformed::Short)?;
    let list = &bytes[2..];
    let mut at = 0;
    for _ in 0..count {
        let entry = list.get(at + key..).ok_or(Malformed::Short)?;
        let (_, code) = be_u8::<_, ()>(entry).map_err(|_| Malformed::Short)?;
        let kind =
            FieldType::from_code(code).ok_or(Malformed::BadType { tag: sub::CLASS_DUMP, code })?;
        at += key + 1 + if with_values { kind.dump_size(id_size) } else { 0 };
        if at > list.len() {
            return Err(Malformed::Short);
        }
    }
    let (_, (list, rest)) = (take(at), nom::combinator::rest)
        .parse(list)
        .map_err(|_: nom::Err<()>| Malformed::Short)?;
    Ok((rest, list))
}
