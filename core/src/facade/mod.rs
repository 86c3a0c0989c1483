//! The one door for bindings: sentinels, discoveries, pools and test groups as small handles and owned values.
//!
//! What takes time is a [`Call`]: wait for it with a [`Patience`], await it, or be told. What happens is pulled: with a
//! patience, as a call, or when a descriptor is readable. Every failure is a [`Failure`], every option a row of [`OPTIONS`].
//! The library works on two threads of its own that start on first use and on which every signal is blocked.
//!
//! A handle that comes into a forked child: a [`Discovery`] or [`Pool`] is built anew on its first use there; anything else
//! answers with [`ErrorKind::Forked`].

mod address;
mod call;
mod command;
mod completions;
mod discovery;
mod event;
mod events;
mod failure;
mod fault;
mod gate;
mod group_setup;
mod group_view;
mod happening;
mod hubs;
mod lease;
mod logs;
mod mailbox;
mod monitor;
mod options;
mod patience;
mod pool;
mod process;
mod reply;
mod runtime;
mod sentinel;
mod sentinel_setup;
mod status;
mod subscriber;
mod testing;
mod topology;
mod verdict;

pub use address::Address;
pub use call::Call;
pub use command::{Class, Command, ReadFrom, split_line};
pub use completions::{Completion, Completions};
pub use discovery::{Discovery, Sign, Watch};
pub use event::Event;
pub use events::{Events, Listen};
pub use failure::{ErrorKind, Failure, FailureFacts, Outcome, Result, outcome_name};
pub use fault::{FAULTS, Fault};
pub use gate::Gate;
pub use group_view::{GroupView, SentinelView, ServerView};
pub use lease::{Lease, LeaseFor};
pub use logs::{LogLevel, logs, set_log_level};
pub use mailbox::Next;
pub use monitor::Monitor;
pub use options::{OPTIONS, OptionKind, OptionRow, Options, Scope, options_chapter, options_json};
pub use patience::Patience;
pub use pool::{Atomicity, Pool};
pub use reply::{Flat, Reply, ReplyType, flatten, reply_json, reply_type};
pub use runtime::{is_running, shutdown};
pub use sentinel::{Exit, FailoverKind, Sentinel};
pub use status::{FailoverStatus, MasterStatus, PeerStatus, ReplicaStatus, Status};
pub use subscriber::{Change, Message, Subscriber};
pub use testing::{HaGroup, Member, parse_member};
pub use topology::{ReplicaSeen, SentinelSeen, Topology};
pub use verdict::{Retries, Verdict, class_name, classify, judge_failure};

pub use crate::{cli::run as run_command_line, types::Millis};

/// The version of this library.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
