//! Decides what a sentinel's event says about a master, by the grammar of its payload.
//!
//! Mirrors spec 10.2 and 10.3: `+switch-master` is `<name> <host> <port> <host> <port>`; the rest is
//! `<type> <name> <host> <port>`, then ` @ <master> <host> <port>` unless it is the master itself, then free text.

use super::AddressMap;
use crate::types::{Endpoint, MasterName, RunId};

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct About {
    /// The name of the master.
    pub(super) master: MasterName,
    /// The address the master has for the sentinel that tells.
    pub(super) head: Endpoint,
    /// The server or sentinel it happened to, when it is not the master itself.
    pub(super) subject: Option<(String, Endpoint)>,
}

/// What an event says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// This server is the new master, or is about to be called so.
    NewMaster(MasterName, Endpoint),
    /// The leader has chosen this replica.
    Chosen(About),
    /// The chosen replica is told to be master.
    Promoting(About),
    /// The master is down for several sentinels, or a failover begins.
    Failing(About),
    /// The failover was given up.
    Aborted(About),
    /// Something about the failover or the master has settled.
    Settled(About),
    /// A replica came, went or changed.
    Replicas(About),
    /// A sentinel was found.
    Peer(About, RunId),
    /// The master is monitored, is no more, or was reset.
    Listed(MasterName),
    /// The sentinel cannot trust its own clock.
    Tilt,
    /// The sentinel trusts its clock again.
    TiltEnded,
}

/// The channels a sentinel is watched on.
pub(super) const CHANNELS: &[&str] = &[
    "+switch-master",
    "+promoted-slave",
    "+try-failover",
    "+elected-leader",
    "+selected-slave",
    "+failover-state-send-slaveof-noone",
    "+failover-state-wait-promotion",
    "+failover-state-reconf-slaves",
    "+failover-end",
    "-failover-abort-no-good-slave",
    "-failover-abort-not-elected",
    "-failover-abort-slave-timeout",
    "-failover-abort-master-timeout",
    "-failover-abort-master-is-back",
    "+sdown",
    "-sdown",
    "+odown",
    "-odown",
    "+slave",
    "+slave-reconf-done",
    "+convert-to-slave",
    "+role-change",
    "-role-change",
    "+reboot",
    "+sentinel",
    "+reset-master",
    "+monitor",
    "-monitor",
    "+tilt",
    "-tilt",
];

/// Reads an event; `None` when it says nothing of use or is no event at all.
pub(super) fn read(channel: &str, payload: &[u8], map: &AddressMap) -> Option<Notice> {
    match channel {
        "+tilt" => return Some(Notice::Tilt),
        "-tilt" => return Some(Notice::TiltEnded),
        _ => {}
    }
    let words = words(payload)?;
    if channel == "+switch-master" {
        let new = address(words.get(3)?, words.get(4)?, map)?;
        return Some(Notice::NewMaster(MasterName::parse(words[0])?, new));
    }
    let about = about(&words, map)?;
    let is_of_master = about.subject.is_none();
    Some(match channel {
        "+promoted-slave" => Notice::NewMaster(about.master, about.subject?.1),
        "+selected-slave" if !is_of_master => Notice::Chosen(about),
        "+failover-state-send-slaveof-noone" | "+failover-state-wait-promotion" if !is_of_master => {
            Notice::Promoting(about)
        }
        "+odown" | "+try-failover" | "+elected-leader" => Notice::Failing(about),
        _ if channel.starts_with("-failover-abort-") => Notice::Aborted(about),
        "+failover-state-reconf-slaves" | "+failover-end" | "-odown" => Notice::Settled(about),
        "-sdown" | "+reboot" | "+role-change" | "-role-change" if is_of_master => Notice::Settled(about),
        "+sdown" | "-sdown" if words[0] == "sentinel" => return None,
        "+sdown" | "-sdown" | "+slave" | "+slave-reconf-done" | "+convert-to-slave" | "+reboot" | "+role-change"
        | "-role-change"
            if !is_of_master =>
        {
            Notice::Replicas(about)
        }
        "+sentinel" => {
            let run_id = RunId::parse(&about.subject.as_ref()?.0)?;
            Notice::Peer(about, run_id)
        }
        "+monitor" | "-monitor" | "+reset-master" => Notice::Listed(about.master),
        _ => return None,
    })
}

/// The first words of a payload, split on blanks; `None` when it is no text.
fn words(payload: &[u8]) -> Option<Vec<&str>> {
    // 12: the longest form has 8 words; what follows is free text.
    let text = std::str::from_utf8(payload).ok()?;
    let words: Vec<_> = text.split(' ').take(12).collect();
    (words.len() >= 4).then_some(words)
}

fn about(words: &[&str], map: &AddressMap) -> Option<About> {
    let own = address(words[2], words[3], map)?;
    if words[0] == "master" {
        return Some(About { master: MasterName::parse(words[1])?, head: own, subject: None });
    }
    if words.get(4) != Some(&"@") {
        return None;
    }
    let head = address(words.get(6)?, words.get(7)?, map)?;
    let subject = Some((words[1].to_owned(), own));
    Some(About { master: MasterName::parse(words.get(5)?)?, head, subject })
}

fn address(host: &str, port: &str, map: &AddressMap) -> Option<Endpoint> {
    let told = Endpoint::parse(host, port.parse().ok().filter(|port| *port != 0)?)?;
    Some(map.reach(&told))
}

#[cfg(test)]
mod tests {
    use super::{About, Notice, read};
    use crate::{
        finder::AddressMap,
        types::{Endpoint, MasterName, RunId},
    };

    #[test]
    fn each_event_is_read_by_its_own_grammar() {
        let replica = "slave 10.0.0.2:6379 10.0.0.2 6379 @ cart 10.0.0.1 6379";
        let head = "master cart 10.0.0.1 6379";
        let id = "a".repeat(40);
        let peer = format!("sentinel {id} 10.0.0.9 26379 @ cart 10.0.0.1 6379");
        let subject = Some(("10.0.0.2:6379".to_owned(), at("10.0.0.2", 6379)));
        let of_replica = About { master: cart(), head: at("10.0.0.1", 6379), subject };
        let of_master = About { subject: None, ..of_replica.clone() };
        let of_peer = About { subject: Some((id.clone(), at("10.0.0.9", 26379))), ..of_replica.clone() };
        let run_id = RunId::parse(&id).expect("40 characters");

        for (channel, payload, expected) in [
            ("+switch-master", "cart 10.0.0.1 6379 10.0.0.2 6379", Some(new_master())),
            ("+promoted-slave", replica, Some(new_master())),
            ("+selected-slave", replica, Some(Notice::Chosen(of_replica.clone()))),
            ("+failover-state-wait-promotion", replica, Some(Notice::Promoting(of_replica.clone()))),
            ("+odown", "master cart 10.0.0.1 6379 #quorum 2/2", Some(Notice::Failing(of_master.clone()))),
            ("-failover-abort-not-elected", head, Some(Notice::Aborted(of_master))),
            ("-sdown", replica, Some(Notice::Replicas(of_replica))),
            ("+sdown", head, None),
            ("+sentinel", &peer, Some(Notice::Peer(of_peer, run_id))),
            ("+sdown", &peer, None),
            ("-monitor", head, Some(Notice::Listed(cart()))),
            ("+tilt", "#tilt mode entered", Some(Notice::Tilt)),
        ] {
            assert_eq!(read(channel, payload.as_bytes(), &AddressMap::default()), expected, "{channel} {payload}");
        }
    }

    #[test]
    fn a_payload_that_breaks_the_grammar_says_nothing() {
        for payload in [
            "",
            "cart",
            "cart 10.0.0.1 6379 10.0.0.2",
            "cart 10.0.0.1 6379 10.0.0.2 0",
            "cart 10.0.0.1 6379 10.0.0.2 65536",
            "slave a b 1 @ cart",
            "slave a b 1 # cart c 1",
        ] {
            for channel in super::CHANNELS.iter().filter(|channel| !channel.ends_with("tilt")) {
                assert_eq!(read(channel, payload.as_bytes(), &AddressMap::default()), None, "{channel} {payload}");
            }
        }
    }

    #[test]
    fn the_addresses_in_an_event_are_translated() {
        let map = AddressMap::default().entry(&at("172.17.0.2", 6379), at("10.0.0.2", 6379));

        let notice = read("+switch-master", b"cart 172.17.0.1 6379 172.17.0.2 6379", &map);

        assert_eq!(notice, Some(new_master()));
    }

    fn new_master() -> Notice {
        Notice::NewMaster(cart(), at("10.0.0.2", 6379))
    }

    fn cart() -> MasterName {
        MasterName::parse("cart").expect("a good name")
    }

    fn at(host: &str, port: u16) -> Endpoint {
        Endpoint::parse(host, port).expect("a good address")
    }
}
