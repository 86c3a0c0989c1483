//! Decides what is said on the hello channel, who is believed, and what a hello changes.
//!
//! Mirrors spec 5: exactly eight fields, one hello to each instance every two seconds, and at once when the
//! configuration changed. Stricter than the reference in what it accepts: every field has to be well-formed,
//! epochs may not jump, an address has to be usable before its epoch counts.

use super::{EventKind, Machine, Why};
use crate::{
    config::LogLevel,
    model::Errand,
    resp::Value,
    types::{Endpoint, Epoch, GroupId, MasterName, Millis, NodeId, Now, RunId},
};

/// The channel on which sentinels find each other.
pub(super) const CHANNEL: &str = "__sentinel__:hello";

/// What one hello says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Hello {
    sentinel: Endpoint,
    run_id: RunId,
    epoch: Epoch,
    master: MasterName,
    address: Endpoint,
    config_epoch: Epoch,
}

impl Machine {
    /// Says hello to an instance unless the last hello is still unanswered; its answer plans the next.
    pub(super) fn say_hello(&mut self, now: Now, node: NodeId) {
        if self.is_pending(node, Errand::Hello) {
            return self.say_hello_later(now, node);
        }
        if let Some(payload) = self.hello_for(node) {
            self.send(node, Errand::Hello, &["PUBLISH", CHANNEL, &payload]);
        }
    }

    /// A hello on its way may tell the former configuration, so another follows soon while ours is fresh.
    fn say_hello_later(&mut self, now: Now, id: NodeId) {
        let Some(group) = self.nodes.get(&id).and_then(|node| self.groups.get(&node.group)) else { return };
        let age = group.configured.map(|since| now.tick.since(since));
        if age.is_some_and(|age| age < self.settings.periods.publish) {
            self.deadlines.set(Why::Hello(id), now.tick.after(FIRST_REPEAT));
        }
    }

    fn hello_for(&self, node: NodeId) -> Option<String> {
        let node = self.nodes.get(&node)?;
        let group = self.groups.get(&node.group)?;
        let master = &self.nodes.get(&group.master)?.address;
        let local = self.links.get(&node.command)?.local?;
        let host = self.settings.announce_ip.clone().unwrap_or_else(|| local.to_string());
        let port = self.settings.announce_port.unwrap_or(self.settings.server.port);
        let address = master.announced(self.settings.host_style);
        Some(format!(
            "{host},{port},{},{},{},{address},{},{}",
            self.me,
            self.current_epoch,
            group.name,
            master.port(),
            group.config_epoch
        ))
    }

    /// A hello was taken, or refused: the next follows in two seconds, sooner to a peer that lags behind.
    pub(super) fn hello_answered(&mut self, now: Now, id: NodeId, value: &Value) {
        let publish = self.settings.periods.publish;
        let is_taken = !matches!(value, Value::Error(_));
        let Some(node) = self.nodes.get_mut(&id) else { return };
        if is_taken {
            node.hello_acknowledged = now.tick;
        }
        let group = &self.groups[&node.group];
        let lags = node.peer().is_some_and(|peer| peer.config_epoch < group.config_epoch);
        let wait = match group.configured {
            Some(since) if lags => now.tick.since(since).max(FIRST_REPEAT).min(publish),
            Some(_) | None => publish,
        };
        self.deadlines.bring_forward(Why::Hello(id), now.tick.after(wait));
    }

    /// Tells everybody the configuration of a group at once.
    pub(super) fn spread(&mut self, now: Now, group: GroupId) {
        if let Some(group) = self.groups.get_mut(&group) {
            group.configured = Some(now.tick);
        }
        for node in self.members(group) {
            if self.is_connected(node) {
                self.deadlines.set(Why::Hello(node), now.tick);
            }
        }
    }

    /// Digests a hello, heard on a server or sent straight to this sentinel's port.
    pub(super) fn hear_hello(&mut self, now: Now, payload: &[u8]) {
        let hello = match Hello::parse(payload) {
            Ok(hello) => hello,
            Err(reason) => return self.refuse_hello(now, None, reason),
        };
        if hello.run_id == self.me {
            return;
        }
        let Some(&group) = self.names.get(&hello.master) else { return };
        if !self.is_usable(&hello.sentinel) {
            return self.refuse_hello(now, Some(group), "the sentinel's host is a name, and names are not looked up");
        }
        let ahead = hello.epoch.max(hello.config_epoch).ahead_of(self.current_epoch);
        if ahead > LONGEST_EPOCH_JUMP {
            let text = format!("Hello of {} refused: epoch {} jumps too far ahead", hello.run_id, hello.epoch);
            self.log(LogLevel::Warning, text);
            return;
        }
        let Some(peer) = self.recognise(now, group, &hello) else { return };
        // Of a configuration newer than the sentinel's own epoch only a forger tells; an attempt has to beat it all the same.
        if self.raise_epoch(now, hello.epoch.max(hello.config_epoch)) {
            self.publish(now, EventKind::NewEpoch, Some(group), self.current_epoch.to_string());
            self.save(None);
        }
        self.consider_config(now, group, peer, &hello);
        self.note_hello(now, group, peer, hello.config_epoch);
    }

    fn refuse_hello(&mut self, now: Now, group: Option<GroupId>, reason: &str) {
        self.publish(now, EventKind::HelloRejected, group, format!("#{reason}"));
    }

    /// Whether an address can be dialled: numeric, or a name while names are looked up.
    fn is_usable(&self, address: &Endpoint) -> bool {
        !address.is_name() || self.settings.resolve_hostnames
    }

    /// Finds the peer that says hello, or takes it in; it may have moved, or have taken another's place.
    fn recognise(&mut self, now: Now, group: GroupId, hello: &Hello) -> Option<NodeId> {
        if let Some(&peer) = self.groups.get(&group)?.peers.get(&hello.run_id) {
            if !self.nodes.get(&peer)?.address.is_same(&hello.sentinel) {
                self.move_peer(now, group, peer, hello);
            }
            return Some(peer);
        }
        self.dismiss_usurped(now, group, &hello.sentinel);
        let peer = self.add_peer(now, group, hello.sentinel.clone(), hello.run_id.clone())?;
        self.publish_node(now, EventKind::Sentinel, peer);
        self.save(None);
        Some(peer)
    }

    /// A known peer has another address: its records under all masters follow.
    fn move_peer(&mut self, now: Now, group: GroupId, peer: NodeId, hello: &Hello) {
        let address = &hello.sentinel;
        let master = self.describe(self.groups[&group].master);
        let host = address.announced(self.settings.host_style);
        let text = format!("{master} ip {host} port {} for {}", address.port(), hello.run_id);
        self.publish(now, EventKind::SentinelAddressSwitch, Some(group), text);
        let twins: Vec<NodeId> =
            self.groups.values().filter_map(|other| other.peers.get(&hello.run_id)).copied().collect();
        for &twin in &twins {
            self.redirect(now, twin, address);
        }
        if twins.len() > 1 {
            let text = format!("{} {} additional matching instances", self.describe(peer), twins.len() - 1);
            self.publish(now, EventKind::SentinelAddressUpdate, Some(group), text);
        }
        self.save(None);
    }

    /// Another identity at this address means that the old one is gone, under every master.
    fn dismiss_usurped(&mut self, now: Now, group: GroupId, address: &Endpoint) {
        let taken = self.peers(group).into_iter().find(|peer| self.nodes[peer].address.is_same(address));
        let Some(old) = taken else { return };
        self.publish_node(now, EventKind::SentinelInvalidAddr, old);
        let Some(run_id) = self.nodes.get(&old).and_then(|node| node.run_id.clone()) else { return };
        let gone: Vec<NodeId> = self.groups.values_mut().filter_map(|group| group.peers.remove(&run_id)).collect();
        for node in gone {
            self.drop_node(node);
        }
    }

    /// Takes over a newer configuration.
    fn consider_config(&mut self, now: Now, id: GroupId, peer: NodeId, hello: &Hello) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        if hello.config_epoch <= group.config_epoch {
            return;
        }
        let current = self.nodes[&group.master].address.clone();
        if current.is_same(&hello.address) {
            group.config_epoch = hello.config_epoch;
            self.save(None);
            return;
        }
        if !self.is_usable(&hello.address) {
            return self.refuse_hello(now, Some(id), "the master's host is a name, and names are not looked up");
        }
        if let Some(group) = self.groups.get_mut(&id) {
            group.config_epoch = hello.config_epoch;
        }
        self.publish_node(now, EventKind::ConfigUpdateFrom, peer);
        self.follow_switch(now, id, &hello.address);
    }

    fn note_hello(&mut self, now: Now, group: GroupId, id: NodeId, config_epoch: Epoch) {
        let ours = self.groups[&group].config_epoch;
        let Some(peer) = self.nodes.get_mut(&id).and_then(|node| node.peer_mut()) else { return };
        peer.last_hello = now.tick;
        let learnt = config_epoch > peer.config_epoch;
        peer.config_epoch = config_epoch;
        if config_epoch < ours && self.is_connected(id) && !self.is_pending(id, Errand::Hello) {
            self.deadlines.bring_forward(Why::Hello(id), now.tick.after(FIRST_REPEAT));
        }
        if learnt {
            self.confirmed_by_peer(now, group);
        }
    }

    /// Whether a majority of the sentinels, this one included, is known to share our configuration.
    pub(super) fn is_confirmed(&self, group: GroupId) -> bool {
        let group = &self.groups[&group];
        let agreeing = group
            .peers
            .values()
            .filter(|peer| self.nodes[peer].peer().is_some_and(|peer| peer.config_epoch >= group.config_epoch));
        agreeing.count() + 1 > group.voters() / 2
    }
}

impl Hello {
    /// Reads the eight fields; the error says which of them is not as it should be.
    fn parse(payload: &[u8]) -> Result<Self, &'static str> {
        if payload.len() > LONGEST_HELLO {
            return Err("the hello is too long");
        }
        let text = std::str::from_utf8(payload).map_err(|_| "the hello is not text")?;
        let fields: Vec<&str> = text.split(',').collect();
        let [host, port, run_id, epoch, master, master_host, master_port, config_epoch] = fields[..] else {
            return Err("the hello does not have eight fields");
        };
        let run_id = RunId::parse(run_id).filter(|id| id.as_str().bytes().all(|b| b.is_ascii_hexdigit()));
        Ok(Self {
            sentinel: address(host, port).ok_or("the sentinel's address is not valid")?,
            run_id: run_id.ok_or("the run id is not 40 hex characters")?,
            epoch: number(epoch).ok_or("the epoch is not a number")?,
            master: MasterName::parse(master).ok_or("the master's name is not valid")?,
            address: address(master_host, master_port).ok_or("the master's address is not valid")?,
            config_epoch: number(config_epoch).ok_or("the config epoch is not a number")?,
        })
    }
}

fn address(host: &str, port: &str) -> Option<Endpoint> {
    let port = port.bytes().all(|b| b.is_ascii_digit()).then(|| port.parse().ok())??;
    Endpoint::parse(host, port).filter(|endpoint| endpoint.port() != 0)
}

fn number(text: &str) -> Option<Epoch> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok().map(Epoch::new))?
}

/// Epochs further ahead than this are refused: one forged 2^64-1 would block failovers for good.
pub(super) const LONGEST_EPOCH_JUMP: u64 = 1 << 32;

/// The first repetition of a hello to a peer that does not know the configuration yet; doubling by age.
const FIRST_REPEAT: Millis = Millis::new(50);

/// Bytes of a hello; the reference sends at most 1069.
const LONGEST_HELLO: usize = 1069;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hello_needs_eight_well_formed_fields() {
        let id = "a".repeat(40);
        let good = format!("127.0.0.1,26379,{id},3,mymaster,127.0.0.1,6379,2");
        assert!(Hello::parse(good.as_bytes()).is_ok());

        for bad in [
            String::new(),
            "a,b".into(),
            format!("{good},extra"),
            format!(",26379,{id},3,mymaster,127.0.0.1,6379,2"),
            format!("127.0.0.1,0,{id},3,mymaster,127.0.0.1,6379,2"),
            format!("127.0.0.1,65536,{id},3,mymaster,127.0.0.1,6379,2"),
            format!("127.0.0.1,26379 ,{id},3,mymaster,127.0.0.1,6379,2"),
            format!("127.0.0.1,26379,{},3,mymaster,127.0.0.1,6379,2", "a".repeat(39)),
            format!("127.0.0.1,26379,{},3,mymaster,127.0.0.1,6379,2", "z".repeat(40)),
            format!("127.0.0.1,26379,{id},-1,mymaster,127.0.0.1,6379,2"),
            format!("127.0.0.1,26379,{id},+1,mymaster,127.0.0.1,6379,2"),
            format!("127.0.0.1,26379,{id},0x10,mymaster,127.0.0.1,6379,2"),
            format!("127.0.0.1,26379,{id},18446744073709551616,mymaster,127.0.0.1,6379,2"),
            format!("127.0.0.1,26379,{id},3,,127.0.0.1,6379,2"),
            format!("127.0.0.1,26379,{id},3,mymaster,,6379,2"),
            format!("127.0.0.1,26379,{id},3,mymaster,127.0.0.1,6379,2\n"),
        ] {
            assert!(Hello::parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }
}
