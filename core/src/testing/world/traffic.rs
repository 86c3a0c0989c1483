//! Decides how messages travel: connections, delays, cuts, and what a server does with a command.

use std::{
    collections::VecDeque,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use super::{
    Connection, Direction, Happening, Message, Party, World,
    server::{Conn, Effect, Kill},
};
use crate::{
    machine::Input,
    resp::{Request, Value},
    types::{ClientId, LinkId, Millis},
};

impl World {
    /// Plans a message of a connection behind all that were sent before it the same way.
    pub(super) fn plan_message(&mut self, conn: Conn, direction: Direction, message: Message) {
        let delay = self.chance.between(Millis::ZERO, LONGEST_DELAY).as_ms();
        let last = self.last_sent.entry((conn, direction)).or_default();
        let at = (self.now + delay).max(*last);
        *last = at;
        self.plan_at(at - self.now, Happening::Arrival { conn, direction, message });
    }

    /// Lets a message arrive, or wait behind a cut or a stopped party, and behind those that wait already.
    pub(super) fn pass(&mut self, conn: Conn, direction: Direction, message: Message) {
        let Some(connection) = self.connections.get(&conn) else { return };
        if let Some(waiting) = self.held.get_mut(&(conn, direction)) {
            waiting.push_back(message);
        } else if self.is_held(connection, direction) {
            self.held.insert((conn, direction), [message].into());
            self.plan_at(HELD, Happening::Release { conn, direction });
        } else {
            self.arrive(conn, message);
        }
    }

    /// Lets what waits arrive, in order, if nothing is in its way.
    pub(super) fn release(&mut self, conn: Conn, direction: Direction) {
        let Some(connection) = self.connections.get(&conn) else {
            self.held.remove(&(conn, direction));
            return;
        };
        if self.is_held(connection, direction) {
            return self.plan_at(HELD, Happening::Release { conn, direction });
        }
        for message in self.held.remove(&(conn, direction)).unwrap_or_default() {
            self.arrive(conn, message);
        }
    }

    fn arrive(&mut self, conn: Conn, message: Message) {
        match message {
            Message::Request(request) => self.serve(conn, request),
            Message::Answer(value) => self.bring_answer(conn, value),
            Message::News(value) => self.bring_news(conn, value),
            Message::End => self.close(conn),
        }
    }

    pub(super) fn party_at(&self, address: SocketAddr) -> Option<Party> {
        let server = self.server_at(address).map(Party::Server);
        server.or_else(|| self.sentinels.iter().position(|s| s.address == address).map(Party::Sentinel))
    }

    pub(super) fn is_cut(&self, a: Party, b: Party) -> bool {
        self.cuts.contains(&(a.min(b), a.max(b)))
    }

    pub(super) fn accept(&mut self, from: usize, link: LinkId, target: SocketAddr) {
        if self.paused.contains(&Party::Sentinel(from)) {
            return self.plan_at(HELD, Happening::Connect { from, link, target });
        }
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
    fn is_held(&self, connection: &Connection, direction: Direction) -> bool {
        let from = Party::Sentinel(connection.from);
        let receiver = match direction {
            Direction::Up => connection.to,
            Direction::Down => from,
        };
        self.is_cut(from, connection.to) || self.paused.contains(&receiver)
    }

    fn serve(&mut self, conn: Conn, request: Request) {
        let Some(connection) = self.connections.get(&conn).cloned() else { return };
        if self.down.contains(&connection.to) {
            return;
        }
        match connection.to {
            Party::Sentinel(n) => self.feed(n, Input::Asked { client: connection.client, request }),
            Party::Server(n) => self.serve_at(n, conn, &request),
        }
    }

    fn serve_at(&mut self, n: usize, conn: Conn, request: &Request) {
        let address = self.servers[n].address;
        let followers = self.servers.iter().enumerate();
        let followers =
            followers.filter(|(m, s)| s.follows == Some(address) && !self.down.contains(&Party::Server(*m)));
        let replicas: Vec<(SocketAddr, u64)> = followers.map(|(_, server)| (server.address, server.offset)).collect();
        let (value, effects) = self.servers[n].answer(self.now, conn, request, &replicas);
        self.plan_message(conn, Direction::Down, Message::Answer(value));
        for effect in effects {
            self.take_effect(n, conn, effect);
        }
    }

    fn take_effect(&mut self, n: usize, conn: Conn, effect: Effect) {
        match effect {
            Effect::Publish(payload) => {
                let subscribers: Vec<Conn> = self.servers[n].subscribers.iter().copied().collect();
                for subscriber in subscribers {
                    let message = ["message".as_bytes(), b"__sentinel__:hello", &payload];
                    let value = Value::Array(message.into_iter().map(Value::bulk).collect());
                    self.plan_message(subscriber, Direction::Down, Message::News(value));
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

    fn bring_answer(&mut self, conn: Conn, value: Value) {
        let Some(connection) = self.connections.get(&conn).cloned() else { return };
        let waiting = self.sentinels[connection.from].waiting.get_mut(&conn);
        if let Some(request) = waiting.and_then(VecDeque::pop_front) {
            self.feed(connection.from, Input::Answer { link: connection.link, request, value });
        }
    }

    fn bring_news(&mut self, conn: Conn, value: Value) {
        let Some(connection) = self.connections.get(&conn).cloned() else { return };
        self.feed(connection.from, Input::Heard { link: connection.link, value });
    }

    /// Forgets a connection that its sentinel closed.
    pub(super) fn forget(&mut self, conn: Conn) -> Option<Connection> {
        let connection = self.connections.remove(&conn)?;
        self.sentinels[connection.from].waiting.remove(&conn);
        for direction in [Direction::Up, Direction::Down] {
            self.last_sent.remove(&(conn, direction));
        }
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
    fn close(&mut self, conn: Conn) {
        let Some(connection) = self.connections.get(&conn).cloned() else { return };
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

    fn drop_connections_but(&mut self, spared: Conn, chosen: impl Fn(Conn, &Connection) -> bool) {
        let gone: Vec<Conn> =
            self.connections.iter().filter(|(id, c)| **id != spared && chosen(**id, c)).map(|(id, _)| *id).collect();
        for conn in gone {
            self.plan_message(conn, Direction::Down, Message::End);
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
