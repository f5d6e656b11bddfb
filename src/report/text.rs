//! Text for a terminal: units, shortened names, tables that keep to a width.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::parser::names::escape;

/// Styles; the stream that prints them drops the codes where colours are not wanted.
pub mod styles {
    use super::{AnsiColor, Style};

    pub const HEAD: Style = Style::new().bold();
    pub const GREW: Style = AnsiColor::Red.on_default();
    pub const SHRANK: Style = AnsiColor::Green.on_default();
    pub const WARN: Style = AnsiColor::Yellow.on_default().bold();
    pub const ERROR: Style = AnsiColor::Red.on_default().bold();
    pub const DIM: Style = Style::new().dimmed();
}

/// Text in a style.
pub fn styled(style: Style, text: &str) -> String {
    format!("{}{text}{}", style.render(), style.render_reset())
}

/// Width of the terminal; `None` when the output is not one and nothing is to be shortened.
pub fn terminal_width() -> Option<usize> {
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))
}

/// Bytes with three digits and a binary unit: `9.1G`.
pub fn bytes_short(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["K", "M", "G", "T", "P", "E"];
    if bytes < 1024 {
        return format!("{bytes}B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let digits = usize::from(value < 99.95);
    format!("{value:.digits$}{}", UNITS[unit])
}

/// Bytes in words: `9.1 GiB`.
pub fn bytes_long(bytes: u64) -> String {
    let short = bytes_short(bytes);
    let (number, unit) = short.split_at(short.len() - 1);
    match unit {
        "B" => format!("{number} bytes"),
        unit => format!("{number} {unit}iB"),
    }
}

/// A signed number of bytes: `+9.1G`.
pub fn delta_short(bytes: i64) -> String {
    match bytes {
        0 => "0".to_owned(),
        1.. => format!("+{}", bytes_short(bytes.unsigned_abs())),
        _ => format!("-{}", bytes_short(bytes.unsigned_abs())),
    }
}

/// A count with thousands separators.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A signed count with thousands separators.
pub fn delta_count(value: i64) -> String {
    let sign = match value {
        0 => "",
        1.. => "+",
        _ => "-",
    };
    format!("{sign}{}", count(value.unsigned_abs()))
}

/// Bars for the values from the least to the most; level values make level bars.
pub fn sparkline(values: &[u64]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = values.iter().copied().max().unwrap_or(0);
    let least = values.iter().copied().min().unwrap_or(0);
    let span = most - least;
    values
        .iter()
        .map(|value| {
            // Bars that differ by noise only would shout.
            if span == 0 || span * 200 < most {
                return if most == 0 { BARS[0] } else { BARS[4] };
            }
            let level = (value - least) as f64 / span as f64 * 7.0;
            BARS[level.round() as usize]
        })
        .collect()
}

/// Columns that a text takes on a terminal.
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// Shortens a text to `columns`, in the middle: the ends of a class name say most.
pub fn shorten(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    if columns < 3 {
        return "…".repeat(columns.min(1));
    }
    // The end is worth more: it is the class itself.
    let head = (columns - 1) / 3;
    let tail = columns - 1 - head;
    let mut start = String::new();
    let mut used = 0;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > head {
            break;
        }
        start.push(c);
    }
    let mut end: Vec<char> = Vec::new();
    used = 0;
    for c in text.chars().rev() {
        used += c.width().unwrap_or(0);
        if used > tail {
            break;
        }
        end.push(c);
    }
    start.push('…');
    start.extend(end.into_iter().rev());
    start
}

/// Breaks a text between words into lines of at most `columns`; all but the first are indented. A
/// word longer than a line, such as a path, is broken, too.
pub fn wrap(text: &str, columns: Option<usize>, indent: usize) -> String {
    let Some(columns) = columns else { return text.to_owned() };
    let room = columns.saturating_sub(indent).max(1);
    let mut out = String::with_capacity(text.len() + 16);
    let mut used = 0;
    // Spaces are written with the word behind them: none are left over where a line is broken.
    let mut spaces = 0;
    for (nth, word) in text.split(' ').enumerate() {
        spaces += usize::from(nth > 0);
        if word.is_empty() {
            continue;
        }
        for (nth, piece) in pieces(word, room).into_iter().enumerate() {
            let needed = width(piece);
            let is_broken = nth > 0 || (used > 0 && used + spaces + needed > columns);
            let gap = if is_broken { indent } else { spaces };
            if is_broken {
                out.push('\n');
                used = 0;
            }
            out.extend(std::iter::repeat_n(' ', gap));
            out.push_str(piece);
            used += gap + needed;
            spaces = 0;
        }
    }
    out
}

/// A word in pieces of at most `columns`, broken behind what separates names where there is such.
fn pieces(mut word: &str, columns: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    while width(word) > columns {
        let mut used = 0;
        let fits = word.char_indices().find(|(_, c)| {
            used += c.width().unwrap_or(0);
            used > columns
        });
        let fits = fits.map_or(word.len(), |(at, _)| at);
        let named = word[..fits].rfind(['.', '/', '$', '-', ',']).map(|at| at + 1);
        // At least a character: a wide one may not fit a narrow line.
        let first = word.chars().next().map_or(1, char::len_utf8);
        let (piece, rest) = word.split_at(named.unwrap_or(fits).max(first));
        pieces.push(piece);
        word = rest;
    }
    if !word.is_empty() {
        pieces.push(word);
    }
    pieces
}

/// A line that starts with a styled word, such as `warning:`.
pub fn labelled(style: Style, label: &str, text: &str, columns: Option<usize>) -> String {
    let line = wrap(&format!("{label} {}", escape(text)), columns, 2);
    let rest = line.get(label.len()..).unwrap_or_default();
    format!("{}{rest}", styled(style, label))
}

/// A cell: its text and how it is styled.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    pub text: String,
    pub style: Style,
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self { text, style: Style::new() }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl Cell {
    pub fn styled(text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style }
    }
}

/// A table: columns of numbers flush right, then or before them one column of names that gives way
/// when the line is too long.
#[derive(Clone, Debug, Default)]
pub struct Grid {
    pub head: Vec<Cell>,
    pub rows: Vec<Vec<Cell>>,
    /// The column of names, flush left.
    pub name: usize,
    /// Further columns that are flush left.
    pub left: Vec<usize>,
}

impl Grid {
    /// Draws the table into `out`, at most `columns` wide where that is given.
    pub fn draw(&self, out: &mut String, columns: Option<usize>) {
        const GAP: usize = 2;
        /// A name is not shortened below this.
        const LEAST: usize = 12;
        let count = self.head.len();
        let mut widths = vec![0; count];
        for line in std::iter::once(&self.head).chain(&self.rows) {
            for (nth, cell) in line.iter().enumerate() {
                widths[nth] = widths[nth].max(width(&escape(&cell.text)));
            }
        }
        if let Some(columns) = columns {
            let all: usize = widths.iter().sum::<usize>() + GAP * count.saturating_sub(1) + 1;
            let over = all.saturating_sub(columns);
            widths[self.name] = widths[self.name].saturating_sub(over).max(LEAST);
        }
        for (nth, line) in std::iter::once(&self.head).chain(&self.rows).enumerate() {
            let mut text = String::from(" ");
            for (column, cell) in line.iter().enumerate() {
                let shown = shorten(&escape(&cell.text), widths[column]);
                let free = widths[column].saturating_sub(width(&shown));
                let style = if nth == 0 { styles::DIM } else { cell.style };
                let shown = if style == Style::new() { shown } else { styled(style, &shown) };
                let last = column + 1 == line.len();
                if column == self.name || self.left.contains(&column) {
                    text += &shown;
                    if !last {
                        text += &" ".repeat(free);
                    }
                } else {
                    text += &" ".repeat(free);
                    text += &shown;
                }
                if !last {
                    text += &" ".repeat(GAP);
                }
            }
            let _ = writeln!(out, "{}", text.trim_end());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_have_three_digits_and_grow_by_1024() {
        let cases = [
            (0, "0B"),
            (1023, "1023B"),
            (1024, "1.0K"),
            (10 << 20, "10.0M"),
            (99 * 1024 + 1000, "100K"),
            (1023 << 20, "1.0G"),
            (40 << 30, "40.0G"),
        ];
        for (bytes, text) in cases {
            assert_eq!(bytes_short(bytes), text);
        }
        assert_eq!(bytes_long(9 << 30), "9.0 GiB");
        assert_eq!(delta_short(-2048), "-2.0K");
        assert_eq!(count(1_234_567), "1,234,567");
    }

    #[test]
    fn names_are_shortened_in_the_middle_and_never_too_wide() {
        let name = "com.example.very.long.package.name.ClassName";
        let short = shorten(name, 20);
        assert_eq!(width(&short), 20);
        assert!(short.ends_with(".ClassName") && short.starts_with("com."));
        assert!(width(&shorten("日本語日本語日本語", 7)) <= 7);
    }

    #[test]
    fn no_line_is_too_wide_and_only_line_ends_are_lost() {
        let text = " why     rose in each step   +1.5G;  com.example.some.package.LongName.field";
        for columns in 12..90 {
            let wrapped = wrap(text, Some(columns), 4);
            assert!(wrapped.lines().all(|line| width(line) <= columns), "{wrapped}");
            let letters = |text: &str| text.replace([' ', '\n'], "");
            assert_eq!(letters(&wrapped), letters(text));
        }
        assert_eq!(wrap(text, None, 4), text);
        assert_eq!(wrap("a  b c", Some(4), 1), "a  b\n c");
        assert_eq!(wrap("a.bcd.ef", Some(5), 0), "a.\nbcd.\nef");
    }

    #[test]
    fn level_series_draw_level_sparklines() {
        assert_eq!(sparkline(&[1000, 1001, 1000]), "▅▅▅");
        assert_eq!(sparkline(&[0, 50, 100]), "▁▅█");
        assert_eq!(sparkline(&[0, 0]), "▁▁");
    }
}
