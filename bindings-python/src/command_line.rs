//! Decides how the wheel's `sentinelle` runs: as the executable does, without the interpreter's lock.

use pyo3::prelude::*;
use sentinelle::facade;

/// Does what the words order, the program's name first; gives the exit code.
#[pyfunction]
pub(crate) fn run(py: Python<'_>, words: Vec<String>) -> u8 {
    let (program, arguments) =
        words.split_first().map_or(("sentinelle", &[][..]), |(name, rest)| (name.as_str(), rest));
    py.detach(|| facade::run_command_line(program, arguments))
}
