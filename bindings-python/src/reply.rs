//! Decides which Python value a reply becomes: what redis-py's parsers make of it.

use pyo3::{
    exceptions::{PyException, PyTypeError},
    prelude::*,
    sync::PyOnceLock,
    types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PySet},
};
use sentinelle::facade::Reply;

use crate::text::Text;

/// How replies are wanted.
#[derive(Clone, Copy)]
pub(crate) struct Shape<'a> {
    /// How strings are decoded; bytes without it.
    pub(crate) text: Option<&'a Text>,
    /// What sets become.
    pub(crate) sets: Sets,
    /// What errors within a reply become.
    pub(crate) errors: Errors,
}

/// What sets become.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sets {
    /// Lists, as redis-py has it since version 6.
    Lists,
    /// Sets, when all their items can be in one.
    Sets,
}

/// What errors within a reply become.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Errors {
    /// Plain exceptions.
    Plain,
    /// Those of redis-py.
    RedisPys,
}

impl Shape<'static> {
    /// Everything as it came.
    pub(crate) const RAW: Self = Self { text: None, sets: Sets::Lists, errors: Errors::Plain };
}

/// A reply in that shape.
pub(crate) fn to_python<'py>(py: Python<'py>, reply: &Reply, shape: Shape<'_>) -> PyResult<Bound<'py, PyAny>> {
    let string = |bytes: &[u8]| match shape.text {
        Some(text) => text.decode(py, bytes),
        None => Ok(PyBytes::new(py, bytes).into_any()),
    };
    Ok(match reply {
        Reply::Null | Reply::NullArray => py.None().into_bound(py),
        Reply::Simple(text) => string(text.as_bytes())?,
        Reply::Bulk(bytes) | Reply::Verbatim(bytes) => string(bytes)?,
        Reply::Error(text) => error(py, text, shape.errors)?,
        Reply::Integer(number) => number.into_pyobject(py)?.into_any(),
        Reply::Boolean(is_so) => PyBool::new(py, *is_so).to_owned().into_any(),
        Reply::Double(number) => PyFloat::new(py, *number).into_any(),
        Reply::BigNumber(digits) => py.get_type::<PyInt>().call1((digits,))?,
        Reply::Array(items) | Reply::Push(items) => list(py, items, shape)?.into_any(),
        Reply::Set(items) => {
            let items = list(py, items, shape)?;
            match shape.sets {
                Sets::Lists => items.into_any(),
                Sets::Sets => match PySet::new(py, items.iter()) {
                    Ok(set) => set.into_any(),
                    Err(unhashable) if unhashable.is_instance_of::<PyTypeError>(py) => items.into_any(),
                    Err(other) => return Err(other),
                },
            }
        }
        Reply::Map(pairs) => {
            let map = PyDict::new(py);
            for (key, value) in pairs {
                map.set_item(to_python(py, key, shape)?, to_python(py, value, shape)?)?;
            }
            map.into_any()
        }
    })
}

/// The exception that an error reply is; it is not raised here.
pub(crate) fn error<'py>(py: Python<'py>, text: &str, errors: Errors) -> PyResult<Bound<'py, PyAny>> {
    static PARSE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    match errors {
        Errors::Plain => Ok(PyException::new_err(text.to_owned()).into_value(py).into_bound(py).into_any()),
        Errors::RedisPys => PARSE.import(py, "sentinelle._redis_errors", "from_reply")?.call1((text,)),
    }
}

fn list<'py>(py: Python<'py>, items: &[Reply], shape: Shape<'_>) -> PyResult<Bound<'py, PyList>> {
    let items: PyResult<Vec<_>> = items.iter().map(|item| to_python(py, item, shape)).collect();
    PyList::new(py, items?)
}
