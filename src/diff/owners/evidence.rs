//! What the numbers of a series say about its growth.

use crate::diff::trend;

/// Growth that starts later than the first dump is judged from where it starts: what comes before
/// may be this share of all growth.
const BEFORE_ONSET: f64 = 0.02;

/// How a series grows, from the onset of its growth on.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Evidence {
    /// The dump from which on it grows.
    pub onset: usize,
    /// Steps between dumps, and those that go up.
    pub steps: usize,
    pub steps_up: usize,
    /// Median slope (Theil–Sen) times the time it was watched.
    pub growth: f64,
    /// Net change as a share of all changes: 1 when every step goes the same way.
    pub straight: f64,
    /// Small when one jump explains everything, 1 when all steps are alike.
    pub spread: f64,
    /// Growth in the later half against that in the earlier half, at most 1: small for what warms
    /// up or fills.
    pub lasting: f64,
    /// Spread of the values around the slope (1.4826 · median absolute deviation); 0 below 4 dumps.
    pub noise: f64,
    /// The same dump by dump, whatever the time between them: what a reader of the values sees.
    pub seen: Seen,
    /// The shortest and the longest time between dumps.
    pub gaps: (f64, f64),
}

/// Growth by steps, not by time.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Seen {
    pub spread: f64,
    pub lasting: f64,
    /// The fewest steps that make most of the growth, and their share of it.
    pub leaps: usize,
    pub leaped: f64,
}

impl Seen {
    fn of(steps: &[f64]) -> Self {
        const MOST: f64 = 0.6;
        let mut up: Vec<f64> = steps.iter().map(|step| step.max(0.0)).collect();
        let all: f64 = up.iter().sum();
        up.sort_unstable_by(|a, b| b.total_cmp(a));
        let (mut leaps, mut leaped) = (0, 0.0);
        for step in up {
            if leaped >= MOST * all {
                break;
            }
            leaps += 1;
            leaped += step;
        }
        Self { spread: spread(steps), lasting: lasting(steps), leaps, leaped: ratio(leaped, all) }
    }
}

impl Evidence {
    /// Judges values at times, which rise.
    pub fn of(values: &[u64], times: &[f64]) -> Self {
        let onset = onset(values);
        let (values, times) = (&values[onset..], &times[onset..]);
        let (Some(first), Some(last)) = (times.first(), times.last()) else {
            return Self::default();
        };
        let slope = trend::slope(values, times).unwrap_or(0.0);
        let steps: Vec<f64> =
            values.windows(2).map(|pair| pair[1] as f64 - pair[0] as f64).collect();
        let gaps: Vec<f64> = times.windows(2).map(|at| at[1] - at[0]).collect();
        let rates: Vec<f64> = steps.iter().zip(&gaps).map(|(step, gap)| step / gap).collect();
        let all: f64 = steps.iter().map(|step| step.abs()).sum();
        Self {
            onset,
            steps: steps.len(),
            steps_up: steps.iter().filter(|step| **step > 0.0).count(),
            growth: slope * (last - first),
            straight: ratio(steps.iter().sum(), all),
            spread: spread(&rates),
            lasting: lasting(&rates),
            noise: noise(values, times, slope),
            seen: Seen::of(&steps),
            gaps: (
                gaps.iter().copied().fold(f64::INFINITY, f64::min),
                gaps.iter().copied().fold(0.0, f64::max),
            ),
        }
    }

    /// Dumps that were judged.
    pub fn dumps(&self) -> usize {
        self.steps + 1
    }

    /// True when it went up in every step.
    pub fn always_up(&self) -> bool {
        self.steps > 0 && self.steps_up == self.steps
    }

    /// How steady it is, from 0 to 1.
    pub fn steadiness(&self) -> f64 {
        let straight = self.straight.max(0.0);
        straight * straight * self.lasting * self.lasting * self.spread
    }
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 0.0 } else { part / whole }
}

/// The dump from which on a series grows.
fn onset(values: &[u64]) -> usize {
    let (Some(&first), Some(&last)) = (values.first(), values.last()) else { return 0 };
    let little = (last.saturating_sub(first)) as f64 * BEFORE_ONSET;
    let flat = |value: &&u64| value.abs_diff(first) as f64 <= little;
    values.iter().take_while(flat).count().saturating_sub(1).min(values.len().saturating_sub(2))
}

fn spread(rates: &[f64]) -> f64 {
    let up = || rates.iter().map(|rate| rate.max(0.0));
    let sum: f64 = up().sum();
    let squares: f64 = up().map(|rate| rate * rate).sum();
    ratio(sum * sum, squares * rates.len() as f64)
}

fn lasting(rates: &[f64]) -> f64 {
    let half = rates.len() / 2;
    let early: f64 = rates[..half].iter().sum();
    let late: f64 = rates[rates.len() - half..].iter().sum();
    if early <= 0.0 { 1.0 } else { (late / early).clamp(0.0, 1.0) }
}

fn noise(values: &[u64], times: &[f64], slope: f64) -> f64 {
    const LEAST_DUMPS: usize = 4;
    const NORMAL: f64 = 1.4826;
    if values.len() < LEAST_DUMPS {
        return 0.0;
    }
    let mut rests: Vec<f64> =
        values.iter().zip(times).map(|(value, time)| *value as f64 - slope * time).collect();
    let middle = median(&mut rests);
    rests.iter_mut().for_each(|rest| *rest = (*rest - middle).abs());
    NORMAL * median(&mut rests)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => values[odd / 2],
        even => (values[even / 2 - 1] + values[even / 2]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[u64]) -> Evidence {
        let times: Vec<f64> = (0..values.len()).map(|nth| nth as f64).collect();
        Evidence::of(values, &times)
    }

    #[test]
    fn steady_growth_is_straight_spread_and_lasting() {
        let steady = of(&[100, 200, 300, 400, 500]);
        assert_eq!((steady.growth, steady.straight, steady.spread), (400.0, 1.0, 1.0));
        assert_eq!((steady.lasting, steady.noise, steady.onset), (1.0, 0.0, 0));
        assert!(steady.always_up());
    }

    #[test]
    fn one_jump_has_little_spread_and_filling_does_not_last() {
        assert!(of(&[100, 101, 102, 502, 503, 504]).lasting < 0.1);
        assert!(of(&[100, 110, 120, 520, 530, 540]).spread < 0.3);
        assert!(of(&[0, 400, 600, 650, 660]).lasting < 0.2);
        assert_eq!(of(&[0, 400, 400, 400, 400]).lasting, 0.0);
    }

    #[test]
    fn swinging_is_not_straight() {
        assert!(of(&[100, 300, 120, 310, 140]).straight < 0.1);
        assert_eq!(of(&[7, 7, 7]).straight, 0.0);
    }

    #[test]
    fn growth_counts_from_its_onset() {
        let late = of(&[100, 100, 101, 200, 300, 400, 500]);
        assert_eq!((late.onset, late.dumps()), (2, 5));
        assert!(late.spread > 0.9 && late.lasting > 0.9);
        assert_eq!(of(&[0, 0, 5]).dumps(), 2);
    }

    #[test]
    fn uneven_times_do_not_look_like_jumps() {
        let even = Evidence::of(&[0, 400, 500, 900], &[0.0, 4.0, 5.0, 9.0]);
        assert_eq!((even.spread, even.lasting, even.growth), (1.0, 1.0, 900.0));
    }

    #[test]
    fn steps_are_seen_whatever_the_time_between_them() {
        let even = Evidence::of(&[0, 100, 200, 300, 400], &[0.0, 1.0, 2.0, 8.0, 14.0]);
        assert!(even.lasting < 0.2);
        assert_eq!((even.seen.lasting, even.seen.spread, even.gaps), (1.0, 1.0, (1.0, 6.0)));
        let two = of(&[100, 100, 400, 400, 700]).seen;
        assert_eq!((two.leaps, two.leaped), (2, 1.0));
        let one = of(&[0, 80, 90, 95, 100]).seen;
        assert_eq!((one.leaps, one.leaped), (1, 0.8));
        assert_eq!(of(&[7, 7, 7]).seen.leaps, 0);
    }

    #[test]
    fn noise_is_what_the_line_leaves() {
        let noisy = of(&[100, 210, 290, 410, 490]);
        assert!(noisy.noise > 5.0 && noisy.noise < 30.0, "{noisy:?}");
        assert_eq!(of(&[1, 50, 3]).noise, 0.0);
    }
}
