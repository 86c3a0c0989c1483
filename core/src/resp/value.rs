//! Decides what can be said in RESP2 and RESP3: replies as [`Value`], command lines as [`Request`].

use std::fmt;

/// The protocol version a connection speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// RESP2, the default of every connection.
    #[default]
    Resp2,
    /// RESP3, after `HELLO 3`.
    Resp3,
}

/// One reply, as data; encoding flattens what RESP2 cannot say.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `+OK`
    Simple(String),
    /// `-ERR text`, code included.
    Error(String),
    /// `:42`
    Integer(i64),
    /// `$5 hello`
    Bulk(Vec<u8>),
    /// `_` in RESP3; `$-1` in RESP2.
    Null,
    /// `_` in RESP3; `*-1` in RESP2.
    NullArray,
    /// `*2 ...`
    Array(Vec<Value>),
    /// `%2 ...` in RESP3; a flat array in RESP2.
    Map(Vec<(Value, Value)>),
    /// `~2 ...` in RESP3; an array in RESP2.
    Set(Vec<Value>),
    /// `>3 ...` in RESP3; an array in RESP2.
    Push(Vec<Value>),
    /// `#t` in RESP3; an integer in RESP2.
    Boolean(bool),
    /// `,3.14` in RESP3; a bulk string in RESP2.
    Double(f64),
    /// `(123...` in RESP3; a bulk string in RESP2.
    BigNumber(String),
    /// `=15 txt:...` in RESP3 (the text without its three-letter format); a bulk string in RESP2.
    Verbatim(Vec<u8>),
}

impl Value {
    /// `+OK`
    pub fn ok() -> Self {
        Self::Simple("OK".into())
    }

    /// A bulk string of the text.
    pub fn bulk(text: impl AsRef<[u8]>) -> Self {
        Self::Bulk(text.as_ref().to_vec())
    }

    /// An error whose text carries the code, such as `ERR syntax error`.
    pub fn error(text: impl Into<String>) -> Self {
        Self::Error(text.into())
    }

    /// The text of a simple, bulk or verbatim string, when it is UTF-8.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Simple(text) => Some(text),
            Self::Bulk(bytes) | Self::Verbatim(bytes) => std::str::from_utf8(bytes).ok(),
            Self::Error(_)
            | Self::Integer(_)
            | Self::Null
            | Self::NullArray
            | Self::Array(_)
            | Self::Map(_)
            | Self::Set(_)
            | Self::Push(_)
            | Self::Boolean(_)
            | Self::Double(_)
            | Self::BigNumber(_) => None,
        }
    }
}

/// A command line: the command's name and its arguments, as bytes.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Request {
    words: Vec<Vec<u8>>,
}

impl Request {
    /// A command line of these words.
    pub fn new<W: Into<Vec<u8>>>(words: impl IntoIterator<Item = W>) -> Self {
        Self { words: words.into_iter().map(Into::into).collect() }
    }

    /// All words, the command's name first.
    pub fn words(&self) -> &[Vec<u8>] {
        &self.words
    }

    /// The number of words.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether there is no word at all.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The word at `index`, when there is one.
    pub fn word(&self, index: usize) -> Option<&[u8]> {
        self.words.get(index).map(Vec::as_slice)
    }

    /// The word at `index` as text, when there is one and it is UTF-8.
    pub fn text(&self, index: usize) -> Option<&str> {
        std::str::from_utf8(self.word(index)?).ok()
    }

    /// The word at `index` as a whole signed number in the strict form Redis accepts.
    pub fn integer(&self, index: usize) -> Option<i64> {
        let text = self.text(index)?;
        let number: i64 = text.parse().ok()?;
        (number.to_string() == text).then_some(number)
    }

    /// Whether the word at `index` is `expected`, ignoring case.
    pub fn is(&self, index: usize, expected: &str) -> bool {
        self.word(index).is_some_and(|word| word.eq_ignore_ascii_case(expected.as_bytes()))
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A command line may carry a password (AUTH, HELLO, SENTINEL SET): only its first words are shown.
        let shown = if self.is(0, "auth") || self.is(0, "hello") { 1 } else { 2 };
        write!(f, "Request(")?;
        for word in self.words.iter().take(shown) {
            write!(f, "{} ", String::from_utf8_lossy(word))?;
        }
        write!(f, "{} words)", self.words.len())
    }
}
