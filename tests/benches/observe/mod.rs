//! Decides how a failover is watched from outside: by asking, by writing, and by listening, about each millisecond.

use std::net::SocketAddr;

use sentinelle::{
    error::Result,
    resp::Value,
    testing::{Client, Heard},
    types::Millis,
};
use sentinelle_tests::Group;

/// How long one answer may take; a server that stopped must not hold up the others.
const STEP: Millis = Millis::new(500);
const LIMIT: Millis = Millis::new(30_000);

/// What was seen of one failover, in milliseconds since the moment it was due.
pub(crate) struct Sight {
    /// When a former replica first took a write.
    pub(crate) writable: i64,
    /// When the first sentinel told the new address.
    pub(crate) first_answer: i64,
    /// When the last one did.
    pub(crate) last_answer: i64,
    /// When the former master last took a write, where it still could.
    pub(crate) former_write: Option<i64>,
    /// When each sentinel found the master down.
    pub(crate) down: Vec<i64>,
    /// How long each phase took: detect, agree, elect, promote, publish.
    pub(crate) phases: [Option<i64>; 5],
}

impl Sight {
    /// How long the former master took writes beside the new one.
    pub(crate) fn overlap(&self) -> Option<i64> {
        self.former_write.map(|last| last - self.writable)
    }
}

/// A connection that is made again whenever it is lost.
struct Line {
    address: SocketAddr,
    client: Option<Client>,
}

impl Line {
    fn to(address: SocketAddr) -> Self {
        Self { address, client: Client::connect(address, STEP).ok() }
    }

    /// The reply; `None` when there is none.
    fn ask(&mut self, words: &[&str]) -> Option<Value> {
        if self.client.is_none() {
            self.client = Client::connect(self.address, STEP).ok();
        }
        let reply = self.client.as_mut()?.command(words).ok();
        if reply.is_none() {
            self.client = None;
        }
        reply
    }

    /// Whether the server takes a write; `None` when it does not answer.
    fn takes_write(&mut self) -> Option<bool> {
        self.ask(&["SET", "bench", "1"]).map(|reply| reply == Value::Simple("OK".into()))
    }

    /// Whether the sentinel tells another address than `old`.
    fn tells_other_than(&mut self, name: &str, old: SocketAddr) -> bool {
        let reply = self.ask(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", name]);
        let Some(Value::Array(parts)) = reply else { return false };
        let port = parts.get(1).and_then(Value::as_text).and_then(|port| port.parse::<u16>().ok());
        port.is_some_and(|port| port != old.port())
    }
}

/// Watches until all sentinels tell the new master; where the former one lives, until it refuses writes.
pub(crate) fn observe(group: &Group, due: Millis, former_lives: bool) -> Result<Sight> {
    let old = group.servers[0].address();
    let mut sentinels: Vec<Line> = group.sentinels.iter().map(|sentinel| Line::to(sentinel.address())).collect();
    let mut replicas: Vec<Line> = group.servers[1..].iter().map(|server| Line::to(server.address())).collect();
    let mut former = former_lives.then(|| Line::to(old));
    let mut answers = vec![None; sentinels.len()];
    let (mut writable, mut former_write) = (None, None);
    group.wait(LIMIT, "all sentinels tell the new master, and only it takes writes", |group| {
        let now = || group.events.elapsed();
        for (sentinel, answer) in sentinels.iter_mut().zip(&mut answers) {
            if answer.is_none() && sentinel.tells_other_than(&group.plan.name, old) {
                *answer = Some(now());
            }
        }
        if writable.is_none() && replicas.iter_mut().any(|replica| replica.takes_write() == Some(true)) {
            writable = Some(now());
        }
        let former_takes = former.as_mut().map_or(Some(false), Line::takes_write);
        if former_takes == Some(true) {
            former_write = Some(now());
        }
        former_takes == Some(false) && writable.is_some() && answers.iter().all(Option::is_some)
    })?;
    // The listening threads may be a moment behind.
    group.wait(LIMIT, "all sentinels publish the switch", |group| {
        group.events.of("+switch-master").len() >= group.sentinels.len()
    })?;
    let since = |at: Millis| at.as_ms() as i64 - due.as_ms() as i64;
    let answers = answers.into_iter().flatten().map(since);
    let of_master = |event: &Heard| event.text.starts_with("master ");
    let down = group.events.of("+sdown").iter().filter(|event| of_master(event)).map(|event| since(event.at)).collect();
    Ok(Sight {
        writable: writable.map_or(i64::MAX, since),
        first_answer: answers.clone().min().unwrap_or(i64::MAX),
        last_answer: answers.max().unwrap_or(i64::MAX),
        former_write: former_write.map(since),
        phases: phases(group, due, former_lives),
        down,
    })
}

/// How long each phase took; an ordered failover has neither detection nor agreement.
fn phases(group: &Group, due: Millis, is_ordered: bool) -> [Option<i64>; 5] {
    let times = |channel: &str| group.events.of(channel).into_iter().map(|event| event.at.as_ms() as i64);
    let due = due.as_ms() as i64;
    let detected = times("+sdown").min().filter(|_| !is_ordered);
    let agreed = times("+odown").min().filter(|_| !is_ordered);
    let (elected, promoted) = (times("+elected-leader").min(), times("+promoted-slave").min());
    let published = times("+switch-master").max();
    let span = |from: Option<i64>, to: Option<i64>| Some(to? - from?);
    [
        span(Some(due), detected),
        span(detected, agreed),
        span(agreed.or(Some(due)), elected),
        span(elected, promoted),
        span(promoted, published),
    ]
}
