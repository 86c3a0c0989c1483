//! Decides how tests talk to servers and sentinels: one blocking connection, every wait bounded.
//!
//! Reads replies by itself, so that a fault of the codec under test cannot hide itself.

use std::{
    io::{BufRead, BufReader, ErrorKind as IoErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
};

use crate::{
    error::{Error, ErrorKind, Result},
    resp::Value,
    types::Millis,
};

/// The longest text or list a reply may hold.
const LARGEST: i64 = 64 * 1024 * 1024;
/// How deep a reply may be nested.
const DEEPEST: u32 = 8;

/// A blocking connection that speaks RESP2 and understands RESP3.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    stream: BufReader<TcpStream>,
    patience: Millis,
}

impl Client {
    /// How long a client waits for a connection or a reply unless told otherwise.
    pub const PATIENCE: Millis = Millis::new(3000);

    /// Connects; each later reply may take as long as `patience`.
    ///
    /// # Errors
    /// [`ErrorKind::Connection`]
    pub fn connect(address: SocketAddr, patience: Millis) -> Result<Self> {
        let connected = TcpStream::connect_timeout(&address, patience.into()).and_then(|stream| {
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(patience.into()))?;
            stream.set_write_timeout(Some(patience.into()))?;
            Ok(stream)
        });
        let stream = connected.map_err(|error| lost("connect", address, error))?;
        Ok(Self { address, stream: BufReader::new(stream), patience })
    }

    /// The address it is connected to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends a command and gives its reply; an error reply is a value too.
    ///
    /// # Errors
    /// [`ErrorKind::Connection`] when the connection is lost or silent, [`ErrorKind::Protocol`] on bad bytes.
    pub fn command(&mut self, words: &[&str]) -> Result<Value> {
        self.send(words)?;
        self.read()
    }

    /// Sends a command and gives the text of its reply.
    ///
    /// # Errors
    /// As [`Client::command`], and [`ErrorKind::Protocol`] when the reply is an error or has no text.
    pub fn text(&mut self, words: &[&str]) -> Result<String> {
        let reply = self.command(words)?;
        let words = words.join(" ");
        reply.as_text().map(str::to_owned).ok_or_else(|| self.bad(format!("{words} answered {reply:?}")))
    }

    /// The value of one `field:value` line of `INFO`, such as `role`; empty when there is no such line.
    ///
    /// # Errors
    /// As [`Client::text`].
    pub fn info(&mut self, section: &str, field: &str) -> Result<String> {
        let text = self.text(&["INFO", section])?;
        let mut lines = text.lines().filter_map(|line| line.split_once(':'));
        Ok(lines.find(|(name, _)| *name == field).map(|(_, value)| value.to_owned()).unwrap_or_default())
    }

    /// Where the sentinel at the other end says the master is; `None` when it does not know the name.
    ///
    /// # Errors
    /// As [`Client::command`], and [`ErrorKind::Protocol`] when the reply is not an address.
    pub fn master(&mut self, name: &str) -> Result<Option<SocketAddr>> {
        let reply = self.command(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", name])?;
        if matches!(reply, Value::Null | Value::NullArray) {
            return Ok(None);
        }
        address_of(&reply).map(Some).ok_or_else(|| self.bad(format!("answered {reply:?}, not an address")))
    }

    /// Sends a command without waiting for its reply.
    ///
    /// # Errors
    /// [`ErrorKind::Connection`]
    pub fn send(&mut self, words: &[&str]) -> Result<()> {
        let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            bytes.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
        }
        self.send_raw(&bytes)
    }

    /// Sends these very bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Connection`]
    pub fn send_raw(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.get_mut().write_all(bytes).map_err(|error| lost("send to", self.address, error))
    }

    /// The next reply or message.
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn read(&mut self) -> Result<Value> {
        self.value(0)
    }

    /// The next reply or message, when it begins within `wait`.
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn read_within(&mut self, wait: Millis) -> Result<Option<Value>> {
        let address = self.address;
        let failed = |error| lost("read from", address, error);
        self.stream.get_ref().set_read_timeout(Some(wait.into())).map_err(failed)?;
        let begun = match self.stream.fill_buf() {
            Ok([]) => Err(lost("read from", address, IoErrorKind::UnexpectedEof.into())),
            Ok(_) => Ok(true),
            Err(error) if matches!(error.kind(), IoErrorKind::WouldBlock | IoErrorKind::TimedOut) => Ok(false),
            Err(error) => Err(failed(error)),
        };
        self.stream.get_ref().set_read_timeout(Some(self.patience.into())).map_err(failed)?;
        if begun? { self.read().map(Some) } else { Ok(None) }
    }

    fn value(&mut self, depth: u32) -> Result<Value> {
        if depth > DEEPEST {
            return Err(self.bad("nested too deep"));
        }
        let line = self.line()?;
        let (kind, rest) = line.split_at_checked(1).ok_or_else(|| self.bad("an empty line"))?;
        Ok(match kind {
            "+" => Value::Simple(rest.into()),
            "-" => Value::Error(rest.into()),
            ":" => Value::Integer(rest.parse().map_err(|_| self.bad(&line))?),
            "," => Value::Double(rest.parse().map_err(|_| self.bad(&line))?),
            "(" => Value::BigNumber(rest.into()),
            "#" => Value::Boolean(rest == "t"),
            "_" => Value::Null,
            "$" => self.length(rest)?.map_or(Ok(Value::Null), |length| self.bytes(length).map(Value::Bulk))?,
            "=" => {
                let mut text = self.bytes(self.length(rest)?.unwrap_or(0))?;
                text.drain(..text.len().min("txt:".len()));
                Value::Verbatim(text)
            }
            "*" => match self.length(rest)? {
                Some(count) => Value::Array(self.values(count, depth)?),
                None => Value::NullArray,
            },
            "~" => Value::Set(self.values(self.length(rest)?.unwrap_or(0), depth)?),
            ">" => Value::Push(self.values(self.length(rest)?.unwrap_or(0), depth)?),
            "%" => {
                let flat = self.values(self.length(rest)?.unwrap_or(0) * 2, depth)?;
                let mut flat = flat.into_iter();
                let mut pairs = Vec::new();
                while let (Some(key), Some(value)) = (flat.next(), flat.next()) {
                    pairs.push((key, value));
                }
                Value::Map(pairs)
            }
            _ => return Err(self.bad(&line)),
        })
    }

    fn values(&mut self, count: usize, depth: u32) -> Result<Vec<Value>> {
        (0..count).map(|_| self.value(depth + 1)).collect()
    }

    /// The length a header announces; `None` for -1.
    fn length(&self, text: &str) -> Result<Option<usize>> {
        match text.parse::<i64>() {
            Ok(-1) => Ok(None),
            Ok(length @ 0..=LARGEST) => Ok(Some(length as usize)),
            Ok(_) | Err(_) => Err(self.bad(format!("length {text}"))),
        }
    }

    fn bytes(&mut self, length: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; length + 2];
        self.stream.read_exact(&mut bytes).map_err(|error| lost("read from", self.address, error))?;
        bytes.truncate(length);
        Ok(bytes)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        let read = self.stream.by_ref().take(LARGEST as u64).read_line(&mut line);
        match read.map_err(|error| lost("read from", self.address, error))? {
            0 => Err(lost("read from", self.address, IoErrorKind::UnexpectedEof.into())),
            _ => Ok(line.trim_end_matches(['\r', '\n']).to_owned()),
        }
    }

    fn bad(&self, what: impl AsRef<str>) -> Error {
        Error::new(ErrorKind::Protocol, "read from", format!("{}: {}", self.address, what.as_ref()))
    }
}

fn address_of(reply: &Value) -> Option<SocketAddr> {
    let Value::Array(parts) = reply else { return None };
    let [host, port] = parts.as_slice() else { return None };
    Some(SocketAddr::new(host.as_text()?.parse().ok()?, port.as_text()?.parse().ok()?))
}

fn lost(operation: &'static str, address: SocketAddr, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Connection, operation, address.to_string()).because(error)
}
