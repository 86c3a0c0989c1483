//! Groups of executables for the whole-system tests: each sentinel a process of any make, which may differ from the next.
//!
//! A [`sentinelle::testing::HaGroup`] is what most tests use. Here a test has the processes themselves in its hands, with
//! no front between them: for quorums in every proportion as they are in production (`mixed_quorums`), one file that goes
//! from make to make (`config_roundtrip`), and the bench that holds the makes' speed against each other, where a front
//! would be part of what is measured (`failover`).
//!
//! A test reads `let mut group = Group::start(&GroupPlan::default())?; group.kill_master(); ...`. What it waits for
//! has a deadline, and a deadline that passes shows every node's view, the events heard and the ends of the logs.

mod group;
mod plan;
mod processes;
mod programs;
mod request;
mod view;

pub use group::Group;
pub use plan::{Discovery, GroupPlan, Seat};
pub use processes::processes_in;
pub use programs::built_sentinelle;
pub use request::{asked_for, is_bench};
pub use view::{SentinelView, list_of_fields};
