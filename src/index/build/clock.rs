//! How long the passes take, and what of: for `--verbose`.
#![allow(unsafe_code)]

use std::time::{Duration, Instant};

/// Tells of each pass what it took, where that is asked for.
pub struct Clock {
    is_on: bool,
    since: Used,
}

/// What the process has used so far.
#[derive(Clone, Copy)]
struct Used {
    at: Instant,
    user: Duration,
    system: Duration,
    /// Page faults, and those of them that waited for the disk.
    faults: u64,
    reads: u64,
}

impl Used {
    fn now() -> Self {
        // SAFETY: `rusage` is plain numbers, for which zeros are a value.
        let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
        // SAFETY: `usage` is ours. The call cannot fail with these arguments.
        unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut usage) };
        let duration = |time: libc::timeval| {
            Duration::from_secs(time.tv_sec.unsigned_abs())
                + Duration::from_micros(time.tv_usec.unsigned_abs())
        };
        Self {
            at: Instant::now(),
            user: duration(usage.ru_utime),
            system: duration(usage.ru_stime),
            faults: (usage.ru_minflt + usage.ru_majflt).unsigned_abs(),
            reads: usage.ru_majflt.unsigned_abs(),
        }
    }
}

impl Clock {
    pub fn new(is_on: bool) -> Self {
        Self { is_on, since: Used::now() }
    }

    /// Says something, where it is asked for.
    pub fn say(&self, text: impl FnOnce() -> String) {
        if self.is_on {
            eprintln!("heapdrift: {}", text());
        }
    }

    /// Notes that a pass ended that began when the one before did.
    pub fn passed(&mut self, what: &str) {
        let (before, now) = (self.since, Used::now());
        self.since = now;
        self.say(|| {
            format!(
                "{what}: {:.2} s; of processors {:.2} s user, {:.2} s system; {} page faults, {} of \
                 them read",
                (now.at - before.at).as_secs_f64(),
                now.user.saturating_sub(before.user).as_secs_f64(),
                now.system.saturating_sub(before.system).as_secs_f64(),
                now.faults.saturating_sub(before.faults),
                now.reads.saturating_sub(before.reads),
            )
        });
    }

    /// Runs a part of a pass, which others may run beside: only its time can be told.
    pub fn timed<R>(&self, what: &str, part: impl FnOnce() -> R) -> R {
        let start = Instant::now();
        let result = part();
        self.say(|| format!("  {what}: {:.2} s", start.elapsed().as_secs_f64()));
        result
    }
}
