//! The command surface: what clients, operators and peers may ask of this sentinel's port.

mod session;

pub(super) use session::Session;
