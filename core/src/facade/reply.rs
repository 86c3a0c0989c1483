//! Decides how a reply crosses a language border in one piece: as flat words beside a blob, or as JSON.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json, json};

pub use crate::resp::Value as Reply;

/// A reply as numbers and bytes, to be fetched in one call.
///
/// `words` holds three numbers for each value, parents before their children: its [type](ReplyType), a number, a length.
/// The number is the value itself (integer; bits of a double; 0 or 1 for a boolean) or where its bytes begin in `blob`; the
/// length is that of the bytes, or how many items an array, set or push has, or how many pairs a map has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flat {
    /// Three numbers for each value.
    pub words: Vec<i64>,
    /// The bytes of all strings, each with a NUL behind it that its length does not count.
    pub blob: Vec<u8>,
}

/// The types of replies, with the numbers that stand for them; they never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum ReplyType {
    /// Nothing: a null of any kind.
    Nil = 0,
    /// A whole number.
    Integer = 1,
    /// A floating-point number.
    Double = 2,
    /// Yes or no.
    Boolean = 3,
    /// A string of bytes.
    Bulk = 4,
    /// A short text, such as `OK`.
    Simple = 5,
    /// An error, its code first.
    Error = 6,
    /// Items in order.
    Array = 7,
    /// Pairs in order.
    Map = 8,
    /// Items that differ.
    Set = 9,
    /// A message that nobody asked for.
    Push = 10,
    /// A number of any size, as its digits.
    BigNumber = 11,
    /// A text with a format; the text alone.
    Verbatim = 12,
}

/// The type of a reply.
pub fn reply_type(reply: &Reply) -> ReplyType {
    match reply {
        Reply::Null | Reply::NullArray => ReplyType::Nil,
        Reply::Integer(_) => ReplyType::Integer,
        Reply::Double(_) => ReplyType::Double,
        Reply::Boolean(_) => ReplyType::Boolean,
        Reply::Bulk(_) => ReplyType::Bulk,
        Reply::Simple(_) => ReplyType::Simple,
        Reply::Error(_) => ReplyType::Error,
        Reply::Array(_) => ReplyType::Array,
        Reply::Map(_) => ReplyType::Map,
        Reply::Set(_) => ReplyType::Set,
        Reply::Push(_) => ReplyType::Push,
        Reply::BigNumber(_) => ReplyType::BigNumber,
        Reply::Verbatim(_) => ReplyType::Verbatim,
    }
}

/// The reply as flat words beside a blob.
pub fn flatten(reply: &Reply) -> Flat {
    let mut flat = Flat::default();
    flat.push(reply);
    flat
}

/// The reply as JSON text.
///
/// Strings are text where they are UTF-8, else `{"hex": "00ff"}`; errors are `{"error": "ERR ..."}`; maps are objects when
/// all their keys are text, else arrays of pairs; infinite numbers are `"inf"`, `"-inf"`, `"nan"`.
pub fn reply_json(reply: &Reply) -> String {
    json_of(reply).to_string()
}

impl Flat {
    fn push(&mut self, reply: &Reply) {
        let kind = reply_type(reply);
        match reply {
            Reply::Null | Reply::NullArray => self.row(kind, 0, 0),
            Reply::Integer(number) => self.row(kind, *number, 0),
            Reply::Double(number) => self.row(kind, number.to_bits() as i64, 0),
            Reply::Boolean(is_so) => self.row(kind, i64::from(*is_so), 0),
            Reply::Bulk(bytes) | Reply::Verbatim(bytes) => self.bytes(kind, bytes),
            Reply::Simple(text) | Reply::Error(text) | Reply::BigNumber(text) => self.bytes(kind, text.as_bytes()),
            Reply::Array(items) | Reply::Set(items) | Reply::Push(items) => {
                self.row(kind, 0, items.len());
                for item in items {
                    self.push(item);
                }
            }
            Reply::Map(pairs) => {
                self.row(kind, 0, pairs.len());
                for (key, value) in pairs {
                    self.push(key);
                    self.push(value);
                }
            }
        }
    }

    fn bytes(&mut self, kind: ReplyType, bytes: &[u8]) {
        self.row(kind, self.blob.len() as i64, bytes.len());
        self.blob.extend_from_slice(bytes);
        self.blob.push(0);
    }

    fn row(&mut self, kind: ReplyType, number: i64, length: usize) {
        self.words.extend([i64::from(kind as i32), number, length as i64]);
    }
}

fn json_of(reply: &Reply) -> Json {
    match reply {
        Reply::Null | Reply::NullArray => Json::Null,
        Reply::Integer(number) => json!(number),
        Reply::Double(number) if number.is_finite() => json!(number),
        Reply::Double(number) if number.is_nan() => json!("nan"),
        Reply::Double(number) => json!(if *number > 0.0 { "inf" } else { "-inf" }),
        Reply::Boolean(is_so) => json!(is_so),
        Reply::Bulk(bytes) | Reply::Verbatim(bytes) => text_or_hex(bytes),
        Reply::Simple(text) | Reply::BigNumber(text) => json!(text),
        Reply::Error(text) => json!({ "error": text }),
        Reply::Array(items) | Reply::Set(items) | Reply::Push(items) => items.iter().map(json_of).collect(),
        Reply::Map(pairs) => {
            let named = pairs.iter().map(|(key, value)| Some((key.as_text()?.to_owned(), json_of(value))));
            named.collect::<Option<Map<_, _>>>().map_or_else(
                || pairs.iter().map(|(key, value)| json!([json_of(key), json_of(value)])).collect(),
                Json::Object,
            )
        }
    }
}

fn text_or_hex(bytes: &[u8]) -> Json {
    std::str::from_utf8(bytes).map_or_else(
        |_| {
            let mut hex = String::with_capacity(bytes.len() * 2);
            for byte in bytes {
                // Writing to a string cannot fail.
                let _ = write!(hex, "{byte:02x}");
            }
            json!({ "hex": hex })
        },
        |text| json!(text),
    )
}

#[cfg(test)]
mod tests {
    use super::{Reply, flatten, reply_json};

    #[test]
    fn a_tree_becomes_rows_with_parents_first() {
        let reply = Reply::Array(vec![
            Reply::bulk("ab"),
            Reply::Map(vec![(Reply::Simple("k".into()), Reply::Integer(7))]),
            Reply::Null,
        ]);

        let flat = flatten(&reply);

        assert_eq!(flat.words, [7, 0, 3, 4, 0, 2, 8, 0, 1, 5, 3, 1, 1, 7, 0, 0, 0, 0]);
        assert_eq!(flat.blob, b"ab\0k\0");
    }

    #[test]
    fn a_double_crosses_by_its_bits() {
        let flat = flatten(&Reply::Double(-0.5));

        assert_eq!(f64::from_bits(flat.words[1] as u64).to_bits(), (-0.5_f64).to_bits());
    }

    #[test]
    fn every_type_has_a_form_in_json() {
        let reply = Reply::Array(vec![
            Reply::ok(),
            Reply::error("ERR no"),
            Reply::Integer(1),
            Reply::Bulk(vec![0, 255]),
            Reply::NullArray,
            Reply::Set(vec![Reply::Boolean(true)]),
            Reply::Double(f64::INFINITY),
            Reply::Map(vec![(Reply::bulk("k"), Reply::Double(0.5))]),
            Reply::Map(vec![(Reply::Integer(1), Reply::Verbatim(b"t".to_vec()))]),
        ]);

        let expected = r#"["OK",{"error":"ERR no"},1,{"hex":"00ff"},null,[true],"inf",{"k":0.5},[[1,"t"]]]"#;
        assert_eq!(reply_json(&reply), expected);
    }
}
