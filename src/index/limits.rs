//! What names of fields say about limits: `maxEntries` says one, `maxAgeMillis` says another thing.
//! Only names tell: a number may be anything.

/// Words that say that a number is a limit.
const LIMIT: [&str; 11] = [
    "max", "maximum", "most", "limit", "capacity", "bound", "cap", "quota", "retained", "size",
    "depth",
];
/// Those of them that say that more cannot be: a size, or a capacity, may be one to begin with.
const STRICT: [&str; 5] = ["max", "maximum", "most", "limit", "quota"];
/// Words that say that it is a limit of something else than how much is held, or not in force.
const OTHER: [&str; 61] = [
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
    "last",
    "length",
    "level",
    "line",
    "load",
    "low",
    "lower",
    "mask",
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
    "width",
];
/// Words that say nothing about what is limited.
const GENERAL: [&str; 22] = [
    "all", "allowed", "cache", "cached", "count", "element", "entry", "hold", "item", "keep",
    "kept", "key", "num", "number", "of", "pool", "pooled", "queue", "queued", "the", "total",
    "value",
];
/// Words that say that a number is in bytes, or in how many.
const BYTES: [(&str, u64); 8] = [
    ("byte", 1),
    ("memory", 1),
    ("kb", 1 << 10),
    ("kib", 1 << 10),
    ("mb", 1 << 20),
    ("mib", 1 << 20),
    ("gb", 1 << 30),
    ("gib", 1 << 30),
];
/// Words of what has a weight that the program makes up.
const WEIGHT: [&str; 3] = ["weight", "weighted", "cost"];
/// Words of what is as deep as it has entries.
const DEEP: [&str; 8] = ["undo", "redo", "history", "stack", "backlog", "trail", "queue", "inbox"];
/// Words that begin the name of a number of all there will be.
const TOTAL: [&str; 4] = ["total", "expected", "planned", "target"];
/// Words of numbers that say how much there is now.
const COUNT: [&str; 24] = [
    "completed",
    "cost",
    "count",
    "current",
    "done",
    "finished",
    "handled",
    "held",
    "imported",
    "loaded",
    "now",
    "parsed",
    "processed",
    "read",
    "received",
    "retained",
    "seen",
    "size",
    "stored",
    "total",
    "used",
    "usage",
    "weight",
    "written",
];

/// What a limit is a limit of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    Entries,
    /// Bytes, in units of so many.
    Bytes(u64),
    /// Something that the program makes up for each entry.
    Weight,
}

/// True for names of fields that say a limit of how much is held, in whatever place.
pub fn says_limit(name: &str) -> bool {
    let words = words(name);
    has_any(&words, &LIMIT) && !has_any(&words, &OTHER)
}

/// True for names of limits that are to be kept from the start on.
pub fn says_strict_limit(name: &str) -> bool {
    has_any(&words(name), &STRICT)
}

/// True for names of numbers of all that there will be: `totalRecords`.
pub fn says_total(name: &str) -> bool {
    let words = words(name);
    let is_first = words.first().is_some_and(|word| TOTAL.contains(&word.as_str()));
    is_first && words.len() > 1 && !has_any(&words, &OTHER)
}

/// True for names of numbers that may say how much there is now, beside a limit of that.
pub fn says_count(name: &str) -> bool {
    has_any(&words(name), &COUNT)
}

/// True for the count of what a total is the total of: `processedRecords` of `totalRecords`.
pub fn is_count_of(count: &str, total: &str) -> bool {
    let (count, total) = (words(count), words(total));
    count != total && count.last() == total.last()
}

/// True for the count of a weight: how heavy it is now.
pub fn says_weight(name: &str) -> bool {
    let words = words(name);
    has_any(&words, &WEIGHT) || has_any(&words, &["used", "usage"])
}

/// True for words that do not say what is limited.
pub fn is_general(word: &str) -> bool {
    LIMIT.contains(&word) || GENERAL.contains(&word) || BYTES.iter().any(|(unit, _)| *unit == word)
}

fn has_any(words: &[String], list: &[&str]) -> bool {
    words.iter().any(|word| list.contains(&word.as_str()))
}

/// False for negative numbers and those so large that they mean that there is no limit.
pub fn is_limit(value: u64) -> bool {
    const LARGEST: u64 = 1 << 40;
    0 < value && value != i32::MAX as u64 && value < LARGEST
}

/// What a field that says a limit limits in a place with `context`, the words of the names there;
/// `None` for a limit of what is not in that place. A mere size (`pageSize`) must name the place.
pub fn unit(name: &str, context: &[String]) -> Option<Unit> {
    let words = words(name);
    let bytes = words.iter().find_map(|word| BYTES.iter().find(|(unit, _)| unit == word));
    let is_weight = has_any(&words, &WEIGHT);
    let is_deep = DEEP.iter().any(|deep| context.iter().any(|word| word == deep));
    let is_of_place = |word: &String| {
        let says = |list: &[&str]| list.contains(&word.as_str());
        let is_general = match word.as_str() {
            "depth" => is_deep,
            _ => says(&LIMIT) || says(&GENERAL) || says(&WEIGHT),
        };
        // `maxUploadMb` is how large one of what is held may be.
        let is_named = context.contains(word) && bytes.is_none_or(|(_, unit)| *unit == 1);
        is_general || is_named || BYTES.iter().any(|(unit, _)| unit == word)
    };
    match (words.iter().all(is_of_place), bytes) {
        (false, _) => None,
        (true, Some((_, unit))) => Some(Unit::Bytes(*unit)),
        (true, None) if is_weight => Some(Unit::Weight),
        (true, None) => Some(Unit::Entries),
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
        assert_eq!(unit("maxBytes", &context), Some(Unit::Bytes(1)));
        assert_eq!(unit("maxTenants", &context), None);
        assert_eq!(unit("pageSize", &context), None);
    }

    #[test]
    fn weights_are_bytes_where_they_say_so_and_depths_are_entries_of_what_is_deep() {
        let context: Vec<String> = ["undo", "sheet"].map(str::to_owned).into();
        assert_eq!(unit("maxWeightKb", &context), Some(Unit::Bytes(1 << 10)));
        assert_eq!(unit("cacheSizeMB", &context), Some(Unit::Bytes(1 << 20)));
        assert_eq!(unit("maxSheetMb", &context), None, "that of one of them");
        assert_eq!(unit("maximumWeight", &context), Some(Unit::Weight));
        assert_eq!(unit("maxDepth", &context), Some(Unit::Entries));
        assert_eq!(unit("maxDepth", &["node".to_owned()]), None);
    }

    #[test]
    fn totals_are_those_of_what_counts_the_same() {
        assert!(says_total("totalRecords") && says_total("expectedRows"));
        assert!(!says_total("total") && !says_total("totalMillis") && !says_total("records"));
        assert!(is_count_of("processedRecords", "totalRecords"));
        assert!(!is_count_of("processedRows", "totalRecords"));
        assert!(says_count("weightBytes") && !says_count("name"));
    }

    #[test]
    fn what_is_too_large_is_no_limit() {
        assert!(is_limit(1) && is_limit(4 << 30));
        assert!(!is_limit(0) && !is_limit(i32::MAX as u64) && !is_limit(i64::MAX as u64));
    }
}
