//! The shape of a row over the dumps, in one word, and its slope.

use serde::{Deserialize, Serialize};

/// How a row moves.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trend {
    /// Up, and still going up at the end.
    Rising,
    /// Up, but less and less.
    Flattening,
    /// Up or down in one step, level before and after.
    Step,
    /// The same but for noise.
    Flat,
    /// Up and down.
    Swinging,
    Falling,
    /// Not there in the first dump.
    New,
    /// Not there in the last dump.
    Gone,
}

/// Net change below this share of the largest value is noise.
const NOISE: f64 = 0.005;
/// Net change as a share of all changes below which a row goes nowhere.
const DIRECTED: f64 = 0.5;
/// Share of all growth in one step that makes it a jump.
const JUMP: f64 = 0.9;
/// Growth per hour in the later half against the earlier half below which growth dies down.
const DYING: f64 = 0.34;

impl Trend {
    /// Judges values in dump order; `hours` are the times of the dumps, if those are known.
    pub fn of(values: &[u64], hours: Option<&[f64]>) -> Self {
        let (Some(&first), Some(&last)) = (values.first(), values.last()) else {
            return Self::Flat;
        };
        let most = values.iter().copied().max().unwrap_or(0) as f64;
        match (first, last) {
            (0, 0) if most == 0.0 => return Self::Flat,
            (0, 0) => return Self::Swinging,
            (0, _) => return Self::New,
            (_, 0) => return Self::Gone,
            _ => {}
        }
        let steps: Vec<f64> =
            values.windows(2).map(|pair| pair[1] as f64 - pair[0] as f64).collect();
        let net = last as f64 - first as f64;
        let all: f64 = steps.iter().map(|step| step.abs()).sum();
        if all <= 2.0 * NOISE * most && net.abs() <= NOISE * most {
            return Self::Flat;
        }
        if net.abs() < DIRECTED * all {
            return Self::Swinging;
        }
        if steps.len() >= 2 {
            let largest = steps.iter().map(|step| step.abs()).fold(0.0, f64::max);
            if largest >= JUMP * all {
                return Self::Step;
            }
        }
        if net < 0.0 {
            return Self::Falling;
        }
        let rate = |at: usize| match hours {
            Some(hours) => steps[at] / (hours[at + 1] - hours[at]),
            None => steps[at],
        };
        let mean = |range: std::ops::Range<usize>| {
            let count = range.len() as f64;
            range.map(rate).sum::<f64>() / count
        };
        if steps.len() >= 3 {
            let half = steps.len() / 2;
            if mean(steps.len() - half..steps.len()) < DYING * mean(0..half) {
                return Self::Flattening;
            }
        }
        Self::Rising
    }

    /// The word for the trend.
    pub fn word(self) -> &'static str {
        match self {
            Self::Rising => "rising",
            Self::Flattening => "flattening",
            Self::Step => "step",
            Self::Flat => "flat",
            Self::Swinging => "swinging",
            Self::Falling => "falling",
            Self::New => "new",
            Self::Gone => "gone",
        }
    }
}

/// Theil–Sen: the median of the slopes between all pairs, in units per hour. One odd dump does not
/// move it.
pub fn slope(values: &[u64], hours: &[f64]) -> Option<f64> {
    let mut slopes = Vec::new();
    for later in 1..values.len() {
        for earlier in 0..later {
            let time = hours[later] - hours[earlier];
            if time > 0.0 {
                slopes.push((values[later] as f64 - values[earlier] as f64) / time);
            }
        }
    }
    slopes.sort_by(f64::total_cmp);
    match slopes.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(slopes[odd / 2]),
        even => Some((slopes[even / 2 - 1] + slopes[even / 2]) / 2.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trends_are_told_apart() {
        let of = |values: &[u64]| Trend::of(values, None);
        assert_eq!(of(&[100, 200, 300, 400]), Trend::Rising);
        assert_eq!(of(&[100, 200]), Trend::Rising);
        assert_eq!(of(&[100, 200, 250, 260]), Trend::Flattening);
        assert_eq!(of(&[100, 100, 300, 301]), Trend::Step);
        assert_eq!(of(&[10_000, 10_001, 10_000, 10_002]), Trend::Flat);
        assert_eq!(of(&[100, 300, 100, 290, 110]), Trend::Swinging);
        assert_eq!(of(&[400, 300, 200]), Trend::Falling);
        assert_eq!(of(&[0, 1, 2]), Trend::New);
        assert_eq!(of(&[2, 1, 0]), Trend::Gone);
        assert_eq!(of(&[0, 0]), Trend::Flat);
    }

    #[test]
    fn uneven_dump_times_do_not_look_like_dying_growth() {
        // 100 per hour throughout, but the last dumps follow each other quickly.
        let values = [100, 500, 900, 1000, 1100];
        assert_eq!(Trend::of(&values, Some(&[0.0, 4.0, 8.0, 9.0, 10.0])), Trend::Rising);
        assert_eq!(Trend::of(&values, Some(&[0.0, 4.0, 8.0, 16.0, 24.0])), Trend::Flattening);
    }

    #[test]
    fn the_slope_is_per_hour_and_ignores_one_odd_dump() {
        assert_eq!(slope(&[0, 10, 20, 30], &[0.0, 1.0, 2.0, 3.0]), Some(10.0));
        assert_eq!(slope(&[0, 10, 1000, 30, 40], &[0.0, 1.0, 2.0, 3.0, 4.0]), Some(10.0));
        assert_eq!(slope(&[5], &[0.0]), None);
    }
}
