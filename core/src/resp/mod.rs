//! RESP, the language of Redis: values, and the two ways they cross a socket.

mod value;

pub use value::{Protocol, Request, Value};
