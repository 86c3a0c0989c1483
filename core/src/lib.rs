//! Redis Sentinel as a library: a whole sentinel that monitors, elects and fails over, without a process of its own.

#![forbid(unsafe_code)]

#[cfg(feature = "cli")]
pub mod cli;
pub mod config;
#[cfg(feature = "discovery")]
pub mod discovery;
#[cfg(feature = "driver")]
pub mod driver;
pub mod error;
#[cfg(feature = "facade")]
pub mod facade;
pub mod finder;
pub mod machine;
pub mod manual;
pub mod model;
#[cfg(feature = "net")]
pub mod net;
#[cfg(feature = "pool")]
pub mod pool;
pub mod resp;
#[cfg(feature = "testing")]
pub mod testing;
pub mod types;
