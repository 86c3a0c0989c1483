//! The command surface: what clients, operators and peers may ask of this sentinel's port.
//!
//! Decides, in this order, whether a command exists, has the right number of words, whether its client has
//! authenticated and may run it; then its handler answers. Mirrors spec 9.0 and 11.

mod access;
mod acl;
mod change;
mod client;
mod command;
mod config;
mod election;
mod fields;
mod general;
mod help;
mod info;
mod pubsub;
mod query;
#[cfg(test)]
mod random_lines;
mod session;
mod set;
mod table;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;

use access::Access;
use session::Replies;
pub(super) use session::Session;
use table::{Class, Command};

use super::{Event, Machine, Output};
use crate::{
    config::{LogLevel, ServerSettings},
    resp::{Request, Value},
    types::{ClientId, Now, glob_matches},
};

/// What the command surface remembers beside the sessions.
#[derive(Clone, Debug)]
pub(super) struct Desk {
    /// Who may do what.
    access: Access,
    /// The own commands' renames: (as known, as asked for; empty = removed), in lower case.
    renamed: Vec<(String, String)>,
    /// Commands carried out since the start.
    commands: u64,
    /// Error replies since the start.
    errors: u64,
}

/// One command line with its client and its moment.
#[derive(Clone, Copy, Debug)]
struct Call<'a> {
    now: Now,
    client: ClientId,
    request: &'a Request,
}

/// What becomes of a command.
#[derive(Clone, Debug, PartialEq)]
enum Answer {
    /// This reply.
    Value(Value),
    /// These replies, also to a client that wants none: the confirmations of a subscription.
    Each(Vec<Value>),
    /// No reply at all (`CLIENT REPLY OFF`).
    Silence,
    /// The reply comes, or came, by another way, once.
    Elsewhere,
}

impl Desk {
    /// A desk for a port with these settings.
    pub(super) fn new(server: &ServerSettings) -> Self {
        let lower = |(known, asked): &(String, String)| (known.to_lowercase(), asked.to_lowercase());
        Self {
            access: Access::new(server),
            renamed: server.renamed_commands.iter().map(lower).collect(),
            commands: 0,
            errors: 0,
        }
    }

    /// The command of that name as a client types it, renames considered.
    fn find(&self, typed: &str) -> Option<&'static Command> {
        let mut renamed = self.renamed.iter().filter(|(_, asked)| !asked.is_empty());
        if let Some((known, _)) = renamed.find(|(_, asked)| asked.eq_ignore_ascii_case(typed)) {
            return table::find(known);
        }
        let hidden = self.renamed.iter().any(|(known, _)| known.eq_ignore_ascii_case(typed));
        if hidden || typed.contains('|') { None } else { table::find(typed) }
    }
}

impl Machine {
    /// Whether the client may do more than authenticate; `false` for one that is not known.
    pub fn is_authenticated(&self, client: ClientId) -> bool {
        self.clients.get(&client).is_some_and(|session| session.user.is_some())
    }

    /// Whether the client listens to events, so that the subscribers' output limit holds for it.
    pub fn is_subscriber(&self, client: ClientId) -> bool {
        self.clients.get(&client).is_some_and(Session::is_subscriber)
    }

    /// Opens the desk: tells the log what was wrong with the users' rules.
    pub(super) fn open_desk(&mut self) {
        for complaint in self.desk.access.complaints().to_vec() {
            self.log(LogLevel::Warning, complaint);
        }
    }

    /// A client connected.
    pub(super) fn client_opened(
        &mut self,
        now: Now,
        client: ClientId,
        address: Option<SocketAddr>,
        local: Option<SocketAddr>,
    ) {
        // Who has no address is inside this process and has nothing to prove.
        let user = if address.is_some() { self.desk.access.first_user() } else { Some("default".into()) };
        self.clients.insert(client, Session::new(now.tick, user, address, local));
    }

    /// A client went away.
    pub(super) fn client_closed(&mut self, client: ClientId) {
        self.clients.remove(&client);
    }

    /// A client sent a command.
    pub(super) fn asked(&mut self, now: Now, client: ClientId, request: &Request) {
        let Some(session) = self.clients.get_mut(&client) else { return };
        if session.replies == Replies::SkipNext {
            session.replies = Replies::SkipThis;
        }
        session.answered = Some(false);
        self.desk.commands += 1;
        let call = Call { now, client, request };
        match self.admit(&call).map_or_else(Answer::Value, |command| self.carry_out(&call, command)) {
            Answer::Value(value) => self.reply(client, value),
            Answer::Each(values) => self.answer(client, values),
            Answer::Silence => self.answer(client, Vec::new()),
            Answer::Elsewhere => {}
        }
        if let Some(session) = self.clients.get_mut(&client) {
            session.end_command();
        }
    }

    /// Sends the whole answer to a client's command; nothing when the client has gone.
    pub(super) fn reply(&mut self, client: ClientId, value: Value) {
        let Some(session) = self.clients.get(&client) else { return };
        let silent = matches!(session.replies, Replies::Off | Replies::SkipThis);
        if matches!(value, Value::Error(_)) {
            self.desk.errors += 1;
        }
        self.answer(client, if silent { Vec::new() } else { vec![value] });
    }

    /// Delivers an event to the clients that listen to it: by channel first, then by each pattern.
    pub(super) fn deliver(&mut self, event: &Event) {
        if event.kind.level() == LogLevel::Debug {
            return;
        }
        let channel = event.kind.name().as_bytes();
        for (&client, session) in &self.clients {
            let protocol = session.protocol;
            if session.channels.contains(channel) {
                let value = Value::Push([&b"message"[..], channel, event.text.as_bytes()].map(Value::bulk).into());
                self.outputs.push_back(Output::Push { client, protocol, value });
            }
            for pattern in session.patterns.iter().filter(|pattern| glob_matches(pattern, channel)) {
                let words = [&b"pmessage"[..], pattern, channel, event.text.as_bytes()];
                let value = Value::Push(words.map(Value::bulk).into());
                self.outputs.push_back(Output::Push { client, protocol, value });
            }
        }
    }

    /// Puts out the one answer to a command, behind the answers to the commands before it.
    fn answer(&mut self, client: ClientId, values: Vec<Value>) {
        let Some(session) = self.clients.get_mut(&client) else { return };
        if session.replies == Replies::SkipThis {
            session.replies = Replies::On;
        }
        let protocol = session.protocol;
        for values in session.answer(values) {
            self.outputs.push_back(Output::Reply { client, protocol, values });
        }
    }

    /// Decides whether a command line may be carried out; the error to answer with when not.
    fn admit(&self, call: &Call<'_>) -> Result<&'static Command, Value> {
        let command = self.look_up(call.request)?;
        if !command.accepts(call.request.len()) {
            return Err(Value::error(format!("ERR wrong number of arguments for '{}' command", command.name)));
        }
        let Some(session) = self.clients.get(&call.client) else { return Ok(command) };
        if command.class != Class::Entrance {
            let user = session.user.as_deref().ok_or_else(|| Value::error("NOAUTH Authentication required."))?;
            self.check_access(call, user, command)?;
        }
        let confined = session.is_confined() && !matches!(command.class, Class::Subscription | Class::Ping);
        if confined {
            return Err(Value::error(format!(
                "ERR Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context",
                command.name
            )));
        }
        Ok(command)
    }

    /// The command a command line names.
    fn look_up(&self, request: &Request) -> Result<&'static Command, Value> {
        let command =
            request.text(0).and_then(|typed| self.desk.find(typed)).ok_or_else(|| unknown_command(request))?;
        let Some(word) = request.word(1).filter(|_| command.subcommands().next().is_some()) else { return Ok(command) };
        let subcommand = std::str::from_utf8(word).ok().and_then(|typed| {
            command.subcommands().find(|sub| sub.name[command.name.len() + 1..].eq_ignore_ascii_case(typed))
        });
        subcommand.ok_or_else(|| {
            let container = String::from_utf8_lossy(request.word(0).unwrap_or_default()).to_uppercase();
            Value::error(format!("ERR unknown subcommand '{}'. Try {container} HELP.", cut(word)))
        })
    }

    /// Decides whether the user may run the command on the channels it names.
    fn check_access(&self, call: &Call<'_>, user: &str, command: &Command) -> Result<(), Value> {
        if !self.desk.access.may_run(user, command.name) {
            return Err(Value::error(format!(
                "NOPERM this user has no permissions to run the '{}' command",
                command.name
            )));
        }
        let channels = match command.name {
            "subscribe" | "psubscribe" => &call.request.words()[1..],
            "publish" => &call.request.words()[1..2],
            _ => &[],
        };
        let form = if command.name == "psubscribe" { access::Form::Pattern } else { access::Form::Literal };
        if channels.iter().all(|channel| self.desk.access.may_hear(user, channel, form)) {
            Ok(())
        } else {
            Err(Value::error("NOPERM this user has no permissions to access one of the channels used as arguments"))
        }
    }

    /// Runs the command's handler.
    fn carry_out(&mut self, call: &Call<'_>, command: &'static Command) -> Answer {
        if let Some(session) = self.clients.get_mut(&call.client) {
            session.asked = call.now.tick;
            session.command = command.name;
        }
        (command.run)(self, call)
    }
}

impl Call<'_> {
    /// The word at `index` as text for an error or event, whatever its bytes.
    fn shown(&self, index: usize) -> String {
        String::from_utf8_lossy(self.request.word(index).unwrap_or_default()).into_owned()
    }

    /// The first word from `first` on that holds a control character, as the error to answer with.
    fn refuse_control_characters(&self, first: usize) -> Result<(), Value> {
        let words = self.request.words().iter().enumerate().skip(first);
        match words.into_iter().find(|(_, word)| word.iter().any(u8::is_ascii_control)) {
            None => Ok(()),
            Some((index, _)) => Err(Value::error(format!(
                "ERR Invalid argument at index {index} for SENTINEL {}: control characters are not allowed",
                self.shown(1).to_uppercase()
            ))),
        }
    }
}

impl From<Value> for Answer {
    fn from(value: Value) -> Self {
        Self::Value(value)
    }
}

/// The error for a command that does not exist.
fn unknown_command(request: &Request) -> Value {
    let mut arguments: Vec<u8> = Vec::new();
    for word in request.words().iter().skip(1) {
        if arguments.len() >= SHOWN {
            break;
        }
        let room = SHOWN - arguments.len();
        arguments.push(b'\'');
        arguments.extend(until_nul(word).iter().take(room));
        arguments.extend(b"' ");
    }
    let name = cut(request.word(0).unwrap_or_default());
    let arguments = String::from_utf8_lossy(&arguments);
    Value::error(format!("ERR unknown command '{name}', with args beginning with: {arguments}"))
}

/// A word as it is shown in an error: at most 128 bytes.
fn cut(word: &[u8]) -> String {
    let word = until_nul(word);
    String::from_utf8_lossy(&word[..word.len().min(SHOWN)]).into_owned()
}

/// A word up to its first NUL.
fn until_nul(word: &[u8]) -> &[u8] {
    word.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// Whether a client's pattern matches; one of more than 1024 bytes matches nothing, because its cost grows with its length.
fn pattern_matches(pattern: &[u8], text: &[u8]) -> bool {
    pattern.len() <= pubsub::LONGEST && glob_matches(pattern, text)
}

/// How many bytes of a client's word an error shows, as in the reference.
const SHOWN: usize = 128;
