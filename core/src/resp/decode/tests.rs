//! Replies in every form, whole and in pieces, good and bad.

use proptest::{
    prelude::{ProptestConfig, any, prop, prop_assert_eq, proptest},
    strategy::Strategy,
};

use super::{Bounds, Value, ValueDecoder};
use crate::resp::Protocol;

/// Everything the decoder gives for bytes that come in these segments, and the error that ends it.
fn decoded<'a>(segments: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Value>, Option<String>) {
    let mut decoder = ValueDecoder::default();
    let mut values = Vec::new();
    for segment in segments {
        decoder.feed(segment);
        loop {
            match decoder.poll_value() {
                Ok(Some(value)) => values.push(value),
                Ok(None) => break,
                Err(error) => return (values, Some(error.subject().to_owned())),
            }
        }
    }
    (values, None)
}

fn at_once(bytes: &[u8]) -> (Vec<Value>, Option<String>) {
    decoded([bytes])
}

#[test]
fn every_type_is_read() {
    let one = || vec![Value::Integer(1)];
    for (bytes, expected) in [
        (&b"+OK\r\n"[..], Value::ok()),
        (b"-ERR a\r\n", Value::error("ERR a")),
        (b":-7\r\n", Value::Integer(-7)),
        (b"$4\r\na\r\nb\r\n", Value::bulk("a\r\nb")),
        (b"$0\r\n\r\n", Value::bulk("")),
        (b"$-1\r\n", Value::Null),
        (b"*-1\r\n", Value::NullArray),
        (b"_\r\n", Value::Null),
        (b"*0\r\n", Value::Array(vec![])),
        (b"*1\r\n:1\r\n", Value::Array(one())),
        (b"~1\r\n:1\r\n", Value::Set(one())),
        (b">1\r\n:1\r\n", Value::Push(one())),
        (b"%1\r\n+a\r\n:1\r\n", Value::Map(vec![(Value::Simple("a".into()), Value::Integer(1))])),
        (b"#f\r\n", Value::Boolean(false)),
        (b",3.5\r\n", Value::Double(3.5)),
        (b",-inf\r\n", Value::Double(f64::NEG_INFINITY)),
        (b"(-123456789012345678901234567890\r\n", Value::BigNumber("-123456789012345678901234567890".into())),
        (b"=6\r\ntxt:hi\r\n", Value::Verbatim(b"hi".to_vec())),
        (b"!5\r\nERR a\r\n", Value::error("ERR a")),
        (b"|1\r\n+a\r\n+b\r\n:1\r\n", Value::Integer(1)),
        (b"*2\r\n|1\r\n+a\r\n*1\r\n:3\r\n:1\r\n*0\r\n", Value::Array(vec![Value::Integer(1), Value::Array(vec![])])),
    ] {
        assert_eq!(at_once(bytes), (vec![expected], None), "{:?}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn what_is_no_reply_is_refused() {
    let endless = vec![b'a'; 70_000];
    for (bytes, expected) in [
        (&b"*1000000000\r\n"[..], "too many values in one reply"),
        (b"*9223372036854775808\r\n", "an impossible length"),
        (b"%9223372036854775807\r\n", "too many values in one reply"),
        (b"$-5\r\n", "an impossible length"),
        (b"$-0\r\n", "an impossible length"),
        (b"*?\r\n", "an impossible length"),
        (b"$99999999999\r\n", "a reply too long"),
        (b"$1\r\nabc\r\n", "a string longer than announced"),
        (b"+OK\n", "a line that does not end in CR LF"),
        (b"\r\n", "an empty line"),
        (b"HTTP/1.1 400 Bad Request\r\n", "an unknown type of value"),
        (b":12x\r\n", "a value that its type does not allow"),
        (b"#x\r\n", "a value that its type does not allow"),
        (b"=2\r\nhi\r\n", "a verbatim string without format"),
        (&endless, "a line without end"),
    ] {
        let (values, error) = at_once(bytes);

        assert_eq!((values, error.as_deref()), (vec![], Some(expected)), "{:?}", &bytes[..bytes.len().min(30)]);
    }
}

#[test]
fn nesting_ends_at_the_bound() {
    let nested = |depth| [b"*1\r\n".repeat(depth), b":1\r\n".to_vec()].concat();

    assert_eq!(at_once(&nested(Bounds::CONTROL.depth)).1, None);
    assert_eq!(at_once(&nested(100_000)).1.as_deref(), Some("values nested too deeply"));
}

#[test]
fn many_small_values_and_many_long_ones_end_at_the_bound() {
    let many = [
        b"*200000\r\n".as_slice(),
        b"*2\r\n".as_slice(),
        &b"_\r\n".repeat(2),
        &b"*1\r\n_\r\n".repeat(Bounds::CONTROL.values),
    ]
    .concat();
    let long = b"$4194304\r\n"
        .iter()
        .copied()
        .chain(vec![b'a'; Bounds::CONTROL.bytes / 4])
        .chain(*b"\r\n")
        .collect::<Vec<_>>();

    assert_eq!(at_once(&many).1.as_deref(), Some("too many values in one reply"));
    assert_eq!(at_once(&[b"*4\r\n".as_slice(), &long.repeat(4)].concat()).1.as_deref(), Some("a reply too long"));
    assert_eq!(at_once(&long.repeat(4)).0.len(), 4);
}

#[test]
fn a_long_reply_in_single_bytes_takes_linear_time() {
    let bytes =
        [b"*2\r\n$1000000\r\n".as_slice(), &vec![b'a'; 1_000_000], b"\r\n+", &vec![b'b'; 60_000], b"\r\n"].concat();

    let (values, error) = decoded(bytes.chunks(1));

    assert_eq!((values.len(), error), (1, None));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_encoded_in_resp3_is_decoded(value in value(), size in 1_usize..7) {
        let mut bytes = Vec::new();
        value.encode(Protocol::Resp3, &mut bytes);

        prop_assert_eq!(decoded(bytes.chunks(size)), (vec![value], None));
    }

    #[test]
    fn what_is_encoded_in_resp2_is_decoded_as_its_flat_form(value in value()) {
        let mut bytes = Vec::new();
        value.encode(Protocol::Resp2, &mut bytes);

        let (values, error) = at_once(&bytes);

        prop_assert_eq!(error, None);
        let mut again = Vec::new();
        values[0].encode(Protocol::Resp2, &mut again);
        prop_assert_eq!((values.len(), again), (1, bytes));
    }

    #[test]
    fn segments_make_no_difference(pieces in prop::collection::vec(piece(), 0..30), size in 1_usize..9) {
        let bytes = pieces.concat();

        prop_assert_eq!(decoded(bytes.chunks(size)), at_once(&bytes));
    }

    #[test]
    fn another_decoder_reads_the_same(value in value()) {
        let mut bytes = Vec::new();
        value.encode(Protocol::Resp2, &mut bytes);

        let theirs = redis_protocol::resp2::decode::decode(&bytes);

        let (frame, used) = theirs.expect("it accepts our bytes").expect("they are whole");
        prop_assert_eq!(used, bytes.len());
        let ours = at_once(&bytes).0.remove(0);
        prop_assert_eq!(from_frame(frame), ours);
    }
}

/// What the other decoder's value is in our words; it has no null arrays.
fn from_frame(frame: redis_protocol::resp2::types::OwnedFrame) -> Value {
    use redis_protocol::resp2::types::OwnedFrame;
    match frame {
        OwnedFrame::SimpleString(text) => Value::Simple(String::from_utf8_lossy(&text).into_owned()),
        OwnedFrame::Error(text) => Value::Error(text),
        OwnedFrame::Integer(number) => Value::Integer(number),
        OwnedFrame::BulkString(bytes) => Value::Bulk(bytes),
        OwnedFrame::Array(items) => Value::Array(items.into_iter().map(from_frame).collect()),
        OwnedFrame::Null => Value::Null,
    }
}

/// Any value that both protocols say without loss of its text.
fn value() -> impl Strategy<Value = Value> {
    let leaf = proptest::prop_oneof![
        "[a-zA-Z0-9 ]{0,20}".prop_map(Value::Simple),
        "[A-Z]{1,8} [a-z ]{0,20}".prop_map(Value::Error),
        any::<i64>().prop_map(Value::Integer),
        prop::collection::vec(any::<u8>(), 0..50).prop_map(Value::Bulk),
        proptest::strategy::Just(Value::Null),
        any::<bool>().prop_map(Value::Boolean),
        prop::num::f64::NORMAL.prop_map(Value::Double),
        "-?[1-9][0-9]{0,40}".prop_map(Value::BigNumber),
        prop::collection::vec(any::<u8>(), 0..50).prop_map(Value::Verbatim),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        let items = || prop::collection::vec(inner.clone(), 0..6);
        proptest::prop_oneof![
            items().prop_map(Value::Array),
            items().prop_map(Value::Set),
            items().prop_map(Value::Push),
            prop::collection::vec((inner.clone(), inner.clone()), 0..4).prop_map(Value::Map),
        ]
    })
}

/// Bytes that often make a reply, and often nearly do.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known: &[&[u8]] = &[
        b"+PONG\r\n",
        b"-ERR x\r\n",
        b":1\r\n",
        b"$3\r\nabc\r\n",
        b"$-1\r\n",
        b"*-1\r\n",
        b"*2\r\n",
        b"%1\r\n",
        b"|1\r\n",
        b"~1\r\n",
        b">2\r\n",
        b"_\r\n",
        b"#t\r\n",
        b",1.5\r\n",
        b"=5\r\ntxt:a\r\n",
        b"(12\r\n",
        b"\r",
        b"\n",
        b"\r\n",
        b"$1",
        b"*",
    ];
    proptest::prop_oneof![
        12 => prop::sample::select(known).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..8),
    ]
}

#[test]
fn a_data_reply_may_be_larger_than_one_of_a_sentinel() {
    let mut decoder = ValueDecoder::bounded(Bounds::DATA);
    let length = Bounds::CONTROL.bytes + 1;

    decoder.feed(format!("${length}\r\n").as_bytes());
    decoder.feed(&vec![b'a'; length]);
    decoder.feed(b"\r\n");

    assert_eq!(decoder.poll_value().expect("it fits"), Some(Value::Bulk(vec![b'a'; length])));
}
