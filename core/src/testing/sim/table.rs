//! Decides which commands a simulated server knows: names, numbers of words, and what runs them.

use super::{
    blocking, clients, collections, general, keys,
    node::{Answer, Call, Node},
    pubsub, replicate, report,
    scope::{Outcome, Scope},
    strings, transaction,
};
use crate::resp::Request;

/// A command on data alone.
pub(super) type KeysCommand = fn(&mut Scope<'_>, &Request) -> Outcome;

/// A command on the server or the connection.
pub(super) type ServerCommand = fn(&mut Node, Call<'_>) -> Answer;

/// What runs a command.
#[derive(Clone, Copy, Debug)]
pub(super) enum Run {
    Read(KeysCommand),
    Write(KeysCommand),
    Server(ServerCommand),
    ServerWrite(ServerCommand),
}

/// One command.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) name: &'static str,
    /// The number of words, its name included; a negative one is the least.
    pub(super) arity: i64,
    pub(super) run: Run,
}

/// The command a command line names.
pub(super) fn find_command(request: &Request) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| request.is(0, command.name))
}

impl Command {
    pub(super) fn check_arity(&self, request: &Request) -> Result<(), String> {
        let count = request.len() as i64;
        if count == self.arity || (self.arity < 0 && count >= -self.arity) {
            return Ok(());
        }
        Err(format!("ERR wrong number of arguments for '{}' command", self.name.to_ascii_lowercase()))
    }

    pub(super) fn reads(&self) -> bool {
        matches!(self.run, Run::Read(_))
    }

    pub(super) fn writes(&self) -> bool {
        matches!(self.run, Run::Write(_) | Run::ServerWrite(_))
    }

    /// Whether it waits for `EXEC` inside a transaction.
    pub(super) fn may_be_queued(&self) -> bool {
        !matches!(self.name, "EXEC" | "DISCARD" | "MULTI" | "WATCH" | "QUIT" | "RESET" | "PSYNC")
    }

    /// Whether it may be asked without a password.
    pub(super) fn is_for_strangers(&self) -> bool {
        matches!(self.name, "AUTH" | "HELLO" | "QUIT" | "RESET")
    }

    /// Whether it may be asked by a RESP2 connection that subscribes.
    pub(super) fn is_for_subscribers(&self) -> bool {
        matches!(self.name, "SUBSCRIBE" | "UNSUBSCRIBE" | "PSUBSCRIBE" | "PUNSUBSCRIBE" | "PING" | "QUIT" | "RESET")
    }
}

const fn read(name: &'static str, arity: i64, run: KeysCommand) -> Command {
    Command { name, arity, run: Run::Read(run) }
}

const fn write(name: &'static str, arity: i64, run: KeysCommand) -> Command {
    Command { name, arity, run: Run::Write(run) }
}

const fn server(name: &'static str, arity: i64, run: ServerCommand) -> Command {
    Command { name, arity, run: Run::Server(run) }
}

const fn server_write(name: &'static str, arity: i64, run: ServerCommand) -> Command {
    Command { name, arity, run: Run::ServerWrite(run) }
}

/// All commands; names and arities are those of redis 7.0.
pub(super) const COMMANDS: &[Command] = &[
    read("GET", 2, strings::get),
    write("SET", -3, strings::set),
    write("SETNX", 3, strings::set_if_absent),
    write("SETEX", 4, strings::set_for_seconds),
    write("PSETEX", 4, strings::set_for_millis),
    write("GETSET", 3, strings::get_and_set),
    write("GETDEL", 2, strings::get_and_delete),
    read("MGET", -2, strings::get_many),
    write("MSET", -3, strings::set_many),
    read("STRLEN", 2, strings::length),
    write("INCR", 2, strings::increment),
    write("DECR", 2, strings::decrement),
    write("INCRBY", 3, strings::increment_by),
    write("DECRBY", 3, strings::decrement_by),
    write("DEL", -2, keys::delete),
    write("UNLINK", -2, keys::delete),
    read("EXISTS", -2, keys::exists),
    read("TYPE", 2, keys::kind),
    write("EXPIRE", -3, keys::expire),
    write("PEXPIRE", -3, keys::expire_millis),
    write("EXPIREAT", -3, keys::expire_at),
    write("PEXPIREAT", -3, keys::expire_at_millis),
    write("PERSIST", 2, keys::persist),
    read("TTL", 2, keys::seconds_left),
    read("PTTL", 2, keys::millis_left),
    read("KEYS", 2, keys::matching),
    read("SCAN", -2, keys::scan),
    read("DBSIZE", 1, keys::count),
    write("FLUSHALL", -1, keys::flush),
    write("FLUSHDB", -1, keys::flush),
    write("LPUSH", -3, collections::push_left),
    write("RPUSH", -3, collections::push_right),
    write("LPOP", -2, collections::pop_left),
    write("RPOP", -2, collections::pop_right),
    read("LLEN", 2, collections::list_length),
    read("LRANGE", 4, collections::list_range),
    server_write("BLPOP", -3, blocking::pop_left),
    server_write("BRPOP", -3, blocking::pop_right),
    write("HSET", -4, collections::hash_set),
    read("HGET", 3, collections::hash_get),
    read("HGETALL", 2, collections::hash_all),
    read("HLEN", 2, collections::hash_length),
    write("HDEL", -3, collections::hash_delete),
    write("SADD", -3, collections::set_add),
    write("SREM", -3, collections::set_remove),
    read("SMEMBERS", 2, collections::set_members),
    read("SISMEMBER", 3, collections::set_has),
    read("SCARD", 2, collections::set_size),
    server("MULTI", 1, transaction::begin),
    server("EXEC", 1, transaction::execute),
    server("DISCARD", 1, transaction::discard),
    server("WATCH", -2, transaction::watch),
    server("UNWATCH", 1, transaction::unwatch),
    server("PUBLISH", 3, pubsub::publish),
    server("SUBSCRIBE", -2, pubsub::subscribe),
    server("UNSUBSCRIBE", -1, pubsub::unsubscribe),
    server("PSUBSCRIBE", -2, pubsub::subscribe_pattern),
    server("PUNSUBSCRIBE", -1, pubsub::unsubscribe_pattern),
    server("PUBSUB", -2, pubsub::look),
    server("REPLICAOF", 3, replicate::follow),
    server("SLAVEOF", 3, replicate::follow),
    server("REPLCONF", -1, replicate::configure),
    server("PSYNC", -3, replicate::sync),
    server("WAIT", 3, blocking::wait),
    server("ROLE", 1, report::role),
    server("INFO", -1, report::info),
    server("CONFIG", -2, general::config),
    server("CLIENT", -2, clients::client),
    server("PING", -1, general::ping),
    server("ECHO", 2, general::echo),
    server("TIME", 1, general::time),
    server("SELECT", 2, general::select),
    server("AUTH", -2, general::authenticate),
    server("HELLO", -1, general::hello),
    server("QUIT", -1, general::quit),
    server("RESET", 1, general::reset),
    server("COMMAND", -1, general::command),
    server("DEBUG", -2, general::debug),
    server("SHUTDOWN", -1, general::shutdown),
];
