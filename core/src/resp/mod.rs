//! RESP, the language of Redis: values, and the two ways they cross a socket.

mod buffer;
mod decode;
mod encode;
mod inline;
mod number;
mod request;
mod value;

pub use decode::{Bounds, ValueDecoder};
#[cfg(feature = "facade")]
pub(crate) use inline::split as split_line;
pub use request::{MAX_LINE, MAX_WEIGHT, MAX_WORDS, Refusal, RequestDecoder, Standing};
pub use value::{Protocol, Request, Value};
