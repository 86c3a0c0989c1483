//! Decides whether a text matches a glob pattern, in time linear in pattern times text.
//!
//! Reads `*`, `?`, `[a-c]`, `[^a]` and `\` as Redis does. Never recurses, so no pattern is a trap.

/// Whether `text` matches `pattern` wholly; letters compare exactly.
///
/// ```
/// use sentinelle::types::glob_matches;
/// assert!(glob_matches(b"my*", b"mymaster"));
/// assert!(glob_matches(b"+[so]down", b"+odown"));
/// assert!(!glob_matches(b"a?c", b"ac"));
/// ```
pub fn glob_matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p + 1, t));
            p += 1;
            continue;
        }
        match one(&pattern[p..], text[t]) {
            Some(used) => {
                p += used;
                t += 1;
            }
            None => match star {
                Some((after_star, from)) => {
                    p = after_star;
                    t = from + 1;
                    star = Some((after_star, t));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&b| b == b'*')
}

/// How many pattern bytes match this one byte; `None` when they do not.
fn one(pattern: &[u8], byte: u8) -> Option<usize> {
    match *pattern.first()? {
        b'?' => Some(1),
        b'[' => class(pattern, byte),
        b'\\' if pattern.len() > 1 => (pattern[1] == byte).then_some(2),
        plain => (plain == byte).then_some(1),
    }
}

/// Matches a `[...]` class; one that is never closed reaches to the end of the pattern, as in Redis.
fn class(pattern: &[u8], byte: u8) -> Option<usize> {
    let negated = pattern.get(1) == Some(&b'^');
    let mut at = if negated { 2 } else { 1 };
    let mut found = false;
    while at < pattern.len() && pattern[at] != b']' {
        if pattern[at] == b'\\' && at + 1 < pattern.len() {
            at += 1;
            found |= pattern[at] == byte;
        } else if at + 2 < pattern.len() && pattern[at + 1] == b'-' {
            let (low, high) = (pattern[at].min(pattern[at + 2]), pattern[at].max(pattern[at + 2]));
            found |= (low..=high).contains(&byte);
            at += 2;
        } else {
            found |= pattern[at] == byte;
        }
        at += 1;
    }
    (found != negated).then_some((at + 1).min(pattern.len()))
}

#[cfg(test)]
mod tests {
    use super::glob_matches;

    #[test]
    fn a_pattern_of_many_stars_ends_quickly() {
        let pattern = b"*a".repeat(200);
        let text = b"a".repeat(2000);

        assert!(!glob_matches(&[&pattern[..], b"b"].concat(), &text));
    }

    #[test]
    fn classes_escapes_and_open_brackets_are_read_as_redis_reads_them() {
        for (pattern, text, expected) in [
            (&b"[a-c]x"[..], &b"bx"[..], true),
            (b"[^a-c]x", b"bx", false),
            (b"\\*", b"*", true),
            (b"\\*", b"a", false),
            (b"[ab", b"a", true),
            (b"", b"", true),
            (b"*", b"", true),
            (b"", b"a", false),
        ] {
            assert_eq!(glob_matches(pattern, text), expected, "{pattern:?} against {text:?}");
        }
    }
}
