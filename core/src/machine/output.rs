//! Decides what a machine can ask of its driver: every kind of work, as plain data.

use std::net::SocketAddr;

use super::Event;
use crate::{
    config::{LogLevel, Settings},
    resp::{Protocol, Request, Value},
    types::{ClientId, JobId, LinkId, RequestId, StoreId},
};

/// One piece of work for the driver.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Connect; answered by `LinkOpened` or `LinkClosed`.
    Open {
        /// Which link.
        link: LinkId,
        /// Where to.
        target: SocketAddr,
    },
    /// Drop the connection, or stop connecting; not answered.
    Close {
        /// Which link.
        link: LinkId,
    },
    /// Send a command; answered by `Answer` unless the link closes.
    Send {
        /// On which link.
        link: LinkId,
        /// The number its answer carries.
        request: RequestId,
        /// The command.
        command: Request,
    },
    /// The whole answer to a client's command; exactly one for each `Asked`, in the order asked.
    Reply {
        /// To which client.
        client: ClientId,
        /// How to encode it.
        protocol: Protocol,
        /// The replies: one, or one for each channel of a subscription, or none (`CLIENT REPLY OFF`).
        values: Vec<Value>,
    },
    /// Something a client gets without having asked at this moment: an event it subscribed to.
    Push {
        /// To which client.
        client: ClientId,
        /// How to encode it.
        protocol: Protocol,
        /// What.
        value: Value,
    },
    /// Close a client's connection once what was written before has been sent.
    Hangup {
        /// Which client.
        client: ClientId,
    },
    /// Tell the world inside the process: the log and the listeners of the Rust API.
    Publish(Event),
    /// A line for the log that is no event.
    Log {
        /// How loud.
        level: LogLevel,
        /// The line.
        text: String,
    },
    /// Write these settings to disk so that they survive a crash; answered by `Stored`.
    ///
    /// There is at most one store under way: the machine waits for `Stored` before it asks for the next.
    Store {
        /// Which store.
        store: StoreId,
        /// What to write.
        settings: Box<Settings>,
    },
    /// Look up a host name; answered by `Resolved`.
    Resolve {
        /// The name.
        host: String,
    },
    /// Run a program; answered by `ScriptStarted` and `ScriptEnded`.
    RunScript {
        /// Which run.
        job: JobId,
        /// The program and its arguments.
        argv: Vec<String>,
    },
    /// Kill a program that runs too long; `ScriptEnded` follows.
    KillScript {
        /// Which run.
        job: JobId,
    },
    /// End the process with this exit code.
    Exit {
        /// The code.
        code: i32,
    },
}
