//! Real servers and sentinels for test suites: started in milliseconds, killed, paused, restarted, and gone at the end.
//!
//! Everything here runs on loopback with free ports and folders of its own. Nothing outlives the value that stands for
//! it: dropping an [`HaGroup`], a [`DataServer`] or a [`SentinelProcess`] ends its processes and removes their folders. On
//! Linux the processes die with the program that started them, however that one ends; the next program removes the
//! folders it left. [`crate::manual::testing`] tells it all.
//!
//! ```no_run
//! use sentinelle::testing::HaGroup;
//!
//! # fn main() -> sentinelle::error::Result<()> {
//! let group = HaGroup::builder().start()?;
//! let old = group.master()?;
//! group.kill(old)?;
//! let new = group.wait_master_other_than(old)?;
//! group.connect(new)?.command(&["SET", "colour", "green"])?;
//! # Ok(())
//! # }
//! ```

mod background;
mod client;
mod folder;
mod group;
mod listener;
mod port;
mod process;
mod program;
mod proxy;
mod sentinel;
mod server;
mod sim;
#[cfg(test)]
mod tests;
mod wait;
mod world;

pub use crate::machine::CrashPoint;
pub use client::Client;
pub use group::{Backend, HaGroup, HaGroupBuilder, Member, Pace, Profile, SentinelView, ServerView, Snapshot};
pub use listener::{EventLog, EventNotes, Heard};
pub use port::Port;
pub use program::{Flavour, find_sentinel, find_server};
pub use proxy::{Fate, Passage, Slices, Toxicity};
pub use sentinel::{SentinelPlan, SentinelProcess, Watched};
pub use server::{DataServer, Persistence, ServerPlan};
pub use sim::SimServer;
pub use wait::{Deadline, Stopwatch, wait_until};
pub use world::{Disk, ModelSentinel, ModelServer, Party, World, WorldPlan};
