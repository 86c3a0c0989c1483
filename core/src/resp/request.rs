//! Decides which command lines a client's bytes are, and which bytes end the connection.
//!
//! Mirrors redis 7.0.15 (spec 11.2), error texts byte for byte, with three bounds of our own: a command has at most
//! [`MAX_WORDS`] words, weighs at most [`MAX_WEIGHT`], and an inline line that is longer than [`MAX_LINE`] is refused
//! even when its end has arrived. Like redis it skips the two bytes behind a count or bulk without looking at the second.

use std::fmt;

use super::{Request, buffer::Buffer, inline, number::whole};

/// The longest inline command and the longest count line, in bytes.
pub const MAX_LINE: usize = 64 << 10;

/// The most words in one command.
pub const MAX_WORDS: i64 = 1 << 20;

/// The most that one command may weigh: its bytes, and what keeping each word costs.
pub const MAX_WEIGHT: usize = 8 << 20;

/// The most words in a command of a client that has yet to authenticate.
const MAX_STRANGER_WORDS: i64 = 10;

/// The longest word of a client that has yet to authenticate.
const MAX_STRANGER_WORD: i64 = 16_384;

/// Whether a client has shown who it is, when it has to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has yet to authenticate.
    Stranger,
    /// It has authenticated, or need not.
    Known,
}

/// Why a connection has to be closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The bytes are no command; the client is told this before it is closed.
    Malformed(String),
    /// The bytes are an HTTP request that a browser was tricked into sending; it is told nothing.
    CrossProtocol,
}

/// Takes bytes as they arrive and gives command lines.
///
/// After a [`Refusal`] it is of no more use.
///
/// # Example
/// ```
/// use sentinelle::resp::{Request, RequestDecoder, Standing};
///
/// let mut decoder = RequestDecoder::default();
/// decoder.feed(b"*1\r\n$4\r\nPI");
/// assert_eq!(decoder.poll_request(Standing::Known), Ok(None));
/// decoder.feed(b"NG\r\nPING hi\r\n");
/// assert_eq!(decoder.poll_request(Standing::Known), Ok(Some(Request::new(["PING"]))));
/// assert_eq!(decoder.poll_request(Standing::Known), Ok(Some(Request::new(["PING", "hi"]))));
/// ```
#[derive(Debug, Default)]
pub struct RequestDecoder {
    buffer: Buffer,
    partial: Option<Partial>,
}

/// A multibulk command that has not arrived wholly.
#[derive(Debug)]
struct Partial {
    missing: i64,
    words: Vec<Vec<u8>>,
    weight: usize,
    /// The length of the word that arrives, once it is known.
    length: Option<usize>,
}

impl RequestDecoder {
    /// Appends what was received.
    ///
    /// What waits is bounded when [`RequestDecoder::poll_request`] is called until it gives `None` before more is fed.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.feed(bytes);
    }

    /// How much memory waits for the rest of a command, about.
    pub fn held(&self) -> usize {
        self.buffer.waiting().len() + self.partial.as_ref().map_or(0, Partial::held)
    }

    /// The next whole command line; `None` until more bytes come. Empty lines and counts below one are skipped.
    ///
    /// # Errors
    /// A [`Refusal`] when no command can follow.
    pub fn poll_request(&mut self, standing: Standing) -> Result<Option<Request>, Refusal> {
        let request = self.whole_request(standing);
        self.buffer.tidy();
        let Some(request) = request? else { return Ok(None) };
        if request.is(0, "post") || request.is(0, "host:") {
            return Err(Refusal::CrossProtocol);
        }
        Ok(Some(request))
    }

    fn whole_request(&mut self, standing: Standing) -> Result<Option<Request>, Refusal> {
        loop {
            if let Some(mut partial) = self.partial.take() {
                if partial.gather(&mut self.buffer, standing)? {
                    return Ok(Some(Request::new(partial.words)));
                }
                self.partial = Some(partial);
                return Ok(None);
            }
            match self.buffer.waiting().first() {
                None => return Ok(None),
                Some(b'*') => match word_count(&mut self.buffer, standing)? {
                    None => return Ok(None),
                    Some(missing) if missing > 0 => self.partial = Some(Partial::of(missing)),
                    Some(_) => {}
                },
                Some(_) => match inline_words(&mut self.buffer)? {
                    None => return Ok(None),
                    Some(words) if words.is_empty() => {}
                    Some(words) => return Ok(Some(Request::new(words))),
                },
            }
        }
    }
}

impl Partial {
    /// What the words weigh that have arrived wholly.
    fn held(&self) -> usize {
        self.weight - self.length.map_or(0, |length| length + WORD_COST)
    }

    fn of(missing: i64) -> Self {
        Self { missing, words: Vec::new(), weight: 0, length: None }
    }

    /// Takes the words that have arrived; whether these were all.
    fn gather(&mut self, buffer: &mut Buffer, standing: Standing) -> Result<bool, Refusal> {
        while self.missing > 0 {
            let length = match self.length {
                Some(length) => length,
                None => match self.word_length(buffer, standing)? {
                    Some(length) => *self.length.insert(length),
                    None => return Ok(false),
                },
            };
            if buffer.waiting().len() < length + LINE_END {
                return Ok(false);
            }
            self.words.push(buffer.waiting()[..length].to_vec());
            buffer.take(length + LINE_END);
            self.length = None;
            self.missing -= 1;
        }
        Ok(true)
    }

    fn word_length(&mut self, buffer: &mut Buffer, standing: Standing) -> Result<Option<usize>, Refusal> {
        let Some(line) = count_line(buffer, "too big bulk count string")? else { return Ok(None) };
        let number = match buffer.waiting()[..line] {
            [b'$', ref digits @ ..] => whole(digits),
            // An empty line: what stands there is its own end.
            [] => return Err(unexpected(b'\r')),
            [other, ..] => return Err(unexpected(other)),
        };
        let length = number.filter(|length| (0..=THEIR_MAX_WORD).contains(length));
        if standing == Standing::Stranger && length.is_some_and(|length| length > MAX_STRANGER_WORD) {
            return Err(Refusal::malformed("unauthenticated bulk length"));
        }
        let length = length
            .map(|length| length as usize)
            .filter(|length| *length <= MAX_WEIGHT)
            .ok_or_else(|| Refusal::malformed(BAD_LENGTH))?;
        self.weight += length + WORD_COST;
        if self.weight > MAX_WEIGHT {
            return Err(Refusal::malformed(BAD_LENGTH));
        }
        buffer.take(line + LINE_END);
        Ok(Some(length))
    }
}

impl Refusal {
    fn malformed(what: &str) -> Self {
        Self::Malformed(format!("ERR Protocol error: {what}"))
    }

    /// The error that the client is told, its code included; `None` when it is told nothing.
    pub fn told(&self) -> Option<&str> {
        match self {
            Self::Malformed(text) => Some(text),
            Self::CrossProtocol => None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.told().unwrap_or("an HTTP request where a command was expected"))
    }
}

impl std::error::Error for Refusal {}

/// Reads `*3`; zero and less mean that there is nothing to run.
fn word_count(buffer: &mut Buffer, standing: Standing) -> Result<Option<i64>, Refusal> {
    let Some(line) = count_line(buffer, "too big mbulk count string")? else { return Ok(None) };
    let bad_count = || Refusal::malformed("invalid multibulk length");
    let count = whole(&buffer.waiting()[1..line]).filter(|count| *count <= THEIR_MAX_WORDS).ok_or_else(bad_count)?;
    if standing == Standing::Stranger && count > MAX_STRANGER_WORDS {
        return Err(Refusal::malformed("unauthenticated multibulk length"));
    }
    if count > MAX_WORDS {
        return Err(bad_count());
    }
    buffer.take(line + LINE_END);
    Ok(Some(count))
}

/// The length of the line at the front, without its end, once both bytes of the end are there.
fn count_line(buffer: &mut Buffer, too_long: &str) -> Result<Option<usize>, Refusal> {
    let end = buffer.find(b'\r');
    if end.unwrap_or(buffer.waiting().len()) > MAX_LINE {
        return Err(Refusal::malformed(too_long));
    }
    Ok(end.filter(|end| buffer.waiting().len() >= end + LINE_END))
}

/// Reads one inline command; an empty line has no words.
fn inline_words(buffer: &mut Buffer) -> Result<Option<Vec<Vec<u8>>>, Refusal> {
    let end = buffer.find(b'\n');
    if end.unwrap_or(buffer.waiting().len()) > MAX_LINE {
        return Err(Refusal::malformed("too big inline request"));
    }
    let Some(end) = end else { return Ok(None) };
    let line = &buffer.waiting()[..end];
    let words = inline::split(line.strip_suffix(b"\r").unwrap_or(line))
        .ok_or_else(|| Refusal::malformed("unbalanced quotes in request"))?;
    buffer.take(end + 1);
    Ok(Some(words))
}

fn unexpected(byte: u8) -> Refusal {
    let shown = if byte.is_ascii() { char::from(byte) } else { char::REPLACEMENT_CHARACTER };
    Refusal::malformed(&format!("expected '$', got '{shown}'"))
}

/// The most words redis takes: what is beyond is called impossible, to a stranger too.
const THEIR_MAX_WORDS: i64 = i32::MAX as i64;

/// The longest word redis takes.
const THEIR_MAX_WORD: i64 = 512 << 20;

const BAD_LENGTH: &str = "invalid bulk length";

/// The two bytes behind a count or a word.
const LINE_END: usize = 2;

/// What keeping one word costs beside its bytes.
const WORD_COST: usize = size_of::<Vec<u8>>();

#[cfg(test)]
mod tests;
