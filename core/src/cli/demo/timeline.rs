//! Decides what a line of the story says: one sentence for each event worth telling, with the time since the kill.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use super::cast::Cast;
use crate::{
    error::{Error, ErrorKind, Result},
    testing::Heard,
    types::Millis,
};

/// One line of the story.
pub(super) struct Moment {
    /// When, since the beginning of the act.
    pub(super) at: Millis,
    /// The event behind it.
    pub(super) event: String,
}

/// An act: what happens after its beginning, each event told once.
pub(super) struct Timeline {
    begun: Millis,
    told: usize,
    letters: BTreeMap<String, String>,
}

impl Timeline {
    /// An act that begins at `begun`; what was heard before is not told.
    pub(super) fn from(begun: Millis, cast: &Cast, letters: BTreeMap<String, String>) -> Self {
        Self { begun, told: cast.group.events().events().len(), letters }
    }

    /// The time since the beginning of the act.
    pub(super) fn elapsed(&self, cast: &Cast) -> Millis {
        self.since_begin(cast.group.events().elapsed())
    }

    /// Tells what was heard since the last look.
    pub(super) fn show_news(&mut self, out: &mut dyn Write, cast: &Cast) -> Vec<Moment> {
        let events = cast.group.events().events();
        let news = &events[self.told..];
        self.told = events.len();
        news.iter()
            .filter_map(|event| {
                let at = self.since_begin(event.at);
                let sentence = sentence(event, &self.letters)?;
                let from = self.letters.get(&event.from).unwrap_or(&event.from);
                show(out, at, from, &sentence).ok()?;
                Some(Moment { at, event: event.channel.clone() })
            })
            .collect()
    }

    fn since_begin(&self, at: Millis) -> Millis {
        Millis::new(at.as_ms().saturating_sub(self.begun.as_ms()))
    }
}

/// Tells what happened at a moment.
pub(super) fn show(out: &mut dyn Write, at: Millis, who: &str, sentence: &str) -> Result<()> {
    tell(writeln!(out, "{:>10}  {who} {sentence}", format!("+{at}")).and_then(|()| out.flush()))
}

/// Opens a part of the story.
pub(super) fn show_headline(out: &mut dyn Write, text: &str) -> Result<()> {
    tell(writeln!(out, "\n{text}\n").and_then(|()| out.flush()))
}

/// Tells one fact, not bound to a moment.
pub(super) fn show_line(out: &mut dyn Write, name: &str, text: &str) -> Result<()> {
    tell(writeln!(out, "{name:>10}  {text}").and_then(|()| out.flush()))
}

fn tell(written: io::Result<()>) -> Result<()> {
    written.map_err(|error| Error::new(ErrorKind::File, "write", "the story").because(error))
}

/// What an event means, in words; `None` for one that is not part of this story.
fn sentence(event: &Heard, letters: &BTreeMap<String, String>) -> Option<String> {
    let words: Vec<&str> = event.text.split(' ').collect();
    let word = |index: usize| words.get(index).copied().unwrap_or("");
    // `<kind> <name> <ip> <port> ...`
    let (kind, place) = (word(0), format!("{}:{}", word(2), word(3)));
    Some(match event.channel.as_str() {
        "+sdown" if kind == "master" => format!("hears nothing from {place} and calls it down"),
        "-sdown" if kind == "slave" => format!("hears from {place} again"),
        "+odown" => {
            let (agree, needed) = word(5).split_once('/')?;
            format!("counts {agree} sentinels that call it down, {needed} are needed")
        }
        "+try-failover" => "stands for election".into(),
        "+vote-for-leader" => match letters.get(word(0)) {
            Some(letter) if letters.get(&event.from) == Some(letter) => {
                format!("votes for itself in epoch {}", word(1))
            }
            Some(letter) => format!("votes for {letter} in epoch {}", word(1)),
            None => return None,
        },
        "+elected-leader" => "is elected to lead".into(),
        "+selected-slave" => format!("chooses {place}, the replica with the most data"),
        "+promoted-slave" => format!("has made {place} a master"),
        "+switch-master" => format!("tells its clients: the master is {}:{}", word(3), word(4)),
        "+slave-reconf-sent" => format!("turns the replica {place} to the new master"),
        "+convert-to-slave" => format!("makes {place} a replica of the new master"),
        "-failover-abort-not-elected" => "was not elected, and tries again later".into(),
        "-failover-abort-no-good-slave" => "finds no replica fit to be promoted".into(),
        super::writer::STOPPED | super::writer::RESUMED => event.text.clone(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::sentence;
    use crate::{testing::Heard, types::Millis};

    #[test]
    fn a_vote_names_the_sentinel_it_is_for() {
        let letters = BTreeMap::from(
            [("aaa", "A"), ("sentinel-0", "A"), ("sentinel-1", "B")]
                .map(|(name, letter)| (name.to_owned(), letter.to_owned())),
        );

        assert_eq!(told("sentinel-1", "+vote-for-leader", "aaa 7", &letters), "votes for A in epoch 7");
        assert_eq!(told("sentinel-0", "+vote-for-leader", "aaa 7", &letters), "votes for itself in epoch 7");
    }

    #[test]
    fn the_quorum_is_told_in_words() {
        let text = "master demo 127.0.0.1 7001 #quorum 3/2";

        assert_eq!(told("A", "+odown", text, &BTreeMap::new()), "counts 3 sentinels that call it down, 2 are needed");
    }

    #[test]
    fn a_replica_that_is_down_is_not_part_of_the_story() {
        let event = heard("A", "+sdown", "slave 127.0.0.1:7002 127.0.0.1 7002 @ demo 127.0.0.1 7001");

        assert_eq!(sentence(&event, &BTreeMap::new()), None);
    }

    fn told(from: &str, channel: &str, text: &str, letters: &BTreeMap<String, String>) -> String {
        sentence(&heard(from, channel, text), letters).expect("the event is told")
    }

    fn heard(from: &str, channel: &str, text: &str) -> Heard {
        Heard { at: Millis::ZERO, from: from.into(), channel: channel.into(), text: text.into() }
    }
}
