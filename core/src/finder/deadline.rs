//! Decides when a finder has to be woken next, and why.

use crate::types::{MasterName, SentinelId, TrialId};

/// What a deadline is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// A sentinel may be watched again.
    Watch(SentinelId),
    /// A watched sentinel is to be pinged, or has not answered the ping.
    Pulse(SentinelId),
    /// A sentinel has not answered in time, or its connection has been of no use for a while.
    Ask(SentinelId),
    /// A sentinel that was long unseen is forgotten.
    Expire(SentinelId),
    /// The next sentinel is to be asked, or the search ends.
    Search(MasterName),
    /// The next search is due.
    Next(MasterName),
    /// A server has not shown its role in time.
    Trial(TrialId),
    /// A server that is being promoted is to be asked again.
    Promotion(MasterName),
    /// The hold has lasted as long as it may.
    Hold(MasterName),
    /// The replicas are to be read again.
    Replicas(MasterName),
    /// The list of masters is to be read again.
    Survey,
}
