//! Decides what a command is to the pool: its words as they go over the wire, and how it wants to be treated.

use std::fmt;

use super::{
    class::{self, Class},
    reads::ReadFrom,
};
use crate::types::Millis;

/// A command: its words, packed, and how it wants to be treated.
///
/// # Example
/// ```
/// use sentinelle::pool::{Class, Command};
///
/// let command = Command::new(["SET", "colour", "green"]);
/// assert_eq!(command.class(), Class::Idempotent);
///
/// let command = Command::named("HSET").word("car").word("wheels").number(4);
/// assert_eq!(command.words().last(), Some(&b"4"[..]));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Command {
    /// The words as bulk strings, without the count in front of them.
    body: Vec<u8>,
    count: u32,
    class: Option<Class>,
    read_from: Option<ReadFrom>,
    timeout: Option<Millis>,
}

impl Command {
    /// A command of these words, its name first.
    pub fn new<W: AsRef<[u8]>>(words: impl IntoIterator<Item = W>) -> Self {
        let body = Vec::with_capacity(USUAL_LENGTH);
        let mut command = Self { body, count: 0, class: None, read_from: None, timeout: None };
        for word in words {
            command.push(word.as_ref());
        }
        command
    }

    /// A command without arguments yet.
    pub fn named(name: &str) -> Self {
        Self::new([name])
    }

    /// The same command with one more word.
    #[must_use]
    pub fn word(mut self, word: impl AsRef<[u8]>) -> Self {
        self.push(word.as_ref());
        self
    }

    /// The same command with a whole number as one more word.
    #[must_use]
    pub fn number(self, number: i64) -> Self {
        self.word(number.to_string())
    }

    /// The same command, treated as of that class; default: by its name and options.
    ///
    /// [`Class::Idempotent`] lets a script be tried again, [`Class::Write`] keeps a `SET` from being.
    #[must_use]
    pub fn treated_as(mut self, class: Class) -> Self {
        self.class = Some(class);
        self
    }

    /// The same command, read from there; default: as the pool says. Only a [`Class::Read`] is read from a replica.
    #[must_use]
    pub fn read_from(mut self, read_from: ReadFrom) -> Self {
        self.read_from = Some(read_from);
        self
    }

    /// The same command with that much time in all, retries included; default: as the pool says.
    #[must_use]
    pub fn timeout(mut self, timeout: Millis) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// What the command may do: as told, else by its name and options.
    pub fn class(&self) -> Class {
        self.class.unwrap_or_else(|| class::judge(self))
    }

    /// Its words, its name first.
    pub fn words(&self) -> Words<'_> {
        Words { rest: &self.body }
    }

    /// The number of words.
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there is no word at all; such a command is refused.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn own_read_from(&self) -> Option<ReadFrom> {
        self.read_from.clone()
    }

    pub(super) fn own_timeout(&self) -> Option<Millis> {
        self.timeout
    }

    /// How many bytes it has on the wire, about.
    pub(super) fn weight(&self) -> usize {
        self.body.len() + HEADER
    }

    /// Appends it as it goes over the wire.
    pub(super) fn write_to(&self, out: &mut Vec<u8>) {
        out.reserve(self.weight());
        header(b'*', self.count as usize, out);
        out.extend_from_slice(&self.body);
    }

    /// How long the server may keep it waiting; `None` when it does not wait.
    pub(super) fn server_wait(&self) -> Option<ServerWait> {
        let mut words = self.words();
        let name = words.next()?.to_ascii_uppercase();
        let (number, is_seconds) = match name.as_slice() {
            b"BLPOP" | b"BRPOP" | b"BLMOVE" | b"BRPOPLPUSH" | b"BZPOPMIN" | b"BZPOPMAX" => (words.last()?, true),
            b"BLMPOP" | b"BZMPOP" => (words.next()?, true),
            b"WAIT" => (words.nth(1)?, false),
            b"WAITAOF" => (words.nth(2)?, false),
            b"XREAD" | b"XREADGROUP" => {
                words.find(|word| word.eq_ignore_ascii_case(b"BLOCK"))?;
                (words.next()?, false)
            }
            _ => return None,
        };
        let number: f64 = std::str::from_utf8(number).ok()?.parse().ok()?;
        let ms = if is_seconds { number * 1000.0 } else { number };
        Some(if ms > 0.0 { ServerWait::AtMost(Millis::new(ms.ceil() as u64)) } else { ServerWait::Endless })
    }

    /// The first command of packed ones, and what is behind it; `None` when the bytes are none.
    #[cfg(feature = "redis")]
    pub(super) fn from_packed(packed: &[u8]) -> Option<(Self, &[u8])> {
        let (count, body) = measure(b'*', packed)?;
        let mut rest = body;
        for _ in 0..count {
            let (length, word) = measure(b'$', rest)?;
            rest = word.get(length..)?.strip_prefix(b"\r\n")?;
        }
        let mut command = Self::new([b""; 0]);
        command.body.extend_from_slice(&body[..body.len() - rest.len()]);
        command.count = u32::try_from(count).ok()?;
        Some((command, rest))
    }

    fn push(&mut self, word: &[u8]) {
        header(b'$', word.len(), &mut self.body);
        self.body.extend_from_slice(word);
        self.body.extend_from_slice(b"\r\n");
        self.count += 1;
    }
}

impl<W: AsRef<[u8]>, const N: usize> From<[W; N]> for Command {
    fn from(words: [W; N]) -> Self {
        Self::new(words)
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Arguments may be secrets: only the name is shown.
        let name = self.words().next().map(String::from_utf8_lossy).unwrap_or_default();
        write!(f, "Command({name} {} words)", self.count)
    }
}

/// How long a server may keep a command waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ServerWait {
    AtMost(Millis),
    Endless,
}

/// The words of a command.
#[derive(Clone, Debug)]
pub struct Words<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let end = self.rest.iter().position(|&byte| byte == b'\r')?;
        let length = self.rest[1..end].iter().fold(0, |sum, &digit| sum * 10 + usize::from(digit - b'0'));
        let begin = end + 2;
        let word = &self.rest[begin..begin + length];
        self.rest = &self.rest[begin + length + 2..];
        Some(word)
    }
}

/// Appends a mark, a number and a line's end, without an allocation.
fn header(mark: u8, mut number: usize, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.push(mark);
    out.extend_from_slice(&digits[at..]);
    out.extend_from_slice(b"\r\n");
}

/// Reads a mark, a number and a line's end; gives the number and what is behind it.
#[cfg(feature = "redis")]
fn measure(mark: u8, bytes: &[u8]) -> Option<(usize, &[u8])> {
    let line = bytes.strip_prefix(&[mark])?;
    let end = line.iter().position(|&byte| byte == b'\r')?;
    let number = std::str::from_utf8(&line[..end]).ok()?.parse().ok()?;
    Some((number, line.get(end + 2..)?))
}

/// Most commands are no longer than this, and are packed without a second allocation.
const USUAL_LENGTH: usize = 96;

/// The count in front of the words.
const HEADER: usize = 8;

#[cfg(test)]
mod tests {
    use super::{Command, ServerWait};
    use crate::types::Millis;

    #[test]
    fn a_command_goes_over_the_wire_as_an_array_of_bulk_strings() {
        let mut out = Vec::new();

        Command::named("SET").word("k").number(-10).word("").write_to(&mut out);

        assert_eq!(out, b"*4\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\n-10\r\n$0\r\n\r\n");
    }

    #[test]
    fn its_words_are_found_again_whatever_they_hold() {
        let words = [&b"SET"[..], b"a\r\n$3\r\nb", b"", &[0, 255]];

        let found: Vec<_> = Command::new(words).words().map(<[u8]>::to_vec).collect();

        assert_eq!(found, words);
    }

    #[cfg(feature = "redis")]
    #[test]
    fn packed_commands_are_read_one_by_one() {
        let (first, second) = (Command::new(["SET", "k", "a\r\nb"]), Command::new(["PING"]));
        let mut packed = Vec::new();
        first.write_to(&mut packed);
        second.write_to(&mut packed);

        let (read, rest) = Command::from_packed(&packed).expect("there are two");

        assert_eq!(read, first);
        assert_eq!(Command::from_packed(rest), Some((second, &b""[..])));
        assert_eq!(Command::from_packed(b"*2\r\n$3\r\nGET\r\n$9\r\nk"), None);
    }

    #[test]
    fn a_secret_is_not_shown() {
        assert_eq!(format!("{:?}", Command::new(["AUTH", "hunter2"])), "Command(AUTH 2 words)");
    }

    #[test]
    fn how_long_the_server_may_wait_is_read_from_the_command() {
        let at_most = |ms| Some(ServerWait::AtMost(Millis::new(ms)));
        for (words, expected) in [
            (&["BLPOP", "a", "b", "1.5"][..], at_most(1500)),
            (&["blpop", "a", "0"], Some(ServerWait::Endless)),
            (&["BLMPOP", "2", "1", "a", "LEFT"], at_most(2000)),
            (&["WAIT", "1", "100"], at_most(100)),
            (&["XREAD", "COUNT", "1", "BLOCK", "250", "STREAMS", "s", "$"], at_most(250)),
            (&["XREAD", "STREAMS", "s", "0"], None),
            (&["BLPOP", "a", "soon"], None),
            (&["GET", "a"], None),
        ] {
            assert_eq!(Command::new(words).server_wait(), expected, "{words:?}");
        }
    }
}
