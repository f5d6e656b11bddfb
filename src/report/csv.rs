//! A histogram as comma-separated values (RFC 4180), complete with its `(other)` row. The last column
//! of every row says how sure the sizes are, and that the dump is incomplete if it is.

use std::fmt::Write as _;

use super::histo::{By, Histogram, with_length};
use crate::index::census::{DumpFacts, LengthRange};

/// Renders the table; numbers are plain integers.
pub fn render(facts: &DumpFacts, histogram: &Histogram) -> String {
    let whole = if facts.integrity.is_complete() { "" } else { " INCOMPLETE" };
    let sizes = format!("{}{whole}", facts.sizes.grade);
    let mut out = String::new();
    let name = match histogram.by {
        By::Class => "class,loader",
        By::ArrayLength => "array,class,length_from,length_to",
        By::Package => "package",
        By::Loader => "loader",
    };
    let has_retained = histogram.rows.iter().any(|row| row.retained.is_some());
    let retained = if has_retained { "retained_bytes," } else { "" };
    let _ = writeln!(out, "instances,shallow_bytes,{retained}{name},sizes");
    for row in &histogram.rows {
        let _ = write!(out, "{},{},", row.instances, row.shallow_bytes);
        if has_retained {
            let bytes = row.retained.map_or(String::new(), |retained| retained.bytes.to_string());
            let _ = write!(out, "{bytes},");
        }
        let _ = match (histogram.by, row.length) {
            (By::ArrayLength, Some(length)) => {
                let (from, to) = match length {
                    LengthRange::Exact(length) => (length, length),
                    LengthRange::Range(from, to) => (from, to),
                };
                let array = field(&with_length(&row.name, length));
                writeln!(out, "{array},{},{from},{to},{sizes}", field(&row.name))
            }
            (By::Class, _) => {
                let loader = row.loader.as_deref().unwrap_or_default();
                writeln!(out, "{},{},{sizes}", field(&row.name), field(loader))
            }
            _ => writeln!(out, "{},{sizes}", field(&row.name)),
        };
    }
    if let Some((_, instances, bytes)) = histogram.other {
        let empty = ",".repeat(name.matches(',').count());
        let retained = if has_retained { "," } else { "" };
        let _ = writeln!(out, "{instances},{bytes},{retained}(other){empty},{sizes}");
    }
    out
}

/// Quotes what has to be quoted. A leading sign that a spreadsheet takes for a formula is defused.
fn field(text: &str) -> String {
    let text = crate::parser::names::escape(text);
    let formula = text.starts_with(['=', '+', '-', '@']);
    let text = if formula { format!("'{text}") } else { text.into_owned() };
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn odd_names_stay_one_field_and_start_no_formula() {
        assert_eq!(field("a,b"), "\"a,b\"");
        assert_eq!(field("say \"x\""), "\"say \"\"x\"\"\"");
        assert_eq!(field("=1+1"), "'=1+1");
        assert_eq!(field("java.lang.String"), "java.lang.String");
    }
}
