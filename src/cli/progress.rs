//! Progress on standard error: a bar on a terminal, a line every half minute elsewhere.

use std::io::{IsTerminal, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::index::scan::Progress;
use crate::parser::names::escape;
use crate::report::text::bytes_long;
use crate::source::Source;

/// Walks shorter than this are not worth a bar.
const SMALL: u64 = 256 << 20;
const SMALL_GZIP: u64 = 16 << 20;
/// Seconds between lines where there is no terminal.
const LINE_SECONDS: u64 = 30;

/// Shows how far the walk over one dump is.
pub struct Meter {
    bar: Option<ProgressBar>,
    label: String,
    lines: bool,
    walked: AtomicU64,
    started: Instant,
    /// Seconds after the start at which the last line was printed.
    printed: AtomicU64,
}

impl Meter {
    /// A meter for the walk over `source`.
    pub fn new(source: &Source, quiet: bool) -> Self {
        let label = escape(&source.path.to_string_lossy()).into_owned();
        let stored = source.stored_bytes();
        // How large a gzipped file is inside is not known before.
        let bytes = stored.filter(|_| !source.is_gzip());
        let small = if source.is_gzip() { SMALL_GZIP } else { SMALL };
        let terminal = std::io::stderr().is_terminal();
        let worth = stored.is_none_or(|stored| stored >= small);
        let bar = (!quiet && terminal && worth).then(|| {
            let bar = match bytes {
                Some(bytes) => ProgressBar::new(bytes),
                None => ProgressBar::new_spinner(),
            };
            let template = match bytes {
                Some(_) => "{msg}  {wide_bar} {bytes}/{total_bytes}  {binary_bytes_per_sec}  {eta}",
                None => "{msg}  {bytes}  {binary_bytes_per_sec}",
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.set_message(label.clone());
            bar
        });
        Self {
            bar,
            label,
            lines: !quiet && !terminal,
            walked: AtomicU64::new(0),
            started: Instant::now(),
            printed: AtomicU64::new(0),
        }
    }

    /// Ends the bar.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

impl Progress for Meter {
    fn advance(&self, bytes: u64) {
        let walked = self.walked.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if let Some(bar) = &self.bar {
            bar.inc(bytes);
        }
        if self.lines {
            let now = self.started.elapsed().as_secs();
            let last = self.printed.load(Ordering::Relaxed);
            let due = now >= last + LINE_SECONDS
                && self
                    .printed
                    .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
                    .is_ok();
            if due {
                // Progress is a courtesy: a closed standard error is no reason to stop.
                let _ = writeln!(
                    std::io::stderr(),
                    "heapdrift: {}: {} walked in {now} s",
                    self.label,
                    bytes_long(walked)
                );
            }
        }
    }
}
