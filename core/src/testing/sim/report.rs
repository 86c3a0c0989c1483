//! Decides what a simulated server says of itself: INFO and ROLE.

use std::fmt::Write as _;

use super::{
    data::DATABASES,
    info::{ListedReplica, ReplicaStanding, Standing},
    node::{Answer, Call, Node},
    replication::{Follower, LinkState},
    session::Kind,
};
use crate::{resp::Value, types::Tick};

/// The version it says it has.
pub(super) const VERSION: &str = "7.0.15";

pub(super) fn role(node: &mut Node, call: Call<'_>) -> Answer {
    let offset = node.replication.offset();
    let Some(following) = node.replication.following() else {
        let replicas = node.listed_replicas(call.now.tick).into_iter().map(|replica| {
            let words = [replica.host, replica.port.to_string(), replica.offset.to_string()];
            Value::Array(words.iter().map(Value::bulk).collect())
        });
        let replicas = Value::Array(replicas.collect());
        return Answer::value(Value::Array(vec![Value::bulk("master"), Value::Integer(offset as i64), replicas]));
    };
    Answer::value(Value::Array(vec![
        Value::bulk("slave"),
        Value::bulk(&following.host),
        Value::Integer(i64::from(following.port)),
        Value::bulk(following.link.name()),
        Value::Integer(if following.link == LinkState::Connected { offset as i64 } else { -1 }),
    ]))
}

pub(super) fn info(node: &mut Node, call: Call<'_>) -> Answer {
    let asked: Vec<_> = call.request.words()[1..].iter().map(|word| word.to_ascii_lowercase()).collect();
    let wants_all =
        asked.is_empty() || asked.iter().any(|name| matches!(name.as_slice(), b"all" | b"default" | b"everything"));
    let mut text = String::new();
    for (name, write) in SECTIONS {
        if wants_all || asked.iter().any(|asked| asked == name.to_ascii_lowercase().as_bytes()) {
            let gap = if text.is_empty() { "" } else { "\r\n" };
            let _ = write!(text, "{gap}# {name}\r\n{}", write(node, call.now.tick));
        }
    }
    Answer::value(Value::Verbatim(text.into_bytes()))
}

/// What writes a section of INFO.
type Section = fn(&Node, Tick) -> String;

const SECTIONS: &[(&str, Section)] = &[
    ("Server", Node::server_lines),
    ("Clients", Node::client_lines),
    ("Memory", Node::memory_lines),
    ("Persistence", |_, _| "loading:0\r\nasync_loading:0\r\nrdb_bgsave_in_progress:0\r\naof_enabled:0\r\n".into()),
    ("Stats", Node::stats_lines),
    ("Replication", Node::replication_lines),
    ("Keyspace", Node::keyspace_lines),
];

impl Node {
    fn server_lines(&self, now: Tick) -> String {
        let uptime = now.since(self.started).as_ms() / 1000;
        format!(
            "redis_version:{VERSION}\r\nredis_mode:standalone\r\nos:simulated\r\narch_bits:64\r\nprocess_id:{}\r\n\
             run_id:{}\r\ntcp_port:{}\r\nuptime_in_seconds:{uptime}\r\nuptime_in_days:{}\r\nhz:10\r\n\
             executable:\r\nconfig_file:\r\n",
            std::process::id(),
            self.run_id,
            self.address.port(),
            uptime / 86_400
        )
    }

    fn client_lines(&self, _: Tick) -> String {
        let count = self.sessions.values().filter(|session| session.kind() != Kind::Replica).count();
        format!("connected_clients:{count}\r\nmaxclients:{}\r\n", self.settings.text("maxclients"))
    }

    fn stats_lines(&self, _: Tick) -> String {
        let (full, partial) = self.syncs;
        format!(
            "total_connections_received:{}\r\ntotal_commands_processed:{}\r\nsync_full:{full}\r\n\
             sync_partial_ok:{partial}\r\n",
            self.clients_admitted(),
            self.commands_answered
        )
    }

    fn memory_lines(&self, _: Tick) -> String {
        format!("used_memory:{}\r\nmaxmemory:{}\r\n", self.data.weight(), self.settings.text("maxmemory"))
    }

    fn replication_lines(&self, now: Tick) -> String {
        let replication = &self.replication;
        let listed = self.listed_replicas(now);
        let offset = replication.offset();
        let mut text = match replication.following() {
            None => Standing::Master(&listed).lines(),
            Some(following) => {
                let is_up = following.link == LinkState::Connected;
                let standing = Standing::Replica(ReplicaStanding {
                    host: &following.host,
                    port: following.port,
                    down_for: (!is_up).then(|| now.since(following.down_since)),
                    offset,
                    priority: self.settings.number("replica-priority") as i64,
                    is_announced: self.settings.is_on("replica-announced"),
                });
                let heard = if is_up { (now.since(following.last_heard).as_ms() / 1000) as i64 } else { -1 };
                let syncing = u8::from(following.link == LinkState::Sync);
                let read_only = u8::from(self.settings.is_on("replica-read-only"));
                standing.lines()
                    + &format!(
                        "master_last_io_seconds_ago:{heard}\r\nmaster_sync_in_progress:{syncing}\r\n\
                         slave_read_only:{read_only}\r\nconnected_slaves:{}\r\n",
                        listed.len()
                    )
            }
        };
        let none = ("0".repeat(40), -1);
        let (earlier, until) = replication.earlier().map_or(none, |(id, until)| (id.to_string(), (*until + 1) as i64));
        let _ = write!(
            text,
            "master_failover_state:no-failover\r\nmaster_replid:{}\r\nmaster_replid2:{earlier}\r\n\
             master_repl_offset:{offset}\r\nsecond_repl_offset:{until}\r\nrepl_backlog_active:1\r\n\
             repl_backlog_size:{}\r\nrepl_backlog_first_byte_offset:{}\r\nrepl_backlog_histlen:{}\r\n",
            replication.history(),
            self.settings.text("repl-backlog-size"),
            offset - replication.backlog.len() as u64 + 1,
            replication.backlog.len()
        );
        text
    }

    fn keyspace_lines(&self, _: Tick) -> String {
        let line = |database: u8| {
            let (mut keys, mut ending) = (0, 0);
            for (_, entry) in self.data.keys(database) {
                keys += 1;
                ending += usize::from(entry.ends.is_some());
            }
            (keys > 0).then(|| format!("db{database}:keys={keys},expires={ending},avg_ttl=0\r\n"))
        };
        (0..DATABASES).filter_map(line).collect()
    }

    fn listed_replicas(&self, now: Tick) -> Vec<ListedReplica> {
        let followers = self.sessions.values().filter_map(|session| session.follower.as_ref());
        let list = |follower: &Follower| ListedReplica {
            host: follower.host.clone(),
            port: follower.port,
            offset: follower.acknowledged,
            lag: follower.lag(now),
        };
        followers.map(list).collect()
    }
}
