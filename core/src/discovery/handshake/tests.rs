//! What servers of many kinds answer to the handshake, and what is made of it.

use super::{Handshake, Introduction, ReplicaState, ServerKind, ServerRole, Welcome};
use crate::{
    discovery::Credentials,
    error::{ErrorKind, Result},
    resp::Protocol,
    types::Endpoint,
};

const DATA: ServerKind = ServerKind::Data { database: 0 };
const HELLO: &str = "%3\r\n$7\r\nversion\r\n$5\r\n8.1.0\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$2\r\nid\r\n:7\r\n";
const COURTESIES: &str = "+OK\r\n-ERR unknown subcommand\r\n-ERR unknown subcommand\r\n";
const MASTER: &str = "*3\r\n$6\r\nmaster\r\n:42\r\n*0\r\n";

#[test]
fn everything_is_said_in_one_pipeline() -> Result<()> {
    let mut handshake = greeting(ServerKind::Data { database: 3 }, Some(Credentials::new(Some("app"), "secret")));

    let said = said(&mut handshake);
    let welcome = heard(&mut handshake, &format!("{HELLO}+OK\r\n{COURTESIES}+OK\r\n+PONG\r\n{MASTER}"))?;

    assert_eq!(said[0], "HELLO 3 AUTH app secret");
    assert_eq!(said[1], "CLIENT SETNAME cart");
    assert_eq!(said[4..], ["CLIENT CAPA redirect", "SELECT 3", "PING", "ROLE"]);
    let welcome = welcome.expect("all is answered");
    assert_eq!((welcome.protocol, welcome.client_id), (Protocol::Resp3, Some(7)));
    assert_eq!(welcome.role, ServerRole::Master { offset: Some(42) });
    Ok(())
}

#[test]
fn a_server_that_does_not_know_hello_is_greeted_again_without_it() -> Result<()> {
    let mut handshake = greeting(DATA, Some(Credentials::new(None, "secret")));
    said(&mut handshake);

    let refused = "-ERR unknown command 'HELLO'\r\n".to_owned() + &"-NOAUTH Authentication required.\r\n".repeat(6);
    let nothing = heard(&mut handshake, &refused)?;
    let again = said(&mut handshake);
    let welcome = heard(&mut handshake, &format!("+OK\r\n+OK\r\n{COURTESIES}+PONG\r\n{MASTER}"))?;

    assert_eq!((nothing, again[0].as_str()), (None, "AUTH secret"));
    assert_eq!(welcome.map(|welcome| welcome.protocol), Some(Protocol::Resp2));
    Ok(())
}

#[test]
fn a_role_that_may_not_be_asked_for_is_read_from_hello_or_info() -> Result<()> {
    let forbidden = "-NOPERM this user has no permissions to run the 'role' command\r\n";
    let mut handshake = greeting(DATA, None);
    said(&mut handshake);
    let of_master = heard(&mut handshake, &format!("{HELLO}+OK\r\n{COURTESIES}+PONG\r\n{forbidden}"))?;

    let mut handshake = greeting(DATA, None);
    said(&mut handshake);
    let hello = HELLO.replace("$6\r\nmaster", "$7\r\nreplica");
    let not_yet = heard(&mut handshake, &format!("{hello}+OK\r\n{COURTESIES}+PONG\r\n{forbidden}"))?;
    let asked = said(&mut handshake);
    let info =
        "role:slave\r\nmaster_host:10.0.0.1\r\nmaster_port:6379\r\nmaster_link_status:up\r\nslave_repl_offset:9\r\n";
    let of_replica = heard(&mut handshake, &format!("${}\r\n{info}\r\n", info.len()))?;

    assert!(of_master.is_some_and(|welcome| welcome.role.is_master()));
    assert_eq!((not_yet, asked), (None, vec!["INFO replication".to_owned()]));
    let role = ServerRole::Replica {
        master: Endpoint::parse("10.0.0.1", 6379),
        state: ReplicaState::Connected,
        offset: Some(9),
    };
    assert_eq!(of_replica.map(|welcome| welcome.role), Some(role));
    Ok(())
}

#[test]
fn each_refusal_is_told_by_its_kind() {
    let courtesies = format!("+OK\r\n{COURTESIES}");
    for (heard_first, expected) in [
        ("-NOAUTH HELLO must be called with the client already authenticated\r\n".to_owned(), ErrorKind::Auth),
        ("-WRONGPASS invalid username-password pair or user is disabled.\r\n".to_owned(), ErrorKind::Auth),
        ("-ERR max number of clients reached\r\n".to_owned(), ErrorKind::Connection),
        ("-DENIED Redis is running in protected mode\r\n".to_owned(), ErrorKind::Server),
        (format!("{HELLO}{courtesies}-LOADING Redis is loading the dataset in memory\r\n"), ErrorKind::Loading),
        (format!("{HELLO}{courtesies}-MASTERDOWN Link with MASTER is down\r\n"), ErrorKind::Loading),
        (format!("{HELLO}{courtesies}+PONG\r\n:1\r\n"), ErrorKind::Protocol),
        (format!("{HELLO}{courtesies}+PONG\r\n*1\r\n$6\r\nmaster\r\n"), ErrorKind::Protocol),
        (":1\r\n".to_owned(), ErrorKind::Protocol),
        ("HTTP/1.1 400 Bad Request\r\n".to_owned(), ErrorKind::Protocol),
    ] {
        let mut handshake = greeting(DATA, None);
        said(&mut handshake);

        let ended = heard(&mut handshake, &heard_first);

        assert_eq!(ended.map_err(|error| error.kind()), Err(expected), "{heard_first}");
    }
}

#[test]
fn a_sentinel_is_greeted_with_its_own_password() -> Result<()> {
    let mut handshake = greeting(ServerKind::Sentinel, Some(Credentials::new(None, "secret")));

    let said = said(&mut handshake);
    let no_password = "-ERR AUTH <password> called without any password configured for the default user.\r\n";
    let welcome = heard(&mut handshake, &format!("{no_password}{COURTESIES}+PONG\r\n"))?;

    assert_eq!((said[0].as_str(), said.last().map(String::as_str)), ("AUTH secret", Some("PING")));
    assert_eq!(welcome, Some(Welcome::default()));
    Ok(())
}

#[test]
fn bytes_that_come_singly_are_understood_and_nothing_behind_them_is_lost() -> Result<()> {
    let mut handshake = greeting(DATA, None);
    said(&mut handshake);
    let whole = format!("{HELLO}+OK\r\n{COURTESIES}+PONG\r\n{MASTER}");

    let mut ends = Vec::new();
    for byte in whole.bytes() {
        ends.extend(handshake.handle_received(&[byte])?);
    }
    let mut decoder = handshake.into_decoder();
    decoder.feed(b"+behind\r\n");

    assert_eq!(ends.len(), 1);
    assert_eq!(decoder.poll_value()?.and_then(|value| value.as_text().map(str::to_owned)), Some("behind".into()));
    Ok(())
}

#[test]
fn a_data_server_is_greeted_in_resp2_when_that_is_wanted() {
    let to = ServerKind::Data { database: 0 };
    let us = Introduction { credentials: None, client_name: None, protocol: Protocol::Resp2, to };

    let lines = said(&mut Handshake::new(us));

    assert!(lines.iter().all(|line| !line.starts_with("HELLO")), "{lines:?}");
    assert!(lines.contains(&"ROLE".to_owned()), "{lines:?}");
}

fn greeting(to: ServerKind, credentials: Option<Credentials>) -> Handshake {
    Handshake::new(Introduction { credentials, client_name: Some("cart".into()), protocol: Protocol::Resp3, to })
}

/// The command lines that were said, as words with blanks between.
fn said(handshake: &mut Handshake) -> Vec<String> {
    use crate::resp::{RequestDecoder, Standing};
    let mut decoder = RequestDecoder::default();
    decoder.feed(&handshake.poll_bytes().expect("it is our turn"));
    let next = || decoder.poll_request(Standing::Known).expect("we speak RESP");
    let words = |request: crate::resp::Request| {
        let words: Vec<_> = request.words().iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        words.join(" ")
    };
    std::iter::from_fn(next).map(words).collect()
}

fn heard(handshake: &mut Handshake, text: &str) -> Result<Option<Welcome>> {
    handshake.handle_received(text.as_bytes())
}
