//! Decides how text and bytes are turned into each other: as redis-py was told by `encoding`, `errors`, `decode_responses`.

use pyo3::{
    intern,
    prelude::*,
    types::{PyBytes, PyString},
};

/// How a client encodes and decodes text.
pub(crate) struct Text {
    codec: Codec,
    decodes: bool,
}

enum Codec {
    /// UTF-8 whose faults are errors: done here.
    Plain,
    /// Another encoding, or another way with faults: done by Python.
    Pythons { encoding: String, errors: String },
}

impl Text {
    pub(crate) fn new(encoding: String, errors: String, decodes: bool) -> Self {
        let is_utf8 = matches!(encoding.to_ascii_lowercase().as_str(), "utf-8" | "utf8" | "utf_8");
        let is_plain = is_utf8 && errors == "strict";
        Self { codec: if is_plain { Codec::Plain } else { Codec::Pythons { encoding, errors } }, decodes }
    }

    /// UTF-8, nothing decoded.
    pub(crate) fn utf8() -> Self {
        Self { codec: Codec::Plain, decodes: false }
    }

    /// The bytes of a text that are not simply its own.
    pub(crate) fn encode_specially(&self, text: &Bound<'_, PyString>) -> PyResult<Option<Vec<u8>>> {
        let Codec::Pythons { encoding, errors } = &self.codec else { return Ok(None) };
        text.call_method1(intern!(text.py(), "encode"), (encoding, errors))?.extract().map(Some)
    }

    /// A string of a reply: text when replies are decoded, else bytes.
    pub(crate) fn decode<'py>(&self, py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
        if !self.decodes {
            return Ok(PyBytes::new(py, bytes).into_any());
        }
        if let (Codec::Plain, Ok(text)) = (&self.codec, std::str::from_utf8(bytes)) {
            return Ok(PyString::new(py, text).into_any());
        }
        let bytes = PyBytes::new(py, bytes);
        match &self.codec {
            // Python tells what is wrong with it.
            Codec::Plain => bytes.call_method0(intern!(py, "decode")),
            Codec::Pythons { encoding, errors } => bytes.call_method1(intern!(py, "decode"), (encoding, errors)),
        }
    }
}
