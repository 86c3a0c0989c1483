//! Decides what the text of INFO says: run id, role, replicas, replication link, priority, offset.
//!
//! Reads the reply of a data node line by line (spec 4). Unknown, broken or surplus lines are passed over, and the
//! first broken one is told; numbers out of range keep the value a server without that line would have.

use super::{MasterLink, Role};
use crate::types::{Endpoint, Millis, RunId};

/// The facts of one INFO reply.
#[derive(Clone, Debug, PartialEq)]
pub struct Info {
    /// `run_id`
    pub run_id: Option<RunId>,
    /// `role`; anything but `master` counts as replica.
    pub role: Role,
    /// The replicas a master lists, in its order, at most [`Info::MOST_REPLICAS`].
    pub replicas: Vec<Endpoint>,
    /// `master_link_down_since_seconds`; `None` when absent.
    pub link_down_for: Option<Millis>,
    /// `master_host`
    pub master_host: Option<String>,
    /// `master_port`
    pub master_port: u16,
    /// `master_link_status`
    pub master_link: MasterLink,
    /// `slave_priority`
    pub priority: i64,
    /// `slave_repl_offset`
    pub offset: u64,
    /// `replica_announced`
    pub announced: bool,
    /// The first line that is known and not as it should be, or what is missing; `None` when all is well.
    pub complaint: Option<String>,
}

impl Info {
    /// How many replicas of one master are taken notice of.
    pub const MOST_REPLICAS: usize = 1024;

    /// Reads the text of an INFO reply.
    ///
    /// ```
    /// use sentinelle::model::{Info, Role};
    /// let info = Info::parse(b"role:slave\r\nmaster_host:10.0.0.1\r\nmaster_port:6379\r\n");
    /// assert_eq!(info.role, Role::Replica);
    /// assert_eq!(info.master_host.as_deref(), Some("10.0.0.1"));
    /// ```
    pub fn parse(text: &[u8]) -> Self {
        let mut info = Self::empty();
        let (mut follows, mut has_role) = (false, false);
        for line in text.split(|&b| b == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let Some((name, value)) = std::str::from_utf8(line).ok().and_then(|line| line.split_once(':')) else {
                continue;
            };
            let is_well = match name {
                "run_id" => {
                    let run_id = RunId::parse(value);
                    let is_well = run_id.is_some();
                    info.run_id = info.run_id.or(run_id);
                    is_well
                }
                "role" => {
                    (follows, has_role) = (follows || value == "slave", true);
                    info.role = if value == "master" { Role::Master } else { Role::Replica };
                    matches!(value, "master" | "slave")
                }
                "master_link_down_since_seconds" => {
                    info.link_down_for = seconds(value);
                    info.link_down_for.is_some()
                }
                _ if is_replica_line(name) => info.list_replica(value),
                _ if follows => info.read_replica_line(name, value),
                _ => true,
            };
            if !is_well && info.complaint.is_none() {
                info.complaint = Some(shown(name, value));
            }
        }
        if !has_role {
            info.complaint.get_or_insert_with(|| "no role".into());
        }
        info
    }

    /// What a reply without any known line says.
    fn empty() -> Self {
        Self {
            run_id: None,
            role: Role::Replica,
            replicas: Vec::new(),
            link_down_for: None,
            master_host: None,
            master_port: 0,
            master_link: MasterLink::Down,
            priority: 100,
            offset: 0,
            announced: true,
            complaint: None,
        }
    }

    /// Takes a replica of the list; whether its line was well.
    fn list_replica(&mut self, value: &str) -> bool {
        let address = replica_address(value);
        let is_well = address.is_some();
        if self.replicas.len() < Self::MOST_REPLICAS {
            self.replicas.extend(address);
        }
        is_well
    }

    /// Takes a line of a replica; whether it was well.
    fn read_replica_line(&mut self, name: &str, value: &str) -> bool {
        match name {
            "master_host" => {
                self.master_host = Some(value.to_owned()).filter(|host| host.len() <= 255);
                self.master_host.is_some()
            }
            "master_port" => take(&mut self.master_port, value, 0),
            "master_link_status" => {
                self.master_link = if value.eq_ignore_ascii_case("up") { MasterLink::Up } else { MasterLink::Down };
                true
            }
            "slave_priority" => take(&mut self.priority, value, 100),
            "slave_repl_offset" => take(&mut self.offset, value, 0),
            "replica_announced" => {
                self.announced = value.trim() != "0";
                true
            }
            _ => true,
        }
    }
}

/// Reads a number, or takes the one that a server without that line would have; whether it was one.
fn take<T: std::str::FromStr>(field: &mut T, value: &str, otherwise: T) -> bool {
    let number = value.parse();
    let is_well = number.is_ok();
    *field = number.unwrap_or(otherwise);
    is_well
}

/// A line as a log can carry it.
fn shown(name: &str, value: &str) -> String {
    let line: String = format!("{name}:{value}").chars().take(LONGEST_SHOWN).collect();
    line.escape_debug().to_string()
}

/// Characters of a broken line that are shown.
const LONGEST_SHOWN: usize = 100;

/// Whether the line is one of a master's list of replicas: `slave0`, `slave1`, ...
fn is_replica_line(name: &str) -> bool {
    name.strip_prefix("slave").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// The address in `ip=..,port=..,state=..` (new form) or `<ip>,<port>,<state>` (old form).
fn replica_address(value: &str) -> Option<Endpoint> {
    let named = |key: &str| value.split(',').find_map(|part| part.strip_prefix(key)?.strip_prefix('='));
    let mut words = value.split(',');
    let (host, port) = match named("ip") {
        Some(host) => (host, named("port")?),
        None => (words.next()?, words.next()?),
    };
    Endpoint::parse(host, port.parse().ok()?)
}

/// A count of seconds as a span; a negative one (never connected) is the shortest that is not zero, as it is no sign of age.
fn seconds(value: &str) -> Option<Millis> {
    let seconds: i64 = value.parse().ok()?;
    Some(u64::try_from(seconds).map_or(Millis::new(1), |s| Millis::new(s.saturating_mul(1000))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_master_lists_its_replicas_in_both_forms() {
        let text =
            b"role:master\r\nslave0:ip=127.0.0.1,port=6380,state=online,offset=1,lag=0\r\nslave1:::1,6381,online\r\n\
            slave2:ip=redis-2,port=6382\r\n";

        let info = Info::parse(text);

        let found: Vec<String> = info.replicas.iter().map(ToString::to_string).collect();
        assert_eq!(found, ["127.0.0.1:6380", "[::1]:6381", "redis-2:6382"]);
        assert_eq!(info.role, Role::Master);
    }

    #[test]
    fn broken_replica_lines_are_passed_over() {
        for line in [
            "slave0:",
            "slave0:ip=",
            "slave0:ip=,port=1",
            "slave0:ip=a b,port=1",
            "slave0:ip=x,port=70000",
            "slavex:1,2",
        ] {
            let info = Info::parse(format!("role:master\r\n{line}\r\n").as_bytes());

            assert_eq!(info.replicas, [], "{line}");
        }
    }

    #[test]
    fn the_first_broken_line_is_told() {
        let complaint = |text: &str| Info::parse(text.as_bytes()).complaint;
        for (line, told) in [
            ("run_id:abc", "run_id:abc"),
            ("role:sentinel", "role:sentinel"),
            ("slave0:ip=x,port=70000", "slave0:ip=x,port=70000"),
            ("master_port:-1\nslave_priority:x", "master_port:-1"),
            ("slave_priority:1e9", "slave_priority:1e9"),
            ("slave_repl_offset:99999999999999999999", "slave_repl_offset:99999999999999999999"),
            ("master_link_down_since_seconds:1.5", "master_link_down_since_seconds:1.5"),
            ("slave0:\u{1b}[2J", "slave0:\\u{1b}[2J"),
        ] {
            assert_eq!(complaint(&format!("role:slave\n{line}\n")).as_deref(), Some(told), "{line}");
        }
        assert_eq!(complaint("run_id").as_deref(), Some("no role"));
        assert_eq!(complaint(&format!("role:slave\nslave0:{}", "x".repeat(9_000))).map(|text| text.len()), Some(100));
        assert_eq!(complaint("role:master\r\nslave0:ip=::1,port=1\r\nunknown:?\r\n"), None);
    }

    #[test]
    fn replica_lines_count_only_behind_the_role() {
        let info = Info::parse(b"slave_priority:5\r\nrole:slave\r\nslave_repl_offset:77\r\nreplica_announced:0\r\n");

        assert_eq!((info.priority, info.offset, info.announced), (100, 77, false));
    }

    #[test]
    fn the_first_run_id_of_full_length_counts() {
        let (short, first, second) = ("a".repeat(39), "b".repeat(40), "c".repeat(40));

        let info = Info::parse(format!("run_id:{short}\r\nrun_id:{first}\r\nrun_id:{second}\r\n").as_bytes());

        assert_eq!(info.run_id.map(|id| id.to_string()), Some(first));
    }

    #[test]
    fn a_master_with_very_many_replicas_is_cut_off() {
        let lines = (1..5000).map(|port| format!("slave{port}:ip=127.0.0.1,port={port}\r\n"));
        let text = format!("role:master\r\n{}", lines.collect::<String>());

        assert_eq!(Info::parse(text.as_bytes()).replicas.len(), Info::MOST_REPLICAS);
    }
}
