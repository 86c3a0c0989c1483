//! One configuration file for both implementations: each starts on what the other left, and refuses it in the same words.
//!
//! Needs `redis-server` and `redis-sentinel`; one test needs a Valkey server as well.

mod effects;
mod process;
mod refusals;
mod rounds;
