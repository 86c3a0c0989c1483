//! Decides how Python values become the words of a command, as redis-py's encoder has it.

use std::borrow::Cow;

use pyo3::{
    intern,
    prelude::*,
    sync::PyOnceLock,
    types::{PyBool, PyByteArray, PyBytes, PyFloat, PyInt, PyMemoryView, PyString, PyTuple},
};
use sentinelle::facade::Command;

use crate::text::Text;

/// The command that these arguments are; the first may hold several words, as in `CONFIG GET`.
pub(crate) fn command(arguments: &Bound<'_, PyTuple>, text: &Text) -> PyResult<Command> {
    let arguments: Vec<_> = arguments.iter().collect();
    let mut words = Vec::with_capacity(arguments.len() + 1);
    for argument in &arguments {
        let word = encode(argument, text)?;
        if words.is_empty() && word.iter().any(u8::is_ascii_whitespace) {
            let parts = word.split(u8::is_ascii_whitespace).filter(|part| !part.is_empty());
            words.extend(parts.map(|part| Cow::Owned(part.to_vec())));
        } else {
            words.push(word);
        }
    }
    Ok(Command::new(words))
}

fn encode<'a>(value: &'a Bound<'_, PyAny>, text: &Text) -> PyResult<Cow<'a, [u8]>> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Ok(Cow::Borrowed(bytes.as_bytes()));
    }
    if let Ok(string) = value.cast::<PyString>() {
        return match text.encode_specially(string)? {
            Some(bytes) => Ok(Cow::Owned(bytes)),
            None => Ok(Cow::Borrowed(string.to_str()?.as_bytes())),
        };
    }
    let is_number = value.is_instance_of::<PyInt>() || value.is_instance_of::<PyFloat>();
    if is_number && !value.is_instance_of::<PyBool>() {
        return Ok(Cow::Owned(value.repr()?.to_str()?.as_bytes().to_vec()));
    }
    if value.is_instance_of::<PyByteArray>() || value.is_instance_of::<PyMemoryView>() {
        let bytes = value.py().get_type::<PyBytes>().call1((value,))?;
        return Ok(Cow::Owned(bytes.extract()?));
    }
    Err(not_a_word(value))
}

/// What redis-py says of a value that it cannot send.
fn not_a_word(value: &Bound<'_, PyAny>) -> PyErr {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = value.py();
    let refuse = || {
        let name = value.get_type().getattr(intern!(py, "__name__"))?;
        let text = format!("Invalid input of type: '{name}'. Convert to a bytes, string, int or float first.");
        CLASS.import(py, "redis.exceptions", "DataError")?.call1((text,))
    };
    refuse().map_or_else(|error| error, PyErr::from_value)
}
