//! Decides what escaped text stands for: `%2F` and the like, as RFC 3986 has them.

use super::refused;
use crate::error::Result;

/// The text with its escapes replaced; `part` names it in a failure, because it may be a password.
pub(super) fn decode(text: &str, part: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        if first != b'%' {
            bytes.push(first);
            rest = tail;
            continue;
        }
        let digits = tail.get(..2).and_then(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?));
        bytes.push(digits.ok_or_else(|| refused(format!("a % in {part} is not followed by two digits")))?);
        rest = &tail[2..];
    }
    let decoded = String::from_utf8(bytes).map_err(|_| refused(format!("{part} is not UTF-8")))?;
    if decoded.chars().any(char::is_control) {
        return Err(refused(format!("{part} has a control character in it")));
    }
    Ok(decoded)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}
