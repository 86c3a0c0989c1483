//! The native part of the npm package `sentinelle`: converts values between JavaScript and `sentinelle::facade`.

#![expect(
    clippy::needless_pass_by_value,
    clippy::missing_errors_doc,
    reason = "values cross the border owned; every failure is one of the engine's, as JSON"
)]

pub mod discovery;
pub mod events;
pub mod group;
pub mod options;
pub mod policy;
pub mod promise;
pub mod sentinel;

use napi_derive::napi;

/// The version of the engine.
#[napi]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}
