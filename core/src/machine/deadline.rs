//! Decides what the machine may have to be woken for: the reasons in its queue of exact deadlines.

use crate::types::{self, GroupId, JobId, LinkId, NodeId};

/// What a deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// A closed link may be opened again.
    Reconnect(LinkId),
    /// A PING is due on a command link.
    Ping(LinkId),
    /// A link has been silent for so long that it is closed.
    Silence(LinkId),
    /// An instance has been silent for as long as `down-after-milliseconds` allows.
    Judge(NodeId),
    /// An INFO is due.
    Info(NodeId),
    /// A hello is due.
    Hello(NodeId),
    /// A peer is to be asked whether the master is down.
    Ask(NodeId),
    /// A peer's opinion and vote have grown too old to count.
    Stale(NodeId),
    /// An attempt may begin.
    Attempt(GroupId),
    /// The running attempt has used up the patience of its stage.
    Patience(GroupId),
    /// A replica has not followed the new master in time.
    Reconfigure(NodeId),
    /// TILT ends.
    Tilt,
    /// A script may be started again.
    Script(JobId),
    /// A script has run too long.
    ScriptLimit(JobId),
}

/// When a machine has to be woken, and what for.
pub(super) type Deadlines = types::Deadlines<Why>;
