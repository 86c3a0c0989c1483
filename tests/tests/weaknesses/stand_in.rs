//! Decides how the servers and peers on a bench answer: like redis-server and redis-sentinel, unless told otherwise.

use std::fmt::Write as _;

use sentinelle::{
    resp::{Request, Value},
    types::RunId,
};

/// Whether something answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// It answers.
    Awake,
    /// Its connections stay, and it answers when it is woken.
    Silent,
    /// Its connections are refused.
    Gone,
}

/// A data server.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) mood: Mood,
    pub(crate) follows: Option<u16>,
    pub(crate) priority: u32,
    /// Whether it carries out `SLAVEOF`.
    pub(crate) obeys: bool,
    /// Whether its link to its master is up.
    pub(crate) synced: bool,
    /// Whether it refuses transactions.
    pub(crate) refuses: bool,
    /// How long it takes to carry out `SLAVEOF NO ONE`.
    pub(crate) promotion_takes: u64,
    /// How long it takes to answer `INFO`.
    pub(crate) info_takes: u64,
    /// What it answers to `INFO` in the place of the truth.
    pub(crate) claims: Option<&'static str>,
    promoted_at: Option<u64>,
}

/// Another sentinel.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) mood: Mood,
    pub(crate) id: RunId,
    pub(crate) says_down: bool,
    pub(crate) ballot: Ballot,
}

/// Whom a peer votes for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ballot {
    /// Nobody.
    Nobody,
    /// Whoever asks, in the epoch asked for.
    WhoAsks,
    /// Somebody else, in the epoch asked for.
    Rival(RunId),
    /// Whoever asks, but in this epoch.
    InEpoch(i64),
}

impl Server {
    pub(crate) fn new(follows: Option<u16>) -> Self {
        Self {
            mood: Mood::Awake,
            follows,
            priority: 100,
            obeys: true,
            synced: true,
            refuses: false,
            promotion_takes: 0,
            info_takes: 0,
            claims: None,
            promoted_at: None,
        }
    }

    /// Its answer; `followers` are the ports of the servers that follow it.
    pub(crate) fn answer(&mut self, now: u64, port: u16, request: &Request, followers: &[u16]) -> Value {
        match request.text(0).unwrap_or_default() {
            "PING" => Value::Simple("PONG".into()),
            "INFO" => Value::bulk(self.info(now, port, followers)),
            "PUBLISH" => Value::Integer(1),
            "SLAVEOF" => {
                self.follow(now, request);
                Value::Simple("QUEUED".into())
            }
            "EXEC" if self.refuses => Value::error("EXECABORT Transaction discarded because of previous errors."),
            "EXEC" => Value::Array(Vec::new()),
            _ => Value::ok(),
        }
    }

    fn follow(&mut self, now: u64, request: &Request) {
        if !self.obeys || self.refuses {
            return;
        }
        if request.is(1, "NO") {
            self.promoted_at.get_or_insert(now + self.promotion_takes);
        } else {
            self.promoted_at = None;
            self.follows = request.text(2).and_then(|port| port.parse().ok());
        }
    }

    fn info(&mut self, now: u64, port: u16, followers: &[u16]) -> String {
        if let Some(claims) = self.claims {
            return claims.to_owned();
        }
        if self.promoted_at.is_some_and(|at| at <= now) {
            self.follows = None;
        }
        let head = format!("run_id:{port:040}\r\n");
        if let Some(master) = self.follows {
            let (link, priority) = (if self.synced { "up" } else { "down" }, self.priority);
            return format!(
                "{head}role:slave\r\nmaster_host:127.0.0.1\r\nmaster_port:{master}\r\nmaster_link_status:{link}\r\n\
                 slave_repl_offset:9\r\nslave_priority:{priority}\r\n"
            );
        }
        let mut text = format!("{head}role:master\r\n");
        for (n, follower) in followers.iter().enumerate() {
            let _ = write!(text, "slave{n}:ip=127.0.0.1,port={follower},state=online,offset=9,lag=0\r\n");
        }
        text
    }
}

impl Peer {
    pub(crate) fn new(digit: char) -> Self {
        Self { mood: Mood::Awake, id: run_id(digit), says_down: true, ballot: Ballot::WhoAsks }
    }

    pub(crate) fn answer(&self, request: &Request) -> Value {
        match request.text(0).unwrap_or_default() {
            "PING" => Value::Simple("PONG".into()),
            "PUBLISH" => Value::Integer(1),
            "SENTINEL" => self.opinion(request),
            _ => Value::ok(),
        }
    }

    fn opinion(&self, request: &Request) -> Value {
        let (asked, candidate) = (request.integer(4).unwrap_or(0), request.text(5).unwrap_or("*"));
        let (leader, epoch) = match &self.ballot {
            _ if candidate == "*" => ("*", 0),
            Ballot::Nobody => ("*", 0),
            Ballot::WhoAsks => (candidate, asked),
            Ballot::Rival(rival) => (rival.as_str(), asked),
            Ballot::InEpoch(epoch) => (candidate, *epoch),
        };
        Value::Array(vec![Value::Integer(i64::from(self.says_down)), Value::bulk(leader), Value::Integer(epoch)])
    }
}

/// The run id that consists of this digit alone.
pub(crate) fn run_id(digit: char) -> RunId {
    RunId::parse(&digit.to_string().repeat(40)).expect("forty digits are a run id")
}
