//! What names of fields say about limits: `maxEntries` says one, `maxAgeMillis` says another thing.
//! Only names tell: a number may be anything.

/// Words that say that a number is a limit.
const LIMIT: [&str; 10] =
    ["max", "maximum", "most", "limit", "capacity", "bound", "cap", "quota", "retained", "size"];
/// Words that say that it is a limit of something else than how much is held, or not in force.
const OTHER: [&str; 65] = [
    "age",
    "attempt",
    "backoff",
    "char",
    "column",
    "concurrency",
    "connect",
    "core",
    "current",
    "day",
    "default",
    "delay",
    "depth",
    "duration",
    "factor",
    "hash",
    "header",
    "height",
    "hour",
    "id",
    "idle",
    "index",
    "initial",
    "interval",
    "kb",
    "last",
    "length",
    "level",
    "line",
    "load",
    "low",
    "lower",
    "mask",
    "mb",
    "micro",
    "milli",
    "millisecond",
    "min",
    "minimum",
    "minute",
    "ms",
    "nano",
    "next",
    "offset",
    "parallelism",
    "percent",
    "period",
    "port",
    "position",
    "priority",
    "rate",
    "ratio",
    "retry",
    "sec",
    "second",
    "step",
    "thread",
    "time",
    "timeout",
    "ttl",
    "used",
    "wait",
    "warn",
    "weight",
    "width",
];
/// Words that say nothing about what is limited.
const GENERAL: [&str; 22] = [
    "all", "allowed", "cache", "cached", "count", "element", "entry", "hold", "item", "keep",
    "kept", "key", "num", "number", "of", "pool", "pooled", "queue", "queued", "the", "total",
    "value",
];

/// What a limit is a limit of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    Entries,
    Bytes,
}

/// True for names of fields that say a limit of how much is held, in whatever place.
pub fn says_limit(name: &str) -> bool {
    let words = words(name);
    words.iter().any(|word| LIMIT.contains(&word.as_str()))
        && !words.iter().any(|word| OTHER.contains(&word.as_str()))
}

/// False for negative numbers and the largest integer, which mean that there is no limit.
pub fn is_limit(value: u64) -> bool {
    0 < value && value < i32::MAX as u64
}

/// What a field that says a limit limits in a place with `context`, the words of the names there;
/// `None` for a limit of what is not in that place. A mere size (`pageSize`) must name the place.
pub fn unit(name: &str, context: &[String]) -> Option<Unit> {
    let words = words(name);
    let says = |list: &[&str], word: &String| list.contains(&word.as_str());
    let is_bytes = words.iter().any(|word| ["byte", "memory"].contains(&word.as_str()));
    let is_of_place = |word: &String| {
        says(&LIMIT, word)
            || says(&GENERAL, word)
            || context.contains(word)
            || (is_bytes && ["byte", "memory"].contains(&word.as_str()))
    };
    match words.iter().all(is_of_place) {
        true if is_bytes => Some(Unit::Bytes),
        true => Some(Unit::Entries),
        false => None,
    }
}

/// The words of a name in lower case, without plurals: of `IN_FLIGHT`, `inFlight` and
/// `a$b$$inFlight`.
pub fn words(name: &str) -> Vec<String> {
    let name = name.rsplit('$').next().unwrap_or(name);
    let mut words: Vec<String> = Vec::new();
    let mut last = ' ';
    let mut letters = name.chars().peekable();
    while let Some(letter) = letters.next() {
        // `maxURLs` has the words `max` and `url`, `HTTPCache` has `http` and `cache`.
        let ends_capitals = last.is_uppercase()
            && letters.peek().is_some_and(|next| next.is_lowercase() && *next != 's');
        let is_start = !last.is_alphabetic()
            || (letter.is_uppercase() && (last.is_lowercase() || ends_capitals));
        if letter.is_alphabetic() {
            if is_start {
                words.push(String::new());
            }
            if let Some(word) = words.last_mut() {
                word.extend(letter.to_lowercase());
            }
        }
        last = letter;
    }
    words.into_iter().map(singular).collect()
}

fn singular(word: String) -> String {
    if let Some(stem) = word.strip_suffix("ies").filter(|stem| stem.len() > 1) {
        return format!("{stem}y");
    }
    match word.strip_suffix('s') {
        Some(stem) if stem.len() > 2 && !stem.ends_with('s') && word != "alias" => stem.to_owned(),
        _ => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        assert_eq!(words("MAX_IN_FLIGHT"), ["max", "in", "flight"]);
        assert_eq!(words("maxCachedEntries"), ["max", "cached", "entry"]);
        assert_eq!(words("a$b$$maxURLs2"), ["max", "url"]);
        assert_eq!(words("HTTPCache"), ["http", "cache"]);
        assert_eq!(words("val$most"), ["most"]);
        assert_eq!(words("address"), ["address"]);
    }

    #[test]
    fn limits_of_time_and_of_other_things_are_none_here() {
        for name in ["maxEntries", "LIMIT", "capacity", "maxPoolSize", "retainedJobs", "size"] {
            assert!(says_limit(name), "{name}");
        }
        for name in ["maxAgeMillis", "maxRetries", "initialCapacity", "minSize", "count", "cmax"] {
            assert!(!says_limit(name), "{name}");
        }
    }

    #[test]
    fn a_limit_names_what_is_in_its_place_or_nothing() {
        let context: Vec<String> = ["profile", "by", "user"].map(str::to_owned).into();
        assert_eq!(unit("maxEntries", &context), Some(Unit::Entries));
        assert_eq!(unit("maximumProfiles", &context), Some(Unit::Entries));
        assert_eq!(unit("maxBytes", &context), Some(Unit::Bytes));
        assert_eq!(unit("maxTenants", &context), None);
        assert_eq!(unit("pageSize", &context), None);
    }
}
