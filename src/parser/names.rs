//! Class names as the JVM's tools and Java source write them, and safe printing of foreign text.

use std::fmt::Write as _;

/// True for classes of the JDK, by names in source form.
pub fn is_jdk(class: &str) -> bool {
    ["java.", "jdk.", "sun.", "javax.", "com.sun."].iter().any(|prefix| class.starts_with(prefix))
}

/// Decodes the JVM's modified UTF-8: U+0000 is `C0 80`, supplementary characters are two
/// three-byte surrogates. Bytes that are neither that nor UTF-8 become `\xNN`, so that names with
/// different odd bytes stay apart; a literal backslash is kept, so the text `\xff` looks like the
/// byte FF.
pub fn decode_modified_utf8(bytes: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(&first) = rest.first() {
        let (unit, length) = match code_unit(rest) {
            Some((high @ 0xD800..=0xDBFF, _)) => match rest.get(3..).and_then(code_unit) {
                Some((low @ 0xDC00..=0xDFFF, _)) => {
                    (0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00), 6)
                }
                _ => (high, 3),
            },
            Some((unit, length)) => (unit, length),
            None => (u32::MAX, 1),
        };
        match char::from_u32(unit) {
            Some(c) => text.push(c),
            // Plain four-byte UTF-8 is not what a JVM writes, but other writers do.
            None => match rest.get(..4).and_then(|four| std::str::from_utf8(four).ok()) {
                Some(four) if four.chars().count() == 1 => {
                    text.push_str(four);
                    rest = &rest[4..];
                    continue;
                }
                _ => {
                    let _ = write!(text, "\\x{first:02x}");
                    rest = &rest[1..];
                    continue;
                }
            },
        }
        rest = &rest[length..];
    }
    text
}

/// One code unit of modified UTF-8: its value and bytes.
fn code_unit(bytes: &[u8]) -> Option<(u32, usize)> {
    let continuation =
        |at: usize| bytes.get(at).filter(|b| **b & 0xC0 == 0x80).map(|b| u32::from(b & 0x3F));
    let first = u32::from(*bytes.first()?);
    match first {
        0x00..=0x7F => Some((first, 1)),
        0xC0..=0xDF => Some(((first & 0x1F) << 6 | continuation(1)?, 2)),
        0xE0..=0xEF => Some(((first & 0x0F) << 12 | continuation(1)? << 6 | continuation(2)?, 3)),
        _ => None,
    }
}

/// The name that `jmap -histo` prints: dots for slashes, `Foo/0x…` for a hidden class `Foo+0x…`.
pub fn jmap_name(internal: &str) -> String {
    let dotted = internal.replace('/', ".");
    // `Foo$$Lambda+0x00007f…` (15+): the address sets a hidden class apart from its siblings.
    match dotted.rfind("+0x") {
        Some(at) if is_hex(dotted[at + 3..].trim_end_matches(';')) => {
            format!("{}/{}", &dotted[..at], &dotted[at + 1..])
        }
        _ => dotted,
    }
}

/// True for the internal or printed name of a hidden class (15+), which ends in an address:
/// `Foo$$Lambda+0x00007f…`, `Foo$$Lambda/0x…`.
pub fn is_hidden(name: &str) -> bool {
    let name = name.trim_end_matches(';');
    name.rfind("0x")
        .is_some_and(|at| is_hex(&name[at + 2..]) && name[..at].ends_with(['+', '/', '.']))
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The name in Java source form, from the one that `jmap` prints: `byte[]`,
/// `java.util.HashMap$Node[]`.
pub fn source_name(jmap: &str) -> String {
    let element = jmap.trim_start_matches('[');
    let dimensions = jmap.len() - element.len();
    if dimensions == 0 {
        return jmap.to_owned();
    }
    let element = match element.as_bytes() {
        [b'L', .., b';'] => &element[1..element.len() - 1],
        b"Z" => "boolean",
        b"C" => "char",
        b"F" => "float",
        b"D" => "double",
        b"B" => "byte",
        b"S" => "short",
        b"I" => "int",
        b"J" => "long",
        _ => return jmap.to_owned(),
    };
    let mut name = element.to_owned();
    name.extend(std::iter::repeat_n("[]", dimensions));
    name
}

/// The internal form of a name, whatever the writer used: Android and some agents write
/// `java.lang.String[]`, HotSpot `[Ljava/lang/String;`.
pub fn internal_name(written: &str) -> String {
    let element = written.trim_end_matches("[]");
    let dimensions = (written.len() - element.len()) / 2;
    if dimensions == 0 {
        return written.replace('.', "/");
    }
    let code = match element {
        "boolean" => "Z",
        "char" => "C",
        "float" => "F",
        "double" => "D",
        "byte" => "B",
        "short" => "S",
        "int" => "I",
        "long" => "J",
        _ => return format!("{}L{};", "[".repeat(dimensions), element.replace('.', "/")),
    };
    "[".repeat(dimensions) + code
}

/// Name of a class as it is the same in every run: the addresses and counters that the JVM puts
/// into the names of hidden classes, lambdas and proxies are cut out.
pub fn stable_name(source: &str) -> String {
    let (element, brackets) = source.split_at(source.find("[]").unwrap_or(source.len()));
    let mut stable = element;
    if let Some(at) = stable.rfind("/0x") {
        if is_hex(&stable[at + 3..]) {
            stable = &stable[..at];
        }
    }
    let mut stable = match stable.find("$$Lambda$") {
        Some(at) => stable[..at + "$$Lambda".len()].to_owned(),
        None => stable.to_owned(),
    };
    for counted in ["GeneratedMethodAccessor", "GeneratedConstructorAccessor"] {
        if let Some(at) = stable.find(counted) {
            stable.truncate(at + counted.len());
        }
    }
    if let Some(at) = stable.rfind("$Proxy") {
        if stable[at + 6..].bytes().all(|b| b.is_ascii_digit()) {
            stable.truncate(at + 6);
        }
    }
    stable + brackets
}

/// Package of a class in source form; arrays belong to their element's package.
pub fn package_of(source: &str) -> &str {
    let element = source.split("[]").next().unwrap_or(source);
    let element = element.split("$$").next().unwrap_or(element);
    match element.rfind('.') {
        Some(at) => &element[..at],
        None if is_primitive_name(element) && element.len() != source.len() => "(primitive arrays)",
        None => "(unnamed package)",
    }
}

/// True for `byte[]`, `int[][]` and the like.
pub fn is_primitive_array(source: &str) -> bool {
    source.split_once("[]").is_some_and(|(element, _)| is_primitive_name(element))
}

fn is_primitive_name(name: &str) -> bool {
    super::tags::FieldType::PRIMITIVES.iter().any(|kind| kind.java_name() == name)
}

/// True for characters that must not reach a terminal: controls, line separators, and the marks
/// that reverse or hide text.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}')
}

/// Text from a dump or a path, made safe for a terminal: what is unsafe is shown as `\u{…}`.
pub fn escape(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return text.into();
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_unsafe(c) {
            let _ = write!(safe, "\\u{{{:x}}}", u32::from(c));
        } else {
            safe.push(c);
        }
    }
    safe.into()
}

/// The name of a thread as it is the same for all threads of a pool and in every run.
pub fn without_numbers(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        if !c.is_ascii_digit() {
            out.push(c);
        } else if !out.ends_with('#') {
            out.push('#');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_of_a_pool_have_one_name() {
        assert_eq!(without_numbers("pool-12-thread-3"), "pool-#-thread-#");
        assert_eq!(without_numbers("main"), "main");
    }

    #[test]
    fn modified_utf8_decodes_nul_and_surrogates_and_keeps_odd_bytes_apart() {
        assert_eq!(decode_modified_utf8(b"a\xC0\x80b"), "a\0b");
        assert_eq!(decode_modified_utf8(b"\xED\xA0\xBD\xED\xB8\x80"), "\u{1F600}");
        assert_eq!(decode_modified_utf8(b"x\xFFy"), "x\\xffy");
        assert_ne!(decode_modified_utf8(b"x\xFF"), decode_modified_utf8(b"x\xFE"));
        assert_eq!(decode_modified_utf8(b"\xED\xA0\xBDz\xFF"), "\\xed\\xa0\\xbdz\\xff");
        assert_eq!(decode_modified_utf8("é\u{1F600}\u{FF}".as_bytes()), "é\u{1F600}\u{FF}");
    }

    #[test]
    fn class_names_take_jmaps_form_and_source_form() {
        assert_eq!(jmap_name("[Ljava/util/HashMap$Node;"), "[Ljava.util.HashMap$Node;");
        assert_eq!(jmap_name("Foo$$Lambda+0x00007f12"), "Foo$$Lambda/0x00007f12");
        assert_eq!(jmap_name("[LFoo$$Lambda+0x00007f12;"), "[LFoo$$Lambda/0x00007f12;");
        assert_eq!(source_name("[Ljava.util.HashMap$Node;"), "java.util.HashMap$Node[]");
        assert_eq!(source_name("[[I"), "int[][]");
        assert_eq!(internal_name("java.lang.String[][]"), "[[Ljava/lang/String;");
        assert_eq!(internal_name("int[]"), "[I");
        assert_eq!(internal_name("java/lang/String"), "java/lang/String");
    }

    #[test]
    fn stable_names_drop_what_changes_from_run_to_run() {
        assert_eq!(stable_name("Foo$$Lambda/0x00007f12"), "Foo$$Lambda");
        assert_eq!(stable_name("Foo$$Lambda$14/0x00007f12[]"), "Foo$$Lambda[]");
        assert_eq!(stable_name("jdk.proxy2.$Proxy17"), "jdk.proxy2.$Proxy");
        assert_eq!(stable_name("java.util.HashMap$Node[]"), "java.util.HashMap$Node[]");
        assert_eq!(package_of("java.util.HashMap$Node[]"), "java.util");
        assert_eq!(package_of("byte[][]"), "(primitive arrays)");
        assert_eq!(package_of("Main"), "(unnamed package)");
    }

    #[test]
    fn nothing_that_steers_a_terminal_is_printed() {
        assert_eq!(escape("a\u{1b}[31mb\nc\u{202E}d"), "a\\u{1b}[31mb\\u{a}c\\u{202e}d");
        assert_eq!(escape("plain é"), "plain é");
    }
}
