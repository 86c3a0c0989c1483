//! Decides what is said first on a connection, and what the answers mean: who the server is, or why we may not stay.
//!
//! *Reads* the bytes of the first answers. *Never* touches a socket: the connections that tokio waits for, those that a
//! thread waits for and the verification of a master all carry the same bytes. Everything is said in one pipeline; a
//! second one follows only to a server that does not know `HELLO`, or does not let us ask for its role.

mod answers;
mod welcome;

use std::collections::VecDeque;

pub(super) use answers::role as role_of;
pub use welcome::{ReplicaState, ServerRole, Welcome};

use super::Credentials;
use crate::{
    error::Result,
    resp::{Protocol, Request, Value, ValueDecoder},
};

/// What we have to say for ourselves.
#[derive(Clone, Debug, PartialEq)]
pub struct Introduction {
    /// Who we are.
    pub credentials: Option<Credentials>,
    /// The name of the connection; `None` = none.
    pub client_name: Option<String>,
    /// What is spoken with a data server, where it can.
    pub protocol: Protocol,
    /// To whom it is said.
    pub to: ServerKind,
}

/// The kind of server that is dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerKind {
    /// A sentinel, spoken to in RESP2 and not asked for its role.
    Sentinel,
    /// A data server.
    Data {
        /// The number of the database; 0 is not selected.
        database: u32,
    },
}

/// The first exchange on a connection.
///
/// # Example
/// ```
/// use sentinelle::{
///     discovery::{Handshake, Introduction, ServerKind},
///     resp::Protocol,
/// };
///
/// let us = Introduction {
///     credentials: None,
///     client_name: None,
///     protocol: Protocol::Resp2,
///     to: ServerKind::Sentinel,
/// };
/// let mut handshake = Handshake::new(us);
/// let said = handshake.poll_bytes().expect("we speak first");
/// assert!(said.ends_with(b"$4\r\nPING\r\n"));
/// let welcome = handshake.handle_received(b"+OK\r\n+OK\r\n+PONG\r\n")?.expect("all is answered");
/// assert_eq!(welcome.zone, None);
/// # Ok::<(), sentinelle::error::Error>(())
/// ```
#[derive(Debug)]
pub struct Handshake {
    introduction: Introduction,
    unsent: Vec<u8>,
    asked: VecDeque<Question>,
    decoder: ValueDecoder,
    welcome: Welcome,
    /// The flight that follows when all answers to the one under way are there.
    next: Option<Flight>,
}

/// What an answer is the answer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    Hello,
    Auth,
    /// Nice to have; refused, it is left.
    Courtesy,
    /// Of no more interest.
    Moot,
    Select,
    Ping,
    Role,
    Replication,
}

/// What is said in one go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flight {
    /// Without `HELLO`.
    Plain,
    /// The role, of a server that does not let us say `ROLE`.
    Replication,
}

impl Handshake {
    /// A handshake that begins with the first thing to say.
    pub fn new(introduction: Introduction) -> Self {
        let mut handshake = Self {
            introduction,
            unsent: Vec::new(),
            asked: VecDeque::new(),
            decoder: ValueDecoder::default(),
            welcome: Welcome::default(),
            next: None,
        };
        match handshake.introduction.to {
            ServerKind::Data { .. } if handshake.introduction.protocol == Protocol::Resp3 => handshake.say_hello(),
            ServerKind::Data { .. } | ServerKind::Sentinel => handshake.say_auth(),
        }
        handshake.say_rest();
        handshake
    }

    /// The bytes to send now; `None` when it is the server's turn.
    pub fn poll_bytes(&mut self) -> Option<Vec<u8>> {
        (!self.unsent.is_empty()).then(|| std::mem::take(&mut self.unsent))
    }

    /// Takes what the server said; gives who it is once that is known.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Auth`], [`crate::error::ErrorKind::NoPermission`], [`crate::error::ErrorKind::Loading`]
    /// and [`crate::error::ErrorKind::Server`] as the server said, [`crate::error::ErrorKind::Protocol`] for bytes that
    /// are no answer.
    pub fn handle_received(&mut self, bytes: &[u8]) -> Result<Option<Welcome>> {
        self.decoder.feed(bytes);
        while !self.asked.is_empty() {
            let Some(value) = self.decoder.poll_value()? else { return Ok(None) };
            if matches!(value, Value::Push(_)) {
                continue;
            }
            if let Some(question) = self.asked.pop_front() {
                self.judge(question, &value)?;
            }
        }
        match self.next.take() {
            None => return Ok(Some(self.welcome.clone())),
            Some(Flight::Plain) => {
                self.say_auth();
                self.say_rest();
            }
            Some(Flight::Replication) => self.say(Question::Replication, &["INFO", "replication"]),
        }
        Ok(None)
    }

    /// The decoder with whatever came behind the last answer.
    pub fn into_decoder(self) -> ValueDecoder {
        self.decoder
    }

    fn judge(&mut self, question: Question, value: &Value) -> Result<()> {
        match question {
            Question::Hello => {
                if let Some(told) = answers::hello(value)? {
                    self.welcome = told;
                } else {
                    // The answers under way are those of a stranger.
                    self.asked.iter_mut().for_each(|asked| *asked = Question::Moot);
                    self.next = Some(Flight::Plain);
                }
            }
            Question::Auth => answers::auth(value)?,
            Question::Courtesy => answers::courtesy(value)?,
            Question::Moot => {}
            Question::Select => answers::select(value)?,
            Question::Ping => answers::ping(value)?,
            Question::Role => match answers::role(value)? {
                Some(role) => self.welcome.role = role,
                // HELLO knows whether it is a master, but of a replica not whether its data are there.
                None if matches!(self.welcome.role, ServerRole::Master { .. }) => {}
                None => self.next = Some(Flight::Replication),
            },
            Question::Replication => {
                if let Some(role) = answers::replication(value)? {
                    self.welcome.role = role;
                }
            }
        }
        Ok(())
    }

    fn say_hello(&mut self) {
        let mut words = vec!["HELLO".to_owned(), "3".to_owned()];
        if let Some(credentials) = &self.introduction.credentials {
            let user = credentials.user.as_deref().unwrap_or("default");
            words.extend(["AUTH", user, credentials.password.reveal()].map(str::to_owned));
        }
        self.say(Question::Hello, &words);
    }

    fn say_auth(&mut self) {
        self.welcome.protocol = Protocol::Resp2;
        if let Some(credentials) = &self.introduction.credentials {
            let words = ["AUTH".to_owned()].into_iter().chain(credentials.user.clone());
            let words: Vec<_> = words.chain([credentials.password.reveal().to_owned()]).collect();
            self.say(Question::Auth, &words);
        }
    }

    fn say_rest(&mut self) {
        if let Some(name) = self.introduction.client_name.clone() {
            self.say(Question::Courtesy, &["CLIENT", "SETNAME", &name]);
        }
        self.say(Question::Courtesy, &["CLIENT", "SETINFO", "LIB-NAME", LIBRARY]);
        self.say(Question::Courtesy, &["CLIENT", "SETINFO", "LIB-VER", VERSION]);
        if let ServerKind::Data { database } = self.introduction.to {
            self.say(Question::Courtesy, &["CLIENT", "CAPA", "redirect"]);
            if database != 0 {
                self.say(Question::Select, &["SELECT", &database.to_string()]);
            }
            // ROLE is answered even while the data are loaded; PING is not.
            self.say(Question::Ping, &["PING"]);
            self.say(Question::Role, &["ROLE"]);
        } else {
            self.say(Question::Ping, &["PING"]);
        }
    }

    fn say(&mut self, question: Question, words: &[impl AsRef<str>]) {
        Request::new(words.iter().map(|word| word.as_ref().as_bytes())).encode(&mut self.unsent);
        self.asked.push_back(question);
    }
}

const LIBRARY: &str = "sentinelle";
const VERSION: &str = env!("CARGO_PKG_VERSION");

#[cfg(test)]
mod tests;
