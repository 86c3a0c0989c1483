//! Requests in every form, whole and in pieces, within the limits and beyond.

use proptest::prelude::{ProptestConfig, any, prop, prop_assert_eq, proptest};

use super::{MAX_LINE, MAX_WEIGHT, Refusal, RequestDecoder, Standing};
use crate::resp::Request;

/// Everything the decoder gives for bytes that come in these segments.
fn decoded<'a>(segments: impl IntoIterator<Item = &'a [u8]>, standing: Standing) -> (Vec<Request>, Option<Refusal>) {
    let mut decoder = RequestDecoder::default();
    let mut requests = Vec::new();
    for segment in segments {
        decoder.feed(segment);
        loop {
            match decoder.poll_request(standing) {
                Ok(Some(request)) => requests.push(request),
                Ok(None) => break,
                Err(refusal) => return (requests, Some(refusal)),
            }
        }
    }
    (requests, None)
}

fn at_once(bytes: &[u8]) -> (Vec<Request>, Option<Refusal>) {
    decoded([bytes], Standing::Known)
}

fn refused(bytes: &[u8], standing: Standing) -> String {
    let (_, refusal) = decoded([bytes], standing);
    refusal.expect("these bytes are no command").told().expect("the client is told why").to_owned()
}

// Answers of redis-sentinel 7.0.15 to the same bytes, except where a line says that the bound is ours.
#[test]
fn malformed_requests_are_refused_in_the_words_of_redis() {
    let long = |start: &str| [start.as_bytes(), &vec![b'1'; MAX_LINE + 1]].concat();
    for (bytes, expected) in [
        (b"*2147483648\r\n".to_vec(), "ERR Protocol error: invalid multibulk length"),
        (b"*9223372036854775808\r\n".to_vec(), "ERR Protocol error: invalid multibulk length"),
        (b"*+3\r\n".to_vec(), "ERR Protocol error: invalid multibulk length"),
        (b"*03\r\n".to_vec(), "ERR Protocol error: invalid multibulk length"),
        (b"* 3\r\n".to_vec(), "ERR Protocol error: invalid multibulk length"),
        (b"*\r\n".to_vec(), "ERR Protocol error: invalid multibulk length"),
        (b"*1048577\r\n".to_vec(), "ERR Protocol error: invalid multibulk length"), // ours
        (b"*1\r\n$-1\r\n".to_vec(), "ERR Protocol error: invalid bulk length"),
        (b"*1\r\n$-2\r\n".to_vec(), "ERR Protocol error: invalid bulk length"),
        (b"*1\r\n$536870913\r\n".to_vec(), "ERR Protocol error: invalid bulk length"),
        (b"*1\r\n$8388609\r\n".to_vec(), "ERR Protocol error: invalid bulk length"), // ours
        (b"*1\r\n$99999999999999999999\r\n".to_vec(), "ERR Protocol error: invalid bulk length"),
        (b"*1\r\n+4\r\nPING\r\n".to_vec(), "ERR Protocol error: expected '$', got '+'"),
        (b"*1\r\n:4\r\nPING\r\n".to_vec(), "ERR Protocol error: expected '$', got ':'"),
        (b"*1\r\n\r\n".to_vec(), "ERR Protocol error: expected '$', got '\r'"),
        (b"PING \"a\r\n".to_vec(), "ERR Protocol error: unbalanced quotes in request"),
        (b"PING 'a'b\r\n".to_vec(), "ERR Protocol error: unbalanced quotes in request"),
        (long("a"), "ERR Protocol error: too big inline request"),
        (long("*"), "ERR Protocol error: too big mbulk count string"),
        (long("*1\r\n$"), "ERR Protocol error: too big bulk count string"),
        (long("*1\r\n"), "ERR Protocol error: too big bulk count string"),
    ] {
        assert_eq!(refused(&bytes, Standing::Known), expected, "{:?}", &bytes[..bytes.len().min(40)]);
    }
}

#[test]
fn a_stranger_may_say_little() {
    let long_word = b"*1\r\n$16385\r\n";
    let many_words = b"*11\r\n";
    let just_enough = [b"*10\r\n$16384\r\n".as_slice(), &vec![b'a'; 16_384], b"\r\n"].concat();

    assert_eq!(refused(long_word, Standing::Stranger), "ERR Protocol error: unauthenticated bulk length");
    assert_eq!(refused(many_words, Standing::Stranger), "ERR Protocol error: unauthenticated multibulk length");
    assert_eq!(decoded([&just_enough[..]], Standing::Stranger), (vec![], None));
    assert_eq!(at_once(long_word), (vec![], None));
    assert_eq!(at_once(many_words), (vec![], None));
}

#[test]
fn what_redis_lets_pass_passes() {
    let ping = || vec![Request::new(["PING"])];
    for (bytes, expected) in [
        (&b"*-1\r\nPING\r\n"[..], ping()),
        (b"*0\r\nPING\r\n", ping()),
        (b"\r\n\n\r\n  \t \r\nPING\n", ping()),
        (b"*1\rX$4\rXPINGxx", ping()),
        (b"*1\r\n$0\r\n\r\nPING\r\n", vec![Request::new([""]), Request::new(["PING"])]),
        (b"\"\"\r\n", vec![Request::new([""])]),
        (b"*1\r\n$4\r\nPI\0G\r\n", vec![Request::new(["PI\0G"])]),
        (b"*3", vec![]),
        (b"*1\r\n$4\r\nPING\r", vec![]),
        (b"*1\n$4\nPING\n", vec![]),
    ] {
        assert_eq!(at_once(bytes), (expected, None), "{bytes:?}");
    }
}

#[test]
fn a_browser_is_not_answered() {
    for bytes in [&b"POST / HTTP/1.1\r\n"[..], b"Host: x\r\n", b"*2\r\n$4\r\npost\r\n$1\r\nx\r\n"] {
        assert_eq!(at_once(bytes), (vec![], Some(Refusal::CrossProtocol)), "{bytes:?}");
    }
}

#[test]
fn a_command_of_many_light_words_is_too_heavy_all_the_same() {
    let words = MAX_WEIGHT / size_of::<Vec<u8>>() + 1;
    let bytes = [format!("*{words}\r\n").into_bytes(), b"$0\r\n\r\n".repeat(words)].concat();

    assert_eq!(refused(&bytes, Standing::Known), "ERR Protocol error: invalid bulk length");
}

#[test]
fn a_large_word_in_single_bytes_takes_linear_time() {
    let word = vec![b'a'; 1 << 20];
    let bytes = [b"*2\r\n$4\r\nPING\r\n$1048576\r\n".as_slice(), &word, b"\r\n"].concat();

    let (requests, refusal) = decoded(bytes.chunks(1), Standing::Known);

    assert_eq!(refusal, None);
    assert_eq!(requests, [Request::new([b"PING".to_vec(), word])]);
}

#[test]
fn what_was_taken_is_freed() {
    let mut decoder = RequestDecoder::default();
    for _ in 0..100_000 {
        decoder.feed(b"PING\r\nPI");
        assert_eq!(decoder.poll_request(Standing::Known), Ok(Some(Request::new(["PING"]))));
        assert_eq!(decoder.poll_request(Standing::Known), Ok(None));
        decoder.feed(b"NG\r\n");
        assert_eq!(decoder.poll_request(Standing::Known), Ok(Some(Request::new(["PING"]))));
    }

    assert_eq!(decoder.buffer.waiting(), b"");
    assert!(decoder.buffer.capacity() < 1024);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_encoded_is_decoded(words in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..20)) {
        let request = Request::new([vec![b"x".to_vec()], words].concat());
        let mut bytes = Vec::new();
        request.encode(&mut bytes);

        prop_assert_eq!(at_once(&bytes), (vec![request], None));
    }

    #[test]
    fn segments_make_no_difference(pieces in prop::collection::vec(piece(), 0..30), size in 1_usize..9) {
        let bytes = pieces.concat();

        prop_assert_eq!(decoded(bytes.chunks(size), Standing::Known), at_once(&bytes));
        prop_assert_eq!(
            decoded(bytes.chunks(size), Standing::Stranger),
            decoded([&bytes[..]], Standing::Stranger)
        );
    }
}

/// Bytes that often make a command, and often nearly do.
fn piece() -> impl proptest::strategy::Strategy<Value = Vec<u8>> {
    use proptest::strategy::Strategy as _;
    let known: &[&[u8]] = &[
        b"*1\r\n$4\r\nPING\r\n",
        b"*2\r\n",
        b"*0\r\n",
        b"*11\r\n",
        b"$1\r\na\r\n",
        b"$0\r\n\r\n",
        b"PING x\r\n",
        b"\r",
        b"\n",
        b"\r\n",
        b" ",
        b"\"",
        b"'",
        b"\\x41",
        b"*",
        b"$",
        b"-1",
        b"3",
        b"POST",
        b"Host:",
        b"\0",
    ];
    proptest::prop_oneof![
        8 => prop::sample::select(known).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..8),
    ]
}
