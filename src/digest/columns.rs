//! Tables as bytes, column by column. A table names its columns, so that a reader takes those it
//! knows and passes over the others. The byte table is in `docs/digest-format.md`.

use std::collections::BTreeMap;

/// Kinds of columns.
const NUMBERS: u8 = 0;
const TEXTS: u8 = 1;

/// Puts a number: seven bits a byte, lowest first, the high bit where more follow.
fn put_number(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Bytes of a number in a column.
pub fn number_bytes(number: u64) -> u64 {
    u64::from((u64::BITS - number.leading_zeros()).div_ceil(7).max(1))
}

fn put_text(text: &str, out: &mut Vec<u8>) {
    put_number(text.len() as u64, out);
    out.extend_from_slice(text.as_bytes());
}

/// Bytes of a text in a column.
pub fn text_bytes(text: &str) -> u64 {
    number_bytes(text.len() as u64) + text.len() as u64
}

/// A table that is written. Every column must get as many values as there are rows.
pub struct Writer {
    rows: u64,
    columns: u64,
    data: Vec<u8>,
}

impl Writer {
    pub fn new(rows: usize) -> Self {
        Self { rows: rows as u64, columns: 0, data: Vec::new() }
    }

    pub fn numbers(&mut self, name: &str, values: impl Iterator<Item = u64>) {
        let mut data = Vec::new();
        values.for_each(|value| put_number(value, &mut data));
        self.column(name, NUMBERS, &data);
    }

    pub fn texts<'t>(&mut self, name: &str, values: impl Iterator<Item = &'t str>) {
        let mut data = Vec::new();
        values.for_each(|value| put_text(value, &mut data));
        self.column(name, TEXTS, &data);
    }

    fn column(&mut self, name: &str, kind: u8, data: &[u8]) {
        self.columns += 1;
        put_text(name, &mut self.data);
        self.data.push(kind);
        put_number(data.len() as u64, &mut self.data);
        self.data.extend_from_slice(data);
    }

    pub fn finish(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.data.len() + 16);
        put_number(self.rows, &mut out);
        put_number(self.columns, &mut out);
        out.extend(self.data);
        out
    }
}

/// Foreign bytes that are read from the front; what is wrong is said in words.
struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn number(&mut self) -> Result<u64, String> {
        let mut number = 0u64;
        for shift in (0..u64::BITS).step_by(7) {
            let (byte, rest) = self.rest.split_first().ok_or("a number is cut off")?;
            self.rest = rest;
            let bits = u64::from(byte & 0x7F);
            if bits << shift >> shift != bits {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err("a number has more than 64 bits".to_owned())
    }

    fn bytes(&mut self, length: u64) -> Result<&'a [u8], String> {
        let at = usize::try_from(length).ok().and_then(|length| self.rest.split_at_checked(length));
        let (bytes, rest) = at.ok_or_else(|| {
            format!("{length} bytes are announced, and {} are there", self.rest.len())
        })?;
        self.rest = rest;
        Ok(bytes)
    }

    fn text(&mut self) -> Result<&'a str, String> {
        let length = self.number()?;
        std::str::from_utf8(self.bytes(length)?).map_err(|error| format!("a text is {error}"))
    }
}

/// A table that is read. Borrows the bytes; columns are decoded when asked for.
pub struct Reader<'a> {
    rows: u64,
    columns: BTreeMap<&'a str, (u8, &'a [u8])>,
}

impl<'a> Reader<'a> {
    /// Finds the columns.
    ///
    /// # Errors
    /// What is wrong with the bytes, in words; the same for the other functions.
    pub fn new(bytes: &'a [u8]) -> Result<Self, String> {
        let mut cursor = Cursor { rest: bytes };
        let rows = cursor.number()?;
        let mut columns = BTreeMap::new();
        for _ in 0..cursor.number()? {
            let name = cursor.text()?;
            let kind = cursor.bytes(1)?[0];
            let length = cursor.number()?;
            if columns.insert(name, (kind, cursor.bytes(length)?)).is_some() {
                return Err(format!("the column {name} is there twice"));
            }
        }
        if !cursor.rest.is_empty() {
            return Err(format!("{} bytes follow the last column", cursor.rest.len()));
        }
        Ok(Self { rows, columns })
    }

    /// A column of numbers; `None` when the table has no such column.
    pub fn optional_numbers(&self, name: &str) -> Result<Option<Vec<u64>>, String> {
        self.column(name, NUMBERS, Cursor::number)
    }

    /// A column of texts; `None` when the table has no such column.
    pub fn optional_texts(&self, name: &str) -> Result<Option<Vec<&'a str>>, String> {
        self.column(name, TEXTS, Cursor::text)
    }

    /// A column of numbers that must be there.
    pub fn numbers(&self, name: &str) -> Result<Vec<u64>, String> {
        self.optional_numbers(name)?.ok_or_else(|| format!("the column {name} is missing"))
    }

    /// A column of texts that must be there.
    pub fn texts(&self, name: &str) -> Result<Vec<&'a str>, String> {
        self.optional_texts(name)?.ok_or_else(|| format!("the column {name} is missing"))
    }

    fn column<T>(
        &self,
        name: &str,
        kind: u8,
        value: impl Fn(&mut Cursor<'a>) -> Result<T, String>,
    ) -> Result<Option<Vec<T>>, String> {
        let Some((found, data)) = self.columns.get(name) else { return Ok(None) };
        if *found != kind {
            return Err(format!("the column {name} is of kind {found} instead of {kind}"));
        }
        // A value takes a byte or more: so much is checked before memory is taken for the rows.
        let rows = usize::try_from(self.rows).ok().filter(|rows| *rows <= data.len());
        let rows = rows.ok_or_else(|| {
            format!("the column {name} has {} bytes for {} rows", data.len(), self.rows)
        })?;
        let mut cursor = Cursor { rest: data };
        let mut values = Vec::with_capacity(rows);
        for _ in 0..rows {
            values.push(value(&mut cursor).map_err(|what| format!("column {name}: {what}"))?);
        }
        if !cursor.rest.is_empty() {
            return Err(format!("the column {name} has more values than there are rows"));
        }
        Ok(Some(values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_texts_of_every_size_come_back() {
        let numbers = [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX), u64::MAX];
        let texts = ["", "a", "é\u{1F600}", &"x".repeat(300)];
        let mut table = Writer::new(numbers.len());
        table.numbers("n", numbers.into_iter());
        table.texts("t", texts.into_iter().cycle().take(numbers.len()));
        let bytes = table.finish();
        let table = Reader::new(&bytes).expect("a table");
        assert_eq!(table.numbers("n").expect("numbers"), numbers);
        assert_eq!(table.texts("t").expect("texts")[4..], texts);
        assert_eq!(table.optional_numbers("u"), Ok(None));
        assert!(table.numbers("t").is_err(), "a column of texts is not one of numbers");
        let size = |value: u64| {
            let mut bytes = Vec::new();
            put_number(value, &mut bytes);
            bytes.len() as u64
        };
        numbers.iter().for_each(|number| assert_eq!(number_bytes(*number), size(*number)));
    }

    #[test]
    fn what_is_announced_but_not_there_is_told_before_memory_is_taken() {
        let mut table = Writer::new(usize::MAX);
        table.numbers("n", [1].into_iter());
        let bytes = table.finish();
        assert!(Reader::new(&bytes).expect("a table").numbers("n").is_err());
        for cut in 0..bytes.len() {
            assert!(Reader::new(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        let too_long = [[0xFF; 10].as_slice(), &[1]].concat();
        assert!(Cursor { rest: &too_long }.number().is_err());
    }
}
