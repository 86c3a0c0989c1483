//! Decides how long `250`, `5s` or `1m30s` is.

/// What a number without a unit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Milliseconds, as in all options of ours.
    Milliseconds,
    /// Seconds, as in options that go-redis named.
    Seconds,
}

/// The span in whole milliseconds, a begun one counted as whole; `None` when the text is no span.
pub(super) fn milliseconds(text: &str, unit: Unit) -> Option<u64> {
    if let Ok(number) = text.parse::<u64>() {
        return match unit {
            Unit::Milliseconds => Some(number),
            Unit::Seconds => number.checked_mul(1000),
        };
    }
    let mut rest = text;
    let mut nanoseconds: u128 = 0;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
        nanoseconds += u128::from(number) * factor(&rest[..letters])?;
        rest = &rest[letters..];
    }
    u64::try_from(nanoseconds.div_ceil(1_000_000)).ok().filter(|_| !text.is_empty())
}

fn factor(unit: &str) -> Option<u128> {
    Some(match unit {
        "ns" => 1,
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "d" => 86_400_000_000_000,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{Unit, milliseconds};

    #[test]
    fn spans_are_read_with_and_without_units() {
        for (text, unit, expected) in [
            ("250", Unit::Milliseconds, Some(250)),
            ("3", Unit::Seconds, Some(3_000)),
            ("250ms", Unit::Seconds, Some(250)),
            ("1m30s", Unit::Milliseconds, Some(90_000)),
            ("1us", Unit::Milliseconds, Some(1)),
            ("2d", Unit::Milliseconds, Some(172_800_000)),
            ("", Unit::Milliseconds, None),
            ("s", Unit::Milliseconds, None),
            ("-1", Unit::Milliseconds, None),
            ("1.5s", Unit::Milliseconds, None),
            ("5 s", Unit::Milliseconds, None),
            ("99999999999999999999s", Unit::Milliseconds, None),
        ] {
            assert_eq!(milliseconds(text, unit), expected, "{text} {unit:?}");
        }
    }
}
