//! Patterns over names: `*` stands for any characters, dots included.

/// A pattern.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pattern {
    text: String,
}

impl Pattern {
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned() }
    }

    /// True when the whole of `name` is as the pattern says.
    pub fn matches(&self, name: &str) -> bool {
        let Some((start, rest)) = self.text.split_once('*') else { return self.text == name };
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
        self.text.bytes().filter(|byte| *byte != b'*').count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters_and_everything_else_for_itself() {
        for (pattern, name, matches) in [
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
            assert_eq!(Pattern::new(pattern).matches(name), matches, "{pattern} {name}");
        }
    }

    #[test]
    fn the_longer_pattern_says_more() {
        assert!(Pattern::new("a.b.C.*").weight() > Pattern::new("a.*").weight());
        assert_eq!(Pattern::new("**").weight(), 0);
    }
}
