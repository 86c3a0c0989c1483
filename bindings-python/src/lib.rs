//! The native module of the Python package: converts values between Python and the facade, and decides nothing.

#![expect(clippy::needless_pass_by_value, reason = "what comes from Python is owned by the call")]

mod command_line;
mod completions;
mod discovery;
mod event;
mod failure;
mod group;
mod pool;
mod reply;
mod sentinel;
mod text;
mod waiting;
mod words;

use pyo3::prelude::*;

/// The private half of `sentinelle`; what people use is written in Python around it.
#[pymodule]
mod _sentinelle {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::{
        command_line::run,
        completions::Completions,
        discovery::{Discovery, Watch},
        event::{Events, logs, set_log_level},
        failure::error_kinds,
        group::HaGroup,
        pool::{Pool, is_read},
        sentinel::{Sentinel, options_json},
    };

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("VERSION", sentinelle::facade::VERSION)
    }
}
