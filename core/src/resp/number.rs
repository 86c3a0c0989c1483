//! Decides which bytes are a whole number: the strict form that Redis reads, with one spelling for each value.

/// The number spelt by `bytes`: an optional `-`, no `+`, no leading zero, no blank, within 64 bits.
pub(super) fn whole(bytes: &[u8]) -> Option<i64> {
    let digits = bytes.strip_prefix(b"-").unwrap_or(bytes);
    match digits {
        b"0" => (bytes.len() == 1).then_some(0),
        [b'1'..=b'9', rest @ ..] if rest.iter().all(u8::is_ascii_digit) => {
            std::str::from_utf8(bytes).ok()?.parse().ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::whole;

    #[test]
    fn a_number_has_one_spelling() {
        for (bytes, expected) in [
            (&b"0"[..], Some(0)),
            (b"7", Some(7)),
            (b"-1", Some(-1)),
            (b"9223372036854775807", Some(i64::MAX)),
            (b"-9223372036854775808", Some(i64::MIN)),
            (b"9223372036854775808", None),
            (b"99999999999999999999999", None),
            (b"", None),
            (b"-", None),
            (b"-0", None),
            (b"+3", None),
            (b"03", None),
            (b" 3", None),
            (b"3 ", None),
            (b"3\0", None),
        ] {
            assert_eq!(whole(bytes), expected, "{bytes:?}");
        }
    }
}
