//! Groups of executables for the whole-system tests: each sentinel a process of any make, which may differ from the next.
//!
//! A [`sentinelle::testing::HaGroup`] has ours inside the test program and the stock ones of one make beside them; what is
//! in a test's hands there is in all users'. This is for the tests that hold makes against each other.
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
