//! How numbers are written for people.

use std::fmt::Display;

use jiff::Timestamp;
use sweep_proto::{FrontObjective, Objective};

use crate::language::{Language, say};
use crate::model::{Band, Interval, Summary};

/// What stands for a number that does not exist.
pub const NONE: &str = "–";

/// A number with that many decimals. What rounds to zero has no sign: nobody measured a loss of -0.0000.
pub fn fixed(number: f64, decimals: usize) -> String {
    let written = format!("{number:.decimals$}");
    match written.strip_prefix('-') {
        Some(size) if size.bytes().all(|digit| matches!(digit, b'0' | b'.')) => size.to_owned(),
        _ => written,
    }
}

/// Hours or money: two decimals, or three digits of little.
pub fn amount(number: f64) -> String {
    if number == 0.0 || number >= 0.1 { fixed(number, 2) } else { significant::<3>(number).to_string() }
}

/// A loss, a slope: four decimals, or an exponent where those would say nothing.
pub fn number(number: f64) -> String {
    written_like(number, number)
}

/// A number written as another one is: both ends of an interval are read together.
fn written_like(number: f64, other: f64) -> String {
    let size = other.abs();
    if size != 0.0 && !(1e-4..1e6).contains(&size) { format!("{number:.3e}") } else { fixed(number, 4) }
}

/// As [`number`], or a dash.
pub fn optional(value: Option<f64>) -> String {
    value.map_or_else(|| NONE.to_owned(), number)
}

/// A fraction as per cent.
pub fn percent(fraction: f64) -> String {
    format!("{} %", fixed(fraction * 100.0, 2))
}

/// A fraction as per cent, or a dash.
pub fn optional_percent(fraction: Option<f64>) -> String {
    fraction.map_or_else(|| NONE.to_owned(), percent)
}

/// `mean ± standard deviation` of losses.
pub fn loss(mean: f64, standard_deviation: Option<f64>) -> String {
    standard_deviation.map_or_else(|| number(mean), |spread| format!("{} ± {}", number(mean), number(spread)))
}

/// `mean ± standard deviation` of accuracies, in per cent.
pub fn accuracy(mean: f64, standard_deviation: Option<f64>) -> String {
    standard_deviation.map_or_else(
        || percent(mean),
        |spread| format!("{} ± {} %", fixed(mean * 100.0, 2), fixed(spread * 100.0, 2)),
    )
}

/// A band of losses, or a dash.
pub fn loss_band(band: Option<Band>) -> String {
    band.map_or_else(|| NONE.to_owned(), |band| loss(band.mean, band.standard_deviation))
}

/// A band of accuracies, or a dash.
pub fn accuracy_band(band: Option<Band>) -> String {
    band.map_or_else(|| NONE.to_owned(), |band| accuracy(band.mean, band.standard_deviation))
}

/// The interval of a loss, or a dash.
pub fn interval(interval: Option<Interval>, language: Language) -> String {
    interval.map_or_else(
        || NONE.to_owned(),
        |one| {
            let larger = one.low.abs().max(one.high.abs());
            let (low, high) = (written_like(one.low, larger), written_like(one.high, larger));
            say!(language, "{low} to {high}", low = low, high = high)
        },
    )
}

/// The interval of a fraction, in per cent, or a dash.
pub fn interval_of_percent(interval: Option<Interval>, language: Language) -> String {
    interval.map_or_else(|| NONE.to_owned(), |one| percents(one.times(100.0), 2, language))
}

/// An interval in per cent with so many decimals.
pub fn percents(interval: Interval, decimals: usize, language: Language) -> String {
    let [low, high] = [interval.low, interval.high].map(|end| fixed(end, decimals));
    say!(language, "{low} to {high} %", low = low, high = high)
}

/// A probability that is found by a test, or a dash.
pub fn p(p: Option<f64>) -> String {
    match p {
        None => NONE.to_owned(),
        Some(p) if p < 0.0001 => "< 0.0001".to_owned(),
        Some(p) => format!("{p:.4}"),
    }
}

/// A probability in per cent: never impossible, and never certain unless there is no other way.
pub fn chance(probability: Option<f64>) -> String {
    match probability {
        None => NONE.to_owned(),
        Some(one) if one > 0.999 && one < 1.0 => "> 99.9 %".to_owned(),
        Some(one) if one < 0.001 => "< 0.1 %".to_owned(),
        Some(one) => format!("{:.1} %", one * 100.0),
    }
}

/// A share of drawn sweeps in per cent, beside their number. One draw is the finest step: a share nearer to 0 or 100 % is told as a bound.
pub fn drawn_share(share: Option<(f64, u32)>) -> String {
    let Some((share, draws)) = share else { return NONE.to_owned() };
    // One sweep, rounded up to what is written.
    let one = (1_000.0 / f64::from(draws.max(1))).ceil() / 10.0;
    match share * 100.0 {
        few if few < one => format!("< {one:.1} %"),
        many if many > 100.0 - one => format!("> {:.1} %", 100.0 - one),
        percent => format!("{percent:.1} %"),
    }
}

/// How a summary was measured.
pub fn replicates(summary: &Summary, language: Language) -> String {
    match (summary.replicates, summary.standard_deviation) {
        (1, _) => say!(language, "1 replicate: no spread is known").to_owned(),
        (count, Some(_)) => {
            say!(language, "mean ± standard deviation over {count} replicates", count = count)
        }
        (count, None) => say!(language, "mean over {count} replicates", count = count),
    }
}

/// Some of a whole.
pub fn of(part: impl Display, whole: impl Display, language: Language) -> String {
    say!(language, "{part} of {whole}", part = part, whole = whole)
}

/// Seconds, in the units that people use.
pub fn seconds(seconds: f64) -> String {
    if seconds < 120.0 {
        return format!("{} s", fixed(seconds, 1));
    }
    if seconds < 7_200.0 {
        return format!("{:.1} min", seconds / 60.0);
    }
    format!("{:.1} h", seconds / 3_600.0)
}

/// A mean of an objective: `0.4790`, `87.12 %`, `12,034`, `3.5 s`.
pub fn objective(objective: FrontObjective, mean: f64) -> String {
    match objective {
        FrontObjective::Metric(metric) if metric.is_fraction() => percent(mean),
        FrontObjective::Metric(_) => number(mean),
        // Casts of floats saturate.
        FrontObjective::Parameters => count(mean.round() as u64),
        FrontObjective::Seconds => seconds(mean),
    }
}

/// The interval of the difference of two means of a metric: of fractions in percentage points.
pub fn interval_of_difference(metric: Objective, difference: Interval, language: Language) -> String {
    if !metric.is_fraction() {
        return interval(Some(difference), language);
    }
    let [low, high] = [difference.low, difference.high].map(|end| fixed(end * 100.0, 2));
    say!(language, "{low} to {high} points", low = low, high = high)
}

/// A count with groups of three digits.
pub fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut written = String::with_capacity(digits.len() * 4 / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            written.push(',');
        }
        written.push(digit);
    }
    written
}

/// Bytes in binary units.
pub fn bytes(bytes: u64) -> String {
    let mut size = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if size < 1_024.0 {
            return if unit == "B" { format!("{bytes} B") } else { format!("{size:.1} {unit}") };
        }
        size /= 1_024.0;
    }
    format!("{size:.1} TiB")
}

/// Energy, in the units that people use.
pub fn watt_hours(watt_hours: f64) -> String {
    match watt_hours {
        few if few < 1.0 => format!("{} mWh", fixed(few * 1e3, 1)),
        some if some < 1e3 => format!("{some:.1} Wh"),
        many => format!("{:.1} kWh", many / 1e3),
    }
}

/// A time in UTC to the second; the bare number where no calendar holds it.
pub fn time(ms: u64) -> String {
    i64::try_from(ms)
        .ok()
        .and_then(|ms| Timestamp::from_millisecond(ms).ok())
        .map_or_else(|| format!("{ms} ms"), |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// Seconds as people say them: `0.4 s`, `52 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "unknown".to_owned();
    }
    let whole = seconds.round() as u64;
    match whole {
        0..10 => format!("{} s", fixed(seconds, 1)),
        10..60 => format!("{whole} s"),
        60..3_600 => format!("{} min {} s", whole / 60, whole % 60),
        3_600..86_400 => format!("{} h {} min", whole / 3_600, whole / 60 % 60),
        _ => format!("{} d {} h", whole / 86_400, whole / 3_600 % 24),
    }
}

/// A number with six significant digits: enough to draw, and short to store.
pub fn rounded(number: f64) -> f64 {
    significant::<6>(number)
}

/// A number with that many significant digits.
fn significant<const DIGITS: usize>(number: f64) -> f64 {
    format!("{number:.*e}", DIGITS.saturating_sub(1)).parse().unwrap_or(number) + 0.0
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "these small numbers are exact")]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_say_them() {
        for (seconds, said) in [
            (-0.0, "0.0 s"),
            (0.44, "0.4 s"),
            (9.0, "9.0 s"),
            (52.4, "52 s"),
            (59.7, "1 min 0 s"),
            (200.0, "3 min 20 s"),
            (7_500.0, "2 h 5 min"),
            (273_600.0, "3 d 4 h"),
            (f64::NAN, "unknown"),
            (-1.0, "unknown"),
        ] {
            assert_eq!(duration(seconds), said);
        }
    }

    #[test]
    fn zero_has_no_sign() {
        assert_eq!(
            [-0.0, -0.04, 0.04, -0.05, -1.0].map(|one| fixed(one, 1)),
            ["0.0", "0.0", "0.0", "-0.1", "-1.0"]
        );
        assert_eq!(fixed(-0.4, 0), "0");
        // Rust's sum of nothing.
        let nothing: f64 = [0.0_f64; 0].iter().sum();
        assert!(nothing.is_sign_negative());
        assert_eq!(
            (seconds(nothing), number(nothing), percent(nothing), watt_hours(nothing)),
            ("0.0 s".into(), "0.0000".into(), "0.00 %".into(), "0.0 mWh".into())
        );
        assert!(rounded(nothing).is_sign_positive());
    }

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(12), "12");
        assert_eq!(number(0.000_012), "1.200e-5");
        assert_eq!(number(0.0), "0.0000");
        assert_eq!(bytes(1_536), "1.5 KiB");
        assert_eq!(seconds(7_200.0), "2.0 h");
        assert_eq!(
            [0.0, 0.5, 2.04, 999.0, 1_500.0].map(watt_hours),
            ["0.0 mWh", "500.0 mWh", "2.0 Wh", "999.0 Wh", "1.5 kWh"]
        );
        assert_eq!(time(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(time(u64::MAX), format!("{} ms", u64::MAX));
        assert_eq!(rounded(0.123_456_789), 0.123_457);
        assert_eq!(
            (p(Some(0.0312)), p(Some(1e-9)), p(None)),
            ("0.0312".into(), "< 0.0001".into(), NONE.into())
        );
        assert_eq!((chance(Some(0.9999)), chance(Some(1.0))), ("> 99.9 %".into(), "100.0 %".into()));
        assert_eq!(chance(Some(0.0)), "< 0.1 %");
        let drawn = |share| [2_000, 100].map(|draws| drawn_share(Some((share, draws))));
        assert_eq!(drawn(1.0), ["> 99.9 %", "> 99.0 %"]);
        assert_eq!(drawn(0.0), ["< 0.1 %", "< 1.0 %"]);
        assert_eq!(drawn(0.25), ["25.0 %", "25.0 %"]);
        assert_eq!(drawn_share(None), NONE);
        let found = Language::ALL.map(|one| interval(Some(Interval::around(0.5, 0.1)), one));
        assert_eq!(found, ["0.4000 to 0.6000", "[0.4000, 0.6000]"]);
        let ends = |low, high| interval(Some(Interval { low, high }), Language::English);
        assert_eq!(ends(-2e-5, 0.003), "0.0000 to 0.0030");
        assert_eq!(ends(-2e-5, 3e-6), "-2.000e-5 to 3.000e-6");
    }
}
