//! Decides how the `redis` crate uses our connections: its commands and pipelines in, its values and errors out.
//!
//! With this a [`Lease`] takes `redis::AsyncCommands`, pipelines and scripts, a [`BlockingLease`] `redis::Commands`; a
//! [`Pool`] takes both, each command being routed and tried again as [`Pool::execute`] does it.

use redis::{Cmd, ErrorKind as TheirKind, Pipeline, RedisError, RedisFuture, RedisResult, Value as TheirValue};

use super::{
    Atomicity, BlockingLease, Command, Lease, Pool,
    parcel::{Parcel, Replies},
    run,
};
use crate::{
    error::{Error, ErrorKind},
    resp::Value,
};

impl redis::aio::ConnectionLike for Lease {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, TheirValue> {
        Box::pin(async move {
            let command = one(&cmd.get_packed_command())?;
            their_value(self.run(Parcel::one(&command)).await.map_err(|error| their_error(&error))?.one())
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<TheirValue>> {
        Box::pin(async move {
            let commands = all(&pipeline.get_packed_pipeline())?;
            let parcel = Parcel::several(&commands, Atomicity::Pipeline);
            their_values(self.run(parcel).await.map_err(|error| their_error(&error))?, offset, count)
        })
    }

    fn get_db(&self) -> i64 {
        self.database()
    }
}

impl redis::ConnectionLike for BlockingLease {
    fn req_packed_command(&mut self, cmd: &[u8]) -> RedisResult<TheirValue> {
        let command = one(cmd)?;
        their_value(self.run(Parcel::one(&command), &|| false).map_err(|error| their_error(&error))?.one())
    }

    fn req_packed_commands(&mut self, cmd: &[u8], offset: usize, count: usize) -> RedisResult<Vec<TheirValue>> {
        let commands = all(cmd)?;
        let parcel = Parcel::several(&commands, Atomicity::Pipeline);
        their_values(self.run(parcel, &|| false).map_err(|error| their_error(&error))?, offset, count)
    }

    fn get_db(&self) -> i64 {
        self.database()
    }

    fn check_connection(&mut self) -> bool {
        self.execute(&Command::named("PING")).is_ok()
    }

    fn is_open(&self) -> bool {
        self.is_current()
    }
}

impl redis::aio::ConnectionLike for Pool {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, TheirValue> {
        Box::pin(async move {
            let command = one(&cmd.get_packed_command())?;
            their_value(self.execute(command).await.map_err(|error| their_error(&error))?)
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<TheirValue>> {
        Box::pin(async move {
            let batch = Batch::read(&pipeline.get_packed_pipeline())?;
            batch.give(
                run::execute(&self.core, batch.parcel()).await.map_err(|error| their_error(&error))?,
                offset,
                count,
            )
        })
    }

    fn get_db(&self) -> i64 {
        i64::from(self.core.means().settings.database)
    }
}

impl redis::ConnectionLike for Pool {
    fn req_packed_command(&mut self, cmd: &[u8]) -> RedisResult<TheirValue> {
        their_value(self.execute_blocking(&one(cmd)?).map_err(|error| their_error(&error))?)
    }

    fn req_packed_commands(&mut self, cmd: &[u8], offset: usize, count: usize) -> RedisResult<Vec<TheirValue>> {
        let batch = Batch::read(cmd)?;
        let replies =
            run::execute_blocking(&self.core, batch.parcel(), &|| false).map_err(|error| their_error(&error))?;
        batch.give(replies, offset, count)
    }

    fn get_db(&self) -> i64 {
        i64::from(self.core.means().settings.database)
    }

    fn check_connection(&mut self) -> bool {
        self.execute_blocking(&Command::named("PING")).is_ok()
    }

    fn is_open(&self) -> bool {
        !self.is_closed()
    }
}

/// A pipeline of theirs that a pool runs: a transaction is one for the pool too, so that it is tried again as a whole.
struct Batch {
    commands: Vec<Command>,
    atomicity: Atomicity,
}

impl Batch {
    fn read(packed: &[u8]) -> RedisResult<Self> {
        let mut commands = all(packed)?;
        let is_named = |command: Option<&Command>, name: &[u8]| {
            command.and_then(|command| command.words().next()).is_some_and(|word| word.eq_ignore_ascii_case(name))
        };
        if is_named(commands.first(), b"MULTI") && is_named(commands.last(), b"EXEC") {
            commands.pop();
            commands.remove(0);
            return Ok(Self { commands, atomicity: Atomicity::Transaction });
        }
        Ok(Self { commands, atomicity: Atomicity::Pipeline })
    }

    fn parcel(&self) -> Parcel<'_> {
        Parcel::several(&self.commands, self.atomicity)
    }

    fn give(&self, replies: Replies, offset: usize, count: usize) -> RedisResult<Vec<TheirValue>> {
        match self.atomicity {
            Atomicity::Pipeline => their_values(replies, offset, count),
            // They skip the answers before EXEC's, of which there are none here.
            Atomicity::Transaction => Ok(vec![their_value(Value::Array(replies.several()))?]),
        }
    }
}

fn one(packed: &[u8]) -> RedisResult<Command> {
    Command::from_packed(packed).map(|(command, _)| command).ok_or_else(unreadable)
}

fn all(mut packed: &[u8]) -> RedisResult<Vec<Command>> {
    let mut commands = Vec::new();
    while !packed.is_empty() {
        let (command, rest) = Command::from_packed(packed).ok_or_else(unreadable)?;
        commands.push(command);
        packed = rest;
    }
    Ok(commands)
}

fn unreadable() -> RedisError {
    RedisError::from((TheirKind::Client, "the packed command cannot be read"))
}

fn their_values(replies: Replies, offset: usize, count: usize) -> RedisResult<Vec<TheirValue>> {
    replies.several().into_iter().skip(offset).take(count).map(their_value).collect()
}

/// The value as theirs; an error reply among others stays a value.
fn their_value(value: Value) -> RedisResult<TheirValue> {
    let list = |items: Vec<Value>| items.into_iter().map(their_value).collect::<RedisResult<Vec<_>>>();
    Ok(match value {
        Value::Simple(text) if text == "OK" => TheirValue::Okay,
        Value::Simple(text) => TheirValue::SimpleString(text),
        Value::Integer(number) => TheirValue::Int(number),
        Value::Bulk(bytes) => TheirValue::BulkString(bytes),
        Value::Null | Value::NullArray => TheirValue::Nil,
        Value::Array(items) | Value::Push(items) => TheirValue::Array(list(items)?),
        Value::Set(items) => TheirValue::Set(list(items)?),
        Value::Map(pairs) => {
            let pair = |(key, value)| Ok((their_value(key)?, their_value(value)?));
            TheirValue::Map(pairs.into_iter().map(pair).collect::<RedisResult<Vec<_>>>()?)
        }
        Value::Boolean(truth) => TheirValue::Boolean(truth),
        Value::Double(number) => TheirValue::Double(number),
        Value::Verbatim(bytes) => {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            TheirValue::VerbatimString { format: redis::VerbatimFormat::Text, text }
        }
        // What these hold differs with the features of their crate, or can only be made by it.
        Value::BigNumber(digits) => redis::parse_redis_value(format!("({digits}\r\n").as_bytes())?,
        Value::Error(text) => redis::parse_redis_value(format!("-{text}\r\n").as_bytes())?,
    })
}

/// The failure as theirs: an error reply with its code, all else with our words.
fn their_error(error: &Error) -> RedisError {
    if error.server_code().is_some() {
        let reply = redis::parse_redis_value(format!("-{}\r\n", error.subject()).as_bytes());
        if let Ok(TheirValue::ServerError(reply)) = reply {
            return reply.into();
        }
    }
    let kind = if error.kind() == ErrorKind::Argument { TheirKind::Client } else { TheirKind::Io };
    RedisError::from((kind, "the pool could not run it", error.to_string()))
}
