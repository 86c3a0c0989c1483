//! Decides what each `sentinel` directive does to the settings.
//!
//! Mirrors spec 1.6. Repetitions that the reference itself writes (a replica as `known-slave` and as `known-replica`)
//! are taken once.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::{MasterSettings, Outside, Settings, directive, number, read::Origin};
use crate::types::{Endpoint, HostStyle, MasterName, Millis, RunId, Secret};

/// The settings while `sentinel` directives take effect.
pub(super) struct Masters {
    pub(super) settings: Settings,
    index: BTreeMap<String, usize>,
    replicas: BTreeSet<(usize, Place)>,
    peers: BTreeMap<(usize, RunId), (usize, Origin)>,
    renamed: BTreeMap<(usize, String), (usize, Origin)>,
}

/// Why a directive cannot take effect.
pub(super) struct Fault {
    pub(super) message: String,
    /// What the log says before.
    pub(super) remark: Option<String>,
}

/// An address as far as it tells two records apart.
type Place = (Option<IpAddr>, String, u16);

impl From<&str> for Fault {
    fn from(message: &str) -> Self {
        Self { message: message.to_owned(), remark: None }
    }
}

impl Masters {
    /// No master yet, with these server settings.
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            index: BTreeMap::new(),
            replicas: BTreeSet::new(),
            peers: BTreeMap::new(),
            renamed: BTreeMap::new(),
        }
    }

    /// Lets one directive take effect; `words` follow the word `sentinel`.
    pub(super) fn take(&mut self, words: &[String], origin: Origin, outside: &mut dyn Outside) -> Result<(), Fault> {
        let (name, rest) = words.split_first().ok_or(UNKNOWN)?;
        let known = directive::sentinel(name).filter(|known| known.words.fit(rest.len())).ok_or(UNKNOWN)?;
        match (known.name, rest) {
            ("monitor", [name, host, port, quorum]) => self.monitor(name, host, port, quorum),
            ("known-replica", [name, host, port]) => self.known_replica(name, host, port),
            ("known-sentinel", [name, host, port, id]) => self.known_sentinel(name, (host, port), id, origin),
            // The form of Redis 2.8.0, which names no identity; the peer is found again by its hello.
            ("known-sentinel", _) => Ok(()),
            ("rename-command", [name, command, sent]) => self.rename_command(name, command, sent, origin),
            ("config-epoch", [name, epoch]) => self.config_epoch(name, epoch),
            ("leader-epoch", [name, epoch]) => self.leader_epoch(name, epoch),
            (option, [name, value]) => self.master_option(option, name, value, outside),
            (option, [value]) => self.own_option(option, value),
            _ => Err(UNKNOWN.into()),
        }
    }

    /// A directive about this sentinel itself.
    fn own_option(&mut self, option: &str, value: &str) -> Result<(), Fault> {
        let settings = &mut self.settings;
        match option {
            "myid" => settings.my_id = Some(RunId::parse(value).ok_or("Malformed Sentinel id in myid option.")?),
            "current-epoch" => settings.current_epoch = settings.current_epoch.max(number::epoch(value).ok_or(EPOCH)?),
            "announce-ip" => {
                let is_host = value.is_empty() || Endpoint::parse(value, 0).is_some();
                is_host.then_some(()).ok_or("announce-ip must not hold blanks, commas or control characters.")?;
                settings.announce_ip = some_text(value);
            }
            "announce-port" => {
                let port = u16::try_from(number::leading(value)).map_err(|_| PORT)?;
                settings.announce_port = (port != 0).then_some(port);
            }
            "deny-scripts-reconfig" => {
                settings.deny_scripts_reconfig =
                    yes_or_no(value).ok_or("Please specify yes or no for the deny-scripts-reconfig options.")?;
            }
            "resolve-hostnames" => {
                settings.resolve_hostnames =
                    yes_or_no(value).ok_or("Please specify yes or no for the resolve-hostnames option.")?;
            }
            "announce-hostnames" => {
                let by_name = yes_or_no(value).ok_or("Please specify yes or no for the announce-hostnames option.")?;
                settings.host_style = if by_name { HostStyle::Name } else { HostStyle::Ip };
            }
            "sentinel-user" => settings.sentinel_user = some_text(value),
            "sentinel-pass" => settings.sentinel_pass = some_secret(value),
            _ => return Err(UNKNOWN.into()),
        }
        Ok(())
    }

    /// A directive about one master with one value.
    fn master_option(&mut self, option: &str, name: &str, value: &str, outside: &mut dyn Outside) -> Result<(), Fault> {
        let index = self.find(name)?;
        let master = &mut self.settings.masters[index];
        match option {
            "down-after-milliseconds" => master.down_after = positive(value)?,
            "failover-timeout" => master.failover_timeout = positive(value)?,
            "parallel-syncs" => master.parallel_syncs = number::leading(value),
            "master-reboot-down-after-period" => {
                let ms = u64::try_from(number::leading(value)).map_err(|_| "negative time parameter.")?;
                master.reboot_down_after = Millis::new(ms);
            }
            "notification-script" => {
                master.notification_script =
                    script(value, outside).ok_or("Notification script seems non existing or non executable.")?;
            }
            "client-reconfig-script" => {
                master.client_reconfig_script = script(value, outside)
                    .ok_or("Client reconfiguration script seems non existing or non executable.")?;
            }
            "auth-pass" => master.auth_pass = some_secret(value),
            "auth-user" => master.auth_user = some_text(value),
            _ => return Err(UNKNOWN.into()),
        }
        Ok(())
    }

    /// Creates a master.
    fn monitor(&mut self, name: &str, host: &str, port: &str, quorum: &str) -> Result<(), Fault> {
        let quorum = u32::try_from(number::leading(quorum)).unwrap_or(0);
        if quorum == 0 {
            return Err("Quorum must be 1 or greater.".into());
        }
        let address = self.address(host, port)?;
        let known_as = MasterName::parse(name)
            .ok_or("Master names are 1 to 255 bytes without blanks, commas and control characters.")?;
        if self.index.contains_key(name) {
            return Err("Duplicate master name.".into());
        }
        self.index.insert(name.to_owned(), self.settings.masters.len());
        let master = MasterSettings::new(known_as, address, quorum, &self.settings.periods);
        self.settings.masters.push(master);
        Ok(())
    }

    /// Adds a replica, unless it is known already or is the master itself.
    fn known_replica(&mut self, name: &str, host: &str, port: &str) -> Result<(), Fault> {
        let index = self.find(name)?;
        let address = self.address(host, port)?;
        let is_master = self.settings.masters[index].address.is_same(&address);
        if !is_master && self.replicas.insert((index, place(&address))) {
            self.settings.masters[index].replicas.push(address);
        }
        Ok(())
    }

    /// Adds a peer; of two addresses for one identity, the text itself overrules an included file.
    fn known_sentinel(&mut self, name: &str, place: (&str, &str), id: &str, origin: Origin) -> Result<(), Fault> {
        let index = self.find(name)?;
        let address = self.address(place.0, place.1)?;
        let id = RunId::parse(id).ok_or("Malformed Sentinel id in known-sentinel option.")?;
        let peers = &mut self.settings.masters[index].sentinels;
        match self.peers.get(&(index, id.clone())).copied() {
            None => {
                self.peers.insert((index, id.clone()), (peers.len(), origin));
                peers.push((address, id));
            }
            Some((at, _)) if peers[at].0 == address => {}
            Some((_, Origin::Main)) if origin == Origin::Included => {}
            Some((at, Origin::Included)) if origin == Origin::Main => {
                self.peers.insert((index, id), (at, origin));
                peers[at].0 = address;
            }
            Some(_) => return Err("Duplicate runid for sentinel.".into()),
        }
        Ok(())
    }

    /// Notes that the servers know a command by another name; the text itself overrules an included file.
    fn rename_command(&mut self, name: &str, command: &str, sent: &str, origin: Origin) -> Result<(), Fault> {
        let index = self.find(name)?;
        let renamed = &mut self.settings.masters[index].renamed_commands;
        let key = (index, command.to_ascii_lowercase());
        match self.renamed.get(&key).copied() {
            None => {
                self.renamed.insert(key, (renamed.len(), origin));
                renamed.push((command.to_owned(), sent.to_owned()));
            }
            Some((_, Origin::Main)) if origin == Origin::Included => {}
            Some((at, Origin::Included)) if origin == Origin::Main => {
                self.renamed.insert(key, (at, origin));
                renamed[at] = (command.to_owned(), sent.to_owned());
            }
            Some(_) => return Err("Same command renamed multiple times with rename-command.".into()),
        }
        Ok(())
    }

    /// Sets the version of a master's address; of several the newest holds.
    fn config_epoch(&mut self, name: &str, epoch: &str) -> Result<(), Fault> {
        let index = self.find(name)?;
        let epoch = number::epoch(epoch).ok_or(EPOCH)?;
        let master = &mut self.settings.masters[index];
        master.config_epoch = master.config_epoch.max(epoch);
        self.settings.current_epoch = self.settings.current_epoch.max(epoch);
        Ok(())
    }

    /// Sets the epoch of the last vote; of several the newest holds, because no vote may be forgotten.
    fn leader_epoch(&mut self, name: &str, epoch: &str) -> Result<(), Fault> {
        let index = self.find(name)?;
        let epoch = number::epoch(epoch).ok_or(EPOCH)?;
        let master = &mut self.settings.masters[index];
        master.leader_epoch = master.leader_epoch.max(epoch);
        Ok(())
    }

    /// The master of that name.
    fn find(&self, name: &str) -> Result<usize, Fault> {
        self.index.get(name).copied().ok_or_else(|| "No such master with specified name.".into())
    }

    /// The address of a host and port; a name is left to be looked up, when names may be.
    fn address(&self, host: &str, port: &str) -> Result<Endpoint, Fault> {
        let port = u16::try_from(number::leading(port)).map_err(|_| PORT)?;
        Endpoint::parse(host, port).filter(|address| self.settings.resolve_hostnames || !address.is_name()).ok_or_else(
            || Fault {
                message: "Can't resolve instance hostname.".to_owned(),
                remark: Some(format!("Failed to resolve hostname '{host}'")),
            },
        )
    }
}

/// What tells the address from others: the IP, or the name where there is none.
fn place(address: &Endpoint) -> Place {
    let name = if address.ip().is_some() { String::new() } else { address.host().to_ascii_lowercase() };
    (address.ip(), name, address.port())
}

/// A time that must not be zero.
fn positive(value: &str) -> Result<Millis, Fault> {
    u64::try_from(number::leading(value))
        .ok()
        .filter(|ms| *ms > 0)
        .map(Millis::new)
        .ok_or_else(|| "negative or zero time parameter.".into())
}

/// The script's path, or none for an empty one; `None` when it cannot be run.
#[expect(clippy::option_option, reason = "no script is a value, a script that cannot be run is a fault")]
fn script(path: &str, outside: &mut dyn Outside) -> Option<Option<String>> {
    (path.is_empty() || outside.is_executable(path)).then(|| some_text(path))
}

/// What `yes` and `no` mean, in any case.
pub(super) fn yes_or_no(value: &str) -> Option<bool> {
    match value {
        yes if yes.eq_ignore_ascii_case("yes") => Some(true),
        no if no.eq_ignore_ascii_case("no") => Some(false),
        _ => None,
    }
}

/// The text, or none when it is empty.
pub(super) fn some_text(value: &str) -> Option<String> {
    (!value.is_empty()).then(|| value.to_owned())
}

/// The secret, or none when it is empty.
pub(super) fn some_secret(value: &str) -> Option<Secret> {
    (!value.is_empty()).then(|| Secret::new(value))
}

const UNKNOWN: &str = "Unrecognized sentinel configuration statement.";
const PORT: &str = "Invalid port number.";
const EPOCH: &str = "Epochs must be below 9223372036854775808.";
