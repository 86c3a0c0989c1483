//! What must hold of a finder, seen from outside: news in, work out, on a clock that the tests move.

mod failover;
mod properties;
mod search;
mod world;
