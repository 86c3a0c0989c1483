//! Decides what can happen to a machine: every kind of news, as plain data.

use std::net::{IpAddr, SocketAddr};

use crate::{
    resp::{Request, Value},
    types::{ClientId, JobId, LinkId, RequestId, StoreId},
};

/// One piece of news.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The deadline may have been reached; nothing else happened.
    Elapsed,
    /// A connection asked for by [`super::Output::Open`] is usable.
    LinkOpened {
        /// Which link.
        link: LinkId,
        /// The address this end has.
        local: IpAddr,
    },
    /// A connection failed, ended, or could not be made; commands without an answer will have none.
    LinkClosed {
        /// Which link.
        link: LinkId,
        /// Why, in the operating system's words.
        reason: String,
    },
    /// An answer to a command.
    Answer {
        /// On which link.
        link: LinkId,
        /// To which command.
        request: RequestId,
        /// What was answered.
        value: Value,
    },
    /// Something that came on a subscribing link and answers no command.
    Heard {
        /// On which link.
        link: LinkId,
        /// What came: usually an array of `message`, channel and payload.
        value: Value,
    },
    /// A client connected to this sentinel's port.
    ClientOpened {
        /// Which client.
        client: ClientId,
        /// The address it comes from; `None` for a Unix socket.
        address: Option<SocketAddr>,
        /// The address of this end.
        local: Option<SocketAddr>,
    },
    /// A client went away.
    ClientClosed {
        /// Which client.
        client: ClientId,
    },
    /// A client sent a command; replies come in the order asked, some of them only once the disk has answered.
    Asked {
        /// Which client.
        client: ClientId,
        /// What it asked.
        request: Request,
    },
    /// A host name was looked up.
    Resolved {
        /// The name.
        host: String,
        /// Its address, or why there is none.
        result: Result<IpAddr, String>,
    },
    /// A store asked for by [`super::Output::Store`] ended.
    Stored {
        /// Which store.
        store: StoreId,
        /// Whether it is on disk, or why not.
        result: Result<(), String>,
    },
    /// A script was started.
    ScriptStarted {
        /// Which run.
        job: JobId,
        /// Its process id.
        pid: u32,
    },
    /// A script ended.
    ScriptEnded {
        /// Which run.
        job: JobId,
        /// How.
        exit: ScriptExit,
    },
    /// Fresh figures about the process, for `INFO`.
    Measured(Box<Gauges>),
}

/// How a script ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScriptExit {
    /// With this exit code; 2 when it could not be executed.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// It could not be started at all.
    NotStarted,
}

/// Figures about the process that only the driver can know.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gauges {
    /// The process id.
    pub pid: u32,
    /// The path of the executable.
    pub executable: String,
    /// `uname` system, release and machine.
    pub os: String,
    /// Clients connected now.
    pub clients: u64,
    /// Connections accepted since the start.
    pub connections: u64,
    /// Connections refused for `maxclients`.
    pub rejected: u64,
    /// Bytes read from clients and links.
    pub bytes_in: u64,
    /// Bytes written to clients and links.
    pub bytes_out: u64,
    /// CPU time of the process in the kernel, microseconds.
    pub cpu_sys_us: u64,
    /// CPU time of the process in user code, microseconds.
    pub cpu_user_us: u64,
    /// CPU time of ended children in the kernel, microseconds.
    pub cpu_sys_children_us: u64,
    /// CPU time of ended children in user code, microseconds.
    pub cpu_user_children_us: u64,
}
