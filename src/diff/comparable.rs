//! Whether dumps can be compared, and what to keep in mind when they are.

use crate::digest::Digest;
use crate::index::census::Grade;

/// See the module's text.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Comparability {
    /// False when differences between the dumps mean nothing.
    pub ok: bool,
    pub warnings: Vec<String>,
    /// Dumps of one process that follow each other, as indexes in dump order.
    pub segments: Vec<Vec<usize>>,
    /// True when every dump is known to come from one process; `None` when that cannot be told.
    pub one_process: Option<bool>,
}

impl Comparability {
    /// Looks at digests in dump order.
    pub fn of(digests: &[Digest]) -> Self {
        let mut found = Self { ok: true, ..Self::default() };
        found.same_dump_twice(digests);
        found.processes(digests);
        found.different(digests, "JVM version", |digest| {
            digest.facts.jvm.as_ref().map(|jvm| jvm.text.clone())
        });
        found.different(digests, "size of references in the heap (compressed oops)", |digest| {
            (digest.facts.sizes.grade < Grade::Estimated)
                .then(|| format!("{} bytes", digest.facts.sizes.parameters.reference))
        });
        found.different(digests, "object header", |digest| {
            (digest.facts.sizes.grade < Grade::Estimated)
                .then(|| format!("{} bytes", digest.facts.sizes.parameters.header))
        });
        if found.different(digests, "main class", |digest| digest.facts.main_class.clone()) {
            found.ok = false;
        }
        if found
            .different(digests, "id size", |digest| Some(format!("{} bytes", digest.facts.id_size)))
        {
            found.ok = false;
        }
        found.different(digests, "contents", |digest| {
            let contents = if digest.facts.live? { "live objects" } else { "garbage, too" };
            Some(contents.to_owned())
        });
        // Sizes that no address contradicts are the JVM's, whether its rules were proven or not.
        if digests.iter().any(|digest| digest.facts.sizes.grade == Grade::Estimated) {
            found.different(digests, "grade of the sizes", |digest| {
                Some(digest.facts.sizes.grade.to_string())
            });
        }
        if let Some(from) = digests.iter().filter_map(|digest| digest.folded_from).min() {
            found.warnings.push(format!(
                "there are too many array lengths to tell all apart: from {from} on they are counted \
                 in buckets between powers of two"
            ));
        }
        let checked = digests.iter().filter(|digest| digest.facts.live.is_some()).count();
        if checked > 0 && checked < digests.len() {
            found.warnings.push(
                "whether garbage is in the dump could not be told, or was not checked, for some of \
                 the dumps: heapdrift info tells for each"
                    .to_owned(),
            );
        }
        for (nth, digest) in digests.iter().enumerate() {
            if let Some(reason) = digest.facts.integrity.reason() {
                found.warnings.push(format!(
                    "dump {} is INCOMPLETE: its numbers are lower bounds ({reason})",
                    nth + 1
                ));
            }
        }
        if digests.windows(2).any(|pair| pair[0].facts.time_ms == pair[1].facts.time_ms) {
            found.warnings.push(
                "some dumps have the same time: their order is that of the command line, and there \
                 are no rates per hour"
                    .to_owned(),
            );
        }
        found
    }

    fn same_dump_twice(&mut self, digests: &[Digest]) {
        for (later, digest) in digests.iter().enumerate() {
            let same = |other: &Digest| {
                other.facts.time_ms == digest.facts.time_ms
                    && other.total == digest.total
                    && other.classes == digest.classes
            };
            if let Some(earlier) = digests[..later].iter().position(same) {
                self.warnings.push(format!(
                    "dumps {} and {} are the same dump twice",
                    earlier + 1,
                    later + 1
                ));
            }
        }
    }

    /// Splits the dumps where the process changes.
    fn processes(&mut self, digests: &[Digest]) {
        let mut known = true;
        let mut same = true;
        for (nth, digest) in digests.iter().enumerate() {
            let process = digest.facts.process.as_ref();
            known &= process.is_some();
            // A dump that does not tell its process says nothing about the one before.
            let before = digests[..nth].iter().rev().find_map(|dump| dump.facts.process.as_ref());
            let continues = nth > 0 && (before.is_none() || process.is_none() || before == process);
            same &= continues || nth == 0;
            match self.segments.last_mut() {
                Some(segment) if continues => segment.push(nth),
                _ => self.segments.push(vec![nth]),
            }
        }
        self.one_process = (known || !same).then_some(same);
        for segment in self.segments.iter().skip(1) {
            self.warnings.push(format!(
                "dump {} comes from another process than dump {}: the JVM was restarted, or these \
                 are dumps of different JVMs",
                segment[0] + 1,
                segment[0]
            ));
        }
    }

    /// Warns when something differs between dumps; dumps where it is not known do not count.
    fn different(
        &mut self,
        digests: &[Digest],
        what: &str,
        of: impl Fn(&Digest) -> Option<String>,
    ) -> bool {
        let mut values: Vec<(usize, String)> = Vec::new();
        for (nth, digest) in digests.iter().enumerate() {
            if let Some(value) = of(digest) {
                if values.iter().all(|(_, seen)| *seen != value) {
                    values.push((nth, value));
                }
            }
        }
        if values.len() < 2 {
            return false;
        }
        let list: Vec<String> =
            values.iter().map(|(nth, value)| format!("{value} (dump {})", nth + 1)).collect();
        self.warnings.push(format!("different {what}: {}", list.join(", ")));
        true
    }
}
