//! Patterns over names: `*` stands for any characters, dots included.

use serde::Deserialize;

/// A pattern.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(transparent)]
pub struct Pattern(String);

impl Pattern {
    /// True when the whole of `name` is as the pattern says.
    pub fn matches(&self, name: &str) -> bool {
        let Some((start, rest)) = self.0.split_once('*') else { return self.0 == name };
        let Some(mut name) = name.strip_prefix(start) else { return false };
        let mut parts = rest.split('*');
        let end = parts.next_back().unwrap_or(rest);
        for part in parts {
            match name.find(part) {
                Some(at) => name = &name[at + part.len()..],
                None => return false,
            }
        }
        name.ends_with(end)
    }

    /// How much the pattern says: its characters but for `*`.
    pub fn weight(&self) -> usize {
        self.0.bytes().filter(|byte| *byte != b'*').count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern(text.to_owned())
    }

    #[test]
    fn a_star_stands_for_any_characters_and_everything_else_for_itself() {
        for (text, name, matches) in [
            ("a.B.c", "a.B.c", true),
            ("a.B.c", "a.B.cd", false),
            ("a.*.c", "a.b.B.c", true),
            ("a.*.c", "a.c", false),
            ("*", "", true),
            ("*.cache", "a.B.cache", true),
            ("*.cache", "a.B.cached", false),
            ("a.*", "a.B.c", true),
            ("*a*b*", "xaxbx", true),
            ("*a*b*", "xbxax", false),
            ("ab*ba", "aba", false),
            ("ab*ba", "abba", true),
            ("*.Map$Node", "a.Map$Node", true),
        ] {
            assert_eq!(pattern(text).matches(name), matches, "{text} {name}");
        }
    }

    #[test]
    fn the_longer_pattern_says_more() {
        assert!(pattern("a.b.C.*").weight() > pattern("a.*").weight());
        assert_eq!(pattern("**").weight(), 0);
    }
}
