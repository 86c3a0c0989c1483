//! Pools against real servers: what is acknowledged stays, what fails says how, and a switch is hardly seen.

mod basics;
mod failover;
mod load;
mod policies;
mod redis_crate;
mod sleep;
mod stage;
