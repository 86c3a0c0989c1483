//! Decides whether a write that the master has taken counts as written.

use super::{
    class::Class, command::Command, core::Core, node::Node, parcel::Replies, reply::Course, run::Attempted,
    settings::WriteFence,
};
use crate::{
    error::{Error, ErrorKind, Outcome, Result},
    resp::Value,
    types::Millis,
};

/// What follows a write on its connection.
#[derive(Debug)]
pub(super) struct Fence {
    replicas: u32,
    patience: Millis,
}

/// The fence for a call of this class to this server, where there is one.
///
/// # Errors
/// [`ErrorKind::Unsupported`] when the server is not fenced as the pool demands.
pub(super) fn of(core: &Core, node: &Node, class: Class) -> Result<Option<Fence>> {
    match core.means().settings.write_fence {
        _ if !class.is_held() => Ok(None),
        WriteFence::None => Ok(None),
        WriteFence::Wait { replicas, patience } => Ok(Some(Fence { replicas, patience })),
        WriteFence::MinReplicas if node.is_fenced() => Ok(None),
        WriteFence::MinReplicas => {
            let error = Error::new(ErrorKind::Unsupported, "write", "the master has no min-replicas-to-write");
            Err(error.with_outcome(Outcome::NotSent).at(node.address()))
        }
    }
}

impl Fence {
    /// The command that asks the replicas.
    pub(super) fn command(&self) -> Command {
        Command::named("WAIT").number(i64::from(self.replicas)).number(self.patience.as_ms() as i64)
    }

    /// How long the answer may take, beside the way.
    pub(super) fn patience(&self) -> Millis {
        self.patience
    }

    /// Whether enough replicas have acknowledged.
    pub(super) fn judge(&self, node: &Node, answer: Attempted<Replies>) -> Attempted<()> {
        let acknowledged = match answer {
            Ok(replies) => replies.one(),
            Err((error, _)) => return Err((error.with_outcome(Outcome::Unknown), Course::Tell)),
        };
        if matches!(acknowledged, Value::Integer(count) if count >= i64::from(self.replicas)) {
            return Ok(());
        }
        let subject =
            format!("{} replicas have to acknowledge, within {}: {acknowledged:?}", self.replicas, self.patience);
        let error = Error::new(ErrorKind::NoReplica, "write", subject);
        Err((error.with_outcome(Outcome::Unknown).at(node.address()), Course::Tell))
    }
}
