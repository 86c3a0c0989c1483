//! The command surface: what clients, operators and peers may ask of this sentinel's port.

mod session;

pub(super) use session::Session;

use super::{Event, Machine};
use crate::{
    resp::{Request, Value},
    types::{ClientId, Now},
};
use std::net::SocketAddr;

impl Machine {
    pub(super) fn client_opened(
        &mut self,
        _now: Now,
        _client: ClientId,
        _address: Option<SocketAddr>,
        _local: Option<SocketAddr>,
    ) {
    }
    pub(super) fn client_closed(&mut self, _client: ClientId) {}
    pub(super) fn asked(&mut self, _now: Now, _client: ClientId, _request: &Request) {}
    pub(super) fn deliver(&mut self, _event: &Event) {}
    pub(super) fn reply(&mut self, _client: ClientId, _value: Value) {}
}
