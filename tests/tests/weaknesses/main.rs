//! One test for each weakness of the reference that this sentinel claims to beat, named after what holds here.
//!
//! The doc line of each test says what the reference does. Most run one machine on a [`bench::Bench`], where every
//! server, peer and disk does what the test says; votes are also tried on a real process that is killed.

mod bench;
mod configuration;
mod detection;
mod durability;
mod election;
mod names;
mod promotion;
mod stand_in;
mod votes;
