//! Decides which bytes say a value or a command line.
//!
//! Mirrors the RESP2 and RESP3 specifications; what RESP2 cannot say is flattened as [`Value`] documents.

use super::{Protocol, Request, Value};

impl Value {
    /// Appends this value to `out` as `protocol` says it.
    ///
    /// A line break inside a simple string or an error is written as a blank: it would end the reply early.
    ///
    /// ```
    /// use sentinelle::resp::{Protocol, Value};
    ///
    /// let mut out = Vec::new();
    /// Value::Map(vec![(Value::bulk("proto"), Value::Integer(2))]).encode(Protocol::Resp2, &mut out);
    /// assert_eq!(out, b"*2\r\n$5\r\nproto\r\n:2\r\n");
    /// ```
    pub fn encode(&self, protocol: Protocol, out: &mut Vec<u8>) {
        let is_resp3 = protocol == Protocol::Resp3;
        match self {
            Self::Simple(text) => line(b'+', text, out),
            Self::Error(text) => line(b'-', text, out),
            Self::Integer(number) => line(b':', &number.to_string(), out),
            Self::Null | Self::NullArray if is_resp3 => out.extend_from_slice(b"_\r\n"),
            Self::Null => out.extend_from_slice(b"$-1\r\n"),
            Self::NullArray => out.extend_from_slice(b"*-1\r\n"),
            Self::Array(items) => sequence(b'*', items, protocol, out),
            Self::Map(pairs) => map(pairs, protocol, out),
            Self::Set(items) => sequence(if is_resp3 { b'~' } else { b'*' }, items, protocol, out),
            Self::Push(items) => sequence(if is_resp3 { b'>' } else { b'*' }, items, protocol, out),
            Self::Boolean(truth) if is_resp3 => out.extend_from_slice(if *truth { b"#t\r\n" } else { b"#f\r\n" }),
            Self::Boolean(truth) => line(b':', if *truth { "1" } else { "0" }, out),
            Self::Double(number) if is_resp3 => line(b',', &double(*number), out),
            Self::Double(number) => bulk(double(*number).as_bytes(), out),
            Self::BigNumber(digits) if is_resp3 => line(b'(', digits, out),
            Self::BigNumber(digits) => bulk(digits.as_bytes(), out),
            Self::Verbatim(bytes) if is_resp3 => verbatim(bytes, out),
            Self::Bulk(bytes) | Self::Verbatim(bytes) => bulk(bytes, out),
        }
    }
}

impl Request {
    /// Appends this command line to `out` as an array of bulk strings.
    pub fn encode(&self, out: &mut Vec<u8>) {
        header(b'*', self.len(), out);
        for word in self.words() {
            bulk(word, out);
        }
    }
}

fn line(mark: u8, text: &str, out: &mut Vec<u8>) {
    out.push(mark);
    out.extend(text.bytes().map(|byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { byte }));
    out.extend_from_slice(b"\r\n");
}

fn header(mark: u8, count: usize, out: &mut Vec<u8>) {
    line(mark, &count.to_string(), out);
}

fn bulk(bytes: &[u8], out: &mut Vec<u8>) {
    header(b'$', bytes.len(), out);
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}

fn verbatim(bytes: &[u8], out: &mut Vec<u8>) {
    const FORMAT: &[u8] = b"txt:";
    header(b'=', FORMAT.len() + bytes.len(), out);
    out.extend_from_slice(FORMAT);
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}

fn sequence(mark: u8, items: &[Value], protocol: Protocol, out: &mut Vec<u8>) {
    header(mark, items.len(), out);
    for item in items {
        item.encode(protocol, out);
    }
}

fn map(pairs: &[(Value, Value)], protocol: Protocol, out: &mut Vec<u8>) {
    match protocol {
        Protocol::Resp2 => header(b'*', pairs.len() * 2, out),
        Protocol::Resp3 => header(b'%', pairs.len(), out),
    }
    for (key, value) in pairs {
        key.encode(protocol, out);
        value.encode(protocol, out);
    }
}

fn double(number: f64) -> String {
    if number.is_nan() {
        "nan".into()
    } else if number.is_infinite() {
        if number > 0.0 { "inf".into() } else { "-inf".into() }
    } else {
        number.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::{Protocol, Request, Value};

    fn encoded(value: &Value, protocol: Protocol) -> String {
        let mut out = Vec::new();
        value.encode(protocol, &mut out);
        String::from_utf8(out).expect("the values of these tests are text")
    }

    #[test]
    fn every_value_is_said_in_both_protocols() {
        let one = || vec![Value::Integer(1)];
        for (value, resp2, resp3) in [
            (Value::ok(), "+OK\r\n", "+OK\r\n"),
            (Value::error("ERR no"), "-ERR no\r\n", "-ERR no\r\n"),
            (Value::Integer(-7), ":-7\r\n", ":-7\r\n"),
            (Value::bulk("a\r\nb"), "$4\r\na\r\nb\r\n", "$4\r\na\r\nb\r\n"),
            (Value::Null, "$-1\r\n", "_\r\n"),
            (Value::NullArray, "*-1\r\n", "_\r\n"),
            (Value::Array(one()), "*1\r\n:1\r\n", "*1\r\n:1\r\n"),
            (Value::Map(vec![(Value::bulk("k"), Value::Null)]), "*2\r\n$1\r\nk\r\n$-1\r\n", "%1\r\n$1\r\nk\r\n_\r\n"),
            (Value::Set(one()), "*1\r\n:1\r\n", "~1\r\n:1\r\n"),
            (Value::Push(one()), "*1\r\n:1\r\n", ">1\r\n:1\r\n"),
            (Value::Boolean(true), ":1\r\n", "#t\r\n"),
            (Value::Double(3.5), "$3\r\n3.5\r\n", ",3.5\r\n"),
            (Value::Double(f64::NEG_INFINITY), "$4\r\n-inf\r\n", ",-inf\r\n"),
            (Value::BigNumber("123".into()), "$3\r\n123\r\n", "(123\r\n"),
            (Value::Verbatim(b"hi".to_vec()), "$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n"),
        ] {
            assert_eq!(encoded(&value, Protocol::Resp2), resp2);
            assert_eq!(encoded(&value, Protocol::Resp3), resp3);
        }
    }

    #[test]
    fn a_line_break_cannot_end_an_error_early() {
        let value = Value::error("ERR a\r\n+OK");

        assert_eq!(encoded(&value, Protocol::Resp2), "-ERR a  +OK\r\n");
    }

    #[test]
    fn a_command_line_is_an_array_of_bulk_strings() {
        let mut out = Vec::new();

        Request::new(["PING", ""]).encode(&mut out);

        assert_eq!(out, b"*2\r\n$4\r\nPING\r\n$0\r\n\r\n");
    }
}
