//! Decides how messages travel: connections, delays, cuts, and what a server does with a command.

use std::{
    collections::VecDeque,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use super::{
    Connection, Happening, Party, World,
    server::{Conn, Effect, Kill},
};
use crate::{
    machine::Input,
    resp::{Request, Value},
    types::{ClientId, LinkId, Millis},
};

impl World {
    /// Plans a message of a connection behind all that were sent before it the same way.
    pub(super) fn plan_message(&mut self, conn: Conn, upstream: bool, happening: Happening) {
        let delay = self.chance.between(Millis::ZERO, LONGEST_DELAY).as_ms();
        let last = self.last_sent.entry((conn, upstream)).or_default();
        let at = (self.now + delay).max(*last);
        *last = at;
        self.plan_at(at - self.now, happening);
    }

    pub(super) fn party_at(&self, address: SocketAddr) -> Option<Party> {
        let server = self.server_at(address).map(Party::Server);
        server.or_else(|| self.sentinels.iter().position(|s| s.address == address).map(Party::Sentinel))
    }

    pub(super) fn is_cut(&self, a: Party, b: Party) -> bool {
        self.cuts.contains(&(a.min(b), a.max(b)))
    }

    pub(super) fn accept(&mut self, from: usize, link: LinkId, target: SocketAddr) {
        let refused = Happening::Refused { from, link };
        let Some(to) = self.party_at(target).filter(|party| !self.down.contains(party)) else {
            return self.plan_at(1, refused);
        };
        if self.is_cut(Party::Sentinel(from), to) {
            return self.plan_at(CONNECT_TIMEOUT, refused);
        }
        if self.sentinels[from].machine.is_none() {
            return;
        }
        self.last_conn += 1;
        let conn = self.last_conn;
        let client = match to {
            Party::Sentinel(n) => self.fresh_client(n),
            Party::Server(_) => ClientId::new(0),
        };
        self.connections.insert(conn, Connection { from, link, to, client });
        self.sentinels[from].links.insert(link, conn);
        if let Party::Sentinel(n) = to {
            self.clients.insert((n, client), conn);
            self.feed(n, Input::ClientOpened { client, address: None, local: None });
        }
        self.feed(from, Input::LinkOpened { link, local: IpAddr::V4(Ipv4Addr::LOCALHOST) });
    }

    /// Whether a message has to wait, because somebody is stopped or cut off.
    pub(super) fn is_held(&self, connection: &Connection) -> bool {
        let from = Party::Sentinel(connection.from);
        self.is_cut(from, connection.to) || self.paused.contains(&connection.to) || self.paused.contains(&from)
    }

    pub(super) fn serve(&mut self, conn: Conn, request: Request) {
        let Some(connection) = self.connections.get(&conn).cloned() else { return };
        if self.is_held(&connection) {
            return self.plan_at(HELD, Happening::Request { conn, request });
        }
        if self.down.contains(&connection.to) {
            return;
        }
        match connection.to {
            Party::Sentinel(n) => self.feed(n, Input::Asked { client: connection.client, request }),
            Party::Server(n) => self.serve_at(n, conn, &request),
        }
    }

    pub(super) fn serve_at(&mut self, n: usize, conn: Conn, request: &Request) {
        let address = self.servers[n].address;
        let followers = self.servers.iter().enumerate();
        let followers =
            followers.filter(|(m, s)| s.follows == Some(address) && !self.down.contains(&Party::Server(*m)));
        let replicas: Vec<(SocketAddr, u64)> = followers.map(|(_, server)| (server.address, server.offset)).collect();
        let (value, effects) = self.servers[n].answer(self.now, conn, request, &replicas);
        self.plan_message(conn, false, Happening::Answer { conn, value });
        for effect in effects {
            self.take_effect(n, conn, effect);
        }
    }

    pub(super) fn take_effect(&mut self, n: usize, conn: Conn, effect: Effect) {
        match effect {
            Effect::Publish(payload) => {
                let subscribers: Vec<Conn> = self.servers[n].subscribers.iter().copied().collect();
                for subscriber in subscribers {
                    let message = ["message".as_bytes(), b"__sentinel__:hello", &payload];
                    let value = Value::Array(message.into_iter().map(Value::bulk).collect());
                    self.plan_message(subscriber, false, Happening::Heard { conn: subscriber, value });
                }
            }
            Effect::Kill(kill) => {
                let subscribers = self.servers[n].subscribers.clone();
                self.drop_connections_but(conn, |id, c| {
                    c.to == Party::Server(n) && subscribers.contains(&id) == (kill == Kill::PubSub)
                });
            }
            Effect::Moved => {}
        }
    }

    pub(super) fn bring_answer(&mut self, conn: Conn, value: Value) {
        let Some(connection) = self.connections.get(&conn).cloned() else { return };
        if self.is_held(&connection) {
            return self.plan_at(HELD, Happening::Answer { conn, value });
        }
        let waiting = self.sentinels[connection.from].waiting.get_mut(&conn);
        if let Some(request) = waiting.and_then(VecDeque::pop_front) {
            self.feed(connection.from, Input::Answer { link: connection.link, request, value });
        }
    }

    pub(super) fn bring_news(&mut self, conn: Conn, value: Value) {
        let Some(connection) = self.connections.get(&conn).cloned() else { return };
        if self.is_held(&connection) {
            return self.plan_at(HELD, Happening::Heard { conn, value });
        }
        self.feed(connection.from, Input::Heard { link: connection.link, value });
    }

    /// Forgets a connection that its sentinel closed.
    pub(super) fn forget(&mut self, conn: Conn) -> Option<Connection> {
        let connection = self.connections.remove(&conn)?;
        self.sentinels[connection.from].waiting.remove(&conn);
        self.last_sent.remove(&(conn, true));
        self.last_sent.remove(&(conn, false));
        match connection.to {
            Party::Server(n) => self.servers[n].disconnect(conn),
            Party::Sentinel(n) => {
                self.clients.remove(&(n, connection.client));
                self.feed(n, Input::ClientClosed { client: connection.client });
            }
        }
        Some(connection)
    }

    /// The other end closed a connection.
    pub(super) fn close(&mut self, conn: Conn) {
        let Some(connection) = self.connections.get(&conn).cloned() else { return };
        if self.is_cut(Party::Sentinel(connection.from), connection.to)
            || self.paused.contains(&Party::Sentinel(connection.from))
        {
            return self.plan_at(HELD, Happening::Closed { conn });
        }
        self.forget(conn);
        self.sentinels[connection.from].links.remove(&connection.link);
        self.feed(
            connection.from,
            Input::LinkClosed { link: connection.link, reason: "Connection reset by peer".into() },
        );
    }

    pub(super) fn drop_connections(&mut self, chosen: impl Fn(&Connection) -> bool) {
        self.drop_connections_but(0, |_, connection| chosen(connection));
    }

    pub(super) fn drop_connections_but(&mut self, spared: Conn, chosen: impl Fn(Conn, &Connection) -> bool) {
        let gone: Vec<Conn> =
            self.connections.iter().filter(|(id, c)| **id != spared && chosen(**id, c)).map(|(id, _)| *id).collect();
        for conn in gone {
            self.plan_message(conn, false, Happening::Closed { conn });
        }
    }

    /// Replication at its own pace: links come up, offsets follow.
    pub(super) fn sync_replicas(&mut self) {
        for n in 0..self.servers.len() {
            let Some(master) = self.servers[n].follows.and_then(|address| self.server_at(address)) else {
                if self.is_up(Party::Server(n)) {
                    self.servers[n].offset += 1;
                }
                continue;
            };
            let works = self.is_up(Party::Server(master))
                && self.is_up(Party::Server(n))
                && !self.is_cut(Party::Server(n), Party::Server(master))
                && self.servers[master].follows != Some(self.servers[n].address);
            let synced = self.servers[n].link_up
                || self.now.saturating_sub(self.servers[n].link_down_since) >= self.servers[n].sync_takes;
            let works = works && synced;
            if works {
                self.servers[n].offset = self.servers[master].offset;
            } else if self.servers[n].link_up {
                self.servers[n].link_down_since = self.now;
            }
            self.servers[n].link_up = works;
        }
        self.plan_at(SYNC_PERIOD, Happening::Sync);
    }
}

/// How long a message takes, at most.
const LONGEST_DELAY: Millis = Millis::new(2);

/// How long a message that cannot pass waits before it is tried again.
pub(super) const HELD: u64 = 5;

/// How long a connection attempt into the void takes to fail.
const CONNECT_TIMEOUT: u64 = 3_000;

/// Between two steps of replication.
const SYNC_PERIOD: u64 = 10;
