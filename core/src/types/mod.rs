//! The words everything else is written in: time, identity, address, chance.

mod chance;
mod deadlines;
mod endpoint;
mod glob;
mod ids;
mod secret;
mod time;

pub use chance::Chance;
pub use deadlines::Deadlines;
pub use endpoint::{Endpoint, HostStyle};
pub use glob::glob_matches;
pub use ids::{
    ClientId, Epoch, Generation, GroupId, JobId, LinkId, MasterName, NodeId, RequestId, RunId, SentinelId, StoreId,
    TrialId,
};
pub use secret::Secret;
pub use time::{Millis, Now, Tick, UnixMs};
