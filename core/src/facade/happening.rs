//! Decides which facts an event of a sentinel or a discovery carries, and under which names.

use super::event::Event;
use crate::{
    discovery::Notice,
    finder::{self, EventKind as Told},
    machine::{self, EventKind},
};

impl From<machine::Event> for Event {
    fn from(event: machine::Event) -> Self {
        let fields = facts(event.kind, &event.text);
        let epoch = fields.iter().find(|(name, _)| name == "epoch").and_then(|(_, epoch)| epoch.parse().ok());
        Self {
            name: event.kind.name().to_owned(),
            source: "sentinel",
            master: event.master.map(|name| name.to_string()),
            at_ms: event.at.as_ms(),
            epoch,
            fields,
            text: event.text,
            lost: 0,
        }
    }
}

impl From<Notice> for Event {
    fn from(notice: Notice) -> Self {
        Self { lost: notice.lost, ..Self::from(notice.event) }
    }
}

impl From<finder::Event> for Event {
    fn from(event: finder::Event) -> Self {
        let mut fields = Vec::new();
        let mut add = |name: &str, value: &dyn ToString| fields.push((name.to_owned(), value.to_string()));
        let name = event.kind.name();
        let mut known_epoch = None;
        match event.kind {
            Told::Discovered { address, epoch } => {
                known_epoch = Some(epoch);
                add("address", &address);
            }
            Told::Suspect { sign } => add("sign", &sign),
            Told::HoldStart { at_most } => add("at_most_ms", &at_most.as_ms()),
            Told::HoldEnd { held, because } => {
                add("held_ms", &held.as_ms());
                add("because", &because.name());
            }
            Told::Switched { old, new, epoch, by, took } => {
                known_epoch = Some(epoch);
                add("old", &old);
                add("new", &new);
                if let Some(by) = by {
                    add("by", &by);
                }
                add("took_ms", &took.as_ms());
            }
            Told::ReplicaUp { address } | Told::ReplicaDown { address } | Told::SentinelUp { address } => {
                add("address", &address);
            }
            Told::VerifyDisabled { address } => add("address", &address),
            Told::SentinelDown { address, reason } | Told::AuthFailed { address, reason } => {
                add("address", &address);
                add("reason", &reason);
            }
            Told::SentinelStale { address, names, epoch } => {
                known_epoch = Some(epoch);
                add("address", &address);
                add("names", &names);
            }
            Told::Ambiguous { taken, other } => {
                add("taken", &taken);
                add("other", &other);
            }
            Told::Gap { lasted } => add("lasted_ms", &lasted.as_ms()),
            Told::FenceWeak | Told::MasterAdded | Told::MasterRemoved => {}
        }
        let master = event.master.map(|name| name.to_string());
        let words = master.iter().cloned().chain(fields.iter().map(|(name, value)| format!("{name} {value}")));
        Self {
            name: name.to_owned(),
            source: "discovery",
            at_ms: event.at.unix.as_ms(),
            epoch: known_epoch.map(crate::types::Epoch::as_u64),
            text: words.collect::<Vec<_>>().join(" "),
            master,
            fields,
            lost: 0,
        }
    }
}

/// The facts in the text of a sentinel's event.
fn facts(kind: EventKind, text: &str) -> Vec<(String, String)> {
    let words: Vec<_> = text.split(' ').collect();
    if kind == EventKind::SwitchMaster {
        return named(&["master", "old_host", "old_port", "new_host", "new_port"], &words);
    }
    if kind == EventKind::NewEpoch {
        return named(&["epoch"], &words);
    }
    if kind == EventKind::VoteForLeader {
        return named(&["sentinel", "epoch"], &words);
    }
    if words.len() < 4 || !matches!(words[0], "master" | "slave" | "sentinel") {
        return Vec::new();
    }
    let (instance, mut rest) = words.split_at(4);
    let mut fields = named(&["role", "name", "host", "port"], instance);
    if let ["@", master, host, port, detail @ ..] = rest {
        fields.extend(named(&["master", "master_host", "master_port"], &[master, host, port]));
        rest = detail;
    }
    if !rest.is_empty() {
        fields.push(("detail".to_owned(), rest.join(" ")));
    }
    fields
}

fn named(names: &[&str], words: &[&str]) -> Vec<(String, String)> {
    names.iter().zip(words).map(|(name, word)| ((*name).to_owned(), (*word).to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::{Event, EventKind, facts};
    use crate::{
        finder, machine,
        types::{Endpoint, Epoch, MasterName, Millis, Now, UnixMs},
    };

    #[test]
    fn an_instance_in_a_text_is_told_by_names() {
        let fields =
            facts(EventKind::SubjectivelyDown, "slave 10.0.0.2:6379 10.0.0.2 6379 @ cart 10.0.0.1 6379 why so");

        let expected = [
            ("role", "slave"),
            ("name", "10.0.0.2:6379"),
            ("host", "10.0.0.2"),
            ("port", "6379"),
            ("master", "cart"),
            ("master_host", "10.0.0.1"),
            ("master_port", "6379"),
            ("detail", "why so"),
        ];
        assert_eq!(fields, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn a_new_epoch_is_a_number() {
        let event =
            machine::Event { kind: EventKind::NewEpoch, master: None, text: "7".into(), at: UnixMs::from_ms(5) };

        let event = Event::from(event);

        assert_eq!((event.name.as_str(), event.epoch, event.at_ms), ("+new-epoch", Some(7), 5));
    }

    #[test]
    fn a_switch_is_told_with_all_its_facts() {
        let address = |port| Endpoint::parse("10.0.0.1", port).expect("a legal address");
        let switched = finder::EventKind::Switched {
            old: address(1),
            new: address(2),
            epoch: Epoch::new(3),
            by: None,
            took: Millis::new(40),
        };

        let event =
            Event::from(finder::Event { at: Now::default(), master: MasterName::parse("cart"), kind: switched });

        assert_eq!((event.name.as_str(), event.epoch), ("switched", Some(3)));
        assert_eq!(event.text, "cart old 10.0.0.1:1 new 10.0.0.1:2 took_ms 40");
        assert_eq!(event.field("new"), Some("10.0.0.1:2"));
    }
}
