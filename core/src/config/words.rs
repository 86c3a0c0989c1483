//! Decides how a line of the configuration is cut into words, and how a word is written so that it is read back.
//!
//! Mirrors spec 1.4. What is written here is read alike by the reference implementation.

use std::fmt::Write as _;

/// The words of a line, or why it has none.
///
/// A word may hold double-quoted parts with escapes and single-quoted parts where only `\'` is one. A line with a replacement
/// character or a NUL was no text before it came here, and is refused; both can be written as escapes.
///
/// # Errors
/// What is wrong with the line, in the reference's words where it has some.
pub(crate) fn split(line: &str) -> Result<Vec<String>, &'static str> {
    if line.contains(['\0', char::REPLACEMENT_CHARACTER]) {
        return Err(NO_TEXT);
    }
    if !line.contains(['"', '\'', '\u{b}', '\u{c}']) {
        return Ok(line.split([' ', '\t', '\n', '\r']).filter(|word| !word.is_empty()).map(str::to_owned).collect());
    }
    let mut rest = line.as_bytes();
    let mut words = Vec::new();
    loop {
        while let [first, tail @ ..] = rest
            && is_blank(*first)
        {
            rest = tail;
        }
        if rest.is_empty() {
            return Ok(words);
        }
        let (word, tail) = next_word(rest).ok_or(UNBALANCED)?;
        words.push(String::from_utf8(word).map_err(|_| NO_TEXT)?);
        rest = tail;
    }
}

/// One word from the front of `rest`, which does not begin with a blank.
fn next_word(mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut word = Vec::new();
    loop {
        match rest {
            [] | [b' ' | b'\n' | b'\r' | b'\t', ..] => return Some((word, rest)),
            [b'"', tail @ ..] => {
                rest = double_quoted(tail, &mut word)?;
                return ends_a_word(rest).then_some((word, rest));
            }
            [b'\'', tail @ ..] => {
                rest = single_quoted(tail, &mut word)?;
                return ends_a_word(rest).then_some((word, rest));
            }
            [byte, tail @ ..] => {
                word.push(*byte);
                rest = tail;
            }
        }
    }
}

/// Reads up to the closing double quote; gives what follows it.
fn double_quoted<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        match rest {
            [] => return None,
            [b'"', tail @ ..] => return Some(tail),
            [b'\\', b'x', high, low, tail @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                word.push(hex(*high) << 4 | hex(*low));
                rest = tail;
            }
            [b'\\', escaped, tail @ ..] => {
                word.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 0x08,
                    b'a' => 0x07,
                    other => *other,
                });
                rest = tail;
            }
            [byte, tail @ ..] => {
                word.push(*byte);
                rest = tail;
            }
        }
    }
}

/// Reads up to the closing single quote; gives what follows it.
fn single_quoted<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        match rest {
            [] => return None,
            [b'\\', b'\'', tail @ ..] => {
                word.push(b'\'');
                rest = tail;
            }
            [b'\'', tail @ ..] => return Some(tail),
            [byte, tail @ ..] => {
                word.push(*byte);
                rest = tail;
            }
        }
    }
}

/// Whether a closing quote may stand before this.
fn ends_a_word(rest: &[u8]) -> bool {
    rest.first().is_none_or(|byte| is_blank(*byte))
}

/// Whether the byte separates words.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// The value of a hexadecimal digit.
fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit.wrapping_sub(b'A').wrapping_add(10),
    }
}

/// The line that is read back as these words.
pub(crate) fn join<T: AsRef<str>>(words: &[T]) -> String {
    let mut line = String::new();
    for (index, word) in words.iter().enumerate() {
        if index > 0 {
            line.push(' ');
        }
        line.push_str(&quote_if_needed(word.as_ref()));
    }
    line
}

/// The word as it can stand in a line: bare where that is unambiguous, else quoted.
pub(crate) fn quote_if_needed(word: &str) -> String {
    let is_plain = !word.is_empty()
        && !word.starts_with('#')
        && !word.chars().any(|c| {
            c.is_control() || c.is_whitespace() || matches!(c, '"' | '\'' | '\\' | char::REPLACEMENT_CHARACTER)
        });
    if is_plain { word.to_owned() } else { quote(word) }
}

/// The word in double quotes.
pub(crate) fn quote(word: &str) -> String {
    let mut quoted = String::with_capacity(word.len() + 2);
    quoted.push('"');
    for c in word.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_ascii_control() => {
                let _ = write!(quoted, "\\x{:02x}", u32::from(c));
            }
            char::REPLACEMENT_CHARACTER => quoted.push_str("\\xef\\xbf\\xbd"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

const UNBALANCED: &str = "Unbalanced quotes in configuration line";
const NO_TEXT: &str = "Configuration line is not UTF-8 text";

#[cfg(test)]
mod tests {
    use super::{join, split};

    #[test]
    fn quotes_and_escapes_are_read_as_the_reference_reads_them() {
        for (line, expected) in [
            ("a b\tc", Some(vec!["a", "b", "c"])),
            ("a \"b c\" 'd e'", Some(vec!["a", "b c", "d e"])),
            (r#"a "\x41\n\r\t\q\\\"""#, Some(vec!["a", "A\n\r\tq\\\""])),
            (r"a '\'\n'", Some(vec!["a", "'\\n"])),
            (r#"a "\xg1""#, Some(vec!["a", "xg1"])),
            ("a b\"c d\"", Some(vec!["a", "bc d"])),
            ("\"\" ''", Some(vec!["", ""])),
            ("a\u{b}b \u{c}c", Some(vec!["a\u{b}b", "c"])),
            (r#"a "\xff""#, None),
            ("a \0", None),
            ("a \u{fffd}", None),
            (r#"a "\xef\xbf\xbd\x00""#, Some(vec!["a", "\u{fffd}\0"])),
            ("a \"b\"c", None),
            ("a 'b", None),
            ("a \"b\\", None),
        ] {
            let words = split(line).ok();

            assert_eq!(
                words.as_deref(),
                expected.as_ref().map(|w| w.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>()).as_deref(),
                "{line}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn a_written_word_is_read_back(words in proptest::collection::vec("(?s).*", 0..4)) {
            let line = join(&words);

            proptest::prop_assert!(!line.contains(['\n', '\r']));
            proptest::prop_assert_eq!(split(line.trim_matches([' ', '\t'])), Ok(words));
        }

        #[test]
        fn no_line_makes_the_splitter_panic(line in ".*") {
            let _ = split(&line);
        }
    }
}
