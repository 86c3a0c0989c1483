//! Decides which words an inline command has: blanks part them, quotes hold them together.
//!
//! Mirrors redis 7.0.15: `"..."` knows `\xHH \n \r \t \b \a` and takes any other escaped byte as it is, `'...'` knows
//! `\'` alone, a quote may open inside a word, and a closing quote must end the word. A NUL is a byte like any other,
//! where redis waits for ever.

/// The words of `line`; `None` when its quotes are not balanced.
pub(crate) fn split(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    let mut rest = line;
    while let Some(start) = rest.iter().position(|&byte| !is_space(byte)) {
        let (word, used) = first_word(&rest[start..])?;
        words.push(word);
        rest = &rest[start + used..];
    }
    Some(words)
}

/// The word that `text` begins with, and how many bytes spell it.
fn first_word(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut word = Vec::new();
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match byte {
            b' ' | b'\n' | b'\r' | b'\t' => break,
            b'"' | b'\'' => {
                at += 1 + quoted(&text[at + 1..], byte, &mut word)?;
                // What follows a closing quote is the next word, so a blank has to part them.
                if text.get(at).is_some_and(|&next| !is_space(next)) {
                    return None;
                }
                break;
            }
            plain => {
                word.push(plain);
                at += 1;
            }
        }
    }
    Some((word, at))
}

/// Appends what stands before the closing `quote`; gives how many bytes that took, the quote included.
fn quoted(text: &[u8], quote: u8, word: &mut Vec<u8>) -> Option<usize> {
    let mut at = 0;
    loop {
        match text[at..] {
            [b'\\', b'x', high, low, ..] if quote == b'"' && high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                word.push(nibble(high) << 4 | nibble(low));
                at += 4;
            }
            [b'\\', escaped, ..] if quote == b'"' => {
                word.push(unescaped(escaped));
                at += 2;
            }
            [b'\\', b'\'', ..] if quote == b'\'' => {
                word.push(b'\'');
                at += 2;
            }
            [byte, ..] if byte == quote => return Some(at + 1),
            [byte, ..] => {
                word.push(byte);
                at += 1;
            }
            [] => return None,
        }
    }
}

fn unescaped(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => other,
    }
}

fn nibble(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit - b'A' + 10,
    }
}

/// What C calls a space: the ASCII blanks and the vertical tab.
fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn words_are_parted_as_redis_parts_them() {
        for (line, expected) in [
            (&b""[..], Some(&[][..])),
            (b"  \t ", Some(&[])),
            (b"PING", Some(&["PING"])),
            (b" a  b\tc ", Some(&["a", "b", "c"])),
            (b"\"PI\\x4eG\" 'a b'", Some(&["PING", "a b"])),
            (b"\"a\\n\\t\\q\\x4\"", Some(&["a\n\tqx4"])),
            (b"a\"b c\"", Some(&["ab c"])),
            (b"'a\\'b\\n'", Some(&["a'b\\n"])),
            (b"\"\" ''", Some(&["", ""])),
            (b"PING\x0bx", Some(&["PING\x0bx"])),
            (b"PING \x0b x", Some(&["PING", "x"])),
            (b"a\rb", Some(&["a", "b"])),
            (b"\"a\rb\"", Some(&["a\rb"])),
            (b"a\0b", Some(&["a\0b"])),
            (b"\"a", None),
            (b"'a", None),
            (b"\"a\\", None),
            (b"'a\\'", None),
            (b"\"a\"b", None),
            (b"'a'b", None),
            (b"a\"", None),
        ] {
            let expected = expected.map(|words| words.iter().map(|word| word.as_bytes().to_vec()).collect::<Vec<_>>());
            assert_eq!(split(line), expected, "{line:?}");
        }
    }
}
