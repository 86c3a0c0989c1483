//! Decides what a finder can ask of its driver: every kind of work, as plain data.

use std::sync::Arc;

use super::{Event, Topology};
use crate::{
    resp::Request,
    types::{Endpoint, LinkId, MasterName, RequestId, TrialId},
};

/// One piece of work for the driver.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Connect to a sentinel, secure and authenticate the connection; answered by `LinkOpened` or `LinkClosed`.
    ///
    /// A host name is looked up anew each time, and all its addresses are tried. RESP2 is spoken.
    Open {
        /// Which link; never used again after it closed.
        link: LinkId,
        /// Where to.
        target: Endpoint,
        /// What for.
        purpose: Purpose,
    },
    /// Drop the connection, or stop connecting; not answered.
    Close {
        /// Which link.
        link: LinkId,
    },
    /// Send a command; answered by `Answer` unless the link closes.
    ///
    /// On a watching link each command has exactly one answer: `SUBSCRIBE` names one channel, `PING` gets a `pong`.
    Send {
        /// On which link.
        link: LinkId,
        /// The number its answer carries.
        request: RequestId,
        /// The command.
        command: Request,
    },
    /// Connect to a data node as a user of it would, and ask its role; answered by `Verified`.
    ///
    /// A connection that served for one verification may serve for the next of the same address.
    Verify {
        /// Which verification.
        trial: TrialId,
        /// For which master.
        master: MasterName,
        /// The server.
        target: Endpoint,
    },
    /// The answer to `Survey`: the masters that a sentinel monitors, none when no sentinel answered.
    Surveyed(Vec<MasterName>),
    /// Tell whoever listens.
    Publish(Event),
    /// What is known of a master has changed.
    Changed(Arc<Topology>),
}

/// What a connection to a sentinel is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Questions and answers.
    Ask,
    /// Listening to events.
    Watch,
}
