//! Decides which numbers a text stands for: strictly for server directives, leniently for `sentinel` directives.
//!
//! Mirrors spec 1.4: the reference reads the numbers of `sentinel` directives up to the first byte that is no digit.

use crate::types::Epoch;

/// The whole number a text is, with nothing before or behind it.
pub(super) fn whole(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_canonical = digits.bytes().all(|b| b.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    if is_canonical && text != "-0" { text.parse().ok() } else { None }
}

/// The whole number a text begins with, 0 when it begins with none; at most the largest there is.
pub(super) fn leading(text: &str) -> i64 {
    let text = text.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '\u{b}');
    let (is_negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let size = leading_digits(digits).min(i64::MAX as u64) as i64;
    if is_negative { -size } else { size }
}

/// The epoch a text begins with; `None` when it is 2^63 or more, or negative.
///
/// An epoch that cannot rise any more would end all failovers for good.
pub(super) fn epoch(text: &str) -> Option<Epoch> {
    let text = text.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '\u{b}');
    let is_negative = text.starts_with('-');
    let number = leading_digits(text.strip_prefix(['-', '+']).unwrap_or(text));
    let fits = number < 1 << 63 && !(is_negative && number > 0);
    fits.then(|| Epoch::new(number))
}

/// The number that the digits at the front of a text make, at most the largest there is.
fn leading_digits(text: &str) -> u64 {
    text.bytes()
        .take_while(u8::is_ascii_digit)
        .fold(0, |number: u64, digit| number.saturating_mul(10).saturating_add(u64::from(digit - b'0')))
}

/// The number of bytes a text stands for: a whole number with a unit such as `mb` or none.
pub(super) fn memory(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let factor = match text[end..].to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" => 1_000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return None,
    };
    text[..end].parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::{epoch, leading, memory, whole};
    use crate::types::Epoch;

    #[test]
    fn server_numbers_are_strict() {
        for (text, expected) in [
            ("0", Some(0)),
            ("-1", Some(-1)),
            ("01", None),
            ("1mb", None),
            ("", None),
            ("+1", None),
            ("-0", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(whole(text), expected, "{text}");
        }
    }

    #[test]
    fn sentinel_numbers_are_lenient() {
        for (text, expected) in
            [("abc", 0), ("12x", 12), (" 7", 7), ("-3", -3), ("+3", 3), ("", 0), ("99999999999999999999", i64::MAX)]
        {
            assert_eq!(leading(text), expected, "{text}");
        }
    }

    #[test]
    fn an_epoch_leaves_room_to_rise() {
        assert_eq!(epoch("9223372036854775807"), Some(Epoch::new((1 << 63) - 1)));
        assert_eq!(epoch("9223372036854775808"), None);
        assert_eq!(epoch("99999999999999999999999"), None);
        assert_eq!(epoch("-1"), None);
        assert_eq!(epoch("x"), Some(Epoch::ZERO));
    }

    #[test]
    fn memory_has_decimal_and_binary_units() {
        for (text, expected) in [
            ("32mb", Some(32 << 20)),
            ("1K", Some(1000)),
            ("5", Some(5)),
            ("x", None),
            ("1xb", None),
            ("-1", None),
            ("99999999999gb", None),
        ] {
            assert_eq!(memory(text), expected, "{text}");
        }
    }
}
