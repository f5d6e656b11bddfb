//! Rates in a unit that the dumps allow.

use super::text::{bytes_long, delta_short};

/// What rates are given per. Of dumps that span less than ten minutes a rate per hour would be a
/// guess at what nobody has seen: those have a rate per step.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Per {
    Hour,
    /// A step takes so many hours on average.
    Step(f64),
}

impl Per {
    /// By the times of the dumps in milliseconds, which rise.
    pub fn of(times: &[u64]) -> Self {
        const LEAST_MS: u64 = 600_000;
        const MS_PER_HOUR: f64 = 3_600_000.0;
        let span = match times {
            [first, .., last] => last.saturating_sub(*first),
            _ => 0,
        };
        match span {
            LEAST_MS.. => Self::Hour,
            _ => {
                Self::Step(span as f64 / MS_PER_HOUR / times.len().saturating_sub(1).max(1) as f64)
            }
        }
    }

    /// `+9.2G per hour`
    pub fn words(self, bytes_per_hour: f64) -> String {
        let unit = match self {
            Self::Hour => "hour",
            Self::Step(_) => "step",
        };
        format!("{} per {unit}", self.short(bytes_per_hour))
    }

    /// The head of a column of rates.
    pub fn head(self) -> &'static str {
        match self {
            Self::Hour => "/hour",
            Self::Step(_) => "/step",
        }
    }

    /// The number alone.
    pub fn short(self, bytes_per_hour: f64) -> String {
        delta_short(self.bytes(bytes_per_hour) as i64)
    }

    /// Bytes per unit, rounded.
    pub fn bytes(self, bytes_per_hour: f64) -> f64 {
        match self {
            Self::Hour => bytes_per_hour.round(),
            Self::Step(hours) => (bytes_per_hour * hours).round(),
        }
    }

    /// When a limit is reached: `40 GiB in about 10 h`
    pub fn until(self, limit: u64, hours: f64) -> String {
        let time = match self {
            Self::Hour => duration(hours),
            Self::Step(step) => match (hours / step).ceil() {
                steps if steps <= 1.0 => "a step".to_owned(),
                steps => format!("{steps:.0} steps"),
            },
        };
        format!("{} in about {time}", bytes_long(limit))
    }
}

/// Hours in words.
pub fn duration(hours: f64) -> String {
    match hours {
        hours if hours < 10.0 / 3600.0 => format!("{:.1} s", hours * 3600.0).replace(".0 s", " s"),
        hours if hours < 1.0 / 60.0 => format!("{:.0} s", hours * 3600.0),
        hours if hours < 1.0 => format!("{:.0} min", hours * 60.0),
        hours if hours < 72.0 => format!("{hours:.0} h"),
        hours => format!("{:.0} days", hours / 24.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_dumps_that_span_minutes_have_rates_per_hour() {
        let seconds = Per::of(&[0, 2_000, 4_000]);
        assert_eq!(seconds.words(921_600_000.0), "+500K per step");
        assert_eq!(seconds.head(), "/step");
        assert_eq!(seconds.until(1 << 30, 5.5 / 1800.0), "1.0 GiB in about 6 steps");
        let minutes = Per::of(&[0, 300_000, 600_000]);
        assert_eq!(minutes.words(f64::from(3 << 20)), "+3.0M per hour");
        assert_eq!(minutes.until(1 << 30, 0.5), "1.0 GiB in about 30 min");
        assert_eq!(Per::of(&[]), Per::Step(0.0));
    }
}
