//! Decides which values a server's bytes are, and which bytes are no answer at all.
//!
//! Reads RESP2 and RESP3 as a client does. A server that is broken or hostile cannot make it hold more than its
//! [`Bounds`] allow for one reply, or reserve memory for what it only announces.

use super::{Value, buffer::Buffer, number::whole};
use crate::error::{Error, ErrorKind, Result};

/// How large one reply may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes.
    pub bytes: usize,
    /// Values, those inside others included.
    pub values: usize,
    /// How deeply arrays, maps and the like may stand in one another.
    pub depth: usize,
}

impl Bounds {
    /// What a sentinel expects of the servers and sentinels it watches: 16 MiB.
    pub const CONTROL: Self = Self { bytes: 16 << 20, values: 1 << 18, depth: 32 };

    /// What a client may have asked for: strings of up to 512 MiB, several of them in one reply.
    pub const DATA: Self = Self { bytes: (1 << 31) - 1, values: 1 << 27, depth: 128 };
}

impl Default for Bounds {
    fn default() -> Self {
        Self::CONTROL
    }
}

/// The longest simple string, error or number.
const MAX_LINE: usize = 64 << 10;

/// Takes bytes as they arrive and gives replies.
///
/// Attributes are read and dropped. After an error it is of no more use.
///
/// # Example
/// ```
/// use sentinelle::resp::{Value, ValueDecoder};
///
/// let mut decoder = ValueDecoder::default();
/// decoder.feed(b"+PO");
/// assert_eq!(decoder.poll_value()?, None);
/// decoder.feed(b"NG\r\n:1\r\n");
/// assert_eq!(decoder.poll_value()?, Some(Value::Simple("PONG".into())));
/// assert_eq!(decoder.poll_value()?, Some(Value::Integer(1)));
/// # Ok::<(), sentinelle::error::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct ValueDecoder {
    bounds: Bounds,
    buffer: Buffer,
    open: Vec<Container>,
    size: usize,
    values: usize,
    blob: Option<Blob>,
}

/// A value that holds others and has not arrived wholly.
#[derive(Debug)]
struct Container {
    shape: Shape,
    missing: usize,
    items: Vec<Value>,
}

#[derive(Clone, Copy, Debug)]
enum Shape {
    Array,
    Map,
    Set,
    Push,
    /// Said about the value that follows, and dropped.
    Attribute,
}

/// A string of known length that has not arrived wholly.
#[derive(Clone, Copy, Debug)]
struct Blob {
    kind: BlobKind,
    length: usize,
}

#[derive(Clone, Copy, Debug)]
enum BlobKind {
    Bulk,
    Verbatim,
    Error,
}

/// What the bytes at the front turned out to be.
enum Piece {
    Whole(Value),
    Begun,
    Incomplete,
}

impl ValueDecoder {
    /// A decoder with these bounds; [`Bounds::CONTROL`] are the default's.
    pub fn bounded(bounds: Bounds) -> Self {
        Self { bounds, ..Self::default() }
    }

    /// Appends what was received.
    ///
    /// What waits is bounded when [`ValueDecoder::poll_value`] is called until it gives `None` before more is fed.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.feed(bytes);
    }

    /// The next whole reply; `None` until more bytes come.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] when the bytes are no reply, or one beyond the bounds.
    pub fn poll_value(&mut self) -> Result<Option<Value>> {
        let value = self.whole_reply();
        self.buffer.tidy();
        value
    }

    fn whole_reply(&mut self) -> Result<Option<Value>> {
        loop {
            let value = match self.piece()? {
                Piece::Whole(value) => value,
                Piece::Begun => continue,
                Piece::Incomplete => return Ok(None),
            };
            if let Some(reply) = self.place(value) {
                self.size = 0;
                self.values = 0;
                return Ok(Some(reply));
            }
        }
    }

    /// Puts a whole value where it belongs; gives it back when it belongs nowhere and is a reply by itself.
    fn place(&mut self, mut value: Value) -> Option<Value> {
        while let Some(container) = self.open.last_mut() {
            container.items.push(value);
            container.missing -= 1;
            if container.missing > 0 {
                return None;
            }
            value = self.open.pop()?.into_value()?;
        }
        Some(value)
    }

    fn piece(&mut self) -> Result<Piece> {
        if let Some(blob) = self.blob {
            return self.blob_value(blob);
        }
        let Some(line) = self.line()? else { return Ok(Piece::Incomplete) };
        self.values += 1;
        if self.values > self.bounds.values {
            return Err(malformed("too many values in one reply"));
        }
        let (mark, text) = self.buffer.waiting()[..line].split_first().ok_or_else(|| malformed("an empty line"))?;
        let piece = match mark {
            b'*' if text == b"-1" => Piece::Whole(Value::NullArray),
            b'$' if text == b"-1" => Piece::Whole(Value::Null),
            b'*' => self.begin(Shape::Array, length(text)?)?,
            b'%' => self.begin(Shape::Map, length(text)?)?,
            b'~' => self.begin(Shape::Set, length(text)?)?,
            b'>' => self.begin(Shape::Push, length(text)?)?,
            b'|' => self.begin(Shape::Attribute, length(text)?)?,
            b'$' => self.announce(BlobKind::Bulk, length(text)?)?,
            b'=' => self.announce(BlobKind::Verbatim, length(text)?)?,
            b'!' => self.announce(BlobKind::Error, length(text)?)?,
            _ => Piece::Whole(scalar(*mark, text)?),
        };
        self.take(line + LINE_END)?;
        Ok(piece)
    }

    /// The length of the line at the front, once its end is there.
    fn line(&mut self) -> Result<Option<usize>> {
        let end = self.buffer.find(b'\n');
        if end.unwrap_or(self.buffer.waiting().len()) > MAX_LINE {
            return Err(malformed("a line without end"));
        }
        let Some(end) = end else { return Ok(None) };
        match self.buffer.waiting()[..end] {
            [.., b'\r'] => Ok(Some(end - 1)),
            _ => Err(malformed("a line that does not end in CR LF")),
        }
    }

    fn begin(&mut self, shape: Shape, count: usize) -> Result<Piece> {
        let missing = match shape {
            Shape::Map | Shape::Attribute => count.saturating_mul(2),
            Shape::Array | Shape::Set | Shape::Push => count,
        };
        if missing > self.bounds.values {
            return Err(malformed("too many values in one reply"));
        }
        let container = Container { shape, missing, items: Vec::new() };
        if missing == 0 {
            return Ok(container.into_value().map_or(Piece::Begun, Piece::Whole));
        }
        if self.open.len() == self.bounds.depth {
            return Err(malformed("values nested too deeply"));
        }
        self.open.push(container);
        Ok(Piece::Begun)
    }

    fn announce(&mut self, kind: BlobKind, length: usize) -> Result<Piece> {
        if length > self.bounds.bytes {
            return Err(malformed("a reply too long"));
        }
        self.blob = Some(Blob { kind, length });
        Ok(Piece::Begun)
    }

    fn blob_value(&mut self, blob: Blob) -> Result<Piece> {
        if self.size + blob.length > self.bounds.bytes {
            return Err(malformed("a reply too long"));
        }
        let Some((bytes, behind)) = self.buffer.waiting().split_at_checked(blob.length) else {
            return Ok(Piece::Incomplete);
        };
        let value = match behind {
            [b'\r', b'\n', ..] => blob.kind.value(bytes)?,
            [] | [b'\r'] => return Ok(Piece::Incomplete),
            _ => return Err(malformed("a string longer than announced")),
        };
        self.blob = None;
        self.take(blob.length + LINE_END)?;
        Ok(Piece::Whole(value))
    }

    fn take(&mut self, count: usize) -> Result<()> {
        self.buffer.take(count);
        self.size += count;
        if self.size > self.bounds.bytes { Err(malformed("a reply too long")) } else { Ok(()) }
    }
}

impl Container {
    fn into_value(self) -> Option<Value> {
        match self.shape {
            Shape::Array => Some(Value::Array(self.items)),
            Shape::Set => Some(Value::Set(self.items)),
            Shape::Push => Some(Value::Push(self.items)),
            Shape::Map => {
                let mut items = self.items.into_iter();
                Some(Value::Map(std::iter::from_fn(|| Some((items.next()?, items.next()?))).collect()))
            }
            Shape::Attribute => None,
        }
    }
}

impl BlobKind {
    fn value(self, bytes: &[u8]) -> Result<Value> {
        match self {
            Self::Bulk => Ok(Value::Bulk(bytes.to_vec())),
            Self::Error => Ok(Value::Error(text(bytes))),
            Self::Verbatim => match bytes {
                [_, _, _, b':', content @ ..] => Ok(Value::Verbatim(content.to_vec())),
                _ => Err(malformed("a verbatim string without format")),
            },
        }
    }
}

fn scalar(mark: u8, line: &[u8]) -> Result<Value> {
    let value = match mark {
        b'+' => Some(Value::Simple(text(line))),
        b'-' => Some(Value::Error(text(line))),
        b':' => parsed(line).map(Value::Integer),
        b'_' => line.is_empty().then_some(Value::Null),
        b'#' => match line {
            b"t" => Some(Value::Boolean(true)),
            b"f" => Some(Value::Boolean(false)),
            _ => None,
        },
        b',' => parsed(line).map(Value::Double),
        b'(' => is_big_number(line).then(|| Value::BigNumber(text(line))),
        _ => return Err(malformed("an unknown type of value")),
    };
    value.ok_or_else(|| malformed("a value that its type does not allow"))
}

fn parsed<T: std::str::FromStr>(line: &[u8]) -> Option<T> {
    std::str::from_utf8(line).ok()?.parse().ok()
}

fn is_big_number(line: &[u8]) -> bool {
    let digits = line.strip_prefix(b"-").unwrap_or(line);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn length(line: &[u8]) -> Result<usize> {
    whole(line).and_then(|number| usize::try_from(number).ok()).ok_or_else(|| malformed("an impossible length"))
}

fn malformed(what: &str) -> Error {
    Error::new(ErrorKind::Protocol, "read a reply", what)
}

const LINE_END: usize = 2;

#[cfg(test)]
mod tests;
